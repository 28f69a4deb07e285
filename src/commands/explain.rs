//! `onhook explain`: all that is known of one extension: its register row, its verdict with the evidence, and the last
//! records that touch it, each with its file and line.

use super::{Talk, Verdict, answer, query};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::render::Table;
use crate::sql::{Args, Query};

const FACTS: &str = "-- param: extension text\n-- param: source text = ''\n\
    select * from verdicts where extension = $extension and ($source = '' or source = $source) order by source";

/// The handset counts too: on a shared line it, and not the number, tells who was there.
const RECORDS: &str = "-- param: extension text\n-- param: source text = ''\n\
    with line as (select source, extension, device_name from register \
        where extension = $extension and ($source = '' or source = $source)) \
    select l.source, l.local_day, l.local_minute, l.direction, l.outcome, l.caller_ext, l.dialled_ext, l.callee_ext, \
        l.talk_s, i.name as file, l.record_no as line \
    from legs l join inputs i on i.input_id = l.input_id left join line on line.source = l.source \
    where ($source = '' or l.source = $source) and ($extension in (l.caller_ext, l.dialled_ext, l.callee_ext, l.redirect_ext) \
        or line.device_name in (l.caller_device, l.callee_device)) \
    order by l.started_at desc, l.leg_key limit 20";

pub fn explain(config: &Config, extension: &str, source: Option<&str>, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    let args: Args = [("extension", extension), ("source", source.unwrap_or(""))]
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .into();
    let text = query::with_engine(config, |engine| {
        let [facts, records] = [("verdicts", FACTS), ("records", RECORDS)].map(|(name, sql)| {
            let wrong = |what| Error::Query { name: name.into(), what, hint: String::new() };
            let found = engine.run(&Query::parse(name, sql).map_err(wrong)?, &args)?;
            answer::table(None, &found)
        });
        Ok(page(extension, &facts?, &records?))
    })?;
    talk.data(text.as_bytes())?;
    Ok(Verdict::Good)
}

fn page(extension: &str, facts: &Table, records: &Table) -> String {
    let mut text = String::new();
    if facts.rows.is_empty() {
        text += &format!("{extension} is not in the register\n");
    }
    let width = facts.columns.iter().map(|c| c.name.len()).max().unwrap_or(0);
    for row in &facts.rows {
        for (column, cell) in facts.columns.iter().zip(row) {
            text += &format!("{:width$}  {cell}\n", column.name);
        }
        text.push('\n');
    }
    text += &format!("last {} records\n", records.rows.len());
    for row in &records.rows {
        let cells: Vec<String> = row.iter().map(ToString::to_string).collect();
        text += &format!("{}\n", cells.join("  "));
    }
    text
}
