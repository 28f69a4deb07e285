//! Data files as the SQL engine reads them: from the copy on this machine where there is one, else from the store, only the
//! ranges that a question needs. How long a file is the log has said. Read-only.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

#[derive(Debug)]
pub struct Shelf {
    store: Arc<dyn ObjectStore>,
    /// Copies lie there by table and name.
    copies: PathBuf,
    disk: LocalFileSystem,
    files: RwLock<HashMap<Location, Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    /// Table and name.
    below: String,
    size: u64,
}

impl Shelf {
    pub fn new(store: Arc<dyn ObjectStore>, copies: PathBuf) -> Self {
        Self { store, copies, disk: LocalFileSystem::new(), files: RwLock::default() }
    }

    /// Files with the place of their copies, and their sizes.
    pub fn remember(&self, files: impl Iterator<Item = (Location, String, u64)>) {
        let mut known = self.files.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(files.map(|(location, below, size)| (location, Known { below, size })));
    }

    fn known(&self, location: &Location) -> Option<Known> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).get(location).cloned()
    }
}

/// A file never changes: when it was made tells nothing.
fn meta(location: &Location, size: u64) -> ObjectMeta {
    ObjectMeta {
        location: location.clone(),
        last_modified: DateTime::<Utc>::UNIX_EPOCH,
        size,
        e_tag: None,
        version: None,
    }
}

fn read_only() -> Error {
    Error::NotImplemented { operation: "writing".into(), implementer: "a question".into() }
}

impl fmt::Display for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, read", self.store)
    }
}

#[async_trait]
impl ObjectStore for Shelf {
    async fn put_opts(&self, _: &Location, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only())
    }

    async fn put_multipart_opts(&self, _: &Location, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only())
    }

    async fn get_opts(&self, location: &Location, options: GetOptions) -> Result<GetResult> {
        let Some(known) = self.known(location) else { return self.store.get_opts(location, options).await };
        if options.head {
            return Ok(GetResult {
                payload: GetResultPayload::Stream(stream::empty().boxed()),
                meta: meta(location, known.size),
                range: 0..0,
                attributes: Attributes::default(),
            });
        }
        let copy = self.copies.join(&known.below);
        // It may be deleted at any moment; then the store has it.
        if copy.metadata().is_ok_and(|there| there.len() == known.size)
            && let Ok(path) = Location::from_absolute_path(&copy)
            && let Ok(mut got) = self.disk.get_opts(&path, options.clone()).await
        {
            got.meta = meta(location, known.size);
            return Ok(got);
        }
        self.store.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Location>>) -> BoxStream<'static, Result<Location>> {
        locations.map(|_| Err(read_only())).boxed()
    }

    fn list(&self, prefix: Option<&Location>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Location>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Location, _: &Location, _: CopyOptions) -> Result<()> {
        Err(read_only())
    }
}
