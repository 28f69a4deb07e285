//! Chromium without a screen, from the outside: opens a file, gives back what became of it and what was said on the
//! console; prints it. Knows nothing of what is on the page.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// An audit of a page with thousands of cells takes a quarter of a minute of a free core.
const PATIENCE: Duration = Duration::from_secs(240);

pub struct Browser {
    program: &'static str,
    folder: tempfile::TempDir,
}

/// What became of a page.
pub struct Opened {
    /// As it stands when all scripts have come to rest.
    pub dom: String,
    /// What it or the browser said of it: errors, warnings, refusals of its policy.
    pub console: Vec<String>,
}

impl Browser {
    /// The one that is installed, if any.
    pub fn find() -> Option<Self> {
        let program = NAMES.into_iter().find(|name| runs(name, "--version"))?;
        Some(Self { program, folder: tempfile::tempdir().unwrap() })
    }

    /// Opens a file without a network and waits until nothing more happens.
    pub fn open(&self, page: &Path, flags: &[&str]) -> Opened {
        let (dom, said) = self.run(page, &[&["--dump-dom", "--virtual-time-budget=600000"], flags].concat());
        let console = said.lines().filter(|line| line.contains(":CONSOLE")).map(String::from).collect();
        Opened { dom, console }
    }

    /// Prints a file, as its own style has it, and says whether there is something.
    pub fn print(&self, page: &Path, pdf: &Path) -> bool {
        let to = format!("--print-to-pdf={}", pdf.display());
        self.run(page, &[&to, "--no-pdf-header-footer"]);
        pdf.exists()
    }

    /// stdout and stderr. A browser that hangs fails the test and is put out.
    fn run(&self, page: &Path, flags: &[&str]) -> (String, String) {
        let [out, err] = ["out", "err"].map(|name| self.folder.path().join(name));
        let file = |path: &Path| Stdio::from(std::fs::File::create(path).unwrap());
        let mut child = Command::new(self.program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args([
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--enable-logging=stderr",
                "--v=0",
                "--window-size=1280,1000",
            ])
            .arg(format!("--user-data-dir={}", self.folder.path().join("profile").display()))
            .args(flags)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(file(&out))
            .stderr(file(&err))
            .spawn()
            .unwrap();
        let start = Instant::now();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() > PATIENCE => {
                    let _ = (child.kill(), child.wait());
                    panic!("{} did not come to an end with {}", self.program, page.display());
                }
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        let text = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        assert!(status.success(), "{} {flags:?}: {status}\n{}", self.program, text(&err));
        (text(&out), text(&err))
    }
}

/// Whether there is such a program.
pub fn runs(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok_and(|out| out.status.success())
}
