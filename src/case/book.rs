//! The assumptions book: every input of a case is a row of `assumptions.csv` with its range, its unit and where it comes
//! from. Reads and checks the rows; what they are used for is in `file`.

use std::collections::BTreeMap;
use std::path::Path;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::error::Error;
use crate::units::FinancialYear;

/// The columns in the order they are written; `shape` may be left out.
pub const COLUMNS: [&str; 13] = [
    "id",
    "title",
    "value",
    "low",
    "high",
    "unit",
    "price_base",
    "vat",
    "source",
    "owner",
    "date",
    "confidence",
    "shape",
];

/// One input of the case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assumption {
    pub id: String,
    pub title: String,
    /// Pounds, a part of one (5 % is 0.05) or a number, as `unit` says.
    pub value: Decimal,
    /// What it may well be, for sensitivity and simulation; both or neither, and `value` between them.
    pub range: Option<(Decimal, Decimal)>,
    #[serde(skip)]
    pub measure: Measure,
    /// As it is written: `GBP a phone a year`, `%`, `months`.
    pub unit: String,
    /// The year whose prices a sum of money is in.
    pub price_base: Option<FinancialYear>,
    pub vat: Vat,
    pub source: Option<String>,
    pub owner: Option<String>,
    /// When it was set down, as it is written.
    pub date: Option<String>,
    pub confidence: Option<String>,
    pub shape: Shape,
    /// `assumptions.csv:7`, or the parameter file of onhook it comes from.
    pub place: String,
    /// Whether onhook brings it along (discount rates, optimism bias) or the case's own book holds it.
    pub is_parameter: bool,
}

impl Assumption {
    /// A value of its unit as a person writes it: `£96.00`, `3.5%`, `12`.
    pub fn printed(&self, value: Decimal) -> String {
        match self.measure {
            Measure::Money if value.normalize().scale() <= 2 => super::figures::pence(Some(value)).to_string(),
            Measure::Money => format!("£{}", value.normalize()),
            Measure::Part => format!("{}%", (value * Decimal::ONE_HUNDRED).round_dp(2).normalize()),
            Measure::Number => value.round_dp(2).normalize().to_string(),
        }
    }
}

/// What the first word of a unit says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Money,
    Part,
    Number,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vat {
    #[default]
    Excluded,
    Included,
}

/// How likely the values of a range are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    #[default]
    Triangular,
    /// The smoothed triangle of project planning: a beta distribution with the mode weighted four times.
    Pert,
    Uniform,
}

/// Reads the book; `path` is only for messages. All that is wrong is told at once.
pub fn read(path: &Path, text: &str) -> Result<Vec<Assumption>, Vec<Error>> {
    let name = path.display().to_string();
    let error = |place: String, what: String, hint: &str| Error::Case { place, what, hint: hint.into() };
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(problem) => return Err(vec![error(name, format!("not CSV: {problem}"), "write it as UTF-8 with commas")]),
    };
    let mut columns = BTreeMap::new();
    let mut errors = Vec::new();
    for (at, column) in header.iter().enumerate() {
        let column = column.trim_start_matches('\u{feff}');
        if !COLUMNS.contains(&column) {
            let what = format!("no column is called `{column}`");
            errors.push(error(format!("{name}:1"), what, &format!("its columns: {}", COLUMNS.join(", "))));
        } else if columns.insert(column.to_string(), at).is_some() {
            errors.push(error(format!("{name}:1"), format!("column `{column}` stands twice"), "take one out"));
        }
    }
    for column in COLUMNS.iter().take(12).filter(|column| !columns.contains_key(**column)) {
        let what = format!("column `{column}` is missing");
        errors.push(error(format!("{name}:1"), what, "add it; a cell of it may be blank"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut book: Vec<Assumption> = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(problem) => {
                let line = problem.position().map_or(0, csv::Position::line);
                errors.push(error(format!("{name}:{line}"), format!("not CSV: {problem}"), "write it as UTF-8"));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let row = Row { name: &name, line, columns: &columns, record: &record };
        if record.iter().all(str::is_empty) {
            continue;
        }
        match row.assumption() {
            Ok(one) if book.iter().any(|other| other.id == one.id) => {
                errors.push(row.error(
                    "id",
                    format!("a second assumption is called `{}`", one.id),
                    "give it another id",
                ));
            }
            Ok(one) => book.push(one),
            Err(problem) => errors.push(problem),
        }
    }
    if errors.is_empty() { Ok(book) } else { Err(errors) }
}

/// `96.00` or `£96`, `5` or `5 %` (a part), `20,000`: as the measure says.
pub fn decimal(measure: Measure, text: &str) -> Option<Decimal> {
    let text = text.trim().replace('\u{2212}', "-");
    let bare = match measure {
        Measure::Money => text.replacen('£', "", 1),
        Measure::Part => text.trim_end_matches('%').trim_end().to_string(),
        Measure::Number => text,
    };
    let digits = bare.strip_prefix('-').unwrap_or(&bare);
    let (whole, decimals) = digits.split_once('.').map_or((digits, ""), |(whole, decimals)| (whole, decimals));
    let groups: Vec<&str> = whole.split(',').collect();
    let grouped = groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    // Six decimals are a ten-thousandth of a penny; fifteen digits are what every spreadsheet holds exactly.
    let fits = decimals.len() <= 6 && whole.len() <= 15;
    if !grouped || !groups.iter().all(|group| !group.is_empty() && all_digits(group)) || !all_digits(decimals) || !fits
    {
        return None;
    }
    let value: Decimal = bare.replace(',', "").parse().ok()?;
    Some(if measure == Measure::Part { value / Decimal::ONE_HUNDRED } else { value }.normalize())
}

struct Row<'a> {
    name: &'a str,
    line: u64,
    columns: &'a BTreeMap<String, usize>,
    record: &'a csv::StringRecord,
}

impl Row<'_> {
    fn cell(&self, column: &str) -> Option<&str> {
        let text = self.columns.get(column).and_then(|at| self.record.get(*at))?;
        (!text.is_empty()).then_some(text)
    }

    fn error(&self, column: &str, what: String, hint: &str) -> Error {
        Error::Case { place: format!("{}:{}, {column}", self.name, self.line), what, hint: hint.into() }
    }

    fn assumption(&self) -> Result<Assumption, Error> {
        if self.record.len() > self.columns.len() {
            let what = "more cells than columns".to_string();
            return Err(self.error("id", what, "put quotes around a text that holds a comma"));
        }
        let id = self.cell("id").ok_or_else(|| self.error("id", "no id".into(), "name the assumption"))?;
        if !is_name(id) {
            let hint =
                "use small letters, digits and _, beginning with a letter, and not the look of a cell such as q1";
            return Err(self.error("id", format!("`{id}` is no name for an assumption"), hint));
        }
        let unit = self.cell("unit").unwrap_or_default();
        let measure = match unit.split_whitespace().next() {
            Some("GBP") => Measure::Money,
            Some("%") => Measure::Part,
            Some(_) => Measure::Number,
            None => {
                let hint = "write `GBP a phone a year`, `%`, `phones`, `months`: money begins with GBP, a part with %";
                return Err(self.error("unit", "no unit".into(), hint));
            }
        };
        let number = |column: &str| -> Result<Option<Decimal>, Error> {
            let Some(text) = self.cell(column) else { return Ok(None) };
            let hint = match measure {
                Measure::Money => "write pounds such as 1443000, £1,443,000 or 58.80",
                Measure::Part => "write a percentage such as 3.5",
                Measure::Number => "write a number such as 20000 or 1.5",
            };
            let wrong = || self.error(column, format!("`{text}` is not a number"), hint);
            decimal(measure, text).map(Some).ok_or_else(wrong)
        };
        let value = number("value")?.ok_or_else(|| self.error("value", "no value".into(), "give one"))?;
        let range = match (number("low")?, number("high")?) {
            (None, None) => None,
            (Some(low), Some(high)) if low <= value && value <= high => Some((low, high)),
            (Some(_), Some(_)) => {
                let what = "the value does not lie between low and high".to_string();
                return Err(self.error("value", what, "put them in rising order"));
            }
            _ => return Err(self.error("low", "half a range".into(), "give low and high, or neither")),
        };
        let price_base = self.cell("price_base").map(str::parse).transpose();
        let price_base = price_base
            .map_err(|problem: crate::units::Invalid| self.error("price_base", problem.what, problem.hint))?;
        let vat = match self.cell("vat") {
            None | Some("excluded") => Vat::Excluded,
            Some("included") => Vat::Included,
            Some(other) => {
                let what = format!("`{other}` says nothing of VAT");
                return Err(self.error("vat", what, "write excluded or included, or leave it blank"));
            }
        };
        let shape = match self.cell("shape") {
            None | Some("triangular") => Shape::Triangular,
            Some("pert") => Shape::Pert,
            Some("uniform") => Shape::Uniform,
            Some(other) => {
                let what = format!("`{other}` is no shape");
                return Err(self.error("shape", what, "write triangular, pert or uniform, or leave it blank"));
            }
        };
        let text = |column: &str| self.cell(column).map(str::to_string);
        Ok(Assumption {
            id: id.to_string(),
            title: text("title").unwrap_or_else(|| id.replace('_', " ")),
            value,
            range: range.filter(|(low, high)| low < high),
            measure,
            unit: unit.to_string(),
            price_base,
            vat,
            source: text("source"),
            owner: text("owner"),
            date: text("date"),
            confidence: text("confidence"),
            shape,
            place: format!("{}:{}", self.name, self.line),
            is_parameter: false,
        })
    }
}

/// Whether a spreadsheet takes it as the name of a cell: `support_a_year`, not `q1` (a cell) or `r` (a row).
pub fn is_name(id: &str) -> bool {
    let letters = id.bytes().take_while(u8::is_ascii_lowercase).count();
    let looks_like_a_cell = letters <= 3 && letters < id.len() && id.bytes().skip(letters).all(|b| b.is_ascii_digit());
    let rows = id.split('c').all(|part| part.trim_start_matches('r').bytes().all(|b| b.is_ascii_digit()));
    letters > 0
        && id.len() <= 60
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !looks_like_a_cell
        && !rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id,title,value,low,high,unit,price_base,vat,source,owner,date,confidence,shape\n";

    fn book(rows: &str) -> Result<Vec<Assumption>, String> {
        read(Path::new("a.csv"), &format!("{HEAD}{rows}"))
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn a_row_is_read_with_its_range_and_unit() {
        let text = "support,Support,£96.00,80,120.5,GBP a phone a year,2024-25,,a contract,A. Owner,2026-01-31,high,pert\n\
            moved,Moved,33.33,,,%,,,,,,,\nphones,,\"20,000\",,,phones,,,,,,,\n";
        let book = book(text).unwrap();
        let dec = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!((book[0].value, book[0].range), (dec("96"), Some((dec("80"), dec("120.5")))));
        assert_eq!((book[0].measure, book[0].shape, book[0].place.as_str()), (Measure::Money, Shape::Pert, "a.csv:2"));
        assert_eq!((book[1].value, book[1].source.clone()), (dec("0.3333"), None));
        assert_eq!((book[2].value, book[2].title.as_str()), (dec("20000"), "phones"));
    }

    #[test]
    fn a_wrong_cell_is_named_with_file_line_and_column() {
        for (row, wanted) in [
            ("q1,,1,,,phones,,,,,,", "a.csv:2, id: `q1` is no name for an assumption"),
            (",,1,,,phones,,,,,,", "a.csv:2, id: no id"),
            ("a,,1,,,,,,,,,", "a.csv:2, unit: no unit"),
            ("a,,,,,phones,,,,,,", "a.csv:2, value: no value"),
            ("a,,1e3,,,phones,,,,,,", "a.csv:2, value: `1e3` is not a number"),
            ("a,,1,2,3,phones,,,,,,", "a.csv:2, value: the value does not lie between low and high"),
            ("a,,1,0,,phones,,,,,,", "a.csv:2, low: half a range"),
            ("a,,1,,,GBP,2024,,,,,", "a.csv:2, price_base: `2024` is not a financial year"),
            ("a,,1,,,GBP,,yes,,,,", "a.csv:2, vat: `yes` says nothing of VAT"),
            ("a,,1,,,GBP,,,,,,,normal", "a.csv:2, shape: `normal` is no shape"),
            ("a,,1,000,,GBP,,,,,,,,", "a.csv:2, id: more cells than columns"),
            ("a,,1,,,phones,,,,,,\na,,2,,,phones,,,,,,", "a.csv:3, id: a second assumption is called `a`"),
        ] {
            assert_eq!(book(row).unwrap_err(), wanted, "{row}");
        }
        let error = read(Path::new("a.csv"), "id,value,colour\n").unwrap_err();
        assert_eq!(error[0].to_string(), "a.csv:1: no column is called `colour`");
        assert!(error.len() > 2, "the missing ones too");
    }

    #[test]
    fn a_name_is_never_the_look_of_a_cell() {
        for good in ["support", "old_phones", "x_1", "abcd1", "discount_from_year_0"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a1", "xfd1048576", "r", "c", "r1c1", "rc", "Support", "_x", "1a", "a-b", "a b"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
