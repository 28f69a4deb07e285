-- title:  Tariffs in force
-- asks:   What does a call cost, by the load of the tariff table that holds on the day asked about?
-- grain:  one row per line of the tariff table, with what blank cells mean filled in
-- setting: as_of
-- column: tariff             text  -        name of the tariff
-- column: source             text  -        only calls that leave from this source; null for any
-- column: carrier            text  -        only calls by this carrier's trunks; null for any
-- column: number_class       text  -        class of the number called, or on_net; null for any
-- column: prefix             text  -        first digits of the number called, country code first; blank for any
-- column: band               text  -        day, evening, weekend; null for any
-- column: connection_micros  int   micros   for the connection, millionths of a pound
-- column: rate_micros_per_minute  int  micros  for a minute
-- column: first_increment_s  int   seconds  that a call is charged for at least
-- column: increment_s        int   seconds  in steps of which the rest is charged
-- column: minimum_micros     int   micros   least charge of a call
-- column: cap_micros         int   micros   most charge of a call, for its first cap_minutes; null for no cap
-- column: cap_minutes        int   minutes  that the cap holds for; null for the whole call
-- column: rounding           text  -        up, half_up, half_even: how the charge of a call is rounded
-- column: round_to_micros    int   micros   to a multiple of what
-- column: vat                text  -        exclusive: prices are without VAT
-- column: effective_from     date  -        first day
-- column: effective_to       date  -        last day; null for none
-- column: price_source       text  -        where the price is from
-- column: loaded_as_of       date  -        day of the load this row is from
with in_force as (
    select coalesce(max(t.as_of) filter (where t.as_of <= s.as_of), min(t.as_of)) as as_of
    from tariffs t
    cross join settings s
)

select
    t.tariff,
    t.source,
    t.carrier,
    t.number_class,
    coalesce(t.prefix, '') as prefix,
    t.band,
    coalesce(t.connection_micros, 0) as connection_micros,
    t.rate_micros_per_minute,
    t.first_increment_s,
    t.increment_s,
    coalesce(t.minimum_micros, 0) as minimum_micros,
    t.cap_micros,
    t.cap_minutes,
    coalesce(t.rounding, 'half_up') as rounding,
    coalesce(t.round_to_micros, 1) as round_to_micros,
    t.vat,
    t.effective_from,
    t.effective_to,
    t.price_source,
    t.as_of as loaded_as_of
from tariffs t
join in_force i on t.as_of = i.as_of
