//! The disposition policy: `use × verdict → action`, data that the analyst edits. The SQL view applies it; this file
//! reads it and refuses what may never stand in it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::table::CsvTable;
use super::{USES, table};
use crate::config::Config;
use crate::error::Error;

pub const VERDICTS: [&str; 7] =
    ["protected", "insufficient_evidence", "idle", "unattended", "diverted", "low_use", "in_use"];
pub const ACTIONS: [&str; 6] = ["cease", "teams_ddi", "fixed", "remove_handset", "keep", "review"];

const COLUMNS: &[&str] = &["use", "verdict", "action"];

/// The configured policy, or the built-in one.
pub fn policy(config: &Config) -> Result<CsvTable, Vec<Error>> {
    let rows = match &config.estate.policy {
        Some(path) => table::read(&config.at(path), COLUMNS),
        None => table::parse(Path::new("built-in policy"), include_bytes!("policy.csv"), COLUMNS),
    };
    let rows = rows.map_err(|error| vec![error])?;
    let mut errors = Vec::new();
    let with_any = |words: &[&'static str]| words.iter().copied().chain(["*"]).collect::<BTreeSet<_>>();
    rows.needs(COLUMNS, &mut errors);
    rows.known("use", &with_any(&USES), "a use, or *", &mut errors);
    rows.known("verdict", &with_any(&VERDICTS), "a verdict, or *", &mut errors);
    rows.known("action", &BTreeSet::from(ACTIONS), "an action", &mut errors);
    rows.unique(&["use", "verdict"], &mut errors);
    for row in &rows.rows {
        let is_protected =
            rows.text(row, "verdict") == "protected" || super::PROTECTED_USES.contains(&rows.text(row, "use"));
        if is_protected && rows.text(row, "action") == "cease" {
            errors.push(rows.wrong(row, "action", "no policy may cease a protected line".into()));
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}

/// The table `policy` of a query session.
pub fn policy_rows(policy: &CsvTable) -> RecordBatch {
    let schema = Schema::new(COLUMNS.iter().map(|c| Field::new(*c, DataType::Utf8, false)).collect::<Vec<_>>());
    let columns = COLUMNS.iter().map(|column| {
        Arc::new(StringArray::from_iter_values(policy.rows.iter().map(|row| policy.text(row, column)))) as _
    });
    RecordBatch::try_new(Arc::new(schema), columns.collect()).expect("three columns of text")
}
