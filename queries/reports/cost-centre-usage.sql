-- title:  Cost-centre usage
-- asks:   What does each cost centre have, and how much of it does it use?
-- grain:  one row per cost centre of the list or the register
-- setting: as_of
-- setting: window_days
-- setting: min_covered_days
-- setting: low_use_per_week
-- setting: min_cease_days
-- setting: blind_after_legs
-- setting: max_unattributed_percent
-- column: cost_centre      text  -        code; (none) for extensions without one
-- column: name             text  -        its name; null where the list lacks it
-- column: directorate      text  -        the directorate it belongs to
-- column: extensions       int   count    registered extensions
-- column: unused           int   count    of them idle, unattended or diverted
-- column: protected        int   count    of them protected
-- column: unused_percent   float percent  unused, of the registered
-- column: made             int   legs     made with its numbers
-- column: offered          int   legs     its numbers asked for or rung
-- column: answered         int   legs     of those, answered
-- column: external         int   legs     of its numbers' legs, by a trunk
-- column: talk_minutes     float minutes  connected, in and out
with used as (
    select
        coalesce(cost_centre, '(none)') as cost_centre,
        count(*) as extensions,
        count(*) filter (where verdict in ('idle', 'unattended', 'diverted')) as unused,
        count(*) filter (where verdict = 'protected') as protected_lines,
        sum(number_made) as made,
        sum(number_offered) as offered,
        sum(number_answered) as answered,
        sum(number_external) as external,
        sum(talk_in_s + talk_out_s) as talk_s
    from verdicts
    group by coalesce(cost_centre, '(none)')
)

select
    coalesce(u.cost_centre, c.cost_centre) as cost_centre,
    c.name,
    c.directorate,
    coalesce(u.extensions, 0) as extensions,
    coalesce(u.unused, 0) as unused,
    coalesce(u.protected_lines, 0) as protected,
    round(1000 * cast(u.unused as double) / u.extensions) / 10 as unused_percent,
    coalesce(u.made, 0) as made,
    coalesce(u.offered, 0) as offered,
    coalesce(u.answered, 0) as answered,
    coalesce(u.external, 0) as external,
    round(10 * cast(coalesce(u.talk_s, 0) as double) / 60) / 10 as talk_minutes
from used u
full outer join cost_centres_in_force c on u.cost_centre = c.cost_centre
order by coalesce(u.cost_centre, c.cost_centre)
