//! Which records are new: (source, key, moment) against the batch itself and the lake, for legs and quality reports alike.
//! The source is part of the key's hash, so two numbers tell a record. Reads only the row groups of the batch's span of
//! time, and of those only what tells a record, unless one is there already.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use foldhash::fast::FixedState;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use rayon::prelude::*;

use super::decode::{Part, Piece};
use crate::error::{Error, Result};
use crate::leg::{Legs, Name, TextId, Texts};
use crate::privacy::Mask;

/// What becomes of the rows of one part.
#[derive(Debug)]
pub struct Fates {
    pub kept: Vec<bool>,
    /// Rows whose vendor id is there with other content; they are not kept.
    pub conflicts: Vec<usize>,
}

/// Records that may have come before.
pub trait Records: Sync {
    fn keys(&self) -> &[i64];
    /// Microseconds since 1970-01-01 UTC; with the key, these tell a record.
    fn moments(&self) -> &[i64];
    /// Hash of what only the vendor's record decides, whatever the configuration was at the time: the same in an honest
    /// repeat. None where the key is of the text: then equal keys are equal texts and cannot conflict.
    fn content(&self, row: usize) -> Option<u64>;
}

/// A table of such records.
pub struct Kind {
    key: &'static str,
    moment: &'static str,
    /// Columns that [`Records::content`] looks at, and that hash of one of their rows.
    columns: &'static [&'static str],
    content: fn(&RecordBatch, usize) -> u64,
}

pub const LEGS: Kind = Kind {
    key: "leg_key",
    moment: "started_at",
    columns: &["ring_s", "talk_s", "caller_user", "callee_user", "cause", "account_code", "vendor_kind"],
    content: |rows, row| {
        let text = |name: &str| {
            let column = rows.column_by_name(name)?.as_string_opt::<i32>()?;
            column.is_valid(row).then(|| column.value(row))
        };
        let seconds = |name: &str| {
            let column = rows.column_by_name(name)?.as_primitive_opt::<Int32Type>()?;
            column.is_valid(row).then(|| column.value(row))
        };
        let cause = rows.column_by_name("cause").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let cause = cause.and_then(|column| column.is_valid(row).then(|| column.value(row)));
        let names = ["caller_user", "callee_user", "account_code", "vendor_kind"].map(text);
        leg_content([seconds("ring_s"), seconds("talk_s")], cause, names)
    },
};

pub const QUALITY: Kind = Kind { key: "quality_key", moment: "ended_at", columns: REPORT, content: report_content };

/// Figures only: number, device and link are others once outside numbers are masked.
const REPORT: &[&str] = &["duration_s", "packets_received", "jitter_ms"];
/// Fewer digits in a text are never masked.
const MASKED: usize = 7;

/// Legs of one part.
pub struct LegRecords<'p> {
    legs: &'p Legs,
    pieces: &'p [Piece],
    texts: &'p Texts,
}

impl<'p> LegRecords<'p> {
    /// The part's texts are those of `texts`.
    pub fn of(part: &'p Part, texts: &'p Texts) -> Self {
        Self { legs: &part.legs, pieces: &part.pieces, texts }
    }
}

impl Records for LegRecords<'_> {
    fn keys(&self) -> &[i64] {
        &self.legs.leg_key
    }

    fn moments(&self) -> &[i64] {
        &self.legs.started_at_us
    }

    fn content(&self, row: usize) -> Option<u64> {
        let legs = self.legs;
        if self.pieces.iter().any(|piece| piece.by_text && piece.rows.contains(&row)) {
            return None;
        }
        let text = |name: Name| -> Option<&str> {
            let id: TextId = legs.names(name)[row];
            self.texts.text(id)
        };
        let names = [Name::CallerUser, Name::CalleeUser, Name::AccountCode, Name::VendorKind].map(text);
        Some(leg_content([legs.ring_s[row], Some(legs.talk_s[row])], legs.cause[row], names))
    }
}

fn leg_content(seconds: [Option<i32>; 2], cause: Option<i64>, names: [Option<&str>; 4]) -> u64 {
    let figures = seconds.map(|s| s.map_or(i64::MIN, i64::from).to_le_bytes());
    let cause = cause.unwrap_or(i64::MIN).to_le_bytes();
    // A blank is never stored: null and nothing are told apart by none.
    let names = names.map(|name| lasting(name.unwrap_or_default()));
    let [a, b, c, d] = names.each_ref().map(|name| name.as_bytes());
    crate::read::hash(&[&figures[0], &figures[1], &cause, a, b, c, d])
}

/// A text without what is another once outside numbers are masked, the key is changed or somebody's number was erased.
fn lasting(text: &str) -> Cow<'_, str> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    match digits < MASKED && !text.contains('*') {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.chars().filter(|c| !c.is_ascii_digit() && !"+*p".contains(*c)).collect()),
    }
}

/// Reports of one piece.
pub struct Reports<'p>(pub &'p RecordBatch);

impl Records for Reports<'_> {
    fn keys(&self) -> &[i64] {
        figures(self.0, "quality_key")
    }

    fn moments(&self) -> &[i64] {
        figures(self.0, "ended_at")
    }

    fn content(&self, row: usize) -> Option<u64> {
        Some(report_content(self.0, row))
    }
}

fn report_content(rows: &RecordBatch, row: usize) -> u64 {
    let options = FormatOptions::default().with_null("\0");
    let columns = REPORT.iter().filter_map(|name| rows.column_by_name(name));
    let cells: Vec<String> = columns
        .filter_map(|column| ArrayFormatter::try_new(column, &options).ok().map(|f| f.value(row).to_string()))
        .collect();
    crate::read::hash(&cells.iter().map(String::as_bytes).collect::<Vec<_>>())
}

/// A column of whole numbers or moments.
fn figures<'b>(rows: &'b RecordBatch, name: &str) -> &'b [i64] {
    let Some(column) = rows.column_by_name(name) else { return &[] };
    match (column.as_primitive_opt::<Int64Type>(), column.as_primitive_opt::<TimestampMicrosecondType>()) {
        (Some(column), _) => column.values(),
        (_, Some(column)) => column.values(),
        _ => &[],
    }
}

/// The fates of all rows, part by part: of equal records the first stands, and what the files have stands before all.
/// `former` tells what the key of a text would be that the files have from before it was keyed.
///
/// # Errors
/// A data file cannot be read.
pub fn sort_out<R: Records>(files: &[PathBuf], kind: &Kind, parts: &[R], former: Option<&Mask>) -> Result<Vec<Fates>> {
    let mut fates: Vec<Fates> =
        parts.iter().map(|part| Fates { kept: vec![true; part.keys().len()], conflicts: Vec::new() }).collect();
    let Some(span) = span(parts) else { return Ok(fates) };
    let shares = rayon::current_num_threads();
    let firsts: Vec<Firsts> = (0..shares).into_par_iter().map(|share| Firsts::of(parts, share, shares)).collect();
    let mut refuse = |(part, row): Seat, other: Option<u64>| {
        let (part, row) = (part as usize, row as usize);
        fates[part].kept[row] = false;
        if other.zip(parts[part].content(row)).is_some_and(|(other, own)| other != own) {
            fates[part].conflicts.push(row);
        }
    };
    for (again, (part, row)) in firsts.iter().flat_map(|firsts| &firsts.again).copied() {
        refuse(again, parts[part as usize].content(row as usize));
    }
    for path in files {
        let known = |key, moment| firsts[share_of(key, shares)].at.get(&(key, moment)).copied();
        let find = |key, moment| known(key, moment).or_else(|| known(former?.hidden(key), moment));
        scan_for(path, kind, span, find)?.into_iter().for_each(|(seat, content)| refuse(seat, Some(content)));
    }
    // Told twice where a file holds a record twice, which no lake of ours does.
    fates.iter_mut().for_each(|fate| {
        fate.conflicts.sort_unstable();
        fate.conflicts.dedup();
    });
    Ok(fates)
}

/// First and last moment of some records.
pub fn span<R: Records>(parts: &[R]) -> Option<(i64, i64)> {
    let moments = || parts.iter().flat_map(|part| part.moments()).copied();
    moments().min().zip(moments().max())
}

/// Part and row.
type Seat = (u32, u32);

/// One share of all keys: the first record of each, and those that came again with the first of them.
struct Firsts {
    at: HashMap<(i64, i64), Seat, FixedState>,
    again: Vec<(Seat, Seat)>,
}

impl Firsts {
    fn of<R: Records>(parts: &[R], share: usize, shares: usize) -> Self {
        let rows: usize = parts.iter().map(|part| part.keys().len()).sum();
        let room = rows / shares + rows / shares / 16;
        let mut firsts = Self { at: HashMap::with_capacity_and_hasher(room, FixedState::default()), again: Vec::new() };
        for (part, records) in parts.iter().enumerate() {
            for (row, (key, moment)) in records.keys().iter().zip(records.moments()).enumerate() {
                if share_of(*key, shares) != share {
                    continue;
                }
                let seat = (part as u32, row as u32);
                match firsts.at.entry((*key, *moment)) {
                    Entry::Vacant(entry) => drop(entry.insert(seat)),
                    Entry::Occupied(entry) => firsts.again.push((seat, *entry.get())),
                }
            }
        }
        firsts
    }
}

/// Keys are hashes: any of their bits share them out evenly.
pub fn share_of(key: i64, shares: usize) -> usize {
    (key as u64 >> 32) as usize % shares
}

/// Records of a file that are known to `find`, with their content.
fn scan_for(
    path: &Path,
    kind: &Kind,
    span: (i64, i64),
    find: impl Fn(i64, i64) -> Option<Seat>,
) -> Result<Vec<(Seat, u64)>> {
    let mut found = Vec::new();
    let file = Opened::open(path)?;
    for group in file.groups(Some((kind.moment, span))) {
        let (mut at, mut seats) = (0, Vec::new());
        file.read(path, group, &[kind.key, kind.moment], |rows| {
            let pairs = figures(rows, kind.key).iter().zip(figures(rows, kind.moment));
            let known = pairs.enumerate().filter_map(|(row, (key, moment))| Some((at + row, find(*key, *moment)?)));
            seats.extend(known);
            at += rows.num_rows();
            Ok(())
        })?;
        if seats.is_empty() {
            continue;
        }
        let (mut at, mut seats) = (0, seats.into_iter().peekable());
        file.read(path, group, kind.columns, |rows| {
            while let Some((row, seat)) = seats.next_if(|(row, _)| *row < at + rows.num_rows()) {
                found.push((seat, (kind.content)(rows, row - at)));
            }
            at += rows.num_rows();
            Ok(())
        })?;
    }
    Ok(found)
}

/// Gives `take` some columns of the files, batch by batch.
///
/// # Errors
/// A data file cannot be read.
pub fn scan(files: &[PathBuf], columns: &[&str], mut take: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
    for path in files {
        let file = Opened::open(path)?;
        for group in file.groups(None) {
            file.read(path, group, columns, &mut take)?;
        }
    }
    Ok(())
}

/// A data file and its footer, which is read once.
struct Opened {
    file: File,
    footer: parquet::arrow::arrow_reader::ArrowReaderMetadata,
}

impl Opened {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        let footer = parquet::arrow::arrow_reader::ArrowReaderMetadata::load(&file, Default::default());
        Ok(Self { footer: footer.map_err(|error| damaged(path, &error))?, file })
    }

    /// Row groups; with a span, only those whose moments in that column (µs) may lie within.
    fn groups(&self, span: Option<(&str, (i64, i64))>) -> Vec<usize> {
        let groups = self.footer.metadata().row_groups().iter().enumerate();
        let holds = |group: &RowGroupMetaData| span.is_none_or(|(column, span)| may_hold(group, column, span));
        groups.filter(|(_, group)| holds(group)).map(|(at, _)| at).collect()
    }

    fn read(
        &self,
        path: &Path,
        group: usize,
        columns: &[&str],
        mut take: impl FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let file = self.file.try_clone().map_err(Error::io(path))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone());
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let reader = builder.with_row_groups(vec![group]).with_projection(mask).with_batch_size(8192).build();
        for rows in reader.map_err(|error| damaged(path, &error))? {
            take(&rows.map_err(|error| damaged(path, &error.into()))?)?;
        }
        Ok(())
    }
}

fn damaged(path: &Path, error: &parquet::errors::ParquetError) -> Error {
    Error::Lake {
        place: path.display().to_string(),
        what: error.to_string(),
        hint: "a data file is damaged: restore it from a backup of the lake".into(),
    }
}

fn may_hold(group: &RowGroupMetaData, moments: &str, (first, last): (i64, i64)) -> bool {
    let column = group.columns().iter().find(|c| c.column_path().string() == moments);
    match column.and_then(|c| c.statistics()) {
        Some(Statistics::Int64(stats)) => {
            stats.min_opt().is_none_or(|min| *min <= last) && stats.max_opt().is_none_or(|max| *max >= first)
        }
        _ => true,
    }
}
