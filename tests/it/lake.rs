//! The lake looked after: each planted damage is named and what is derived mended; merging and deleting change no answer.
//!
//! - `damage`: a dozen corruptions of a real lake
//! - `care`: compaction, vacuum, retention, and what erasure does behind it
//! - `log`: logs that are long, damaged, or not tidied up

#[path = "lake/care.rs"]
mod care;
#[path = "lake/damage.rs"]
mod damage;
#[path = "lake/log.rs"]
mod log;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::workdir::Workdir;

/// The hand-made estate in two batches, one a platform.
fn small() -> Workdir {
    let work = Workdir::small();
    work.good(&["ingest", "--source", "hq-cucm"]);
    work.good(&["ingest", "--source", "north-mitel"]);
    work.good(&["estate", "load"]);
    work
}

/// All files below a folder with their bytes.
fn bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(bytes(&path));
        } else {
            all.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    all
}

/// The data files on the disk of a table, in order of name.
fn files(work: &Workdir, table: &str) -> Vec<PathBuf> {
    let folder = work.join("lake").join(table).read_dir().unwrap();
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "parquet"));
    files.sort();
    files
}

fn rows(path: &Path) -> RecordBatch {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn put(path: &Path, rows: &RecordBatch) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

/// Changes the rows of a table's first file, and the log with it: as if they had been written so.
fn forge(work: &Workdir, table: &str, change: impl Fn(RecordBatch) -> RecordBatch) -> String {
    let path = files(work, table).remove(0);
    let changed = change(rows(&path));
    put(&path, &changed);
    let name = path.file_name().unwrap().to_str().unwrap().to_string();
    let written = std::fs::read(&path).unwrap();
    let mut forged = 0;
    for entry in work.join("lake").join(table).join("_delta_log").read_dir().unwrap() {
        let log = entry.unwrap().path();
        let lines = std::fs::read_to_string(&log).unwrap();
        let lines = lines.lines().map(|line| {
            let mut action: Value = serde_json::from_str(line).unwrap();
            if action["add"]["path"].as_str() == Some(name.as_str()) {
                let mut stats: Value = serde_json::from_str(action["add"]["stats"].as_str().unwrap()).unwrap();
                stats["numRecords"] = changed.num_rows().into();
                action["add"]["stats"] = stats.to_string().into();
                action["add"]["size"] = written.len().into();
                action["add"]["tags"]["onhook.blake3"] = blake3::hash(&written).to_hex().to_string().into();
                forged += 1;
            }
            format!("{action}\n")
        });
        let text: String = lines.collect();
        std::fs::write(&log, text).unwrap();
    }
    assert_eq!(forged, 1, "{table}: {name} stands once in the log");
    name
}

/// A whole number's column with other values.
fn with(rows: &RecordBatch, column: &str, value: impl Fn(usize, i64) -> i64) -> RecordBatch {
    let at = rows.schema().index_of(column).unwrap();
    let before = rows.column(at).as_primitive::<Int64Type>();
    let after = Int64Array::from_iter_values(before.values().iter().enumerate().map(|(row, n)| value(row, *n)));
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns[at] = Arc::new(after);
    RecordBatch::try_new(rows.schema(), columns).unwrap()
}

/// The roll-ups, a row each, but for the batch that wrote it.
fn roll_ups(work: &Workdir) -> [Vec<String>; 2] {
    ["usage", "traffic"].map(|table| {
        let mut rows = work.sql(&format!("select * except (batch) from {table}"));
        rows.sort();
        assert!(rows.len() > 20, "{table}");
        rows
    })
}
