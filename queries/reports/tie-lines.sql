-- title:  Tie lines
-- asks:   Of the calls between our platforms, for how many is the counterpart on the other side found?
-- grain:  one row per source, line to another source and direction, also lines without a call
-- param:  source  text  = ''  only lines of this source; '' for all
-- setting: as_of
-- setting: window_days
-- setting: tie_line_skew_s
-- setting: tie_line_tolerance_s
-- column: source              text  -        configured source that recorded the calls
-- column: peer_source         text  -        the source at the other end
-- column: trunk               text  -        the line, as source names it
-- column: side                text  -        out (to the peer) or in (from it)
-- column: is_listed_back      bool  -        the peer's trunk list has a line back; without one nothing can match
-- column: calls               int   count    calls that used it
-- column: legs                int   legs     records of them
-- column: matched             int   count    of the calls, with their counterpart
-- column: ambiguous           int   count    of the calls, with several that fit equally well; each counts as a conversation of its own
-- column: unmatched           int   count    of the calls, without any, though the peer has records of that day
-- column: not_covered         int   count    of the calls, on days of which the peer has no records
-- column: match_rate_percent  float percent  matched, of the calls on days the peer has records of
-- column: skew_s              int   seconds  how far the peer's clock is ahead: the middle of what was taken out
-- column: skew_from_s         int   seconds  least of it: clocks drift, so each week has its own
-- column: skew_to_s           int   seconds  most of it
-- column: skew_pairs          int   count    pairs it was estimated from; under 3 those of the other direction were taken, or 0 s
with lines as (
    select source, trunk, peer_source
    from trunks_in_force
    where peer_source is not null
        and peer_source <> source
        and ($source = '' or source = $source)
),

back as (
    select distinct source, peer_source
    from trunks_in_force
    where peer_source is not null
),

found as (
    select
        m.source,
        m.peer_source,
        m.trunk,
        m.side,
        count(*) as calls,
        sum(m.legs) as legs,
        count(*) filter (where m.status = 'matched') as matched,
        count(*) filter (where m.status = 'ambiguous') as ambiguous,
        count(*) filter (where m.status = 'unmatched' and m.is_peer_covered) as unmatched,
        count(*) filter (where m.status = 'unmatched' and not m.is_peer_covered) as not_covered,
        cast(round(median(m.skew_s)) as bigint) as skew_s,
        min(m.skew_s) as skew_from_s,
        max(m.skew_s) as skew_to_s,
        max(m.skew_pairs) as skew_pairs
    from tie_line_matches m
    cross join settings s
    where m.local_day <= s.as_of
        and m.local_day > s.as_of - s.window_days
    group by m.source, m.peer_source, m.trunk, m.side
)

select
    l.source,
    l.peer_source,
    l.trunk,
    w.side,
    b.source is not null as is_listed_back,
    coalesce(f.calls, 0) as calls,
    coalesce(f.legs, 0) as legs,
    coalesce(f.matched, 0) as matched,
    coalesce(f.ambiguous, 0) as ambiguous,
    coalesce(f.unmatched, 0) as unmatched,
    coalesce(f.not_covered, 0) as not_covered,
    round(1000 * cast(f.matched as double) / nullif(f.calls - f.not_covered, 0)) / 10 as match_rate_percent,
    f.skew_s,
    f.skew_from_s,
    f.skew_to_s,
    coalesce(f.skew_pairs, 0) as skew_pairs
from lines l
cross join (select 'out' as side union all select 'in') w
left join found f
    on l.source = f.source and l.peer_source = f.peer_source and l.trunk = f.trunk and w.side = f.side
left join back b on l.peer_source = b.source and l.source = b.peer_source
order by l.source, l.peer_source, l.trunk, w.side desc
