-- title:  Words that protect
-- asks:   Which lines does the register describe in words that name a lift, an alarm or another protected class?
-- grain:  one row per registered extension with such a word in location, notes, owner, model, reason or the name of its handset; the first class by name
-- setting: as_of
-- column: source     text  -  configured source
-- column: extension  text  -  extension
-- column: class      text  -  protected class the word stands for
-- column: word       text  -  the word found
with texts as (
    select
        source,
        extension,
        ' ' || regexp_replace(
            -- Lift2 and FireAlarm are two words each
            lower(regexp_replace(regexp_replace(
                coalesce(location, '') || ' ' || coalesce(notes, '') || ' ' || coalesce(owner, '') || ' ' || coalesce(device_model, '') || ' ' || coalesce(protected_reason, '') || ' ' || coalesce(device_name, ''),
                '([a-z])([A-Z])', '\1 \2', 'g'), '([A-Za-z])([0-9])', '\1 \2', 'g')),
            '[^a-z0-9]+', ' ', 'g'
        ) || ' ' as words
    from register
),

different as (
    -- a register says the same of many lines
    select distinct words
    from texts
),

found as (
    select d.words, min(p.class || '|' || p.word) as hit
    from different d
    join protection_words p on strpos(d.words, ' ' || p.word || ' ') > 0
    group by d.words
)

select t.source, t.extension, split_part(f.hit, '|', 1) as class, split_part(f.hit, '|', 2) as word
from texts t
join found f on t.words = f.words
