//! One line to the fields of an SMDR record: prefixes of collectors, fields shifted by a comma in a name, names in any
//! code page. It knows the shapes, not the meaning (`record`) nor the other records of the call (`calls`).

use chrono::NaiveDateTime;

use crate::read::Reject;
use crate::read::field;

pub(super) type Why = (Reject, &'static str);

/// No release has more than 37 fields; the rest is room for commas in names.
const MOST: usize = 48;
/// Most commas in one name that are put right.
const SHIFT: usize = 4;
/// Longest prefix of a collector.
const PREFIX: usize = 160;

/// A record, its fields in the words of Avaya's manual. Numbers in comments are theirs, from 1.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// How many fields the line has, commas in names counted out.
    pub width: usize,
    /// 1, local time.
    pub start: NaiveDateTime,
    /// 2, seconds.
    pub connected_s: i32,
    /// 3, seconds.
    pub ring_s: i32,
    /// 4
    pub caller: &'a str,
    /// 5 is `I`.
    pub incoming: bool,
    /// 6 and 7; empty where they hold a name (dial by name).
    pub called: &'a str,
    pub dialled: &'a str,
    /// 8
    pub account: &'a str,
    /// 9
    pub internal: bool,
    /// 10
    pub call_id: &'a str,
    /// 12 to 15, as they stand.
    pub parties: [Party<'a>; 2],
    /// 16 and 17, seconds.
    pub hold_s: i32,
    pub park_s: i32,
    /// 19, if 18 does not say that it was refused.
    pub authorisation: &'a str,
    /// 21, millionths.
    pub charge: Option<i64>,
    /// 22
    pub currency: &'a str,
    /// 28
    pub cause: &'a str,
    /// 29, in any code page.
    pub targeter: &'a [u8],
    /// 30
    pub targeted: &'a str,
    /// Server and unique call id of the caller (31, 32) and the called (33, 34).
    pub marks: [[&'a str; 2]; 2],
}

/// A party's device and what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Party<'a> {
    pub device: &'a str,
    pub kind: Kind,
    /// A line without channels: its unique call id is the port's and not the call's (seen in genuine files).
    pub is_port: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// `V8000` (`U1 0.0`) or blank: no device was reached, at most a tone.
    #[default]
    Nothing,
    Handset,
    Trunk,
    Voicemail,
    Conference,
    Other,
}

impl<'a> Party<'a> {
    /// The extension of a handset.
    pub fn extension(&self) -> &'a str {
        if self.kind == Kind::Handset { self.device.get(1..).unwrap_or_default() } else { "" }
    }
}

/// The line without what is not of the record: byte order mark, NULs and blanks around it, a collector's prefix (a
/// time, an address, a syslog head) where a record's first two fields stand behind it.
pub(super) fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let is_padding = |b: &u8| *b == 0 || b.is_ascii_whitespace();
    let from = line.iter().position(|b| !is_padding(b)).unwrap_or(line.len());
    let to = line.iter().rposition(|b| !is_padding(b)).map_or(from, |last| last + 1);
    let line = line.get(from..to).unwrap_or_default();
    let is_prefix = line.first().is_some_and(|b| b"[<".contains(b) || b.is_ascii_alphanumeric());
    if starts(line) || !is_prefix {
        return line;
    }
    let end = memchr::memchr(b',', line).unwrap_or(line.len()).min(PREFIX);
    let begins = (1..end).find(|at| line.get(at - 1) == Some(&b' ') && line.get(*at..).is_some_and(starts));
    begins.and_then(|at| line.get(at..)).unwrap_or(line)
}

/// Whether `YYYY/MM/DD HH:MM:SS,` and the beginning of a duration stand here.
fn starts(text: &[u8]) -> bool {
    const SHAPE: &[u8] = b"0000/00/00 00:00:00,0";
    text.len() > SHAPE.len()
        && text.iter().zip(SHAPE).all(|(b, shape)| if *shape == b'0' { b.is_ascii_digit() } else { b == shape })
}

/// Whether a bare line has a record's beginning and enough fields, whatever may be wrong with it otherwise.
pub(super) fn looks_like_record(line: &[u8]) -> bool {
    let mut fields = line.split(|b| *b == b',');
    let connected = fields.nth(1).and_then(|text| std::str::from_utf8(text).ok()).and_then(field::hms);
    let ring = fields.next().is_some_and(|text| !text.is_empty() && text.iter().all(u8::is_ascii_digit));
    let way = fields.nth(1).is_some_and(|text| matches!(text, b"I" | b"O"));
    starts(line) && connected.is_some() && ring && way && fields.count() >= 11
}

/// Whether a bare line is a header that somebody put there: words where a record has times and numbers.
pub(super) fn is_header(line: &[u8]) -> bool {
    let is_word = |text: &[u8]| {
        let mut letters = text.iter().filter(|b| !b" _\"".contains(b)).peekable();
        letters.peek().is_some() && letters.all(u8::is_ascii_alphabetic)
    };
    let mut fields = line.split(|b| *b == b',');
    fields.by_ref().take(5).filter(|text| is_word(text)).count() == 5 && fields.count() >= 6
}

impl<'a> Line<'a> {
    /// Reads a bare line.
    pub fn read(line: &'a [u8]) -> Result<Self, Why> {
        if line.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
            return Err((Reject::NotText, "control characters"));
        }
        if !starts(line) {
            let begins = line.first().is_some_and(u8::is_ascii_digit) && line.get(4) == Some(&b'/');
            let why = if begins { Reject::BadTime } else { Reject::WrongShape };
            return Err((why, "no call start and connected time at the start of the line"));
        }
        let mut room = [&line[..0]; MOST];
        let mut count = 0;
        for text in line.split(|b| *b == b',') {
            *room.get_mut(count).ok_or((Reject::WrongShape, "too many fields"))? = text;
            count += 1;
        }
        if count < 16 {
            return Err((Reject::WrongShape, "too few fields"));
        }
        Fields(room.get(..count).unwrap_or_default()).line()
    }

    /// Who called and who was called. Incoming records have the trunk second where an extension answered and first where
    /// the voicemail did (both seen in genuine files); all others have the caller first.
    pub fn sides(&self) -> (Party<'a>, Party<'a>) {
        let [first, second] = self.parties;
        if self.incoming && first.kind != Kind::Trunk { (second, first) } else { (first, second) }
    }

    /// Whether somebody answered: connected, or held or parked, which may be all of a call (manual, "Park and Unpark": a
    /// parked call with connected time 00:00:00).
    pub fn is_answered(&self) -> bool {
        self.sides().1.kind != Kind::Nothing && (self.connected_s > 0 || self.hold_s > 0 || self.park_s > 0)
    }

    /// The targeting cause in its two parts: who (`HG`, `U`, …) and why (`fu`, `Xfd`, …).
    pub fn causes(&self) -> (&'a str, &'a str) {
        let (who, why) = self.cause.split_once([' ', ':']).unwrap_or((self.cause, ""));
        (who, why.trim())
    }

    pub fn is_forwarded(&self) -> bool {
        matches!(self.causes().1, "fu" | "fb" | "fnr" | "fdnd")
    }

    /// Mobile twin or teleworker: the platform called the user's other phone, the user did not.
    pub fn is_twin(&self) -> bool {
        matches!(self.causes().1, "MT" | "TW")
    }
}

/// The fields of a line, got by the manual's numbers.
struct Fields<'f, 'a>(&'f [&'a [u8]]);

impl<'a> Fields<'_, 'a> {
    fn raw(&self, number: usize) -> &'a [u8] {
        self.0.get(number.wrapping_sub(1)).copied().unwrap_or_default().trim_ascii()
    }

    fn text(&self, number: usize) -> Result<&'a str, Why> {
        let raw = Some(self.raw(number)).filter(|raw| raw.is_ascii());
        raw.and_then(|raw| std::str::from_utf8(raw).ok())
            .ok_or((Reject::NotText, "letters beyond ASCII in a field that is no name"))
    }

    /// A number, or a name behind a `?` (dial by name), which is left out.
    fn number(&self, number: usize) -> Result<&'a str, Why> {
        if self.raw(number).starts_with(b"?") { Ok("") } else { self.text(number) }
    }

    fn seconds(&self, number: usize, what: &'static str) -> Result<i32, Why> {
        field::seconds(self.text(number)?).ok_or((Reject::BadNumber, what))
    }

    /// The platform puts no blank before a number; before a part of a name there may be one.
    fn is_digits(&self, number: usize) -> bool {
        let starts = self.0.get(number.wrapping_sub(1)).and_then(|raw| raw.first()).is_some_and(u8::is_ascii_digit);
        starts && field::seconds(std::str::from_utf8(self.raw(number)).unwrap_or_default()).is_some()
    }

    fn device(&self, number: usize) -> Option<&'a str> {
        let text = std::str::from_utf8(self.raw(number)).ok()?;
        let rest = text.strip_prefix(|c: char| c.is_ascii_uppercase())?;
        ((1..=15).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_digit())).then_some(text)
    }

    fn party(&self, number: usize) -> Party<'a> {
        let (device, name) = (self.device(number).unwrap_or_default(), self.raw(number + 1));
        let (code, rest) = device.split_at_checked(1).unwrap_or_default();
        let kind = match code {
            "" => Kind::Nothing,
            "E" => Kind::Handset,
            "T" => Kind::Trunk,
            "V" if rest == "8000" => Kind::Nothing,
            "V" if name.starts_with(b"VM Channel") => Kind::Voicemail,
            "V" if name.starts_with(b"CO Channel") => Kind::Conference,
            "V" if rest.len() == 4 && rest.starts_with("95") => Kind::Voicemail,
            "V" if rest.len() >= 5 && rest.starts_with('1') => Kind::Conference,
            _ => Kind::Other,
        };
        let device = if kind == Kind::Nothing { "" } else { device };
        Party { device, kind, is_port: kind == Kind::Trunk && name.ends_with(b".0") }
    }

    fn line(&self) -> Result<Line<'a>, Why> {
        let start = field::stamp(self.text(1)?).ok_or((Reject::BadTime, "no such call start"))?;
        let connected_s = field::hms(self.text(2)?).ok_or((Reject::BadNumber, "connected time"))?;
        let ring_s = self.seconds(3, "ring time")?;
        let incoming = match self.text(5)? {
            "I" => true,
            "O" => false,
            _ => return Err((Reject::WrongShape, "direction is neither I nor O")),
        };
        let internal = match self.text(9)? {
            // One example of the manual has the letter I for one.
            "1" | "I" => true,
            "0" => false,
            _ => return Err((Reject::WrongShape, "is-internal is neither one nor nought")),
        };
        let call_id = self.text(10)?;
        if call_id.is_empty() || !call_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err((Reject::BadNumber, "call id"));
        }
        if !matches!(self.text(11)?, "" | "0" | "1") {
            return Err((Reject::WrongShape, "continuation is neither one nor nought"));
        }
        let (second, hold) = self.middle()?;
        let behind = hold - 16;
        let tail = self.tail(behind).ok_or((Reject::WrongShape, "the fields behind the park time do not fit"))?;
        // The number that a field of the manual has in this line.
        let [charged, cause, targeted] = [21 + tail.charge, 28 + tail.charge, 30 + tail.cause];
        let is_refused = self.raw(18 + behind) == b"0";
        let authorisation = if is_refused { "" } else { self.text(19 + behind)? };
        Ok(Line {
            width: self.0.len() - tail.cause,
            start,
            connected_s,
            ring_s,
            caller: self.number(4)?,
            incoming,
            called: self.number(6)?,
            dialled: self.number(7)?,
            account: self.text(8)?,
            internal,
            call_id,
            parties: [self.party(12), self.party(second)],
            hold_s: self.seconds(hold, "hold time")?,
            park_s: if self.raw(hold + 1).is_empty() { 0 } else { self.seconds(hold + 1, "park time")? },
            authorisation: if authorisation == "n/a" { "" } else { authorisation },
            charge: field::micros(self.text(charged)?),
            currency: self.text(charged + 1)?,
            cause: self.text(cause)?,
            targeter: self.raw(cause + 1),
            targeted: self.number(targeted)?,
            marks: [targeted + 1, targeted + 3]
                .map(|at| [at, at + 1].map(|at| std::str::from_utf8(self.raw(at)).unwrap_or_default())),
        })
    }

    /// Where the second party's device and the hold time are: 14 and 16, or further on where a name has commas. What
    /// can be read in two ways is not read.
    fn middle(&self) -> Result<(usize, usize), Why> {
        if self.device(12).is_none() && !self.raw(12).is_empty() {
            return Err((Reject::WrongShape, "no device of party one"));
        }
        let fits = |second: usize, hold: usize, park: bool| {
            let is_blank = self.raw(second).is_empty() && self.raw(second + 1).is_empty() && hold == second + 2;
            let park = if park { self.is_digits(hold + 1) } else { self.0.len() == hold };
            (self.device(second).is_some() || is_blank) && self.is_digits(hold) && park
        };
        // What stands behind the park time: an authorisation code has its mark before it, and no mark has no code.
        let has_code = self.raw(18).is_empty() || !self.raw(19).is_empty();
        if (fits(14, 16, true) && has_code) || fits(14, 16, false) {
            return Ok((14, 16));
        }
        // Only users' names have commas, not those of lines and channels.
        let room = |party: usize| if self.party(party).kind == Kind::Handset { SHIFT } else { 0 };
        let places = || {
            let seconds = 14..=14 + room(12);
            seconds.flat_map(|second| (second + 2..=second + 2 + room(second)).map(move |hold| (second, hold)))
        };
        let with_park = |(second, hold): &(usize, usize)| {
            fits(*second, *hold, true) && matches!(self.raw(hold + 2), b"" | b"0" | b"1")
        };
        let mut found = places().filter(with_park);
        match (found.next(), found.next()) {
            (Some(place), None) => Ok(place),
            // The oldest form has no park time.
            (None, _) => places()
                .find(|(second, hold)| fits(*second, *hold, false))
                .ok_or((Reject::WrongShape, "the parties and the hold time are not where they should be")),
            (Some(_), Some(_)) => Err((Reject::WrongShape, "commas in a name that can be read in several ways")),
        }
    }

    /// How far fields are shifted behind the user charged (20) and behind the targeter (29), which are names too; the
    /// smallest shift with which all others have their shapes.
    fn tail(&self, behind: usize) -> Option<Tail> {
        let shifts = (0..=2 * SHIFT).flat_map(|all| (0..=all.min(SHIFT)).map(move |user| (user, all - user)));
        let mut tails = shifts.filter(|(_, targeter)| *targeter <= SHIFT).map(|(user, targeter)| Tail {
            charge: behind + user,
            cause: behind + user + targeter,
            is_sure: (user == 0 || self.is_amount(21 + behind + user))
                && (targeter == 0 || !self.raw(28 + behind + user).is_empty()),
        });
        tails.find(|tail| tail.is_sure && self.tail_fits(tail))
    }

    fn tail_fits(&self, tail: &Tail) -> bool {
        let all = |number: usize, of: fn(&u8) -> bool| self.raw(number).iter().all(of);
        let money = self.raw(21 + tail.charge).is_empty() || self.is_amount(21 + tail.charge);
        let units = [24, 25].iter().all(|n| all(n + tail.charge, |b| b.is_ascii_digit() || *b == b'.'));
        let cause = self.raw(28 + tail.charge);
        let is_cause = cause.len() <= 16 && cause.iter().all(|b| b.is_ascii_alphabetic() || b" ?:".contains(b));
        let targeted = 30 + tail.cause;
        let number = self.raw(targeted).starts_with(b"?")
            || all(targeted, |b| b.is_ascii_digit() || b"*#+ABCD@.:-() ".contains(b));
        let hosts = [1, 3].iter().all(|n| all(targeted + n, |b| b.is_ascii_hexdigit() || b".:".contains(b)));
        let hosts =
            hosts && [1, 3].iter().all(|n| self.raw(targeted + n).is_empty() || self.raw(targeted + n).len() > 1);
        let ids = [2, 4].iter().all(|n| all(targeted + n, |b| b.is_ascii_graphic()));
        money && units && is_cause && number && hosts && ids
    }

    fn is_amount(&self, number: usize) -> bool {
        std::str::from_utf8(self.raw(number)).is_ok_and(|text| field::micros(text).is_some())
    }
}

#[derive(Debug)]
struct Tail {
    /// Shift of fields 21 to 29.
    charge: usize,
    /// Shift from field 30 on.
    cause: usize,
    is_sure: bool,
}
