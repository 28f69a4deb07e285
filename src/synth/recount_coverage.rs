//! Tests only: which days of a written estate prove silence, found from its files by the rules of issue 4 with code of
//! its own. It knows nothing of what was planted.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Datelike, Days, NaiveDate};

use super::Plan;
use super::recount::{Recount, Seen, civil_day};

/// Days of all the records, each with records.
#[derive(Default)]
pub struct Coverage {
    pub covered: BTreeSet<NaiveDate>,
    /// Days of the window that are not covered, and the first rule that says so.
    pub gaps: BTreeMap<NaiveDate, &'static str>,
}

/// Bank holidays of England and Wales within the tests' plans.
const HOLIDAYS: [&str; 13] = [
    "2023-04-07",
    "2023-04-10",
    "2023-05-01",
    "2023-05-08",
    "2023-05-29",
    "2023-08-28",
    "2023-12-25",
    "2023-12-26",
    "2024-01-01",
    "2024-03-29",
    "2024-04-01",
    "2024-05-06",
    "2024-05-27",
];

pub fn of(found: &Recount, plan: &Plan) -> Coverage {
    let mut days: BTreeMap<NaiveDate, Vec<&Seen>> = BTreeMap::new();
    found.seen.iter().for_each(|seen| days.entry(seen.day).or_default().push(seen));
    let missing = missing_numbers(found);
    let nodes: BTreeSet<&str> = found.seen.iter().map(|seen| seen.node.as_str()).collect();
    let counts = |is_it: &dyn Fn(&Seen) -> bool| -> HashMap<NaiveDate, u64> {
        days.iter().map(|(day, seen)| (*day, seen.iter().filter(|seen| is_it(seen)).count() as u64)).collect()
    };
    let hours: Vec<_> = (0..24).map(|hour| counts(&|seen| seen.hour == hour)).collect();
    let nodes: Vec<_> = nodes.iter().map(|node| counts(&|seen| seen.node == *node)).collect();
    let start = plan.last_day - Days::new(u64::from(plan.window_days - 1));
    let mut coverage = Coverage::default();
    for day in start.iter_days().take_while(|day| *day <= plan.last_day) {
        let is_empty = |of: &HashMap<NaiveDate, u64>| of.get(&day) == Some(&0) && stands_out(of, day);
        let why = match () {
            () if !days.contains_key(&day) => "no records",
            () if missing.contains(&day) => "missing numbers",
            () if hours.iter().any(is_empty) => "empty hour",
            () if nodes.iter().any(is_empty) => "silent node",
            () => {
                coverage.covered.insert(day);
                continue;
            }
        };
        coverage.gaps.insert(day, why);
    }
    let covered: Vec<&Vec<&Seen>> = coverage.covered.iter().map(|day| &days[day]).collect();
    no_blind_run(&covered, "unanswered", |seen| seen.is_unanswered);
    no_blind_run(&covered, "internal", |seen| seen.is_internal);
    coverage
}

/// From the file before to the file after, wherever a node's numbers leave some out; they must rise with time.
fn missing_numbers(found: &Recount) -> BTreeSet<NaiveDate> {
    let mut nodes: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for file in &found.named {
        nodes.entry(&file.node).or_default().push((file.at, file.number, file.is_media));
    }
    let mut missing = BTreeSet::new();
    for files in nodes.values_mut() {
        files.sort();
        for pair in files.windows(2) {
            let [(before, number, _), (after, next, _)] = pair else { continue };
            assert!(next > number, "numbers rise with time: {pair:?}");
            if *next > number + 1 {
                let days = civil_day(*before).iter_days().take_while(|day| *day <= civil_day(*after));
                missing.extend(days);
            }
        }
        // Without the media files there would seem to be many more.
        let of_calls: Vec<u32> = files.iter().filter(|file| !file.2).map(|file| file.1).collect();
        let explained = of_calls.windows(2).filter(|pair| pair[1] > pair[0] + 1).count();
        let is_long = of_calls.len() > 20;
        assert!(!is_long || explained > usize::from(!missing.is_empty()), "some numbers are explained by cmr files");
    }
    missing
}

/// Whether nothing on such a day would be odd: same weekday, bank holidays as Sundays, the eight weeks before it or, where
/// there are too few of those, after it.
fn stands_out(counts: &HashMap<NaiveDate, u64>, day: NaiveDate) -> bool {
    let is_holiday = |day: NaiveDate| HOLIDAYS.contains(&day.to_string().as_str());
    let kind = |day: NaiveDate| if is_holiday(day) { 7 } else { day.weekday().number_from_monday() };
    let like = |from: i64, to: i64| -> Vec<u64> {
        let days = (from..=to).map(|n| day + chrono::Duration::days(n)).filter(|other| kind(*other) == kind(day));
        days.filter_map(|other| counts.get(&other).copied()).collect()
    };
    let (before, after) = (like(-56, -1), like(1, 56));
    let usual = if before.len() >= 4 { before } else { after };
    if usual.len() < 4 {
        return false; // two bank holidays among three Sundays are nothing usual
    }
    let middle = median(usual.iter().map(|n| *n as f64));
    let spread = median(usual.iter().map(|n| (*n as f64 - middle).abs()));
    middle >= 12.0 && middle - 3.0 * 1.4826 * spread > 0.0
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 }
}

/// No run of covered days with 200 records holds none of these.
fn no_blind_run(days: &[&Vec<&Seen>], what: &str, shows: impl Fn(&Seen) -> bool) {
    let mut run = 0;
    for seen in days {
        run = if seen.iter().any(|seen| shows(seen)) { 0 } else { run + seen.len() };
        assert!(run < 200, "{what} calls are not seen for {run} records to {}", seen[0].day);
    }
}
