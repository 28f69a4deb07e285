//! Which export a header belongs to, and where its columns stand: by name, without regard to case, for Cisco writes them
//! now in one and now in the other. Cisco Unified CM bulk administration 11 to 14 (phone, directory number); RISPort70
//! `selectCmDevice` answers saved as CSV.

use std::collections::HashMap;

use csv::ByteRecord;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Phones,
    Numbers,
    Registrations,
}

#[derive(Debug)]
pub struct Columns {
    pub kind: Kind,
    pub count: usize,
    /// How many directory numbers the widest device has.
    pub lines: usize,
    places: HashMap<String, usize>,
}

/// All that is ever read; a number stands behind those that come once a line.
const WANTED: [&str; 16] = [
    "device name",
    "description",
    "location",
    "device type",
    "owner user id",
    "user id",
    "directory number",
    "external phone number mask",
    "e.164 number mask",
    "route partition",
    "name",
    "status",
    "timestamp",
    "model",
    "loginuserid",
    "dirnumber",
];

impl Columns {
    pub fn of(header: &ByteRecord) -> Option<Self> {
        let mut places = HashMap::new();
        for (at, cell) in header.iter().enumerate() {
            let cell = cell.strip_prefix(b"\xef\xbb\xbf").unwrap_or(cell);
            let name = std::str::from_utf8(cell.trim_ascii()).unwrap_or_default().to_ascii_lowercase();
            let bare = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
            if WANTED.contains(&bare) {
                places.entry(name).or_insert(at);
            }
        }
        let has = |name: &str| places.contains_key(name);
        let kind = match () {
            () if has("device name") && has("directory number 1") => Kind::Phones,
            () if has("directory number") && has("route partition") => Kind::Numbers,
            () if has("name") && has("status") && (has("timestamp") || has("dirnumber")) => Kind::Registrations,
            () => return None,
        };
        let lines = (1..).take_while(|n| places.contains_key(&format!("directory number {n}"))).count();
        Some(Self { kind, count: header.len(), lines, places })
    }

    /// The cell of that column without the blanks around it; blank where the file has no such column, the row ends before
    /// it, or it says `NULL`.
    pub fn text(&self, row: &ByteRecord, column: &str) -> Result<String, &'static str> {
        let cell = self.places.get(column).and_then(|at| row.get(*at)).unwrap_or_default();
        let text = std::str::from_utf8(cell).map_err(|_| "not UTF-8")?.trim();
        if text.contains(|c: char| c.is_control()) {
            return Err("control characters");
        }
        Ok(if text == "NULL" { String::new() } else { text.to_string() })
    }
}

/// The register's word for a device. What only the model could tell and does not is a desk phone.
pub fn device_kind(name: &str, model: &str) -> &'static str {
    let (name, model) = (name.to_ascii_uppercase(), model.to_ascii_lowercase());
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let says = |words: &[&str]| words.iter().any(|word| model.contains(word));
    match () {
        () if says(&["ata", "analog", "vg2", "vg3"]) || starts(&["ATA", "AN", "VG"]) => "analogue",
        () if says(&["cti port", "route point", "remote device", "remote destination"]) => "virtual",
        () if starts(&["CSF", "BOT", "TCT", "TAB"]) || says(&["client services", "communicator", "jabber"]) => {
            "softphone"
        }
        () if says(&["7935", "7936", "7937", "8831", "8832", "conference"]) => "conference_phone",
        () => "desk_phone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of formats-cisco 1.12 and 4.1.
    #[test]
    fn a_device_is_known_by_its_name_and_model() {
        for (name, model, kind) in [
            ("SEP001122330101", "Cisco 8865", "desk_phone"),
            ("SEP001122330102", "Cisco 8831", "conference_phone"),
            ("CSF60101", "Cisco Unified Client Services Framework", "softphone"),
            ("TCTBOB", "Cisco Dual Mode for iPhone", "softphone"),
            ("ATA001122330103", "Cisco ATA 191", "analogue"),
            ("AN0011223301040", "Analog Phone", "analogue"),
            ("IVR_01", "CTI Port", "virtual"),
            ("SparkRD60105", "Cisco Spark Remote Device", "virtual"),
        ] {
            assert_eq!(device_kind(name, model), kind, "{name}");
        }
    }
}
