//! `onhook case`: the case file, its drivers counted by queries, and the figures.

use std::path::Path;

use super::{Talk, Verdict, answer, query, report, write};
use crate::case::{self, Appraisal, Counts, Unused};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::render;
use crate::sql::{self, Args, Engine};

pub fn command(config: &Config, output: Option<&Path>, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    let report = query::with_engine(config, |engine| {
        let appraisal = appraise(config, engine)?.ok_or_else(|| Error::Config {
            place: "[case]".into(),
            what: "no case file is configured".into(),
            hint: "add [case] file = \"case.toml\"".into(),
        })?;
        report::case_only(engine, &appraisal)
    })?;
    match output {
        Some(folder) => {
            write(&folder.join("report.html"), render::html(&report)?.as_bytes())?;
            write(&folder.join("business-case.xlsx"), &render::xlsx(&report)?)?;
            talk.say(&format!("wrote     report.html and business-case.xlsx to {}", folder.display()));
        }
        None => {
            for section in &report.sections {
                talk.data(format!("{}\n{}\n", section.title, render::csv(&section.table)?).as_bytes())?;
            }
        }
    }
    Ok(Verdict::Good)
}

/// The configured case, worked out as counted and over the range that the evidence leaves open; none where none is
/// configured.
pub fn appraise(config: &Config, engine: &Engine<'_>) -> Result<Option<Appraisal>> {
    let Some(case) = &config.case else { return Ok(None) };
    let path = config.at(&case.file);
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    let file = case::load(&path, &text)?;
    let mut answers = Vec::new();
    for driver in file.queries() {
        let found = engine.run(sql::report(&driver.query)?, &Args::new())?;
        let columns: Vec<String> = found.schema.fields().iter().map(|field| field.name().clone()).collect();
        answers.push((driver, columns, answer::text(&found)?));
    }
    let at = |kept: i64, of: i64| -> Result<Appraisal> {
        let mut counts = Counts::new();
        for (driver, columns, rows) in &answers {
            let rows = case::with_fewer_unused(columns, rows, &driver.column, kept, of);
            counts.insert(driver.driver.clone(), driver.count(columns, &rows)?);
        }
        case::appraise(&file, &counts)
    };
    let mut appraisal = at(1, 1)?;
    if let Some(unused) = unused(engine)? {
        let (expected, low) = (at(unused.expected, unused.silent)?, at(unused.low, unused.silent)?);
        appraisal.range = Some(case::range(unused, &appraisal, &expected, &low));
    }
    Ok(Some(appraisal))
}

/// The interval for the whole estate; none where no handset was silent.
fn unused(engine: &Engine<'_>) -> Result<Option<Unused>> {
    let sql = "select seen_silent, idle_low, idle_expected from idle_interval where source is null and seen_silent > 0";
    let rows = answer::text(&engine.free(sql)?)?;
    let numbers: Option<Vec<i64>> = rows.first().map(|row| row.iter().flat_map(|cell| cell.parse()).collect());
    Ok(match numbers.as_deref() {
        Some([silent, low, expected]) => Some(Unused { silent: *silent, low: *low, expected: *expected }),
        _ => None,
    })
}
