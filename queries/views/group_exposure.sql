-- title:  Lines behind groups
-- asks:   Which lines may have answered calls of a hunt group or queue that are on record under the group?
-- grain:  one row per registered extension that is a member of a group with calls in the window, by the register's hunt_groups (a group that the records know only as a number that was asked for is one too); where the register names no member of a group that hides who answered, every line of the source may be one
-- setting: as_of
-- setting: window_days
-- column: source        text  -     configured source
-- column: extension     text  -     extension
-- column: hunt_groups   text  -     groups it is or may be a member of
-- column: group_calls   int   legs  calls to them in the window
-- column: unattributed  int   legs  of those, answered by a member that the record does not name
with told_groups as (
    select
        t.source,
        t.name as hunt_group,
        sum(t.legs) as legs,
        sum(t.unattributed) as unattributed
    from traffic t
    cross join settings s
    where t.kind = 'group'
        and t.local_day <= s.as_of
        and t.local_day > s.as_of - s.window_days
    group by t.source, t.name
),

listed as (
    select distinct source, ' ' || regexp_replace(lower(hunt_groups), '[^a-z0-9]+', ' ', 'g') || ' ' as words
    from register
    where hunt_groups is not null
),

groups as (
    select source, hunt_group, legs, unattributed
    from told_groups
    union all
    -- a platform that names no group in its records may still show its number as what was asked for
    select u.source, u.subject as hunt_group, u.offered as legs, u.answered + u.diverted as unattributed
    from subject_use u
    join (select distinct source, words from listed) l on u.source = l.source and strpos(l.words, ' ' || u.subject || ' ') > 0
    left join told_groups t on u.source = t.source and u.subject = t.hunt_group
    where u.subject_kind = 'number'
        and u.offered > 0
        and t.source is null
    group by u.source, u.subject, u.offered, u.answered, u.diverted
),

members as (
    select r.source, r.extension, g.hunt_group
    from register r
    join groups g
        on r.source = g.source
        and strpos(
            ' ' || regexp_replace(lower(r.hunt_groups), '[^a-z0-9]+', ' ', 'g') || ' ',
            ' ' || regexp_replace(lower(g.hunt_group), '[^a-z0-9]+', ' ', 'g') || ' '
        ) > 0
    where r.hunt_groups is not null
),

told as (
    select distinct source, hunt_group
    from members
),

exposed as (
    select source, extension, hunt_group
    from members
    union all
    -- nobody knows who is behind it
    select r.source, r.extension, g.hunt_group
    from groups g
    join register r on g.source = r.source
    left join told t on g.source = t.source and g.hunt_group = t.hunt_group
    where t.source is null
        and g.unattributed > 0
        and r.extension <> g.hunt_group
)

select
    e.source,
    e.extension,
    string_agg(e.hunt_group, ' ' order by e.hunt_group) as hunt_groups,
    cast(sum(g.legs) as bigint) as group_calls,
    cast(sum(g.unattributed) as bigint) as unattributed
from exposed e
join groups g on e.source = g.source and e.hunt_group = g.hunt_group
group by e.source, e.extension
