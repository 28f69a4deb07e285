-- title:  Calls to be charged
-- asks:   Which connected calls does a carrier charge for, how long did each last, and which extension pays?
-- grain:  one row per call out by a carrier's trunk, and per call within a platform from or to one of our own mobiles
-- setting: as_of
-- column: source          text       -        configured source that recorded it; bills are none
-- column: platform        text       -        format of the source
-- column: leg_key         int        -        the record that set it up
-- column: started_at      timestamp  -        as recorded, UTC
-- column: local_day       date       -        civil day at the source
-- column: local_minute    int        minutes  of that day, 0–1439
-- column: band            text       -        day, evening, weekend: by that day and minute, whenever the call ended
-- column: direction       text       -        outbound, tandem (in by one trunk and out by another), internal (an own mobile)
-- column: carrier         text       -        of the trunk it left by; blank where the records name no trunk or the list no carrier
-- column: number          text       -        number called; blank where the record tells none
-- column: price_class     text       -        class of that number, or on_net: between an own mobile and one of our numbers
-- column: payer_source    text       -        source of the extension that pays; null where nobody of ours is known
-- column: payer_extension text       -        that extension: the caller, or who passed the call on outside
-- column: cost_centre     text       -        its cost centre by the register in force on that day; null for none
-- column: talk_s          int        seconds  connected, with later stretches of the same call after a transfer or in a conference
with days as (
    select local_day, cast(null as date) as as_of, 1 as is_day
    from (select distinct local_day from traffic) d
    union all
    select as_of as local_day, as_of, 0 as is_day
    from (select distinct as_of from extensions) e
),

loads as (
    -- the load of the register in force on a day: the newest not after it; before the first load, the first one
    select
        local_day,
        is_day,
        coalesce(
            max(as_of) over (order by local_day, is_day rows between unbounded preceding and current row),
            min(as_of) over ()
        ) as as_of
    from days
),

load_days as (
    select local_day, as_of
    from loads
    where is_day = 1
),

lines_out as (
    -- calls on lines to ourselves and to named parties are on no carrier's bill
    select
        source,
        trunk,
        carrier,
        peer_source,
        kind in ('tie_line', 'third_party', 'voicemail', 'recorder') or peer_source is not null as is_private
    from trunks_in_force
),

mobiles as (
    select as_of, source, extension, ddi
    from extensions
    where device_kind = 'mobile'
),

mobile_lines as (
    select distinct source, extension
    from mobiles
),

legs_out as (
    -- a carrier's bill is no record of ours, but of the mobiles that are registered under it there is no other
    select
        l.*,
        coalesce(t.carrier, c.carrier, '') as carrier,
        case
            when t.is_private then 0
            when l.platform = 'fcs-uk' and m.extension is null then 0
            else 1
        end as is_charged
    from legs l
    left join lines_out t on l.source = t.source and l.trunk_out = t.trunk
    left join sources c on l.source = c.source
    left join mobile_lines m on l.source = m.source and l.caller_ext = m.extension
    where l.direction in ('outbound', 'tandem')
        and l.outcome in ('answered', 'diverted')
        and l.part <> 'system'
),

stretches as (
    -- Later stretches of calls by a trunk, under the mark of the trunk's end of the record, whichever end that is; where
    -- the platform gives no marks, under the call. Whom an onward leg brings along was connected before; whom it calls was not,
    -- unless the mark says so.
    select
        source, local_day, started_at, leg_key, talk_s, 1 as is_out,
        callee_link is not null as is_marked,
        coalesce(callee_link, call_key) as channel
    from legs
    where (part = 'continued' or part = 'onward' and callee_link is not null)
        and trunk_out is not null
    union all
    select
        source, local_day, started_at, leg_key, talk_s, 0 as is_out,
        caller_link is not null as is_marked,
        coalesce(caller_link, call_key) as channel
    from legs
    where part in ('continued', 'onward')
        and trunk_in is not null
),

set_up as (
    select
        source, local_day, started_at, leg_key, 1 as is_out,
        case when part = 'whole' then 1 else 0 end as is_whole,
        callee_link is not null as is_marked,
        coalesce(callee_link, call_key) as channel
    from legs
    where part in ('whole', 'onward')
        and trunk_out is not null
        and outcome in ('answered', 'diverted')
    union all
    select
        source, local_day, started_at, leg_key, 0 as is_out,
        1 as is_whole,
        caller_link is not null as is_marked,
        coalesce(caller_link, call_key) as channel
    from legs
    where part = 'whole'
        and trunk_in is not null
        and outcome in ('answered', 'diverted')
),

continued as (
    -- a stretch belongs to the call that was set up last on its channel; a mark that comes back days later is another's
    select
        s.source,
        s.leg_key as stretch_key,
        s.is_out,
        s.talk_s,
        u.leg_key as set_up_key,
        u.is_out as is_call_out,
        row_number() over (
            partition by s.source, s.leg_key, s.is_out
            order by u.is_whole desc, u.started_at desc, u.is_out desc, u.leg_key desc
        ) as nth
    from stretches s
    join set_up u on s.source = u.source and s.channel = u.channel
    where s.local_day - u.local_day between 0 and 1
        and u.started_at <= s.started_at
        and u.leg_key <> s.leg_key
        and s.is_marked = u.is_marked
        and (s.is_marked or s.is_out = u.is_out)
),

changed as (
    select source, leg_key, sum(talk_s) as more_s, max(is_stretch) as is_stretch
    from (
        select source, set_up_key as leg_key, talk_s, 0 as is_stretch
        from continued
        where nth = 1
            and is_call_out = 1
        union all
        -- a stretch whose call has a record of its own is no call
        select source, stretch_key as leg_key, 0 as talk_s, 1 as is_stretch
        from continued
        where nth = 1
            and is_out = 1
    ) c
    group by source, leg_key
    having sum(talk_s) > 0
        or max(is_stretch) = 1
),

-- Where a small table meets all calls it stands first: what stands first is held in memory.
calls_out as (
    select
        l.source, l.platform, l.leg_key, l.started_at, l.local_day, l.local_minute, l.direction,
        l.carrier,
        -- a record of a forward may name the extension that forwarded, and not where to
        coalesce(l.callee, case when l.dialled_ext is null then l.dialled end, '') as number,
        coalesce(l.number_class, 'unknown') as number_class,
        cast(l.talk_s + coalesce(c.more_s, 0) as bigint) as talk_s,
        l.trunk_in,
        l.caller,
        -- who passed it on outside pays, not who had called: that one called an extension of ours
        case
            when l.outcome = 'diverted' then coalesce(l.redirect_ext, l.dialled_ext, l.caller_ext)
            when coalesce(l.redirect_reason, 'other') in ('pickup', 'park', 'conference') then coalesce(l.caller_ext, l.redirect_ext)
            else coalesce(l.redirect_ext, l.caller_ext)
        end as own_extension
    from changed c
    right join legs_out l on c.source = l.source and c.leg_key = l.leg_key
    -- one condition and not two, which would have the calls look so few that they are the ones held in memory
    where l.is_charged - coalesce(c.is_stretch, 0) = 1
),

calls_within as (
    -- within a platform only what an own mobile has part in costs anything
    select
        l.source, l.platform, l.leg_key, l.started_at, l.local_day, l.local_minute, l.direction,
        '' as carrier,
        coalesce(l.callee, l.dialled, '') as number,
        'on_net' as number_class,
        cast(l.talk_s as bigint) as talk_s,
        l.trunk_in,
        l.caller,
        l.caller_ext as own_extension
    from legs l
    left join mobile_lines f on l.source = f.source and l.caller_ext = f.extension
    left join mobile_lines t on l.source = t.source and l.callee_ext = t.extension
    where l.direction = 'internal'
        and l.outcome in ('answered', 'diverted')
        and l.part in ('whole', 'onward')
        and (f.extension is not null or t.extension is not null)
),

calls as (
    select * from calls_out
    union all
    select * from calls_within
),

ddis as (
    select distinct as_of, source, extension, ddi
    from extensions
    where ddi is not null
),

own_numbers as (
    select as_of, ddi as number from extensions where ddi is not null
    union
    select as_of, extension as number from extensions
),

mobile_numbers as (
    select as_of, ddi as number from mobiles where ddi is not null
    union
    select as_of, extension as number from mobiles
),

paid as (
    -- a call that only passes through came from an extension of another source of ours, or from a direct-dial number
    select
        c.*,
        d.as_of,
        case
            when c.own_extension is not null then c.source
            when p.extension is not null then p.source
            else n.source
        end as payer_source,
        coalesce(c.own_extension, p.extension, n.extension) as payer_extension
    from load_days d
    right join calls c on d.local_day = c.local_day
    left join lines_out i on c.source = i.source and c.trunk_in = i.trunk and c.own_extension is null
    left join extensions p on d.as_of = p.as_of and i.peer_source = p.source and c.caller = p.extension
    left join ddis n on d.as_of = n.as_of and c.caller = n.ddi and c.own_extension is null
),

priced as (
    select
        p.*,
        e.cost_centre,
        case
            when m.number is not null then 'on_net'
            when e.device_kind = 'mobile' and o.number is not null then 'on_net'
            else p.number_class
        end as price_class
    from paid p
    left join extensions e on p.as_of = e.as_of and p.payer_source = e.source and p.payer_extension = e.extension
    left join mobile_numbers m on p.as_of = m.as_of and p.number = m.number
    left join own_numbers o on p.as_of = o.as_of and p.number = o.number
)

select
    p.source,
    p.platform,
    p.leg_key,
    p.started_at,
    p.local_day,
    p.local_minute,
    case
        when extract(isodow from p.local_day) >= 6 then 'weekend'
        when b.bank_holidays_are_weekend and h.day is not null then 'weekend'
        when p.local_minute >= b.day_from_minute and p.local_minute < b.day_until_minute then 'day'
        else 'evening'
    end as band,
    p.direction,
    p.carrier,
    p.number,
    p.price_class,
    p.payer_source,
    p.payer_extension,
    p.cost_centre,
    p.talk_s
from priced p
cross join billing b
left join bank_holidays h on p.local_day = h.day
