//! Which connection a request to cancel is for: by the number and the key that its client was given at its login.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use pgwire::api::cancel::CancelHandler;
use pgwire::messages::cancel::CancelRequest;
use tokio::sync::watch;

type Key = (i32, Bytes);

#[derive(Default)]
pub struct Cancels {
    connections: Mutex<HashMap<Key, watch::Sender<u64>>>,
}

/// Takes the connection out again when it is let go.
pub struct Registered {
    key: Key,
    of: Arc<Cancels>,
}

impl Cancels {
    /// What goes up with every request for this connection.
    pub fn register(self: &Arc<Self>, pid: i32, key: Bytes) -> (watch::Receiver<u64>, Registered) {
        let (sender, receiver) = watch::channel(0);
        let key = (pid, key);
        self.connections().insert(key.clone(), sender);
        (receiver, Registered { key, of: self.clone() })
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<Key, watch::Sender<u64>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.of.connections().remove(&self.key);
    }
}

#[async_trait]
impl CancelHandler for Cancels {
    async fn on_cancel_request(&self, request: CancelRequest) {
        if let Some(connection) = self.connections().get(&(request.pid, request.secret_key.to_bytes())) {
            connection.send_modify(|n| *n += 1);
        }
    }
}
