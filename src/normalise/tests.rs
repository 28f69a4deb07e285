//! Tests of `normalise`: records by hand as the vendors write them, legs as the reference pages say. Numbers are from the
//! ranges Ofcom keeps for drama.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::leg::Part;

/// Name, kind.
const TRUNKS: [(&str, TrunkKind); 6] = [
    ("PSTN", TrunkKind::Public),
    ("TIE", TrunkKind::Private),
    ("X101", TrunkKind::Private),
    ("UNITY", TrunkKind::Voicemail),
    ("RECORDER", TrunkKind::Recorder),
    // Mitel names no device for a station: its voicemail is known by number.
    ("7000", TrunkKind::Voicemail),
];

const SEP: Side<'static> =
    Side { device: "SEP001122330101", user: "u60101", kind: SideKind::Handset, link: None, node: "" };
const NOBODY: Side<'static> = Side { device: "", user: "", kind: SideKind::Unknown, link: None, node: "" };

const fn trunk_side(device: &str) -> Side<'_> {
    Side { device, user: "", kind: SideKind::Trunk, link: None, node: "" }
}

fn source(name: &str) -> Source {
    let pattern = |text: &str| Pattern::try_from(text.to_string()).unwrap();
    Source {
        name: name.into(),
        format: "cisco-cucm".into(),
        paths: Vec::new(),
        timezone: "Europe/London".into(),
        outside_prefix: "9".into(),
        area_code: "020".into(),
        extensions: vec![pattern("60XXX"), pattern("111XX")],
        ddi: vec![Ddi { range: pattern("+4420794601XX"), extension_digits: 5 }],
        layout: None,
        date_order: None,
        sec_dur: None,
        rotated_circuits: None,
        mapping: None,
        clock: Clock::Local,
        chargeable_only: false,
        carrier: String::new(),
        expect: None,
        expected_lag_days: 1,
        outside_numbers: crate::config::OutsideNumbers::Keep,
    }
}

/// An internal call 60101 → 60102 that was answered.
fn record() -> RawRecord<'static> {
    RawRecord {
        line: 3,
        id: RecordId::Vendor("pkid-1"),
        call: 7,
        started: RawTime::Utc(1_709_288_100),
        ring_s: Some(4),
        talk_s: 60,
        direction: None,
        outcome: Outcome::Answered,
        part: Part::Whole,
        caller: "60101",
        dialled: "60102",
        callee: "60102",
        redirect: "",
        redirect_reason: None,
        calling: SEP,
        called: Side { device: "SEP001122330102", user: "", kind: SideKind::Handset, link: None, node: "" },
        hunt_group: "",
        cause: Some(16),
        account_code: "",
        charge_micros: None,
        currency: "",
        vendor_kind: "",
    }
}

fn outbound(digits: &str) -> RawRecord<'_> {
    RawRecord { dialled: digits, callee: digits, called: trunk_side("PSTN"), ..record() }
}

fn inbound(caller: &str) -> RawRecord<'_> {
    RawRecord { caller, calling: trunk_side("PSTN"), ..record() }
}

/// The leg, with the few fields the tests look at.
#[derive(Debug, PartialEq)]
struct Seen {
    direction: Direction,
    outcome: Outcome,
    caller: Option<String>,
    dialled: Option<String>,
    callee: Option<String>,
    extensions: [Option<String>; 4],
    class: Option<&'static str>,
    keys: (i64, i64),
    moment: (i64, i32, i16),
    devices: [Option<String>; 2],
    trunks: [Option<String>; 2],
}

fn by(source: &Source, raw: &RawRecord<'_>) -> Seen {
    let trunks = TRUNKS.iter().map(|(name, kind)| (name.to_string(), *kind)).collect();
    let mut texts = Texts::default();
    let leg = Normaliser::new(source, "cisco-cucm", &trunks, &mut texts, 5).leg(raw, &mut texts);
    let own = |id: TextId| texts.text(id).map(str::to_owned);
    Seen {
        direction: leg.direction,
        outcome: leg.outcome,
        caller: own(leg.caller),
        dialled: own(leg.dialled),
        callee: own(leg.callee),
        extensions: [leg.caller_ext, leg.dialled_ext, leg.callee_ext, leg.redirect_ext].map(own),
        class: leg.number_class.map(Class::word),
        keys: (leg.leg_key, leg.call_key),
        moment: (leg.started_at_us, leg.local_day, leg.local_minute),
        devices: [leg.caller_device, leg.callee_device].map(own),
        trunks: [leg.trunk_in, leg.trunk_out].map(own),
    }
}

fn seen(raw: &RawRecord<'_>) -> Seen {
    by(&source("hq"), raw)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// peers-and-standards 4.2 and the table of formats-cisco 1.12, and DESIGN's: a trunk list goes before the device's own kind.
#[test]
fn the_two_ends_make_the_direction() {
    let unlisted = |device| Side { device, user: "", kind: SideKind::Unknown, link: None, node: "" };
    let vm_port = Side { device: "CiscoUM1-VI3", user: "", kind: SideKind::Voicemail, link: None, node: "" };
    let cases = [
        (SEP, SEP, Direction::Internal),
        (SEP, trunk_side("PSTN"), Direction::Outbound),
        (SEP, trunk_side("10.0.0.1"), Direction::Outbound),
        (SEP, unlisted("PSTN"), Direction::Outbound),
        (trunk_side("PSTN"), SEP, Direction::Inbound),
        (unlisted("TIE"), SEP, Direction::Inbound),
        (trunk_side("PSTN"), trunk_side("PSTN"), Direction::Tandem),
        (trunk_side("PSTN"), trunk_side("TIE"), Direction::Tandem),
        (SEP, trunk_side("TIE"), Direction::Outbound),
        (SEP, trunk_side("UNITY"), Direction::Internal),
        (SEP, trunk_side("RECORDER"), Direction::Internal),
        (SEP, vm_port, Direction::Internal),
        (vm_port, SEP, Direction::Internal),
        (trunk_side("PSTN"), trunk_side("UNITY"), Direction::Inbound),
        (trunk_side("PSTN"), vm_port, Direction::Inbound),
        (trunk_side("UNITY"), trunk_side("PSTN"), Direction::Outbound),
        (SEP, unlisted("CALUNITY02"), Direction::Internal),
    ];
    for (calling, called, direction) in cases {
        let leg = seen(&RawRecord { calling, called, ..record() });
        assert_eq!(leg.direction, direction, "{calling:?} → {called:?}");
        let is_trunk = |end: Side<'_>| end.kind != SideKind::Handset && !end.device.starts_with("CAL");
        for (i, end) in [calling, called].into_iter().enumerate() {
            let device = some(end.device);
            assert_eq!(
                [&leg.trunks[i], &leg.devices[i]].map(|d| *d == device),
                [is_trunk(end), !is_trunk(end)],
                "{end:?}"
            );
        }
    }
}

/// formats-cisco 1.12, "any → empty": decide by the number.
#[test]
fn with_no_device_reached_the_number_tells() {
    let to = |dialled: &'static str, callee: &'static str| {
        let leg = seen(&RawRecord { dialled, callee, called: NOBODY, outcome: Outcome::Failed, ..record() });
        (leg.direction, leg.class)
    };
    assert_eq!(to("60102", "60102"), (Direction::Internal, None));
    assert_eq!(to("60999", "60999"), (Direction::Internal, None));
    assert_eq!(to("4444", "4444"), (Direction::Internal, None), "an extension nobody told us of");
    assert_eq!(to("907700900123", "907700900123"), (Direction::Outbound, Some("mobile")));
    assert_eq!(to("9999", "9999"), (Direction::Outbound, Some("emergency")));
    assert_eq!(to("9118118", "9118118"), (Direction::Outbound, Some("directory")));
    assert_eq!(to("9999", ""), (Direction::Outbound, Some("emergency")), "asked for, and ended nowhere");
    assert_eq!(to("", ""), (Direction::Unknown, None), "off the hook and on again");
    let stranger = RawRecord { caller: "4321", dialled: "4444", callee: "4444", called: NOBODY, ..record() };
    assert_eq!(seen(&stranger).direction, Direction::Unknown);
}

/// What the record says itself stands, unless the trunk list knows the end to be a voicemail or recorder (Mitel).
/// FreeSWITCH names neither trunk nor device: an outside caller can only have come by a trunk.
#[test]
fn without_trunk_and_device_an_outside_caller_came_in() {
    for (caller, direction) in [
        ("+447700900123", Direction::Inbound),
        ("60102", Direction::Internal),
        ("", Direction::Internal),
        ("4455", Direction::Internal),
    ] {
        let leg = seen(&RawRecord { calling: NOBODY, called: NOBODY, caller, ..record() });
        assert_eq!(leg.direction, direction, "{caller}");
    }
}

#[test]
fn a_record_that_says_its_direction_is_believed() {
    let station = Side { device: "", user: "", kind: SideKind::Handset, link: None, node: "" };
    let t1 = trunk_side("T1");
    let told = |direction, calling, called| {
        seen(&RawRecord { direction: Some(direction), calling, called, caller: "", callee: "4102", ..record() })
            .direction
    };
    assert_eq!(told(Direction::Inbound, NOBODY, station), Direction::Inbound, "a SIP trunk left blank");
    assert_eq!(told(Direction::Outbound, station, NOBODY), Direction::Outbound);
    assert_eq!(told(Direction::Tandem, NOBODY, t1), Direction::Tandem);
    assert_eq!(told(Direction::Outbound, station, trunk_side("UNITY")), Direction::Internal);
    assert_eq!(told(Direction::Tandem, t1, trunk_side("RECORDER")), Direction::Inbound);
    assert_eq!(told(Direction::Inbound, NOBODY, trunk_side("UNITY")), Direction::Inbound);
    let asked = RawRecord { dialled: "979460900", callee: "979460900", caller: "60101", called: NOBODY, ..record() };
    let leg = seen(&RawRecord { direction: Some(Direction::Outbound), ..asked });
    assert_eq!(
        (leg.callee, leg.class),
        (some("+442079460900"), Some("geographic")),
        "by a trunk, though it has no name"
    );
    let cli = RawRecord { direction: Some(Direction::Tandem), calling: NOBODY, called: t1, ..inbound("7700900123") };
    assert_eq!(seen(&cli).caller, some("+447700900123"));
}

#[test]
fn voicemail_takes_what_it_answers() {
    let forwarded = RawRecord {
        callee: "8000",
        redirect: "60102",
        redirect_reason: Some(RedirectReason::ForwardNoAnswer),
        ..record()
    };
    let to = |called, outcome| seen(&RawRecord { called, outcome, ..forwarded.clone() });
    let port = Side { device: "CiscoUM1-VI3", user: "", kind: SideKind::Voicemail, link: None, node: "" };
    assert_eq!(to(trunk_side("UNITY"), Outcome::Answered).outcome, Outcome::Voicemail);
    assert_eq!(to(port, Outcome::Answered).outcome, Outcome::Voicemail);
    assert_eq!(to(port, Outcome::NoAnswer).outcome, Outcome::NoAnswer, "a port that did not pick up");
    assert_eq!(to(trunk_side("RECORDER"), Outcome::Answered).outcome, Outcome::Answered);
    // formats-cisco 1.9: pattern usage 8 on the SIP trunk to Unity Connection. The reader saw it; nobody listed the trunk.
    let unity = to(trunk_side("CUC-SIP"), Outcome::Voicemail);
    assert_eq!((unity.outcome, unity.direction), (Outcome::Voicemail, Direction::Internal));
    let extensions = [some("60101"), some("60102"), None, some("60102")];
    assert_eq!((unity.extensions, unity.callee), (extensions, some("8000")));
    let mitel = Side { device: "", user: "", kind: SideKind::Handset, link: None, node: "" };
    let known_by_number =
        RawRecord { callee: "7000", called: mitel, direction: Some(Direction::Internal), ..forwarded };
    assert_eq!(seen(&known_by_number).outcome, Outcome::Voicemail);
    assert_eq!(seen(&known_by_number).direction, Direction::Internal);
    assert_eq!(seen(&RawRecord { caller: "7000", ..record() }).direction, Direction::Internal);
}

/// formats-cisco 1.13, 12: the desk phone took no part.
#[test]
fn forwarded_out_of_the_platform_is_diverted() {
    let out = |reason, called, outcome, dialled, callee| {
        let away = RawRecord { redirect: "60102", redirect_reason: Some(reason), outcome, ..inbound("02079460900") };
        seen(&RawRecord { called, dialled, callee, ..away }).outcome
    };
    let (pstn, mobile) = (trunk_side("PSTN"), "907700900123");
    for reason in [RedirectReason::ForwardAll, RedirectReason::ForwardBusy, RedirectReason::ForwardNoAnswer] {
        assert_eq!(out(reason, pstn, Outcome::Answered, "60102", mobile), Outcome::Diverted, "{reason:?}");
        assert_eq!(out(reason, trunk_side("TIE"), Outcome::Answered, "60102", "8123"), Outcome::Diverted, "{reason:?}");
        assert_eq!(
            out(reason, pstn, Outcome::NoAnswer, "60102", mobile),
            Outcome::NoAnswer,
            "{reason:?}: nobody answered"
        );
        assert_eq!(
            out(reason, SEP, Outcome::Answered, "60102", "60103"),
            Outcome::Answered,
            "{reason:?}: to a colleague"
        );
        assert_eq!(out(reason, pstn, Outcome::Answered, "8000", mobile), Outcome::Diverted, "{reason:?}: by a pilot");
    }
    for reason in [RedirectReason::Transfer, RedirectReason::Pickup, RedirectReason::Conference, RedirectReason::Hunt] {
        assert_eq!(
            out(reason, pstn, Outcome::Answered, "60102", mobile),
            Outcome::Answered,
            "{reason:?}: a person did that"
        );
    }
}

#[test]
fn our_own_extensions_come_first() {
    for digits in ["60103", "11100", "11199"] {
        let leg = seen(&RawRecord { dialled: digits, callee: digits, ..record() });
        assert_eq!((leg.dialled, leg.extensions[2].clone()), (some(digits), some(digits)), "11100 is a desk, not 111");
    }
    for digits in ["+442079460123", "00442079460123", "02079460123", "902079460123", "9+442079460123", "020 7946 0123"]
    {
        let leg = seen(&RawRecord { dialled: digits, callee: digits, redirect: digits, ..record() });
        assert_eq!(leg.extensions[1..], [some("60123"), some("60123"), some("60123")], "{digits}");
        assert_eq!((leg.dialled, leg.callee), (some("60123"), some("60123")), "{digits}: stored as the extension");
        let leg = seen(&RawRecord { caller: digits.strip_prefix('9').unwrap_or(digits), ..record() });
        assert_eq!(leg.extensions[0], some("60123"), "{digits}");
    }
    for digits in ["2079460123", "442079460123", "79460123"] {
        assert_eq!(seen(&inbound(digits)).extensions[0], some("60123"), "{digits} by trunk, which may lose the zero");
    }
    assert_eq!(seen(&inbound("02079460223")).extensions[0], None, "next to the range is not in it");
}

#[test]
fn outside_numbers_become_e164_with_a_class() {
    for (digits, number, class) in [
        ("902079460900", "+442079460900", "geographic"),
        ("907700900123", "+447700900123", "mobile"),
        ("908081570123", "+448081570123", "freephone"),
        ("909098790123", "+449098790123", "premium"),
        ("903069990123", "+443069990123", "uk_wide"),
        ("90033142685300", "+33142685300", "international"),
        ("9118118", "118118", "directory"),
        ("9101", "101", "short_code"),
        ("9999", "999", "emergency"),
        ("9112", "112", "emergency"),
        ("999", "999", "emergency"),
        ("918000", "18000", "emergency"),
        ("979460900", "+442079460900", "geographic"),
        ("79460900", "+442079460900", "geographic"),
        ("914102079460900", "+442079460900", "geographic"),
        ("4711", "4711", "unknown"),
    ] {
        let leg = seen(&outbound(digits));
        assert_eq!(
            (leg.direction, leg.dialled, leg.callee, leg.class),
            (Direction::Outbound, some(number), some(number), Some(class))
        );
        assert_eq!(leg.extensions, [some("60101"), None, None, None], "{digits}");
        // A transfer puts the transferring phone into the record and must not change how the digits read.
        let passed_on =
            RawRecord { redirect: "60101", redirect_reason: Some(RedirectReason::Transfer), ..outbound(digits) };
        assert_eq!(seen(&passed_on).dialled, some(number), "{digits} passed on");
    }
}

/// A line that called 999 must never look as if it had not, whatever the patterns say.
#[test]
fn an_emergency_on_a_public_trunk_is_no_extension() {
    let mut source = source("hq");
    source.extensions = ["9XXX", "XXX", "18XXX"].map(|p| Pattern::try_from(p.to_string()).unwrap()).to_vec();
    for (digits, number) in [("9999", "999"), ("999", "999"), ("9112", "112"), ("112", "112"), ("18000", "18000")] {
        let leg = by(&source, &RawRecord { caller: "9001", ..outbound(digits) });
        assert_eq!(
            (leg.callee, leg.class, leg.extensions[2].clone()),
            (some(number), Some("emergency"), None),
            "{digits}"
        );
        let inside = by(&source, &RawRecord { dialled: digits, callee: digits, ..record() });
        assert_eq!(
            (inside.direction, inside.callee),
            (Direction::Internal, some(digits)),
            "{digits}: a handset of ours rang"
        );
    }
    assert_eq!(by(&source, &outbound("9123")).callee, some("9123"), "others stay what the pattern says");
    // A route point or trunk that nobody listed and whose name tells nothing.
    let unlisted = Side { device: "ERL-ROUTE", user: "", kind: SideKind::Unknown, link: None, node: "" };
    let leg = seen(&RawRecord { called: unlisted, ..outbound("9999") });
    assert_eq!((leg.direction, leg.class), (Direction::Outbound, Some("emergency")));
}

/// `tie_line` and `third_party` carry numbers of a private plan: short ones mean nothing outside it.
#[test]
fn private_numbers_stay_bare() {
    for trunk in ["TIE", "X101"] {
        for digits in ["8200", "101", "123", "9100", "118118", "116123", "79460900", "979460900", "1471"] {
            let leg = seen(&RawRecord { called: trunk_side(trunk), ..outbound(digits) });
            assert_eq!(
                (leg.direction, leg.dialled, leg.callee, leg.class),
                (Direction::Outbound, some(digits), some(digits), None)
            );
            let leg = seen(&RawRecord { calling: trunk_side(trunk), ..inbound(digits) });
            assert_eq!((leg.direction, leg.caller, leg.class), (Direction::Inbound, some(digits), None), "{digits}");
        }
        // What cannot be a private number breaks out at the far end.
        for (digits, number, class) in [("907700900123", "+447700900123", "mobile"), ("9999", "999", "emergency")] {
            let leg = seen(&RawRecord { called: trunk_side(trunk), ..outbound(digits) });
            assert_eq!((leg.callee, leg.class), (some(number), Some(class)), "{digits}");
        }
    }
    for digits in ["9100", "101", "4711"] {
        let leg = seen(&RawRecord { dialled: digits, callee: digits, ..record() });
        assert_eq!(
            (leg.dialled, leg.callee, leg.class),
            (some(digits), some(digits), None),
            "{digits} rang on a handset"
        );
    }
}

/// formats-cisco 1.13, 16: blank is withheld, not internal.
#[test]
fn a_withheld_caller_is_null() {
    let leg = seen(&inbound(""));
    assert_eq!((leg.direction, leg.caller, leg.class), (Direction::Inbound, None, None));
    assert_eq!(leg.extensions, [None, some("60102"), some("60102"), None]);
}

#[test]
fn the_class_is_that_of_the_outside_party() {
    assert_eq!(seen(&inbound("07700900123")).class, Some("mobile"));
    assert_eq!(seen(&outbound("902079460900")).class, Some("geographic"));
    assert_eq!(seen(&record()).class, None);
    let tandem = RawRecord { calling: trunk_side("PSTN"), caller: "02079460900", ..outbound("907700900123") };
    assert_eq!((seen(&tandem).direction, seen(&tandem).class), (Direction::Tandem, Some("mobile")));
    // Ended at our own number over an SBC: what was dialled is the outside party, if anything is.
    assert_eq!(seen(&outbound("60102")).class, None);
}

fn local(text: &str) -> RawTime {
    RawTime::Local(chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap())
}

fn utc(text: &str) -> i64 {
    chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap().and_utc().timestamp()
}

/// UTC, civil day and minute in London, and whether that wall clock reads back as the same moment: in the hour that autumn
/// repeats only the first pass does.
#[test]
fn both_clock_changes_both_ways() {
    for (at, day, minute, back) in [
        ("2024-03-31 00:59:59", "2024-03-31", 59, true),
        ("2024-03-31 01:00:00", "2024-03-31", 120, true),
        ("2024-03-31 22:59:59", "2024-03-31", 1439, true),
        ("2024-03-31 23:00:00", "2024-04-01", 0, true),
        ("2024-10-26 23:30:00", "2024-10-27", 30, true),
        ("2024-10-27 00:30:00", "2024-10-27", 90, true),
        ("2024-10-27 01:30:00", "2024-10-27", 90, false),
        ("2024-10-27 02:00:00", "2024-10-27", 120, true),
        ("2024-10-27 23:59:59", "2024-10-27", 1439, true),
        ("2024-02-29 00:00:00", "2024-02-29", 0, true),
    ] {
        let days = days(day.parse::<NaiveDate>().unwrap());
        let from_utc = seen(&RawRecord { started: RawTime::Utc(utc(at)), ..record() });
        assert_eq!(from_utc.moment, (utc(at) * 1_000_000, days, minute), "{at}");
        let clock = format!("{day} {:02}:{:02}:{}", minute / 60, minute % 60, &at[17..]);
        let from_local = seen(&RawRecord { started: local(&clock), ..record() });
        let moment = if back { utc(at) } else { utc(at) - 3600 };
        assert_eq!(from_local.moment, (moment * 1_000_000, days, minute), "{clock}");
    }
    let never = seen(&RawRecord { started: local("2024-03-31 01:30:00"), ..record() });
    assert_eq!(never.moment.0, utc("2024-03-31 01:30:00") * 1_000_000, "as if the clock had not been put forward yet");
}

/// East of Greenwich the change comes at a UTC hour of the day before.
#[test]
fn a_skipped_hour_is_read_the_same_in_every_zone() {
    for (zone, clock, moment) in [
        ("Australia/Sydney", "2024-10-06 02:30:00", "2024-10-05 16:30:00"),
        ("America/New_York", "2024-03-10 02:30:00", "2024-03-10 07:30:00"),
        ("Atlantic/Azores", "2024-03-31 00:30:00", "2024-03-31 01:30:00"),
    ] {
        let source = Source { timezone: zone.into(), ..source("far") };
        let leg = by(&source, &RawRecord { started: local(clock), ..record() });
        assert_eq!(leg.moment.0, utc(moment) * 1_000_000, "{zone}");
    }
}

#[test]
fn keys_tell_records_calls_and_sources_apart() {
    let of = |name: &str, id, call| by(&source(name), &RawRecord { id, call, ..record() }).keys;
    let first = of("hq", RecordId::Vendor("a"), 1);
    assert_eq!(first, of("hq", RecordId::Vendor("a"), 1));
    let second = of("hq", RecordId::Vendor("b"), 1);
    assert!(second.0 != first.0 && second.1 == first.1, "two records of one call");
    assert_ne!(of("hq", RecordId::Vendor("a"), 2).1, first.1);
    let elsewhere = of("north", RecordId::Vendor("a"), 1);
    assert!(elsewhere.0 != first.0 && elsewhere.1 != first.1, "two clusters may count alike");
    let text = |name: &str, text| of(name, RecordId::Text(text), 1).0;
    assert_ne!(text("hq", b"a line"), text("hq", b"a lime"));
    assert_ne!(text("hq", b"a line"), text("north", b"a line"));
    assert_ne!(text("a", b"bc"), text("ab", b"c"), "no part runs into its neighbour");
    let key = text("hq", b"a line");
    let ordinals: std::collections::BTreeSet<i64> = (0..1000).map(|n| ordinal_key(key, n)).collect();
    assert_eq!(ordinals.len(), 1000, "equal lines of a day are so many calls");
    assert!(!ordinals.contains(&key) && ordinal_key(key, 0) != ordinal_key(key + 1, 0));
}

/// The scratch strings are used again for the next record and must not leak into it.
#[test]
fn a_leg_does_not_depend_on_the_one_before() {
    let (source, trunks) = (source("hq"), Trunks::from([("PSTN".into(), TrunkKind::Public)]));
    let mut texts = Texts::default();
    let mut normaliser = Normaliser::new(&source, "cisco-cucm", &trunks, &mut texts, 5);
    let mut callee = |raw: &RawRecord<'_>| {
        let id = normaliser.leg(raw, &mut texts).callee;
        texts.text(id).map(str::to_owned)
    };
    assert_eq!(callee(&outbound("907700900123")), some("+447700900123"));
    assert_eq!(callee(&outbound("")), None);
    assert_eq!(callee(&record()), some("60102"));
    assert_eq!(callee(&outbound("9 020 7946 0900")), some("+442079460900"));
}

fn digits() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,30}",
        "[0-9]{0,16}",
        "(9|0|00|\\+44|9\\+)?(207946[0-9]{4}|60[0-9]{3}|999|112)#?",
        "60[0-9]{3}",
        "111[0-9]{2}"
    ]
}

fn ends() -> impl Strategy<Value = (&'static str, SideKind)> {
    let names = vec!["", "PSTN", "TIE", "UNITY", "RECORDER", "SEP1", "x"];
    let kinds = vec![SideKind::Unknown, SideKind::Handset, SideKind::Trunk, SideKind::Voicemail];
    (proptest::sample::select(names), proptest::sample::select(kinds))
}

proptest! {
    /// Any text, any ends, any time a reader may give.
    #[test]
    fn nothing_panics_and_extensions_are_ours(
        caller in digits(), dialled in digits(), callee in digits(), redirect in digits(),
        ((calling, calling_kind), (called, called_kind)) in (ends(), ends()),
        direction in proptest::option::of(proptest::sample::select(Direction::ALL)),
        outcome in proptest::sample::select(Outcome::ALL),
        redirect_reason in proptest::option::of(proptest::sample::select(RedirectReason::ALL)),
        (seconds, is_utc) in (0..=i64::from(u32::MAX), any::<bool>()),
        zone in proptest::sample::select(&["Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "no such zone"][..]),
        prefix in "|9|0|.{0,2}", area in "|020|01204|.{0,5}",
    ) {
        let source = Source { timezone: zone.into(), outside_prefix: prefix, area_code: area, ..source("hq") };
        let civil = chrono::DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        let raw = RawRecord {
            caller: &caller, dialled: &dialled, callee: &callee, redirect: &redirect, redirect_reason, direction, outcome,
            calling: Side { device: calling, user: "", kind: calling_kind, link: None, node: "" },
            called: Side { device: called, user: "", kind: called_kind, link: None, node: "" },
            started: if is_utc { RawTime::Utc(seconds) } else { RawTime::Local(civil) },
            ..record()
        };
        let leg = by(&source, &raw);
        prop_assert!((0..=1439).contains(&leg.moment.2), "{:?}", leg.moment);
        if is_utc {
            prop_assert_eq!(leg.moment.0, seconds * 1_000_000);
        } else {
            prop_assert_eq!((leg.moment.1, i64::from(leg.moment.2)), (days(civil.date()), seconds % 86_400 / 60));
            prop_assert!((leg.moment.0 / 1_000_000 - seconds).abs() <= 15 * 3600);
        }
        for (extension, raw) in leg.extensions.iter().zip([&caller, &dialled, &callee, &redirect]) {
            if let Some(extension) = extension {
                let ours = source.extensions.iter().any(|p| p.matches(extension) && extension == raw);
                let direct = source.ddi[0].range.matches(&format!("+4420794{extension}"));
                prop_assert!(ours || direct, "{extension} from {raw}");
                prop_assert!(ours || raw.chars().filter(char::is_ascii_digit).collect::<String>().ends_with(extension.as_str()));
            }
        }
        prop_assert_eq!(leg.caller.is_none(), caller.is_empty());
        for (number, extension) in [(&leg.caller, 0), (&leg.dialled, 1), (&leg.callee, 2)] {
            prop_assert!(leg.extensions[extension].is_none() || leg.extensions[extension] == *number);
        }
        prop_assert!(leg.class.is_none() || !matches!(leg.direction, Direction::Internal | Direction::Unknown));
        let upgraded = outcome == Outcome::Answered && matches!(leg.outcome, Outcome::Voicemail | Outcome::Diverted);
        prop_assert!(leg.outcome == outcome || upgraded, "{outcome:?} became {:?}", leg.outcome);
    }
}
