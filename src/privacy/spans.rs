//! Where digits stand in a text that may be one number: runs of them, and neighbours with only blanks and the like
//! between. Knows what else is written with digits: dates, addresses, names of handsets, ids. Reads no number.

use crate::number::written::{is_in_guid, joins, word};

/// Digits that are looked at together: a number with all that is dialled before it has fewer.
const MOST: usize = 24;

/// Names of handsets that are the address of their network card: what they begin with, and hexadecimal digits behind it.
const HANDSETS: [(&str, usize, usize); 6] =
    [("SEP", 12, 12), ("ATA", 12, 12), ("VGC", 12, 12), ("SIP", 12, 12), ("SKIGW", 10, 10), ("AN", 12, 15)];

/// Digits of a text, of one group or of several that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// With the `+` before them, if there is one.
    pub start: usize,
    pub end: usize,
    pub groups: usize,
    /// A letter touches them.
    pub beside: bool,
}

impl Span {
    /// What is to be read: the digits and the `+`, without a zero that is not dialled from abroad.
    pub fn digits(&self, text: &str) -> String {
        let written = &text[self.start..self.end];
        let is_abroad = ["+", "00", "44"].iter().any(|start| written.starts_with(start));
        let (before, behind) = written.split_once("(0)").filter(|_| is_abroad).unwrap_or((written, ""));
        before.chars().chain(behind.chars()).filter(|c| c.is_ascii_digit() || *c == '+').collect()
    }
}

struct Group {
    start: usize,
    end: usize,
    after_letter: bool,
    before_letter: bool,
    /// Nothing but separators between it and the one before.
    is_joined: bool,
}

/// All spans from the first digit on, of those that begin at one place the longest first.
pub fn spans(text: &str) -> Vec<Span> {
    let groups = groups(text);
    let mut spans = Vec::with_capacity(groups.len());
    for (at, first) in groups.iter().enumerate() {
        let begun = spans.len();
        let mut digits = 0;
        for (n, last) in groups[at..].iter().enumerate() {
            digits += last.end - last.start;
            if n > 0 && (!last.is_joined || digits > MOST) {
                break;
            }
            let beside = first.after_letter || last.before_letter;
            spans.push(Span { start: first.start, end: last.end, groups: n + 1, beside });
        }
        spans[begun..].reverse();
    }
    spans
}

fn groups(text: &str) -> Vec<Group> {
    let bytes = text.as_bytes();
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut groups: Vec<Group> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let digits = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        let plus = digits > 0 && bytes[digits - 1] == b'+';
        let start = digits - usize::from(plus);
        if is_in_guid(text, digits) {
            continue;
        }
        let gap = groups.last().map_or("", |before: &Group| &text[before.end..start]);
        groups.push(Group {
            start,
            end: at,
            after_letter: is_letter(text[..start].chars().next_back()),
            before_letter: is_letter(text[at..].chars().next()),
            // A plus is where a number begins.
            is_joined: !plus && joins(gap),
        });
    }
    // Groups of one thing that is no number are joined to nothing.
    for from in 0..groups.len() {
        let things = [(3, is_date(text, &groups[from..])), (4, is_ip(text, &groups, from))];
        if let Some((count, _)) = things.iter().find(|(_, is_it)| *is_it) {
            let to = (from + count + 1).min(groups.len());
            groups[from..to].iter_mut().for_each(|group| group.is_joined = false);
        }
    }
    groups
}

/// Day, month and year, or year, month and day, with one sign between them.
fn is_date(text: &str, groups: &[Group]) -> bool {
    let [one, two, three, ..] = groups else { return false };
    let [first, middle, last] = [one, two, three].map(|group| &text[group.start..group.end]);
    let sign = &text[one.end..two.start];
    let is_year = |text: &str| text.len() == 4 && (text.starts_with("19") || text.starts_with("20"));
    ["-", ".", "/"].contains(&sign)
        && sign == &text[two.end..three.start]
        && middle.len() <= 2
        && ((is_year(first) && last.len() <= 2) || (first.len() <= 2 && is_year(last)))
}

/// Four numbers up to 255 with points between them, and no fifth.
fn is_ip(text: &str, groups: &[Group], from: usize) -> bool {
    let Some(four) = groups.get(from..from + 4) else { return false };
    let is_part = |group: &Group| {
        let part = &text[group.start..group.end];
        part.parse::<u8>().is_ok() && (part == "0" || !part.starts_with(['0', '+']))
    };
    let is_point = |at: usize| {
        let pair = at.checked_sub(1).and_then(|before| Some((groups.get(before)?, groups.get(at)?)));
        pair.is_some_and(|(before, behind)| &text[before.end..behind.start] == ".")
    };
    four.iter().all(is_part) && (from + 1..from + 4).all(is_point) && !is_point(from) && !is_point(from + 4)
}

/// Whether a span begins in the name of a handset that is made of its address, or in a long hexadecimal id.
pub fn is_id(text: &str, span: &Span) -> bool {
    let word = word(text, span.start, |b| b.is_ascii_alphanumeric());
    let is_hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let is_handset = HANDSETS.iter().any(|(start, least, most)| {
        word.strip_prefix(start).is_some_and(|address| (*least..=*most).contains(&address.len()) && is_hex(address))
    });
    is_handset || (word.len() >= 16 && is_hex(word) && word.bytes().any(|b| b.is_ascii_alphabetic()))
}

/// Whether a span is of the address of a network card: the whole text where it is all digits, and begins with 00 or is
/// written in parts; more likely that than a call abroad.
pub fn is_address(text: &str, span: &Span) -> bool {
    let is_hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    let word = word(text, span.start, |b| b.is_ascii_hexdigit());
    let has_letter = word.len() == 12 && word.bytes().any(|b| b.is_ascii_alphabetic());
    let in_parts = |sign: char, count: usize| {
        text.len() == 12 + count - 1
            && text.split(sign).count() == count
            && text.split(sign).all(|part| part.len() == 12 / count && is_hex(part))
    };
    has_letter || in_parts('-', 6) || in_parts('.', 3) || (text.len() == 12 && is_hex(text) && text.starts_with("00"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<String> {
        spans(text).iter().map(|span| span.digits(text)).collect()
    }

    #[test]
    fn neighbours_are_read_together_before_each_alone() {
        assert_eq!(read("a 07700 900777"), ["07700900777", "07700", "900777"]);
        assert_eq!(read("+33 (0)1 42")[0], "+33142", "a zero that is not dialled from abroad");
        assert_eq!(read("(0)20 7946")[0], "0207946");
        assert_eq!(read("1+44"), ["1", "+44"], "a number begins at its plus");
        for apart in ["31.03.2024 0915", "2024-03-31", "10.0.2.3-0001", "1, 2", "1     2", "3a4"] {
            assert!(spans(apart).iter().all(|span| span.groups == 1), "{apart}");
        }
        assert_eq!(read("c9db44cf-c74e-0516-2222-907700900123"), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_text_has_spans_within_it(text in prop_oneof![".{0,60}", "[-+0-9a-f ()./]{0,60}"]) {
            for span in spans(&text) {
                prop_assert!(span.start < span.end && !span.digits(&text).is_empty());
                let _ = (is_id(&text, &span), is_address(&text, &span));
            }
        }
    }
}
