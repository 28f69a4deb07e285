//! The nightly runs, as the lake remembers them: a row when one begins and one when it ends, so that a run that was killed has
//! left its beginning. Judges no run.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};

use super::{Lake, Table, Written, draft, write};
use crate::error::Result;
use crate::ledger::Ledger;

/// A nightly run. What only its end can tell is none before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    pub run_id: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub exit_code: Option<u8>,
    /// How many things need a person, and which, in one paragraph.
    pub needs: Option<usize>,
    pub summary: Option<String>,
    /// Sources whose records were late; none where the run did not come so far.
    pub late: Option<Vec<String>>,
    /// Files: new, seen before, failed.
    pub inputs: Option<[u64; 3]>,
    pub records: Option<Ledger>,
    /// Milliseconds that the steps took.
    pub waited_ms: Option<u64>,
    pub ingest_ms: Option<u64>,
    pub register_ms: Option<u64>,
    pub answers_ms: Option<u64>,
    pub outputs_ms: Option<u64>,
    pub lake_version: Option<u64>,
    pub batch: Option<i64>,
}

impl Lake {
    /// Puts down how far a run is. Lasts when it returns. Only for who holds the lake for writing.
    ///
    /// # Errors
    /// The lake does not take it.
    pub fn put_down(&self, run: &Run) -> Result<()> {
        let rows = row(run).map_err(|e| draft::damaged(&self.folder, &e))?;
        self.wait(async {
            let delta = self.table_or_new(Table::Runs).await?;
            let day = run.started_at.date_naive();
            let name = self.file_name(format!("n{day}-v{:08}", delta.version().unwrap_or(0)));
            let folder = self.folder.join(Table::Runs.name());
            let written = write::parquet(&folder, &name, &Table::Runs.schema(), &[rows])?;
            self.store.note(&folder);
            self.settle()?;
            self.commit(Table::Runs, &delta, written.map(Written::add).into_iter().collect(), None).await?;
            self.settle()
        })
    }

    /// When the last run ended that needed nobody; none where there was none.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn last_good_run(&self) -> Result<Option<DateTime<Utc>>> {
        let mut last = None;
        let files = self.files(Table::Runs, self.finished_batch()?)?;
        self.fetch(&files)?;
        for path in &files.paths {
            draft::each(path, Some(&["ended_at", "exit_code"]), None, |rows| {
                let (Some(ended), Some(code)) = (rows.column_by_name("ended_at"), rows.column_by_name("exit_code"))
                else {
                    return Ok(());
                };
                let ended = ended.as_primitive::<TimestampMicrosecondType>();
                let good = code.as_primitive::<Int64Type>().iter().zip(ended).filter(|(code, _)| *code == Some(0));
                last = good.filter_map(|(_, ended)| ended).chain(last).max();
                Ok(())
            })?;
        }
        Ok(last.and_then(DateTime::from_timestamp_micros))
    }
}

/// One row of `runs`.
fn row(run: &Run) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |value: Option<&str>| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let number = |value: Option<u64>| -> ArrayRef {
        Arc::new(Int64Array::from(vec![value.map(|n| i64::try_from(n).unwrap_or(i64::MAX))]))
    };
    let moment = |value: Option<DateTime<Utc>>| -> ArrayRef {
        let micros = vec![value.map(|at| at.timestamp_micros())];
        Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"))
    };
    let input = |place: usize| number(run.inputs.map(|inputs| inputs[place]));
    let record = |of: fn(&Ledger) -> u64| number(run.records.as_ref().map(of));
    let late = run.late.as_ref().map(|sources| sources.join(", "));
    let columns = vec![
        text(Some(&run.run_id)),
        moment(Some(run.started_at)),
        moment(run.ended_at),
        number(run.exit_code.map(u64::from)),
        number(run.needs.map(|needs| needs as u64)),
        text(run.summary.as_deref()),
        text(late.as_deref().filter(|late| !late.is_empty())),
        input(0),
        input(1),
        input(2),
        record(|of| of.read),
        record(|of| of.kept),
        record(|of| of.repeated),
        record(|of| of.skipped),
        record(|of| of.rejected),
        number(run.waited_ms),
        number(run.ingest_ms),
        number(run.register_ms),
        number(run.answers_ms),
        number(run.outputs_ms),
        number(run.lake_version),
        number(run.batch.and_then(|batch| u64::try_from(batch).ok())),
        text(Some(env!("CARGO_PKG_VERSION"))),
    ];
    RecordBatch::try_new(Table::Runs.schema(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::Access;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_709_288_100 + seconds, 0).unwrap()
    }

    #[test]
    fn the_last_good_run_is_the_last_that_ended_with_nothing_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::open(&dir.path().join("lake"), Access::Write).unwrap();
        assert_eq!(lake.last_good_run().unwrap(), None, "a lake without the table");
        let mut run = Run { run_id: "one".into(), started_at: at(0), ..Run::default() };
        lake.put_down(&run).unwrap();
        assert_eq!(lake.last_good_run().unwrap(), None, "one that has only begun");
        for (ended, code) in [(60, 0), (900, 1), (1800, 2)] {
            run = Run { ended_at: Some(at(ended)), exit_code: Some(code), ..run };
            lake.put_down(&run).unwrap();
            assert_eq!(lake.last_good_run().unwrap(), Some(at(60)), "exit code {code}");
        }
        drop(lake);
        let lake = Lake::open(&dir.path().join("lake"), Access::Read).unwrap();
        assert_eq!(lake.last_good_run().unwrap(), Some(at(60)));
        assert_eq!(lake.files(Table::Runs, 0).unwrap().paths.len(), 4);
    }
}
