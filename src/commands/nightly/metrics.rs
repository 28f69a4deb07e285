//! The figures of a run for Prometheus, as a file that node_exporter's textfile collector reads. Gauges only: each run writes
//! the file anew, at one stroke. Holds no number and no name but those of sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::super::{answer, check};
use super::late::{Late, last_records};
use super::outputs;
use crate::config::{Config, Source};
use crate::error::{Error, Result};
use crate::lake::{Lake, Run};
use crate::sql::{Args, Engine, report};

const LAST_GOOD: &str = "onhook_last_success_timestamp_seconds";

/// What the lake shows at the end of a run.
#[derive(Debug, Default)]
pub struct Figures {
    /// By source and outcome.
    records: BTreeMap<(String, &'static str), f64>,
    /// By source: seconds since 1970.
    last_record: Vec<(String, f64)>,
    /// By source, where it says what it expects: whether it is late.
    late: Vec<(String, bool)>,
    /// By source: the part of the window's days that is covered.
    coverage: Vec<(String, f64)>,
    coverage_needed: f64,
    by_verdict: BTreeMap<String, i64>,
}

impl Figures {
    pub fn gather(config: &Config, engine: &Engine<'_>, now: DateTime<Utc>, late: &[Late]) -> Result<Self> {
        let health = report("ingest-health")?;
        let place = |name: &str| health.columns.iter().position(|column| column.name == name).unwrap_or_default();
        let mut records = BTreeMap::new();
        for row in answer::text(&engine.run(health, &Args::new())?)? {
            // A source that changed its format has a row for each.
            for outcome in ["kept", "repeated", "skipped", "rejected"] {
                let count = row[place(outcome)].parse::<f64>().unwrap_or(f64::NAN);
                *records.entry((row[place("source")].clone(), outcome)).or_default() += count;
            }
        }
        let last = last_records(config, engine, now)?;
        let of_source = |source: &Source| {
            let moment = last.get(&source.name)?.moment(source)?;
            Some((source.name.clone(), moment.timestamp() as f64))
        };
        let days = f64::from(config.evidence.window_days);
        let expecting = config.sources.iter().filter(|source| source.expect.is_some());
        Ok(Self {
            records,
            last_record: config.sources.iter().filter_map(of_source).collect(),
            late: expecting.map(|s| (s.name.clone(), late.iter().any(|late| late.source == s.name))).collect(),
            coverage: check::covered_days(engine)?.into_iter().map(|(s, covered)| (s, covered as f64 / days)).collect(),
            coverage_needed: f64::from(config.evidence.min_covered_days) / days,
            by_verdict: outputs::count(engine, "verdict")?,
        })
    }
}

/// Writes the file.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, run: &Run, figures: Option<&Figures>, lake: Option<&Lake>) -> Result<()> {
    let last_good = match (run.exit_code, lake) {
        (Some(0), _) => run.ended_at.map(seconds),
        // What cannot be told counts as never: that is what the alert is for.
        (_, Some(lake)) => lake.last_good_run().ok().flatten().map(seconds),
        // No lake was come by, for want of a configuration perhaps: the file knows of the night before.
        (_, None) => std::fs::read_to_string(path).ok().and_then(|page| known(&page, LAST_GOOD)),
    };
    let text = text(run, figures, last_good).map_err(|e| Error::Render { what: format!("metrics: {e}") })?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    super::write(&draft, text.as_bytes())?;
    readable(&draft)?;
    std::fs::rename(&draft, path).map_err(Error::io(path))
}

/// The exporter runs as another user, whatever may be seen of files by default.
#[cfg(unix)]
fn readable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).map_err(Error::io(path))
}

#[cfg(not(unix))]
fn readable(_: &Path) -> Result<()> {
    Ok(())
}

type Labels = Vec<(&'static str, String)>;

/// A page of gauges.
#[derive(Default)]
struct Page(Registry);

impl Page {
    fn one(&mut self, name: &str, help: &str, value: f64) {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(value);
        self.0.register(name, help, gauge);
    }

    fn many(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).set(value);
        }
        self.0.register(name, help, family);
    }
}

fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}

/// A figure without labels, as an earlier run wrote it.
fn known(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// In Prometheus' text format: what OpenMetrics makes of gauges without units is that, but for the line at its end.
fn text(run: &Run, figures: Option<&Figures>, last_good: Option<f64>) -> Result<String, std::fmt::Error> {
    let ended = run.ended_at.unwrap_or(run.started_at);
    let of_source = |source: &String| vec![("source", source.clone())];
    let mut page = Page::default();
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_string())];
    page.many("onhook_build_info", "Version of onhook", [(version, 1.0)]);
    page.one("onhook_run_start_timestamp_seconds", "When the last run began", seconds(run.started_at));
    page.one("onhook_run_end_timestamp_seconds", "When the last run ended", seconds(ended));
    let took = (ended - run.started_at).num_milliseconds() as f64 / 1000.0;
    page.one("onhook_run_duration_seconds", "How long the last run took", took);
    page.one(
        "onhook_run_exit_code",
        "Exit code: 0 good, 1 needs a person, 2 not finished",
        run.exit_code.unwrap_or(2).into(),
    );
    page.one("onhook_run_needs", "Things that need a person", run.needs.unwrap_or_default() as f64);
    page.one(LAST_GOOD, "When a run last ended with exit code 0, or 0", last_good.unwrap_or_default());
    let steps = [
        ("wait", run.waited_ms),
        ("ingest", run.ingest_ms),
        ("register", run.register_ms),
        ("answers", run.answers_ms),
        ("outputs", run.outputs_ms),
    ];
    let steps =
        steps.into_iter().filter_map(|(step, ms)| Some((vec![("step", step.to_string())], ms? as f64 / 1000.0)));
    page.many("onhook_run_step_duration_seconds", "How long the steps of the last run took", steps);
    let inputs = run.inputs.into_iter().flat_map(|inputs| ["new", "repeated", "failed"].into_iter().zip(inputs));
    let inputs = inputs.map(|(outcome, files)| (vec![("outcome", outcome.to_string())], files as f64));
    page.many("onhook_run_inputs", "Files that the last run looked at, by what became of them", inputs);
    let records = run.records.into_iter().flat_map(|of| {
        [("kept", of.kept), ("repeated", of.repeated), ("skipped", of.skipped), ("rejected", of.rejected)]
    });
    let records = records.map(|(outcome, records)| (vec![("outcome", outcome.to_string())], records as f64));
    page.many("onhook_run_records", "Records that the last run read, by what became of them", records);
    if let Some(version) = run.lake_version {
        page.one("onhook_lake_version", "Version of the lake", version as f64);
    }
    if let Some(figures) = figures {
        let records = figures.records.iter().map(|((source, outcome), records)| {
            (vec![("source", source.clone()), ("outcome", (*outcome).to_string())], *records)
        });
        page.many("onhook_records", "Records ever read, by what became of them", records);
        let last = figures.last_record.iter().map(|(source, at)| (of_source(source), *at));
        page.many("onhook_source_last_record_timestamp_seconds", "Quarter-hour of the last record", last);
        let lag =
            figures.last_record.iter().map(|(source, at)| (of_source(source), (seconds(ended) - at).max(0.0).round()));
        page.many("onhook_source_lag_seconds", "Age of the last record when the run ended", lag);
        let late = figures.late.iter().map(|(source, late)| (of_source(source), f64::from(u8::from(*late))));
        page.many("onhook_source_late", "Whether records that are expected were not there", late);
        let coverage = figures.coverage.iter().map(|(source, part)| (of_source(source), *part));
        page.many("onhook_source_coverage_ratio", "Covered days of the window", coverage);
        page.one("onhook_coverage_needed_ratio", "Covered days that prove anything", figures.coverage_needed);
        let verdicts = figures.by_verdict.iter().map(|(verdict, n)| (vec![("verdict", verdict.clone())], *n as f64));
        page.many("onhook_extensions", "Registered extensions by verdict", verdicts);
    }
    let mut text = String::new();
    encode_registry(&mut text, &page.0)?;
    Ok(text)
}
