-- title:  Numbers to port
-- asks:   Which direct-dial numbers of the platforms to be switched off must go on working elsewhere, and where?
-- grain:  one row per direct-dial number of an extension on those platforms that is not to cease
-- param:  legacy  text  = 'cisco-cucm mitel-smdr'  platforms to be switched off, parted by blanks
-- param:  source  text  = ''  only this source; '' for all
-- param:  site    text  = ''  only this site; '' for all
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: ddi             text  -     direct-dial number, E.164
-- column: block           text  -     the hundred numbers it belongs to, as a carrier supplies them
-- column: target          text  -     teams: a person's number in Teams; fixed: a fixed line of the platform that stays; undecided: in review, or its handset goes and nobody said where the number lives on
-- column: source          text  -     configured source it leaves
-- column: extension       text  -     extension it leaves
-- column: platform        text  -     format of the source
-- column: use             text  -     what it is for
-- column: user_id         text  -     login of its person; a number for Teams without one cannot be given to anybody
-- column: site            text  -     site code
-- column: cost_centre     text  -     who pays
-- column: owner           text  -     who answers for it
-- column: verdict         text  -     on what evidence
-- column: last_used_on    date  -     last day of handset use
-- column: demand          int   legs  times the number was asked for or its handset rung
-- column: ever_emergency  bool  -     ever called an emergency service: its address must be right on the day
-- column: protection      text  -     why it is protected; the move of such a line is a specialist's job
select
    ddi,
    left(ddi, length(ddi) - 2) || 'xx' as block,
    case
        when action = 'teams_ddi' then 'teams'
        when action in ('fixed', 'keep') then 'fixed'
        else 'undecided'
    end as target,
    source,
    extension,
    platform,
    "use",
    user_id,
    site,
    cost_centre,
    owner,
    verdict,
    last_used_on,
    demand,
    ever_emergency,
    protection
from verdicts
where action <> 'cease'
    and ddi is not null
    and strpos(' ' || $legacy || ' ', ' ' || platform || ' ') > 0
    and ($source = '' or source = $source)
    and ($site = '' or site = $site)
order by ddi
