-- title:  Register findings
-- asks:   Where do the register and the calls contradict each other, and on what evidence?
-- grain:  one row per finding and line, handset or source it is about
-- param:  source   text  = ''  only this source; '' for all
-- param:  finding  text  = ''  only this finding; '' for all
-- param:  days     int   = 30  how many days before as_of single calls are looked at, for handsets and numbers asked for
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: finding       text  -      unknown_extension, ddi_without_extension, ddi_on_two_lines, extension_without_ddi, number_on_two_devices, device_with_many_numbers, device_moved_site, licence_without_use, never_recordable, register_stale
-- column: source        text  -      configured source
-- column: extension     text  -      extension; null where the finding is about a handset or a whole source
-- column: device_name   text  -      handset of the register, or of the calls where the register has none
-- column: site          text  -      site code
-- column: detail        text  evidence the evidence
-- column: seen          int   count  calls, handsets, numbers, loads or rows that the detail tells of
-- column: last_seen_on  date  -      last day of it
with recent as (
    -- the days as plain bounds, so that files and row groups of other days are not read at all
    select *
    from legs
    where local_day <= (select as_of from settings)
        and local_day > (select as_of - $days from settings)
        and part <> 'system'
),

ends as (
    -- a number made calls on a handset, was answered on one, was asked for from outside
    select source, caller_ext as extension, caller_device as device, count(*) as uses, max(local_day) as last_on
    from recent
    where caller_ext is not null and caller_device is not null
    group by source, caller_ext, caller_device
    union all
    -- the pilot is answered on every member's handset, a picked-up call on a neighbour's
    select source, callee_ext as extension, callee_device as device, count(*) as uses, max(local_day) as last_on
    from recent
    where callee_ext is not null and callee_device is not null and outcome = 'answered'
        and (hunt_group is null or hunt_group <> callee_ext)
        and (redirect_reason is null or redirect_reason not in ('hunt', 'pickup'))
    group by source, callee_ext, callee_device
    union all
    select source, dialled_ext as extension, cast(null as varchar) as device, count(*) as uses, max(local_day) as last_on
    from recent
    where dialled_ext is not null and direction in ('inbound', 'tandem') and part = 'whole'
    group by source, dialled_ext
),

held as (
    select source, extension, device, cast(sum(uses) as bigint) as uses, max(last_on) as last_on
    from ends
    group by source, extension, device
),

ranked as (
    select
        h.*,
        row_number() over (partition by source, extension order by case when device is null then 1 else 0 end, uses desc, device) as place
    from held h
),

numbers as (
    -- one row per number: the handsets it was used on, the most used first, and how often it was asked for from outside
    select
        source,
        extension,
        count(device) as handsets,
        string_agg(case when place <= 10 and device is not null then device || ' (' || cast(uses as varchar) || ')' end, ', ' order by place) as handset_list,
        max(case when place = 1 then device end) as main_device,
        max(case when device is not null then last_on end) as handset_on,
        coalesce(max(case when device is null then uses end), 0) as asked,
        max(case when device is null then last_on end) as asked_on
    from ranked
    group by source, extension
),

unknown as (
    select
        u.source,
        u.subject as extension,
        cast(sum(u.made) as bigint) as made,
        cast(sum(u.offered) as bigint) as offered,
        count(distinct u.local_day) as days_seen,
        min(u.local_day) as first_on,
        max(u.local_day) as last_on
    from usage u
    left join register r on u.source = r.source and u.subject = r.extension
    where u.subject_kind = 'number'
        and r.extension is null
        and u.local_day <= (select as_of from settings)
        and u.local_day > (select as_of - window_days from settings)
    group by u.source, u.subject
),

lines as (
    -- whether any handset of the source whose name begins the same was ever met in a call
    select
        v.source,
        v.extension,
        v.device_name,
        v.device_kind,
        v.site,
        v.ddi,
        v.user_id,
        v.user_verdict,
        v."use",
        v.action,
        v.calls,
        v.covered_days,
        v.number_made + v.number_answered as number_uses,
        v.counted_by = 'device' and v.last_used_on is null and v.device_offered = 0 as is_never_met,
        max(case when v.last_used_on is not null or v.device_offered > 0 then 1 else 0 end)
            over (partition by v.source, v.counted_by, upper(substr(v.device_name, 1, 3))) as form_is_met
    from verdicts v
),

numbers_of_both as (
    -- registered or not, so that the handsets are looked up once
    select
        l.source,
        l.extension,
        true as is_registered,
        l.device_name,
        l.device_kind,
        l.site,
        l.ddi,
        l.user_id,
        l.user_verdict,
        l."use",
        l.action,
        l.calls,
        l.covered_days,
        l.number_uses,
        l.is_never_met,
        l.form_is_met,
        cast(null as bigint) as made,
        cast(null as bigint) as offered,
        cast(null as bigint) as days_seen,
        cast(null as date) as first_on,
        cast(null as date) as last_on
    from lines l
    union all
    select
        u.source,
        u.extension,
        false as is_registered,
        null as device_name,
        null as device_kind,
        null as site,
        null as ddi,
        null as user_id,
        null as user_verdict,
        null as "use",
        null as action,
        null as calls,
        null as covered_days,
        null as number_uses,
        null as is_never_met,
        null as form_is_met,
        u.made,
        u.offered,
        u.days_seen,
        u.first_on,
        u.last_on
    from unknown u
),

about_numbers as (
    select
        k.finding,
        v.source,
        v.extension,
        case when v.is_registered then v.device_name else n.main_device end as device_name,
        v.site,
        case k.finding
            when 'unknown_extension' then
                'made: ' || cast(v.made as varchar) || '; asked for or rung: ' || cast(v.offered as varchar)
                || '; days: ' || cast(v.days_seen as varchar) || ', ' || cast(v.first_on as varchar) || ' to ' || cast(v.last_on as varchar)
                || coalesce('; handsets of late: ' || n.handset_list, '')
            when 'ddi_without_extension' then
                'asked for from outside in ' || cast($days as varchar) || ' days: ' || cast(n.asked as varchar) || '; not in the register'
            when 'number_on_two_devices' then
                'handsets used in ' || cast($days as varchar) || ' days: ' || n.handset_list
                || case when n.handsets > 10 then ' and ' || cast(n.handsets - 10 as varchar) || ' more' else '' end
            when 'extension_without_ddi' then
                'a person''s line with no direct number'
                || case when n.asked > 0 then '; asked for from outside in ' || cast($days as varchar) || ' days: ' || cast(n.asked as varchar) else '' end
                || case when v.action in ('teams_ddi', 'fixed') then '; to become ' || v.action else '' end
            when 'licence_without_use' then
                'login ' || v.user_id || ' made and answered nothing; covered days: ' || cast(v.covered_days as varchar)
            else case
                when v.device_kind = 'virtual' then 'virtual, without a direct number, and in no call of the window'
                when v.form_is_met = 0 then 'no handset in the records has a name that begins as ' || v.device_name || ' does'
                else 'no record names ' || v.device_name || '; calls its number made or answered elsewhere: ' || cast(v.number_uses as varchar)
                    || coalesce('; handsets of late: ' || n.handset_list, '')
            end
        end as detail,
        case k.finding
            when 'unknown_extension' then v.made + v.offered
            when 'ddi_without_extension' then n.asked
            when 'number_on_two_devices' then n.handsets
            when 'extension_without_ddi' then coalesce(n.asked, 0)
            when 'licence_without_use' then 0
            else v.number_uses
        end as seen,
        case k.finding
            when 'unknown_extension' then v.last_on
            when 'ddi_without_extension' then n.asked_on
            when 'extension_without_ddi' then n.asked_on
            when 'licence_without_use' then cast(null as date)
            else n.handset_on
        end as last_seen_on
    from numbers_of_both v
    left join numbers n on v.source = n.source and v.extension = n.extension
    cross join (
        select 'unknown_extension' as finding
        union all
        select 'ddi_without_extension'
        union all
        select 'number_on_two_devices'
        union all
        select 'extension_without_ddi'
        union all
        select 'licence_without_use'
        union all
        select 'never_recordable'
    ) k
    where k.finding = 'unknown_extension' and not v.is_registered
        or k.finding = 'ddi_without_extension' and not v.is_registered and n.asked > 0
        or k.finding = 'number_on_two_devices' and v.is_registered and n.handsets >= 2
        or k.finding = 'extension_without_ddi'
            and v.is_registered
            and v.ddi is null
            and substr(v.extension, 1, 1) <> '+'
            and (v.user_id is not null or v."use" = 'personal')
            and (n.asked > 0 or v.action in ('teams_ddi', 'fixed'))
        or k.finding = 'licence_without_use' and v.user_id is not null and v.user_verdict in ('idle', 'unattended')
        or k.finding = 'never_recordable'
            and v.is_registered
            and (
                v.device_kind = 'virtual' and v.ddi is null and v.calls = 0
                or v.is_never_met and (v.form_is_met = 0 or v.number_uses > 0)
            )
),

shared as (
    -- a handset that several numbers were used on, one of them at least not registered there
    select
        h.source,
        h.device,
        count(*) as used_numbers,
        string_agg(h.extension || ' (' || cast(h.uses as varchar) || ')', ', ' order by h.extension) as number_list,
        max(h.last_on) as last_on,
        count(r.extension) as registered_numbers,
        max(r.site) as site
    from held h
    left join register r on h.source = r.source and h.extension = r.extension and h.device = r.device_name
    where h.device is not null
    group by h.source, h.device
    having count(*) >= 2 and count(*) > count(r.extension)
),

places as (
    -- where each load of the register, up to the one in force, has a handset
    select e.source, e.device_name, e.site, e.as_of, min(r.site) as site_now
    from extensions e
    join (select distinct source, device_name, site, loaded_as_of from register where device_name is not null and site is not null) r
        on e.source = r.source and e.device_name = r.device_name and e.as_of <= r.loaded_as_of
    where e.site is not null
    group by e.source, e.device_name, e.site, e.as_of
),

moves as (
    select
        source,
        device_name,
        site_now,
        max(case when site <> site_now then as_of end) as last_elsewhere_on
    from places
    group by source, device_name, site_now
),

moved as (
    select
        m.source,
        m.device_name,
        m.site_now,
        m.last_elsewhere_on,
        max(case when p.as_of = m.last_elsewhere_on then p.site end) as site_before,
        min(case when p.as_of > m.last_elsewhere_on then p.as_of end) as since,
        count(distinct case when p.as_of > m.last_elsewhere_on then p.as_of end) as loads,
        max(p.as_of) as last_on
    from moves m
    join places p on m.source = p.source and m.device_name = p.device_name
    where m.last_elsewhere_on is not null
    group by m.source, m.device_name, m.site_now, m.last_elsewhere_on
),

doubled as (
    -- a direct number that is another line's extension, or another line's direct number
    select a.source, a.extension, a.device_name, a.site, a.ddi, b.source as other_source, b.extension as other_extension
    from register a
    join register b on a.ddi = b.extension
    where a.source <> b.source or a.extension <> b.extension
    union
    select a.source, a.extension, a.device_name, a.site, a.ddi, b.source as other_source, b.extension as other_extension
    from register a
    join register b on a.ddi = b.ddi
    where a.source <> b.source or a.extension <> b.extension
),

whole_sources as (
    select
        r.source,
        count(*) as registered,
        max(r.loaded_as_of) as loaded_as_of,
        max(case when c.shows_silence then 1 else 0 end) as shows_silence,
        max(case when i.source is null then 0 else 1 end) as has_input,
        max(case when r.loaded_as_of <= s.as_of - s.window_days then 1 else 0 end) as is_stale
    from register r
    cross join settings s
    left join sources c on r.source = c.source
    left join (select distinct source from inputs) i on r.source = i.source
    group by r.source
),

findings as (
    select finding, source, extension, device_name, site, detail, seen, last_seen_on
    from about_numbers
    union all
    select
        'device_with_many_numbers' as finding,
        source,
        cast(null as varchar) as extension,
        device as device_name,
        site,
        'numbers used in ' || cast($days as varchar) || ' days: ' || number_list
            || '; registered there: ' || cast(registered_numbers as varchar) as detail,
        used_numbers as seen,
        last_on as last_seen_on
    from shared
    union all
    select
        'device_moved_site' as finding,
        source,
        cast(null as varchar) as extension,
        device_name,
        site_now as site,
        'at ' || site_before || ' in the load of ' || cast(last_elsewhere_on as varchar) || ', at ' || site_now || ' since that of ' || cast(since as varchar) as detail,
        loads as seen,
        last_on as last_seen_on
    from moved
    union all
    select
        'ddi_on_two_lines' as finding,
        source,
        extension,
        device_name,
        site,
        ddi || ' also stands with ' || other_extension || ' of ' || other_source as detail,
        2 as seen,
        cast(null as date) as last_seen_on
    from doubled
    union all
    select
        'never_recordable' as finding,
        source,
        cast(null as varchar) as extension,
        cast(null as varchar) as device_name,
        cast(null as varchar) as site,
        case when has_input = 0 then 'no file of this source was ever read' else 'this source records only some calls, so none of its lines can show silence' end as detail,
        registered as seen,
        cast(null as date) as last_seen_on
    from whole_sources
    where has_input = 0 or shows_silence = 0
    union all
    select
        'register_stale' as finding,
        source,
        cast(null as varchar) as extension,
        cast(null as varchar) as device_name,
        cast(null as varchar) as site,
        'the load of ' || cast(loaded_as_of as varchar) || ' is older than the window' as detail,
        registered as seen,
        loaded_as_of as last_seen_on
    from whole_sources
    where is_stale = 1
)

select
    finding,
    source,
    extension,
    device_name,
    site,
    detail,
    seen,
    last_seen_on
from findings
where ($source = '' or source = $source)
    and ($finding = '' or finding = $finding)
order by finding, source, coalesce(extension, ''), coalesce(device_name, ''), detail
