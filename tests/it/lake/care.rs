//! Merging and deleting change no answer; what retention removes is gone from the disk, and what it leaves is the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Date32Type;
use chrono::{NaiveDate, Utc};
use onhook::lake::{Access, Lake, Table};

use super::{bytes, files, forge, roll_ups, rows, small};
use crate::workdir::{Workdir, copy, repository};

const MITEL: &str = "landing/mitel/smdr_20240331.log";

/// The hand-made estate, delivered in many small files, a run and a batch each.
fn many_batches() -> Workdir {
    let work = Workdir::small();
    let text = work.read(MITEL);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    std::fs::remove_file(work.join(MITEL)).unwrap();
    // Dealt out like cards, each with one more call of the first, so that its day is in every batch.
    let first = lines[0].trim_end();
    for n in 0..6 {
        let name = format!("landing/mitel/part{n}_20240331.log");
        let dealt: String = lines.iter().skip(n).step_by(6).copied().collect();
        work.write(&name, format!("{dealt}{}10:0{n}{}\n", &first[..7], &first[12..]));
        work.good(&["ingest", "--source", "north-mitel", &name]);
    }
    let folder = work.join("landing/cucm").read_dir().unwrap();
    let mut names: Vec<String> = folder.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in names {
        work.run(&["ingest", "--source", "hq-cucm", &format!("landing/cucm/{name}")]);
    }
    work.good(&["estate", "load"]);
    work
}

/// What every report prints.
fn reports(work: &Workdir) -> BTreeMap<String, String> {
    let list = work.good(&["query", "--list"]).stdout;
    let names = list.lines().map(|line| line.split_whitespace().next().unwrap().to_string());
    names.map(|name| (name.clone(), work.good(&["query", &name, "-f", "csv"]).stdout)).collect()
}

/// The rows of a table in the order of its files.
fn in_order(work: &Workdir, table: Table) -> RecordBatch {
    let lake = Lake::open(&work.join("lake"), Access::Read).unwrap();
    let files = lake.files(table, lake.finished_batch().unwrap()).unwrap();
    let all: Vec<RecordBatch> = files.paths.iter().map(|path| rows(path)).collect();
    arrow::compute::concat_batches(&table.schema(), &all).unwrap()
}

/// The roll-ups summed up by key, as a reader does.
fn sums(work: &Workdir) -> [Vec<String>; 2] {
    let counts = |columns: &[&str]| columns.iter().map(|c| format!("sum({c})")).collect::<Vec<_>>().join(", ");
    let usage = format!(
        "select source, local_day, subject_kind, subject, {}, max(longest_wait_s), max(longest_call_s), \
         case when min(dialled_one) = max(dialled_one) then min(dialled_one) when min(dialled_one) is not null then -1 end, \
         min(first_minute), max(last_minute) from usage group by 1, 2, 3, 4 order by 1, 2, 3, 4",
        counts(&onhook::usage::COUNTS)
    );
    let traffic = format!(
        "select source, local_day, quarter, kind, name, {} from traffic group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5",
        counts(&onhook::traffic::COUNTS)
    );
    [work.sql(&usage), work.sql(&traffic)]
}

fn compact(work: &Workdir) -> serde_json::Value {
    serde_json::from_str(&work.good(&["lake", "compact", "--json"]).stdout).unwrap()
}

#[test]
fn compaction_changes_no_row_and_no_answer() {
    let work = many_batches();
    let tables = [Table::Legs, Table::Quality, Table::Rejects, Table::Inputs];
    let before = (tables.map(|table| in_order(&work, table)), sums(&work), reports(&work));
    let rows_per_key =
        "select max(n) from (select count(*) as n from usage group by source, local_day, subject_kind, subject)";
    assert_ne!(work.sql(rows_per_key), ["1"], "there is something to sum up");
    let reader = Lake::open(&work.join("lake"), Access::Read).unwrap();
    let open = reader.files(Table::Legs, reader.finished_batch().unwrap()).unwrap();
    let said = compact(&work);
    for table in ["legs", "quality", "rejects", "usage", "traffic", "inputs"] {
        let (many, one) = (said[table]["files_before"].as_u64().unwrap(), said[table]["files_after"].as_u64().unwrap());
        assert!(one == 1 && (many > 1 || table == "rejects" || table == "quality"), "{table}: {said}");
    }
    assert!(said["legs"]["files_before"].as_u64().unwrap() >= 10, "{said}");
    assert!(open.paths.iter().all(|path| path.is_file()), "who reads goes on reading");
    assert_eq!(tables.map(|table| in_order(&work, table)), before.0);
    assert_eq!(sums(&work), before.1);
    let after = reports(&work);
    for (name, answer) in &before.2 {
        assert_eq!(&after[name], answer, "{name}");
    }
    // Once more does nothing.
    let (bytes_before, again) = (bytes(&work.join("lake")), compact(&work));
    assert_eq!(again["legs"]["files_before"], again["legs"]["files_after"]);
    assert_eq!(bytes(&work.join("lake")), bytes_before);
    // Each key of a roll-up has one row now, and it is what legs give.
    assert_eq!(work.sql(rows_per_key), ["1"]);
    let said = work.good(&["lake", "verify"]).stdout;
    assert!(said.contains("dead files"), "{said}");
    // The next batch stands behind, and is not merged with what it repeats.
    work.good(&["ingest"]);
    assert_eq!(tables.map(|table| in_order(&work, table)), before.0);
}

/// A run killed between the commits of two tables, or before one: nothing is lost, nothing is twice.
#[test]
fn a_compaction_cut_short_is_harmless() {
    let work = many_batches();
    let before = (in_order(&work, Table::Legs), sums(&work));
    let lake = Lake::open(&work.join("lake"), Access::Write).unwrap();
    lake.compact_table(Table::Legs).unwrap();
    lake.compact_table(Table::Usage).unwrap();
    drop(lake);
    work.good(&["lake", "verify"]);
    assert_eq!((in_order(&work, Table::Legs), sums(&work)), before);
    // A file written and not committed.
    let path = files(&work, "traffic").remove(0);
    std::fs::copy(&path, path.with_file_name("b00000009-v00000099-c0000.parquet")).unwrap();
    let ran = work.run(&["lake", "verify"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.stdout.lines().filter(|line| line.starts_with("wrong ")).count(), 1, "{ran:?}");
    compact(&work);
    assert_eq!((in_order(&work, Table::Legs), sums(&work)), before);
    work.good(&["lake", "vacuum"]);
    let ran = work.good(&["lake", "verify"]);
    assert!(!ran.stdout.contains("dead files"), "{ran:?}");
    assert_eq!((in_order(&work, Table::Legs), sums(&work)), before);
}

#[test]
fn vacuum_deletes_what_nobody_needs_and_waits_for_who_reads() {
    let work = many_batches();
    compact(&work);
    let answer = work.sql("select count(*), sum(talk_s) from legs");
    let status = work.good(&["lake", "status"]).stdout;
    assert!(status.lines().any(|line| line.starts_with("dead") && line.ends_with("waiting for vacuum")), "{status}");
    let before = bytes(&work.join("lake"));
    let reader = Lake::open(&work.join("lake"), Access::Read).unwrap();
    let ran = work.run(&["lake", "vacuum"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("somebody is reading the lake"), "{ran:?}");
    assert_eq!(bytes(&work.join("lake")), before);
    drop(reader);
    let said: serde_json::Value = serde_json::from_str(&work.good(&["lake", "vacuum", "--json"]).stdout).unwrap();
    assert!(said["deleted"]["files"].as_u64().unwrap() > 20, "{said}");
    assert_eq!(files(&work, "legs").len(), 1);
    assert_eq!(work.sql("select count(*), sum(talk_s) from legs"), answer);
    work.good(&["lake", "verify"]);
    let again = work.good(&["lake", "vacuum"]);
    assert_eq!(again.stdout, "deleted   0 files of 0 bytes\n");
}

/// Whether a text stands anywhere in the lake's folder, in the bytes or in a cell.
fn holds(work: &Workdir, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (path, bytes) in bytes(&work.join("lake")) {
        let mut has = bytes.windows(text.len()).any(|window| window == text.as_bytes());
        if path.extension().is_some_and(|end| end == "parquet") && !path.to_string_lossy().contains("_delta_log") {
            for column in rows(&path).columns() {
                has |=
                    column.as_string_opt::<i32>().is_some_and(|c| c.iter().flatten().any(|cell| cell.contains(text)));
            }
        }
        if has {
            found.push(path.display().to_string());
        }
    }
    found
}

fn march(day: u32) -> i32 {
    onhook::normalise::days(NaiveDate::from_ymd_opt(2024, 3, day).unwrap())
}

/// Somebody outside who only ever called before the window: all callers of those calls get his number.
const OLD_CALLER: &str = "+441632960999";

fn with_an_old_caller(work: &Workdir) {
    forge(work, "legs", |rows| {
        let text = |name: &str| rows.column_by_name(name).unwrap().as_string::<i32>();
        let days = rows.column_by_name("local_day").unwrap().as_primitive::<Date32Type>();
        let callers = text("caller");
        let caller = |row| {
            if days.value(row) < march(4) {
                Some(OLD_CALLER)
            } else {
                callers.is_valid(row).then(|| callers.value(row))
            }
        };
        let changed: StringArray = (0..rows.num_rows()).map(caller).collect();
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        columns[rows.schema().index_of("caller").unwrap()] = Arc::new(changed);
        RecordBatch::try_new(rows.schema(), columns).unwrap()
    });
}

#[test]
fn retention_removes_calls_for_good_and_keeps_what_is_counted() {
    let work = small();
    with_an_old_caller(&work);
    work.good(&["nightly"]);
    assert!(!holds(&work, OLD_CALLER).is_empty());
    let before = (roll_ups(&work), work.sql("select * from inputs order by input_id"));
    let idle = work.good(&["query", "idle-handsets", "-f", "csv"]).stdout;
    let old = work.sql("select count(*) from legs where local_day < date '2024-03-04'");
    let kept = work.sql("select * from legs where local_day >= date '2024-03-04' order by leg_key, started_at");
    for (when, says) in [
        ("2024-03-05", "evidence window"),
        ("2999-01-01", "in the future"),
        ("soon", "730d"),
        ("0d", "evidence window"),
    ] {
        let ran = work.run(&["lake", "vacuum", "--older-than", when]);
        assert_eq!(ran.code, 2, "{when}: {ran:?}");
        assert!(ran.stderr.contains(says), "{when}: {ran:?}");
    }
    assert_eq!(work.sql("select count(*) from removals"), ["0"]);
    let ran = work.good(&["lake", "vacuum", "--older-than", "2024-03-04", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["removed"]["legs"].to_string(), old[0], "{said}");
    assert_eq!(holds(&work, OLD_CALLER), Vec::<String>::new());
    assert_eq!(work.sql("select count(*) from legs where local_day < date '2024-03-04'"), ["0"]);
    assert_eq!(work.sql("select * from legs order by leg_key, started_at"), kept);
    assert_eq!((roll_ups(&work), work.sql("select * from inputs order by input_id")), before);
    assert_eq!(work.good(&["query", "idle-handsets", "-f", "csv"]).stdout, idle);
    let told = "select before_day, table_name, sum(rows) from removals where table_name = 'legs' group by 1, 2";
    assert_eq!(work.sql(told), [format!("2024-03-04,legs,{}", old[0])]);
    let status = work.good(&["lake", "status"]).stdout;
    assert!(status.contains("calls before 2024-03-04 were removed for good"), "{status}");
    let lake = Lake::open(&work.join("lake"), Access::Read).unwrap();
    assert_eq!(lake.kept_from().unwrap(), Some(march(4)));
    drop(lake);
    let verified = work.good(&["lake", "verify"]);
    assert!(verified.stdout.starts_with("sound "), "{verified:?}");
    // Once more, and a day before, remove nothing.
    let there = bytes(&work.join("lake"));
    for day in ["2024-03-04", "2024-02-01"] {
        let again = work.good(&["lake", "vacuum", "--older-than", day]).stdout;
        assert!(
            again.starts_with("removed   0 legs, 0 quality, 0 rejects") && again.contains("deleted   0 files"),
            "{again}"
        );
    }
    assert_eq!(bytes(&work.join("lake")), there);
    // What was removed does not come back with a longer dump of the same records.
    for entry in work.join("landing/cucm").read_dir().unwrap().map(Result::unwrap) {
        let longer = [std::fs::read(entry.path()).unwrap(), b"\n".to_vec()].concat();
        let name = entry.file_name().into_string().unwrap();
        work.write(&format!("landing/cucm/{}9", name.trim_end_matches(".gz")), longer);
    }
    let (_, said) = work.ingest(&["--source", "hq-cucm"]);
    assert_eq!(said["records"]["kept"], 0, "{said}");
    assert!(said["records"]["skipped"].as_u64().unwrap() > 0 && said["records"]["repeated"].as_u64().unwrap() > 0);
    assert_eq!(work.sql("select * from legs order by leg_key, started_at"), kept);
    assert_eq!(roll_ups(&work), before.0);
    assert_eq!(holds(&work, OLD_CALLER), Vec::<String>::new());
    let verified = work.good(&["lake", "verify"]);
    assert!(verified.stdout.starts_with("sound "), "{verified:?}");
}

#[test]
fn a_removal_cut_short_is_completed_by_the_next_writer() {
    let (work, whole) = (small(), small());
    whole.good(&["lake", "vacuum", "--older-than", "2024-03-04"]);
    let lake = Lake::open(&work.join("lake"), Access::Write).unwrap();
    let removed = lake.begin_removal(march(4), Utc::now()).unwrap();
    drop(lake);
    assert!(removed.legs > 0, "{removed:?}");
    let old = "select count(*) from legs where local_day < date '2024-03-04'";
    assert_eq!(work.sql(old), [removed.legs.to_string()], "written down, not yet taken");
    let ran = work.good(&["lake", "verify"]);
    assert!(ran.stdout.contains("a removal of old calls was cut short"), "{ran:?}");
    work.good(&["ingest"]);
    assert_eq!(work.sql(old), ["0"]);
    for table in ["legs", "quality", "rejects", "usage", "inputs"] {
        let rows = format!("select * from {table} order by 1, 2, 3, 4");
        let of = |work: &Workdir| {
            if table == "inputs" { work.sql("select name, kept from inputs order by 1") } else { work.sql(&rows) }
        };
        assert_eq!(of(&work), of(&whole), "{table}");
    }
    work.good(&["lake", "vacuum"]);
    let ran = work.good(&["lake", "verify"]);
    assert!(ran.stdout.starts_with("sound "), "{ran:?}");
}

/// What retention keeps names nobody outside: over the invented estate, with all that real deliveries do.
#[test]
fn roll_ups_and_inputs_hold_no_number_from_outside() {
    let work = Workdir::new();
    copy(&repository().join("sample-data"), work.path());
    work.good(&["ingest"]);
    let ours = "select caller_ext from legs union select dialled_ext from legs union select callee_ext from legs union select redirect_ext from legs";
    let numbers = "select count(*) from usage where subject_kind = 'number'";
    assert!(work.sql(numbers)[0].parse::<u64>().unwrap() > 10_000);
    assert_eq!(
        work.sql(&format!(
            "{numbers} and subject not in (select caller_ext from ({ours}) where caller_ext is not null)"
        )),
        ["0"]
    );
    let outside = "select caller from legs where caller_ext is null union select dialled from legs where dialled_ext is null union select callee from legs where callee_ext is null";
    let outside: std::collections::HashSet<String> =
        work.sql(outside).into_iter().filter(|n| n.starts_with('+') || n.starts_with('0')).collect();
    assert!(outside.len() > 500, "{}", outside.len());
    for table in ["usage", "traffic", "inputs"] {
        for path in files(&work, table) {
            for column in rows(&path).columns().iter().filter_map(|c| c.as_string_opt::<i32>()) {
                let found = column.iter().flatten().filter(|cell| outside.contains(*cell)).count();
                assert_eq!(found, 0, "{table}");
            }
        }
    }
}

/// The rows of before March 4 of one kind get another name.
fn renamed(rows: &RecordBatch, [kinds, kind]: [&str; 2], names: &str, name: &str) -> RecordBatch {
    let text = |column: &str| rows.column_by_name(column).unwrap().as_string::<i32>();
    let days = rows.column_by_name("local_day").unwrap().as_primitive::<Date32Type>();
    let is_meant = |row: usize| text(kinds).value(row) == kind && days.value(row) < march(4);
    assert!((0..rows.num_rows()).any(is_meant), "{kind}");
    let changed = (0..rows.num_rows()).map(|row| if is_meant(row) { name } else { text(names).value(row) });
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns[rows.schema().index_of(names).unwrap()] = Arc::new(StringArray::from_iter_values(changed));
    RecordBatch::try_new(rows.schema(), columns).unwrap()
}

/// A handset and a trunk that are called after somebody's number, in days whose calls are gone: nothing is left to work them out
/// from.
#[test]
fn a_number_is_erased_from_roll_ups_whose_calls_are_gone() {
    let (digits, work) = (&OLD_CALLER[3..], small());
    forge(&work, "usage", |rows| renamed(&rows, ["subject_kind", "device"], "subject", &format!("Desk of 0{digits}")));
    forge(&work, "traffic", |rows| renamed(&rows, ["kind", "trunk"], "name", &format!("Line 0{digits}")));
    work.good(&["lake", "vacuum", "--older-than", "2024-03-04"]);
    let sums = || {
        let counts = |columns: &[&str]| columns.iter().map(|c| format!("sum({c})")).collect::<Vec<_>>().join(", ");
        let (usage, traffic) = (counts(&onhook::usage::COUNTS), counts(&onhook::traffic::COUNTS));
        [
            work.sql(&format!(
                "select source, local_day, subject_kind, {usage} from usage group by 1, 2, 3 order by 1, 2, 3"
            )),
            work.sql(&format!(
                "select source, local_day, kind, {traffic} from traffic group by 1, 2, 3 order by 1, 2, 3"
            )),
        ]
    };
    let before = sums();
    let held = || -> Vec<String> {
        let said: serde_json::Value =
            serde_json::from_str(&work.good(&["subject", OLD_CALLER, "--json"]).stdout).unwrap();
        let held = said["held"].as_array().unwrap().iter();
        held.map(|held| format!("{} {}", held["table"].as_str().unwrap(), held["last_day"].as_str().unwrap())).collect()
    };
    assert_eq!(held(), ["usage 2024-02-10", "traffic 2024-02-10"]);
    work.good(&["subject", OLD_CALLER, "--erase"]);
    assert_eq!(held(), Vec::<String>::new());
    assert_eq!(holds(&work, digits), Vec::<String>::new());
    assert_eq!(sums(), before);
    assert!(work.good(&["lake", "verify"]).stdout.starts_with("sound "));
}

/// To look after a lake is not to make one.
#[test]
fn care_makes_no_lake() {
    let work = Workdir::small();
    for args in [&["lake", "verify"][..], &["lake", "verify", "--repair"], &["lake", "compact"], &["lake", "vacuum"]] {
        let ran = work.run(args);
        assert!(ran.code == 2 && ran.stderr.contains("there is no lake yet"), "{args:?}: {ran:?}");
    }
    assert!(!work.join("lake").exists());
}
