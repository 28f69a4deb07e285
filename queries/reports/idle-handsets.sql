-- title:  Idle handsets
-- asks:   Which registered handsets did nobody use, on what evidence, and what should become of them?
-- grain:  one row per extension whose verdict is idle, unattended or diverted
-- param:  source  text  = ''  only this source; '' for all
-- param:  site    text  = ''  only this site; '' for all
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source          text  -         configured source
-- column: extension       text  -         extension
-- column: verdict         text  -         idle, unattended, diverted
-- column: action          text  -         what the policy makes of it: cease, teams_ddi, fixed, remove_handset, keep, review
-- column: use             text  -         what it is for
-- column: device_kind     text  -         kind of device
-- column: device_model    text  -         make and model
-- column: device_name     text  -         handset
-- column: ddi             text  -         direct-dial number to surrender or port
-- column: site            text  -         site code
-- column: site_name       text  -         its name
-- column: location        text  -         where on the site
-- column: cost_centre     text  -         who pays
-- column: owner           text  -         who answers for it
-- column: covered_days    int   days      days of the window on which the source has records
-- column: silent_days     int   days      covered days since the last handset use
-- column: last_used_on    date  -         last day of handset use, also before the window; null for never seen
-- column: demand          int   legs      times the number was asked for or its handset rung, and calls made with it elsewhere
-- column: met_elsewhere   int   legs      of those, met elsewhere
-- column: missed          int   legs      rung and met by nobody
-- column: rate_bound_per_week          float per_week  95 % upper bound on the true rate of use given the silence
-- column: chance_if_monthly_percent    float percent   chance that a phone used once a month would have been silent as long
-- column: chance_if_quarterly_percent  float percent   chance that a phone used once a quarter would have been silent as long
-- column: ever_emergency  bool  -         ever called an emergency service
-- column: number_verdict  text  -         verdict of the number, wherever it was used
-- column: device_verdict  text  -         verdict of the handset, whatever number was used on it
-- column: user_verdict    text  -         verdict of the person, on any handset
-- column: guard           text  -         what forbids the policy's action: emergency, short_evidence, last_phone
-- column: decided_by      text  -         who decided on it by name
-- column: reason          text  evidence  what the verdict stands on
-- column: would_change    text  evidence  what would make it another one
-- column: blind_spots     text  -         what the records of its source cannot show
select
    v.source,
    v.extension,
    v.verdict,
    v.action,
    v."use",
    v.device_kind,
    v.device_model,
    v.device_name,
    v.ddi,
    v.site,
    s.name as site_name,
    v.location,
    v.cost_centre,
    v.owner,
    v.covered_days,
    v.silent_days,
    v.last_used_on,
    v.demand,
    v.met_elsewhere,
    v.number_missed as missed,
    v.rate_bound_per_week,
    v.chance_if_monthly_percent,
    v.chance_if_quarterly_percent,
    v.ever_emergency,
    v.number_verdict,
    v.device_verdict,
    v.user_verdict,
    v.guard,
    v.decided_by,
    v.reason,
    v.would_change,
    v.blind_spots
from verdicts v
left join sites_in_force s on v.site = s.site
where v.verdict in ('idle', 'unattended', 'diverted')
    and ($source = '' or v.source = $source)
    and ($site = '' or v.site = $site)
order by v.source, v.extension
