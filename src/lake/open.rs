//! The door of the lake: whether a folder is one of ours and of this version, the marker that says so, and the lock of
//! the one run that writes. Nothing is changed in a folder that is not ours. Knows no tables.

use std::fmt::Display;
use std::fs::File;
use std::io::{ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};

use super::{Access, Store};
use crate::error::{Error, Result};

/// Written into a new lake, so that a folder of something else is never taken for one.
pub const MARKER: &str = "onhook-lake.json";
/// Goes up when tables change so that another version of onhook could no longer read the lake.
pub const LAYOUT: u64 = 3;
pub const LOCK: &str = ".lock";

/// The lock of a writer, on a file that stays behind; the lock goes with the process. In the file its holder says who it is.
pub struct Lock(File);

impl Lock {
    /// Where it cannot be written, nobody is told.
    pub fn sign(&self, who: &str) {
        let _ = self.0.set_len(0).and_then(|()| (&self.0).rewind()).and_then(|()| (&self.0).write_all(who.as_bytes()));
    }
}

impl Drop for Lock {
    /// A file without a holder says nothing.
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
    }
}

/// The lake's folder in full, and the lock of a writer. A writer makes the lake where there is none.
pub fn open(folder: &Path, access: Access, store: &Store) -> Result<(PathBuf, Option<Lock>)> {
    // Before the lock, which is a file: nothing is written into a lake that we cannot read.
    let is_lake = check(folder)?;
    if access == Access::Read {
        return match is_lake {
            true => Ok((whole(folder)?, None)),
            false => {
                Err(wrong(folder.display(), "there is no lake yet", "read some call records first: onhook ingest"))
            }
        };
    }
    store.create_folder(folder).map_err(|error| unwritable(folder, error))?;
    let folder = whole(folder)?;
    let lock = lock(&folder, &folder.display())?;
    // Another run may have made it in the meantime.
    if !check(&folder)? {
        mark(&folder, store)?;
    }
    Ok((folder, Some(lock)))
}

/// Whether there is a lake that we can read; an error where there is something else.
fn check(folder: &Path) -> Result<bool> {
    match layout(folder)? {
        Some(layout) => layout_will_do(folder.display(), layout).map(|()| true),
        None => match folder.read_dir() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                Err(wrong(folder.display(), "a file of that name is there", "name a folder in [lake] path"))
            }
            Err(error) => Err(Error::io(folder)(error)),
            Ok(mut entries) => match entries.all(is_ours) {
                true => Ok(false),
                false => Err(stranger(folder)),
            },
        },
    }
}

/// # Errors
/// Another version of onhook wrote it.
pub fn layout_will_do(place: impl Display, layout: u64) -> Result<()> {
    match layout {
        newer if newer > LAYOUT => Err(wrong(place, "written by a newer onhook", "use that version, or a new lake")),
        older if older < LAYOUT => {
            Err(wrong(place, "written by an older onhook", "name a new place in [lake] path and ingest again"))
        }
        _ => Ok(()),
    }
}

/// A folder with something else in it, or a lake that lost its marker.
fn stranger(folder: &Path) -> Error {
    match folder.join("inputs/_delta_log").is_dir() {
        true => wrong(folder.display(), &format!("its {MARKER} is missing"), "restore it from a backup of the lake"),
        false => {
            wrong(folder.display(), "the folder is in use by something else", "name an empty folder in [lake] path")
        }
    }
}

/// The marker's layout number; none in a folder that is not yet a lake.
fn layout(folder: &Path) -> Result<Option<u64>> {
    let marker = folder.join(MARKER);
    let text = match std::fs::read(&marker) {
        Ok(text) => text,
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => return Ok(None),
        Err(error) => return Err(Error::io(&marker)(error)),
    };
    let layout = serde_json::from_slice::<serde_json::Value>(&text).ok().and_then(|marker| marker["layout"].as_u64());
    let damaged = || wrong(folder.display(), &format!("{MARKER} is damaged"), "restore it from a backup of the lake");
    layout.map(Some).ok_or_else(damaged)
}

/// Makes the folder a lake, at one stroke: under another name first. Lasts when it returns.
fn mark(folder: &Path, store: &Store) -> Result<()> {
    let (draft, marker) = (folder.join(format!("{MARKER}.new")), folder.join(MARKER));
    let write = || {
        std::fs::write(&draft, format!("{{\"layout\":{LAYOUT}}}\n"))?;
        File::open(&draft)?.sync_all()?;
        std::fs::rename(&draft, &marker)?;
        store.note(folder);
        store.settle()
    };
    write().map_err(|error| unwritable(folder, error))
}

/// What a first run that was cut short can have left in a folder that is not yet a lake.
fn is_ours(entry: std::io::Result<std::fs::DirEntry>) -> bool {
    entry.is_ok_and(|entry| [LOCK, &format!("{MARKER}.new")].iter().any(|name| entry.file_name() == *name))
}

/// `place` is the lake as messages name it.
pub fn lock(folder: &Path, place: &dyn Display) -> Result<Lock> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| unwritable(folder, error))?;
    match file.try_lock() {
        Ok(()) => {
            // What a dead holder said of itself is not to be taken for ours.
            let _ = file.set_len(0);
            Ok(Lock(file))
        }
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Busy {
            place: place.to_string(),
            holder: holder(&path),
            hint: "wait for it to end; the lock goes with its process".into(),
        }),
        Err(std::fs::TryLockError::Error(error)) => Err(Error::io(&path)(error)),
    }
}

/// What the holder of a lock says of itself; blank where it says nothing that can be printed.
fn holder(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(text.get(..120).unwrap_or(&text)).into_owned();
    text.lines().next().filter(|line| !line.contains(|c: char| c.is_control())).unwrap_or_default().to_string()
}

fn whole(folder: &Path) -> Result<PathBuf> {
    folder.canonicalize().map_err(Error::io(folder))
}

/// A folder that may be read and not written.
fn unwritable(folder: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => wrong(
            folder.display(),
            "it cannot be written to",
            "give the user that runs onhook permission to write there; questions can be asked without",
        ),
        _ => Error::io(folder)(error),
    }
}

pub fn wrong(place: impl Display, what: &str, hint: &str) -> Error {
    Error::Lake { place: place.to_string(), what: what.into(), hint: hint.into() }
}
