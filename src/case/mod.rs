//! The business case: `case.toml` and the counts of its drivers in, figures by financial year out.
//! It runs no query and writes no file; it holds cash only, no benefit without a price, and no floating-point money.
//!
//! ```text
//! load(path, text) ─CaseFile─▶ queries() ─asked by the caller─▶ Counts ─▶ appraise ─▶ Appraisal
//! ```

mod appraisal;
mod discount;
mod figures;
mod file;
mod keys;
mod model;
mod range;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use appraisal::appraise;
pub use discount::{Factor, PresentValue, Schedule};
pub use figures::{
    Against, Appraisal, DriverFigure, LineFigures, OptionFigures, Payback, PerUnit, Remark, RemarkKind, UnitPrice,
    YearFigures,
};
pub use file::load;
pub use range::{OptionRange, Range, Unused, range, with_fewer_unused};

use crate::error::{Error, Result};
use crate::units::{BasisPoints, FinancialYear, Pence};

/// What the queries counted, by the driver's id.
pub type Counts = BTreeMap<String, i64>;

/// A case file that holds together: references are indexes, years lie inside the horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseFile {
    /// The file's name, for messages.
    pub place: String,
    pub title: String,
    pub first_year: FinancialYear,
    pub horizon_years: u16,
    /// Discount year 0.
    pub base_year: FinancialYear,
    pub steady_year: FinancialYear,
    pub life_years: Option<u16>,
    pub price_note: Option<String>,
    pub schedule: Schedule,
    /// Index into `options`.
    pub baseline: usize,
    pub drivers: Vec<Driver>,
    pub ramps: Vec<Ramp>,
    pub options: Vec<CaseOption>,
    pub commitments: Vec<Commitment>,
}

impl CaseFile {
    pub fn years(&self) -> impl Iterator<Item = FinancialYear> + use<> {
        let first = self.first_year;
        (0..self.horizon_years).map(move |year| first.plus(year))
    }

    /// What must be counted before the case can be appraised.
    pub fn queries(&self) -> impl Iterator<Item = &DriverQuery> {
        self.drivers.iter().filter_map(|driver| match &driver.count {
            Count::Asked(query) => Some(query),
            Count::Given(_) | Count::Difference(..) => None,
        })
    }
}

/// Something counted: phones, users, numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    pub id: String,
    pub title: String,
    pub count: Count,
    pub source: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Count {
    Given(i64),
    Asked(DriverQuery),
    /// The first driver less the second; both stand above.
    Difference(usize, usize),
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

    /// Counts over an answer given as column names and rows of text; an empty text counts nothing.
    pub fn count<S: AsRef<str>>(&self, columns: &[S], rows: &[Vec<String>]) -> Result<i64> {
        let error = |what: String, hint: String| Error::Case { place: format!("driver {}", self.driver), what, hint };
        let find = |name: &str| {
            columns.iter().position(|column| column.as_ref() == name).ok_or_else(|| {
                let known: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
                let hint = format!("its columns: {}", known.join(", "));
                error(format!("query {} has no column `{name}`", self.query), hint)
            })
        };
        let summed = find(&self.column)?;
        let filters: Vec<(usize, &[String])> =
            self.filters.iter().map(|(name, values)| Ok((find(name)?, values.as_slice()))).collect::<Result<_>>()?;
        let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
        let mut total = 0_i64;
        for row in rows.iter().filter(|row| filters.iter().all(|(column, any)| any.contains(&cell(row, *column)))) {
            let text = cell(row, summed);
            let count = if text.is_empty() { Some(0) } else { text.parse::<i64>().ok().filter(|count| *count >= 0) };
            total = count.and_then(|count| total.checked_add(count)).ok_or_else(|| {
                let what = format!("query {}, column {}: `{text}` is not a count", self.query, self.column);
                error(what, "name a column of whole numbers, none below zero".into())
            })?;
        }
        Ok(total)
    }
}

/// The share migrated in each year of the horizon, never falling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ramp {
    pub id: String,
    pub shares: Vec<BasisPoints>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseOption {
    pub id: String,
    pub title: String,
    pub note: Option<String>,
    /// Index into `drivers`.
    pub per_unit: Option<usize>,
    pub lines: Vec<Line>,
}

/// One cost of an option; an amount below zero is income.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub title: String,
    pub kind: Kind,
    /// Whether it counts as outlay to be paid back, and not as running cost.
    pub one_off: bool,
    pub source: Option<String>,
    pub amount: Amount,
    /// Index into `ramps`, and which part of the estate bears the cost.
    pub ramp: Option<(usize, Part)>,
    pub from: FinancialYear,
    pub until: FinancialYear,
    /// File, line and key, for messages.
    pub place: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    ByYear(BTreeMap<FinancialYear, Pence>),
    EachYear(Pence),
    Unit { cost: Pence, driver: usize, per: Per },
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Migrated,
    Remaining,
}

/// A ceiling agreed with somebody, shown beside the figures and never added to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Commitment {
    pub title: String,
    pub ceiling: Pence,
    pub years: u16,
    pub source: Option<String>,
}

impl Commitment {
    pub fn a_year(&self) -> Pence {
        // `load` refuses a commitment of no years.
        self.ceiling.each_of(i64::from(self.years)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Millionths;
    use std::path::Path;

    const PUBLISHED: &str = include_str!("../../sample-data/published-case/case.toml");
    const SAMPLE: &str = include_str!("../../sample-data/case.toml");

    fn thousand(pounds: i64) -> Pence {
        Pence(pounds * 100_000)
    }

    /// The figures of reference document 001 and what they imply, each to the pound.
    #[test]
    fn the_published_case_comes_out_as_published() {
        let case = load(Path::new("case.toml"), PUBLISHED).unwrap();
        assert_eq!(case.queries().count(), 0);
        let appraisal = appraise(&case, &Counts::new()).unwrap();
        let counts: Vec<i64> = appraisal.drivers.iter().map(|driver| driver.count).collect();
        assert_eq!(counts, [20_000, 5_000, 15_000, 15_000, 5_000, 5_000]);

        let [stay, go] = appraisal.options.as_slice() else { panic!("two options") };
        let of = |read: fn(&YearFigures) -> Pence| -> Vec<Pence> { go.years.iter().map(read).collect() };
        let nothing = [Pence::ZERO; 5];
        assert_eq!(of(|year| year.capital), [&[thousand(1_443), thousand(3_316)], &nothing[..]].concat());
        assert_eq!(of(|year| year.revenue), [&[thousand(470), thousand(1_581)], &nothing[..]].concat());
        assert_eq!(of(|year| year.total)[..2], [thousand(1_913), thousand(4_897)]);
        assert_eq!((go.capital, go.revenue), (thousand(4_759), thousand(2_051)));
        assert_eq!((go.one_off, go.total), (thousand(6_810), thousand(6_810)));

        assert_eq!(appraisal.steady_year.to_string(), "2024-25");
        assert_eq!(go.steady_saving, thousand(882));
        assert_eq!(of(|year| year.revenue_saving)[2..], [thousand(882); 5]);
        assert_eq!(of(|year| year.capital_saving)[2..], nothing);
        let payback = go.payback_years.unwrap();
        assert_eq!((payback, payback.one_decimal().as_str()), (Millionths(7_721_088), "7.7"));
        assert_eq!((appraisal.life_years, go.pays_back_in_life), (Some(5), Some(false)));
        // Five years save £4,410k, which is £2,400k short.
        assert_eq!(go.years[6].cumulative, thousand(-2_400));
        assert_eq!((go.saving, go.cumulative_payback), (thousand(-2_400), Payback::NotWithinHorizon));

        let unit = go.per_unit.as_ref().unwrap();
        assert_eq!((unit.driver.as_str(), unit.count), ("phones_removed", 15_000));
        assert_eq!((unit.steady_saving.to_string(), unit.one_off.to_string()), ("£58.80".into(), "£454.00".into()));

        // −1,913 − 4,897 / 1.035 + 882 × (1.035⁻² … 1.035⁻⁶), in exact fractions: −£2,796,791.1158.
        assert_eq!(go.npv, Pence(-279_679_112));
        assert_eq!(go.discounted_payback, Payback::NotWithinHorizon);
        // To be worth nothing either way, one-off costs would have to fall by 42.0924 %, or the saving
        // rise by 72.6891 %.
        assert_eq!(go.one_off_may_rise, Some(Millionths(-420_924)));
        assert_eq!(go.saving_may_fall, Some(Millionths(-726_891)));
        assert_eq!((stay.npv, stay.saving, stay.one_off), (Pence::ZERO, Pence::ZERO, Pence::ZERO));
        assert_eq!(stay.npv_against, [Against { option: "consolidate".into(), npv: Pence(279_679_112) }]);

        let [contract] = appraisal.commitments.as_slice() else { panic!("one commitment") };
        assert_eq!((contract.ceiling, contract.years, contract.a_year()), (thousand(1_725), 5, thousand(345)));
        // All it has to own up to: what staying would need is not in it.
        let kinds: Vec<RemarkKind> = appraisal.remarks.iter().map(|remark| remark.kind).collect();
        assert_eq!(kinds, [RemarkKind::BaselineNoOneOff]);
    }

    fn table() -> (Vec<&'static str>, Vec<Vec<String>>) {
        let columns = vec!["source", "platform", "use", "verdict", "action", "extensions"];
        let rows = [
            ["hq", "cisco-cucm", "hot_desk", "idle", "cease", "40"],
            ["hq", "cisco-cucm", "meeting_room", "in_use", "remove_handset", "20"],
            ["hq", "cisco-cucm", "personal", "in_use", "teams_ddi", "100"],
            ["old", "mitel-smdr", "custody", "protected", "fixed", "30"],
            ["old", "mitel-smdr", "unknown", "idle", "review", "10"],
            ["mcvp", "avaya-cm", "role", "idle", "cease", "50"],
            ["mcvp", "avaya-cm", "role", "in_use", "keep", ""],
        ];
        (columns, rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect())
    }

    #[test]
    fn the_case_of_the_sample_counts_its_drivers_by_query() {
        let case = load(Path::new("case.toml"), SAMPLE).unwrap();
        let (columns, rows) = table();
        let counts: Counts =
            case.queries().map(|query| (query.driver.clone(), query.count(&columns, &rows).unwrap())).collect();
        let expected = [("old", 200), ("removed", 60), ("to_teams", 100), ("unused", 40)];
        assert_eq!(counts, expected.map(|(driver, count)| (driver.to_string(), count)).into());
        let appraisal = appraise(&case, &counts).unwrap();
        let drivers: Vec<i64> = appraisal.drivers.iter().map(|driver| driver.count).collect();
        assert_eq!(drivers, [200, 60, 100, 140, 40, 160, 40]);
        let counted_by: Vec<&str> =
            appraisal.drivers.iter().filter_map(|driver| driver.counted_by.as_deref()).collect();
        assert_eq!(
            counted_by[1],
            "disposition-summary: sum of extensions where action is cease or remove_handset, platform is cisco-cucm or mitel-smdr"
        );
        assert_eq!(counted_by[3], "old less removed");
        assert_eq!(appraisal.remarks, []);

        let [stay, least, go] = appraisal.options.as_slice() else { panic!("three options") };
        // By hand, in pounds a year once all has moved: stay 200 × 96 + 6,000; do the minimum 160 × 96 + 6,000;
        // consolidate 100 × 54 + 40 × 72.
        assert_eq!(stay.years[5].revenue, Pence(2_520_000));
        assert_eq!((least.years[5].revenue, least.steady_saving), (Pence(2_136_000), Pence(384_000)));
        assert_eq!((go.years[5].revenue, go.steady_saving), (Pence(828_000), Pence(1_692_000)));
        // One-off: 45,000 + 200 × 110; 40 × 18.50 + 45,000 + 160 × 110; 40 × 145 + 14,000 + 200 × 26.50 + 23,000.
        assert_eq!((stay.one_off, least.one_off, go.one_off), (Pence(6_700_000), Pence(6_334_000), Pence(4_810_000)));
        // First year of the move, a quarter of it: 150 × 96 + 6,000 + 25 × 54 + 10 × 72 + 50 × 26.50 + 16,000 of
        // revenue, 10 × 145 + 14,000 of capital.
        assert_eq!((go.years[0].revenue, go.years[0].capital), (Pence(3_979_500), Pence(1_545_000)));
    }

    #[test]
    fn a_count_says_which_column_or_cell_is_wrong() {
        let (columns, mut rows) = table();
        let filters = BTreeMap::from([("action".to_string(), vec!["cease".to_string()])]);
        let mut query = DriverQuery { driver: "d".into(), query: "q".into(), column: "extensions".into(), filters };
        assert_eq!(query.count(&columns, &rows).unwrap(), 90);
        rows[0][5] = "4.5".into();
        let error = query.count(&columns, &rows).unwrap_err();
        assert_eq!(error.to_string(), "driver d: query q, column extensions: `4.5` is not a count");
        query.column = "phones".into();
        let error = query.count(&columns, &rows).unwrap_err();
        assert_eq!(error.to_string(), "driver d: query q has no column `phones`");
        assert!(error.hint().contains("extensions"));
    }
}
