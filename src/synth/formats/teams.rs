//! Microsoft Teams, the zip of the admin centre: PSTN usage and Direct Routing as CSV, and the parameters of the export
//! (formats-cisco-teams 2.1, 2.3, 2.4). Phones of even numbers have a calling plan, odd ones Direct Routing. Internal
//! calls are in no report; the PSTN file has connected calls only.

use std::io::{Cursor, Write as _};

use chrono::{DateTime, NaiveDate};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::phones::Phone;
use super::super::rng::mix;
use super::super::traffic::{End, Party, Shape};
use super::scene::{Conversation, Scene};
use super::truth::{Field, Leg, Moment, charge, class, is_outside, is_third_party, number, pounds};
use super::{Delivered, Delivery};
use crate::error::{Error, Result};

const SOURCE: &str = "every-teams";
/// Trunks of Direct Routing: the session border controllers' names.
const SBC: &str = "sbc1.force.example";
const SBC_THIRD_PARTY: &str = "sbc2.force.example";
pub const TRUNKS: [[&str; 3]; 2] = [[SBC, "pstn", ""], [SBC_THIRD_PARTY, "third_party", "Airwave"]];
/// The resource account that the hunt group becomes; its number is of our own range.
const RESOURCE: &str = "queue@force.example";
const RESOURCE_NUMBER: &str = "+442079460390";
const RESOURCE_EXTENSION: &str = "60390";
/// No date (formats page 2.4, 2).
pub const NEVER: &str = "0001-01-01T00:00:00Z";

pub const UNTOLD: &[(&[Field], &str)] = &[
    (&[Field::CallerDevice, Field::CalleeDevice], "no handset is named, only users"),
    (&[Field::HuntGroup], "the hand-off from a queue to an agent is in no report"),
    (&[Field::RedirectExt, Field::RedirectReason], "the call type says that a call was passed on, not by whom"),
    (&[Field::CallerUser, Field::CalleeUser], "a user has an object id and a name: the reader's choice"),
    (&[Field::AccountCode], "there are no account codes"),
];

/// What a row says of the call: the words of CSV and of Graph (formats page 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    In,
    Out,
    ToResource,
    Forwarded,
    Emergency,
}

/// A row of either report.
pub struct Row {
    pub pstn: bool,
    pub kind: Kind,
    pub id: String,
    pub correlation: String,
    /// On linked rows only.
    pub shared: String,
    pub object: String,
    pub upn: String,
    pub name: String,
    pub caller: String,
    pub callee: String,
    /// UTC seconds.
    pub invite: i64,
    pub start: i64,
    pub end: i64,
    pub success: bool,
    pub sip: u16,
    pub phrase: &'static str,
    pub sbc: &'static str,
    pub micros: i64,
}

pub fn write(scene: &Scene) -> Result<Delivery> {
    let (mut files, mut legs) = (Vec::new(), Vec::new());
    for stretch in scene.stretches() {
        let rows: Vec<(Row, Leg)> = stretch.calls.iter().flat_map(|told| rows(told, "csv")).collect();
        let identifier = guid(&[stretch.last_day.to_string().as_str(), "export"]);
        let name = format!("Calls.Export.{identifier}.zip");
        let bytes = archive(&rows, &identifier, stretch.last_day).map_err(Error::io(&name))?;
        files.push(Delivered::new(name, bytes, stretch.last_day));
        legs.extend(rows.into_iter().map(|(_, leg)| leg));
    }
    Ok(Delivery {
        source: SOURCE,
        format: "teams-pstn",
        config: String::new(),
        trunks: TRUNKS.to_vec(),
        files,
        legs,
        untold: UNTOLD,
        stitches: true,
    })
}

/// The rows of a call and the legs they must become; none where no report has it.
pub fn rows(told: &Conversation<'_>, report: &str) -> Vec<(Row, Leg)> {
    let call = &told.call;
    let (inbound, outbound) = (is_outside(&call.from), is_outside(&call.to));
    let Some(phone) = told.phone().filter(|_| inbound || outbound) else { return Vec::new() };
    let third_party = is_third_party(&call.from) || is_third_party(&call.to);
    let forwarded = inbound && outbound;
    let even = phone.extension.ends_with(['0', '2', '4', '6', '8']);
    let pstn = even && !third_party && !forwarded;
    if pstn && !told.is_answered() {
        return Vec::new();
    }
    let hunted = matches!(call.shape, Shape::Hunt);
    let emergency = class(&call.to) == "emergency";
    let kind = match (inbound, hunted, emergency) {
        (true, true, _) => Kind::ToResource,
        (true, ..) => Kind::In,
        (_, _, true) => Kind::Emergency,
        _ => Kind::Out,
    };
    let key = told.number.to_string();
    let own = phone.ddi.clone().unwrap_or_default();
    let (caller, callee) = match kind {
        Kind::ToResource => (number(&call.from), RESOURCE_NUMBER.to_string()),
        Kind::In => (number(&call.from), own.clone()),
        _ => (own.clone(), number(&call.to)),
    };
    let (sip, phrase) = match call.end {
        End::Answered(_) => (0, "BYE"),
        End::NoAnswer => (480, "Temporarily Unavailable"),
        End::Busy => (486, "Busy Here"),
        End::Failed(_) => (503, "Service Unavailable"),
    };
    let row = Row {
        pstn,
        kind,
        id: guid(&[report, "id", &key]),
        correlation: guid(&[report, "correlation", &key]),
        shared: String::new(),
        object: if hunted { guid(&["object", RESOURCE]) } else { guid(&["object", &phone.user]) },
        upn: if hunted { RESOURCE.into() } else { upn(phone) },
        name: if hunted { "Queue".into() } else { format!("User {}", phone.extension) },
        caller,
        callee,
        invite: call.start,
        start: if told.is_answered() { told.answer() } else { call.start },
        end: told.end(),
        success: told.is_answered(),
        sip,
        phrase,
        sbc: if third_party { SBC_THIRD_PARTY } else { SBC },
        micros: if outbound { charge(told) } else { 0 },
    };
    let leg = leg(told, &row, phone);
    if !forwarded {
        return vec![(row, leg)];
    }
    // In to the user and out again by the user's forward: two rows with one shared correlation id.
    let shared = guid(&[report, "shared", &key]);
    let second = Row {
        kind: Kind::Forwarded,
        id: guid(&[report, "id of forward", &key]),
        correlation: guid(&[report, "correlation of forward", &key]),
        shared: shared.clone(),
        caller: row.caller.clone(),
        callee: number(&call.to),
        object: row.object.clone(),
        upn: row.upn.clone(),
        name: row.name.clone(),
        ..row
    };
    // Whether they are answered or diverted, one attempt or two, outbound or tandem, the page leaves open.
    let open = [Field::Outcome, Field::Part];
    let onward = leg
        .clone()
        .callee(&call.to)
        .set(Field::NumberClass, class(&call.to))
        .blank(&[Field::TrunkIn])
        .set(Field::TrunkOut, SBC)
        .open(&open)
        .open(&[Field::Caller, Field::CallerExt, Field::Dialled, Field::DialledExt, Field::Direction]);
    vec![(Row { shared, ..row }, leg.open(&open)), (second, onward)]
}

fn leg(told: &Conversation<'_>, row: &Row, phone: &Phone) -> Leg {
    let own = Party::Phone(phone);
    let inbound = matches!(row.kind, Kind::In | Kind::ToResource);
    let mut leg = Leg::of(told, Moment::exact(if row.pstn { row.start } else { row.invite }));
    leg = match row.kind {
        Kind::ToResource => [Field::Dialled, Field::DialledExt, Field::Callee, Field::CalleeExt]
            .into_iter()
            .fold(leg, |leg, field| leg.set(field, RESOURCE_EXTENSION))
            .open(&[Field::Part]),
        // Who of the colleagues or the voicemail took it is not told: it is the user's call.
        Kind::In => leg.dialled(&own).callee(&own).set(Field::Direction, "inbound"),
        _ => leg,
    };
    if told.is_answered() {
        leg = leg.set(Field::Outcome, "answered");
    }
    if inbound {
        leg = leg.set(Field::NumberClass, class(&told.call.from));
    }
    match row.pstn {
        // Answered calls only, from the answer on; the operator's trunk has no name.
        true => leg
            .blank(&[Field::RingS])
            .open(&[Field::TrunkIn, Field::TrunkOut])
            .set(Field::ChargeMicros, row.micros)
            .set(Field::Currency, "GBP"),
        false => leg.set(if inbound { Field::TrunkIn } else { Field::TrunkOut }, row.sbc),
    }
}

fn upn(phone: &Phone) -> String {
    format!("{}@force.example", phone.user)
}

/// A GUID that is always the same for the same words.
pub fn guid(words: &[&str]) -> String {
    let digest = |salt: u64| {
        words.iter().flat_map(|word| word.bytes().chain([0])).fold(salt, |sum, byte| mix(sum ^ u64::from(byte)))
    };
    let (high, low) = (digest(1), digest(2));
    let (a, b, c) = (high >> 32, high >> 16 & 0xFFFF, high & 0xFFFF);
    format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xFFFF_FFFF_FFFF)
}

/// ISO 8601 with so many digits of a second, in UTC.
pub fn iso(at: i64, fraction: &str) -> String {
    format!("{}{fraction}Z", DateTime::from_timestamp(at, 0).unwrap_or_default().format("%Y-%m-%dT%H:%M:%S"))
}

const PSTN_HEADING: [&str; 20] = [
    "UsageId",
    "Call ID",
    "Conference ID",
    "User Location",
    "AAD ObjectId",
    "UPN",
    "User Display Name",
    "Caller ID",
    "Call Type",
    "Number Type",
    "Domestic/International",
    "Destination Dialed",
    "Destination Number",
    "Start Time",
    "End Time",
    "Duration Seconds",
    "Connection Fee",
    "Charge",
    "Currency",
    "Capability",
];

const DIRECT_ROUTING_HEADING: [&str; 22] = [
    "CorrelationId",
    "AAD ObjectId",
    "UPN",
    "Display Name",
    "User country",
    "Invite time",
    "Start time",
    "Failure time",
    "End time",
    "Duration (seconds)",
    "Success",
    "Caller Number",
    "Callee Number",
    "Call type",
    "Azure region for Media",
    "Azure region for Signaling",
    "Final SIP code",
    "Final Microsoft subcode",
    "Final SIP Phrase",
    "SBC FQDN",
    "Media bypass",
    "Shared correlation ID",
];

impl Row {
    fn pstn_fields(&self) -> [String; 20] {
        let kind = match self.kind {
            Kind::In => "user_in",
            Kind::ToResource => "ucap_in",
            Kind::Forwarded => "user_out_forwarding",
            Kind::Out | Kind::Emergency => "user_out",
        };
        [
            self.id.clone(),
            self.correlation.clone(),
            String::new(),
            "GB".into(),
            self.object.clone(),
            self.upn.clone(),
            self.name.clone(),
            self.caller.clone(),
            kind.into(),
            "Subscriber".into(),
            "Domestic".into(),
            "United Kingdom".into(),
            self.callee.clone(),
            iso(self.start, ".0000000"),
            iso(self.end, ".0000000"),
            (self.end - self.start).to_string(),
            "0.00".into(),
            pounds(self.micros, 2),
            "GBP".into(),
            "MCOPSTN1".into(),
        ]
    }

    fn direct_routing_fields(&self) -> [String; 22] {
        let kind = match self.kind {
            Kind::In => "dr_in",
            Kind::Out => "dr_out",
            Kind::ToResource => "dr_in_ucap",
            Kind::Forwarded => "dr_out_user_forwarding",
            Kind::Emergency => "dr_emergency_out",
        };
        let failure = if self.success { NEVER.to_string() } else { iso(self.end, ".000") };
        let subcode = if self.success { 540_000 } else { 560_000 + u32::from(self.sip) };
        [
            self.correlation.clone(),
            self.object.clone(),
            self.upn.clone(),
            self.name.clone(),
            "GB".into(),
            iso(self.invite, ".000"),
            iso(self.start, ".000"),
            failure,
            iso(self.end, ".000"),
            (self.end - self.invite).to_string(), // ringing included (formats page 2.4, 1)
            if self.success { "Yes" } else { "No" }.into(),
            self.caller.clone(),
            self.callee.clone(),
            kind.into(),
            "UKSO".into(),
            "UKSO".into(),
            self.sip.to_string(),
            subcode.to_string(),
            self.phrase.into(),
            self.sbc.into(),
            "No".into(),
            self.shared.clone(),
        ]
    }
}

fn archive(rows: &[(Row, Leg)], identifier: &str, day: NaiveDate) -> std::io::Result<Vec<u8>> {
    let of = |pstn: bool| rows.iter().map(|(row, _)| row).filter(move |row| row.pstn == pstn);
    let pstn = table(&PSTN_HEADING, of(true).map(Row::pstn_fields))?;
    let direct_routing = table(&DIRECT_ROUTING_HEADING, of(false).map(Row::direct_routing_fields))?;
    // What the file really holds is not public; it says what was asked for.
    let parameters = format!("{{\n  \"identifier\": \"{identifier}\",\n  \"endDateTime\": \"{day}T23:59:59Z\"\n}}\n");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in [
        (format!("PSTN.calls.{day}.csv"), pstn),
        (format!("DirectRouting.calls.{day}.csv"), direct_routing),
        ("parameters.json".to_string(), parameters.into_bytes()),
    ] {
        zip.start_file(name, options)?;
        zip.write_all(&bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// RFC 4180: CR LF, quotes where needed.
fn table<const N: usize>(heading: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> std::io::Result<Vec<u8>> {
    let mut text = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    text.write_record(heading)?;
    for row in rows {
        text.write_record(&row)?;
    }
    text.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::scene::example;
    use super::*;

    #[test]
    fn a_missed_call_by_direct_routing_is_a_row_of_22_fields() {
        let scene = Scene::new(1);
        let mut told = example::call(example::outside("07700900123"), Party::Phone(&scene.phones[0]));
        told.call.end = End::NoAnswer;
        let [(row, leg)] = &rows(&told, "csv")[..] else { panic!("one row") };
        let fields = row.direct_routing_fields();
        assert_eq!(
            fields[4..].join(","),
            "GB,2024-03-27T09:15:07.000Z,2024-03-27T09:15:07.000Z,2024-03-27T09:15:15.000Z,2024-03-27T09:15:15.000Z,8,No,\
             +447700900123,+442079460001,dr_in,UKSO,UKSO,480,560480,Temporarily Unavailable,sbc1.force.example,No,"
        );
        assert_eq!(fields[2], "u00001@force.example");
        assert_eq!(
            (leg.get(Field::CalleeExt), leg.get(Field::RingS), leg.get(Field::Outcome)),
            ("60001", "8", "no_answer")
        );
        told.call.to = Party::Phone(&scene.phones[1]);
        assert!(rows(&told, "csv").is_empty(), "the PSTN report has no missed calls");
    }

    #[test]
    fn a_call_by_calling_plan_is_a_row_of_20_fields_from_its_answer_on() {
        let scene = Scene::new(1);
        let told = example::call(Party::Phone(&scene.phones[1]), example::outside("07700900123"));
        let (row, leg) = &rows(&told, "csv")[0];
        assert_eq!(
            row.pstn_fields()[5..].join(","),
            "u00002@force.example,User 60002,+442079460002,user_out,Subscriber,Domestic,United Kingdom,+447700900123,\
             2024-03-27T09:15:15.0000000Z,2024-03-27T09:17:21.0000000Z,126,0.00,0.12,GBP,MCOPSTN1"
        );
        assert_eq!((leg.get(Field::StartedAt), leg.get(Field::ChargeMicros)), ("2024-03-27T09:15:15Z", "120000"));
        let id = guid(&["csv", "id", "5"]);
        assert_eq!((row.id.as_str(), id.len(), id.matches('-').count()), (id.as_str(), 36, 4));
    }
}
