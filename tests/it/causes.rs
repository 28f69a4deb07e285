//! Why reports of unused extensions are wrong: sixteen causes, a scene for each. In each a count over the calls gives the
//! wrong answer, `onhook` the right one, and the same world without the cause the other. How the scenes are written down
//! is `world`'s business.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::workdir::Workdir;
use crate::world::{
    CALLER, Call, Cisco, DIALLED, Line, Row, World, background, call, desk, handset, naive, rows, spots, verdicts,
};

const YEAR: i64 = 365;
const INSUFFICIENT: (&str, &str) = ("insufficient_evidence", "review");
const CEASED: (&str, &str) = ("idle", "cease");

/// A world with two phones in daily use on each of its sources, and those lines.
fn world(days: i64, lines: &[Line<'_>]) -> World {
    let mut world = World::new(days);
    for (source, one, other) in [("hq", "60001", "60002"), ("north", "4001", "4002"), ("other", "5001", "5002")] {
        if lines.iter().any(|line| line.source == source) {
            world.line(desk(source, one)).line(desk(source, other));
        }
    }
    for line in lines {
        world.line(*line);
    }
    world
}

fn of<'a>(rows: &'a BTreeMap<String, Row>, extension: &str) -> &'a Row {
    rows.get(extension).unwrap_or_else(|| panic!("{extension} is not there"))
}

fn says(row: &Row, column: &str, word: &str) {
    assert!(row.text(column).to_lowercase().contains(word), "{column} says nothing of {word:?}: {row:?}");
}

fn sees(work: &Workdir, spot: &str) -> bool {
    spots(work).iter().any(|s| s == spot)
}

// ---- 1. Calls of zero duration are not logged

#[test]
fn cause_01_calls_of_zero_duration_are_not_logged() {
    // 60105 rings every day and nobody is there; 60106 never rings.
    let scene = |is_logged: bool| {
        let mut calls = background(0..YEAR, "60001", "60002");
        calls.extend((0..YEAR).map(|day| call(day, 840, CALLER, "60105").missed()));
        calls.retain(|call| is_logged || call.talk > 0);
        world(YEAR, &[desk("hq", "60105"), desk("hq", "60106")]).cisco("hq", &Cisco::default(), calls).load()
    };
    let blind = scene(false);
    assert_eq!(naive(&blind, 0), ["60105", "60106"], "a count takes both, and callers ring in the void");
    assert!(sees(&blind, "unanswered_not_logged"));
    let found = verdicts(&blind);
    for extension in ["60105", "60106"] {
        assert_eq!(of(&found, extension).verdict(), INSUFFICIENT);
        says(of(&found, extension), "reason", "unanswered");
        says(of(&found, extension), "blind_spots", "unanswered");
    }
    let logged = scene(true);
    assert!(!sees(&logged, "unanswered_not_logged"));
    let found = verdicts(&logged);
    assert_eq!(of(&found, "60105").verdict(), ("unattended", "review"));
    assert_eq!(of(&found, "60106").verdict(), CEASED);
}

// ---- 2. Answers of a hunt group stand under the pilot's number

#[test]
fn cause_02_hunt_answers_stand_under_the_pilot() {
    let member = |extension| Line { hunt_groups: "60200", ..desk("hq", extension) };
    let mut calls = background(0..YEAR, "60001", "60002");
    // The handset of 60105 answers them all; its number is in no record.
    let answered = |day| call(day, 600, CALLER, "60200").group("60200").on("SIP-PSTN-1", &handset("60105"));
    calls.extend((0..YEAR).map(answered));
    let lines = [member("60105"), member("60106"), desk("hq", "60107")];
    let work = world(YEAR, &lines).cisco("hq", &Cisco::default(), calls).load();
    assert_eq!(naive(&work, 0), ["60105", "60106", "60107"], "a count by number takes the busiest phone of all");
    let found = verdicts(&work);
    assert_eq!(of(&found, "60105").text("verdict"), "in_use");
    let [number, device, _] = of(&found, "60105").three();
    assert!(number != "in_use" && device == "in_use", "{number} {device}");
    assert_eq!(of(&found, "60105").number("handset_uses"), 365.0);
    // A member of a group that rang is not idle, whoever answered.
    assert_eq!(of(&found, "60106").verdict(), ("unattended", "review"));
    assert_eq!(of(&found, "60107").verdict(), CEASED);
}

// ---- 3. A group that rings everywhere at once is credited to one member

#[test]
fn cause_03_a_ring_group_is_credited_to_one_member() {
    // Three phones ring at once and any of them answers; the platform names no device and writes the first of them.
    let scene = |groups: &str| {
        let mut calls = background(0..YEAR, "5001", "5002");
        calls.extend((0..YEAR).map(|day| call(day, 600, CALLER, "5105").group("5300")));
        let member = |extension| Line { hunt_groups: groups, ..desk("other", extension) };
        let lines = [member("5105"), member("5106"), member("5107"), desk("other", "5108")];
        world(YEAR, &lines).mapped("other", calls).load()
    };
    let work = scene("5300");
    assert_eq!(naive(&work, 0), ["5106", "5107", "5108"], "a count sees one of the three who answer");
    let found = verdicts(&work);
    for extension in ["5106", "5107"] {
        assert_eq!(of(&found, extension).verdict(), INSUFFICIENT);
        says(of(&found, extension), "reason", "group");
    }
    assert_eq!(of(&found, "5108").verdict(), CEASED);
    let found = verdicts(&scene(""));
    assert_eq!(of(&found, "5106").verdict(), CEASED, "in no group, its silence is its own");
}

/// The same where the platform writes the group in place of whoever answered, and where no list says who is in it.
#[test]
fn cause_03_a_group_that_answers_itself_names_nobody() {
    let scene = |groups: &str| {
        let mut calls = background(0..YEAR, "5001", "5002");
        calls.extend((0..YEAR).map(|day| call(day, 600, CALLER, "5300").group("5300")));
        let member = Line { hunt_groups: groups, ..desk("other", "5105") };
        world(YEAR, &[member, desk("other", "5108")]).mapped("other", calls).load()
    };
    let work = scene("5300");
    assert_eq!(naive(&work, 0), ["5105", "5108"]);
    assert!(sees(&work, "answers_at_pilot"));
    let found = verdicts(&work);
    assert_eq!(of(&found, "5105").verdict(), INSUFFICIENT);
    assert_eq!(of(&found, "5108").verdict(), CEASED);
    let found = verdicts(&scene(""));
    assert_eq!(of(&found, "5108").verdict(), INSUFFICIENT, "anybody may be the one who answers");
}

// ---- 4. Number, handset and person are three

#[test]
fn cause_04_number_handset_and_person_are_not_one() {
    // 60105's person takes number and login to 60106's handset, every day.
    let scene = |is_mobile: bool| {
        let mut calls = background(0..YEAR, "60001", "60002");
        let desk_of = handset(if is_mobile { "60106" } else { "60105" });
        calls.extend((0..YEAR).map(|day| {
            let to = if day % 2 == 0 { DIALLED } else { "901632960603" };
            call(day, 700, "60105", to).on(&desk_of, "SIP-PSTN-1").users("u60105", "")
        }));
        let lines = [desk("hq", "60105"), desk("hq", "60106"), desk("hq", "60107")];
        world(YEAR, &lines).cisco("hq", &Cisco::default(), calls).load()
    };
    let work = scene(true);
    assert_eq!(
        naive(&work, 0),
        ["60106", "60107"],
        "a count by number takes the handset that is used and leaves the dead one"
    );
    let found = verdicts(&work);
    assert_eq!(of(&found, "60105").verdict(), ("diverted", "teams_ddi"));
    assert_eq!(of(&found, "60105").three(), ["in_use", "idle", "in_use"]);
    assert_eq!(of(&found, "60106").text("verdict"), "in_use", "a handset used by others is not idle");
    assert_eq!(of(&found, "60106").three(), ["idle", "in_use", "idle"]);
    assert_eq!(of(&found, "60107").verdict(), CEASED);
    assert_eq!(of(&found, "60107").three(), ["idle", "idle", "idle"]);
    let found = verdicts(&scene(false));
    assert_eq!(of(&found, "60105").three(), ["in_use", "in_use", "in_use"]);
    assert_eq!(of(&found, "60106").verdict(), CEASED);
}

// ---- 5. Gaps in the records

const WINTER: i64 = 100;
const HOLE: Range<i64> = 40..55;

/// A hundred days on two nodes, fourteen calls a day on each, half of them before noon. 60105 is used on the fifteen
/// days of the hole in the afternoon and on no other; 60106 never.
fn two_nodes() -> Vec<Call> {
    let mut calls = background(0..WINTER, "60001", "60002");
    for day in 0..WINTER {
        for (n, minute) in [540, 840].into_iter().flat_map(|start| (0..7).map(move |n| (n, start + 5 * n))) {
            calls.push(call(day, minute, "60003", DIALLED).talk(60 + n).nodes(1, 1));
            calls.push(call(day, minute + 1, "60004", DIALLED).talk(60 + n).nodes(2, 2));
        }
    }
    calls.extend(HOLE.map(|day| call(day, 845, "60105", DIALLED).nodes(2, 2)));
    calls
}

fn winter(how: &Cisco, calls: Vec<Call>) -> Workdir {
    let mut world =
        world(WINTER, &[desk("hq", "60003"), desk("hq", "60004"), desk("hq", "60105"), desk("hq", "60106")]);
    world.evidence("min_covered_days", 90).evidence("min_cease_days", 90);
    world.cisco("hq", how, calls).load()
}

/// Silence on fewer days than the window has proves nothing, and the ledger says which days are missing.
fn holes(work: &Workdir, gaps: usize) {
    assert_eq!(naive(work, 0), ["60105", "60106"], "a count takes the phone whose calls were lost");
    let missing = work.sql("select local_day from coverage_days where state = 'gap' order by local_day");
    let hole: Vec<String> = HOLE.map(|day| World::new(WINTER).date(day).to_string()).collect();
    assert!(hole.iter().all(|day| missing.contains(day)), "{missing:?}");
    assert_eq!(missing.len(), gaps, "{missing:?}");
    let found = verdicts(work);
    for extension in ["60105", "60106"] {
        assert_eq!(of(&found, extension).number("covered_days"), (WINTER - gaps as i64) as f64);
        assert_eq!(of(&found, extension).verdict(), INSUFFICIENT);
        says(of(&found, extension), "reason", "covered");
    }
}

#[test]
fn cause_05_without_gaps_the_phone_is_seen() {
    let work = winter(&Cisco { hours: 12, has_media: true, ..Cisco::default() }, two_nodes());
    assert_eq!(work.sql("select count(*) from coverage_days where state = 'gap'"), ["0"]);
    let found = verdicts(&work);
    assert_eq!(of(&found, "60105").number("handset_uses"), 15.0);
    assert_eq!(of(&found, "60106").verdict(), CEASED);
}

/// Every day has records of both nodes, but one of the two files of node 2 is not there: its number is missing.
#[test]
fn cause_05_gaps_where_a_file_is_missing() {
    let afternoon = |node: u8, half: i64| node == 2 && half % 2 == 1 && HOLE.contains(&(half / 2));
    holes(&winter(&Cisco { hours: 12, has_media: true, lost: afternoon }, two_nodes()), 15);
}

/// Every day has records, but an hour that is busy otherwise is empty.
#[test]
fn cause_05_gaps_where_an_hour_is_empty() {
    let mut calls = background(0..WINTER, "60001", "60002");
    for day in 0..WINTER {
        calls.extend((0..20).map(|n| call(day, 840 + 2 * n, "60003", DIALLED)));
        calls.extend((0..3).map(|n| call(day, 960 + 2 * n, "60004", DIALLED)));
    }
    calls.extend(HOLE.map(|day| call(day, 845, "60105", DIALLED)));
    calls.retain(|call| !(HOLE.contains(&call.day) && (840..900).contains(&call.minute)));
    holes(&winter(&Cisco::default(), calls), 15);
}

#[test]
fn cause_05_gaps_where_days_are_missing() {
    let mut calls = two_nodes();
    calls.retain(|call| !HOLE.contains(&call.day));
    holes(&winter(&Cisco::default(), calls), 15);
}

/// Node 1 goes on and fills every day; node 2 is out.
#[test]
fn cause_05_gaps_where_a_node_is_out() {
    let mut calls = two_nodes();
    calls.retain(|call| !(HOLE.contains(&call.day) && call.nodes[0] == 2));
    holes(&winter(&Cisco::default(), calls), 15);
}

/// Node 1 knows of a node 3 whose records never came.
#[test]
fn cause_05_gaps_where_a_node_never_reports() {
    let scene = |is_named: bool| {
        let mut calls = background(0..YEAR, "60001", "60002");
        calls.iter_mut().filter(|call| is_named && call.is_internal()).for_each(|call| call.nodes = [1, 3]);
        world(YEAR, &[desk("hq", "60105")]).cisco("hq", &Cisco::default(), calls).load()
    };
    let silent = scene(true);
    assert_eq!(naive(&silent, 0), ["60105"]);
    assert!(sees(&silent, "silent_node"));
    assert_eq!(of(&verdicts(&silent), "60105").verdict(), INSUFFICIENT);
    let whole = scene(false);
    assert!(!sees(&whole, "silent_node"));
    assert_eq!(of(&verdicts(&whole), "60105").verdict(), CEASED);
}

// ---- 6. The platform puts no internal calls out

#[test]
fn cause_06_internal_calls_are_not_put_out() {
    // 4105 is called by its neighbours every day and by nobody else; 4106 by nobody.
    let scene = |is_output: bool| {
        let mut calls = background(0..YEAR, "4001", "4002");
        calls.extend((0..YEAR).map(|day| call(day, 700, if day % 2 == 0 { "4001" } else { "4002" }, "4105")));
        calls.retain(|call| is_output || !call.is_internal());
        world(YEAR, &[desk("north", "4105"), desk("north", "4106")]).mitel("north", calls).load()
    };
    let blind = scene(false);
    assert_eq!(naive(&blind, 0), ["4105", "4106"]);
    assert!(sees(&blind, "internal_not_logged") && !sees(&blind, "unanswered_not_logged"));
    let found = verdicts(&blind);
    for extension in ["4105", "4106"] {
        assert_eq!(of(&found, extension).verdict(), INSUFFICIENT);
        says(of(&found, extension), "reason", "within the platform");
    }
    let whole = scene(true);
    assert!(!sees(&whole, "internal_not_logged"));
    let found = verdicts(&whole);
    assert_eq!(of(&found, "4105").text("verdict"), "in_use");
    assert_eq!(of(&found, "4106").verdict(), CEASED);
}

// ---- 7. Only answered calls to and from outside are written

#[test]
fn cause_07_only_answered_external_calls_are_written() {
    let scene = |is_all: bool| {
        let mut calls = background(0..YEAR, "5001", "5002");
        calls.extend((0..YEAR).map(|day| call(day, 840, CALLER, "5105").missed()));
        calls.extend((0..YEAR).map(|day| call(day, 700, if day % 2 == 0 { "5001" } else { "5002" }, "5106")));
        calls.retain(|call| is_all || call.talk > 0 && !call.is_internal());
        let lines = [desk("other", "5105"), desk("other", "5106"), desk("other", "5107")];
        world(YEAR, &lines).mapped("other", calls).load()
    };
    let blind = scene(false);
    assert_eq!(naive(&blind, 0), ["5105", "5106", "5107"]);
    assert!(sees(&blind, "internal_not_logged") && sees(&blind, "unanswered_not_logged"));
    let found = verdicts(&blind);
    assert!(["5105", "5106", "5107"].iter().all(|extension| of(&found, extension).verdict() == INSUFFICIENT));
    let found = verdicts(&scene(true));
    let seen = ["5105", "5106", "5107"].map(|extension| of(&found, extension).text("verdict"));
    assert_eq!(seen, ["unattended", "in_use", "idle"]);
    assert_eq!(of(&found, "5107").verdict(), CEASED);
}

// ---- 8. A report that starts from the calls has no row for who made none

#[test]
fn cause_08_who_has_no_calls_has_no_row() {
    let mut calls = background(0..YEAR, "60001", "60002");
    calls.extend((0..5).map(|day| call(day, 700, CALLER, "60999")));
    let work = world(YEAR, &[desk("hq", "60105")]).cisco("hq", &Cisco::default(), calls).load();
    let from_calls = "select l.extension, sum(l.talk_s) as talk from register r \
        join (select caller_ext as extension, talk_s from legs union all select callee_ext, talk_s from legs) l \
            on l.extension = r.extension \
        group by l.extension having sum(l.talk_s) = 0";
    assert_eq!(work.sql(from_calls), Vec::<String>::new(), "joined to the calls, nobody is unused");
    assert_eq!(of(&verdicts(&work), "60105").verdict(), CEASED);
    assert_eq!(work.sql("select extension from idle_handsets"), ["60105"]);
    let disposition = work.sql("select extension from disposition order by extension");
    assert_eq!(disposition, work.sql("select extension from register order by extension"));
    assert_eq!(work.sql("select extension from unknown_extensions"), ["60999"], "and who is in no register");
}

// ---- 9. Teams tells of the public network only

#[test]
fn cause_09_teams_tells_of_the_public_network_only() {
    const ANNA: &str = "00000000-0000-4000-8100-000000000001";
    const BEN: &str = "00000000-0000-4000-8100-000000000002";
    let own = |extension: &str| format!("+4420794{extension}");
    let user = |extension, user_id| Line { device_name: "-", user_id, ..desk("teams", extension) };
    let lines = [user("60105", ANNA), user("60106", BEN), user("60200", ""), desk("hq", "60107")];
    let mut world = world(YEAR, &lines);
    world.cisco("hq", &Cisco::default(), background(0..YEAR, "60001", "60002"));
    let mut calls: Vec<Call> = (0..YEAR)
        .flat_map(|day| {
            let out = call(day, 600, &own("60105"), "+441632960602").users(ANNA, "").kind("user_out");
            // A queue answers for nobody; who missed the call, and Ben who talks to Teams users all day, have no row.
            let queue = call(day, 660, "+441632960601", &own("60200")).kind("ucap_in");
            let missed = call(day, 720, "+441632960601", &own("60106")).users("", BEN).kind("user_in").missed();
            [out, queue, missed]
        })
        .collect();
    // Types nobody has described, and a call whose two ends are the same.
    calls.push(call(9, 780, "+441632960601", &own("60200")).kind("oc_in_bot_preview"));
    calls.push(call(9, 790, "+441632960601", "+442079460999").kind("dr_unassigned_in"));
    calls.push(call(9, 800, &own("60105"), &own("60105")).users(ANNA, "").kind("user_out"));
    let work = world.teams("teams", calls).load();
    assert_eq!(naive(&work, 0), ["60106", "60107"], "a count takes Ben's phone");
    let found = verdicts(&work);
    assert_eq!(of(&found, "60106").verdict(), INSUFFICIENT);
    // Two uses of Anna's are one call to herself; what the queue took counts for its number, though it names no user.
    assert_eq!(of(&found, "60105").number("handset_uses"), 366.0);
    assert_eq!(of(&found, "60200").number("handset_uses"), 366.0);
    assert_eq!(of(&found, "60107").verdict(), CEASED, "the same silence where the platform would have shown a call");
    let kinds =
        "select vendor_kind, count(*) from legs where source = 'teams' group by vendor_kind order by vendor_kind";
    assert_eq!(work.sql(kinds), ["dr_unassigned_in,1", "oc_in_bot_preview,1", "ucap_in,365", "user_out,366"]);
    // The call id is the same all day long: the usage id tells the rows apart.
    assert_eq!(work.sql("select count(distinct leg_key) from legs where source = 'teams'"), ["733"]);
}

// ---- 10. Records expire before they are fetched

#[test]
fn cause_10_records_expire_before_they_are_fetched() {
    const ANNA: &str = "00000000-0000-4000-8100-000000000001";
    let scene = |hole: Range<i64>| {
        let queue = Line { device_name: "-", user_id: "", ..desk("teams", "60200") };
        let anna = Line { device_name: "-", user_id: ANNA, ..desk("teams", "60105") };
        let mut world = world(WINTER, &[queue, anna]);
        let mut calls: Vec<Call> =
            (0..WINTER).map(|day| call(day, 600, "+441632960601", "+442079460200").kind("ucap_in")).collect();
        calls.extend(
            (40..60).map(|day| call(day, 700, "+442079460105", "+441632960602").users(ANNA, "").kind("user_out")),
        );
        calls.retain(|call| !hole.contains(&call.day));
        world.teams("teams", calls).load()
    };
    // Days 40 to 59 are over a month old: Teams has forgotten them.
    let lost = scene(40..60);
    assert_eq!(naive(&lost, 0), ["60105"]);
    assert!(sees(&lost, "expired_records"));
    let told = &rows(&lost, &["sql", "-e", "select * from blind_spots where spot = 'expired_records'"])[0];
    assert!(told.text("detail").contains("20"), "{told:?}");
    assert_eq!(of(&verdicts(&lost), "60105").verdict(), INSUFFICIENT);
    // A hole of this fortnight can still be filled.
    assert!(!sees(&scene(85..95), "expired_records"));
}

// ---- 11. The register is stale

#[test]
fn cause_11_the_register_is_stale() {
    // 60105 moved to another handset when the register was a month old; 60106 is long gone.
    let scene = |is_stale: bool| {
        let new = handset("60905");
        let line = if is_stale { desk("hq", "60105") } else { Line { device_name: &new, ..desk("hq", "60105") } };
        let mut world = world(YEAR, &[line]);
        if is_stale {
            let loaded = world.date(-30);
            world.line(desk("hq", "60106")).register_of(loaded);
        }
        let mut calls = background(0..YEAR, "60001", "60002");
        calls.extend((0..YEAR).map(|day| {
            call(day, 700, "60105", if day % 2 == 0 { DIALLED } else { "901632960603" }).on(&new, "SIP-PSTN-1")
        }));
        world.cisco("hq", &Cisco::default(), calls).load()
    };
    let stale = scene(true);
    let by_handset = "select r.extension from register r \
        left join (select distinct caller_device as device from legs union select callee_device from legs) d \
            on r.device_name = d.device where d.device is null order by 1";
    assert_eq!(stale.sql(by_handset), ["60105", "60106"], "by its handset a number in daily use is ceased");
    assert!(sees(&stale, "stale_register"));
    let found = verdicts(&stale);
    assert_eq!(of(&found, "60105").three()[..2], ["in_use", "idle"]);
    assert_eq!(of(&found, "60105").text("verdict"), "diverted");
    assert_ne!(of(&found, "60105").text("action"), "cease");
    says(of(&found, "60106"), "blind_spots", "register");
    let fresh = scene(false);
    assert!(!sees(&fresh, "stale_register"));
    assert_eq!(of(&verdicts(&fresh), "60105").text("verdict"), "in_use");
}

// ---- 12. A handset that lost its power keeps the call

#[test]
fn cause_12_a_stuck_call_makes_no_busy_phone() {
    let scene = |is_stuck: bool| {
        let mut calls = background(0..YEAR, "60001", "60002");
        if is_stuck {
            calls.push(call(100, 900, CALLER, "60105").talk(3 * 86_400));
        }
        world(YEAR, &[desk("hq", "60105")]).cisco("hq", &Cisco::default(), calls).load()
    };
    let work = scene(true);
    let busiest = "select extension from (select caller_ext as extension, talk_s from legs \
            union all select callee_ext, talk_s from legs) l \
        where extension is not null group by extension order by sum(talk_s) desc limit 1";
    assert_eq!(work.sql(busiest), ["60105"], "by its minutes it is the busiest phone of the year");
    let found = verdicts(&work);
    assert_eq!(of(&found, "60105").number("handset_uses"), 1.0);
    assert_eq!(of(&found, "60105").text("verdict"), "low_use");
    assert!(!sees(&work, "clock_jump"), "its record comes three days after it began; no clock went back");
    // Three days off the hook: the first is told, apart; the rest of the load is as without it.
    let load = "select sum(long_s), sum(held_s) - sum(long_s) from traffic where kind = 'node'";
    let plain = scene(false);
    let rest = plain.sql("select sum(held_s) from traffic where kind = 'node'").remove(0);
    assert_eq!(work.sql(load), [format!("86400,{rest}")]);
    assert_eq!(plain.sql("select sum(long_s) from traffic where kind = 'node'"), ["0"]);
    assert_eq!(of(&verdicts(&plain), "60105").verdict(), CEASED);
}

// ---- 13. A phone that is there to be called, or for an emergency

#[test]
fn cause_13_inbound_and_emergency_phones_look_surplus() {
    let mut calls = background(-30..YEAR, "60001", "60002");
    calls.extend((0..YEAR).map(|day| call(day, 700, if day % 2 == 0 { CALLER } else { "60001" }, "60105")));
    // Once, and before the window.
    calls.push(call(-20, 700, "60106", "9999"));
    let lines = [desk("hq", "60105"), desk("hq", "60106"), desk("hq", "60107")];
    let work = world(YEAR, &lines).cisco("hq", &Cisco::default(), calls).load();
    let makes_none = "select r.extension from register r left join legs l on l.caller_ext = r.extension \
            and l.local_day > date '2024-02-29' - 365 \
        where l.leg_key is null order by 1";
    assert_eq!(work.sql(makes_none), ["60105", "60106", "60107"], "by its bill it is surplus");
    let found = verdicts(&work);
    assert_eq!(of(&found, "60105").text("verdict"), "in_use");
    let emergency = of(&found, "60106");
    assert_eq!((emergency.text("action"), emergency.text("policy_action")), ("review", "cease"));
    assert!(emergency.is("is_guarded") && emergency.is("ever_emergency"));
    assert_eq!(of(&found, "60107").verdict(), CEASED);
}

// ---- 14. The window is too short

#[test]
fn cause_14_the_window_is_too_short() {
    // 60105 is used once a quarter, the last time sixty days ago; 60106 never.
    let mut calls = background(0..YEAR, "60001", "60002");
    let numbers = [DIALLED, "901632960603", "901632960604", DIALLED];
    calls.extend([30, 121, 212, 304].iter().zip(numbers).map(|(day, to)| call(*day, 700, "60105", to)));
    let work = world(YEAR, &[desk("hq", "60105"), desk("hq", "60106")]).cisco("hq", &Cisco::default(), calls).load();
    let month = "select r.extension from register r left join legs l \
            on l.caller_ext = r.extension and l.local_day > date '2024-02-29' - 30 \
        where l.leg_key is null and r.extension > '60100' order by 1";
    assert_eq!(work.sql(month), ["60105", "60106"], "a month shows no difference");
    let in_window = |days: u32, extension: &str| {
        let days = format!("window_days={days}");
        let args = ["query", "idle-handsets", "-p", &days, "-p", "min_covered_days=30"];
        rows(&work, &args).into_iter().find(|row| row.text("extension") == extension)
    };
    // A phone used once a quarter is silent as long in so many of a hundred cases.
    for (days, percent) in [(30, 72.0), (90, 37.0), (180, 14.0), (365, 1.8)] {
        let row = in_window(days, "60106").unwrap();
        let chance = row.number("chance_if_quarterly_percent");
        assert!((chance - percent).abs() < 0.5, "{days} days: {chance}");
        assert_eq!(row.number("silent_days"), f64::from(days));
        assert_eq!(row.text("action"), if days < 274 { "review" } else { "cease" }, "{days} days");
    }
    assert_eq!(in_window(273, "60106").unwrap().text("action"), "review");
    assert_eq!(in_window(274, "60106").unwrap().text("action"), "cease");
    assert_eq!(in_window(30, "60105").unwrap().verdict(), ("idle", "review"), "silent, and that proves little");
    assert!(in_window(365, "60105").is_none());
    assert_eq!(of(&verdicts(&work), "60105").text("verdict"), "low_use");
}

// ---- 15. The bill says something else

#[test]
fn cause_15_the_bill_says_something_else() {
    // December to February, eleven calls out a day of about five minutes; the carrier bills six seconds begun.
    let scene = |lost: Range<i64>| {
        let mut calls = background(0..91, "60001", "60002");
        for day in 0..91 {
            calls.extend((0..10).map(|n| call(day, 600 + 10 * n, "60105", DIALLED).talk(295 + n)));
            calls.extend((0..10).map(|n| call(day, 800 + 10 * n, "60105", "60001").talk(300)));
        }
        let mut world = world(91, &[desk("hq", "60105")]);
        world.bill("carrier", &calls);
        calls.retain(|call| !lost.contains(&call.day));
        world.cisco("hq", &Cisco::default(), calls).load()
    };
    let states = |work: &Workdir| -> Vec<String> {
        let months = rows(work, &["query", "bill-reconciliation"]);
        months.iter().map(|row| format!("{} {}", row.text("month"), row.text("state"))).collect()
    };
    let whole = scene(0..0);
    let held = "select 100 * (sum(l.ring_s + l.talk_s) / b.seconds - 1) from legs l cross join \
            (select cast(sum(talk_s) as double) as seconds from legs where source = 'carrier') b \
        where l.source = 'hq' and l.caller_ext is not null and l.talk_s > 0 group by b.seconds";
    let off: f64 = whole.sql(held)[0].parse().unwrap();
    assert!(off > 50.0, "with internal calls and ringing our own seconds look far too many: {off} %");
    assert_eq!(states(&whole), ["2023-12 agrees", "2024-01 agrees", "2024-02 agrees"]);
    // Our own records of ten days of January are lost; the bill has them.
    let holed = scene(40..50);
    assert_eq!(states(&holed), ["2023-12 agrees", "2024-01 differs", "2024-02 agrees"]);
    let january = &rows(&holed, &["query", "bill-reconciliation"])[1];
    let counts = ["calls_billed", "calls_ours", "days_differ"].map(|column| january.number(column));
    assert_eq!(counts, [341.0, 231.0, 10.0], "31 days of eleven, and ten days less");
}

// ---- 16. Equal rows, and files that come twice

#[test]
fn cause_16_equal_rows_are_calls_and_files_that_come_twice_are_not() {
    // Ten days; 4105 made two calls of the same length within a minute.
    let scene = |calls: usize| {
        let mut world = world(10, &[desk("north", "4105")]);
        world.evidence("min_covered_days", 5);
        let mut all = background(0..10, "4001", "4002");
        all.extend((0..calls).map(|_| call(5, 700, "4105", DIALLED)));
        world.mitel("north", all).load()
    };
    let work = scene(2);
    // The same log under another name, and again with a line more.
    let log = "landing/north/smdr_20240320.log";
    let text = work.read(log);
    work.write("landing/north/again_20240320.log", &text);
    let line = text.lines().find(|line| line.contains("4002")).unwrap().replace("0000:01:", "0000:02:");
    work.write("landing/north/longer_20240320.log", format!("{text}{line}\n"));
    assert_eq!(work.ingest(&[]).1["records"]["kept"], 1);
    let distinct = "select count(*) from (select distinct local_day, local_minute, caller, callee, talk_s from legs \
        where caller_ext = '4105') d";
    assert_eq!(work.sql(distinct), ["1"], "thrown together, two calls are one");
    let lines = text.lines().count() as u64;
    assert_eq!(
        work.sql("select sum(kept + repeated) from inputs"),
        [(2 * lines + 1).to_string()],
        "read twice, they are four"
    );
    assert_eq!(work.sql("select count(*) from legs"), [(lines + 1).to_string()]);
    // Two uses in ten days are more than one a week, one is not.
    let found = verdicts(&work);
    assert_eq!(of(&found, "4105").number("handset_uses"), 2.0);
    assert_eq!(of(&found, "4105").text("verdict"), "in_use");
    assert_eq!(of(&verdicts(&scene(1)), "4105").text("verdict"), "low_use");
}
