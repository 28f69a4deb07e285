//! The metrics file against what is known of the small estate, and the history of runs.

use std::collections::BTreeMap;
use std::process::Command;

use super::{ask, outcomes, text};
use crate::workdir::Workdir;

/// Samples of a metrics file by name and labels, as they stand there.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_string(), value.parse().unwrap()))
        .collect()
}

fn sound(page: &str) {
    let Some(said) = ask("promtool", "promtool", &["check", "metrics"], page) else { return };
    assert!(said.status.success() && text(&said).is_empty(), "{}{page}", text(&said));
}

/// Runs a night under the strictest of umasks.
fn strict_night(work: &Workdir) -> Option<i32> {
    let onhook = env!("CARGO_BIN_EXE_onhook");
    let script = format!("umask 077; exec {onhook} -q nightly --metrics figures/onhook.prom");
    Command::new("sh").args(["-c", &script]).current_dir(work.path()).status().unwrap().code()
}

#[test]
fn the_figures_are_those_of_the_estate_and_promtool_has_nothing_to_say() {
    use std::os::unix::fs::PermissionsExt;
    let work = Workdir::small();
    assert_eq!(strict_night(&work), Some(0));
    let page = work.read("figures/onhook.prom");
    sound(&page);
    let there = samples(&page);
    // Counted by hand: queries/reports/ingest-health.slt, queries/views/coverage.slt, queries/reports/disposition-summary.slt.
    for (sample, value) in [
        ("onhook_records{source=\"hq-cucm\",outcome=\"kept\"}", 27.0),
        ("onhook_records{source=\"hq-cucm\",outcome=\"repeated\"}", 1.0),
        ("onhook_records{source=\"hq-cucm\",outcome=\"skipped\"}", 14.0),
        ("onhook_records{source=\"hq-cucm\",outcome=\"rejected\"}", 1.0),
        ("onhook_records{source=\"north-mitel\",outcome=\"kept\"}", 10.0),
        ("onhook_run_records{outcome=\"kept\"}", 37.0),
        ("onhook_run_inputs{outcome=\"new\"}", 8.0),
        ("onhook_run_inputs{outcome=\"failed\"}", 0.0),
        ("onhook_source_coverage_ratio{source=\"hq-cucm\"}", 0.5),
        ("onhook_source_coverage_ratio{source=\"north-mitel\"}", 10.0 / 28.0),
        ("onhook_coverage_needed_ratio", 0.25),
        // 31 March 2024 23:30 UTC and 26 March 08:30 UTC, quarter-hours both.
        ("onhook_source_last_record_timestamp_seconds{source=\"hq-cucm\"}", 1_711_927_800.0),
        ("onhook_source_last_record_timestamp_seconds{source=\"north-mitel\"}", 1_711_441_800.0),
        ("onhook_extensions{verdict=\"protected\"}", 3.0),
        ("onhook_extensions{verdict=\"idle\"}", 3.0),
        ("onhook_run_exit_code", 0.0),
        ("onhook_run_needs", 0.0),
        ("onhook_lake_version", 1.0),
    ] {
        assert_eq!(there.get(sample), Some(&value), "{sample} in\n{page}");
    }
    let end = there["onhook_run_end_timestamp_seconds"];
    assert_eq!(there["onhook_last_success_timestamp_seconds"], end);
    let lag = there["onhook_source_lag_seconds{source=\"hq-cucm\"}"];
    assert_eq!(lag, (end - 1_711_927_800.0).round());
    assert!(!page.contains("onhook_source_late"), "nothing is expected of any source");
    let mode = work.join("figures/onhook.prom").metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o644, "the exporter is another user");
    assert_eq!(std::fs::read_dir(work.join("figures")).unwrap().count(), 1, "no draft is left");

    // A night that needs a person, and one that cannot finish: the last good one stays the last good one.
    let config = work.read("onhook.toml");
    work.write("onhook.toml", config.replacen("timezone", "expect = \"working_days\"\ntimezone", 1));
    assert_eq!(strict_night(&work), Some(1));
    let page = work.read("figures/onhook.prom");
    sound(&page);
    let there = samples(&page);
    assert_eq!((there["onhook_run_exit_code"], there["onhook_run_needs"]), (1.0, 1.0));
    assert_eq!(there["onhook_source_late{source=\"hq-cucm\"}"], 1.0);
    let near = |moment: f64| assert!((there["onhook_last_success_timestamp_seconds"] - moment).abs() < 0.01, "{page}");
    near(end);
    work.write("estate/policy.csv", "use,verdict\n");
    assert_eq!(strict_night(&work), Some(2));
    let page = work.read("figures/onhook.prom");
    sound(&page);
    let there = samples(&page);
    assert_eq!(there["onhook_run_exit_code"], 2.0);
    assert!((there["onhook_last_success_timestamp_seconds"] - end).abs() < 0.01, "{page}");
    assert!(!page.contains("onhook_records"), "figures that were not worked out are not made up");
}

#[test]
fn figures_that_cannot_be_written_need_a_person() {
    let work = Workdir::small();
    work.write("taken", "a file");
    let ran = work.run(&["nightly", "--metrics", "taken/onhook.prom"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("warning: taken") && ran.stderr.contains("figures of an earlier run"), "{ran:?}");
}

/// A lake from before there was a history opens, answers and is sound; the next night begins one.
#[test]
fn a_lake_without_a_history_gets_one() {
    let work = Workdir::small();
    work.good(&["nightly"]);
    std::fs::remove_dir_all(work.join("lake/runs")).unwrap();
    assert_eq!(outcomes(&work), Vec::<String>::new());
    assert!(work.good(&["lake", "verify"]).stdout.starts_with("sound "));
    assert!(work.good(&["lake", "status"]).stdout.contains("runs               0 files"));
    work.good(&["nightly"]);
    assert_eq!(outcomes(&work), ["good"]);
}

/// Every night adds to the history; no answer is worked out anew for that, and its files are merged like all others.
#[test]
fn the_history_grows_and_makes_nothing_else_older() {
    let work = Workdir::small();
    work.good(&["nightly"]);
    let standing = || {
        let names = std::fs::read_dir(work.join("lake/standing")).unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap())
            .map(|e| (e.file_name(), e.metadata().unwrap().modified().unwrap()))
            .collect();
        names.sort();
        names
    };
    let before = standing();
    work.good(&["nightly"]);
    work.good(&["nightly"]);
    assert!(before == standing(), "a night without new records leaves the standing answers as they are");
    let history = || work.good(&["query", "run-history", "-f", "csv"]).stdout;
    let told = history();
    assert_eq!(told.lines().count(), 1 + 3);
    assert_eq!(work.good(&["query", "run-history", "-p", "last=2", "-f", "csv"]).stdout.lines().count(), 1 + 2);
    let compacted: serde_json::Value = serde_json::from_str(&work.good(&["lake", "compact", "--json"]).stdout).unwrap();
    assert_eq!(
        (&compacted["runs"]["files_before"], &compacted["runs"]["files_after"]),
        (&6.into(), &1.into()),
        "{compacted}"
    );
    assert_eq!(history(), told);
    work.good(&["nightly"]);
    let now = history();
    assert_eq!(now.lines().count(), told.lines().count() + 1, "{now}");
    for night in told.lines() {
        assert!(now.lines().any(|line| line == night), "{night} is gone from\n{now}");
    }
    assert!(work.good(&["lake", "verify"]).stdout.starts_with("sound "));
}
