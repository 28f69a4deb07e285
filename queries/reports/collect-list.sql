-- title:  Handsets to collect
-- asks:   Which handsets are to be collected at each site, where do they stand, and what must not be touched there?
-- grain:  one row per handset all of whose lines end as cease, remove_handset or teams_ddi, in the order of a walk; a handset without a name is its line's own
-- param:  site    text  = ''  only this site; '' for all
-- param:  source  text  = ''  only this source; '' for all
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: site          text  -      site code; (none) where the register has none
-- column: site_name     text  -      its name
-- column: location      text  -      where on the site
-- column: device_model  text  -      make and model
-- column: device_name   text  -      handset; null where the register does not name it
-- column: device_kind   text  -      kind of device
-- column: source        text  -      configured source
-- column: extensions    text  evidence  its lines
-- column: actions       text  evidence  what becomes of each of them, in the same order
-- column: lines         int   count  how many they are
-- column: owner         text  -      who answers for it
-- column: user_id       text  -      login of its person, who must have the new number first where the action is teams_ddi
-- column: last_used_on  date  -      last day of use
-- column: leave_here         text  -      protected lines at the same location: do not touch these
-- column: protected_at_site  int   count  protected lines at the site
-- column: handsets_at_site   int   count  handsets on this list for the site
with phones as (
    -- looked at once: what is dear here is the verdicts
    select
        v.source,
        v.extension,
        v.action,
        v.device_model,
        v.device_name,
        v.device_kind,
        v.owner,
        v.user_id,
        v.last_used_on,
        coalesce(v.site, '(none)') as at_site,
        coalesce(v.location, '') as at_location,
        coalesce(v.device_name, 'line ' || v.extension) as handset,
        case when v.action in ('cease', 'remove_handset', 'teams_ddi') then 1 else 0 end as goes,
        case
            when v.device_kind in ('virtual', 'softphone') then 0
            when v.device_kind is null and v.device_name is null and v.device_model is null then 0
            else 1
        end as is_physical,
        case when v.is_protected then v.extension || ' ' || v."use" end as to_leave
    from verdicts v
),

around as (
    select
        p.*,
        count(to_leave) over (partition by at_site) as protected_at_site,
        string_agg(to_leave, ', ') over (
            partition by at_site, at_location
            order by source, extension
            rows between unbounded preceding and unbounded following
        ) as leave_here
    from phones p
),

handsets as (
    -- a handset with one line that stays, stays
    select
        source,
        handset,
        min(at_site) as at_site,
        min(at_location) as at_location,
        min(device_model) as device_model,
        min(device_name) as device_name,
        min(device_kind) as device_kind,
        string_agg(extension, ', ' order by extension) as extensions,
        string_agg(action, ', ' order by extension) as actions,
        count(*) as n,
        min(owner) as owner,
        min(user_id) as user_id,
        max(last_used_on) as last_used_on,
        min(leave_here) as leave_here,
        min(protected_at_site) as protected_at_site
    from around
    group by source, handset
    having min(goes * is_physical) = 1
)

select
    h.at_site as site,
    s.name as site_name,
    nullif(h.at_location, '') as location,
    h.device_model,
    h.device_name,
    h.device_kind,
    h.source,
    h.extensions,
    h.actions,
    h.n as "lines",
    h.owner,
    h.user_id,
    h.last_used_on,
    h.leave_here,
    h.protected_at_site,
    count(*) over (partition by h.at_site) as handsets_at_site
from handsets h
left join sites_in_force s on h.at_site = s.site
where ($site = '' or h.at_site = $site)
    and ($source = '' or h.source = $source)
order by h.at_site, h.at_location, h.device_model nulls last, h.device_name nulls last, h.source, h.extensions
