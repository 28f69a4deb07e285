//! The rows of a plan, as they come: worked out on threads of their own, a few batches ahead of the client and no more, and
//! given up when nobody takes them. Knows the two forms that rows have on the wire, and no client.

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::{BufMut, Bytes, BytesMut};
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::DataFrame;
use datafusion_postgres::arrow_pg::datatypes::{arrow_schema_to_pg_fields, encode_recordbatch};
use futures::{Stream, StreamExt, stream};
use pgwire::api::portal::Format;
use pgwire::api::results::FieldInfo;
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::data::DataRow;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::statement::Form;
use crate::sql::{one_line, tuned};

/// Batches that are worked out before the client has taken those before them.
const AHEAD: usize = 2;

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

/// The rows of a plan. `held` is what must stay for as long as there are more.
pub fn rows<T: Send + 'static>(
    state: SessionState,
    plan: LogicalPlan,
    fields: Arc<Vec<FieldInfo>>,
    work: &Handle,
    held: T,
) -> impl Stream<Item = PgWireResult<DataRow>> + Send + 'static {
    let (sender, receiver) = mpsc::channel::<Result<RecordBatch, DataFusionError>>(AHEAD);
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
    let working = Working(task.abort_handle());
    let batches =
        stream::unfold((receiver, task, working, held), |(mut receiver, mut task, working, held)| async move {
            match receiver.recv().await {
                Some(batch) => Some((batch.map_err(|error| told(&error)), (receiver, task, working, held))),
                // The end of the rows, or of the task in the middle of them.
                None => match (&mut task).await {
                    Ok(()) => None,
                    Err(_) => {
                        let (sender, receiver) = mpsc::channel(1);
                        drop(sender);
                        let task = tokio::spawn(async {});
                        Some((Err(error("XX000", "the statement broke off")), (receiver, task, working, held)))
                    }
                },
            }
        });
    batches.flat_map(move |batch| {
        let rows: Box<dyn Iterator<Item = PgWireResult<DataRow>> + Send> = match batch {
            Ok(batch) => encode_recordbatch(fields.clone(), batch),
            Err(error) => Box::new(std::iter::once(Err(error))),
        };
        stream::iter(rows)
    })
}

/// A row in text form as a line of `COPY`.
pub fn line(row: &DataRow, form: &Form) -> Bytes {
    let mut line = BytesMut::with_capacity(row.data.len() + 16);
    let mut rest = &row.data[..];
    for i in 0..row.field_count {
        if i > 0 {
            line.put_u8(form.delimiter);
        }
        let length = rest.split_off(..4).map_or(-1, |n| i32::from_be_bytes([n[0], n[1], n[2], n[3]]));
        match usize::try_from(length).ok().and_then(|length| rest.split_off(..length)) {
            Some(text) => cell(&mut line, text, form, row.field_count == 1),
            None => line.put_slice(form.null.as_bytes()),
        }
    }
    line.put_u8(b'\n');
    line.freeze()
}

/// The names of the columns as a line of `COPY`.
pub fn header(fields: &[FieldInfo], form: &Form) -> Bytes {
    let mut line = BytesMut::new();
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            line.put_u8(form.delimiter);
        }
        cell(&mut line, field.name().as_bytes(), form, false);
    }
    line.put_u8(b'\n');
    line.freeze()
}

fn cell(line: &mut BytesMut, text: &[u8], form: &Form, is_alone: bool) {
    if form.csv {
        // What looks like null, or like the end of the data, is quoted to be told from it.
        let is_special = text == form.null.as_bytes() || (is_alone && text == b"\\.");
        let is_quoted = is_special || text.iter().any(|b| *b == form.delimiter || b"\"\n\r".contains(b));
        if !is_quoted {
            return line.put_slice(text);
        }
        line.put_u8(b'"');
        for b in text {
            if *b == b'"' {
                line.put_u8(b'"');
            }
            line.put_u8(*b);
        }
        return line.put_u8(b'"');
    }
    for b in text {
        match b {
            b'\\' => line.put_slice(b"\\\\"),
            b'\n' => line.put_slice(b"\\n"),
            b'\r' => line.put_slice(b"\\r"),
            b'\t' => line.put_slice(b"\\t"),
            0x08 => line.put_slice(b"\\b"),
            0x0b => line.put_slice(b"\\v"),
            0x0c => line.put_slice(b"\\f"),
            b if *b == form.delimiter => line.put_slice(&[b'\\', *b]),
            b => line.put_u8(*b),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[Option<&str>]) -> DataRow {
        let mut data = BytesMut::new();
        for cell in cells {
            match cell {
                Some(text) => {
                    data.put_i32(text.len() as i32);
                    data.put_slice(text.as_bytes());
                }
                None => data.put_i32(-1),
            }
        }
        DataRow::new(data, cells.len() as i16)
    }

    /// As PostgreSQL's manual of COPY has it.
    #[test]
    fn a_line_is_escaped_so_that_it_is_read_back() {
        let text = Form { csv: false, header: false, delimiter: b'\t', null: "\\N".into() };
        let cells = [Some("a\tb"), None, Some("\\N"), Some("x\ny"), Some("")];
        assert_eq!(&line(&row(&cells), &text)[..], b"a\\tb\t\\N\t\\\\N\tx\\ny\t\n");
        let csv = Form { csv: true, header: true, delimiter: b',', null: String::new() };
        let cells = [Some("a,b"), None, Some(""), Some("say \"x\""), Some("plain"), Some("x\ny")];
        assert_eq!(&line(&row(&cells), &csv)[..], b"\"a,b\",,\"\",\"say \"\"x\"\"\",plain,\"x\ny\"\n");
        assert_eq!(&line(&row(&[Some("\\.")]), &csv)[..], b"\"\\.\"\n");
    }
}
