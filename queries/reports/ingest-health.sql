-- title:  Ingest health
-- asks:   What was read from each source, what became of every record, and why were some refused?
-- grain:  one row per source and format, over all files ever seen
-- param:  source  text  = ''  only this source; '' for all
-- column: source              text       -        configured source
-- column: format              text       -        format of the files
-- column: files               int        count    files read
-- column: read                int        records  lines read: kept + repeated + skipped + rejected
-- column: kept                int        records  in legs
-- column: repeated            int        records  already there
-- column: skipped             int        records  no call by design: headers, blank lines, media records
-- column: rejected            int        records  should have been a call
-- column: unbalanced          int        records  read that are none of these; anything but 0 is a fault
-- column: rejected_percent    float      percent  rejected, of the read
-- column: not_text            int        records  rejected: not text
-- column: wrong_shape         int        records  rejected: fields do not fit the header or layout
-- column: bad_number          int        records  rejected: a number that is none
-- column: bad_time            int        records  rejected: no date or an impossible one
-- column: missing             int        records  rejected: a field without which the record means nothing
-- column: unknown_kind        int        records  rejected: a record type the format does not define
-- column: conflict            int        records  rejected: the vendor's id is there with other content
-- column: other_reasons       int        records  rejected for any other reason
-- column: first_started_at    timestamp  -        first call, UTC
-- column: last_started_at     timestamp  -        last call, UTC
with files as (
    select
        source,
        format,
        count(*) as files,
        sum(read) as read,
        sum(kept) as kept,
        sum(repeated) as repeated,
        sum(skipped) as skipped,
        sum(rejected) as rejected,
        min(first_started_at) as first_started_at,
        max(last_started_at) as last_started_at
    from inputs
    where $source = '' or source = $source
    group by source, format
),

reasons as (
    select
        i.source,
        i.format,
        count(*) as all_reasons,
        count(*) filter (where r.reason = 'not_text') as not_text,
        count(*) filter (where r.reason = 'wrong_shape') as wrong_shape,
        count(*) filter (where r.reason = 'bad_number') as bad_number,
        count(*) filter (where r.reason = 'bad_time') as bad_time,
        count(*) filter (where r.reason = 'missing') as missing,
        count(*) filter (where r.reason = 'unknown_kind') as unknown_kind,
        count(*) filter (where r.reason = 'conflict') as conflict
    from rejects r
    join inputs i on r.input_id = i.input_id
    group by i.source, i.format
)

select
    f.source,
    f.format,
    f.files,
    f.read,
    f.kept,
    f.repeated,
    f.skipped,
    f.rejected,
    f.read - f.kept - f.repeated - f.skipped - f.rejected as unbalanced,
    round(10000 * cast(f.rejected as double) / nullif(f.read, 0)) / 100 as rejected_percent,
    coalesce(r.not_text, 0) as not_text,
    coalesce(r.wrong_shape, 0) as wrong_shape,
    coalesce(r.bad_number, 0) as bad_number,
    coalesce(r.bad_time, 0) as bad_time,
    coalesce(r.missing, 0) as missing,
    coalesce(r.unknown_kind, 0) as unknown_kind,
    coalesce(r.conflict, 0) as conflict,
    coalesce(r.all_reasons - r.not_text - r.wrong_shape - r.bad_number - r.bad_time - r.missing - r.unknown_kind
        - r.conflict, 0) as other_reasons,
    f.first_started_at,
    f.last_started_at
from files f
left join reasons r on f.source = r.source and f.format = r.format
order by f.source, f.format
