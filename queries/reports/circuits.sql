-- title:  Circuits needed
-- asks:   How many circuits does each trunk need at a grade of service, how many has it, and how many would do if they were pooled?
-- grain:  one row per trunk of the trunk list (recorders left out: what they carry are the platform's own legs), per platform and kind with more than one trunk, and for all pstn trunks of the estate where there is more than one
-- param:  grade         float  = 0.01  share of calls that may find all circuits busy in the busy hour; 0.001, 0.005, 0.01, 0.02 or 0.05, others have no answer
-- param:  measure       text   = 'tcbh'  tcbh: the time-consistent busy hour; adph: the mean of each day's own best hour, which is never less
-- param:  least         int    = 0     circuits that every row shall have whatever its traffic, for emergencies
-- param:  busiest_days  int    = 30    of the days on which every source is covered, so many of the busiest of the whole estate; 0 for all
-- param:  weekends      int    = 0     1 takes weekends and bank holidays too
-- param:  with_long     int    = 0     1 counts calls of more than 4 hours too; left out, since most are calls that nobody hung up
-- setting: as_of
-- setting: window_days
-- column: level      text   -        trunk; pool (the trunks of one kind and platform); estate (all pstn trunks)
-- column: source     text   -        configured source; null for the estate
-- column: trunk      text   -        trunk as the platform names it; null for a pool
-- column: kind       text   -        kind of the trunks
-- column: party      text   -        who is at the other end
-- column: trunks     int    count    trunks of the row
-- column: days       int    days     days counted; one on which nothing was held counts as one with nothing
-- column: busy_hour  text   -        start of the hour that carries most over all the days; of a pool that of the sum, not of its trunks
-- column: erlangs    float  erlangs  carried in it, taken as offered: at a loss of 1 in 100 what was offered is 1 in 100 more
-- column: installed  int    count    circuits there are, by the trunk list; null where it does not say of any of them
-- column: needed     int    count    circuits that carry so much at that grade; null where 2,000 do not
-- column: spare      int    count    installed, less needed; below nothing: too few
-- column: separate   int    count    circuits that the trunks of the row need each for itself, together
-- column: pooled_saves  int  count   separate, less needed
with chosen as (
    -- the days, with how many they are
    select
        local_day,
        case when $busiest_days = 0 then places else least($busiest_days, places) end as days
    from (
        select
            local_day,
            case when $weekends = 1 then place else working_place end as place,
            case when $weekends = 1 then places else working_places end as places
        from busy_days
    ) d
    where place is not null
        and ($busiest_days = 0 or place <= $busiest_days)
    -- never reached: it tells the engine that these are few, which it then looks up in the legs and not the other way round
    limit 5000
),

members as (
    -- which trunks make up a row
    select 'trunk' as level, source, trunk, kind, source as of_source, trunk as of_trunk, party, circuits
    from trunks_in_force
    where kind <> 'recorder'
    union all
    select 'pool', source, '', kind, source as of_source, trunk as of_trunk, null, circuits
    from trunks_in_force
    where kind <> 'recorder'
    union all
    select 'estate', '', '', kind, source as of_source, trunk as of_trunk, null, circuits
    from trunks_in_force
    where kind = 'pstn'
),

lines as (
    select
        level,
        source,
        trunk,
        kind,
        max(party) as party,
        count(*) as trunks,
        cast(sum(circuits) as bigint) as installed
    from members
    group by level, source, trunk, kind
    having level = 'trunk' or count(*) > 1
),

carried as (
    select
        m.level,
        m.source,
        m.trunk,
        m.kind,
        q.local_day,
        c.days,
        q.quarter,
        case when $with_long = 1 then q.held_s else q.held_s - q.long_s end as held_s
    from chosen c
    join busy_quarters q on c.local_day = q.local_day
    join members m on q.source = m.of_source and q.name = m.of_trunk
    where q.kind = 'trunk'
),

starts as (
    -- a quarter belongs to the four hours that begin with it or up to 45 minutes before
    select
        level,
        source,
        trunk,
        kind,
        local_day,
        days,
        quarter - before as starts,
        held_s
    from carried
    cross join (values (0), (1), (2), (3)) b (before)
),

hours as (
    -- all of one civil day
    select level, source, trunk, kind, local_day, starts, max(days) as days, cast(sum(held_s) as bigint) as held_s
    from starts
    where starts between 0 and 92
    group by level, source, trunk, kind, local_day, starts
),

sums as (
    -- over the days for each start, and the best of each day
    select
        level,
        source,
        trunk,
        kind,
        starts,
        grouping(local_day) as is_start,
        max(days) as days,
        cast(sum(held_s) as bigint) as held_s,
        max(held_s) as best_s
    from hours
    group by grouping sets ((level, source, trunk, kind, starts), (level, source, trunk, kind, local_day))
),

busy as (
    -- the best start is told in one number: seconds * 96 + 95 - start
    select
        level,
        source,
        trunk,
        kind,
        max(days) as days,
        max(case when is_start = 1 then held_s * 96 + 95 - starts end) as start_code,
        cast(sum(case when is_start = 0 then best_s end) as bigint) as best_s
    from sums
    group by level, source, trunk, kind
),

offered as (
    -- trunks without a call too
    select
        l.level,
        l.source,
        l.trunk,
        l.kind,
        l.party,
        l.trunks,
        l.installed,
        max(b.days) over () as days,
        95 - b.start_code % 96 as busy_start,
        case $measure
            when 'tcbh' then cast(coalesce((b.start_code - b.start_code % 96) / 96, 0) as double)
            when 'adph' then cast(coalesce(b.best_s, 0) as double)
        end / max(b.days) over () / 3600 as erlangs
    from lines l
    left join busy b on l.level = b.level and l.source = b.source and l.trunk = b.trunk and l.kind = b.kind
),

enough as (
    select
        o.level,
        o.source,
        o.trunk,
        o.kind,
        max(o.party) as party,
        max(o.trunks) as trunks,
        max(o.installed) as installed,
        max(o.days) as days,
        max(o.busy_start) as busy_start,
        max(o.erlangs) as erlangs,
        min(e.circuits) as circuits
    from offered o
    left join erlang_b e on e.grade_of_service = $grade and o.erlangs <= e.erlangs
    group by o.level, o.source, o.trunk, o.kind
),

needs as (
    select *, case when circuits is not null then greatest(circuits, $least) end as needed
    from enough
),

apart as (
    -- what the trunks need each for itself, by platform and kind and over the estate
    select
        *,
        case level
            when 'trunk' then needed
            when 'pool' then sum(case when level = 'trunk' then needed end) over (partition by source, kind)
            else sum(case when level = 'trunk' then needed end) over (partition by kind)
        end as separate,
        case level
            when 'trunk' then count(needed) over (partition by level, source, trunk)
            when 'pool' then count(case when level = 'trunk' then needed end) over (partition by source, kind)
            else count(case when level = 'trunk' then needed end) over (partition by kind)
        end as answered
    from needs
)

select
    level,
    nullif(source, '') as source,
    nullif(trunk, '') as trunk,
    kind,
    party,
    trunks,
    days,
    lpad(cast(cast((busy_start - busy_start % 4) / 4 as bigint) as text), 2, '0')
        || ':' || lpad(cast(15 * (busy_start % 4) as text), 2, '0') as busy_hour,
    round(1000 * erlangs) / 1000 as erlangs,
    installed,
    needed,
    -- one circuit is no group: it is judged in its pool
    case when level <> 'trunk' or installed <> 1 then installed - needed end as spare,
    case when answered = trunks then cast(separate as bigint) end as separate,
    case when answered = trunks then cast(separate as bigint) - needed end as pooled_saves
from apart
order by case level when 'trunk' then 1 when 'pool' then 2 else 3 end, source, kind, trunk
