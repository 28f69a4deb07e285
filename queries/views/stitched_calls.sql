-- title:  Stitched calls
-- asks:   Which call keys of one source are one call, though its records carry several?
-- grain:  one row per source and call key that is one call with another key; keys that stand alone have no row
-- column: source     text  -  configured source
-- column: call_key   int   -  as the records carry it
-- column: first_key  int   -  smallest key of the call: the key of its row in calls
with recursive reached as (
    select source, call_key, other_key
    from linked_keys
    union
    select r.source, r.call_key, n.other_key
    from reached r
    join linked_keys n on r.source = n.source and r.other_key = n.call_key
)

-- the way there and back reaches the key itself
select source, call_key, min(other_key) as first_key
from reached
group by source, call_key
