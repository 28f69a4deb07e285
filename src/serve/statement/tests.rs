//! What is refused and what is allowed, statement by statement.

use super::*;

/// As a client might write them; each is refused, whatever else there is beside it.
const REFUSED: &str = include_str!("../../../tests/fixtures/serve/refused.sql");

pub fn refused() -> Vec<&'static str> {
    REFUSED.split(";\n").map(str::trim).filter(|text| !text.is_empty() && !text.starts_with("--")).collect()
}

#[test]
fn none_of_the_listed_statements_is_allowed() {
    assert!(refused().len() >= 40, "{}", refused().len());
    for text in refused() {
        // A table or function that is not there is the engine's to refuse: the test of the running server asks it.
        let is_query = |one: &Allowed| matches!(one, Allowed::Rows(_)) && text.starts_with("SELECT ");
        for text in [text.to_string(), format!("select 1; {text}")] {
            assert!(read(&text).is_err() || read(&text).unwrap().iter().all(is_query), "{text}");
        }
    }
}

#[test]
fn what_clients_send_is_allowed() {
    let allowed = [
        "select * from legs limit 5",
        "with x as (select 1) select * from x union all select 2",
        "values (1), (2)",
        "explain select 1",
        "show tables",
        "show transaction isolation level",
        "SHOW search_path",
        "begin",
        "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "commit",
        "rollback",
        "savepoint x",
        "release savepoint x",
        "rollback to savepoint x",
        "abort",
        "set extra_float_digits = 3",
        "SET application_name = 'x'",
        "set client_encoding to 'UTF8'",
        "SET DateStyle = 'ISO'",
        "set statement_timeout = '5s'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET TIME ZONE 'Europe/London'",
        "deallocate all",
        "discard all",
        "close all",
        "copy usage to stdout",
        "copy (select 1) to stdout with (format csv, header)",
        "COPY ( select 1 ) TO STDOUT csv header",
        "select * from generate_series(1, 3)",
        "select version()",
    ];
    for text in allowed {
        assert!(read(text).is_ok(), "{text}: {}", read(text).unwrap_err());
    }
    assert!(read("").unwrap().is_empty());
    assert_eq!(read("select 1; select 2").unwrap().len(), 2);
}

#[test]
fn what_goes_too_deep_is_refused_before_it_is_walked() {
    let code = |text: String| read(&text).map_or_else(|refusal| refusal.code, |_| "allowed");
    let chain = |n: usize| format!("select 1 where {}", vec!["1 = 1"; n].join(" or "));
    assert_eq!((code(chain(1000)), code(chain(100_000))), ("allowed", "54001"));
    assert_eq!(code(vec!["select 1"; 100_000].join(" union all ")), "54001");
    assert_eq!(code(format!("select {}", vec!["1"; 100_000].join(" + "))), "54001");
    assert_eq!(code(format!("select {}1", "- ".repeat(100_000))), "54001");
    assert_eq!(code(format!("select 1 from {}", vec!["legs"; 1000].join(", "))), "54001");
    let with: Vec<String> = (1..1000).map(|i| format!("a{i} as (select * from a{})", i - 1)).collect();
    assert_eq!(code(format!("with a0 as (select 1), {} select * from a999", with.join(", "))), "54001");
    // A long list is none of depth.
    assert_eq!(code(format!("select 1 where 1 in ({})", vec!["1"; 50_000].join(", "))), "allowed");
}

#[test]
fn a_timeout_is_read_as_postgresql_reads_it() {
    let told = |text: &str| match read(&format!("set statement_timeout = {text}")) {
        Ok(allowed) => match &allowed[..] {
            [Allowed::Set(Setting::Timeout(time))] => time.map(|time| time.as_millis()),
            other => panic!("{other:?}"),
        },
        Err(refusal) => panic!("{refusal}"),
    };
    assert_eq!(told("250"), Some(250));
    assert_eq!(told("'2s'"), Some(2000));
    assert_eq!(told("'1min'"), Some(60_000));
    assert_eq!(told("0"), None);
    assert_eq!(read("set statement_timeout = 'soon'").unwrap_err().code, "22023");
}

#[test]
fn what_the_engine_cannot_do_is_said_in_other_words() {
    let told = |text: &str| match read(text).unwrap().remove(0) {
        Allowed::Rows(statement) => statement.to_string(),
        other => panic!("{other:?}"),
    };
    let text = told(
        "select case when true then (select rngtypid from pg_range where rngmultitypid = t.oid) end from pg_type t",
    );
    assert!(text.contains("(SELECT min(rngtypid) FROM"), "{text}");
    let ours = told("select 1 from usage u where (select talk_s from legs l where l.leg_key = u.made) = 1");
    assert!(!ours.contains("min("), "{ours}");
    let text =
        told("select i.indkey as key, c.relname from pg_class c join pg_index i on i.indrelid = c.oid order by 1");
    assert_eq!(text, "SELECT NULL AS key, NULL AS relname WHERE false");
    assert!(told("select count(*) from pg_index").contains("FROM pg_catalog.pg_index"));
    assert!(told("select c.relname from pg_class c left join pg_index i on true").contains("LEFT JOIN"));
    let text = told("select relname from pg_class where relname not like 'pg/_%' escape '/'");
    assert!(text.contains("NOT LIKE replace('pg/_%', '/', '\\')"), "{text}");
    assert!(told("select c.reloptions, c.oid from pg_class c").starts_with("SELECT NULL AS reloptions, c.oid"));
    let text = told("select t.oid from pg_type t left join pg_proc as p on p.oid = t.typreceive");
    assert!(text.contains("p.proname = t.typreceive"), "{text}");
    let text = told("select typinput = 'pg_catalog.array_in'::regproc");
    assert!(text.contains("= 'array_in'") && !text.contains("regproc"), "{text}");
}

#[test]
fn psqlodbc_and_adbc_are_understood() {
    let told = |text: &str| match read(text).unwrap().remove(0) {
        Allowed::Rows(statement) => statement.to_string(),
        other => panic!("{other:?}"),
    };
    let text = told("select 'x'::name as a, cast(relname as pg_catalog.name) from pg_class");
    assert!(text.contains("'x'::TEXT") && text.contains("CAST(relname AS TEXT)"), "{text}");
    let text = told("select typname from pg_type where (typreceive != 0 or t.typsend <> 0) and typtype != 'r'");
    assert!(text.contains("(true OR true) AND typtype <> 'r'"), "{text}");
    // No key is foreign here, however deep it is asked for.
    let text = told(
        "select a.x as n from (((select k.y as x from pg_constraint k) a inner join pg_class b on true) inner join pg_class c on true)",
    );
    assert_eq!(text, "SELECT NULL AS n WHERE false");
    let text = told("select a.x as n from ((select 1 as x) a left join pg_constraint b on true)");
    assert!(text.contains("pg_constraint"), "{text}");
}

/// Sizes counted by hand: what stands in another counts as often as it stands there.
#[test]
fn a_statement_is_as_long_as_its_parts_put_in_their_places() {
    let doubled = |queries: usize, last: &str| {
        let with =
            (1..=queries).map(|n| format!(", a{n} as (select * from A{0} union all select * from \"a{0}\")", n - 1));
        format!("with a0 as (select 1 as x){} {last}", with.collect::<String>())
    };
    // Of a0 one, of each next one twice as many and three more: 2^(n+2) - 3; ten have 4,093.
    assert!(read(&doubled(10, "select * from a10")).is_ok());
    for last in [
        "select * from a12",
        "select 1 where exists (select 1 from a12)",
        "select (select max(x) from (select * from a12) b)",
        "select 1 from legs l join legs m on l.talk_s in (select x from a12)",
        "select 1 union select x from a12",
        "select * from (legs cross join a12)",
        "table a12",
    ] {
        for around in ["", "explain "] {
            let text = format!("{around}{}", doubled(12, last));
            assert_eq!(read(&text).unwrap_err().code, "54001", "{last}");
        }
    }
    assert_eq!(read(&format!("copy ({}) to stdout", doubled(12, "select * from a12"))).unwrap_err().code, "54001");
    // Queries within queries are counted once each, wherever they stand.
    let nested = (0..20).fold("select 1".to_string(), |inner, _| format!("select 1 where 1 in ({inner})"));
    assert!(read(&nested).is_ok());
    assert_eq!(read(&doubled(12, "select 1 order by (select max(x) from a12)")).unwrap_err().code, "54001");
    // A name of the inside is not known outside.
    assert!(read(&format!("select 1 from ({}) b, a30", doubled(10, "select * from a1"))).is_ok());
}

#[test]
fn a_copy_is_text_csv_or_binary() {
    let told = |text: &str| match read(text).unwrap().remove(0) {
        Allowed::Copy(query, form) => (query.to_string(), form),
        other => panic!("{other:?}"),
    };
    let (query, form) = told("copy usage (source, made) to stdout");
    assert_eq!(query, "SELECT source, made FROM usage");
    assert_eq!(form, Form::Lines(Lines { csv: false, header: false, delimiter: b'\t', null: "\\N".into() }));
    let (_, form) = told("copy (select 1) to stdout with (format csv, header, delimiter ';', null 'none')");
    assert_eq!(form, Form::Lines(Lines { csv: true, header: true, delimiter: b';', null: "none".into() }));
    for text in ["copy (select 1) to stdout with (format binary)", "COPY ( select 1 ) TO STDOUT WITH BINARY"] {
        assert_eq!(told(text).1, Form::Binary, "{text}");
    }
    assert_eq!(read("copy (select 1) to stdout with (format binary, header)").unwrap_err().code, "0A000");
}
