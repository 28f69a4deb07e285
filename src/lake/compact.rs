//! Small data files of finished batches into few large ones, row for row; `usage` and `traffic` summed up on the way. The
//! files merged stay on the disk until `vacuum`, so that whoever reads them goes on reading.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use deltalake::kernel::Action;
use serde::Serialize;

use super::draft::{self, Draft};
use super::entries::Entry;
use super::rollup::Sums;
use super::{BATCH_TABLES, Lake, Table, Written, batch_of, removals};
use crate::error::{Error, Result};

/// Size of a merged file, about.
const TARGET_BYTES: u64 = 128 << 20;
/// A file of this size is left alone: merged with its like it would be too large.
const LARGE_BYTES: u64 = TARGET_BYTES / 2;
/// Rows of a roll-up that are summed up in memory at once.
const SUM_ROWS: u64 = 500_000;

/// What became of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compacted {
    pub files_before: u64,
    pub files_after: u64,
    pub bytes_before: u64,
    pub bytes_after: u64,
}

impl Lake {
    /// Merges the small files of every table of batches, and those of `runs`; a commit a table.
    ///
    /// # Errors
    /// A file cannot be read, or there is no space for what is written; what was merged before stays merged.
    pub fn compact(&self) -> Result<BTreeMap<&'static str, Compacted>> {
        BATCH_TABLES
            .into_iter()
            .chain([Table::Runs])
            .map(|table| Ok((table.name(), self.compact_table(table)?)))
            .collect()
    }

    /// The same for one table.
    ///
    /// # Errors
    /// As [`Lake::compact`].
    pub fn compact_table(&self, table: Table) -> Result<Compacted> {
        let finished = self.finished_batch()?;
        let of = |entries: &[Entry]| (entries.len() as u64, entries.iter().map(|e| e.size).sum());
        let mut entries = self.entries(table)?;
        let mut did = Compacted::default();
        (did.files_before, did.bytes_before) = of(&entries);
        loop {
            entries.retain(|entry| entry.is_finished(finished));
            let sizes: Vec<u64> = entries.iter().map(|entry| entry.size).collect();
            let groups = groups(&sizes);
            if groups.is_empty() {
                break;
            }
            self.merge(table, &entries, &groups)?;
            // What was merged may have shrunk so much that it is small again.
            entries = self.entries(table)?;
        }
        (did.files_after, did.bytes_after) = of(&self.entries(table)?);
        Ok(did)
    }

    /// One commit: the files of each group out, one in their place in.
    fn merge(&self, table: Table, entries: &[Entry], groups: &[Range<usize>]) -> Result<()> {
        let folder = self.folder.join(table.name());
        let version = self.wait(async { Ok(self.table(table).await?.and_then(|delta| delta.version())) })?;
        let mut written = Vec::new();
        for (n, group) in groups.iter().enumerate() {
            let group = &entries[group.clone()];
            let last = group.iter().filter_map(|entry| batch_of(&entry.name)).max().unwrap_or_default();
            let name = self.file_name(format!("b{last:08}-v{:08}-c{n:04}", version.unwrap_or_default()));
            let paths: Vec<PathBuf> = group.iter().map(|entry| self.at_hand(table, entry)).collect::<Result<_>>()?;
            let draft = Draft::create(&folder, name, &table.schema())?;
            written.extend(match table {
                Table::Usage | Table::Traffic => summed(table, &paths, draft)?,
                _ => in_a_row(&paths, draft)?,
            });
        }
        let merged: Vec<&str> =
            groups.iter().flat_map(|group| &entries[group.clone()]).map(|entry| entry.name.as_str()).collect();
        self.put_in_place(table, &merged, written, false)
    }

    /// One commit: some files out, others in. `data_change` tells whoever follows the log whether there is anything new.
    pub(super) fn put_in_place(
        &self,
        table: Table,
        out: &[&str],
        written: Vec<Written>,
        data_change: bool,
    ) -> Result<()> {
        self.wait(async {
            let delta = self.table_or_new(table).await?;
            let mut actions = removals(&delta, |name| out.contains(&name))?;
            actions.extend(written.into_iter().map(Written::add));
            for action in &mut actions {
                match action {
                    Action::Add(add) => add.data_change = data_change,
                    Action::Remove(remove) => remove.data_change = data_change,
                    _ => {}
                }
            }
            self.commit(table, &delta, actions, None).await
        })
    }
}

/// Neighbours to be merged: small ones, as many as make a large one.
fn groups(sizes: &[u64]) -> Vec<Range<usize>> {
    let (mut groups, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (i, size) in sizes.iter().enumerate() {
        let is_large = *size >= LARGE_BYTES;
        if is_large || bytes + size > TARGET_BYTES {
            groups.push(start..i);
            (start, bytes) = (if is_large { i + 1 } else { i }, 0);
        }
        bytes += if is_large { 0 } else { *size };
    }
    groups.push(start..sizes.len());
    groups.retain(|group| group.len() > 1);
    groups
}

fn in_a_row(paths: &[PathBuf], mut draft: Draft) -> Result<Option<Written>> {
    for path in paths {
        draft::each(path, None, None, |rows| draft.write(rows))?;
    }
    draft.finish()
}

/// A row for each key; by spans of days, so that it all never is in memory.
fn summed(table: Table, paths: &[PathBuf], mut draft: Draft) -> Result<Option<Written>> {
    for days in spans(paths, SUM_ROWS)? {
        let mut sums = Sums::of(table);
        for path in paths {
            draft::each(path, None, Some(days), |rows| {
                sums.add(rows, days);
                Ok(())
            })?;
        }
        draft.write(&sums.batch().map_err(|e| draft::damaged(Path::new(table.name()), &e))?)?;
    }
    draft.finish()
}

/// Spans of days, in order and without a gap, that hold all rows of some files and each about so many of them.
pub fn spans(paths: &[PathBuf], most_rows: u64) -> Result<Vec<(i32, i32)>> {
    // By day: rows that begin to count there, spread evenly over the days of their row group, and that end to.
    let mut changes: BTreeMap<i64, f64> = BTreeMap::new();
    for path in paths {
        for group in draft::open(path)?.metadata().row_groups() {
            let Some((first, last)) = draft::group_days(group) else {
                return Err(Error::Lake {
                    place: path.display().to_string(),
                    what: "a row group does not tell its days".into(),
                    hint: "restore the file from a backup of the lake".into(),
                });
            };
            let a_day = group.num_rows() as f64 / f64::from(last.saturating_sub(first).saturating_add(1).max(1));
            *changes.entry(i64::from(first)).or_default() += a_day;
            *changes.entry(i64::from(last) + 1).or_default() -= a_day;
        }
    }
    let (mut spans, mut start, mut rows, mut a_day) = (Vec::new(), None, 0.0, 0.0);
    let days: Vec<(i64, f64)> = changes.into_iter().collect();
    for pair in days.windows(2) {
        let ((from, change), (until, _)) = (pair[0], pair[1]);
        a_day += change;
        let mut day = from;
        while day < until {
            let first = *start.get_or_insert(day);
            let room = (most_rows as f64 - rows).max(0.0);
            let fit = if a_day > 0.5 { (room / a_day).floor() as i64 } else { until - day };
            let taken = fit.clamp(i64::from(first == day), until - day);
            (day, rows) = (day + taken, rows + taken as f64 * a_day.max(0.0));
            if day < until {
                spans.push((first as i32, (day - 1) as i32));
                (start, rows) = (None, 0.0);
            }
        }
    }
    if let (Some(first), Some((end, _))) = (start, days.last()) {
        spans.push((first as i32, (*end - 1) as i32));
    }
    Ok(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn small_neighbours_are_merged_up_to_the_target_and_large_files_are_left_alone() {
        assert!(groups(&[]).is_empty());
        assert!(groups(&[MIB]).is_empty(), "one file is merged with nothing");
        assert_eq!(groups(&[MIB; 40]), vec![0..40; 1]);
        assert_eq!(groups(&[60 * MIB; 5]), [0..2, 2..4], "two make 120 MiB, a third would be too much");
        assert_eq!(groups(&[MIB, MIB, 64 * MIB, MIB, MIB, MIB]), [0..2, 3..6], "only neighbours");
        assert!(groups(&[MIB, 120 * MIB, MIB, 300 * MIB]).is_empty());
    }
}
