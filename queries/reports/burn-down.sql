-- title:  Burn-down
-- asks:   How many lines of the platforms to be switched off are still used, week by week, and how does that compare with a straight line to the day they cease?
-- grain:  one row per week (Monday to Sunday), source of those platforms and site with a line or a use there; sum over sites or sources as needed
-- param:  legacy    text  = 'cisco-cucm mitel-smdr'  platforms to be switched off, parted by blanks
-- param:  cease_on  text  = ''  day they cease, such as 2024-05-31; '' for no line
-- param:  weeks     int   = 26  how many weeks up to as_of, within the window
-- param:  source    text  = ''  only this source; '' for all
-- param:  site      text  = ''  only this site; '' for all
-- setting: as_of
-- setting: window_days
-- column: week_from      date  -      its Monday; weeks that begin before the window are left out, the last one may not be over
-- column: platform       text  -      format of the source
-- column: source         text  -      configured source
-- column: site           text  -      site code; (none) where the register has none; (not registered) for numbers it does not know
-- column: site_name      text  -      its name
-- column: covered_days   int   days   days of the week on which the source has whole records; fewer than 7 show less use than there was
-- column: lines          int   count  registered lines that somebody could use, installed by the end of the week
-- column: lines_used     int   count  of those, used that week
-- column: uses           int   legs   made or answered
-- column: planned_lines  float count  lines_used of the source's first whole covered week (or else its first covered one), brought down in a straight line to none on cease_on, on the Monday; null before that week and without cease_on
with legacy as (
    select source, platform
    from sources
    where strpos(' ' || $legacy || ' ', ' ' || platform || ' ') > 0
        and ($source = '' or source = $source)
),

week_days as (
    select k.day, k.day - (k.isodow - 1) as week_from
    from calendar k
    cross join settings s
    where k.day <= s.as_of
        and k.day - (k.isodow - 1) > s.as_of - s.window_days
        and k.day - (k.isodow - 1) > s.as_of - 7 * $weeks
),

weeks as (
    -- every source has its own: how much of a week is covered differs
    select c.source, c.platform, d.week_from, count(v.local_day) as covered_days
    from legacy c
    cross join week_days d
    left join coverage v on c.source = v.source and d.day = v.local_day
    group by c.source, c.platform, d.week_from
),

started as (
    select
        w.*,
        coalesce(
            min(case when covered_days = 7 then week_from end) over (partition by source),
            min(case when covered_days > 0 then week_from end) over (partition by source)
        ) as start_from
    from weeks w
),

places as (
    -- numbered: use is then grouped by numbers and no text; 0 is for what is not registered
    select source, site, row_number() over (order by source, site) as place_no
    from (select distinct source, coalesce(site, '(none)') as site from register) r
),

used as (
    select w.source, coalesce(p.place_no, 0) as place_no, w.week_from, w.lines_used, w.uses
    from site_weeks w
    left join places p on w.source = p.source and w.site = p.site
),

installed as (
    select p.source, p.site, p.place_no, r.installed_on, count(*) as n
    from places p
    join register r on p.source = r.source and p.site = coalesce(r.site, '(none)')
    where coalesce(r.device_kind, '') <> 'virtual'
    group by p.source, p.site, p.place_no, r.installed_on
    union all
    select source, '(not registered)' as site, 0 as place_no, cast(null as date) as installed_on, 0 as n
    from legacy
),

grid as (
    select
        i.source,
        i.site,
        i.place_no,
        w.platform,
        w.week_from,
        w.covered_days,
        w.start_from,
        sum(case when i.installed_on >= w.week_from + 7 then 0 else i.n end) as n
    from started w
    join installed i on w.source = i.source
    group by i.source, i.site, i.place_no, w.platform, w.week_from, w.covered_days, w.start_from
),

filled as (
    select
        g.*,
        coalesce(u.lines_used, 0) as lines_used,
        coalesce(u.uses, 0) as uses,
        cast(nullif($cease_on, '') as date) as cease_on,
        max(case when g.week_from = g.start_from then coalesce(u.lines_used, 0) end)
            over (partition by g.source, g.place_no) as start_used
    from grid g
    left join used u on g.source = u.source and g.place_no = u.place_no and g.week_from = u.week_from
)

select
    f.week_from,
    f.platform,
    f.source,
    f.site,
    s.name as site_name,
    f.covered_days,
    f.n as "lines",
    f.lines_used,
    f.uses,
    case
        when f.week_from >= f.start_from and f.cease_on > f.start_from then
            round(
                10 * f.start_used * cast(greatest(f.cease_on - f.week_from, 0) as double) / (f.cease_on - f.start_from)
            ) / 10
    end as planned_lines
from filled f
left join sites_in_force s on f.site = s.site
where $site = '' or f.site = $site
order by f.week_from, f.platform, f.source, f.site
