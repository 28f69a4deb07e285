//! `onhook serve` asked by programs that are not ours, over real connections. This file starts the server and ends it.

mod clients;
pub mod fresh;
mod limits;
mod masked;
mod refused;
mod tls;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::workdir::Workdir;

pub const ANALYST: (&str, &str) = ("ann", "correct horse battery staple");
pub const MANAGER: (&str, &str) = ("max", "another long pass phrase");

/// A running server; ended when it is let go.
pub struct Server {
    child: Child,
    pub port: u16,
    /// What it has said on standard error so far.
    said: Arc<Mutex<String>>,
    listener: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Over the lake of `work`, whose users are made first where there are none.
    pub fn start(work: &Workdir) -> Self {
        Self::start_with(work, &[])
    }

    pub fn start_with(work: &Workdir, args: &[&str]) -> Self {
        users(work);
        let mut child = work
            .command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let (said, mut port) = (Arc::new(Mutex::new(String::new())), None);
        while port.is_none() {
            let mut line = String::new();
            let n = lines.read_line(&mut line).unwrap();
            said.lock().unwrap().push_str(&line);
            assert!(n > 0, "the server did not start: {}", said.lock().unwrap());
            port = line.strip_prefix("listening on 127.0.0.1:").and_then(|port| port.trim().parse().ok());
        }
        let more = said.clone();
        let listener = std::thread::spawn(move || {
            for line in lines.lines() {
                let Ok(line) = line else { break };
                more.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self { child, port: port.unwrap(), said, listener: Some(listener) }
    }

    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub fn url(&self, (user, password): (&str, &str)) -> String {
        format!("postgresql://{user}:{}@127.0.0.1:{}/onhook", password.replace(' ', "%20"), self.port)
    }

    /// Logs in with a client that is not ours.
    pub async fn connect(&self, who: (&str, &str)) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url(who), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Memory that the server takes, in MiB.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
    }

    pub fn signal(&self, name: &str) {
        let ran = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(ran.success());
    }

    /// Waits for it to end; its exit code and all that it said.
    pub fn ended(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        self.listener.take().unwrap().join().unwrap();
        (code, self.said())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        if !std::thread::panicking() {
            assert!(!self.said().contains("panicked"), "{}", self.said());
        }
    }
}

/// Makes the two users of these tests.
pub fn users(work: &Workdir) {
    for ((name, password), role) in [(ANALYST, "analyst"), (MANAGER, "manager")] {
        if !work.join("serve-users").exists() || !work.read("serve-users").contains(name) {
            let ran = work.piped(&["serve", "--add-user", name, "--role", role], &format!("{password}\n"));
            assert_eq!(ran.code, 0, "{ran:?}");
        }
    }
}

/// The hand-made estate with its lake, and a server over it.
pub fn small() -> (Workdir, Server) {
    let work = Workdir::small();
    fill(&work);
    let server = Server::start(&work);
    (work, server)
}

/// Reads what there is. The sample has lines that need a person, so the exit code may be 1.
pub fn fill(work: &Workdir) {
    let ran = work.run(&["ingest"]);
    assert!(ran.code < 2, "{ran:?}");
    work.good(&["estate", "load"]);
}

/// A runtime to ask from.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(240), work).await.expect("no end in sight") })
}

/// The code that a refusal or a failure has.
pub fn code(error: &tokio_postgres::Error) -> String {
    error.code().map_or_else(|| format!("no code: {error}"), |code| code.code().to_string())
}

/// Rows as their cells in text form.
pub async fn rows(client: &Client, statement: &str) -> Vec<Vec<Option<String>>> {
    let messages = client.simple_query(statement).await.unwrap_or_else(|e| panic!("{statement}: {e:?}"));
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|i| row.get(i).map(str::to_string)).collect()),
        _ => None,
    };
    messages.iter().filter_map(row).collect()
}

/// The first cell of the first row.
pub async fn one(client: &Client, statement: &str) -> String {
    rows(client, statement).await[0][0].clone().unwrap_or_default()
}
