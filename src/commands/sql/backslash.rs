//! The backslash commands of a session: what there is, and what was typed. Does nothing itself.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::Format;
use crate::error::{Error, Result};
use crate::sql::Args;

/// Name, arguments and meaning of each, as `\?` shows them.
pub const COMMANDS: [(&str, &str, &str); 9] = [
    ("d", "[NAME]", "tables, views and reports; the columns of one"),
    ("report", "NAME [name=value …]", "a report, with parameters"),
    ("reports", "", "the reports and what they ask"),
    ("format", "[table|csv|json|parquet|xlsx]", "form of the answers"),
    ("o", "[FILE]", "the next answer into a file"),
    ("timing", "[on|off]", "how long each answer took"),
    ("pager", "[on|off]", "long answers through $PAGER, or less"),
    ("?", "", "this list"),
    ("q", "", "leave; so does Ctrl-D"),
];

#[derive(Clone, Debug, PartialEq)]
pub enum Backslash {
    Describe(Option<String>),
    Report(String, Args),
    Reports,
    /// None asks which.
    Format(Option<Format>),
    /// None takes it back.
    Output(Option<PathBuf>),
    /// None turns it round.
    Timing(Option<bool>),
    Pager(Option<bool>),
    Help,
    Quit,
}

impl Backslash {
    /// Reads what stands after the backslash.
    ///
    /// # Errors
    /// There is no such command, or it cannot be asked for like this.
    pub fn read(text: &str) -> Result<Self> {
        let words = words(text);
        let (name, rest) = words.split_first().map_or(("", &words[..]), |(name, rest)| (name.as_str(), rest));
        let wrong = |what: String| {
            let hint = match COMMANDS.iter().find(|(known, _, _)| *known == name) {
                Some((known, arguments, _)) => format!("write it as \\{known} {arguments}"),
                None => "\\? shows what there is".into(),
            };
            Error::Query { name: format!("\\{name}"), what, hint }
        };
        let most = if name == "report" { usize::MAX } else { 1 };
        if rest.len() > most {
            return Err(wrong("too many words".into()));
        }
        let only = rest.first().cloned();
        let switch = || match rest.first().map(String::as_str) {
            None => Ok(None),
            Some("on") => Ok(Some(true)),
            Some("off") => Ok(Some(false)),
            Some(other) => Err(wrong(format!("{other:?} is neither on nor off"))),
        };
        Ok(match name {
            "d" => Self::Describe(only),
            "report" => {
                let name = only.ok_or_else(|| wrong("which report?".into()))?;
                let pairs = rest[1..].iter().map(|word| match word.split_once('=') {
                    Some((name, value)) if !name.is_empty() => Ok((name.to_string(), value.to_string())),
                    _ => Err(wrong(format!("{word:?} is no name=value"))),
                });
                Self::Report(name, pairs.collect::<Result<_>>()?)
            }
            "reports" => Self::Reports,
            "format" => {
                let format = |word: String| {
                    Format::from_str(&word, true).map_err(|_| wrong(format!("there is no form {word:?}")))
                };
                Self::Format(only.map(format).transpose()?)
            }
            "o" => Self::Output(only.map(PathBuf::from)),
            "timing" => Self::Timing(switch()?),
            "pager" => Self::Pager(switch()?),
            "?" | "h" => Self::Help,
            "q" => Self::Quit,
            _ => return Err(wrong("there is no such command".into())),
        })
    }
}

/// Words between blanks; what is in single quotes is one, blanks and all, and a doubled quote in it is a quote.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    let mut letters = text.trim().trim_end_matches(';').chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' if is_quoted && letters.peek() == Some(&'\'') => {
                letters.next();
                word.get_or_insert_default().push('\'');
            }
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            letter if letter.is_whitespace() && !is_quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_is_meant() {
        let read = |text: &str| Backslash::read(text).unwrap();
        assert_eq!(read("d legs;"), Backslash::Describe(Some("legs".into())));
        let given = [("site", "it's here"), ("source", "")].map(|(k, v)| (k.to_string(), v.to_string()));
        assert_eq!(
            read("report idle-handsets site='it''s here' source=''"),
            Backslash::Report("idle-handsets".into(), given.into())
        );
        assert_eq!(read("format CSV"), Backslash::Format(Some(Format::Csv)));
        assert_eq!(read("timing off"), Backslash::Timing(Some(false)));
        assert_eq!(read("o 'my file.csv'"), Backslash::Output(Some("my file.csv".into())));
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_the_form_it_has() {
        for (text, hint) in [
            ("format html", "\\format [table"),
            ("timing maybe", "\\timing [on|off]"),
            ("report", "\\report NAME"),
            ("report coverage site", "\\report NAME"),
            ("x", "\\? shows"),
            ("d a b", "\\d [NAME]"),
            ("", "\\? shows"),
        ] {
            let error = Backslash::read(text).unwrap_err();
            assert!(error.hint().contains(hint), "{text}: {error}: {}", error.hint());
        }
    }

    #[test]
    fn every_command_that_is_shown_is_there() {
        for (name, arguments, _) in COMMANDS {
            let argument = if arguments.starts_with("NAME") { "x" } else { "" };
            assert!(Backslash::read(&format!("{name} {argument}")).is_ok(), "\\{name}");
        }
    }
}
