//! Gives the summary to the program that the configuration names. No shell, nothing of the environment that could hold a
//! secret, and an end to its time.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::lake::Run;

/// What it is given of our environment. Keys to a store stand there too.
const KEPT: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ"];

/// # Errors
/// It could not be started, failed, or did not end in its time; nothing else depends on it.
pub fn notify(config: &Config, run: &Run, summary: &str) -> Result<(), String> {
    let [program, args @ ..] = config.nightly.notify.as_slice() else { return Ok(()) };
    // Never one that merely has that name somewhere on the PATH.
    let program = std::path::absolute(config.at(Path::new(program))).map_err(|e| e.to_string())?;
    let wrong = |what: &str| format!("{} {what}", program.display());
    let kept = KEPT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut child = Command::new(&program)
        .args(args)
        .env_clear()
        .envs(kept)
        .env("ONHOOK_RUN_ID", &run.run_id)
        .env("ONHOOK_EXIT_CODE", run.exit_code.unwrap_or(2).to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| wrong(&format!("cannot be started: {error}")))?;
    // A paragraph fits into the pipe whether it is read or not; who does not want it closes it.
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(format!("{summary}\n").as_bytes());
    }
    let (start, most) = (Instant::now(), Duration::from_secs(config.nightly.notify_seconds.into()));
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(wrong(&format!("failed: {status}"))),
            Ok(None) if start.elapsed() < most => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                let _ = (child.kill(), child.wait());
                return Err(wrong(&format!("did not end in {} s and was put out", most.as_secs())));
            }
            Err(error) => return Err(wrong(&format!("was lost sight of: {error}"))),
        }
    }
}
