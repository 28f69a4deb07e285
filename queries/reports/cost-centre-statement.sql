-- title:  Cost-centre statement
-- asks:   What does each cost centre owe for a month: its calls by class and band, and what its extensions cost whether used or not?
-- grain:  one row per cost centre and line of its statement
-- param:  month        text  = ''  as 2024-03; '' for the month of the last day of the window
-- param:  cost_centre  text  = ''  only this cost centre; '' for all
-- setting: as_of
-- column: month          text  -        year and month, of the civil days at the sources
-- column: cost_centre    text  -        code; (none) for what no cost centre could be found for
-- column: name           text  -        its name; null where the list lacks it
-- column: kind           text  -        calls or fixed
-- column: item           text  -        class of the numbers called, on_net for own mobiles; name of the fixed charge
-- column: band           text  -        day, evening, weekend; null for a fixed charge
-- column: calls          int   count    calls; null for a fixed charge
-- column: unrated        int   count    of them without a price in the tariff table, and so not in the charge
-- column: billed_s       int   seconds  charged for
-- column: extensions     int   count    extensions charged; null for calls
-- column: charge_micros  int   micros   exact sum, millionths of a pound without VAT
-- column: charge_pence   int   pence    the same to the nearest penny (half up): the amount of the line
with months as (
    select case when $month = '' then substr(cast(as_of as varchar), 1, 7) else $month end as month
    from settings
),

firsts as (
    select month, cast(month || '-01' as date) as first_day, cast(month || '-01' as date) + 31 as in_next_month
    from months
),

spans as (
    select month, first_day, in_next_month - cast(extract(day from in_next_month) as int) as last_day
    from firsts
),

calls as (
    select
        coalesce(r.cost_centre, '(none)') as cost_centre,
        'calls' as kind,
        r.number_class as item,
        r.band,
        count(*) as calls,
        count(*) filter (where r.charge_micros is null) as unrated,
        cast(coalesce(sum(r.billed_s), 0) as bigint) as billed_s,
        cast(null as bigint) as extensions,
        cast(coalesce(sum(r.charge_micros), 0) as bigint) as charge_micros
    from rated_calls r
    cross join spans s
    where r.local_day >= s.first_day
        and r.local_day <= s.last_day
        -- the same for a month that is given, in words that let files of other months be left unread
        and ($month = '' or r.local_day >= cast(nullif($month, '') || '-01' as date))
        and ($month = '' or r.local_day <= cast(nullif($month, '') || '-01' as date) + 30)
    group by coalesce(r.cost_centre, '(none)'), r.number_class, r.band
),

loads as (
    -- the register in force on the last day of the month
    select s.last_day, coalesce(max(e.as_of) filter (where e.as_of <= s.last_day), min(e.as_of)) as as_of
    from (select distinct as_of from extensions) e
    cross join spans s
    group by s.last_day
),

lines as (
    select
        l.last_day,
        coalesce(e.cost_centre, '(none)') as cost_centre,
        e.source,
        e.extension,
        e.device_kind,
        e."use",
        c.platform
    from extensions e
    join loads l on e.as_of = l.as_of
    left join sources c on e.source = c.source
    where e.installed_on is null
        or e.installed_on <= l.last_day
),

charged as (
    -- of each kind of charge the most particular row: source before use before device before platform
    select
        e.cost_centre,
        f.charge,
        f.micros_per_month,
        row_number() over (
            partition by e.source, e.extension, f.charge
            order by
                case when f.source is null then 1 else 0 end,
                case when f."use" is null then 1 else 0 end,
                case when f.device_kind is null then 1 else 0 end,
                case when f.platform is null then 1 else 0 end,
                f.effective_from desc
        ) as rank
    from lines e
    cross join fixed_charges_in_force f
    where (f.source is null or f.source = e.source)
        and (f.platform is null or f.platform = e.platform)
        and (f.device_kind is null or f.device_kind = e.device_kind)
        and (f."use" is null or f."use" = e."use")
        and f.effective_from <= e.last_day
        and (f.effective_to is null or f.effective_to >= e.last_day)
),

fixed as (
    select
        cost_centre,
        'fixed' as kind,
        charge as item,
        cast(null as varchar) as band,
        cast(null as bigint) as calls,
        cast(null as bigint) as unrated,
        cast(null as bigint) as billed_s,
        count(*) as extensions,
        cast(sum(micros_per_month) as bigint) as charge_micros
    from charged
    where rank = 1
    group by cost_centre, charge
),

printed as (
    select * from calls
    union all
    select * from fixed
)

select
    s.month,
    p.cost_centre,
    c.name,
    p.kind,
    p.item,
    p.band,
    p.calls,
    p.unrated,
    p.billed_s,
    p.extensions,
    p.charge_micros,
    -- no remainder is left, so every engine divides alike
    cast((p.charge_micros + 5000 - (p.charge_micros + 5000) % 10000) / 10000 as bigint) as charge_pence
from printed p
cross join spans s
left join cost_centres_in_force c on p.cost_centre = c.cost_centre
where $cost_centre = '' or p.cost_centre = $cost_centre
order by p.cost_centre, p.kind, p.item, p.band
