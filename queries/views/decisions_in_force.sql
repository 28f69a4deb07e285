-- title:  Decisions in force
-- asks:   What did a named person decide about a line, by the load that holds on the day asked about?
-- grain:  one row per source and extension that was decided on; the last decision stands, and of two of one day that contradict each other neither
-- setting: as_of
-- column: source        text  -      configured source
-- column: extension     text  -      extension
-- column: action        text  -      cease, teams_ddi, fixed, remove_handset, keep, review
-- column: decided_by    text  -      who decided
-- column: decided_on    date  -      when
-- column: reason        text  -      why
-- column: loaded_as_of  date  -      day of the load this row is from
with in_force as (
    -- the newest load that is not after as_of; before the first load, the first one
    select coalesce(max(d.as_of) filter (where d.as_of <= s.as_of), min(d.as_of)) as as_of
    from decisions d
    cross join settings s
),

last_day as (
    -- a decision counts from its day on, whenever it was written down
    select d.source, d.extension, max(d.decided_on) as decided_on
    from decisions d
    join in_force i on d.as_of = i.as_of
    cross join settings s
    where d.decided_on <= s.as_of
    group by d.source, d.extension
),

last_word as (
    -- min and max hold the same where two rows of one day agree
    select
        d.source,
        d.extension,
        d.decided_on,
        d.as_of,
        min(d.action) as action,
        max(d.action) as other_action,
        min(d.decided_by) as decided_by,
        min(d.reason) as reason
    from decisions d
    join in_force i on d.as_of = i.as_of
    join last_day l on d.source = l.source and d.extension = l.extension and d.decided_on = l.decided_on
    group by d.source, d.extension, d.decided_on, d.as_of
)

select
    source,
    extension,
    action,
    decided_by,
    decided_on,
    reason,
    as_of as loaded_as_of
from last_word
where action = other_action
