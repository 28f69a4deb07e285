//! Graph's JSON: an object whose `value` is an array of rows, or that array alone; and `parameters.json`, which the admin
//! centre's archive holds beside its CSV. `scan` finds the rows, this reads them. JSON Lines are not read.

mod scan;

use std::io::{BufRead, Read};

use serde::Deserialize;

use super::row::{Linked, Report, Row, Scratch};
use super::squeezed;
use crate::read::field::{Refusal, micros};
use crate::read::{Block, Decoder, Likelihood, ReadError, Reject, Sink, Skip};
use scan::{Document, Element, Trouble};

/// A page has a thousand rows and less than a megabyte; what is larger was put together by somebody.
const LARGEST: u64 = 256 << 20;

/// Parameters are a few lines.
const LARGEST_COMPANION: usize = 1 << 20;

/// Names that a row of either report has, or Graph's `callRecord`.
const ROWS: [&str; 5] = ["\"callType\"", "\"callId\"", "\"correlationId\"", "\"modalities\"", "\"participants\""];

/// Properties of both kinds of row, as far as they are read; every other is passed over.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Properties {
    id: Option<String>,
    call_id: Option<String>,
    correlation_id: Option<String>,
    transferor_correlation_id: Option<String>,
    user_id: Option<String>,
    user_principal_name: Option<String>,
    invite_date_time: Option<String>,
    start_date_time: Option<String>,
    failure_date_time: Option<String>,
    end_date_time: Option<String>,
    duration: Option<i64>,
    call_type: Option<String>,
    successful_call: Option<bool>,
    caller_number: Option<String>,
    callee_number: Option<String>,
    trunk_fully_qualified_domain_name: Option<String>,
    final_sip_code: Option<i64>,
    call_end_sub_reason: Option<i64>,
    charge: Option<f64>,
    connection_charge: Option<f64>,
    currency: Option<String>,
}

impl Properties {
    fn of(element: &[u8]) -> Result<Self, Refusal> {
        if !element.starts_with(b"{") {
            return Err((Reject::WrongShape, "a row is no JSON object"));
        }
        if std::str::from_utf8(element).is_err() {
            return Err((Reject::NotText, "bytes that are no text"));
        }
        serde_json::from_slice(element).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => (Reject::WrongShape, "a property is of another type"),
            _ => (Reject::WrongShape, "no well-formed JSON"),
        })
    }

    /// By what only one of the two has; else by what the document says it is.
    fn report(&self, context: Option<Report>) -> Option<Report> {
        match () {
            () if self.correlation_id.is_some() || self.invite_date_time.is_some() => Some(Report::DirectRouting),
            () if self.call_id.is_some() => Some(Report::Pstn),
            () => context,
        }
    }

    fn row(&self, context: Option<Report>) -> Result<Row<'_>, Refusal> {
        let report = self.report(context).ok_or((Reject::UnknownKind, "a row of neither report"))?;
        let call = match report {
            Report::Pstn => &self.call_id,
            Report::DirectRouting => &self.correlation_id,
        };
        let row = Row {
            report,
            id: text(&self.id),
            call: text(call),
            shared: text(&self.transferor_correlation_id),
            object_id: text(&self.user_id),
            upn: text(&self.user_principal_name),
            kind: text(&self.call_type),
            invite: text(&self.invite_date_time),
            start: text(&self.start_date_time),
            failure: text(&self.failure_date_time),
            end: text(&self.end_date_time),
            duration: self.duration,
            success: self.successful_call,
            caller: text(&self.caller_number),
            callee: text(&self.callee_number),
            trunk: text(&self.trunk_fully_qualified_domain_name),
            sip_code: self.final_sip_code,
            subcode: self.call_end_sub_reason,
            charge_micros: money(self.charge, "charge")?,
            fee_micros: money(self.connection_charge, "connection charge")?,
            currency: text(&self.currency),
        };
        let texts = [row.id, row.call, row.shared, row.object_id, row.upn, row.kind];
        let more = [row.caller, row.callee, row.trunk, row.currency, row.invite, row.start, row.failure, row.end];
        match texts.iter().chain(&more).any(|text| text.chars().any(char::is_control)) {
            true => Err((Reject::NotText, "control characters")),
            false => Ok(row),
        }
    }
}

fn text(property: &Option<String>) -> &str {
    property.as_deref().unwrap_or_default().trim()
}

/// Graph writes money as a JSON number. Its digits are taken, six places of them, and nothing is reckoned with it.
fn money(amount: Option<f64>, detail: &'static str) -> Result<Option<i64>, Refusal> {
    amount.map(|amount| micros(&format!("{amount:.6}")).ok_or((Reject::BadNumber, detail))).transpose()
}

fn has(bytes: &[u8], name: &str) -> bool {
    memchr::memmem::find(bytes, name.as_bytes()).is_some()
}

pub fn sniff(head: &[u8], name: &str) -> Likelihood {
    let has = |name: &str| has(head, name);
    match () {
        () if has("callRecords.pstnCallLogRow") || has("callRecords.directRoutingLogRow") => Likelihood::Sure,
        () if has("\"correlationId\"") && has("\"trunkFullyQualifiedDomainName\"") => Likelihood::Sure,
        () if has("\"callId\"") && has("\"licenseCapability\"") && has("\"callType\"") => Likelihood::Sure,
        () if has("\"callType\"") && (has("\"inviteDateTime\"") || has("\"calleeNumber\"")) => Likelihood::Maybe,
        () if is_parameters(name) => Likelihood::Maybe,
        () => Likelihood::No,
    }
}

fn is_parameters(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("parameters")
}

/// `name` is the file's: only by it are parameters known that name no window.
pub fn open(text: &mut dyn BufRead, name: &str, not_from: i64) -> Result<Box<dyn Decoder>, ReadError> {
    let mut bytes = Vec::new();
    text.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ReadError::Refused {
            what: "a JSON document of more than 256 MiB".into(),
            hint: "deliver the pages as Graph gave them, a file for each",
        });
    }
    let document = scan::scan(&bytes).map_err(refused)?;
    if !document.has_rows {
        return companion(&bytes, &document, name);
    }
    let mut linked = Linked::default();
    let (mut reports, mut broken, mut unknown) = (Vec::new(), 0, None);
    for element in &document.elements {
        let Ok(properties) = Properties::of(element.bytes) else {
            broken += 1;
            continue;
        };
        match properties.report(document.context) {
            Some(report) if reports.contains(&report) => {}
            Some(report) => reports.push(report),
            None => unknown = unknown.or(Some(element.line)),
        }
        if let Ok(row) = properties.row(document.context)
            && let Ok(facts) = row.facts(not_from)
        {
            linked.see(&row, &facts);
        }
    }
    let is_other = reports.is_empty() && (unknown.is_some() || (broken > 0 && document.context.is_none()));
    if is_other {
        return Err(ReadError::Refused {
            what: format!("line {}: no row of getPstnCalls or getDirectRoutingCalls", unknown.unwrap_or(1)),
            hint: "Graph's callRecord, SMS and blocked-user answers are other formats; check the source's paths",
        });
    }
    if reports.is_empty() {
        reports.extend(document.context);
    }
    let words: Vec<&str> = reports.iter().map(|report| report.word()).collect();
    let mut options = format!("form=json; report={}; rows={}", words.join("+"), document.elements.len());
    if document.has_more_pages {
        options += "; more_pages=yes";
    }
    Ok(Box::new(RowsDecoder { linked: linked.finish(), not_from, options }))
}

fn refused(trouble: Trouble) -> ReadError {
    match trouble {
        Trouble::CutShort { line } => ReadError::Refused {
            what: format!("line {line}: the document is cut short"),
            hint: "the transfer or the request was broken off; deliver it again",
        },
        Trouble::Broken { line, what } => ReadError::Refused {
            what: format!("line {line}: {what}"),
            hint: "deliver Graph's answer as it came: one JSON document in each file",
        },
    }
}

struct RowsDecoder {
    linked: Linked,
    not_from: i64,
    options: String,
}

impl Decoder for RowsDecoder {
    fn options(&self) -> String {
        self.options.clone()
    }

    fn takes_whole_text(&self) -> bool {
        true
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        let Ok(document) = scan::scan(block.bytes) else {
            sink.reject(block.first_line, Reject::WrongShape, "not the document that was opened", b"");
            return;
        };
        let mut scratch = Scratch::default();
        for Element { line, bytes } in document.elements {
            let line = block.first_line - 1 + line;
            let found = Properties::of(bytes).and_then(|properties| {
                let row = properties.row(document.context)?;
                sink.record(&row.record(line, self.not_from, &self.linked, &mut scratch)?);
                Ok(())
            });
            if let Err((why, detail)) = found {
                sink.reject(line, why, detail, bytes);
            }
        }
    }
}

/// What lies beside the rows: the request's parameters. Nothing of it is a call.
struct CompanionDecoder {
    options: String,
}

impl Decoder for CompanionDecoder {
    fn options(&self) -> String {
        self.options.clone()
    }

    fn takes_whole_text(&self) -> bool {
        true
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        sink.skip(block.first_line, Skip::Notice);
    }
}

fn companion(bytes: &[u8], document: &Document<'_>, name: &str) -> Result<Box<dyn Decoder>, ReadError> {
    let hint = "deliver what getPstnCalls or getDirectRoutingCalls gave, or the archive of the admin centre";
    if document.keys.iter().any(|key| key == "error") {
        return Err(ReadError::Refused { what: "Graph's answer is an error, not a report".into(), hint });
    }
    // Scripts write a single row without the list around it: it has a window of its own and is no parameters.
    let is_named = is_parameters(name);
    let names_rows = document.keys.iter().any(|key| key == "value") || ROWS.iter().any(|row| has(bytes, row));
    if bytes.len() > LARGEST_COMPANION || (names_rows && !is_named) {
        return Err(ReadError::Refused { what: "a JSON document without the rows of either report".into(), hint });
    }
    let parameters: serde_json::Value = serde_json::from_slice(super::without_mark(bytes))
        .map_err(|_| ReadError::Refused { what: "no well-formed JSON".into(), hint })?;
    let (mut from, mut to) = (None, None);
    window(&parameters, &mut from, &mut to);
    if from.is_none() && to.is_none() && !is_named {
        return Err(ReadError::Refused { what: "a JSON document without the rows of either report".into(), hint });
    }
    let mut options = String::from("part=parameters");
    for (key, day) in [("from", from), ("to", to)] {
        if let Some(day) = day {
            options += &format!("; {key}={day}");
        }
    }
    Ok(Box::new(CompanionDecoder { options }))
}

/// The first dates under names that start with `start` or `from`, and `end` or `to`. Microsoft's page does not say how
/// the parameters are named.
fn window<'a>(value: &'a serde_json::Value, from: &mut Option<&'a str>, to: &mut Option<&'a str>) {
    let values: Vec<(String, &serde_json::Value)> = match value {
        serde_json::Value::Object(members) => members.iter().map(|(key, value)| (squeezed(key), value)).collect(),
        serde_json::Value::Array(values) => values.iter().map(|value| (String::new(), value)).collect(),
        _ => return,
    };
    for (key, value) in values {
        let starts = |names: [&str; 2]| names.iter().any(|name| key.starts_with(name));
        match value.as_str().filter(|text| is_date(text)) {
            Some(date) if starts(["start", "from"]) => *from = from.or(Some(date)),
            Some(date) if starts(["end", "to"]) => *to = to.or(Some(date)),
            Some(_) => {}
            None => window(value, from, to),
        }
    }
}

/// `2024-03-31` with or without a time behind it, and nothing that could name a person.
fn is_date(text: &str) -> bool {
    let shape = text.bytes().take(10).map(|b| if b.is_ascii_digit() { b'0' } else { b });
    shape.eq(*b"0000-00-00")
        && text.len() <= 33
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'.' | b'T' | b'Z' | b'+'))
}
