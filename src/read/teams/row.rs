//! What a row means, whether it came as CSV or as JSON: parties, outcome, part, and which rows of a file are one call.
//! It knows neither columns nor properties.

use std::collections::HashMap;

use super::kind::Kind;
use super::time::{TICKS, moment};
use crate::leg::{Direction, Outcome, Part, RedirectReason};
use crate::read::field::Refusal;
use crate::read::{RawRecord, RawTime, RecordId, Reject, Side, SideKind, hash, link};

/// Which of the two reports a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    Pstn,
    DirectRouting,
}

impl Report {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pstn => "pstn",
            Self::DirectRouting => "direct-routing",
        }
    }
}

/// A row in Microsoft's own words; blank where it has none.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub report: Report,
    /// UsageId, or Graph's id. The CSV of Direct Routing has none.
    pub id: &'a str,
    /// Call ID, or CorrelationId.
    pub call: &'a str,
    /// Shared correlation ID, or transferorCorrelationId.
    pub shared: &'a str,
    pub object_id: &'a str,
    pub upn: &'a str,
    pub kind: &'a str,
    pub invite: &'a str,
    pub start: &'a str,
    pub failure: &'a str,
    pub end: &'a str,
    /// Whole seconds; believed only where the times say nothing.
    pub duration: Option<i64>,
    pub success: Option<bool>,
    pub caller: &'a str,
    pub callee: &'a str,
    /// The session border controller's name.
    pub trunk: &'a str,
    pub sip_code: Option<i64>,
    pub subcode: Option<i64>,
    pub charge_micros: Option<i64>,
    pub fee_micros: Option<i64>,
    pub currency: &'a str,
}

/// "Completed elsewhere": a ring of the same call at another endpoint, and no missed call (formats page 2.4.4).
const COMPLETED_ELSEWHERE: i64 = 540_200;

/// Seconds for which equal call ids are one call: Microsoft does not promise that they are unique.
const BUCKET: i64 = 8 * 86_400;

/// What a row says by itself.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    kind: Kind,
    started: i64,
    ring_s: Option<i32>,
    talk_s: i32,
    outcome: Outcome,
    is_elsewhere: bool,
    call: u64,
}

impl Row<'_> {
    /// `not_from`: seconds UTC from which on no row of the file can be.
    ///
    /// # Errors
    /// The row means nothing.
    pub fn facts(&self, not_from: i64) -> Result<Facts, Refusal> {
        let kind = Kind::of(self.kind);
        let time = |text, detail| moment(text).map_err(|()| (Reject::BadTime, detail));
        let invite = time(self.invite, "the invite time is no ISO time in UTC")?;
        let start = time(self.start, "the start time is no ISO time in UTC")?;
        let failure = time(self.failure, "the failure time is no ISO time in UTC")?;
        let end = time(self.end, "the end time is no ISO time in UTC")?;
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            return Err((Reject::BadTime, "it ends before it starts"));
        }
        let talked = seconds(start, end)?;
        let (began, ring_s, talk_s, outcome) = match self.report {
            Report::Pstn => {
                let duration = self.duration.unwrap_or(0);
                let duration = i32::try_from(duration).map_err(|_| (Reject::BadNumber, "duration"))?.max(0);
                // Under a second is an answer too; no time at all is no proof of one.
                let is_connected = duration > 0 || start.zip(end).is_some_and(|(start, end)| end > start);
                let talk_s = if end == start || end.is_none() { duration } else { talked.unwrap_or(0) };
                (start, None, talk_s, if is_connected { Outcome::Answered } else { Outcome::Unknown })
            }
            Report::DirectRouting => {
                let began = invite.or(start).or(failure);
                match self.success.ok_or((Reject::Missing, "success"))? {
                    true => (began, seconds(invite, start)?, talked.unwrap_or(0), Outcome::Answered),
                    false => (began, seconds(invite, failure.or(end))?, 0, unanswered(self.sip_code, self.subcode)),
                }
            }
        };
        let started = began.ok_or((Reject::BadTime, "no start time"))?.div_euclid(TICKS);
        if started >= not_from {
            return Err((Reject::BadTime, "it starts days after the file itself"));
        }
        let is_elsewhere = outcome != Outcome::Answered && self.subcode == Some(COMPLETED_ELSEWHERE);
        Ok(Facts { kind, started, ring_s, talk_s, outcome, is_elsewhere, call: self.call(started)? })
    }

    /// What all rows of one call share.
    fn call(&self, started: i64) -> Result<u64, Refusal> {
        Ok(match self.report {
            Report::Pstn if self.id.is_empty() => return Err((Reject::Missing, "UsageId")),
            Report::Pstn if self.call.is_empty() => hash(&[b"id", self.id.as_bytes()]),
            Report::Pstn => hash(&[b"call", self.call.as_bytes(), &started.div_euclid(BUCKET).to_le_bytes()]),
            Report::DirectRouting if self.call.is_empty() => return Err((Reject::Missing, "CorrelationId")),
            // The rows of one call share the correlation id, or have the first one's as their shared one.
            Report::DirectRouting => {
                let shared = if self.shared.is_empty() { self.call } else { self.shared };
                hash(&[b"correlation", shared.as_bytes()])
            }
        })
    }

    /// The user by an id that lasts: the directory's, else the login name, which changes with the person's name. In
    /// lower case: the reports do not agree on it.
    fn user(&self, user: &mut String) {
        let is_id = self.object_id.bytes().any(|b| !matches!(b, b'0' | b'-'));
        user.clear();
        user.push_str(if is_id { self.object_id } else { self.upn });
        user.make_ascii_lowercase();
    }

    /// # Errors
    /// The row means nothing.
    pub fn record<'a>(
        &'a self,
        line: u64,
        not_from: i64,
        linked: &Linked,
        scratch: &'a mut Scratch,
    ) -> Result<RawRecord<'a>, Refusal> {
        let facts = self.facts(not_from)?;
        let Scratch { user, id } = scratch;
        self.user(user);
        let user = user.as_str();
        if self.id.is_empty() {
            self.composed(user, id);
        } else {
            id.clear();
            id.push_str(self.id);
        }
        let handed_on = linked.flags(facts.call, user);
        let (outcome, redirect, redirect_reason) = match (facts.kind, facts.outcome) {
            // The user's own forwarding took this call: the forwarded row of this file was connected. Who transferred a call
            // has had it all the same.
            (Kind::In, Outcome::Answered) if handed_on & (FORWARDED | TRANSFERRED) == FORWARDED => {
                (Outcome::Diverted, self.callee, Some(RedirectReason::Other))
            }
            (Kind::Forward, Outcome::Answered) => (Outcome::Diverted, self.caller, Some(RedirectReason::Other)),
            (Kind::Forward, outcome) => (outcome, self.caller, Some(RedirectReason::Other)),
            // An announcement, or whoever the unassigned numbers go to.
            (Kind::Unassigned, Outcome::Answered) => (Outcome::Diverted, "", None),
            (Kind::Transfer, outcome) => (outcome, self.caller, Some(RedirectReason::Transfer)),
            (Kind::Added, outcome) => (outcome, "", Some(RedirectReason::Conference)),
            (_, outcome) => (outcome, "", None),
        };
        let (calling, called) = self.sides(facts.kind, user);
        let charge_micros = match (self.charge_micros, self.fee_micros) {
            (None, None) => None,
            (charge, fee) => Some(charge.unwrap_or(0).saturating_add(fee.unwrap_or(0))),
        };
        Ok(RawRecord {
            line,
            id: RecordId::Vendor(id),
            call: facts.call,
            started: RawTime::Utc(facts.started),
            ring_s: facts.ring_s,
            talk_s: facts.talk_s,
            direction: facts.kind.direction(),
            outcome,
            part: part(&facts, handed_on),
            caller: self.caller,
            // The number that forwarded is not in the row.
            dialled: if facts.kind == Kind::Forward { "" } else { self.callee },
            callee: self.callee,
            redirect,
            redirect_reason,
            calling,
            called,
            hunt_group: "",
            cause: self.sip_code,
            account_code: "",
            charge_micros,
            currency: self.currency,
            vendor_kind: self.kind,
        })
    }

    fn sides<'a>(&'a self, kind: Kind, user: &'a str) -> (Side<'a>, Side<'a>) {
        let trunk = Side { device: self.trunk, kind: SideKind::Trunk, ..Side::default() };
        let service = Side { user, ..Side::default() };
        let person = Side { kind: SideKind::Handset, ..service };
        let (mut calling, mut called) = match kind {
            Kind::In => (trunk, person),
            Kind::Out | Kind::Added | Kind::Transfer => (person, trunk),
            // The user was rung, by way of a trunk or of Teams, and the call left by a trunk.
            Kind::Forward => (Side { device: "", ..trunk }, Side { user, ..trunk }),
            Kind::BridgeIn | Kind::VoiceAppIn | Kind::Unassigned => (trunk, service),
            Kind::BridgeOut | Kind::VoiceAppOut => (service, trunk),
            Kind::Unknown(Some(Direction::Inbound)) => (trunk, person),
            Kind::Unknown(Some(_)) => (person, trunk),
            // Connected, the user took part, whichever side was his; not connected, nothing says that he called.
            Kind::Unknown(None) => (Side::default(), service),
        };
        if self.report == Report::DirectRouting {
            calling.link = link(self.call);
            called.link = link(self.shared);
        }
        (calling, called)
    }

    /// What tells one row of the Direct Routing CSV from another: several rows of a call share the correlation id.
    fn composed(&self, user: &str, id: &mut String) {
        id.clear();
        let end = if moment(self.end) == Ok(None) { self.failure } else { self.end };
        for (n, part) in
            [self.call, self.invite, self.start, end, self.caller, self.callee, user, self.kind].into_iter().enumerate()
        {
            if n > 0 {
                id.push('|');
            }
            id.push_str(part);
        }
    }
}

/// Text that a record borrows and no row holds; used again for the next.
#[derive(Default)]
pub struct Scratch {
    user: String,
    id: String,
}

/// Seconds between two moments; `None` where one is missing or they are the wrong way round.
fn seconds(from: Option<i64>, to: Option<i64>) -> Result<Option<i32>, Refusal> {
    let ticks = from.zip(to).map(|(from, to)| to - from).filter(|ticks| *ticks >= 0);
    ticks.map(|ticks| i32::try_from(ticks / TICKS).map_err(|_| (Reject::BadTime, "it lasts for years"))).transpose()
}

/// By the final SIP code (RFC 3261, section 21).
fn unanswered(sip_code: Option<i64>, subcode: Option<i64>) -> Outcome {
    match sip_code.unwrap_or(0) {
        _ if subcode == Some(COMPLETED_ELSEWHERE) => Outcome::NoAnswer,
        486 | 600 => Outcome::Busy,
        487 => Outcome::Abandoned,
        408 | 480 | 603 => Outcome::NoAnswer,
        300..=699 => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

fn part(facts: &Facts, handed_on: u8) -> Part {
    match facts.kind {
        // The bridge's own legs. Who is in the meeting, no row says.
        Kind::BridgeIn | Kind::BridgeOut => Part::System,
        // Not for what a user dials: that he dialled is use, whatever became of it.
        Kind::In | Kind::VoiceAppIn | Kind::Unassigned | Kind::Forward if facts.is_elsewhere => Part::Continued,
        Kind::Unknown(Some(Direction::Inbound)) if facts.is_elsewhere => Part::Continued,
        // The row of the call that came in has counted the demand, or the use. A call from a Teams user has no row.
        Kind::Forward if handed_on & CAME_IN != 0 => Part::Continued,
        Kind::Forward => Part::Onward,
        Kind::Transfer if handed_on & ANSWERED_IN != 0 => Part::Onward,
        _ => Part::Whole,
    }
}

/// A row of the call came in for the user.
const CAME_IN: u8 = 1;
/// And was connected.
const ANSWERED_IN: u8 = 2;
/// The user's forwarding was connected.
const FORWARDED: u8 = 4;
/// The user handed the call on.
const HANDED_ON: u8 = 8;
/// And did so in person.
const TRANSFERRED: u8 = 16;

/// The calls of a file that a user of theirs handed on: a row cannot be judged without the others.
#[derive(Default)]
pub struct Linked {
    users: HashMap<u64, u8>,
    scratch: String,
}

impl Linked {
    pub fn see(&mut self, row: &Row<'_>, facts: &Facts) {
        let is_answered = facts.outcome == Outcome::Answered;
        let flags = match facts.kind {
            Kind::In if is_answered => CAME_IN | ANSWERED_IN,
            Kind::In => CAME_IN,
            Kind::Forward if is_answered => FORWARDED | HANDED_ON,
            Kind::Forward => HANDED_ON,
            Kind::Transfer => TRANSFERRED | HANDED_ON,
            _ => return,
        };
        row.user(&mut self.scratch);
        if !self.scratch.is_empty() {
            *self.users.entry(key(facts.call, &self.scratch)).or_default() |= flags;
        }
    }

    /// Forgets the calls that nobody handed on.
    pub fn finish(mut self) -> Self {
        self.users.retain(|_, flags| *flags & HANDED_ON != 0);
        self.users.shrink_to_fit();
        self
    }

    fn flags(&self, call: u64, user: &str) -> u8 {
        self.users.get(&key(call, user)).copied().unwrap_or(0)
    }
}

fn key(call: u64, user: &str) -> u64 {
    hash(&[&call.to_le_bytes(), user.as_bytes()])
}
