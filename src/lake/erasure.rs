//! One person's number: which rows hold it, and the files that do written anew without it. Rows stay, so that ledgers and
//! counts balance; what is derived from them is worked out again, as far as its calls are kept. Each table is one commit, and a
//! run that is cut short is completed by the same run again. What tells the number is not decided here.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use serde::Serialize;

use super::draft::{self, Draft};
use super::{Files, Lake, Report, Table, Written, batch_of, write};
use crate::error::Result;
use crate::privacy::Sought;

/// The tables that are written anew, the roll-ups last: they are worked out again besides, but not for days whose calls are gone.
/// What else may hold a number is the register's or a file's name.
const ERASED: [Table; 5] = [Table::Rejects, Table::Quality, Table::Legs, Table::Usage, Table::Traffic];

/// Rows of one table and source that hold the number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    pub table: &'static str,
    /// Blank for what belongs to none.
    pub source: String,
    pub rows: u64,
    pub files: Vec<String>,
    /// First and last civil day, where the table has days.
    pub first_day: Option<String>,
    pub last_day: Option<String>,
    /// Whether erasure takes it out.
    pub is_erasable: bool,
}

/// Which rows of a file hold the number.
struct Look<'l> {
    sought: &'l Sought,
    table: Table,
    sources: &'l HashMap<i64, String>,
    /// What texts were found to be, by source.
    known: HashMap<String, HashMap<String, bool>>,
}

impl Lake {
    /// All rows of finished batches and of the register that hold the number.
    ///
    /// # Errors
    /// A data file cannot be read.
    pub fn held(&self, sought: &Sought) -> Result<Vec<Held>> {
        let (_, tables) = self.whole()?;
        let sources = self.sources(&tables)?;
        let mut held: Vec<Held> = Vec::new();
        for files in &tables {
            let table = files.table;
            self.fetch(files)?;
            for path in &files.paths {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let mut look = Look { sought, table, sources: &sources, known: HashMap::new() };
                draft::each(path, None, None, |rows| {
                    for row in look.hits(rows) {
                        let source = look.source(rows, row);
                        let there = |held: &Held| held.table == table.name() && held.source == source;
                        let at = held.iter().position(there).unwrap_or_else(|| {
                            let (source, is_erasable) = (source.to_string(), ERASED.contains(&table));
                            held.push(Held { table: table.name(), source, is_erasable, ..Held::default() });
                            held.len() - 1
                        });
                        held[at].see(&name, day(rows, row));
                    }
                    Ok(())
                })?;
            }
        }
        Ok(held)
    }

    /// Leaves of the number where it is, in every row that holds it, and works out again what is derived; the files that
    /// held it wait for [`Lake::vacuum`]. The report is of the whole lake as it is then.
    ///
    /// # Errors
    /// A file cannot be read or written; the same run again completes what was begun.
    pub fn erase(&self, sought: &Sought) -> Result<Report> {
        let (_, tables) = self.whole()?;
        let sources = self.sources(&tables)?;
        for table in ERASED {
            let version = self.wait(async { Ok(self.table(table).await?.and_then(|delta| delta.version())) })?;
            let (entries, mut out, mut written) = (self.entries(table)?, Vec::new(), Vec::new());
            for entry in &entries {
                let mut look = Look { sought, table, sources: &sources, known: HashMap::new() };
                let batch = batch_of(&entry.name).unwrap_or_default();
                let stem = format!("b{batch:08}-v{:08}-e{:04}", version.unwrap_or_default(), out.len());
                if let Some(anew) = look.rewritten(&self.at_hand(table, entry)?, self.file_name(stem))? {
                    out.push(entry.name.as_str());
                    written.extend(anew);
                }
            }
            if !out.is_empty() {
                self.put_in_place(table, &out, written, true)?;
            }
        }
        let report = self.verify_and_repair()?;
        // Before any file is deleted, what takes its place must last.
        self.settle()?;
        Ok(report)
    }

    /// The source of each input.
    fn sources(&self, tables: &[Files]) -> Result<HashMap<i64, String>> {
        let mut sources = HashMap::new();
        for files in tables.iter().filter(|files| files.table == Table::Inputs) {
            self.fetch(files)?;
            for path in &files.paths {
                draft::each(path, Some(&["input_id", "source"]), None, |rows| {
                    let ids = rows.column_by_name("input_id").map(|c| c.as_primitive::<Int64Type>().values().iter());
                    let names = rows.column_by_name("source").map(|c| c.as_string::<i32>().iter());
                    let pairs = ids.into_iter().flatten().zip(names.into_iter().flatten());
                    sources.extend(pairs.map(|(id, name)| (*id, name.unwrap_or_default().to_string())));
                    Ok(())
                })?;
            }
        }
        Ok(sources)
    }
}

impl Held {
    fn see(&mut self, file: &str, day: Option<i32>) {
        self.rows += 1;
        if self.files.last().is_none_or(|last| last != file) {
            self.files.push(file.to_string());
        }
        // Dates are written so that the lesser text is the earlier.
        let day = day.map(write::date);
        self.first_day = self.first_day.take().into_iter().chain(day.clone()).min();
        self.last_day = self.last_day.take().max(day);
    }
}

impl Look<'_> {
    /// The rows that hold the number, in order.
    fn hits(&mut self, rows: &RecordBatch) -> Vec<usize> {
        let mut hits = vec![false; rows.num_rows()];
        for at in columns(rows) {
            let Some(texts) = rows.column(at).as_string_opt::<i32>() else { continue };
            let is_ours = ours(rows, at);
            for (row, text) in texts.iter().enumerate() {
                if let Some(text) = text
                    && !hits[row]
                    && !is_ours(row)
                {
                    hits[row] = self.is_in(rows, row, text);
                }
            }
        }
        hits.iter().enumerate().filter(|(_, hit)| **hit).map(|(row, _)| row).collect()
    }

    fn is_in(&mut self, rows: &RecordBatch, row: usize, text: &str) -> bool {
        let source = self.source(rows, row);
        if self.table == Table::Rejects {
            return self.sought.is_in_line(source, text);
        }
        if !self.known.contains_key(source) {
            self.known.insert(source.to_string(), HashMap::new());
        }
        let Some(known) = self.known.get_mut(source) else { return false };
        match known.get(text) {
            Some(found) => *found,
            None => {
                let found = self.sought.is_in(source, text);
                known.insert(text.to_string(), found);
                found
            }
        }
    }

    fn source<'r>(&self, rows: &'r RecordBatch, row: usize) -> &'r str
    where
        Self: 'r,
    {
        let own = rows.column_by_name("source").and_then(|c| c.as_string_opt::<i32>()).filter(|c| c.is_valid(row));
        let input = || {
            let input = rows.column_by_name("input_id")?.as_primitive_opt::<Int64Type>()?.value(row);
            self.sources.get(&input).map(String::as_str)
        };
        own.map(|c| c.value(row)).or_else(input).unwrap_or_default()
    }

    /// The file without the number, as another file; none where it does not hold it.
    fn rewritten(&mut self, path: &Path, name: String) -> Result<Option<Option<Written>>> {
        let mut holds = false;
        draft::each(path, None, None, |rows| {
            holds = holds || !self.hits(rows).is_empty();
            Ok(())
        })?;
        if !holds {
            return Ok(None);
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut draft = Draft::create(folder, name, &self.table.schema())?;
        draft::each(path, None, None, |rows| draft.write(&self.without(rows).map_err(|e| draft::damaged(path, &e))?))?;
        draft.finish().map(Some)
    }

    fn without(&mut self, rows: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
        if self.hits(rows).is_empty() {
            return Ok(rows.clone());
        }
        let mut anew: Vec<ArrayRef> = rows.columns().to_vec();
        for at in columns(rows) {
            let Some(texts) = rows.column(at).as_string_opt::<i32>() else { continue };
            let is_ours = ours(rows, at);
            let left = texts.iter().enumerate().map(|(row, text)| {
                let text = text?;
                Some(match !is_ours(row) && self.is_in(rows, row, text) {
                    true if self.table == Table::Rejects => crate::privacy::Mask::line(text),
                    true => self.sought.erased(self.source(rows, row), text),
                    false => text.to_string(),
                })
            });
            anew[at] = Arc::new(left.collect::<StringArray>());
        }
        RecordBatch::try_new(rows.schema(), anew)
    }
}

/// Columns of text that may hold an outside number; extensions are ours, whatever they look like.
fn columns(rows: &RecordBatch) -> impl Iterator<Item = usize> {
    let schema = rows.schema();
    let is_text = |at: &usize| {
        let (name, kind) = (schema.field(*at).name().as_str(), schema.field(*at).data_type());
        let is_other = ["source", "platform", "content_hash", "extension"].contains(&name) || name.ends_with("_ext");
        *kind == DataType::Utf8 && !is_other
    };
    (0..rows.num_columns()).filter(is_text).collect::<Vec<_>>().into_iter()
}

/// In which rows the text of a column is known to be a number of ours: that of a party with an extension, and of a day's
/// use by number.
fn ours(rows: &RecordBatch, at: usize) -> impl Fn(usize) -> bool + use<> {
    let schema = rows.schema();
    let name = schema.field(at).name();
    let extensions = rows.column_by_name(&format!("{name}_ext")).cloned();
    let kinds = rows.column_by_name("subject_kind").filter(|_| name == "subject").cloned();
    move |row| {
        let kind = kinds.as_ref().and_then(|kinds| kinds.as_string_opt::<i32>()).map(|kinds| kinds.value(row));
        kind == Some("number") || extensions.as_ref().is_some_and(|extensions| extensions.is_valid(row))
    }
}

fn day(rows: &RecordBatch, row: usize) -> Option<i32> {
    let days = rows.column_by_name("local_day")?.as_primitive_opt::<Date32Type>()?;
    days.is_valid(row).then(|| days.value(row))
}
