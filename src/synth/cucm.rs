//! Writes calls as Cisco CUCM call records of 129 columns (formats-cisco-teams 1.1–1.13): one human call may be one
//! record, three or six. It makes no calls up and opens no files.

use std::fmt::{Display, Write as _};

use super::cucm_columns::{COLUMNS, Kind, at};
use super::landing::Line;
use super::phones::{Forward, Phone, Platform};
use super::rng::{Rng, mix};
use super::traffic::{Call, End, Party, Route, Shape};

pub const CLUSTER: &str = "SYNTH-CL01";
const VOICEMAIL: &str = "79990";
const RECORDER: &str = "79995";
/// Cause of a leg moved by a feature: not a failure.
const SPLIT: u32 = 393_216;

/// Numbers records as the cluster would, one after the other through all days.
pub struct Writer {
    rng: Rng,
    call_id: u32,
    leg: u32,
    row: Row,
}

/// One end of a record.
#[derive(Clone, Default)]
struct Side {
    number: String,
    device: String,
    user: String,
    partition: &'static str,
    node: u8,
    trunk: bool,
    leg: u32,
}

/// A record in the vendor's own terms; what is not set is blank or 0.
#[derive(Clone, Default)]
struct Record {
    call_id: u32,
    start: i64,
    /// 0: never connected.
    connect: i64,
    end: i64,
    orig: Side,
    dest: Side,
    /// First number asked for; the final one where empty.
    original: String,
    last_redirect: String,
    causes: [u32; 2],
    ended_for: [u32; 2],
    redirect_for: u32,
    redirect_reason: u32,
    join_for: u32,
    conversations: [u32; 2],
    comment: String,
    hunt_pilot: &'static str,
    usage: u32,
    outpulsed: String,
}

impl Writer {
    pub fn new(seed: u64) -> Self {
        let row =
            Row { fields: COLUMNS.iter().map(|(_, kind)| Row::blank(*kind).to_string()).collect(), set: Vec::new() };
        Self { rng: Rng::new(seed, 0x6375_636d), call_id: 1_000, leg: 30_000_000, row }
    }

    /// Adds the records of one call.
    pub fn write(&mut self, call: &Call<'_>, out: &mut Vec<Line>) {
        let mut whole = self.plain(call);
        match (call.shape, &call.to) {
            (Shape::Transferred(third), Party::Phone(first)) => self.transfer(whole, first, third, out),
            (Shape::Conference(third), Party::Phone(second)) => {
                if let Party::Phone(first) = call.from {
                    self.conference(&whole, [first, second, third], out);
                }
            }
            (Shape::Recorded, Party::Phone(phone)) => {
                let recorded = [whole.orig.leg, whole.dest.leg];
                let (connect, end) = (whole.connect, whole.end);
                self.put(whole, out);
                recorded.iter().for_each(|leg| self.recording(phone, *leg, connect, end, out));
            }
            (Shape::Hunt, Party::Phone(_)) => {
                let pilot = Platform::Cucm.pilot();
                whole.dest.number = pilot.to_string();
                whole.dest.user.clear();
                whole.original = pilot.to_string();
                whole.last_redirect = pilot.to_string();
                whole.hunt_pilot = if whole.connect == 0 { "" } else { pilot };
                whole.usage = 7;
                self.put(whole, out);
            }
            _ => self.put(whole, out),
        }
    }

    /// The record of a call that no feature takes apart.
    fn plain(&mut self, call: &Call<'_>) -> Record {
        let caller_ends = self.rng.chance(55);
        let mut record =
            Record { call_id: self.next_call(), start: call.start, end: call.start + call.ring, ..Record::default() };
        record.orig = self.side(&call.from, false);
        record.dest = self.side(&call.to, true);
        record.usage = if matches!(call.to, Party::Phone(_)) { 2 } else { 5 };
        match call.end {
            End::Answered(talk) => {
                record.connect = record.end;
                record.end += talk;
                (record.causes, record.ended_for) = if caller_ends { ([16, 0], [12, 0]) } else { ([0, 16], [0, 12]) };
            }
            End::NoAnswer => (record.causes, record.ended_for) = ([16, 0], [12, 0]),
            End::Busy => (record.causes, record.ended_for) = ([0, 17], [0, 12]),
            End::Failed(cause) => {
                record.causes = [0, cause];
                record.dest =
                    Side { number: std::mem::take(&mut record.dest.number), leg: record.dest.leg, ..Side::default() };
            }
        }
        if let Party::Outside(number, Route::Pstn | Route::Vodafone) = &call.to {
            record.outpulsed.clone_from(number);
        }
        record.last_redirect.clone_from(&record.dest.number);
        if let Some((via, forward)) = call.via {
            record.original.clone_from(&via.extension);
            record.last_redirect.clone_from(&via.extension);
            record.redirect_for = 5;
            record.redirect_reason = match forward {
                Forward::AllToVoicemail | Forward::AllToColleague | Forward::AllToMobile => 15,
                Forward::NoAnswerToVoicemail | Forward::NoAnswerToColleague => 2,
                Forward::BusyToColleague => 1,
            };
        }
        record
    }

    /// Caller and first phone talk, the first phone consults the third, and hands over: three records.
    fn transfer(&mut self, whole: Record, first: &Phone, third: &Phone, out: &mut Vec<Line>) {
        let talk = whole.end - whole.connect;
        let (asked, joined) = (whole.connect + talk / 4, whole.connect + talk / 2);
        let split = |record: Record| Record { causes: [SPLIT; 2], ended_for: [10; 2], ..record };
        let mut consult = Record {
            call_id: self.next_call(),
            start: asked,
            connect: asked + 3,
            end: joined,
            usage: 2,
            ..Record::default()
        };
        consult.orig = self.side(&Party::Phone(first), false);
        consult.dest = self.side(&Party::Phone(third), true);
        consult.connect = consult.connect.min(joined);
        consult.last_redirect.clone_from(&consult.dest.number);
        let last = Record {
            start: joined,
            connect: joined,
            dest: consult.dest.clone(),
            original: third.extension.clone(),
            last_redirect: first.extension.clone(),
            redirect_for: 10,
            redirect_reason: 4,
            join_for: 10,
            ..whole.clone()
        };
        self.put(split(Record { end: joined, ..whole }), out);
        self.put(split(consult), out);
        self.put(last, out);
    }

    /// Two set-up calls, each party's leg to the bridge, and the last two left alone: six records.
    fn conference(&mut self, whole: &Record, parties: [&Phone; 3], out: &mut Vec<Line>) {
        let [first, second, third] = parties;
        let talk = whole.end - whole.connect;
        let (added, joined, dropped) =
            (whole.connect + talk / 4, whole.connect + talk / 3, whole.connect + talk * 3 / 4);
        let split = |record: Record| Record { causes: [SPLIT; 2], ended_for: [4; 2], ..record };
        let conversation = self.next_leg();
        let bridge = format!("b00{:08}", 10_000_000 + self.call_id % 10_000_000);
        let mut added_call = Record {
            call_id: self.next_call(),
            start: added,
            connect: added.max(joined - 2),
            end: joined,
            usage: 2,
            ..Record::default()
        };
        added_call.orig = self.side(&Party::Phone(first), false);
        added_call.dest = self.side(&Party::Phone(third), true);
        added_call.last_redirect.clone_from(&third.extension);
        self.put(split(Record { end: joined, ..whole.clone() }), out);
        let third_leg = added_call.dest.leg;
        self.put(split(added_call), out);
        for (party, leg, end) in
            [(first, whole.orig.leg, dropped), (second, whole.dest.leg, dropped), (third, third_leg, dropped)]
        {
            let mut record =
                Record { call_id: whole.call_id, start: joined, connect: joined, end, usage: 1, ..Record::default() };
            record.orig = Side { leg, ..self.side(&Party::Phone(party), false) };
            record.dest = Side {
                number: bridge.clone(),
                device: "CFB_1".into(),
                node: 1,
                leg: self.next_leg(),
                ..Side::default()
            };
            (record.causes, record.ended_for) = ([16, SPLIT], [4, 4]);
            record.last_redirect.clone_from(&first.extension);
            (record.redirect_for, record.redirect_reason, record.join_for) = (4, 98, 4);
            record.conversations = [0, conversation];
            record.comment = format!(
                "ConfControllerDn={0};ConfControllerDeviceName={1};ConfRequestorDn={0};ConfRequestorDeviceName={1}",
                first.extension, first.device
            );
            self.put(record, out);
        }
        let mut rest = Record {
            call_id: whole.call_id,
            start: dropped,
            connect: dropped,
            end: whole.end,
            usage: 2,
            ..Record::default()
        };
        rest.orig = Side { leg: whole.dest.leg, ..self.side(&Party::Phone(second), false) };
        rest.dest = Side { leg: third_leg, ..self.side(&Party::Phone(third), true) };
        rest.last_redirect = bridge;
        (rest.causes, rest.ended_for) = ([16, 0], [12, 0]);
        (rest.redirect_for, rest.redirect_reason, rest.join_for) = (4, 98, 4);
        self.put(rest, out);
    }

    /// The phone's built-in bridge sends one side of its talk to the recorder.
    fn recording(&mut self, phone: &Phone, recorded_leg: u32, connect: i64, end: i64, out: &mut Vec<Line>) {
        let mut record =
            Record { call_id: self.next_call(), start: connect, connect, end, usage: 5, ..Record::default() };
        record.orig = self.side(&Party::Phone(phone), false);
        record.orig.number = format!("b0021{:08}", recorded_leg % 100_000_000);
        record.orig.user.clear();
        record.orig.partition = "";
        record.dest = Side {
            number: RECORDER.into(),
            device: "RECORDER".into(),
            partition: "Recording-PT",
            node: 1,
            trunk: true,
            leg: self.next_leg(),
            ..Side::default()
        };
        (record.causes, record.ended_for) = ([16, 0], [12, 0]);
        (record.redirect_for, record.redirect_reason, record.join_for) = (27, 354, 27);
        record.conversations = [recorded_leg, 0];
        self.put(record, out);
    }

    fn side(&mut self, party: &Party<'_>, called: bool) -> Side {
        let leg = self.next_leg();
        let trunk = |device: &str, number: String, partition: &'static str| Side {
            number,
            device: device.to_string(),
            partition: if called { partition } else { "" },
            node: 1,
            trunk: true,
            leg,
            ..Side::default()
        };
        match party {
            Party::Phone(phone) => Side {
                number: phone.extension.clone(),
                device: phone.device.clone(),
                user: phone.user.clone(),
                partition: "Internal-PT",
                node: phone.node(),
                trunk: false,
                leg,
            },
            Party::Outside(number, route) => {
                let shown = match (called, route) {
                    (true, Route::Pstn | Route::Vodafone) => format!("9{number}"),
                    (false, Route::Pstn) if self.rng.chance(10) => format!("+44{}", number.trim_start_matches('0')),
                    _ => number.clone(),
                };
                trunk(device(*route), shown, if *route == Route::Pstn { "PSTN-PT" } else { "Partner-PT" })
            }
            Party::Withheld => trunk(device(Route::Pstn), String::new(), ""),
            Party::Voicemail => trunk("CUC-VM", VOICEMAIL.into(), "Voicemail-PT"),
            Party::Nobody => Side { leg, ..Side::default() },
        }
    }

    fn next_call(&mut self) -> u32 {
        self.call_id = self.call_id % 0xFF_FFFF + 1; // a counter of 24 bits that goes back to 1
        self.call_id
    }

    fn next_leg(&mut self) -> u32 {
        self.leg += 1;
        self.leg
    }

    fn put(&mut self, record: Record, out: &mut Vec<Line>) {
        let Record { orig, dest, .. } = &record;
        let (high, low) = (self.rng.next(), self.rng.next());
        let port = |leg: u32| 16_384 + (mix(u64::from(leg)) % 8_000) * 2;
        let pattern =
            |number: &str| if dest.trunk && number.starts_with('9') { "9.@".to_string() } else { number.to_string() };
        let original = if record.original.is_empty() { &dest.number } else { &record.original };
        let media = record.connect != 0;
        let row = &mut self.row;
        row.set(const { at("cdrRecordType") }, 1);
        row.set(const { at("globalCallID_callManagerId") }, 1 + record.call_id % 2);
        row.set(const { at("globalCallID_callId") }, record.call_id);
        row.set(const { at("origLegCallIdentifier") }, orig.leg);
        row.set(const { at("dateTimeOrigination") }, record.start);
        row.set(const { at("origNodeId") }, orig.node);
        row.set(const { at("callingPartyNumber") }, &orig.number);
        row.set(const { at("callingPartyUnicodeLoginUserID") }, &orig.user);
        row.set(const { at("origCause_value") }, record.causes[0]);
        row.set(const { at("origPrecedenceLevel") }, 4);
        row.set(const { at("origRSVPAudioStat") }, 0);
        row.set(const { at("origRSVPVideoStat") }, 0);
        row.set(const { at("destLegIdentifier") }, dest.leg);
        row.set(const { at("destNodeId") }, dest.node);
        row.set(const { at("originalCalledPartyNumber") }, original);
        row.set(const { at("finalCalledPartyNumber") }, &dest.number);
        row.set(const { at("finalCalledPartyUnicodeLoginUserID") }, &dest.user);
        row.set(const { at("destCause_value") }, record.causes[1]);
        row.set(const { at("destPrecedenceLevel") }, 4);
        row.set(const { at("destRSVPAudioStat") }, 0);
        row.set(const { at("destRSVPVideoStat") }, 0);
        row.set(const { at("dateTimeConnect") }, record.connect);
        row.set(const { at("dateTimeDisconnect") }, record.end);
        row.set(const { at("lastRedirectDn") }, &record.last_redirect);
        let (a, b, c) = (high >> 32, high >> 16 & 0xFFFF, high & 0xFFFF);
        let (d, e) = (low >> 48, low & 0xFFFF_FFFF_FFFF);
        row.set(const { at("pkid") }, format_args!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}"));
        row.set(
            const { at("originalCalledPartyNumberPartition") },
            if record.original.is_empty() { dest.partition } else { "Internal-PT" },
        );
        row.set(const { at("callingPartyNumberPartition") }, orig.partition);
        row.set(const { at("finalCalledPartyNumberPartition") }, dest.partition);
        row.set(
            const { at("lastRedirectDnPartition") },
            if record.last_redirect.is_empty() { "" } else { "Internal-PT" },
        );
        row.set(const { at("duration") }, if media { record.end - record.connect } else { 0 });
        row.set(const { at("origDeviceName") }, &orig.device);
        row.set(const { at("destDeviceName") }, &dest.device);
        row.set(const { at("origCallTerminationOnBehalfOf") }, record.ended_for[0]);
        row.set(const { at("destCallTerminationOnBehalfOf") }, record.ended_for[1]);
        row.set(const { at("origCalledPartyRedirectOnBehalfOf") }, record.redirect_for);
        row.set(const { at("lastRedirectRedirectOnBehalfOf") }, record.redirect_for);
        row.set(const { at("origCalledPartyRedirectReason") }, record.redirect_reason);
        row.set(const { at("lastRedirectRedirectReason") }, record.redirect_reason);
        row.set(const { at("origConversationId") }, record.conversations[0]);
        row.set(const { at("destConversationId") }, record.conversations[1]);
        row.set(const { at("globalCallId_ClusterID") }, CLUSTER);
        row.set(const { at("joinOnBehalfOf") }, record.join_for);
        row.set(const { at("comment") }, &record.comment);
        row.set(const { at("outpulsedCalledPartyNumber") }, &record.outpulsed);
        row.set(const { at("IncomingProtocolID") }, u8::from(orig.trunk));
        row.set(const { at("OutgoingProtocolID") }, u8::from(dest.trunk));
        row.set(const { at("huntPilotDN") }, record.hunt_pilot);
        row.set(const { at("huntPilotPattern") }, record.hunt_pilot);
        row.set(const { at("huntPilotPartition") }, if record.hunt_pilot.is_empty() { "" } else { "Internal-PT" });
        row.set(const { at("calledPartyPatternUsage") }, record.usage);
        row.set(const { at("originalCalledPartyPattern") }, pattern(original));
        row.set(const { at("finalCalledPartyPattern") }, pattern(&dest.number));
        row.set(const { at("lastRedirectingPartyPattern") }, pattern(&record.last_redirect));
        let ends = [
            (
                orig,
                ["origIpAddr", "origMediaTransportAddress_IP", "origMediaTransportAddress_Port"].map(at),
                ORIG_MEDIA,
                const { at("origIpv4v6Addr") },
                const { at("origSpan") },
            ),
            (
                dest,
                ["destIpAddr", "destMediaTransportAddress_IP", "destMediaTransportAddress_Port"].map(at),
                DEST_MEDIA,
                const { at("destIpv4v6Addr") },
                const { at("destSpan") },
            ),
        ];
        for (side, [ip, media_ip, media_port], [codec, frames, bandwidth], text, span) in ends {
            if side.device.is_empty() {
                continue;
            }
            let [a, b, c, d] = address(&side.device);
            row.set(ip, i32::from_le_bytes([a, b, c, d]));
            row.set(text, format_args!("{a}.{b}.{c}.{d}"));
            if side.trunk {
                row.set(span, side.leg);
            }
            if media {
                row.set(media_ip, i32::from_le_bytes([a, b, c, d]));
                row.set(media_port, port(side.leg));
                row.set(codec, 4);
                row.set(frames, 20);
                row.set(bandwidth, 64);
            }
        }
        let node = orig.node.max(1);
        let text = row.take();
        out.push(Line { start: record.start, end: record.end, node, text });
    }
}

const ORIG_MEDIA: [usize; 3] =
    [at("origMediaCap_payloadCapability"), at("origMediaCap_maxFramesPerPacket"), at("origMediaCap_Bandwidth")];
const DEST_MEDIA: [usize; 3] =
    [at("destMediaCap_payloadCapability"), at("destMediaCap_maxFramesPerPacket"), at("destMediaCap_Bandwidth")];

fn device(route: Route) -> &'static str {
    match route {
        Route::Pstn => "SIP_TRUNK_PSTN",
        Route::Iccs => "ICCS",
        Route::Airwave => "AIRWAVE",
        Route::Vodafone => "VODAFONE",
        Route::Tie => "TIE_NORTH",
    }
}

/// A private address of its own for each device, always the same.
fn address(device: &str) -> [u8; 4] {
    let [a, b, c, ..] = mix(device.bytes().fold(7, |sum, byte| mix(sum ^ u64::from(byte)))).to_le_bytes();
    [10, a, b, c]
}

/// The 129 fields of the record in hand.
struct Row {
    fields: Vec<String>,
    set: Vec<usize>,
}

impl Row {
    fn blank(kind: Kind) -> &'static str {
        if kind == Kind::Int { "0" } else { "" }
    }

    fn set(&mut self, column: usize, value: impl Display) {
        self.fields[column].clear();
        let _ = write!(self.fields[column], "{value}"); // a String takes everything
        self.set.push(column);
    }

    /// The finished line, text quoted and numbers bare; the row is blank again.
    fn take(&mut self) -> String {
        let mut line = String::with_capacity(700);
        for (field, (_, kind)) in self.fields.iter().zip(&COLUMNS) {
            let quote = if *kind == Kind::Int { "" } else { "\"" };
            line.extend([quote, field, quote, ","]);
        }
        line.pop();
        line.push('\n');
        for column in self.set.drain(..) {
            self.fields[column].clear();
            self.fields[column].push_str(Self::blank(COLUMNS[column].1));
        }
        line
    }
}
