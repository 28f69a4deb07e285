//! The promise every reader is held to, by the fuzz targets and, on the fixtures, by the tests: whatever the bytes, the
//! reader may refuse them but not panic, and accounts for each line (or record) exactly once, in whatever blocks.

use chrono::NaiveDate;

use crate::layout::{DateOrder, Layout, Mapping, Options, SecDur};
use crate::read::{self, About, Block, Decoder, RawQuality, RawRecord, Reader, RecordId, Reject, Sink, Skip};

/// Opens `text` as a file of that format, and decodes it in one block and in two. A refusal is an answer too. Where the
/// format takes options, the first byte chooses them.
///
/// # Panics
/// A line is not accounted for exactly once, or what becomes of it depends on the block it came in.
pub fn accounts_for_every_line(reader: &dyn Reader, text: &[u8]) {
    let _ = reader.sniff(text, "");
    let choices = options(reader.id());
    let (options, text) = match (&choices[..], text) {
        ([only], text) => (only, text),
        (all, [choice, text @ ..]) => (&all[usize::from(*choice) % all.len()], text),
        (all, []) => (&all[0], text),
    };
    let received_on = NaiveDate::from_ymd_opt(2024, 3, 4).unwrap_or_default();
    let about = About { name: "smdr_20240304.log", received_on, options };
    let Ok(decoder) = reader.open(&mut &*text, &about) else { return };
    assert!(!decoder.options().is_empty());
    let whole = fates(&*decoder, 1, text);
    if decoder.takes_whole_text() {
        assert_eq!(fates(&*decoder, 1, text), whole, "the same twice");
        return;
    }
    let lines: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
    assert!(whole.iter().map(|(line, _)| *line).eq(1..=lines.len() as u64), "each line once, in order");
    let (first, second) = lines.split_at(lines.len() / 2);
    let mut parts = fates(&*decoder, 1, &first.concat());
    parts.extend(fates(&*decoder, first.len() as u64 + 1, &second.concat()));
    assert_eq!(parts, whole, "the same in two blocks");
}

/// What a source's configuration may say of files of that format.
fn options(format: &str) -> Vec<Options> {
    let name = |name: &str| Options { layout: Some(Layout::Name(name.into())), ..Options::default() };
    match format {
        "avaya-cm" => {
            let items = [("date", 6), ("space", 1), ("time", 4), ("space", 1), ("sec-dur", 5), ("space", 1)]
                .into_iter()
                .chain([("cond-code", 1), ("space", 1), ("code-used", 4), ("calling-num", 10), ("dialed-num", 15)])
                .chain([("in-trk-code", 4), ("ucid", 20)]);
            let custom = Layout::Widths(items.map(|(item, width)| (item.to_string(), width)).collect());
            vec![
                Options { layout: Some(custom.clone()), date_order: Some(DateOrder::Dmy), ..Options::default() },
                Options { layout: Some(custom), sec_dur: Some(SecDur::Seconds), ..Options::default() },
                name("teleseer"),
                name("isdn-teleseer"),
                Options { date_order: Some(DateOrder::Mdy), rotated_circuits: Some(true), ..name("teleseer") },
                name("lsu"),
            ]
        }
        "mapped-csv" => MAPPINGS.iter().map(|text| mapped(text)).collect(),
        "asterisk-csv" => {
            vec![Options::default(), names(&["clid", "src", "dst", "start", "answer", "end", "disposition"])]
        }
        "freeswitch-csv" => {
            vec![
                Options::default(),
                names(&["caller_id_number", "destination_number", "start_stamp", "billsec", "uuid"]),
            ]
        }
        _ => vec![Options::default()],
    }
}

fn names(columns: &[&str]) -> Options {
    let layout = Layout::Names(columns.iter().map(|column| column.to_string()).collect());
    Options { layout: Some(layout), ..Options::default() }
}

/// What of `onhook.toml` a mapping is.
#[derive(serde::Deserialize)]
struct File {
    source: Vec<Mapped>,
}

/// The keys of a source that `mapped-csv` takes.
#[derive(serde::Deserialize)]
struct Mapped {
    layout: Option<Layout>,
    mapping: Mapping,
}

fn mapped(text: &str) -> Options {
    let mut file: File = toml::from_str(text).expect("the fixtures of the format itself");
    let Mapped { layout, mapping } = file.source.remove(0);
    Options { layout, mapping: Some(mapping), ..Options::default() }
}

/// Delimited and fixed-width files, as the fixtures of `mapped-csv` have them.
const MAPPINGS: &[&str] = &[
    include_str!("../../tests/fixtures/mapped-csv/mx-one.toml"),
    include_str!("../../tests/fixtures/mapped-csv/export.toml"),
    include_str!("../../tests/fixtures/mapped-csv/fixed.toml"),
    include_str!("../../tests/fixtures/mapped-csv/damaged.toml"),
];

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

    fn quality(&mut self, raw: &RawQuality<'_>) {
        assert!(!raw.id.is_empty(), "each report has an id");
        self.0.push((raw.line, read::hash(&[format!("{raw:?}").as_bytes()])));
    }

    fn skip(&mut self, line: u64, why: Skip) {
        self.0.push((line, read::hash(&[b"skip", why.word().as_bytes()])));
    }

    fn reject(&mut self, line: u64, why: Reject, detail: &str, raw: &[u8]) {
        assert!(!detail.is_empty() && !detail.contains(|c: char| c.is_ascii_digit()), "words of ours");
        assert!(raw.len() < 1 << 24);
        self.0.push((line, read::hash(&[b"reject", why.word().as_bytes(), detail.as_bytes()])));
    }
}
