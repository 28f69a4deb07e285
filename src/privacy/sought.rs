//! One outside number that somebody asks about: whether a text tells it, in whatever way it is written or by its
//! pseudonym, and what is left of the text once it is erased. Looks at texts one by one; finds no rows.

use std::collections::HashMap;

use super::Keys;
use super::mask::{Own, canonical, truncated};
use super::spans::{Span, spans};
use crate::config::{Config, Source};
use crate::number::written::is_sign;
use crate::number::{self, Class, Rules};

/// Digits of a number that are looked for in the middle of others: of fewer, too many other numbers would be found.
const TELLING: usize = 9;

/// The number of a person who asks.
#[derive(Debug)]
pub struct Sought {
    /// In E.164.
    number: String,
    /// The end of it that every spelling has.
    digits: String,
    /// Under every key there is.
    pseudonyms: Vec<String>,
    /// Access digit and area code, by source.
    rules: HashMap<String, (String, String)>,
    /// Extensions and direct lines of any source: they may look like a local number, and are none.
    own: Own,
}

impl Sought {
    /// # Errors
    /// Why the text is no number that can be sought; it does not repeat the text, which is personal.
    pub fn new(text: &str, config: &Config, keys: Option<&Keys>) -> Result<Self, &'static str> {
        let mut scratch = String::new();
        let rules = Rules { outside_prefix: "", area_code: "", by_trunk: true };
        let found = number::outside(text, &rules, &mut scratch).filter(|found| found.number.starts_with('+'));
        let Some(found) = found.filter(|found| found.class != Class::Unknown) else {
            return Err("that is no telephone number with its area or country code");
        };
        let number = found.number.to_string();
        let rules = |source: &Source| (source.name.clone(), (source.outside_prefix.clone(), source.area_code.clone()));
        Ok(Self {
            digits: number.strip_prefix("+44").or_else(|| number.strip_prefix('+')).unwrap_or(&number).to_string(),
            pseudonyms: keys.map(|keys| keys.pseudonyms(&number).collect()).unwrap_or_default(),
            rules: config.sources.iter().map(rules).collect(),
            own: Own::new(config),
            number,
        })
    }

    /// The number in E.164.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// As much of it as may be printed.
    pub fn shown(&self) -> String {
        truncated(&self.number)
    }

    /// Whether a text of a source tells the number.
    pub fn is_in(&self, source: &str, text: &str) -> bool {
        self.is(source, text)
            || self.pseudonyms.iter().any(|pseudonym| text.contains(pseudonym.as_str()))
            || spans(text).iter().any(|span| self.is_at(source, text, span))
            || (self.digits.len() >= TELLING && text.contains(&self.digits))
    }

    /// Whether a line of a source that nobody could read may tell it: with blanks and brackets between its digits or
    /// without, with its area or as it is dialled there.
    pub fn is_in_line(&self, source: &str, line: &str) -> bool {
        let packed = |line: &str| -> String { line.chars().filter(|c| !is_sign(*c)).collect() };
        let tells = |line: &str| {
            let packed = packed(line);
            packed.contains(&self.digits) || self.pseudonyms.iter().any(|pseudonym| packed.contains(pseudonym.as_str()))
        };
        tells(line)
            || tells(&line.replace("(0)", ""))
            || spans(line).iter().any(|span| self.is(source, &span.digits(line)))
    }

    /// What is left of a text that tells it: of the number where it is, and that it was erased.
    pub fn erased(&self, source: &str, text: &str) -> String {
        let instead = truncated(&self.number);
        let area = number::area(&self.number);
        if self.is(source, text) {
            return instead;
        }
        let mut left = text.to_string();
        for pseudonym in &self.pseudonyms {
            left = left.replace(&format!("{area}{pseudonym}"), &instead).replace(pseudonym, "*");
        }
        let mut found: Vec<Span> = Vec::new();
        for span in spans(&left) {
            let is_free = found.last().is_none_or(|before| before.end <= span.start);
            if is_free && self.is_at(source, &left, &span) {
                found.push(span);
            }
        }
        // From the last on: what was replaced moves what stands behind it.
        found.iter().rev().for_each(|span| left.replace_range(span.start..span.end, &instead));
        if self.digits.len() >= TELLING { left.replace(&self.digits, "*") } else { left }
    }

    /// Beside a letter few digits are a name's.
    fn is_at(&self, source: &str, text: &str, span: &Span) -> bool {
        let digits = span.digits(text);
        (!span.beside || digits.len() >= TELLING) && self.is(source, &digits)
    }

    fn is(&self, source: &str, text: &str) -> bool {
        // Most texts are shorter than any way to write it.
        if text.len() < 5 || !text.bytes().any(|b| b.is_ascii_digit()) {
            return false;
        }
        let mut scratch = String::new();
        let (prefix, area) = self.rules.get(source).map_or(("", ""), |(prefix, area)| (prefix, area));
        let rules = Rules { outside_prefix: prefix, area_code: area, by_trunk: true };
        // As when a record is read, what is ours is no outside number, in groups or not.
        canonical(text, &rules, &mut scratch) == self.number && !self.own.has(text) && {
            let digits: String = text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
            !self.own.has(&digits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "[lake]\npath = \"lake\"\n[[source]]\nname = \"a\"\nformat = \"f\"\npaths = []\n\
        timezone = \"Europe/London\"\noutside_prefix = \"9\"\narea_code = \"020\"\nextensions = [\"2XXX\"]\n";

    fn sought(text: &str) -> Result<Sought, &'static str> {
        let formats = [crate::layout::Format { id: "f", keys: &[] }];
        let config = Config::parse(TOML, "onhook.toml", std::path::PathBuf::new(), &formats).unwrap();
        let text_of_keys = Keys::rotated(&Keys::text_of(&[1; 32], &[2; 32]), &[3; 32]);
        Sought::new(text, &config, Some(&Keys::parse(&text_of_keys).unwrap()))
    }

    #[test]
    fn every_way_to_write_it_is_the_number_and_others_are_not() {
        for written in ["+442079460001", "020 7946 0001", "0044 (0)20 7946 0001", "tel:+442079460001", "442079460001"] {
            let sought = sought(written).unwrap();
            assert_eq!((sought.number(), sought.shown().as_str()), ("+442079460001", "+4420*"), "{written}");
            for (text, left) in [
                ("+442079460001", "+4420*"),
                ("02079460001", "+4420*"),
                ("902079460001", "+4420*"),
                ("79460001", "+4420*"),
                ("2079460001", "+4420*"),
                ("Local/902079460001@x", "Local/+4420*@x"),
                ("T2079460001x02079460001", "T+4420*x+4420*"),
                ("T12079460001", "T1*"),
                ("J Bloggs 020 7946 0001", "J Bloggs +4420*"),
                ("J Bloggs +44 (0)20-7946-0001 x", "J Bloggs +4420* x"),
                ("9 7946 0001", "+4420*"),
                ("Room 12 9 7946 0001/2", "Room 12 +4420*/2"),
            ] {
                assert!(sought.is_in("a", text), "{text}");
                let erased = sought.erased("a", text);
                assert_eq!(erased, left, "{text}");
                assert!(!sought.is_in("a", &erased), "{text}");
            }
            for other in ["+442079460002", "2001", "02079460011", "+4420*", "", "SEP001122334455", "9"] {
                assert!(!sought.is_in("a", other), "{other}");
                assert_eq!(sought.erased("a", other), other);
            }
            assert!(!sought.is_in("b", "79460001"), "without its area it is nobody's elsewhere");
            assert!(sought.is_in_line("a", "03/31 10:04 9 020 7946 0001 T1"));
            assert!(sought.is_in_line("a", "0,902079460001,2001"));
            assert!(sought.is_in_line("a", "03/31 10:04 979460001 T1"), "as it is dialled there");
            assert!(sought.is_in_line("a", "03/31 10:04 9 7946 0001 T1"));
            assert!(!sought.is_in_line("b", "03/31 10:04 979460001 T1"), "but not elsewhere");
            assert!(!sought.is_in_line("a", "0,902079460002,2001"));
        }
    }

    #[test]
    fn a_zero_that_is_not_dialled_from_abroad_is_none_of_its_digits() {
        let sought = sought("0033142685300").unwrap();
        for text in ["+33 (0)1 42 68 53 00", "0033142685300", "Paris +33 (0)1.42.68.53.00"] {
            assert!(sought.is_in_line("a", text) && sought.is_in("a", text), "{text}");
        }
        assert!(!sought.is_in_line("a", "+33 (0)1 42 68 53 01"));
    }

    /// An extension as long as a local number of the same area.
    #[test]
    fn an_extension_that_looks_like_the_number_is_ours() {
        let toml = TOML.replace("020", "01632").replace("2XXX", "460XXX");
        let formats = [crate::layout::Format { id: "f", keys: &[] }];
        let config = Config::parse(&toml, "onhook.toml", std::path::PathBuf::new(), &formats).unwrap();
        let sought = Sought::new("01632 460101", &config, None).unwrap();
        for ours in ["460101", "SIP/460101-00000001", "460 101", "SEP460101460101"] {
            assert!(!sought.is_in("a", ours) && !sought.is_in_line("a", ours), "{ours}");
            assert_eq!(sought.erased("a", ours), ours);
        }
        for theirs in ["9460101", "01632 460101", "+441632460101", "1632460101"] {
            assert!(sought.is_in("a", theirs) && sought.is_in_line("a", theirs), "{theirs}");
        }
    }

    #[test]
    fn its_pseudonyms_are_the_number_too_old_ones_as_well() {
        let sought = sought("020 7946 0001").unwrap();
        for secret in [[2; 32], [3; 32]] {
            let keys = Keys::parse(&Keys::text_of(&[1; 32], &secret)).unwrap();
            let pseudonym = keys.pseudonym("+442079460001");
            for (text, left) in [
                (format!("+4420{pseudonym}"), "+4420*"),
                (pseudonym.clone(), "*"),
                (format!("Local/+4420{pseudonym}@x"), "Local/+4420*@x"),
            ] {
                assert!(sought.is_in("a", &text) && sought.is_in_line("a", &text), "{text}");
                assert_eq!(sought.erased("a", &text), left, "{text}");
            }
            assert!(!sought.is_in("a", &format!("+4420{}", keys.pseudonym("+442079460002"))));
        }
    }

    #[test]
    fn what_is_no_number_with_its_area_is_refused() {
        for text in ["", "2001", "79460001", "999", "alice", "118118", "020794600011"] {
            assert!(sought(text).is_err(), "{text}");
        }
    }
}
