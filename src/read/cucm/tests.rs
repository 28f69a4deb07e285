//! The CUCM reader against its fixtures, and the laws it keeps on any bytes. A fixture `NAME` in
//! `tests/fixtures/cisco-cucm` has its answers, worked out by hand, in `NAME.expect`, or in the form all readers share in
//! `NAME.expect.csv`; nothing here knows a code.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;

use super::*;
use crate::layout::Options;
use crate::read::{RawQuality, SideKind, testing};

/// One line as the answers have it: its number and the cells after it, save the call's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    number: u64,
    cells: Vec<String>,
    call: Option<u64>,
}

#[derive(Default)]
struct Found(Vec<Line>);

impl Found {
    fn line(&mut self, number: u64, fate: &str, why: &str) {
        let cells = [&[fate, why][..], &[""; CELLS - 2][..]].concat();
        self.0.push(Line { number, cells: cells.into_iter().map(str::to_owned).collect(), call: None });
    }
}

/// Cells of an answer between the line number and the call.
const CELLS: usize = 22;

impl Sink for Found {
    fn record(&mut self, raw: &RawRecord<'_>) {
        let RawTime::Utc(started) = raw.started else { panic!("CUCM writes UTC") };
        assert!(raw.direction.is_none() && raw.charge_micros.is_none() && raw.currency.is_empty());
        let number = |n: Option<i64>| n.map_or(String::new(), |n| n.to_string());
        let cells = [
            "record".into(),
            String::new(),
            DateTime::from_timestamp(started, 0).unwrap().format("%Y-%m-%d %H:%M:%S").to_string(),
            number(raw.ring_s.map(i64::from)),
            raw.talk_s.to_string(),
            raw.outcome.word().into(),
            raw.part.word().into(),
            raw.caller.into(),
            raw.dialled.into(),
            raw.callee.into(),
            raw.redirect.into(),
            raw.redirect_reason.map_or("", RedirectReason::word).into(),
            raw.calling.device.into(),
            kind(raw.calling.kind).into(),
            raw.calling.user.into(),
            raw.called.device.into(),
            kind(raw.called.kind).into(),
            raw.called.user.into(),
            raw.hunt_group.into(),
            number(raw.cause),
            raw.account_code.into(),
            raw.vendor_kind.into(),
        ];
        assert_eq!(cells.len(), CELLS);
        self.0.push(Line { number: raw.line, cells: cells.into(), call: Some(raw.call) });
    }

    fn quality(&mut self, raw: &RawQuality<'_>) {
        self.line(raw.line, "quality", "");
    }

    fn skip(&mut self, line: u64, why: Skip) {
        self.line(line, "skip", why.word());
    }

    fn reject(&mut self, line: u64, why: Reject, detail: &str, raw: &[u8]) {
        let digits = detail.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
        assert!(!detail.is_empty() && digits < Some(2) && !raw.contains(&b'\n'), "{detail}");
        self.line(line, "reject", why.word());
    }
}

fn kind(kind: SideKind) -> &'static str {
    match kind {
        SideKind::Unknown => "unknown",
        SideKind::Handset => "handset",
        SideKind::Trunk => "trunk",
        SideKind::Voicemail => "voicemail",
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cisco-cucm")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn fixtures() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|name| name.strip_suffix(".expect").map(str::to_owned)).collect();
    names.sort();
    names
}

/// The `# key=value` fact on top of a fixture's answers and the answers themselves, with the call's label.
fn expected(name: &str) -> (String, Vec<(Line, String)>) {
    let text = std::fs::read_to_string(folder().join(format!("{name}.expect"))).unwrap();
    let (fact, rows) = text.split_once('\n').unwrap();
    let rows = csv::Reader::from_reader(rows.as_bytes()).into_records().map(|row| {
        let mut cells: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
        let call = cells.pop().unwrap();
        let number = cells.remove(0).parse().unwrap();
        (Line { number, cells, call: None }, call)
    });
    (fact.strip_prefix("# ").unwrap().to_owned(), rows.collect())
}

fn open(bytes: &[u8]) -> Result<Box<dyn Decoder>, ReadError> {
    // Later than any time CUCM can write.
    let received_on = NaiveDate::from_ymd_opt(2107, 1, 1).unwrap();
    // A small buffer, so that lines lie across its ends.
    Cucm.open(
        &mut std::io::BufReader::with_capacity(61, bytes),
        &About { name: "cdr_HQ-CL01_01_202403041000_1", received_on, options: &Options::default() },
    )
}

fn decode(decoder: &dyn Decoder, first_line: u64, bytes: &[u8]) -> Vec<Line> {
    let mut found = Found::default();
    decoder.decode(Block { first_line, bytes }, &mut found);
    found.0
}

#[test]
fn fixtures_become_the_records_beside_them() {
    let names = fixtures();
    assert_eq!(names.len(), 27);
    for name in names {
        let bytes = fixture(&name);
        let (fact, answers) = expected(&name);
        if let Some(what) = fact.strip_prefix("refused=") {
            let Err(ReadError::Refused { what: said, hint }) = open(&bytes) else { panic!("{name} was taken") };
            assert!(said.starts_with(what) && !hint.is_empty(), "{name}: {said}");
            continue;
        }
        let decoder = open(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(format!("options={}", decoder.options()), fact, "{name}");
        let found = decode(&*decoder, 1, &bytes);
        assert_eq!(found.len(), answers.len(), "{name}");
        let (mut by_label, mut by_hash) = (HashMap::new(), HashMap::new());
        for (line, (answer, label)) in found.into_iter().zip(answers) {
            if let Some(call) = line.call {
                assert_eq!(
                    *by_label.entry(label.clone()).or_insert(call),
                    call,
                    "{name}: one call at line {}",
                    line.number
                );
                assert_eq!(
                    *by_hash.entry(call).or_insert(label.clone()),
                    label,
                    "{name}: calls at line {}",
                    line.number
                );
            }
            assert_eq!(Line { call: None, ..line }, answer, "{name}");
        }
    }
}

#[test]
fn fixtures_become_what_stands_beside_them() {
    testing::fixtures_become_what_stands_beside_them(&Cucm, |_| Options::default());
}

#[test]
fn any_split_gives_the_same() {
    testing::any_split_gives_the_same(&Cucm, |_| Options::default());
}

/// Lines that share a call or, directly or by others, the mark of an end.
fn stitched(name: &str) -> Vec<Vec<u64>> {
    struct Marks(Vec<(u64, Vec<i64>)>);
    impl Sink for Marks {
        fn record(&mut self, raw: &RawRecord<'_>) {
            let links = [raw.calling.link, raw.called.link];
            self.0.push((raw.line, links.into_iter().flatten().chain([raw.call as i64]).collect()));
        }
        fn quality(&mut self, _: &RawQuality<'_>) {}
        fn skip(&mut self, _: u64, _: Skip) {}
        fn reject(&mut self, _: u64, _: Reject, detail: &str, _: &[u8]) {
            panic!("{detail}");
        }
    }
    let bytes = fixture(name);
    let mut marks = Marks(Vec::new());
    open(&bytes).unwrap().decode(Block { first_line: 1, bytes: &bytes }, &mut marks);
    let mut calls: Vec<(Vec<u64>, Vec<i64>)> = Vec::new();
    for (line, marks) in marks.0 {
        let (met, others): (Vec<_>, Vec<_>) =
            calls.into_iter().partition(|(_, known)| known.iter().any(|mark| marks.contains(mark)));
        let mut whole = (vec![line], marks);
        for (lines, marks) in met {
            whole.0.extend(lines);
            whole.1.extend(marks);
        }
        calls = others;
        calls.push(whole);
    }
    let mut lines: Vec<Vec<u64>> = calls.into_iter().map(|(lines, _)| lines).collect();
    lines.iter_mut().for_each(|lines| lines.sort_unstable());
    lines.sort();
    lines
}

/// Cisco's worked examples, made after the guide: the far legs of a transfer, the parties of a conference, what is
/// parked, what is recorded.
#[test]
fn records_of_one_human_call_hang_together() {
    // Two transfers; a transfer whose other records are not there; other node, other cluster (same leg ids), other month.
    assert_eq!(stitched("transfer"), [vec![3, 4, 5], vec![6, 7, 8], vec![9], vec![10], vec![11], vec![12]]);
    // Three parties in six records; two Meet-Me callers without a conversation; an IVR and its conference; barge; bridge.
    let conference: [&[u64]; 6] = [&[3, 4, 5, 6, 7, 8], &[9], &[10], &[11, 12], &[13], &[14]];
    assert_eq!(stitched("conference"), conference);
    // Park and retrieve, an automatic pickup; all others are one record each.
    let pairs = [vec![3, 4], vec![5], vec![6], vec![7, 8]];
    assert_eq!(stitched("features"), pairs.into_iter().chain((9..=20).map(|line| vec![line])).collect::<Vec<_>>());
    // Transfer while it rang, transfer of an outgoing call, reversion, Meet-Me, a conference numbered like a leg, a
    // recorded and monitored call, chained bridges, an end without a leg.
    let stitch: [&[u64]; 8] = [&[3, 4, 5], &[6, 7, 8], &[9, 10], &[11, 12], &[13], &[14, 15, 16, 17], &[18, 19], &[20]];
    assert_eq!(stitched("stitch"), stitch);
}

#[test]
fn a_report_has_the_mark_of_its_end() {
    struct Links(Vec<i64>);
    impl Sink for Links {
        fn record(&mut self, raw: &RawRecord<'_>) {
            self.0.extend([raw.calling.link, raw.called.link].into_iter().flatten());
        }
        fn quality(&mut self, raw: &RawQuality<'_>) {
            self.0.push(raw.link);
        }
        fn skip(&mut self, _: u64, _: Skip) {}
        fn reject(&mut self, _: u64, _: Reject, detail: &str, _: &[u8]) {
            panic!("{detail}");
        }
    }
    let links = |name: &str| {
        let bytes = fixture(name);
        let mut links = Links(Vec::new());
        open(&bytes).unwrap().decode(Block { first_line: 1, bytes: &bytes }, &mut links);
        links.0
    };
    let (legs, reports) = (links("stitch"), links("cmr-44"));
    let found: Vec<bool> = reports.iter().map(|link| legs.contains(link)).collect();
    // The last one is of a leg with the same number in another cluster.
    assert_eq!(found, [true, true, true, false]);
}

#[test]
fn a_file_is_known_by_its_first_line_or_its_name() {
    for name in ["block-a-118", "block-d-133", "car-export-123", "bom", "odd-header", "cmr-48", "missing-pkid"] {
        assert_eq!(Cucm.sniff(&fixture(name), "x"), Likelihood::Sure, "{name}");
    }
    assert_eq!(Cucm.sniff(&fixture("no-header"), "cdr_HQ-CL01_01_202403041000_1"), Likelihood::Maybe);
    assert_eq!(Cucm.sniff(&fixture("no-header"), "calls.csv"), Likelihood::No);
    assert_eq!(Cucm.sniff(b"", ""), Likelihood::No);
}

#[test]
fn a_file_still_being_written_is_left_alone() {
    assert!(Cucm.is_active("_cdr_HQ-CL01_01_202403041000_1") && !Cucm.is_active("cdr_HQ-CL01_01_202403041000_1"));
}

/// Cisco's example, and two rows of a real file that hold the same address as text.
#[test]
fn an_address_is_a_signed_number_with_its_bytes_reversed() {
    for (number, address) in
        [(-1_139_627_840, [192, 168, 18, 188]), (-871_692_278, [10, 8, 11, 204]), (239_138_826, [10, 248, 64, 14])]
    {
        assert_eq!(ipv4(number), Some(Ipv4Addr::from(address)));
        assert_eq!(ipv4(number.rem_euclid(1 << 32)), Some(Ipv4Addr::from(address)), "printed unsigned");
    }
    assert_eq!((ipv4(1 << 32), ipv4(-(1 << 31) - 1)), (None, None));
}

/// Few columns in an order of our own.
const NAMES: &str = "\"cdrRecordType\",callingPartyNumber,globalCallID_callManagerId,globalCallID_callId,pkid,\
    dateTimeOrigination,dateTimeConnect,dateTimeDisconnect,duration,originalCalledPartyNumber,finalCalledPartyNumber,\
    origCause_value,destCause_value,origDeviceName,destDeviceName,callingPartyUnicodeLoginUserID,incomingProtocolID,origIpAddr";

/// It was once looked for in the line, at the place it has among the texts taken out of quotes: amid a letter.
#[test]
fn an_address_with_a_quote_in_it_is_none() {
    let found = decode(&*open(NAMES.as_bytes()).unwrap(), 2, "1,éé,1,1,p,1,0,2,0,,,0,0,,,,1,\"1\"\"2\"".as_bytes());
    assert_eq!(
        (found[0].cells[0].as_str(), found[0].cells[12].as_str(), found[0].cells[13].as_str()),
        ("record", "", "trunk")
    );
}

#[test]
fn the_id_of_a_record_is_its_pkid() {
    struct Ids(Vec<String>);
    impl Sink for Ids {
        fn record(&mut self, raw: &RawRecord<'_>) {
            let RecordId::Vendor(pkid) = raw.id else { panic!("CUCM gives each record an id") };
            self.0.push(pkid.to_owned());
        }
        fn quality(&mut self, _: &RawQuality<'_>) {}
        fn skip(&mut self, _: u64, _: Skip) {}
        fn reject(&mut self, _: u64, _: Reject, detail: &str, _: &[u8]) {
            panic!("{detail}");
        }
    }
    for name in ["block-a-118", "car-export-123"] {
        let bytes = fixture(name);
        let mut ids = Ids(Vec::new());
        open(&bytes).unwrap().decode(Block { first_line: 1, bytes: &bytes }, &mut ids);
        let text = String::from_utf8(bytes).unwrap();
        let ids_in_order: Vec<_> = text.split(',').filter(|cell| cell.starts_with("00000000-0000-4000")).collect();
        assert_eq!(ids.0, ids_in_order, "{name}");
    }
}

/// A header far behind the first, beyond what is read at once, is in force from its own line on.
#[test]
fn headers_are_found_all_through_a_long_text() {
    let (a, d) = (fixture("block-a-118"), fixture("block-d-133"));
    let text = [a.repeat(400), d.clone(), b"\n".to_vec(), a.repeat(400)].concat();
    assert!(text.len() > 2 << 20);
    let found = decode(&*open(&text).unwrap(), 1, &text);
    assert_eq!(found.len(), 400 * 13 + 6 + 400 * 13);
    assert!(found.iter().all(|line| line.cells[0] != "reject"));
}

/// Some archives hold a million files of one minute each, one behind the other: what is kept must not grow with them.
#[test]
fn a_header_repeated_costs_nothing() {
    let text = fixture("block-a-118").repeat(50);
    let received_on = NaiveDate::from_ymd_opt(2024, 6, 1).unwrap();
    let decoder = CucmDecoder::new(&About { name: "", received_on, options: &Options::default() });
    decoder.look_ahead(Block { first_line: 1, bytes: &text }).unwrap();
    let headers = decoder.headers();
    assert_eq!((headers.layouts.len(), headers.changes.len(), headers.header_rows), (1, 1, 50));
}

/// A copy is refused for a number in exponent form, not for a text that has one inside.
#[test]
fn only_a_whole_unquoted_field_is_a_spreadsheets_mark() {
    let header = "\"cdrRecordType\",\"comment\"\n";
    for line in ["1,9.12678E+11", "1,1E+9\r", "4.4E+11,1"] {
        assert!(is_marked(&format!("{header}{line}\n")) && is_marked(&format!("{header}{line}")), "{line}");
    }
    for line in
        ["1,\"9.12678E+11\"", "1,\"a,9.1E+11,b\"", "1,E+11", "1,9.1E+", "1,9.1E+11x", "1,x9.1E+11", "1,9.1E+111"]
    {
        assert!(!is_marked(&format!("{header}{line}\n")), "{line}");
    }
}

fn is_marked(text: &str) -> bool {
    matches!(open(text.as_bytes()), Err(ReadError::Refused { what, .. }) if what.contains("spreadsheet"))
}

/// Each line is given to the sink once, in order.
fn assert_accounted(found: &[Line], first_line: u64, bytes: &[u8]) {
    let lines = bytes.split_inclusive(|b| *b == b'\n').count() as u64;
    assert!(found.iter().map(|line| line.number).eq(first_line..first_line + lines));
}

/// A fixture with some bytes set, put in or cut out.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b'\n'), Just(b','), Just(b'"'), Just(b'-'), Just(b'9'), any::<u8>()];
    let change = (any::<prop::sample::Index>(), 0..3u8, byte);
    (prop::sample::select(fixtures()), proptest::collection::vec(change, 0..40)).prop_map(|(name, changes)| {
        let mut bytes = fixture(&name);
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
        bytes
    })
}

/// A byte that is no text elsewhere in the block must not change why a line is rejected.
#[test]
fn the_reason_does_not_depend_on_the_block() {
    let bytes = b"cdrRecordType,pkid\n1\0,x\n\xff\n";
    let received_on = "2024-03-05".parse().unwrap();
    let decoder = CucmDecoder::new(&About { name: "", received_on, options: &Options::default() });
    decoder.look_ahead(Block { first_line: 1, bytes }).unwrap();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let apart = lines.iter().zip(1..).flat_map(|(line, number)| decode(&decoder, number, line)).collect::<Vec<_>>();
    assert_eq!(decode(&decoder, 1, bytes), apart);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_at_line_ends_gives_the_same(bytes in damaged(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let Ok(decoder) = open(&bytes) else { return Ok(()) };
        let whole = decode(&*decoder, 1, &bytes);
        assert_accounted(&whole, 1, &bytes);
        let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(lines.len() + 1)).chain([0, lines.len()]).collect();
        ends.sort_unstable();
        // The last block first: the order does not matter.
        let mut parts: Vec<_> = ends
            .windows(2)
            .rev()
            .map(|ends| decode(&*decoder, ends[0] as u64 + 1, &lines[ends[0]..ends[1]].concat()))
            .collect();
        parts.reverse();
        prop_assert_eq!(parts.concat(), whole);
    }

    #[test]
    fn any_bytes_are_accounted_for(bytes in proptest::collection::vec(any::<u8>(), 0..600), name in prop::sample::select(fixtures())) {
        let _ = (Cucm.sniff(&bytes, ""), open(&bytes).is_ok());
        if let Ok(decoder) = open(&fixture(&name)) {
            assert_accounted(&decode(&*decoder, 7, &bytes), 7, &bytes);
        }
    }

    /// Cells of any text and number, as many as the header has: this gets past the shape and into the fields.
    #[test]
    fn any_cells_are_accounted_for(cells in proptest::collection::vec(cell(), 118), name in prop::sample::select(vec!["block-a-118", "odd-header"])) {
        let line = format!("1,{}", cells.join(","));
        for line in [line.clone(), cells.join(","), format!("{line},7,8")] {
            let decoder = open(&fixture(name)).unwrap();
            assert_accounted(&decode(&*decoder, 2, line.as_bytes()), 2, line.as_bytes());
        }
    }

    #[test]
    fn a_quoted_text_comes_back_as_it_was(texts in proptest::array::uniform4("[^\\p{Cc}]{0,12}|[\",é ]{0,8}")) {
        let [caller, dialled, device, user] = &texts;
        let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
        let line = format!(
            "1,{},1,1,p,1,0,2,0,{},1,0,0,{},x,{},0,",
            quoted(caller), quoted(dialled), quoted(device), quoted(user)
        );
        let found = decode(&*open(NAMES.as_bytes()).unwrap(), 2, line.as_bytes());
        let cells = &found[0].cells;
        prop_assert_eq!(&cells[0], "record");
        for (cell, text) in [(&cells[7], caller), (&cells[8], dialled), (&cells[12], device), (&cells[14], user)] {
            // A backslash alone is the CAR export's blank.
            prop_assert_eq!(cell.as_str(), if text.trim() == "\\" { "" } else { text.trim() });
        }
    }
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("0".to_owned()),
        2 => Just("1709543700".to_owned()),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        1 => any::<i32>().prop_map(|n| format!("\"{n}\"")),
        1 => "[^\\p{Cc},\"]{0,6}",
        1 => "\"([^\\p{Cc}\"]|\"\"){0,6}\"",
    ]
}

/// A node whose clock runs ahead must not move the window: what is days after the file itself is no record.
#[test]
fn a_call_from_the_future_is_refused() {
    let text = fixture("block-c-131");
    let options = Options::default();
    let about = |day: &str| About { name: "cdr_x", received_on: day.parse().unwrap(), options: &options };
    let fates = |day: &str| {
        let decoder = Cucm.open(&mut &text[..], &about(day)).unwrap();
        decode(&*decoder, 1, &text).into_iter().filter(|line| line.cells[0] == "record").count()
    };
    assert!(fates("2024-07-01") > 0 && fates("2024-07-01") == fates("2030-01-01"));
    assert!(fates("2024-06-01") < fates("2024-07-01"));
}
