-- title:  Quality of legs
-- asks:   What did each end of a leg report about its media, which leg was it, and where does the handset stand?
-- grain:  one row per quality report, also those whose leg is not there
-- setting: as_of
-- column: source            text   -             configured source
-- column: platform          text   -             format of the source
-- column: quality_key       int    -             identity of the report
-- column: leg_key           int    -             its leg; null where none is there
-- column: local_day         date   -             civil day at the source on which the call ended, about
-- column: side              text   -             end of the leg that reports: caller or callee; null without a leg
-- column: site              text   -             site of the reporting handset, by its device, else by its number; null for a trunk
-- column: device            text   -             handset or gateway that reports
-- column: mos               float  mos           listening quality at the end of the call, 1 to 5; null where the handset does not score
-- column: mos_min           float  mos           lowest of the call
-- column: jitter_ms         int    milliseconds  jitter; null where nothing was received
-- column: latency_ms        int    milliseconds  latency; 0 where the device does not measure it
-- column: packets_lost      int    packets       lost on the way to the reporting end; duplicates can make it negative
-- column: packets_received  int    packets       received
-- column: loss_percent      float  percent       lost, of those expected; null where none was
-- column: concealed_s       int    seconds       in which lost sound was made up
with ends as (
    -- a recorder's or monitor's stream bears the mark of the leg it listens to, and is not that leg
    select source, caller_link as link, 'caller' as side, leg_key, local_day, started_at, caller_device as device, trunk_in as trunk
    from legs
    where caller_link is not null
        and part <> 'system'
    union all
    select source, callee_link as link, 'callee' as side, leg_key, local_day, started_at, callee_device as device, trunk_out as trunk
    from legs
    where callee_link is not null
        and part <> 'system'
),

met as (
    -- records of one call share its ends: the end of that device comes first, then the last record that had begun
    select
        q.source,
        q.quality_key,
        e.leg_key,
        e.side,
        e.trunk,
        row_number() over (
            partition by q.source, q.quality_key
            order by
                case when e.device = q.device then 0 else 1 end,
                case when e.started_at <= q.ended_at then 0 else 1 end,
                e.started_at desc,
                e.leg_key,
                e.side
        ) as nth
    from quality q
    join ends e on q.source = e.source and q.link = e.link
    where q.local_day - e.local_day between -1 and 1
),

devices as (
    -- a handset may have several lines
    select source, device_name, min(site) as site
    from register
    where device_name is not null
    group by source, device_name
)

select
    q.source,
    q.platform,
    q.quality_key,
    m.leg_key,
    q.local_day,
    m.side,
    case
        when m.trunk is not null then null
        when r.device_name = q.device then r.site
        else coalesce(d.site, r.site)
    end as site,
    q.device,
    q.mos,
    q.mos_min,
    case when q.packets_received = 0 then null else q.jitter_ms end as jitter_ms,
    q.latency_ms,
    q.packets_lost,
    q.packets_received,
    round(
        100000 * cast(case when q.packets_lost < 0 then 0 else q.packets_lost end as double)
        / nullif(q.packets_received + case when q.packets_lost < 0 then 0 else q.packets_lost end, 0)
    ) / 1000 as loss_percent,
    q.concealed_s
from quality q
left join met m on q.source = m.source and q.quality_key = m.quality_key and m.nth = 1
left join register r on q.source = r.source and q.number = r.extension
left join devices d on q.source = d.source and q.device = d.device_name
