-- title:  Coverage by day
-- asks:   Would a call have been seen, on each day of the window in each source, and of which kinds?
-- grain:  one row per source that shows silence and day of the window
-- setting: as_of
-- setting: window_days
-- setting: blind_after_legs
-- column: source            text  -     configured source
-- column: local_day         date  -     civil day at the source
-- column: state             text  -     covered, or gap: its silence counts for nothing
-- column: reason            text  -     why it is a gap: no_records, missing_files, silent_node, missing_node, missing_hours; null where covered
-- column: detail            text  -     numbers of the files, names of the nodes, hours
-- column: legs              int   legs  legs on record
-- column: shows_unanswered  bool  -     calls that nobody answers are on record, as far as the run of days around it tells
-- column: shows_internal    bool  -     calls within the platform are
with days as (
    select o.source, c.day as local_day
    from sources o
    cross join settings s
    join calendar c on c.day <= s.as_of and c.day > s.as_of - s.window_days
    where o.shows_silence
),

totals as (
    select source, local_day, sum(legs) as legs, sum(unanswered) as unanswered, sum(internal) as internal
    from node_hours
    group by source, local_day
),

lost_files as (
    select
        d.source,
        d.local_day,
        string_agg('node ' || f.node || ': ' || cast(f.missing as varchar) || ' after number ' || cast(f.after_number as varchar), ', ' order by f.node, f.after_number) as detail
    from days d
    join missing_files f on d.source = f.source and d.local_day >= f.first_day and d.local_day <= f.last_day
    group by d.source, d.local_day
),

unheard as (
    select source, local_day, string_agg('node ' || node, ', ' order by node) as detail
    from silent_nodes
    group by source, local_day
),

lost_hours as (
    select
        source,
        local_day,
        min(hour) as first_hour,
        string_agg(
            case
                when hour < 0 then 'node ' || node || ': whole day'
                when node = '' then cast(hour as varchar) || ' h'
                else 'node ' || node || ': ' || cast(hour as varchar) || ' h'
            end, ', ' order by node, hour
        ) as detail
    from missing_hours
    group by source, local_day
),

judged as (
    select
        d.source,
        d.local_day,
        coalesce(t.legs, 0) as legs,
        coalesce(t.unanswered, 0) as unanswered,
        coalesce(t.internal, 0) as internal,
        case
            when t.source is null then 'no_records'
            when f.source is not null then 'missing_files'
            when n.source is not null then 'silent_node'
            when h.first_hour < 0 then 'missing_node'
            when h.source is not null then 'missing_hours'
        end as reason,
        case
            when t.source is null then null
            when f.source is not null then f.detail
            when n.source is not null then n.detail
            else h.detail
        end as detail
    from days d
    left join totals t on d.source = t.source and d.local_day = t.local_day
    left join lost_files f on d.source = f.source and d.local_day = f.local_day
    left join unheard n on d.source = n.source and d.local_day = n.local_day
    left join lost_hours h on d.source = h.source and d.local_day = h.local_day
),

runs as (
    -- days without a call of a kind, with those since the last day that had one
    select
        j.*,
        sum(case when unanswered > 0 then 1 else 0 end) over (partition by source order by local_day) as answered_run,
        sum(case when internal > 0 then 1 else 0 end) over (partition by source order by local_day) as outside_run
    from judged j
),

weighed as (
    select
        r.*,
        sum(case when unanswered = 0 then legs else 0 end) over (partition by source, answered_run) as legs_answered,
        sum(case when internal = 0 then legs else 0 end) over (partition by source, outside_run) as legs_outside
    from runs r
)

select
    w.source,
    w.local_day,
    case when w.reason is null then 'covered' else 'gap' end as state,
    w.reason,
    w.detail,
    cast(w.legs as bigint) as legs,
    w.unanswered > 0 or w.legs_answered < s.blind_after_legs as shows_unanswered,
    w.internal > 0 or w.legs_outside < s.blind_after_legs as shows_internal
from weighed w
cross join settings s
