-- title:  Numbers to surrender
-- asks:   Which extensions and direct-dial numbers are to be given back, and which of them are still called?
-- grain:  one row per registered extension whose action is cease, with a direct-dial number or without
-- param:  source  text  = ''  only this source; '' for all
-- param:  site    text  = ''  only this site; '' for all
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: ddi           text  -     direct-dial number to give back; null where the extension has none
-- column: block         text  -     the hundred numbers it belongs to, as a carrier supplies them
-- column: source        text  -     configured source
-- column: extension     text  -     extension to give back
-- column: platform      text  -     format of the source
-- column: site          text  -     site code
-- column: cost_centre   text  -     who pays
-- column: owner         text  -     who answers for it
-- column: verdict       text  -     on what evidence
-- column: covered_days  int   days  days of the window on which the source has records
-- column: is_called     bool  -     somebody still calls it: tell them, or announce the change, before it goes
-- column: demand        int   legs  times the number was asked for or its handset rung
-- column: met_elsewhere int   legs  of those, met elsewhere: an answering place that loses calls
-- column: missed        int   legs  rung and met by nobody
select
    ddi,
    left(ddi, length(ddi) - 2) || 'xx' as block,
    source,
    extension,
    platform,
    site,
    cost_centre,
    owner,
    verdict,
    covered_days,
    demand > 0 as is_called,
    demand,
    met_elsewhere,
    number_missed as missed
from verdicts
where action = 'cease'
    and ($source = '' or source = $source)
    and ($site = '' or site = $site)
order by ddi nulls last, source, extension
