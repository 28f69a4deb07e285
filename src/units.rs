//! Whole pence, financial years, basis points and millionths: how each is read, added up and printed.
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

/// Sterling in whole pence. Sums are checked: an amount that does not fit is an error, never a wrong figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pence(pub i64);

impl Pence {
    pub const ZERO: Self = Self(0);

    pub fn plus(self, other: Self) -> Result<Self, Invalid> {
        self.0.checked_add(other.0).map(Self).ok_or_else(too_large)
    }

    pub fn minus(self, other: Self) -> Result<Self, Invalid> {
        self.0.checked_sub(other.0).map(Self).ok_or_else(too_large)
    }

    pub fn times(self, count: i64) -> Result<Self, Invalid> {
        self.0.checked_mul(count).map(Self).ok_or_else(too_large)
    }

    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, Invalid> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// A percentage of the amount, to the nearest penny (half to even).
    pub fn share(self, part: BasisPoints) -> Result<Self, Invalid> {
        Self::from_wide(div_half_even(i128::from(self.0) * i128::from(part.0), 10_000))
    }

    /// The amount divided among `count` of something, to the nearest penny (half to even); none for no or fewer.
    pub fn each_of(self, count: i64) -> Option<Self> {
        if count <= 0 {
            return None;
        }
        Self::from_wide(div_half_even(i128::from(self.0), i128::from(count))).ok()
    }

    /// A wide intermediate result, if it fits.
    pub fn from_wide(pence: i128) -> Result<Self, Invalid> {
        i64::try_from(pence).map(Self).map_err(|_| too_large())
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

/// `1443000.00`, `£1,443,000`, `-58.8`; at most two decimals, commas only between thousands.
impl FromStr for Pence {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (negative, rest) = signed(text.trim());
        let digits = rest.strip_prefix('£').unwrap_or(rest);
        hundredths(negative, digits).map(Self).ok_or_else(|| Invalid {
            what: format!("`{text}` is not an amount of pounds and pence"),
            hint: "write pounds such as \"1443000\", \"£1,443,000\" or \"58.80\"",
        })
    }
}

/// As decimal pounds, `1443000.00`: exact in any reader.
impl Serialize for Pence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pence = self.0.unsigned_abs();
        serializer.collect_str(&format_args!("{}{}.{:02}", if self.0 < 0 { "-" } else { "" }, pence / 100, pence % 100))
    }
}

impl<'de> Deserialize<'de> for Pence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Money;
        impl Visitor<'_> for Money {
            type Value = Pence;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("pounds in quotes such as \"58.80\", or a whole number of pounds")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Pence, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, pounds: i64) -> Result<Pence, E> {
                Pence(pounds).times(100).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Money)
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

/// Hundredths of a per cent: rates and shares, printed `3.5%`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BasisPoints(pub i32);

impl BasisPoints {
    pub const ALL: Self = Self(10_000);
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        let text = format!("{}.{:02}", size / 100, size % 100);
        let short = text.trim_end_matches('0').trim_end_matches('.');
        f.pad(&format!("{}{short}%", if self.0 < 0 { "-" } else { "" }))
    }
}

/// `3.5`, `3.50%`, `40`.
impl FromStr for BasisPoints {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (negative, rest) = signed(text.trim());
        hundredths(negative, rest.strip_suffix('%').unwrap_or(rest).trim_end())
            .and_then(|points| i32::try_from(points).ok())
            .map(Self)
            .ok_or_else(|| Invalid {
                what: format!("`{text}` is not a percentage"),
                hint: "write it with at most two decimals, such as \"3.5\" or \"40\"",
            })
    }
}

impl Serialize for BasisPoints {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BasisPoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Percent;
        impl Visitor<'_> for Percent {
            type Value = BasisPoints;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a percentage such as 3.5")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<BasisPoints, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, percent: i64) -> Result<BasisPoints, E> {
                self.visit_str(&percent.to_string())
            }
            // The shortest text of a float is what was typed, so 3.5 is read as the decimal it looks like.
            fn visit_f64<E: de::Error>(self, percent: f64) -> Result<BasisPoints, E> {
                self.visit_str(&percent.to_string())
            }
        }
        deserializer.deserialize_any(Percent)
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

    /// `45.6%`.
    pub fn percent(self) -> String {
        format!("{}%", Self(self.0.saturating_mul(100)).one_decimal())
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

fn too_large() -> Invalid {
    Invalid { what: "an amount is too large to hold".into(), hint: "amounts go up to £92,233,720,368,547,758.07" }
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

/// `1,443,000.5` as 144300050. Commas are all there or none, and stand between thousands.
fn hundredths(negative: bool, text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(whole, decimals)| (whole, Some(decimals)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let groups: Vec<&str> = whole.split(',').collect();
    let tidy = groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3));
    if !tidy || !groups.iter().all(|group| digits(group)) || whole.len() > 30 {
        return None;
    }
    let after = match decimals {
        None => 0,
        Some(text) if digits(text) && text.len() == 1 => text.parse::<i128>().ok()? * 10,
        Some(text) if digits(text) && text.len() == 2 => text.parse::<i128>().ok()?,
        Some(_) => return None,
    };
    let size = groups.concat().parse::<i128>().ok()? * 100 + after;
    i64::try_from(if negative { -size } else { size }).ok()
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
    fn money_is_read_as_it_is_written_in_papers() {
        for (text, pence) in [
            ("1443000.00", 144_300_000),
            ("£1,443,000", 144_300_000),
            ("58.8", 5_880),
            (" -£0.07 ", -7),
            ("\u{2212}5", -500),
            ("0", 0),
            ("92233720368547758.07", i64::MAX),
            ("-92233720368547758.08", i64::MIN),
        ] {
            assert_eq!(text.parse(), Ok(Pence(pence)), "{text}");
        }
        for text in [
            "",
            "£",
            "-",
            "1.234",
            "1.",
            ".5",
            "1,44",
            "1443,000",
            "1,,000",
            "£-5",
            "5k",
            "1e3",
            "92233720368547758.08",
        ] {
            let error = text.parse::<Pence>().unwrap_err();
            assert!(error.what.contains(&format!("`{text}`")), "{text}: {error}");
        }
    }

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
    fn sums_that_do_not_fit_are_errors() {
        assert_eq!(Pence(1).plus(Pence(2)), Ok(Pence(3)));
        assert!(Pence(i64::MAX).plus(Pence(1)).is_err());
        assert!(Pence(i64::MIN).minus(Pence(1)).is_err());
        assert!(Pence(i64::MAX / 2).times(3).is_err());
        assert!(Pence::sum([Pence(i64::MAX), Pence(1), Pence(-1)]).is_err());
        assert!(Pence(i64::MAX).share(BasisPoints(10_001)).is_err());
        assert_eq!(Pence(i64::MAX).share(BasisPoints::ALL), Ok(Pence(i64::MAX)));
    }

    #[test]
    fn shares_round_half_to_even() {
        // 50 % of 1p and of 3p are 0.5p and 1.5p: the even pennies are 0 and 2.
        assert_eq!(Pence(1).share(BasisPoints(5_000)), Ok(Pence(0)));
        assert_eq!(Pence(3).share(BasisPoints(5_000)), Ok(Pence(2)));
        assert_eq!(Pence(-1).share(BasisPoints(5_000)), Ok(Pence(0)));
        assert_eq!(Pence(-3).share(BasisPoints(5_000)), Ok(Pence(-2)));
        assert_eq!(Pence(88_200_000).each_of(15_000), Some(Pence(5_880)));
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
    fn percentages_keep_two_decimals() {
        for (text, points, printed) in [("3.5", 350, "3.5%"), ("40 %", 4_000, "40%"), ("-0.05", -5, "-0.05%")] {
            let read: BasisPoints = text.parse().unwrap();
            assert_eq!((read, read.to_string().as_str()), (BasisPoints(points), printed));
        }
        assert!("3.555".parse::<BasisPoints>().is_err());
    }

    #[test]
    fn quotients_are_rounded_once_and_printed_short() {
        // 6,810 / 882 = 7.72108843…
        let years = Millionths::of(6_810, 882).unwrap();
        assert_eq!((years, years.one_decimal().as_str()), (Millionths(7_721_088), "7.7"));
        assert_eq!(Millionths(456_089).percent(), "45.6%");
        assert_eq!(Millionths(-50_000).one_decimal(), "0.0");
        assert_eq!(Millionths(966_184).to_string(), "0.966184");
        assert_eq!(Millionths::of(1, 0), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(pence: i64) {
            prop_assert_eq!(Pence(pence).to_string().parse(), Ok(Pence(pence)));
        }

        #[test]
        fn rounding_is_never_more_than_half_away(a in -1_000_000_i128..1_000_000, b in 1_i128..1_000) {
            let off = (a - div_half_even(a, b) * b).abs() * 2;
            prop_assert!(off < b || (off == b && div_half_even(a, b) % 2 == 0));
        }
    }
}
