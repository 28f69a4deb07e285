-- title:  Legacy phones still in use
-- asks:   Who still uses a phone of the platforms to be switched off, for what, and what is due to become of it?
-- grain:  one row per extension of those platforms used in the last days of the window, also of numbers the register does not know
-- param:  legacy  text  = 'cisco-cucm mitel-smdr'  platforms to be switched off, parted by blanks
-- param:  days    int   = 28  how many days up to as_of
-- param:  source  text  = ''  only this source; '' for all
-- param:  site    text  = ''  only this site; '' for all
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source            text  -        configured source
-- column: extension         text  -        extension
-- column: platform          text  -        format of the source
-- column: is_registered     bool  -        the register has it
-- column: site              text  -        site code
-- column: location          text  -        where on the site
-- column: use               text  -        what it is for
-- column: device_kind       text  -        kind of device
-- column: owner             text  -        who answers for it
-- column: user_id           text  -        login of its person
-- column: uses              int   legs     made or answered, by what its use is counted by: handset, person or number
-- column: made              int   legs     of those, made
-- column: answered          int   legs     of those, answered
-- column: days_used         int   days     days with a use
-- column: internal          int   legs     of its legs, answered or not, within the platform
-- column: external          int   legs     of its legs, by a trunk
-- column: internal_percent  float percent  of the two
-- column: external_percent  float percent  of the two
-- column: emergency         int   legs     calls to emergency services
-- column: talk_s            int   seconds  connected, in and out
-- column: last_used_on      date  -        last day of use
-- column: verdict           text  -        its verdict; null where the register does not know it
-- column: action            text  -        what becomes of it; null where the register does not know it
with legacy as (
    select source, platform
    from sources
    where strpos(' ' || $legacy || ' ', ' ' || platform || ' ') > 0
        and ($source = '' or source = $source)
),

recent as (
    select
        u.source,
        u.subject_kind,
        u.subject,
        u.local_day,
        u.made,
        u.answered,
        u.internal,
        u.external,
        u.emergency,
        u.talk_in_s + u.talk_out_s as talk_s
    from usage u
    where u.local_day <= (select as_of from settings)
        and u.local_day > (select as_of - $days from settings)
),

lines as (
    -- what is registered, and the numbers that are not
    select source, extension, subject_kind, subject, true as is_registered
    from counted_lines
    where subject is not null
    union all
    select u.source, u.subject as extension, 'number' as subject_kind, u.subject, false as is_registered
    from (select distinct source, subject from recent where subject_kind = 'number') u
    left join register r on u.source = r.source and u.subject = r.extension
    where r.extension is null
),

used as (
    select
        l.source,
        l.extension,
        l.is_registered,
        sum(u.made) as made,
        sum(u.answered) as answered,
        count(distinct case when u.made + u.answered > 0 then u.local_day end) as days_used,
        sum(u.internal) as internal,
        sum(u.external) as external,
        sum(u.emergency) as emergency,
        sum(u.talk_s) as talk_s,
        max(case when u.made + u.answered > 0 then u.local_day end) as last_used_on
    from lines l
    join recent u on l.source = u.source and l.subject_kind = u.subject_kind and l.subject = u.subject
    group by l.source, l.extension, l.is_registered
)

select
    u.source,
    u.extension,
    c.platform,
    u.is_registered,
    v.site,
    v.location,
    v."use",
    v.device_kind,
    v.owner,
    v.user_id,
    u.made + u.answered as uses,
    u.made,
    u.answered,
    u.days_used,
    u.internal,
    u.external,
    round(1000 * cast(u.internal as double) / nullif(u.internal + u.external, 0)) / 10 as internal_percent,
    round(1000 * cast(u.external as double) / nullif(u.internal + u.external, 0)) / 10 as external_percent,
    u.emergency,
    u.talk_s,
    u.last_used_on,
    v.verdict,
    v.action
from used u
join legacy c on u.source = c.source
left join verdicts v on u.source = v.source and u.extension = v.extension
where u.made + u.answered > 0
    and ($site = '' or v.site = $site)
order by u.source, u.extension
