//! Whole pence, financial years and millionths: how each is read and printed.
//! Not the rules of a business case (`case`), nor the price of a call; nothing here knows a file or a table.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// Text that is no amount, year or percentage, or a sum that leaves the range. Says what and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    pub what: String,
    pub hint: &'static str,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.hint)
    }
}

impl std::error::Error for Invalid {}

/// Sterling in whole pence. What adds them up is the case's model (`case::formula`), which checks that they fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pence(pub i64);

impl Pence {
    pub const ZERO: Self = Self(0);

    /// The amount divided among `count` of something, to the nearest penny (half to even); none for no or fewer.
    pub fn each_of(self, count: i64) -> Option<Self> {
        if count <= 0 {
            return None;
        }
        i64::try_from(div_half_even(i128::from(self.0), i128::from(count))).ok().map(Self)
    }

    /// For the cell of a spreadsheet or the axis of a chart; never to reckon with.
    pub fn pounds(self) -> f64 {
        self.0 as f64 / 100.0
    }

    /// `£1,235`: to the nearest pound (half to even), for text where pence would only distract.
    pub fn whole_pounds(self) -> String {
        let pounds = div_half_even(i128::from(self.0), 100);
        format!("{}£{}", if pounds < 0 { "-" } else { "" }, grouped(pounds.unsigned_abs()))
    }
}

/// `£1,234.56`, `-£0.07`.
impl fmt::Display for Pence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pence = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{sign}£{}.{:02}", grouped(u128::from(pence / 100)), pence % 100))
    }
}

/// As decimal pounds, `1443000.00`: exact in any reader.
impl Serialize for Pence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pence = self.0.unsigned_abs();
        serializer.collect_str(&format_args!("{}{}.{:02}", if self.0 < 0 { "-" } else { "" }, pence / 100, pence % 100))
    }
}

/// A financial year of the United Kingdom's public bodies, 1 April to 31 March, printed `2022-23`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FinancialYear(i32);

impl FinancialYear {
    /// The year a day falls in.
    pub fn of(day: NaiveDate) -> Self {
        Self(if day.month() >= 4 { day.year() } else { day.year() - 1 })
    }

    pub fn next(self) -> Self {
        self.plus(1)
    }

    pub fn plus(self, years: u16) -> Self {
        Self(self.0.saturating_add(i32::from(years)))
    }

    /// How many years after `base` it lies; negative if before.
    pub fn since(self, base: Self) -> i32 {
        self.0.saturating_sub(base.0)
    }
}

impl fmt::Display for FinancialYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04}-{:02}", self.0, self.0.saturating_add(1).rem_euclid(100)))
    }
}

impl FromStr for FinancialYear {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let whole = |digits: &str, len: usize| -> Option<i32> {
            (digits.len() == len && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
        };
        text.split_once('-')
            .and_then(|(first, second)| Some((whole(first, 4)?, whole(second, 2)?)))
            .filter(|&(first, second)| (1900..2200).contains(&first) && (first + 1) % 100 == second)
            .map(|(first, _)| Self(first))
            .ok_or_else(|| Invalid {
                what: format!("`{text}` is not a financial year"),
                hint: "write 1 April 2022 to 31 March 2023 as \"2022-23\"",
            })
    }
}

impl Serialize for FinancialYear {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FinancialYear {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Year;
        impl Visitor<'_> for Year {
            type Value = FinancialYear;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a financial year such as \"2022-23\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<FinancialYear, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Year)
    }
}

/// A quotient kept to six decimals (half to even): years to pay back, discount factors, shares. Never money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millionths(pub i64);

impl Millionths {
    pub const ONE: Self = Self(1_000_000);

    /// Nothing when the divisor is not above zero or the quotient does not fit.
    pub fn of(dividend: i128, divisor: i128) -> Option<Self> {
        if divisor <= 0 {
            return None;
        }
        i64::try_from(div_half_even(dividend.checked_mul(1_000_000)?, divisor)).ok().map(Self)
    }

    /// `7.7`: rounded half to even from the six decimals.
    pub fn one_decimal(self) -> String {
        let tenths = div_half_even(i128::from(self.0), 100_000);
        let size = tenths.unsigned_abs();
        format!("{}{}.{}", if tenths < 0 { "-" } else { "" }, size / 10, size % 10)
    }

    /// For the cell of a spreadsheet or the axis of a chart; never to reckon with.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// `0.966184`.
impl fmt::Display for Millionths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        f.pad(&format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000))
    }
}

impl Serialize for Millionths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Division to the nearest whole number, a half to the even one. The divisor must be above zero.
pub fn div_half_even(dividend: i128, divisor: i128) -> i128 {
    let (floor, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    // `rest` against `divisor - rest` instead of doubling, which could overflow.
    match rest.cmp(&(divisor - rest)) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn money_is_printed_with_pound_sign_and_thousands() {
        assert_eq!(Pence(123_456).to_string(), "£1,234.56");
        assert_eq!(Pence(-7).to_string(), "-£0.07");
        assert_eq!(Pence(i64::MIN).to_string(), "-£92,233,720,368,547,758.08");
        assert_eq!(format!("{:>10}", Pence(0)), "     £0.00");
        // Halves go to the even pound, in both directions; less than half a pound has no sign to lose.
        let whole: Vec<String> = [150, 250, -150, -250, -49].map(|pence| Pence(pence).whole_pounds()).into();
        assert_eq!(whole, ["£2", "£2", "-£2", "-£2", "£0"]);
    }

    #[test]
    fn an_amount_is_divided_to_the_even_penny() {
        assert_eq!(Pence(88_200_000).each_of(15_000), Some(Pence(5_880)));
        assert_eq!((Pence(1).each_of(2), Pence(3).each_of(2)), (Some(Pence(0)), Some(Pence(2))));
        assert_eq!(Pence(1).each_of(0), None);
    }

    #[test]
    fn a_financial_year_turns_on_the_first_of_april() {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(FinancialYear::of(day(2023, 3, 31)).to_string(), "2022-23");
        assert_eq!(FinancialYear::of(day(2023, 4, 1)).to_string(), "2023-24");
        assert_eq!(FinancialYear::of(day(2024, 2, 29)).to_string(), "2023-24");
        let year: FinancialYear = "1999-00".parse().unwrap();
        assert_eq!(year.to_string(), "1999-00");
        assert_eq!(year.next().to_string(), "2000-01");
        assert_eq!(year.plus(5).since(year), 5);
        for text in ["2022", "2022-24", "2022-2023", "2022/23", "22-23", "2022-23 ", "+202-03", "3022-23"] {
            assert!(text.parse::<FinancialYear>().is_err(), "{text}");
        }
    }

    #[test]
    fn quotients_are_rounded_once_and_printed_short() {
        // 6,810 / 882 = 7.72108843…
        let years = Millionths::of(6_810, 882).unwrap();
        assert_eq!((years, years.one_decimal().as_str()), (Millionths(7_721_088), "7.7"));
        assert_eq!(Millionths(-50_000).one_decimal(), "0.0");
        assert_eq!(Millionths(966_184).to_string(), "0.966184");
        assert_eq!(Millionths::of(1, 0), None);
    }

    proptest! {
        #[test]
        fn rounding_is_never_more_than_half_away(a in -1_000_000_i128..1_000_000, b in 1_i128..1_000) {
            let off = (a - div_half_even(a, b) * b).abs() * 2;
            prop_assert!(off < b || (off == b && div_half_even(a, b) % 2 == 0));
        }
    }
}
