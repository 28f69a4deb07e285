//! One function a command: wires the steps together and holds no rules. The only place that knows the clock, the
//! terminal and the exit code.

mod answer;
mod bill;
mod case;
mod check;
mod estate;
mod explain;
mod export;
mod ingest;
mod init;
mod lake;
mod manual;
mod nightly;
mod privacy;
mod query;
mod report;
mod sensitivity;
mod serve;
mod sql;
mod synth;

use std::hash::{BuildHasher, RandomState};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use chrono::Utc;

use crate::cli::{Cli, Command, Config as ConfigCommand, Estate as EstateCommand, Log, Privacy as PrivacyCommand};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lake::{Access, Address, Lake, Site, Writer};
use crate::read;

pub use init::workspace_files;

/// How a command went; what is worse comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Good,
    /// Finished, but something needs a person: exit code 1.
    NeedsAPerson,
    /// Could not finish, and has said why itself: exit code 2.
    CouldNotFinish,
}

impl Verdict {
    fn of(needs_a_person: bool) -> Self {
        if needs_a_person { Self::NeedsAPerson } else { Self::Good }
    }

    fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// Of the process.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::NeedsAPerson => 1,
            Self::CouldNotFinish => 2,
        }
    }
}

/// Something that needs a person: what and where, and what next.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Need {
    what: String,
    next: String,
}

/// What a command says: data to stdout, everything else to stderr; there as lines for people or as JSON for machines.
pub struct Talk {
    quiet: bool,
    log: Log,
    /// What it said that needs a person.
    needs: Vec<Need>,
}

impl Talk {
    pub fn new(quiet: bool, log: Log) -> Self {
        Self { quiet, log, needs: Vec::new() }
    }

    /// Data.
    fn data(&mut self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(Error::io("standard output"))
    }

    /// A line for the person at the terminal; its first word says what it is about.
    fn say(&mut self, line: &str) {
        match self.log {
            _ if self.quiet => {}
            Log::Text => self.line(line),
            Log::Json => {
                let (about, rest) = line.split_once(' ').unwrap_or((line, ""));
                tracing::info!(about, "{}", rest.trim_start());
            }
        }
    }

    /// Something that a person should look at; never silenced.
    fn warn(&mut self, line: &str) {
        match self.log {
            Log::Text => self.line(&format!("warning: {line}")),
            Log::Json => tracing::warn!("{line}"),
        }
    }

    /// Something that needs a person: said, and kept for the summary.
    fn need(&mut self, what: &str, next: &str) {
        self.warn(&format!("{what}: {next}"));
        self.keep(what, next);
    }

    /// The same of what was said already.
    fn keep(&mut self, what: &str, next: &str) {
        self.needs.push(Need { what: what.to_string(), next: next.to_string() });
    }

    /// The paragraph at the end of a run that needs a person; never silenced.
    fn conclude(&mut self, summary: &str) {
        match self.log {
            Log::Text => self.line(&format!("summary   {summary}")),
            Log::Json => tracing::warn!(about = "summary", "{summary}"),
        }
    }

    /// An error and its hint.
    pub fn error(&mut self, error: &Error) {
        match self.log {
            Log::Text => {
                self.line(&format!("error: {error}"));
                if !error.hint().is_empty() {
                    self.line(&format!("hint: {}", error.hint()));
                }
            }
            Log::Json => tracing::error!(hint = error.hint(), "{error}"),
        }
    }

    /// A closed stderr must not keep a night's work from its end.
    fn line(&mut self, line: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    /// A bar on terminals only.
    fn bar(&self, length: u64, what: &'static str) -> indicatif::ProgressBar {
        if self.quiet || self.log == Log::Json {
            return indicatif::ProgressBar::hidden();
        }
        let style = indicatif::ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
        let bar = indicatif::ProgressBar::new(length).with_message(what);
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

/// Runs what was typed.
///
/// # Errors
/// The command could not finish, and nobody was told yet: exit code 2.
pub fn run(cli: Cli, talk: &mut Talk) -> Result<Verdict, Vec<Error>> {
    let config = || load(&cli.config);
    Ok(match cli.command {
        Command::Init { dir } => init::init(&dir, talk)?,
        Command::Ingest(args) => ingest::command(&config()?, &args, talk)?,
        Command::Estate { command: EstateCommand::Load { as_of, json } } => {
            estate::load(&config()?, as_of, json, talk)?
        }
        Command::Estate { command: EstateCommand::Import { files, source, output } } => {
            estate::import(&config()?, &files, &source, output.as_deref(), talk)?
        }
        Command::Query(args) => query::command(&cli.config, &args, talk)?,
        Command::Export(args) => export::command(&cli.config, &args, talk)?,
        Command::Sql { execute, engine, output } => sql::command(&config()?, execute, &engine, output, talk)?,
        Command::Explain { extension, source } => explain::explain(&config()?, &extension, source.as_deref(), talk)?,
        Command::Case(args) => case::command(&config()?, &args, talk)?,
        Command::Bill { month, output } => bill::command(&config()?, month, output.as_deref(), talk)?,
        Command::Nightly(args) => nightly::nightly(config(), &args, talk),
        Command::Check => check::command(&config()?, talk)?,
        Command::Lake { command } => lake::command(&config()?, &command, talk)?,
        Command::Completions { shell } => manual::completions(shell, talk)?,
        Command::Man { output } => manual::pages(&output, talk)?,
        Command::Privacy { command: PrivacyCommand::Key { rotate } } => privacy::key(&config()?, rotate, talk)?,
        Command::Subject(args) => privacy::subject(&config()?, &args, talk)?,
        Command::Serve(args) => serve::command(config()?, &args, talk)?,
        Command::Synth(args) => synth::synth(&args, talk)?,
        Command::Config { command: ConfigCommand::Schema } => {
            talk.data(format!("{}\n", crate::config::schema()).as_bytes())?;
            Verdict::Good
        }
        Command::Config { command: ConfigCommand::Show } => {
            talk.data(format!("{:#?}\n", config()?).as_bytes())?;
            Verdict::Good
        }
    })
}

/// Sends our own log lines to stderr; what the storage crates log is for their makers. As JSON, all that is said is a log line.
pub fn logging(quiet: bool, log: Log) {
    use tracing_subscriber::prelude::*;
    let level = match (log, quiet) {
        (Log::Text, true) => tracing::Level::ERROR,
        (Log::Text, false) | (Log::Json, true) => tracing::Level::WARN,
        (Log::Json, false) => tracing::Level::INFO,
    };
    let ours = tracing_subscriber::filter::Targets::new().with_target("onhook", level);
    // The line of a statement that was served is no talk: it is the reason that there is a log.
    let ours = ours.with_target("onhook::serve::audit", tracing::Level::INFO);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = lines.with_ansi(std::io::stderr().is_terminal());
    let lines = match log {
        Log::Text => lines.without_time().boxed(),
        Log::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    // Only fails where a log was set up before: then that one stands.
    let _ = tracing_subscriber::registry().with(lines.with_filter(ours)).try_init();
}

/// Whether the reader of our output has gone away: no error.
pub fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
}

impl From<Error> for Vec<Error> {
    fn from(error: Error) -> Self {
        vec![error]
    }
}

fn load(path: &Path) -> Result<Config> {
    Config::load(path, &read::formats())
}

fn open(config: &Config, access: Access) -> Result<Lake> {
    let lake = Lake::open(site(config)?, access)?;
    if access == Access::Write {
        lake.sign(&format!("process {} since {}", std::process::id(), Utc::now().format("%Y-%m-%d %H:%M:%S UTC")));
    }
    Ok(lake)
}

/// The lake for writing, where there is one: to look after a lake is not to make one.
fn existing(config: &Config) -> Result<Lake> {
    drop(open(config, Access::Read)?);
    open(config, Access::Write)
}

/// Where the configured lake is kept; in an object store its writers have names and take turns.
fn site(config: &Config) -> Result<Site> {
    let Some(url) = config.lake.url()? else { return Ok(Site::Folder(config.at(&config.lake.path))) };
    let machine = sysinfo::System::host_name().unwrap_or_else(|| "a machine without a name".into());
    let name = format!("{machine}, process {}", std::process::id());
    // A new state of the hasher is from the system's source of chance.
    let nonce = RandomState::new().hash_one((Utc::now().timestamp_nanos_opt(), &name));
    let lease = Duration::from_secs(config.lake.lease_s.into());
    let cache = config.at(config.lake.cache.as_deref().unwrap_or(Path::new("lake-cache")));
    Ok(Site::Store(Address { url, cache, writer: Writer { name, nonce }, lease }))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    }
    // At one stroke, so that nobody reads half a list; a device like /dev/stdout cannot be replaced.
    if path.exists() && !path.is_file() {
        return std::fs::write(path, bytes).map_err(Error::io(path));
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    std::fs::write(&draft, bytes).map_err(Error::io(&draft))?;
    std::fs::rename(&draft, path).map_err(Error::io(path))
}
