//! How much of the estate would get another verdict from a window a month shorter or longer: the same query asked of
//! three windows. Knows no rule of a verdict.

use std::collections::BTreeMap;

use super::answer;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::render::{Cell, Column, Kind, Table};
use crate::sql::{Args, Engine, Query};

/// Days by which the window is moved.
const STEP: u16 = 30;

const VERDICTS: &str = "-- setting: window_days\nselect source, extension, verdict from verdicts";

/// Source and extension.
type Key = (String, String);
type Verdicts = BTreeMap<Key, String>;

/// Rows: window_days, extensions, changed, changed_percent, idle, idle_lost (no longer idle), idle_gained. The window as
/// it is comes first. A window that would be shorter than the evidence asks for is left out.
pub fn table(engine: &Engine<'_>, config: &Config) -> Result<Table> {
    let usual = config.evidence.window_days;
    let as_it_is = verdicts(engine, usual)?;
    let mut rows = vec![row(usual, &as_it_is, &as_it_is)];
    for days in [usual.saturating_sub(STEP), usual.saturating_add(STEP)] {
        if days > 0 && days >= config.evidence.min_covered_days {
            rows.push(row(days, &as_it_is, &verdicts(engine, days)?));
        }
    }
    let int = |name: &str, title: &str| Column::new(name, title, Kind::Int);
    let columns = vec![
        int("window_days", "Window (days)"),
        int("extensions", "Extensions"),
        int("changed", "Other verdict"),
        Column::new("changed_percent", "Other verdict (%)", Kind::Decimal),
        int("idle", "Idle"),
        int("idle_lost", "No longer idle"),
        int("idle_gained", "Newly idle"),
    ];
    Ok(Table { columns, rows, ..Table::default() })
}

fn verdicts(engine: &Engine<'_>, window_days: u16) -> Result<Verdicts> {
    let wrong = |what| Error::Query { name: "sensitivity".into(), what, hint: String::new() };
    let query = Query::parse("sensitivity", VERDICTS).map_err(wrong)?;
    let args: Args = [("window_days".to_string(), window_days.to_string())].into();
    let rows = answer::text(&engine.run(&query, &args)?)?;
    let verdict = |row: Vec<String>| {
        let [source, extension, verdict] = <[String; 3]>::try_from(row).ok()?;
        Some(((source, extension), verdict))
    };
    Ok(rows.into_iter().filter_map(verdict).collect())
}

fn row(days: u16, as_it_is: &Verdicts, other: &Verdicts) -> Vec<Cell> {
    let is_idle = |verdicts: &Verdicts, key: &Key| verdicts.get(key).is_some_and(|verdict| verdict == "idle");
    let count = |of: &dyn Fn(&Key) -> bool| as_it_is.keys().filter(|key| of(key)).count();
    let changed = count(&|key| as_it_is.get(key) != other.get(key));
    let percent = 100.0 * changed as f64 / as_it_is.len().max(1) as f64;
    vec![
        Cell::Int(i64::from(days)),
        Cell::Int(as_it_is.len() as i64),
        Cell::Int(changed as i64),
        Cell::Decimal(percent, 2),
        Cell::Int(count(&|key| is_idle(other, key)) as i64),
        Cell::Int(count(&|key| is_idle(as_it_is, key) && !is_idle(other, key)) as i64),
        Cell::Int(count(&|key| !is_idle(as_it_is, key) && is_idle(other, key)) as i64),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(words: [&str; 4]) -> Verdicts {
        let line = |(n, word): (usize, &str)| (("hq".to_string(), n.to_string()), word.to_string());
        words.into_iter().enumerate().map(line).collect()
    }

    #[test]
    fn a_changed_verdict_is_counted_once_and_its_way_told() {
        let usual = verdicts(["idle", "idle", "in_use", "low_use"]);
        let other = verdicts(["idle", "low_use", "idle", "in_use"]);
        let cells = row(90, &usual, &other);
        let numbers = [90, 4, 3].map(Cell::Int);
        assert_eq!(cells[..3], numbers);
        assert_eq!(cells[3], Cell::Decimal(75.0, 2));
        assert_eq!(cells[4..], [2, 1, 1].map(Cell::Int), "two idle, one lost, one gained");
        assert_eq!(row(120, &usual, &usual)[2], Cell::Int(0));
    }
}
