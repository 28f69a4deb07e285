//! From an allowed statement to a plan over a session, and the types of its parameters. Runs nothing.

use std::collections::{HashMap, HashSet};

use arrow::datatypes::{DataType, Field};
use arrow_pg::datatypes::{PG_OID_ALIAS_KEY, into_pg_type, pg_type_for_alias_kind};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::sql::parser;
use datafusion::sql::sqlparser::ast::Statement;
use pgwire::api::Type;
use pgwire::error::PgWireResult;

use super::rows::told;
use crate::sql::read_only;

/// The plan of a statement. It is looked at once more: nothing that changes anything is in it.
///
/// # Errors
/// A table, column or function that is not there, or what the engine does not do.
pub async fn plan(state: &SessionState, statement: Statement) -> Result<LogicalPlan, DataFusionError> {
    let plan = state.statement_to_plan(parser::Statement::Statement(Box::new(statement))).await?;
    read_only().verify_plan(&plan)?;
    Ok(plan)
}

/// A parameter `$1`, `$2`, …: the type the engine takes it for, and the one the client is told.
pub struct Parameter {
    pub engine: Option<DataType>,
    pub wire: Type,
}

/// The parameters of a plan, `$1` first. One that it does not use is a text, whatever it is.
///
/// # Errors
/// A type that PostgreSQL has no word for.
pub fn parameters(plan: &LogicalPlan) -> PgWireResult<Vec<Parameter>> {
    let mut kinds = plan.get_parameter_types().map_err(|error| told(&error))?;
    let (casts, oids) = said_of_parameters(plan);
    for (name, kind) in casts {
        kinds.entry(name).or_insert(None).get_or_insert(kind);
    }
    let number = |name: &String| name.trim_start_matches('$').parse::<u16>().ok();
    let last = kinds.keys().filter_map(number).max().unwrap_or(0);
    let of = |n: u16| {
        let name = format!("${n}");
        let engine = kinds.remove(&name).flatten();
        let wire = match (oids.get(&name), &engine) {
            (Some(oid), _) => oid.clone(),
            (None, Some(kind)) => into_pg_type(kind)?,
            (None, None) => Type::TEXT,
        };
        Ok(Parameter { engine, wire })
    };
    (1..=last).map(of).collect()
}

/// Types that casts and places say, and parameters that are compared with an object's id, which clients bind as such.
fn said_of_parameters(plan: &LogicalPlan) -> (HashMap<String, DataType>, HashMap<String, Type>) {
    let (mut casts, mut oids, mut seen) = (HashMap::new(), HashMap::new(), HashSet::new());
    let mut places = HashMap::new();
    let mut look = |e: &Expr| {
        if let Expr::Cast(cast) = e
            && let Expr::Placeholder(parameter) = cast.expr.as_ref()
            && seen.insert(parameter.id.clone())
        {
            casts.insert(parameter.id.clone(), cast.field.data_type().clone());
        }
        if let Expr::Placeholder(parameter) = e
            && let Some(oid) = parameter.field.as_deref().and_then(oid)
        {
            oids.insert(parameter.id.clone(), oid);
        }
    };
    let _ = plan.apply_with_subqueries(|node| {
        said_by_place(node, &mut places);
        for expression in node.expressions() {
            expression.apply(|e| {
                look(e);
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    });
    places.extend(casts);
    (places, oids)
}

/// Parameters whose place says their type: how many rows, and a list of values as in `x = any($1)`.
fn said_by_place(node: &LogicalPlan, said: &mut HashMap<String, DataType>) {
    if let LogicalPlan::Limit(limit) = node {
        for count in [&limit.skip, &limit.fetch].into_iter().flatten() {
            if let Expr::Placeholder(parameter) = count.as_ref() {
                said.insert(parameter.id.clone(), DataType::Int64);
            }
        }
    }
    for expression in node.expressions() {
        let _ = expression.apply(|e| {
            if let Expr::ScalarFunction(function) = e
                && function.name() == "array_has"
                && let [Expr::Placeholder(parameter), value] = &function.args[..]
                && let Some(kind) = node.inputs().first().and_then(|input| value.get_type(input.schema()).ok())
            {
                let kind = if kind == DataType::Utf8View { DataType::Utf8 } else { kind };
                said.insert(parameter.id.clone(), DataType::new_list(kind, true));
            }
            Ok(TreeNodeRecursion::Continue)
        });
    }
}

fn oid(field: &Field) -> Option<Type> {
    let kind = field.metadata().get(PG_OID_ALIAS_KEY).filter(|_| field.data_type() == &DataType::Int32)?;
    pg_type_for_alias_kind(kind)
}
