-- title:  Busy quarters
-- asks:   How long did each platform and each trunk hold calls, quarter-hour by quarter-hour?
-- grain:  one row per platform or trunk, day and quarter-hour in which it held a call, of all days there are; a quarter without a row held none
-- column: kind       text  -        platform, trunk
-- column: source     text  -        configured source
-- column: name       text  -        trunk as the platform names it; of a platform its source
-- column: local_day  date  -        civil day
-- column: quarter    int   quarter  of the civil day, 0-95
-- column: held_s     int   seconds  calls were held in it, ring and talk
-- column: long_s     int   seconds  of those, of calls of more than 4 hours
-- each leg is of one node, so the nodes add up to their platform
select
    case kind when 'node' then 'platform' else 'trunk' end as kind,
    source,
    case kind when 'node' then source else name end as name,
    local_day,
    cast(quarter as bigint) as quarter,
    cast(sum(held_s) as bigint) as held_s,
    cast(sum(long_s) as bigint) as long_s
from traffic
where kind in ('node', 'trunk')
    and held_s > 0
group by 1, 2, 3, 4, 5
