-- title:  Missing hours
-- asks:   Which hours and days of a node are empty, though the same hour of such a day usually is not?
-- grain:  one row per source, node, day and empty hour; the hour that the clock skips in spring shows as empty where nights are busy
-- param:  source  text  = ''  only this source; '' for all
-- setting: as_of
-- setting: window_days
-- column: source      text   -     configured source
-- column: node        text   -     node of the platform; blank where its files tell none
-- column: local_day   date   -     civil day at the source
-- column: hour        int    hour  hour of the day without a call, 0-23; -1 for the whole day
-- column: usual       float  legs  what such an hour usually has: median of the same weekday in the weeks before, or after
-- column: spread      float  legs  1.4826 times the median distance from it
-- column: other_days  int    days  days compared with
select
    m.source,
    m.node,
    m.local_day,
    m.hour,
    m.usual,
    m.spread,
    m.other_days
from missing_hours m
cross join settings s
where m.local_day > s.as_of - s.window_days
    and ($source = '' or m.source = $source)
order by m.source, m.node, m.local_day, m.hour
