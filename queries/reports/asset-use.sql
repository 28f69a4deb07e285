-- title:  Use of assets
-- asks:   How many devices of each kind are registered, how many of them are used, and what does the evidence say of the rest?
-- grain:  one row per source and kind of device in the register
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: device_kind   text  -        kind of device; (none) where the register does not say
-- column: source        text  -        configured source
-- column: platform      text  -        its format
-- column: registered    int   count    extensions with such a device
-- column: used          int   count    of those, used in the window; a pager is used when it is called, and so is what has no handset
-- column: unused        int   count    not used, on evidence enough to say so
-- column: unproven      int   count    not used as far as is seen, and too little is seen
-- column: used_percent  float percent  of those registered
-- column: unused_protected  int  count  of those not used, protected all the same
-- column: protected     int   count    with this verdict
-- column: insufficient_evidence  int  count  with this verdict
-- column: idle          int   count    with this verdict
-- column: unattended    int   count    with this verdict
-- column: diverted      int   count    with this verdict
-- column: low_use       int   count    with this verdict
-- column: in_use        int   count    with this verdict
-- column: to_remove      int   count    whose action is cease or remove_handset
-- column: last_used_on  date  -        last day on which any of them was used
with judged as (
    select
        v.*,
        coalesce(v.device_kind, '(none)') as kind,
        v.handset_uses > 0 or coalesce(v.device_kind, '') in ('pager', 'virtual') and v.demand > 0 as is_used,
        v.verdict = 'insufficient_evidence' or v.covered_days < s.min_covered_days as is_unproven
    from verdicts v
    cross join settings s
)

select
    kind as device_kind,
    source,
    platform,
    count(*) as registered,
    count(*) filter (where is_used) as used,
    count(*) filter (where not is_used and not is_unproven) as unused,
    count(*) filter (where not is_used and is_unproven) as unproven,
    round(1000 * cast(count(*) filter (where is_used) as double) / count(*)) / 10 as used_percent,
    count(*) filter (where not is_used and is_protected) as unused_protected,
    count(*) filter (where verdict = 'protected') as protected,
    count(*) filter (where verdict = 'insufficient_evidence') as insufficient_evidence,
    count(*) filter (where verdict = 'idle') as idle,
    count(*) filter (where verdict = 'unattended') as unattended,
    count(*) filter (where verdict = 'diverted') as diverted,
    count(*) filter (where verdict = 'low_use') as low_use,
    count(*) filter (where verdict = 'in_use') as in_use,
    count(*) filter (where action in ('cease', 'remove_handset')) as to_remove,
    max(last_used_on) as last_used_on
from judged
group by kind, source, platform
order by kind, source
