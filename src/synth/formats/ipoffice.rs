//! Avaya IP Office SMDR of 34 fields, no header and no quoting (formats-mitel-avaya 4.1–4.3). The extension stands before
//! the trunk, whoever called.

use std::fmt::Write as _;

use super::super::calendar;
use super::super::phones::Phone;
use super::super::traffic::{End, Party, Shape};
use super::scene::{Conversation, PILOT, Scene};
use super::truth::{Field, Leg, Moment, is_outside, is_third_party, national};
use super::{Delivered, Delivery};

const SOURCE: &str = "every-ipoffice";
/// Trunk device and name: 9000 and the line (formats page 4.1).
const PSTN: [&str; 2] = ["T9001", "Line 1.1"];
const SECOND: [&str; 2] = ["T9002", "Line 1.2"];
const THIRD_PARTY: [&str; 2] = ["T9005", "Line 2.1"];
const VOICEMAIL: [&str; 2] = ["V9501", "VM Channel 1"];
const NO_DEVICE: [&str; 2] = ["V8000", "U1 0.0"];

const UNTOLD: &[(&[Field], &str)] = &[
    (&[Field::CallerUser, Field::CalleeUser], "names are for display: nothing says who is logged in"),
    (&[Field::HuntGroup], "a group has no field of its own: it stands as the called number"),
    (
        &[Field::RedirectExt, Field::RedirectReason],
        "only forwards to the outside have a cause, and it names no extension",
    ),
    (&[Field::ChargeMicros, Field::Currency], "charges stand only with advice of charge, which this system lacks"),
];

/// A record in the vendor's own terms.
struct Record {
    connected: i64,
    ring: i64,
    caller: String,
    /// `I` only from a trunk; internal calls are `O`.
    direction: char,
    called: String,
    dialled: String,
    internal: bool,
    continued: bool,
    parties: [[String; 2]; 2],
    hold: i64,
    /// Cause, name and number of the external target.
    target: [String; 3],
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
        files.push(Delivered::new(format!("smdr_{}.csv", stretch.last_day.format("%Y%m%d")), text, stretch.last_day));
    }
    let trunks = vec![
        [PSTN[0], "pstn", ""],
        [SECOND[0], "pstn", ""],
        [THIRD_PARTY[0], "third_party", "Airwave"],
        [VOICEMAIL[0], "voicemail", ""],
    ];
    let config = String::new();
    Delivery { source: SOURCE, format: "avaya-ipoffice", config, trunks, files, legs, untold: UNTOLD, stitches: true }
}

fn records(told: &Conversation<'_>) -> Vec<(Record, Leg)> {
    let call = &told.call;
    let (inbound, outbound) = (is_outside(&call.from), is_outside(&call.to));
    let line = |party: &Party<'_>| if is_third_party(party) { THIRD_PARTY } else { PSTN }.map(String::from);
    let asked = match (call.via, call.shape) {
        (Some((via, _)), _) => via.extension.clone(),
        (None, Shape::Hunt) => PILOT.to_string(),
        (None, _) => national(&call.to),
    };
    let from = match &call.from {
        Party::Phone(phone) => handset(phone),
        party => line(party),
    };
    let to = match &call.to {
        Party::Phone(phone) => handset(phone),
        Party::Voicemail => VOICEMAIL.map(String::from),
        party => line(party),
    };
    let mut record = Record {
        connected: told.talk(),
        ring: call.ring,
        caller: national(&call.from),
        direction: if inbound { 'I' } else { 'O' },
        called: asked.clone(),
        dialled: asked,
        internal: !inbound && !outbound,
        continued: false,
        parties: if inbound { [to, from.clone()] } else { [from.clone(), to] },
        hold: 0,
        target: Default::default(),
    };
    let mut leg = Leg::of(told, Moment::shown(calendar::wall(call.start))).set(Field::AccountCode, told.account);
    leg = match &call.from {
        Party::Phone(phone) => leg.set(Field::CallerDevice, device(phone)),
        party => leg.set(Field::TrunkIn, line(party)[0].as_str()),
    };
    leg = match &call.to {
        Party::Phone(phone) => leg.set(Field::CalleeDevice, device(phone)),
        Party::Voicemail => leg.set(Field::TrunkOut, VOICEMAIL[0]),
        party => leg.set(Field::TrunkOut, line(party)[0].as_str()),
    };
    if outbound && !inbound {
        // The access digit is in what was dialled and not in what was sent.
        if !is_third_party(&call.to) {
            record.dialled = format!("9{}", record.called);
        }
        if let Party::Phone(phone) = &call.from {
            record.target = ["U".into(), phone.user.clone(), String::new()];
        }
    }
    match (call.end, &call.to, call.shape) {
        (End::Busy | End::Failed(_), ..) => {
            // Nothing was reached, and no field says why.
            record.parties = [from, NO_DEVICE.map(String::from)];
            leg = leg.open(&[Field::Outcome, Field::CalleeDevice, Field::CalleeUser, Field::TrunkOut]);
        }
        (_, Party::Voicemail, _) => leg = leg.callee(&Party::Nobody).open(&[Field::Callee, Field::CalleeExt]),
        (_, Party::Phone(phone), _) if call.via.is_some() => record.called = phone.extension.clone(),
        (_, _, Shape::Hunt) => leg = leg.open(&[Field::Callee, Field::CalleeExt]),
        // The manual's own records of a conference are not to be had: none is written.
        (_, _, Shape::Conference(_)) => return Vec::new(),
        _ => {}
    }
    if let (Some((via, _)), true) = (call.via, outbound) {
        // Trunk to trunk, as the rest of a genuine transfer is: both parties lines, cause and user of the divert.
        record.direction = 'O';
        record.called = national(&call.to);
        record.dialled = record.called.clone();
        record.parties = [line(&call.from), SECOND.map(String::from)];
        record.target = ["U fu".into(), via.user.clone(), record.called.clone()];
        leg = leg.set(Field::TrunkOut, SECOND[0]).open(&[Field::Dialled, Field::DialledExt, Field::Outcome]);
    }
    if let (Shape::Transferred(third), Party::Phone(_)) = (call.shape, &call.to) {
        return transfer(told, record, leg, third);
    }
    vec![(record, leg)]
}

/// Records of one call id have one start; all but the last say that another follows.
fn transfer(told: &Conversation<'_>, record: Record, leg: Leg, third: &Phone) -> Vec<(Record, Leg)> {
    let (first_talk, rest) = (told.talk() / 3, told.talk() - told.talk() / 3);
    let last = Record {
        connected: rest,
        ring: 3,
        called: third.extension.clone(),
        parties: [handset(third), record.parties[1].clone()],
        caller: record.caller.clone(),
        dialled: record.dialled.clone(),
        target: Default::default(),
        ..record
    };
    let last_leg = leg
        .clone()
        .callee(&Party::Phone(third))
        .set(Field::TalkS, rest)
        .set(Field::CalleeDevice, device(third))
        .open(&[Field::RingS, Field::Part]);
    let first = Record { connected: first_talk, continued: true, hold: 5, ..record };
    vec![(first, leg.set(Field::TalkS, first_talk)), (last, last_leg)]
}

fn device(phone: &Phone) -> String {
    format!("E{}", phone.extension)
}

fn handset(phone: &Phone) -> [String; 2] {
    [device(phone), phone.user.clone()]
}

impl Record {
    fn line(&self, told: &Conversation<'_>) -> String {
        let (number, parties) = (1_000_000 + told.number, &self.parties);
        let hms = |s: i64| format!("{:02}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60);
        let far = match self.connected {
            0 => "0.0.0.0,0".to_string(),
            _ => format!("192.0.2.10,{}", 2 * told.number + 2 + usize::from(!self.continued) * 50_000),
        };
        let mut line = calendar::wall(told.call.start).format("%Y/%m/%d %H:%M:%S").to_string();
        // A String takes everything. Fields 1–19, 20–27 of the advice of charge, 28–34.
        let _ = write!(
            line,
            ",{},{},{},{},{},{},{},{},{number},{},{},{},{},0,,,,,,,,,,,{},192.0.2.10,{},{far}\r\n",
            hms(self.connected),
            self.ring,
            self.caller,
            self.direction,
            self.called,
            self.dialled,
            told.account,
            u8::from(self.internal),
            u8::from(self.continued),
            parties[0].join(","),
            parties[1].join(","),
            self.hold,
            self.target.join(","),
            2 * told.number + 1,
        );
        line
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::example;
    use super::*;

    #[test]
    fn calls_out_and_in_are_34_fields() {
        let scene = Scene::new(1);
        let mut out = example::call(Party::Phone(&scene.phones[0]), example::outside("07700900123"));
        out.account = "1201";
        let (record, leg) = &records(&out)[0];
        assert_eq!(
            record.line(&out),
            "2024/03/27 09:15:07,00:02:06,8,60001,O,07700900123,907700900123,1201,0,1000005,0,E60001,u00001,T9001,\
             Line 1.1,0,0,,,,,,,,,,,U,u00001,,192.0.2.10,11,192.0.2.10,50012\r\n"
        );
        assert_eq!((leg.get(Field::Callee), leg.get(Field::TrunkOut)), ("+447700900123", "T9001"));
        let mut missed = example::call(Party::Withheld, Party::Phone(&scene.phones[1]));
        missed.call.end = End::NoAnswer;
        let line = records(&missed)[0].0.line(&missed);
        assert_eq!(
            line,
            "2024/03/27 09:15:07,00:00:00,8,,I,60002,60002,,0,1000005,0,E60002,u00002,T9001,Line 1.1,0,0,,,,,,,,,,,,,,\
             192.0.2.10,11,0.0.0.0,0\r\n"
        );
        assert_eq!(line.split(',').count(), 34);
    }

    #[test]
    fn a_transfer_is_two_records_of_one_call_id() {
        let scene = Scene::new(1);
        let mut told = example::call(example::outside("01632960001"), Party::Phone(&scene.phones[0]));
        told.call.shape = Shape::Transferred(&scene.phones[2]);
        let lines: Vec<String> = records(&told).iter().map(|(record, _)| record.line(&told)).collect();
        let fields: Vec<Vec<&str>> = lines.iter().map(|line| line.split(',').collect()).collect();
        assert_eq!((fields[0][1], fields[0][10], fields[0][11]), ("00:00:42", "1", "E60001"));
        assert_eq!((fields[1][1], fields[1][10], fields[1][11]), ("00:01:24", "0", "E60003"));
        assert_eq!((fields[0][9], fields[0][0]), (fields[1][9], fields[1][0]));
    }
}
