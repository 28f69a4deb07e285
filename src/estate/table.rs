//! A CSV file with named columns whose every cell knows its line, and the checks that name it. Knows no estate.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::error::{Error, Result};

/// A file in memory.
#[derive(Debug, Default)]
pub struct CsvTable {
    path: PathBuf,
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
/// column that is not there is blank throughout, but the first must be, and an unknown one is an error.
pub fn read(path: &Path, wanted: &[&str]) -> Result<CsvTable> {
    let text = std::fs::read(path).map_err(Error::io(path))?;
    parse(path, &text, wanted)
}

pub fn parse(path: &Path, text: &[u8], wanted: &[&str]) -> Result<CsvTable> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let wrong = |line: u64, what: String, hint: &str| Error::Estate {
        place: format!("{}:{line}", path.display()),
        what,
        hint: hint.to_string(),
    };
    let csv_error = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        let what = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} fields where the header has {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_string(),
            _ => error.to_string(),
        };
        wrong(line, what, "save the file as comma-separated UTF-8, with text that holds a comma in quotes")
    };
    let columns: Vec<String> = reader.headers().map_err(csv_error)?.iter().map(str::to_ascii_lowercase).collect();
    let known = format!("its columns are: {}", wanted.join(", "));
    if let Some(column) = columns.iter().find(|c| !wanted.contains(&c.as_str())) {
        return Err(wrong(1, format!("unknown column {column:?}"), &known));
    }
    if let Some((i, column)) = columns.iter().enumerate().find(|(i, c)| columns[..*i].contains(c)) {
        return Err(wrong(1, format!("column {} is {column:?} a second time", i + 1), &known));
    }
    if !columns.iter().any(|c| Some(&c.as_str()) == wanted.first()) {
        return Err(wrong(1, format!("no column {:?}", wanted.first().copied().unwrap_or_default()), &known));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(csv_error)?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(Row { line, cells: record.iter().map(str::to_string).collect() });
    }
    Ok(CsvTable { path: path.to_path_buf(), columns, rows })
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

    pub fn unique(&self, key: &[&str], errors: &mut Vec<Error>) {
        let mut seen: HashMap<Vec<&str>, u64> = HashMap::new();
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
        self.each(column, errors, |text| (!text.is_empty() && !known.contains(text)).then(|| unknown(text, known, what)));
    }

    pub fn number(&self, column: &str, errors: &mut Vec<Error>) {
        self.each(column, errors, |text| {
            (!text.is_empty() && text.parse::<u32>().is_err()).then(|| format!("{text:?} is not a whole number"))
        });
    }

    pub fn date(&self, column: &str, errors: &mut Vec<Error>) {
        self.each(column, errors, |text| {
            let bad = !text.is_empty() && text.parse::<NaiveDate>().is_err();
            bad.then(|| format!("{text:?} is not a date like 2024-03-31"))
        });
    }

    pub fn boolean(&self, column: &str, errors: &mut Vec<Error>) {
        self.each(column, errors, |text| truth(text).is_none().then(|| format!("{text:?} is neither yes nor no")));
    }

    fn each(&self, column: &str, errors: &mut Vec<Error>, check: impl Fn(&str) -> Option<String>) {
        for row in &self.rows {
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
