-- title:  Blind spots
-- asks:   What can the records of each source not show, as far as the records themselves tell?
-- grain:  one row per source and spot found; gaps in time are in coverage_days
-- setting: as_of
-- setting: window_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source       text  -      configured source
-- column: spot         text  -      unanswered_not_logged, internal_not_logged, masked_numbers, rejected_records, answers_at_pilot, silent_node, gaps, expired_records, expiring_records, clock_jump, stale_register
-- column: is_blocking  bool  -      silence proves less because of it; the verdicts take it into account
-- column: seen         int   count  what detail counts
-- column: detail       text  -      the evidence
with totals as (
    select n.source, sum(n.legs) as legs, sum(n.unattributed) as unattributed
    from node_hours n
    cross join settings s
    where n.local_day > s.as_of - s.window_days
    group by n.source
),

lasts as (
    select t.source, max(t.local_day) as last_day, min(t.local_day) as first_day
    from traffic t
    cross join settings s
    where t.legs > 0
        and t.local_day <= s.as_of
    group by t.source
),

found as (
    select
        source,
        'unanswered_not_logged' as spot,
        true as is_blocking,
        count(*) as seen,
        cast(count(*) as varchar) || ' covered days without one call that nobody answered: rung and abandoned calls are not on record, so a phone that only rings looks as if nobody asked for it' as detail
    from coverage_days
    where state = 'covered' and not shows_unanswered
    group by source

    union all

    select
        source,
        'internal_not_logged' as spot,
        true as is_blocking,
        count(*) as seen,
        cast(count(*) as varchar) || ' covered days without one call within the platform: such calls are not on record, so a phone used for them alone looks idle' as detail
    from coverage_days
    where state = 'covered' and not shows_internal
    group by source

    union all

    select
        t.source,
        'masked_numbers' as spot,
        true as is_blocking,
        t.unattributed as seen,
        cast(t.unattributed as varchar) || ' of ' || cast(t.legs as varchar) || ' calls name no number, handset or login of ours: any line may have made or taken them' as detail
    from totals t
    cross join settings s
    where t.legs >= s.blind_after_legs
        and 100 * cast(t.unattributed as double) > s.max_unattributed_percent * t.legs

    union all

    select
        r.source,
        'rejected_records' as spot,
        100 * cast(r.rejected as double) > s.max_rejected_percent * r.records as is_blocking,
        r.rejected as seen,
        cast(r.rejected as varchar) || ' of ' || cast(r.records as varchar) || ' records of the files of the window were rejected: they may be calls of a phone that looks silent' as detail
    from (
        select source, sum(rejected) as rejected, sum("read") as records
        from inputs
        where last_started_at is null or cast(last_started_at as date) > (select as_of - window_days from settings)
        group by source
    ) r
    cross join settings s
    where r.rejected > 0

    union all

    select
        t.source,
        'answers_at_pilot' as spot,
        true as is_blocking,
        sum(t.unattributed) as seen,
        cast(sum(t.unattributed) as varchar) || ' answered calls of ' || cast(count(distinct t.name) as varchar) || ' hunt groups are on record under the group, not under the number that answered' as detail
    from traffic t
    cross join settings s
    where t.kind = 'group'
        and t.unattributed > 0
        and t.local_day <= s.as_of
        and t.local_day > s.as_of - s.window_days
    group by t.source

    union all

    select
        source,
        'silent_node' as spot,
        true as is_blocking,
        count(distinct node) as seen,
        'named by other nodes and never heard of itself: node ' || string_agg(distinct node, ', ' order by node) as detail
    from silent_nodes
    group by source

    union all

    select
        source,
        'gaps' as spot,
        false as is_blocking,
        count(*) as seen,
        cast(count(*) as varchar) || ' days of the window are gaps and prove nothing' as detail
    from coverage_days
    where state = 'gap'
    group by source

    union all

    select
        o.source,
        'expired_records' as spot,
        false as is_blocking,
        count(*) as seen,
        cast(count(*) as varchar) || ' days without records are older than the ' || cast(o.refetch_days as varchar) || ' days for which the platform keeps them: they cannot be fetched again' as detail
    from sources o
    cross join settings s
    join lasts l on o.source = l.source
    join calendar c on c.day <= s.as_of - o.refetch_days and c.day > s.as_of - s.window_days and c.day >= l.first_day
    left join (select distinct source, local_day from node_hours) n on o.source = n.source and c.day = n.local_day
    where o.refetch_days is not null
        and n.source is null
    group by o.source, o.refetch_days

    union all

    select
        o.source,
        'expiring_records' as spot,
        false as is_blocking,
        s.as_of - l.last_day as seen,
        'the last record is ' || cast(s.as_of - l.last_day as varchar) || ' days old and the platform keeps ' || cast(o.refetch_days as varchar) || ': fetch them now' as detail
    from sources o
    cross join settings s
    join lasts l on o.source = l.source
    where o.refetch_days is not null
        and l.last_day < s.as_of - o.refetch_days + 5
        and l.last_day > s.as_of - o.refetch_days - 5

    union all

    select
        source,
        'clock_jump' as spot,
        false as is_blocking,
        count(*) as seen,
        cast(count(*) as varchar) || ' files in which the clock goes back, by up to ' || cast(max(clock_back_s) as varchar) || ' s: their days may be wrong' as detail
    from inputs
    where clock_back_s > 7200
        and cast(last_started_at as date) > (select as_of - window_days from settings)
    group by source

    union all

    select
        r.source,
        'stale_register' as spot,
        false as is_blocking,
        s.as_of - r.loaded_as_of as seen,
        'the register in force is of ' || cast(r.loaded_as_of as varchar) || ', before the window began: phones may have come, gone and moved since' as detail
    from (select source, max(loaded_as_of) as loaded_as_of from register group by source) r
    cross join settings s
    where r.loaded_as_of <= s.as_of - s.window_days
)

select source, spot, is_blocking, cast(seen as bigint) as seen, detail
from found
