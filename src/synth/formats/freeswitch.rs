//! FreeSWITCH `mod_cdr_csv`, the built-in template of 13 fields, a-legs only (formats-mitel-avaya 5.2). Neither devices nor
//! trunks: the context and the digits tell who was inside.

use super::super::calendar;
use super::super::traffic::{End, Party, Shape};
use super::scene::{Conversation, PILOT, Scene};
use super::teams::guid;
use super::truth::{Field, Leg, Moment, is_outside, is_third_party, national};
use super::{Delivered, Delivery};

const SOURCE: &str = "every-freeswitch";

const UNTOLD: &[(&[Field], &str)] = &[
    (
        &[Field::CallerDevice, Field::CalleeDevice, Field::CallerUser, Field::CalleeUser],
        "the template names no channel and no login",
    ),
    (&[Field::TrunkIn, Field::TrunkOut], "nor a gateway"),
    (&[Field::RedirectExt, Field::RedirectReason, Field::HuntGroup], "nor who passed a call on"),
    (&[Field::ChargeMicros, Field::Currency], "FreeSWITCH knows no prices"),
];

pub fn write(scene: &Scene) -> Delivery {
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let mut text = String::new();
        for told in &stretch.calls {
            // A conference is an application of the dialplan; no genuine line of one is known.
            if matches!(told.call.shape, Shape::Conference(_)) {
                continue;
            }
            text += &line(told);
            legs.push(expected(told));
        }
        let name = format!("Master.csv.{}-23-59-59", stretch.last_day);
        files.push(Delivered::new(name, text, stretch.last_day));
    }
    let (config, trunks) = (String::new(), Vec::new());
    Delivery { source: SOURCE, format: "freeswitch-csv", config, trunks, files, legs, untold: UNTOLD, stitches: true }
}

fn expected(told: &Conversation<'_>) -> Leg {
    let call = &told.call;
    let mut leg = Leg::of(told, Moment::shown(calendar::wall(call.start))).set(Field::AccountCode, told.account);
    // Where the call went on to is not in the line: it ends at the number that was asked for.
    let (asked, asked_ext) = (leg.get(Field::Dialled).to_string(), leg.get(Field::DialledExt).to_string());
    leg = leg.set(Field::Callee, asked).set(Field::CalleeExt, asked_ext);
    if told.is_answered() {
        leg = leg.set(Field::Outcome, "answered");
    }
    if is_outside(&call.from) {
        leg = leg.set(Field::Direction, "inbound").set(Field::NumberClass, super::truth::class(&call.from));
    }
    // A number of a private plan, or none: only a trunk could tell such a party from one of ours.
    match [&call.from, &call.to].into_iter().any(|party| is_third_party(party) || matches!(party, Party::Withheld)) {
        true => leg.open(&[Field::Direction, Field::NumberClass]),
        false => leg,
    }
}

fn line(told: &Conversation<'_>) -> String {
    let call = &told.call;
    let inbound = is_outside(&call.from);
    let clock = |at: i64| calendar::wall(at).format("%Y-%m-%d %H:%M:%S").to_string();
    let target = match (call.via, call.shape, &call.to) {
        (Some((via, _)), ..) => via.extension.clone(),
        (None, Shape::Hunt, _) => PILOT.to_string(),
        (None, _, to) if is_outside(to) && !is_third_party(to) => format!("9{}", national(to)),
        (None, _, to) => national(to),
    };
    let (answer, cause) = match call.end {
        End::Answered(_) => (clock(told.answer()), "NORMAL_CLEARING"),
        End::NoAnswer => (String::new(), "NO_ANSWER"),
        End::Busy => (String::new(), "USER_BUSY"),
        End::Failed(_) => (String::new(), "NORMAL_CIRCUIT_CONGESTION"),
    };
    let number = told.number.to_string();
    let has_other_leg = told.is_answered() && !matches!(call.to, Party::Voicemail);
    let name = match &call.from {
        Party::Phone(phone) => format!("User {}", phone.extension),
        other => national(other),
    };
    let fields = [
        name,
        national(&call.from),
        target,
        if inbound { "public" } else { "default" }.into(),
        clock(call.start),
        answer,
        clock(told.end()),
        (told.end() - call.start).to_string(),
        told.talk().to_string(),
        cause.into(),
        guid(&["a-leg", &number]),
        if has_other_leg { guid(&["b-leg", &number]) } else { String::new() },
        told.account.into(),
    ];
    format!("\"{}\"\n", fields.join("\",\""))
}

#[cfg(test)]
mod tests {
    use super::super::scene::example;
    use super::*;

    #[test]
    fn an_answered_and_a_busy_call_are_13_fields() {
        let scene = Scene::new(1);
        let mut told = example::call(example::outside("07700900123"), Party::Phone(&scene.phones[0]));
        assert_eq!(
            line(&told),
            format!(
                "\"07700900123\",\"07700900123\",\"60001\",\"public\",\"2024-03-27 09:15:07\",\"2024-03-27 09:15:15\",\
                 \"2024-03-27 09:17:21\",\"134\",\"126\",\"NORMAL_CLEARING\",\"{}\",\"{}\",\"\"\n",
                guid(&["a-leg", "5"]),
                guid(&["b-leg", "5"])
            )
        );
        told.call.from = Party::Phone(&scene.phones[1]);
        told.call.end = End::Busy;
        assert!(line(&told).contains("\"User 60002\",\"60002\",\"60001\",\"default\""));
        assert!(line(&told).contains("\"2024-03-27 09:15:07\",\"\",\"2024-03-27 09:15:15\",\"8\",\"0\",\"USER_BUSY\""));
        assert_eq!(expected(&told).get(Field::Direction), "internal");
    }
}
