//! `[privacy]` and what a source keeps of outside numbers. Reads no key; that is `commands`' business.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Config, OUTSIDE, inside};

/// What of a number that is not ours is kept when its record is read.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum OutsideNumbers {
    /// All of it.
    #[default]
    Keep,
    /// The area or network code.
    Truncate,
    /// The area or network code, and a keyed pseudonym that is the same wherever the number is.
    Pseudonym,
}

impl OutsideNumbers {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Truncate => "truncate",
            Self::Pseudonym => "pseudonym",
        }
    }
}

/// What is done for the people who call and are called.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// The file that holds the keys, which `onhook privacy key` makes; not inside the lake.
    pub key: Option<PathBuf>,
    /// In exported answers, rows with a count of 1 up to one less than this lose their figures; 0 for none. Overridden
    /// by `onhook query --suppress`.
    pub suppress_below: u32,
}

impl Privacy {
    /// # Errors
    /// What is wrong, and what to do.
    pub fn check(&self, config: &Config) -> Result<(), (String, &'static str)> {
        let masked = config.sources.iter().find(|source| source.outside_numbers != OutsideNumbers::Keep);
        let Some(key) = &self.key else {
            return match masked {
                Some(source) => {
                    let word = source.outside_numbers.word();
                    let what = format!("source {:?} says outside_numbers = {word:?}, and no key is named", source.name);
                    Err((what, "name a file in [privacy] key, and make it with `onhook privacy key`"))
                }
                None => Ok(()),
            };
        };
        inside(key).map_err(|what| (what, OUTSIDE))?;
        let folder = |path: &Path| config.at(path).components().collect::<PathBuf>();
        match folder(key).starts_with(folder(&config.lake.path)) {
            true => {
                let what = format!("the key {} lies in the lake", key.display());
                Err((what, "keep it apart: whoever has both can undo the pseudonyms"))
            }
            false => Ok(()),
        }
    }
}
