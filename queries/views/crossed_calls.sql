-- title:  Calls that crossed
-- asks:   Which calls went on from one of our platforms to another, and which of them are one conversation?
-- grain:  one row per call with a counterpart on another platform; calls that stayed where they were have no row
-- setting: tie_line_skew_s
-- setting: tie_line_tolerance_s
-- column: source            text  -      configured source
-- column: call_key          int   -      the call, as in calls
-- column: conversation_key  int   -      smallest call_key of the conversation
-- column: nth               int   -      its place on the way, from 1: where the conversation began
-- column: is_received       int   flag   1 if it came from another of our platforms
-- column: is_sent_on        int   flag   1 if it went on to another
-- column: is_first_on_platform  int  flag  1 for the first of the conversation's calls on its platform
with ends as (
    -- a matched pair twice, under the call of either side
    select
        case m.side when 'out' then m.crossing_key else m.peer_key end as pair,
        case m.side when 'out' then 1 else 0 end as is_out,
        m.source,
        m.started_at,
        coalesce(s.first_key, m.call_key) as call_key
    from tie_line_matches m
    left join stitched_calls s on m.source = s.source and m.call_key = s.call_key
    where m.status = 'matched'
),

met as (
    -- nearly every call met one other: chains are told apart here, so that the windows below have few partitions
    select
        e.*,
        (lag(call_key) over (order by call_key) is not distinct from call_key)
            or (lead(call_key) over (order by call_key) is not distinct from call_key) as is_link
    from ends e
),

chained as (
    select
        m.*,
        case
            when is_link
                or (lag(pair) over by_pair is not distinct from pair) and lag(is_link) over by_pair
                or (lead(pair) over by_pair is not distinct from pair) and lead(is_link) over by_pair then pair
        end as chain_pair,
        least(
            call_key,
            case when (lag(pair) over by_pair is not distinct from pair) then lag(call_key) over by_pair end,
            case when (lead(pair) over by_pair is not distinct from pair) then lead(call_key) over by_pair end
        ) as pair_key
    from met m
    window by_pair as (order by pair, is_out)
),

-- The smallest key walks from call to call, one crossing a step: six steps, so a chain of seven calls. (A recursive
-- query would do the matching anew at each step.)
step_1 as (
    select
        source, pair, is_out, started_at, call_key, chain_pair,
        case when chain_pair is not null then call_key end as chain_call,
        case
            when chain_pair is null then pair_key
            else min(pair_key) over (partition by case when chain_pair is not null then call_key end)
        end as key
    from chained
),

step_2 as (
    select
        source, pair, is_out, started_at, call_key, chain_pair, chain_call,
        case when chain_pair is null then key else min(next_key) over (partition by chain_call) end as key
    from (select s.*, min(key) over (partition by chain_pair) as next_key from step_1 s) n
),

step_3 as (
    select
        source, pair, is_out, started_at, call_key, chain_pair, chain_call,
        case when chain_pair is null then key else min(next_key) over (partition by chain_call) end as key
    from (select s.*, min(key) over (partition by chain_pair) as next_key from step_2 s) n
),

step_4 as (
    select
        source, pair, is_out, started_at, call_key, chain_pair, chain_call,
        case when chain_pair is null then key else min(next_key) over (partition by chain_call) end as key
    from (select s.*, min(key) over (partition by chain_pair) as next_key from step_3 s) n
),

step_5 as (
    select
        source, pair, is_out, started_at, call_key, chain_pair, chain_call,
        case when chain_pair is null then key else min(next_key) over (partition by chain_call) end as key
    from (select s.*, min(key) over (partition by chain_pair) as next_key from step_4 s) n
),

step_6 as (
    select
        source, pair, is_out, started_at, call_key, chain_pair, chain_call,
        case when chain_pair is null then key else min(next_key) over (partition by chain_call) end as key
    from (select s.*, min(key) over (partition by chain_pair) as next_key from step_5 s) n
),

members as (
    select
        source,
        call_key,
        min(key) as key,
        max(is_out) as is_sent_on,
        1 - min(is_out) as is_received,
        min(started_at) as started_at
    from step_6
    group by source, call_key
),

placed as (
    -- along the way, not by the clocks: they may be apart
    select
        m.*,
        row_number() over (
            partition by key
            order by is_received, is_sent_on desc, started_at, call_key
        ) as nth,
        coalesce(c.platform, m.source) as platform
    from members m
    left join sources c on m.source = c.source
)

select
    source,
    call_key,
    key as conversation_key,
    nth,
    is_received,
    is_sent_on,
    case when row_number() over (partition by key, platform order by nth) = 1 then 1 else 0 end as is_first_on_platform
from placed
