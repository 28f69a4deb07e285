//! A platform's own exports (bulk administration files, registration status) to rows of the register. Only the columns
//! named in `columns` are ever looked at: passwords, PINs and device XML go by with their line and are kept nowhere.
//! It fills what is blank in the register and overwrites nothing; it opens no file and decides no use.

mod columns;
mod merge;

use std::collections::BTreeMap;
use std::io::Read;

use csv::ByteRecord;

use columns::{Columns, Kind};
pub use merge::{Merged, merge};

/// One device's appearance of one number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The number as the platform rings it.
    pub extension: String,
    /// The outside number, where the line's mask gives it in full.
    pub ddi: String,
    pub device: String,
    pub model: String,
    /// `device_kind` of the register, by the device's name and type.
    pub kind: &'static str,
    pub location: String,
    pub owner: String,
    pub notes: String,
}

/// What a device's registration said, the best of all nodes asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub is_registered: bool,
    /// Epoch seconds of the snapshot or the last change; 0 where it is not told.
    pub at: i64,
    pub model: String,
    pub user: String,
}

/// Everything read so far.
#[derive(Debug, Default)]
pub struct Exports {
    pub lines: Vec<Line>,
    pub registrations: BTreeMap<String, Registration>,
    /// Numbers that the platform knows, whether or not a device has them.
    pub numbers: BTreeMap<String, String>,
    pub counts: Counts,
}

/// Rows by what became of them; `read` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub read: u64,
    pub taken: u64,
    /// Templates, and devices without a number.
    pub skipped: u64,
    pub rejected: u64,
}

/// Why a row or a file is not taken: its line and a few words, never its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub line: u64,
    pub what: &'static str,
}

impl Exports {
    /// Reads one export; which one it is, its header tells.
    ///
    /// # Errors
    /// The file has no header that is known. Single rows that cannot be read are given back and counted.
    pub fn read(&mut self, text: impl Read) -> Result<Vec<Refusal>, Refusal> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text);
        // The one record that ever holds a whole row; each row overwrites the one before.
        let mut row = ByteRecord::new();
        let columns = loop {
            match reader.read_byte_record(&mut row) {
                Ok(true) if row.iter().all(|cell| cell.trim_ascii().is_empty()) => {}
                Ok(true) => break Columns::of(&row),
                Ok(false) | Err(_) => break None,
            }
        };
        let Some(columns) = columns else {
            return Err(Refusal {
                line: 1,
                what: "its header is none of a phone, directory number or registration export",
            });
        };
        let mut refusals = Vec::new();
        loop {
            let line = reader.position().line();
            match reader.read_byte_record(&mut row) {
                Ok(false) => return Ok(refusals),
                Ok(true) => {
                    self.counts.read += 1;
                    match self.row(&columns, &row) {
                        Ok(true) => self.counts.taken += 1,
                        Ok(false) => self.counts.skipped += 1,
                        Err(what) => {
                            self.counts.rejected += 1;
                            refusals.push(Refusal { line, what });
                        }
                    }
                }
                Err(_) => {
                    self.counts.read += 1;
                    self.counts.rejected += 1;
                    refusals.push(Refusal { line, what: "not a row of comma-separated text" });
                    return Ok(refusals);
                }
            }
        }
    }

    /// Whether the row gave anything.
    fn row(&mut self, columns: &Columns, row: &ByteRecord) -> Result<bool, &'static str> {
        // The platform's own exports have rows one longer than their header; which cell is too many nobody can tell.
        if row.iter().skip(columns.count).any(|cell| !cell.trim_ascii().is_empty()) {
            return Err("more cells than the header has columns");
        }
        // A row may have a line break in a cell; one that also ends too soon has taken in the rows after it.
        if row.len() < columns.count && row.iter().any(|cell| cell.contains(&b'\n')) {
            return Err("a quote is left open, and takes in the lines after it");
        }
        match columns.kind {
            Kind::Phones => self.phone(columns, row),
            Kind::Numbers => {
                let number = columns.text(row, "directory number")?;
                let number = unescaped(&number);
                if number.is_empty() {
                    return Ok(false);
                }
                self.numbers.insert(number, columns.text(row, "description")?);
                Ok(true)
            }
            Kind::Registrations => self.registration(columns, row),
        }
    }

    fn phone(&mut self, columns: &Columns, row: &ByteRecord) -> Result<bool, &'static str> {
        let device = columns.text(row, "device name")?;
        if device.is_empty() {
            return Err("no device name");
        }
        let model = columns.text(row, "device type")?;
        if model.to_ascii_lowercase().contains("template") {
            return Ok(false);
        }
        let owner = columns.text(row, "owner user id")?;
        let owner = if owner.is_empty() { columns.text(row, "user id 1")? } else { owner };
        let before = self.lines.len();
        for at in 1..=columns.lines {
            let extension = unescaped(&columns.text(row, &format!("directory number {at}"))?);
            if extension.is_empty() {
                continue;
            }
            let masks = ["e.164 number mask", "external phone number mask"];
            let mut ddi = String::new();
            for mask in masks {
                if ddi.is_empty() {
                    ddi = masked(&unescaped(&columns.text(row, &format!("{mask} {at}"))?), &extension);
                }
            }
            self.lines.push(Line {
                ddi,
                device: device.clone(),
                kind: columns::device_kind(&device, &model),
                model: model.clone(),
                location: columns.text(row, "location")?,
                owner: owner.clone(),
                notes: columns.text(row, "description")?,
                extension,
            });
        }
        Ok(self.lines.len() > before)
    }

    fn registration(&mut self, columns: &Columns, row: &ByteRecord) -> Result<bool, &'static str> {
        let device = columns.text(row, "name")?;
        if device.is_empty() {
            return Err("no device name");
        }
        let at = columns.text(row, "timestamp")?;
        let found = Registration {
            is_registered: columns.text(row, "status")?.eq_ignore_ascii_case("registered"),
            at: if at.is_empty() { 0 } else { at.parse().map_err(|_| "the time stamp is no number of seconds")? },
            model: columns.text(row, "model")?,
            user: columns.text(row, "loginuserid")?,
        };
        // One device may be told of by several nodes: registered wins, else the newest.
        let best = self.registrations.entry(device).or_insert_with(|| found.clone());
        if (found.is_registered, found.at) > (best.is_registered, best.at) {
            *best = found;
        }
        Ok(true)
    }
}

/// `\+442079460100` is how exports write a plus.
fn unescaped(text: &str) -> String {
    text.replace('\\', "").trim().to_string()
}

/// An outside number from its mask: `02079460XXX` and 60123 are 02079460123. Blank unless it comes out as digits.
fn masked(mask: &str, extension: &str) -> String {
    let wild = mask.chars().filter(|c| matches!(c, 'X' | 'x')).count();
    let Some(mut digits) = extension.len().checked_sub(wild).and_then(|at| extension.get(at..)).map(str::chars) else {
        return String::new();
    };
    let filled: Option<String> =
        mask.chars().map(|c| if matches!(c, 'X' | 'x') { digits.next() } else { Some(c) }).collect();
    let is_number = |text: &String| text.len() >= 7 && text.trim_start_matches('+').bytes().all(|b| b.is_ascii_digit());
    filled.filter(is_number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONES: &str = "\
Device Name,Description,Location,Device Type,Owner User ID,XML,Directory Number 1,External Phone Number Mask 1,Directory Number 2,E.164 Number Mask 2,User Password
SEP001122330101,Front desk,Hub_None,Cisco 8841,u60101,<secret>hunter2</secret>,60101,+4420794601XX,60199,,hunter2
CSF60102,,Hub_None,Cisco Unified Client Services Framework,u60102,,\\+442079460102,,,,hunter2
AUTO,A template,Hub_None,Universal Device Template,,,60000,,,,
SEP001122330103,No line,Hub_None,Cisco 7821,,,,,,,
,nameless,,,,,60104,,,,
SEP001122330105,long,,Cisco 7821,,,60105,,,,,too many
ATA001122330106,Lift,Hub_None,Cisco ATA 191,,,60106,X,,,
";

    fn read(text: &str) -> (Exports, Vec<Refusal>) {
        let mut exports = Exports::default();
        let refusals = exports.read(text.as_bytes()).unwrap();
        (exports, refusals)
    }

    #[test]
    fn a_phone_export_gives_a_line_for_each_number() {
        let (exports, refusals) = read(PHONES);
        let told: Vec<_> =
            exports.lines.iter().map(|l| (&*l.extension, &*l.ddi, &*l.device, l.kind, &*l.owner)).collect();
        assert_eq!(
            told,
            [
                ("60101", "+442079460101", "SEP001122330101", "desk_phone", "u60101"),
                ("60199", "", "SEP001122330101", "desk_phone", "u60101"),
                ("+442079460102", "", "CSF60102", "softphone", "u60102"),
                ("60106", "", "ATA001122330106", "analogue", ""),
            ]
        );
        assert_eq!(exports.counts, Counts { read: 7, taken: 3, skipped: 2, rejected: 2 });
        let lines: Vec<(u64, &str)> = refusals.iter().map(|r| (r.line, r.what)).collect();
        assert_eq!(lines, [(6, "no device name"), (7, "more cells than the header has columns")]);
    }

    #[test]
    fn an_open_quote_does_not_swallow_rows_in_silence() {
        let head = "Device Name,Directory Number 1,XML,Notes\n";
        let (exports, refusals) = read(&format!("{head}SEP1,60101,\"<a>,\nSEP2,60102,,\n"));
        assert_eq!((exports.lines.len(), refusals[0].line), (0, 2));
        let (exports, refusals) = read(&format!("{head}SEP1,60101,\"<a>\n</a>\",\nSEP2,60102,,\n"));
        assert_eq!((exports.lines.len(), refusals), (2, vec![]));
    }

    #[test]
    fn a_secret_is_kept_nowhere() {
        let (exports, refusals) = read(PHONES);
        assert!(!format!("{exports:?}{refusals:?}").contains("hunter2"));
    }

    #[test]
    fn registered_wins_over_newer_and_newer_over_older() {
        let text = "Name,Status,TimeStamp,Model,LoginUserId\nSEP1,UnRegistered,300,690,\nSEP1,Registered,200,690,u1\nSEP2,UnRegistered,100,,\nSEP2,UnRegistered,150,,u2\nSEP3,Registered,x,,\n";
        let (exports, refusals) = read(text);
        let told: Vec<_> = exports.registrations.iter().map(|(n, r)| (&**n, r.is_registered, r.at, &*r.user)).collect();
        assert_eq!(told, [("SEP1", true, 200, "u1"), ("SEP2", false, 150, "u2")]);
        assert_eq!(refusals.len(), 1);
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        for text in ["", "a,b\n1,2\n", "cdrRecordType,globalCallID_callManagerId\n1,1\n", "\u{0}\u{1}"] {
            assert!(Exports::default().read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn masks_are_filled_from_the_right_of_the_number() {
        let cases = [
            ("02079460XXX", "60123", "02079460123"),
            ("+442079460100", "60123", "+442079460100"),
            ("XXXXXX", "60123", ""),
            ("", "60123", ""),
            ("0207946é", "60123", ""),
        ];
        for (mask, extension, expected) in cases {
            assert_eq!(masked(mask, extension), expected, "{mask}");
        }
    }
}
