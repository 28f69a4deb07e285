//! Answer times, groups and what was dialled: scenes counted by hand.

use super::*;

/// Who waited how long: 4 s is within every limit, 25 s within 30; a caller who gives up is no busy line.
#[test]
fn answer_times_are_of_those_who_answered() {
    let rung = |ring_s| Leg { ring_s, ..inbound() };
    let given_up = |outcome| unanswered(rung(Some(40)), outcome);
    let legs = [
        rung(Some(4)),
        rung(Some(10)),
        rung(Some(25)),
        rung(None),
        given_up(Outcome::Abandoned),
        given_up(Outcome::NoAnswer),
        given_up(Outcome::Busy),
        Leg { local_minute: 1080, ..rung(Some(31)) },
    ];
    let service = "answer_timed 4 answered_10s 2 answered_20s 2 answered_30s 3 wait_s 70 abandoned 2 in_hours 7";
    assert_eq!(
        told_of(&legs, ANSWER_TIMED..COUNTS.len()),
        [format!("device SEP2: {service}"), format!("number 60102: {service}")]
    );
    let extremes = extremes(&legs);
    assert_eq!(extremes["number 60102"][..2], [Some(40), Some(60)], "a busy caller waited too");
}

/// formats-cisco 1.9: `finalCalledPartyNumber` is the pilot, the device is the phone that answered or was last offered.
#[test]
fn a_hunt_answer_is_the_devices_not_the_pilots_handset() {
    let pilot = Leg {
        dialled: Some("60200"),
        dialled_ext: Some("60200"),
        callee: Some("60200"),
        callee_ext: Some("60200"),
        hunt_group: Some("60200"),
        redirect_reason: Some(RedirectReason::Hunt),
        ..inbound()
    };
    assert_eq!(
        one(&pilot),
        [
            "device SEP2: offered 1 answered 1 external 1 talk_in_s 60",
            "group 60200: offered 1 answered 1 external 1 talk_in_s 60",
            "number 60200: offered 1 answered 1 external 1 talk_in_s 60"
        ]
    );
    let missed = ["group 60200: offered 1 missed 1 external 1", "number 60200: offered 1 missed 1 external 1"];
    assert_eq!(
        told(&[unanswered(pilot.clone(), Outcome::NoAnswer)]),
        ["device SEP2: offered 1 missed 1 external 1", missed[0], missed[1]]
    );
    let nobody = Leg { callee_device: None, ..unanswered(pilot, Outcome::NoAnswer) };
    assert_eq!(told(&[nobody]), missed);
}

/// A group has one fate of a call, whoever of it answers.
#[test]
fn a_group_is_offered_what_was_asked_of_it() {
    let hunted = Leg { hunt_group: Some("8000"), ..inbound() };
    let voicemail = Leg { outcome: Outcome::Voicemail, callee_device: None, callee_ext: None, ..hunted.clone() };
    let legs = [hunted.clone(), unanswered(hunted.clone(), Outcome::Abandoned), voicemail];
    let group = "group 8000: offered 3 answered 1 missed 1 voicemail 1 external 3 talk_in_s 60";
    assert_eq!(told(&legs)[1], group);
}

/// A lift's dialler calls one number and no other, whatever the day.
#[test]
fn one_number_dialled_is_told_from_two() {
    let call = |dialled| Leg { dialled: Some(dialled), dialled_ext: None, callee: None, callee_ext: None, ..leg() };
    let one = |legs: &[Leg<'_>]| extremes(legs)["number 60101"][2];
    let [first, second] = ["+441632960001", "+441632960002"].map(|number| one(&[call(number)]));
    assert!(first != second && first.is_some_and(|hash| (0..65_536).contains(&hash)));
    assert_eq!(one(&[call("+441632960001"), call("+441632960001")]), first);
    assert_eq!(one(&[call("+441632960001"), call("+441632960002"), call("+441632960001")]), Some(i64::from(SEVERAL)));
    assert_eq!(extremes(&[inbound()])["number 60102"][2], None, "it made no call");
}

fn extremes(legs: &[Leg<'_>]) -> BTreeMap<String, [Option<i64>; EXTREMES.len()]> {
    let mut counting = Counting::default();
    counting.add(legs);
    let batch = counting.batch(1);
    let text = |i: usize, row| batch.column(i).as_string::<i32>().value(row);
    let number = |i: usize, row| {
        let column = batch.column(23 + i).as_primitive::<Int64Type>();
        column.is_valid(row).then(|| column.value(row))
    };
    let rows = 0..batch.num_rows();
    rows.map(|row| (format!("{} {}", text(2, row), text(3, row)), std::array::from_fn(|i| number(i, row)))).collect()
}

proptest! {
    /// Two that share the kinds of subject between them count what one does.
    #[test]
    fn kinds_counted_apart_are_the_same_together(legs in proptest::collection::vec(any_leg(), 0..40)) {
        let (mut texts, mut rows) = (Texts::default(), Legs::default());
        legs.iter().for_each(|leg| rows.push(&leg.kept(&mut texts)));
        let numbers = Usage::only(&[Subject::Number]);
        let others = Usage::only(&[Subject::Device, Subject::User, Subject::Group]);
        let [whole, numbers, others] = [Usage::default(), numbers, others].map(|mut usage| {
            usage.add(&rows, &texts);
            usage
        });
        prop_assert_eq!(Usage::batch_of(&[&others, &numbers], &texts, 1), whole.batch(&texts, 1));
    }
}
