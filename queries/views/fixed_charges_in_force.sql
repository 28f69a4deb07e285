-- title:  Fixed charges in force
-- asks:   What does an extension cost a month whether it is used or not, by the load that holds on the day asked about?
-- grain:  one row per line of the table of fixed charges
-- setting: as_of
-- column: charge           text  -       what is charged: line rental, handset, voicemail
-- column: source           text  -       only extensions of this source; null for any
-- column: platform         text  -       only those of sources of this format; null for any
-- column: device_kind      text  -       only this kind of device; null for any
-- column: use              text  -       only lines for this use; null for any
-- column: micros_per_month  int  micros  a month, millionths of a pound
-- column: vat              text  -       exclusive: prices are without VAT
-- column: effective_from   date  -       first day
-- column: effective_to     date  -       last day; null for none
-- column: price_source     text  -       where the price is from
-- column: loaded_as_of     date  -       day of the load this row is from
with in_force as (
    select coalesce(max(t.as_of) filter (where t.as_of <= s.as_of), min(t.as_of)) as as_of
    from fixed_charges t
    cross join settings s
)

select
    t.charge,
    t.source,
    t.platform,
    t.device_kind,
    t."use",
    t.micros_per_month,
    t.vat,
    t.effective_from,
    t.effective_to,
    t.price_source,
    t.as_of as loaded_as_of
from fixed_charges t
join in_force i on t.as_of = i.as_of
