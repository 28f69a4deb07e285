//! The lake over the PostgreSQL protocol, read-only: tables, views and every report, for programs that analysts have. Each
//! file below says what it does; this one opens the door, counts who comes in, and closes it. Knows no command.

mod audit;
mod cancels;
mod capped;
mod catalogue;
mod client;
mod connection;
mod copy;
mod current;
mod listed;
mod mask;
mod plan;
mod prepared;
mod rows;
mod settings;
mod statement;
mod tls;
mod users;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use users::{Role, Users, add};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::lake::Site;
use cancels::Cancels;
use current::Current;
use statement::STACK;
use tls::Tls;

/// Connections on which nobody has logged in yet, besides those of clients.
const AT_THE_DOOR: usize = 256;
/// For statements to end and clients to be told when the server has to.
const CLOSING: Duration = Duration::from_secs(10);

/// What only the commands know.
pub struct Surroundings {
    pub clock: fn() -> Instant,
    /// Time since 1970.
    pub now: Duration,
}

/// What all connections share.
struct Shared {
    current: Arc<Current>,
    users: Arc<Users>,
    tls: Option<Tls>,
    work: Handle,
    clock: fn() -> Instant,
    /// Longest time of a statement.
    limit: Duration,
    places: Arc<Semaphore>,
    /// Most connections, those included on which nobody has logged in yet.
    most: usize,
    cancels: Arc<Cancels>,
    closing: watch::Receiver<bool>,
}

/// A server that is ready to listen.
pub struct Server {
    shared: Arc<Shared>,
    listener: std::net::TcpListener,
    close: watch::Sender<bool>,
    /// Where statements are worked out, apart from the connections, so that these answer however busy it is.
    work: tokio::runtime::Runtime,
}

impl Server {
    /// Opens everything: who waits for a session does not wait at the first question. Blocks.
    ///
    /// # Errors
    /// An address that cannot be taken or that others can reach without encryption; users, certificate or lake that will not do.
    pub fn open(
        config: Config,
        site: Site,
        policy: RecordBatch,
        listen: SocketAddr,
        around: &Surroundings,
    ) -> Result<Self> {
        let wrong = |what: String, hint: &str| Error::Config {
            place: format!("[serve] listen {listen}"),
            what,
            hint: hint.into(),
        };
        let serve = config.serve.clone();
        let tls = match (&serve.certificate, &serve.key) {
            (Some(certificate), Some(key)) => Some(tls::load(&config.at(certificate), &config.at(key), around.now)?),
            _ => None,
        };
        if tls.is_none() && !listen.ip().is_loopback() {
            let hint = "name certificate and key in [serve], or listen on 127.0.0.1";
            return Err(wrong("other machines can reach it, and it is not encrypted".into(), hint));
        }
        let users = Arc::new(Users::open(&config.at(&serve.users))?);
        let listener = std::net::TcpListener::bind(listen).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let listener = listener.map_err(|error| wrong(error.to_string(), "choose another port with --listen"))?;
        let work = runtime("statement", None)?;
        let handle = work.handle().clone();
        let current = Current::open(Arc::new(config), site, policy, around.clock, handle.clone())?;
        let (close, closing) = watch::channel(false);
        let shared = Shared {
            current,
            users,
            tls,
            work: handle,
            clock: around.clock,
            limit: Duration::from_secs(u64::from(serve.statement_timeout_s)),
            places: Arc::new(Semaphore::new(usize::from(serve.connections))),
            most: usize::from(serve.connections) + AT_THE_DOOR,
            cancels: Arc::default(),
            closing,
        };
        Ok(Self { shared: Arc::new(shared), listener, close, work })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().map_err(Error::io("the socket"))
    }

    /// Serves until `end` resolves, lets running statements end, and comes back.
    ///
    /// # Errors
    /// The socket cannot be listened on.
    pub fn run(self, end: impl Future<Output = ()>) -> Result<()> {
        let Self { shared, listener, close, work } = self;
        let wire = runtime("connection", Some(2))?;
        let done = wire.block_on(async {
            let listener = TcpListener::from_std(listener).map_err(Error::io("the socket"))?;
            let mut connections = JoinSet::new();
            let mut end = std::pin::pin!(end);
            let mut rest = tokio::time::interval(Duration::from_secs(1));
            loop {
                tokio::select! {
                    () = &mut end => break,
                    taken = listener.accept() => match taken {
                        Ok((socket, _)) => take(socket, &shared, &mut connections),
                        // Out of files, or a client that went again: neither is the end of the others.
                        Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                    },
                    _ = connections.join_next(), if !connections.is_empty() => {}
                    _ = rest.tick() => shared.current.rest().await,
                }
            }
            drop(listener);
            let _ = close.send(true);
            let all = async { while connections.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(CLOSING, all).await;
            connections.shutdown().await;
            Ok(())
        });
        wire.shutdown_timeout(Duration::from_secs(1));
        work.shutdown_timeout(Duration::from_secs(1));
        done
    }
}

fn take(socket: TcpStream, shared: &Arc<Shared>, connections: &mut JoinSet<()>) {
    // Beyond these nobody is even listened to: whoever knocks that often is no client.
    if connections.len() >= shared.most {
        return;
    }
    let shared = shared.clone();
    connections.spawn(async move {
        // A client that went in the middle of something is no news.
        let _ = connection::serve(socket, shared).await;
    });
}

fn runtime(name: &str, threads: Option<usize>) -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    threads.map(|threads| builder.worker_threads(threads));
    builder
        .thread_name(name)
        .thread_stack_size(STACK)
        .max_blocking_threads(8)
        .enable_all()
        .build()
        .map_err(Error::io("threads"))
}
