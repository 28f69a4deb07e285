//! The rows of `COPY … TO STDOUT`: lines of text, CSV, or PostgreSQL's binary form. Knows no statement and no plan.

use bytes::{BufMut, Bytes, BytesMut};
use futures::{Sink, SinkExt, Stream, StreamExt};
use pgwire::api::portal::Format;
use pgwire::api::results::{FieldInfo, Tag};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage as Message;
use pgwire::messages::copy::{CopyData, CopyDone, CopyOutResponse};
use pgwire::messages::data::DataRow;

use super::audit::Note;
use super::rows::error;

/// How rows are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Lines(Lines),
    /// What ADBC and ConnectorX ask for, and with them Polars.
    Binary,
}

/// How lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    pub csv: bool,
    pub header: bool,
    pub delimiter: u8,
    pub null: String,
}

/// Signature, no flags, no extension: "Binary Format" in PostgreSQL's manual of COPY.
const SIGNATURE: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In the place of a number of fields.
const END: [u8; 2] = (-1_i16).to_be_bytes();

impl Form {
    /// The form of the cells of the rows that [`copy`] takes.
    pub fn of_cells(&self) -> Format {
        match self {
            Self::Lines(_) => Format::UnifiedText,
            Self::Binary => Format::UnifiedBinary,
        }
    }
}

/// Sends rows whose cells have the form that `form` asks for.
///
/// # Errors
/// Those of the rows, and a client that has gone.
pub async fn copy<C, R>(
    client: &mut C,
    fields: &[FieldInfo],
    mut rows: R,
    form: &Form,
    note: &mut Note,
) -> PgWireResult<()>
where
    C: Sink<Message> + Unpin,
    R: Stream<Item = PgWireResult<DataRow>> + Unpin,
    PgWireError: From<<C as Sink<Message>>::Error>,
{
    let columns = i16::try_from(fields.len()).map_err(|_| error("54011", "too many columns"))?;
    let code = i8::from(*form == Form::Binary);
    let formats = vec![i16::from(code); fields.len()];
    client.feed(Message::CopyOutResponse(CopyOutResponse::new(code, columns, formats))).await?;
    let mut first = &b""[..];
    match form {
        Form::Lines(lines) if lines.header => {
            client.feed(Message::CopyData(CopyData::new(header(fields, lines)))).await?;
        }
        Form::Lines(_) => {}
        // PostgreSQL sends it before the first tuple in the same message, and some clients rely on that.
        Form::Binary => first = SIGNATURE,
    }
    let mut count = 0;
    while let Some(row) = rows.next().await {
        let row = match form {
            Form::Lines(lines) => line(&row?, lines),
            Form::Binary => tuple(std::mem::take(&mut first), &row?),
        };
        client.feed(Message::CopyData(CopyData::new(row))).await?;
        note.row();
        count += 1;
    }
    if *form == Form::Binary {
        let end = Bytes::from([first, &END].concat());
        client.feed(Message::CopyData(CopyData::new(end))).await?;
    }
    client.feed(Message::CopyDone(CopyDone::new())).await?;
    client.feed(Message::CommandComplete(Tag::new("COPY").with_rows(count).into())).await?;
    Ok(())
}

/// A row in binary form as a tuple: how many fields, and each with its length before it.
fn tuple(before: &[u8], row: &DataRow) -> Bytes {
    let mut tuple = BytesMut::with_capacity(before.len() + 2 + row.data.len());
    tuple.put_slice(before);
    tuple.put_i16(row.field_count);
    tuple.put_slice(&row.data);
    tuple.freeze()
}

/// A row in text form as a line of `COPY`.
fn line(row: &DataRow, form: &Lines) -> Bytes {
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
fn header(fields: &[FieldInfo], form: &Lines) -> Bytes {
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

fn cell(line: &mut BytesMut, text: &[u8], form: &Lines, is_alone: bool) {
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
        let text = Lines { csv: false, header: false, delimiter: b'\t', null: "\\N".into() };
        let cells = [Some("a\tb"), None, Some("\\N"), Some("x\ny"), Some("")];
        assert_eq!(&line(&row(&cells), &text)[..], b"a\\tb\t\\N\t\\\\N\tx\\ny\t\n");
        let csv = Lines { csv: true, header: true, delimiter: b',', null: String::new() };
        let cells = [Some("a,b"), None, Some(""), Some("say \"x\""), Some("plain"), Some("x\ny")];
        assert_eq!(&line(&row(&cells), &csv)[..], b"\"a,b\",,\"\",\"say \"\"x\"\"\",plain,\"x\ny\"\n");
        assert_eq!(&line(&row(&[Some("\\.")]), &csv)[..], b"\"\\.\"\n");
    }
}
