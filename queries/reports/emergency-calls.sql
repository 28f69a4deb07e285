-- title:  Emergency calls
-- asks:   From which lines were the emergency services called, is it known where those stand, and are any of them to be moved or removed?
-- grain:  one row per day and line that called them, on any day up to as_of; handsets and logins have a row where the day's records tell no number for the call
-- param:  source  text  = ''          only this source; '' for all
-- param:  site    text  = ''          only this site; '' for all
-- param:  since   date  = 1970-01-01  only from this day on
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: local_day      date  -     civil day at the source
-- column: site           text  -     site code; null where the line has none
-- column: site_name      text  -     its name; null where the list of sites does not know it
-- column: source         text  -     configured source
-- column: extension      text  -     the line; the name of the handset or login where the register does not know that
-- column: seen_by        text  -     number, device, user: what the records name
-- column: calls          int   legs  calls to emergency services, answered or not
-- column: is_site_known  bool  -     the register has the line, and the list of sites its site
-- column: location       text  -     where on the site
-- column: use            text  -     what it is for
-- column: device_kind    text  -     kind of device
-- column: verdict        text  -     its verdict; null where the register does not know it
-- column: action         text  -     what becomes of it
-- column: concern        text  -     not in the register; site unknown; to be removed; to be moved (its address must be right on the new platform); kept from removal (the policy would have removed it); null for none
with calls as (
    select u.source, u.local_day, u.subject_kind, u.subject, sum(u.emergency) as calls
    from usage u
    cross join settings s
    where u.emergency > 0
        and u.subject_kind in ('number', 'device', 'user')
        and u.local_day <= s.as_of
        and u.local_day >= $since
        and ($source = '' or u.source = $source)
    group by u.source, u.local_day, u.subject_kind, u.subject
),

totals as (
    -- a call is told of its number, its handset and its person: where fewer numbers are told than handsets, some had none
    select
        source,
        local_day,
        coalesce(sum(calls) filter (where subject_kind = 'number'), 0) as by_number,
        coalesce(sum(calls) filter (where subject_kind = 'device'), 0) as by_device,
        coalesce(sum(calls) filter (where subject_kind = 'user'), 0) as by_user
    from calls
    group by source, local_day
),

subjects as (
    select source, 'number' as subject_kind, extension as subject, extension
    from register
    union all
    select source, 'device' as subject_kind, device_name as subject, min(extension) as extension
    from register
    where device_name is not null
    group by source, device_name
    union all
    select source, 'user' as subject_kind, user_id as subject, min(extension) as extension
    from register
    where user_id is not null
    group by source, user_id
),

named as (
    select
        c.source,
        c.local_day,
        c.subject_kind,
        coalesce(b.extension, c.subject) as extension,
        c.calls,
        case c.subject_kind when 'number' then 1 when 'device' then 2 else 3 end as rank
    from calls c
    join totals t on c.source = t.source and c.local_day = t.local_day
    left join subjects b on c.source = b.source and c.subject_kind = b.subject_kind and c.subject = b.subject
    where c.subject_kind = 'number'
        or c.subject_kind = 'device' and t.by_device > t.by_number
        or c.subject_kind = 'user' and t.by_user > greatest(t.by_number, t.by_device)
),

told as (
    -- the number before the handset before the person
    select n.*, row_number() over (partition by source, local_day, extension order by rank) as nth
    from named n
)

select
    c.local_day,
    v.site,
    s.name as site_name,
    c.source,
    c.extension,
    c.subject_kind as seen_by,
    c.calls,
    s.site is not null as is_site_known,
    v.location,
    v."use",
    v.device_kind,
    v.verdict,
    v.action,
    case
        when v.extension is null then 'not in the register'
        when s.site is null then 'site unknown'
        when v.action in ('cease', 'remove_handset') then 'to be removed'
        when v.action in ('teams_ddi', 'fixed') then 'to be moved'
        when v.is_guarded then 'kept from removal'
    end as concern
from told c
left join verdicts v on c.source = v.source and c.extension = v.extension
left join sites_in_force s on v.site = s.site
where c.nth = 1
    and ($site = '' or v.site = $site)
order by c.local_day, v.site nulls last, c.source, c.extension
