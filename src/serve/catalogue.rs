//! PostgreSQL's catalogue over a session, and the few functions of it that the library leaves out. Knows no lake.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_pg_catalog::pg_catalog::setup_pg_catalog;

use crate::sql::CATALOG;

/// The version of PostgreSQL that clients take us for: they ask for no less and know what it has.
pub const SERVER_VERSION: &str = concat!("16.6 (onhook ", env!("CARGO_PKG_VERSION"), ")");

/// # Errors
/// The library's own tables cannot be made.
pub fn install(context: &SessionContext) -> Result<()> {
    setup_pg_catalog(context, CATALOG, EmptyContextProvider).map_err(|error| *error)?;
    // Some clients read the version out of this text.
    context.register_udf(says("version", format!("PostgreSQL {SERVER_VERSION}")));
    context.register_udf(of_each("pg_get_userbyid", DataType::Int32, |_| Some("onhook".into())));
    // No type is there by a name that a client has to look up.
    context.register_udf(constant("to_regtype", vec![DataType::Utf8], ScalarValue::Int32(None)));
    // No function is a procedure that a client could call.
    let arguments = vec![DataType::Int64, DataType::Utf8];
    context.register_udf(constant("has_function_privilege", arguments, ScalarValue::Boolean(Some(false))));
    context.register_udf(of_each("obj_description", DataType::Int32, |_| None));
    context.register_udf(of_each("current_setting", DataType::Utf8, |text| {
        let name = text?.to_ascii_lowercase();
        Some(match name.as_str() {
            "search_path" => "\"$user\", public".to_string(),
            "server_version_num" => "160006".to_string(),
            "server_version" => SERVER_VERSION.to_string(),
            "is_superuser" => "off".to_string(),
            "timezone" => "Etc/UTC".to_string(),
            _ => return None,
        })
    }));
    Ok(())
}

/// The session of one client: its own name is `session_user`.
pub fn personal(context: &SessionContext, user: &str) -> Result<SessionState> {
    let mut state = context.state();
    state.register_udf(Arc::new(says("session_user", user.to_string())))?;
    Ok(state)
}

/// A function without arguments that always says the same.
fn says(name: &str, text: String) -> ScalarUDF {
    constant(name, vec![], ScalarValue::from(text))
}

/// A function that says the same whatever it is given.
fn constant(name: &str, arguments: Vec<DataType>, value: ScalarValue) -> ScalarUDF {
    let kind = value.data_type();
    let tell = move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(value.clone()));
    create_udf(name, arguments, kind, Volatility::Stable, Arc::new(tell))
}

/// A function of one argument; what it is told is a text.
fn of_each(name: &str, kind: DataType, of: fn(Option<&str>) -> Option<String>) -> ScalarUDF {
    let tell = move |args: &[ColumnarValue]| {
        let args = ColumnarValue::values_to_arrays(args)?;
        let texts = arrow::compute::cast(&args[0], &DataType::Utf8)?;
        let told: StringArray = texts.as_string::<i32>().iter().map(of).collect();
        Ok(ColumnarValue::Array(Arc::new(told) as ArrayRef))
    };
    create_udf(name, vec![kind], DataType::Utf8, Volatility::Stable, Arc::new(tell))
}
