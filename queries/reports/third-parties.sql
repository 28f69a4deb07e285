-- title:  Third parties
-- asks:   How much runs to and from each named party, on which platform, and before and after it was moved to another?
-- grain:  one row per party, source and period; parties of the trunk list without a call too
-- param:  source      text  = ''          only this source; '' for all
-- param:  party       text  = ''          only this party; '' for all
-- param:  rehomed_on  date  = 1970-01-01  the day the parties were moved; 1970-01-01 for the day each was first seen on another source than its first
-- setting: as_of
-- setting: window_days
-- column: party               text  -        who is at the other end
-- column: source              text  -        configured source
-- column: platform            text  -        its format
-- column: period              text  -        before or after rehomed_on; before where the party was not moved
-- column: rehomed_on          date  -        first day of after; null where the party was not moved
-- column: trunks              int   count    trunks of the source to it
-- column: circuits            int   count    calls they can hold at once; null where the list does not say
-- column: calls               int   count    attempts to or from it; one that is both counts once
-- column: calls_from          int   count    came in by its trunks
-- column: calls_to            int   count    went out by its trunks
-- column: tandem_calls        int   count    of all, in by one trunk and out by another
-- column: answered            int   count    of all, answered
-- column: minutes             float minutes  connected
-- column: extensions          int   count    own extensions that called it or were called from it, those of other platforms that came over a tie line too
-- column: busiest_hour_on     date  -        day of the hour with most calls; the earliest of equals
-- column: busiest_hour        int   hour     that hour of the day, 0-23
-- column: busiest_hour_calls  int   count    calls that began in it
-- column: busy_hour           int   hour     hour of the day with most calls over all days
-- column: busy_hour_calls     int   count    calls that began in it, over all days
-- column: first_call_on       date  -        first day with one
-- column: last_call_on        date  -        last day with one
with listed as (
    select source, party, count(*) as trunks, sum(circuits) as circuits
    from trunks_in_force
    where party is not null
        and ($source = '' or source = $source)
        and ($party = '' or party = $party)
    group by source, party
),

met as (
    -- each leg with the party it came from and the party it went to
    select
        l.source,
        a.party as from_party,
        b.party as to_party,
        coalesce(l.source || ' ' || l.caller_ext, a.peer_source || ' ' || l.caller) as made_by,
        coalesce(l.source || ' ' || coalesce(l.callee_ext, l.dialled_ext), b.peer_source || ' ' || l.callee) as taken_by,
        l.direction,
        l.outcome,
        l.part,
        l.talk_s,
        l.local_day,
        cast((l.local_minute - l.local_minute % 60) / 60 as int) as hour
    from legs l
    cross join settings s
    left join trunks_in_force a on l.source = a.source and l.trunk_in = a.trunk
    left join trunks_in_force b on l.source = b.source and l.trunk_out = b.trunk
    where l.part <> 'system'
        and l.local_day <= s.as_of
        and l.local_day > s.as_of - s.window_days
        and (a.party is not null or b.party is not null)
),

sides as (
    select
        case w.is_to when 1 then m.to_party else m.from_party end as party,
        m.source,
        m.local_day,
        m.hour,
        case when m.part = 'whole' then 1 else 0 end as attempt,
        1 - w.is_to as is_from,
        case when m.to_party = case w.is_to when 1 then m.to_party else m.from_party end then 1 else 0 end as is_to,
        case when m.direction = 'tandem' then 1 else 0 end as is_tandem,
        case when m.outcome in ('answered', 'diverted') then 1 else 0 end as is_answered,
        m.talk_s,
        case w.is_to when 1 then m.made_by else m.taken_by end as used_by
    from met m
    cross join (select 0 as is_to union all select 1) w
    where w.is_to = 0 and m.from_party is not null
        or w.is_to = 1 and m.to_party is not null and (m.to_party is distinct from m.from_party)
),

seen as (
    select
        s.*,
        min(local_day) over (partition by party, source) as source_first_on,
        min(local_day) over (partition by party) as party_first_on
    from sides s
    where $party = '' or party = $party
),

moved as (
    select
        s.*,
        case
            when $rehomed_on > date '1970-01-01' then $rehomed_on
            else min(case when source_first_on > party_first_on then source_first_on end) over (partition by party)
        end as rehomed_on
    from seen s
),

parted as (
    select
        m.*,
        case when local_day >= rehomed_on then 'after' else 'before' end as period
    from moved m
),

hours as (
    select
        p.*,
        sum(attempt) over (partition by party, source, period, local_day, hour) as hour_calls,
        sum(attempt) over (partition by party, source, period, hour) as clock_calls
    from parted p
),

ranked as (
    select
        h.*,
        row_number() over (partition by party, source, period order by hour_calls desc, local_day, hour) as hour_rank,
        row_number() over (partition by party, source, period order by clock_calls desc, hour) as clock_rank
    from hours h
),

counted as (
    select
        party,
        source,
        period,
        sum(attempt) as calls,
        sum(attempt * is_from) as calls_from,
        sum(attempt * is_to) as calls_to,
        sum(attempt * is_tandem) as tandem_calls,
        sum(attempt * is_answered) as answered,
        sum(talk_s) as talk_s,
        count(distinct used_by) as extensions,
        max(case when hour_rank = 1 then local_day end) as busiest_hour_on,
        max(case when hour_rank = 1 then hour end) as busiest_hour,
        max(case when hour_rank = 1 then hour_calls end) as busiest_hour_calls,
        max(case when clock_rank = 1 then hour end) as busy_hour,
        max(case when clock_rank = 1 then clock_calls end) as busy_hour_calls,
        min(local_day) as first_call_on,
        max(local_day) as last_call_on
    from ranked
    group by party, source, period
),

moves as (
    select party, max(rehomed_on) as rehomed_on
    from moved
    group by party
),

grid as (
    select
        l.*,
        w.period,
        case when $rehomed_on > date '1970-01-01' then $rehomed_on else m.rehomed_on end as rehomed_on
    from listed l
    cross join (select 'before' as period union all select 'after') w
    left join moves m on l.party = m.party
)

select
    g.party,
    g.source,
    o.platform,
    g.period,
    g.rehomed_on,
    g.trunks,
    g.circuits,
    coalesce(c.calls, 0) as calls,
    coalesce(c.calls_from, 0) as calls_from,
    coalesce(c.calls_to, 0) as calls_to,
    coalesce(c.tandem_calls, 0) as tandem_calls,
    coalesce(c.answered, 0) as answered,
    round(10 * cast(coalesce(c.talk_s, 0) as double) / 60) / 10 as minutes,
    coalesce(c.extensions, 0) as extensions,
    c.busiest_hour_on,
    c.busiest_hour,
    c.busiest_hour_calls,
    c.busy_hour,
    c.busy_hour_calls,
    c.first_call_on,
    c.last_call_on
from grid g
left join sources o on g.source = o.source
left join counted c on g.party = c.party and g.source = c.source and g.period = c.period
where g.period = 'before' or g.rehomed_on is not null
order by g.party, g.source, g.period desc
