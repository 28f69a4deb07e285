//! What a person is told, by whom, and what the log holds.

use std::path::Path;
use std::process::{Command, Stdio};

use super::branch;
use crate::workdir::{Ran, Workdir};

fn summaries(ran: &Ran) -> Vec<&str> {
    ran.stderr.lines().filter_map(|line| line.strip_prefix("summary   ")).collect()
}

#[test]
fn a_night_that_needs_a_person_says_why_in_one_paragraph() {
    let work = Workdir::small();
    let good = work.good(&["nightly"]);
    assert!(summaries(&good).is_empty(), "{good:?}");
    work.write("landing/mitel/empty.log", "");
    work.write("landing/cucm/torn.zip", "PK\x03\x04rest");
    for flags in [&["nightly"][..], &["-q", "nightly"]] {
        let ran = work.run(flags);
        assert_eq!(ran.code, 1, "{ran:?}");
        let [summary] = summaries(&ran)[..] else { panic!("{ran:?}") };
        for part in [
            "finished, exit code 1: 1 thing needs a person. (1) 2 files were not read (",
            "empty.log: the file is empty",
            "torn.zip: ",
            "Next: put them right or deliver them again",
        ] {
            assert!(summary.contains(part), "{part:?} in {summary}");
        }
        assert_eq!(ran.stderr.lines().last().unwrap(), format!("summary   {summary}"));
        let kept =
            work.sql("select summary from run_history where outcome = 'needs_a_person'")[0].replace("\"\"", "\"");
        assert!(kept.trim_matches('"') == summary, "{kept}\n{summary}");
    }
}

#[test]
fn a_night_that_could_not_finish_is_on_record_with_its_reason() {
    let work = Workdir::small();
    let register = work.read("estate/extensions.csv");
    work.write("estate/extensions.csv", register.replacen(",personal,HQ", ",gardening,HQ", 1));
    let ran = work.run(&["nightly"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let [summary] = summaries(&ran)[..] else { panic!("{ran:?}") };
    assert!(
        summary.contains("could not finish, exit code 2") && summary.contains("\"gardening\" is not a use"),
        "{summary}"
    );
    let said: Vec<&str> =
        ran.stderr.lines().filter_map(|line| line.split_once([':', ' '])).map(|(word, _)| word).collect();
    assert!(said.ends_with(&["error", "hint", "summary"]), "the error stands in its own line too: {ran:?}");
    assert_eq!(
        work.sql("select outcome, exit_code, needs, inputs_new, kept, register_s is null from run_history"),
        ["could_not_finish,2,1,8,37,true"],
        "what was read before is kept and told"
    );
    work.write("estate/extensions.csv", register);
    work.good(&["nightly"]);
    assert_eq!(super::outcomes(&work), ["good", "could_not_finish"]);
}

#[test]
fn a_reader_that_goes_away_has_not_spoilt_the_night() {
    let work = Workdir::small();
    let mut child = Command::new(env!("CARGO_BIN_EXE_onhook"))
        .arg("nightly")
        .current_dir(work.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !stderr.contains("summary "), "{stderr}");
    assert_eq!(super::outcomes(&work), ["good"]);
}

/// A shell script that is run where a person is needed.
fn script(work: &Workdir, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    work.write("tell", format!("#!/bin/sh\n{text}"));
    std::fs::set_permissions(work.join("tell"), std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_program_that_is_told_gets_the_paragraph_and_no_secret() {
    let work = branch("notify = [\"tell\", \"two words\", \"$(touch shell)\"]\n");
    script(&work, "cat >told\nprintf '%s\\n' \"$@\" >given\nenv >around\n");
    let secret = "hunter2-and-nothing-else";
    let output = Command::new(env!("CARGO_BIN_EXE_onhook"))
        .arg("nightly")
        .current_dir(work.path())
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let summary = stderr.lines().find_map(|line| line.strip_prefix("summary   ")).unwrap();
    assert_eq!(work.read("told"), format!("{summary}\n"));
    assert!(summary.contains("branch is late"), "{summary}");
    assert_eq!(work.read("given"), "two words\n$(touch shell)\n");
    assert!(!work.join("shell").exists(), "no shell is between");
    let around = work.read("around");
    assert!(around.contains("ONHOOK_EXIT_CODE=1\n") && around.contains("ONHOOK_RUN_ID=20"), "{around}");
    assert!(!around.contains(secret) && !stderr.contains(secret));
    std::fs::remove_file(work.join("told")).unwrap();
    super::deliver(&work, "new.csv", &super::punctual());
    work.good(&["nightly"]);
    assert!(!work.join("told").exists(), "a good night disturbs nobody");
}

#[test]
fn a_program_that_fails_hangs_or_is_not_there_changes_no_exit_code() {
    let work = branch("notify = [\"tell\"]\nnotify_seconds = 1\n");
    let notified = |what: &str| {
        let ran = work.run(&["nightly"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        let line = ran.stderr.lines().find(|line| line.starts_with("warning: notify: ")).unwrap_or_default();
        assert!(line.contains("/tell ") && line.contains(what), "{what}: {ran:?}");
    };
    notified("cannot be started: No such file or directory");
    script(&work, "exit 3\n");
    notified("failed: exit status: 3");
    script(&work, "echo $$ >pid\nexec sleep 1000\n");
    notified("did not end in 1 s and was put out");
    let pid = work.read("pid");
    assert!(!Path::new("/proc").join(pid.trim()).join("exe").exists(), "it was left running");
}

#[test]
fn every_line_of_a_json_log_is_an_object_that_names_its_run_and_no_outside_number() {
    let work = Workdir::small();
    work.write("landing/mitel/empty.log", "");
    let ran = work.run(&["--log", "json", "nightly"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let run_id = work.sql("select max(run_id) from runs").remove(0);
    let lines: Vec<serde_json::Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    for line in &lines {
        let at = line["timestamp"].as_str().unwrap_or_default();
        assert!(chrono::DateTime::parse_from_rfc3339(at).is_ok(), "{line}");
        assert!(["INFO", "WARN", "ERROR"].contains(&line["level"].as_str().unwrap()), "{line}");
        assert!(line["message"].is_string(), "{line}");
        assert_eq!(line["span"]["run"], run_id.as_str(), "{line}");
    }
    let about = |word: &str| lines.iter().filter(|line| line["about"] == word).collect::<Vec<_>>();
    assert_eq!(about("read")[0]["message"], "8 new files, 0 seen before, 1 failed");
    let error = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert!(error["message"].as_str().unwrap().contains("empty.log") && error["hint"].is_string(), "{error}");
    assert_eq!((about("summary").len(), &about("summary")[0]["level"]), (1, &serde_json::json!("WARN")));
    let outside =
        "select caller from legs where caller like '+44%' union select callee from legs where callee like '+44%'";
    let outside = work.sql(outside);
    assert!(outside.len() > 3, "{outside:?}");
    for number in outside {
        assert!(!ran.stderr.contains(&number[3..]), "{number}");
    }
    std::fs::remove_file(work.join("landing/mitel/empty.log")).unwrap();
    let quiet = work.good(&["-q", "--log", "json", "nightly"]);
    assert_eq!(quiet.stderr, "", "a good night has nothing to say");
}

/// Whatever kept it from its end, the last word of a night is its paragraph, and the log knows whose words they are.
#[test]
fn a_night_that_could_not_finish_says_so_within_its_run() {
    let work = Workdir::small();
    work.write("estate/policy.csv", "use,verdict\n");
    for (config, error) in [("onhook.toml", "policy.csv"), ("nowhere.toml", "nowhere.toml: no such file")] {
        let ran = work.run(&["--log", "json", "nightly", "-c", config]);
        assert_eq!(ran.code, 2, "{ran:?}");
        let lines: Vec<serde_json::Value> =
            ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [.., wrong, summary] = &lines[..] else { panic!("{ran:?}") };
        let run = wrong["span"]["run"].as_str().unwrap_or_else(|| panic!("{ran:?}"));
        assert!(lines.iter().all(|line| line["span"]["run"] == run), "{ran:?}");
        assert_eq!(lines.iter().filter(|line| line["level"] == "ERROR").count(), 1, "it is said once: {ran:?}");
        assert!(wrong["level"] == "ERROR" && wrong["hint"].is_string(), "{wrong}");
        assert!(wrong["message"].as_str().unwrap().contains(error), "{wrong}");
        let told = summary["message"].as_str().unwrap();
        assert!(summary["about"] == "summary" && told.contains(error) && told.contains("exit code 2"), "{summary}");
        assert!(told.contains(&format!("Run {run};")), "{summary}");
    }
}

/// The engine shows the value that it stumbles over.
#[test]
fn an_error_shows_no_number_from_outside() {
    let work = Workdir::small();
    work.good(&["nightly"]);
    let wrong = |sql: &str| {
        let ran = work.run(&["--log", "json", "sql", "-e", sql]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(!ran.stderr.chars().filter(char::is_ascii_digit).collect::<String>().contains("4477009"), "{ran:?}");
        ran.stderr
    };
    let outside = work.sql("select caller from legs where caller like '+447700900%'");
    assert!(!outside.is_empty());
    let said = wrong("select cast(caller as int) from legs where caller like '+447700900%'");
    assert!(said.contains("'…'"), "{said}");
    let said = wrong("select cast(cast(substr(caller, 2) as bigint) as int) from legs where caller like '+447700900%'");
    assert!(said.contains('…'), "{said}");
}
