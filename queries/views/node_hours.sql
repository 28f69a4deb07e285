-- title:  Hours by node
-- asks:   How many calls does each node have on record for each hour, and what kinds of call does it show?
-- grain:  one row per source, node, day and hour with a call, from some weeks before the window to its end
-- setting: as_of
-- setting: window_days
-- column: source        text  -     configured source
-- column: node          text  -     node whose files the records came in; blank where the platform's files tell none
-- column: local_day     date  -     civil day at the source
-- column: like_day      int   -     kind of day it is compared with, as in day_kinds
-- column: hour          int   hour  hour of the day, 0-23
-- column: legs          int   legs  legs that began in it
-- column: unanswered    int   legs  of those, rung and not answered
-- column: internal      int   legs  of those, within the platform
-- column: unattributed  int   legs  of those, naming nobody of ours
select
    t.source,
    t.name as node,
    t.local_day,
    c.kind as like_day,
    cast(floor(t.quarter / 4.0) as int) as hour,
    cast(sum(t.legs) as bigint) as legs,
    cast(sum(t.unanswered) as bigint) as unanswered,
    cast(sum(t.internal) as bigint) as internal,
    cast(sum(t.unattributed) as bigint) as unattributed
from traffic t
join day_kinds c on t.local_day = c.day
where t.kind = 'node'
    and t.legs > 0
group by 1, 2, 3, 4, 5
