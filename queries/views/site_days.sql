-- title:  Calls by site and day
-- asks:   How many calls did the numbers of each site take part in, day by day?
-- grain:  one row per source, site and day of the window with a call; the site is the register's
-- setting: as_of
-- setting: window_days
-- column: source     text  -     configured source
-- column: site       text  -     site code
-- column: local_day  date  -     civil day at the source
-- column: legs       int   legs  made with or offered to its numbers
with sites as (
    -- numbered: use is then grouped by numbers and no text
    select source, site, row_number() over (order by source, site) as site_no
    from (select distinct source, site from register where site is not null) s
),

days as (
    select l.site_no, u.local_day, sum(u.made + u.offered) as legs
    from (
        select r.source, r.extension, s.site_no
        from register r
        join sites s on r.source = s.source and r.site = s.site
    ) l
    join usage u on l.source = u.source and l.extension = u.subject
    where u.subject_kind = 'number'
        and u.local_day > (select as_of - window_days from settings)
        and u.local_day <= (select as_of from settings)
    group by l.site_no, u.local_day
)

select s.source, s.site, d.local_day, cast(d.legs as bigint) as legs
from days d
join sites s on d.site_no = s.site_no
where d.legs > 0
