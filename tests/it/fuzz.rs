//! The fuzz targets, built on stable and held to their promise on every fixture, whole and damaged: so that a target
//! cannot rot between two runs of the fuzzer. `fuzz/README.md` says how to run them for longer.

use std::path::Path;

use crate::workdir::repository;

/// The targets themselves; `main.rs` stands in for the fuzzer's crate and for the one that targets and readers share.
macro_rules! targets {
    ($($name:ident = $path:literal on $folder:literal),+ $(,)?) => {
        $(#[expect(unused_attributes, reason = "`no_main` is for the fuzzer")]
        #[path = $path]
        mod $name;)+

        const TARGETS: &[(&str, fn(&[u8]), &str)] = &[$((stringify!($name), $name::run, $folder)),+];
    };
}

targets! {
    asterisk = "../../fuzz/targets/asterisk.rs" on "asterisk-csv",
    avaya = "../../fuzz/targets/avaya.rs" on "avaya-cm",
    billing = "../../fuzz/targets/billing.rs" on "fcs-uk",
    cucm = "../../fuzz/targets/cucm.rs" on "cisco-cucm",
    freeswitch = "../../fuzz/targets/freeswitch.rs" on "freeswitch-csv",
    ipoffice = "../../fuzz/targets/ipoffice.rs" on "avaya-ipoffice",
    mapped = "../../fuzz/targets/mapped.rs" on "mapped-csv",
    mitel = "../../fuzz/targets/mitel.rs" on "mitel-smdr",
    number = "../../fuzz/targets/number.rs" on "mitel-smdr",
    teams = "../../fuzz/targets/teams.rs" on "teams-pstn",
}

/// Every target is in the list, so that none is forgotten.
#[test]
fn every_fuzz_target_is_run_here() {
    let mut there: Vec<String> = repository()
        .join("fuzz/targets")
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_string())
        .collect();
    there.sort();
    assert_eq!(there, TARGETS.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    for (name, ..) in TARGETS {
        let text = std::fs::read_to_string(repository().join("fuzz/Cargo.toml")).unwrap();
        assert!(text.contains(&format!("path = \"targets/{name}.rs\"")), "fuzz/Cargo.toml does not build {name}");
    }
}

#[test]
fn every_reader_is_fuzzed() {
    let text: String = TARGETS
        .iter()
        .map(|(name, ..)| std::fs::read_to_string(repository().join(format!("fuzz/targets/{name}.rs"))).unwrap())
        .collect();
    for reader in onhook::read::READERS {
        assert!(TARGETS.iter().any(|(.., folder)| *folder == reader.id()), "{} has no fuzz target", reader.id());
    }
    assert_eq!(text.matches("accounts_for_every_line").count(), onhook::read::READERS.len());
}

#[test]
fn fixtures_whole_cut_and_damaged_are_accounted_for() {
    for (_, run, folder) in TARGETS {
        for path in files(&repository().join("tests/fixtures").join(folder)) {
            let text = std::fs::read(&path).unwrap();
            // The first byte chooses among the options of a format that takes some.
            for choice in 0..8u8 {
                let chosen = [&[choice][..], &text].concat();
                run(&chosen);
                run(&text);
                let step = (chosen.len() / 12).max(1);
                for at in (0..chosen.len()).step_by(step) {
                    run(&chosen[..at]);
                    run(&chosen[at..]);
                    let mut damaged = chosen.clone();
                    damaged[at] = [b'\n', b',', b'"', 0, 0xff, b'9', b' ', b'{'][at % 8];
                    run(&damaged);
                }
            }
        }
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_file()).collect();
    found.sort();
    assert!(!found.is_empty(), "{}", folder.display());
    found
}
