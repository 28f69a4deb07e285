//! Tests of `usage`: scenes counted by hand after DESIGN section 4 and formats-cisco 1.9, and a slow second reading of the
//! rules that random legs are held against.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Int16Type, Int64Type};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::leg::Told as Leg;

mod service;

const DAY: i32 = 19_783;

/// An internal call 60101 → 60102, answered, a minute long.
fn leg() -> Leg<'static> {
    Leg {
        leg_key: 1,
        call_key: 1,
        source: Some("hq"),
        platform: Some("cisco-cucm"),
        input_id: 1,
        record_no: 3,
        started_at_us: 0,
        local_day: DAY,
        local_minute: 600,
        ring_s: Some(4),
        talk_s: 60,
        direction: Direction::Internal,
        outcome: Outcome::Answered,
        caller: Some("60101"),
        dialled: Some("60102"),
        callee: Some("60102"),
        caller_ext: Some("60101"),
        dialled_ext: Some("60102"),
        callee_ext: Some("60102"),
        redirect_ext: None,
        redirect_reason: None,
        caller_device: Some("SEP1"),
        callee_device: Some("SEP2"),
        caller_user: None,
        callee_user: None,
        trunk_in: None,
        trunk_out: None,
        hunt_group: None,
        number_class: None,
        cause: None,
        account_code: None,
        charge_micros: None,
        currency: None,
        vendor_kind: None,
        part: Part::Whole,
        caller_link: None,
        callee_link: None,
        caller_node: None,
        callee_node: None,
    }
}

/// From outside to 60102 on the second phone.
fn inbound() -> Leg<'static> {
    let direction = Direction::Inbound;
    Leg {
        direction,
        caller: Some("+447700900123"),
        caller_ext: None,
        caller_device: None,
        number_class: Some(Class::Mobile),
        ..leg()
    }
}

fn unanswered<'a>(leg: Leg<'a>, outcome: Outcome) -> Leg<'a> {
    Leg { outcome, talk_s: 0, ..leg }
}

/// Usage with the texts it counts by.
#[derive(Default)]
struct Counting {
    usage: Usage,
    texts: Texts,
}

impl Counting {
    fn add(&mut self, legs: &[Leg<'_>]) {
        let mut rows = Legs::default();
        legs.iter().for_each(|leg| rows.push(&leg.kept(&mut self.texts)));
        self.usage.add(&rows, &self.texts);
    }

    fn batch(&self, batch: i64) -> RecordBatch {
        self.usage.batch(&self.texts, batch)
    }
}

type Key = (String, i32, String, String);
type Row = [i64; COUNTS.len()];

/// Counts and first and last minute of every subject.
fn table(batch: &RecordBatch) -> BTreeMap<Key, (Row, i16, i16)> {
    let text = |i: usize, row| batch.column(i).as_string::<i32>().value(row).to_string();
    let minute = |i: usize, row| batch.column(i).as_primitive::<Int16Type>().value(row);
    let key = |row| (text(0, row), batch.column(1).as_primitive::<Date32Type>().value(row), text(2, row), text(3, row));
    let counts = |row| std::array::from_fn(|i| batch.column(4 + i).as_primitive::<Int64Type>().value(row));
    let rows = (0..batch.num_rows()).map(|row| (key(row), (counts(row), minute(26, row), minute(27, row))));
    let table: BTreeMap<_, _> = rows.collect();
    assert_eq!(table.len(), batch.num_rows(), "one row a subject");
    table
}

fn usage(legs: &[Leg<'_>]) -> BTreeMap<Key, (Row, i16, i16)> {
    let mut counting = Counting::default();
    counting.add(legs);
    table(&counting.batch(9))
}

/// Says each subject's use in words, zeros left out: `number 60101: made 1 internal 1`.
fn told(legs: &[Leg<'_>]) -> Vec<String> {
    told_of(legs, 0..ANSWER_TIMED)
}

fn told_of(legs: &[Leg<'_>], columns: std::ops::Range<usize>) -> Vec<String> {
    let words = |row: &Row| {
        let named = COUNTS.iter().zip(row).enumerate().filter(|(i, (_, n))| columns.contains(i) && **n != 0);
        named.map(|(_, pair)| pair).map(|(name, n)| format!(" {name} {n}")).collect::<String>()
    };
    usage(legs).iter().map(|((_, _, kind, subject), (row, ..))| format!("{kind} {subject}:{}", words(row))).collect()
}

fn one(leg: &Leg<'_>) -> Vec<String> {
    told(std::slice::from_ref(leg))
}

#[test]
fn a_plain_call() {
    let answered = [
        "device SEP1: made 1 made_answered 1 internal 1 talk_out_s 60",
        "device SEP2: offered 1 answered 1 internal 1 talk_in_s 60",
        "number 60101: made 1 made_answered 1 internal 1 talk_out_s 60",
        "number 60102: offered 1 answered 1 internal 1 talk_in_s 60",
    ];
    assert_eq!(told(&[leg()]), answered);
    for outcome in [Outcome::NoAnswer, Outcome::Busy, Outcome::Failed, Outcome::Abandoned, Outcome::Unknown] {
        let rung = [
            "device SEP1: made 1 internal 1",
            "device SEP2: offered 1 missed 1 internal 1",
            "number 60101: made 1 internal 1",
            "number 60102: offered 1 missed 1 internal 1",
        ];
        assert_eq!(told(&[unanswered(leg(), outcome)]), rung, "{outcome:?}");
    }
    let logged_in = Leg { caller_user: Some("anna"), callee_user: Some("ben"), ..leg() };
    assert_eq!(
        told(&[logged_in])[4..],
        [
            "user anna: made 1 made_answered 1 internal 1 talk_out_s 60",
            "user ben: offered 1 answered 1 internal 1 talk_in_s 60"
        ]
    );
}

#[test]
fn calls_across_the_border() {
    let out = Leg {
        direction: Direction::Outbound,
        dialled: Some("999"),
        callee: Some("999"),
        dialled_ext: None,
        callee_ext: None,
        callee_device: None,
        number_class: Some(Class::Emergency),
        ..leg()
    };
    let emergency = "made 1 made_answered 1 external 1 emergency 1 talk_out_s 60";
    assert_eq!(one(&out), [format!("device SEP1: {emergency}"), format!("number 60101: {emergency}")]);
    let twice = "made 2 made_answered 2 external 2 emergency 2 talk_out_s 120";
    assert_eq!(told(&[out.clone(), out.clone()]), [format!("device SEP1: {twice}"), format!("number 60101: {twice}")]);
    let failed = unanswered(out.clone(), Outcome::Failed);
    assert_eq!(told(&[failed])[1], "number 60101: made 1 external 1 emergency 1", "it was tried");
    let other = Leg { number_class: Some(Class::Mobile), ..out.clone() };
    assert_eq!(told(&[other])[1], "number 60101: made 1 made_answered 1 external 1 talk_out_s 60");
    let rest = Leg { part: Part::Continued, ..out };
    assert_eq!(told(&[rest])[1], "number 60101: talk_out_s 60", "the set-up has a leg of its own");
    assert_eq!(
        told(&[inbound()]),
        [
            "device SEP2: offered 1 answered 1 external 1 talk_in_s 60",
            "number 60102: offered 1 answered 1 external 1 talk_in_s 60"
        ]
    );
    let nowhere = Leg { direction: Direction::Unknown, ..unanswered(leg(), Outcome::Abandoned) };
    assert_eq!(told(&[nowhere])[2], "number 60101: made 1");
    // CLI of ours on an emergency that came in by a trunk: no line of ours made it.
    let in_class = Leg { number_class: Some(Class::Emergency), ..inbound() };
    assert!(told(&[in_class]).iter().all(|row| !row.contains("emergency")));
}

/// formats-cisco 1.9: one record; the device is the voicemail's, so no handset is named.
#[test]
fn forwarded_on_no_answer_to_voicemail() {
    let voicemail = Leg {
        outcome: Outcome::Voicemail,
        callee: Some("8000"),
        callee_ext: None,
        redirect_ext: Some("60102"),
        redirect_reason: Some(RedirectReason::ForwardNoAnswer),
        callee_device: None,
        ..inbound()
    };
    assert_eq!(one(&voicemail), ["number 60102: offered 1 voicemail 1 external 1"]);
    let user = Leg { callee_user: Some("ben"), ..voicemail.clone() };
    assert_eq!(told(&[user])[1], "user ben: offered 1 missed 1 external 1", "the seconds were the machine's");
    let pilot = Leg { callee_ext: Some("60900"), callee: Some("60900"), ..voicemail };
    assert_eq!(told(&[pilot])[1], "number 60900: offered 1 voicemail 1 external 1");
    let picked_up = Leg {
        redirect_ext: Some("60102"),
        redirect_reason: Some(RedirectReason::Transfer),
        callee_ext: None,
        ..inbound()
    };
    let sent_on = Leg { outcome: Outcome::Voicemail, callee: Some("8000"), callee_device: None, ..picked_up };
    assert_eq!(
        told(&[sent_on]),
        ["number 60102: offered 1 answered 1 external 1"],
        "who sends a caller to voicemail picked up"
    );
}

/// formats-cisco 1.13, 12: the desk phone took no part.
#[test]
fn forwarded_always_to_a_mobile() {
    let away = Leg {
        direction: Direction::Tandem,
        outcome: Outcome::Diverted,
        callee: Some("+447700900456"),
        callee_ext: None,
        redirect_ext: Some("60102"),
        redirect_reason: Some(RedirectReason::ForwardAll),
        callee_device: None,
        ..inbound()
    };
    assert_eq!(one(&away), ["number 60102: offered 1 diverted 1 external 1"]);
    // A hunt pilot was asked for, its member has forwarded.
    let by_pilot = Leg { dialled: Some("60200"), dialled_ext: Some("60200"), ..away.clone() };
    assert_eq!(
        told(&[by_pilot]),
        ["number 60102: offered 1 diverted 1 external 1", "number 60200: offered 1 diverted 1 external 1"]
    );
    let unforwarded = Leg { outcome: Outcome::Answered, redirect_ext: None, redirect_reason: None, ..away.clone() };
    assert_eq!(
        told(&[unforwarded]),
        ["number 60102: offered 1 diverted 1 external 1"],
        "mobility leaves no redirect; no handset answered"
    );
    // A colleague calls the number that moved to another platform and keeps its digits.
    let moved = Leg { direction: Direction::Outbound, callee_device: None, ..leg() };
    assert_eq!(told(&[moved])[2], "number 60102: offered 1 diverted 1 external 1");
    let rang_out = unanswered(away, Outcome::NoAnswer);
    assert_eq!(told(&[rang_out]), ["number 60102: offered 1 missed 1 external 1"], "nobody met it");
}

#[test]
fn forwarded_twice_and_met_by_nobody_is_missed_by_all() {
    let chain = Leg {
        callee: Some("60104"),
        callee_ext: Some("60104"),
        redirect_ext: Some("60103"),
        redirect_reason: Some(RedirectReason::ForwardNoAnswer),
        callee_device: Some("SEP4"),
        ..inbound()
    };
    let fates = |how: [&str; 3], talk: &str| {
        let numbers = ["60102", "60103", "60104"].iter().zip(how);
        numbers
            .map(|(n, how)| {
                format!("number {n}: offered 1 {how} 1 external 1{}", if *n == "60104" { talk } else { "" })
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(one(&chain)[1..], fates(["diverted", "diverted", "answered"], " talk_in_s 60"));
    assert_eq!(told(&[unanswered(chain, Outcome::NoAnswer)])[1..], fates(["missed"; 3], ""));
}

/// Consult transfer, formats-cisco 1.9: 60101 calls 60102, who consults 60103 and hands over. Two set-up legs stand for
/// themselves, the third continues the first; each party used its phone once.
#[test]
fn a_transfer_in_three_records() {
    let first = Leg { talk_s: 40, ..leg() };
    let consult = Leg {
        caller: Some("60102"),
        caller_ext: Some("60102"),
        caller_device: Some("SEP2"),
        dialled: Some("60103"),
        dialled_ext: Some("60103"),
        callee: Some("60103"),
        callee_ext: Some("60103"),
        callee_device: Some("SEP3"),
        talk_s: 10,
        ..leg()
    };
    let joined = Leg {
        callee: Some("60103"),
        callee_ext: Some("60103"),
        callee_device: Some("SEP3"),
        redirect_ext: Some("60102"),
        redirect_reason: Some(RedirectReason::Transfer),
        talk_s: 300,
        part: Part::Continued,
        ..leg()
    };
    let counted = [
        "SEP1/60101: made 1 made_answered 1 internal 1 talk_out_s 340",
        "SEP2/60102: made 1 made_answered 1 offered 1 answered 1 internal 2 talk_in_s 40 talk_out_s 10",
        "SEP3/60103: offered 1 answered 1 internal 1 talk_in_s 310",
    ];
    let expected = |kind: &str, part: usize| {
        counted.map(|row| {
            let (names, counts) = row.split_once(':').unwrap();
            format!("{kind} {}:{counts}", names.split('/').nth(part).unwrap())
        })
    };
    assert_eq!(told(&[first, consult, joined]), [expected("device", 0), expected("number", 1)].concat());
}

/// formats-mitel 1.4: one record for the whole trunk call, no devices; the second station is the third party.
#[test]
fn a_transfer_in_one_record() {
    let whole = Leg {
        callee: Some("60103"),
        callee_ext: Some("60103"),
        callee_device: None,
        redirect_ext: Some("60102"),
        redirect_reason: Some(RedirectReason::Transfer),
        ..inbound()
    };
    assert_eq!(
        told(&[whole]),
        ["number 60102: offered 1 answered 1 external 1", "number 60103: offered 1 answered 1 external 1 talk_in_s 60"]
    );
    // An outgoing call that its own maker passed on: nobody called him.
    let passed_on = Leg {
        direction: Direction::Outbound,
        dialled: Some("+442079460900"),
        callee: Some("+442079460900"),
        dialled_ext: None,
        callee_ext: None,
        redirect_ext: Some("60101"),
        redirect_reason: Some(RedirectReason::Transfer),
        caller_device: None,
        callee_device: None,
        ..leg()
    };
    assert_eq!(told(&[passed_on]), ["number 60101: made 1 made_answered 1 external 1 talk_out_s 60"]);
}

#[test]
fn a_shared_line_is_one_number_on_two_devices() {
    let other = Leg { callee_device: Some("SEP3"), ..inbound() };
    assert_eq!(
        told(&[inbound(), other]),
        [
            "device SEP2: offered 1 answered 1 external 1 talk_in_s 60",
            "device SEP3: offered 1 answered 1 external 1 talk_in_s 60",
            "number 60102: offered 2 answered 2 external 2 talk_in_s 120"
        ]
    );
}

#[test]
fn a_pickup_is_answered_by_who_picked_up() {
    let pickup = Leg {
        callee: Some("60103"),
        callee_ext: Some("60103"),
        callee_device: Some("SEP3"),
        redirect_ext: Some("60102"),
        redirect_reason: Some(RedirectReason::Pickup),
        ..inbound()
    };
    assert_eq!(
        told(&[pickup]),
        [
            "device SEP3: offered 1 answered 1 external 1 talk_in_s 60",
            "number 60102: offered 1 diverted 1 external 1",
            "number 60103: offered 1 answered 1 external 1 talk_in_s 60"
        ]
    );
}

/// formats-cisco 1.13, 11: bridges and recorders must not become users.
#[test]
fn system_legs_count_for_nobody() {
    assert!(told(&[Leg { part: Part::System, caller_user: Some("anna"), ..leg() }]).is_empty());
}

#[test]
fn a_call_to_oneself_is_one_leg() {
    let mailbox = Leg {
        callee_ext: Some("60101"),
        callee: Some("60101"),
        dialled: Some("60101"),
        dialled_ext: Some("60101"),
        callee_device: Some("SEP1"),
        ..leg()
    };
    assert_eq!(
        told(&[mailbox])[1],
        "number 60101: made 1 made_answered 1 offered 1 answered 1 internal 1 talk_in_s 60 talk_out_s 60"
    );
}

#[test]
fn rows_stand_by_source_day_kind_and_subject_with_their_minutes() {
    let at = |source, local_day, local_minute| Leg { source: Some(source), local_day, local_minute, ..leg() };
    let legs = [at("north", DAY, 5), at("hq", DAY + 1, 0), at("hq", DAY, 1439), at("hq", DAY, 0), at("hq", DAY, 700)];
    let mut counting = Counting::default();
    legs.iter().for_each(|leg| counting.add(std::slice::from_ref(leg)));
    let batch = counting.batch(42);
    assert_eq!(batch.schema(), schema());
    assert_eq!(batch.num_rows(), 12, "two numbers and two devices on three days of two sources");
    assert!(batch.column(28).as_primitive::<Int64Type>().values().iter().all(|n| *n == 42));
    let keys: Vec<Key> = (0..12).map(|i| table(&batch.slice(i, 1)).into_keys().next().unwrap()).collect();
    assert!(keys.is_sorted(), "{keys:?}");
    let row = &table(&batch)[&("hq".into(), DAY, "number".into(), "60102".into())];
    assert_eq!((row.0[OFFERED], row.0[TALK_IN], row.1, row.2), (3, 180, 0, 1439));
    assert_eq!(Counting::default().batch(1).num_rows(), 0);
}

/// The rules once more, by DESIGN section 4 and the table of the query pages, one question a line and no regard to speed.
/// Numbers only: leg by leg, which of made, answered, missed, diverted, voicemail.
fn by_the_book(legs: &[Leg<'_>]) -> BTreeMap<Key, BTreeMap<&'static str, i64>> {
    let mut book: BTreeMap<Key, BTreeMap<&'static str, i64>> = BTreeMap::new();
    for leg in legs {
        if leg.part == Part::System {
            continue;
        }
        let everybody = [leg.caller_ext, leg.dialled_ext, leg.callee_ext, leg.redirect_ext];
        for number in everybody.into_iter().flatten().collect::<BTreeSet<&str>>() {
            let me = Some(number);
            let i_called = leg.caller_ext == me;
            let i_passed_it_on = leg.redirect_ext == me && !i_called;
            let i_was_called = leg.dialled_ext == me || leg.callee_ext == me || i_passed_it_on;
            let i_talked_first = leg.redirect_ext == me
                && matches!(leg.redirect_reason, Some(RedirectReason::Transfer | RedirectReason::Conference));
            let stayed_here = !matches!(leg.direction, Direction::Outbound | Direction::Tandem);
            let ended_at_me = match leg.callee {
                Some(_) => leg.callee_ext == me,
                None => leg.dialled_ext == me && leg.redirect_ext.is_none(),
            };
            let connected = leg.outcome == Outcome::Answered;
            let page =
                book.entry((leg.source.unwrap().into(), leg.local_day, "number".into(), number.into())).or_default();
            if i_called {
                *page.entry("talk_out_s").or_default() += i64::from(leg.talk_s);
            }
            if i_was_called && connected && stayed_here && ended_at_me {
                *page.entry("talk_in_s").or_default() += i64::from(leg.talk_s);
            }
            if leg.part == Part::Continued {
                continue;
            }
            if i_called {
                *page.entry("made").or_default() += 1;
                *page.entry("made_answered").or_default() += i64::from(connected);
                let emergency = leg.direction == Direction::Outbound && leg.number_class == Some(Class::Emergency);
                *page.entry("emergency").or_default() += i64::from(emergency);
            }
            if i_was_called {
                *page.entry("offered").or_default() += 1;
                let fate = if i_talked_first {
                    "answered"
                } else if leg.outcome == Outcome::Voicemail {
                    "voicemail"
                } else if leg.outcome == Outcome::Diverted || (connected && !(stayed_here && ended_at_me)) {
                    "diverted"
                } else if connected {
                    "answered"
                } else {
                    "missed"
                };
                *page.entry(fate).or_default() += 1;
                let gave_up = matches!(leg.outcome, Outcome::NoAnswer | Outcome::Abandoned);
                *page.entry("abandoned").or_default() += i64::from(fate == "missed" && gave_up);
                *page.entry("in_hours").or_default() += i64::from((8..18).contains(&(leg.local_minute / 60)));
                if let (Some(ring_s), "answered") = (leg.ring_s, fate) {
                    *page.entry("answer_timed").or_default() += 1;
                    *page.entry("wait_s").or_default() += i64::from(ring_s);
                    for (name, most) in [("answered_10s", 10), ("answered_20s", 20), ("answered_30s", 30)] {
                        *page.entry(name).or_default() += i64::from(ring_s <= most);
                    }
                }
            }
            match leg.direction {
                Direction::Internal => *page.entry("internal").or_default() += 1,
                Direction::Inbound | Direction::Outbound | Direction::Tandem => {
                    *page.entry("external").or_default() += 1
                }
                Direction::Unknown => {}
            }
        }
    }
    book
}

fn number() -> impl Strategy<Value = Option<&'static str>> {
    select(vec![None, Some("60101"), Some("60102"), Some("60103")])
}

prop_compose! {
    fn any_leg()(
        (caller_ext, dialled_ext, callee_ext, redirect_ext) in (number(), number(), number(), number()),
        (caller_device, callee_device, callee_user, abroad) in (number(), number(), number(), any::<bool>()),
        direction in select(Direction::ALL), outcome in select(Outcome::ALL),
        redirect_reason in proptest::option::of(select(RedirectReason::ALL)),
        part in select(vec![Part::Whole, Part::Whole, Part::Whole, Part::Continued, Part::System]),
        number_class in select(vec![None, Some(Class::Mobile), Some(Class::Emergency)]),
        (source, day, local_minute, talk_s) in (select(vec!["hq", "north"]), 0..3, 0..1440i16, 0..100),
        ring_s in proptest::option::of(0..40i32),
    ) -> Leg<'static> {
        Leg {
            source: Some(source), local_day: DAY + day, local_minute, ring_s, talk_s, direction, outcome, caller_ext, dialled_ext, callee_ext, redirect_ext,
            callee: callee_ext.or(abroad.then_some("+447700900123")), redirect_reason, caller_device, callee_device, callee_user,
            number_class, part, ..leg()
        }
    }
}

proptest! {
    #[test]
    fn numbers_are_counted_by_the_book(legs in proptest::collection::vec(any_leg(), 0..40)) {
        let counted: BTreeMap<_, _> = usage(&legs).into_iter().filter(|(key, _)| key.2 == "number").collect();
        let book = by_the_book(&legs);
        for (key, page) in &book {
            let Some((row, ..)) = counted.get(key) else {
                prop_assert!(page.values().all(|n| *n == 0), "{key:?} is missing");
                continue;
            };
            for (name, n) in COUNTS.iter().zip(row) {
                prop_assert_eq!(page.get(name).copied().unwrap_or(0), *n, "{:?}: {}", key, name);
            }
        }
        prop_assert!(counted.keys().all(|key| book.contains_key(key)));
    }

    #[test]
    fn every_row_is_sound(legs in proptest::collection::vec(any_leg(), 0..40)) {
        let of_system = legs.iter().filter(|leg| leg.part == Part::System).count();
        let whole = legs.iter().filter(|leg| leg.part == Part::Whole).count() as i64;
        for ((source, _, kind, subject), (row, first, last)) in usage(&legs) {
            prop_assert_eq!(row[OFFERED], row[ANSWERED] + row[MISSED] + row[DIVERTED] + row[VOICEMAIL]);
            prop_assert!(row[MADE_ANSWERED] <= row[MADE] && row[EMERGENCY] <= row[MADE] && row[MADE] <= whole);
            prop_assert!(row[INTERNAL] + row[EXTERNAL] <= row[MADE] + row[OFFERED]);
            prop_assert!(kind == "number" || row[DIVERTED] + row[VOICEMAIL] == 0, "{} {}", kind, subject);
            prop_assert!((0..=last).contains(&first) && last < 1440 && row.iter().all(|n| *n >= 0));
            prop_assert!(legs.len() > of_system && (source == "hq" || source == "north"));
        }
        let attempts: i64 = usage(&legs).iter().filter(|(key, _)| key.2 == "number").map(|(_, (row, ..))| row[MADE]).sum();
        let callers = legs.iter().filter(|leg| leg.part == Part::Whole && leg.caller_ext.is_some()).count() as i64;
        prop_assert_eq!(attempts, callers, "made adds up to the legs that our numbers made");
    }

    /// Any order, any cut into adds, any cut into batches: the same sums, the earliest and the latest minute.
    #[test]
    fn order_and_batches_do_not_matter(legs in proptest::collection::vec((any_leg(), any::<Index>(), 0..3usize), 0..40)) {
        let mut shuffled = legs.clone();
        shuffled.sort_by_key(|(_, index, _)| index.index(1000));
        let plain = |legs: &[(Leg<'static>, Index, usize)]| legs.iter().map(|(leg, ..)| leg.clone()).collect::<Vec<_>>();
        let whole = usage(&plain(&legs));
        prop_assert_eq!(&usage(&plain(&shuffled)), &whole);
        let mut in_pieces = Counting::default();
        for piece in shuffled.chunks(3) {
            in_pieces.add(&plain(piece));
        }
        prop_assert_eq!(&table(&in_pieces.batch(1)), &whole);
        let mut summed: BTreeMap<Key, (Row, i16, i16)> = BTreeMap::new();
        for batch in 0..3 {
            let of_batch: Vec<_> = legs.iter().filter(|(.., b)| *b == batch).cloned().collect();
            for (key, (row, first, last)) in usage(&plain(&of_batch)) {
                let sum = summed.entry(key).or_insert((Row::default(), first, last));
                sum.0.iter_mut().zip(row).for_each(|(sum, n)| *sum += n);
                (sum.1, sum.2) = (sum.1.min(first), sum.2.max(last));
            }
        }
        prop_assert_eq!(&summed, &whole);
        // Counted apart and put together, as the cores of a machine do it.
        let (mut one, mut other) = (Counting::default(), Usage::default());
        for (n, leg) in plain(&legs).iter().enumerate() {
            let mut rows = Legs::default();
            rows.push(&leg.kept(&mut one.texts));
            if n % 2 == 0 { one.usage.add(&rows, &one.texts) } else { other.add(&rows, &one.texts) }
        }
        one.usage.merge(&other);
        let extremes = |batch: &RecordBatch| -> Vec<_> { (23..26).map(|i| batch.column(i).clone()).collect() };
        prop_assert_eq!(extremes(&one.batch(1)), extremes(&in_pieces.batch(1)));
        prop_assert_eq!(&table(&one.batch(1)), &whole);
    }
}
