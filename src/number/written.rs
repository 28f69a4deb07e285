//! How people write a number: the signs between its digits. Knows ids whose digits are parted alike; reads no number.

/// Characters between two groups of one number, as in ` - (`.
const MOST: usize = 4;

/// Whether digits before and behind `between` may be of one number: there are signs, and nothing else.
pub fn joins(between: &str) -> bool {
    !between.is_empty() && between.chars().all(is_sign) && between.chars().count() <= MOST
}

/// Blanks, dashes, dots, strokes and brackets, in whatever alphabet, and what is not seen at all.
pub fn is_sign(c: char) -> bool {
    c.is_whitespace() && !c.is_control()
        || "-.()/".contains(c)
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2010}'..='\u{2015}' | '\u{2044}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{2212}' | '\u{2215}' | '\u{feff}')
        || matches!(c, '\u{fe58}' | '\u{fe63}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0d}'..='\u{ff0f}')
}

/// Hexadecimal digits of each part of an id, and the signs between them.
const GUID: [usize; 9] = [8, 1, 4, 1, 4, 1, 4, 1, 12];
const GUID_LENGTH: usize = 36;

/// Whether the byte at a place is of an id such as `01a3f123-45cc-795a-b999-99ea8748c1c5`.
pub fn is_in_guid(text: &str, at: usize) -> bool {
    if text.len() < GUID_LENGTH {
        return false;
    }
    let word = word(text, at, |b| b.is_ascii_hexdigit() || b == b'-');
    word.len() == GUID_LENGTH && word.split('-').map(str::len).eq(GUID.into_iter().step_by(2))
}

/// Bytes of a word that are looked at to either side: longer ones are no id, and a text may be one word of a million.
const NEAR: usize = 64;

/// The bytes of one kind around a place, which are ASCII, as far as they are near.
pub fn word(text: &str, at: usize, is_of_it: impl Fn(u8) -> bool) -> &str {
    let bytes = text.as_bytes();
    let before = bytes[..at].iter().rev().take(NEAR).take_while(|b| is_of_it(**b)).count();
    let behind = bytes[at..].iter().take(NEAR).take_while(|b| is_of_it(**b)).count();
    &text[at - before..at + behind]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_any_alphabet_part_a_number_and_nothing_else_does() {
        for between in [
            " ",
            "-",
            " - ",
            ") ",
            " (",
            " - (",
            "\u{a0}",
            "\u{202f}",
            "\u{2013}",
            " \u{2013} ",
            "\u{2212}",
            "\u{feff}",
        ] {
            assert!(joins(between), "{between:?}");
        }
        for apart in ["", ",", ", ", ":", "+", "x", "\u{e9}", "\u{2022}", "\t", "\n", "     ", "\u{661}"] {
            assert!(!joins(apart), "{apart:?}");
        }
    }

    #[test]
    fn an_id_is_known_wherever_it_stands() {
        let id = "01a3f123-45cc-795a-b999-99ea8748c1c5";
        assert!(is_in_guid(id, 0) && is_in_guid(&format!("id={id};"), 20));
        assert!(!is_in_guid(&format!("a{id}"), 5) && !is_in_guid(&id[1..], 0));
        assert!(!is_in_guid("01a3f12345-cc-795a-b999-99ea8748c1c5", 0), "parted elsewhere");
    }
}
