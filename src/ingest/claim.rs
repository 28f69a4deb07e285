//! Whose text is it: the source it belongs to, by what was said and by what its first bytes show. Two formats that both
//! fit are never guessed between; a text of another format than its source's is refused with both names.

use std::io::Read;

use crate::config::{Config, Source};
use crate::discover::Text;
use crate::error::{Error, Result};
use crate::read::{Likelihood, READERS, Reader, reader};

/// What the caller knows of a file.
#[derive(Clone, Copy, Debug)]
pub enum Claim<'a> {
    /// It is this source's.
    Of(&'a Source),
    /// It is for one of these sources, to be told by its format.
    Any(&'a Config),
}

/// Enough for a header row of 133 quoted names.
const HEAD_BYTES: u64 = 16 << 10;

impl<'a> Claim<'a> {
    /// The source of a text.
    ///
    /// # Errors
    /// No format fits, or several; the format fits no source, or several; or it is not that of the claimed source.
    pub fn source(self, text: &Text) -> Result<&'a Source> {
        let mut head = Vec::new();
        text.open()?.take(HEAD_BYTES).read_to_end(&mut head).map_err(|e| text.unreadable(e))?;
        let refused = |what: String, hint| Error::Input { path: text.place(), what, hint };
        match self {
            Self::Of(source) => match stranger(source, &head, text.file_name()) {
                Some(other) => Err(refused(
                    format!(
                        "this is a file of format {other}, and source {} is of format {}",
                        source.name, source.format
                    ),
                    "move it to the folder of its own source, or correct `format`",
                )),
                None => Ok(source),
            },
            Self::Any(config) => {
                let format =
                    recognised(READERS, &head, text.file_name()).map_err(|(what, hint)| refused(what, hint))?;
                of_format(config, format, text).map_err(|(what, hint)| refused(what, hint))
            }
        }
    }
}

type Refusal = (String, &'static str);

/// The one format that fits best.
fn recognised(readers: &[&dyn Reader], head: &[u8], name: &str) -> Result<&'static str, Refusal> {
    if head.is_empty() {
        return Err(("the file is empty".into(), "the transfer may have been cut; deliver it again"));
    }
    let of = |likelihood| -> Vec<&'static str> {
        let fits = |r: &&&dyn Reader| !r.takes_any() && r.sniff(head, name) == likelihood;
        readers.iter().filter(fits).map(|r| r.id()).collect()
    };
    let sure = of(Likelihood::Sure);
    let fits = if sure.is_empty() { of(Likelihood::Maybe) } else { sure };
    match fits[..] {
        [format] => Ok(format),
        [] => Err(("its format is none that shows itself".into(), "name the source it belongs to with --source")),
        _ => Err((format!("it may be {}", fits.join(" or ")), "name the source it belongs to with --source")),
    }
}

/// The source of that format; of several, the one in whose `paths` the file lies.
fn of_format<'a>(config: &'a Config, format: &str, text: &Text) -> Result<&'a Source, Refusal> {
    let sources: Vec<&Source> = config.sources.iter().filter(|s| s.format == format).collect();
    match sources[..] {
        [source] => Ok(source),
        [] => Err((format!("it is of format {format}, which no source has"), "add a [[source]] of that format")),
        _ => {
            let homes: Vec<&Source> =
                sources.iter().copied().filter(|s| crate::discover::covers(s, &text.name)).collect();
            match homes[..] {
                [source] => Ok(source),
                _ => {
                    let names: Vec<&str> = sources.iter().map(|s| s.name.as_str()).collect();
                    let what = format!("it is of format {format}, as are the sources {}", names.join(", "));
                    Err((what, "name the one it belongs to with --source"))
                }
            }
        }
    }
}

/// Another format that the text surely is, where its own source's reader is not sure of it.
fn stranger(source: &Source, head: &[u8], name: &str) -> Option<&'static str> {
    let own = reader(&source.format)?;
    if own.takes_any() || own.sniff(head, name) == Likelihood::Sure {
        return None;
    }
    let others = READERS.iter().filter(|r| r.id() != own.id() && !r.takes_any());
    others.filter(|r| r.sniff(head, name) == Likelihood::Sure).map(|r| r.id()).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{About, Decoder, ReadError};

    struct Fits(&'static str, Likelihood, bool);

    impl Reader for Fits {
        fn id(&self) -> &'static str {
            self.0
        }
        fn sniff(&self, _head: &[u8], _name: &str) -> Likelihood {
            self.1
        }
        fn blind_spots(&self) -> &'static str {
            ""
        }
        fn takes_any(&self) -> bool {
            self.2
        }
        fn open(&self, _: &mut dyn std::io::BufRead, _: &About<'_>) -> Result<Box<dyn Decoder>, ReadError> {
            Err(ReadError::Refused { what: String::new(), hint: "" })
        }
    }

    #[test]
    fn the_best_fit_counts_and_two_are_never_guessed_between() {
        use Likelihood::{Maybe, No, Sure};
        let (a, b, c) = (Fits("a", Sure, false), Fits("b", Maybe, false), Fits("c", No, false));
        let (second, mapped) = (Fits("d", Sure, false), Fits("e", Sure, true));
        let found = |readers: &[&dyn Reader]| recognised(readers, b"x", "").map_err(|(what, _)| what);
        assert_eq!(found(&[&a, &b, &c, &mapped]).unwrap(), "a");
        assert_eq!(found(&[&b, &c]).unwrap(), "b");
        assert_eq!(found(&[&a, &b, &second]).unwrap_err(), "it may be a or d");
        assert!(found(&[&c, &mapped]).unwrap_err().contains("none"));
        assert!(recognised(&[&a], b"", "").unwrap_err().0.contains("empty"));
    }
}
