//! The UK numbering plan: the classes, and `number_plan.csv` made ready for look-ups. How numbers are dialled is not here.

use std::sync::LazyLock;

/// What kind of outside party a number is: `number_class` in the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    Geographic,
    /// 03: at the geographic rate, from anywhere.
    UkWide,
    Mobile,
    /// 070: looks like a mobile, is none.
    Personal,
    Pager,
    Freephone,
    /// 082, 084, 087.
    Service,
    Premium,
    Directory,
    Emergency,
    ShortCode,
    International,
    /// 055, 056.
    Voip,
    /// No number of the plan, or one of the wrong length.
    Unknown,
}

impl Class {
    pub const ALL: &'static [Self] = &[
        Self::Geographic,
        Self::UkWide,
        Self::Mobile,
        Self::Personal,
        Self::Pager,
        Self::Freephone,
        Self::Service,
        Self::Premium,
        Self::Directory,
        Self::Emergency,
        Self::ShortCode,
        Self::International,
        Self::Voip,
        Self::Unknown,
    ];

    /// The word as it stands in the lake.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Geographic => "geographic",
            Self::UkWide => "uk_wide",
            Self::Mobile => "mobile",
            Self::Personal => "personal",
            Self::Pager => "pager",
            Self::Freephone => "freephone",
            Self::Service => "service",
            Self::Premium => "premium",
            Self::Directory => "directory",
            Self::Emergency => "emergency",
            Self::ShortCode => "short_code",
            Self::International => "international",
            Self::Voip => "voip",
            Self::Unknown => "unknown",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.word() == word)
    }

    pub const fn is_emergency(self) -> bool {
        matches!(self, Self::Emergency)
    }
}

/// What a code that may stand before another number does to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Service,
    Relay,
}

struct Row {
    class: Class,
    /// Bit n is set where n digits, as dialled, are a whole number; none where the range is not in use.
    lengths: u32,
    role: Option<Role>,
}

/// The numbering plan as a trie of digits, so that a look-up costs one step a digit.
pub(super) struct Plan {
    rows: Vec<Row>,
    /// Where each digit leads, 0 for nowhere; and the row that ends here.
    nodes: Vec<([u16; 10], Option<u16>)>,
}

pub(super) static PLAN: LazyLock<Plan> = LazyLock::new(|| Plan::parse(include_str!("../number_plan.csv")));

impl Plan {
    /// Reads the plan that is compiled in. A row that makes no sense is left out here and fails the test of the data.
    fn parse(text: &str) -> Self {
        let mut plan = Self { rows: Vec::new(), nodes: vec![([0; 10], None)] };
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
        for record in reader.records().flatten() {
            let (Some(prefix), Some(class)) = (record.get(0), record.get(1).and_then(Class::from_word)) else {
                continue;
            };
            let lengths = record.get(2).unwrap_or_default().split(' ').filter_map(|n| n.parse::<u32>().ok());
            let role = match record.get(3) {
                Some("service") => Some(Role::Service),
                Some("relay") => Some(Role::Relay),
                _ => None,
            };
            plan.insert(
                prefix,
                Row { class, lengths: lengths.filter(|n| *n < 32).fold(0, |bits, n| bits | 1 << n), role },
            );
        }
        plan
    }

    fn insert(&mut self, prefix: &str, row: Row) {
        let mut at = 0;
        for digit in prefix.bytes().filter(u8::is_ascii_digit).map(|b| usize::from(b - b'0')) {
            let mut next = usize::from(self.nodes[at].0[digit]);
            if next == 0 {
                next = self.nodes.len();
                self.nodes.push(([0; 10], None));
                self.nodes[at].0[digit] = next as u16;
            }
            at = next;
        }
        self.nodes[at].1 = Some(self.rows.len() as u16);
        self.rows.push(row);
    }

    /// The class of `count` digits as dialled in the UK, if they are a whole number of the plan.
    pub(super) fn class(&self, mut digits: impl Iterator<Item = u8>, count: usize) -> Option<Class> {
        let mut at = 0;
        let mut last = None;
        for b in digits.by_ref() {
            let next = self.nodes[at].0.get(usize::from(b.wrapping_sub(b'0'))).copied()?;
            if next == 0 {
                break;
            }
            at = usize::from(next);
            last = self.nodes[at].1.or(last);
        }
        let row = &self.rows[usize::from(last?)];
        let whole = count < 32 && row.lengths >> count & 1 == 1 && digits.all(|b| b.is_ascii_digit());
        whole.then_some(row.class)
    }

    /// The class of a national significant number (without its 0).
    pub(super) fn national(&self, nsn: &str) -> Option<Class> {
        self.class(std::iter::once(b'0').chain(nsn.bytes()), nsn.len() + 1)
    }

    /// The code before another number that `digits` start with, and its length.
    pub(super) fn role(&self, digits: &str) -> Option<(Role, usize)> {
        let mut at = 0;
        let mut last = None;
        for (i, b) in digits.bytes().enumerate() {
            at = usize::from(self.nodes[at].0.get(usize::from(b.wrapping_sub(b'0'))).copied()?);
            if at == 0 {
                break;
            }
            last = self.nodes[at].1.and_then(|row| self.rows[usize::from(row)].role).map(|role| (role, i + 1)).or(last);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::number::{Rules, classify, outside};

    /// Examples for every range of the National Telephone Numbering Plan: class, then prefix:example.
    const TABLE: &str = "
        geographic 01:01632960000 02:02079460001
        uk_wide 030:03069990000 033:03309990000 034:03459990000 037:03709990000
        unknown 04:04009990000 06:06009990000
        freephone 0500:0500999000 0800:08009990000 0808:08081570000 0800:0800999000 08001111:08001111
        voip 055:05509990000 056:05609990000
        personal 070:07009990000
        mobile 071:07109990000 072:07209990000 073:07309990000 074:07409990000 075:07509990000 077:07700900000
        mobile 078:07809990000 079:07911999000 07624:07624999000
        pager 076:07609990000 076:07625999000
        service 082:08209990000 0843:08439990000 0844:08449990000 0845:08459990000 0845464:08454647 0870:08709990000
        service 0871:08719990000 0872:08729990000 0873:08739990000
        premium 09:09098790000
        directory 118:118118
        short_code 100:100 101:101 105:105 111:111 119:119 123:123 141:141 1470:1470 1471:1471 1571:1571 159:159
        short_code 116000:116000 116006:116006 116111:116111 116117:116117 116123:116123
        emergency 999:999 112:112 18000:18000";

    fn table() -> impl Iterator<Item = (&'static str, &'static str, Class)> {
        TABLE.trim().lines().flat_map(|line| {
            let (class, examples) = line.trim().split_once(' ').unwrap();
            let class = Class::from_word(class).unwrap();
            examples
                .split(' ')
                .map(move |pair| pair.split_once(':').map(|(prefix, number)| (prefix, number, class)).unwrap())
        })
    }

    #[test]
    fn every_row_of_the_table_has_its_class() {
        for (_, example, class) in table() {
            assert_eq!(classify(example), class, "{example}");
            let Some(nsn) = example.strip_prefix('0') else { continue };
            assert_eq!(classify(&format!("+44{nsn}")), class, "+44{nsn}");
            assert_eq!(classify(&format!("0044{nsn}")), class, "0044{nsn}");
            let mut scratch = String::new();
            let found = outside(example, &Rules::default(), &mut scratch).map(|o| (o.number.to_owned(), o.class));
            assert_eq!(found, (class != Class::Unknown).then(|| (format!("+44{nsn}"), class)), "{example}");
        }
        assert_eq!(classify("+33142685300"), Class::International);
        assert_eq!(classify("0033142685300"), Class::International);
    }

    /// Ofcom's numbers for drama, where all invented numbers come from; libphonenumber calls 01632 960, 07700 900 and
    /// 0115 496 0 invalid.
    #[test]
    fn the_safe_ranges_have_their_class() {
        let cities = ["0113", "0114", "0115", "0116", "0117", "0118", "0121", "0131", "0141", "0151", "0161"];
        let mut ranges: Vec<_> = cities.iter().map(|city| (format!("{city}4960"), Class::Geographic)).collect();
        ranges.extend(
            [
                ("02079460", Class::Geographic),
                ("01914980", Class::Geographic),
                ("02920180", Class::Geographic),
                ("01632960", Class::Geographic),
                ("07700900", Class::Mobile),
                ("08081570", Class::Freephone),
                ("09098790", Class::Premium),
                ("03069990", Class::UkWide),
            ]
            .map(|(range, class)| (range.to_owned(), class)),
        );
        for (range, class) in ranges {
            for last in ["000", "123", "999"] {
                assert_eq!(classify(&format!("{range}{last}")), class, "{range}{last}");
                assert_eq!(classify(&format!("+44{}{last}", &range[1..])), class, "+44 {range}{last}");
            }
        }
    }

    #[test]
    fn the_plan_is_sound() {
        let text = include_str!("../number_plan.csv");
        assert!(
            text.starts_with("# taken_on 20")
                && text.lines().next().unwrap().contains("check against the current NTNP")
        );
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
        assert_eq!(
            reader.headers().unwrap(),
            ["prefix", "class", "digits", "role", "note", "valid_from", "valid_until", "source"].as_slice()
        );
        let mut prefixes = BTreeSet::new();
        for record in reader.records().map(Result::unwrap) {
            let [prefix, class, digits, role, note, from, until, source] = std::array::from_fn(|i| &record[i]);
            assert!(!prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit()), "{prefix}");
            assert!(prefixes.insert(prefix.to_owned()), "{prefix} twice");
            let class = Class::from_word(class).unwrap_or_else(|| panic!("{prefix}: {class}"));
            assert_eq!(digits.is_empty(), class == Class::Unknown || role == "relay", "{prefix}: digits");
            for count in digits.split_terminator(' ').map(|n| n.parse::<usize>().unwrap()) {
                assert!((prefix.len()..=11).contains(&count), "{prefix}: {count} digits");
            }
            assert!(matches!(role, "" | "service" | "relay"), "{prefix}: {role}");
            assert!(
                [from, until].iter().all(|d| d.is_empty() || (d.len() == 10 && d.as_bytes()[4] == b'-')),
                "{prefix}: dates"
            );
            assert!(!note.is_empty() && !source.is_empty(), "{prefix}");
        }
        for prefix in table().map(|row| row.0).chain(["18001", "18002", "1280"]) {
            assert!(prefixes.contains(prefix), "{prefix} is missing");
        }
        assert_eq!(PLAN.rows.len(), prefixes.len(), "a row was left out");
    }

    #[test]
    fn words_are_those_of_the_lake() {
        let words: Vec<_> = Class::ALL.iter().map(|class| class.word()).collect();
        let expected = "geographic uk_wide mobile personal pager freephone service premium directory emergency short_code international voip unknown";
        assert_eq!(words.join(" "), expected);
        assert!(Class::ALL.iter().all(|class| Class::from_word(class.word()) == Some(*class)));
    }
}
