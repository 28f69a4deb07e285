//! Avaya Communication Manager, twice: the customised format of an administrator's own columns, and TELESEER with date
//! records and NULs (formats-mitel-avaya 3.1–3.7). The time of day is when the call ended; no record names who passed
//! a call on.

use chrono::{Duration, NaiveDate, NaiveDateTime};

use super::super::calendar;
use super::super::traffic::{End, Party, Shape};
use super::scene::{Conversation, PILOT, Scene};
use super::truth::{Field, Leg, Moment, is_outside, is_third_party, national};
use super::{Delivered, Delivery};

/// Item and width, as on the screen `change system-parameters cdr`.
const LAYOUT: [(&str, usize); 26] = [
    ("date", 6),
    ("space", 1),
    ("time", 4),
    ("space", 1),
    ("sec-dur", 5),
    ("space", 1),
    ("cond-code", 1),
    ("space", 1),
    ("code-dial", 4),
    ("space", 1),
    ("code-used", 4),
    ("space", 1),
    ("dialed-num", 18),
    ("space", 1),
    ("calling-num", 10),
    ("space", 1),
    ("clg-num/in-tac", 15),
    ("space", 1),
    ("in-trk-code", 4),
    ("space", 1),
    ("in-crt-id", 3),
    ("out-crt-id", 3),
    ("space", 1),
    ("acct-code", 15),
    ("return", 1),
    ("line-feed", 1),
];

/// Access codes of the trunk groups: public out, public in, third party.
struct Codes {
    out: &'static str,
    inward: &'static str,
    third: &'static str,
}

/// Some sites have `#` in them (formats page 3.10, 3).
const CUSTOMISED: Codes = Codes { out: "#901", inward: "#930", third: "#920" };
const TELESEER: Codes = Codes { out: "701", inward: "730", third: "720" };

/// Columns that no Communication Manager record has.
const NEVER: &[Field] = &[
    Field::RedirectExt,
    Field::RedirectReason,
    Field::CallerDevice,
    Field::CalleeDevice,
    Field::CallerUser,
    Field::CalleeUser,
    Field::HuntGroup,
    Field::ChargeMicros,
    Field::Currency,
];
const UNTOLD: &[(&[Field], &str)] = &[(NEVER, "no item for stations, logins, forwards, groups or money")];

/// A record in the vendor's own terms.
#[derive(Clone)]
struct Record {
    /// Wall clock.
    end: NaiveDateTime,
    seconds: i64,
    condition: char,
    code_dialled: &'static str,
    code_used: &'static str,
    dialled: String,
    /// Outgoing and intraswitch: the extension.
    calling: String,
    /// Calling party number, where one was received.
    cpn: String,
    in_code: &'static str,
    in_member: &'static str,
    out_member: &'static str,
    account: &'static str,
}

pub fn customised(scene: &Scene) -> Delivery {
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let mut text = String::new();
        for told in &stretch.calls {
            for (record, leg) in records(told, &CUSTOMISED) {
                text += &record.customised();
                legs.push(leg);
            }
        }
        files.push(Delivered::new(format!("cm_{}.log", stretch.last_day.format("%Y%m%d")), text, stretch.last_day));
    }
    let items: Vec<String> = LAYOUT.iter().map(|(item, width)| format!("[\"{item}\", {width}]")).collect();
    let config = format!("layout = [{}]\ndate_order = \"dmy\"\n", items.join(", "));
    delivery("every-avaya", config, &CUSTOMISED, files, legs)
}

pub fn teleseer(scene: &Scene) -> Delivery {
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let (mut text, mut day) = (String::new(), NaiveDate::MIN);
        for told in &stretch.calls {
            for (record, leg) in records(told, &TELESEER) {
                if record.end.date() != day {
                    day = record.end.date();
                    text += &date_record(day);
                }
                text += &record.teleseer();
                // A standard format has the trunk's code where a customised one may have the caller's number.
                let withheld = leg.get(Field::Direction) == "inbound";
                legs.push(match withheld {
                    true => leg.blank(&[Field::Caller, Field::CallerExt, Field::NumberClass]),
                    false => leg,
                });
            }
        }
        files.push(Delivered::new(format!("teleseer_{}.log", files.len() + 1), text, stretch.last_day));
    }
    let config = "layout = \"teleseer\"\ndate_order = \"mdy\"\n".to_string();
    delivery("every-teleseer", config, &TELESEER, files, legs)
}

fn delivery(source: &'static str, config: String, codes: &Codes, files: Vec<Delivered>, legs: Vec<Leg>) -> Delivery {
    let trunks = vec![[codes.out, "pstn", ""], [codes.inward, "pstn", ""], [codes.third, "third_party", "Airwave"]];
    // No call id in standard formats (formats page 3.8).
    Delivery { source, format: "avaya-cm", config, trunks, files, legs, untold: UNTOLD, stitches: false }
}

/// The records of a call; none where the switch writes none: internal and outgoing calls that nobody answered, and a
/// trunk-to-trunk forward, whose two records the formats page cannot confirm.
fn records(told: &Conversation<'_>, codes: &Codes) -> Vec<(Record, Leg)> {
    let call = &told.call;
    let (inbound, outbound) = (is_outside(&call.from), is_outside(&call.to));
    let seconds = if call.end == End::NoAnswer { call.ring } else { told.talk() };
    let end = calendar::wall(told.end());
    // Start is end less duration, on the clock as it was shown.
    let cut = end.format("%Y-%m-%d %H:%M:00").to_string();
    let cut = NaiveDateTime::parse_from_str(&cut, "%Y-%m-%d %H:%M:%S").unwrap_or(end);
    let at = Moment::shown(cut - Duration::seconds(seconds));
    let asked = match (call.via, call.shape) {
        (Some((via, _)), _) => via.extension.clone(),
        (None, Shape::Hunt) => PILOT.to_string(),
        (None, _) => national(&call.to),
    };
    let mut record = Record {
        end,
        seconds,
        condition: '0',
        code_dialled: "",
        code_used: "",
        dialled: asked,
        calling: if inbound { String::new() } else { national(&call.from) },
        cpn: String::new(),
        in_code: "",
        in_member: "",
        out_member: "",
        account: told.account,
    };
    // How long it rang is not told, but for calls that did nothing else.
    let mut leg = Leg::of(told, at).blank(&[Field::RingS]).set(Field::AccountCode, told.account);
    match (inbound, outbound, call.end) {
        (true, true, _) | (false, _, End::NoAnswer) | (false, false, End::Busy) => return Vec::new(),
        (true, false, _) => {
            let third = is_third_party(&call.from);
            record.in_code = if third { codes.third } else { codes.inward };
            record.in_member = "007";
            record.cpn = national(&call.from);
            leg = leg.set(Field::TrunkIn, record.in_code);
            // What nobody answered is told of calls by trunks alone, where `CDR Reports` is set to `ring`.
            (record.condition, leg) = match call.end {
                End::NoAnswer => ('H', leg.set(Field::Outcome, "abandoned").set(Field::RingS, seconds)),
                End::Busy => ('I', leg.open(&[Field::RingS])),
                _ => ('9', leg),
            };
        }
        (false, true, End::Failed(_)) => {
            (record.condition, record.code_dialled) = ('E', "9");
            leg = leg.open(&[Field::TrunkOut]); // none was used
        }
        (false, true, _) if is_third_party(&call.to) => {
            // The trunk group's own code was dialled; `code-used` stays blank when it is the same.
            (record.condition, record.code_dialled, record.out_member) = ('A', codes.third, "003");
            leg = leg.set(Field::TrunkOut, codes.third);
        }
        (false, true, _) => {
            (record.condition, record.code_dialled) = ('7', "9");
            (record.code_used, record.out_member) = (codes.out, "012");
            leg = leg.set(Field::TrunkOut, codes.out);
        }
        (false, false, _) => {}
    }
    // Coverage, forwards and hunting keep the number first dialled, and nothing says where the call went on to.
    let asked = Leg::get(&leg, Field::Dialled).to_string();
    let asked_ext = Leg::get(&leg, Field::DialledExt).to_string();
    leg = leg.set(Field::Callee, asked).set(Field::CalleeExt, asked_ext);
    if let Party::Voicemail = call.to {
        leg = leg.set(Field::Outcome, "answered");
    }
    if let (Shape::Conference(third), Party::Phone(_)) = (call.shape, &call.to) {
        // Without a trunk there is no conference record: two calls between stations.
        let to = Party::Phone(third);
        let added = Record { dialled: third.extension.clone(), ..record.clone() };
        return vec![(record, leg.clone()), (added, leg.dialled(&to).callee(&to))];
    }
    vec![(record, leg)]
}

impl Record {
    /// One line of [`LAYOUT`], everything to the right (one genuine line shows it so).
    fn customised(&self) -> String {
        let mut line = String::with_capacity(120);
        for (item, width) in LAYOUT {
            let value = match item {
                "date" => self.end.format("%d%m%y").to_string(),
                "time" => self.end.format("%H%M").to_string(),
                "sec-dur" => format!("{}{:02}{:02}", self.seconds / 3_600, self.seconds / 60 % 60, self.seconds % 60),
                "cond-code" => self.condition.to_string(),
                "code-dial" => self.code_dialled.into(),
                "code-used" => self.code_used.into(),
                "dialed-num" => self.dialled.clone(),
                "calling-num" if self.calling.is_empty() => self.in_code.into(),
                "calling-num" => self.calling.clone(),
                "clg-num/in-tac" if !self.cpn.is_empty() => self.cpn.clone(),
                "clg-num/in-tac" if !self.calling.is_empty() => self.calling.clone(),
                "clg-num/in-tac" | "in-trk-code" => self.in_code.into(),
                "in-crt-id" => self.in_member.into(),
                "out-crt-id" => self.out_member.into(),
                "acct-code" => self.account.into(),
                "return" => "\r".into(),
                "line-feed" => "\n".into(),
                _ => String::new(),
            };
            line += &format!("{value:>width$}");
        }
        line
    }

    /// 76 columns, CR, LF and three NULs (formats page 3.3).
    fn teleseer(&self) -> String {
        let tenths = self.seconds / 6;
        let calling = if self.calling.is_empty() { self.in_code } else { &self.calling };
        format!(
            "   {}{}{:02}{}{}{:>3}{:>3}{:>15}{calling:>5}{:>15}  {:>3}{:>3} {:7}{:7}\r\n\0\0\0",
            self.end.format("%H%M"),
            tenths / 600,
            tenths / 10 % 60,
            tenths % 10,
            self.condition,
            self.code_dialled,
            self.code_used,
            self.dialled,
            self.account,
            rotated(self.in_member),
            rotated(self.out_member),
            "",
            "",
        )
    }
}

/// Month and day, when the link comes up and at midnight.
fn date_record(day: NaiveDate) -> String {
    format!("{}\r\n\0\0\0", day.format("%m%d"))
}

/// Circuit 123 is printed 231 (formats page 3.10, 1).
fn rotated(circuit: &str) -> String {
    match circuit.split_at_checked(1) {
        Some((first, rest)) => format!("{rest}{first}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::example;
    use super::*;

    /// Ends at 09:17:21 on 27 March after 126 s, so it began at 09:14:54 by a clock without seconds.
    #[test]
    fn an_outgoing_call_in_both_layouts() {
        let scene = Scene::new(1);
        let mut told = example::call(Party::Phone(&scene.phones[0]), example::outside("07700900123"));
        told.account = "1201";
        let [(record, leg)] = &records(&told, &CUSTOMISED)[..] else { panic!("one record") };
        let expected = "270324 0917 00206 7    9 #901        07700900123      60001           60001         012            1201\r\n";
        assert_eq!(record.customised(), expected);
        assert_eq!(leg.get(Field::StartedAt), "2024-03-27T09:14:54Z");
        assert_eq!((leg.get(Field::LocalMinute), leg.get(Field::TrunkOut), leg.get(Field::RingS)), ("554", "#901", ""));
        let (record, _) = &records(&told, &TELESEER)[0];
        let expected = "   091700217  9701    07700900123600011201                120               \r\n\0\0\0";
        let expected = expected.replace("600011201           ", "60001           1201");
        assert_eq!(record.teleseer(), expected);
    }

    #[test]
    fn an_incoming_call_has_its_trunks_code_and_a_date_record_before_it() {
        let scene = Scene::new(1);
        let mut told = example::call(example::outside("01632960001"), Party::Phone(&scene.phones[4]));
        told.call.end = End::NoAnswer;
        told.call.ring = 30;
        let (record, leg) = &records(&told, &CUSTOMISED)[0];
        let expected = "270324 0915 00030 H                        60005       #930     01632960001 #930 007                   \r\n";
        assert_eq!(record.customised(), expected);
        assert_eq!((leg.get(Field::Outcome), leg.get(Field::RingS), leg.get(Field::TalkS)), ("abandoned", "30", "0"));
        let (record, _) = &records(&told, &TELESEER)[0];
        let columns = record.teleseer();
        assert_eq!((columns.len(), &columns[..12], &columns[33..38]), (81, "   09150005H", "  730"));
        assert_eq!((&columns[55..58], &columns[58..61]), ("070", "   "));
        assert_eq!(date_record(NaiveDate::from_ymd_opt(2024, 3, 27).unwrap()), "0327\r\n\0\0\0");
    }
}
