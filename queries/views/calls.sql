-- title:  Calls
-- asks:   Which calls were there, whatever number of records each platform wrote about one?
-- grain:  one row per source and call; system legs left out
-- column: source       text       -        configured source
-- column: call_key     int        -        the same for all records of one call in one source; the smallest where they carry several
-- column: started_at   timestamp  -        start of the first leg, UTC
-- column: local_day    date       -        civil day of that start at the source
-- column: legs         int        count    records stitched together
-- column: attempts     int        count    of those, attempts of their own; the rest continue one
-- column: is_answered  bool       -        somebody answered some leg
-- column: talk_s       int        seconds  connected to anybody at all: legs that run side by side (a hold, a conference) count once
-- column: caller       text       -        who called, on the first leg
-- column: callee       text       -        where the last leg ended
-- column: direction    text       -        direction of the first leg
-- column: outcome      text       -        outcome of the last leg
-- column: platform     text       -        format of the source
-- column: leg_talk_s   int        seconds  connected, summed over the legs: for occupancy, not for lengths of calls
-- column: lasted_s     int        seconds  from the start of the first leg to the end of the one that ended last
-- column: answered_by  text       -        number of who answered last, so whom the caller ended up with; null if nobody did
-- column: answered_device   text  -        handset that answered then
-- column: answered_user     text  -        login at it
-- column: is_answered_inside  bool  -      somebody answered without a trunk out: on the platform itself
-- column: path         text       -        numbers the call went through, in order: caller, asked for, passed on by, ended at
-- column: hunt_group   text       -        hunt pilot or group; the last where there were several
-- column: trunk_in     text       -        trunk the call came in by; the first where there were several
-- column: trunk_out    text       -        trunk the call went out by; the last where there were several
with several as (
    -- keys under which more than one record stands, or that are one call with another key
    select call_key, min(first_key) as first_key
    from (
        select call_key, call_key as first_key
        from legs
        where part <> 'system'
        group by call_key
        having count(*) > 1
        union all
        select call_key, first_key
        from stitched_calls
    ) k
    group by call_key
),

heard as (
    select
        l.*,
        l.outcome in ('answered', 'diverted') as is_taken,
        -- who passed it on, unless that is one of the other parties
        case
            when (l.redirect_ext is distinct from l.caller)
                and (l.redirect_ext is distinct from l.dialled)
                and (l.redirect_ext is distinct from l.callee) then l.redirect_ext
        end as passed_by
    from legs l
    where l.part <> 'system'
),

-- Nearly every call has one record, and its row needs no window over it. Only the few others are put together.
ordered as (
    select
        h.*,
        v.first_key as call,
        cast(floor(extract(epoch from started_at)) as bigint) as start_s,
        cast(floor(extract(epoch from started_at)) as bigint) + coalesce(ring_s, 0) as talk_from_s,
        cast(floor(extract(epoch from started_at)) as bigint) + coalesce(ring_s, 0) + talk_s as end_s,
        row_number() over in_order as nth,
        count(*) over (partition by v.first_key) as legs_of_call,
        first_value(caller) over in_order as first_caller,
        lag(coalesce(callee, redirect_ext, dialled)) over in_order as before
    from several v
    join heard h on v.call_key = h.call_key
    window in_order as (
        partition by v.first_key
        order by started_at, case part when 'whole' then 0 else 1 end, record_no, leg_key
    )
),

told as (
    -- a parked call is fetched by its caller: where a leg ends at who first called, its caller took it
    select
        o.*,
        case when callee = first_caller and nth > 1 then caller else coalesce(callee, dialled) end as taken_by,
        case when callee = first_caller and nth > 1 then caller_device else callee_device end as taken_on,
        case when callee = first_caller and nth > 1 then caller_user else callee_user end as taken_as,
        -- a later stretch names a person or, in a conference, the bridge
        coalesce(
            max(case when is_taken and (part <> 'continued' or callee_ext is not null) then nth end)
                over (partition by call),
            max(case when is_taken then nth end) over (partition by call)
        ) as taken_nth,
        max(case when hunt_group is not null then nth end) over (partition by call) as hunt_nth,
        min(case when trunk_in is not null then nth end) over (partition by call) as in_nth,
        max(case when trunk_out is not null then nth end) over (partition by call) as out_nth,
        case when nth = 1 then caller else before end as came_from,
        -- seconds that no earlier stretch of talk has covered
        greatest(end_s - greatest(talk_from_s, coalesce(max(case when talk_s > 0 then end_s end) over (
            partition by call
            order by talk_from_s, end_s, leg_key
            rows between unbounded preceding and 1 preceding
        ), talk_from_s)), 0) as new_talk_s
    from ordered o
),

walked as (
    -- what each leg adds to the path; who is named in a continued stretch was named when it was set up
    select
        t.*,
        case when nth = 1 then caller end as step_0,
        case when (dialled is distinct from came_from) then dialled end as step_1,
        case when (passed_by is distinct from came_from) then passed_by end as step_2
    from told t
),

stepped as (
    select
        w.*,
        case
            when nth = 1 or part <> 'continued' then nullif(concat_ws(
                ' > ', step_0, step_1, step_2,
                case when step_2 is not null or (callee is distinct from coalesce(dialled, came_from)) then callee end
            ), '')
        end as steps
    from walked w
)

select
    source,
    call as call_key,
    min(started_at) as started_at,
    max(case when nth = 1 then local_day end) as local_day,
    count(*) as legs,
    count(*) filter (where part = 'whole') as attempts,
    max(case when is_taken then 1 else 0 end) = 1 as is_answered,
    cast(sum(new_talk_s) as bigint) as talk_s,
    max(case when nth = 1 then caller end) as caller,
    max(case when nth = legs_of_call then callee end) as callee,
    max(case when nth = 1 then direction end) as direction,
    max(case when nth = legs_of_call then outcome end) as outcome,
    platform,
    cast(sum(talk_s) as bigint) as leg_talk_s,
    max(end_s) - min(start_s) as lasted_s,
    max(case when nth = taken_nth then taken_by end) as answered_by,
    max(case when nth = taken_nth then taken_on end) as answered_device,
    max(case when nth = taken_nth then taken_as end) as answered_user,
    max(case when is_taken and trunk_out is null then 1 else 0 end) = 1 as is_answered_inside,
    string_agg(steps, ' > ' order by nth) as path,
    max(case when nth = hunt_nth then hunt_group end) as hunt_group,
    max(case when nth = in_nth then trunk_in end) as trunk_in,
    max(case when nth = out_nth then trunk_out end) as trunk_out
from stepped
group by source, platform, call
union all
select
    source,
    call_key,
    started_at,
    local_day,
    cast(1 as bigint) as legs,
    cast(case when part = 'whole' then 1 else 0 end as bigint) as attempts,
    is_taken as is_answered,
    cast(talk_s as bigint) as talk_s,
    caller,
    callee,
    direction,
    outcome,
    platform,
    cast(talk_s as bigint) as leg_talk_s,
    cast(coalesce(ring_s, 0) + talk_s as bigint) as lasted_s,
    case when is_taken then coalesce(callee, dialled) end as answered_by,
    case when is_taken then callee_device end as answered_device,
    case when is_taken then callee_user end as answered_user,
    is_taken and trunk_out is null as is_answered_inside,
    nullif(concat_ws(
        ' > ',
        caller,
        case when (dialled is distinct from caller) then dialled end,
        passed_by,
        case when passed_by is not null or (callee is distinct from coalesce(dialled, caller)) then callee end
    ), '') as path,
    hunt_group,
    trunk_in,
    trunk_out
from heard h
where not exists (select 1 from several v where v.call_key = h.call_key)
