-- title:  Verdicts
-- asks:   What does the evidence say of each registered extension, and what should become of it?
-- grain:  one row per registered extension
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source             text  -          configured source
-- column: extension          text  -          extension
-- column: verdict            text  -          protected, insufficient_evidence, idle, unattended, diverted, low_use, in_use
-- column: action             text  -          cease, teams_ddi, fixed, remove_handset, keep, review
-- column: policy_action      text  -          what the policy alone would do
-- column: is_guarded         bool  -          the policy would take the phone away, and something forbids it: then the action is review
-- column: guard              text  -          what forbids it: protected, emergency, short_evidence, last_phone
-- column: decided_by         text  -          who decided on this line by name; the action is then theirs
-- column: decided_on         date  -          when
-- column: number_verdict     text  -          verdict of the number, wherever it was used
-- column: device_verdict     text  -          verdict of the handset, whatever number was used on it
-- column: user_verdict       text  -          verdict of the person, on any handset
-- column: reason             text  -          what the verdict stands on
-- column: would_change       text  -          what would make it another one
-- column: blind_spots        text  -          what the records of its source cannot show
-- column: platform           text  -          format of the source
-- column: ddi                text  -          its direct-dial number
-- column: device_name        text  -          handset in the register
-- column: device_model       text  -          make and model
-- column: device_kind        text  -          kind of device
-- column: use                text  -          what it is for
-- column: site               text  -          site code
-- column: location           text  -          where on the site
-- column: cost_centre        text  -          who pays
-- column: owner              text  -          who answers for it
-- column: user_id            text  -          login of its person
-- column: installed_on       date  -          when it was put there; nothing before that day counts
-- column: counted_by         text  -          what handset use was read from: device, user, number (the platform or the register names neither), none (virtual)
-- column: covered_days       int   days       days of the window, from installed_on, on which the source would have shown a call
-- column: silence_days       int   days       of those, days whose silence proves that the handset was not used
-- column: demand_days        int   days       of those, days whose silence proves that nobody asked for it
-- column: handset_uses       int   legs       legs the handset made or answered
-- column: uses_per_week      float per_week   handset uses a covered week; null without a covered day
-- column: demand             int   legs       times the number was asked for or its handset rung, and calls made with the number elsewhere
-- column: met_elsewhere      int   legs       of those, diverted, taken by voicemail, answered or made on another device
-- column: calls              int   legs       legs that the number or its handset took part in
-- column: last_used_on       date  -          last day of handset use, also before the window
-- column: silent_days        int   days       of the silence_days, those since then
-- column: group_calls        int   legs       calls to its groups that could have hidden that it answered
-- column: rate_bound_per_week            float per_week  95 % upper bound on the true rate given the silence: -ln 0.05 / silent_days
-- column: chance_if_monthly_percent      float percent   chance that a phone used once a month would have been silent as long
-- column: chance_if_quarterly_percent    float percent   chance that a phone used once a quarter would have been silent as long
-- column: ever_emergency     bool  -          its number, handset or person ever called an emergency service, in the window or not
-- column: is_protected       bool  -          never to be removed on traffic alone
-- column: protection         text  -          why
-- column: number_made        int   legs       made with the number
-- column: number_offered     int   legs       number asked for or rung: answered + missed + diverted + voicemail
-- column: number_answered    int   legs       answered
-- column: number_missed      int   legs       rung and met by nobody
-- column: number_diverted    int   legs       met at another number
-- column: number_voicemail   int   legs       ended in voicemail
-- column: number_internal    int   legs       of its legs, within the platform
-- column: number_external    int   legs       of its legs, by a trunk
-- column: device_made        int   legs       made on the handset, with any number
-- column: device_offered     int   legs       handset rung
-- column: device_answered    int   legs       answered on the handset, hunt calls too
-- column: user_made          int   legs       made by the person, on any device
-- column: user_answered      int   legs       answered by the person, on any device
-- column: talk_in_s          int   seconds    connected on calls taken, where handset use is counted
-- column: talk_out_s         int   seconds    connected on calls made, where handset use is counted
with rules as (
    -- two rows of the policy that contradict each other decide nothing
    select "use", verdict, case when count(distinct action) > 1 then 'review' else min(action) end as action
    from policy
    group by "use", verdict
),

fallback as (
    select max(action) as action
    from rules
    where "use" = '*' and verdict = '*'
),

ruled as (
    -- the most specific row of the policy: both, then the use, then the verdict, then neither
    select
        j.*,
        coalesce(exact.action, of_use.action, of_verdict.action, fallback.action, 'review') as policy_action,
        d.action as decided_action,
        d.decided_by,
        d.decided_on
    from judgements j
    left join rules exact on j."use" = exact."use" and j.verdict = exact.verdict
    left join (select * from rules where verdict = '*') of_use on j."use" = of_use."use"
    left join (select * from rules where "use" = '*') of_verdict on j.verdict = of_verdict.verdict
    -- a decision was about what stood there then, and not about what came later
    left join decisions_in_force d
        on j.source = d.source
        and j.extension = d.extension
        and d.decided_on >= coalesce(j.installed_on, d.decided_on)
    cross join fallback
),

guarded as (
    -- what no policy and no threshold may do
    select
        r.*,
        case
            when r.is_protected and r.policy_action in ('cease', 'remove_handset', 'teams_ddi') then 'protected'
            when r.ever_emergency and r.policy_action in ('cease', 'remove_handset') then 'emergency'
            when r.verdict in ('idle', 'unattended', 'diverted')
                and r.policy_action in ('cease', 'remove_handset')
                and case r.verdict when 'idle' then r.demand_days else r.silence_days end < s.min_cease_days then 'short_evidence'
        end as line_guard
    from ruled r
    cross join settings s
),

settled as (
    select
        g.*,
        coalesce(g.decided_action, case when g.line_guard is null then g.policy_action else 'review' end) as line_action
    from guarded g
),

placed as (
    -- of a site at which no phone would be left, the one used last stays until somebody decides
    select
        t.*,
        count(case when is_phone and line_action in ('keep', 'fixed', 'review') then 1 end) over (partition by site) as phones_left,
        row_number() over (
            partition by site, is_phone and decided_action is null
            order by last_used_on desc nulls last, source, extension
        ) as place
    from settled t
),

stood as (
    select
        p.*,
        is_phone and decided_action is null and phones_left = 0 and place = 1 as is_last
    from placed p
),

spots as (
    select source, string_agg(spot, ' ' order by spot) as blind_spots
    from blind_spots
    group by source
)

select
    t.source,
    t.extension,
    t.verdict,
    case when t.is_last then 'review' else t.line_action end as action,
    t.policy_action,
    t.decided_action is null and (t.line_guard is not null or t.is_last) as is_guarded,
    case
        when t.decided_action is not null then null
        when t.line_guard is not null then t.line_guard
        when t.is_last then 'last_phone'
    end as guard,
    t.decided_by,
    t.decided_on,
    t.number_verdict,
    t.device_verdict,
    t.user_verdict,
    t.reason,
    t.would_change,
    b.blind_spots,
    t.platform,
    t.ddi,
    t.device_name,
    t.device_model,
    t.device_kind,
    t."use",
    t.site,
    t.location,
    t.cost_centre,
    t.owner,
    t.user_id,
    t.installed_on,
    t.counted_by,
    t.covered_days,
    t.silence_days,
    t.demand_days,
    t.handset_uses,
    t.uses_per_week,
    t.demand,
    t.met_elsewhere,
    t.calls,
    t.last_used_on,
    t.silent_days,
    t.group_calls,
    t.rate_bound_per_week,
    t.chance_if_monthly_percent,
    t.chance_if_quarterly_percent,
    t.ever_emergency,
    t.is_protected,
    t.protection,
    t.number_made,
    t.number_offered,
    t.number_answered,
    t.number_missed,
    t.number_diverted,
    t.number_voicemail,
    t.number_internal,
    t.number_external,
    t.device_made,
    t.device_offered,
    t.device_answered,
    t.user_made,
    t.user_answered,
    t.talk_in_s,
    t.talk_out_s
from stood t
left join spots b on t.source = b.source
