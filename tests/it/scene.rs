//! Thirty conversations on four platforms, told one by one in `tests/fixtures/scene/README.md`: each counts once, the
//! clocks' differences are found, and what has no counterpart is said to have none.

use crate::workdir::Workdir;

fn scene() -> Workdir {
    let work = Workdir::of("scene");
    let (code, said) = work.ingest(&[]);
    assert_eq!((code, said["records"]["rejected"].as_u64()), (0, Some(0)), "{said}");
    work.good(&["estate", "load"]);
    work
}

#[test]
fn thirty_conversations_are_thirty() {
    let work = scene();
    assert_eq!(work.sql("select count(*) from legs"), ["59"]);
    assert_eq!(work.sql("select count(*) from conversations"), ["30"]);
    // As README.md has them: the start by the first platform's clock, the way, who answered in the end.
    let told = work.read("README.md");
    let told = told.lines().filter_map(|line| line.strip_prefix("| ")).filter(|line| line.starts_with("20"));
    let told: Vec<String> =
        told.map(|line| line.split(" | ").take(5).map(str::trim).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(told.len(), 30);
    let mut found = work.sql("select started_at, sources, caller, answered_by, talk_s from conversations");
    found.sort();
    let mut expected = told;
    expected.sort();
    assert_eq!(found, expected);
}

/// Every record is of one conversation, and the seconds of a conversation are told once.
#[test]
fn every_leg_is_of_one_conversation() {
    let work = scene();
    assert_eq!(work.sql("select sum(calls) from conversations"), work.sql("select count(*) from calls"));
    assert_eq!(work.sql("select sum(legs) from calls"), work.sql("select count(*) from legs where part <> 'system'"));
    assert_eq!(work.sql("select count(*) - count(distinct conversation_key) from conversations"), ["0"]);
}

/// The Mitel's clock is 47 s fast, the Avaya's 12 s slow and shows minutes only.
#[test]
fn the_clocks_are_found_and_what_has_no_counterpart_is_said() {
    let work = scene();
    let lines = "select source, peer_source, side, calls, matched, ambiguous, unmatched, skew_s from tie_lines \
        where source < peer_source order by 1, 2, 3";
    assert_eq!(
        work.sql(lines),
        [
            "avaya,cisco,in,5,5,0,0,12",
            "avaya,cisco,out,1,1,0,0,12",
            "avaya,teams,in,1,1,0,0,12",
            "avaya,teams,out,3,3,0,0,12",
            "cisco,mitel,in,6,6,0,0,47",
            "cisco,mitel,out,8,7,0,1,47",
        ]
    );
}
