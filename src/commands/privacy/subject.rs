//! `onhook subject`: what the lake holds under one outside number, and its erasure. Prints no more of the number than its
//! area or network code.

use chrono::Utc;
use serde_json::json;

use super::{Own, keys};
use crate::cli;
use crate::commands::{Talk, Verdict, existing, open};
use crate::config::{Config, OutsideNumbers};
use crate::error::{Error, Result};
use crate::lake::{Access, Held, Swept};
use crate::number;
use crate::privacy::Sought;

pub fn subject(config: &Config, args: &cli::Subject, talk: &mut Talk) -> Result<Verdict> {
    let text = match args.number.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()).map_err(Error::io("standard input"))?,
        number => number.to_string(),
    };
    let (lines, _) = crate::estate::registered(config)?;
    let own = Own::new(config).listing(lines, []);
    let refused =
        |what: &str, hint: &str| Error::Config { place: "subject".into(), what: what.into(), hint: hint.into() };
    let sought =
        Sought::new(text.trim(), config, keys(config)?.as_ref()).map_err(|what| match own.has(text.trim()) {
            true => refused("that is one of our own numbers", "onhook explain shows what is held of an extension"),
            false => refused(what, "write it like +44 20 7946 0001 or 020 7946 0001"),
        })?;
    let is_ours = own.has(sought.number());
    let held = open(config, Access::Read)?.held(&sought)?;
    if args.erase && is_ours {
        return Err(refused(
            "that is one of our own numbers, and is not erased: verdicts rest on its calls",
            "onhook lake vacuum --older-than removes calls beyond their time",
        ));
    }
    if args.json {
        let sources: Vec<_> = config
            .sources
            .iter()
            .map(|source| json!({ "source": source.name, "outside_numbers": source.outside_numbers.word() }))
            .collect();
        let class = number::classify(sought.number()).word();
        let said =
            json!({ "number": sought.shown(), "class": class, "ours": is_ours, "held": held, "sources": sources });
        talk.data(format!("{said}\n").as_bytes())?;
    } else {
        talk.data(told(config, &sought, is_ours, &held).as_bytes())?;
    }
    if args.erase { erase(config, &sought, talk) } else { Ok(Verdict::Good) }
}

fn told(config: &Config, sought: &Sought, is_ours: bool, held: &[Held]) -> String {
    let whose = if is_ours { "one of our own numbers" } else { "not ours" };
    let mut text = format!("number    {}, {}, {whose}\n", sought.shown(), number::classify(sought.number()).word());
    for held in held {
        let days = match (&held.first_day, &held.last_day) {
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        text += &format!("{:<10}{} rows of {}{days}: {}\n", held.table, held.rows, held.source, held.files.join(", "));
    }
    if held.is_empty() {
        text += "held      nothing that can be told to be of this number\n";
    }
    for source in config.sources.iter().filter(|source| source.outside_numbers == OutsideNumbers::Truncate) {
        text += &format!("truncated {}: of its calls nobody can tell whose they are\n", source.name);
    }
    text
}

/// Takes the number out, proves the lake, and deletes the files that held it.
fn erase(config: &Config, sought: &Sought, talk: &mut Talk) -> Result<Verdict> {
    let lake = existing(config)?;
    let report = lake.erase(sought)?;
    let left = lake.held(sought)?;
    for finding in &report.findings {
        talk.warn(&format!("{finding}"));
    }
    for held in &left {
        let what = if held.is_erasable { "still holds it" } else { "holds it, and only its file can be corrected" };
        talk.warn(&format!("{}: {} rows of {} {what}", held.table, held.rows, held.source));
    }
    // Kept answers may hold it too.
    let Swept { deleted, waiting, .. } = lake.vacuum(true, Utc::now())?;
    talk.say(&format!("erased    {} files of {} bytes deleted", deleted.files, deleted.bytes));
    if waiting.files > 0 {
        talk.warn(&format!(
            "{} files that hold it wait: somebody is reading the lake; run the same again when they are done",
            waiting.files
        ));
    }
    talk.say("          the vendor's files, earlier outputs and backups are not in the lake: see to them as well");
    Ok(Verdict::of(waiting.files > 0 || !report.findings.is_empty() || !left.is_empty()))
}
