//! What reading each record must give, column by column, and the CSV file it is written to. Knows no vendor: each
//! writer says what its format cannot tell.

use std::fmt::Display;

use chrono::{NaiveDateTime, Timelike};

use super::super::calendar;
use super::super::traffic::{End, Party, Route, Shape};
use super::scene::{Conversation, PILOT};

/// Stands where the format cannot say, or where its page leaves open what a reader makes of it: not to be compared.
pub const OPEN: &str = "-";

macro_rules! fields {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// A column of `legs` that is compared.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field { $($variant),+ }
        impl Field {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }
        }
    };
}
fields!(
    StartedAt = "started_at",
    LocalDay = "local_day",
    LocalMinute = "local_minute",
    RingS = "ring_s",
    TalkS = "talk_s",
    Direction = "direction",
    Outcome = "outcome",
    Caller = "caller",
    Dialled = "dialled",
    Callee = "callee",
    CallerExt = "caller_ext",
    DialledExt = "dialled_ext",
    CalleeExt = "callee_ext",
    RedirectExt = "redirect_ext",
    RedirectReason = "redirect_reason",
    CallerDevice = "caller_device",
    CalleeDevice = "callee_device",
    CallerUser = "caller_user",
    CalleeUser = "callee_user",
    TrunkIn = "trunk_in",
    TrunkOut = "trunk_out",
    HuntGroup = "hunt_group",
    NumberClass = "number_class",
    AccountCode = "account_code",
    ChargeMicros = "charge_micros",
    Currency = "currency",
    Part = "part",
);

/// An instant, and what the wall clock of the record showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub utc: i64,
    pub wall: NaiveDateTime,
}

/// The expected row of one record.
#[derive(Clone, Debug)]
pub struct Leg {
    /// The number of the human call.
    pub call: usize,
    cells: Vec<String>,
}

impl Moment {
    /// Of a record that says UTC.
    pub fn exact(utc: i64) -> Self {
        Self { utc, wall: calendar::wall(utc) }
    }

    /// Of a record that says only what the wall clock showed: the first pass of the hour that autumn repeats, and the
    /// clock not yet put forward in the hour that spring skips.
    pub fn shown(wall: NaiveDateTime) -> Self {
        Self { utc: calendar::utc(wall.date(), wall.num_seconds_from_midnight()), wall }
    }

    /// The same where the record has no seconds.
    pub fn minute(wall: NaiveDateTime) -> Self {
        Self::shown(wall.with_second(0).unwrap_or(wall))
    }
}

impl Leg {
    /// One record that tells the whole call as it was; what is passed on and by which device is left blank.
    pub fn of(told: &Conversation<'_>, at: Moment) -> Self {
        let call = &told.call;
        let asked = match (call.via, call.shape) {
            (Some((via, _)), _) => (via.extension.clone(), via.extension.clone()),
            (None, Shape::Hunt) => (PILOT.to_string(), String::new()),
            (None, _) => (number(&call.to), extension(&call.to)),
        };
        let direction = match (is_outside(&call.from), is_outside(&call.to)) {
            (true, true) => "tandem",
            (true, false) => "inbound",
            (false, true) => "outbound",
            (false, false) => "internal",
        };
        let outcome = match call.end {
            End::Answered(_) if matches!(call.to, Party::Voicemail) => "voicemail",
            End::Answered(_) if call.via.is_some() && is_outside(&call.to) => "diverted",
            End::Answered(_) => "answered",
            End::NoAnswer => "no_answer",
            End::Busy => "busy",
            End::Failed(_) => "failed",
        };
        let class = match direction {
            "inbound" => class(&call.from),
            "internal" => "",
            _ => class(&call.to),
        };
        Self { call: told.number, cells: vec![String::new(); Field::ALL.len()] }
            .at(at)
            .set(Field::RingS, call.ring)
            .set(Field::TalkS, told.talk())
            .set(Field::Direction, direction)
            .set(Field::Outcome, outcome)
            .set(Field::Caller, number(&call.from))
            .set(Field::CallerExt, extension(&call.from))
            .set(Field::Dialled, asked.0)
            .set(Field::DialledExt, asked.1)
            .set(Field::Callee, number(&call.to))
            .set(Field::CalleeExt, extension(&call.to))
            .set(Field::NumberClass, class)
            .set(Field::Part, "whole")
    }

    pub fn at(self, at: Moment) -> Self {
        let minute = at.wall.hour() * 60 + at.wall.minute();
        let utc = chrono::DateTime::from_timestamp(at.utc, 0).unwrap_or_default();
        self.set(Field::StartedAt, utc.format("%Y-%m-%dT%H:%M:%SZ"))
            .set(Field::LocalDay, at.wall.date())
            .set(Field::LocalMinute, minute)
    }

    pub fn set(mut self, field: Field, value: impl Display) -> Self {
        if let Some(cell) = self.cells.get_mut(field as usize) {
            *cell = value.to_string();
        }
        self
    }

    /// Null in the lake.
    pub fn blank(self, fields: &[Field]) -> Self {
        fields.iter().fold(self, |leg, field| leg.set(*field, ""))
    }

    /// Not compared in this row.
    pub fn open(self, fields: &[Field]) -> Self {
        fields.iter().fold(self, |leg, field| leg.set(*field, OPEN))
    }

    /// Who called is an own phone or an outside party again; of the callee so.
    pub fn caller(self, party: &Party<'_>) -> Self {
        self.set(Field::Caller, number(party)).set(Field::CallerExt, extension(party))
    }

    pub fn dialled(self, party: &Party<'_>) -> Self {
        self.set(Field::Dialled, number(party)).set(Field::DialledExt, extension(party))
    }

    pub fn callee(self, party: &Party<'_>) -> Self {
        self.set(Field::Callee, number(party)).set(Field::CalleeExt, extension(party))
    }

    pub fn get(&self, field: Field) -> &str {
        self.cells.get(field as usize).map_or("", String::as_str)
    }
}

/// As the lake has it: the extension, E.164 or a short code; digits of a private plan as they are.
pub fn number(party: &Party<'_>) -> String {
    match party {
        Party::Phone(phone) => phone.extension.clone(),
        Party::Outside(number, Route::Pstn) => match number.strip_prefix('0') {
            Some(national) => format!("+44{national}"),
            None => number.clone(),
        },
        Party::Outside(number, _) => number.clone(),
        Party::Withheld | Party::Voicemail | Party::Nobody => String::new(),
    }
}

pub fn extension(party: &Party<'_>) -> String {
    if let Party::Phone(phone) = party { phone.extension.clone() } else { String::new() }
}

/// National form, as it is dialled behind the access digit; digits of a private plan as they are.
pub fn national(party: &Party<'_>) -> String {
    match party {
        Party::Outside(number, _) => number.clone(),
        other => number(other),
    }
}

pub fn is_outside(party: &Party<'_>) -> bool {
    matches!(party, Party::Outside(..) | Party::Withheld)
}

/// The line to another organisation's network.
pub fn is_third_party(party: &Party<'_>) -> bool {
    matches!(party, Party::Outside(_, Route::Airwave))
}

/// UK class of the safe ranges (peers-and-standards 4.4), none on a private plan.
pub fn class(party: &Party<'_>) -> &'static str {
    let Party::Outside(number, Route::Pstn) = party else { return "" };
    match number.get(..2) {
        Some("01" | "02") => "geographic",
        Some("03") => "uk_wide",
        Some("07") => "mobile",
        Some("08") => "freephone",
        Some("09") => "premium",
        _ => "emergency",
    }
}

/// An invented price in millionths of a pound, whole pence: by the minute begun, dearer to mobiles and premium numbers.
pub fn charge(told: &Conversation<'_>) -> i64 {
    let pence = match class(&told.call.to) {
        "mobile" => 4,
        "premium" => 36,
        "geographic" | "uk_wide" => 1,
        _ => 0,
    };
    pence * ((told.talk() + 59) / 60) * 10_000
}

/// Millionths as pounds with so many decimals; the rest is 0 by construction.
pub fn pounds(micros: i64, decimals: usize) -> String {
    let fraction = format!("{:06}", micros % 1_000_000);
    format!("{}.{}", micros / 1_000_000, fraction.get(..decimals).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::scene::example;
    use super::*;

    fn wall(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    #[test]
    fn a_wall_clock_is_the_first_pass_and_an_hour_that_never_was_is_not_put_forward() {
        assert_eq!(Moment::shown(wall("2023-10-29 01:30:00")).utc, 1_698_539_400); // 00:30 UTC
        assert_eq!(Moment::exact(1_698_543_000).wall, wall("2023-10-29 01:30:00")); // the second pass
        assert_eq!(Moment::shown(wall("2024-03-31 01:30:00")).utc, 1_711_848_600); // 01:30 UTC
        assert_eq!(Moment::minute(wall("2024-04-02 10:00:59")).utc, 1_712_048_400); // 09:00:00 UTC
    }

    #[test]
    fn a_call_is_told_in_the_lakes_words() {
        let scene = super::super::scene::Scene::new(1);
        let mut told = example::call(example::outside("07700900123"), Party::Phone(&scene.phones[0]));
        told.call.shape = Shape::Hunt;
        let leg = Leg::of(&told, Moment::exact(told.call.start));
        let cells: Vec<&str> = Field::ALL.iter().map(|field| leg.get(*field)).collect();
        let expected = "2024-03-27T09:15:07Z,2024-03-27,555,8,126,inbound,answered,+447700900123,7100,60001,,,60001,\
                        ,,,,,,,,,mobile,,,,whole";
        assert_eq!(cells.join(","), expected);
        assert_eq!((pounds(1_230_000, 2), pounds(40_000, 4)), ("1.23".to_string(), "0.0400".to_string()));
    }
}
