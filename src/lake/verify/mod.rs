//! Proves the lake: logs, files, ledger, keys, roll-ups. Names each thing that is wrong; mends only what is derived, and
//! only where all that it is derived from is sound.

mod derived;
mod files;
mod ledger;
mod mend;

use std::collections::{BTreeMap, HashSet};
use std::fs::File;

use serde::Serialize;

use super::entries::{Entry, LOG, Log};
use super::open::LOCK;
use super::{Dead, Lake, TABLES, Table};
use crate::error::Result;
use derived::Days;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub table: &'static str,
    /// The file of the table it is about; blank where it is about none in particular.
    pub file: String,
    pub what: String,
    pub kind: Kind,
}

/// Who can put it right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A backup.
    Damaged,
    /// `--repair`: it is worked out from the rest.
    Derived,
    /// `vacuum`: nothing is wrong, a file is left over.
    Orphan,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let between = if self.file.is_empty() { "" } else { " " };
        write!(f, "{}{between}{}: {}", self.table, self.file, self.what)
    }
}

/// What was looked at and found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// What is as it should be, but a person may want to know.
    pub notes: Vec<String>,
    pub files: u64,
    pub rows: u64,
    pub bytes: u64,
    /// Files taken out by a log, which wait for vacuum.
    pub dead: Dead,
    /// Tables that were worked out again.
    pub repaired: Vec<&'static str>,
}

/// A table as it lay there at one moment.
struct Pictured {
    table: Table,
    log: Log,
    /// Of finished batches; none where the log is not whole.
    entries: Vec<Entry>,
    /// Files of batches that are not finished.
    unfinished: HashSet<String>,
    /// Files that lie there, with their sizes.
    kept: BTreeMap<String, u64>,
}

/// All tables at one moment.
struct Picture {
    tables: Vec<Pictured>,
    finished: i64,
    kept_from: Option<i32>,
    is_removing: bool,
    /// Whether somebody was writing: then a file without an entry may yet get one.
    is_written_to: bool,
}

/// A report, and what mending needs to know.
struct Examined {
    report: Report,
    picture: Picture,
    inputs: ledger::Inputs,
    /// Whether all that the roll-ups are worked out from is sound.
    is_sound: bool,
    /// Days of a roll-up that must be worked out again.
    days: BTreeMap<&'static str, Days>,
    /// Names of files of the roll-ups that are damaged.
    damaged: Vec<(Table, String)>,
}

/// What the roll-ups and the ledger stand on.
const BASE: [Table; 5] = [Table::Legs, Table::Quality, Table::Rejects, Table::Inputs, Table::Removals];

impl Lake {
    /// Looks at everything there is. Changes nothing, and goes on while others read and write.
    ///
    /// # Errors
    /// A folder cannot be listed; a damaged file is a finding.
    pub fn verify(&self) -> Result<Report> {
        Ok(self.examine()?.report)
    }

    /// The same, and works out again what is derived and wrong. Only for who holds the lake for writing.
    ///
    /// # Errors
    /// As [`Lake::verify`], or what was worked out cannot be written.
    pub fn verify_and_repair(&self) -> Result<Report> {
        let mut repaired = Vec::new();
        let mut examined = self.examine()?;
        // All that is to be committed to has been read: who has overtaken us had the lease before he committed what we read.
        if let Some(remote) = &self.remote {
            self.wait(remote.not_overtaken())?;
        }
        // A damaged file hides the rows of its table that differ: they are found once it is mended.
        for _ in 0..2 {
            let mended = self.mend(&examined)?;
            if mended.is_empty() {
                break;
            }
            repaired.extend(mended);
            examined = self.examine()?;
        }
        repaired.sort_unstable();
        repaired.dedup();
        Ok(Report { repaired, ..examined.report })
    }

    fn examine(&self) -> Result<Examined> {
        let mut picture = self.picture()?;
        let mut report = Report::default();
        for table in &mut picture.tables {
            logs(table, picture.is_written_to, &mut report);
        }
        if picture.is_written_to {
            report.notes.push("a run is writing: files that no log names yet were not judged".into());
        }
        if picture.is_removing {
            report.notes.push("a removal of old calls was cut short: the next run that writes completes it".into());
        }
        let files::Checked { counts, damaged } = files::check(self, &picture, &mut report);
        let mut examined = Examined {
            report,
            picture,
            inputs: ledger::Inputs::default(),
            is_sound: false,
            days: BTreeMap::new(),
            damaged,
        };
        let Examined { report, picture, inputs, days, damaged, .. } = &mut examined;
        if !is_sound(report) {
            let what = "ledger, keys and roll-ups were not checked: put right first what they are counted from";
            report.notes.push(what.into());
            return Ok(examined);
        }
        *inputs = ledger::check(self, picture, &counts, report)?;
        derived::quality_keys(self, picture, report)?;
        let (faults, findings) = derived::check(self, picture, inputs, damaged, report)?;
        if is_sound(report) {
            *days = faults;
            report.findings.extend(findings);
            examined.is_sound = true;
        } else {
            // Held against legs that are wrong, what is right looks wrong.
            report.notes.push("usage and traffic were not held against legs: put legs and inputs right first".into());
        }
        Ok(examined)
    }

    /// What lies there, all of one moment where nobody writes.
    fn picture(&self) -> Result<Picture> {
        let still = self.still()?;
        loop {
            let before = self.removals_version();
            let mut tables = Vec::new();
            for table in TABLES {
                // The folder first: what is put there later has its entry later.
                let kept = self.kept_files(table)?;
                let mut log = self.log(table)?;
                let mut entries = Vec::new();
                if log.faults.is_empty() {
                    match self.entries(table) {
                        Ok(there) => entries = there,
                        Err(error) => log.faults.push((LOG.into(), error.to_string())),
                    }
                }
                tables.push(Pictured { table, log, entries, unfinished: HashSet::new(), kept });
            }
            let whole = |table: Table| tables.iter().all(|t| t.table != table || t.log.faults.is_empty());
            let finished = if whole(Table::Inputs) { self.finished_batch()? } else { i64::MAX };
            let (kept_from, is_removing) = match whole(Table::Removals) {
                true => (self.kept_from()?, self.is_removing()?),
                false => (None, false),
            };
            for table in &mut tables {
                let (counts, unfinished): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut table.entries).into_iter().partition(|entry| entry.is_finished(finished));
                table.entries = counts;
                table.unfinished = unfinished.into_iter().map(|entry| entry.name).collect();
            }
            // A removal in between would make rows and what is written of their removal disagree.
            if before == self.removals_version() {
                let is_written_to = !still.is_still(self)?;
                return Ok(Picture { tables, finished, kept_from, is_removing, is_written_to });
            }
        }
    }

    /// The writers' lock, shared, for the moment it takes to look. In an object store nobody can be kept from writing: there it
    /// is seen afterwards whether somebody has.
    fn still(&self) -> Result<Still> {
        if self.lock.is_some() {
            return Ok(Still::Ours);
        }
        if let Some(remote) = &self.remote {
            return Ok(Still::Seen(self.wait(remote.writers())?));
        }
        Ok(match File::open(self.folder.join(LOCK)) {
            Ok(file) if file.try_lock_shared().is_ok() => Still::Held(file),
            Ok(_) => Still::Written,
            Err(_) => Still::Ours,
        })
    }

    fn removals_version(&self) -> Option<u64> {
        self.wait(async { Ok(self.table(Table::Removals).await?.and_then(|delta| delta.version())) }).ok().flatten()
    }
}

/// Whether anybody writes while we look.
enum Still {
    /// Nobody but ourselves, or nobody ever has.
    Ours,
    /// Nobody, for as long as this is held.
    Held(File),
    Written,
    /// The last writer of an object store, and whether it has ended.
    Seen(Option<(u64, bool)>),
}

impl Still {
    fn is_still(&self, lake: &Lake) -> Result<bool> {
        Ok(match self {
            Self::Ours => true,
            Self::Held(_lock) => true,
            Self::Written => false,
            Self::Seen(before) => {
                let has_ended = before.is_none_or(|(_, has_ended)| has_ended);
                let now = lake.remote.as_ref().map(|remote| lake.wait(remote.writers())).transpose()?.flatten();
                has_ended && now == *before
            }
        })
    }
}

impl Picture {
    fn entries(&self, table: Table) -> &[Entry] {
        self.tables.iter().find(|t| t.table == table).map_or(&[], |t| &t.entries)
    }
}

/// Whether nothing is wrong with what the roll-ups stand on.
fn is_sound(report: &Report) -> bool {
    let is_base = |finding: &Finding| BASE.iter().any(|table| table.name() == finding.table);
    !report.findings.iter().any(|finding| finding.kind == Kind::Damaged && is_base(finding))
}

/// Whether the log of a roll-up is damaged: nothing else that is wrong with one needs a backup. What it holds is not known then,
/// so it is held against nothing, and nothing is put beside it.
fn has_damaged_log(report: &Report, table: Table) -> bool {
    report.findings.iter().any(|finding| finding.kind == Kind::Damaged && finding.table == table.name())
}

/// What is wrong with a log, and with the files it does not name.
fn logs(there: &mut Pictured, is_written_to: bool, report: &mut Report) {
    let table = there.table.name();
    let faults = std::mem::take(&mut there.log.faults);
    let is_whole = faults.is_empty();
    report.findings.extend(faults.into_iter().map(|(file, what)| {
        let file = if file == LOG { file } else { format!("{LOG}/{file}") };
        Finding { table, file, what, kind: Kind::Damaged }
    }));
    if !there.unfinished.is_empty() {
        let files = there.unfinished.len();
        report.notes.push(format!("{table}: {files} files of an unfinished batch, taken back by the next run"));
    }
    if !is_whole {
        return;
    }
    let named: HashSet<&String> = there.entries.iter().map(|entry| &entry.name).chain(&there.unfinished).collect();
    for (name, bytes) in there.kept.iter().filter(|(name, _)| !named.contains(name)) {
        if there.log.removed.contains_key(name) {
            report.dead.files += 1;
            report.dead.bytes += bytes;
        } else if !is_written_to {
            let what = "no log names this file: onhook lake vacuum deletes it".into();
            report.findings.push(Finding { table, file: name.clone(), what, kind: Kind::Orphan });
        }
    }
}
