//! What an analyst sees: every table and view with the numbers of people outside masked. Views are worked out from the
//! calls as they are, and masked where they are looked at; which of a view's columns can hold a number is followed through
//! its plan from the columns of the tables, and where that cannot be told it is taken to hold one. Knows no connection.

mod number;
mod own;
mod trace;

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF, case, lit};
use datafusion::prelude::SessionContext;

pub use own::own;
use trace::{Holds, Trace};

use super::listed::Listed;
use crate::privacy::Own;
use crate::sql::{self, CATALOG, VIEWS};

/// What stands in the place of what is masked whole.
const MASKED: &str = "masked";

/// Columns of the lake's tables that can hold a number of somebody outside, or a hash by which it could be guessed. All
/// others hold what is ours.
const SOURCES: [(&str, &str, Holds); 18] = [
    ("legs", "caller", Holds::Number),
    ("legs", "dialled", Holds::Number),
    ("legs", "callee", Holds::Number),
    ("legs", "caller_device", Holds::Word),
    ("legs", "callee_device", Holds::Word),
    ("legs", "caller_user", Holds::Word),
    ("legs", "callee_user", Holds::Word),
    ("legs", "trunk_in", Holds::Word),
    ("legs", "trunk_out", Holds::Word),
    ("legs", "hunt_group", Holds::Word),
    ("legs", "account_code", Holds::Whole),
    ("usage", "subject", Holds::Word),
    ("usage", "dialled_one", Holds::Whole),
    ("traffic", "name", Holds::Word),
    ("quality", "number", Holds::Number),
    ("quality", "device", Holds::Word),
    ("rejects", "detail", Holds::Word),
    ("rejects", "raw", Holds::Whole),
];

/// A session with the tables and views of `whole` as an analyst sees them.
///
/// # Errors
/// A view that cannot be planned.
pub async fn masked(whole: &SessionContext, own: &Arc<Own>, runtime: &Arc<RuntimeEnv>) -> Result<SessionContext> {
    let missing = |name: &str| DataFusionError::Plan(format!("{name} is missing"));
    let schema = whole.catalog(CATALOG).and_then(|catalog| catalog.schema("public"));
    let schema = schema.ok_or_else(|| missing("public"))?;
    let functions = [
        (Holds::Number, Arc::new(number::function(own.clone(), true))),
        (Holds::Word, Arc::new(number::function(own.clone(), false))),
    ];
    let mut trace = Trace::new(SOURCES.iter().copied());
    let analyst = sql::bare(runtime);
    // Of a view that stands as rows nothing can be followed: its plan is made anew, those it stands on before it.
    for view in VIEWS.iter() {
        let provider = schema.table(&view.name).await?.ok_or_else(|| missing(&view.name))?;
        if provider.get_logical_plan().is_none() {
            let plan = whole.state().create_logical_plan(&view.sql).await?;
            let holds = trace.plan(&Arc::new(plan))?;
            let names = provider.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
            trace.table(&view.name, names.into_iter().zip(holds));
        }
    }
    for name in schema.table_names() {
        let provider = schema.table(&name).await?.ok_or_else(|| missing(&name))?;
        let plan = LogicalPlanBuilder::scan(name.as_str(), provider_as_source(provider.clone()), None)?.build()?;
        let holds = trace.plan(&Arc::new(plan.clone()))?;
        let kind = provider.table_type();
        let table = match holds.iter().all(|holds| *holds == Holds::Nothing) {
            true => provider,
            false => Arc::new(Listed { table: Arc::new(covered(plan, &holds, &functions)?), kind }),
        };
        analyst.register_table(name.as_str(), table)?;
    }
    Ok(analyst)
}

/// The rows of a plan with some of its columns masked; names and types stay.
fn covered(plan: LogicalPlan, holds: &[Holds], functions: &[(Holds, Arc<ScalarUDF>)]) -> Result<ViewTable> {
    let columns = plan.schema().iter().zip(holds).map(|((table, field), holds)| {
        let column = Expr::Column(Column::from((table, field)));
        let function = functions.iter().find(|(of, _)| of == holds).map(|(_, function)| function);
        let masked = match (holds, function) {
            (Holds::Nothing, _) => return Ok(column),
            (_, Some(function)) if is_text(field.data_type()) => function.call(vec![column]),
            (Holds::Whole, _) if is_text(field.data_type()) => {
                let text = ScalarValue::Utf8(Some(MASKED.into())).cast_to(field.data_type())?;
                case(column.is_null()).when(lit(false), lit(text)).end()?
            }
            // No view gives a number in any other form; if one did, an analyst would not see it.
            _ => lit(ScalarValue::try_from(field.data_type())?),
        };
        Ok(masked.alias(field.name()))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(ViewTable::new(LogicalPlanBuilder::from(plan).project(columns)?.build()?, None))
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}
