//! Help, manual pages and completion say what the program does: every command has an example, and the examples are true.

use std::collections::BTreeSet;
use std::process::Command;

use onhook::cli::{Cli, EXAMPLES};

use crate::peers;
use crate::workdir::Workdir;

/// Every command with its words: `lake verify`.
fn commands() -> Vec<(String, clap::Command)> {
    let mut found = Vec::new();
    let mut next = vec![(String::new(), Cli::described())];
    while let Some((words, command)) = next.pop() {
        for below in command.get_subcommands() {
            next.push((format!("{words} {}", below.get_name()).trim().to_string(), below.clone()));
        }
        found.push((words, command));
    }
    found
}

/// The words of an example as a shell takes them, without where its output goes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in line.split(" > ").next().unwrap().chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    words.push(word);
    words
}

#[test]
fn the_help_of_every_command_ends_with_an_example_that_is_read_as_it_stands() {
    let commands = commands();
    let known: BTreeSet<&str> = commands.iter().map(|(words, _)| words.as_str()).collect();
    let shown: BTreeSet<&str> = EXAMPLES.iter().map(|(words, _)| *words).collect();
    assert_eq!(known, shown, "commands (left) and those with examples in src/cli/examples.rs (right)");
    let work = Workdir::new();
    for (of, lines) in EXAMPLES {
        let path: Vec<&str> = of.split_whitespace().collect();
        let help = work.good(&[path.as_slice(), &["--help"]].concat()).stdout;
        let last = lines.last().unwrap();
        assert!(help.trim_end().ends_with(last), "onhook {of} --help ends with its example:\n{help}");
        for line in *lines {
            let words = words(line);
            assert_eq!(words[0], "onhook");
            assert!(line.starts_with(format!("onhook {of}").trim_end()), "{line} is an example of {of}");
            Cli::read(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}

/// What an example needs that a test has not: a file of a platform, an hour, a database, another day, a key, no end.
const NOT_RUN: [&str; 9] = [
    "Calls.Export.zip",
    "phone.csv",
    "--extensions 2000",
    "postgres",
    "my-estate/onhook.toml",
    "730d",
    "onhook privacy key",
    "onhook serve",
    "--erase",
];

/// Through a shell, in the order of the list, on the sample.
#[test]
fn the_examples_do_what_they_say() {
    let work = Workdir::sample();
    let sample = work.join("sample-data");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_onhook"));
    let path = std::env::join_paths(
        std::iter::once(program.parent().unwrap().to_path_buf())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    std::fs::create_dir_all(work.join(".local/share/bash-completion/completions")).unwrap();
    work.good(&["nightly", "-q", "-c", "sample-data/onhook.toml"]);
    let mut count = 0;
    for line in EXAMPLES.iter().flat_map(|(_, lines)| *lines) {
        if *line == "onhook sql" || NOT_RUN.iter().any(|what| line.contains(what)) {
            continue;
        }
        if *line == "onhook init my-estate" && sample.join("my-estate").exists() {
            continue;
        }
        let ran = Command::new("sh")
            .args(["-c", line])
            .current_dir(&sample)
            .env("PATH", &path)
            .env("HOME", work.path())
            .output()
            .unwrap();
        // 1 is an answer too: the sample has accidents that a person must look at.
        let code = ran.status.code().unwrap();
        assert!(code == 0 || code == 1, "{line}: {}", String::from_utf8_lossy(&ran.stderr));
        count += 1;
    }
    assert!(count >= 20, "{count} examples were run");
    assert!(sample.join("disposition.xlsx").is_file() && sample.join("idle.csv").is_file());
    let book: calamine::Xlsx<_> = calamine::open_workbook(sample.join("disposition.xlsx")).unwrap();
    assert!(!calamine::Reader::sheet_names(&book).is_empty());
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let Some(bash) = peers::program("bash_completes", "bash", &[]) else { return };
    let work = Workdir::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = work.good(&["completions", shell]).stdout;
        assert!(script.contains("vacuum") && script.contains("older-than"), "{shell}");
        work.write(&format!("completions.{shell}"), script);
    }
    assert_eq!(work.run(&["completions", "tcsh"]).code, 2);
    let completed = |typed: &str| {
        // What bash itself does for a Tab: the words, the cursor's word, the function that was registered.
        let script = format!(
            "set -eu; source ./completions.bash; COMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=(); \
             of=$(complete -p onhook | sed 's/.*-F \\([^ ]*\\) .*/\\1/'); \
             \"$of\" onhook \"${{COMP_WORDS[$COMP_CWORD]}}\" \"${{COMP_WORDS[$((COMP_CWORD - 1))]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let ran = Command::new(&bash).args(["-c", &script]).current_dir(work.path()).output().unwrap();
        assert!(ran.status.success(), "{typed}: {}", String::from_utf8_lossy(&ran.stderr));
        let mut found: Vec<String> = String::from_utf8(ran.stdout).unwrap().lines().map(str::to_string).collect();
        found.sort();
        found
    };
    assert_eq!(completed("onhook exp"), ["explain", "export"]);
    assert_eq!(completed("onhook lake ver"), ["verify"]);
    assert_eq!(completed("onhook query --des"), ["--describe"]);
    assert_eq!(completed("onhook query -f x"), ["xlsx"]);
}

#[test]
fn every_command_has_a_manual_page_that_man_reads() {
    let work = Workdir::new();
    work.good(&["man", "-o", "pages"]);
    let pages: BTreeSet<String> =
        work.join("pages").read_dir().unwrap().map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    let expected = commands().into_iter().map(|(words, _)| format!("onhook {words}").trim().replace(' ', "-") + ".1");
    assert_eq!(pages, expected.collect());
    let Some(man) = peers::program("every_command_has_a_manual_page", "man", &[]) else { return };
    for page in pages {
        let ran = Command::new(&man)
            .args(["--warnings", "-E", "UTF-8", "-P", "cat", "-l"])
            .arg(work.join("pages").join(&page))
            .env("MANWIDTH", "100")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        let (text, said) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success() && said.is_empty(), "{page}: {said}");
        assert!(text.contains("SYNOPSIS") && text.contains("Example"), "{page}: {text}");
    }
}
