//! The chain of a figure in text: formulas with their values, assumptions with their sources, queries with the extensions
//! they count and the records those were judged by, and the files of the lake. What is behind what is `case`'s to say.

use super::super::answer;
use crate::case::{Case, DriverQuery, From};
use crate::error::{Error, Result};
use crate::sql::{Args, Engine, Query};

/// Extensions shown of each query.
const SHOWN: usize = 10;

pub fn text(engine: &Engine<'_>, case: &Case, figure: &str) -> Result<String> {
    let steps = case.trace(figure)?;
    let mut text = String::new();
    let mut queries: Vec<DriverQuery> = Vec::new();
    for step in &steps {
        let value = step.value.as_deref().unwrap_or("no figure");
        let indent = "  ".repeat(step.depth.min(12));
        text += &format!("{indent}{} = {value}   [{}]\n", step.label, step.place);
        if step.is_told {
            text += &format!("{indent}  as above\n");
            continue;
        }
        if let Some(formula) = &step.formula {
            text += &format!("{indent}  ={formula}\n");
        }
        match &step.from {
            From::Cells => {}
            From::Assumption(row) => {
                let source = row.source.as_deref().unwrap_or("unsourced");
                let owner = row.owner.as_deref().map_or(String::new(), |owner| format!(", owner {owner}"));
                let date = row.date.as_deref().map_or(String::new(), |date| format!(", {date}"));
                text += &format!("{indent}  assumption {} ({}): {source}{owner}{date}\n", row.id, row.place);
            }
            From::Query(query) => {
                text += &format!("{indent}  onhook query {}\n", query.words());
                if !queries.contains(query) {
                    queries.push(query.clone());
                }
            }
        }
    }
    text += &format!("\nlake      batch {}, evidence up to {}\n", engine.batch(), engine.as_of());
    for query in &queries {
        text += &counted(engine, query)?;
    }
    if !queries.is_empty() {
        text += &files(engine)?;
    }
    Ok(text)
}

/// The extensions a query counts, each with the last record that touches it; only for queries that sum verdicts up.
fn counted(engine: &Engine<'_>, query: &DriverQuery) -> Result<String> {
    const KNOWN: [&str; 5] = ["source", "platform", "use", "verdict", "action"];
    if query.query != "disposition-summary" || !query.filters.keys().all(|column| KNOWN.contains(&column.as_str())) {
        return Ok(format!("\n{}: onhook query {} gives its rows\n", query.driver, query.query));
    }
    let mut args = Args::new();
    let (mut params, mut conditions) = (String::new(), Vec::new());
    for (column, any) in &query.filters {
        let mut names = Vec::new();
        for value in any {
            let name = format!("p{}", args.len());
            params += &format!("-- param: {name} text\n");
            names.push(format!("${name}"));
            args.insert(name, value.clone());
        }
        // The column is one of `KNOWN`; the values are bound.
        conditions.push(format!("\"{column}\" in ({})", names.join(", ")));
    }
    let which = if conditions.is_empty() { "true".to_string() } else { conditions.join(" and ") };
    let ask = |sql: &str| -> Result<Vec<Vec<String>>> {
        let wrong = |what| Error::Query { name: "trace".into(), what, hint: String::new() };
        answer::text(&engine.run(&Query::parse("trace", &format!("{params}{sql}")).map_err(wrong)?, &args)?)
    };
    let count = ask(&format!("select count(*) from verdicts where {which}"))?;
    let rows = ask(&format!(
        "with picked as (select source, extension, device_name, verdict, action from verdicts where {which} \
             order by source, extension limit {SHOWN}), \
         touched as (select p.source, p.extension, p.verdict, p.action, i.name, l.record_no, row_number() over ( \
             partition by p.source, p.extension order by l.started_at desc, l.leg_key) as n \
             from picked p left join legs l on l.source = p.source and (p.extension in ( \
                 l.caller_ext, l.dialled_ext, l.callee_ext, l.redirect_ext) or p.device_name in (l.caller_device, l.callee_device)) \
             left join inputs i on i.input_id = l.input_id) \
         select source, extension, verdict, action, name, record_no from touched where n = 1 order by source, extension"
    ))?;
    let mut text = format!("\n{}: {} extensions ({})\n", query.driver, count[0][0], query.words());
    for row in &rows {
        let last = if row[4].is_empty() { "no record".into() } else { format!("last record {}:{}", row[4], row[5]) };
        text += &format!("  {} {}  {}, {}: {last}\n", row[0], row[1], row[2], row[3]);
    }
    let more = count[0][0].parse::<usize>().unwrap_or(0).saturating_sub(rows.len());
    if more > 0 {
        text += &format!(
            "  and {more} more: onhook query disposition lists them, onhook explain EXTENSION shows their records\n"
        );
    }
    Ok(text)
}

/// The vendors' files the lake was made of.
fn files(engine: &Engine<'_>) -> Result<String> {
    let rows =
        answer::text(&engine.free("select source, name, content_hash, kept from inputs order by source, name")?)?;
    let mut text = format!("\nfiles     {} in the lake\n", rows.len());
    for row in &rows {
        text += &format!("  {} {}  {} records kept, BLAKE3 {}\n", row[0], row[1], row[3], row[2]);
    }
    Ok(text)
}
