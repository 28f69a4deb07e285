//! The batch: new files, through reader and normaliser, into the lake exactly once. Decodes on all cores; decides
//! which records are new; keeps the ledger. Finds no files itself and knows no format.

mod batch;
mod claim;
mod decode;
mod input;
mod repeats;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use arrow::array::AsArray;
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde::Serialize;

use crate::config::{Config, Source};
use crate::discover::{Found, Limits, Text};
use crate::error::{Error, Result};
use crate::lake::{Lake, Table};
use crate::ledger::Ledger;
use crate::normalise::Trunks;
use crate::privacy::{Mask, Masks, OPTION};
use crate::read;
use batch::Batch;
pub use claim::Claim;
use decode::{Part, Pool, Reading};
use input::Input;

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
    /// Files of sources whose outside numbers are not kept any more, read when they still were.
    pub plain: BTreeMap<String, u64>,
    /// Version of the lake after it.
    pub version: u64,
}

/// Files whose bytes add up to this, or this many of them, are unpacked together, and are a batch.
const GROUP_BYTES: u64 = 128 << 20;
const GROUP_FILES: usize = 20_000;
/// Legs that make a segment, the most that is in memory at once.
const SEGMENT_ROWS: usize = 768 * 1024;
/// Shorter texts are decoded one after the other, as many in a task as make this together.
const SHORT_BYTES: u64 = 1 << 20;

/// Reads `work` into the lake. `trunks` has the trunk list of each source by name, `masks` what stands for outside numbers
/// of those that do not keep them; `progress` is told of every file that is done, with its size on disk.
///
/// # Errors
/// The lake cannot be written, or would be given outside numbers that it was to have no more. A file that cannot be read is an entry of [`Outcome::errors`] and stops no other.
pub fn ingest(
    config: &Config,
    lake: &Lake,
    mut work: Vec<Work<'_>>,
    trunks: &HashMap<String, Trunks>,
    masks: &Masks,
    now: DateTime<Utc>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Outcome> {
    let order: HashMap<&str, usize> = config.sources.iter().enumerate().map(|(i, s)| (s.name.as_str(), i)).collect();
    let place = |work: &Work<'_>| match work.claim {
        Claim::Of(source) => order.get(source.name.as_str()).copied(),
        Claim::Any(_) => None,
    };
    work.sort_by(|a, b| (place(a), &a.file).cmp(&(place(b), &b.file)));
    let known = known_inputs(lake, masks)?;
    if let Some(source) = known.other_key.first() {
        return Err(Error::Config {
            place: format!("source {source:?}"),
            what: "the lake has it by another line `records …` of the key file: what is read again would count twice"
                .into(),
            hint: "restore the key file from its backup, or name a new folder in [lake] path and ingest again".into(),
        });
    }
    if let Some(source) = config.sources.iter().find(|s| !masks.contains_key(&s.name) && known.masked.contains(&s.name))
    {
        return Err(Error::Config {
            place: format!("source {:?}", source.name),
            what: "its outside numbers are to be kept, and the lake has it without them: its calls would count twice"
                .into(),
            hint: "set outside_numbers as it was, or name a new folder in [lake] path and ingest again".into(),
        });
    }
    let mut run = Run {
        lake,
        now,
        pool: Pool::new(trunks, masks),
        masks,
        known,
        outcome: Outcome::default(),
        batch: None,
        inputs: Vec::new(),
        parts: Vec::new(),
    };
    let found = work.len();
    work.retain(|w| !matches!(w.claim, Claim::Of(source) if is_active(source, w.file.file_name())));
    run.outcome.active = (found - work.len()) as u64;
    let mut rest = work.as_slice();
    while !rest.is_empty() {
        let (group, later) = rest.split_at(group_size(rest));
        rest = later;
        let limits = Limits::default();
        let texts: Vec<_> = group.par_iter().map(|work| claimed(work, &limits, lake.folder())).collect();
        let mut fresh = Vec::new();
        for claimed in texts.into_iter().flatten() {
            match claimed {
                Ok((source, text)) if is_active(source, text.file_name()) => run.outcome.active += 1,
                Ok((source, text)) if run.is_known(source, &text)? => run.outcome.inputs.repeated += 1,
                Ok(input) => fresh.push(input),
                Err(error) => run.outcome.errors.push(error),
            }
        }
        let mut fresh = fresh.as_slice();
        while let [(source, text), others @ ..] = fresh {
            if text.length().is_none_or(|length| length > SHORT_BYTES) {
                run.long(source, text)?;
                fresh = others;
            } else {
                let short = fresh.iter().take_while(|(_, text)| text.length().is_some_and(|n| n <= SHORT_BYTES));
                let (short, others) = fresh.split_at(short.count());
                run.short(short)?;
                fresh = others;
            }
        }
        run.commit()?;
        group.iter().for_each(|work| progress(size_on_disk(work)));
    }
    let mut outcome = run.outcome;
    outcome.plain = run.known.plain;
    outcome.plain.retain(|source, _| masks.contains_key(source));
    outcome.inputs.failed = outcome.errors.len() as u64;
    outcome.version = lake.version()?;
    Ok(outcome)
}

/// The files of one run on their way.
struct Run<'a, 'l> {
    lake: &'l Lake,
    now: DateTime<Utc>,
    pool: Pool<'a>,
    masks: &'a Masks,
    known: Known,
    outcome: Outcome,
    /// Begun once a segment is full.
    batch: Option<Batch<'a, 'l>>,
    /// Inputs of the batch, and what of them is not written yet.
    inputs: Vec<Input<'a>>,
    parts: Vec<Part>,
}

impl<'a> Run<'a, '_> {
    /// Whether the lake, or this run, has the text. A long one is not read for that unless the lake has one of its name.
    fn is_known(&mut self, source: &Source, text: &Text) -> Result<bool> {
        let hash = match text.fingerprint() {
            Some((hash, _)) => hash,
            None if !self.known.names.contains(&(source.name.clone(), text.name.clone())) => return Ok(false),
            None => match text.read_fingerprint() {
                Ok(hash) => hash,
                // Whoever reads it next says so.
                Err(_) => return Ok(false),
            },
        };
        let identity = (source.name.clone(), hash);
        // What is only looked at is put down when it was read.
        Ok(if text.fingerprint().is_some() {
            !self.known.inputs.insert(identity)
        } else {
            self.known.inputs.contains(&identity)
        })
    }

    /// Texts of a block at most, many to a task.
    fn short(&mut self, texts: &[(&'a Source, Text)]) -> Result<()> {
        let first = self.inputs.len();
        self.inputs.extend(texts.iter().map(|(source, text)| Input::new(source, self.masks, text)));
        let numbered = texts.iter().enumerate().map(|(n, (source, text))| (first + n, *source, text));
        let mut tasks: Vec<Vec<(usize, &'a Source, &Text)>> = Vec::new();
        let mut bytes = u64::MAX;
        for one in numbered {
            let length = one.2.length().unwrap_or(0);
            if bytes.saturating_add(length) > SHORT_BYTES {
                tasks.push(Vec::new());
                bytes = 0;
            }
            bytes += length;
            if let Some(task) = tasks.last_mut() {
                task.push(one);
            }
        }
        let pool = &self.pool;
        let done: Vec<_> = tasks.par_iter().map(|task| decode::together(pool, task)).collect();
        let mut failed = HashSet::new();
        for (part, outcomes) in done {
            self.parts.push(part);
            for (input, outcome) in outcomes {
                match outcome {
                    Ok(options) => self.inputs[input].options = options,
                    Err(error) => {
                        let input_ = &self.inputs[input];
                        self.known.inputs.remove(&(input_.source.name.clone(), input_.hash));
                        self.outcome.errors.push(error);
                        failed.insert(input);
                    }
                }
            }
        }
        self.leave_out(&failed);
        if self.rows() > SEGMENT_ROWS { self.commit() } else { Ok(()) }
    }

    /// One text, block by block on all cores; written in segments where it does not fit in memory.
    fn long(&mut self, source: &'a Source, text: &Text) -> Result<()> {
        let input = self.inputs.len();
        self.inputs.push(Input::new(source, self.masks, text));
        let (parts_before, mut is_alone) = (self.parts.len(), false);
        let read = self.read(source, text, input, &mut is_alone);
        match read {
            Ok(true) => {}
            Ok(false) => {
                self.outcome.inputs.repeated += 1;
                self.take_back(is_alone, parts_before);
            }
            Err(Failed::Input(error)) => {
                if let Some((hash, _)) = text.fingerprint() {
                    self.known.inputs.remove(&(source.name.clone(), hash));
                }
                self.outcome.errors.push(error);
                self.take_back(is_alone, parts_before);
            }
            Err(Failed::Lake(error)) => return Err(error),
        }
        if is_alone || self.rows() > SEGMENT_ROWS { self.commit() } else { Ok(()) }
    }

    /// Forgets the last input, with what was written of it where it is alone in its batch.
    fn take_back(&mut self, is_alone: bool, parts_before: usize) {
        self.inputs.pop();
        self.parts.truncate(if is_alone { 0 } else { parts_before });
        if is_alone {
            self.batch = None;
        }
    }

    /// Whether it was new.
    fn read(&mut self, source: &'a Source, text: &Text, mut input: usize, is_alone: &mut bool) -> Result<bool, Failed> {
        let mut reading = Reading::open(source, text).map_err(Failed::Input)?;
        let mut ahead = None;
        let mut rows = 0;
        while let Some(parts) = reading.next(&self.pool, input).map_err(Failed::Input)? {
            rows += parts.iter().map(weight).sum::<usize>();
            self.parts.extend(parts);
            if rows <= SEGMENT_ROWS {
                continue;
            }
            if !*is_alone {
                // It does not fit: what came before it is a batch of its own, and so is it.
                if let Some(known) = reading.fingerprint_ahead().map_err(Failed::Input)? {
                    if self.known.inputs.contains(&(source.name.clone(), known.0)) {
                        return Ok(false);
                    }
                    ahead = Some(known);
                }
                input = self.set_apart(input).map_err(Failed::Lake)?;
                if let Some((hash, size)) = ahead {
                    self.inputs[input].is(hash, size);
                }
                *is_alone = true;
            }
            self.segment().map_err(Failed::Lake)?;
            rows = 0;
        }
        if !text.is_as_it_was() {
            return Err(Failed::Input(decode::changed(text)));
        }
        let found = &mut self.inputs[input];
        found.options = reading.options();
        if let Some((hash, size)) = reading.fingerprint() {
            if ahead.is_some_and(|(expected, _)| expected != hash) || text.fingerprint().is_some_and(|(h, _)| h != hash)
            {
                return Err(Failed::Input(decode::changed(text)));
            }
            found.is(hash, size);
            if size == 0 {
                let (what, hint) = ("the file is empty".into(), "the transfer may have been cut; deliver it again");
                return Err(Failed::Input(Error::Input { path: text.place(), what, hint }));
            }
            if text.fingerprint().is_none() && !self.known.inputs.insert((source.name.clone(), hash)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Commits all inputs but the last, which becomes the first of the next batch.
    fn set_apart(&mut self, input: usize) -> Result<usize> {
        let last = self.inputs.split_off(input);
        let (mut of_last, before): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.parts).into_iter().partition(|part| part.pieces.iter().all(|p| p.input == input));
        self.parts = before;
        // The texts of the last are still needed.
        self.write_batch()?;
        of_last.iter_mut().flat_map(|part| &mut part.pieces).for_each(|piece| piece.input = 0);
        (self.inputs, self.parts) = (last, of_last);
        Ok(0)
    }

    /// Forgets inputs that failed.
    fn leave_out(&mut self, failed: &HashSet<usize>) {
        if failed.is_empty() {
            return;
        }
        for part in &mut self.parts {
            let mut kept = vec![true; part.legs.len()];
            part.pieces.iter().filter(|p| failed.contains(&p.input)).for_each(|p| kept[p.rows.clone()].fill(false));
            part.pieces.retain(|piece| !failed.contains(&piece.input));
            part.legs.retain(&kept);
            let mut start = 0;
            for piece in &mut part.pieces {
                piece.rows = start..start + piece.rows.len();
                start = piece.rows.end;
                piece.input -= failed.iter().filter(|input| **input < piece.input).count();
            }
        }
        let mut input = 0;
        self.inputs.retain(|_| {
            input += 1;
            !failed.contains(&(input - 1))
        });
    }

    /// Legs, reports and rejects in memory.
    fn rows(&self) -> usize {
        self.parts.iter().map(weight).sum()
    }

    fn segment(&mut self) -> Result<()> {
        if self.batch.is_none() {
            self.batch = Some(Batch::begin(self.lake, self.former())?);
        }
        let Some(batch) = &mut self.batch else { return Ok(()) };
        batch.segment(&mut self.pool, &mut self.parts, &mut self.inputs)?;
        self.parts.clear();
        Ok(())
    }

    /// What tells a record that the lake may have from a time when its source kept outside numbers.
    fn former(&self) -> Option<&'a Mask> {
        self.known.plain.keys().find_map(|source| self.masks.get(source))
    }

    /// Makes what was read count, and lets go of its texts.
    fn commit(&mut self) -> Result<()> {
        self.write_batch()?;
        // No part is left that any of them belongs to.
        self.pool.workers().iter_mut().for_each(|(_, worker)| worker.forget());
        Ok(())
    }

    fn write_batch(&mut self) -> Result<()> {
        if self.inputs.is_empty() {
            return Ok(());
        }
        if !self.parts.is_empty() || self.batch.is_none() {
            self.segment()?;
        }
        let inputs = std::mem::take(&mut self.inputs);
        if let Some(batch) = self.batch.take() {
            self.outcome.records += batch.commit(&inputs, self.now)?;
        }
        self.outcome.inputs.new += inputs.len() as u64;
        Ok(())
    }
}

/// Whose fault it is that a text was not read.
enum Failed {
    Input(Error),
    Lake(Error),
}

fn weight(part: &Part) -> usize {
    let of_piece =
        |piece: &decode::Piece| piece.rejects.len() * 4 + piece.quality.as_ref().map_or(0, |rows| rows.num_rows());
    part.legs.len() + part.pieces.iter().map(of_piece).sum::<usize>()
}

fn is_active(source: &Source, name: &str) -> bool {
    read::reader(&source.format).is_some_and(|reader| reader.is_active(name))
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
        bytes <= GROUP_BYTES
    };
    work.iter().take(GROUP_FILES).take_while(fits).count().max(1)
}

fn size_on_disk(work: &Work<'_>) -> u64 {
    work.file.path.metadata().map_or(0, |m| m.len())
}

/// What the lake has read. An input is its source and its content: the same bytes may be delivered to two sources, once by
/// mistake.
#[derive(Debug, Default)]
struct Known {
    inputs: HashSet<(String, blake3::Hash)>,
    /// Sources and names.
    names: HashSet<(String, String)>,
    /// Files of each source that were read with outside numbers kept, and sources that were read without them.
    plain: BTreeMap<String, u64>,
    masked: HashSet<String>,
    /// Sources that were read with another key file.
    other_key: BTreeSet<String>,
}

fn known_inputs(lake: &Lake, masks: &Masks) -> Result<Known> {
    let mut known = Known::default();
    let files = lake.files(Table::Inputs, lake.finished_batch()?)?;
    lake.fetch(&files)?;
    repeats::scan(&files.paths, &["content_hash", "source", "name", "options"], |batch| {
        let text =
            |name: &str| batch.column_by_name(name).map(|c| c.as_string::<i32>().iter().flatten().map(str::to_string));
        let hashes = text("content_hash").into_iter().flatten();
        for (source, options) in text("source").into_iter().flatten().zip(text("options").into_iter().flatten()) {
            if masks.get(&source).is_some_and(|mask| mask.knows_others(&options)) {
                known.other_key.insert(source.clone());
            }
            match options.contains(OPTION) {
                true => drop(known.masked.insert(source)),
                false => *known.plain.entry(source).or_default() += 1,
            }
        }
        for ((source, hash), name) in
            text("source").into_iter().flatten().zip(hashes).zip(text("name").into_iter().flatten())
        {
            known.inputs.extend(blake3::Hash::from_hex(&hash).ok().map(|hash| (source.clone(), hash)));
            known.names.insert((source, name));
        }
        Ok(())
    })?;
    Ok(known)
}
