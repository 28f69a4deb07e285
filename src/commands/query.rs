//! `onhook query` and `onhook sql`: one answer, in the form asked for.

use std::io::Read;
use std::path::Path;

use super::{Talk, Verdict, answer, load, open, write};
use crate::cli;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::estate;
use crate::lake::Access;
use crate::sql::{self, Answer, Args, Cluster, Engine, Query, REPORTS};

pub fn command(config: &Path, args: &cli::Query, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    if args.list {
        let width = REPORTS.iter().map(|q| q.name.len()).max().unwrap_or(0);
        let lines = REPORTS.iter().map(|q| format!("{:width$}  {}\n", q.name, q.asks));
        talk.data(lines.collect::<String>().as_bytes())?;
        return Ok(Verdict::Good);
    }
    if let Some(name) = &args.describe {
        talk.data(describe(sql::report(name)?).as_bytes())?;
        return Ok(Verdict::Good);
    }
    let query = match args.name.as_deref() {
        Some(name) if name.ends_with(".sql") => file(Path::new(name))?,
        name => sql::report(name.unwrap_or_default())?.clone(),
    };
    let config = load(config)?;
    let given: Args = args.params.iter().cloned().collect();
    on_engine(args.engine.cluster.as_ref(), &config, |engine| engine.run(&query, &given)).and_then(|found| {
        deliver(Some(&query), &found, &args.output, talk)?;
        Ok(Verdict::Good)
    })
}

pub fn sql(
    config: &Config,
    execute: Option<String>,
    engine: &cli::Engine,
    output: &cli::Output,
    talk: &mut Talk,
) -> Result<Verdict, Vec<Error>> {
    let statement = match execute {
        Some(statement) => statement,
        None => {
            let mut statement = String::new();
            std::io::stdin().read_to_string(&mut statement).map_err(Error::io("standard input"))?;
            statement
        }
    };
    let found = on_engine(engine.cluster.as_ref(), config, |engine| {
        engine.reports_as_views();
        engine.free(&statement)
    })?;
    deliver(None, &found, output, talk)?;
    Ok(Verdict::Good)
}

/// Runs something in a session over the lake as it is.
pub fn with_engine<T>(config: &Config, work: impl FnOnce(&Engine<'_>) -> Result<T>) -> Result<T, Vec<Error>> {
    on_engine(None, config, work)
}

/// The same, worked out by a cluster where one is named.
fn on_engine<T>(
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

fn deliver(query: Option<&Query>, found: &Answer, output: &cli::Output, talk: &mut Talk) -> Result<()> {
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

fn describe(query: &Query) -> String {
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
