//! Nightly operations: one night at a time, late files, what a person is told, what the monitoring reads, what is shipped for
//! systemd, cron and Prometheus. The small estate, and a branch office whose records are of yesterday.
//!
//! - `lock`: two nights at once, a night that was killed
//! - `late`: files that come in time, that grow, that never come
//! - `told`: the paragraph, the program that is given it, logs as JSON
//! - `figures`: the metrics file, the run history
//! - `shipped`: units, cron line, alert rules

mod figures;
mod late;
mod lock;
mod shipped;
mod told;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use chrono::{Days, NaiveDate, Utc};

use crate::workdir::Workdir;

/// An office that says what it expects: yesterday's calls. `more` is added to `[nightly]`.
fn branch(more: &str) -> Workdir {
    let work = Workdir::new();
    work.write(
        "onhook.toml",
        format!(
            "[lake]\npath = \"lake\"\n[[source]]\nname = \"branch\"\nformat = \"mapped-csv\"\npaths = [\"landing/branch/*\"]\n\
             timezone = \"UTC\"\nextensions = [\"6XXX\"]\nexpect = \"daily\"\n[source.mapping]\ndelimiter = \",\"\nheader = true\n\
             started = {{ columns = [\"start\"], format = \"%Y-%m-%dT%H:%M:%S\" }}\ntalk = {{ column = \"talk\" }}\n\
             caller = \"from\"\ncallee = \"to\"\n[evidence]\nwindow_days = 28\nmin_covered_days = 0\n\
             [nightly]\npoll_seconds = 1\n{more}"
        ),
    );
    deliver(&work, "old.csv", &calls(days_ago(3), 4));
    work
}

/// The civil day so many days ago, in UTC. A test that runs over midnight expects one day more than the run it starts
/// after it: calls of the day itself are always there beside those of the day before.
fn days_ago(days: u64) -> NaiveDate {
    Utc::now().date_naive() - Days::new(days)
}

fn header() -> &'static str {
    "start,talk,from,to\n"
}

fn call(day: NaiveDate, n: usize) -> String {
    format!("{day}T00:{:02}:{:02},{},6001,6002\n", n / 60, n % 60, 1 + n % 50)
}

fn calls(day: NaiveDate, count: usize) -> String {
    header().to_string() + &(0..count).map(|n| call(day, n)).collect::<String>()
}

/// Yesterday's calls and today's first.
fn punctual() -> String {
    calls(days_ago(1), 3) + &call(days_ago(0), 0)
}

/// Puts a file into the landing folder at one stroke.
fn deliver(work: &Workdir, name: &str, text: &str) {
    work.write(&format!("outgoing/{name}"), text);
    let landing = work.join("landing/branch");
    std::fs::create_dir_all(&landing).unwrap();
    std::fs::rename(work.join(&format!("outgoing/{name}")), landing.join(name)).unwrap();
}

/// What a program says to some text; none, said aloud, where it is not installed.
fn ask(test: &str, program: &str, args: &[&str], input: &str) -> Option<Output> {
    let child =
        Command::new(program).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        crate::workdir::skip(test, &format!("{program} is not installed"));
        return None;
    };
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Some(child.wait_with_output().unwrap())
}

/// Both outputs of a program as text.
fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Outcomes of the runs, the latest first.
fn outcomes(work: &Workdir) -> Vec<String> {
    work.sql("select outcome from run_history")
}
