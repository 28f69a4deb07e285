//! A formula over the cells of a case, and its value: exact in decimals, or fast in floating point for a simulation.
//! Knows no sheet (`grid`) and no rule of a case; rounding is a spreadsheet's, half away from zero.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// A cell of the model, by its place in the order of calculation: a formula refers only to cells before its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    /// A number of the grid itself, such as the twelve months of a year: never an input.
    Number(Constant),
    /// The value of an input, by its place in the book.
    Input(usize),
    Cell(Id),
    /// Of cells side by side in a row or below each other in a column.
    Sum(Vec<Id>),
    Least(Vec<Id>),
    /// The sum of the products of two runs of one length.
    Dot(Vec<Id>, Vec<Id>),
    /// The internal rate of return of yearly amounts; nothing where none is found.
    Irr(Vec<Id>),
    Plus(Vec<Formula>),
    Times(Vec<Formula>),
    Less(Box<Formula>, Box<Formula>),
    Over(Box<Formula>, Box<Formula>),
    Min(Box<Formula>, Box<Formula>),
    Max(Box<Formula>, Box<Formula>),
    /// To so many decimals, half away from zero.
    Round(Box<Formula>, u32),
    /// To the whole number below, and above.
    Down(Box<Formula>),
    Up(Box<Formula>),
    If(Box<Test>, Box<Formula>, Box<Formula>),
    /// The sum of `of` over the rows in which each text column holds one of its values.
    Picked(Pick),
    /// No figure, such as the payback of what never pays back.
    Nothing,
}

/// A number in both ways of reckoning: turning one into the other takes longer than any sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constant {
    pub exact: Decimal,
    pub quick: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    pub left: Formula,
    pub is: Is,
    pub right: Formula,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    Over,
    AtLeast,
    Equal,
}

/// A sum over rows of a table of evidence. The texts are in the model's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    /// Index into the model's tables.
    pub table: usize,
    /// Columns of it by place, and what any of them may hold.
    pub of: usize,
    pub whose: Vec<(usize, Vec<String>)>,
}

/// Why a cell has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// It is defined for other values than these.
    Undefined,
    TooLarge,
}

impl Formula {
    pub fn number(value: impl Into<Decimal>) -> Self {
        let exact: Decimal = value.into();
        Self::Number(Constant { exact, quick: exact.to_f64().unwrap_or(f64::NAN) })
    }

    pub fn plus(self, other: Self) -> Self {
        match self {
            Self::Plus(mut all) => {
                all.push(other);
                Self::Plus(all)
            }
            one => Self::Plus(vec![one, other]),
        }
    }

    pub fn less(self, other: Self) -> Self {
        Self::Less(self.into(), other.into())
    }

    pub fn times(self, other: Self) -> Self {
        match self {
            Self::Times(mut all) => {
                all.push(other);
                Self::Times(all)
            }
            one => Self::Times(vec![one, other]),
        }
    }

    pub fn over(self, other: Self) -> Self {
        Self::Over(self.into(), other.into())
    }

    pub fn min(self, other: Self) -> Self {
        Self::Min(self.into(), other.into())
    }

    pub fn max(self, other: Self) -> Self {
        Self::Max(self.into(), other.into())
    }

    pub fn round(self, decimals: u32) -> Self {
        Self::Round(self.into(), decimals)
    }

    /// To the penny.
    pub fn pence(self) -> Self {
        self.round(2)
    }

    pub fn down(self) -> Self {
        Self::Down(self.into())
    }

    pub fn up(self) -> Self {
        Self::Up(self.into())
    }

    /// `then` where this is over `limit`, else `otherwise`.
    pub fn if_over(self, limit: Self, then: Self, otherwise: Self) -> Self {
        Self::If(Test { left: self, is: Is::Over, right: limit }.into(), then.into(), otherwise.into())
    }

    pub fn if_at_least(self, limit: Self, then: Self, otherwise: Self) -> Self {
        Self::If(Test { left: self, is: Is::AtLeast, right: limit }.into(), then.into(), otherwise.into())
    }

    pub fn if_equal(self, to: Self, then: Self, otherwise: Self) -> Self {
        Self::If(Test { left: self, is: Is::Equal, right: to }.into(), then.into(), otherwise.into())
    }

    /// Calls `with` for each cell and each input it refers to.
    pub fn refers(&self, with: &mut impl FnMut(Refers)) {
        match self {
            Self::Number(_) | Self::Nothing | Self::Picked(_) => {}
            Self::Input(at) => with(Refers::Input(*at)),
            Self::Cell(id) => with(Refers::Cell(*id)),
            Self::Sum(run) | Self::Least(run) | Self::Irr(run) => run.iter().for_each(|id| with(Refers::Cell(*id))),
            Self::Dot(left, right) => left.iter().chain(right).for_each(|id| with(Refers::Cell(*id))),
            Self::Plus(all) | Self::Times(all) => all.iter().for_each(|one| one.refers(with)),
            Self::Less(left, right) | Self::Over(left, right) | Self::Min(left, right) | Self::Max(left, right) => {
                left.refers(with);
                right.refers(with);
            }
            Self::Round(of, _) | Self::Down(of) | Self::Up(of) => of.refers(with),
            Self::If(test, then, otherwise) => {
                for part in [&test.left, &test.right, &**then, &**otherwise] {
                    part.refers(with);
                }
            }
        }
    }

    /// Its value where the cells before have theirs.
    pub fn value<N: Number>(&self, known: &Known<'_, N>) -> Result<N, Gap> {
        match self {
            Self::Number(constant) => Ok(N::constant(constant)),
            Self::Input(at) => known.inputs.get(*at).copied().ok_or(Gap::Undefined),
            Self::Cell(id) => known.cell(*id),
            Self::Sum(run) => run.iter().try_fold(N::ZERO, |sum, id| sum.plus(known.cell(*id)?)),
            Self::Least(run) => {
                let mut values = run.iter().map(|id| known.cell(*id));
                let first = values.next().ok_or(Gap::Undefined)??;
                values.try_fold(first, |least, value| value.map(|value| if value < least { value } else { least }))
            }
            Self::Dot(left, right) => left
                .iter()
                .zip(right)
                .try_fold(N::ZERO, |sum, (left, right)| sum.plus(known.cell(*left)?.times(known.cell(*right)?)?)),
            Self::Irr(run) => {
                let flow: Vec<f64> = run.iter().map(|id| known.cell(*id).map(N::as_f64)).collect::<Result<_, _>>()?;
                let rate = super::irr::rate(&flow).and_then(Decimal::from_f64_retain);
                N::of(rate.ok_or(Gap::Undefined)?)
            }
            Self::Plus(all) => all.iter().try_fold(N::ZERO, |sum, one| sum.plus(one.value(known)?)),
            Self::Times(all) => {
                let (first, rest) = all.split_first().ok_or(Gap::Undefined)?;
                rest.iter().try_fold(first.value(known)?, |product, one| product.times(one.value(known)?))
            }
            Self::Less(left, right) => left.value(known)?.less(right.value(known)?),
            Self::Over(left, right) => left.value(known)?.over(right.value(known)?),
            Self::Min(left, right) => {
                let (left, right) = (left.value(known)?, right.value(known)?);
                Ok(if right < left { right } else { left })
            }
            Self::Max(left, right) => {
                let (left, right) = (left.value(known)?, right.value(known)?);
                Ok(if right > left { right } else { left })
            }
            Self::Round(of, decimals) => Ok(of.value(known)?.round(*decimals)),
            Self::Down(of) => Ok(of.value(known)?.down()),
            Self::Up(of) => Ok(of.value(known)?.up()),
            Self::If(test, then, otherwise) => {
                let (left, right) = (test.left.value(known)?, test.right.value(known)?);
                let holds = match test.is {
                    Is::Over => left > right,
                    Is::AtLeast => left >= right,
                    Is::Equal => left == right,
                };
                if holds { then.value(known) } else { otherwise.value(known) }
            }
            Self::Picked(pick) => known.picked(pick),
            Self::Nothing => Err(Gap::Undefined),
        }
    }
}

/// What a formula refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refers {
    Cell(Id),
    Input(usize),
}

impl From<Id> for Formula {
    fn from(id: Id) -> Self {
        Self::Cell(id)
    }
}

/// What is known while a cell is worked out.
pub struct Known<'a, N> {
    pub inputs: &'a [N],
    /// Of the cells so far.
    pub cells: &'a [Result<N, Gap>],
    pub tables: &'a [Table],
}

impl<N: Number> Known<'_, N> {
    fn cell(&self, id: Id) -> Result<N, Gap> {
        self.cells.get(id.0 as usize).copied().unwrap_or(Err(Gap::Undefined))
    }

    fn picked(&self, pick: &Pick) -> Result<N, Gap> {
        let table = self.tables.get(pick.table).ok_or(Gap::Undefined)?;
        N::of(Decimal::from(table.picked(pick)))
    }
}

/// The answer of a query as the case counts over it: every cell as text, whole numbers in the counted column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub query: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Counts that do not read as numbers are refused when the table is taken in (`evidence`).
    fn picked(&self, pick: &Pick) -> i64 {
        let text = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
        let fits = |row: &&Vec<String>| pick.whose.iter().all(|(at, any)| any.contains(&text(row, *at)));
        self.rows.iter().filter(fits).map(|row| text(row, pick.of).parse::<i64>().unwrap_or(0)).sum()
    }
}

/// Arithmetic as a formula needs it.
pub trait Number: Copy + PartialOrd {
    const ZERO: Self;
    fn of(value: Decimal) -> Result<Self, Gap>;
    fn constant(value: &Constant) -> Self;
    fn plus(self, other: Self) -> Result<Self, Gap>;
    fn less(self, other: Self) -> Result<Self, Gap>;
    fn times(self, other: Self) -> Result<Self, Gap>;
    fn over(self, other: Self) -> Result<Self, Gap>;
    fn round(self, decimals: u32) -> Self;
    fn down(self) -> Self;
    fn up(self) -> Self;
    fn as_f64(self) -> f64;
}

impl Number for Decimal {
    const ZERO: Self = Self::ZERO;

    fn of(value: Decimal) -> Result<Self, Gap> {
        Ok(value)
    }

    fn constant(value: &Constant) -> Self {
        value.exact
    }

    fn plus(self, other: Self) -> Result<Self, Gap> {
        self.checked_add(other).ok_or(Gap::TooLarge)
    }

    fn less(self, other: Self) -> Result<Self, Gap> {
        self.checked_sub(other).ok_or(Gap::TooLarge)
    }

    fn times(self, other: Self) -> Result<Self, Gap> {
        self.checked_mul(other).ok_or(Gap::TooLarge)
    }

    fn over(self, other: Self) -> Result<Self, Gap> {
        if other.is_zero() { Err(Gap::Undefined) } else { self.checked_div(other).ok_or(Gap::TooLarge) }
    }

    fn round(self, decimals: u32) -> Self {
        self.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
    }

    fn down(self) -> Self {
        self.floor()
    }

    fn up(self) -> Self {
        self.ceil()
    }

    fn as_f64(self) -> f64 {
        self.to_f64().unwrap_or(f64::NAN)
    }
}

/// For simulations only, whose results are estimates by nature.
impl Number for f64 {
    const ZERO: Self = 0.0;

    fn of(value: Decimal) -> Result<Self, Gap> {
        value.to_f64().ok_or(Gap::TooLarge)
    }

    fn constant(value: &Constant) -> Self {
        value.quick
    }

    fn plus(self, other: Self) -> Result<Self, Gap> {
        Ok(self + other)
    }

    fn less(self, other: Self) -> Result<Self, Gap> {
        Ok(self - other)
    }

    fn times(self, other: Self) -> Result<Self, Gap> {
        Ok(self * other)
    }

    fn over(self, other: Self) -> Result<Self, Gap> {
        if other == 0.0 { Err(Gap::Undefined) } else { Ok(self / other) }
    }

    fn round(self, decimals: u32) -> Self {
        let scale = 10_f64.powi(decimals as i32);
        near(self * scale, f64::round) / scale
    }

    fn down(self) -> Self {
        near(self, f64::floor)
    }

    fn up(self) -> Self {
        near(self, f64::ceil)
    }

    fn as_f64(self) -> f64 {
        self
    }
}

/// What a spreadsheet does too: a number a hair's breadth from a whole or half one counts as that.
fn near(value: f64, cut: fn(f64) -> f64) -> f64 {
    let halves = (value * 2.0).round() / 2.0;
    if (value - halves).abs() < value.abs().max(1.0) * 1e-12 { cut(halves) } else { cut(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn exact(formula: &Formula) -> Result<Decimal, Gap> {
        formula.value(&Known { inputs: &[dec("0.06"), dec("7")], cells: &[Ok(dec("3")), Ok(dec("-2"))], tables: &[] })
    }

    #[test]
    fn halves_go_away_from_zero_as_in_a_spreadsheet() {
        let over = |left: &str, right: i64| Formula::number(dec(left)).over(Formula::number(right));
        // 6p a year for one month is half a penny; 0.06 ÷ 12 is not exact in binary.
        assert_eq!(exact(&Formula::Input(0).over(Formula::number(12)).pence()), Ok(dec("0.01")));
        assert_eq!(exact(&over("-0.06", 12).pence()), Ok(dec("-0.01")));
        assert_eq!(exact(&over("2.675", 1).pence()), Ok(dec("2.68")));
        for (value, wanted) in [(0.06 / 12.0, 0.01), (2.675, 2.68), (-2.675, -2.68), (1.0 / 3.0, 0.33)] {
            assert_eq!(Number::round(value, 2), wanted, "{value}");
        }
        assert_eq!((Number::up(0.1 * 3.0 * 10.0), Number::down(0.7 * 10.0)), (3.0, 7.0));
    }

    #[test]
    fn what_is_not_defined_says_so_and_is_passed_on() {
        let nothing = Formula::number(1).over(Formula::number(0));
        assert_eq!(exact(&nothing), Err(Gap::Undefined));
        assert_eq!(exact(&nothing.clone().plus(Formula::number(1))), Err(Gap::Undefined));
        // Only the branch that holds is worked out.
        assert_eq!(exact(&Formula::from(Id(0)).if_over(Formula::number(2), Formula::number(9), nothing)), Ok(dec("9")));
        let large = Formula::number(Decimal::MAX).times(Formula::number(2));
        assert_eq!(exact(&large), Err(Gap::TooLarge));
        assert_eq!(exact(&Formula::Cell(Id(9))), Err(Gap::Undefined), "a cell that comes later");
    }

    #[test]
    fn runs_are_summed_multiplied_and_searched() {
        let run = vec![Id(0), Id(1)];
        assert_eq!(exact(&Formula::Sum(run.clone())), Ok(dec("1")));
        assert_eq!(exact(&Formula::Least(run.clone())), Ok(dec("-2")));
        assert_eq!(exact(&Formula::Dot(run.clone(), run)), Ok(dec("13")));
        let mut met = Vec::new();
        Formula::Input(1).times(Formula::Cell(Id(1))).round(2).refers(&mut |what| met.push(what));
        assert_eq!(met, [Refers::Input(1), Refers::Cell(Id(1))]);
    }

    #[test]
    fn rows_are_picked_by_their_texts() {
        let row = |texts: [&str; 3]| texts.map(String::from).to_vec();
        let rows = vec![row(["idle", "cease", "4"]), row(["idle", "review", "2"]), row(["in_use", "cease", "1"])];
        let columns = row(["verdict", "action", "n"]);
        let tables = [Table { query: "q".into(), columns, rows }];
        let pick = |whose: Vec<(usize, Vec<String>)>| {
            let known = Known::<Decimal> { inputs: &[], cells: &[], tables: &tables };
            Formula::Picked(Pick { table: 0, of: 2, whose }).value(&known)
        };
        assert_eq!(pick(vec![]), Ok(dec("7")));
        assert_eq!(pick(vec![(0, vec!["idle".into()])]), Ok(dec("6")));
        assert_eq!(pick(vec![(0, vec!["idle".into()]), (1, vec!["cease".into(), "keep".into()])]), Ok(dec("4")));
    }
}
