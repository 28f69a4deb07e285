//! The house rules, held by a test: order of modules, shape of files, freshness of what is generated, truth of what
//! ARCHITECTURE.md names. Plain std and no link to onhook, so that it builds in seconds; what the program does is
//! tested elsewhere. `ONHOOK_BLESS=1` writes the generated texts anew.

#[path = "tidy/columns.rs"]
mod columns;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/queries.rs"]
mod queries;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Longest file of Rust or SQL, tests included.
const MOST_LINES: usize = 600;
const BLESS: &str = "run `ONHOOK_BLESS=1 cargo test --release --test tidy` and read the diff";

// ---- the project's files ----

fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from)
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What stands between `from` and `to` in a file.
fn between(file: &str, from: &str, to: &str) -> String {
    let text = read(file);
    let inside = text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(inside, _)| inside.to_string());
    inside.unwrap_or_else(|| panic!("{file}: nothing between {from} and {to}"))
}

/// Every file that git would track, by its name from the root with `/`: all but what .gitignore names.
fn files() -> Vec<String> {
    let text = read(".gitignore");
    let ignored: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(root().join(&folder)).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            let name = path.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
            if name == ".git" || ignored.iter().any(|rule| is_ignored(rule, &name)) {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => found.push(name),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// A rule with a slash before its end is a path from the root, one without is a name anywhere. Globs are not used.
fn is_ignored(rule: &str, name: &str) -> bool {
    assert!(!rule.contains(['*', '?', '!']), ".gitignore: {rule}: keep to plain names, this test reads them too");
    let plain = rule.trim_end_matches('/');
    match plain.contains('/') {
        true => plain.trim_start_matches('/') == name,
        false => name.rsplit('/').next() == Some(plain),
    }
}

fn rust_files() -> Vec<String> {
    files().into_iter().filter(|name| name.ends_with(".rs")).collect()
}

/// The files of `src` whose code runs in the program, each with its top-level module and how deep in it it stands.
fn program_files() -> Vec<(String, String, usize)> {
    let files = rust_files().into_iter().filter(|name| !is_test_only(name));
    files
        .filter_map(|name| place(&name).map(|(module, depth)| (module.to_string(), depth)).map(|(m, d)| (name, m, d)))
        .collect()
}

/// Whether a file is there for tests only: its parent declares it so, or is there for tests only itself.
fn is_test_only(name: &str) -> bool {
    let Some((folder, file)) = name.rsplit_once('/') else { return false };
    let declared = format!("#[cfg(test)]\nmod {};", file.trim_end_matches(".rs"));
    let parents = [format!("{folder}/mod.rs"), format!("{folder}.rs")];
    let declares = |parent: &String| {
        fs::read_to_string(root().join(parent))
            .is_ok_and(|text| text.contains(&declared) || (parent != name && is_test_only(parent)))
    };
    parents.iter().any(declares)
}

/// Line number and text of the lines that are code: no comments, and nothing from the file's tests on.
fn code(text: &str) -> Vec<(usize, &str)> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text.get(..end).unwrap_or(text).lines().enumerate();
    lines.map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//")).collect()
}

/// Fails with all that is wrong, not with the first of it.
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Holds a generated text to what it should be; blessed, writes it.
fn fresh(name: &str, expected: &str) {
    if std::env::var_os("ONHOOK_BLESS").is_some() {
        fs::write(root().join(name), expected).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let there = fs::read_to_string(root().join(name)).unwrap_or_default();
    let different = there.lines().zip(expected.lines()).position(|(a, b)| a != b);
    let line = different.unwrap_or_else(|| there.lines().count().min(expected.lines().count())) + 1;
    assert!(there == expected, "{name} is out of date from line {line} on: {BLESS}");
}

// ---- modules ----

/// Top-level modules in the order of lib.rs.
fn modules() -> Vec<String> {
    let text = read("src/lib.rs");
    let names = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_string).collect()
}

/// The top-level module a file belongs to, and how many modules deep it stands: `src/read/mitel/year.rs` is 3.
fn place(name: &str) -> Option<(&str, usize)> {
    let path = name.strip_prefix("src/")?.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    (!["lib", "main"].contains(&path)).then(|| (parts[0], parts.len()))
}

/// Names of top-level modules that a piece of code uses: `crate::x`, `crate::{x, y::z}`, and as many `super::` as lead
/// out of the file's own top-level module.
fn uses(code: &str, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for start in ["crate::".to_string(), "super::".repeat(depth)] {
        for (at, _) in code.match_indices(&start) {
            let rest = &code[at + start.len()..];
            match rest.strip_prefix('{') {
                None => found.extend(first_word(rest)),
                Some(group) => {
                    let mut level = 0usize;
                    let mut item = String::new();
                    for c in group.chars() {
                        match c {
                            '{' => level += 1,
                            '}' if level == 0 => break,
                            '}' => level -= 1,
                            ',' if level == 0 => found.extend(first_word(&std::mem::take(&mut item))),
                            c => item.push(c),
                        }
                    }
                    found.extend(first_word(&item));
                }
            }
        }
    }
    found
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// Each file of `src` with its top-level module and those it uses.
fn uses_by_file() -> Vec<(String, String, BTreeSet<String>)> {
    let using = program_files().into_iter().map(|(name, module, depth)| {
        let text = read(&name);
        let code: Vec<&str> = code(&text).into_iter().map(|(_, line)| line).collect();
        let used = uses(&code.join("\n"), depth);
        (name, module, used)
    });
    using.collect()
}

#[test]
fn uses_are_found_in_every_spelling() {
    let code = "use crate::leg::Leg;\nuse crate::{lake, sql::{Args, Engine}};\nlet x = super::super::estate::USES;\npub(crate) use words;";
    let found: Vec<String> = uses(code, 2).into_iter().collect();
    assert_eq!(found, ["estate", "lake", "leg", "sql"]);
}

#[test]
fn a_module_uses_only_modules_above_it() {
    let modules = modules();
    assert!(modules.len() > 10, "lib.rs: the modules are not found: {modules:?}");
    let mut wrong = Vec::new();
    for (name, module, used) in uses_by_file() {
        let Some(own) = modules.iter().position(|m| *m == module) else {
            wrong.push(format!("{name}: lib.rs declares no module {module}"));
            continue;
        };
        for (at, later) in modules.iter().enumerate().filter(|(_, m)| used.contains(*m)) {
            if at > own {
                wrong.push(format!("{name}: uses crate::{later}, which lib.rs declares after {module}"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn readers_know_only_the_leg() {
    let readers = uses_by_file().into_iter().filter(|(_, module, _)| module == "read");
    let strangers = readers.flat_map(|(name, _, used)| {
        let modules =
            modules().into_iter().filter(move |m| used.contains(m) && !["layout", "leg", "read"].contains(&m.as_str()));
        modules.map(move |module| format!("{name}: a reader knows nothing of crate::{module}"))
    });
    none(&strangers.collect::<Vec<_>>());
}

/// Lines of code of some modules in which one of the words stands.
fn lines_with(modules: &[&str], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, ..) in program_files().into_iter().filter(|(_, module, _)| modules.contains(&module.as_str())) {
        let text = read(&name);
        for (line, code) in code(&text) {
            let lower = code.to_lowercase();
            found.extend(
                words.iter().filter(|w| lower.contains(**w)).map(|w| format!("{name}:{line}: {w}: {}", code.trim())),
            );
        }
    }
    found
}

#[test]
fn only_readers_know_a_vendor() {
    let after = ["number", "ledger", "normalise", "usage", "lake", "ingest", "sql", "estate", "case", "render"];
    none(&lines_with(&after, &["cisco", "cucm", "mitel"]));
}

#[test]
fn what_decides_touches_no_file() {
    let inside = ["units", "number", "leg", "ledger", "privacy", "read", "normalise", "usage", "case", "render"];
    none(&lines_with(
        &inside,
        &["std::fs", " fs::", "file::open", "file::create", "std::env", "std::process", "tcpstream"],
    ));
}

#[test]
fn only_commands_know_the_clock() {
    let mut below = modules();
    below.retain(|module| module != "commands");
    let below: Vec<&str> = below.iter().map(String::as_str).collect();
    none(&lines_with(&below, &["::now()", "systemtime", "rand::", "thread_rng", "std::env"]));
}

// ---- files ----

#[test]
fn every_rust_file_says_what_it_is_for() {
    let silent = rust_files().into_iter().filter(|name| !read(name).starts_with("//! "));
    none(
        &silent
            .map(|name| format!("{name}: the first line is a //! that says what the file is for"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn no_file_is_too_long_to_hold_in_the_head() {
    let mut wrong = Vec::new();
    for name in files() {
        let lines =
            if [".rs", ".sql", ".slt"].iter().any(|end| name.ends_with(end)) { read(&name).lines().count() } else { 0 };
        if lines > MOST_LINES {
            wrong.push(format!("{name}: {lines} lines, at most {MOST_LINES}"));
        }
    }
    none(&wrong);
}

#[test]
fn nothing_unfinished_is_left_lying_about() {
    let (bang, mut wrong) = ("!(", Vec::new());
    let everywhere = ["todo", "unimplemented", "dbg"].map(|word| format!("{word}{bang}"));
    let in_src =
        [format!("unreachable{bang}"), format!("println{bang}"), format!("print{bang}"), format!("#[{}", "allow(")];
    for name in rust_files() {
        let text = read(&name);
        let src = name.starts_with("src/");
        for (i, line) in text.lines().enumerate() {
            let bad = everywhere.iter().chain(in_src.iter().filter(|_| src)).find(|word| holds_word(line, word));
            wrong.extend(bad.map(|word| format!("{name}:{}: {word}", i + 1)));
        }
    }
    none(&wrong);
}

/// Whether the text holds `word` where no letter stands before it.
fn holds_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn no_path_of_a_machine_and_no_private_registry() {
    let folders =
        ["root", "home", "work", "Users"].map(|name| format!("/{name}/")).into_iter().chain([format!("/tmp/{}", "h/")]);
    let folders: Vec<String> = folders.collect();
    let registry = ["replace", "with"].join("-");
    let mut wrong = Vec::new();
    for name in files() {
        let Ok(text) = fs::read_to_string(root().join(&name)) else { continue };
        for (i, line) in text.lines().enumerate() {
            let is_path = |folder: &String| {
                // The start of a path, not the middle of an address.
                line.match_indices(folder.as_str())
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || ".-_}/".contains(c)))
            };
            let foreign =
                name.ends_with("Cargo.lock") && line.starts_with("source = ") && !line.contains("crates.io-index");
            let bad = folders.iter().find(|folder| is_path(folder)).map(String::as_str);
            let bad = bad.or(foreign.then_some("a registry other than crates.io"));
            let bad = bad.or(line.contains(&registry).then_some("a registry put in another's place"));
            wrong.extend(bad.map(|what| format!("{name}:{}: {what}", i + 1)));
        }
    }
    none(&wrong);
}
