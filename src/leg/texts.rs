//! Texts kept once and known by a number: what the numbers, handsets and logins of millions of legs are stored as until
//! they are written. Short ones lie in the table itself, so that a look-up touches one cache line. Knows no meaning.

use std::collections::HashMap;

/// Number of a text in its [`Texts`]; [`NONE`] is no text at all.
pub type TextId = u32;
pub const NONE: TextId = 0;

/// The longest text that fits the table: a handset's name, any telephone number, an IPv4 address.
pub const SHORT: usize = 15;

/// A set of texts, growing only.
#[derive(Debug)]
pub struct Texts {
    /// Short texts, zero-padded, their length in the last byte, by their hash; 0 is a free place.
    table: Vec<(u128, TextId)>,
    /// How many of the table's places are taken.
    short: usize,
    long: HashMap<Box<str>, TextId>,
    all: String,
    /// Where each text ends in `all`; the first is the empty one that stands for none.
    ends: Vec<usize>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { table: vec![(0, NONE); 1024], short: 0, long: HashMap::new(), all: String::new(), ends: vec![0] }
    }
}

impl Texts {
    /// The number of a text, which is kept from now on; [`NONE`] for none. An empty text is a text.
    #[inline]
    pub fn id(&mut self, text: Option<&str>) -> TextId {
        let Some(text) = text else { return NONE };
        if text.len() > SHORT {
            return self.id_of_long(text);
        }
        let key = packed(text.as_bytes());
        match self.seek(key) {
            Ok(id) => id,
            Err(at) => {
                let id = self.keep(text);
                self.table[at] = (key, id);
                self.short += 1;
                if self.short * 3 > self.table.len() * 2 {
                    self.grow();
                }
                id
            }
        }
    }

    /// The number of a text if it is kept; else [`NONE`].
    #[inline]
    pub fn find(&self, text: &str) -> TextId {
        match text.len() > SHORT {
            true => self.long.get(text).copied().unwrap_or(NONE),
            false => self.seek(packed(text.as_bytes())).unwrap_or(NONE),
        }
    }

    /// Brings the places of short texts near, all at once: looked up one by one, each would wait for the memory.
    #[inline]
    pub fn warm<const N: usize>(&self, texts: [&str; N]) {
        let mask = self.table.len() - 1;
        let mut any = 0;
        for text in texts {
            if text.len() <= SHORT {
                any ^= self.table[place(packed(text.as_bytes())) & mask].1;
            }
        }
        std::hint::black_box(any);
    }

    /// Where a short text is in the table, or would be.
    #[inline]
    fn seek(&self, key: u128) -> Result<TextId, usize> {
        let mask = self.table.len() - 1;
        let mut at = place(key) & mask;
        loop {
            match self.table[at] {
                (found, id) if found == key => return Ok(id),
                (0, _) => return Err(at),
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// The text of a number; none for [`NONE`].
    pub fn text(&self, id: TextId) -> Option<&str> {
        (id != NONE).then(|| &self.all[self.ends[id as usize - 1]..self.ends[id as usize]])
    }

    /// How many numbers there are, [`NONE`] among them: they run from 0.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    /// Bytes of all texts together.
    pub fn bytes(&self) -> usize {
        self.all.len()
    }

    fn id_of_long(&mut self, text: &str) -> TextId {
        match self.long.get(text) {
            Some(id) => *id,
            None => {
                let id = self.keep(text);
                self.long.insert(text.into(), id);
                id
            }
        }
    }

    fn keep(&mut self, text: &str) -> TextId {
        self.all.push_str(text);
        self.ends.push(self.all.len());
        (self.ends.len() - 1) as TextId
    }

    fn grow(&mut self) {
        let size = self.table.len() * 2;
        let old = std::mem::replace(&mut self.table, vec![(0, NONE); size]);
        for entry in old.into_iter().filter(|entry| entry.0 != 0) {
            if let Err(at) = self.seek(entry.0) {
                self.table[at] = entry;
            }
        }
    }
}

/// Up to 15 bytes and their number in one, the highest three bits being free; never 0, for the length is kept one too high.
#[inline]
pub fn packed(text: &[u8]) -> u128 {
    let n = text.len();
    let eight = |at: usize| u64::from_le_bytes(text[at..at + 8].try_into().unwrap_or_default());
    let four = |at: usize| u64::from(u32::from_le_bytes(text[at..at + 4].try_into().unwrap_or_default()));
    // Two reads that overlap in place of a loop over the bytes.
    let (low, high) = match n {
        8 => (eight(0), 0),
        9.. => (eight(0), eight(n - 8) >> (8 * (16 - n))),
        4..8 => (four(0) | four(n - 4) << (8 * (n - 4)), 0),
        _ => (text.iter().rev().fold(0, |bits, b| bits << 8 | u64::from(*b)), 0),
    };
    u128::from(low) | u128::from(high) << 64 | (n as u128 + 1) << 120
}

/// Where a packed text belongs, before it is cut to the size of a table.
#[inline]
pub fn place(key: u128) -> usize {
    let mixed = (key as u64 ^ ((key >> 64) as u64).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain list: equal texts have one number, different ones never, and each comes back as it was.
        #[test]
        fn a_number_stands_for_one_text(texts in proptest::collection::vec("[\\x00a-c0é]{0,20}", 0..200)) {
            let mut kept = Texts::default();
            let mut seen: Vec<&String> = Vec::new();
            for text in &texts {
                let known = seen.iter().position(|there| *there == text).unwrap_or_else(|| {
                    seen.push(text);
                    seen.len() - 1
                });
                let found = kept.find(text);
                prop_assert!(found == NONE || found == known as TextId + 1);
                prop_assert_eq!(kept.id(Some(text)), known as TextId + 1);
                prop_assert_eq!(kept.find(text), known as TextId + 1);
                prop_assert_eq!(kept.text(known as TextId + 1), Some(text.as_str()));
            }
            prop_assert_eq!(kept.len(), seen.len() + 1);
        }
    }

    #[test]
    fn a_table_that_grows_keeps_all() {
        let mut texts = Texts::default();
        let names: Vec<String> = (0..50_000).map(|n| format!("{n}")).collect();
        let ids: Vec<TextId> = names.iter().map(|name| texts.id(Some(name))).collect();
        assert_eq!((texts.id(None), texts.len()), (NONE, 50_001));
        for (name, id) in names.iter().zip(ids) {
            assert_eq!((texts.id(Some(name)), texts.text(id)), (id, Some(name.as_str())));
        }
    }
}
