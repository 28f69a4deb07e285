//! Evidence that looks longer, wider or better named than it is: ways to a wrong verdict that a reviewer found. Scenes in
//! the world of `world.rs`, one doubt each.

use crate::world::{CALLER, Call, Cisco, DIALLED, Line, World, background, call, desk, verdicts};

const YEAR: i64 = 365;

fn judged(lines: &[Line<'_>], calls: Vec<Call>) -> (crate::workdir::Workdir, Vec<String>) {
    let mut world = World::new(YEAR);
    for line in [desk("hq", "60001"), desk("hq", "60002")].iter().chain(lines) {
        world.line(*line);
    }
    world.cisco("hq", &Cisco::default(), calls);
    let work = world.load();
    let found = verdicts(&work);
    let told = lines.iter().map(|line| {
        let row = &found[line.extension];
        format!("{} {} {}", row.text("verdict"), row.text("action"), row.text("guard"))
    });
    let told = told.collect();
    (work, told)
}

/// Node 2 is out for a hundred days, and 60105 on it was used on those and on no others.
#[test]
fn a_long_outage_does_not_become_usual() {
    let outage = 100..200;
    let mut calls = background(0..YEAR, "60001", "60002");
    for day in 0..YEAR {
        calls.extend((0..20).map(|n| call(day, 540 + 10 * n, "60001", DIALLED).talk(60).nodes(1, 1)));
        if !outage.contains(&day) {
            calls.extend((0..20).map(|n| call(day, 545 + 10 * n, "60002", DIALLED).talk(60).nodes(2, 2)));
        }
    }
    let (work, told) = judged(&[desk("hq", "60105")], calls);
    let missing = "select count(*) from coverage_days where reason = 'missing_node'";
    assert_eq!(work.sql(missing), ["100"], "every day of it, also those in whose weeks nothing else was usual");
    // What is left is 265 days: enough to call it idle, and too few to take it away.
    assert_eq!(told, ["idle review short_evidence"]);
}

/// A year of records, of which only the last 165 days show unanswered and internal calls.
#[test]
fn days_that_prove_nothing_do_not_add_up_to_a_cease() {
    let mut calls = background(0..YEAR, "60001", "60002");
    calls.extend((0..YEAR).flat_map(|day| (0..5).map(move |n| call(day, 600 + n, "60001", DIALLED).talk(60))));
    calls.retain(|call| call.day >= 200 || call.talk > 0 && !call.is_internal());
    assert_eq!(judged(&[desk("hq", "60105")], calls).1, ["idle review short_evidence"]);
}

#[test]
fn names_are_the_same_in_any_case() {
    let mut calls = background(0..YEAR, "60001", "60002");
    // Two numbers, or it would pass for a lift's dialler.
    let number = |day: i64| if day % 4 == 0 { DIALLED } else { "901632960603" };
    calls.extend((0..YEAR).step_by(2).map(|day| call(day, 700, "60105", number(day)).talk(60)));
    calls.extend((0..YEAR).map(|day| call(day, 840, CALLER, "60106").missed()));
    let lines = [Line { device_name: "sep000000060105", ..desk("hq", "60105") }, desk("hq", "60106")];
    assert_eq!(judged(&lines, calls).1[0].split(' ').next(), Some("in_use"));
}

/// No day, no proof: whatever thresholds are asked for.
#[test]
fn without_a_day_nothing_is_idle() {
    let line = Line { installed_on: "2035-01-01", ..desk("hq", "60105") };
    let (work, _) = judged(&[line], background(0..YEAR, "60001", "60002"));
    let args = ["query", "disposition", "-f", "csv", "-p", "min_covered_days=0", "-p", "min_cease_days=0"];
    let csv = work.good(&args).stdout;
    let row = csv.lines().find(|row| row.starts_with("hq,60105,")).unwrap();
    assert!(row.starts_with("hq,60105,insufficient_evidence,review,"), "{row}");
}
