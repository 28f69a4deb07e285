//! The model of a case as sheets of live formulas: what the engine worked out, cell by cell, so that a reader can change an
//! assumption and see every figure follow. The results stored beside the formulas are the engine's own.

use std::collections::HashSet;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use rust_xlsxwriter::{
    Chart, ChartAxisLabelPosition, ChartFormat, ChartLegendPosition, ChartLine, ChartSolidFill, ChartType, Format,
    FormatAlign, Formula as Live, Workbook, Worksheet, XlsxError,
};

use super::super::brush;
use super::{Written, clean, set_page, tall, text};
use crate::case::{Case, Formula, Graph, Place, Sheet, Unit, Words, fixed_place, formula_text};

/// Adds the sheets; gives their names, which no other sheet may have.
pub(super) fn sheets(book: &mut Workbook, case: &Case) -> std::result::Result<HashSet<String>, XlsxError> {
    let looks = Looks::new();
    let mut taken = HashSet::new();
    for (at, sheet) in case.model.sheets.iter().enumerate() {
        let page = book.add_worksheet();
        page.set_name(&sheet.name)?;
        taken.insert(sheet.name.to_lowercase());
        write(page, case, at, sheet, &looks)?;
    }
    for graph in &case.model.graphs {
        let page = book.worksheet_from_name(&case.model.sheets[graph.place.sheet].name)?;
        draw(page, case, graph)?;
    }
    let mut named = HashSet::new();
    for (name, id) in &case.model.names {
        if named.insert(name.as_str()) {
            let place = case.model.cell(*id).place;
            let sheet = case.model.sheets[place.sheet].name.replace('\'', "''");
            book.define_name(name, &format!("='{sheet}'!{}", fixed_place(place)))?;
        }
    }
    Ok(taken)
}

fn write(page: &mut Worksheet, case: &Case, at: usize, sheet: &Sheet, looks: &Looks) -> Written {
    let model = &case.model;
    let mine = || model.cells.iter().zip(&case.values).filter(|(cell, _)| cell.place.sheet == at);
    let last = mine().map(|(cell, _)| cell.place.column).chain(sheet.words.keys().map(|key| key.1)).max().unwrap_or(0);
    for column in 0..=last {
        let wide = sheet.widths.get(usize::from(column)).copied().unwrap_or(16);
        page.set_column_width(column, u32::from(wide))?;
    }
    for (&(row, column), words) in &sheet.words {
        match words {
            Words::Title(words) => text(page, row, column, words, &looks.title)?,
            Words::Head(words) => {
                text(page, row, column, words, &looks.head)?;
                let heads: Vec<(&str, u32)> = sheet
                    .words
                    .range((row, 0)..=(row, u16::MAX))
                    .filter_map(|((_, column), words)| match words {
                        Words::Head(words) => {
                            let wide = sheet.widths.get(usize::from(*column)).copied().unwrap_or(16);
                            Some((words.as_str(), u32::from(wide.saturating_sub(2))))
                        }
                        _ => None,
                    })
                    .collect();
                tall(page, row, &heads)?;
            }
            Words::Label(words) => text(page, row, column, words, &looks.label)?,
            Words::Total(words) => text(page, row, column, words, &looks.total)?,
            // A note runs over the empty cells beside it.
            Words::Note(words) => text(page, row, column, words, &looks.note)?,
            Words::Fixed(value, unit) => {
                page.write_number_with_format(row, column, number(*value), &looks.of(*unit, false))?;
            }
        }
    }
    for (cell, value) in mine() {
        let Place { row, column, .. } = cell.place;
        let is_total = matches!(sheet.words.get(&(row, 0)), Some(Words::Total(_)));
        let look = looks.of(cell.unit, is_total);
        if let Formula::Input(input) = cell.formula {
            page.write_number_with_format(row, column, number(case.file.book[input].value), &looks.input(cell.unit))?;
            continue;
        }
        let name = |input: usize| case.file.book[input].id.clone();
        let formula = formula_text(model, at, &cell.formula, &name);
        let result = value.map_or_else(|_| "n/a".to_string(), |value| value.normalize().to_string());
        page.write_formula_with_format(row, column, Live::new(format!("={formula}")).set_result(result), &look)?;
    }
    let (rows, columns) = sheet.frozen;
    if rows > 0 || columns > 0 {
        page.set_freeze_panes(rows, columns)?;
    }
    set_page(page, &sheet.name, None)?;
    if rows > 0 {
        page.set_repeat_rows(0, rows - 1)?;
    }
    Ok(())
}

/// A chart of rows of years, one line or bar a row.
fn draw(page: &mut Worksheet, case: &Case, graph: &Graph) -> Written {
    let model = &case.model;
    let mut native = Chart::new(if graph.is_bars { ChartType::Column } else { ChartType::Line });
    for (number, (name, row)) in graph.rows.iter().enumerate() {
        let (Some(first), Some(last)) = (row.first(), row.last()) else { continue };
        let (first, last) = (model.cell(*first).place, model.cell(*last).place);
        let sheet = model.sheets[first.sheet].name.as_str();
        let (head, years) = (graph.head, row.len() as u16 - 1);
        let mut format = ChartFormat::new();
        let mut line = ChartLine::new();
        if graph.is_bars {
            format.set_solid_fill(ChartSolidFill::new().set_color(brush::plain_colour(number)));
        } else {
            format.set_line(line.set_color(brush::plain_colour(number)).set_width(2.25));
        }
        native
            .add_series()
            .set_name(super::no_reference(name).as_str())
            .set_categories((
                model.sheets[head.sheet].name.as_str(),
                head.row,
                head.column,
                head.row,
                head.column + years,
            ))
            .set_values((sheet, first.row, first.column, last.row, last.column))
            .set_format(&mut format);
    }
    native.title().set_name(super::no_reference(&graph.title).as_str());
    native.y_axis().set_num_format("£#,##0;-£#,##0");
    native.x_axis().set_label_position(ChartAxisLabelPosition::Low);
    native.legend().set_position(ChartLegendPosition::Bottom);
    native.set_width(820).set_height(380).set_alt_text(clean(&graph.title));
    page.insert_chart(graph.place.row, graph.place.column, &native)?;
    Ok(())
}

/// Exact to fifteen digits, as a spreadsheet holds it.
fn number(value: Decimal) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}

struct Looks {
    title: Format,
    head: Format,
    label: Format,
    total: Format,
    note: Format,
    units: [Format; 5],
}

impl Looks {
    fn new() -> Self {
        let base = || Format::new().set_align(FormatAlign::Top);
        let unit = |code: &str| base().set_num_format(code).set_align(FormatAlign::Right);
        Self {
            title: Format::new().set_bold().set_font_size(16),
            head: base().set_bold().set_text_wrap().set_background_color(0xE9_EE_F3),
            label: base().set_text_wrap(),
            total: base().set_bold(),
            note: base().set_italic(),
            units: [
                unit("£#,##0.00;[Red]-£#,##0.00"),
                unit("#,##0"),
                unit("0.00##%"),
                unit("0.000000"),
                unit("General"),
            ],
        }
    }

    fn of(&self, unit: Unit, is_total: bool) -> Format {
        let look = self.units[unit as usize].clone();
        if is_total { look.set_bold() } else { look }
    }

    /// What a reader may change stands out.
    fn input(&self, unit: Unit) -> Format {
        self.of(unit, false).set_background_color(0xFF_F9_DB).set_font_color(0x1F_3A_93)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use calamine::{Data, Reader, Xlsx};

    use super::super::super::{Report, sample};
    use super::super::workbook;
    use crate::case::{self, Case, Evidence, Formula};

    /// A case all of whose texts are `text`.
    fn hostile(text: &str) -> Case {
        // What JSON quotes, TOML reads alike.
        let quoted = serde_json::to_string(text).unwrap();
        let file = format!(
            "title = {quoted}\nassumptions = \"a.csv\"\nfirst_year = \"2024-25\"\nhorizon_years = 2\nbaseline = {quoted}\n\
             price_note = {quoted}\ndriver = [{{ id = {quoted}, title = {quoted}, query = \"q\", column = \"n\", where = {{ a = {quoted} }} }}]\n\
             [[option]]\nid = {quoted}\ntitle = {quoted}\nnote = {quoted}\n\
             line = [{{ title = {quoted}, kind = \"revenue\", unit_cost = \"x_y\", driver = {quoted}, per = \"year\" }}]\n"
        );
        let cell = format!("\"{}\"", text.replace('"', "\"\""));
        let book = format!(
            "id,title,value,low,high,unit,price_base,vat,source,owner,date,confidence\n\
             x_y,{cell},2,,,GBP,2024-25,,{cell},{cell},{cell},{cell}\n"
        );
        let file = case::load(Path::new("case.toml"), &file, &|_| Ok(book.clone())).unwrap();
        let mut evidence = Evidence::default();
        evidence.take("q", vec!["a".into(), "n".into()], vec![vec![text.into(), "3".into()]]);
        Case::new(file, evidence).unwrap()
    }

    fn report() -> Report {
        Report { sections: Vec::new(), facts: Vec::new(), ..sample::report() }
    }

    /// Formulas are those of the model and no others, whatever texts say; a text that is compared with stays a text.
    #[test]
    fn no_text_of_a_case_is_ever_a_formula() {
        for text in sample::HOSTILE.iter().filter(|text| !text.trim().is_empty()) {
            let case = hostile(text);
            let mut book: Xlsx<_> = Xlsx::new(Cursor::new(workbook(&case, &report()).unwrap())).unwrap();
            let mut formulas = 0;
            for name in book.sheet_names() {
                formulas += book.worksheet_formula(&name).unwrap().used_cells().count();
            }
            let live = case.model.cells.iter().filter(|cell| !matches!(cell.formula, Formula::Input(_))).count();
            assert_eq!(formulas, live, "{text}");
            // The driver counts its one row, and two pounds each of three come to six a year.
            assert_eq!(case.appraisal().options[0].total, crate::units::Pence(1_200), "{text}");
        }
    }

    #[test]
    fn the_sheets_hold_inputs_results_and_the_evidence() {
        let case = hostile("plain");
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(workbook(&case, &report()).unwrap())).unwrap();
        let names =
            ["Summary", "Assumptions", "Volumes", "Option plain", "Appraisal", "Counted", "Evidence", "Provenance"];
        assert_eq!(book.sheet_names(), names);
        let named = book.defined_names().iter().find(|(name, _)| name == "x_y").unwrap().1.clone();
        assert_eq!(named, "'Assumptions'!$C$5");
        let sheet = book.worksheet_range("Assumptions").unwrap();
        assert_eq!(sheet.get((4, 2)), Some(&Data::Float(2.0)));
        let sheet = book.worksheet_range("Option plain").unwrap();
        assert_eq!(sheet.get_value((4, 3)), Some(&Data::Float(6.0)), "two pounds for each of three");
    }
}
