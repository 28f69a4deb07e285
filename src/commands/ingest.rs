//! `onhook ingest`: files of the sources into the lake.

use std::collections::HashMap;
use std::path::PathBuf;

use chrono::Utc;
use serde_json::json;

use super::{Talk, Verdict, open, privacy};
use crate::cli;
use crate::config::Config;
use crate::discover::{self, Finds};
use crate::error::{Error, Result};
use crate::ingest::{self, Claim, Outcome, Work};
use crate::lake::{Access, Lake};
use crate::normalise::Trunks;
use crate::privacy::Masks;

pub fn command(config: &Config, args: &cli::Ingest, talk: &mut Talk) -> Result<Verdict> {
    let told = Told::of(config)?;
    let lake = open(config, Access::Write)?;
    let outcome = run(config, &lake, args.source.as_deref(), &args.paths, &told, talk)?;
    if args.json {
        talk.data(format!("{}\n", summary(&outcome)).as_bytes())?;
    }
    Ok(verdict(config, &outcome, talk))
}

/// What is settled before the first file is read.
pub struct Told {
    trunks: HashMap<String, Trunks>,
    masks: Masks,
}

impl Told {
    /// # Errors
    /// The trunk list, the key or the register is not as it must be: legs are written once, and what is wrong in them stays.
    pub fn of(config: &Config) -> Result<Self> {
        let trunks = crate::estate::trunks(config)?;
        let masks = privacy::masks(config, &trunks)?;
        Ok(Self { trunks, masks })
    }
}

/// Reads what is new, and says so.
pub fn run(
    config: &Config,
    lake: &Lake,
    only: Option<&str>,
    paths: &[PathBuf],
    told: &Told,
    talk: &mut Talk,
) -> Result<Outcome> {
    let (work, unseen) = found(config, only, paths)?;
    let mut outcome = read(config, lake, work, told, talk)?;
    outcome.inputs.failed += unseen.len() as u64;
    outcome.errors.extend(unseen);
    tell(&outcome, talk);
    Ok(outcome)
}

/// The files there are, and what could not be looked at.
pub fn found<'a>(config: &'a Config, only: Option<&str>, paths: &[PathBuf]) -> Result<(Vec<Work<'a>>, Vec<Error>)> {
    let claims: Vec<Claim<'_>> = match (only, paths) {
        (Some(name), _) => vec![Claim::Of(config.source(name)?)],
        (None, []) => config.sources.iter().map(Claim::Of).collect(),
        (None, _) => vec![Claim::Any(config)],
    };
    let (mut work, mut errors) = (Vec::new(), Vec::new());
    for claim in claims {
        let Finds { files, errors: unseen } = match claim {
            Claim::Of(source) if paths.is_empty() => discover::source_files(config, source),
            Claim::Of(_) | Claim::Any(_) => discover::path_files(config, paths),
        };
        errors.extend(unseen);
        work.extend(files.into_iter().map(|file| Work { claim, file }));
    }
    Ok((work, errors))
}

/// Reads what of it is new, and says nothing but how far it is.
pub fn read(config: &Config, lake: &Lake, work: Vec<Work<'_>>, told: &Told, talk: &Talk) -> Result<Outcome> {
    let bytes = work.iter().filter_map(|w| w.file.path.metadata().ok()).map(|m| m.len()).sum();
    let bar = talk.bar(bytes, "reading");
    let outcome = ingest::ingest(config, lake, work, &told.trunks, &told.masks, Utc::now(), &|done| bar.inc(done))?;
    bar.finish_and_clear();
    Ok(outcome)
}

/// What was read, and what was not.
pub fn tell(outcome: &Outcome, talk: &mut Talk) {
    for error in &outcome.errors {
        talk.error(error);
    }
    let (inputs, records) = (outcome.inputs, outcome.records);
    talk.say(&format!(
        "read      {} new files, {} seen before, {} failed{}",
        inputs.new,
        inputs.repeated,
        inputs.failed,
        if outcome.active > 0 { format!(", {} still being written", outcome.active) } else { String::new() }
    ));
    talk.say(&format!(
        "records   {} read = {} kept + {} repeated + {} skipped + {} rejected",
        records.read, records.kept, records.repeated, records.skipped, records.rejected
    ));
    for (source, files) in &outcome.plain {
        talk.say(&format!(
            "privacy   {source}: {files} files were read when outside numbers were kept, and still hold them"
        ));
    }
}

/// What `--json` prints.
pub fn summary(outcome: &Outcome) -> serde_json::Value {
    json!({ "inputs": outcome.inputs, "records": outcome.records, "version": outcome.version })
}

/// Unreadable files, or more rejects than the configuration puts up with, need a person.
pub fn verdict(config: &Config, outcome: &Outcome, talk: &mut Talk) -> Verdict {
    let records = outcome.records;
    let percent = 100.0 * records.rejected as f64 / records.read.max(1) as f64;
    let too_many = percent > config.evidence.max_rejected_percent;
    if too_many {
        let limit = config.evidence.max_rejected_percent;
        talk.need(
            &format!("{percent:.1} % of the records were rejected, the limit is {limit} %"),
            "see onhook query ingest-health",
        );
    }
    if outcome.inputs.failed > 0 {
        let first: Vec<String> = outcome.errors.iter().take(3).map(ToString::to_string).collect();
        let more = if outcome.errors.len() > first.len() { " and more" } else { "" };
        let (files, were) = if outcome.inputs.failed == 1 { ("file", "was") } else { ("files", "were") };
        let what = format!("{} {files} {were} not read ({}{more})", outcome.inputs.failed, first.join("; "));
        talk.keep(&what, "put them right or deliver them again; every run tries them anew");
    }
    Verdict::of(outcome.inputs.failed > 0 || too_many)
}
