//! Bytes to what the vendor wrote, a file per vendor format. Readers know no numbering plan, no time zone, no
//! configuration and no lake; they open nothing themselves and keep nothing between inputs.

pub mod asterisk;
pub mod avaya;
pub mod billing;
pub mod cucm;
pub mod freeswitch;
pub mod ipoffice;
pub mod mapped;
pub mod mitel;
pub mod teams;
mod field;
#[cfg(test)]
mod testing;

use std::io::{BufRead, Read};

use chrono::{NaiveDate, NaiveDateTime};

use crate::layout::{Format, Options};
use crate::leg::{Direction, Outcome, Part, RedirectReason, words};

/// Decodes one vendor's call records.
pub trait Reader: Sync {
    /// Stable id: the `format` of a source, the `platform` column, the name in the docs.
    fn id(&self) -> &'static str;
    /// How likely these first bytes (already unpacked, a few KiB) are this format. `name` is only a hint.
    fn sniff(&self, head: &[u8], name: &str) -> Likelihood;
    /// What its records cannot show, to be asked of the platform's keepers before a phone is taken away.
    fn blind_spots(&self) -> &'static str;
    /// Keys of the source's configuration that this format has a use for: `layout`, `date_order`, `sec_dur`,
    /// `rotated_circuits`, `mapping`.
    fn keys(&self) -> &'static [&'static str] {
        &[]
    }
    /// Whether a line without records was silent. Not so where only some calls are recorded (chargeable ones).
    fn shows_silence(&self) -> bool {
        true
    }
    /// Whether the configuration alone says what the file is, so that its bytes may look like any other format.
    fn takes_any(&self) -> bool {
        false
    }
    /// Files that are not to be touched yet, by name: the platform is still writing them.
    fn is_active(&self, _name: &str) -> bool {
        false
    }
    /// What the name of a file says of it, for a platform that numbers its files.
    fn marks<'n>(&self, _name: &'n str) -> Marks<'n> {
        Marks::default()
    }
    /// Whether the platform writes its records in the order in which calls end, so that a step back is its clock's.
    fn keeps_order(&self) -> bool {
        false
    }
    /// For how many days the platform's records can be fetched again; none where that is up to the site.
    fn kept_days(&self) -> Option<u16> {
        None
    }
    /// Looks at the input from its start, as far as it needs, and settles what all its records share: header,
    /// layout, years. The decoder it gives back can then take any block of whole lines in any order.
    ///
    /// # Errors
    /// When nothing in the file can be trusted; the file is then reported by name and left out as a whole.
    fn open(&self, text: &mut dyn BufRead, about: &About<'_>) -> Result<Box<dyn Decoder>, ReadError>;
    /// The same for a format that needs no look at the whole input first: its decoder is shown every block, in order,
    /// before that block is decoded ([`Decoder::look_ahead`]). None where `open` must see it all.
    fn begin(&self, _about: &About<'_>) -> Option<Box<dyn Decoder>> {
        None
    }
}

/// What a file's name tells. Blank text means that it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks<'n> {
    /// Node of the platform that wrote it.
    pub node: &'n str,
    /// Kind of file, where several kinds share their numbers.
    pub family: &'n str,
    /// Running number among the files of the node.
    pub sequence: Option<i64>,
    /// Seconds since 1970-01-01 UTC.
    pub named_at: Option<i64>,
}

/// What is known of an input besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// File name without folders.
    pub name: &'a str,
    /// The last day a record of the file can be from: the file's time, or the day the caller says it was received.
    pub received_on: NaiveDate,
    /// What the source's configuration says of its files.
    pub options: &'a Options,
}

/// Reads the records of one input, block by block.
pub trait Decoder: Send + Sync {
    /// What was detected, as `key=value` pairs parted by `; `, for the `options` column of `inputs`.
    fn options(&self) -> String;
    /// Whether records are no lines (JSON): then the block is the whole text, and every record of it, not every line, is
    /// given to the sink exactly once.
    fn takes_whole_text(&self) -> bool {
        false
    }
    /// Shown each block of an input that was begun and not opened, in order, before it or any behind it is decoded;
    /// blocks before it may be decoded at the same time.
    ///
    /// # Errors
    /// Nothing in the input can be trusted.
    fn look_ahead(&self, _block: Block<'_>) -> Result<(), ReadError> {
        Ok(())
    }
    /// Whether an input that was begun can be trusted, now that all of it was shown.
    ///
    /// # Errors
    /// It cannot, as if [`Reader::open`] had refused it.
    fn verdict(&self) -> Result<(), ReadError> {
        Ok(())
    }
    /// Gives every line of the block to `sink` exactly once: as a record, a quality report, a skip or a reject.
    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink);
}

/// Whole lines of an input (the last one of the file may lack its line end).
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// 1-based physical line number of the first line.
    pub first_line: u64,
    pub bytes: &'a [u8],
}

impl<'a> Block<'a> {
    /// Line number and bytes of each line, without LF or CR LF.
    pub fn lines(self) -> impl Iterator<Item = (u64, &'a [u8])> {
        let Self { mut first_line, mut bytes } = self;
        std::iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            let end = memchr::memchr(b'\n', bytes);
            let (line, rest) = match end {
                Some(end) => (&bytes[..end], &bytes[end + 1..]),
                None => (bytes, &bytes[bytes.len()..]),
            };
            bytes = rest;
            first_line += 1;
            Some((first_line - 1, line.strip_suffix(b"\r").unwrap_or(line)))
        })
    }
}

/// Takes what a decoder finds. Together its methods account for every line.
pub trait Sink {
    /// A call record.
    fn record(&mut self, raw: &RawRecord<'_>);
    /// What one end of a leg tells of its media.
    fn quality(&mut self, raw: &RawQuality<'_>);
    /// A line that is no call by design.
    fn skip(&mut self, line: u64, why: Skip);
    /// A line that should have been a call. `detail` names the field or the rule in a few words of ours, and never
    /// holds a number from the line; `raw` is the line itself.
    fn reject(&mut self, line: u64, why: Reject, detail: &str, raw: &[u8]);
}

/// A call record in the vendor's own words. Empty text means the vendor left it blank.
#[derive(Clone, Debug)]
pub struct RawRecord<'a> {
    pub line: u64,
    pub id: RecordId<'a>,
    /// Hash of whatever the vendor gives all records of one call; of the record itself where it gives nothing.
    pub call: u64,
    pub started: RawTime,
    /// Seconds before answer, or before the end where nobody answered.
    pub ring_s: Option<i32>,
    pub talk_s: i32,
    /// Set only where the record itself says it; else the trunks decide in `normalise`.
    pub direction: Option<Direction>,
    pub outcome: Outcome,
    pub part: Part,
    /// Who called, as written.
    pub caller: &'a str,
    /// First number asked for, as written (after the platform's own translation, or the keys pressed).
    pub dialled: &'a str,
    /// Where the call ended, as written.
    pub callee: &'a str,
    /// Who last passed the call on, as written.
    pub redirect: &'a str,
    pub redirect_reason: Option<RedirectReason>,
    pub calling: Side<'a>,
    pub called: Side<'a>,
    pub hunt_group: &'a str,
    pub cause: Option<i64>,
    pub account_code: &'a str,
    pub charge_micros: Option<i64>,
    pub currency: &'a str,
    pub vendor_kind: &'a str,
}

/// A report of one end of a leg about its media, in the vendor's own figures.
#[derive(Clone, Debug)]
pub struct RawQuality<'a> {
    pub line: u64,
    /// The vendor's own id, unique by promise.
    pub id: &'a str,
    /// [`Side::link`] of the end that reports.
    pub link: i64,
    /// About when the call ended.
    pub ended: RawTime,
    pub number: &'a str,
    pub device: &'a str,
    pub duration_s: Option<i32>,
    pub packets_sent: Option<i64>,
    pub packets_received: Option<i64>,
    /// May be negative: a late duplicate counts against a loss (RFC 3550).
    pub packets_lost: Option<i64>,
    pub jitter_ms: Option<i32>,
    pub latency_ms: Option<i32>,
    /// Mean opinion score of listening quality, 1 to 5: at the end, and the lowest of the call.
    pub mos: Option<f64>,
    pub mos_min: Option<f64>,
    pub concealed_s: Option<i32>,
    pub severely_concealed_s: Option<i32>,
}

/// One end of a leg: the device as the vendor names it and what the record itself tells about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side<'a> {
    pub device: &'a str,
    pub user: &'a str,
    pub kind: SideKind,
    /// The platform's own mark of this end (leg id, channel, conference bridge), which other records of the same call
    /// carry too; it need not be unique for longer than a day. See [`link`].
    pub link: Option<i64>,
    /// Node of the platform (server, switch) that had this end.
    pub node: &'a str,
}

/// What an end of a leg is, as far as the record tells; the trunk list of the estate has the last word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SideKind {
    #[default]
    Unknown,
    Handset,
    /// Trunk, gateway or tie line: the device name is a trunk's.
    Trunk,
    Voicemail,
}

/// What makes the record itself and no other.
#[derive(Clone, Copy, Debug)]
pub enum RecordId<'a> {
    /// The vendor's own id, unique by promise.
    Vendor(&'a str),
    /// The record's text, normalised as the reader sees fit (trailing blanks); equal texts of one day are told apart by their order.
    Text(&'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawTime {
    /// Seconds since 1970-01-01 UTC.
    Utc(i64),
    /// Wall clock at the source.
    Local(NaiveDateTime),
}

words!(
    /// Why a line is a row of `rejects`. A closed set: never a parser's own words.
    Reject {
        /// Not UTF-8, or control characters where text belongs.
        NotText = "not_text",
        /// Fields or columns do not fit the header or layout.
        WrongShape = "wrong_shape",
        /// A field that must be a number is not, or is out of range.
        BadNumber = "bad_number",
        /// The date or time is missing or impossible.
        BadTime = "bad_time",
        /// A field without which the record means nothing is blank.
        Missing = "missing",
        /// A record type the format does not define.
        UnknownKind = "unknown_kind",
        /// The vendor's id is already there with other content.
        Conflict = "conflict",
    }
);

words!(
    /// Why a line is no call by design.
    Skip {
        Header = "header",
        TypeRow = "type_row",
        Blank = "blank",
        /// A platform's notice between records, or a file beside them.
        Notice = "notice",
        /// The date that following records have.
        Date = "date",
        /// The same call from its other side, or a part of the record before: nothing that is not told elsewhere.
        Double = "double",
    }
);

/// Why an input cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What is wrong, and what to do next.
    #[error("{what}")]
    Refused { what: String, hint: &'static str },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likelihood {
    No,
    Maybe,
    Sure,
}

/// Every format onhook reads.
pub static READERS: &[&dyn Reader] = &[
    &asterisk::AsteriskCsv,
    &avaya::AvayaCm,
    &billing::FcsUk,
    &cucm::Cucm,
    &freeswitch::FreeSwitchCsv,
    &ipoffice::IpOffice,
    &mapped::MappedCsv,
    &mitel::MitelSmdr,
    &teams::TeamsPstn,
];

/// What the configuration must know of each.
pub fn formats() -> Vec<Format> {
    READERS.iter().map(|r| Format { id: r.id(), keys: r.keys() }).collect()
}

/// The reader of that id.
pub fn reader(id: &str) -> Option<&'static dyn Reader> {
    READERS.iter().copied().find(|r| r.id() == id)
}

/// A stable 64-bit hash of parts, none of which can run into its neighbour: XXH3 of each part's length and bytes.
pub fn hash(parts: &[&[u8]]) -> u64 {
    // Nearly all are short: at one stroke, for the state of a hash that goes on is larger than they are.
    let mut all = [0; 256];
    let mut end = 0;
    for part in parts {
        let Some(room) = all.get_mut(end..end + 8 + part.len()) else { return hash_of_long(parts) };
        room[..8].copy_from_slice(&(part.len() as u64).to_le_bytes());
        room[8..].copy_from_slice(part);
        end += 8 + part.len();
    }
    xxhash_rust::xxh3::xxh3_64(&all[..end])
}

fn hash_of_long(parts: &[&[u8]]) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.digest()
}

/// A [`Side::link`] from a vendor's text.
pub fn link(text: &str) -> Option<i64> {
    (!text.is_empty()).then(|| hash(&[text.as_bytes()]) as i64)
}

/// The longest line that is read whole: it must fit in memory.
pub const LONGEST_LINE: usize = 256 << 20;

/// Reads up to `size` bytes more, then to the end of the line, or [`LONGEST_LINE`] bytes of it; false at the end of the
/// text. What `block` held before is written over: one that is used again costs no fresh memory.
pub fn next_block(text: &mut dyn BufRead, size: usize, block: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut end = 0;
    while end < size {
        if end == block.len() {
            block.resize((2 * end).max(1 << 15), 0);
        }
        let room = block.len().min(size);
        match text.read(&mut block[end..room]) {
            Ok(0) => break,
            Ok(read) => end += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    block.truncate(end);
    if block.last().is_some_and(|b| *b != b'\n') {
        text.take(LONGEST_LINE as u64).read_until(b'\n', block)?;
    }
    Ok(!block.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_hash_is_the_same_at_one_stroke_and_part_by_part() {
        let text = [7; 300];
        for (a, b) in [(0, 0), (1, 0), (0, 1), (30, 2), (100, 100), (240, 0), (241, 0), (300, 7)] {
            let parts = [&text[..a], &text[..b]];
            assert_eq!(hash(&parts), hash_of_long(&parts), "{a} {b}");
        }
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    }

    #[test]
    fn a_block_ends_at_a_line_end() {
        let mut text = Cursor::new(b"aa\nbbbbbb\ncc".to_vec());
        let mut block = Vec::new();
        let mut blocks = Vec::new();
        while next_block(&mut text, 4, &mut block).unwrap() {
            blocks.push(String::from_utf8(block.clone()).unwrap());
        }
        assert_eq!(blocks, ["aa\nbbbbbb\n", "cc"]);
    }
}
