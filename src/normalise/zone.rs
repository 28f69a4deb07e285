//! Civil time at a source's zone, both ways, at record speed. Knows no records.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Offset, TimeZone, Timelike};
use chrono_tz::Tz;

/// Microseconds UTC, civil day (days since 1970), minute of that day.
pub type Moment = (i64, i32, i16);

/// A zone that remembers the offset of the quarter-hour it was last asked about: records come nearly in order of time.
#[derive(Clone, Debug)]
pub struct Zone {
    tz: Tz,
    /// UTC quarter-hour, counted from 1970, and its offset in seconds. Zones change on the quarter-hour at the finest.
    quarter: i64,
    offset_s: i64,
    /// The same of wall clocks: the quarter-hour that was shown, and how far it was ahead of UTC.
    shown: Option<(i64, i64)>,
}

const QUARTER_S: i64 = 900;

impl Zone {
    pub fn new(tz: Tz) -> Self {
        let mut zone = Self { tz, quarter: 0, offset_s: 0, shown: None };
        zone.offset_s = zone.look_up(0);
        zone
    }

    /// The civil day and minute of a moment.
    pub fn civil(&mut self, utc_s: i64) -> Moment {
        let quarter = utc_s.div_euclid(QUARTER_S);
        if quarter != self.quarter {
            self.offset_s = self.look_up(quarter * QUARTER_S);
            self.quarter = quarter;
        }
        let local_s = utc_s + self.offset_s;
        (utc_s * 1_000_000, local_s.div_euclid(86_400) as i32, (local_s.rem_euclid(86_400) / 60) as i16)
    }

    /// The moment of a wall clock. In the hour that autumn repeats the first pass is taken (the record does not say
    /// which); a time that spring skips is read as if the clock had not been put forward yet. The civil day and
    /// minute stay what the clock showed.
    pub fn of_clock(&mut self, civil: NaiveDateTime) -> Moment {
        let clock_s = civil.and_utc().timestamp();
        let quarter = clock_s.div_euclid(QUARTER_S);
        let ahead_s = match self.shown {
            Some((shown, ahead_s)) if shown == quarter => ahead_s,
            _ => clock_s - self.utc(civil),
        };
        self.shown = Some((quarter, ahead_s));
        let minute = (civil.hour() * 60 + civil.minute()) as i16;
        ((clock_s - ahead_s) * 1_000_000, days(civil.date()), minute)
    }

    fn utc(&self, civil: NaiveDateTime) -> i64 {
        match self.tz.from_local_datetime(&civil) {
            chrono::LocalResult::Single(time) | chrono::LocalResult::Ambiguous(time, _) => time.timestamp(),
            chrono::LocalResult::None => {
                let before = self.tz.offset_from_utc_datetime(&(civil - chrono::TimeDelta::days(1)));
                civil.and_utc().timestamp() - i64::from(before.fix().local_minus_utc())
            }
        }
    }

    fn look_up(&self, utc_s: i64) -> i64 {
        let utc = DateTime::from_timestamp(utc_s, 0).unwrap_or_default().naive_utc();
        i64::from(self.tz.offset_from_utc_datetime(&utc).fix().local_minus_utc())
    }
}

/// Days since 1970-01-01.
pub fn days(day: NaiveDate) -> i32 {
    day.signed_duration_since(NaiveDate::default()).num_days() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    fn civil(utc: &str) -> (NaiveDate, i16) {
        let (_, day, minute) = Zone::new(Tz::Europe__London).civil(at(utc).and_utc().timestamp());
        (NaiveDate::default() + chrono::Days::new(day as u64), minute)
    }

    /// Clocks of the United Kingdom: forward on the last Sunday of March at 01:00 UTC, back on October's.
    #[test]
    fn both_clock_changes_of_a_year() {
        let day = |d: &str| d.parse::<NaiveDate>().unwrap();
        assert_eq!(civil("2024-03-31 00:59:59"), (day("2024-03-31"), 59));
        assert_eq!(civil("2024-03-31 01:00:00"), (day("2024-03-31"), 120));
        assert_eq!(civil("2023-10-29 00:59:59"), (day("2023-10-29"), 119));
        assert_eq!(civil("2023-10-29 01:00:00"), (day("2023-10-29"), 60));
        assert_eq!(civil("2023-06-30 23:30:00"), (day("2023-07-01"), 30));
        assert_eq!(civil("2023-12-31 23:30:00"), (day("2023-12-31"), 1410));
    }

    #[test]
    fn a_wall_clock_reads_back_as_it_was() {
        let mut zone = Zone::new(Tz::Europe__London);
        let mut utc = |text: &str| DateTime::from_timestamp_micros(zone.of_clock(at(text)).0).unwrap().naive_utc();
        assert_eq!(utc("2023-07-01 00:30:00"), at("2023-06-30 23:30:00"));
        assert_eq!(utc("2024-01-01 00:00:00"), at("2024-01-01 00:00:00"));
        assert_eq!(utc("2023-10-29 01:30:00"), at("2023-10-29 00:30:00"), "the first pass");
        assert_eq!(utc("2023-10-29 02:00:00"), at("2023-10-29 02:00:00"));
        assert_eq!(utc("2024-03-31 01:30:00"), at("2024-03-31 01:30:00"), "an hour that never was");
        assert_eq!(zone.of_clock(at("2024-03-31 01:30:00")).2, 90);
    }
}
