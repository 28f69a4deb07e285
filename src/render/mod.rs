//! The report model, plain data, and the one way each cell is printed; knows no SQL and no money rules.
//! The renderers take `&Report` and give text or bytes: `html` a page, `xlsx` a workbook, `csv` a bare table; `calendar`
//! is for terminals.

mod brush;
pub mod calendar;
mod chart;
mod csp;
mod csv;
mod heat;
mod html;
mod lines;
mod part;
mod picture;
#[cfg(test)]
mod sample;
mod tornado;
mod xlsx;

use crate::error::{Error, Result};
use chrono::NaiveDate;
use serde::{Serialize, Serializer};
use std::collections::HashSet;
use std::fmt;

pub use self::csv::csv;
pub use self::html::html;
pub use self::part::Part;
pub use self::picture::{Chart, DayMap, Guides, Look, Mark, Plot, Range, Swings};
pub use self::xlsx::{workbook, xlsx};

/// A whole report: headline figures, sections of one table each, and where the figures come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub title: String,
    pub subtitle: String,
    /// The report's "now"; also the workbook's creation date, so that equal input gives equal bytes.
    pub as_of: NaiveDate,
    pub facts: Vec<Fact>,
    pub sections: Vec<Section>,
    /// What the figures rest on: lake version, configuration, case file, program version, …
    pub provenance: Vec<(String, String)>,
}

/// A headline figure. `unit` and `note` may be empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The same name for it in every output, unique in the report: `extensions.registered`, `npv.consolidate`.
    pub id: String,
    pub label: String,
    pub value: Cell,
    pub unit: String,
    pub note: String,
}

/// One question and its answer. A blank line in `intro` starts a new paragraph; empty texts are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The page sets the parts in their order, and within each its sections as they come.
    pub part: Part,
    /// Anchor on the page and name of the workbook's sheet and table: `idle-handsets`.
    pub id: String,
    pub title: String,
    pub intro: String,
    pub chart: Option<Chart>,
    pub table: Table,
    pub note: String,
    /// How many rows page and charts show; the workbook and calendars always have them all.
    pub rows_shown: Option<usize>,
    /// Names of the columns that the page shows, in this order; none means all. Charts may use any.
    pub columns_shown: Vec<String>,
    /// The file that holds the whole table, named where the page does not show all of it.
    pub file: Option<String>,
}

/// Every row, and `total`, has one cell a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub caption: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
    /// A last row that sums up the others; never in a CSV file, never in a chart.
    pub total: Option<Vec<Cell>>,
}

/// `name` is for programs (CSV header), `title` for people, with the unit where the cells do not show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub title: String,
    pub kind: Kind,
}

/// What the cells of a column mean. A cell may still be `Empty`, or a `Text` that says why there is no figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Decimal,
    Pence,
    Date,
    Bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Int(i64),
    /// A value and how many places to print.
    Decimal(f64, u8),
    Pence(i64),
    Date(NaiveDate),
    Bool(bool),
}

impl Column {
    pub fn new(name: impl Into<String>, title: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), title: title.into(), kind }
    }
}

impl Table {
    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl Kind {
    /// Right-aligned, and fit for a chart.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Decimal | Self::Pence)
    }
}

impl Cell {
    /// The number as charts and spreadsheets take it; money in pounds.
    fn number(&self) -> Option<f64> {
        match *self {
            Self::Int(value) => Some(value as f64),
            Self::Decimal(value, _) if value.is_finite() => Some(value),
            Self::Pence(value) => Some(value as f64 / 100.0),
            _ => None,
        }
    }

    /// Exactly, for programs: `12345` · `-1234.50` in pounds · `2024-03-31` · `true` · nothing for an empty cell.
    fn exact(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Int(value) => value.to_string(),
            Self::Decimal(value, places) if value.is_finite() => format!("{value:.*}", usize::from(*places)),
            Self::Decimal(..) => String::new(),
            Self::Pence(value) => pounds(*value),
            Self::Date(date) => date.to_string(),
            Self::Bool(value) => value.to_string(),
        }
    }
}

/// As it is exactly: a count is a number, money is pounds in a text as everywhere, an empty cell is null.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_none(),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Bool(value) => serializer.serialize_bool(*value),
            other => serializer.serialize_str(&other.exact()),
        }
    }
}

/// As a person reads it: `12,345` · `£1,234.50` · `−3.2` · `31 Mar 2024` · `yes` · `—`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) if !text.is_empty() => f.write_str(text),
            Self::Int(value) => grouped(f, "", &value.to_string()),
            Self::Decimal(value, places) if value.is_finite() => {
                grouped(f, "", &format!("{value:.*}", usize::from(*places)))
            }
            Self::Pence(value) => grouped(f, "£", &pounds(*value)),
            Self::Date(date) => write!(f, "{}", date.format("%-d %b %Y")),
            Self::Bool(value) => f.write_str(if *value { "yes" } else { "no" }),
            Self::Empty | Self::Text(_) | Self::Decimal(..) => f.write_str("—"),
        }
    }
}

/// `-1234.50`: exact, for programs.
fn pounds(pence: i64) -> String {
    let (sign, size) = (if pence < 0 { "-" } else { "" }, pence.unsigned_abs());
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

/// `-1234.5` as `−£1,234.5`; a zero that rounding left a minus on loses it.
fn grouped(f: &mut fmt::Formatter<'_>, unit: &str, plain: &str) -> fmt::Result {
    let size = plain.trim_start_matches('-');
    let (whole, fraction) = size.split_at(size.find('.').unwrap_or(size.len()));
    let minus = size.len() < plain.len() && size.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    f.write_str(if minus { "−" } else { "" })?;
    f.write_str(unit)?;
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            f.write_str(",")?;
        }
        write!(f, "{digit}")?;
    }
    f.write_str(fraction)
}

/// That every figure has a name of its own, every row fits its columns and every chart its table, so that the renderers
/// may index.
fn check(report: &Report) -> Result<()> {
    let mut named = HashSet::new();
    for Fact { id, label, .. } in &report.facts {
        if id.is_empty() || !named.insert(id) {
            return Err(Error::Render { what: format!("figure {label}: `{id}` is no name of its own") });
        }
    }
    for Section { id, table, chart, columns_shown, .. } in &report.sections {
        let wrong = |what: String| Err(Error::Render { what: format!("section {id}: {what}") });
        if let Some(name) = columns_shown.iter().find(|name| table.column(name).is_none()) {
            return wrong(format!("there is no column {name} to show"));
        }
        let width = table.columns.len();
        if let Some(row) = table.rows.iter().chain(&table.total).position(|row| row.len() != width) {
            return wrong(format!("row {} does not have one cell for each of {width} columns", row + 1));
        }
        if let Some(Chart::HeatMap(map)) = chart {
            picture::check_map(map, table).or_else(|what| wrong(format!("calendar: {what}")))?;
        }
        if let Some(Chart::Tornado(swings)) = chart {
            picture::check_swings(swings, table).or_else(|what| wrong(format!("tornado: {what}")))?;
        }
        let Some((plot, drawn)) = chart.as_ref().and_then(Chart::plot) else { continue };
        let mut kinds = Vec::new();
        for &at in &drawn {
            match table.columns.get(at) {
                Some(column) if column.kind.is_number() => kinds.push(column.kind == Kind::Pence),
                _ => return wrong(format!("chart: column {at} is not a column of numbers")),
            }
        }
        if kinds.is_empty() || plot.category >= width {
            return wrong("chart: needs a column of categories and at least one series".into());
        }
        if kinds.iter().any(|&money| money != kinds[0]) {
            return wrong("chart: money and other figures cannot share an axis".into());
        }
    }
    Ok(())
}

/// `wanted`, or the first of `wanted 2`, `wanted 3`, … (joined by `join`, cut to `limit` characters) that is not yet
/// taken. Case does not tell two names apart.
fn unique(taken: &mut HashSet<String>, wanted: &str, join: &str, limit: usize) -> String {
    let mut name: String = wanted.chars().take(limit).collect();
    let mut count = 1;
    while !taken.insert(name.to_lowercase()) {
        count += 1;
        let tail = format!("{join}{count}");
        name = wanted.chars().take(limit.saturating_sub(tail.len())).chain(tail.chars()).collect();
    }
    name
}

/// Control characters, which neither HTML nor XML may hold, made visible; white space kept.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(cell: Cell) -> String {
        cell.to_string()
    }

    #[test]
    fn cells_are_printed_for_people() {
        assert_eq!(shown(Cell::Empty), "—");
        assert_eq!(shown(Cell::Text(String::new())), "—");
        assert_eq!(shown(Cell::Text("0042".into())), "0042");
        assert_eq!(shown(Cell::Int(0)), "0");
        assert_eq!(shown(Cell::Int(999)), "999");
        assert_eq!(shown(Cell::Int(1_000)), "1,000");
        assert_eq!(shown(Cell::Int(-128_000_000)), "−128,000,000");
        assert_eq!(shown(Cell::Int(i64::MIN)), "−9,223,372,036,854,775,808");
        assert_eq!(shown(Cell::Decimal(1234.5, 2)), "1,234.50");
        assert_eq!(shown(Cell::Decimal(-0.004, 2)), "0.00");
        assert_eq!(shown(Cell::Decimal(-12.25, 1)), "−12.2");
        assert_eq!(shown(Cell::Decimal(1500.0, 0)), "1,500");
        assert_eq!(shown(Cell::Decimal(f64::NAN, 2)), "—");
        assert_eq!(shown(Cell::Pence(0)), "£0.00");
        assert_eq!(shown(Cell::Pence(5)), "£0.05");
        assert_eq!(shown(Cell::Pence(-123_450)), "−£1,234.50");
        assert_eq!(shown(Cell::Pence(i64::MIN)), "−£92,233,720,368,547,758.08");
        assert_eq!(shown(Cell::Bool(true)), "yes");
        assert_eq!(shown(Cell::Date(NaiveDate::from_ymd_opt(2024, 3, 31).unwrap_or_default())), "31 Mar 2024");
    }

    #[test]
    fn cells_are_exact_for_programs() {
        let cells = [
            (Cell::Empty, "", "null"),
            (Cell::Int(-128_000_000), "-128000000", "-128000000"),
            (Cell::Pence(-5), "-0.05", "\"-0.05\""),
            (Cell::Pence(1_234_567_890), "12345678.90", "\"12345678.90\""),
            (Cell::Decimal(0.25, 3), "0.250", "\"0.250\""),
            (Cell::Decimal(f64::NAN, 3), "", "\"\""),
            (Cell::Bool(true), "true", "true"),
            (Cell::Text("=1+1".into()), "=1+1", "\"=1+1\""),
            (Cell::Date(NaiveDate::from_ymd_opt(2024, 3, 31).unwrap_or_default()), "2024-03-31", "\"2024-03-31\""),
        ];
        for (cell, exact, json) in cells {
            assert_eq!((cell.exact().as_str(), serde_json::to_string(&cell).unwrap().as_str()), (exact, json));
            if let Cell::Pence(pence) = cell {
                assert_eq!(serde_json::to_string(&crate::units::Pence(pence)).unwrap(), json, "as money is everywhere");
            }
        }
    }

    #[test]
    fn a_report_that_does_not_hold_together_is_refused() {
        let good = sample::report();
        assert!(check(&good).is_ok());
        let broken = |change: fn(&mut Section)| {
            let mut report = good.clone();
            change(&mut report.sections[0]);
            check(&report).map_err(|error| error.to_string())
        };
        assert!(broken(|section| drop(section.table.rows[1].pop())).unwrap_err().contains("row 2"));
        assert!(broken(|section| section.table.total = Some(vec![])).unwrap_err().contains("columns"));
        for (series, why) in
            [(vec![99], "column 99"), (vec![0], "column 0"), (vec![], "at least one"), (vec![1, 3], "share")]
        {
            let mut report = good.clone();
            if let Some(Chart::StackedBars(plot) | Chart::Lines(plot)) = &mut report.sections[0].chart {
                plot.series = series;
            }
            assert!(check(&report).unwrap_err().to_string().contains(why), "{why}");
        }
        for id in ["", "saving"] {
            let mut report = good.clone();
            report.facts[0].id = id.into();
            assert!(check(&report).unwrap_err().to_string().contains("no name of its own"), "{id}");
        }
        let full = sample::full();
        assert!(check(&full).is_ok());
        let tornado = full.sections.iter().position(|section| section.id == "tornado").unwrap();
        type Change = fn(&mut Swings);
        let swings: [(Change, &str); 4] = [
            (|swings| swings.base = 9, "column 9 is not a column of numbers"),
            (|swings| swings.low = 0, "column 0 is not a column of numbers"),
            (|swings| swings.base = 3, "starts from another figure"),
            (|swings| swings.ends = Some((1, 9)), "no column 9"),
        ];
        for (change, why) in swings {
            let mut report = full.clone();
            if let Some(Chart::Tornado(swings)) = &mut report.sections[tornado].chart {
                change(swings);
            }
            assert!(check(&report).unwrap_err().to_string().contains(why), "{why}");
        }
        let map = |change: fn(&mut DayMap, &mut Table)| {
            let mut report = good.clone();
            let Section { chart: Some(Chart::HeatMap(map)), table, .. } = &mut report.sections[3] else { return None };
            change(map, table);
            check(&report).err().map(|error| error.to_string())
        };
        for (found, why) in [
            (map(|map, _| map.last = 0), "column 0 is not a column of dates"),
            (map(|map, _| map.of = 4), "no column 4"),
            (map(|map, _| drop(map.states.remove(2))), "gap is not among"),
            (map(|map, _| map.states[1].1 = Look::Full), "look of its own"),
            (map(|map, _| map.states[1].0 = "gap".into()), "look of its own"),
            (map(|_, table| table.rows[0][1] = Cell::Empty), "— is not among"),
        ] {
            assert!(found.is_some_and(|found| found.contains(why)), "{why}");
        }
        let mut report = good.clone();
        let Some(Chart::GuidedLines(plot, guides)) = &mut report.sections[4].chart else { return };
        plot.series.clear();
        assert!(check(&Report { sections: vec![good.sections[4].clone()], ..good.clone() }).is_ok());
        guides.range = Some(Range { name: String::new(), low: 0, high: 2 });
        assert!(check(&report).unwrap_err().to_string().contains("column 0"));
    }

    #[test]
    fn names_are_made_unique_within_their_length() {
        let mut taken = HashSet::from(["summary".to_string()]);
        assert_eq!(unique(&mut taken, "Summary", " ", 31), "Summary 2");
        assert_eq!(unique(&mut taken, "summary", " ", 31), "summary 3");
        assert_eq!(unique(&mut taken, "abcdef", "-", 5), "abcde");
        assert_eq!(unique(&mut taken, "ABCDEF", "-", 5), "ABC-2");
    }
}
