//! A folder that is no lake of ours, or a damaged one, or in use: one line that says what to do, exit code 2, and not a
//! byte changed.

use std::path::Path;

use super::estate::bytes_below;
use crate::workdir::Workdir;

/// Does something to a lake, and asks of it: each command is refused in one line that holds `says`.
fn refused(what: &str, spoil: impl Fn(&Path), commands: &[&str], says: &[&str]) {
    let work = Workdir::small();
    work.ingest(&[]);
    work.write(
        "landing/mitel/later_20240331.log",
        work.read("landing/mitel/smdr_20240331.log").lines().next().unwrap(),
    );
    let lake = work.join("lake");
    spoil(&lake);
    let before = bytes_below(&lake);
    for command in commands {
        let args: &[&str] = match *command {
            "sql" => &["sql", "-e", "select count(*) from legs"],
            _ => &["ingest"],
        };
        let ran = work.run(args);
        assert_eq!(ran.code, 2, "{what}, {command}: {ran:?}");
        let errors: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{what}, {command}: {ran:?}");
        let message = ran.stderr.as_str();
        assert!(
            says.iter().all(|part| message.contains(part)) && message.contains("hint: "),
            "{what}, {command}: {message}"
        );
        assert!(bytes_below(&lake) == before, "{what}, {command}: the lake was changed");
    }
}

const BOTH: [&str; 2] = ["sql", "ingest"];

#[test]
fn a_lake_that_cannot_be_read_is_refused_in_one_line_and_left_alone() {
    let marker = |text: &'static str| move |lake: &Path| std::fs::write(lake.join("onhook-lake.json"), text).unwrap();
    refused("newer", marker("{\"layout\":99}"), &BOTH, &["written by a newer onhook", "use that version"]);
    refused("older", marker("{\"layout\":1}"), &BOTH, &["written by an older onhook", "ingest again"]);
    refused("damaged marker", marker("{\"layo"), &BOTH, &["onhook-lake.json is damaged", "from a backup"]);
    refused("emptied marker", marker(""), &BOTH, &["onhook-lake.json is damaged"]);
    let lost = |lake: &Path| std::fs::remove_file(lake.join("onhook-lake.json")).unwrap();
    refused("lost marker", lost, &BOTH, &["its onhook-lake.json is missing", "from a backup"]);
    let other = |lake: &Path| {
        std::fs::remove_dir_all(lake).unwrap();
        std::fs::create_dir(lake).unwrap();
        std::fs::write(lake.join("holiday.jpg"), "x").unwrap();
    };
    refused("not ours", other, &BOTH, &["in use by something else", "name an empty folder"]);
}

fn commit(table: &str, version: u64) -> String {
    format!("{table}/_delta_log/{version:020}.json")
}

#[test]
fn a_damaged_commit_log_is_named_and_nothing_is_written() {
    for table in ["legs", "usage", "inputs"] {
        let cut = |lake: &Path| {
            let path = lake.join(commit(table, 1));
            let text = std::fs::read(&path).unwrap();
            std::fs::write(path, &text[..text.len() / 2]).unwrap();
        };
        let log = format!("{table}/_delta_log");
        refused("cut", cut, &BOTH, &[&format!("lake/{table}: "), &log, "from a backup"]);
        let emptied = |lake: &Path| std::fs::write(lake.join(commit(table, 1)), "").unwrap();
        refused("emptied", emptied, &BOTH, &[&format!("lake/{table}: "), "is empty", "from a backup"]);
        let gap = |lake: &Path| std::fs::remove_file(lake.join(commit(table, 0))).unwrap();
        refused("gap", gap, &BOTH, &[&format!("lake/{table}: "), "from a backup"]);
        let gone = |lake: &Path| std::fs::remove_dir_all(lake.join(&log)).unwrap();
        refused("gone", gone, &BOTH, &[&format!("lake/{table}: "), "its commit log is missing", "from a backup"]);
    }
}

/// Batches that nobody finished are a killed run's, and taken back; but a run leaves one, and not two.
#[test]
fn a_log_of_inputs_that_lost_its_end_takes_nothing_back() {
    let work = Workdir::small();
    work.ingest(&["--source", "north-mitel"]);
    work.ingest(&["--source", "hq-cucm"]);
    let mut line = work.read("landing/mitel/smdr_20240331.log").lines().next().unwrap().to_string();
    let clock = line.find(':').unwrap() - 2;
    line.replace_range(clock..clock + 5, "23:59");
    work.write("landing/mitel/more_20240331.log", line);
    work.ingest(&[]);
    let lake = work.join("lake");
    for version in [2, 3] {
        std::fs::remove_file(lake.join(commit("inputs", version))).unwrap();
    }
    let before = bytes_below(&lake);
    let ran = work.run(&["ingest"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("lake/inputs: its commit log ends with batch 1"), "{ran:?}");
    assert!(bytes_below(&lake) == before, "the lake was changed");
}

/// The file of the lock stays; the lock goes with its holder.
#[test]
fn a_lock_is_held_by_a_process_and_by_no_file() {
    let work = Workdir::small();
    work.write("lake/.lock", "4711");
    assert_eq!(work.ingest(&["--source", "north-mitel"]).0, 0, "a file without a holder is no lock");
    let before = bytes_below(&work.join("lake"));
    let holder = std::fs::File::options().write(true).open(work.join("lake/.lock")).unwrap();
    holder.lock().unwrap();
    let ran = work.run(&["ingest"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("another run is writing to it") && ran.stderr.contains("hint: wait"), "{ran:?}");
    assert!(bytes_below(&work.join("lake")) == before);
    assert!(!work.sql("select count(*) from legs").is_empty(), "readers take no lock");
    drop(holder);
    assert_eq!(work.ingest(&[]).0, 0);
}

#[test]
fn a_file_in_the_lakes_place_is_named() {
    let work = Workdir::small();
    work.write("lake", "a file");
    for args in [&["ingest"][..], &["sql", "-e", "select 1"]] {
        let ran = work.run(args);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(
            ran.stderr.contains("a file of that name is there") && ran.stderr.contains("hint: name a folder"),
            "{ran:?}"
        );
    }
    assert_eq!(work.read("lake"), "a file");
}
