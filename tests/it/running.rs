//! `onhook` while it runs: what it has said so far, and its end, of its own accord or by a kill.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::workdir::{Ran, Workdir};

/// Something that does not happen in this time never will.
const PATIENCE: Duration = Duration::from_secs(180);

/// A run that is under way; ended with its holder.
pub struct Running {
    child: Mutex<Child>,
    said: Arc<Mutex<Vec<String>>>,
    answer: Option<JoinHandle<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    pub fn start(work: &Workdir, args: &[&str]) -> Self {
        let mut command = work.command(args);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (lines, there) = (BufReader::new(child.stderr.take().unwrap()).lines(), said.clone());
        let reader =
            std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| there.lock().unwrap().push(line)));
        let mut stdout = child.stdout.take().unwrap();
        let answer = std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        Self { child: Mutex::new(child), said, answer: Some(answer), reader: Some(reader) }
    }

    pub fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// What it has said on standard error.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    /// Returns once a line begins so.
    pub fn says(&self, start: &str) {
        let begin = Instant::now();
        while !self.said.lock().unwrap().iter().any(|line| line.starts_with(start)) {
            assert!(begin.elapsed() < PATIENCE, "it never said {start:?}: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn is_over(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_some()
    }

    pub fn kill(self) {
        self.child.lock().unwrap().kill().unwrap();
    }

    pub fn ended(mut self) -> Ran {
        let begin = Instant::now();
        while !self.is_over() {
            assert!(begin.elapsed() < PATIENCE, "it does not end: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        let code = self.child.lock().unwrap().wait().unwrap().code().unwrap_or(-1);
        self.reader.take().unwrap().join().unwrap();
        let (stdout, stderr) = (self.answer.take().unwrap().join().unwrap(), self.said());
        assert!(!stderr.contains("panicked"), "{stderr}");
        Ran { code, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = (child.kill(), child.wait());
    }
}
