//! The house rules, held by a test: order of modules, shape of files, freshness of what is generated, truth of what
//! ARCHITECTURE.md names. Plain std and no link to onhook, so that it builds in seconds; what the program does is
//! tested elsewhere. `ONHOOK_BLESS=1` writes the generated texts anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

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
    let files = rust_files();
    let placed = files.iter().filter_map(|name| place(name).map(|(module, depth)| (name, module, depth)));
    let using = placed.map(|(name, module, depth)| {
        let text = read(name);
        let code: Vec<&str> = code(&text).into_iter().map(|(_, line)| line).collect();
        (name.clone(), module.to_string(), uses(&code.join("\n"), depth))
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
        let modules = modules().into_iter().filter(move |m| used.contains(m) && !["leg", "read"].contains(&m.as_str()));
        modules.map(move |module| format!("{name}: a reader knows nothing of crate::{module}"))
    });
    none(&strangers.collect::<Vec<_>>());
}

/// Lines of code of some modules in which one of the words stands.
fn lines_with(modules: &[&str], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for name in rust_files() {
        if !place(&name).is_some_and(|(module, _)| modules.contains(&module)) {
            continue;
        }
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
    let inside = ["units", "number", "leg", "ledger", "read", "normalise", "usage", "case", "render"];
    none(&lines_with(&inside, &["std::fs", "fs::", "file::", "std::env", "std::process", "tcpstream"]));
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

// ---- queries ----

/// The files of `queries/views` or `queries/reports` without their ending, in the order of their file names.
fn queries(folder: &str) -> Vec<String> {
    let under = format!("queries/{folder}/");
    files().iter().filter_map(|name| name.strip_prefix(&under)?.strip_suffix(".sql").map(str::to_string)).collect()
}

/// Values of a key of a query's header.
fn header<'a>(sql: &'a str, key: &str) -> Vec<&'a str> {
    let start = format!("-- {key}:");
    let lines = sql.lines().take_while(|line| line.starts_with("--"));
    lines.filter_map(|line| line.strip_prefix(&start)).map(str::trim).collect()
}

#[test]
fn every_query_has_a_header_and_its_answers_beside_it() {
    let mut wrong = Vec::new();
    for (folder, name) in ["views", "reports"].iter().flat_map(|f| queries(f).into_iter().map(move |name| (f, name))) {
        let file = format!("queries/{folder}/{name}");
        let sql = read(&format!("{file}.sql"));
        let keys = ["title", "asks", "grain", "column"].into_iter().filter(|key| header(&sql, key).is_empty());
        wrong.extend(keys.map(|key| format!("{file}.sql: the header has no {key}")));
        if *folder == "reports" && !sql.to_lowercase().contains("order by") {
            wrong.push(format!("{file}.sql: a report has an order, or its answer is another one every time"));
        }
        let Ok(slt) = fs::read_to_string(root().join(format!("{file}.slt"))) else {
            wrong.push(format!("{file}.slt: there is none"));
            continue;
        };
        let slt = format!("{slt}\n");
        let answers: Vec<bool> =
            slt.split("\n----\n").skip(1).map(|rows| rows.starts_with('\n') || rows.is_empty()).collect();
        for (empty, what) in [(false, "answer"), (true, "identity that must return no rows")] {
            if !answers.contains(&empty) {
                wrong.push(format!("{file}.slt: it holds no {what}"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn the_catalogue_lists_every_query() {
    let catalogue = read("src/sql/catalogue.rs");
    for folder in ["views", "reports"] {
        let list = catalogue.split(&format!("queries!(\"{folder}\":")).nth(1).and_then(|rest| rest.split(");").next());
        let listed: BTreeSet<String> =
            list.unwrap_or_default().split('"').skip(1).step_by(2).map(str::to_string).collect();
        let there: BTreeSet<String> = queries(folder).into_iter().collect();
        assert_eq!(listed, there, "src/sql/catalogue.rs (left) and queries/{folder} (right)");
    }
}

#[test]
fn the_index_of_queries_is_fresh() {
    let mut index = "# Queries\n\n\
        Generated from the headers of the files. A view is a building block, a report answers one question; beside each stands its `.slt` with an answer\n\
        and an identity that must return no rows, both over `tests/fixtures/small`. Every file runs unchanged on DataFusion and on DuckDB over the same Parquet.\n\n    \
        onhook query --list\n    onhook query --describe idle-handsets\n    onhook query idle-handsets -p site=HQ -f csv\n"
        .to_string();
    for (folder, title) in [("reports", "Reports"), ("views", "Views")] {
        index += &format!("\n## {title}\n\n| name | title | asks | grain | params |\n|---|---|---|---|---|\n");
        for name in queries(folder) {
            let sql = read(&format!("queries/{folder}/{name}.sql"));
            let of = |key| header(&sql, key).first().copied().unwrap_or_default();
            let params: Vec<String> =
                header(&sql, "param").into_iter().map(|param| format!("`{}`", signature(param))).collect();
            let params = params.join(", ");
            index += &format!(
                "| [{name}]({folder}/{name}.sql) | {} | {} | {} | {params} |\n",
                of("title"),
                of("asks"),
                of("grain")
            );
        }
    }
    fresh("queries/README.md", &index);
}

/// `site text = ''  only this site` without its explanation.
fn signature(param: &str) -> String {
    let words: Vec<&str> = param.split_whitespace().collect();
    match words.as_slice() {
        [name, kind, "=", rest @ ..] => {
            let quoted = param.split('\'').nth(1).filter(|_| rest.first().is_some_and(|word| word.starts_with('\'')));
            let default = quoted
                .map_or_else(|| rest.first().copied().unwrap_or_default().to_string(), |text| format!("'{text}'"));
            format!("{name} {kind} = {default}")
        }
        [name, kind, ..] => format!("{name} {kind}"),
        _ => param.to_string(),
    }
}

fn fresh(name: &str, expected: &str) {
    if std::env::var_os("ONHOOK_BLESS").is_some() {
        fs::write(root().join(name), expected).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let there = fs::read_to_string(root().join(name)).unwrap_or_default();
    let different = there.lines().zip(expected.lines()).position(|(a, b)| a != b);
    let line = different.unwrap_or_else(|| there.lines().count().min(expected.lines().count())) + 1;
    assert!(there == expected, "{name} is out of date from line {line} on: {BLESS}");
}

// ---- columns ----

/// The tuples `(…, …)` of a piece of Rust as the texts between their commas.
fn tuples(code: &str) -> Vec<Vec<String>> {
    let (mut found, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for c in code.chars() {
        if in_text {
            field.push(c);
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '(' if depth == 0 => {}
            ')' if depth == 1 => {
                fields.push(field.trim().to_string());
                found.push(std::mem::take(&mut fields));
                field.clear();
            }
            ',' if depth == 1 => fields.push(std::mem::take(&mut field).trim().to_string()),
            c if depth > 0 => field.push(c),
            _ => {}
        }
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '"' if depth > 0 => in_text = true,
            _ => {}
        }
    }
    found
}

/// What stands between `from` and `to` in a file.
fn between(file: &str, from: &str, to: &str) -> String {
    let text = read(file);
    let inside = text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(inside, _)| inside.to_string());
    inside.unwrap_or_else(|| panic!("{file}: nothing between {from} and {to}"))
}

fn unquoted(text: &str) -> String {
    text.trim_matches('"').replace("\\\"", "\"")
}

/// An Arrow type as docs/columns.md writes it.
fn type_word(kind: &str) -> String {
    let kind = kind.trim_start_matches("DataType::");
    if kind.starts_with("Timestamp") || kind == "INSTANT" { "Timestamp (µs, UTC)".into() } else { kind.into() }
}

/// Name and type of each column, nullable ones marked, as the code has them.
fn columns_of(table: &str) -> Vec<[String; 2]> {
    let row = |name: &str, kind: &str, null: &str| {
        let mark = if null == "true" { ", null" } else { "" };
        [format!("`{}`", unquoted(name)), type_word(kind) + mark]
    };
    let list = |code: &str| tuples(code).iter().map(|t| row(&t[0], &t[1], &t[2])).collect();
    match table {
        "legs" => list(&between("src/leg.rs", "pub static COLUMNS: &[(&str, DataType, bool, &str)] = &[", "\n];")),
        "usage" => {
            let counts = between("src/usage.rs", "pub const COUNTS:", "];");
            let counts: Vec<[String; 2]> =
                counts.split('"').skip(1).step_by(2).map(|name| row(name, "Int64", "false")).collect();
            let fields = tuples(&between("src/usage.rs", "let mut fields = vec![", "Arc::new(Schema::new(fields))"));
            let field = |t: &Vec<String>| match t.as_slice() {
                [name, kind, null] if name.starts_with('"') => Some(row(name, kind, null)),
                _ => t.first()?.strip_prefix("Field::new(").and_then(|rest| {
                    let parts: Vec<&str> = rest.trim_end_matches(')').split(", ").collect();
                    parts.first()?.starts_with('"').then(|| row(parts[0], parts[1], parts[2]))
                }),
            };
            let fields: Vec<[String; 2]> = fields.iter().filter_map(field).collect();
            let (before, after) = fields.split_at(4.min(fields.len()));
            [before, &counts, after].concat()
        }
        table => list(&between("src/lake/tables.rs", &format!("const {}: Columns = &[", table.to_uppercase()), "\n];")),
    }
}

#[test]
fn the_columns_of_legs_are_documented() {
    let (name, start, end) = ("docs/columns.md", "<!-- generated from src/leg.rs -->\n", "<!-- end -->");
    let text = read(name);
    let (before, rest) = text.split_once(start).unwrap_or_else(|| panic!("{name}: no line {start}"));
    let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{name}: no line {end}"));
    let code = between("src/leg.rs", "pub static COLUMNS: &[(&str, DataType, bool, &str)] = &[", "\n];");
    let rows = columns_of("legs")
        .into_iter()
        .zip(tuples(&code))
        .map(|([column, kind], tuple)| format!("| {column} | {kind} | {} |\n", unquoted(&tuple[3])));
    let rows: String = rows.collect();
    assert!(rows.lines().count() > 30, "src/leg.rs: the columns are not found");
    fresh(name, &format!("{before}{start}| column | type | meaning |\n|---|---|---|\n{rows}{end}{after}"));
}

#[test]
fn every_table_of_the_lake_is_documented_as_it_is() {
    let names = between("src/lake/tables.rs", "pub const fn name(self)", "pub fn schema(self)");
    let tables: Vec<&str> = names.split('"').skip(1).step_by(2).collect();
    assert!(tables.contains(&"legs") && tables.contains(&"inputs"), "src/lake/tables.rs: {tables:?}");
    let text = read("docs/columns.md");
    for table in tables {
        let section = text.split(&format!("\n## `{table}`")).nth(1).and_then(|rest| rest.split("\n## ").next());
        let rows = section.unwrap_or_default().lines().filter(|line| line.starts_with("| `"));
        let written: Vec<[String; 2]> = rows
            .map(|line| {
                let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
                [cells[0].to_string(), cells.get(1).copied().unwrap_or_default().to_string()]
            })
            .collect();
        assert_eq!(written, columns_of(table), "docs/columns.md (left), table {table} in the code (right)");
    }
}

// ---- documents ----

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
fn ci_runs_the_words_of_the_readme() {
    let (ci, readme) = (read(".ci/run"), read("README.md"));
    for (text, name) in [(&ci, ".ci/run"), (&readme, "README.md")] {
        assert!(text.contains("cargo test --release"), "{name}: the tests run as `cargo test --release`");
    }
    assert!(ci.starts_with("#!") && ci.contains("set -euo pipefail"), ".ci/run stops at the first fault");
    assert!(!holds_word(&ci, "just "), ".ci/run needs no just");
}
