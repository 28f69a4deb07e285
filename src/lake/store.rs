//! Where Delta's log is kept: the local file system, made to last through a power cut. A file is written under another
//! name, synced and only then given its own; names last once their folder is settled. Decides nothing of what is written.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use deltalake::logstore::object_store::local::LocalFileSystem;
use deltalake::logstore::object_store::path::Path as Location;
use deltalake::logstore::object_store::{
    self, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use futures::stream::BoxStream;

/// The file system from its root. What is put lies whole on the disk, or is not there.
///
/// A file that is put as new has a name that lasts only after [`Store::settle`], so that a batch over several tables
/// waits once for the disk. No two names of one folder wait at once: a log never has a gap. A file that is put in place
/// of another lasts at once.
#[derive(Clone, Debug)]
pub struct Store {
    inner: LocalFileSystem,
    /// Folders with names that may not last yet.
    unsettled: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Store {
    pub fn new() -> Self {
        Self { inner: LocalFileSystem::new(), unsettled: Arc::default() }
    }

    /// A file was made or removed in the folder, or may have been by a run before this one.
    pub fn note(&self, folder: &Path) {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_path_buf());
    }

    /// Returns once all names that were put or noted last.
    pub fn settle(&self) -> std::io::Result<()> {
        // Held throughout: whoever settles beside another must not return before what the other took is done.
        let mut unsettled = self.unsettled.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(folder) = unsettled.first() {
            sync_folder(folder)?;
            unsettled.pop_first();
        }
        Ok(())
    }

    fn settle_folder(&self, folder: &Path) -> std::io::Result<()> {
        let mut unsettled = self.unsettled.lock().unwrap_or_else(PoisonError::into_inner);
        if unsettled.contains(folder) {
            sync_folder(folder)?;
            unsettled.remove(folder);
        }
        Ok(())
    }

    /// The folder and those above it that are not there; their names are noted.
    pub fn create_folder(&self, folder: &Path) -> std::io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(above) = folder.parent() {
            // Above a relative path is the folder we are in.
            let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
            self.create_folder(above)?;
            self.note(above);
        }
        match std::fs::create_dir(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    fn place(&self, path: &Path, payload: &PutPayload, is_new: bool) -> std::io::Result<()> {
        let folder = path.parent().ok_or(ErrorKind::InvalidInput)?;
        self.create_folder(folder)?;
        self.settle_folder(folder)?;
        let mut draft = path.as_os_str().to_owned();
        // No listing shows a name that ends so.
        draft.push("#1");
        let draft = PathBuf::from(draft);
        // One that a killed run left may be the very file it had just given its name: never written into.
        absent(std::fs::remove_file(&draft))?;
        let placed = write(&draft, payload).and_then(|()| match is_new {
            true => std::fs::hard_link(&draft, path),
            false => std::fs::rename(&draft, path),
        });
        if is_new || placed.is_err() {
            // What is left is no harm: the next put removes it.
            let _ = std::fs::remove_file(&draft);
        }
        placed?;
        match is_new {
            true => self.note(folder),
            false => sync_folder(folder)?,
        }
        Ok(())
    }

    async fn put_at(&self, location: &Location, payload: PutPayload, is_new: bool) -> Result<PutResult> {
        let path = self.inner.path_to_filesystem(location)?;
        let (store, target) = (self.clone(), path.clone());
        let put = move || store.place(&target, &payload, is_new);
        let put = match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime.spawn_blocking(put).await?,
            Err(_) => put(),
        };
        match put {
            Ok(()) => Ok(PutResult { e_tag: None, version: None }),
            Err(source) if source.kind() == ErrorKind::AlreadyExists => {
                Err(object_store::Error::AlreadyExists { path: path.display().to_string(), source: source.into() })
            }
            Err(source) => Err(object_store::Error::Generic { store: "local", source: source.into() }),
        }
    }
}

/// Returns once the names in a folder last.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Elsewhere a folder cannot be opened, and the file system sees to it.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn write(path: &Path, payload: &PutPayload) -> std::io::Result<()> {
    let mut file = File::create_new(path)?;
    payload.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()
}

fn absent(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, synced", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Store {
    async fn put_opts(&self, location: &Location, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        match options.mode {
            PutMode::Create => self.put_at(location, payload, true).await,
            PutMode::Overwrite => self.put_at(location, payload, false).await,
            // Nobody here asks for it: the file system itself says that it cannot.
            PutMode::Update(_) => self.inner.put_opts(location, payload, options).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Location,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Upload { store: self.clone(), location: location.clone(), parts: Vec::new() }))
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

    async fn rename_opts(&self, from: &Location, to: &Location, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

/// A file in parts, put in one piece at its end: only a checkpoint of many thousand commits is so long.
#[derive(Debug)]
struct Upload {
    store: Store,
    location: Location,
    parts: Vec<PutPayload>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        self.parts.push(part);
        Box::pin(std::future::ready(Ok(())))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let whole = self.parts.drain(..).flatten().collect();
        self.store.put_at(&self.location, whole, false).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deltalake::logstore::object_store::ObjectStoreExt;
    use futures::TryStreamExt;

    fn fixture() -> (tempfile::TempDir, Store, Location, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("_delta_log/00000000000000000000.json");
        (dir, Store::new(), Location::from_absolute_path(&path).unwrap(), path)
    }

    fn create(store: &Store, location: &Location, text: &'static str) -> Result<PutResult> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        wait(store.put_opts(location, text.into(), options))
    }

    fn wait<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            folder.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn unsettled(store: &Store) -> Vec<PathBuf> {
        store.unsettled.lock().unwrap().iter().cloned().collect()
    }

    #[test]
    fn what_is_new_takes_no_ones_place_and_leaves_no_draft() {
        let (_dir, store, location, path) = fixture();
        create(&store, &location, "first").unwrap();
        let second = create(&store, &location, "second").unwrap_err();
        assert!(matches!(second, object_store::Error::AlreadyExists { .. }), "{second}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(names(path.parent().unwrap()), ["00000000000000000000.json"]);
    }

    /// Killed between giving the name and removing the draft, a run leaves two names of one file.
    #[test]
    fn a_draft_that_a_killed_run_left_is_not_written_into() {
        let (_dir, store, location, path) = fixture();
        create(&store, &location, "first").unwrap();
        std::fs::hard_link(&path, path.with_extension("json#1")).unwrap();
        assert!(create(&store, &location, "second").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        let log = Location::from_absolute_path(path.parent().unwrap()).unwrap();
        let listed: Vec<_> = wait(store.list(Some(&log)).try_collect()).unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
    }

    #[test]
    fn names_wait_until_they_are_settled_and_never_two_of_one_folder() {
        let (dir, store, location, path) = fixture();
        create(&store, &location, "0").unwrap();
        let log = path.parent().unwrap().to_path_buf();
        assert_eq!(unsettled(&store), [dir.path().to_path_buf(), log.clone()], "the folder's own name waits as well");
        store.settle_folder(&log).unwrap();
        assert_eq!(unsettled(&store), [dir.path().to_path_buf()]);
        store.settle().unwrap();
        assert_eq!(unsettled(&store), Vec::<PathBuf>::new());
        // A folder that cannot be synced stays noted.
        store.note(&dir.path().join("gone"));
        assert!(store.settle().is_err());
        assert_eq!(unsettled(&store), [dir.path().join("gone")]);
    }

    #[test]
    fn what_is_put_in_anothers_place_lasts_at_once() {
        let (_dir, store, location, path) = fixture();
        wait(store.put(&location, "one".into())).unwrap();
        wait(store.put(&location, "two".into())).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert!(!unsettled(&store).contains(&path.parent().unwrap().to_path_buf()));
        let mut parts = wait(store.put_multipart(&location)).unwrap();
        for part in ["long ", "", "file"] {
            wait(parts.put_part(part.into())).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two", "nothing before it is complete");
        wait(parts.complete()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "long file");
        assert_eq!(names(path.parent().unwrap()), ["00000000000000000000.json"]);
    }
}
