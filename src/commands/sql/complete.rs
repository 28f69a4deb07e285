//! What may follow what was typed: names of tables, views and reports, columns of those that the statement names, words of
//! SQL, backslash commands. Asks the lake nothing; what it knows it was given.

use clap::ValueEnum;

use super::backslash::COMMANDS;
use crate::cli::Format;
use crate::sql::{Named, REPORTS};

const WORDS: [&str; 60] = [
    "all",
    "and",
    "as",
    "asc",
    "avg",
    "between",
    "by",
    "case",
    "cast",
    "coalesce",
    "count",
    "cross",
    "date",
    "desc",
    "describe",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "explain",
    "extract",
    "false",
    "filter",
    "from",
    "full",
    "group",
    "having",
    "in",
    "inner",
    "intersect",
    "interval",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "max",
    "min",
    "not",
    "null",
    "nullif",
    "offset",
    "on",
    "or",
    "order",
    "over",
    "partition",
    "right",
    "round",
    "select",
    "show",
    "sum",
    "tables",
    "then",
    "true",
    "union",
    "using",
    "when",
    "where",
];
/// After these comes something to select from.
const BEFORE_A_TABLE: [&str; 3] = ["from", "join", "describe"];

/// Where the word begins that is being typed, and what it may become, sorted.
pub fn candidates(text: &str, at: usize, names: &[Named]) -> (usize, Vec<String>) {
    let typed = &text[..at];
    if let Some(command) = typed.strip_prefix('\\') {
        return backslash(command, at, names);
    }
    if is_quoted(typed) {
        return (at, Vec::new());
    }
    let start =
        typed.rfind(|c: char| !is_part(c)).map_or(0, |end| end + typed[end..].chars().next().map_or(1, char::len_utf8));
    let (before, word) = typed.split_at(start);
    let columns = |of: &[&Named]| -> Vec<String> {
        of.iter().flat_map(|named| named.columns.iter().map(|column| column.name.clone())).collect()
    };
    let found = match before.strip_suffix('.') {
        Some(owner) => {
            let owner = owner.rsplit(|c: char| !is_part(c)).next().unwrap_or_default();
            columns(&called(owner, text, names))
        }
        None => {
            let last = before.split(|c: char| !is_part(c)).rfind(|word| !word.is_empty()).unwrap_or_default();
            let tables = names.iter().map(|named| named.name.clone());
            match BEFORE_A_TABLE.iter().any(|word| last.eq_ignore_ascii_case(word)) && !before.trim_end().ends_with('(')
            {
                true => tables.collect(),
                false => {
                    let is_loud = word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
                    let words = WORDS.iter().map(|word| if is_loud { word.to_uppercase() } else { word.to_string() });
                    columns(&named_in(text, names)).into_iter().chain(tables).chain(words).collect()
                }
            }
        }
    };
    (start, fitting(found, word))
}

fn backslash(command: &str, at: usize, names: &[Named]) -> (usize, Vec<String>) {
    let start = at - (command.len() - command.rfind(char::is_whitespace).map_or(0, |end| end + 1));
    let word = &command[command.len() - (at - start)..];
    let mut before = command[..command.len() - word.len()].split_whitespace();
    let reports = || REPORTS.iter().map(|report| report.name.clone()).collect::<Vec<_>>();
    let found = match (before.next(), before.next()) {
        (None, _) => COMMANDS.iter().map(|(name, _, _)| name.to_string()).collect(),
        (Some("d"), None) => names.iter().map(|named| named.name.clone()).chain(reports()).collect(),
        (Some("report"), None) => reports(),
        (Some("report"), Some(name)) => {
            let report = REPORTS.iter().find(|report| report.name == name);
            let params = report.iter().flat_map(|report| report.params.iter().map(|param| &param.name));
            let settings = report.iter().flat_map(|report| &report.settings);
            params.chain(settings).map(|name| format!("{name}=")).collect()
        }
        (Some("format"), None) => Format::value_variants()
            .iter()
            .filter_map(|f| Some(f.to_possible_value()?.get_name().to_string()))
            .collect(),
        (Some("timing" | "pager"), None) => vec!["off".into(), "on".into()],
        _ => Vec::new(),
    };
    (start, fitting(found, word))
}

fn fitting(mut found: Vec<String>, word: &str) -> Vec<String> {
    let word = word.to_ascii_lowercase();
    found.retain(|name| name.to_ascii_lowercase().starts_with(&word));
    found.sort();
    found.dedup();
    found
}

fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether the end of the text stands between single quotes.
fn is_quoted(text: &str) -> bool {
    text.matches('\'').count() % 2 == 1
}

/// What the statement names somewhere, whatever for.
fn named_in<'a>(text: &str, names: &'a [Named]) -> Vec<&'a Named> {
    let words: Vec<&str> = text.split(|c: char| !is_part(c)).collect();
    names.iter().filter(|named| words.iter().any(|word| word.eq_ignore_ascii_case(&named.name))).collect()
}

/// What goes by that name in the statement: its own, or one that follows it, with `as` or without.
fn called<'a>(owner: &str, text: &str, names: &'a [Named]) -> Vec<&'a Named> {
    let find = |name: &str| names.iter().find(|named| named.name.eq_ignore_ascii_case(name));
    let words: Vec<&str> = text.split(|c: char| !is_part(c)).filter(|word| !word.is_empty()).collect();
    let alias = words.windows(3).find_map(|three| match three {
        [name, alias, _] if alias.eq_ignore_ascii_case(owner) => find(name),
        [name, by, alias] if by.eq_ignore_ascii_case("as") && alias.eq_ignore_ascii_case(owner) => find(name),
        _ => None,
    });
    let last = || {
        words
            .last_chunk()
            .and_then(|[name, alias]: &[&str; 2]| alias.eq_ignore_ascii_case(owner).then(|| find(name))?)
    };
    find(owner).or(alias).or_else(last).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Column, NamedKind};

    fn names() -> Vec<Named> {
        let named = |name: &str, columns: &[&str]| Named {
            name: name.into(),
            kind: NamedKind::Table,
            title: String::new(),
            columns: columns
                .iter()
                .map(|name| Column {
                    name: name.to_string(),
                    kind: String::new(),
                    unit: String::new(),
                    doc: String::new(),
                })
                .collect(),
        };
        vec![
            named("legs", &["leg_key", "caller", "talk_s"]),
            named("sites", &["site", "name"]),
            named("site_days", &["day"]),
        ]
    }

    fn after(text: &str) -> Vec<String> {
        let at = text.find('|').unwrap();
        let (start, found) = candidates(&text.replace('|', ""), at, &names());
        assert!(start <= at);
        found
    }

    #[test]
    fn after_from_come_tables_and_nothing_else() {
        assert_eq!(after("select * from le|"), ["legs"]);
        assert_eq!(after("select * from legs join SI|"), ["site_days", "sites"]);
        assert_eq!(after("describe |"), ["legs", "site_days", "sites"]);
    }

    #[test]
    fn columns_are_those_of_what_the_statement_names() {
        assert_eq!(after("select cal| from legs"), ["caller"]);
        assert_eq!(after("select tal| from sites"), Vec::<String>::new());
        assert_eq!(after("select l.| from legs l where true"), ["caller", "leg_key", "talk_s"]);
        assert_eq!(after("select * from legs as x join sites s on s.si|"), ["site"]);
        assert_eq!(after("select sites.n|  from sites"), ["name"]);
    }

    #[test]
    fn words_come_as_they_are_typed_and_none_in_a_text() {
        assert_eq!(after("sel|"), ["select"]);
        assert_eq!(after("SEL|"), ["SELECT"]);
        assert_eq!(after("select 'sel|"), Vec::<String>::new());
        assert_eq!(after("select 'é', dist|"), ["distinct"]);
    }

    #[test]
    fn backslash_commands_know_what_they_take() {
        assert_eq!(after("\\re|"), ["report", "reports"]);
        assert_eq!(after("\\d leg|"), ["legacy-use", "legs"]);
        assert_eq!(after("\\report idle-h|"), ["idle-handsets"]);
        assert_eq!(after("\\report idle-handsets si|"), ["site="]);
        assert_eq!(after("\\report idle-handsets site=x win|"), ["window_days="]);
        assert_eq!(after("\\format x|"), ["xlsx"]);
    }
}
