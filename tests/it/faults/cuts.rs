//! Killed, or cut off from power, at a moment drawn by a seed; then run again and compared with a clean run. A few rounds
//! in every test run, hundreds in `just soak`. The power cut is `power.c`'s journal played to the worst it allows.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use onhook::lake::{Access, Lake};

use super::estate::{Estate, Rows, command, difference, good, rows, start};
use super::skip;
use crate::workdir::{Workdir, repository};

/// The sequence of SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// How long a clean run takes: the middle of three.
fn duration(estate: &Estate, shim: Option<&Path>) -> Duration {
    let mut times = [(); 3].map(|()| {
        let work = estate.work();
        let start = Instant::now();
        let child = if let Some(shim) = shim { watched(&work, shim).spawn() } else { command(&work).spawn() };
        assert!(child.unwrap().wait().unwrap().success());
        start.elapsed()
    });
    times.sort();
    times[1]
}

/// Moments over the whole run, one in each of so many equal parts, a little beyond its end.
fn moments(rounds: usize, whole: Duration, chance: &mut Chance) -> Vec<Duration> {
    let part = whole.as_secs_f64() * 1.05 / rounds as f64;
    (0..rounds).map(|i| Duration::from_secs_f64(part * (i as f64 + chance.below(1000) as f64 / 1000.0))).collect()
}

/// Kills whatever `start` started after a while.
fn cut(mut child: std::process::Child, after: Duration) {
    std::thread::sleep(after);
    let _ = child.kill();
    child.wait().unwrap();
}

/// Batches that counted when it ended; -1 where there was no lake.
fn finished(work: &Workdir) -> i64 {
    Lake::open(&work.join("lake"), Access::Read).map_or(-1, |lake| lake.finished_batch().unwrap_or(-2))
}

/// What became of the rounds.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    /// Rounds by batches that counted at the cut.
    at: BTreeMap<i64, usize>,
}

impl Tally {
    fn count(&mut self, round: usize, work: &Workdir, clean: &Rows) {
        let ran = work.run(&["ingest"]);
        let wrong = match ran.code {
            0 => difference(&rows(&work.join("lake")), clean),
            _ => Some(format!("{ran:?}")),
        };
        match wrong {
            None => self.passed += 1,
            Some(wrong) => {
                self.failed += 1;
                eprintln!("round {round}: {wrong}");
            }
        }
    }

    fn line(&self, what: &str) -> String {
        let at: Vec<String> = self.at.iter().map(|(batches, rounds)| format!("{batches}:{rounds}")).collect();
        format!("| {what} | {} | {} | {} |", self.passed + self.failed, self.passed, at.join(" "))
    }
}

/// Every fourth round the run that follows is killed as well.
fn kills(estate: &Estate, clean: &Rows, rounds: usize, seed: u64) -> Tally {
    let (mut chance, mut tally) = (Chance(seed), Tally::default());
    let whole = duration(estate, None);
    for (round, after) in moments(rounds, whole, &mut chance).into_iter().enumerate() {
        let work = estate.work();
        cut(start(&work), after);
        if round % 4 == 3 {
            cut(start(&work), whole.mul_f64(chance.below(1000) as f64 / 1000.0));
        }
        *tally.at.entry(finished(&work)).or_default() += 1;
        tally.count(round, &work, clean);
    }
    tally
}

// ---- power ----

/// What may be left of what was not synced.
#[derive(Clone, Copy, Debug)]
enum World {
    /// Names and contents are gone.
    NamesLost,
    /// All names are there, contents are cut to what was synced.
    ContentsLost,
    /// Of each name and each content by itself: there or gone; a content may also be zeroes.
    Mixed,
}

const WORLDS: [World; 3] = [World::NamesLost, World::ContentsLost, World::Mixed];

/// The journal of a run, and where it lies.
struct Power {
    lake: PathBuf,
    stash: PathBuf,
    journal: String,
}

/// `power.c` as a library; none where there is no C compiler.
fn shim(test: &str, folder: &Workdir) -> Option<PathBuf> {
    let library = folder.join("power.so");
    let source = repository().join("tests/it/faults/power.c");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").output();
    match built {
        Ok(built) if built.status.success() => Some(library),
        Ok(built) => panic!("{}", String::from_utf8_lossy(&built.stderr)),
        Err(error) => {
            skip(test, &format!("no C compiler: {error}"));
            None
        }
    }
}

fn watched(work: &Workdir, shim: &Path) -> Command {
    let here = work.path().canonicalize().unwrap();
    std::fs::create_dir_all(here.join("stash")).unwrap();
    let _ = std::fs::remove_file(here.join("journal"));
    let mut command = command(work);
    command.env("LD_PRELOAD", shim).env("ONHOOK_POWER_ROOT", here.join("lake"));
    command.env("ONHOOK_POWER_JOURNAL", here.join("journal")).env("ONHOOK_POWER_STASH", here.join("stash"));
    command.current_dir(here);
    command
}

enum Change {
    Made(PathBuf),
    Folder(PathBuf),
    Removed(PathBuf, u64),
    Renamed(PathBuf, PathBuf, u64),
}

impl Change {
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Made(path) | Self::Folder(path) | Self::Removed(path, _) | Self::Renamed(_, path, _) => path.parent(),
        }
    }
}

impl Power {
    fn of(work: &Workdir) -> Self {
        let here = work.path().canonicalize().unwrap();
        let journal = std::fs::read_to_string(here.join("journal")).unwrap_or_default();
        Self { lake: here.join("lake"), stash: here.join("stash"), journal }
    }

    /// Puts the lake into a state that the disk may have been left in.
    fn cut(&self, world: World, chance: &mut Chance) {
        let (mut changes, mut contents) = (Vec::new(), HashMap::<u64, (u64, bool)>::new());
        // The last line may be half written.
        for line in self.journal.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| words[at].parse::<u64>().unwrap();
            let path = |at: usize| PathBuf::from(words[at]);
            match words[0] {
                "w" => contents.entry(number(1)).or_default().1 = true,
                "s" => drop(contents.insert(number(1), (number(2), false))),
                "d" => changes.retain(|change: &Change| change.folder() != Some(&path(1))),
                "c" | "l" => changes.push(Change::Made(path(1))),
                "m" => changes.push(Change::Folder(path(1))),
                "u" => changes.push(Change::Removed(path(1), number(2))),
                "r" => changes.push(Change::Renamed(path(1), path(2), number(3))),
                other => panic!("{other}"),
            }
        }
        for change in changes.iter().rev() {
            let is_lost = match world {
                World::NamesLost => true,
                World::ContentsLost => false,
                World::Mixed => chance.below(2) == 0,
            };
            if is_lost {
                self.undo(change);
            }
        }
        let files = if self.lake.is_dir() { files(&self.lake) } else { Vec::new() };
        for file in files {
            let data = file.metadata().unwrap();
            let Some((synced, true)) = contents.get(&data.ino()) else { continue };
            let fate = if matches!(world, World::Mixed) { chance.below(3) } else { 0 };
            let content = std::fs::File::options().write(true).open(&file).unwrap();
            if fate < 2 {
                content.set_len((*synced).min(data.len())).unwrap();
            }
            if fate == 1 {
                content.set_len(data.len()).unwrap();
            }
        }
    }

    /// What cannot be undone was undone by what came after it.
    fn undo(&self, change: &Change) {
        let kept = |inode: &u64| self.stash.join(inode.to_string());
        let _ = match change {
            Change::Made(path) => std::fs::remove_file(path),
            Change::Folder(path) => std::fs::remove_dir_all(path),
            Change::Removed(path, inode) => std::fs::hard_link(kept(inode), path),
            Change::Renamed(from, to, inode) => std::fs::rename(to, from)
                .and_then(|()| if *inode > 0 { std::fs::hard_link(kept(inode), to) } else { Ok(()) }),
        };
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A cut in the midst of a run, the three worlds in turn.
fn cuts(estate: &Estate, clean: &Rows, shim: &Path, rounds: usize, seed: u64) -> Tally {
    let (mut chance, mut tally) = (Chance(seed), Tally::default());
    let whole = duration(estate, Some(shim));
    for (round, after) in moments(rounds, whole, &mut chance).into_iter().enumerate() {
        let work = estate.work();
        cut(watched(&work, shim).spawn().unwrap(), after);
        Power::of(&work).cut(WORLDS[round % WORLDS.len()], &mut chance);
        *tally.at.entry(finished(&work)).or_default() += 1;
        tally.count(round, &work, clean);
    }
    tally
}

#[test]
fn killed_at_any_moment_it_is_made_good_by_the_next_run() {
    let estate = Estate::new();
    let tally = kills(&estate, &estate.clean(), 10, 1);
    assert_eq!((tally.passed, tally.failed), (10, 0), "{}", tally.line("kill"));
    assert!(tally.at.len() >= 3, "the moments are too much alike: {}", tally.line("kill"));
}

#[test]
fn a_power_cut_at_any_moment_is_made_good_by_the_next_run() {
    let folder = Workdir::new();
    let Some(shim) = shim("a_power_cut_at_any_moment", &folder) else { return };
    let estate = Estate::new();
    let tally = cuts(&estate, &estate.clean(), &shim, 9, 2);
    assert_eq!((tally.passed, tally.failed), (9, 0), "{}", tally.line("power cut"));
}

/// Exit code 0 is a promise: the power may go the moment after.
#[test]
fn what_was_said_to_be_done_outlasts_a_power_cut() {
    let folder = Workdir::new();
    let Some(shim) = shim("what_was_said_to_be_done", &folder) else { return };
    let estate = Estate::new();
    let clean = estate.clean();
    for world in WORLDS {
        let work = estate.work();
        assert!(watched(&work, &shim).spawn().unwrap().wait().unwrap().success());
        let power = Power::of(&work);
        power.cut(world, &mut Chance(3));
        assert_eq!(difference(&rows(&work.join("lake")), &clean), None, "{world:?}");
        // The journal sees what it is there for: else the test proves nothing.
        let count = |event: &str| power.journal.lines().filter(|line| line.starts_with(event)).count();
        let batches = finished(&work) as usize;
        let (synced, folders, commits) = (count("s "), count("d "), count("l "));
        assert!(
            synced >= 8 * batches && folders >= 6 * batches && commits >= 5 * batches,
            "{synced} {folders} {commits}"
        );
        // And a disk that says it synced and did not is noticed.
        let lies = Power {
            journal: power.journal.lines().filter(|l| !l.starts_with("s ")).map(|l| format!("{l}\n")).collect(),
            ..power
        };
        lies.cut(World::ContentsLost, &mut Chance(3));
        assert_eq!(work.run(&["ingest"]).code, 2, "nothing was synced, and nobody noticed");
    }
}

/// `just soak`: prints the rows of `docs/reliability.md`.
#[test]
#[expect(clippy::print_stdout, reason = "the table of docs/reliability.md")]
#[ignore = "takes minutes: just soak"]
fn soak() {
    let rounds: usize = std::env::var("ONHOOK_SOAK").map_or(200, |n| n.parse().unwrap());
    let folder = Workdir::new();
    let estate = Estate::new();
    let clean = estate.clean();
    let records: usize = ["legs", "quality", "rejects"].iter().map(|table| clean[table].len()).sum();
    let start = Instant::now();
    let killed = kills(&estate, &clean, rounds, 20);
    let shim = shim("soak", &folder);
    let power = shim.map(|shim| cuts(&estate, &clean, &shim, (rounds / 3).max(3), 21));
    println!(
        "\n| fault | rounds | equal to a clean run | rounds by batches that counted at the cut |\n|---|---|---|---|"
    );
    println!("{}", killed.line("SIGKILL"));
    if let Some(power) = &power {
        println!("{}", power.line("power cut"));
    }
    let files = super::estate::bytes_below(&estate.landing()).len();
    println!("\n{records} rows of {files} files, {} s", start.elapsed().as_secs());
    assert_eq!(killed.failed + power.map_or(0, |power| power.failed), 0);
    good(&estate.work());
}
