//! Tests of the reader: fixtures, refusals, what other formats look like.

use proptest::prelude::*;

use super::*;
use crate::layout::Options;
use crate::read::testing::{any_split_gives_the_same, decode, fixtures_become_what_stands_beside_them, open};

const RECORD: &str = "2024/03/10 10:00:00,00:00:10,3,201,O,202,202,,1,1000001,0,E201,Extn201,E202,Extn202,0,0";

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 6, 1).unwrap()
}

#[test]
fn every_fixture_becomes_what_stands_beside_it() {
    fixtures_become_what_stands_beside_them(&IpOffice, |_| Options::default());
}

#[test]
fn whatever_happens_to_the_bytes_every_line_is_accounted_for() {
    any_split_gives_the_same(&IpOffice, |_| Options::default());
}

/// Each call shares a unique id with the next one in the file, which began earlier: all are one call, and finding that
/// out must not take time by the square of their number.
#[test]
fn a_long_chain_of_calls_is_one_call() {
    let stamp = |back: i64| {
        let end = day().and_hms_opt(0, 0, 0).unwrap();
        (end - chrono::TimeDelta::seconds(back)).format("%Y/%m/%d %H:%M:%S").to_string()
    };
    let line = |n: i64| {
        let id = 1_000_000 + n;
        let blanks = ",".repeat(13);
        format!(
            "{},99:00:00,3,201,O,202,202,,1,{id},0,E201,Extn201,E202,Extn202,0,0{blanks},192.0.2.1,{n},192.0.2.1,{}\n",
            stamp(n),
            n + 1
        )
    };
    let text: String = (1..=40_000).map(line).collect();
    let decoder = open(&IpOffice, &Options::default(), text.as_bytes(), "smdr", day()).unwrap();
    let some: String = text.lines().take(3).map(|line| format!("{line}\n")).collect();
    let calls: Vec<String> =
        decode(&*decoder, 1, some.as_bytes()).into_iter().map(|(_, row)| row["call"].clone()).collect();
    assert_eq!(calls, ["1"; 3]);
}

#[test]
fn only_its_own_shape_is_recognised() {
    let sure = |text: &str| IpOffice.sniff(text.as_bytes(), "") == Likelihood::Sure;
    assert!(sure(RECORD) && sure(&format!("DATETIME,DURATION,RING\r\n[12:00] 192.0.2.1:1 {RECORD}")));
    assert!(sure(&format!("\0\0 {}", RECORD.strip_suffix(",0").unwrap())));
    for text in [
        "",
        // Asterisk, FreeSWITCH, CUCM, Mitel, Avaya CM.
        "\"\",\"201\",\"202\",\"default\",\"\",\"SIP/201\",\"SIP/202\",\"Dial\",\"\",\"2024-03-10 10:00:00\",,,3,0,\"BUSY\",\"3\"",
        "\"201\",\"201\",\"202\",\"default\",\"2024-03-10 10:00:00\",\"\",\"2024-03-10 10:00:10\",\"10\",\"0\",\"X\",\"\",\"\",\"\"",
        "\"cdrRecordType\",\"globalCallID_callManagerId\",\"globalCallID_callId\"",
        " 03/10 10:00  00:00:10 201      003  202",
        "100324 1000 00010 201 202",
        // No direction; too few fields; another date.
        &RECORD.replace(",O,", ",,"),
        "2024/03/10 10:00:00,00:00:10,3,201,O,202,202,,1,1000001,0,E201,Extn201,E202,Extn202",
        &RECORD.replace('/', "-"),
    ] {
        assert!(!sure(text), "{text}");
    }
}

/// The id is the record's text alone, whoever passed it on, and however it was padded.
#[test]
fn prefix_and_padding_are_no_part_of_the_id() {
    let text = format!("{RECORD}\n\0{RECORD} \r\n<13>Mar 10 10:00:10 h t: {RECORD}\0\n");
    let decoder = open(&IpOffice, &Options::default(), text.as_bytes(), "", day()).unwrap();
    let ids: Vec<String> =
        decode(&*decoder, 1, text.as_bytes()).into_iter().map(|(_, row)| row["id"].clone()).collect();
    assert_eq!(ids, [RECORD, RECORD, RECORD]);
}

/// A prefix that may be the end of a torn record is none.
#[test]
fn a_torn_record_is_no_prefix() {
    let text = format!("Extn 202,0,0 {RECORD}\n{RECORD}\n");
    let decoder = open(&IpOffice, &Options::default(), text.as_bytes(), "", day()).unwrap();
    let fates: Vec<String> =
        decode(&*decoder, 1, text.as_bytes()).into_iter().map(|(_, row)| row["fate"].clone()).collect();
    assert_eq!(fates, ["wrong_shape", "record"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Commas in users' names, up to four in each, take nothing from the record.
    #[test]
    fn commas_in_names_take_nothing(one in "[a-z]{1,5}(, [a-z]{1,5}){0,4}", two in "[a-z]{1,5}(,[a-z]{1,5}){0,4}") {
        let text = RECORD.replace("Extn201", &one).replace("Extn202", &two);
        let line = Line::read(text.as_bytes()).unwrap();
        let devices = line.parties.map(|party| party.device);
        prop_assert_eq!((devices, line.hold_s, line.width), (["E201", "E202"], 0, 17));
    }

    /// Neither bytes of any kind nor a decoder of another file's lines can panic.
    #[test]
    fn any_bytes_are_accounted_for(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = IpOffice.sniff(&bytes, "");
        let _ = open(&IpOffice, &Options::default(), &bytes, "", day());
        let decoder = open(&IpOffice, &Options::default(), RECORD.as_bytes(), "", day()).unwrap();
        let lines = bytes.split_inclusive(|b| *b == b'\n').count();
        prop_assert_eq!(decode(&*decoder, 1, &bytes).len(), lines);
    }
}
