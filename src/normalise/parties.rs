//! What digits were found to be, kept for the next record that has them: one look-up gives number, extension and class.
//! Knows no numbering.

use std::collections::HashMap;

use crate::leg::{OWN_BITS, SHORT, Short, TextId, packed};
use crate::number::Class;

/// Numbers from outside never end: with so many the memory begins anew.
const MOST: usize = 200_000;

/// A party: the number to store, our extension if it is one ([`NONE`](crate::leg::NONE) if not), the class if it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Party {
    pub number: TextId,
    pub extension: TextId,
    pub class: Option<Class>,
}

/// A way of reading digits: one of three plans, with or without the access digit.
pub type Way = u8;
pub const WAYS: usize = 6;

#[derive(Debug, Default)]
pub struct Parties {
    /// By digits and way.
    short: Short<Party>,
    long: HashMap<Box<str>, [Option<Party>; WAYS]>,
}

impl Parties {
    /// Brings the places of digits near, whichever way they will be read.
    #[inline]
    pub fn warm<const N: usize>(&self, digits: [&str; N]) {
        self.short.warm(digits);
    }

    #[inline]
    pub fn find(&self, digits: &str, way: Way) -> Option<Party> {
        match digits.len() > SHORT {
            true => self.long.get(digits).and_then(|ways| ways[usize::from(way)]),
            false => self.short.find(key(digits, way)),
        }
    }

    /// Keeps what was not found.
    pub fn keep(&mut self, digits: &str, way: Way, party: Party) {
        if self.short.count() + self.long.len() > MOST {
            *self = Self::default();
        }
        match digits.len() > SHORT {
            true => self.long.entry(digits.into()).or_default()[usize::from(way)] = Some(party),
            false => self.short.insert(key(digits, way), party),
        }
    }
}

#[inline]
fn key(digits: &str, way: Way) -> u128 {
    packed(digits.as_bytes()) | u128::from(way) << OWN_BITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leg::NONE;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain map, the way being part of the key.
        #[test]
        fn what_was_kept_comes_back(kept in proptest::collection::vec(("[0-9+]{0,20}", 0..WAYS as Way), 0..300)) {
            let (mut parties, mut plain) = (Parties::default(), HashMap::new());
            for (n, (digits, way)) in kept.iter().enumerate() {
                let party = Party { number: n as TextId + 1, extension: NONE, class: None };
                if parties.find(digits, *way).is_none() {
                    parties.keep(digits, *way, party);
                    plain.insert((digits.clone(), *way), party);
                }
                for way in 0..WAYS as Way {
                    prop_assert_eq!(parties.find(digits, way), plain.get(&(digits.clone(), way)).copied());
                }
            }
        }
    }

    #[test]
    fn a_table_that_grows_keeps_all_and_begins_anew_when_it_is_full() {
        let mut parties = Parties::default();
        let party = |n: usize| Party { number: n as TextId, extension: n as TextId, class: Some(Class::Mobile) };
        (0..50_000).for_each(|n| parties.keep(&n.to_string(), 3, party(n)));
        assert!((0..50_000).all(|n| parties.find(&n.to_string(), 3) == Some(party(n))));
        (50_000..=MOST + 1).for_each(|n| parties.keep(&n.to_string(), 3, party(n)));
        assert_eq!((parties.find("7", 3), parties.find(&(MOST + 1).to_string(), 3)), (None, Some(party(MOST + 1))));
    }
}
