-- title:  Candidates on tie lines
-- asks:   Which two crossings of one line, one on each side, could be the same call?
-- grain:  one row per crossing out of one source and crossing into its peer whose numbers agree, and whose times could
-- setting: tie_line_skew_s
-- setting: tie_line_tolerance_s
-- column: from_source   text  -        where the call came from
-- column: to_source     text  -        where it went
-- column: out_key       int   -        crossing_key on the side it left
-- column: in_key        int   -        crossing_key on the side it reached
-- column: out_start_s   int   seconds  start by the clock of from_source, since 1970
-- column: in_start_s    int   seconds  start by the clock of to_source, since 1970
-- column: skew_s        int   seconds  how far the clock of to_source is ahead, from pairs of that week, of that direction, or of the other; 0 if not known
-- column: is_skew_known bool  -        there were three pairs to estimate it from
-- column: skew_all_s    int   seconds  the same from all pairs of that direction, whatever their number; null if there is none
-- column: skew_pairs    int   count    pairs that were each other's only candidate, answered on both sides, in that direction
-- column: time_off_s    int   seconds  what is left between the starts, or between the ends, whichever is less, once the skew is taken out
-- column: talk_off_s    int   seconds  difference in length; of ring and talk together where one side counts from the seizure of the line
-- column: is_other_caller  bool  -     both sides name a caller, and not the same
-- column: is_possible   bool  -        the two are within tolerance
with out_numbers as (
    -- each crossing under the numbers it can be found by, and under its time slot and the two beside it
    select
        c.*,
        n.by_caller,
        o.slot_off + cast(floor(cast(c.start_s as double) / (s.tie_line_skew_s + 300)) as bigint) as slot,
        case n.which when 1 then c.asked when 2 then c.ended_at else c.caller end as digits
    from tie_line_crossings c
    cross join settings s
    cross join (
        select 1 as which, 0 as by_caller union all select 2, 0 union all select 3, 1
    ) n
    cross join (select -1 as slot_off union all select 0 union all select 1) o
    where c.side = 'out'
),

in_numbers as (
    select
        c.*,
        n.by_caller,
        cast(floor(cast(c.start_s as double) / (s.tie_line_skew_s + 300)) as bigint) as slot,
        case n.which when 1 then c.asked when 2 then c.ended_at else c.caller end as digits
    from tie_line_crossings c
    cross join settings s
    cross join (
        select 1 as which, 0 as by_caller union all select 2, 0 union all select 3, 1
    ) n
    where c.side = 'in'
),

found as (
    -- found by the number asked for; by the caller only where one side does not know what was asked for
    select distinct
        a.from_source,
        a.to_source,
        a.crossing_key as out_key,
        b.crossing_key as in_key,
        a.start_s as out_start_s,
        b.start_s as in_start_s,
        a.local_day,
        a.clock_step_s + b.clock_step_s as clock_step_s,
        a.talk_step_s + b.talk_step_s as talk_step_s,
        -- who writes whole minutes is half a minute behind himself on average
        b.start_s - a.start_s + cast((b.clock_step_s - a.clock_step_s) * 0.5 as bigint) as start_off_s,
        b.end_s - a.end_s + cast((b.clock_step_s - a.clock_step_s) * 0.5 as bigint) as end_off_s,
        a.is_connected and b.is_connected as is_connected,
        case
            when a.is_connected and b.is_connected then least(
                abs(a.talk_s - b.talk_s), abs(a.end_s - a.start_s - b.talk_s), abs(a.talk_s - (b.end_s - b.start_s))
            )
            -- a side that takes the seizure of the line for the answer talks while the other rings
            when (a.is_connected or a.ring_s is not null) and (b.is_connected or b.ring_s is not null) then least(
                abs(a.end_s - a.start_s - (b.end_s - b.start_s)), abs(a.talk_s - (b.end_s - b.start_s)),
                abs(a.end_s - a.start_s - b.talk_s)
            )
            else 0
        end as talk_off_s,
        a.is_connected or b.is_connected as is_length_told,
        coalesce(length(a.caller) >= 3 and length(b.caller) >= 3
            and right(a.caller, cast(least(length(a.caller), length(b.caller), 9) as int))
                <> right(b.caller, cast(least(length(a.caller), length(b.caller), 9) as int)), false) as is_other_caller
    from out_numbers a
    join in_numbers b
        on a.from_source = b.from_source
        and a.to_source = b.to_source
        and a.by_caller = b.by_caller
        and a.slot = b.slot
        and right(a.digits, 3) = right(b.digits, 3)
    -- told of both at once: a condition on one of them would turn its cross join into a slow one on DataFusion
    where least(length(a.digits), length(b.digits)) >= 3
        and right(a.digits, cast(least(length(a.digits), length(b.digits), 9) as int))
            = right(b.digits, cast(least(length(a.digits), length(b.digits), 9) as int))
        and (
            a.by_caller = 0
            or coalesce(a.asked, a.ended_at) is null
            or coalesce(b.asked, b.ended_at) is null
        )
),

near as (
    select
        f.*,
        least(from_source, to_source) as one_source,
        greatest(from_source, to_source) as other_source,
        floor(cast(local_day - date '1970-01-05' as double) / 7) as week
    from found f
    cross join settings s
    where least(abs(start_off_s), abs(end_off_s)) <= s.tie_line_skew_s + clock_step_s
        and (not is_length_told or talk_off_s <= s.tie_line_tolerance_s + talk_step_s)
        -- a site may show its switchboard's number for every caller; but nothing else tells unanswered calls apart
        and (is_connected or not is_other_caller)
),

lonely as (
    select
        n.*,
        is_connected
            and (lag(out_key) over (order by out_key) is distinct from out_key)
            and (lead(out_key) over (order by out_key) is distinct from out_key)
            and (lag(in_key) over (order by in_key) is distinct from in_key)
            and (lead(in_key) over (order by in_key) is distinct from in_key) as is_lonely
    from near n
),

medians as (
    select
        l.*,
        median(case when is_lonely then start_off_s end) over (partition by from_source, to_source) as start_median,
        median(case when is_lonely then end_off_s end) over (partition by from_source, to_source) as end_median
    from lonely l
),

spreads as (
    select
        m.*,
        median(case when is_lonely then abs(start_off_s - start_median) end)
            over (partition by from_source, to_source) as start_spread,
        median(case when is_lonely then abs(end_off_s - end_median) end)
            over (partition by from_source, to_source) as end_spread
    from medians m
),

observed as (
    -- starts differ by the time of dialling, and a source may know the end only: the moment that scatters less tells
    select
        p.*,
        case
            when not is_lonely then null
            when end_spread < start_spread then end_off_s
            else start_off_s
        end as seen_s
    from spreads p
),

estimated as (
    select
        o.*,
        median(seen_s) over (partition by from_source, to_source) as direction_s,
        count(seen_s) over (partition by from_source, to_source) as direction_pairs,
        median(seen_s) over (partition by from_source, to_source, week) as week_s,
        count(seen_s) over (partition by from_source, to_source, week) as week_pairs,
        median(case when from_source = one_source then seen_s end) over (partition by one_source, other_source) as there_s,
        median(case when from_source = other_source then seen_s end)
            over (partition by one_source, other_source) as back_s,
        count(seen_s) over (partition by one_source, other_source) as both_pairs
    from observed o
),

skewed as (
    select
        e.*,
        cast(round(case
            when week_pairs >= 3 then week_s
            when direction_pairs >= 3 then direction_s
            when both_pairs - direction_pairs >= 3 then -(case when from_source = one_source then back_s else there_s end)
        end) as bigint) as skew_s
    from estimated e
),

settled as (
    select
        k.*,
        cast(least(abs(start_off_s - coalesce(skew_s, 0)), abs(end_off_s - coalesce(skew_s, 0))) as bigint) as time_off_s
    from skewed k
)

select
    from_source,
    to_source,
    out_key,
    in_key,
    out_start_s,
    in_start_s,
    coalesce(skew_s, 0) as skew_s,
    skew_s is not null as is_skew_known,
    cast(round(direction_s) as bigint) as skew_all_s,
    direction_pairs as skew_pairs,
    time_off_s,
    talk_off_s,
    is_other_caller,
    time_off_s <= clock_step_s
        + case when skew_s is null then s.tie_line_skew_s else s.tie_line_tolerance_s end as is_possible
from settled
cross join settings s
