//! What one row of a bill means. It sees no other row.

use chrono::{NaiveDate, NaiveTime};

use super::columns::{Columns, Field, Layout};
use crate::leg::{Direction, Outcome, Part, RedirectReason};
use crate::read::field::{Fields, Refusal, hms, micros, seconds};
use crate::read::{RawRecord, RawTime, RecordId, Reject, Side, Skip, hash};

/// Access4: a diverted call is two rows, told apart by what stands before the Record ID [formats page 3.1, U2].
const DIVERTED: [(&str, Half); 2] = [("DIVERTED_INBOUND_", Half::In), ("DIVERTED_OUTBOUND_", Half::Out)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    In,
    Out,
}

/// Why a row of a bill is no call: data sessions and messages have no duration, and a credit pays back for a call that has
/// a row of its own [formats page 3.5]. A voice call without its duration is not among them: that is an error.
pub fn no_call(columns: &Columns, row: &Fields) -> Option<Skip> {
    let get = |field| columns.get(row, field);
    let is_credit = micros(get(Field::Price)).is_some_and(|price| price < 0);
    if columns.layout == Layout::BtWeb {
        return is_credit.then_some(Skip::Notice);
    }
    let duration = get(Field::Duration);
    let is_nought = |text: &str| text.bytes().all(|b| b"0.".contains(&b));
    let is_message =
        is_nought(duration) && [Field::Description, Field::ChargeCode].into_iter().any(|f| message(get(f)));
    let has_bytes = [Field::BytesSent, Field::BytesReceived, Field::BytesTotal].into_iter().any(|f| !is_nought(get(f)));
    let is_voice = matches!(get(Field::Kind), "V" | "VOIP" | "I");
    let is_data = get(Field::Kind) == "G" || (has_bytes && is_nought(duration) && !is_voice);
    (is_credit || is_data || is_message || (duration.is_empty() && !is_voice)).then_some(Skip::Notice)
}

/// Whether a description has the word SMS or MMS in it.
fn message(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word.eq_ignore_ascii_case("sms") || word.eq_ignore_ascii_case("mms"))
}

/// One row under its header.
pub struct Row<'a> {
    pub columns: &'a Columns,
    pub fields: &'a Fields,
    pub line: u64,
    pub text: &'a str,
    pub has_ids: bool,
    pub last_day: NaiveDate,
}

impl<'a> Row<'a> {
    fn get(&self, field: Field) -> &'a str {
        self.columns.get(self.fields, field)
    }

    /// The first that is not blank.
    fn first(&self, fields: &[Field]) -> &'a str {
        fields.iter().map(|field| self.get(*field)).find(|text| !text.is_empty()).unwrap_or("")
    }

    /// Whom the call is charged to, where that is a number; accounts have names like `CRT-123456`.
    fn line_number(&self) -> &'a str {
        let line = self.get(Field::Line);
        let is_number = line.bytes().all(|b| b.is_ascii_digit() || b"+ ()".contains(&b));
        if is_number { line } else { "" }
    }

    /// # Errors
    /// The row is no record, and why.
    pub fn record(&self) -> Result<RawRecord<'a>, Refusal> {
        let is_bt = self.columns.layout == Layout::BtWeb;
        let started = self.started()?;
        let talk_s = match self.get(Field::Duration) {
            "" => return Err((Reject::Missing, "Duration")),
            text if is_bt => hms(text),
            text => seconds(text),
        };
        let talk_s = talk_s.ok_or((Reject::BadNumber, "Duration"))?;
        let ring_s = match self.get(Field::RingTime) {
            "" => None,
            text => Some(seconds(text).ok_or((Reject::BadNumber, "Ring time"))?),
        };
        let charge_micros = match self.get(Field::Price) {
            "" => None,
            text => Some(micros(text).ok_or((Reject::BadNumber, "Salesprice or Cost"))?),
        };
        let record_id = self.columns.id(self.fields);
        let half = DIVERTED.iter().find_map(|(before, half)| Some((record_id.strip_prefix(before)?, *half)));
        // Callroute's table: V is outbound, I inbound. No public page tells more of the letters.
        let is_inbound = match half {
            Some((_, half)) => half == Half::In,
            None => !is_bt && self.get(Field::Kind) == "I",
        };
        let [caller, dialled, callee] = match is_inbound {
            true => self.inbound(),
            false => {
                let called = self.first(&[Field::OtherParty, Field::Dialled]);
                let caller = match self.first(&[Field::Extension, Field::CallerId]) {
                    "" => self.line_number(),
                    number => number,
                };
                // No number among them: the account at least.
                [if caller.is_empty() { self.get(Field::Line) } else { caller }, called, called]
            }
        };
        if caller.is_empty() && callee.is_empty() {
            return Err((Reject::Missing, "neither party is named"));
        }
        let id = match self.has_ids && !record_id.is_empty() {
            true => RecordId::Vendor(record_id),
            false => RecordId::Text(self.text.trim_end().as_bytes()),
        };
        Ok(RawRecord {
            line: self.line,
            id,
            call: match (half, id) {
                (Some((shared, _)), _) => hash(&[b"diverted", shared.as_bytes()]),
                (None, RecordId::Vendor(id)) => hash(&[id.as_bytes()]),
                (None, RecordId::Text(text)) => hash(&[text]),
            },
            started: RawTime::Local(started),
            ring_s,
            talk_s,
            direction: Some(if is_inbound { Direction::Inbound } else { Direction::Outbound }),
            outcome: match (talk_s, half) {
                // Connected, but beyond our phones.
                (_, Some(_)) => Outcome::Diverted,
                (1.., None) => Outcome::Answered,
                // Charged for by the call, or not connected: a bill does not say.
                (_, None) if !is_inbound => Outcome::Unknown,
                (_, None) => Outcome::NoAnswer,
            },
            part: if matches!(half, Some((_, Half::Out))) { Part::Onward } else { Part::Whole },
            caller,
            dialled,
            callee,
            redirect: "",
            redirect_reason: half.map(|_| RedirectReason::Other),
            calling: Side::default(),
            called: Side::default(),
            hunt_group: "",
            cause: None,
            account_code: "",
            charge_micros,
            currency: match self.get(Field::Currency) {
                _ if charge_micros.is_none() => "",
                "" => "GBP",
                currency => currency,
            },
            vendor_kind: self.get(Field::Kind),
        })
    }

    /// Caller, dialled, callee of a call to us. The party that is not charged is then the caller; what was dialled has a
    /// column of its own in some files, and else is the number charged.
    fn inbound(&self) -> [&'a str; 3] {
        let caller = self.first(&[Field::CallerId, Field::OtherParty]);
        let dialled = match self.first(&[Field::Dialled, Field::Ddi]) {
            "" => self.line_number(),
            number => number,
        };
        let callee = match self.first(&[Field::Extension, Field::Ddi]) {
            "" => dialled,
            number => number,
        };
        [caller, dialled, callee]
    }

    /// `DD/MM/YYYY` and `HH:MM:SS`, or `HH:MM` as BT writes it.
    fn started(&self) -> Result<chrono::NaiveDateTime, Refusal> {
        let numbers = |text: &'a str, between: char, widths: &[usize]| -> Option<Vec<u32>> {
            let parts: Vec<&str> = text.split(between).collect();
            let fits =
                parts.len() == widths.len() && parts.iter().zip(widths).all(|(part, width)| part.len() == *width);
            let digits = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
            if fits && parts.iter().all(digits) { parts.iter().map(|part| part.parse().ok()).collect() } else { None }
        };
        let date = match numbers(self.get(Field::Date), '/', &[2, 2, 4]).as_deref() {
            Some([d, m, y]) => i32::try_from(*y).ok().and_then(|y| NaiveDate::from_ymd_opt(y, *m, *d)),
            _ => None,
        };
        let clock = self.get(Field::Time);
        let clock = numbers(clock, ':', &[2, 2, 2]).or_else(|| numbers(clock, ':', &[2, 2]));
        let time = match clock.as_deref() {
            Some([h, m, rest @ ..]) => NaiveTime::from_hms_opt(*h, *m, rest.first().copied().unwrap_or(0)),
            _ => None,
        };
        let (date, time) = (date.ok_or((Reject::BadTime, "date"))?, time.ok_or((Reject::BadTime, "time"))?);
        if date > self.last_day {
            return Err((Reject::BadTime, "days after the file itself"));
        }
        Ok(date.and_time(time))
    }
}
