-- All calls of one extension, the last three hundred.
select local_day, local_minute, direction, outcome, caller, callee, ring_s, talk_s, input_id, record_no
from legs
where caller_ext = '204711' or callee_ext = '204711'
order by local_day desc, local_minute desc, input_id, record_no
limit 300
