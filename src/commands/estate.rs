//! `onhook estate load`: the register, checked and put into the lake under its date.

use chrono::{NaiveDate, Utc};
use serde_json::json;

use super::{Talk, Verdict, open};
use crate::config::Config;
use crate::error::Error;
use crate::estate::{self, Estate};
use crate::lake::{Access, Lake};
use crate::sql::Engine;

pub fn load(config: &Config, as_of: Option<NaiveDate>, json: bool, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    let lake = open(config, Access::Write)?;
    let loaded = run(config, &lake, as_of, talk)?;
    if json {
        let tables: serde_json::Map<_, _> =
            loaded.tables.iter().map(|(name, rows)| (name.to_string(), json!(rows))).collect();
        talk.data(format!("{}\n", json!({ "as_of": loaded.as_of, "changed": tables })).as_bytes())?;
    }
    Ok(Verdict::Good)
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
                    hint: "deliver the whole file; nothing was loaded".into(),
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
