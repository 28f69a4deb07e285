//! How often a store that hangs is asked, and how many files are fetched at once.

use std::fmt;
use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::client::HttpError;
use object_store::memory::InMemory;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, PutMultipartOptions, PutOptions,
    PutPayload, PutResult,
};

use super::*;

/// A store that takes its time to give, and never says what became of what it was given.
#[derive(Debug)]
struct Slow {
    inner: InMemory,
    puts: AtomicUsize,
    gets: AtomicUsize,
    /// As many gets as there ever were at once.
    most: AtomicUsize,
}

impl Slow {
    fn new() -> Arc<Self> {
        let [puts, gets, most] = [0, 0, 0].map(AtomicUsize::new);
        Arc::new(Self { inner: InMemory::new(), puts, gets, most })
    }
}

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slow")
    }
}

fn failed(kind: HttpErrorKind) -> StoreError {
    let cause = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    StoreError::Generic { store: "S3", source: HttpError::new(kind, cause).into() }
}

#[async_trait]
impl ObjectStore for Slow {
    async fn put_opts(&self, _: &Location, _: PutPayload, _: PutOptions) -> object_store::Result<PutResult> {
        self.puts.fetch_add(1, Ordering::Relaxed);
        Err(failed(HttpErrorKind::Timeout))
    }

    async fn put_multipart_opts(
        &self,
        location: &Location,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Location, options: GetOptions) -> object_store::Result<GetResult> {
        let gets = self.gets.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(gets, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.gets.fetch_sub(1, Ordering::Relaxed);
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Location>>,
    ) -> BoxStream<'static, object_store::Result<Location>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Location>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Location>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Location, to: &Location, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A lake there, as a reader has it.
fn remote(slow: &Arc<Slow>, copies: &Path) -> Remote {
    let sure: Arc<dyn ObjectStore> = Arc::new(Sure::new(slow.clone()));
    Remote {
        address: Url::parse("s3://calls/lake").unwrap(),
        store: sure.clone(),
        bulk: sure.clone(),
        prefix: Location::from("lake"),
        shelf: Arc::new(Shelf::new(sure, copies.to_path_buf())),
        lease: None,
        commits: AtomicU64::new(0),
        fetches: Semaphore::new(FILES_AT_ONCE),
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

#[test]
fn what_was_cut_off_is_worth_a_try_and_a_wait_that_was_too_long_is_not() {
    for kind in [HttpErrorKind::Interrupted, HttpErrorKind::Decode, HttpErrorKind::Unknown] {
        assert!(is_worth_a_try(&failed(kind)), "{kind:?}");
    }
    // The library has tried the last two often enough.
    for kind in [HttpErrorKind::Timeout, HttpErrorKind::Connect, HttpErrorKind::Request] {
        assert!(!is_worth_a_try(&failed(kind)), "{kind:?}");
    }
}

#[test]
fn a_file_goes_once_to_a_store_that_hangs() {
    let (folder, slow) = (tempfile::tempdir().unwrap(), Slow::new());
    let (remote, path) = (remote(&slow, folder.path()), folder.path().join("b1.parquet"));
    std::fs::write(&path, "calls").unwrap();
    wait(remote.upload(Table::Legs, "b1.parquet", &path)).unwrap_err();
    assert_eq!(slow.puts.load(Ordering::Relaxed), 1);
}

#[test]
fn two_files_at_once_are_fetched_and_all_of_them_come() {
    let (folder, slow) = (tempfile::tempdir().unwrap(), Slow::new());
    let remote = remote(&slow, folder.path());
    let names: Vec<String> = (0..8).map(|n| format!("b{n}.parquet")).collect();
    wait(async {
        for name in &names {
            slow.inner.put(&remote.at(Table::Legs, name), name.clone().into_bytes().into()).await.unwrap();
        }
        let fetched = names.iter().map(|name| {
            let (remote, path) = (&remote, folder.path().join(name));
            async move { remote.fetch(Table::Legs, name, name.len() as u64, None, &path).await }
        });
        for done in futures::future::join_all(fetched).await {
            done.unwrap();
        }
    });
    assert_eq!(slow.most.load(Ordering::Relaxed), 2);
    for name in &names {
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), *name);
    }
}
