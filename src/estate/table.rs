//! A CSV file with named columns whose every cell knows its line, and the checks that name it. Knows no estate.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::error::{Error, Result};

/// A file in memory.
#[derive(Debug, Default)]
pub struct CsvTable {
    path: PathBuf,
    header_line: u64,
    columns: Vec<String>,
    pub rows: Vec<Row>,
}

#[derive(Debug)]
pub struct Row {
    /// 1-based line of the row's start.
    pub line: u64,
    cells: Vec<String>,
}

/// Reads a file that has the columns `wanted`, in any order, some of them perhaps missing from the end of the list: a
/// column that is not there is blank throughout, but the first must be (others: [`CsvTable::needs`]), and an unknown one
/// is an error.
pub fn read(path: &Path, wanted: &[&str]) -> Result<CsvTable> {
    let text = std::fs::read(path).map_err(Error::io(path))?;
    parse(path, &text, wanted)
}

pub fn parse(path: &Path, text: &[u8], wanted: &[&str]) -> Result<CsvTable> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let wrong = |place: String, what: String, hint: &str| {
        let place = format!("{}:{place}", path.display());
        Error::Estate { place, what, hint: hint.to_string() }
    };
    let csv_error = |error: csv::Error, columns: &[String]| {
        let mut place = error.position().map_or(1, |at| line_of(text, at)).to_string();
        let what = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} fields where the header has {expected_len}")
            }
            csv::ErrorKind::Utf8 { err, .. } => {
                if let Some(column) = columns.get(err.field()) {
                    place += &format!(", {column}");
                }
                "not UTF-8".to_string()
            }
            _ => error.to_string(),
        };
        wrong(place, what, "save the file as comma-separated UTF-8, with text that holds a comma in quotes")
    };
    let header = reader.headers().map_err(|error| csv_error(error, &[]))?;
    let header_line = header.position().map_or(1, |at| line_of(text, at));
    let columns: Vec<String> = header.iter().map(str::to_ascii_lowercase).collect();
    let known = format!("its columns are: {}", wanted.join(", "));
    let bad_header = |what: String| Err(wrong(header_line.to_string(), what, &known));
    if let Some(column) = columns.iter().find(|c| !wanted.contains(&c.as_str())) {
        return bad_header(format!("unknown column {column:?}"));
    }
    if let Some((i, column)) = columns.iter().enumerate().find(|(i, c)| columns[..*i].contains(c)) {
        return bad_header(format!("column {} is {column:?} a second time", i + 1));
    }
    if let Some(first) = wanted.first().filter(|first| !columns.iter().any(|c| c == **first)) {
        return bad_header(format!("no column {first:?}"));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| csv_error(error, &columns))?;
        let line = record.position().map_or(0, |at| line_of(text, at));
        // A quote that is opened and never closed takes the rows behind it into its cell.
        let holds_a_row = |cell: &str| cell.lines().skip(1).any(|l| l.matches(',').count() + 1 >= columns.len());
        if let Some((column, _)) = columns.iter().zip(&record).find(|(_, cell)| holds_a_row(cell)) {
            let what = "a quote is opened here and not closed: the cell holds the rows below it".to_string();
            return Err(wrong(format!("{line}, {column}"), what, "close the quote, or take it out"));
        }
        rows.push(Row { line, cells: record.iter().map(str::to_string).collect() });
    }
    Ok(CsvTable { path: path.to_path_buf(), header_line, columns, rows })
}

/// The line a record starts on: its position is where the one before it ended, and blank lines may stand between.
fn line_of(text: &[u8], at: &csv::Position) -> u64 {
    let rest = text.get(at.byte() as usize..).unwrap_or_default();
    let blank = rest.iter().take_while(|b| matches!(b, b'\n' | b'\r'));
    at.line() + blank.filter(|b| **b == b'\n').count() as u64
}

/// A day written `2024-03-31` and no other way.
pub fn day(text: &str) -> Option<NaiveDate> {
    let shape = |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
    (text.len() == 10 && text.bytes().enumerate().all(shape)).then(|| text.parse().ok())?
}

/// `yes`, `no`, `true`, `false`, `1`, `0`.
pub fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "1" => Some(true),
        "" | "no" | "n" | "false" | "0" => Some(false),
        _ => None,
    }
}

impl CsvTable {
    /// The cell, blank where the file has no such column.
    pub fn text<'a>(&self, row: &'a Row, column: &str) -> &'a str {
        self.columns.iter().position(|c| c == column).map_or("", |i| &row.cells[i])
    }

    /// An error at a cell.
    pub fn wrong(&self, row: &Row, column: &str, what: String) -> Error {
        Error::Estate {
            place: format!("{}:{}, {column}", self.path.display(), row.line),
            what,
            hint: "correct the row and load again; nothing was loaded".into(),
        }
    }

    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c == column)
    }

    /// Columns the file must have. The checks of a cell pass where its column is not there: it is told here, once.
    pub fn needs(&self, columns: &[&str], errors: &mut Vec<Error>) {
        for column in columns.iter().filter(|column| !self.has(column)) {
            errors.push(Error::Estate {
                place: format!("{}:{}", self.path.display(), self.header_line),
                what: format!("no column {column:?}"),
                hint: format!("the file must have the columns {}", columns.join(", ")),
            });
        }
    }

    pub fn unique(&self, key: &[&str], errors: &mut Vec<Error>) {
        let mut seen: HashMap<Vec<&str>, u64> = HashMap::new();
        if !key.iter().all(|column| self.has(column)) {
            return;
        }
        for row in &self.rows {
            let cells: Vec<&str> = key.iter().map(|column| self.text(row, column)).collect();
            if let Some(line) = seen.get(&cells) {
                let last = key.last().copied().unwrap_or_default();
                errors.push(self.wrong(row, last, format!("{} is already in line {line}", cells.join(" "))));
            } else {
                seen.insert(cells, row.line);
            }
        }
    }

    pub fn unique_where_filled(&self, column: &str, errors: &mut Vec<Error>) {
        let mut seen: HashMap<&str, u64> = HashMap::new();
        for row in self.rows.iter().filter(|row| !self.text(row, column).is_empty()) {
            if let Some(line) = seen.insert(self.text(row, column), row.line) {
                errors.push(self.wrong(row, column, format!("the same as in line {line}")));
            }
        }
    }

    pub fn filled(&self, column: &str, errors: &mut Vec<Error>) {
        self.each(column, errors, |text| text.is_empty().then(|| "blank".to_string()));
    }

    pub fn known(&self, column: &str, known: &BTreeSet<&str>, what: &str, errors: &mut Vec<Error>) {
        self.each(column, errors, |text| (!known.contains(text)).then(|| unknown(text, known, what)));
    }

    pub fn known_or_blank(&self, column: &str, known: &BTreeSet<&str>, what: &str, errors: &mut Vec<Error>) {
        self.each(column, errors, |text| {
            (!text.is_empty() && !known.contains(text)).then(|| unknown(text, known, what))
        });
    }

    pub fn number(&self, column: &str, errors: &mut Vec<Error>) {
        self.each(column, errors, |text| {
            (!text.is_empty() && text.parse::<u32>().is_err()).then(|| format!("{text:?} is not a whole number"))
        });
    }

    pub fn date(&self, column: &str, errors: &mut Vec<Error>) {
        self.each(column, errors, |text| {
            let bad = !text.is_empty() && day(text).is_none();
            bad.then(|| format!("{text:?} is not a date like 2024-03-31"))
        });
    }

    pub fn boolean(&self, column: &str, errors: &mut Vec<Error>) {
        self.each(column, errors, |text| truth(text).is_none().then(|| format!("{text:?} is neither yes nor no")));
    }

    fn each(&self, column: &str, errors: &mut Vec<Error>, check: impl Fn(&str) -> Option<String>) {
        for row in self.rows.iter().filter(|_| self.has(column)) {
            if let Some(what) = check(self.text(row, column)) {
                errors.push(self.wrong(row, column, what));
            }
        }
    }
}

fn unknown(text: &str, known: &BTreeSet<&str>, what: &str) -> String {
    let list: Vec<&str> = known.iter().copied().take(20).collect();
    let more = if known.len() > list.len() { ", …" } else { "" };
    format!("{text:?} is not {what} ({}{more})", list.join(", "))
}
