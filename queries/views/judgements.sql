-- title:  Judgements
-- asks:   What does the evidence prove of each registered extension, of its number, its handset and its person, and why?
-- grain:  one row per registered extension: all columns of extension_facts and these
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: source          text  -  configured source
-- column: extension       text  -  extension
-- column: verdict         text  -  protected, insufficient_evidence, idle, unattended, diverted, low_use, in_use
-- column: number_verdict  text  -  the same of the number, wherever it was used; never protected
-- column: device_verdict  text  -  the same of the handset, whatever number was used on it; null where the platform names no handsets
-- column: user_verdict    text  -  the same of the person, on any handset; null where the platform names nobody
-- column: reason          text  -  what the verdict stands on
-- column: would_change    text  -  what would make it another one
with weighed as (
    select
        f.*,
        s.min_covered_days,
        s.low_use_per_week,
        f.covered_days < s.min_covered_days as is_short,
        -- no day proves nothing, whatever is asked for
        f.silence_days < greatest(s.min_covered_days, 1) as is_mute,
        f.demand_days < greatest(s.min_covered_days, 1) as is_deaf,
        f.group_calls > 0 and f.counted_by <> 'device' as is_hidden,
        f.number_made + f.number_answered as number_uses,
        f.device_made + f.device_answered as device_uses,
        f.user_made + f.user_answered as user_uses,
        s.low_use_per_week * f.covered_days / 7 as low_uses
    from extension_facts f
    cross join settings s
),

judged as (
    -- use proves itself; silence has to be proven. The first line that fits decides
    select
        w.*,
        case
            when is_protected then 'protected'
            when handset_uses > low_uses then 'in_use'
            when is_short then 'insufficient_evidence'
            when handset_uses > 0 then 'low_use'
            when is_mute or is_hidden then 'insufficient_evidence'
            when demand > 0 and met_elsewhere = 0 then 'unattended'
            when demand > 0 then 'diverted'
            when is_deaf then 'insufficient_evidence'
            when group_calls > 0 then 'unattended'
            else 'idle'
        end as verdict,
        case
            when number_uses > low_uses then 'in_use'
            when is_short then 'insufficient_evidence'
            when number_uses > 0 then 'low_use'
            when is_mute or is_hidden then 'insufficient_evidence'
            when number_offered > 0 and number_diverted + number_voicemail = 0 then 'unattended'
            when number_offered > 0 then 'diverted'
            when is_deaf then 'insufficient_evidence'
            when group_calls > 0 then 'unattended'
            else 'idle'
        end as number_verdict,
        case
            when counted_by <> 'device' then null
            when device_uses > low_uses then 'in_use'
            when is_short then 'insufficient_evidence'
            when device_uses > 0 then 'low_use'
            when is_mute then 'insufficient_evidence'
            when device_offered > 0 then 'unattended'
            when is_deaf then 'insufficient_evidence'
            else 'idle'
        end as device_verdict,
        case
            when not names_users or user_id is null then null
            when user_uses > low_uses then 'in_use'
            when is_short then 'insufficient_evidence'
            when user_uses > 0 then 'low_use'
            when is_mute then 'insufficient_evidence'
            when user_offered > 0 then 'unattended'
            when is_deaf then 'insufficient_evidence'
            else 'idle'
        end as user_verdict
    from weighed w
)

select
    j.*,
    case
        when verdict = 'protected' then protection
        when verdict = 'in_use' then cast(handset_uses as varchar) || case when handset_uses = 1 then ' use on ' else ' uses on ' end || cast(covered_days as varchar) || ' covered days'
        when is_short then cast(covered_days as varchar) || ' covered days, ' || cast(min_covered_days as varchar) || ' are needed'
        when verdict = 'low_use' then cast(handset_uses as varchar) || case when handset_uses = 1 then ' use on ' else ' uses on ' end || cast(covered_days as varchar) || ' covered days'
        when is_mute then 'no use seen, but silence proves it on ' || cast(silence_days as varchar) || ' days only, ' || cast(min_covered_days as varchar) || ' are needed: calls within the platform are not on record, or records name nobody'
        when is_hidden then 'no use seen, but its groups had ' || cast(group_calls as varchar) || ' calls and the platform does not name the handset that answers'
        when verdict = 'unattended' and demand = 0 then 'no use on ' || cast(silent_days as varchar) || ' days; its groups had ' || cast(group_calls as varchar) || ' calls and it answered none'
        when verdict = 'unattended' then 'no use on ' || cast(silent_days as varchar) || ' days; asked for ' || cast(demand as varchar) || ' times and met by nobody'
        when verdict = 'diverted' then 'no use on ' || cast(silent_days as varchar) || ' days; of ' || cast(demand as varchar) || ' calls ' || cast(met_elsewhere as varchar) || ' met elsewhere'
        when verdict = 'insufficient_evidence' then 'no use and no demand seen, but unanswered calls are on record on ' || cast(demand_days as varchar) || ' days only, ' || cast(min_covered_days as varchar) || ' are needed'
        else 'no use and no demand on ' || cast(silent_days as varchar) || ' days that would have shown both'
    end as reason,
    case
        when verdict = 'protected' then 'a decision in decisions.csv, by name, with date and reason'
        when is_short and verdict <> 'in_use' then cast(min_covered_days - covered_days as varchar) || ' more covered days'
        when verdict = 'in_use' then 'fewer than ' || cast(cast(floor(low_uses) as int) + 1 as varchar) || ' uses in as many covered days'
        when verdict = 'low_use' then 'more than ' || cast(cast(floor(low_uses) as int) as varchar) || ' uses in as many covered days, or none'
        when is_mute then 'calls within the platform on record, and ' || cast(min_covered_days - silence_days as varchar) || ' more days of them'
        when is_hidden then 'records that name the member who answered, or one use'
        when verdict = 'insufficient_evidence' then 'unanswered calls on record, and ' || cast(min_covered_days - demand_days as varchar) || ' more days of them'
        when verdict = 'idle' then 'one use, one call to its number, or a mark in the register'
        else 'one use'
    end as would_change
from judged j
