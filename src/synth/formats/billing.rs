//! Billing files: the UK standard of 42 columns and BT's download (formats-cisco-teams 3.1, 3.3, 3.5). Chargeable calls
//! only: answered calls to the public network. A forward to a mobile, which only some carriers itemise, is left out.

use super::super::calendar;
use super::super::phones::Phone;
use super::super::traffic::Party;
use super::scene::{Conversation, Scene};
use super::truth::{Field, Leg, Moment, charge, class, is_outside, is_third_party, national, pounds};
use super::{Delivered, Delivery};

/// What no bill tells.
const NEVER: &[Field] = &[
    Field::CallerDevice,
    Field::CalleeDevice,
    Field::CallerUser,
    Field::CalleeUser,
    Field::TrunkIn,
    Field::TrunkOut,
    Field::HuntGroup,
    Field::RedirectExt,
    Field::RedirectReason,
    Field::AccountCode,
];
const UNTOLD: &[(&[Field], &str)] =
    &[(NEVER, "a bill knows lines and what was dialled, nothing of the exchange behind")];

const FCS_HEADING: &str = "Call Type,Call Cause Definition Required,Customer Identifier,Non-Charged Party,Call Date,\
Call Time,Duration,Bytes Transmitted,Bytes Received,Description,Chargecode,Time Band,Salesprice,\
Salesprice (Pre-Bundle),Extension,DDI,Grouping ID,Call Class (Feature),Carrier,Recording,VAT,Country of Origin,Network,\
Retail Tariff Code,Remote Network,APN,Diverted Number,Ring time,Record ID,Currency,Caller Line Identity,\
Network Access Reference,NGCS Access Charge,NGCS Service Charge,Total Bytes Transferred,User ID,\
Onward Billing Reference,Contract Name,Bundle Name,Bundle Allowance,Discount Reference,Routing Code";

const BT_HEADING: &str =
    "ChargeCode,InstallationNo,LineNo,ChargeCardNo,Date,Time,Destination,CalledNo,Duration,TxtDirectRebate,Cost";

pub fn fcs(scene: &Scene) -> Delivery {
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let mut text = format!("{FCS_HEADING}\r\n");
        for (told, phone) in chargeable(&stretch.calls) {
            text += &fcs_line(told, phone);
            legs.push(leg(told, Moment::shown(calendar::wall(told.call.start))));
        }
        let name = format!("FZG_Monthly_Calls_ACC0001_{}_SIP_V3.txt", stretch.last_day.format("%d%m%Y"));
        files.push(Delivered::new(name, text, stretch.last_day));
    }
    delivery("every-fcs", FORMAT, files, legs)
}

pub fn bt(scene: &Scene) -> Delivery {
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let mut text = format!("\r\n\r\n\r\n{BT_HEADING}\r\n");
        for (told, phone) in chargeable(&stretch.calls) {
            text += &bt_line(told, phone);
            // Minutes only, and no ringing.
            legs.push(leg(told, Moment::minute(calendar::wall(told.call.start))).blank(&[Field::RingS]));
        }
        files.push(Delivered::new(format!("bill_{}.csv", stretch.last_day.format("%Y%m%d")), text, stretch.last_day));
    }
    delivery("every-bt", FORMAT, files, legs)
}

/// One reader for both.
const FORMAT: &str = "fcs-uk";

fn delivery(source: &'static str, format: &'static str, files: Vec<Delivered>, legs: Vec<Leg>) -> Delivery {
    let (config, trunks) = (String::new(), Vec::new());
    Delivery { source, format, config, trunks, files, legs, untold: UNTOLD, stitches: true }
}

fn chargeable<'c>(calls: &'c [Conversation<'_>]) -> impl Iterator<Item = (&'c Conversation<'c>, &'c Phone)> {
    calls.iter().filter_map(|told| match &told.call.from {
        Party::Phone(phone) if told.is_answered() && is_outside(&told.call.to) => {
            (!is_third_party(&told.call.to)).then_some((told, *phone))
        }
        _ => None,
    })
}

fn leg(told: &Conversation<'_>, at: Moment) -> Leg {
    Leg::of(told, at).set(Field::ChargeMicros, charge(told)).set(Field::Currency, "GBP")
}

/// National form: what the bill names the line by.
fn line_of(phone: &Phone) -> String {
    phone.ddi.as_deref().unwrap_or_default().replace("+44", "0")
}

fn destination(told: &Conversation<'_>) -> [&'static str; 2] {
    match class(&told.call.to) {
        "mobile" => ["Mobile", "Mobile Phone"],
        "premium" => ["PRS", "Premium Rate"],
        "emergency" => ["Free", "Emergency"],
        "freephone" => ["Free", "Freephone"],
        _ => ["Ntnl", "National"],
    }
}

fn fcs_line(told: &Conversation<'_>, phone: &Phone) -> String {
    let wall = calendar::wall(told.call.start);
    let [code, description] = destination(told);
    let (line, price) = (line_of(phone), pounds(charge(told), 4));
    format!(
        "V,0,{line},{},{},{},{},,,{description},{code},D,{price},{price},,,,,EX,0,S,GBR,,,,,,{},R{:08},GBP,{line},\
         ,,,,,,,,,,\r\n",
        national(&told.call.to),
        wall.format("%d/%m/%Y"),
        wall.format("%H:%M:%S"),
        told.talk(),
        told.call.ring,
        told.number,
    )
}

/// Values padded with blanks as in the genuine file.
fn bt_line(told: &Conversation<'_>, phone: &Phone) -> String {
    let wall = calendar::wall(told.call.start);
    let [code, description] = destination(told);
    let seconds = told.talk();
    format!(
        "{code},{:<13},,,{},{description},{:<17},{:04}:{:02}:{:02},{:>16},{:>16}\r\n",
        line_of(phone),
        wall.format("%d/%m/%Y,%H:%M"),
        national(&told.call.to),
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        "0.000",
        pounds(charge(told), 3),
    )
}

#[cfg(test)]
mod tests {
    use super::super::scene::example;
    use super::*;

    #[test]
    fn a_call_to_a_mobile_on_both_bills() {
        let scene = Scene::new(1);
        let told = example::call(Party::Phone(&scene.phones[0]), example::outside("07700900123"));
        let line = fcs_line(&told, &scene.phones[0]);
        assert_eq!(
            line,
            "V,0,02079460001,07700900123,27/03/2024,09:15:07,126,,,Mobile Phone,Mobile,D,0.1200,0.1200,,,,,EX,0,S,GBR,,,,,,8,\
             R00000005,GBP,02079460001,,,,,,,,,,,\r\n"
        );
        assert_eq!((FCS_HEADING.split(',').count(), line.split(',').count()), (42, 42));
        assert_eq!(
            bt_line(&told, &scene.phones[0]),
            "Mobile,02079460001  ,,,27/03/2024,09:15,Mobile Phone,07700900123      ,0000:02:06,           0.000,\
             \u{20}          0.120\r\n"
        );
    }

    #[test]
    fn only_answered_calls_to_the_public_network_are_billed() {
        let scene = Scene::new(1);
        let own = || Party::Phone(&scene.phones[0]);
        let mut unanswered = example::call(own(), example::outside("07700900123"));
        unanswered.call.end = super::super::super::traffic::End::NoAnswer;
        let calls = [
            example::call(example::outside("07700900123"), own()),
            example::call(own(), Party::Phone(&scene.phones[1])),
            example::call(own(), example::tie("77012")),
            unanswered,
            example::call(own(), example::outside("999")),
        ];
        assert_eq!(chargeable(&calls).count(), 1);
    }
}
