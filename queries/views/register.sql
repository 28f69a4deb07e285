-- title:  The register in force
-- asks:   Which extensions do we have, by the load of the register that holds on the day asked about?
-- grain:  one row per registered extension
-- setting: as_of
-- column: source         text  -      configured source
-- column: extension      text  -      extension
-- column: ddi            text  -      its direct-dial number, E.164
-- column: device_name    text  -      handset as the platform names it; null where it names none
-- column: device_model   text  -      make and model
-- column: device_kind    text  -      desk_phone, softphone, conference_phone, analogue, ptt, pager, mobile, virtual
-- column: use            text  -      what it is for; unknown where the register does not say
-- column: site           text  -      site code
-- column: location       text  -      where on the site
-- column: cost_centre    text  -      who pays
-- column: owner          text  -      who answers for it
-- column: user_id        text  -      login of its person
-- column: installed_on   date  -      when it was put there
-- column: hunt_groups    text  -      groups it is a member of
-- column: is_marked      bool  -      the register itself marks it protected
-- column: protected_reason  text  -   why it does
-- column: notes          text  -      free text
-- column: loaded_as_of   date  -      day of the load this row is from
with in_force as (
    -- the newest load that is not after as_of; before the first load, the first one
    select coalesce(max(e.as_of) filter (where e.as_of <= s.as_of), min(e.as_of)) as as_of
    from extensions e
    cross join settings s
)

select
    e.source,
    e.extension,
    e.ddi,
    e.device_name,
    e.device_model,
    e.device_kind,
    coalesce(e."use", 'unknown') as "use",
    e.site,
    e.location,
    e.cost_centre,
    e.owner,
    e.user_id,
    e.installed_on,
    e.hunt_groups,
    coalesce(e.protected, false) as is_marked,
    e.protected_reason,
    e.notes,
    e.as_of as loaded_as_of
from extensions e
join in_force i on e.as_of = i.as_of
