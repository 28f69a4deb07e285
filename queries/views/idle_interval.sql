-- title:  Idle interval
-- asks:   Of the handsets that were silent throughout the window, how many are really unused, and how many were used too seldom to be met in it?
-- grain:  one row per source with a handset to judge, and one for all of them, whose source is null
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source                 text   -      configured source; null for the estate
-- column: periods                int    count  thirteenths of the window (four weeks of a year) with a covered day; for the estate the most of any source
-- column: handsets               int    count  registered handsets whose use or silence is proven: no virtual, protected or unproven ones
-- column: used                   int    count  of those, used in the window
-- column: seen_silent            int    count  of those, not used in the window
-- column: used_in_one_period     int    count  of the used, used in exactly one period
-- column: used_in_two_periods    int    count  of the used, used in exactly two periods
-- column: used_but_silent        float  count  of the silent, estimated to be used now and then (Chao's estimator)
-- column: used_but_silent_high   float  count  upper end of its 95 % interval
-- column: idle_low               int    count  unused handsets, at least (95 % interval)
-- column: idle_expected          int    count  unused handsets, estimated
-- column: idle_high              int    count  unused handsets, at most: all that were silent
with judged as (
    -- a handset with two lines is one handset, and is left out if one of them is protected or cannot be judged
    select
        source,
        counted_by as subject_kind,
        case counted_by when 'device' then device_name when 'user' then user_id else extension end as subject,
        max(handset_uses) as handset_uses
    from verdicts
    cross join settings s
    where counted_by <> 'none'
    group by source, counted_by, case counted_by when 'device' then device_name when 'user' then user_id else extension end
    having max(
        case
            when verdict in ('protected', 'insufficient_evidence') then 1
            -- a busy phone proves its use on a few days, and says nothing of how many others were silent on those
            when covered_days < s.min_covered_days then 1
            else 0
        end
    ) = 0
),

bits_left as (
    -- use comes in spells of days: periods longer than a spell are independent of each other, as the estimate needs them,
    -- and days are not; each period with use is a bit. Without the lowest: nothing where one period had use
    select source, subject_kind, subject, periods & (periods - 1) as others
    from subject_use
    where periods > 0
),

handsets as (
    select
        j.source,
        case when j.handset_uses > 0 then 1 else 0 end as is_used,
        case when b.others = 0 then 1 else 0 end as is_once,
        case when b.others <> 0 and b.others & (b.others - 1) = 0 then 1 else 0 end as is_twice
    from judged j
    left join bits_left b on j.source = b.source and j.subject_kind = b.subject_kind and j.subject = b.subject
),

covered_periods as (
    select source, count(*) as periods
    from (
        select distinct c.source, floor(13 * cast(s.as_of - c.local_day as double) / s.window_days) as period
        from coverage c
        cross join settings s
    ) p
    group by source
),

counted as (
    select
        h.source,
        max(p.periods) as periods,
        count(*) as handsets,
        cast(sum(h.is_used) as bigint) as used,
        cast(sum(h.is_once) as bigint) as once,
        cast(sum(h.is_twice) as bigint) as twice,
        max(cast(p.periods - 1 as double) / p.periods) as a,
        cast(sum(h.is_once) as double) as f1,
        cast(sum(h.is_twice) as double) as f2
    from handsets h
    join covered_periods p on h.source = p.source
    group by h.source
),

estimated as (
    -- Chao (1987), bias-corrected, and its variance; with fewer than two used once there is no such variance, and the
    -- estimate stands for the most that could be used once (97.5 %: 3.689 where none was, 5.572 where one was); one
    -- period alone tells nothing
    select
        c.*,
        a * f1 * greatest(f1 - 1, 0) / (2 * (f2 + 1)) as unseen,
        case
            when periods = 1 then power(handsets, 2)
            when f1 = 0 then power(a * 3.689 * 2.689 / (2 * (f2 + 1)) / 1.96, 2)
            when f1 = 1 then power(a * 5.572 * 4.572 / (2 * (f2 + 1)) / 1.96, 2)
            else a * f1 * (f1 - 1) / (2 * (f2 + 1))
                + a * a * f1 * power(2 * f1 - 1, 2) / (4 * power(f2 + 1, 2))
                + a * a * f1 * f1 * f2 * power(f1 - 1, 2) / (4 * power(f2 + 1, 4))
        end as variance
    from counted c
),

summed as (
    -- each source for itself, and all together: what is estimated adds up, and so does its variance
    select
        case when w.is_estate then null else e.source end as source,
        max(e.periods) as periods,
        cast(sum(e.handsets) as bigint) as handsets,
        cast(sum(e.used) as bigint) as used,
        cast(sum(e.once) as bigint) as once,
        cast(sum(e.twice) as bigint) as twice,
        sum(e.unseen) as unseen,
        sum(e.variance) as variance
    from estimated e
    cross join (select false as is_estate union all select true) w
    group by case when w.is_estate then null else e.source end
),

bounded as (
    -- the logarithm of what was not met is taken for normal, as Chao does; where nothing is expected, the bound alone
    select
        s.*,
        case
            when unseen > 0 then unseen * exp(1.96 * sqrt(ln(1 + variance / (unseen * unseen))))
            else 1.96 * sqrt(variance)
        end as unseen_high
    from summed s
)

select
    source,
    periods,
    handsets,
    used,
    handsets - used as seen_silent,
    once as used_in_one_period,
    twice as used_in_two_periods,
    round(100 * unseen) / 100 as used_but_silent,
    round(100 * unseen_high) / 100 as used_but_silent_high,
    cast(greatest(handsets - used - ceil(round(1000000 * unseen_high) / 1000000), 0) as bigint) as idle_low,
    cast(greatest(handsets - used - round(unseen), 0) as bigint) as idle_expected,
    handsets - used as idle_high
from bounded
