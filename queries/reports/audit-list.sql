-- title:  Audit list of decisions
-- asks:   What did named people decide about single lines, and what would the policy alone have done? The list for the audit: nothing is left out.
-- grain:  one row per decision ever loaded up to the day asked about, also one that no longer counts or whose line is gone
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source             text  -      configured source
-- column: extension          text  -      extension
-- column: decision           text  -      cease, teams_ddi, fixed, remove_handset, keep, review
-- column: decided_by         text  -      who decided
-- column: decided_on         date  -      when
-- column: reason             text  -      why
-- column: state              text  -      in_force; superseded by a later decision; contradicted by another of the same day, so that none counts; withdrawn: no longer in the list; not_yet: its day is to come
-- column: releases           bool  -      it is in force and takes a protected line, or one that ever called an emergency service, where no policy may
-- column: is_registered      bool  -      the line is still in the register
-- column: verdict            text  -      what the evidence says; null where the line is not in the register
-- column: policy_action      text  -      what the policy alone would do
-- column: action             text  -      what becomes of the line
-- column: is_protected       bool  -      never to be removed on traffic alone
-- column: protection         text  -      why
-- column: ever_emergency     bool  -      ever called an emergency service
-- column: use                text  -      what it is for
-- column: device_name        text  -      handset
-- column: ddi                text  -      direct-dial number
-- column: site               text  -      site code
-- column: location           text  -      where on the site
-- column: first_loaded_as_of date  -      day of the first load with this decision
-- column: last_loaded_as_of  date  -      day of the last
with in_force as (
    -- the newest load that is not after as_of; before the first load, the first one
    select coalesce(max(d.as_of) filter (where d.as_of <= s.as_of), min(d.as_of)) as as_of
    from decisions d
    cross join settings s
),

heard as (
    select
        d.source,
        d.extension,
        d.action,
        d.decided_by,
        d.decided_on,
        d.reason,
        i.as_of as list_as_of,
        min(d.as_of) as first_loaded_as_of,
        max(d.as_of) as last_loaded_as_of
    from decisions d
    join in_force i on d.as_of <= i.as_of
    group by d.source, d.extension, d.action, d.decided_by, d.decided_on, d.reason, i.as_of
),

last_day as (
    select h.source, h.extension, max(h.decided_on) as decided_on
    from heard h
    cross join settings s
    where h.last_loaded_as_of = h.list_as_of
        and h.decided_on <= s.as_of
    group by h.source, h.extension
),

judged as (
    select
        h.*,
        case
            when h.last_loaded_as_of < h.list_as_of then 'withdrawn'
            when h.decided_on > s.as_of then 'not_yet'
            when h.decided_on < l.decided_on then 'superseded'
            when f.source is null then 'contradicted'
            else 'in_force'
        end as state
    from heard h
    cross join settings s
    left join last_day l on h.source = l.source and h.extension = l.extension
    left join decisions_in_force f on h.source = f.source and h.extension = f.extension
)

select
    j.source,
    j.extension,
    j.action as decision,
    j.decided_by,
    j.decided_on,
    j.reason,
    j.state,
    coalesce(
        j.state = 'in_force'
        and (
            v.is_protected and j.action in ('cease', 'remove_handset', 'teams_ddi')
            or v.ever_emergency and j.action in ('cease', 'remove_handset')
        ),
        false
    ) as releases,
    v.source is not null as is_registered,
    v.verdict,
    v.policy_action,
    v.action,
    v.is_protected,
    v.protection,
    v.ever_emergency,
    v."use",
    v.device_name,
    v.ddi,
    v.site,
    v.location,
    j.first_loaded_as_of,
    j.last_loaded_as_of
from judged j
left join verdicts v on j.source = v.source and j.extension = v.extension
order by j.source, j.extension, j.decided_on desc, j.action, j.decided_by, j.reason
