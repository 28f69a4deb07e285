//! The landing folders: lines into files as the platforms deliver them, with the accidents of real deliveries where
//! the plan asks for them, and the ledger that reading them must give. Knows no calls.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate};
use flate2::{Compression, GzBuilder};

use super::phones::Platform;
use super::{Files, Plan, SourceSummary, calendar, cucm, cucm_columns, cucm_media};
use crate::error::{Error, Result};

/// One record as it will stand in a file, line end and all.
#[derive(Clone, Debug)]
pub struct Line {
    pub start: i64,
    /// Records are written when their call ends.
    pub end: i64,
    pub node: u8,
    pub text: String,
}

/// What one platform delivers.
pub struct Feed<'a> {
    plan: &'a Plan,
    platform: Platform,
    folder: PathBuf,
    /// Records of calls that have not ended by the last file.
    pub pending: Vec<Line>,
    /// Each node numbers its files of both families together.
    sequence: [u32; 2],
    /// Name and text of the first file, for it to come again.
    first: Option<(String, String)>,
    summary: SourceSummary,
}

impl<'a> Feed<'a> {
    pub fn new(plan: &'a Plan, platform: Platform, out: &Path) -> Result<Self> {
        let folder = out.join("landing").join(platform.folder());
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let summary = SourceSummary { source: platform.source(), ..SourceSummary::default() };
        Ok(Self { plan, platform, folder, pending: Vec::new(), sequence: [4_000; 2], first: None, summary })
    }

    /// Delivers what had ended by midnight after `day`, in files of the period from `from`; everything on the last day.
    /// The files of the node `lost` are numbered and never come.
    pub fn deliver(&mut self, from: NaiveDate, day: NaiveDate, lost: Option<u8>) -> Result<()> {
        let last = day == self.plan.last_day;
        let (opened, until) = (calendar::utc(from, 0), calendar::utc(day.succ_opt().unwrap_or(day), 0));
        self.pending.sort_by_key(|line| line.end);
        let ended = if last { self.pending.len() } else { self.pending.partition_point(|line| line.end < until) };
        let lines: Vec<Line> = self.pending.drain(..ended).collect();
        if lines.is_empty() {
            return Ok(());
        }
        match self.platform {
            Platform::Mitel => self.mitel(day, &lines, last),
            Platform::Cucm => {
                let slices = if let Files::PerDay(slices) = self.plan.files { i64::from(slices.max(1)) } else { 1 };
                let slice = |line: &Line| ((line.end - opened) * slices / (until - opened).max(1)).clamp(0, slices - 1);
                for number in 0..slices {
                    for node in [1, 2] {
                        let of_file = |line: &&Line| line.node == node && slice(line) == number;
                        let lines: Vec<&Line> = lines.iter().filter(of_file).collect();
                        // Now and then, and on another weekday each time.
                        let has_media = matches!(self.plan.files, Files::Every(_))
                            || (calendar::number(day) % 5 == 2 && number == slices - 1);
                        if lost == Some(node) {
                            self.lose(node, u32::from(has_media) + 1, &lines);
                            continue;
                        }
                        self.cucm(node, &lines)?;
                        if has_media {
                            self.media(node, &lines)?;
                        }
                    }
                }
                if last && self.plan.awkward { self.first_again() } else { Ok(()) }
            }
        }
    }

    /// A file that the platform is still writing, which nobody may read yet.
    pub fn active(&mut self, lines: &[Line]) -> Result<()> {
        let Some(line) = lines.first() else { return Ok(()) };
        let name = format!("_{}", self.cucm_name("cdr", 1, line.end));
        let text = format!("{}{}", cucm_columns::heading(), line.text);
        self.summary.active_files += 1;
        self.save(&name, &text, false, line.end)
    }

    pub fn finish(self) -> SourceSummary {
        self.summary
    }

    fn cucm(&mut self, node: u8, lines: &[&Line]) -> Result<()> {
        let (Some(opening), Some(closing)) = (lines.first(), lines.last()) else { return Ok(()) };
        let (heading, nth) = (cucm_columns::heading(), self.summary.files - self.summary.media_files);
        let mut text = heading.clone();
        self.summary.ledger.skipped += 2;
        for (i, line) in lines.iter().enumerate() {
            if self.plan.awkward && i == lines.len() / 2 {
                if nth == 0 {
                    text.push_str(&heading); // two files put together by a collector
                    self.summary.ledger.skipped += 2;
                } else if nth == 1 {
                    let cut: Vec<&str> = line.text.split(',').take(40).collect();
                    text.push_str(&cut.join(",")); // a record cut off in transfer
                    text.push('\n');
                    self.summary.ledger.rejected += 1;
                }
            }
            text.push_str(&line.text);
        }
        self.summary.ledger.kept += lines.len() as u64;
        let name = self.cucm_name("cdr", node, opening.end);
        if nth == 0 {
            self.first = Some((name.clone(), text.clone()));
        }
        let gzip = self.plan.gzip || (self.plan.awkward && nth == 1);
        self.summary.files += 1;
        self.save(&name, &text, gzip, closing.end)
    }

    /// Reports of a few of these calls' media, in the node's next file.
    fn media(&mut self, node: u8, lines: &[&Line]) -> Result<()> {
        let (text, reports) = cucm_media::reports(lines);
        let (Some(closing), true) = (lines.last(), reports > 0) else { return Ok(()) };
        let name = self.cucm_name("cmr", node, closing.end);
        self.summary.ledger.skipped += 2;
        self.summary.ledger.kept += reports;
        self.summary.files += 1;
        self.summary.media_files += 1;
        self.save(&name, &text, self.plan.gzip, closing.end)
    }

    /// So many files of these lines take their numbers and are lost in transfer.
    fn lose(&mut self, node: u8, files: u32, lines: &[&Line]) {
        if !lines.is_empty() {
            self.sequence[usize::from(node - 1)] += files;
            self.summary.lost_files += u64::from(files);
        }
    }

    /// A collector that fetched the first file twice put it away in two folders.
    fn first_again(&mut self) -> Result<()> {
        let Some((name, text)) = self.first.take() else { return Ok(()) };
        self.summary.repeated_files += 1;
        self.summary.repeated_file_lines += text.lines().count() as u64;
        self.save(&format!("again/{name}"), &text, self.plan.gzip, calendar::utc(self.plan.last_day, 86_399))
    }

    /// The node's next name: numbers and times rise together.
    fn cucm_name(&mut self, family: &str, node: u8, at: i64) -> String {
        let sequence = &mut self.sequence[usize::from(node - 1)];
        *sequence += 1;
        let minute = DateTime::from_timestamp(at, 0).unwrap_or_default().format("%Y%m%d%H%M");
        format!("{family}_{}_{node:02}_{minute}_{sequence}", cucm::CLUSTER)
    }

    fn mitel(&mut self, day: NaiveDate, lines: &[Line], last: bool) -> Result<()> {
        let name = format!("smdr-{}", day.format("%Y%m%d"));
        let closing = lines.last().map_or(0, |line| line.end);
        let of_last_day: Vec<usize> =
            (0..lines.len()).filter(|i| calendar::wall(lines[*i].start).date() == day).collect();
        // On the last day the buffer is drawn early; the second dump has that day again, and the rest of it.
        let late = if last && self.plan.awkward { of_last_day.len().div_ceil(2).min(3) } else { 0 };
        let late = &of_last_day[of_last_day.len() - late..];
        let mut text = String::new();
        for (i, line) in lines.iter().enumerate() {
            if self.plan.awkward && self.summary.files == 0 && i == lines.len() / 2 {
                text.push_str(&format!("{}13/45{}", &line.text[..1], &line.text[6..])); // no such day
                self.summary.ledger.rejected += 1;
            }
            if !late.contains(&i) {
                text.push_str(&line.text);
            }
        }
        self.summary.ledger.kept += lines.len() as u64;
        self.summary.files += 1;
        self.save(&format!("{name}.log"), &text, self.plan.gzip, closing)?;
        if !late.is_empty() {
            let dump: String = of_last_day.iter().map(|i| lines[*i].text.as_str()).collect();
            self.summary.ledger.repeated += (of_last_day.len() - late.len()) as u64;
            self.summary.files += 1;
            self.save(&format!("{name}-again.log"), &dump, false, closing + 60)?; // drawn by hand, never packed
        }
        Ok(())
    }

    fn save(&mut self, name: &str, text: &str, gzip: bool, modified: i64) -> Result<()> {
        let path = self.folder.join(if gzip { format!("{name}.gz") } else { name.to_string() });
        let write = || {
            let mut bytes = text.as_bytes().to_vec();
            if gzip {
                // No time and no name inside, so that the same text gives the same bytes.
                let mut packer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
                packer.write_all(&bytes)?;
                bytes = packer.finish()?;
            }
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = File::create(&path)?;
            file.write_all(&bytes)?;
            file.set_modified(UNIX_EPOCH + Duration::from_secs(modified.unsigned_abs()))?;
            Ok(bytes.len() as u64)
        };
        self.summary.bytes += write().map_err(Error::io(&path))?;
        let ledger = &mut self.summary.ledger;
        ledger.read = ledger.kept + ledger.repeated + ledger.skipped + ledger.rejected;
        Ok(())
    }
}
