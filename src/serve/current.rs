//! The lake as it is now, made ready for questions: a session for each role over one state of it. Looked at anew at most once
//! a second, when somebody asks; a statement that runs keeps the session it began with. While there are questions, and a
//! little longer, the share in the lake is held, so that no file is deleted under them; then it is let go. Knows no client.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionContext;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard};

use super::mask::{masked, own};
use super::users::Role;
use super::{capped, catalogue, listed};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lake::{Access, Lake, Site, TABLES};
use crate::sql::{Engine, one_line};

/// Between two looks at the log of the lake.
const LOOK: Duration = Duration::from_secs(1);
/// How long the share in the lake is kept after the last statement.
const LINGER: Duration = Duration::from_secs(2);

/// The two sessions over one state of the lake.
pub struct Sessions {
    analyst: SessionContext,
    manager: SessionContext,
    key: Key,
}

impl Sessions {
    pub fn of(&self, role: Role) -> &SessionContext {
        match role {
            Role::Analyst => &self.analyst,
            Role::Manager => &self.manager,
        }
    }
}

/// What a statement holds while it runs.
#[derive(Clone)]
pub struct Held {
    pub sessions: Arc<Sessions>,
    _share: Arc<Lake>,
}

/// The last batch and all data files: where these are the same, so is every answer.
#[derive(Clone, PartialEq, Eq)]
struct Key(i64, Vec<PathBuf>);

pub struct Current {
    config: Arc<Config>,
    site: Site,
    policy: RecordBatch,
    runtime: Arc<RuntimeEnv>,
    clock: fn() -> Instant,
    /// Where sessions are made: takes long, and blocks.
    work: Handle,
    slot: Mutex<Slot>,
}

struct Slot {
    sessions: Arc<Sessions>,
    share: Option<Arc<Lake>>,
    /// When the log was last looked at, and the last statement began.
    looked: Instant,
    used: Instant,
    is_looking: bool,
}

impl Current {
    /// Makes the first sessions. Blocks; not within a runtime.
    ///
    /// # Errors
    /// No lake, or one whose views cannot be made.
    pub fn open(
        config: Arc<Config>,
        site: Site,
        policy: RecordBatch,
        clock: fn() -> Instant,
        work: Handle,
    ) -> Result<Arc<Self>> {
        let runtime = runtime(&config)?;
        let share = Lake::open(site.clone(), Access::Read)?;
        let sessions = sessions(&share, &config, &policy, &runtime)?;
        let now = clock();
        let (sessions, share) = (Arc::new(sessions), Some(Arc::new(share)));
        let slot = Mutex::new(Slot { sessions, share, looked: now, used: now, is_looking: false });
        Ok(Arc::new(Self { config, site, policy, runtime, clock, work, slot }))
    }

    /// The sessions for a statement that begins now.
    ///
    /// # Errors
    /// The lake is there no more, or cannot be read.
    pub async fn held(self: &Arc<Self>) -> Result<Held> {
        let mut slot = self.slot.lock().await;
        slot.used = (self.clock)();
        let share = match slot.share.clone() {
            Some(share) => share,
            // Nobody held the lake: what the sessions know may have been deleted.
            None => {
                let share = self.block(|this| Lake::open(this.site.clone(), Access::Read).map(Arc::new)).await?;
                let new = self.look(share.clone(), slot.sessions.clone()).await?;
                self.renew(&mut slot, new);
                slot.share = Some(share.clone());
                share
            }
        };
        if slot.used.duration_since(slot.looked) >= LOOK && !slot.is_looking {
            slot.is_looking = true;
            let (this, share, known) = (self.clone(), share.clone(), slot.sessions.clone());
            self.work.spawn(async move {
                let new = this.look(share, known).await;
                let mut slot = this.slot.lock().await;
                slot.is_looking = false;
                match new {
                    Ok(new) => this.renew(&mut slot, new),
                    Err(error) => {
                        slot.looked = (this.clock)();
                        tracing::warn!("the lake cannot be looked at, answers are of before: {error}");
                    }
                }
            });
        }
        Ok(Held { sessions: slot.sessions.clone(), _share: share })
    }

    /// Lets the share in the lake go when nobody has asked for a while. To be called now and then.
    pub async fn rest(&self) {
        let mut slot = self.slot.lock().await;
        let is_idle = slot.share.as_ref().is_some_and(|share| Arc::strong_count(share) == 1);
        if is_idle && !slot.is_looking && (self.clock)().duration_since(slot.used) >= LINGER {
            let share = slot.share.take();
            drop(slot);
            // A lake has a runtime of its own, and that ends by waiting.
            let _ = self.work.spawn_blocking(move || drop(share)).await;
        }
    }

    fn renew(&self, slot: &mut MutexGuard<'_, Slot>, new: Option<Sessions>) {
        if let Some(new) = new {
            slot.sessions = Arc::new(new);
        }
        slot.looked = (self.clock)();
    }

    /// New sessions where the lake is another than they know.
    async fn look(self: &Arc<Self>, share: Arc<Lake>, known: Arc<Sessions>) -> Result<Option<Sessions>> {
        self.block(move |this| match key(&share)? == known.key {
            true => Ok(None),
            false => sessions(&share, &this.config, &this.policy, &this.runtime).map(Some),
        })
        .await
    }

    async fn block<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = self.clone();
        let done = self.work.spawn_blocking(move || work(&this)).await;
        done.unwrap_or_else(|error| Err(Error::Render { what: format!("the lake cannot be read: {error}") }))
    }
}

fn key(lake: &Lake) -> Result<Key> {
    let batch = lake.finished_batch()?;
    let mut paths = Vec::new();
    for table in TABLES {
        paths.extend(lake.files(table, batch)?.paths);
    }
    Ok(Key(batch, paths))
}

fn sessions(lake: &Lake, config: &Config, policy: &RecordBatch, runtime: &Arc<RuntimeEnv>) -> Result<Sessions> {
    let wrong = |error: datafusion::error::DataFusionError| Error::Query {
        name: "serve".into(),
        what: one_line(&error),
        hint: "this is a bug in onhook: please report it".into(),
    };
    // Before the files are listed again: what comes in between is found at the next look.
    let key = key(lake)?;
    let manager = Engine::open_in(lake, config, policy, runtime)?.whole()?;
    let analyst = async {
        let own = Arc::new(own(&manager, config).await?);
        listed::views(&manager).await?;
        masked(&manager, &own, runtime).await
    };
    let analyst = lake.runtime().block_on(analyst).map_err(wrong)?;
    for context in [&manager, &analyst] {
        capped::install(context).and_then(|()| catalogue::install(context)).map_err(wrong)?;
    }
    Ok(Sessions { analyst, manager, key })
}

/// The memory of all statements together.
fn runtime(config: &Config) -> Result<Arc<RuntimeEnv>> {
    let bytes = config.serve.memory_mib as usize * 1024 * 1024;
    let disk = DiskManagerBuilder::default().with_max_temp_directory_size(bytes as u64 * 4);
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
    runtime.with_disk_manager_builder(disk).build_arc().map_err(|error| Error::Config {
        place: "[serve] memory_mib".into(),
        what: one_line(&error),
        hint: "give the folder for temporary files some space".into(),
    })
}
