-- How many different outside numbers there were, by class and which way they were called.
select number_class, direction, count(*) as n, count(distinct case when direction = 'inbound' then caller else callee end) as numbers
from legs
where number_class is not null
group by number_class, direction
order by number_class, direction
