//! What the queries of a case answered, and how much of it silence alone proves. Asks nothing itself.

use serde::Serialize;

use super::formula::Table;
use super::{CaseFile, DriverQuery};
use crate::error::{Error, Result};

/// Actions that take a line or a handset.
const TAKEN: [&str; 2] = ["cease", "remove_handset"];

/// The column added to answers that tell verdict and action: for what the row loses a line or a handset, a `Doubt`'s word.
pub const TAKEN_FOR: &str = "taken_for";

/// What a count rests on and more evidence might overturn: then the phone goes to review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It was silent, and may be used too seldom to be met.
    Silence,
    /// It was used seldom, and may be used more often than it happened to be.
    LowUse,
}

impl Doubt {
    pub const ALL: [Self; 2] = [Self::Silence, Self::LowUse];

    pub fn word(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::LowUse => "low use",
        }
    }

    /// Verdicts that rest on it.
    fn verdicts(self) -> &'static [&'static str] {
        match self {
            Self::Silence => &["idle", "unattended", "diverted"],
            Self::LowUse => &["low_use"],
        }
    }

    /// The verdict of a phone for which it does not hold.
    pub fn overturned(self) -> &'static str {
        match self {
            Self::Silence => "low_use",
            Self::LowUse => "in_use",
        }
    }
}

/// How many phones were silent, and how many of those are really unused: at least (95 % interval) and as estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Unused {
    pub silent: i64,
    pub low: i64,
    pub expected: i64,
}

/// How many phones have the verdict low use, and of how many the true rate is low too with 95 % certainty: the upper bound
/// on it (Byar's approximation to the Poisson interval) is within the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LowUse {
    pub counted: i64,
    pub certain: i64,
}

/// The answers, each query once, and how sure the silent and the seldom used phones are; none where there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    pub tables: Vec<Table>,
    pub unused: Option<Unused>,
    pub low_use: Option<LowUse>,
}

impl Evidence {
    /// Takes in the answer of a query: column names and rows of text.
    pub fn take(&mut self, query: &str, columns: Vec<String>, rows: Vec<Vec<String>>) {
        let (mut columns, mut rows) = (columns, rows);
        let find = |name: &str| columns.iter().position(|column| column == name);
        if let (Some(verdict), Some(action)) = (find("verdict"), find("action")) {
            columns.push(TAKEN_FOR.into());
            for row in &mut rows {
                let holds = |at: usize, any: &[&str]| row.get(at).is_some_and(|text| any.contains(&text.as_str()));
                let doubt =
                    Doubt::ALL.into_iter().find(|doubt| holds(verdict, doubt.verdicts()) && holds(action, &TAKEN));
                row.push(doubt.map_or("", Doubt::word).into());
            }
        }
        self.tables.push(Table { query: query.into(), columns, rows });
    }

    /// The table a driver counts over and the place of its column; every count of it is read once here.
    pub(super) fn of(&self, case: &CaseFile, query: &DriverQuery) -> Result<(usize, usize)> {
        let error = |what: String, hint: String| {
            let place = case.drivers.iter().find(|driver| driver.id == query.driver).map(|driver| driver.place.clone());
            Error::Case { place: place.unwrap_or_default(), what, hint }
        };
        let table = self.tables.iter().position(|table| table.query == query.query).ok_or_else(|| {
            let what = format!("driver {}: query {} has not been asked", query.driver, query.query);
            error(what, "run the query before the appraisal".into())
        })?;
        let found = &self.tables[table];
        let find = |name: &str| {
            found.columns.iter().position(|column| column == name).ok_or_else(|| {
                let what = format!("driver {}: query {} has no column `{name}`", query.driver, query.query);
                error(what, format!("its columns: {}", found.columns.join(", ")))
            })
        };
        let at = find(&query.column)?;
        for column in query.filters.keys() {
            find(column)?;
        }
        let mut sum = 0_i64;
        for row in &found.rows {
            let text = row.get(at).map_or("", String::as_str);
            let count = if text.is_empty() { Some(0) } else { text.parse::<i64>().ok().filter(|count| *count >= 0) };
            sum = count.and_then(|count| sum.checked_add(count)).ok_or_else(|| {
                let what = format!(
                    "driver {}: query {}, column {}: `{text}` is not a count",
                    query.driver, query.query, query.column
                );
                error(what, "name a column of whole numbers, none below zero".into())
            })?;
        }
        Ok((table, at))
    }
}
