//! Programs that are not ours against the running server. What they are told is held to what the lake has by a count of its own: a
//! run of `onhook sql`, or the fixture's own text.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::{ANALYST, MANAGER, Server, block_on, one, small};
use crate::workdir::{Workdir, repository, skip};

/// A program, or none, said aloud; where tests may not be skipped that is a failure.
pub fn program(variable: &str, usual: &str, check: &[&str], test: &str) -> Option<String> {
    let name = std::env::var(variable).unwrap_or_else(|_| usual.to_string());
    let runs = Command::new(&name).args(check).output().is_ok_and(|out| out.status.success());
    if runs {
        return Some(name);
    }
    skip(test, &format!("{name} {check:?} does not run"));
    None
}

/// What `psql` prints, unaligned.
pub fn psql(server: &Server, (user, password): (&str, &str), args: &[&str]) -> (i32, String, String) {
    let out = Command::new("psql")
        .args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &server.port.to_string()])
        .args(["-U", user, "-d", "onhook"])
        .args(args)
        .env("PGPASSWORD", password)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

fn good(server: &Server, args: &[&str]) -> String {
    let (code, stdout, stderr) = psql(server, ANALYST, args);
    assert_eq!(code, 0, "{args:?}: {stderr}");
    stdout
}

#[test]
fn psql_lists_describes_and_copies_to_the_client() {
    if program("ONHOOK_PSQL", "psql", &["--version"], "psql").is_none() {
        return;
    }
    let (work, server) = small();
    let tables = good(&server, &["-c", "\\dt"]);
    for name in ["legs", "usage", "traffic", "inputs", "rejects", "extensions"] {
        assert!(tables.lines().any(|line| line.starts_with(&format!("public|{name}|table|"))), "{name}: {tables}");
    }
    let all = good(&server, &["-c", "\\d"]);
    for name in ["calls", "third_parties", "disposition", "coverage_report"] {
        assert!(all.lines().any(|line| line.starts_with(&format!("public|{name}|view|"))), "{name}: {all}");
    }
    let legs = good(&server, &["-c", "\\d legs"]);
    for (column, kind) in [
        ("leg_key", "bigint"),
        ("started_at", "timestamp with time zone"),
        ("local_day", "date"),
        ("caller", "text"),
        ("talk_s", "integer"),
    ] {
        let told = legs.lines().find(|line| line.starts_with(&format!("{column}|")));
        assert!(told.is_some_and(|line| line.split('|').nth(1) == Some(kind)), "{column}: {told:?} in {legs}");
    }
    assert!(good(&server, &["-c", "\\dn"]).contains("public"));
    assert!(good(&server, &["-c", "\\l"]).contains("onhook"));
    assert!(good(&server, &["-c", "\\conninfo"]).contains("\"onhook\""));
    let file = work.join("copied.csv");
    let query = "select source, local_day, subject, made from usage order by source, local_day, subject_kind, subject";
    good(&server, &["-c", &format!("\\copy ({query}) to '{}' csv header", file.display())]);
    let ours = work.good(&["sql", "-f", "csv", "-e", query]).stdout.replace("\r\n", "\n");
    assert_eq!(work.read("copied.csv"), ours);
    assert!(ours.lines().count() > 20);
    good(&server, &["-c", &format!("\\copy sites to '{}'", work.join("sites.txt").display())]);
    assert_eq!(work.read("sites.txt").lines().count(), work.sql("select * from sites").len());
    let (code, _, stderr) = psql(&server, ANALYST, &["-c", "delete from legs"]);
    assert_eq!(code, 1);
    assert_eq!(stderr.trim(), "ERROR:  DELETE FROM is refused: this server only answers questions (docs/serve.md)");
    let (code, _, stderr) = psql(&server, (ANALYST.0, "not the password"), &["-c", "select 1"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("password authentication failed for user \"ann\""), "{stderr}");
}

fn python(test: &str, modules: &str) -> Option<String> {
    program("ONHOOK_PYTHON", "python3", &["-c", &format!("import {modules}")], test)
}

fn script(python: &str, name: &str, args: &[&str]) -> Value {
    let path = repository().join("tests/fixtures/serve").join(name);
    let out = Command::new(python).arg(path).args(args).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn number(work: &Workdir, statement: &str) -> u64 {
    work.sql(statement)[0].parse().unwrap()
}

#[test]
fn psycopg_asks_with_parameters_and_streams() {
    let Some(python) = python("psycopg", "psycopg") else { return };
    let (work, server) = small();
    let told = script(&python, "psycopg_client.py", &[&server.url(ANALYST)]);
    assert_eq!(told["version"], 160006, "{told}");
    assert_eq!((&told["encoding"], &told["scram"]), (&"utf-8".into(), &true.into()));
    assert_eq!(told["count"], number(&work, "select count(*) from usage where source = 'hq-cucm'"));
    let prepared = "select count(*) from usage where local_day >= date '2024-03-11' and made > 0";
    assert_eq!(told["prepared"], number(&work, prepared));
    assert!(told["prepared"].as_u64().unwrap() > 0);
    assert_eq!(told["types"], serde_json::json!(["date", "str", "int"]));
    let values = serde_json::json!([
        "1",
        "2",
        "3",
        "1.5",
        "2.50",
        "True",
        "None",
        "t",
        "2024-03-01",
        "2024-03-01 12:00:00",
        "True"
    ]);
    assert_eq!(told["values"], values);
    let first = &work.sql("select started_at from legs order by started_at limit 1")[0];
    assert_eq!(told["instant"].as_str().unwrap()[..19], first[..19]);
    assert!(told["instant"].as_str().unwrap().ends_with("+00:00"), "{told}");
    assert_eq!(told["copied"].as_array().unwrap().len(), 3);
    assert_eq!((&told["stream"], &told["simple"]), (&50_000.into(), &42.into()));
    assert_eq!(told["binary"][0], number(&work, "select count(*) from legs").to_string());
    assert_eq!(told["binary"][3], number(&work, "select sum(talk_s) from legs").to_string());
    assert_eq!((&told["refused"], &told["after"], &told["nested"]), (&"25006".into(), &1.into(), &2.into()));
}

#[test]
fn sqlalchemy_reflects_what_there_is() {
    let Some(python) = python("SQLAlchemy", "sqlalchemy, psycopg, pandas") else { return };
    let (work, server) = small();
    let told = script(&python, "sqlalchemy_client.py", &[&server.url(ANALYST)]);
    let names = |key: &str| told[key].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect::<Vec<_>>();
    assert!(names("schemas").contains(&"public"), "{told}");
    assert!(names("tables").contains(&"legs") && names("tables").contains(&"usage"), "{told}");
    assert!(names("views").contains(&"calls") && names("views").contains(&"third_parties"), "{told}");
    let columns = told["columns"].as_object().unwrap();
    let schema = onhook::leg::schema();
    assert_eq!(columns.len(), schema.fields().len());
    for (name, kind) in [("leg_key", "BIGINT"), ("local_day", "DATE"), ("caller", "TEXT"), ("talk_s", "INTEGER")] {
        assert_eq!(columns[name], kind);
    }
    let sums = work.sql("select source, sum(made) from usage group by source");
    let sums: BTreeMap<&str, i64> =
        sums.iter().filter_map(|line| line.split_once(',')).map(|(s, n)| (s, n.parse().unwrap())).collect();
    assert_eq!(told["sums"], serde_json::json!(sums));
    assert_eq!(told["frame"][0], number(&work, "select count(*) from usage"));
}

/// Excel's and Access's way in.
#[test]
fn psqlodbc_lists_tables_columns_and_keys_and_asks_with_parameters() {
    let driver = "import pyodbc; assert 'PostgreSQL Unicode' in pyodbc.drivers()";
    let Some(python) = program("ONHOOK_PYTHON", "python3", &["-c", driver], "psqlODBC") else { return };
    let (work, server) = small();
    let told = script(&python, "odbc_client.py", &[&server.port.to_string(), ANALYST.0, ANALYST.1]);
    assert_eq!(told["product"], serde_json::json!(["PostgreSQL", "16.0.6"]));
    let names = |key: &str| told[key].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect::<Vec<_>>();
    assert!(names("tables").contains(&"legs") && names("views").contains(&"third_parties"), "{told}");
    assert_eq!(told["columns"].as_object().unwrap().len(), onhook::leg::schema().fields().len());
    assert_eq!(told["columns"]["local_day"], serde_json::json!(["date", 0]));
    assert_eq!(told["columns"]["caller"], serde_json::json!(["text", 1]));
    assert_eq!((&told["keys"], &told["types"]), (&serde_json::json!([0, 0, 0, 0]), &true.into()));
    assert!(told["procedures"].as_u64().unwrap() > 100, "{told}");
    let there = "from usage where local_day >= date '2024-03-11' and source = 'hq-cucm'";
    assert_eq!(told["made"], number(&work, &format!("select sum(made) {there}")));
    assert_eq!(told["days"], serde_json::json!(work.sql(&format!("select distinct local_day {there} order by 1"))));
    assert_eq!(told["legs"], number(&work, "select count(*) from legs"));
    let first = &work.sql("select started_at, talk_s, caller from legs order by started_at limit 1")[0];
    let [moment, talk_s, caller] = [0, 1, 2].map(|i| told["first"][i].to_string().replace('"', ""));
    assert_eq!(*first, format!("{moment}Z,{talk_s},{caller}"));
    assert_eq!((&told["refused"], &told["after"]), (&"25006".into(), &50_000.into()));
}

/// Polars' two ways in, and asyncpg.
#[test]
fn connectorx_and_adbc_copy_in_binary_form_and_asyncpg_streams() {
    let Some(python) = python("Polars", "adbc_driver_postgresql, asyncpg, connectorx, polars") else { return };
    let (work, server) = small();
    let told = script(&python, "frames_client.py", &[&server.url(ANALYST)]);
    let usage = work.sql("select source, local_day, subject, made, talk_out_s from usage order by source, local_day, subject_kind, subject");
    let legs = work.sql(
        "select started_at, local_day, local_minute, talk_s, leg_key, caller_ext, charge_micros, \
            round(1000000.0 * talk_s / 7) / 1000000 as share, talk_s > 60 as is_long from legs order by leg_key",
    );
    let cells = |line: &String| line.split(',').map(String::from).collect::<Vec<_>>();
    let rows = |key: &str| serde_json::from_value::<Vec<Vec<String>>>(told[key].clone()).unwrap();
    for engine in ["connectorx", "adbc"] {
        assert_eq!(rows(engine), usage.iter().map(cells).collect::<Vec<_>>(), "{engine}");
        let theirs = rows(&format!("{engine} legs"));
        assert_eq!(theirs.len(), legs.len());
        for (theirs, ours) in theirs.into_iter().zip(legs.iter().map(cells)) {
            let [their_share, our_share] = [&theirs[7], &ours[7]].map(|share| share.parse::<f64>().unwrap());
            assert!((their_share - our_share).abs() < 1e-6, "{engine}: {theirs:?} {ours:?}");
            assert_eq!((&theirs[..7], &theirs[8]), (&ours[..7], &ours[8]), "{engine}");
        }
    }
    assert_eq!(told["schema"].as_object().unwrap().len(), onhook::leg::schema().fields().len());
    assert_eq!(told["schema"]["started_at"], "timestamp[us, tz=UTC]");
    assert_eq!(told["bound"], number(&work, "select count(*) from usage where made > 0"));
    let late = "select count(*) from usage where local_day >= date '2024-03-11' and made > 0";
    assert_eq!(told["asyncpg"], number(&work, late));
    assert_eq!((&told["streamed"], &told["refused"]), (&2000.into(), &"25006".into()));
}

/// The lines that the JDBC driver's program printed, by key.
pub fn jdbc(url: &str, who: (&str, &str), more: &[&str], test: &str) -> Option<BTreeMap<String, String>> {
    let java = program("ONHOOK_JAVA", "java", &["-version"], test)?;
    let jar = std::env::var("ONHOOK_JDBC").unwrap_or_else(|_| "/usr/share/java/postgresql.jar".into());
    if !std::path::Path::new(&jar).exists() {
        assert!(std::env::var_os("ONHOOK_NO_SKIP").is_none(), "{jar} is missing");
        eprintln!("SKIPPED {test}: {jar} is missing");
        return None;
    }
    let program = repository().join("tests/fixtures/serve/JdbcClient.java");
    let out =
        Command::new(java).arg("-cp").arg(jar).arg(program).args([url, who.0, who.1]).args(more).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    Some(text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect())
}

#[test]
fn jdbc_reads_the_catalogue_and_fetches_in_parts() {
    let (work, server) = small();
    let url = format!("jdbc:postgresql://127.0.0.1:{}/onhook", server.port);
    let Some(told) = jdbc(&url, ANALYST, &[], "JDBC") else { return };
    assert_eq!((told["product"].as_str(), told["major"].as_str(), told["user"].as_str()), ("PostgreSQL", "16", "ann"));
    let tables: Vec<&str> = told["tables"].split(',').collect();
    for name in ["legs", "usage", "calls", "third_parties"] {
        assert!(tables.contains(&name), "{name}: {tables:?}");
    }
    assert!(told["columns"].starts_with("source text!,"), "{}", told["columns"]);
    assert!(told["columns"].contains(",local_day date!,"), "{}", told["columns"]);
    assert!(told["schemas"].split(',').any(|name| name == "public"), "{told:?}");
    assert_eq!(told["keys"], "false");
    let made = "select sum(made) from usage where local_day >= date '2024-03-11' and source = 'hq-cucm'";
    assert_eq!(told["prepared"], format!("hq-cucm {} int8", number(&work, made)));
    assert_eq!(told["fetched"], (2500 * 2501 / 2).to_string());
    assert_eq!((told["refused"].as_str(), told["cancelled"].as_str()), ("25006", "57014"));
}

/// What tools send when they connect or show a table, word for word.
#[test]
fn what_tools_ask_of_the_catalogue_is_answered() {
    let (_work, server) = small();
    let folder = repository().join("tests/fixtures/serve/catalogue");
    block_on(async {
        let mut wrong = Vec::new();
        for name in ["npgsql", "psqlodbc", "dbeaver", "metabase", "grafana", "pgadmin", "pgcli", "pgadbc", "psql"] {
            let text = std::fs::read_to_string(folder.join(format!("{name}.sql"))).unwrap();
            let client = server.connect(ANALYST).await.unwrap();
            let mut asked = 0;
            for statement in text.split("-- next\n").skip(1) {
                asked += 1;
                if let Err(error) = client.simple_query(statement).await {
                    let why = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
                    wrong.push(format!("{name} {asked}: {why}\n{statement}"));
                }
            }
            assert!(asked > 0, "{name}");
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        let client = server.connect(MANAGER).await.unwrap();
        // Npgsql finds its types, and the drivers the columns of a table.
        assert_eq!(one(&client, "select typname from pg_type where oid = 20").await, "int8");
        let columns = "select count(*) from pg_attribute a join pg_class c on a.attrelid = c.oid where c.relname = 'legs' and a.attnum > 0";
        assert_eq!(one(&client, columns).await, onhook::leg::schema().fields().len().to_string());
        assert_eq!(one(&client, "select current_user").await, "max");
        assert_eq!(one(&client, "select current_database()").await, "onhook");
    });
}
