//! One batch on its way into the lake: which records are new, their roll-ups, their ledgers, written in segments that fit
//! in memory; it counts once its rows of `inputs` are committed, and dropped before that it leaves nothing.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute;
use arrow::datatypes::{Date32Type, Int64Type};
use chrono::{DateTime, Utc};
use rayon::prelude::*;

use super::decode::{Part, Pool, RejectRow};
use super::input::{Input, Seen, number_equal_texts};
use super::repeats::{self, Fates, LegRecords, Reports};
use crate::error::{Error, Result};
use crate::lake::{DataFile, Lake, Table, Written};
use crate::ledger::Ledger;
use crate::leg::{Legs, TextId, Texts};
use crate::normalise::civil_day;
use crate::privacy::Mask;
use crate::read;
use crate::traffic::Traffic;
use crate::usage::{Subject, Usage};

const DAY_US: i64 = 86_400_000_000;
/// Civil days of a table's rows lie so near to the moments that tell its records apart: a zone is less than a day off, and a
/// call less than a day long.
const AROUND_DAYS: i64 = 3;

/// A batch being written.
pub struct Batch<'a, 'l> {
    lake: &'l Lake,
    /// Where the lake has records of a source from before its outside numbers were masked.
    former: Option<&'a Mask>,
    number: i64,
    /// Texts of all its legs, and for each worker which of them its own are.
    texts: Texts,
    renumbered: Vec<Vec<TextId>>,
    written: Vec<(Table, Written)>,
    /// The last batch before it; and its own data files of legs and of quality, which later segments are held against.
    finished: i64,
    legs: Vec<PathBuf>,
    quality: Vec<PathBuf>,
    segments: usize,
    /// Civil day before which retention has removed all calls: they do not come back with a later dump.
    kept_from: Option<i32>,
}

impl<'a, 'l> Batch<'a, 'l> {
    /// The next batch of the lake.
    ///
    /// # Errors
    /// The lake's log cannot be read.
    pub fn begin(lake: &'l Lake, former: Option<&'a Mask>) -> Result<Self> {
        let finished = lake.finished_batch()?;
        Ok(Self {
            lake,
            former,
            number: finished + 1,
            texts: Texts::default(),
            renumbered: Vec::new(),
            written: Vec::new(),
            finished,
            legs: Vec::new(),
            quality: Vec::new(),
            segments: 0,
            kept_from: lake.kept_from()?,
        })
    }

    /// Writes the parts, which are in order of input and line; `inputs` are those of the batch.
    ///
    /// # Errors
    /// A file of the lake cannot be read or written.
    pub fn segment(&mut self, pool: &mut Pool<'_>, parts: &mut [Part], inputs: &mut [Input<'_>]) -> Result<()> {
        self.take_texts(pool);
        let renumbered = &self.renumbered;
        let seen = parts.par_iter_mut().map(|part| {
            part.legs.renumber(&renumbered[part.worker]);
            part.pieces.iter().map(|piece| Seen::of(&part.legs, piece)).collect()
        });
        let seen: Vec<Vec<Seen>> = seen.collect();
        for (part, seen) in parts.iter_mut().zip(seen) {
            for (piece, seen) in part.pieces.iter().zip(&seen) {
                let input = &mut inputs[piece.input];
                input.see(seen);
                part.legs.input_id[piece.rows.clone()].fill(input.input_id);
            }
        }
        number_equal_texts(parts, inputs);
        let records: Vec<_> = parts.iter().map(|part| LegRecords::of(part, &self.texts)).collect();
        let before = self.before(Table::Legs, &records)?;
        let fates = repeats::sort_out(&before, &repeats::LEGS, &records, self.former)?;
        let mut rejects: Vec<Vec<RejectRow>> = inputs.iter().map(|_| Vec::new()).collect();
        for (part, fates) in parts.iter_mut().zip(fates) {
            tally(part, &fates, self.kept_from, inputs, &mut rejects);
        }
        let quality = self.new_quality(parts, inputs, &mut rejects)?;
        for (rejects, refused) in rejects.iter_mut().zip(take_rejects(parts, inputs)) {
            rejects.extend(refused);
            rejects.sort_by_key(|reject| reject.line);
        }
        let rejects = rejects.iter().zip(&*inputs).filter(|(rows, _)| !rows.is_empty());
        let rejects = rejects.map(|(rows, input)| rejects_batch(input.input_id, rows));
        let rejects: Vec<RecordBatch> = rejects.collect::<Result<_, _>>().map_err(|e| broken(&e))?;
        let nodes: Vec<TextId> = inputs.iter().map(|input| self.texts.id(Some(input.marks().node))).collect();
        self.segments += 1;
        let legs: Vec<&Legs> = parts.iter().map(|part| &part.legs).collect();
        let rows: usize = legs.iter().map(|legs| legs.len()).sum();
        let (with_legs, with_rest) = rayon::join(
            || self.put(Table::Legs, rows, |file| file.append_legs(&legs, &self.texts)),
            || -> Result<Vec<_>> {
                let (usage, traffic) = self.roll_ups(parts, &nodes);
                let mut files = Vec::new();
                for (table, rows) in [
                    (Table::Usage, vec![usage]),
                    (Table::Traffic, vec![traffic]),
                    (Table::Quality, quality),
                    (Table::Rejects, rejects),
                ] {
                    files.extend(self.put_rows(table, &rows)?);
                }
                Ok(files)
            },
        );
        let files: Vec<_> = with_legs?.into_iter().chain(with_rest?).collect();
        for (table, file) in &files {
            let path = self.lake.folder().join(table.name()).join(file.name());
            match table {
                Table::Legs => self.legs.push(path),
                Table::Quality => self.quality.push(path),
                _ => {}
            }
        }
        self.written.extend(files);
        Ok(())
    }

    /// Makes the batch count, with a row of `inputs` for each of them.
    ///
    /// # Errors
    /// The lake cannot be written; then the batch does not count.
    pub fn commit(mut self, inputs: &[Input<'_>], now: DateTime<Utc>) -> Result<Ledger> {
        let rows = inputs_batch(inputs, self.number, now).map_err(|e| broken(&e))?;
        let row = self.put_rows(Table::Inputs, &[rows])?;
        let mut by_table: Vec<(Table, Vec<Written>)> = Vec::new();
        for (table, file) in self.written.drain(..).chain(row) {
            match by_table.iter_mut().find(|(there, _)| *there == table) {
                Some((_, files)) => files.push(file),
                None => by_table.push((table, vec![file])),
            }
        }
        self.lake.append_batch(self.number, by_table)?;
        let mut sum = Ledger::default();
        for input in inputs {
            debug_assert!(input.ledger.balances(), "{}: {:?}", input.name, input.ledger);
            sum += input.ledger;
        }
        Ok(sum)
    }

    /// Data files that may hold some of these records already: of earlier batches those of their days, and this batch's own.
    fn before<R: repeats::Records>(&self, table: Table, records: &[R]) -> Result<Vec<PathBuf>> {
        let Some((first, last)) = repeats::span(records) else { return Ok(Vec::new()) };
        let day = |moment: i64| moment.div_euclid(DAY_US);
        let (first, last) = (day(first) - AROUND_DAYS, day(last) + AROUND_DAYS);
        let within = |day: i64| i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX });
        let mut files = self.lake.files_of(table, self.finished, (within(first), within(last)))?;
        files.extend(if table == Table::Legs { &self.legs } else { &self.quality }.iter().cloned());
        Ok(files)
    }

    /// Gives a file what it has no log for yet.
    fn put(
        &self,
        table: Table,
        rows: usize,
        append: impl FnOnce(&mut DataFile) -> Result<()>,
    ) -> Result<Option<(Table, Written)>> {
        if rows == 0 {
            return Ok(None);
        }
        let mut file = self.lake.data_file(table, self.number, self.segments)?;
        append(&mut file)?;
        Ok(Some((table, file.finish()?)))
    }

    fn put_rows(&self, table: Table, rows: &[RecordBatch]) -> Result<Option<(Table, Written)>> {
        let rows = compute::concat_batches(&table.schema(), rows).map_err(|e| broken(&e))?;
        self.put(table, rows.num_rows(), |file| file.append(&rows))
    }

    /// Texts that the workers have met since the last segment.
    fn take_texts(&mut self, pool: &mut Pool<'_>) {
        for (number, worker) in pool.workers() {
            if self.renumbered.len() <= *number {
                self.renumbered.resize_with(*number + 1, Vec::new);
            }
            let known = &mut self.renumbered[*number];
            for id in known.len()..worker.texts.len() {
                known.push(self.texts.id(worker.texts.text(id as TextId)));
            }
        }
    }

    /// Usage and traffic of the parts, counted on all cores.
    fn roll_ups(&self, parts: &[Part], nodes: &[TextId]) -> (RecordBatch, RecordBatch) {
        let texts = &self.texts;
        // Numbers are about half of it.
        let others = [Subject::Device, Subject::User, Subject::Group];
        let halves: [&[Subject]; 2] = [&[Subject::Number], &others];
        let share = parts.len().div_ceil((rayon::current_num_threads() / halves.len()).max(1)).max(1);
        let counted: Vec<(Usage, Traffic)> = halves
            .par_iter()
            .map(|half| {
                let counted = parts.par_chunks(share).map(|parts| {
                    let (mut usage, mut traffic) = (Usage::only(half), Traffic::default());
                    for part in parts {
                        usage.add(&part.legs, texts);
                        for piece in part.pieces.iter().filter(|_| half.contains(&Subject::Number)) {
                            traffic.add(&part.legs, piece.rows.clone(), nodes[piece.input]);
                        }
                    }
                    (usage, traffic)
                });
                let mut counted = counted.collect::<Vec<_>>().into_iter();
                let (mut usage, mut traffic) = counted.next().unwrap_or_default();
                for (more_usage, more_traffic) in counted {
                    usage.merge(&more_usage);
                    traffic.merge(&more_traffic);
                }
                (usage, traffic)
            })
            .collect();
        let usage: Vec<&Usage> = counted.iter().map(|(usage, _)| usage).collect();
        let mut traffic = Traffic::default();
        counted.iter().for_each(|(_, more)| traffic.merge(more));
        (Usage::batch_of(&usage, texts, self.number), traffic.batch(texts, self.number))
    }

    /// The reports that are new.
    fn new_quality(
        &self,
        parts: &mut [Part],
        inputs: &mut [Input<'_>],
        rejects: &mut [Vec<RejectRow>],
    ) -> Result<Vec<RecordBatch>> {
        let mut told = Vec::new();
        for piece in parts.iter_mut().flat_map(|part| &mut part.pieces) {
            let Some(rows) = piece.quality.take() else { continue };
            told.push((piece.input, of_input(&rows, inputs[piece.input].input_id).map_err(|e| broken(&e))?));
        }
        let records: Vec<_> = told.iter().map(|(_, rows)| Reports(rows)).collect();
        let before = self.before(Table::Quality, &records)?;
        let fates = repeats::sort_out(&before, &repeats::QUALITY, &records, None)?;
        let mut new = Vec::new();
        for ((input, rows), fates) in told.iter().zip(fates) {
            let ledger = &mut inputs[*input].ledger;
            let days = rows.column_by_name("local_day").map(|days| days.as_primitive::<Date32Type>().values());
            let is_gone = |row: usize| self.kept_from.zip(days).is_some_and(|(day, days)| days[row] < day);
            let stays: Vec<bool> = fates.kept.iter().enumerate().map(|(row, kept)| *kept && !is_gone(row)).collect();
            let kept = stays.iter().filter(|stays| **stays).count();
            let gone = (0..stays.len()).filter(|row| is_gone(*row)).count();
            let conflicts: Vec<usize> = fates.conflicts.into_iter().filter(|row| !is_gone(*row)).collect();
            count(ledger, stays.len(), [kept, gone, conflicts.len()]);
            rejects[*input].extend(conflicts.into_iter().map(|row| RejectRow::conflict(line(rows, row))));
            let kept = BooleanArray::from(stays);
            new.push(compute::filter_record_batch(rows, &kept).map_err(|e| broken(&e))?);
        }
        Ok(new)
    }
}

/// Puts the fates of a part's legs into the ledgers, and leaves those that are kept. Records from before `kept_from` are
/// skipped, be they new or not.
fn tally(
    part: &mut Part,
    fates: &Fates,
    kept_from: Option<i32>,
    inputs: &mut [Input<'_>],
    rejects: &mut [Vec<RejectRow>],
) {
    let is_gone = |row: usize| kept_from.is_some_and(|day| part.legs.local_day[row] < day);
    let stays: Vec<bool> = fates.kept.iter().enumerate().map(|(row, kept)| *kept && !is_gone(row)).collect();
    let mut start = 0;
    for piece in &mut part.pieces {
        let ledger = &mut inputs[piece.input].ledger;
        let kept = stays[piece.rows.clone()].iter().filter(|stays| **stays).count();
        let gone = piece.rows.clone().filter(|row| is_gone(*row)).count();
        let conflicts = fates.conflicts.iter().filter(|row| piece.rows.contains(row) && !is_gone(**row));
        let lines: Vec<u64> = conflicts.map(|row| part.legs.record_no[*row].unsigned_abs()).collect();
        count(ledger, piece.rows.len(), [kept, gone, lines.len()]);
        rejects[piece.input].extend(lines.into_iter().map(RejectRow::conflict));
        piece.rows = start..start + kept;
        start += kept;
    }
    if start < stays.len() {
        part.legs.retain(&stays);
    }
}

/// Puts the fates of so many records into a ledger: what is neither kept, nor gone by retention, nor in conflict is repeated.
fn count(ledger: &mut Ledger, records: usize, [kept, gone, conflicts]: [usize; 3]) {
    ledger.kept += kept as u64;
    ledger.skipped += gone as u64;
    ledger.rejected += conflicts as u64;
    ledger.repeated += (records - kept - gone - conflicts) as u64;
}

/// What the readers rejected, by input; what they read and skipped goes into the ledgers.
fn take_rejects(parts: &mut [Part], inputs: &mut [Input<'_>]) -> Vec<Vec<RejectRow>> {
    let mut rejects: Vec<Vec<RejectRow>> = inputs.iter().map(|_| Vec::new()).collect();
    for piece in parts.iter_mut().flat_map(|part| &mut part.pieces) {
        let ledger = &mut inputs[piece.input].ledger;
        ledger.read += piece.read;
        ledger.skipped += piece.skipped;
        ledger.rejected += piece.rejects.len() as u64;
        rejects[piece.input].append(&mut piece.rejects);
    }
    rejects
}

/// The same rows as those of an input, now that its number is known.
fn of_input(rows: &RecordBatch, input_id: i64) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut columns = rows.columns().to_vec();
    columns[rows.schema().index_of("input_id")?] = Arc::new(Int64Array::from_value(input_id, rows.num_rows()));
    RecordBatch::try_new(rows.schema(), columns)
}

fn line(rows: &RecordBatch, row: usize) -> u64 {
    rows.column_by_name("record_no").map_or(0, |c| c.as_primitive::<Int64Type>().value(row).unsigned_abs())
}

/// Rows of `rejects`.
fn rejects_batch(input_id: i64, rejects: &[RejectRow]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text =
        |of: fn(&RejectRow) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rejects.iter().map(of))) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_value(input_id, rejects.len())),
        Arc::new(Int64Array::from_iter_values(rejects.iter().map(|r| r.line as i64))),
        text(|r| r.reason.word()),
        text(|r| &r.detail),
        text(|r| &r.raw),
    ];
    RecordBatch::try_new(Table::Rejects.schema(), columns)
}

fn inputs_batch(inputs: &[Input<'_>], batch: i64, now: DateTime<Utc>) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |of: &dyn Fn(&Input<'_>) -> String| -> ArrayRef {
        Arc::new(inputs.iter().map(|input| Some(of(input))).collect::<StringArray>())
    };
    let number =
        |of: &dyn Fn(&Input<'_>) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(inputs.iter().map(of))) };
    let option = |of: &dyn Fn(&Input<'_>) -> Option<i64>| -> ArrayRef {
        Arc::new(inputs.iter().map(of).collect::<Int64Array>())
    };
    let instants = |of: &dyn Fn(&Input<'_>) -> Option<i64>| -> ArrayRef {
        Arc::new(inputs.iter().map(of).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let flag = |of: &dyn Fn(&Input<'_>) -> bool| -> ArrayRef {
        Arc::new(inputs.iter().map(|input| Some(of(input))).collect::<BooleanArray>())
    };
    let mark = |of: fn(read::Marks<'_>) -> &str| -> ArrayRef {
        let words = inputs.iter().map(|input| Some(of(input.marks())).filter(|word| !word.is_empty()));
        Arc::new(words.collect::<StringArray>())
    };
    let keeps_order = |input: &Input<'_>| read::reader(&input.source.format).is_some_and(|r| r.keeps_order());
    let named_days = inputs.iter().map(|input| Some(civil_day(input.source, input.marks().named_at?)));
    RecordBatch::try_new(
        Table::Inputs.schema(),
        vec![
            number(&|input| input.input_id),
            text(&|input| input.hash.to_hex().to_string()),
            text(&|input| input.name.clone()),
            number(&|input| input.size as i64),
            text(&|input| input.source.name.clone()),
            text(&|input| input.source.format.clone()),
            text(&|input| {
                let mask = input.mask.map(Mask::options);
                let options = [Some(&input.options).filter(|options| !options.is_empty()), mask.as_ref()];
                options.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("; ")
            }),
            number(&|input| input.ledger.read as i64),
            number(&|input| input.ledger.kept as i64),
            number(&|input| input.ledger.repeated as i64),
            number(&|input| input.ledger.skipped as i64),
            number(&|input| input.ledger.rejected as i64),
            instants(&|input| input.first_us),
            instants(&|input| input.last_us),
            mark(|marks| marks.node),
            mark(|marks| marks.family),
            option(&|input| input.marks().sequence),
            instants(&|input| Some(input.marks().named_at? * 1_000_000)),
            Arc::new(named_days.collect::<Date32Array>()),
            option(&|input| keeps_order(input).then_some(input.back_s)),
            flag(&|input| input.names_devices),
            flag(&|input| input.names_users),
            number(&|_| batch),
            instants(&|_| Some(now.timestamp_micros())),
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
