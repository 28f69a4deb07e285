//! Asterisk `cdr_csv` of 18 columns, `loguniqueid` and `loguserfield` on (formats-mitel-avaya 5.1). What was dialled is
//! as the dialplan got it, access digit and all; who took part stands in the channels.

use super::super::calendar;
use super::super::phones::{Forward, Phone};
use super::super::traffic::{End, Party, Shape};
use super::scene::{Conversation, PILOT, Scene};
use super::truth::{Field, Leg, Moment, is_outside, is_third_party, national};
use super::{Delivered, Delivery};

const SOURCE: &str = "every-asterisk";
/// Channels of the trunks, without the number of each call's own.
const PSTN: &str = "PJSIP/pstn";
const THIRD_PARTY: &str = "PJSIP/airwave";

const UNTOLD: &[(&[Field], &str)] = &[
    (&[Field::RedirectExt, Field::RedirectReason], "no column says that a call was passed on"),
    (&[Field::HuntGroup], "a queue is an application's argument"),
    (&[Field::CallerUser, Field::CalleeUser], "channels name devices, not logins"),
    (&[Field::ChargeMicros, Field::Currency], "Asterisk knows no prices"),
];

/// A line in the vendor's own terms; the wall clock is taken from UTC seconds.
struct Record {
    source: String,
    target: String,
    channels: [String; 2],
    application: [String; 2],
    start: i64,
    ring: i64,
    talk: Option<i64>,
    disposition: &'static str,
}

pub fn write(scene: &Scene) -> Delivery {
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let mut text = String::new();
        for told in &stretch.calls {
            for (record, leg) in records(told) {
                text += &record.line(told);
                legs.push(leg);
            }
        }
        files.push(Delivered::new(format!("Master-{}.csv", stretch.last_day.format("%Y%m%d")), text, stretch.last_day));
    }
    let trunks = vec![[PSTN, "pstn", ""], [THIRD_PARTY, "third_party", "Airwave"]];
    let config = String::new();
    Delivery { source: SOURCE, format: "asterisk-csv", config, trunks, files, legs, untold: UNTOLD, stitches: true }
}

fn records(told: &Conversation<'_>) -> Vec<(Record, Leg)> {
    let call = &told.call;
    let target = match (call.via, call.shape, &call.to) {
        (Some((via, _)), ..) => via.extension.clone(),
        (None, Shape::Hunt, _) => PILOT.to_string(),
        (None, _, to) if is_outside(to) && !is_third_party(to) => format!("9{}", national(to)),
        (None, _, to) => national(to),
    };
    let disposition = match call.end {
        End::Answered(_) => "ANSWERED",
        End::NoAnswer => "NO ANSWER",
        End::Busy => "BUSY",
        End::Failed(_) => "FAILED",
    };
    let reached = !matches!(call.end, End::Failed(_));
    let to = if reached { channel(&call.to) } else { String::new() };
    let record = Record {
        source: national(&call.from),
        application: ["Dial".into(), format!("{to},30")],
        channels: [channel(&call.from), to],
        target,
        start: call.start,
        ring: call.ring,
        talk: told.is_answered().then(|| told.talk()),
        disposition,
    };
    let mut leg = Leg::of(told, Moment::shown(calendar::wall(call.start))).set(Field::AccountCode, told.account);
    let [from_end, to_end] = [is_outside(&call.from), is_outside(&call.to)];
    leg = leg.set(if from_end { Field::TrunkIn } else { Field::CallerDevice }, &record.channels[0]);
    leg = leg.set(if to_end { Field::TrunkOut } else { Field::CalleeDevice }, &record.channels[1]);
    match (call.shape, call.via, &call.to) {
        // A bridge of its own kind in every dialplan; no genuine line of one is known.
        (Shape::Conference(_), ..) => Vec::new(),
        (Shape::Hunt, ..) => {
            let application = ["Queue".into(), "desk,t,,,60".into()];
            vec![(Record { application, ..record }, leg.open(&[Field::Callee, Field::CalleeExt]))]
        }
        (_, Some(_), Party::Voicemail) => {
            let application = ["VoiceMail".into(), format!("{}@default,u", record.target)];
            let leg = leg.open(&[Field::Callee, Field::CalleeExt, Field::Outcome, Field::TrunkOut]);
            vec![(Record { application, ..record }, leg)]
        }
        (_, Some((via, Forward::NoAnswerToColleague)), _) => rung_twice(told, record, leg, via),
        // In by the trunk and out again: the line names the number asked for and both trunks, not the mobile.
        (_, Some(_), _) => {
            let leg = leg.open(&[Field::Callee, Field::CalleeExt, Field::Outcome, Field::NumberClass]);
            vec![(record, leg)]
        }
        _ => vec![(record, leg)],
    }
}

/// The dialplan rings one phone and then the next: two lines of one unique id.
fn rung_twice(told: &Conversation<'_>, record: Record, leg: Leg, via: &Phone) -> Vec<(Record, Leg)> {
    let via = Party::Phone(via);
    let first = Record {
        channels: [record.channels[0].clone(), channel(&via)],
        source: record.source.clone(),
        target: record.target.clone(),
        application: ["Dial".into(), format!("{},15", channel(&via))],
        talk: None,
        disposition: "NO ANSWER",
        ..record
    };
    let first_leg = leg
        .clone()
        .callee(&via)
        .set(Field::TalkS, 0)
        .set(Field::Outcome, "no_answer")
        .set(Field::CalleeDevice, channel(&via))
        .open(&[Field::Part]); // which of the two is the attempt and which goes on is the reader's choice
    let start = told.answer();
    let second = Record { start, ring: 2, ..record };
    let second_leg = leg.at(Moment::shown(calendar::wall(start))).set(Field::RingS, 2).open(&[
        Field::Callee,
        Field::CalleeExt,
        Field::Part,
    ]);
    vec![(first, first_leg), (second, second_leg)]
}

fn channel(party: &Party<'_>) -> String {
    match party {
        Party::Phone(phone) => format!("PJSIP/{}", phone.extension),
        party if is_third_party(party) => THIRD_PARTY.into(),
        party if is_outside(party) => PSTN.into(),
        _ => String::new(),
    }
}

impl Record {
    fn line(&self, told: &Conversation<'_>) -> String {
        let clock = |at: i64| calendar::wall(at).format("%Y-%m-%d %H:%M:%S").to_string();
        let answer = self.start + self.ring;
        let end = answer + self.talk.unwrap_or(0);
        let answered = self.talk.map_or(String::new(), |_| quoted(&clock(answer)));
        let number = |n: usize| format!("-{:08x}", 4 * told.number + n);
        let full =
            |channel: &str, n| if channel.is_empty() { String::new() } else { format!("{channel}{}", number(n)) };
        let name = if self.source.is_empty() { String::new() } else { format!("\"\" <{}>", self.source) };
        let second = usize::from(self.start != told.call.start);
        let fields = [
            quoted(told.account),
            quoted(&self.source),
            quoted(&self.target),
            quoted(if is_outside(&told.call.from) { "from-trunk" } else { "from-internal" }),
            quoted(&name),
            quoted(&full(&self.channels[0], 0)),
            quoted(&full(&self.channels[1], 1 + second)),
            quoted(&self.application[0]),
            quoted(&self.application[1]),
            quoted(&clock(self.start)),
            answered,
            quoted(&clock(end)),
            (end - self.start).to_string(),
            self.talk.unwrap_or(0).to_string(),
            quoted(self.disposition),
            quoted("DOCUMENTATION"),
            quoted(&format!("{}.{}", told.call.start, 2 * told.number)),
            quoted(""),
        ];
        fields.join(",") + "\n"
    }
}

/// Strings are always quoted, inner quotes doubled.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::super::scene::example;
    use super::*;

    #[test]
    fn an_answered_and_a_missed_call_are_18_columns() {
        let scene = Scene::new(1);
        let mut out = example::call(Party::Phone(&scene.phones[0]), example::outside("07700900123"));
        out.account = "1201";
        let (record, leg) = &records(&out)[0];
        assert_eq!(
            record.line(&out),
            "\"1201\",\"60001\",\"907700900123\",\"from-internal\",\"\"\"\"\" <60001>\",\"PJSIP/60001-00000014\",\
             \"PJSIP/pstn-00000015\",\"Dial\",\"PJSIP/pstn,30\",\"2024-03-27 09:15:07\",\"2024-03-27 09:15:15\",\
             \"2024-03-27 09:17:21\",134,126,\"ANSWERED\",\"DOCUMENTATION\",\"1711530907.10\",\"\"\n"
        );
        assert_eq!((leg.get(Field::Callee), leg.get(Field::TrunkOut)), ("+447700900123", "PJSIP/pstn"));
        let mut missed = example::call(Party::Withheld, Party::Phone(&scene.phones[1]));
        missed.call.end = End::NoAnswer;
        let line = records(&missed)[0].0.line(&missed);
        assert!(line.contains("\"2024-03-27 09:15:07\",,\"2024-03-27 09:15:15\",8,0,\"NO ANSWER\""), "{line}");
    }

    #[test]
    fn two_phones_rung_in_turn_are_two_lines_of_one_unique_id() {
        let scene = Scene::new(1);
        let mut told = example::call(example::outside("01632960001"), Party::Phone(&scene.phones[1]));
        told.call.via = Some((&scene.phones[0], Forward::NoAnswerToColleague));
        let lines: Vec<String> = records(&told).iter().map(|(record, _)| record.line(&told)).collect();
        let fields: Vec<Vec<&str>> = lines.iter().map(|line| line.trim_end().rsplit(',').collect()).collect();
        assert_eq!(fields[0][1], fields[1][1]);
        assert_eq!((fields[0][3], fields[1][3]), ("\"NO ANSWER\"", "\"ANSWERED\""));
        assert!(lines[0].contains("PJSIP/60001-00000015") && lines[1].contains("PJSIP/60002-00000016"), "{lines:?}");
    }
}
