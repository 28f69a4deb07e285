//! The model worked out again and again in floating point, only as far as some inputs move some figures: for
//! sensitivities and simulations, whose results are estimates. Never for a figure of the case itself.

use super::Case;
use super::formula::{Gap, Id, Known, Number};
use super::grid::Values;

/// A model with everything worked out that stays as it is.
#[derive(Clone)]
pub struct Quick<'a> {
    case: &'a Case,
    /// Cells that move and are needed, in order.
    order: Vec<Id>,
    wanted: Vec<Id>,
    pub inputs: Vec<f64>,
    cells: Values<f64>,
}

impl<'a> Quick<'a> {
    /// For these figures, where these inputs move.
    pub fn new(case: &'a Case, moving: &[usize], wanted: Vec<Id>) -> Self {
        let inputs: Vec<f64> = case.inputs().into_iter().map(Number::as_f64).collect();
        let cells = case.model.values(&inputs);
        let moved = case.model.moved_by(moving);
        let order = case.model.behind(wanted.iter().copied()).into_iter().filter(|id| moved[id.0 as usize]).collect();
        Self { case, order, wanted, inputs, cells }
    }

    /// Works out the figures with `inputs` as they are now; one without a value is not a number.
    pub fn figures(&mut self, into: &mut [f64]) {
        for id in &self.order {
            let formula = &self.case.model.cells[id.0 as usize].formula;
            let known = Known { inputs: &self.inputs, cells: &self.cells, tables: &self.case.model.tables };
            let value: Result<f64, Gap> = formula.value(&known);
            self.cells[id.0 as usize] = value;
        }
        for (figure, id) in into.iter_mut().zip(&self.wanted) {
            *figure = self.cells[id.0 as usize].unwrap_or(f64::NAN);
        }
    }
}
