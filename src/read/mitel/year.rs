//! The year an SMDR record leaves out: from the logger's prefix, the file's name or its time, and from the records
//! around it across New Year. Knows dates only, no columns.

use chrono::{Datelike, NaiveDate, TimeDelta};

use crate::read::About;

/// A record this many days before New Year, found within as many after it, is late: written when its call ended.
const LATE: u32 = 14;
/// A date further than this from its neighbours, which agree with each other, is a slip and moves nothing.
const STRAY: u32 = 31;
const NEAR: u32 = 7;
/// Days of the longest year; dates are counted in it from 0, so that 29 February always has its place.
const DAYS: u32 = 366;
/// A file with more New Years than this is not in order.
const MOST_NEW_YEARS: usize = 12;

/// A date without a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MonthDay {
    pub month: u32,
    pub day: u32,
}

impl MonthDay {
    /// None for a date no year has.
    pub fn new(month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(2000, month, day).map(|_| Self { month, day })
    }

    fn ordinal(self) -> u32 {
        // 2000 was a leap year, so every date that `new` lets through is in it.
        NaiveDate::from_ymd_opt(2000, self.month, self.day).map_or(0, |date| date.ordinal0())
    }

    fn is_leap_day(self) -> bool {
        (self.month, self.day) == (2, 29)
    }

    fn of_year(self, year: i32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(year, self.month, self.day)
    }

    /// The latest such date up to `limit`, in `year` at the latest.
    fn latest(self, year: i32, limit: NaiveDate) -> Option<NaiveDate> {
        (year - 8..=year).rev().find_map(|year| self.of_year(year).filter(|date| *date <= limit))
    }
}

/// A stretch of lines of one year, counted from the file's first.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from_line: u64,
    year: i32,
    /// First line too far from New Year for the end of December to be late.
    settled_line: u64,
}

/// Follows the dates of a file from its first line to its last.
#[derive(Debug, Default)]
pub(super) struct Survey {
    stretches: Vec<Stretch>,
    first: Option<MonthDay>,
    last: Option<(i32, MonthDay)>,
    /// Latest date of the last year, which may come before the last record.
    high: Option<MonthDay>,
    earliest: i32,
    held: Option<Seen>,
    leap_years: Vec<i32>,
    /// Year of the file's first line according to the last prefix.
    prefixed: Option<i32>,
    prefixed_years: Option<(i32, i32)>,
    unordered: bool,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    line: u64,
    date: MonthDay,
    prefix: Option<NaiveDate>,
}

impl Survey {
    pub fn see(&mut self, line: u64, date: MonthDay, prefix: Option<NaiveDate>) {
        let seen = Seen { line, date, prefix };
        if let (Some(held), Some((_, last))) = (self.held.take(), self.last)
            && (apart(date, last) > NEAR || in_order(last, held.date, date))
        {
            self.step(held);
        }
        match self.last {
            Some((_, last)) if apart(date, last) > STRAY => self.held = Some(seen),
            _ => self.step(seen),
        }
    }

    fn step(&mut self, Seen { line, date, prefix }: Seen) {
        let ordinal = date.ordinal();
        self.first.get_or_insert(date);
        let mut stretch = match self.stretches.last() {
            Some(stretch) => *stretch,
            None => Stretch { from_line: 0, year: 0, settled_line: u64::MAX },
        };
        let crossed = self.last.is_some_and(|(_, last)| last.ordinal() > ordinal + DAYS / 2);
        let late = stretch.settled_line == u64::MAX && ordinal >= DAYS - LATE && !self.stretches.is_empty();
        if crossed {
            stretch = Stretch { from_line: line, year: stretch.year + 1, settled_line: u64::MAX };
            self.high = None;
        }
        if self.stretches.is_empty() || crossed {
            self.stretches.push(stretch);
        }
        let year = if late { stretch.year - 1 } else { stretch.year };
        if !late {
            self.last = Some((year, date));
            self.high = self.high.filter(|high| high.ordinal() > ordinal).or(Some(date));
            if ordinal >= LATE
                && let Some(stretch) = self.stretches.last_mut()
            {
                stretch.settled_line = stretch.settled_line.min(line);
            }
        }
        self.earliest = self.earliest.min(year);
        if date.is_leap_day() && !self.leap_years.contains(&year) {
            self.leap_years.push(year);
        }
        if let Some(found) = prefix.and_then(|prefix| by_prefix(date, prefix)) {
            self.prefixed = Some(found.year() - year);
            let (low, high) = self.prefixed_years.unwrap_or((found.year(), found.year()));
            self.prefixed_years = Some((low.min(found.year()), high.max(found.year())));
        }
        if self.stretches.len() > MOST_NEW_YEARS {
            self.unordered = true;
            self.stretches.truncate(1);
        }
    }

    pub fn finish(mut self, about: &About<'_>) -> Years {
        if let Some(held) = self.held.take() {
            self.step(held);
        }
        let named = name_date(about.name, about.received_on);
        let limit = plus_one(named.map_or(about.received_on, |named| named.max(about.received_on)));
        let base = match self.prefixed {
            _ if self.unordered => None,
            Some(base) => Some(base),
            None => self.first_year(named, limit),
        };
        let from = match (self.prefixed, named) {
            (Some(_), _) => "line prefix",
            (None, Some(_)) => "file name",
            (None, None) => "file time",
        };
        let source = match base {
            _ if self.prefixed.is_some() => {
                self.prefixed_years.map_or_else(String::new, |(low, high)| range(low, high))
            }
            Some(base) => {
                let last = base + self.last.map_or(0, |(year, _)| year);
                let future = self.high.and_then(|high| high.of_year(last)).is_some_and(|high| high > limit);
                range((base + self.earliest).min(if future { last - 1 } else { last }), last)
            }
            None => format!("up to {}", limit.year()),
        };
        let order = if base.is_none() { ", records not in order" } else { "" };
        let limit = if self.prefixed.is_some() { NaiveDate::MAX } else { limit };
        Years { stretches: self.stretches, base, limit, source: format!("{source} from {from}{order}") }
    }

    /// The latest year for the file's first line that agrees with the name or the time of the file and with its leap days.
    fn first_year(&self, named: Option<NaiveDate>, limit: NaiveDate) -> Option<i32> {
        let (first, (years, last)) = (self.first?, self.last?);
        let span = years * DAYS as i32 + last.ordinal() as i32 - first.ordinal() as i32;
        (limit.year() - years - 40..=limit.year() - years).rev().find(|base| {
            let leap = self.leap_years.iter().all(|year| NaiveDate::from_ymd_opt(base + year, 2, 29).is_some());
            let end = last.of_year(base + years).is_some_and(|end| end <= limit);
            // A file is named for its first day, its last, or the day it was closed.
            let name = named.is_none_or(|named| {
                let by = if span < DAYS as i32 { first.of_year(*base) } else { last.of_year(base + years) };
                by.is_some_and(|by| by <= plus_one(named))
            });
            leap && end && name
        })
    }
}

/// The years of a file's lines, in whatever order they are asked for.
#[derive(Debug)]
pub(super) struct Years {
    stretches: Vec<Stretch>,
    /// Year of the first stretch; none if each record stands for itself.
    base: Option<i32>,
    limit: NaiveDate,
    /// The years, and where they are from.
    pub source: String,
}

impl Years {
    /// None for a leap day that no year near can have.
    pub fn date(&self, line: u64, date: MonthDay, prefix: Option<NaiveDate>) -> Option<NaiveDate> {
        if let Some(prefix) = prefix {
            return by_prefix(date, prefix);
        }
        let Some(base) = self.base else { return date.latest(self.limit.year(), self.limit) };
        let after = self.stretches.partition_point(|stretch| stretch.from_line <= line);
        let stretch = self.stretches.get(after.saturating_sub(1))?;
        let late = line < stretch.settled_line && date.ordinal() >= DAYS - LATE;
        date.latest(base + stretch.year - i32::from(late), self.limit)
    }
}

/// Days between two dates, the short way round the year.
fn apart(a: MonthDay, b: MonthDay) -> u32 {
    let days = a.ordinal().abs_diff(b.ordinal());
    days.min(DAYS - days)
}

fn in_order(first: MonthDay, then: MonthDay, last: MonthDay) -> bool {
    (first.ordinal()..=last.ordinal()).contains(&then.ordinal())
}

/// A prefix is the day the logger took the line: its record is no younger.
fn by_prefix(date: MonthDay, prefix: NaiveDate) -> Option<NaiveDate> {
    let limit = plus_one(prefix);
    date.latest(limit.year(), limit)
}

/// Clocks differ: a record may be a day ahead of whoever received it.
fn plus_one(date: NaiveDate) -> NaiveDate {
    date.checked_add_signed(TimeDelta::days(1)).unwrap_or(date)
}

fn range(low: i32, high: i32) -> String {
    if low == high { low.to_string() } else { format!("{low}-{high}") }
}

/// The latest date a file name holds: `20240131` (also with a time after it), `2024-01-31`, `240131`, `2024-01`, `202401`.
fn name_date(name: &str, received_on: NaiveDate) -> Option<NaiveDate> {
    // Nothing is left out, so neighbours are parted by just one character.
    let parts: Vec<&str> = name.split(|c: char| !c.is_ascii_digit()).collect();
    let part = |at: usize, length: usize| parts.get(at).copied().filter(|part| part.len() == length);
    let date = |(at, digits): (usize, &&str)| match digits.len() {
        8 | 12 | 14 => ymd(digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?),
        6 => short_ymd(digits, received_on).or_else(|| month_end(digits.get(..4)?, digits.get(4..)?)),
        4 => match (part(at + 1, 2), part(at + 2, 2)) {
            (Some(month), Some(day)) => ymd(digits, month, day),
            (Some(month), None) => month_end(digits, month),
            _ => None,
        },
        _ => None,
    };
    parts.iter().enumerate().filter_map(date).max()
}

fn ymd(year: &str, month: &str, day: &str) -> Option<NaiveDate> {
    let year = year.parse().ok().filter(|year| (1990..2100).contains(year))?;
    NaiveDate::from_ymd_opt(year, month.parse().ok()?, day.parse().ok()?)
}

/// Six digits are often something else: only a day of the ten years before the file was received is a date.
fn short_ymd(digits: &str, received_on: NaiveDate) -> Option<NaiveDate> {
    let year = format!("20{}", digits.get(..2)?);
    let date = ymd(&year, digits.get(2..4)?, digits.get(4..6)?)?;
    (date <= plus_one(received_on) && date.year() + 10 >= received_on.year()).then_some(date)
}

fn month_end(year: &str, month: &str) -> Option<NaiveDate> {
    let first = ymd(year, month, "01")?;
    (28..=31).rev().find_map(|day| first.with_day(day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Options;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    /// The dates of lines 1, 2, 3 … as `mm/dd`; what they become, and how the years are told.
    fn years(name: &str, received_on: NaiveDate, lines: &[&str]) -> (Vec<String>, String) {
        let dates: Vec<MonthDay> =
            lines.iter().map(|l| MonthDay::new(l[..2].parse().unwrap(), l[3..].parse().unwrap()).unwrap()).collect();
        let mut survey = Survey::default();
        for (line, date) in (1..).zip(&dates) {
            survey.see(line, *date, None);
        }
        let years = survey.finish(&About { name, received_on, options: &Options::default() });
        // Backwards: blocks come in any order.
        let found = dates.iter().enumerate().rev();
        let mut found: Vec<String> =
            found.map(|(at, date)| years.date(at as u64 + 1, *date, None).unwrap().to_string()).collect();
        found.reverse();
        (found, years.source)
    }

    #[test]
    fn last_record_is_no_later_than_the_day_after_the_file() {
        for (received, expected) in [
            (day(2024, 3, 5), "2024-03-05"),
            (day(2024, 3, 4), "2024-03-05"),
            (day(2024, 3, 3), "2023-03-05"),
            (day(2023, 12, 31), "2023-03-05"),
        ] {
            assert_eq!(years("smdr.log", received, &["03/05"]).0, [expected], "{received}");
        }
    }

    #[test]
    fn new_year_steps_and_late_records_do_not() {
        let (dates, source) = years(
            "smdr.log",
            day(2024, 1, 3),
            &["12/30", "12/31", "12/30", "12/31", "01/01", "12/31", "01/01", "01/02", "12/29", "01/02"],
        );
        assert_eq!(source, "2023-2024 from file time");
        assert_eq!(
            dates,
            [
                "2023-12-30",
                "2023-12-31",
                "2023-12-30",
                "2023-12-31",
                "2024-01-01",
                "2023-12-31",
                "2024-01-01",
                "2024-01-02",
                "2023-12-29",
                "2024-01-02",
            ]
        );
        let first_line_after = years("smdr.log", day(2024, 1, 3), &["01/01", "12/31", "01/02"]);
        assert_eq!(first_line_after.0, ["2024-01-01", "2023-12-31", "2024-01-02"]);
        assert_eq!(first_line_after.1, "2023-2024 from file time");
        let last_line_late = years("smdr.log", day(2024, 1, 1), &["12/31", "01/01", "12/31"]);
        assert_eq!(last_line_late.0, ["2023-12-31", "2024-01-01", "2023-12-31"]);
    }

    #[test]
    fn years_of_records_take_years() {
        let lines = ["06/01", "12/31", "01/01", "06/01", "12/31", "01/01", "02/10", "12/31"];
        let (dates, source) = years("smdr.log", day(2025, 1, 1), &lines);
        assert_eq!(source, "2022-2024 from file time");
        let expected = [
            "2022-06-01",
            "2022-12-31",
            "2023-01-01",
            "2023-06-01",
            "2023-12-31",
            "2024-01-01",
            "2024-02-10",
            "2024-12-31",
        ];
        assert_eq!(dates, expected);
    }

    #[test]
    fn one_slipped_date_moves_no_other() {
        let (dates, _) = years("smdr.log", day(2024, 1, 2), &["12/30", "12/30", "06/15", "12/31", "12/31"]);
        assert_eq!(dates, ["2023-12-30", "2023-12-30", "2023-06-15", "2023-12-31", "2023-12-31"]);
    }

    #[test]
    fn buffer_read_again_after_a_reconnect_is_the_same_year() {
        let (dates, source) =
            years("smdr.log", day(2024, 7, 1), &["05/02", "05/20", "06/10", "05/02", "05/20", "06/10"]);
        assert_eq!(source, "2024 from file time");
        assert!(dates.iter().all(|date| date.starts_with("2024-")), "{dates:?}");
    }

    #[test]
    fn no_record_is_from_the_future() {
        let (dates, source) = years("smdr.log", day(2024, 4, 20), &["06/13", "05/17", "01/30", "03/12", "04/15"]);
        assert_eq!(dates, ["2023-06-13", "2023-05-17", "2024-01-30", "2024-03-12", "2024-04-15"]);
        assert_eq!(source, "2023-2024 from file time");
    }

    #[test]
    fn leap_day_forces_a_leap_year() {
        let (dates, source) = years("smdr.log", day(2023, 9, 1), &["02/28", "02/29", "03/01"]);
        assert_eq!(dates, ["2020-02-28", "2020-02-29", "2020-03-01"]);
        assert_eq!(source, "2020 from file time");
        let before_new_year = years("smdr.log", day(2023, 9, 1), &["02/29", "12/31", "01/01", "03/01"]);
        assert_eq!(before_new_year.0, ["2020-02-29", "2020-12-31", "2021-01-01", "2021-03-01"]);
    }

    #[test]
    fn name_anchors_before_the_time_does() {
        let received = day(2025, 6, 1);
        for (name, lines, expected) in [
            ("smdr-20240131.log", ["01/31", "01/31"], "2024-01-31"),
            ("smdr-20240131.log", ["01/30", "02/01"], "2024-02-01"),
            ("smdr-20240131.log", ["02/02", "02/02"], "2023-02-02"),
            // Named for the day it was opened, with what came after …
            ("smdr-20240101.log", ["01/01", "01/31"], "2024-01-31"),
            // … or for the midnight it was closed.
            ("smdr-20240101.log", ["12/31", "12/31"], "2023-12-31"),
            ("mitel_2024-01-03.txt", ["12/30", "01/03"], "2024-01-03"),
        ] {
            let (dates, source) = years(name, received, &lines);
            assert_eq!(dates[1], expected, "{name} {lines:?}");
            assert!(source.ends_with(" from file name"), "{source}");
        }
    }

    #[test]
    fn name_of_a_long_file_is_its_end() {
        let lines = ["06/01", "09/01", "01/01", "06/01", "09/01", "01/31"];
        let (dates, source) = years("all-20240131.log", day(2025, 6, 1), &lines);
        assert_eq!(dates[0], "2022-06-01");
        assert_eq!(dates[5], "2024-01-31");
        assert_eq!(source, "2022-2024 from file name");
    }

    #[test]
    fn dates_in_names() {
        let received = day(2024, 2, 1);
        for (name, expected) in [
            ("smdr_20240131.log", Some(day(2024, 1, 31))),
            ("20240131235959.txt", Some(day(2024, 1, 31))),
            ("2024-01-31_smdr.txt", Some(day(2024, 1, 31))),
            ("smdr.2024.01.31", Some(day(2024, 1, 31))),
            ("smdr240131.log", Some(day(2024, 1, 31))),
            ("smdr-2024-01.log", Some(day(2024, 1, 31))),
            ("smdr-202402.log", Some(day(2024, 2, 29))),
            ("20240101-20240131.log", Some(day(2024, 1, 31))),
            ("site-441632.log", None),
            ("smdr-250131.log", None),
            ("smdr-20241331.log", None),
            ("smdr-3300.log", None),
            ("smdr.log", None),
            ("", None),
        ] {
            assert_eq!(name_date(name, received), expected, "{name}");
        }
    }

    #[test]
    fn prefix_wins_over_the_name() {
        let mut survey = Survey::default();
        let (old, new) = (MonthDay::new(12, 31).unwrap(), MonthDay::new(1, 1).unwrap());
        let prefix = Some(day(2019, 1, 1));
        survey.see(1, old, prefix);
        survey.see(2, new, prefix);
        survey.see(3, new, None);
        let years = survey.finish(&About {
            name: "smdr-20240101.log",
            received_on: day(2024, 1, 2),
            options: &Options::default(),
        });
        assert_eq!(years.date(1, old, prefix), Some(day(2018, 12, 31)));
        assert_eq!(years.date(2, new, prefix), Some(day(2019, 1, 1)));
        assert_eq!(years.date(3, new, None), Some(day(2019, 1, 1)));
        assert_eq!(years.source, "2018-2019 from line prefix");
    }

    /// Memory stays small and dates sane however the lines jump.
    #[test]
    fn lines_in_no_order_stand_for_themselves() {
        let lines: Vec<&str> = ["12/20", "01/20"].into_iter().cycle().take(1000).collect();
        let (dates, source) = years("smdr.log", day(2024, 3, 1), &lines);
        assert_eq!(source, "up to 2024 from file time, records not in order");
        assert_eq!(dates[998..], ["2023-12-20", "2024-01-20"]);
        assert_eq!(dates[..2], ["2023-12-20", "2024-01-20"]);
    }
}
