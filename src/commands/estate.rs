//! `onhook estate`: the register, checked and put into the lake under its date; or filled from a platform's exports.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, Utc};
use serde_json::json;

use super::{Talk, Verdict, open};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::estate::{self, Estate};
use crate::import::{Exports, Refusal, merge};
use crate::lake::{Access, Lake, Table};
use crate::sql::Engine;

pub fn load(config: &Config, as_of: Option<NaiveDate>, json: bool, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    let lake = open(config, Access::Write)?;
    let loaded = run(config, &lake, as_of, talk)?;
    let policy = estate::policy_rows(&estate::policy(config)?);
    Engine::open(&lake, config, &policy)?.stand()?;
    if json {
        let tables: serde_json::Map<_, _> =
            loaded.tables.iter().map(|(name, rows)| (name.to_string(), json!(rows))).collect();
        talk.data(format!("{}\n", json!({ "as_of": loaded.as_of, "changed": tables })).as_bytes())?;
    }
    Ok(Verdict::Good)
}

/// The register with what the exports know, for a person to look through and put in its place.
pub fn import(
    config: &Config,
    files: &[PathBuf],
    source: &str,
    output: Option<&Path>,
    talk: &mut Talk,
) -> Result<Verdict> {
    let source = &config.source(source)?.name;
    let mut exports = Exports::default();
    let mut is_whole = true;
    for path in files {
        let refused = |refusal: Refusal| Error::Input {
            path: format!("{}:{}", path.display(), refusal.line).into(),
            what: refusal.what.into(),
            hint: "the row was left out; see the export itself",
        };
        let refusals = exports.read(File::open(path).map_err(Error::io(path))?).map_err(refused)?;
        is_whole &= refusals.is_empty();
        refusals.into_iter().for_each(|refusal| talk.error(&refused(refusal)));
    }
    let merged = merge(&exports, source, register_rows(config)?);
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in &merged.rows {
        csv.write_record(row).map_err(|e| Error::Render { what: e.to_string() })?;
    }
    let text = csv.into_inner().map_err(|e| Error::Render { what: e.to_string() })?;
    match output {
        Some(path) => super::write(path, &text)?,
        None => talk.data(&text)?,
    }
    let counts = exports.counts;
    talk.say(&format!(
        "exports   {} rows = {} taken + {} without a number + {} rejected",
        counts.read, counts.taken, counts.skipped, counts.rejected
    ));
    talk.say(&format!(
        "register  {} added, {} filled, {} on several devices, {} numbers without a device",
        merged.added, merged.filled, merged.shared, merged.without_device
    ));
    for (what, extensions) in [("differ, the register stands", &merged.differ), ("not in the exports", &merged.gone)] {
        if !extensions.is_empty() {
            let shown = extensions.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(" ");
            let rest = if extensions.len() > 10 { " …" } else { "" };
            talk.warn(&format!("{} extensions {what}: {shown}{rest}", extensions.len()));
        }
    }
    Ok(Verdict::of(!is_whole))
}

/// The register as it stands in its file, every cell as text; none where there is no file yet.
fn register_rows(config: &Config) -> Result<Vec<BTreeMap<String, String>>> {
    let Some(path) = config.estate.extensions.as_ref().map(|path| config.at(path)).filter(|path| path.exists()) else {
        return Ok(Vec::new());
    };
    let wrong = |e: csv::Error| Error::Estate {
        place: path.display().to_string(),
        what: e.to_string(),
        hint: "`onhook estate load` says what is wrong with the register; correct it first".into(),
    };
    let mut reader = csv::Reader::from_path(&path).map_err(wrong)?;
    reader.deserialize().map(|row| row.map_err(wrong)).collect()
}

/// What a load changed: table and rows of the new load.
pub struct Loaded {
    pub as_of: NaiveDate,
    pub tables: Vec<(&'static str, usize)>,
}

/// Loads what differs from the load in force; the same files again change nothing.
pub fn run(config: &Config, lake: &Lake, as_of: Option<NaiveDate>, talk: &mut Talk) -> Result<Loaded, Vec<Error>> {
    let register = Estate::load(config)?;
    let policy = estate::policy_rows(&estate::policy(config)?);
    let engine = Engine::open(lake, config, &policy)?;
    // Before the first record the register is simply today's.
    let as_of = as_of.or(engine.known_as_of()).unwrap_or_else(|| Utc::now().date_naive());
    let mut tables = Vec::new();
    for (table, rows) in register.rows(as_of) {
        let in_force = lake.load_in_force(table, as_of)?;
        let same = match in_force {
            Some(there) if rows.num_rows() == 0 && there.num_rows() > 0 => {
                return Err(vec![Error::Estate {
                    place: table.name().to_string(),
                    what: format!("no rows, but the load in force has {}", there.num_rows()),
                    hint: match table {
                        // Withdrawn without a trace, a decision could not be audited.
                        Table::Decisions => {
                            "nothing was loaded; to withdraw a decision, add a later row with action review".into()
                        }
                        _ => "deliver the whole file; nothing was loaded".into(),
                    },
                }]);
            }
            Some(there) => without_date(&there) == without_date(&rows),
            None => rows.num_rows() == 0,
        };
        if !same {
            lake.replace_load(table, as_of, &rows)?;
            tables.push((table.name(), rows.num_rows()));
        }
    }
    talk.say(&format!(
        "register  {} extensions as of {as_of}{}",
        register.extensions(),
        if tables.is_empty() { ", unchanged" } else { ", loaded" }
    ));
    Ok(Loaded { as_of, tables })
}

fn without_date(rows: &arrow::array::RecordBatch) -> Vec<arrow::array::ArrayRef> {
    rows.columns()[1..].to_vec()
}
