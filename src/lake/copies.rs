//! Data files on this machine's disk. In a folder they are the lake itself; of an object store they are copies, made when they
//! are written or first needed. A name stands for one content for ever, so a copy is never out of date, and may be deleted.

use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use rayon::prelude::*;

use super::entries::Entry;
use super::remote::FETCHING;
use super::{Files, Lake, TABLES, Table};
use crate::error::{Error, Result};

/// Half a copy that has not grown for so long nobody is fetching any more.
const STALE: Duration = Duration::from_secs(3600);

impl Lake {
    /// Makes sure that the files are where their paths say.
    ///
    /// # Errors
    /// The object store does not have one of them, or does not answer.
    pub fn fetch(&self, files: &Files) -> Result<()> {
        if self.remote.is_none() {
            return Ok(());
        }
        let hashes = self.entries(files.table)?;
        files.paths.par_iter().zip(&files.bytes).try_for_each(|(path, size)| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let hash = hashes.iter().find(|entry| entry.name == name).and_then(|entry| entry.hash.as_deref());
            self.copy(files.table, &name, *size, hash).map(drop)
        })
    }

    /// Files of finished batches that may hold rows of these civil days, where their paths say.
    ///
    /// # Errors
    /// As [`Lake::fetch`].
    pub fn files_of(&self, table: Table, finished: i64, days: (i32, i32)) -> Result<Vec<PathBuf>> {
        let mut entries = self.entries(table)?;
        entries.retain(|entry| entry.is_finished(finished) && entry.meets(days));
        entries.par_iter().map(|entry| self.at_hand(table, entry)).collect()
    }

    /// A data file, on this machine.
    pub(super) fn at_hand(&self, table: Table, entry: &Entry) -> Result<PathBuf> {
        self.copy(table, &entry.name, entry.size, entry.hash.as_deref())
    }

    fn copy(&self, table: Table, name: &str, size: u64, hash: Option<&str>) -> Result<PathBuf> {
        let path = self.path(table, name);
        if let Some(remote) = &self.remote
            && !path.metadata().is_ok_and(|there| there.len() == size)
        {
            self.wait(remote.fetch(table, name, size, hash, &path))?;
        }
        Ok(path)
    }

    /// A data file as the store has it now, whatever copy there is.
    ///
    /// # Errors
    /// The store does not have it whole, or does not answer.
    pub(super) fn fetch_anew(&self, table: Table, entry: &Entry) -> Result<PathBuf> {
        let path = self.path(table, &entry.name);
        if let Some(remote) = &self.remote {
            self.wait(remote.fetch(table, &entry.name, entry.size, None, &path))?;
        }
        Ok(path)
    }

    /// Deletes a copy that is not what was written: whoever needs it next asks the store.
    pub(super) fn drop_copy(&self, table: Table, name: &str) {
        if self.remote.is_some() {
            // What is not there does no harm.
            let _ = std::fs::remove_file(self.path(table, name));
        }
    }

    /// Deletes copies of files that no log names any more: what was removed for good is not to be found here either. And the
    /// halves that killed runs have left.
    pub(super) fn sweep_copies(&self) -> Result<()> {
        if self.remote.is_none() {
            return Ok(());
        }
        for table in TABLES {
            let alive = self.wait(self.alive(table))?;
            let folder = self.folder.join(table.name());
            for entry in folder.read_dir().map_err(Error::io(&folder))? {
                let entry = entry.map_err(Error::io(&folder))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let is_dead = name.ends_with(".parquet") && !alive.contains(&name);
                if is_dead || (name.starts_with(FETCHING) && is_stale(&entry)) {
                    // Whoever was fetching it may just have given it its name.
                    match std::fs::remove_file(entry.path()) {
                        Err(error) if error.kind() == ErrorKind::NotFound => {}
                        removed => removed.map_err(Error::io(entry.path()))?,
                    }
                }
            }
        }
        Ok(())
    }

    /// Where a data file is on this machine, or would be.
    pub(super) fn path(&self, table: Table, name: &str) -> PathBuf {
        self.folder.join(table.name()).join(name)
    }

    /// The whole name of a data file that this run makes. In an object store it says which writer's it is: two that do not know
    /// of each other never write one name.
    pub(super) fn file_name(&self, stem: String) -> String {
        let tag = self.remote.as_ref().map(super::Remote::tag).unwrap_or_default();
        format!("{stem}{tag}.parquet")
    }

    pub(super) fn named(&self, table: Table, names: Vec<(String, u64)>) -> Result<Files> {
        if let Some(remote) = &self.remote {
            remote.remember(table, names.iter().map(|(name, size)| (name.as_str(), *size)));
        }
        let urls = names.iter().map(|(name, _)| self.file_url(table, name)).collect::<Result<_>>()?;
        let paths = names.iter().map(|(name, _)| self.path(table, name)).collect();
        let bytes = names.iter().map(|(_, size)| *size).collect();
        Ok(Files { table, schema: table.schema(), paths, urls, bytes })
    }
}

fn is_stale(half: &DirEntry) -> bool {
    let grown = half.metadata().and_then(|data| data.modified());
    grown.is_ok_and(|grown| grown.elapsed().is_ok_and(|age| age > STALE))
}
