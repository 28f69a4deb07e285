//! What an engine's error says: in one line, without its trace, and without what may be a number of somebody outside. The
//! engine shows the values that it stumbles over. Knows no error but the engine's.

use datafusion::error::DataFusionError;

/// Digits from which on a value may be an outside number; extensions have fewer.
const DIGITS_OF_A_NUMBER: usize = 7;
/// The engine quotes values in any of these.
const QUOTES: [char; 3] = ['\'', '"', '`'];

/// What an engine's error says.
pub fn one_line(error: &DataFusionError) -> String {
    if let Some((what, _)) = crate::lake::store_said(error) {
        return what;
    }
    let line = error.strip_backtrace().lines().map(str::trim).collect::<Vec<_>>().join(" ");
    without_values(&line)
}

/// With an ellipsis in the place of every value that has so many digits.
fn without_values(line: &str) -> String {
    let last = line.matches(QUOTES).count();
    let mut left = String::with_capacity(line.len());
    // What stands between two quotes, whichever: an apostrophe in a sentence or in a value must not make the inside out.
    for (at, part) in line.split_inclusive(QUOTES).enumerate() {
        let text = part.trim_end_matches(QUOTES);
        if at > 0 && at < last && digits(text) >= DIGITS_OF_A_NUMBER {
            left.push('…');
        } else {
            left += &without_words(text);
        }
        left += &part[text.len()..];
    }
    left
}

/// The same of what stands there bare, as in `Can't cast value 447700900123 to type Int32`. Names of files, in which digits
/// follow a letter or a slash, stay.
fn without_words(text: &str) -> String {
    let mut left = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let (number, after) = from.split_at(end);
        left += before;
        let is_of_a_name = left.ends_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '_'))
            || after.starts_with(|c: char| c.is_alphabetic() || c == '_');
        left += if is_of_a_name || number.len() < DIGITS_OF_A_NUMBER { number } else { "…" };
        rest = after;
    }
    left + rest
}

fn digits(text: &str) -> usize {
    text.chars().filter(|c| c.is_numeric()).count()
}

#[cfg(test)]
mod tests {
    use arrow::error::ArrowError;

    use super::*;

    #[test]
    fn a_number_that_the_engine_stumbles_over_is_not_repeated() {
        for (said, left) in [
            (
                "Cannot cast string '+447700900111' to value of Int32 type",
                "Cannot cast string '…' to value of Int32 type",
            ),
            ("Can't cast value 447700900111 to type Int32", "Can't cast value … to type Int32"),
            (
                "No field named \"07700 900 111\". Did you mean 'legs.caller'?",
                "No field named \"…\". Did you mean 'legs.caller'?",
            ),
            ("it's not '020/7946/0001', is it", "it's not '…', is it"),
            ("Error parsing '07700\u{a0}900111'", "Error parsing '…'"),
            ("cannot coerce Utf8(\"07700900111\") and Int64(447700900111)", "cannot coerce Utf8(\"…\") and Int64(…)"),
        ] {
            assert_eq!(without_values(said), left);
        }
        let error = ArrowError::CastError("Cannot cast string '+447700900111' to value of Int32 type".into());
        let told = one_line(&DataFusionError::ArrowError(Box::new(error), None));
        assert!(told.contains("Cannot cast string '…'") && !told.contains("7700"), "{told}");
    }

    #[test]
    fn what_is_no_number_of_anybody_is_told() {
        for said in [
            "No field named \"200123\". Valid fields are legs.caller, legs.callee.",
            "Cannot cast string 'x1' to value of Int32 type",
            "it's at Line: 1, Column: 17",
            "lake/legs/b00000007-v00000012-001.parquet: 4096 bytes are missing",
            "lake/legs/_delta_log/00000000000000000012.json is damaged",
            "",
            "'",
            "a quote ' and no more",
        ] {
            assert_eq!(without_values(said), said);
        }
    }
}
