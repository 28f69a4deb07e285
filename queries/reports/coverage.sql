-- title:  Coverage and gaps
-- asks:   From when to when would each source have shown a call, and where are the holes in which silence proves nothing?
-- grain:  one row per source and unbroken stretch of days of one state and reason; together they are the window
-- param:  source  text  = ''  only this source; '' for all
-- setting: as_of
-- setting: window_days
-- setting: blind_after_legs
-- column: source     text  -     configured source
-- column: state      text  -     covered; blind (covered, but not for every kind of call); gap
-- column: reason     text  -     of a gap: no_records, missing_files, silent_node, missing_node, missing_hours; of a blind stretch: unanswered_not_logged, internal_not_logged, or both
-- column: first_day  date  -     first day of the stretch
-- column: last_day   date  -     last day of the stretch
-- column: days       int   days  length of the stretch
-- column: weekdays   int   days  of those, Monday to Friday
-- column: detail     text  -     numbers of the files, nodes, hours; of the first day that has any
with states as (
    select
        source,
        local_day,
        detail,
        case
            when state = 'gap' then 'gap'
            when shows_unanswered and shows_internal then 'covered'
            else 'blind'
        end as state,
        case
            when state = 'gap' then reason
            when shows_unanswered and shows_internal then ''
            when shows_unanswered then 'internal_not_logged'
            when shows_internal then 'unanswered_not_logged'
            else 'unanswered_not_logged internal_not_logged'
        end as reason
    from coverage_days
    where $source = '' or source = $source
),

days as (
    -- sources that show no silence cover no day
    select o.source, c.day as local_day, coalesce(t.state, 'gap') as state, coalesce(t.reason, 'shows_no_silence') as reason, t.detail
    from sources o
    cross join settings s
    join calendar c on c.day <= s.as_of and c.day > s.as_of - s.window_days
    left join states t on o.source = t.source and c.day = t.local_day
    where $source = '' or o.source = $source
),

stretches as (
    -- days of one stretch have the same distance between their place in the window and their place in their state
    select
        source,
        state,
        reason,
        local_day,
        detail,
        row_number() over (partition by source order by local_day) - row_number() over (partition by source, state, reason order by local_day) as stretch
    from days
)

select
    source,
    state,
    nullif(reason, '') as reason,
    min(local_day) as first_day,
    max(local_day) as last_day,
    count(*) as days,
    count(*) filter (where extract(isodow from local_day) < 6) as weekdays,
    min(detail) as detail
from stretches
group by source, state, reason, stretch
order by source, min(local_day)
