//! `onhook explain`: all that is known of one extension: its register row, its verdict with the evidence, and the last
//! records that touch it, each with its file and line.

use super::{Talk, Verdict, answer, query};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::render::{Cell, Table};
use crate::sql::{Args, Query};

const FACTS: &str = "-- param: extension text\n-- param: source text = ''\n\
    select * from verdicts where extension = $extension and ($source = '' or source = $source) order by source";

/// The handset counts too: on a shared line it, and not the number, tells who was there.
const RECORDS: &str = "-- param: extension text\n-- param: source text = ''\n\
    with line as (select source, extension, device_name from register \
        where extension = $extension and ($source = '' or source = $source)) \
    select l.source, l.local_day as day, l.local_minute, l.direction, l.outcome, l.caller_ext, l.dialled_ext, l.callee_ext, \
        l.talk_s, i.name as file, l.record_no as line \
    from legs l join inputs i on i.input_id = l.input_id left join line on line.source = l.source \
    where ($source = '' or l.source = $source) and ($extension in (l.caller_ext, l.dialled_ext, l.callee_ext, l.redirect_ext) \
        or line.device_name in (l.caller_device, l.callee_device)) \
    order by l.started_at desc, l.leg_key limit 20";

pub fn explain(config: &Config, extension: &str, source: Option<&str>, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    let args: Args = [("extension", extension), ("source", source.unwrap_or(""))]
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .into();
    let text = query::with_engine(config, |engine| {
        let [facts, records] = [("verdicts", FACTS), ("records", RECORDS)].map(|(name, sql)| {
            let wrong = |what| Error::Query { name: name.into(), what, hint: String::new() };
            let found = engine.run(&Query::parse(name, sql).map_err(wrong)?, &args)?;
            answer::table(None, &found)
        });
        let (facts, records) = (facts?, records?);
        if facts.rows.is_empty() && records.rows.is_empty() {
            return Err(Error::Query {
                name: "explain".into(),
                what: format!("neither the register nor any call knows {extension}"),
                hint: "extensions are bare digits, as in the register".into(),
            });
        }
        Ok(page(extension, &facts, &records))
    })?;
    talk.data(text.as_bytes())?;
    Ok(Verdict::Good)
}

/// Minute of the day as a clock shows it.
fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn page(extension: &str, facts: &Table, records: &Table) -> String {
    let mut text = String::new();
    if facts.rows.is_empty() {
        text += &format!("{extension} is not in the register\n");
    }
    let width = facts.columns.iter().map(|c| c.name.len()).max().unwrap_or(0);
    for row in &facts.rows {
        for (column, cell) in facts.columns.iter().zip(row) {
            text += &format!("{:width$}  {cell}\n", column.name);
        }
        text.push('\n');
    }
    text += &format!("last {} records, latest first\n", records.rows.len());
    let cells = |row: &[Cell]| -> Vec<String> {
        let name = |i: usize| records.columns.get(i).map_or("", |c| c.name.as_str());
        let cell = |(i, cell): (usize, &Cell)| match (name(i), cell) {
            ("local_minute", Cell::Int(minute)) => clock(*minute),
            ("line", Cell::Int(line)) => line.to_string(),
            _ => cell.to_string(),
        };
        row.iter().enumerate().map(cell).collect()
    };
    let mut lines = vec![records.columns.iter().map(|c| c.name.replace("local_minute", "time")).collect::<Vec<_>>()];
    lines.extend(records.rows.iter().map(|row| cells(row)));
    let width = |i: usize| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..records.columns.len()).map(width).collect();
    for line in &lines {
        let padded: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text += &format!("{}\n", padded.join("  ").trim_end());
    }
    text
}
