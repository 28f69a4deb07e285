//! One warm session of onhook over a lake, asked by another program: a line of JSON in, a line of JSON out. So rounds with
//! another engine alternate, question by question. Or by itself, each question of `benches/questions/` so many times. Holds
//! no answer against anything; `benches/questions/run.py` does.
//!
//! `cargo bench --bench questions -- WORKSPACE [ROUNDS]`; without rounds it reads `{"question": …, "sql": …, "answer": true}`.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow::json::writer::{JsonArray, WriterBuilder};
use onhook::config::Config;
use onhook::lake::{Access, Lake};
use onhook::sql::{Answer, Engine};
use onhook::{estate, read};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Ask {
    question: String,
    sql: String,
    /// Whether the rows are wanted too; they are not part of the time.
    #[serde(default)]
    answer: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds its own `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let Some(place) = words.first() else {
        writeln!(std::io::stderr(), "questions: needs a workspace or a lake; `just bench-queries` makes one")?;
        return Ok(());
    };
    let config = config(Path::new(place))?;
    let lake = Lake::open(&config.at(&config.lake.path), Access::Read)?;
    let policy = estate::policy_rows(&estate::policy(&config).map_err(|errors| format!("{errors:?}"))?);
    let engine = Engine::open(&lake, &config, &policy)?;
    match words.get(1) {
        Some(rounds) => by_itself(&engine, rounds.parse()?),
        None => asked(&engine),
    }
}

/// A workspace has its configuration; a bare lake needs none to be asked of its legs.
fn config(place: &Path) -> Result<Config, Box<dyn Error>> {
    let file = place.join("onhook.toml");
    Ok(match file.is_file() {
        true => Config::load(&file, &read::formats())?,
        false => Config::parse("[lake]\npath = \".\"", "questions", place.to_path_buf(), &read::formats())?,
    })
}

fn asked(engine: &Engine<'_>) -> Result<(), Box<dyn Error>> {
    for line in std::io::stdin().lock().lines() {
        say(&told(engine, &serde_json::from_str(&line?)?))?;
    }
    Ok(())
}

fn by_itself(engine: &Engine<'_>, rounds: usize) -> Result<(), Box<dyn Error>> {
    let folder =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from).join("benches/questions");
    let mut files: Vec<PathBuf> = folder.read_dir()?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|end| end == "sql"));
    files.sort();
    for _ in 0..rounds {
        for file in &files {
            let question = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            say(&told(engine, &Ask { question, sql: std::fs::read_to_string(file)?, answer: false }))?;
        }
    }
    Ok(())
}

fn told(engine: &Engine<'_>, ask: &Ask) -> Value {
    let began = Instant::now();
    let answer = engine.free(&ask.sql);
    let seconds = began.elapsed().as_secs_f64();
    match answer.map_err(|error| error.to_string()).and_then(|answer| Ok((answer.rows(), rows(ask, &answer)?))) {
        Ok((count, rows)) => json!({ "question": ask.question, "seconds": seconds, "rows": count, "answer": rows }),
        Err(error) => json!({ "question": ask.question, "error": error }),
    }
}

/// The rows as JSON objects; none where they were not asked for.
fn rows(ask: &Ask, answer: &Answer) -> Result<Value, String> {
    if !ask.answer {
        return Ok(Value::Null);
    }
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    answer.batches.iter().try_for_each(|batch| writer.write(batch)).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    let text = writer.into_inner();
    if text.is_empty() { Ok(json!([])) } else { serde_json::from_slice(&text).map_err(|error| error.to_string()) }
}

fn say(line: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
