//! Where a figure comes from: its formula with the values in it, and so on down to assumptions and queries. What lies below
//! a query (lake, files, lines) is for the caller to add.

use super::formula::{Formula, Id, Refers};
use super::notation;
use super::{Assumption, Case, Count, DriverQuery};
use crate::error::{Error, Result};

/// One figure in the chain of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// How far down: 0 is the figure asked for.
    pub depth: usize,
    /// Where it stands in the workbook.
    pub place: String,
    pub label: String,
    /// As printed; none where there is no such figure.
    pub value: Option<String>,
    /// In a spreadsheet's notation; none for an input.
    pub formula: Option<String>,
    pub from: From,
    /// Whether the cells behind it were told above already.
    pub is_told: bool,
}

/// What a figure rests on.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    Cells,
    Assumption(Box<Assumption>),
    Query(DriverQuery),
}

impl Case {
    /// The chain of a figure, each cell once, from the figure down.
    pub fn trace(&self, figure: &str) -> Result<Vec<Step>> {
        let Some(id) = self.model.figures.get(figure) else {
            let known: Vec<&str> = self.model.figures.keys().map(String::as_str).collect();
            return Err(Error::Case {
                place: "--trace".into(),
                what: format!("no figure is called `{figure}`"),
                hint: format!("known: {}", known.join(", ")),
            });
        };
        let mut told = vec![false; self.model.cells.len()];
        let mut steps = Vec::new();
        // Deepest last: a stack of cells still to tell.
        let mut open = vec![(*id, 0)];
        while let Some((id, depth)) = open.pop() {
            let is_told = std::mem::replace(&mut told[id.0 as usize], true);
            let mut step = self.step(id, depth);
            step.is_told = is_told;
            steps.push(step);
            if is_told {
                continue;
            }
            let mut below = Vec::new();
            self.model.cell(id).formula.refers(&mut |refers| {
                if let Refers::Cell(id) = refers
                    && !below.contains(&id)
                {
                    below.push(id);
                }
            });
            open.extend(below.into_iter().rev().map(|id| (id, depth + 1)));
        }
        Ok(steps)
    }

    fn step(&self, id: Id, depth: usize) -> Step {
        let cell = self.model.cell(id);
        let value = self.printed(id);
        let from = match &cell.formula {
            Formula::Input(at) => From::Assumption(Box::new(self.file.book[*at].clone())),
            formula => self.query_of(formula, &cell.label).map_or(From::Cells, From::Query),
        };
        let is_input = matches!(cell.formula, Formula::Input(_) | Formula::Number(_));
        let formula =
            notation::formula(&self.model, cell.place.sheet, &cell.formula, &|at| self.file.book[at].id.clone());
        Step {
            depth,
            place: notation::whole(&self.model, cell.place),
            label: cell.label.clone(),
            value,
            formula: (!is_input).then_some(formula),
            from,
            is_told: false,
        }
    }

    /// The query that a cell picks rows from.
    fn query_of(&self, formula: &Formula, label: &str) -> Option<DriverQuery> {
        let picks = matches!(formula, Formula::Picked(_))
            || matches!(formula, Formula::Less(left, _) if matches!(**left, Formula::Picked(_)));
        let drivers = self.file.drivers.iter().filter(|_| picks);
        drivers
            .filter(|driver| {
                label
                    .strip_prefix(driver.title.as_str())
                    .is_some_and(|rest| rest == ", counted" || rest.starts_with(", by "))
            })
            .find_map(|driver| match &driver.count {
                Count::Asked(query) => Some(query.clone()),
                _ => None,
            })
    }
}
