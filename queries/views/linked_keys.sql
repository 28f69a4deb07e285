-- title:  Linked call keys
-- asks:   Which two call keys of one source does a mark of their records tie together?
-- grain:  one row per source and ordered pair of keys, so each pair twice, once from either
-- column: source     text  -  configured source
-- column: call_key   int   -  as the records carry it
-- column: other_key  int   -  another key of the same call
with joining as (
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
    select j.source, j.call_key as one_key, e.call_key as other_key
    from joining j
    join ends e on j.source = e.source and j.link = e.link
    where j.call_key <> e.call_key
        and j.local_day - e.local_day between -1 and 1
)

select distinct
    p.source,
    case d.is_back when 0 then p.one_key else p.other_key end as call_key,
    case d.is_back when 0 then p.other_key else p.one_key end as other_key
from pairs p
cross join (select 0 as is_back union all select 1) d
