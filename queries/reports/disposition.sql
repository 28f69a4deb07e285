-- title:  Disposition
-- asks:   What becomes of every registered extension, and why?
-- grain:  one row per registered extension
-- param:  source  text  = ''  only this source; '' for all
-- param:  site    text  = ''  only this site; '' for all
-- param:  action  text  = ''  only this action; '' for all
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source          text  -         configured source
-- column: extension       text  -         extension
-- column: verdict         text  -         protected, insufficient_evidence, idle, unattended, diverted, low_use, in_use
-- column: action          text  -         cease, teams_ddi, fixed, remove_handset, keep, review
-- column: policy_action   text  -         what the policy alone would do
-- column: is_guarded      bool  -         the policy would take the phone away, and something forbids it
-- column: guard           text  -         what forbids it: protected, emergency, short_evidence, last_phone
-- column: decided_by      text  -         who decided on it by name; the action is then theirs
-- column: reason          text  evidence  what the verdict stands on
-- column: protection      text  -         why it is protected
-- column: ever_emergency  bool  -         ever called an emergency service
-- column: use             text  -         what it is for
-- column: device_kind     text  -         kind of device
-- column: device_name     text  -         handset
-- column: ddi             text  -         direct-dial number
-- column: user_id         text  -         login of its person
-- column: site            text  -         site code
-- column: location        text  -         where on the site
-- column: cost_centre     text  -         who pays
-- column: owner           text  -         who answers for it
-- column: covered_days    int   days      days of the window on which the source has records
-- column: silent_days     int   days      covered days since the last handset use
-- column: last_used_on    date  -         last day of handset use
-- column: calls           int   legs      legs that the number or its handset took part in
-- column: handset_uses    int   legs      legs the handset made or answered
-- column: uses_per_week   float per_week  handset uses a covered week
-- column: demand          int   legs      times the number was asked for or its handset rung, and calls made with it elsewhere
-- column: met_elsewhere   int   legs      of those, met elsewhere
-- column: number_verdict  text  -         verdict of the number, wherever it was used
-- column: device_verdict  text  -         verdict of the handset, whatever number was used on it
-- column: user_verdict    text  -         verdict of the person, on any handset
-- column: blind_spots     text  -         what the records of its source cannot show
select
    source,
    extension,
    verdict,
    action,
    policy_action,
    is_guarded,
    guard,
    decided_by,
    reason,
    protection,
    ever_emergency,
    "use",
    device_kind,
    device_name,
    ddi,
    user_id,
    site,
    location,
    cost_centre,
    owner,
    covered_days,
    silent_days,
    last_used_on,
    calls,
    handset_uses,
    uses_per_week,
    demand,
    met_elsewhere,
    number_verdict,
    device_verdict,
    user_verdict,
    blind_spots
from verdicts
where ($source = '' or source = $source)
    and ($site = '' or site = $site)
    and ($action = '' or action = $action)
order by source, extension
