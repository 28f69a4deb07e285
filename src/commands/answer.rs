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
        // Sums of counts come as whole decimals.
        kind if kind.is_integer() || matches!(kind, DataType::Decimal128(_, 0)) => {
            let numbers = to(&DataType::Int64)?;
            let numbers = numbers.as_primitive::<Int64Type>();
            (Kind::Int, all(&|i| Cell::Int(numbers.value(i))))
        }
        kind if kind.is_numeric() => {
            let numbers = to(&DataType::Float64)?;
            let numbers = numbers.as_primitive::<Float64Type>();
            let places = numbers.iter().flatten().map(places).max().unwrap_or(0);
            (Kind::Decimal, all(&|i| Cell::Decimal(numbers.value(i), places)))
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            (Kind::Date, all(&|i| days.value_as_date(i).map_or(Cell::Empty, Cell::Date)))
        }
        DataType::Boolean => (Kind::Bool, all(&|i| Cell::Bool(column.as_boolean().value(i)))),
        _ => {
            let options = FormatOptions::default();
            let text = ArrayFormatter::try_new(column, &options).map_err(|e| broken(&e))?;
            (Kind::Text, all(&|i| Cell::Text(text.value(i).to_string())))
        }
    })
}

/// Decimals a value needs, six at most: what SQL rounded stays as it was rounded.
fn places(value: f64) -> u8 {
    let exact = |places: &u8| {
        let shifted = value * 10f64.powi(i32::from(*places));
        (shifted - shifted.round()).abs() < 1e-6
    };
    (0..6).find(exact).unwrap_or(6)
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
