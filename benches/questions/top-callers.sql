-- The twenty extensions that talked longest on calls they made.
select caller_ext, count(*) as n, sum(talk_s) as talked_s
from legs
where caller_ext is not null
group by caller_ext
order by talked_s desc, caller_ext
limit 20
