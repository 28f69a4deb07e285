//! Data files: rows to one Parquet file with the statistics Delta keeps about it. Commits nothing.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::{DataType, Date32Type, SchemaRef, TimeUnit, TimestampMicrosecondType};
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{Action, Add, StructField, StructType};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::{Map, Value, json};

use super::Written;
use crate::error::{Error, Result};

/// Rows of a row group: small enough to prune a day out of a month by its statistics.
const ROW_GROUP_ROWS: usize = 128 * 1024;
/// Tag of a log's entry: the BLAKE3 of the data file.
pub const HASH: &str = "onhook.blake3";

/// Writes the rows as `folder/name` and makes sure they are on the disk. None where there are no rows.
pub fn parquet(folder: &Path, name: &str, schema: &SchemaRef, rows: &[RecordBatch]) -> Result<Option<Written>> {
    if rows.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(None);
    }
    let path = folder.join(name);
    let wrong = failed(&path);
    let file = File::create(&path).map_err(Error::io(&path))?;
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties().map_err(&wrong)?)).map_err(&wrong)?;
    for batch in rows {
        writer.write(batch).map_err(&wrong)?;
    }
    let file = writer.into_inner().map_err(&wrong)?;
    file.sync_all().map_err(Error::io(&path))?;
    let size = file.metadata().map_err(Error::io(&path))?.len() as i64;
    let hash = hash(&path)?;
    Ok(Some(Written { name: name.to_string(), size, stats: stats(schema, rows).to_string(), hash }))
}

/// How every data file is written.
pub fn properties() -> Result<WriterProperties, ParquetError> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build())
}

/// A failure to write, as the disk told it.
pub fn failed(path: &Path) -> impl Fn(ParquetError) -> Error {
    move |error| match error {
        ParquetError::External(source) if source.is::<std::io::Error>() => match source.downcast::<std::io::Error>() {
            Ok(source) => Error::io(path)(*source),
            Err(source) => Error::io(path)(std::io::Error::other(source)),
        },
        error => Error::io(path)(std::io::Error::other(error)),
    }
}

/// The BLAKE3 of a file, as hex.
pub fn hash(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(Error::io(path))?;
    hasher.update_reader(file).map_err(Error::io(path))?;
    Ok(hasher.finalize().to_hex().to_string())
}

impl Written {
    pub fn add(self) -> Action {
        Action::Add(Add {
            path: self.name,
            size: self.size,
            // Delta's clock is for humans; nothing of ours reads it, and outputs must not depend on it.
            modification_time: 0,
            data_change: true,
            stats: Some(self.stats),
            tags: Some(HashMap::from([(HASH.to_string(), Some(self.hash))])),
            ..Default::default()
        })
    }
}

/// Row count, and first and last of each date and instant: what time pruning needs.
pub fn stats(schema: &SchemaRef, rows: &[RecordBatch]) -> Value {
    let (mut least, mut most) = (Map::new(), Map::new());
    for (i, field) in schema.fields().iter().enumerate() {
        let bounds = rows.iter().filter_map(|batch| bounds(batch.column(i)));
        let bounds = bounds.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
        if let Some((low, high)) = bounds {
            least.insert(field.name().clone(), moment(field.data_type(), low));
            most.insert(field.name().clone(), moment(field.data_type(), high));
        }
    }
    let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
    json!({ "numRecords": count, "minValues": least, "maxValues": most })
}

fn bounds(column: &dyn Array) -> Option<(i64, i64)> {
    match column.data_type() {
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            Some((i64::from(min(days)?), i64::from(max(days)?)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let instants = column.as_primitive::<TimestampMicrosecondType>();
            Some((min(instants)?, max(instants)?))
        }
        _ => None,
    }
}

fn moment(kind: &DataType, value: i64) -> Value {
    match kind {
        DataType::Date32 => Value::from(date(value as i32)),
        _ => {
            let instant = chrono::DateTime::from_timestamp_micros(value).unwrap_or_default();
            Value::from(instant.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
        }
    }
}

/// A day since 1970 as `2024-03-31`.
pub fn date(day: i32) -> String {
    (chrono::NaiveDate::default() + chrono::TimeDelta::days(i64::from(day))).to_string()
}

/// The schema in Delta's own words.
pub fn delta_columns(schema: &SchemaRef) -> Result<Vec<StructField>, DeltaTableError> {
    let columns: StructType = schema.as_ref().try_into_kernel()?;
    Ok(columns.fields().cloned().collect())
}
