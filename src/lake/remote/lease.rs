//! Who writes to a lake in an object store: one object, taken and renewed by conditional puts. It keeps writers from getting in
//! each other's way. It does not make the lake safe: a writer may sleep through its end; that is what the fence is for
//! (`lake/logs.rs`). Compares no clocks: a lease has run out where nobody has touched it for as long as it lasts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use object_store::path::Path as Location;
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use url::Url;

use super::told::told;
use crate::error::{Error, Result};

pub const LEASE: &str = "onhook-lease.json";
/// Looks at another's lease, and signs of life of our own, for as long as it lasts.
const LOOKS: u32 = 12;
const BEATS: u32 = 4;

/// What stands in the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    /// One more with every writer: it is in the names of the files it writes.
    generation: u64,
    writer: String,
    nonce: u64,
    /// The folder with the writer's copies: who holds its lock knows that the writer is gone.
    cache: String,
    beat: u64,
    lasts_ms: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Held,
    /// Given back; nothing of its writer is on the way.
    Released,
    /// Given back by a writer that does not know what became of a request.
    Unsure,
}

/// Who wants it.
#[derive(Clone, Debug)]
pub struct Claim {
    pub writer: String,
    pub nonce: u64,
    pub cache: String,
    pub lasts: Duration,
}

/// A lease that is ours until it is dropped.
pub struct Lease {
    shared: Arc<Shared>,
    renewal: JoinHandle<()>,
    handle: Handle,
    /// The writer before us may still be at work.
    pub must_fence: bool,
}

struct Shared {
    store: Arc<dyn ObjectStore>,
    location: Location,
    now: Mutex<(Held, UpdateVersion)>,
    is_lost: AtomicBool,
    is_unsure: AtomicBool,
}

impl Lease {
    /// Takes it; waits for the end of one whose writer gives no sign of life. `first` is the generation where there is no lease
    /// at all; none in a new lake.
    ///
    /// # Errors
    /// Another run is writing, or the store does not answer.
    pub async fn take(
        store: &Arc<dyn ObjectStore>,
        address: &Url,
        location: &Location,
        claim: Claim,
        first: impl AsyncFn() -> Result<Option<u64>>,
    ) -> Result<Self> {
        let mut watched: Option<(UpdateVersion, u32)> = None;
        loop {
            let (mode, generation, must_fence) = match read(store, location).await.map_err(|e| told(address, &e))? {
                None => {
                    let first = first().await?;
                    (PutMode::Create, first.unwrap_or(1), first.is_some())
                }
                Some((held, version)) => {
                    let is_over = match (&watched, held.state) {
                        (_, State::Released | State::Unsure) => true,
                        _ if held.cache == claim.cache => true,
                        (None, State::Held) => {
                            tracing::warn!(writer = held.writer, "waiting: this run may be writing, or may have died");
                            watched = Some((version.clone(), 0));
                            false
                        }
                        (Some((seen, _)), State::Held) if *seen != version => return Err(busy(address, &held)),
                        (Some((_, looks)), State::Held) => *looks >= LOOKS,
                    };
                    if !is_over {
                        tokio::time::sleep(Duration::from_millis(held.lasts_ms) / LOOKS).await;
                        watched.iter_mut().for_each(|(_, looks)| *looks += 1);
                        continue;
                    }
                    (PutMode::Update(version), held.generation + 1, held.state != State::Released)
                }
            };
            let Claim { writer, nonce, cache, lasts } = claim.clone();
            let lasts_ms = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
            let held = Held { generation, writer, nonce, cache, beat: 0, lasts_ms, state: State::Held };
            match store.put_opts(location, bytes(&held).into(), mode.into()).await {
                Ok(put) => {
                    return Ok(Self::renewed(store.clone(), location.clone(), held, put.into(), must_fence, lasts));
                }
                // Another was faster.
                Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => {}
                Err(error) => return Err(told(address, &error)),
            }
        }
    }

    fn renewed(
        store: Arc<dyn ObjectStore>,
        location: Location,
        held: Held,
        version: UpdateVersion,
        must_fence: bool,
        lasts: Duration,
    ) -> Self {
        let shared = Arc::new(Shared {
            store,
            location,
            now: Mutex::new((held, version)),
            is_lost: AtomicBool::new(false),
            // What must be fenced off may arrive for as long as it is not.
            is_unsure: AtomicBool::new(must_fence),
        });
        let renewing = shared.clone();
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(lasts / BEATS).await;
                // Any other failure is no reason to stop: the store may answer again before the lease ends.
                if let Err(StoreError::Precondition { .. }) = renewing.put(State::Held).await {
                    renewing.is_lost.store(true, Ordering::Relaxed);
                    return;
                }
            }
        });
        Self { shared, renewal, handle: Handle::current(), must_fence }
    }

    pub fn generation(&self) -> u64 {
        self.shared.now().0.generation
    }

    /// Whether somebody else has it, as far as we know.
    pub fn is_lost(&self) -> bool {
        self.shared.is_lost.load(Ordering::Relaxed)
    }

    /// Says that a request of ours may still be carried out: whoever comes next has to fence it off.
    pub fn doubt(&self) {
        self.shared.is_unsure.store(true, Ordering::Relaxed);
    }

    /// Says that nothing of any writer before us can be carried out any more.
    pub fn fenced(&self) {
        self.shared.is_unsure.store(false, Ordering::Relaxed);
    }
}

impl Shared {
    fn now(&self) -> MutexGuard<'_, (Held, UpdateVersion)> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn put(&self, state: State) -> Result<(), StoreError> {
        let (mut held, version) = self.now().clone();
        held.beat += 1;
        held.state = state;
        let put = self.store.put_opts(&self.location, bytes(&held).into(), PutMode::Update(version).into()).await?;
        *self.now() = (held, put.into());
        Ok(())
    }

    /// Gives it back, if it is still ours. A renewal that was on its way may have come first.
    async fn release(&self) {
        let state = if self.is_unsure.load(Ordering::Relaxed) { State::Unsure } else { State::Released };
        for _ in 0..3 {
            let Err(StoreError::Precondition { .. }) = self.put(state).await else { return };
            let Ok(Some((held, version))) = read(&self.store, &self.location).await else { return };
            if held.nonce != self.now().0.nonce {
                return;
            }
            *self.now() = (held, version);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
        if self.is_lost() {
            return;
        }
        let (shared, handle) = (self.shared.clone(), self.handle.clone());
        // Where we are dropped may itself be a thread of the runtime. What fails here, the next writer waits for.
        let _ = std::thread::spawn(move || handle.block_on(shared.release())).join();
    }
}

/// Generation of the lease, and whether nobody writes; none where there never was one.
///
/// # Errors
/// The store does not answer.
pub async fn look(store: &Arc<dyn ObjectStore>, location: &Location) -> Result<Option<(u64, bool)>, StoreError> {
    Ok(read(store, location).await?.map(|(held, _)| (held.generation, held.state != State::Held)))
}

/// Who has it, for whoever has lost it.
pub async fn writer(store: &Arc<dyn ObjectStore>, location: &Location) -> Option<String> {
    read(store, location).await.ok().flatten().map(|(held, _)| held.writer)
}

async fn read(store: &Arc<dyn ObjectStore>, location: &Location) -> Result<Option<(Held, UpdateVersion)>, StoreError> {
    let there = match store.get(location).await {
        Err(error @ StoreError::NotFound { .. }) => {
            // There may be no bucket to be in.
            let is_bucket =
                !error.to_string().contains("NoSuchBucket") && !error.to_string().contains("ContainerNotFound");
            return if is_bucket { Ok(None) } else { Err(error) };
        }
        there => there?,
    };
    let version = UpdateVersion { e_tag: there.meta.e_tag.clone(), version: there.meta.version.clone() };
    let held = serde_json::from_slice(&there.bytes().await?);
    let held = held.map_err(|error| StoreError::Generic {
        store: "lease",
        source: format!("{location} is damaged ({error}): delete it when no run is writing").into(),
    })?;
    Ok(Some((held, version)))
}

fn bytes(held: &Held) -> Vec<u8> {
    serde_json::to_vec(held).unwrap_or_default()
}

fn busy(address: &Url, held: &Held) -> Error {
    let seconds = held.lasts_ms.div_ceil(1000);
    Error::Busy {
        place: address.to_string(),
        holder: held.writer.clone(),
        hint: format!("wait for it to end; one that gives no sign of life for {seconds} s loses the lake to the next"),
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn claim(nonce: u64) -> Claim {
        Claim {
            writer: format!("writer {nonce}"),
            nonce,
            cache: format!("cache {nonce}"),
            lasts: Duration::from_secs(2),
        }
    }

    async fn take(store: &Arc<dyn ObjectStore>, claim: Claim) -> Result<Lease> {
        let address = Url::parse("s3://calls/lake").unwrap();
        Lease::take(store, &address, &Location::from(LEASE), claim, async || Ok(None)).await
    }

    fn wait<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap().block_on(work)
    }

    fn store() -> Arc<dyn ObjectStore> {
        Arc::new(InMemory::new())
    }

    async fn state(store: &Arc<dyn ObjectStore>) -> (u64, State) {
        let (held, _) = read(store, &Location::from(LEASE)).await.unwrap().unwrap();
        (held.generation, held.state)
    }

    /// As a run that is killed leaves it: no more signs of life, and not given back.
    fn kill(lease: Lease) {
        lease.renewal.abort();
        std::mem::forget(lease);
    }

    #[test]
    fn while_its_writer_lives_nobody_else_gets_it() {
        wait(async {
            let store = store();
            let first = take(&store, claim(1)).await.unwrap();
            let refused = take(&store, claim(2)).await.err().unwrap();
            assert_eq!(refused.to_string(), "lake s3://calls/lake: another run is writing to it: writer 1");
            assert!(!first.is_lost());
            let (held, _) = first.shared.now().clone();
            assert!(held.beat > 0, "it was a sign of life that told: {held:?}");
        });
    }

    #[test]
    fn the_lease_of_a_writer_that_died_ends_and_it_does_not_get_it_back() {
        wait(async {
            let store = store();
            let first = take(&store, claim(1)).await.unwrap();
            first.renewal.abort();
            let second = take(&store, claim(2)).await.unwrap();
            assert!(second.must_fence);
            assert_eq!((first.generation(), second.generation()), (1, 2));
            let lost = first.shared.put(State::Held).await.unwrap_err();
            assert!(matches!(lost, StoreError::Precondition { .. }), "{lost}");
            // Nor does it give back what is not its own.
            first.shared.release().await;
            assert_eq!(state(&store).await, (2, State::Held));
            std::mem::forget((first, second));
        });
    }

    #[test]
    fn one_with_the_same_cache_need_not_wait_and_fences_all_the_same() {
        wait(async {
            let store = store();
            // Whoever waits for the end of this one waits for an hour.
            kill(take(&store, Claim { lasts: Duration::from_secs(3600), ..claim(1) }).await.unwrap());
            let again = take(&store, Claim { cache: "cache 1".into(), ..claim(2) }).await.unwrap();
            assert!(again.must_fence);
            kill(again);
        });
    }

    #[test]
    fn what_was_not_fenced_off_is_left_to_the_next_and_the_one_after() {
        wait(async {
            let store = store();
            kill(take(&store, Claim { lasts: Duration::from_secs(3600), ..claim(1) }).await.unwrap());
            // Its fence failed, for whatever reason: it says nothing, and gives the lease back.
            let failed = take(&store, Claim { cache: "cache 1".into(), ..claim(2) }).await.unwrap();
            failed.shared.release().await;
            assert_eq!(state(&store).await, (2, State::Unsure));
            let third = take(&store, claim(3)).await.unwrap();
            assert!(third.must_fence);
            third.fenced();
            third.shared.release().await;
            assert_eq!(state(&store).await, (3, State::Released));
            assert!(!take(&store, claim(4)).await.unwrap().must_fence);
            std::mem::forget((failed, third));
        });
    }

    #[test]
    fn what_was_given_back_is_free_at_once_and_a_doubt_is_passed_on() {
        wait(async {
            let store = store();
            let first = take(&store, claim(1)).await.unwrap();
            first.shared.release().await;
            let second = take(&store, claim(2)).await.unwrap();
            assert!(!second.must_fence);
            second.doubt();
            second.shared.release().await;
            assert_eq!(state(&store).await, (2, State::Unsure));
            let third = take(&store, claim(3)).await.unwrap();
            assert!(third.must_fence);
            third.fenced();
            // A renewal that was on its way when it is given back is no reason to keep it.
            let behind = third.shared.now().clone();
            third.shared.put(State::Held).await.unwrap();
            *third.shared.now() = behind;
            third.shared.release().await;
            assert_eq!(state(&store).await, (3, State::Released));
            std::mem::forget((first, second, third));
        });
    }
}
