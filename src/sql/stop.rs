//! A question that can be given up in the middle of its work. Knows no SQL.

use std::future::Future;
use std::sync::Mutex;

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinError;

/// Who says stop, and the threads that questions are worked out on meanwhile.
pub struct Stop {
    told: watch::Receiver<bool>,
    threads: Mutex<Option<Runtime>>,
}

impl Stop {
    /// Stops while the receiver says true.
    pub fn new(told: watch::Receiver<bool>) -> Self {
        Self { told, threads: Mutex::new(None) }
    }

    /// The outcome of work that only waits for others, or none where somebody said stop: then nobody waits any more.
    pub async fn race<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut told = self.told.clone();
        tokio::select! {
            biased;
            Ok(_) = told.wait_for(|stop| *stop) => None,
            done = work => Some(done),
        }
    }

    /// The outcome of the work, or none where somebody said stop. A join may go on for minutes without a pause in which
    /// it could be ended: its threads are left behind with it, and the next question gets others.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> std::io::Result<Option<Result<T, JoinError>>> {
        let kept = self.threads.lock().ok().and_then(|mut threads| threads.take());
        let threads = match kept {
            Some(threads) => threads,
            None => tokio::runtime::Builder::new_multi_thread().enable_all().build()?,
        };
        let mut working = threads.spawn(work);
        let mut told = self.told.clone();
        tokio::select! {
            biased;
            // An error: nobody is there any more who could say it.
            Ok(_) = told.wait_for(|stop| *stop) => {
                working.abort();
                threads.shutdown_background();
                Ok(None)
            }
            done = &mut working => {
                match self.threads.lock() {
                    Ok(mut kept) => *kept = Some(threads),
                    Err(_) => threads.shutdown_background(),
                }
                Ok(Some(done))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn who_waits_for_others_is_told_to_stop_and_an_answer_comes_through() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (say, told) = watch::channel(false);
        let stop = Stop::new(told);
        assert_eq!(runtime.block_on(stop.race(ready(42))), Some(42));
        let said = async {
            tokio::task::yield_now().await;
            say.send_replace(true);
            pending::<()>().await
        };
        assert_eq!(runtime.block_on(stop.race(said)), None);
        // Nobody is left who could say it.
        say.send_replace(false);
        drop(say);
        assert_eq!(runtime.block_on(stop.race(ready(42))), Some(42));
    }
}
