//! What there is to select from, in words: the list of it, and the columns of one. The meaning of a table's columns is what
//! `docs/columns.md` says, that of a view's stands in its header.

use crate::commands::query;
use crate::error::{Error, Result};
use crate::sql::{Named, NamedKind, REPORTS, report};

const COLUMNS: &str = include_str!("../../../docs/columns.md");

/// One line each: kind, name, and what it is.
pub fn all(names: &[Named]) -> String {
    let width = names.iter().map(|named| named.name.len()).max().unwrap_or(0);
    let line = |named: &Named| {
        let what = if named.kind == NamedKind::Table { purpose(&named.name) } else { named.title.clone() };
        format!("{:6}  {:width$}  {what}", named.kind.word(), named.name).trim_end().to_string() + "\n"
    };
    names.iter().map(line).collect()
}

/// Columns with type, unit and meaning; of a report by its own name, its parameters too.
///
/// # Errors
/// Nothing has that name.
pub fn one(name: &str, names: &[Named]) -> Result<String> {
    let Some(named) = names.iter().find(|named| named.name.eq_ignore_ascii_case(name)) else {
        if REPORTS.iter().any(|report| report.name == name) {
            return Ok(query::describe(report(name)?));
        }
        return Err(Error::Query {
            name: format!("\\d {name}"),
            what: "nothing has that name".into(),
            hint: "\\d alone lists what there is".into(),
        });
    };
    let documented = section(&named.name);
    let lines: Vec<[String; 3]> = named
        .columns
        .iter()
        .map(|column| {
            let told = documented.and_then(|section| row(section, &column.name));
            let (kind, meaning) = told.unwrap_or_else(|| {
                let unit = if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
                (format!("{}{unit}", column.kind), column.doc.clone())
            });
            [column.name.clone(), kind, meaning]
        })
        .collect();
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let text = lines.iter().map(|[name, kind, meaning]| format!("  {name:first$}  {kind:second$}  {meaning}"));
    let text: String = text.map(|line| line.trim_end().to_string() + "\n").collect();
    let what = if named.title.is_empty() { purpose(&named.name) } else { named.title.clone() };
    Ok(format!("{} {}: {what}\n{text}", named.kind.word(), named.name))
}

/// What the document says of a table.
fn section(table: &str) -> Option<&'static str> {
    let after = COLUMNS.split_once(&format!("\n## `{table}`\n"))?.1;
    Some(after.split("\n## ").next().unwrap_or(after))
}

/// Type and meaning of a column there.
fn row(section: &str, column: &str) -> Option<(String, String)> {
    let line = section.lines().find(|line| line.starts_with(&format!("| `{column}` |")))?;
    let mut cells = line.trim_matches('|').split(" | ").map(str::trim).skip(1);
    Some((cells.next()?.to_string(), cells.next()?.to_string()))
}

/// The first sentence of it.
fn purpose(table: &str) -> String {
    let text = section(table).map(str::trim_start).unwrap_or_default();
    let paragraph = text.split("\n\n").next().filter(|text| !text.starts_with(['|', '<'])).unwrap_or_default();
    let sentence = paragraph.split_once(". ").map_or(paragraph, |(first, _)| first);
    sentence.replace('\n', " ").trim_end_matches('.').replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Column;

    #[test]
    fn the_columns_of_a_table_are_told_by_the_document_and_those_of_a_view_by_its_header() {
        let column = |name: &str, kind: &str, unit: &str, doc: &str| {
            let [name, kind, unit, doc] = [name, kind, unit, doc].map(String::from);
            Column { name, kind, unit, doc }
        };
        let legs = column("talk_s", "Int32", "", "");
        let seen = column("days", "int", "days", "whole days");
        let named = |name: &str, kind, title: &str, column: Column| Named {
            name: name.into(),
            kind,
            title: title.into(),
            columns: vec![column],
        };
        let names = [named("legs", NamedKind::Table, "", legs), named("seen", NamedKind::View, "Days seen", seen)];
        assert_eq!(
            one("LEGS", &names).unwrap(),
            "table legs: One row per vendor record, never aggregated\n  talk_s  Int32  seconds connected, 0 if not answered\n"
        );
        assert_eq!(one("seen", &names).unwrap(), "view seen: Days seen\n  days  int (days)  whole days\n");
        assert!(one("idle-handsets", &names).unwrap().contains("-p site="));
        assert!(one("nothing", &names).is_err());
        assert_eq!(all(&names[1..]), "view    seen  Days seen\n");
    }
}
