//! Nothing but questions: each statement of a list is refused by the running server, in both protocols and to both roles, and
//! the lake and the machine stay as they were.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ANALYST, MANAGER, block_on, code, one, small};

fn listed() -> Vec<&'static str> {
    let text = include_str!("../../fixtures/serve/refused.sql");
    text.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()).collect()
}

/// Every file below a folder with its content's hash.
fn files(folder: &Path, found: &mut BTreeMap<String, blake3::Hash>) {
    for entry in folder.read_dir().unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path(), found),
            false => drop(
                found.insert(entry.path().display().to_string(), blake3::hash(&std::fs::read(entry.path()).unwrap())),
            ),
        }
    }
}

#[test]
fn each_statement_that_is_no_question_is_refused() {
    let (work, server) = small();
    let mut before = BTreeMap::new();
    files(work.path(), &mut before);
    let statements = listed();
    assert!(statements.len() >= 100, "{}", statements.len());
    block_on(async {
        for who in [ANALYST, MANAGER] {
            let client = server.connect(who).await.unwrap();
            for statement in &statements {
                let simple = client.simple_query(statement).await;
                assert!(simple.is_err(), "{statement}: was answered");
                let refusal = code(&simple.unwrap_err());
                let known = ["25006", "42501", "42601", "42704", "42883", "42P01", "42000", "0A000"];
                assert!(known.contains(&refusal.as_str()), "{statement}: {refusal}");
                // Behind a statement that is allowed: nothing of either is run, or the second fails.
                assert!(client.simple_query(&format!("select 1; {statement}")).await.is_err(), "select 1; {statement}");
                assert!(client.prepare(statement).await.is_err(), "{statement}: was prepared");
                // The connection goes on.
                assert_eq!(one(&client, "select 41 + 1").await, "42");
            }
        }
    });
    drop(server);
    let mut after = BTreeMap::new();
    files(work.path(), &mut after);
    assert_eq!(before, after, "a file was made, changed or deleted");
    assert!(!Path::new("/tmp/x.csv").exists());
}

#[test]
fn a_transaction_reads_and_a_failed_one_waits_for_its_end() {
    let (_work, server) = small();
    block_on(async {
        let client = server.connect(ANALYST).await.unwrap();
        client.batch_execute("begin read only").await.unwrap();
        assert_eq!(one(&client, "show transaction_read_only").await, "on");
        assert_eq!(code(&client.simple_query("delete from legs").await.unwrap_err()), "25006");
        assert_eq!(code(&client.simple_query("select 1").await.unwrap_err()), "25P02");
        client.batch_execute("rollback").await.unwrap();
        assert_eq!(one(&client, "select 1").await, "1");
    });
}

#[test]
fn every_statement_has_a_line_in_the_log_and_no_number_is_in_it() {
    let (_work, server) = small();
    block_on(async {
        let client = server.connect(MANAGER).await.unwrap();
        client.simple_query("select * from legs where callee = '+447700900123'").await.unwrap();
        client.simple_query("select '+447700900123' from nowhere").await.unwrap_err();
        client.query("select count(*) from usage where source = $1", &[&"+447700900123"]).await.unwrap();
        client.simple_query("insert into legs values ('+447700900123')").await.unwrap_err();
    });
    server.signal("TERM");
    let (status, said) = server.ended();
    assert_eq!(status, 0, "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("statement=")).collect();
    assert_eq!(lines.len(), 4, "{said}");
    for (line, outcome) in lines.iter().zip(["good", "42P01", "good", "25006"]) {
        for part in ["user=\"max\"", "role=\"manager\"", "ms=", "rows=", &format!("outcome=\"{outcome}\"")] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    assert!(lines[0].contains("callee = ?"), "{}", lines[0]);
    assert!(lines[2].contains("rows=1") && lines[2].contains("source = $1"), "{}", lines[2]);
    assert!(!said.contains("7700900123") && !said.contains("900123"), "{said}");
}
