//! `onhook check`: coverage, rejects, register against calls: what a person should look at before quoting a figure.

use super::{Talk, Verdict, answer, query};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::sql::{Args, Engine, report};

pub fn command(config: &Config, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    // Asked for, what is found is the answer; in the nightly run it is talk.
    query::with_engine(config, |engine| {
        let (verdict, found) = run(config, engine, talk)?;
        found.iter().try_for_each(|line| talk.data(format!("{line}\n").as_bytes()))?;
        Ok(verdict)
    })
}

/// What it finds, a line each. Too few covered days, too many rejects and records that are unaccounted for need a
/// person; gaps, single rejects and unknown extensions are told.
pub fn run(config: &Config, engine: &Engine<'_>, talk: &mut Talk) -> Result<(Verdict, Vec<String>)> {
    let mut found = Vec::new();
    if engine.known_as_of().is_none() {
        talk.warn("there are no call records yet: put files where the paths of [[source]] point");
        return Ok((Verdict::NeedsAPerson, found));
    }
    let mut verdict = Verdict::Good;
    for row in rows(engine, "coverage")? {
        let [source, state, first, last, days, ..] = &row[..] else { continue };
        if state == "gap" {
            let when = if days == "1" { format!("on {first}") } else { format!("from {first} to {last}, {days} days") };
            found.push(format!("gap       {source}: no records {when}; silence there proves nothing"));
        }
    }
    for (source, covered) in covered_days(engine)? {
        if covered < u64::from(config.evidence.min_covered_days) {
            let wanted = config.evidence.min_covered_days;
            talk.warn(&format!(
                "{source}: records on {covered} days of the window, {wanted} are needed to prove anything"
            ));
            verdict = Verdict::NeedsAPerson;
        }
    }
    let health = report("ingest-health")?;
    let at = |name: &str| health.columns.iter().position(|c| c.name == name).unwrap_or_default();
    for row in rows(engine, "ingest-health")? {
        if row[at("unbalanced")] != "0" {
            talk.warn(&format!("{}: {} records are unaccounted for", row[0], row[at("unbalanced")]));
            verdict = Verdict::NeedsAPerson;
        }
        if row[at("rejected")] != "0" {
            found.push(format!("rejects   {}: {} of {} records", row[0], row[at("rejected")], row[at("read")]));
        }
        let [rejected, read] = ["rejected", "read"].map(|name| row[at(name)].parse::<f64>().unwrap_or(0.0));
        let limit = config.evidence.max_rejected_percent;
        if 100.0 * rejected > limit * read {
            talk.warn(&format!("{}: more than {limit} % of all its records were rejected", row[0]));
            verdict = Verdict::NeedsAPerson;
        }
    }
    let unknown = rows(engine, "unknown-extensions")?.len();
    if unknown > 0 {
        found.push(format!("unknown   {unknown} extensions have calls and are not in the register"));
    }
    Ok((verdict, found))
}

/// Covered days of the window by configured source, none included.
fn covered_days(engine: &Engine<'_>) -> Result<Vec<(String, u64)>> {
    let sql = "select s.source, count(distinct c.local_day) from sources s left join coverage c on c.source = s.source \
               group by s.source order by s.source";
    let days = answer::text(&engine.free(sql)?)?;
    Ok(days.into_iter().map(|row| (row[0].clone(), row[1].parse().unwrap_or(0))).collect())
}

fn rows(engine: &Engine<'_>, name: &str) -> Result<Vec<Vec<String>>> {
    answer::text(&engine.run(report(name)?, &Args::new())?)
}
