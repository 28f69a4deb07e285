//! A Ballista cluster on loopback: a scheduler and executors, each a process, of upstream's own start functions as its
//! binaries call them. This program starts itself again for each. All end with the test, also where it fails.

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;

use crate::running::Running;

/// What a process of the cluster is told: ports with blanks between, and an executor's folder.
const PORTS: &str = "ONHOOK_TEST_PORTS";
const FOLDER: &str = "ONHOOK_TEST_FOLDER";
/// Nothing here takes so long; what does hangs.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Peers {
    port: u16,
    processes: Vec<Process>,
    folder: tempfile::TempDir,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peers {
    pub fn start(executors: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut processes = Vec::new();
        for nth in 0..executors {
            let work = folder.path().join(nth.to_string());
            std::fs::create_dir(&work).unwrap();
            processes.push(again("executor", &format!("{port} {} {}", free_port(), free_port()), &work));
        }
        processes.push(again("scheduler", &port.to_string(), folder.path()));
        wait("a scheduler", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { port, processes, folder }
    }

    pub fn place(&self) -> String {
        format!("df://127.0.0.1:{}", self.port)
    }

    /// The first two executors hold rows of the same job.
    pub fn wait_until_both_work(&self, asked: &Running) {
        wait("two executors at work", || {
            assert!(!asked.is_over(), "answered before both executors had a share");
            let (one, other) = (self.jobs(0), self.jobs(1));
            one.iter().any(|job| other.contains(job))
        });
    }

    /// Ends an executor as a power cut would.
    pub fn kill(&mut self, executor: usize) {
        self.processes[executor].0.kill().unwrap();
        self.processes[executor].0.wait().unwrap();
    }

    /// Jobs that an executor holds files of.
    fn jobs(&self, executor: usize) -> Vec<String> {
        let Ok(folders) = self.folder.path().join(executor.to_string()).read_dir() else { return Vec::new() };
        let folders = folders.flatten().map(|entry| entry.path()).filter(|job| job.is_dir() && has_file(job));
        folders.filter_map(|job| Some(job.file_name()?.to_str()?.to_string())).collect()
    }
}

fn has_file(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.flatten().map(|entry| entry.path()).any(|path: PathBuf| path.is_file() || has_file(&path))
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait(what: &str, mut is_there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// This program as one process of the cluster.
fn again(role: &str, ports: &str, folder: &Path) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", &format!("cluster::peers::{role}")]);
    command.env(PORTS, ports).env(FOLDER, folder);
    let log = std::fs::File::create(folder.join(format!("{role}.log"))).unwrap();
    // Its input ends with this process, whatever ends that.
    command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
    Process(command.spawn().unwrap())
}

/// What this process was told, where it is one of a cluster.
fn told() -> Option<(Vec<u16>, String)> {
    let ports = std::env::var(PORTS).ok()?;
    Some((ports.split(' ').map(|port| port.parse().unwrap()).collect(), std::env::var(FOLDER).ok()?))
}

/// Works until the process that started this one is gone.
fn until_alone<E: std::fmt::Debug>(work: impl Future<Output = Result<(), E>>) {
    // As upstream's scheduler does: its planner goes deep.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(32 << 20).build().unwrap();
    runtime.block_on(async {
        let alone = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        tokio::select! {
            ended = work => ended.unwrap(),
            _ = alone => {}
        }
    });
}

#[test]
#[ignore = "a process of the other tests"]
fn scheduler() {
    let Some((ports, _)) = told() else { return };
    let config = SchedulerConfig {
        bind_port: ports[0],
        // That an executor is gone is seen within seconds, not minutes.
        executor_timeout_seconds: 8,
        no_executors_grace_period_seconds: 8,
        expire_dead_executor_interval_seconds: 1,
        ..SchedulerConfig::default()
    };
    until_alone(async move {
        let cluster = BallistaCluster::new_from_config(&config).await?;
        start_server(cluster, ([127, 0, 0, 1], ports[0]).into(), Arc::new(config)).await
    });
}

#[test]
#[ignore = "a process of the other tests"]
fn executor() {
    let Some((ports, folder)) = told() else { return };
    let config = ExecutorProcessConfig {
        scheduler_host: "127.0.0.1".into(),
        scheduler_port: ports[0],
        scheduler_connect_timeout_seconds: 60,
        port: ports[1],
        grpc_port: ports[2],
        vcores: 2,
        work_dir: Some(folder),
        memory_pool_size: Some(1 << 30),
        executor_heartbeat_interval_seconds: 2,
        ..ExecutorProcessConfig::default()
    };
    until_alone(start_executor_process(Arc::new(config)));
}
