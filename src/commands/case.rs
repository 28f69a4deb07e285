//! `onhook case`: the case file, its drivers counted by queries, and the figures.

use std::path::Path;

use super::{Talk, Verdict, answer, query, report, write};
use crate::case::{self, Appraisal, Counts};
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

/// The configured case, worked out; none where none is configured.
pub fn appraise(config: &Config, engine: &Engine<'_>) -> Result<Option<Appraisal>> {
    let Some(case) = &config.case else { return Ok(None) };
    let path = config.at(&case.file);
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    let file = case::load(&path, &text)?;
    let mut counts = Counts::new();
    for driver in file.queries() {
        let report = sql::report(&driver.query)?;
        let found = engine.run(report, &Args::new())?;
        let columns: Vec<&String> = found.schema.fields().iter().map(|field| field.name()).collect();
        let rows = answer::text(&found)?;
        counts.insert(driver.driver.clone(), driver.count(&columns, &rows)?);
    }
    Ok(Some(case::appraise(&file, &counts)?))
}
