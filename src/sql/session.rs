//! A DataFusion session over the lake's Parquet files: which tables there are and where their files lie.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::datasource::{MemTable, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::{SessionConfig, SessionContext};
use url::Url;

use super::groups::FewGroups;
use super::inline::InlineTexts;
use super::{Answer, tables};
use crate::config::{Config, Evidence};
use crate::error::{Error, Result};
use crate::lake::{Lake, Table};
use crate::read::reader;

/// The database that all tables are in, as who asks the catalogue sees it.
pub const CATALOG: &str = "onhook";

/// A session without a table. Memory and cached footers are those of `runtime`, which sessions may share.
pub fn bare(runtime: &Arc<RuntimeEnv>) -> SessionContext {
    // Twice the rows of the default in a batch: a twentieth less time over all questions.
    let session = SessionConfig::new().with_information_schema(true).with_batch_size(16 * 1024);
    let session = session.with_default_catalog_and_schema(CATALOG, "public");
    let state = SessionStateBuilder::new().with_config(session).with_default_features();
    let state = state.with_runtime_env(runtime.clone());
    let state =
        state.with_physical_optimizer_rule(Arc::new(InlineTexts)).with_physical_optimizer_rule(Arc::new(FewGroups));
    SessionContext::new_with_state(state.build())
}

/// Registers all tables up to the last finished batch, no views yet; gives that, and the data files that views are read from, by
/// table and name, with their sizes. `seen` says how the session sees their columns.
pub fn register(
    context: &SessionContext,
    lake: &Lake,
    config: &Config,
    policy: &RecordBatch,
    seen: fn(&SchemaRef) -> SchemaRef,
) -> Result<(i64, Vec<(String, u64)>)> {
    if let Some((root, store)) = lake.shelf() {
        context.register_object_store(&root, store);
    }
    let (batch, tables) = lake.whole()?;
    let mut files_read = Vec::new();
    for files in tables {
        let table = files.table;
        read(context, table.name(), seen(&files.schema), &files.urls)?;
        // No view stands on how the runs went, and every one of them adds to it.
        if table != Table::Runs {
            let names = files.paths.iter().filter_map(|path| path.file_name());
            let names = names.map(|name| format!("{}/{}", table.name(), name.to_string_lossy()));
            files_read.extend(names.zip(files.bytes));
        }
    }
    put(context, "policy", policy.clone().into())?;
    put(context, "sources", sources(config).into())?;
    put(context, "protection_words", tables::protection_words().into())?;
    put(context, "billing", tables::billing(&config.billing).into())?;
    put(context, "bank_holidays", tables::bank_holidays().into())?;
    for table in [tables::ERLANG_B, tables::ERLANG_C] {
        context.register_table(table.name, Arc::new(table)).map_err(|e| wrong(table.name, &e))?;
    }
    Ok((batch, files_read))
}

/// The one row of `settings`.
pub fn settings(context: &SessionContext, evidence: &Evidence, as_of: NaiveDate) -> Result<()> {
    let number = |n: u16| Arc::new(Int32Array::from_value(i32::from(n), 1)) as ArrayRef;
    let seconds = |n: u32| Arc::new(Int64Array::from_value(i64::from(n), 1)) as ArrayRef;
    let columns: [(&str, ArrayRef); 10] = [
        ("as_of", Arc::new(Date32Array::from_value(crate::normalise::days(as_of), 1))),
        ("window_days", number(evidence.window_days)),
        ("min_covered_days", number(evidence.min_covered_days)),
        ("low_use_per_week", Arc::new(Float64Array::from_value(evidence.low_use_per_week, 1))),
        ("min_cease_days", number(evidence.min_cease_days)),
        ("blind_after_legs", seconds(evidence.blind_after_legs)),
        ("max_rejected_percent", Arc::new(Float64Array::from_value(evidence.max_rejected_percent, 1))),
        ("max_unattributed_percent", Arc::new(Float64Array::from_value(evidence.max_unattributed_percent, 1))),
        ("tie_line_skew_s", seconds(evidence.tie_line_skew_s)),
        ("tie_line_tolerance_s", seconds(evidence.tie_line_tolerance_s)),
    ];
    let settings = RecordBatch::try_from_iter(columns).map_err(|e| wrong("settings", &e.into()))?;
    put(context, "settings", settings.into())?;
    put(context, "calendar", tables::calendar(as_of, evidence.window_days).into())
}

/// The table `sources`.
pub fn sources(config: &Config) -> RecordBatch {
    let mut fields = ["source", "platform", "timezone"].map(|name| Field::new(name, DataType::Utf8, false)).to_vec();
    fields.push(Field::new("shows_silence", DataType::Boolean, false));
    fields.push(Field::new("refetch_days", DataType::Int32, true));
    fields.push(Field::new("carrier", DataType::Utf8, false));
    let text = |of: fn(&crate::config::Source) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(config.sources.iter().map(of)))
    };
    let shows_silence =
        config.sources.iter().map(|s| !s.chargeable_only && reader(&s.format).is_none_or(|r| r.shows_silence()));
    let shows_silence: BooleanArray = shows_silence.map(Some).collect();
    let refetch_days = config.sources.iter().map(|s| reader(&s.format)?.kept_days().map(i32::from));
    let refetch_days: Int32Array = refetch_days.collect();
    let columns = vec![
        text(|s| &s.name),
        text(|s| &s.format),
        text(|s| &s.timezone),
        Arc::new(shows_silence),
        Arc::new(refetch_days),
        text(|s| &s.carrier),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("the columns are those of the fields")
}

/// Rows in memory as a table, in the place of one of that name.
pub fn put(context: &SessionContext, name: &str, rows: Answer) -> Result<()> {
    let table = MemTable::try_new(rows.schema, vec![rows.batches]).map_err(|e| wrong(name, &e))?;
    context.deregister_table(name).map_err(|e| wrong(name, &e))?;
    context.register_table(name, Arc::new(table)).map_err(|e| wrong(name, &e))?;
    Ok(())
}

/// Parquet files as a table. The files themselves, not Delta's scan: so that every engine reads them alike.
pub fn read(context: &SessionContext, name: &str, schema: SchemaRef, files: &[Url]) -> Result<()> {
    let table = listing(context, schema, files).map_err(|e| wrong(name, &e))?;
    context.register_table(name, table).map_err(|e| wrong(name, &e))?;
    Ok(())
}

fn listing(
    context: &SessionContext,
    schema: SchemaRef,
    files: &[Url],
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    if files.is_empty() {
        return Ok(Arc::new(MemTable::try_new(schema, vec![vec![]])?));
    }
    let urls = files.iter().map(|url| ListingTableUrl::parse(url.as_str())).collect::<Result<Vec<_>, _>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()));
    let options = options.with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options);
    // A session lasts for many questions: what a footer says is worked out for the first.
    let kept = context.runtime_env().cache_manager.get_file_statistic_cache();
    Ok(Arc::new(ListingTable::try_new(config.with_schema(schema))?.with_cache(kept)))
}

fn wrong(table: &str, error: &DataFusionError) -> Error {
    Error::Lake {
        place: table.to_string(),
        what: super::one_line(error),
        hint: "a data file may be missing or damaged: restore it from a backup of the lake".into(),
    }
}
