//! UK carriers' itemised bills: the standard CDR file of the billing vendors' forum (FCS, formerly UKBVF) and the CSV of
//! BT's web portal. Columns are found by name; `columns` knows the names, `record` what a row means. A bill has chargeable
//! calls, so that a line without one was not silent.
//!
//! Sources: formats page 3, carriers' help pages for the names of FCS columns; `docs/formats.md` says which.

mod columns;
mod record;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::BufRead;

use chrono::{Days, NaiveDate};

use super::field::{Fields, Refusal, plain};
use super::{About, Block, Decoder, Likelihood, ReadError, Reader, Reject, Sink, Skip, hash, next_block};
use columns::Columns;

/// Record ids that are held against each other before the rest is trusted.
const IDS_COMPARED: usize = 1 << 20;

/// Different headers in one file, at most: each is held against each.
const LAYOUTS: usize = 64;

/// The reader of format `fcs-uk`.
pub struct FcsUk;

impl Reader for FcsUk {
    fn id(&self) -> &'static str {
        "fcs-uk"
    }

    fn sniff(&self, head: &[u8], _name: &str) -> Likelihood {
        let mut lines = head.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
        match lines.next().and_then(Columns::of) {
            Some(Ok(_)) => Likelihood::Sure,
            Some(Err(_)) => Likelihood::Maybe,
            None => Likelihood::No,
        }
    }

    fn blind_spots(&self) -> &'static str {
        "a bill has chargeable calls: no internal and no unanswered calls, mostly no incoming ones, and free or bundled calls \
         perhaps not; the number billed may be the pilot of many lines, so no phone's silence can be shown"
    }

    fn shows_silence(&self) -> bool {
        false
    }

    fn open(&self, text: &mut dyn BufRead, about: &About<'_>) -> Result<Box<dyn Decoder>, ReadError> {
        let mut decoder = survey(text)?;
        // Two days more than the file's own, for clocks that are not quite right.
        decoder.last_day = about.received_on.checked_add_days(Days::new(2)).unwrap_or(NaiveDate::MAX);
        Ok(Box::new(decoder))
    }
}

#[derive(Debug)]
struct BillDecoder {
    /// The different header rows; `None` for one that lacks a column no record can do without.
    layouts: Vec<Option<Columns>>,
    /// Lines from which another of the `layouts` is in force, in file order.
    changes: Vec<(u64, usize)>,
    /// Each call has a Record ID of its own, so that it is the record's identity and not its text.
    has_ids: bool,
    /// The last day a record can be from.
    last_day: NaiveDate,
}

impl BillDecoder {
    /// The columns of a line; a line is never read by a header that does not stand above it.
    fn columns(&self, line: u64) -> Result<&Columns, Refusal> {
        let above = self.changes.partition_point(|(from, _)| *from <= line);
        let change = above.checked_sub(1).and_then(|at| self.changes.get(at));
        let (_, layout) = change.ok_or((Reject::WrongShape, "no header above"))?;
        let columns = self.layouts.get(*layout).and_then(Option::as_ref);
        columns.ok_or((Reject::WrongShape, "the header above lacks a needed column"))
    }
}

/// One pass over the whole text: its header rows, and whether its record ids can be told apart.
fn survey(text: &mut dyn BufRead) -> Result<BillDecoder, ReadError> {
    let mut decoder = BillDecoder { layouts: Vec::new(), changes: Vec::new(), has_ids: true, last_day: NaiveDate::MAX };
    let (mut seen, mut lacks): (Vec<Vec<u8>>, _) = (Vec::new(), None);
    let (mut ids, mut fields) = (HashMap::new(), Fields::default());
    let (mut first_line, mut is_blank, mut block) = (1, true, Vec::new());
    while next_block(text, 1 << 20, &mut block)? {
        is_blank = is_blank && block.trim_ascii().is_empty();
        for (line, bytes) in (Block { first_line, bytes: &block }).lines() {
            first_line = line + 1;
            let Some(columns) = Columns::of(bytes) else {
                let Ok(columns) = decoder.columns(line) else { continue };
                let Ok(row) = plain(bytes) else { continue };
                if columns.split(row, &mut fields).is_err() {
                    continue;
                }
                if columns.is_saved_by_a_spreadsheet(&fields) {
                    return Err(refused(
                        format!(
                            "line {line}: a spreadsheet program saved this copy: it turned numbers into the form 1.2E+11"
                        ),
                        "deliver the file as the carrier wrote it; the digits in this copy are lost",
                    ));
                }
                if decoder.has_ids && record::no_call(columns, &fields).is_none() {
                    decoder.has_ids = can_be_told_apart(columns.id(&fields), row, &mut ids);
                }
                continue;
            };
            let layout = seen.iter().position(|header| header == bytes).unwrap_or(seen.len());
            if layout == LAYOUTS {
                return Err(refused(
                    format!("line {line}: more different headers than files are put together"),
                    "deliver the carrier's files one by one",
                ));
            }
            if layout == seen.len() {
                seen.push(bytes.to_vec());
                decoder.layouts.push(columns.map_err(|name| lacks = lacks.or(Some((line, name)))).ok());
            }
            if decoder.changes.last().is_none_or(|(_, last)| *last != layout) {
                decoder.changes.push((line, layout));
            }
        }
    }
    match lacks {
        _ if decoder.layouts.iter().any(Option::is_some) => Ok(decoder),
        Some((line, name)) => Err(refused(
            format!("line {line}: the header lacks the column {name}"),
            "without it no call can be told; ask the carrier for the full file",
        )),
        None if is_blank => Err(refused("the file is empty", "the transfer may have been cut; deliver it again")),
        None => Err(refused(
            "no line names the columns of an FCS call file (Call Type, Customer Identifier, …) or of BT's (ChargeCode, …)",
            "deliver the file with its header line; for one that never has it, use format `mapped-csv` and name the columns",
        )),
    }
}

fn refused(what: impl Into<String>, hint: &'static str) -> ReadError {
    ReadError::Refused { what: what.into(), hint }
}

/// Whether the id is there, and no other row has it. Equal rows are one call told twice.
fn can_be_told_apart(id: &str, row: &str, ids: &mut HashMap<u64, u64>) -> bool {
    let text = hash(&[row.trim_end().as_bytes()]);
    let key = hash(&[id.as_bytes()]);
    match ids.get(&key) {
        _ if id.is_empty() => false,
        Some(other) => *other == text,
        None => {
            if ids.len() < IDS_COMPARED {
                ids.insert(key, text);
            }
            true
        }
    }
}

impl Decoder for BillDecoder {
    fn options(&self) -> String {
        let mut options = match self.layouts.iter().flatten().next() {
            Some(first) => format!("layout={}; columns={}", first.layout.name(), first.count),
            None => String::new(),
        };
        options += if self.has_ids { "; id=record-id" } else { "; id=text" };
        if self.changes.len() > 1 {
            options += &format!("; layouts={}", self.layouts.len());
        }
        options
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        let mut fields = Fields::default();
        for (line, bytes) in block.lines() {
            let skip = match () {
                () if bytes.trim_ascii().is_empty() => Some(Skip::Blank),
                () if Columns::of(bytes).is_some() => Some(Skip::Header),
                () => None,
            };
            if let Some(skip) = skip {
                sink.skip(line, skip);
            } else if let Err((why, detail)) = self.line(line, bytes, &mut fields, sink) {
                sink.reject(line, why, detail, bytes);
            }
        }
    }
}

impl BillDecoder {
    fn line(&self, line: u64, bytes: &[u8], fields: &mut Fields, sink: &mut dyn Sink) -> Result<(), Refusal> {
        let text = plain(bytes)?;
        let columns = self.columns(line)?;
        columns.split(text, fields)?;
        match record::no_call(columns, fields) {
            Some(why) => sink.skip(line, why),
            None => {
                let row = record::Row { columns, fields, line, text, has_ids: self.has_ids, last_day: self.last_day };
                sink.record(&row.record()?);
            }
        }
        Ok(())
    }
}
