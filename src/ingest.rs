//! The batch: new files, through reader and normaliser, into the lake exactly once. Decodes on all cores; decides
//! which records are new; keeps the ledger. Finds no files itself and knows no format.

mod decode;
mod repeats;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute;
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde::Serialize;

use crate::config::{Config, Source};
use crate::discover::{Fingerprint, Found};
use crate::error::{Error, Result};
use crate::lake::{Lake, Table};
use crate::ledger::Ledger;
use crate::normalise::Trunks;
use crate::usage::Usage;
use decode::{Decoded, RejectRow};

/// A file to read and the source it belongs to.
#[derive(Clone, Debug)]
pub struct Work<'a> {
    pub source: &'a Source,
    pub file: Found,
}

/// Files of a run by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inputs {
    pub new: u64,
    pub repeated: u64,
    pub failed: u64,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Outcome {
    pub inputs: Inputs,
    pub records: Ledger,
    /// One for each failed input.
    pub errors: Vec<Error>,
    /// Version of the lake after it.
    pub version: u64,
}

/// Files whose bytes add up to this, or this many of them, make a batch: one commit, one data file.
const BATCH_BYTES: u64 = 128 << 20;
const BATCH_FILES: usize = 20_000;
/// Longer texts are unpacked again for every pass instead of being kept.
const KEEP_BYTES: usize = 32 << 20;

/// Reads `work` into the lake. `trunks` has the trunk list of each source by name; `progress` is told of every file
/// that is done, with its size on disk.
///
/// # Errors
/// The lake cannot be written. A file that cannot be read is an entry of [`Outcome::errors`] and stops no other.
pub fn ingest(
    config: &Config,
    lake: &Lake,
    mut work: Vec<Work<'_>>,
    trunks: &HashMap<String, Trunks>,
    now: DateTime<Utc>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut known = known_inputs(lake)?;
    let order: HashMap<&str, usize> = config.sources.iter().enumerate().map(|(i, s)| (s.name.as_str(), i)).collect();
    work.sort_by(|a, b| {
        (order.get(a.source.name.as_str()), &a.file).cmp(&(order.get(b.source.name.as_str()), &b.file))
    });
    let mut rest = work.as_slice();
    let none = Trunks::new();
    while !rest.is_empty() {
        let (group, later) = rest.split_at(group_size(rest));
        rest = later;
        let prints: Vec<_> = group.par_iter().map(|work| work.file.fingerprint(KEEP_BYTES)).collect();
        let mut fresh = Vec::new();
        for (work, print) in group.iter().zip(prints) {
            match print {
                Ok(print) if !known.insert(identity(work, &print)) => outcome.inputs.repeated += 1,
                Ok(print) => fresh.push((work, print)),
                Err(error) => outcome.errors.push(error),
            }
        }
        let decoded: Vec<_> = fresh
            .into_par_iter()
            .map(|(work, print)| {
                let trunks = trunks.get(&work.source.name).unwrap_or(&none);
                let decoded = decode::decode(work, &print, trunks);
                (identity(work, &print), decoded.map(|decoded| (work, print, decoded)))
            })
            .collect();
        let mut inputs = Vec::new();
        for (identity, result) in decoded {
            match result {
                Ok(input) => inputs.push(input),
                Err(error) => {
                    known.remove(&identity);
                    outcome.errors.push(error);
                }
            }
        }
        if !inputs.is_empty() {
            outcome.inputs.new += inputs.len() as u64;
            outcome.records += commit(lake, inputs, now)?;
        }
        group.iter().for_each(|work| progress(size_on_disk(work)));
    }
    outcome.inputs.failed = outcome.errors.len() as u64;
    outcome.version = lake.version()?;
    Ok(outcome)
}

fn group_size(work: &[Work<'_>]) -> usize {
    let mut bytes = 0;
    let fits = |work: &&Work<'_>| {
        // Call records pack to a tenth.
        let packed = work.file.name.ends_with(".gz") || work.file.name.ends_with(".zst");
        bytes += size_on_disk(work) * if packed { 10 } else { 1 };
        bytes <= BATCH_BYTES
    };
    work.iter().take(BATCH_FILES).take_while(fits).count().max(1)
}

fn size_on_disk(work: &Work<'_>) -> u64 {
    work.file.path.metadata().map_or(0, |m| m.len())
}

/// An input is its source and its content: the same bytes may be delivered to two sources, once by mistake.
type Identity = (String, String);

fn identity(work: &Work<'_>, print: &Fingerprint) -> Identity {
    (work.source.name.clone(), print.hash.to_hex().to_string())
}

/// Everything the lake has read.
fn known_inputs(lake: &Lake) -> Result<HashSet<Identity>> {
    let mut known = HashSet::new();
    repeats::scan(&lake.files(Table::Inputs, lake.finished_batch()?)?, &["content_hash", "source"], None, |batch| {
        let text =
            |name: &str| batch.column_by_name(name).map(|c| c.as_string::<i32>().iter().flatten().map(str::to_string));
        known.extend(text("source").into_iter().flatten().zip(text("content_hash").into_iter().flatten()));
        Ok(())
    })?;
    Ok(known)
}

type Input<'a> = (&'a Work<'a>, Fingerprint, Decoded);

/// One batch: which records are new, their roll-up, their ledger; `inputs` last.
fn commit(lake: &Lake, mut inputs: Vec<Input<'_>>, now: DateTime<Utc>) -> Result<Ledger> {
    let batch = lake.finished_batch()? + 1;
    let verdicts = repeats::sort_out(lake, inputs.iter().map(|(.., decoded)| decoded))?;
    let (mut legs, mut rejects, mut usage) = (Vec::new(), Vec::new(), Usage::default());
    let mut ledgers = Vec::new();
    for ((work, print, decoded), verdicts) in inputs.iter_mut().zip(&verdicts) {
        let mut ledger = decoded.ledger;
        for (rows, fates) in decoded.legs.iter().zip(verdicts) {
            let keep = compute::filter_record_batch(rows, &fates.kept).map_err(|e| broken(&e))?;
            ledger.kept += keep.num_rows() as u64;
            ledger.repeated += fates.repeated;
            for line in &fates.conflicts {
                ledger.rejected += 1;
                decoded.rejects.push(RejectRow::conflict(line.unsigned_abs()));
            }
            usage.add(&keep);
            legs.push(keep);
        }
        decoded.rejects.sort_by_key(|reject| reject.line);
        rejects
            .push(decode::rejects_batch(print.input_id(&work.source.name), &decoded.rejects).map_err(|e| broken(&e))?);
        ledgers.push(ledger);
    }
    let rows = inputs_batch(&inputs, &ledgers, batch, now).map_err(|e| broken(&e))?;
    lake.append_batch(Table::Legs, batch, &legs)?;
    lake.append_batch(Table::Rejects, batch, &rejects)?;
    lake.append_batch(Table::Usage, batch, &[usage.batch(batch)])?;
    lake.append_batch(Table::Inputs, batch, &[rows])?;
    let mut sum = Ledger::default();
    for ((work, ..), ledger) in inputs.iter().zip(ledgers) {
        debug_assert!(ledger.balances(), "{}: {ledger:?}", work.file.name);
        sum += ledger;
    }
    Ok(sum)
}

fn inputs_batch(
    inputs: &[Input<'_>],
    ledgers: &[Ledger],
    batch: i64,
    now: DateTime<Utc>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    fn text<'i>(inputs: &'i [Input<'i>], of: impl Fn(&'i Input<'i>) -> String) -> ArrayRef {
        Arc::new(inputs.iter().map(|input| Some(of(input))).collect::<StringArray>())
    }
    let number =
        |of: &dyn Fn(&Input<'_>) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(inputs.iter().map(of))) };
    let count = |of: fn(&Ledger) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(ledgers.iter().map(|ledger| of(ledger) as i64)))
    };
    let instants = |values: Vec<Option<i64>>| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
    };
    let span = |of: fn(&arrow::array::PrimitiveArray<TimestampMicrosecondType>) -> Option<i64>, first: bool| {
        let of_input = |(.., decoded): &Input<'_>| {
            let all = decoded.legs.iter().filter_map(|rows| of(rows.column_by_name("started_at")?.as_primitive()));
            if first { all.min() } else { all.max() }
        };
        instants(inputs.iter().map(of_input).collect())
    };
    RecordBatch::try_new(
        Table::Inputs.schema(),
        vec![
            number(&|(work, print, _)| print.input_id(&work.source.name)),
            text(inputs, |(_, print, _)| print.hash.to_hex().to_string()),
            text(inputs, |(work, ..)| work.file.name.clone()),
            number(&|(_, print, _)| print.size as i64),
            text(inputs, |(work, ..)| work.source.name.clone()),
            text(inputs, |(work, ..)| work.source.format.clone()),
            text(inputs, |(.., decoded)| decoded.options.clone()),
            count(|l| l.read),
            count(|l| l.kept),
            count(|l| l.repeated),
            count(|l| l.skipped),
            count(|l| l.rejected),
            span(compute::min, true),
            span(compute::max, false),
            number(&|_| batch),
            instants(vec![Some(now.timestamp_micros()); inputs.len()]),
        ],
    )
}

/// Arrow refuses only what does not fit its own schema: a fault of ours, but no reason to fall over.
fn broken(error: &arrow::error::ArrowError) -> Error {
    Error::Lake {
        place: "batch".into(),
        what: error.to_string(),
        hint: "this is a bug in onhook: please report it".into(),
    }
}
