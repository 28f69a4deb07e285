//! Each damage planted in a real lake: named with table, file and what; mended where it is derived, else left as it is.

use arrow::array::{AsArray, BooleanArray, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};

use super::{bytes, files, forge, put, roll_ups, rows, small, with};
use crate::workdir::Workdir;

/// Name of what is done, doing it, and what one line of the answer must hold. The doing gives the name of the file that
/// must be named, blank where none is.
struct Damage {
    what: &'static str,
    done: fn(&Workdir) -> String,
    says: &'static [&'static str],
    is_derived: bool,
}

fn first(work: &Workdir, table: &str) -> (std::path::PathBuf, String) {
    let path = files(work, table).remove(0);
    let name = path.file_name().unwrap().to_str().unwrap().to_string();
    (path, name)
}

fn delete(work: &Workdir, table: &str) -> String {
    let (path, name) = first(work, table);
    std::fs::remove_file(path).unwrap();
    name
}

fn cut(work: &Workdir, table: &str) -> String {
    let (path, name) = first(work, table);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    name
}

const ALL: [Damage; 19] = [
    Damage {
        what: "a missing file",
        done: |work| delete(work, "legs"),
        says: &["legs ", "the file is missing"],
        is_derived: false,
    },
    Damage {
        what: "a file of the register that is missing",
        done: |work| delete(work, "extensions"),
        says: &["extensions ", "the file is missing"],
        is_derived: false,
    },
    Damage {
        what: "a file cut short",
        done: |work| cut(work, "quality"),
        says: &["quality ", "bytes, the log says"],
        is_derived: false,
    },
    Damage {
        what: "a byte of a data page flipped",
        done: |work| {
            let (path, name) = first(work, "legs");
            let mut bytes = std::fs::read(&path).unwrap();
            let at = bytes.len() / 3;
            bytes[at] ^= 1;
            std::fs::write(path, bytes).unwrap();
            name
        },
        says: &["legs ", "its bytes are not those that were written"],
        is_derived: false,
    },
    Damage {
        what: "another valid file with fewer rows in a file's place",
        done: |work| {
            let (path, name) = first(work, "legs");
            let there = rows(&path);
            put(&path, &there.slice(0, there.num_rows() - 1));
            name
        },
        says: &["legs ", "rows, the log says"],
        is_derived: false,
    },
    Damage {
        what: "a ledger that says one more was kept",
        done: |work| {
            forge(work, "inputs", |rows| {
                let more = |row, n: i64| if row == 0 { n + 1 } else { n };
                with(&with(&rows, "kept", more), "read", more)
            })
        },
        says: &["inputs ", "kept is", "rows of legs"],
        is_derived: false,
    },
    Damage {
        what: "a ledger that does not balance",
        done: |work| forge(work, "inputs", |rows| with(&rows, "skipped", |row, n| if row == 1 { n + 5 } else { n })),
        says: &["inputs ", "read is", "adds up to"],
        is_derived: false,
    },
    Damage {
        what: "a reject that is gone",
        done: |work| forge(work, "rejects", |rows| rows.slice(1, rows.num_rows() - 1)),
        says: &["inputs ", "rejected is", "rows of rejects"],
        is_derived: false,
    },
    Damage {
        what: "a file that no log names",
        done: |work| {
            let (path, _) = first(work, "usage");
            std::fs::copy(&path, path.with_file_name("b00000001-v00000099.parquet")).unwrap();
            "b00000001-v00000099.parquet".into()
        },
        says: &["usage ", "no log names this file"],
        is_derived: false,
    },
    Damage {
        what: "a leg that stands twice",
        done: |work| {
            forge(work, "legs", |rows| {
                let ids =
                    rows.column_by_name("input_id").unwrap().as_primitive::<arrow::datatypes::Int64Type>().clone();
                let twin = (1..rows.num_rows()).find(|row| ids.value(*row) == ids.value(row - 1)).unwrap();
                let seats = (0..rows.num_rows()).map(|row| (if row == twin { row - 1 } else { row }) as u32);
                take_record_batch(&rows, &UInt32Array::from_iter_values(seats)).unwrap()
            })
        },
        says: &["legs ", "1 rows have the key and the moment"],
        is_derived: false,
    },
    Damage {
        what: "a media report that stands twice",
        done: |work| {
            forge(work, "quality", |rows| {
                let seats = (0..rows.num_rows()).map(|row| (if row == 1 { 0 } else { row }) as u32);
                take_record_batch(&rows, &UInt32Array::from_iter_values(seats)).unwrap()
            })
        },
        says: &["quality ", "1 rows have the key and the moment"],
        is_derived: false,
    },
    Damage {
        what: "legs of an input that is not there",
        done: |work| forge(work, "legs", |rows| with(&rows, "input_id", |row, id| if row < 2 { 77 } else { id })),
        says: &["legs ", "2 rows are of input 77, which inputs does not have"],
        is_derived: false,
    },
    Damage {
        what: "an entry missing from a log",
        done: |work| {
            std::fs::remove_file(work.join("lake/legs/_delta_log/00000000000000000001.json")).unwrap();
            "_delta_log/00000000000000000001.json".into()
        },
        says: &["legs ", "the entry is missing from the log"],
        is_derived: false,
    },
    Damage {
        what: "a log that does not parse",
        done: |work| {
            let path = work.join("lake/inputs/_delta_log/00000000000000000002.json");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(path, &text[..text.len() - 20]).unwrap();
            "_delta_log/00000000000000000002.json".into()
        },
        says: &["inputs ", "of the log does not parse"],
        is_derived: false,
    },
    Damage {
        what: "a row of usage changed",
        done: |work| forge(work, "usage", |rows| with(&rows, "answered", |row, n| if row == 3 { n + 2 } else { n })),
        says: &["usage ", "1 rows are not what legs give: answered is"],
        is_derived: true,
    },
    Damage {
        what: "a subject gone from usage",
        done: |work| {
            forge(work, "usage", |rows| {
                let subjects = rows.column_by_name("subject").unwrap().as_string::<i32>().clone();
                let stays: BooleanArray =
                    subjects.iter().map(|subject| Some(subject != Some(subjects.value(0)))).collect();
                filter_record_batch(&rows, &stays).unwrap()
            })
        },
        says: &["usage ", "a row is missing or too many"],
        is_derived: true,
    },
    Damage {
        what: "a row of traffic changed",
        done: |work| forge(work, "traffic", |rows| with(&rows, "held_s", |row, n| if row == 0 { n + 60 } else { n })),
        says: &["traffic ", "1 rows are not what legs give: held_s is"],
        is_derived: true,
    },
    Damage {
        what: "a file of usage that is missing",
        done: |work| delete(work, "usage"),
        says: &["usage ", "the file is missing"],
        is_derived: true,
    },
    Damage {
        what: "a file of traffic cut short, the other one changed",
        done: |work| {
            forge(work, "traffic", |rows| with(&rows, "legs", |row, n| if row == 0 { n + 1 } else { n }));
            let path = files(work, "traffic").remove(1);
            std::fs::write(&path, b"PAR1").unwrap();
            path.file_name().unwrap().to_str().unwrap().to_string()
        },
        says: &["traffic ", "bytes, the log says"],
        is_derived: true,
    },
];

#[test]
fn each_planted_damage_is_named_and_what_is_derived_is_mended() {
    let clean = small();
    let sound = clean.good(&["lake", "verify"]);
    assert!(sound.stdout.starts_with("sound "), "{}", sound.stdout);
    let mut wrong = Vec::new();
    for damage in ALL {
        let work = small();
        let file = (damage.done)(&work);
        let before = bytes(&work.join("lake"));
        let ran = work.run(&["lake", "verify"]);
        let is_said = |line: &str| {
            line.starts_with("wrong ") && line.contains(&file) && damage.says.iter().all(|w| line.contains(w))
        };
        if ran.code != 1 || !ran.stdout.lines().any(is_said) {
            wrong.push(format!("{} ({file}): {ran:?}", damage.what));
        }
        if bytes(&work.join("lake")) != before {
            wrong.push(format!("{}: looking changed something", damage.what));
        }
        let mended = work.run(&["lake", "verify", "--repair"]);
        if damage.is_derived {
            if mended.code != 0 || !mended.stdout.contains("repaired  ") || roll_ups(&work) != roll_ups(&clean) {
                wrong.push(format!("{} is not mended: {mended:?}", damage.what));
            }
        } else if mended.code != 1 || bytes(&work.join("lake")) != before {
            wrong.push(format!("{}: --repair touched it: {mended:?}", damage.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A log that somebody else can write to may name any path: nothing is read there, and no copy put there.
#[test]
fn a_log_that_names_a_path_is_damaged() {
    let work = small();
    let log = work.join("lake/legs/_delta_log");
    let commits = log
        .read_dir()
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "json"));
    let commit = log.join(format!("{:020}.json", commits.count()));
    for path in ["../../../../evil.txt", "..%2F..%2Fevil.parquet", ".hidden.parquet", "day=1/x.parquet"] {
        let add = serde_json::json!({"add": {"path": path, "partitionValues": {}, "size": 4, "modificationTime": 0, "dataChange": true}});
        std::fs::write(&commit, add.to_string()).unwrap();
        for args in [&["sql", "-e", "select count(*) from legs"][..], &["ingest"], &["lake", "compact"]] {
            let ran = work.run(args);
            assert_eq!(ran.code, 2, "{path} {args:?}: {ran:?}");
            assert!(
                ran.stderr.contains("its commit log names what is no file of its folder"),
                "{path} {args:?}: {ran:?}"
            );
        }
        let ran = work.run(&["lake", "verify"]);
        assert_eq!(ran.code, 1, "{path}: {ran:?}");
        assert!(ran.stdout.contains("its commit log names what is no file of its folder"), "{path}: {ran:?}");
    }
}

/// Damage in what the roll-ups stand on: they are not worked out from it.
#[test]
fn what_stands_on_damage_is_not_mended_from_it() {
    let work = small();
    forge(&work, "usage", |rows| with(&rows, "made", |row, n| if row == 3 { n + 2 } else { n }));
    forge(&work, "legs", |rows| with(&rows, "input_id", |row, id| if row < 2 { 77 } else { id }));
    let before = bytes(&work.join("lake"));
    let ran = work.run(&["lake", "verify", "--repair"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("usage and traffic were not held against legs"), "{ran:?}");
    assert_eq!(bytes(&work.join("lake")), before);
}

/// An unfinished batch is no damage: a reader does not see it, the next run takes it back.
#[test]
fn an_unfinished_batch_is_told_and_is_no_damage() {
    use onhook::lake::{Access, Lake, Table};
    let work = small();
    let half = rows(&files(&work, "legs")[0]);
    let lake = Lake::open(&work.join("lake"), Access::Write).unwrap();
    let next = lake.finished_batch().unwrap() + 1;
    let mut file = lake.data_file(Table::Legs, next, 1).unwrap();
    file.append(&half).unwrap();
    lake.append_batch(next, vec![(Table::Legs, vec![file.finish().unwrap()])]).unwrap();
    // Nobody else may write meanwhile; looking is free, and a file that a writer may yet name is not judged.
    assert_eq!(work.run(&["lake", "verify", "--repair"]).code, 2);
    let ran = work.good(&["lake", "verify"]);
    assert!(ran.stdout.contains("a run is writing"), "{ran:?}");
    drop(lake);
    let ran = work.good(&["lake", "verify"]);
    assert!(ran.stdout.contains("legs: 1 files of an unfinished batch, taken back by the next run"), "{ran:?}");
    work.good(&["ingest"]);
    let ran = work.good(&["lake", "verify"]);
    assert!(!ran.stdout.contains("unfinished") && ran.stdout.contains("1 dead files"), "{ran:?}");
}
