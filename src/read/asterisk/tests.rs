//! Master.csv and cdr_custom: fixtures, refusals, and whatever the bytes.

use proptest::prelude::*;

use super::super::testing::{self, Fixture};
use super::*;
use crate::layout::Options;

/// A fixture's `# layout=…` fact is the configured list of columns.
fn options(fixture: &Fixture) -> Options {
    let names = fixture.facts.get("layout").map(|names| names.split(' ').map(str::to_owned).collect());
    Options { layout: names.map(Layout::Names), ..Options::default() }
}

fn refusal(layout: Option<Layout>, text: &str) -> (String, &'static str) {
    let options = Options { layout, ..Options::default() };
    let day = NaiveDate::from_ymd_opt(2024, 6, 1).unwrap();
    match testing::open(&AsteriskCsv, &options, text.as_bytes(), "Master.csv", day) {
        Err(ReadError::Refused { what, hint }) => (what, hint),
        other => panic!("{:?}", other.map(|decoder| decoder.options())),
    }
}

#[test]
fn fixtures_become_what_stands_beside_them() {
    testing::fixtures_become_what_stands_beside_them(&AsteriskCsv, options);
}

#[test]
fn any_split_gives_the_same() {
    testing::any_split_gives_the_same(&AsteriskCsv, options);
}

#[test]
fn master_csv_is_known_and_nothing_else_is() {
    for fixture in testing::fixtures("asterisk-csv") {
        let expected = match fixture.facts.contains_key("layout") || fixture.facts.contains_key("refused") {
            true => Likelihood::No,
            false => Likelihood::Sure,
        };
        assert_eq!(AsteriskCsv.sniff(&fixture.bytes, "Master.csv"), expected, "{}", fixture.name);
    }
    for fixture in testing::fixtures("freeswitch-csv") {
        assert_eq!(AsteriskCsv.sniff(&fixture.bytes, "Master.csv"), Likelihood::No, "{}", fixture.name);
    }
}

#[test]
fn a_layout_that_cannot_be_is_refused() {
    let names = |names: &[&str]| Some(Layout::Names(names.iter().map(|n| n.to_string()).collect()));
    assert!(refusal(names(&["src", "dst", "start"]), "").0.contains("lacks"));
    assert!(refusal(Some(Layout::Name("x".into())), "").0.contains("no list"));
    assert!(refusal(names(&["start", "dst", "disposition"]), "\"a\",\"b\"\n").1.contains("cdr_custom.conf"));
    assert!(refusal(None, "\"a\",\"b\"\n").1.contains("layout"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = AsteriskCsv.sniff(&bytes, "");
        let day = NaiveDate::from_ymd_opt(2024, 6, 1).unwrap();
        let _ = testing::open(&AsteriskCsv, &Options::default(), &bytes, "", day);
    }
}
