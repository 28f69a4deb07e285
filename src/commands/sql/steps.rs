//! A text of SQL and backslash commands, cut into what is run one after the other. Parses no SQL: it knows where a
//! statement ends and nothing of what it says.

/// What is run in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Without its semicolon.
    Statement(&'a str),
    /// A backslash command, without the backslash.
    Command(&'a str),
}

/// The steps of a text, and whether the last of them is complete: a statement ends in a semicolon, a command with its line.
pub fn steps(text: &str) -> (Vec<Step<'_>>, bool) {
    if let Some(command) = word(text.trim()) {
        return (vec![Step::Command(command)], true);
    }
    let (mut steps, mut rest) = (Vec::new(), text);
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
        if rest.is_empty() {
            return (steps, true);
        }
        if let Some(command) = rest.strip_prefix('\\') {
            let end = command.find('\n').unwrap_or(command.len());
            steps.push(Step::Command(command[..end].trim()));
            rest = &command[end..];
            continue;
        }
        let (end, says_something) = statement(rest);
        match (end, says_something) {
            (Some(end), true) => steps.push(Step::Statement(rest[..end].trim_end())),
            (None, true) => steps.push(Step::Statement(rest.trim_end())),
            _ => {}
        }
        match end {
            Some(end) => rest = &rest[end + 1..],
            None => return (steps, !says_something),
        }
    }
}

/// What people type to leave or to get help, without a backslash.
fn word(text: &str) -> Option<&'static str> {
    let text = text.trim_end_matches(';').trim_end();
    [("exit", "q"), ("quit", "q"), ("help", "?")]
        .into_iter()
        .find_map(|(word, command)| text.eq_ignore_ascii_case(word).then_some(command))
}

/// Where the semicolon is that ends a statement, outside of quotes and comments, and whether it says anything but comments.
fn statement(text: &str) -> (Option<usize>, bool) {
    let mut says_something = false;
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let skipped = match letter {
            ';' => return (Some(at), says_something),
            '\'' | '"' => {
                says_something = true;
                // A doubled quote ends one text and begins the next, which comes to the same.
                rest[1..].find(letter).map_or(rest.len(), |end| end + 2)
            }
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            letter => {
                says_something |= !letter.is_whitespace();
                letter.len_utf8()
            }
        };
        at += skipped;
    }
    (None, says_something)
}

/// Length of a comment between `/*` and `*/`, which may hold others.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let step = match rest {
            _ if rest.starts_with("/*") => {
                depth += 1;
                2
            }
            _ if rest.starts_with("*/") => {
                depth -= 1;
                2
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> (Vec<String>, bool) {
        let (steps, is_complete) = steps(text);
        let said = steps.into_iter().map(|step| match step {
            Step::Statement(text) => text.to_string(),
            Step::Command(text) => format!("\\{text}"),
        });
        (said.collect(), is_complete)
    }

    #[test]
    fn a_statement_ends_at_a_semicolon_that_is_one() {
        let cases: [(&str, &[&str], bool); 14] = [
            ("", &[], true),
            (" ; ;\n", &[], true),
            ("select 1", &["select 1"], false),
            ("select 1;", &["select 1"], true),
            ("select 1; select 2 ;", &["select 1", "select 2"], true),
            ("select ';' , \"a;b\", 'it''s;';", &["select ';' , \"a;b\", 'it''s;'"], true),
            ("select ';", &["select ';"], false),
            ("select 1 -- one; not two\n, 2;", &["select 1 -- one; not two\n, 2"], true),
            ("-- title: x\n\n", &[], true),
            ("/* ; /* ; */ ; */ select 1;", &["/* ; /* ; */ ; */ select 1"], true),
            ("select 'naïve €';", &["select 'naïve €'"], true),
            ("\\d legs\nselect 1;\n\\timing", &["\\d legs", "select 1", "\\timing"], true),
            ("select 1\n\\d", &["select 1\n\\d"], false),
            ("EXIT ;", &["\\q"], true),
        ];
        for (text, steps, is_complete) in cases {
            let steps: Vec<String> = steps.iter().map(|step| step.to_string()).collect();
            assert_eq!(said(text), (steps, is_complete), "{text:?}");
        }
    }

    #[test]
    fn no_text_makes_it_fall_over() {
        for text in ["/*", "/*/", "'", "\"", "--", "\\", "/* é", "-", "/", "€;€", "'€"] {
            steps(text);
        }
    }
}
