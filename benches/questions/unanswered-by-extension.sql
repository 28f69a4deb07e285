-- The hundred extensions that were called five times or more and answered least.
select callee_ext, count(*) as n, sum(case when outcome <> 'answered' then 1 else 0 end) as unanswered,
    cast(sum(case when outcome <> 'answered' then 1 else 0 end) as double) / cast(count(*) as double) as share
from legs
where callee_ext is not null and direction in ('inbound', 'internal')
group by callee_ext
having count(*) >= 5
order by share desc, n desc, callee_ext
limit 100
