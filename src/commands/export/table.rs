//! A table of onhook's in a PostgreSQL database: filled by COPY in one transaction, so that whoever reads there sees the old
//! rows or the new ones. The table stays where its columns do. Never in the place of a table that onhook did not make.

use std::fmt;
use std::pin::pin;

use arrow::array::ArrayRef;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::cells::{Cell, kept, kept_as};
use super::old::Old;
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
        // Each statement sees what was committed before it: what an export before us wrote while we waited for it, too.
        let put = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?;
        // Quotes in the texts below are doubled, and nothing else in them means anything.
        put.batch_execute("set local standard_conforming_strings = on").await?;
        let row = put.query_one("select current_schema()::text, pg_backend_pid()", &[]).await?;
        let (current, process): (Option<String>, i32) = (row.get(0), row.get(1));
        let schema = self.schema.clone().or(current);
        let schema = schema.ok_or_else(|| self.wrong("no schema is there for it", "write it as schema.name"))?;
        let place = format!("{}.{}", name(&schema), name(&self.name));

        let fields = found.schema.fields();
        let columns: Vec<(&str, Type)> =
            fields.iter().map(|field| (field.name().as_str(), kept_as(field.data_type()).0)).collect();
        let rows = match self.old(&put, &schema, &place).await? {
            Some(old) if old.has(&put, &columns).await? => {
                self.clear(&put, &old, &place).await?;
                put.batch_execute(&remarks(&place, query, found, origin)).await?;
                self.fill(&put, &place, &columns, found).await?
            }
            old => {
                if let Some(old) = &old {
                    self.bare(&put, old).await?;
                }
                let draft = format!("onhook_{process}_{}", self.name);
                let draft = format!("{}.{}", name(&schema), name(cut(&draft)));
                let defined = columns.iter().map(|(column, kind)| format!("{} {}", name(column), kind.name()));
                let defined = defined.collect::<Vec<_>>().join(", ");
                put.batch_execute(&format!("create table {draft} ({defined})")).await?;
                put.batch_execute(&remarks(&draft, query, found, origin)).await?;
                let rows = self.fill(&put, &draft, &columns, found).await?;
                if let Some(old) = old {
                    // Who could read the old rows can read the new ones, and nobody else.
                    let rights = old.rights_for(&put, &draft).await?;
                    put.batch_execute(&format!("{rights} drop table {place}")).await?;
                }
                put.batch_execute(&format!("alter table {draft} rename to {}", name(&self.name))).await?;
                rows
            }
        };
        put.commit().await?;
        Ok(rows)
    }

    /// Takes the rows out of a table that stays, with all that is on it. Who reads it sees them until the commit.
    async fn clear(&self, put: &Transaction<'_>, old: &Old, place: &str) -> Result<(), Refused> {
        let why = old.holds_its_rows(put).await?;
        if !why.is_empty() {
            return Err(self.wrong(&why, "take that off the table, or export under another name").into());
        }
        put.batch_execute(&format!("delete from only {place}")).await?;
        // A rule or a trigger can keep them there.
        if put.query_opt(&format!("select from only {place} limit 1"), &[]).await?.is_some() {
            let hint = "see what rules and triggers are on the table, or export under another name";
            return Err(self.wrong("its old rows cannot be deleted", hint).into());
        }
        Ok(())
    }

    /// That a table with other columns may take its place: nothing on it would be lost.
    async fn bare(&self, put: &Transaction<'_>, old: &Old) -> Result<(), Refused> {
        let worn = old.wears(put).await?;
        if worn.is_empty() {
            return Ok(());
        }
        let what = format!("its columns are no longer the same, and a new table would be without its {worn}");
        let hint = "export under another name; or drop the table, export, and put on the new one what has to be there";
        Err(self.wrong(&what, hint).into())
    }

    async fn fill(
        &self,
        put: &Transaction<'_>,
        table: &str,
        columns: &[(&str, Type)],
        found: &Answer,
    ) -> Result<u64, Refused> {
        let names: Vec<String> = columns.iter().map(|(column, _)| name(column)).collect();
        let types: Vec<Type> = columns.iter().map(|(_, kind)| kind.clone()).collect();
        let sink = put.copy_in(&format!("copy {table} ({}) from stdin (format binary)", names.join(", "))).await?;
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
        Ok(rows)
    }

    /// What is there under that name, where it may be replaced; no other export has it until we are done.
    async fn old(&self, put: &Transaction<'_>, schema: &str, place: &str) -> Result<Option<Old>, Refused> {
        if self.replaceable(put, schema).await?.is_none() {
            return Ok(None);
        }
        put.batch_execute(&format!("lock table only {place} in share row exclusive mode")).await?;
        // As it is now: another export may have replaced it while we waited.
        self.replaceable(put, schema).await
    }

    async fn replaceable(&self, put: &Transaction<'_>, schema: &str) -> Result<Option<Old>, Refused> {
        let Some(old) = Old::named(put, schema, &self.name, MARK).await? else { return Ok(None) };
        let (what, hint) = match (self.replace, old.is_ours) {
            (true, true) => return Ok(Some(old)),
            (true, false) => ("it is there, and no export made it", "name another table; onhook replaces only its own"),
            (false, true) => ("it is there already", "add --replace to put the new rows in its place"),
            (false, false) => ("it is there already", "name another table"),
        };
        Err(self.wrong(what, hint).into())
    }

    fn wrong(&self, what: &str, hint: &str) -> Error {
        Error::Server { place: format!("PostgreSQL table {self}"), what: what.into(), hint: hint.into() }
    }
}

/// Comments that say what table and columns are. A column that the query says nothing of has none: on a table that stays, that of an
/// earlier query would be of something else.
fn remarks(table: &str, query: &Query, found: &Answer, origin: &str) -> String {
    let mut sql = format!("comment on table {table} is {};", text(&format!("{MARK}{origin}")));
    for field in found.schema.fields() {
        let remark = query.columns.iter().find(|column| column.name == *field.name()).map(|column| {
            let unit = if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
            text(&format!("{}{unit}", column.doc))
        });
        let remark = remark.as_deref().unwrap_or("null");
        sql += &format!("comment on column {table}.{} is {remark};", name(field.name()));
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
