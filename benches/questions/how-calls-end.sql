-- How calls ended, by way, outcome, the platform's cause, why they moved on, and what part of a call the record is.
select direction, outcome, cause, redirect_reason, part, count(*) as n, sum(ring_s) as rang_s
from legs
group by direction, outcome, cause, redirect_reason, part
order by direction, outcome, cause, redirect_reason, part
