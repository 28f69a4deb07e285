-- title:  Idle interval
-- asks:   How many handsets are really unused, as a range that a business case can carry?
-- grain:  one row per source with a handset to judge, and one, (all), for the estate
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source                 text   -        configured source; (all) for the estate
-- column: periods                int    count    thirteenths of the window (four weeks of a year) with a covered day
-- column: handsets               int    count    registered handsets whose use or silence is proven: no virtual, protected or unproven ones
-- column: used                   int    count    of those, used in the window
-- column: seen_silent            int    count    of those, not used in the window
-- column: used_in_one_period     int    count    of the used, used in exactly one period
-- column: used_in_two_periods    int    count    of the used, used in exactly two periods
-- column: used_but_silent        float  count    of the silent, estimated to be used now and then (Chao's estimator): they would show if one watched as long again
-- column: used_but_silent_high   float  count    upper end of its 95 % interval
-- column: idle_low               int    count    unused handsets, at least (95 % interval)
-- column: idle_expected          int    count    unused handsets, estimated
-- column: idle_high              int    count    unused handsets, at most: all that were silent
-- column: idle_low_percent       float  percent  idle_low, of the silent: what to multiply a count of silent handsets with
-- column: idle_expected_percent  float  percent  idle_expected, of the silent
select
    coalesce(source, '(all)') as source,
    periods,
    handsets,
    used,
    seen_silent,
    used_in_one_period,
    used_in_two_periods,
    used_but_silent,
    used_but_silent_high,
    idle_low,
    idle_expected,
    idle_high,
    round(1000 * cast(idle_low as double) / nullif(seen_silent, 0)) / 10 as idle_low_percent,
    round(1000 * cast(idle_expected as double) / nullif(seen_silent, 0)) / 10 as idle_expected_percent
from idle_interval
order by source
