//! One line to one raw record: what the items mean. Columns, days and the parts of long calls are settled before.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDateTime, TimeDelta};

use super::Settled;
use super::joins::Before;
use super::layout::{Columns, Item};
use crate::layout::SecDur;
use crate::leg::{Direction, Outcome, Part, RedirectReason};
use crate::read::field::Refusal;
use crate::read::{RawRecord, RawTime, RecordId, Reject, Side, SideKind, Sink, hash};

/// A line cut into its items.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub date: &'a str,
    /// Second of the day, to the minute.
    pub ended: Option<i32>,
    pub length: Length,
    code: &'a str,
    pub calling: Cow<'a, str>,
    /// Calling number if one was received, else the incoming trunk's access code.
    pub clg: &'a str,
    pub dialled: &'a str,
    vdn: &'a str,
    /// Access codes of the trunks in and out, as their items have them.
    pub in_code: &'a str,
    pub out_code: &'a str,
    code_dial: &'a str,
    /// Trunk members, in and out; 0 where blank.
    pub circuits: [u32; 2],
    account: &'a str,
    authorisation: &'a str,
    pub ucid: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Known(i32),
    /// `9999`: the clock was changed during the call.
    Lost,
    Blank,
}

impl Length {
    pub fn seconds(self) -> Option<i32> {
        if let Self::Known(seconds) = self { Some(seconds) } else { None }
    }
}

/// How a line relates to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// May be the end of others.
    Call,
    /// Ten hours of a call that goes on.
    Period,
    /// Time to answer of a call that has a record of its own.
    Ring,
    /// Complete by itself.
    Alone,
}

/// Cuts a line, without the blanks that begin every record, into its items.
///
/// # Errors
/// What must be digits is not, what must be blank is not: the line is not of this layout, or damaged.
pub(super) fn cut<'a>(columns: &Columns, rotated: bool, sec_dur: SecDur, text: &'a str) -> Result<Call<'a>, Refusal> {
    if text.len() > columns.width - columns.lead {
        return Err((Reject::WrongShape, "longer than the layout"));
    }
    if !columns.parted(text) {
        return Err((Reject::WrongShape, "text where the layout has a blank"));
    }
    let number = |item| {
        let field = columns.field(item, text);
        if field.contains(' ') { Err((Reject::WrongShape, "a blank within a number")) } else { Ok(field) }
    };
    let code = columns.field(Item::CondCode, text);
    if !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err((Reject::WrongShape, "condition code"));
    }
    let date = columns.field(Item::Date, text);
    if columns.has(Item::Date) && (date.len() != 6 || !all_digits(date)) {
        return Err(if date.is_empty() { (Reject::Missing, "date") } else { (Reject::WrongShape, "date") });
    }
    let ucid = number(Item::Ucid)?;
    Ok(Call {
        date,
        ended: if columns.has(Item::Time) { Some(clock(columns.field(Item::Time, text))?) } else { None },
        length: length(columns, sec_dur, text)?,
        code,
        calling: match columns.has(Item::CallingNumRest) {
            false => Cow::Borrowed(number(Item::CallingNum)?),
            true => Cow::Owned([number(Item::CallingNumFirst)?, number(Item::CallingNumRest)?].concat()),
        },
        clg: number(Item::ClgNumInTac)?,
        dialled: number(Item::DialedNum)?,
        vdn: number(Item::Vdn)?,
        in_code: number(Item::InTrkCode)?,
        out_code: number(Item::CodeUsed)?,
        code_dial: number(Item::CodeDial)?,
        circuits: [
            match columns.has(Item::InCrtIdRest) {
                false => circuit(columns.verbatim(Item::InCrtId, text), rotated),
                true => circuit(
                    &[columns.verbatim(Item::InCrtIdFirst, text), columns.verbatim(Item::InCrtIdRest, text)].concat(),
                    false,
                ),
            },
            circuit(columns.verbatim(Item::OutCrtId, text), rotated),
        ],
        account: columns.field(Item::AcctCode, text),
        authorisation: columns.field(Item::AuthCode, text),
        ucid: if ucid.bytes().all(|b| b == b'0') { "" } else { ucid },
    })
}

/// `HHMM` as the second of the day.
fn clock(field: &str) -> Result<i32, Refusal> {
    match field.as_bytes() {
        [] => Err((Reject::Missing, "time")),
        _ if field.len() != 4 || !all_digits(field) => Err((Reject::WrongShape, "time")),
        [h, hh, m, mm] => {
            let (hour, minute) = (two(*h, *hh), two(*m, *mm));
            if hour < 24 && minute < 60 {
                Ok(hour * 3600 + minute * 60)
            } else {
                Err((Reject::BadTime, "no such time of day"))
            }
        }
        _ => Err((Reject::WrongShape, "time")),
    }
}

/// `sec-dur` where it is there, else `duration`: hours, minutes and tenths of a minute.
fn length(columns: &Columns, sec_dur: SecDur, text: &str) -> Result<Length, Refusal> {
    let (exact, coarse) = (columns.field(Item::SecDur, text), columns.field(Item::Duration, text));
    if !all_digits(exact) || !all_digits(coarse) {
        return Err((Reject::WrongShape, "duration"));
    }
    let bad = (Reject::BadNumber, "duration");
    match (exact.as_bytes(), coarse.as_bytes()) {
        ([], []) => Ok(Length::Blank),
        ([], b"9999") => Ok(Length::Lost),
        ([], [h, m, mm, tenth]) => {
            let (hours, minutes, tenths) = (two(b'0', *h), two(*m, *mm), two(b'0', *tenth));
            if minutes < 60 { Ok(Length::Known(hours * 3600 + minutes * 60 + tenths * 6)) } else { Err(bad) }
        }
        ([], _) => Err((Reject::WrongShape, "duration")),
        (digits, _) if digits.len() > 8 => Err(bad),
        _ => {
            let number: i32 = exact.parse().map_err(|_| bad)?;
            let (hours, minutes, seconds) = (number / 10_000, number / 100 % 100, number % 100);
            match sec_dur {
                SecDur::Seconds => Ok(Length::Known(number)),
                SecDur::Hms if minutes < 60 && seconds < 60 => Ok(Length::Known(hours * 3600 + minutes * 60 + seconds)),
                SecDur::Hms => Err(bad),
            }
        }
    }
}

/// A trunk member. Some formats print its hundreds last (formats page 3.10: 123 as 231).
fn circuit(field: &str, rotated: bool) -> u32 {
    let turned = match field.as_bytes() {
        [tens, ones, hundreds] if rotated => [*hundreds, *tens, *ones],
        _ => return field.trim_matches(' ').parse().unwrap_or(0),
    };
    std::str::from_utf8(&turned).map_or(0, |text| text.trim_matches(' ').parse().unwrap_or(0))
}

impl Call<'_> {
    pub fn kind(&self) -> Kind {
        match self.code {
            "4" => Kind::Period,
            "G" => Kind::Ring,
            "6" | "E" | "F" | "H" | "I" => Kind::Alone,
            _ => Kind::Call,
        }
    }

    /// Condition 6 without any party: the switch lost records, and says when.
    pub fn is_notice(&self) -> bool {
        self.code == "6"
            && [&*self.calling, self.clg, self.dialled, self.in_code, self.out_code].into_iter().all(str::is_empty)
    }

    /// Letters that only the 59-character format has, and codes that it never has.
    pub fn is_of_59(&self) -> Option<bool> {
        match self.code {
            "D" | "L" | "N" => Some(true),
            "1" | "4" | "6" | "7" | "8" | "9" | "C" => Some(false),
            _ => None,
        }
    }

    /// Which way the condition code says the call went.
    fn way(&self) -> Option<Direction> {
        match self.code {
            "0" => Some(Direction::Internal),
            "7" | "8" | "A" | "B" => Some(Direction::Outbound),
            "9" | "G" | "H" | "I" | "J" => Some(Direction::Inbound),
            _ => None,
        }
    }

    /// Access code of the trunk the call came in by. Where no item is for it alone it stands in place of the number: in
    /// `clg-num/in-tac` if none was received, in `calling-num` in the standard formats. It has up to four characters.
    fn trunk_in(&self, columns: &Columns) -> &str {
        let bare = self.way() == Some(Direction::Inbound) && !columns.has(Item::InTrkCode);
        let is_short = |field: &&str| bare && (1..=4).contains(&field.len());
        let fields = [&*self.calling, self.clg];
        match self.way() {
            Some(Direction::Internal) => "",
            _ if !self.in_code.is_empty() => self.in_code,
            _ => {
                let marked = fields.into_iter().find(|field| is_access_code(field));
                marked.or_else(|| fields.into_iter().find(is_short)).unwrap_or_default()
            }
        }
    }

    /// Access code of the trunk it left by: the one dialled, where the one used is blank because it is the same. Not so
    /// with AAR/ARS, where a feature's code is dialled.
    fn trunk_out(&self) -> &str {
        match self.way() {
            Some(Direction::Internal) => "",
            Some(Direction::Outbound) if self.out_code.is_empty() && self.code != "7" => self.code_dial,
            _ => self.out_code,
        }
    }

    fn outcome(&self, precise: bool) -> Outcome {
        match (self.code, self.length) {
            ("6" | "E" | "F", _) => Outcome::Failed,
            ("H", _) => Outcome::Abandoned,
            ("I", _) => Outcome::Busy,
            ("G", _) => Outcome::Answered,
            // Under six seconds `duration` is 0, answered or not.
            (_, Length::Known(0)) if precise => Outcome::NoAnswer,
            (_, Length::Known(0) | Length::Blank) => Outcome::Unknown,
            _ => Outcome::Answered,
        }
    }
}

/// Extensions and outside numbers never begin so.
fn is_access_code(field: &str) -> bool {
    field.starts_with(['#', '*'])
}

/// Gives a line to `sink` as a record, or says why it is none.
pub(super) fn read(
    settled: &Settled,
    number: u64,
    text: &str,
    call: &Call<'_>,
    sink: &mut dyn Sink,
) -> Result<(), Refusal> {
    let columns = &settled.columns;
    let day = settled.days.ended(number, call.date)?;
    let before = settled.joins.before(number);
    let trunks = [call.trunk_in(columns), call.trunk_out()];
    let is_number = |field: &&str| !field.is_empty() && *field != trunks[0] && !is_access_code(field);
    let station = Some(&*call.calling).filter(is_number).unwrap_or_default();
    let direction = match call.way() {
        // Incoming or tandem; of the others that come in, the record tells of a station of ours.
        Some(Direction::Inbound) if !trunks[1].is_empty() && matches!(call.code, "9" | "J") => Some(Direction::Tandem),
        // A station that called is never hidden behind a trunk.
        Some(Direction::Outbound) if !trunks[0].is_empty() && station.is_empty() => Some(Direction::Tandem),
        way => way,
    };
    let caller = match direction {
        Some(Direction::Inbound | Direction::Tandem) => [call.clg, station],
        _ => [station, call.clg],
    };
    let caller = caller.into_iter().find(is_number).unwrap_or_default();
    let asked_vdn = !call.vdn.is_empty() && !matches!(direction, Some(Direction::Outbound | Direction::Tandem));
    let outcome = call.outcome(!columns.field(Item::SecDur, text).is_empty());
    let outcome = if before.talk_s > 0 && outcome == Outcome::Unknown { Outcome::Answered } else { outcome };
    let seconds = call.length.seconds();
    let (ring_s, talk_s) = match call.code {
        "G" | "H" => (seconds, 0),
        "6" | "E" | "F" | "I" => (None, 0),
        _ => (before.ring_s, seconds.unwrap_or(0).saturating_add(before.talk_s)),
    };
    let [calling, called] = sides(direction, trunks, caller);
    let started = started(call, day.into(), before)?;
    sink.record(&RawRecord {
        line: number,
        id: RecordId::Text(text.as_bytes()),
        call: match call.ucid {
            "" => hash(&[text.as_bytes(), &day.num_days_from_ce().to_le_bytes()]),
            ucid => hash(&[b"ucid", ucid.as_bytes()]),
        },
        started: RawTime::Local(started),
        ring_s,
        talk_s,
        direction,
        outcome,
        part: if settled.joins.is_onward(number) { Part::Onward } else { Part::Whole },
        caller,
        dialled: if asked_vdn { call.vdn } else { call.dialled },
        callee: call.dialled,
        redirect: "",
        redirect_reason: match call.code {
            "C" => Some(RedirectReason::Conference),
            "T" => Some(RedirectReason::Other),
            _ if asked_vdn => Some(RedirectReason::Queue),
            _ => None,
        },
        calling,
        called,
        hunt_group: call.vdn,
        cause: None,
        account_code: if call.account.is_empty() { call.authorisation } else { call.account },
        charge_micros: None,
        currency: "",
        vendor_kind: call.code,
    });
    Ok(())
}

/// The time in the record is the end. Without one, the day is all there is.
fn started(call: &Call<'_>, day: NaiveDateTime, before: Before) -> Result<NaiveDateTime, Refusal> {
    let Some(ended) = call.ended else { return Ok(day) };
    let lasted = [call.length.seconds(), Some(before.talk_s), before.ring_s].into_iter().flatten().map(i64::from).sum();
    let started = day.checked_add_signed(TimeDelta::seconds(i64::from(ended)));
    let started = started.and_then(|ended| ended.checked_sub_signed(TimeDelta::seconds(lasted)));
    started.ok_or((Reject::BadTime, "no such day"))
}

/// Who stood at either end. Where the code does not say which way the call went, the trunks do, and the end that has
/// none is a station of ours if the other has one.
fn sides<'a>(direction: Option<Direction>, [from, to]: [&'a str; 2], caller: &str) -> [Side<'a>; 2] {
    let trunk = |device: &'a str| match device {
        "" => Side::default(),
        device => Side { device, kind: SideKind::Trunk, ..Side::default() },
    };
    let station = Side { kind: SideKind::Handset, ..Side::default() };
    match direction {
        Some(Direction::Internal) => [station, station],
        Some(Direction::Outbound) => [station, trunk(to)],
        Some(Direction::Inbound) => [trunk(from), station],
        Some(Direction::Tandem | Direction::Unknown) => [trunk(from), trunk(to)],
        None => match (from.is_empty(), to.is_empty()) {
            (false, true) => [trunk(from), station],
            (true, false) if !caller.is_empty() => [station, trunk(to)],
            _ => [trunk(from), trunk(to)],
        },
    }
}

fn all_digits(field: &str) -> bool {
    field.bytes().all(|b| b.is_ascii_digit())
}

/// The number that two digits make.
fn two(tens: u8, ones: u8) -> i32 {
    i32::from(tens.saturating_sub(b'0')) * 10 + i32::from(ones.saturating_sub(b'0'))
}
