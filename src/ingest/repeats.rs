//! Which records are new: (source, leg_key, started_at) against the batch itself and the lake. The source is part of
//! the key's hash, so two numbers tell a record. Reads only the row groups of the batch's span of time.

use std::collections::HashMap;
use std::fs::File;

use arrow::array::{AsArray, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::{max, min};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::statistics::Statistics;

use super::decode::Decoded;
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

/// What only the vendor's record decides, whatever the configuration was at the time: the same in an honest repeat.
const VENDOR_COLUMNS: [&str; 9] =
    ["leg_key", "started_at", "ring_s", "talk_s", "caller_user", "callee_user", "cause", "account_code", "vendor_kind"];

#[derive(Clone, Copy)]
struct Seat {
    input: usize,
    rows: usize,
    row: usize,
}

/// The fates of all rows, by input and batch.
pub fn sort_out<'a>(lake: &Lake, inputs: impl Iterator<Item = &'a Decoded>) -> Result<Vec<Vec<Fates>>> {
    let inputs: Vec<&Decoded> = inputs.collect();
    let mut kept: Vec<Vec<Vec<bool>>> =
        inputs.iter().map(|d| d.legs.iter().map(|rows| vec![true; rows.num_rows()]).collect()).collect();
    let mut conflicts: Vec<Vec<Vec<i64>>> = inputs.iter().map(|d| vec![Vec::new(); d.legs.len()]).collect();
    let mut first: HashMap<(i64, i64), Seat> = HashMap::with_capacity(kept.iter().flatten().map(Vec::len).sum());
    let mut span: Option<(i64, i64)> = None;
    let mut refuse = |seat: Seat, other: u64| {
        kept[seat.input][seat.rows][seat.row] = false;
        let input = inputs[seat.input];
        if !input.by_text && other != content(&input.legs[seat.rows], seat.row) {
            conflicts[seat.input][seat.rows].push(line(&input.legs[seat.rows], seat.row));
        }
    };
    for (input, decoded) in inputs.iter().enumerate() {
        for (rows, batch) in decoded.legs.iter().enumerate() {
            let (keys, starts) = keys(batch);
            span =
                [span, min(starts).zip(max(starts))].into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            for (row, key) in keys.values().iter().zip(starts.values()).enumerate() {
                let seat = Seat { input, rows, row };
                match first.entry((*key.0, *key.1)) {
                    std::collections::hash_map::Entry::Vacant(entry) => {
                        entry.insert(seat);
                    }
                    std::collections::hash_map::Entry::Occupied(entry) => {
                        let there = *entry.get();
                        let by_text = decoded.by_text;
                        refuse(
                            seat,
                            if by_text { 0 } else { content(&inputs[there.input].legs[there.rows], there.row) },
                        );
                    }
                }
            }
        }
    }
    if let Some(span) = span {
        scan(&lake.files(Table::Legs, lake.finished_batch()?)?, &VENDOR_COLUMNS, Some(span), |batch| {
            let (keys, starts) = keys(batch);
            for (row, key) in keys.values().iter().zip(starts.values()).enumerate() {
                if let Some(seat) = first.get(&(*key.0, *key.1)) {
                    refuse(*seat, if inputs[seat.input].by_text { 0 } else { content(batch, row) });
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

fn keys(batch: &RecordBatch) -> (&Int64Array, &TimestampMicrosecondArray) {
    let column = |name: &str| batch.column_by_name(name).expect("columns of legs");
    (column("leg_key").as_primitive::<Int64Type>(), column("started_at").as_primitive::<TimestampMicrosecondType>())
}

fn line(batch: &RecordBatch, row: usize) -> i64 {
    batch.column_by_name("record_no").map_or(0, |c| c.as_primitive::<Int64Type>().value(row))
}

/// Hash of what the vendor wrote in a row. Only asked for records that are there twice.
fn content(batch: &RecordBatch, row: usize) -> u64 {
    let options = FormatOptions::default().with_null("\0");
    let cells: Vec<String> = VENDOR_COLUMNS
        .iter()
        .filter_map(|name| batch.column_by_name(name))
        .filter_map(|column| ArrayFormatter::try_new(column, &options).ok().map(|f| f.value(row).to_string()))
        .collect();
    crate::read::hash(&cells.iter().map(String::as_bytes).collect::<Vec<_>>())
}

/// Gives `take` some columns of a table, batch by batch; with `span`, only of row groups whose `started_at` (µs) may
/// lie within.
pub fn scan(
    files: &Files,
    columns: &[&str],
    span: Option<(i64, i64)>,
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
        let groups: Vec<usize> =
            groups.filter(|(_, g)| span.is_none_or(|span| may_hold(g, span))).map(|(i, _)| i).collect();
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

fn may_hold(group: &parquet::file::metadata::RowGroupMetaData, (first, last): (i64, i64)) -> bool {
    let column = group.columns().iter().find(|c| c.column_path().string() == "started_at");
    match column.and_then(|c| c.statistics()) {
        Some(Statistics::Int64(stats)) => {
            stats.min_opt().is_none_or(|min| *min <= last) && stats.max_opt().is_none_or(|max| *max >= first)
        }
        _ => true,
    }
}
