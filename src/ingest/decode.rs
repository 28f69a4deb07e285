//! One input to columns: blocks of whole lines, decoded side by side and put together in order. Decides nothing about
//! repeats.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use rayon::prelude::*;

use crate::config::Source;
use crate::discover::Text;
use crate::error::{Error, Result};
use crate::lake::Table;
use crate::ledger::Ledger;
use crate::leg::LegBuilder;
use crate::normalise::{Normaliser, Trunks, ordinal_key};
use crate::quality::QualityBuilder;
use crate::read::{
    About, Block, Decoder, RawQuality, RawRecord, ReadError, RecordId, Reject, Sink, Skip, next_block, reader,
};

/// Bytes of a block: big enough to be worth a task, small enough that a large file keeps all cores busy.
const BLOCK_BYTES: usize = 2 << 20;
/// The most of a text that must be decoded in one piece.
const WHOLE_BYTES: usize = 256 << 20;
/// Blocks read ahead of the decoders.
const BLOCKS_AHEAD: usize = 16;
/// Of a rejected line this many bytes are kept; each that is no text becomes a mark of three.
const RAW_BYTES: usize = 512;

/// An input in columns, its records not yet told new from repeated.
#[derive(Debug, Default)]
pub struct Decoded {
    /// What the reader detected.
    pub options: String,
    /// Rows of [`crate::leg::schema`], in order of line.
    pub legs: Vec<RecordBatch>,
    /// Rows of [`crate::quality::schema`].
    pub quality: Vec<RecordBatch>,
    pub rejects: Vec<RejectRow>,
    /// `read`, `skipped` and `rejected` are counted; `kept` and `repeated` are not known yet.
    pub ledger: Ledger,
    /// Whether the records carry no id of the vendor's: then equal keys are equal texts and cannot conflict.
    pub by_text: bool,
    /// The farthest that the end of a record lies before the end of the one above it, in seconds; none where the
    /// platform keeps no order. More than a call takes to be written down is a clock that was put back.
    pub clock_back_s: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectRow {
    pub line: u64,
    pub reason: Reject,
    pub detail: String,
    pub raw: String,
}

impl RejectRow {
    /// A record whose vendor id the lake has with other content.
    pub fn conflict(line: u64) -> Self {
        let detail = "the lake has this record id with other content; the first delivery stands".into();
        Self { line, reason: Reject::Conflict, detail, raw: String::new() }
    }
}

/// Reads the whole input.
///
/// # Errors
/// It cannot be read to its end, or its reader refuses it as a whole; then nothing of it is kept.
pub fn decode(source: &Source, text: &Text, trunks: &Trunks) -> Result<Decoded> {
    let refused = |what: String, hint| Error::Input { path: text.place(), what, hint };
    if text.size == 0 {
        return Err(refused("the file is empty".into(), "the transfer may have been cut; deliver it again"));
    }
    let reader = reader(&source.format)
        .ok_or_else(|| refused(format!("no reader for {}", source.format), "see [[source]] format"))?;
    let options = source.options();
    let about = About { name: text.file_name(), received_on: text.modified_on, options: &options };
    let decoder = reader.open(&mut *text.open()?, &about).map_err(|error| match error {
        ReadError::Io(error) => text.unreadable(error),
        ReadError::Refused { what, hint } => refused(what, hint),
    })?;
    let mut decoded = Decoded { options: decoder.options(), ..Decoded::default() };
    if decoder.takes_whole_text() && text.size > WHOLE_BYTES as u64 {
        return Err(refused("the file is larger than 256 MiB".into(), "ask for the records in smaller pages"));
    }
    let input_id = text.input_id(&source.name);
    let new = || Normaliser::new(source, reader.id(), trunks, input_id);
    let mut lines = text.open()?;
    let mut hasher = blake3::Hasher::new();
    let (mut line, mut done) = (1, false);
    while !done {
        let mut blocks = Vec::with_capacity(BLOCKS_AHEAD);
        while blocks.len() < BLOCKS_AHEAD && !done {
            let mut block = Vec::new();
            let size = if decoder.takes_whole_text() { WHOLE_BYTES } else { BLOCK_BYTES };
            if next_block(&mut *lines, size, &mut block).map_err(|e| text.unreadable(e))? {
                // What was kept is what was fingerprinted; what is read again may have changed.
                if text.may_change() {
                    hasher.update(&block);
                }
                let first_line = line;
                line += memchr::memchr_iter(b'\n', &block).count() as u64;
                blocks.push((first_line, block));
            } else {
                done = true;
            }
        }
        let parts: Vec<Part> = blocks.par_iter().map(|(line, bytes)| part(&*decoder, *line, bytes, new())).collect();
        for part in parts {
            decoded.ledger.read += part.read;
            decoded.ledger.skipped += part.skipped;
            decoded.ledger.rejected += part.rejects.len() as u64;
            decoded.by_text |= part.by_text;
            decoded.rejects.extend(part.rejects);
            if part.legs.num_rows() > 0 {
                decoded.legs.push(part.legs);
            }
            decoded.quality.extend(part.quality);
        }
    }
    if text.may_change() && hasher.finalize() != text.hash {
        return Err(refused("it changed while it was read".into(), "let the delivery finish, then run it again"));
    }
    if reader.keeps_order() {
        decoded.clock_back_s = Some(farthest_back(&decoded.legs));
    }
    if decoded.by_text {
        number_equal_texts(&mut decoded.legs);
    }
    Ok(decoded)
}

/// What one block gave.
struct Part {
    legs: RecordBatch,
    quality: Option<RecordBatch>,
    rejects: Vec<RejectRow>,
    read: u64,
    skipped: u64,
    by_text: bool,
}

fn part(decoder: &dyn Decoder, first_line: u64, bytes: &[u8], normaliser: Normaliser<'_>) -> Part {
    let mut gather = Gather {
        normaliser,
        legs: LegBuilder::default(),
        quality: QualityBuilder::default(),
        rejects: Vec::new(),
        read: 0,
        skipped: 0,
        by_text: false,
    };
    decoder.decode(Block { first_line, bytes }, &mut gather);
    let Gather { mut legs, mut quality, rejects, read, skipped, by_text, .. } = gather;
    let quality = (!quality.is_empty()).then(|| quality.finish());
    Part { legs: legs.finish(), quality, rejects, read, skipped, by_text }
}

struct Gather<'a> {
    normaliser: Normaliser<'a>,
    legs: LegBuilder,
    quality: QualityBuilder,
    rejects: Vec<RejectRow>,
    read: u64,
    skipped: u64,
    by_text: bool,
}

impl Sink for Gather<'_> {
    fn record(&mut self, raw: &RawRecord<'_>) {
        self.read += 1;
        self.by_text |= matches!(raw.id, RecordId::Text(_));
        let legs = &mut self.legs;
        self.normaliser.leg(raw, |leg| legs.push(leg));
    }

    fn quality(&mut self, raw: &RawQuality<'_>) {
        self.read += 1;
        let quality = &mut self.quality;
        self.normaliser.quality(raw, |report| quality.push(report));
    }

    fn skip(&mut self, _line: u64, _why: Skip) {
        self.read += 1;
        self.skipped += 1;
    }

    fn reject(&mut self, line: u64, why: Reject, detail: &str, raw: &[u8]) {
        self.read += 1;
        let raw = String::from_utf8_lossy(&raw[..raw.len().min(RAW_BYTES)]).into_owned();
        self.rejects.push(RejectRow { line, reason: why, detail: detail.to_string(), raw });
    }
}

/// Records are written when calls end: the ends never go back by much.
fn farthest_back(legs: &[RecordBatch]) -> i64 {
    let (mut last, mut farthest) = (i64::MIN, 0);
    for rows in legs {
        let columns = ["started_at", "ring_s", "talk_s"].map(|name| rows.column_by_name(name));
        let [Some(started), Some(ring), Some(talk)] = columns else { continue };
        let started = started.as_primitive::<TimestampMicrosecondType>();
        let (ring, talk) = (ring.as_primitive::<Int32Type>(), talk.as_primitive::<Int32Type>());
        for row in 0..rows.num_rows() {
            let ring_s = if ring.is_valid(row) { i64::from(ring.value(row)) } else { 0 };
            let end = started.value(row) / 1_000_000 + ring_s + i64::from(talk.value(row));
            farthest = farthest.max(last.saturating_sub(end));
            last = end;
        }
    }
    farthest
}

/// Equal texts of one civil day are different calls: each gets its ordinal worked into its key.
fn number_equal_texts(legs: &mut [RecordBatch]) {
    let mut seen: HashMap<(i64, i32), u32> = HashMap::new();
    for rows in legs {
        let keys = rows.column(0).as_primitive::<Int64Type>();
        let Some(days) = rows.column_by_name("local_day").map(|c| c.as_primitive::<Date32Type>()) else { continue };
        let numbered = keys.values().iter().zip(days.values()).map(|(key, day)| {
            let ordinal = seen.entry((*key, *day)).or_default();
            *ordinal += 1;
            ordinal_key(*key, *ordinal - 1)
        });
        let numbered: ArrayRef = Arc::new(Int64Array::from_iter_values(numbered));
        let mut columns = rows.columns().to_vec();
        columns[0] = numbered;
        *rows = RecordBatch::try_new(rows.schema(), columns).expect("one column in place of its like");
    }
}

/// Rows of `rejects`.
pub fn rejects_batch(input_id: i64, rejects: &[RejectRow]) -> Result<RecordBatch, arrow::error::ArrowError> {
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
