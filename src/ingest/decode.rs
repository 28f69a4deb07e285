//! A text to columns: blocks of whole lines, decoded side by side and put together in order; the next ones are read and
//! fingerprinted meanwhile. Decides nothing about repeats.

use std::collections::HashMap;
use std::io::BufRead;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use rayon::prelude::*;

use crate::config::Source;
use crate::discover::Text;
use crate::error::{Error, Result};
use crate::leg::{Legs, Texts};
use crate::normalise::{Normaliser, Trunks};
use crate::privacy::Masks;
use crate::quality::QualityBuilder;
use crate::read::{
    About, Block, Decoder, LONGEST_LINE, RawQuality, RawRecord, ReadError, RecordId, Reject, Sink, Skip, next_block,
    reader,
};

/// Bytes of a block: big enough to be worth a task, small enough that a large file keeps all cores busy.
pub const BLOCK_BYTES: usize = 1 << 18;
/// The most of a text that must be decoded in one piece.
const WHOLE_BYTES: usize = 256 << 20;
/// Blocks read ahead of the decoders.
const BLOCKS_AHEAD: usize = 64;
/// Blocks that a task decodes one after the other: the columns of a part should not be many small pieces of memory.
const BLOCKS_A_PART: usize = 4;
/// Blocks that decoding begins with.
const BLOCKS_AT_FIRST: usize = 8;
/// Of a rejected line this many bytes are kept; each that is no text becomes a mark of three.
const RAW_BYTES: usize = 512;

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

/// Who decodes: each with texts of its own, so that nobody waits for anybody.
#[derive(Debug, Default)]
pub struct Worker<'a> {
    pub texts: Texts,
    normalisers: HashMap<&'a str, Normaliser<'a>>,
    /// Bytes and legs of the block before: how much room the next one needs.
    last: (usize, usize),
}

impl Worker<'_> {
    /// Lets its texts go, once nobody has a number of them.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Workers that are free. Each task takes one and puts it back; where none is free, one more is made.
#[derive(Debug)]
pub struct Pool<'a> {
    trunks: &'a HashMap<String, Trunks>,
    masks: &'a Masks,
    free: Mutex<Vec<(usize, Worker<'a>)>>,
    made: AtomicUsize,
}

impl<'a> Pool<'a> {
    pub fn new(trunks: &'a HashMap<String, Trunks>, masks: &'a Masks) -> Self {
        Self { trunks, masks, free: Mutex::default(), made: AtomicUsize::new(0) }
    }

    /// All workers, in order of their number, while none is at work.
    pub fn workers(&mut self) -> &mut Vec<(usize, Worker<'a>)> {
        let workers = self.free.get_mut().unwrap_or_else(PoisonError::into_inner);
        workers.sort_by_key(|(number, _)| *number);
        workers
    }

    fn take(&self) -> (usize, Worker<'a>) {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // A number is given once: what a part's texts are is told by it.
        free.unwrap_or_else(|| (self.made.fetch_add(1, Ordering::Relaxed), Worker::default()))
    }

    fn give_back(&self, worker: (usize, Worker<'a>)) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }
}

/// What a task gave: legs of one or more inputs, their texts being those of `worker`.
#[derive(Debug, Default)]
pub struct Part {
    pub worker: usize,
    pub legs: Legs,
    pub pieces: Vec<Piece>,
}

/// What a task gave of one input.
#[derive(Debug)]
pub struct Piece {
    /// Place of the input among those of the batch.
    pub input: usize,
    /// Its rows of the part's legs.
    pub rows: Range<usize>,
    /// Rows of [`crate::quality::schema`].
    pub quality: Option<RecordBatch>,
    pub rejects: Vec<RejectRow>,
    pub read: u64,
    pub skipped: u64,
    /// Whether the records carry no id of the vendor's: then equal keys are equal texts and cannot conflict.
    pub by_text: bool,
}

/// A text on its way through its reader.
pub struct Reading<'a, 't> {
    source: &'a Source,
    decoder: Box<dyn Decoder>,
    blocks: Blocks<'t>,
    ahead: Vec<(u64, Vec<u8>)>,
}

impl<'a, 't> Reading<'a, 't> {
    /// # Errors
    /// The text cannot be read, or its reader refuses it as a whole.
    pub fn open(source: &'a Source, text: &'t Text) -> Result<Self> {
        let refused = |what: String, hint| Error::Input { path: text.place(), what, hint };
        if text.length() == Some(0) {
            return Err(refused("the file is empty".into(), "the transfer may have been cut; deliver it again"));
        }
        let reader = reader(&source.format)
            .ok_or_else(|| refused(format!("no reader for {}", source.format), "see [[source]] format"))?;
        let options = source.options();
        let about = About { name: text.file_name(), received_on: text.modified_on, options: &options };
        let decoder = match reader.begin(&about) {
            Some(decoder) => decoder,
            None => reader.open(&mut *text.open()?, &about).map_err(|error| said(text, error))?,
        };
        if decoder.takes_whole_text() && text.is_longer_than(WHOLE_BYTES as u64)? {
            return Err(refused("the file is larger than 256 MiB".into(), "ask for the records in smaller pages"));
        }
        Ok(Self {
            source,
            decoder,
            blocks: Blocks {
                text,
                lines: text.open()?,
                // What was kept is what is fingerprinted; what is read again may have changed.
                hasher: text.may_change().then(blake3::Hasher::new),
                size: 0,
                line: 1,
                is_done: false,
                spare: Vec::new(),
            },
            ahead: Vec::new(),
        })
    }

    /// The next blocks as parts, in order, for input number `input`; none at the end of the text.
    ///
    /// # Errors
    /// The text cannot be read to its end, or its reader refuses it after all.
    pub fn next(&mut self, pool: &Pool<'a>, input: usize) -> Result<Option<Vec<Part>>> {
        if self.ahead.is_empty() {
            self.read_ahead()?;
        }
        if self.ahead.is_empty() {
            self.decoder.verdict().map_err(|error| said(self.blocks.text, error))?;
            return Ok(None);
        }
        let blocks = std::mem::take(&mut self.ahead);
        let Self { source, decoder, blocks: reader, .. } = self;
        let decoder = &**decoder;
        let decode = || -> Vec<Part> {
            blocks.par_chunks(BLOCKS_A_PART).map(|blocks| part(pool, source, decoder, input, blocks)).collect()
        };
        let mut parts = Vec::new();
        let next = rayon::in_place_scope(|scope| {
            scope.spawn(|_| parts = decode());
            reader.next(decoder)
        });
        self.ahead = next?;
        self.blocks.spare.extend(blocks.into_iter().map(|(_, bytes)| bytes));
        Ok(Some(parts))
    }

    /// What was detected, now that all of it was read.
    pub fn options(&self) -> String {
        self.decoder.options()
    }

    /// Fingerprint and size of what was read, once all of it was; none where the text's own still stand.
    pub fn fingerprint(&self) -> Option<(blake3::Hash, u64)> {
        self.blocks.hasher.as_ref().map(|hasher| (hasher.finalize(), self.blocks.size))
    }

    /// Fingerprint and size of the whole text, by reading what is left of it without decoding it; reading then goes on
    /// where it was.
    ///
    /// # Errors
    /// The text cannot be read.
    pub fn fingerprint_ahead(&self) -> Result<Option<(blake3::Hash, u64)>> {
        let Blocks { text: whole, hasher: Some(hasher), size, .. } = &self.blocks else { return Ok(None) };
        let (mut hasher, mut size) = (hasher.clone(), *size);
        let mut text = whole.open()?;
        let skipped = std::io::copy(&mut std::io::Read::take(&mut text, size), &mut std::io::sink());
        if skipped.map_err(|e| whole.unreadable(e))? < size {
            return Err(changed(whole));
        }
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            let read = std::io::Read::read(&mut text, &mut block).map_err(|e| whole.unreadable(e))?;
            if read == 0 {
                return Ok(Some((hasher.finalize(), size)));
            }
            hasher.update(&block[..read]);
            size += read as u64;
        }
    }

    fn read_ahead(&mut self) -> Result<()> {
        self.ahead = self.blocks.next(&*self.decoder)?;
        Ok(())
    }
}

/// It is not what it was a moment ago.
pub fn changed(text: &Text) -> Error {
    let what = "it changed while it was read".into();
    Error::Input { path: text.place(), what, hint: "let the delivery finish, then run it again" }
}

fn said(text: &Text, error: ReadError) -> Error {
    match error {
        ReadError::Io(error) => text.unreadable(error),
        ReadError::Refused { what, hint } => Error::Input { path: text.place(), what, hint },
    }
}

/// The side that reads while the others decode.
struct Blocks<'t> {
    text: &'t Text,
    lines: Box<dyn BufRead + 't>,
    /// Of all that was read; none where it is known already and cannot have changed.
    hasher: Option<blake3::Hasher>,
    size: u64,
    line: u64,
    is_done: bool,
    /// Blocks that were decoded, to be filled again: fresh memory would cost more than what is read into it.
    spare: Vec<Vec<u8>>,
}

impl Blocks<'_> {
    /// The next blocks with the number of their first line; none at the end of the text.
    fn next(&mut self, decoder: &dyn Decoder) -> Result<Vec<(u64, Vec<u8>)>> {
        let most = if self.size == 0 { BLOCKS_AT_FIRST } else { BLOCKS_AHEAD };
        let mut blocks = Vec::with_capacity(most);
        while blocks.len() < most && !self.is_done {
            let mut block = self.spare.pop().unwrap_or_default();
            let size = if decoder.takes_whole_text() { WHOLE_BYTES } else { BLOCK_BYTES };
            if !next_block(&mut *self.lines, size, &mut block).map_err(|e| self.text.unreadable(e))? {
                self.is_done = true;
                break;
            }
            if block.len() >= size + LONGEST_LINE {
                let (what, hint) = ("a line longer than any record".into(), "see whether it is text at all");
                return Err(Error::Input { path: self.text.place(), what, hint });
            }
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&block);
            }
            self.size += block.len() as u64;
            let first_line = self.line;
            self.line += memchr::memchr_iter(b'\n', &block).count() as u64;
            let shown = decoder.look_ahead(Block { first_line, bytes: &block });
            shown.map_err(|error| said(self.text, error))?;
            blocks.push((first_line, block));
        }
        Ok(blocks)
    }
}

/// Short texts, decoded one after the other in one task: those that are refused come back as errors, by their place.
pub fn together<'a>(pool: &Pool<'a>, texts: &[(usize, &'a Source, &Text)]) -> (Part, Vec<(usize, Result<String>)>) {
    let (number, worker) = pool.take();
    let mut gather = Gather::new(pool, number, worker);
    let mut outcomes = Vec::with_capacity(texts.len());
    for (input, source, text) in texts {
        outcomes.push((*input, one_of_many(&mut gather, *input, source, text)));
    }
    (gather.finish(pool), outcomes)
}

fn one_of_many<'a>(gather: &mut Gather<'a, '_>, input: usize, source: &'a Source, text: &Text) -> Result<String> {
    let mut reading = Reading::open(source, text)?;
    reading.read_ahead()?;
    while !reading.ahead.is_empty() {
        for (line, bytes) in std::mem::take(&mut reading.ahead) {
            gather.decode(source, &*reading.decoder, input, line, &bytes);
        }
        reading.read_ahead()?;
    }
    reading.decoder.verdict().map_err(|error| said(text, error))?;
    Ok(reading.options())
}

fn part<'a>(
    pool: &Pool<'a>,
    source: &'a Source,
    decoder: &dyn Decoder,
    input: usize,
    blocks: &[(u64, Vec<u8>)],
) -> Part {
    let (number, worker) = pool.take();
    let mut gather = Gather::new(pool, number, worker);
    gather.make_room(blocks.iter().map(|(_, bytes)| bytes.len()).sum());
    for (first_line, bytes) in blocks {
        gather.decode(source, decoder, input, *first_line, bytes);
    }
    gather.finish(pool)
}

/// One task at work.
struct Gather<'a, 'p> {
    trunks: &'p HashMap<String, Trunks>,
    masks: &'a Masks,
    worker: Worker<'a>,
    part: Part,
}

impl<'a, 'p> Gather<'a, 'p> {
    fn new(pool: &'p Pool<'a>, number: usize, worker: Worker<'a>) -> Self {
        Self { trunks: pool.trunks, masks: pool.masks, worker, part: Part { worker: number, ..Part::default() } }
    }

    fn decode(&mut self, source: &'a Source, decoder: &dyn Decoder, input: usize, first_line: u64, bytes: &[u8]) {
        let none = Trunks::new();
        let Worker { texts, normalisers, last } = &mut self.worker;
        let normaliser = normalisers.entry(&source.name).or_insert_with(|| {
            let platform = reader(&source.format).map_or("", |reader| reader.id());
            // The input is known by its content: its number is put in once all of that was read.
            let trunks = self.trunks.get(&source.name).unwrap_or(&none);
            Normaliser::new(source, platform, trunks, texts, 0).masked(self.masks.get(&source.name))
        });
        let start = self.part.legs.len();
        let mut taken = Taken {
            normaliser,
            texts,
            legs: &mut self.part.legs,
            quality: QualityBuilder::default(),
            rejects: Vec::new(),
            read: 0,
            skipped: 0,
            by_text: false,
        };
        decoder.decode(Block { first_line, bytes }, &mut taken);
        let Taken { mut quality, rejects, read, skipped, by_text, .. } = taken;
        let quality = (!quality.is_empty()).then(|| quality.finish());
        let rows = start..self.part.legs.len();
        *last = (bytes.len(), rows.len());
        self.part.pieces.push(Piece { input, rows, quality, rejects, read, skipped, by_text });
    }

    /// Room for what so many bytes will give, if the block before tells.
    fn make_room(&mut self, bytes: usize) {
        let (last_bytes, last_legs) = self.worker.last;
        // A short one tells nothing about a long one.
        if last_bytes > bytes / (2 * BLOCKS_A_PART) {
            self.part.legs.reserve(bytes * last_legs / last_bytes + last_legs / 8);
        }
    }

    fn finish(self, pool: &Pool<'a>) -> Part {
        pool.give_back((self.part.worker, self.worker));
        self.part
    }
}

struct Taken<'w, 'a> {
    normaliser: &'w mut Normaliser<'a>,
    texts: &'w mut Texts,
    legs: &'w mut Legs,
    quality: QualityBuilder,
    rejects: Vec<RejectRow>,
    read: u64,
    skipped: u64,
    by_text: bool,
}

impl Sink for Taken<'_, '_> {
    fn record(&mut self, raw: &RawRecord<'_>) {
        self.read += 1;
        self.by_text |= matches!(raw.id, RecordId::Text(_));
        self.legs.push(&self.normaliser.leg(raw, self.texts));
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
        let raw = self.normaliser.rejected(raw);
        self.rejects.push(RejectRow { line, reason: why, detail: detail.to_string(), raw });
    }
}
