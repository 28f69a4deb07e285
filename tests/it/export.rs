//! `onhook export`: files that others read, and tables of a real PostgreSQL server as psql sees them.

use std::path::Path;
use std::process::Command;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use serde_json::Value;

use crate::postgres::{PASSWORD, Postgres};
use crate::workdir::{Ran, Workdir};

/// Runs onhook with these variables and none of the machine's own about PostgreSQL.
fn run(work: &Path, args: &[&str], variables: &[(String, String)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
    std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")).for_each(|(name, _)| {
        command.env_remove(name);
    });
    let out = command.args(args).current_dir(work).env("HOME", work).envs(variables.iter().cloned());
    let out = out.output().unwrap();
    let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ran = Ran { code: out.status.code().unwrap_or(-1), stdout: said(out.stdout), stderr: said(out.stderr) };
    assert!(!ran.stderr.contains("panicked"), "{args:?}: {}", ran.stderr);
    assert!(!ran.stderr.contains(PASSWORD) && !ran.stdout.contains(PASSWORD), "{ran:?}");
    ran
}

fn with(variables: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let others = variables.iter().filter(|(known, _)| known != name).cloned();
    others.chain([(name.to_string(), value.to_string())]).collect()
}

/// It could not be done, and one line says why and one what next.
fn refused(ran: &Ran, what: &str, next: &str) {
    assert_eq!(ran.code, 2, "{ran:?}");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("error: ") && lines[1].starts_with("hint: "), "{ran:?}");
    assert!(lines[0].contains(what) && lines[1].contains(next), "{ran:?}");
}

#[test]
fn files_are_those_of_a_query_and_others_read_them() {
    let work = Workdir::small();
    work.good(&["nightly"]);
    let csv = work.good(&["query", "disposition", "-f", "csv"]).stdout;
    work.good(&["export", "disposition", "--to", "csv", "out/of.csv"]);
    assert_eq!(work.read("out/of.csv"), csv);
    work.good(&["export", "disposition", "--to", "xlsx", "of.xlsx"]);
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(work.join("of.xlsx")).unwrap();
    let sheets = calamine::Reader::worksheets(&mut book);
    let texts: Vec<String> =
        sheets.iter().flat_map(|(_, range)| range.used_cells()).map(|(_, _, cell)| cell.to_string()).collect();
    for extension in csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()) {
        assert!(texts.iter().any(|text| text == extension), "{extension}");
    }
    work.good(&["export", "coverage", "-p", "window_days=10", "--to", "parquet", "of.parquet"]);
    let file = std::fs::File::open(work.join("of.parquet")).unwrap();
    let rows = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let days = rows.map(|rows| {
        let days = arrow::compute::cast(rows.unwrap().column_by_name("days").unwrap(), &DataType::Int64).unwrap();
        arrow::compute::sum(days.as_primitive::<Int64Type>()).unwrap()
    });
    assert_eq!(days.sum::<i64>(), 2 * 10, "two sources, ten days");
    for wrong in [
        &["export", "disposition", "--to", "csv"][..],
        &["export", "disposition", "--to", "postgres"],
        &["export", "disposition", "--to", "postgres", "--table", "a", "x.csv"],
        &["export", "disposition", "--to", "html", "x.html"],
        &["export", "disposition", "--to", "postgres", "--table", "a.b.c"],
        &["export", "no-such-report", "--to", "csv", "x.csv"],
    ] {
        assert_eq!(work.run(wrong).code, 2, "{wrong:?}");
    }
}

/// Each row of the list is of one handset with a line or two. Where that they are so few is left out, nobody may count them in the
/// next column.
#[test]
fn lines_that_are_not_counted_are_not_listed_either() {
    let work = Workdir::small();
    work.good(&["nightly"]);
    let list = |below: &str| {
        work.good(&["export", "collect-list", "--suppress", below, "--to", "csv", "list.csv"]);
        let mut reader = csv::Reader::from_path(work.join("list.csv")).unwrap();
        let heads = reader.headers().unwrap().clone();
        let places = ["device_model", "lines", "extensions", "actions"]
            .map(|column| heads.iter().position(|head| head == column).unwrap());
        let rows = reader.records().map(|row| places.map(|place| row.as_ref().unwrap()[place].to_string()));
        rows.collect::<Vec<_>>()
    };
    let (plain, told) = (list("0"), list("5"));
    // Seven handsets, each of one line: collect-list.slt.
    assert_eq!((plain.len(), told.len()), (7, 7));
    for (plain, told) in plain.iter().zip(&told) {
        assert!(plain[1] == "1" && !plain[2].is_empty() && !plain[3].is_empty(), "{plain:?}");
        assert_eq!(told, &[plain[0].as_str(), "", "", ""]);
    }
}

/// A row as what it says: no nulls, numbers as numbers, times in one spelling.
fn plain(row: &Value) -> String {
    let cells = row.as_object().unwrap().iter().filter(|(_, cell)| !cell.is_null());
    let cells = cells.map(|(name, cell)| match (cell, cell.as_f64()) {
        (_, Some(number)) => format!("{name}={number}"),
        (Value::String(text), _) => {
            let text = text.trim_end_matches("+00:00").trim_end_matches('Z');
            // Of a part of a second PostgreSQL leaves out the zeros at its end.
            let is_moment = text.len() > 20 && text.get(10..11) == Some("T") && text.contains('.');
            format!("{name}={}", if is_moment { text.trim_end_matches('0') } else { text })
        }
        (other, _) => format!("{name}={other}"),
    });
    let mut cells: Vec<String> = cells.collect();
    cells.sort();
    cells.join("|")
}

fn rows(text: &str) -> Vec<String> {
    let rows: Vec<Value> = serde_json::from_str(text).unwrap();
    let mut rows: Vec<String> = rows.iter().map(plain).collect();
    rows.sort();
    rows
}

#[test]
fn every_report_is_in_postgres_what_it_is_here() {
    let Some(server) = Postgres::start("every_report_is_in_postgres", false) else { return };
    let work = Workdir::small();
    work.good(&["nightly"]);
    let list = work.good(&["query", "--list"]).stdout;
    let mut count = 0;
    for name in list.lines().map(|line| line.split_whitespace().next().unwrap()) {
        let here = rows(&work.good(&["query", name, "-f", "json"]).stdout);
        let ran = run(work.path(), &["export", name, "--to", "postgres", "--table", name], &server.variables());
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
        let there = rows(&server.psql(&format!("select coalesce(json_agg(row_to_json(t)), '[]') from \"{name}\" t")));
        assert_eq!(there, here, "{name}");
        count += here.len();
    }
    assert!(count > 200, "{count} rows in all");
    let remark = server.psql("select obj_description('\"idle-handsets\"'::regclass)");
    assert!(
        remark.starts_with("onhook: idle-handsets, lake batch ") && remark.ends_with("as of 2024-03-31"),
        "{remark}"
    );
    let remark = server.psql("select col_description('\"idle-handsets\"'::regclass, attnum) from pg_attribute where attname = 'silent_days' and attrelid = '\"idle-handsets\"'::regclass");
    assert_eq!(remark, "covered days since the last handset use (days)");
    assert_eq!(server.psql("select count(*) from pg_class where relname like 'onhook%'"), "0", "no draft is left");
}

/// Values that are hard to carry, and what psql prints of them.
#[test]
fn every_type_arrives_as_itself() {
    let Some(server) = Postgres::start("every_type", false) else { return };
    let work = Workdir::small();
    work.good(&["nightly"]);
    let cases = [
        ("arrow_cast(-7, 'Int8')", "smallint", "-7"),
        ("arrow_cast(32000, 'Int16')", "smallint", "32000"),
        ("arrow_cast(-2147483648, 'Int32')", "integer", "-2147483648"),
        ("arrow_cast(9223372036854775807, 'Int64')", "bigint", "9223372036854775807"),
        ("arrow_cast(255, 'UInt8')", "smallint", "255"),
        ("arrow_cast(65535, 'UInt16')", "integer", "65535"),
        ("arrow_cast(4294967295, 'UInt32')", "bigint", "4294967295"),
        ("arrow_cast('18446744073709551615', 'UInt64')", "numeric", "18446744073709551615"),
        ("arrow_cast(0.5, 'Float32')", "real", "0.5"),
        ("cast(-0.1 as double)", "double precision", "-0.1"),
        ("cast('NaN' as double)", "double precision", "NaN"),
        ("cast(-1234567.8900 as decimal(20, 4))", "numeric", "-1234567.8900"),
        ("cast(0 as decimal(10, 2))", "numeric", "0.00"),
        ("cast(0.00001234 as decimal(20, 8))", "numeric", "0.00001234"),
        ("true", "boolean", "t"),
        ("date '1999-12-31'", "date", "1999-12-31"),
        ("date '2024-02-29'", "date", "2024-02-29"),
        ("timestamp '1969-07-20 20:17:40.123456'", "timestamp without time zone", "1969-07-20 20:17:40.123456"),
        (
            "arrow_cast('2024-03-31T01:30:00Z', 'Timestamp(Nanosecond, Some(\"UTC\"))')",
            "timestamp with time zone",
            "2024-03-31 01:30:00+00",
        ),
        ("'a ''quote'', a \\ and a €'", "text", "a 'quote', a \\ and a €"),
        ("'=cmd()'", "text", "=cmd()"),
        ("'a' || chr(9) || 'b'", "text", "a\tb"),
        ("''", "text", ""),
        ("arrow_cast('worded', 'Dictionary(Int32, Utf8)')", "text", "worded"),
        ("make_array(1, 2)", "text", "[1, 2]"),
    ];
    let columns: Vec<String> = cases.iter().enumerate().map(|(at, (sql, _, _))| format!("{sql} as c{at}")).collect();
    work.write(
        "kinds.sql",
        format!(
            "select 0 as n, {}\nunion all select 1, {}",
            columns.join(", "),
            columns.iter().enumerate().map(|(at, _)| format!("null as c{at}")).collect::<Vec<_>>().join(", ")
        ),
    );
    let ran =
        run(work.path(), &["export", "kinds.sql", "--to", "postgres", "--table", "Kinds of it"], &server.variables());
    assert_eq!(ran.code, 0, "{ran:?}");
    for (at, (sql, kind, shown)) in cases.iter().enumerate() {
        let found =
            server.psql(&format!("select pg_typeof(c{at}) || '|' || c{at}::text from \"Kinds of it\" where n = 0"));
        let shown = if *kind == "boolean" { "true" } else { shown };
        assert_eq!(found, format!("{kind}|{shown}").trim_end(), "{sql}");
        let nulls = server.psql(&format!("select count(*) from \"Kinds of it\" where n = 1 and c{at} is null"));
        assert_eq!(nulls, "1", "{sql}");
    }
    // PostgreSQL keeps no NUL in a text: one is seen and stops nothing.
    work.write("nul.sql", "select 'a' || chr(0) || 'b' as c");
    let ran = run(work.path(), &["export", "nul.sql", "--to", "postgres", "--table", "nul"], &server.variables());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(server.psql("select c from nul"), "a\u{fffd}b");
}

#[test]
fn a_table_is_replaced_at_one_stroke_and_only_if_an_export_made_it() {
    let Some(server) = Postgres::start("a_table_is_replaced", false) else { return };
    let work = Workdir::small();
    work.good(&["nightly"]);
    let there = server.variables();
    server.psql("create schema telephony; create role reader; grant usage on schema telephony to reader");
    let export = |days: &str, more: &[&str]| {
        let days = format!("window_days={days}");
        let args =
            [&["export", "coverage", "-p", &days, "--to", "postgres", "--table", "telephony.Coverage"], more].concat();
        run(work.path(), &args, &there)
    };
    let covered = || server.psql("select sum(days) from telephony.\"Coverage\"");
    assert_eq!(export("28", &[]).code, 0);
    assert_eq!(covered(), "56", "two sources, four weeks");
    refused(&export("10", &[]), "it is there already", "--replace");
    assert_eq!(covered(), "56");
    server.psql(
        "grant select on telephony.\"Coverage\" to reader; grant select (source) on telephony.\"Coverage\" to public",
    );
    let ran = export("10", &["--replace"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.starts_with("wrote     ") && ran.stderr.contains(" rows to telephony.Coverage at 127.0.0.1:"),
        "{ran:?}"
    );
    assert_eq!(covered(), "20");
    assert_eq!(
        server.psql("set role reader; select sum(days) from telephony.\"Coverage\""),
        "20",
        "who could read it still can"
    );
    assert!(server.psql("select obj_description('telephony.\"Coverage\"'::regclass)").contains(" window_days=10, "));

    // A view of somebody's stands on it: it shows the new rows. A table with other columns would leave it without ground.
    server.psql("revoke select (source) on telephony.\"Coverage\" from public");
    server.psql("create view telephony.seen as select * from telephony.\"Coverage\"");
    assert_eq!(export("28", &["--replace"]).code, 0);
    assert_eq!(server.psql("select sum(days) from telephony.seen"), "56");
    work.write("other.sql", "select source, count(*) as records from legs group by source");
    let args = ["export", "other.sql", "--to", "postgres", "--table", "telephony.Coverage", "--replace"];
    refused(&run(work.path(), &args, &there), "depend", "drop what stands on the table");
    assert_eq!(covered(), "56");

    // Not ours, whatever it is.
    server.psql("create table mine (a int); insert into mine values (7); create view theirs as select 1 as a");
    server.psql("comment on view theirs is 'onhook: so it says'");
    for name in ["mine", "theirs"] {
        let args = ["export", "coverage", "--to", "postgres", "--table", name, "--replace"];
        refused(&run(work.path(), &args, &there), "no export made it", "only its own");
    }
    assert_eq!(server.psql("select a from mine"), "7");
    let args = ["export", "coverage", "--to", "postgres", "--table", "nowhere.x"];
    refused(&run(work.path(), &args, &there), "\"nowhere\" does not exist", "make the schema first");
    assert_eq!(server.psql("select count(*) from pg_class where relname like 'onhook%'"), "0");
}

/// Of the environment, by name.
type Variables = [(String, String)];

/// A workspace, and a way to put the coverage of so many days, or (with 0) a table of other columns, in the place of `t`:
/// the calls of each source, 20 and 10 as counted by hand in `ingest-health.slt` (seven of the 27 kept are of media).
fn replacing(server: &Postgres) -> (Workdir, impl Fn(u32, &Variables) -> Ran) {
    let work = Workdir::small();
    work.good(&["nightly"]);
    work.write("other.sql", "select source, count(*) as records from legs group by source");
    let folder = work.path().to_path_buf();
    let place = server.variables();
    let export = move |days: u32, variables: &Variables| {
        let days = (days > 0).then(|| format!("window_days={days}"));
        let what = days.as_ref().map_or(vec!["other.sql"], |days| vec!["coverage", "-p", days]);
        let args = [&["export"], &what[..], &["--to", "postgres", "--table", "t", "--replace"]].concat();
        let there = variables.iter().fold(place.clone(), |all, (name, value)| with(&all, name, value));
        run(&folder, &args, &there)
    };
    (work, export)
}

#[test]
fn what_is_on_a_table_is_on_it_after_a_replace() {
    let Some(server) = Postgres::start("what_is_on_a_table", false) else { return };
    let (_work, export) = replacing(&server);
    assert_eq!(export(28, &[]).code, 0);
    server.psql(
        "create role north; create role clerk; grant select on t to north; grant select (source) on t to clerk; \
         create index sorted on t (source); alter table t enable row level security; \
         create policy own on t for select to north using (source = 'north-mitel'); \
         create policy names on t for select to clerk using (true)",
    );
    let ran = export(10, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(server.psql("select sum(days) from t"), "20", "two sources, ten days");
    let seen = server.psql("set role north; select min(source), max(source), sum(days) from t");
    assert_eq!(seen, "north-mitel|north-mitel|10", "and no row of the others");
    assert_eq!(server.psql("set role clerk; select count(distinct source) from t"), "2");
    let may =
        "select has_column_privilege('clerk', 't', 'days', 'select'), has_table_privilege('clerk', 't', 'select')";
    assert_eq!(server.psql(may), "f|f", "one column and no more");
    assert_eq!(server.psql("select indexname from pg_indexes where tablename = 't'"), "sorted");
    assert!(server.psql("select obj_description('t'::regclass)").contains(" window_days=10, "));
}

#[test]
fn a_right_that_was_revoked_stays_revoked_where_the_columns_change() {
    let Some(server) = Postgres::start("a_right_that_was_revoked", false) else { return };
    let (_work, export) = replacing(&server);
    server.psql("create role everybody; create role reader; alter default privileges grant select on tables to everybody, public");
    assert_eq!(export(28, &[]).code, 0);
    server.psql("revoke select on t from everybody, public; grant select on t to reader with grant option");
    let ran = export(0, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(server.psql("set role reader; select records from t where source = 'hq-cucm'"), "20");
    let may = |role: &str| server.psql(&format!("select has_table_privilege('{role}', 't', 'select')"));
    assert_eq!((may("everybody"), may("reader")), ("f".into(), "t".into()));
    assert_eq!(server.psql("select has_table_privilege('reader', 't', 'select with grant option')"), "t");
}

#[test]
fn a_table_whose_columns_change_is_left_alone_where_something_of_it_would_be_lost() {
    let Some(server) = Postgres::start("a_table_whose_columns_change", false) else { return };
    let (_work, export) = replacing(&server);
    server.psql("create role clerk; create function f() returns trigger language plpgsql as 'begin return new; end'");
    assert_eq!(export(28, &[]).code, 0);
    for (what, put_on, take_off) in [
        ("indexes", "create index i on t (source)", "drop index i"),
        ("row-level security", "alter table t enable row level security", "alter table t disable row level security"),
        ("policies", "create policy p on t using (true)", "drop policy p on t"),
        ("rights on columns", "grant select (days) on t to clerk", "revoke select (days) on t from clerk"),
        (
            "triggers",
            "create trigger r after insert on t for each statement execute function f()",
            "drop trigger r on t",
        ),
        ("constraints", "alter table t add constraint c check (days >= 0)", "alter table t drop constraint c"),
        ("rules", "create rule r as on update to t do instead nothing", "drop rule r on t"),
        (
            "not-null constraints",
            "alter table t alter column source set not null",
            "alter table t alter column source drop not null",
        ),
        (
            "default values",
            "alter table t alter column days set default 0",
            "alter table t alter column days drop default",
        ),
        ("extended statistics", "create statistics s on source, days from t", "drop statistics s"),
        ("inheritance", "create table p (like t); alter table t inherit p", "alter table t no inherit p; drop table p"),
        ("inheritance", "create table heir () inherits (t)", "drop table heir"),
        (
            "place as a partition",
            "create table p (like t) partition by list (source); alter table p attach partition t default",
            "alter table p detach partition t; drop table p",
        ),
        // Of a table whose deletions are published no row can be deleted unless a key tells its rows.
        ("publications", "create publication p for table t with (publish = 'insert')", "drop publication p"),
        ("owner", "alter table t owner to clerk", "alter table t owner to ann"),
    ] {
        server.psql(put_on);
        refused(&export(0, &[]), &format!("a new table would be without its {what}"), "export under another name");
        assert_eq!(server.psql("select sum(days) from t"), "56", "{what}");
        assert_eq!(export(28, &[]).code, 0, "{what}: with the same columns it stays");
        server.psql(take_off);
    }
    assert_eq!(export(0, &[]).code, 0);
    assert_eq!(server.psql("select sum(records) from t"), "30");
    // A column of somebody's own, or of another type: no longer what an export makes.
    assert_eq!(server.psql("alter table t add note text; select count(*) from t"), "2");
    assert_eq!(export(0, &[]).code, 0);
    assert_eq!(server.psql("select count(*) from pg_attribute where attrelid = 't'::regclass and attnum > 0"), "2");
}

/// Whoever exports would own a table that is made anew: the owner, and who reads there as one of its members, could not.
#[test]
fn a_table_stays_its_owners_whoever_exports() {
    let Some(server) = Postgres::start("a_table_stays_its_owners", false) else { return };
    let (_work, export) = replacing(&server);
    server.psql(&format!(
        "create role office; create role bob login password '{PASSWORD}' in role office; create role reader in role office; \
         grant create on schema public to bob"
    ));
    let bob = [("PGUSER".to_string(), "bob".to_string())];
    assert_eq!(export(28, &bob).code, 0);
    server.psql("alter table t owner to office");
    // Neither the superuser nor a member.
    let ann: &Variables = &[];
    for who in [ann, &bob] {
        refused(&export(0, who), "a new table would be without its owner", "export under another name");
        assert_eq!(export(10, who).code, 0, "{who:?}: with the same columns it stays");
        let seen = "set role reader; select (select sum(days) from t), pg_get_userbyid(relowner) from pg_class where oid = 't'::regclass";
        assert_eq!(server.psql(seen), "20|office", "{who:?}");
    }
}

/// What was said of a column by a query that stood here before would be said of another's.
#[test]
fn a_column_that_the_query_says_nothing_of_has_no_comment() {
    let Some(server) = Postgres::start("a_column_that_the_query_says_nothing_of", false) else { return };
    let (work, export) = replacing(&server);
    let bare = work.read("other.sql");
    let remarks = "select 't'::regclass::oid, col_description('t'::regclass, 1), col_description('t'::regclass, 2)";
    work.write(
        "other.sql",
        format!("-- column: source text - where from\n-- column: records int legs calls of it\n{bare}"),
    );
    assert_eq!(export(0, &[]).code, 0);
    let oid = server.psql("select 't'::regclass::oid");
    assert_eq!(server.psql(remarks), format!("{oid}|where from|calls of it (legs)"));
    work.write("other.sql", format!("-- column: source text - whose\n{bare}"));
    assert_eq!(export(0, &[]).code, 0);
    assert_eq!(server.psql(remarks), format!("{oid}|whose|"), "it is the same table");
}

#[test]
fn rows_that_cannot_all_be_taken_out_stay() {
    let Some(server) = Postgres::start("rows_that_cannot_all_be_taken_out", false) else { return };
    let (_work, export) = replacing(&server);
    assert_eq!(export(0, &[]).code, 0);
    server.psql(
        "alter table t add primary key (source); create table theirs (source text references t on delete cascade)",
    );
    server.psql("insert into theirs values ('hq-cucm')");
    refused(&export(0, &[]), "keys of other tables point at its rows", "under another name");
    assert_eq!(server.psql("select (select sum(records) from t), (select count(*) from theirs)"), "30|1");
    server.psql("drop table theirs; create rule keep as on delete to t do instead nothing");
    refused(&export(0, &[]), "its old rows cannot be deleted", "rules and triggers");
    assert_eq!(server.psql("select sum(records) from t"), "30");
    // Its owner has put itself under its own rules.
    server.psql(&format!(
        "drop table t; create role bob login password '{PASSWORD}'; grant create on schema public to bob"
    ));
    let bob = [("PGUSER".to_string(), "bob".to_string())];
    assert_eq!(export(0, &bob).code, 0);
    server.psql(
        "alter table t enable row level security; alter table t force row level security; \
         create policy one on t using (source = 'hq-cucm')",
    );
    refused(&export(0, &bob), "hides rows from this user", "under another name");
    assert_eq!(server.psql("select sum(records) from t"), "30");
}

#[test]
fn exports_at_the_same_time_leave_the_rows_of_one() {
    let Some(server) = Postgres::start("exports_at_the_same_time", false) else { return };
    let (_work, export) = replacing(&server);
    assert_eq!(export(28, &[]).code, 0);
    let codes = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| export(10, &[]).code)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(codes, [0; 4]);
    assert_eq!(server.psql("select sum(days) from t"), "20");
}

#[test]
fn the_password_comes_from_the_environment_or_its_file_and_never_from_the_command_line() {
    let Some(server) = Postgres::start("the_password", false) else { return };
    let work = Workdir::small();
    work.good(&["nightly"]);
    let export = |variables: &[(String, String)], more: &[&str]| {
        let args = [&["export", "coverage", "--to", "postgres", "--table", "c", "--replace"], more].concat();
        run(work.path(), &args, variables)
    };
    let there = server.variables();
    let bare: Vec<_> = there.iter().filter(|(name, _)| name != "PGPASSWORD").cloned().collect();
    refused(&export(&bare, &[]), "password", "set PGPASSWORD");
    refused(&export(&with(&there, "PGPASSWORD", "wrong"), &[]), "password authentication failed", "PGPASSFILE");
    let url = format!("postgresql://ann:{PASSWORD}@127.0.0.1:{}/postgres", server.port);
    refused(&export(&bare, &["--url", &url]), "there is a password in it", "take it out");
    let file = |mode| {
        use std::os::unix::fs::PermissionsExt;
        work.write(".pgpass", format!("127.0.0.1:{}:*:ann:{}\n", server.port, PASSWORD.replace(':', "\\:")));
        std::fs::set_permissions(work.join(".pgpass"), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    file(0o644);
    refused(&export(&bare, &[]), "can be read by others", "chmod 0600");
    file(0o600);
    assert_eq!(export(&bare, &[]).code, 0, "the usual file");
    let url = format!("postgresql://ann@127.0.0.1:{}/postgres", server.port);
    assert_eq!(export(&[], &["--url", &url]).code, 0, "all else from the URL");
    work.write("services", format!("[reports]\nhost=127.0.0.1\nport={}\nuser=ann\ndbname=postgres\n", server.port));
    let service =
        [("PGSERVICE", "reports"), ("PGSERVICEFILE", "services")].map(|(k, v)| (k.to_string(), v.to_string()));
    assert_eq!(export(&service, &[]).code, 0, "a service");
    refused(&export(&with(&there, "PGDATABASE", "none"), &[]), "\"none\" does not exist", "PGDATABASE");
    // Nobody listens there any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    refused(&export(&with(&there, "PGPORT", &closed), &[]), "refused", "PGHOST");
}

#[test]
fn a_connection_is_encrypted_and_the_server_known_where_that_is_asked_for() {
    let Some(server) = Postgres::start("encrypted", true) else { return };
    let work = Workdir::small();
    work.good(&["nightly"]);
    let export = |variables: &[(&str, &str)]| {
        let there = variables.iter().fold(server.variables(), |all, (name, value)| with(&all, name, value));
        run(work.path(), &["export", "coverage", "--to", "postgres", "--table", "c", "--replace"], &there)
    };
    let (ca, other) = (server.file("ca.crt"), server.file("other.crt"));
    let (ca, other) = (ca.to_str().unwrap(), other.to_str().unwrap());
    for mode in ["require", "verify-full"] {
        let ran = export(&[("PGSSLMODE", mode), ("PGSSLROOTCERT", ca), ("PGHOST", "localhost")]);
        assert_eq!(ran.code, 0, "{mode}: {ran:?}");
    }
    assert_eq!(server.psql("select sum(days) from c"), "56");
    // The server takes nothing that is not encrypted, and on this machine it is not unless asked for.
    refused(&export(&[("PGHOST", "localhost")]), "no encryption", "");
    refused(
        &export(&[("PGSSLMODE", "require"), ("PGSSLROOTCERT", other), ("PGHOST", "localhost")]),
        "certificate",
        "PGSSLROOTCERT",
    );
    // The certificate is for another name.
    refused(
        &export(&[("PGSSLMODE", "require"), ("PGSSLROOTCERT", ca), ("PGHOST", "127.0.0.1")]),
        "certificate",
        "PGSSLROOTCERT",
    );
    refused(&export(&[("PGSSLMODE", "require"), ("PGSSLROOTCERT", "nothing.crt")]), "nothing.crt", "path");
    refused(&export(&[("PGSSLMODE", "on")]), "\"on\" is unknown", "verify-full");
}
