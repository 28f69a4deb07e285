//! The days of an invented estate: its window, the day each source lost, and London's clock. Knows no calls.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Weekday};
use chrono_tz::Europe::London;

use super::{Plan, phones::Platform};

/// Which days there are, and which of them a source has no records for.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    pub window_start: NaiveDate,
    /// The lost day of each platform, inside the window.
    gaps: [NaiveDate; 2],
}

impl Calendar {
    pub fn new(plan: &Plan) -> Self {
        let before = |days: u32| plan.last_day - Days::new(u64::from(days));
        Self {
            first_day: before(plan.days - 1),
            last_day: plan.last_day,
            window_start: before(plan.window_days - 1),
            gaps: [quiet(before(plan.window_days * 2 / 5)), quiet(before(plan.window_days / 3))],
        }
    }

    pub fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        self.first_day.iter_days().take_while({
            let last = self.last_day;
            move |day| *day <= last
        })
    }

    pub fn gap(&self, platform: Platform) -> NaiveDate {
        self.gaps[platform as usize]
    }

    pub fn is_gap(&self, platform: Platform, day: NaiveDate) -> bool {
        self.gap(platform) == day
    }

    /// The day to install a phone so that just so many days of the window count for it.
    pub fn installed_for(&self, platform: Platform, covered_days: u32) -> NaiveDate {
        let gap = self.gap(platform);
        let mut day = self.last_day;
        let mut left = covered_days;
        loop {
            left = left.saturating_sub(u32::from(day != gap));
            if left == 0 || day <= self.first_day {
                return day;
            }
            day = day - Days::new(1);
        }
    }

    /// The day on which everything that can happen does: the last ordinary weekday of the second half of the window.
    pub fn showcase(&self) -> NaiveDate {
        let mut day = self.last_day - Days::new(2);
        while weekend(day) || self.gaps.contains(&day) || shifted(day).is_some() {
            day = day - Days::new(1);
        }
        day
    }
}

pub fn weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Days since a Monday, so that any multiple of seven is one.
pub fn number(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce()) - 1
}

/// UTC seconds of a wall-clock time; of the first where the clock shows it twice, an hour on where it never does.
pub fn utc(day: NaiveDate, second: u32) -> i64 {
    let wall = day.and_time(NaiveTime::MIN) + chrono::Duration::seconds(i64::from(second));
    match London.from_local_datetime(&wall).earliest() {
        Some(at) => at.timestamp(),
        None => wall.and_utc().timestamp(),
    }
}

/// What the wall clock shows at an instant.
pub fn wall(at: i64) -> NaiveDateTime {
    DateTime::from_timestamp(at, 0).unwrap_or_default().with_timezone(&London).naive_local()
}

/// The instant of that day at which London changes its clocks, if it does.
pub fn shifted(day: NaiveDate) -> Option<i64> {
    let length = utc(day + Days::new(1), 0) - utc(day, 0);
    (length != 86_400).then(|| day.and_time(NaiveTime::MIN).and_utc().timestamp() + 3_600)
}

/// A plain Tuesday to Thursday at or before `day`, never the turn of a year.
fn quiet(mut day: NaiveDate) -> NaiveDate {
    while !matches!(day.weekday(), Weekday::Tue | Weekday::Wed | Weekday::Thu)
        || (day.month(), day.day()) == (12, 31)
        || (day.month(), day.day()) == (1, 1)
    {
        day = day - Days::new(1);
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// 2023-10-29 has 25 hours and 2024-03-31 has 23; both change at 01:00 UTC.
    #[test]
    fn londons_clock_is_kept() {
        assert_eq!(utc(day("2023-10-29"), 5_400), 1_698_539_400); // 01:30 BST, the first of the two
        assert_eq!(utc(day("2024-03-31"), 5_400), 1_711_848_600); // 01:30 does not exist: 02:30 BST
        assert_eq!(utc(day("2024-01-01"), 0), 1_704_067_200);
        assert_eq!(utc(day("2023-07-01"), 0), 1_688_166_000); // 23:00 UTC of the day before
        assert_eq!(shifted(day("2023-10-29")), Some(1_698_541_200));
        assert_eq!(shifted(day("2024-03-31")), Some(1_711_846_800));
        assert_eq!(shifted(day("2024-04-01")), None);
        assert_eq!(wall(1_698_543_000).to_string(), "2023-10-29 01:30:00"); // the second of the two
    }

    #[test]
    fn a_gap_day_does_not_count_towards_cover() {
        let plan = Plan::new(40, 100, 1, day("2024-04-30"));
        let calendar = Calendar::new(&plan);
        let gap = calendar.gap(Platform::Mitel);
        assert!(gap >= calendar.window_start && gap < calendar.last_day && !weekend(gap));
        let since_gap = (calendar.last_day - gap).num_days() as u32;
        assert_eq!(calendar.installed_for(Platform::Mitel, since_gap), gap + Days::new(1));
        assert_eq!(calendar.installed_for(Platform::Mitel, since_gap + 1), gap - Days::new(1));
        assert_eq!(calendar.installed_for(Platform::Mitel, 1), calendar.last_day);
        assert_eq!(number(day("2024-01-01")) % 7, 0);
        assert!(!weekend(calendar.showcase()));
    }
}
