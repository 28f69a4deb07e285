//! One function a command: wires the steps together and holds no rules. The only place that knows the clock, the
//! terminal and the exit code.

mod answer;
mod bill;
mod case;
mod check;
mod estate;
mod explain;
mod ingest;
mod init;
mod lake;
mod nightly;
mod query;
mod report;
mod sensitivity;
mod synth;

use std::io::Write;
use std::path::Path;

use crate::cli::{Cli, Command, Config as ConfigCommand, Estate as EstateCommand};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lake::{Access, Lake};
use crate::read;

pub use init::workspace_files;

/// How a command that finished went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// Finished, but something needs a person: exit code 1.
    NeedsAPerson,
}

impl Verdict {
    fn of(needs_a_person: bool) -> Self {
        if needs_a_person { Self::NeedsAPerson } else { Self::Good }
    }

    fn and(self, other: Self) -> Self {
        Self::of(self == Self::NeedsAPerson || other == Self::NeedsAPerson)
    }
}

/// What a command says: data to stdout, everything else to stderr.
pub struct Talk {
    quiet: bool,
}

impl Talk {
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Data.
    fn data(&mut self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(Error::io("standard output"))
    }

    /// A line for the person at the terminal.
    fn say(&mut self, line: &str) {
        if !self.quiet {
            self.line(line);
        }
    }

    /// Something that needs a person; never silenced.
    fn warn(&mut self, line: &str) {
        self.line(&format!("warning: {line}"));
    }

    /// An error and its hint.
    pub fn error(&mut self, error: &Error) {
        self.line(&format!("error: {error}"));
        if !error.hint().is_empty() {
            self.line(&format!("hint: {}", error.hint()));
        }
    }

    /// A closed stderr must not keep a night's work from its end.
    fn line(&mut self, line: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    /// A bar on terminals only.
    fn bar(&self, length: u64, what: &'static str) -> indicatif::ProgressBar {
        if self.quiet {
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
/// The command could not finish: exit code 2.
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
        Command::Sql { execute, engine, output } => query::sql(&config()?, execute, &engine, &output, talk)?,
        Command::Explain { extension, source } => explain::explain(&config()?, &extension, source.as_deref(), talk)?,
        Command::Case(args) => case::command(&config()?, &args, talk)?,
        Command::Bill { month, output } => bill::command(&config()?, month, output.as_deref(), talk)?,
        Command::Nightly { output, json } => nightly::nightly(&config()?, output.as_deref(), json, talk)?,
        Command::Check => check::command(&config()?, talk)?,
        Command::Lake { command } => lake::command(&config()?, &command, talk)?,
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

/// Sends our own log lines to stderr; what the storage crates log is for their makers.
pub fn logging(quiet: bool) {
    use tracing_subscriber::prelude::*;
    let level = if quiet { tracing::Level::ERROR } else { tracing::Level::WARN };
    let ours = tracing_subscriber::filter::Targets::new().with_target("onhook", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).without_time();
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
    Lake::open(&config.at(&config.lake.path), access)
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
