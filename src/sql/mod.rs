//! SQL over the lake: its tables, the views and reports of `queries/`, parameters bound and never spliced. Read-only:
//! no statement that writes is planned. Knows no business rule; those are in the SQL.

mod catalogue;
mod cluster;
mod groups;
mod header;
mod inline;
mod names;
mod pieces;
mod said;
mod sendable;
mod session;
mod standing;
mod stop;
mod tables;
mod texts;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, SchemaRef};
use chrono::NaiveDate;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SessionContext};
use tokio::sync::watch;
use url::Url;

pub use catalogue::{REPORTS, VIEWS, report};
pub use cluster::Cluster;
use cluster::Where;
pub use header::{Column, Kind, Param, Query};
pub use names::{Named, NamedKind};
pub use said::one_line;
pub use session::{CATALOG, bare};
use standing::{STANDING, STANDING_REPORTS, Standing};
use stop::Stop;

use crate::config::{Config, Evidence};
use crate::error::{Error, Result};
use crate::lake::Lake;

/// Rows that go along with a plan to a cluster: with more than so many bytes a view is left to be worked out there.
const CARRIED: usize = 1 << 20;

/// Parameters as given, by name.
pub type Args = BTreeMap<String, String>;

/// A session over one state of the lake.
pub struct Engine<'a> {
    lake: &'a Lake,
    config: &'a Config,
    policy: &'a RecordBatch,
    /// Where questions are worked out; in this process where there is none.
    cluster: Option<&'a Cluster>,
    context: SessionContext,
    runtime: Arc<RuntimeEnv>,
    batch: i64,
    evidence: Evidence,
    as_of: Option<NaiveDate>,
    standing: Standing,
    /// Whether a report may be asked of as a view.
    reports_too: Cell<bool>,
    stop: RefCell<Option<Arc<Stop>>>,
}

/// Rows with their schema, even where there are none.
#[derive(Clone, Debug)]
pub struct Answer {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

impl From<RecordBatch> for Answer {
    fn from(rows: RecordBatch) -> Self {
        Self { schema: rows.schema(), batches: vec![rows] }
    }
}

impl Answer {
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    fn bytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }
}

impl<'a> Engine<'a> {
    /// Opens a session with all tables and views. `policy` has the columns use, verdict, action.
    pub fn open(lake: &'a Lake, config: &'a Config, policy: &'a RecordBatch) -> Result<Self> {
        Self::open_in(lake, config, policy, &Arc::default())
    }

    /// The same within the memory of a runtime, which several sessions may share.
    pub fn open_in(
        lake: &'a Lake,
        config: &'a Config,
        policy: &'a RecordBatch,
        runtime: &Arc<RuntimeEnv>,
    ) -> Result<Self> {
        Self::with_evidence(lake, config, policy, None, config.evidence, runtime)
    }

    /// The same with a cluster to work the answers out.
    ///
    /// # Errors
    /// It is not there, or cannot have the lake.
    pub fn open_on(cluster: &'a Cluster, lake: &'a Lake, config: &'a Config, policy: &'a RecordBatch) -> Result<Self> {
        if lake.is_in_a_store() {
            return Err(cluster.without_keys());
        }
        lake.runtime().block_on(cluster.check(&cluster.session()))?;
        Self::with_evidence(lake, config, policy, Some(cluster), config.evidence, &Arc::default())
    }

    /// Views are planned once, so other settings are another session.
    fn with_evidence(
        lake: &'a Lake,
        config: &'a Config,
        policy: &'a RecordBatch,
        cluster: Option<&'a Cluster>,
        evidence: Evidence,
        runtime: &Arc<RuntimeEnv>,
    ) -> Result<Self> {
        let (context, seen): (_, fn(&SchemaRef) -> SchemaRef) = match cluster {
            Some(cluster) => (cluster.session(), SchemaRef::clone),
            None => (session::bare(runtime), texts::seen),
        };
        let (batch, files) = session::register(&context, lake, config, policy, seen)?;
        let as_of = match evidence.as_of {
            Some(day) => Some(day),
            None => last_day(lake, &context)?,
        };
        let evidence = Evidence { as_of, ..evidence };
        let day = as_of.unwrap_or_default();
        session::settings(&context, &evidence, day)?;
        let tables = [
            policy,
            &session::sources(config),
            &tables::protection_words(),
            &tables::calendar(day, evidence.window_days),
        ];
        let standing = Standing::of(lake.folder(), &files, &evidence, &tables)?;
        let (runtime, reports_too, stop) = (runtime.clone(), Cell::new(false), RefCell::new(None));
        Ok(Self {
            lake,
            config,
            policy,
            cluster,
            context,
            runtime,
            batch,
            evidence,
            as_of,
            standing,
            reports_too,
            stop,
        })
    }

    /// Works out the views that every report stands on, and keeps the answers beside the lake for whoever asks next. Only
    /// for who holds the lake for writing. The session given back asks of them.
    pub fn stand(self) -> Result<Self> {
        let mut engine = self;
        for name in STANDING {
            if !engine.standing.has(name) {
                engine.standing.keep(name, &engine.free(&format!("select * from {name}"))?)?;
                // The next one may stand on it.
                engine = engine.again(engine.evidence)?;
            }
        }
        engine.standing.tidy()?;
        Ok(engine)
    }

    /// The same of the reports that look at the whole window call by call.
    pub fn stand_reports(&self) -> Result<()> {
        for name in STANDING_REPORTS.iter().filter(|name| !self.standing.has(name)) {
            self.standing.keep(name, &self.run(report(name)?, &Args::new())?)?;
        }
        Ok(())
    }

    /// Another session over the same lake as it is now.
    fn again(&self, evidence: Evidence) -> Result<Self> {
        let other = Self::with_evidence(self.lake, self.config, self.policy, self.cluster, evidence, &self.runtime)?;
        Ok(Self { stop: self.stop.clone(), ..other })
    }

    /// Last day of the window: configured, or the last with records; in an empty lake the first of 1970.
    pub fn as_of(&self) -> NaiveDate {
        self.as_of.unwrap_or_default()
    }

    /// The same, but none in an empty lake without a configured day.
    pub fn known_as_of(&self) -> Option<NaiveDate> {
        self.as_of
    }

    /// Last batch of the lake that this session sees.
    pub fn batch(&self) -> i64 {
        self.batch
    }

    /// Runs a report or any query with a header. Settings it depends on may be among the arguments.
    ///
    /// # Errors
    /// An argument it has no parameter for, one that is missing or of the wrong type, or SQL that does not run.
    pub fn run(&self, query: &Query, args: &Args) -> Result<Answer> {
        let wrong = |what: String, hint: String| Error::Query { name: query.name.clone(), what, hint };
        let usual = self.evidence;
        let mut evidence = usual;
        for (name, value) in args {
            if query.settings.contains(name) {
                set(&mut evidence, name, value).ok_or_else(|| {
                    let hint = "as_of is a date like 2024-03-31; the other settings are numbers from 0";
                    wrong(format!("{name} = {value:?} will not do"), hint.into())
                })?;
            } else if !query.params.iter().any(|p| p.name == *name) {
                let known: Vec<&str> = query
                    .params
                    .iter()
                    .map(|p| p.name.as_str())
                    .chain(query.settings.iter().map(String::as_str))
                    .collect();
                let known =
                    if known.is_empty() { "it has none".into() } else { format!("it has: {}", known.join(", ")) };
                return Err(wrong(format!("no parameter {name:?}"), known));
            }
        }
        let is_ours = || REPORTS.iter().any(|report| report == query);
        if args.is_empty()
            && self.cluster.is_none()
            && is_ours()
            && let Some(kept) = self.standing.read(&query.name)
        {
            return Ok(kept);
        }
        let mut values = HashMap::new();
        for param in &query.params {
            let text = args.get(&param.name).or(param.default.as_ref()).ok_or_else(|| {
                wrong(
                    format!("parameter {:?} is missing", param.name),
                    format!("add -p {}=… ({})", param.name, param.kind.word()),
                )
            })?;
            let value = scalar(param.kind, text).ok_or_else(|| {
                wrong(
                    format!("parameter {} = {text:?} is no {}", param.name, param.kind.word()),
                    param.kind.form().into(),
                )
            })?;
            values.insert(param.name.clone(), value.into());
        }
        let params = Some(ParamValues::Map(values));
        match evidence == usual {
            true => self.sql(&query.name, &query.sql, params),
            false => {
                let other = self.again(evidence)?;
                other.sql(&query.name, &query.sql, params)
            }
        }
    }

    /// Runs free SQL.
    pub fn free(&self, sql: &str) -> Result<Answer> {
        self.sql("sql", sql, None)
    }

    /// Makes every report a view with its default parameters.
    pub fn reports_as_views(&self) {
        self.reports_too.set(true);
    }

    /// All that a statement may name: tables, then views, then reports.
    pub fn names(&self) -> Result<Vec<Named>> {
        let tables = self.lake.runtime().block_on(names::tables(&self.context)).map_err(|error| Error::Query {
            name: "names".into(),
            what: one_line(&error),
            hint: String::new(),
        })?;
        Ok(tables.into_iter().chain(names::queries()).collect())
    }

    /// Gives a question up as soon as the receiver says true, until it says false again.
    pub fn stop_when(&self, stop: watch::Receiver<bool>) {
        self.stop.replace(Some(Arc::new(Stop::new(stop))));
    }

    /// The session itself with every view and every report made, for who asks it many questions.
    ///
    /// # Errors
    /// A view that cannot be made, or a standing one that cannot be worked out.
    pub fn whole(self) -> Result<SessionContext> {
        self.reports_as_views();
        self.reach("show")?;
        Ok(self.context)
    }

    /// Makes the views that a text names, and those that these stand on. To plan all of them takes longer than most
    /// questions.
    fn reach(&self, sql: &str) -> Result<()> {
        let words = words(sql);
        let lists_all = ["information_schema", "show"].iter().any(|word| words.contains(*word));
        let is_named = |name: &str| lists_all || words.contains(name);
        self.reach_views(&is_named, VIEWS.len())?;
        if !self.reports_too.get() {
            return Ok(());
        }
        for report in REPORTS.iter() {
            let Some(name) = names::view_name(report) else { continue };
            if is_named(&name) && !self.is_made(&name)? {
                let words = self::words(&report.sql);
                self.reach_views(&|name| words.contains(name), VIEWS.len())?;
                self.view(report, &name)?;
            }
        }
        Ok(())
    }

    /// Of the first `count` views: each stands on those before it only, whatever names its columns have.
    fn reach_views(&self, is_named: &dyn Fn(&str) -> bool, count: usize) -> Result<()> {
        for (i, view) in VIEWS.iter().enumerate().take(count).filter(|(_, view)| is_named(&view.name)) {
            if self.is_made(&view.name)? {
                continue;
            }
            if let Some(kept) = self.standing.read(&view.name) {
                match (self.cluster, Url::from_file_path(self.standing.path(&view.name))) {
                    // Its executors read the file, as any of the lake's.
                    (Some(_), Ok(file)) => session::read(&self.context, &view.name, kept.schema, &[file])?,
                    _ => session::put(&self.context, &view.name, kept)?,
                }
                continue;
            }
            let words = words(&view.sql);
            self.reach_views(&|name| words.contains(name), i)?;
            // Others stand on it more than once, and a view is worked out wherever it is named.
            let stands = STANDING.contains(&view.name.as_str());
            let recurs = self.cluster.is_some() && words.contains("recursive");
            if recurs {
                // What it recurs over is asked of the cluster, the rest is done here.
                for below in VIEWS[..i].iter().filter(|below| words.contains(&below.name)) {
                    let rows = self.ask(&below.name, &format!("select * from {}", below.name), None)?;
                    session::put(&self.context, &below.name, rows)?;
                }
            }
            if !stands && !recurs {
                self.view(view, &view.name)?;
                continue;
            }
            let rows = self.ask(&view.name, &view.sql, None)?;
            match self.cluster.is_some() && !recurs && rows.bytes() > CARRIED {
                true => self.view(view, &view.name)?,
                false => session::put(&self.context, &view.name, rows)?,
            }
        }
        Ok(())
    }

    fn is_made(&self, name: &str) -> Result<bool> {
        self.context.table_exist(name).map_err(|error| Error::Query {
            name: name.to_string(),
            what: one_line(&error),
            hint: "this is a bug in onhook: please report it".into(),
        })
    }

    fn sql(&self, name: &str, sql: &str, params: Option<ParamValues>) -> Result<Answer> {
        self.reach(sql)?;
        self.ask(name, sql, params)
    }

    /// Runs what stands on nothing that is not there yet.
    fn ask(&self, name: &str, sql: &str, params: Option<ParamValues>) -> Result<Answer> {
        let wrong = |error: DataFusionError| Error::Query {
            name: name.to_string(),
            what: one_line(&error),
            hint: "`onhook query --list` shows the reports, `onhook sql -e 'show tables'` the tables".into(),
        };
        self.lake.runtime().block_on(async {
            let frame = self.context.sql_with_options(sql, read_only()).await.map_err(wrong)?;
            let frame = match params {
                Some(params) => frame.with_param_values(params).map_err(wrong)?,
                None => frame,
            };
            let frame = tuned(frame).map_err(wrong)?;
            let planned = Arc::new(frame.schema().as_arrow().clone());
            let stop = self.stop.borrow().clone();
            let mut answered = None;
            if let Some(cluster) = self.cluster
                && self.goes_out(name, frame.logical_plan()).map_err(wrong)?
            {
                let plan = frame.clone().create_physical_plan().await.map_err(wrong)?;
                let answer = cluster.run(&self.context, plan);
                let answer = match &stop {
                    None => Some(answer.await),
                    Some(stop) => stop.race(answer).await,
                };
                answered = answer.ok_or(Error::Interrupted)?.map_err(|error| cluster.lost(&error))?;
                if answered.is_none() {
                    stays_here(name, "its plan is too deep");
                }
            }
            let batches = match (answered, stop) {
                (Some(batches), _) => batches,
                (None, None) => frame.collect().await.map_err(wrong)?,
                (None, Some(stop)) => match stop.run(frame.collect()).await.map_err(|e| wrong(e.into()))? {
                    None => return Err(Error::Interrupted),
                    Some(done) => {
                        done.map_err(|e| wrong(DataFusionError::ExecutionJoin(Box::new(e))))?.map_err(wrong)?
                    }
                },
            };
            // The plan may promise a narrower decimal than its sums come out as: rows that are there have the last word.
            let schema = batches.first().map_or(planned, RecordBatch::schema);
            texts::plain(&schema, &batches).map_err(|error| wrong(error.into()))
        })
    }

    /// Whether a cluster works it out. Where none can, the person is told.
    fn goes_out(&self, name: &str, plan: &LogicalPlan) -> datafusion::error::Result<bool> {
        let place = Where::of(plan)?;
        if let Where::HereAs(why) = &place {
            stays_here(name, why);
        }
        Ok(place == Where::Cluster)
    }

    fn view(&self, query: &Query, name: &str) -> Result<()> {
        let wrong = |error: DataFusionError| Error::Query {
            name: query.name.clone(),
            what: one_line(&error),
            hint: "this is a bug in onhook: please report it".into(),
        };
        self.lake.runtime().block_on(async {
            let frame = self.context.sql_with_options(&query.sql, read_only()).await.map_err(wrong)?;
            let defaults = query.params.iter().filter_map(|p| {
                let value = scalar(p.kind, p.default.as_ref()?)?;
                Some((p.name.clone(), value.into()))
            });
            let defaults: HashMap<_, _> = defaults.collect();
            let frame = frame.with_param_values(ParamValues::Map(defaults)).map_err(wrong)?;
            self.context.register_table(name, frame.into_view()).map_err(wrong)?;
            Ok(())
        })
    }
}

/// A statement as it is best run.
///
/// # Errors
/// A plan that cannot be walked.
pub fn tuned(frame: DataFrame) -> datafusion::error::Result<DataFrame> {
    Ok(if lists(&frame)? { sifted(frame) } else { frame })
}

/// Says that no cluster can run a query; of the views that it stands on nobody asked.
fn stays_here(name: &str, why: &str) {
    if !VIEWS.iter().any(|view| view.name == name) {
        tracing::warn!("query {name}: {why}, which no cluster can run: worked out in this process");
    }
}

/// Whether a statement gives rows of one table as they are, and no sums of them.
fn lists(frame: &DataFrame) -> datafusion::error::Result<bool> {
    use LogicalPlan::{Aggregate, Distinct, Join, Window};
    Ok(!frame.logical_plan().exists(|step| Ok(matches!(step, Aggregate(_) | Distinct(_) | Join(_) | Window(_))))?)
}

/// Has the scan itself leave out rows: the few that are listed are found by few columns, and only they are read in all
/// others. A sum takes most rows, and looking at them twice costs more than it saves.
fn sifted(frame: DataFrame) -> DataFrame {
    let (mut state, plan) = frame.into_parts();
    state.config_mut().options_mut().execution.parquet.pushdown_filters = true;
    DataFrame::new(state, plan)
}

/// The last day with records up to now.
fn last_day(lake: &Lake, context: &SessionContext) -> Result<Option<NaiveDate>> {
    let wrong = |error: DataFusionError| Error::Query {
        name: "last day".into(),
        what: one_line(&error),
        hint: "a data file may be damaged: restore it from a backup of the lake".into(),
    };
    let sql = "select max(local_day) as day from traffic where legs > 0";
    let batches = lake.runtime().block_on(async { context.sql(sql).await?.collect().await }).map_err(wrong)?;
    let days = batches.first().map(|b| b.column(0).as_primitive::<Date32Type>().clone());
    Ok(days.filter(|d| d.is_valid(0)).and_then(|d| d.value_as_date(0)))
}

/// The names a statement may hold, comments left out; that a text in quotes holds one too does no harm.
fn words(sql: &str) -> HashSet<String> {
    let code = sql.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    let words = code.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect()
}

/// A setting of the evidence from its name and text.
fn set(evidence: &mut Evidence, name: &str, value: &str) -> Option<()> {
    match name {
        "as_of" => evidence.as_of = Some(value.parse().ok()?),
        "window_days" => evidence.window_days = value.parse().ok().filter(|days| *days > 0)?,
        "min_covered_days" => evidence.min_covered_days = value.parse().ok()?,
        "low_use_per_week" => {
            evidence.low_use_per_week = value.parse().ok().filter(|n: &f64| *n >= 0.0 && n.is_finite())?
        }
        "min_cease_days" => evidence.min_cease_days = value.parse().ok()?,
        "blind_after_legs" => evidence.blind_after_legs = value.parse().ok()?,
        "max_unattributed_percent" => {
            evidence.max_unattributed_percent = value.parse().ok().filter(|n| (0.0..=100.0).contains(n))?
        }
        "tie_line_skew_s" => evidence.tie_line_skew_s = value.parse().ok()?,
        "tie_line_tolerance_s" => evidence.tie_line_tolerance_s = value.parse().ok()?,
        _ => return None,
    }
    Some(())
}

/// Queries only: no DDL, no `COPY` or `INSERT`, no `SET`.
pub fn read_only() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

fn scalar(kind: Kind, text: &str) -> Option<ScalarValue> {
    Some(match kind {
        Kind::Text => ScalarValue::from(text),
        Kind::Int => ScalarValue::from(text.parse::<i64>().ok()?),
        Kind::Float => ScalarValue::from(text.parse::<f64>().ok().filter(|n| n.is_finite())?),
        Kind::Date => ScalarValue::Date32(Some(crate::normalise::days(text.parse().ok()?))),
    })
}
