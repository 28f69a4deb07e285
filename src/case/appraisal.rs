//! What the cash flows mean: savings against the baseline, payback and net present value.
//! Out come `figures`, plain data; nothing is drawn or written here.
//!
//! The rules, so that a reader can check them with a pencil:
//! - saving = what the baseline costs − what the option costs, year by year, capital and revenue apart;
//! - one-off = the option's own capital and revenue marked one-off (not less what the baseline would have spent);
//! - steady saving = the saving on running revenue in the steady year: no capital, nothing one-off;
//! - payback = one-off ÷ steady saving in years, six decimals kept, shown to one;
//! - cumulative payback = the point from which the saving added up since the first year stays at zero or above, the
//!   year's amount taken as falling evenly through the year; counted in years after the base year;
//! - present values are rounded to the penny once, after the sum, so a column of them may differ by
//!   pennies from its total.

use super::discount::{Factor, PresentValue};
use super::figures::{
    Against, Appraisal, DriverFigure, LineFigures, OptionFigures, Payback, PerUnit, Remark, RemarkKind, UnitPrice,
    YearFigures,
};
use super::model::{Row, Sums, amounts, sums, volumes};
use super::{Amount, CaseFile, CaseOption, Count, Counts, Driver, Kind};
use crate::error::{Error, Result};
use crate::units::{FinancialYear, Invalid, Millionths, Pence};

/// Works the case out from what its queries counted.
pub fn appraise(case: &CaseFile, counts: &Counts) -> Result<Appraisal> {
    let volumes = volumes(case, counts)?;
    let mut rows = Vec::new();
    let mut lines = Vec::with_capacity(case.options.len());
    for (option, settings) in case.options.iter().enumerate() {
        let mut figures = Vec::with_capacity(settings.lines.len());
        for line in &settings.lines {
            let by_year = amounts(case, line, &volumes)?;
            let row = |(year, &amount)| Row { option, kind: line.kind, one_off: line.one_off, year, amount };
            rows.extend(by_year.iter().enumerate().map(row));
            figures.push((line, by_year));
        }
        lines.push(figures);
    }
    let sums = sums(case, &rows)?;
    let wrong = |error: Invalid| Error::Case { place: case.place.clone(), what: error.what, hint: error.hint.into() };

    let years: Vec<FinancialYear> = case.years().collect();
    // `load` lets the base year be the first or lie before it, by at most a horizon.
    let offset = u16::try_from(case.first_year.since(case.base_year)).unwrap_or_default();
    let factors: Vec<Factor> =
        case.schedule.factors(offset + case.horizon_years - 1).into_iter().skip(usize::from(offset)).collect();
    let flows: Vec<Flow<'_>> =
        sums.iter().map(|sums| Flow { years: &years, factors: &factors, offset, sums }).collect();

    let mut options = Vec::with_capacity(case.options.len());
    for (index, option) in case.options.iter().enumerate() {
        let mut figures = figures(case, option, &flows[index], &flows[case.baseline]).map_err(wrong)?;
        for (other, flow) in flows.iter().enumerate().filter(|(other, _)| *other != index) {
            let npv = flows[index].npv_against(flow).and_then(PresentValue::pence).map_err(wrong)?;
            figures.npv_against.push(Against { option: case.options[other].id.clone(), npv });
        }
        figures.per_unit = option.per_unit.and_then(|driver| {
            let count = volumes[driver];
            let steady_saving = figures.steady_saving.each_of(count)?;
            let one_off = figures.one_off.each_of(count)?;
            Some(PerUnit { driver: case.drivers[driver].id.clone(), count, steady_saving, one_off })
        });
        for (line, by_year) in &lines[index] {
            let unit = match line.amount {
                Amount::Unit { cost, driver, .. } => {
                    Some(UnitPrice { driver: case.drivers[driver].id.clone(), cost, count: volumes[driver] })
                }
                Amount::ByYear(_) | Amount::EachYear(_) => None,
            };
            figures.lines.push(LineFigures {
                title: line.title.clone(),
                kind: line.kind,
                one_off: line.one_off,
                source: line.source.clone(),
                unit,
                by_year: by_year.clone(),
                total: Pence::sum(by_year.iter().copied()).map_err(wrong)?,
            });
        }
        options.push(figures);
    }
    let drivers: Vec<DriverFigure> =
        case.drivers.iter().zip(&volumes).map(|(driver, &count)| driver_figure(&case.drivers, driver, count)).collect();
    let remarks = remarks(case, &options, &drivers);
    Ok(Appraisal {
        title: case.title.clone(),
        price_note: case.price_note.clone(),
        baseline: case.options[case.baseline].id.clone(),
        base_year: case.base_year,
        steady_year: case.steady_year,
        life_years: case.life_years,
        years,
        factors,
        drivers,
        options,
        commitments: case.commitments.clone(),
        remarks,
        range: None,
    })
}

/// What one option costs, year by year.
struct Flow<'a> {
    years: &'a [FinancialYear],
    factors: &'a [Factor],
    /// Years from the base year to the first.
    offset: u16,
    sums: &'a [Sums],
}

impl Flow<'_> {
    fn present(&self, of: impl Fn(&Sums) -> Result<Pence, Invalid>) -> Result<PresentValue, Invalid> {
        self.sums
            .iter()
            .zip(self.factors)
            .try_fold(PresentValue::default(), |sum, (year, factor)| sum.plus(PresentValue::of(of(year)?, *factor)))
    }

    fn total(&self, of: impl Fn(&Sums) -> Pence) -> Result<Pence, Invalid> {
        Pence::sum(self.sums.iter().map(of))
    }

    /// What the other costs more than this, in today's money.
    fn npv_against(&self, other: &Flow<'_>) -> Result<PresentValue, Invalid> {
        other.present(whole)?.minus(self.present(whole)?)
    }

    /// When the flow, added up, reaches zero for good.
    fn payback(&self, flow: &[i128]) -> Payback {
        let added: Vec<i128> = flow
            .iter()
            .scan(0, |sum, amount| {
                *sum += amount;
                Some(*sum)
            })
            .collect();
        let Some(last) = added.iter().rposition(|sum| *sum < 0) else { return Payback::NoOutlay };
        let Some((year, amount)) = self.years.get(last + 1).zip(flow.get(last + 1)) else {
            return Payback::NotWithinHorizon;
        };
        let whole_years = (i64::from(self.offset) + last as i64) * Millionths::ONE.0;
        // The sum was below zero and is not after this amount, so the amount is above zero.
        match Millionths::of(-added[last], *amount) {
            Some(part) => Payback::Within { year: *year, after: Millionths(whole_years + part.0) },
            None => Payback::NotWithinHorizon,
        }
    }
}

fn whole(year: &Sums) -> Result<Pence, Invalid> {
    year.capital.plus(year.revenue)
}

fn figures(case: &CaseFile, option: &CaseOption, own: &Flow<'_>, base: &Flow<'_>) -> Result<OptionFigures, Invalid> {
    let mut years = Vec::with_capacity(own.years.len());
    let (mut cumulative, mut saved, mut saved_now) = (Pence::ZERO, Vec::new(), Vec::new());
    for (at, (sums, stay)) in own.sums.iter().zip(base.sums).enumerate() {
        let (total, factor) = (whole(sums)?, own.factors[at]);
        let capital_saving = stay.capital.minus(sums.capital)?;
        let revenue_saving = stay.revenue.minus(sums.revenue)?;
        let saving = capital_saving.plus(revenue_saving)?;
        cumulative = cumulative.plus(saving)?;
        let present = PresentValue::of(saving, factor);
        saved.push(i128::from(saving.0));
        saved_now.push(present.narrow());
        years.push(YearFigures {
            year: own.years[at],
            capital: sums.capital,
            revenue: sums.revenue,
            total,
            capital_saving,
            revenue_saving,
            saving,
            cumulative,
            factor,
            present_saving: present.pence()?,
            present_cost: PresentValue::of(total, factor).pence()?,
        });
    }
    // `load` keeps the steady year inside the horizon.
    let steady = own.years.iter().position(|year| *year == case.steady_year).unwrap_or_default();
    let steady_saving = base.sums[steady].running.minus(own.sums[steady].running)?;
    let one_off = own.total(|year| year.one_off)?;
    let payback_years = (one_off > Pence::ZERO && steady_saving > Pence::ZERO)
        .then(|| Millionths::of(one_off.0.into(), steady_saving.0.into()))
        .flatten();
    let in_life = |years: Millionths, life: u16| years.0 <= i64::from(life) * Millionths::ONE.0;
    let npv = own.npv_against(base)?;
    let outlay = own.present(|year| Ok(year.one_off))?;
    let rest = npv.plus(outlay)?;
    let capital = own.total(|year| year.capital)?;
    let revenue = own.total(|year| year.revenue)?;
    Ok(OptionFigures {
        id: option.id.clone(),
        title: option.title.clone(),
        note: option.note.clone(),
        lines: Vec::new(),
        years,
        capital,
        revenue,
        total: capital.plus(revenue)?,
        saving: cumulative,
        one_off,
        one_off_avoided: base.total(|year| year.one_off)?,
        steady_saving,
        payback_years,
        pays_back_in_life: payback_years.zip(case.life_years).map(|(years, life)| in_life(years, life)),
        cumulative_payback: own.payback(&saved),
        discounted_payback: own.payback(&saved_now),
        present_cost: own.present(whole)?.pence()?,
        npv: npv.pence()?,
        npv_against: Vec::new(),
        one_off_may_rise: Millionths::of(npv.narrow(), outlay.narrow()),
        saving_may_fall: Millionths::of(npv.narrow(), rest.narrow()),
        per_unit: None,
    })
}

fn driver_figure(drivers: &[Driver], driver: &Driver, count: i64) -> DriverFigure {
    let (query, counted_by) = match &driver.count {
        Count::Asked(query) => (Some(query.query.clone()), Some(query.words())),
        Count::Difference(all, less) => (None, Some(format!("{} less {}", drivers[*all].id, drivers[*less].id))),
        Count::Given(_) => (None, None),
    };
    let (id, title, source) = (driver.id.clone(), driver.title.clone(), driver.source.clone());
    DriverFigure { id, title, count, query, counted_by, source }
}

fn remarks(case: &CaseFile, options: &[OptionFigures], drivers: &[DriverFigure]) -> Vec<Remark> {
    let mut found = Vec::new();
    let mut say = |kind, about: String, text| found.push(Remark { kind, about, text });
    if case.price_note.is_none() {
        say(RemarkKind::NoPriceNote, String::new(), "nothing says in which year's prices it is, and whether with VAT");
    }
    let baseline = &options[case.baseline];
    if baseline.lines.is_empty() {
        let text = "the baseline costs nothing: staying as it is has a price";
        say(RemarkKind::BaselineCostsNothing, baseline.id.clone(), text);
    } else if baseline.one_off <= Pence::ZERO {
        let text = "the baseline has no one-off cost: an upgrade or replacement that staying would need is not counted";
        say(RemarkKind::BaselineNoOneOff, baseline.id.clone(), text);
    }
    for driver in drivers.iter().filter(|driver| driver.query.is_some() && driver.count == 0) {
        say(RemarkKind::CountedNone, driver.id.clone(), "its query counts none: look at its `where`");
    }
    for option in options {
        for line in &option.lines {
            let about = || format!("{}: {}", option.id, line.title);
            if line.source.is_none() {
                say(RemarkKind::Unsourced, about(), "nothing says where this figure comes from");
            }
            if line.kind == Kind::Capital && !line.one_off {
                let text =
                    "capital that comes again is in the cash flow and the net present value, not in the simple payback";
                say(RemarkKind::RecurringCapital, about(), text);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    /// Against a baseline of nothing; amounts of the option's lines by year from 2022-23.
    fn one_option(rate: &str, horizon: usize, lines: &[(&str, &[&str])]) -> Appraisal {
        let mut text = format!(
            "title = \"T\"\nfirst_year = \"2022-23\"\nhorizon_years = {horizon}\nbaseline = \"stay\"\n\
             discount_rate_percent = {rate}\n[[option]]\nid = \"stay\"\ntitle = \"Stay\"\n\
             [[option]]\nid = \"go\"\ntitle = \"Go\"\n"
        );
        for (kind, amounts) in lines {
            let years: Vec<String> = amounts
                .iter()
                .enumerate()
                .map(|(at, amount)| format!("\"{}-{}\" = \"{amount}\"", 2022 + at, 23 + at))
                .collect();
            text +=
                &format!("[[option.line]]\ntitle = \"L\"\nkind = \"{kind}\"\nby_year = {{ {} }}\n", years.join(", "));
        }
        appraise(&load(Path::new("case.toml"), &text).unwrap(), &Counts::new()).unwrap()
    }

    #[test]
    fn net_present_values_are_those_of_the_oracles() {
        // NPV(−100, 30 × 5) = 35.451571, here in millions of pounds so that six decimals are whole pounds.
        let income = ["0", "-30000000", "-30000000", "-30000000", "-30000000", "-30000000"];
        let appraisal = one_option("3.5", 6, &[("capital", &["100000000"]), ("revenue", &income)]);
        assert_eq!(appraisal.options[1].npv.whole_pounds(), "£35,451,571");
        // NPV(−100, −50, −50, 30 × 7) = −23.744947.
        let mut income = vec!["0"; 3];
        income.extend(["-30000000"; 7]);
        let outlay = ["100000000", "50000000", "50000000"];
        let appraisal = one_option("3.5", 10, &[("capital", &outlay), ("revenue", &income)]);
        assert_eq!(appraisal.options[1].npv.whole_pounds(), "-£23,744,947");
        assert_eq!(appraisal.options[1].npv_against[0].npv, appraisal.options[1].npv);
        assert_eq!(appraisal.options[0].npv_against[0].npv.whole_pounds(), "£23,744,947");
    }

    #[test]
    fn payback_and_switching_values_are_those_of_the_oracle() {
        // £m −2.0, 0.5, 0.9 × 4: NPV 1.677074, payback 2.666667 y, discounted 2.833692 y; benefits may fall 45.6089 %
        // or capital rise 83.8537 %.
        let income = ["0", "-500000", "-900000", "-900000", "-900000", "-900000"];
        let appraisal = one_option("3.5", 6, &[("capital", &["2000000"]), ("revenue", &income)]);
        let go = &appraisal.options[1];
        assert_eq!(go.npv.whole_pounds(), "£1,677,074");
        let within = |payback: Payback| match payback {
            Payback::Within { year, after } => (year.to_string(), after),
            other => panic!("{other:?}"),
        };
        assert_eq!(within(go.cumulative_payback), ("2025-26".into(), Millionths(2_666_667)));
        assert_eq!(within(go.discounted_payback), ("2025-26".into(), Millionths(2_833_692)));
        assert_eq!(go.saving_may_fall, Some(Millionths(456_089)));
        assert_eq!(go.one_off_may_rise, Some(Millionths(838_537)));
        // Simple payback: 2.0 ÷ 0.9 in the last year.
        assert_eq!(go.payback_years, Some(Millionths(2_222_222)));
    }

    #[test]
    fn payback_says_when_there_is_none() {
        let payback = |amounts: &[&str]| one_option("0", 3, &[("revenue", amounts)]).options[1].cumulative_payback;
        assert_eq!(payback(&["0", "0", "0"]), Payback::NoOutlay);
        assert_eq!(payback(&["-1", "1", "-1"]), Payback::NoOutlay);
        assert_eq!(payback(&["3", "-1", "-1"]), Payback::NotWithinHorizon);
        // Paid back in the second year, and under water again in the third: not paid back.
        assert_eq!(payback(&["3", "-5", "4"]), Payback::NotWithinHorizon);
    }

    #[test]
    fn an_earlier_base_year_discounts_every_year_more() {
        let text = "title = \"T\"\nfirst_year = \"2023-24\"\nbase_year = \"2022-23\"\nhorizon_years = 2\n\
            baseline = \"stay\"\n\
            discount_rate_percent = 3.5\n[[option]]\nid = \"stay\"\ntitle = \"Stay\"\n\
            line = [{ title = \"L\", kind = \"capital\", each_year = \"1000000\" }]\n";
        let appraisal = appraise(&load(Path::new("case.toml"), text).unwrap(), &Counts::new()).unwrap();
        let shown: Vec<String> = appraisal.factors.iter().map(|factor| factor.millionths().to_string()).collect();
        assert_eq!(shown, ["0.966184", "0.933511"]);
        assert_eq!(appraisal.options[0].present_cost.whole_pounds(), "£1,899,694");
        let kinds: Vec<RemarkKind> = appraisal.remarks.iter().map(|remark| remark.kind).collect();
        let expected = [
            RemarkKind::NoPriceNote,
            RemarkKind::BaselineNoOneOff,
            RemarkKind::Unsourced,
            RemarkKind::RecurringCapital,
        ];
        assert_eq!(kinds, expected);
    }

    fn amounts() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(-1_000_000_000_i64..1_000_000_000, 4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn whatever_the_lines_everything_adds_up(
            lines in prop::collection::vec((0_usize..3, any::<bool>(), amounts()), 0..8),
            rate in 0_i32..2_000,
        ) {
            let mut text = format!(
                "title = \"T\"\nfirst_year = \"2022-23\"\nhorizon_years = 4\nbaseline = \"o1\"\n\
                 discount_rate_percent = \"{}.{:02}\"\n",
                rate / 100, rate % 100
            );
            for option in 0..3 {
                text += &format!("[[option]]\nid = \"o{option}\"\ntitle = \"O\"\n");
                for (_, capital, amounts) in lines.iter().filter(|line| line.0 == option) {
                    let kind = if *capital { "capital" } else { "revenue" };
                    text += &format!("[[option.line]]\ntitle = \"L\"\nkind = \"{kind}\"\n[option.line.by_year]\n");
                    for (at, amount) in amounts.iter().enumerate() {
                        let pence = amount.unsigned_abs();
                        let sign = if *amount < 0 { "-" } else { "" };
                        let pounds = format!("{sign}{}.{:02}", pence / 100, pence % 100);
                        text += &format!("\"{}-{}\" = \"{pounds}\"\n", 2022 + at, 23 + at);
                    }
                }
            }
            let appraisal = appraise(&load(Path::new("case.toml"), &text).unwrap(), &Counts::new()).unwrap();
            let all: i64 = lines.iter().flat_map(|line| &line.2).sum();
            prop_assert_eq!(appraisal.options.iter().map(|option| option.total.0).sum::<i64>(), all);
            let stay = &appraisal.options[1];
            prop_assert!(stay.years.iter().all(|year| year.saving == Pence::ZERO));
            prop_assert_eq!((stay.npv, stay.saving, stay.steady_saving), (Pence::ZERO, Pence::ZERO, Pence::ZERO));
            for option in &appraisal.options {
                let by_line: i64 = option.lines.iter().map(|line| line.total.0).sum();
                let by_year: i64 = option.years.iter().map(|year| year.total.0).sum();
                prop_assert_eq!((by_line, by_year), (option.total.0, option.total.0));
                prop_assert_eq!(option.capital.0 + option.revenue.0, option.total.0);
                prop_assert_eq!(option.saving.0, stay.total.0 - option.total.0);
                prop_assert_eq!(option.years[3].cumulative, option.saving);
                for (at, year) in option.years.iter().enumerate() {
                    prop_assert_eq!(year.capital.0 + year.revenue.0, year.total.0);
                    prop_assert_eq!(year.capital_saving.0 + year.revenue_saving.0, year.saving.0);
                    prop_assert_eq!(year.saving.0, stay.years[at].total.0 - year.total.0);
                }
                // Each year's present value is off by at most half a penny, the whole by half a penny.
                let shown: i64 = option.years.iter().map(|year| year.present_saving.0).sum();
                prop_assert!((shown - option.npv.0).abs() <= 2, "{} {}", shown, option.npv);
                prop_assert!((stay.present_cost.0 - option.present_cost.0 - option.npv.0).abs() <= 1);
            }
        }
    }
}
