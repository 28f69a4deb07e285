//! Logs that are long, damaged behind a checkpoint, or not tidied up after a commit.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, RecordBatch, StringArray};
use chrono::NaiveDate;
use onhook::lake::{Access, Lake, Table};

use super::{bytes, files, forge, roll_ups, small, with};
use crate::workdir::Workdir;

fn day(n: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2023, 1, 1).unwrap() + chrono::TimeDelta::days(n.into())
}

/// A load of one site for the day, a commit to the log of `sites`.
fn load(lake: &Lake, n: i32) -> onhook::error::Result<()> {
    let text = |word: String| Arc::new(StringArray::from(vec![Some(word)])) as ArrayRef;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from(vec![onhook::normalise::days(day(n))])),
        text(format!("S{n}")),
        text("a site".into()),
        text("020".into()),
    ];
    lake.replace_load(Table::Sites, day(n), &RecordBatch::try_new(Table::Sites.schema(), columns).unwrap())
}

/// Logs are read from a checkpoint every hundred entries, and an entry's hash is in it.
#[test]
fn a_long_log_is_read_from_its_checkpoint() {
    let work = small();
    let lake = Lake::open(&work.join("lake"), Access::Write).unwrap();
    for n in 0..110 {
        load(&lake, n).unwrap();
    }
    drop(lake);
    let log = work.join("lake/sites/_delta_log");
    assert!(log.join("00000000000000000099.checkpoint.parquet").is_file(), "{:?}", bytes(&log).keys());
    work.good(&["lake", "verify"]);
    // As Delta clears away old entries: whoever still reads them fails.
    for version in 0..99 {
        std::fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    let lake = Lake::open(&work.join("lake"), Access::Read).unwrap();
    let fifth = lake.load_in_force(Table::Sites, day(5)).unwrap().unwrap();
    assert_eq!(fifth.column(1).as_string::<i32>().value(0), "S5");
    drop(lake);
    let ran = work.good(&["lake", "verify"]);
    assert!(ran.stdout.starts_with("sound "), "{ran:?}");
    let path = files(&work, "sites").remove(4);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let ran = work.run(&["lake", "verify"]);
    assert!(ran.code == 1 && ran.stdout.contains("its bytes are not those that were written"), "{ran:?}");
    std::fs::remove_file(log.join("00000000000000000105.json")).unwrap();
    let ran = work.run(&["lake", "verify"]);
    assert!(ran.code == 1 && ran.stdout.contains("_delta_log/00000000000000000105.json"), "{ran:?}");
}

/// What Delta does behind every hundredth commit fails: the log has taken the commit, and the run goes on.
#[test]
fn a_commit_whose_checkpoint_cannot_be_written_has_been_made() {
    let work = small();
    let log = work.join("lake/sites/_delta_log");
    // Of this name no file can be made.
    let in_the_way = log.join("00000000000000000099.checkpoint.parquet");
    std::fs::create_dir(&in_the_way).unwrap();
    let lake = Lake::open(&work.join("lake"), Access::Write).unwrap();
    for n in 0..100 {
        load(&lake, n).unwrap_or_else(|error| panic!("load {n}: {error}"));
    }
    drop(lake);
    assert!(log.join("00000000000000000100.json").is_file(), "{:?}", bytes(&log).keys());
    assert!(in_the_way.is_dir());
    std::fs::remove_dir(&in_the_way).unwrap();
    let loads = "select count(distinct as_of) from sites where as_of < date '2024-01-01'";
    assert_eq!(work.sql(loads), ["100"]);
    assert!(work.good(&["lake", "verify"]).stdout.starts_with("sound "));
}

/// As Delta makes one by itself every hundred commits.
fn checkpoint(work: &Workdir, table: &str) {
    let url = url::Url::from_directory_path(work.join("lake").join(table)).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let table = deltalake::open_table(url).await.unwrap();
        deltalake::checkpoints::create_checkpoint(&table, None).await.unwrap();
    });
}

/// Delta reads on from the checkpoint, and so do questions. But what the log says cannot be proved, and what cannot be proved is
/// not worked out a second time beside what is there.
#[test]
fn a_roll_up_whose_log_is_damaged_is_named_and_left_as_it_is() {
    let sums = roll_ups(&small());
    let cut = |path: &std::path::Path| {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::write(path, &text[..text.len() - 20]).unwrap();
    };
    let lost = |path: &std::path::Path| std::fs::remove_file(path).unwrap();
    for (table, other) in [("usage", "traffic"), ("traffic", "usage")] {
        let work = small();
        checkpoint(&work, table);
        let entry = work.join("lake").join(table).join("_delta_log/00000000000000000001.json");
        if table == "usage" {
            cut(&entry)
        } else {
            lost(&entry)
        }
        let before = bytes(&work.join("lake"));
        let told = |repaired: &str| {
            let ran = work.run(&["lake", "verify", "--repair"]);
            let line = format!("wrong     {table} _delta_log/00000000000000000001.json: ");
            assert!(ran.code == 1 && ran.stdout.contains(&line), "{ran:?}");
            assert!(ran.stdout.contains(&format!("note      {table} was not held against legs")), "{ran:?}");
            let wrong = ran.stdout.lines().filter(|line| line.starts_with("wrong ")).count();
            let repairs: String = ran.stdout.lines().filter_map(|line| line.strip_prefix("repaired  ")).collect();
            assert_eq!((wrong, repairs.as_str()), (1, repaired), "{ran:?}");
        };
        told("");
        assert!(bytes(&work.join("lake")) == before, "{table}: it was touched");
        assert_eq!(roll_ups(&work), sums, "{table}");
        // The other one stands on legs alone, and is mended all the same.
        let column = if other == "usage" { "made" } else { "legs" };
        forge(&work, other, |rows| with(&rows, column, |row, n| if row == 0 { n + 1 } else { n }));
        told(other);
        assert_eq!(roll_ups(&work), sums, "{table}");
    }
}
