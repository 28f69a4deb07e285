-- title:  Use by subject
-- asks:   What did each number, handset and person do in the window, and when was it last used before?
-- grain:  one row per source, kind and subject seen in calls; what protects a line is taken from all days, later ones too
-- setting: as_of
-- setting: window_days
-- column: source          text  -        configured source
-- column: subject_kind    text  -        number, device, user
-- column: subject         text  -        number, handset or login
-- column: made            int   legs     in the window, as are all counts: made
-- column: offered         int   legs     asked for or rung
-- column: answered        int   legs     answered
-- column: missed          int   legs     rung and met by nobody
-- column: diverted        int   legs     met at another number
-- column: voicemail       int   legs     ended in voicemail
-- column: internal        int   legs     within the platform
-- column: external        int   legs     by a trunk
-- column: talk_in_s       int   seconds  connected on calls taken
-- column: talk_out_s      int   seconds  connected on calls made
-- column: used_on         date  -        last day of use up to as_of, also before the window
-- column: used_days       int   days     days of the window with use; a day that came in two batches may count twice
-- column: first_used_on   date  -        first day of use in the window
-- column: periods         int   -        a bit for each thirteenth of the window (four weeks of a year) with use, the latest lowest
-- column: is_hotline      bool  -        called one number only, shortly and on at least three days, and answered no more than it called, in the window or not: as a lift's dialler does; where the source's numbers were kept in several ways, one number in each
-- column: ever_emergency  bool  -        ever called an emergency service, in the window or not
with bounds as (
    select as_of, as_of - window_days as before, window_days
    from settings
),

used as (
    select
        u.source,
        u.subject_kind,
        u.subject,
        u.local_day,
        u.local_day > b.before and u.local_day <= b.as_of as is_in,
        u.local_day <= b.as_of as is_past,
        case
            when u.local_day > b.before and u.local_day <= b.as_of and u.made + u.answered > 0
                then cast(1 as bigint) << cast(floor(13 * cast(b.as_of - u.local_day as double) / b.window_days) as bigint)
        end as period,
        u.made,
        u.offered,
        u.answered,
        u.missed,
        u.diverted,
        u.voicemail,
        u.internal,
        u.external,
        u.emergency,
        u.talk_in_s,
        u.talk_out_s,
        u.longest_call_s,
        u.dialled_one
    from usage u
    cross join bounds b
    where u.subject_kind <> 'group'
),

ways as (
    -- a number is another text, and so another hash, before and after a change of key or of what is kept of numbers
    select
        source,
        count(distinct split_part(split_part(options, 'outside_numbers=', 2), '; records=', 1)) as ways
    from inputs
    group by source
),

in_ways as (
    -- who called one number only has at most one for each way
    select
        u.source,
        u.subject_kind,
        u.subject,
        max(w.ways) as ways,
        count(distinct u.dialled_one) as dialled
    from usage u
    join ways w on u.source = w.source
    where w.ways > 1
        and u.dialled_one >= 0
    group by u.source, u.subject_kind, u.subject
),

summed as (
    select
        source,
        subject_kind,
        subject,
        sum(made) filter (where is_in) as made,
        sum(offered) filter (where is_in) as offered,
        sum(answered) filter (where is_in) as answered,
        sum(missed) filter (where is_in) as missed,
        sum(diverted) filter (where is_in) as diverted,
        sum(voicemail) filter (where is_in) as voicemail,
        sum(internal) filter (where is_in) as internal,
        sum(external) filter (where is_in) as external,
        sum(talk_in_s) filter (where is_in) as talk_in_s,
        sum(talk_out_s) filter (where is_in) as talk_out_s,
        max(local_day) filter (where is_past and made + answered > 0) as used_on,
        min(local_day) filter (where is_in and made + answered > 0) as first_used_on,
        count(*) filter (where is_in and made + answered > 0) as used_days,
        bit_or(period) as periods,
        count(*) filter (where made > 0) as made_days,
        max(longest_call_s) as longest_call_s,
        min(dialled_one) as dialled_low,
        max(dialled_one) as dialled_high,
        count(*) filter (where dialled_one < 0) as days_of_several,
        sum(made) as ever_made,
        sum(answered) as ever_answered,
        sum(emergency) as emergency
    from used
    group by source, subject_kind, subject
)

select
    s.source,
    s.subject_kind,
    s.subject,
    coalesce(s.made, 0) as made,
    coalesce(s.offered, 0) as offered,
    coalesce(s.answered, 0) as answered,
    coalesce(s.missed, 0) as missed,
    coalesce(s.diverted, 0) as diverted,
    coalesce(s.voicemail, 0) as voicemail,
    coalesce(s.internal, 0) as internal,
    coalesce(s.external, 0) as external,
    coalesce(s.talk_in_s, 0) as talk_in_s,
    coalesce(s.talk_out_s, 0) as talk_out_s,
    s.used_on,
    s.used_days,
    s.first_used_on,
    coalesce(s.periods, 0) as periods,
    coalesce(
        case
            when w.source is null then s.dialled_low = s.dialled_high and s.dialled_low >= 0
            -- both ways may meet in the row of one day
            else w.dialled <= w.ways and s.days_of_several < w.ways
        end
        and s.made_days >= 3
        and coalesce(s.longest_call_s, 0) <= 300
        and s.ever_answered <= s.ever_made,
        false
    ) as is_hotline,
    s.emergency > 0 as ever_emergency
from summed s
left join in_ways w on s.source = w.source and s.subject_kind = w.subject_kind and s.subject = w.subject
