//! Every example of `docs/interop.md` as it stands there, on a lake that is hard to read: of the files in its folders some
//! were merged away, the start of a log is gone behind a checkpoint, and a batch was never finished.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use onhook::sql::{Kind, Query, REPORTS, VIEWS};
use serde_json::{Value, json};

use crate::peers;
use crate::workdir::{Workdir, repository};

/// The block of the document under the marker of that name.
fn example(name: &str) -> String {
    let text = std::fs::read_to_string(repository().join("docs/interop.md")).unwrap();
    let after = text.split(&format!("<!-- {name} -->\n```")).nth(1).unwrap_or_else(|| panic!("no example {name}"));
    after.split_once('\n').unwrap().1.split("\n```").next().unwrap().to_string() + "\n"
}

/// The lake, and in it the two files that the document has the reader save.
fn hard_lake() -> Workdir {
    let work = Workdir::small();
    let last = "landing/mitel/smdr_20240331.log";
    let held_back = work.read(last);
    std::fs::remove_file(work.join(last)).unwrap();
    work.ingest(&["landing/cucm/cdr_HQ-CL01_01_202402101105_100", "--source", "hq-cucm"]);
    work.ingest(&[]);
    work.good(&["lake", "compact"]);
    forget_before_checkpoint(&work.join("lake/legs"));
    forget_before_checkpoint(&work.join("lake/inputs"));
    let lines: Vec<&str> = held_back.lines().collect();
    let (first, second) = lines.split_at(lines.len() / 2);
    work.write("landing/mitel/first.log", first.join("\n") + "\n");
    work.ingest(&[]);
    let counted = work.sql("select count(*) from legs");
    work.write("landing/mitel/second.log", second.join("\n") + "\n");
    work.ingest(&[]);
    let all = work.sql("select count(*) from legs");
    // Killed before the commit that makes the batch count.
    let log = work.join("lake/inputs/_delta_log");
    let last = commits(&log).pop().unwrap();
    std::fs::remove_file(log.join(last)).unwrap();
    assert!(work.sql("select count(*) from legs") == counted && counted != all, "{counted:?} of {all:?} count");
    for name in ["lakefiles.py", "outcomes.sql"] {
        work.write(name, example(name));
    }
    work
}

fn commits(log: &Path) -> Vec<String> {
    let names = log.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".json")).collect();
    names.sort();
    names
}

/// What Delta does by itself after a hundred commits and thirty days.
fn forget_before_checkpoint(table: &Path) {
    let url = url::Url::from_directory_path(table).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let version = runtime.block_on(async {
        let table = deltalake::open_table(url).await.unwrap();
        deltalake::checkpoints::create_checkpoint(&table, None).await.unwrap();
        table.version().unwrap()
    });
    let log = table.join("_delta_log");
    assert!(log.join("_last_checkpoint").is_file());
    let is_old = |name: &String| name[..20].parse::<u64>().unwrap() < version;
    let old: Vec<String> = commits(&log).into_iter().filter(is_old).collect();
    assert!(!old.is_empty(), "something is forgotten");
    old.iter().for_each(|name| std::fs::remove_file(log.join(name)).unwrap());
}

/// The example is run as it stands, beside the lake; its answer is the one of `onhook query`.
fn agrees(engine: &str, modules: &[&str]) {
    let Some(python) = peers::python(&format!("interop {engine}"), modules) else { return };
    let work = hard_lake();
    let command = example("onhook");
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    work.good(&words);
    let ours = work.read("answer.csv");
    assert!(ours.lines().count() > 4, "{ours}");
    std::fs::remove_file(work.join("answer.csv")).unwrap();
    work.write("example.py", example(engine));
    let ran = Command::new(python).arg("example.py").current_dir(work.path()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(work.read("answer.csv").replace("\r\n", "\n"), ours, "{engine} (left) and onhook (right)");
}

#[test]
fn duckdb_gives_the_same() {
    agrees("duckdb", &["duckdb", "pyarrow"]);
}

#[test]
fn polars_gives_the_same() {
    agrees("polars", &["polars", "pyarrow"]);
}

#[test]
fn pandas_gives_the_same() {
    agrees("pandas", &["pandas", "pyarrow"]);
}

#[test]
fn spark_gives_the_same() {
    if peers::program("interop spark", "java", &[]).is_some() {
        agrees("spark", &["pyspark", "pyarrow"]);
    }
}

/// The other rule of the document, for the roll-ups; and that the files cannot be had by a glob.
#[test]
fn the_roll_ups_are_told_by_their_batch_and_a_glob_counts_too_much() {
    let Some(python) = peers::python("interop roll-ups", &["duckdb", "pyarrow"]) else { return };
    let work = hard_lake();
    let script = "
import duckdb
from lakefiles import files
db = duckdb.connect()
for table in ['usage', 'inputs']:
    db.read_parquet(files('lake', table)).create_view(table)
count = lambda sql: print(db.sql(sql).fetchall()[0][0])
count('select sum(made + offered) from usage where batch <= (select max(batch) from inputs)')
count('select sum(made + offered) from usage')
count(\"select count(*) from 'lake/legs/*.parquet'\")
";
    work.write("roll_ups.py", script);
    let ran = Command::new(python).arg("roll_ups.py").current_dir(work.path()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let text = String::from_utf8(ran.stdout).unwrap();
    let counts: Vec<i64> = text.lines().map(|line| line.parse().unwrap()).collect();
    let ours = |sql: &str| work.sql(sql)[0].parse::<i64>().unwrap();
    assert_eq!(counts[0], ours("select sum(made + offered) from usage"));
    assert!(counts[1] > counts[0], "the unfinished batch is there: {counts:?}");
    assert!(counts[2] > ours("select count(*) from legs"), "a glob counts what was merged away: {counts:?}");
}

/// The parameters of a report as they are where nobody gives them.
fn usual(report: &Query) -> Value {
    let value = |kind, text: &str| match kind {
        Kind::Int => json!(text.parse::<i64>().unwrap()),
        Kind::Float => json!(text.parse::<f64>().unwrap()),
        Kind::Text | Kind::Date => json!(text),
    };
    let given = report.params.iter().filter_map(|p| Some((p.name.clone(), value(p.kind, p.default.as_ref()?))));
    Value::Object(given.collect())
}

/// Row by row in their order. Of a fraction the last bits may differ, for sums are added up in another order; and of a
/// rounded one the last decimal by one, for `round` takes a half such as 3.55 up here and down there.
fn same(there: &[Value], here: &[Value]) -> bool {
    let places = |number: f64| number.to_string().split_once('.').map_or(0, |(_, places)| places.len() as i32);
    let alike = |a: &Value, b: &Value| match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => {
            let places = places(a).max(places(b));
            let step = if (1..=4).contains(&places) { 1.001 * 10f64.powi(-places) } else { 0.0 };
            (a - b).abs() <= step.max(1e-9 * a.abs().max(1.0))
        }
        _ => {
            let text = |value: &Value| value.as_str().map(|text| text.trim_end_matches('Z').to_string());
            a == b || text(a).is_some_and(|a| text(b) == Some(a))
        }
    };
    let rows = there.iter().zip(here).all(|(a, b)| {
        let (a, b) = (a.as_object().unwrap(), b.as_object().unwrap());
        a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| alike(a, b)))
    });
    there.len() == here.len() && rows
}

/// Another engine, the same SQL, the same rows: nothing in `queries/` leans on this engine's dialect.
#[test]
fn every_report_gives_on_duckdb_what_it_gives_here() {
    let Some(python) = peers::python("every report on DuckDB", &["duckdb"]) else { return };
    let work = Workdir::small();
    work.good(&["nightly"]);
    let names = work.sql(
        "select table_name from information_schema.tables where table_type = 'BASE TABLE' and table_schema = 'public'",
    );
    let mut tables = BTreeMap::new();
    for name in names.iter().filter(|name| VIEWS.iter().all(|view| view.name != **name)) {
        let file = format!("{name}.parquet");
        work.good(&["sql", "-f", "parquet", "-o", &file, "-e", &format!("select * from {name}")]);
        tables.insert(name, file);
    }
    let views: Vec<_> = VIEWS.iter().map(|view| json!([view.name, view.sql])).collect();
    let asked: Vec<&Query> =
        REPORTS.iter().filter(|report| report.params.iter().all(|p| p.default.is_some())).collect();
    let reports: Vec<_> = asked.iter().map(|report| json!([report.name, report.sql, usual(report)])).collect();
    work.write("manifest.json", json!({ "tables": tables, "views": views, "reports": reports }).to_string());
    let script = repository().join("tests/it/interop/reports.py");
    let ran =
        Command::new(python).arg(script).args(["manifest.json", "answers.json"]).current_dir(work.path()).output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let answers: BTreeMap<String, Vec<Value>> = serde_json::from_str(&work.read("answers.json")).unwrap();
    let mut wrong = Vec::new();
    for report in asked {
        let here = work.good(&["query", &report.name, "-f", "json"]).stdout;
        let here: Vec<Value> = serde_json::from_str(&here).unwrap();
        let there = &answers[&report.name];
        if !same(there, &here) {
            let pair = there.iter().zip(&here).find(|(a, b)| !same(std::slice::from_ref(*a), std::slice::from_ref(*b)));
            wrong.push(format!("{}: {} rows there, {} here; {pair:?}", report.name, there.len(), here.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
