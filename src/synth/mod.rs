//! `onhook synth`: an invented estate with its truth beside it: landing files, register, configuration and the
//! verdict every registered extension must get. It runs no verdict code and reads nothing; the same plan gives the
//! same bytes. Verdicts are settled first (`phones`), then only calls that leave them true are made (`traffic`).

mod calendar;
mod cucm;
mod cucm_columns;
mod cucm_media;
mod formats;
mod landing;
mod mitel;
mod outside;
mod phones;
mod prices;
mod rng;
mod traffic;
mod workspace;

#[cfg(test)]
mod recount;
#[cfg(test)]
mod recount_coverage;
#[cfg(test)]
mod recount_tests;

use std::collections::{BTreeMap, BTreeSet};
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
    /// Registered lines that are there to mislead a naive count, by what is awkward about them.
    pub planted: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Debug, Default)]
pub struct SourceSummary {
    pub source: &'static str,
    /// Files to be read, media reports among them, without the repeated and the active ones.
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
    /// Days of the window that prove no silence.
    pub gap_days: Vec<NaiveDate>,
    /// Of those, the weekday without records from 09:00 to 13:00.
    pub dark_day: Option<NaiveDate>,
    /// Files of call and media records that were lost in transfer.
    pub lost_files: u64,
    /// Files of media reports, which are also in `files`.
    pub media_files: u64,
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
    let (sources, emergency) = records(plan, &calendar, &phones, out)?;
    workspace::truth(plan, &calendar, &phones, &emergency, out)?;
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
        planted: phones.planted(),
    })
}

/// Registered lines that called an emergency service.
type Emergency<'a> = BTreeSet<(Platform, &'a str)>;

/// A day at a time, so that memory holds a period's records and no more.
fn records<'a>(
    plan: &'a Plan,
    calendar: &'a Calendar,
    phones: &'a Phones,
    out: &Path,
) -> Result<([SourceSummary; 2], Emergency<'a>)> {
    let mut cisco = cucm::Writer::new(plan.seed);
    let mut feeds = [landing::Feed::new(plan, Platform::Cucm, out)?, landing::Feed::new(plan, Platform::Mitel, out)?];
    let period = if let Files::Every(days) = plan.files { days.max(1) as usize } else { 1 };
    let mut from = calendar.first_day;
    let mut emergency = Emergency::new();
    for (n, day) in calendar.days().enumerate() {
        for call in traffic::day(plan, phones, calendar, day) {
            if calendar.in_the_dark(call.platform, call.start, call.start + call.length()) {
                continue;
            }
            emergency.extend(call.emergency_caller().map(|phone| (phone.platform, phone.extension.as_str())));
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
                    feed.deliver(from, day, calendar.lost_node(platform, day))?;
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
    let mut sources = feeds.map(landing::Feed::finish);
    for (source, platform) in sources.iter_mut().zip(Platform::ALL) {
        source.gap_days = calendar.gap_days(platform);
        source.dark_day = calendar.dark_day(platform);
    }
    Ok((sources, emergency))
}
