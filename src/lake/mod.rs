//! The lake: Delta tables of Parquet files under one folder. Delta is the commit log; the files are written here and
//! read by the SQL engine as plain Parquet. A batch counts from the moment its row of `inputs` is committed: what an
//! unfinished run left behind is not seen by readers and is taken back by the next writer. Knows no SQL.

mod columns;
mod compact;
mod draft;
mod entries;
mod erasure;
mod legs;
mod open;
mod pages;
mod removal;
mod rollup;
mod runs;
mod store;
mod tables;
mod vacuum;
mod verify;
mod write;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::runtime::Runtime;
use url::Url;

pub use compact::Compacted;
pub use erasure::Held;
pub use removal::Removed;
pub use runs::Run;
use store::Store;
pub use tables::{BATCH_TABLES, ESTATE_TABLES, TABLES, Table};
pub use vacuum::{Dead, Swept};
pub use verify::{Finding, Kind, Report};
pub use write::DataFile;

use crate::error::{Error, Result};

/// Whoever has the lake open holds a share in it, so that no file is deleted under his hands.
const READING: &str = ".reading";
/// Delta application id under which `inputs` records the number of the last finished batch.
const APP: &str = "onhook";

/// What the caller means to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Sees whole batches only; any number at once.
    Read,
    /// One at a time, held to by a lock that ends with the process; creates the lake where there is none.
    Write,
}

/// An open lake.
pub struct Lake {
    folder: PathBuf,
    runtime: Arc<Runtime>,
    store: Store,
    /// Held for as long as the lake is open for writing.
    lock: Option<open::Lock>,
    /// Held for as long as the lake is open; none where the folder does not let us.
    reading: Option<File>,
    kept: Mutex<Kept>,
}

/// What a writer has read or written, and no one else can change: read once.
#[derive(Default)]
struct Kept {
    /// By folder.
    tables: HashMap<PathBuf, DeltaTable>,
    finished: Option<i64>,
}

/// The Parquet files of a table at one version.
#[derive(Clone, Debug)]
pub struct Files {
    pub schema: SchemaRef,
    /// Absolute, in order of batch.
    pub paths: Vec<PathBuf>,
}

/// A data file about to be committed.
/// [`DataFile::finish`] gives it.
#[derive(Clone, Debug)]
pub struct Written {
    name: String,
    size: i64,
    stats: String,
    /// BLAKE3 of the file, as hex.
    hash: String,
}

impl Lake {
    /// # Errors
    /// The folder is no lake of ours, was written by a newer onhook, or another run is writing to it.
    pub fn open(folder: &Path, access: Access) -> Result<Self> {
        let lake = Self::open_as_it_is(folder, access)?;
        if access == Access::Write {
            lake.settle_before()?;
            lake.take_back()?;
            lake.complete_removal()?;
        }
        Ok(lake)
    }

    /// The same, but what an unfinished run left stays: for who only looks, or mends.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub fn open_as_it_is(folder: &Path, access: Access) -> Result<Self> {
        let store = Store::new();
        let (folder, lock) = open::open(folder, access, &store)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::io(&folder))?;
        let reading = reading(&folder);
        Ok(Self { folder, runtime: Arc::new(runtime), store, lock, reading, kept: Mutex::default() })
    }

    /// The runtime its storage and the SQL engine run on.
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// Says who is writing, for whoever finds the lake taken: one line of text.
    pub fn sign(&self, who: &str) {
        if let Some(lock) = &self.lock {
            lock.sign(who);
        }
    }

    /// Where it lies; long texts are put aside there for as long as they are read.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Version of the log of `inputs`: goes up by one with every batch.
    pub fn version(&self) -> Result<u64> {
        self.wait(async { Ok(self.table(Table::Inputs).await?.and_then(|t| t.version()).unwrap_or(0)) })
    }

    /// Number of the last batch that is wholly there; 0 where there is none.
    pub fn finished_batch(&self) -> Result<i64> {
        self.wait(self.finished())
    }

    /// The files of a table up to a batch, which is a finished one: the same for all tables gives whole batches only.
    pub fn files(&self, table: Table, finished: i64) -> Result<Files> {
        self.wait(async {
            let names = self.names(table).await?.into_iter();
            let mut names: Vec<_> = names.filter(|name| batch_of(name).is_none_or(|batch| batch <= finished)).collect();
            names.sort();
            let folder = self.folder.join(table.name());
            if names.is_empty() && finished > 0 && BATCH_TABLES.contains(&table) && self.table(table).await?.is_none() {
                return Err(self.damaged(table, "its commit log is missing"));
            }
            Ok(Files { schema: table.schema(), paths: names.into_iter().map(|name| folder.join(name)).collect() })
        })
    }

    /// A data file for a table of the batch kind, which no log names yet; `part` tells those of one batch apart.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn data_file(&self, table: Table, batch: i64, part: usize) -> Result<DataFile> {
        let delta = self.wait(self.table_or_new(table))?;
        let name = format!("b{batch:08}-v{:08}-{part:03}.parquet", delta.version().unwrap_or(0));
        DataFile::create(&self.folder.join(table.name()), &name, &table.schema())
    }

    /// Commits the data files of a batch, a commit a table. `Inputs` comes last, and only with it the batch is finished.
    ///
    /// # Errors
    /// A log does not take a commit; then the batch does not count.
    pub fn append_batch(&self, batch: i64, tables: Vec<(Table, Vec<Written>)>) -> Result<()> {
        self.wait(async {
            // A table without rows is there all the same: one that is missing has been lost.
            for table in BATCH_TABLES {
                self.table_or_new(table).await?;
            }
            let (last, first): (Vec<_>, Vec<_>) = tables.into_iter().partition(|(table, _)| *table == Table::Inputs);
            for (table, files) in first.into_iter().chain(last) {
                let delta = self.table_or_new(table).await?;
                self.store.note(&self.folder.join(table.name()));
                let finished = (table == Table::Inputs).then(|| Transaction::new(APP, batch));
                if finished.is_some() {
                    // All that the batch is lasts before the commit that makes it count is begun.
                    self.settle()?;
                }
                self.commit(&delta, files.into_iter().map(Written::add).collect(), finished).await?;
            }
            Ok(())
        })
    }

    /// Puts the rows of one load in place of those of the same date. `rows` all carry `as_of`.
    pub fn replace_load(&self, table: Table, as_of: chrono::NaiveDate, rows: &arrow::array::RecordBatch) -> Result<()> {
        self.wait(async {
            let delta = self.table_or_new(table).await?;
            let start = format!("d{as_of}-");
            let name = format!("{start}v{:08}.parquet", delta.version().unwrap_or(0));
            let mut actions = removals(&delta, |name| name.starts_with(&start))?;
            let rows = std::slice::from_ref(rows);
            let folder = self.folder.join(table.name());
            actions.extend(write::parquet(&folder, &name, &table.schema(), rows)?.map(|w| w.add()));
            self.store.note(&folder);
            self.settle()?;
            self.commit(&delta, actions, None).await?;
            self.settle()
        })
    }

    /// The rows of the load that is in force on a day: the last one up to it.
    pub fn load_in_force(&self, table: Table, on: chrono::NaiveDate) -> Result<Option<arrow::array::RecordBatch>> {
        let mut files = self.files(table, 0)?;
        files.paths.retain(|path| load_date(path).is_some_and(|date| date <= on));
        files.paths.sort_by_key(|path| load_date(path));
        let Some(path) = files.paths.pop() else { return Ok(None) };
        let wrong = |what: String| Error::Lake {
            place: path.display().to_string(),
            what,
            hint: "a data file is damaged: restore it from a backup of the lake".into(),
        };
        let file = File::open(&path).map_err(Error::io(&path))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
        let batches: Result<Vec<_>, _> = reader.map_err(|e| wrong(e.to_string()))?.collect();
        let rows = batches.and_then(|batches| arrow::compute::concat_batches(&table.schema(), &batches));
        Ok(Some(rows.map_err(|e| wrong(e.to_string()))?))
    }

    /// A run that was killed may have left names that do not last: of its last commit before anybody is told of it, of
    /// all others before the next.
    fn settle_before(&self) -> Result<()> {
        for table in TABLES {
            let folder = self.folder.join(table.name());
            let log = folder.join("_delta_log");
            if !log.is_dir() {
                continue;
            }
            if table == Table::Inputs {
                store::sync_folder(&log).map_err(Error::io(&log))?;
            } else {
                self.store.note(&log);
            }
            self.store.note(&folder);
        }
        Ok(())
    }

    /// Takes back what a run that did not finish has committed to single tables.
    fn take_back(&self) -> Result<()> {
        self.wait(async {
            let finished = self.finished().await?;
            for table in BATCH_TABLES {
                let Some(delta) = self.table(table).await? else {
                    if finished > 0 {
                        return Err(self.damaged(table, "its commit log is missing"));
                    }
                    continue;
                };
                // A run leaves no batch begun but the next one. More are no leftovers: the log of `inputs` lost its end.
                let latest = self.names(table).await?.iter().filter_map(|name| batch_of(name)).max().unwrap_or(0);
                if latest > finished + 1 {
                    let lost =
                        format!("its commit log ends with batch {finished}, that of {} with {latest}", table.name());
                    return Err(self.damaged(Table::Inputs, &lost));
                }
                let actions = removals(&delta, |name| batch_of(name).is_some_and(|batch| batch > finished))?;
                if !actions.is_empty() {
                    tracing::warn!(
                        table = table.name(),
                        files = actions.len(),
                        "taking back what an unfinished run left"
                    );
                    self.commit(&delta, actions, None).await?;
                }
            }
            Ok(())
        })
    }

    async fn finished(&self) -> Result<i64> {
        if let Some(finished) = self.kept().finished {
            return Ok(finished);
        }
        let Some(inputs) = self.table(Table::Inputs).await? else { return Ok(0) };
        let state = inputs.snapshot().map_err(|e| self.wrong(&e))?;
        let version = state.transaction_version(inputs.log_store().as_ref(), APP).await;
        let finished = version.map_err(|e| self.unreadable(Table::Inputs, &e))?.unwrap_or(0);
        if self.is_writer() {
            self.kept().finished = Some(finished);
        }
        Ok(finished)
    }

    async fn names(&self, table: Table) -> Result<HashSet<String>> {
        let Some(delta) = self.table(table).await? else { return Ok(HashSet::new()) };
        let state = delta.snapshot().map_err(|e| self.wrong(&e))?;
        Ok(state.log_data().iter().map(|file| file.path().into_owned()).collect())
    }

    async fn table(&self, table: Table) -> Result<Option<DeltaTable>> {
        let folder = self.folder.join(table.name());
        if let Some(delta) = self.kept().tables.get(&folder) {
            return Ok(Some(delta.clone()));
        }
        let none = || match holds_data(&folder) {
            // A table is made before its first data file.
            true => Err(self.damaged(table, "its commit log is missing")),
            false => Ok(None),
        };
        if !folder.join("_delta_log").is_dir() {
            return none();
        }
        let mut delta = self.delta(&folder)?;
        match delta.load().await {
            // A log folder without its first commit: creation was cut short.
            Err(DeltaTableError::NotATable(_)) => return none(),
            loaded => loaded.map_err(|e| self.unreadable(table, &e))?,
        }
        if let Some(commit) = emptied(&folder.join("_delta_log"), delta.version().unwrap_or(0)) {
            return Err(self.damaged(table, &format!("its commit {commit} is empty")));
        }
        if self.is_writer() {
            self.kept().tables.insert(folder, delta.clone());
        }
        Ok(Some(delta))
    }

    async fn table_or_new(&self, table: Table) -> Result<DeltaTable> {
        if let Some(delta) = self.table(table).await? {
            return Ok(delta);
        }
        let folder = self.folder.join(table.name());
        self.store.create_folder(&folder.join("_delta_log")).map_err(Error::io(&folder))?;
        let columns = write::delta_columns(&table.schema()).map_err(|e| self.wrong(&e))?;
        let create = self.delta(&folder)?.create().with_table_name(table.name()).with_columns(columns);
        let delta = create.await.map_err(|e| self.wrong(&e))?;
        // From now on a folder with data and no log is a damaged one.
        self.settle()?;
        self.kept().tables.insert(folder, delta.clone());
        Ok(delta)
    }

    fn delta(&self, folder: &Path) -> Result<DeltaTable> {
        let url = self.url(folder)?;
        let builder = DeltaTableBuilder::from_url(url.clone()).map_err(|e| self.wrong(&e))?;
        builder.with_storage_backend(Arc::new(self.store.clone()), url).build().map_err(|e| self.wrong(&e))
    }

    async fn commit(&self, delta: &DeltaTable, actions: Vec<Action>, finished: Option<Transaction>) -> Result<()> {
        let state = delta.snapshot().map_err(|e| self.wrong(&e))?;
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let batch = finished.as_ref().map(|transaction| transaction.version);
        let properties = CommitProperties::default().with_application_transactions(finished.into_iter().collect());
        let commit = CommitBuilder::from(properties).with_actions(actions);
        let done = commit.build(Some(state), delta.log_store(), operation).await;
        if batch.is_some() {
            self.settle()?;
        }
        let folder = delta.table_url().to_file_path().unwrap_or_default();
        let mut kept = self.kept();
        kept.tables.remove(&folder);
        kept.finished = batch.filter(|_| done.is_ok()).or(kept.finished.filter(|_| batch.is_none()));
        let mut delta = delta.clone();
        delta.state = Some(done.map_err(|e| self.wrong(&e))?.snapshot());
        kept.tables.insert(folder, delta);
        Ok(())
    }

    /// Returns once all that was written lasts.
    fn settle(&self) -> Result<()> {
        self.store.settle().map_err(Error::io(&self.folder))
    }

    fn is_writer(&self) -> bool {
        self.lock.is_some()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn url(&self, folder: &Path) -> Result<Url> {
        Url::from_directory_path(folder).map_err(|()| Error::Lake {
            place: folder.display().to_string(),
            what: "the path cannot be written as a URL".into(),
            hint: "name another folder in [lake] path".into(),
        })
    }

    fn wrong(&self, error: &DeltaTableError) -> Error {
        if let Some(source) = io(error) {
            return Error::io(&self.folder)(source);
        }
        Error::Lake {
            place: self.folder.display().to_string(),
            what: error.to_string().lines().next().unwrap_or_default().to_string(),
            hint: "check that the folder can be written to and has space; nothing unfinished counts".into(),
        }
    }

    /// A log that Delta cannot make sense of, unless it could not be read at all.
    fn unreadable(&self, table: Table, error: &DeltaTableError) -> Error {
        match io(error) {
            Some(source) => Error::io(self.folder.join(table.name()))(source),
            None => {
                let what = error.to_string().lines().next().unwrap_or_default().to_string();
                self.damaged(table, &format!("its commit log is damaged: {what}"))
            }
        }
    }

    fn damaged(&self, table: Table, what: &str) -> Error {
        let folder = self.folder.join(table.name());
        Error::Lake {
            place: folder.display().to_string(),
            what: what.into(),
            hint: format!("restore {}/_delta_log from a backup of the lake; nothing was changed", table.name()),
        }
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(work)
    }
}

/// The error of the file system at the bottom of Delta's.
fn io(error: &DeltaTableError) -> Option<std::io::Error> {
    let mut below: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = below {
        if let Some(source) = error.downcast_ref::<std::io::Error>() {
            return source.raw_os_error().map(std::io::Error::from_raw_os_error);
        }
        below = error.source();
    }
    None
}

fn holds_data(folder: &Path) -> bool {
    let is_data = |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|end| end == "parquet");
    folder.read_dir().is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(is_data)))
}

/// A commit without a byte among those that a table of that version is read from. Delta takes it for one that does nothing.
fn emptied(log: &Path, version: u64) -> Option<String> {
    let since_checkpoint = version - version % 100..=version;
    let names = since_checkpoint.map(|version| format!("{version:020}.json"));
    names.into_iter().find(|name| log.join(name).metadata().is_ok_and(|data| data.len() == 0))
}

/// A share in the lake; none in a folder where no file can be made or locked.
fn reading(folder: &Path) -> Option<File> {
    let path = folder.join(READING);
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).or_else(|_| File::open(&path)).ok()?;
    file.lock_shared().ok().map(|()| file)
}

/// The batch a data file belongs to, by its name; none for the files of an estate load.
fn batch_of(name: &str) -> Option<i64> {
    name.strip_prefix('b')?.split('-').next()?.parse().ok()
}

/// The date of an estate load, by the name of its file: `d2024-03-31-…`.
fn load_date(path: &Path) -> Option<chrono::NaiveDate> {
    path.file_name()?.to_str()?.strip_prefix('d')?.get(..10)?.parse().ok()
}

fn removals(delta: &DeltaTable, of: impl Fn(&str) -> bool) -> Result<Vec<Action>> {
    let state = delta.snapshot().map_err(|e| Error::Lake {
        place: delta.table_url().to_string(),
        what: e.to_string(),
        hint: String::new(),
    })?;
    let files = state.log_data();
    Ok(files.iter().filter(|f| of(&f.path())).map(|f| Action::Remove(f.remove_action(true))).collect())
}
