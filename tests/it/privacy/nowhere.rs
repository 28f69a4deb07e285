//! No outside number in any byte of what a masked estate holds, says and puts out; and the answers of the plain one.

use std::collections::{BTreeMap, BTreeSet};

use onhook::number::{area, classify};
use onhook::synth::generate_every_format;

use super::{Numbers, became, files, outside_numbers, with};
use crate::workdir::{Ran, Workdir};

/// An estate plain and masked, both read and asked, and what the masked one said on the way.
struct Two {
    plain: Workdir,
    masked: Workdir,
    said: Vec<(String, Ran)>,
}

fn two(made: impl Fn() -> Workdir, way: &str) -> Two {
    let (plain, masked) = (made(), made());
    with(&masked, way);
    let mut said = Vec::new();
    for work in [&plain, &masked] {
        said.clear();
        said.push(("nightly".to_string(), work.run(&["nightly", "--json"])));
        assert!(said[0].1.code < 2, "{:?}", said[0].1);
        for args in [&["check"][..], &["lake", "status"], &["lake", "verify"], &["config", "show"]] {
            said.push((args.join(" "), work.run(args)));
        }
    }
    Two { plain, masked, said }
}

/// What every report prints as CSV, by name.
fn reports(work: &Workdir) -> BTreeMap<String, String> {
    let list = work.good(&["query", "--list"]).stdout;
    let names = list.lines().map(|line| line.split_whitespace().next().unwrap().to_string());
    names.map(|name| (name.clone(), work.good(&["query", &name, "-f", "csv"]).stdout)).collect()
}

impl Two {
    /// Searches everything that the masked estate left and said for the numbers of the plain one.
    fn searched(&self) {
        let numbers = Numbers::of(outside_numbers(&self.plain));
        assert!(numbers.all.len() > 5, "{numbers:?}");
        // The search finds what is there.
        let plain = numbers.places(&self.plain.join("lake/legs"));
        assert!(
            plain.iter().any(|place| place.contains("caller")) && plain.iter().any(|place| place.contains("callee"))
        );
        assert_eq!(numbers.places(&self.masked.join("lake")), Vec::<String>::new());
        assert!(!files(&self.masked.join("lake/standing")).is_empty());
        assert_eq!(numbers.places(&self.masked.join("out")), Vec::<String>::new());
        for (what, ran) in &self.said {
            assert_eq!(numbers.found_in(ran.stdout.as_bytes()), None, "{what}");
            assert_eq!(numbers.found_in(ran.stderr.as_bytes()), None, "{what}");
        }
    }

    /// Holds each report of the masked estate to that of the plain one, `became` telling what a number is there.
    fn same_reports(&self, became: &BTreeMap<String, String>) {
        let (plain, masked) = (reports(&self.plain), reports(&self.masked));
        let numbers = Numbers::of(outside_numbers(&self.plain));
        for (name, before) in &plain {
            assert_eq!(numbers.found_in(masked[name].as_bytes()), None, "{name}");
            // When each of the two nights ran, and how long it took, is no figure of the estate.
            if name == "run-history" {
                continue;
            }
            assert_eq!(sorted(&masked[name], &BTreeMap::new()), sorted(before, became), "{name}");
        }
        self.same_rows(
            "select outcome, needs, late, inputs_new, inputs_failed, read, kept, repeated, skipped, rejected, batch, summary \
                from run_history",
            became,
        );
    }

    fn same_rows(&self, sql: &str, became: &BTreeMap<String, String>) {
        let (plain, masked) = (self.plain.sql(sql).join("\n"), self.masked.sql(sql).join("\n"));
        assert!(!plain.is_empty(), "{sql}");
        assert_eq!(sorted(&masked, &BTreeMap::new()), sorted(&plain, became), "{sql}");
    }
}

/// Lines in order, their cells put through `became`.
fn sorted(csv: &str, became: &BTreeMap<String, String>) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv.as_bytes());
    let cell = |cell: &str| became.get(cell).filter(|_| !cell.is_empty()).map_or(cell, String::as_str).to_string();
    let mut lines: Vec<Vec<String>> = reader.records().map(|line| line.unwrap().iter().map(cell).collect()).collect();
    lines.sort();
    lines
}

/// Every column that is neither a number nor a hash of what may hold one.
const UNCHANGED: &str = "select source, platform, input_id, record_no, started_at, local_day, local_minute, ring_s, talk_s, \
    direction, outcome, caller_ext, dialled_ext, callee_ext, redirect_ext, redirect_reason, trunk_in, trunk_out, number_class, \
    cause, charge_micros, currency, vendor_kind, part, caller_node, callee_node, caller_user, callee_user, hunt_group from legs";

#[test]
fn no_outside_number_anywhere_and_the_answers_of_the_plain_estate() {
    let two = two(Workdir::small, "pseudonym");
    two.searched();
    two.same_rows(UNCHANGED, &BTreeMap::new());
    two.same_rows("select source, extension, verdict, action, reason, would_change from verdicts", &BTreeMap::new());
    let became = became(&two.plain, &two.masked);
    // Equality, class and area are kept.
    let masked: BTreeSet<&String> = became.values().collect();
    assert_eq!(masked.len(), became.len(), "no two numbers became one");
    for number in outside_numbers(&two.plain) {
        let instead = became[&number].trim_start_matches('\'');
        assert_ne!(instead, number);
        assert!(instead.starts_with(area(&number)), "{number} {instead}");
        assert_eq!(classify(instead).word(), "unknown", "it can be taken for no number: {instead}");
    }
    // A hash of a line that holds a number is none that the plain line gives: it could be guessed.
    for sql in [
        "select leg_key from legs where source = 'north-mitel'",
        "select call_key from legs",
        "select caller_link from legs where caller_link is not null union select callee_link from legs where callee_link is not null",
    ] {
        let [plain, masked] = [&two.plain, &two.masked].map(|work| BTreeSet::from_iter(work.sql(sql)));
        assert!(plain.len() > 5 && plain.len() == masked.len() && plain.is_disjoint(&masked), "{sql}");
    }
    two.same_reports(&became);
    two.same_rows(
        "select source, local_day, local_minute, band, direction, carrier, number, number_class, payer_extension, talk_s, \
            charge_micros from rated_calls",
        &became,
    );
    // Statements are the same to the penny.
    for work in [&two.plain, &two.masked] {
        assert!(work.run(&["bill", "--month", "2024-03", "-o", "bill"]).code < 2);
    }
    let bills = files(&two.plain.join("bill"));
    assert!(bills.iter().any(|path| path.extension().is_some_and(|end| end == "csv")), "{bills:?}");
    for path in bills.iter().filter(|path| path.extension().is_some_and(|end| end == "csv")) {
        let name = path.strip_prefix(two.plain.path()).unwrap().to_str().unwrap();
        let (plain, masked) = (two.plain.read(name), two.masked.read(name));
        assert_eq!(sorted(&masked, &BTreeMap::new()), sorted(&plain, &became), "{name}");
    }
    let numbers = Numbers::of(outside_numbers(&two.plain));
    assert_eq!(numbers.places(&two.masked.join("bill")), Vec::<String>::new());
}

/// Four platforms with lines between them: a call that crosses is one conversation, by its pseudonyms too.
#[test]
fn conversations_across_platforms_are_told_by_their_pseudonyms() {
    let two = two(|| Workdir::of("scene"), "pseudonym");
    two.searched();
    let became = became(&two.plain, &two.masked);
    two.same_rows(UNCHANGED, &BTreeMap::new());
    two.same_rows(
        "select source, side, peer_source, trunk, started_at, status, time_off_s, talk_off_s from tie_line_matches",
        &BTreeMap::new(),
    );
    two.same_rows("select sources, calls, is_answered, talk_s, caller, answered_by, is_external_in, is_external_out from conversations", &became);
    two.same_reports(&became);
}

/// A truncated number is as good as none to tell people apart, and the verdicts do not need it.
#[test]
fn truncated_numbers_leave_no_trace_and_the_verdicts_as_they_are() {
    let two = two(Workdir::small, "truncate");
    two.searched();
    two.same_rows(UNCHANGED, &BTreeMap::new());
    two.same_rows("select source, extension, verdict, action from verdicts", &BTreeMap::new());
    let left =
        two.masked.sql("select distinct callee from legs where number_class = 'geographic' and direction = 'outbound'");
    assert!(!left.is_empty() && left.iter().all(|number| number.ends_with('*') && number.len() < 11), "{left:?}");
}

/// Nine platforms in every format that is read, with what each puts into names of channels, trunks and handsets.
#[test]
fn no_format_lets_a_number_through() {
    for way in ["pseudonym", "truncate"] {
        let made = || {
            let work = Workdir::new();
            generate_every_format(1, work.path()).unwrap();
            work
        };
        let (plain, masked) = (made(), made());
        with(&masked, way);
        let (plain_said, masked_said) = (plain.ingest(&[]), masked.ingest(&[]));
        assert_eq!(plain_said.1["records"], masked_said.1["records"]);
        let numbers = Numbers::of(outside_numbers(&plain));
        assert!(numbers.all.len() > 20, "{numbers:?}");
        assert_eq!(numbers.places(&masked.join("lake")), Vec::<String>::new(), "{way}");
        for sql in [
            "select source, local_day, local_minute, direction, outcome, part, talk_s, caller_ext, dialled_ext, callee_ext, \
                redirect_ext, number_class from legs order by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12",
            "select source, count(*), count(distinct leg_key), count(distinct call_key) from legs group by 1 order by 1",
            "select source, count(*) from calls group by 1 order by 1",
            "select source, subject_kind, sum(made), sum(offered), sum(answered), sum(talk_in_s) from usage group by 1, 2 order by 1, 2",
        ] {
            assert_eq!(masked.sql(sql), plain.sql(sql), "{way}: {sql}");
        }
        masked.good(&["lake", "verify"]);
    }
}

/// Numbers where no column is for them: names of channels and handsets, account codes, media reports, lines nobody can read.
#[test]
fn numbers_in_names_reports_and_rejected_lines_are_masked_too() {
    let pbx = "[[source]]\nname = \"pbx\"\nformat = \"asterisk-csv\"\npaths = [\"landing/pbx/*\"]\n\
        timezone = \"Europe/London\"\nextensions = [\"1XX\"]\n\n[estate]";
    let end = "\"Dial\",\"\",\"2024-03-05 09:00:00\",\"2024-03-05 09:00:06\",\"2024-03-05 09:01:00\",60,54,\"ANSWERED\",\"DOCUMENTATION\"";
    let calls = format!(
        "\"01632960777\",\"101\",\"07700900123\",\"in\",\"Desk\",\"PJSIP/101-00000001\",\"SIP/447700900124-00000002\",{end},\"1709629200.1\",\"\"\n\
         \"\",\"+441632960555\",\"101\",\"out\",\"Home\",\"PJSIP/+441632960556-00000003\",\"PJSIP/102-00000004\",{end},\"1709629200.3\",\"\"\n\
         \"J Bloggs 07700 900128\",\"07700900125\",\"101\",\"out\",\"alice\",\"PJSIP/x-00000007\",\"PJSIP/102-00000008\",{end},\"1709629200.5\",\"\"\n\
         \"mob07700900129\",\"07700900125\",\"101\",\"out\",\"alice\",\"PJSIP/x-00000009\",\"PJSIP/102-00000010\",{end},\"1709629200.7\",\"\"\n\
         \"\",\"07700900125\",\"101\",\"out\",\"alice\",\"PJSIP/x-00000005\",\"PJSIP/102-00000006\",\"cut short\n"
    );
    let media = "landing/cucm/cmr_HQ-CL01_01_202403081200_102";
    let made = || {
        let work = Workdir::small();
        work.write("onhook.toml", work.read("onhook.toml").replace("[estate]", pbx));
        work.write("landing/pbx/Master.csv", &calls);
        let last = work.read(media).lines().last().unwrap().to_string();
        let changed =
            last.replace("\"60101\"", "\"907700900126\"").replace("\"SEP001122330101\"", "\"GW/+447700900127\"");
        let changed = changed.replace("-9000-", "-9001-");
        assert!(changed.contains("907700900126") && changed.contains("GW/"), "{last}");
        work.write(media, format!("{}{changed}\n", work.read(media)));
        let bad =
            " 13/45 09:01  0000:01:05 4101         901632960888              A T1                            001\n";
        work.write("landing/mitel/bad_20240331.log", bad.replace("13/45", "03/05") + bad);
        work
    };
    let numbers = Numbers::of([
        "01632960777",
        "07700900123",
        "07700900125",
        "07700900126",
        "07700900127",
        "07700900129",
        "+441632960555",
        "+441632960556",
        "01632960888",
    ]);
    let plain = made();
    assert!(plain.ingest(&[]).0 < 2);
    let there = numbers.places(&plain.join("lake")).join("\n");
    for column in ["account_code", "caller_device", "callee", "caller", "number", "device", "raw"] {
        assert!(there.contains(&format!(" {column}: ")), "{column}: {there}");
    }
    for way in ["truncate", "pseudonym"] {
        let masked = made();
        with(&masked, way);
        let ran = masked.run(&["ingest", "--json"]);
        assert!(ran.code < 2, "{ran:?}");
        assert_eq!(numbers.places(&masked.join("lake")), Vec::<String>::new(), "{way}");
        assert_eq!((numbers.found_in(ran.stdout.as_bytes()), numbers.found_in(ran.stderr.as_bytes())), (None, None));
        // In groups, what is left is the network code.
        let codes = masked.sql("select account_code from legs where account_code like '%+447700%' order by 1");
        let codes: Vec<&str> = codes.iter().map(|code| code.split("+447700").next().unwrap()).collect();
        assert_eq!(codes, ["J Bloggs ", "mob"], "{way}");
        assert_eq!(masked.sql("select count(*) from legs where account_code like '%900128%'"), ["0"], "{way}");
        for sql in [
            "select count(*) from quality",
            "select count(*) from leg_quality",
            "select reason, count(*) from rejects group by 1 order by 1",
        ] {
            assert_eq!(masked.sql(sql), plain.sql(sql), "{way}: {sql}");
        }
    }
}

/// Handsets, logins and trunks of the organisation's own lists may look like numbers: their calls are theirs all the same.
#[test]
fn names_of_the_register_and_the_trunk_list_are_the_same_in_the_calls() {
    let pbx = "[[source]]\nname = \"pbx\"\nformat = \"asterisk-csv\"\npaths = [\"landing/pbx/*\"]\n\
        timezone = \"Europe/London\"\nextensions = [\"1XX\"]\n\n[estate]";
    let end = "\"Dial\",\"\",\"2024-03-05 09:00:00\",\"2024-03-05 09:00:06\",\"2024-03-05 09:01:00\",60,54,\"ANSWERED\",\"DOCUMENTATION\"";
    let calls = format!(
        "\"\",\"101\",\"07700900123\",\"out\",\"Desk\",\"PJSIP/001565123456-00000001\",\"SIP/02079460500-00000002\",{end},\"1709629200.1\",\"\"\n"
    );
    let made = || {
        let work = Workdir::small();
        work.write("onhook.toml", work.read("onhook.toml").replace("[estate]", pbx));
        work.write("landing/pbx/Master.csv", &calls);
        let lines = work.read("estate/extensions.csv");
        let line = "pbx,101,,pjsip/001565123456,Yealink T54W,desk_phone,personal,HQ,,CC100,,,2019-05-01,,false,,\n";
        work.write("estate/extensions.csv", lines + line);
        work.write(
            "estate/trunks.csv",
            work.read("estate/trunks.csv") + "pbx,SIP/02079460500,Example Carrier,pstn,,30,\n",
        );
        work
    };
    for way in ["keep", "pseudonym", "truncate"] {
        let work = made();
        if way != "keep" {
            with(&work, way);
        }
        assert!(work.run(&["ingest"]).code < 2);
        work.run(&["estate", "load"]);
        let uses = "select counted_by, handset_uses from extension_facts where source = 'pbx' and extension = '101'";
        assert_eq!(work.sql(uses), ["device,1"], "{way}");
        let trunk = "select caller_device, trunk_out, direction from legs where source = 'pbx'";
        assert_eq!(work.sql(trunk), ["PJSIP/001565123456,SIP/02079460500,outbound"], "{way}");
    }
}

/// The invented estate of the README, a year of it: the night's work, its page and its lists.
#[test]
fn the_sample_gets_the_verdicts_it_was_made_for() {
    let (plain, masked) = (Workdir::sample(), Workdir::sample());
    let config = masked.read("sample-data/onhook.toml");
    masked.write("onhook.toml", config);
    with(&masked, "pseudonym");
    masked.write("sample-data/onhook.toml", masked.read("onhook.toml"));
    std::fs::create_dir_all(masked.join("sample-data/keys")).unwrap();
    std::fs::copy(masked.join(super::KEY), masked.join("sample-data").join(super::KEY)).unwrap();
    let nightly = ["nightly", "-c", "sample-data/onhook.toml"];
    let (one, other) = (plain.run(&nightly), masked.run(&nightly));
    assert_eq!((one.code, &one.stdout), (other.code, &other.stdout));
    for name in ["idle-handsets.csv", "disposition.csv", "usage-bands.csv", "unknown-extensions.csv", "report.html"] {
        let name = format!("sample-data/out/{name}");
        assert!(plain.read(&name) == masked.read(&name), "{name} differs");
    }
    let sql = ["sql", "-c", "sample-data/onhook.toml", "-f", "csv", "-e"];
    let ask = "select distinct callee from legs where callee like '+%' and callee_ext is null";
    let numbers = plain.good(&[&sql[..], &[ask]].concat()).stdout;
    let numbers = Numbers::of(numbers.lines().skip(1));
    assert!(numbers.all.len() > 100, "{}", numbers.all.len());
    for folder in ["sample-data/lake", "sample-data/out"] {
        assert_eq!(numbers.places(&masked.join(folder)), Vec::<String>::new());
    }
    assert_eq!(numbers.found_in(other.stderr.as_bytes()), None);
}
