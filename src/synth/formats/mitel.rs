//! Mitel SMDR: the lines of `synth::mitel` (extended digits, ANI, 120 columns), and the legs they must become
//! (formats-mitel-avaya 1.3, 1.4). One trunk call is one line, whatever became of it; in by a trunk and out by another two.

use super::super::mitel::{self, VOICEMAIL};
use super::super::phones::Forward;
use super::super::rng::mix;
use super::super::traffic::{Call, End, Party, Route, Shape};
use super::scene::{Conversation, Scene};
use super::truth::{Field, Leg, Moment, is_outside, is_third_party};
use super::{Delivered, Delivery};

const SOURCE: &str = "every-mitel";
/// The tie trunk that `synth::mitel` writes.
const TIE: &str = "X999";

pub fn write(scene: &Scene) -> Delivery {
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let mut lines = Vec::new();
        for told in &stretch.calls {
            let before = lines.len();
            mitel::write(&by_tie_line(&told.call), &mut lines);
            let expected = expected(told);
            debug_assert_eq!(lines.len() - before, expected.len());
            legs.extend(expected);
        }
        let text: String = lines.iter().map(|line| line.text.as_str()).collect();
        files.push(Delivered::new(format!("smdr_{}.log", stretch.last_day.format("%Y%m%d")), text, stretch.last_day));
    }
    let trunks = vec![
        ["T001", "pstn", ""],
        ["T002", "pstn", ""],
        ["T003", "pstn", ""],
        ["T004", "pstn", ""],
        [TIE, "third_party", "Airwave"],
        [VOICEMAIL, "voicemail", ""],
    ];
    let untold: &[(&[Field], &str)] = &[];
    Delivery {
        source: SOURCE,
        format: "mitel-smdr",
        config: String::new(),
        trunks,
        files,
        legs,
        untold,
        stitches: false,
    }
}

/// The third party is reached by the tie trunk here.
fn by_tie_line<'a>(call: &Call<'a>) -> Call<'a> {
    let tie = |party: &Party<'a>| match party {
        Party::Outside(number, Route::Airwave) => Party::Outside(number.clone(), Route::Tie),
        other => other.clone(),
    };
    Call { from: tie(&call.from), to: tie(&call.to), ..call.clone() }
}

fn expected(told: &Conversation<'_>) -> Vec<Leg> {
    let call = &told.call;
    let at = Moment::minute(super::super::calendar::wall(call.start));
    let (inbound, outbound) = (is_outside(&call.from), is_outside(&call.to));
    let trunk = |party: &Party<'_>, first: u64| match is_third_party(party) {
        true => TIE.to_string(),
        false => format!("T{:03}", first + mix(call.start as u64) % 2),
    };
    let mut leg = Leg::of(told, at);
    match (inbound, outbound) {
        // Station to station and nobody answered: no record without extended reporting.
        (false, false) if call.end == End::NoAnswer => return Vec::new(),
        (false, false) => leg = leg.blank(&[Field::RingS]),
        (false, true) => {
            // Time to answer is for incoming calls only.
            leg = leg.blank(&[Field::RingS]).set(Field::TrunkOut, trunk(&call.to, 1));
            if !told.is_answered() {
                leg = leg.set(Field::Outcome, "no_answer"); // nothing tells a failure from no answer
            }
        }
        _ => {
            leg = leg.set(Field::TrunkIn, trunk(&call.from, 1));
            if call.end == End::Busy {
                leg = leg.open(&[Field::RingS]); // the trunk was held for two seconds; nothing rang
            }
        }
    }
    match call.shape {
        Shape::Transferred(third) => {
            leg = leg.callee(&Party::Phone(third)).set(Field::RedirectReason, "transfer");
            if let Party::Phone(first) = &call.to {
                leg = leg.set(Field::RedirectExt, &first.extension);
            }
        }
        // One third party can be named; which of the two is the called one is the reader's choice.
        Shape::Conference(_) => {
            leg = leg.set(Field::RedirectReason, "conference").open(&[
                Field::Callee,
                Field::CalleeExt,
                Field::RedirectExt,
            ]);
        }
        _ => {}
    }
    let Some((via, forward)) = call.via else { return vec![leg] };
    // The flag says that it was forwarded, not why.
    leg = leg.set(Field::RedirectExt, &via.extension).set(Field::RedirectReason, "other");
    if let Party::Voicemail = call.to {
        leg = leg.set(Field::Callee, VOICEMAIL);
    }
    if forward != Forward::AllToMobile {
        return vec![leg];
    }
    // A line for each trunk: the first names who was forwarded and not where to, the second the other way about.
    let out = trunk(&Party::Withheld, 3);
    let second = Leg::of(told, at).dialled(&call.to).blank(&[Field::RingS, Field::Caller, Field::CallerExt]).open(&[
        Field::RedirectExt,
        Field::RedirectReason,
        Field::Outcome,
    ]);
    let first = leg.blank(&[Field::Callee, Field::NumberClass]);
    [first, second].map(|l| l.set(Field::TrunkIn, trunk(&call.from, 1)).set(Field::TrunkOut, &out)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::super::scene::example;
    use super::*;

    /// Columns 2–12, 15–24, 26–32, 39–64, 67–73 and 103–112 of formats-mitel-avaya 1.2.
    #[test]
    fn the_truth_has_a_leg_for_each_line() {
        let scene = Scene::new(1);
        let [a, b] = [0, 1].map(|n| &scene.phones[n]);
        let mut forwarded = example::call(example::outside("07700900123"), example::outside("07700900456"));
        forwarded.call.via = Some((a, Forward::AllToMobile));
        let mut silent = example::call(Party::Phone(a), Party::Phone(b));
        silent.call.end = End::NoAnswer;
        let tied = example::call(Party::Phone(a), example::tie("77012"));
        for (told, records) in [(&forwarded, 2), (&silent, 0), (&tied, 1)] {
            let mut lines = Vec::new();
            mitel::write(&by_tie_line(&told.call), &mut lines);
            assert_eq!((lines.len(), expected(told).len()), (records, records));
            if let Some(line) = lines.first() {
                assert_eq!((&line.text[1..12], &line.text[14..24]), ("03/27 09:15", "0000:02:06"));
            }
        }
        let mut lines = Vec::new();
        mitel::write(&by_tie_line(&tied.call), &mut lines);
        assert_eq!(
            (&lines[0].text[25..30], &lines[0].text[38..43], &lines[0].text[66..70]),
            ("60001", "77012", "X999")
        );
        let leg = &expected(&tied)[0];
        assert_eq!(
            (leg.get(Field::Dialled), leg.get(Field::TrunkOut), leg.get(Field::NumberClass)),
            ("77012", TIE, "")
        );
    }
}
