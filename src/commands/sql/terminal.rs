//! The person at the terminal: a line editor with history and completion, and Ctrl-C, which ends a question and not the
//! session. What the lines do is the session's.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use rustyline::completion::Completer;
use rustyline::config::CompletionType;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};
use tokio::sync::watch;

use super::complete::candidates;
use super::history::{self, Remembered};
use super::session::{Next, Session};
use super::steps::steps;
use crate::commands::{Talk, is_broken_pipe};
use crate::error::{Error, Result};
use crate::sql::{Engine, Named};

const PROMPT: &str = "onhook> ";
/// Statements that are kept from session to session.
const KEPT: usize = 2000;

/// Reads and does what is typed, until the person has had enough. Errors are told and go by.
///
/// # Errors
/// The terminal cannot be read or written.
pub fn run(engine: &Engine<'_>, mut session: Session<'_>, talk: &mut Talk) -> Result<()> {
    let failed = |error: ReadlineError| Error::io("terminal")(std::io::Error::other(error));
    let config = Config::builder().completion_type(CompletionType::List).history_ignore_space(true);
    let config = config.max_history_size(KEPT).map_err(failed)?.build();
    let history = Remembered::new(&config);
    let mut editor = Editor::with_history(config, history).map_err(failed)?;
    editor.set_helper(Some(Typist { names: engine.names()? }));
    let mut file = history::file();
    if let Some(file) = &file {
        // A first session has none.
        let _ = editor.load_history(file);
    }
    let stop = ctrl_c()?;
    engine.stop_when(stop.subscribe());
    talk.say(&format!("lake batch {}, as of {}; \\? for help", engine.batch(), engine.as_of()));
    loop {
        let typed = match editor.readline(PROMPT) {
            Ok(typed) => typed,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if editor.add_history_entry(typed.trim_end()).map_err(failed)?
            && let Some(path) = &file
            && let Err(error) = editor.append_history(path)
        {
            talk.warn(&format!("{}: what you type is not kept: {error}", path.display()));
            file = None;
        }
        if let Some((columns, rows)) = editor.dimensions() {
            session.resized(columns.into(), rows.into());
        }
        stop.send_replace(false);
        for step in steps(&typed).0 {
            match session.take(step, talk) {
                Ok(Next::More) => {}
                Ok(Next::Quit) => return Ok(()),
                Err(error) if is_broken_pipe(&error) => return Err(error),
                Err(error) => {
                    talk.error(&error);
                    break;
                }
            }
        }
    }
}

/// True from the moment Ctrl-C was pressed. While a line is edited the terminal gives the key to the editor instead.
fn ctrl_c() -> Result<Arc<watch::Sender<bool>>> {
    let pressed = Arc::new(watch::Sender::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::io("Ctrl-C"))?;
    let told = pressed.clone();
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let mut next = pin!(tokio::signal::ctrl_c());
                // The key is listened for from the first look on.
                let heard = poll_fn(|context| {
                    let heard = next.as_mut().poll(context);
                    let _ = ready.send(());
                    heard
                });
                if heard.await.is_err() {
                    break;
                }
                told.send_replace(true);
            }
        });
    });
    // Until then it would end the session.
    let _ = is_ready.recv();
    Ok(pressed)
}

/// What the editor asks while somebody types.
struct Typist {
    names: Vec<Named>,
}

impl Completer for Typist {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(candidates(line, at, &self.names))
    }
}

impl Validator for Typist {
    /// A statement goes on until its semicolon.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let (_, is_complete) = steps(context.input());
        Ok(if is_complete { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Typist {
    type Hint = String;
}

impl Highlighter for Typist {}

impl Helper for Typist {}
