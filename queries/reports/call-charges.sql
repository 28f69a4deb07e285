-- title:  Call charges
-- asks:   What do calls cost in each source, by class of number, and what would that be in a year?
-- grain:  one row per source and class of the numbers called
-- setting: as_of
-- setting: window_days
-- setting: blind_after_legs
-- column: source         text  -        configured source that recorded the calls
-- column: platform       text  -        format of the source
-- column: number_class   text  -        class of the numbers called; on_net for calls with own mobiles
-- column: calls          int   count    calls of the window that are charged for
-- column: unrated        int   count    of them without a price in the tariff table: they are in no charge
-- column: billed_s       int   seconds  charged for
-- column: charge_pence   int   pence    for the calls of the window, without VAT, to the nearest penny
-- column: covered_days   int   days     of the window whose records are whole; where a source shows no silence, from its first to its last record
-- column: covered_charge_pence  int  pence  of the charge, that for calls on those days
-- column: charge_pence_a_year   int  pence  the same scaled to 365 days, to the nearest penny; null without such days
with days as (
    select source, local_day
    from coverage_days
    where state = 'covered'
),

rated as (
    select r.*, d.local_day is not null or not c.shows_silence as is_covered
    from rated_calls r
    cross join settings s
    left join days d on r.source = d.source and r.local_day = d.local_day
    left join sources c on r.source = c.source
    where r.local_day <= s.as_of
        and r.local_day > s.as_of - s.window_days
),

spans as (
    select source, count(*) as covered_days
    from days
    group by source
    union all
    select t.source, max(t.local_day) - min(t.local_day) + 1 as covered_days
    from traffic t
    join sources c on t.source = c.source
    cross join settings s
    where not c.shows_silence
        and t.legs > 0
        and t.local_day <= s.as_of
        and t.local_day > s.as_of - s.window_days
    group by t.source
),

sums as (
    select
        source,
        platform,
        number_class,
        count(*) as calls,
        count(*) filter (where charge_micros is null) as unrated,
        cast(coalesce(sum(billed_s), 0) as bigint) as billed_s,
        cast(coalesce(sum(charge_micros), 0) as bigint) as micros,
        cast(coalesce(sum(case when is_covered then charge_micros end), 0) as bigint) as covered_micros
    from rated
    group by source, platform, number_class
),

printed as (
    -- no remainder is left where something is divided, so every engine divides alike
    select
        s.*,
        cast((micros + 5000 - (micros + 5000) % 10000) / 10000 as bigint) as charge_pence,
        cast((covered_micros + 5000 - (covered_micros + 5000) % 10000) / 10000 as bigint) as covered_charge_pence,
        coalesce(cast(p.covered_days as bigint), 0) as covered_days
    from sums s
    left join spans p on s.source = p.source
),

yearly as (
    -- twice the pence of a year and one more penny's half, in days: halves go up
    select p.*, covered_charge_pence * 730 + covered_days as twice, nullif(covered_days * 2, 0) as step
    from printed p
)

select
    source,
    platform,
    number_class,
    calls,
    unrated,
    billed_s,
    charge_pence,
    covered_days,
    covered_charge_pence,
    cast((twice - twice % step) / step as bigint) as charge_pence_a_year
from yearly
order by source, platform, number_class
