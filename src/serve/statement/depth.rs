//! How deep a statement may go: whoever walks it goes a step down for each operator, table and view that stands on another, and
//! the engine does so many times. A thousand conditions are a report's; a hundred thousand would be the end of the server.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, Select, SetExpr, Statement, Visit, Visitor};
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
    // What is no text of tokens is the parser's to refuse.
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().unwrap_or_default();
    match tokens.iter().filter(|token| is_operator(token)).count() {
        0..=OPERATORS if text.len() <= LONGEST => Ok(()),
        0..=OPERATORS => {
            Err(super::refusal("54000", "a statement is longer than 1 MiB: bind its values as parameters"))
        }
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
pub fn places(statement: &Statement) -> Result<(), Refusal> {
    let mut places = Places::default();
    let _ = statement.visit(&mut places);
    match places.all {
        0..=PLACES => Ok(()),
        _ => Err(too_deep(&format!("more than {PLACES} queries and tables, each as often as it stands in another"))),
    }
}

/// Sizes of queries: one, and those of all that stands in it.
#[derive(Default)]
struct Places {
    /// Of the outermost queries together.
    all: u64,
    /// Of each query around the place that is looked at, the innermost last, and how many names were known before it.
    open: Vec<(u64, usize)>,
    /// Of each query of a `WITH` by its name, the innermost last.
    known: Vec<(String, u64)>,
    /// Queries of a `WITH` that are still to come: they count where their name stands.
    named: HashMap<*const Query, String>,
}

impl Places {
    fn add(&mut self, size: u64) {
        let around = self.open.last_mut().map_or(&mut self.all, |(size, _)| size);
        *around = around.saturating_add(size);
    }

    fn table(&mut self, name: &str) {
        let name = name.trim_matches('"').to_ascii_lowercase();
        self.add(self.known.iter().rev().find(|(known, _)| *known == name).map_or(1, |(_, size)| *size));
    }

    /// What a visitor does not come to: `TABLE name`, values, and what joins queries.
    fn body(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(_) | SetExpr::Query(_) => {}
            SetExpr::Table(table) => self.table(table.table_name.as_deref().unwrap_or_default()),
            SetExpr::SetOperation { left, right, .. } => {
                self.add(1);
                [left, right].into_iter().for_each(|side| self.body(side));
            }
            _ => self.add(1),
        }
    }
}

impl Visitor for Places {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for with in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.named.insert(std::ptr::from_ref(&*with.query), with.alias.name.value.to_ascii_lowercase());
        }
        self.open.push((0, self.known.len()));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.add(1);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        self.table(&name.to_string());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.body(&query.body);
        let (size, known) = self.open.pop().unwrap_or_default();
        self.known.truncate(known);
        match self.named.remove(&std::ptr::from_ref(query)) {
            Some(name) => self.known.push((name, size)),
            None => self.add(size),
        }
        ControlFlow::Continue(())
    }
}

fn too_deep(what: &str) -> Refusal {
    super::refusal("54001", &format!("the statement is too deep: it has {what}"))
}
