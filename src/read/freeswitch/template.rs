//! The templates of `mod_cdr_csv`: which variable is which column, and how a line falls into columns. FreeSWITCH quotes
//! everything and escapes nothing, so a line is cut between quotes and counted from both ends. It gives no field a meaning.

use super::super::Reject;
use super::super::field::{Refusal, stamp};

/// A variable that the reader has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    CallerNumber,
    Destination,
    Start,
    Answer,
    End,
    Duration,
    BillSec,
    Cause,
    Uuid,
    OtherUuid,
    Account,
    Channel,
    OtherChannel,
    LastApp,
    /// `"name" <number>`.
    CallerId,
}

/// Names of channel variables.
const NAMES: [(&str, Field); 17] = [
    ("caller_id_number", Field::CallerNumber),
    ("ani", Field::CallerNumber),
    ("destination_number", Field::Destination),
    ("start_stamp", Field::Start),
    ("answer_stamp", Field::Answer),
    ("end_stamp", Field::End),
    ("duration", Field::Duration),
    ("billsec", Field::BillSec),
    ("hangup_cause", Field::Cause),
    ("uuid", Field::Uuid),
    ("bleg_uuid", Field::OtherUuid),
    ("signal_bond", Field::OtherUuid),
    ("accountcode", Field::Account),
    ("channel_name", Field::Channel),
    ("bridge_channel", Field::OtherChannel),
    ("last_app", Field::LastApp),
    ("caller_id", Field::CallerId),
];
const COUNT: usize = 15;
/// Text that callers or phones choose, and that may hold anything.
const FREE: [&str; 2] = ["caller_id_name", "caller_id"];

/// The templates of cdr_csv.conf.xml that tell when a call began. `default` is built in; `example` is what the file sets.
const TEMPLATES: [(&str, &str); 5] = [
    ("default", ""),
    ("example", "read_codec write_codec"),
    ("linksys", "read_codec write_codec sip_user_agent sip_p_rtp_stat"),
    ("snom", "read_codec write_codec sip_user_agent call_clientcode sip_rtp_rxstat sip_rtp_txstat sofia_record_file"),
    (
        "asterisk",
        "accountcode caller_id_number destination_number context caller_id channel_name bridge_channel last_app last_arg \
         start_stamp answer_stamp end_stamp duration billsec hangup_cause amaflags uuid userfield",
    ),
];
/// What all but the last of them begin with.
const COMMON: &str = "caller_id_name caller_id_number destination_number context start_stamp answer_stamp end_stamp \
                      duration billsec hangup_cause uuid bleg_uuid accountcode";

/// The columns of one template.
#[derive(Clone, Debug)]
pub struct Template {
    pub name: &'static str,
    pub width: usize,
    at: [Option<usize>; COUNT],
    /// The first column that may hold what looks like the end of a field.
    free: Option<usize>,
}

impl Template {
    pub fn of<'a>(name: &'static str, variables: impl Iterator<Item = &'a str>) -> Self {
        let mut template = Self { name, width: 0, at: [None; COUNT], free: None };
        for variable in variables {
            let variable = variable.trim().trim_start_matches("${").trim_end_matches('}');
            if let Some((_, field)) = NAMES.iter().find(|(known, _)| *known == variable) {
                template.at[*field as usize].get_or_insert(template.width);
            }
            if FREE.contains(&variable) {
                template.free.get_or_insert(template.width);
            }
            template.width += 1;
        }
        template
    }

    pub fn has(&self, field: Field) -> bool {
        self.at[field as usize].is_some()
    }

    /// Empty where there is no such column.
    pub fn get<'a>(&self, line: &Line<'a>, field: Field) -> &'a str {
        self.at[field as usize].map_or("", |at| line.column(self, at))
    }

    /// Whether the times and the duration stand where they should.
    fn fits(&self, line: &Line<'_>) -> bool {
        let is_time = |field| {
            let text = self.get(line, field);
            text.is_empty() || stamp(text).is_some()
        };
        line.pieces.len() >= self.width
            && (line.pieces.len() == self.width || self.free.is_some())
            && stamp(self.get(line, Field::Start)).is_some()
            && is_time(Field::Answer)
            && is_time(Field::End)
            && [Field::Duration, Field::BillSec].iter().all(|field| {
                let text = self.get(line, *field);
                text.bytes().all(|b| b.is_ascii_digit())
            })
    }
}

/// The templates that a file may have been written with.
pub fn built_in() -> Vec<Template> {
    TEMPLATES
        .iter()
        .map(|(name, rest)| {
            let common = if *name == "asterisk" { "" } else { COMMON };
            Template::of(
                name,
                common.split(' ').filter(|v| !v.is_empty()).chain(rest.split(' ').filter(|v| !v.is_empty())),
            )
        })
        .collect()
}

/// The template a line was written with: of those that fit, the one with the most columns of its own.
pub fn of_line<'t>(templates: &'t [Template], line: &Line<'_>) -> Option<&'t Template> {
    templates.iter().filter(|template| template.fits(line)).max_by_key(|template| template.width)
}

/// A line cut wherever a quote, a comma and a quote follow each other.
#[derive(Debug, Default)]
pub struct Line<'a> {
    text: &'a str,
    /// Start and end of each piece.
    pieces: Vec<(usize, usize)>,
}

impl<'a> Line<'a> {
    pub fn cut(text: &'a str) -> Result<Self, Refusal> {
        let inner = text.trim();
        if !inner.starts_with('"') {
            return Err((Reject::WrongShape, "a field without quotes"));
        }
        if inner.len() < 2 || !inner.ends_with('"') {
            return Err((Reject::WrongShape, "an open quote"));
        }
        let mut line = Self { text: inner.get(1..inner.len() - 1).unwrap_or_default(), pieces: Vec::new() };
        let (bytes, mut start, mut at) = (line.text.as_bytes(), 0, 0);
        while let Some(quote) = bytes.get(at..).and_then(|rest| memchr::memchr(b'"', rest)).map(|n| at + n) {
            at = quote + 1;
            // Some templates leave a blank behind the comma.
            let Some(b',') = bytes.get(at) else { continue };
            let blanks = bytes.get(at + 1..).unwrap_or_default().iter().take_while(|b| **b == b' ').count();
            if bytes.get(at + 1 + blanks) == Some(&b'"') {
                line.pieces.push((start, quote));
                at += blanks + 2;
                start = at;
            }
        }
        line.pieces.push((start, line.text.len()));
        Ok(line)
    }

    /// Pieces, at least as many as columns.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The text of a column; pieces too many belong to the free text.
    fn column(&self, template: &Template, at: usize) -> &'a str {
        let extra = self.pieces.len().saturating_sub(template.width);
        let (first, last) = match template.free {
            Some(free) if at > free => (at + extra, at + extra),
            Some(free) if at == free => (at, at + extra),
            _ => (at, at),
        };
        let (Some((start, _)), Some((_, end))) = (self.pieces.get(first), self.pieces.get(last)) else { return "" };
        self.text.get(*start..*end).unwrap_or_default().trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(template: &Template, text: &str) -> Vec<String> {
        let line = Line::cut(text).unwrap();
        (0..template.width).map(|at| line.column(template, at).to_owned()).collect()
    }

    #[test]
    fn quotes_in_a_name_shift_no_column() {
        let template = Template::of("", ["caller_id_name", "caller_id_number", "destination_number"].into_iter());
        for (text, name) in [
            (r#""A","101","102""#, "A"),
            (r#""A "B" C","101", "102""#, r#"A "B" C"#),
            (r#""A","B","101",   "102""#, r#"A","B"#),
            (r#""","101","102" "#, ""),
            (r#"""","101","102""#, r#"""#),
        ] {
            assert_eq!(columns(&template, text), [name, "101", "102"], "{text}");
        }
        assert!(Line::cut("101,102").is_err() && Line::cut("\"").is_err() && Line::cut("\"a\",b").is_err());
    }

    #[test]
    fn templates_have_the_columns_of_the_configuration_file() {
        let widths: Vec<_> = built_in().iter().map(|t| (t.name, t.width)).collect();
        assert_eq!(widths, [("default", 13), ("example", 15), ("linksys", 17), ("snom", 20), ("asterisk", 18)]);
    }
}
