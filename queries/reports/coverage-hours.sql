-- title:  Silent hours
-- asks:   Which hours of covered days are empty, though that hour of that weekday normally is not?
-- grain:  one row per source, day and empty hour; the hour that the clock skips in spring shows as empty where nights are busy
-- param:  source          text  = ''  only this source; '' for all
-- param:  min_days        int   = 3   other covered days of that weekday there must be, to call anything normal
-- param:  normal_percent  float = 90  of those other days, at least so many in a hundred have records in that hour
-- setting: as_of
-- setting: window_days
-- column: source          text  -        configured source
-- column: local_day       date  -        civil day at the source
-- column: hour            int   hour     hour of the day that is empty, 0-23
-- column: other_days      int   days     other covered days of that weekday in the window
-- column: days_with_use   int   days     of those, with a record in that hour
with hours as (
    select
        l.source,
        l.local_day,
        (l.local_day - date '1970-01-05') % 7 as weekday,
        cast((l.local_minute - l.local_minute % 60) / 60 as int) as hour
    from legs l
    cross join settings s
    where l.local_day <= s.as_of
        and l.local_day > s.as_of - s.window_days
        and ($source = '' or l.source = $source)
    group by 1, 2, 3, 4
),

weekdays as (
    select source, weekday, hour, count(*) as days_with_use
    from hours
    group by source, weekday, hour
),

days as (
    select
        source,
        local_day,
        weekday,
        count(*) over (partition by source, weekday) - 1 as other_days
    from (select distinct source, local_day, weekday from hours) d
)

select
    d.source,
    d.local_day,
    w.hour,
    d.other_days,
    w.days_with_use
from days d
join weekdays w on d.source = w.source and d.weekday = w.weekday
left join hours h on d.source = h.source and d.local_day = h.local_day and w.hour = h.hour
where h.hour is null
    and d.other_days >= $min_days
    and 100 * cast(w.days_with_use as double) >= $normal_percent * d.other_days
order by d.source, d.local_day, w.hour
