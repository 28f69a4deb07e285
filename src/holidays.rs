//! The bank holidays of England and Wales, and which days are working days. It knows no hours, no school holidays and no
//! other part of the United Kingdom.
//!
//! The days are data, `bank_holidays.csv`. The rule behind them: the Banking and Financial Dealings Act 1971 (c. 80),
//! Schedule 1, paragraph 1, names Easter Monday, the last Mondays in May and August, 26 December if not a Sunday, and 27
//! December in a year in which 25 or 26 December is a Sunday. Good Friday and Christmas Day are holidays by common law.
//! Section 1 lets a royal proclamation move a day (2) or add one (3): New Year's Day since 1974, the first Monday in May
//! since 1978, the substitutes of days that fall on a weekend, and one-off days. The usual names are those of GOV.UK.
//!
//! As in its list, a holiday on a weekend stands only at its substitute: Saturday 26 December 2026 is none here.
//!
//! How far the data are verified (November 2026): every day agrees with the open-source `holidays` 0.109 for Python; those
//! of 2012 to 2022 with copies of the GOV.UK list, which end before the state funeral; those of June 2002 with the Prime
//! Minister's answer of 24 November 2000 as the BBC gave it. The proclamations were not read. GOV.UK is reported to list
//! the days to 2028, as they stand here; 2029 and 2030 follow the rule alone. A one-off day announced since is missing:
//! check against GOV.UK before a release.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, Weekday};

/// The years whose bank holidays are known, both ends included.
pub const KNOWN: RangeInclusive<i32> = 2000..=2030;

/// The name of the bank holiday of England and Wales on this day. `None` for every day outside the years of [`KNOWN`].
pub fn bank_holiday(day: NaiveDate) -> Option<&'static str> {
    DAYS.get(&day).copied()
}

/// Monday to Friday and no bank holiday. Outside the years of [`KNOWN`] every Monday to Friday is a working day.
pub fn is_working(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && bank_holiday(day).is_none()
}

const DATA: &str = include_str!("bank_holidays.csv");

/// A line that makes no sense is left out here and fails the test of the data.
static DAYS: LazyLock<BTreeMap<NaiveDate, &'static str>> = LazyLock::new(|| {
    DATA.lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .filter_map(|(day, name)| Some((day.parse().ok()?, name)))
        .collect()
});

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).expect("a date of the calendar")
    }

    /// Easter Sunday by the anonymous Gregorian algorithm (Nature, 20 April 1876).
    fn easter(year: i32) -> NaiveDate {
        let (a, b, c) = (year % 19, year / 100, year % 100);
        let (d, e) = (b / 4, b % 4);
        let g = (b - (b + 8) / 25 + 1) / 3;
        let h = (19 * a + b - d - g + 15) % 30;
        let l = (32 + 2 * e + 2 * (c / 4) - h - c % 4) % 7;
        let m = (a + 11 * h + 22 * l) / 451;
        let n = h + l - 7 * m + 114;
        day(year, (n / 31) as u32, (n % 31 + 1) as u32)
    }

    /// The days the rule gives, before any proclamation for one year alone.
    fn by_rule(year: i32) -> Vec<(NaiveDate, &'static str)> {
        let monday = |month, mut days: RangeInclusive<u32>| {
            let first = days.find(|d| day(year, month, *d).weekday() == Weekday::Mon);
            day(year, month, first.expect("a Monday in seven days"))
        };
        let weekend = |d: NaiveDate| matches!(d.weekday(), Weekday::Sat | Weekday::Sun);
        let (christmas, boxing) = (day(year, 12, 25), day(year, 12, 26));
        let one_is = |weekday| christmas.weekday() == weekday || boxing.weekday() == weekday;

        // The Act, save that 26 December on a Saturday, one of its days, is left to its substitute.
        let mut days = vec![
            (easter(year) + Days::new(1), "Easter Monday"),
            (monday(5, 25..=31), "Spring bank holiday"),
            (monday(8, 25..=31), "Summer bank holiday"),
        ];
        days.extend((!weekend(boxing)).then_some((boxing, "Boxing Day")));
        days.extend(one_is(Weekday::Sun).then(|| (day(year, 12, 27), "Christmas Day (substitute day)")));
        // Common law.
        days.push((easter(year) - Days::new(2), "Good Friday"));
        days.extend((!weekend(christmas)).then_some((christmas, "Christmas Day")));
        // What is proclaimed each year: 28 December where Christmas Day or Boxing Day is a Saturday; 1 January or the Monday
        // after; the first Monday in May.
        days.extend(one_is(Weekday::Sat).then(|| (day(year, 12, 28), "Boxing Day (substitute day)")));
        days.push(match day(year, 1, 1) {
            new_year if weekend(new_year) => (monday(1, 2..=3), "New Year's Day (substitute day)"),
            new_year => (new_year, "New Year's Day"),
        });
        days.push((monday(5, 1..=7), "Early May bank holiday"));
        days
    }

    /// What was proclaimed for one year alone: the day, its name, and the day that it stands in for.
    const MOVED_OR_ADDED: [(&str, &str, Option<&str>); 10] = [
        ("2002-06-03", "Golden Jubilee bank holiday", None),
        ("2002-06-04", "Spring bank holiday (substitute day)", Some("2002-05-27")),
        ("2011-04-29", "Royal wedding", None),
        ("2012-06-04", "Spring bank holiday (substitute day)", Some("2012-05-28")),
        ("2012-06-05", "Diamond Jubilee bank holiday", None),
        ("2020-05-08", "Early May bank holiday (VE day)", Some("2020-05-04")),
        ("2022-06-02", "Spring bank holiday (substitute day)", Some("2022-05-30")),
        ("2022-06-03", "Platinum Jubilee bank holiday", None),
        ("2022-09-19", "State funeral of the Queen", None),
        ("2023-05-08", "Coronation of the King", None),
    ];

    #[test]
    fn the_days_are_those_of_the_act_and_the_proclamations() {
        let mut expected: BTreeMap<NaiveDate, &str> = KNOWN.flat_map(by_rule).collect();
        for (on, name, instead_of) in MOVED_OR_ADDED {
            expected.insert(on.parse().expect("a date"), name);
            if let Some(other) = instead_of {
                assert!(
                    expected.remove(&other.parse().expect("a date")).is_some(),
                    "{other} is none of the rule's days"
                );
            }
        }
        assert_eq!(*DAYS, expected);
        assert_eq!(DAYS.len(), 31 * 8 + 6, "eight a year, and six more");
    }

    #[test]
    fn every_line_is_read_in_order_and_once() {
        let lines: Vec<&str> = DATA.lines().collect();
        assert_eq!(lines[0], "day,name");
        let read: Vec<String> = DAYS.iter().map(|(day, name)| format!("{day},{name}")).collect();
        assert_eq!(read, lines[1..]);
        assert!(DAYS.keys().all(|day| KNOWN.contains(&day.year())));
        assert!(DAYS.keys().all(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)));
    }

    /// From the GOV.UK lists and, for the days before 2012, from the calendars of their years.
    #[test]
    fn days_that_are_easy_to_get_wrong() {
        for (on, name) in [
            ("2000-01-03", "New Year's Day (substitute day)"),
            ("2004-12-27", "Christmas Day (substitute day)"),
            ("2004-12-28", "Boxing Day (substitute day)"),
            ("2008-03-24", "Easter Monday"),
            ("2011-04-22", "Good Friday"),
            ("2011-04-25", "Easter Monday"),
            ("2011-05-02", "Early May bank holiday"),
            ("2012-01-02", "New Year's Day (substitute day)"),
            ("2015-12-28", "Boxing Day (substitute day)"),
            ("2016-12-26", "Boxing Day"),
            ("2016-12-27", "Christmas Day (substitute day)"),
            ("2021-12-27", "Christmas Day (substitute day)"),
            ("2021-12-28", "Boxing Day (substitute day)"),
            ("2022-01-03", "New Year's Day (substitute day)"),
            ("2024-03-29", "Good Friday"),
            ("2025-08-25", "Summer bank holiday"),
            ("2026-12-28", "Boxing Day (substitute day)"),
            ("2027-12-28", "Boxing Day (substitute day)"),
            ("2028-01-03", "New Year's Day (substitute day)"),
        ] {
            assert_eq!(bank_holiday(on.parse().expect("a date")), Some(name), "{on}");
        }
        // Days that gave way, days of Scotland or Northern Ireland, and a weekend whose substitute stands for it.
        for on in [
            "2002-05-27",
            "2012-05-28",
            "2020-05-04",
            "2022-05-30",
            "2011-12-28",
            "2024-01-02",
            "2024-03-18",
            "2024-07-12",
            "2024-12-02",
            "2021-12-25",
            "2026-12-26",
            "2025-05-08",
        ] {
            assert_eq!(bank_holiday(on.parse().expect("a date")), None, "{on}");
        }
    }

    #[test]
    fn easter_is_where_the_calendars_have_it() {
        for (year, month, on) in
            [(2000, 4, 23), (2008, 3, 23), (2011, 4, 24), (2019, 4, 21), (2024, 3, 31), (2025, 4, 20), (2026, 4, 5)]
        {
            assert_eq!(easter(year), day(year, month, on));
        }
    }

    #[test]
    fn working_days_are_weekdays_that_are_no_holiday() {
        let working =
            |y: i32| day(y, 1, 1).iter_days().take_while(|d| d.year() == y).filter(|d| is_working(*d)).count();
        // Counted by hand: 2025 has 261 weekdays and eight bank holidays; 2022 has 260 and ten; 2023 has 260 and nine.
        assert_eq!([working(2025), working(2022), working(2023)], [253, 250, 251]);
        assert!(!is_working(day(2021, 12, 25)) && !is_working(day(2021, 12, 28)) && is_working(day(2021, 12, 29)));
    }

    #[test]
    fn outside_the_known_years_there_is_no_holiday() {
        assert_eq!(bank_holiday(day(1999, 12, 31)), None, "the millennium day was one, but is outside");
        assert_eq!(bank_holiday(day(2031, 12, 25)), None);
        assert!(is_working(day(2031, 12, 25)) && !is_working(day(2031, 12, 27)));
    }
}
