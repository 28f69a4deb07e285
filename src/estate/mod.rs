//! The register and its companions: read from CSV, checked against each other, turned into rows of the lake. It decides
//! nothing about use: verdicts are SQL (`queries/views/verdicts.sql`), for analysts to read and run anywhere.

mod policy;
mod prices;
mod table;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray};
use chrono::NaiveDate;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::lake::Table;
use crate::normalise::{TrunkKind, Trunks, days};
use crate::number::{Class, classify};

pub use policy::{ACTIONS, VERDICTS, policy, policy_rows};
pub use prices::ON_NET;
pub use table::{CsvTable, read};

/// What a registered device can be.
pub const DEVICE_KINDS: [&str; 8] =
    ["desk_phone", "softphone", "conference_phone", "analogue", "ptt", "pager", "mobile", "virtual"];

/// What a line can be for.
pub const USES: [&str; 19] = [
    "personal",
    "role",
    "fixed",
    "contact_centre",
    "hot_desk",
    "meeting_room",
    "ptt",
    "reception",
    "front_counter",
    "custody",
    "control_room",
    "door_entry",
    "lift",
    "alarm",
    "fax",
    "refuge",
    "help_point",
    "voicemail",
    "unknown",
];

/// Uses that are protected whatever the traffic (DESIGN section 3).
pub const PROTECTED_USES: [&str; 10] = [
    "reception",
    "front_counter",
    "custody",
    "control_room",
    "door_entry",
    "lift",
    "alarm",
    "fax",
    "refuge",
    "help_point",
];

const TRUNK_KINDS: [&str; 7] = ["pstn", "tie_line", "third_party", "voicemail", "recorder", "sbc", "gateway"];

/// The estate's files, read and checked.
#[derive(Debug, Default)]
pub struct Estate {
    /// Table of the lake and its rows, without their date.
    tables: Vec<(Table, CsvTable)>,
}

impl Estate {
    /// Reads every file the configuration names.
    ///
    /// # Errors
    /// All that contradicts itself or another row, each with file, line and column.
    pub fn load(config: &Config) -> Result<Self, Vec<Error>> {
        let estate = &config.estate;
        let wanted = [
            (Table::Sites, &estate.sites),
            (Table::CostCentres, &estate.cost_centres),
            (Table::Trunks, &estate.trunks),
            (Table::Extensions, &estate.extensions),
            (Table::Decisions, &estate.decisions),
            (Table::Tariffs, &estate.tariffs),
            (Table::FixedCharges, &estate.fixed_charges),
        ];
        let (mut tables, mut errors) = (Vec::new(), Vec::new());
        for (table, path) in wanted {
            let Some(path) = path else { continue };
            match read_table(config, path, table) {
                Ok(rows) => tables.push((table, rows)),
                Err(error) => errors.push(error),
            }
        }
        let loaded = Self { tables };
        loaded.check(config, &mut errors);
        if errors.is_empty() { Ok(loaded) } else { Err(errors) }
    }

    /// Rows of a table with the date of the load, ready for the lake.
    pub fn rows(&self, as_of: NaiveDate) -> Vec<(Table, RecordBatch)> {
        self.tables.iter().map(|(table, rows)| (*table, batch(*table, rows, as_of))).collect()
    }

    /// Registered extensions.
    pub fn extensions(&self) -> usize {
        self.table(Table::Extensions).map_or(0, |rows| rows.rows.len())
    }

    fn table(&self, table: Table) -> Option<&CsvTable> {
        self.tables.iter().find(|(t, _)| *t == table).map(|(_, rows)| rows)
    }

    fn check(&self, config: &Config, errors: &mut Vec<Error>) {
        let names = |table, column| -> Option<BTreeSet<&str>> {
            let rows = self.table(table).filter(|rows| rows.has(column))?;
            Some(rows.rows.iter().map(|row| rows.text(row, column)).collect())
        };
        if let Some(rows) = self.table(Table::Sites) {
            rows.filled("site", errors);
            rows.unique(&["site"], errors);
        }
        if let Some(rows) = self.table(Table::CostCentres) {
            rows.filled("cost_centre", errors);
            rows.unique(&["cost_centre"], errors);
        }
        if let Some(rows) = self.table(Table::Trunks) {
            check_trunks(rows, config, errors);
        }
        if let Some(rows) = self.table(Table::Decisions) {
            check_decisions(rows, config, errors);
        }
        if let Some(rows) = self.table(Table::Tariffs) {
            let carriers = names(Table::Trunks, "carrier");
            prices::check_tariffs(rows, &sources(config), carriers.as_ref(), errors);
        }
        if let Some(rows) = self.table(Table::FixedCharges) {
            prices::check_fixed_charges(rows, config, errors);
        }
        let Some(rows) = self.table(Table::Extensions) else { return };
        rows.needs(&["source", "extension", "use"], errors);
        rows.known("source", &sources(config), "a source of the configuration", errors);
        rows.unique(&["source", "extension"], errors);
        rows.filled("extension", errors);
        rows.known_or_blank("device_kind", &BTreeSet::from(DEVICE_KINDS), "a kind of device", errors);
        rows.known("use", &BTreeSet::from(USES), "a use", errors);
        rows.date("installed_on", errors);
        rows.boolean("protected", errors);
        rows.unique_where_filled("ddi", errors);
        if let Some(sites) = names(Table::Sites, "site") {
            rows.known_or_blank("site", &sites, "a site of sites.csv", errors);
        }
        if let Some(centres) = names(Table::CostCentres, "cost_centre") {
            rows.known_or_blank("cost_centre", &centres, "a cost centre of cost_centres.csv", errors);
        }
        one_place_a_device(rows, errors);
        seen_in_calls(rows, config, errors);
    }
}

/// A file has the columns of its table but for the date, which is the load's.
fn read_table(config: &Config, path: &Path, table: Table) -> Result<CsvTable> {
    let schema = table.schema();
    let columns: Vec<String> =
        schema.fields().iter().filter(|f| f.name() != "as_of").map(|f| in_file(f.name())).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    read(&config.at(path), &columns)
}

/// The name of a lake's column in the file: people write pence, the lake holds millionths of a pound.
fn in_file(column: &str) -> String {
    column.replace("micros", "pence")
}

fn sources(config: &Config) -> BTreeSet<&str> {
    config.sources.iter().map(|s| s.name.as_str()).collect()
}

fn check_trunks(rows: &CsvTable, config: &Config, errors: &mut Vec<Error>) {
    rows.needs(&["source", "trunk", "kind"], errors);
    rows.known("source", &sources(config), "a source of the configuration", errors);
    rows.known("kind", &BTreeSet::from(TRUNK_KINDS), "a kind of trunk", errors);
    // A line to nowhere would leave its calls unmatched and counted twice.
    rows.known_or_blank("peer_source", &sources(config), "a source of the configuration", errors);
    rows.number("circuits", errors);
    rows.filled("trunk", errors);
    rows.unique(&["source", "trunk"], errors);
}

/// A decision counts only whole: what, by whom, when and why. It may be about a line that is no longer in the register.
fn check_decisions(rows: &CsvTable, config: &Config, errors: &mut Vec<Error>) {
    rows.needs(&["source", "extension", "action", "decided_by", "decided_on", "reason"], errors);
    rows.known("source", &sources(config), "a source of the configuration", errors);
    rows.known("action", &BTreeSet::from(ACTIONS), "an action", errors);
    ["extension", "decided_by", "decided_on", "reason"].iter().for_each(|column| rows.filled(column, errors));
    rows.date("decided_on", errors);
    rows.unique(&["source", "extension", "decided_on"], errors);
}

/// An extension that no pattern of its source takes would look idle whatever it does.
fn seen_in_calls(rows: &CsvTable, config: &Config, errors: &mut Vec<Error>) {
    for row in &rows.rows {
        let (source, extension) = (rows.text(row, "source"), rows.text(row, "extension"));
        let Some(source) = config.sources.iter().find(|s| s.name == source) else { continue };
        if !extension.is_empty() && !source.is_extension(extension) {
            let what = format!(
                "no pattern in `extensions` or `ddi` of {} takes {extension}: its calls would not count",
                source.name
            );
            errors.push(rows.wrong(row, "extension", what));
        }
    }
}

/// A handset may carry several lines; it cannot stand at two sites.
fn one_place_a_device(rows: &CsvTable, errors: &mut Vec<Error>) {
    let mut places: HashMap<(&str, &str), (&str, u64)> = HashMap::new();
    for row in &rows.rows {
        let (device, site) = (rows.text(row, "device_name"), rows.text(row, "site"));
        if device.is_empty() || site.is_empty() {
            continue;
        }
        let (there, line) = *places.entry((rows.text(row, "source"), device)).or_insert((site, row.line));
        if there != site {
            errors.push(rows.wrong(
                row,
                "site",
                format!("device {device} is at {site} here and at {there} in line {line}"),
            ));
        }
    }
}

/// The trunk list of every source, for the direction of a call.
///
/// # Errors
/// The first thing wrong in the list: legs are written once, and a wrong direction would stay.
pub fn trunks(config: &Config) -> Result<HashMap<String, Trunks>> {
    let mut by_source: HashMap<String, Trunks> = HashMap::new();
    let Some(path) = &config.estate.trunks else { return Ok(by_source) };
    let rows = read_table(config, path, Table::Trunks)?;
    let mut errors = Vec::new();
    check_trunks(&rows, config, &mut errors);
    if let Some(error) = errors.into_iter().next() {
        return Err(error);
    }
    for row in &rows.rows {
        let kind = match rows.text(row, "kind") {
            "voicemail" => TrunkKind::Voicemail,
            "recorder" => TrunkKind::Recorder,
            "tie_line" | "third_party" => TrunkKind::Private,
            _ => TrunkKind::Public,
        };
        let (source, trunk) = (rows.text(row, "source").to_string(), rows.text(row, "trunk").to_string());
        by_source.entry(source).or_default().insert(trunk, kind);
    }
    Ok(by_source)
}

/// What the register names that is ours wherever it stands in a record: direct lines; and handsets, logins and groups, as they
/// stand there.
///
/// # Errors
/// The register cannot be read.
pub fn registered(config: &Config) -> Result<(HashSet<String>, HashSet<String>)> {
    let (mut lines, mut names) = (HashSet::new(), HashSet::new());
    let Some(path) = &config.estate.extensions else { return Ok((lines, names)) };
    let register = read_table(config, path, Table::Extensions)?;
    for row in &register.rows {
        let cell = |column| Some(register.text(row, column).to_string()).filter(|cell| !cell.is_empty());
        lines.extend(cell("ddi"));
        names.extend(["device_name", "user_id"].into_iter().filter_map(cell));
        names.extend(groups(register.text(row, "hunt_groups")).map(String::from));
    }
    Ok((lines, names))
}

/// The groups that a cell of `hunt_groups` names.
pub fn groups(cell: &str) -> impl Iterator<Item = &str> {
    cell.split([',', ';', '|']).map(str::trim).filter(|group| !group.is_empty())
}

/// UK numbers that the price list names in full, in E.164: it knows them whatever a record keeps of them.
///
/// # Errors
/// The price list cannot be read.
pub fn priced_numbers(config: &Config) -> Result<HashSet<String>> {
    let Some(path) = &config.estate.tariffs else { return Ok(HashSet::new()) };
    let rows = read_table(config, path, Table::Tariffs)?;
    let numbers = rows.rows.iter().map(|row| format!("+{}", rows.text(row, "prefix")));
    Ok(numbers.filter(|number| number.starts_with("+44") && classify(number) != Class::Unknown).collect())
}

/// Sources that a line joins, as the trunk list has them.
///
/// # Errors
/// The trunk list cannot be read.
pub fn joined(config: &Config) -> Result<Vec<(String, String)>> {
    let Some(path) = &config.estate.trunks else { return Ok(Vec::new()) };
    let rows = read_table(config, path, Table::Trunks)?;
    let pairs = rows.rows.iter().map(|row| (rows.text(row, "source"), rows.text(row, "peer_source")));
    Ok(pairs.filter(|(_, peer)| !peer.is_empty()).map(|(source, peer)| (source.into(), peer.into())).collect())
}

fn batch(table: Table, rows: &CsvTable, as_of: NaiveDate) -> RecordBatch {
    use arrow::datatypes::DataType;
    let schema = table.schema();
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        if field.name() == "as_of" {
            return Arc::new(Date32Array::from_value(days(as_of), rows.rows.len()));
        }
        let column = in_file(field.name());
        let cells = rows.rows.iter().map(|row| Some(rows.text(row, &column)).filter(|text| !text.is_empty()));
        match field.data_type() {
            // A date that must be there was checked to be.
            DataType::Date32 => Arc::new(cells.map(|c| c.and_then(table::day).map(days)).collect::<Date32Array>()),
            DataType::Boolean => Arc::new(
                cells.map(|c| Some(c.is_some_and(|c| table::truth(c) == Some(true)))).collect::<BooleanArray>(),
            ),
            DataType::Int64 if column != *field.name() => {
                Arc::new(cells.map(|c| c.and_then(prices::micros)).collect::<Int64Array>())
            }
            DataType::Int64 => Arc::new(cells.map(|c| c.and_then(|c| c.parse().ok())).collect::<Int64Array>()),
            _ if field.is_nullable() => Arc::new(cells.collect::<StringArray>()),
            _ => Arc::new(cells.map(|c| Some(c.unwrap_or(""))).collect::<StringArray>()),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).expect("the columns are made from the schema")
}

#[cfg(test)]
mod tests;
