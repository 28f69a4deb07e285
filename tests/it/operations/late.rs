//! Files that come late, grow, or never come.

use std::io::Write;
use std::time::Duration;

use chrono::Days;

use super::{branch, call, calls, days_ago, deliver, header, outcomes, punctual};
use crate::running::Running;
use crate::workdir::Workdir;

/// The branch, and another of which nothing ever comes.
fn with_annex() -> Workdir {
    let work = branch("");
    let config = work.read("onhook.toml");
    let (source, rest) = config.split_once("[evidence]").unwrap();
    let annex = source.split_once("[[source]]").unwrap().1.replace("branch", "annex");
    std::fs::create_dir_all(work.join("landing/annex")).unwrap();
    work.write("onhook.toml", format!("{source}[[source]]{annex}[evidence]{rest}"));
    work
}

#[test]
fn without_a_wait_it_goes_on_with_what_there_is_and_names_who_is_late() {
    let work = with_annex();
    // A clock that is ahead: records of a day that has not been.
    let ahead = days_ago(0) + Days::new(2);
    deliver(&work, "ahead.csv", &calls(ahead, 1));
    let ran = work.run(&["nightly", "--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(work.sql(&format!("select count(*) from legs where local_day = date '{ahead}'")), ["1"]);
    let (day, last) = (days_ago(1), days_ago(3));
    let late = format!("warning: branch is late: no records of {day} yet, the last are of {last}: ask for its files");
    assert!(ran.stderr.contains(&late), "{ran:?}");
    assert!(ran.stderr.contains(&format!("warning: annex is late: no records of {day} yet: ask")), "{ran:?}");
    assert!(!ran.stderr.contains("waiting "), "{ran:?}");
    let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["night"]["late"], serde_json::json!(["branch", "annex"]));
    assert_eq!(said["night"]["exit_code"], 1);
    assert!(work.join("out/report.html").exists() && work.join("out/run.json").exists());
    assert_eq!(work.sql("select late from run_history"), ["\"branch, annex\""]);
    // What was expected is on record in the lake and nowhere in the outputs: they are the same whatever the day.
    assert!(!work.read("out/run.json").contains("late"));
}

#[test]
fn a_file_that_still_grows_is_not_read_before_it_is_whole() {
    let work = branch("");
    let night = Running::start(&work, &["nightly", "--wait", "60"]);
    night.says("waiting   branch is late");
    let path = work.join("landing/branch/growing.csv");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(header().as_bytes()).unwrap();
    // Longer than several looks of the run, with a line every tenth of a second.
    let mut lines = 0;
    while lines < 50 {
        file.write_all(call(days_ago(1), lines).as_bytes()).unwrap();
        lines += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    file.write_all(call(days_ago(0), 0).as_bytes()).unwrap();
    drop(file);
    let ran = night.ended();
    assert_eq!(ran.code, 0, "{ran:?}");
    let inputs = work.sql("select name, kept, rejected from inputs order by name");
    assert_eq!(inputs, ["landing/branch/growing.csv,51,0", "landing/branch/old.csv,4,0"], "read once, and whole");
    assert_eq!(outcomes(&work), ["good"]);
    assert_eq!(work.sql("select waited_s >= 5.0 from run_history"), ["true"], "it waited while the file grew");
}

/// Takes the minute that is the shortest wait.
#[test]
fn at_the_deadline_it_goes_on_and_what_came_whole_in_the_end_has_not_failed() {
    let work = with_annex();
    deliver(&work, "torn.csv.gz", "not what its name says");
    let night = Running::start(&work, &["nightly", "--wait", "1"]);
    night.says("waiting   annex is late");
    // Its second delivery is good, and the branch is punctual with it.
    std::fs::remove_file(work.join("landing/branch/torn.csv.gz")).unwrap();
    deliver(&work, "new.csv", &punctual());
    deliver(&work, "older.csv", &calls(days_ago(2), 2));
    let ran = night.ended();
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("read      3 new files, 0 seen before, 0 failed"), "{ran:?}");
    assert!(!ran.stderr.contains("error: "), "{ran:?}");
    assert_eq!(
        work.sql("select late, inputs_new, inputs_failed, read, kept, skipped from run_history"),
        ["annex,3,0,13,10,3"]
    );
    assert!(work.join("out/report.html").exists());
    let run = work.sql("select summary from run_history").join("");
    assert!(run.contains("1 thing needs a person. (1) annex is late: no records of"), "{run}");
}

#[test]
fn what_can_never_be_waited_for_is_refused() {
    let work = branch("");
    for (args, says) in [
        (&["nightly", "--wait-until", "6:30"][..], "write it as 06:30"),
        (&["nightly", "--wait-until", "25:00"], "write it as 06:30"),
        (&["nightly", "--wait", "5", "--wait-until", "06:30"], "cannot be used with"),
        (&["nightly", "--wait", "100000"], "100000 is not in 0..=1440"),
        (&["nightly", "--metrics", "figures.txt"], "only files that end in .prom are read"),
    ] {
        let ran = work.run(args);
        assert_eq!(ran.code, 2, "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(says), "{args:?}: {ran:?}");
    }
    let config = work.read("onhook.toml");
    for (from, to, says) in [
        ("expect = \"daily\"", "expect = \"sometimes\"", "unknown variant `sometimes`"),
        ("expect = \"daily\"", "expected_lag_days = -1", "invalid value"),
        ("poll_seconds = 1", "poll_seconds = 0", "poll_seconds and notify_seconds are from 1 to 3600"),
        ("poll_seconds = 1", "wait_until = \"half six\"", "wait_until = \"half six\" is no time of day"),
        ("poll_seconds = 1", "notify = [\"../tell\"]", "leaves the folder of the configuration"),
        ("poll_seconds = 1", "metrics = \"onhook.txt\"", "only files that end in .prom are read"),
    ] {
        work.write("onhook.toml", config.replace(from, to));
        let ran = work.run(&["nightly"]);
        assert_eq!(ran.code, 2, "{to}: {ran:?}");
        assert!(ran.stderr.contains(says) && ran.stderr.contains("hint: "), "{to}: {ran:?}");
    }
    assert!(!work.join("lake").exists(), "nothing was begun");
}
