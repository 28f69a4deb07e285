//! The model of a case: cells with formulas, laid out on the sheets a workbook will have. Holds cells and works them out;
//! which cells there are is for `volumes`, `costs` and `appraise` to say.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::formula::{Formula, Gap, Id, Known, Number, Refers, Table};

/// How a cell's number is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Money,
    Count,
    Percent,
    /// Six decimals: factors, quotients, years.
    Factor,
    Plain,
}

/// A place on a sheet, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub sheet: usize,
    pub row: u32,
    pub column: u16,
}

/// A number somewhere on a sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub place: Place,
    /// What it is, in words: `Support, 2024-25`.
    pub label: String,
    pub unit: Unit,
    pub formula: Formula,
}

/// What stands at a place that is no cell of the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Words {
    Title(String),
    Head(String),
    Label(String),
    Total(String),
    Note(String),
    /// A number beside the model, such as the low end of an assumption.
    Fixed(Decimal, Unit),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sheet {
    pub name: String,
    pub words: BTreeMap<(u32, u16), Words>,
    /// Rows and columns that stay in sight.
    pub frozen: (u32, u16),
    /// Widths of the first columns in letters; the others hold a sum of money.
    pub widths: Vec<u16>,
}

/// A chart of rows of cells, each over the years that begin at `head`.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    pub title: String,
    /// Its upper left corner.
    pub place: Place,
    pub head: Place,
    pub is_bars: bool,
    /// Name and cells of each series.
    pub rows: Vec<(String, Vec<Id>)>,
}

/// All cells in the order of calculation, and where they stand.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub sheets: Vec<Sheet>,
    pub cells: Vec<Cell>,
    /// Names of cells, for formulas a person writes: assumptions and headline figures.
    pub names: Vec<(String, Id)>,
    /// Headline figures by their id, such as `npv.consolidate`.
    pub figures: BTreeMap<String, Id>,
    /// Evidence that formulas pick from, and where its header stands.
    pub tables: Vec<Table>,
    pub table_places: Vec<Place>,
    pub graphs: Vec<Graph>,
}

/// Values of all cells.
pub type Values<N> = Vec<Result<N, Gap>>;

impl Model {
    pub fn sheet(&mut self, name: &str, frozen: (u32, u16), widths: &[u16]) -> usize {
        self.sheets.push(Sheet { name: name.into(), frozen, widths: widths.into(), words: BTreeMap::new() });
        self.sheets.len() - 1
    }

    pub fn write(&mut self, sheet: usize, row: u32, column: u16, words: Words) {
        self.sheets[sheet].words.insert((row, column), words);
    }

    pub fn heads(&mut self, sheet: usize, row: u32, heads: &[&str]) {
        for (column, head) in (0..).zip(heads) {
            self.write(sheet, row, column, Words::Head((*head).into()));
        }
    }

    /// A cell; what its formula refers to must be there already.
    pub fn put(&mut self, place: (usize, u32, u16), unit: Unit, label: impl Into<String>, formula: Formula) -> Id {
        let (sheet, row, column) = place;
        self.cells.push(Cell { place: Place { sheet, row, column }, label: label.into(), unit, formula });
        Id(self.cells.len() as u32 - 1)
    }

    pub fn name(&mut self, name: impl Into<String>, id: Id) {
        self.names.push((name.into(), id));
    }

    pub fn figure(&mut self, figure: impl Into<String>, id: Id) {
        self.figures.insert(figure.into(), id);
    }

    pub fn cell(&self, id: Id) -> &Cell {
        &self.cells[id.0 as usize]
    }

    /// Every cell worked out.
    pub fn values<N: Number>(&self, inputs: &[N]) -> Values<N> {
        let mut values = Vec::with_capacity(self.cells.len());
        for cell in &self.cells {
            let value = cell.formula.value(&Known { inputs, cells: &values, tables: &self.tables });
            values.push(value);
        }
        values
    }

    /// The cells that `wanted` rest on, in order.
    pub fn behind(&self, wanted: impl IntoIterator<Item = Id>) -> Vec<Id> {
        let mut needed = vec![false; self.cells.len()];
        wanted.into_iter().for_each(|id| needed[id.0 as usize] = true);
        for at in (0..self.cells.len()).rev() {
            if needed[at] {
                self.cells[at].formula.refers(&mut |refers| {
                    if let Refers::Cell(id) = refers {
                        needed[id.0 as usize] = true;
                    }
                });
            }
        }
        (0..self.cells.len()).filter(|at| needed[*at]).map(|at| Id(at as u32)).collect()
    }

    /// The cells that change when one of `inputs` does.
    pub fn moved_by(&self, inputs: &[usize]) -> Vec<bool> {
        let mut moved = vec![false; self.cells.len()];
        for at in 0..self.cells.len() {
            let mut moves = false;
            self.cells[at].formula.refers(&mut |refers| {
                moves |= match refers {
                    Refers::Cell(id) => moved[id.0 as usize],
                    Refers::Input(input) => inputs.contains(&input),
                };
            });
            moved[at] = moves;
        }
        moved
    }
}
