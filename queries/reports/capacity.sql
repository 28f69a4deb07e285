-- title:  Capacity of the target
-- asks:   Do the licences of the fixed platform, its range of direct numbers and the seats of Teams suffice for what the verdicts send there?
-- grain:  three rows: fixed-platform licences, direct numbers of the fixed platform, Teams users
-- param:  fixed_licences  int    = 5000   licences of the fixed platform
-- param:  ddi_range       int    = 5000   numbers in its range
-- param:  teams_users     int    = 15000  users with a direct number in Teams, at most
-- param:  fixed_platform  text   = ''     sources or formats that are the fixed platform already, with commas between; their lines are not counted
-- param:  ddi_uses        text   = ''     uses whose fixed lines need a direct number even where they have none today, with commas between; * for all
-- param:  margin_percent  float  = 10.0   so much more than the need there must be
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: what              text   -        what there is so much of
-- column: capacity          int    count    how many there are
-- column: need              int    count    lines whose action asks for one: fixed and keep for licences and numbers; teams_ddi for Teams, where the lines of one login are one user
-- column: undecided         int    count    more of them there would be if every line with action review came too; such a line counts in each row that it could fall to
-- column: need_at_most      int    count    need and undecided
-- column: headroom          int    count    capacity, less need
-- column: headroom_percent  float  percent  of the capacity
-- column: fits              bool   -        the need and the margin on it are within the capacity
-- column: fits_at_most      bool   -        so are they with all that is undecided
with lines as (
    -- of the platforms that are to be emptied
    select
        v.action,
        v.ddi is not null
            or $ddi_uses = '*'
            or strpos(',' || replace($ddi_uses, ' ', '') || ',', ',' || v."use" || ',') > 0 as needs_number,
        v.user_id
    from verdicts v
    where strpos(',' || replace($fixed_platform, ' ', '') || ',', ',' || v.source || ',') = 0
        and strpos(',' || replace($fixed_platform, ' ', '') || ',', ',' || coalesce(v.platform, '') || ',') = 0
),

counts as (
    select
        count(*) filter (where action in ('fixed', 'keep')) as fixed,
        count(*) filter (where action in ('fixed', 'keep', 'review')) as fixed_at_most,
        count(*) filter (where action in ('fixed', 'keep') and needs_number) as numbered,
        count(*) filter (where action in ('fixed', 'keep', 'review') and needs_number) as numbered_at_most,
        count(distinct case when action = 'teams_ddi' then user_id end)
            + count(*) filter (where action = 'teams_ddi' and user_id is null) as users,
        count(distinct case when action in ('teams_ddi', 'review') then user_id end)
            + count(*) filter (where action in ('teams_ddi', 'review') and user_id is null) as users_at_most
    from lines
),

needs as (
    select
        r.place,
        case r.place when 1 then 'fixed-platform licences' when 2 then 'direct numbers' else 'Teams users' end as what,
        case r.place when 1 then $fixed_licences when 2 then $ddi_range else $teams_users end as capacity,
        case r.place when 1 then c.fixed when 2 then c.numbered else c.users end as need,
        case r.place when 1 then c.fixed_at_most when 2 then c.numbered_at_most else c.users_at_most end as need_at_most
    from counts c
    cross join (select 1 as place union all select 2 union all select 3) r
)

select
    what,
    capacity,
    need,
    need_at_most - need as undecided,
    need_at_most,
    capacity - need as headroom,
    round(1000 * cast(capacity - need as double) / nullif(capacity, 0)) / 10 as headroom_percent,
    need * (1 + $margin_percent / 100) <= capacity as fits,
    need_at_most * (1 + $margin_percent / 100) <= capacity as fits_at_most
from needs
order by place
