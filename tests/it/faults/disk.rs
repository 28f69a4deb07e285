//! No space left, no file handles left, no right to write: one line that says what to do, and the next run makes it good.

use std::process::Command;

use super::estate::{Estate, bytes_below, difference, good, rows};
use super::skip;
use crate::workdir::Workdir;

/// Runs a script where it may mount: as root in a space of its own, else as root of a user space of its own.
fn mounting(script: &str, work: &Workdir, args: &[&str]) -> bool {
    let flags = ["-m", "-rm"];
    let may = |flag: &&&str| {
        let try_it = "mount -t tmpfs -o size=64k tmpfs .";
        Command::new("unshare")
            .args([**flag, "sh", "-c", try_it])
            .current_dir(work.path())
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    let Some(flag) = flags.iter().find(may) else { return false };
    let mut command = Command::new("unshare");
    command.args([flag, "sh", "-eu", "-c", script, "sh", env!("CARGO_BIN_EXE_onhook")]).args(args);
    let done = command.current_dir(work.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    true
}

const FILL: &str = "
    mkdir lake && mount -t tmpfs -o size=${2}k tmpfs lake
    code=0; \"$1\" ingest 2> first || code=$?; echo $code > first.code
    mount -o remount,size=256m lake
    code=0; \"$1\" ingest 2> second || code=$?; echo $code > second.code
    cp -a lake copied";

#[test]
fn a_full_disk_is_named_in_every_phase_and_made_good_by_the_next_run() {
    let estate = Estate::new();
    let clean_work = estate.work();
    good(&clean_work);
    let clean = rows(&clean_work.join("lake"));
    // In pages of 4 KiB, as the file system counts.
    let needed: usize = bytes_below(&clean_work.join("lake")).values().map(|b| b.len().div_ceil(4096) * 4).sum();
    let mut full = 0;
    for step in 1..=16 {
        let size = (needed * step / 15).div_ceil(4) * 4;
        let work = estate.work();
        if !mounting(FILL, &work, &[&size.to_string()]) {
            return skip("a_full_disk_is_named_in_every_phase", "neither root nor a user space may mount a tmpfs");
        }
        let said = work.read("first");
        assert!(!said.contains("panicked"), "{size} KiB: {said}");
        match work.read("first.code").trim() {
            "0" => {}
            code => {
                full += 1;
                assert_eq!(code, "2", "{size} KiB: {said}");
                let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
                assert!(errors.len() == 1 && errors[0].contains("No space left on device"), "{size} KiB: {said}");
                assert!(
                    said.contains("hint: free some space and run it again; nothing was lost"),
                    "{size} KiB: {said}"
                );
            }
        }
        assert_eq!(work.read("second.code").trim(), "0", "{size} KiB: {}", work.read("second"));
        assert_eq!(difference(&rows(&work.join("copied")), &clean), None, "{size} KiB");
    }
    assert!(full >= 10, "only {full} of 16 sizes were too small");
}

const READ_ONLY: &str = "
    mount --bind lake lake && mount -o remount,bind,ro lake
    code=0; \"$1\" ingest 2> writer || code=$?; echo $code > writer.code
    code=0; \"$1\" sql -f csv -e 'select count(*) from legs' > reader || code=$?; echo $code > reader.code";

#[test]
fn a_lake_that_may_only_be_read_answers_and_refuses_to_be_written() {
    let work = Workdir::small();
    work.ingest(&[]);
    let (before, legs) = (bytes_below(&work.join("lake")), work.sql("select count(*) from legs"));
    if !mounting(READ_ONLY, &work, &[]) {
        return skip("a_lake_that_may_only_be_read", "neither root nor a user space may mount");
    }
    assert_eq!(work.read("reader.code").trim(), "0");
    assert_eq!(work.read("reader").lines().nth(1), legs.first().map(String::as_str));
    assert_eq!(work.read("writer.code").trim(), "2");
    let said = work.read("writer");
    assert!(
        said.contains("it cannot be written to") && said.contains("hint: give the user that runs onhook"),
        "{said}"
    );
    assert!(bytes_below(&work.join("lake")) == before);
}

#[test]
fn a_run_without_enough_file_handles_says_so_and_is_made_good() {
    let estate = Estate::new();
    let clean = estate.clean();
    let mut short = 0;
    for handles in [10, 12, 14, 16, 20, 24, 32, 64] {
        let work = estate.work();
        let script = format!("ulimit -n {handles}; exec \"$1\" ingest");
        let done = Command::new("sh")
            .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_onhook")])
            .current_dir(work.path())
            .output()
            .unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(!said.contains("panicked"), "{handles}: {said}");
        match done.status.code() {
            Some(0) => {}
            Some(1 | 2) => {
                short += 1;
                assert!(
                    said.lines().any(|line| line.starts_with("error: ") && line.contains("Too many open files")),
                    "{handles}: {said}"
                );
            }
            code => panic!("{handles}: {code:?} {said}"),
        }
        good(&work);
        assert_eq!(difference(&rows(&work.join("lake")), &clean), None, "{handles}");
    }
    assert!(short > 0, "none was too few");
}
