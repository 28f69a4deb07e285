-- title:  Stitched calls
-- asks:   Which call keys of one source are one call, though its records carry several?
-- grain:  one row per source and call key that is one call with another key; keys that stand alone have no row
-- column: source     text  -  configured source
-- column: call_key   int   -  as the records carry it
-- column: first_key  int   -  smallest key of the call: the key of its row in calls
with recursive joining as (
    -- only these say that one call went on under another key: few legs, so the join below starts from few rows
    select source, local_day, call_key, caller_link as link
    from legs
    where part in ('onward', 'continued')
        and caller_link is not null
    union all
    select source, local_day, call_key, callee_link as link
    from legs
    where part in ('onward', 'continued')
        and callee_link is not null
),

ends as (
    select source, local_day, call_key, caller_link as link
    from legs
    where part <> 'system'
        and caller_link is not null
    union all
    select source, local_day, call_key, callee_link as link
    from legs
    where part <> 'system'
        and callee_link is not null
),

pairs as (
    -- a link holds for a day or so: one that comes back later is another call's
    select distinct j.source, j.call_key as one_key, e.call_key as other_key
    from joining j
    join ends e on j.source = e.source and j.link = e.link
    where j.call_key <> e.call_key
        and j.local_day - e.local_day between -1 and 1
),

neighbours as (
    select
        p.source,
        case d.is_back when 0 then p.one_key else p.other_key end as one_key,
        case d.is_back when 0 then p.other_key else p.one_key end as other_key
    from pairs p
    cross join (select 0 as is_back union all select 1) d
),

reached as (
    select source, one_key as call_key, other_key
    from neighbours
    union
    select r.source, r.call_key, n.other_key
    from reached r
    join neighbours n on r.source = n.source and r.other_key = n.one_key
)

-- the way there and back reaches the key itself
select source, call_key, min(other_key) as first_key
from reached
group by source, call_key
