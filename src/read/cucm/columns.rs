//! CUCM columns by name: which of a file's columns are wanted, and the wanted fields of one line. Knows no codes.

use super::scan::{Ends, Found};
use crate::read::Reject;
use crate::read::field::plain;

/// The fields onhook uses. `NAMES` has each one's spellings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    RecordType,
    CallManagerId,
    CallId,
    Cluster,
    Pkid,
    Origination,
    Connect,
    Disconnect,
    Duration,
    Caller,
    CallingUser,
    OriginalCalled,
    FinalCalled,
    CalledUser,
    LastRedirect,
    OrigCause,
    DestCause,
    OrigDevice,
    DestDevice,
    OrigRedirectReason,
    LastRedirectReason,
    JoinOnBehalfOf,
    ClientMatter,
    AuthDescription,
    OrigAddress,
    DestAddress,
    OrigIp,
    DestIp,
    IncomingProtocol,
    OutgoingProtocol,
    HuntPilot,
    PatternUsage,
    OrigLeg,
    DestLeg,
    OrigConversation,
    DestConversation,
    MediaLeg,
    MediaEnd,
    MediaNumber,
    MediaDevice,
    PacketsSent,
    PacketsReceived,
    PacketsLost,
    Jitter,
    Latency,
    Metrics,
    OrigNode,
    DestNode,
}

const COUNT: usize = NAMES.len();

/// Which records mean nothing without a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    Both,
    Calls,
    Media,
    Nothing,
}
use Needed::{Both, Calls, Media, Nothing};

impl Needed {
    fn by(self, is_media: bool) -> bool {
        self == Both || self == if is_media { Media } else { Calls }
    }
}

/// Field, its spellings in lower case (the file's first, then those of Cisco's documents), and what needs it. In the
/// order of `Field`.
static NAMES: &[(Field, &[&str], Needed)] = &[
    (Field::RecordType, &["cdrrecordtype"], Both),
    (Field::CallManagerId, &["globalcallid_callmanagerid"], Calls),
    (Field::CallId, &["globalcallid_callid"], Calls),
    (Field::Cluster, &["globalcallid_clusterid"], Nothing),
    (Field::Pkid, &["pkid"], Both),
    (Field::Origination, &["datetimeorigination"], Calls),
    (Field::Connect, &["datetimeconnect"], Calls),
    (Field::Disconnect, &["datetimedisconnect"], Calls),
    (Field::Duration, &["duration"], Calls),
    (Field::Caller, &["callingpartynumber"], Calls),
    (Field::CallingUser, &["callingpartyunicodeloginuserid", "callingpartyloginuserid"], Nothing),
    (Field::OriginalCalled, &["originalcalledpartynumber"], Calls),
    (Field::FinalCalled, &["finalcalledpartynumber"], Calls),
    (Field::CalledUser, &["finalcalledpartyunicodeloginuserid", "finalcalledpartyloginuserid"], Nothing),
    (Field::LastRedirect, &["lastredirectdn"], Nothing),
    (Field::OrigCause, &["origcause_value"], Calls),
    (Field::DestCause, &["destcause_value"], Calls),
    (Field::OrigDevice, &["origdevicename"], Calls),
    (Field::DestDevice, &["destdevicename"], Calls),
    (Field::OrigRedirectReason, &["origcalledpartyredirectreason"], Nothing),
    (Field::LastRedirectReason, &["lastredirectredirectreason"], Nothing),
    (Field::JoinOnBehalfOf, &["joinonbehalfof"], Nothing),
    (Field::ClientMatter, &["clientmattercode"], Nothing),
    (Field::AuthDescription, &["authcodedescription"], Nothing),
    (Field::OrigAddress, &["origipv4v6addr"], Nothing),
    (Field::DestAddress, &["destipv4v6addr"], Nothing),
    (Field::OrigIp, &["origipaddr"], Nothing),
    (Field::DestIp, &["destipaddr"], Nothing),
    (Field::IncomingProtocol, &["incomingprotocolid"], Nothing),
    (Field::OutgoingProtocol, &["outgoingprotocolid"], Nothing),
    (Field::HuntPilot, &["huntpilotdn"], Nothing),
    (Field::PatternUsage, &["calledpartypatternusage"], Nothing),
    (Field::OrigLeg, &["origlegcallidentifier"], Nothing),
    (Field::DestLeg, &["destlegidentifier", "destlegcallidentifier"], Nothing),
    (Field::OrigConversation, &["origconversationid"], Nothing),
    (Field::DestConversation, &["destconversationid"], Nothing),
    (Field::MediaLeg, &["callidentifier"], Media),
    (Field::MediaEnd, &["datetimestamp"], Media),
    (Field::MediaNumber, &["directorynum", "directorynumber"], Nothing),
    (Field::MediaDevice, &["devicename"], Nothing),
    (Field::PacketsSent, &["numberpacketssent"], Nothing),
    (Field::PacketsReceived, &["numberpacketsreceived"], Nothing),
    (Field::PacketsLost, &["numberpacketslost"], Nothing),
    (Field::Jitter, &["jitter"], Nothing),
    (Field::Latency, &["latency"], Nothing),
    (Field::Metrics, &["varvqmetrics"], Nothing),
    (Field::OrigNode, &["orignodeid"], Nothing),
    (Field::DestNode, &["destnodeid"], Nothing),
];

/// Whether the line names CUCM's columns.
pub fn is_header(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_start();
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    line.get(..13).is_some_and(|name| name.eq_ignore_ascii_case(b"cdrRecordType"))
}

/// Whether the line is the row of data types below the header.
pub fn is_type_row(line: &[u8]) -> bool {
    let first = line.split(|b| *b == b',').next().unwrap_or_default().trim_ascii();
    let first = first.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(first);
    first == b"INTEGER" || first == b"STRING"
}

/// The columns of one header row.
#[derive(Debug, PartialEq, Eq)]
pub struct Columns {
    /// Columns in all, unknown ones too.
    pub count: usize,
    /// A header of media records (CMR).
    pub is_media: bool,
    /// The CAR tool's export: re-ordered, hunt pair swapped, `\ ` for blank.
    is_car: bool,
    /// Column and field, by column.
    wanted: Vec<(usize, usize)>,
    /// Column of each field; [`NOWHERE`] where the file has none.
    columns: [usize; COUNT],
}

/// A column that no line has.
const NOWHERE: usize = usize::MAX / 2;

impl Columns {
    /// # Errors
    /// A column without which no record means anything is not there: what is missing, and what to do.
    pub fn of(header: &[u8], line: u64) -> Result<Self, (String, &'static str)> {
        let header = String::from_utf8_lossy(header).to_ascii_lowercase();
        let names: Vec<String> = header
            .trim_start_matches('\u{feff}')
            .split(',')
            .map(|n| n.trim().trim_matches('"').replace(' ', ""))
            .collect();
        let mut wanted = Vec::new();
        let is_media = !names.iter().any(|n| n == "datetimeorigination") && names.iter().any(|n| n == "datetimestamp");
        for (field, (_, spellings, needed)) in NAMES.iter().enumerate() {
            match names.iter().position(|n| spellings.contains(&n.as_str())) {
                Some(column) => wanted.push((column, field)),
                None if needed.by(is_media) => {
                    let what = format!("line {line}: the header has no column {}", spellings[0]);
                    return Err((what, "deliver the file with all the columns CUCM wrote"));
                }
                None => {}
            }
        }
        wanted.sort_unstable();
        let mut columns = [NOWHERE; COUNT];
        wanted.iter().for_each(|(column, field)| columns[*field] = *column);
        let is_car = !is_media && !names.iter().any(|n| n == "incomingicid") && names.len() > 110;
        Ok(Self { count: names.len(), is_media, is_car, wanted, columns })
    }

    /// For people: which kind of file this is.
    pub fn layout(&self) -> &'static str {
        match (self.is_media, self.is_car) {
            (true, _) => "cmr",
            (_, true) => "car-export",
            _ => "cdr",
        }
    }

    /// The wanted fields of a line. `unquoted` takes the few texts that are not in the line as they stand; `ends` is used
    /// again for every line.
    pub fn split<'a>(
        &'a self,
        text: &'a str,
        ends: &'a mut Ends,
        unquoted: &'a mut String,
    ) -> Result<Fields<'a>, (Reject, &'static str)> {
        let places = match ends.of(text.as_bytes()) {
            Some(ends) if ends.len() == self.count => Places::Columns(ends, &self.columns),
            // What `Ends` does not take may hold what no text does.
            _ => Places::Spans(Box::new(plain(text.as_bytes()).and_then(|text| self.walk(text, unquoted))?)),
        };
        let mut fields = Fields { text, unquoted: "", places, addresses: [None; 2], is_car: self.is_car };
        // Only an end without a device name is known by its address.
        let ends = [(Field::OrigDevice, Field::OrigIp), (Field::DestDevice, Field::DestIp)];
        for (address, (device, ip)) in ends.into_iter().enumerate() {
            if fields.span(device).text(text, unquoted).is_empty() {
                let number = fields.span(ip).text(text, unquoted).parse().ok().filter(|n| *n != 0);
                let start = unquoted.len();
                unquoted.push_str(&number.and_then(super::ipv4).map(|address| address.to_string()).unwrap_or_default());
                fields.addresses[address] = Some(Span::new(start, unquoted.len()).elsewhere());
            }
        }
        Ok(Fields { unquoted, ..fields })
    }

    /// The fields of any line, one after the other.
    fn walk(&self, text: &str, unquoted: &mut String) -> Result<Spans, (Reject, &'static str)> {
        let mut spans = [Span::default(); COUNT];
        let bytes = text.as_bytes();
        let mut wanted = self.wanted.iter().copied().peekable();
        let (mut at, mut column) = (0, 0);
        loop {
            let span = match bytes.get(at) {
                Some(b'"') => {
                    let span = quoted(text, at + 1, unquoted).ok_or((Reject::WrongShape, "a quote is not closed"))?;
                    at = span.next;
                    span.span
                }
                _ => {
                    let end = bytes[at..].iter().position(|b| *b == b',').map_or(bytes.len(), |n| at + n);
                    let span = Span::new(at, end);
                    at = end;
                    span
                }
            };
            if let Some((_, field)) = wanted.next_if(|(wanted, _)| *wanted == column) {
                spans[field] = span;
            }
            column += 1;
            match bytes.get(at) {
                Some(b',') => at += 1,
                None => break,
                Some(_) => return Err((Reject::WrongShape, "text after a closing quote")),
            }
        }
        match column == self.count {
            true => Ok(spans),
            false => Err((Reject::WrongShape, "the line has not as many fields as its header")),
        }
    }
}

type Spans = [Span; COUNT];

/// Where a field's text is, in 32 bits each: a line is far shorter.
#[derive(Clone, Copy, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// In `unquoted`, not in the line.
const ELSEWHERE: u32 = 1 << 31;

impl Span {
    fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    fn elsewhere(self) -> Self {
        Self { start: self.start | ELSEWHERE, ..self }
    }

    #[inline]
    fn text<'a>(self, line: &'a str, unquoted: &'a str) -> &'a str {
        let text = if self.start & ELSEWHERE != 0 { unquoted } else { line };
        let text = &text[(self.start & !ELSEWHERE) as usize..self.end as usize];
        // Blanks around a text are rare, and looking for all that Unicode has is not for nothing.
        let text = match text.as_bytes() {
            [] => return text,
            [only] if only.is_ascii_graphic() => text,
            [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
            _ => text.trim(),
        };
        // The CAR export's blank.
        if text == "\\" { "" } else { text }
    }
}

struct Quoted {
    span: Span,
    /// Where the line goes on, after the closing quote.
    next: usize,
}

/// The quoted field whose text begins at `start`; doubled quotes are copied out to `unquoted` as one.
fn quoted(text: &str, start: usize, unquoted: &mut String) -> Option<Quoted> {
    let bytes = text.as_bytes();
    let mut end = start + memchr::memchr(b'"', &bytes[start..])?;
    if bytes.get(end + 1) != Some(&b'"') {
        return Some(Quoted { span: Span::new(start, end), next: end + 1 });
    }
    let copied = unquoted.len();
    let mut from = start;
    loop {
        unquoted.push_str(&text[from..end]);
        if bytes.get(end + 1) != Some(&b'"') {
            let span = Span::new(copied, unquoted.len()).elsewhere();
            return Some(Quoted { span, next: end + 1 });
        }
        unquoted.push('"');
        from = end + 2;
        end = from + memchr::memchr(b'"', &bytes[from..])?;
    }
}

/// The wanted fields of one line, unquoted. A field the file has no column for is blank.
pub struct Fields<'a> {
    text: &'a str,
    unquoted: &'a str,
    places: Places<'a>,
    /// In place of the numbers of [`Field::OrigIp`] and [`Field::DestIp`].
    addresses: [Option<Span>; 2],
    is_car: bool,
}

/// Where the fields of a line are.
enum Places<'a> {
    /// Looked up when they are asked for.
    Columns(Found<'a>, &'a [usize; COUNT]),
    Spans(Box<Spans>),
}

impl<'a> Fields<'a> {
    #[inline]
    pub fn text(&self, field: Field) -> &'a str {
        let address = match field {
            Field::OrigIp => self.addresses[0],
            Field::DestIp => self.addresses[1],
            _ => None,
        };
        address.unwrap_or_else(|| self.span(field)).text(self.text, self.unquoted)
    }

    #[inline]
    fn span(&self, field: Field) -> Span {
        match &self.places {
            Places::Columns(found, columns) => {
                let (start, end) = found.field(columns[field as usize]);
                let is_quoted = self.text.as_bytes().get(start as usize) == Some(&b'"') && start < end;
                if is_quoted { Span { start: start + 1, end: end - 1 } } else { Span { start, end } }
            }
            Places::Spans(spans) => spans[field as usize],
        }
    }

    /// A number that must be there. Cisco's 32 bits may have been printed signed or unsigned.
    pub fn number(&self, field: Field, name: &'static str) -> Result<i64, (Reject, &'static str)> {
        figure(self.text(field)).ok_or((Reject::BadNumber, name))
    }

    /// A code that older files lack a column for: blank is 0.
    pub fn code(&self, field: Field, name: &'static str) -> Result<i64, (Reject, &'static str)> {
        match self.text(field) {
            "" | "0" => Ok(0),
            text => figure(text).ok_or((Reject::BadNumber, name)),
        }
    }

    /// A figure that may be blank.
    pub fn figure<N: std::str::FromStr>(
        &self,
        field: Field,
        name: &'static str,
    ) -> Result<Option<N>, (Reject, &'static str)> {
        match self.text(field) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| (Reject::BadNumber, name)),
        }
    }

    /// A clearing cause as the unsigned 32 bits it is.
    pub fn cause(&self, field: Field, name: &'static str) -> Result<i64, (Reject, &'static str)> {
        match self.number(field, name)? {
            n if (0..=i64::from(u32::MAX)).contains(&n) => Ok(n),
            n => i32::try_from(n).map(|n| i64::from(n as u32)).map_err(|_| (Reject::BadNumber, name)),
        }
    }

    pub fn seconds(&self, field: Field, name: &'static str) -> Result<i32, (Reject, &'static str)> {
        i32::try_from(self.number(field, name)?).ok().filter(|s| *s >= 0).ok_or((Reject::BadNumber, name))
    }

    /// The hunt pilot's number; the CAR export holds a GUID or a partition there.
    pub fn hunt_pilot(&self) -> &'a str {
        match self.text(Field::HuntPilot) {
            text if self.is_car && !text.bytes().all(|b| b.is_ascii_digit() || b == b'+') => "",
            text => text,
        }
    }
}

/// A whole number as the library reads it; plain digits, as nearly all are, in a loop of their own.
#[inline]
fn figure(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 18 || !bytes.iter().all(u8::is_ascii_digit) {
        return text.parse().ok();
    }
    Some(bytes.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_fields() {
        for (i, (field, ..)) in NAMES.iter().enumerate() {
            assert_eq!(*field as usize, i, "{field:?}");
        }
    }
}
