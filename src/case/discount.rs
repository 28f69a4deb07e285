//! Discount rates by years from the base year, and the factors they give. Not what is discounted (`appraisal`).
//!
//! A factor is held as a whole number of 10⁻¹⁸ and each step divides by its own rate, rounding half to even: after a
//! century the error is below 10⁻¹⁶, a hundredth of a penny on a trillion pounds, and the same on every machine.
//! Present values are summed at that scale and become pence once, at the end.

use serde::{Serialize, Serializer};

use crate::units::{BasisPoints, Invalid, Millionths, Pence, div_half_even};

const SCALE: i128 = 1_000_000_000_000_000_000;

/// What a pound so many years after the base year is worth in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor(i128);

impl Factor {
    pub const ONE: Self = Self(SCALE);

    /// To six decimals, as tables of factors print it.
    pub fn millionths(self) -> Millionths {
        // A factor is at most one, so its millionths fit.
        Millionths(div_half_even(self.0, SCALE / 1_000_000) as i64)
    }

    /// For the cell of a spreadsheet or the axis of a chart; never to reckon with.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / SCALE as f64
    }
}

impl Serialize for Factor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.millionths().serialize(serializer)
    }
}

/// A present value that has not been rounded yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PresentValue(i128);

impl PresentValue {
    /// |pence| < 2⁶³ and a factor is at most 10¹⁸ < 2⁶⁰, so the product fits in 127 bits.
    pub fn of(amount: Pence, factor: Factor) -> Self {
        Self(i128::from(amount.0) * factor.0)
    }

    pub fn plus(self, other: Self) -> Result<Self, Invalid> {
        self.0.checked_add(other.0).map(Self).ok_or_else(too_large)
    }

    pub fn minus(self, other: Self) -> Result<Self, Invalid> {
        self.0.checked_sub(other.0).map(Self).ok_or_else(too_large)
    }

    pub fn sum(values: impl IntoIterator<Item = Self>) -> Result<Self, Invalid> {
        values.into_iter().try_fold(Self::default(), Self::plus)
    }

    /// To the penny, half to even: the only rounding a net present value sees.
    pub fn pence(self) -> Result<Pence, Invalid> {
        Pence::from_wide(div_half_even(self.0, SCALE))
    }

    /// In tenths of a millionth of a penny: small enough to divide one by the other.
    pub(super) fn narrow(self) -> i128 {
        div_half_even(self.0, SCALE / 10_000_000)
    }
}

/// The rates, each from a number of years after the base year on. The rate of year `t` leads from `t - 1` to `t`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schedule(Vec<(u16, BasisPoints)>);

impl Schedule {
    pub fn flat(rate: BasisPoints) -> Result<Self, Invalid> {
        Self::stepped(vec![(0, rate)])
    }

    /// The steps in rising order, the first from year 0.
    pub fn stepped(steps: Vec<(u16, BasisPoints)>) -> Result<Self, Invalid> {
        let wrong = |what: String, hint| Err(Invalid { what, hint });
        if steps.first().is_none_or(|step| step.0 != 0) {
            return wrong("no discount rate for year 0".into(), "let the first step begin at `from = 0`");
        }
        if let Some(pair) = steps.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return wrong(
                format!("the step from year {} follows the one from year {}", pair[1].0, pair[0].0),
                "put the steps in rising order, each year once",
            );
        }
        if let Some((_, rate)) = steps.iter().find(|step| !(0..=BasisPoints::ALL.0).contains(&step.1.0)) {
            return wrong(format!("a discount rate of {rate}"), "rates go from 0 to 100 per cent");
        }
        Ok(Self(steps))
    }

    pub fn steps(&self) -> &[(u16, BasisPoints)] {
        &self.0
    }

    pub fn rate(&self, year: u16) -> BasisPoints {
        self.0.iter().rev().find(|step| step.0 <= year).map_or(BasisPoints(0), |step| step.1)
    }

    /// The factors of the years `0..=last` after the base year; year 0 is worth 1.
    pub fn factors(&self, last: u16) -> Vec<Factor> {
        let chained = (1..=last).scan(Factor::ONE, |factor, year| {
            factor.0 = div_half_even(factor.0 * 10_000, 10_000 + i128::from(self.rate(year).0));
            Some(*factor)
        });
        std::iter::once(Factor::ONE).chain(chained).collect()
    }
}

fn too_large() -> Invalid {
    Invalid { what: "a present value is too large to hold".into(), hint: "look for an amount with too many digits" }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard schedule of the Green Book (DfT's table; peers-and-standards.md 3.2).
    fn green_book() -> Schedule {
        let steps = [(0, 350), (31, 300), (76, 250), (126, 200), (201, 150), (301, 100)];
        Schedule::stepped(steps.map(|(from, rate)| (from, BasisPoints(rate))).into()).unwrap()
    }

    #[test]
    fn factors_are_those_of_the_green_book() {
        let factors = green_book().factors(100);
        let published = [
            (0, 1_000_000),
            (1, 966_184),
            (2, 933_511),
            (3, 901_943),
            (4, 871_442),
            (5, 841_973),
            (10, 708_919),
            (15, 596_891),
            (20, 502_566),
            (30, 356_278),
            (31, 345_901),
            (50, 197_263),
            (75, 94_214),
            (76, 91_916),
            (100, 50_818),
        ];
        for (year, factor) in published {
            assert_eq!(factors[year].millionths(), Millionths(factor), "t{year}");
        }
    }

    #[test]
    fn annuities_are_the_sums_of_factors() {
        let annuity = |schedule: &Schedule, years: std::ops::RangeInclusive<usize>| {
            let factors = schedule.factors(10);
            let sum = PresentValue::sum(years.map(|t| PresentValue::of(Pence(100_000_000), factors[t]))).unwrap();
            Millionths(div_half_even(i128::from(sum.pence().unwrap().0), 100) as i64)
        };
        let three = Schedule::flat(BasisPoints(300)).unwrap();
        assert_eq!(annuity(&green_book(), 1..=5), Millionths(4_515_052));
        assert_eq!(annuity(&green_book(), 0..=4), Millionths(4_673_079));
        assert_eq!(annuity(&green_book(), 1..=10), Millionths(8_316_605));
        assert_eq!(annuity(&green_book(), 0..=9), Millionths(8_607_687));
        assert_eq!(annuity(&three, 1..=5), Millionths(4_579_707));
        assert_eq!(annuity(&three, 1..=10), Millionths(8_530_203));
    }

    #[test]
    fn no_discounting_leaves_every_pound_whole() {
        assert!(Schedule::flat(BasisPoints(0)).unwrap().factors(40).iter().all(|factor| *factor == Factor::ONE));
    }

    #[test]
    fn a_schedule_must_begin_at_the_base_year_and_rise() {
        let steps = |steps: &[(u16, i32)]| {
            Schedule::stepped(steps.iter().map(|&(from, rate)| (from, BasisPoints(rate))).collect())
        };
        assert!(steps(&[]).is_err());
        assert!(steps(&[(1, 350)]).is_err());
        assert!(steps(&[(0, 350), (31, 300), (31, 250)]).unwrap_err().what.contains("year 31"));
        assert!(steps(&[(0, -1)]).is_err());
        assert!(steps(&[(0, 10_001)]).is_err());
    }
}
