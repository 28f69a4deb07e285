//! A case put together: inputs and evidence laid out, volumes, costs and appraisal built on them, everything worked out
//! once, exactly.

use rust_decimal::Decimal;

use super::appraise::{self, Appraised, Years};
use super::costs::{self, Costs};
use super::formula::{Formula, Gap, Id};
use super::grid::{Graph, Model, Place, Unit, Values, Words};
use super::volumes;
use super::{CaseFile, Count, Evidence, Measure};
use crate::error::{Error, Result};
use crate::units::FinancialYear;

/// A case and all its figures.
#[derive(Debug, Clone)]
pub struct Case {
    pub file: CaseFile,
    pub evidence: Evidence,
    pub model: Model,
    pub values: Values<Decimal>,
    pub(super) years: Years,
    pub(super) drivers: Vec<Id>,
    pub(super) costs: Vec<Costs>,
    pub(super) appraised: Vec<Appraised>,
}

impl Case {
    /// Builds the model on what the queries answered and works it out.
    pub fn new(mut file: CaseFile, evidence: Evidence) -> Result<Self> {
        if let Some(unused) = evidence.unused.filter(|unused| unused.silent > 0) {
            let part = |n: i64| (Decimal::from(n) / Decimal::from(unused.silent)).round_dp(6);
            let share = &mut file.book[file.unused_share];
            share.range = Some((part(unused.low), Decimal::ONE)).filter(|(low, high)| low < high);
            share.title = format!(
                "Silent phones that are really unused (of {} counted, {} expected, {} at least)",
                unused.silent, unused.expected, unused.low
            );
        }
        if let Some(low_use) = evidence.low_use.filter(|low_use| low_use.counted > 0) {
            let certain = (Decimal::from(low_use.certain) / Decimal::from(low_use.counted)).round_dp(6);
            let share = &mut file.book[file.low_use_share];
            share.range = Some((certain, Decimal::ONE)).filter(|(low, high)| low < high);
            share.title = format!(
                "Phones of low use whose true use is low (of {} counted, {} with 95 % certainty)",
                low_use.counted, low_use.certain
            );
        }
        let mut model = Model::default();
        let summary = model.sheet("Summary", (0, 1), &[46]);
        let assumptions = model.sheet("Assumptions", (4, 1), &[30, 44, 16, 22, 14, 14, 12, 18, 60, 22, 14, 12]);
        let volumes_sheet = model.sheet("Volumes", (0, 1), &[22, 44, 12, 18, 18, 12, 50]);
        let options: Vec<usize> = (0..file.options.len())
            .map(|at| {
                let name = sheet_name(&model, &file.options[at].id);
                let mut widths = vec![52, 18, 60];
                // The years, their total, and where it all comes from.
                widths.extend(vec![15; usize::from(file.horizon_years) + 1]);
                widths.push(70);
                model.sheet(&name, (4, 1), &widths)
            })
            .collect();
        let appraisal = model.sheet("Appraisal", (4, 1), &[46]);
        let inputs = inputs(&mut model, assumptions, &file);
        tables(&mut model, &file, &evidence);
        let mut volumes = volumes::lay(&mut model, volumes_sheet, &file, &inputs, &evidence)?;
        let years = appraise::years(&mut model, appraisal, &file, &inputs);
        let costs: Vec<Costs> = options
            .iter()
            .enumerate()
            .map(|(at, sheet)| costs::lay(&mut model, *sheet, at, &mut volumes, &years.levels))
            .collect();
        let drivers = volumes.drivers.clone();
        let appraised = appraise::lay(&mut model, appraisal, &file, &drivers, &years, &costs);
        for (driver, id) in file.drivers.iter().zip(&drivers) {
            model.figure(format!("count.{}", driver.id), *id);
        }
        let mut case = Self { file, evidence, model, values: Vec::new(), years, drivers, costs, appraised };
        case.summary(summary);
        case.values = case.model.values(&case.inputs());
        case.check()?;
        Ok(case)
    }

    /// The values of the inputs as the book has them.
    pub fn inputs(&self) -> Vec<Decimal> {
        self.file.book.iter().map(|input| input.value).collect()
    }

    /// A cell's value; none where there is no such figure.
    pub fn value(&self, id: Id) -> Option<Decimal> {
        self.values.get(id.0 as usize).and_then(|value| value.ok())
    }

    /// The headline figures on one sheet, each a reference to where it is worked out.
    fn summary(&mut self, sheet: usize) {
        let model = &mut self.model;
        model.write(sheet, 0, 0, Words::Title(self.file.title.clone()));
        if let Some(note) = &self.file.price_note {
            model.write(sheet, 1, 0, Words::Note(note.clone()));
        }
        let mut heads = vec!["Headline figures"];
        heads.extend(self.file.options.iter().map(|option| option.id.as_str()));
        model.heads(sheet, 3, &heads);
        type Of = fn(&Appraised) -> Id;
        let rows: [(&str, Of); 12] = [
            ("Net present value against the baseline", |a| a.npv),
            ("Benefit-cost ratio", |a| a.bcr),
            ("One-off cost", |a| a.one_off),
            ("Steady saving a year", |a| a.steady_saving),
            ("Payback: one-off ÷ steady saving (years)", |a| a.payback),
            ("Ahead of the baseline for good (years)", |a| a.cumulative_payback),
            ("Internal rate of return", |a| a.irr),
            ("Equivalent annual cost", |a| a.eac),
            ("Capital", |a| a.capital),
            ("Revenue", |a| a.revenue),
            ("Total cost", |a| a.total),
            ("Saving against the baseline", |a| a.total_saving),
        ];
        for (row, (title, of)) in (4..).zip(rows) {
            model.write(sheet, row, 0, Words::Label(title.into()));
            for (column, appraised) in (1..).zip(&self.appraised) {
                let id = of(appraised);
                let (unit, label) = (model.cell(id).unit, model.cell(id).label.clone());
                model.put((sheet, row, column), unit, label, Formula::Cell(id));
            }
        }
        // The years stand in the appraisal's first row of heads.
        let Some(first) = self.years.factors.first().map(|id| model.cell(*id).place) else { return };
        let head = Place { row: 3, ..first };
        let ids: Vec<String> = self.file.options.iter().map(|option| option.id.clone()).collect();
        let below = 4 + rows.len() as u32 + 2;
        let series = |of: &dyn Fn(usize) -> Vec<Id>| ids.iter().cloned().zip((0..ids.len()).map(of)).collect();
        let graph = |title: &str, row, is_bars, rows| Graph {
            title: title.into(),
            place: Place { sheet, row, column: 0 },
            head,
            is_bars,
            rows,
        };
        let cumulative = series(&|at| self.appraised[at].cumulative.clone());
        let costs = series(&|at| self.costs[at].total.clone());
        model.graphs.push(graph("Cumulative saving against the baseline", below, false, cumulative));
        model.graphs.push(graph("Cost by financial year", below + 21, true, costs));
    }

    /// What has no value and should have one: a count below zero, an amount too large to hold.
    fn check(&self) -> Result<()> {
        let error = |place: String, what: String, hint: &str| Error::Case { place, what, hint: hint.into() };
        for (driver, id) in self.file.drivers.iter().zip(&self.drivers) {
            let count = self.value(*id).unwrap_or_default();
            if count < Decimal::ZERO || (count.fract() != Decimal::ZERO && !matches!(driver.count, Count::Given(_))) {
                let what = format!("driver {}: its count is {count}", driver.id);
                return Err(error(
                    driver.place.clone(),
                    what,
                    "a count is never below zero: look at what it subtracts",
                ));
            }
        }
        // Fifteen digits are what every spreadsheet holds to the penny.
        let most = Decimal::from(10_i64.pow(13));
        let is_large = |value: &std::result::Result<Decimal, Gap>| match value {
            Ok(value) => value.abs() >= most,
            Err(gap) => *gap == Gap::TooLarge,
        };
        let money = self.model.cells.iter().zip(&self.values).filter(|(cell, _)| cell.unit == Unit::Money);
        if let Some((cell, _)) = money.into_iter().find(|(_, value)| is_large(value)) {
            let what = format!("{}: an amount of ten million million pounds or more", cell.label);
            return Err(error(self.file.place.clone(), what, "look for one with too many digits in the book"));
        }
        Ok(())
    }
}

/// A name for the sheet of an option that no other sheet has.
fn sheet_name(model: &Model, id: &str) -> String {
    let clean: String = id.chars().map(|c| if "[]:*?/\\'".contains(c) { '-' } else { c }).take(22).collect();
    let mut name = format!("Option {clean}");
    let mut number = 2;
    while model.sheets.iter().any(|sheet| sheet.name.eq_ignore_ascii_case(&name)) {
        name = format!("Option {} {number}", clean.chars().take(18).collect::<String>());
        number += 1;
    }
    name
}

/// The sheet Assumptions: a row for each input. Gives the cells that formulas refer to: sums of money in the prices of the
/// case, everything else as it is.
fn inputs(model: &mut Model, sheet: usize, file: &CaseFile) -> Vec<Id> {
    model.write(sheet, 0, 0, Words::Title("Assumptions".into()));
    let note = "Every input of the case. Change a value here and every figure follows, but for the sheet Sensitivity.";
    model.write(sheet, 1, 0, Words::Note(note.into()));
    let in_prices = format!("In prices of {}", file.price_base);
    let heads = [
        "Id",
        "What it is",
        "Value",
        "Unit",
        "Low",
        "High",
        "Price base",
        &in_prices,
        "Source",
        "Owner",
        "Date",
        "Confidence",
    ];
    model.heads(sheet, 3, &heads);
    let unit = |measure: Measure| match measure {
        Measure::Money => Unit::Money,
        Measure::Part => Unit::Percent,
        Measure::Number => Unit::Plain,
    };
    let mut values = Vec::with_capacity(file.book.len());
    for (row, (at, input)) in (4..).zip(file.book.iter().enumerate()) {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let words = [
            (0, input.id.clone()),
            (1, input.title.clone()),
            (3, input.unit.clone()),
            (6, input.price_base.map_or(String::new(), |year| year.to_string())),
            (8, input.source.clone().unwrap_or_else(|| "unsourced".into())),
            (9, text(&input.owner)),
            (10, text(&input.date)),
            (11, text(&input.confidence)),
        ];
        for (column, words) in words {
            model.write(sheet, row, column, Words::Label(words));
        }
        if let Some((low, high)) = input.range {
            model.write(sheet, row, 4, Words::Fixed(low, unit(input.measure)));
            model.write(sheet, row, 5, Words::Fixed(high, unit(input.measure)));
        }
        let id = model.put((sheet, row, 2), unit(input.measure), input.title.clone(), Formula::Input(at));
        model.name(input.id.clone(), id);
        values.push(id);
    }
    let level = |year: FinancialYear| file.deflators.get(&year).map(|at| Formula::from(values[*at]));
    let mut used = values.clone();
    for (row, (at, input)) in (4..).zip(file.book.iter().enumerate()).filter(|(_, (_, i))| i.measure == Measure::Money)
    {
        let base = input.price_base.filter(|base| *base != file.price_base);
        let levels = base.and_then(|base| level(file.price_base).zip(level(base)));
        let formula = match levels {
            Some((now, then)) => Formula::from(values[at]).times(now).over(then),
            None => values[at].into(),
        };
        used[at] = model.put(
            (sheet, row, 7),
            Unit::Money,
            format!("{}, in prices of {}", input.title, file.price_base),
            formula,
        );
    }
    used
}

/// The answers that drivers count over: the dispositions on a sheet of that name, others below each other on Counted.
fn tables(model: &mut Model, file: &CaseFile, evidence: &Evidence) {
    let mut other = None;
    let mut next = 0;
    for table in &evidence.tables {
        let is_disposition = table.query == "disposition-summary";
        let (sheet, row) = if is_disposition {
            (model.sheet("Dispositions", (4, 0), &[20; 8]), 0)
        } else {
            let sheet = *other.get_or_insert_with(|| model.sheet("Counted", (0, 0), &[20; 12]));
            let row = next;
            next += table.rows.len() as u32 + 6;
            (sheet, row)
        };
        model.write(sheet, row, 0, Words::Title(format!("onhook query {}", table.query)));
        let note = "The drivers on the sheet Volumes are counted over these rows.";
        model.write(sheet, row + 1, 0, Words::Note(note.into()));
        let heads: Vec<&str> = table.columns.iter().map(String::as_str).collect();
        model.heads(sheet, row + 3, &heads);
        for (at, cells) in (row + 4..).zip(&table.rows) {
            for (column, text) in (0..).zip(cells) {
                // What is added up is a number; what is compared is text.
                let is_counted =
                    file.queries().any(|q| q.query == table.query && table.columns[usize::from(column)] == q.column);
                let number = text.parse::<i64>().ok().filter(|_| is_counted);
                let words = number.map_or_else(|| Words::Label(text.clone()), |n| Words::Fixed(n.into(), Unit::Count));
                model.write(sheet, at, column, words);
            }
        }
        model.tables.push(table.clone());
        model.table_places.push(Place { sheet, row: row + 3, column: 0 });
    }
}
