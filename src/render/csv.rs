//! A table as CSV for programs (RFC 4180, LF line ends, exact values); no title, no total row, no printing for people.

use super::{Cell, Table};
use crate::error::{Error, Result};

/// One header line of column names, then the rows: dates as `2024-03-31`, money in pounds as `-1234.50`, `true`/`false`,
/// nothing for an empty cell. Text that a spreadsheet would run as a formula gets a leading apostrophe (`is_formula`).
pub fn csv(table: &Table) -> Result<String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let failed = |what: String| Error::Render { what: format!("CSV: {what}") };
    let names = table.columns.iter().map(|column| field(&Cell::Text(column.name.clone())));
    writer.write_record(names).map_err(|error| failed(error.to_string()))?;
    for row in &table.rows {
        writer.write_record(row.iter().map(field)).map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

fn field(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) if is_formula(text) => format!("'{text}"),
        cell => cell.exact(),
    }
}

/// Whether a spreadsheet that opens the file would take this text for a formula. After `+` or `-`, digits with at most
/// one point are only a number: `+442079460001` and `-5` stay as they are, because other programs join on them. (A
/// spreadsheet shows such a number without its `+`, but it runs nothing; the workbook keeps it as text.)
fn is_formula(text: &str) -> bool {
    let mut rest = text.trim_start_matches([' ', '\u{a0}', '\u{feff}']).chars();
    match rest.next() {
        Some('=' | '@' | '\t' | '\r' | '\n' | '＝' | '＠' | '＋' | '－') => true,
        Some('+' | '-') => {
            let rest = rest.as_str();
            let digits = rest.replacen('.', "", 1);
            digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Column, Kind, sample};
    use super::*;

    #[test]
    fn values_are_exact_and_the_total_is_left_out() {
        let table = &sample::report().sections[0].table;
        let expected = "use,idle,in_use,cost\npersonal,6104,9220,915600.00\nhot desk,1310,802,196500.50\n\
                        meeting room,405,377,\n<script>alert(1)</script>,0,12,-0.05\n";
        assert_eq!(csv(table).unwrap(), expected);
        let table = &sample::report().sections[2].table;
        assert_eq!(csv(table).unwrap().lines().nth(3), Some("021,'=1+1,2024-03-31,0.250,false"));
    }

    #[test]
    fn quotes_commas_and_line_ends_are_quoted() {
        let columns = vec![Column::new("a", "A", Kind::Text), Column::new("b", "B", Kind::Text)];
        let row = vec![Cell::Text("x,\"y\"".into()), Cell::Text("one\ntwo".into())];
        let table = Table { columns, rows: vec![row, vec![Cell::Empty, Cell::Empty]], ..Table::default() };
        assert_eq!(csv(&table).unwrap(), "a,b\n\"x,\"\"y\"\"\",\"one\ntwo\"\n,\n");
    }

    #[test]
    fn formulas_are_defused_and_numbers_left_alone() {
        for text in ["=1+1", "@SUM(A1)", "\t=1", "\r=1", "+1+1", "-1+cmd|' /C calc'!A0", "+44 20 7946 0001", "-", " =1"]
        {
            assert_eq!(field(&Cell::Text(text.into())), format!("'{text}"));
        }
        for text in ["+442079460001", "-5", "+1.5", "2041", "a=b", "", "'=x", " x"] {
            assert_eq!(field(&Cell::Text(text.into())), text);
        }
        assert_eq!(field(&Cell::Int(-5)), "-5");
    }

    #[test]
    fn one_empty_column_still_has_its_lines() {
        let columns = vec![Column::new("a", "A", Kind::Text)];
        let table = Table { columns, rows: vec![vec![Cell::Empty]], ..Table::default() };
        assert_eq!(csv(&table).unwrap(), "a\n\"\"\n");
    }
}
