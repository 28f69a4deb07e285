-- How many handsets made a call on each day of one week: what is idle is the rest.
select local_day, count(distinct caller_device) as handsets
from legs
where local_day between date '2024-01-02' and date '2024-01-08' and caller_device is not null
group by local_day
order by local_day
