//! The lake: Delta tables of Parquet files under one folder. Delta is the commit log; the files are written here and
//! read by the SQL engine as plain Parquet. A batch counts from the moment its row of `inputs` is committed: what an
//! unfinished run left behind is not seen by readers and is taken back by the next writer. Knows no SQL.

mod columns;
mod legs;
mod pages;
mod tables;
mod write;

use std::collections::HashSet;
use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableError};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::runtime::Runtime;
use url::Url;

pub use tables::{BATCH_TABLES, ESTATE_TABLES, Table};
pub use write::{DataFile, ROW_GROUP_ROWS};

use crate::error::{Error, Result};

/// Written into a new lake, so that a folder of something else is never taken for one.
const MARKER: &str = "onhook-lake.json";
/// Goes up when tables change so that another version of onhook could no longer read the lake.
const LAYOUT: u64 = 3;
const LOCK: &str = ".lock";
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
    /// Held for as long as the lake is open for writing.
    _lock: Option<File>,
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
    /// BLAKE3 of its bytes, hexadecimal.
    hash: String,
}

impl Lake {
    /// # Errors
    /// The folder is no lake of ours, was written by a newer onhook, or another run is writing to it.
    pub fn open(folder: &Path, access: Access) -> Result<Self> {
        let wrong = |what: &str, hint: &str| Error::Lake {
            place: folder.display().to_string(),
            what: what.into(),
            hint: hint.into(),
        };
        let is_lake = folder.join(MARKER).exists();
        if !is_lake && folder.exists() && folder.read_dir().map_err(Error::io(folder))?.any(|entry| !is_ours(entry)) {
            return Err(wrong("the folder is in use by something else", "name an empty folder in [lake] path"));
        }
        if !is_lake && access == Access::Read {
            return Err(wrong("there is no lake yet", "read some call records first: onhook ingest"));
        }
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let folder = folder.canonicalize().map_err(Error::io(folder))?;
        let lock = match access {
            Access::Read => None,
            Access::Write => Some(lock(&folder)?),
        };
        match layout(&folder)? {
            Some(layout) if layout > LAYOUT => {
                return Err(wrong("written by a newer onhook", "use that version, or a new lake"));
            }
            Some(layout) if layout < LAYOUT => {
                return Err(wrong("written by an older onhook", "name a new folder in [lake] path and ingest again"));
            }
            Some(_) => {}
            None => mark(&folder)?,
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::io(&folder))?;
        let lake = Self { folder, runtime: Arc::new(runtime), _lock: lock };
        if access == Access::Write {
            lake.take_back()?;
        }
        Ok(lake)
    }

    /// The runtime its storage and the SQL engine run on.
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
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
            let (last, first): (Vec<_>, Vec<_>) = tables.into_iter().partition(|(table, _)| *table == Table::Inputs);
            for (table, files) in first.into_iter().chain(last) {
                let delta = self.table_or_new(table).await?;
                let finished = (table == Table::Inputs).then(|| Transaction::new(APP, batch));
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
            actions.extend(
                write::parquet(&self.folder.join(table.name()), &name, &table.schema(), rows)?.map(|w| w.add()),
            );
            self.commit(&delta, actions, None).await
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

    /// Takes back what a run that did not finish has committed to single tables.
    fn take_back(&self) -> Result<()> {
        self.wait(async {
            let finished = self.finished().await?;
            for table in BATCH_TABLES {
                let Some(delta) = self.table(table).await? else { continue };
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
        let Some(inputs) = self.table(Table::Inputs).await? else { return Ok(0) };
        let state = inputs.snapshot().map_err(|e| self.wrong(&e))?;
        let version = state.transaction_version(inputs.log_store().as_ref(), APP).await;
        Ok(version.map_err(|e| self.wrong(&e))?.unwrap_or(0))
    }

    async fn names(&self, table: Table) -> Result<HashSet<String>> {
        let Some(delta) = self.table(table).await? else { return Ok(HashSet::new()) };
        let state = delta.snapshot().map_err(|e| self.wrong(&e))?;
        Ok(state.log_data().iter().map(|file| file.path().into_owned()).collect())
    }

    async fn table(&self, table: Table) -> Result<Option<DeltaTable>> {
        let folder = self.folder.join(table.name());
        if !folder.join("_delta_log").is_dir() {
            return Ok(None);
        }
        match deltalake::open_table(self.url(&folder)?).await {
            Ok(delta) => Ok(Some(delta)),
            // A log folder without its first commit: creation was cut short.
            Err(DeltaTableError::NotATable(_)) => Ok(None),
            Err(error) => Err(self.wrong(&error)),
        }
    }

    async fn table_or_new(&self, table: Table) -> Result<DeltaTable> {
        if let Some(delta) = self.table(table).await? {
            return Ok(delta);
        }
        let folder = self.folder.join(table.name());
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let columns = write::delta_columns(&table.schema()).map_err(|e| self.wrong(&e))?;
        let delta = DeltaTable::try_from_url(self.url(&folder)?).await.map_err(|e| self.wrong(&e))?;
        let create = delta.create().with_table_name(table.name()).with_columns(columns);
        create.await.map_err(|e| self.wrong(&e))
    }

    async fn commit(&self, delta: &DeltaTable, actions: Vec<Action>, finished: Option<Transaction>) -> Result<()> {
        let state = delta.snapshot().map_err(|e| self.wrong(&e))?;
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let properties = CommitProperties::default().with_application_transactions(finished.into_iter().collect());
        let commit = CommitBuilder::from(properties).with_actions(actions);
        commit.build(Some(state), delta.log_store(), operation).await.map_err(|e| self.wrong(&e))?;
        Ok(())
    }

    fn url(&self, folder: &Path) -> Result<Url> {
        Url::from_directory_path(folder).map_err(|()| Error::Lake {
            place: folder.display().to_string(),
            what: "the path cannot be written as a URL".into(),
            hint: "name another folder in [lake] path".into(),
        })
    }

    fn wrong(&self, error: &DeltaTableError) -> Error {
        Error::Lake {
            place: self.folder.display().to_string(),
            what: error.to_string().lines().next().unwrap_or_default().to_string(),
            hint: "check that the folder can be written to and has space; nothing unfinished counts".into(),
        }
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(work)
    }
}

/// The marker's layout number; none in a folder that is not yet a lake.
fn layout(folder: &Path) -> Result<Option<u64>> {
    let marker = folder.join(MARKER);
    let text = match std::fs::read_to_string(&marker) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&marker)(error)),
    };
    let layout = serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|marker| marker["layout"].as_u64());
    layout.map(Some).ok_or_else(|| Error::Lake {
        place: folder.display().to_string(),
        what: format!("{MARKER} is damaged"),
        hint: "restore it from a backup of the lake".into(),
    })
}

/// Makes the folder a lake, at one stroke: under another name first.
fn mark(folder: &Path) -> Result<()> {
    let (draft, marker) = (folder.join(format!("{MARKER}.new")), folder.join(MARKER));
    std::fs::write(&draft, format!("{{\"layout\":{LAYOUT}}}\n")).map_err(Error::io(&draft))?;
    std::fs::rename(&draft, &marker).map_err(Error::io(&marker))
}

/// What a first run that was cut short can have left in a folder that is not yet a lake.
fn is_ours(entry: std::io::Result<std::fs::DirEntry>) -> bool {
    entry.is_ok_and(|entry| [LOCK, &format!("{MARKER}.new")].iter().any(|name| entry.file_name() == *name))
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(Error::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Lake {
            place: folder.display().to_string(),
            what: "another run is writing to it".into(),
            hint: "wait for it to end; the lock goes with its process".into(),
        }),
        Err(std::fs::TryLockError::Error(error)) => Err(Error::io(&path)(error)),
    }
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
