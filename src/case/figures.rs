//! The worked-out case as plain data, for `render` to show and for JSON; the rules behind it are in `appraise`.
//! No arithmetic here. Money serialises as decimal pounds, a year as `2022-23`, a factor or quotient with six decimals.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use super::costs::LineCells;
use super::formula::{Id, Number};
use super::grid::Unit;
use super::review::Finding;
use super::{Amount, Assumption, BenefitClass, Case, Count, Kind, Sensitivity, Simulation};
use crate::units::{FinancialYear, Millionths, Pence};

/// The business case, worked out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Appraisal {
    pub title: String,
    pub price_note: Option<String>,
    /// Id of the option the others are measured against.
    pub baseline: String,
    pub base_year: FinancialYear,
    pub price_base: FinancialYear,
    pub steady_year: FinancialYear,
    pub discount_edition: String,
    pub life_years: Option<u16>,
    pub years: Vec<FinancialYear>,
    pub factors: Vec<Millionths>,
    /// Price level of each year, 1 in the year of the case's prices.
    pub levels: Vec<Millionths>,
    pub assumptions: Vec<Assumption>,
    pub drivers: Vec<DriverFigure>,
    /// In the order of the file, the baseline among them.
    pub options: Vec<OptionFigures>,
    pub biases: Vec<BiasFigures>,
    pub commitments: Vec<CommitmentFigures>,
    /// What a reviewer would say of it.
    pub findings: Vec<Finding>,
    /// Every headline figure by its id, as printed in the workbook; none where there is no such figure.
    pub figures: BTreeMap<String, Option<String>>,
    pub sensitivity: Option<Sensitivity>,
    pub simulation: Option<Simulation>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriverFigure {
    pub id: String,
    pub title: String,
    pub count: i64,
    /// Name of the query that counted it.
    pub query: Option<String>,
    /// How it was counted, from which other drivers it is worked out, or where the number comes from.
    pub counted_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OptionFigures {
    pub id: String,
    pub title: String,
    pub note: Option<String>,
    pub lines: Vec<LineFigures>,
    pub benefits: Vec<BenefitFigures>,
    pub years: Vec<YearFigures>,
    /// Sums of the years.
    pub capital: Pence,
    pub revenue: Pence,
    pub total: Pence,
    pub saving: Pence,
    /// Its own outlay, and the outlay of the baseline that is avoided by it.
    pub one_off: Pence,
    pub one_off_avoided: Pence,
    pub steady_saving: Pence,
    /// One-off ÷ steady saving; none where nothing is paid out or nothing is saved.
    pub payback_years: Option<Millionths>,
    /// Whether that is within the expected life; none where either is unknown.
    pub pays_back_in_life: Option<bool>,
    pub cumulative_payback: Payback,
    pub discounted_payback: Payback,
    /// Present value of all it costs, and what that is a year.
    pub present_cost: Pence,
    pub equivalent_annual_cost: Pence,
    /// Net present value against the baseline: what it saves, discounted.
    pub npv: Pence,
    pub benefit_cost_ratio: Option<Millionths>,
    /// Where money is paid first and more of it comes back later.
    pub internal_rate_of_return: Option<Millionths>,
    /// The same against each other option.
    pub npv_against: Vec<Against>,
    /// By what part its one-off costs may rise, or all it saves beyond them may fall, before `npv` is nothing; below
    /// zero: by what part they would have to fall, or rise.
    pub one_off_may_rise: Option<Millionths>,
    pub saving_may_fall: Option<Millionths>,
    /// Present value of benefits by class.
    pub present_benefits: BTreeMap<BenefitClass, Pence>,
    /// In the money of each year.
    pub cdel: Pence,
    pub rdel: Pence,
    pub per_unit: Option<PerUnit>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineFigures {
    pub title: String,
    pub kind: Kind,
    pub one_off: bool,
    pub is_bias: bool,
    pub how: String,
    pub source: Option<String>,
    pub by_year: Vec<Pence>,
    pub total: Pence,
    /// In the money of each year; none where it is no cash.
    pub nominal: Option<Vec<Pence>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BenefitFigures {
    pub title: String,
    pub class: BenefitClass,
    pub owner: Option<String>,
    pub measure: Option<String>,
    /// None where it has no price.
    pub total: Option<Pence>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BiasFigures {
    pub id: String,
    pub class: String,
    pub uplift: String,
    pub mitigation: Option<String>,
    pub reason: Option<String>,
    pub author: Option<String>,
    pub source: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommitmentFigures {
    pub title: String,
    pub ceiling: Pence,
    pub years: i64,
    pub a_year: Pence,
    pub source: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct YearFigures {
    pub year: FinancialYear,
    pub capital: Pence,
    pub revenue: Pence,
    pub total: Pence,
    pub one_off: Pence,
    /// Against the baseline; below zero the option costs more.
    pub capital_saving: Pence,
    pub revenue_saving: Pence,
    pub saving: Pence,
    /// Saving since the first year.
    pub cumulative: Pence,
    pub factor: Millionths,
    /// Of the saving, and of the total cost.
    pub present_saving: Pence,
    pub present_cost: Pence,
    /// In the money of the year.
    pub cdel: Pence,
    pub rdel: Pence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Payback {
    /// The option never costs more than the baseline, added up: nothing to pay back.
    NoOutlay,
    Within {
        year: FinancialYear,
        /// Years after the base year.
        after: Millionths,
    },
    NotWithinHorizon,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Against {
    pub option: String,
    pub npv: Pence,
}

/// Figures of one unit of a driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PerUnit {
    pub driver: String,
    pub count: i64,
    pub steady_saving: Pence,
    pub one_off: Pence,
}

impl Case {
    /// Its figures as plain data, without sensitivity and simulation, which the caller adds if it wants them.
    pub fn appraisal(&self) -> Appraisal {
        let file = &self.file;
        let options = (0..file.options.len()).map(|at| self.option(at)).collect();
        let percent = |part: Decimal| format!("{}%", (part * Decimal::ONE_HUNDRED).normalize());
        let input = |at: usize| &file.book[at];
        let commitments = file.commitments.iter().map(|commitment| {
            let (ceiling, years) = (input(commitment.ceiling), input(commitment.years).value);
            let ceiling_pence = pence(Some(ceiling.value));
            let years = years.to_i64().unwrap_or(0);
            CommitmentFigures {
                title: commitment.title.clone(),
                ceiling: ceiling_pence,
                years,
                a_year: ceiling_pence.each_of(years).unwrap_or_default(),
                source: ceiling.source.clone(),
            }
        });
        let biases = file.biases.iter().map(|bias| BiasFigures {
            id: bias.id.clone(),
            class: bias.class.clone(),
            uplift: percent(input(bias.uplift).value),
            mitigation: bias.mitigation.map(|at| percent(input(at).value)),
            reason: bias.reason.clone(),
            author: bias.author.clone(),
            source: input(bias.uplift).source.clone(),
        });
        Appraisal {
            title: file.title.clone(),
            price_note: file.price_note.clone(),
            baseline: file.options[file.baseline].id.clone(),
            base_year: file.base_year,
            price_base: file.price_base,
            steady_year: file.steady_year,
            discount_edition: file.discount_edition.clone(),
            life_years: file.life_years,
            years: file.years().collect(),
            factors: self.years.factors.iter().filter_map(|id| millionths(self.value(*id))).collect(),
            levels: self.years.levels.iter().filter_map(|id| millionths(self.value(*id))).collect(),
            assumptions: file.book.clone(),
            drivers: self.driver_figures(),
            options,
            biases: biases.collect(),
            commitments: commitments.collect(),
            findings: self.review(),
            figures: self.model.figures.iter().map(|(figure, id)| (figure.clone(), self.printed(*id))).collect(),
            sensitivity: None,
            simulation: None,
        }
    }

    /// A cell as JSON and the page's data hold it: pounds with two decimals, a count, a quotient with six.
    pub fn printed(&self, id: Id) -> Option<String> {
        let value = self.value(id)?;
        Some(match self.model.cell(id).unit {
            Unit::Money => format!("{value:.2}"),
            Unit::Count | Unit::Plain => value.normalize().to_string(),
            Unit::Percent | Unit::Factor => format!("{value:.6}"),
        })
    }

    fn driver_figures(&self) -> Vec<DriverFigure> {
        let file = &self.file;
        let name = |at: &usize| file.drivers[*at].id.as_str();
        let figure = |(driver, id): (&super::Driver, &Id)| {
            let (query, counted_by) = match &driver.count {
                Count::Asked(query) => (Some(query.query.clone()), Some(query.words())),
                Count::Difference(all, less) => (None, Some(format!("{} less {}", name(all), name(less)))),
                Count::Sum(all) => (None, Some(all.iter().map(name).collect::<Vec<_>>().join(" and "))),
                Count::Given(input) => (None, file.book[*input].source.clone()),
            };
            let count = self.value(*id).and_then(|count| count.to_i64()).unwrap_or_default();
            DriverFigure { id: driver.id.clone(), title: driver.title.clone(), count, query, counted_by }
        };
        file.drivers.iter().zip(&self.drivers).map(figure).collect()
    }

    fn option(&self, at: usize) -> OptionFigures {
        let (settings, costs, cells) = (&self.file.options[at], &self.costs[at], &self.appraised[at]);
        let base = &self.appraised[self.file.baseline];
        let money = |id: Id| pence(self.value(id));
        let part = |id: Id| millionths(self.value(id));
        let all: Vec<FinancialYear> = self.file.years().collect();
        let years = (0..all.len()).map(|y| YearFigures {
            year: all[y],
            capital: money(costs.capital[y]),
            revenue: money(costs.revenue[y]),
            total: money(costs.total[y]),
            one_off: money(costs.one_off[y]),
            capital_saving: money(cells.capital_saving[y]),
            revenue_saving: money(cells.revenue_saving[y]),
            saving: money(cells.saving[y]),
            cumulative: money(cells.cumulative[y]),
            factor: part(self.years.factors[y]).unwrap_or_default(),
            present_saving: money(cells.present_saving[y]),
            present_cost: money(cells.present_cost[y]),
            cdel: money(costs.cdel[y]),
            rdel: money(costs.rdel[y]),
        });
        let line = |line: &LineCells| LineFigures {
            title: line.title.clone(),
            kind: line.kind,
            one_off: line.one_off,
            is_bias: line.is_bias,
            how: line.how.clone(),
            source: line.source.clone(),
            by_year: line.years.iter().map(|id| money(*id)).collect(),
            total: money(line.total),
            nominal: line.nominal.as_ref().map(|ids| ids.iter().map(|id| money(*id)).collect()),
        };
        let benefits = settings.benefits.iter().enumerate().map(|(n, benefit)| BenefitFigures {
            title: benefit.title.clone(),
            class: benefit.class,
            owner: benefit.owner.clone(),
            measure: benefit.measure.clone(),
            total: costs.benefits.iter().find(|(of, _, _)| *of == n).map(|(_, _, line)| money(line.total)),
        });
        let payback = |id: Id| match part(id) {
            None => Payback::NotWithinHorizon,
            Some(Millionths(0)) => Payback::NoOutlay,
            Some(after) => {
                let whole = u16::try_from(after.0 / Millionths::ONE.0).unwrap_or(u16::MAX);
                // A point at the very end of a year lies in it and not in the next.
                let whole = if after.0 % Millionths::ONE.0 == 0 { whole.saturating_sub(1) } else { whole };
                let year = whole.saturating_sub(self.years.offset) + 1;
                let year = all[usize::from(year).min(all.len() - 1)];
                Payback::Within { year, after }
            }
        };
        let payback_years = part(cells.payback);
        let in_life = |years: Millionths, life: u16| years.0 <= i64::from(life) * Millionths::ONE.0;
        let against = cells.npv_against.iter().enumerate().filter(|(other, _)| *other != at);
        let classes = BenefitClass::ALL.into_iter().zip(cells.pv_benefits);
        OptionFigures {
            id: settings.id.clone(),
            title: settings.title.clone(),
            note: settings.note.clone(),
            lines: costs.lines.iter().map(line).collect(),
            benefits: benefits.collect(),
            years: years.collect(),
            capital: money(cells.capital),
            revenue: money(cells.revenue),
            total: money(cells.total),
            saving: money(cells.total_saving),
            one_off: money(cells.one_off),
            one_off_avoided: money(base.one_off),
            steady_saving: money(cells.steady_saving),
            payback_years,
            pays_back_in_life: payback_years.zip(self.file.life_years).map(|(years, life)| in_life(years, life)),
            cumulative_payback: payback(cells.cumulative_payback),
            discounted_payback: payback(cells.discounted_payback),
            present_cost: money(cells.pv_cost),
            equivalent_annual_cost: money(cells.eac),
            npv: money(cells.npv),
            benefit_cost_ratio: part(cells.bcr),
            internal_rate_of_return: part(cells.irr),
            npv_against: against
                .map(|(other, id)| Against { option: self.file.options[other].id.clone(), npv: money(*id) })
                .collect(),
            one_off_may_rise: part(cells.one_off_may_rise),
            saving_may_fall: part(cells.saving_may_fall),
            present_benefits: classes.map(|(class, id)| (class, money(id))).collect(),
            cdel: money(cells.cdel),
            rdel: money(cells.rdel),
            per_unit: cells.per_unit.zip(settings.per_unit).and_then(|((saving, outlay), driver)| {
                let count = self.value(self.drivers[driver])?.to_i64()?;
                let (steady_saving, one_off) = (pence(Some(self.value(saving)?)), pence(Some(self.value(outlay)?)));
                Some(PerUnit { driver: self.file.drivers[driver].id.clone(), count, steady_saving, one_off })
            }),
        }
    }

    /// Whether an amount is worked out from an input that names a price.
    pub(super) fn prices(amount: &Amount) -> Vec<usize> {
        match amount {
            Amount::ByYear(years) => years.values().copied().collect(),
            Amount::EachYear(input) => vec![*input],
            Amount::WhileInUse { charge, break_cost, .. } => {
                [Some(*charge), *break_cost].into_iter().flatten().collect()
            }
            Amount::Unit { cost, .. } => vec![*cost],
            Amount::Pence { .. } => Vec::new(),
        }
    }
}

/// Money cells are rounded to the penny, or are sums of such; the model's check keeps them within reach.
pub(super) fn pence(pounds: Option<Decimal>) -> Pence {
    Pence(pounds.and_then(|pounds| whole(pounds, 100)).unwrap_or_default())
}

fn millionths(value: Option<Decimal>) -> Option<Millionths> {
    whole(value?, 1_000_000).map(Millionths)
}

/// So many parts of one, to the nearest whole part as everywhere.
fn whole(value: Decimal, parts: i64) -> Option<i64> {
    Number::round(value.checked_mul(Decimal::from(parts))?, 0).to_i64()
}
