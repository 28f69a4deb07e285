//! Deletes what no log needs any more: files merged, replaced, removed or taken back, and what killed runs left. In a folder
//! not while anybody reads; in an object store, where nobody knows who reads, not what somebody may still be reading. Touches
//! no row and no log.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::entries::Log;
use super::{Lake, Remote, TABLES, Table, remote};
use crate::error::{Error, Result};

/// Kept answers; they hold nothing that the lake does not, but may still hold what was removed from it.
const STANDING: &str = "standing";
/// A question in an object store may go on for so long with a file that was taken out meanwhile.
const QUESTION: TimeDelta = TimeDelta::hours(1);

/// Data files that no log names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dead {
    pub files: u64,
    pub bytes: u64,
}

impl Dead {
    fn of(files: &[DeadFile]) -> Self {
        Self { files: files.len() as u64, bytes: files.iter().map(|file| file.bytes).sum() }
    }
}

/// What `vacuum` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    pub deleted: Dead,
    pub waiting: Dead,
    /// None where nothing waits.
    pub why: Option<Reason>,
}

/// Why files wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody has the lake open.
    Reading,
    /// A question may have begun before they were taken out.
    Young,
}

struct DeadFile {
    table: Table,
    name: String,
    bytes: u64,
}

impl Lake {
    /// Files that [`Lake::vacuum`] would delete.
    ///
    /// # Errors
    /// A log cannot be read or a folder not be listed.
    pub fn dead(&self) -> Result<Dead> {
        Ok(Dead::of(&self.dead_files()?))
    }

    /// Deletes them: in a folder unless somebody has the lake open, in an object store those that have been dead for an hour.
    /// Only for who holds it for writing. `for_good` has removed calls: then answers that were kept go too, and an object
    /// store lets go of the files at once.
    ///
    /// # Errors
    /// A log cannot be read, or a file not be deleted.
    pub fn vacuum(&self, for_good: bool, now: DateTime<Utc>) -> Result<Swept> {
        if let Some(remote) = &self.remote {
            return self.vacuum_store(remote, for_good, now);
        }
        let dead = self.dead()?;
        let waiting = Swept { deleted: Dead::default(), waiting: dead, why: Some(Reason::Reading) };
        let Some(reading) = &self.reading else { return Ok(waiting) };
        // Our own share goes first: a lock is not made stronger, it is taken anew.
        let path = self.folder.join(super::READING);
        reading.unlock().map_err(Error::io(&path))?;
        let alone = reading.try_lock();
        let swept = match alone {
            Ok(()) => self.sweep(for_good).map(|()| Swept { deleted: dead, waiting: Dead::default(), why: None }),
            Err(std::fs::TryLockError::WouldBlock) => Ok(waiting),
            Err(std::fs::TryLockError::Error(error)) => Err(Error::io(&path)(error)),
        };
        reading.unlock().and_then(|()| reading.lock_shared()).map_err(Error::io(&path))?;
        swept
    }

    fn sweep(&self, and_answers: bool) -> Result<()> {
        for DeadFile { table, name, .. } in self.dead_files()? {
            let path = self.path(table, &name);
            std::fs::remove_file(&path).map_err(Error::io(&path))?;
        }
        if and_answers { self.forget_answers() } else { Ok(()) }
    }

    /// Deletes from an object store what a run that died had put there and not committed: under the names of its own it would
    /// lie there for ever. In a folder the next run writes over it.
    ///
    /// # Errors
    /// As [`Lake::vacuum`].
    pub(super) fn sweep_leftovers(&self) -> Result<()> {
        match self.remote.as_ref().filter(|remote| remote.must_fence()) {
            // Seen from the first moment of all time, whatever a log has taken out is too young.
            Some(remote) => self.vacuum_store(remote, false, DateTime::UNIX_EPOCH).map(drop),
            None => Ok(()),
        }
    }

    fn vacuum_store(&self, remote: &Remote, for_good: bool, now: DateTime<Utc>) -> Result<Swept> {
        let (mut deleted, mut waiting) = (Vec::new(), Vec::new());
        let (dead, until) = (self.dead_files()?, (now - QUESTION).timestamp_millis());
        for table in TABLES {
            let of_table: Vec<&DeadFile> = dead.iter().filter(|file| file.table == table).collect();
            if of_table.is_empty() {
                continue;
            }
            let log = self.log(table)?;
            for file in of_table {
                let DeadFile { name, bytes, .. } = file;
                // A later writer has put it there, and is about to commit it: we have lost the lake, and do not know it yet.
                let is_later = remote::generation_of(name).is_some_and(|writer| writer > remote.generation());
                let is_young = may_be_read(&log, name, until);
                let file = DeadFile { table, name: name.clone(), bytes: *bytes };
                if is_later || (is_young && !for_good) { waiting.push(file) } else { deleted.push(file) }
            }
        }
        self.wait(async {
            remote.still_ours().await?;
            for table in TABLES {
                let names = deleted.iter().filter(|file| file.table == table).map(|file| file.name.clone());
                let names: Vec<String> = names.collect();
                if !names.is_empty() {
                    remote.delete(table, names).await?;
                }
            }
            Ok(())
        })?;
        self.sweep_copies()?;
        if for_good {
            self.forget_answers()?;
        }
        let why = (!waiting.is_empty()).then_some(Reason::Young);
        Ok(Swept { deleted: Dead::of(&deleted), waiting: Dead::of(&waiting), why })
    }

    fn forget_answers(&self) -> Result<()> {
        let answers = self.folder.join(STANDING);
        if answers.is_dir() { std::fs::remove_dir_all(&answers).map_err(Error::io(&answers)) } else { Ok(()) }
    }

    fn dead_files(&self) -> Result<Vec<DeadFile>> {
        let mut dead = Vec::new();
        for table in TABLES {
            // The files first: what comes after is named later.
            let there = self.kept_files(table)?;
            let alive = self.wait(self.alive(table))?;
            let files = there.into_iter().filter(|(name, _)| !alive.contains(name));
            dead.extend(files.map(|(name, bytes)| DeadFile { table, name, bytes }));
        }
        Ok(dead)
    }
}

/// Whether a question that goes on may have begun before the file was dead: taken out after a moment, in milliseconds since 1970.
fn may_be_read(log: &Log, name: &str, until: i64) -> bool {
    // An entry that cannot be read may be the one that took it out just now. What no log ever named nobody can be reading.
    !log.faults.is_empty() || log.removed.get(name).is_some_and(|moment| moment.is_none_or(|moment| moment > until))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn what_no_log_named_is_read_by_nobody_unless_some_of_the_log_cannot_be_read() {
        let removed = [("before", Some(999_i64)), ("after", Some(1001)), ("some time", None)];
        let removed = HashMap::from(removed.map(|(name, moment)| (name.to_string(), moment)));
        let mut log = Log { faults: Vec::new(), removed };
        let read = |log: &Log| ["before", "after", "some time", "never"].map(|name| may_be_read(log, name, 1000));
        assert_eq!(read(&log), [false, true, true, false]);
        log.faults.push(("00000000000000000007.json".into(), "the entry is missing from the log".into()));
        assert_eq!(read(&log), [true; 4]);
    }
}
