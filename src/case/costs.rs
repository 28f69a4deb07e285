//! What an option costs and gives, line by line and year by year, on a sheet of its own: first in the prices of the case
//! (economic), then in the money of each year with the VAT that does not come back (financial). Not what it means
//! (`appraise`).
//!
//! Every amount of a line and year is rounded to the penny, once, half away from zero.

use super::formula::{Formula, Id};
use super::grid::{Model, Unit, Words};
use super::volumes::Volumes;
use super::{Amount, BenefitClass, Kind, Line, Part, Per};
use crate::units::FinancialYear;

/// The cells of a line.
#[derive(Debug, Clone)]
pub struct LineCells {
    pub title: String,
    pub kind: Kind,
    pub one_off: bool,
    /// How it is worked out, and the inputs' sources.
    pub how: String,
    pub source: Option<String>,
    /// The line and the break cost or bias that came of it hold the same number.
    pub of: usize,
    pub is_bias: bool,
    pub years: Vec<Id>,
    pub total: Id,
    /// In the money of each year; none for optimism bias and what is no cash.
    pub nominal: Option<Vec<Id>>,
}

/// The cells of an option.
#[derive(Debug, Clone)]
pub struct Costs {
    pub lines: Vec<LineCells>,
    /// Index into the option's benefits, class, and the line.
    pub benefits: Vec<(usize, BenefitClass, LineCells)>,
    pub capital: Vec<Id>,
    pub revenue: Vec<Id>,
    pub total: Vec<Id>,
    pub one_off: Vec<Id>,
    /// Revenue that is not one-off.
    pub running: Vec<Id>,
    /// Benefits by class, monetised ones only, in the order of `BenefitClass`.
    pub given: [Vec<Id>; 3],
    /// Nominal, capital and revenue with cash-releasing benefits taken off.
    pub cdel: Vec<Id>,
    pub rdel: Vec<Id>,
}

/// The first column of years.
const YEARS: u16 = 3;

/// Lays out the sheet of an option; `levels` are the price levels of the years, 1 in the year of the case's prices.
pub fn lay(model: &mut Model, sheet: usize, option: usize, volumes: &mut Volumes<'_>, levels: &[Id]) -> Costs {
    let file = volumes.file;
    let settings = &file.options[option];
    model.write(sheet, 0, 0, Words::Title(settings.title.clone()));
    if let Some(note) = &settings.note {
        model.write(sheet, 1, 0, Words::Note(note.clone()));
    }
    let years: Vec<FinancialYear> = file.years().collect();
    let mut sheet = Page { sheet, row: 3, years };
    sheet.head(model, &format!("Economic case, in prices of {}", file.price_base), "How it is worked out", "Source");
    let mut lines = Vec::new();
    for (at, line) in settings.lines.iter().enumerate() {
        let cells = sheet.line(model, volumes, line, at);
        lines.extend(cells);
    }
    // Optimism bias is a line of its own below the costs it is on.
    for (at, line) in settings.lines.iter().enumerate() {
        let Some(bias) = line.bias.map(|bias| &file.biases[bias]) else { continue };
        let cost = |lines: &[LineCells]| -> Vec<Id> {
            lines.iter().find(|cells| cells.of == at).map(|cells| cells.years.clone()).unwrap_or_default()
        };
        let mut uplift = Formula::from(volumes.inputs[bias.uplift]);
        if let Some(mitigation) = bias.mitigation {
            uplift = uplift.times(Formula::number(1).less(volumes.inputs[mitigation].into()));
        }
        let formulas = cost(&lines).into_iter().map(|cost| Formula::from(cost).times(uplift.clone()).pence()).collect();
        let about = About {
            title: format!("Optimism bias: {}", line.title),
            kind: line.kind,
            one_off: line.one_off,
            how: format!("{}: uplift × (1 − mitigation)", bias.class.replace('_', " ")),
            source: file.book[bias.uplift].source.clone(),
            of: at,
        };
        let mut cells = sheet.row(model, about, formulas);
        cells.is_bias = true;
        lines.push(cells);
    }
    let mut benefits = Vec::new();
    if settings.benefits.iter().any(|benefit| benefit.line.is_some()) {
        sheet.row += 1;
        sheet.head(model, "Benefits (a benefit is above zero)", "How it is worked out", "Source");
    }
    for (at, benefit) in settings.benefits.iter().enumerate() {
        let Some(line) = &benefit.line else { continue };
        for cells in sheet.line(model, volumes, line, at) {
            benefits.push((at, benefit.class, cells));
        }
    }
    sheet.row += 1;
    sheet.head(model, "Sums", "", "");
    let of = |wanted: &dyn Fn(&LineCells) -> bool| -> Vec<Vec<Id>> {
        lines.iter().filter(|line| wanted(line)).map(|line| line.years.clone()).collect()
    };
    let capital = sheet.sums(model, "Capital", &of(&|line| line.kind == Kind::Capital));
    let revenue = sheet.sums(model, "Revenue", &of(&|line| line.kind == Kind::Revenue));
    let total = sheet.sums(model, "Total cost", &[capital.clone(), revenue.clone()]);
    let one_off = sheet.sums(model, "Of which one-off", &of(&|line| line.one_off));
    let running =
        sheet.sums(model, "Of which running revenue", &of(&|line| line.kind == Kind::Revenue && !line.one_off));
    let given = [BenefitClass::CashReleasing, BenefitClass::NonCashReleasing, BenefitClass::Quantified].map(|class| {
        let of_class = benefits.iter().filter(|(_, of, _)| *of == class).map(|(_, _, line)| line.years.clone());
        let title = format!("Benefits, {}", class.words());
        sheet.sums(model, &title, &of_class.collect::<Vec<_>>())
    });
    sheet.row += 1;
    sheet.head(model, "Financial case, in the money of each year", "How it is worked out", "VAT");
    for cells in &mut lines {
        if !cells.is_bias {
            cells.nominal = Some(sheet.nominal(model, volumes, &settings.lines[cells.of], cells, levels, false));
        }
    }
    for (at, class, cells) in &mut benefits {
        if let (BenefitClass::CashReleasing, Some(line)) = (*class, &settings.benefits[*at].line) {
            cells.nominal = Some(sheet.nominal(model, volumes, line, cells, levels, true));
        }
    }
    let all = lines.iter().chain(benefits.iter().map(|(_, _, cells)| cells));
    let cash: Vec<&LineCells> = all.filter(|cells| cells.nominal.is_some()).collect();
    let of = |kind: Kind| -> Vec<Vec<Id>> {
        cash.iter().filter(|cells| cells.kind == kind).filter_map(|cells| cells.nominal.clone()).collect()
    };
    let cdel = sheet.sums(model, "Capital (CDEL)", &of(Kind::Capital));
    let rdel = sheet.sums(model, "Revenue (RDEL)", &of(Kind::Revenue));
    sheet.sums(model, "Total cash", &[cdel.clone(), rdel.clone()]);
    Costs { lines, benefits, capital, revenue, total, one_off, running, given, cdel, rdel }
}

/// What a row of amounts is about.
struct About {
    title: String,
    kind: Kind,
    one_off: bool,
    how: String,
    source: Option<String>,
    /// Index of the line it came of.
    of: usize,
}

/// The sheet while it grows.
struct Page {
    sheet: usize,
    row: u32,
    years: Vec<FinancialYear>,
}

impl Page {
    fn head(&mut self, model: &mut Model, title: &str, how: &str, last: &str) {
        let mut heads = vec![title.to_string(), "Kind".into(), how.into()];
        heads.extend(self.years.iter().map(ToString::to_string));
        heads.extend(["Total".into(), last.to_string()]);
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        model.heads(self.sheet, self.row, &heads);
        self.row += 1;
    }

    fn years_of(&mut self, model: &mut Model, title: &str, formulas: Vec<Formula>) -> (Vec<Id>, Id) {
        let years: Vec<Id> = (YEARS..)
            .zip(formulas)
            .zip(&self.years)
            .map(|((column, formula), year)| {
                model.put((self.sheet, self.row, column), Unit::Money, format!("{title}, {year}"), formula)
            })
            .collect();
        let column = YEARS + self.years.len() as u16;
        let sum = Formula::Sum(years.clone());
        let total = model.put((self.sheet, self.row, column), Unit::Money, format!("{title}, all years"), sum);
        (years, total)
    }

    fn row(&mut self, model: &mut Model, about: About, formulas: Vec<Formula>) -> LineCells {
        let About { title, kind, one_off, how, source, of } = about;
        let title = title.as_str();
        let (years, total) = self.years_of(model, title, formulas);
        let kind_words = match (kind, one_off) {
            (Kind::Capital, true) => "capital",
            (Kind::Capital, false) => "capital, recurring",
            (Kind::Revenue, true) => "revenue, one-off",
            (Kind::Revenue, false) => "revenue",
        };
        model.write(self.sheet, self.row, 0, Words::Label(title.into()));
        model.write(self.sheet, self.row, 1, Words::Label(kind_words.into()));
        model.write(self.sheet, self.row, 2, Words::Label(how.clone()));
        let last = YEARS + self.years.len() as u16 + 1;
        model.write(self.sheet, self.row, last, Words::Label(source.clone().unwrap_or_else(|| "unsourced".into())));
        self.row += 1;
        LineCells { title: title.into(), kind, one_off, how, source, of, is_bias: false, years, total, nominal: None }
    }

    /// The line, and the break of its contract where there is one.
    fn line(&mut self, model: &mut Model, volumes: &mut Volumes<'_>, line: &Line, at: usize) -> Vec<LineCells> {
        let file = volumes.file;
        let title = |input: usize| file.book[input].title.clone();
        let source = |inputs: &[usize]| -> Option<String> {
            let mut sources: Vec<&str> =
                inputs.iter().filter_map(|input| file.book[*input].source.as_deref()).collect();
            sources.dedup();
            (!sources.is_empty()).then(|| sources.join("; "))
        };
        let told = match &line.amount {
            Amount::ByYear(years) => {
                let inputs: Vec<usize> = years.values().copied().collect();
                ("as it falls".to_string(), source(&inputs))
            }
            Amount::EachYear(input) => (format!("{} a year", title(*input)), source(&[*input])),
            Amount::WhileInUse { charge, driver, .. } => {
                (format!("{}, while any of {} is left", title(*charge), file.drivers[*driver].id), source(&[*charge]))
            }
            Amount::Unit { cost, driver, per, ramp, pack } => {
                let which = match (ramp, per) {
                    (None, _) => String::new(),
                    (Some((ramp, Part::Migrated)), _) => format!(" as moved by {}", file.ramps[*ramp].id),
                    (Some((ramp, Part::Remaining)), _) => format!(" as left by {}", file.ramps[*ramp].id),
                };
                let packs = pack.map_or(String::new(), |pack| format!(", in packs of {}", title(pack)));
                let each = if *per == Per::Year { "a year" } else { "once" };
                (format!("{} × {}{which}, {each}{packs}", title(*cost), file.drivers[*driver].id), source(&[*cost]))
            }
            Amount::Pence { driver, .. } => {
                let how = match &file.drivers[*driver].count {
                    super::Count::Asked(query) => query.words(),
                    _ => file.drivers[*driver].title.clone(),
                };
                (format!("{} pence a year", file.drivers[*driver].id), Some(how))
            }
        };
        let formulas = (0..self.years.len()).map(|year| amount(model, volumes, line, year).pence()).collect();
        let (how, source) = told;
        let about = About { title: line.title.clone(), kind: line.kind, one_off: line.one_off, how, source, of: at };
        let mut rows = vec![self.row(model, about, formulas)];
        if let Amount::WhileInUse { driver, ramp, contract_until: Some(contract), break_cost: Some(cost), .. } =
            line.amount
        {
            let broken = volumes.broken(model, driver, ramp, contract);
            let formulas = (0..self.years.len()).map(|year| {
                Formula::Sum(broken[12 * year..12 * year + 12].to_vec()).times(volumes.inputs[cost].into()).pence()
            });
            let formulas = formulas.collect();
            let about = About {
                title: format!("Breaking the contract: {}", line.title),
                kind: line.kind,
                one_off: true,
                how: format!("{}, if left before the contract ends", file.book[cost].title),
                source: file.book[cost].source.clone(),
                of: at,
            };
            rows.push(self.row(model, about, formulas));
        }
        rows
    }

    fn sums(&mut self, model: &mut Model, title: &str, rows: &[Vec<Id>]) -> Vec<Id> {
        let formulas = (0..self.years.len()).map(|year| Formula::Sum(rows.iter().map(|row| row[year]).collect()));
        let formulas = formulas.map(|sum| if rows.is_empty() { Formula::number(0) } else { sum }).collect();
        let (years, _) = self.years_of(model, title, formulas);
        model.write(self.sheet, self.row, 0, Words::Total(title.into()));
        self.row += 1;
        years
    }

    /// A line in the money of each year; a benefit is taken off.
    fn nominal(
        &mut self,
        model: &mut Model,
        volumes: &Volumes<'_>,
        line: &Line,
        cells: &LineCells,
        levels: &[Id],
        is_benefit: bool,
    ) -> Vec<Id> {
        let vat = volumes.file.vat_rate.zip(line.vat_recoverable).map(|(rate, back)| {
            let kept = Formula::number(1).less(volumes.inputs[back].into());
            Formula::number(1).plus(Formula::from(volumes.inputs[rate]).times(kept))
        });
        let formulas = cells.years.iter().zip(levels).map(|(real, level)| {
            let mut cash = Formula::from(*real).times((*level).into());
            if is_benefit {
                cash = Formula::number(-1).times(cash);
            }
            vat.iter().cloned().fold(cash, Formula::times).pence()
        });
        let formulas = formulas.collect();
        let title = format!("{}, nominal", cells.title);
        let (years, _) = self.years_of(model, &title, formulas);
        let how = match line.vat_recoverable {
            Some(back) => format!("with VAT, of which {} comes back", volumes.file.book[back].title),
            None => "no VAT".into(),
        };
        model.write(self.sheet, self.row, 0, Words::Label(cells.title.clone()));
        model.write(
            self.sheet,
            self.row,
            1,
            Words::Label(if cells.kind == Kind::Capital { "CDEL" } else { "RDEL" }.into()),
        );
        model.write(self.sheet, self.row, 2, Words::Label("× price level of the year".into()));
        model.write(self.sheet, self.row, YEARS + self.years.len() as u16 + 1, Words::Label(how));
        self.row += 1;
        years
    }
}

/// What a line costs in a year, not yet rounded.
fn amount(model: &mut Model, volumes: &mut Volumes<'_>, line: &Line, year: usize) -> Formula {
    let file = volumes.file;
    let (first, last) = (12 * year, 12 * year + 11);
    let (from, until) = (line.months.0.max(first as i32), line.months.1.min(last as i32));
    let running = (until - from + 1).max(0);
    // The cells of the months it runs in this year; none where it does not.
    let run = |column: &[Id]| -> Vec<Id> {
        if running == 0 { Vec::new() } else { column[from as usize..=until as usize].to_vec() }
    };
    let twelfths = |whole: Formula| match running {
        0 => Formula::number(0),
        12 => whole,
        months => whole.times(Formula::number(months)).over(Formula::number(12)),
    };
    let monthly = |units: Vec<Id>, price: Formula| {
        if units.is_empty() { Formula::number(0) } else { Formula::Sum(units).times(price).over(Formula::number(12)) }
    };
    match &line.amount {
        Amount::ByYear(years) => {
            let at = file.first_year.plus(year as u16);
            years.get(&at).map_or(Formula::number(0), |input| volumes.inputs[*input].into())
        }
        Amount::EachYear(input) => twelfths(volumes.inputs[*input].into()),
        Amount::WhileInUse { charge, driver, ramp, contract_until, break_cost } => {
            let paid_until = contract_until.filter(|_| break_cost.is_none());
            let in_use = volumes.in_use(model, *driver, *ramp, paid_until);
            monthly(run(&in_use), volumes.inputs[*charge].into())
        }
        Amount::Unit { cost, driver, per: Per::Year, ramp, pack } => {
            let price = Formula::from(volumes.inputs[*cost]);
            match (ramp, pack) {
                (_, Some(pack)) => monthly(run(&volumes.packs(model, *driver, *ramp, *pack)), price),
                (Some((ramp, part)), None) => monthly(run(&volumes.units(model, *driver, *ramp, *part)), price),
                (None, None) => twelfths(Formula::from(volumes.drivers[*driver]).times(price)),
            }
        }
        Amount::Unit { cost, driver, per: Per::Once, ramp, .. } => {
            let price = Formula::from(volumes.inputs[*cost]);
            match ramp {
                Some((ramp, Part::Migrated)) => {
                    let moved = volumes.units(model, *driver, *ramp, Part::Migrated);
                    let now = Formula::from(moved[last]);
                    let in_year = if year == 0 { now } else { now.less(moved[first - 1].into()) };
                    in_year.times(price)
                }
                _ if !(first as i32..=last as i32).contains(&line.months.0) => Formula::number(0),
                Some((ramp, Part::Remaining)) => {
                    let left = volumes.units(model, *driver, *ramp, Part::Remaining);
                    Formula::from(left[line.months.0 as usize]).times(price)
                }
                None => Formula::from(volumes.drivers[*driver]).times(price),
            }
        }
        Amount::Pence { driver, ramp } => {
            let pounds = Formula::from(volumes.drivers[*driver]).over(Formula::number(100));
            match ramp {
                None => twelfths(pounds),
                Some((ramp, part, of)) => {
                    let units = run(&volumes.units(model, *of, *ramp, *part));
                    let whole = Formula::from(volumes.drivers[*of]);
                    let share = monthly(units, pounds).over(whole.clone());
                    whole.if_over(Formula::number(0), share, Formula::number(0))
                }
            }
        }
    }
}
