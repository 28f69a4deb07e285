//! Tests only: invented estates against the recount of their own files, their fingerprints, their sizes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::outside::is_safe;
use super::recount::*;
use super::*;

fn small(seed: u64) -> Plan {
    Plan { awkward: true, ..Plan::new(150, 60, seed, "2024-04-12".parse().unwrap()) }
}

fn bytes(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(out)
        .into_iter()
        .map(|path| (path.strip_prefix(out).unwrap().to_path_buf(), std::fs::read(&path).unwrap()))
        .collect()
}

/// Truth, ledger and unknown callers of one plan, against the files.
fn hold(plan: &Plan) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let summary = generate(plan, out).unwrap();
    let register = table(&out.join("estate/extensions.csv"));
    let truth: HashMap<(String, String), Row> = table(&out.join("truth.csv"))
        .into_iter()
        .map(|row| ((row["source"].clone(), row["extension"].clone()), row))
        .collect();
    let decisions: HashMap<(String, String), String> = table(&out.join("estate/decisions.csv"))
        .into_iter()
        .map(|row| ((row["source"].clone(), row["extension"].clone()), row["action"].clone()))
        .collect();
    assert_eq!((register.len(), truth.len(), decisions.len()), (plan.extensions, plan.extensions, 2));
    let found = [recount_cucm(out, plan), recount_mitel(out, plan)];
    let registered: HashSet<&str> = register.iter().map(|row| row["extension"].as_str()).collect();
    let (mut alone, mut unseen, mut released) = (0, 0, 0);
    for row in &register {
        let of_source = &found[usize::from(row["source"] == "north-mitel")];
        let key = (row["source"].clone(), row["extension"].clone());
        let (got, truth) = (verdict(plan, row, &register, of_source), &truth[&key]);
        assert_eq!(got.verdict, truth["verdict"], "seed {} {row:?}", plan.seed);
        let says = |column: &str| truth[column] == "true";
        assert_eq!(got.is_provable, says("provable"), "{row:?}");
        let neighbours = register.iter().filter(|other| other["site"] == row["site"]).count();
        assert!(neighbours == 1 || neighbours > 2, "{neighbours} at {}", row["site"]);
        let is_guarded = got.verdict == "protected"
            || neighbours == 1
            || of_source.lives.get(&row["extension"]).is_some_and(|life| life.emergencies > 0);
        let may_cease = decisions.get(&key).map_or(!is_guarded, |action| action == "cease");
        assert_eq!(may_cease, says("may_cease"), "{row:?}");
        if says("truly_idle") {
            assert!(got.is_silent, "{row:?}");
            assert!(got.verdict == "protected" || says("provable") == (got.verdict == "idle"), "{row:?} {truth:?}");
        } else if got.is_silent {
            assert_eq!(got.verdict, "idle");
            unseen += 1;
        }
        assert!(got.verdict != "idle" || says("provable"));
        alone += usize::from(neighbours == 1);
        released += usize::from(got.verdict == "protected" && may_cease);
    }
    let planted = |what: &str| summary.planted.get(what).copied().unwrap_or_default();
    assert_eq!(alone as u64, planted("protected: only phone of its site"));
    assert_eq!(unseen, planted("used, the records lost"));
    assert_eq!(released, 1);
    for (source, found) in summary.sources.iter().zip(&found) {
        assert!(source.ledger.balances());
        assert_eq!(source.ledger.kept, found.kept, "{}", source.source);
        let strangers: Vec<_> = found.callers.iter().filter(|number| !registered.contains(number.as_str())).collect();
        let mut told: Vec<_> =
            summary.unknown_extensions.iter().filter(|(s, _)| *s == source.source).map(|(_, number)| number).collect();
        told.sort();
        assert_eq!(strangers, told);
        let gaps: Vec<NaiveDate> = found.coverage.gaps.keys().copied().collect();
        assert_eq!(gaps, source.gap_days, "{:?}", found.coverage.gaps);
        let of_reason = |why| found.coverage.gaps.values().filter(|reason| **reason == why).count();
        assert_eq!(of_reason("no records"), 1);
        assert_eq!(of_reason("empty hour"), usize::from(source.dark_day.is_some()));
        assert_eq!(of_reason("missing numbers"), if source.lost_files > 0 { 4 } else { 0 });
        for number in &found.numbers {
            assert!(may_be_written(number), "{number} in {}", source.source);
        }
    }
    assert!(summary.unknown_extensions.len() >= 3);
    let media = files(&out.join("landing/cucm")).iter().filter(|path| name(path).starts_with("cmr_")).count();
    assert_eq!(summary.sources[0].media_files, media as u64);
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
    for seed in [1, 7, 2024, 5] {
        hold(&Plan { awkward: true, ..Plan::new(90, 120, seed, "2024-04-30".parse().unwrap()) });
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

/// Traffic enough for hours without records to stand out, and days before the window.
#[test]
fn hours_without_records_are_planted_where_they_stand_out() {
    let plan = Plan { window_days: 110, min_covered_days: 55, ..Plan::new(330, 130, 4, "2024-03-20".parse().unwrap()) };
    hold(&plan);
    let folder = tempfile::tempdir().unwrap();
    let summary = generate(&plan, folder.path()).unwrap();
    assert!(summary.sources.iter().all(|source| source.dark_day.is_some()));
    let wanted = [
        "one emergency call in the window",
        "used, the records lost",
        "used on a gap day, the record there",
        "used before the window only",
        "silent member of a ringing group",
        "meeting room, low use",
        "installed late",
        "trap: words within words",
        "protected: use",
        "protected: marked",
        "protected: word in the location",
        "protected: word in the notes",
        "protected: gateway port, kind blank",
        "protected: nobody's",
        "protected: only phone of its site",
        "protected: calls like a lift's, the register wrong",
    ];
    assert!(summary.planted.keys().copied().eq(BTreeSet::from(wanted)), "{:?}", summary.planted);
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
    // No file is lost, so that every call has all its records.
    generate(&Plan { files: Files::Every(20), ..small(3) }, folder.path()).unwrap();
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
