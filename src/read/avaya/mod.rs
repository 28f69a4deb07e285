//! Avaya Aura Communication Manager CDR: records of fixed columns without names. `layout` has the columns, `days` the
//! days, `joins` the parts of one call, `record` what the items mean. IP Office and Session Manager write other formats.

mod days;
mod joins;
mod layout;
mod record;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use super::field::plain;
use super::{About, Block, Decoder, Likelihood, ReadError, Reader, Reject, Sink, Skip};
use crate::layout::SecDur;
use days::Days;
use joins::Joins;
use layout::{Columns, Item, WIDEST};

/// Lines after which a layout that does not fit is known not to.
const ENOUGH: u64 = 1000;

pub struct AvayaCm;

impl Reader for AvayaCm {
    fn id(&self) -> &'static str {
        "avaya-cm"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["layout", "date_order", "sec_dur", "rotated_circuits"]
    }

    fn blind_spots(&self) -> &'static str {
        "records name no handset, so use is judged by the number; calls between extensions are there only for the extensions \
         listed for intra-switch CDR, trunk calls only for trunk groups with CDR reports on, and calls that rang without an \
         answer only where those reports are set to ring; without call splitting a transferred call names one station only, \
         and stations between are not seen"
    }

    /// The bytes say nothing without their layout; only the name of a survivable file does.
    fn sniff(&self, head: &[u8], name: &str) -> Likelihood {
        let name = name.strip_prefix("C-").unwrap_or(name);
        let text = head.iter().all(|b| matches!(b, 0 | b'\r' | b'\n' | b' '..=b'~'));
        if text && days::is_survivable(name) { Likelihood::Maybe } else { Likelihood::No }
    }

    fn is_active(&self, name: &str) -> bool {
        name.strip_prefix("C-").is_some_and(days::is_survivable)
    }

    fn keeps_order(&self) -> bool {
        true
    }

    fn open(&self, text: &mut dyn BufRead, about: &About<'_>) -> Result<Box<dyn Decoder>, ReadError> {
        let columns = Columns::new(about.options.layout.as_ref())?;
        let rotated = about.options.rotated_circuits.unwrap_or(columns.name != "own");
        let sec_dur = about.options.sec_dur.unwrap_or_default();
        let mut days = days::Survey::new(columns.has(Item::Date), columns.has(Item::Time), about.name);
        let (mut joins, mut tally) = (joins::Survey::default(), Tally::default());
        each_line(text, |number, line| match Content::of(line, columns.lead) {
            Content::Blank => {}
            Content::Date(text) => days.see_date(number, text),
            Content::NotText => tally.count(Some(Reject::NotText)),
            Content::Record(text) => {
                let call = record::cut(&columns, rotated, sec_dur, text);
                tally.count(call.as_ref().err().map(|(why, _)| *why));
                let Ok(call) = call else { return };
                tally.full += u64::from(line.len() == columns.width);
                tally.lost += u64::from(call.is_notice());
                match call.is_of_59() {
                    Some(true) => tally.letters += 1,
                    Some(false) => tally.digits += 1,
                    None => {}
                }
                if call.is_notice() || (columns.has(Item::Date) && !days::can_be_date(call.date)) {
                    return;
                }
                days.see_call(number, call.date, call.ended);
                joins.see(number, &call);
            }
        })?;
        tally.judge(&columns, about.options.sec_dur.is_none() && columns.has(Item::SecDur))?;
        Ok(Box::new(Settled {
            full: tally.full > 1 && tally.full * 10 >= tally.fits * 9,
            lost: tally.lost,
            rotated,
            sec_dur,
            days: days.finish(about)?,
            joins: joins.finish(),
            columns,
        }))
    }
}

/// What all records of a file share.
struct Settled {
    columns: Columns,
    rotated: bool,
    sec_dur: SecDur,
    /// Lines have their trailing blanks, so a short one is a damaged one.
    full: bool,
    /// Notices of lost records.
    lost: u64,
    days: Days,
    joins: Joins,
}

impl Decoder for Settled {
    fn options(&self) -> String {
        let columns = &self.columns;
        let mut options = format!("layout={}; day={}", columns.name, self.days.source);
        if !columns.has(Item::Time) {
            options += "; time=none";
        }
        if columns.has(Item::SecDur) {
            options += if self.sec_dur == SecDur::Hms { "; sec_dur=hms" } else { "; sec_dur=seconds" };
        }
        if columns.has(Item::InCrtId) || columns.has(Item::OutCrtId) {
            options += if self.rotated { "; circuits=rotated" } else { "; circuits=plain" };
        }
        if self.lost > 0 {
            options += &format!("; lost_notices={}", self.lost);
        }
        options
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        let mut line = Vec::with_capacity(WIDEST);
        for (number, raw) in block.lines() {
            clean(raw, &mut line);
            let skip = match Content::of(&line, self.columns.lead) {
                Content::Blank => Skip::Blank,
                Content::Date(_) => Skip::Date,
                Content::NotText => {
                    sink.reject(number, Reject::NotText, "bytes that are no plain text", raw);
                    continue;
                }
                Content::Record(text) => match self.record(number, text, line.len(), sink) {
                    Ok(None) => continue,
                    Ok(Some(skip)) => skip,
                    Err((why, detail)) => {
                        sink.reject(number, why, detail, raw);
                        continue;
                    }
                },
            };
            sink.skip(number, skip);
        }
    }
}

impl Settled {
    /// Gives a line to `sink`, or says why it is to be skipped.
    fn record(
        &self,
        number: u64,
        text: &str,
        length: usize,
        sink: &mut dyn Sink,
    ) -> Result<Option<Skip>, (Reject, &'static str)> {
        if self.full && length < self.columns.width {
            return Err((Reject::WrongShape, "shorter than the file's other records"));
        }
        let call = record::cut(&self.columns, self.rotated, self.sec_dur, text)?;
        if call.is_notice() {
            return Ok(Some(Skip::Notice));
        }
        if self.joins.is_double(number) {
            return Ok(Some(Skip::Double));
        }
        record::read(self, number, text, &call, sink).map(|()| None)
    }
}

/// What a line is before its columns are looked at.
enum Content<'a> {
    Blank,
    Date(&'a str),
    NotText,
    /// Without trailing blanks, and without the blanks that begin every record: a logger may have cut them off.
    Record(&'a str),
}

impl<'a> Content<'a> {
    fn of(line: &'a [u8], lead: usize) -> Self {
        let trimmed = line.trim_ascii();
        if trimmed.is_empty() {
            return Self::Blank;
        }
        let text = match plain(line) {
            Ok(text) if text.bytes().all(|b| (b' '..=b'~').contains(&b)) => text.trim_end_matches(' '),
            _ => return Self::NotText,
        };
        // Formats page 3.2: at most 10 printable characters, only digits, blanks and colons.
        let short = text.trim_start_matches(' ');
        if short.len() <= 10 && short.bytes().all(|b| b.is_ascii_digit() || b == b' ' || b == b':') {
            return Self::Date(short);
        }
        match text.split_at_checked(lead) {
            Some((blanks, rest)) if blanks.bytes().all(|b| b == b' ') => Self::Record(rest),
            _ => Self::Record(short),
        }
    }
}

/// How well a file fits its layout.
#[derive(Debug, Default)]
struct Tally {
    fits: u64,
    full: u64,
    lost: u64,
    /// Condition codes of the 59-character format, and of all others.
    letters: u64,
    digits: u64,
    bad_durations: u64,
    seen: u64,
    misfits: u64,
}

impl Tally {
    fn count(&mut self, refused: Option<Reject>) {
        self.fits += u64::from(refused.is_none());
        self.bad_durations += u64::from(refused == Some(Reject::BadNumber));
        if self.seen < ENOUGH {
            self.seen += 1;
            self.misfits += u64::from(!matches!(refused, None | Some(Reject::BadNumber)));
        }
    }

    fn judge(&self, columns: &Columns, unit_unknown: bool) -> Result<(), ReadError> {
        let refuse = |what: String, hint| Err(ReadError::Refused { what, hint });
        if self.misfits * 2 > self.seen {
            let what = format!(
                "{} of its first {} lines do not fit the layout `{}` of {} columns",
                self.misfits, self.seen, columns.name, columns.width
            );
            return refuse(
                what,
                "compare the source's `layout` with the switch's screen `change system-parameters cdr`",
            );
        }
        if unit_unknown && self.bad_durations * 20 > self.fits + self.bad_durations {
            return refuse(
                "its `sec-dur` is not hours, minutes and seconds".into(),
                "set the source's `sec_dur` to \"seconds\", or to \"hms\" to have such lines rejected",
            );
        }
        if self.letters > 0 && self.digits == 0 {
            return refuse(
                "its condition codes are letters of the 59-character format".into(),
                "they mean other things than the same letters elsewhere; have the switch write another format",
            );
        }
        Ok(())
    }
}

/// Hands over every line as [`clean`] would, save that of one too wide for any layout the end is left out.
fn each_line(text: &mut dyn BufRead, mut see: impl FnMut(u64, &[u8])) -> std::io::Result<()> {
    let (mut raw, mut line, mut number) = (Vec::new(), Vec::new(), 1);
    loop {
        let bytes = text.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        let end = memchr::memchr(b'\n', bytes);
        let (part, used) = end.map_or((bytes, bytes.len()), |end| (bytes.get(..end).unwrap_or(bytes), end + 1));
        let room = (2 * WIDEST).saturating_sub(raw.len());
        raw.extend(part.iter().filter(|b| **b != 0).take(room));
        text.consume(used);
        if end.is_some() {
            clean(&raw, &mut line);
            see(number, &line);
            raw.clear();
            number += 1;
        }
    }
    if !raw.is_empty() {
        clean(&raw, &mut line);
        see(number, &line);
    }
    Ok(())
}

/// The line without NULs, which end every record of most formats and so begin the next line, and without carriage
/// returns at its end.
fn clean(raw: &[u8], line: &mut Vec<u8>) {
    line.clear();
    line.extend(raw.iter().filter(|b| **b != 0));
    if line.starts_with(b"\xEF\xBB\xBF") {
        line.drain(..3);
    }
    while line.last() == Some(&b'\r') {
        line.pop();
    }
}
