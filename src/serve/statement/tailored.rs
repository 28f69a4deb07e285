//! What clients ask of PostgreSQL's catalogue and neither the engine nor the library's parser can do, said in other words that mean
//! the same there. Decides nothing on what is allowed.

use std::borrow::Cow;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Query, SelectItem, SetExpr, Statement, TableFactor, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// `'pg_catalog.array_in'::regproc` is `'array_in'`: the catalogue has functions by their names. What JDBC and DBeaver ask.
pub fn text(sql: &str) -> Cow<'_, str> {
    if !sql.to_ascii_lowercase().contains("regproc") {
        return Cow::Borrowed(sql);
    }
    let Ok(mut tokens) = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize() else { return Cow::Borrowed(sql) };
    let is_word = |token: &Token, word: &str| matches!(token, Token::Word(w) if w.value.eq_ignore_ascii_case(word));
    let mut at = 0;
    while at + 2 < tokens.len() {
        if let (Token::SingleQuotedString(name), Token::DoubleColon, kind) =
            (&tokens[at], &tokens[at + 1], &tokens[at + 2])
            && is_word(kind, "regproc")
        {
            let name = name.strip_prefix("pg_catalog.").unwrap_or(name).to_string();
            tokens.splice(at..at + 3, [Token::SingleQuotedString(name)]);
        }
        at += 1;
    }
    Cow::Owned(tokens.iter().map(ToString::to_string).collect())
}

/// A subquery that looks one value up in the catalogue is its smallest: the engine has to know that there is one. What Npgsql
/// asks.
pub fn statement(statement: &mut Statement) {
    let _ = visit_expressions_mut(statement, |expression| {
        if let Expr::Subquery(query) = expression {
            the_one(query);
        }
        ControlFlow::<()>::Continue(())
    });
}

fn the_one(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let is_of_catalogue = matches!(&select.from[..], [from] if from.joins.is_empty()
        && matches!(&from.relation, TableFactor::Table { name, args: None, .. }
            if name.0.last().is_some_and(|part| part.to_string().to_ascii_lowercase().starts_with("pg_"))));
    let [SelectItem::UnnamedExpr(Expr::Identifier(column))] = &select.projection[..] else { return };
    if !is_of_catalogue || select.distinct.is_some() {
        return;
    }
    let smallest = format!("min({column})");
    let parsed = Parser::new(&PostgreSqlDialect {}).try_with_sql(&smallest).and_then(|mut parser| parser.parse_expr());
    if let Ok(smallest) = parsed {
        select.projection = vec![SelectItem::UnnamedExpr(smallest)];
        // One row is all that there is now.
        (query.order_by, query.limit_clause) = (None, None);
    }
}
