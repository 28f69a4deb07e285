//! The sections of the report about the case: the figures as `case` worked them out, in tables; what may go wrong with
//! them is in `case/risks`. No sums here.

mod risks;

use super::{section, shown, text};
use crate::case::{Appraisal, Kind as Money, OptionFigures, Payback};
use crate::render::{Cell, Chart, Column, Fact, Kind, Part, Plot, Section};
use crate::units::Millionths;

/// The headline figures of the best option, by the names they have in the workbook and in run.json.
pub fn facts(appraisal: &Appraisal) -> Vec<Fact> {
    let Some(best) = best(appraisal) else { return Vec::new() };
    let prices = appraisal.price_note.clone().unwrap_or_default();
    let baseline = appraisal.options.iter().find(|o| o.id == appraisal.baseline);
    let against = baseline.map_or("", |baseline| baseline.title.as_str());
    let fact = |figure: &str, label: &str, value: Cell, unit: &str, note: String| Fact {
        id: format!("{figure}.{}", best.id),
        label: label.into(),
        value,
        unit: unit.into(),
        note,
    };
    let mut facts = vec![
        fact(
            "npv",
            "Net present value of the best option",
            Cell::Pence(best.npv.0),
            "",
            format!("{}; over {} years against: {against}. {prices}", best.title, appraisal.years.len()),
        ),
        fact("one_off", "One-off cost", Cell::Pence(best.one_off.0), "", "its own outlay, optimism bias in it".into()),
        fact(
            "steady_saving",
            "Steady saving a year",
            Cell::Pence(best.steady_saving.0),
            "",
            format!("running cost in {} against the baseline", appraisal.steady_year),
        ),
    ];
    if let Some(ratio) = best.benefit_cost_ratio {
        let note = "what is saved beyond one-off costs, over one-off costs; no test to pass by itself".to_string();
        facts.push(fact("bcr", "Benefit-cost ratio", Cell::Decimal(ratio.as_f64(), 6), "", note));
    }
    if let Some(years) = best.payback_years {
        let life = match (best.pays_back_in_life, appraisal.life_years) {
            (Some(true), Some(life)) => format!("within the expected life of {life} years"),
            (Some(false), Some(life)) => format!("longer than the expected life of {life} years"),
            _ => String::new(),
        };
        facts.push(fact("payback", "Payback", Cell::Decimal(years.as_f64(), 6), "years", life));
    }
    facts
}

/// The option with the highest net present value but for the baseline.
fn best(appraisal: &Appraisal) -> Option<&OptionFigures> {
    appraisal.options.iter().filter(|o| o.id != appraisal.baseline).max_by_key(|o| o.npv)
}

pub fn sections(appraisal: &Appraisal) -> Vec<Section> {
    let mut sections = vec![
        on(Part::Options, options(appraisal)),
        on(Part::Options, benefits(appraisal)),
        on(Part::Options, drivers(appraisal)),
        on(Part::Options, assumptions(appraisal)),
        on(Part::Money, savings(appraisal)),
        on(Part::Money, costs(appraisal)),
        on(Part::Money, budget(appraisal)),
    ];
    for option in &appraisal.options {
        sections.push(on(Part::Money, years(appraisal, option)));
        sections.push(on(Part::Money, lines(appraisal, option)));
    }
    sections.extend(risks::sections(appraisal, best(appraisal)).into_iter().map(|section| on(Part::Risks, section)));
    sections.retain(|section| !section.table.rows.is_empty());
    sections
}

fn on(part: Part, section: Section) -> Section {
    Section { part, ..section }
}

fn money(name: &str, title: &str) -> Column {
    Column::new(name, title, Kind::Pence)
}

fn words(name: &str, title: &str) -> Column {
    Column::new(name, title, Kind::Text)
}

/// A quotient as a percentage.
fn percent(part: Option<Millionths>) -> Cell {
    part.map_or(Cell::Empty, |part| Cell::Decimal(100.0 * part.as_f64(), 1))
}

fn options(appraisal: &Appraisal) -> Section {
    let columns = vec![
        words("option", "Option"),
        money("npv", "Net present value"),
        Column::new("bcr", "Benefit-cost ratio", Kind::Decimal),
        money("capital", "Capital"),
        money("revenue", "Revenue"),
        money("total", "Total cost"),
        money("saving", "Saving against the baseline"),
        money("one_off", "One-off cost"),
        money("steady_saving", "Steady saving a year"),
        Column::new("payback", "One-off ÷ steady saving (years)", Kind::Decimal),
        words("cumulative_payback", "Ahead of the baseline for good"),
        Column::new("irr_percent", "Internal rate of return (%)", Kind::Decimal),
        money("eac", "Equivalent annual cost"),
        words("title", "What it is"),
    ];
    let rows = appraisal.options.iter().map(|o| {
        vec![
            Cell::Text(o.id.clone()),
            Cell::Pence(o.npv.0),
            o.benefit_cost_ratio.map_or(Cell::Empty, |ratio| Cell::Decimal(ratio.as_f64(), 2)),
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
            percent(o.internal_rate_of_return),
            Cell::Pence(o.equivalent_annual_cost.0),
            Cell::Text(o.title.clone()),
        ]
    });
    let intro = format!(
        "{} Costs by financial year, 1 April to 31 March; present values in {} at the rates of {}. One-off ÷ steady saving \
         takes the option's own outlay alone; what staying would have cost once, and is avoided, is in the savings and in \
         the net present value. The benefit-cost ratio holds what is saved beyond one-off costs above the line, and \
         one-off costs below it; the internal rate of return is given only where money is paid first and more of it comes \
         back later. Neither is a test to pass.",
        appraisal.price_note.clone().unwrap_or_default(),
        appraisal.base_year,
        appraisal.discount_edition,
    );
    let section = section("case", "The case: options compared", &intro, columns, rows.collect());
    const SHOWN: [&str; 10] = [
        "option",
        "npv",
        "bcr",
        "capital",
        "revenue",
        "total",
        "one_off",
        "steady_saving",
        "payback",
        "cumulative_payback",
    ];
    Section { columns_shown: shown(&SHOWN), ..section }
}

fn benefits(appraisal: &Appraisal) -> Section {
    let columns = vec![
        words("option", "Option"),
        words("benefit", "Benefit"),
        words("class", "Class"),
        money("total", "In money, all years"),
        words("owner", "Owner"),
        words("measure", "How it is measured"),
    ];
    let rows = appraisal.options.iter().flat_map(|o| o.benefits.iter().map(move |benefit| (o, benefit)));
    let rows = rows.map(|(o, benefit)| {
        vec![
            Cell::Text(o.id.clone()),
            Cell::Text(benefit.title.clone()),
            text(benefit.class.words()),
            benefit.total.map_or(Cell::Empty, |total| Cell::Pence(total.0)),
            benefit.owner.as_deref().map_or(text("nobody"), text),
            benefit.measure.as_deref().map_or(Cell::Empty, text),
        ]
    });
    let intro = "Only cash-releasing benefits are in the financial case. The others with a price are in the net present value; \
        those without are for the reader to weigh.";
    section("benefits", "Benefits and who answers for them", intro, columns, rows.collect())
}

fn drivers(appraisal: &Appraisal) -> Section {
    let columns = vec![
        words("driver", "Driver"),
        words("meaning", "What is counted"),
        Column::new("count", "Count", Kind::Int),
        words("counted_by", "Counted by"),
    ];
    let rows = appraisal.drivers.iter().map(|driver| {
        let by = driver.counted_by.clone().unwrap_or_else(|| "unsourced".into());
        vec![Cell::Text(driver.id.clone()), Cell::Text(driver.title.clone()), Cell::Int(driver.count), Cell::Text(by)]
    });
    let intro = "What prices are multiplied by, and where each count comes from.";
    section("drivers", "Drivers", intro, columns, rows.collect())
}

fn assumptions(appraisal: &Appraisal) -> Section {
    let columns = vec![
        words("id", "Assumption"),
        words("title", "What it is"),
        words("value", "Value"),
        words("low", "Low"),
        words("high", "High"),
        words("unit", "Unit"),
        words("price_base", "Price base"),
        words("source", "Source"),
        words("owner", "Owner"),
        words("date", "Date"),
        words("confidence", "Confidence"),
    ];
    let optional = |words: &Option<String>| words.as_deref().map_or(Cell::Empty, text);
    let rows = appraisal.assumptions.iter().map(|input| {
        let range = input.range.map(|(low, high)| (input.printed(low), input.printed(high)));
        let (low, high) = range.unzip();
        vec![
            Cell::Text(input.id.clone()),
            Cell::Text(input.title.clone()),
            Cell::Text(input.printed(input.value)),
            optional(&low),
            optional(&high),
            Cell::Text(input.unit.clone()),
            input.price_base.map_or(Cell::Empty, |year| Cell::Text(year.to_string())),
            input.source.as_deref().filter(|source| !source.is_empty()).map_or(text("unsourced"), text),
            optional(&input.owner),
            optional(&input.date),
            optional(&input.confidence),
        ]
    });
    let intro = "Every input of the case. In the workbook a value that is changed changes every figure.";
    let section = section("assumptions", "Assumptions", intro, columns, rows.collect());
    Section {
        columns_shown: shown(&["title", "value", "low", "high", "unit", "source", "owner", "confidence"]),
        ..section
    }
}

fn by_year(
    appraisal: &Appraisal,
    options: &[&OptionFigures],
    of: impl Fn(&OptionFigures, usize) -> i64,
) -> (Vec<Column>, Vec<Vec<Cell>>) {
    let mut columns = vec![words("year", "Financial year")];
    columns.extend(options.iter().map(|o| money(&o.id, &o.id)));
    let rows = appraisal.years.iter().enumerate().map(|(y, year)| {
        let cells = options.iter().map(|o| Cell::Pence(of(o, y)));
        [Cell::Text(year.to_string())].into_iter().chain(cells).collect()
    });
    (columns, rows.collect())
}

fn savings(appraisal: &Appraisal) -> Section {
    let others: Vec<&OptionFigures> = appraisal.options.iter().filter(|o| o.id != appraisal.baseline).collect();
    let (columns, rows) = by_year(appraisal, &others, |o, y| o.years[y].cumulative.0);
    let intro = "Savings against the baseline, added up year by year: below zero the option has cost more so far.";
    let mut section = section("cumulative-saving", "When the saving comes", intro, columns, rows);
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

fn costs(appraisal: &Appraisal) -> Section {
    let all: Vec<&OptionFigures> = appraisal.options.iter().collect();
    let (columns, rows) = by_year(appraisal, &all, |o, y| o.years[y].total.0);
    let intro =
        format!("What each option costs in prices of {}, optimism bias in it, without VAT.", appraisal.price_base);
    let mut section = section("cash-flow", "Cost by year", &intro, columns, rows);
    let plot = Plot {
        title: "Cost by financial year".into(),
        says: "Cost of each option in each financial year".into(),
        category: 0,
        series: (1..=all.len()).collect(),
        value_label: "Cost in the year".into(),
    };
    section.chart = Some(Chart::Lines(plot));
    section
}

/// The financial case: capital and revenue apart, in the money of each year.
fn budget(appraisal: &Appraisal) -> Section {
    let mut columns = vec![words("option", "Option"), words("budget", "Budget")];
    columns.extend(appraisal.years.iter().map(|year| money(&year.to_string(), &year.to_string())));
    columns.push(money("total", "Total"));
    let rows = appraisal.options.iter().flat_map(|o| {
        let row = |name: &str, of: fn(&crate::case::YearFigures) -> i64, total: i64| {
            let mut row = vec![Cell::Text(o.id.clone()), text(name)];
            row.extend(o.years.iter().map(|year| Cell::Pence(of(year))));
            row.push(Cell::Pence(total));
            row
        };
        [row("capital (CDEL)", |year| year.cdel.0, o.cdel.0), row("revenue (RDEL)", |year| year.rdel.0, o.rdel.0)]
    });
    let intro = "The financial case: cash in the money of each year, with the VAT that does not come back; no optimism bias, and \
        of the benefits only those that release cash.";
    section("budget", "Budget by financial year", intro, columns, rows.collect())
}

fn years(appraisal: &Appraisal, option: &OptionFigures) -> Section {
    let mut columns = vec![words("year", "Financial year")];
    let titles =
        ["Capital", "Revenue", "Total cost", "Capital saving", "Revenue saving", "Saving", "Cumulative saving"];
    columns.extend(titles.map(|title| money(&title.to_lowercase().replace(' ', "_"), title)));
    columns.push(Column::new("factor", "Discount factor", Kind::Decimal));
    columns.push(money("present_saving", "Present value of the saving"));
    let rows = option.years.iter().map(|y| {
        let amounts = [y.capital, y.revenue, y.total, y.capital_saving, y.revenue_saving, y.saving, y.cumulative];
        let mut row = vec![Cell::Text(y.year.to_string())];
        row.extend(amounts.map(|m| Cell::Pence(m.0)));
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
    let mut columns = vec![words("line", "Cost line"), words("kind", "Kind"), words("how", "How it is worked out")];
    columns.extend(appraisal.years.iter().map(|year| money(&year.to_string(), &year.to_string())));
    columns.push(money("total", "Total"));
    columns.push(words("source", "Source"));
    let rows = option.lines.iter().map(|line| {
        let kind = if line.kind == Money::Capital { "capital" } else { "revenue" };
        let mut row = vec![Cell::Text(line.title.clone()), text(kind), Cell::Text(line.how.clone())];
        row.extend(line.by_year.iter().map(|amount| Cell::Pence(amount.0)));
        row.extend([Cell::Pence(line.total.0), line.source.as_deref().map_or(text("unsourced"), text)]);
        row
    });
    let title = format!("{}: cost lines", option.id);
    let mut found = section(&format!("lines-{}", option.id), &title, &option.title, columns, rows.collect());
    let sums = option.years.iter().map(|year| Cell::Pence(year.total.0));
    let mut total = vec![text("Total"), Cell::Empty, Cell::Empty];
    total.extend(sums.chain([Cell::Pence(option.total.0), Cell::Empty]));
    found.table.total = Some(total);
    // How each is worked out and its source are in the workbook; paper has no room for them beside the years.
    found.columns_shown = shown(&["line", "kind"]);
    found.columns_shown.extend(appraisal.years.iter().map(ToString::to_string));
    found.columns_shown.push("total".into());
    found
}
