//! What the documents say of the tree: formats, code map, invariants, links, the words of CI.

use std::fs;
use std::path::Path;

use crate::{between, files, holds_word, modules, none, read, root, rust_files};

#[test]
fn every_format_is_documented() {
    let readers = between("src/read/mod.rs", "pub static READERS: &[&dyn Reader] = &[", "];").matches('&').count();
    let under_read = rust_files().into_iter().filter(|name| name.starts_with("src/read/"));
    let ids: Vec<String> = under_read
        .filter_map(|name| {
            let text = read(&name);
            let after = text.split("fn id(&self) -> &'static str {").nth(1)?;
            after.split('"').nth(1).filter(|id| id.len() < 40).map(str::to_string)
        })
        .collect();
    assert_eq!(ids.len(), readers, "src/read: ids {ids:?}");
    let (formats, readme) = (read("docs/formats.md"), read("README.md"));
    for id in ids {
        assert!(formats.contains(&format!("\n## `{id}`")), "docs/formats.md has no section ## `{id}`");
        assert!(readme.contains(&format!("`{id}`")), "README.md does not name the format `{id}`");
    }
}

#[test]
fn the_code_map_is_the_code() {
    let text = read("ARCHITECTURE.md");
    let map = text.split("\n## Code map").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    let named = map.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let named: Vec<&str> = named.filter(|name| !name.contains('/')).collect();
    assert_eq!(named, modules(), "ARCHITECTURE.md's code map (left) and src/lib.rs (right), in order");
}

/// Texts between backticks.
fn ticked(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_invariant_names_a_test_and_every_test_named_exists() {
    let text = read("ARCHITECTURE.md");
    let mut wrong = Vec::new();
    let section = text.split("\n## Invariants").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    let invariants: Vec<&str> = section.split("\n**").skip(1).collect();
    assert!(invariants.len() > 5, "ARCHITECTURE.md: the invariants are not found");
    for invariant in invariants {
        if !ticked(invariant).any(|name| name.contains(".rs::") || name.ends_with(".slt")) {
            wrong.push(format!(
                "ARCHITECTURE.md: no test is named for: {}",
                invariant.lines().next().unwrap_or_default()
            ));
        }
    }
    for name in ticked(&text) {
        let (file, test) = name.split_once("::").unwrap_or((name, ""));
        let is_test = file.ends_with(".rs") && !test.is_empty();
        if !is_test && !file.ends_with(".slt") {
            continue;
        }
        match fs::read_to_string(root().join(file)) {
            Ok(code) if !is_test || code.contains(&format!("fn {test}(")) => {}
            Ok(_) => wrong.push(format!("ARCHITECTURE.md: {file} has no test {test}")),
            Err(_) if file.contains('/') => wrong.push(format!("ARCHITECTURE.md: there is no {file} (for {test})")),
            Err(_) => {}
        }
    }
    none(&wrong);
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    for name in files().into_iter().filter(|name| name.ends_with(".md")) {
        let folder = Path::new(&name).parent().map(Path::to_path_buf).unwrap_or_default();
        for link in read(&name).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let is_outside = link.contains("://") || target.is_empty();
            if !is_outside && !root().join(&folder).join(target).exists() {
                wrong.push(format!("{name}: there is no {target}"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn the_index_of_documents_names_each_and_the_readme_leads_to_it() {
    let index = read("docs/README.md");
    let documents = files().into_iter().filter(|name| name.ends_with(".md"));
    let missing = documents.filter_map(|name| {
        let document = name.strip_prefix("docs/").filter(|name| *name != "README.md")?;
        (!index.contains(&format!("({document})"))).then(|| format!("docs/README.md does not lead to {document}"))
    });
    none(&missing.collect::<Vec<_>>());
    assert!(read("README.md").contains("(docs/README.md)"), "README.md does not lead to docs/README.md");
}

#[test]
fn ci_runs_the_words_of_the_readme() {
    let (ci, readme) = (read(".ci/run"), read("README.md"));
    for (text, name) in [(&ci, ".ci/run"), (&readme, "README.md")] {
        assert!(text.contains("cargo test --release"), "{name}: the tests run as `cargo test --release`");
    }
    assert!(ci.starts_with("#!") && ci.contains("set -euo pipefail"), ".ci/run stops at the first fault");
    let commands = ci.lines().filter(|line| !line.trim_start().starts_with('#'));
    assert!(!commands.into_iter().any(|line| holds_word(line, "just ")), ".ci/run needs no just");
}
