-- title:  Unrated calls
-- asks:   Which calls has the tariff table no price for, and what is missing?
-- grain:  one row per source, carrier, class of number and band with calls that no line of the table prices
-- param:  month  text  = ''  as 2024-03; '' for the window
-- setting: as_of
-- setting: window_days
-- column: source        text  -        configured source that recorded them
-- column: platform      text  -        format of the source
-- column: carrier       text  -        of the trunk they left by; blank where not known
-- column: number_class  text  -        class of the numbers called; on_net for calls with own mobiles
-- column: band          text  -        day, evening, weekend
-- column: calls         int   count    calls without a price
-- column: talk_s        int   seconds  connected
-- column: first_day     date  -        of the first of them
-- column: last_day      date  -        of the last
-- column: missing       text  -        what the table lacks: tariffs (it is empty), class (no line for it), dates (none on all of the days), source, carrier, prefix or band
with unrated as (
    select r.source, r.platform, r.carrier, r.number_class, r.band, r.local_day, count(*) as calls, sum(r.talk_s) as talk_s
    from rated_calls r
    cross join settings s
    where r.charge_micros is null
        and ($month <> '' or r.local_day <= s.as_of and r.local_day > s.as_of - s.window_days)
        and ($month = '' or r.local_day >= cast(nullif($month, '') || '-01' as date))
        and ($month = '' or r.local_day <= cast(nullif($month, '') || '-01' as date) + 30)
        and ($month = '' or substr(cast(r.local_day as varchar), 1, 7) = $month)
    group by r.source, r.platform, r.carrier, r.number_class, r.band, r.local_day
),

of_class as (
    select
        u.source, u.carrier, u.number_class, u.band, u.local_day,
        count(*) as lines,
        count(*) filter (
            where t.effective_from <= u.local_day and (t.effective_to is null or t.effective_to >= u.local_day)
        ) as lines_that_day
    from unrated u
    join tariffs_in_force t on u.number_class = t.number_class
    group by u.source, u.carrier, u.number_class, u.band, u.local_day
),

kept as (
    select count(*) as lines
    from tariffs_in_force
)

select
    u.source,
    u.platform,
    u.carrier,
    u.number_class,
    u.band,
    cast(sum(u.calls) as bigint) as calls,
    cast(sum(u.talk_s) as bigint) as talk_s,
    min(u.local_day) as first_day,
    max(u.local_day) as last_day,
    case
        when max(k.lines) = 0 then 'tariffs'
        when max(coalesce(c.lines, 0)) = 0 then 'class'
        when min(coalesce(c.lines_that_day, 0)) = 0 then 'dates'
        else 'source, carrier, prefix or band'
    end as missing
from unrated u
cross join kept k
left join of_class c on u.source = c.source
    and u.carrier = c.carrier
    and u.number_class = c.number_class
    and u.band = c.band
    and u.local_day = c.local_day
group by u.source, u.platform, u.carrier, u.number_class, u.band
order by u.source, u.carrier, u.number_class, u.band
