//! The sections of the report about the case: the figures as `case` worked them out, in tables. No sums here.

use super::{section, text};
use crate::case::{Appraisal, OptionFigures, Payback, Range, Unused};
use crate::render::{Cell, Chart, Column, Fact, Kind, Part, Plot, Section};

pub fn fact(appraisal: &Appraisal) -> Option<Fact> {
    let option = appraisal.options.iter().filter(|o| o.id != appraisal.baseline).max_by_key(|o| o.npv)?;
    let baseline = appraisal.options.iter().find(|o| o.id == appraisal.baseline)?;
    let prices = appraisal.price_note.clone().unwrap_or_default();
    Some(Fact {
        id: format!("npv.{}", option.id),
        label: "Net present value of the best option".into(),
        value: Cell::Pence(option.npv.0),
        unit: String::new(),
        note: format!("{}; over {} years against: {}. {prices}", option.title, appraisal.years.len(), baseline.title),
    })
}

pub fn sections(appraisal: &Appraisal) -> Vec<Section> {
    let on = |part: Part, section: Section| Section { part, ..section };
    let mut sections = vec![on(Part::Options, options(appraisal)), on(Part::Money, savings(appraisal))];
    for option in &appraisal.options {
        sections.extend([on(Part::Options, lines(appraisal, option)), on(Part::Money, years(appraisal, option))]);
    }
    sections.extend([on(Part::Options, drivers(appraisal)), on(Part::Risks, switching(appraisal))]);
    sections.extend(appraisal.range.as_ref().map(|range| on(Part::Risks, over_the_range(range))));
    if appraisal.remarks.is_empty() {
        return sections;
    }
    let remarks = appraisal.remarks.iter().map(|r| vec![Cell::Text(r.about.clone()), text(r.text)]).collect();
    let columns = vec![Column::new("about", "About", Kind::Text), Column::new("remark", "Remark", Kind::Text)];
    sections.push(on(Part::Risks, section("case-remarks", "What to know of these figures", "", columns, remarks)));
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

/// What the case comes to if some of the silent phones are used now and then.
fn over_the_range(range: &Range) -> Section {
    let money = |name: &str, title: &str| Column::new(name, title, Kind::Pence);
    let columns = vec![
        Column::new("option", "Option", Kind::Text),
        money("npv_low", "Net present value, at least"),
        money("npv_expected", "As estimated"),
        money("npv", "As counted"),
        money("steady_saving_low", "Steady saving a year, at least"),
        money("steady_saving_expected", "As estimated"),
        money("steady_saving", "As counted"),
    ];
    let rows = range.options.iter().map(|o| {
        let money = [o.npv_low, o.npv_expected, o.npv, o.steady_saving_low, o.steady_saving_expected, o.steady_saving];
        [Cell::Text(o.option.clone())].into_iter().chain(money.map(|pence| Cell::Pence(pence.0))).collect()
    });
    let Unused { silent, low, expected } = range.unused;
    let intro = format!(
        "Of {} silent handsets {} are unused as estimated, and {} at least (95 % interval; onhook query idle-interval). The case \
         counts all of them; here the others stay for review.",
        Cell::Int(silent),
        Cell::Int(expected),
        Cell::Int(low)
    );
    section("case-range", "The case as a range", &intro, columns, rows.collect())
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
