//! Every `.slt` of `queries/`: answers counted by hand on `tests/fixtures/small`, or on `tests/fixtures/scene` where its
//! first line says `# Estate: scene`; and identities that return no rows.

use std::path::PathBuf;
use std::sync::mpsc;

use arrow::array::Array;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use onhook::config::Config;
use onhook::error::Error;
use onhook::estate;
use onhook::lake::{Access, Lake};
use onhook::sql::{Answer, Args, Engine, report};
use sqllogictest::{DBOutput, DefaultColumnType};

use crate::workdir::{Workdir, repository};

/// One session a file: the lake after a night on the small estate.
struct Session {
    send: mpsc::Sender<String>,
    answers: mpsc::Receiver<Result<DBOutput<DefaultColumnType>, Error>>,
}

impl sqllogictest::DB for Session {
    type Error = Error;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Error> {
        self.send.send(sql.to_string()).unwrap();
        self.answers.recv().unwrap()
    }
}

impl Session {
    /// The engine borrows lake and configuration, so it lives in a thread of its own.
    fn open(folder: PathBuf) -> Self {
        let (send, statements) = mpsc::channel::<String>();
        let (give, answers) = mpsc::channel();
        std::thread::spawn(move || {
            let config = Config::load(&folder.join("onhook.toml"), &onhook::read::formats()).unwrap();
            let lake = Lake::open(&folder.join("lake"), Access::Read).unwrap();
            let policy = estate::policy_rows(&estate::policy(&config).unwrap());
            let engine = Engine::open(&lake, &config, &policy).unwrap();
            engine.reports_as_views();
            for sql in statements {
                if give.send(run(&engine, &sql).map(|answer| output(&answer))).is_err() {
                    break;
                }
            }
        });
        Self { send, answers }
    }
}

/// `report NAME k=v …`, or plain SQL.
fn run(engine: &Engine<'_>, sql: &str) -> Result<Answer, Error> {
    let Some(call) = sql.trim().strip_prefix("report ") else { return engine.free(sql) };
    let mut words = call.split_whitespace();
    let query = report(words.next().unwrap_or_default())?;
    let args: Args = words.filter_map(|w| w.split_once('=')).map(|(k, v)| (k.to_string(), v.to_string())).collect();
    engine.run(query, &args)
}

fn output(answer: &Answer) -> DBOutput<DefaultColumnType> {
    let types = answer.schema.fields().iter().map(|field| match field.data_type() {
        kind if kind.is_integer() => DefaultColumnType::Integer,
        kind if kind.is_numeric() => DefaultColumnType::FloatingPoint,
        _ => DefaultColumnType::Text,
    });
    let mut rows = Vec::new();
    for batch in &answer.batches {
        let options = FormatOptions::default().with_null("NULL").with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S"));
        let cells: Vec<_> =
            batch.columns().iter().map(|c| (c, ArrayFormatter::try_new(c, &options).unwrap())).collect();
        for row in 0..batch.num_rows() {
            let text = |(column, cell): &(&std::sync::Arc<dyn Array>, ArrayFormatter<'_>)| {
                let text = cell.value(row).to_string();
                if text.is_empty() && column.is_valid(row) { "(empty)".to_string() } else { text }
            };
            rows.push(cells.iter().map(text).collect());
        }
    }
    DBOutput::Rows { types: types.collect(), rows }
}

fn files() -> Vec<PathBuf> {
    let folders = ["queries/views", "queries/reports"].map(|f| repository().join(f));
    let all = folders.iter().flat_map(|f| f.read_dir().unwrap()).map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|e| e == "slt")).collect();
    files.sort();
    files
}

#[test]
fn every_answer_and_every_identity() {
    let (small, scene) = (Workdir::small(), Workdir::of("scene"));
    small.good(&["nightly"]);
    scene.good(&["ingest"]);
    scene.good(&["estate", "load"]);
    let mut failures = Vec::new();
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let work = if text.starts_with("# Estate: scene") { &scene } else { &small };
        let folder = work.path().to_path_buf();
        let mut runner = sqllogictest::Runner::new(move || {
            let session = Session::open(folder.clone());
            async move { Ok(session) }
        });
        if let Err(error) = runner.run_file(&file) {
            failures.push(format!("{}\n{}", file.file_name().unwrap().to_string_lossy(), error.display(false)));
        }
    }
    assert!(files().len() >= 20, "every query has its .slt");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// What every report prints in every form, and `--list`, `--describe` as documentation.
#[test]
fn every_report_in_every_form() {
    let work = Workdir::small();
    work.good(&["nightly"]);
    let list = work.good(&["query", "--list"]).stdout;
    for line in list.lines() {
        let name = line.split_whitespace().next().unwrap();
        let described = work.good(&["query", "--describe", name]).stdout;
        let csv = work.good(&["query", name, "-f", "csv"]).stdout;
        let columns: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
        for column in &columns {
            assert!(described.contains(&format!("  {column} ")), "{name} does not describe {column}");
        }
        let json: Vec<serde_json::Value> =
            serde_json::from_str(&work.good(&["query", name, "-f", "json"]).stdout).unwrap();
        work.good(&["query", name, "-f", "parquet", "-o", "answer.parquet"]);
        let parquet = std::fs::File::open(work.join("answer.parquet")).unwrap();
        let parquet = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
        assert_eq!(parquet.metadata().file_metadata().num_rows() as usize, json.len(), "{name}");
        assert_eq!(parquet.schema().fields().len(), columns.len(), "{name}");
        work.good(&["query", name, "-f", "xlsx", "-o", "answer.xlsx"]);
        assert!(work.good(&["query", name]).stdout.starts_with('+'), "{name}");
    }
    assert_eq!(list.lines().count(), 39);
}

#[test]
fn parameters_are_typed_and_checked() {
    let work = Workdir::small();
    work.good(&["nightly"]);
    let wrong = |args: &[&str], what: &str| {
        let ran = work.run(args);
        assert_eq!(ran.code, 2, "{args:?}");
        assert!(ran.stderr.contains(what) && ran.stderr.contains("hint: "), "{args:?}: {}", ran.stderr);
    };
    wrong(&["query", "idle-handset"], "there is no such report");
    wrong(&["query", "usage-bands", "-p", "light=few"], "is no float");
    wrong(&["query", "usage-bands", "-p", "dark=1"], "no parameter \"dark\"");
    wrong(&["query", "usage-bands", "-p", "window_days=0"], "will not do");
    wrong(&["sql", "-e", "create table x as select 1"], "DDL");
    wrong(&["sql", "-e", "copy (select 1) to 'x.csv'"], "DML");
    wrong(&["sql", "-e", "set datafusion.execution.batch_size = 1"], "not supported");
    wrong(&["sql", "-e", "select * from 'onhook.toml'"], "not found");
    work.write(
        "days.sql",
        "-- param: least int\nselect local_day from usage group by local_day having count(*) >= $least order by 1",
    );
    wrong(&["query", "days.sql"], "parameter \"least\" is missing");
    work.good(&["query", "days.sql", "-p", "least=1"]);
    // A value is bound, never spliced.
    let spliced = work.good(&["query", "idle-handsets", "-p", "site=' or '1'='1", "-f", "csv"]);
    assert_eq!(spliced.stdout.lines().count(), 1, "{}", spliced.stdout);
}

/// A shorter window is another session, planned anew: fewer covered days, other verdicts.
#[test]
fn settings_can_be_given_for_one_question() {
    let work = Workdir::small();
    work.good(&["nightly"]);
    let days = |args: &[&str]| {
        let csv = work.good(&[&["query", "coverage", "-f", "csv"], args].concat()).stdout;
        csv.lines().skip(1).map(|l| l.split(',').nth(5).unwrap().parse::<u32>().unwrap()).sum::<u32>()
    };
    assert_eq!(days(&[]), 2 * 28);
    assert_eq!(days(&["-p", "window_days=10"]), 2 * 10);
}

/// From a verdict down to the line of a file: the reading that an auditor does.
#[test]
fn explain_names_file_and_line() {
    let work = Workdir::small();
    work.good(&["nightly"]);
    let said = work.good(&["explain", "60101", "--source", "hq-cucm"]).stdout;
    assert!(said.starts_with("hq-cucm 60101    in_use\nbecause          5 uses on 14 covered days\n"), "{said}");
    // Used on 4, 5, 6, 8 and 14 March; the window begins on the 4th.
    let march = said.lines().find(|line| line.starts_with("Mar 2024")).unwrap();
    let days: Vec<char> = march[10..].chars().filter(|c| *c != ' ').collect();
    assert_eq!(days.iter().collect::<String>(), "111·1░░··░1·░░····░░░░░░░░░·", "{said}");
    assert!(said.contains("answers_at_pilot, counts against silence: 2 answered calls"), "{said}");
    assert!(said.contains("would change it  fewer than 3 uses"), "{said}");
    let record = said.lines().find(|line| line.contains("landing/cucm/")).unwrap();
    let words: Vec<&str> = record.split_whitespace().collect();
    let [.., file, line] = words[..] else { panic!("{record}") };
    let text = work.read(file);
    assert!(text.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap().contains("60101"), "{record}");
    assert_eq!(work.run(&["explain", "69999"]).code, 2, "a typing mistake is no answer");
}
