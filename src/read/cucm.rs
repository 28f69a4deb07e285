//! Cisco CUCM call detail records: comma-separated files with a header row, 118 to 133 columns, and the CAR export.
//! Columns are found by name, never by position. A record is a line: a quoted line break is not known of CUCM, so a
//! stray quote can spoil its own line only. Media records (CMR) are quality reports.
//!
//! Sources: Cisco "Call Detail Records Administration Guide" 14/15; what was only seen in real files is marked so in
//! `docs/formats.md`.

mod codes;
mod columns;
mod media;
mod name;
mod scan;

use std::io::BufRead;
use std::net::Ipv4Addr;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use chrono::NaiveTime;
use memchr::memmem;

use super::field::plain;
use super::{
    About, Block, Decoder, Likelihood, Marks, RawRecord, RawTime, ReadError, Reader, RecordId, Reject, Side, Sink,
    Skip, hash, next_block,
};
use crate::leg::{Outcome, Part, RedirectReason};
use columns::{Columns, Field};
use scan::Ends;

/// The reader of format `cisco-cucm`.
pub struct Cucm;

impl Reader for Cucm {
    fn id(&self) -> &'static str {
        "cisco-cucm"
    }

    fn sniff(&self, head: &[u8], name: &str) -> Likelihood {
        let first = head.split(|b| *b == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
        if columns::is_header(first) {
            Likelihood::Sure
        } else if name.starts_with("cdr_") || name.starts_with("cmr_") {
            Likelihood::Maybe
        } else {
            Likelihood::No
        }
    }

    /// Service parameters CdrLogCallsWithZeroDurationFlag and "Show Line Group Member DN", both off by default.
    fn blind_spots(&self) -> &'static str {
        "unanswered calls are there only if the platform was told to log calls of zero duration, which it is not by default; a \
         hunt group's calls stand under the pilot's number unless it was told to show the member's"
    }

    /// CUCM writes `_cdr_…` and renames it when the file is closed.
    fn is_active(&self, name: &str) -> bool {
        name.starts_with('_')
    }

    /// `cdr_CLUSTER_NODE_YYYYMMDDHHMM_NUMBER`, the time in UTC; `cmr_` files of a node share its numbers (CDR Administration
    /// Guide, "CDR repository").
    fn marks<'n>(&self, name: &'n str) -> Marks<'n> {
        name::marks(name).unwrap_or_default()
    }

    fn keeps_order(&self) -> bool {
        true
    }

    fn begin(&self, about: &About<'_>) -> Option<Box<dyn Decoder>> {
        Some(Box::new(CucmDecoder::new(about)))
    }

    fn open(&self, text: &mut dyn BufRead, about: &About<'_>) -> Result<Box<dyn Decoder>, ReadError> {
        let decoder = CucmDecoder::new(about);
        let (mut first_line, mut block) = (1, Vec::new());
        while next_block(text, 1 << 20, &mut block)? {
            decoder.look_ahead(Block { first_line, bytes: &block })?;
            first_line += memchr::memchr_iter(b'\n', &block).count() as u64;
        }
        decoder.verdict()?;
        Ok(Box::new(decoder))
    }
}

struct CucmDecoder {
    /// Grows while blocks further up are decoded: what stands below a line is never asked for it.
    headers: RwLock<Headers>,
    /// Seconds UTC from which on no record of this file can be: a node whose clock runs years ahead would otherwise
    /// move the whole window with one call.
    not_from: i64,
    scientific_mark: memmem::Finder<'static>,
}

/// Which columns are in force where. Files of several versions may have been put one behind the other.
struct Headers {
    /// The different header rows as they stand; `None` for one that lacks a column no record can do without.
    layouts: Vec<(Vec<u8>, Option<Columns>)>,
    /// Lines from which another of the `layouts` is in force, in file order.
    changes: Vec<(u64, usize)>,
    header_rows: u64,
    /// Why the first header that lacks a column was not taken.
    refusal: Option<(String, &'static str)>,
    is_blank: bool,
}

impl CucmDecoder {
    fn new(about: &About<'_>) -> Self {
        // Two days more than the file's own, for clocks that are not quite right.
        let not_from = about.received_on.and_time(NaiveTime::MIN).and_utc().timestamp() + 3 * 86_400;
        let headers =
            Headers { layouts: Vec::new(), changes: Vec::new(), header_rows: 0, refusal: None, is_blank: true };
        Self { headers: RwLock::new(headers), not_from, scientific_mark: memmem::Finder::new("E+") }
    }

    fn headers(&self) -> RwLockReadGuard<'_, Headers> {
        self.headers.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Headers {
    /// The columns of a line, or why there are none: a line is never read by a header that does not stand above it.
    #[inline]
    fn columns(&self, line: u64) -> Result<&Columns, (Reject, &'static str)> {
        let above = self.changes.partition_point(|(from, _)| *from <= line);
        let (_, layout) =
            above.checked_sub(1).map(|at| self.changes[at]).ok_or((Reject::WrongShape, "no header above"))?;
        self.layouts[layout].1.as_ref().ok_or((Reject::WrongShape, "the header above lacks a needed column"))
    }

    fn see(&mut self, line: u64, header: &[u8]) {
        self.header_rows += 1;
        let layout = self.layouts.iter().position(|(seen, _)| seen == header).unwrap_or(self.layouts.len());
        if layout == self.layouts.len() {
            let columns = match Columns::of(header, line) {
                Ok(columns) => Some(columns),
                Err(why) => {
                    self.refusal.get_or_insert(why);
                    None
                }
            };
            self.layouts.push((header.to_vec(), columns));
        }
        if self.changes.last().is_none_or(|(_, last)| *last != layout) {
            self.changes.push((line, layout));
        }
    }
}

/// Whether the `E+` at `at` is the middle of a whole field like `9.12678E+11`, outside quotes.
fn is_scientific(block: &[u8], at: usize) -> bool {
    let before = block[..at].iter().rev().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let after = block[at + 2..].iter().take_while(|b| b.is_ascii_digit()).count();
    let opens = at == before || b",\n".contains(&block[at - before - 1]);
    let closes = block.get(at + 2 + after).is_none_or(|b| b",\r\n".contains(b));
    let line = memchr::memrchr(b'\n', &block[..at]).map_or(0, |end| end + 1);
    let is_quoted = || memchr::memchr_iter(b'"', &block[line..at]).count() % 2 == 1;
    before > 0 && (1..=2).contains(&after) && opens && closes && !is_quoted()
}

impl Decoder for CucmDecoder {
    fn options(&self) -> String {
        let headers = self.headers();
        let mut options = match headers.layouts.iter().find_map(|(_, columns)| columns.as_ref()) {
            Some(first) => format!("columns={}; layout={}", first.count, first.layout()),
            None => String::new(),
        };
        if headers.header_rows > 1 {
            options += &format!("; headers={}", headers.header_rows);
        }
        options
    }

    /// Header rows, and the marks a spreadsheet program leaves.
    fn look_ahead(&self, block: Block<'_>) -> Result<(), ReadError> {
        let Block { mut first_line, bytes } = block;
        if let Some(at) = self.scientific_mark.find_iter(bytes).find(|at| is_scientific(bytes, *at)) {
            let line = first_line + memchr::memchr_iter(b'\n', &bytes[..at]).count() as u64;
            return Err(ReadError::Refused {
                what: format!(
                    "line {line}: a spreadsheet program saved this copy: it turned long numbers into the form 1.2E+11"
                ),
                hint: "deliver the file as CUCM wrote it; the digits in this copy are lost",
            });
        }
        if self.headers().is_blank && !bytes.trim_ascii().is_empty() {
            self.headers.write().unwrap_or_else(PoisonError::into_inner).is_blank = false;
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes).chain((bytes.last() != Some(&b'\n')).then_some(bytes.len())) {
            let line = &bytes[start..end];
            // A record begins with its type, a figure.
            if !line.first().is_some_and(u8::is_ascii_digit) && columns::is_header(line) {
                let mut headers = self.headers.write().unwrap_or_else(PoisonError::into_inner);
                headers.see(first_line, line.strip_suffix(b"\r").unwrap_or(line));
            }
            (start, first_line) = (end + 1, first_line + 1);
        }
        Ok(())
    }

    fn verdict(&self) -> Result<(), ReadError> {
        let refused = |what: &str, hint| Err(ReadError::Refused { what: what.into(), hint });
        let headers = self.headers();
        match &headers.refusal {
            _ if headers.layouts.iter().any(|(_, columns)| columns.is_some()) => Ok(()),
            Some((what, hint)) => refused(what, *hint),
            None if headers.is_blank => {
                refused("the file is empty", "the transfer may have been cut; deliver it again")
            }
            None => refused(
                "no line names CUCM's columns (cdrRecordType, …)",
                "deliver the file with its header row; without it no column can be told from another",
            ),
        }
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        let (mut unquoted, mut ends, headers) = (String::new(), Ends::default(), self.headers());
        // Nearly always the block is text from end to end: then its lines need not be asked one by one.
        let whole = std::str::from_utf8(block.bytes).ok();
        let mut start = 0;
        for (line, bytes) in block.lines() {
            let text = whole.map(|whole| &whole[start..start + bytes.len()]);
            start += bytes.len();
            start += usize::from(block.bytes.get(start) == Some(&b'\r'));
            start += usize::from(block.bytes.get(start) == Some(&b'\n'));
            let skip = match () {
                // A record begins with its type, a figure.
                () if bytes.first().is_some_and(u8::is_ascii_digit) => None,
                () if bytes.trim_ascii().is_empty() => Some(Skip::Blank),
                () if columns::is_header(bytes) => Some(Skip::Header),
                () if columns::is_type_row(bytes) => Some(Skip::TypeRow),
                () => None,
            };
            if let Some(skip) = skip {
                sink.skip(line, skip);
                continue;
            }
            unquoted.clear();
            // The header has its say first, so that the reason is the same however the file is cut into blocks.
            let found = headers.columns(line).and_then(|columns| {
                let text = text.filter(|_| bytes[0].is_ascii_digit()).map_or_else(|| plain(bytes), Ok)?;
                decode_line(columns, self.not_from, line, text, &mut ends, &mut unquoted, sink)
            });
            if let Err((why, detail)) = found {
                sink.reject(line, why, detail, bytes);
            }
        }
    }
}

fn decode_line(
    columns: &Columns,
    not_from: i64,
    line: u64,
    text: &str,
    ends: &mut Ends,
    unquoted: &mut String,
    sink: &mut dyn Sink,
) -> Result<(), (Reject, &'static str)> {
    let fields = columns.split(text, ends, unquoted)?;
    match (fields.text(Field::RecordType), columns.is_media) {
        ("1", false) => sink.record(&record(&fields, line, not_from)?),
        ("2", true) => sink.quality(&media::report(&fields, line, not_from)?),
        ("1", true) => return Err((Reject::UnknownKind, "a call record under the header of media records")),
        ("2", false) => return Err((Reject::UnknownKind, "a media record under the header of call records")),
        _ => return Err((Reject::UnknownKind, "cdrRecordType is neither of a call nor of media")),
    }
    Ok(())
}

/// A time that happened, in the 32 bits CUCM has for it (until 2106).
fn moment(seconds: i64) -> Option<i64> {
    (1..=i64::from(u32::MAX)).contains(&seconds).then_some(seconds)
}

/// The mark of an end: its leg id, which is unique in the cluster for some days (node and a counter of 24 bits), below
/// that cluster's own bits. Neighbouring numbers stay neighbours, which is what a column packs well.
fn leg_link(cluster: u64, leg: i64) -> Option<i64> {
    spaced(cluster, leg)
}

/// The bits of a cluster.
fn cluster_bits(name: &str) -> u64 {
    hash(&[name.as_bytes()])
}

/// The mark of a conference, in which all its parties meet: conversation ids are no leg ids.
fn conversation_link(cluster: &str, conversation: i64) -> Option<i64> {
    spaced(hash(&[cluster.as_bytes(), b"conversation"]), conversation)
}

/// 0 is none.
fn spaced(space: u64, number: i64) -> Option<i64> {
    let number = u32::try_from(number).ok().filter(|n| *n != 0)?;
    Some(((space & 0x7fff_ffff) << 32) as i64 | i64::from(number))
}

fn record<'a>(fields: &columns::Fields<'a>, line: u64, not_from: i64) -> Result<RawRecord<'a>, (Reject, &'static str)> {
    let started = fields.number(Field::Origination, "dateTimeOrigination")?;
    let connected = fields.number(Field::Connect, "dateTimeConnect")?;
    let ended = fields.number(Field::Disconnect, "dateTimeDisconnect")?;
    // 0 means it did not happen, and every call began.
    match () {
        () if moment(started).is_none() => {
            return Err((Reject::BadTime, "dateTimeOrigination is missing or out of range"));
        }
        () if started >= not_from => {
            return Err((Reject::BadTime, "dateTimeOrigination is days after the file itself"));
        }
        () if connected != 0 && moment(connected).is_none() => {
            return Err((Reject::BadTime, "dateTimeConnect is out of range"));
        }
        () if ended != 0 && moment(ended).is_none() => {
            return Err((Reject::BadTime, "dateTimeDisconnect is out of range"));
        }
        () => {}
    }
    let pkid = fields.text(Field::Pkid);
    if pkid.is_empty() {
        return Err((Reject::Missing, "pkid"));
    }
    let node = fields.number(Field::CallManagerId, "globalCallID_callManagerId")?;
    let call_id = fields.number(Field::CallId, "globalCallID_callId")?;
    let talk_s = fields.seconds(Field::Duration, "duration")?;
    let orig_cause = fields.cause(Field::OrigCause, "origCause_value")?;
    let dest_cause = fields.cause(Field::DestCause, "destCause_value")?;
    let cause = if dest_cause != 0 { dest_cause } else { orig_cause };
    let join = fields.code(Field::JoinOnBehalfOf, "joinOnBehalfOf")?;
    let usage = fields.code(Field::PatternUsage, "calledPartyPatternUsage")?;
    let last_reason = fields.code(Field::LastRedirectReason, "lastRedirectRedirectReason")?;
    let first_reason = fields.code(Field::OrigRedirectReason, "origCalledPartyRedirectReason")?;
    let caller = fields.text(Field::Caller);
    let dialled = fields.text(Field::OriginalCalled);
    let callee = fields.text(Field::FinalCalled);
    let hunt_group = match fields.hunt_pilot() {
        // CUCM names the pilot only where somebody answered; else the number called is the pilot.
        "" if usage == codes::USAGE_HUNT_PILOT && dialled == callee => callee,
        pilot => pilot,
    };
    let redirect_reason = codes::redirect_reason(last_reason)
        .or_else(|| codes::redirect_reason(first_reason))
        .or_else(|| codes::join_reason(join))
        .or((!hunt_group.is_empty()).then_some(RedirectReason::Hunt));
    let dest_device = fields.text(Field::DestDevice);
    let [calling_link, called_link] = links(fields, join, caller, callee)?;
    let calling = side(
        fields,
        Field::OrigDevice,
        Field::CallingUser,
        Field::IncomingProtocol,
        [Field::OrigAddress, Field::OrigIp],
        calling_link,
        Field::OrigNode,
    )?;
    let called = side(
        fields,
        Field::DestDevice,
        Field::CalledUser,
        Field::OutgoingProtocol,
        [Field::DestAddress, Field::DestIp],
        called_link,
        Field::DestNode,
    )?;
    let outcome = match connected != 0 {
        true if usage == codes::USAGE_VOICEMAIL_PORT => Outcome::Voicemail,
        true => Outcome::Answered,
        false if callee.is_empty() => Outcome::Abandoned,
        false => codes::unconnected(cause, !dest_device.is_empty()),
    };
    // The node's counter wraps at 24 bits: a bucket of eight days keeps calls of different months apart, and a call
    // and its transfers together but for the one midnight in eight.
    let bucket = started / (8 * 86_400);
    let account = fields.text(Field::ClientMatter);
    Ok(RawRecord {
        line,
        id: RecordId::Vendor(pkid),
        call: hash(&[
            fields.text(Field::Cluster).as_bytes(),
            &node.to_le_bytes(),
            &call_id.to_le_bytes(),
            &bucket.to_le_bytes(),
        ]),
        started: RawTime::Utc(started),
        ring_s: i32::try_from(if connected != 0 { connected - started } else { ended - started })
            .ok()
            .filter(|s| *s >= 0),
        talk_s: if connected != 0 { talk_s } else { 0 },
        direction: None,
        outcome,
        part: part(join, last_reason, connected > started, caller, callee),
        caller,
        dialled,
        callee,
        // CUCM fills lastRedirectDn on plain calls too; only with a reason did somebody pass the call on.
        redirect: match last_reason != 0 || join == codes::TRANSFER {
            true => fields.text(Field::LastRedirect),
            false => "",
        },
        redirect_reason,
        calling,
        called,
        hunt_group,
        cause: Some(cause),
        account_code: if account.is_empty() { fields.text(Field::AuthDescription) } else { account },
        charge_micros: None,
        currency: "",
        vendor_kind: match fields.text(Field::JoinOnBehalfOf) {
            "0" => "",
            code => code,
        },
    })
}

/// Marks of the two ends. A transfer's record has the far legs of the two calls it joins; the parties of a conference
/// share its conversation, whatever end of it they are; what is recorded or monitored is named by its leg.
fn links(
    fields: &columns::Fields<'_>,
    join: i64,
    caller: &str,
    callee: &str,
) -> Result<[Option<i64>; 2], (Reject, &'static str)> {
    let cluster = fields.text(Field::Cluster);
    let bits = cluster_bits(cluster);
    let mut ends = [None; 2];
    for (end, leg, conversation, number) in [
        (0, fields.code(Field::OrigLeg, "origLegCallIdentifier")?, Field::OrigConversation, caller),
        (1, fields.code(Field::DestLeg, "destLegIdentifier")?, Field::DestConversation, callee),
    ] {
        let other = fields.code(conversation, "conversation id")?;
        let other = match join {
            codes::RECORDING | codes::MONITORING => leg_link(bits, other),
            _ if join == codes::CONFERENCE || codes::is_bridge(number) => conversation_link(cluster, other),
            _ => None,
        };
        ends[end] = other.or_else(|| leg_link(bits, leg));
    }
    Ok(ends)
}

/// Set-up legs count for both parties of a transfer or conference, so the record that joins them is a continuation.
/// - The third party of a transfer without consultation answers in the record that joins, and nowhere else: it goes
///   onward. CUCM gives reason 34 or 4; with 4, a third party that still rang tells it from one that talked before.
/// - A parked call that rings back goes onward too: it was answered before, in a record of its own, or nobody could
///   have parked it.
/// - Who retrieves a parked call, who picks one up, and who listens in (monitoring) uses a phone of his own accord:
///   whole. The second record of an automatic pickup is whole as well, for the first one never connected and is
///   written only where the platform was told to; else nobody would have called.
/// - Who dials into a bridge (Meet-Me, barge, the IVR of Conference Now) has no other record: whole.
/// - What a bridge originates (`b00…`: recording, conference) is nobody's call.
fn part(join: i64, reason: i64, rang: bool, caller: &str, callee: &str) -> Part {
    match join {
        codes::RECORDING => Part::System,
        _ if codes::is_bridge(caller) => Part::System,
        codes::TRANSFER if reason == codes::REASON_BLIND_TRANSFER || rang => Part::Onward,
        codes::PARK if reason == codes::REASON_PARK_REVERSION => Part::Onward,
        codes::TRANSFER | codes::CONFERENCE => Part::Continued,
        // From the IVR (c00…) into the conference.
        codes::CONFERENCE_NOW if callee.starts_with('b') && codes::is_bridge(callee) => Part::Continued,
        _ => Part::Whole,
    }
}

fn side<'a>(
    fields: &columns::Fields<'a>,
    device: Field,
    user: Field,
    protocol: Field,
    [address, ip]: [Field; 2],
    link: Option<i64>,
    node: Field,
) -> Result<Side<'a>, (Reject, &'static str)> {
    let name = fields.text(device);
    let kind = codes::side_kind(name, fields.code(protocol, "protocol id")?);
    // An H.323 or SIP peer without a name is known by its address: the text where there is one.
    let device = match (name, fields.text(address)) {
        ("", "") if kind == super::SideKind::Trunk => fields.text(ip),
        ("", text) if kind == super::SideKind::Trunk => text,
        (name, _) => name,
    };
    // 0 is none.
    Ok(Side { device, user: fields.text(user), kind, link, node: fields.text(node).trim_start_matches('0') })
}

/// CUCM writes an IPv4 address as a signed number with its bytes reversed: −1139627840 is 192.168.18.188.
pub fn ipv4(number: i64) -> Option<Ipv4Addr> {
    let bits = u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(|n| n as u32))?;
    Some(Ipv4Addr::from(bits.swap_bytes()))
}

#[cfg(test)]
mod tests;
