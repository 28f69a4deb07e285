//! The templates of mod_cdr_csv: fixtures, refusals, and whatever the bytes.

use proptest::prelude::*;

use super::super::testing::{self, Fixture};
use super::*;
use crate::layout::Options;

/// A fixture's `# layout=…` fact is the configured list of variables.
fn options(fixture: &Fixture) -> Options {
    let names = fixture.facts.get("layout").map(|names| names.split(' ').map(str::to_owned).collect());
    Options { layout: names.map(Layout::Names), ..Options::default() }
}

#[test]
fn fixtures_become_what_stands_beside_them() {
    testing::fixtures_become_what_stands_beside_them(&FreeSwitchCsv, options);
}

#[test]
fn any_split_gives_the_same() {
    testing::any_split_gives_the_same(&FreeSwitchCsv, options);
}

#[test]
fn its_templates_are_known_and_nothing_else_is() {
    for fixture in testing::fixtures("freeswitch-csv") {
        let expected = match fixture.facts.contains_key("layout") || fixture.facts.contains_key("refused") {
            true => Likelihood::No,
            false => Likelihood::Sure,
        };
        assert_eq!(FreeSwitchCsv.sniff(&fixture.bytes, "Master.csv"), expected, "{}", fixture.name);
    }
    for fixture in testing::fixtures("asterisk-csv") {
        assert_eq!(FreeSwitchCsv.sniff(&fixture.bytes, "Master.csv"), Likelihood::No, "{}", fixture.name);
    }
}

#[test]
fn a_layout_that_cannot_be_is_refused() {
    let day = NaiveDate::from_ymd_opt(2024, 6, 1).unwrap();
    for (layout, expected) in [
        (Layout::Names(vec!["uuid".into()]), "lacks"),
        (Layout::Name("example".into()), "no list"),
        (Layout::Names(["start_stamp", "destination_number", "hangup_cause"].map(String::from).into()), "no line"),
    ] {
        let options = Options { layout: Some(layout), ..Options::default() };
        match testing::open(&FreeSwitchCsv, &options, b"\"a\",\"b\"\n", "Master.csv", day) {
            Err(ReadError::Refused { what, hint }) => assert!(what.contains(expected) && !hint.is_empty(), "{what}"),
            other => panic!("{:?}", other.map(|decoder| decoder.options())),
        }
    }
}

#[test]
fn devices_are_channels_without_the_call() {
    for (channel, expected) in [
        ("sofia/internal/101@192.0.2.1:5060", "sofia/internal/101"),
        ("sofia/external/02079460123@sip.example.net", "sofia/external"),
        ("sofia/gateway/provider/02079460123", "sofia/gateway/provider"),
        ("sofia/external/provider.example.net", "sofia/external/provider.example.net"),
        ("sofia/internal", "sofia/internal"),
        ("loopback/101-a", "loopback/101-a"),
        ("", ""),
    ] {
        assert_eq!(device(channel), expected, "{channel}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = FreeSwitchCsv.sniff(&bytes, "");
        let day = NaiveDate::from_ymd_opt(2024, 6, 1).unwrap();
        let _ = testing::open(&FreeSwitchCsv, &Options::default(), &bytes, "", day);
    }
}
