-- title:  Usage bands
-- asks:   How many extensions carry many calls, some, few or none, by site, platform and use? For sizing what replaces them: calls made and calls offered count, also unanswered ones.
-- grain:  one row per site, platform, use and band that has an extension
-- param:  light    float  = 1.0   calls a covered week, at most, of a light user
-- param:  regular  float  = 10.0  calls a covered week, at most, of a regular user; above is heavy
-- setting: as_of
-- setting: window_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: site            text  -         site code; (none) where the register has none
-- column: site_name       text  -         its name
-- column: platform        text  -         format of the source
-- column: use             text  -         what the extensions are for
-- column: band            text  -         none, light, regular, heavy, unknown (no covered day)
-- column: extensions      int   count     registered extensions in the band
-- column: calls           int   legs      legs they took part in
-- column: calls_per_week  float per_week  calls a covered week, all of them together
-- column: talk_s          int   seconds   connected on them, in and out
with banded as (
    select
        coalesce(f.site, '(none)') as site,
        s.name as site_name,
        f.platform,
        f."use",
        f.calls,
        7 * cast(f.calls as double) / nullif(f.covered_days, 0) as calls_per_week,
        f.talk_in_s + f.talk_out_s as talk_s,
        case
            when f.covered_days = 0 then 'unknown'
            when f.calls = 0 then 'none'
            when 7 * cast(f.calls as double) <= $light * f.covered_days then 'light'
            when 7 * cast(f.calls as double) <= $regular * f.covered_days then 'regular'
            else 'heavy'
        end as band
    from extension_facts f
    left join sites_in_force s on f.site = s.site
)

select
    site,
    site_name,
    platform,
    "use",
    band,
    count(*) as extensions,
    sum(calls) as calls,
    -- summed exactly, so that the last digit does not hang on the order of rows
    round(100 * cast(sum(cast(calls_per_week as decimal(18, 6))) as double)) / 100 as calls_per_week,
    sum(talk_s) as talk_s
from banded
group by site, site_name, platform, "use", band
order by
    site,
    platform,
    "use",
    case band when 'heavy' then 1 when 'regular' then 2 when 'light' then 3 when 'none' then 4 else 5 end
