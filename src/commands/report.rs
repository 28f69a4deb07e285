//! The report: which questions it answers, in what order, with which charts. All figures come from queries and the
//! case; the only sums here are row totals of a cross table.

use std::collections::BTreeMap;

use super::answer;
use crate::case::{Appraisal, OptionFigures, Payback};
use crate::config::Config;
use crate::error::Result;
use crate::estate::VERDICTS;
use crate::render::{Cell, Chart, Column, Fact, Kind, Plot, Report, Section, Table};
use crate::sql::{Args, Engine, report};

/// Rows of a long table that the page shows; the workbook has them all.
const SHOWN: usize = 50;

/// Everything: the estate, then the case.
pub fn whole(engine: &Engine<'_>, config: &Config, appraisal: Option<&Appraisal>) -> Result<Report> {
    let disposition = table(engine, "disposition")?;
    let bands = table(engine, "usage-bands")?;
    let idle = table(engine, "idle-handsets")?;
    let mut facts = vec![
        fact("Registered extensions", disposition.rows.len(), "", "each has exactly one verdict and one action"),
        fact("Handsets nobody used", idle.rows.len(), "", "idle, unattended or diverted, on covered days only"),
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
        facts.push(fact(label, n, "", note));
    }
    facts.extend(appraisal.and_then(case_fact));
    let by_site = cross(&disposition, "site", "verdict", &VERDICTS, None);
    let by_band = cross(&bands, "use", "band", &["none", "light", "regular", "heavy", "unknown"], Some("extensions"));
    let mut sections = vec![
        charted(
            "verdicts-by-site",
            "Verdicts by site",
            "What the evidence says of every registered extension. Silence counts only on days for which the source has records.",
            by_site,
            "Extensions of each site by verdict",
            "Extensions",
        ),
        question(engine, "disposition-summary")?,
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
        Section { file: Some("usage-bands.csv".into()), rows_shown: Some(SHOWN), ..asked("usage-bands", bands)? },
        Section { file: Some("idle-handsets.csv".into()), rows_shown: Some(SHOWN), ..asked("idle-handsets", idle)? },
        Section { file: Some("disposition.csv".into()), rows_shown: Some(SHOWN), ..asked("disposition", disposition)? },
        Section {
            file: Some("unknown-extensions.csv".into()),
            rows_shown: Some(SHOWN),
            ..question(engine, "unknown-extensions")?
        },
    ];
    for name in ["platform-share", "third-parties", "cost-centre-usage", "coverage", "ingest-health"] {
        sections.push(Section { rows_shown: Some(SHOWN), ..question(engine, name)? });
    }
    sections.extend([blind_spots(engine, config)?, words()]);
    sections.extend(appraisal.map(case_sections).unwrap_or_default());
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
    let facts = case_fact(appraisal).into_iter().collect();
    let subtitle = appraisal.price_note.clone().unwrap_or_default();
    Ok(page(&appraisal.title, subtitle, engine, facts, case_sections(appraisal)))
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

/// The words of the report, once.
fn words() -> Section {
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

/// What the records cannot show, to be settled before a phone is taken away.
fn blind_spots(engine: &Engine<'_>, config: &Config) -> Result<Section> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for source in &config.sources {
        if let Some(reader) = crate::read::reader(&source.format) {
            rows.push(vec![text(&source.name), text(reader.blind_spots())]);
        }
    }
    let gaps = table(engine, "coverage")?;
    for row in gaps.rows.iter().filter(|row| row[at(&gaps, "state")] == text("gap")) {
        let [first, last, days] = ["first_day", "last_day", "days"].map(|name| &row[at(&gaps, name)]);
        let note = format!(
            "no records from {first} to {last} ({days} {})",
            if *days == Cell::Int(1) { "day" } else { "days" }
        );
        rows.push(vec![row[at(&gaps, "source")].clone(), Cell::Text(note)]);
    }
    let columns =
        vec![Column::new("source", "Source", Kind::Text), Column::new("blind_spot", "What it cannot show", Kind::Text)];
    let intro = "Ask the platform's keepers about these before a verdict is acted upon.";
    Ok(section("blind-spots", "What the records cannot show", intro, columns, rows))
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
        table: Table { caption: says.to_string(), ..table },
        ..Section::default()
    }
}

/// Rows by one column, columns by another, with the sum of a third, or the count of rows.
fn cross(table: &Table, rows: &str, columns: &str, order: &[&str], sum: Option<&str>) -> Table {
    let (row_at, column_at, sum_at) = (at(table, rows), at(table, columns), sum.map(|sum| at(table, sum)));
    let mut cells: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in &table.rows {
        let Some(column) = order.iter().position(|word| row[column_at] == text(word)) else { continue };
        let amount = match sum_at.map(|at| &row[at]) {
            Some(Cell::Int(n)) => *n,
            Some(_) => 0,
            None => 1,
        };
        let key = if row[row_at] == Cell::Empty { "(none)".to_string() } else { row[row_at].to_string() };
        cells.entry(key).or_insert_with(|| vec![0; order.len()])[column] += amount;
    }
    let mut crossed = Table::default();
    crossed.columns.push(Column::new(rows, answer::title(rows, ""), Kind::Text));
    crossed.columns.extend(order.iter().map(|word| Column::new(*word, answer::title(word, ""), Kind::Int)));
    crossed.columns.push(Column::new("total", "Total", Kind::Int));
    let line = |key: String, counts: &[i64]| -> Vec<Cell> {
        let numbers = counts.iter().copied().chain([counts.iter().sum()]).map(Cell::Int);
        [Cell::Text(key)].into_iter().chain(numbers).collect()
    };
    let sums: Vec<i64> = (0..order.len()).map(|i| cells.values().map(|counts| counts[i]).sum()).collect();
    crossed.total = Some(line("Total".into(), &sums));
    crossed.rows = cells.into_iter().map(|(key, counts)| line(key, &counts)).collect();
    crossed
}

fn case_fact(appraisal: &Appraisal) -> Option<Fact> {
    let option = appraisal.options.iter().filter(|o| o.id != appraisal.baseline).max_by_key(|o| o.npv)?;
    let baseline = appraisal.options.iter().find(|o| o.id == appraisal.baseline)?;
    let prices = appraisal.price_note.clone().unwrap_or_default();
    Some(Fact {
        label: "Net present value of the best option".into(),
        value: Cell::Pence(option.npv.0),
        unit: String::new(),
        note: format!("{}; over {} years against: {}. {prices}", option.title, appraisal.years.len(), baseline.title),
    })
}

fn case_sections(appraisal: &Appraisal) -> Vec<Section> {
    let mut sections = vec![options(appraisal), switching(appraisal), savings(appraisal)];
    sections.extend(appraisal.options.iter().flat_map(|option| [years(appraisal, option), lines(appraisal, option)]));
    sections.push(drivers(appraisal));
    if appraisal.remarks.is_empty() {
        return sections;
    }
    let remarks = appraisal.remarks.iter().map(|r| vec![Cell::Text(r.about.clone()), text(r.text)]).collect();
    let columns = vec![Column::new("about", "About", Kind::Text), Column::new("remark", "Remark", Kind::Text)];
    sections.push(section("case-remarks", "What to know of these figures", "", columns, remarks));
    sections
}

fn options(appraisal: &Appraisal) -> Section {
    let money = |name: &str, title: &str| Column::new(name, title, Kind::Pence);
    let columns = vec![
        Column::new("option", "Option", Kind::Text),
        money("capital", "Capital"),
        money("revenue", "Revenue"),
        money("total", "Total cost"),
        money("saving", "Saving against the baseline"),
        money("one_off", "One-off cost"),
        money("steady_saving", "Steady saving a year"),
        Column::new("payback", "One-off ÷ steady saving (years)", Kind::Decimal),
        Column::new("cumulative_payback", "Ahead of the baseline for good", Kind::Text),
        money("npv", "Net present value"),
        Column::new("title", "What it is", Kind::Text),
    ];
    let rows = appraisal.options.iter().map(|o| {
        vec![
            Cell::Text(o.id.clone()),
            Cell::Pence(o.capital.0),
            Cell::Pence(o.revenue.0),
            Cell::Pence(o.total.0),
            Cell::Pence(o.saving.0),
            Cell::Pence(o.one_off.0),
            Cell::Pence(o.steady_saving.0),
            o.payback_years.map_or(Cell::Empty, |years| Cell::Decimal(years.as_f64(), 1)),
            Cell::Text(match o.cumulative_payback {
                Payback::NoOutlay if o.id == appraisal.baseline => "—".to_string(),
                Payback::NoOutlay => "from the first year".to_string(),
                Payback::Within { year, .. } => format!("in {year}"),
                Payback::NotWithinHorizon => "not within the horizon".to_string(),
            }),
            Cell::Pence(o.npv.0),
            Cell::Text(o.title.clone()),
        ]
    });
    let intro = format!(
        "{} Costs by financial year, 1 April to 31 March; present values at the discount schedule from {}. One-off ÷ steady \
         saving takes the option's own outlay alone; what staying would have cost once, and is avoided, is in the savings \
         and in the net present value.",
        appraisal.price_note.clone().unwrap_or_default(),
        appraisal.base_year
    );
    section("case", "The case: options compared", &intro, columns, rows.collect())
}

/// What would have to be wrong before the choice changes, and how each option stands against every other.
fn switching(appraisal: &Appraisal) -> Section {
    let mut columns = vec![
        Column::new("option", "Option", Kind::Text),
        Column::new("one_off_may_rise_percent", "One-off costs may rise by (%)", Kind::Decimal),
        Column::new("saving_may_fall_percent", "Savings may fall by (%)", Kind::Decimal),
        Column::new("pays_back_in_life", "Pays back within the expected life", Kind::Bool),
        Column::new("one_off_avoided", "One-off cost of the baseline avoided", Kind::Pence),
    ];
    let ids = appraisal.options.iter().map(|o| &o.id);
    columns.extend(ids.map(|id| Column::new(format!("npv_against_{id}"), format!("NPV against {id}"), Kind::Pence)));
    let percent =
        |part: Option<crate::units::Millionths>| part.map_or(Cell::Empty, |p| Cell::Decimal(100.0 * p.as_f64(), 1));
    let rows = appraisal.options.iter().map(|o| {
        let mut row = vec![
            Cell::Text(o.id.clone()),
            percent(o.one_off_may_rise),
            percent(o.saving_may_fall),
            o.pays_back_in_life.map_or(Cell::Empty, Cell::Bool),
            Cell::Pence(o.one_off_avoided.0),
        ];
        let against = |id: &String| match o.npv_against.iter().find(|a| a.option == *id) {
            Some(against) => Cell::Pence(against.npv.0),
            None if *id == appraisal.baseline && o.id != *id => Cell::Pence(o.npv.0),
            None => Cell::Empty,
        };
        row.extend(appraisal.options.iter().map(|other| against(&other.id)));
        row
    });
    let intro = "By how much one-off costs may rise, or all that is saved beyond them may fall, before the net present value \
        against the baseline is nothing. Below zero: by how much they would have to fall, or rise.";
    section("switching-values", "Switching values", intro, columns, rows.collect())
}

fn savings(appraisal: &Appraisal) -> Section {
    let others: Vec<&OptionFigures> = appraisal.options.iter().filter(|o| o.id != appraisal.baseline).collect();
    let mut columns = vec![Column::new("year", "Financial year", Kind::Text)];
    columns.extend(others.iter().map(|o| Column::new(o.id.clone(), o.title.clone(), Kind::Pence)));
    let rows = appraisal.years.iter().enumerate().map(|(i, year)| {
        let cells = others.iter().map(|o| o.years.get(i).map_or(Cell::Empty, |y| Cell::Pence(y.cumulative.0)));
        [Cell::Text(year.to_string())].into_iter().chain(cells).collect()
    });
    let intro = "Savings against the baseline, added up year by year: below zero the option has cost more so far.";
    let mut section = section("cash-flow", "Cash flow", intro, columns, rows.collect());
    let plot = Plot {
        title: "Cumulative saving against the baseline".into(),
        says: "Cumulative saving of each option by financial year".into(),
        category: 0,
        series: (1..=others.len()).collect(),
        value_label: "Cumulative saving".into(),
    };
    section.chart = (!others.is_empty()).then_some(Chart::Lines(plot));
    section
}

fn years(appraisal: &Appraisal, option: &OptionFigures) -> Section {
    let mut columns = vec![Column::new("year", "Financial year", Kind::Text)];
    let money = ["Capital", "Revenue", "Total cost", "Capital saving", "Revenue saving", "Saving", "Cumulative saving"];
    columns.extend(money.map(|title| Column::new(title.to_lowercase().replace(' ', "_"), title, Kind::Pence)));
    columns.push(Column::new("factor", "Discount factor", Kind::Decimal));
    columns.push(Column::new("present_saving", "Present value of the saving", Kind::Pence));
    let rows = option.years.iter().map(|y| {
        let money = [y.capital, y.revenue, y.total, y.capital_saving, y.revenue_saving, y.saving, y.cumulative];
        let mut row = vec![Cell::Text(y.year.to_string())];
        row.extend(money.map(|m| Cell::Pence(m.0)));
        row.extend([Cell::Decimal(y.factor.as_f64(), 6), Cell::Pence(y.present_saving.0)]);
        row
    });
    let note = option.note.clone().unwrap_or_default();
    let title = format!("{}: by financial year", option.id);
    let about = if option.id == appraisal.baseline { " (the baseline)" } else { "" };
    let intro = format!("{}{about}. {note}", option.title);
    section(&format!("years-{}", option.id), &title, &intro, columns, rows.collect())
}

fn lines(appraisal: &Appraisal, option: &OptionFigures) -> Section {
    let mut columns = vec![
        Column::new("line", "Cost line", Kind::Text),
        Column::new("kind", "Kind", Kind::Text),
        Column::new("unit_cost", "Unit cost", Kind::Pence),
        Column::new("count", "Count", Kind::Int),
        Column::new("driver", "Driver", Kind::Text),
    ];
    columns.extend(appraisal.years.iter().map(|year| Column::new(year.to_string(), year.to_string(), Kind::Pence)));
    columns.push(Column::new("total", "Total", Kind::Pence));
    columns.push(Column::new("source", "Source", Kind::Text));
    let rows = option.lines.iter().map(|line| {
        let kind = if line.kind == crate::case::Kind::Capital { "capital" } else { "revenue" };
        let mut row = vec![Cell::Text(line.title.clone()), text(kind)];
        row.extend(match &line.unit {
            Some(unit) => [Cell::Pence(unit.cost.0), Cell::Int(unit.count), Cell::Text(unit.driver.clone())],
            None => [Cell::Empty, Cell::Empty, Cell::Empty],
        });
        row.extend(line.by_year.iter().map(|amount| Cell::Pence(amount.0)));
        row.extend([Cell::Pence(line.total.0), line.source.as_deref().map_or(text("unsourced"), text)]);
        row
    });
    let title = format!("{}: cost lines", option.id);
    let mut found = section(&format!("lines-{}", option.id), &title, &option.title, columns, rows.collect());
    let sums = option.years.iter().map(|year| Cell::Pence(year.total.0));
    let mut total = vec![text("Total"), Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty];
    total.extend(sums.chain([Cell::Pence(option.total.0), Cell::Empty]));
    found.table.total = Some(total);
    found
}

fn drivers(appraisal: &Appraisal) -> Section {
    let columns = vec![
        Column::new("driver", "Driver", Kind::Text),
        Column::new("meaning", "What is counted", Kind::Text),
        Column::new("count", "Count", Kind::Int),
        Column::new("counted_by", "Counted by", Kind::Text),
    ];
    let rows = appraisal.drivers.iter().map(|driver| {
        let by = driver.counted_by.clone().or_else(|| driver.source.clone()).unwrap_or_else(|| "unsourced".into());
        vec![Cell::Text(driver.id.clone()), Cell::Text(driver.title.clone()), Cell::Int(driver.count), Cell::Text(by)]
    });
    let intro = "What the unit costs are multiplied by, and where each count comes from.";
    section("drivers", "Drivers", intro, columns, rows.collect())
}

fn section(id: &str, title: &str, intro: &str, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Section {
    let table = Table { caption: title.to_string(), columns, rows, total: None };
    Section { id: id.into(), title: title.into(), intro: intro.trim().into(), table, ..Section::default() }
}

fn fact(label: &str, count: usize, unit: &str, note: &str) -> Fact {
    Fact { label: label.into(), value: Cell::Int(count as i64), unit: unit.into(), note: note.into() }
}

fn text(word: &str) -> Cell {
    Cell::Text(word.to_string())
}

fn at(table: &Table, column: &str) -> usize {
    table.columns.iter().position(|c| c.name == column).unwrap_or_default()
}
