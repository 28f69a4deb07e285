-- title:  Busy days
-- asks:   On which days of the window is the load known on every platform, and which of them were the busiest?
-- grain:  one row per day on which each source that shows silence is covered; a source without any covered day is not waited for
-- setting: as_of
-- setting: window_days
-- column: local_day       date  -        civil day
-- column: is_working      bool  -        Monday to Friday and no bank holiday
-- column: held_s          int   seconds  calls were held on all platforms, ring and talk; calls of more than 4 hours left out
-- column: place           int   place    by held_s among all these days; 1 is the busiest
-- column: places          int   days     how many there are
-- column: working_place   int   place    by held_s among the working days; null on others
-- column: working_places  int   days     how many working days there are
with covered as (
    -- sources covered each day, and all that are covered on any: each is told on its first day
    select local_day, sources, sum(first_told) over () as all_sources
    from (
        select local_day, count(*) as sources, count(*) filter (where n = 1) as first_told
        from (
            select local_day, row_number() over (partition by source order by local_day) as n
            from coverage
        ) c
        group by local_day
    ) d
),

held as (
    -- a call that nobody hung up makes no day busy
    select local_day, cast(sum(held_s - long_s) as bigint) as held_s
    from traffic
    where kind = 'node'
    group by local_day
),

days as (
    select
        c.day as local_day,
        c.is_working,
        coalesce(h.held_s, 0) as held_s
    from calendar c
    join covered v on c.day = v.local_day
    left join held h on c.day = h.local_day
    where v.sources = v.all_sources
)

select
    local_day,
    is_working,
    held_s,
    row_number() over (order by held_s desc, local_day) as place,
    count(*) over () as places,
    case
        when is_working then row_number() over (partition by is_working order by held_s desc, local_day)
    end as working_place,
    count(*) filter (where is_working) over () as working_places
from days
