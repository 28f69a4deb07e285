//! Legs to the columns of a row group, side by side. Knows how each column of `legs` is best kept; writes no file.

use parquet::data_type::Int64Type;
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use rayon::prelude::*;

use super::columns;
use super::pages::{Chunk, Plain, plain};
use crate::leg::{Direction, Legs, NONE, Name, Outcome, Part, RedirectReason, Texts};
use crate::number::Class;

/// One row group of the legs of `parts`, in their order.
///
/// # Errors
/// The library refuses a column: a fault of ours.
pub fn chunks(schema: &SchemaDescriptor, parts: &[&Legs], texts: &Texts) -> Result<Vec<Chunk>> {
    schema.columns().par_iter().map(|column| chunk(column, parts, texts)).collect()
}

fn chunk(column: &ColumnDescPtr, parts: &[&Legs], texts: &Texts) -> Result<Chunk> {
    let long = |of: fn(&Legs) -> &[i64]| parts.iter().flat_map(|part| of(part).iter().copied()).collect::<Vec<_>>();
    let links = |of: fn(&Legs) -> &[Option<i64>], how| {
        let (values, present) = optional(parts, of);
        plain::<Int64Type>(column, how, &values, Some(&present))
    };
    let name = column.name();
    if let Some(name) = Name::ALL.into_iter().find(|n| n.column() == name) {
        return names(column, parts, name, texts);
    }
    match name {
        "leg_key" => plain::<Int64Type>(column, Plain::AsTheyAre, &long(|l| &l.leg_key), None),
        "call_key" => plain::<Int64Type>(column, Plain::AsTheyAre, &long(|l| &l.call_key), None),
        "input_id" => columns::int64(column, &long(|l| &l.input_id), None),
        "record_no" => plain::<Int64Type>(column, Plain::Differences, &long(|l| &l.record_no), None),
        "started_at" => plain::<Int64Type>(column, Plain::Differences, &long(|l| &l.started_at_us), None),
        "local_day" => columns::int32(column, &gather(parts, |l| &l.local_day), None),
        "local_minute" => {
            let minutes: Vec<i32> = gather(parts, |l| &l.local_minute).into_iter().map(i32::from).collect();
            columns::int32(column, &minutes, None)
        }
        "ring_s" => {
            let (values, present) = optional(parts, |l| &l.ring_s);
            columns::int32(column, &values, Some(&present))
        }
        "talk_s" => columns::int32(column, &gather(parts, |l| &l.talk_s), None),
        "cause" => {
            let (values, present) = optional(parts, |l| &l.cause);
            columns::int64(column, &values, Some(&present))
        }
        "charge_micros" => {
            let (values, present) = optional(parts, |l| &l.charge_micros);
            columns::int64(column, &values, Some(&present))
        }
        "caller_link" => links(|l| &l.caller_link, Plain::Differences),
        "callee_link" => links(|l| &l.callee_link, Plain::Differences),
        "direction" => words(column, parts, Direction::ALL.len(), |l, row| Some(l.direction[row].word_no())),
        "outcome" => words(column, parts, Outcome::ALL.len(), |l, row| Some(l.outcome[row].word_no())),
        "part" => words(column, parts, Part::ALL.len(), |l, row| Some(l.part[row].word_no())),
        "redirect_reason" => words(column, parts, RedirectReason::ALL.len(), |l, row| {
            l.redirect_reason[row].map(RedirectReason::word_no)
        }),
        "number_class" => words(column, parts, Class::ALL.len(), |l, row| {
            l.number_class[row].map(|class| (class as usize, class.word()))
        }),
        other => Err(ParquetError::General(format!("no column {other} in a leg"))),
    }
}

fn gather<T: Copy>(parts: &[&Legs], of: fn(&Legs) -> &[T]) -> Vec<T> {
    parts.iter().flat_map(|part| of(part).iter().copied()).collect()
}

/// The values that are there, and which rows have one.
fn optional<T: Copy>(parts: &[&Legs], of: fn(&Legs) -> &[Option<T>]) -> (Vec<T>, Vec<bool>) {
    let rows = parts.iter().map(|part| part.len()).sum();
    let (mut values, mut present) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    for value in parts.iter().flat_map(|part| of(part)) {
        present.push(value.is_some());
        values.extend(*value);
    }
    (values, present)
}

/// A column of names: the numbers of the texts become keys in the order in which they first stand.
fn names(column: &ColumnDescPtr, parts: &[&Legs], name: Name, texts: &Texts) -> Result<Chunk> {
    let rows = parts.iter().map(|part| part.len()).sum();
    // Many columns say one thing throughout, and most of those nothing.
    let mut ids = parts.iter().map(|part| part.names(name));
    if let Some(only) = ids.clone().find_map(|ids| ids.first().copied())
        && ids.all(|ids| ids.iter().all(|id| *id == only))
    {
        let mut found = columns::Texts::default();
        return match texts.text(only) {
            Some(text) => {
                found.add(text);
                found.chunk(column, &vec![0; rows], None)
            }
            None => found.chunk(column, &[], Some(&vec![false; rows])),
        };
    }
    let mut key_of = vec![u32::MAX; texts.len()];
    let (mut keys, mut present) = (Vec::with_capacity(rows), Vec::new());
    let mut found = columns::Texts::default();
    for (n, id) in parts.iter().flat_map(|part| part.names(name)).enumerate() {
        if *id == NONE {
            // Only a column with gaps pays for knowing them.
            if present.len() < n {
                present.resize(n, true);
            }
            present.push(false);
            continue;
        }
        if !present.is_empty() {
            present.resize(n, true);
            present.push(true);
        }
        let mut key = key_of[*id as usize];
        if key == u32::MAX {
            key = found.add(texts.text(*id).unwrap_or_default());
            key_of[*id as usize] = key;
        }
        keys.push(key);
    }
    found.chunk(column, &keys, (!present.is_empty()).then_some(&present))
}

/// A column of a closed set: each row's word and its place in the set.
fn words(
    column: &ColumnDescPtr,
    parts: &[&Legs],
    count: usize,
    of: impl Fn(&Legs, usize) -> Option<(usize, &'static str)>,
) -> Result<Chunk> {
    let mut key_of = vec![u32::MAX; count];
    let (mut keys, mut present) = (Vec::new(), Vec::new());
    let mut found = columns::Texts::default();
    for (part, row) in parts.iter().flat_map(|part| (0..part.len()).map(move |row| (part, row))) {
        let word = of(part, row);
        present.push(word.is_some());
        let Some((place, word)) = word else { continue };
        if key_of[place] == u32::MAX {
            key_of[place] = found.add(word);
        }
        keys.push(key_of[place]);
    }
    found.chunk(column, &keys, Some(&present))
}
