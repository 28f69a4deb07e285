//! The keys of `case.toml`, as they are typed, and what each means. Nothing is checked here (`file`).

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Kind, Part, Per};
use crate::units::{BasisPoints, FinancialYear, Pence};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseToml {
    pub title: String,
    /// First financial year shown.
    pub first_year: Spanned<FinancialYear>,
    pub horizon_years: Spanned<u16>,
    /// The year whose pounds are worth 1: discount year 0. Default: `first_year`.
    pub base_year: Option<Spanned<FinancialYear>>,
    /// The year whose saving counts as the steady one. Default: the last of the horizon.
    pub steady_year: Option<Spanned<FinancialYear>>,
    /// How long the thing bought is expected to last, to hold the payback against.
    pub life_years: Option<u16>,
    /// Prices of which year, with or without inflation and VAT.
    pub price_note: Option<String>,
    /// One rate for all years, or `[[discount]]` steps.
    pub discount_rate_percent: Option<Spanned<BasisPoints>>,
    #[serde(default)]
    pub discount: Vec<Spanned<DiscountToml>>,
    /// The option the others are measured against.
    pub baseline: Spanned<String>,
    #[serde(default)]
    pub driver: Vec<DriverToml>,
    #[serde(default)]
    pub ramp: Vec<RampToml>,
    pub option: Vec<OptionToml>,
    #[serde(default)]
    pub commitment: Vec<CommitmentToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiscountToml {
    /// Years after the base year from which the rate holds.
    pub from: u16,
    pub percent: BasisPoints,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DriverToml {
    pub id: Spanned<String>,
    pub title: Option<String>,
    /// A published or agreed number …
    pub value: Option<i64>,
    pub source: Option<String>,
    /// … or a sum over the rows of a query …
    pub query: Option<String>,
    pub column: Option<String>,
    pub r#where: Option<BTreeMap<String, OneOrMore>>,
    /// … or the first of two drivers less the second, both defined above.
    pub difference: Option<[Spanned<String>; 2]>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or a list of texts any of which will do")]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RampToml {
    pub id: Spanned<String>,
    /// Share taken as migrated through the whole of that year; a year not named keeps the share of the one before.
    pub percent: BTreeMap<Spanned<FinancialYear>, BasisPoints>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionToml {
    pub id: Spanned<String>,
    pub title: String,
    /// What is and is not in it, printed with its figures.
    pub note: Option<String>,
    /// The driver to state saving and one-off cost a unit of, such as phones removed.
    pub per_unit: Option<Spanned<String>>,
    #[serde(default)]
    pub line: Vec<LineToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineToml {
    pub title: Spanned<String>,
    pub kind: Kind,
    /// Where the figure comes from; a line without is listed as unsourced.
    pub source: Option<String>,
    /// Amounts as they fall …
    pub by_year: Option<BTreeMap<Spanned<FinancialYear>, Pence>>,
    /// … whether they are one-off; default: capital is, revenue is not.
    pub one_off: Option<bool>,
    /// … or the same amount each year …
    pub each_year: Option<Pence>,
    /// … or a price times a driver's count, each year or once.
    pub unit_cost: Option<Pence>,
    pub driver: Option<Spanned<String>>,
    pub per: Option<Per>,
    pub ramp: Option<Spanned<String>>,
    pub ramp_as: Option<Part>,
    /// First and last year of an amount that is not `by_year`.
    pub from: Option<Spanned<FinancialYear>>,
    pub until: Option<Spanned<FinancialYear>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitmentToml {
    pub title: String,
    pub ceiling: Pence,
    pub years: Spanned<u16>,
    pub source: Option<String>,
}
