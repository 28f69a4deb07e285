-- title:  Phones of a site
-- asks:   Which lines are a fixed phone that somebody at a site could call for help from, and which is the only one?
-- grain:  one row per such line; no softphone, and no line of a lift, an alarm, a fax and the like
-- setting: as_of
-- column: source     text  -  configured source
-- column: extension  text  -  extension
-- column: site       text  -  site code
-- column: is_only    bool  -  its site has no other
with phones as (
    select source, extension, site
    from register
    where site is not null
        and coalesce(device_kind, 'desk_phone') not in ('softphone', 'mobile', 'pager', 'virtual')
        and "use" not in ('lift', 'alarm', 'fax', 'refuge', 'door_entry', 'help_point', 'voicemail')
)

select source, extension, site, count(*) over (partition by site) = 1 as is_only
from phones
