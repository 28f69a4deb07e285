-- title:  Matches on tie lines
-- asks:   Which crossings of lines between our platforms have their counterpart on the other side?
-- grain:  one row per crossing on each side that recorded it
-- setting: tie_line_skew_s
-- setting: tie_line_tolerance_s
-- column: source        text       -        configured source that recorded it
-- column: side          text       -        out (left it for the peer) or in (came from the peer)
-- column: peer_source   text       -        the source at the other end
-- column: trunk         text       -        the line, as source names it
-- column: crossing_key  int        -        leg_key of its first record
-- column: call_key      int        -        of its first record
-- column: legs          int        count    records it has on this side
-- column: started_at    timestamp  -        by the source's own clock, UTC
-- column: local_day     date       -        civil day at the source
-- column: status        text       -        matched, ambiguous (several counterparts fit equally well), unmatched
-- column: peer_key      int        -        crossing_key of the counterpart, if matched
-- column: skew_s        int        seconds  how far the peer's clock was taken to be ahead; null where there was no counterpart to choose from
-- column: skew_pairs    int        count    pairs of this direction it was estimated from; under 3 those of the other were taken, or 0 s
-- column: time_off_s    int        seconds  what was left between the two once the skew was taken out, if matched
-- column: talk_off_s    int        seconds  difference in length, if matched
-- column: is_peer_covered  bool    -        the peer has records of that day at all; without them nothing could match
with possible as (
    -- best by time and length; who is called by the same caller goes before
    select
        c.*,
        time_off_s + talk_off_s + case when is_other_caller then 100000 else 0 end as cost,
        (lag(out_key) over (order by out_key) is distinct from out_key)
            and (lead(out_key) over (order by out_key) is distinct from out_key)
            and (lag(in_key) over (order by in_key) is distinct from in_key)
            and (lead(in_key) over (order by in_key) is distinct from in_key) as is_alone
    from tie_line_candidates c
    where is_possible
),

offered as (
    -- nearly all have nobody to contest them: only the others need the windows below, so those lie in one partition
    select
        p.*,
        case when not is_alone then out_key end as out_rival,
        case when not is_alone then in_key end as in_rival
    from possible p
),

first_best as (
    select
        o.*,
        is_alone
            or cost = min(cost) over (partition by out_rival) and cost = min(cost) over (partition by in_rival) as is_best
    from offered o
),

first_low as (
    select
        f.*,
        min(case when is_best then in_rival end) over (partition by out_rival) as low_in
    from first_best f
),

first_group as (
    -- crossings that fit each other equally well, under the smallest key among them
    select
        f.*,
        case when is_best then min(case when is_best then low_in end) over (partition by in_rival) end as of_group
    from first_low f
),

first_ranked as (
    select
        f.*,
        dense_rank() over (partition by of_group order by out_start_s, out_key) as out_rank,
        dense_rank() over (partition by of_group order by in_start_s, in_key) as in_rank
    from first_group f
),

first_paired as (
    -- as many on one side as on the other: in order of time; else nobody can tell
    select
        f.*,
        case
            when is_alone then 1
            when is_best
                and out_rank = in_rank
                and max(out_rank) over (partition by of_group) = max(in_rank) over (partition by of_group) then 1
            else 0
        end as is_pair
    from first_ranked f
),

first_settled as (
    select
        from_source,
        to_source,
        out_key,
        in_key,
        out_rival,
        in_rival,
        skew_s,
        skew_pairs,
        time_off_s,
        talk_off_s,
        cost,
        is_pair,
        case when is_alone then 1 else sum(is_pair) over (partition by out_rival) end as out_pairs,
        case when is_alone then 1 else sum(is_pair) over (partition by in_rival) end as in_pairs,
        case when is_alone then 1 else max(case when is_best then 1 else 0 end) over (partition by out_rival) end
            as out_had_best,
        case when is_alone then 1 else max(case when is_best then 1 else 0 end) over (partition by in_rival) end
            as in_had_best
    from first_paired f
),

left_over as (
    -- the same once more among those whose best had chosen another
    select
        f.*,
        case when out_pairs = 0 and in_pairs = 0 and out_had_best = 0 and in_had_best = 0 then cost end as cost_2
    from first_settled f
),

second_best as (
    select
        l.*,
        coalesce(cost_2 = min(cost_2) over (partition by out_rival) and cost_2 = min(cost_2) over (partition by in_rival), false)
            as is_best_2
    from left_over l
),

second_paired as (
    select
        b.*,
        case
            when is_best_2
                and sum(case when is_best_2 then 1 else 0 end) over (partition by out_rival) = 1
                and sum(case when is_best_2 then 1 else 0 end) over (partition by in_rival) = 1 then 1
            else 0
        end as is_pair_2
    from second_best b
),

both_rounds as (
    select
        from_source,
        to_source,
        out_key,
        in_key,
        skew_s,
        skew_pairs,
        time_off_s,
        talk_off_s,
        case when is_pair = 1 and out_pairs = 1 and in_pairs = 1 or is_pair_2 = 1 then 1 else 0 end as is_match,
        out_had_best,
        in_had_best,
        case when is_best_2 then 1 else 0 end as is_best_2
    from second_paired
),

by_crossing as (
    -- the same pair seen from either side
    select
        w.side,
        case w.side when 'out' then r.out_key else r.in_key end as crossing_key,
        max(r.is_match) as is_match,
        max(greatest(case w.side when 'out' then r.out_had_best else r.in_had_best end, r.is_best_2)) as had_best,
        max(case when r.is_match = 1 then case w.side when 'out' then r.in_key else r.out_key end end) as peer_key,
        max(case w.side when 'out' then r.skew_s else -r.skew_s end) as skew_s,
        max(r.skew_pairs) as skew_pairs,
        max(case when r.is_match = 1 then r.time_off_s end) as time_off_s,
        max(case when r.is_match = 1 then r.talk_off_s end) as talk_off_s
    from both_rounds r
    cross join (select 'out' as side union all select 'in') w
    group by w.side, case w.side when 'out' then r.out_key else r.in_key end
),

days as (
    select distinct source, local_day
    from usage
)

select
    c.source,
    c.side,
    c.peer_source,
    c.trunk,
    c.crossing_key,
    c.call_key,
    c.legs,
    c.started_at,
    c.local_day,
    case
        when b.is_match = 1 then 'matched'
        when b.had_best = 1 then 'ambiguous'
        else 'unmatched'
    end as status,
    b.peer_key,
    b.skew_s,
    b.skew_pairs,
    b.time_off_s,
    b.talk_off_s,
    d.source is not null as is_peer_covered
from tie_line_crossings c
left join by_crossing b on c.side = b.side and c.crossing_key = b.crossing_key
left join days d on c.peer_source = d.source and c.local_day = d.local_day
