//! The Avaya reader against its fixtures and refusals, and the laws it keeps on any bytes. A fixture's `# layout=` is a
//! built-in's name, or items and widths parted by commas.

use proptest::prelude::*;

use super::*;
use crate::layout::{DateOrder, Layout, Options};
use crate::read::testing::{Fixture, any_split_gives_the_same, decode, fixtures_become_what_stands_beside_them, open};

fn layout(text: &str) -> Layout {
    let item = |part: &str| {
        let (item, width) = part.trim().rsplit_once(' ')?;
        Some((item.to_string(), width.parse().ok()?))
    };
    text.split(',').map(item).collect::<Option<_>>().map_or_else(|| Layout::Name(text.into()), Layout::Widths)
}

fn options(fixture: &Fixture) -> Options {
    let fact = |name: &str| fixture.facts.get(name).map(String::as_str);
    Options {
        layout: fact("layout").map(layout),
        date_order: fact("date_order").map(|order| if order == "dmy" { DateOrder::Dmy } else { DateOrder::Mdy }),
        sec_dur: fact("sec_dur").map(|unit| if unit == "seconds" { SecDur::Seconds } else { SecDur::Hms }),
        ..Options::default()
    }
}

fn with(text: &str) -> Options {
    Options { layout: Some(layout(text)), ..Options::default() }
}

fn received() -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(2024, 6, 1).unwrap()
}

#[test]
fn fixtures() {
    fixtures_become_what_stands_beside_them(&AvayaCm, options);
}

#[test]
fn whatever_the_bytes_and_the_blocks() {
    any_split_gives_the_same(&AvayaCm, options);
}

#[test]
fn only_the_name_of_a_survivable_file_tells_the_format() {
    let name = "S441632-0001-240304-00_00";
    for (head, name, expected) in [
        (&b"   0910"[..], name, Likelihood::Maybe),
        (b"\0\0\0\r\n   0910", name, Likelihood::Maybe),
        (b"", "C-S441632-0001-240304-00_00", Likelihood::Maybe),
        (b"\x1f\x8b", name, Likelihood::No),
        (b"   0910", "cdr.log", Likelihood::No),
    ] {
        assert_eq!(AvayaCm.sniff(head, name), expected, "{name}");
    }
    assert!(AvayaCm.is_active("C-S441632-0001-240304-00_00"));
    assert!(!AvayaCm.is_active(name) && !AvayaCm.is_active("C-block.log"));
}

/// A record is the same wherever its NULs stand, and whether or not a logger trimmed it.
#[test]
fn id_is_the_record_without_what_surrounds_it() {
    let record = b"   090000150                 2015 2014";
    let ids = [[&record[..], b"\r\n"].concat(), [b"\0\0\0", &record[3..], b"    \r\n\0"].concat()].map(|bytes| {
        let decoder = open(&AvayaCm, &with("teleseer"), &bytes, "cdr.log", received()).unwrap();
        decode(&*decoder, 1, &bytes)[0].1["id"].clone()
    });
    assert_eq!(ids[0], "090000150                 2015 2014");
    assert_eq!(ids[0], ids[1]);
}

/// Formats page 3.10: 123 is printed as 231. Of two calls between the same numbers the circuit tells which goes on.
#[test]
fn parts_of_a_long_call_are_on_one_circuit() {
    let text = "1000 9599 4 8200 2014 231\n1000 9599 4 8200 2014 100\n1010 0100 7 8200 2014 231\n";
    let columns = "time 4, space 1, duration 4, space 1, cond-code 1, space 1, dialed-num 4, space 1, calling-num 4, \
                   space 1, out-crt-id 3";
    let decoder = open(&AvayaCm, &with(columns), text.as_bytes(), "cdr.log", received()).unwrap();
    let found = decode(&*decoder, 1, text.as_bytes());
    let fates: Vec<&str> = found.iter().map(|(_, row)| row["fate"].as_str()).collect();
    assert_eq!(fates, ["double", "record", "record"]);
    assert_eq!((found[1].1["talk_s"].as_str(), found[2].1["talk_s"].as_str()), ("35994", "36594"));
}

/// Nought in `duration` is anything under six seconds, also where `sec-dur` is in the layout and blank.
#[test]
fn only_sec_dur_tells_that_nobody_answered() {
    let text = "1000 0000 00000 2014  2015\n1001 0000       2014  2015\n1002 0000 00004 2014  2015\n";
    let columns = "time 4, space 1, duration 4, space 1, sec-dur 5, space 1, calling-num 4, space 2, dialed-num 4";
    let decoder = open(&AvayaCm, &with(columns), text.as_bytes(), "cdr.log", received()).unwrap();
    let outcomes: Vec<String> =
        decode(&*decoder, 1, text.as_bytes()).into_iter().map(|(_, row)| row["outcome"].clone()).collect();
    assert_eq!(outcomes, ["no_answer", "unknown", "answered"]);
}

/// Mixed in one file: the minority is rejected, line by line.
#[test]
fn another_layout_among_the_lines_is_rejected() {
    let own = "1000 0010 2014  2015\n".repeat(3);
    let text = own + "   100000100                 2015 2014\n";
    let columns = "time 4, space 1, duration 4, space 1, calling-num 4, space 2, dialed-num 4";
    let decoder = open(&AvayaCm, &with(columns), text.as_bytes(), "cdr.log", received()).unwrap();
    let fates: Vec<String> =
        decode(&*decoder, 1, text.as_bytes()).into_iter().map(|(_, row)| row["fate"].clone()).collect();
    assert_eq!(fates, ["record", "record", "record", "wrong_shape"]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), name in "\\PC{0,30}") {
        for text in ["teleseer", "isdn-teleseer", "lsu", "sec-dur 5, dialed-num 9, ucid 3, cond-code 1, date 6"] {
            let _ = AvayaCm.sniff(&bytes, &name);
            if let Ok(decoder) = open(&AvayaCm, &with(text), &bytes, &name, received()) {
                let lines = bytes.split_inclusive(|b| *b == b'\n').count();
                prop_assert_eq!(decode(&*decoder, 1, &bytes).len(), lines);
            }
        }
    }
}
