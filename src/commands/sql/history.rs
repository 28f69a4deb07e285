//! What was typed in sessions, kept in a file of its owner's. What may be a telephone number of somebody outside is
//! remembered for the session and never written.

use std::path::{Path, PathBuf};

use rustyline::Config;
use rustyline::Result;
use rustyline::history::{FileHistory, History, MemHistory, SearchDirection, SearchResult};

/// Digits in a row from which on they may be an outside number; extensions and dates have fewer.
const DIGITS_OF_A_NUMBER: usize = 7;

/// Whether a text holds so many digits that they may be a number, written with blanks, dashes or brackets or not.
fn may_name_somebody(text: &str) -> bool {
    let mut digits = 0;
    let mut longest = 0;
    // A date between quotes is 8 digits and two dashes.
    let letters = without_dates(text);
    for letter in letters.chars() {
        match letter {
            _ if letter.is_numeric() => digits += 1,
            // What stands between the digits of a number, in a pattern too.
            _ if letter.is_whitespace()
                || "-()./%_\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2212}".contains(letter) => {}
            _ => digits = 0,
        }
        longest = longest.max(digits);
    }
    longest >= DIGITS_OF_A_NUMBER
}

/// Dates as `2024-03-31` taken out.
fn without_dates(text: &str) -> String {
    let is_date = |text: &str| {
        let shape =
            |(at, letter): (usize, char)| if at == 4 || at == 7 { letter == '-' } else { letter.is_ascii_digit() };
        text.len() == 10 && text.chars().enumerate().all(shape)
    };
    let mut left = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let is_start = !left.ends_with(|c: char| c.is_ascii_digit() || c == '-');
        let ends = |rest: &str| !rest[10..].starts_with(|c: char| c.is_ascii_digit() || c == '-');
        match rest.get(..10) {
            Some(date) if is_start && is_date(date) && ends(rest) => {
                left.push('_');
                rest = &rest[10..];
            }
            _ => {
                left.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
    }
    left
}

/// All of a session in memory, and in the file what may be kept.
pub struct Remembered {
    all: MemHistory,
    kept: FileHistory,
}

impl Remembered {
    pub fn new(config: &Config) -> Self {
        Self { all: MemHistory::with_config(config), kept: FileHistory::with_config(config) }
    }
}

impl History for Remembered {
    fn get(&self, index: usize, dir: SearchDirection) -> Result<Option<SearchResult<'_>>> {
        self.all.get(index, dir)
    }

    fn add(&mut self, line: &str) -> Result<bool> {
        if !may_name_somebody(line) {
            self.kept.add(line)?;
        }
        self.all.add(line)
    }

    fn add_owned(&mut self, line: String) -> Result<bool> {
        self.add(&line)
    }

    fn len(&self) -> usize {
        self.all.len()
    }

    fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn set_max_len(&mut self, len: usize) -> Result<()> {
        self.kept.set_max_len(len)?;
        self.all.set_max_len(len)
    }

    fn ignore_dups(&mut self, yes: bool) -> Result<()> {
        self.kept.ignore_dups(yes)?;
        self.all.ignore_dups(yes)
    }

    fn ignore_space(&mut self, yes: bool) {
        self.kept.ignore_space(yes);
        self.all.ignore_space(yes);
    }

    fn save(&mut self, path: &Path) -> Result<()> {
        self.kept.save(path)
    }

    fn append(&mut self, path: &Path) -> Result<()> {
        self.kept.append(path)
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        self.kept.load(path)?;
        let lines: Vec<String> = self.kept.iter().cloned().collect();
        lines.into_iter().try_for_each(|line| self.all.add_owned(line).map(|_| ()))
    }

    fn clear(&mut self) -> Result<()> {
        self.kept.clear()?;
        self.all.clear()
    }

    fn search(&self, term: &str, start: usize, dir: SearchDirection) -> Result<Option<SearchResult<'_>>> {
        self.all.search(term, start, dir)
    }

    fn starts_with(&self, term: &str, start: usize, dir: SearchDirection) -> Result<Option<SearchResult<'_>>> {
        self.all.starts_with(term, start, dir)
    }
}

/// Where it is kept; nowhere where the environment names no home. The folder is made for its owner alone.
pub fn file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").filter(|folder| folder.is_absolute());
    let state = state.or_else(|| Some(set("HOME").or_else(|| set("USERPROFILE"))?.join(".local/state")))?;
    let folder = state.join("onhook");
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).ok()?;
    Some(folder.join("history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_somebody_outside_is_not_written() {
        for text in [
            "select * from legs where caller = '+447700900123'",
            "select * from legs where callee like '%07700 900 123%'",
            "\\report x ddi='(020) 7946-0001'",
            "select '02079460001' -- 2024-03-31",
            "select 9460001",
            "select 1 where 'x' = '+44\u{a0}7700\u{a0}900123'",
            "caller like '%7700%900%123%'",
            "'07700/900123'",
        ] {
            assert!(may_name_somebody(text), "{text}");
        }
        for text in [
            "select count(*) from legs",
            "select * from verdicts where extension = '200123'",
            "select * from legs where local_day between '2024-03-01' and '2024-03-31'",
            "\\report coverage as_of=2024-03-31 window_days=180",
            "select talk_s / 3600, 100 * ring_s / talk_s from legs limit 100",
            "select * from legs where callee like '%2001%' and local_day > '2024-03-31'",
        ] {
            assert!(!may_name_somebody(text), "{text}");
        }
    }

    #[test]
    fn the_session_remembers_all_and_the_file_only_what_may_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        let config = Config::builder().build();
        let mut typed = Remembered::new(&config);
        typed.add("select 1;").unwrap();
        typed.add("select '07700900123';").unwrap();
        typed.add("select\n2;").unwrap();
        assert_eq!(typed.len(), 3);
        typed.append(&file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("07700900123"), "{text}");
        let mut later = Remembered::new(&config);
        later.load(&file).unwrap();
        assert_eq!(later.len(), 2);
        let last = later.get(1, SearchDirection::Reverse).unwrap().unwrap();
        assert_eq!(last.entry, "select\n2;");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
