//! `onhook query`: one answer, in the form asked for.

use std::path::Path;

use super::{Talk, Verdict, answer, load, open, write};
use crate::cli;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::estate;
use crate::lake::Access;
use crate::privacy::{Role, suppress};
use crate::sql::{self, Answer, Args, Cluster, Engine, Query, REPORTS};

pub fn command(config: &Path, args: &cli::Query, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    if args.list {
        talk.data(list().as_bytes())?;
        return Ok(Verdict::Good);
    }
    if let Some(name) = &args.describe {
        talk.data(describe(sql::report(name)?).as_bytes())?;
        return Ok(Verdict::Good);
    }
    let query = named(args.name.as_deref().unwrap_or_default())?;
    let config = load(config)?;
    let given: Args = args.params.iter().cloned().collect();
    let is_export = args.output.format != cli::Format::Table || args.output.output.is_some();
    let below = args.suppress.unwrap_or(if is_export { config.privacy.suppress_below } else { 0 });
    on_engine(args.engine.cluster.as_ref(), &config, |engine| engine.run(&query, &given)).and_then(|found| {
        let (query, found) = suppressed(query, found, below, talk)?;
        deliver(Some(&query), &found, &args.output, talk)?;
        Ok(Verdict::Good)
    })
}

/// Every report with what it asks.
pub fn list() -> String {
    let width = REPORTS.iter().map(|q| q.name.len()).max().unwrap_or(0);
    REPORTS.iter().map(|q| format!("{:width$}  {}\n", q.name, q.asks)).collect()
}

/// A report by its name, or the query in a file.
pub fn named(name: &str) -> Result<Query> {
    match name.ends_with(".sql") {
        true => file(Path::new(name)),
        false => Ok(sql::report(name)?.clone()),
    }
}

/// The answer without counts below a number, which may be none; the query says so where its words are printed.
pub fn suppressed(mut query: Query, found: Answer, below: u32, talk: &mut Talk) -> Result<(Query, Answer)> {
    if below == 0 {
        return Ok((query, found));
    }
    let broken = |e: arrow::error::ArrowError| Error::Render { what: format!("small counts cannot be left out: {e}") };
    let rows = arrow::compute::concat_batches(&found.schema, &found.batches).map_err(broken)?;
    let roles: Vec<Role> = found.schema.fields().iter().map(|field| role(&query, field)).collect();
    let told = suppress(&rows, &roles, below).map_err(broken)?;
    talk.say(&format!(
        "suppress  {} of {} rows: counts under {below}, and what gives them away",
        told.hidden,
        rows.num_rows()
    ));
    query.asks += &format!(" Counts from 1 to {}, and what would give them away, are blank.", below.saturating_sub(1));
    Ok((query, Answer { schema: told.rows.schema(), batches: vec![told.rows] }))
}

/// What a column is, by the unit in the query's header; without one every number counts something.
fn role(query: &Query, field: &arrow::datatypes::Field) -> Role {
    let column = query.columns.iter().find(|column| column.name == *field.name());
    let unit = column.map(|column| column.unit.as_str());
    match unit {
        // Words that say the figures again.
        Some("evidence") => return Role::Figure,
        _ if !field.data_type().is_numeric() => return Role::Label,
        _ => {}
    }
    match unit {
        None | Some("legs" | "count" | "records") => Role::Count,
        Some("" | "-" | "place" | "hour" | "quarter" | "minute") => Role::Label,
        Some(_) => Role::Figure,
    }
}

/// Runs something in a session over the lake as it is.
pub fn with_engine<T>(config: &Config, work: impl FnOnce(&Engine<'_>) -> Result<T>) -> Result<T, Vec<Error>> {
    on_engine(None, config, work)
}

/// The same, worked out by a cluster where one is named.
pub fn on_engine<T>(
    cluster: Option<&Cluster>,
    config: &Config,
    work: impl FnOnce(&Engine<'_>) -> Result<T>,
) -> Result<T, Vec<Error>> {
    let lake = open(config, Access::Read)?;
    let policy = estate::policy_rows(&estate::policy(config)?);
    let engine = match cluster {
        Some(cluster) => Engine::open_on(cluster, &lake, config, &policy)?,
        None => Engine::open(&lake, config, &policy)?,
    };
    Ok(work(&engine)?)
}

/// The answer in its form to a file, or to standard output.
pub fn deliver(query: Option<&Query>, found: &Answer, output: &cli::Output, talk: &mut Talk) -> Result<()> {
    let bytes = answer::paper(query, found, output.format)?;
    match &output.output {
        Some(path) => {
            write(path, &bytes)?;
            talk.say(&format!("wrote     {} rows to {}", found.rows(), path.display()));
            Ok(())
        }
        None => talk.data(&bytes),
    }
}

fn file(path: &Path) -> Result<Query> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Query::parse(&name, &text).map_err(|what| Error::Query {
        name: path.display().to_string(),
        what,
        hint: "the header of any report in queries/ shows the form".into(),
    })
}

/// What a report asks, its parameters and its columns.
pub fn describe(query: &Query) -> String {
    let mut text = format!("{}\n{}\n{}\n", query.title, query.asks, query.grain);
    for param in &query.params {
        let default = param.default.as_ref().map_or("must be given".to_string(), |d| format!("default {d:?}"));
        text += &format!("  -p {}=…  {}, {default}  {}\n", param.name, param.kind.word(), param.doc);
    }
    for setting in &query.settings {
        text += &format!("  -p {setting}=…  default from [evidence]\n");
    }
    let width = query.columns.iter().map(|c| c.name.len()).max().unwrap_or(0);
    for column in &query.columns {
        let unit = if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
        text += &format!("  {:width$}  {}{unit}: {}\n", column.name, column.kind, column.doc);
    }
    text
}
