-- title:  Verdicts
-- asks:   What does the evidence say of each registered extension, and what should become of it?
-- grain:  one row per registered extension
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- column: source             text  -          configured source
-- column: extension          text  -          extension
-- column: verdict            text  -          protected, insufficient_evidence, idle, unattended, diverted, low_use, in_use
-- column: action             text  -          cease, teams_ddi, fixed, remove_handset, keep, review
-- column: policy_action      text  -          what the policy alone would do
-- column: is_guarded         bool  -          the policy would take the phone away; protection or an emergency call turns that into review
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
-- column: counted_by         text  -          what handset use was read from: device, number (the platform or the register names no device), none (virtual)
-- column: covered_days       int   days       days of the window, from installed_on, on which the source has records
-- column: handset_uses       int   legs       legs the handset made or answered
-- column: uses_per_week      float per_week   handset uses a covered week; null without a covered day
-- column: demand             int   legs       times the number was asked for or its handset rung, and calls made with the number elsewhere
-- column: met_elsewhere      int   legs       of those, diverted, taken by voicemail, answered or made on another device
-- column: calls              int   legs       legs that the number or its handset took part in
-- column: last_used_on       date  -          last day of handset use, also before the window
-- column: silent_days        int   days       covered days since then
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
with judged as (
    -- the first line that fits decides
    select
        f.*,
        case
            when f.is_protected then 'protected'
            when f.covered_days < s.min_covered_days then 'insufficient_evidence'
            when f.handset_uses = 0 and f.demand = 0 then 'idle'
            when f.handset_uses = 0 and f.met_elsewhere = 0 then 'unattended'
            when f.handset_uses = 0 then 'diverted'
            when 7 * cast(f.handset_uses as double) <= s.low_use_per_week * f.covered_days then 'low_use'
            else 'in_use'
        end as verdict
    from extension_facts f
    cross join settings s
),

rules as (
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
        coalesce(exact.action, of_use.action, of_verdict.action, fallback.action, 'review') as policy_action
    from judged j
    left join rules exact on j."use" = exact."use" and j.verdict = exact.verdict
    left join (select * from rules where verdict = '*') of_use on j."use" = of_use."use"
    left join (select * from rules where "use" = '*') of_verdict on j.verdict = of_verdict.verdict
    cross join fallback
),

guarded as (
    select
        r.*,
        policy_action in ('cease', 'remove_handset') and (is_protected or ever_emergency) as is_guarded
    from ruled r
)

select
    g.source,
    g.extension,
    g.verdict,
    case when g.is_guarded then 'review' else g.policy_action end as action,
    g.policy_action,
    g.is_guarded,
    g.platform,
    g.ddi,
    g.device_name,
    g.device_model,
    g.device_kind,
    g."use",
    g.site,
    g.location,
    g.cost_centre,
    g.owner,
    g.user_id,
    g.installed_on,
    g.counted_by,
    g.covered_days,
    g.handset_uses,
    g.uses_per_week,
    g.demand,
    g.met_elsewhere,
    g.calls,
    g.last_used_on,
    g.silent_days,
    g.rate_bound_per_week,
    g.chance_if_monthly_percent,
    g.chance_if_quarterly_percent,
    g.ever_emergency,
    g.is_protected,
    g.protection,
    g.number_made,
    g.number_offered,
    g.number_answered,
    g.number_missed,
    g.number_diverted,
    g.number_voicemail,
    g.number_internal,
    g.number_external,
    g.device_made,
    g.device_offered,
    g.device_answered,
    g.user_made,
    g.user_answered,
    g.talk_in_s,
    g.talk_out_s
from guarded g
