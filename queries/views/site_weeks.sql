-- title:  Lines in use by site and week
-- asks:   How many lines of each site were used in each week?
-- grain:  one row per source, site and week (from Monday) with use, of the last 53 weeks; numbers that the register does not know stand under (not registered), lines without a site under (none)
-- setting: as_of
-- column: source      text  -      configured source
-- column: site        text  -      site code
-- column: week_from   date  -      Monday it begins with
-- column: lines_used  int   lines  lines made or answered with, each by what it is counted by
-- column: uses        int   legs   made or answered
with places as (
    -- numbered: use is then grouped by numbers and no text; 0 is for what is not registered
    select source, site, row_number() over (order by source, site) as place_no
    from (select distinct source, coalesce(site, '(none)') as site from register) r
),

strangers as (
    -- numbers that the register does not know keep a platform alive too
    select u.source, 'number' as subject_kind, u.subject
    from subject_use u
    left join register r on u.source = r.source and u.subject = r.extension
    where u.subject_kind = 'number'
        and u.used_on is not null
        and r.extension is null
),

subjects as (
    select l.source, l.subject_kind, l.subject, p.place_no, row_number() over (order by l.source, l.extension) as line_no
    from counted_lines l
    join places p on l.source = p.source and coalesce(l.site, '(none)') = p.site
    where l.subject is not null
    union all
    select source, subject_kind, subject, 0 as place_no, row_number() over (order by source, subject) as line_no
    from strangers
),

used as (
    -- the few are joined to the many and not the other way: that is what is held in memory
    select
        l.source,
        l.place_no,
        u.local_day - cast(extract(isodow from u.local_day) - 1 as int) as week_from,
        l.line_no,
        sum(u.made + u.answered) as uses
    from subjects l
    join usage u on l.source = u.source and l.subject_kind = u.subject_kind and l.subject = u.subject
    where u.made + u.answered > 0
        and u.local_day > (select as_of - 371 from settings)
        and u.local_day <= (select as_of from settings)
    group by 1, 2, 3, 4
),

weeks as (
    select source, place_no, week_from, count(*) as lines_used, cast(sum(uses) as bigint) as uses
    from used
    group by source, place_no, week_from
)

select w.source, coalesce(p.site, '(not registered)') as site, w.week_from, w.lines_used, w.uses
from weeks w
left join places p on w.source = p.source and w.place_no = p.place_no
