//! FreeSWITCH call detail records: what `mod_cdr_csv` writes by a template, one line a leg, without a header. `template`
//! has the columns, `legs` finds the two legs of a call, `cause` the reasons for hanging up; this says what they mean.
//!
//! Sources: `mod_cdr_csv.c`, cdr_csv.conf.xml and `switch_types.h` (formats page 5.2).

mod cause;
mod legs;
mod template;

use std::io::BufRead;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime};

use super::field::{Refusal, plain, seconds, stamp};
use super::{
    About, Block, Decoder, Likelihood, RawRecord, RawTime, ReadError, Reader, RecordId, Reject, Side, SideKind, Sink,
    Skip, hash, link, next_block,
};
use crate::layout::Layout;
use crate::leg::{Outcome, Part};
use legs::{Legs, Seen, Survey};
use template::{Field, Line, Template};

/// The reader of format `freeswitch-csv`.
pub struct FreeSwitchCsv;

impl Reader for FreeSwitchCsv {
    fn id(&self) -> &'static str {
        "freeswitch-csv"
    }

    fn sniff(&self, head: &[u8], _name: &str) -> Likelihood {
        let templates = template::built_in();
        let block = Block { first_line: 1, bytes: head };
        let is_record = |line: &[u8]| {
            let line = cut(line).ok()?;
            let template = template::of_line(&templates, &line)?;
            Some(is_uuid(template.get(&line, Field::Uuid)))
        };
        match block.lines().take(50).any(|(_, line)| is_record(line) == Some(true)) {
            true => Likelihood::Sure,
            false => Likelihood::No,
        }
    }

    fn blind_spots(&self) -> &'static str {
        "the module records a-legs unless `legs` says otherwise, so of a group only the number dialled is known and not the \
         phone that answered; the default templates name no device, and a call answered by voicemail or a menu looks like any \
         other; calls that set process_cdr=false leave no record"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["layout"]
    }

    fn keeps_order(&self) -> bool {
        true
    }

    fn open(&self, text: &mut dyn BufRead, about: &About<'_>) -> Result<Box<dyn Decoder>, ReadError> {
        let (templates, is_given) = match given(about)? {
            Some(template) => (vec![template], true),
            None => (template::built_in(), false),
        };
        let (mut survey, mut damage) = (Survey::default(), Damage::default());
        let mut votes = vec![0_u64; templates.len()];
        let (mut block, mut next_line) = (Vec::new(), 1);
        while next_block(text, 1 << 20, &mut block)? {
            for (line, bytes) in (Block { first_line: next_line, bytes: &block }).lines() {
                next_line = line + 1;
                let Ok(cut) = cut(bytes) else {
                    damage.see(bytes);
                    continue;
                };
                let Some(template) = template::of_line(&templates, &cut) else { continue };
                if let Some(votes) = votes.iter_mut().zip(&templates).find(|(_, t)| t.name == template.name) {
                    *votes.0 += 1;
                }
                survey.see(&View { template, line: &cut }.seen(line));
            }
        }
        let (votes, usual) =
            votes.iter().zip(&templates).max_by_key(|(votes, _)| **votes).ok_or_else(|| refuse(is_given, &damage))?;
        if *votes == 0 {
            return Err(refuse(is_given, &damage));
        }
        let options = format!("template={}; columns={}", usual.name, usual.width);
        let not_from = about.received_on.checked_add_days(Days::new(3)).unwrap_or(NaiveDate::MAX);
        Ok(Box::new(FreeSwitchDecoder { templates, options, legs: survey.finish(), not_from }))
    }
}

/// The template that the configuration spells out.
fn given(about: &About<'_>) -> Result<Option<Template>, ReadError> {
    let refuse = |what: &str| {
        let hint = "give `layout` as the list of the template's variables in order, e.g. [\"caller_id_name\", \
                    \"caller_id_number\", …]; any word stands for a column that is not needed";
        Err(ReadError::Refused { what: what.to_owned(), hint })
    };
    let template = match &about.options.layout {
        None => return Ok(None),
        Some(Layout::Names(names)) => Template::of("given", names.iter().map(String::as_str)),
        Some(_) => return refuse("`layout` is no list of variable names"),
    };
    match [Field::Start, Field::Destination, Field::Cause].iter().all(|field| template.has(*field)) {
        true => Ok(Some(template)),
        false => refuse("`layout` lacks one of start_stamp, destination_number, hangup_cause"),
    }
}

/// What lines without quotes look like, so that a refusal can say what happened to the file.
#[derive(Default)]
struct Damage {
    inserts: u64,
    unquoted: u64,
}

impl Damage {
    fn see(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        self.inserts += u64::from(line.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"insert")));
        self.unquoted += u64::from(line.split(|b| *b == b',').any(|field| is_uuid_bytes(field.trim_ascii())));
    }
}

fn refuse(is_given: bool, damage: &Damage) -> ReadError {
    let (what, hint) = match () {
        () if damage.inserts > 0 => (
            "the lines are INSERT statements: the template `sql` wrote them",
            "set default-template to `example` in cdr_csv.conf.xml, or read the database's export as another format",
        ),
        () if damage.unquoted > 0 => (
            "the fields have lost their quotes: a spreadsheet program saved this copy",
            "deliver the file as FreeSWITCH wrote it; seconds and long numbers in this copy are lost",
        ),
        () if is_given => (
            "no line has as many columns as `layout` names, with a time in start_stamp",
            "compare `layout` with the template in cdr_csv.conf.xml; every variable must stand in quotes",
        ),
        () => (
            "no line fits a template of mod_cdr_csv (default, example, snom, linksys, asterisk)",
            "where the site has a template of its own, name its variables: layout = [\"caller_id_name\", …]; else check the \
             source's `format`",
        ),
    };
    ReadError::Refused { what: what.into(), hint }
}

fn cut(line: &[u8]) -> Result<Line<'_>, Refusal> {
    Line::cut(plain(line).map_err(|(why, _)| (why, "bytes that are no plain text"))?)
}

fn is_uuid(text: &str) -> bool {
    is_uuid_bytes(text.as_bytes())
}

fn is_uuid_bytes(text: &[u8]) -> bool {
    let is_dash = |at| [8, 13, 18, 23].contains(&at);
    text.len() == 36
        && text.iter().enumerate().all(|(at, b)| if is_dash(at) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

struct FreeSwitchDecoder {
    templates: Vec<Template>,
    options: String,
    legs: Legs,
    /// No record of this file can be from that day on.
    not_from: NaiveDate,
}

impl Decoder for FreeSwitchDecoder {
    fn options(&self) -> String {
        self.options.clone()
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        for (line, bytes) in block.lines() {
            if bytes.trim_ascii().is_empty() {
                sink.skip(line, Skip::Blank);
                continue;
            }
            let found = cut(bytes).and_then(|cut| {
                sink.record(&self.record(line, bytes, &cut)?);
                Ok(())
            });
            if let Err((why, detail)) = found {
                sink.reject(line, why, detail, bytes);
            }
        }
    }
}

/// One record's fields, as FreeSWITCH means them.
struct View<'t, 'l, 'a> {
    template: &'t Template,
    line: &'l Line<'a>,
}

impl<'a> View<'_, '_, 'a> {
    fn get(&self, field: Field) -> &'a str {
        self.template.get(self.line, field)
    }

    fn seen(&self, line: u64) -> Seen<'a> {
        Seen {
            line,
            uuid: self.get(Field::Uuid),
            other: self.get(Field::OtherUuid),
            started: self.get(Field::Start),
            destination: self.get(Field::Destination),
            device: device(self.get(Field::Channel)),
            is_answered: self.answered().is_some(),
        }
    }

    /// Old releases write 1970 for a call that was not answered, and seconds since then as billsec.
    fn answered(&self) -> Option<NaiveDateTime> {
        stamp(self.get(Field::Answer)).filter(|answered| answered.year() > 1970)
    }

    fn time(&self, field: Field, detail: &'static str) -> Result<Option<NaiveDateTime>, Refusal> {
        match self.get(field) {
            "" => Ok(None),
            text => stamp(text).map(Some).ok_or((Reject::BadTime, detail)),
        }
    }

    fn seconds(&self, field: Field, detail: &'static str) -> Result<Option<i32>, Refusal> {
        match self.get(field) {
            "" => Ok(None),
            text => seconds(text).map(Some).ok_or((Reject::BadNumber, detail)),
        }
    }

    fn caller(&self) -> &'a str {
        match self.get(Field::CallerNumber) {
            "" => self
                .get(Field::CallerId)
                .rsplit_once('<')
                .and_then(|(_, number)| number.strip_suffix('>'))
                .unwrap_or_default(),
            number => number,
        }
    }
}

impl FreeSwitchDecoder {
    fn record<'a>(&'a self, line: u64, bytes: &'a [u8], cut: &Line<'a>) -> Result<RawRecord<'a>, Refusal> {
        let template = match template::of_line(&self.templates, cut) {
            Some(template) => template,
            None => return Err(self.misfit(cut)),
        };
        let view = View { template, line: cut };
        let started = view.time(Field::Start, "start_stamp")?.ok_or((Reject::BadTime, "start_stamp is blank"))?;
        if started.date() >= self.not_from {
            return Err((Reject::BadTime, "start_stamp is days after the file itself"));
        }
        let ended = view.time(Field::End, "end_stamp")?;
        let answered = view.answered();
        let between = |to: Option<NaiveDateTime>, from: NaiveDateTime| {
            to.and_then(|to| i32::try_from((to - from).num_seconds()).ok()).filter(|s| *s >= 0)
        };
        let duration = view.seconds(Field::Duration, "duration")?.or_else(|| between(ended, started));
        // A layout without answer_stamp has billsec alone to tell; where there is one, billsec counts only with it.
        let talk = match template.has(Field::Answer) && answered.is_none() {
            true => None,
            false => {
                view.seconds(Field::BillSec, "billsec")?.or_else(|| answered.and_then(|from| between(ended, from)))
            }
        };
        let is_connected = answered.is_some() || talk.is_some_and(|s| s > 0);
        let cause = view.get(Field::Cause);
        let outcome = match is_connected {
            true if view.get(Field::LastApp) == "voicemail" => Outcome::Voicemail,
            true => Outcome::Answered,
            false => cause::unanswered(cause),
        };
        let uuid = view.get(Field::Uuid);
        if template.has(Field::Uuid) && uuid.is_empty() {
            return Err((Reject::Missing, "uuid"));
        }
        let text = bytes.trim_ascii_end();
        let found = self.legs.of(line);
        let (own, other) = (link(uuid), link(view.get(Field::OtherUuid)));
        let [channel, other_channel] = [Field::Channel, Field::OtherChannel].map(|field| device(view.get(field)));
        let side = |device, link| Side { device, link, ..Side::default() };
        // Another destination of the same call was faster.
        let has_lost = cause == cause::LOSE_RACE;
        let (mut calling, mut called) = match found.is_second || has_lost {
            // The leg's own channel is the called one.
            true => (side(other_channel, found.first.or(other)), side(channel, own)),
            false => {
                (side(channel, own), side(if other_channel.is_empty() { found.device } else { other_channel }, other))
            }
        };
        if outcome == Outcome::Voicemail && called.device.is_empty() {
            called.kind = SideKind::Voicemail;
        }
        if calling.link == called.link {
            calling.link = own;
        }
        let dialled = view.get(Field::Destination);
        Ok(RawRecord {
            line,
            id: if uuid.is_empty() { RecordId::Text(text) } else { RecordId::Vendor(uuid) },
            call: match found.first {
                Some(first) => first as u64,
                None => own.map_or_else(|| hash(&[text]), |own| own as u64),
            },
            started: RawTime::Local(started),
            ring_s: match is_connected {
                // Two wall clocks an hour apart in the night of the change; the durations know better.
                true => between(answered, started).or_else(|| Some(duration? - talk?).filter(|s| *s >= 0)),
                false => duration,
            },
            talk_s: if is_connected { talk.unwrap_or_default() } else { 0 },
            direction: None,
            outcome,
            part: match found.is_told {
                true => Part::System,
                // The caller is counted in the record of the call's first leg.
                false if found.is_second || has_lost => Part::Onward,
                false => Part::Whole,
            },
            caller: view.caller(),
            dialled,
            callee: if found.destination.is_empty() { dialled } else { found.destination },
            redirect: "",
            redirect_reason: None,
            calling,
            called,
            hunt_group: "",
            cause: cause::number(cause),
            account_code: view.get(Field::Account),
            charge_micros: None,
            currency: "",
            vendor_kind: cause,
        })
    }

    /// Why a line fits no template, as far as it can be told.
    fn misfit(&self, line: &Line<'_>) -> Refusal {
        match self.templates.iter().find(|template| template.width == line.len()) {
            Some(template) if stamp(template.get(line, Field::Start)).is_none() => (Reject::BadTime, "start_stamp"),
            Some(_) => (Reject::WrongShape, "a time or a duration is not where the template has it"),
            None => (Reject::WrongShape, "more or fewer columns than any template"),
        }
    }
}

/// The device of a channel, where the template names it: `sofia/internal/101@192.0.2.1:5060` is `sofia/internal/101`. A
/// name like an outside number is the call's own, so there it is the profile or the gateway.
fn device(channel: &str) -> &str {
    let Some(profile) = channel.strip_prefix("sofia/").and_then(|rest| rest.split('/').next()) else { return channel };
    let with_profile = "sofia/".len() + profile.len();
    let user = channel.get(with_profile + 1..).unwrap_or_default();
    let (name, _) = user.split_once(['@', '/', ':']).unwrap_or((user, ""));
    let is_number = name.len() > 6 && name.bytes().all(|b| b.is_ascii_digit() || b == b'+');
    let end = match profile {
        _ if is_number || name.is_empty() => with_profile,
        _ => with_profile + 1 + name.len(),
    };
    channel.get(..end).unwrap_or(channel)
}

#[cfg(test)]
mod tests;
