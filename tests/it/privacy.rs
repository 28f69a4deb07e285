//! What is kept of outside numbers: nothing of them anywhere where they are not to be kept, the same answers all the same,
//! and one person's number found and taken out.
//!
//! - `nowhere`: every byte of lake, logs and outputs searched; answers of the plain and the masked estate
//! - `key`: the key file, rotation, change of mind
//! - `subject`: what is held under a number, and its erasure
//! - `suppressed`: small counts left out of exports

#[path = "privacy/key.rs"]
mod key;
#[path = "privacy/nowhere.rs"]
mod nowhere;
#[path = "privacy/subject.rs"]
mod subject;
#[path = "privacy/suppressed.rs"]
mod suppressed;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::workdir::Workdir;

const KEY: &str = "keys/outside.key";

/// Says of every source what is kept of outside numbers, and puts a key there.
fn with(work: &Workdir, way: &str) {
    let config = work.read("onhook.toml").replace("[[source]]", &format!("[[source]]\noutside_numbers = \"{way}\""));
    work.write("onhook.toml", format!("{config}\n[privacy]\nkey = \"{KEY}\"\n"));
    let line = |word: &str, n: u8| format!("{word} {}\n", format!("{n:02x}").repeat(32));
    work.write(KEY, line("records", 0x11) + &line("numbers", 0x22));
    close(work);
}

/// Only its owner may read the key.
fn close(work: &Workdir) {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(work.join(KEY), mode).unwrap();
    }
}

/// Numbers that must not be found, by the digits that every way of writing them ends in.
#[derive(Debug, Default)]
struct Numbers {
    all: BTreeSet<Vec<u8>>,
    lengths: BTreeSet<usize>,
}

impl Numbers {
    /// From numbers in E.164, or as they were dialled.
    fn of<S: AsRef<str>>(numbers: impl IntoIterator<Item = S>) -> Self {
        let digits = |number: S| {
            let number = number.as_ref();
            let bare = number.strip_prefix("+44").or_else(|| number.strip_prefix('+'));
            bare.unwrap_or(number.trim_start_matches('0')).as_bytes().to_vec()
        };
        let all: BTreeSet<Vec<u8>> = numbers.into_iter().map(digits).filter(|n| n.len() >= 6).collect();
        Self { lengths: all.iter().map(Vec::len).collect(), all }
    }

    /// The first that stands in some bytes, with anything before or behind it.
    fn found_in(&self, bytes: &[u8]) -> Option<String> {
        for run in bytes.split(|b| !b.is_ascii_digit()) {
            for length in &self.lengths {
                if let Some(found) = run.windows(*length).find(|digits| self.all.contains(*digits)) {
                    return Some(String::from_utf8_lossy(found).into_owned());
                }
            }
        }
        None
    }

    /// The places below a folder where any of them stands: in the bytes, in a text of a Parquet file, in a part of a workbook.
    fn places(&self, folder: &Path) -> Vec<String> {
        let mut places = Vec::new();
        for path in files(folder) {
            let bytes = std::fs::read(&path).unwrap();
            let mut look = |what: &str, bytes: &[u8]| {
                let found = self.found_in(bytes);
                places.extend(found.map(|number| format!("{} {what}: {number}", path.display())));
            };
            look("bytes", &bytes);
            match path.extension().and_then(|end| end.to_str()) {
                Some("parquet") => texts(&path).iter().for_each(|(column, text)| look(column, text.as_bytes())),
                Some("xlsx") => {
                    let mut book = zip::ZipArchive::new(std::io::Cursor::new(bytes.as_slice())).unwrap();
                    for n in 0..book.len() {
                        let mut part = Vec::new();
                        book.by_index(n).unwrap().read_to_end(&mut part).unwrap();
                        look("part", &part);
                    }
                }
                _ => {}
            }
        }
        places
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Every text of a Parquet file, by its column; figures that are none of our hashes as text too.
fn texts(path: &Path) -> Vec<(String, String)> {
    let file = std::fs::File::open(path).unwrap();
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    for rows in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap) {
        for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
            if let Some(texts) = column.as_string_opt::<i32>() {
                found.extend(texts.iter().flatten().map(|text| (field.name().clone(), text.to_string())));
            } else if let Some(texts) = column.as_string_view_opt() {
                found.extend(texts.iter().flatten().map(|text| (field.name().clone(), text.to_string())));
            } else if column.data_type().is_integer()
                && !field.name().ends_with("_key")
                && !field.name().ends_with("link")
            {
                let options = arrow::util::display::FormatOptions::default();
                let shown = arrow::util::display::ArrayFormatter::try_new(column, &options).unwrap();
                (0..column.len()).filter(|row| column.is_valid(*row)).for_each(|row| {
                    let text = shown.value(row).to_string();
                    // The number of an input is a hash.
                    if field.name() != "input_id" {
                        found.insert((field.name().clone(), text));
                    }
                });
            }
        }
    }
    found.into_iter().collect()
}

/// Outside numbers in the lake of a plain estate: what is no extension, and no number that is ours or that the
/// organisation's own lists name in full.
fn outside_numbers(plain: &Workdir) -> Vec<String> {
    let own: BTreeSet<String> = plain
        .sql("select distinct ddi from extensions where ddi is not null union select distinct '+' || prefix from tariffs")
        .into_iter()
        .collect();
    let config = plain.read("onhook.toml");
    let ranges = config.split("range = \"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let ranges: Vec<(&str, usize)> = ranges.map(|range| (range.trim_end_matches('X'), range.len())).collect();
    let is_direct = |number: &String| ranges.iter().any(|(start, n)| number.starts_with(start) && number.len() == *n);
    let of = |column: &str, own: &str| format!("select {column} as n, number_class as c from legs where {own} is null");
    let all =
        [of("caller", "caller_ext"), of("dialled", "dialled_ext"), of("callee", "callee_ext")].join(" union all ");
    let numbers = plain.sql(&format!("select distinct n from ({all}) where n is not null order by n"));
    let is_long = |number: &String| number.bytes().filter(u8::is_ascii_digit).count() >= 7;
    numbers.into_iter().filter(is_long).filter(|number| !own.contains(number) && !is_direct(number)).collect()
}

/// What a number became, for each that stands in the same place of the same record; it is the same everywhere.
fn became(plain: &Workdir, masked: &Workdir) -> BTreeMap<String, String> {
    let mut became: BTreeMap<String, String> = BTreeMap::new();
    for column in ["caller", "dialled", "callee"] {
        let sql = format!(
            "select source, input_id, record_no, started_at, coalesce({column}, '') from legs order by 1, 2, 3, 4"
        );
        let (before, after) = (plain.sql(&sql), masked.sql(&sql));
        assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            let (at, number) = before.rsplit_once(',').unwrap();
            let (again, instead) = after.rsplit_once(',').unwrap();
            assert_eq!(at, again);
            let there = became.entry(number.to_string()).or_insert_with(|| instead.to_string());
            assert_eq!(there, instead, "{number} is one thing everywhere");
        }
    }
    became
}
