//! The metrics file against what is known of the small estate, and the history of runs.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Stdio};

use super::{ask, outcomes, text};
use crate::workdir::{Ran, Workdir};

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
    assert_eq!(work.sql("select outcome, exit_code, needs from run_history"), ["needs_a_person,1,1"]);
    let kept = work.sql("select summary from run_history").remove(0);
    assert!(kept.contains("figures of an earlier run"), "{kept}");
}

/// A night whose last word the lake does not take: its figures as they were before that, and what it said. They are read by
/// somebody who holds the night up between its work and its last word.
fn night_that_cannot_be_put_down(work: &Workdir) -> (BTreeMap<String, f64>, Ran) {
    let pipe = work.join("figures/onhook.prom.new");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut night = work.command(&["nightly", "--metrics", "figures/onhook.prom"]);
    let mut night = night.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Its answers come when all is done but that.
    night.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    std::fs::rename(work.join("lake/runs"), work.join("away")).unwrap();
    work.write("lake/runs", "in the way");
    let first = samples(&std::fs::read_to_string(&pipe).unwrap());
    assert_eq!(first["onhook_run_exit_code"], 0.0);
    let ran = Ran::of(&["nightly"], night.wait_with_output().unwrap());
    assert!(ran.code == 2 && ran.stderr.lines().last().unwrap().contains("exit code 2"), "{ran:?}");
    (first, ran)
}

#[test]
fn figures_of_a_night_that_cannot_be_put_down_say_so() {
    let work = Workdir::small();
    work.good(&["nightly", "--metrics", "figures/onhook.prom"]);
    let last_good = samples(&work.read("figures/onhook.prom"))["onhook_last_success_timestamp_seconds"];
    let (first, _) = night_that_cannot_be_put_down(&work);
    let page = work.read("figures/onhook.prom");
    sound(&page);
    let there = samples(&page);
    assert_eq!((there["onhook_run_exit_code"], there["onhook_run_needs"]), (2.0, 1.0));
    assert!(first["onhook_last_success_timestamp_seconds"] > last_good, "{page}");
    assert!(there["onhook_last_success_timestamp_seconds"] <= last_good, "this one was none: {page}");
    assert!(page.contains("onhook_records{"), "what was worked out is kept");
}

/// The first figures go into the pipe, whose name is then free; those after them need the one name that is taken.
#[test]
fn figures_of_a_good_night_do_not_stay_where_they_cannot_be_put_right() {
    let work = Workdir::small();
    work.good(&["nightly", "--metrics", "figures/onhook.prom"]);
    work.write("figures/onhook.prom.new.new/in_the_way", "");
    let (_, ran) = night_that_cannot_be_put_down(&work);
    assert!(!work.join("figures/onhook.prom").exists(), "{ran:?}");
    let said = ran.stderr.lines().find(|line| line.starts_with("warning: figures/onhook.prom.new"));
    assert!(said.is_some_and(|line| line.contains("the monitoring has no figures")), "{ran:?}");
    assert!(ran.stderr.lines().last().unwrap().contains("2 things need a person"), "{ran:?}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_and_counted() {
    let work = Workdir::small();
    assert_eq!(strict_night(&work), Some(0));
    let good = samples(&work.read("figures/onhook.prom"));
    let config = work.read("onhook.toml");
    work.write("onhook.toml", "[nightly\n");
    let ran = work.run(&["nightly", "--metrics", "figures/onhook.prom"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let first: Vec<&str> = ran.stderr.lines().map(|line| line.split([':', ' ']).next().unwrap()).collect();
    assert_eq!(first, ["error", "hint", "summary"], "{ran:?}");
    let summary = ran.stderr.lines().last().unwrap();
    assert!(summary.contains("could not finish, exit code 2: 1 thing needs a person. (1) onhook.toml"), "{summary}");
    let page = work.read("figures/onhook.prom");
    sound(&page);
    let there = samples(&page);
    assert_eq!((there["onhook_run_exit_code"], there["onhook_run_needs"]), (2.0, 1.0));
    let last = "onhook_last_success_timestamp_seconds";
    assert_eq!(there[last], good[last], "the last good night stays the last good night");
    assert!(there["onhook_run_end_timestamp_seconds"] > good["onhook_run_end_timestamp_seconds"]);
    work.write("onhook.toml", config);
    assert_eq!(strict_night(&work), Some(0));
    assert_eq!(outcomes(&work), ["good", "good"], "the history knows only of runs that came to the lake");
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
