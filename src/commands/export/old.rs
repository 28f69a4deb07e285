//! The table that is there already: whether an export made it, what its columns are, who may do what with it, and what else
//! is on it that a new table in its place would not have. Looks; changes nothing.

use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

type Said<T> = Result<T, tokio_postgres::Error>;

/// A table, view or sequence of that name.
pub struct Old {
    oid: u32,
    /// An ordinary table that an export made.
    pub is_ours: bool,
}

impl Old {
    /// `mark` is what the comment of a table that onhook made begins with.
    pub async fn named(put: &Transaction<'_>, schema: &str, name: &str, mark: &str) -> Said<Option<Self>> {
        let row = put.query_opt(THERE, &[&schema, &name, &mark]).await?;
        Ok(row.map(|row| Self { oid: row.get(0), is_ours: row.get(1) }))
    }

    /// Whether it has just these columns, in this order.
    pub async fn has(&self, put: &Transaction<'_>, columns: &[(&str, Type)]) -> Said<bool> {
        let there = put.query(COLUMNS, &[&self.oid]).await?;
        Ok(there.len() == columns.len()
            && there.iter().zip(columns).all(|(row, (name, kind))| {
                row.get::<_, &str>(0) == *name && row.get::<_, u32>(1) == kind.oid() && row.get::<_, bool>(2)
            }))
    }

    /// What its owner put on it besides rights on the whole of it; empty where there is nothing.
    pub async fn wears(&self, put: &Transaction<'_>) -> Said<String> {
        Ok(put.query_one(WEARS, &[&self.oid]).await?.get(0))
    }

    /// Why its rows cannot all be taken out; empty where they can.
    pub async fn holds_its_rows(&self, put: &Transaction<'_>) -> Said<String> {
        Ok(put.query_one(HOLDS, &[&self.oid]).await?.get(0))
    }

    /// Statements that leave `table` with the rights that others have on this one, and with no more: a new table
    /// has what default privileges give.
    pub async fn rights_for(&self, put: &Transaction<'_>, table: &str) -> Said<String> {
        let others = put.query(OTHERS, &[&table]).await?;
        let revoked = others.iter().map(|row| format!("revoke all on {table} from {};", row.get::<_, &str>(0)));
        let rights = put.query(RIGHTS, &[&self.oid]).await?;
        let granted = rights.iter().map(|right| {
            let (what, whom, and_pass_on): (&str, &str, &str) = (right.get(0), right.get(1), right.get(2));
            format!("grant {what} on {table} to {whom}{and_pass_on};")
        });
        Ok(revoked.chain(granted).collect())
    }
}

/// Anything of that name, and whether it is a table with our mark.
const THERE: &str = "select c.oid, c.relkind = 'r' and coalesce(starts_with(obj_description(c.oid, 'pg_class'), $3), false) \
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2";

/// Columns in their order: name, type, whether the type is bare, as those that an export makes are.
const COLUMNS: &str = "select attname::text, atttypid, atttypmod = -1 and attgenerated = '' and attidentity = '' \
    from pg_attribute where attrelid = $1 and attnum > 0 and not attisdropped order by attnum";

/// In the words of PostgreSQL's own handbook: what a `drop table` takes along without a word. Whoever exports would own the new
/// table, and another owner, with all who are its members, could not even read it.
const WEARS: &str = "select array_to_string(array[ \
    case when c.relowner <> (select oid from pg_roles where rolname = current_user) then 'owner' end, \
    case when c.relrowsecurity then 'row-level security' end, \
    case when exists (select from pg_policy where polrelid = c.oid) then 'policies' end, \
    case when exists (select from pg_attribute where attrelid = c.oid and attacl is not null) then 'rights on columns' end, \
    case when exists (select from pg_index where indrelid = c.oid) then 'indexes' end, \
    case when exists (select from pg_trigger where tgrelid = c.oid and not tgisinternal) then 'triggers' end, \
    case when exists (select from pg_rewrite where ev_class = c.oid and rulename <> '_RETURN') then 'rules' end, \
    case when exists (select from pg_constraint where conrelid = c.oid and contype in ('c', 'f')) then 'constraints' end, \
    case when exists (select from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped and attnotnull) \
        then 'not-null constraints' end, \
    case when exists (select from pg_attrdef where adrelid = c.oid) then 'default values' end, \
    case when exists (select from pg_statistic_ext where stxrelid = c.oid) then 'extended statistics' end, \
    case when c.relispartition then 'place as a partition' \
        when exists (select from pg_inherits where c.oid in (inhrelid, inhparent)) then 'inheritance' end, \
    case when exists (select from pg_publication_rel where prrelid = c.oid) then 'publications' end \
    ], ', ') from pg_class c where c.oid = $1";

/// To delete what another table's key points at could delete rows there.
const HOLDS: &str = "select case \
    when exists (select from pg_constraint where confrelid = $1::oid) then 'keys of other tables point at its rows' \
    when row_security_active($1::oid) then 'its row-level security hides rows from this user' \
    else '' end";

/// Who but its owner may do anything with a table, named as in SQL.
const OTHERS: &str = "select distinct case a.grantee when 0 then 'public' else quote_ident(r.rolname) end \
    from pg_class c cross join aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee \
    where c.oid = to_regclass($1) and a.grantee <> c.relowner and (a.grantee = 0 or r.rolname is not null)";

/// What others may do with a table, as the words of a GRANT.
const RIGHTS: &str = "select a.privilege_type, case a.grantee when 0 then 'public' else quote_ident(r.rolname) end, \
    case when a.is_grantable then ' with grant option' else '' end \
    from pg_class c cross join aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee \
    where c.oid = $1 and a.grantee <> c.relowner and (a.grantee = 0 or r.rolname is not null)";
