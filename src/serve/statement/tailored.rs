//! What clients ask of PostgreSQL's catalogue and neither the engine nor the library's parser can do, said in other words that mean
//! the same here. Decides nothing on what is allowed.

use std::borrow::Cow;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, GroupByExpr, Ident, JoinOperator, ObjectName, Query, Select, SelectItem, SetExpr,
    Statement, TableFactor, TableWithJoins, Value, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// Tables of the catalogue that are of things which nothing here has: keys, indexes, defaults, sequences and the like.
const OF_NOTHING: [&str; 8] = [
    "pg_attrdef",
    "pg_collation",
    "pg_constraint",
    "pg_index",
    "pg_inherits",
    "pg_policy",
    "pg_sequence",
    "pg_trigger",
];

/// The catalogue has functions by their names and not by their ids: `'pg_catalog.array_in'::regproc` is `'array_in'`, and
/// `p.oid = t.typreceive` is `p.proname = t.typreceive`. What JDBC and Npgsql ask.
pub fn text(sql: &str) -> Cow<'_, str> {
    let lower = sql.to_ascii_lowercase();
    if !lower.contains("regproc") && !lower.contains("typreceive") {
        return Cow::Borrowed(sql);
    }
    let Ok(mut tokens) = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize() else { return Cow::Borrowed(sql) };
    tokens.retain(|token| !matches!(token, Token::Whitespace(_)));
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [Token::SingleQuotedString(name), Token::DoubleColon, kind, ..] if is_word(kind, "regproc") => {
                let name = name.strip_prefix("pg_catalog.").unwrap_or(name).to_string();
                tokens.splice(at..at + 3, [Token::SingleQuotedString(name)]);
            }
            [id, Token::Eq, _, Token::Period, name, ..] if is_word(id, "oid") && is_word(name, "typreceive") => {
                tokens[at] = Token::make_word("proname", None);
            }
            _ => {}
        }
        at += 1;
    }
    Cow::Owned(tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(w) if w.value.eq_ignore_ascii_case(word))
}

pub fn statement(statement: &mut Statement) {
    let _ = statement.visit(&mut Tailor);
}

struct Tailor;

impl VisitorMut for Tailor {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let SetExpr::Select(select) = query.body.as_ref()
            && query.with.is_none()
            && gives_nothing(select)
            && let Some(empty) = empty(&select.projection)
        {
            *query = empty;
        }
        if let SetExpr::Select(select) = query.body.as_mut() {
            select.projection.iter_mut().for_each(without_options);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        match expression {
            Expr::Subquery(query) => the_one(query),
            // The catalogue's type of names is a text to the engine. What psqlODBC asks.
            Expr::Cast { data_type: kind @ DataType::Custom(..), .. } if is_name(kind) => *kind = DataType::Text,
            // Every type can be received and sent, by functions that have names here and no ids. What ADBC asks.
            Expr::BinaryOp { left, op: BinaryOperator::NotEq, right } if is_its_function(left) && is_zero(right) => {
                *expression = Expr::value(Value::Boolean(true));
            }
            // The engine knows one sign that escapes, which is PostgreSQL's own. What SQLAlchemy asks.
            Expr::Like { pattern, escape_char: escape @ Some(_), .. } => {
                let sign = escape.take().map(|sign| sign.to_string()).unwrap_or_default();
                if let Some(new) = parsed(&format!("replace({pattern}, {sign}, '\\')")) {
                    **pattern = new;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_name(kind: &DataType) -> bool {
    let DataType::Custom(name, parameters) = kind else { return false };
    parameters.is_empty() && name.0.last().is_some_and(|part| part.to_string().eq_ignore_ascii_case("name"))
}

/// The function that reads a type from the wire, or the one that writes it.
fn is_its_function(column: &Expr) -> bool {
    let name = match column {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    };
    name.is_some_and(|name| ["typreceive", "typsend"].iter().any(|known| name.value.eq_ignore_ascii_case(known)))
}

fn is_zero(number: &Expr) -> bool {
    matches!(number, Expr::Value(value) if value.to_string() == "0")
}

/// The catalogue of the library has no options of tables, and nothing here has any. What SQLAlchemy asks.
fn without_options(item: &mut SelectItem) {
    if let SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) = item
        && let Some(name) = parts.last().filter(|name| name.value.eq_ignore_ascii_case("reloptions"))
        && let Some(expr) = parsed("NULL")
    {
        *item = SelectItem::ExprWithAlias { expr, alias: name.clone() };
    }
}

/// Whether there is no row in what is joined.
fn gives_nothing(select: &Select) -> bool {
    let is_grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    let is_one_row = !is_grouped && select.projection.iter().any(sums_up);
    !is_one_row && select.from.iter().any(joins_nothing)
}

fn joins_nothing(from: &TableWithJoins) -> bool {
    // A right or full join has rows of its other side, and an outer one before it those of this side.
    let mut is_empty = is_nothing(&from.relation);
    for join in &from.joins {
        is_empty = match &join.join_operator {
            JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_) => {
                is_empty || is_nothing(&join.relation)
            }
            JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => is_empty,
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => is_nothing(&join.relation),
            _ => is_empty && is_nothing(&join.relation),
        };
    }
    is_empty
}

fn is_nothing(table: &TableFactor) -> bool {
    match table {
        TableFactor::Table { name, args: None, .. } => OF_NOTHING.iter().any(|known| is_of_catalogue(name, known)),
        TableFactor::NestedJoin { table_with_joins, .. } => joins_nothing(table_with_joins),
        TableFactor::Derived { subquery, .. } => {
            matches!(subquery.body.as_ref(), SetExpr::Select(select) if gives_nothing(select))
        }
        _ => false,
    }
}

fn is_of_catalogue(name: &ObjectName, known: &str) -> bool {
    let name = name.to_string().to_ascii_lowercase();
    name.strip_prefix("pg_catalog.").unwrap_or(&name) == known
}

/// A sum over no rows is a row.
fn sums_up(item: &SelectItem) -> bool {
    let text = item.to_string().to_ascii_lowercase();
    ["count(", "sum(", "min(", "max(", "avg(", "_agg(", "bool_and(", "bool_or("].iter().any(|name| text.contains(name))
}

/// No row, of columns with these names; none where the names cannot be told.
fn empty(columns: &[SelectItem]) -> Option<Query> {
    let mut names: Vec<Ident> = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        let name = match column {
            SelectItem::ExprWithAlias { alias, .. } => alias.clone(),
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => name.clone(),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last()?.clone(),
            SelectItem::UnnamedExpr(_) => Ident::with_quote('"', format!("column {i}")),
            _ => return None,
        };
        let is_there = names.iter().any(|one| one.value.eq_ignore_ascii_case(&name.value));
        names.push(if is_there { Ident::with_quote('"', format!("{} {i}", name.value)) } else { name });
    }
    let columns: Vec<String> = names.iter().map(|name| format!("NULL AS {name}")).collect();
    let sql = format!("SELECT {} WHERE false", columns.join(", "));
    let statement = Parser::parse_sql(&PostgreSqlDialect {}, &sql).ok()?.pop()?;
    match statement {
        Statement::Query(query) => Some(*query),
        _ => None,
    }
}

/// A subquery that looks one value up in the catalogue is its smallest: the engine has to know that there is one. What Npgsql
/// asks.
fn the_one(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let is_catalogue =
        |name: &ObjectName| name.0.last().is_some_and(|part| part.to_string().to_ascii_lowercase().starts_with("pg_"));
    let is_of_catalogue = matches!(&select.from[..], [from] if from.joins.is_empty()
        && matches!(&from.relation, TableFactor::Table { name, args: None, .. } if is_catalogue(name)));
    let column = match &select.projection[..] {
        [SelectItem::UnnamedExpr(column @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_)))] => column.to_string(),
        _ => return,
    };
    if !is_of_catalogue || select.distinct.is_some() {
        return;
    }
    if let Some(smallest) = parsed(&format!("min({column})")) {
        select.projection = vec![SelectItem::UnnamedExpr(smallest)];
        // One row is all that there is now.
        (query.order_by, query.limit_clause) = (None, None);
    }
}

fn parsed(expression: &str) -> Option<Expr> {
    Parser::new(&PostgreSqlDialect {}).try_with_sql(expression).and_then(|mut parser| parser.parse_expr()).ok()
}
