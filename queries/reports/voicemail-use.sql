-- title:  Voicemail use
-- asks:   Which extensions have callers who end in voicemail, who listens to it, and which mailboxes does nobody need?
-- grain:  one row per registered extension, virtual ones left out; reading is seen where a call from the line to the voicemail itself is recorded, by its trunk, its pilot in the register or the record's own word
-- param:  days    int   = 91  how many days up to as_of
-- param:  source  text  = ''  only this source; '' for all
-- param:  site    text  = ''  only this site; '' for all
-- param:  state   text  = ''  only this state, such as unread; '' for all
-- setting: as_of
-- column: source             text  -        configured source
-- column: extension          text  -        extension
-- column: site               text  -        site code
-- column: use                text  -        what it is for
-- column: owner              text  -        who answers for it
-- column: user_id            text  -        login of its person
-- column: state              text  -        live: reached and read; unread: reached and never read; empty: read and never reached; unused: neither
-- column: offered            int   legs     calls for the number
-- column: to_voicemail       int   legs     of those, ended in voicemail
-- column: voicemail_percent  float percent  of those offered
-- column: last_reached_on    date  -        last day with one
-- column: read               int   legs     calls the line made to the voicemail
-- column: last_read_on       date  -        last day with one
with trunk_names as (
    select source, trunk
    from trunks_in_force
    where kind = 'voicemail'
),

pilots as (
    select source, extension
    from register
    where "use" = 'voicemail'
),

calls_out as (
    -- who is passed on to the voicemail by a line leaves word there; who calls it himself listens
    select source, caller_ext as extension, trunk_out, outcome, count(*) as n, max(local_day) as last_on
    from legs
    where caller_ext is not null
        and dialled_ext is null
        and redirect_ext is null
        and part = 'whole'
        and outcome in ('answered', 'voicemail')
        and local_day <= (select as_of from settings)
        and local_day > (select as_of - $days from settings)
    group by source, caller_ext, trunk_out, outcome
),

calls_in as (
    select l.source, l.caller_ext as extension, count(*) as n, max(l.local_day) as last_on
    from pilots p
    join legs l on p.source = l.source and p.extension = l.dialled_ext
    where l.caller_ext is not null
        and l.redirect_ext is null
        and l.part = 'whole'
        and l.outcome in ('answered', 'voicemail')
        and l.local_day <= (select as_of from settings)
        and l.local_day > (select as_of - $days from settings)
    group by l.source, l.caller_ext
),

reads as (
    select source, extension, sum(n) as n, max(last_on) as last_on
    from (
        select c.source, c.extension, c.n, c.last_on
        from calls_out c
        left join trunk_names t on c.source = t.source and c.trunk_out = t.trunk
        where c.outcome = 'voicemail' or t.trunk is not null
        union all
        select source, extension, n, last_on
        from calls_in
    ) c
    group by source, extension
),

offers as (
    select
        u.source,
        u.subject,
        sum(u.offered) as offered,
        sum(u.voicemail) as voicemail,
        max(case when u.voicemail > 0 then u.local_day end) as last_on
    from usage u
    where u.subject_kind = 'number'
        and u.offered > 0
        and u.local_day <= (select as_of from settings)
        and u.local_day > (select as_of - $days from settings)
    group by u.source, u.subject
),

lines as (
    select
        r.source,
        r.extension,
        r.site,
        r."use",
        r.owner,
        r.user_id,
        case
            when o.voicemail > 0 and d.n > 0 then 'live'
            when o.voicemail > 0 then 'unread'
            when d.n > 0 then 'empty'
            else 'unused'
        end as state,
        coalesce(o.offered, 0) as offered,
        coalesce(o.voicemail, 0) as to_voicemail,
        round(1000 * cast(o.voicemail as double) / nullif(o.offered, 0)) / 10 as voicemail_percent,
        o.last_on as last_reached_on,
        coalesce(d.n, 0) as read,
        d.last_on as last_read_on
    from register r
    left join offers o on r.source = o.source and r.extension = o.subject
    left join reads d on r.source = d.source and r.extension = d.extension
    where coalesce(r.device_kind, '') <> 'virtual'
        and r."use" <> 'voicemail'
)

select *
from lines
where ($source = '' or source = $source)
    and ($site = '' or site = $site)
    and ($state = '' or state = $state)
order by source, extension
