//! How deep a statement may go: whoever walks it goes a step down for each operator, table and view that stands on another, and
//! the engine does so many times. A thousand conditions are a report's; a hundred thousand would be the end of the server.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, Select, SetExpr, TableFactor, TableWithJoins, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::Refusal;

/// Operators of a statement, all together. Values of a list are not counted.
const OPERATORS: usize = 5000;
/// Bytes of a statement: planned, a list of values takes hundreds of times as much.
const LONGEST: usize = 1024 * 1024;
/// Tables that are joined in one place, and queries of one `WITH`.
const TABLES: usize = 100;
/// Queries and tables of a statement, each as often as it stands in another: a `WITH` of twenty queries, each of which has
/// the one before it twice, has a million, and the plan of each place is worked on by itself.
const PLACES: u64 = 10_000;
/// Stack of the threads that walk statements: a step takes some kilobytes.
pub const STACK: usize = 256 * 1024 * 1024;

/// # Errors
/// The text is too long, or there are too many operators.
pub fn operators(text: &str) -> Result<(), Refusal> {
    if text.len() > LONGEST {
        return Err(super::refusal("54000", "a statement is longer than 1 MiB: bind its values as parameters"));
    }
    // What is no text of tokens is the parser's to refuse.
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() else { return Ok(()) };
    match tokens.iter().filter(|token| is_operator(token)).count() {
        0..=OPERATORS => Ok(()),
        count => Err(too_deep(&format!("{count} operators, and {OPERATORS} are taken"))),
    }
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::JOIN
        ),
        Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::SemiColon
        | Token::LParen
        | Token::RParen
        | Token::Number(..)
        | Token::Placeholder(_)
        | Token::SingleQuotedString(_) => false,
        _ => true,
    }
}

/// # Errors
/// There are too many tables.
pub fn tables(select: &Select) -> Result<(), Refusal> {
    match select.from.iter().map(|from| from.joins.len() + 1).sum() {
        0..=TABLES => Ok(()),
        count => Err(too_deep(&format!("{count} tables joined in one place, and {TABLES} are taken"))),
    }
}

/// # Errors
/// There are too many queries that may stand on one another.
pub fn with(query: &Query) -> Result<(), Refusal> {
    match query.with.as_ref().map_or(0, |with| with.cte_tables.len()) {
        0..=TABLES => Ok(()),
        count => Err(too_deep(&format!("{count} queries in one WITH, and {TABLES} are taken"))),
    }
}

/// # Errors
/// There are too many places.
pub fn places(query: &Query) -> Result<(), Refusal> {
    match Places::default().query(query) {
        0..=PLACES => Ok(()),
        _ => Err(too_deep(&format!("more than {PLACES} queries and tables, each as often as it stands in another"))),
    }
}

/// The size of each query of a `WITH` by its name, the innermost last.
#[derive(Default)]
struct Places(Vec<(String, u64)>);

impl Places {
    fn query(&mut self, query: &Query) -> u64 {
        let known = self.0.len();
        for with in query.with.iter().flat_map(|with| &with.cte_tables) {
            let size = self.query(&with.query);
            self.0.push((with.alias.name.value.to_ascii_lowercase(), size));
        }
        let size = self.body(&query.body);
        self.0.truncate(known);
        size
    }

    fn body(&mut self, body: &SetExpr) -> u64 {
        match body {
            SetExpr::Select(select) => {
                let tables = select.from.iter().fold(1, |sum: u64, from| sum.saturating_add(self.tables(from)));
                let inner = self.inner(&select.projection);
                let inner = inner.saturating_add(self.inner(&select.selection));
                tables.saturating_add(inner).saturating_add(self.inner(&select.having))
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left).saturating_add(self.body(right)).saturating_add(1)
            }
            SetExpr::Query(query) => self.query(query),
            SetExpr::Table(table) => table.table_name.as_deref().map_or(1, |name| self.named(name)),
            _ => 1,
        }
    }

    fn tables(&mut self, from: &TableWithJoins) -> u64 {
        from.joins.iter().fold(self.table(&from.relation), |sum, join| {
            let on = self.inner(&join.join_operator);
            sum.saturating_add(self.table(&join.relation)).saturating_add(on)
        })
    }

    fn table(&mut self, table: &TableFactor) -> u64 {
        match table {
            TableFactor::Table { name, .. } => self.named(&name.to_string()),
            TableFactor::Derived { subquery, .. } => self.query(subquery),
            TableFactor::NestedJoin { table_with_joins, .. } => self.tables(table_with_joins),
            _ => 1,
        }
    }

    fn named(&self, name: &str) -> u64 {
        let name = name.trim_matches('"').to_ascii_lowercase();
        self.0.iter().rev().find(|(known, _)| *known == name).map_or(1, |(_, size)| *size)
    }

    /// Queries in expressions.
    fn inner(&mut self, part: &impl Visit) -> u64 {
        let mut within = Within { places: self, size: 0 };
        let _ = part.visit(&mut within);
        within.size
    }
}

struct Within<'a> {
    places: &'a mut Places,
    size: u64,
}

impl Visitor for Within<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        // What stands in these is counted with them, and once more when the visitor comes to it: too many and never too few.
        if let Expr::Subquery(query) | Expr::Exists { subquery: query, .. } | Expr::InSubquery { subquery: query, .. } =
            expression
        {
            self.size = self.size.saturating_add(self.places.query(query));
        }
        ControlFlow::Continue(())
    }
}

fn too_deep(what: &str) -> Refusal {
    super::refusal("54001", &format!("the statement is too deep: it has {what}"))
}
