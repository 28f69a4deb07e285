-- title:  Kinds of day
-- asks:   Which days of the window, and of the weeks before it, are alike?
-- grain:  one row per day of the calendar
-- column: day   date  -  civil day
-- column: kind  int   -  1 for Monday to 7 for Sunday; bank holidays of England and Wales are Sundays, and so are Christmas, Boxing and New Year's Day where the holiday is given on another day
select
    day,
    case
        when bank_holiday is not null then 7
        when extract(month from day) = 12 and extract(day from day) in (25, 26) then 7
        when extract(month from day) = 1 and extract(day from day) = 1 then 7
        else isodow
    end as kind
from calendar
