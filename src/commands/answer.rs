//! Rows of a query into the report model, and onto paper in the form asked for. Knows no query.

use arrow::array::{Array, AsArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::cli::Format;
use crate::error::{Error, Result};
use crate::render::{self, Cell, Column, Kind, Report, Section, Table};
use crate::sql::{Answer, Query};

/// The rows as a table of the report model. Headings are those of the query's header, else the column's name.
pub fn table(query: Option<&Query>, answer: &Answer) -> Result<Table> {
    let rows = concat_batches(&answer.schema, &answer.batches).map_err(|e| broken(&e))?;
    let mut table = Table { caption: query.map(|q| q.title.clone()).unwrap_or_default(), ..Table::default() };
    table.rows = vec![Vec::with_capacity(rows.num_columns()); rows.num_rows()];
    for (field, column) in answer.schema.fields().iter().zip(rows.columns()) {
        let doc = query.and_then(|q| q.columns.iter().find(|c| c.name == *field.name()));
        let (kind, cells) = cells(column)?;
        table.columns.push(Column::new(field.name(), title(field.name(), doc.map_or("", |d| d.unit.as_str())), kind));
        table.rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
    }
    Ok(table)
}

/// The answer in the form asked for.
pub fn paper(query: Option<&Query>, answer: &Answer, format: Format) -> Result<Vec<u8>> {
    Ok(match format {
        Format::Table => {
            let text = arrow::util::pretty::pretty_format_batches_with_schema(answer.schema.clone(), &answer.batches);
            format!("{}\n", text.map_err(|e| broken(&e))?).into_bytes()
        }
        Format::Csv => render::csv(&table(query, answer)?)?.into_bytes(),
        Format::Json => {
            let mut writer = arrow::json::ArrayWriter::new(Vec::new());
            answer.batches.iter().try_for_each(|batch| writer.write(batch)).map_err(|e| broken(&e))?;
            writer.finish().map_err(|e| broken(&e))?;
            let mut bytes = writer.into_inner();
            if bytes.is_empty() {
                bytes.extend_from_slice(b"[]");
            }
            bytes.push(b'\n');
            bytes
        }
        Format::Parquet => parquet(answer).map_err(|e| Error::Render { what: format!("Parquet: {e}") })?,
        Format::Xlsx => {
            let name = query.map_or("answer", |q| q.name.as_str());
            let section = Section {
                id: name.to_string(),
                title: query.map(|q| q.title.clone()).unwrap_or_default(),
                intro: query.map(|q| q.asks.clone()).unwrap_or_default(),
                table: table(query, answer)?,
                ..Section::default()
            };
            let title = section.title.clone();
            let as_of = chrono::NaiveDate::default();
            let (facts, sections) = (Vec::new(), vec![section]);
            render::xlsx(&Report { title, subtitle: String::new(), as_of, facts, sections, provenance: Vec::new() })?
        }
    })
}

fn parquet(answer: &Answer) -> parquet::errors::Result<Vec<u8>> {
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), answer.schema.clone(), None)?;
    answer.batches.iter().try_for_each(|batch| writer.write(batch))?;
    writer.into_inner()
}

fn cells(column: &dyn Array) -> Result<(Kind, Vec<Cell>)> {
    let of = |i: usize, cell: &dyn Fn(usize) -> Cell| if column.is_valid(i) { cell(i) } else { Cell::Empty };
    let all = |cell: &dyn Fn(usize) -> Cell| (0..column.len()).map(|i| of(i, cell)).collect::<Vec<_>>();
    let to = |kind: &DataType| cast(column, kind).map_err(|e| broken(&e));
    Ok(match column.data_type() {
        // Sums of counts come as whole decimals. One that no cell of ours holds is its digits.
        kind if kind.is_integer() || matches!(kind, DataType::Decimal128(_, 0)) => {
            let (numbers, digits) = (to(&DataType::Int64)?, formatter(column)?);
            let numbers = numbers.as_primitive::<Int64Type>();
            let cell = |i| match numbers.is_valid(i) {
                true => Cell::Int(numbers.value(i)),
                false => Cell::Text(digits.value(i).to_string()),
            };
            (Kind::Int, all(&cell))
        }
        kind if kind.is_numeric() => {
            let digits = formatter(column)?;
            let numbers = match kind {
                // By what they are written as: widened, 0.1 would have the digits of 0.10000000149011612.
                DataType::Float16 | DataType::Float32 => {
                    cast(&to(&DataType::Utf8)?, &DataType::Float64).map_err(|e| broken(&e))?
                }
                _ => to(&DataType::Float64)?,
            };
            let numbers = numbers.as_primitive::<Float64Type>();
            let most = numbers.iter().flatten().map(places).max().unwrap_or(0);
            let is_exact = !kind.is_decimal();
            let cell = |i| {
                let (value, own) = (numbers.value(i), places(numbers.value(i)));
                // What SQL rounded is as wide all the way down; what it did not has the digits that it has.
                let places = if most <= ROUNDED { most } else { own };
                let digits = digits.value(i).to_string();
                match is_exact || is_number(&digits, &format!("{value:.*}", usize::from(places))) {
                    true => Cell::Decimal(value, places),
                    false => Cell::Text(digits),
                }
            };
            (Kind::Decimal, all(&cell))
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            (Kind::Date, all(&|i| days.value_as_date(i).map_or(Cell::Empty, Cell::Date)))
        }
        DataType::Boolean => (Kind::Bool, all(&|i| Cell::Bool(column.as_boolean().value(i)))),
        _ => {
            let text = formatter(column)?;
            (Kind::Text, all(&|i| Cell::Text(text.value(i).to_string())))
        }
    })
}

/// Places to which queries round at most.
const ROUNDED: u8 = 6;

/// Decimals that tell a value from every other.
fn places(value: f64) -> u8 {
    let digits = value.to_string();
    digits.split_once('.').map_or(0, |(_, decimals)| u8::try_from(decimals.len()).unwrap_or(u8::MAX))
}

/// Whether two texts of a number differ in noughts at the end only.
fn is_number(one: &str, other: &str) -> bool {
    let plain = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    plain(one) == plain(other)
}

fn formatter(column: &dyn Array) -> Result<ArrayFormatter<'_>> {
    const OPTIONS: &FormatOptions<'static> = &FormatOptions::new();
    ArrayFormatter::try_new(column, OPTIONS).map_err(|e| broken(&e))
}

/// A column's name or a word of the data as a heading, with the unit where the name ends in it.
pub fn title(name: &str, unit: &str) -> String {
    let text = name.replace('_', " ");
    let text = match (unit, text.strip_suffix(" s"), text.strip_suffix(" percent")) {
        ("seconds", Some(stem), _) => format!("{stem} (s)"),
        ("percent", _, Some(stem)) => format!("{stem} (%)"),
        _ => text,
    };
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The rows as plain text, cell by cell, null as blank: for those who look figures up in them.
pub fn text(answer: &Answer) -> Result<Vec<Vec<String>>> {
    let rows = concat_batches(&answer.schema, &answer.batches).map_err(|e| broken(&e))?;
    let options = FormatOptions::default();
    let columns: Result<Vec<_>, _> = rows.columns().iter().map(|c| ArrayFormatter::try_new(c, &options)).collect();
    let columns = columns.map_err(|e| broken(&e))?;
    Ok((0..rows.num_rows()).map(|i| columns.iter().map(|c| c.value(i).to_string()).collect()).collect())
}

fn broken(error: &arrow::error::ArrowError) -> Error {
    Error::Render { what: format!("the answer cannot be shown: {error}") }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal128Array, Float32Array, Float64Array, UInt64Array};

    use super::*;

    fn shown(column: &dyn Array) -> Vec<Cell> {
        cells(column).unwrap().1
    }

    #[test]
    fn no_figure_is_cut_short() {
        let text = |digits: &str| Cell::Text(digits.into());
        let counts = UInt64Array::from(vec![Some(7), Some(u64::MAX), None]);
        assert_eq!(shown(&counts), [Cell::Int(7), text("18446744073709551615"), Cell::Empty]);
        let decimals = |values: Vec<i128>, scale| -> ArrayRef {
            Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, scale).unwrap())
        };
        let sums = decimals(vec![42, 12_345_678_901_234_567_890_123], 0);
        assert_eq!(shown(&sums), [Cell::Int(42), text("12345678901234567890123")]);
        let money = decimals(vec![1225, 1_234_567_890_123_456_789], 2);
        assert_eq!(shown(&money), [Cell::Decimal(12.25, 2), text("12345678901234567.89")]);
    }

    /// What was rounded is as wide all the way down; what was not has all its digits.
    #[test]
    fn floats_have_the_digits_that_they_need() {
        let rounded = Float64Array::from(vec![0.5, 12.25, 3.0]);
        assert_eq!(shown(&rounded), [Cell::Decimal(0.5, 2), Cell::Decimal(12.25, 2), Cell::Decimal(3.0, 2)]);
        let small = Float64Array::from(vec![Some(1e-7), Some(0.5), None, Some(1.0 / 3.0)]);
        let expected = [Cell::Decimal(1e-7, 7), Cell::Decimal(0.5, 1), Cell::Empty, Cell::Decimal(1.0 / 3.0, 16)];
        assert_eq!(shown(&small), expected);
        // Of 32 bits and of 16, as they are written.
        let narrow = Float32Array::from(vec![Some(0.1), None, Some(2.5), Some(1e10), Some(f32::NEG_INFINITY)]);
        let expected = [0.1, 2.5, 1e10, f64::NEG_INFINITY].map(|value| Cell::Decimal(value, 1));
        let [tenth, more, most, least] = expected;
        assert_eq!(shown(&narrow), [tenth, Cell::Empty, more, most, least]);
        let narrower = cast(&Float32Array::from(vec![0.5, -2.0]), &DataType::Float16).unwrap();
        assert_eq!(shown(&narrower), [Cell::Decimal(0.5, 1), Cell::Decimal(-2.0, 1)]);
    }
}
