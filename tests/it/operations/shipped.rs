//! What is in `packaging`, held to those who read it: systemd, cron, Prometheus.

use std::path::PathBuf;

use super::{ask, text};
use crate::workdir::{Workdir, repository};

fn packaged(name: &str) -> String {
    let path = repository().join("packaging").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The units in a folder of their own, with the program that was built in the place of the one that is installed.
fn units(work: &Workdir) -> Vec<PathBuf> {
    let names = std::fs::read_dir(repository().join("packaging")).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut units: Vec<String> = names.filter(|name| name.ends_with(".service") || name.ends_with(".timer")).collect();
    units.sort();
    for name in &units {
        work.write(&format!("units/{name}"), packaged(name).replace("/usr/bin/onhook", env!("CARGO_BIN_EXE_onhook")));
    }
    units.iter().map(|name| work.join("units").join(name.replace("@.", "@example.service."))).collect()
}

#[test]
fn systemd_takes_the_units_without_a_word() {
    let test = "systemd_takes_the_units_without_a_word";
    let work = Workdir::new();
    let units = units(&work);
    assert_eq!(units.len(), 4, "{units:?}");
    let paths: Vec<&str> = units.iter().map(|path| path.to_str().unwrap()).collect();
    let Some(said) = ask(test, "systemd-analyze", &[&["verify"], &paths[..]].concat(), "") else { return };
    assert!(said.status.success() && text(&said).is_empty(), "{}", text(&said));
    // It does find faults: a key that does not exist, a program that is not there.
    let unit = work.read("units/onhook-nightly.service");
    for (from, to) in [("ProtectClock=", "ProtectClok="), (env!("CARGO_BIN_EXE_onhook"), "/usr/bin/no-such-program")] {
        work.write("units/onhook-nightly.service", unit.replace(from, to));
        let said = ask(test, "systemd-analyze", &["verify", paths[1]], "").unwrap();
        assert!(paths[1].ends_with("onhook-nightly.service") && !text(&said).is_empty(), "{from}");
    }
}

/// What systemd itself thinks of how far a unit could reach: 0 is nowhere, 10 is everywhere.
#[test]
fn the_services_reach_no_further_than_they_need() {
    let work = Workdir::new();
    units(&work);
    for (name, most) in [("onhook-nightly.service", "10"), ("onhook-serve.service", "15")] {
        let unit = work.join("units").join(name);
        let args = ["security", "--offline=yes", &format!("--threshold={most}"), unit.to_str().unwrap()];
        let Some(said) = ask("the_services_reach_no_further_than_they_need", "systemd-analyze", &args, "") else {
            return;
        };
        assert!(said.status.success(), "{name}: {}", text(&said));
    }
}

/// The nightly unit runs a command that there is, and a run that needs a person is a failure to systemd.
#[test]
fn the_command_lines_are_understood() {
    let work = Workdir::small();
    let lines = [packaged("onhook-nightly.service"), packaged("onhook.cron")];
    let of = |text: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.contains("nightly -c ") && !line.starts_with('#')).unwrap();
        let words = line.split_whitespace().skip_while(|word| !word.ends_with("onhook") || word.starts_with('#'));
        let words = words.skip_while(|word| word.ends_with("onhook")).take_while(|word| !word.starts_with('>'));
        words.map(|word| word.replace("/var/lib/onhook/onhook.toml", "onhook.toml")).collect()
    };
    for text in &lines {
        let args = of(text);
        assert!(args.contains(&"nightly".to_string()), "{args:?}");
        work.good(&args.iter().map(String::as_str).collect::<Vec<_>>());
    }
    assert!(!lines[0].contains("SuccessExitStatus=1") && lines[0].contains("OnFailure=onhook-failed@%n.service"));
}

#[test]
fn cron_takes_the_line() {
    let lines = packaged("onhook.cron");
    // A table of the system names the user before the command; those of a user do not.
    let as_users = |lines: &str| {
        let table = lines.lines().map(|line| match line.starts_with(|c: char| c.is_ascii_digit() || c == '*') {
            true => {
                let words: Vec<&str> = line.splitn(7, ' ').collect();
                assert_eq!(words[5], "onhook", "the user: {line}");
                format!("{} {}\n", words[..5].join(" "), words[6])
            }
            false => format!("{line}\n"),
        });
        table.collect::<String>()
    };
    let work = Workdir::new();
    let check = |lines: &str| {
        work.write("table", lines);
        ask("cron_takes_the_line", "crontab", &["-n", work.join("table").to_str().unwrap()], "")
    };
    let Some(said) = check(&as_users(&lines)) else { return };
    assert!(said.status.success(), "{}", text(&said));
    assert!(lines.ends_with('\n'), "cron passes over a last line without an end");
    assert!(!check("0 26 * * * true\n").unwrap().status.success(), "it does find faults");
}

#[test]
fn prometheus_takes_the_rules_and_they_fire_when_they_should() {
    let test = "prometheus_takes_the_rules_and_they_fire_when_they_should";
    let path = |name: &str| repository().join("packaging").join(name).to_str().unwrap().to_string();
    for (verb, name) in [("check", "onhook-alerts.yml"), ("test", "onhook-alerts.test.yml")] {
        let Some(said) = ask(test, "promtool", &[verb, "rules", &path(name)], "") else { return };
        assert!(said.status.success(), "{verb} {name}: {}", text(&said));
    }
}

/// Whoever is woken by an alert, or by an exit code, finds it in the document; what is shipped is named there.
#[test]
fn the_document_has_every_alert_and_every_file() {
    let document = std::fs::read_to_string(repository().join("docs/operations.md")).unwrap();
    let rules = packaged("onhook-alerts.yml");
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(alerts.len(), 7);
    for alert in alerts {
        assert!(document.contains(&format!("| `{alert}` |")), "{alert}");
    }
    for entry in std::fs::read_dir(repository().join("packaging")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(document.contains(&format!("`{name}`")), "{name}");
    }
}
