//! What of the lake is ours, whatever digits it is made of: numbers that calls are counted for, names of the register and
//! the trunk list, nodes. Masks nothing.

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::config::Config;
use crate::estate::groups;
use crate::privacy::Own;

const NUMBERS: &str = "select subject from usage where subject_kind = 'number' \
    union select extension from extensions union select ddi from extensions";

const NAMES: &str = "select device_name from extensions union select user_id from extensions \
    union select trunk from trunks union select name from traffic where kind in ('node', 'far_node')";

const GROUPS: &str = "select distinct hunt_groups from extensions";

/// Ours as the configuration and a session of the whole lake know it.
///
/// # Errors
/// The lake cannot be read.
pub async fn own(whole: &SessionContext, config: &Config) -> Result<Own> {
    let mut names = texts(whole, NAMES).await?;
    names.extend(texts(whole, GROUPS).await?.iter().flat_map(|cell| groups(cell)).map(String::from));
    Ok(Own::new(config).listing(texts(whole, NUMBERS).await?, names))
}

/// The texts of a query's one column.
async fn texts(whole: &SessionContext, sql: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for batch in whole.sql(sql).await?.collect().await? {
        let column = cast(batch.column(0), &DataType::Utf8)?;
        found.extend(column.as_string::<i32>().iter().flatten().map(String::from));
    }
    Ok(found)
}
