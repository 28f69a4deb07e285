-- title:  What counts for a line
-- asks:   By what is the use of each registered extension counted: its handset, its person or its number?
-- grain:  one row per registered extension
-- setting: as_of
-- column: source        text  -  configured source
-- column: platform      text  -  format of the source
-- column: extension     text  -  extension
-- column: site          text  -  site code
-- column: installed_on  date  -  when it was put there
-- column: subject_kind  text  -  device; user (the platform names people and no devices); number (it names neither, or the register does not)
-- column: subject       text  -  what to look for in usage; null for virtual extensions, which nobody uses
with kinds as (
    select source, subject_kind
    from usage
    where subject_kind in ('device', 'user')
    group by source, subject_kind
),

named as (
    select
        r.source,
        c.platform,
        r.extension,
        r.site,
        r.installed_on,
        r.device_name,
        r.user_id,
        case
            when d.source is not null and r.device_name is not null then 'device'
            when d.source is null and p.source is not null and r.user_id is not null then 'user'
            else 'number'
        end as subject_kind,
        coalesce(r.device_kind, '') = 'virtual' as is_virtual
    from register r
    left join sources c on r.source = c.source
    left join kinds d on r.source = d.source and d.subject_kind = 'device'
    left join kinds p on r.source = p.source and p.subject_kind = 'user'
)

select
    source,
    platform,
    extension,
    site,
    installed_on,
    subject_kind,
    case
        when is_virtual then null
        when subject_kind = 'device' then device_name
        when subject_kind = 'user' then user_id
        else extension
    end as subject
from named
