//! The tables of the lake: name, columns, key of their order. Data only; `mod.rs` reads and writes them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::leg::in_utc;

/// A table of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    Legs,
    Quality,
    Rejects,
    Usage,
    Traffic,
    Inputs,
    Extensions,
    Sites,
    Trunks,
    CostCentres,
    Decisions,
    Tariffs,
    FixedCharges,
    Removals,
    Runs,
}

/// Written batch by batch; `Inputs` last, for it is what makes the batch count.
pub const BATCH_TABLES: [Table; 6] =
    [Table::Legs, Table::Quality, Table::Rejects, Table::Usage, Table::Traffic, Table::Inputs];
/// Kept by date of load.
pub const ESTATE_TABLES: [Table; 7] = [
    Table::Extensions,
    Table::Sites,
    Table::Trunks,
    Table::CostCentres,
    Table::Decisions,
    Table::Tariffs,
    Table::FixedCharges,
];
/// Every table.
pub const TABLES: [Table; 15] = [
    Table::Legs,
    Table::Quality,
    Table::Rejects,
    Table::Usage,
    Table::Traffic,
    Table::Inputs,
    Table::Extensions,
    Table::Sites,
    Table::Trunks,
    Table::CostCentres,
    Table::Decisions,
    Table::Tariffs,
    Table::FixedCharges,
    Table::Removals,
    Table::Runs,
];

impl Table {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Legs => "legs",
            Self::Quality => "quality",
            Self::Rejects => "rejects",
            Self::Usage => "usage",
            Self::Traffic => "traffic",
            Self::Inputs => "inputs",
            Self::Extensions => "extensions",
            Self::Sites => "sites",
            Self::Trunks => "trunks",
            Self::CostCentres => "cost_centres",
            Self::Decisions => "decisions",
            Self::Tariffs => "tariffs",
            Self::FixedCharges => "fixed_charges",
            Self::Removals => "removals",
            Self::Runs => "runs",
        }
    }

    pub fn schema(self) -> SchemaRef {
        match self {
            Self::Legs => crate::leg::schema(),
            Self::Quality => crate::quality::schema(),
            Self::Usage => crate::usage::schema(),
            Self::Traffic => crate::traffic::schema(),
            Self::Rejects => columns(REJECTS),
            Self::Inputs => columns(INPUTS),
            Self::Extensions => columns(EXTENSIONS),
            Self::Sites => columns(SITES),
            Self::Trunks => columns(TRUNKS),
            Self::CostCentres => columns(COST_CENTRES),
            Self::Decisions => columns(DECISIONS),
            Self::Tariffs => columns(TARIFFS),
            Self::FixedCharges => columns(FIXED_CHARGES),
            Self::Removals => columns(REMOVALS),
            Self::Runs => columns(RUNS),
        }
    }
}

type Columns = &'static [(&'static str, DataType, bool)];

const INSTANT: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

const REJECTS: Columns = &[
    ("input_id", DataType::Int64, false),
    ("record_no", DataType::Int64, false),
    ("reason", DataType::Utf8, false),
    ("detail", DataType::Utf8, false),
    // The line itself, its first 512 bytes as text.
    ("raw", DataType::Utf8, false),
];

const INPUTS: Columns = &[
    ("input_id", DataType::Int64, false),
    ("content_hash", DataType::Utf8, false),
    ("name", DataType::Utf8, false),
    ("size_bytes", DataType::Int64, false),
    ("source", DataType::Utf8, false),
    ("format", DataType::Utf8, false),
    ("options", DataType::Utf8, false),
    ("read", DataType::Int64, false),
    ("kept", DataType::Int64, false),
    ("repeated", DataType::Int64, false),
    ("skipped", DataType::Int64, false),
    ("rejected", DataType::Int64, false),
    ("first_started_at", INSTANT, true),
    ("last_started_at", INSTANT, true),
    // What the file's name tells: the node that wrote it, its kind, its number among the node's, its moment.
    ("node", DataType::Utf8, true),
    ("family", DataType::Utf8, true),
    ("sequence", DataType::Int64, true),
    ("named_at", INSTANT, true),
    ("named_day", DataType::Date32, true),
    // The farthest that the end of a record lies before the end of the one above it.
    ("clock_back_s", DataType::Int64, true),
    // Whether any of its legs named a handset, a login.
    ("names_devices", DataType::Boolean, false),
    ("names_users", DataType::Boolean, false),
    ("batch", DataType::Int64, false),
    ("ingested_at", INSTANT, false),
];

const EXTENSIONS: Columns = &[
    ("as_of", DataType::Date32, false),
    ("source", DataType::Utf8, false),
    ("extension", DataType::Utf8, false),
    ("ddi", DataType::Utf8, true),
    ("device_name", DataType::Utf8, true),
    ("device_model", DataType::Utf8, true),
    ("device_kind", DataType::Utf8, true),
    ("use", DataType::Utf8, false),
    ("site", DataType::Utf8, true),
    ("location", DataType::Utf8, true),
    ("cost_centre", DataType::Utf8, true),
    ("owner", DataType::Utf8, true),
    ("user_id", DataType::Utf8, true),
    ("installed_on", DataType::Date32, true),
    ("hunt_groups", DataType::Utf8, true),
    ("protected", DataType::Boolean, false),
    ("protected_reason", DataType::Utf8, true),
    ("notes", DataType::Utf8, true),
];

const SITES: Columns = &[
    ("as_of", DataType::Date32, false),
    ("site", DataType::Utf8, false),
    ("name", DataType::Utf8, true),
    ("area_code", DataType::Utf8, true),
];

const TRUNKS: Columns = &[
    ("as_of", DataType::Date32, false),
    ("source", DataType::Utf8, false),
    ("trunk", DataType::Utf8, false),
    ("carrier", DataType::Utf8, true),
    ("kind", DataType::Utf8, false),
    ("party", DataType::Utf8, true),
    ("circuits", DataType::Int64, true),
    ("peer_source", DataType::Utf8, true),
];

const COST_CENTRES: Columns = &[
    ("as_of", DataType::Date32, false),
    ("cost_centre", DataType::Utf8, false),
    ("name", DataType::Utf8, true),
    ("directorate", DataType::Utf8, true),
];

const DECISIONS: Columns = &[
    ("as_of", DataType::Date32, false),
    ("source", DataType::Utf8, false),
    ("extension", DataType::Utf8, false),
    ("action", DataType::Utf8, false),
    ("decided_by", DataType::Utf8, false),
    ("decided_on", DataType::Date32, false),
    ("reason", DataType::Utf8, false),
];

// Blank cells stay null: what they mean is in the views `tariffs_in_force` and `fixed_charges_in_force`.
const TARIFFS: Columns = &[
    ("as_of", DataType::Date32, false),
    ("tariff", DataType::Utf8, false),
    ("source", DataType::Utf8, true),
    ("carrier", DataType::Utf8, true),
    ("number_class", DataType::Utf8, true),
    ("prefix", DataType::Utf8, true),
    ("band", DataType::Utf8, true),
    ("connection_micros", DataType::Int64, true),
    ("rate_micros_per_minute", DataType::Int64, false),
    ("first_increment_s", DataType::Int64, false),
    ("increment_s", DataType::Int64, false),
    ("minimum_micros", DataType::Int64, true),
    ("cap_micros", DataType::Int64, true),
    ("cap_minutes", DataType::Int64, true),
    ("rounding", DataType::Utf8, true),
    ("round_to_micros", DataType::Int64, true),
    ("vat", DataType::Utf8, false),
    ("effective_from", DataType::Date32, false),
    ("effective_to", DataType::Date32, true),
    ("price_source", DataType::Utf8, false),
];

const FIXED_CHARGES: Columns = &[
    ("as_of", DataType::Date32, false),
    ("charge", DataType::Utf8, false),
    ("source", DataType::Utf8, true),
    ("platform", DataType::Utf8, true),
    ("device_kind", DataType::Utf8, true),
    ("use", DataType::Utf8, true),
    ("micros_per_month", DataType::Int64, false),
    ("vat", DataType::Utf8, false),
    ("effective_from", DataType::Date32, false),
    ("effective_to", DataType::Date32, true),
    ("price_source", DataType::Utf8, false),
];

const REMOVALS: Columns = &[
    ("removed_at", INSTANT, false),
    ("before_day", DataType::Date32, false),
    ("input_id", DataType::Int64, false),
    ("table_name", DataType::Utf8, false),
    ("rows", DataType::Int64, false),
];

// A row when a nightly run begins, and one when it ends. What only its end can tell is null in the first.
const RUNS: Columns = &[
    ("run_id", DataType::Utf8, false),
    ("started_at", INSTANT, false),
    ("ended_at", INSTANT, true),
    ("exit_code", DataType::Int64, true),
    ("needs", DataType::Int64, true),
    ("summary", DataType::Utf8, true),
    ("late", DataType::Utf8, true),
    ("inputs_new", DataType::Int64, true),
    ("inputs_repeated", DataType::Int64, true),
    ("inputs_failed", DataType::Int64, true),
    ("read", DataType::Int64, true),
    ("kept", DataType::Int64, true),
    ("repeated", DataType::Int64, true),
    ("skipped", DataType::Int64, true),
    ("rejected", DataType::Int64, true),
    ("waited_ms", DataType::Int64, true),
    ("ingest_ms", DataType::Int64, true),
    ("register_ms", DataType::Int64, true),
    ("answers_ms", DataType::Int64, true),
    ("outputs_ms", DataType::Int64, true),
    ("lake_version", DataType::Int64, true),
    ("batch", DataType::Int64, true),
    ("onhook", DataType::Utf8, false),
];

fn columns(columns: Columns) -> SchemaRef {
    Arc::new(Schema::new(
        columns.iter().map(|(name, kind, null)| Field::new(*name, in_utc(kind), *null)).collect::<Vec<_>>(),
    ))
}
