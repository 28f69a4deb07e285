-- title:  Legs on tie lines
-- asks:   Which records tell of calls that came from, or went to, another of our platforms?
-- grain:  one row per leg and line to another source that it used; a call passing through uses two
-- column: source        text       -        configured source that wrote the record
-- column: side          text       -        out (left it for the peer) or in (came from the peer), by the first record of the crossing
-- column: peer_source   text       -        the source at the other end of the line
-- column: trunk         text       -        the line, as source names it
-- column: crossing_key  int        -        leg_key of the first record of this crossing; after a transfer the same channel has more than one
-- column: nth           int        -        which record of the crossing, from 1
-- column: records       int        count    records of the crossing
-- column: leg_key       int        -        the record
-- column: call_key      int        -        as the record carries it
-- column: started_at    timestamp  -        as recorded, UTC by the source's own clock
-- column: local_day     date       -        civil day at the source
-- column: ring_s        int        seconds  before answer; null if the vendor does not say
-- column: talk_s        int        seconds  connected
-- column: is_connected  bool       -        answered, diverted or taken by voicemail
-- column: caller        text       -        who called
-- column: dialled       text       -        first number asked for
-- column: callee        text       -        number where it ended
with lines as (
    select source, trunk, peer_source
    from trunks_in_force
    where peer_source is not null
        and peer_source <> source
),

sides as (
    select
        'in' as side,
        t.peer_source,
        t.trunk,
        l.caller_link as link,
        l.source, l.leg_key, l.call_key, l.record_no, l.part, l.started_at, l.local_day, l.ring_s, l.talk_s, l.outcome,
        l.caller, l.dialled, l.callee
    from legs l
    join lines t on l.source = t.source and l.trunk_in = t.trunk
    where l.part <> 'system'
    union all
    select
        'out' as side,
        t.peer_source,
        t.trunk,
        l.callee_link as link,
        l.source, l.leg_key, l.call_key, l.record_no, l.part, l.started_at, l.local_day, l.ring_s, l.talk_s, l.outcome,
        l.caller, l.dialled, l.callee
    from legs l
    join lines t on l.source = t.source and l.trunk_out = t.trunk
    where l.part <> 'system'
),

channels as (
    -- one channel of the line: by the platform's own mark, which a transfer may show at the other end of a later
    -- record; else by call and side
    select
        s.*,
        coalesce(link, call_key) as channel,
        case part when 'whole' then 0 when 'onward' then 1 else 2 end as part_order
    from sides s
),

shared as (
    -- nearly every channel has one record: the others are told apart here, so that the windows below have few partitions
    select
        c.*,
        case
            when (lag(channel) over (order by channel) is distinct from channel)
                and (lead(channel) over (order by channel) is distinct from channel) then null
            else concat_ws('/', source, trunk, case when link is null then side end, cast(channel as varchar))
        end as shared_channel
    from channels c
),

days as (
    -- a mark that comes back days later is another channel's
    select
        s.*,
        case
            when local_day - lag(local_day) over (
                partition by shared_channel
                order by started_at, part_order, record_no, leg_key, side
            ) <= 1 then 0
            else 1
        end as is_first_record
    from shared s
),

crossings as (
    select
        d.*,
        sum(is_first_record) over (
            partition by shared_channel
            order by started_at, part_order, record_no, leg_key, side
            rows between unbounded preceding and current row
        ) as crossing
    from days d
),

numbered as (
    select
        c.*,
        case when shared_channel is null then 0 else crossing end as shared_crossing
    from crossings c
),

placed as (
    select
        n.*,
        first_value(side) over in_crossing as first_side,
        first_value(leg_key) over in_crossing as first_leg_key,
        row_number() over in_crossing as place,
        count(*) over (partition by shared_channel, shared_crossing) as places
    from numbered n
    window in_crossing as (
        partition by shared_channel, shared_crossing
        order by started_at, part_order, record_no, leg_key, side
    )
)

select
    source,
    case when shared_channel is null then side else first_side end as side,
    peer_source,
    trunk,
    case when shared_channel is null then leg_key else first_leg_key end as crossing_key,
    cast(case when shared_channel is null then 1 else place end as bigint) as nth,
    cast(case when shared_channel is null then 1 else places end as bigint) as records,
    leg_key,
    call_key,
    started_at,
    local_day,
    ring_s,
    talk_s,
    outcome in ('answered', 'diverted', 'voicemail') as is_connected,
    caller,
    dialled,
    callee
from placed
