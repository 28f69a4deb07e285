-- title:  Bill reconciliation
-- asks:   Do the carriers' bills and our own records tell of the same calls out?
-- grain:  one row per month and class of number that either has, between the first and the last day billed in the window
-- param:  bill       text  = ''  the source that holds the bill; '' for all that are read from itemised bills
-- param:  source     text  = ''  only calls of this source of ours; '' for all
-- param:  carrier    text  = ''  only calls by trunks of this carrier; '' for all
-- param:  tolerance_percent  float  = 2.0  difference up to which they agree
-- setting: as_of
-- setting: window_days
-- column: month             text   -        year and month, of our own civil days
-- column: number_class      text   -        class of the number called
-- column: calls_ours        int    count    calls that went out by a carrier's trunk and were answered
-- column: calls_billed      int    count    calls on the bill that were connected
-- column: calls_difference_percent    float  percent  billed, more than ours; null where we have none
-- column: seconds_ours      int    seconds  connected
-- column: seconds_billed    int    seconds  billed, as the bill has them; a bill may round up and may count the ringing
-- column: seconds_difference_percent  float  percent  billed, more than ours
-- column: days              int    days     days on which either has a call of the class
-- column: days_differ       int    days     of those, days whose calls differ in number by more than the tolerance
-- column: state             text   -        agrees, differs, only_ours (free numbers are seldom billed), only_billed (a hint at records we lack)
with bills as (
    select source
    from sources
    where $bill = '' and platform = 'fcs-uk' and not shows_silence
        or source = $bill
),

spans as (
    -- days that the files of the bill could have a call on, at most; where there is no bill, a day that never comes, so
    -- that nothing is read
    select
        coalesce(min(cast(i.first_started_at as date)) - 1, date '9999-12-31') as first_day,
        coalesce(max(cast(i.last_started_at as date)) + 1, date '9999-12-31') as last_day
    from inputs i
    join bills b on i.source = b.source
),

trunks_out as (
    -- calls on lines to ourselves and to named parties are on no carrier's bill
    select
        source,
        trunk,
        coalesce(carrier, '') as carrier,
        kind in ('tie_line', 'third_party', 'voicemail', 'recorder') or peer_source is not null as is_private
    from trunks_in_force
),

daily as (
    select
        l.source,
        l.local_day,
        coalesce(l.number_class, 'unknown') as number_class,
        l.trunk_out,
        count(*) filter (where l.part <> 'continued') as calls,
        sum(l.talk_s) as talk_s
    from legs l
    where l.direction in ('outbound', 'tandem')
        and l.outcome in ('answered', 'diverted')
        and l.part <> 'system'
        and l.local_day <= (select as_of from settings)
        and l.local_day > (select as_of - window_days from settings)
        and l.local_day >= (select first_day from spans)
        and l.local_day <= (select last_day from spans)
    group by l.source, l.local_day, coalesce(l.number_class, 'unknown'), l.trunk_out
),

told as (
    select
        d.local_day,
        d.number_class,
        b.source is not null as is_bill,
        d.calls,
        d.talk_s
    from daily d
    left join bills b on d.source = b.source
    left join sources c on d.source = c.source
    left join trunks_out t on d.source = t.source and d.trunk_out = t.trunk
    where b.source is not null
        or c.platform <> 'fcs-uk'
            and coalesce(not t.is_private, true)
            and ($source = '' or d.source = $source)
            and ($carrier = '' or t.carrier = $carrier)
),

by_day as (
    select
        local_day,
        number_class,
        coalesce(sum(case when not is_bill then calls end), 0) as calls_ours,
        coalesce(sum(case when is_bill then calls end), 0) as calls_billed,
        coalesce(sum(case when not is_bill then talk_s end), 0) as seconds_ours,
        coalesce(sum(case when is_bill then talk_s end), 0) as seconds_billed
    from told
    group by local_day, number_class
),

spanned as (
    -- what came before the first day billed, or after the last, is on another bill
    select
        d.*,
        min(case when calls_billed > 0 then local_day end) over () as first_billed_on,
        max(case when calls_billed > 0 then local_day end) over () as last_billed_on
    from by_day d
),

monthly as (
    select
        substr(cast(local_day as varchar), 1, 7) as month,
        number_class,
        cast(sum(calls_ours) as bigint) as calls_ours,
        cast(sum(calls_billed) as bigint) as calls_billed,
        cast(sum(seconds_ours) as bigint) as seconds_ours,
        cast(sum(seconds_billed) as bigint) as seconds_billed,
        count(*) as days,
        count(*) filter (where abs(calls_billed - calls_ours) * 100.0 > $tolerance_percent * calls_ours) as days_differ
    from spanned
    where local_day >= first_billed_on
        and local_day <= last_billed_on
    group by substr(cast(local_day as varchar), 1, 7), number_class
),

compared as (
    select
        m.*,
        100 * cast(calls_billed - calls_ours as double) / nullif(calls_ours, 0) as calls_percent,
        100 * cast(seconds_billed - seconds_ours as double) / nullif(seconds_ours, 0) as seconds_percent
    from monthly m
)

select
    month,
    number_class,
    calls_ours,
    calls_billed,
    round(100 * calls_percent) / 100 as calls_difference_percent,
    seconds_ours,
    seconds_billed,
    round(100 * seconds_percent) / 100 as seconds_difference_percent,
    days,
    days_differ,
    case
        when calls_billed = 0 then 'only_ours'
        when calls_ours = 0 then 'only_billed'
        when abs(calls_percent) <= $tolerance_percent and abs(coalesce(seconds_percent, 0)) <= $tolerance_percent then 'agrees'
        else 'differs'
    end as state
from compared
where calls_ours > 0 or calls_billed > 0
order by month, number_class
