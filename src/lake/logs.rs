//! Delta's logs: opened, made, committed to; what an unfinished run left taken back; and, in an object store, the fence that
//! keeps a writer out who has lost the lake. Knows no rows.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Transaction};
use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaResult, DeltaTable, DeltaTableBuilder, DeltaTableError};
use futures::{StreamExt, TryStreamExt};
use url::Url;

use super::remote::Remote;
use super::{BATCH_TABLES, Lake, TABLES, Table, batch_of, remote};
use crate::error::{Error, Result};

/// Delta application id under which `inputs` records the number of the last finished batch.
const APP: &str = "onhook";
/// The same of the writer who fenced off the one before it.
const FENCE: &str = "onhook-writer";
/// In a commit to an object store: whose it is, so that no two are alike.
const WRITER: &str = "onhookWriter";
/// Commits that a writer who is being fenced off can put in between.
const FENCE_TRIES: usize = 20;

impl Lake {
    /// Takes back what a run that did not finish has committed to single tables.
    pub(super) fn take_back(&self) -> Result<()> {
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
                let names = self.names(table).await?;
                let latest = names.iter().filter_map(|(name, _)| batch_of(name)).max().unwrap_or(0);
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
                    self.commit(table, &delta, actions, None).await?;
                }
            }
            Ok(())
        })
    }

    /// A commit to every table, so that a writer who held the lake before and does not know that it has lost it meets versions
    /// that are taken: it never commits at another version than the one behind what it knows. `inputs` first, for with its
    /// commit a batch counts: either all that the other wrote came before, or nothing of its batch ever counts.
    pub(super) fn fence(&self, remote: &Remote) -> Result<()> {
        let others = TABLES.into_iter().filter(|table| *table != Table::Inputs);
        self.wait(async {
            for table in [Table::Inputs].into_iter().chain(others) {
                let mut tries = 0;
                loop {
                    self.forget(table);
                    let generation = i64::try_from(remote.generation()).unwrap_or(i64::MAX);
                    let fence = Some(Transaction::new(FENCE, generation));
                    let delta = self.table_or_new(table).await?;
                    match self.try_commit(table, &delta, Vec::new(), fence).await? {
                        None => break,
                        // It came in between: once more, behind it.
                        Some(error) if tries < FENCE_TRIES && is_taken(&error) => tries += 1,
                        Some(error) => return Err(self.not_committed(remote, &error).await),
                    }
                }
            }
            remote.fenced();
            Ok(())
        })
    }

    /// Reads every log, and only then makes sure that the lake is this writer's yet: whoever has overtaken it had the lease before
    /// it committed anything. From here on this writer commits behind what it has read now, or not at all.
    pub(super) fn know_all(&self) -> Result<()> {
        let Some(remote) = &self.remote else { return Ok(()) };
        self.wait(async {
            for table in TABLES {
                self.table(table).await?;
            }
            remote.not_overtaken().await
        })
    }

    /// The commit that makes a batch count.
    pub(super) fn finishing(batch: i64) -> Transaction {
        Transaction::new(APP, batch)
    }

    /// Lets go of what was known of a table: somebody else may have committed to it.
    fn forget(&self, table: Table) {
        let mut kept = self.kept();
        kept.tables.remove(&table);
        kept.absent.remove(&table);
    }

    /// The last batch that counts.
    pub(super) async fn finished(&self) -> Result<i64> {
        let known = self.kept().finished;
        if self.is_writer()
            && let Some((_, finished)) = known
        {
            return Ok(finished);
        }
        let Some(inputs) = self.table(Table::Inputs).await? else { return Ok(0) };
        // In a folder a reader reads all of it anew: who restores a backup puts another log in its place.
        if self.remote.is_some()
            && let Some((version, finished)) = known
            && inputs.version() == Some(version)
        {
            return Ok(finished);
        }
        let state = inputs.snapshot().map_err(|e| self.wrong(&e))?;
        let version = state.transaction_version(inputs.log_store().as_ref(), APP).await;
        let finished = version.map_err(|e| self.unreadable(Table::Inputs, &e))?.unwrap_or(0);
        if self.is_writer() || self.remote.is_some() {
            self.kept().finished = inputs.version().map(|version| (version, finished));
        }
        Ok(finished)
    }

    /// Names and sizes of the data files of a table, in order of name.
    pub(super) async fn names(&self, table: Table) -> Result<Vec<(String, u64)>> {
        let Some(delta) = self.table(table).await? else { return Ok(Vec::new()) };
        let state = delta.snapshot().map_err(|e| self.wrong(&e))?;
        let files = state.log_data();
        let size = |size: i64| u64::try_from(size).unwrap_or_default();
        let mut names: Vec<_> = files.iter().map(|file| (file.path().into_owned(), size(file.size()))).collect();
        names.iter().try_for_each(|(name, _)| self.plain(table, name))?;
        names.sort();
        Ok(names)
    }

    /// Names that are in force.
    pub(super) async fn alive(&self, table: Table) -> Result<HashSet<String>> {
        Ok(self.names(table).await?.into_iter().map(|(name, _)| name).collect())
    }

    pub(super) async fn table(&self, table: Table) -> Result<Option<DeltaTable>> {
        let kept = self.kept().tables.get(&table).cloned();
        if kept.is_none() && self.kept().absent.contains(&table) {
            return Ok(None);
        }
        let mut delta = match kept {
            Some(delta) if self.is_writer() => return Ok(Some(delta)),
            // A reader of an object store asks for what is new, and not for all of it again.
            Some(delta) => delta,
            None => self.delta(table)?,
        };
        match &self.remote {
            None => {
                let folder = self.folder.join(table.name());
                let log = folder.join("_delta_log");
                if !log.is_dir() {
                    return self.no_log(table, holds_data(&folder));
                }
                match delta.load().await {
                    // A log folder without its first commit: creation was cut short.
                    Err(DeltaTableError::NotATable(_)) => return self.no_log(table, holds_data(&folder)),
                    loaded => loaded.map_err(|e| self.unreadable(table, &e))?,
                }
                if let Some(commit) = emptied(&log, delta.version().unwrap_or(0)) {
                    return Err(self.damaged(table, &format!("its commit {commit} is empty")));
                }
            }
            Some(remote) => match delta.update_incremental(None).await {
                Err(DeltaTableError::NotATable(_)) => {
                    let objects = remote.list(table, "").await?;
                    let none = self.no_log(table, objects.keys().any(|name| name.ends_with(".parquet")))?;
                    if self.is_writer() {
                        self.kept().absent.insert(table);
                    }
                    return Ok(none);
                }
                loaded => loaded.map_err(|e| self.unreadable(table, &e))?,
            },
        }
        if self.is_writer() || self.remote.is_some() {
            self.kept().tables.insert(table, delta.clone());
        }
        Ok(Some(delta))
    }

    /// A table is made before its first data file.
    fn no_log(&self, table: Table, holds_data: bool) -> Result<Option<DeltaTable>> {
        if holds_data { Err(self.damaged(table, "its commit log is missing")) } else { Ok(None) }
    }

    pub(super) async fn table_or_new(&self, table: Table) -> Result<DeltaTable> {
        if let Some(delta) = self.table(table).await? {
            return Ok(delta);
        }
        if self.remote.is_none() {
            let folder = self.folder.join(table.name());
            self.store.create_folder(&folder.join("_delta_log")).map_err(Error::io(&folder))?;
        }
        let columns = super::write::delta_columns(&table.schema()).map_err(|e| self.wrong(&e))?;
        let mut create = self.delta(table)?.create().with_table_name(table.name()).with_columns(columns);
        if let Some(remote) = &self.remote {
            create = create.with_commit_properties(once(remote));
        }
        let delta = match (create.await, &self.remote) {
            (Ok(delta), _) => delta,
            (Err(error), Some(remote)) => self.there_already(remote, table, &error).await?,
            (Err(error), None) => return Err(self.wrong(&error)),
        };
        // From now on a folder with data and no log is a damaged one.
        self.settle()?;
        self.kept().tables.insert(table, delta.clone());
        Ok(delta)
    }

    /// The table that stood in the way of a new one: a writer that is gone may have made it in this moment.
    async fn there_already(&self, remote: &Remote, table: Table, error: &DeltaTableError) -> Result<DeltaTable> {
        self.forget(table);
        let Ok(Some(delta)) = self.table(table).await else {
            // It is not there, and may still come.
            remote.doubt();
            return Err(if remote.is_overtaken().await { remote.taken().await } else { self.wrong(error) });
        };
        // Only now: whoever overtook us had the lease before it committed what we may just have read.
        remote.not_overtaken().await?;
        Ok(delta)
    }

    fn delta(&self, table: Table) -> Result<DeltaTable> {
        let url = self.url(table)?;
        let store: ObjectStoreRef = match &self.remote {
            Some(remote) => {
                LazyLock::force(&SCHEMES);
                remote.store()
            }
            None => Arc::new(self.store.clone()),
        };
        let builder = DeltaTableBuilder::from_url(url.clone()).map_err(|e| self.wrong(&e))?;
        builder.with_storage_backend(store, url).build().map_err(|e| self.wrong(&e))
    }

    pub(super) async fn commit(
        &self,
        table: Table,
        delta: &DeltaTable,
        actions: Vec<Action>,
        finished: Option<Transaction>,
    ) -> Result<()> {
        match (self.try_commit(table, delta, actions, finished).await?, &self.remote) {
            (None, _) => Ok(()),
            (Some(error), Some(remote)) => Err(self.not_committed(remote, &error).await),
            (Some(error), None) => Err(self.wrong(&error)),
        }
    }

    /// Gives why the log did not take it, where it did not.
    async fn try_commit(
        &self,
        table: Table,
        delta: &DeltaTable,
        actions: Vec<Action>,
        finished: Option<Transaction>,
    ) -> Result<Option<DeltaTableError>> {
        if let Some(remote) = &self.remote {
            remote.still_ours().await?;
            self.upload(remote, table, &actions).await?;
        }
        let state = delta.snapshot().map_err(|e| self.wrong(&e))?;
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let batch = finished.as_ref().filter(|transaction| transaction.app_id == APP).map(|t| t.version);
        let is_last = finished.is_some();
        let properties = self.remote.as_ref().map_or_else(CommitProperties::default, once);
        let properties = properties.with_application_transactions(finished.into_iter().collect());
        let commit = CommitBuilder::from(properties).with_actions(actions);
        let commit = commit.build(Some(state), delta.log_store(), operation).into_prepared_commit_future();
        let taken = async { commit.await?.await }.await;
        let done = match taken {
            Ok(taken) => {
                let version = taken.version;
                match taken.await {
                    Ok(done) => Ok(done.snapshot()),
                    // The log has taken it. A checkpoint that could not be written, or old entries that stay, are no harm.
                    Err(error) => {
                        let error = self.wrong(&error);
                        tracing::warn!(
                            table = table.name(),
                            version,
                            "committed, but its log was not tidied up: {error}"
                        );
                        let mut state = state.clone();
                        state.update(delta.log_store().as_ref(), Some(version)).await.map(|()| state)
                    }
                }
            }
            Err(error) => Err(error),
        };
        if is_last {
            self.settle()?;
        }
        {
            let mut kept = self.kept();
            kept.tables.remove(&table);
            if table == Table::Inputs && is_last {
                kept.finished = done.as_ref().ok().zip(batch).map(|(state, batch)| (state.version(), batch));
            }
        }
        let mut delta = delta.clone();
        delta.state = match done {
            Ok(state) => Some(state),
            Err(error) => return Ok(Some(error)),
        };
        self.kept().tables.insert(table, delta);
        Ok(None)
    }

    /// Puts the files that a commit is about to name into the store.
    async fn upload(&self, remote: &Remote, table: Table, actions: &[Action]) -> Result<()> {
        let names = actions.iter().filter_map(|action| match action {
            Action::Add(add) => Some(add.path.clone()),
            _ => None,
        });
        let names: Vec<String> = names.collect();
        let uploads = futures::stream::iter(names).map(|name| async move {
            let path = self.path(table, &name);
            remote.upload(table, &name, &path).await
        });
        uploads.buffer_unordered(remote::FILES_AT_ONCE).try_collect().await
    }

    async fn not_committed(&self, remote: &Remote, error: &DeltaTableError) -> Error {
        if is_taken(error) {
            return remote.taken().await;
        }
        // The last error need not be the one that left the commit on its way.
        remote.doubt();
        self.wrong(error)
    }

    fn url(&self, table: Table) -> Result<Url> {
        if let Some(remote) = &self.remote {
            return Ok(remote.table(table));
        }
        let folder = self.folder.join(table.name());
        Url::from_directory_path(&folder).map_err(|()| Error::Lake {
            place: folder.display().to_string(),
            what: "the path cannot be written as a URL".into(),
            hint: "name another folder in [lake] path".into(),
        })
    }

    /// Where a data file is for the SQL engine.
    pub(super) fn file_url(&self, table: Table, name: &str) -> Result<Url> {
        let mut url = self.url(table)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(name);
        }
        Ok(url)
    }

    pub(super) fn wrong(&self, error: &DeltaTableError) -> Error {
        if let Some(source) = io(error).filter(|_| self.remote.is_none()) {
            return Error::io(&self.folder)(source);
        }
        if let Some((what, hint)) = remote::below(error) {
            return Error::Lake { place: self.place(), what, hint: hint.into() };
        }
        Error::Lake {
            place: self.place(),
            what: error.to_string().lines().next().unwrap_or_default().to_string(),
            hint: "check that the folder can be written to and has space; nothing unfinished counts".into(),
        }
    }

    /// A log that Delta cannot make sense of, unless it could not be read at all.
    pub(super) fn unreadable(&self, table: Table, error: &DeltaTableError) -> Error {
        match io(error) {
            Some(source) if self.remote.is_none() => Error::io(self.folder.join(table.name()))(source),
            _ if remote::below(error).is_some() => self.wrong(error),
            _ => {
                let what = error.to_string().lines().next().unwrap_or_default().to_string();
                self.damaged(table, &format!("its commit log is damaged: {what}"))
            }
        }
    }

    pub(super) fn damaged(&self, table: Table, what: &str) -> Error {
        let place = match &self.remote {
            Some(remote) => format!("{}/{}", remote.address, table.name()),
            None => self.folder.join(table.name()).display().to_string(),
        };
        Error::Lake {
            place,
            what: what.into(),
            hint: format!("restore {}/_delta_log from a backup of the lake; nothing was changed", table.name()),
        }
    }

    /// Where the lake is, for a person.
    pub(super) fn place(&self) -> String {
        match &self.remote {
            Some(remote) => remote.address.to_string(),
            None => self.folder.display().to_string(),
        }
    }
}

/// At the next version or not at all: who meets another's commit has lost the lake.
fn once(remote: &Remote) -> CommitProperties {
    CommitProperties::default().with_max_retries(0).with_metadata([(WRITER.to_string(), remote.word().into())])
}

/// Makes known to Delta that logs of these stores are kept by conditional puts.
static SCHEMES: LazyLock<()> = LazyLock::new(|| {
    for scheme in ["s3://", "az://"] {
        if let Ok(scheme) = Url::parse(scheme) {
            logstore_factories().insert(scheme, Arc::new(ConditionalPuts));
        }
    }
});

struct ConditionalPuts;

impl LogStoreFactory for ConditionalPuts {
    fn with_options(
        &self,
        prefixed: ObjectStoreRef,
        root: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed, root, location, options))
    }
}

/// Whether somebody else has committed at the version that was to be ours.
fn is_taken(error: &DeltaTableError) -> bool {
    use DeltaTableError::{Transaction, VersionAlreadyExists};
    matches!(
        error,
        VersionAlreadyExists(_)
            | Transaction {
                source: TransactionError::MaxCommitAttempts(_) | TransactionError::VersionAlreadyExists(_)
            }
    )
}

/// The error of the file system at the bottom of Delta's.
fn io(error: &DeltaTableError) -> Option<std::io::Error> {
    let source = remote::causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>())?;
    source.raw_os_error().map(std::io::Error::from_raw_os_error)
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

/// Takes files of a table out.
pub fn removals(delta: &DeltaTable, of: impl Fn(&str) -> bool) -> Result<Vec<Action>> {
    let state = delta.snapshot().map_err(|e| Error::Lake {
        place: delta.table_url().to_string(),
        what: e.to_string(),
        hint: String::new(),
    })?;
    let files = state.log_data();
    Ok(files.iter().filter(|f| of(&f.path())).map(|f| Action::Remove(f.remove_action(true))).collect())
}
