-- title:  Calls
-- asks:   Which calls were there, whatever number of records each platform wrote about one?
-- grain:  one row per source and call; system legs left out
-- column: source       text       -        configured source
-- column: call_key     int        -        the same for all records of one call in one source
-- column: started_at   timestamp  -        start of the first leg, UTC
-- column: local_day    date       -        civil day of that start at the source
-- column: legs         int        count    records stitched together
-- column: attempts     int        count    of those, attempts of their own; the rest continue one
-- column: is_answered  bool       -        somebody answered some leg
-- column: talk_s       int        seconds  connected, summed over the legs
-- column: caller       text       -        who called, on the first leg
-- column: callee       text       -        where the last leg ended
-- column: direction    text       -        direction of the first leg
-- column: outcome      text       -        outcome of the last leg
with ordered as (
    select
        l.*,
        row_number() over (
            partition by source, call_key
            order by started_at, case part when 'whole' then 0 else 1 end, record_no, leg_key
        ) as nth,
        count(*) over (partition by source, call_key) as legs_of_call
    from legs l
    where part <> 'system'
)

select
    source,
    call_key,
    min(started_at) as started_at,
    min(local_day) as local_day,
    count(*) as legs,
    count(*) filter (where part = 'whole') as attempts,
    max(case when outcome in ('answered', 'diverted') then 1 else 0 end) = 1 as is_answered,
    sum(talk_s) as talk_s,
    max(case when nth = 1 then caller end) as caller,
    max(case when nth = legs_of_call then callee end) as callee,
    max(case when nth = 1 then direction end) as direction,
    max(case when nth = legs_of_call then outcome end) as outcome
from ordered
group by source, call_key
