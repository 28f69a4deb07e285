//! Tests of the reader of mapped files. Each fixture is read by the TOML beside it, as it would stand in `onhook.toml`.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::layout::{Layout, Mapping, Options};
use crate::read::testing::{Fixture, any_split_gives_the_same, decode, fixtures_become_what_stands_beside_them, open};

/// The two keys of a source that this reader is told.
#[derive(Deserialize)]
struct Source {
    layout: Option<Layout>,
    mapping: Option<Mapping>,
}

fn options(text: &str) -> Options {
    #[derive(Deserialize)]
    struct File {
        source: Vec<Source>,
    }
    let Source { layout, mapping } = toml::from_str::<File>(text).unwrap().source.remove(0);
    Options { layout, mapping, ..Options::default() }
}

fn beside(fixture: &Fixture) -> Options {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mapped-csv");
    options(&std::fs::read_to_string(folder.join(format!("{}.toml", fixture.facts["config"]))).unwrap())
}

#[test]
fn fixtures_become_the_records_beside_them() {
    fixtures_become_what_stands_beside_them(&MappedCsv, beside);
}

#[test]
fn any_bytes_are_accounted_for() {
    any_split_gives_the_same(&MappedCsv, beside);
}

const GOOD: &str = r#"
[[source]]
layout = ["at", "for", "from", "to", "how"]
[source.mapping]
delimiter = ","
started = { columns = ["at"], format = "%d/%m/%Y %H:%M" }
talk = { column = "for" }
caller = "from"
callee = "to"
outcome = { column = "how", words = { A = "answered" } }
"#;

fn refusal(options: &Options, text: &str) -> String {
    let received_on = NaiveDate::from_ymd_opt(2024, 3, 5).unwrap();
    match open(&MappedCsv, options, text.as_bytes(), "calls.csv", received_on) {
        Err(ReadError::Refused { what, hint }) => {
            assert!(!hint.is_empty());
            what
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("taken"),
    }
}

#[test]
fn what_means_nothing_is_refused_by_its_key() {
    assert!(refusal(&Options::default(), "a\n").contains("[source.mapping]"));
    let good = options(GOOD);
    for (from, to, what) in [
        ("caller = \"from\"", "caller = \"From\"", "mapping.caller: there is no column \"From\""),
        ("caller = \"from\"", "caller = []", "mapping.caller: the list is empty"),
        ("column = \"for\"", "column = \"talk\"", "mapping.talk.column: there is no column"),
        ("columns = [\"at\"]", "columns = []", "mapping.started.columns: the list is empty"),
        ("\"to\", \"how\"", "\"to\", \"to\", \"how\"", "mapping.callee: there are several columns"),
        ("\"answered\"", "\"replied\"", "mapping.outcome: \"replied\" is none of our words: answered, no_answer"),
        ("%d/%m/%Y %H:%M", "%d/%m/%Y", "mapping.started.format: \"%d/%m/%Y\" lacks a part"),
        ("%d/%m/%Y %H:%M", "%d/%m %H:%M", "lacks a part"),
        ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%Q", "is no date format"),
        ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M %Z", "%Z, a zone's name"),
        ("%d/%m/%Y %H:%M", "%s", "%s cannot be read"),
        ("delimiter = \",\"", "delimiter = \"x\"", "mapping.delimiter: it cannot be told"),
        ("delimiter = \",\"", "delimiter = '\"'", "mapping.delimiter: it cannot be told"),
        ("delimiter = \",\"", "", "mapping.delimiter: layout names columns without widths"),
        ("delimiter = \",\"", "delimiter = \",\"\nheader = true", "mapping.header: the columns are named twice"),
        ("[\"at\", \"for\", \"from\", \"to\", \"how\"]", "\"teleseer\"", "layout: this format has no built-in"),
        ("[\"at\", \"for\", \"from\", \"to\", \"how\"]", "[[\"at\", 4]]", "mapping.delimiter: layout has widths"),
        ("[\"at\", \"for\", \"from\", \"to\", \"how\"]", "[]", "layout: it names no column"),
        ("layout = [\"at\", \"for\", \"from\", \"to\", \"how\"]", "", "layout: nothing names the columns"),
        ("talk = { column = \"for\" }\ncaller = \"from\"\ncallee = \"to\"", "", "mapping.caller: no number"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let found = refusal(&options(&GOOD.replace(from, to)), "a,b\n");
        assert!(found.contains(what.split(": ").last().unwrap()) && found.contains(what), "{to}: {found}");
    }
    let no_talk = GOOD.replace("talk = { column = \"for\" }", "");
    let neither = no_talk.replace("outcome = { column = \"how\", words = { A = \"answered\" } }", "");
    assert!(refusal(&options(&neither), "").contains("mapping.talk: neither talk nor outcome"));
    assert!(refusal(&good, "04/03/2024 09:00;5;2014;2015;A\n").contains("line 1 and all after it do not fit"));
    let unknown = toml::from_str::<Mapping>("started = { columns = [\"a\"], format = \"epoch\" }\ncallers = \"b\"\n");
    assert!(unknown.unwrap_err().to_string().contains("unknown field `callers`"));
}

fn row(config: &str, line: &str) -> crate::read::testing::Row {
    let received_on = NaiveDate::from_ymd_opt(2024, 3, 5).unwrap();
    let decoder = open(&MappedCsv, &options(config), line.as_bytes(), "calls.csv", received_on).unwrap();
    decode(&*decoder, 1, line.as_bytes()).remove(0).1
}

#[test]
fn moments_with_an_offset_are_utc() {
    let config = GOOD.replace("%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M:%S%.f%:z");
    assert_eq!(row(&config, "2024-03-04T09:00:00.5+01:00,5,1,2,A")["started"], "2024-03-04 08:00:00Z");
    assert_eq!(row(GOOD, "04/03/2024 09:00,5,1,2,A")["started"], "2024-03-04 09:00:00");
    // A pattern that chrono can read and not write.
    let config = GOOD.replace("%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M%#z");
    assert_eq!(row(&config, "2024-03-04 09:00-02,5,1,2,A")["started"], "2024-03-04 11:00:00Z");
    let epoch = GOOD.replace("%d/%m/%Y %H:%M", "epoch_ms");
    assert_eq!(row(&epoch, "1709542800999,5,1,2,A")["started"], "2024-03-04 09:00:00Z");
}

#[test]
fn durations_of_every_unit() {
    for (unit, text, talk) in [
        ("seconds", "150", "150"),
        ("seconds", "150.9", "150"),
        ("milliseconds", "150900", "150"),
        ("minutes", "2.5", "150"),
        ("tenths", "25", "150"),
        ("hms", "0:02:30", "150"),
        ("ms", "2:30", "150"),
        ("ms", "90:00", "5400"),
        ("hhmmss", "000230", "150"),
        ("hhmmss", "230", "150"),
        ("seconds", "", "0"),
    ] {
        let config = GOOD.replace("column = \"for\"", &format!("column = \"for\", unit = \"{unit}\""));
        assert_eq!(row(&config, &format!("04/03/2024 09:00,{text},1,2,A"))["talk_s"], talk, "{unit} {text}");
    }
    for (unit, text) in [("seconds", "-1"), ("hms", "2:30"), ("ms", "0:02:30"), ("ms", "2:60"), ("hhmmss", "000260")] {
        let config = GOOD.replace("column = \"for\"", &format!("column = \"for\", unit = \"{unit}\""));
        let lines = format!("04/03/2024 09:00,{text},1,2,A\n04/03/2024 09:00,,1,2,A\n");
        assert_eq!(row(&config, &lines)["fate"], "bad_number", "{unit} {text}");
    }
}

/// A phone that talked must not look idle because its platform has a word that nobody mapped.
#[test]
fn who_talked_has_answered_unless_the_record_says_otherwise() {
    let outcome = |line: &str| row(GOOD, line)["outcome"].clone();
    assert_eq!(outcome("04/03/2024 09:00,5,1,2,new word"), "answered");
    assert_eq!(outcome("04/03/2024 09:00,0,1,2,new word"), "unknown");
    assert_eq!(outcome("04/03/2024 09:00,0,1,2,A"), "answered");
    let config = GOOD.replace("A = \"answered\"", "A = \"answered\", B = \"busy\"");
    let busy = row(&config, "04/03/2024 09:00,5,1,2,B");
    assert_eq!((busy["outcome"].as_str(), busy["talk_s"].as_str()), ("busy", "0"));
}

#[test]
fn the_start_is_before_the_end() {
    let config = GOOD.replace("talk =", "time_is = \"end\"\nring = { column = \"how\" }\ntalk =");
    let config = config.replace("outcome = { column = \"how\", words = { A = \"answered\" } }", "");
    let row = row(&config, "04/03/2024 00:01,50,1,2,20");
    assert_eq!((row["started"].as_str(), row["ring_s"].as_str()), ("2024-03-03 23:59:50", "20"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), format in "[%a-zA-Z:# /.+-]{0,12}") {
        let received_on = NaiveDate::from_ymd_opt(2024, 6, 1).unwrap();
        let mut options = options(GOOD);
        let read = |options: &Options| {
            if let Ok(decoder) = open(&MappedCsv, options, &bytes, "", received_on) {
                decode(&*decoder, 1, &bytes);
            }
        };
        read(&options);
        if let Some(mapping) = &mut options.mapping {
            mapping.started.format = format;
        }
        read(&options);
    }
}
