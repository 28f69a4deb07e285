//! What a source's configuration says of files that do not describe themselves: order and widths of their columns,
//! order of day and month, the unit of a duration. Readers take it as it stands; it opens no file.

pub mod mapping;

use schemars::JsonSchema;
use serde::Deserialize;

pub use mapping::Mapping;

/// All that a reader may be told. A key that its format has no use for is an error of the configuration
/// ([`crate::read::Reader::keys`]).
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub layout: Option<Layout>,
    pub date_order: Option<DateOrder>,
    pub sec_dur: Option<SecDur>,
    pub rotated_circuits: Option<bool>,
    pub mapping: Option<Mapping>,
}

/// Columns in order: a built-in layout's name (or a file of `item,width` lines, read in by the configuration), items with
/// their widths in characters, or the names of delimited columns.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(untagged)]
pub enum Layout {
    Name(String),
    Widths(Vec<(String, u16)>),
    Names(Vec<String>),
}

/// Which of two numbers in a date without names is the day.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    Dmy,
    Mdy,
    Ymd,
}

/// What a duration of five digits counts: hours, minutes and seconds (`00143` is 1 min 43 s), or seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SecDur {
    #[default]
    Hms,
    Seconds,
}

/// A format that sources may have: its id, and the keys of a source that it alone has a use for.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    pub id: &'static str,
    pub keys: &'static [&'static str],
}

impl Layout {
    /// Reads a layout file: a line for each column, `item,width`; `#` starts a comment.
    ///
    /// # Errors
    /// The line that is neither, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut columns = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let column = line.split_once(',').and_then(|(item, width)| {
                let width = width.trim().parse().ok().filter(|w| (1..=512).contains(w))?;
                (!item.trim().is_empty()).then(|| (item.trim().to_string(), width))
            });
            columns.push(column.ok_or_else(|| format!("line {}: not `item,width`", n + 1))?);
        }
        match columns.is_empty() {
            true => Err("it names no column".into()),
            false => Ok(Self::Widths(columns)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_file_is_items_and_widths() {
        let layout = Layout::parse("# ours\ndate, 6\nspace,1 # blank\n\ntime,4\r\n").unwrap();
        let widths = [("date", 6), ("space", 1), ("time", 4)].map(|(item, width)| (item.to_string(), width));
        assert_eq!(layout, Layout::Widths(widths.to_vec()));
        for (text, what) in [("", "no column"), ("date", "line 1"), ("date,6\ntime,0", "line 2"), (",4", "line 1")] {
            assert!(Layout::parse(text).unwrap_err().contains(what), "{text}");
        }
    }
}
