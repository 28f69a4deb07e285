//! A table of short texts with what belongs to each, the text lying in the table itself, so that a look-up touches one cache
//! line. Grows only; knows no meaning.

/// The longest text that fits: a handset's name, any telephone number, an IPv4 address.
pub const SHORT: usize = 15;

/// A short text in one number; never 0. The highest three bits are the caller's to use: keys that differ in them only are
/// neighbours.
pub type Key = u128;

/// Where the caller's bits begin.
pub const OWN_BITS: u32 = Key::BITS - 3;

/// Keys, by their hash, and what belongs to them; key 0 is a free place.
#[derive(Debug)]
pub struct Short<V> {
    places: Vec<(Key, V)>,
    taken: usize,
}

impl<V: Copy + Default> Default for Short<V> {
    fn default() -> Self {
        Self { places: vec![(0, V::default()); 1024], taken: 0 }
    }
}

impl<V: Copy + Default> Short<V> {
    #[inline]
    pub fn find(&self, key: Key) -> Option<V> {
        self.seek(key).ok()
    }

    /// Keeps what belongs to a key that is not there yet.
    pub fn insert(&mut self, key: Key, value: V) {
        if (self.taken + 1) * 3 > self.places.len() * 2 {
            let larger = vec![(0, V::default()); self.places.len() * 2];
            for entry in std::mem::replace(&mut self.places, larger).into_iter().filter(|entry| entry.0 != 0) {
                self.put(entry);
            }
        }
        self.put((key, value));
        self.taken += 1;
    }

    /// How many keys there are.
    pub fn count(&self) -> usize {
        self.taken
    }

    /// Brings the places of texts near, all at once: looked up one by one, each would wait for the memory.
    #[inline]
    pub fn warm<const N: usize>(&self, texts: [&str; N]) {
        let mask = self.places.len() - 1;
        std::hint::black_box(texts.map(|text| match text.len() > SHORT {
            true => V::default(),
            false => self.places[place(packed(text.as_bytes())) & mask].1,
        }));
    }

    fn put(&mut self, entry: (Key, V)) {
        if let Err(at) = self.seek(entry.0) {
            self.places[at] = entry;
        }
    }

    /// What belongs to a key, or where it would be.
    #[inline]
    fn seek(&self, key: Key) -> Result<V, usize> {
        let mask = self.places.len() - 1;
        let mut at = place(key) & mask;
        loop {
            match self.places[at] {
                (found, value) if found == key => return Ok(value),
                (0, _) => return Err(at),
                _ => at = (at + 1) & mask,
            }
        }
    }
}

/// Up to [`SHORT`] bytes and their number in one; never 0, for the length is kept one too high.
#[inline]
pub fn packed(text: &[u8]) -> Key {
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

/// Where a key belongs, before it is cut to the size of a table.
#[inline]
fn place(key: Key) -> usize {
    let key = key & !(7 << OWN_BITS);
    let mixed = (key as u64 ^ ((key >> 64) as u64).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 32) as usize
}
