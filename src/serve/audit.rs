//! One line of the log for each statement: who, in what role, how long, how many rows, how it ended, and the statement
//! without its literals: what somebody looked for may be the number of a person.

use std::time::Instant;

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::users::Role;

/// Longer statements are cut.
const LONGEST: usize = 1000;

/// A statement that is under way; the line is written when it is let go.
pub struct Note {
    user: String,
    role: Role,
    statement: String,
    began: Instant,
    clock: fn() -> Instant,
    rows: u64,
    outcome: String,
}

impl Note {
    /// Unless it is told otherwise, the statement was stopped.
    pub fn new(user: &str, role: Role, statement: String, clock: fn() -> Instant) -> Self {
        let (user, outcome) = (user.to_string(), "stopped".to_string());
        Self { user, role, statement, began: clock(), clock, rows: 0, outcome }
    }

    pub fn row(&mut self) {
        self.rows += 1;
    }

    pub fn good(&mut self) {
        self.outcome = "good".into();
    }

    /// `code` is that of PostgreSQL.
    pub fn refused(&mut self, code: &str) {
        self.outcome = code.to_string();
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let ms = (self.clock)().duration_since(self.began).as_millis() as u64;
        let (role, rows) = (self.role.word(), self.rows);
        tracing::info!(user = self.user, role, ms, rows, outcome = self.outcome, statement = self.statement);
    }
}

/// A statement with `?` for each literal, on one line. What cannot be read is not told at all.
pub fn without_literals(text: &str) -> String {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() else {
        return "(not readable)".into();
    };
    let words = tokens.iter().map(|token| match token {
        Token::Whitespace(_) => " ".to_string(),
        // A number that was written as a name by mistake is a number all the same.
        Token::Word(word) if !has_number(&word.value) => token.to_string(),
        Token::Word(_) => "?".into(),
        Token::Placeholder(name) if !has_number(name) => name.clone(),
        Token::Placeholder(_) => "?".into(),
        token if is_punctuation(token) => token.to_string(),
        _ => "?".into(),
    });
    let line: String = words.collect();
    let mut line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

fn has_number(word: &str) -> bool {
    word.bytes().filter(u8::is_ascii_digit).count() >= 5
}

/// Signs that stand between words; whatever else there is holds a text or a number.
fn is_punctuation(token: &Token) -> bool {
    let text = token.to_string();
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_punctuation() && !b"'\"".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_literal_is_in_the_line() {
        let cases = [
            ("select *\n from legs where callee = '+447700900123'", "select * from legs where callee = ?"),
            ("select 1, 2.5, true from \"legs\" -- 07700900123", "select ?, ?, true from \"legs\""),
            ("select $1::text, $$07700900123$$, E'x\\n', U&'x', x'12'", "select $1::text, ?, ?, ?, ?"),
            ("select 'it''s' /* 07700900123 */ from calls", "select ? from calls"),
            ("select \"07700900123\", a07700900123 from legs", "select ?, ? from legs"),
            ("select '07700900123", "(not readable)"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_literals(text), expected, "{text}");
        }
        assert!(without_literals(&"select a, ".repeat(500)).chars().count() <= LONGEST + 1);
    }
}
