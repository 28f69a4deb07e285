//! `onhook sql`: statements from a flag or a pipe, one answer after the other; or a session with a person at a terminal.

mod backslash;
mod complete;
mod describe;
mod history;
mod screen;
mod session;
mod steps;
mod terminal;

use std::io::{IsTerminal, Read};

use super::query::on_engine;
use super::{Talk, Verdict};
use crate::cli::{Engine, Output};
use crate::config::Config;
use crate::error::{Error, Result};
use screen::Screen;
use session::{Next, Session};
use steps::{Step, steps};

pub fn command(
    config: &Config,
    execute: Option<String>,
    engine: &Engine,
    output: Output,
    talk: &mut Talk,
) -> Result<Verdict, Vec<Error>> {
    let is_session = execute.is_none() && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if is_session {
        on_engine(engine.cluster.as_ref(), config, |engine| {
            engine.reports_as_views();
            let session = Session::new(engine, output, Some(Screen::new()));
            terminal::run(engine, session, talk)
        })?;
        return Ok(Verdict::Good);
    }
    let text = match execute {
        Some(text) => text,
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(Error::io("standard input"))?;
            text
        }
    };
    let (steps, _) = steps(&text);
    check(&steps, &output)?;
    on_engine(engine.cluster.as_ref(), config, |engine| {
        engine.reports_as_views();
        let mut session = Session::new(engine, output, None);
        for step in steps {
            if session.take(step, talk)? == Next::Quit {
                break;
            }
        }
        Ok(())
    })?;
    Ok(Verdict::Good)
}

/// A file holds one answer, and so does what is no text.
fn check(steps: &[Step<'_>], output: &Output) -> Result<()> {
    let wrong = |what: &str, hint: &str| Err(Error::Query { name: "sql".into(), what: what.into(), hint: hint.into() });
    let statements = steps.iter().filter(|step| matches!(step, Step::Statement(_))).count();
    match (steps.len(), statements) {
        (0, _) => wrong("there is no statement", "-e 'select …' or a pipe has it"),
        (_, 2..) if output.output.is_some() || !output.format.is_text() => {
            wrong("there are several statements", "run them one by one, each into a file of its own")
        }
        _ => Ok(()),
    }
}
