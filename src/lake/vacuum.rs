//! Deletes from the disk what no log needs any more: files merged, replaced, removed or taken back, and what killed runs
//! left. Not while anybody reads. Touches no row and no log.

use serde::Serialize;

use super::{Lake, TABLES};
use crate::error::{Error, Result};

/// Kept answers; they hold nothing that the lake does not, but may still hold what was removed from it.
const STANDING: &str = "standing";

/// Data files that no log names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dead {
    pub files: u64,
    pub bytes: u64,
}

/// What `vacuum` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    Deleted(Dead),
    /// Somebody reads: nothing was deleted.
    Waiting(Dead),
}

impl Lake {
    /// Files that [`Lake::vacuum`] would delete.
    ///
    /// # Errors
    /// A log cannot be read or a folder not be listed.
    pub fn dead(&self) -> Result<Dead> {
        let mut dead = Dead::default();
        for path in self.dead_files()? {
            dead.files += 1;
            dead.bytes += path.metadata().map_or(0, |m| m.len());
        }
        Ok(dead)
    }

    /// Deletes them, unless somebody has the lake open. Only for who holds it for writing. `and_answers` deletes the
    /// standing answers too.
    ///
    /// # Errors
    /// A log cannot be read, or a file not be deleted.
    pub fn vacuum(&self, and_answers: bool) -> Result<Swept> {
        let dead = self.dead()?;
        let Some(reading) = &self.reading else { return Ok(Swept::Waiting(dead)) };
        // Our own share goes first: a lock is not made stronger, it is taken anew.
        let path = self.folder.join(super::READING);
        reading.unlock().map_err(Error::io(&path))?;
        let alone = reading.try_lock();
        let swept = match alone {
            Ok(()) => self.sweep(and_answers).map(|()| Swept::Deleted(dead)),
            Err(std::fs::TryLockError::WouldBlock) => Ok(Swept::Waiting(dead)),
            Err(std::fs::TryLockError::Error(error)) => Err(Error::io(&path)(error)),
        };
        reading.unlock().and_then(|()| reading.lock_shared()).map_err(Error::io(&path))?;
        swept
    }

    fn sweep(&self, and_answers: bool) -> Result<()> {
        for path in self.dead_files()? {
            std::fs::remove_file(&path).map_err(Error::io(&path))?;
        }
        let answers = self.folder.join(STANDING);
        if and_answers && answers.is_dir() {
            std::fs::remove_dir_all(&answers).map_err(Error::io(&answers))?;
        }
        Ok(())
    }

    fn dead_files(&self) -> Result<Vec<std::path::PathBuf>> {
        let mut dead = Vec::new();
        for table in TABLES {
            let alive = self.wait(self.names(table))?;
            let names = self.on_disk(table)?.into_iter().filter(|name| !alive.contains(name));
            dead.extend(names.map(|name| self.folder.join(table.name()).join(name)));
        }
        Ok(dead)
    }
}
