-- title:  Crossings
-- asks:   Which calls crossed a line between two of our platforms, as each of the two saw it?
-- grain:  one row per call and line it used, on each side that recorded it
-- column: source        text       -        configured source that recorded it
-- column: side          text       -        out (left it for the peer) or in (came from the peer)
-- column: peer_source   text       -        the source at the other end
-- column: from_source   text       -        where the call came from
-- column: to_source     text       -        where it went
-- column: trunk         text       -        the line, as source names it
-- column: crossing_key  int        -        leg_key of its first record; with side it is the crossing's identity
-- column: call_key      int        -        of its first record
-- column: legs          int        count    records it has on this side
-- column: started_at    timestamp  -        as recorded, by the source's own clock
-- column: local_day     date       -        civil day at the source
-- column: start_s       int        seconds  the same moment, since 1970
-- column: end_s         int        seconds  end of the last record, since 1970; the start where nobody answered and the time of ringing is not known
-- column: ring_s        int        seconds  before answer; null if the vendor does not say
-- column: talk_s        int        seconds  connected
-- column: is_connected  bool       -        answered, diverted or taken by voicemail
-- column: caller        text       -        digits of who called; null if withheld or masked
-- column: asked         text       -        digits of the number asked for, as source had it
-- column: ended_at      text       -        digits of the number where it ended
-- column: clock_step_s  int        seconds  60 where the source writes whole minutes only, of the start or of the end; else 0
-- column: talk_step_s   int        seconds  6 where it writes tenths of minutes; else 0
with spans as (
    select
        l.*,
        cast(floor(extract(epoch from started_at)) as bigint) as from_s,
        cast(floor(extract(epoch from started_at)) as bigint) + coalesce(ring_s, 0) as talk_from_s,
        cast(floor(extract(epoch from started_at)) as bigint) + coalesce(ring_s, 0) + talk_s as till_s
    from tie_line_legs l
),

covered as (
    -- seconds that no earlier record of the crossing has covered
    select
        s.*,
        case
            when records = 1 then talk_s
            else greatest(till_s - greatest(talk_from_s, coalesce(max(till_s) over (
                partition by case when records > 1 then crossing_key end, case when records > 1 then side end
                order by nth
                rows between unbounded preceding and 1 preceding
            ), talk_from_s)), 0)
        end as new_talk_s
    from spans s
),

together as (
    select
        source,
        side,
        peer_source,
        trunk,
        crossing_key,
        max(case when nth = 1 then call_key end) as call_key,
        count(*) as legs,
        min(started_at) as started_at,
        max(case when nth = 1 then local_day end) as local_day,
        min(from_s) as start_s,
        max(till_s) as end_s,
        max(case when nth = 1 then ring_s end) as ring_s,
        cast(sum(case when talk_s > 0 then new_talk_s else 0 end) as bigint) as talk_s,
        max(case when is_connected then 1 else 0 end) = 1 as is_connected,
        max(case when nth = 1 then caller end) as caller,
        max(case when nth = 1 then dialled end) as dialled,
        max(case when nth = 1 then callee end) as callee
    from covered
    group by source, side, peer_source, trunk, crossing_key
)

select
    source,
    side,
    peer_source,
    case side when 'out' then source else peer_source end as from_source,
    case side when 'out' then peer_source else source end as to_source,
    trunk,
    crossing_key,
    call_key,
    legs,
    started_at,
    local_day,
    start_s,
    end_s,
    ring_s,
    talk_s,
    is_connected,
    -- a masked number has lost the digits that would be compared
    case when caller not like '%*%' then nullif(regexp_replace(caller, '[^0-9]', '', 'g'), '') end as caller,
    case when dialled not like '%*%' then nullif(regexp_replace(dialled, '[^0-9]', '', 'g'), '') end as asked,
    case when callee not like '%*%' then nullif(regexp_replace(callee, '[^0-9]', '', 'g'), '') end as ended_at,
    case
        when avg(case when start_s % 60 = 0 then 1.0 else 0.0 end) over (partition by source) >= 0.9
            or avg(case when is_connected then case when end_s % 60 = 0 then 1.0 else 0.0 end end)
                over (partition by source) >= 0.9 then 60
        else 0
    end as clock_step_s,
    case
        when avg(case when talk_s > 0 then case when talk_s % 6 = 0 then 1.0 else 0.0 end end)
            over (partition by source) >= 0.9 then 6
        else 0
    end as talk_step_s
from together
