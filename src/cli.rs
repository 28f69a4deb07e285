//! What was typed: commands, flags and their help. Resolves nothing and opens nothing.

mod examples;
mod export;

use std::ffi::OsString;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub use examples::EXAMPLES;
pub use export::{Export, To};

use crate::serve::Role;

use crate::sql::Cluster;

/// Finds the desk phones nobody picks up: call records in, SQL answers and a savings case out.
#[derive(Debug, Parser)]
#[command(name = "onhook", version, arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Cli {
    /// Configuration file.
    #[arg(short, long, global = true, default_value = "onhook.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// Say less: warnings and errors only.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Form of what is said on standard error: for people, or a JSON object a line.
    #[arg(long, global = true, value_enum, default_value_t = Log::Text, value_name = "FORM")]
    pub log: Log,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Log {
    Text,
    Json,
}

impl Cli {
    /// Reads the words of a command line, the program's own name first.
    ///
    /// # Errors
    /// Wrong use; or help and version, which are answers.
    pub fn read(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let mut command = Self::described();
        let found = command.try_get_matches_from_mut(words)?;
        Self::from_arg_matches(&found).map_err(|error| error.format(&mut command))
    }

    /// All commands with their help, an example of each at its end: for help, manual pages and completion.
    pub fn described() -> clap::Command {
        examples::shown(Self::command(), "")
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a commented workspace.
    Init { dir: PathBuf },
    /// Read new files into the lake.
    Ingest(Ingest),
    /// The asset register.
    Estate {
        #[command(subcommand)]
        command: Estate,
    },
    /// Answer a business question: a report by name, or a file of SQL.
    Query(Query),
    /// A report, or any query, into a file of another program or a table of its database.
    Export(Export),
    /// Free SQL, read-only: one statement, a pipe of them, or a session at a terminal.
    Sql {
        /// The statement; from standard input where absent, at a terminal as a session.
        #[arg(short, long, value_name = "SQL")]
        execute: Option<String>,
        #[command(flatten)]
        engine: Engine,
        #[command(flatten)]
        output: Output,
    },
    /// The evidence for one extension, down to file and line.
    Explain {
        extension: String,
        /// Only of this source.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
    /// The business case.
    Case(Case),
    /// Statements of a month for each cost centre: calls by the tariff table, and fixed charges. Exit code 1 where calls have
    /// no price, or where a carrier's bill differs.
    Bill {
        /// The month, as 2024-03.
        #[arg(long, value_name = "MONTH", value_parser = month)]
        month: NaiveDate,
        /// Folder for the statements, in place of `bill-MONTH` under `[output] dir`.
        #[arg(short, long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Ingest, load, check, query, case, report: one command for the scheduler.
    Nightly(Nightly),
    /// Coverage, rejects, register against calls.
    Check,
    /// The lake itself.
    Lake {
        #[command(subcommand)]
        command: Lake,
    },
    /// The key of the pseudonyms.
    Privacy {
        #[command(subcommand)]
        command: Privacy,
    },
    /// What is held under one outside number; with --erase, takes it out for good.
    Subject(Subject),
    /// The lake over the PostgreSQL protocol, read-only, for psql, DBeaver, Excel, Power BI and the like: docs/serve.md.
    Serve(Serve),
    /// An invented estate with its truth beside it.
    Synth(Synth),
    /// The configuration.
    Config {
        #[command(subcommand)]
        command: Config,
    },
    /// What makes a shell complete the commands of onhook: the script for it, to be kept where that shell looks for it.
    Completions { shell: clap_complete::Shell },
    /// The manual pages.
    Man {
        /// Folder for them, one page a command.
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Ingest {
    /// Files or folders, in place of the configured paths; without --source each file's format tells its source.
    pub paths: Vec<PathBuf>,
    /// Only this source.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Print what was done as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Estate {
    /// Check the register and load it.
    Load {
        /// Date the register stands for; the last day of the window where absent.
        #[arg(long, value_name = "DATE")]
        as_of: Option<NaiveDate>,
        /// Print what was done as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Fill the register from a platform's own exports: phones, directory numbers, registration status. Blank cells are
    /// filled; nothing in the register is overwritten.
    Import {
        /// The exports, in any order; each is known by its header.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The source whose extensions they are.
        #[arg(long, value_name = "NAME")]
        source: String,
        /// File for the register as it would be, in place of standard output.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct Query {
    /// A report's name, or a file ending in .sql.
    #[arg(required_unless_present_any = ["list", "describe"])]
    pub name: Option<String>,
    /// A parameter, as name=value.
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub params: Vec<(String, String)>,
    #[command(flatten)]
    pub engine: Engine,
    #[command(flatten)]
    pub output: Output,
    /// Leave out the figures of rows with a count from 1 to one less than this, and of rows that would give them away; 0 for
    /// none. Of a file or a form other than a table, [privacy] suppress_below where absent.
    #[arg(long, value_name = "COUNT")]
    pub suppress: Option<u32>,
    /// List the reports.
    #[arg(long)]
    pub list: bool,
    /// What a report asks, its parameters and columns.
    #[arg(long, value_name = "NAME")]
    pub describe: Option<String>,
}

#[derive(Debug, Args)]
pub struct Case {
    /// Folder for page, workbook and figures as JSON; CSV tables on standard output where absent.
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Where a figure comes from, such as npv.consolidate: formulas, assumptions, queries, files and lines.
    #[arg(long, value_name = "FIGURE", conflicts_with = "output")]
    pub trace: Option<String>,
    /// Another value for an assumption, as it would stand in the book: teams_user=60.
    #[arg(long, value_name = "ID=VALUE", value_parser = parameter)]
    pub set: Vec<(String, String)>,
}

/// What works an answer out.
#[derive(Debug, Args)]
pub struct Engine {
    /// A Ballista 55 cluster to work the answer out, such as df://scheduler:50050, in place of this process. Its executors
    /// must see the lake under the same path. ?partitions=64&seconds=600 behind it cuts the work into more pieces than 16, and
    /// gives up after so many seconds rather than an hour.
    #[arg(long = "engine", value_name = "df://HOST:PORT")]
    pub cluster: Option<Cluster>,
}

#[derive(Debug, Args)]
pub struct Output {
    /// Form of the answer.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// File for the answer, in place of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Csv,
    Json,
    Parquet,
    Xlsx,
}

#[derive(Debug, Args)]
pub struct Nightly {
    /// Folder for the outputs, in place of `[output] dir`.
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Wait for late files until this time of day, in place of `[nightly] wait_until`; only sources that say what they
    /// `expect` can be late.
    #[arg(long, value_name = "HH:MM", value_parser = crate::config::time_of_day)]
    pub wait_until: Option<chrono::NaiveTime>,
    /// Wait at most so many minutes, for another run to end and for late files; 0 to wait for nothing.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(..=1440), conflicts_with = "wait_until")]
    pub wait: Option<u32>,
    /// File for the figures of the run as Prometheus reads them, in place of `[nightly] metrics`; ends in .prom.
    #[arg(long, value_name = "FILE", value_parser = metrics)]
    pub metrics: Option<PathBuf>,
    /// Print what was done as JSON.
    #[arg(long)]
    pub json: bool,
}

impl Format {
    /// As it is typed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }

    /// Whether a person can read it as it is.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Table | Self::Csv | Self::Json)
    }
}

#[derive(Debug, Subcommand)]
pub enum Lake {
    /// Tables, their files and the last batch; files that wait for vacuum.
    Status,
    /// Prove it: every file against its log, every row against the ledger, the roll-ups against the calls. One line for
    /// each thing that is wrong, and exit code 1.
    Verify {
        /// Work out usage and traffic again where they are wrong; touches nothing that is not derived.
        #[arg(long)]
        repair: bool,
        /// Print what was found as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Merge small data files. Questions may go on meanwhile; what was merged stays on the disk until vacuum.
    Compact {
        /// Print what was done as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete data files that nothing needs any more, unless somebody has the lake open.
    Vacuum {
        /// First remove for good the calls of civil days before this one: a date, or a number of days back from today as
        /// 730d. Legs, media reports and rejected lines go; usage, traffic and inputs stay, and the table removals tells
        /// what went. A day in the future or within the evidence window is refused: shorten [evidence] window_days first.
        #[arg(long, value_name = "DATE|DAYSd", value_parser = older_than)]
        older_than: Option<OlderThan>,
        /// Print what was done as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// The day before which calls are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OlderThan {
    Day(NaiveDate),
    /// Back from today.
    Days(u32),
}

#[derive(Debug, Subcommand)]
pub enum Privacy {
    /// Make the key file that [privacy] key names.
    Key {
        /// Add a key to the one that is there: numbers get other pseudonyms from then on. Older keys stay in the file, to find
        /// older pseudonyms; what tells a repeated record stays the same.
        #[arg(long)]
        rotate: bool,
    },
}

#[derive(Debug, Args)]
pub struct Subject {
    /// The number, as +44… or 0…; - to read it from standard input, so that no list of commands holds it.
    #[arg(allow_hyphen_values = true)]
    pub number: String,
    /// Leave of the number only its area or network code wherever it stands, and delete the files that hold it.
    #[arg(long)]
    pub erase: bool,
    /// Print what is held as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port, in place of `[serve] listen`; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "add_user")]
    pub listen: Option<String>,
    /// Put a user into the file of users, or give one another password and role. The password is asked for on a terminal,
    /// and is a line of standard input otherwise.
    #[arg(long, value_name = "NAME")]
    pub add_user: Option<String>,
    /// What the user may see: an analyst no number of anybody outside, a manager everything.
    #[arg(long, value_name = "ROLE", value_parser = role, requires = "add_user")]
    pub role: Option<Role>,
}

#[derive(Debug, Args)]
pub struct Synth {
    /// Registered extensions.
    #[arg(long, default_value_t = 300)]
    pub extensions: usize,
    /// Days of calls.
    #[arg(long, default_value_t = 400)]
    pub days: u32,
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Last day of the estate.
    #[arg(long, default_value = "2024-04-30", value_name = "DATE")]
    pub until: NaiveDate,
    /// The estate shipped as sample-data, with the accidents of real deliveries; the numbers above do not apply.
    #[arg(long, conflicts_with_all = ["extensions", "days", "seed", "until"])]
    pub sample: bool,
    /// One estate of forty phones in every format at once, the leg of each record beside it; only the seed applies.
    #[arg(long, conflicts_with_all = ["extensions", "days", "until", "sample"])]
    pub every_format: bool,
    /// Folder to make it in.
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// The configuration as it was understood.
    Show,
    /// JSON schema of onhook.toml.
    Schema,
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_word(text).ok_or_else(|| "a role is analyst or manager".to_string())
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_string(), value.to_string())),
        _ => Err("write it as name=value".to_string()),
    }
}

fn metrics(text: &str) -> Result<PathBuf, String> {
    let is_one = PathBuf::from(text).extension().is_some_and(|end| end == "prom");
    if is_one { Ok(PathBuf::from(text)) } else { Err("only files that end in .prom are read".to_string()) }
}

/// The first day of the month.
fn month(text: &str) -> Result<NaiveDate, String> {
    let day = (text.len() == 7).then(|| format!("{text}-01").parse().ok()).flatten();
    day.ok_or_else(|| "write it as 2024-03".to_string())
}

fn older_than(text: &str) -> Result<OlderThan, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).map(OlderThan::Days);
    let day = || text.parse().ok().map(OlderThan::Day);
    days.or_else(day).ok_or_else(|| "write it as 2023-03-31, or as 730d for days back from today".to_string())
}
