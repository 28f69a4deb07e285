-- title:  Cost centres in force
-- asks:   Which cost centres are there, by the load that holds on the day asked about?
-- grain:  one row per cost centre
-- setting: as_of
-- column: cost_centre  text  -  code
-- column: name         text  -  its name
-- column: directorate  text  -  the directorate it belongs to
-- column: loaded_as_of  date  -  day of the load this row is from
with in_force as (
    select coalesce(max(t.as_of) filter (where t.as_of <= s.as_of), min(t.as_of)) as as_of
    from cost_centres t
    cross join settings s
)

select
    t.cost_centre,
    t.name,
    t.directorate,
    t.as_of as loaded_as_of
from cost_centres t
join in_force i on t.as_of = i.as_of
