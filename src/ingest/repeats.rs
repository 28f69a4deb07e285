//! Which records are new: (source, key, moment) against the batch itself and the lake, for legs and quality reports alike. The source is part of
//! the key's hash, so two numbers tell a record. Reads only the row groups of the batch's span of time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;

use arrow::array::{AsArray, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::{max, min};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::statistics::Statistics;

use crate::error::{Error, Result};
use crate::lake::{Files, Lake, Table};

/// What becomes of the rows of one batch of legs.
#[derive(Debug)]
pub struct Fates {
    pub kept: BooleanArray,
    pub repeated: u64,
    /// Lines whose vendor id is there with other content.
    pub conflicts: Vec<i64>,
}

/// A table whose records may come again.
#[derive(Debug)]
pub struct Kind {
    table: Table,
    /// Key and moment, which tell a record, then what only the vendor's record decides, whatever the configuration was
    /// at the time: the same in an honest repeat.
    columns: &'static [&'static str],
}

pub const LEGS: Kind = Kind {
    table: Table::Legs,
    columns: &[
        "leg_key",
        "started_at",
        "ring_s",
        "talk_s",
        "caller_user",
        "callee_user",
        "cause",
        "account_code",
        "vendor_kind",
    ],
};

pub const QUALITY: Kind = Kind {
    table: Table::Quality,
    columns: &["quality_key", "ended_at", "link", "number", "device", "duration_s", "packets_received", "jitter_ms"],
};

/// What one input has of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    pub batches: &'a [RecordBatch],
    /// Keys are of the text: then equal keys are equal texts and cannot conflict.
    pub by_text: bool,
}

#[derive(Clone, Copy)]
struct Seat {
    input: usize,
    rows: usize,
    row: usize,
}

/// The fates of all rows, by input and batch.
pub fn sort_out(lake: &Lake, kind: &Kind, inputs: &[Rows<'_>]) -> Result<Vec<Vec<Fates>>> {
    let mut kept: Vec<Vec<Vec<bool>>> =
        inputs.iter().map(|d| d.batches.iter().map(|rows| vec![true; rows.num_rows()]).collect()).collect();
    let mut conflicts: Vec<Vec<Vec<i64>>> = inputs.iter().map(|d| vec![Vec::new(); d.batches.len()]).collect();
    let mut first: HashMap<(i64, i64), Seat> = HashMap::with_capacity(kept.iter().flatten().map(Vec::len).sum());
    let mut span: Option<(i64, i64)> = None;
    let mut refuse = |seat: Seat, other: u64| {
        kept[seat.input][seat.rows][seat.row] = false;
        let input = inputs[seat.input];
        if !input.by_text && other != kind.content(&input.batches[seat.rows], seat.row) {
            conflicts[seat.input][seat.rows].push(line(&input.batches[seat.rows], seat.row));
        }
    };
    for (input, decoded) in inputs.iter().enumerate() {
        for (rows, batch) in decoded.batches.iter().enumerate() {
            let (keys, moments) = kind.keys(batch);
            span = [span, min(moments).zip(max(moments))]
                .into_iter()
                .flatten()
                .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            for (row, key) in keys.values().iter().zip(moments.values()).enumerate() {
                let seat = Seat { input, rows, row };
                match first.entry((*key.0, *key.1)) {
                    Entry::Vacant(entry) => drop(entry.insert(seat)),
                    Entry::Occupied(entry) => {
                        let there = *entry.get();
                        let other = || kind.content(&inputs[there.input].batches[there.rows], there.row);
                        refuse(seat, if decoded.by_text { 0 } else { other() });
                    }
                }
            }
        }
    }
    if let Some(span) = span {
        scan(&lake.files(kind.table, lake.finished_batch()?)?, kind.columns, Some((kind.columns[1], span)), |batch| {
            let (keys, moments) = kind.keys(batch);
            for (row, key) in keys.values().iter().zip(moments.values()).enumerate() {
                if let Some(seat) = first.get(&(*key.0, *key.1)) {
                    refuse(*seat, if inputs[seat.input].by_text { 0 } else { kind.content(batch, row) });
                }
            }
            Ok(())
        })?;
    }
    let fates = kept.into_iter().zip(conflicts).map(|(batches, conflicts)| {
        let fates = batches.into_iter().zip(conflicts).map(|(kept, conflicts)| {
            let refused = kept.iter().filter(|kept| !**kept).count() as u64;
            Fates { kept: BooleanArray::from(kept), repeated: refused - conflicts.len() as u64, conflicts }
        });
        fates.collect()
    });
    Ok(fates.collect())
}

impl Kind {
    fn keys<'b>(&self, batch: &'b RecordBatch) -> (&'b Int64Array, &'b TimestampMicrosecondArray) {
        let column = |at: usize| batch.column_by_name(self.columns[at]).expect("columns of its table");
        (column(0).as_primitive::<Int64Type>(), column(1).as_primitive::<TimestampMicrosecondType>())
    }

    /// Hash of what the vendor wrote in a row. Only asked for records that are there twice.
    fn content(&self, batch: &RecordBatch, row: usize) -> u64 {
        let options = FormatOptions::default().with_null("\0");
        let cells: Vec<String> = self
            .columns
            .iter()
            .filter_map(|name| batch.column_by_name(name))
            .filter_map(|column| ArrayFormatter::try_new(column, &options).ok().map(|f| f.value(row).to_string()))
            .collect();
        crate::read::hash(&cells.iter().map(String::as_bytes).collect::<Vec<_>>())
    }
}

fn line(batch: &RecordBatch, row: usize) -> i64 {
    batch.column_by_name("record_no").map_or(0, |c| c.as_primitive::<Int64Type>().value(row))
}

/// Gives `take` some columns of a table, batch by batch; with `span`, only of row groups whose moments in that
/// column (µs) may lie within.
pub fn scan(
    files: &Files,
    columns: &[&str],
    span: Option<(&str, (i64, i64))>,
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    for path in &files.paths {
        let wrong = |error: parquet::errors::ParquetError| Error::Lake {
            place: path.display().to_string(),
            what: error.to_string(),
            hint: "a data file is damaged: restore it from a backup of the lake".into(),
        };
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(File::open(path).map_err(Error::io(path))?).map_err(wrong)?;
        let groups = builder.metadata().row_groups().iter().enumerate();
        let groups: Vec<usize> = groups
            .filter(|(_, g)| span.is_none_or(|(column, span)| may_hold(g, column, span)))
            .map(|(i, _)| i)
            .collect();
        if groups.is_empty() {
            continue;
        }
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let reader =
            builder.with_row_groups(groups).with_projection(mask).with_batch_size(8192).build().map_err(wrong)?;
        for batch in reader {
            take(&batch.map_err(|error| wrong(error.into()))?)?;
        }
    }
    Ok(())
}

fn may_hold(group: &parquet::file::metadata::RowGroupMetaData, moments: &str, (first, last): (i64, i64)) -> bool {
    let column = group.columns().iter().find(|c| c.column_path().string() == moments);
    match column.and_then(|c| c.statistics()) {
        Some(Statistics::Int64(stats)) => {
            stats.min_opt().is_none_or(|min| *min <= last) && stats.max_opt().is_none_or(|max| *max >= first)
        }
        _ => true,
    }
}
