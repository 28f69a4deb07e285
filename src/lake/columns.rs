//! Values to a dictionary and keys, or to plain values where a dictionary would be as long as they are; and an Arrow array
//! of any type the lake has to a column of a row group. Knows no table.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType};
use foldhash::fast::FixedState;
use parquet::data_type::{self as physical, ByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::pages::{self, Chunk, Dictionary, Plain};

/// The different texts of a column.
#[derive(Debug, Default)]
pub struct Texts {
    dictionary: Dictionary,
    /// Where the least and the greatest of them are in the dictionary.
    least: Option<std::ops::Range<usize>>,
    most: Option<std::ops::Range<usize>>,
}

impl Texts {
    /// The key of a text that was not added before.
    pub fn add(&mut self, text: &str) -> u32 {
        let values = &mut self.dictionary.values;
        values.extend_from_slice(&(text.len() as u32).to_le_bytes());
        let place = values.len()..values.len() + text.len();
        values.extend_from_slice(text.as_bytes());
        let at = |place: &std::ops::Range<usize>| &values[place.clone()];
        if self.least.as_ref().is_none_or(|least| at(&place) < at(least)) {
            self.least = Some(place.clone());
        }
        if self.most.as_ref().is_none_or(|most| at(&place) > at(most)) {
            self.most = Some(place);
        }
        self.dictionary.count += 1;
        self.dictionary.count - 1
    }

    /// # Errors
    /// The library refuses: a fault of ours.
    pub fn chunk(self, column: &ColumnDescPtr, keys: &[u32], present: Option<&Vec<bool>>) -> Result<Chunk> {
        let present = present.map(Vec::as_slice);
        if keys.is_empty() {
            return pages::plain::<physical::ByteArrayType>(column, Plain::Packed, &[], present);
        }
        let at =
            |place: Option<std::ops::Range<usize>>| place.map(|p| ByteArray::from(self.dictionary.values[p].to_vec()));
        let statistics =
            Statistics::byte_array(at(self.least.clone()), at(self.most.clone()), None, nulls(keys, present), false);
        pages::dictionary(column, self.dictionary, keys, present, statistics)
    }
}

fn nulls(keys: &[u32], present: Option<&[bool]>) -> Option<u64> {
    Some(present.map_or(0, |present| present.len() - keys.len()) as u64)
}

/// Whole numbers of 64 bits, `values` those that are not null.
///
/// # Errors
/// The library refuses: a fault of ours.
pub fn int64(column: &ColumnDescPtr, values: &[i64], present: Option<&[bool]>) -> Result<Chunk> {
    let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
    let found = keyed(values, least.zip(most), |value| value.to_le_bytes());
    let Some((dictionary, keys)) = found else {
        return pages::plain::<physical::Int64Type>(column, Plain::Differences, values, present);
    };
    let statistics = Statistics::int64(least, most, None, nulls(&keys, present), false);
    pages::dictionary(column, dictionary, &keys, present, statistics)
}

/// Whole numbers of up to 32 bits, and days.
///
/// # Errors
/// The library refuses: a fault of ours.
pub fn int32(column: &ColumnDescPtr, values: &[i32], present: Option<&[bool]>) -> Result<Chunk> {
    let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
    let found = keyed(values, least.zip(most), |value| value.to_le_bytes());
    let Some((dictionary, keys)) = found else {
        return pages::plain::<physical::Int32Type>(column, Plain::Differences, values, present);
    };
    let statistics = Statistics::int32(least, most, None, nulls(&keys, present), false);
    pages::dictionary(column, dictionary, &keys, present, statistics)
}

/// Keys of the values met so far.
enum Keys {
    /// By how far a value lies above the least: figures of a table are mostly small. [`u32::MAX`] is not met.
    Near(i64, Vec<u32>),
    Far(HashMap<i64, u32, FixedState>),
}

/// A table of so many places is soon made, and fits in a core's own memory.
const NEAR: u64 = 1 << 15;

/// None where there is nothing, or where so many values differ that a dictionary would not pay. `bounds` are the least and
/// the greatest of them.
fn keyed<T: Copy + Eq + Into<i64>, const N: usize>(
    values: &[T],
    bounds: Option<(T, T)>,
    bytes: fn(T) -> [u8; N],
) -> Option<(Dictionary, Vec<u32>)> {
    let (least, most): (i64, i64) = bounds.map(|(least, most)| (least.into(), most.into()))?;
    let places = most.abs_diff(least).saturating_add(1);
    let mut seen = match places <= NEAR.min(values.len() as u64 * 4) {
        true => Keys::Near(least, vec![u32::MAX; places as usize]),
        false => Keys::Far(HashMap::default()),
    };
    let most = values.len() / 4 + 64;
    let (mut dictionary, mut keys) = (Dictionary::default(), Vec::with_capacity(values.len()));
    let mut last: Option<(T, u32)> = None;
    for value in values.iter().copied() {
        let mut add = || {
            dictionary.values.extend_from_slice(&bytes(value));
            dictionary.count += 1;
            dictionary.count - 1
        };
        let key = match (&mut seen, last) {
            // Runs are what most figures of a table come in.
            (_, Some((before, key))) if before == value => key,
            (Keys::Near(least, keys), _) => {
                let key = &mut keys[(value.into() - *least) as usize];
                if *key == u32::MAX {
                    *key = add();
                }
                *key
            }
            (Keys::Far(keys), _) => *keys.entry(value.into()).or_insert_with(add),
        };
        if dictionary.count as usize > most {
            return None;
        }
        last = Some((value, key));
        keys.push(key);
    }
    Some((dictionary, keys))
}

/// A column of any table.
///
/// # Errors
/// A type that no table of the lake has.
pub fn array(column: &ColumnDescPtr, array: &ArrayRef) -> Result<Chunk> {
    let present: Option<Vec<bool>> = array.nulls().map(|nulls| nulls.iter().collect());
    let present = present.as_deref();
    match array.data_type() {
        DataType::Utf8 => {
            let (mut found, mut key_of) = (Texts::default(), HashMap::<&str, u32, FixedState>::default());
            let texts = array.as_string::<i32>().iter().flatten();
            let keys: Vec<u32> = texts.map(|text| *key_of.entry(text).or_insert_with(|| found.add(text))).collect();
            found.chunk(column, &keys, present.map(<[bool]>::to_vec).as_ref())
        }
        DataType::Int64 => int64(column, &there(array.as_primitive::<Int64Type>().iter()), present),
        DataType::Timestamp(..) => {
            int64(column, &there(array.as_primitive::<TimestampMicrosecondType>().iter()), present)
        }
        DataType::Int32 => int32(column, &there(array.as_primitive::<Int32Type>().iter()), present),
        DataType::Date32 => int32(column, &there(array.as_primitive::<Date32Type>().iter()), present),
        DataType::Int16 => {
            let values = there(array.as_primitive::<Int16Type>().iter());
            int32(column, &values.into_iter().map(i32::from).collect::<Vec<_>>(), present)
        }
        DataType::Float64 => pages::plain::<physical::DoubleType>(
            column,
            Plain::Packed,
            &there(array.as_primitive::<Float64Type>().iter()),
            present,
        ),
        DataType::Boolean => {
            pages::plain::<physical::BoolType>(column, Plain::Packed, &there(array.as_boolean().iter()), present)
        }
        other => Err(ParquetError::General(format!("no column of the lake is of type {other}"))),
    }
}

fn there<T>(values: impl Iterator<Item = Option<T>>) -> Vec<T> {
    values.flatten().collect()
}
