-- title:  Facts per extension
-- asks:   What is known of each registered extension: its number, its handset and its person, in the window?
-- grain:  one row per registered extension, whether or not it was ever seen in a call
-- setting: as_of
-- setting: window_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source             text  -          configured source
-- column: platform           text  -          format of the source
-- column: extension          text  -          extension
-- column: ddi                text  -          its direct-dial number
-- column: device_name        text  -          handset in the register
-- column: device_model       text  -          make and model
-- column: device_kind        text  -          kind of device
-- column: use                text  -          what it is for
-- column: site               text  -          site code
-- column: location           text  -          where on the site
-- column: cost_centre        text  -          who pays
-- column: owner              text  -          who answers for it
-- column: user_id            text  -          login of its person
-- column: installed_on       date  -          when it was put there; silence before that day counts for nothing, unless it was used before
-- column: counted_by         text  -          what handset use was read from: device; user (the platform names people and no devices); number (it names neither, or the register does not); none (virtual)
-- column: covered_days       int   days       days of the window, from installed_on, on which the source would have shown a call
-- column: silence_days       int   days       of those, days whose silence proves that the handset was not used: calls within the platform are on record too
-- column: demand_days        int   days       of those, days whose silence proves that nobody asked for it: calls that nobody answers are on record too
-- column: handset_uses       int   legs       legs the handset made or answered
-- column: uses_per_week      float per_week   handset uses a covered week; null without a covered day
-- column: demand             int   legs       times the number was asked for or its handset rung, and calls made with the number elsewhere
-- column: met_elsewhere      int   legs       of those, diverted, taken by voicemail, answered or made on another device
-- column: calls              int   legs       legs that the number or its handset took part in
-- column: last_used_on       date  -          last day of handset use, also before the window
-- column: silent_days        int   days       of the silence_days, those since then
-- column: group_calls        int   legs       calls to the groups it is a member of, or may be, as far as they could have hidden that it answered
-- column: rate_bound_per_week            float per_week  95 % upper bound on the true rate given the silence: -ln 0.05 / silent_days
-- column: chance_if_monthly_percent      float percent   chance that a phone used once a month would have been silent as long
-- column: chance_if_quarterly_percent    float percent   chance that a phone used once a quarter would have been silent as long
-- column: ever_emergency     bool  -          its number, handset or person ever called an emergency service, in the window or not
-- column: is_protected       bool  -          never to be removed on traffic alone
-- column: protection         text  -          why: the first reason that holds
-- column: is_phone           bool  -          a fixed phone of a site that somebody could call for help from
-- column: is_last_phone      bool  -          the only phone of its site
-- column: number_made        int   legs       made with the number
-- column: number_offered     int   legs       number asked for or rung: answered + missed + diverted + voicemail
-- column: number_answered    int   legs       answered
-- column: number_missed      int   legs       rung and met by nobody
-- column: number_diverted    int   legs       met at another number
-- column: number_voicemail   int   legs       ended in voicemail
-- column: number_internal    int   legs       of its legs, within the platform
-- column: number_external    int   legs       of its legs, by a trunk
-- column: device_made        int   legs       made on the handset, with any number
-- column: device_offered     int   legs       handset rung
-- column: device_answered    int   legs       answered on the handset, hunt calls too
-- column: names_users        bool  -          the platform names the person at a handset, so that user_made and user_answered mean something
-- column: user_made          int   legs       made by the person, on any device
-- column: user_offered       int   legs       person rung, on any device
-- column: user_answered      int   legs       answered by the person, on any device
-- column: talk_in_s          int   seconds    connected on calls taken, where handset use is counted
-- column: talk_out_s         int   seconds    connected on calls made, where handset use is counted
with lines as (
    -- an extension's days count from the first of the window, or from the day it was put there
    select
        r.*,
        greatest(r.installed_on, s.as_of - s.window_days + 1) as counted_from
    from register r
    cross join settings s
),

subjects as (
    -- the three things an extension stands for
    select source, extension, 'number' as subject_kind, extension as subject
    from register
    union all
    -- some platforms show a line by its direct number
    select source, extension, 'number' as subject_kind, ddi as subject
    from register
    where ddi is not null
    union all
    select source, extension, 'device' as subject_kind, device_name as subject
    from register
    where device_name is not null
    union all
    select source, extension, 'user' as subject_kind, user_id as subject
    from register
    where user_id is not null
),

seen as (
    select
        b.source,
        b.extension,
        b.subject_kind,
        u.made,
        u.offered,
        u.answered,
        u.missed,
        u.diverted,
        u.voicemail,
        u.internal,
        u.external,
        u.talk_in_s,
        u.talk_out_s,
        u.used_on,
        u.first_used_on,
        u.is_hotline,
        u.ever_emergency
    from subjects b
    -- platforms and registers write names in different case
    join subject_use u on b.source = u.source and b.subject_kind = u.subject_kind and lower(b.subject) = lower(u.subject)
),

counted as (
    -- number, device and user of an extension side by side
    select
        source,
        extension,
        max(made) filter (where subject_kind = 'number') as number_made,
        max(offered) filter (where subject_kind = 'number') as number_offered,
        max(answered) filter (where subject_kind = 'number') as number_answered,
        max(missed) filter (where subject_kind = 'number') as number_missed,
        max(diverted) filter (where subject_kind = 'number') as number_diverted,
        max(voicemail) filter (where subject_kind = 'number') as number_voicemail,
        max(internal) filter (where subject_kind = 'number') as number_internal,
        max(external) filter (where subject_kind = 'number') as number_external,
        max(talk_in_s) filter (where subject_kind = 'number') as number_talk_in_s,
        max(talk_out_s) filter (where subject_kind = 'number') as number_talk_out_s,
        max(used_on) filter (where subject_kind = 'number') as number_used_on,
        min(first_used_on) filter (where subject_kind = 'number') as number_first_on,
        max(made) filter (where subject_kind = 'device') as device_made,
        max(offered) filter (where subject_kind = 'device') as device_offered,
        max(answered) filter (where subject_kind = 'device') as device_answered,
        max(talk_in_s) filter (where subject_kind = 'device') as device_talk_in_s,
        max(talk_out_s) filter (where subject_kind = 'device') as device_talk_out_s,
        max(used_on) filter (where subject_kind = 'device') as device_used_on,
        min(first_used_on) filter (where subject_kind = 'device') as device_first_on,
        max(made) filter (where subject_kind = 'user') as user_made,
        max(offered) filter (where subject_kind = 'user') as user_offered,
        max(answered) filter (where subject_kind = 'user') as user_answered,
        max(talk_in_s) filter (where subject_kind = 'user') as user_talk_in_s,
        max(talk_out_s) filter (where subject_kind = 'user') as user_talk_out_s,
        max(used_on) filter (where subject_kind = 'user') as user_used_on,
        min(first_used_on) filter (where subject_kind = 'user') as user_first_on,
        max(case when is_hotline and subject_kind <> 'user' then 1 else 0 end) as hotlines,
        max(case when ever_emergency then 1 else 0 end) as emergencies
    from seen
    group by source, extension
),

named as (
    -- what a platform names in its records: a platform that names handsets is counted by them, whoever is logged in there
    select
        source,
        max(case when names_devices then 1 else 0 end) as devices,
        max(case when names_users then 1 else 0 end) as users
    from inputs
    group by source
),

together as (
    select
        r.*,
        c.platform,
        case
            when r.device_kind = 'virtual' then 'none'
            when n.devices > 0 and r.device_name is not null then 'device'
            when n.devices = 0 and n.users > 0 and r.user_id is not null then 'user'
            else 'number'
        end as counted_by,
        coalesce(n.users, 0) > 0 as names_users,
        coalesce(t.hotlines, 0) > 0 as is_hotline,
        h.class as hint,
        h.word as hint_word,
        g.group_calls,
        p1.source is not null as is_phone,
        coalesce(p1.is_only, false) as is_last_phone,
        coalesce(t.number_made, 0) as number_made,
        coalesce(t.number_offered, 0) as number_offered,
        coalesce(t.number_answered, 0) as number_answered,
        coalesce(t.number_missed, 0) as number_missed,
        coalesce(t.number_diverted, 0) as number_diverted,
        coalesce(t.number_voicemail, 0) as number_voicemail,
        coalesce(t.number_internal, 0) as number_internal,
        coalesce(t.number_external, 0) as number_external,
        coalesce(t.number_talk_in_s, 0) as number_talk_in_s,
        coalesce(t.number_talk_out_s, 0) as number_talk_out_s,
        coalesce(t.device_made, 0) as device_made,
        coalesce(t.device_offered, 0) as device_offered,
        coalesce(t.device_answered, 0) as device_answered,
        coalesce(t.device_talk_in_s, 0) as device_talk_in_s,
        coalesce(t.device_talk_out_s, 0) as device_talk_out_s,
        coalesce(t.user_made, 0) as user_made,
        coalesce(t.user_offered, 0) as user_offered,
        coalesce(t.user_answered, 0) as user_answered,
        coalesce(t.user_talk_in_s, 0) as user_talk_in_s,
        coalesce(t.user_talk_out_s, 0) as user_talk_out_s,
        t.number_used_on,
        t.device_used_on,
        t.user_used_on,
        -- what was used before the register has it there was there: its days count from its first use
        least(
            r.counted_from,
            case
                when r.device_kind = 'virtual' then r.counted_from
                when n.devices > 0 and r.device_name is not null then coalesce(t.device_first_on, r.counted_from)
                when n.devices = 0 and n.users > 0 and r.user_id is not null then coalesce(t.user_first_on, r.counted_from)
                else coalesce(t.number_first_on, r.counted_from)
            end
        ) as days_from,
        coalesce(t.emergencies, 0) > 0 as ever_emergency
    from lines r
    left join sources c on r.source = c.source
    left join named n on r.source = n.source
    left join counted t on r.source = t.source and r.extension = t.extension
    left join protection_hints h on r.source = h.source and r.extension = h.extension
    left join group_exposure g on r.source = g.source and r.extension = g.extension
    left join site_phones p1 on r.source = p1.source and r.extension = p1.extension
),

used as (
    -- a number used on another device than its own handset is met elsewhere
    select
        t.*,
        case counted_by
            when 'device' then device_made + device_answered
            when 'user' then user_made + user_answered
            when 'number' then number_made + number_answered
            else 0
        end as handset_uses,
        case counted_by
            when 'device' then device_used_on
            when 'user' then user_used_on
            when 'number' then number_used_on
        end as last_used_on,
        case counted_by
            when 'device' then greatest(number_made - device_made, 0)
            when 'user' then greatest(number_made - user_made, 0)
            when 'number' then 0
            else number_made
        end as made_elsewhere,
        case counted_by
            when 'device' then greatest(number_answered - device_answered, 0)
            when 'user' then greatest(number_answered - user_answered, 0)
            when 'number' then 0
            else number_answered
        end as answered_elsewhere
    from together t
),

masked as (
    -- a source that hides whose calls it tells of, or whose records cannot be read, proves nothing by silence
    select distinct source
    from blind_spots
    where spot in ('masked_numbers', 'rejected_records')
        and is_blocking
),

proof_days as (
    select
        d.source,
        d.local_day,
        case when d.state = 'covered' then 1 else 0 end as is_covered,
        case when d.state = 'covered' and d.shows_internal and m.source is null then 1 else 0 end as is_silence,
        case when d.state = 'covered' and d.shows_internal and d.shows_unanswered and m.source is null then 1 else 0 end as is_demand
    from coverage_days d
    left join masked m on d.source = m.source
),

days_from as (
    -- how many days of each kind from a given day on: what an extension counts from
    select
        source,
        local_day,
        sum(is_covered) over (partition by source order by local_day desc) as covered_days,
        sum(is_silence) over (partition by source order by local_day desc) as silence_days,
        sum(is_demand) over (partition by source order by local_day desc) as demand_days,
        sum(is_silence) over (partition by source order by local_day desc) - is_silence as days_after
    from proof_days
),

dated as (
    select
        u.*,
        coalesce(f.covered_days, 0) as covered_days,
        coalesce(f.silence_days, 0) as silence_days,
        coalesce(f.demand_days, 0) as demand_days,
        coalesce(case when u.last_used_on >= u.days_from then a.days_after end, f.silence_days, 0) as silent_days
    from used u
    left join days_from f on u.source = f.source and u.days_from = f.local_day
    left join days_from a on u.source = a.source and u.last_used_on = a.local_day
),

shielded as (
    select
        d.*,
        case
            when d.is_marked then coalesce(d.protected_reason, 'marked in the register')
            when d."use" in (
                'reception', 'front_counter', 'custody', 'control_room', 'door_entry',
                'lift', 'alarm', 'fax', 'refuge', 'help_point'
            ) then 'use: ' || d."use"
            when d."use" = 'unknown' and (
                d.device_kind = 'analogue'
                -- ports of analogue gateways, by the names that platforms give them
                or regexp_replace(upper(d.device_name), '^(AN|VGC|ATA)[0-9A-F]{6}', '') <> upper(d.device_name)
                or regexp_replace(upper(d.device_model), '(^| )(ATA|VG ?[0-9]{3}|FXS|ONS)', '') <> upper(d.device_model)
            ) then 'analogue line of unknown use'
            when d.hint is not null then 'the register says ' || d.hint_word || ': ' || d.hint
            when d."use" = 'unknown' and d.owner is null and d.user_id is null then 'nobody owns it and its use is unknown'
            when d.is_last_phone then 'the only phone of its site'
            when d.is_hotline then 'calls one number only, shortly and again and again, as a lift alarm does'
        end as protection
    from dated d
)

select
    u.source,
    u.platform,
    u.extension,
    u.ddi,
    u.device_name,
    u.device_model,
    u.device_kind,
    u."use",
    u.site,
    u.location,
    u.cost_centre,
    u.owner,
    u.user_id,
    u.installed_on,
    u.counted_by,
    u.covered_days,
    u.silence_days,
    u.demand_days,
    u.handset_uses,
    round(700 * cast(u.handset_uses as double) / nullif(u.covered_days, 0)) / 100 as uses_per_week,
    greatest(u.number_offered, u.device_offered, case u.counted_by when 'user' then u.user_offered else 0 end) + u.made_elsewhere as demand,
    u.number_diverted + u.number_voicemail + u.made_elsewhere + u.answered_elsewhere as met_elsewhere,
    greatest(u.number_made, u.device_made, case u.counted_by when 'user' then u.user_made else 0 end) + greatest(u.number_offered, u.device_offered) as calls,
    u.last_used_on,
    u.silent_days,
    coalesce(u.group_calls, 0) as group_calls,
    round(-7000 * ln(0.05) / nullif(u.silent_days, 0)) / 1000 as rate_bound_per_week,
    round(1000 * exp(-u.silent_days / 30.4375)) / 10 as chance_if_monthly_percent,
    round(1000 * exp(-u.silent_days / 91.3125)) / 10 as chance_if_quarterly_percent,
    u.ever_emergency,
    u.protection is not null as is_protected,
    u.protection,
    u.is_phone,
    u.is_last_phone,
    u.number_made,
    u.number_offered,
    u.number_answered,
    u.number_missed,
    u.number_diverted,
    u.number_voicemail,
    u.number_internal,
    u.number_external,
    u.device_made,
    u.device_offered,
    u.device_answered,
    u.names_users,
    u.user_made,
    u.user_offered,
    u.user_answered,
    case u.counted_by
        when 'device' then u.device_talk_in_s
        when 'user' then u.user_talk_in_s
        else u.number_talk_in_s
    end as talk_in_s,
    case u.counted_by
        when 'device' then u.device_talk_out_s
        when 'user' then u.user_talk_out_s
        else u.number_talk_out_s
    end as talk_out_s
from shielded u
