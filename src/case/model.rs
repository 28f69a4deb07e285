//! Volumes and cash flow: what each driver counts, what each line costs in each year, and the sums.
//! Not what the sums mean: no baseline, no discounting (`appraisal`).

use std::collections::BTreeMap;

use polars::prelude::{IntoLazy, PolarsResult, SortMultipleOptions, col, df};

use super::{Amount, CaseFile, Count, Counts, Kind, Line, Part, Per};
use crate::error::{Error, Result};
use crate::units::{BasisPoints, FinancialYear, Invalid, Pence};

/// One cell of the long table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub option: usize,
    pub kind: Kind,
    pub one_off: bool,
    /// Index into the horizon.
    pub year: usize,
    pub amount: Pence,
}

/// The sums of one option in one year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub capital: Pence,
    pub revenue: Pence,
    /// Of capital and revenue, what is outlay to be paid back.
    pub one_off: Pence,
    /// Of revenue, what comes back every year.
    pub running: Pence,
}

/// What each driver counts, in the order of the file.
pub(super) fn volumes(case: &CaseFile, counts: &Counts) -> Result<Vec<i64>> {
    let mut known: Vec<i64> = Vec::with_capacity(case.drivers.len());
    for driver in &case.drivers {
        let error = |what: String, hint: &str| Error::Case {
            place: format!("{}, driver {}", case.place, driver.id),
            what,
            hint: hint.into(),
        };
        let count = match &driver.count {
            Count::Given(value) => *value,
            Count::Asked(query) => *counts.get(&driver.id).ok_or_else(|| {
                error(format!("query {} has not counted it", query.query), "run the query before the appraisal")
            })?,
            // `load` lets a difference name only drivers above it.
            Count::Difference(whole, part) => known[*whole].saturating_sub(known[*part]),
        };
        if count < 0 {
            return Err(error(
                format!("its count is {count}"),
                "a count is never below zero: look at what it subtracts",
            ));
        }
        known.push(count);
    }
    Ok(known)
}

/// What a line costs in each year of the horizon.
pub(super) fn amounts(case: &CaseFile, line: &Line, volumes: &[i64]) -> Result<Vec<Pence>> {
    let share = |year: usize| line.ramp.map(|(ramp, part)| (case.ramps[ramp].shares[year], part));
    let mut spent = Pence::ZERO;
    let amount = |(at, year): (usize, FinancialYear)| {
        let running = (line.from..=line.until).contains(&year);
        match &line.amount {
            Amount::ByYear(amounts) => part_of(amounts.get(&year).copied().unwrap_or_default(), share(at)),
            Amount::EachYear(amount) if running => part_of(*amount, share(at)),
            Amount::Unit { cost, driver, per: Per::Year } if running => {
                part_of(cost.times(volumes[*driver])?, share(at))
            }
            // Once on a ramp: what the migrated part costs so far, less what was spent before,
            // so that the years add up exactly.
            Amount::Unit { cost, driver, per: Per::Once } if running => {
                let so_far = part_of(cost.times(volumes[*driver])?, share(at))?;
                let now = so_far.minus(spent)?;
                spent = so_far;
                Ok(now)
            }
            Amount::EachYear(_) | Amount::Unit { .. } => Ok(Pence::ZERO),
        }
    };
    let amounts: Result<Vec<Pence>, Invalid> = case.years().enumerate().map(amount).collect();
    amounts.map_err(|error| Error::Case { place: line.place.clone(), what: error.what, hint: error.hint.into() })
}

/// What remains is the whole less what is migrated, so that the two always make up the whole.
fn part_of(whole: Pence, share: Option<(BasisPoints, Part)>) -> Result<Pence, Invalid> {
    match share {
        None => Ok(whole),
        Some((share, Part::Migrated)) => whole.share(share),
        Some((share, Part::Remaining)) => whole.minus(whole.share(share)?),
    }
}

/// Sums of the long table by option and year; what is not in it is zero.
pub(super) fn sums(case: &CaseFile, rows: &[Row]) -> Result<Vec<Vec<Sums>>> {
    let error = |what: String, hint: &str| Error::Case { place: case.place.clone(), what, hint: hint.into() };
    // Polars adds integers without looking. All of them together, signs apart, must fit: then so does any sum or
    // difference of any of them, here and in `appraisal`.
    let all: i128 = rows.iter().map(|row| i128::from(row.amount.0).abs()).sum();
    if all > i128::from(i64::MAX) {
        return Err(error("the amounts together are too large to add".into(), "look for one with too many digits"));
    }
    let found = grouped(rows).map_err(|problem| error(format!("the amounts cannot be added: {problem}"), ""))?;
    let pick = |option: usize| {
        (0..case.years().count()).map(|year| found.get(&(option, year)).copied().unwrap_or_default()).collect()
    };
    Ok((0..case.options.len()).map(pick).collect())
}

fn grouped(rows: &[Row]) -> PolarsResult<BTreeMap<(usize, usize), Sums>> {
    if rows.is_empty() {
        return Ok(BTreeMap::new());
    }
    let table = df!(
        "option" => rows.iter().map(|row| row.option as u64).collect::<Vec<_>>(),
        "year" => rows.iter().map(|row| row.year as u64).collect::<Vec<_>>(),
        "capital" => rows.iter().map(|row| row.kind == Kind::Capital).collect::<Vec<_>>(),
        "one_off" => rows.iter().map(|row| row.one_off).collect::<Vec<_>>(),
        "pence" => rows.iter().map(|row| row.amount.0).collect::<Vec<_>>(),
    )?;
    let capital = || col("capital");
    let sum = |of: polars::prelude::Expr, name: &str| col("pence").filter(of).sum().alias(name);
    let table = table
        .lazy()
        .group_by([col("option"), col("year")])
        .agg([
            sum(capital(), "capital_pence"),
            sum(capital().not(), "revenue_pence"),
            sum(col("one_off"), "one_off_pence"),
            sum(capital().not().and(col("one_off").not()), "running_pence"),
        ])
        .sort(["option", "year"], SortMultipleOptions::default())
        .collect()?;
    let key = |name: &str| -> PolarsResult<Vec<u64>> {
        Ok(table.column(name)?.u64()?.iter().map(Option::unwrap_or_default).collect())
    };
    let pence = |name: &str| -> PolarsResult<Vec<Pence>> {
        Ok(table.column(name)?.i64()?.iter().map(|sum| Pence(sum.unwrap_or_default())).collect())
    };
    let (options, years) = (key("option")?, key("year")?);
    let (capital, revenue) = (pence("capital_pence")?, pence("revenue_pence")?);
    let (one_off, running) = (pence("one_off_pence")?, pence("running_pence")?);
    let row = |at: usize| {
        let sums = Sums { capital: capital[at], revenue: revenue[at], one_off: one_off[at], running: running[at] };
        ((options[at] as usize, years[at] as usize), sums)
    };
    Ok((0..options.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;
    use std::path::Path;

    /// Three years, 1,001 phones of which 40 % have moved in the second year and all in the third.
    fn case(line: &str) -> CaseFile {
        let text = format!(
            r#"title = "T"
first_year = "2022-23"
horizon_years = 3
baseline = "stay"
discount_rate_percent = 0
driver = [{{ id = "phones", value = 1001 }}, {{ id = "kept", value = 1 }},
  {{ id = "gone", difference = ["phones", "kept"] }},
  {{ id = "asked", query = "q", column = "n" }}]
ramp = [{{ id = "move", percent = {{ "2023-24" = 33.33, "2024-25" = 100 }} }}]
[[option]]
id = "stay"
title = "Stay"
[[option.line]]
title = "L"
kind = "revenue"
{line}"#
        );
        load(Path::new("case.toml"), &text).unwrap()
    }

    fn pence(line: &str) -> Vec<i64> {
        let case = case(line);
        amounts(&case, &case.options[0].lines[0], &[1_001, 1, 1_000, 0])
            .unwrap()
            .iter()
            .map(|amount| amount.0)
            .collect()
    }

    #[test]
    fn a_line_costs_what_a_hand_count_gives() {
        // 1,001 × 1p = 1,001p; 33.33 % of it is 333.6333p, so 334p.
        assert_eq!(pence(r#"by_year = { "2023-24" = "5.01", "2024-25" = "-1" }"#), [0, 501, -100]);
        assert_eq!(pence("each_year = \"7\"\nfrom = \"2023-24\""), [0, 700, 700]);
        assert_eq!(pence("each_year = \"7\"\nuntil = \"2023-24\""), [700, 700, 0]);
        let unit = |more: &str| pence(&format!("unit_cost = \"0.01\"\ndriver = \"phones\"\n{more}"));
        assert_eq!(unit("per = \"year\""), [1_001, 1_001, 1_001]);
        assert_eq!(unit("per = \"year\"\nramp = \"move\""), [0, 334, 1_001]);
        assert_eq!(unit("per = \"year\"\nramp = \"move\"\nramp_as = \"remaining\""), [1_001, 667, 0]);
        assert_eq!(unit("per = \"once\"\nramp = \"move\""), [0, 334, 667]);
        assert_eq!(unit("per = \"once\"\nfrom = \"2023-24\""), [0, 1_001, 0]);
    }

    #[test]
    fn a_difference_is_counted_from_its_drivers_and_never_below_zero() {
        let case = case("each_year = \"1\"");
        let asked = Counts::from([("asked".into(), 12)]);
        assert_eq!(volumes(&case, &asked).unwrap(), [1_001, 1, 1_000, 12]);
        let error = volumes(&case, &Counts::new()).unwrap_err();
        assert_eq!(error.to_string(), "case.toml, driver asked: query q has not counted it");
        let mut below = case;
        below.drivers[1].count = Count::Given(1_002);
        assert!(volumes(&below, &asked).unwrap_err().to_string().contains("driver gone: its count is -1"));
    }

    #[test]
    fn an_amount_that_does_not_fit_is_an_error_at_its_line() {
        let case = case("unit_cost = \"92233720368547758.07\"\ndriver = \"phones\"\nper = \"year\"");
        let error = amounts(&case, &case.options[0].lines[0], &[1_001, 1, 1_000, 0]).unwrap_err();
        assert_eq!(error.to_string(), "case.toml:14, title: an amount is too large to hold");
        let row = |year| Row { option: 0, kind: Kind::Revenue, one_off: false, year, amount: Pence(i64::MAX - 1) };
        let error = sums(&case, &[row(0), row(1)]).unwrap_err();
        assert!(error.to_string().contains("too large to add"), "{error}");
    }

    #[test]
    fn the_long_table_is_summed_by_option_and_year() {
        let case = case("each_year = \"1\"");
        let row = |kind, one_off, year, amount| Row { option: 0, kind, one_off, year, amount: Pence(amount) };
        let rows = [
            row(Kind::Capital, true, 0, 100),
            row(Kind::Capital, false, 0, 20),
            row(Kind::Revenue, true, 0, 3),
            row(Kind::Revenue, false, 0, 4),
            row(Kind::Revenue, false, 2, -5),
        ];
        let sums = sums(&case, &rows).unwrap();
        let first = Sums { capital: Pence(120), revenue: Pence(7), one_off: Pence(103), running: Pence(4) };
        let last = Sums { revenue: Pence(-5), running: Pence(-5), ..Sums::default() };
        assert_eq!(sums, [[first, Sums::default(), last]]);
    }
}
