//! Cisco CUCM: the records of `synth::cucm`, and the legs they must become (formats-cisco-teams 1.9, 1.12). A transfer is
//! three records, a conference six.

use super::super::cucm::Writer;
use super::super::cucm_columns;
use super::super::phones::{Forward, Phone};
use super::super::traffic::{End, Party, Shape};
use super::scene::{Conversation, Scene};
use super::truth::{Field, Leg, Moment, is_outside, is_third_party};
use super::{Delivered, Delivery};

const SOURCE: &str = "every-cucm";
/// What `synth::cucm` writes for them.
const PILOT: &str = "80001";
const VOICEMAIL: &str = "79990";

pub fn write(scene: &Scene) -> Delivery {
    let mut writer = Writer::new(scene.seed);
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let mut lines = Vec::new();
        for told in &stretch.calls {
            writer.write(&told.call, &mut lines);
            legs.extend(expected(told));
        }
        let text: String = lines.iter().map(|line| line.text.as_str()).collect();
        let name = format!("cdr_SYNTH-CL01_01_{}2300_1", stretch.last_day.format("%Y%m%d"));
        files.push(Delivered::new(name, cucm_columns::heading() + &text, stretch.last_day));
    }
    let trunks =
        vec![["SIP_TRUNK_PSTN", "pstn", ""], ["AIRWAVE", "third_party", "Airwave"], ["CUC-VM", "voicemail", ""]];
    let untold: &[(&[Field], &str)] = &[];
    Delivery {
        source: SOURCE,
        format: "cisco-cucm",
        config: String::new(),
        trunks,
        files,
        legs,
        untold,
        stitches: true,
    }
}

fn expected(told: &Conversation<'_>) -> Vec<Leg> {
    let call = &told.call;
    let mut whole = Leg::of(told, Moment::exact(call.start));
    whole = calling(whole, &call.from);
    whole = called(whole, &call.to);
    if let Some((via, forward)) = call.via {
        let reason = match forward {
            Forward::AllToVoicemail | Forward::AllToColleague | Forward::AllToMobile => "forward_all",
            Forward::NoAnswerToVoicemail | Forward::NoAnswerToColleague => "forward_no_answer",
            Forward::BusyToColleague => "forward_busy",
        };
        whole = whole.set(Field::RedirectExt, &via.extension).set(Field::RedirectReason, reason);
    }
    if let End::Failed(_) = call.end {
        whole = whole.blank(&[Field::TrunkOut, Field::CalleeDevice]); // no device was reached
    }
    match (call.shape, &call.from, &call.to) {
        (Shape::Hunt, ..) => {
            // The member's number is hidden behind the pilot; only the device tells who answered.
            vec![
                whole
                    .set(Field::Dialled, PILOT)
                    .set(Field::Callee, PILOT)
                    .set(Field::HuntGroup, PILOT)
                    .set(Field::RedirectReason, "hunt")
                    .blank(&[Field::CalleeExt, Field::CalleeUser]),
            ]
        }
        (Shape::Transferred(third), _, Party::Phone(first)) => transfer(told, whole, first, third),
        (Shape::Conference(third), Party::Phone(first), Party::Phone(second)) => {
            conference(told, whole, [first, second, third])
        }
        _ => vec![whole],
    }
}

fn calling(leg: Leg, party: &Party<'_>) -> Leg {
    match party {
        Party::Phone(phone) => leg.set(Field::CallerDevice, &phone.device).set(Field::CallerUser, &phone.user),
        party => leg.set(Field::TrunkIn, trunk(party)),
    }
}

fn called(leg: Leg, party: &Party<'_>) -> Leg {
    match party {
        Party::Phone(phone) => leg.set(Field::CalleeDevice, &phone.device).set(Field::CalleeUser, &phone.user),
        Party::Voicemail => leg.set(Field::TrunkOut, "CUC-VM").set(Field::Callee, VOICEMAIL),
        party => leg.set(Field::TrunkOut, trunk(party)),
    }
}

fn trunk(party: &Party<'_>) -> &'static str {
    match is_outside(party) {
        true if is_third_party(party) => "AIRWAVE",
        true => "SIP_TRUNK_PSTN",
        false => "",
    }
}

/// An attempt between two phones, consulting or adding a party.
fn between(told: &Conversation<'_>, from: &Phone, to: &Phone, [start, answer, end]: [i64; 3]) -> Leg {
    let (from, to) = (Party::Phone(from), Party::Phone(to));
    let leg = Leg::of(told, Moment::exact(start)).caller(&from).dialled(&to).callee(&to);
    let leg = called(calling(leg.blank(&[Field::NumberClass]), &from), &to).set(Field::Direction, "internal");
    leg.set(Field::RingS, answer - start).set(Field::TalkS, end - answer)
}

/// The caller and the first phone, its consultation of the third, and what was left after it hung up.
fn transfer(told: &Conversation<'_>, whole: Leg, first: &Phone, third: &Phone) -> Vec<Leg> {
    let (answer, talk) = (told.answer(), told.talk());
    let (asked, joined) = (answer + talk / 4, answer + talk / 2);
    let consult = between(told, first, third, [asked, (asked + 3).min(joined), joined]);
    let to = Party::Phone(third);
    let last = called(whole.clone().at(Moment::exact(joined)).dialled(&to).callee(&to), &to)
        .set(Field::RingS, 0)
        .set(Field::TalkS, told.end() - joined)
        .set(Field::RedirectExt, &first.extension)
        .set(Field::RedirectReason, "transfer")
        .set(Field::Part, "continued");
    vec![whole.set(Field::TalkS, joined - answer), consult, last]
}

/// Two attempts, three legs into the bridge, and the two that stayed.
fn conference(told: &Conversation<'_>, whole: Leg, [first, second, third]: [&Phone; 3]) -> Vec<Leg> {
    let (answer, talk) = (told.answer(), told.talk());
    let (added, joined, dropped) = (answer + talk / 4, answer + talk / 3, answer + talk * 3 / 4);
    let mut legs = vec![
        whole.set(Field::TalkS, joined - answer),
        between(told, first, third, [added, added.max(joined - 2), joined]),
    ];
    let continued = |leg: Leg| leg.set(Field::RedirectReason, "conference").set(Field::Part, "continued");
    for party in [first, second, third] {
        let leg = between(told, party, third, [joined, joined, dropped]).set(Field::RedirectExt, &first.extension);
        // The called end is the bridge, whose number and device are the platform's own.
        legs.push(continued(leg).blank(&[Field::CalleeExt, Field::DialledExt, Field::CalleeUser]).open(&[
            Field::Callee,
            Field::Dialled,
            Field::CalleeDevice,
            Field::TrunkOut,
        ]));
    }
    legs.push(continued(between(told, second, third, [dropped, dropped, told.end()])));
    legs
}

#[cfg(test)]
mod tests {
    use super::super::scene::example;
    use super::*;

    fn field<'t>(line: &'t str, name: &str) -> &'t str {
        let at = cucm_columns::COLUMNS.iter().position(|(column, _)| *column == name).unwrap();
        line.trim_end().split(',').nth(at).unwrap().trim_matches('"')
    }

    /// The worked transfer of formats-cisco-teams 1.9: each record against the truth told beside it.
    #[test]
    fn the_truth_has_a_leg_for_each_record() {
        let scene = Scene::new(1);
        let [a, b, c] = [0, 1, 2].map(|n| &scene.phones[n]);
        let mut transferred = example::call(example::outside("07700900123"), Party::Phone(a));
        transferred.call.shape = Shape::Transferred(b);
        let mut joined = example::call(Party::Phone(a), Party::Phone(b));
        joined.call.shape = Shape::Conference(c);
        for (told, records) in [(transferred, 3), (joined, 6), (example::call(Party::Withheld, Party::Phone(c)), 1)] {
            let (mut lines, legs) = (Vec::new(), expected(&told));
            Writer::new(1).write(&told.call, &mut lines);
            assert_eq!((lines.len(), legs.len()), (records, records));
            for (line, leg) in lines.iter().zip(&legs) {
                let start: i64 = field(&line.text, "dateTimeOrigination").parse().unwrap();
                assert_eq!(leg.clone().at(Moment::exact(start)).get(Field::StartedAt), leg.get(Field::StartedAt));
                assert_eq!(field(&line.text, "duration"), leg.get(Field::TalkS));
                assert_eq!(
                    field(&line.text, "origDeviceName").replace("SIP_TRUNK_PSTN", ""),
                    leg.get(Field::CallerDevice)
                );
            }
        }
    }
}
