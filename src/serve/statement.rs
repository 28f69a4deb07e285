//! What a client may ask: a list of statements that are allowed, and everything else is refused. What is allowed is told
//! from the parsed statement, and that same parsed statement is what is run. Runs nothing.

mod depth;
mod tailored;

use std::fmt;
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::time::Duration;

use datafusion::sql::sqlparser::ast::{
    CopyLegacyCsvOption, CopyLegacyOption, CopyOption, CopySource, CopyTarget, Expr, Query, Select, Set, SetExpr,
    Statement, TableFactor, TransactionAccessMode, TransactionMode, Value, Visit, Visitor,
};
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;

pub use depth::STACK;

use super::copy::{Form, Lines};

/// The parser of the catalogue's library: it puts what clients ask of PostgreSQL's catalogue into words that the engine has.
static PARSER: LazyLock<PostgresCompatibilityParser> = LazyLock::new(PostgresCompatibilityParser::new);

/// Functions that may stand where a table stands. None reads a file.
const TABLE_FUNCTIONS: [&str; 4] = ["generate_series", "range", "unnest", "pg_get_keywords"];

/// A statement that is allowed.
#[derive(Clone, Debug)]
pub enum Allowed {
    /// Gives rows: a query, its plan, the list of tables.
    Rows(Box<Statement>),
    /// `COPY … TO STDOUT`: the rows of a query in a form of its own.
    Copy(Box<Statement>, Form),
    Begin,
    Commit,
    Rollback,
    /// To a savepoint: the transaction goes on, an error in it or not.
    RollbackTo,
    /// Changes a setting of the client's own.
    Set(Setting),
    /// Shows one setting.
    Show(&'static str),
    /// Lets go of a prepared statement, or of all.
    Deallocate(Option<String>),
    /// Lets go of what the client has set; its tag.
    Forget(&'static str),
    /// Does nothing here; its tag.
    Nothing(&'static str),
}

/// What is set, and to what.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// The name as the client is told it, and its value.
    Told(&'static str, String),
    /// None for the server's own.
    Timeout(Option<Duration>),
    /// Means nothing here; what clients set at connection.
    Ignored,
}

/// Why a statement is not run: a code of PostgreSQL's and one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub what: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Statements that are only read: none of them is run unless all are allowed.
///
/// # Errors
/// A statement that cannot be understood, or that is not on the list.
pub fn read(text: &str) -> Result<Vec<Allowed>, Refusal> {
    depth::operators(text)?;
    let statements = PARSER.parse(&tailored::text(text));
    let mut statements = statements.map_err(|error| refusal("42601", &format!("not understood: {error}")))?;
    statements.iter_mut().for_each(tailored::statement);
    statements.into_iter().map(allow).collect()
}

fn allow(statement: Statement) -> Result<Allowed, Refusal> {
    Ok(match statement {
        Statement::Query(_) => {
            reads_only(&statement)?;
            Allowed::Rows(Box::new(statement))
        }
        // More of a plan would show what is masked: its statistics the least and the greatest, and a plan that was run the
        // values that one side of a join looked for in the other.
        Statement::Explain {
            statement: ref inner,
            analyze: false,
            verbose: false,
            query_plan: false,
            estimate: false,
            format: None,
            options: None,
            ..
        } => {
            if !matches!(**inner, Statement::Query(_)) {
                return Err(read_only("EXPLAIN of anything but a query"));
            }
            reads_only(&statement)?;
            Allowed::Rows(Box::new(statement))
        }
        Statement::ShowTables { .. } | Statement::ShowColumns { .. } => Allowed::Rows(Box::new(statement)),
        Statement::ShowVariable { variable } => {
            let words: Vec<String> = variable.iter().map(|word| word.value.to_ascii_lowercase()).collect();
            Allowed::Show(shown(&words.join(" "))?)
        }
        Statement::Copy { source, to: true, target: CopyTarget::Stdout, options, legacy_options, .. } => {
            let form = form(options, legacy_options)?;
            Allowed::Copy(Box::new(copied(source)?), form)
        }
        Statement::StartTransaction { modes, statements, exception: None, .. } if statements.is_empty() => {
            not_for_writing(&modes)?;
            Allowed::Begin
        }
        Statement::Commit { chain: false, .. } => Allowed::Commit,
        Statement::Rollback { chain: false, savepoint: None } => Allowed::Rollback,
        Statement::Rollback { chain: false, savepoint: Some(_) } => Allowed::RollbackTo,
        Statement::Savepoint { .. } => Allowed::Nothing("SAVEPOINT"),
        Statement::ReleaseSavepoint { .. } => Allowed::Nothing("RELEASE"),
        Statement::Deallocate { name, .. } => {
            Allowed::Deallocate(Some(name.value).filter(|name| !name.eq_ignore_ascii_case("all")))
        }
        Statement::Close { .. } => Allowed::Nothing("CLOSE CURSOR"),
        Statement::Discard { .. } => Allowed::Forget("DISCARD ALL"),
        Statement::Set(set) => Allowed::Set(setting(set)?),
        Statement::Reset(_) => Allowed::Forget("RESET"),
        other => return Err(read_only(&kind(&other))),
    })
}

/// The words that a statement begins with, as it is known by.
fn kind(statement: &Statement) -> String {
    let text = statement.to_string();
    let words = text.split_whitespace().take(2).filter(|word| word.bytes().all(|b| b.is_ascii_alphabetic()));
    words.map(str::to_ascii_uppercase).collect::<Vec<_>>().join(" ")
}

fn read_only(what: &str) -> Refusal {
    refusal("25006", &format!("{what} is refused: this server only answers questions (docs/serve.md)"))
}

fn refusal(code: &'static str, what: &str) -> Refusal {
    Refusal { code, what: what.lines().map(str::trim).collect::<Vec<_>>().join(" ") }
}

/// Holds every part of a statement to what reads tables.
fn reads_only(statement: &Statement) -> Result<(), Refusal> {
    match statement.visit(&mut Reading { depth: 0 }) {
        ControlFlow::Continue(()) => depth::places(statement),
        ControlFlow::Break(refusal) => Err(refusal),
    }
}

struct Reading {
    /// A statement within the statement is none of a query; that of an EXPLAIN has been looked at.
    depth: usize,
}

impl Visitor for Reading {
    type Break = Refusal;

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<Refusal> {
        self.depth += 1;
        match statement {
            Statement::Query(_) => ControlFlow::Continue(()),
            Statement::Explain { .. } if self.depth == 1 => ControlFlow::Continue(()),
            other => ControlFlow::Break(read_only(&kind(other))),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Refusal> {
        if let Err(refusal) = depth::with(query) {
            return ControlFlow::Break(refusal);
        }
        if !is_reading(&query.body) {
            return ControlFlow::Break(read_only("a query that changes something"));
        }
        if !query.locks.is_empty() {
            return ControlFlow::Break(read_only("SELECT FOR UPDATE"));
        }
        if query.for_clause.is_some() || query.settings.is_some() || query.format_clause.is_some() {
            return ControlFlow::Break(read_only("that form of a query"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Refusal> {
        if let Err(refusal) = depth::tables(select) {
            return ControlFlow::Break(refusal);
        }
        match select.into {
            Some(_) => ControlFlow::Break(read_only("SELECT INTO")),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Refusal> {
        let function = match table {
            TableFactor::Table { args: None, .. }
            | TableFactor::Derived { .. }
            | TableFactor::NestedJoin { .. }
            | TableFactor::UNNEST { .. } => return ControlFlow::Continue(()),
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => name.to_string(),
            TableFactor::TableFunction { expr: Expr::Function(function), .. } => function.name.to_string(),
            _ => "that kind of table".into(),
        };
        let name = function.to_ascii_lowercase();
        match TABLE_FUNCTIONS.contains(&name.strip_prefix("pg_catalog.").unwrap_or(&name)) {
            true => ControlFlow::Continue(()),
            false => {
                let known = TABLE_FUNCTIONS.join(", ");
                let what = format!("{function} is refused in the place of a table: there are {known}");
                ControlFlow::Break(refusal("42501", &what))
            }
        }
    }
}

fn is_reading(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => true,
        SetExpr::SetOperation { left, right, .. } => is_reading(left) && is_reading(right),
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => false,
    }
}

/// The query whose rows are copied.
fn copied(source: CopySource) -> Result<Statement, Refusal> {
    let query = match source {
        CopySource::Query(query) => Statement::Query(query),
        CopySource::Table { table_name, columns } => {
            let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
            let columns = if columns.is_empty() { "*".to_string() } else { columns.join(", ") };
            let mut parsed = PARSER
                .parse(&format!("select {columns} from {table_name}"))
                .map_err(|error| refusal("42601", &format!("not understood: {error}")))?;
            parsed.pop().ok_or_else(|| refusal("42601", "COPY of nothing"))?
        }
    };
    reads_only(&query)?;
    Ok(query)
}

fn form(options: Vec<CopyOption>, legacy: Vec<CopyLegacyOption>) -> Result<Form, Refusal> {
    let (mut binary, mut csv, mut header, mut delimiter, mut null) = (false, false, false, None, None);
    let unknown = |what: String| {
        let served = "text, csv and binary, header, delimiter and null are";
        refusal("0A000", &format!("COPY with {what} is not served: {served}"))
    };
    for option in options {
        match option {
            CopyOption::Format(name) if name.value.eq_ignore_ascii_case("csv") => csv = true,
            CopyOption::Format(name) if name.value.eq_ignore_ascii_case("text") => csv = false,
            CopyOption::Format(name) if name.value.eq_ignore_ascii_case("binary") => binary = true,
            CopyOption::Header(is_asked) => header = is_asked,
            CopyOption::Delimiter(c) => delimiter = Some(c),
            CopyOption::Null(text) => null = Some(text),
            CopyOption::Quote('"') | CopyOption::Escape('"') => {}
            CopyOption::Encoding(name) if is_utf8(&name) => {}
            other => return Err(unknown(other.to_string())),
        }
    }
    for option in legacy {
        match option {
            CopyLegacyOption::Csv(more) => {
                csv = true;
                for option in more {
                    match option {
                        CopyLegacyCsvOption::Header => header = true,
                        CopyLegacyCsvOption::Quote('"') | CopyLegacyCsvOption::Escape('"') => {}
                        other => return Err(unknown(other.to_string())),
                    }
                }
            }
            CopyLegacyOption::Binary => binary = true,
            CopyLegacyOption::Header => header = true,
            CopyLegacyOption::Delimiter(c) => delimiter = Some(c),
            CopyLegacyOption::Null(text) => null = Some(text),
            other => return Err(unknown(other.to_string())),
        }
    }
    if binary {
        return match csv || header || delimiter.is_some() || null.is_some() {
            true => Err(unknown("BINARY and an option of texts".into())),
            false => Ok(Form::Binary),
        };
    }
    let delimiter = match delimiter.unwrap_or(if csv { ',' } else { '\t' }) {
        c if c.is_ascii() && !c.is_ascii_alphanumeric() && !"\n\r\\\".".contains(c) => c as u8,
        c => return Err(unknown(format!("DELIMITER {c:?}"))),
    };
    let null = null.unwrap_or_else(|| if csv { String::new() } else { "\\N".into() });
    Ok(Form::Lines(Lines { csv, header, delimiter, null }))
}

fn not_for_writing(modes: &[TransactionMode]) -> Result<(), Refusal> {
    match modes.contains(&TransactionMode::AccessMode(TransactionAccessMode::ReadWrite)) {
        true => Err(read_only("a transaction for writing")),
        false => Ok(()),
    }
}

/// What clients set for themselves at connection. Nothing of it reaches the engine.
fn setting(set: Set) -> Result<Setting, Refusal> {
    let (name, value) = match set {
        Set::SingleAssignment { hivevar: false, variable, values, .. } => {
            let values: Vec<String> = values.iter().map(plain).collect();
            (variable.to_string().to_ascii_lowercase(), values.join(", "))
        }
        Set::SetTimeZone { value, .. } => ("timezone".to_string(), plain(&value)),
        Set::SetNames { charset_name, .. } => ("client_encoding".to_string(), charset_name.value),
        Set::SetTransaction { modes, snapshot: None, .. } => {
            not_for_writing(&modes)?;
            return Ok(Setting::Ignored);
        }
        other => return Err(refused_setting(&other.to_string())),
    };
    let is = |values: &[&str]| values.iter().any(|known| value.eq_ignore_ascii_case(known));
    let on = ["on", "true", "yes", "1", "default"];
    let told = |name| Ok(Setting::Told(name, value.clone()));
    match name.as_str() {
        "application_name" => told("application_name"),
        "client_encoding" if is_utf8(&value) || is(&["default"]) => Ok(Setting::Told("client_encoding", "UTF8".into())),
        "datestyle" if value.to_ascii_lowercase().starts_with("iso") => {
            Ok(Setting::Told("DateStyle", "ISO, YMD".into()))
        }
        // Times are given in UTC whatever a client's own zone is; it can tell from the answer, which says the zone.
        "timezone" => Ok(Setting::Told("TimeZone", "Etc/UTC".into())),
        "intervalstyle" if is(&["postgres", "default"]) => Ok(Setting::Ignored),
        "bytea_output" if is(&["hex", "default"]) => Ok(Setting::Ignored),
        "standard_conforming_strings"
        | "default_transaction_read_only"
        | "transaction_read_only"
        | "escape_string_warning"
            if is(&on) =>
        {
            Ok(Setting::Ignored)
        }
        "statement_timeout" => duration(&value).map(Setting::Timeout),
        "extra_float_digits" if value.parse::<i8>().is_ok_and(|n| (-15..=3).contains(&n)) => Ok(Setting::Ignored),
        "lock_timeout"
        | "idle_in_transaction_session_timeout"
        | "client_min_messages"
        | "search_path"
        | "default_transaction_isolation"
        | "transaction_isolation" => Ok(Setting::Ignored),
        _ => Err(refused_setting(&name)),
    }
}

fn refused_setting(what: &str) -> Refusal {
    refusal("42501", &format!("SET {what} is refused: docs/serve.md has what a client may set"))
}

fn is_utf8(name: &str) -> bool {
    ["utf8", "utf-8", "unicode"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A value without its quotes.
fn plain(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::Identifier(word) => word.value.clone(),
        other => other.to_string(),
    }
}

/// As PostgreSQL reads it: milliseconds, or a number with its unit; 0 for the server's own limit.
fn duration(text: &str) -> Result<Option<Duration>, Refusal> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    if text.eq_ignore_ascii_case("default") {
        return Ok(None);
    }
    match (number.parse::<u64>(), factor) {
        (Ok(0), _) => Ok(None),
        (Ok(number), 1..) => Ok(Some(Duration::from_millis(number.saturating_mul(factor)))),
        _ => Err(refusal("22023", &format!("statement_timeout = {text:?} is no time: write it like 30s"))),
    }
}

/// The setting of that name, as it is shown.
fn shown(words: &str) -> Result<&'static str, Refusal> {
    const KNOWN: [(&str, &str); 25] = [
        ("application_name", "application_name"),
        ("bytea_output", "bytea_output"),
        ("client_encoding", "client_encoding"),
        ("datestyle", "DateStyle"),
        ("default_transaction_isolation", "default_transaction_isolation"),
        ("default_transaction_read_only", "default_transaction_read_only"),
        ("extra_float_digits", "extra_float_digits"),
        ("in_hot_standby", "in_hot_standby"),
        ("integer_datetimes", "integer_datetimes"),
        ("intervalstyle", "IntervalStyle"),
        ("is_superuser", "is_superuser"),
        ("lc_collate", "lc_collate"),
        ("lc_ctype", "lc_ctype"),
        ("max_identifier_length", "max_identifier_length"),
        ("search_path", "search_path"),
        ("server_encoding", "server_encoding"),
        ("server_version", "server_version"),
        ("server_version_num", "server_version_num"),
        ("standard_conforming_strings", "standard_conforming_strings"),
        ("statement_timeout", "statement_timeout"),
        ("time zone", "TimeZone"),
        ("timezone", "TimeZone"),
        ("transaction isolation level", "transaction_isolation"),
        ("transaction_isolation", "transaction_isolation"),
        ("transaction_read_only", "transaction_read_only"),
    ];
    let found = KNOWN.iter().find(|(name, _)| *name == words);
    found.map(|(_, name)| *name).ok_or_else(|| refusal("42704", &format!("there is no setting {words:?} to show")))
}

#[cfg(test)]
mod tests;
