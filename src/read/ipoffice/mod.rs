//! Avaya IP Office SMDR: comma-separated lines by position, without a header, quoting or a zone. `line` has the shapes,
//! `calls` what the records of a call are to one another, `record` what the fields mean. Communication Manager's CDR is
//! another format.
//!
//! Sources: Avaya's "SMDR Fields", "SMDR Records" and "SMDR Examples"; what was only seen in genuine files is marked so
//! in `docs/formats.md`.

mod calls;
mod line;
mod record;

use std::collections::BTreeSet;
use std::io::BufRead;

use chrono::{Days, NaiveDate};

use super::{About, Block, Decoder, Likelihood, ReadError, Reader, Reject, Sink, Skip, next_block};
use calls::{Calls, Survey};
use line::{Line, Why, bare, is_header, looks_like_record};

/// The reader of format `avaya-ipoffice`.
pub struct IpOffice;

impl Reader for IpOffice {
    fn id(&self) -> &'static str {
        "avaya-ipoffice"
    }

    fn sniff(&self, head: &[u8], _name: &str) -> Likelihood {
        let found = (Block { first_line: 1, bytes: head }).lines().any(|(_, text)| looks_like_record(bare(text)));
        if found { Likelihood::Sure } else { Likelihood::No }
    }

    fn blind_spots(&self) -> &'static str {
        "a call answered at a mobile or internal twin reads as answered at the user's own phone; a call taken by a member of a \
         hunt group does not name the group; the platform keeps 500 records (at most 3000) when the collector is away and \
         drops the oldest; short codes that only change a setting leave no record"
    }

    fn keeps_order(&self) -> bool {
        true
    }

    fn open(&self, text: &mut dyn BufRead, about: &About<'_>) -> Result<Box<dyn Decoder>, ReadError> {
        // Two days more than the file's own, for clocks that are not quite right.
        let not_from = about.received_on.checked_add_days(Days::new(3)).unwrap_or(NaiveDate::MAX);
        let mut decoder =
            IpOfficeDecoder { not_from, calls: Calls::default(), widths: BTreeSet::new(), eight_bit: false };
        let (mut survey, mut is_blank, mut looks_right) = (Survey::default(), true, false);
        let (mut first_line, mut block) = (1, Vec::new());
        while next_block(text, 1 << 20, &mut block)? {
            for (number, text) in (Block { first_line, bytes: &block }).lines() {
                first_line = number + 1;
                let text = bare(text);
                is_blank = is_blank && text.is_empty();
                looks_right = looks_right || looks_like_record(text);
                if let Ok(line) = decoder.read(text) {
                    decoder.widths.insert(line.width);
                    decoder.eight_bit = decoder.eight_bit || std::str::from_utf8(text).is_err();
                    survey.see(number, &line);
                }
            }
        }
        decoder.calls = survey.finish();
        match (looks_right, is_blank) {
            (true, _) => Ok(Box::new(decoder)),
            (false, true) => Err(ReadError::Refused {
                what: "the file is empty".into(),
                hint: "the transfer may have been cut; deliver it again",
            }),
            (false, false) => Err(ReadError::Refused {
                what: "no line looks like an IP Office SMDR record (`YYYY/MM/DD HH:MM:SS,HH:MM:SS,ring,…`)".into(),
                hint: "deliver the log as the collector wrote it, not saved again by a spreadsheet program, which changes the \
                       times; Communication Manager's CDR is the format `avaya-cm`",
            }),
        }
    }
}

struct IpOfficeDecoder {
    /// Day from which on no record of this file can be: a clock that runs ahead would move the whole window.
    not_from: NaiveDate,
    calls: Calls,
    /// Numbers of fields that records have.
    widths: BTreeSet<usize>,
    /// Some names are no UTF-8.
    eight_bit: bool,
}

impl IpOfficeDecoder {
    fn read<'a>(&self, bare: &'a [u8]) -> Result<Line<'a>, Why> {
        let line = Line::read(bare)?;
        if line.start.date() >= self.not_from {
            return Err((Reject::BadTime, "call start is days after the file itself"));
        }
        Ok(line)
    }
}

impl Decoder for IpOfficeDecoder {
    fn options(&self) -> String {
        let widths: Vec<String> = self.widths.iter().map(usize::to_string).collect();
        let names = if self.eight_bit { "8-bit" } else { "utf-8" };
        format!("fields={}; names={names}", widths.join("/"))
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        for (number, text) in block.lines() {
            let bare = bare(text);
            match self.read(bare) {
                Ok(line) => record::give(&self.calls, number, &line, bare, sink),
                Err(_) if bare.is_empty() => sink.skip(number, Skip::Blank),
                Err(_) if is_header(bare) => sink.skip(number, Skip::Header),
                Err((why, detail)) => sink.reject(number, why, detail, text),
            }
        }
    }
}

#[cfg(test)]
mod tests;
