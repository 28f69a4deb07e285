//! What may stand in `tariffs.csv` and `fixed_charges.csv`: amounts, selectors, dates, and rows that contradict one another or
//! that no call could ever reach. It rates no call: that is SQL (`queries/views/rated_calls.sql`).

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;

use super::table::{self, CsvTable, Row};
use super::{DEVICE_KINDS, USES};
use crate::config::Config;
use crate::error::Error;
use crate::number::{self, Class};

/// Between own mobiles and extensions: a class of price, and no class of number.
pub const ON_NET: &str = "on_net";
const BANDS: [&str; 3] = ["day", "evening", "weekend"];
const ROUNDINGS: [&str; 3] = ["up", "half_up", "half_even"];
/// Classes whose numbers are short codes, without a country code.
const SHORT: [Class; 4] = [Class::Emergency, Class::ShortCode, Class::Directory, Class::Unknown];

/// More is a slip of the pen, and would leave the range in which every engine reckons exactly.
const MOST_PENCE: i64 = 100_000;
const MICROS_A_PENNY: i64 = 10_000;

/// Pence with up to four decimals, as millionths of a pound.
pub fn micros(pence: &str) -> Option<i64> {
    let (whole, decimals) = pence.split_once('.').unwrap_or((pence, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 4 {
        return None;
    }
    let micros =
        whole.parse::<i64>().ok()?.checked_mul(MICROS_A_PENNY)? + format!("{decimals:0<4}").parse::<i64>().ok()?;
    (micros <= MOST_PENCE * MICROS_A_PENNY).then_some(micros)
}

/// `carriers` are those of the trunk list, if there is one.
pub fn check_tariffs(
    rows: &CsvTable,
    sources: &BTreeSet<&str>,
    carriers: Option<&BTreeSet<&str>>,
    errors: &mut Vec<Error>,
) {
    let needed = ["tariff", "rate_pence_per_minute", "first_increment_s", "increment_s", "vat", "effective_from"];
    rows.needs(&[&needed[..], &["price_source"]].concat(), errors);
    let before = errors.len();
    for column in needed.iter().chain(&["price_source"]) {
        rows.filled(column, errors);
    }
    let classes: BTreeSet<&str> = Class::ALL.iter().map(|class| class.word()).chain([ON_NET]).collect();
    rows.known_or_blank("source", sources, "a source of the configuration", errors);
    rows.known_or_blank("number_class", &classes, "a class of number", errors);
    rows.known_or_blank("band", &BTreeSet::from(BANDS), "a band", errors);
    rows.known_or_blank("rounding", &BTreeSet::from(ROUNDINGS), "a rounding", errors);
    if let Some(carriers) = carriers {
        rows.known_or_blank(
            "carrier",
            carriers,
            "the carrier of a trunk in trunks.csv: no call would reach it",
            errors,
        );
    }
    let amounts = ["connection_pence", "rate_pence_per_minute", "minimum_pence", "cap_pence", "round_to_pence"];
    amounts.iter().for_each(|column| amount(rows, column, errors));
    for column in ["first_increment_s", "increment_s", "cap_minutes"] {
        whole(rows, column, errors);
    }
    dated_without_vat(rows, errors);
    if errors.len() > before {
        // What follows reads these cells.
        return;
    }
    for row in &rows.rows {
        if let Some((column, what)) = contradiction(rows, row) {
            errors.push(rows.wrong(row, column, what));
        }
    }
    let key = ["source", "carrier", "number_class", "prefix", "band"];
    overlapping(rows, &key, errors);
    bands_all_taken(rows, errors);
}

pub fn check_fixed_charges(rows: &CsvTable, config: &Config, errors: &mut Vec<Error>) {
    let needed = ["charge", "pence_per_month", "vat", "effective_from", "price_source"];
    rows.needs(&needed, errors);
    let before = errors.len();
    needed.iter().for_each(|column| rows.filled(column, errors));
    let platforms: BTreeSet<&str> = config.sources.iter().map(|source| source.format.as_str()).collect();
    rows.known_or_blank("source", &super::sources(config), "a source of the configuration", errors);
    rows.known_or_blank("platform", &platforms, "the format of a source of the configuration", errors);
    rows.known_or_blank("device_kind", &BTreeSet::from(DEVICE_KINDS), "a kind of device", errors);
    rows.known_or_blank("use", &BTreeSet::from(USES), "a use", errors);
    amount(rows, "pence_per_month", errors);
    dated_without_vat(rows, errors);
    if errors.len() > before {
        return;
    }
    for row in &rows.rows {
        let (source, platform) = (rows.text(row, "source"), rows.text(row, "platform"));
        let format = config.sources.iter().find(|s| s.name == source).map(|s| s.format.as_str());
        if let Some(format) = format.filter(|format| !platform.is_empty() && *format != platform) {
            errors.push(rows.wrong(
                row,
                "platform",
                format!("{source} is {format}: no extension would reach this row"),
            ));
        }
    }
    overlapping(rows, &["charge", "source", "platform", "device_kind", "use"], errors);
}

/// What a row says that cannot be, and in which cell.
fn contradiction(rows: &CsvTable, row: &Row) -> Option<(&'static str, String)> {
    let text = |column| rows.text(row, column);
    let amount = |column| micros(text(column));
    let (class, prefix) = (text("number_class"), text("prefix"));
    if let Some(cap) = amount("cap_pence") {
        for column in ["connection_pence", "minimum_pence"] {
            if amount(column).is_some_and(|least| least > cap) {
                return Some(("cap_pence", format!("the cap is less than {column}")));
            }
        }
    } else if !text("cap_minutes").is_empty() {
        return Some(("cap_minutes", "minutes of a cap, and no cap_pence".into()));
    }
    if amount("round_to_pence") == Some(0) {
        return Some(("round_to_pence", "nothing can be rounded to 0; 0.0001 is the least".into()));
    }
    if prefix.is_empty() {
        return None;
    }
    if !prefix.bytes().all(|b| b.is_ascii_digit()) || prefix.len() > 15 {
        return Some((
            "prefix",
            format!("{prefix:?} is no start of a number: digits with the country code first, no +"),
        ));
    }
    let unreachable = |why: &str| Some(("prefix", format!("{prefix} {why}: no call would reach this row")));
    match Class::from_word(class) {
        _ if class == ON_NET => unreachable("cannot tell on-net calls apart: they are told by the register"),
        None => Some(("prefix", "a prefix needs a number_class: 112 is an emergency call, +112… is abroad".into())),
        Some(class) if !reaches(prefix, class) => {
            unreachable(&format!("starts no number of the class {}", class.word()))
        }
        Some(_) => None,
    }
}

/// Whether a number that starts so can be of the class: two digits more decide that anywhere in the plan.
fn reaches(prefix: &str, class: Class) -> bool {
    if SHORT.contains(&class) {
        return true;
    }
    if class == Class::International {
        return !prefix.starts_with("44");
    }
    let more = (0..100).flat_map(|two| (0..10).map(move |filler| (two, filler)));
    let numbers = more.flat_map(|(two, filler)| {
        let start = format!("+{prefix}{two:02}");
        // Nine or ten digits behind the country code, or fewer for a few old services.
        [10, 12, 13]
            .map(|length| format!("{start}{}", filler.to_string().repeat(length.max(start.len()) - start.len())))
    });
    let whole = [format!("+{prefix}")];
    whole.into_iter().chain(numbers).any(|number| number::classify(&number) == class)
}

/// Two rows for the same calls (or extensions) on the same day.
fn overlapping(rows: &CsvTable, key: &[&str], errors: &mut Vec<Error>) {
    let mut seen: HashMap<Vec<&str>, Vec<&Row>> = HashMap::new();
    for row in &rows.rows {
        let others = seen.entry(key.iter().map(|column| rows.text(row, column)).collect()).or_default();
        let (from, to) = span(rows, row);
        let other = others.iter().find(|other| {
            let (other_from, other_to) = span(rows, other);
            from <= other_to && other_from <= to
        });
        if let Some(other) = other {
            let what = format!("line {} has a price for the same on days of this row", other.line);
            errors.push(rows.wrong(row, "effective_from", what));
        }
        others.push(row);
    }
}

/// A row for any band, on whose days each of the bands has a row of its own.
fn bands_all_taken(rows: &CsvTable, errors: &mut Vec<Error>) {
    let key = |row| ["source", "carrier", "number_class", "prefix"].map(|column| rows.text(row, column));
    for row in rows.rows.iter().filter(|row| rows.text(row, "band").is_empty()) {
        let covers = |band: &&str| {
            let of_band = rows.rows.iter().filter(|other| rows.text(other, "band") == *band && key(other) == key(row));
            let mut spans: Vec<_> = of_band.map(|other| span(rows, other)).collect();
            spans.sort();
            // The first day that none of them has.
            let (from, to) = span(rows, row);
            let open = spans.iter().try_fold(from, |open, (first, last)| match *first <= open && open <= *last {
                true => last.succ_opt(),
                false => Some(open),
            });
            open.is_none_or(|open| open > to)
        };
        if BANDS.iter().all(covers) {
            let what = "day, evening and weekend have rows of their own on all its days: no call would reach this row";
            errors.push(rows.wrong(row, "band", what.into()));
        }
    }
}

fn dated_without_vat(rows: &CsvTable, errors: &mut Vec<Error>) {
    rows.date("effective_from", errors);
    rows.date("effective_to", errors);
    for row in &rows.rows {
        let vat = rows.text(row, "vat");
        if !vat.is_empty() && vat != "exclusive" {
            let what = format!("{vat:?}: prices stand here without VAT, and the column says `exclusive`");
            errors.push(rows.wrong(row, "vat", what));
        }
        let (from, to) = span(rows, row);
        if from > to {
            errors.push(rows.wrong(row, "effective_to", format!("before effective_from, {from}")));
        }
    }
}

/// First and last day of a row. A date that is none is told elsewhere.
fn span(rows: &CsvTable, row: &Row) -> (NaiveDate, NaiveDate) {
    let day = |column| table::day(rows.text(row, column));
    (day("effective_from").unwrap_or(NaiveDate::MIN), day("effective_to").unwrap_or(NaiveDate::MAX))
}

fn amount(rows: &CsvTable, column: &str, errors: &mut Vec<Error>) {
    for row in &rows.rows {
        let text = rows.text(row, column);
        if !text.is_empty() && micros(text).is_none() {
            let what = format!("{text:?} is not pence from 0 to {MOST_PENCE} with at most four decimals, like 1.25");
            errors.push(rows.wrong(row, column, what));
        }
    }
}

/// Seconds of an increment and minutes of a cap: from 1 to a day.
fn whole(rows: &CsvTable, column: &str, errors: &mut Vec<Error>) {
    for row in &rows.rows {
        let text = rows.text(row, column);
        if !text.is_empty() && !text.parse::<u32>().is_ok_and(|n| (1..=86_400).contains(&n)) {
            errors.push(rows.wrong(row, column, format!("{text:?} is not a whole number from 1 to 86400")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pence_are_read_to_the_ten_thousandth() {
        let read = ["0", "1", "1.25", "0.0001", "12.3400", "100000", "007.5"].map(micros);
        assert_eq!(read, [0, 10_000, 12_500, 1, 123_400, 1_000_000_000, 75_000].map(Some));
        for text in
            ["", ".5", "5.", "1.23456", "-1", "+1", "1e3", "1,5", "100000.0001", "99999999999999999999", "£1", "१"]
        {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    /// Starts of numbers by the National Telephone Numbering Plan, and what they cannot be.
    #[test]
    fn a_prefix_reaches_the_classes_whose_numbers_start_so() {
        let fits = [
            ("44", Class::Geographic),
            ("4420", Class::Geographic),
            ("441632960", Class::Geographic),
            ("443", Class::UkWide),
            ("447", Class::Mobile),
            ("447700900", Class::Mobile),
            ("447624", Class::Mobile),
            ("4470", Class::Personal),
            ("4476", Class::Pager),
            ("44800", Class::Freephone),
            ("44808", Class::Freephone),
            ("44845", Class::Service),
            ("44909", Class::Premium),
            ("4456", Class::Voip),
            ("118118", Class::Directory),
            ("33", Class::International),
        ];
        for (prefix, class) in fits {
            assert!(reaches(prefix, class), "{prefix} {}", class.word());
        }
        let contradictions = [
            ("4420", Class::Mobile),
            ("447", Class::Geographic),
            ("33", Class::Geographic),
            ("44", Class::International),
        ];
        for (prefix, class) in contradictions {
            assert!(!reaches(prefix, class), "{prefix} {}", class.word());
        }
    }
}
