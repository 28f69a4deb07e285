//! The admin centre's CSV: columns by name, a record a line. It says where the rows are, not what they mean.

use std::io::BufRead;

use super::row::{Linked, Report, Row, Scratch};
use super::squeezed;
use super::time::moment;
use crate::read::field::{self, Fields, Refusal};
use crate::read::{Block, Decoder, Likelihood, ReadError, Reject, Sink, Skip, next_block};

/// A column that is read: its name on Microsoft's page (of either report), and its other names, squeezed. Those of Graph
/// are among them, for scripts write Graph's rows as CSV.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Column {
    Id,
    CallId,
    Correlation,
    Shared,
    ObjectId,
    Upn,
    Kind,
    Invite,
    Start,
    Failure,
    End,
    Duration,
    Success,
    Caller,
    Callee,
    Trunk,
    SipCode,
    Subcode,
    Charge,
    Fee,
    Currency,
}

/// In the order of [`Column`].
const NAMES: [(&str, &[&str]); 21] = [
    ("UsageId", &["usageid", "id"]),
    ("Call ID", &["callid"]),
    ("CorrelationId", &["correlationid"]),
    ("Shared correlation ID", &["sharedcorrelationid", "transferorcorrelationid"]),
    ("AAD ObjectId", &["aadobjectid", "userid", "objectid"]),
    ("UPN", &["upn", "userprincipalname"]),
    ("Call Type", &["calltype"]),
    ("Invite time", &["invitetime", "invitedatetime"]),
    ("Start Time", &["starttime", "startdatetime"]),
    ("Failure time", &["failuretime", "failuredatetime"]),
    ("End Time", &["endtime", "enddatetime"]),
    ("Duration Seconds", &["durationseconds", "duration"]),
    ("Success", &["success", "successfulcall"]),
    ("Caller ID or Caller Number", &["callerid", "callernumber"]),
    ("Destination Number or Callee Number", &["destinationnumber", "calleenumber"]),
    ("SBC FQDN", &["sbcfqdn", "trunkfullyqualifieddomainname"]),
    ("Final SIP code", &["finalsipcode"]),
    ("Final Microsoft subcode", &["finalmicrosoftsubcode", "callendsubreason"]),
    ("Charge", &["charge"]),
    ("Connection Fee", &["connectionfee", "connectioncharge"]),
    ("Currency", &["currency"]),
];

/// Where the columns of a header row stand.
struct Columns {
    report: Report,
    at: [Option<usize>; NAMES.len()],
    count: usize,
}

/// Names that only these reports have, beside which a header is one of them.
fn report(names: &[String]) -> Option<Report> {
    let has = |any: &[&str]| names.iter().any(|name| any.contains(&name.as_str()));
    let is_direct = has(&["correlationid"])
        && has(&["invitetime", "invitedatetime", "sbcfqdn", "finalmicrosoftsubcode", "callendsubreason"])
        && has(&["calltype", "calleenumber", "success", "successfulcall"]);
    let is_export = has(&["usageid"]) && has(&["calltype", "destinationnumber", "callid"]);
    let is_graph = has(&["callid"]) && has(&["licensecapability", "connectioncharge"]) && has(&["startdatetime"]);
    // A copy without its row ids is known, and refused by their name.
    let is_part = has(&["destinationdialed"]) && has(&["destinationnumber"]) && has(&["starttime"]);
    match is_direct {
        true => Some(Report::DirectRouting),
        false => (is_export || is_graph || is_part).then_some(Report::Pstn),
    }
}

/// The squeezed names of a line that may be a header: no name has a digit, and no record is without one.
fn names(line: &[u8], delimiter: u8) -> Option<Vec<String>> {
    if line.iter().any(u8::is_ascii_digit) || !line.contains(&delimiter) {
        return None;
    }
    let mut fields = Fields::default();
    fields.split(field::plain(line).ok()?, delimiter).ok()?;
    Some((0..fields.len()).map(|at| squeezed(fields.get(at))).collect())
}

impl Columns {
    /// The columns of a line that is a header; `Err` names the column that nothing can be read without.
    fn of(line: &[u8]) -> Option<Result<Self, &'static str>> {
        let names = names(line, b',')?;
        let report = report(&names)?;
        let at =
            NAMES.map(|(_, names_of)| names_of.iter().find_map(|name| names.iter().position(|found| found == name)));
        let columns = Self { report, at, count: names.len() };
        use Column::{Callee, Caller, Correlation, End, Id, Invite, Kind, ObjectId, Start, Success, Upn};
        let needed: &[Column] = match report {
            Report::Pstn => &[Id, Kind, Start, End, Caller, Callee],
            Report::DirectRouting => &[Correlation, Kind, Invite, Start, End, Success, Caller, Callee],
        };
        let missing = needed.iter().copied().find(|column| columns.at[*column as usize].is_none());
        let nobody = columns.at[ObjectId as usize].is_none() && columns.at[Upn as usize].is_none();
        Some(match missing.or(nobody.then_some(ObjectId)) {
            Some(missing) => Err(NAMES[missing as usize].0),
            None => Ok(columns),
        })
    }

    fn row<'a>(&self, fields: &'a Fields) -> Result<Row<'a>, Refusal> {
        if fields.len() != self.count {
            return Err((Reject::WrongShape, "more or fewer fields than the header"));
        }
        let text = |column: Column| self.at[column as usize].map_or("", |at| fields.get(at));
        let whole = |column, detail| match text(column) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| (Reject::BadNumber, detail)),
        };
        let money = |column, detail| match text(column) {
            "" => Ok(None),
            text => field::micros(text).map(Some).ok_or((Reject::BadNumber, detail)),
        };
        Ok(Row {
            report: self.report,
            id: text(Column::Id),
            call: match self.report {
                Report::Pstn => text(Column::CallId),
                Report::DirectRouting => text(Column::Correlation),
            },
            shared: text(Column::Shared),
            object_id: text(Column::ObjectId),
            upn: text(Column::Upn),
            kind: text(Column::Kind),
            invite: text(Column::Invite),
            start: text(Column::Start),
            failure: text(Column::Failure),
            end: text(Column::End),
            duration: whole(Column::Duration, "duration")?,
            success: match text(Column::Success) {
                "" => None,
                text if ["yes", "true"].iter().any(|yes| text.eq_ignore_ascii_case(yes)) => Some(true),
                text if ["no", "false"].iter().any(|no| text.eq_ignore_ascii_case(no)) => Some(false),
                _ => return Err((Reject::UnknownKind, "success is neither Yes nor No")),
            },
            caller: text(Column::Caller),
            callee: text(Column::Callee),
            trunk: text(Column::Trunk),
            sip_code: whole(Column::SipCode, "final SIP code")?,
            subcode: whole(Column::Subcode, "final Microsoft subcode")?,
            charge_micros: money(Column::Charge, "charge")?,
            fee_micros: money(Column::Fee, "connection fee")?,
            currency: text(Column::Currency),
        })
    }
}

/// Whether a line is the header of either report. The last line of `head` may be cut.
pub fn sniff(head: &[u8]) -> Likelihood {
    let has = |delimiter| head.split(|b| *b == b'\n').any(|line| is_header(line, delimiter));
    match () {
        () if has(b',') => Likelihood::Sure,
        () if has(b';') || has(b'\t') => Likelihood::Maybe,
        () => Likelihood::No,
    }
}

fn is_header(line: &[u8], delimiter: u8) -> bool {
    names(line.trim_ascii_end(), delimiter).is_some_and(|names| report(&names).is_some())
}

/// Looks at every row: for the headers, for what a spreadsheet program spoilt, and for calls that were handed on.
pub fn open(text: &mut dyn BufRead, not_from: i64) -> Result<Box<dyn Decoder>, ReadError> {
    let mut decoder = CsvDecoder { sections: Vec::new(), linked: Linked::default(), not_from };
    let (mut first_line, mut is_blank, mut other_delimiter) = (1, true, false);
    let (mut has_times, mut bad_time) = (false, None);
    let (mut block, mut fields) = (Vec::new(), Fields::default());
    while next_block(text, 1 << 20, &mut block)? {
        for (line, bytes) in (Block { first_line, bytes: &block }).lines() {
            first_line = line + 1;
            is_blank = is_blank && bytes.trim_ascii().is_empty();
            if let Some(columns) = Columns::of(bytes) {
                let columns = columns.map_err(|missing| ReadError::Refused {
                    what: format!("line {line}: the header lacks the column {missing}"),
                    hint: "export the report again with all its columns",
                })?;
                decoder.sections.push((line, columns));
                continue;
            }
            let Some((_, columns)) = decoder.sections.last() else {
                other_delimiter |= is_header(bytes, b';') || is_header(bytes, b'\t');
                continue;
            };
            let Ok(plain) = field::plain(bytes) else { continue };
            if fields.split(plain, b',').is_err() {
                continue;
            }
            let Ok(row) = columns.row(&fields) else { continue };
            if [row.caller, row.callee, row.call].iter().any(|text| is_scientific(text)) {
                return Err(spreadsheet(line, "it turned long numbers into the form 1.2E+11"));
            }
            match row.facts(not_from) {
                Ok(facts) => {
                    has_times = true;
                    decoder.linked.see(&row, &facts);
                }
                Err(_) if [row.start, row.invite].iter().any(|text| moment(text).is_err()) => {
                    bad_time = bad_time.or(Some(line));
                }
                Err(_) => {}
            }
        }
    }
    if let Some(line) = bad_time.filter(|_| !has_times) {
        return Err(spreadsheet(line, "no time is left in the ISO form of the export"));
    }
    if decoder.sections.is_empty() {
        return Err(match () {
            () if is_blank => ReadError::Refused {
                what: "the file is empty".into(),
                hint: "the transfer may have been cut; deliver it again",
            },
            () if other_delimiter => spreadsheet(1, "its fields are not parted by commas"),
            () => ReadError::Refused {
                what: "no line names the columns of the PSTN or the Direct Routing report (UsageId, CorrelationId, …)"
                    .into(),
                hint: "deliver the file as the admin centre exported it, in English and with its header row",
            },
        });
    }
    decoder.linked = decoder.linked.finish();
    Ok(Box::new(decoder))
}

fn spreadsheet(line: u64, what: &str) -> ReadError {
    ReadError::Refused {
        what: format!("line {line}: a spreadsheet program saved this copy: {what}"),
        hint: "deliver the file as it came out of the export's zip archive",
    }
}

/// `4.42079E+11`: a number whose digits are lost.
fn is_scientific(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.split_once("E+").is_some_and(|(number, power)| {
        is_digits(power) && is_digits(&number.replacen(['.', ','], "", 1)) && power.len() <= 2
    })
}

struct CsvDecoder {
    /// Header rows in file order, by their line: several exports may have been put one behind the other.
    sections: Vec<(u64, Columns)>,
    linked: Linked,
    not_from: i64,
}

impl CsvDecoder {
    fn columns(&self, line: u64) -> Result<&Columns, Refusal> {
        let above = self.sections.partition_point(|(from, _)| *from <= line);
        let section = above.checked_sub(1).and_then(|at| self.sections.get(at));
        section.map(|(_, columns)| columns).ok_or((Reject::WrongShape, "no header above"))
    }
}

impl Decoder for CsvDecoder {
    fn options(&self) -> String {
        let mut reports: Vec<&str> = self.sections.iter().map(|(_, columns)| columns.report.word()).collect();
        reports.dedup();
        let columns = self.sections.first().map_or(0, |(_, columns)| columns.count);
        let mut options = format!("form=csv; report={}; columns={columns}", reports.join("+"));
        if self.sections.len() > 1 {
            options += &format!("; headers={}", self.sections.len());
        }
        options
    }

    fn decode(&self, block: Block<'_>, sink: &mut dyn Sink) {
        let (mut fields, mut scratch) = (Fields::default(), Scratch::default());
        for (line, bytes) in block.lines() {
            if bytes.trim_ascii().is_empty() {
                sink.skip(line, Skip::Blank);
                continue;
            }
            if self.sections.binary_search_by_key(&line, |(from, _)| *from).is_ok() {
                sink.skip(line, Skip::Header);
                continue;
            }
            let found = self.columns(line).and_then(|columns| {
                fields.split(field::plain(bytes)?, b',')?;
                sink.record(&columns.row(&fields)?.record(line, self.not_from, &self.linked, &mut scratch)?);
                Ok(())
            });
            if let Err((why, detail)) = found {
                sink.reject(line, why, detail, bytes);
            }
        }
    }
}
