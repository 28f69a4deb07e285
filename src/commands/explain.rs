//! `onhook explain`: all that is known of one extension: its register row, its verdict with the evidence, the calendar of
//! its use, the last records that touch it, each with its file and line, what its source cannot show, and what would
//! change the verdict.

use chrono::NaiveDate;

use super::{Talk, Verdict, answer, query};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::render::calendar::{NO_RECORDS, calendar, tally};
use crate::render::{Cell, Table};
use crate::sql::{Args, Engine, Query};

const FACTS: &str =
    "select * from verdicts where extension = $extension and ($source = '' or source = $source) order by source";

/// The handset counts too: on a shared line it, and not the number, tells who was there.
const RECORDS: &str = "with line as (select source, extension, device_name from register \
        where extension = $extension and ($source = '' or source = $source)) \
    select l.source, l.local_day as day, l.local_minute, l.direction, l.outcome, l.caller_ext, l.dialled_ext, l.callee_ext, \
        l.talk_s, i.name as file, l.record_no as line \
    from legs l join inputs i on i.input_id = l.input_id left join line on line.source = l.source \
    where ($source = '' or l.source = $source) and ($extension in (l.caller_ext, l.dialled_ext, l.callee_ext, l.redirect_ext) \
        or line.device_name in (l.caller_device, l.callee_device)) \
    order by l.started_at desc, l.leg_key limit 10";

/// Uses of what the line is counted by, on each day of the window; null on a day that is a gap and shows none.
const DAYS: &str = "with line as (select source, counted_by, installed_on, \
            case counted_by when 'device' then device_name when 'user' then user_id else extension end as subject \
        from verdicts where extension = $extension and ($source = '' or source = $source)), \
    used as (select u.source, u.local_day, sum(u.made + u.answered) as uses from usage u \
        join line l on u.source = l.source and u.subject_kind = l.counted_by and u.subject = l.subject \
        group by u.source, u.local_day) \
    select l.source, c.day, case when v.state = 'covered' or coalesce(u.uses, 0) > 0 then coalesce(u.uses, 0) end as uses \
    from line l cross join settings s \
    join calendar c on c.day > s.as_of - s.window_days and c.day <= s.as_of and c.day >= coalesce(l.installed_on, c.day) \
    left join coverage_days v on v.source = l.source and v.local_day = c.day \
    left join used u on u.source = l.source and u.local_day = c.day \
    order by l.source, c.day";

const SPOTS: &str = "select b.source, b.spot, b.is_blocking, b.detail from blind_spots b \
    join (select distinct source from register where extension = $extension and ($source = '' or source = $source)) l \
        on b.source = l.source order by b.source, b.spot";

/// Facts that stand in the lines above the others, or in the lines below.
const TOLD_APART: [&str; 12] = [
    "source",
    "extension",
    "verdict",
    "action",
    "reason",
    "would_change",
    "blind_spots",
    "number_verdict",
    "device_verdict",
    "user_verdict",
    "guard",
    "is_guarded",
];

pub fn explain(config: &Config, extension: &str, source: Option<&str>, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    let args: Args = [("extension", extension), ("source", source.unwrap_or(""))]
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .into();
    let text = query::with_engine(config, |engine| {
        let [facts, records, days, spots] = [FACTS, RECORDS, DAYS, SPOTS].map(|sql| ask(engine, sql, &args));
        let (facts, records, days, spots) = (facts?, records?, days?, spots?);
        if facts.rows.is_empty() && records.rows.is_empty() {
            return Err(Error::Query {
                name: "explain".into(),
                what: format!("neither the register nor any call knows {extension}"),
                hint: "extensions are bare digits, as in the register".into(),
            });
        }
        let mut text = String::new();
        if facts.rows.is_empty() {
            text += &format!("{extension} is not in the register\n\n");
        }
        for row in &facts.rows {
            let line = Line { columns: &facts, row };
            text += &line.verdict(config);
            text += &line.facts();
            text += &uses(&days, &line.cell("source"));
            text += &blind_spots(config, &spots, &line.cell("source"));
        }
        Ok(text + &last_records(&records))
    })?;
    talk.data(text.as_bytes())?;
    Ok(Verdict::Good)
}

fn ask(engine: &Engine<'_>, sql: &str, args: &Args) -> Result<Table> {
    let wrong = |what| Error::Query { name: "explain".into(), what, hint: String::new() };
    let sql = format!("-- param: extension text\n-- param: source text = ''\n{sql}");
    answer::table(None, &engine.run(&Query::parse("explain", &sql).map_err(wrong)?, args)?)
}

/// A row of `verdicts`.
struct Line<'a> {
    columns: &'a Table,
    row: &'a [Cell],
}

impl Line<'_> {
    /// A cell as text, blank where there is none.
    fn cell(&self, name: &str) -> String {
        let at = self.columns.columns.iter().position(|column| column.name == name);
        let cell = at.and_then(|at| self.row.get(at)).filter(|cell| **cell != Cell::Empty);
        cell.map_or_else(String::new, ToString::to_string)
    }

    fn verdict(&self, config: &Config) -> String {
        let mut lines = vec![(format!("{} {}", self.cell("source"), self.cell("extension")), self.cell("verdict"))];
        lines.push(("because".into(), self.cell("reason")));
        lines.push(("action".into(), self.action(config)));
        lines.push(("would change it".into(), self.cell("would_change")));
        for of in ["number", "device", "user"] {
            lines.push((format!("its {of}"), self.cell(&format!("{of}_verdict"))));
        }
        let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let lines = lines.iter().filter(|(_, text)| !text.is_empty());
        lines.map(|(name, text)| format!("{name:width$}  {text}\n")).collect::<String>() + "\n"
    }

    fn action(&self, config: &Config) -> String {
        let (action, policy) = (self.cell("action"), self.cell("policy_action"));
        match self.cell("guard").as_str() {
            _ if !self.cell("decided_by").is_empty() => format!(
                "{action}, as {} decided on {}; the policy alone says {policy}",
                self.cell("decided_by"),
                self.cell("decided_on")
            ),
            "" => action,
            "protected" => format!("{action}: the policy says {policy}, but the line is protected"),
            "emergency" => format!("{action}: the policy says {policy}, but the line has called an emergency service"),
            "short_evidence" => format!(
                "{action}: the policy says {policy}, but that takes {} covered days",
                config.evidence.min_cease_days
            ),
            _ => format!("{action}: the policy says {policy}, but no phone would be left at its site"),
        }
    }

    fn facts(&self) -> String {
        let told = |column: &&str| !TOLD_APART.contains(column);
        let names: Vec<&str> = self.columns.columns.iter().map(|column| column.name.as_str()).filter(told).collect();
        let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
        names.iter().map(|name| format!("{name:width$}  {}", self.cell(name)).trim_end().to_string() + "\n").collect()
    }
}

fn uses(days: &Table, source: &str) -> String {
    let marks = days.rows.iter().filter(|row| row.first().is_some_and(|cell| cell.to_string() == source));
    let mark = |row: &Vec<Cell>| -> Option<(NaiveDate, char)> {
        match (row.get(1)?, row.get(2)?) {
            (Cell::Date(day), Cell::Int(uses)) => Some((*day, tally(*uses))),
            (Cell::Date(day), _) => Some((*day, NO_RECORDS)),
            _ => None,
        }
    };
    let marks: Vec<_> = marks.filter_map(mark).collect();
    let legend = [("·", "no use"), ("1–9", "uses"), ("#", "ten or more"), ("░", "a gap: silence proves nothing")];
    format!("\nuse day by day\n{}", calendar(&marks, &legend))
}

fn blind_spots(config: &Config, spots: &Table, source: &str) -> String {
    let mut text = "\nwhat its records cannot show\n".to_string();
    for row in spots.rows.iter().filter(|row| row.first().is_some_and(|cell| cell.to_string() == source)) {
        let [_, spot, is_blocking, detail] = &row[..] else { continue };
        let weight = if *is_blocking == Cell::Bool(true) { ", counts against silence" } else { "" };
        text += &format!("  {spot}{weight}: {detail}\n");
    }
    let reader = config.sources.iter().find(|s| s.name == source).and_then(|s| crate::read::reader(&s.format));
    if let Some(reader) = reader {
        text += &format!("  by its format: {}\n", reader.blind_spots());
    }
    text + "\n"
}

/// Minute of the day as a clock shows it.
fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn last_records(records: &Table) -> String {
    let mut text = format!("last {} records, latest first\n", records.rows.len());
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
