-- How many calls went which way on each day, and how long they talked.
select local_day, direction, count(*) as n, sum(talk_s) as talked_s
from legs
group by local_day, direction
order by local_day, direction
limit 400
