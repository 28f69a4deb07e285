-- title:  Calls at once
-- asks:   How many calls did each platform and each trunk hold at once, at most, and when?
-- grain:  one row per platform or trunk that held a call on the days counted
-- param:  days       int  = 5   of the days on which every source is covered, so many of the busiest of the whole estate; 0 for all
-- param:  weekends   int  = 0   1 takes weekends and bank holidays too
-- param:  with_long  int  = 0   1 counts calls of more than 4 hours too; left out, since most are calls that nobody hung up; the calls at once, on two days at most
-- setting: as_of
-- setting: window_days
-- column: kind           text   -        platform, trunk
-- column: source         text   -        configured source
-- column: name           text   -        trunk as the platform names it; of a platform its source
-- column: about          text   -        format of the source; kind of the trunk and who is at its end
-- column: circuits       int    count    calls the trunk can hold at once, by the trunk list
-- column: peak_calls     int    legs     most legs held at one moment, from set-up to end; one that ends as another begins is not beside it
-- column: peak_on        date   -        its day, the first where several are alike
-- column: peak_at        text   -        the second from which it was so
-- column: busiest_mean   float  erlangs  mean number of legs over the busiest quarter-hour; what circuits are reckoned from, and never above the peak
-- column: busiest_on     date   -        its day, the first where several are alike
-- column: busiest_at     text   -        its start
with chosen as (
    select local_day
    from (
        select local_day, case when $weekends = 1 then place else working_place end as place
        from busy_days
    ) d
    where place is not null
        and ($days = 0 or place <= $days)
    -- never reached: it tells the engine that these are few, which it then looks up in the legs and not the other way round
    limit 5000
),

begun as (
    -- a call may run in from the day before
    select c.local_day, b.days_before, c.local_day - b.days_before as begun_on
    from chosen c
    cross join (select 0 as days_before union all select 1) b
),

held as (
    -- from which until which second of the day a leg was held
    select
        l.source,
        l.trunk_in,
        l.trunk_out,
        b.local_day,
        greatest(l.from_s - 86400 * b.days_before, 0) as from_s,
        least(l.from_s + l.held_s - 86400 * b.days_before, 86400) as until_s
    from begun b
    join (
        select
            source,
            local_day,
            trunk_in,
            trunk_out,
            cast(local_minute as bigint) * 60 + cast(floor(extract(second from started_at)) as bigint) as from_s,
            cast(coalesce(ring_s, 0) as bigint) + talk_s as held_s
        from legs
        where part <> 'system'
    ) l on b.begun_on = l.local_day
    where l.held_s > 0
        and ($with_long = 1 or l.held_s <= 14400)
        and l.from_s + l.held_s > 86400 * b.days_before
),

carried as (
    -- on what; '' is the platform itself
    select
        source,
        case nth when 0 then '' when 1 then trunk_in else trunk_out end as carrier,
        local_day,
        from_s,
        until_s
    from held
    cross join (values (0), (1), (2)) c (nth)
),

changes as (
    select
        source,
        carrier,
        local_day,
        case change when 1 then from_s else until_s end as at_s,
        change
    from carried
    cross join (values (1), (-1)) e (change)
    where carrier is not null
),

counted as (
    -- of one moment those that end go first
    select
        source,
        carrier,
        local_day,
        at_s,
        sum(change) over (
            partition by source, carrier, local_day
            order by at_s, change
            rows between unbounded preceding and current row
        ) as calls
    from changes
),

peaks as (
    -- the most of each day and its first second, in one number: calls * 86400 + 86399 - second
    select source, carrier, local_day, max(calls * 86400 + 86399 - at_s) as calls_code
    from counted
    group by source, carrier, local_day
),

quarters as (
    -- likewise of the quarter-hours: seconds * 96 + 95 - quarter
    select
        p.source,
        p.carrier,
        p.local_day,
        max(p.calls_code) as calls_code,
        max(96 * case when $with_long = 1 then q.held_s else q.held_s - q.long_s end + 95 - q.quarter) as quarter_code
    from peaks p
    left join busy_quarters q on p.local_day = q.local_day
        and p.source = q.source
        and p.carrier = case q.kind when 'trunk' then q.name else '' end
    group by p.source, p.carrier, p.local_day
),

ranked as (
    -- one day for the calls and one for the quarter-hour
    select
        *,
        row_number() over (partition by source, carrier order by calls_code - calls_code % 86400 desc, local_day) as place,
        row_number() over (partition by source, carrier order by quarter_code - quarter_code % 96 desc, local_day) as quarter_place
    from quarters
),

found as (
    select
        source,
        carrier,
        cast(max(case when place = 1 then calls_code - calls_code % 86400 end) / 86400 as bigint) as peak_calls,
        max(case when place = 1 then local_day end) as peak_on,
        cast(max(case when place = 1 then 86399 - calls_code % 86400 end) as bigint) as peak_s,
        cast(max(case when quarter_place = 1 then quarter_code - quarter_code % 96 end) / 96 as bigint) as quarter_s,
        max(case when quarter_place = 1 then local_day end) as busiest_on,
        cast(max(case when quarter_place = 1 then 95 - quarter_code % 96 end) as bigint) as quarter
    from ranked
    group by source, carrier
)

select
    case f.carrier when '' then 'platform' else 'trunk' end as kind,
    f.source,
    case f.carrier when '' then f.source else f.carrier end as name,
    case
        when f.carrier = '' then s.platform
        when t.party is null then t.kind
        else t.kind || ', ' || t.party
    end as about,
    t.circuits,
    f.peak_calls,
    f.peak_on,
    lpad(cast(cast((f.peak_s - f.peak_s % 3600) / 3600 as bigint) as text), 2, '0')
        || ':' || lpad(cast(cast((f.peak_s % 3600 - f.peak_s % 60) / 60 as bigint) as text), 2, '0')
        || ':' || lpad(cast(f.peak_s % 60 as text), 2, '0') as peak_at,
    round(1000 * cast(f.quarter_s as double) / 900) / 1000 as busiest_mean,
    f.busiest_on,
    lpad(cast(cast((f.quarter - f.quarter % 4) / 4 as bigint) as text), 2, '0')
        || ':' || lpad(cast(15 * (f.quarter % 4) as text), 2, '0') as busiest_at
from found f
left join sources s on f.source = s.source
left join trunks_in_force t on f.source = t.source and f.carrier = t.trunk
order by kind, f.source, name
