-- title:  Incidents
-- asks:   When did a trunk or a site fall silent that usually carries calls, and how many were lost?
-- grain:  one row per trunk or site and spell of silence, up to the next call; sites are judged by whole days, trunks by hours too
-- param:  source  text   = ''  only this source; '' for all
-- param:  kind    text   = ''  trunk or site; '' for both
-- param:  usual   float  = 12  only what usually carries so many calls a day or hour is judged
-- param:  weeks   int    = 4   by so many days like it at least; the eight before it count, or else the eight after
-- setting: as_of
-- setting: window_days
-- setting: blind_after_legs
-- column: kind          text   -       trunk, site
-- column: source        text   -       configured source
-- column: name          text   -       trunk, or site code
-- column: title         text   -       who is at the other end of the trunk, or the name of the site
-- column: first_day     date   -       first day of silence
-- column: start_minute  int    minute  of that day, to the quarter hour; 0 for its beginning
-- column: last_day      date   -       last day of silence
-- column: end_minute    int    minute  of that day, to the quarter hour; 1440 for its end
-- column: silent_days   int    days    whole days without a call that usually have them; days on which the source itself has a gap are not judged: see coverage
-- column: silent_hours  int    hours   hours of other days without a call that usually have them
-- column: calls_lost    float  legs    what is usual in those days and hours; for a site the legs of its lines
-- column: back_on       date   -       first day with a call again; null for not yet
with origin as (
    -- times are numbered by quarter hours from the first day of the window
    select as_of - window_days + 1 as day
    from settings
),

days as (
    -- what is usual is told by days of the same kind; what is missing of a source is no incident
    select c.source, c.local_day, (c.local_day - o.day) * 96 as mark, k.kind as day_kind
    from coverage_days c
    cross join origin o
    join day_kinds k on c.local_day = k.day
    where c.state = 'covered'
        and ($source = '' or c.source = $source)
),

trunk_hours as (
    select
        t.source,
        t.name,
        t.local_day,
        cast((t.quarter - t.quarter % 4) / 4 as int) as hour,
        sum(t.legs) as legs,
        min(t.quarter) as first_quarter,
        max(t.quarter) as last_quarter
    from traffic t
    where t.kind = 'trunk'
        and t.legs > 0
        and $kind in ('', 'trunk')
    group by t.source, t.name, t.local_day, 4
),

trunks as (
    select source, name, row_number() over (order by source, name) as no
    from (select distinct source, name from traffic where kind = 'trunk') t
    where $kind in ('', 'trunk')
),

sites as (
    select source, site, row_number() over (order by source, site) as site_no
    from (select distinct source, site from register where site is not null) s
    where $kind in ('', 'site')
),

counted_sites as (
    select s.site_no, d.local_day, d.legs
    from site_days d
    join sites s on d.source = s.source and d.site = s.site
),

loads as (
    -- whole days are hour -1: a trunk's are judged too, but its hours tell when it was in use
    select 'site' as kind, site_no as no, local_day, -1 as hour, legs, 0 as first_quarter, 95 as last_quarter
    from counted_sites
    union all
    select 'trunk' as kind, t.no, h.local_day, h.hour, h.legs, h.first_quarter, h.last_quarter
    from trunks t
    join trunk_hours h on t.source = h.source and t.name = h.name
    union all
    select 'trunk' as kind, t.no, h.local_day, -1 as hour, sum(h.legs) as legs, null as first_quarter, null as last_quarter
    from trunks t
    join trunk_hours h on t.source = h.source and t.name = h.name
    group by t.no, h.local_day
),

judgeable as (
    select 'site' as kind, source, site as name, site_no as no, -1 as hour
    from sites
    union all
    select 'trunk' as kind, t.source, t.name, t.no, h.hour
    from trunks t
    cross join (select distinct cast((quarter - quarter % 4) / 4 as int) as hour from traffic union all select -1) h
),

units as (
    select
        p.kind,
        p.source,
        p.name,
        p.hour,
        d.local_day,
        d.day_kind,
        coalesce(l.legs, 0) as legs,
        d.mark + case when p.hour < 0 then 0 else p.hour * 4 end as from_mark,
        d.mark + case when p.hour < 0 then 96 else p.hour * 4 + 4 end as to_mark,
        d.mark + l.first_quarter as active_from,
        d.mark + l.last_quarter + 1 as active_to
    from days d
    join judgeable p on d.source = p.source
    left join loads l on p.kind = l.kind and p.no = l.no and p.hour = l.hour and d.local_day = l.local_day
),

placed as (
    -- the last call before and the first one after, and how many units with calls came before: that is the spell's number
    select
        u.*,
        max(active_to) over (partition by kind, source, name order by from_mark, hour rows unbounded preceding) as last_active,
        min(active_from) over (partition by kind, source, name order by from_mark desc, hour desc rows unbounded preceding) as next_active,
        count(active_to) over (partition by kind, source, name order by from_mark, hour rows unbounded preceding) as spell
    from units u
),

compared as (
    select
        p.*,
        row_number() over w - 1 as n_before,
        lag(legs, 1) over w as b1,
        lag(legs, 2) over w as b2,
        lag(legs, 3) over w as b3,
        lag(legs, 4) over w as b4,
        lag(legs, 5) over w as b5,
        lag(legs, 6) over w as b6,
        lag(legs, 7) over w as b7,
        lag(legs, 8) over w as b8,
        lead(legs, 1) over w as a1,
        lead(legs, 2) over w as a2,
        lead(legs, 3) over w as a3,
        lead(legs, 4) over w as a4,
        lead(legs, 5) over w as a5,
        lead(legs, 6) over w as a6,
        lead(legs, 7) over w as a7,
        lead(legs, 8) over w as a8
    from placed p
    window w as (partition by kind, source, name, hour, day_kind order by local_day)
),

silent as (
    -- before it was first used it was not silent, and the clock skips an hour in spring
    select
        kind,
        source,
        name,
        local_day,
        hour,
        from_mark,
        to_mark,
        last_active,
        next_active,
        spell,
        case when n_before >= $weeks then b1 else a1 end as v1,
        case when n_before >= $weeks then b2 else a2 end as v2,
        case when n_before >= $weeks then b3 else a3 end as v3,
        case when n_before >= $weeks then b4 else a4 end as v4,
        case when n_before >= $weeks then b5 else a5 end as v5,
        case when n_before >= $weeks then b6 else a6 end as v6,
        case when n_before >= $weeks then b7 else a7 end as v7,
        case when n_before >= $weeks then b8 else a8 end as v8
    from compared
    where legs = 0
        and spell > 0
        and greatest(b1, b2, b3, b4, b5, b6, b7, b8, a1, a2, a3, a4, a5, a6, a7, a8) >= $usual
        and not (hour = 1 and extract(isodow from local_day) = 7 and extract(month from local_day) = 3 and extract(day from local_day) > 24)
),

told as (
    select
        s.*,
        n.nth,
        cast(
            case n.nth
                when 1 then v1
                when 2 then v2
                when 3 then v3
                when 4 then v4
                when 5 then v5
                when 6 then v6
                when 7 then v7
                when 8 then v8
            end as double
        ) as legs
    from silent s
    cross join (
        select 1 as nth union all select 2 union all select 3 union all select 4
        union all select 5 union all select 6 union all select 7 union all select 8
    ) n
),

centred as (
    select t.*, median(legs) over (partition by kind, source, name, from_mark, hour) as usual
    from told t
    where legs is not null
),

spread as (
    select
        c.*,
        count(*) over (partition by kind, source, name, from_mark, hour) as days,
        median(abs(legs - usual)) over (partition by kind, source, name, from_mark, hour) as spread
    from centred c
    where usual >= $usual
),

judged as (
    -- of the days each unit is compared with, one row stands for it
    select *
    from spread
    where nth = 1
        and days >= $weeks
        and usual - 3 * 1.4826 * spread > 0
),

weighed as (
    -- the hours of a silent day are silent with it
    select j.*, min(hour) over (partition by kind, source, name, local_day) as first_hour
    from judged j
),

spells as (
    select
        kind,
        source,
        name,
        spell,
        min(from_mark) as silent_from,
        max(to_mark) as silent_to,
        max(last_active) as last_active,
        max(next_active) as next_active,
        count(*) filter (where hour < 0) as silent_days,
        count(*) filter (where hour >= 0) as silent_hours,
        sum(usual) as calls_lost
    from weighed
    where hour < 0 or first_hour >= 0
    group by kind, source, name, spell
),

timed as (
    -- silence begins with the last call where that is less than an hour before, and ends with the next likewise
    select
        p.*,
        case when silent_from - last_active < 4 then last_active else silent_from end as from_mark,
        case when next_active - silent_to < 4 then next_active else silent_to end - 1 as to_mark
    from spells p
)

select
    t.kind,
    t.source,
    t.name,
    coalesce(k.party, k.carrier, p.name) as title,
    o.day + cast((t.from_mark - t.from_mark % 96) / 96 as int) as first_day,
    cast(15 * (t.from_mark % 96) as int) as start_minute,
    o.day + cast((t.to_mark - t.to_mark % 96) / 96 as int) as last_day,
    cast(15 * (t.to_mark % 96 + 1) as int) as end_minute,
    t.silent_days,
    t.silent_hours,
    round(10 * t.calls_lost) / 10 as calls_lost,
    o.day + cast((t.next_active - t.next_active % 96) / 96 as int) as back_on
from timed t
cross join origin o
left join trunks_in_force k on t.kind = 'trunk' and t.source = k.source and t.name = k.trunk
left join sites_in_force p on t.kind = 'site' and t.name = p.site
order by first_day, start_minute, t.kind, t.source, t.name
