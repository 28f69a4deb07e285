-- The twenty hours in which most calls began.
select local_day, local_minute - local_minute % 60 as from_minute, count(*) as n
from legs
group by local_day, local_minute - local_minute % 60
order by n desc, local_day, from_minute
limit 20
