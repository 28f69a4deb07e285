//! The day a record ended on: its own item, the survivable file's name, date records, or the file's time. Knows days
//! and the order of their digits, no columns and no durations.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate, TimeDelta};

use crate::layout::DateOrder;
use crate::read::field::Refusal;
use crate::read::{About, ReadError, Reject};

const DAY: i32 = 24 * 3600;
/// Around midnight, seconds: records of the old day may still come, and those of the new one may come first.
const NEAR: i32 = 120;
/// More midnights than this, with nothing in the file that names a day, are no count of days.
const MOST_MIDNIGHTS: i32 = 31;
/// For each date that only the other order allows (a slip), there must be more than this many for the order.
const CLEAR: u64 = 20;

/// Follows the days of a file from its first line to its last.
#[derive(Debug)]
pub(super) struct Survey {
    /// Records have a date of their own.
    own_date: bool,
    /// Records have a time of day.
    timed: bool,
    named: Option<NaiveDate>,
    only_mdy: u64,
    only_dmy: u64,
    either: u64,
    stretches: Vec<Stretch>,
    late: HashSet<u64>,
    /// Second of the day of the last record.
    last: Option<i32>,
    /// A date record came since.
    dated: bool,
    /// Since the day changed, no record was far from midnight.
    fresh: bool,
    /// What came before the first date record belongs to the day before it.
    day_before: bool,
}

/// Lines of one day, counted from the file's first.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from_line: u64,
    base: Base,
    /// Midnights since the base.
    midnights: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    /// No date record yet.
    Start,
    /// Its two numbers.
    Record(u32, u32),
    /// A date record of a form that no document shows.
    Unreadable,
}

impl Survey {
    pub fn new(own_date: bool, timed: bool, name: &str) -> Self {
        Self {
            own_date,
            timed,
            named: named(name),
            only_mdy: 0,
            only_dmy: 0,
            either: 0,
            stretches: vec![Stretch { from_line: 0, base: Base::Start, midnights: 0 }],
            late: HashSet::new(),
            last: None,
            dated: false,
            fresh: false,
            day_before: true,
        }
    }

    /// A record that ended at that second of the day, and its own date if it has one.
    pub fn see_call(&mut self, line: u64, date: &str, ended: Option<i32>) {
        if let (true, Some((a, b, year))) = (self.own_date, six(date)) {
            self.vote(a, b, year);
        }
        let (Some(ended), Some(stretch)) = (ended, self.stretches.last().copied()) else { return };
        let old_day = ended >= DAY - NEAR;
        match self.last {
            // The last minutes of the old day, written in the new one.
            Some(last) if self.fresh && old_day && if self.dated { last <= ended } else { last < NEAR } => {
                self.late.insert(line);
                return;
            }
            // Before the first date record: the device was connected again, or it was midnight, and a clock that goes on
            // is a quiet switch.
            Some(last) if self.dated => {
                self.day_before &= !self.is_first_date() || !(last..last + DAY / 4).contains(&ended);
            }
            Some(last) if ended + DAY / 2 < last => {
                self.stretches.push(Stretch { from_line: line, midnights: stretch.midnights + 1, ..stretch });
                self.fresh = true;
            }
            _ => {}
        }
        (self.last, self.dated) = (Some(ended), false);
        self.fresh &= ended < NEAR || old_day;
    }

    fn is_first_date(&self) -> bool {
        self.stretches.iter().rev().nth(1).is_some_and(|before| before.base == Base::Start)
    }

    /// A date record: two numbers of two digits, with or without a blank between (formats page 3.2).
    pub fn see_date(&mut self, line: u64, text: &str) {
        let base = match text.as_bytes() {
            [a, aa, b, bb] | [a, aa, b' ', b, bb] => {
                two(*a, *aa).zip(two(*b, *bb)).map_or(Base::Unreadable, |(a, b)| Base::Record(a, b))
            }
            _ => Base::Unreadable,
        };
        if self.stretches.last().is_some_and(|stretch| stretch.base == base && stretch.midnights == 0) {
            return;
        }
        if let (false, Base::Record(a, b)) = (self.own_date, base) {
            // Any leap year: the year is not there.
            self.vote(a, b, 2000);
        }
        self.stretches.push(Stretch { from_line: line + 1, base, midnights: 0 });
        (self.dated, self.fresh) = (true, true);
    }

    fn vote(&mut self, a: u32, b: u32, year: i32) {
        let (mdy, dmy) = (NaiveDate::from_ymd_opt(year, a, b), NaiveDate::from_ymd_opt(year, b, a));
        // All records of a survivable file ended on the day in its name.
        let is_named = |date: Option<NaiveDate>| self.own_date && date.is_some() && date == self.named;
        match (mdy.is_some(), dmy.is_some()) {
            (true, true) if a != b && is_named(mdy) => self.only_mdy += 1,
            (true, true) if a != b && is_named(dmy) => self.only_dmy += 1,
            (true, true) if a != b => self.either += 1,
            (true, false) => self.only_mdy += 1,
            (false, true) => self.only_dmy += 1,
            _ => {}
        }
    }

    fn order(&self, configured: Option<DateOrder>) -> Result<DateOrder, ReadError> {
        match (configured, self.only_mdy, self.only_dmy) {
            (Some(DateOrder::Ymd), ..) => Err(refuse("the switch writes no date as year, month, day")),
            (Some(order), ..) => Ok(order),
            (None, 0, 0) if self.either == 0 => Ok(DateOrder::Mdy),
            (None, 0, 0) => Err(refuse("its dates can be read as month and day or as day and month")),
            (None, mdy, dmy) if mdy > dmy * CLEAR => Ok(DateOrder::Mdy),
            (None, mdy, dmy) if dmy > mdy * CLEAR => Ok(DateOrder::Dmy),
            _ => Err(refuse("some of its dates must be month and day, others day and month")),
        }
    }

    /// # Errors
    /// Nothing tells the day, or the order of its digits.
    pub fn finish(self, about: &About<'_>) -> Result<Days, ReadError> {
        let limit = about.received_on.checked_add_signed(TimeDelta::days(1)).unwrap_or(about.received_on);
        let all = |day| vec![(0, Some(day))];
        if self.own_date {
            let order = self.order(about.options.date_order)?;
            let source = format!("date item; date_order={}", word(order));
            return Ok(Days { own: Some(order), stretches: Vec::new(), late: HashSet::new(), limit, source });
        }
        if let Some(named) = self.named {
            let source = "file name".to_string();
            return Ok(Days { own: None, stretches: all(named), late: HashSet::new(), limit, source });
        }
        let based = |is: fn(&Base) -> bool| self.stretches.iter().any(|stretch| is(&stretch.base));
        let (mut stretches, source);
        if based(|base| matches!(base, Base::Record(..))) {
            let order = self.order(about.options.date_order)?;
            stretches = self.by_records(order, limit);
            let years = stretches.iter().filter_map(|(_, day)| day.map(|day| day.year()));
            let (low, high) = (years.clone().min().unwrap_or_default(), years.max().unwrap_or_default());
            let years = if low == high { low.to_string() } else { format!("{low}-{high}") };
            source = format!("date records; date_order={}; year={years} from file time", word(order));
        } else if based(|base| *base == Base::Unreadable) {
            return Err(refuse("its date records have a form that no document shows, and nothing else tells the day"));
        } else if !self.timed {
            return Err(refuse("its records have no time of day, and neither they nor the file's name tell the day"));
        } else {
            let midnights = self.stretches.last().map_or(0, |stretch| stretch.midnights);
            if midnights > MOST_MIDNIGHTS {
                return Err(refuse("it has no dates, and its times of day go back too often to count the midnights"));
            }
            let day = |stretch: &Stretch| days_before(about.received_on, midnights - stretch.midnights);
            stretches = self.stretches.iter().map(|stretch| (stretch.from_line, day(stretch))).collect();
            source = match midnights {
                0 => "file time".to_string(),
                midnights => format!("file time; midnights={midnights}"),
            };
        }
        stretches.dedup_by_key(|(_, day)| *day);
        Ok(Days { own: None, stretches, late: self.late, limit, source })
    }

    /// The year is the latest in which a date record is no later than the day after the file.
    fn by_records(&self, order: DateOrder, limit: NaiveDate) -> Vec<(u64, Option<NaiveDate>)> {
        let latest = |month, day| {
            let years = (limit.year() - 8..=limit.year()).rev();
            years.filter_map(|year| NaiveDate::from_ymd_opt(year, month, day)).find(|date| *date <= limit)
        };
        let date = |base: Base| match (base, order) {
            (Base::Record(a, b), DateOrder::Dmy) => latest(b, a),
            (Base::Record(a, b), _) => latest(a, b),
            _ => None,
        };
        let first = self.stretches.iter().find(|stretch| stretch.base != Base::Start);
        let first = first.and_then(|first| date(first.base));
        let before = self.stretches.iter().rev().find(|stretch| stretch.base == Base::Start);
        let before = before.map_or(0, |last| last.midnights) + i32::from(self.day_before);
        let day = |stretch: &Stretch| match stretch.base {
            Base::Start => first.and_then(|first| days_before(first, before - stretch.midnights)),
            base => date(base).and_then(|date| days_before(date, -stretch.midnights)),
        };
        self.stretches.iter().map(|stretch| (stretch.from_line, day(stretch))).collect()
    }
}

/// The days of a file's lines, in whatever order they are asked for.
#[derive(Debug)]
pub(super) struct Days {
    /// Order of the digits in the records' own dates.
    own: Option<DateOrder>,
    /// From that line on; none if nobody can tell.
    stretches: Vec<(u64, Option<NaiveDate>)>,
    late: HashSet<u64>,
    limit: NaiveDate,
    /// Where the days are from.
    pub source: String,
}

impl Days {
    /// The day the record of that line ended on.
    pub fn ended(&self, line: u64, own: &str) -> Result<NaiveDate, Refusal> {
        let Some(order) = self.own else {
            let after = self.stretches.partition_point(|(from_line, _)| *from_line <= line);
            let (_, day) = self.stretches.get(after.saturating_sub(1)).copied().unwrap_or_default();
            let day = day.and_then(|day| days_before(day, i32::from(self.late.contains(&line))));
            return day.ok_or((Reject::BadTime, "the date record above cannot be read"));
        };
        let no_date = (Reject::BadTime, "no such date");
        let (a, b, year) = six(own).ok_or(no_date)?;
        let (month, day) = if order == DateOrder::Dmy { (b, a) } else { (a, b) };
        let date = NaiveDate::from_ymd_opt(year, month, day).ok_or(no_date)?;
        if date > self.limit { Err((Reject::BadTime, "a date after the file's own")) } else { Ok(date) }
    }
}

/// Whether the name is a survivable file's: `tssssss-cccc-YYMMDD-hh_mm` (formats page 3.9).
pub(super) fn is_survivable(name: &str) -> bool {
    let shape = b"#000000-0000-000000-00_00";
    let fits = |(is, must): (u8, &u8)| match must {
        b'#' => b"SEL".contains(&is),
        b'0' => is.is_ascii_digit(),
        must => is == *must,
    };
    name.len() >= shape.len()
        && name.bytes().zip(shape).all(fits)
        && name.as_bytes().get(shape.len()).is_none_or(|next| !next.is_ascii_alphanumeric())
}

/// The day a survivable file was begun, which is the day all its records ended on.
fn named(name: &str) -> Option<NaiveDate> {
    let digits = name.get(13..19).filter(|_| is_survivable(name))?;
    let (year, month, day) = six(digits).map(|(a, b, c)| (a, b, c - 2000))?;
    NaiveDate::from_ymd_opt(2000 + i32::try_from(year).ok()?, month, u32::try_from(day).ok()?)
}

/// Whether a date item is one that a calendar has, in either order.
pub(super) fn can_be_date(text: &str) -> bool {
    six(text).is_some_and(|(a, b, year)| {
        NaiveDate::from_ymd_opt(year, a, b).or_else(|| NaiveDate::from_ymd_opt(year, b, a)).is_some()
    })
}

/// Two numbers and the year of six digits.
fn six(text: &str) -> Option<(u32, u32, i32)> {
    let [a, aa, b, bb, y, yy] = text.as_bytes() else { return None };
    Some((two(*a, *aa)?, two(*b, *bb)?, 2000 + i32::try_from(two(*y, *yy)?).ok()?))
}

fn two(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

fn days_before(day: NaiveDate, days: i32) -> Option<NaiveDate> {
    day.checked_sub_signed(TimeDelta::days(i64::from(days)))
}

fn word(order: DateOrder) -> &'static str {
    if order == DateOrder::Dmy { "dmy" } else { "mdy" }
}

fn refuse(what: &str) -> ReadError {
    ReadError::Refused {
        what: what.to_string(),
        hint: "set the source's `date_order` to \"mdy\" or \"dmy\" as on the switch's screen (CDR Date Format); where no \
               day is told, add the item `date` to the customized format, or keep the names of survivable files",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Options;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Days of the calls among these lines: `hhmm` with a colon is a call, without one a date record.
    fn days(lines: &[&str], name: &str, received_on: &str, order: Option<DateOrder>) -> Result<Vec<String>, String> {
        let mut survey = Survey::new(false, true, name);
        for (line, text) in (1..).zip(lines) {
            match text.split_once(':') {
                Some((h, m)) => {
                    let ended = h.parse::<i32>().unwrap() * 3600 + m.parse::<i32>().unwrap() * 60;
                    survey.see_call(line, "", Some(ended));
                }
                None => survey.see_date(line, text),
            }
        }
        let options = Options { date_order: order, ..Options::default() };
        let about = About { name, received_on: day(received_on), options: &options };
        let days = survey.finish(&about).map_err(|error| error.to_string())?;
        let calls = (1..).zip(lines).filter(|(_, text)| text.contains(':'));
        let mut found: Vec<String> = vec![days.source.clone()];
        found.extend(calls.map(|(line, _)| days.ended(line, "").map_or_else(|e| e.1.into(), |day| day.to_string())));
        Ok(found)
    }

    #[test]
    fn date_records_go_for_what_follows() {
        let lines = ["1231", "09:00", "23:59", "0101", "00:01", "12 31", "08:00", "01 02", "08:00"];
        let mdy = days(&lines, "cdr.log", "2024-01-02", None).unwrap();
        assert_eq!(mdy[0], "date records; date_order=mdy; year=2023-2024 from file time");
        assert_eq!(mdy[1..], ["2023-12-31", "2023-12-31", "2024-01-01", "2023-12-31", "2024-01-02"]);
        let dmy = days(&["3112", "09:00", "0101", "09:00", "2902", "10:00"], "cdr.log", "2023-05-01", None).unwrap();
        assert_eq!(dmy[1..], ["2022-12-31", "2023-01-01", "2020-02-29"]);
        let unsure = days(&["0304", "09:00"], "cdr.log", "2024-05-01", None).unwrap_err();
        assert!(unsure.contains("month and day or"), "{unsure}");
        let told = |order| days(&["0304", "09:00"], "cdr.log", "2024-05-01", Some(order)).map(|found| found[1].clone());
        assert_eq!(told(DateOrder::Mdy).unwrap(), "2024-03-04");
        assert_eq!(told(DateOrder::Dmy).unwrap(), "2024-04-03");
        assert!(told(DateOrder::Ymd).is_err());
        let both = days(&["1331", "1231", "3112", "09:00"], "cdr.log", "2024-05-01", None).unwrap_err();
        assert!(both.contains("others"), "{both}");
    }

    #[test]
    fn what_comes_before_the_first_date_record() {
        let found = |lines: &[&str]| days(lines, "cdr.log", "2024-03-20", None).unwrap()[1..].to_vec();
        assert_eq!(found(&["22:00", "0315", "07:00"]), ["2024-03-14", "2024-03-15"], "midnight");
        assert_eq!(found(&["22:00", "07:00", "0315", "06:00"]), ["2024-03-13", "2024-03-14", "2024-03-15"]);
        assert_eq!(found(&["09:00", "0315", "09:10"]), ["2024-03-15", "2024-03-15"], "connected again");
        assert_eq!(found(&["09:00", "0315"]), ["2024-03-14"]);
    }

    #[test]
    fn records_straddle_midnight() {
        let found = |lines: &[&str]| days(lines, "cdr.log", "2024-03-20", None).unwrap()[1..].to_vec();
        assert_eq!(
            found(&["0314", "23:50", "00:00", "0315", "00:01", "0315", "09:00", "23:59"]),
            ["2024-03-14", "2024-03-15", "2024-03-15", "2024-03-15", "2024-03-15"],
            "the first of the new day came before its date"
        );
        assert_eq!(
            found(&["0314", "23:50", "0315", "23:59", "00:01", "23:59"]),
            ["2024-03-14", "2024-03-14", "2024-03-15", "2024-03-14"],
            "the last of the old day came after it"
        );
        assert_eq!(found(&["0314", "22:00", "01:00"]), ["2024-03-14", "2024-03-15"], "the date record was lost");
        assert_eq!(found(&["0315", "23:59"]), ["2024-03-15"]);
    }

    #[test]
    fn without_dates_the_file_time_is_the_last_day() {
        let found = days(&["22:00", "01:00", "23:00", "22:59", "02:00"], "cdr.log", "2024-03-01", None).unwrap();
        assert_eq!(found[0], "file time; midnights=2");
        assert_eq!(found[1..], ["2024-02-28", "2024-02-29", "2024-02-29", "2024-02-29", "2024-03-01"]);
        let unsorted: Vec<&str> = ["22:00", "01:00"].into_iter().cycle().take(66).collect();
        assert!(days(&unsorted, "cdr.log", "2024-03-01", None).is_err());
        assert!(days(&["12345678", "01:00"], "cdr.log", "2024-03-01", None).unwrap_err().contains("no document"));
    }

    #[test]
    fn a_survivable_file_is_of_one_day() {
        let name = "S441632-0001-240304-00_00";
        let found = days(&["0304", "23:59", "0305", "00:01"], name, "2024-06-01", None).unwrap();
        assert_eq!(found, ["file name", "2024-03-04", "2024-03-04"]);
        for (name, expected) in [
            (name, Some("2024-03-04")),
            ("E441632-0001-240304-00_00.txt", Some("2024-03-04")),
            ("L441632-0001-241304-00_00", None),
            ("X441632-0001-240304-00_00", None),
            ("S441632-0001-240304-00_001", None),
            ("S441632-0001-240304", None),
            ("Sé", None),
        ] {
            assert_eq!(named(name), expected.map(day), "{name}");
        }
    }

    #[test]
    fn a_date_of_its_own_goes_first() {
        let own = |dates: &[&str], name: &str, at: &str| {
            let mut survey = Survey::new(true, true, name);
            for (line, date) in (1..).zip(dates) {
                survey.see_call(line, date, Some(3600));
            }
            let options = Options::default();
            let days = survey.finish(&About { name, received_on: day("2024-06-01"), options: &options });
            days.map_err(|error| error.to_string()).map(|days| days.ended(1, at).map(|day| day.to_string()))
        };
        assert_eq!(own(&["030424", "130424"], "cdr.log", "030424"), Ok(Ok("2024-04-03".into())));
        assert_eq!(own(&["030424", "041324"], "cdr.log", "030424"), Ok(Ok("2024-03-04".into())));
        assert!(own(&["030424"], "cdr.log", "030424").is_err());
        assert_eq!(own(&["030424"], "S441632-0001-240304-00_00", "030424"), Ok(Ok("2024-03-04".into())));
        for late in ["060324", "023024", "0304", ""] {
            assert_eq!(own(&["041324"], "cdr.log", late).unwrap().unwrap_err().0, Reject::BadTime, "{late}");
        }
    }
}
