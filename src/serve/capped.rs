//! Functions of the engine that make much out of little: within what a statement may have, or not at all. The engine's own limit
//! of memory knows sorts and sums, and no text that a function makes. Knows no client.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;

/// Bytes that one call may make, for all rows that it is given at once.
const MOST: u64 = 64 * 1024 * 1024;

/// How many bytes a function makes of a row at most, from the lengths of its texts and the values of its numbers, in the
/// order of its first three arguments.
type Made = fn([u64; 3]) -> u64;

const CAPPED: [(&str, Made); 8] = [
    ("repeat", |[text, times, _]| text.saturating_mul(times)),
    ("lpad", |[_, length, _]| length.saturating_mul(4)),
    ("rpad", |[_, length, _]| length.saturating_mul(4)),
    ("replace", |[text, from, to]| text.saturating_add((text / from.max(1)).saturating_mul(to))),
    // Each match gives the replacement, and that may have the match in it for every two signs of it.
    ("regexp_replace", |[text, _, to]| text.saturating_add(1).saturating_mul(to.saturating_mul(2).max(1))),
    ("overlay", |[text, with, _]| text.saturating_add(with)),
    ("array_repeat", |[value, times, _]| times.saturating_mul(value.max(16))),
    ("array_resize", |[_, length, _]| length.saturating_mul(16)),
];

/// What nobody needs here: takes the square of its texts in time, makes rows of one call, tells where a file lies.
const WITHOUT: [&str; 5] = ["levenshtein", "array_distance", "generate_series", "range", "input_file_name"];

/// Puts the functions of a session within their limits.
///
/// # Errors
/// The engine has no such function: then it has another by another name.
pub fn install(context: &SessionContext) -> Result<()> {
    for name in WITHOUT {
        context.deregister_udf(name);
    }
    for (name, made) in CAPPED {
        let inner = context.state().udf(name)?;
        let aliases = inner.aliases().to_vec();
        context.register_udf(ScalarUDF::new_from_impl(Capped { inner, made, aliases }));
    }
    Ok(())
}

#[derive(Debug)]
struct Capped {
    inner: Arc<ScalarUDF>,
    made: Made,
    aliases: Vec<String>,
}

impl PartialEq for Capped {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Capped {}

impl Hash for Capped {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Capped {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        self.inner.return_type(kinds)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(kinds)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let sizes = args.args.iter().take(3).map(sizes).collect::<Result<Vec<_>>>()?;
        let mut made: u64 = 0;
        for row in 0..rows {
            let mut of = [0; 3];
            // A constant has one size for all rows.
            of.iter_mut().zip(&sizes).for_each(|(of, sizes)| *of = sizes[row.min(sizes.len() - 1)]);
            made = made.saturating_add((self.made)(of));
        }
        if made > MOST {
            return exec_err!("{}() would make more than {} MiB at once", self.name(), MOST >> 20);
        }
        self.inner.invoke_with_args(args)
    }
}

/// Of each row the length of a text, or the value of a number; of a constant one. Never none.
fn sizes(arg: &ColumnarValue) -> Result<Vec<u64>> {
    let column = match arg {
        ColumnarValue::Array(column) if !column.is_empty() => column.clone(),
        ColumnarValue::Array(_) => return Ok(vec![0]),
        ColumnarValue::Scalar(value) => value.to_array()?,
    };
    let numbers: ArrayRef = match column.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => length(&column)?,
        kind if kind.is_integer() => column,
        _ => return Ok(vec![16]),
    };
    let numbers = cast(&numbers, &DataType::Int64).map_err(DataFusionError::from)?;
    let numbers = numbers.as_primitive::<Int64Type>();
    Ok(numbers.iter().map(|number| number.and_then(|n| u64::try_from(n).ok()).unwrap_or(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(context: &SessionContext, sql: &str) -> String {
        let answer = match context.sql(sql).await {
            Ok(frame) => frame.collect().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(batches) => cast(batches[0].column(0), &DataType::Utf8).unwrap().as_string::<i32>().value(0).to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn what_makes_much_of_little_is_within_limits_and_otherwise_as_it_was() {
        let context = crate::sql::bare(&Arc::default());
        install(&context).unwrap();
        for (sql, expected) in [
            ("select repeat('ab', 3)", "ababab"),
            ("select lpad('7', 3, '0')", "007"),
            ("select rpad('7', 3)", "7  "),
            ("select replace('a-b-c', '-', '+')", "a+b+c"),
            ("select regexp_replace('a1b2', '[0-9]', 'x', 'g')", "axbx"),
            ("select overlay('abcd' placing 'XY' from 2)", "aXYd"),
            ("select array_to_string(array_repeat(1, 3), ',')", "1,1,1"),
        ] {
            assert_eq!(told(&context, sql).await, expected, "{sql}");
        }
        for sql in [
            "select length(rpad('x', 2000000000))",
            "select length(lpad('x', 2000000000, 'y'))",
            "select length(repeat('0123456789', 100000000))",
            "select length(replace(repeat('a', 10000), 'a', repeat('b', 10000)))",
            "select length(replace(repeat('a', 10000), '', repeat('b', 10000)))",
            "select length(regexp_replace(repeat('a', 10000), 'a', repeat('b', 10000), 'g'))",
            "select sum(length(rpad(column1, 40000))) from (values ('a')) t cross join unnest(array_repeat(1, 1000))",
            "select array_length(array_repeat(1, 100000000))",
            "select array_length(array_resize([1], 100000000, 7))",
        ] {
            let said = told(&context, sql).await;
            assert!(said.contains("would make more than 64 MiB at once"), "{sql}: {said}");
        }
        for sql in ["select levenshtein('a', 'b')", "select generate_series(1, 3)", "select range(1000000000)"] {
            assert!(told(&context, sql).await.contains("Invalid function"), "{sql}");
        }
    }
}
