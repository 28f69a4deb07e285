-- title:  Sites in force
-- asks:   Which sites are there, by the load that holds on the day asked about?
-- grain:  one row per site
-- setting: as_of
-- column: site       text  -  site code
-- column: name       text  -  its name
-- column: area_code  text  -  dialling code for numbers without one
-- column: loaded_as_of  date  -  day of the load this row is from
with in_force as (
    select coalesce(max(t.as_of) filter (where t.as_of <= s.as_of), min(t.as_of)) as as_of
    from sites t
    cross join settings s
)

select
    t.site,
    t.name,
    t.area_code,
    t.as_of as loaded_as_of
from sites t
join in_force i on t.as_of = i.as_of
