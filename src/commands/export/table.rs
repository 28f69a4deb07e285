//! A table of onhook's in a PostgreSQL database: made anew, filled by COPY and put in its place in one transaction, so that
//! whoever reads there sees the old rows or the new ones. Never in the place of a table that onhook did not make.

use std::fmt;
use std::pin::pin;

use arrow::array::ArrayRef;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Transaction};

use super::cells::{Cell, kept, kept_as};
use crate::error::{Error, Result};
use crate::sql::{Answer, Query};

/// What the comment of a table that onhook made begins with.
const MARK: &str = "onhook: ";
/// Longest name that PostgreSQL keeps whole.
const LONGEST: usize = 63;

/// Where the rows go.
pub struct Table {
    schema: Option<String>,
    name: String,
    replace: bool,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Why rows are not there: the server would not have them, or we would not give them.
pub enum Refused {
    Server(tokio_postgres::Error),
    Us(Error),
}

impl From<tokio_postgres::Error> for Refused {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Us(error)
    }
}

/// A table of that name which is there already.
struct Old {
    oid: u32,
    /// An ordinary table that an export made.
    is_ours: bool,
}

impl Table {
    /// `name` or `schema.name`, each as it stands, capitals too.
    ///
    /// # Errors
    /// It is no name, or one that PostgreSQL would cut short.
    pub fn named(text: &str, replace: bool) -> Result<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let is_name = |part: &&str| !part.is_empty() && part.len() <= LONGEST && !part.contains(['\0', '"']);
        let (schema, name) = match parts.as_slice() {
            [name] if is_name(name) => (None, *name),
            [schema, name] if is_name(schema) && is_name(name) => (Some(schema.to_string()), *name),
            _ => {
                return Err(Error::Config {
                    place: "--table".into(),
                    what: format!("{text:?} is no name of a table"),
                    hint: format!("write it as name or schema.name, each at most {LONGEST} bytes, without quotes"),
                });
            }
        };
        Ok(Self { schema, name: name.to_string(), replace })
    }

    /// Puts the rows there and gives their number. `origin` says in the table's comment what they are.
    pub async fn put(&self, client: &mut Client, query: &Query, found: &Answer, origin: &str) -> Result<u64, Refused> {
        let put = client.transaction().await?;
        // Quotes in the texts below are doubled, and nothing else in them means anything.
        put.batch_execute("set local standard_conforming_strings = on").await?;
        let row = put.query_one("select current_schema()::text, pg_backend_pid()", &[]).await?;
        let (current, process): (Option<String>, i32) = (row.get(0), row.get(1));
        let schema = self.schema.clone().or(current);
        let schema = schema.ok_or_else(|| self.wrong("no schema is there for it", "write it as schema.name"))?;
        let old = self.old(&put, &schema).await?;
        let draft = format!("onhook_{process}_{}", self.name);
        let draft = format!("{}.{}", name(&schema), name(cut(&draft)));

        let fields = found.schema.fields();
        let types: Vec<Type> = fields.iter().map(|field| kept_as(field.data_type()).0).collect();
        let columns: Vec<String> = fields.iter().map(|field| name(field.name())).collect();
        let defined = columns.iter().zip(&types).map(|(column, kind)| format!("{column} {}", kind.name()));
        put.batch_execute(&format!("create table {draft} ({})", defined.collect::<Vec<_>>().join(", "))).await?;
        put.batch_execute(&remarks(&draft, query, found, origin)).await?;
        let sink = put.copy_in(&format!("copy {draft} ({}) from stdin (format binary)", columns.join(", "))).await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for batch in &found.batches {
            let kept: Result<Vec<ArrayRef>, _> = batch.columns().iter().map(kept).collect();
            let kept = kept.map_err(|error| Error::Render { what: format!("the answer cannot be sent: {error}") })?;
            for row in 0..batch.num_rows() {
                writer.as_mut().write_raw(kept.iter().map(|column| Cell { column, row })).await?;
            }
        }
        let rows = writer.finish().await?;
        if rows != found.rows() as u64 {
            let what = format!("{rows} rows came there of {}", found.rows());
            return Err(self.wrong(&what, "nothing was changed there; run it again").into());
        }
        let place = format!("{}.{}", name(&schema), name(&self.name));
        if let Some(old) = old {
            // Who could read the old rows can read the new ones.
            let rights = put.query(RIGHTS, &[&old.oid]).await?;
            for right in rights {
                let (what, whom, and_pass_on): (&str, &str, &str) = (right.get(0), right.get(1), right.get(2));
                put.batch_execute(&format!("grant {what} on {draft} to {whom}{and_pass_on}")).await?;
            }
            put.batch_execute(&format!("drop table {place}")).await?;
        }
        put.batch_execute(&format!("alter table {draft} rename to {}", name(&self.name))).await?;
        put.commit().await?;
        Ok(rows)
    }

    /// What is there under that name, where it may be replaced.
    async fn old(&self, put: &Transaction<'_>, schema: &str) -> Result<Option<Old>, Refused> {
        let Some(row) = put.query_opt(THERE, &[&schema, &self.name, &MARK]).await? else { return Ok(None) };
        let old = Old { oid: row.get(0), is_ours: row.get(1) };
        match (self.replace, old.is_ours) {
            (true, true) => Ok(Some(old)),
            (true, false) => Err(self
                .wrong("it is there, and no export made it", "name another table; onhook replaces only its own")
                .into()),
            (false, true) => {
                Err(self.wrong("it is there already", "add --replace to put the new rows in its place").into())
            }
            (false, false) => Err(self.wrong("it is there already", "name another table").into()),
        }
    }

    fn wrong(&self, what: &str, hint: &str) -> Error {
        Error::Server { place: format!("PostgreSQL table {self}"), what: what.into(), hint: hint.into() }
    }
}

/// Anything of that name, and whether it is a table with our mark.
const THERE: &str = "select c.oid, c.relkind = 'r' and coalesce(starts_with(obj_description(c.oid, 'pg_class'), $3), false) \
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2";

/// What others may do with a table, as the words of a GRANT.
const RIGHTS: &str = "select a.privilege_type, case a.grantee when 0 then 'public' else quote_ident(r.rolname) end, \
    case when a.is_grantable then ' with grant option' else '' end \
    from pg_class c cross join aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee \
    where c.oid = $1 and a.grantee <> c.relowner and (a.grantee = 0 or r.rolname is not null)";

/// Comments that say what table and columns are.
fn remarks(table: &str, query: &Query, found: &Answer, origin: &str) -> String {
    let mut sql = format!("comment on table {table} is {};", text(&format!("{MARK}{origin}")));
    for column in query.columns.iter().filter(|column| found.schema.column_with_name(&column.name).is_some()) {
        let unit = if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
        let remark = text(&format!("{}{unit}", column.doc));
        sql += &format!("comment on column {table}.{} is {remark};", name(&column.name));
    }
    sql
}

/// The start of a name that PostgreSQL keeps whole.
fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST)]
}

fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_one_name_or_two_and_no_quotes() {
        let shown = |text: &str| Table::named(text, false).map(|table| table.to_string());
        assert_eq!(shown("telephony.Idle Handsets").unwrap(), "telephony.Idle Handsets");
        for wrong in ["", ".", "a.", ".b", "a.b.c", "a\"; drop table b; --", &"x".repeat(64)] {
            assert!(shown(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(name("a b"), "\"a b\"");
        assert_eq!(text("it's"), "'it''s'");
        assert_eq!(cut(&"é".repeat(40)).len(), 62, "a letter is never cut in two");
    }
}
