-- title:  Busy hour
-- asks:   How much traffic does each platform, trunk and site carry in its busy hour, and when is that?
-- grain:  one row per platform, trunk or site that held a call on the days counted; one set of days for all of a kind, so that they can be added up
-- param:  kind          text  = ''   only these: platform, trunk or site; '' for all
-- param:  busiest_days  int   = 30   of the days on which every source is covered, so many of the busiest of the whole estate; 0 for all
-- param:  site_days     int   = 5    of those days, so many of the busiest for sites, whose calls have to be read one by one; 0 for all of them
-- param:  weekends      int   = 0    1 takes weekends and bank holidays too
-- param:  fixed_minute  int   = 600  minute of the day at which the fixed hour begins; a quarter-hour, or the one before it
-- param:  with_long     int   = 0    1 counts calls of more than 4 hours too; left out, since most are calls that nobody hung up; of sites, on two days at most
-- setting: as_of
-- setting: window_days
-- column: kind          text   -        platform, trunk, site
-- column: source        text   -        configured source; null for a site, which may have phones on several
-- column: name          text   -        source, trunk or site code; a leg is of the sites of its two ends, who called and where it ended, once of each
-- column: about         text   -        format of the source, kind of the trunk and who is at its end, name of the site
-- column: days          int    days     days counted; one on which it held no call counts as one with nothing
-- column: busy_hour     text   -        start of the time-consistent busy hour: the four neighbouring quarter-hours of one day that carry most over all the days, the first where several are alike
-- column: tcbh          float  erlangs  mean traffic of that hour, ring and talk
-- column: tcbh_margin   float  erlangs  1.96 standard errors of that mean, either way; null for one day
-- column: adph          float  erlangs  average daily peak hour: mean of the best hour of each day, whenever it is
-- column: fdmh          float  erlangs  fixed daily measured hour: mean traffic of the hour from fixed_hour
-- column: fixed_hour    text   -        start of the fixed hour
-- column: peak_quarter  float  erlangs  traffic of the busiest quarter-hour of all
-- column: peak_on       date   -        its day, the first where several are alike
-- column: peak_at       text   -        its start
with digits as (
    select n
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) d (n)
),

counted as (
    select 10 * tens.n + ones.n as n
    from digits tens
    cross join digits ones
    where 10 * tens.n + ones.n < 96
),

steps as (
    -- a leg that ends so many seconds of whole quarters after the one it began in lies in these
    select 900 * span.n as span_s, 900 * step.n as step_s
    from counted span
    join counted step on step.n <= span.n
),

chosen as (
    -- the days, with how many they are; and the day before each, from which a call may run in
    select
        d.local_day,
        d.place,
        case when $busiest_days = 0 then d.places else least($busiest_days, d.places) end as days,
        b.days_before,
        d.local_day - b.days_before as begun_on
    from (
        select
            local_day,
            case when $weekends = 1 then place else working_place end as place,
            case when $weekends = 1 then places else working_places end as places
        from busy_days
    ) d
    cross join (select 0 as days_before union all select 1) b
    where d.place is not null
        and ($busiest_days = 0 or d.place <= $busiest_days)
    -- never reached: it tells the engine that these are few, which it then looks up in the legs and not the other way round
    limit 10000
),

loads as (
    -- legs for the sites; for platforms and trunks whole quarter-hours; together, so that the days are looked up once
    select
        'site' as kind,
        source,
        cast(null as text) as of_source,
        cast(null as text) as of_trunk,
        caller_ext,
        callee_ext,
        local_day,
        cast(local_minute as bigint) * 60 + cast(floor(extract(second from started_at)) as bigint) as from_s,
        cast(coalesce(ring_s, 0) as bigint) + talk_s as held_s
    from legs
    where part <> 'system'
        and $kind in ('', 'site')
    union all
    select
        kind,
        source,
        source as of_source,
        case kind when 'trunk' then name end,
        null,
        null,
        local_day,
        900 * quarter,
        case when $with_long = 1 then held_s else held_s - long_s end
    from busy_quarters
    where $kind = ''
        or kind = $kind
),

held as (
    -- from which until which second of the day
    select
        l.kind,
        l.source,
        l.of_source,
        l.of_trunk,
        l.caller_ext,
        l.callee_ext,
        c.local_day,
        c.days,
        greatest(l.from_s - 86400 * c.days_before, 0) as from_s,
        case l.kind
            when 'site' then least(l.from_s + l.held_s - 86400 * c.days_before, 86400)
            else l.from_s + 900
        end as until_s,
        l.held_s
    from chosen c
    join loads l on c.begun_on = l.local_day
    where l.held_s > 0
        and case l.kind
            when 'site' then l.from_s + l.held_s > 86400 * c.days_before
                and ($with_long = 1 or l.held_s <= 14400)
                and ($site_days = 0 or c.place <= $site_days)
            else c.days_before = 0
        end
),

numbered as (
    -- a number is quicker to count by than a name
    select site, row_number() over (order by site) as site_no
    from (select distinct site from register where site is not null) r
),

phones as (
    select r.source, r.extension, n.site_no
    from register r
    join numbered n on r.site = n.site
),

called as (
    -- the small side first: it is the one that is hashed
    select h.*, p.site_no as caller_site
    from phones p
    right join held h on p.source = h.source and p.extension = h.caller_ext
),

answered as (
    select c.*, p.site_no as callee_site
    from phones p
    right join called c on p.source = c.source and p.extension = c.callee_ext
),

ends as (
    -- a leg counts once for each site that had an end of it; 0 is no site
    select
        of_source,
        of_trunk,
        case
            when is_callee = 0 then case when kind = 'site' then caller_site else 0 end
            when callee_site is distinct from caller_site then callee_site
        end as site_no,
        local_day,
        days,
        from_s,
        until_s,
        case when kind <> 'site' then held_s end as quarter_held_s,
        from_s - from_s % 900 as quarter_s,
        until_s - 1 - (until_s - 1) % 900 - (from_s - from_s % 900) as span_s
    from answered
    cross join (values (0), (1)) e (is_callee)
),

carried as (
    select
        e.site_no,
        e.of_source,
        e.of_trunk,
        e.local_day,
        cast((e.quarter_s + s.step_s) / 900 as bigint) as quarter,
        max(e.days) as days,
        sum(
            coalesce(
                e.quarter_held_s,
                least(e.until_s, e.quarter_s + s.step_s + 900) - greatest(e.from_s, e.quarter_s + s.step_s)
            )
        ) as held_s
    from steps s
    join ends e on s.span_s = e.span_s
    where e.site_no is not null
    group by e.site_no, e.of_source, e.of_trunk, e.local_day, cast((e.quarter_s + s.step_s) / 900 as bigint)
),

starts as (
    -- a quarter belongs to the four hours that begin with it or up to 45 minutes before
    select
        site_no,
        of_source,
        of_trunk,
        local_day,
        days,
        quarter,
        quarter - before as starts,
        held_s
    from carried
    cross join (values (0), (1), (2), (3)) b (before)
),

hours as (
    select
        site_no,
        of_source,
        of_trunk,
        local_day,
        starts,
        max(days) as days,
        cast(sum(held_s) as bigint) as held_s,
        cast(sum(case when starts = quarter then held_s else 0 end) as bigint) as quarter_s
    from starts
    where starts >= 0
    group by site_no, of_source, of_trunk, local_day, starts
),

sums as (
    -- over the days for each start, and the best of each day; an hour that would reach into the next day is none
    select
        site_no,
        of_source,
        of_trunk,
        local_day,
        starts,
        grouping(local_day) as is_start,
        max(days) as days,
        sum(case when starts <= 92 then held_s end) as held_s,
        sum(case when starts <= 92 then held_s * held_s end) as squares,
        max(case when starts <= 92 then held_s end) as best_s,
        max(quarter_s * 96 + 95 - starts) as quarter_code
    from hours
    group by grouping sets ((site_no, of_source, of_trunk, starts), (site_no, of_source, of_trunk, local_day))
),

ranked as (
    select
        *,
        row_number() over (
            partition by site_no, of_source, of_trunk, is_start
            order by
                case when is_start = 1 then held_s else quarter_code - quarter_code % 96 end desc nulls last,
                starts,
                local_day
        ) as place
    from sums
),

found as (
    select
        site_no,
        of_source,
        of_trunk,
        max(days) as days,
        max(case when is_start = 1 and place = 1 then starts end) as busy_start,
        cast(max(case when is_start = 1 and place = 1 then held_s end) as double) as busy_s,
        cast(max(case when is_start = 1 and place = 1 then squares end) as double) as busy_squares,
        cast(sum(case when is_start = 0 then best_s end) as double) as best_s,
        cast(max(case when is_start = 1 and starts = least(92, ($fixed_minute - $fixed_minute % 15) / 15) then held_s end) as double)
            as fixed_s,
        cast(max(case when is_start = 0 and place = 1 then quarter_code end) as bigint) as quarter_code,
        max(case when is_start = 0 and place = 1 then local_day end) as peak_on
    from ranked
    group by site_no, of_source, of_trunk
),

named as (
    select
        case when f.site_no > 0 then 'site' when f.of_trunk is null then 'platform' else 'trunk' end as kind,
        f.of_source as source,
        coalesce(n.site, f.of_trunk, f.of_source) as name,
        coalesce(p.name, case when t.party is null then t.kind else t.kind || ', ' || t.party end, s.platform) as about,
        case when f.site_no = 0 or $site_days = 0 then f.days else least($site_days, f.days) end as days,
        f.busy_start,
        f.busy_s,
        f.busy_squares,
        f.best_s,
        coalesce(f.fixed_s, 0) as fixed_s,
        cast(least(92, ($fixed_minute - $fixed_minute % 15) / 15) as bigint) as fixed_start,
        (f.quarter_code - f.quarter_code % 96) / 96 as peak_s,
        95 - f.quarter_code % 96 as peak_start,
        f.peak_on
    from found f
    left join numbered n on f.site_no = n.site_no
    left join sites_in_force p on n.site = p.site
    left join trunks_in_force t on f.of_source = t.source and f.of_trunk = t.trunk
    left join sources s on f.of_source = s.source and f.of_trunk is null
    where f.busy_s > 0
)

select
    kind,
    source,
    name,
    about,
    days,
    lpad(cast(cast((busy_start - busy_start % 4) / 4 as bigint) as text), 2, '0')
        || ':' || lpad(cast(15 * (busy_start % 4) as text), 2, '0') as busy_hour,
    round(1000 * busy_s / days / 3600) / 1000 as tcbh,
    round(
        1000 * 1.96 * sqrt(greatest(busy_squares - busy_s * busy_s / days, 0) / nullif(days * (days - 1), 0)) / 3600
    ) / 1000 as tcbh_margin,
    round(1000 * best_s / days / 3600) / 1000 as adph,
    round(1000 * fixed_s / days / 3600) / 1000 as fdmh,
    lpad(cast(cast((fixed_start - fixed_start % 4) / 4 as bigint) as text), 2, '0')
        || ':' || lpad(cast(15 * (fixed_start % 4) as text), 2, '0') as fixed_hour,
    round(1000 * cast(peak_s as double) / 900) / 1000 as peak_quarter,
    peak_on,
    lpad(cast(cast((peak_start - peak_start % 4) / 4 as bigint) as text), 2, '0')
        || ':' || lpad(cast(15 * (peak_start % 4) as text), 2, '0') as peak_at
from named
order by kind, source, name
