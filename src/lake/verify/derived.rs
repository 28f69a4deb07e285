//! The roll-ups against a new count over `legs`, and keys that stand twice; by spans of days, so that a year of calls needs
//! no more memory than a few days of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};

use super::super::compact::spans;
use super::super::entries::Entry;
use super::super::rollup::Sums;
use super::super::{Lake, Table, draft, write};
use super::ledger::Inputs;
use super::{Finding, Kind, Picture, Report, has_damaged_log};
use crate::error::Result;
use crate::leg::{Legs, Texts};
use crate::traffic::Traffic;
use crate::usage::Usage;

/// First and last of some days, in order.
pub type Days = Vec<(i32, i32)>;

/// Rows in memory at once, about: a few days of a large estate.
const SPAN_ROWS: u64 = 1_000_000;
const DAY_US: i64 = 86_400_000_000;

/// The roll-ups of the legs of a span.
pub struct WorkedOut {
    pub usage: RecordBatch,
    pub traffic: RecordBatch,
}

/// Keys and moments seen, and rows that have them a second time, by file.
#[derive(Default)]
struct Twice {
    seen: HashSet<(i64, i64)>,
    by_file: BTreeMap<String, u64>,
}

/// Days that a roll-up tells differently from legs, a finding for each with its source.
pub fn check(
    lake: &Lake,
    picture: &Picture,
    inputs: &Inputs,
    damaged: &[(Table, String)],
    report: &mut Report,
) -> Result<(BTreeMap<&'static str, Days>, Vec<Finding>)> {
    let (mut days, mut findings) = (BTreeMap::new(), Vec::new());
    let mut twice = Twice::default();
    let mut unknown = Vec::new();
    for table in [Table::Usage, Table::Traffic] {
        if has_damaged_log(report, table) {
            report.notes.push(format!("{} was not held against legs: put its log right first", table.name()));
            unknown.push(table);
        }
    }
    let spans = all_spans(lake, picture, damaged)?;
    for (n, span) in spans.iter().enumerate() {
        let moments = (if n == 0 { i32::MIN } else { span.0 }, if n + 1 == spans.len() { i32::MAX } else { span.1 });
        twice.seen.clear();
        let mut look = |entry: &Entry, rows: &RecordBatch| twice.look(&entry.name, rows, KEYS, moments);
        let worked_out = work_out(lake, picture, inputs, *span, &mut look)?;
        for (table, rows) in [(Table::Usage, &worked_out.usage), (Table::Traffic, &worked_out.traffic)] {
            if unknown.contains(&table) || damaged.iter().any(|(t, _)| *t == table) {
                continue;
            }
            let (mut legs, mut stored) = (Sums::of(table), Sums::of(table));
            legs.add(rows, *span);
            for entry in picture.entries(table).iter().filter(|entry| entry.meets(*span)) {
                let path = lake.folder().join(table.name()).join(&entry.name);
                draft::each(&path, None, Some(*span), |rows| {
                    stored.add(rows, *span);
                    Ok(())
                })?;
            }
            // By source and day: how many rows, and one difference to show.
            let mut faults: BTreeMap<(i32, String), (u64, String)> = BTreeMap::new();
            legs.differences(&stored, picture.kept_from, |d| {
                let value = |n: Option<i64>| n.map_or("nothing".into(), |n| n.to_string());
                let what = match d.column {
                    "" => "a row is missing or too many".to_string(),
                    column => format!("{column} is {}, legs give {}", value(d.there), value(d.here)),
                };
                let fault = faults.entry((d.day, d.source.to_string())).or_insert_with(|| (0, what.clone()));
                fault.0 += 1;
                // The rows come in no order: what is shown must not depend on it.
                fault.1 = std::mem::take(&mut fault.1).min(what);
            });
            for ((day, source), (rows, what)) in faults {
                let what = format!("{} {source}: {rows} rows are not what legs give: {what}", write::date(day));
                let file = files_of(picture, table, day);
                findings.push(Finding { table: table.name(), file, what, kind: Kind::Derived });
                let there: &mut Days = days.entry(table.name()).or_default();
                if there.last() != Some(&(day, day)) {
                    there.push((day, day));
                }
            }
        }
    }
    twice.put(Table::Legs, report);
    Ok((days, findings))
}

/// Reports of `quality` that stand twice.
pub fn quality_keys(lake: &Lake, picture: &Picture, report: &mut Report) -> Result<()> {
    let (mut twice, names) = (Twice::default(), ["quality_key", "ended_at"]);
    let paths = paths(lake, picture, Table::Quality, &[]);
    let spans = spans(&paths, SPAN_ROWS)?;
    for (n, span) in spans.iter().enumerate() {
        let moments = (if n == 0 { i32::MIN } else { span.0 }, if n + 1 == spans.len() { i32::MAX } else { span.1 });
        twice.seen.clear();
        for (entry, path) in picture.entries(Table::Quality).iter().zip(&paths) {
            draft::each(path, Some(&names), Some(around(*span)), |rows| {
                twice.look(&entry.name, rows, names, moments);
                Ok(())
            })?;
        }
    }
    twice.put(Table::Quality, report);
    Ok(())
}

const KEYS: [&str; 2] = ["leg_key", "started_at"];

impl Twice {
    /// A record's civil day may be another where the zone was changed in between, its moment is not: a row is looked at
    /// in the span of its moment.
    fn look(&mut self, file: &str, rows: &RecordBatch, [key, moment]: [&str; 2], (first, last): (i32, i32)) {
        let keys = rows.column_by_name(key).map(|c| c.as_primitive::<Int64Type>());
        let moments = rows.column_by_name(moment).map(|c| c.as_primitive::<TimestampMicrosecondType>());
        let rows = keys.into_iter().zip(moments).flat_map(|(k, m)| k.values().iter().zip(m.values()));
        let days = i64::from(first)..=i64::from(last);
        for (key, moment) in rows.filter(|(_, moment)| days.contains(&moment.div_euclid(DAY_US))) {
            if !self.seen.insert((*key, *moment)) {
                *self.by_file.entry(file.to_string()).or_default() += 1;
            }
        }
    }

    fn put(self, table: Table, report: &mut Report) {
        report.findings.extend(self.by_file.into_iter().map(|(file, rows)| {
            let what = format!("{rows} rows have the key and the moment of a row that is there already");
            Finding { table: table.name(), file, what, kind: Kind::Damaged }
        }));
    }
}

/// Spans that hold all days of legs and roll-ups that can be worked out, one day behind the last call too: a call may
/// last into it.
pub fn all_spans(lake: &Lake, picture: &Picture, damaged: &[(Table, String)]) -> Result<Days> {
    let tables = [Table::Legs, Table::Usage, Table::Traffic];
    let all: Vec<PathBuf> = tables.iter().flat_map(|table| paths(lake, picture, *table, damaged)).collect();
    let mut spans = spans(&all, SPAN_ROWS)?;
    if let Some((_, last)) = spans.last_mut() {
        *last = last.saturating_add(1);
    }
    if let Some(from) = picture.kept_from {
        spans.retain_mut(|(first, last)| {
            *first = (*first).max(from);
            *first <= *last
        });
    }
    Ok(spans)
}

/// Counts the legs of a span anew; `look` sees every row that may have begun in it.
pub fn work_out(
    lake: &Lake,
    picture: &Picture,
    inputs: &Inputs,
    span: (i32, i32),
    look: &mut dyn FnMut(&Entry, &RecordBatch),
) -> Result<WorkedOut> {
    let (mut usage, mut traffic, mut texts) = (Usage::default(), Traffic::default(), Texts::default());
    let around = around(span);
    for entry in picture.entries(Table::Legs).iter().filter(|entry| entry.meets(around)) {
        let path = lake.folder().join(Table::Legs.name()).join(&entry.name);
        draft::each(&path, None, Some(around), |rows| {
            look(entry, rows);
            let within = |days| within(rows, days).map_err(|e| draft::damaged(&path, &e));
            let of_span = within(span)?;
            let unknown = || draft::damaged(&path, &"a word that no column has");
            usage.add(&Legs::of(&of_span, &mut texts).ok_or_else(unknown)?, &texts);
            // A call that began the day before may be held into the first.
            let held = within((around.0, span.1))?;
            let held = Legs::of(&held, &mut texts).ok_or_else(unknown)?;
            let mut at = 0;
            for run in held.input_id.chunk_by(|a, b| a == b) {
                let node = texts.id(Some(run.first().map_or("", |input| inputs.node(*input))));
                traffic.add(&held, at..at + run.len(), node);
                at += run.len();
            }
            Ok(())
        })?;
    }
    let (usage, traffic) = (usage.batch(&texts, picture.finished), traffic.batch(&texts, picture.finished));
    Ok(WorkedOut { usage, traffic })
}

/// A span with the day before and behind it: the farthest that civil days and those of UTC lie apart, and that a call lasts.
fn around((first, last): (i32, i32)) -> (i32, i32) {
    (first.saturating_sub(1), last.saturating_add(1))
}

/// The rows of some days.
pub fn within(rows: &RecordBatch, (first, last): (i32, i32)) -> Result<RecordBatch, arrow::error::ArrowError> {
    let Some(days) = rows.column_by_name("local_day").map(|c| c.as_primitive::<Date32Type>()) else {
        return Ok(rows.slice(0, 0));
    };
    let wanted: BooleanArray = days.values().iter().map(|day| Some((first..=last).contains(day))).collect();
    if wanted.true_count() == rows.num_rows() { Ok(rows.clone()) } else { filter_record_batch(rows, &wanted) }
}

pub fn paths(lake: &Lake, picture: &Picture, table: Table, damaged: &[(Table, String)]) -> Vec<PathBuf> {
    let bad: HashMap<&str, Table> = damaged.iter().map(|(table, name)| (name.as_str(), *table)).collect();
    let good = picture.entries(table).iter().filter(|entry| bad.get(entry.name.as_str()) != Some(&table));
    good.map(|entry| lake.folder().join(table.name()).join(&entry.name)).collect()
}

/// The files of a table that may hold a day, by name where they are few.
fn files_of(picture: &Picture, table: Table, day: i32) -> String {
    let files = picture.entries(table).iter().filter(|entry| entry.meets((day, day)));
    let names: Vec<&str> = files.map(|entry| entry.name.as_str()).collect();
    if names.len() > 4 { format!("{} files", names.len()) } else { names.join(", ") }
}
