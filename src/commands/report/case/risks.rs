//! The sections about what may go wrong with the case: switching values, tornado, scenarios, chance, optimism bias,
//! commitments, and what a reviewer would say.

use super::super::{section, text};
use super::{money, percent, words};
use crate::case::{Appraisal, OptionFigures, Severity, Simulation};
use crate::render::{Cell, Chart, Column, Kind, Plot, Range, Section, Swings};

pub fn sections(appraisal: &Appraisal, best: Option<&OptionFigures>) -> Vec<Section> {
    let mut sections = vec![switching(appraisal)];
    if let (Some(sensitivity), Some(best)) = (&appraisal.sensitivity, best) {
        sections.push(tornado(appraisal, best));
        let mut columns = vec![words("scenario", "Scenario"), words("set", "What is set")];
        columns.extend(appraisal.options.iter().map(|o| money(&o.id, &format!("NPV of {}", o.id))));
        let rows = sensitivity.scenarios.iter().map(|scenario| {
            let mut row = vec![Cell::Text(scenario.title.clone()), Cell::Text(scenario.set.join("; "))];
            row.extend(scenario.npv.iter().map(|npv| Cell::Pence(npv.0)));
            row
        });
        let intro = "Several assumptions at once, everything else as it is: net present value of each option.";
        sections.push(section("scenarios", "Scenarios", intro, columns, rows.collect()));
    }
    if let (Some(simulation), Some(best)) = (&appraisal.simulation, best) {
        sections.push(chance(simulation));
        sections.extend(fan(simulation, &best.id));
    }
    sections.extend([biases(appraisal), commitments(appraisal), findings(appraisal)]);
    sections
}

/// What would have to be wrong before the choice changes, and how each option stands against every other.
fn switching(appraisal: &Appraisal) -> Section {
    let mut columns = vec![
        words("option", "Option"),
        Column::new("one_off_may_rise_percent", "One-off costs may rise by (%)", Kind::Decimal),
        Column::new("saving_may_fall_percent", "Savings may fall by (%)", Kind::Decimal),
        Column::new("pays_back_in_life", "Pays back within the expected life", Kind::Bool),
        money("one_off_avoided", "One-off cost of the baseline avoided"),
    ];
    let ids = appraisal.options.iter().map(|o| &o.id);
    columns.extend(ids.map(|id| money(&format!("npv_against_{id}"), &format!("NPV against {id}"))));
    let rows = appraisal.options.iter().map(|o| {
        let mut row = vec![
            Cell::Text(o.id.clone()),
            percent(o.one_off_may_rise),
            percent(o.saving_may_fall),
            o.pays_back_in_life.map_or(Cell::Empty, Cell::Bool),
            Cell::Pence(o.one_off_avoided.0),
        ];
        let against = |id: &String| {
            let found = o.npv_against.iter().find(|against| against.option == *id);
            found.map_or(Cell::Empty, |against| Cell::Pence(against.npv.0))
        };
        row.extend(appraisal.options.iter().map(|other| against(&other.id)));
        row
    });
    let intro = "By how much one-off costs may rise, or all that is saved beyond them may fall, before the net present value \
        against the baseline is nothing. Below zero: by how much they would have to fall, or rise.";
    section("switching-values", "Switching values", intro, columns, rows.collect())
}

/// One input at a time over its range, for the best option.
fn tornado(appraisal: &Appraisal, best: &OptionFigures) -> Section {
    const DRAWN: usize = 12;
    let columns = vec![
        words("assumption", "Assumption"),
        words("low", "Low"),
        words("value", "Value"),
        words("high", "High"),
        money("npv_low", "NPV at low"),
        money("npv", "NPV as it is"),
        money("npv_high", "NPV at high"),
        words("switches_at", "NPV is nothing at"),
    ];
    let swings = appraisal.sensitivity.iter().flat_map(|sensitivity| &sensitivity.swings);
    let of_best = swings.filter_map(|swing| Some((swing, swing.options.iter().find(|o| o.option == best.id)?)));
    let mut found: Vec<_> = of_best.filter(|(_, option)| option.width() > 0).collect();
    found.sort_by_key(|(_, option)| std::cmp::Reverse(option.width()));
    let rows: Vec<Vec<Cell>> = found
        .into_iter()
        .map(|(swing, option)| {
            vec![
                Cell::Text(swing.title.clone()),
                Cell::Text(swing.low.clone()),
                Cell::Text(swing.value.clone()),
                Cell::Text(swing.high.clone()),
                Cell::Pence(option.npv_low.0),
                Cell::Pence(best.npv.0),
                Cell::Pence(option.npv_high.0),
                option.switches_at.as_deref().map_or(text("no value"), text),
            ]
        })
        .collect();
    let intro = format!(
        "The net present value of {} with one assumption at its low or high end and everything else as it is, the widest \
         first; and the value at which it would be nothing.",
        best.id
    );
    let chart = Chart::Tornado(Swings {
        title: format!("What moves the net present value of {}", best.id),
        says: "Net present value at the low and high end of each assumption, the widest first".into(),
        category: 0,
        low: 4,
        high: 6,
        base: 5,
        ends: Some((1, 3)),
        value_label: "Net present value".into(),
    });
    let mut section = section("sensitivity", "Sensitivity", &intro, columns, rows);
    section.chart = (!section.table.rows.is_empty()).then_some(chart);
    section.rows_shown = Some(DRAWN.max(section.table.rows.len().min(40)));
    section
}

/// How the net present value spreads by chance.
fn chance(simulation: &Simulation) -> Section {
    let columns = vec![
        words("option", "Option"),
        money("p10", "P10"),
        money("p50", "P50"),
        money("p80", "P80"),
        money("p90", "P90"),
        money("mean", "Mean"),
        Column::new("above_zero_percent", "Above zero in (% of draws)", Kind::Decimal),
    ];
    let rows = simulation.options.iter().map(|spread| {
        let mut row = vec![Cell::Text(spread.option.clone())];
        row.extend([spread.p10, spread.p50, spread.p80, spread.p90, spread.mean].map(|pence| Cell::Pence(pence.0)));
        row.push(Cell::Decimal(100.0 * spread.above_zero.as_f64(), 1));
        row
    });
    let intro = format!(
        "All assumptions with a range drawn at once, {} times, seed {}, independently of each other; estimates, to the whole \
         pound. P10 is the value that one draw in ten falls below. The part of the silent phones that are really unused is \
         among what is drawn.",
        Cell::Int(simulation.draws.into()),
        simulation.seed
    );
    let note = format!("Drawn: {}.", simulation.drawn.join("; "));
    Section { note, ..section("simulation", "The case by chance", &intro, columns, rows.collect()) }
}

/// The cumulative present value of the best option, year by year.
fn fan(simulation: &Simulation, best: &str) -> Option<Section> {
    let spread = simulation.options.iter().find(|spread| spread.option == best)?;
    let columns = vec![words("year", "Financial year"), money("p10", "P10"), money("p50", "P50"), money("p90", "P90")];
    let rows = spread.fan.iter().map(|fan| {
        let mut row = vec![Cell::Text(fan.year.to_string())];
        row.extend([fan.p10, fan.p50, fan.p90].map(|pence| Cell::Pence(pence.0)));
        row
    });
    let intro = format!(
        "The present value of what {best} has saved by the end of each year, in eight draws of ten between P10 and P90."
    );
    let plot = Plot {
        title: format!("Cumulative net present value of {best}"),
        says: "Cumulative net present value by year: the median, and the range of eight draws in ten".into(),
        category: 0,
        series: vec![2],
        value_label: "Cumulative net present value".into(),
    };
    let range = Range { name: "P10 to P90".into(), low: 1, high: 3 };
    let mut section = section("fan", "How sure the saving is, year by year", &intro, columns, rows.collect());
    section.chart = Some(Chart::Fan(plot, vec![range]));
    Some(section)
}

fn biases(appraisal: &Appraisal) -> Section {
    let columns = ["Bias", "Class", "Uplift", "Mitigated", "Reason", "Author", "Source"];
    let columns = columns.map(|title| words(&title.to_lowercase(), title)).to_vec();
    let optional = |words: &Option<String>| words.as_deref().map_or(Cell::Empty, text);
    let rows = appraisal.biases.iter().map(|bias| {
        vec![
            Cell::Text(bias.id.clone()),
            Cell::Text(bias.class.replace('_', " ")),
            Cell::Text(bias.uplift.clone()),
            optional(&bias.mitigation),
            optional(&bias.reason),
            optional(&bias.author),
            optional(&bias.source),
        ]
    });
    let intro = "Costs tend to be hoped too low. Cost × uplift × (1 − what is mitigated) is a line of its own beside each cost it is \
        on; it is no contingency and not in the budget.";
    section("optimism-bias", "Optimism bias", intro, columns, rows.collect())
}

fn commitments(appraisal: &Appraisal) -> Section {
    let columns = vec![
        words("commitment", "Commitment"),
        money("ceiling", "At most"),
        Column::new("years", "Years", Kind::Int),
        money("a_year", "A year"),
        words("source", "Source"),
    ];
    let rows = appraisal.commitments.iter().map(|one| {
        vec![
            Cell::Text(one.title.clone()),
            Cell::Pence(one.ceiling.0),
            Cell::Int(one.years),
            Cell::Pence(one.a_year.0),
            one.source.as_deref().map_or(text("unsourced"), text),
        ]
    });
    section(
        "commitments",
        "Commitments",
        "Ceilings agreed with somebody; not added to the figures.",
        columns,
        rows.collect(),
    )
}

fn findings(appraisal: &Appraisal) -> Section {
    let columns = ["Severity", "Finding", "What to do", "Where"];
    let columns = columns.map(|title| words(&title.to_lowercase().replace(' ', "_"), title)).to_vec();
    let rows = appraisal.findings.iter().map(|finding| {
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        vec![text(severity), Cell::Text(finding.text.clone()), text(finding.hint), Cell::Text(finding.place.clone())]
    });
    let intro = "What a reviewer would write down: with an error the figures must not be quoted, a warning is for whoever quotes \
        them to know.";
    section("case-findings", "What a reviewer would say", intro, columns, rows.collect())
}
