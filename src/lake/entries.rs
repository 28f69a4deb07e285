//! What the logs say: the entry of each data file, the files taken out, and whether a log is whole. Reads, changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use chrono::NaiveDate;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use super::{Lake, Table, batch_of, write};
use crate::error::{Error, Result};
use crate::normalise::days;

/// A data file as its log has it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub size: u64,
    pub rows: Option<u64>,
    /// First and last civil day of its rows.
    pub days: Option<(i32, i32)>,
    /// BLAKE3, as hex; none in lakes of old.
    pub hash: Option<String>,
}

impl Entry {
    /// Whether rows of these days may be in it.
    pub fn meets(&self, (first, last): (i32, i32)) -> bool {
        self.days.is_none_or(|(from, to)| from <= last && to >= first)
    }

    /// Whether it counts: not of a batch that is not finished.
    pub fn is_finished(&self, finished: i64) -> bool {
        batch_of(&self.name).is_none_or(|batch| batch <= finished)
    }
}

impl Lake {
    /// The data files of a table, in order of batch and name.
    pub(super) fn entries(&self, table: Table) -> Result<Vec<Entry>> {
        self.wait(async {
            let Some(delta) = self.table(table).await? else { return Ok(Vec::new()) };
            let state = delta.snapshot().map_err(|e| self.wrong(&e))?;
            let mut entries: Vec<Entry> = state.log_data().iter().map(|file| entry(&file)).collect();
            entries.iter().try_for_each(|entry| self.plain(table, &entry.name))?;
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(entries)
        })
    }

    /// Lets a name through that stands for a file of the table's folder. A log is read from where others may write: what it names
    /// must not lead a copy, or a question, anywhere else.
    pub(super) fn plain(&self, table: Table, name: &str) -> Result<()> {
        match is_plain(name) {
            true => Ok(()),
            false => Err(self.damaged(table, &format!("its commit log names what is no file of its folder: {name:?}"))),
        }
    }

    /// The Parquet files that lie in a table's folder, with their sizes.
    pub(super) fn kept_files(&self, table: Table) -> Result<BTreeMap<String, u64>> {
        let mut files = match &self.remote {
            Some(remote) => self.wait(remote.list(table, ""))?,
            None => {
                let folder = self.folder.join(table.name());
                let size = |name: &String| folder.join(name).metadata().map_or(0, |data| data.len());
                names(&folder)?.into_iter().map(|name| (name.clone(), size(&name))).collect()
            }
        };
        files.retain(|name, _| name.ends_with(".parquet"));
        Ok(files)
    }

    /// Reads the whole log of a table; where there is none, nothing is wrong with it.
    ///
    /// # Errors
    /// It cannot be listed.
    pub(super) fn log(&self, table: Table) -> Result<Log> {
        match &self.remote {
            Some(remote) => {
                let names = self.wait(remote.list(table, LOG))?.into_keys().collect();
                Ok(log(names, |name| self.wait(remote.read(table, LOG, name)).map_err(|error| error.to_string())))
            }
            None => {
                let folder = self.folder.join(table.name()).join(LOG);
                let read = |name: &str| {
                    let path = folder.join(name);
                    std::fs::read(&path).map(Bytes::from).map_err(|error| Error::io(&path)(error).to_string())
                };
                Ok(log(names(&folder)?, read))
            }
        }
    }
}

/// Folder of a table's log.
pub const LOG: &str = "_delta_log";

#[expect(deprecated, reason = "nothing else tells the tags of an entry")]
fn entry(file: &deltalake::kernel::LogicalFileView) -> Entry {
    let add = file.add_action();
    let stats: Value = add.stats.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let day = |bound: &str| stats[bound]["local_day"].as_str()?.parse::<NaiveDate>().ok().map(days);
    Entry {
        size: u64::try_from(add.size).unwrap_or_default(),
        rows: stats["numRecords"].as_u64(),
        days: day("minValues").zip(day("maxValues")),
        hash: add.tags.and_then(|mut tags| tags.remove(write::HASH)).flatten(),
        name: add.path,
    }
}

/// One component of a path, and nothing that a shell, a URL or a file system would take for more.
fn is_plain(name: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_usual)
}

/// A table's log as it lies there.
#[derive(Debug, Default)]
pub struct Log {
    /// File and what is wrong with it.
    pub faults: Vec<(String, String)>,
    /// Data files that the log has taken out, as far back as it is kept, and when: milliseconds since 1970.
    pub removed: HashMap<String, Option<i64>>,
}

/// The actions that a line of a log may be.
const ACTIONS: [&str; 8] = ["add", "remove", "metaData", "protocol", "txn", "commitInfo", "cdc", "domainMetadata"];

/// A log of files of these names.
fn log(names: Vec<String>, read: impl Fn(&str) -> Result<Bytes, String>) -> Log {
    let (mut log, mut versions, mut points) = (Log::default(), Vec::new(), Vec::new());
    for name in names {
        let version = name.get(..20).and_then(|digits| digits.parse::<u64>().ok());
        match (version, name.get(20..)) {
            (Some(version), Some(".json")) => versions.push(version),
            (Some(version), Some(end)) if end.starts_with(".checkpoint") => {
                points.push(version);
                if end.ends_with(".parquet")
                    && let Err(what) = read(&name).and_then(|bytes| taken_out(bytes, &mut log.removed))
                {
                    log.faults.push((name, format!("the checkpoint cannot be read: {what}")));
                }
            }
            _ => {}
        }
    }
    versions.sort_unstable();
    for pair in versions.windows(2) {
        log.faults.extend((pair[0] + 1..pair[1]).map(missing));
    }
    // The oldest entries may have been cleared away behind a checkpoint, and nothing but them.
    match versions.first() {
        Some(first) if *first > 0 && !points.iter().any(|point| point + 1 >= *first) => {
            log.faults.extend((0..*first).map(missing));
        }
        None if !points.is_empty() => log.faults.push((String::new(), "the log has no entries".into())),
        _ => {}
    }
    for version in versions {
        let name = format!("{version:020}.json");
        let text = read(&name).and_then(|bytes| {
            String::from_utf8(bytes.to_vec()).map_err(|_| format!("{name}: stream did not contain valid UTF-8"))
        });
        let lines = text.map(|text| parse(&text, &mut log.removed));
        match lines {
            Ok(Ok(())) => {}
            Ok(Err(what)) => log.faults.push((name, what)),
            Err(error) => log.faults.push((name, format!("cannot be read: {error}"))),
        }
    }
    log
}

fn missing(version: u64) -> (String, String) {
    (format!("{version:020}.json"), "the entry is missing from the log".into())
}

/// The removes of one entry of a log.
fn parse(text: &str, removed: &mut HashMap<String, Option<i64>>) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("the entry of the log is empty".into());
    }
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let action: Value =
            serde_json::from_str(line).map_err(|_| format!("line {} of the log does not parse", i + 1))?;
        let known = action.as_object().is_some_and(|o| o.keys().all(|key| ACTIONS.contains(&key.as_str())));
        if !known {
            return Err(format!("line {} of the log is no action that we know", i + 1));
        }
        let remove = &action["remove"];
        removed.extend(remove["path"].as_str().map(|path| (path.to_string(), remove["deletionTimestamp"].as_i64())));
    }
    Ok(())
}

/// The removes of a checkpoint.
fn taken_out(bytes: Bytes, removed: &mut HashMap<String, Option<i64>>) -> Result<(), String> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|e| e.to_string())?;
    let columns = ["add.path", "remove.path", "remove.deletionTimestamp"];
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
    for rows in builder.with_projection(mask).build().map_err(|e| e.to_string())? {
        let rows = rows.map_err(|e| e.to_string())?;
        let Some(removes) = rows.column_by_name("remove").and_then(|c| c.as_struct_opt()) else { continue };
        let moments = removes.column_by_name("deletionTimestamp").and_then(|c| c.as_primitive_opt::<Int64Type>());
        if let Some(paths) = removes.column_by_name("path").and_then(|c| c.as_string_opt::<i32>()) {
            let moment = |row| moments.and_then(|moments| moments.is_valid(row).then(|| moments.value(row)));
            let paths = paths.iter().enumerate();
            removed.extend(paths.filter_map(|(row, path)| Some((path?.to_string(), moment(row)))));
        }
    }
    Ok(())
}

/// Names in a folder; none where there is no folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(folder)(error)),
    };
    let names = entries.map(|entry| Ok(entry.map_err(Error::io(folder))?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_component_of_a_path() {
        for ours in
            ["b00000007-v00000002-001-w000012.parquet", "d2024-03-31-v00000001.parquet", "part-0_1.snappy.parquet"]
        {
            assert!(is_plain(ours), "{ours}");
        }
        for other in [
            "",
            ".",
            "..",
            ".reading",
            "../../../../evil.txt",
            "day=1/b00000001.parquet",
            "/etc/passwd",
            "s3://calls/x.parquet",
            "..%2F..%2Fevil.txt",
            "..\\evil.txt",
            "b1.parquet\n",
            "b1.parquet?x",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }
}
