-- title:  Silent nodes
-- asks:   Which nodes do the records of others name on days on which no file of theirs came?
-- grain:  one row per source, node and day outside the node's own first and last day of records; judged from 20 legs that name it on, and only where all files of the day tell their node
-- setting: as_of
-- setting: window_days
-- column: source     text  -     configured source
-- column: node       text  -     node that is named
-- column: local_day  date  -     civil day at the source
-- column: legs       int   legs  legs of other nodes that name it
with lives as (
    select source, name as node, min(local_day) as first_day, max(local_day) as last_day
    from traffic
    where kind = 'node'
        and legs > 0
    group by source, name
),

untold as (
    select distinct source, local_day
    from traffic
    where kind = 'node'
        and name = ''
        and legs > 0
),

named as (
    select t.source, t.name as node, t.local_day, sum(t.legs) as legs
    from traffic t
    cross join settings s
    left join lives l on t.source = l.source and t.name = l.node
    where t.kind = 'far_node'
        and t.legs > 0
        and t.local_day <= s.as_of
        and t.local_day > s.as_of - s.window_days
        and (l.node is null or t.local_day < l.first_day or t.local_day > l.last_day)
    group by t.source, t.name, t.local_day
),

often as (
    select source, node
    from named
    group by source, node
    having sum(legs) >= 20
)

select n.source, n.node, n.local_day, cast(n.legs as bigint) as legs
from named n
join often o on n.source = o.source and n.node = o.node
left join untold u on n.source = u.source and n.local_day = u.local_day
where u.source is null
