-- The fifty longest calls, with who and where.
select talk_s, local_day, local_minute, direction, caller, callee, caller_device, callee_device, input_id, record_no
from legs
order by talk_s desc, local_day, local_minute, input_id, record_no
limit 50
