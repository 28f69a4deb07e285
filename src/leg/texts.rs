//! Texts kept once and known by a number: what the numbers, handsets and logins of millions of legs are stored as until
//! they are written. Knows no meaning.

use std::collections::HashMap;

use super::short::{SHORT, Short, packed};

/// Number of a text in its [`Texts`]; [`NONE`] is no text at all.
pub type TextId = u32;
pub const NONE: TextId = 0;

/// A set of texts, growing only.
#[derive(Debug)]
pub struct Texts {
    short: Short<TextId>,
    long: HashMap<Box<str>, TextId>,
    all: String,
    /// Where each text ends in `all`; the first is the empty one that stands for none.
    ends: Vec<usize>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { short: Short::default(), long: HashMap::new(), all: String::new(), ends: vec![0] }
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
        self.short.find(key).unwrap_or_else(|| {
            let id = self.keep(text);
            self.short.insert(key, id);
            id
        })
    }

    /// The number of a text if it is kept; else [`NONE`].
    #[inline]
    pub fn find(&self, text: &str) -> TextId {
        match text.len() > SHORT {
            true => self.long.get(text).copied().unwrap_or(NONE),
            false => self.short.find(packed(text.as_bytes())).unwrap_or(NONE),
        }
    }

    /// Brings the places of texts that will be looked up near.
    #[inline]
    pub fn warm<const N: usize>(&self, texts: [&str; N]) {
        self.short.warm(texts);
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
