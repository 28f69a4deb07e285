//! The worked-out case as plain data, for `render` to show and for JSON; the rules behind it are in `appraisal`.
//! No arithmetic here. Money serialises as decimal pounds, a year as `2022-23`, a factor or quotient with six decimals.

use serde::Serialize;

use super::discount::Factor;
use super::{Commitment, Kind, Range};
use crate::units::{FinancialYear, Millionths, Pence};

/// The business case, worked out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Appraisal {
    pub title: String,
    pub price_note: Option<String>,
    /// Id of the option the others are measured against.
    pub baseline: String,
    pub base_year: FinancialYear,
    pub steady_year: FinancialYear,
    pub life_years: Option<u16>,
    pub years: Vec<FinancialYear>,
    pub factors: Vec<Factor>,
    pub drivers: Vec<DriverFigure>,
    /// In the order of the file, the baseline among them.
    pub options: Vec<OptionFigures>,
    pub commitments: Vec<Commitment>,
    pub remarks: Vec<Remark>,
    /// The same over what the evidence leaves open; none where the estate was not asked.
    pub range: Option<Range>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriverFigure {
    pub id: String,
    pub title: String,
    pub count: i64,
    /// Name of the query that counted it.
    pub query: Option<String>,
    /// How it was counted, or from which other drivers it is worked out; none where the file gives the number.
    pub counted_by: Option<String>,
    pub source: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OptionFigures {
    pub id: String,
    pub title: String,
    pub note: Option<String>,
    pub lines: Vec<LineFigures>,
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
    /// Present value of all it costs.
    pub present_cost: Pence,
    /// Net present value against the baseline: what it saves, discounted.
    pub npv: Pence,
    /// The same against each other option.
    pub npv_against: Vec<Against>,
    /// By what part its one-off costs may rise, or all it saves beyond them may fall, before `npv` is nothing; below
    /// zero: by what part they would have to fall, or rise.
    pub one_off_may_rise: Option<Millionths>,
    pub saving_may_fall: Option<Millionths>,
    pub per_unit: Option<PerUnit>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineFigures {
    pub title: String,
    pub kind: Kind,
    pub one_off: bool,
    pub source: Option<String>,
    /// Where the line is a price times a count.
    pub unit: Option<UnitPrice>,
    pub by_year: Vec<Pence>,
    pub total: Pence,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitPrice {
    pub driver: String,
    pub cost: Pence,
    pub count: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct YearFigures {
    pub year: FinancialYear,
    pub capital: Pence,
    pub revenue: Pence,
    pub total: Pence,
    /// Against the baseline; below zero the option costs more.
    pub capital_saving: Pence,
    pub revenue_saving: Pence,
    pub saving: Pence,
    /// Saving since the first year.
    pub cumulative: Pence,
    pub factor: Factor,
    /// Of the saving, and of the total cost.
    pub present_saving: Pence,
    pub present_cost: Pence,
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

/// Something the reader of the figures has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    pub kind: RemarkKind,
    /// Option and line, or driver, or nothing where it concerns the whole.
    pub about: String,
    pub text: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemarkKind {
    Unsourced,
    NoPriceNote,
    BaselineCostsNothing,
    BaselineNoOneOff,
    RecurringCapital,
    CountedNone,
}
