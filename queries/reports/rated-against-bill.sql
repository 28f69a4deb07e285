-- title:  Rated against billed
-- asks:   Does the carrier charge what our tariff table says its calls cost, and for the same calls?
-- grain:  one row per carrier with an itemised bill and month, between the first and the last day billed
-- param:  month  text  = ''  as 2024-03; '' for all months of the window
-- param:  bill   text  = ''  the source that holds the bill; '' for all that are read from itemised bills
-- setting: as_of
-- setting: window_days
-- column: carrier           text  -      whose bill, as the configuration of its source says; blank for all trunks that no other bill is for
-- column: month             text  -      year and month of the civil days
-- column: calls_ours        int   count  calls by its trunks that the tariff table makes dearer than nothing, or has no price for
-- column: calls_billed      int   count  calls on its bill that cost something
-- column: calls_only_ours   int   count  of ours, those to a number that the bill has fewer calls to on that day; so many are not on it
-- column: calls_only_billed int   count  of the bill's, those to a number that we have fewer calls to on that day
-- column: unrated           int   count  of ours, those without a price
-- column: ours_pence        int   pence  our charge, without VAT, to the nearest penny
-- column: billed_pence      int   pence  the bill's, as it stands in it
-- column: difference_pence  int   pence  billed, more than ours
-- column: state             text  -      agrees: the same calls to the penny; else differs
with bills as (
    select source, carrier
    from sources
    where $bill = '' and platform = 'fcs-uk' and not shows_silence
        or source = $bill
),

billed as (
    select b.carrier, l.local_day, coalesce(l.callee, l.dialled, '') as number, coalesce(l.charge_micros, 0) as micros
    from legs l
    join bills b on l.source = b.source
    where l.direction in ('outbound', 'tandem')
        and l.part <> 'system'
        and (l.outcome in ('answered', 'diverted') or l.charge_micros > 0)
        and coalesce(l.currency, 'GBP') = 'GBP'
),

spans as (
    select carrier, min(local_day) as first_day, max(local_day) as last_day
    from billed
    group by carrier
),

named as (
    select distinct carrier
    from bills
),

ours as (
    select coalesce(n.carrier, '') as carrier, r.local_day, r.number, r.charge_micros
    from rated_calls r
    left join named n on r.carrier = n.carrier
    where r.direction <> 'internal'
),

both_sides as (
    select carrier, local_day, number, 0 as is_bill, charge_micros as micros
    from ours
    union all
    select carrier, local_day, number, 1 as is_bill, micros
    from billed
),

wanted as (
    select b.*, substr(cast(b.local_day as varchar), 1, 7) as month
    from both_sides b
    join spans p on b.carrier = p.carrier
    cross join settings s
    where b.local_day >= p.first_day
        and b.local_day <= p.last_day
        and ($month <> '' or b.local_day <= s.as_of and b.local_day > s.as_of - s.window_days)
        and ($month = '' or substr(cast(b.local_day as varchar), 1, 7) = $month)
),

by_number as (
    -- clocks differ, and so do lengths: how many calls to a number on a day is what both sides must have the same of
    select
        carrier,
        month,
        local_day,
        number,
        count(*) filter (where is_bill = 0) as calls_ours,
        count(*) filter (where is_bill = 0 and (micros is null or micros > 0)) as charged_ours,
        count(*) filter (where is_bill = 0 and micros is null) as unrated,
        count(*) filter (where is_bill = 1) as calls_billed,
        count(*) filter (where is_bill = 1 and micros > 0) as charged_billed,
        coalesce(sum(case when is_bill = 0 then micros end), 0) as micros_ours,
        coalesce(sum(case when is_bill = 1 then micros end), 0) as micros_billed
    from wanted
    group by carrier, month, local_day, number
),

monthly as (
    select
        carrier,
        month,
        cast(sum(charged_ours) as bigint) as calls_ours,
        cast(sum(charged_billed) as bigint) as calls_billed,
        -- what costs nothing need not be on a bill
        cast(sum(greatest(charged_ours - calls_billed, 0)) as bigint) as calls_only_ours,
        cast(sum(greatest(charged_billed - calls_ours, 0)) as bigint) as calls_only_billed,
        cast(sum(unrated) as bigint) as unrated,
        cast(sum(micros_ours) as bigint) + 5000 as raised_ours,
        cast(sum(micros_billed) as bigint) + 5000 as raised_billed
    from by_number
    group by carrier, month
),

pence as (
    -- no remainder is left, so every engine divides alike
    select
        m.*,
        cast((raised_ours - raised_ours % 10000) / 10000 as bigint) as ours_pence,
        cast((raised_billed - raised_billed % 10000) / 10000 as bigint) as billed_pence
    from monthly m
)

select
    carrier,
    month,
    calls_ours,
    calls_billed,
    calls_only_ours,
    calls_only_billed,
    unrated,
    ours_pence,
    billed_pence,
    billed_pence - ours_pence as difference_pence,
    case
        when billed_pence = ours_pence and calls_only_ours = 0 and calls_only_billed = 0 and unrated = 0 then 'agrees'
        else 'differs'
    end as state
from pence
order by carrier, month
