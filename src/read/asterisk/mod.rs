//! Asterisk call detail records: Master.csv of `cdr_csv` (16 to 21 columns, no header), the same per account code, and
//! what `cdr_custom` writes, where the configuration names its columns. `columns` finds the columns, `channel` reads the
//! names of channels, `calls` which record counts for whom; this says what the fields mean.
//!
//! Sources: Asterisk's `cdr_csv.c`, `cdr.c` and cdr.conf.sample (formats page 5.1).

mod calls;
mod channel;
mod columns;
pub(super) mod recent;

use std::collections::HashSet;
use std::io::BufRead;

use chrono::{Days, NaiveDate, NaiveDateTime};

use super::field::{Fields, Refusal, plain, seconds, stamp};
use super::{
    About, Block, Decoder, Likelihood, RawRecord, RawTime, ReadError, Reader, RecordId, Reject, Side, SideKind, Sink,
    Skip, hash, link, next_block,
};
use crate::layout::Layout;
use crate::leg::{Outcome, Part, RedirectReason};
use calls::{Calls, Seen, Survey};
use columns::{Columns, Field, Master, Vote};

/// The reader of format `asterisk-csv`.
pub struct AsteriskCsv;

impl Reader for AsteriskCsv {
    fn id(&self) -> &'static str {
        "asterisk-csv"
    }

    fn sniff(&self, head: &[u8], _name: &str) -> Likelihood {
        let mut fields = Fields::default();
        let mut lines = Block { first_line: 1, bytes: head }.lines().take(50);
        match lines.any(|(_, line)| split(line, &mut fields).is_ok() && columns::is_master(&fields)) {
            true => Likelihood::Sure,
            false => Likelihood::No,
        }
    }

    fn blind_spots(&self) -> &'static str {
        "calls that the dialplan marks NoCDR leave no record, nor do records over a kilobyte; unanswered attempts are there only \
         with `unanswered` or where the dialplan called a phone; a phone is known by its channel, so the register must name \
         it as Asterisk does (PJSIP/101)"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["layout"]
    }

    fn keeps_order(&self) -> bool {
        true
    }

    fn open(&self, text: &mut dyn BufRead, about: &About<'_>) -> Result<Box<dyn Decoder>, ReadError> {
        let given = given(about)?;
        let (mut vote, mut survey, mut trunks) = (Vote::default(), Survey::default(), HashSet::new());
        let (mut fields, mut block, mut next_line, mut fitting) = (Fields::default(), Vec::new(), 1, 0_u64);
        // Before the vote is over, the doubtful column of a line is taken at its word.
        let masters = [false, true].map(columns::every_width);
        while next_block(text, 1 << 20, &mut block)? {
            for (line, bytes) in (Block { first_line: next_line, bytes: &block }).lines() {
                next_line = line + 1;
                if split(bytes, &mut fields).is_err() {
                    continue;
                }
                let columns = match &given {
                    Some(columns) if fits(columns, &fields) => columns,
                    None if columns::is_master(&fields) => {
                        vote.count(&fields);
                        let is_unique = columns::is_unique_id(fields.get(columns::DOUBTFUL));
                        match columns::of_width(&masters[usize::from(is_unique)], fields.len()) {
                            Some(columns) => columns,
                            None => continue,
                        }
                    }
                    _ => continue,
                };
                fitting += 1;
                let view = View { columns, fields: &fields };
                survey.see(&view.seen(line, bytes));
                let peers = channel::targets(view.dialled_data()).filter(|target| !target.number.is_empty());
                for target in peers.filter(|target| channel::is_extension(target.peer)) {
                    if !trunks.contains(target.peer) {
                        trunks.insert(target.peer.to_owned());
                    }
                }
            }
        }
        let layout = match (given, vote.result()) {
            (Some(columns), _) if fitting > 0 => Known::Given(Box::new(columns)),
            (None, Some(master)) => Known::Master(Box::new(master)),
            (given, _) => return Err(refuse(given.is_some())),
        };
        let not_from = about.received_on.checked_add_days(Days::new(3)).unwrap_or(NaiveDate::MAX);
        Ok(Box::new(AsteriskDecoder { layout, calls: survey.finish(), trunks, not_from }))
    }
}

/// The columns that the configuration names.
fn given(about: &About<'_>) -> Result<Option<Columns>, ReadError> {
    let refuse = |what: &str| {
        let hint = "give `layout` as the list of cdr_custom's columns in order, e.g. [\"clid\", \"src\", \"dst\", …]; any word \
                    stands for a column that is not needed";
        Err(ReadError::Refused { what: what.to_owned(), hint })
    };
    let columns = match &about.options.layout {
        None => return Ok(None),
        Some(Layout::Names(names)) => Columns::of(names.iter().map(String::as_str)),
        Some(_) => return refuse("`layout` is no list of column names"),
    };
    match [Field::Start, Field::Dst, Field::Disposition].iter().all(|field| columns.has(*field)) {
        true => Ok(Some(columns)),
        false => refuse("`layout` lacks one of start, dst, disposition"),
    }
}

fn refuse(is_given: bool) -> ReadError {
    match is_given {
        true => ReadError::Refused {
            what: "no line has as many columns as `layout` names, with a time in `start`".into(),
            hint: "compare `layout` with the mapping in cdr_custom.conf; times must be written as 2024-03-01 09:00:00",
        },
        false => ReadError::Refused {
            what: "no line has the times of Master.csv in columns 10 to 12".into(),
            hint: "where cdr_custom wrote the file, name its columns: layout = [\"clid\", \"src\", \"dst\", …]; else check the \
                   source's `format`",
        },
    }
}

fn split(line: &[u8], fields: &mut Fields) -> Result<(), Refusal> {
    fields.split(plain(line).map_err(|(why, _)| (why, "bytes that are no plain text"))?, b',')
}

fn fits(columns: &Columns, fields: &Fields) -> bool {
    fields.len() == columns.width() && stamp(columns.get(fields, Field::Start)).is_some()
}

enum Known {
    Given(Box<Columns>),
    Master(Box<Master>),
}

struct AsteriskDecoder {
    layout: Known,
    calls: Calls,
    /// Peers of two to six digits that numbers are dialled at: trunks, not phones.
    trunks: HashSet<String>,
    /// No record of this file can be from that day on.
    not_from: NaiveDate,
}

impl Decoder for AsteriskDecoder {
    fn options(&self) -> String {
        match &self.layout {
            Known::Given(columns) => format!("layout=given; columns={}", columns.width()),
            Known::Master(master) => format!("layout=master; columns={}; extras={}", master.usual, master.extras()),
        }
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        let mut fields = Fields::default();
        for (line, bytes) in block.lines() {
            if bytes.trim_ascii().is_empty() {
                sink.skip(line, Skip::Blank);
                continue;
            }
            let found = split(bytes, &mut fields).and_then(|()| {
                if is_header(&fields) {
                    sink.skip(line, Skip::Header);
                    return Ok(());
                }
                sink.record(&self.record(line, bytes, &fields)?);
                Ok(())
            });
            if let Err((why, detail)) = found {
                sink.reject(line, why, detail, bytes);
            }
        }
    }
}

/// Asterisk writes none; whoever exports its records may.
fn is_header(fields: &Fields) -> bool {
    let has = |name: &str| (0..fields.len()).any(|at| fields.get(at).eq_ignore_ascii_case(name));
    has("src") && has("dst") && has("disposition")
}

/// One record's fields, as Asterisk means them.
struct View<'f> {
    columns: &'f Columns,
    fields: &'f Fields,
}

impl<'f> View<'f> {
    fn get(&self, field: Field) -> &'f str {
        self.columns.get(self.fields, field)
    }

    fn seen(&self, line: u64, bytes: &[u8]) -> Seen<'f> {
        let outcome = self.outcome();
        Seen {
            line,
            started: stamp(self.get(Field::Start)).map_or(0, |start| start.and_utc().timestamp()),
            text: hash(&[bytes.trim_ascii_end()]),
            unique_id: self.get(Field::UniqueId),
            linked_id: self.get(Field::LinkedId),
            channel: self.get(Field::Channel),
            dstchannel: self.get(Field::DstChannel),
            is_answered: matches!(outcome, Outcome::Answered | Outcome::Voicemail),
            is_voicemail: outcome == Outcome::Voicemail,
            callee: self.callee(),
        }
    }

    fn is_app(&self, name: &str) -> bool {
        self.get(Field::LastApp).eq_ignore_ascii_case(name)
    }

    /// The data of the application, where that is a list of destinations.
    fn dialled_data(&self) -> &'f str {
        if self.is_app("Dial") { self.get(Field::LastData) } else { "" }
    }

    fn outcome(&self) -> Outcome {
        match self.get(Field::Disposition) {
            "ANSWERED" if ["VoiceMail", "VoiceMailMain", "MinivmRecord"].iter().any(|app| self.is_app(app)) => {
                Outcome::Voicemail
            }
            // The queue itself answered, and nobody took the call from it.
            "ANSWERED" if self.is_app("Queue") && self.get(Field::DstChannel).is_empty() => Outcome::NoAnswer,
            "ANSWERED" => Outcome::Answered,
            "NO ANSWER" => Outcome::NoAnswer,
            "BUSY" => Outcome::Busy,
            "FAILED" | "CONGESTION" => Outcome::Failed,
            _ => Outcome::Unknown,
        }
    }

    /// The number that was dialled. `s`, `h`, `i`, `t` and the like are places of the dialplan, feature codes no numbers.
    fn dialled(&self) -> &'f str {
        const PLACES: [&str; 13] = ["s", "h", "i", "t", "T", "o", "O", "a", "e", "fax", "talk", "failed", "~~s~~"];
        let dst = self.get(Field::Dst);
        if PLACES.contains(&dst) || dst.starts_with(['*', '#']) { "" } else { dst }
    }

    /// Where it ended: the number asked of a trunk, the extension a phone is named after, else what was dialled.
    fn callee(&self) -> &'f str {
        let dstchannel = self.get(Field::DstChannel);
        match channel::number_asked(self.dialled_data(), dstchannel) {
            "" => channel::extension_of(dstchannel).unwrap_or(self.dialled()),
            number => number,
        }
    }

    fn time(&self, field: Field, detail: &'static str) -> Result<Option<NaiveDateTime>, Refusal> {
        match self.get(field) {
            // What a database makes of a time that never was.
            "" | "0000-00-00 00:00:00" => Ok(None),
            text => stamp(text).map(Some).ok_or((Reject::BadTime, detail)),
        }
    }

    fn seconds(&self, field: Field, detail: &'static str) -> Result<Option<i32>, Refusal> {
        match self.get(field) {
            "" => Ok(None),
            // cdr_custom can write fractions.
            text => seconds(text.split('.').next().unwrap_or(text)).map(Some).ok_or((Reject::BadNumber, detail)),
        }
    }
}

impl AsteriskDecoder {
    fn record<'a>(&'a self, line: u64, bytes: &'a [u8], fields: &'a Fields) -> Result<RawRecord<'a>, Refusal> {
        let view = match &self.layout {
            Known::Given(columns) if columns.width() == fields.len() => View { columns, fields },
            Known::Given(_) => return Err((Reject::WrongShape, "more or fewer columns than the layout")),
            Known::Master(_) if !columns::has_sequence(fields) => {
                return Err((Reject::WrongShape, "sequence is no number"));
            }
            Known::Master(master) => {
                let columns =
                    master.of(fields.len()).ok_or((Reject::WrongShape, "more or fewer columns than Master.csv"))?;
                View { columns, fields }
            }
        };
        let started = view.time(Field::Start, "start")?.ok_or((Reject::BadTime, "start is blank"))?;
        if started.date() >= self.not_from {
            return Err((Reject::BadTime, "start is days after the file itself"));
        }
        let answered = view.time(Field::Answer, "answer")?;
        let ended = view.time(Field::End, "end")?;
        let between = |to: Option<NaiveDateTime>, from: NaiveDateTime| {
            to.and_then(|to| i32::try_from((to - from).num_seconds()).ok()).filter(|s| *s >= 0)
        };
        let duration = view.seconds(Field::Duration, "duration")?.or_else(|| between(ended, started));
        let talk = view.seconds(Field::BillSec, "billsec")?.or_else(|| answered.and_then(|from| between(ended, from)));
        let own = view.outcome();
        let end = self.calls.end(line);
        let outcome = match end {
            Some(end) if end.is_voicemail && own == Outcome::Answered => Outcome::Voicemail,
            _ => own,
        };
        let is_connected = matches!(outcome, Outcome::Answered | Outcome::Voicemail);
        let talk_s = if is_connected { talk.unwrap_or_default() } else { 0 };
        let ring_s = match is_connected {
            // Two wall clocks an hour apart in the night of the change; the durations know better.
            true => between(answered, started).or_else(|| Some(duration? - talk?).filter(|s| *s >= 0)),
            false => duration,
        };
        let (channel, dstchannel) = (view.get(Field::Channel), view.get(Field::DstChannel));
        let unique_id = view.get(Field::UniqueId);
        let text = bytes.trim_ascii_end();
        let call = [view.get(Field::LinkedId), unique_id].into_iter().find(|id| !id.is_empty());
        let device = match (channel::device(dstchannel), end) {
            ("", Some(end)) => &end.device,
            (device, _) => device,
        };
        let has_end = !dstchannel.is_empty() || outcome == Outcome::Voicemail;
        let queue = if view.is_app("Queue") { first_argument(view.get(Field::LastData)) } else { "" };
        Ok(RawRecord {
            line,
            id: match (self.has_ids(), std::str::from_utf8(text)) {
                // The unique id names the channel, which may have several records: with it the whole line is unique.
                (true, Ok(text)) => RecordId::Vendor(text),
                _ => RecordId::Text(text),
            },
            call: hash(&[call.map_or(text, str::as_bytes)]),
            started: RawTime::Local(started),
            ring_s,
            talk_s,
            direction: None,
            outcome,
            part: match channel::is_service(channel) && !channel::is_real(dstchannel) {
                true => Part::System,
                false => self.calls.part(line, has_end),
            },
            caller: self.caller(&view),
            dialled: view.dialled(),
            callee: match end {
                Some(end) if !end.callee.is_empty() => &end.callee,
                _ => view.callee(),
            },
            redirect: "",
            redirect_reason: (!queue.is_empty()).then_some(RedirectReason::Queue),
            calling: Side {
                device: channel::device(channel),
                link: channel::mark(channel).or_else(|| link(unique_id)),
                ..Side::default()
            },
            called: Side {
                device,
                link: channel::mark(dstchannel),
                // A phone that rang before the voicemail answered stays a phone.
                kind: match device.is_empty() && outcome == Outcome::Voicemail {
                    true => SideKind::Voicemail,
                    false => SideKind::Unknown,
                },
                ..Side::default()
            },
            hunt_group: queue,
            cause: None,
            account_code: view.get(Field::Account),
            charge_micros: None,
            currency: "",
            vendor_kind: view.get(Field::LastApp),
        })
    }

    fn has_ids(&self) -> bool {
        match &self.layout {
            Known::Given(columns) => columns.has(Field::UniqueId),
            Known::Master(master) => master.has_ids,
        }
    }

    /// The extension that the calling phone is named after: the dialplan often puts the main number in its place for
    /// calls to the outside. Else `src`, or the number in `clid`; the name in it is nobody's business.
    fn caller<'f>(&self, view: &View<'f>) -> &'f str {
        let own = channel::extension_of(view.get(Field::Channel)).filter(|peer| !self.trunks.contains(*peer));
        own.unwrap_or_else(|| match view.get(Field::Src) {
            "" => {
                let clid = view.get(Field::Clid);
                clid.rsplit_once('<').and_then(|(_, number)| number.strip_suffix('>')).unwrap_or_default()
            }
            src => src,
        })
    }
}

fn first_argument(data: &str) -> &str {
    data.split([',', '|']).next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests;
