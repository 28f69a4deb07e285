-- title:  Missing files
-- asks:   Which numbers are missing among the files of a node, and which days may their records be of?
-- grain:  one row per gap in the numbers of a node's files; only of sources that deliver every kind of file that shares the numbers. A number that falls is a restart and no gap
-- column: source        text  -      configured source
-- column: node          text  -      node of the platform
-- column: first_day     date  -      civil day of the file before the gap
-- column: last_day      date  -      civil day of the file behind it
-- column: after_number  int   -      number of the file before
-- column: until_number  int   -      number of the file behind
-- column: missing       int   files  numbers between them
with delivered as (
    select source
    from inputs
    where family is not null
    group by source
    having count(distinct family) > 1
),

neighbours as (
    select
        i.source,
        i.node,
        i.named_day as last_day,
        i.sequence as until_number,
        lag(i.named_day) over (partition by i.source, i.node order by i.named_at, i.sequence) as first_day,
        lag(i.sequence) over (partition by i.source, i.node order by i.named_at, i.sequence) as after_number
    from inputs i
    join delivered d on i.source = d.source
    where i.sequence is not null
        and i.named_at is not null
)

select
    source,
    node,
    first_day,
    last_day,
    after_number,
    until_number,
    until_number - after_number - 1 as missing
from neighbours
where until_number > after_number + 1
