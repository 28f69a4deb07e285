//! A folder to run `onhook` in, and what it said. No assertions but on its own set-up.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Workdir {
    dir: tempfile::TempDir,
    /// Variables of the environment for every run.
    env: Vec<(String, String)>,
}

/// What a run gave.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Workdir {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), env: Vec::new() }
    }

    /// A copy of the hand-made estate.
    pub fn small() -> Self {
        Self::of("small")
    }

    /// A copy of a folder of `tests/fixtures`.
    pub fn of(fixture: &str) -> Self {
        let work = Self::new();
        copy(&repository().join("tests/fixtures").join(fixture), work.path());
        work
    }

    /// A copy of the sample in `sample-data`, with a few draws in its simulation: what is drawn is tested elsewhere.
    pub fn sample() -> Self {
        let work = Self::new();
        copy(&repository().join("sample-data"), &work.join("sample-data"));
        let case = work.read("sample-data/case.toml");
        assert!(case.contains("draws = 100000"));
        work.write("sample-data/case.toml", case.replace("draws = 100000", "draws = 1000"));
        work
    }

    /// For every run from now on, in place of what was set before.
    pub fn set_env(&mut self, variables: Vec<(String, String)>) {
        self.env = variables;
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The binary in the folder, not yet run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
        command.args(args).current_dir(self.path()).envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the binary in the folder.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(args, self.command(args).output().unwrap())
    }

    /// Runs it with a text on its standard input.
    pub fn piped(&self, args: &[&str], text: &str) -> Ran {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        Ran::of(args, child.wait_with_output().unwrap())
    }

    /// Runs it and expects exit code 0.
    pub fn good(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran
    }

    /// `ingest --json`, and that it balances: read = kept + repeated + skipped + rejected.
    pub fn ingest(&self, args: &[&str]) -> (i32, serde_json::Value) {
        let ran = self.run(&[&["ingest", "--json"], args].concat());
        let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
        let n = |name: &str| said["records"][name].as_u64().unwrap();
        assert_eq!(n("read"), n("kept") + n("repeated") + n("skipped") + n("rejected"), "{said}");
        (ran.code, said)
    }

    /// Rows of a SQL statement, as CSV lines without the header.
    pub fn sql(&self, statement: &str) -> Vec<String> {
        let ran = self.good(&["sql", "-f", "csv", "-e", statement]);
        ran.stdout.lines().skip(1).map(str::to_string).collect()
    }
}

/// Says that a test cannot run here, and fails where it must.
pub fn skip(test: &str, why: &str) {
    assert!(std::env::var_os("ONHOOK_NO_SKIP").is_none(), "{test}: {why}");
    eprintln!("SKIPPED {test}: {why}");
}

impl Ran {
    /// What a run that has ended gave; none of ours panics.
    pub fn of(args: &[&str], output: std::process::Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or(-1);
        let ran = Self { code, stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!ran.stderr.contains("panicked"), "{args:?}: {}", ran.stderr);
        ran
    }
}

pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Copies a folder, without what a run left in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == "lake" || name == "lake-cache" || name == "out" {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
