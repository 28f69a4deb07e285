//! One input while its records go by: what it is called, its ledger, first and last moment, and how often each text stood in
//! it. Writes nothing.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::FixedState;
use rayon::prelude::*;

use super::decode::{Part, Piece};
use super::repeats::share_of;
use crate::config::Source;
use crate::discover::Text;
use crate::ledger::Ledger;
use crate::leg::{Legs, Name, names_any};
use crate::normalise::ordinal_key;
use crate::privacy::{Mask, Masks};
use crate::read;

/// What is known of an input while its records go by.
pub struct Input<'a> {
    pub source: &'a Source,
    /// What stands for its outside numbers; none where they are kept.
    pub mask: Option<&'a Mask>,
    /// As in `inputs`.
    pub name: String,
    pub hash: blake3::Hash,
    pub size: u64,
    /// What the reader detected.
    pub options: String,
    pub ledger: Ledger,
    pub input_id: i64,
    file_name: String,
    pub first_us: Option<i64>,
    pub last_us: Option<i64>,
    pub names_devices: bool,
    pub names_users: bool,
    /// How often each text stood on each civil day, in shares by the text; for records that have no id of their own.
    seen: Vec<HashMap<(i64, i32), u32, FixedState>>,
    /// End of the record above, and the farthest that an end lies before the one above it, in seconds.
    last_end_s: Option<i64>,
    pub back_s: i64,
}

impl<'a> Input<'a> {
    /// An input whose fingerprint may not be known yet.
    pub fn new(source: &'a Source, masks: &'a Masks, text: &Text) -> Self {
        let mut input = Self {
            source,
            mask: masks.get(&source.name),
            name: text.name.clone(),
            hash: blake3::Hash::from_bytes([0; 32]),
            size: 0,
            options: String::new(),
            ledger: Ledger::default(),
            input_id: 0,
            file_name: text.file_name().to_string(),
            first_us: None,
            last_us: None,
            names_devices: false,
            names_users: false,
            seen: Vec::new(),
            last_end_s: None,
            back_s: 0,
        };
        if let Some((hash, size)) = text.fingerprint() {
            input.is(hash, size);
        }
        input
    }

    /// What it is, now that all of it was read.
    pub fn is(&mut self, hash: blake3::Hash, size: u64) {
        (self.hash, self.size) = (hash, size);
        self.input_id = crate::discover::input_id(&self.source.name, &hash);
    }

    pub fn marks(&self) -> read::Marks<'_> {
        read::reader(&self.source.format).map_or_else(read::Marks::default, |reader| reader.marks(&self.file_name))
    }

    /// Takes in what was seen of one piece of it, in order.
    pub fn see(&mut self, seen: &Seen) {
        self.first_us = self.first_us.into_iter().chain(seen.first_us).min();
        self.last_us = self.last_us.max(seen.last_us);
        self.names_devices |= seen.names_devices;
        self.names_users |= seen.names_users;
        if let Some((first, last)) = seen.ends_s {
            self.back_s = self.back_s.max(seen.back_s).max(self.last_end_s.map_or(0, |end| end - first));
            self.last_end_s = Some(last);
        }
    }

    /// Equal texts of one civil day are different calls: the rows of those that stood before, and how often they did.
    /// `places` are parts and rows, in order.
    fn equal_texts(&mut self, parts: &[Part], places: &[(usize, Range<usize>)]) -> Vec<(usize, usize, u32)> {
        // As many as at first, for a text stays in its share.
        if self.seen.is_empty() {
            self.seen.resize_with(rayon::current_num_threads(), HashMap::default);
        }
        let shares = self.seen.len();
        let again = self.seen.par_iter_mut().enumerate().map(|(share, seen)| {
            let mut again = Vec::new();
            for (part, rows) in places {
                let legs = &parts[*part].legs;
                for row in rows.clone().filter(|row| share_of(legs.leg_key[*row], shares) == share) {
                    let ordinal = seen.entry((legs.leg_key[row], legs.local_day[row])).or_default();
                    if *ordinal > 0 {
                        again.push((*part, row, *ordinal));
                    }
                    *ordinal += 1;
                }
            }
            again
        });
        again.flatten().collect()
    }
}

/// Works into the keys of records without an id of their own which of the equal texts of its day each is.
pub fn number_equal_texts(parts: &mut [Part], inputs: &mut [Input<'_>]) {
    let mut places: HashMap<usize, Vec<(usize, Range<usize>)>> = HashMap::new();
    for (at, part) in parts.iter().enumerate() {
        for piece in part.pieces.iter().filter(|piece| piece.by_text) {
            places.entry(piece.input).or_default().push((at, piece.rows.clone()));
        }
    }
    if places.is_empty() {
        return;
    }
    let told: &[Part] = parts;
    let again = inputs.par_iter_mut().enumerate().filter_map(|(n, input)| {
        let again = input.equal_texts(told, places.get(&n)?).into_iter();
        let keyed = again.map(|(part, row, ordinal)| (part, row, ordinal_key(told[part].legs.leg_key[row], ordinal)));
        Some(keyed.collect::<Vec<_>>())
    });
    let again: Vec<(usize, usize, i64)> = again.flatten().collect();
    parts.par_iter_mut().for_each(|part| {
        for piece in part.pieces.iter().filter(|piece| piece.by_text) {
            part.legs.leg_key[piece.rows.clone()].iter_mut().for_each(|key| *key = ordinal_key(*key, 0));
        }
    });
    again.into_iter().for_each(|(part, row, key)| parts[part].legs.leg_key[row] = key);
    // A hash of a text is a hash of the number in it.
    parts.par_iter_mut().for_each(|part| {
        for piece in part.pieces.iter().filter(|piece| piece.by_text) {
            if let Some(mask) = inputs[piece.input].mask {
                part.legs.leg_key[piece.rows.clone()].iter_mut().for_each(|key| *key = mask.hidden(*key));
            }
        }
    });
}

/// What the legs of one piece show of their input.
pub struct Seen {
    first_us: Option<i64>,
    last_us: Option<i64>,
    names_devices: bool,
    names_users: bool,
    /// Ends of the first and the last call, and the farthest that an end lies before the one above it.
    ends_s: Option<(i64, i64)>,
    back_s: i64,
}

impl Seen {
    pub fn of(legs: &Legs, piece: &Piece) -> Self {
        let moments = &legs.started_at_us[piece.rows.clone()];
        let any = |names: [Name; 2]| names.iter().any(|name| names_any(&legs.names(*name)[piece.rows.clone()]));
        let (mut ends_s, mut back_s) = (None, 0);
        // Records are written when calls end: the ends never go back by much.
        for row in piece.rows.clone() {
            let ring_s = legs.ring_s[row].map_or(0, i64::from);
            let end = legs.started_at_us[row] / 1_000_000 + ring_s + i64::from(legs.talk_s[row]);
            let (first, last) = ends_s.unwrap_or((end, end));
            back_s = back_s.max(last - end);
            ends_s = Some((first, end));
        }
        Self {
            first_us: moments.iter().min().copied(),
            last_us: moments.iter().max().copied(),
            names_devices: any([Name::CallerDevice, Name::CalleeDevice]),
            names_users: any([Name::CallerUser, Name::CalleeUser]),
            ends_s,
            back_s,
        }
    }
}
