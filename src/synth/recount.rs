//! Tests only: reads a written estate back with code of its own and counts, by the rules of DESIGN 4, what each
//! extension must get. It shares nothing with the writers but the folder.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime};

use super::outside::is_safe;
use super::*;

type Row = HashMap<String, String>;

/// What one source's files say, repeats left out.
#[derive(Default)]
struct Recount {
    covered: BTreeSet<NaiveDate>,
    /// Per subject (Cisco device, Mitel number): days of its uses.
    uses: HashMap<String, Vec<NaiveDate>>,
    rung: HashMap<String, Vec<NaiveDate>>,
    elsewhere: HashMap<String, Vec<NaiveDate>>,
    kept: u64,
    numbers: BTreeSet<String>,
    callers: BTreeSet<String>,
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|e| e == "gz") {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    text
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn table(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn ours_cucm(number: &str) -> bool {
    number.len() == 6 && number.starts_with('2') && number.bytes().all(|b| b.is_ascii_digit())
}

fn ours_mitel(number: &str) -> bool {
    number.len() == 4 && (b'3'..=b'6').contains(&number.as_bytes()[0]) && number.bytes().all(|b| b.is_ascii_digit())
}

/// Every CUCM record as a map by column name; each line of 129 fields, but for the broken one.
fn cucm_rows(out: &Path) -> Vec<Row> {
    let (mut seen, mut rows) = (HashSet::new(), Vec::new());
    for path in files(&out.join("landing/cucm")) {
        if name(&path).starts_with('_') {
            continue;
        }
        let text = text(&path);
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
        let lines: Vec<csv::StringRecord> = reader.records().map(|line| line.unwrap()).collect();
        assert_eq!((lines[0].len(), &lines[1][0]), (129, "INTEGER"), "{}", name(&path));
        for line in &lines[2..] {
            if line.len() != 129 || &line[0] != "1" {
                assert!(line.len() == 40 || &line[0] == "cdrRecordType" || &line[0] == "INTEGER");
                continue;
            }
            if seen.insert(line[50].to_string()) {
                rows.push(
                    lines[0].iter().zip(line).map(|(column, value)| (column.to_string(), value.to_string())).collect(),
                );
            }
        }
    }
    rows
}

fn recount_cucm(out: &Path) -> Recount {
    let mut found = Recount::default();
    for row in cucm_rows(out) {
        found.kept += 1;
        let get = |column: &str| row[column].as_str();
        let start: i64 = get("dateTimeOrigination").parse().unwrap();
        let day = DateTime::from_timestamp(start, 0).unwrap().with_timezone(&chrono_tz::Europe::London).date_naive();
        let (connect, end): (i64, i64) =
            (get("dateTimeConnect").parse().unwrap(), get("dateTimeDisconnect").parse().unwrap());
        let duration: i64 = get("duration").parse().unwrap();
        assert_eq!(duration, if connect == 0 { 0 } else { end - connect });
        assert!(end >= start && (connect == 0 || (start..=end).contains(&connect)));
        let parties =
            ["callingPartyNumber", "originalCalledPartyNumber", "finalCalledPartyNumber", "lastRedirectDn"].map(get);
        found.numbers.extend(parties.map(String::from));
        found.numbers.insert(get("outpulsedCalledPartyNumber").to_string());
        if parties[0].starts_with("b00") {
            continue; // the recorder's leg
        }
        if parties.iter().any(|number| ours_cucm(number)) {
            found.covered.insert(day);
        }
        if ours_cucm(parties[0]) {
            found.callers.insert(parties[0].to_string());
        }
        found.uses.entry(get("origDeviceName").to_string()).or_default().push(day);
        if connect != 0 {
            found.uses.entry(get("destDeviceName").to_string()).or_default().push(day);
        }
        for number in BTreeSet::from([parties[1], parties[2], parties[3]]) {
            found.rung.entry(number.to_string()).or_default().push(day);
            if number != parties[2] && connect != 0 {
                found.elsewhere.entry(number.to_string()).or_default().push(day);
            }
        }
    }
    found
}

fn recount_mitel(out: &Path) -> Recount {
    let mut found = Recount::default();
    let mut seen: HashMap<(NaiveDate, String), usize> = HashMap::new();
    for path in files(&out.join("landing/mitel")) {
        let anchor = NaiveDate::parse_from_str(&name(&path)[5..13], "%Y%m%d").unwrap();
        let mut in_file: HashMap<(NaiveDate, String), usize> = HashMap::new();
        for line in text(&path).split_terminator("\r\n") {
            assert_eq!(line.len(), 120);
            let cut = |first: usize, last: usize| line[first - 1..last].trim();
            for spacer in [7, 13, 14, 25, 33, 38, 75, 83, 100, 102, 113] {
                assert_eq!(cut(spacer, spacer), "", "column {spacer} of {line}");
            }
            if cut(2, 6) == "13/45" {
                continue;
            }
            let of_year = |year: i32| {
                NaiveDateTime::parse_from_str(&format!("{year}/{} {}", cut(2, 6), cut(8, 12)), "%Y/%m/%d %H:%M").ok()
            };
            let at = (0..5)
                .filter_map(|back| of_year(anchor.year() - back))
                .find(|at| at.date() <= anchor + Days::new(1))
                .unwrap();
            let key = (at.date(), line.to_string());
            let ordinal = in_file.entry(key.clone()).or_default();
            *ordinal += 1;
            let known = seen.entry(key).or_default();
            if *ordinal <= *known {
                continue;
            }
            *known = *ordinal;
            found.kept += 1;
            let (day, calling, dialled, called, third) =
                (at.date(), cut(26, 32), cut(39, 64), cut(67, 73), cut(76, 82));
            let (duration, tta) = (cut(15, 24), cut(35, 37));
            let ani = cut(103, 112);
            found.numbers.insert(if ani.len() == 10 { format!("0{ani}") } else { ani.to_string() });
            found.numbers.insert(dialled.to_string());
            assert!(dialled.ends_with(cut(114, 120)), "DNIS is the end of the digits");
            if [calling, dialled, called].iter().any(|number| ours_mitel(number)) {
                found.covered.insert(day);
            }
            if ours_mitel(calling) {
                found.callers.insert(calling.to_string());
                found.uses.entry(calling.to_string()).or_default().push(day);
            }
            let answered = !duration.is_empty() && tta != "***";
            for party in [called, third] {
                if answered && ours_mitel(party) {
                    found.uses.entry(party.to_string()).or_default().push(day);
                }
            }
            for number in BTreeSet::from([dialled, called]) {
                found.rung.entry(number.to_string()).or_default().push(day);
                if number == dialled && number != called && answered {
                    found.elsewhere.entry(number.to_string()).or_default().push(day);
                }
            }
        }
    }
    found
}

/// The verdict by counting, in the order of DESIGN 4.
fn verdict(plan: &Plan, row: &Row, found: &Recount) -> &'static str {
    let always = [
        "reception",
        "front_counter",
        "custody",
        "control_room",
        "door_entry",
        "lift",
        "alarm",
        "fax",
        "refuge",
        "help_point",
    ];
    if row["protected"] == "true"
        || always.contains(&row["use"].as_str())
        || (row["device_kind"] == "analogue" && row["use"] == "unknown")
    {
        return "protected";
    }
    let start = plan.last_day - Days::new(u64::from(plan.window_days - 1));
    let from = row["installed_on"].parse::<NaiveDate>().map_or(start, |on| on.max(start));
    let covered = found.covered.range(from..=plan.last_day).count() as u64;
    if covered < u64::from(plan.min_covered_days) {
        return "insufficient_evidence";
    }
    let subject = if row["source"] == "force-cucm" { &row["device_name"] } else { &row["extension"] };
    let count = |days: Option<&Vec<NaiveDate>>| {
        days.map_or(0, |d| d.iter().filter(|d| (from..=plan.last_day).contains(d)).count())
    };
    let uses = count(found.uses.get(subject));
    let (rung, elsewhere) = (count(found.rung.get(&row["extension"])), count(found.elsewhere.get(&row["extension"])));
    match (uses, rung, elsewhere) {
        (0, 0, _) => "idle",
        (0, _, 0) => "unattended",
        (0, _, _) => "diverted",
        _ if uses as u64 * 7 <= covered => "low_use",
        _ => "in_use",
    }
}

fn small(seed: u64) -> Plan {
    Plan { awkward: true, ..Plan::new(150, 60, seed, "2024-04-12".parse().unwrap()) }
}

fn bytes(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let folders = ["", "estate", "landing/cucm", "landing/mitel"].map(|folder| out.join(folder));
    let all = folders.iter().flat_map(|folder| files(folder)).filter(|path| path.is_file());
    all.map(|path| (path.strip_prefix(out).unwrap().to_path_buf(), std::fs::read(&path).unwrap())).collect()
}

/// Truth, ledger and unknown callers of one plan, against the files.
fn hold(plan: &Plan) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let summary = generate(plan, out).unwrap();
    let register = table(&out.join("estate/extensions.csv"));
    let truth: HashMap<(String, String), String> = table(&out.join("truth.csv"))
        .into_iter()
        .map(|row| ((row["source"].clone(), row["extension"].clone()), row["verdict"].clone()))
        .collect();
    assert_eq!((register.len(), truth.len()), (plan.extensions, plan.extensions));
    let found = [recount_cucm(out), recount_mitel(out)];
    let registered: HashSet<&str> = register.iter().map(|row| row["extension"].as_str()).collect();
    for row in &register {
        let of_source = &found[usize::from(row["source"] == "north-mitel")];
        let key = (row["source"].clone(), row["extension"].clone());
        assert_eq!(verdict(plan, row, of_source), truth[&key], "seed {} {row:?}", plan.seed);
    }
    for (source, found) in summary.sources.iter().zip(&found) {
        assert!(source.ledger.balances());
        assert_eq!(source.ledger.kept, found.kept, "{}", source.source);
        let strangers: Vec<_> = found.callers.iter().filter(|number| !registered.contains(number.as_str())).collect();
        let mut told: Vec<_> =
            summary.unknown_extensions.iter().filter(|(s, _)| *s == source.source).map(|(_, number)| number).collect();
        told.sort();
        assert_eq!(strangers, told);
        let window = summary.window.0.iter_days().take_while(|day| *day <= summary.window.1);
        let silent: Vec<NaiveDate> = window.filter(|day| !found.covered.contains(day)).collect();
        assert_eq!(silent, [source.gap_day]);
        for number in &found.numbers {
            assert!(may_be_written(number), "{number} in {}", source.source);
        }
    }
    assert!(summary.unknown_extensions.len() >= 3);
    let lines = |folder: &str, again: bool| {
        let of = files(&out.join("landing").join(folder)).into_iter().filter(|path| !name(path).starts_with('_'));
        let all: Vec<String> = of.map(|path| text(&path)).collect();
        let distinct: BTreeSet<&String> = all.iter().collect();
        if again {
            all.iter().map(|t| t.lines().count() as u64).sum::<u64>()
        } else {
            distinct.iter().map(|t| t.lines().count() as u64).sum()
        }
    };
    let [cucm, mitel] = &summary.sources;
    assert_eq!(cucm.ledger.read, lines("cucm", false));
    assert_eq!(cucm.ledger.read + cucm.repeated_file_lines, lines("cucm", true));
    assert_eq!(mitel.ledger.read, lines("mitel", true));
    if plan.awkward {
        assert_eq!((cucm.ledger.rejected, mitel.ledger.rejected, cucm.repeated_files, cucm.active_files), (1, 1, 1, 1));
        assert!(mitel.ledger.repeated > 0);
    }
}

/// Ours, nobody's, an emergency, or one of the platform's own service codes.
fn may_be_written(number: &str) -> bool {
    let national = number.strip_prefix("+44").map(|rest| format!("0{rest}"));
    let outside = national.as_deref().unwrap_or(number.strip_prefix("90").map_or(number, |_| &number[1..]));
    let partner = number.len() == 5 && (number.starts_with("760") || number.starts_with("770"));
    ours_cucm(number)
        || ours_mitel(number)
        || is_safe(outside)
        || partner
        || number.starts_with("b00")
        || ["", "999", "112", "9999", "9112", "80001", "7100", "79990", "79995", "7000"].contains(&number)
}

#[test]
fn truth_is_what_an_independent_count_finds() {
    for seed in [1, 2, 77] {
        hold(&small(seed));
    }
    // The least there may be, over New Year, and several files a day.
    hold(&Plan { files: Files::PerDay(3), ..Plan::new(30, 28, 5, "2024-01-15".parse().unwrap()) });
    hold(&Plan {
        files: Files::Every(400),
        awkward: true,
        gzip: true,
        ..Plan::new(31, 29, 6, "2023-11-05".parse().unwrap())
    });
}

#[test]
fn the_sample_shows_everything_and_fits() {
    let plan = Plan::sample();
    hold(&plan);
    let folder = tempfile::tempdir().unwrap();
    let summary = generate(&plan, folder.path()).unwrap();
    assert_eq!(summary.verdicts.len(), 7);
    assert!(summary.verdicts.values().all(|n| *n >= 3), "{:?}", summary.verdicts);
    let size: usize = bytes(folder.path()).values().map(Vec::len).sum();
    assert!(size < 4_000_000, "{size} bytes");
    let (changes, rows) = ([1_698_541_200, 1_711_846_800, 1_704_067_200_i64], cucm_rows(folder.path()));
    for change in changes {
        let over = |row: &&Row| {
            let at = |column: &str| row[column].parse::<i64>().unwrap();
            at("dateTimeConnect") < change && at("dateTimeDisconnect") > change && at("dateTimeConnect") != 0
        };
        assert!(rows.iter().any(|row| over(&row)), "a call over {change}");
    }
}

#[test]
fn the_same_plan_gives_the_same_bytes_and_another_seed_others() {
    let out: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    for (folder, seed) in out.iter().zip([9, 9, 10]) {
        generate(&Plan { gzip: true, ..small(seed) }, folder.path()).unwrap();
    }
    let all: Vec<_> = out.iter().map(|folder| bytes(folder.path())).collect();
    assert!(all[0] == all[1]);
    assert!(all[0] != all[2]);
}

/// Fingerprints of formats-cisco-teams 1.9, each somewhere in the showcase of a small estate.
#[test]
fn the_features_of_a_cluster_leave_their_fingerprints() {
    let folder = tempfile::tempdir().unwrap();
    generate(&small(3), folder.path()).unwrap();
    let rows = cucm_rows(folder.path());
    let has = |wanted: &[(&str, &str)]| rows.iter().filter(|row| wanted.iter().all(|(c, v)| row[*c] == *v)).count();
    assert!(has(&[("joinOnBehalfOf", "10"), ("lastRedirectRedirectReason", "4")]) > 0, "transfer");
    assert!(
        has(&[("origCause_value", "393216"), ("origCallTerminationOnBehalfOf", "10")]) % 2 == 0,
        "its two split legs"
    );
    assert!(
        has(&[("joinOnBehalfOf", "4"), ("lastRedirectRedirectReason", "98")]) % 4 == 0,
        "conference: three legs and the rest"
    );
    assert!(has(&[("joinOnBehalfOf", "27"), ("destDeviceName", "RECORDER")]) % 2 == 0, "recording: both sides");
    assert!(has(&[("joinOnBehalfOf", "27"), ("origDeviceName", "")]) == 0);
    for wanted in [
        vec![("destDeviceName", "CUC-VM"), ("lastRedirectRedirectReason", "2")],
        vec![
            ("lastRedirectRedirectReason", "15"),
            ("destDeviceName", "SIP_TRUNK_PSTN"),
            ("origDeviceName", "SIP_TRUNK_PSTN"),
        ],
        vec![("huntPilotDN", "80001")],
        vec![("finalCalledPartyNumber", "80001"), ("dateTimeConnect", "0"), ("huntPilotDN", "")],
        vec![("finalCalledPartyNumber", "9999")],
        vec![("callingPartyNumber", ""), ("origDeviceName", "SIP_TRUNK_PSTN")],
        vec![("originalCalledPartyNumber", ""), ("finalCalledPartyNumber", ""), ("destDeviceName", "")],
        vec![("destDeviceName", "TIE_NORTH")],
        vec![("origDeviceName", "TIE_NORTH")],
        vec![("destCause_value", "17"), ("dateTimeConnect", "0")],
        vec![("joinOnBehalfOf", "27")],
        vec![("joinOnBehalfOf", "10")],
        vec![("joinOnBehalfOf", "4")],
    ] {
        assert!(has(&wanted) > 0, "{wanted:?}");
    }
    assert!(rows.iter().any(|row| row["duration"] == "0" && row["dateTimeConnect"] != "0"), "sub-second");
    assert!(rows.iter().any(|row| ["ICCS", "AIRWAVE", "VODAFONE"].contains(&row["destDeviceName"].as_str())));
}

#[test]
fn a_plan_that_cannot_hold_its_verdicts_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let day = "2024-04-30".parse().unwrap();
    assert!(generate(&Plan::new(29, 60, 1, day), folder.path()).is_err());
    assert!(generate(&Plan::new(30, 27, 1, day), folder.path()).is_err());
    assert!(generate(&Plan { window_days: 61, ..Plan::new(30, 60, 1, day) }, folder.path()).is_err());
    generate(&Plan::new(30, 28, 1, day), folder.path()).unwrap();
    let again = generate(&Plan::new(30, 28, 1, day), folder.path()).unwrap_err();
    assert!(again.to_string().contains("landing"), "{again}");
}
