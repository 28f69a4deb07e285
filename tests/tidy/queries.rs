//! House rules of `queries/`: header, answers, catalogue, index. Runs no SQL; `tests/it/queries.rs` does.

use std::collections::BTreeSet;
use std::fs;

use crate::{files, fresh, none, read, root};

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

/// Engines round halves of a decimal place each in their own way, of a whole number all alike.
#[test]
fn every_query_rounds_to_whole_numbers_and_divides() {
    let mut wrong = Vec::new();
    for (folder, name) in ["views", "reports"].iter().flat_map(|f| queries(f).into_iter().map(move |name| (f, name))) {
        let sql = read(&format!("queries/{folder}/{name}.sql"));
        for call in sql.split("round(").skip(1) {
            let mut depth = 1;
            let within = call.chars().take_while(|c| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                depth > 0
            });
            let (mut depth, mut commas) = (0, 0);
            for c in within {
                depth += i32::from(c == '(') - i32::from(c == ')');
                commas += u32::from(c == ',' && depth == 0);
            }
            if commas > 0 {
                wrong.push(format!("queries/{folder}/{name}.sql: round(x, n); write round(10 * x) / 10"));
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
        and an identity that must return no rows, both over `tests/fixtures/small`. Every file runs unchanged on DataFusion, on a Ballista\n\
        cluster and on DuckDB over the same Parquet.\n\n    \
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
