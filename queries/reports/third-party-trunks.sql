-- title:  Third-party trunks
-- asks:   How many calls and minutes run to and from each named party that has to be re-homed?
-- grain:  one row per source and party of the trunk list, also those without a call
-- param:  source  text  = ''  only this source; '' for all
-- setting: as_of
-- setting: window_days
-- column: source        text  -        configured source
-- column: party         text  -        who is at the other end
-- column: trunks        int   count    trunks to it
-- column: circuits      int   count    calls they can hold at once; null where the list does not say
-- column: calls         int   count    attempts to or from it; one that is both counts once
-- column: calls_from    int   count    came in by its trunks
-- column: calls_to      int   count    went out by its trunks
-- column: tandem_calls  int   count    of all, in by one trunk and out by another
-- column: answered      int   count    of all, answered
-- column: talk_minutes  float minutes  connected
-- column: last_call_on  date  -        last day of the window with one
with parties as (
    select source, party, count(*) as trunks, sum(circuits) as circuits
    from trunks_in_force
    where party is not null
        and ($source = '' or source = $source)
    group by source, party
),

met as (
    -- each leg with the party it came from and the party it went to
    select
        l.source,
        a.party as from_party,
        b.party as to_party,
        l.direction,
        l.outcome,
        l.part,
        l.talk_s,
        l.local_day
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
    select source, from_party as party, 1 as is_from, case when to_party = from_party then 1 else 0 end as is_to,
        direction, outcome, part, talk_s, local_day
    from met
    where from_party is not null
    union all
    select source, to_party as party, 0 as is_from, 1 as is_to, direction, outcome, part, talk_s, local_day
    from met
    where to_party is not null
        and to_party is distinct from from_party
)

select
    p.source,
    p.party,
    p.trunks,
    p.circuits,
    count(*) filter (where s.part = 'whole') as calls,
    count(*) filter (where s.part = 'whole' and s.is_from = 1) as calls_from,
    count(*) filter (where s.part = 'whole' and s.is_to = 1) as calls_to,
    count(*) filter (where s.part = 'whole' and s.direction = 'tandem') as tandem_calls,
    count(*) filter (where s.part = 'whole' and s.outcome in ('answered', 'diverted')) as answered,
    round(cast(coalesce(sum(s.talk_s), 0) as double) / 60, 1) as talk_minutes,
    max(s.local_day) as last_call_on
from parties p
left join sides s on p.source = s.source and p.party = s.party
group by p.source, p.party, p.trunks, p.circuits
order by p.source, p.party
