//! What is held under a number, and its erasure: gone from every byte, with ledgers, counts and answers as they were.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use onhook::lake::{Access, Lake};
use serde_json::Value;

use super::{Numbers, outside_numbers, with};
use crate::workdir::{Workdir, copy};

const MITEL: &str = "landing/mitel/smdr_20240331.log";
/// Called once by line 1 of the Mitel's file.
const NUMBER: &str = "+441632960601";

/// The hand-made estate with two more lines that tell the number: one that nobody can read, and another call.
fn estate(way: &str) -> Workdir {
    let work = Workdir::small();
    let text = work.read(MITEL);
    let bad = " 13/45 09:01  0000:01:05 4101         901632960601              A T1                            001\n";
    let more = " 03/27 09:30  0000:02:00 4105         901632960601              A T1                            001\n";
    work.write(MITEL, text + bad + more);
    if way != "keep" {
        with(&work, way);
    }
    let ran = work.run(&["nightly"]);
    assert!(ran.code < 2, "{ran:?}");
    work
}

fn asked(work: &Workdir, args: &[&str]) -> Value {
    let ran = work.run(&[&["subject", "--json"], args].concat());
    assert!(ran.code < 2, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
}

/// Rows held, by table.
fn rows(said: &Value, table: &str) -> u64 {
    said["held"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|held| held["table"] == table)
        .map(|held| held["rows"].as_u64().unwrap())
        .sum()
}

fn counted(work: &Workdir) -> u64 {
    let sql = format!("select count(*) from legs where '{NUMBER}' in (caller, dialled, callee)");
    work.sql(&sql)[0].parse().unwrap()
}

#[test]
fn what_is_held_is_found_in_every_way_of_writing_it() {
    let work = estate("keep");
    let legs = counted(&work);
    assert_eq!(legs, 2);
    for written in [NUMBER, "01632 960601", "0044 1632 960601", "+44 (0)1632 960601", "441632960601"] {
        let said = asked(&work, &[written]);
        assert_eq!((rows(&said, "legs"), said["ours"].as_bool()), (legs, Some(false)), "{written}: {said}");
        assert_eq!(said["number"], "+441632*");
    }
    assert_eq!(rows(&asked(&work, &[NUMBER]), "rejects"), 1);
    // Of its calls the first and the last day, as SQL has them.
    let days = work
        .sql(&format!("select min(local_day), max(local_day) from legs where '{NUMBER}' in (caller, dialled, callee)"));
    let held = &asked(&work, &[NUMBER])["held"][0];
    assert_eq!(format!("{},{}", held["first_day"].as_str().unwrap(), held["last_day"].as_str().unwrap()), days[0]);
    assert_eq!(asked(&work, &["01632 960699"])["held"], Value::Array(Vec::new()));
    // From standard input, so that no list of commands shows it; and nothing of it is printed.
    let ran = work.piped(&["subject", "-"], "01632 960601\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    let said = ran.stdout + &ran.stderr;
    assert_eq!(Numbers::of([NUMBER]).found_in(said.as_bytes()), None);
    assert!(said.lines().any(|line| line.starts_with(&format!("legs      {legs} rows of north-mitel"))), "{said}");
    for (wrong, why) in [
        ("60101", "one of our own numbers"),
        ("alice", "no telephone number"),
        ("960601", "no telephone number"),
        ("", "no telephone number"),
    ] {
        let ran = work.run(&["subject", wrong]);
        assert_eq!((ran.code, ran.stderr.contains(why)), (2, true), "{wrong}: {ran:?}");
    }
    // A direct line is ours, and is not taken out.
    assert_eq!(asked(&work, &["020 7946 0101"])["ours"], true);
    let ran = work.run(&["subject", "020 7946 0101", "--erase"]);
    assert_eq!((ran.code, ran.stderr.contains("one of our own")), (2, true), "{ran:?}");
}

/// Rows of every table but the texts that held the number, and what the verdicts are.
fn all_but_the_number(work: &Workdir) -> Vec<Vec<String>> {
    [
        "select leg_key, call_key, source, input_id, record_no, started_at, ring_s, talk_s, direction, outcome, caller_ext, \
            dialled_ext, callee_ext, number_class, trunk_in, trunk_out, part from legs order by 1, 2",
        "select input_id, record_no, reason, detail from rejects order by 1, 2",
        "select * from inputs order by input_id",
        "select source, local_day, subject_kind, subject, made, offered, answered, missed, talk_in_s, talk_out_s from usage \
            order by 1, 2, 3, 4",
        "select * from traffic order by 1, 2, 3, 4, 5",
        "select source, extension, verdict, action, reason from verdicts order by 1, 2",
        "select source, local_day, number_class, payer_extension, charge_micros from rated_calls order by 1, 2, 3, 4, 5",
    ]
    .map(|sql| work.sql(sql))
    .into()
}

#[test]
fn an_erased_number_is_in_no_byte_and_everything_else_is_as_it_was() {
    for way in ["keep", "pseudonym"] {
        let work = estate(way);
        let gone = match way {
            // A pseudonym is the person's to whoever has the key.
            "pseudonym" => Numbers::of(
                work.sql("select distinct callee from legs where callee like '+441632p%' and callee_ext is null"),
            ),
            _ => Numbers::of([NUMBER]),
        };
        let (before, held) = (all_but_the_number(&work), asked(&work, &[NUMBER]));
        assert!(rows(&held, "legs") >= 1, "{way}: {held}");
        let others = outside_numbers(&work).len();
        let ran = work.run(&["subject", NUMBER, "--erase"]);
        assert_eq!(ran.code, 0, "{way}: {ran:?}");
        assert!(ran.stderr.contains("the vendor's files"), "{ran:?}");
        if way == "keep" {
            assert_eq!(gone.places(&work.join("lake")), Vec::<String>::new());
        }
        assert_eq!(asked(&work, &[NUMBER])["held"], Value::Array(Vec::new()), "{way}");
        assert_eq!(all_but_the_number(&work), before, "{way}");
        assert!(work.sql("select count(*) from legs where '+441632*' in (caller, dialled, callee)")[0] != "0");
        assert!(outside_numbers(&work).len() < others, "{way}");
        assert!(work.good(&["lake", "verify"]).stdout.starts_with("sound"), "{way}");
        // The same file is known, and the same records in another file are repeats.
        let (_, said) = work.ingest(&[]);
        assert_eq!(said["records"]["read"], 0, "{way}: {said}");
        work.write(
            "landing/mitel/again_20240331.log",
            work.read(MITEL).lines().filter(|l| !l.contains("13/45")).collect::<Vec<_>>().join("\n"),
        );
        let (_, said) = work.ingest(&[]);
        assert_eq!((&said["records"]["kept"], &said["records"]["rejected"]), (&0.into(), &0.into()), "{way}: {said}");
        assert_eq!(asked(&work, &[NUMBER])["held"], Value::Array(Vec::new()), "{way}");
        // The night's outputs do not have it any more either.
        work.run(&["nightly"]);
        assert_eq!(Numbers::of([NUMBER]).places(&work.join("out")), Vec::<String>::new());
    }
}

/// An estate whose extensions are as long as the local numbers about it: 60101 is 460101, and 01632 460101 is somebody else.
fn long_extensions() -> Workdir {
    let work = Workdir::small();
    let longer = |text: &str| {
        let mut long = String::new();
        for (at, c) in text.char_indices() {
            let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
            let begins = !text[..at].ends_with(|c: char| c.is_ascii_digit());
            if begins && digits == 5 && text[at..].starts_with("60") {
                long.push('4');
            }
            long.push(c);
        }
        long
    };
    for folder in ["landing/cucm", "estate"] {
        for path in super::files(&work.join(folder)) {
            let name = path.strip_prefix(work.path()).unwrap().to_str().unwrap();
            work.write(name, longer(&work.read(name)));
        }
    }
    let config = work.read("onhook.toml").replace("[\"60XXX\"]", "[\"460XXX\"]");
    let config = config.replace("extension_digits = 5", "extension_digits = 6");
    work.write("onhook.toml", config.replace("name = \"hq-cucm\"", "name = \"hq-cucm\"\narea_code = \"01632\""));
    let call = " 03/27 09:30  0000:02:00 4105         901632460101              A T1                            001\n";
    work.write(MITEL, work.read(MITEL) + call);
    let ran = work.run(&["nightly"]);
    assert!(ran.code < 2, "{ran:?}");
    work
}

#[test]
fn an_extension_that_looks_like_the_number_keeps_its_calls() {
    let work = long_extensions();
    let calls = "select caller, dialled, callee, caller_ext, dialled_ext, callee_ext, redirect_ext, record_no, input_id from legs \
        where coalesce(callee, '') <> '+441632460101' and coalesce(callee, '') <> '+441632*' order by input_id, record_no";
    let ours = "select count(*) from legs where '460101' in (caller_ext, dialled_ext, callee_ext)";
    let (before, rest) = (work.sql(calls), all_but_the_number(&work));
    assert!(work.sql(ours)[0].parse::<u32>().unwrap() > 5);
    let said = asked(&work, &["01632 460101"]);
    assert_eq!((said["held"].as_array().unwrap().len(), rows(&said, "legs")), (1, 1), "{said}");
    assert_eq!(said["held"][0]["source"], "north-mitel");
    let ran = work.run(&["subject", "01632 460101", "--erase"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(work.sql(calls), before);
    assert_eq!(all_but_the_number(&work), rest);
    assert_eq!(work.sql("select count(*) from legs where callee = '+441632460101'"), ["0"]);
    assert_eq!(asked(&work, &["01632 460101"])["held"], Value::Array(Vec::new()));
}

/// Killed between two commits: what is done is done, and the same run again does the rest.
#[test]
fn an_erasure_cut_short_is_completed_by_the_same_again() {
    let (work, done) = (estate("keep"), Workdir::new());
    copy_all(work.path(), done.path());
    done.good(&["subject", NUMBER, "--erase"]);
    let whole = all_but_the_number(&done);
    // In the order of the commits: each table done as in the finished lake, all behind it as before.
    for reached in 0..=2 {
        let cut = Workdir::new();
        copy_all(work.path(), cut.path());
        for table in ["rejects", "quality", "legs"].iter().take(reached + 1) {
            std::fs::remove_dir_all(cut.join("lake").join(table)).unwrap();
            copy_all(&done.join("lake").join(table), &cut.join("lake").join(table));
        }
        assert_eq!(all_but_the_number(&cut), whole, "nobody who reads sees a difference");
        cut.good(&["subject", NUMBER, "--erase"]);
        assert_eq!(Numbers::of([NUMBER]).places(&cut.join("lake")), Vec::<String>::new());
        assert!(cut.good(&["lake", "verify"]).stdout.starts_with("sound"));
        assert_eq!(all_but_the_number(&cut), whole);
    }
}

/// Killed anywhere: who reads sees no difference, and the same run again leaves what a whole one leaves.
#[test]
fn killed_at_any_moment_the_same_again_takes_the_number_out() {
    const ROUNDS: u32 = 8;
    let work = estate("keep");
    let erase = |work: &Workdir| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
        command.args(["subject", NUMBER, "--erase"]).current_dir(work.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let copied = || {
        let cut = Workdir::new();
        copy_all(work.path(), cut.path());
        cut
    };
    let done = copied();
    let start = Instant::now();
    assert!(erase(&done).wait().unwrap().success());
    let whole = start.elapsed();
    let looks = [
        "select source, input_id, record_no, talk_s, caller_ext, callee_ext from legs order by 1, 2, 3",
        "select source, local_day, subject_kind, subject, made, answered, dialled_one from usage order by 1, 2, 3, 4",
    ];
    let after = looks.map(|sql| done.sql(sql));
    for round in 0..ROUNDS {
        let cut = copied();
        let mut child = erase(&cut);
        std::thread::sleep(whole * (2 * round + 1) / (2 * ROUNDS));
        let _ = child.kill();
        child.wait().unwrap();
        assert_eq!(cut.sql(looks[0]), after[0], "round {round}");
        cut.good(&["subject", NUMBER, "--erase"]);
        assert_eq!(Numbers::of([NUMBER]).places(&cut.join("lake")), Vec::<String>::new(), "round {round}");
        assert_eq!(looks.map(|sql| cut.sql(sql)), after, "round {round}");
        assert!(cut.good(&["lake", "verify"]).stdout.starts_with("sound"), "round {round}");
    }
}

#[test]
fn who_reads_is_not_disturbed_and_the_files_wait() {
    let work = estate("keep");
    let reader = Lake::open(&work.join("lake"), Access::Read).unwrap();
    let ran = work.run(&["subject", NUMBER, "--erase"]);
    assert_eq!((ran.code, ran.stderr.contains("somebody is reading the lake")), (1, true), "{ran:?}");
    assert_eq!(counted(&work), 0, "who asks from now on does not see it");
    assert!(!Numbers::of([NUMBER]).places(&work.join("lake")).is_empty(), "the old files are still there");
    drop(reader);
    work.good(&["subject", NUMBER, "--erase"]);
    assert_eq!(Numbers::of([NUMBER]).places(&work.join("lake")), Vec::<String>::new());
}

/// With the lake, which `copy` leaves out.
fn copy_all(from: &Path, to: &Path) {
    copy(from, to);
    for name in ["lake", "out"] {
        if from.join(name).is_dir() {
            copy(&from.join(name), &to.join(name));
        }
    }
}
