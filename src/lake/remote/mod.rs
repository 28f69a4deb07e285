//! A lake in an object store: its objects, whole or not there; copies of data files on this machine. Where the log and the
//! answer of a question come from is the same for every lake; what is different is here.
//!
//! - `sure`: conditional puts that can be believed
//! - `send`: data files on their way there
//! - `lease`: one writer at a time
//! - `door`: whether a place is a lake of ours
//! - `shelf`: data files as the SQL engine reads them
//! - `told`: what a store said, for a person

mod door;
mod lease;
mod send;
mod shelf;
mod sure;
mod told;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::HttpErrorKind;
use object_store::path::Path as Location;
use object_store::{BackoffConfig, ClientConfigKey, Error as StoreError, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::sync::Semaphore;
use url::Url;

pub use door::{Opened, generation_of, open};
use lease::Lease;
use shelf::Shelf;
use sure::Sure;
pub use told::{below, causes};
use told::{is_cut_off, told};

use super::Table;
use crate::error::{Error, Result};

/// A request is tried again for so long, and so often.
const RETRIES: RetryConfig = RetryConfig {
    backoff: BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(5), base: 2.0 },
    max_retries: 10,
    retry_timeout: Duration::from_secs(60),
};
/// Bytes of a request: what is longer goes and comes in parts, some at a time.
const PART: u64 = 8 << 20;
const PARTS_AT_ONCE: usize = 4;
/// Data files on their way at once, to the store or from it.
pub const FILES_AT_ONCE: usize = 2;
/// How the name of a copy begins that is not all there yet.
pub const FETCHING: &str = ".fetch-";
/// How long a request may take: of a log, a lease or a list; and a part of a data file, of which several share the line.
const SMALL: &str = "30s";
const BULK: &str = "180s";
/// Tries at what the library does not try again by itself.
const TRIES: u32 = 5;

/// The place of an open lake in its object store.
pub struct Remote {
    /// Without a slash at its end.
    pub address: Url,
    store: Arc<dyn ObjectStore>,
    /// The same, with the patience that parts of data files need.
    bulk: Arc<dyn ObjectStore>,
    prefix: Location,
    shelf: Arc<Shelf>,
    lease: Option<Lease>,
    /// Commits of this writer.
    commits: AtomicU64,
    /// Whoever fetches a file takes one of them.
    fetches: Semaphore,
}

/// The store of an address. Settings and credentials come from the environment, or from the machine's role.
fn connect(address: &Url, within: &str) -> Result<Arc<dyn ObjectStore>> {
    let built = match address.scheme() {
        "s3" => AmazonS3Builder::from_env()
            .with_url(address.as_str())
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(RETRIES)
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), within)
            .build()
            .map(|store| Arc::new(store) as Arc<dyn ObjectStore>),
        _ => MicrosoftAzureBuilder::from_env()
            .with_url(address.as_str())
            .with_retry(RETRIES)
            .with_config(AzureConfigKey::Client(ClientConfigKey::Timeout), within)
            .build()
            .map(|store| Arc::new(store) as Arc<dyn ObjectStore>),
    };
    built.map_err(|error| Error::Lake {
        place: address.to_string(),
        what: error.to_string().lines().next().unwrap_or_default().to_string(),
        hint: "settings and credentials come from the environment: docs/object-stores.md".into(),
    })
}

impl Remote {
    /// The store from its root, for Delta.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// The root of the store, and data files as they are read from there.
    pub fn shelf(&self) -> (Url, Arc<dyn ObjectStore>) {
        let mut root = self.address.clone();
        root.set_path("");
        (root, self.shelf.clone())
    }

    pub fn table(&self, table: Table) -> Url {
        let mut url = self.address.clone();
        url.set_path(&format!("{}/{}/", self.address.path(), table.name()));
        url
    }

    fn at(&self, table: Table, name: &str) -> Location {
        self.prefix.clone().join(table.name()).join(name)
    }

    /// Ends the names of files that this writer makes: no two writers ever write one name.
    pub fn tag(&self) -> String {
        format!("-w{:06}", self.generation())
    }

    pub fn generation(&self) -> u64 {
        self.lease.as_ref().map_or(0, Lease::generation)
    }

    /// Whether the writer before this one may still be at work.
    pub fn must_fence(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.must_fence)
    }

    /// A word that no other commit has.
    pub fn word(&self) -> String {
        format!("{}-{}", self.generation(), self.commits.fetch_add(1, Ordering::Relaxed))
    }

    /// Generation of the writers' lease, and whether nobody writes.
    pub async fn writers(&self) -> Result<Option<(u64, bool)>> {
        lease::look(&self.store, &self.lease_location()).await.map_err(|e| self.told(&e))
    }

    fn lease_location(&self) -> Location {
        self.prefix.clone().join(lease::LEASE)
    }

    /// # Errors
    /// Another writer has the lake now.
    pub async fn still_ours(&self) -> Result<()> {
        match self.lease.as_ref().is_some_and(Lease::is_lost) {
            true => Err(self.taken().await),
            false => Ok(()),
        }
    }

    /// Whether another writer has it, whatever we know.
    pub async fn is_overtaken(&self) -> bool {
        matches!(self.writers().await, Ok(Some((generation, _))) if generation != self.generation())
    }

    /// The same, and sure of it.
    ///
    /// # Errors
    /// Another writer has it, or the store does not answer.
    pub async fn not_overtaken(&self) -> Result<()> {
        match self.writers().await? {
            Some((generation, _)) if generation == self.generation() => Ok(()),
            _ => Err(self.taken().await),
        }
    }

    /// The lake was taken from this writer.
    pub async fn taken(&self) -> Error {
        let writer = lease::writer(&self.store, &self.lease_location()).await.unwrap_or_else(|| "another run".into());
        Error::Lake {
            place: self.address.to_string(),
            what: format!("taken over by {writer}: this run gave no sign of life for too long"),
            hint: "nothing that this run had not finished counts; run it again when the other has ended".into(),
        }
    }

    /// What became of a request is not known.
    pub fn doubt(&self) {
        self.lease.iter().for_each(Lease::doubt);
    }

    /// No request of a writer before this one can be carried out any more.
    pub fn fenced(&self) {
        self.lease.iter().for_each(Lease::fenced);
    }

    pub fn told(&self, error: &StoreError) -> Error {
        told(&self.address, error)
    }

    /// Objects right below a table or below its log, with their sizes.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list(&self, table: Table, below: &str) -> Result<BTreeMap<String, u64>> {
        let folder = self.prefix.clone().join(table.name());
        let folder = if below.is_empty() { folder } else { folder.join(below) };
        let listed = self.store.list_with_delimiter(Some(&folder)).await.map_err(|e| self.told(&e))?;
        let name = |location: &Location| location.filename().unwrap_or_default().to_string();
        Ok(listed.objects.into_iter().map(|object| (name(&object.location), object.size)).collect())
    }

    /// A small object as a whole.
    pub async fn read(&self, table: Table, below: &str, name: &str) -> Result<Bytes> {
        let location = self.prefix.clone().join(table.name()).join(below).join(name);
        let read = async { self.store.get(&location).await?.bytes().await };
        read.await.map_err(|e| self.told(&e))
    }

    /// Puts a finished file where the log will name it. Its name is this writer's alone.
    ///
    /// # Errors
    /// The file cannot be read, or the store does not take it.
    pub async fn upload(&self, table: Table, name: &str, path: &Path) -> Result<()> {
        let location = self.at(table, name);
        let size = path.metadata().map_err(Error::io(path))?.len();
        let mut tries = 0;
        loop {
            let error = match send::file(self.bulk.as_ref(), &location, path, size).await {
                Ok(()) => return Ok(()),
                Err(send::Failed::Disk(error)) => return Err(error),
                Err(send::Failed::Store(error)) => error,
            };
            // What ended it may have been carried out all the same.
            if size > PART && self.store.head(&location).await.is_ok_and(|there| there.size == size) {
                return Ok(());
            }
            tries += 1;
            if tries == TRIES || !is_worth_a_try(&error) {
                return Err(self.told(&error));
            }
        }
    }

    /// Makes a copy of a data file at `path`, at one stroke. With a hash, only if the bytes have it.
    ///
    /// # Errors
    /// The store does not have it whole, its bytes are others, or it cannot be written.
    pub async fn fetch(&self, table: Table, name: &str, size: u64, hash: Option<&str>, path: &Path) -> Result<()> {
        // Nobody closes it.
        let _turn = self.fetches.acquire().await;
        let location = self.at(table, name);
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let draft = tempfile::Builder::new().prefix(FETCHING).tempfile_in(folder);
        let mut draft = draft.map_err(Error::io(folder))?;
        let ranges = (0..size).step_by(PART as usize).map(|from| from..size.min(from + PART));
        let parts = futures::stream::iter(ranges).map(|range| {
            let (store, location) = (self.bulk.clone(), location.clone());
            async move { store.get_range(&location, range).await }
        });
        let mut parts = parts.buffered(PARTS_AT_ONCE);
        let mut hasher = blake3::Hasher::new();
        while let Some(part) = parts.next().await {
            let part = part.map_err(|error| self.told(&error))?;
            hasher.update(&part);
            draft.write_all(&part).map_err(Error::io(path))?;
        }
        if hash.is_some_and(|hash| hasher.finalize().to_hex().as_str() != hash) {
            return Err(Error::Lake {
                place: format!("{}{name}", self.table(table)),
                what: "its bytes are not those that were written".into(),
                hint: "onhook lake verify tells what is damaged; restore it from a backup of the lake".into(),
            });
        }
        draft.as_file().sync_all().map_err(Error::io(path))?;
        draft.persist(path).map_err(|error| Error::io(path)(error.error))?;
        Ok(())
    }

    /// Deletes data files; those that are not there are no harm.
    ///
    /// # Errors
    /// The store does not answer, or refuses.
    pub async fn delete(&self, table: Table, names: Vec<String>) -> Result<()> {
        let locations: Vec<Location> = names.iter().map(|name| self.at(table, name)).collect();
        let mut tries = 0;
        loop {
            let all = futures::stream::iter(locations.clone()).map(Ok).boxed();
            let deleted = self.store.delete_stream(all).filter(|one| {
                let is_gone = matches!(one, Err(StoreError::NotFound { .. }));
                std::future::ready(!is_gone)
            });
            let error = match deleted.try_for_each(|_| std::future::ready(Ok(()))).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            tries += 1;
            if tries == TRIES || !is_worth_a_try(&error) {
                return Err(self.told(&error));
            }
        }
    }

    /// Remembers what the log says of data files: then nobody has to ask the store.
    pub fn remember<'n>(&self, table: Table, files: impl Iterator<Item = (&'n str, u64)>) {
        self.shelf.remember(files.map(|(name, size)| (self.at(table, name), format!("{}/{name}", table.name()), size)));
    }
}

/// Cut off, and not by too long a wait: from a store that hangs, the next try would get no answer either.
fn is_worth_a_try(error: &StoreError) -> bool {
    is_cut_off(error).is_some_and(|kind| kind != HttpErrorKind::Timeout) || error.to_string().contains("NoSuchUpload")
}

#[cfg(test)]
mod tests;
