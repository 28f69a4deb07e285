-- title:  Platform share
-- asks:   What share of the extensions, the use and the traffic does each platform carry?
-- grain:  one row per platform
-- setting: as_of
-- setting: window_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
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

totals as (
    select
        cast(sum(extensions) as double) as extensions,
        cast(sum(handset_uses) as double) as handset_uses,
        cast(sum(talk_s) as double) as talk_s
    from platforms
)

select
    p.platform,
    p.sources,
    p.extensions,
    round(1000 * p.extensions / nullif(t.extensions, 0)) / 10 as extensions_share_percent,
    p.used_extensions,
    round(1000 * cast(p.used_extensions as double) / p.extensions) / 10 as used_share_percent,
    p.handset_uses,
    round(1000 * p.handset_uses / nullif(t.handset_uses, 0)) / 10 as uses_share_percent,
    p.talk_s,
    round(1000 * p.talk_s / nullif(t.talk_s, 0)) / 10 as talk_share_percent
from platforms p
cross join totals t
order by p.platform
