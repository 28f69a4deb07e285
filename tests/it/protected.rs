//! Lines of which few calls prove nothing, class by class: whatever the count, the policy and the thresholds say, none is
//! ceased but by a named person's decision. Each scene has a line of the same silence that is ceased, so that the danger
//! is there.

use std::collections::BTreeMap;

use crate::workdir::Workdir;
use crate::world::{CALLER, Call, Cisco, DIALLED, Line, Row, World, background, call, desk, naive, rows, verdicts};

const YEAR: i64 = 365;

/// What may keep a line.
type Hint = for<'a> fn(Line<'a>) -> Line<'a>;

/// Not protected and never used.
const CONTROL: &str = "60901";

/// A year at two sites, in which the policy ceases whatever it may.
fn world(lines: &[Line<'_>], calls: Vec<Call>) -> World {
    let mut world = World::new(YEAR);
    world.policy("*,*,cease");
    world.line(desk("hq", "60001")).line(desk("hq", "60002")).line(desk("hq", CONTROL));
    for line in lines {
        world.line(*line);
    }
    world.cisco("hq", &Cisco::default(), [background(-30..YEAR, "60001", "60002"), calls].concat());
    world
}

/// Lines that have no hint but the one given, from 60105 on.
fn lines<'a>(extensions: &'a [String], hints: &[Hint]) -> Vec<Line<'a>> {
    extensions.iter().zip(hints).map(|(extension, hint)| hint(desk("hq", extension))).collect()
}

fn numbers(many: usize) -> Vec<String> {
    (60_105..60_105 + many).map(|n| n.to_string()).collect()
}

/// Each of these is one hint that keeps a line: a count would cease it, and the policy would, but it is protected.
fn kept(hints: &[Hint], calls: Vec<Call>) {
    let numbers = numbers(hints.len());
    let work = world(&lines(&numbers, hints), calls).load();
    stay(&work, &numbers);
}

fn stay(work: &Workdir, extensions: &[String]) {
    let surplus = naive(work, 52);
    let found = verdicts(work);
    for extension in extensions {
        let row = &found[extension];
        assert!(surplus.contains(extension), "by its calls it is surplus: {row:?}");
        assert!(row.is("is_protected") && row.is("is_guarded"), "{row:?}");
        assert_eq!((row.text("verdict"), row.text("action")), ("protected", "review"), "{row:?}");
        assert_eq!(row.text("policy_action"), "cease");
        assert_ne!(row.text("protection"), "", "it is said why: {row:?}");
    }
    ceased(&found, &[CONTROL]);
}

/// The lines of the same kind that nothing protects.
fn ceased(found: &BTreeMap<String, Row>, extensions: &[&str]) {
    for extension in extensions {
        assert_eq!(found[*extension].text("action"), "cease", "{:?}", found[*extension]);
    }
}

#[test]
fn lift_autodiallers_are_kept() {
    let mut calls = Vec::new();
    // A self-test a month, and one every 72 hours; to the alarm centre and nowhere else.
    calls.extend((0..YEAR).step_by(30).map(|day| call(day, 720, "60105", DIALLED).talk(35)));
    calls.extend((0..YEAR).step_by(9).map(|day| call(day, 725, "60106", DIALLED).talk(35)));
    kept(
        &[
            |line| line,
            |line| line,
            |line| Line { use_: "lift", ..line },
            |line| Line { location: "Lift 2", ..line },
            |line| Line { notes: "passenger elevator, east", ..line },
            |line| Line { notes: "Lift2", ..line },
            |line| Line { location: "CarParkLift", ..line },
        ],
        calls,
    );
}

/// As few calls to one number, but long ones; as short ones, but to several numbers; and one that is called as often.
#[test]
fn few_calls_that_are_no_self_test_keep_nothing() {
    let mut calls = Vec::new();
    for day in (0..YEAR).step_by(30) {
        calls.push(call(day, 720, "60105", DIALLED).talk(600));
        calls.push(call(day, 725, "60106", if day % 60 == 0 { DIALLED } else { "901632960603" }).talk(35));
        calls.push(call(day, 730, "60107", DIALLED).talk(35));
        calls.push(call(day, 735, CALLER, "60107").talk(35));
        calls.push(call(day, 740, CALLER, "60107").talk(35));
    }
    let numbers = numbers(3);
    let work = world(&lines(&numbers, &[|line| line, |line| line, |line| line]), calls).load();
    let found = verdicts(&work);
    assert!(numbers.iter().all(|extension| found[extension].text("verdict") == "low_use"), "{found:?}");
    ceased(&found, &["60105", "60106", "60107"]);
}

#[test]
fn alarm_signalling_plant_and_telemetry_are_kept() {
    kept(
        &[
            |line| Line { use_: "alarm", ..line },
            |line| Line { location: "Fire panel, ground floor", ..line },
            |line| Line { notes: "intruder alarm, signals to the monitoring centre", ..line },
            |line| Line { location: "Plant room", ..line },
            |line| Line { owner: "Boiler house", ..line },
            |line| Line { notes: "sump pump", ..line },
            |line| Line { notes: "flood telemetry", ..line },
        ],
        Vec::new(),
    );
}

#[test]
fn telecare_and_nurse_call_are_kept() {
    kept(
        &[
            |line| Line { notes: "Telecare hub", ..line },
            |line| Line { location: "Nurse call, ward 3", ..line },
            |line| Line { notes: "line to the ARC", ..line },
        ],
        Vec::new(),
    );
}

#[test]
fn refuges_and_fire_telephones_are_kept() {
    // A refuge is heard of at its yearly test.
    let calls = vec![call(200, 600, "60105", "60001").talk(40)];
    kept(
        &[
            |line| Line { use_: "refuge", ..line },
            |line| Line { location: "Disabled refuge, stair B", ..line },
            |line| Line { notes: "EVC outstation 4", ..line },
            |line| Line { location: "Fire telephone, lobby", ..line },
        ],
        calls,
    );
}

#[test]
fn toilet_alarms_and_panic_buttons_are_kept() {
    kept(
        &[
            |line| Line { location: "Accessible toilet, floor 1", ..line },
            |line| Line { notes: "panic strip, interview room", ..line },
            |line| Line { owner: "Lone worker scheme", ..line },
        ],
        Vec::new(),
    );
}

#[test]
fn custody_and_consultation_phones_are_kept() {
    kept(
        &[
            |line| Line { use_: "custody", ..line },
            |line| Line { location: "Custody suite", ..line },
            |line| Line { location: "Cell 7", ..line },
            |line| Line { location: "Solicitors' consultation room", ..line },
        ],
        Vec::new(),
    );
}

#[test]
fn fax_modem_card_and_franking_lines_are_kept() {
    // Data calls: few, short, going out.
    let calls = (0..4).map(|n| call(90 * n, 600, "60106", if n % 2 == 0 { DIALLED } else { "901632960603" }).talk(50));
    kept(
        &[
            |line| Line { use_: "fax", ..line },
            |line| Line { location: "Fax, records office", ..line },
            |line| Line { notes: "modem of the door controller", ..line },
            |line| Line { notes: "card terminal", ..line },
            |line| Line { notes: "EPOS till, canteen", ..line },
            |line| Line { location: "Post room, franking machine", ..line },
        ],
        calls.collect(),
    );
}

#[test]
fn red_bypass_and_incident_phones_are_kept() {
    kept(
        &[
            |line| Line { notes: "red phone", ..line },
            |line| Line { notes: "Bypass of the exchange", ..line },
            |line| Line { notes: "fallback line", ..line },
            |line| Line { location: "DR room, desk 3", ..line },
            |line| Line { location: "Major incident room", ..line },
            |line| Line { use_: "control_room", ..line },
        ],
        Vec::new(),
    );
}

#[test]
fn help_points_barriers_and_door_entry_are_kept() {
    // One touch, a few times a year.
    let calls = [20, 150, 280].map(|day| call(day, 600, "60107", "60001").talk(20)).to_vec();
    kept(
        &[
            |line| Line { use_: "help_point", ..line },
            |line| Line { use_: "door_entry", ..line },
            |line| Line { location: "Help point outside the station", ..line },
            |line| Line { location: "Car park barrier", ..line },
            |line| Line { location: "Rear gate", ..line },
            |line| Line { notes: "door intercom", ..line },
        ],
        calls,
    );
}

#[test]
fn counters_receptions_and_clinics_are_kept() {
    // Called now and then, or by way of the group they are in; they call nobody.
    let calls = (0..12).map(|n| call(30 * n, 600, CALLER, "60105").talk(90));
    kept(
        &[
            |line| Line { use_: "front_counter", ..line },
            |line| Line { use_: "reception", ..line },
            |line| Line { location: "Front counter", ..line },
            |line| Line { location: "Reception, north wing", ..line },
            |line| Line { notes: "Switchboard, night answer", ..line },
            |line| Line { location: "Clinic 2", ..line },
        ],
        calls.collect(),
    );
}

/// A phone that ever dialled 999, 112 or 18000, before the window too, and the last phone of a site.
#[test]
fn phones_for_an_emergency_are_kept() {
    let numbers = numbers(5);
    let alone: Hint = |line| Line { site: "HUT", ..line };
    // Two phones at a site: neither is the last, but one of them must stay.
    let of_two: Hint = |line| Line { site: "BARN", ..line };
    let dialled = ["9999", "112", "18000"].iter().zip(&numbers).zip([-25, 10, 300]);
    let calls: Vec<Call> = dialled.map(|((to, from), day)| call(day, 700, from, to).talk(50)).collect();
    let mut lines = lines(&numbers, &[|line| line, |line| line, |line| line, alone, of_two]);
    lines.push(of_two(desk("hq", "60802")));
    let work = world(&lines, calls).load();
    let surplus = naive(&work, 52);
    let found = verdicts(&work);
    for extension in &numbers[..4] {
        let row = &found[extension];
        assert!(surplus.contains(extension), "{row:?}");
        assert_eq!((row.text("action"), row.text("policy_action")), ("review", "cease"), "{row:?}");
        assert!(row.is("is_guarded"), "{row:?}");
    }
    assert!(numbers[..3].iter().all(|extension| found[extension].is("ever_emergency")));
    // Of two silent phones at a site, not both may go.
    let barn = [&found[&numbers[4]], &found["60802"]];
    assert!(barn.iter().any(|row| row.text("action") == "review"), "{barn:?}");
    ceased(&found, &[CONTROL]);
}

#[test]
fn emergency_only_and_common_area_phones_are_kept() {
    kept(
        &[
            |line| Line { notes: "emergency calls only", ..line },
            |line| Line { location: "Common area, floor 2", ..line },
            |line| Line { use_: "unknown", owner: "", user_id: "", location: "Corridor", ..line },
        ],
        Vec::new(),
    );
}

/// Analogue lines and gateway ports that nobody has classified, lines nobody owns, lines marked.
#[test]
fn ports_nobody_classified_and_marked_lines_are_kept() {
    kept(
        &[
            |line| Line { device_kind: "analogue", use_: "unknown", ..line },
            |line| Line { device_name: "AN1234567890105", device_kind: "", use_: "unknown", ..line },
            |line| Line { device_name: "ATA001122334455", device_kind: "", use_: "unknown", ..line },
            |line| Line { device_model: "VG224", device_kind: "", use_: "unknown", ..line },
            |line| Line { device_name: "-", device_kind: "", use_: "unknown", owner: "", user_id: "", ..line },
            |line| Line { protected: true, ..line },
            |line| Line { protected: true, protected_reason: "asked for by the trades union", ..line },
        ],
        Vec::new(),
    );
}

/// The words are words, not letters: Redhill is no red phone, Margate no gate, and the address no disaster.
#[test]
fn words_inside_words_protect_nothing() {
    let places =
        ["Redhill", "Margate", "Address office", "Uplift team", "Excellence hub", "First floor", "Credit control"];
    let numbers = numbers(places.len());
    let all: Vec<Line<'_>> =
        numbers.iter().zip(places).map(|(extension, location)| Line { location, ..desk("hq", extension) }).collect();
    let found = verdicts(&world(&all, Vec::new()).load());
    ceased(&found, &numbers.iter().map(String::as_str).collect::<Vec<_>>());
}

// ---- What releases, and what does not

/// One line of every way of being protected: at the end one that dialled 999, and one with a lift's habits.
fn every_way(world: &mut World) -> Vec<String> {
    let numbers = numbers(8);
    let hints: [Hint; 8] = [
        |line| Line { use_: "lift", ..line },
        |line| Line { location: "Refuge", ..line },
        |line| Line { protected: true, ..line },
        |line| Line { device_kind: "analogue", use_: "unknown", ..line },
        |line| Line { use_: "unknown", owner: "", user_id: "", ..line },
        |line| Line { site: "HUT", ..line },
        |line| line,
        |line| line,
    ];
    for line in lines(&numbers, &hints) {
        world.line(line);
    }
    numbers
}

fn habits() -> Vec<Call> {
    let mut calls = vec![call(100, 700, "60111", "9999").talk(50)];
    calls.extend((0..YEAR).step_by(30).map(|day| call(day, 720, "60112", DIALLED).talk(35)));
    calls
}

/// No policy, threshold or setting.
#[test]
fn no_policy_threshold_or_setting_releases_a_protected_line() {
    let mut world = world(&[], habits());
    let numbers = every_way(&mut world);
    world.policy(
        "*,*,cease\n*,protected,remove_handset\nunknown,protected,remove_handset\npersonal,protected,teams_ddi",
    );
    let work = world.load();
    let settings: [&[&str]; 6] = [
        &[],
        &["min_covered_days=0", "min_cease_days=0", "low_use_per_week=100000"],
        &["window_days=1", "min_covered_days=0", "min_cease_days=0"],
        &["blind_after_legs=1000000000", "max_unattributed_percent=100"],
        &["window_days=3650", "min_covered_days=1", "min_cease_days=1", "blind_after_legs=1"],
        &["as_of=2024-01-15", "min_cease_days=0", "min_covered_days=0"],
    ];
    for params in settings {
        let mut args = vec!["query", "disposition"];
        params.iter().for_each(|param| args.extend(["-p", param]));
        let found: BTreeMap<String, Row> =
            rows(&work, &args).into_iter().map(|row| (row.text("extension").to_string(), row)).collect();
        for extension in &numbers {
            assert_eq!(found[extension].text("action"), "review", "{params:?}: {:?}", found[extension]);
        }
        if params.iter().all(|param| !param.starts_with("window_days=3650")) {
            assert_eq!(found[CONTROL].text("action"), "cease", "the policy does bite: {params:?}");
        }
    }
}

/// A row of `decisions.csv` with all its cells, and for that line only.
#[test]
fn a_named_decision_releases_one_line() {
    let mut world = world(&[], habits());
    let numbers = every_way(&mut world);
    for extension in ["60105", "60111"] {
        world.decision(&format!(
            "hq,{extension},cease,J. Example (facilities),2024-02-20,lift taken out; line tested dead"
        ));
    }
    let work = world.load();
    assert_eq!(naive(&work, 52).len(), numbers.len() + 1);
    let found = verdicts(&work);
    for extension in &numbers {
        let row = &found[extension];
        let is_decided = ["60105", "60111"].contains(&extension.as_str());
        assert_eq!(row.text("action"), if is_decided { "cease" } else { "review" }, "{row:?}");
        assert_eq!(row.text("decided_by"), if is_decided { "J. Example (facilities)" } else { "" });
    }
    assert_eq!(found["60105"].text("verdict"), "protected", "the evidence stays what it was");
    // And the list of what was decided has both.
    let list = work.sql("select extension, action, decided_by from decisions_in_force where source = 'hq' order by 1");
    assert_eq!(list, ["60105,cease,J. Example (facilities)", "60111,cease,J. Example (facilities)"]);
}

/// What was decided about an old line does not touch what was put in its place.
#[test]
fn a_decision_is_about_what_stood_there_then() {
    let mut world = world(&[], habits());
    world.line(Line { use_: "lift", installed_on: "2023-09-01", ..desk("hq", "60105") });
    world.decision("hq,60105,cease,J. Example (facilities),2023-08-01,old lift taken out");
    let found = verdicts(&world.load());
    assert_eq!(found["60105"].text("action"), "review", "{:?}", found["60105"]);
}

/// A decision without a name, a date or a reason is none: the load is refused, and the line stays.
#[test]
fn a_decision_that_lacks_a_cell_is_refused() {
    let mut world = world(&[], habits());
    let numbers = every_way(&mut world);
    let work = world.load();
    let heading = "source,extension,action,decided_by,decided_on,reason";
    for row in [
        "hq,60105,cease,,2024-02-20,lift taken out",
        "hq,60105,cease,J. Example,,lift taken out",
        "hq,60105,cease,J. Example,2024-02-20,",
        "hq,60105,,J. Example,2024-02-20,lift taken out",
        "hq,60105,scrap,J. Example,2024-02-20,lift taken out",
        ",60105,cease,J. Example,2024-02-20,lift taken out",
    ] {
        work.write("estate/decisions.csv", format!("{heading}\n{row}\n"));
        let ran = work.run(&["estate", "load"]);
        assert_ne!(ran.code, 0, "{row}");
        assert!(ran.stderr.contains("decisions.csv:2"), "{row}: {}", ran.stderr);
    }
    // Nobody can name them all.
    work.write("estate/decisions.csv", format!("{heading}\nhq,*,cease,J. Example,2024-02-20,all of them\n"));
    work.run(&["estate", "load"]);
    // Nor can a policy.
    work.write("estate/decisions.csv", format!("{heading}\n"));
    for row in ["*,protected,cease", "lift,protected,cease"] {
        work.write("estate/policy.csv", format!("use,verdict,action\n*,*,cease\n{row}\n"));
        let ran = work.run(&["estate", "load"]);
        assert!(ran.code != 0 && ran.stderr.contains("policy.csv:3"), "{row}: {}", ran.stderr);
    }
    work.write("estate/policy.csv", "use,verdict,action\n*,*,cease\n");
    let found = verdicts(&work);
    assert!(numbers.iter().all(|extension| found[extension].text("action") == "review"), "{found:?}");
    ceased(&found, &[CONTROL]);
}
