//! Where a lake is kept, as the caller says it: a folder, or a place in an object store with what a run there needs to know.
//! Opens nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

/// A folder, or a place in an object store.
#[derive(Clone, Debug)]
pub enum Site {
    Folder(PathBuf),
    Store(Address),
}

/// A lake in an object store: `s3://bucket/prefix` or `az://container/prefix`.
#[derive(Clone, Debug)]
pub struct Address {
    pub url: Url,
    /// Folder on this machine for copies of data files and for answers.
    pub cache: PathBuf,
    pub writer: Writer,
    /// How long a writer that gives no sign of life keeps the lake from others.
    pub lease: Duration,
}

/// Who writes, for others to read.
#[derive(Clone, Debug)]
pub struct Writer {
    /// Machine and process.
    pub name: String,
    /// No other run has it.
    pub nonce: u64,
}

impl From<&Path> for Site {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_path_buf())
    }
}

impl From<&PathBuf> for Site {
    fn from(folder: &PathBuf) -> Self {
        Self::Folder(folder.clone())
    }
}
