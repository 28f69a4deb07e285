//! Calendar months, for ramps and contracts; a financial year has twelve of them from April. No days here.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::de::{self, Deserialize, Deserializer};

use crate::units::{FinancialYear, Invalid};

/// A month, printed `2024-06`; held as months since the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// The April a financial year begins with.
    pub fn first_of(year: FinancialYear) -> Self {
        // Years are read as `2022-23` or worked out from such, so the text has its four digits.
        let start: i32 = year.to_string().get(..4).and_then(|digits| digits.parse().ok()).unwrap_or_default();
        Self(start * 12 + 3)
    }

    pub fn plus(self, months: i32) -> Self {
        Self(self.0.saturating_add(months))
    }

    /// How many months after `other` it lies; below zero if before.
    pub fn since(self, other: Self) -> i32 {
        self.0.saturating_sub(other.0)
    }

    pub fn year(self) -> FinancialYear {
        let day = NaiveDate::from_ymd_opt(self.0.div_euclid(12), self.0.rem_euclid(12) as u32 + 1, 1);
        FinancialYear::of(day.unwrap_or_default())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1))
    }
}

impl FromStr for Month {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = |text: &str, len: usize| -> Option<i32> {
            (text.len() == len && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
        };
        text.split_once('-')
            .and_then(|(year, month)| Some((digits(year, 4)?, digits(month, 2)?)))
            .filter(|(year, month)| (1900..2200).contains(year) && (1..=12).contains(month))
            .map(|(year, month)| Self(year * 12 + month - 1))
            .ok_or_else(|| Invalid { what: format!("`{text}` is not a month"), hint: "write June 2024 as \"2024-06\"" })
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_financial_year_begins_in_april() {
        let year: FinancialYear = "2023-24".parse().unwrap();
        let first = Month::first_of(year);
        assert_eq!((first.to_string().as_str(), first.plus(11).to_string().as_str()), ("2023-04", "2024-03"));
        assert_eq!((first.plus(11).year(), first.plus(12).year()), (year, year.next()));
        assert_eq!("2024-06".parse::<Month>().unwrap().since(first), 14);
        for text in ["2024-13", "2024-6", "24-06", "June"] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }
}
