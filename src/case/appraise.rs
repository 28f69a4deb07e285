//! What the costs mean: discount factors, savings against the baseline, present values, payback, return, switching values;
//! one sheet, from which every headline figure comes.
//!
//! The rules, so that a reader can check them with a pencil or in the workbook:
//! - saving = what the baseline costs − what the option costs + benefits in money less the baseline's, year by year;
//! - one-off = the option's own capital and revenue marked one-off (not less what the baseline would have spent);
//! - steady saving = the saving on running revenue, and the cash-releasing benefits, of the steady year;
//! - payback = one-off ÷ steady saving in years;
//! - cumulative payback = the point from which the saving added up since the first year stays at zero or above, the year's
//!   amount taken as falling evenly through the year; in years after the base year; 0 where it never was below;
//! - net present value = savings × factors, rounded to the penny once, after the sum;
//! - benefit-cost ratio = (net present value + present value of one-off costs) ÷ present value of one-off costs: what is
//!   saved stands above the line, what is paid once below it;
//! - internal rate of return: only where more comes back than is paid, and the savings change sign once;
//! - equivalent annual cost = present value of all it costs ÷ sum of the factors;
//! - switching values: by what part one-off costs may rise, or savings fall, before the net present value is nothing.

use super::costs::Costs;
use super::formula::{Formula, Id};
use super::grid::{Model, Unit, Words};
use super::{BenefitClass, CaseFile};
use crate::units::FinancialYear;

/// Factors and price levels of the years of the horizon.
#[derive(Debug, Clone)]
pub struct Years {
    pub factors: Vec<Id>,
    pub levels: Vec<Id>,
    /// Years from the base year to the first.
    pub offset: u16,
}

/// The cells of an option's appraisal; those without a figure say so when worked out.
#[derive(Debug, Clone)]
pub struct Appraised {
    pub capital_saving: Vec<Id>,
    pub revenue_saving: Vec<Id>,
    pub saving: Vec<Id>,
    pub cumulative: Vec<Id>,
    pub present_saving: Vec<Id>,
    pub present_cost: Vec<Id>,
    /// Unrounded, added up.
    pub present_cumulative: Vec<Id>,
    pub capital: Id,
    pub revenue: Id,
    pub total: Id,
    pub total_saving: Id,
    pub one_off: Id,
    pub steady_saving: Id,
    pub payback: Id,
    pub cumulative_payback: Id,
    pub discounted_payback: Id,
    pub pv_cost: Id,
    pub npv: Id,
    pub bcr: Id,
    pub irr: Id,
    pub eac: Id,
    pub one_off_may_rise: Id,
    pub saving_may_fall: Id,
    pub pv_benefits: [Id; 3],
    pub cdel: Id,
    pub rdel: Id,
    pub per_unit: Option<(Id, Id)>,
    /// Against each option in the order of the file; its own is 0.
    pub npv_against: Vec<Id>,
}

/// The first column of years, and the first row of options.
const YEARS: u16 = 1;
const BLOCKS: u32 = 12;
/// Rows of an option's block.
const BLOCK: u32 = 19;

/// Lays out the years: discount year, rate, factor and price level of each.
pub fn years(model: &mut Model, sheet: usize, file: &CaseFile, inputs: &[Id]) -> Years {
    model.write(sheet, 0, 0, Words::Title("Appraisal".into()));
    let note = format!(
        "In prices of {}; present values in {} at the rates of {}. Baseline: {}.",
        file.price_base, file.base_year, file.discount_edition, file.options[file.baseline].title
    );
    model.write(sheet, 1, 0, Words::Note(note));
    let all: Vec<FinancialYear> = file.years().collect();
    head(model, sheet, 3, "Year", &all);
    for (row, title) in
        [(4, "Years after the base year"), (5, "Discount rate"), (6, "Discount factor"), (7, "Price level")]
    {
        model.write(sheet, row, 0, Words::Label(title.into()));
    }
    // `load` lets the base year be the first or lie before it, by at most a horizon.
    let offset = u16::try_from(file.first_year.since(file.base_year)).unwrap_or_default();
    let rate = |after: u16| {
        let step = file.discount.iter().rev().find(|(from, _)| *from <= after);
        step.map_or(Formula::number(0), |(_, input)| inputs[*input].into())
    };
    let grows = |after: u16| Formula::number(1).plus(rate(after));
    let (mut factors, mut levels): (Vec<Id>, Vec<Id>) = (Vec::new(), Vec::new());
    for ((column, year), after) in (YEARS..).zip(&all).zip(offset..) {
        model.put((sheet, 4, column), Unit::Plain, format!("years to {year}"), Formula::number(after));
        model.put((sheet, 5, column), Unit::Percent, format!("discount rate, {year}"), rate(after));
        let factor = match factors.last() {
            Some(before) => Formula::from(*before).over(grows(after)),
            None if after == 0 => Formula::number(1),
            None => Formula::number(1).over(Formula::Times((1..=after).map(grows).collect())),
        };
        factors.push(model.put((sheet, 6, column), Unit::Factor, format!("discount factor, {year}"), factor));
        let deflator = |year: &FinancialYear| file.deflators.get(year).map(|input| Formula::from(inputs[*input]));
        let level =
            deflator(year).zip(deflator(&file.price_base)).map_or(Formula::number(1), |(now, then)| now.over(then));
        levels.push(model.put((sheet, 7, column), Unit::Factor, format!("price level, {year}"), level));
    }
    Years { factors, levels, offset }
}

/// Lays out a block of years for each option, then the comparison.
pub fn lay(
    model: &mut Model,
    sheet: usize,
    file: &CaseFile,
    drivers: &[Id],
    years: &Years,
    costs: &[Costs],
) -> Vec<Appraised> {
    let base = &costs[file.baseline];
    let flows: Vec<Flow> = (0..costs.len())
        .map(|at| Flow::lay(model, (sheet, BLOCKS + at as u32 * BLOCK), file, at, years, &costs[at], base))
        .collect();
    let top = BLOCKS + costs.len() as u32 * BLOCK;
    let mut heads = vec!["What each option comes to"];
    heads.extend(file.options.iter().map(|option| option.id.as_str()));
    model.heads(sheet, top, &heads);
    let mut table = Comparison { sheet, top, file, years, costs, flows: &flows };
    let rows: Vec<Vec<Id>> = table.rows(model);
    let against: Vec<Vec<Id>> = table.against(model, rows.len() as u32);
    let per_unit = table.per_unit(model, drivers, rows.len() as u32 + costs.len() as u32, &rows);
    let appraised = |(at, flow): (usize, &Flow)| {
        let of = |row: Row| rows[row as usize][at];
        let flow = flow.clone();
        Appraised {
            capital_saving: flow.capital_saving,
            revenue_saving: flow.revenue_saving,
            saving: flow.saving,
            cumulative: flow.cumulative,
            present_saving: flow.present_saving,
            present_cost: flow.present_cost,
            present_cumulative: flow.present_cumulative,
            capital: of(Row::Capital),
            revenue: of(Row::Revenue),
            total: of(Row::Total),
            total_saving: of(Row::Saving),
            one_off: of(Row::OneOff),
            steady_saving: of(Row::Steady),
            payback: of(Row::Payback),
            cumulative_payback: of(Row::Cumulative),
            discounted_payback: of(Row::Discounted),
            pv_cost: of(Row::PvCost),
            npv: of(Row::Npv),
            bcr: of(Row::Bcr),
            irr: of(Row::Irr),
            eac: of(Row::Eac),
            one_off_may_rise: of(Row::MayRise),
            saving_may_fall: of(Row::MayFall),
            pv_benefits: [of(Row::PvCash), of(Row::PvOther), of(Row::PvQuantified)],
            cdel: of(Row::Cdel),
            rdel: of(Row::Rdel),
            per_unit: per_unit[at],
            npv_against: against[at].clone(),
        }
    };
    flows.iter().enumerate().map(appraised).collect()
}

/// The yearly rows of an option.
#[derive(Debug, Clone)]
struct Flow {
    capital_saving: Vec<Id>,
    revenue_saving: Vec<Id>,
    saving: Vec<Id>,
    cumulative: Vec<Id>,
    present_saving: Vec<Id>,
    present_cost: Vec<Id>,
    present_cumulative: Vec<Id>,
    sign: Vec<Id>,
    turns: Vec<Id>,
    crossing: Vec<Id>,
    present_crossing: Vec<Id>,
}

impl Flow {
    fn lay(
        model: &mut Model,
        (sheet, row): (usize, u32),
        file: &CaseFile,
        at: usize,
        years: &Years,
        own: &Costs,
        base: &Costs,
    ) -> Self {
        let all: Vec<FinancialYear> = file.years().collect();
        let option = &file.options[at];
        head(model, sheet, row, &option.title, &all);
        let mut block = Block { sheet, row, option: &option.id, years: &all };
        let zero = || Formula::number(0);
        let cell = |ids: &[Id], y: usize| Formula::from(ids[y]);
        let money = Unit::Money;
        let total = block.row(model, money, "Total cost", &|y| cell(&own.total, y));
        let less = |of: fn(&Costs) -> &Vec<Id>| move |y: usize| cell(of(base), y).less(cell(of(own), y));
        let capital_saving = block.row(model, money, "Capital saving", &less(|costs| &costs.capital));
        let revenue_saving = block.row(model, money, "Revenue saving", &less(|costs| &costs.revenue));
        let given = |costs: &Costs, y: usize| Formula::Plus(costs.given.iter().map(|class| class[y].into()).collect());
        let benefits = block.row(model, money, "Benefits in money", &|y| given(own, y).less(given(base, y)));
        let saving = block.row(model, money, "Saving against the baseline", &|y| {
            Formula::Plus([&capital_saving, &revenue_saving, &benefits].map(|ids| cell(ids, y)).to_vec())
        });
        // Each sum stands on the one before it, as a reader adds up.
        let added = |before: Option<Id>, amount: Formula| match before {
            Some(before) => Formula::from(before).plus(amount),
            None => amount,
        };
        let present = |ids: &[Id], y: usize| cell(ids, y).times(years.factors[y].into());
        let cumulative = block.chain(model, money, "Cumulative saving", &|before, y| added(before, cell(&saving, y)));
        let title = "Present value of the saving";
        let present_saving = block.row(model, money, title, &|y| present(&saving, y).pence());
        let present_cost = block.row(model, money, "Present value of the cost", &|y| present(&total, y).pence());
        let title = "Cumulative present value";
        let present_cumulative = block.chain(model, money, title, &|before, y| added(before, present(&saving, y)));
        let sign = block.chain(model, Unit::Plain, "Sign so far", &|before, y| {
            let before = before.map_or(zero(), Formula::from);
            let below = zero().if_over(cell(&saving, y), Formula::number(-1), before);
            cell(&saving, y).if_over(zero(), Formula::number(1), below)
        });
        let turns = block.row(model, Unit::Plain, "Sign turns", &|y| match y.checked_sub(1) {
            None => zero(),
            Some(before) => zero().if_over(cell(&sign, before).times(cell(&sign, y)), Formula::number(1), zero()),
        });
        // Above zero only in the last year that ends below it: where in the year after the sum reaches zero.
        let crossing = |sums: &[Id], y: usize, next: &dyn Fn(usize) -> Formula| {
            if y + 1 == all.len() {
                return zero();
            }
            let part = zero().less(cell(sums, y)).over(next(y + 1));
            let point = Formula::number(y as i64).plus(part);
            let later = Formula::Least(sums[y + 1..].to_vec()).if_at_least(zero(), point, zero());
            cell(sums, y).if_at_least(zero(), zero(), later)
        };
        let crossing_points =
            block.row(model, Unit::Factor, "Payback point", &|y| crossing(&cumulative, y, &|y| cell(&saving, y)));
        let present_crossing = block.row(model, Unit::Factor, "Discounted payback point", &|y| {
            crossing(&present_cumulative, y, &|y| present(&saving, y))
        });
        Self {
            capital_saving,
            revenue_saving,
            saving,
            cumulative,
            present_saving,
            present_cost,
            present_cumulative,
            sign,
            turns,
            crossing: crossing_points,
            present_crossing,
        }
    }
}

/// The rows of an option while they are written, below each other.
struct Block<'a> {
    sheet: usize,
    row: u32,
    option: &'a str,
    years: &'a [FinancialYear],
}

impl Block<'_> {
    fn row(&mut self, model: &mut Model, unit: Unit, title: &str, of: &dyn Fn(usize) -> Formula) -> Vec<Id> {
        self.chain(model, unit, title, &|_, year| of(year))
    }

    /// A row in which each cell may stand on the one before it.
    fn chain(
        &mut self,
        model: &mut Model,
        unit: Unit,
        title: &str,
        of: &dyn Fn(Option<Id>, usize) -> Formula,
    ) -> Vec<Id> {
        self.row += 1;
        model.write(self.sheet, self.row, 0, Words::Label(title.into()));
        let mut cells: Vec<Id> = Vec::with_capacity(self.years.len());
        for ((column, year), at) in (YEARS..).zip(self.years).zip(0..) {
            let label = format!("{title} of {}, {year}", self.option);
            let formula = of(cells.last().copied(), at);
            cells.push(model.put((self.sheet, self.row, column), unit, label, formula));
        }
        cells
    }
}

fn head(model: &mut Model, sheet: usize, row: u32, title: &str, years: &[FinancialYear]) {
    model.write(sheet, row, 0, Words::Head(title.into()));
    for (column, year) in (YEARS..).zip(years) {
        model.write(sheet, row, column, Words::Head(year.to_string()));
    }
}

/// The rows of the comparison, in their order.
#[derive(Clone, Copy)]
enum Row {
    Capital,
    Revenue,
    Total,
    Saving,
    OneOff,
    Steady,
    Payback,
    Cumulative,
    Discounted,
    PvCost,
    Npv,
    #[expect(dead_code, reason = "keeps the place of a row that only the workbook shows")]
    PvOneOff,
    Bcr,
    Irr,
    Eac,
    MayRise,
    MayFall,
    PvCash,
    PvOther,
    PvQuantified,
    Cdel,
    Rdel,
}

struct Comparison<'a> {
    sheet: usize,
    top: u32,
    file: &'a CaseFile,
    years: &'a Years,
    costs: &'a [Costs],
    flows: &'a [Flow],
}

impl Comparison<'_> {
    /// One row: its id in figures, its title, and the formula of each option.
    fn row(
        &mut self,
        model: &mut Model,
        at: u32,
        (figure, title): (&str, &str),
        unit: Unit,
        of: &dyn Fn(usize) -> Formula,
    ) -> Vec<Id> {
        let row = self.top + 1 + at;
        model.write(self.sheet, row, 0, Words::Label(title.into()));
        let options = (1..).zip(&self.file.options).enumerate();
        let cells: Vec<Id> = options
            .map(|(option, (column, settings))| {
                model.put((self.sheet, row, column), unit, format!("{title}: {}", settings.id), of(option))
            })
            .collect();
        for (id, option) in cells.iter().zip(&self.file.options) {
            model.figure(format!("{figure}.{}", option.id), *id);
            let name =
                format!("{figure}_{}", option.id).replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_lowercase();
            model.name(name, *id);
        }
        cells
    }

    fn rows(&mut self, model: &mut Model) -> Vec<Vec<Id>> {
        let (flows, costs, file) = (self.flows, self.costs, self.file);
        let factors = self.years.factors.clone();
        let offset = i64::from(self.years.offset);
        let zero = || Formula::number(0);
        // `load` keeps the steady year inside the horizon.
        let steady = file.years().position(|year| year == file.steady_year).unwrap_or_default();
        let sum = |of: &Vec<Id>| Formula::Sum(of.clone());
        let discounted = |of: &Vec<Id>| Formula::Dot(of.clone(), factors.clone());
        let mut rows: Vec<Vec<Id>> = Vec::new();
        let mut at = 0;
        let mut put = |this: &mut Self,
                       model: &mut Model,
                       names: (&str, &str),
                       unit,
                       of: &dyn Fn(usize, &[Vec<Id>]) -> Formula| {
            let cells = this.row(model, at, names, unit, &|option| of(option, &rows));
            rows.push(cells);
            at += 1;
        };
        let money = Unit::Money;
        let over = |of: Formula, then: Formula| of.if_over(zero(), then, Formula::Nothing);
        let get = |rows: &[Vec<Id>], row: Row, option: usize| Formula::from(rows[row as usize][option]);
        let back = |sums: &Vec<Id>, points: &Vec<Id>| {
            let last = Formula::from(sums[sums.len() - 1]);
            let point = Formula::number(offset).plus(sum(points)).round(6);
            let some = last.if_at_least(zero(), point, Formula::Nothing);
            Formula::Least(sums.clone()).if_at_least(zero(), zero(), some)
        };
        put(self, model, ("capital", "Capital"), money, &|o, _| sum(&costs[o].capital));
        put(self, model, ("revenue", "Revenue"), money, &|o, _| sum(&costs[o].revenue));
        put(self, model, ("total", "Total cost"), money, &|o, rows| {
            get(rows, Row::Capital, o).plus(get(rows, Row::Revenue, o))
        });
        put(self, model, ("saving", "Saving against the baseline"), money, &|o, _| sum(&flows[o].saving));
        put(self, model, ("one_off", "One-off cost"), money, &|o, _| sum(&costs[o].one_off));
        put(self, model, ("steady_saving", "Steady saving a year"), money, &|o, _| {
            let base = &costs[file.baseline];
            let running = Formula::from(base.running[steady]).less(costs[o].running[steady].into());
            let given = Formula::from(costs[o].given[0][steady]).less(base.given[0][steady].into());
            running.plus(given)
        });
        put(self, model, ("payback", "Payback: one-off ÷ steady saving (years)"), Unit::Factor, &|o, rows| {
            let (paid, saved) = (get(rows, Row::OneOff, o), get(rows, Row::Steady, o));
            over(paid.clone(), over(saved.clone(), paid.over(saved).round(6)))
        });
        put(self, model, ("cumulative_payback", "Ahead of the baseline for good (years)"), Unit::Factor, &|o, _| {
            back(&flows[o].cumulative, &flows[o].crossing)
        });
        put(self, model, ("discounted_payback", "The same, discounted (years)"), Unit::Factor, &|o, _| {
            back(&flows[o].present_cumulative, &flows[o].present_crossing)
        });
        put(self, model, ("pv_cost", "Present value of all costs"), money, &|o, _| discounted(&costs[o].total).pence());
        put(self, model, ("npv", "Net present value against the baseline"), money, &|o, _| {
            discounted(&flows[o].saving).pence()
        });
        put(self, model, ("pv_one_off", "Present value of one-off costs"), money, &|o, _| {
            discounted(&costs[o].one_off).pence()
        });
        // Quotients are of unrounded present values.
        let worth = |o: usize| discounted(&flows[o].saving);
        let outlay = |o: usize| discounted(&costs[o].one_off);
        put(self, model, ("bcr", "Benefit-cost ratio"), Unit::Factor, &|o, _| {
            if o == file.baseline {
                return Formula::Nothing;
            }
            over(outlay(o), worth(o).plus(outlay(o)).over(outlay(o)).round(6))
        });
        put(self, model, ("irr", "Internal rate of return"), Unit::Percent, &|o, _| {
            // Only where money is paid first, comes back later, and more of it: then there is one rate, above nothing.
            let ends_above = Formula::from(flows[o].sign[flows[o].sign.len() - 1]);
            let gains = over(sum(&flows[o].saving), Formula::Irr(flows[o].saving.clone()).round(6));
            sum(&flows[o].turns).if_equal(Formula::number(1), over(ends_above, gains), Formula::Nothing)
        });
        put(self, model, ("eac", "Equivalent annual cost"), money, &|o, _| {
            discounted(&costs[o].total).over(sum(&factors)).pence()
        });
        put(self, model, ("one_off_may_rise", "One-off costs may rise by"), Unit::Percent, &|o, _| {
            over(outlay(o), worth(o).over(outlay(o)).round(6))
        });
        put(self, model, ("saving_may_fall", "Savings may fall by"), Unit::Percent, &|o, _| {
            let rest = worth(o).plus(outlay(o));
            over(rest.clone(), worth(o).over(rest).round(6))
        });
        for (class, figure) in
            BenefitClass::ALL.into_iter().take(3).zip(["pv_cash_releasing", "pv_non_cash_releasing", "pv_quantified"])
        {
            let title = format!("Present value of benefits, {}", class.words());
            put(self, model, (figure, &title), money, &|o, _| discounted(&costs[o].given[class as usize]).pence());
        }
        put(self, model, ("cdel", "Capital in the money of each year (CDEL)"), money, &|o, _| sum(&costs[o].cdel));
        put(self, model, ("rdel", "Revenue in the money of each year (RDEL)"), money, &|o, _| sum(&costs[o].rdel));
        rows
    }

    /// By option, its net present value against each other.
    fn against(&mut self, model: &mut Model, first: u32) -> Vec<Vec<Id>> {
        let factors = self.years.factors.clone();
        let flows = self.flows;
        let rows: Vec<Vec<Id>> = (0..flows.len())
            .map(|other| {
                let id = self.file.options[other].id.clone();
                let names = (format!("npv_against_{id}"), format!("Net present value against {id}"));
                let worth = |at: usize| Formula::Dot(flows[at].saving.clone(), factors.clone());
                self.row(model, first + other as u32, (&names.0, &names.1), Unit::Money, &|own| {
                    worth(own).less(worth(other)).pence()
                })
            })
            .collect();
        (0..flows.len()).map(|own| rows.iter().map(|row| row[own]).collect()).collect()
    }

    /// Steady saving and one-off cost a unit of what the option names.
    fn per_unit(&mut self, model: &mut Model, drivers: &[Id], first: u32, rows: &[Vec<Id>]) -> Vec<Option<(Id, Id)>> {
        let units: Vec<Option<Id>> =
            self.file.options.iter().map(|option| option.per_unit.map(|at| drivers[at])).collect();
        if units.iter().all(Option::is_none) {
            return units.iter().map(|_| None).collect();
        }
        let each = |row: Row, option: usize| match units[option] {
            None => Formula::Nothing,
            Some(count) => {
                let part = Formula::from(rows[row as usize][option]).over(count.into()).pence();
                Formula::from(count).if_over(Formula::number(0), part, Formula::Nothing)
            }
        };
        let saving =
            self.row(model, first, ("steady_saving_per_unit", "Steady saving a year, a unit"), Unit::Money, &|o| {
                each(Row::Steady, o)
            });
        let outlay = self.row(model, first + 1, ("one_off_per_unit", "One-off cost, a unit"), Unit::Money, &|o| {
            each(Row::OneOff, o)
        });
        (0..units.len()).map(|at| units[at].map(|_| (saving[at], outlay[at]))).collect()
    }
}
