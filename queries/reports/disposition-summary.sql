-- title:  Disposition summary
-- asks:   How many extensions of each platform and use have which verdict, and what becomes of them?
-- grain:  one row per source, use, verdict and action that has an extension
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source      text  -      configured source
-- column: platform    text  -      format of the source
-- column: use         text  -      what the extensions are for
-- column: verdict     text  -      what the evidence says
-- column: action      text  -      what becomes of them
-- column: extensions  int   count  registered extensions
select
    source,
    platform,
    "use",
    verdict,
    action,
    count(*) as extensions
from verdicts
group by source, platform, "use", verdict, action
order by source, "use", verdict, action
