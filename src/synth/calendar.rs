//! The days of an invented estate: its window, what each source lost of it, and London's clock. Knows no calls.

use std::ops::Range;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Weekday};
use chrono_tz::Europe::London;

use super::{Files, Plan, phones::Platform, traffic};

/// The Cisco node whose files of two days are lost in transfer.
pub const LOST_NODE: u8 = 2;
/// Seconds of the civil day in which nothing is recorded on a dark day.
pub const DARK: Range<u32> = 9 * 3_600..13 * 3_600;
/// A dark hour stands out where this many calls or more are usual in the quietest of them.
const STANDS_OUT: u64 = 20;

/// Which days there are, and which of them a source has no records for, or not all.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    pub window_start: NaiveDate,
    /// The lost day of each platform, inside the window: nobody called.
    gaps: [NaiveDate; 2],
    /// First of the two days whose files of [`LOST_NODE`] never came: people called.
    outage: Option<NaiveDate>,
    /// Weekdays on which the records of [`DARK`] never came: people called.
    dark: [Option<NaiveDate>; 2],
}

impl Calendar {
    pub fn new(plan: &Plan) -> Self {
        let before = |days: u32| plan.last_day - Days::new(u64::from(days));
        let gaps = [quiet(before(plan.window_days * 2 / 5)), quiet(before(plan.window_days / 3))];
        // Files of many days each would lose a quarter of a year with one missing number.
        let has_outage = matches!(plan.files, Files::PerDay(_));
        let outage = has_outage
            .then(|| apart(before(plan.window_days / 5), Weekday::Tue, |day| (day - gaps[0]).num_days().abs() > 3));
        let dark = |platform: Platform, days: u32, others: &[Option<NaiveDate>]| {
            // What is usual needs some weeks to show.
            let stands_out = traffic::usual_calls(plan, platform, DARK.end / 3_600 - 1) >= STANDS_OUT;
            (plan.days >= 84 && stands_out).then(|| {
                apart(before(days), Weekday::Wed, |day| {
                    let far = |other: &NaiveDate| (day - *other).num_days().abs() > 3;
                    !is_bank_holiday(day) && others.iter().flatten().all(far)
                })
            })
        };
        let dark_cisco = dark(Platform::Cucm, plan.window_days / 7, &[Some(gaps[0]), outage]);
        let dark_mitel = dark(Platform::Mitel, plan.window_days / 6, &[Some(gaps[1]), dark_cisco]);
        Self {
            first_day: before(plan.days - 1),
            last_day: plan.last_day,
            window_start: before(plan.window_days - 1),
            gaps,
            outage,
            dark: [dark_cisco, dark_mitel],
        }
    }

    pub fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        self.first_day.iter_days().take_while({
            let last = self.last_day;
            move |day| *day <= last
        })
    }

    /// The day on which nobody called.
    pub fn is_gap(&self, platform: Platform, day: NaiveDate) -> bool {
        self.gaps[platform as usize] == day
    }

    /// First of the two days whose files of [`LOST_NODE`] are lost.
    pub fn outage(&self, platform: Platform) -> Option<NaiveDate> {
        self.outage.filter(|_| platform == Platform::Cucm)
    }

    /// The node whose files of that day are lost.
    pub fn lost_node(&self, platform: Platform, day: NaiveDate) -> Option<u8> {
        self.outage(platform).filter(|first| (0..2).contains(&(day - *first).num_days())).map(|_| LOST_NODE)
    }

    /// The weekday without records from [`DARK`].
    pub fn dark_day(&self, platform: Platform) -> Option<NaiveDate> {
        self.dark[platform as usize]
    }

    /// Whether the records of a call over that time, in UTC seconds, are lost in dark hours.
    pub fn in_the_dark(&self, platform: Platform, start: i64, end: i64) -> bool {
        self.dark[platform as usize].is_some_and(|day| start < utc(day, DARK.end) && end >= utc(day, DARK.start))
    }

    /// Whether silence on that day proves anything. Missing file numbers spoil the days of the files on either side too:
    /// nobody can tell where the lost records began.
    pub fn is_covered(&self, platform: Platform, day: NaiveDate) -> bool {
        let spoiled = |first: NaiveDate| (-1..3).contains(&(day - first).num_days());
        !self.is_gap(platform, day)
            && !self.outage(platform).is_some_and(spoiled)
            && self.dark_day(platform) != Some(day)
    }

    /// Covered days of the window from `from` on.
    pub fn covered_days(&self, platform: Platform, from: Option<NaiveDate>) -> u32 {
        let from = from.map_or(self.window_start, |from| from.max(self.window_start));
        let days = from.iter_days().take_while(|day| *day <= self.last_day);
        days.filter(|day| self.is_covered(platform, *day)).count() as u32
    }

    pub fn gap_days(&self, platform: Platform) -> Vec<NaiveDate> {
        let window = self.window_start.iter_days().take_while(|day| *day <= self.last_day);
        window.filter(|day| !self.is_covered(platform, *day)).collect()
    }

    /// The day to install a phone so that just so many days of the window count for it; a covered one.
    pub fn installed_for(&self, platform: Platform, covered_days: u32) -> NaiveDate {
        let mut day = self.last_day;
        let mut left = covered_days;
        loop {
            left = left.saturating_sub(u32::from(self.is_covered(platform, day)));
            if left == 0 || day <= self.first_day {
                return day;
            }
            day = day - Days::new(1);
        }
    }

    /// The day on which everything that can happen does: the last ordinary weekday of the second half of the window.
    pub fn showcase(&self) -> NaiveDate {
        let mut day = self.last_day - Days::new(2);
        while weekend(day) || Platform::ALL.iter().any(|p| !self.is_covered(*p, day)) || shifted(day).is_some() {
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

/// The last such weekday at or before `day` that will do.
fn apart(mut day: NaiveDate, weekday: Weekday, will_do: impl Fn(NaiveDate) -> bool) -> NaiveDate {
    while day.weekday() != weekday || !will_do(day) {
        day = day - Days::new(1);
    }
    day
}

/// Bank holidays of England and Wales by rule; the odd coronation and jubilee are working days here.
pub fn is_bank_holiday(day: NaiveDate) -> bool {
    let (month, date, weekday) = (day.month(), day.day(), day.weekday());
    let is_monday = weekday == Weekday::Mon;
    match month {
        1 => (date == 1 && !weekend(day)) || (is_monday && (2..=3).contains(&date)),
        5 => is_monday && (date <= 7 || date >= 25),
        8 => is_monday && date >= 25,
        // In place of a Saturday and Sunday the Monday and Tuesday after.
        12 => {
            ((25..=26).contains(&date) && !weekend(day))
                || ((27..=28).contains(&date) && matches!(weekday, Weekday::Mon | Weekday::Tue))
        }
        _ => [-2, 1].iter().any(|n| easter(day.year()) + chrono::Duration::days(*n) == day),
    }
}

/// Easter Sunday, by the anonymous Gregorian computus.
fn easter(year: i32) -> NaiveDate {
    let (golden, century, of_century) = (year % 19, year / 100, year % 100);
    let moon = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    let sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - moon - of_century % 4) % 7;
    let late = (golden + 11 * moon + 22 * sunday) / 451;
    let march = moon + sunday - 7 * late + 21;
    NaiveDate::from_ymd_opt(year, 3, 1).unwrap_or_default() + chrono::Duration::days(i64::from(march))
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

    /// As gov.uk lists them.
    #[test]
    fn bank_holidays_are_found() {
        let listed = [
            "2022-12-26",
            "2022-12-27",
            "2023-01-02",
            "2023-04-07",
            "2023-04-10",
            "2023-05-01",
            "2023-05-29",
            "2023-08-28",
            "2023-12-25",
            "2023-12-26",
            "2024-01-01",
            "2024-03-29",
            "2024-04-01",
            "2024-05-06",
            "2024-05-27",
            "2024-08-26",
            "2024-12-25",
            "2024-12-26",
            "2025-01-01",
            "2025-04-18",
            "2025-04-21",
        ];
        let all = day("2022-12-01").iter_days().take_while(|at| *at < day("2025-05-01"));
        let found: Vec<String> = all.filter(|at| is_bank_holiday(*at)).map(|at| at.to_string()).collect();
        assert_eq!(found, listed);
    }

    #[test]
    fn a_gap_day_does_not_count_towards_cover() {
        let plan = Plan { files: Files::Every(10), ..Plan::new(40, 100, 1, day("2024-04-30")) };
        let calendar = Calendar::new(&plan);
        let [gap] = calendar.gap_days(Platform::Mitel)[..] else { panic!("one day is lost") };
        assert!(calendar.is_gap(Platform::Mitel, gap) && !weekend(gap));
        let since_gap = (calendar.last_day - gap).num_days() as u32;
        assert_eq!(calendar.installed_for(Platform::Mitel, since_gap), gap + Days::new(1));
        assert_eq!(calendar.installed_for(Platform::Mitel, since_gap + 1), gap - Days::new(1));
        assert_eq!(calendar.covered_days(Platform::Mitel, Some(gap)), since_gap);
        assert_eq!(calendar.installed_for(Platform::Mitel, 1), calendar.last_day);
        assert_eq!(number(day("2024-01-01")) % 7, 0);
        assert!(!weekend(calendar.showcase()));
    }

    /// Tuesday and Wednesday are lost; Monday and Thursday have the files on either side.
    #[test]
    fn an_outage_spoils_the_days_on_either_side() {
        for (days, last_day) in [(28, "2024-01-15"), (30, "2024-03-01"), (120, "2024-04-30"), (400, "2024-12-31")] {
            for days in days..days + 7 {
                let calendar = Calendar::new(&Plan::new(3_000, days, 1, day(last_day)));
                let first = calendar.outage(Platform::Cucm).unwrap();
                assert_eq!(first.weekday(), Weekday::Tue);
                let spoiled: Vec<_> = (0..4).map(|n| first - Days::new(1) + Days::new(n)).collect();
                let gaps = calendar.gap_days(Platform::Cucm);
                assert!(spoiled.iter().all(|day| gaps.contains(day)), "{days} days to {last_day}");
                let dark = u32::from(days >= 84);
                assert_eq!(gaps.len() as u32, 5 + dark, "{days} days to {last_day}: {gaps:?}");
                assert_eq!(calendar.gap_days(Platform::Mitel).len() as u32, 1 + dark);
                assert_eq!(calendar.covered_days(Platform::Cucm, None), days.min(365) - 5 - dark);
                let lost = |n: i64| calendar.lost_node(Platform::Cucm, first + chrono::Duration::days(n));
                assert_eq!([-1, 0, 1, 2].map(lost), [None, Some(2), Some(2), None]);
            }
        }
    }
}
