//! Files of every format and a few thousand records more, packed and not, in several batches; and all rows of a lake as
//! text. Reads the Parquet files itself, without the SQL engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use onhook::lake::{Access, BATCH_TABLES, Lake, Table};
use onhook::synth::generate_every_format;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::workdir::{Ran, Workdir, repository};

/// Records of each of the larger files.
const RECORDS: usize = 3000;

/// What is read, for as many lakes as are asked for.
pub struct Estate {
    files: Workdir,
    config: String,
}

impl Estate {
    pub fn new() -> Self {
        let files = Workdir::new();
        generate_every_format(1, files.path()).unwrap();
        let small = repository().join("tests/fixtures/small");
        let mitel = std::fs::read_to_string(small.join("landing/mitel/smdr_20240331.log")).unwrap();
        let cucm = std::fs::read_to_string(small.join("landing/cucm/cdr_HQ-CL01_01_202402101105_100")).unwrap();
        for part in 1..=3 {
            let (log, cdr) = (mitel_file(&mitel, part), cucm_file(&cucm, part));
            // Each a batch of its own: by its size on disk it may hold a great deal.
            files.write(&format!("landing/big-mitel/smdr_2024030{part}.log.zst"), padded(log.as_bytes()));
            files.write(&format!("landing/big-cucm/cdr_HQ-CL01_01_20240210110{part}_10{part}"), cdr);
        }
        // Reports of quality, and records that are put out.
        for file in small.join("landing/cucm").read_dir().unwrap() {
            let (name, path) = (file.as_ref().unwrap().file_name(), file.as_ref().unwrap().path());
            std::fs::copy(path, files.join("landing/big-cucm").join(name)).unwrap();
        }
        let text = files.read("onhook.toml");
        let at = text.find("[[source]]").unwrap();
        let source = |name: &str, format: &str, more: &str| {
            format!(
                "[[source]]\nname = \"{name}\"\nformat = \"{format}\"\npaths = [\"landing/{name}/**\"]\n\
                timezone = \"Europe/London\"\noutside_prefix = \"9\"\n{more}\n"
            )
        };
        let ddi = "extensions = [\"60XXX\"]\nddi = [{ range = \"+442079460XXX\", extension_digits = 5 }]\n";
        let more =
            source("big-cucm", "cisco-cucm", ddi) + &source("big-mitel", "mitel-smdr", "extensions = [\"4XXX\"]\n");
        let here = |text: &str, folder: &str| {
            text.replace(&format!("\"{folder}/"), &format!("\"{}/{folder}/", files.path().display()))
        };
        let config = format!("{}{more}{}", &text[..at], &text[at..]);
        let config = here(&here(&config, "landing"), "estate");
        Self { files, config }
    }

    pub fn landing(&self) -> PathBuf {
        self.files.join("landing")
    }

    /// A folder with a configuration and no lake yet.
    pub fn work(&self) -> Workdir {
        let work = Workdir::new();
        work.write("onhook.toml", &self.config);
        work
    }

    /// What one clean run leaves.
    pub fn clean(&self) -> Rows {
        let work = self.work();
        good(&work);
        let lake = Lake::open(&work.join("lake"), Access::Read).unwrap();
        assert!(lake.finished_batch().unwrap() >= 3, "the files no longer make several batches");
        let rows = rows(&work.join("lake"));
        for table in BATCH_TABLES {
            assert!(!rows[table.name()].is_empty(), "nothing to compare in {}", table.name());
        }
        rows
    }
}

/// Runs `ingest` to its end. The estate has records that are put out, and no file that is.
pub fn good(work: &Workdir) -> Ran {
    let ran = work.run(&["ingest"]);
    assert!(ran.code == 0, "{ran:?}");
    ran
}

pub fn start(work: &Workdir) -> Child {
    command(work).spawn().unwrap()
}

pub fn command(work: &Workdir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
    command.arg("ingest").current_dir(work.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// All rows of the tables that batches write, sorted; of the roll-ups their sums. Without what tells which run it was.
pub type Rows = BTreeMap<&'static str, Vec<String>>;

pub fn rows(lake: &Path) -> Rows {
    let lake = Lake::open(lake, Access::Read).unwrap();
    let finished = lake.finished_batch().unwrap();
    let of = |table: Table| {
        let mut rows = cells(&lake, table, finished);
        if [Table::Usage, Table::Traffic].contains(&table) {
            rows = summed(rows);
        }
        let mut lines: Vec<String> =
            rows.into_iter().map(|row| row.into_iter().map(|(_, cell)| cell + "|").collect()).collect();
        lines.sort_unstable();
        (table.name(), lines)
    };
    BATCH_TABLES.into_iter().map(of).collect()
}

type Row = Vec<(String, String)>;

fn cells(lake: &Lake, table: Table, finished: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    for path in lake.files(table, finished).unwrap().paths {
        let file = std::fs::File::open(&path).unwrap();
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            rows.extend(batch_cells(&batch.unwrap()));
        }
    }
    rows
}

fn batch_cells(batch: &RecordBatch) -> Vec<Row> {
    let options = FormatOptions::default().with_null("-");
    let mut rows = vec![Vec::new(); batch.num_rows()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if ["batch", "ingested_at"].contains(&field.name().as_str()) {
            continue;
        }
        let text = ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
        for (at, row) in rows.iter_mut().enumerate().take(column.len()) {
            row.push((field.name().clone(), text.value(at).to_string()));
        }
    }
    rows
}

/// How a column of a roll-up adds up over batches; none for those that make the key.
fn add(column: &str, a: i64, b: i64) -> Option<i64> {
    match column {
        "source" | "local_day" | "subject_kind" | "subject" | "quarter" | "kind" | "name" => None,
        "longest_wait_s" | "longest_call_s" | "last_minute" => Some(a.max(b)),
        "first_minute" => Some(a.min(b)),
        "dialled_one" => Some(if a == b { a } else { -1 }),
        _ => Some(a + b),
    }
}

fn summed(rows: Vec<Row>) -> Vec<Row> {
    let mut sums: BTreeMap<String, Row> = BTreeMap::new();
    for row in rows {
        let is_key = |column: &str| add(column, 0, 0).is_none();
        let key = row.iter().filter(|(column, _)| is_key(column)).map(|(_, cell)| cell.clone() + "|").collect();
        match sums.entry(key) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(row)),
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                for ((column, sum), (_, cell)) in entry.get_mut().iter_mut().zip(row) {
                    match (sum.parse(), cell.parse()) {
                        (Ok(a), Ok(b)) => *sum = add(column, a, b).map_or(cell, |both| both.to_string()),
                        (Err(_), Ok(_)) => *sum = cell,
                        _ => {}
                    }
                }
            }
        }
    }
    sums.into_values().collect()
}

/// Where two lakes differ, in a line; none where they are equal.
pub fn difference(found: &Rows, clean: &Rows) -> Option<String> {
    clean.iter().find_map(|(table, expected)| {
        let rows = &found[table];
        let at = (0..expected.len().max(rows.len())).find(|at| expected.get(*at) != rows.get(*at))?;
        let (count, wanted) = (rows.len(), expected.len());
        Some(format!(
            "{table}: {count} rows, expected {wanted}; first {:?}, expected {:?}",
            rows.get(at),
            expected.get(at)
        ))
    })
}

/// One call a minute, another day for each part.
fn mitel_file(sample: &str, part: usize) -> String {
    let line = sample.lines().next().unwrap();
    let date = line.find('/').unwrap() - 2;
    let clock = line.find(':').unwrap() - 2;
    let (head, between, tail) = (&line[..date], &line[date + 5..clock], &line[clock + 5..]);
    let lines = (0..RECORDS).map(|i| {
        let (day, minute) = (part * 5 + i / 1440, i % 1440);
        format!("{head}03/{day:02}{between}{:02}:{:02}{tail}\n", minute / 60, minute % 60)
    });
    lines.collect()
}

/// The first record again and again, each with its own id and moment.
fn cucm_file(sample: &str, part: usize) -> String {
    let mut lines = sample.lines();
    let (names, kinds) = (lines.next().unwrap(), lines.next().unwrap());
    let record: Vec<&str> = lines.next().unwrap().split(',').collect();
    let columns: Vec<String> = names.replace('"', "").split(',').map(str::to_lowercase).collect();
    let mut text = format!("{names}\n{kinds}\n");
    for i in 0..RECORDS {
        let number = part * RECORDS + i;
        let cells = record.iter().zip(&columns).map(|(cell, column)| match column.as_str() {
            "globalcallid_callid" => number.to_string(),
            "origlegcallidentifier" | "destlegidentifier" => (number * 2).to_string(),
            "pkid" => format!("\"{number:08x}-0000-4000-8000-000000000000\""),
            name if name.starts_with("datetime") && *cell != "0" => {
                (cell.parse::<i64>().unwrap() + i as i64 * 60).to_string()
            }
            _ => (*cell).to_string(),
        });
        text += &cells.collect::<Vec<_>>().join(",");
        text.push('\n');
    }
    text
}

/// Packed, with a frame behind it that unpackers pass over (RFC 8878, 3.1.2).
pub fn padded(bytes: &[u8]) -> Vec<u8> {
    const PADDING: u32 = 14 << 20;
    let mut packed = zstd::encode_all(bytes, 1).unwrap();
    packed.extend([0x50, 0x2a, 0x4d, 0x18]);
    packed.extend(PADDING.to_le_bytes());
    packed.resize(packed.len() + PADDING as usize, 0);
    packed
}

/// Every file below a folder with its bytes.
pub fn bytes_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(bytes_below(&path)),
            false => drop(found.insert(path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    found
}
