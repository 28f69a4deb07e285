//! `[billing]`: which hours are the day band, and what a bank holiday is. Knows no prices; those are in the tariff table.

use schemars::JsonSchema;
use serde::Deserialize;

/// Which hours a call's price goes by, in civil time at the source.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Billing {
    /// Start of the day band on Mondays to Fridays, `"07:00"`.
    pub day_from: String,
    /// Its end, `"19:00"`: a call that starts then is an evening call.
    pub day_until: String,
    /// What a bank holiday of England and Wales from Monday to Friday is.
    pub bank_holidays: BankHolidays,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum BankHolidays {
    /// A day as any other.
    #[default]
    Weekday,
    /// Priced as a Sunday.
    Weekend,
}

impl Default for Billing {
    fn default() -> Self {
        Self { day_from: "07:00".into(), day_until: "19:00".into(), bank_holidays: BankHolidays::default() }
    }
}

impl Billing {
    /// Minute of the civil day at which the day band starts, and that at which it has ended.
    pub fn day_minutes(&self) -> (i16, i16) {
        let or = |text: &str, usual: i16| minute(text).unwrap_or(usual);
        (or(&self.day_from, 7 * 60), or(&self.day_until, 19 * 60))
    }

    /// # Errors
    /// What is wrong with the hours.
    pub fn check(&self) -> Result<(), String> {
        for (key, text) in [("day_from", &self.day_from), ("day_until", &self.day_until)] {
            minute(text).ok_or_else(|| format!("{key} = {text:?} is no time of day"))?;
        }
        let (from, until) = self.day_minutes();
        if from < until { Ok(()) } else { Err("day_from must be before day_until".into()) }
    }
}

/// `07:00` to 420; 24:00 is the end of a day.
fn minute(text: &str) -> Option<i16> {
    let (hours, minutes) = text.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2)?;
    let number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i16>().ok())?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_minutes_of_the_day() {
        assert_eq!(Billing::default().day_minutes(), (420, 1_140));
        assert!(Billing::default().check().is_ok());
        let minutes = ["00:00", "23:59", "24:00", "24:01", "7:00", "07:60", "0700", "-1:00", "+7:00"].map(minute);
        assert_eq!(minutes, [Some(0), Some(1_439), Some(1_440), None, None, None, None, None, None]);
    }

    #[test]
    fn hours_that_mean_nothing_are_named() {
        let billing = |from: &str, until: &str| {
            let billing = Billing { day_from: from.into(), day_until: until.into(), ..Billing::default() };
            billing.check().unwrap_err()
        };
        assert_eq!(billing("7am", "19:00"), "day_from = \"7am\" is no time of day");
        assert_eq!(billing("19:00", "07:00"), "day_from must be before day_until");
    }
}
