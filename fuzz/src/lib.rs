//! What the fuzz targets share: the readers, built without the rest of the package, and the promise they are held to.
//! It finds nothing by itself; see `targets`.

#[path = "../../src"]
mod package {
    pub mod leg;
    pub mod number;
    pub mod read;
}

pub use package::{leg, number, read};

use chrono::NaiveDate;
use read::{About, Block, Decoder, RawRecord, Reader, RecordId, Reject, Sink, Skip};

/// Opens `text` as a file of that format, and decodes it in one block and in two. A refusal is an answer too.
///
/// # Panics
/// A line is not accounted for exactly once, or what becomes of it depends on the block it came in.
pub fn accounts_for_every_line(reader: &dyn Reader, text: &[u8]) {
    let _ = reader.sniff(text, "");
    let about =
        About { name: "smdr_20240304.log", received_on: NaiveDate::from_ymd_opt(2024, 3, 4).unwrap_or_default() };
    let Ok(decoder) = reader.open(&mut &*text, &about) else { return };
    let lines: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
    let whole = fates(&*decoder, 1, text);
    assert!(whole.iter().map(|(line, _)| *line).eq(1..=lines.len() as u64), "each line once, in order");
    let (first, second) = lines.split_at(lines.len() / 2);
    let mut parts = fates(&*decoder, 1, &first.concat());
    parts.extend(fates(&*decoder, first.len() as u64 + 1, &second.concat()));
    assert_eq!(parts, whole, "the same in two blocks");
    assert!(!decoder.options().is_empty());
}

fn fates(decoder: &dyn Decoder, first_line: u64, bytes: &[u8]) -> Vec<(u64, u64)> {
    let mut fates = Fates(Vec::new());
    decoder.decode(Block { first_line, bytes }, &mut fates);
    fates.0
}

/// Line and a hash of what became of it.
struct Fates(Vec<(u64, u64)>);

impl Sink for Fates {
    fn record(&mut self, raw: &RawRecord<'_>) {
        assert!(raw.talk_s >= 0 && raw.ring_s.is_none_or(|s| s >= 0), "no time runs backwards");
        assert!(!matches!(raw.id, RecordId::Vendor("") | RecordId::Text(b"")), "each record has an id");
        self.0.push((raw.line, read::hash(&[format!("{raw:?}").as_bytes()])));
    }

    fn skip(&mut self, line: u64, why: Skip) {
        self.0.push((line, read::hash(&[b"skip", why.word().as_bytes()])));
    }

    fn reject(&mut self, line: u64, why: Reject, detail: &str, raw: &[u8]) {
        assert!(!detail.is_empty() && !raw.contains(&b'\n'));
        self.0.push((line, read::hash(&[b"reject", why.word().as_bytes(), detail.as_bytes()])));
    }
}
