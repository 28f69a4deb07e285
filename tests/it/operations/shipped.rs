//! What is in `packaging`, held to those who read it: systemd, cron, Prometheus, and whoever builds the image.

use std::path::{Component, Path, PathBuf};

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

/// Rust files below a folder that are more than tests, as far as they are: those modules and endings left out.
fn shipped_code(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let is_of_tests = path.file_stem().is_some_and(|name| name == "tests" || name == "testing");
        if is_of_tests {
            continue;
        }
        if path.is_dir() {
            shipped_code(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_string();
            found.push((path, code));
        }
    }
}

/// What the code takes in from outside `src`, by its place in the repository; of a name that is put together, the folder.
fn taken_in() -> Vec<String> {
    let mut code = Vec::new();
    shipped_code(&repository().join("src"), &mut code);
    let mut all = Vec::new();
    for (path, text) in &code {
        for after in ["include_str!(", "include_bytes!("].iter().flat_map(|word| text.split(word).skip(1)) {
            let name = after.split('"').nth(1).unwrap();
            let mut place = path.parent().unwrap().to_path_buf();
            for part in Path::new(name).components() {
                match part {
                    Component::ParentDir => assert!(place.pop(), "{}: {name}", path.display()),
                    other => place.push(other),
                }
            }
            let place = place.strip_prefix(repository()).unwrap().to_str().unwrap().to_string();
            assert!(repository().join(&place).exists(), "{}: {place}", path.display());
            if !place.starts_with("src/") {
                all.push(place);
            }
        }
    }
    all.sort();
    all
}

/// Places that are not among these files and folders, nor in one of them.
fn outside<'a>(places: &'a [String], let_in: &[&str]) -> Vec<&'a str> {
    let is_in = |place: &str| let_in.iter().any(|of| Path::new(place).starts_with(of));
    places.iter().map(String::as_str).filter(|place| !is_in(place)).collect()
}

#[test]
fn the_image_is_built_with_every_file_that_the_code_takes_in() {
    let places = taken_in();
    assert_eq!(places, ["docs/columns.md", "queries"]);
    let container = packaged("Containerfile");
    let build = container.split("\nFROM ").find(|stage| stage.contains("cargo build")).unwrap();
    let copied = build.lines().filter_map(|line| line.strip_prefix("COPY ")).flat_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words[..words.len() - 1].to_vec()
    });
    let copied: Vec<&str> = copied.collect();
    let rules = std::fs::read_to_string(repository().join(".containerignore")).unwrap();
    let let_in: Vec<&str> = rules.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for (file, names) in [("Containerfile", &copied), (".containerignore", &let_in)] {
        assert_eq!(outside(&places, names), Vec::<&str>::new(), "{file}");
        assert_eq!(outside(&copied.iter().map(|name| name.to_string()).collect::<Vec<_>>(), names), [""; 0], "{file}");
        let without: Vec<&str> = names.iter().copied().filter(|name| *name != "docs/columns.md").collect();
        assert_eq!(outside(&places, &without), ["docs/columns.md"], "{file}: it does find faults");
    }
}

/// A metrics file where it may be written, keys of a store where nobody reads them: what the document has a person do is
/// what the units need.
#[test]
fn the_document_has_what_the_units_cannot_do_by_themselves() {
    let document = std::fs::read_to_string(repository().join("docs/operations.md")).unwrap();
    let nightly = packaged("onhook-nightly.service");
    let folder = nightly.lines().find_map(|line| line.strip_prefix("ReadWritePaths=-")).unwrap();
    let makes = |line: &&str| line.trim().starts_with("install -d -g onhook -m 0775 ") && line.contains(folder);
    assert!(document.lines().any(|line| makes(&line)), "the metrics folder is made writable to user onhook");
    for unit in [nightly, packaged("onhook-serve.service")] {
        let hides = |key: &str| unit.lines().any(|line| line == key);
        assert!(hides("ProtectHome=yes") && hides("PrivateTmp=yes"));
        let keys = unit.lines().find_map(|line| line.strip_prefix("#EnvironmentFile=")).unwrap();
        assert!(document.contains(keys), "{keys}");
    }
    for word in ["`/home`", "`/tmp`", "BindReadOnlyPaths=", "ProtectHome=read-only", "IPAddressDeny="] {
        assert!(document.contains(word), "{word}");
    }
}
