//! A file that no reader knows: a semicolon list of columns of our own invention, with the `[source.mapping]` that says
//! what they mean. It names everything a leg has.

use super::super::calendar;
use super::super::phones::Forward;
use super::super::traffic::{End, Party, Shape};
use super::scene::{Conversation, PILOT, Scene};
use super::truth::{Field, Leg, Moment, charge, is_outside, is_third_party, national};
use super::{Delivered, Delivery};

const SOURCE: &str = "every-mapped";
const PSTN: &str = "PRI-1";
const THIRD_PARTY: &str = "AIRWAVE-1";
const VOICEMAIL: &str = "MAILBOX";
const VOICEMAIL_NUMBER: &str = "7999";

const HEADING: &str = "Record;Call;Date;Time;Wait;Talk;From;Asked;To;By;Why;From set;To set;From user;To user;In;Out;\
Group;Account;Pence;Way;Result;Piece";

const MAPPING: &str = r#"
[source.mapping]
delimiter = ";"
header = true
blank = ["-"]
started = { columns = ["Date", "Time"], format = "%d.%m.%Y %H:%M:%S" }
ring = { column = "Wait" }
talk = { column = "Talk", unit = "hms" }
caller = "From"
dialled = "Asked"
callee = "To"
redirect = "By"
redirect_reason = { column = "Why", words = { "always" = "forward_all", "no reply" = "forward_no_answer", "handed on" = "transfer", "group" = "hunt" } }
caller_device = "From set"
callee_device = "To set"
caller_user = "From user"
callee_user = "To user"
trunk_in = "In"
trunk_out = "Out"
hunt_group = "Group"
account_code = "Account"
call_id = "Call"
record_id = "Record"
charge = { column = "Pence", unit = "pence" }
direction = { column = "Way", words = { "int" = "internal", "in" = "inbound", "out" = "outbound", "through" = "tandem" } }
outcome = { column = "Result", words = { "ok" = "answered", "no reply" = "no_answer", "engaged" = "busy", "failed" = "failed" } }
part = { column = "Piece", words = { "1" = "whole", "2" = "continued" } }
"#;

pub fn write(scene: &Scene) -> Delivery {
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let mut text = format!("{HEADING}\n");
        for told in &stretch.calls {
            for leg in expected(told) {
                text += &line(told, &leg);
                legs.push(leg);
            }
        }
        files.push(Delivered::new(format!("calls_{}.txt", stretch.last_day.format("%Y%m%d")), text, stretch.last_day));
    }
    let trunks = vec![[PSTN, "pstn", ""], [THIRD_PARTY, "third_party", "Airwave"], [VOICEMAIL, "voicemail", ""]];
    let (config, untold): (_, &[(&[Field], &str)]) = (MAPPING.to_string(), &[]);
    Delivery { source: SOURCE, format: "mapped-csv", config, trunks, files, legs, untold, stitches: true }
}

/// One leg a call, two of a transfer; a conference as the call it began with.
fn expected(told: &Conversation<'_>) -> Vec<Leg> {
    let call = &told.call;
    let mut leg = Leg::of(told, Moment::shown(calendar::wall(call.start))).set(Field::AccountCode, told.account);
    leg = match &call.from {
        Party::Phone(phone) => leg.set(Field::CallerDevice, &phone.device).set(Field::CallerUser, &phone.user),
        party => leg.set(Field::TrunkIn, if is_third_party(party) { THIRD_PARTY } else { PSTN }),
    };
    leg = match &call.to {
        Party::Phone(phone) => leg.set(Field::CalleeDevice, &phone.device).set(Field::CalleeUser, &phone.user),
        Party::Voicemail => leg.set(Field::TrunkOut, VOICEMAIL).set(Field::Callee, VOICEMAIL_NUMBER),
        party => leg.set(Field::TrunkOut, if is_third_party(party) { THIRD_PARTY } else { PSTN }),
    };
    if let End::Failed(_) = call.end {
        leg = leg.blank(&[Field::TrunkOut]);
    }
    if let Some((via, forward)) = call.via {
        let all = forward == Forward::AllToMobile;
        let reason = if all { "forward_all" } else { "forward_no_answer" };
        leg = leg.set(Field::RedirectExt, &via.extension).set(Field::RedirectReason, reason);
    }
    if !is_outside(&call.from) && is_outside(&call.to) && told.is_answered() {
        leg = leg.set(Field::ChargeMicros, charge(told)).set(Field::Currency, "GBP");
    }
    match (call.shape, &call.to) {
        (Shape::Hunt, _) => vec![leg.set(Field::HuntGroup, PILOT).set(Field::RedirectReason, "hunt")],
        (Shape::Transferred(third), Party::Phone(first)) => {
            let half = told.talk() / 2;
            let last = leg
                .clone()
                .at(Moment::shown(calendar::wall(told.answer() + half)))
                .callee(&Party::Phone(third))
                .set(Field::RingS, 0)
                .set(Field::TalkS, told.talk() - half)
                .set(Field::CalleeDevice, &third.device)
                .set(Field::CalleeUser, &third.user)
                .set(Field::RedirectExt, &first.extension)
                .set(Field::RedirectReason, "transfer")
                .set(Field::Part, "continued");
            vec![leg.set(Field::TalkS, half), last]
        }
        _ => vec![leg],
    }
}

/// The record that says what the leg holds, numbers as they were dialled.
fn line(told: &Conversation<'_>, leg: &Leg) -> String {
    let call = &told.call;
    let dialled = |party: &Party<'_>| match is_outside(party) && !is_third_party(party) {
        true => format!("9{}", national(party)),
        false => national(party),
    };
    let second = leg.get(Field::Part) == "continued";
    let asked = match (call.via, call.shape) {
        (Some((via, _)), _) => via.extension.clone(),
        (None, Shape::Hunt) => PILOT.into(),
        (None, _) => dialled(&call.to),
    };
    let ended = match call.to {
        Party::Outside(..) => dialled(&call.to),
        _ => leg.get(Field::Callee).to_string(),
    };
    let start = if second { told.answer() + told.talk() / 2 } else { call.start };
    let talk: i64 = leg.get(Field::TalkS).parse().unwrap_or_default();
    let way = match leg.get(Field::Direction) {
        "internal" => "int",
        "inbound" => "in",
        "outbound" => "out",
        _ => "through",
    };
    let result = match call.end {
        End::Answered(_) => "ok",
        End::NoAnswer => "no reply",
        End::Busy => "engaged",
        End::Failed(_) => "failed",
    };
    let why = match leg.get(Field::RedirectReason) {
        "forward_all" => "always",
        "forward_no_answer" => "no reply",
        "transfer" => "handed on",
        "hunt" => "group",
        _ => "",
    };
    let piece = if second { "2" } else { "1" };
    let pence = match leg.get(Field::ChargeMicros) {
        "" => String::new(),
        _ => (charge(told) / 10_000).to_string(),
    };
    let fields = [
        format!("R{}-{piece}", told.number),
        format!("C{}", told.number),
        calendar::wall(start).format("%d.%m.%Y;%H:%M:%S").to_string(),
        leg.get(Field::RingS).into(),
        format!("{}:{:02}:{:02}", talk / 3_600, talk / 60 % 60, talk % 60),
        national(&call.from),
        asked,
        ended,
        leg.get(Field::RedirectExt).into(),
        why.into(),
        leg.get(Field::CallerDevice).into(),
        leg.get(Field::CalleeDevice).into(),
        leg.get(Field::CallerUser).into(),
        leg.get(Field::CalleeUser).into(),
        leg.get(Field::TrunkIn).into(),
        leg.get(Field::TrunkOut).into(),
        leg.get(Field::HuntGroup).into(),
        told.account.into(),
        pence,
        way.into(),
        result.into(),
        piece.into(),
    ];
    fields.map(|field| if field.is_empty() { "-".into() } else { field }).join(";") + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::scene::example;
    use super::*;

    #[test]
    fn a_line_has_the_columns_of_the_heading() {
        let scene = Scene::new(1);
        let [a, b] = [0, 1].map(|n| &scene.phones[n]);
        let mut told = example::call(Party::Phone(a), example::outside("07700900123"));
        told.account = "1201";
        let text = line(&told, &expected(&told)[0]);
        assert_eq!(
            text,
            format!(
                "R5-1;C5;27.03.2024;09:15:07;8;0:02:06;60001;907700900123;907700900123;-;-;{};-;u00001;-;-;PRI-1;-;1201;12;\
                 out;ok;1\n",
                a.device
            )
        );
        assert_eq!(HEADING.split(';').count(), text.split(';').count());
        told = example::call(example::outside("01632960001"), Party::Phone(a));
        told.call.shape = Shape::Transferred(b);
        let lines: Vec<String> = expected(&told).iter().map(|leg| line(&told, leg)).collect();
        assert!(
            lines[1].starts_with("R5-2;C5;27.03.2024;09:16:18;0;0:01:03;01632960001;60001;60002;60001;handed on;"),
            "{lines:?}"
        );
    }
}
