//! A map that forgets: what a survey remembers of the records around it, in memory that does not grow with the file.
//! It knows no format.

use std::collections::HashMap;

/// Entries that are kept for certain: records of one call stand closer together than this.
const KEPT: usize = 100_000;

/// Keeps the newest [`KEPT`] to twice as many entries; one that is looked up counts as new.
pub struct Recent<V> {
    young: HashMap<u64, V>,
    old: HashMap<u64, V>,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<V> Recent<V> {
    pub fn get(&self, key: u64) -> Option<&V> {
        self.young.get(&key).or_else(|| self.old.get(&key))
    }

    /// The entry, which may be changed; the one of `new` where there is none.
    pub fn entry(&mut self, key: u64, new: impl FnOnce() -> V) -> &mut V {
        if self.young.len() >= KEPT && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        let old = self.old.remove(&key);
        self.young.entry(key).or_insert_with(|| old.unwrap_or_else(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_in_a_long_time_is_forgotten() {
        let mut recent = Recent::default();
        for n in 0..KEPT as u64 * 3 {
            recent.entry(n, || n);
            *recent.entry(7, || 7) += 1;
        }
        assert_eq!((recent.get(8), recent.get(KEPT as u64 * 3 - 1)), (None, Some(&(KEPT as u64 * 3 - 1))));
        assert_eq!(recent.get(7), Some(&(7 + KEPT as u64 * 3)));
        assert!(recent.young.len() + recent.old.len() <= 2 * KEPT + 1);
    }
}
