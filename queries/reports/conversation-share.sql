-- title:  Conversation share
-- asks:   How many conversations were there, each once, and on how many of them was each platform?
-- grain:  one row per platform that has calls in the window
-- setting: as_of
-- setting: window_days
-- setting: tie_line_skew_s
-- setting: tie_line_tolerance_s
-- column: platform                     text  -        format of the source
-- column: calls                        int   count    calls it has records of, in the window
-- column: conversations                int   count    conversations that were on it at all; one that came back to it counts once
-- column: conversations_share_percent  float percent  of all conversations; the shares add up to more than 100 where some crossed platforms
-- column: crossed                      int   count    of its calls, those with a counterpart on another of our platforms
-- column: estate_conversations         int   count    all conversations of the estate, each once; the same in every row
with calls_there as (
    -- as in calls, but for their number alone
    select l.source, l.platform, coalesce(c.first_key, l.call_key) as call_key
    from legs l
    cross join settings s
    left join stitched_calls c on l.source = c.source and l.call_key = c.call_key
    where l.part <> 'system'
        and l.local_day <= s.as_of
        and l.local_day > s.as_of - s.window_days
    group by l.source, l.platform, coalesce(c.first_key, l.call_key)
),

there as (
    -- a conversation counts where it began, and once on each platform it crossed
    select
        t.platform,
        count(*) as calls,
        cast(sum(coalesce(x.is_first_on_platform, 1)) as bigint) as conversations,
        count(x.call_key) as crossed,
        count(*) filter (where coalesce(x.nth, 1) = 1) as begun
    from calls_there t
    left join crossed_calls x on t.source = x.source and t.call_key = x.call_key
    group by t.platform
),

totals as (
    select cast(sum(begun) as bigint) as conversations
    from there
)

select
    p.platform,
    p.calls,
    p.conversations,
    round(1000 * cast(p.conversations as double) / nullif(t.conversations, 0)) / 10 as conversations_share_percent,
    p.crossed,
    t.conversations as estate_conversations
from there p
cross join totals t
order by p.platform
