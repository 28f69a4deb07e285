//! The business case: `case.toml`, its assumptions book and what its queries counted in; a model of cells out, from which
//! engine, workbook, simulation and trace all read the same figures. It runs no query and writes no file.
//!
//! ```text
//! load ─CaseFile─▶ queries() ─asked by the caller─▶ Evidence ─▶ Case::new ─▶ appraisal, sensitivity, simulate, trace
//! ```

mod appraise;
mod book;
mod costs;
mod evidence;
mod figures;
mod file;
mod formula;
mod grid;
mod irr;
mod keys;
mod model;
mod month;
mod notation;
mod parameters;
mod quick;
mod review;
mod sensitivity;
mod simulate;
mod trace;
mod volumes;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use book::{Assumption, Measure, Shape, Vat};
pub use evidence::{Doubt, Evidence, LowUse, Unused};
pub use figures::{
    Against, Appraisal, BenefitFigures, BiasFigures, CommitmentFigures, DriverFigure, LineFigures, OptionFigures,
    Payback, PerUnit, YearFigures,
};
pub use file::{load, named_files};
pub use formula::{Formula, Gap, Id, Table};
pub use grid::{Cell, Graph, Model, Place, Sheet, Unit, Values, Words};
pub use model::Case;
pub use month::Month;
pub use notation::{fixed as fixed_place, formula as formula_text};
pub use review::{Finding, Severity};
pub use sensitivity::{OptionSwing, ScenarioFigures, Sensitivity, Swing};
pub use simulate::{Fan, Simulation, Spread};
pub use trace::{From, Step};

use crate::units::FinancialYear;

/// A case file that holds together: references are indexes, years lie inside the horizon.
#[derive(Debug, Clone)]
pub struct CaseFile {
    /// The file's name, for messages.
    pub place: String,
    pub title: String,
    pub first_year: FinancialYear,
    pub horizon_years: u16,
    /// Discount year 0.
    pub base_year: FinancialYear,
    /// The prices of the economic case.
    pub price_base: FinancialYear,
    pub steady_year: FinancialYear,
    pub life_years: Option<u16>,
    pub price_note: Option<String>,
    /// All inputs, the rows of the book first. What refers to an input holds its place here.
    pub book: Vec<Assumption>,
    /// The discount rates in force: years after the base year and the input that holds from there on.
    pub discount: Vec<(u16, usize)>,
    pub discount_edition: String,
    /// Price levels by year; empty where the case brings no series.
    pub deflators: BTreeMap<FinancialYear, usize>,
    pub vat_rate: Option<usize>,
    /// The part of the silent phones that are really unused.
    pub unused_share: usize,
    /// The part of the phones of low use whose true use is low.
    pub low_use_share: usize,
    /// Index into `options`.
    pub baseline: usize,
    pub drivers: Vec<Driver>,
    pub ramps: Vec<Ramp>,
    pub biases: Vec<Bias>,
    pub options: Vec<CaseOption>,
    pub commitments: Vec<Commitment>,
    pub scenarios: Vec<Scenario>,
    pub seed: u64,
    pub draws: u32,
}

impl CaseFile {
    pub fn years(&self) -> impl Iterator<Item = FinancialYear> + use<> {
        let first = self.first_year;
        (0..self.horizon_years).map(move |year| first.plus(year))
    }

    pub fn months(&self) -> impl Iterator<Item = Month> + use<> {
        let first = Month::first_of(self.first_year);
        (0..i32::from(self.horizon_years) * 12).map(move |month| first.plus(month))
    }

    /// What must be counted before the case can be appraised.
    pub fn queries(&self) -> impl Iterator<Item = &DriverQuery> {
        self.drivers.iter().filter_map(|driver| match &driver.count {
            Count::Asked(query) => Some(query),
            _ => None,
        })
    }

    /// The input that says for what part a doubt is unfounded.
    fn share_of(&self, doubt: Doubt) -> usize {
        match doubt {
            Doubt::Silence => self.unused_share,
            Doubt::LowUse => self.low_use_share,
        }
    }

    /// Gives an input another value, as typed: pounds, per cent or a number.
    pub fn set(&mut self, id: &str, value: &str) -> crate::error::Result<()> {
        let error = |what: String, hint: String| crate::error::Error::Case { place: "--set".into(), what, hint };
        let Some(input) = self.book.iter_mut().find(|input| input.id == id) else {
            let hint = "onhook case --trace shows the inputs of a figure; the sheet Assumptions has them all";
            return Err(error(format!("no assumption is called `{id}`"), hint.into()));
        };
        let read = book::decimal(input.measure, value);
        input.value =
            read.ok_or_else(|| error(format!("`{value}` is no {}", input.unit), "write it as in the book".into()))?;
        Ok(())
    }
}

/// Something counted: phones, users, numbers, pence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    pub id: String,
    pub title: String,
    pub count: Count,
    /// File and line.
    pub place: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Count {
    Given(usize),
    Asked(DriverQuery),
    /// The first driver less the second. Drivers stand in `CaseFile::drivers` after those they refer to.
    Difference(usize, usize),
    Sum(Vec<usize>),
}

/// The sum of `column` over the rows of `query` whose every column in `filters` has one of the values listed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverQuery {
    pub driver: String,
    pub query: String,
    pub column: String,
    pub filters: BTreeMap<String, Vec<String>>,
}

impl DriverQuery {
    /// In words, for the reader of the case: `disposition-summary: sum of extensions where action is cease`.
    pub fn words(&self) -> String {
        let filters = self.filters.iter().map(|(column, values)| format!("{column} is {}", values.join(" or ")));
        let filters: Vec<String> = filters.collect();
        let which = if filters.is_empty() { String::new() } else { format!(" where {}", filters.join(", ")) };
        format!("{}: sum of {}{which}", self.query, self.column)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RampShape {
    Linear,
    SCurve,
    Steps,
}

/// How the estate moves, month by month; months are counted from the first of the horizon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ramp {
    pub id: String,
    pub moves: Moves,
    pub delay: Option<usize>,
    pub double_running: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moves {
    /// Evenly, or slowly at both ends: from this month on, over as many months as the input says.
    Evenly { from: i32, months: usize, s_curve: bool },
    /// The part moved by the end of each month named, in order.
    Steps(Vec<(i32, usize)>),
}

/// Optimism bias: cost × (1 + uplift × (1 − mitigation)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bias {
    pub id: String,
    pub class: String,
    pub uplift: usize,
    pub mitigation: Option<usize>,
    pub reason: Option<String>,
    pub author: Option<String>,
    pub place: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseOption {
    pub id: String,
    pub title: String,
    pub note: Option<String>,
    /// Index into `drivers`.
    pub per_unit: Option<usize>,
    pub lines: Vec<Line>,
    pub benefits: Vec<Benefit>,
}

/// One cost of an option; an amount below zero is income.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub title: String,
    pub kind: Kind,
    /// Whether it counts as outlay to be paid back, and not as running cost.
    pub one_off: bool,
    pub amount: Amount,
    /// Months it runs, counted from the first of the horizon, both ends in it.
    pub months: (i32, i32),
    pub bias: Option<usize>,
    pub vat_recoverable: Option<usize>,
    /// File, line and key, for messages.
    pub place: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Benefit {
    pub class: BenefitClass,
    pub owner: Option<String>,
    pub measure: Option<String>,
    /// Its amount, unless it is qualitative.
    pub line: Option<Line>,
    pub title: String,
    /// The line of the baseline that it is the absence of: option and line.
    pub avoids: Option<(usize, usize)>,
    pub place: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    ByYear(BTreeMap<FinancialYear, usize>),
    EachYear(usize),
    /// A yearly charge for as long as any of `driver` is left on the old platform, or its contract runs.
    WhileInUse {
        charge: usize,
        driver: usize,
        ramp: usize,
        contract_until: Option<i32>,
        break_cost: Option<usize>,
    },
    Unit {
        cost: usize,
        driver: usize,
        per: Per,
        ramp: Option<(usize, Part)>,
        pack: Option<usize>,
    },
    /// What a driver counts in pence a year; with a ramp, the part that falls to what has moved or is left of `of`.
    Pence {
        driver: usize,
        ramp: Option<(usize, Part, usize)>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Capital,
    Revenue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    Year,
    Once,
}

/// Which part of the estate a cost on a ramp arises for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Migrated,
    Remaining,
}

/// The classes of the Treasury's guide to business cases; only the first is money for the financial case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenefitClass {
    CashReleasing,
    NonCashReleasing,
    Quantified,
    Qualitative,
}

impl BenefitClass {
    pub const ALL: [Self; 4] = [Self::CashReleasing, Self::NonCashReleasing, Self::Quantified, Self::Qualitative];

    pub fn words(self) -> &'static str {
        match self {
            Self::CashReleasing => "cash-releasing",
            Self::NonCashReleasing => "not cash-releasing",
            Self::Quantified => "quantified",
            Self::Qualitative => "qualitative",
        }
    }
}

/// A ceiling agreed with somebody, shown beside the figures and never added to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    pub title: String,
    pub ceiling: usize,
    pub years: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    pub id: String,
    pub title: String,
    pub set: Vec<(usize, Setting)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    Low,
    High,
    /// As another input is.
    As(usize),
}

#[cfg(test)]
mod tests;
