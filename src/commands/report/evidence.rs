//! The sections of the report about the evidence: what was covered, what could not be seen, how sure the counts are, how
//! the old platforms empty, and what the words mean.

use super::{at, cross, question, section, text};
use crate::commands::{answer, sensitivity};
use crate::config::Config;
use crate::error::Result;
use crate::render::{Cell, Chart, Column, DayMap, Kind, Look, Plot, Section, Table};
use crate::sql::Engine;

/// States of a day's coverage as the report and `onhook check` show them, the one that proves most first.
pub const COVERAGE: [(&str, Look); 3] = [("covered", Look::Full), ("blind", Look::Half), ("gap", Look::Barred)];

/// The words of the report, once.
pub fn words() -> Section {
    const WORDS: [(&str, &str); 13] = [
        ("protected", "verdict: never judged by its traffic, by its use, its kind or the register"),
        ("insufficient_evidence", "verdict: records on too few days to prove anything"),
        ("idle", "verdict: the handset was not used and nobody asked for its number"),
        ("unattended", "verdict: it was rung and never answered, and nobody met the call elsewhere"),
        (
            "diverted",
            "verdict: its calls are met elsewhere (forwarded, voicemail, another device); the handset is not used",
        ),
        ("low_use", "verdict: used, but no more than the configured number of times a covered week"),
        ("in_use", "verdict: used more than that"),
        ("cease", "action: line and handset go"),
        ("remove_handset", "action: the handset goes, the number may live on"),
        ("teams_ddi", "action: a direct number in Teams in return for handset and extension"),
        ("fixed", "action: a fixed phone, moved to the platform that stays"),
        ("keep", "action: as it is"),
        ("review", "action: a person decides; also where protection overrules the policy"),
    ];
    let rows = WORDS.iter().map(|(word, meaning)| vec![text(word), text(meaning)]).collect();
    let columns = vec![Column::new("word", "Word", Kind::Text), Column::new("meaning", "Meaning", Kind::Text)];
    let intro = "Every extension has one verdict, from the evidence, and one action, from the policy. A covered day is one on \
        which its platform has records; silence counts on those only.";
    section("words", "Words", intro, columns, rows)
}

/// What the records cannot show, to be settled before a phone is taken away: what they tell of themselves, then what
/// every source of its format has in common.
pub fn blind_spots(engine: &Engine<'_>, config: &Config) -> Result<Section> {
    let sql = "select source, spot, is_blocking, detail from blind_spots order by source, spot";
    let found = answer::table(None, &engine.free(sql)?)?;
    let mut rows = found.rows;
    for source in &config.sources {
        if let Some(reader) = crate::read::reader(&source.format) {
            rows.push(vec![text(&source.name), text("by its format"), Cell::Empty, text(reader.blind_spots())]);
        }
    }
    let columns = vec![
        Column::new("source", "Source", Kind::Text),
        Column::new("spot", "Blind spot", Kind::Text),
        Column::new("is_blocking", "Counts against silence", Kind::Bool),
        Column::new("detail", "Evidence", Kind::Text),
    ];
    let intro = "Found in the records themselves. Those that count against silence have kept verdicts from being idle; ask the \
        platform's keepers about the others before a verdict is acted upon.";
    Ok(section("blind-spots", "What the records cannot show", intro, columns, rows))
}

/// The calendar of what was covered.
pub fn coverage(engine: &Engine<'_>) -> Result<Section> {
    let section = question(engine, "coverage")?;
    let columns = ["source", "state", "first_day", "last_day"].map(|name| at(&section.table, name));
    let map = DayMap {
        title: "Days covered".into(),
        says: "Each day of the window, for each source: covered, blind for some kinds of call, or a gap".into(),
        of: columns[0],
        state: columns[1],
        first: columns[2],
        last: columns[3],
        states: COVERAGE.map(|(word, look)| (word.to_string(), look)).to_vec(),
    };
    let chart = (!section.table.rows.is_empty()).then_some(Chart::HeatMap(map));
    Ok(Section { chart, ..section })
}

/// How sure the count of idle phones is.
pub fn certainty(engine: &Engine<'_>, config: &Config) -> Result<Section> {
    let table = sensitivity::table(engine, config)?;
    let intro = "The same estate judged by a window 30 days shorter and 30 days longer. A share of other verdicts that is not \
        small says that the window, and not the phone, decides.";
    Ok(Section {
        id: "window".into(),
        title: "If the window were another".into(),
        intro: intro.into(),
        table: Table { caption: "Verdicts by length of the window".into(), ..table },
        ..Section::default()
    })
}

/// Lines still in use on the old platforms, week by week.
pub fn burn_down(engine: &Engine<'_>) -> Result<Section> {
    let asked = question(engine, "burn-down")?;
    let platform = at(&asked.table, "platform");
    let mut platforms: Vec<String> = asked.table.rows.iter().map(|row| row[platform].to_string()).collect();
    platforms.sort();
    platforms.dedup();
    let order: Vec<&str> = platforms.iter().map(String::as_str).collect();
    let table = cross(&asked.table, "week_from", "platform", &order, Some("lines_used"));
    let says = "Lines used in each week on the platforms that are to be emptied";
    let plot = Plot {
        title: asked.title.clone(),
        says: says.into(),
        category: 0,
        series: (1..=order.len()).collect(),
        value_label: "Lines used in the week".into(),
    };
    // Weeks do not add up: a line used in two is one line.
    let table = Table { caption: says.into(), total: None, ..table };
    let chart = (table.rows.len() > 1 && !order.is_empty()).then_some(Chart::Lines(plot));
    Ok(Section { chart, table, ..asked })
}
