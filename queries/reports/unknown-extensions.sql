-- title:  Unknown extensions
-- asks:   Which of our own numbers are in the calls but not in the register?
-- grain:  one row per source and number
-- param:  source    text  = ''  only this source; '' for all
-- param:  min_days  int   = 1   seen on at least so many days of the window
-- setting: as_of
-- setting: window_days
-- column: source         text  -        configured source
-- column: extension      text  -        the number, bare
-- column: days_seen      int   days     days of the window it was seen on
-- column: first_seen_on  date  -        first of them
-- column: last_seen_on   date  -        last of them
-- column: made           int   legs     made with it
-- column: offered        int   legs     asked for or rung
-- column: answered       int   legs     of those, answered
-- column: external       int   legs     of its legs, by a trunk
-- column: emergency      int   legs     calls to an emergency service
-- column: talk_s         int   seconds  connected, in and out
select
    u.source,
    u.subject as extension,
    count(distinct u.local_day) as days_seen,
    min(u.local_day) as first_seen_on,
    max(u.local_day) as last_seen_on,
    sum(u.made) as made,
    sum(u.offered) as offered,
    sum(u.answered) as answered,
    sum(u.external) as external,
    sum(u.emergency) as emergency,
    sum(u.talk_in_s + u.talk_out_s) as talk_s
from usage u
cross join settings s
left join register r on u.source = r.source and u.subject = r.extension
where u.subject_kind = 'number'
    and r.extension is null
    and u.local_day <= s.as_of
    and u.local_day > s.as_of - s.window_days
    and ($source = '' or u.source = $source)
group by u.source, u.subject
having count(distinct u.local_day) >= $min_days
order by u.source, u.subject
