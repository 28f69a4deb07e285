//! `onhook nightly`: ingest, load, check, query, case, report: one command for the scheduler. The same lake and
//! configuration give the same bytes, so nothing here writes down the time or what was new this night.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Talk, Verdict, answer, case, check, estate, ingest, open, report, write};
use crate::case::Appraisal;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lake::{Access, Lake};
use crate::render::{self, Table};
use crate::sql::{Args, Engine, REPORTS, VIEWS, report as find};

/// Reports that are files of their own.
const FILES: [&str; 4] = ["idle-handsets", "disposition", "usage-bands", "unknown-extensions"];

pub fn nightly(config: &Config, output: Option<&Path>, json: bool, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    let folder: PathBuf = output.map_or_else(|| config.at(&config.output.dir), Path::to_path_buf);
    // What a person must put right anyway is found before the long part.
    let policy = crate::estate::policy_rows(&crate::estate::policy(config)?);
    let told = ingest::Told::of(config)?;
    let case_file = case::file(config)?;
    std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    let lake = open(config, Access::Write)?;
    let outcome = ingest::run(config, &lake, None, &[], &told, talk)?;
    let mut verdict = ingest::verdict(config, &outcome, talk);
    estate::run(config, &lake, None, talk)?;
    // Worked out once, for the reports of tonight and the questions of tomorrow.
    let engine = Engine::open(&lake, config, &policy)?.stand()?;
    engine.stand_reports()?;
    let (checked, found) = check::run(config, &engine, talk)?;
    found.iter().for_each(|line| talk.say(line));
    verdict = verdict.and(checked);
    let case = case_file.map(|file| case::built(file, &engine)).transpose()?;
    let appraisal = case.as_ref().map(case::worked_out).transpose()?;
    if let Some(appraisal) = &appraisal {
        verdict = verdict.and(case::judged(appraisal, talk));
    }
    let model = report::whole(&engine, config, appraisal.as_ref())?;
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("report.html".into(), render::html(&model)?.into_bytes()),
        (
            "business-case.xlsx".into(),
            case.as_ref().map_or_else(|| render::xlsx(&model), |case| render::workbook(case, &model))?,
        ),
    ];
    for name in FILES {
        let query = find(name)?;
        let rows = answer::table(Some(query), &engine.run(query, &Args::new())?)?;
        files.push((format!("{name}.csv"), render::csv(&rows)?.into_bytes()));
    }
    let mut run = run_json(&lake, config, &engine, appraisal.as_ref(), &files)?;
    run["figures"] = model.facts.iter().map(|fact| (fact.id.clone(), json!(fact.value))).collect();
    // Where a figure of the page is one of the case's too, the case has the word: the two must be the same.
    for (figure, value) in appraisal.iter().flat_map(|appraisal| &appraisal.figures) {
        run["figures"][figure] = json!(value);
    }
    files.push(("run.json".into(), format!("{run:#}\n").into_bytes()));
    for (name, bytes) in &files {
        write(&folder.join(name), bytes)?;
    }
    talk.say(&format!("wrote     {} files to {}", files.len(), folder.display()));
    if json {
        let did = json!({ "ingest": ingest::summary(&outcome), "run": run });
        talk.data(format!("{did}\n").as_bytes())?;
    } else {
        talk.data(summary(&engine, appraisal.as_ref())?.as_bytes())?;
    }
    Ok(verdict)
}

/// What the figures rest on and what they are, for machines.
fn run_json(
    lake: &Lake,
    config: &Config,
    engine: &Engine<'_>,
    appraisal: Option<&Appraisal>,
    files: &[(String, Vec<u8>)],
) -> Result<serde_json::Value> {
    let health = find("ingest-health")?;
    let health = answer::paper(Some(health), &engine.run(health, &Args::new())?, crate::cli::Format::Json)?;
    let health: serde_json::Value = serde_json::from_slice(&health).unwrap_or_default();
    let digests: BTreeMap<&str, String> =
        files.iter().map(|(name, bytes)| (name.as_str(), blake3::hash(bytes).to_hex().to_string())).collect();
    let evidence = config.evidence;
    Ok(json!({
        "onhook": env!("CARGO_PKG_VERSION"),
        "lake": { "version": lake.version()?, "batch": lake.finished_batch()? },
        "as_of": engine.as_of(),
        "window_days": evidence.window_days,
        "min_covered_days": evidence.min_covered_days,
        "low_use_per_week": evidence.low_use_per_week,
        "min_cease_days": evidence.min_cease_days,
        "records": health,
        "extensions": { "by_verdict": count(engine, "verdict")?, "by_action": count(engine, "action")? },
        "rests_on": rests_on(config)?,
        "case": appraisal,
        "files": digests,
    }))
}

/// BLAKE3 of everything but the call records that the figures depend on; the records' own are in the lake's `inputs`.
fn rests_on(config: &Config) -> Result<serde_json::Value> {
    let digest = |path: &Path| -> Result<String> {
        let path = config.at(path);
        Ok(blake3::hash(&std::fs::read(&path).map_err(Error::io(&path))?).to_hex().to_string())
    };
    let estate = &config.estate;
    let names = ["extensions", "sites", "trunks", "cost_centres", "policy", "decisions"];
    let files =
        [&estate.extensions, &estate.sites, &estate.trunks, &estate.cost_centres, &estate.policy, &estate.decisions];
    let mut register = BTreeMap::new();
    for (name, path) in names.into_iter().zip(files) {
        if let Some(path) = path {
            register.insert(name, digest(path)?);
        }
    }
    let mut case = BTreeMap::new();
    if let Some(file) = &config.case {
        case.insert(file.file.display().to_string(), digest(&file.file)?);
        for name in case::files(config)? {
            let path = file.file.parent().unwrap_or(Path::new("")).join(&name);
            case.insert(name, digest(&path)?);
        }
    }
    let mut queries = blake3::Hasher::new();
    for query in VIEWS.iter().chain(REPORTS.iter()) {
        queries.update(query.name.as_bytes()).update(query.sql.as_bytes());
    }
    Ok(json!({
        "configuration": config.digest,
        "queries": queries.finalize().to_hex().to_string(),
        "register": register,
        "case": case,
    }))
}

fn count(engine: &Engine<'_>, column: &str) -> Result<BTreeMap<String, i64>> {
    let sql = format!("select {column}, count(*) from verdicts group by {column}");
    let rows = answer::text(&engine.free(&sql)?)?;
    Ok(rows.into_iter().map(|row| (row[0].clone(), row[1].parse().unwrap_or(0))).collect())
}

/// A dozen lines for the terminal.
fn summary(engine: &Engine<'_>, appraisal: Option<&Appraisal>) -> Result<String> {
    let sql = "select verdict, count(*) as n, \
            count(*) filter (where action = 'cease') as cease, \
            count(*) filter (where action = 'remove_handset') as remove_handset, \
            count(*) filter (where action = 'teams_ddi') as teams_ddi, \
            count(*) filter (where action = 'fixed') as fixed, \
            count(*) filter (where action in ('keep', 'review')) as keep_or_review \
        from verdicts group by verdict order by n desc, verdict";
    let table: Table = answer::table(None, &engine.free(sql)?)?;
    let mut text = format!(
        "{:<22}{:>10}{:>8}{:>9}{:>11}{:>8}{:>14}\n",
        "verdict", "extensions", "cease", "remove", "teams_ddi", "fixed", "keep/review"
    );
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(ToString::to_string).collect();
        text += &format!(
            "{:<22}{:>10}{:>8}{:>9}{:>11}{:>8}{:>14}\n",
            cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]
        );
    }
    let wide = appraisal.iter().flat_map(|a| &a.options).map(|option| option.id.len()).max().unwrap_or(0).max(16);
    for option in appraisal.iter().flat_map(|a| &a.options) {
        let baseline = appraisal.is_some_and(|a| a.baseline == option.id);
        let npv = if baseline { "the baseline".to_string() } else { format!("net present value {}", option.npv) };
        let years = option.years.len();
        text += &format!("case {:<wide$} costs {} over {years} years, {npv}\n", option.id, option.total);
    }
    Ok(text)
}
