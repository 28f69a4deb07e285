-- title:  Conversations
-- asks:   Which conversations were there, each once, whatever number of our platforms it crossed?
-- grain:  one row per conversation: calls of all sources, those matched over tie lines taken together
-- setting: tie_line_skew_s
-- setting: tie_line_tolerance_s
-- column: conversation_key  int   -        smallest call_key of its calls
-- column: started_at        timestamp  -   start of the first call by the clock of its source, UTC
-- column: local_day         date  -        civil day of that start at that source
-- column: sources           text  -        sources it crossed, in order, joined by >; one may stand there twice
-- column: platforms         int   count    different formats among them
-- column: calls             int   count    calls taken together
-- column: is_answered       bool  -        somebody answered: on the last platform, or inside one on the way; what a near side takes for an answer does not count
-- column: talk_s            int   seconds  connected to a person: the longest of the calls that ended there, or were answered there on the way
-- column: caller            text  -        who called, on the first platform
-- column: answered_by       text  -        who answered, on the last platform where somebody did
-- column: is_external_in    bool  -        came in from outside our platforms: not by a line to one of them
-- column: is_external_out   bool  -        went out of them
with outside as (
    -- trunks that lead away from all our platforms, and not to our own voicemail or recorder; some records name none
    select
        c.*,
        case
            when c.trunk_in is null then c.direction in ('inbound', 'tandem')
            else i.peer_source is null and coalesce(i.kind, 'pstn') not in ('voicemail', 'recorder')
        end as is_from_outside,
        case
            when c.trunk_out is null then c.direction in ('outbound', 'tandem')
            else o.peer_source is null and coalesce(o.kind, 'pstn') not in ('voicemail', 'recorder')
        end as is_to_outside
    from calls c
    left join trunks_in_force i on c.source = i.source and c.trunk_in = i.trunk
    left join trunks_in_force o on c.source = o.source and c.trunk_out = o.trunk
),

parts as (
    select
        x.conversation_key,
        x.nth,
        x.is_received,
        x.is_sent_on,
        o.is_answered_inside or (o.is_answered and x.is_sent_on = 0) as is_answered_there,
        o.*
    from crossed_calls x
    join outside o on x.source = o.source and x.call_key = o.call_key
)

select
    conversation_key,
    max(case when nth = 1 then started_at end) as started_at,
    max(case when nth = 1 then local_day end) as local_day,
    string_agg(source, ' > ' order by nth) as sources,
    count(distinct platform) as platforms,
    count(*) as calls,
    max(case when is_answered_there then 1 else 0 end) = 1 as is_answered,
    coalesce(max(case when is_sent_on = 0 or is_answered_inside then talk_s end), 0) as talk_s,
    max(case when nth = 1 then caller end) as caller,
    -- of the last call that was answered: its place, padded, before the number
    nullif(substr(max(
        case when is_answered_there then lpad(cast(nth as varchar), 4, '0') || coalesce(answered_by, '') end
    ), 5), '') as answered_by,
    max(case when is_received = 0 and is_from_outside then 1 else 0 end) = 1 as is_external_in,
    max(case when is_sent_on = 0 and is_to_outside then 1 else 0 end) = 1 as is_external_out
from parts
group by conversation_key
union all
-- the many calls that stayed where they were
select
    call_key as conversation_key,
    started_at,
    local_day,
    source as sources,
    cast(1 as bigint) as platforms,
    cast(1 as bigint) as calls,
    is_answered,
    talk_s,
    caller,
    answered_by,
    is_from_outside as is_external_in,
    is_to_outside as is_external_out
from outside o
where not exists (select 1 from crossed_calls x where x.source = o.source and x.call_key = o.call_key)
