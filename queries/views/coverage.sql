-- title:  Covered days
-- asks:   On which days of the window would each source have shown a call that was made?
-- grain:  one row per source and covered day of the window; a day without a row is a gap, and its silence counts for nothing; a source that records only some calls (a bill) covers no day
-- setting: as_of
-- setting: window_days
-- column: source        text  -         configured source
-- column: local_day     date  -         civil day at the source
-- column: numbers       int   count     own numbers seen that day
-- column: devices       int   count     handsets seen that day; 0 where the platform names none
-- column: first_minute  int   minute    minute of the civil day of the first record
-- column: last_minute   int   minute    minute of the civil day of the last record
select
    u.source,
    u.local_day,
    count(distinct u.subject) filter (where u.subject_kind = 'number') as numbers,
    count(distinct u.subject) filter (where u.subject_kind = 'device') as devices,
    min(u.first_minute) as first_minute,
    max(u.last_minute) as last_minute
from usage u
join sources c on u.source = c.source and c.shows_silence
cross join settings s
where u.local_day <= s.as_of
    and u.local_day > s.as_of - s.window_days
group by u.source, u.local_day
