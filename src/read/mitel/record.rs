//! One SMDR line to one raw record: what each field means. Columns and years are settled before.

use chrono::Datelike;

use super::layout::{Layout, Span, blank, digits, trunk};
use super::year::Years;
use super::{Line, two};
use crate::leg::{Direction, Outcome, Part, RedirectReason};
use crate::read::{RawRecord, RawTime, RecordId, Reject, Side, SideKind, Sink, hash};

type Why = (Reject, &'static str);

/// Gives the line to `sink` as a record, or says why it is none.
pub(super) fn read(
    layout: &Layout,
    years: &Years,
    number: u64,
    line: &Line<'_>,
    sink: &mut dyn Sink,
) -> Result<(), Why> {
    let columns = layout.columns;
    let started = {
        let date = line.date().ok_or((Reject::BadTime, "no such date"))?;
        let date = years.date(number, date, line.prefix).ok_or((Reject::BadTime, "no year has this date"))?;
        if !layout.fits(line.text, line.used) {
            return Err((Reject::WrongShape, "columns do not fit the layout (blanks missing?)"));
        }
        let (hour, minute, second) = clock(layout, line.text).ok_or((Reject::BadTime, "no such time of day"))?;
        date.and_hms_opt(hour, minute, second).ok_or((Reject::BadTime, "no such time of day"))?
    };
    let text = std::str::from_utf8(line.text).map_err(|_| (Reject::NotText, "bytes that are no plain text"))?;
    let field = |Span(from, to): Span| trimmed(text.get(from..to).unwrap_or_default());
    let letter = |column: usize| trimmed(text.get(column..column + 1).unwrap_or_default());

    let duration = seconds(field(columns.duration))?;
    let answer = Answer::read(field(layout.answer()))?;
    let call = Call {
        calling: Party::read(field(columns.calling)),
        called: Party::read(field(columns.called)),
        third: Party::read(field(columns.third)),
        digits: field(layout.digits()),
        ani: field(columns.ani),
        asked: [Some(columns.dnis), columns.listed]
            .into_iter()
            .flatten()
            .map(field)
            .find(|f| !f.is_empty())
            .unwrap_or_default(),
        completion: letter(columns.completion),
        forward: letter(columns.forward),
        transfer: letter(columns.transfer),
        answer,
    };
    let direction = call.direction();
    let outcome = call.outcome(direction, duration.is_some());
    let connected = matches!(outcome, Outcome::Answered | Outcome::Diverted);
    // The duration of an incoming call does not hold the time to answer (real ones are shorter than it). Of a call
    // nobody answered it is how long the trunk was held.
    let (ring_s, talk_s) = match answer {
        _ if connected => (answer.seconds(), duration.unwrap_or(0)),
        _ if outcome == Outcome::NoAnswer => (answer.seconds().or(duration), 0),
        _ => (answer.seconds(), 0),
    };
    let parties = call.parties(direction);
    let kind = Kind::new(call.completion, call.transfer);
    let whole = line.text.get(..line.used).unwrap_or(line.text);
    let call_id = columns.call_id.of(line.text);
    let day = started.date().num_days_from_ce().to_le_bytes();
    // The call number has four digits and comes round again: it is one call only within a day.
    let link = |id: Span| Some(id.of(line.text)).filter(|id| !blank(id)).map(|id| hash(&[id, &day]) as i64);
    // A call by two trunks has a record for each. They have one identifier, or one has the other's as associated.
    let own = link(columns.call_id);
    let other = link(columns.associated).or(own);
    sink.record(&RawRecord {
        line: number,
        id: RecordId::Text(whole),
        call: if blank(call_id) { hash(&[whole, &day]) } else { hash(&[call_id, &day]) },
        started: RawTime::Local(started),
        ring_s,
        talk_s,
        direction,
        outcome,
        part: Part::Whole,
        caller: parties.caller,
        dialled: parties.dialled,
        callee: parties.callee,
        redirect: parties.redirect,
        redirect_reason: parties.reason,
        calling: Side { link: own, ..call.calling.side() },
        called: Side { link: other, ..parties.end.side() },
        hunt_group: "",
        cause: None,
        account_code: field(columns.account),
        charge_micros: None,
        currency: "",
        vendor_kind: kind.text(),
    });
    Ok(())
}

/// Without the blanks around it. A dozen fields a line: the library's way, by characters, would cost a tenth of all.
fn trimmed(text: &str) -> &str {
    let bytes = text.as_bytes();
    let start = bytes.iter().position(|b| *b != b' ').unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|b| *b != b' ').map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// Hour, minute and second. In a 12-hour file `P` is the afternoon, and a bare 12 is taken for midnight: noon has its `P`.
fn clock(layout: &Layout, text: &[u8]) -> Option<(u32, u32, u32)> {
    let (hour, minute, second) = match layout.columns.time.of(text) {
        [h, hh, b':', m, mm] => (two(*h, *hh)?, two(*m, *mm)?, 0),
        [h, hh, b':', m, mm, b':', s, ss] => (two(*h, *hh)?, two(*m, *mm)?, two(*s, *ss)?),
        _ => return None,
    };
    let afternoon = text.get(layout.columns.pm).is_some_and(|pm| b"Pp".contains(pm));
    let hour = match hour {
        1..=11 if afternoon => hour + 12,
        0 if afternoon => 12,
        12 if layout.twelve_hours && !afternoon => 0,
        hour => hour,
    };
    Some((hour, minute, second))
}

/// A duration in seconds; none if blank. One too long for its columns is written with nines throughout.
fn seconds(field: &str) -> Result<Option<i32>, Why> {
    if field.is_empty() {
        return Ok(None);
    }
    let bad = (Reject::BadNumber, "duration");
    let parts: Vec<&str> = field.split(':').collect();
    let [hours, minutes, seconds] = parts.as_slice() else { return Err(bad) };
    let number = |part: &str| part.parse::<i32>().map_err(|_| bad);
    let (h, m, s) = (number(hours)?, number(minutes)?, number(seconds)?);
    if m < 60 && s < 60 {
        Ok(Some(h * 3600 + m * 60 + s))
    } else if matches!(hours.trim_start_matches('0'), "99" | "9999") {
        Ok(Some(h * 3600 + 59 * 60 + 59))
    } else {
        Err(bad)
    }
}

/// Time to answer: on incoming records only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Blank,
    Never,
    After(i32),
}

impl Answer {
    fn read(field: &str) -> Result<Self, Why> {
        if field.is_empty() {
            Ok(Self::Blank)
        } else if field.bytes().all(|b| b == b'*') {
            Ok(Self::Never)
        } else if digits(field.as_bytes()) {
            field.parse().map(Self::After).map_err(|_| (Reject::BadNumber, "time to answer"))
        } else {
            Err((Reject::BadNumber, "time to answer"))
        }
    }

    fn seconds(self) -> Option<i32> {
        if let Self::After(seconds) = self { Some(seconds) } else { None }
    }
}

/// Who stands in a party field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Party<'a> {
    Blank,
    Trunk(&'a str),
    /// An extension, or an attendant console (`ATT2`): somebody's apparatus either way.
    Station(&'a str),
}

impl<'a> Party<'a> {
    fn read(field: &'a str) -> Self {
        if field.is_empty() {
            Self::Blank
        } else if trunk(field.as_bytes()) {
            Self::Trunk(field)
        } else {
            Self::Station(field)
        }
    }

    /// Its number; trunks have none.
    fn number(self) -> &'a str {
        if let Self::Station(number) = self { number } else { "" }
    }

    fn is_trunk(self) -> bool {
        matches!(self, Self::Trunk(_))
    }

    fn side(self) -> Side<'a> {
        match self {
            Self::Blank => Side::default(),
            Self::Trunk(device) => Side { device, kind: SideKind::Trunk, ..Side::default() },
            Self::Station(_) => Side { kind: SideKind::Handset, ..Side::default() },
        }
    }
}

/// The fields that tell each other's meaning.
struct Call<'a> {
    calling: Party<'a>,
    called: Party<'a>,
    third: Party<'a>,
    digits: &'a str,
    ani: &'a str,
    /// Number the network or the listed-number field says was asked for.
    asked: &'a str,
    completion: &'a str,
    forward: &'a str,
    transfer: &'a str,
    answer: Answer,
}

struct Parties<'a> {
    caller: &'a str,
    dialled: &'a str,
    callee: &'a str,
    redirect: &'a str,
    reason: Option<RedirectReason>,
    /// The party the call ended at.
    end: Party<'a>,
}

impl<'a> Call<'a> {
    /// Trunks tell it; SIP trunks are blank, and then the digits (out) or the time to answer (in) do.
    fn direction(&self) -> Option<Direction> {
        use Party::{Blank, Station, Trunk};
        let incoming = self.answer != Answer::Blank;
        match (self.calling, self.called) {
            _ if self.completion == "I" => Some(Direction::Internal),
            (Trunk(_), Trunk(_)) => Some(Direction::Tandem),
            (Trunk(_), _) => Some(Direction::Inbound),
            (Blank, Trunk(_)) if incoming => Some(Direction::Tandem),
            (_, Trunk(_)) => Some(Direction::Outbound),
            (Station(_), Station(_)) => Some(Direction::Internal),
            // Incomplete calls to a station that the record does not name.
            (Station(_), Blank) if ["O", "D", "S", "U"].contains(&self.completion) => Some(Direction::Internal),
            (Station(_), Blank) if !self.digits.is_empty() && !incoming => Some(Direction::Outbound),
            (Blank, _) if incoming || ["B", "E"].contains(&self.completion) => Some(Direction::Inbound),
            (Blank, Station(_)) if !self.ani.is_empty() => Some(Direction::Inbound),
            _ => None,
        }
    }

    /// Letters no table has are no reason to doubt the rest of the record.
    fn outcome(&self, direction: Option<Direction>, has_duration: bool) -> Outcome {
        let outbound = direction == Some(Direction::Outbound);
        match self.completion {
            // Do not disturb: the number is there and does not take the call, which is what busy means to a caller.
            "B" | "O" | "D" => Outcome::Busy,
            "E" | "S" | "U" => Outcome::Failed,
            "T" if outbound => Outcome::Failed,
            _ if self.answer == Answer::Never => Outcome::NoAnswer,
            _ if self.answer == Answer::Blank && !has_duration => Outcome::NoAnswer,
            _ if self.is_forwarded_out() => Outcome::Diverted,
            _ => Outcome::Answered,
        }
    }

    /// An external forward: the call came for a station and left again by a trunk, which stands as the third party, or
    /// as the called one in the incoming trunk's record.
    fn is_forwarded_out(&self) -> bool {
        self.forward == "F" && (self.third.is_trunk() || self.called.is_trunk())
    }

    fn parties(&self, direction: Option<Direction>) -> Parties<'a> {
        let (originator, dialled) = groups(self.digits);
        let first = |numbers: [&'a str; 3]| numbers.into_iter().find(|number| !number.is_empty()).unwrap_or_default();
        // The ANI of an outgoing call is the number presented, not a party; a calling station says more than either.
        let caller = match direction {
            Some(Direction::Outbound | Direction::Internal) => self.calling.number(),
            _ => first([self.calling.number(), self.ani, originator]),
        };
        let to_trunk = matches!(direction, Some(Direction::Outbound | Direction::Tandem));
        let dialled = if to_trunk {
            first([dialled, "", self.called.number()])
        } else {
            first([dialled, self.asked, self.called.number()])
        };
        let (mut end, mut callee) = (self.called, self.called.number());
        if to_trunk || (callee.is_empty() && direction.is_none()) {
            callee = dialled;
        }
        let (mut redirect, reason) = ("", self.reason());
        if self.is_forwarded_out() && to_trunk && self.answer != Answer::Blank {
            // The digits of the incoming trunk's record are the station's; where the call went is in the other's.
            (redirect, callee) = (dialled, "");
        } else if to_trunk && self.third != Party::Blank {
            // The calling station passed the outside party on; where to has no place in the record of a call that
            // ended outside.
            redirect = self.calling.number();
        } else if self.third != Party::Blank {
            redirect = self.called.number();
            (end, callee) = (self.third, self.third.number());
        } else if self.forward == "F" && dialled != callee {
            // An internal forward: the called party is where it went.
            redirect = dialled;
        }
        Parties { caller, dialled, callee, redirect, reason, end }
    }

    fn reason(&self) -> Option<RedirectReason> {
        match self.transfer {
            "T" | "X" => Some(RedirectReason::Transfer),
            "C" => Some(RedirectReason::Conference),
            // Path unavailable, interflow, requeue: the paths of an agents' queue.
            "U" | "I" | "R" => Some(RedirectReason::Queue),
            // The record does not say whether on no answer, on busy or always.
            _ if self.forward == "F" => Some(RedirectReason::Other),
            _ if self.completion == "T" && self.answer != Answer::Blank => Some(RedirectReason::Pickup),
            _ if self.third != Party::Blank => Some(RedirectReason::Other),
            _ => None,
        }
    }
}

/// Who dialled and what. In the network format the digits dialled are the last group, and the one before them is the
/// node and extension that dialled (after `T` for a call across the network). One group is kept as it stands.
fn groups(digits: &str) -> (&str, &str) {
    match digits.rsplit_once(' ') {
        Some((before, dialled)) => {
            let before = before.strip_prefix('T').unwrap_or(before).trim_matches(' ');
            (before.split(' ').next().unwrap_or(before), dialled)
        }
        None => ("", digits),
    }
}

/// Completion code and transfer flag, parted by a slash where there are both.
struct Kind([u8; 3], usize, usize);

impl Kind {
    fn new(completion: &str, transfer: &str) -> Self {
        let letter = |word: &str| word.bytes().next().unwrap_or(b' ');
        let text = [letter(completion), b'/', letter(transfer)];
        match (completion.is_empty(), transfer.is_empty()) {
            (true, true) => Self(text, 0, 0),
            (false, true) => Self(text, 0, 1),
            (true, false) => Self(text, 2, 3),
            (false, false) => Self(text, 0, 3),
        }
    }

    fn text(&self) -> &str {
        // Letters of plain text, so they are text again.
        self.0.get(self.1..self.2).and_then(|letters| std::str::from_utf8(letters).ok()).unwrap_or_default()
    }
}
