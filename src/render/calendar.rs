//! Days as plain text for a terminal: a row a month, a character a day, the weekdays below one another. What the
//! characters stand for is the caller's affair, but for the count of a day.

use super::clean;
use chrono::{Datelike, NaiveDate};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Stands for a day without records where the other days show counts: silence on it proves nothing.
pub const NO_RECORDS: char = '░';
/// The months' names and the gap after them.
const MARGIN: usize = 10;
const WIDEST: usize = 100;

/// The days in order, in rows of 57 columns at most; below them what the characters mean, each with its words. Of two
/// characters for one day the later counts; days not given are blank, months without a day are left out. No days make
/// no text.
///
/// ```text
///           MTWTFSS MTWTFSS MTWTFSS MTWTFSS MTWTFSS
/// Feb 2024     1·░░ ·······
///
///           · no use   1–9 uses   # ten or more   ░ no records
/// ```
pub fn calendar(days: &[(NaiveDate, char)], legend: &[(&str, &str)]) -> String {
    let mut months: BTreeMap<(i32, u32), Vec<(NaiveDate, char)>> = BTreeMap::new();
    for (day, mark) in days {
        months.entry((day.year(), day.month())).or_default().push((*day, *mark));
    }
    if months.is_empty() {
        return String::new();
    }
    let mut rows: Vec<(String, Vec<char>)> = Vec::new();
    for days in months.values() {
        let mut row: Vec<char> = Vec::new();
        for (day, mark) in days {
            let at = place(*day);
            row.resize(row.len().max(at + 1), ' ');
            row[at] = if mark.is_control() { '\u{fffd}' } else { *mark };
        }
        rows.push((days.first().map_or(String::new(), |(day, _)| day.format("%b %Y").to_string()), row));
    }
    let weeks = rows.iter().map(|(_, row)| row.len().div_ceil(8)).max().unwrap_or(0);
    let mut text = format!("{:MARGIN$}{}\n", "", ["MTWTFSS"; 6][..weeks.min(6)].join(" "));
    for (month, row) in rows {
        let row: String = row.into_iter().collect();
        let _ = writeln!(text, "{}", format!("{month:MARGIN$}{row}").trim_end());
    }
    text + &key(legend)
}

/// A day's count as one character: `·`, `1` to `9`, `#` for more.
pub fn tally(count: i64) -> char {
    match u32::try_from(count) {
        Ok(digit @ 1..=9) => char::from_digit(digit, 10).unwrap_or('#'),
        Ok(10..) => '#',
        _ if count > 9 => '#',
        _ => '·',
    }
}

/// Column of a day in its month's row: weeks of seven and a blank.
fn place(day: NaiveDate) -> usize {
    let first = day.with_day(1).unwrap_or(day).weekday().num_days_from_monday();
    let at = (first + day.day0()) as usize;
    at / 7 * 8 + at % 7
}

fn key(legend: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut used = WIDEST;
    for (mark, words) in legend {
        let entry = clean(&format!("{mark} {words}")).replace(['\n', '\t'], " ");
        let entry: String = entry.chars().take(WIDEST - MARGIN).collect();
        let entry = entry.trim_end();
        let long = entry.chars().count();
        if used + 3 + long > WIDEST {
            let _ = write!(text, "\n{:MARGIN$}{entry}", "");
            used = MARGIN + long;
        } else {
            let _ = write!(text, "   {entry}");
            used += 3 + long;
        }
    }
    if text.is_empty() { text } else { text + "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    /// `count` days from the first on, the last figure of each day's number as its character.
    fn numbered(first: NaiveDate, count: usize) -> Vec<(NaiveDate, char)> {
        first.iter_days().take(count).map(|day| (day, char::from_digit(day.day() % 10, 10).unwrap())).collect()
    }

    #[test]
    fn months_and_weekdays_stand_below_one_another() {
        // Thursday 1 February 2024 of a leap year, Friday 1 March
        let text = calendar(&numbered(day(2024, 2, 1), 60), &[("·", "no use"), ("#", "ten or more")]);
        let wanted = "          MTWTFSS MTWTFSS MTWTFSS MTWTFSS MTWTFSS
Feb 2024     1234 5678901 2345678 9012345 6789
Mar 2024      123 4567890 1234567 8901234 5678901

          · no use   # ten or more
";
        assert_eq!(text, wanted);
    }

    #[test]
    fn the_longest_month_has_six_weeks_and_an_end_of_year_changes_the_year() {
        // 1 December 2024 is a Sunday
        let text = calendar(&numbered(day(2024, 12, 1), 33), &[]);
        let wanted = "          MTWTFSS MTWTFSS MTWTFSS MTWTFSS MTWTFSS MTWTFSS
Dec 2024        1 2345678 9012345 6789012 3456789 01
Jan 2025    12
";
        assert_eq!(text, wanted);
    }

    #[test]
    fn one_day_none_and_odd_ones() {
        // 29 February 2024 was a Thursday, in the fifth week of its month
        assert_eq!(
            calendar(&[(day(2024, 2, 29), '#')], &[]),
            format!(
                "{}MTWTFSS MTWTFSS MTWTFSS MTWTFSS MTWTFSS\nFeb 2024{}#\n",
                " ".repeat(10),
                " ".repeat(2 + 4 * 8 + 3)
            )
        );
        assert_eq!(calendar(&[], &[("#", "use")]), "");
        let text = calendar(&[(day(2024, 1, 3), 'x'), (day(2024, 1, 1), 'a'), (day(2024, 1, 1), '\n')], &[]);
        assert_eq!(
            text, "          MTWTFSS\nJan 2024  \u{fffd} x\n",
            "any order, the later counts, no control character"
        );
        let far = calendar(&[(NaiveDate::MIN, 'a'), (NaiveDate::MAX, 'b')], &[]);
        assert_eq!(far.lines().count(), 3, "only months that have a day");
    }

    #[test]
    fn every_day_is_there_once_and_no_line_is_too_long() {
        let days: Vec<(NaiveDate, char)> = day(2023, 1, 15).iter_days().take(500).map(|day| (day, '#')).collect();
        let words = "a state with rather a lot of words";
        let text = calendar(&days, &[("█", words), ("▒", words), ("×", words), ("#", &words.repeat(9))]);
        assert_eq!(text.matches('#').count(), 500 + 1);
        assert_eq!(text.lines().filter(|line| line.contains(" 202")).count(), 17);
        assert!(text.lines().all(|line| line.chars().count() <= 100 && line == line.trim_end()), "{text}");
        for mark in ["█ a", "▒ a", "× a"] {
            assert!(text.contains(mark));
        }
    }

    #[test]
    fn a_count_is_one_character() {
        let shown: String = [i64::MIN, -1, 0, 1, 9, 10, 99, i64::MAX].map(tally).into_iter().collect();
        assert_eq!(shown, "···19###");
    }
}
