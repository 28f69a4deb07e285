//! Answers of two engines cell by cell, by value and type. Exact but for floating point.

use arrow::array::{Array, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use onhook::sql::Answer;

/// What two engines may differ by in a floating-point number, in parts of the larger: the order in which they add up.
const NEARLY: f64 = 1e-12;

#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Null,
    Bool(bool),
    /// Whole and decimal numbers of any width, with as few decimals as tell it.
    Exact(i128, i8),
    Float(f64),
    Text(String),
    Day(i32),
    /// Microseconds.
    Moment(i64),
    List(Vec<Cell>),
}

/// What differs, row by row in the order of the answers.
pub fn differences(name: &str, ours: &Answer, theirs: &Answer) -> Vec<String> {
    let names = |answer: &Answer| answer.schema.fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
    let (columns, others) = (names(ours), names(theirs));
    if columns != others {
        return vec![format!("{name}: columns {columns:?} and {others:?}")];
    }
    let (ours, theirs) = (cells(ours), cells(theirs));
    let mut found = Vec::new();
    for ((column, ours), theirs) in columns.iter().zip(&ours).zip(&theirs) {
        if ours.len() != theirs.len() {
            return vec![format!("{name}: {} rows and {}", ours.len(), theirs.len())];
        }
        for (row, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            if !are_equal(ours, theirs) {
                found.push(format!(
                    "{name}, row {row}, {column}: {:.200} and {:.200}",
                    format!("{ours:?}"),
                    format!("{theirs:?}")
                ));
            }
        }
    }
    found.truncate(2);
    found
}

fn are_equal(a: &Cell, b: &Cell) -> bool {
    match (a, b) {
        (Cell::Float(a), Cell::Float(b)) => a == b || (a - b).abs() <= NEARLY * a.abs().max(b.abs()),
        (Cell::List(a), Cell::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| are_equal(a, b)),
        _ => a == b,
    }
}

/// By column.
fn cells(answer: &Answer) -> Vec<Vec<Cell>> {
    let rows = concat_batches(&answer.schema, &answer.batches).unwrap();
    rows.columns().iter().map(|column| column_cells(column)).collect()
}

fn column_cells(column: &dyn Array) -> Vec<Cell> {
    let to = |kind: DataType| arrow::compute::cast(column, &kind).unwrap();
    let all = |of: &dyn Fn(usize) -> Cell| {
        (0..column.len()).map(|i| if column.is_valid(i) { of(i) } else { Cell::Null }).collect()
    };
    match column.data_type() {
        DataType::Null => all(&|_| Cell::Null),
        DataType::Boolean => all(&|i| Cell::Bool(column.as_boolean().value(i))),
        kind if kind.is_integer() => {
            let column = to(DataType::Int64);
            all(&|i| Cell::Exact(column.as_primitive::<Int64Type>().value(i).into(), 0))
        }
        DataType::Decimal128(_, scale) => all(&|i| exact(column.as_primitive::<Decimal128Type>().value(i), *scale)),
        DataType::Float32 => all(&|i| Cell::Float(column.as_primitive::<Float32Type>().value(i).into())),
        DataType::Float64 => all(&|i| Cell::Float(column.as_primitive::<Float64Type>().value(i))),
        DataType::Date32 => all(&|i| Cell::Day(column.as_primitive::<Date32Type>().value(i))),
        DataType::Timestamp(_, _) => {
            let column = to(DataType::Timestamp(TimeUnit::Microsecond, None));
            all(&|i| Cell::Moment(column.as_primitive::<TimestampMicrosecondType>().value(i)))
        }
        DataType::List(_) => all(&|i| Cell::List(column_cells(&column.as_list::<i32>().value(i)))),
        _ => {
            let column = to(DataType::Utf8);
            all(&|i| Cell::Text(column.as_string::<i32>().value(i).to_string()))
        }
    }
}

fn exact(mut units: i128, mut scale: i8) -> Cell {
    while scale > 0 && units % 10 == 0 {
        units /= 10;
        scale -= 1;
    }
    Cell::Exact(units, scale)
}
