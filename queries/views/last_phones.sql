-- title:  A site's only phone
-- asks:   Which lines are the only fixed phone that a site has?
-- grain:  one row per such line
-- setting: as_of
-- column: source     text  -  configured source
-- column: extension  text  -  extension
-- column: site       text  -  site code
with phones as (
    select source, extension, site
    from register
    where site is not null
        and coalesce(device_kind, 'desk_phone') not in ('softphone', 'mobile', 'pager', 'virtual')
        and "use" not in ('lift', 'alarm', 'fax', 'refuge', 'door_entry', 'help_point', 'voicemail')
),

single as (
    select site
    from phones
    group by site
    having count(*) = 1
)

select p.source, p.extension, p.site
from phones p
join single s on p.site = s.site
