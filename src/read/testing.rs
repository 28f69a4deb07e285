//! Tests only: what every reader is held to. Fixtures become what stands beside them; whatever the bytes and however
//! they are cut, each line is accounted for once.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{About, Block, Decoder, RawQuality, RawRecord, RawTime, ReadError, Reader, RecordId, Reject, Sink, Skip};
use crate::layout::Options;
use crate::leg::RedirectReason;

/// A line's fate: column name and value. Calls and links are numbered in the order they are met.
pub type Row = BTreeMap<&'static str, String>;

/// What a decoder gave, in its order.
#[derive(Default)]
pub struct Found {
    pub rows: Vec<(u64, Row)>,
    labels: HashMap<(&'static str, i64), usize>,
}

impl Found {
    fn label(&mut self, kind: &'static str, value: Option<i64>) -> String {
        let Some(value) = value else { return String::new() };
        let next = self.labels.keys().filter(|(k, _)| *k == kind).count() + 1;
        self.labels.entry((kind, value)).or_insert(next).to_string()
    }
}

fn moment(time: RawTime) -> String {
    match time {
        RawTime::Local(civil) => civil.format("%Y-%m-%d %H:%M:%S").to_string(),
        RawTime::Utc(seconds) => chrono::DateTime::from_timestamp(seconds, 0)
            .map_or_else(String::new, |t| t.format("%Y-%m-%d %H:%M:%SZ").to_string()),
    }
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

impl Sink for Found {
    fn record(&mut self, raw: &RawRecord<'_>) {
        assert!(raw.talk_s >= 0 && raw.ring_s.is_none_or(|s| s >= 0), "no time runs backwards: {raw:?}");
        let (id_kind, id) = match raw.id {
            RecordId::Vendor(id) => ("vendor", id.to_string()),
            RecordId::Text(id) => ("text", String::from_utf8_lossy(id).into_owned()),
        };
        assert!(!id.is_empty(), "each record has an id");
        let row = Row::from([
            ("fate", "record".to_string()),
            ("id_kind", id_kind.to_string()),
            ("id", id),
            ("call", self.label("call", Some(raw.call as i64))),
            ("started", moment(raw.started)),
            ("ring_s", text(raw.ring_s)),
            ("talk_s", raw.talk_s.to_string()),
            ("direction", raw.direction.map_or("", |d| d.word()).to_string()),
            ("outcome", raw.outcome.word().to_string()),
            ("part", raw.part.word().to_string()),
            ("caller", raw.caller.to_string()),
            ("dialled", raw.dialled.to_string()),
            ("callee", raw.callee.to_string()),
            ("redirect", raw.redirect.to_string()),
            ("redirect_reason", raw.redirect_reason.map_or("", RedirectReason::word).to_string()),
            ("calling_device", raw.calling.device.to_string()),
            ("calling_user", raw.calling.user.to_string()),
            ("calling_kind", format!("{:?}", raw.calling.kind).to_lowercase()),
            ("calling_link", self.label("link", raw.calling.link)),
            ("called_device", raw.called.device.to_string()),
            ("called_user", raw.called.user.to_string()),
            ("called_kind", format!("{:?}", raw.called.kind).to_lowercase()),
            ("called_link", self.label("link", raw.called.link)),
            ("hunt_group", raw.hunt_group.to_string()),
            ("cause", text(raw.cause)),
            ("account_code", raw.account_code.to_string()),
            ("charge_micros", text(raw.charge_micros)),
            ("currency", raw.currency.to_string()),
            ("vendor_kind", raw.vendor_kind.to_string()),
        ]);
        self.rows.push((raw.line, row));
    }

    fn quality(&mut self, raw: &RawQuality<'_>) {
        assert!(!raw.id.is_empty(), "each report has an id");
        let row = Row::from([
            ("fate", "quality".to_string()),
            ("id", raw.id.to_string()),
            ("started", moment(raw.ended)),
            ("calling_link", self.label("link", Some(raw.link))),
            ("number", raw.number.to_string()),
            ("device", raw.device.to_string()),
            ("duration_s", text(raw.duration_s)),
            ("packets_sent", text(raw.packets_sent)),
            ("packets_received", text(raw.packets_received)),
            ("packets_lost", text(raw.packets_lost)),
            ("jitter_ms", text(raw.jitter_ms)),
            ("latency_ms", text(raw.latency_ms)),
            ("mos", text(raw.mos)),
            ("mos_min", text(raw.mos_min)),
            ("concealed_s", text(raw.concealed_s)),
            ("severely_concealed_s", text(raw.severely_concealed_s)),
        ]);
        self.rows.push((raw.line, row));
    }

    fn skip(&mut self, line: u64, why: Skip) {
        self.rows.push((line, Row::from([("fate", why.word().to_string())])));
    }

    fn reject(&mut self, line: u64, why: Reject, detail: &str, raw: &[u8]) {
        assert!(!detail.is_empty() && !detail.contains(|c: char| c.is_ascii_digit()), "words of ours: {detail}");
        assert!(!raw.contains(&b'\n') || raw.len() > 1);
        self.rows.push((line, Row::from([("fate", why.word().to_string())])));
    }
}

/// Opens bytes as a file of that name, received on that day. The buffer is small, so that lines lie across its ends.
pub fn open(
    reader: &dyn Reader,
    options: &Options,
    bytes: &[u8],
    name: &str,
    received_on: NaiveDate,
) -> Result<Box<dyn Decoder>, ReadError> {
    let about = About { name, received_on, options };
    reader.open(&mut std::io::BufReader::with_capacity(61, bytes), &about)
}

pub fn decode(decoder: &dyn Decoder, first_line: u64, bytes: &[u8]) -> Vec<(u64, Row)> {
    let mut found = Found::default();
    decoder.decode(Block { first_line, bytes }, &mut found);
    found.rows
}

/// A file of the format's folder in `tests/fixtures`, and what is expected of it.
///
/// `NAME.expect.csv` beside `NAME` starts with facts: `# options=…`, `# received_on=2024-06-01`, any further ones for the
/// test's own use, or `# refused=the start of the reason`. Then a header line, `line,fate,…` with the columns of [`Row`]
/// that are to be compared, and a line for each line of the file, in order; a cell that does not apply is empty. No cell
/// holds a comma.
pub struct Fixture {
    pub name: String,
    pub bytes: Vec<u8>,
    pub facts: BTreeMap<String, String>,
    columns: Vec<String>,
    rows: Vec<String>,
}

impl Fixture {
    pub fn received_on(&self) -> NaiveDate {
        self.facts.get("received_on").map_or(NaiveDate::from_ymd_opt(2024, 6, 1), |day| day.parse().ok()).unwrap()
    }
}

pub fn fixtures(format: &str) -> Vec<Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let expected = paths.iter().filter_map(|p| p.to_str()?.strip_suffix(".expect.csv").map(PathBuf::from));
    let fixtures: Vec<Fixture> = expected
        .map(|path| {
            let text = std::fs::read_to_string(format!("{}.expect.csv", path.display())).unwrap();
            let (facts, rows): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('#'));
            let facts = facts.iter().filter_map(|fact| fact.strip_prefix("# ")?.split_once('='));
            let mut rows = rows.iter().map(|row| row.to_string());
            Fixture {
                name: path.file_name().unwrap().to_str().unwrap().to_string(),
                bytes: std::fs::read(&path).unwrap(),
                facts: facts.map(|(k, v)| (k.to_string(), v.to_string())).collect(),
                columns: rows.next().unwrap_or_default().split(',').map(str::to_string).collect(),
                rows: rows.collect(),
            }
        })
        .collect();
    assert!(!fixtures.is_empty(), "{} has no fixtures", folder.display());
    fixtures
}

/// Every fixture becomes what stands beside it. `options` gives the source's configuration for a fixture.
pub fn fixtures_become_what_stands_beside_them(reader: &dyn Reader, options: impl Fn(&Fixture) -> Options) {
    for fixture in fixtures(reader.id()) {
        let name = &fixture.name;
        let decoder = match open(reader, &options(&fixture), &fixture.bytes, name, fixture.received_on()) {
            Ok(decoder) => decoder,
            Err(ReadError::Refused { what, hint }) => {
                let expected = fixture.facts.get("refused").unwrap_or_else(|| panic!("{name} is refused: {what}"));
                assert!(what.contains(expected.as_str()) && !hint.is_empty(), "{name}: {what}");
                continue;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        assert!(!fixture.facts.contains_key("refused"), "{name} is taken");
        assert_eq!(Some(&decoder.options()), fixture.facts.get("options"), "{name}");
        let columns = &fixture.columns;
        let found: Vec<String> = decode(&*decoder, 1, &fixture.bytes)
            .into_iter()
            .map(|(line, row)| {
                let cells = columns.iter().map(|column| match column.as_str() {
                    "line" => line.to_string(),
                    column => row.get(column).cloned().unwrap_or_default(),
                });
                cells.collect::<Vec<_>>().join(",")
            })
            .collect();
        assert_eq!(found, fixture.rows, "{name}: {columns:?}");
        assert!(found.iter().all(|row| row.matches(',').count() + 1 == columns.len()), "{name}: a cell holds a comma");
    }
}

/// Whatever happens to the fixtures' bytes: no panic; each line once and in order; blocks cut at any line ends give what
/// the whole gives. A whole-text decoder must give the same twice.
pub fn any_split_gives_the_same(reader: &dyn Reader, options: impl Fn(&Fixture) -> Options) {
    let fixtures = fixtures(reader.id());
    let change = (
        any::<prop::sample::Index>(),
        0..3u8,
        prop_oneof![Just(b'\n'), Just(b' '), Just(b'9'), Just(b','), any::<u8>()],
    );
    let cuts = proptest::collection::vec(any::<prop::sample::Index>(), 0..6);
    let strategy = (0..fixtures.len(), proptest::collection::vec(change, 0..20), cuts);
    let mut runner = TestRunner::new(Config { cases: 128, failure_persistence: None, ..Config::default() });
    let result = runner.run(&strategy, |(at, changes, cuts)| {
        let fixture = &fixtures[at];
        let mut bytes = fixture.bytes.clone();
        for (at, how, byte) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        let _ = reader.sniff(&bytes, &fixture.name);
        let Ok(decoder) = open(reader, &options(fixture), &bytes, &fixture.name, fixture.received_on()) else {
            return Ok(());
        };
        let numbers = |rows: &[(u64, Row)]| rows.iter().map(|(line, _)| *line).collect::<Vec<_>>();
        let whole = decode(&*decoder, 1, &bytes);
        if decoder.takes_whole_text() {
            prop_assert_eq!(decode(&*decoder, 1, &bytes), whole);
            return Ok(());
        }
        let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
        prop_assert_eq!(numbers(&whole), (1..=lines.len() as u64).collect::<Vec<_>>());
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(lines.len() + 1)).chain([0, lines.len()]).collect();
        ends.sort_unstable();
        // Decoded backwards, put together in order. Labels are by block, and left out.
        let mut parts = Vec::new();
        for ends in ends.windows(2).rev() {
            parts.push((ends[0], decode(&*decoder, ends[0] as u64 + 1, &lines[ends[0]..ends[1]].concat())));
        }
        parts.reverse();
        let joined: Vec<(u64, Row)> = parts.into_iter().flat_map(|(_, rows)| rows).collect();
        let bare = |rows: Vec<(u64, Row)>| -> Vec<(u64, Row)> {
            let labels = ["call", "calling_link", "called_link"];
            rows.into_iter()
                .map(|(n, row)| (n, row.into_iter().filter(|(k, _)| !labels.contains(k)).collect()))
                .collect()
        };
        prop_assert_eq!(bare(joined), bare(whole));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
