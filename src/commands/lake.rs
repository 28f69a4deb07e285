//! `onhook lake`: what lies there, whether it is sound, fewer files, no dead ones, no calls beyond their time.

use chrono::{Days, NaiveDate, Utc};
use serde_json::json;

use super::{Talk, Verdict, existing, open, site};
use crate::cli;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lake::{Access, Compacted, Dead, Lake, Reason, Removed, Swept};
use crate::normalise::days;

pub fn command(config: &Config, command: &cli::Lake, talk: &mut Talk) -> Result<Verdict> {
    match command {
        cli::Lake::Status => status(config, talk),
        cli::Lake::Verify { repair, json } => verify(config, *repair, *json, talk),
        cli::Lake::Compact { json } => compact(config, *json, talk),
        cli::Lake::Vacuum { older_than, json } => vacuum(config, *older_than, *json, talk),
    }
}

fn status(config: &Config, talk: &mut Talk) -> Result<Verdict> {
    let lake = open(config, Access::Read)?;
    let (finished, tables) = lake.whole()?;
    let mut text = format!("last batch {finished}, version {}\n", lake.version()?);
    for files in tables {
        let bytes: u64 = files.bytes.iter().sum();
        text += &format!("{:<14}{:>6} files {bytes:>14} bytes\n", files.table.name(), files.paths.len());
    }
    let Dead { files, bytes } = lake.dead()?;
    text += &format!("{:<14}{files:>6} files {bytes:>14} bytes, waiting for vacuum\n", "dead");
    if let Some(from) = lake.kept_from()? {
        text += &format!("calls before {} were removed for good\n", day(from));
    }
    talk.data(text.as_bytes())?;
    Ok(Verdict::Good)
}

fn verify(config: &Config, repair: bool, json: bool, talk: &mut Talk) -> Result<Verdict> {
    let mut lake = open(config, Access::Read)?;
    let report = if repair {
        // What an unfinished run left is for the next one: here nothing is touched but what is derived.
        drop(lake);
        lake = Lake::open_as_it_is(site(config)?, Access::Write)?;
        lake.verify_and_repair()?
    } else {
        lake.verify()?
    };
    if json {
        talk.data(format!("{}\n", json!(report)).as_bytes())?;
    } else {
        let mut text: String = report.findings.iter().map(|finding| format!("wrong     {finding}\n")).collect();
        text.extend(report.notes.iter().map(|note| format!("note      {note}\n")));
        text.extend(report.repaired.iter().map(|table| format!("repaired  {table}\n")));
        let dead = match report.dead {
            Dead { files: 0, .. } => String::new(),
            Dead { files, bytes } => format!("; {files} dead files of {bytes} bytes wait for vacuum"),
        };
        let state = if report.findings.is_empty() { "sound" } else { "looked at" };
        text += &format!("{state:<10}{} files, {} rows, {} bytes{dead}\n", report.files, report.rows, report.bytes);
        talk.data(text.as_bytes())?;
    }
    Ok(Verdict::of(!report.findings.is_empty()))
}

fn compact(config: &Config, json: bool, talk: &mut Talk) -> Result<Verdict> {
    let done = existing(config)?.compact()?;
    if json {
        talk.data(format!("{}\n", json!(done)).as_bytes())?;
        return Ok(Verdict::Good);
    }
    let mut text = String::new();
    for (table, Compacted { files_before, files_after, bytes_before, bytes_after }) in done {
        text += &format!(
            "{table:<14}{files_before:>6} files {bytes_before:>14} bytes, now {files_after:>6} files {bytes_after:>14} bytes\n"
        );
    }
    talk.data(text.as_bytes())?;
    Ok(Verdict::Good)
}

fn vacuum(config: &Config, older_than: Option<cli::OlderThan>, json: bool, talk: &mut Talk) -> Result<Verdict> {
    let lake = existing(config)?;
    let removed = match older_than {
        Some(older_than) => Some(remove(config, &lake, older_than)?),
        None => None,
    };
    // What was kept of answers may hold what was removed.
    let Swept { deleted, waiting, why } = lake.vacuum(removed.is_some(), Utc::now())?;
    let is_read = why == Some(Reason::Reading);
    if json {
        let before = removed.map(|(before, _)| before.to_string());
        let said = json!({ "before": before, "removed": removed.map(|(_, rows)| rows), "deleted": deleted, "waiting": waiting });
        talk.data(format!("{said}\n").as_bytes())?;
    } else {
        let mut text = String::new();
        if let Some((before, Removed { legs, quality, rejects })) = removed {
            text += &format!("removed   {legs} legs, {quality} quality, {rejects} rejects from before {before}\n");
        }
        if !is_read {
            text += &format!("deleted   {} files of {} bytes\n", deleted.files, deleted.bytes);
        }
        if why == Some(Reason::Young) {
            let Dead { files, bytes } = waiting;
            text += &format!(
                "waiting   {files} files of {bytes} bytes, for an hour in which questions may still read them; longer where a log is damaged (onhook lake verify)\n"
            );
        }
        talk.data(text.as_bytes())?;
    }
    if is_read {
        talk.warn(&format!(
            "{} files of {} bytes wait: somebody is reading the lake; run onhook lake vacuum again when they are done",
            waiting.files, waiting.bytes
        ));
    }
    Ok(Verdict::of(is_read))
}

/// Removes calls for good. Never those of the evidence window: verdicts are read out of them.
fn remove(config: &Config, lake: &Lake, older_than: cli::OlderThan) -> Result<(NaiveDate, Removed)> {
    let now = Utc::now();
    let today = now.date_naive();
    let refused = |what: String, hint: String| Error::Config { place: "--older-than".into(), what, hint };
    let before = match older_than {
        cli::OlderThan::Day(day) => day,
        cli::OlderThan::Days(days) => today.checked_sub_days(Days::new(days.into())).unwrap_or_default(),
    };
    if before > today {
        return Err(refused(format!("{before} is in the future"), "name a day that has been".into()));
    }
    let window = config.evidence.window_days.saturating_sub(1);
    let as_of = config.evidence.as_of.or(lake.last_day()?.map(day));
    if let Some(from) = as_of.and_then(|as_of| as_of.checked_sub_days(Days::new(window.into())))
        && before > from
    {
        return Err(refused(
            format!("{before} lies in the evidence window, which begins on {from}"),
            format!("name {from} or a day before it, or shorten [evidence] window_days first; nothing was removed"),
        ));
    }
    Ok((before, lake.remove_before(days(before), now)?))
}

fn day(day: i32) -> NaiveDate {
    NaiveDate::default() + chrono::TimeDelta::days(day.into())
}
