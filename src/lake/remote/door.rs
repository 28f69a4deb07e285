//! The door of a lake in an object store: whether a place is one of ours and of this version, the marker that says so, the
//! folder for copies on this machine, and the lease of the one run that writes. As `lake/open.rs` for a folder.

use crate::lake::open::Lock;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures::TryStreamExt;
use object_store::path::Path as Location;
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt, PutMode};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use url::Url;

use super::lease::{Claim, LEASE, Lease};
use super::{BULK, FILES_AT_ONCE, Remote, SMALL, Shelf, Sure, connect, told};
use crate::error::{Error, Result};
use crate::lake::open::{self, LAYOUT, MARKER};
use crate::lake::{Access, Address, TABLES};

/// In the folder for copies: a word that no other such folder has.
const CACHE: &str = "onhook-cache";

/// What stands in the marker.
#[derive(Serialize, Deserialize)]
struct Marker {
    layout: u64,
    /// A lake made anew at the same place is another one: its files may have the names of those of the old.
    id: String,
}

/// An open door: the place, the folder for copies and the lock on it.
pub struct Opened {
    pub remote: Remote,
    pub folder: PathBuf,
    pub lock: Option<Lock>,
}

/// A writer makes the lake where there is none.
pub async fn open(address: &Address, access: Access) -> Result<Opened> {
    let Address { url, cache, writer, lease } = address;
    let store: Arc<dyn ObjectStore> = Arc::new(Sure::new(connect(url, SMALL)?));
    let bulk: Arc<dyn ObjectStore> = Arc::new(Sure::new(connect(url, BULK)?));
    let prefix = Location::from(url.path());
    let marker = match marker(&store, url, &prefix).await? {
        Some(marker) => marker,
        None if access == Access::Read => {
            return Err(open::wrong(url, "there is no lake yet", "read some call records first: onhook ingest"));
        }
        None => mark(&store, url, &prefix, format!("{:016x}", writer.nonce)).await?,
    };
    let folder = cache.join(&marker.id);
    let made = TABLES.iter().try_for_each(|table| std::fs::create_dir_all(folder.join(table.name())));
    let folder = match made.and_then(|()| folder.canonicalize()) {
        Ok(folder) => folder,
        // A question keeps nothing.
        Err(_) if access == Access::Read => folder,
        Err(error) => return Err(Error::io(&folder)(error)),
    };
    let (mut lock, mut taken) = (None, None);
    if access == Access::Write {
        lock = Some(open::lock(&folder, url)?);
        let claim = Claim {
            writer: writer.name.clone(),
            nonce: writer.nonce,
            cache: word(&folder, writer.nonce)?,
            lasts: *lease,
        };
        let first = async || first_generation(&store, url, &prefix).await;
        taken = Some(Lease::take(&store, url, &prefix.clone().join(LEASE), claim, first).await?);
    }
    let shelf = Arc::new(Shelf::new(bulk.clone(), folder.clone()));
    let address = url.clone();
    let (commits, fetches) = (AtomicU64::new(0), Semaphore::new(FILES_AT_ONCE));
    let remote = Remote { address, store, bulk, prefix, shelf, lease: taken, commits, fetches };
    Ok(Opened { remote, folder, lock })
}

/// None where nothing is there; an error where there is something else.
async fn marker(store: &Arc<dyn ObjectStore>, url: &Url, prefix: &Location) -> Result<Option<Marker>> {
    let text = match store.get(&prefix.clone().join(MARKER)).await {
        Ok(there) => there.bytes().await.map_err(|e| told(url, &e))?,
        Err(StoreError::NotFound { .. }) => {
            let mut others = store.list(Some(prefix));
            return match others.try_next().await.map_err(|e| told(url, &e))? {
                None => Ok(None),
                Some(_) => Err(stranger(store, url, prefix).await),
            };
        }
        Err(error) => return Err(told(url, &error)),
    };
    let marker = serde_json::from_slice::<Marker>(&text);
    let marker = marker
        .map_err(|_| open::wrong(url, &format!("{MARKER} is damaged"), "restore it from a backup of the lake"))?;
    if marker.id.is_empty() || !marker.id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(open::wrong(url, &format!("{MARKER} is damaged"), "restore it from a backup of the lake"));
    }
    open::layout_will_do(url, marker.layout)?;
    Ok(Some(marker))
}

/// Something else, or a lake that lost its marker.
async fn stranger(store: &Arc<dyn ObjectStore>, url: &Url, prefix: &Location) -> Error {
    let log = prefix.clone().join("inputs").join("_delta_log");
    match store.list(Some(&log)).try_next().await {
        Ok(Some(_)) => open::wrong(url, &format!("its {MARKER} is missing"), "restore it from a backup of the lake"),
        _ => open::wrong(url, "the place is in use by something else", "name an empty place in [lake] path"),
    }
}

/// Makes the place a lake, unless another run has in the meantime.
async fn mark(store: &Arc<dyn ObjectStore>, url: &Url, prefix: &Location, id: String) -> Result<Marker> {
    let marker = Marker { layout: LAYOUT, id };
    let text = serde_json::to_vec(&marker).unwrap_or_default();
    match store.put_opts(&prefix.clone().join(MARKER), text.into(), PutMode::Create.into()).await {
        Ok(_) => Ok(marker),
        Err(StoreError::AlreadyExists { .. }) => {
            let there = self::marker(store, url, prefix).await?;
            there.ok_or_else(|| open::wrong(url, "its marker comes and goes", "see who else uses the place"))
        }
        Err(error) => Err(told(url, &error)),
    }
}

/// The word of a folder for copies: who has its lock and finds it in a lease knows that the writer of that is gone.
fn word(folder: &Path, nonce: u64) -> Result<String> {
    let path = folder.join(CACHE);
    match std::fs::read_to_string(&path) {
        Ok(word) if !word.is_empty() => Ok(word),
        _ => {
            let word = format!("{nonce:016x}");
            std::fs::write(&path, &word).map_err(Error::io(&path))?;
            Ok(word)
        }
    }
}

/// Where there is no lease: one more than any writer had whose files are there; none where there are no files.
async fn first_generation(store: &Arc<dyn ObjectStore>, url: &Url, prefix: &Location) -> Result<Option<u64>> {
    let mut objects = store.list(Some(prefix));
    let (mut latest, mut is_new) = (0, true);
    while let Some(object) = objects.try_next().await.map_err(|e| told(url, &e))? {
        let name = object.location.filename().unwrap_or_default();
        is_new &= name == MARKER || name == LEASE;
        latest = latest.max(generation_of(name).unwrap_or(0));
    }
    Ok((!is_new).then_some(latest + 1))
}

/// The writer of a data file, by its name.
pub fn generation_of(name: &str) -> Option<u64> {
    name.strip_suffix(".parquet")?.rsplit_once("-w")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    #[test]
    fn a_lease_that_was_lost_begins_behind_every_writer_whose_files_are_there() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let url = Url::parse("s3://calls/lake").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let first = || runtime.block_on(first_generation(&store, &url, &Location::from("lake"))).unwrap();
        let put =
            |name: &str| runtime.block_on(store.put(&Location::from(format!("lake/{name}")), "x".into())).unwrap();
        put(MARKER);
        assert_eq!(first(), None, "a new lake");
        put("legs/_delta_log/00000000000000000000.json");
        assert_eq!(first(), Some(1));
        put("legs/b00000001-v00000000-001-w000012.parquet");
        put("usage/b00000001-v00000000-001-w000009.parquet");
        put("usage/b00000001-v00000000-001.parquet");
        assert_eq!(first(), Some(13));
    }
}
