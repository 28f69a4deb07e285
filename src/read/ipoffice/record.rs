//! What the fields of one record mean. Which call it is of, and what part of it, `calls` has settled.

use std::borrow::Cow;

use super::calls::Calls;
use super::line::{Kind, Line, Party};
use crate::leg::{Direction, Outcome, Part, RedirectReason};
use crate::read::{RawRecord, RawTime, RecordId, Side, SideKind, Sink};

/// So many digits are no extension.
const OUTSIDE_DIGITS: usize = 7;

/// Gives the line to `sink`. `bare` is the record's text.
pub(super) fn give(calls: &Calls, number: u64, line: &Line<'_>, bare: &[u8], sink: &mut dyn Sink) {
    let (calling, called) = line.sides();
    let (who, why) = line.causes();
    let group = if who == "HG" { String::from_utf8_lossy(line.targeter) } else { Cow::Borrowed("") };
    let dialled = match if line.dialled.is_empty() { line.called } else { line.dialled } {
        // Dialled by name: the extension, where one was reached.
        "" if !line.incoming => called.extension(),
        dialled => dialled,
    };
    let callee = match called.kind {
        Kind::Handset => called.extension(),
        Kind::Trunk if line.is_forwarded() && !line.targeted.is_empty() => line.targeted,
        // Nobody's number: a bridge.
        Kind::Conference => "",
        _ => line.called,
    };
    let redirect = match called.kind {
        Kind::Trunk if line.is_forwarded() => [line.called, dialled]
            .into_iter()
            .find(|number| !number.is_empty() && *number != callee)
            .unwrap_or_default(),
        _ if line.is_twin() => calling.extension(),
        _ => "",
    };
    sink.record(&RawRecord {
        line: number,
        id: RecordId::Text(bare),
        call: calls.call(line),
        started: RawTime::Local(line.start),
        ring_s: Some(line.ring_s),
        talk_s: if called.kind == Kind::Nothing { 0 } else { line.connected_s },
        direction: direction(line, calling, called),
        outcome: outcome(line, called),
        part: part(calls.part(number, line), calling, called),
        caller: caller(line, calling),
        dialled,
        callee,
        redirect,
        redirect_reason: reason(who, why),
        calling: side(calling, calls.link(line, 0)),
        called: side(called, calls.link(line, 1)),
        hunt_group: &group,
        cause: None,
        account_code: if line.account.is_empty() { line.authorisation } else { line.account },
        charge_micros: line.charge,
        currency: line.currency,
        vendor_kind: line.cause,
    });
}

fn side<'a>(party: Party<'a>, link: Option<i64>) -> Side<'a> {
    let kind = match party.kind {
        Kind::Handset => SideKind::Handset,
        Kind::Trunk => SideKind::Trunk,
        Kind::Voicemail => SideKind::Voicemail,
        Kind::Nothing | Kind::Conference | Kind::Other => SideKind::Unknown,
    };
    Side { device: party.device, user: "", kind, link, node: "" }
}

/// A bridge, the voicemail or another device of the platform that calls one of its kind is nobody's use.
fn part(part: Part, calling: Party<'_>, called: Party<'_>) -> Part {
    let is_inner = |party: Party<'_>| matches!(party.kind, Kind::Voicemail | Kind::Conference | Kind::Other);
    if is_inner(calling) && is_inner(called) { Part::System } else { part }
}

/// Field 4; SIP may put an address behind it. An own extension may be blank there (blocked dialling, conference) and is
/// known by its device; not so with a twin, which the platform calls.
fn caller<'a>(line: &Line<'a>, calling: Party<'a>) -> &'a str {
    let number = line.caller.split_once('@').map_or(line.caller, |(number, _)| number);
    if !number.is_empty() || line.incoming || line.is_twin() {
        return number;
    }
    calling.extension()
}

/// Fields 5 and 9 where they can be believed: a call to the voicemail is marked as external though no trunk is in it
/// (seen in genuine files), and blocked dialling as internal though the number is an outside one.
fn direction(line: &Line<'_>, calling: Party<'_>, called: Party<'_>) -> Option<Direction> {
    let number = if line.dialled.is_empty() { line.called } else { line.dialled };
    let trunks = [calling, called].map(|party| party.kind == Kind::Trunk);
    let is_feature = number.starts_with(['*', '#']);
    match (line.internal, line.incoming, called.kind) {
        (true, _, Kind::Nothing) if number.bytes().filter(u8::is_ascii_digit).count() >= OUTSIDE_DIGITS => {
            Some(Direction::Outbound)
        }
        (true, ..) => Some(Direction::Internal),
        (false, ..) if trunks == [true, true] => None,
        (false, true, _) => Some(Direction::Inbound),
        (false, false, Kind::Nothing) if is_feature || number.is_empty() => None,
        (false, false, Kind::Trunk | Kind::Nothing) => Some(Direction::Outbound),
        (false, false, _) if trunks == [false, false] => Some(Direction::Internal),
        (false, false, _) => None,
    }
}

/// The record knows no busy and does not say who gave up: unanswered is `no_answer` wherever something rang.
fn outcome(line: &Line<'_>, called: Party<'_>) -> Outcome {
    match called.kind {
        // A tone: something happened, but nobody was there.
        Kind::Nothing if line.connected_s > 0 => Outcome::Unknown,
        Kind::Nothing if line.called.is_empty() && line.dialled.is_empty() => Outcome::Abandoned,
        Kind::Nothing => Outcome::Failed,
        Kind::Voicemail if line.is_answered() => Outcome::Voicemail,
        Kind::Voicemail => Outcome::Abandoned,
        _ if line.is_answered() => Outcome::Answered,
        _ => Outcome::NoAnswer,
    }
}

/// The manual's letters for who sent the call out and why.
fn reason(who: &str, why: &str) -> Option<RedirectReason> {
    match (who, why) {
        (_, "fu" | "fdnd") => Some(RedirectReason::ForwardAll),
        (_, "fb") => Some(RedirectReason::ForwardBusy),
        (_, "fnr") => Some(RedirectReason::ForwardNoAnswer),
        (_, "XfP" | "Xfd") => Some(RedirectReason::Transfer),
        (_, "CfP" | "Cfd") => Some(RedirectReason::Conference),
        (_, "MT" | "TW") | ("AA" | "ICR", _) => Some(RedirectReason::Other),
        ("HG", _) => Some(RedirectReason::Hunt),
        _ => None,
    }
}
