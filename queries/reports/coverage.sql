-- title:  Coverage and gaps
-- asks:   From when to when has each source records, and where are the holes in which silence proves nothing?
-- grain:  one row per source and unbroken stretch of covered days or of gap days; together they are the window
-- param:  source  text  = ''  only this source; '' for all
-- setting: as_of
-- setting: window_days
-- column: source     text  -     configured source
-- column: state      text  -     covered or gap
-- column: first_day  date  -     first day of the stretch
-- column: last_day   date  -     last day of the stretch
-- column: days       int   days  length of the stretch
-- column: weekdays   int   days  of those, Monday to Friday
with recursive calendar as (
    select s.as_of as local_day, 1 as nth, s.window_days
    from settings s
    union all
    select c.local_day - 1 as local_day, c.nth + 1 as nth, c.window_days
    from calendar c
    where c.nth < c.window_days
),

days as (
    select
        o.source,
        c.local_day,
        c.nth,
        case when v.local_day is null then 'gap' else 'covered' end as state
    from sources o
    cross join calendar c
    left join coverage v on o.source = v.source and c.local_day = v.local_day
    where $source = '' or o.source = $source
),

stretches as (
    -- days of one stretch have the same distance between their place in the window and their place in their state
    select
        source,
        state,
        local_day,
        nth - row_number() over (partition by source, state order by nth) as stretch
    from days
)

select
    source,
    state,
    min(local_day) as first_day,
    max(local_day) as last_day,
    count(*) as days,
    count(*) filter (where (local_day - date '1970-01-05') % 7 < 5) as weekdays
from stretches
group by source, state, stretch
order by source, min(local_day)
