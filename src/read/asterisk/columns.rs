//! Which column of a line is what: by the line's width and a vote on its seventeenth column (Master.csv), or as the
//! configuration says (`cdr_custom`). It gives no field a meaning.

use super::super::field::{Fields, seconds, stamp};

/// A column that the reader has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Account,
    Src,
    Dst,
    Clid,
    Channel,
    DstChannel,
    LastApp,
    LastData,
    Start,
    Answer,
    End,
    Duration,
    BillSec,
    Disposition,
    UniqueId,
    LinkedId,
}

/// Asterisk's own names, as `CDR()` and the configuration spell them.
const NAMES: [(&str, Field); COUNT] = [
    ("accountcode", Field::Account),
    ("src", Field::Src),
    ("dst", Field::Dst),
    ("clid", Field::Clid),
    ("channel", Field::Channel),
    ("dstchannel", Field::DstChannel),
    ("lastapp", Field::LastApp),
    ("lastdata", Field::LastData),
    ("start", Field::Start),
    ("answer", Field::Answer),
    ("end", Field::End),
    ("duration", Field::Duration),
    ("billsec", Field::BillSec),
    ("disposition", Field::Disposition),
    ("uniqueid", Field::UniqueId),
    ("linkedid", Field::LinkedId),
];
const COUNT: usize = 16;

/// The sixteen columns that every Master.csv has (`cdr_csv.c`).
const MASTER: [&str; 16] = [
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
];
/// `newcdrcolumns` of cdr.conf.
const NEW: [&str; 3] = ["peeraccount", "linkedid", "sequence"];
const WIDEST: usize = 21;
/// The column that is either `uniqueid` or `userfield` in lines of 17 and 20.
pub const DOUBTFUL: usize = 16;

#[derive(Clone, Debug)]
pub struct Columns {
    width: usize,
    at: [Option<usize>; COUNT],
}

impl Columns {
    pub fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut columns = Self { width: 0, at: [None; COUNT] };
        for name in names {
            if let Some((_, field)) = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim())) {
                columns.at[*field as usize].get_or_insert(columns.width);
            }
            columns.width += 1;
        }
        columns
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn has(&self, field: Field) -> bool {
        self.at[field as usize].is_some()
    }

    /// Empty where there is no such column.
    pub fn get<'f>(&self, fields: &'f Fields, field: Field) -> &'f str {
        self.at[field as usize].map_or("", |at| fields.get(at))
    }
}

/// Counts what the lines of a Master.csv look like.
#[derive(Debug, Default)]
pub struct Vote {
    /// Lines by width, from sixteen columns.
    lines: [u64; WIDEST - 15],
    /// Of lines of 17 and 20 columns: whose doubtful column holds a unique id, and something else.
    unique: u64,
    other: u64,
}

impl Vote {
    pub fn count(&mut self, fields: &Fields) {
        if let Some(lines) = fields.len().checked_sub(16).and_then(|n| self.lines.get_mut(n)) {
            *lines += 1;
        }
        if matches!(fields.len(), 17 | 20) {
            match fields.get(DOUBTFUL) {
                "" => {}
                text if is_unique_id(text) => self.unique += 1,
                _ => self.other += 1,
            }
        }
    }

    /// None where no line was a record.
    pub fn result(&self) -> Option<Master> {
        let all: u64 = self.lines.iter().sum();
        let usual = (16..).zip(self.lines).max_by_key(|(width, lines)| (*lines, *width))?.0;
        let doubtful_is_unique = self.unique > 0 && self.unique >= self.other;
        let by_width = every_width(doubtful_is_unique);
        let with_id: u64 =
            self.lines.iter().zip(&by_width).filter(|(_, c)| c.has(Field::UniqueId)).map(|(n, _)| n).sum();
        (all > 0).then_some(Master { by_width, usual, has_ids: with_id * 2 > all, doubtful_is_unique })
    }
}

/// The columns of every width of Master.csv: cdr.conf may have been changed while the file grew.
#[derive(Debug)]
pub struct Master {
    by_width: ByWidth,
    /// The width of most lines.
    pub usual: usize,
    /// Most lines have a unique id.
    pub has_ids: bool,
    doubtful_is_unique: bool,
}

impl Master {
    pub fn of(&self, width: usize) -> Option<&Columns> {
        of_width(&self.by_width, width)
    }

    /// The columns beyond the sixteenth, as cdr.conf calls them.
    pub fn extras(&self) -> &'static str {
        match (self.usual, self.doubtful_is_unique) {
            (16, _) => "none",
            (17, true) => "uniqueid",
            (17, false) => "userfield",
            (18, _) => "uniqueid+userfield",
            (19, _) => "newcdrcolumns",
            (20, true) => "uniqueid+newcdrcolumns",
            (20, false) => "userfield+newcdrcolumns",
            _ => "uniqueid+userfield+newcdrcolumns",
        }
    }
}

/// The columns of each width, from sixteen.
pub type ByWidth = [Columns; WIDEST - 15];

pub fn every_width(doubtful_is_unique: bool) -> ByWidth {
    std::array::from_fn(|n| master(n + 16, doubtful_is_unique))
}

pub fn of_width(by_width: &ByWidth, width: usize) -> Option<&Columns> {
    width.checked_sub(16).and_then(|n| by_width.get(n))
}

fn master(width: usize, doubtful_is_unique: bool) -> Columns {
    let doubtful = if doubtful_is_unique { "uniqueid" } else { "userfield" };
    let extras: &[&str] = match width {
        17 | 20 => &[doubtful],
        18 | 21 => &["uniqueid", "userfield"],
        _ => &[],
    };
    let new: &[&str] = if width >= 19 { &NEW } else { &[] };
    Columns::of(MASTER.iter().chain(extras).chain(new).copied())
}

/// Three times, two durations and a disposition where Master.csv has them.
pub fn is_master(fields: &Fields) -> bool {
    let is_time = |at| stamp(fields.get(at)).is_some();
    (16..=WIDEST).contains(&fields.len())
        && is_time(9)
        && (fields.get(10).is_empty() || is_time(10))
        && is_time(11)
        && seconds(fields.get(12)).is_some()
        && seconds(fields.get(13)).is_some()
        && DISPOSITIONS.contains(&fields.get(14))
        && has_sequence(fields)
}

/// The new columns end with a plain number; what does not is no line of that width.
pub fn has_sequence(fields: &Fields) -> bool {
    fields.len() < 19 || seconds(fields.get(fields.len() - 1)).is_some()
}

/// `ast_cdr_disp2str`.
const DISPOSITIONS: [&str; 6] = ["ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION", "UNKNOWN"];

/// `epoch.sequence`, with the system's name before it where there is one: `pbx-1716217262.14`.
pub fn is_unique_id(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.rsplit_once('.').is_some_and(|(head, sequence)| {
        let epoch = head.rsplit_once('-').map_or(head, |(_, epoch)| epoch);
        (9..=11).contains(&epoch.len()) && digits(epoch) && digits(sequence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_id_is_an_epoch_and_a_sequence() {
        for id in ["1716197470.99", "pbx-1716217262.14", "pbx-2-1716197470.1"] {
            assert!(is_unique_id(id), "{id}");
        }
        for text in ["", "ward 7/2", "1716197470", "1716197470.", "12.5", "pbx-1716197470.1a", "x1716197470.1"] {
            assert!(!is_unique_id(text), "{text}");
        }
    }

    #[test]
    fn every_width_of_master_csv_has_its_columns() {
        let at = |width, unique| {
            let columns = master(width, unique);
            assert_eq!(columns.width(), width);
            [Field::UniqueId, Field::LinkedId].map(|f| columns.at[f as usize])
        };
        assert_eq!([at(16, true), at(17, true), at(17, false)], [[None, None], [Some(16), None], [None, None]]);
        assert_eq!([at(18, false), at(19, true)], [[Some(16), None], [None, Some(17)]]);
        assert_eq!([at(20, true), at(20, false)], [[Some(16), Some(18)], [None, Some(18)]]);
        assert_eq!(at(21, true), [Some(16), Some(19)]);
    }
}
