//! `onhook case`: the case file, its drivers counted by queries, the figures, and the chain behind any of them.

mod chain;

use std::collections::BTreeSet;
use std::path::Path;

use super::{Talk, Verdict, answer, query, report, write};
use crate::case::{self, Appraisal, Case, CaseFile, Evidence, LowUse, Severity, Unused};
use crate::cli;
use crate::config::{Config, OUTSIDE, inside};
use crate::error::{Error, Result};
use crate::render;
use crate::sql::{self, Args, Engine};

pub fn command(config: &Config, args: &cli::Case, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    let mut file = file(config)?.ok_or_else(|| Error::Config {
        place: "[case]".into(),
        what: "no case file is configured".into(),
        hint: "add [case] file = \"case.toml\"".into(),
    })?;
    for (id, value) in &args.set {
        file.set(id, value)?;
    }
    if let Some(figure) = &args.trace {
        let text = query::with_engine(config, |engine| chain::text(engine, &built(file, engine)?, figure))?;
        talk.data(text.as_bytes())?;
        return Ok(Verdict::Good);
    }
    let (case, appraisal, page) = query::with_engine(config, |engine| {
        let case = built(file, engine)?;
        let appraisal = worked_out(&case)?;
        let page = report::case_only(engine, &appraisal)?;
        Ok((case, appraisal, page))
    })?;
    match &args.output {
        Some(folder) => {
            write(&folder.join("report.html"), render::html(&page)?.as_bytes())?;
            write(&folder.join("business-case.xlsx"), &render::workbook(&case, &page)?)?;
            write(&folder.join("case.json"), format!("{:#}\n", serde_json::json!(appraisal)).as_bytes())?;
            talk.say(&format!("wrote     report.html, business-case.xlsx and case.json to {}", folder.display()));
        }
        None => {
            for section in &page.sections {
                talk.data(format!("{}\n{}\n", section.title, render::csv(&section.table)?).as_bytes())?;
            }
        }
    }
    Ok(judged(&appraisal, talk))
}

/// Tells what a reviewer would find; errors need a person.
pub fn judged(appraisal: &Appraisal, talk: &mut Talk) -> Verdict {
    let mut verdict = Verdict::Good;
    for finding in appraisal.findings.iter().filter(|finding| finding.severity == Severity::Error) {
        talk.need(&format!("{}: {}", finding.place, finding.text), finding.hint);
        verdict = Verdict::NeedsAPerson;
    }
    let minor = appraisal.findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
    if minor > 0 {
        talk.say(&format!("case      {minor} remarks of a reviewer, on the page and in the workbook"));
    }
    verdict
}

/// The configured case file, read with the files it names; none where none is configured.
pub fn file(config: &Config) -> Result<Option<CaseFile>, Vec<Error>> {
    let Some(case) = &config.case else { return Ok(None) };
    let path = config.at(&case.file);
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    let beside = |name: &str| {
        let outside = |what| Error::Case { place: path.display().to_string(), what, hint: OUTSIDE.into() };
        inside(Path::new(name)).map_err(outside)?;
        let file = path.parent().unwrap_or(Path::new("")).join(name);
        std::fs::read_to_string(&file).map_err(Error::io(&file))
    };
    case::load(&path, &text, &beside).map(Some)
}

/// Names of the files that the case names, as it names them.
pub fn files(config: &Config) -> Result<Vec<String>> {
    let Some(case) = &config.case else { return Ok(Vec::new()) };
    let path = config.at(&case.file);
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    Ok(case::named_files(&text))
}

/// The case on what its queries count now.
pub fn built(file: CaseFile, engine: &Engine<'_>) -> Result<Case> {
    let mut evidence = Evidence::default();
    let queries: BTreeSet<String> = file.queries().map(|query| query.query.clone()).collect();
    for name in queries {
        let found = engine.run(sql::report(&name)?, &Args::new())?;
        let columns = found.schema.fields().iter().map(|field| field.name().clone()).collect();
        evidence.take(&name, columns, answer::text(&found)?);
    }
    evidence.unused = unused(engine)?;
    evidence.low_use = low_use(engine)?;
    Case::new(file, evidence)
}

/// All its figures, with sensitivity and simulation.
pub fn worked_out(case: &Case) -> Result<Appraisal> {
    Ok(Appraisal { sensitivity: Some(case.sensitivity()?), simulation: Some(case.simulate()?), ..case.appraisal() })
}

/// Phones of low use, and those whose true rate is within the threshold with 95 % certainty: Byar's upper bound for k uses is
/// (k + 1) (1 − 1 / 9 (k + 1) + 1.645 / 3 √(k + 1))³.
fn low_use(engine: &Engine<'_>) -> Result<Option<LowUse>> {
    let sql = "select count(*), count(*) filter (where (v.handset_uses + 1) * power(1 - 1 / (9.0 * (v.handset_uses + 1)) \
            + 1.645 / (3 * sqrt(v.handset_uses + 1)), 3) <= s.low_use_per_week * v.covered_days / 7.0) \
        from verdicts v cross join settings s where v.verdict = 'low_use'";
    let rows = answer::text(&engine.free(sql)?)?;
    let numbers: Option<Vec<i64>> = rows.first().map(|row| row.iter().flat_map(|cell| cell.parse()).collect());
    Ok(match numbers.as_deref() {
        Some([counted, certain]) if *counted > 0 => Some(LowUse { counted: *counted, certain: *certain }),
        _ => None,
    })
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
