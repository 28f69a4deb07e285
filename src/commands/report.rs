//! The report: which questions it answers, in what order, with which charts. All figures come from queries and the
//! case; the only sums here are row totals of a cross table.

mod case;
mod evidence;

use std::collections::BTreeMap;

use super::answer;
use crate::case::Appraisal;
use crate::config::Config;
use crate::error::Result;
use crate::estate::VERDICTS;
use crate::render::{Cell, Chart, Column, Fact, Kind, Part, Plot, Report, Section, Table};
use crate::sql::{Args, Engine, report};

pub use evidence::COVERAGE;

/// Rows of a long table that the page shows, to be searched and sorted there; the workbook has them all.
const SHOWN: usize = 500;

/// What the page shows of tables that are too wide to be read or printed.
const IDLE: &[&str] = &[
    "source",
    "extension",
    "verdict",
    "action",
    "use",
    "site_name",
    "cost_centre",
    "owner",
    "silent_days",
    "last_used_on",
    "demand",
    "reason",
];
const DISPOSITION: &[&str] = &[
    "source",
    "extension",
    "verdict",
    "action",
    "decided_by",
    "use",
    "site",
    "cost_centre",
    "owner",
    "last_used_on",
    "calls",
    "handset_uses",
    "reason",
];
const PARTIES: &[&str] = &[
    "party",
    "source",
    "period",
    "rehomed_on",
    "trunks",
    "circuits",
    "calls",
    "calls_from",
    "calls_to",
    "tandem_calls",
    "minutes",
    "busy_hour",
    "last_call_on",
];
const ANSWERS: &[&str] = &[
    "kind",
    "source",
    "extension",
    "use",
    "site",
    "offered",
    "answered",
    "answered_percent",
    "within_20s_percent",
    "mean_wait_s",
    "longest_wait_s",
    "abandoned_percent",
    "out_of_hours_percent",
];
const AUDIT: &[&str] = &[
    "source",
    "extension",
    "decision",
    "decided_by",
    "decided_on",
    "reason",
    "state",
    "releases",
    "verdict",
    "policy_action",
    "action",
    "protection",
];
const HEALTH: &[&str] = &[
    "source",
    "format",
    "files",
    "read",
    "kept",
    "repeated",
    "skipped",
    "rejected",
    "unbalanced",
    "rejected_percent",
    "first_started_at",
    "last_started_at",
];

/// Everything: the estate, then the case.
pub fn whole(engine: &Engine<'_>, config: &Config, appraisal: Option<&Appraisal>) -> Result<Report> {
    let disposition = table(engine, "disposition")?;
    let bands = table(engine, "usage-bands")?;
    let idle = table(engine, "idle-handsets")?;
    let mut facts = vec![
        fact(
            "extensions.registered",
            "Registered extensions",
            disposition.rows.len(),
            "",
            "each has exactly one verdict and one action",
        ),
        fact(
            "handsets.unused",
            "Handsets nobody used",
            idle.rows.len(),
            "",
            "idle, unattended or diverted, on covered days only",
        ),
    ];
    for (action, label, note) in [
        ("cease", "To cease", "line and handset go; never a protected line"),
        ("remove_handset", "Handsets to remove", "the handset goes, used or not, by the policy"),
        ("teams_ddi", "To Teams", "a direct number in return for the handset"),
        ("fixed", "Fixed", "stay a fixed phone"),
        ("keep", "To keep", "as they are, whatever the traffic"),
        ("review", "To review", "a person decides"),
    ] {
        let n = disposition.rows.iter().filter(|row| row[at(&disposition, "action")] == text(action)).count();
        facts.push(fact(&format!("action.{action}"), label, n, "", note));
    }
    facts.extend(appraisal.map(case::facts).unwrap_or_default());
    let by_site = cross(&disposition, "site", "verdict", &VERDICTS, None);
    let by_band = cross(&bands, "use", "band", &["none", "light", "regular", "heavy", "unknown"], Some("extensions"));
    let mut sections = Vec::new();
    let mut put = |part: Part, more: Vec<Section>| {
        sections.extend(more.into_iter().map(|section| Section {
            part,
            rows_shown: section.rows_shown.or(Some(SHOWN)),
            ..section
        }));
    };
    put(
        Part::Found,
        vec![
            charted(
                "verdicts-by-site",
                "Verdicts by site",
                "What the evidence says of every registered extension. Silence counts only on days for which the source has records.",
                by_site,
                "Extensions of each site by verdict",
                "Extensions",
            ),
            charted(
                "usage-by-use",
                "Usage bands by use",
                "How many calls extensions carry, by what they are for: what the replacement must carry. Calls made and calls \
                 offered count, also unanswered ones, so a band is no verdict: a phone that rings and is never picked up has \
                 calls too. Light is up to 1 call a covered week, regular up to 10, heavy above.",
                by_band,
                "Extensions of each use by band of calls a covered week",
                "Extensions",
            ),
            evidence::burn_down(engine)?,
            listed(IDLE, "idle-handsets.csv", asked("idle-handsets", idle)?),
            listed(&[], "unknown-extensions.csv", question(engine, "unknown-extensions")?),
            listed(&[], "usage-bands.csv", asked("usage-bands", bands)?),
            question(engine, "platform-share")?,
            Section { columns_shown: shown(PARTIES), ..question(engine, "third-parties")? },
            question(engine, "cost-centre-usage")?,
            Section { columns_shown: shown(ANSWERS), ..question(engine, "answer-times")? },
        ],
    );
    put(
        Part::Meaning,
        vec![
            evidence::words(),
            question(engine, "disposition-summary")?,
            listed(DISPOSITION, "disposition.csv", asked("disposition", disposition)?),
        ],
    );
    put(
        Part::Risks,
        vec![
            evidence::certainty(engine, config)?,
            question(engine, "idle-interval")?,
            question(engine, "emergency-calls")?,
        ],
    );
    put(
        Part::Unseen,
        vec![
            evidence::coverage(engine)?,
            evidence::blind_spots(engine, config)?,
            question(engine, "incidents")?,
            question(engine, "register-findings")?,
            Section { columns_shown: shown(HEALTH), ..question(engine, "ingest-health")? },
        ],
    );
    // All rows, however many: a decision that is not shown is no audit.
    let audit = question(engine, "audit-list")?;
    sections.push(Section { part: Part::Meaning, columns_shown: shown(AUDIT), ..audit });
    sections.extend(appraisal.map(case::sections).unwrap_or_default());
    let subtitle = format!(
        "{} days up to {}; silence proves something from {} covered days on",
        config.evidence.window_days,
        Cell::Date(engine.as_of()),
        config.evidence.min_covered_days
    );
    Ok(page("Desk phones: what is used, what is not, and what it saves", subtitle, engine, facts, sections))
}

/// The case alone.
pub fn case_only(engine: &Engine<'_>, appraisal: &Appraisal) -> Result<Report> {
    let facts = case::facts(appraisal);
    let subtitle = appraisal.price_note.clone().unwrap_or_default();
    Ok(page(&appraisal.title, subtitle, engine, facts, case::sections(appraisal)))
}

fn page(title: &str, subtitle: String, engine: &Engine<'_>, facts: Vec<Fact>, sections: Vec<Section>) -> Report {
    let provenance = [
        ("Lake", format!("batch {}, last call {}", engine.batch(), engine.as_of())),
        ("Program", concat!("onhook ", env!("CARGO_PKG_VERSION")).to_string()),
        ("Evidence up to", engine.as_of().to_string()),
        ("Every extension", "onhook explain EXTENSION gives its records with file and line".to_string()),
        ("Every table", "onhook query NAME gives the same rows from the lake".to_string()),
    ];
    let provenance = provenance.map(|(key, value)| (key.to_string(), value)).to_vec();
    Report { title: title.to_string(), subtitle, as_of: engine.as_of(), facts, sections, provenance }
}

fn table(engine: &Engine<'_>, name: &str) -> Result<Table> {
    let query = report(name)?;
    answer::table(Some(query), &engine.run(query, &Args::new())?)
}

fn question(engine: &Engine<'_>, name: &str) -> Result<Section> {
    asked(name, table(engine, name)?)
}

fn asked(name: &str, table: Table) -> Result<Section> {
    let query = report(name)?;
    let (title, intro) = (query.title.clone(), query.asks.clone());
    Ok(Section { id: name.to_string(), title, intro, table, ..Section::default() })
}

fn shown(columns: &[&str]) -> Vec<String> {
    columns.iter().map(ToString::to_string).collect()
}

fn listed(columns: &[&str], file: &str, section: Section) -> Section {
    Section { columns_shown: shown(columns), file: Some(file.to_string()), ..section }
}

fn charted(id: &str, title: &str, intro: &str, table: Table, says: &str, value_label: &str) -> Section {
    // The last column is the row's total; drawn beside its parts it would count twice.
    let plot = Plot {
        title: title.to_string(),
        says: says.to_string(),
        category: 0,
        series: (1..table.columns.len() - 1).collect(),
        value_label: value_label.to_string(),
    };
    Section {
        id: id.to_string(),
        title: title.to_string(),
        intro: intro.to_string(),
        chart: (!table.rows.is_empty()).then_some(Chart::StackedBars(plot)),
        // Whole: its chart is of the largest of all, and its last line sums up all.
        rows_shown: Some(usize::MAX),
        table: Table { caption: says.to_string(), ..table },
        ..Section::default()
    }
}

/// Rows by one column, columns by another, with the sum of a third, or the count of rows.
fn cross(table: &Table, rows: &str, columns: &str, order: &[&str], sum: Option<&str>) -> Table {
    let (row_at, column_at, sum_at) = (at(table, rows), at(table, columns), sum.map(|sum| at(table, sum)));
    // in the order of days, where these are days
    let mut cells: BTreeMap<String, (Cell, Vec<i64>)> = BTreeMap::new();
    for row in &table.rows {
        let Some(column) = order.iter().position(|word| row[column_at] == text(word)) else { continue };
        let amount = match sum_at.map(|at| &row[at]) {
            Some(Cell::Int(n)) => *n,
            Some(_) => 0,
            None => 1,
        };
        let (key, name) = match &row[row_at] {
            Cell::Empty => ("(none)".to_string(), text("(none)")),
            Cell::Date(day) => (day.to_string(), row[row_at].clone()),
            other => (other.to_string(), other.clone()),
        };
        cells.entry(key).or_insert_with(|| (name, vec![0; order.len()])).1[column] += amount;
    }
    let mut crossed = Table::default();
    crossed.columns.push(Column::new(rows, answer::title(rows, ""), table.columns[row_at].kind));
    crossed.columns.extend(order.iter().map(|word| Column::new(*word, answer::title(word, ""), Kind::Int)));
    crossed.columns.push(Column::new("total", "Total", Kind::Int));
    let line = |name: Cell, counts: &[i64]| -> Vec<Cell> {
        let numbers = counts.iter().copied().chain([counts.iter().sum()]).map(Cell::Int);
        [name].into_iter().chain(numbers).collect()
    };
    let sums: Vec<i64> = (0..order.len()).map(|i| cells.values().map(|(_, counts)| counts[i]).sum()).collect();
    crossed.total = Some(line(text("Total"), &sums));
    crossed.rows = cells.into_values().map(|(name, counts)| line(name, &counts)).collect();
    crossed
}

fn section(id: &str, title: &str, intro: &str, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Section {
    let table = Table { caption: title.to_string(), columns, rows, total: None };
    Section { id: id.into(), title: title.into(), intro: intro.trim().into(), table, ..Section::default() }
}

fn fact(id: &str, label: &str, count: usize, unit: &str, note: &str) -> Fact {
    let value = Cell::Int(count as i64);
    Fact { id: id.into(), label: label.into(), value, unit: unit.into(), note: note.into() }
}

fn text(word: &str) -> Cell {
    Cell::Text(word.to_string())
}

fn at(table: &Table, column: &str) -> usize {
    table.columns.iter().position(|c| c.name == column).unwrap_or_default()
}
