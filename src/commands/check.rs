//! `onhook check`: coverage, rejects, register against calls: what a person should look at before quoting a figure.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Talk, Verdict, answer, query};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::render::Cell;
use crate::render::calendar::calendar;
use crate::sql::{Args, Engine, report};

pub fn command(config: &Config, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    // Asked for, what is found is the answer; in the nightly run it is talk.
    query::with_engine(config, |engine| {
        let (verdict, found) = run(config, engine, talk)?;
        found.iter().try_for_each(|line| talk.data(format!("{line}\n").as_bytes()))?;
        talk.data(calendars(engine)?.as_bytes())?;
        Ok(verdict)
    })
}

/// What it finds, a line each. Too few covered days, too many rejects and records that are unaccounted for need a
/// person; gaps, single rejects and unknown extensions are told.
pub fn run(config: &Config, engine: &Engine<'_>, talk: &mut Talk) -> Result<(Verdict, Vec<String>)> {
    let mut found = Vec::new();
    if engine.known_as_of().is_none() {
        talk.need("there are no call records yet", "put files where the paths of [[source]] point");
        return Ok((Verdict::NeedsAPerson, found));
    }
    let mut verdict = Verdict::Good;
    for row in rows(engine, "coverage")? {
        let [source, state, reason, first, last, days, _, detail] = &row[..] else { continue };
        // What is blind is told with the other blind spots; a bill never covers a day.
        if state != "gap" || reason == "shows_no_silence" {
            continue;
        }
        let when = if days == "1" { format!("on {first}") } else { format!("from {first} to {last}, {days} days") };
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        found.push(format!(
            "gap       {source}: {} {when}{detail}; silence there proves nothing",
            reason.replace('_', " ")
        ));
    }
    for (source, spot, detail) in spots(engine)? {
        found.push(format!("blind     {source}: {detail}"));
        if spot == "expiring_records" {
            talk.need(&format!("{source}: {detail}"), "what the platform drops is lost");
            verdict = Verdict::NeedsAPerson;
        }
    }
    for (source, covered) in covered_days(engine)? {
        if covered < u64::from(config.evidence.min_covered_days) {
            let wanted = config.evidence.min_covered_days;
            talk.need(
                &format!("{source}: records on {covered} days of the window, {wanted} are needed to prove anything"),
                "see onhook query coverage for the days that are missing",
            );
            verdict = Verdict::NeedsAPerson;
        }
    }
    let health = report("ingest-health")?;
    let at = |name: &str| health.columns.iter().position(|c| c.name == name).unwrap_or_default();
    for row in rows(engine, "ingest-health")? {
        if row[at("unbalanced")] != "0" {
            talk.need(
                &format!("{}: {} records are unaccounted for", row[0], row[at("unbalanced")]),
                "onhook lake verify says where",
            );
            verdict = Verdict::NeedsAPerson;
        }
        if row[at("rejected")] != "0" {
            found.push(format!("rejects   {}: {} of {} records", row[0], row[at("rejected")], row[at("read")]));
        }
        let [rejected, read] = ["rejected", "read"].map(|name| row[at(name)].parse::<f64>().unwrap_or(0.0));
        let limit = config.evidence.max_rejected_percent;
        if 100.0 * rejected > limit * read {
            talk.need(
                &format!("{}: more than {limit} % of all its records were rejected", row[0]),
                "see onhook query ingest-health",
            );
            verdict = Verdict::NeedsAPerson;
        }
    }
    let unknown = rows(engine, "unknown-extensions")?.len();
    if unknown > 0 {
        found.push(format!("unknown   {unknown} extensions have calls and are not in the register"));
    }
    Ok((verdict, found))
}

/// What the records cannot show, but for the gaps: source, spot, evidence.
fn spots(engine: &Engine<'_>) -> Result<Vec<(String, String, String)>> {
    let sql = "select source, spot, detail from blind_spots where spot <> 'gaps' order by source, spot";
    let rows = answer::text(&engine.free(sql)?)?;
    Ok(rows.into_iter().filter_map(|row| Some(<[String; 3]>::try_from(row).ok()?.into())).collect())
}

/// A calendar of each source's coverage.
fn calendars(engine: &Engine<'_>) -> Result<String> {
    let query = report("coverage")?;
    let table = answer::table(Some(query), &engine.run(query, &Args::new())?)?;
    let mut sources: BTreeMap<String, Vec<(NaiveDate, char)>> = BTreeMap::new();
    for row in &table.rows {
        let [Cell::Text(source), Cell::Text(state), _, Cell::Date(first), Cell::Date(last), ..] = &row[..] else {
            continue;
        };
        let look = super::report::COVERAGE.iter().find(|(word, _)| word == state);
        let glyph = look.map_or(' ', |(_, look)| look.glyph());
        let days = sources.entry(source.clone()).or_default();
        days.extend(first.iter_days().take_while(|day| day <= last).map(|day| (day, glyph)));
    }
    let glyphs = super::report::COVERAGE.map(|(word, look)| (look.glyph().to_string(), word));
    let legend: Vec<(&str, &str)> = glyphs.iter().map(|(glyph, word)| (glyph.as_str(), *word)).collect();
    Ok(sources.iter().map(|(source, days)| format!("\n{source}\n{}", calendar(days, &legend))).collect())
}

/// Covered days of the window by configured source, none included; a bill and the like cover none by nature.
pub fn covered_days(engine: &Engine<'_>) -> Result<Vec<(String, u64)>> {
    let sql = "select s.source, count(distinct c.local_day) from sources s left join coverage c on c.source = s.source \
               where s.shows_silence group by s.source order by s.source";
    let days = answer::text(&engine.free(sql)?)?;
    Ok(days.into_iter().map(|row| (row[0].clone(), row[1].parse().unwrap_or(0))).collect())
}

fn rows(engine: &Engine<'_>, name: &str) -> Result<Vec<Vec<String>>> {
    answer::text(&engine.run(report(name)?, &Args::new())?)
}
