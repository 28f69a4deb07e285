//! Any file of delimited or fixed-width columns, read as the configuration says (`[source.mapping]`): for platforms whose
//! records nobody has described, MiVoice MX-ONE and MD110 among them. `plan` checks the configuration against the file's
//! columns, `cells` cuts a line; this says what becomes of it. It knows no vendor.

mod cells;
mod plan;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use chrono::{Days, NaiveDate};

use super::field::{Refusal, plain};
use super::{
    About, Block, Decoder, Likelihood, RawQuality, RawRecord, RawTime, ReadError, Reader, RecordId, Reject, Side,
    SideKind, Sink, Skip, hash, link, next_block,
};
use crate::layout::mapping::TimeIs;
use crate::leg::{Outcome, Part};
use cells::{Cells, Shape};
use plan::{Plan, refused};

/// The reader of format `mapped-csv`.
pub struct MappedCsv;

impl Reader for MappedCsv {
    fn id(&self) -> &'static str {
        "mapped-csv"
    }

    /// The configuration alone says what such a file is.
    fn sniff(&self, _head: &[u8], _name: &str) -> Likelihood {
        Likelihood::No
    }

    fn blind_spots(&self) -> &'static str {
        "onhook knows only the columns it was told of: whether unanswered calls, internal calls and all lines are recorded at \
         all, and whether a transfer is one record or several, only the platform's keepers can say"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["layout", "mapping"]
    }

    fn takes_any(&self) -> bool {
        true
    }

    fn open(&self, text: &mut dyn BufRead, about: &About<'_>) -> Result<Box<dyn Decoder>, ReadError> {
        let Some(mapping) = &about.options.mapping else {
            return Err(refused("the source has no [source.mapping]", "say there which column is what"));
        };
        let layout = about.options.layout.as_ref();
        let is_header_wanted = plan::is_header_wanted(mapping, layout)?;
        let (mut block, mut first_line, mut is_blank) = (Vec::new(), 1, true);
        let mut found = None;
        // A configuration that is wrong is told also where the file is empty.
        let mut plan = if is_header_wanted { None } else { Some(Plan::new(mapping, layout, None)?) };
        while next_block(text, 1 << 20, &mut block)? {
            is_blank = is_blank && block.trim_ascii().is_empty();
            if is_header_wanted {
                found = (Block { first_line, bytes: &block })
                    .lines()
                    .find(|(line, bytes)| *line > mapping.skip_lines && !bytes.trim_ascii().is_empty())
                    .map(|(_, bytes)| bare(bytes).to_vec());
            }
            if found.is_some() || (!is_header_wanted && !is_blank) {
                break;
            }
            first_line += memchr::memchr_iter(b'\n', &block).count() as u64;
        }
        match &found {
            _ if is_blank => {
                return Err(refused("the file is empty", "the transfer may have been cut; deliver it again"));
            }
            None if is_header_wanted => {
                return Err(refused(
                    "no line names the columns",
                    "mapping.header says the first line after mapping.skip_lines does; see whether both are right",
                ));
            }
            Some(header) => plan = Some(Plan::new(mapping, layout, Some(header))?),
            None => {}
        }
        let Some(plan) = plan else { return Err(refused("no line names the columns", "see mapping.header")) };
        // Two days more than the file's own, for clocks that are not quite right.
        let last_day = about.received_on.checked_add_days(Days::new(2)).unwrap_or(NaiveDate::MAX);
        let decoder = MappedDecoder { plan, header: found, skip_lines: mapping.skip_lines, last_day };
        let mut tally = Tally::default();
        decoder.decode(Block { first_line, bytes: &block }, &mut tally);
        match tally.first {
            Some((line, detail)) if tally.records == 0 => Err(refused(
                format!("line {line} and all after it do not fit the mapping: {detail}"),
                "compare layout and mapping with a line of the file: delimiter, header, date format, units",
            )),
            _ => Ok(Box::new(decoder)),
        }
    }
}

/// Whether the beginning of the file makes any sense under the mapping.
#[derive(Default)]
struct Tally {
    records: u64,
    first: Option<(u64, String)>,
}

impl Sink for Tally {
    fn record(&mut self, _raw: &RawRecord<'_>) {
        self.records += 1;
    }

    fn quality(&mut self, _raw: &RawQuality<'_>) {}

    fn skip(&mut self, _line: u64, _why: Skip) {}

    fn reject(&mut self, line: u64, _why: Reject, detail: &str, _raw: &[u8]) {
        self.first.get_or_insert_with(|| (line, detail.to_owned()));
    }
}

/// A line without byte order mark and trailing blanks: what two equal header lines share.
fn bare(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii_end()
}

struct MappedDecoder {
    plan: Plan,
    /// The line that names the columns, where the file has one. Files put one behind the other have it again.
    header: Option<Vec<u8>>,
    skip_lines: u64,
    /// The last day a record can be from.
    last_day: NaiveDate,
}

impl Decoder for MappedDecoder {
    fn options(&self) -> String {
        let shape = match self.plan.shape {
            Shape::Delimited { .. } => "delimited",
            Shape::Fixed(_) => "fixed",
        };
        format!(
            "layout={shape}; columns={}; header={}; id={}",
            self.plan.shape.columns(),
            if self.header.is_some() { "yes" } else { "no" },
            if self.plan.record_id.is_empty() { "text" } else { "vendor" },
        )
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        let (mut cells, mut moment) = (Cells::default(), String::new());
        for (line, bytes) in block.lines() {
            let skip = match () {
                () if bytes.trim_ascii().is_empty() => Some(Skip::Blank),
                () if line <= self.skip_lines => Some(Skip::Notice),
                () if self.header.as_deref() == Some(bare(bytes)) => Some(Skip::Header),
                () => None,
            };
            if let Some(skip) = skip {
                sink.skip(line, skip);
                continue;
            }
            if let Err((why, detail)) = self.line(line, bytes, &mut cells, &mut moment, sink) {
                sink.reject(line, why, detail, bytes);
            }
        }
    }
}

impl MappedDecoder {
    fn line(
        &self,
        line: u64,
        bytes: &[u8],
        cells: &mut Cells,
        moment: &mut String,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        let plan = &self.plan;
        let text = plain(bytes)?;
        let row = plan.row(text, cells)?;
        if plan.ignore.as_ref().is_some_and(|(at, values)| values.iter().any(|value| value == row.get(*at))) {
            sink.skip(line, Skip::Notice);
            return Ok(());
        }
        let parties = [&plan.caller, &plan.dialled, &plan.callee].map(|columns| row.pick(columns));
        let [caller, dialled, callee] = parties;
        let trunks = [&plan.trunk_in, &plan.trunk_out].map(|columns| row.pick(columns));
        let calling = side(&row, trunks[0], &plan.caller_device, &plan.caller_user, &plan.caller_link);
        let called = side(&row, trunks[1], &plan.callee_device, &plan.callee_user, &plan.callee_link);
        if parties.iter().all(|party| party.is_empty()) && calling.device.is_empty() && called.device.is_empty() {
            return Err((Reject::Missing, "neither a number nor a device"));
        }
        let id = match row.pick(&plan.record_id) {
            _ if plan.record_id.is_empty() => RecordId::Text(text.trim_end().as_bytes()),
            "" => return Err((Reject::Missing, "record_id")),
            id => RecordId::Vendor(id),
        };
        let talk = plan.talk.as_ref().map_or(Ok(None), |talk| talk.read(row.get(talk.at), "talk"))?.unwrap_or_default();
        let ring = plan.ring.as_ref().map_or(Ok(None), |ring| ring.read(row.get(ring.at), "ring"))?;
        let told = plan.outcome.as_ref().and_then(|words| words.of(&row));
        let outcome = told.unwrap_or(match talk.is_some {
            // What the platform has a word of its own for was an answer all the same if somebody talked.
            true => Outcome::Answered,
            false if plan.outcome.is_some() => Outcome::Unknown,
            false => Outcome::NoAnswer,
        });
        let is_connected = !matches!(outcome, Outcome::NoAnswer | Outcome::Busy | Outcome::Failed | Outcome::Abandoned);
        let lasted = i64::from(talk.seconds) + i64::from(ring.map_or(0, |ring| ring.seconds));
        let started = self.started(&row, moment, lasted)?;
        let cause = match row.pick(&plan.cause) {
            "" => None,
            cause => Some(cause.parse().map_err(|_| (Reject::BadNumber, "cause is no whole number"))?),
        };
        let charge_micros = plan.charge.as_ref().map_or(Ok(None), |charge| charge.read(row.get(charge.at)))?;
        let call = match row.pick(&plan.call_id) {
            "" => match id {
                RecordId::Vendor(id) => hash(&[id.as_bytes()]),
                RecordId::Text(text) => hash(&[text]),
            },
            call => hash(&[call.as_bytes()]),
        };
        sink.record(&RawRecord {
            line,
            id,
            call,
            started,
            ring_s: ring.map(|ring| ring.seconds),
            talk_s: if is_connected { talk.seconds } else { 0 },
            direction: plan.direction.as_ref().and_then(|words| words.of(&row)),
            outcome,
            part: plan.part.as_ref().and_then(|words| words.of(&row)).unwrap_or(Part::Whole),
            caller,
            dialled: if plan.dialled.is_empty() { callee } else { dialled },
            callee: if plan.callee.is_empty() { dialled } else { callee },
            redirect: row.pick(&plan.redirect),
            redirect_reason: plan.redirect_reason.as_ref().and_then(|words| words.of(&row)),
            calling,
            called,
            hunt_group: row.pick(&plan.hunt_group),
            cause,
            account_code: row.pick(&plan.account_code),
            charge_micros,
            currency: match (&plan.charge, charge_micros) {
                (Some(charge), Some(_)) => &charge.currency,
                _ => "",
            },
            vendor_kind: row.pick(&plan.kind),
        });
        Ok(())
    }

    /// `lasted`: seconds from the start of the call to its end.
    fn started(&self, row: &plan::Row<'_>, text: &mut String, lasted: i64) -> Result<RawTime, Refusal> {
        text.clear();
        for at in &self.plan.started_columns {
            let cell = row.get(*at);
            if !cell.is_empty() {
                *text += if text.is_empty() { "" } else { " " };
                *text += cell;
            }
        }
        let time = match (text.as_str(), self.plan.started.read(text)) {
            ("", _) => return Err((Reject::BadTime, "started is blank")),
            (_, None) => return Err((Reject::BadTime, "started is not of its format")),
            (_, Some(time)) => time,
        };
        let lasted = if self.plan.time_is == TimeIs::End { lasted } else { 0 };
        let (time, day) = match time {
            RawTime::Utc(seconds) => {
                let seconds = seconds.saturating_sub(lasted);
                (RawTime::Utc(seconds), chrono::DateTime::from_timestamp(seconds, 0).map(|t| t.date_naive()))
            }
            RawTime::Local(civil) => match civil.checked_sub_signed(chrono::TimeDelta::seconds(lasted)) {
                Some(civil) => (RawTime::Local(civil), Some(civil.date())),
                None => (time, None),
            },
        };
        match day {
            Some(day) if day > self.last_day => Err((Reject::BadTime, "started is days after the file itself")),
            // No platform kept such records before; a year of two digits read as four is what lands there.
            Some(day) if day >= NaiveDate::from_ymd_opt(1980, 1, 1).unwrap_or_default() => Ok(time),
            _ => Err((Reject::BadTime, "started is out of range")),
        }
    }
}

fn side<'a>(row: &plan::Row<'a>, trunk: &'a str, device: &[usize], user: &[usize], mark: &[usize]) -> Side<'a> {
    let handset = row.pick(device);
    let (device, kind) = match (trunk, handset) {
        ("", "") => ("", SideKind::Unknown),
        ("", handset) => (handset, SideKind::Handset),
        (trunk, _) => (trunk, SideKind::Trunk),
    };
    Side { device, user: row.pick(user), kind, link: link(row.pick(mark)), node: "" }
}
