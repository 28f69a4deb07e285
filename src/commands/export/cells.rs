//! Columns of an answer as PostgreSQL keeps them: the type of each, and its cells in the bytes of a binary COPY. Opens no
//! connection.

use std::error::Error as StdError;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// Days and microseconds from 1970 to the first of January 2000, where PostgreSQL begins to count.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// How a column is kept there: its type, and the Arrow type that it is brought to first.
pub fn kept_as(kind: &DataType) -> (Type, DataType) {
    match kind {
        DataType::Boolean => (Type::BOOL, DataType::Boolean),
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => (Type::INT2, DataType::Int16),
        DataType::Int32 | DataType::UInt16 => (Type::INT4, DataType::Int32),
        DataType::Int64 | DataType::UInt32 => (Type::INT8, DataType::Int64),
        DataType::UInt64 => (Type::NUMERIC, DataType::Decimal128(20, 0)),
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
            (Type::NUMERIC, DataType::Decimal128(38, (*scale).max(0)))
        }
        DataType::Float16 | DataType::Float32 => (Type::FLOAT4, DataType::Float32),
        DataType::Float64 => (Type::FLOAT8, DataType::Float64),
        DataType::Date32 | DataType::Date64 => (Type::DATE, DataType::Date32),
        DataType::Timestamp(_, None) => (Type::TIMESTAMP, DataType::Timestamp(TimeUnit::Microsecond, None)),
        DataType::Timestamp(_, zone) => (Type::TIMESTAMPTZ, DataType::Timestamp(TimeUnit::Microsecond, zone.clone())),
        _ => (Type::TEXT, DataType::Utf8),
    }
}

/// The column as it is kept there. What PostgreSQL has no type for is its text.
pub fn kept(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let (_, kind) = kept_as(column.data_type());
    if kind != DataType::Utf8 {
        return cast(column, &kind);
    }
    let options = FormatOptions::default();
    let text = ArrayFormatter::try_new(column, &options)?;
    let cells = (0..column.len()).map(|row| column.is_valid(row).then(|| text.value(row).to_string()));
    Ok(Arc::new(cells.collect::<StringArray>()))
}

/// One cell of a column that is as it is kept.
#[derive(Debug)]
pub struct Cell<'a> {
    pub column: &'a dyn Array,
    pub row: usize,
}

impl ToSql for Cell<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let (column, row) = (self.column, self.row);
        if column.is_null(row) {
            return Ok(IsNull::Yes);
        }
        match column.data_type() {
            DataType::Boolean => out.put_u8(u8::from(column.as_boolean().value(row))),
            DataType::Int16 => out.put_i16(column.as_primitive::<Int16Type>().value(row)),
            DataType::Int32 => out.put_i32(column.as_primitive::<Int32Type>().value(row)),
            DataType::Int64 => out.put_i64(column.as_primitive::<Int64Type>().value(row)),
            DataType::Float32 => out.put_f32(column.as_primitive::<Float32Type>().value(row)),
            DataType::Float64 => out.put_f64(column.as_primitive::<Float64Type>().value(row)),
            DataType::Decimal128(_, scale) => {
                numeric(column.as_primitive::<Decimal128Type>().value(row), scale.unsigned_abs(), out);
            }
            DataType::Date32 => {
                let days = column.as_primitive::<Date32Type>().value(row);
                out.put_i32(days.checked_sub(EPOCH_DAYS).ok_or("a date before all that PostgreSQL knows")?);
            }
            DataType::Timestamp(..) => {
                let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
                out.put_i64(micros.checked_sub(EPOCH_MICROS).ok_or("a time before all that PostgreSQL knows")?);
            }
            DataType::Utf8 => text(column.as_string::<i32>().value(row), out),
            other => return Err(format!("{other} has no form there for {kind}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// PostgreSQL keeps no NUL in a text: what stood there can be seen.
fn text(value: &str, out: &mut BytesMut) {
    match value.contains('\0') {
        false => out.put_slice(value.as_bytes()),
        true => out.put_slice(value.replace('\0', "\u{fffd}").as_bytes()),
    }
}

/// A `numeric`: groups of four decimal digits, the place of the first, sign, decimals to show.
fn numeric(value: i128, scale: u8, out: &mut BytesMut) {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let whole = format!("{}{whole}", "0".repeat((4 - whole.len() % 4) % 4));
    let part = format!("{part}{}", "0".repeat((4 - part.len() % 4) % 4));
    let before = whole.len() / 4;
    let all = whole + &part;
    let groups: Vec<i16> =
        all.as_bytes().chunks(4).map(|four| four.iter().fold(0, |n, d| n * 10 + i16::from(d - b'0'))).collect();
    let first = groups.iter().position(|group| *group != 0).unwrap_or(groups.len());
    let last = groups.iter().rposition(|group| *group != 0).map_or(first, |at| at + 1);
    let groups = &groups[first..last];
    // At most 39 digits and their zeros: none of these is near its limit.
    out.put_i16(groups.len() as i16);
    out.put_i16(if groups.is_empty() { 0 } else { before as i16 - 1 - first as i16 });
    out.put_u16(if value < 0 { 0x4000 } else { 0 });
    out.put_u16(scale as u16);
    groups.iter().for_each(|group| out.put_i16(*group));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that PostgreSQL 15 gives for the same values: `select numeric_send('12345.678')` and so on.
    #[test]
    fn a_numeric_is_what_the_server_itself_would_send() {
        let sent = |value: i128, scale: u8| {
            let mut out = BytesMut::new();
            numeric(value, scale, &mut out);
            out.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        for (value, scale, expected) in NUMERICS {
            assert_eq!(sent(*value, *scale), *expected, "{value} with {scale} decimals");
        }
    }

    const NUMERICS: &[(i128, u8, &str)] = &[
        (0, 2, "0000000000000002"),
        (0, 0, "0000000000000000"),
        (1, 0, "00010000000000000001"),
        (10_000, 0, "00010001000000000001"),
        (12_345_678, 3, "0003000100000003000109291a7c"),
        (-1, 4, "0001ffff400000040001"),
        (99_999_999, 0, "0002000100000000270f270f"),
        (5, 1, "0001ffff000000011388"),
        (-120_050, 2, "000200004000000204b01388"),
        (i128::MAX, 0, "000a00090000000000aa0583209a01d5090d0c601c871bf620da165f"),
        (1_234, 8, "0001fffe0000000804d2"),
    ];
}
