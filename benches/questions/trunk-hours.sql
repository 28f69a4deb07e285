-- Calls and talk of each trunk in each hour of the day.
select coalesce(trunk_out, trunk_in) as trunk, local_minute - local_minute % 60 as from_minute, count(*) as n, sum(talk_s) as talked_s
from legs
where trunk_out is not null or trunk_in is not null
group by coalesce(trunk_out, trunk_in), local_minute - local_minute % 60
order by trunk, from_minute
