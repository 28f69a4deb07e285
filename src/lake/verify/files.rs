//! Each data file against its entry in the log: size, content, rows, columns; and whether it can be decoded to its end.

use std::collections::HashMap;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, SchemaRef};
use rayon::prelude::*;

use super::super::draft;
use super::super::entries::Entry;
use super::super::{Lake, Table, write};
use super::{Finding, Kind, Picture, Report};

/// Rows of each input, by table.
pub type Counts = HashMap<Table, HashMap<i64, u64>>;

pub struct Checked {
    pub counts: Counts,
    /// Files of the roll-ups that something is wrong with.
    pub damaged: Vec<(Table, String)>,
}

/// Tables whose rows carry the number of their input.
const COUNTED: [Table; 3] = [Table::Legs, Table::Quality, Table::Rejects];

pub fn check(lake: &Lake, picture: &Picture, report: &mut Report) -> Checked {
    let all = picture.tables.iter().flat_map(|t| t.entries.iter().map(|entry| (t.table, entry)));
    let all: Vec<(Table, &Entry)> = all.collect();
    let looked: Vec<_> = all.par_iter().map(|(table, entry)| proved(lake, picture, *table, entry)).collect();
    let mut checked = Checked { counts: Counts::new(), damaged: Vec::new() };
    for ((table, entry), (rows, looked)) in all.into_iter().zip(looked) {
        report.files += 1;
        report.bytes += entry.size;
        report.rows += rows;
        let is_derived = matches!(table, Table::Usage | Table::Traffic);
        let kind = if is_derived { Kind::Derived } else { Kind::Damaged };
        match looked {
            Ok(counts) => {
                let sums = checked.counts.entry(table).or_default();
                counts.into_iter().for_each(|(input, rows)| *sums.entry(input).or_default() += rows);
            }
            Err(what) => {
                report.findings.push(Finding { table: table.name(), file: entry.name.clone(), what, kind });
                checked.damaged.extend(is_derived.then(|| (table, entry.name.clone())));
            }
        }
        let is_old = picture.kept_from.zip(entry.days).is_some_and(|(kept_from, (first, _))| first < kept_from);
        if is_old && !picture.is_removing && COUNTED.contains(&table) {
            let day = write::date(picture.kept_from.unwrap_or_default());
            let what = format!("calls before {day} are there, though those were removed for good");
            report.findings.push(Finding { table: table.name(), file: entry.name.clone(), what, kind });
        }
    }
    checked
}

/// As [`look`], of the file as it is kept: in an object store it is fetched anew, whatever copy there is.
fn proved(lake: &Lake, picture: &Picture, table: Table, entry: &Entry) -> (u64, Result<HashMap<i64, u64>, String>) {
    if lake.remote.is_none() {
        return look(&lake.path(table, &entry.name), table, entry);
    }
    let kept = picture.tables.iter().find(|there| there.table == table).and_then(|there| there.kept.get(&entry.name));
    let looked = match kept {
        // What was put there since is not in the picture.
        None if !picture.is_written_to => (0, Err("the file is missing".into())),
        Some(size) if *size != entry.size => (0, Err(format!("it has {size} bytes, the log says {}", entry.size))),
        _ => match lake.fetch_anew(table, entry) {
            Ok(path) => look(&path, table, entry),
            Err(error) => (0, Err(format!("the file cannot be fetched: {error}"))),
        },
    };
    if looked.1.is_err() {
        lake.drop_copy(table, &entry.name);
    }
    looked
}

/// Rows decoded; and rows of each input, or what is wrong. What does not look like what was written is not decoded.
fn look(path: &Path, table: Table, entry: &Entry) -> (u64, Result<HashMap<i64, u64>, String>) {
    let mut faults = Vec::new();
    let size = match path.metadata() {
        Ok(there) => there.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (0, Err("the file is missing".into())),
        Err(error) => return (0, Err(format!("the file cannot be looked at: {error}"))),
    };
    if size != entry.size {
        faults.push(format!("it has {size} bytes, the log says {}", entry.size));
    } else if let Some(hash) = &entry.hash {
        match write::hash(path) {
            Ok(there) if there == *hash => {}
            Ok(_) => faults.push("its bytes are not those that were written".into()),
            Err(_) => faults.push("it cannot be read to its end".into()),
        }
    }
    let builder = match draft::open(path) {
        Ok(builder) => builder,
        Err(_) => {
            faults.push("it is no Parquet file".into());
            return (0, Err(faults.join("; ")));
        }
    };
    let rows = builder.metadata().file_metadata().num_rows();
    if entry.rows.is_some_and(|said| i64::try_from(said) != Ok(rows)) {
        faults.push(format!("it has {rows} rows, the log says {}", entry.rows.unwrap_or_default()));
    }
    faults.extend(columns(builder.schema(), &table.schema()));
    if !faults.is_empty() {
        return (0, Err(faults.join("; ")));
    }
    let (mut decoded, mut counts) = (0, HashMap::new());
    let took = draft::each(path, None, None, |rows| {
        decoded += rows.num_rows() as u64;
        if COUNTED.contains(&table)
            && let Some(inputs) = rows.column_by_name("input_id")
        {
            count(inputs.as_primitive::<Int64Type>().values(), &mut counts);
        }
        Ok(())
    });
    match took {
        Ok(()) if i64::try_from(decoded) == Ok(rows) => (decoded, Ok(counts)),
        Ok(()) => (decoded, Err(format!("{decoded} rows can be decoded, its footer says {rows}"))),
        Err(_) => (decoded, Err(format!("it cannot be decoded behind row {decoded}"))),
    }
}

/// Rows of an input stand together: one look-up for all of them.
fn count(inputs: &[i64], counts: &mut HashMap<i64, u64>) {
    for run in inputs.chunk_by(|a, b| a == b) {
        if let Some(input) = run.first() {
            *counts.entry(*input).or_default() += run.len() as u64;
        }
    }
}

fn columns(there: &SchemaRef, expected: &SchemaRef) -> Option<String> {
    let missing = expected
        .fields()
        .iter()
        .find(|field| there.field_with_name(field.name()).map_or(true, |there| there.data_type() != field.data_type()));
    missing.map(|field| format!("its column {} is missing or of another type", field.name()))
}
