//! Exports into a register: blank cells are filled, nothing that a person wrote is overwritten, and what differs is told.

use std::collections::{BTreeMap, BTreeSet};

use super::{Exports, Line};

/// The register's columns, in its order.
const COLUMNS: [&str; 17] = [
    "source",
    "extension",
    "ddi",
    "device_name",
    "device_model",
    "device_kind",
    "use",
    "site",
    "location",
    "cost_centre",
    "owner",
    "user_id",
    "installed_on",
    "hunt_groups",
    "protected",
    "protected_reason",
    "notes",
];

/// The register as it would be, and what a person should look at.
#[derive(Debug)]
pub struct Merged {
    /// Header and rows, by source and extension.
    pub rows: Vec<Vec<String>>,
    pub added: u64,
    pub filled: u64,
    /// Extensions whose device or person the export has otherwise; the register's word stands.
    pub differ: Vec<String>,
    /// Extensions on several devices: the register has room for one, the others stand in `notes`.
    pub shared: u64,
    /// Extensions of the source that the phone export does not have.
    pub gone: Vec<String>,
    /// Numbers the platform knows and no device has.
    pub without_device: u64,
}

/// Puts `exports` of `source` into a register of rows by column name.
pub fn merge(exports: &Exports, source: &str, register: Vec<BTreeMap<String, String>>) -> Merged {
    let mut rows: BTreeMap<(String, String), BTreeMap<String, String>> = BTreeMap::new();
    for row in register {
        let cell = |column: &str| row.get(column).cloned().unwrap_or_default();
        rows.insert((cell("source"), cell("extension")), row);
    }
    let mut by_number: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in &exports.lines {
        by_number.entry(&line.extension).or_default().push(line);
    }
    let (mut added, mut filled, mut differ, mut shared) = (0, 0, Vec::new(), 0);
    for (extension, mut lines) in by_number.iter().map(|(e, lines)| (e.to_string(), lines.clone())) {
        // The one that is on the wire comes first, then the desk phone, then by name.
        lines.sort_by_key(|line| (!is_registered(exports, line), line.kind != "desk_phone", line.device.clone()));
        lines.dedup_by_key(|line| line.device.clone());
        let key = (source.to_string(), extension.clone());
        let is_new = !rows.contains_key(&key);
        let row = rows.entry(key).or_default();
        let listed = row.get("device_name").filter(|name| !name.is_empty());
        let at = listed.and_then(|name| lines.iter().position(|line| line.device == *name)).unwrap_or(0);
        let others: Vec<&str> =
            lines.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, line)| line.device.as_str()).collect();
        shared += u64::from(!others.is_empty());
        let cells = cells(exports, source, lines[at], &others);
        let clashes = |column: &&&str| {
            let there = row.get(**column).map_or("", String::as_str);
            !there.is_empty() && !cells[**column].is_empty() && there != cells[**column]
        };
        if !is_new && ["device_name", "user_id"].iter().filter(clashes).count() > 0 {
            differ.push(extension);
        }
        let before = row.clone();
        for (column, value) in cells {
            let cell = row.entry(column.to_string()).or_default();
            if cell.is_empty() {
                *cell = value;
            }
        }
        added += u64::from(is_new);
        let was_blank = |column: &String| before.get(column).is_none_or(String::is_empty);
        filled += u64::from(!is_new && row.iter().any(|(column, cell)| !cell.is_empty() && was_blank(column)));
    }
    let ours = |(of, _): &&(String, String)| of == source;
    let gone =
        rows.keys().filter(ours).filter(|(_, e)| !exports.lines.is_empty() && !by_number.contains_key(e.as_str()));
    let gone = gone.map(|(_, extension)| extension.clone()).collect();
    let on_devices: BTreeSet<&str> = by_number.keys().copied().collect();
    let without_device = exports.numbers.keys().filter(|number| !on_devices.contains(number.as_str())).count() as u64;
    let header = COLUMNS.iter().map(|column| column.to_string()).collect();
    let cell = |row: &BTreeMap<String, String>, column: &str| row.get(column).cloned().unwrap_or_default();
    let rows = rows.values().map(|row| COLUMNS.iter().map(|column| cell(row, column)).collect());
    Merged { rows: std::iter::once(header).chain(rows).collect(), added, filled, differ, shared, gone, without_device }
}

fn is_registered(exports: &Exports, line: &Line) -> bool {
    exports.registrations.get(&line.device).is_some_and(|found| found.is_registered)
}

/// What the export says of an extension. That a device is registered proves power and network, not use: it is a note.
fn cells(exports: &Exports, source: &str, line: &Line, others: &[&str]) -> BTreeMap<&'static str, String> {
    let described = exports.numbers.get(&line.extension).filter(|text| !text.is_empty()).unwrap_or(&line.notes);
    let state = exports
        .registrations
        .get(&line.device)
        .map(|found| if found.is_registered { "registered when exported" } else { "not registered when exported" });
    let also = (!others.is_empty()).then(|| format!("also on {}", others.join(" ")));
    let notes = [Some(described.as_str()).filter(|d| !d.is_empty()), state, also.as_deref()];
    let notes: Vec<&str> = notes.into_iter().flatten().collect();
    BTreeMap::from([
        ("source", source.to_string()),
        ("extension", line.extension.clone()),
        ("ddi", line.ddi.clone()),
        ("device_name", line.device.clone()),
        ("device_model", line.model.clone()),
        ("device_kind", line.kind.to_string()),
        ("use", "unknown".to_string()),
        ("location", line.location.clone()),
        ("owner", line.owner.clone()),
        ("user_id", line.owner.clone()),
        ("protected", "false".to_string()),
        ("notes", notes.join("; ")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(&str, &str)]) -> BTreeMap<String, String> {
        cells.iter().map(|(column, cell)| (column.to_string(), cell.to_string())).collect()
    }

    #[test]
    fn blanks_are_filled_and_a_persons_word_stands() {
        let mut exports = Exports::default();
        let phones = "Device Name,Device Type,Owner User ID,Directory Number 1\nSEP1,Cisco 7821,u1,60101\nSEP2,Cisco 7821,u2,60102\nCSF9,Client Services,u9,60103\nSEP3,Cisco 8841,u3,60103\n";
        let status = "Name,Status,TimeStamp\nSEP3,UnRegistered,9\nCSF9,Registered,9\n";
        let numbers = "Directory Number,Route Partition,Description\n60101,P,Lift in block B\n60150,P,Spare\n";
        for text in [phones, status, numbers] {
            assert_eq!(exports.read(text.as_bytes()).unwrap(), []);
        }
        let register = vec![
            row(&[("source", "hq"), ("extension", "60101"), ("use", "lift"), ("protected", "true"), ("user_id", "")]),
            row(&[("source", "hq"), ("extension", "60102"), ("device_name", "SEP77"), ("use", "personal")]),
            row(&[("source", "hq"), ("extension", "60104"), ("use", "fax")]),
            row(&[("source", "north"), ("extension", "60101"), ("use", "role")]),
        ];
        let merged = merge(&exports, "hq", register);
        let at = |name: &str| COLUMNS.iter().position(|c| *c == name).unwrap();
        let of = |source: &str, extension: &str, columns: &[&str]| -> Vec<String> {
            let row = merged.rows.iter().find(|r| r[0] == source && r[1] == extension).unwrap();
            columns.iter().map(|c| row[at(c)].clone()).collect()
        };
        assert_eq!(
            of("hq", "60101", &["use", "protected", "device_name", "user_id", "notes"]),
            ["lift", "true", "SEP1", "u1", "Lift in block B"]
        );
        assert_eq!(of("hq", "60102", &["use", "device_name"]), ["personal", "SEP77"]);
        // The softphone is on the wire, the desk phone is not.
        assert_eq!(
            of("hq", "60103", &["device_name", "device_kind", "use", "notes"]),
            ["CSF9", "softphone", "unknown", "registered when exported; also on SEP3"]
        );
        assert_eq!(of("north", "60101", &["device_name", "use"]), ["", "role"]);
        assert_eq!((merged.added, merged.filled, merged.shared, merged.without_device), (1, 2, 1, 1));
        assert_eq!((merged.differ, merged.gone), (vec!["60102".to_string()], vec!["60104".to_string()]));
        assert_eq!(merged.rows.len(), 6);
    }
}
