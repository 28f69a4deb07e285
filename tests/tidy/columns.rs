//! `docs/columns.md` against the tables in the code, both read as text.

use crate::{between, fresh, read};

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
        "quality" => {
            list(&between("src/quality.rs", "pub static COLUMNS: &[(&str, DataType, bool, &str)] = &[", "\n];"))
        }
        "usage" | "traffic" => {
            let file = format!("src/{table}.rs");
            let words = |start: &str, null: &str| -> Vec<[String; 2]> {
                if !read(&file).contains(start) {
                    return Vec::new();
                }
                let words = between(&file, start, "];");
                words.split('"').skip(1).step_by(2).map(|name| row(name, "Int64", null)).collect()
            };
            let (counts, extremes) = (words("pub const COUNTS:", "false"), words("pub const EXTREMES:", "true"));
            let fields = tuples(&between(&file, "let mut fields = vec![", "Arc::new(Schema::new(fields))"));
            let field = |t: &Vec<String>| match t.as_slice() {
                [name, kind, null] if name.starts_with('"') => Some(row(name, kind, null)),
                _ => t.first()?.strip_prefix("Field::new(").and_then(|rest| {
                    let parts: Vec<&str> = rest.trim_end_matches(')').split(", ").collect();
                    parts.first()?.starts_with('"').then(|| row(parts[0], parts[1], parts[2]))
                }),
            };
            let fields: Vec<[String; 2]> = fields.iter().filter_map(field).collect();
            let before = if table == "usage" { 4 } else { 5 };
            let (before, after) = fields.split_at(before.min(fields.len()));
            [before, &counts, &extremes, after].concat()
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
