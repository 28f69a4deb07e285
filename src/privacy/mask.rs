//! Outside numbers on their way into the lake: which texts tell one, and what stands in its place. Our own numbers,
//! emergency numbers, short codes and directory enquiries are nobody's outside and stay as they are.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Keys;
use super::spans::{Span, is_address, is_id, spans};
use crate::config::{Config, Ddi, OutsideNumbers, Pattern};
use crate::number::{self, Class, Rules};

/// Fewer digits are no number of a private plan that could be an outside one written without its start.
const WHOLE: usize = 7;
/// Fewer digits that came by a trunk are no number at all.
const SHORT: usize = 4;
/// Fewer digits beside a letter are a name's.
const LONG: usize = 10;
/// More digits than a number has with all that is dialled before it; a pseudonym has more.
const LONGEST: usize = 17;

/// What is put in the place of outside numbers, by source; none for sources that keep them.
pub type Masks = HashMap<String, Mask>;

/// Numbers and names that are ours, whichever of our sources they belong to.
#[derive(Debug, Default)]
pub struct Own {
    patterns: Vec<Pattern>,
    ddi: Vec<Ddi>,
    /// Numbers that the organisation's own lists name in full, as they stand there.
    numbers: HashSet<String>,
    /// Handsets, logins and trunks of its lists, in small letters: calls are counted for them by these names.
    names: HashSet<String>,
}

impl Own {
    /// What the configuration knows.
    pub fn new(config: &Config) -> Self {
        let sources = || config.sources.iter();
        Self {
            patterns: sources().flat_map(|source| source.extensions.iter().cloned()).collect(),
            ddi: sources().flat_map(|source| source.ddi.iter().cloned()).collect(),
            ..Self::default()
        }
    }

    /// With what the organisation's lists name besides.
    pub fn listing(
        mut self,
        numbers: impl IntoIterator<Item = String>,
        names: impl IntoIterator<Item = String>,
    ) -> Self {
        self.numbers.extend(numbers);
        self.names.extend(names.into_iter().map(|name| name.to_lowercase()));
        self
    }

    pub fn has(&self, number: &str) -> bool {
        self.numbers.contains(number)
            || self.patterns.iter().any(|pattern| pattern.matches(number))
            || self.ddi.iter().any(|ddi| ddi.gives(number) || ddi.extension(number).is_some())
    }

    /// Whether a whole text is the name of something of ours, whatever digits are in it.
    pub fn has_name(&self, text: &str) -> bool {
        !self.names.is_empty() && self.names.contains(&text.to_lowercase())
    }
}

/// What one source puts in the place of outside numbers.
#[derive(Clone, Debug)]
pub struct Mask {
    way: OutsideNumbers,
    keys: Arc<Keys>,
    own: Arc<Own>,
    outside_prefix: String,
    area_code: String,
}

/// The masks of all sources that do not keep outside numbers.
pub fn masks(config: &Config, keys: Keys, own: Own) -> Masks {
    let (keys, own) = (Arc::new(keys), Arc::new(own));
    let masked = config.sources.iter().filter(|source| source.outside_numbers != OutsideNumbers::Keep);
    let mask = |source: &crate::config::Source| Mask {
        way: source.outside_numbers,
        keys: keys.clone(),
        own: own.clone(),
        outside_prefix: source.outside_prefix.clone(),
        area_code: source.area_code.clone(),
    };
    masked.map(|source| (source.name.clone(), mask(source))).collect()
}

impl Mask {
    /// What stands for a number that is no extension of its source; none where it may stay.
    pub fn number(&self, number: &str, class: Option<Class>) -> Option<String> {
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        let may_stay = match class {
            Some(Class::Emergency | Class::ShortCode | Class::Directory) => true,
            Some(Class::Unknown) => digits < SHORT && !number.contains('@'),
            Some(_) => false,
            // Of a private plan, or of somebody who is no number.
            None => digits < WHOLE && !number.contains('@'),
        };
        (!may_stay && !self.own.has(number)).then(|| self.instead(number))
    }

    /// A text that names something else (a login, a group, a code), without the outside numbers in it.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.without(text, |_| false)
    }

    /// The same of the name of a handset or a trunk, which may be the address of a network card as well.
    pub fn device<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.without(text, |span| is_address(text, span))
    }

    fn without<'t>(&self, text: &'t str, is_no_number: impl Fn(&Span) -> bool) -> Cow<'t, str> {
        // Most names hold no digit, or too few.
        if text.bytes().filter(u8::is_ascii_digit).count() < SHORT || self.own.has_name(text) {
            return Cow::Borrowed(text);
        }
        let mut shown = String::new();
        let mut done = 0;
        for span in spans(text) {
            if span.start < done || !self.may_be(text, &span) || is_no_number(&span) {
                continue;
            }
            match self.run(&span.digits(text), span.groups > 1) {
                Some(Some(instead)) => {
                    shown.push_str(&text[done..span.start]);
                    shown.push_str(&instead);
                }
                // A whole number that may stay: its parts are none of their own.
                Some(None) if span.groups > 1 => shown.push_str(&text[done..span.end]),
                _ => continue,
            }
            done = span.end;
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        shown.push_str(&text[done..]);
        Cow::Owned(shown)
    }

    /// A line that nobody could read, without its digits and without who stands before an `@`.
    pub fn line(text: &str) -> String {
        let mut shown: Vec<char> = text.chars().map(|c| if c.is_numeric() { '#' } else { c }).collect();
        let ats: Vec<usize> = shown.iter().enumerate().filter(|(_, c)| **c == '@').map(|(at, _)| at).collect();
        for at in ats {
            let user = shown[..at].iter_mut().rev().take_while(|c| c.is_alphanumeric() || "._-+#".contains(**c));
            user.for_each(|c| *c = '#');
        }
        shown.into_iter().collect()
    }

    /// What stands for a hash of a text that may hold a number.
    pub fn hidden(&self, hash: i64) -> i64 {
        self.keys.hidden(hash)
    }

    /// What is done, for the `options` of an input.
    pub fn options(&self) -> String {
        let way = self.way.word();
        let key = match self.way {
            OutsideNumbers::Pseudonym => format!("; key={}", self.keys.id()),
            _ => String::new(),
        };
        format!("{OPTION}{way}{key}{RECORDS}{}", self.keys.records_id())
    }

    /// Whether the records of an input with these `options` are known by other hashes than those it would get now.
    pub fn knows_others(&self, options: &str) -> bool {
        let there = options.split_once(RECORDS).and_then(|(_, behind)| behind.split(';').next());
        there.is_some_and(|there| there != self.keys.records_id())
    }

    /// Whether digits that stand so can be a number. One alone can be any; of several groups, or beside a letter, much
    /// else is so long, and only those can that begin as numbers do.
    fn may_be(&self, text: &str, span: &Span) -> bool {
        if span.groups == 1 && !span.beside {
            return true;
        }
        let written = span.digits(text);
        let digits = written.trim_start_matches('+');
        let behind = digits.strip_prefix(self.outside_prefix.as_str()).unwrap_or_default();
        let begins = written.starts_with(['+', '0']) || digits.starts_with("44") || behind.starts_with('0');
        let least = if span.beside || written.starts_with("00") { LONG } else { WHOLE };
        begins && (least..=LONGEST).contains(&digits.len()) && !is_id(text, span)
    }

    /// What stands for a run of digits; none where they are no number, and nothing in its place where it may stay.
    fn run(&self, run: &str, is_joined: bool) -> Option<Option<String>> {
        if self.own.has(run) {
            return Some(None);
        }
        let dialled = Rules { outside_prefix: &self.outside_prefix, area_code: &self.area_code, by_trunk: false };
        // Without its 0 or its + as well; but eight digits without an area code are as soon a date.
        let bare = Rules { area_code: "", by_trunk: true, ..dialled };
        // Nor is a short code one that is written in groups.
        let is_number = |found: &number::Outside<'_>| {
            found.class != Class::Unknown && (!is_joined || found.number.starts_with('+'))
        };
        let mut stays = None;
        for rules in [dialled, bare] {
            let mut scratch = String::new();
            if let Some(found) = number::outside(run, &rules, &mut scratch).filter(is_number) {
                match self.number(found.number, Some(found.class)) {
                    Some(instead) => return Some(Some(instead)),
                    None => stays = Some(None),
                }
            }
        }
        stays
    }

    fn instead(&self, number: &str) -> String {
        let mut scratch = String::new();
        let area = number::area(number);
        match self.way {
            OutsideNumbers::Pseudonym => {
                let rules = Rules { outside_prefix: &self.outside_prefix, area_code: &self.area_code, by_trunk: true };
                area.to_string() + &self.keys.pseudonym(canonical(number, &rules, &mut scratch))
            }
            _ => truncated(number),
        }
    }
}

/// Before the way in the `options` of an input.
pub const OPTION: &str = "outside_numbers=";
/// Before what tells by which secret repeated records are known.
const RECORDS: &str = "; records=";

/// What truncation leaves of a number: where it is, and a mark that the rest was taken.
pub fn truncated(number: &str) -> String {
    format!("{}*", number::area(number))
}

/// A number in the one form in which it gets its pseudonym, however it was written.
pub fn canonical<'n>(number: &'n str, rules: &Rules<'_>, scratch: &'n mut String) -> &'n str {
    match number::outside(number, rules, scratch) {
        Some(found) if found.class != Class::Unknown => found.number,
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(way: &str) -> Mask {
        let text = format!(
            "[lake]\npath = \"lake\"\n[privacy]\nkey = \"key\"\n\
             [[source]]\nname = \"a\"\nformat = \"f\"\npaths = []\ntimezone = \"Europe/London\"\noutside_prefix = \"9\"\n\
             area_code = \"020\"\nextensions = [\"2XXX\"]\noutside_numbers = \"{way}\"\n\
             [[source]]\nname = \"b\"\nformat = \"f\"\npaths = []\ntimezone = \"Europe/London\"\n\
             extensions = [\"7XXXXXX\"]\nddi = [{{ range = \"+44113496XXXX\", extension_digits = 4 }}]\n"
        );
        let formats = [crate::layout::Format { id: "f", keys: &[] }];
        let config = Config::parse(&text, "onhook.toml", std::path::PathBuf::new(), &formats).unwrap();
        let keys = Keys::parse(&Keys::text_of(&[1; 32], &[2; 32])).unwrap();
        let names = ["PJSIP/001565123456", "2012345678", "SIP/02079460500"].map(String::from);
        let own = Own::new(&config).listing(["+442079460123".to_string()], names);
        masks(&config, keys, own).remove("a").unwrap()
    }

    #[test]
    fn what_is_ours_or_nobodys_stays() {
        for way in ["truncate", "pseudonym"] {
            let mask = mask(way);
            for (number, class) in [
                ("999", Some(Class::Emergency)),
                ("18000", Some(Class::Emergency)),
                ("101", Some(Class::ShortCode)),
                ("118118", Some(Class::Directory)),
                ("2001", None),
                ("60001", None),
                ("7123456", None),
                ("7123456", Some(Class::Unknown)),
                ("+441134960001", Some(Class::Geographic)),
                ("+442079460123", Some(Class::Geographic)),
                ("anonymous", None),
                ("9", Some(Class::Unknown)),
                ("*88", Some(Class::Unknown)),
            ] {
                assert_eq!(mask.number(number, class), None, "{way} {number}");
            }
        }
    }

    #[test]
    fn truncation_leaves_the_area() {
        let mask = mask("truncate");
        for (number, class, left) in [
            ("+442079460001", Some(Class::Geographic), "+4420*"),
            ("+447700900123", Some(Class::Mobile), "+447700*"),
            ("+33142685300", Some(Class::International), "+331*"),
            ("960123", Some(Class::Unknown), "*"),
            ("02079460001", None, "*"),
            ("alice@example.com", None, "*"),
        ] {
            assert_eq!(mask.number(number, class).as_deref(), Some(left), "{number}");
        }
    }

    /// Lines between platforms carry numbers in other spellings: the last nine digits are what they are matched by.
    #[test]
    fn a_number_has_one_pseudonym_however_it_was_written() {
        let mask = mask("pseudonym");
        let whole = mask.number("+442079460001", Some(Class::Geographic)).unwrap();
        assert_eq!((&whole[..6], whole.len()), ("+4420p", 24));
        for written in ["02079460001", "902079460001", "00442079460001", "442079460001", "79460001"] {
            assert_eq!(mask.number(written, None).as_deref(), Some(&whole[5..]), "{written}");
        }
    }

    #[test]
    fn numbers_in_names_are_found_and_handsets_left_alone() {
        let mask = mask("truncate");
        for (text, shown) in [
            ("SIP/trunk-1", "SIP/trunk-1"),
            ("SEP001122334455", "SEP001122334455"),
            ("Local/07700900123@outside", "Local/+447700*@outside"),
            ("Local/907700900123@outside", "Local/+447700*@outside"),
            ("SIP/+442079460001", "SIP/+4420*"),
            ("PJSIP/0033142685300", "PJSIP/+331*"),
            ("07700900123", "+447700*"),
            ("SIP/442079460001", "SIP/+4420*"),
            ("SIP/7700900123-1", "SIP/+447700*-1"),
            ("user-20240331", "user-20240331"),
            ("c9db44cf-c74e-0516-2222-907700900123", "c9db44cf-c74e-0516-2222-907700900123"),
            ("+447700900123;+442079460123", "+447700*;+442079460123"),
            ("10.1.2.3", "10.1.2.3"),
            ("999", "999"),
            ("7123456", "7123456"),
            ("", ""),
        ] {
            assert_eq!(mask.text(text), shown, "{text}");
        }
    }

    /// A line whose handset were another in its calls than in the register would look idle.
    #[test]
    fn names_of_our_lists_stay_in_whatever_case() {
        let mask = mask("truncate");
        for name in ["PJSIP/001565123456", "pjsip/001565123456", "2012345678", "SIP/02079460500"] {
            assert_eq!((&*mask.text(name), &*mask.device(name)), (name, name));
        }
        assert_eq!(mask.text("PJSIP/001565123457"), "PJSIP/+1565*");
        assert_eq!(mask.text("SIP/02079460501"), "SIP/+4420*");
        assert_eq!(mask.number("2012345678", Some(Class::Unknown)).as_deref(), Some("*"), "a login is no number");
    }

    /// Numbers from the ranges for drama; what is left of them is their network code.
    #[test]
    fn a_number_is_found_however_people_write_it() {
        let mask = mask("truncate");
        for (text, shown) in [
            ("J Bloggs 07700 900777", "J Bloggs +447700*"),
            ("Relay +44 7700 900778", "Relay +447700*"),
            ("Relay +44 (0)7700 900778, day", "Relay +447700*, day"),
            ("07700-900-777", "+447700*"),
            ("07700.900.777", "+447700*"),
            ("(020) 7946 0001", "(+4420*"),
            ("020/79460001", "+4420*"),
            ("9 07700 900777", "+447700*"),
            ("0044 7700 900777", "+447700*"),
            ("44 7700 900777", "+447700*"),
            ("+33 (0)1 42 68 53 00", "+331*"),
            ("Room 12 07700 900777", "Room 12 +447700*"),
            ("07700 900777/07700 900778", "+447700*/+447700*"),
            ("020 7946 0001 2001", "+4420* 2001"),
            ("mob07700900779", "mob+447700*"),
            ("mob07700 900779", "mob+447700*"),
            ("mob+447700900779", "mob+447700*"),
            ("x447700900779y", "x+447700*y"),
            ("T07700900123", "T+447700*"),
            ("é07700900123", "é+447700*"),
            ("001122334455", "+1122*"),
        ] {
            assert_eq!(mask.text(text), shown, "{text}");
        }
        // Our own, in groups.
        assert_eq!(mask.text("020 7946 0123"), "020 7946 0123");
    }

    #[test]
    fn what_only_looks_like_a_number_stays_as_it_is() {
        let mask = mask("truncate");
        for text in [
            "2024-03-31",
            "31.03.2024 0915",
            "01-13-2024 100",
            "01/13/2024 100",
            "2024-03-31 09:15",
            "10.1.2.3",
            "172.20.105.12",
            "SIP/10.0.2.3-00000012",
            "SIP/10.0.2.3:5060",
            "PJSIP/101-00000001",
            "Local/9@outside-00000456;1",
            "c9db44cf-c74e-0516-2222-907700900123",
            "SEP001122334455",
            "SEP077009001231",
            "ATA447700900123",
            "AN0770090012301",
            "AALN/S1/SU0/0@SEP001122334455",
            "T1 0123",
            "1.2.3.4-5",
            "Floor 2, desk 14-07",
        ] {
            assert_eq!(mask.text(text), text);
            assert_eq!(mask.device(text), text);
        }
        for text in ["001122334455", "00-11-22-33-44-55", "0011.2233.4455", "0011223344bb", "00:11:22:33:44:55"] {
            assert_eq!(mask.device(text), text);
        }
    }

    #[test]
    fn a_line_loses_its_digits_and_its_people() {
        assert_eq!(Mask::line("03/31 10:04 0207 946 0001;x"), "##/## ##:## #### ### ####;x");
        assert_eq!(Mask::line("sip:alice.b@example.com, \u{661}"), "sip:#######@example.com, #");
    }

    proptest! {
        /// Class and area are those of the number, two numbers differ where their numbers do, and nothing of the rest is told.
        #[test]
        fn a_pseudonym_keeps_equality_class_and_area(one in "(20|113|1632|7700|800|33)[0-9]{6,8}", other in "7700[0-9]{6}") {
            let mask = mask("pseudonym");
            let (one, other) = (format!("+44{one}"), format!("+44{other}"));
            let of = |number: &str| mask.number(number, Some(number::classify(number)));
            let (Some(a), Some(b)) = (of(&one), of(&other)) else { return Ok(()) };
            prop_assert_eq!(a == b, one == other);
            prop_assert!(a.starts_with(number::area(&one)));
            prop_assert_eq!(Some(a.clone()), of(&one));
            prop_assert!(!a.contains(&one[number::area(&one).len()..]) || one.len() - number::area(&one).len() < 4);
        }

        #[test]
        fn any_text_is_masked_without_panic(text in prop_oneof![".{0,40}", "[+0-9@ /a]{0,40}"]) {
            for way in ["truncate", "pseudonym"] {
                let mask = mask(way);
                let shown = mask.text(&text).into_owned();
                prop_assert_eq!(mask.text(&shown), shown.clone());
                prop_assert!(!Mask::line(&text).chars().any(char::is_numeric));
                let _ = mask.number(&text, Some(Class::Unknown));
            }
        }
    }
}
