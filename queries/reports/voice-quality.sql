-- title:  Voice quality
-- asks:   How well did people hear each other on each site's handsets, and how much of it was measured?
-- grain:  one row per source, platform and site that has a report; gateways and handsets of no site stand under (none)
-- param:  source       text   = ''   only this source; '' for all
-- param:  poor_mos     float  = 3.6  a score below this is poor
-- param:  high_jitter  int    = 30   milliseconds of jitter above which sound suffers
-- setting: as_of
-- setting: window_days
-- column: source               text   -             configured source
-- column: platform             text   -             format of the source
-- column: site                 text   -             site code; (none) where the register has none
-- column: site_name            text   -             its name
-- column: reports              int    count         reports of the window
-- column: without_leg          int    count         of those, their leg is not in the lake
-- column: legs                 int    count         legs with a report
-- column: scored               int    count         reports with a score; many handsets measure without scoring
-- column: median_mos           float  mos           half of the scores are lower
-- column: low_mos              float  mos           one in twenty scores is lower (5th percentile)
-- column: poor_percent         float  percent       of the scores, poor
-- column: mean_jitter_ms       float  milliseconds  mean jitter of the reports that received anything
-- column: high_jitter_percent  float  percent       of those, with high jitter
-- column: loss_percent         float  percent       packets lost, of those expected by all reports together
with reports as (
    select
        q.source,
        q.platform,
        coalesce(q.site, '(none)') as site,
        n.name as site_name,
        q.leg_key,
        q.mos,
        q.jitter_ms,
        q.packets_received as received,
        -- duplicates make up for no loss elsewhere
        case when q.packets_lost < 0 then 0 else q.packets_lost end as lost
    from leg_quality q
    cross join settings s
    left join sites_in_force n on q.site = n.site
    where q.local_day <= s.as_of
        and q.local_day > s.as_of - s.window_days
        and ($source = '' or q.source = $source)
)

select
    source,
    platform,
    site,
    site_name,
    count(*) as reports,
    count(*) filter (where leg_key is null) as without_leg,
    count(distinct leg_key) as legs,
    count(mos) as scored,
    round(100 * percentile_cont(0.5) within group (order by mos)) / 100 as median_mos,
    round(100 * percentile_cont(0.05) within group (order by mos)) / 100 as low_mos,
    round(1000 * cast(count(*) filter (where mos < $poor_mos) as double) / nullif(count(mos), 0)) / 10 as poor_percent,
    round(10 * cast(sum(jitter_ms) as double) / nullif(count(jitter_ms), 0)) / 10 as mean_jitter_ms,
    round(
        1000 * cast(count(*) filter (where jitter_ms > $high_jitter) as double) / nullif(count(jitter_ms), 0)
    ) / 10 as high_jitter_percent,
    round(100000 * cast(sum(lost) as double) / nullif(cast(sum(received + lost) as double), 0)) / 1000 as loss_percent
from reports
group by source, platform, site, site_name
order by source, platform, site
