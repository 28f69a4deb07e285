//! The keys of `case.toml`, as they are typed, and what each means. Nothing is checked here (`file`).
//! Where a key names an amount, it is the id of an assumption: a case holds no number of its own but years and months.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::month::Month;
use super::{BenefitClass, Kind, Part, Per, RampShape};
use crate::units::FinancialYear;

type Id = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseToml {
    pub title: String,
    /// The assumptions book, a CSV file beside the case.
    pub assumptions: Spanned<String>,
    /// The deflator series, a CSV file beside the case: `year,index,source`.
    pub deflators: Option<Spanned<String>>,
    /// First financial year shown.
    pub first_year: Spanned<FinancialYear>,
    pub horizon_years: Spanned<u16>,
    /// The year whose pounds are worth 1: discount year 0. Default: `first_year`.
    pub base_year: Option<Spanned<FinancialYear>>,
    /// The year in whose prices the economic case is. Default: `base_year`.
    pub price_base: Option<Spanned<FinancialYear>>,
    /// The year whose saving counts as the steady one. Default: the last of the horizon.
    pub steady_year: Option<Spanned<FinancialYear>>,
    /// How long the thing bought is expected to last, to hold the payback against.
    pub life_years: Option<u16>,
    /// What a reader must know of the prices.
    pub price_note: Option<String>,
    /// An edition of the discount rates that onhook brings along. Default: the one in force.
    pub discount: Option<Spanned<String>>,
    /// The rate of VAT, for lines that say how much of it comes back.
    pub vat_rate: Option<Id>,
    /// The option the others are measured against.
    pub baseline: Id,
    #[serde(default)]
    pub driver: Vec<DriverToml>,
    #[serde(default)]
    pub ramp: Vec<RampToml>,
    #[serde(default)]
    pub bias: Vec<BiasToml>,
    pub option: Vec<OptionToml>,
    #[serde(default)]
    pub commitment: Vec<CommitmentToml>,
    #[serde(default)]
    pub scenario: Vec<ScenarioToml>,
    #[serde(default)]
    pub simulation: SimulationToml,
}

/// Something counted. One of `value`, `query`, `difference`, `sum`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DriverToml {
    pub id: Id,
    pub title: Option<String>,
    /// An agreed number: an assumption …
    pub value: Option<Id>,
    /// … or a sum over the rows of a query …
    pub query: Option<String>,
    pub column: Option<String>,
    pub r#where: Option<BTreeMap<String, OneOrMore>>,
    /// … or the first of two drivers less the second …
    pub difference: Option<[Id; 2]>,
    /// … or several together.
    pub sum: Option<Vec<Id>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or a list of texts any of which will do")]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// How the estate moves, month by month.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RampToml {
    pub id: Id,
    pub shape: Spanned<RampShape>,
    /// First month in which something moves (`linear`, `s_curve`).
    pub from: Option<Spanned<Month>>,
    /// How many months it takes (`linear`, `s_curve`).
    pub months: Option<Id>,
    /// The part moved by the end of each month named (`steps`).
    pub steps: Option<BTreeMap<Spanned<Month>, Id>>,
    /// Months by which all of it comes later.
    pub delay: Option<Id>,
    /// Months for which what has moved is paid for on the old platform too, after the month of the move.
    pub double_running: Option<Id>,
}

/// Optimism bias for the lines that name it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BiasToml {
    pub id: Id,
    /// A class of the published table, whose upper value is taken …
    pub class: Option<Spanned<String>>,
    /// … or an uplift of one's own.
    pub uplift: Option<Id>,
    /// The part of it that has been mitigated.
    pub mitigation: Option<Id>,
    /// Why so much of it, and who says so.
    pub reason: Option<String>,
    pub author: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionToml {
    pub id: Id,
    pub title: String,
    /// What is and is not in it, printed with its figures.
    pub note: Option<String>,
    /// The driver to state saving and one-off cost a unit of, such as phones removed.
    pub per_unit: Option<Id>,
    #[serde(default)]
    pub line: Vec<LineToml>,
    #[serde(default)]
    pub benefit: Vec<LineToml>,
}

/// A cost, or a benefit, which has `class`, `owner` and `measure` too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineToml {
    pub title: Id,
    pub kind: Option<Kind>,
    /// Amounts as they fall …
    pub by_year: Option<BTreeMap<Spanned<FinancialYear>, Id>>,
    /// … whether they are one-off; default: capital is, revenue is not.
    pub one_off: Option<bool>,
    /// … or the same amount each year …
    pub each_year: Option<Id>,
    /// … or a price times a driver's count, each year or once …
    pub unit_cost: Option<Id>,
    pub driver: Option<Id>,
    pub per: Option<Per>,
    /// … sold in packs of so many …
    pub pack: Option<Id>,
    /// … or what a driver counts in pence a year.
    pub pence: Option<Id>,
    pub ramp: Option<Id>,
    pub ramp_as: Option<Part>,
    /// First and last month of an amount that is not `by_year`.
    pub from: Option<Spanned<Month>>,
    pub until: Option<Spanned<Month>>,
    /// A contract that runs to the end of this month, needed or not …
    pub contract_until: Option<Spanned<Month>>,
    /// … unless it is broken for this, in the month after the last extension has left.
    pub break_cost: Option<Id>,
    pub bias: Option<Id>,
    /// The part of its VAT that comes back.
    pub vat_recoverable: Option<Id>,
    /// Benefits only.
    pub class: Option<BenefitClass>,
    pub owner: Option<String>,
    pub measure: Option<String>,
    /// The cost line of the baseline that this benefit is the absence of, as `option: title`.
    pub avoids: Option<Id>,
}

/// An agreed ceiling.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitmentToml {
    pub title: String,
    pub ceiling: Id,
    pub years: Id,
}

/// A set of assumptions that belong together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioToml {
    pub id: Id,
    pub title: String,
    /// Assumption and what it is there: `low`, `high`, or another assumption's id.
    pub set: BTreeMap<Id, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SimulationToml {
    pub seed: u64,
    pub draws: Spanned<u32>,
}

impl Default for SimulationToml {
    fn default() -> Self {
        Self { seed: 1, draws: Spanned::new(0..0, 100_000) }
    }
}
