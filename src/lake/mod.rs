//! The lake: Delta tables of Parquet files under one folder, or in one place of an object store. Delta is the commit log; the
//! files are written here and read by the SQL engine as plain Parquet. A batch counts from the moment its row of `inputs` is
//! committed: what an unfinished run left behind is not seen by readers and is taken back by the next writer. Knows no SQL.

mod columns;
mod compact;
mod copies;
mod draft;
mod entries;
mod erasure;
mod legs;
mod logs;
mod open;
mod pages;
mod removal;
mod remote;
mod rollup;
mod runs;
mod site;
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
use deltalake::DeltaTable;
use object_store::ObjectStore;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::runtime::Runtime;
use url::Url;

pub use compact::Compacted;
pub use erasure::Held;
use logs::removals;
use remote::Remote;
pub use remote::below as store_said;
pub use removal::Removed;
pub use runs::Run;
pub use site::{Address, Site, Writer};
use store::Store;
pub use tables::{BATCH_TABLES, ESTATE_TABLES, TABLES, Table};
pub use vacuum::{Dead, Reason, Swept};
pub use verify::{Finding, Kind, Report};
pub use write::DataFile;

use crate::error::{Error, Result};

/// Whoever has the lake open holds a share in it, so that no file is deleted under his hands.
const READING: &str = ".reading";

/// Batches that a writer can finish, one after the other, while a reader looks at all the logs.
const LOOKS: usize = 20;

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
    /// Of a lake in an object store; dropped first, for it gives the lake back.
    remote: Option<Remote>,
    /// Where it lies, or where copies of its files do.
    folder: PathBuf,
    runtime: Arc<Runtime>,
    store: Store,
    /// Held for as long as the lake is open for writing.
    lock: Option<open::Lock>,
    /// Held for as long as the lake is open; none where the folder does not let us.
    reading: Option<File>,
    kept: Mutex<Kept>,
}

/// What a writer has read or written, and no one else can change: read once. A reader of an object store begins with it.
#[derive(Default)]
struct Kept {
    tables: HashMap<Table, DeltaTable>,
    /// Those that a writer has found not to be there, in an object store.
    absent: HashSet<Table>,
    /// The last batch that counts, at this version of `inputs`.
    finished: Option<(u64, i64)>,
}

/// The Parquet files of a table at one version.
#[derive(Clone, Debug)]
pub struct Files {
    pub table: Table,
    pub schema: SchemaRef,
    /// Absolute, in order of batch; in an object store, where [`Lake::fetch`] puts copies of them.
    pub paths: Vec<PathBuf>,
    /// The same files where they are kept.
    pub urls: Vec<Url>,
    /// Their sizes, as the log has them.
    pub bytes: Vec<u64>,
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
    /// The place is no lake of ours, was written by a newer onhook, or another run is writing to it.
    pub fn open(site: impl Into<Site>, access: Access) -> Result<Self> {
        let lake = Self::open_as_it_is(site, access)?;
        if access == Access::Write {
            lake.settle_before()?;
            lake.know_all()?;
            lake.take_back()?;
            lake.complete_removal()?;
            lake.sweep_copies()?;
            lake.sweep_leftovers()?;
        }
        Ok(lake)
    }

    /// The same, but what an unfinished run left stays: for who only looks, or mends.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub fn open_as_it_is(site: impl Into<Site>, access: Access) -> Result<Self> {
        let store = Store::new();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::io("threads"))?;
        let (remote, folder, lock) = match site.into() {
            Site::Folder(folder) => {
                let (folder, lock) = open::open(&folder, access, &store)?;
                (None, folder, lock)
            }
            Site::Store(address) => {
                let remote::Opened { remote, folder, lock } = runtime.block_on(remote::open(&address, access))?;
                (Some(remote), folder, lock)
            }
        };
        let reading = reading(&folder);
        let lake = Self { remote, folder, runtime: Arc::new(runtime), store, lock, reading, kept: Mutex::default() };
        if let Some(remote) = lake.remote.as_ref().filter(|remote| remote.must_fence()) {
            lake.fence(remote)?;
        }
        Ok(lake)
    }

    /// Whether it is in an object store, and what is here are copies.
    pub fn is_in_a_store(&self) -> bool {
        self.remote.is_some()
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

    /// Where it lies, or where copies of its files do; long texts are put aside there for as long as they are read.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The root of the object store that its files are in, and how they are read from there; none where they are in a folder.
    pub fn shelf(&self) -> Option<(Url, Arc<dyn ObjectStore>)> {
        self.remote.as_ref().map(Remote::shelf)
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
            let mut names = self.names(table).await?;
            names.retain(|(name, _)| batch_of(name).is_none_or(|batch| batch <= finished));
            if names.is_empty() && finished > 0 && BATCH_TABLES.contains(&table) && self.table(table).await?.is_none() {
                return Err(self.damaged(table, "its commit log is missing"));
            }
            self.named(table, names)
        })
    }

    /// The last finished batch, and the files of every table up to it. The logs are read one after the other: a batch that is
    /// finished meanwhile may be merged with those before it, and then a table would seem to have nothing. So it all begins anew
    /// where the last batch is another one afterwards.
    ///
    /// # Errors
    /// A log cannot be read, or batches come faster than they can be looked at.
    pub fn whole(&self) -> Result<(i64, Vec<Files>)> {
        let mut finished = self.finished_batch()?;
        for _ in 0..LOOKS {
            let files = TABLES.into_iter().map(|table| self.files(table, finished)).collect::<Result<_>>()?;
            match self.finished_batch()? {
                now if now == finished => return Ok((finished, files)),
                now => finished = now,
            }
        }
        Err(Error::Lake {
            place: self.place(),
            what: "a run finishes batches faster than they can be looked at".into(),
            hint: "ask again, or when it has ended".into(),
        })
    }

    /// A data file for a table of the batch kind, which no log names yet; `part` tells those of one batch apart.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn data_file(&self, table: Table, batch: i64, part: usize) -> Result<DataFile> {
        let delta = self.wait(self.table_or_new(table))?;
        let name = self.file_name(format!("b{batch:08}-v{:08}-{part:03}", delta.version().unwrap_or(0)));
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
                let finished = (table == Table::Inputs).then(|| Self::finishing(batch));
                if finished.is_some() {
                    // All that the batch is lasts before the commit that makes it count is begun.
                    self.settle()?;
                }
                self.commit(table, &delta, files.into_iter().map(Written::add).collect(), finished).await?;
            }
            Ok(())
        })
    }

    /// Puts the rows of one load in place of those of the same date. `rows` all carry `as_of`.
    pub fn replace_load(&self, table: Table, as_of: chrono::NaiveDate, rows: &arrow::array::RecordBatch) -> Result<()> {
        self.wait(async {
            let delta = self.table_or_new(table).await?;
            let start = format!("d{as_of}-");
            let name = self.file_name(format!("{start}v{:08}", delta.version().unwrap_or(0)));
            let mut actions = removals(&delta, |name| name.starts_with(&start))?;
            let rows = std::slice::from_ref(rows);
            let folder = self.folder.join(table.name());
            actions.extend(write::parquet(&folder, &name, &table.schema(), rows)?.map(|w| w.add()));
            self.store.note(&folder);
            self.settle()?;
            self.commit(table, &delta, actions, None).await?;
            self.settle()
        })
    }

    /// The rows of the load that is in force on a day: the last one up to it.
    pub fn load_in_force(&self, table: Table, on: chrono::NaiveDate) -> Result<Option<arrow::array::RecordBatch>> {
        let mut entries = self.entries(table)?;
        entries.retain(|entry| load_date(&entry.name).is_some_and(|date| date <= on));
        entries.sort_by_key(|entry| load_date(&entry.name));
        let Some(entry) = entries.pop() else { return Ok(None) };
        let path = self.at_hand(table, &entry)?;
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
        if self.remote.is_some() {
            return Ok(());
        }
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

    /// Returns once all that was written lasts. In an object store it does as soon as it is there.
    fn settle(&self) -> Result<()> {
        if self.remote.is_some() { Ok(()) } else { self.store.settle().map_err(Error::io(&self.folder)) }
    }

    fn is_writer(&self) -> bool {
        self.lock.is_some()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(work)
    }
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
fn load_date(name: &str) -> Option<chrono::NaiveDate> {
    name.strip_prefix('d')?.get(..10)?.parse().ok()
}
