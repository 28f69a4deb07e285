//! Small counts left out of an answer that is passed on: a row that counts fewer than so many loses its figures, and so
//! do others from whose totals they could be worked out. Knows rows and what their columns are; no query.

use std::collections::BTreeMap;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, nullif};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Tells which row it is.
    Label,
    /// Counts calls, people or things.
    Count,
    /// Says something else of what was counted: seconds, a share, or the counts in words.
    Figure,
}

/// An answer that may be passed on.
#[derive(Debug)]
pub struct Suppressed {
    pub rows: RecordBatch,
    /// Rows that lost their figures.
    pub hidden: usize,
}

/// Takes the figures of rows with a count from 1 to one less than `below`; then, within the rows that share the first
/// label and within all, those of more rows until what was taken is of two rows at least and adds up to `below` in each
/// column of counts: whoever knows the totals can work none of it out.
///
/// # Errors
/// A column of counts holds no numbers.
pub fn suppress(rows: &RecordBatch, roles: &[Role], below: u32) -> Result<Suppressed, ArrowError> {
    let columns = || rows.columns().iter().zip(roles);
    let counts: Vec<Vec<f64>> = columns()
        .filter(|(_, role)| **role == Role::Count)
        .map(|(column, _)| {
            let numbers = cast(column, &DataType::Float64)?;
            Ok(numbers.as_primitive::<Float64Type>().iter().map(|n| n.unwrap_or(0.0)).collect())
        })
        .collect::<Result<_, ArrowError>>()?;
    let below = f64::from(below);
    let is_small = |row: usize| counts.iter().any(|column| column[row] > 0.0 && column[row] < below);
    let mut hidden: Vec<bool> = (0..rows.num_rows()).map(is_small).collect();
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    if let Some((label, _)) = columns().find(|(_, role)| **role == Role::Label) {
        let options = FormatOptions::default();
        let text = ArrayFormatter::try_new(label, &options)?;
        (0..rows.num_rows()).for_each(|row| groups.entry(text.value(row).to_string()).or_default().push(row));
    }
    let all: Vec<usize> = (0..rows.num_rows()).collect();
    loop {
        let before = hidden.clone();
        groups.values().chain([&all]).for_each(|group| cover(&counts, group, below, &mut hidden));
        // What is hidden for the sake of all may stand alone in its group.
        if hidden == before {
            break;
        }
    }
    let count = hidden.iter().filter(|hidden| **hidden).count();
    let mask = BooleanArray::from(hidden);
    let blank = columns().map(|(column, role)| match role {
        Role::Label => Ok(column.clone()),
        Role::Count | Role::Figure => nullif(column, &mask),
    });
    let blank: Vec<_> = blank.collect::<Result<_, _>>()?;
    let fields = rows.schema().fields().iter().map(|field| Field::clone(field).with_nullable(true)).collect::<Vec<_>>();
    Ok(Suppressed { rows: RecordBatch::try_new(Schema::new(fields).into(), blank)?, hidden: count })
}

/// Hides more rows of a group until its total gives none away, the least first.
fn cover(counts: &[Vec<f64>], group: &[usize], below: f64, hidden: &mut [bool]) {
    loop {
        let taken: Vec<usize> = group.iter().copied().filter(|row| hidden[*row]).collect();
        if taken.is_empty() {
            return;
        }
        let is_told = |column: &&Vec<f64>| {
            let positive: Vec<f64> = taken.iter().map(|row| column[*row]).filter(|n| *n > 0.0).collect();
            !positive.is_empty() && (taken.len() < 2 || positive.iter().sum::<f64>() < below)
        };
        let least = |column: &Vec<f64>| {
            let seen = group.iter().copied().filter(|row| !hidden[*row] && column[*row] > 0.0);
            seen.min_by(|a, b| column[*a].total_cmp(&column[*b]).then(a.cmp(b)))
        };
        // A column that has nothing left to cover with is none of another's business.
        match counts.iter().filter(is_told).find_map(least) {
            Some(row) => hidden[row] = true,
            // The group is all there is.
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, ArrayRef, Int64Array, StringArray};
    use arrow::datatypes::Int64Type;
    use proptest::prelude::*;

    use super::*;

    const ROLES: [Role; 5] = [Role::Label, Role::Label, Role::Count, Role::Figure, Role::Count];

    /// Site, calls, and calls missed.
    type Row<'r> = (&'r str, i64, i64);

    fn rows(of: &[Row<'_>]) -> RecordBatch {
        let site: StringArray = of.iter().map(|(site, ..)| Some(*site)).collect();
        let name: StringArray = (0..of.len()).map(|n| Some(format!("row {n}"))).collect();
        let calls = Int64Array::from_iter_values(of.iter().map(|(_, calls, _)| *calls));
        let share = StringArray::from_iter_values(of.iter().map(|(_, calls, _)| format!("{calls} calls")));
        let missed = Int64Array::from_iter_values(of.iter().map(|(.., missed)| *missed));
        let columns: [(&str, ArrayRef); 5] = [
            ("site", Arc::new(site)),
            ("name", Arc::new(name)),
            ("calls", Arc::new(calls)),
            ("share", Arc::new(share)),
            ("missed", Arc::new(missed)),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    /// Which rows lost their figures.
    fn lost(of: &[(&str, i64)], below: u32) -> Vec<usize> {
        lost_of_two(&of.iter().map(|(site, calls)| (*site, *calls, 0)).collect::<Vec<_>>(), below)
    }

    fn lost_of_two(of: &[Row<'_>], below: u32) -> Vec<usize> {
        let told = suppress(&rows(of), &ROLES, below).unwrap();
        let (calls, share) = (told.rows.column(2), told.rows.column(3));
        assert!((0..of.len()).all(|row| calls.is_null(row) == share.is_null(row)));
        let kept = calls.as_primitive::<Int64Type>();
        assert!((0..of.len()).all(|row| calls.is_null(row) || kept.value(row) == of[row].1), "the rest stays");
        let lost: Vec<usize> = (0..of.len()).filter(|row| calls.is_null(*row)).collect();
        assert_eq!(told.hidden, lost.len());
        lost
    }

    #[test]
    fn small_counts_go_and_what_would_give_them_away() {
        assert_eq!(lost(&[("a", 5), ("a", 9), ("a", 0)], 5), [0; 0], "five are five, and none are nobody");
        assert_eq!(lost(&[("a", 3), ("a", 9), ("a", 20)], 5), [0, 1], "the total less 20 less 9 would be 3");
        assert_eq!(lost(&[("a", 1), ("a", 2), ("a", 20), ("a", 7)], 5), [0, 1, 3], "two that add up to 3 are too few");
        assert_eq!(lost(&[("a", 4), ("a", 4), ("a", 20)], 5), [0, 1]);
        assert_eq!(lost(&[("a", 3), ("b", 9), ("b", 20)], 5), [0, 1, 2], "one for the total of all, one for that of b");
        assert_eq!(
            lost(&[("a", 3), ("a", 30), ("b", 4), ("b", 40), ("b", 9)], 5),
            [0, 1, 2, 4],
            "each site has a total"
        );
        assert_eq!(lost(&[("a", 3)], 5), [0]);
        assert_eq!(lost(&[], 5), [0; 0]);
    }

    /// Of the first column there is nothing to cover with; the second would be its total less the rest.
    #[test]
    fn a_column_that_cannot_be_covered_leaves_the_next_one_covered() {
        assert_eq!(lost_of_two(&[("a", 3, 3), ("a", 0, 50), ("a", 0, 60)], 5), [0, 1]);
        assert_eq!(lost_of_two(&[("a", 3, 3), ("a", 50, 0), ("a", 0, 60)], 5), [0, 1, 2]);
    }

    proptest! {
        /// No total of a site or of all gives away fewer than `below`, of either count.
        #[test]
        fn no_total_gives_a_small_count_away(of in proptest::collection::vec((0usize..3, 0i64..12, 0i64..12), 0..20), below in 2u32..8) {
            let of: Vec<Row<'_>> = of.into_iter().map(|(site, calls, missed)| (["a", "b", "c"][site], calls, missed)).collect();
            let lost = lost_of_two(&of, below);
            let counts: [Vec<i64>; 2] = [of.iter().map(|row| row.1).collect(), of.iter().map(|row| row.2).collect()];
            for counts in counts {
                prop_assert!(counts.iter().enumerate().all(|(row, n)| *n == 0 || *n >= i64::from(below) || lost.contains(&row)));
                for site in ["", "a", "b", "c"] {
                    let is_of_site = |row: usize| site.is_empty() || of[row].0 == site;
                    let taken: Vec<i64> = lost.iter().filter(|row| is_of_site(**row)).map(|row| counts[*row]).collect();
                    let everything = (0..of.len()).all(|row| !is_of_site(row) || counts[row] == 0 || lost.contains(&row));
                    let sum: i64 = taken.iter().sum();
                    let is_covered = taken.len() > 1 && sum >= i64::from(below);
                    prop_assert!(sum == 0 || everything || is_covered, "{site}: {taken:?}");
                }
            }
        }
    }
}
