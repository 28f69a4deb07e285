//! Data files: rows to one Parquet file, row group by row group, with the statistics Delta keeps about it and the hash of its
//! bytes. Commits nothing.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::{DataType, Date32Type, SchemaRef, TimeUnit, TimestampMicrosecondType};
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{Action, Add, StructField, StructType};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::pages::{Chunk, ZSTD_LEVEL};
use super::{Written, columns, legs};
use crate::error::{Error, Result};
use crate::leg::{Legs, Texts};

/// Rows of a row group: so many that its dictionaries pay, so few that a day or two of a large estate are one.
pub const ROW_GROUP_ROWS: usize = 256 * 1024;

/// Name of the tag of a data file, in the commit log, that holds the BLAKE3 hash of its bytes.
pub const HASH: &str = "onhook.blake3";

/// A data file being written. Dropped before [`Self::finish`] it leaves a file that no log names.
pub struct DataFile {
    path: PathBuf,
    name: String,
    schema: SchemaRef,
    columns: Arc<SchemaDescriptor>,
    writer: SerializedFileWriter<Hashed>,
    rows: usize,
    /// First and last of each date and instant, by its place in the schema.
    bounds: HashMap<usize, (i64, i64)>,
}

/// A file and the hash of what went into it.
struct Hashed {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl DataFile {
    /// # Errors
    /// The file cannot be made.
    pub fn create(folder: &Path, name: &str, schema: &SchemaRef) -> Result<Self> {
        let path = folder.join(name);
        let wrong = |error| wrong(&path, error);
        let columns = ArrowSchemaConverter::new().convert(schema).map_err(wrong)?;
        let mut properties = WriterProperties::builder().build();
        add_encoded_arrow_schema_to_metadata(schema, &mut properties);
        let file = File::create(&path).map_err(Error::io(&path))?;
        let file = Hashed { file: BufWriter::with_capacity(1 << 18, file), hasher: blake3::Hasher::new() };
        let writer = SerializedFileWriter::new(file, columns.root_schema_ptr(), Arc::new(properties)).map_err(wrong)?;
        Ok(Self {
            path,
            name: name.to_string(),
            schema: schema.clone(),
            columns: Arc::new(columns),
            writer,
            rows: 0,
            bounds: HashMap::new(),
        })
    }

    /// Adds rows of the file's schema.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&mut self, rows: &RecordBatch) -> Result<()> {
        for at in (0..rows.num_rows()).step_by(ROW_GROUP_ROWS) {
            let group = rows.slice(at, ROW_GROUP_ROWS.min(rows.num_rows() - at));
            let columns = self.columns.columns().par_iter().zip(group.columns());
            let chunks: Result<_, _> = columns.map(|(column, array)| columns::array(column, array)).collect();
            self.group(chunks, group.num_rows())?;
            for (column, array) in group.columns().iter().enumerate() {
                self.see(column, bounds(array));
            }
        }
        Ok(())
    }

    /// Adds legs, in row groups of whole parts.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append_legs(&mut self, parts: &[&Legs], texts: &Texts) -> Result<()> {
        let mut rest = parts;
        while !rest.is_empty() {
            let mut rows = 0;
            let fits = rest.iter().take_while(|part| {
                rows += part.len();
                rows <= ROW_GROUP_ROWS
            });
            let (group, later) = rest.split_at(fits.count().max(1));
            rest = later;
            let rows = group.iter().map(|part| part.len()).sum();
            if rows == 0 {
                continue;
            }
            self.group(legs::chunks(&self.columns, group, texts), rows)?;
            let moments = group.iter().flat_map(|part| &part.started_at_us).copied();
            let days = group.iter().flat_map(|part| &part.local_day).map(|day| i64::from(*day));
            let place = |name: &str| self.schema.index_of(name).unwrap_or_default();
            let (moment, day) = (place("started_at"), place("local_day"));
            self.see(moment, span(moments));
            self.see(day, span(days));
        }
        Ok(())
    }

    fn group(&mut self, chunks: Result<Vec<Chunk>, ParquetError>, rows: usize) -> Result<()> {
        let wrong = |error| wrong(&self.path, error);
        let mut group = self.writer.next_row_group().map_err(wrong)?;
        for chunk in chunks.map_err(wrong)? {
            group.append_column(&chunk.bytes, chunk.close).map_err(wrong)?;
        }
        group.close().map_err(wrong)?;
        self.rows += rows;
        Ok(())
    }

    fn see(&mut self, column: usize, bounds: Option<(i64, i64)>) {
        if let Some((low, high)) = bounds {
            let seen = self.bounds.entry(column).or_insert((low, high));
            *seen = (seen.0.min(low), seen.1.max(high));
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Makes sure that the file is on the disk.
    ///
    /// # Errors
    /// It cannot be.
    pub fn finish(self) -> Result<Written> {
        let stats = self.stats().to_string();
        let Self { path, name, writer, .. } = self;
        let Hashed { file, hasher } = writer.into_inner().map_err(|error| wrong(&path, error))?;
        let file = file.into_inner().map_err(|error| Error::io(&path)(error.into_error()))?;
        file.sync_all().map_err(Error::io(&path))?;
        let size = file.metadata().map_err(Error::io(&path))?.len() as i64;
        Ok(Written { name, size, stats, hash: hasher.finalize().to_hex().to_string() })
    }

    /// Row count, and first and last of each date and instant: what time pruning needs.
    fn stats(&self) -> Value {
        let (mut least, mut most) = (Map::new(), Map::new());
        for (column, (low, high)) in &self.bounds {
            let field = self.schema.field(*column);
            least.insert(field.name().clone(), moment(field.data_type(), *low));
            most.insert(field.name().clone(), moment(field.data_type(), *high));
        }
        json!({ "numRecords": self.rows, "minValues": least, "maxValues": most })
    }
}

/// Writes the rows as `folder/name` and makes sure they are on the disk. None where there are no rows.
///
/// # Errors
/// The file cannot be written.
pub fn parquet(folder: &Path, name: &str, schema: &SchemaRef, rows: &[RecordBatch]) -> Result<Option<Written>> {
    if rows.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(None);
    }
    let mut file = DataFile::create(folder, name, schema)?;
    let rows = arrow::compute::concat_batches(schema, rows).map_err(|error| wrong(&file.path, error.into()))?;
    file.append(&rows)?;
    file.finish().map(Some)
}

/// How files are written that the library itself writes: what is merged and rewritten.
pub fn properties() -> Result<WriterProperties, ParquetError> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build())
}

/// The BLAKE3 of a file, as hex.
pub fn hash(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(Error::io(path))?;
    hasher.update_reader(file).map_err(Error::io(path))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// A failure to write, as the disk told it.
pub fn failed(path: &Path) -> impl Fn(ParquetError) -> Error {
    move |error| wrong(path, error)
}

fn wrong(path: &Path, error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) if source.is::<std::io::Error>() => match source.downcast::<std::io::Error>() {
            Ok(source) => Error::io(path)(*source),
            Err(source) => Error::io(path)(std::io::Error::other(source)),
        },
        error => Error::io(path)(std::io::Error::other(error)),
    }
}

fn span(values: impl Iterator<Item = i64>) -> Option<(i64, i64)> {
    values.fold(None, |span, value| {
        Some(span.map_or((value, value), |(low, high): (i64, i64)| (low.min(value), high.max(value))))
    })
}

impl Written {
    /// Of the file, without folders.
    pub fn name(&self) -> &str {
        &self.name
    }

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

#[cfg(test)]
mod tests;
