-- title:  Rated calls
-- asks:   What does each call cost by the tariff table, and who pays?
-- grain:  one row per call to be charged
-- setting: as_of
-- column: source          text       -        configured source that recorded it
-- column: platform        text       -        format of the source
-- column: leg_key         int        -        the record that set it up
-- column: started_at      timestamp  -        as recorded, UTC
-- column: local_day       date       -        civil day at the source
-- column: local_minute    int        minutes  of that day
-- column: band            text       -        day, evening, weekend, by the start of the call
-- column: direction       text       -        outbound, tandem, internal
-- column: carrier         text       -        of the trunk it left by; blank where not known
-- column: number          text       -        number called
-- column: number_class    text       -        class of that number, or on_net
-- column: payer_source    text       -        source of the extension that pays; null where nobody of ours is known
-- column: payer_extension text       -        that extension
-- column: cost_centre     text       -        its cost centre on that day; null for none
-- column: talk_s          int        seconds  connected
-- column: tariff          text       -        tariff of the line that prices it; null where no line does: the call is unrated
-- column: billed_s        int        seconds  charged for; null where unrated
-- column: charge_micros   int        micros   charge, millionths of a pound without VAT; null where unrated
with longest as (
    select number_class, max(length(prefix)) as digits
    from tariffs_in_force
    where number_class is not null
    group by number_class
),

calls as (
    -- as many digits of the number as any line of its class looks at: calls alike in these have one price
    select
        c.*,
        substr(ltrim(c.number, '+'), 1, coalesce(l.digits, 0)) as digits
    from outside_calls c
    left join longest l on c.price_class = l.number_class
),

kinds as (
    select distinct source, carrier, price_class, digits, band, local_day
    from calls
),

candidates as (
    select k.source as of_source, k.carrier as of_carrier, k.price_class, k.digits, k.band as of_band, k.local_day, t.*
    from kinds k
    join tariffs_in_force t on k.price_class = t.number_class
    where t.prefix = substr(k.digits, 1, length(t.prefix))
    union all
    select k.source as of_source, k.carrier as of_carrier, k.price_class, k.digits, k.band as of_band, k.local_day, t.*
    from kinds k
    cross join tariffs_in_force t
    where t.number_class is null
),

ranked as (
    -- the most particular line wins: source before carrier before class before length of prefix before band
    select
        c.*,
        row_number() over (
            partition by of_source, of_carrier, price_class, digits, of_band, local_day
            order by
                case when source is null then 1 else 0 end,
                case when carrier is null then 1 else 0 end,
                case when number_class is null then 1 else 0 end,
                length(prefix) desc,
                case when band is null then 1 else 0 end,
                effective_from desc,
                tariff
        ) as rank
    from candidates c
    where (c.source is null or c.source = c.of_source)
        and (c.carrier is null or c.carrier = c.of_carrier)
        and (c.band is null or c.band = c.of_band)
        and c.effective_from <= c.local_day
        and (c.effective_to is null or c.effective_to >= c.local_day)
),

lines as (
    select *
    from ranked
    where rank = 1
),

timed as (
    -- a call is charged for its first increment at least, and for every further one begun
    select
        c.*,
        t.tariff,
        t.connection_micros,
        t.rate_micros_per_minute,
        t.minimum_micros,
        t.cap_micros,
        t.cap_minutes,
        t.rounding,
        t.round_to_micros,
        case
            when c.talk_s <= t.first_increment_s then t.first_increment_s
            else c.talk_s + t.increment_s - 1 - (c.talk_s - t.first_increment_s + t.increment_s - 1) % t.increment_s
        end as billed_s
    from lines t
    right join calls c on t.of_source = c.source
        and t.of_carrier = c.carrier
        and t.price_class = c.price_class
        and t.digits = c.digits
        and t.of_band = c.band
        and t.local_day = c.local_day
),

split as (
    select t.*, least(billed_s, coalesce(cap_minutes * 60, billed_s)) as capped_s
    from timed t
),

-- From here in sixtieths of a millionth: a price a minute times seconds is whole then, and nothing is lost before the end.
in_cap as (
    select s.*, connection_micros * 60 + rate_micros_per_minute * capped_s as start_60ths
    from split s
),

exact as (
    select
        c.*,
        greatest(
            case when cap_micros is null or start_60ths < cap_micros * 60 then start_60ths else cap_micros * 60 end
                + rate_micros_per_minute * (billed_s - capped_s),
            minimum_micros * 60
        ) as exact_60ths,
        round_to_micros * 60 as step
    from in_cap c
),

raised as (
    -- what is cut off next is then what the rounding says
    select
        e.*,
        case
            when rounding = 'up' then exact_60ths + step - 1
            when rounding = 'half_up' then exact_60ths + round_to_micros * 30
            when exact_60ths % step > round_to_micros * 30 then exact_60ths + step
            when exact_60ths % step = round_to_micros * 30 and (exact_60ths - exact_60ths % step) % (2 * step) = step
                then exact_60ths + step
            else exact_60ths
        end as raised_60ths
    from exact e
)

select
    source,
    platform,
    leg_key,
    started_at,
    local_day,
    local_minute,
    band,
    direction,
    carrier,
    number,
    price_class as number_class,
    payer_source,
    payer_extension,
    cost_centre,
    talk_s,
    tariff,
    billed_s,
    -- no remainder is left, so every engine divides alike
    cast((raised_60ths - raised_60ths % step) / 60 as bigint) as charge_micros
from raised
