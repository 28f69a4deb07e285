//! One night at a time, whatever becomes of it.

use super::{branch, deliver, outcomes, punctual};
use crate::running::Running;

#[test]
fn two_nights_never_interleave_and_the_second_is_told_who_runs() {
    let soon = (chrono::Utc::now() + chrono::TimeDelta::minutes(90)).format("%H:%M");
    let work = branch(&format!("wait_until = \"{soon}\"\n"));
    let first = Running::start(&work, &["nightly"]);
    first.says("waiting   branch is late: no records of ");
    let holder = format!("another run is writing to it: process {} since 20", first.id());
    for command in [&["nightly"][..], &["ingest"], &["estate", "load"], &["lake", "compact"]] {
        let ran = work.run(command);
        assert_eq!(ran.code, 2, "{command:?}: {ran:?}");
        assert!(
            ran.stderr.contains(&holder) && ran.stderr.contains("hint: wait for it to end"),
            "{command:?}: {ran:?}"
        );
    }
    // Questions go on meanwhile.
    assert_eq!(work.sql("select count(*) from legs"), ["4"]);
    assert_eq!(outcomes(&work), ["running"]);
    let third = Running::start(&work, &["nightly", "--wait", "60"]);
    third.says("waiting   lake ");
    assert!(third.said().contains(&holder), "{}", third.said());
    assert!(!third.is_over());
    deliver(&work, "new.csv", &punctual());
    let (first, third) = (first.ended(), third.ended());
    assert_eq!((first.code, third.code), (0, 0), "{first:?}\n{third:?}");
    assert!(first.stderr.contains("read      2 new files, 0 seen before, 0 failed"), "{first:?}");
    assert!(
        third.stderr.contains("read      0 new files, 2 seen before, 0 failed"),
        "it began where the first had ended"
    );
    assert_eq!(outcomes(&work), ["good", "good"]);
    // Neither began before the other had ended.
    let writes = work.sql("select batch, lake_version from run_history order by ended_at");
    assert_eq!(writes, ["2,2", "2,2"]);
}

#[test]
fn a_night_that_was_killed_leaves_its_beginning_and_the_next_one_goes_on() {
    let work = branch("");
    let first = Running::start(&work, &["nightly", "--wait", "60"]);
    first.says("waiting   branch is late");
    first.kill();
    assert_eq!(outcomes(&work), ["running"], "nobody knows better yet");
    deliver(&work, "new.csv", &punctual());
    let ran = work.good(&["nightly"]);
    assert!(ran.stderr.contains("read      1 new files, 1 seen before, 0 failed"), "{ran:?}");
    assert_eq!(outcomes(&work), ["good", "cut_short"]);
    assert_eq!(
        work.sql("select exit_code is null, summary is null from run_history where outcome = 'cut_short'"),
        ["true,true"]
    );
    assert_eq!(work.sql("select count(*), count(distinct leg_key) from legs"), ["8,8"]);
    let verified = work.good(&["lake", "verify"]);
    assert!(verified.stdout.starts_with("sound "), "{verified:?}");
}
