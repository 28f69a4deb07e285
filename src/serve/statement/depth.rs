//! How deep a statement may go: whoever walks it goes a step down for each operator, table and view that stands on another, and
//! the engine does so many times. A thousand conditions are a report's; a hundred thousand would be the end of the server.

use datafusion::sql::sqlparser::ast::{Query, Select};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::Refusal;

/// Operators of a statement, all together. Values of a list are not counted.
const OPERATORS: usize = 5000;
/// Tables that are joined in one place, and queries of one `WITH`.
const TABLES: usize = 100;
/// Stack of the threads that walk statements: a step takes some kilobytes.
pub const STACK: usize = 256 * 1024 * 1024;

/// # Errors
/// There are too many operators.
pub fn operators(text: &str) -> Result<(), Refusal> {
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

fn too_deep(what: &str) -> Refusal {
    super::refusal("54001", &format!("the statement is too deep: it has {what}"))
}
