//! The rows of a plan, as they come: worked out on threads of their own, a few batches ahead of the client and no more, and
//! given up when nobody takes them. Knows no client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow_pg::datatypes::{arrow_schema_to_pg_fields, encode_recordbatch};
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::DataFrame;
use futures::{Stream, StreamExt, stream};
use pgwire::api::portal::Format;
use pgwire::api::results::FieldInfo;
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::data::DataRow;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

use crate::sql::{one_line, tuned};

/// Batches that are worked out before the client has taken those before them.
const AHEAD: usize = 2;
/// What a client is told whose statement has had its time.
pub const TIMEOUT: &str = "canceling statement due to statement timeout";

/// Ends the work when it is let go.
struct Working(AbortHandle);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Columns as the client is told them.
///
/// # Errors
/// A type that PostgreSQL has no word for.
pub fn fields(plan: &LogicalPlan, format: &Format) -> PgWireResult<Vec<FieldInfo>> {
    arrow_schema_to_pg_fields(plan.schema().as_arrow(), format, None)
}

/// A statement under way: its batches, the task that makes them, and what must stay for as long as there are more.
struct Work<T> {
    batches: mpsc::Receiver<Result<RecordBatch, DataFusionError>>,
    task: JoinHandle<()>,
    _working: Working,
    _held: T,
}

/// Where a statement's work lies between two batches; let go when its time is over, whether or not anybody asks for more.
struct Slot<T> {
    work: Option<Work<T>>,
    is_over: bool,
}

impl<T> Slot<T> {
    fn of(slot: &Mutex<Self>) -> MutexGuard<'_, Self> {
        slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows of a plan, for as long as `limit`. `held` is what must stay for as long as there are more.
pub fn rows<T: Send + 'static>(
    state: SessionState,
    plan: LogicalPlan,
    fields: Arc<Vec<FieldInfo>>,
    limit: Duration,
    work: &Handle,
    held: T,
) -> impl Stream<Item = PgWireResult<DataRow>> + Send + 'static {
    let (sender, batches) = mpsc::channel::<Result<RecordBatch, DataFusionError>>(AHEAD);
    let task = work.spawn(async move {
        let begin = async {
            let frame = tuned(DataFrame::new(state, plan))?;
            frame.execute_stream().await
        };
        match begin.await {
            Ok(mut batches) => {
                while let Some(batch) = batches.next().await {
                    if sender.send(batch).await.is_err() {
                        break;
                    }
                }
            }
            Err(error) => drop(sender.send(Err(error)).await),
        }
    });
    let first = Work { _working: Working(task.abort_handle()), batches, task, _held: held };
    let slot = Arc::new(Mutex::new(Slot { work: Some(first), is_over: false }));
    let timed = slot.clone();
    let timer = work.spawn(async move {
        tokio::time::sleep(limit).await;
        let mut slot = Slot::of(&timed);
        slot.is_over = true;
        slot.work = None;
    });
    let batches = stream::unfold((slot, Working(timer.abort_handle())), |(slot, timer)| async move {
        let (taken, is_over) = {
            let mut slot = Slot::of(&slot);
            (slot.work.take(), slot.is_over)
        };
        let batch = match taken {
            Some(mut work) => match work.batches.recv().await {
                Some(batch) => {
                    let mut slot = Slot::of(&slot);
                    slot.work = Some(work).filter(|_| !slot.is_over);
                    batch.map_err(|error| told(&error))
                }
                // The end of the rows, or of the task in the middle of them.
                None if (&mut work.task).await.is_ok() => return None,
                None => Err(error("XX000", "the statement broke off")),
            },
            None if is_over => Err(error("57014", TIMEOUT)),
            None => return None,
        };
        Some((batch, (slot, timer)))
    });
    batches.flat_map(move |batch| {
        let rows: Box<dyn Iterator<Item = PgWireResult<DataRow>> + Send> = match batch {
            Ok(batch) => encode_recordbatch(fields.clone(), batch),
            Err(error) => Box::new(std::iter::once(Err(error))),
        };
        stream::iter(rows)
    })
}

/// An error of the engine as PostgreSQL would tell it: its code and one line, without a path.
pub fn told(error_: &DataFusionError) -> PgWireError {
    let code = match error_.find_root() {
        DataFusionError::SQL(..) => "42601",
        DataFusionError::SchemaError(..) => "42703",
        DataFusionError::ResourcesExhausted(_) => {
            return error("53200", "the statement needs more memory than there is: ask for fewer rows or columns");
        }
        DataFusionError::NotImplemented(_) => "0A000",
        DataFusionError::Plan(what) if what.contains("not found") && what.contains("table") => "42P01",
        DataFusionError::Plan(what) if what.contains("Invalid function") => "42883",
        DataFusionError::Plan(_) => "42000",
        DataFusionError::ArrowError(inner, _) => match **inner {
            arrow::error::ArrowError::DivideByZero => "22012",
            _ => "22000",
        },
        DataFusionError::Execution(what) if what.contains("would make more than") => "53200",
        DataFusionError::Execution(_) => "22000",
        DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
            tracing::warn!("a statement could not read the lake: {}", one_line(error_));
            return error("58030", "a data file of the lake cannot be read: the server's log says which");
        }
        _ => "XX000",
    };
    error(code, &one_line(error_))
}

pub fn error(code: &str, what: &str) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new("ERROR".into(), code.into(), what.into())))
}

/// An error that ends the connection.
pub fn fatal(code: &str, what: &str) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new("FATAL".into(), code.into(), what.into())))
}
