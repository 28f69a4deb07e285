//! Retention: calls before a day go for good. What is to go is written down in `removals` first; a run that is cut short
//! behind that is completed by the next writer. `usage`, `traffic` and `inputs` stay: they name nobody outside, but for a handset
//! or a trunk that is called after a number (`lake/erasure.rs`).

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use deltalake::kernel::Transaction;
use serde::Serialize;

use super::draft::{self, Draft};
use super::entries::Entry;
use super::{Lake, Table, Written, batch_of, write};
use crate::error::Result;

/// Delta application ids on `removals`: the day before which calls are to go, and before which they have gone.
const BEGUN: &str = "onhook-removal";
const DONE: &str = "onhook-removal-done";
/// The tables that rows are removed from, `legs` last.
const TABLES: [Table; 3] = [Table::Rejects, Table::Quality, Table::Legs];

/// Rows that a removal takes, by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    pub legs: u64,
    pub quality: u64,
    pub rejects: u64,
}

impl Lake {
    /// The first day whose calls are kept, as days since 1970: what is older was removed for good. None where nothing was.
    ///
    /// # Errors
    /// The log of `removals` cannot be read.
    pub fn kept_from(&self) -> Result<Option<i32>> {
        self.removal_day(BEGUN)
    }

    /// Whether a removal was begun that is not done.
    pub(super) fn is_removing(&self) -> Result<bool> {
        Ok(self.removal_day(BEGUN)? > self.removal_day(DONE)?)
    }

    /// Last civil day with calls; none in an empty lake.
    ///
    /// # Errors
    /// The log of `legs` cannot be read.
    pub fn last_day(&self) -> Result<Option<i32>> {
        let finished = self.finished_batch()?;
        let entries = self.entries(Table::Legs)?;
        Ok(entries.iter().filter(|e| e.is_finished(finished)).filter_map(|e| Some(e.days?.1)).max())
    }

    /// Removes the calls before a day from `legs`, `quality` and `rejects`; their files wait for [`Lake::vacuum`].
    ///
    /// # Errors
    /// A file cannot be read or written; the next writer completes what was begun.
    pub fn remove_before(&self, day: i32, now: DateTime<Utc>) -> Result<Removed> {
        let removed = self.begin_removal(day, now)?;
        self.complete_removal()?;
        Ok(removed)
    }

    /// Writes down what is to go, and takes nothing yet: from here on the next writer completes it.
    ///
    /// # Errors
    /// As [`Lake::remove_before`].
    pub fn begin_removal(&self, day: i32, now: DateTime<Utc>) -> Result<Removed> {
        let mut removed = Removed::default();
        if self.kept_from()? >= Some(day) {
            return Ok(removed);
        }
        let mut counts: BTreeMap<(&str, i64), i64> = BTreeMap::new();
        let old = self.old_inputs(day)?;
        for table in TABLES {
            for entry in self.entries(table)?.iter().filter(|entry| may_hold(table, entry, day)) {
                let path = self.at_hand(table, entry)?;
                draft::each(&path, Some(columns(table)), None, |rows| {
                    let inputs = rows.column_by_name("input_id").map(|c| c.as_primitive::<Int64Type>());
                    let goes = goes(rows, day, &old);
                    for (input, _) in inputs.into_iter().flatten().zip(goes).filter(|(_, goes)| *goes) {
                        *counts.entry((table.name(), input.unwrap_or_default())).or_default() += 1;
                    }
                    Ok(())
                })?;
            }
        }
        for ((table, _), rows) in &counts {
            let rows = *rows as u64;
            match *table {
                "legs" => removed.legs += rows,
                "quality" => removed.quality += rows,
                _ => removed.rejects += rows,
            }
        }
        let rows = told(&counts, day, now).map_err(|e| draft::damaged(&self.folder, &e))?;
        self.wait(async {
            let delta = self.table_or_new(Table::Removals).await?;
            let day_word = write::date(day);
            let name = self.file_name(format!("r{day_word}-v{:08}", delta.version().unwrap_or(0)));
            let folder = self.folder.join(Table::Removals.name());
            let written = write::parquet(&folder, &name, &Table::Removals.schema(), &[rows])?;
            let begun = Transaction::new(BEGUN, i64::from(day));
            let written = written.map(Written::add).into_iter().collect();
            self.commit(Table::Removals, &delta, written, Some(begun)).await
        })?;
        Ok(removed)
    }

    /// Takes what a removal that was begun has not taken yet.
    ///
    /// # Errors
    /// As [`Lake::remove_before`].
    pub(super) fn complete_removal(&self) -> Result<()> {
        let Some(day) = self.kept_from()?.filter(|day| self.removal_day(DONE).is_ok_and(|done| done < Some(*day)))
        else {
            return Ok(());
        };
        let old = self.old_inputs(day)?;
        for table in TABLES {
            let entries = self.entries(table)?;
            let folder = self.folder.join(table.name());
            let version = self.wait(async { Ok(self.table(table).await?.and_then(|delta| delta.version())) })?;
            let (mut out, mut written) = (Vec::new(), Vec::new());
            for entry in entries.iter().filter(|entry| may_hold(table, entry, day)) {
                let batch = batch_of(&entry.name).unwrap_or_default();
                let stem = format!("b{batch:08}-v{:08}-k{:04}", version.unwrap_or_default(), out.len());
                let from = self.at_hand(table, entry)?;
                if let Some(kept) = rewritten(&folder, &from, self.file_name(stem), table, day, &old)? {
                    out.push(entry.name.as_str());
                    written.extend(kept);
                }
            }
            if !out.is_empty() {
                self.put_in_place(table, &out, written, true)?;
            }
        }
        self.wait(async {
            let delta = self.table_or_new(Table::Removals).await?;
            self.commit(Table::Removals, &delta, Vec::new(), Some(Transaction::new(DONE, i64::from(day)))).await
        })
    }

    /// The inputs whose rejects are to go: all their calls began before the day. Where none of their lines was a call, the
    /// file's own moment counts, or that of its reading.
    fn old_inputs(&self, day: i32) -> Result<HashSet<i64>> {
        let mut old = HashSet::new();
        let before = i64::from(day) * 86_400_000_000;
        let columns = ["input_id", "last_started_at", "named_at", "ingested_at"];
        let files = self.files(Table::Inputs, self.finished_batch()?)?;
        self.fetch(&files)?;
        for path in files.paths {
            draft::each(&path, Some(&columns), None, |rows| {
                let moments = |name| rows.column_by_name(name).map(|c| c.as_primitive::<TimestampMicrosecondType>());
                let moments: Vec<_> = columns[1..].iter().filter_map(|name| moments(name)).collect();
                let Some(ids) = rows.column_by_name("input_id").map(|c| c.as_primitive::<Int64Type>()) else {
                    return Ok(());
                };
                old.extend(ids.values().iter().enumerate().filter_map(|(row, id)| {
                    let moment = moments.iter().find(|column| column.is_valid(row))?.value(row);
                    (moment < before).then_some(*id)
                }));
                Ok(())
            })?;
        }
        Ok(old)
    }

    fn removal_day(&self, application: &str) -> Result<Option<i32>> {
        self.wait(async {
            let Some(delta) = self.table(Table::Removals).await? else { return Ok(None) };
            let state = delta.snapshot().map_err(|e| self.wrong(&e))?;
            let version = state.transaction_version(delta.log_store().as_ref(), application).await;
            Ok(version.map_err(|e| self.wrong(&e))?.and_then(|day| i32::try_from(day).ok()))
        })
    }
}

/// Whether a file may hold rows that go, by what its log says of it.
fn may_hold(table: Table, entry: &Entry, day: i32) -> bool {
    table == Table::Rejects || entry.days.is_none_or(|(first, _)| first < day)
}

/// The columns that tell whether a row goes.
fn columns(table: Table) -> &'static [&'static str] {
    if table == Table::Rejects { &["input_id"] } else { &["input_id", "local_day"] }
}

/// Which rows go: by their day; rejects, which have none, with their input.
fn goes(rows: &RecordBatch, day: i32, old: &HashSet<i64>) -> Vec<bool> {
    if let Some(days) = rows.column_by_name("local_day") {
        return days.as_primitive::<Date32Type>().values().iter().map(|d| *d < day).collect();
    }
    let inputs = rows.column_by_name("input_id").map(|c| c.as_primitive::<Int64Type>());
    inputs.map(|ids| ids.values().iter().map(|id| old.contains(id)).collect()).unwrap_or_default()
}

/// A file without the rows that go, as another file; none where nothing goes, no other file where everything does.
fn rewritten(
    folder: &Path,
    path: &Path,
    name: String,
    table: Table,
    day: i32,
    old: &HashSet<i64>,
) -> Result<Option<Option<Written>>> {
    let mut gone = 0;
    draft::each(path, Some(columns(table)), None, |rows| {
        gone += goes(rows, day, old).into_iter().filter(|goes| *goes).count();
        Ok(())
    })?;
    if gone == 0 {
        return Ok(None);
    }
    let mut draft = Draft::create(folder, name, &table.schema())?;
    draft::each(path, None, None, |rows| {
        let stays: BooleanArray = goes(rows, day, old).into_iter().map(|goes| Some(!goes)).collect();
        draft.write(&filter_record_batch(rows, &stays).map_err(|e| draft::damaged(path, &e))?)
    })?;
    draft.finish().map(Some)
}

/// Rows of `removals`.
fn told(
    counts: &BTreeMap<(&str, i64), i64>,
    day: i32,
    now: DateTime<Utc>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let number = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from_value(now.timestamp_micros(), counts.len()).with_timezone("UTC")),
        Arc::new(Date32Array::from_value(day, counts.len())),
        number(counts.keys().map(|(_, input)| *input).collect()),
        Arc::new(StringArray::from_iter_values(counts.keys().map(|(table, _)| table))),
        number(counts.values().copied().collect()),
    ];
    RecordBatch::try_new(Table::Removals.schema(), columns)
}
