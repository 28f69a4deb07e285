-- title:  Run history
-- asks:   How did the nightly runs go, and what did they need a person for?
-- grain:  one row per nightly run, the latest first; a run that did not get hold of the lake has none
-- param:  last  int  = 30  only the latest so many
-- column: run_id           text       -        the run, as its log lines name it
-- column: started_at       timestamp  -        when it began, UTC
-- column: ended_at         timestamp  -        when it ended, UTC; null where it did not say
-- column: outcome          text       -        good, needs_a_person, could_not_finish; cut_short: it was killed; running: the latest, which has not ended, or was killed
-- column: exit_code        int        -        of the process; null where it did not end
-- column: needs            int        count    things that needed a person
-- column: late             text       -        sources whose records were late
-- column: inputs_new       int        count    files read
-- column: inputs_repeated  int        count    files that were known
-- column: inputs_failed    int        count    files that could not be read
-- column: read             int        records  lines read: kept + repeated + skipped + rejected
-- column: kept             int        records  in legs
-- column: repeated         int        records  already there
-- column: skipped          int        records  no call by design
-- column: rejected         int        records  should have been a call
-- column: waited_s         float      seconds  waited for late files
-- column: ingest_s         float      seconds  reading files
-- column: register_s       float      seconds  loading the register
-- column: answers_s        float      seconds  working out what the reports stand on
-- column: outputs_s        float      seconds  working out the case and writing the outputs
-- column: lake_version     int        -        version of the lake after it
-- column: batch            int        -        last batch after it
-- column: onhook           text       -        version of onhook
-- column: summary          text       -        what it asked of a person
with ends as (
    select run_id
    from runs
    where ended_at is not null
),

-- An end says all that its beginning did.
nights as (
    select r.*, row_number() over (order by r.started_at desc, r.run_id desc) as nth
    from runs r
    left join ends e on r.run_id = e.run_id
    where r.ended_at is not null or e.run_id is null
)

select
    run_id,
    started_at,
    ended_at,
    case
        when exit_code = 0 then 'good'
        when exit_code = 1 then 'needs_a_person'
        when exit_code is not null then 'could_not_finish'
        when nth = 1 then 'running'
        else 'cut_short'
    end as outcome,
    exit_code,
    needs,
    late,
    inputs_new,
    inputs_repeated,
    inputs_failed,
    read,
    kept,
    repeated,
    skipped,
    rejected,
    round(cast(waited_ms as double) / 100) / 10 as waited_s,
    round(cast(ingest_ms as double) / 100) / 10 as ingest_s,
    round(cast(register_ms as double) / 100) / 10 as register_s,
    round(cast(answers_ms as double) / 100) / 10 as answers_s,
    round(cast(outputs_ms as double) / 100) / 10 as outputs_s,
    lake_version,
    batch,
    onhook,
    summary
from nights
where nth <= $last
order by nth
