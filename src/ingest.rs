//! The batch: new files, through reader and normaliser, into the lake exactly once. Decodes on all cores; decides
//! which records are new; keeps the ledger. Finds no files itself and knows no format.

mod claim;
mod decode;
mod repeats;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute;
use arrow::datatypes::TimestampMicrosecondType;
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde::Serialize;

use crate::config::{Config, Source};
use crate::discover::{Found, Limits, Text};
use crate::error::{Error, Result};
use crate::lake::{Lake, Table};
use crate::ledger::Ledger;
use crate::normalise::{Trunks, civil_day};
use crate::read;
use crate::traffic::Traffic;
use crate::usage::Usage;
pub use claim::Claim;
use decode::{Decoded, RejectRow};
use repeats::{Fates, Rows};

/// A file to read, and whose it is as far as the caller knows.
#[derive(Clone, Debug)]
pub struct Work<'a> {
    pub claim: Claim<'a>,
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
    /// Files that their platform is still writing, and nobody read.
    pub active: u64,
    /// One for each failed input.
    pub errors: Vec<Error>,
    /// Version of the lake after it.
    pub version: u64,
}

/// Files whose bytes add up to this, or this many of them, make a batch: one commit, one data file.
const BATCH_BYTES: u64 = 128 << 20;
const BATCH_FILES: usize = 20_000;

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
    let place = |work: &Work<'_>| match work.claim {
        Claim::Of(source) => order.get(source.name.as_str()).copied(),
        Claim::Any(_) => None,
    };
    work.sort_by(|a, b| (place(a), &a.file).cmp(&(place(b), &b.file)));
    let is_active = |source: &Source, name: &str| read::reader(&source.format).is_some_and(|r| r.is_active(name));
    let found = work.len();
    work.retain(|w| !matches!(w.claim, Claim::Of(source) if is_active(source, w.file.file_name())));
    outcome.active = (found - work.len()) as u64;
    let mut rest = work.as_slice();
    let none = Trunks::new();
    while !rest.is_empty() {
        let (group, later) = rest.split_at(group_size(rest));
        rest = later;
        let limits = Limits::default();
        let texts: Vec<_> = group.par_iter().map(|work| claimed(work, &limits, lake.folder())).collect();
        let mut fresh = Vec::new();
        for claimed in texts.into_iter().flatten() {
            match claimed {
                Ok((source, text)) if is_active(source, text.file_name()) => outcome.active += 1,
                Ok((source, text)) if !known.insert(identity(source, &text)) => outcome.inputs.repeated += 1,
                Ok(input) => fresh.push(input),
                Err(error) => outcome.errors.push(error),
            }
        }
        // An archive may hold more than a batch should.
        while !fresh.is_empty() {
            let later = fresh.split_off(batch_size(&fresh));
            let batch = std::mem::replace(&mut fresh, later);
            let decoded: Vec<_> = batch
                .into_par_iter()
                .map(|(source, text)| {
                    (decode::decode(source, &text, trunks.get(&source.name).unwrap_or(&none)), source, text)
                })
                .collect();
            let mut inputs = Vec::new();
            for (decoded, source, text) in decoded {
                match decoded {
                    Ok(decoded) => inputs.push((source, text, decoded)),
                    Err(error) => {
                        known.remove(&identity(source, &text));
                        outcome.errors.push(error);
                    }
                }
            }
            if !inputs.is_empty() {
                outcome.inputs.new += inputs.len() as u64;
                outcome.records += commit(lake, inputs, now)?;
            }
        }
        group.iter().for_each(|work| progress(size_on_disk(work)));
    }
    outcome.inputs.failed = outcome.errors.len() as u64;
    outcome.version = lake.version()?;
    Ok(outcome)
}

/// The texts in a file with their sources.
fn claimed<'a>(work: &Work<'a>, limits: &Limits, aside: &Path) -> Vec<Result<(&'a Source, Text)>> {
    let texts = work.file.texts(limits, aside).into_iter();
    texts.map(|text| text.and_then(|text| Ok((work.claim.source(&text)?, text)))).collect()
}

fn group_size(work: &[Work<'_>]) -> usize {
    let mut bytes = 0;
    let fits = |work: &&Work<'_>| {
        // Call records pack to a tenth.
        let packed = [".gz", ".zst", ".zip", ".tgz"].iter().any(|end| work.file.name.ends_with(end));
        bytes += size_on_disk(work) * if packed { 10 } else { 1 };
        bytes <= BATCH_BYTES
    };
    work.iter().take(BATCH_FILES).take_while(fits).count().max(1)
}

fn batch_size(texts: &[(&Source, Text)]) -> usize {
    let mut bytes = 0;
    let fits = |(_, text): &&(&Source, Text)| {
        bytes += text.size;
        bytes <= BATCH_BYTES
    };
    texts.iter().take(BATCH_FILES).take_while(fits).count().max(1)
}

fn size_on_disk(work: &Work<'_>) -> u64 {
    work.file.path.metadata().map_or(0, |m| m.len())
}

/// An input is its source and its content: the same bytes may be delivered to two sources, once by mistake.
type Identity = (String, String);

fn identity(source: &Source, text: &Text) -> Identity {
    (source.name.clone(), text.hash.to_hex().to_string())
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

type Input<'a> = (&'a Source, Text, Decoded);

/// One batch: which records are new, their roll-up, their ledger; `inputs` last.
fn commit(lake: &Lake, mut inputs: Vec<Input<'_>>, now: DateTime<Utc>) -> Result<Ledger> {
    let batch = lake.finished_batch()? + 1;
    let rows_of = |of: fn(&Decoded) -> Rows<'_>| inputs.iter().map(|(.., decoded)| of(decoded)).collect::<Vec<_>>();
    let legs = rows_of(|d| Rows { batches: &d.legs, by_text: d.by_text });
    let leg_fates = repeats::sort_out(lake, &repeats::LEGS, &legs)?;
    let quality = rows_of(|d| Rows { batches: &d.quality, by_text: false });
    let quality_fates = repeats::sort_out(lake, &repeats::QUALITY, &quality)?;
    let (mut legs, mut quality, mut rejects) = (Vec::new(), Vec::new(), Vec::new());
    let (mut usage, mut traffic) = (Usage::default(), Traffic::default());
    let mut ledgers = Vec::new();
    for (n, (source, text, decoded)) in inputs.iter_mut().enumerate() {
        let mut ledger = decoded.ledger;
        let node = marks(source, text).node;
        let Decoded { rejects: refused, .. } = decoded;
        let mut keep = |rows: &RecordBatch, fates: &Fates| -> Result<RecordBatch> {
            let keep = compute::filter_record_batch(rows, &fates.kept).map_err(|e| broken(&e))?;
            ledger.kept += keep.num_rows() as u64;
            ledger.repeated += fates.repeated;
            ledger.rejected += fates.conflicts.len() as u64;
            refused.extend(fates.conflicts.iter().map(|line| RejectRow::conflict(line.unsigned_abs())));
            Ok(keep)
        };
        for (rows, fates) in decoded.legs.iter().zip(&leg_fates[n]) {
            let kept = keep(rows, fates)?;
            usage.add(&kept);
            traffic.add(&kept, node);
            legs.push(kept);
        }
        for (rows, fates) in decoded.quality.iter().zip(&quality_fates[n]) {
            quality.push(keep(rows, fates)?);
        }
        decoded.rejects.sort_by_key(|reject| reject.line);
        rejects.push(decode::rejects_batch(text.input_id(&source.name), &decoded.rejects).map_err(|e| broken(&e))?);
        ledgers.push(ledger);
    }
    let rows = inputs_batch(&inputs, &ledgers, batch, now).map_err(|e| broken(&e))?;
    lake.append_batch(Table::Legs, batch, &legs)?;
    lake.append_batch(Table::Quality, batch, &quality)?;
    lake.append_batch(Table::Rejects, batch, &rejects)?;
    lake.append_batch(Table::Usage, batch, &[usage.batch(batch)])?;
    lake.append_batch(Table::Traffic, batch, &[traffic.batch(batch)])?;
    lake.append_batch(Table::Inputs, batch, &[rows])?;
    let mut sum = Ledger::default();
    for ((_, text, _), ledger) in inputs.iter().zip(ledgers) {
        debug_assert!(ledger.balances(), "{}: {ledger:?}", text.name);
        sum += ledger;
    }
    Ok(sum)
}

/// What the file's name tells, by the ways of its source's format.
fn marks<'t>(source: &Source, text: &'t Text) -> read::Marks<'t> {
    read::reader(&source.format).map_or_else(read::Marks::default, |reader| reader.marks(text.file_name()))
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
    let names = |columns: [&str; 2]| -> ArrayRef {
        let named = |rows: &RecordBatch, column| {
            rows.column_by_name(column).is_some_and(|values| values.null_count() < rows.num_rows())
        };
        let of_input = |(.., decoded): &Input<'_>| {
            Some(decoded.legs.iter().any(|rows| columns.iter().any(|column| named(rows, column))))
        };
        Arc::new(inputs.iter().map(of_input).collect::<BooleanArray>())
    };
    let marked: Vec<_> = inputs.iter().map(|(source, text, _)| marks(source, text)).collect();
    let named_days = inputs.iter().zip(&marked).map(|((source, ..), m)| Some(civil_day(source, m.named_at?)));
    let mark = |words: Vec<&str>| -> ArrayRef {
        Arc::new(words.into_iter().map(|word| Some(word).filter(|word| !word.is_empty())).collect::<StringArray>())
    };
    let option = |values: Vec<Option<i64>>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
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
            number(&|(source, text, _)| text.input_id(&source.name)),
            text(inputs, |(_, text, _)| text.hash.to_hex().to_string()),
            text(inputs, |(_, text, _)| text.name.clone()),
            number(&|(_, text, _)| text.size as i64),
            text(inputs, |(source, ..)| source.name.clone()),
            text(inputs, |(source, ..)| source.format.clone()),
            text(inputs, |(.., decoded)| decoded.options.clone()),
            count(|l| l.read),
            count(|l| l.kept),
            count(|l| l.repeated),
            count(|l| l.skipped),
            count(|l| l.rejected),
            span(compute::min, true),
            span(compute::max, false),
            mark(marked.iter().map(|m| m.node).collect()),
            mark(marked.iter().map(|m| m.family).collect()),
            option(marked.iter().map(|m| m.sequence).collect()),
            instants(marked.iter().map(|m| Some(m.named_at? * 1_000_000)).collect()),
            Arc::new(named_days.collect::<Date32Array>()),
            option(inputs.iter().map(|(.., decoded)| decoded.clock_back_s).collect()),
            names(["caller_device", "callee_device"]),
            names(["caller_user", "callee_user"]),
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
