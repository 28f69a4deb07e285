//! DuckDB, run by `duck.py` over the Parquet files of a lake. No assertions but that it ran.

use std::path::{Path, PathBuf};
use std::process::Command;

use onhook::lake::TABLES;
use onhook::sql::{Answer, Query, REPORTS, VIEWS};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use super::Estate;
use crate::workdir::repository;

/// Tables of a session that are no tables of the lake.
const SESSION: [&str; 9] = [
    "policy",
    "sources",
    "settings",
    "calendar",
    "bank_holidays",
    "billing",
    "protection_words",
    "erlang_b",
    "erlang_c",
];

pub struct Duck {
    python: String,
}

impl Duck {
    /// None, said aloud, where there is no Python that has it; in CI that is a failure.
    pub fn find(test: &str) -> Option<Self> {
        let python = std::env::var("ONHOOK_PYTHON").unwrap_or("python3".into());
        let has = Command::new(&python).args(["-c", "import duckdb"]).output().is_ok_and(|out| out.status.success());
        if !has {
            assert!(std::env::var_os("ONHOOK_NO_SKIP").is_none(), "DuckDB is not installed for {python}");
            eprintln!("SKIPPED {test}: DuckDB is not installed for {python} (ONHOOK_PYTHON names another)");
        }
        has.then_some(Self { python })
    }

    /// What the reports say.
    pub fn asked(&self, estate: &Estate) -> Vec<(&'static str, Answer)> {
        let answers = estate.folder.join("duck");
        std::fs::create_dir_all(&answers).unwrap();
        let save = |name: &str, end: &str| -> Value {
            let file = answers.join(format!("{name}.table"));
            let sql = format!("select * from {name} {end}");
            let to = file.to_str().unwrap();
            estate.work.good(&["-c", &estate.config(), "sql", "-f", "parquet", "-e", &sql, "-o", to]);
            json!(file)
        };
        let session: serde_json::Map<String, Value> =
            SESSION.iter().map(|name| (name.to_string(), save(name, ""))).collect();
        let tables: serde_json::Map<String, Value> =
            TABLES.iter().map(|table| (table.name().to_string(), save(table.name(), "limit 0"))).collect();
        let task = json!({
            "lake": estate.folder.join("lake"),
            "session": session,
            "tables": tables,
            "views": VIEWS.iter().map(query).collect::<Vec<_>>(),
            "reports": REPORTS.iter().map(query).collect::<Vec<_>>(),
            "answers": answers,
        });
        let file = answers.join("task.json");
        std::fs::write(&file, task.to_string()).unwrap();
        let script = repository().join("tests/it/cluster/duck.py");
        let ran = Command::new(&self.python).arg(script).arg(&file).output().unwrap();
        let (said, talk) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success() && said.is_empty(), "{}: {said}{talk}", estate.name);
        REPORTS.iter().map(|report| (report.name.as_str(), read(&answer(&answers, &report.name)))).collect()
    }
}

fn query(query: &Query) -> Value {
    let params = query.params.iter().map(|param| {
        let default = param.default.as_ref().unwrap_or_else(|| panic!("{} has no default", param.name));
        json!({"name": param.name, "kind": param.kind.word(), "default": default})
    });
    json!({"name": query.name, "sql": query.sql, "params": params.collect::<Vec<_>>()})
}

fn answer(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.parquet"))
}

fn read(file: &Path) -> Answer {
    let rows = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(file).unwrap()).unwrap();
    let schema = rows.schema().clone();
    Answer { schema, batches: rows.build().unwrap().map(Result::unwrap).collect() }
}
