-- title:  Trunks in force
-- asks:   Which trunks are there and who is at the other end, by the load that holds on the day asked about?
-- grain:  one row per source and trunk
-- setting: as_of
-- column: source       text  -  configured source
-- column: trunk        text  -  trunk as the platform names it
-- column: carrier      text  -  who supplies it
-- column: kind         text  -  pstn, tie_line, third_party, voicemail, recorder, sbc, gateway
-- column: party        text  -  who is at the other end, where it is one named party
-- column: circuits     int   -  calls it can hold at once
-- column: peer_source  text  -  the source at the other end, where that is ours too
-- column: loaded_as_of  date  -  day of the load this row is from
with in_force as (
    select coalesce(max(t.as_of) filter (where t.as_of <= s.as_of), min(t.as_of)) as as_of
    from trunks t
    cross join settings s
)

select
    t.source,
    t.trunk,
    t.carrier,
    t.kind,
    t.party,
    t.circuits,
    t.peer_source,
    t.as_of as loaded_as_of
from trunks t
join in_force i on t.as_of = i.as_of
