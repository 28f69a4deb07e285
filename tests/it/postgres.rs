//! A PostgreSQL server of the test's own, on a free port and with a password; and what psql sees in it. No assertions but
//! that they ran.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::peers;

pub const USER: &str = "ann";
pub const PASSWORD: &str = "s3cret:word";
/// A server that is slow to come up on a busy machine is not broken.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Postgres {
    folder: tempfile::TempDir,
    child: Child,
    psql: PathBuf,
    pub port: u16,
}

impl Postgres {
    /// With `secured` it takes no connection that is not encrypted; the authority is `ca.crt` in its folder.
    pub fn start(test: &str, secured: bool) -> Option<Self> {
        let mut folders: Vec<PathBuf> = Path::new("/usr/lib/postgresql")
            .read_dir()
            .map(|all| all.flatten().map(|version| version.path().join("bin")).collect())
            .unwrap_or_default();
        folders.sort();
        folders.reverse();
        let find = |name| peers::program(test, name, &folders);
        let (initdb, server, psql) = (find("initdb")?, find("postgres")?, find("psql")?);
        let folder = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join("password"), PASSWORD).unwrap();
        if secured {
            certificates(path);
        }
        if is_root() {
            good(Command::new("chown").args(["-R", "nobody"]).arg(path));
        }
        let data = path.join("data");
        let mut init = as_other(&initdb);
        init.args(["-U", USER, "-A", "scram-sha-256", "--no-sync", "-E", "UTF8", "--locale=C", "--pwfile"]);
        good(init.arg(path.join("password")).arg("-D").arg(&data));
        let kind = if secured { "hostssl" } else { "host" };
        let rules = format!("{kind} all all 127.0.0.1/32 scram-sha-256\n{kind} all all ::1/128 scram-sha-256\n");
        std::fs::write(data.join("pg_hba.conf"), rules).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = std::fs::File::create(path.join("log")).unwrap();
        let mut run = as_other(&server);
        run.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(path).args(["-c", "fsync=off"]);
        if secured {
            let file = |name: &str| path.join(name).display().to_string();
            run.args(["-c", "ssl=on", "-c", &format!("ssl_cert_file={}", file("server.crt"))]);
            run.args(["-c", &format!("ssl_key_file={}", file("server.key"))]);
        }
        let child = run.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap();
        let mut postgres = Self { folder, child, psql, port };
        let start = Instant::now();
        while !postgres.try_psql("select 1").status.success() {
            let is_gone = postgres.child.try_wait().unwrap().is_some();
            if is_gone || start.elapsed() > PATIENCE {
                panic!("the server does not come up: {}", std::fs::read_to_string(postgres.file("log")).unwrap());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(postgres)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What psql prints, without headings, a row a line and `|` between cells.
    pub fn psql(&self, sql: &str) -> String {
        let ran = self.try_psql(sql);
        assert!(ran.status.success(), "{sql}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim_end().to_string()
    }

    fn try_psql(&self, sql: &str) -> std::process::Output {
        let mut run = Command::new(&self.psql);
        run.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", "set timezone to 'UTC'", "-c", sql]);
        run.envs(self.variables()).env("PGSSLMODE", "prefer").output().unwrap()
    }

    /// How libpq, and onhook, is told of it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let port = self.port.to_string();
        let all = [("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", USER), ("PGDATABASE", "postgres")];
        let all = all.into_iter().chain([("PGPASSWORD", PASSWORD)]);
        all.map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once: what is in it is thrown away.
        let _ = Command::new("kill").args(["-QUIT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.starts_with(b"0\n"))
}

/// PostgreSQL does not run as root. The process stays the same one, so that it can be stopped.
fn as_other(program: &Path) -> Command {
    let mut command = Command::new(if is_root() { Path::new("setpriv") } else { program });
    if is_root() {
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    }
    command
}

fn good(command: &mut Command) {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// An authority, and a certificate of it for `localhost` and no other name.
fn certificates(folder: &Path) {
    let run = |args: &str| {
        let ran = Command::new("openssl").args(args.split_whitespace()).current_dir(folder).output().unwrap();
        assert!(ran.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    for authority in ["ca", "other"] {
        run(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={authority} -keyout {authority}.key -out {authority}.crt"
        ));
    }
    run(
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
    );
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    run("x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt");
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder.join("server.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
}
