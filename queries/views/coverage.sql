-- title:  Covered days
-- asks:   On which days of the window would each source have shown a call that was made?
-- grain:  one row per source and covered day of the window; a day without a row is a gap, and its silence counts for nothing; a source that records only some calls (a bill) covers no day
-- setting: as_of
-- setting: window_days
-- setting: blind_after_legs
-- column: source            text  -     configured source
-- column: local_day         date  -     civil day at the source
-- column: legs              int   legs  legs on record
-- column: shows_unanswered  bool  -     calls that nobody answers are on record
-- column: shows_internal    bool  -     calls within the platform are
select source, local_day, legs, shows_unanswered, shows_internal
from coverage_days
where state = 'covered'
