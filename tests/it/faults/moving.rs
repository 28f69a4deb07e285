//! Files that grow, shrink or go while they are read; one file under two names; two runs at once; readers throughout.

use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use onhook::lake::{Access, Lake, Table};

use super::estate::{Estate, Rows, command, difference, good, padded, rows, start};
use crate::workdir::{Ran, Workdir};

const MITEL: &str = "landing/mitel/smdr_20240331.log";
const BIG: &str = "landing/mitel/zbig_20240330.log";

fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    Ran { code: output.status.code().unwrap_or(-1), stdout: String::new(), stderr }
}

/// Returns once a process has the file open.
fn is_reading(child: &Child, file: &Path) {
    let open = format!("/proc/{}/fd", child.id());
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        let files = Path::new(&open).read_dir().into_iter().flatten().flatten();
        if files.into_iter().any(|fd| fd.path().read_link().is_ok_and(|path| path == file)) {
            return;
        }
    }
    panic!("{} was never opened", file.display());
}

/// Lines of a Mitel log, of one length.
fn lines(work: &Workdir, count: usize) -> String {
    let line = work.read(MITEL).lines().next().unwrap().to_string();
    let clock = line.find(':').unwrap() - 2;
    let at = |i: usize| format!("{}{:02}:{:02}{}\n", &line[..clock], i / 60 % 24, i % 60, &line[clock + 5..]);
    (0..count).map(at).collect()
}

/// A small estate with one more file that takes a while.
fn with_big(count: usize) -> Workdir {
    let work = Workdir::small();
    let text = lines(&work, count);
    work.write(BIG, text);
    work
}

fn clean_of(work: &Workdir) -> Rows {
    let clean = Workdir::small();
    std::fs::copy(work.join(BIG), clean.join(BIG)).unwrap();
    good(&clean);
    rows(&clean.join("lake"))
}

/// How far a run is, for who changes a file under its hands.
struct Run {
    /// Whoever changes the file is ready; only then the run is started.
    ready: Barrier,
    is_reading: AtomicBool,
    is_over: AtomicBool,
}

/// Does something to the big file while it is read; it is put out, the others are read, and the next run takes it as it is.
fn changed(count: usize, change: impl FnOnce(&Path, &Run) + Send) {
    let work = with_big(count);
    let big = work.join(BIG).canonicalize().unwrap();
    let run = Run { ready: Barrier::new(2), is_reading: AtomicBool::new(false), is_over: AtomicBool::new(false) };
    let ran = std::thread::scope(|scope| {
        scope.spawn(|| change(&big, &run));
        run.ready.wait();
        let child = start(&work);
        is_reading(&child, &big);
        run.is_reading.store(true, Ordering::Relaxed);
        let ran = ended(child);
        run.is_over.store(true, Ordering::Relaxed);
        ran
    });
    assert_eq!(ran.code, 1, "{ran:?}");
    let errors: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors.len() == 1 && errors[0].contains("zbig_20240330.log: it changed while it was read"), "{ran:?}");
    assert_eq!(work.sql(&format!("select count(*) from inputs where name = '{BIG}'")), ["0"], "nothing of it is there");
    assert_eq!(work.sql("select count(*) from inputs"), ["8"], "the others are");
    good(&work);
    assert_eq!(difference(&rows(&work.join("lake")), &clean_of(&work)), None);
}

#[test]
fn a_file_that_grows_while_it_is_read_is_left_for_the_next_run() {
    // One that is kept in memory, and one so long that it is read twice.
    for count in [200_000, 500_000] {
        changed(count, |path, run| {
            let mut file = std::fs::File::options().append(true).open(path).unwrap();
            let more = std::fs::read(path).unwrap().split_inclusive(|b| *b == b'\n').next().unwrap().to_vec();
            // It grows before the run begins and until it ends, so that no read of it is too quick to meet that.
            run.ready.wait();
            let start = Instant::now();
            while !run.is_over.load(Ordering::Relaxed) && start.elapsed() < Duration::from_secs(60) {
                // A line in two pieces, as a platform writes it.
                file.write_all(&more[..20]).unwrap();
                std::thread::sleep(Duration::from_micros(500));
                file.write_all(&more[20..]).unwrap();
            }
        });
    }
}

#[test]
fn a_file_that_is_cut_while_it_is_read_is_left_for_the_next_run() {
    changed(500_000, |path, run| {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        let line = std::fs::read(path).unwrap().iter().position(|b| *b == b'\n').unwrap() as u64 + 1;
        run.ready.wait();
        let start = Instant::now();
        while !run.is_reading.load(Ordering::Relaxed) && start.elapsed() < Duration::from_secs(60) {
            std::hint::spin_loop();
        }
        file.set_len(line * 1000).unwrap();
    });
}

#[test]
fn a_file_that_goes_before_it_is_read_is_named_and_stops_no_other() {
    let work = Workdir::small();
    let text = lines(&work, 200_000);
    // A batch of its own, before the others.
    work.write("landing/mitel/a_20240330.log.zst", padded(text.as_bytes()));
    let (first, later) = (work.join("landing/mitel/a_20240330.log.zst").canonicalize().unwrap(), work.join(MITEL));
    let text = std::fs::read(&later).unwrap();
    let child = command(&work).args(["--source", "north-mitel"]).spawn().unwrap();
    is_reading(&child, &first);
    std::fs::remove_file(&later).unwrap();
    let ran = ended(child);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("smdr_20240331.log: No such file or directory"), "{ran:?}");
    assert_eq!(work.sql("select count(*) from inputs"), ["1"]);
    std::fs::write(&later, text).unwrap();
    good(&work);
    assert_eq!(work.sql("select count(*) from inputs"), ["9"]);
}

#[test]
fn one_file_under_two_names_in_one_run_counts_once() {
    let (one, two) = (Workdir::small(), Workdir::small());
    let text = two.read(MITEL);
    two.write("landing/mitel/under_another_name_20240331.log", &text);
    two.write("landing/mitel/smdr_20240331.log.zst", zstd::encode_all(text.as_bytes(), 1).unwrap());
    good(&one);
    let (code, said) = two.ingest(&[]);
    assert_eq!((code, said["inputs"]["new"].as_u64(), said["inputs"]["repeated"].as_u64()), (0, Some(8), Some(2)));
    assert_eq!(difference(&rows(&two.join("lake")), &rows(&one.join("lake"))), None);
}

/// One writes, the other says so; or it came after and found all read.
#[test]
fn two_runs_at_once_leave_what_one_leaves() {
    let estate = Estate::new();
    let clean = estate.clean();
    let mut turned_away = 0;
    for _ in 0..6 {
        let work = estate.work();
        for ran in [start(&work), start(&work)].map(ended) {
            match ran.code {
                0 => {}
                2 => {
                    assert!(ran.stderr.contains("another run is writing to it"), "{ran:?}");
                    turned_away += 1;
                }
                _ => panic!("{ran:?}"),
            }
        }
        good(&work);
        assert_eq!(difference(&rows(&work.join("lake")), &clean), None);
    }
    assert!(turned_away > 0, "the two never met");
}

/// Legs and records of the ledger after each batch.
fn after_each_batch(lake: &Path) -> Vec<String> {
    let lake = Lake::open(lake, Access::Read).unwrap();
    let count = |table: Table, batch: i64| -> i64 {
        let paths = lake.files(table, batch).unwrap().paths;
        let rows = paths.into_iter().map(|path| {
            let file = std::fs::File::open(path).unwrap();
            let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            reader.metadata().file_metadata().num_rows()
        });
        rows.sum()
    };
    let all = 0..=lake.finished_batch().unwrap();
    all.map(|batch| {
        [Table::Legs, Table::Quality, Table::Usage, Table::Inputs].map(|t| count(t, batch).to_string()).join(",")
    })
    .collect()
}

#[test]
fn a_reader_sees_whole_batches_only() {
    let estate = Estate::new();
    let clean = estate.work();
    good(&clean);
    let states = after_each_batch(&clean.join("lake"));
    assert!(states.len() >= 4, "{states:?}");
    let work = estate.work();
    let mut writer = start(&work);
    let question = "select l, q, u, i, k - l - q as unaccounted from (select count(*) as l from legs), \
        (select count(*) as q from quality), (select count(*) as u from usage), \
        (select count(*) as i, sum(kept) as k from inputs)";
    let (mut seen, mut asked) = (std::collections::BTreeSet::new(), 0);
    loop {
        let is_over = writer.try_wait().unwrap().is_some();
        let ran = work.run(&["sql", "-f", "csv", "-e", question]);
        if ran.code == 2 && ran.stderr.contains("there is no lake yet") {
            continue;
        }
        assert_eq!(ran.code, 0, "{ran:?}");
        let (counts, unaccounted) = ran.stdout.lines().nth(1).unwrap().rsplit_once(',').unwrap();
        assert!(states.iter().any(|state| state == counts), "{counts} is no state after a batch: {states:?}");
        assert!(
            ["0", ""].contains(&unaccounted),
            "{unaccounted} records of the ledger without a row, or the other way round"
        );
        asked += 1;
        seen.insert(counts.to_string());
        if is_over {
            break;
        }
    }
    assert!(seen.contains(states.last().unwrap()) && asked >= 2, "{asked} asked, {seen:?} seen");
}
