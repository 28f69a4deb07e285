//! Number patterns of the configuration: `2XXXXX`, `7[0-4]XXX`, `+4420723XXXXX`. Not regular expressions: one
//! element a digit, so a pattern has a length and a match is a walk along it.

use schemars::JsonSchema;
use serde::Deserialize;

/// A number range: `X` is any digit, `[0-4]` or `[135]` a choice, a leading `+` itself, anything else a digit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Pattern {
    /// Ten bits an element: which digits it takes.
    elements: Vec<u16>,
    plus: bool,
}

/// Direct-dial numbers: a range in E.164 and how many of its last digits are the extension.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ddi {
    pub range: Pattern,
    pub extension_digits: usize,
}

impl Pattern {
    /// Digits a number of this range has.
    pub fn digits(&self) -> usize {
        self.elements.len()
    }

    pub fn matches(&self, number: &str) -> bool {
        let digits = match (self.plus, number.strip_prefix('+')) {
            (true, Some(digits)) => digits,
            (false, None) => number,
            _ => return false,
        };
        fits(&self.elements, digits)
    }
}

impl Ddi {
    /// The extension behind a number of this range.
    pub fn extension<'a>(&self, number: &'a str) -> Option<&'a str> {
        match self.range.matches(number) {
            true => number.get(number.len().checked_sub(self.extension_digits)?..),
            false => None,
        }
    }

    /// Whether a number of this range can stand for that extension.
    pub fn gives(&self, extension: &str) -> bool {
        let elements = &self.range.elements;
        let last = elements.len().checked_sub(self.extension_digits).map(|from| &elements[from..]);
        last.is_some_and(|last| fits(last, extension))
    }
}

fn fits(elements: &[u16], digits: &str) -> bool {
    digits.len() == elements.len()
        && digits.bytes().zip(elements).all(|(b, set)| b.is_ascii_digit() && set & (1 << (b - b'0')) != 0)
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |what: &str| format!("pattern {text:?}: {what}; write it like 2XXXXX, 7[0-4]XXX or +4420723XXXXX");
        let (plus, rest) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let mut elements = Vec::new();
        let mut chars = rest.chars();
        while let Some(c) = chars.next() {
            elements.push(match c {
                'X' | 'x' => 0x3ff,
                '0'..='9' => 1 << (c as u16 - '0' as u16),
                '[' => {
                    let (mut set, mut last, mut range) = (0u16, None, false);
                    loop {
                        match chars.next() {
                            Some(']') if set != 0 && !range => break set,
                            Some('-') if last.is_some() && !range => range = true,
                            Some(d @ '0'..='9') => {
                                let d = d as u16 - '0' as u16;
                                let from = last.filter(|_| range).unwrap_or(d);
                                if from > d {
                                    return Err(wrong("a range runs backwards"));
                                }
                                set |= (from..=d).fold(0, |set, d| set | 1 << d);
                                (last, range) = (Some(d), false);
                            }
                            _ => return Err(wrong("a bracket holds digits and ranges of digits")),
                        }
                    }
                }
                _ => return Err(wrong("only digits, X, brackets and a leading + are known")),
            });
        }
        match elements.is_empty() {
            true => Err(wrong("it is empty")),
            false => Ok(Self { elements, plus }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::try_from(text.to_string()).unwrap()
    }

    #[test]
    fn a_pattern_takes_its_own_numbers_and_no_others() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("2XXXXX", &["200000", "299999"], &["20000", "2000000", "300000", "20000a", "+20000", ""]),
            ("7[0-4]XXX", &["70000", "74999"], &["75000", "7000"]),
            ("[135-7]", &["1", "3", "5", "6", "7"], &["0", "2", "4", "8"]),
            ("+44207946XXXX", &["+442079460001"], &["442079460001", "+44207946000"]),
        ];
        for (text, good, bad) in cases {
            assert!(good.iter().all(|n| pattern(text).matches(n)), "{text}");
            assert!(!bad.iter().any(|n| pattern(text).matches(n)), "{text}");
        }
    }

    #[test]
    fn a_bad_pattern_says_how_to_write_one() {
        for text in ["", "+", "2YY", "[", "[]", "[4-0]", "[1-", "2*"] {
            let why = Pattern::try_from(text.to_string()).unwrap_err();
            assert!(why.contains("write it like"), "{text}: {why}");
        }
    }

    #[test]
    fn the_last_digits_of_a_ddi_are_the_extension() {
        let ddi = Ddi { range: pattern("+44207946XXXX"), extension_digits: 5 };
        assert_eq!(ddi.extension("+442079460123"), Some("60123"));
        assert_eq!(ddi.extension("+442079460"), None);
        assert!(ddi.gives("60123") && !ddi.gives("70123") && !ddi.gives("0123") && !ddi.gives("+442079460123"));
        let too_many = Ddi { extension_digits: 50, ..ddi };
        assert_eq!((too_many.extension("+442079460123"), too_many.gives("60123")), (None, false));
    }
}
