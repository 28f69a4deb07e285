//! Conditional puts that can be believed. A put whose answer is lost may have been carried out; tried again, it meets its own
//! work and is told that somebody was faster. So whoever is told that looks whose work is there. Decides nothing else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::client::HttpErrorKind;
use object_store::path::Path as Location;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::told::is_cut_off;

/// Tries at a put whose answer does not come; one that times out has cost as much as several, and without a condition as all.
const TRIES: u32 = 8;
const OF_A_TIMEOUT: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What is put under a condition must be like nothing that anybody else puts there.
#[derive(Clone, Debug)]
pub struct Sure {
    inner: Arc<dyn ObjectStore>,
}

impl Sure {
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner }
    }

    /// Whose work is there now.
    async fn whose(&self, location: &Location, payload: &PutPayload) -> Result<Whose> {
        let there = match self.inner.get(location).await {
            Err(Error::NotFound { .. }) => return Ok(Whose::Nobodys),
            there => there?,
        };
        let meta = there.meta.clone();
        if meta.size != payload.content_length() as u64 {
            return Ok(Whose::Others);
        }
        let ours: Vec<u8> = payload.iter().flat_map(|part| part.iter().copied()).collect();
        Ok(match there.bytes().await? == ours {
            true => Whose::Ours(PutResult { e_tag: meta.e_tag, version: meta.version }),
            false => Whose::Others,
        })
    }
}

enum Whose {
    Ours(PutResult),
    Others,
    Nobodys,
}

impl fmt::Display for Sure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Sure {
    async fn put_opts(&self, location: &Location, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let is_conditional = options.mode != PutMode::Overwrite;
        let (mut tries, mut pause) = (0, FIRST_PAUSE);
        loop {
            let error = match self.inner.put_opts(location, payload.clone(), options.clone()).await {
                Ok(put) => return Ok(put),
                Err(error) => error,
            };
            let is_refused =
                matches!(error, Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. });
            let cost = if is_conditional && is_refused {
                match self.whose(location, &payload).await? {
                    Whose::Ours(put) => return Ok(put),
                    // Two puts at once may both be refused.
                    Whose::Nobodys if options.mode == PutMode::Create => Some(1),
                    Whose::Nobodys | Whose::Others => None,
                }
            } else {
                match is_cut_off(&error) {
                    // Of what has no condition nobody must know what became of it: who sends it sees to that.
                    Some(HttpErrorKind::Timeout) if !is_conditional => None,
                    Some(HttpErrorKind::Timeout) => Some(OF_A_TIMEOUT),
                    Some(_) => Some(1),
                    None => None,
                }
            };
            match cost {
                Some(cost) if tries < TRIES => tries += cost,
                _ => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Location,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Location, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Location>>) -> BoxStream<'static, Result<Location>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Location>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Location>, offset: &Location) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Location>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Location, to: &Location, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use object_store::UpdateVersion;
    use object_store::memory::InMemory;

    use super::*;

    /// A store that forgets to answer: puts are carried out, and then fail as told.
    #[derive(Debug)]
    struct Forgetful {
        inner: InMemory,
        failures: Mutex<Vec<Failure>>,
    }

    #[derive(Clone, Copy, Debug)]
    enum Failure {
        /// Carried out, and then cut off.
        Lost,
        /// Carried out, and tried again by the library.
        Twice,
        /// Refused, though nothing is there.
        Refused,
        /// Not carried out, and not answered in time.
        Hung,
    }

    impl fmt::Display for Forgetful {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Forgetful")
        }
    }

    fn failed(kind: HttpErrorKind) -> Error {
        let cause = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let http = object_store::client::HttpError::new(kind, cause);
        Error::Generic { store: "S3", source: http.into() }
    }

    #[async_trait]
    impl ObjectStore for Forgetful {
        async fn put_opts(&self, location: &Location, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
            let failure = self.failures.lock().unwrap().pop();
            match failure {
                Some(Failure::Refused) => {
                    return Err(Error::AlreadyExists { path: location.to_string(), source: "409".into() });
                }
                Some(Failure::Hung) => return Err(failed(HttpErrorKind::Timeout)),
                _ => {}
            }
            let put = self.inner.put_opts(location, payload.clone(), options.clone()).await;
            match failure {
                Some(Failure::Lost) => put.and(Err(failed(HttpErrorKind::Interrupted))),
                Some(Failure::Twice) => self.inner.put_opts(location, payload, options).await,
                _ => put,
            }
        }

        async fn put_multipart_opts(
            &self,
            location: &Location,
            options: PutMultipartOptions,
        ) -> Result<Box<dyn MultipartUpload>> {
            self.inner.put_multipart_opts(location, options).await
        }

        async fn get_opts(&self, location: &Location, options: GetOptions) -> Result<GetResult> {
            self.inner.get_opts(location, options).await
        }

        fn delete_stream(
            &self,
            locations: BoxStream<'static, Result<Location>>,
        ) -> BoxStream<'static, Result<Location>> {
            self.inner.delete_stream(locations)
        }

        fn list(&self, prefix: Option<&Location>) -> BoxStream<'static, Result<ObjectMeta>> {
            self.inner.list(prefix)
        }

        async fn list_with_delimiter(&self, prefix: Option<&Location>) -> Result<ListResult> {
            self.inner.list_with_delimiter(prefix).await
        }

        async fn copy_opts(&self, from: &Location, to: &Location, options: CopyOptions) -> Result<()> {
            self.inner.copy_opts(from, to, options).await
        }
    }

    fn wait<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
    }

    fn store(failures: &[Failure]) -> Sure {
        Sure::new(Arc::new(Forgetful { inner: InMemory::new(), failures: Mutex::new(failures.to_vec()) }))
    }

    fn put(store: &Sure, text: &'static str, mode: PutMode) -> Result<PutResult> {
        wait(store.put_opts(&Location::from("log/1.json"), text.into(), mode.into()))
    }

    fn text(store: &Sure) -> String {
        let bytes = wait(async { store.get(&Location::from("log/1.json")).await?.bytes().await });
        String::from_utf8(bytes.unwrap().to_vec()).unwrap()
    }

    #[test]
    fn a_put_whose_answer_was_lost_is_no_conflict_and_another_writers_is() {
        for failure in [Failure::Lost, Failure::Twice, Failure::Refused] {
            let store = store(&[failure]);
            put(&store, "first", PutMode::Create).unwrap_or_else(|e| panic!("{failure:?}: {e}"));
            let other = put(&store, "other", PutMode::Create).unwrap_err();
            assert!(matches!(other, Error::AlreadyExists { .. }), "{failure:?}: {other}");
            assert_eq!(text(&store), "first");
        }
        // Lost, and in the meantime somebody else's: of the same length, too.
        let store = store(&[]);
        put(&store, "yours", PutMode::Create).unwrap();
        assert!(put(&store, "mine!", PutMode::Create).is_err());
    }

    /// A wait of 180 s for part of a data file, five times over for each of three tries, would be most of an hour.
    #[test]
    fn a_store_that_hangs_is_asked_three_times_for_what_must_be_known_and_once_for_all_else() {
        for (mode, tries) in [(PutMode::Create, 3), (PutMode::Overwrite, 1)] {
            let hung = vec![Failure::Hung; 9];
            let forgetful = Arc::new(Forgetful { inner: InMemory::new(), failures: Mutex::new(hung) });
            put(&Sure::new(forgetful.clone()), "first", mode.clone()).unwrap_err();
            assert_eq!(forgetful.failures.lock().unwrap().len(), 9 - tries, "{mode:?}");
        }
    }

    #[test]
    fn an_update_whose_answer_was_lost_gives_the_version_that_is_there() {
        for failure in [Failure::Lost, Failure::Twice] {
            // The last is the first to be taken.
            let store = store(&[failure]);
            store_first(&store);
            let version = version(&store);
            let put_ = put(&store, "second", PutMode::Update(version.clone())).unwrap();
            assert_eq!(put_.e_tag, self::version(&store).e_tag, "{failure:?}");
            assert!(put(&store, "third", PutMode::Update(version)).is_err(), "{failure:?}: the old version is gone");
            put(&store, "third", PutMode::Update(put_.into())).unwrap();
            assert_eq!(text(&store), "third");
        }
    }

    /// Puts past the failures.
    fn store_first(store: &Sure) {
        let location = Location::from("log/1.json");
        wait(async {
            let mut upload = store.put_multipart(&location).await?;
            upload.put_part("first".into()).await?;
            upload.complete().await
        })
        .unwrap();
    }

    fn version(store: &Sure) -> UpdateVersion {
        let meta = wait(store.head(&Location::from("log/1.json"))).unwrap();
        UpdateVersion { e_tag: meta.e_tag, version: meta.version }
    }
}
