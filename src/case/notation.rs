//! Formulas in a spreadsheet's notation, as the workbook holds them and a trace prints them. Every name of a sheet is
//! quoted; texts that a formula compares with are strings and never parts of it.

use super::formula::{Formula, Id, Is, Pick};
use super::grid::{Model, Place};

/// `F12`.
pub fn at(place: Place) -> String {
    format!("{}{}", column(place.column), place.row + 1)
}

/// `$F$12`.
pub fn fixed(place: Place) -> String {
    format!("${}${}", column(place.column), place.row + 1)
}

/// `'Option stay'!F12`.
pub fn whole(model: &Model, place: Place) -> String {
    format!("{}!{}", quoted(&model.sheets[place.sheet].name), at(place))
}

/// Without the equals sign; places of the sheet it stands on go without its name. `value` writes an input.
pub fn formula(model: &Model, from: usize, formula: &Formula, input: &dyn Fn(usize) -> String) -> String {
    Writer { model, from, input }.text(formula)
}

struct Writer<'a> {
    model: &'a Model,
    from: usize,
    input: &'a dyn Fn(usize) -> String,
}

impl Writer<'_> {
    fn text(&self, formula: &Formula) -> String {
        let list = |all: &[Formula], with: &str| {
            let parts: Vec<String> = all.iter().map(|one| self.part(one)).collect();
            parts.join(with)
        };
        match formula {
            Formula::Number(value) => value.exact.normalize().to_string(),
            Formula::Input(at) => (self.input)(*at),
            Formula::Cell(id) => self.cell(*id),
            Formula::Sum(run) => format!("SUM({})", self.run(run)),
            Formula::Least(run) => format!("MIN({})", self.run(run)),
            Formula::Dot(left, right) => format!("SUMPRODUCT({},{})", self.run(left), self.run(right)),
            Formula::Irr(run) => format!("IRR({})", self.run(run)),
            Formula::Plus(all) => list(all, "+"),
            Formula::Times(all) => list(all, "*"),
            Formula::Less(left, right) => format!("{}-{}", self.text(left), self.part(right)),
            Formula::Over(left, right) => format!("{}/{}", self.part(left), self.part(right)),
            Formula::Min(left, right) => format!("MIN({},{})", self.text(left), self.text(right)),
            Formula::Max(left, right) => format!("MAX({},{})", self.text(left), self.text(right)),
            Formula::Round(of, decimals) => format!("ROUND({},{decimals})", self.text(of)),
            // Rounded before it is cut: three times a third is one, also in binary.
            Formula::Down(of) => format!("ROUNDDOWN(ROUND({},9),0)", self.text(of)),
            Formula::Up(of) => format!("ROUNDUP(ROUND({},9),0)", self.text(of)),
            Formula::If(test, then, otherwise) => {
                let is = match test.is {
                    Is::Over => ">",
                    Is::AtLeast => ">=",
                    Is::Equal => "=",
                };
                let (left, right) = (self.text(&test.left), self.text(&test.right));
                format!("IF({left}{is}{right},{},{})", self.text(then), self.text(otherwise))
            }
            Formula::Picked(pick) => self.picked(pick),
            Formula::Nothing => "\"n/a\"".into(),
        }
    }

    /// In brackets where the signs around it would tear it apart.
    fn part(&self, formula: &Formula) -> String {
        let text = self.text(formula);
        match formula {
            Formula::Plus(_) | Formula::Times(_) | Formula::Less(..) | Formula::Over(..) => format!("({text})"),
            Formula::Number(value) if value.exact.is_sign_negative() => format!("({text})"),
            _ => text,
        }
    }

    fn cell(&self, id: Id) -> String {
        let place = self.model.cell(id).place;
        if place.sheet == self.from { at(place) } else { whole(self.model, place) }
    }

    /// `F12:Q12` where the cells are side by side, else each by itself.
    fn run(&self, run: &[Id]) -> String {
        let places: Vec<Place> = run.iter().map(|id| self.model.cell(*id).place).collect();
        let beside =
            |step: fn(Place) -> (u32, u16)| places.windows(2).all(|two| step(two[0]) == (two[1].row, two[1].column));
        let on_one_sheet = places.windows(2).all(|two| two[0].sheet == two[1].sheet);
        let joined = beside(|p| (p.row, p.column + 1)) || beside(|p| (p.row + 1, p.column));
        match places.as_slice() {
            [_, .., last] if on_one_sheet && joined => format!("{}:{}", self.cell(run[0]), at(*last)),
            _ => run.iter().map(|id| self.cell(*id)).collect::<Vec<_>>().join(","),
        }
    }

    fn picked(&self, pick: &Pick) -> String {
        let (table, head) = (&self.model.tables[pick.table], self.model.table_places[pick.table]);
        if table.rows.is_empty() {
            return "0".into();
        }
        let range = |column: usize| {
            let place = |row: usize| Place { row: head.row + row as u32, column: head.column + column as u16, ..head };
            let (first, last) = (place(1), place(table.rows.len()));
            let sheet = if head.sheet == self.from {
                String::new()
            } else {
                format!("{}!", quoted(&self.model.sheets[head.sheet].name))
            };
            format!("{sheet}{}:{}", fixed(first), fixed(last))
        };
        let mut text = String::from("SUMPRODUCT(");
        for (column, any) in &pick.whose {
            let one = |value: &String| format!("({}=\"{}\")", range(*column), value.replace('"', "\"\""));
            text += &format!("({})*", any.iter().map(one).collect::<Vec<_>>().join("+"));
        }
        text + &format!("{})", range(pick.of))
    }
}

fn column(number: u16) -> String {
    let (mut left, mut letters) = (u32::from(number) + 1, Vec::new());
    while left > 0 {
        letters.push(b'A' + ((left - 1) % 26) as u8);
        left = (left - 1) / 26;
    }
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
}

fn quoted(sheet: &str) -> String {
    format!("'{}'", sheet.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::super::formula::Table;
    use super::super::grid::Unit;
    use super::*;

    #[test]
    fn places_and_formulas_read_as_in_a_spreadsheet() {
        let mut model = Model::default();
        let here = model.sheet("Option it's", (0, 0), &[]);
        let there = model.sheet("Volumes", (0, 0), &[]);
        let one = |model: &mut Model, sheet, row, column| {
            model.put((sheet, row, column), Unit::Plain, "x", Formula::number(1))
        };
        let row: Vec<Id> = (0..3).map(|column| one(&mut model, here, 11, 25 + column)).collect();
        let down: Vec<Id> = (0..2).map(|at| one(&mut model, there, at, 701)).collect();
        let apart = vec![row[0], down[0]];
        let write = |f: &Formula| formula(&model, here, f, &|at| format!("input{at}"));
        assert_eq!(write(&Formula::Sum(row.clone())), "SUM(Z12:AB12)");
        assert_eq!(write(&Formula::Sum(down.clone())), "SUM('Volumes'!ZZ1:ZZ2)");
        assert_eq!(write(&Formula::Sum(apart)), "SUM(Z12,'Volumes'!ZZ1)");
        let sum = Formula::from(row[0]).plus(Formula::Input(2));
        assert_eq!(
            write(&sum.clone().times(Formula::number(2)).less(sum.clone()).pence()),
            "ROUND((Z12+input2)*2-(Z12+input2),2)"
        );
        assert_eq!(write(&Formula::number(1).over(sum.clone().times(Formula::number(-1)))), "1/((Z12+input2)*(-1))");
        assert_eq!(
            write(&sum.if_over(Formula::number(0), Formula::number(1), Formula::Nothing)),
            "IF(Z12+input2>0,1,\"n/a\")"
        );
        let text = formula(&model, there, &Formula::from(row[0]), &|_| String::new());
        assert_eq!(text, "'Option it''s'!Z12");
    }

    #[test]
    fn a_text_to_compare_with_never_becomes_formula() {
        let mut model = Model::default();
        let sheet = model.sheet("Evidence", (0, 0), &[]);
        let row = |a: &str, n: &str| vec![a.to_string(), n.to_string()];
        let rows = vec![row("idle", "4"), row("x", "2")];
        model.tables.push(Table { query: "q".into(), columns: row("verdict", "n"), rows });
        model.table_places.push(Place { sheet, row: 3, column: 0 });
        let pick = Pick { table: 0, of: 1, whose: vec![(0, vec!["idle".into(), "a\")+SUM(\"1".into()])] };
        assert_eq!(
            formula(&model, sheet, &Formula::Picked(pick), &|_| String::new()),
            "SUMPRODUCT((($A$5:$A$6=\"idle\")+($A$5:$A$6=\"a\"\")+SUM(\"\"1\"))*$B$5:$B$6)"
        );
    }
}
