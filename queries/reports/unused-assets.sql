-- title:  Unused assets
-- asks:   Which pagers, mobiles, conference phones, softphones and other devices did nobody use, and whose are they?
-- grain:  one row per registered extension without use in the window, the protected and the unproven ones too; a pager is used when it is called
-- param:  kind    text  = ''  only this kind of device, such as pager; '' for all
-- param:  source  text  = ''  only this source; '' for all
-- param:  site    text  = ''  only this site; '' for all
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: device_kind   text  -     kind of device; (none) where the register does not say
-- column: source        text  -     configured source
-- column: extension     text  -     extension
-- column: verdict       text  -     protected, insufficient_evidence, idle, unattended, diverted
-- column: action        text  -     cease, teams_ddi, fixed, remove_handset, keep, review
-- column: use           text  -     what it is for
-- column: device_model  text  -     make and model
-- column: device_name   text  -     device
-- column: site          text  -     site code
-- column: location      text  -     where on the site
-- column: cost_centre   text  -     who pays
-- column: owner         text  -     who answers for it
-- column: user_id       text  -     login of its person
-- column: covered_days  int   days  days of the window on which the source has records
-- column: silent_days   int   days  covered days since the last use
-- column: last_used_on  date  -     last day of use, also before the window; null for never seen
-- column: demand        int   legs  times it was called all the same
-- column: protection    text  -     why it is protected
select
    coalesce(device_kind, '(none)') as device_kind,
    source,
    extension,
    verdict,
    action,
    "use",
    device_model,
    device_name,
    site,
    location,
    cost_centre,
    owner,
    user_id,
    covered_days,
    silent_days,
    last_used_on,
    demand,
    protection
from verdicts
where handset_uses = 0
    and (coalesce(device_kind, '') not in ('pager', 'virtual') or demand = 0)
    and ($kind = '' or coalesce(device_kind, '(none)') = $kind)
    and ($source = '' or source = $source)
    and ($site = '' or site = $site)
order by 1, source, extension
