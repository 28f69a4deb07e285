-- title:  Extension usage
-- asks:   How much was each registered extension used, and by which of its number, handset and person?
-- grain:  one row per registered extension, also those never seen in a call
-- param:  source  text  = ''  only this source; '' for all
-- param:  site    text  = ''  only this site; '' for all
-- setting: as_of
-- setting: window_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source            text  -         configured source
-- column: extension         text  -         extension
-- column: site              text  -         site code
-- column: cost_centre       text  -         who pays
-- column: use               text  -         what it is for
-- column: counted_by        text  -         what handset use was read from: device, number, none
-- column: covered_days      int   days      days of the window on which the source has records
-- column: calls             int   legs      legs that the number or its handset took part in
-- column: handset_uses      int   legs      legs the handset made or answered
-- column: uses_per_week     float per_week  handset uses a covered week
-- column: made              int   legs      made with the number
-- column: offered           int   legs      number asked for or rung: answered + missed + diverted + voicemail
-- column: answered          int   legs      of those, answered
-- column: missed            int   legs      of those, met by nobody
-- column: diverted          int   legs      of those, met at another number
-- column: voicemail         int   legs      of those, taken by voicemail
-- column: internal          int   legs      of the number's legs, within the platform
-- column: external          int   legs      of the number's legs, by a trunk
-- column: device_made       int   legs      made on the handset
-- column: device_answered   int   legs      answered on the handset
-- column: user_made         int   legs      made by the person, on any device
-- column: user_answered     int   legs      answered by the person, on any device
-- column: talk_s            int   seconds   connected, in and out
-- column: last_used_on      date  -         last day of handset use
select
    source,
    extension,
    site,
    cost_centre,
    "use",
    counted_by,
    covered_days,
    calls,
    handset_uses,
    uses_per_week,
    number_made as made,
    number_offered as offered,
    number_answered as answered,
    number_missed as missed,
    number_diverted as diverted,
    number_voicemail as voicemail,
    number_internal as internal,
    number_external as external,
    device_made,
    device_answered,
    user_made,
    user_answered,
    talk_in_s + talk_out_s as talk_s,
    last_used_on
from extension_facts
where ($source = '' or source = $source)
    and ($site = '' or site = $site)
order by source, extension
