//! Tests of the Teams reader as a whole: fixtures, refusals, what the names of a file and its first bytes tell.

use proptest::prelude::*;

use super::*;
use crate::layout::Options;
use crate::read::testing::{any_split_gives_the_same, decode, fixtures, fixtures_become_what_stands_beside_them, open};
use chrono::NaiveDate;

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 6, 1).unwrap()
}

fn refusal(bytes: &[u8], name: &str) -> String {
    match open(&TeamsPstn, &Options::default(), bytes, name, day()) {
        Err(ReadError::Refused { what, hint }) => {
            assert!(!hint.is_empty());
            what
        }
        Err(error) => panic!("{error}"),
        Ok(decoder) => panic!("taken: {}", decoder.options()),
    }
}

#[test]
fn every_fixture_becomes_what_stands_beside_it() {
    fixtures_become_what_stands_beside_them(&TeamsPstn, |_| Options::default());
}

#[test]
fn nothing_is_lost_however_it_is_damaged_or_cut() {
    any_split_gives_the_same(&TeamsPstn, |_| Options::default());
}

#[test]
fn what_is_read_is_known_for_sure() {
    for fixture in fixtures("teams-pstn") {
        if fixture.facts.contains_key("refused") {
            continue;
        }
        let expected = if fixture.name.starts_with("parameters") { Likelihood::Maybe } else { Likelihood::Sure };
        assert_eq!(TeamsPstn.sniff(&fixture.bytes, &fixture.name), expected, "{}", fixture.name);
    }
    for other in [
        &b""[..],
        b"\"cdrRecordType\",\"globalCallID_callManagerId\"\nINTEGER,INTEGER\n",
        b"Start time,Correlation ID,Call type,Calling number,Called number\n",
        b"{\"value\": [{\"id\": 1}]}",
        b"[1, 2]",
        b"\xFF\xFE{\0",
    ] {
        assert_eq!(TeamsPstn.sniff(other, "calls.csv"), Likelihood::No, "{}", String::from_utf8_lossy(other));
    }
    assert_eq!(TeamsPstn.sniff(b"", "PSTN.calls.2024-05-01.csv"), Likelihood::Maybe);
    assert_eq!(TeamsPstn.sniff(b"{}", "parameters.json"), Likelihood::Maybe);
}

#[test]
fn a_file_that_says_nothing_is_refused_with_its_reason() {
    let direct =
        "CorrelationId,AAD ObjectId,Invite time,Start time,End time,Success,Caller Number,Callee Number,Call type";
    for (text, what) in [
        ("", "empty"),
        ("\r\n \n", "empty"),
        ("a,b,c\n1,2,3\n", "UsageId, CorrelationId"),
        (&direct.replace("Invite time,", "SBC FQDN,"), "line 1: the header lacks the column Invite time"),
        (&direct.replace("AAD ObjectId", "Display Name"), "the column AAD ObjectId"),
        (&format!("\n{}", direct.replace("CorrelationId,", "")), "UsageId, CorrelationId"),
        (
            "UPN,Start Time,Destination Dialed,Destination Number,Duration Seconds\n",
            "line 1: the header lacks the column UsageId",
        ),
        (&direct.replace(',', ";"), "not parted by commas"),
        (&direct.replace(',', "\t"), "not parted by commas"),
        (&format!("{direct}\nx,u,01/05/2024 09:00,01/05/2024 09:00,,Yes,a,b,dr_in\n"), "line 2: a spreadsheet"),
        (
            &format!("{direct}\nx,u,,,,Yes,4.42079E+11,b,dr_in\n"),
            "line 2: a spreadsheet program saved this copy: it turned",
        ),
        ("{\"error\": {\"code\": \"Forbidden\"}}", "an error, not a report"),
        ("{\"value\": [{\"id\": \"x\", \"version\": 1}]}", "line 1: no row of getPstnCalls"),
        ("[\n{\"id\": \"x\"}]", "line 2: no row of getPstnCalls"),
        ("[5]", "no row of getPstnCalls"),
        ("{\"callId\": \"x\", \"callType\": \"user_in\"}", "without the rows of either report"),
        // A single row as PowerShell's ConvertTo-Json writes it, bare or as `value`, and a callRecord.
        ("{\"callId\": \"x\", \"startDateTime\": \"2024-05-01T09:00:00Z\"}", "without the rows of either report"),
        ("{\"value\": {\"startDateTime\": \"2024-05-01T09:00:00Z\"}}", "without the rows of either report"),
        ("{\"modalities\": [], \"startDateTime\": \"2024-05-01T09:00:00Z\"}", "without the rows of either report"),
        ("{\"callId\": \"x\"}\n{\"callId\": \"y\"}\n", "line 2: text after the end"),
        ("{\"value\": [\n{\"callId\": \"x\"},\n{\"callId\"", "line 3: the document is cut short"),
        ("[", "cut short"),
        ("[}", "a bracket is closed"),
    ] {
        let found = refusal(text.as_bytes(), "calls");
        assert!(found.contains(what), "{text}: {found}");
    }
    for utf16 in [&b"\xFF\xFE[\0]\0"[..], b"\xFE\xFF\0[\0]", b"[\0]\0", b"U\0s\0"] {
        assert_eq!(refusal(utf16, "calls.json"), "the file is UTF-16");
    }
}

#[test]
fn parameters_are_known_by_their_window_or_their_name() {
    let options = |text: &[u8], name| open(&TeamsPstn, &Options::default(), text, name, day()).unwrap().options();
    assert_eq!(options(b"{\"a\": {\"FromDate\": \"2024-05-01\"}}", "x.json"), "part=parameters; from=2024-05-01");
    assert_eq!(options(b"{\"startedBy\": \"someone@example.org\"}", "parameters.json"), "part=parameters");
    assert_eq!(options(b"{\"startTime\": \"2024-05-01 by someone\"}", "parameters.json"), "part=parameters");
}

/// Whoever transferred a call had it, whatever else became of it.
#[test]
fn who_transferred_a_call_has_answered_it_though_a_forwarding_was_connected_too() {
    let row = |id: &str, kind: &str| {
        format!(
            "{{\"id\":\"{id}\",\"correlationId\":\"c\",\"userId\":\"u\",\"callType\":\"{kind}\",\"successfulCall\":true,\
             \"inviteDateTime\":\"2024-05-01T09:00:00Z\",\"startDateTime\":\"2024-05-01T09:00:05Z\",\
             \"endDateTime\":\"2024-05-01T09:01:00Z\",\"callerNumber\":\"+442079460101\",\"calleeNumber\":\"+442079460102\"}}"
        )
    };
    let outcome = |rows: &[String]| {
        let text = format!("[{}]", rows.join(","));
        let decoder = open(&TeamsPstn, &Options::default(), text.as_bytes(), "page.json", day()).unwrap();
        decode(&*decoder, 1, text.as_bytes()).remove(0).1.remove("outcome").unwrap()
    };
    let [came, forwarded] = [row("1", "ByotIn"), row("2", "ByotOutUserForwarding")];
    assert_eq!(outcome(&[came.clone(), forwarded.clone()]), "diverted");
    assert_eq!(outcome(&[came, forwarded, row("3", "ByotOutUserTransfer")]), "answered");
}

/// A page may be empty: nobody called.
#[test]
fn a_report_without_rows_is_read() {
    let decoder = open(&TeamsPstn, &Options::default(), b"{\"value\": []}", "page.json", day()).unwrap();
    assert_eq!(
        (decoder.options().as_str(), decode(&*decoder, 1, b"{\"value\": []}")),
        ("form=json; report=; rows=0", vec![])
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = TeamsPstn.sniff(&bytes, "");
        if let Ok(decoder) = open(&TeamsPstn, &Options::default(), &bytes, "", day()) {
            decode(&*decoder, 1, &bytes);
        }
    }

    /// Shapes that get past the first look.
    #[test]
    fn no_document_makes_it_panic(text in "[\\[{]([\\[\\]{},:\"\\\\\n]|\"value\": \\[|\"callId\": \"x\"|\"startDateTime\": \"2024-05-01T00:00:00Z\"|1|\\{\"correlationId\": \"é\"\\}){0,30}") {
        if let Ok(decoder) = open(&TeamsPstn, &Options::default(), text.as_bytes(), "", day()) {
            let rows = decode(&*decoder, 1, text.as_bytes());
            let lines = text.lines().count() as u64;
            prop_assert!(rows.iter().all(|(line, _)| (1..=lines).contains(line)));
            prop_assert!(rows.is_sorted_by_key(|(line, _)| *line));
        }
    }
}
