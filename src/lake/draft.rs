//! A data file that grows batch by batch, and reading one back by days: what merges and rewrites files in a bounded
//! memory. Commits nothing.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use serde_json::Value;

use super::{Written, write};
use crate::error::{Error, Result};

/// Rows that are in memory at once.
const BATCH_ROWS: usize = 8192;

/// A file in the making. Dropped unfinished, it is taken off the disk.
pub struct Draft {
    path: PathBuf,
    name: String,
    schema: SchemaRef,
    writer: Option<ArrowWriter<File>>,
    stats: Option<Value>,
}

impl Draft {
    pub fn create(folder: &Path, name: String, schema: &SchemaRef) -> Result<Self> {
        let path = folder.join(&name);
        let file = File::create(&path).map_err(Error::io(&path))?;
        let properties = write::properties().map_err(write::failed(&path))?;
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(write::failed(&path))?;
        Ok(Self { path, name, schema: schema.clone(), writer: Some(writer), stats: None })
    }

    pub fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let stats = write::stats(&self.schema, std::slice::from_ref(rows));
        self.stats = Some(match self.stats.take() {
            Some(before) => both(before, &stats),
            None => stats,
        });
        self.writer.iter_mut().try_for_each(|writer| writer.write(rows)).map_err(write::failed(&self.path))
    }

    /// The file, on the disk for good; none where it got no rows.
    pub fn finish(mut self) -> Result<Option<Written>> {
        let Some(stats) = self.stats.take() else { return Ok(None) };
        let Some(writer) = self.writer.take() else { return Ok(None) };
        let finished = writer.into_inner().map_err(write::failed(&self.path)).and_then(|file| {
            file.sync_all().map_err(Error::io(&self.path))?;
            let size = file.metadata().map_err(Error::io(&self.path))?.len() as i64;
            let hash = write::hash(&self.path)?;
            Ok(Written { name: self.name.clone(), size, stats: stats.to_string(), hash })
        });
        if finished.is_err() {
            // Nothing names it; that it stays behind is no harm.
            let _ = std::fs::remove_file(&self.path);
        }
        finished.map(Some)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The statistics of two lots of rows together. Dates and moments are written so that the lesser text is the earlier.
fn both(mut one: Value, other: &Value) -> Value {
    one["numRecords"] = (one["numRecords"].as_u64().unwrap_or(0) + other["numRecords"].as_u64().unwrap_or(0)).into();
    for (bound, least) in [("minValues", true), ("maxValues", false)] {
        for (column, value) in other[bound].as_object().into_iter().flatten() {
            let there = &mut one[bound][column];
            let is_beyond = match (there.as_str(), value.as_str()) {
                (Some(there), Some(value)) => (value < there) == least && value != there,
                _ => true,
            };
            if is_beyond {
                *there = value.clone();
            }
        }
    }
    one
}

/// Rows of a data file, some columns or all, of the row groups that may hold the days; none where no group does.
pub fn rows(
    path: &Path,
    columns: Option<&[&str]>,
    days: Option<(i32, i32)>,
) -> Result<Option<ParquetRecordBatchReader>> {
    let builder = open(path)?;
    let groups = builder.metadata().row_groups().iter().enumerate();
    let groups = groups.filter(|(_, group)| {
        days.zip(group_days(group)).is_none_or(|((first, last), (from, to))| from <= last && to >= first)
    });
    let groups: Vec<usize> = groups.map(|(i, _)| i).collect();
    if groups.is_empty() {
        return Ok(None);
    }
    let mask = match columns {
        Some(columns) => ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied()),
        None => ProjectionMask::all(),
    };
    let reader = builder.with_row_groups(groups).with_projection(mask).with_batch_size(BATCH_ROWS);
    reader.build().map(Some).map_err(|e| damaged(path, &e))
}

/// Gives `take` rows of a data file, as [`rows`] has them.
pub fn each(
    path: &Path,
    columns: Option<&[&str]>,
    days: Option<(i32, i32)>,
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    for batch in rows(path, columns, days)?.into_iter().flatten() {
        take(&batch.map_err(|e| damaged(path, &e))?)?;
    }
    Ok(())
}

pub fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let file = File::open(path).map_err(Error::io(path))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(path, &e))
}

/// First and last civil day of a row group, by its statistics.
pub fn group_days(group: &RowGroupMetaData) -> Option<(i32, i32)> {
    let column = group.columns().iter().find(|c| c.column_path().string() == "local_day")?;
    match column.statistics()? {
        Statistics::Int32(stats) => stats.min_opt().copied().zip(stats.max_opt().copied()),
        _ => None,
    }
}

pub fn damaged(path: &Path, error: &impl std::fmt::Display) -> Error {
    Error::Lake {
        place: path.display().to_string(),
        what: error.to_string(),
        hint: "a data file is damaged: onhook lake verify tells which; restore it from a backup of the lake".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn statistics_of_two_lots_are_those_of_all() {
        let one = json!({ "numRecords": 2, "minValues": { "d": "2024-03-05" }, "maxValues": { "d": "2024-03-05" } });
        let other = json!({ "numRecords": 3, "minValues": { "d": "2024-02-29", "t": "2024-02-29T00:00:00.000000Z" },
            "maxValues": { "d": "2024-03-01", "t": "2024-03-01T00:00:00.000000Z" } });
        let expected = json!({ "numRecords": 5,
            "minValues": { "d": "2024-02-29", "t": "2024-02-29T00:00:00.000000Z" },
            "maxValues": { "d": "2024-03-05", "t": "2024-03-01T00:00:00.000000Z" } });
        assert_eq!(both(one.clone(), &other), expected);
        assert_eq!(both(other, &one), expected);
    }
}
