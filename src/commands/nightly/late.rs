//! Which sources' records should be there and are not, and the wait for them: what arrives meanwhile is read, but no file
//! that still changes; at the deadline the night goes on with what there is.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use arrow::array::RecordBatch;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::super::{Talk, answer, ingest};
use crate::cli;
use crate::config::{Config, Expect, Source};
use crate::error::Result;
use crate::holidays;
use crate::ingest::{Outcome, Work};
use crate::lake::Lake;
use crate::sql::Engine;

/// A source whose records are late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    pub source: String,
    /// The day whose records, or later ones, should be there.
    day: NaiveDate,
    /// The last day that has any.
    last: Option<NaiveDate>,
}

impl std::fmt::Display for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is late: no records of {} yet", self.source, self.day)?;
        self.last.map_or(Ok(()), |last| write!(f, ", the last are of {last}"))
    }
}

/// What came of reading and waiting.
pub struct Gathered {
    pub outcome: Outcome,
    pub late: Vec<Late>,
    pub waited: Duration,
}

/// Longest wait for a time of day: beyond it the time is taken for one that is past.
const HALF_A_DAY: TimeDelta = TimeDelta::hours(12);

/// Until when late files are waited for; none where they are not.
pub fn deadline(config: &Config, args: &cli::Nightly, begun: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if let Some(minutes) = args.wait {
        return Some(begun + TimeDelta::minutes(minutes.into()));
    }
    next_time(args.wait_until.or(config.nightly.until())?, zone(config), begun)
}

/// The zone of `wait_until`.
fn zone(config: &Config) -> Tz {
    let first = config.sources.first().map(|source| &source.timezone);
    let name = config.nightly.timezone.as_ref().or(first);
    name.and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC)
}

/// The next time that a clock in the zone shows the time, where that is near.
fn next_time(time: NaiveTime, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let today = now.with_timezone(&zone).date_naive();
    let days = [Some(today), today.succ_opt()].into_iter().flatten();
    let mut moments = days.filter_map(|day| moment(zone, day.and_time(time)));
    moments.find(|at| *at >= now).filter(|at| *at - now < HALF_A_DAY)
}

/// When a clock in the zone first shows that; a time that spring skips is an hour later.
fn moment(zone: Tz, shown: NaiveDateTime) -> Option<DateTime<Utc>> {
    let later = || zone.from_local_datetime(&(shown + TimeDelta::hours(1))).earliest();
    zone.from_local_datetime(&shown).earliest().or_else(later).map(|at| at.to_utc())
}

/// Reads what there is; waits, where a source is late, until it is not or the time is up; then looks once more at everything,
/// so that a file which failed when it first arrived and is whole now has not failed. What is late is reckoned from the
/// start of the run: midnight asks for no more.
pub fn gather(
    config: &Config,
    lake: &Lake,
    policy: &RecordBatch,
    told: &ingest::Told,
    begun: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    talk: &mut Talk,
) -> Result<Gathered> {
    let still_late = || -> Result<Vec<Late>> {
        Ok(late(config, &last_records(config, &Engine::open(lake, config, policy)?, begun)?, begun))
    };
    let (work, mut unseen) = ingest::found(config, None, &[])?;
    let mut looks = Looks::default();
    looks.are_read(&work);
    let mut outcome = ingest::read(config, lake, work, told, talk)?;
    let mut late = still_late()?;
    let mut waited = Duration::ZERO;
    if let Some(until) = until.filter(|until| !late.is_empty() && Utc::now() < *until) {
        let shown = until.with_timezone(&zone(config));
        for late in &late {
            talk.say(&format!("waiting   {late}; until {}", shown.format("%Y-%m-%d %H:%M %Z")));
        }
        while !late.is_empty() {
            let Some(left) = (until - Utc::now()).to_std().ok().filter(|left| !left.is_zero()) else { break };
            let pause = left.min(Duration::from_secs(config.nightly.poll_seconds.into()));
            std::thread::sleep(pause);
            waited += pause;
            let arrived = looks.arrived(ingest::found(config, None, &[])?.0);
            if !arrived.is_empty() {
                looks.are_read(&arrived);
                add(&mut outcome, ingest::read(config, lake, arrived, told, talk)?);
                late = still_late()?;
            }
        }
        let (work, unseen_now) = ingest::found(config, None, &[])?;
        unseen = unseen_now;
        let seen = outcome.inputs.repeated;
        add(&mut outcome, ingest::read(config, lake, work, told, talk)?);
        // All that was read is seen again.
        outcome.inputs.repeated = seen;
        late = still_late()?;
    }
    outcome.inputs.failed += unseen.len() as u64;
    outcome.errors.extend(unseen);
    ingest::tell(&outcome, talk);
    Ok(Gathered { outcome, late, waited })
}

/// A later look's outcome: what was read adds up, what could not be is what cannot be now.
fn add(all: &mut Outcome, later: Outcome) {
    all.inputs.new += later.inputs.new;
    all.inputs.repeated += later.inputs.repeated;
    all.inputs.failed = later.inputs.failed;
    all.records += later.records;
    all.active = later.active;
    all.errors = later.errors;
    all.plain = later.plain;
    all.version = later.version;
}

type Stamp = (u64, Option<SystemTime>);

/// Length and time of the files when they were last looked at, and when they were read.
#[derive(Default)]
struct Looks {
    last: HashMap<PathBuf, Stamp>,
    read: HashMap<PathBuf, Stamp>,
}

impl Looks {
    /// They are about to be read as they are now.
    fn are_read(&mut self, work: &[Work<'_>]) {
        self.read.extend(work.iter().filter_map(|work| Some((work.file.path.clone(), stamp(work)?))));
    }

    /// The files that are new or changed, and come to rest: the same at this look as at the last.
    fn arrived<'a>(&mut self, work: Vec<Work<'a>>) -> Vec<Work<'a>> {
        let mut last = HashMap::new();
        let arrived = work.into_iter().filter(|work| {
            let Some(now) = stamp(work) else { return false };
            let path = &work.file.path;
            let is_at_rest = self.last.get(path) == Some(&now);
            last.insert(path.clone(), now);
            is_at_rest && self.read.get(path) != Some(&now)
        });
        let arrived = arrived.collect();
        self.last = last;
        arrived
    }
}

fn stamp(work: &Work<'_>) -> Option<Stamp> {
    let data = work.file.path.metadata().ok()?;
    Some((data.len(), data.modified().ok()))
}

/// The day whose records must be there by now, at the source's own calendar; none where nothing is expected of it.
fn expected_day(source: &Source, now: DateTime<Utc>) -> Option<NaiveDate> {
    let expect = source.expect?;
    let today = now.with_timezone(&source.timezone.parse::<Tz>().ok()?).date_naive();
    let mut days = today.checked_sub_days(Days::new(source.expected_lag_days.into()))?.iter_days().rev();
    days.find(|day| expect == Expect::Daily || holidays::is_working(*day))
}

/// The sources that are late, in the order of the configuration.
fn late(config: &Config, last: &HashMap<String, LastRecord>, now: DateTime<Utc>) -> Vec<Late> {
    let late = config.sources.iter().filter_map(|source| {
        let day = expected_day(source, now)?;
        let last = last.get(&source.name).map(|last| last.day);
        (last < Some(day)).then(|| Late { source: source.name.clone(), day, last })
    });
    late.collect()
}

/// The quarter-hour of a source's last record, by its own calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRecord {
    day: NaiveDate,
    quarter: u32,
}

impl LastRecord {
    /// When that quarter-hour began.
    pub fn moment(self, source: &Source) -> Option<DateTime<Utc>> {
        let minute = self.quarter * 15;
        moment(source.timezone.parse().ok()?, self.day.and_hms_opt(minute / 60, minute % 60, 0)?)
    }
}

/// Of each configured source, but for records from the future: a clock that is ahead makes nothing punctual.
pub fn last_records(config: &Config, engine: &Engine<'_>, now: DateTime<Utc>) -> Result<HashMap<String, LastRecord>> {
    let todays = config.sources.iter().filter_map(|source| {
        let today = now.with_timezone(&source.timezone.parse::<Tz>().ok()?).date_naive();
        // A source's name is letters, digits, `-` and `_`.
        Some(format!("('{}', date '{today}')", source.name))
    });
    let todays: Vec<String> = todays.collect();
    if todays.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "select t.source, t.local_day, max(t.quarter) from traffic t join ( \
            select u.source, max(u.local_day) as local_day \
            from traffic u join (values {}) as c (source, today) on u.source = c.source \
            where u.legs > 0 and u.local_day <= c.today group by u.source \
        ) l on t.source = l.source and t.local_day = l.local_day \
        where t.legs > 0 group by t.source, t.local_day",
        todays.join(", ")
    );
    let rows = answer::text(&engine.free(&sql)?)?;
    let records = rows.iter().filter_map(|row| {
        let [source, day, quarter] = &row[..] else { return None };
        Some((source.clone(), LastRecord { day: day.parse().ok()?, quarter: quarter.parse().ok()? }))
    });
    Ok(records.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn config(more: &str) -> Config {
        let text = format!(
            "[lake]\npath = \"lake\"\n[[source]]\nname = \"a\"\nformat = \"cisco-cucm\"\npaths = []\ntimezone = \"Europe/London\"\n{more}"
        );
        Config::parse(&text, "onhook.toml", PathBuf::new(), &crate::read::formats()).unwrap()
    }

    fn expected(more: &str, now: &str) -> Option<String> {
        expected_day(&config(more).sources[0], at(now)).map(|day| day.to_string())
    }

    #[test]
    fn the_day_that_is_expected_is_the_sources_own() {
        assert_eq!(expected("", "2024-07-02T01:00:00Z"), None);
        assert_eq!(expected("expect = \"daily\"", "2024-07-02T01:00:00Z").unwrap(), "2024-07-01");
        // Half past midnight in London, still the day before in UTC.
        assert_eq!(expected("expect = \"daily\"", "2024-07-01T23:30:00Z").unwrap(), "2024-07-01");
        assert_eq!(
            expected("expect = \"daily\"\nexpected_lag_days = 0", "2024-07-01T22:30:00Z").unwrap(),
            "2024-07-01"
        );
        assert_eq!(
            expected("expect = \"daily\"\nexpected_lag_days = 3", "2024-03-02T09:00:00Z").unwrap(),
            "2024-02-28"
        );
    }

    #[test]
    fn weekends_and_bank_holidays_owe_nothing_on_working_days() {
        let working = |now: &str| expected("expect = \"working_days\"", now).unwrap();
        // Good Friday was 29 March 2024, Easter Monday 1 April.
        assert_eq!(working("2024-04-02T03:00:00Z"), "2024-03-28");
        assert_eq!(working("2024-04-03T03:00:00Z"), "2024-04-02");
        assert_eq!(working("2024-03-11T03:00:00Z"), "2024-03-08");
    }

    #[test]
    fn a_time_of_day_is_the_next_one_where_it_is_near() {
        let until = |time: &str, now: &str| {
            let time = NaiveTime::parse_from_str(time, "%H:%M").unwrap();
            next_time(time, Tz::Europe__London, at(now)).map(|at| at.format("%d %H:%M").to_string())
        };
        assert_eq!(until("06:30", "2024-07-02T01:00:00Z").as_deref(), Some("02 05:30"), "summer time");
        assert_eq!(until("06:30", "2024-07-01T22:00:00Z").as_deref(), Some("02 05:30"), "begun before midnight");
        assert_eq!(until("06:30", "2024-07-02T05:30:00Z").as_deref(), Some("02 05:30"), "this very minute");
        assert_eq!(until("06:30", "2024-07-02T06:00:00Z"), None, "past: a run by day waits for nothing");
        assert_eq!(until("01:30", "2024-03-31T00:10:00Z").as_deref(), Some("31 01:30"), "an hour that never was");
        assert_eq!(until("01:30", "2024-10-27T00:10:00Z").as_deref(), Some("27 00:30"), "the first of two");
    }

    #[test]
    fn later_records_are_punctual_and_no_records_are_late() {
        let config = config("expect = \"daily\"");
        let now = at("2024-03-12T03:00:00Z");
        let last = |day: &str| HashMap::from([("a".to_string(), LastRecord { day: day.parse().unwrap(), quarter: 0 })]);
        assert!(late(&config, &last("2024-03-11"), now).is_empty());
        assert!(late(&config, &last("2024-03-12"), now).is_empty());
        let told = late(&config, &last("2024-03-10"), now)[0].to_string();
        assert_eq!(told, "a is late: no records of 2024-03-11 yet, the last are of 2024-03-10");
        assert_eq!(late(&config, &HashMap::new(), now)[0].to_string(), "a is late: no records of 2024-03-11 yet");
    }
}
