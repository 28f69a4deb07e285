//! What digits were found to be, kept for the next record that has them. Knows no numbering.

use super::Party;
use crate::leg::{TextId, Texts};
use crate::number::Class;

/// Ways of reading digits: three plans, each with and without the access digit.
pub const WAYS: usize = 6;
/// Numbers from outside never end: with so many the memory begins anew.
const MOST: usize = 100_000;

/// Digits, and the way they are read.
pub type Place = (TextId, usize);

/// A stretch of `made`.
type Span = (u32, u32);

#[derive(Clone, Copy, Debug)]
struct Known {
    number: Option<Span>,
    extension: Option<Span>,
    class: Option<Class>,
}

#[derive(Debug, Default)]
pub struct Parties {
    digits: Texts,
    known: Vec<[Option<Known>; WAYS]>,
    made: String,
}

impl Parties {
    /// The place of digits, good until [`Self::trim`].
    #[inline]
    pub fn place(&mut self, digits: &str, way: usize) -> Place {
        let id = self.digits.id(Some(digits));
        if id as usize >= self.known.len() {
            self.known.resize(id as usize + 1, [None; WAYS]);
        }
        (id, way)
    }

    #[inline]
    pub fn is_known(&self, (id, way): Place) -> bool {
        self.known[id as usize][way].is_some()
    }

    pub fn keep(&mut self, (id, way): Place, party: Party<'_>) {
        let mut span = |text: &str| {
            let start = self.made.len() as u32;
            self.made.push_str(text);
            (start, self.made.len() as u32)
        };
        let number = party.number.map(&mut span);
        // An extension is its own number: the same text, so that whoever looks at it can tell.
        let is_number = party.number.zip(party.extension).is_some_and(|(a, b)| a == b);
        let extension = if is_number { number } else { party.extension.map(&mut span) };
        let known = Known { number, extension, class: party.class };
        self.known[id as usize][way] = Some(known);
    }

    /// What was kept at a place; nobody where there is none.
    #[inline]
    pub fn at(&self, place: Option<Place>) -> Party<'_> {
        let Some(known) = place.and_then(|(id, way)| self.known[id as usize][way]) else { return Party::default() };
        let text = |span: Option<Span>| span.map(|(start, end)| &self.made[start as usize..end as usize]);
        Party { number: text(known.number), extension: text(known.extension), class: known.class }
    }

    /// Forgets all where it has grown too large. For between two records.
    #[inline]
    pub fn trim(&mut self) {
        if self.digits.len() > MOST || self.digits.bytes() + self.made.len() > MOST * 64 {
            *self = Self::default();
        }
    }
}
