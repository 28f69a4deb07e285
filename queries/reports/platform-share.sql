-- title:  Platform share
-- asks:   What share of the extensions, the use and the traffic does each platform carry?
-- grain:  one row per platform that has registered extensions or calls
-- setting: as_of
-- setting: window_days
-- setting: tie_line_skew_s
-- setting: tie_line_tolerance_s
-- column: platform                  text  -        format of the source; (none) for a source that is not configured
-- column: sources                   int   count    sources of that platform in the register
-- column: extensions                int   count    registered extensions
-- column: extensions_share_percent  float percent  of all registered extensions
-- column: used_extensions           int   count    of them, with any handset use in the window
-- column: used_share_percent        float percent  of this platform's extensions
-- column: handset_uses              int   legs     legs made or answered on its handsets
-- column: uses_share_percent        float percent  of all handset uses
-- column: talk_s                    int   seconds  connected, in and out
-- column: talk_share_percent        float percent  of all seconds connected
-- column: calls                     int   count    calls it has records of, in the window
-- column: conversations             int   count    conversations that were on it at all; one that came back to it counts once
-- column: conversations_share_percent  float percent  of all conversations; the shares add up to more than 100 where some crossed platforms
-- column: estate_conversations      int   count    all conversations of the estate, each once; the same in every row
with platforms as (
    select
        coalesce(platform, '(none)') as platform,
        count(distinct source) as sources,
        count(*) as extensions,
        count(*) filter (where handset_uses > 0) as used_extensions,
        sum(handset_uses) as handset_uses,
        sum(talk_in_s + talk_out_s) as talk_s
    from extension_facts
    group by coalesce(platform, '(none)')
),

calls_there as (
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

conversations_there as (
    -- a conversation counts where it began, and once on each platform it crossed
    select
        t.platform,
        count(*) as calls,
        sum(coalesce(x.is_first_on_platform, 1)) as conversations,
        count(*) filter (where coalesce(x.nth, 1) = 1) as begun
    from calls_there t
    left join crossed_calls x on t.source = x.source and t.call_key = x.call_key
    group by t.platform
),

together as (
    select
        coalesce(p.platform, t.platform) as platform,
        coalesce(p.sources, 0) as sources,
        coalesce(p.extensions, 0) as extensions,
        coalesce(p.used_extensions, 0) as used_extensions,
        coalesce(p.handset_uses, 0) as handset_uses,
        coalesce(p.talk_s, 0) as talk_s,
        coalesce(t.calls, 0) as calls,
        coalesce(t.conversations, 0) as conversations,
        coalesce(t.begun, 0) as begun
    from platforms p
    full outer join conversations_there t on p.platform = t.platform
),

totals as (
    select
        cast(sum(extensions) as double) as extensions,
        cast(sum(handset_uses) as double) as handset_uses,
        cast(sum(talk_s) as double) as talk_s,
        cast(sum(begun) as bigint) as conversations
    from together
)

select
    p.platform,
    p.sources,
    p.extensions,
    round(100 * p.extensions / nullif(t.extensions, 0), 1) as extensions_share_percent,
    p.used_extensions,
    round(100 * cast(p.used_extensions as double) / nullif(p.extensions, 0), 1) as used_share_percent,
    p.handset_uses,
    round(100 * p.handset_uses / nullif(t.handset_uses, 0), 1) as uses_share_percent,
    p.talk_s,
    round(100 * p.talk_s / nullif(t.talk_s, 0), 1) as talk_share_percent,
    p.calls,
    p.conversations,
    round(100 * cast(p.conversations as double) / nullif(t.conversations, 0), 1) as conversations_share_percent,
    t.conversations as estate_conversations
from together p
cross join totals t
order by p.platform
