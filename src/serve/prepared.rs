//! A statement that a client has prepared: what it is, its plan over the lake as it was then, its parameters. Runs nothing.

use std::sync::Arc;

use arrow::datatypes::DataType;
use arrow_pg::datatypes::df::deserialize_parameters_with_server_types;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::Statement;
use pgwire::api::Type;
use pgwire::api::portal::{Format, Portal};
use pgwire::error::PgWireResult;

use super::current::Sessions;
use super::plan;
use super::rows::{error, told};
use super::statement::Allowed;

#[derive(Clone)]
pub struct Prepared {
    /// As it stands in the log.
    pub text: String,
    pub allowed: Allowed,
    planned: Option<(Arc<Sessions>, Arc<LogicalPlan>)>,
}

impl Prepared {
    pub fn new(text: String, allowed: Allowed) -> Self {
        Self { text, allowed, planned: None }
    }

    pub fn with(self, sessions: Arc<Sessions>, plan: LogicalPlan) -> Self {
        Self { planned: Some((sessions, Arc::new(plan))), ..self }
    }

    /// What there is to plan.
    pub fn statement(&self) -> Option<Statement> {
        match &self.allowed {
            Allowed::Rows(statement) | Allowed::Copy(statement, _) => Some((**statement).clone()),
            _ => None,
        }
    }

    pub fn plan(&self) -> Option<&LogicalPlan> {
        self.planned.as_ref().map(|(_, plan)| plan.as_ref())
    }

    /// The plan, if it is over these sessions.
    pub fn plan_over(&self, sessions: &Arc<Sessions>) -> Option<LogicalPlan> {
        self.planned.as_ref().filter(|(over, _)| Arc::ptr_eq(over, sessions)).map(|(_, plan)| plan.as_ref().clone())
    }

    /// # Errors
    /// A type that PostgreSQL has no word for.
    pub fn parameters(&self) -> PgWireResult<Vec<Type>> {
        let Some(plan) = self.plan() else { return Ok(Vec::new()) };
        Ok(plan::parameters(plan)?.into_iter().map(|parameter| parameter.wire).collect())
    }
}

/// A plan with the values that the client has bound.
///
/// # Errors
/// Values that are too few, of another type, or given in forms that do not fit their number.
pub fn bind(plan: LogicalPlan, portal: &Portal<Prepared>) -> PgWireResult<LogicalPlan> {
    fits(&portal.result_column_format, plan.schema().fields().len())?;
    fits(&portal.parameter_format, portal.parameter_len())?;
    let parameters = plan::parameters(&plan)?;
    if parameters.len() > portal.parameter_len() {
        let what =
            format!("{} parameters are bound, and the statement has {}", portal.parameter_len(), parameters.len());
        return Err(error("08P01", &what));
    }
    if parameters.is_empty() {
        return Ok(plan);
    }
    // Some that are bound may be of what was said in other words.
    let more = portal.parameter_len() - parameters.len();
    let wire = parameters.iter().map(|p| Some(&p.wire)).chain(std::iter::repeat_n(Some(&Type::TEXT), more));
    let wire: Vec<Option<&Type>> = wire.collect();
    let engine: Vec<Option<&DataType>> = parameters.iter().map(|p| p.engine.as_ref()).collect();
    let values = deserialize_parameters_with_server_types(portal, &engine, &wire)?;
    plan.replace_params_with_values(&values).map_err(|why| told(&why))
}

/// Holds the forms of columns to their number: the library looks no further.
///
/// # Errors
/// Another number.
pub fn fits(format: &Format, columns: usize) -> PgWireResult<()> {
    match format {
        Format::Individual(codes) if codes.len() != columns => {
            Err(error("08P01", &format!("{} formats are given for {columns} columns or parameters", codes.len())))
        }
        _ => Ok(()),
    }
}
