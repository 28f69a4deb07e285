//! `onhook synth`: an invented estate with its truth beside it: landing files, register, configuration and the
//! verdict every registered extension must get. It runs no verdict code and reads nothing; the same plan gives the
//! same bytes. Verdicts are settled first (`phones`), then only calls that leave them true are made (`traffic`).

mod calendar;
mod cucm;
mod cucm_columns;
mod formats;
mod landing;
mod mitel;
mod outside;
mod phones;
mod rng;
mod traffic;
mod workspace;

#[cfg(test)]
mod recount;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;

use crate::error::{Error, Result};
use crate::ledger::Ledger;
use calendar::Calendar;
pub use formats::{EveryFormat, FormatSummary, generate_every_format, truth_columns};
use phones::{Habit, Phones, Platform, Verdict};

/// What `[evidence] low_use_per_week` says in the written `onhook.toml`.
const LOW_USE_PER_WEEK: u32 = 1;

/// What to invent. Everything else follows from it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Registered extensions, a third of them (4,000 at most) on Mitel; 30 or more.
    pub extensions: usize,
    /// Days of records; 28 or more.
    pub days: u32,
    /// Last day of the records, and the `as_of` of the verdicts.
    pub last_day: NaiveDate,
    pub seed: u64,
    /// Calls a week that a phone in use takes part in, about; at least the three it makes.
    pub calls_per_week: u32,
    pub window_days: u32,
    pub min_covered_days: u32,
    pub files: Files,
    /// Landing files as `.gz`.
    pub gzip: bool,
    /// The accidents of real deliveries: broken lines, repeats, overlaps, a file still being written.
    pub awkward: bool,
    /// Name a `case.toml` (which the caller provides) in `onhook.toml`.
    pub case: bool,
}

/// How records are cut into files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// So many CUCM files a day and node, and one Mitel file a day.
    PerDay(u32),
    /// A file for so many days (for each node), as an archive keeps them.
    Every(u32),
}

impl Plan {
    pub fn new(extensions: usize, days: u32, seed: u64, last_day: NaiveDate) -> Self {
        let window_days = days.min(365);
        Self {
            extensions,
            days,
            last_day,
            seed,
            calls_per_week: 40,
            window_days,
            min_covered_days: (window_days / 2).min(90),
            files: Files::PerDay(1),
            gzip: false,
            awkward: false,
            case: false,
        }
    }

    /// The estate shipped as `sample-data`: 13 months of thin traffic over both changes of the clock and a New Year.
    pub fn sample() -> Self {
        let last_day = NaiveDate::from_ymd_opt(2024, 4, 30).unwrap_or_default();
        Self {
            calls_per_week: 4,
            files: Files::Every(50),
            gzip: true,
            awkward: true,
            case: true,
            ..Self::new(300, 400, 1, last_day)
        }
    }

    fn check(&self) -> Result<()> {
        let wrong = |what: &str| {
            Err(Error::Config { place: "synth".into(), what: what.into(), hint: "see onhook synth --help".into() })
        };
        match self {
            Self { extensions: 0..30, .. } => wrong("an estate needs 30 extensions or more to show every verdict"),
            Self { extensions: 90_001.., .. } => wrong("at most 90,000 extensions: their numbers have six digits"),
            Self { days: 0..28, .. } => wrong("verdicts need 28 days of records or more"),
            Self { days, .. } if *days > 20_000 => wrong("at most 20,000 days of records"),
            _ if !(28..=self.days).contains(&self.window_days) => {
                wrong("the window must be 28 days or more, and no longer than the records")
            }
            _ if !(3..=self.window_days / 2).contains(&self.min_covered_days) => {
                wrong("min_covered_days must be from 3 to half the window")
            }
            _ => Ok(()),
        }
    }
}

/// What was written, by construction: what reading it must find.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Cisco, then Mitel.
    pub sources: [SourceSummary; 2],
    pub extensions: u64,
    /// Registered extensions for each verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Source and extension of the callers that no register knows.
    pub unknown_extensions: Vec<(&'static str, String)>,
    pub window: (NaiveDate, NaiveDate),
}

#[derive(Clone, Debug, Default)]
pub struct SourceSummary {
    pub source: &'static str,
    /// Files to be read, without the repeated and the active ones.
    pub files: u64,
    /// Files whose content another file already has (not in `ledger`), and the lines they hold.
    pub repeated_files: u64,
    pub repeated_file_lines: u64,
    /// Files with a leading `_`, not to be read.
    pub active_files: u64,
    /// What the files to be read must give.
    pub ledger: Ledger,
    /// Bytes on disk of all its files.
    pub bytes: u64,
    /// The day without records.
    pub gap_day: NaiveDate,
}

/// Writes the estate into `out`, which must not have a landing folder yet.
///
/// # Errors
/// When the plan is too small or too large to hold its verdicts, or a file cannot be written.
pub fn generate(plan: &Plan, out: &Path) -> Result<Summary> {
    plan.check()?;
    if out.join("landing").exists() {
        return Err(Error::Config {
            place: out.join("landing").display().to_string(),
            what: "is there already".into(),
            hint: "name another folder, or remove it first".into(),
        });
    }
    let calendar = Calendar::new(plan);
    let phones = Phones::plan(plan, &calendar);
    workspace::write(plan, &calendar, &phones, out)?;
    let sources = records(plan, &calendar, &phones, out)?;
    let mut verdicts = BTreeMap::new();
    for phone in &phones.registered {
        *verdicts.entry(phone.verdict.word()).or_default() += 1;
    }
    Ok(Summary {
        sources,
        extensions: phones.registered.len() as u64,
        verdicts,
        unknown_extensions: phones.unknown.iter().map(|p| (p.platform.source(), p.extension.clone())).collect(),
        window: (calendar.window_start, calendar.last_day),
    })
}

/// A day at a time, so that memory holds a period's records and no more.
fn records(plan: &Plan, calendar: &Calendar, phones: &Phones, out: &Path) -> Result<[SourceSummary; 2]> {
    let mut cisco = cucm::Writer::new(plan.seed);
    let mut feeds = [landing::Feed::new(plan, Platform::Cucm, out)?, landing::Feed::new(plan, Platform::Mitel, out)?];
    let period = if let Files::Every(days) = plan.files { days.max(1) as usize } else { 1 };
    let mut from = calendar.first_day;
    for (n, day) in calendar.days().enumerate() {
        for call in traffic::day(plan, phones, calendar, day) {
            let pending = &mut feeds[call.platform as usize].pending;
            match call.platform {
                Platform::Cucm => cisco.write(&call, pending),
                Platform::Mitel => mitel::write(&call, pending),
            }
        }
        if (n + 1) % period == 0 || day == plan.last_day {
            for (feed, platform) in feeds.iter_mut().zip(Platform::ALL) {
                // A lost day has no file either; what was still pending comes with the next.
                if period > 1 || !calendar.is_gap(platform, day) {
                    feed.deliver(from, day)?;
                }
            }
            from = day.succ_opt().unwrap_or(day);
        }
    }
    if plan.awkward {
        // It would put an idle phone to use, if anybody read it.
        let idle = phones.registered.iter().find(|p| p.verdict == Verdict::Idle && p.habit == Habit::Silent);
        let mut lines = Vec::new();
        if let Some(phone) = idle {
            cisco.write(&traffic::proof(phone, calendar.last_day), &mut lines);
        }
        feeds[0].active(&lines)?;
    }
    let [cucm, mitel] = feeds.map(landing::Feed::finish);
    Ok([
        SourceSummary { gap_day: calendar.gap(Platform::Cucm), ..cucm },
        SourceSummary { gap_day: calendar.gap(Platform::Mitel), ..mitel },
    ])
}
