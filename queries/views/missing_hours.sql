-- title:  Missing hours
-- asks:   Which hours and days of a node are empty, though the same hour of such a day usually is not?
-- grain:  one row per source, node, day and empty hour; hour -1 is the whole day. Usual is what the same weekday had in the eight weeks before or in those after, whichever is more, and for a whole day on all other days; judged from 12 legs on, so that chance alone leaves an hour empty less than once in 100,000
-- setting: as_of
-- setting: window_days
-- column: source      text   -     configured source
-- column: node        text   -     node of the platform; blank where its files tell none
-- column: local_day   date   -     civil day at the source
-- column: hour        int    hour  hour of the day without a call, 0-23; -1 for the whole day
-- column: usual       float  legs  median of the other days
-- column: spread      float  legs  1.4826 times the median distance from it
-- column: other_days  int    days  days compared with
with days as (
    select source, node, local_day, like_day, sum(legs) as legs
    from node_hours
    group by source, node, local_day, like_day
),

lives as (
    select source, node, min(local_day) as first_day, max(local_day) as last_day
    from days
    group by source, node
),

hours as (
    select distinct source, node, hour
    from node_hours
),

slots as (
    -- every hour of the days on which the node has records at all
    select d.source, d.node, d.local_day, d.like_day, h.hour, coalesce(n.legs, 0) as legs
    from days d
    join hours h on d.source = h.source and d.node = h.node
    left join node_hours n
        on d.source = n.source
        and d.node = n.node
        and d.local_day = n.local_day
        and h.hour = n.hour
    union all
    -- every day between its first and its last
    select
        l.source,
        l.node,
        c.day as local_day,
        c.kind as like_day,
        -1 as hour,
        coalesce(d.legs, 0) as legs
    from lives l
    join day_kinds c on c.day >= l.first_day and c.day <= l.last_day
    left join days d on l.source = d.source and l.node = d.node and c.day = d.local_day
),

compared as (
    -- with the weeks before, with those after, and, where a whole day is missing, with all days: a long outage must not
    -- become what is usual
    select
        e.source,
        e.node,
        e.local_day,
        e.hour,
        k.side,
        cast(o.legs as double) as legs
    from slots e
    join slots o
        on e.source = o.source
        and e.node = o.node
        and e.hour = o.hour
        and e.like_day = o.like_day
    cross join (select 'before' as side union all select 'after' union all select 'all') k
    where e.legs = 0
        -- the hour that European clocks skip on the last Sunday of March is nobody's
        and not (e.hour in (1, 2) and extract(month from e.local_day) = 3 and extract(day from e.local_day) >= 25 and extract(isodow from e.local_day) = 7)
        and o.local_day <> e.local_day
        and (
            k.side = 'before' and o.local_day < e.local_day and o.local_day >= e.local_day - 56
            or k.side = 'after' and o.local_day > e.local_day and o.local_day <= e.local_day + 56
            or k.side = 'all' and e.hour = -1
        )
),

sides as (
    select source, node, local_day, hour, side, count(*) as other_days, median(legs) as usual
    from compared
    group by source, node, local_day, hour, side
),

spreads as (
    select
        s.source,
        s.node,
        s.local_day,
        s.hour,
        s.usual,
        s.other_days,
        1.4826 * median(abs(c.legs - s.usual)) as spread
    from sides s
    join compared c
        on s.source = c.source
        and s.node = c.node
        and s.local_day = c.local_day
        and s.hour = c.hour
        and s.side = c.side
    where s.usual >= 12
        and s.other_days >= 4
    group by s.source, s.node, s.local_day, s.hour, s.side, s.usual, s.other_days
),

told as (
    -- by the side that says most
    select
        source,
        node,
        local_day,
        hour,
        usual,
        spread,
        other_days,
        row_number() over (partition by source, node, local_day, hour order by usual desc, spread) as place
    from spreads
    where usual - 3 * spread > 0
)

select source, node, local_day, hour, round(10 * usual) / 10 as usual, round(10 * spread) / 10 as spread, other_days
from told
where place = 1
