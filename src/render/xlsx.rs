//! The report as a workbook: real numbers, dates and money, one native table a sheet, native charts; no formulas but those
//! of a case's model (`model`).
//! The same report gives the same bytes: nothing in the file comes from the clock.

mod model;

use super::{Cell, Chart, Column, Guides, Kind, Report, Section, brush, check, clean, unique};
use crate::case::Case;
use crate::error::{Error, Result};
use chrono::{Datelike, NaiveDate};
use rust_xlsxwriter::{
    ChartAxisLabelPosition, ChartFormat, ChartLegendPosition, ChartLine, ChartLineDashType, ChartSolidFill, ChartType,
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Table, TableColumn, TableStyle, Url, Workbook,
    Worksheet, XlsxError,
};
use std::collections::HashSet;

/// The workbook's bytes: `Summary`, one sheet a section with all its rows, `Provenance`.
pub fn xlsx(report: &Report) -> Result<Vec<u8>> {
    made(report, None)
}

/// The workbook of a business case: its model in live formulas, then the report's sections, their index being `Evidence`.
pub fn workbook(case: &Case, report: &Report) -> Result<Vec<u8>> {
    made(report, Some(case))
}

fn made(report: &Report, case: Option<&Case>) -> Result<Vec<u8>> {
    check(report)?;
    for section in &report.sections {
        if section.table.rows.len() > MOST_ROWS {
            let what = format!("workbook: {} has more than the {MOST_ROWS} rows a sheet can hold", section.id);
            return Err(Error::Render { what });
        }
    }
    write(report, case).map_err(|error| Error::Render { what: format!("workbook: {error}") })
}

/// A sheet's 1,048,576 rows without header and total.
const MOST_ROWS: usize = 1_048_574;
/// A cell's limit, in UTF-16 units.
const LONGEST_TEXT: usize = 32_767;

type Written = std::result::Result<(), XlsxError>;

fn write(report: &Report, case: Option<&Case>) -> std::result::Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let created = ExcelDateTime::from_ymd(year(report.as_of)?, month(report.as_of), day(report.as_of))?;
    let properties = DocProperties::new().set_title(short(&report.title)).set_subject(short(&report.subtitle));
    book.set_properties(&properties.set_author("onhook").set_creation_datetime(&created));
    let mut taken = HashSet::from(["summary", "evidence", "provenance", "history"].map(String::from));
    if let Some(case) = case {
        taken.extend(model::sheets(&mut book, case)?);
    }
    let names: Vec<String> = report.sections.iter().map(|section| sheet_name(&mut taken, section)).collect();
    let formats = Formats::new();
    let index = if case.is_some() { "Evidence" } else { "Summary" };
    summary(book.add_worksheet(), index, report, &names, &formats)?;
    let mut tables = HashSet::new();
    for (section, name) in report.sections.iter().zip(&names) {
        let sheet = book.add_worksheet();
        sheet.set_name(name)?;
        data_sheet(sheet, section, &unique(&mut tables, &table_name(&section.id), "_", 200), &formats)?;
    }
    provenance(book.add_worksheet(), report, &formats)?;
    book.save_to_buffer()
}

fn summary(sheet: &mut Worksheet, name: &str, report: &Report, names: &[String], formats: &Formats) -> Written {
    sheet.set_name(name)?;
    set_page(sheet, &report.title, None)?;
    for (column, wide) in [(0, 38), (1, 34), (2, 22), (3, 80)] {
        sheet.set_column_width(column, wide)?;
    }
    text(sheet, 0, 0, &report.title, &formats.title)?;
    text(sheet, 1, 0, &report.subtitle, &formats.plain)?;
    text(sheet, 2, 0, "As of", &formats.plain)?;
    put(sheet, 2, 1, &Cell::Date(report.as_of), Kind::Date, formats)?;
    head(sheet, 4, &["Figure", "Value", "Unit", "Note"], formats)?;
    let link = Format::new().set_hyperlink().set_align(FormatAlign::Top);
    let indented = formats.wrapped.clone().set_indent(1);
    let mut row = 5;
    for fact in &report.facts {
        text(sheet, row, 0, &fact.label, &formats.wrapped)?;
        put(sheet, row, 1, &fact.value, Kind::Decimal, formats)?;
        text(sheet, row, 2, &fact.unit, &indented)?;
        text(sheet, row, 3, &fact.note, &formats.wrapped)?;
        tall(sheet, row, &[(&fact.label, 36), (&fact.unit, 20), (&fact.note, 78)])?;
        row += 1;
    }
    row += 1;
    head(sheet, row, &["Section", "Sheet", "Rows", "What it says"], formats)?;
    for (section, name) in report.sections.iter().zip(names) {
        row += 1;
        text(sheet, row, 0, &section.title, &formats.wrapped)?;
        sheet.write_url_with_format(row, 1, Url::new(format!("internal:'{name}'!A1")).set_text(name), &link)?;
        put(sheet, row, 2, &Cell::Int(section.table.rows.len() as i64), Kind::Int, formats)?;
        let says = [section.intro.as_str(), &section.note].map(str::trim);
        let says: Vec<&str> = says.into_iter().filter(|text| !text.is_empty()).collect();
        let says = says.join("\n\n");
        text(sheet, row, 3, &says, &indented)?;
        tall(sheet, row, &[(&section.title, 36), (&says, 78)])?;
    }
    Ok(())
}

fn data_sheet(sheet: &mut Worksheet, section: &Section, table_name: &str, formats: &Formats) -> Written {
    let table = &section.table;
    let Some(last_column) = table.columns.len().checked_sub(1).and_then(|last| u16::try_from(last).ok()) else {
        return text(sheet, 0, 0, "This section has no table; what it says is on Summary", &formats.plain);
    };
    let mut taken = HashSet::new();
    let titles: Vec<String> = table.columns.iter().map(|column| heading(&mut taken, column)).collect();
    let widths: Vec<u32> = (0..titles.len()).map(|at| width(section, at, &titles[at])).collect();
    for (at, wide) in (0..).zip(&widths) {
        sheet.set_column_width(at, *wide)?;
    }
    for (at, row) in (1..).zip(&table.rows) {
        for (column, (cell, kind)) in (0..).zip(row.iter().zip(&table.columns)) {
            put(sheet, at, column, cell, kind.kind, formats)?;
        }
    }
    // Excel makes wrapped rows tall enough by itself, other programs do not
    let heads: Vec<(&str, u32)> = titles.iter().map(String::as_str).zip(widths.iter().map(|wide| wide - 2)).collect();
    tall(sheet, 0, &heads)?;
    let last_row = table.rows.len() as u32;
    if last_row > 0 {
        let columns: Vec<TableColumn> = titles.iter().map(|title| TableColumn::new().set_header(title)).collect();
        let native = Table::new().set_name(table_name).set_columns(&columns).set_style(TableStyle::Light1);
        sheet.add_table(0, 0, last_row, last_column, &native)?;
    }
    for (at, (title, column)) in (0..).zip(titles.iter().zip(&table.columns)) {
        let format = if column.kind.is_number() { &formats.head_right } else { &formats.head };
        text(sheet, 0, at, title, format)?;
    }
    for (at, (cell, column)) in (0..).zip(table.total.iter().flatten().zip(&table.columns)) {
        put(sheet, last_row + 1, at, cell, column.kind, &formats.total())?;
    }
    sheet.set_freeze_panes(1, 1)?;
    set_page(sheet, &section.title, Some(last_column))?;
    match &section.chart {
        Some(chart) => add_chart(sheet, section, chart, last_column),
        None => Ok(()),
    }
}

/// Below a short table, where it prints with it; beside a long one.
fn add_chart(sheet: &mut Worksheet, section: &Section, chart: &Chart, last_column: u16) -> Written {
    let table = &section.table;
    let rows = section.rows_shown.map_or(table.rows.len(), |shown| shown.min(table.rows.len())) as u32;
    // a workbook has no calendars; the table says the same
    let Some((plot, drawn)) = chart.plot() else { return Ok(()) };
    let has_number = |&at: &usize| table.rows.iter().any(|row| row[at].number().is_some());
    if rows == 0 || !drawn.iter().any(has_number) {
        return Ok(());
    }
    let kind = if matches!(chart, Chart::StackedBars(_)) { ChartType::ColumnStacked } else { ChartType::Line };
    let name = sheet.name();
    let mut native = rust_xlsxwriter::Chart::new(kind);
    let category = plot.category as u16;
    for (number, &at) in drawn.iter().enumerate() {
        let column = at as u16;
        let mut format = ChartFormat::new();
        let mut line = ChartLine::new();
        match kind {
            ChartType::ColumnStacked => {
                format.set_solid_fill(ChartSolidFill::new().set_color(brush::plain_colour(number)));
            }
            // the ends of a range come last
            _ if number >= plot.series.len() => {
                let dashed = ChartLineDashType::SquareDot;
                format.set_line(line.set_color(brush::MUTED).set_width(1.25).set_dash_type(dashed));
            }
            _ => {
                format.set_line(line.set_color(brush::plain_colour(number)).set_width(2.25));
            }
        }
        native
            .add_series()
            .set_name((name.as_str(), 0, column))
            .set_categories((name.as_str(), 1, category, rows, category))
            .set_values((name.as_str(), 1, column, rows, column))
            .set_format(&mut format);
    }
    let money = drawn.iter().any(|&at| table.columns[at].kind == Kind::Pence);
    if money || drawn.iter().all(|&at| table.columns[at].kind == Kind::Int) {
        native.y_axis().set_num_format(if money { "£#,##0;-£#,##0" } else { "#,##0" });
    }
    if table.columns[plot.category].kind == Kind::Date {
        native.x_axis().set_num_format("d mmm yyyy");
    }
    native.x_axis().set_label_position(ChartAxisLabelPosition::Low);
    if let Chart::GuidedLines(_, Guides { mark: Some(mark), .. }) = chart {
        native.x_axis().set_name(&no_reference(&mark.label));
    }
    native.title().set_name(&no_reference(&plot.title));
    native.y_axis().set_name(&no_reference(&plot.value_label));
    native.legend().set_position(ChartLegendPosition::Bottom);
    native.set_width(760).set_height(400).set_alt_text(short(&plot.says));
    let at = if table.rows.len() <= 40 { (table.rows.len() as u32 + 4, 0) } else { (1, last_column + 2) };
    sheet.insert_chart(at.0, at.1, &native)?;
    Ok(())
}

fn provenance(sheet: &mut Worksheet, report: &Report, formats: &Formats) -> Written {
    sheet.set_name("Provenance")?;
    set_page(sheet, "Where these figures come from", None)?;
    sheet.set_column_width(0, 32)?;
    sheet.set_column_width(1, 100)?;
    head(sheet, 0, &["What", "Value"], formats)?;
    for (at, (name, value)) in (1..).zip(&report.provenance) {
        text(sheet, at, 0, name, &formats.wrapped)?;
        text(sheet, at, 1, value, &formats.wrapped)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

/// Landscape A4, as wide as the page, title and page number on each; a data sheet repeats its header row.
fn set_page(sheet: &mut Worksheet, title: &str, last_column: Option<u16>) -> Written {
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    // a header holds at most 255 characters and reads `&` as a code
    let title: String = clean(title).chars().take(100).collect();
    sheet.set_header(format!("&L{}", title.replace('&', "&&")));
    sheet.set_footer("&LMade by onhook&RPage &P of &N");
    if last_column.is_some() {
        sheet.set_repeat_rows(0, 0)?;
    }
    Ok(())
}

fn head(sheet: &mut Worksheet, row: u32, names: &[&str], formats: &Formats) -> Written {
    for (column, name) in (0..).zip(names) {
        text(sheet, row, column, name, &formats.head)?;
    }
    Ok(())
}

/// One cell with its type. What a spreadsheet's own type cannot hold exactly (dates before 1900, numbers past 2^53) is text.
fn put(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell, kind: Kind, formats: &Formats) -> Written {
    const EXACT: u64 = 1 << 53;
    match cell {
        Cell::Int(value) if value.unsigned_abs() <= EXACT => {
            sheet.write_number_with_format(row, column, *value as f64, &formats.int)?;
        }
        Cell::Pence(value) if value.unsigned_abs() <= EXACT => {
            sheet.write_number_with_format(row, column, *value as f64 / 100.0, &formats.pence)?;
        }
        Cell::Decimal(value, places) if value.is_finite() => {
            sheet.write_number_with_format(row, column, *value, formats.decimal(*places))?;
        }
        Cell::Date(date) if (1900..=9999).contains(&date.year()) => {
            let date = ExcelDateTime::from_ymd(year(*date)?, month(*date), day(*date))?;
            sheet.write_datetime_with_format(row, column, &date, &formats.date)?;
        }
        Cell::Bool(value) => {
            sheet.write_boolean_with_format(row, column, *value, &formats.plain)?;
        }
        Cell::Empty => {
            sheet.write_blank(row, column, &formats.plain)?;
        }
        Cell::Text(words) if words.chars().count() > 60 => text(sheet, row, column, words, &formats.wrapped)?,
        Cell::Text(words) if kind.is_number() => text(sheet, row, column, words, &formats.right)?,
        Cell::Text(words) => text(sheet, row, column, words, &formats.plain)?,
        other => text(sheet, row, column, &other.to_string(), &formats.right)?,
    }
    Ok(())
}

/// The only way text gets into the workbook: always as a string, never as a formula or a link.
fn text(sheet: &mut Worksheet, row: u32, column: u16, words: &str, format: &Format) -> Written {
    let words = clean(words);
    let mut units = 0;
    let whole = words.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > LONGEST_TEXT
    });
    let words = whole.map_or(words.as_str(), |(at, _)| &words[..at]);
    sheet.write_string_with_format(row, column, words, format)?;
    Ok(())
}

struct Formats {
    plain: Format,
    wrapped: Format,
    right: Format,
    title: Format,
    head: Format,
    head_right: Format,
    int: Format,
    pence: Format,
    date: Format,
    decimals: Vec<Format>,
}

impl Formats {
    fn new() -> Self {
        let base = || Format::new().set_align(FormatAlign::Top);
        let heading = || {
            let format = base().set_bold().set_text_wrap().set_background_color(0xE9_EE_F3);
            format.set_border_bottom(FormatBorder::Thin)
        };
        let decimal =
            |places: usize| base().set_num_format(format!("#,##0.{}", "0".repeat(places)).trim_end_matches('.'));
        Self {
            plain: base(),
            wrapped: base().set_text_wrap(),
            right: base().set_align(FormatAlign::Right),
            title: Format::new().set_bold().set_font_size(18),
            head: heading(),
            head_right: heading().set_align(FormatAlign::Right),
            int: base().set_num_format("#,##0"),
            pence: base().set_num_format("£#,##0.00;[Red]-£#,##0.00"),
            date: base().set_num_format("d mmm yyyy").set_align(FormatAlign::Left),
            decimals: (0..=9).map(decimal).collect(),
        }
    }

    fn decimal(&self, places: u8) -> &Format {
        &self.decimals[usize::from(places).min(self.decimals.len() - 1)]
    }

    fn total(&self) -> Self {
        let total = |format: &Format| format.clone().set_bold().set_border_top(FormatBorder::Thin);
        Self {
            plain: total(&self.plain),
            wrapped: total(&self.wrapped),
            right: total(&self.right),
            title: total(&self.title),
            head: total(&self.head),
            head_right: total(&self.head_right),
            int: total(&self.int),
            pence: total(&self.pence),
            date: total(&self.date),
            decimals: self.decimals.iter().map(total).collect(),
        }
    }
}

/// Wide enough for the heading and the first thousand cells, within reason.
fn width(section: &Section, at: usize, title: &str) -> u32 {
    let rows = section.table.rows.iter().take(1_000).chain(&section.table.total);
    let cells = rows.map(|row| row[at].to_string().chars().count()).max().unwrap_or(0);
    let word = title.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    // the heading's filter button takes the room of three letters
    let heading = word.max(title.chars().count().min(16)) + 3;
    (cells.max(heading) + 2).clamp(9, 62) as u32
}

/// Makes a row as tall as the tallest of its wrapped texts, each given with its column's width.
fn tall(sheet: &mut Worksheet, row: u32, texts: &[(&str, u32)]) -> Written {
    let lines = |text: &str, wide: u32| -> usize {
        text.lines().map(|line| line.chars().count().div_ceil(wide.max(1) as usize).max(1)).sum()
    };
    let most = texts.iter().map(|(text, wide)| lines(text, *wide)).max().unwrap_or(1).clamp(1, 25);
    sheet.set_row_height(row, 15 * most as u32 + 1)?;
    Ok(())
}

/// Table headings must differ from one another and hold something.
fn heading(taken: &mut HashSet<String>, column: &Column) -> String {
    let title = clean(if column.title.trim().is_empty() { &column.name } else { &column.title });
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    unique(taken, if title.is_empty() { "Column" } else { &title }, " ", 255)
}

/// At most 31 characters, none of those a sheet may not have, and no apostrophes, which references would have to double.
fn sheet_name(taken: &mut HashSet<String>, section: &Section) -> String {
    let title = if section.title.trim().is_empty() { &section.id } else { &section.title };
    let valid = clean(title).replace(['[', ']', ':', '*', '?', '/', '\\', '\'', '\n', '\t'], " ");
    let words: Vec<&str> = valid.split_whitespace().collect();
    // characters outside the basic plane count twice
    let words: String = words.join(" ").chars().filter(|c| c.len_utf16() == 1).collect();
    unique(taken, if words.is_empty() { "Section" } else { &words }, " ", 31)
}

fn table_name(id: &str) -> String {
    format!("t_{}", id.replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

/// Titles of documents, charts and axes hold at most 255 characters.
fn short(words: &str) -> String {
    clean(words).chars().take(255).collect()
}

/// The writer takes a chart's title that reads like a reference (`=…`, `Sheet!A1`) for one.
fn no_reference(words: &str) -> String {
    let words = short(words).replace('!', "！");
    if words.starts_with('=') { short(&format!("'{words}")) } else { words }
}

fn year(date: NaiveDate) -> std::result::Result<u16, XlsxError> {
    u16::try_from(date.year()).map_err(|_| XlsxError::DateTimeRangeError(date.to_string()))
}

fn month(date: NaiveDate) -> u8 {
    date.month() as u8
}

fn day(date: NaiveDate) -> u8 {
    date.day() as u8
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use calamine::{Data, DataType, Reader, Xlsx};
    use std::io::Cursor;

    fn read(report: &Report) -> Xlsx<Cursor<Vec<u8>>> {
        Xlsx::new(Cursor::new(xlsx(report).unwrap())).unwrap()
    }

    #[test]
    fn values_come_back_with_their_types() {
        let report = sample::report();
        let mut book = read(&report);
        let names = [
            "Summary",
            "Where the idle handsets are",
            "What each option costs",
            "Idle handsets first of all any",
            "Which days have records",
            "How the old platform empties",
            "Provenance",
        ];
        assert_eq!(book.sheet_names(), names);
        for (section, name) in report.sections.iter().zip(&names[1..]) {
            let sheet = book.worksheet_range(name).unwrap();
            for (at, column) in section.table.columns.iter().enumerate() {
                assert_eq!(sheet.get((0, at)), Some(&Data::String(column.title.clone())));
            }
            let rows: Vec<_> = section.table.rows.iter().chain(&section.table.total).collect();
            assert_eq!(sheet.height(), rows.len() + 1, "every row, not only those a page shows");
            for (at, row) in rows.iter().enumerate() {
                for (column, cell) in row.iter().enumerate() {
                    let got = sheet.get((at + 1, column)).unwrap();
                    let same = match cell {
                        Cell::Empty => got.is_empty(),
                        Cell::Text(text) => got.get_string() == Some(text),
                        Cell::Int(value) => got.get_float() == Some(*value as f64),
                        Cell::Decimal(value, _) => got.get_float() == Some(*value),
                        Cell::Pence(value) => {
                            got.get_float().is_some_and(|pounds| (pounds * 100.0).round() as i64 == *value)
                        }
                        Cell::Date(date) => {
                            // 31 March 2024 is day 45,382 of a workbook's calendar
                            let since = *date - NaiveDate::from_ymd_opt(2024, 3, 31).unwrap();
                            let serial = 45_382.0 + since.num_days() as f64;
                            matches!(got, Data::DateTime(found) if found.as_f64() == serial)
                        }
                        Cell::Bool(value) => got.get_bool() == Some(*value),
                    };
                    assert!(same, "{name} row {at} column {column}: {cell:?} came back as {got:?}");
                }
            }
        }
        let summary = book.worksheet_range("Summary").unwrap();
        assert_eq!(summary.get((5, 1)), Some(&Data::Float(7_819.0)));
        assert_eq!(summary.get((6, 1)), Some(&Data::Float(12_345_678.90)));
    }

    #[test]
    fn no_text_is_ever_a_formula() {
        let mut report = sample::report();
        for text in sample::HOSTILE {
            report.title = text.into();
            report.sections[0].title = text.into();
            report.sections[1].table.columns[1].title = text.into();
            report.facts[0].label = text.into();
            let mut book = read(&report);
            for name in book.sheet_names() {
                assert!(book.worksheet_formula(&name).unwrap().used_cells().next().is_none(), "{text} in {name}");
            }
            let summary = book.worksheet_range("Summary").unwrap();
            assert_eq!(summary.get((0, 0)), Some(&Data::String(text.into())));
        }
    }

    #[test]
    fn equal_reports_give_equal_bytes() {
        let first = xlsx(&sample::report()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        assert!(first == xlsx(&sample::report()).unwrap());
    }

    #[test]
    fn sheet_names_are_valid_and_differ() {
        let mut taken = HashSet::from(["summary".to_string()]);
        let mut name = |title: &str| sheet_name(&mut taken, &Section { title: title.into(), ..Section::default() });
        assert_eq!(name("Summary"), "Summary 2");
        assert_eq!(name("Cost: a/b [£]?*\\'s"), "Cost a b £ s");
        assert_eq!(name(""), "Section");
        let long = "An option that has a very long name";
        assert_eq!(name(long), "An option that has a very long ");
        assert_eq!(name(long), "An option that has a very lon 2");
        assert_eq!(name("\u{1f4de}"), "Section 2");
    }

    #[test]
    fn what_a_sheet_cannot_hold_is_kept_as_text() {
        let mut report = sample::report();
        let table = &mut report.sections[2].table;
        table.rows.truncate(1);
        table.rows[0] = vec![
            Cell::Text("x".repeat(40_000)),
            Cell::Int(i64::MAX),
            Cell::Date(NaiveDate::from_ymd_opt(1899, 12, 31).unwrap()),
            Cell::Decimal(f64::INFINITY, 1),
            Cell::Text("n/a".into()),
        ];
        let mut book = read(&report);
        let sheet = book.worksheet_range("Idle handsets first of all any").unwrap();
        let got = |column: usize| sheet.get((1, column)).and_then(|cell| cell.get_string()).unwrap().to_string();
        assert_eq!(got(0).len(), 32_767);
        assert_eq!((got(1).as_str(), got(2).as_str()), ("9,223,372,036,854,775,807", "31 Dec 1899"));
        assert_eq!((got(3).as_str(), got(4).as_str()), ("—", "n/a"));
    }

    #[test]
    fn a_chart_title_is_never_a_reference() {
        assert_eq!(no_reference("=Summary!$A$1"), "'=Summary！$A$1");
        assert_eq!(no_reference("Summary!A1"), "Summary！A1");
        assert_eq!(no_reference("Cost (£ million)"), "Cost (£ million)");
    }

    #[test]
    fn empty_and_repeated_columns_do_not_break_the_workbook() {
        let mut report = sample::report();
        report.sections[0].table.rows.clear();
        report.sections[1].table = super::super::Table::default();
        report.sections[1].chart = None;
        for column in &mut report.sections[2].table.columns {
            column.title = "Same".into();
        }
        let mut book = read(&report);
        let sheet = book.worksheet_range("Idle handsets first of all any").unwrap();
        assert_eq!(sheet.get((0, 1)), Some(&Data::String("Same 2".into())));
    }
}
