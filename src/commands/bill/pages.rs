//! Statements on paper: a table of all lines, a workbook, a page for each cost centre. It prints what it is given and rounds
//! nothing.

use std::collections::HashSet;

use super::{Line, MICROS_A_PENNY, Month, by_cost_centre, sum};
use crate::commands::answer;
use crate::error::Result;
use crate::estate::ON_NET;
use crate::render::{self, Cell, Column, Fact, Kind, Report, Section, Table};

/// With more cost centres than this a sheet each is no help: the sheet of all lines can be filtered.
const MOST_SHEETS: usize = 60;

/// Names and bytes of all files.
pub fn files(month: &Month) -> Result<Vec<(String, Vec<u8>)>> {
    let centres = by_cost_centre(&month.lines);
    let all = lines_table(month.lines.iter(), true);
    let totals = section("totals", "Cost centres", TOTALS, totals(month));
    let sums = section("sums", "How it adds up", SUMS, sums(month));
    let mut whole = vec![totals, sums];
    whole.extend(findings(month));
    let page = report(month, "Cost-centre statements", facts(month.lines.iter()), whole.clone());
    whole.insert(1, section("lines", "All lines", "Every line of every statement.", all.clone()));
    if centres.len() <= MOST_SHEETS {
        for (code, lines) in &centres {
            whole.push(section(code, &titled(lines), "", lines_table(lines.iter().copied(), false)));
        }
    }
    let book = report(month, "Cost-centre statements", facts(month.lines.iter()), whole);
    let mut files = vec![
        ("statements.csv".to_string(), render::csv(&all)?.into_bytes()),
        ("statements.xlsx".to_string(), render::xlsx(&book)?),
        ("statements.html".to_string(), render::html(&page)?.into_bytes()),
    ];
    let mut taken = HashSet::new();
    for (code, lines) in &centres {
        let statement =
            section("statement", "Calls and fixed charges", LINES, lines_table(lines.iter().copied(), false));
        let page = report(month, &titled(lines), facts(lines.iter().copied()), vec![statement]);
        files.push((format!("statements/{}.html", file_name(code, &mut taken)), render::html(&page)?.into_bytes()));
    }
    Ok(files)
}

const LINES: &str = "Prices are without VAT. A call is priced by the civil time at which it began. Each line is the exact sum of \
    its calls, rounded to the penny once; the total is the sum of the lines.";
const TOTALS: &str = "What each cost centre owes for the month, without VAT. Calls with our own mobiles (on-net) are told apart from \
    other calls.";
const SUMS: &str = "The exact sum of all calls as they were rated, and what the lines of the statements come to. What is between them \
    is the rounding of each line to the penny, and nothing else: the statements are not written where it is not so.";

/// For the terminal: what each cost centre owes, and how that adds up to the calls.
pub fn summary(month: &Month) -> String {
    let table = totals(month);
    let row = |cells: &[Cell]| {
        let [code, name, calls, unrated, outside, on_net, fixed, total] = cells else { return String::new() };
        let name: String = name.to_string().chars().take(24).collect();
        let (calls, unrated) = (calls.to_string(), unrated.to_string());
        let money = [outside, on_net, fixed, total].map(|cell| format!("{:>15}", cell.to_string()));
        format!("{:<12}{name:<26}{calls:>10}{unrated:>9}{}\n", code.to_string(), money.concat())
    };
    let mut text = format!(
        "{:<12}{:<26}{:>10}{:>9}{:>15}{:>15}{:>15}{:>15}\n",
        "cost_centre", "name", "calls", "unrated", "calls £", "on-net £", "fixed £", "total £"
    );
    table.rows.iter().chain(&table.total).for_each(|cells| text += &row(cells));
    let (calls, printed) = (sum(month.lines.iter().filter(|line| !line.is_fixed)), sum(&month.lines));
    text += &format!(
        "calls {} rated, exactly {} = lines of calls {} less rounding {}; statements {}\n",
        month.rated.calls - month.rated.unrated,
        exact(month.rated.micros),
        Cell::Pence(calls.pence),
        exact(calls.pence * MICROS_A_PENNY - month.rated.micros),
        Cell::Pence(printed.pence)
    );
    text
}

/// `£1,234.560001`: millionths of a pound, exactly.
fn exact(micros: i64) -> String {
    let sign = if micros < 0 { "−" } else { "" };
    let size = micros.unsigned_abs();
    format!("{sign}£{}.{:06}", Cell::Int((size / 1_000_000) as i64), size % 1_000_000)
}

/// A name that stays in its folder whatever the code says: letters, digits, `-` and `_` of ASCII. Codes that would share a
/// name, be it on a disk that does not tell capitals, get a number each.
fn file_name(code: &str, taken: &mut HashSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    let name: String = code.chars().map(plain).take(60).collect();
    let name = if name.is_empty() { "_".to_string() } else { name };
    let mut unique = name.clone();
    let mut count = 1;
    while !taken.insert(unique.to_ascii_lowercase()) {
        count += 1;
        unique = format!("{name}-{count}");
    }
    unique
}

fn titled(lines: &[&Line]) -> String {
    match lines.first() {
        Some(line) if line.name.is_empty() => line.cost_centre.clone(),
        Some(line) => format!("{} {}", line.cost_centre, line.name),
        None => String::new(),
    }
}

fn lines_table<'a>(lines: impl Iterator<Item = &'a Line> + Clone, names_centre: bool) -> Table {
    let mut columns = Vec::new();
    if names_centre {
        columns.push(Column::new("cost_centre", "Cost centre", Kind::Text));
        columns.push(Column::new("name", "Name", Kind::Text));
    }
    columns.extend([
        Column::new("kind", "Kind", Kind::Text),
        Column::new("item", "Item", Kind::Text),
        Column::new("band", "Band", Kind::Text),
        Column::new("calls", "Calls", Kind::Int),
        Column::new("unrated", "Of them without a price", Kind::Int),
        Column::new("billed_s", "Charged for (s)", Kind::Int),
        Column::new("extensions", "Extensions", Kind::Int),
        Column::new("charge_micros", "Exact charge (millionths of £)", Kind::Int),
        Column::new("charge_pounds", "Charge", Kind::Pence),
    ]);
    let word = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_string()) };
    let row = |line: &Line| {
        let of = |is_there: bool, number| if is_there { Cell::Int(number) } else { Cell::Empty };
        let mut cells = if names_centre { vec![word(&line.cost_centre), word(&line.name)] } else { Vec::new() };
        cells.extend([
            word(if line.is_fixed { "fixed" } else { "calls" }),
            word(&line.item),
            word(&line.band),
            of(!line.is_fixed, line.count),
            of(!line.is_fixed, line.unrated),
            of(!line.is_fixed, line.billed_s),
            of(line.is_fixed, line.count),
            Cell::Int(line.micros),
            Cell::Pence(line.pence),
        ]);
        cells
    };
    let total = sum(lines.clone());
    let mut last = vec![Cell::Empty; columns.len()];
    last[0] = Cell::Text("Total".into());
    let width = last.len();
    (last[width - 2], last[width - 1]) = (Cell::Int(total.micros), Cell::Pence(total.pence));
    Table { caption: "Lines of the month".into(), columns, rows: lines.map(row).collect(), total: Some(last) }
}

fn totals(month: &Month) -> Table {
    let columns = vec![
        Column::new("cost_centre", "Cost centre", Kind::Text),
        Column::new("name", "Name", Kind::Text),
        Column::new("calls", "Calls", Kind::Int),
        Column::new("unrated", "Of them without a price", Kind::Int),
        Column::new("calls_pounds", "Calls to others", Kind::Pence),
        Column::new("on_net_pounds", "On-net calls", Kind::Pence),
        Column::new("fixed_pounds", "Fixed charges", Kind::Pence),
        Column::new("total_pounds", "Total", Kind::Pence),
    ];
    let cells = |code: &str, name: &str, lines: &[&Line]| {
        let of = |pick: &dyn Fn(&Line) -> bool| Cell::Pence(sum(lines.iter().copied().filter(|line| pick(line))).pence);
        let calls = || lines.iter().filter(|line| !line.is_fixed);
        vec![
            Cell::Text(code.to_string()),
            if name.is_empty() { Cell::Empty } else { Cell::Text(name.to_string()) },
            Cell::Int(calls().map(|line| line.count).sum()),
            Cell::Int(calls().map(|line| line.unrated).sum()),
            of(&|line| !line.is_fixed && line.item != ON_NET),
            of(&|line| !line.is_fixed && line.item == ON_NET),
            of(&|line| line.is_fixed),
            of(&|_| true),
        ]
    };
    let centres = by_cost_centre(&month.lines);
    let rows = centres.iter().map(|(code, lines)| cells(code, lines.first().map_or("", |l| &l.name), lines)).collect();
    let all: Vec<&Line> = month.lines.iter().collect();
    Table { caption: "Cost centres".into(), columns, rows, total: Some(cells("Total", "", &all)) }
}

fn sums(month: &Month) -> Table {
    let columns = vec![
        Column::new("of", "Of", Kind::Text),
        Column::new("exact_micros", "Exact sum (millionths of £)", Kind::Int),
        Column::new("charged_pounds", "Sum of the lines", Kind::Pence),
        Column::new("rounding_micros", "Rounding of lines to the penny (millionths of £)", Kind::Int),
    ];
    let row = |of: &str, pick: &dyn Fn(&Line) -> bool| {
        let sum = sum(month.lines.iter().filter(|line| pick(line)));
        vec![
            Cell::Text(of.to_string()),
            Cell::Int(sum.micros),
            Cell::Pence(sum.pence),
            Cell::Int(sum.pence * MICROS_A_PENNY - sum.micros),
        ]
    };
    let rows = vec![
        row("Calls to others", &|line| !line.is_fixed && line.item != ON_NET),
        row("On-net calls", &|line| !line.is_fixed && line.item == ON_NET),
        row("Fixed charges", &|line| line.is_fixed),
    ];
    Table { caption: "Sums of the month".into(), columns, rows, total: Some(row("Statements", &|_| true)) }
}

/// What a person must look at: sections with rows only.
fn findings(month: &Month) -> Vec<Section> {
    let found = [
        ("unrated-calls", "Calls without a price", "They are counted above and are in no charge.", &month.unrated),
        ("rated-against-bill", "Against the carriers' bills", AGAINST, &month.against_bill),
    ];
    let some = found.into_iter().filter(|(.., table)| !table.rows.is_empty());
    some.map(|(id, title, intro, table)| section(id, title, intro, table.clone())).collect()
}

const AGAINST: &str =
    "The same calls at the carrier's prices, between the first and the last day that its bill has a call on.";

fn facts<'a>(lines: impl Iterator<Item = &'a Line> + Clone) -> Vec<Fact> {
    let fact = |id: &str, label: &str, pence: i64| Fact {
        id: id.into(),
        label: label.into(),
        value: Cell::Pence(pence),
        unit: String::new(),
        note: "without VAT".into(),
    };
    vec![
        fact("calls", "Calls", sum(lines.clone().filter(|line| !line.is_fixed)).pence),
        fact("fixed_charges", "Fixed charges", sum(lines.clone().filter(|line| line.is_fixed)).pence),
        fact("total", "Total", sum(lines).pence),
    ]
}

fn report(month: &Month, title: &str, facts: Vec<Fact>, sections: Vec<Section>) -> Report {
    let (title, subtitle) = (title.to_string(), format!("Telephony charges of {}", month.last_day.format("%B %Y")));
    Report { title, subtitle, as_of: month.last_day, facts, sections, provenance: month.provenance.clone() }
}

fn section(id: &str, title: &str, intro: &str, table: Table) -> Section {
    Section { id: id.into(), title: title.into(), intro: intro.into(), table, ..Section::default() }
}

/// Columns in pence become money.
pub fn money(mut table: Table) -> Table {
    for (at, column) in table.columns.iter_mut().enumerate().filter(|(_, column)| column.name.ends_with("_pence")) {
        column.kind = Kind::Pence;
        column.title = answer::title(column.name.trim_end_matches("_pence"), "");
        for row in &mut table.rows {
            if let Cell::Int(pence) = row[at] {
                row[at] = Cell::Pence(pence);
            }
        }
    }
    table
}

pub fn rows_where<'t>(table: &'t Table, column: &str, word: &str) -> Vec<&'t [Cell]> {
    let is = |row: &&Vec<Cell>| matches!(cell(table, row, column), Cell::Text(text) if text == word);
    table.rows.iter().filter(is).map(Vec::as_slice).collect()
}

/// A cell by its column's name; empty where there is no such column.
pub fn cell<'r>(table: &Table, row: &'r [Cell], column: &str) -> &'r Cell {
    table.columns.iter().position(|c| c.name == column).map_or(&Cell::Empty, |at| &row[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_never_leaves_its_folder() {
        let mut taken = HashSet::new();
        let mut name = |code: &str| file_name(code, &mut taken);
        assert_eq!(name("CC100"), "CC100");
        assert_eq!(name("cc100"), "cc100-2", "a disk may not tell capitals apart");
        assert_eq!(name("../../etc/passwd"), "______etc_passwd");
        assert_eq!(name("..\\x"), "___x");
        assert_eq!(name("(none)"), "_none_");
        assert_eq!((name(""), name(".")), ("_".to_string(), "_-2".to_string()));
        assert_eq!(name("é\0\n/"), "____");
        assert_eq!(name(&"x".repeat(500)).len(), 60);
    }

    #[test]
    fn millionths_are_printed_exactly() {
        let shown = [0, 1, 10_000, 695_550, 1_234_560_001, -4_450].map(exact);
        assert_eq!(shown, ["£0.000000", "£0.000001", "£0.010000", "£0.695550", "£1,234.560001", "−£0.004450"]);
    }
}
