//! Microsoft Teams usage of the public network: PSTN (Calling Plan, Operator Connect) and Direct Routing, as the admin
//! centre's CSV and as Graph's JSON. `csv` and `json` find the rows, `row` says what they mean. Call quality data and
//! Graph's `callRecord` are other formats.

mod csv;
mod json;
mod kind;
mod row;
mod time;
#[cfg(test)]
mod tests;

use std::io::{BufRead, Read};

use chrono::NaiveTime;

use super::{About, Decoder, Likelihood, ReadError, Reader};

/// The reader of format `teams-pstn`.
pub struct TeamsPstn;

/// Bytes that settle whether a file is JSON or CSV.
const HEAD: u64 = 4096;

impl Reader for TeamsPstn {
    fn id(&self) -> &'static str {
        "teams-pstn"
    }

    fn sniff(&self, head: &[u8], name: &str) -> Likelihood {
        let found = if is_json(head) { json::sniff(head, name) } else { csv::sniff(head) };
        let name = name.to_ascii_lowercase();
        let is_named = ["pstn.calls", "directrouting.calls"].iter().any(|start| name.starts_with(start));
        if is_named { found.max(Likelihood::Maybe) } else { found }
    }

    fn blind_spots(&self) -> &'static str {
        "calls between Teams users are in neither report, nor is the hand-over from an auto attendant or queue to the person \
         who answers; unanswered calls are in the Direct Routing report only: a person without records may still use Teams"
    }

    /// A Teams user who only talks to Teams users has no row at all.
    fn shows_silence(&self) -> bool {
        false
    }

    /// Graph keeps call records for 30 days ("callRecords API overview"); the PSTN export may reach further back.
    fn kept_days(&self) -> Option<u16> {
        Some(30)
    }

    fn open(&self, text: &mut dyn BufRead, about: &About<'_>) -> Result<Box<dyn Decoder>, ReadError> {
        let mut head = Vec::new();
        text.take(HEAD).read_to_end(&mut head)?;
        if is_utf16(&head) {
            return Err(ReadError::Refused {
                what: "the file is UTF-16".into(),
                hint: "save it as UTF-8; Windows PowerShell's `>` and `Out-File` need `-Encoding utf8`",
            });
        }
        let is_json = is_json(&head);
        // Two days more than the file's own, for clocks that are not quite right.
        let not_from = about.received_on.and_time(NaiveTime::MIN).and_utc().timestamp() + 3 * 86_400;
        let mut text = head.as_slice().chain(text);
        if is_json { json::open(&mut text, about.name, not_from) } else { csv::open(&mut text, not_from) }
    }
}

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

fn is_json(head: &[u8]) -> bool {
    matches!(without_mark(head).trim_ascii_start().first(), Some(b'{' | b'['))
}

fn is_utf16(head: &[u8]) -> bool {
    let has_mark = head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF");
    has_mark || matches!(head, [0, b, ..] | [b, 0, ..] if *b != 0)
}

/// Letters and digits of a name in lower case, without the `(UTC)` some put behind a time: `AAD ObjectId` and
/// `aadObjectID` are one.
fn squeezed(name: &str) -> String {
    let mut name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if name.ends_with("utc") {
        name.truncate(name.len() - "utc".len());
    }
    name
}
