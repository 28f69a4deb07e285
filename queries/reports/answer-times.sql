-- title:  Answer times
-- asks:   How soon are calls to each hunt group, queue and staffed line answered, how many callers give up, and how many call out of hours?
-- grain:  one row per period and hunt group or queue, and line of the uses contact_centre, reception, front_counter, control_room and role, that was called; a call to a group counts for the group, and for the member who took it where the record names that line, so the two do not add up
-- param:  source  text  = ''  only this source; '' for all
-- param:  site    text  = ''  only this site, for groups that of the pilot; '' for all
-- param:  by      text  = ''  week or month for a row each; '' for the whole window
-- setting: as_of
-- setting: window_days
-- column: from_day              date  -        first day of the period
-- column: kind                  text  -        group, line
-- column: source                text  -        configured source
-- column: extension             text  -        pilot of the group, or extension of the line
-- column: use                   text  -        what it is for; null where the register does not know it
-- column: site                  text  -        site code
-- column: location              text  -        where on the site
-- column: offered               int   legs     calls for it
-- column: answered              int   legs     of those, answered there
-- column: answered_percent      float percent  of those offered
-- column: timed                 int   legs     of those answered, whose time to the answer is known
-- column: within_10s            int   legs     of those timed, answered within 10 s
-- column: within_20s            int   legs     within 20 s
-- column: within_30s            int   legs     within 30 s
-- column: within_10s_percent    float percent  of those timed
-- column: within_20s_percent    float percent  of those timed
-- column: within_30s_percent    float percent  of those timed
-- column: mean_wait_s           float seconds  to the answer, of those timed
-- column: longest_wait_s        int   seconds  of any call offered, answered or not; null where none is known
-- column: abandoned             int   legs     the caller gave up
-- column: abandoned_percent     float percent  of those offered
-- column: voicemail             int   legs     ended in voicemail
-- column: diverted              int   legs     met at another number
-- column: out_of_hours          int   legs     offered before 08:00, from 18:00 on, or on a day that is no working day
-- column: out_of_hours_percent  float percent  of those offered
with periods as (
    select
        k.day,
        k.is_working,
        case $by
            when 'month' then greatest(cast(date_trunc('month', k.day) as date), s.as_of - s.window_days + 1)
            when 'week' then greatest(k.day - (k.isodow - 1), s.as_of - s.window_days + 1)
            else s.as_of - s.window_days + 1
        end as from_day
    from calendar k
    cross join settings s
    where k.day <= s.as_of
        and k.day > s.as_of - s.window_days
),

groups as (
    select distinct source, name
    from traffic
    where kind = 'group'
),

places as (
    -- a pilot that is registered as a line is there once, as the group it is
    select source, name as subject, 'group' as subject_kind
    from groups
    union all
    select r.source, r.extension as subject, 'number' as subject_kind
    from register r
    left join groups g on r.source = g.source and r.extension = g.name
    where r."use" in ('contact_centre', 'reception', 'front_counter', 'control_room', 'role')
        and g.name is null
),

numbered as (
    -- to group the many rows by numbers and no text
    select p.*, row_number() over (order by source, subject) as place_no
    from places p
    where $source = '' or source = $source
),

counted as (
    -- the few are joined to the many and not the other way: that is what is held in memory
    select
        u.place_no,
        k.from_day,
        sum(u.offered) as offered,
        sum(u.answered) as answered,
        sum(u.answer_timed) as timed,
        sum(u.answered_10s) as within_10s,
        sum(u.answered_20s) as within_20s,
        sum(u.answered_30s) as within_30s,
        sum(u.wait_s) as wait_s,
        max(u.longest_wait_s) as longest_wait_s,
        sum(u.abandoned) as abandoned,
        sum(u.voicemail) as voicemail,
        sum(u.diverted) as diverted,
        sum(case when k.is_working then u.offered - u.in_hours else u.offered end) as out_of_hours
    from periods k
    join (
        select n.place_no, u.*
        from numbered n
        join usage u on n.source = u.source and n.subject_kind = u.subject_kind and n.subject = u.subject
        where u.offered > 0
            and u.subject_kind in ('group', 'number')
            and u.local_day > (select as_of - window_days from settings)
    ) u on k.day = u.local_day
    group by u.place_no, k.from_day
)

select
    c.from_day,
    case l.subject_kind when 'group' then 'group' else 'line' end as kind,
    l.source,
    l.subject as extension,
    r."use",
    r.site,
    r.location,
    c.offered,
    c.answered,
    round(1000 * cast(c.answered as double) / c.offered) / 10 as answered_percent,
    c.timed,
    c.within_10s,
    c.within_20s,
    c.within_30s,
    round(1000 * cast(c.within_10s as double) / nullif(c.timed, 0)) / 10 as within_10s_percent,
    round(1000 * cast(c.within_20s as double) / nullif(c.timed, 0)) / 10 as within_20s_percent,
    round(1000 * cast(c.within_30s as double) / nullif(c.timed, 0)) / 10 as within_30s_percent,
    round(10 * cast(c.wait_s as double) / nullif(c.timed, 0)) / 10 as mean_wait_s,
    c.longest_wait_s,
    c.abandoned,
    round(1000 * cast(c.abandoned as double) / c.offered) / 10 as abandoned_percent,
    c.voicemail,
    c.diverted,
    c.out_of_hours,
    round(1000 * cast(c.out_of_hours as double) / c.offered) / 10 as out_of_hours_percent
from counted c
join numbered l on c.place_no = l.place_no
left join register r on l.source = r.source and l.subject = r.extension
where $site = '' or r.site = $site
order by c.from_day, kind, l.source, l.subject
