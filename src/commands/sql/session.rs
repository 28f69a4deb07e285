//! A session of questions: its settings, and what each step of it does. The same at a terminal and from a pipe.

use std::time::{Duration, Instant};

use super::backslash::{Backslash, COMMANDS};
use super::describe;
use super::screen::Screen;
use super::steps::Step;
use crate::cli::Output;
use crate::commands::{Talk, answer, query};
use crate::error::{Error, Result};
use crate::sql::{Answer, Engine, Query, report};

pub struct Session<'a> {
    engine: &'a Engine<'a>,
    /// The form of all answers, and the file of the next one only.
    output: Output,
    timing: bool,
    /// None from a pipe.
    screen: Option<Screen>,
}

/// Whether there is more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    More,
    Quit,
}

impl<'a> Session<'a> {
    pub fn new(engine: &'a Engine<'a>, output: Output, screen: Option<Screen>) -> Self {
        Self { engine, output, timing: false, screen }
    }

    /// The window has another size.
    pub fn resized(&mut self, columns: usize, rows: usize) {
        if let Some(screen) = &mut self.screen {
            screen.size = (columns, rows);
        }
    }

    /// Does one step.
    ///
    /// # Errors
    /// The step could not be done; the session may go on.
    pub fn take(&mut self, step: Step<'_>, talk: &mut Talk) -> Result<Next> {
        match step {
            Step::Statement(statement) => {
                let start = Instant::now();
                let found = self.engine.free(statement)?;
                self.give(None, &found, start.elapsed(), talk)?;
                Ok(Next::More)
            }
            Step::Command(text) => self.obey(Backslash::read(text)?, talk),
        }
    }

    fn obey(&mut self, command: Backslash, talk: &mut Talk) -> Result<Next> {
        match command {
            Backslash::Describe(None) => self.show(&describe::all(&self.engine.names()?), talk)?,
            Backslash::Describe(Some(name)) => self.show(&describe::one(&name, &self.engine.names()?)?, talk)?,
            Backslash::Report(name, given) => {
                let start = Instant::now();
                let query = report(&name)?;
                let found = self.engine.run(query, &given)?;
                self.give(Some(query), &found, start.elapsed(), talk)?;
            }
            Backslash::Reports => self.show(&query::list(), talk)?,
            Backslash::Format(format) => {
                self.output.format = format.unwrap_or(self.output.format);
                let where_to = if self.output.format.is_text() { "" } else { ", each into a file: \\o FILE" };
                talk.say(&format!("answers are {}{where_to}", self.output.format.word()));
            }
            Backslash::Output(file) => {
                match &file {
                    Some(file) => talk.say(&format!("the next answer goes into {}", file.display())),
                    None => talk.say("answers are shown here"),
                }
                self.output.output = file;
            }
            Backslash::Timing(on) => {
                self.timing = on.unwrap_or(!self.timing);
                talk.say(if self.timing { "timing is on" } else { "timing is off" });
            }
            Backslash::Pager(on) => {
                if let Some(screen) = &mut self.screen {
                    screen.pages = on.unwrap_or(!screen.pages);
                    talk.say(if screen.pages { "long answers are paged" } else { "long answers run through" });
                }
            }
            Backslash::Help => self.show(&help(), talk)?,
            Backslash::Quit => return Ok(Next::Quit),
        }
        Ok(Next::More)
    }

    fn give(&mut self, query: Option<&Query>, found: &Answer, took: Duration, talk: &mut Talk) -> Result<()> {
        let rows = found.rows();
        match &self.screen {
            _ if self.output.output.is_some() => {
                query::deliver(query, found, &self.output, talk)?;
                self.output.output = None;
            }
            Some(_) if !self.output.format.is_text() => {
                let what = format!("{} is nothing to look at", self.output.format.word());
                let hint = "name a file for the answer first: \\o FILE".into();
                return Err(Error::Query { name: "answer".into(), what, hint });
            }
            Some(screen) => {
                screen.show(&answer::paper(query, found, self.output.format)?, talk)?;
                talk.say(&format!("{rows} {}", if rows == 1 { "row" } else { "rows" }));
            }
            None => query::deliver(query, found, &self.output, talk)?,
        }
        if self.timing {
            talk.say(&format!("{:.3} s", took.as_secs_f64()));
        }
        Ok(())
    }

    fn show(&self, text: &str, talk: &mut Talk) -> Result<()> {
        match &self.screen {
            Some(screen) => screen.show(text.as_bytes(), talk),
            None => talk.data(text.as_bytes()),
        }
    }
}

fn help() -> String {
    let named = COMMANDS.map(|(name, given, meaning)| (format!("{name} {given}"), meaning));
    let width = named.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines: String = named.iter().map(|(name, meaning)| format!("  \\{name:width$}  {meaning}\n")).collect();
    format!("Anything but these is SQL, over as many lines as it takes, up to a semicolon.\n{lines}")
}
