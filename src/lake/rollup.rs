//! Rows of `usage` and `traffic` summed up by their key: what merges them and compares them. Knows which columns add up
//! and which do not; counts no calls.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int16Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Date32Type, Int16Type, Int64Type};
use arrow::error::ArrowError;

use super::Table;

/// What two values of one column become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Source,
    Day,
    Quarter,
    Kind,
    Name,
    Add,
    Least,
    Most,
    /// The one value there ever was, -1 where there were several.
    One,
}

/// No value; none of the columns can hold it.
const NULL: i64 = i64::MIN;
const SEVERAL: i64 = -1;
/// Columns of `traffic` that lie where a call was held, which need not be where it began.
const LEFT_SECONDS: [&str; 2] = ["held_s", "long_s"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: u32,
    day: i32,
    quarter: i16,
    kind: u32,
    name: u32,
}

/// Texts by number, so that a key is small.
#[derive(Debug, Default)]
struct Words {
    list: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Words {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let (word, number) = (Arc::<str>::from(word), self.list.len() as u32);
        self.list.push(word.clone());
        self.numbers.insert(word, number);
        number
    }

    fn word(&self, number: u32) -> &str {
        self.list.get(number as usize).map_or("", |word| word)
    }
}

/// Rows of one table, one for each key.
#[derive(Debug)]
pub struct Sums {
    table: Table,
    roles: Vec<Role>,
    words: Words,
    rows: HashMap<Key, usize>,
    /// The columns that are no key, row after row.
    values: Vec<i64>,
    width: usize,
}

/// A key that two sums tell differently: source, day, column, here and there; no column where a side has no such row.
#[derive(Debug)]
pub struct Difference<'a> {
    pub source: &'a str,
    pub day: i32,
    pub column: &'a str,
    pub here: Option<i64>,
    pub there: Option<i64>,
}

impl Sums {
    pub fn of(table: Table) -> Self {
        let roles: Vec<Role> = table.schema().fields().iter().map(|field| role(field.name())).collect();
        let width = roles.iter().filter(|role| is_value(**role)).count();
        Self { table, roles, words: Words::default(), rows: HashMap::new(), values: Vec::new(), width }
    }

    /// Adds rows of the table that lie in the days.
    pub fn add(&mut self, batch: &RecordBatch, (first, last): (i32, i32)) {
        let column = |role: Role| self.roles.iter().position(|r| *r == role).map(|at| batch.column(at));
        let text = |role: Role| column(role).and_then(|c| c.as_string_opt::<i32>());
        let (Some(sources), Some(kinds), Some(names)) = (text(Role::Source), text(Role::Kind), text(Role::Name)) else {
            return;
        };
        let Some(days) = column(Role::Day).and_then(|c| c.as_primitive_opt::<Date32Type>()) else { return };
        let quarters = column(Role::Quarter).and_then(|c| c.as_primitive_opt::<Int16Type>());
        let values: Vec<(Role, Column<'_>)> = self
            .roles
            .iter()
            .zip(batch.columns())
            .filter(|(role, _)| is_value(**role))
            .map(|(role, column)| (*role, Column::of(column)))
            .collect();
        for row in (0..batch.num_rows()).filter(|row| (first..=last).contains(&days.value(*row))) {
            let key = Key {
                source: self.words.number(sources.value(row)),
                day: days.value(row),
                quarter: quarters.map_or(0, |q| q.value(row)),
                kind: self.words.number(kinds.value(row)),
                name: self.words.number(names.value(row)),
            };
            let at = *self.rows.entry(key).or_insert_with(|| {
                let at = self.values.len();
                self.values.extend(values.iter().map(|(role, _)| if *role == Role::Add { 0 } else { NULL }));
                at
            });
            for ((role, column), sum) in values.iter().zip(&mut self.values[at..]) {
                *sum = role.put(*sum, column.value(row));
            }
        }
    }

    /// One row for each key, in order of source, day, quarter, kind and name.
    pub fn batch(&self) -> Result<RecordBatch, ArrowError> {
        let word = |number| self.words.word(number);
        let mut keys: Vec<(&Key, &usize)> = self.rows.iter().collect();
        keys.sort_by(|(a, _), (b, _)| {
            let order = |k: &Key| (word(k.source), k.day, k.quarter, word(k.kind), word(k.name));
            order(a).cmp(&order(b))
        });
        let text = |of: fn(&Key) -> u32| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(keys.iter().map(|(key, _)| word(of(key)))))
        };
        let mut value = 0;
        let schema = self.table.schema();
        let columns = self.roles.iter().zip(schema.fields()).map(|(role, field)| match role {
            Role::Source => text(|k| k.source),
            Role::Kind => text(|k| k.kind),
            Role::Name => text(|k| k.name),
            Role::Day => Arc::new(Date32Array::from_iter_values(keys.iter().map(|(k, _)| k.day))) as ArrayRef,
            Role::Quarter => Arc::new(Int16Array::from_iter_values(keys.iter().map(|(k, _)| k.quarter))),
            Role::Add | Role::Least | Role::Most | Role::One => {
                let cells = keys.iter().map(|(_, at)| Some(self.values[**at + value]).filter(|n| *n != NULL));
                let column: ArrayRef = match field.data_type() {
                    DataType::Int16 => Arc::new(cells.map(|n| n.map(|n| n as i16)).collect::<Int16Array>()),
                    _ => Arc::new(cells.collect::<Int64Array>()),
                };
                value += 1;
                column
            }
        });
        let columns: Vec<ArrayRef> = columns.collect();
        RecordBatch::try_new(schema, columns)
    }

    /// Tells of each key whose row is another there, the batch left out, by the first column that differs. On the day
    /// `open`, calls that began the day before and are gone may have left seconds there.
    pub fn differences(&mut self, other: &Self, open: Option<i32>, mut tell: impl FnMut(&Difference<'_>)) {
        let numbers: Vec<u32> = other.words.list.iter().map(|word| self.words.number(word)).collect();
        let number = |at: u32| numbers.get(at as usize).copied().unwrap_or(u32::MAX);
        let schema = self.table.schema();
        let fields = self.roles.iter().zip(schema.fields()).filter(|(role, _)| is_value(**role));
        let columns: Vec<&str> = fields.map(|(_, field)| field.name().as_str()).collect();
        let mut met = 0;
        for (key, there) in &other.rows {
            let own = Key { source: number(key.source), kind: number(key.kind), name: number(key.name), ..*key };
            let theirs = &other.values[*there..*there + self.width];
            let mut difference =
                Difference { source: self.words.word(own.source), day: key.day, column: "", here: None, there: None };
            let is_open = open == Some(key.day);
            let is_left = |column: &str| is_open && LEFT_SECONDS.contains(&column);
            let Some(here) = self.rows.get(&own) else {
                let mut cells = columns.iter().zip(theirs).filter(|(name, _)| **name != "batch" && !is_left(name));
                if !is_open || cells.any(|(_, n)| *n != 0) {
                    tell(&difference);
                }
                continue;
            };
            met += 1;
            let ours = &self.values[*here..*here + self.width];
            let differs = columns
                .iter()
                .zip(ours.iter().zip(theirs))
                .find(|(name, (a, b))| **name != "batch" && if is_left(name) { b < a } else { a != b });
            if let Some((column, (a, b))) = differs {
                difference.column = column;
                difference.here = Some(*a).filter(|n| *n != NULL);
                difference.there = Some(*b).filter(|n| *n != NULL);
                tell(&difference);
            }
        }
        if met == self.rows.len() {
            return;
        }
        let theirs: std::collections::HashSet<Key> = other
            .rows
            .keys()
            .map(|key| Key { source: number(key.source), kind: number(key.kind), name: number(key.name), ..*key })
            .collect();
        for key in self.rows.keys().filter(|key| !theirs.contains(key)) {
            tell(&Difference {
                source: self.words.word(key.source),
                day: key.day,
                column: "",
                here: None,
                there: None,
            });
        }
    }
}

impl Role {
    fn put(self, sum: i64, value: i64) -> i64 {
        match (self, sum, value) {
            (Self::Add, sum, NULL) => sum,
            (Self::Add, ..) => sum.wrapping_add(value),
            (_, sum, NULL) => sum,
            (_, NULL, value) => value,
            (Self::Least, ..) => sum.min(value),
            (Self::One, ..) => {
                if sum == value {
                    sum
                } else {
                    SEVERAL
                }
            }
            _ => sum.max(value),
        }
    }
}

fn role(column: &str) -> Role {
    match column {
        "source" => Role::Source,
        "local_day" => Role::Day,
        "quarter" => Role::Quarter,
        "subject_kind" | "kind" => Role::Kind,
        "subject" | "name" => Role::Name,
        "first_minute" => Role::Least,
        "last_minute" | "longest_wait_s" | "longest_call_s" | "batch" => Role::Most,
        "dialled_one" => Role::One,
        _ => Role::Add,
    }
}

fn is_value(role: Role) -> bool {
    matches!(role, Role::Add | Role::Least | Role::Most | Role::One)
}

enum Column<'a> {
    Short(&'a Int16Array),
    Long(&'a Int64Array),
    None,
}

impl<'a> Column<'a> {
    fn of(column: &'a ArrayRef) -> Self {
        let short = column.as_primitive_opt::<Int16Type>().map(Self::Short);
        short.or_else(|| column.as_primitive_opt::<Int64Type>().map(Self::Long)).unwrap_or(Self::None)
    }

    fn value(&self, row: usize) -> i64 {
        match self {
            Self::Short(column) if column.is_valid(row) => i64::from(column.value(row)),
            Self::Long(column) if column.is_valid(row) => column.value(row),
            _ => NULL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new column of the roll-ups must be told how it is summed: what is not named here adds up.
    #[test]
    fn every_column_of_the_roll_ups_has_its_role() {
        for (table, counts) in
            [(Table::Usage, &crate::usage::COUNTS[..]), (Table::Traffic, &crate::traffic::COUNTS[..])]
        {
            let schema = table.schema();
            let added = schema.fields().iter().map(|f| f.name().as_str()).filter(|name| role(name) == Role::Add);
            assert_eq!(added.collect::<Vec<_>>(), counts, "{}", table.name());
        }
    }

    #[test]
    fn what_does_not_add_up_is_put_together_by_its_own_rule() {
        for (role, values, expected) in [
            (Role::Add, [2, 3, NULL], 5),
            (Role::Least, [7, 3, 5], 3),
            (Role::Most, [7, NULL, 9], 9),
            (Role::One, [7, NULL, 7], 7),
            (Role::One, [7, 7, 8], SEVERAL),
            (Role::One, [SEVERAL, 7, 7], SEVERAL),
            (Role::One, [NULL, NULL, NULL], NULL),
        ] {
            let start = if role == Role::Add { 0 } else { NULL };
            let forth = values.into_iter().fold(start, |sum, value| role.put(sum, value));
            let back = values.into_iter().rev().fold(start, |sum, value| role.put(sum, value));
            assert_eq!((forth, back), (expected, expected), "{role:?} {values:?}");
        }
    }
}
