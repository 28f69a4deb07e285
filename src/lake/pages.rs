//! Columns to Parquet pages. Texts and small figures are written as a dictionary and keys into it, both of which the caller
//! has already: the library's own writer would look every value up again. All else it does itself. Knows no table.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::{ColumnCloseResult, ColumnWriter, get_column_writer, get_typed_column_writer};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// What zstd is asked for: beyond it the lake shrinks by hundredths and the time grows by half.
pub const ZSTD_LEVEL: i32 = 1;
/// Rows of a data page.
const PAGE_ROWS: usize = 1 << 16;

/// A column of a row group, ready to be put behind the one before it.
#[derive(Debug)]
pub struct Chunk {
    pub bytes: Bytes,
    pub close: ColumnCloseResult,
}

/// The different values of a column, in Parquet's plain encoding, in the order of their keys.
#[derive(Debug, Default)]
pub struct Dictionary {
    pub values: Vec<u8>,
    pub count: u32,
}

/// A column as a dictionary and a key for each row that is not null.
///
/// # Errors
/// zstd or the library refuses; that is no fault of the values.
pub fn dictionary(
    column: &ColumnDescPtr,
    dictionary: Dictionary,
    keys: &[u32],
    present: Option<&[bool]>,
    statistics: Statistics,
) -> Result<Chunk> {
    let mut zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    let mut sink = TrackedWrite::new(Vec::with_capacity(dictionary.values.len() / 2 + keys.len() * 2 + 1024));
    let mut pages = SerializedPageWriter::new(&mut sink);
    let (mut packed, mut unpacked, mut data_at) = (0, 0, None);
    let mut put = |page: Page, size: usize| -> Result<u64> {
        let spec = pages.write_page(CompressedPage::new(page, size))?;
        (packed, unpacked) = (packed + spec.compressed_size, unpacked + spec.uncompressed_size);
        Ok(spec.offset)
    };
    put(
        Page::DictionaryPage {
            buf: zstd.compress(&dictionary.values)?.into(),
            num_values: dictionary.count,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        },
        dictionary.values.len(),
    )?;
    let width = u32::BITS - dictionary.count.saturating_sub(1).leading_zeros();
    let rows = present.map_or(keys.len(), <[bool]>::len);
    let (mut row, mut key, mut page, mut levels) = (0, 0, Vec::new(), Vec::new());
    while row < rows || data_at.is_none() {
        let end = rows.min(row + PAGE_ROWS);
        page.clear();
        let mut there = end - row;
        if column.max_def_level() > 0 {
            levels.clear();
            match present {
                Some(present) => levels.extend(present[row..end].iter().map(|there| u32::from(*there))),
                None => levels.resize(end - row, 1),
            }
            there = levels.iter().sum::<u32>() as usize;
            page.extend_from_slice(&[0; 4]);
            hybrid(&levels, 1, &mut page);
            let length = (page.len() - 4) as u32;
            page[..4].copy_from_slice(&length.to_le_bytes());
        }
        page.push(width as u8);
        hybrid(&keys[key..key + there], width, &mut page);
        let at = put(
            Page::DataPage {
                buf: zstd.compress(&page)?.into(),
                num_values: (end - row) as u32,
                encoding: Encoding::RLE_DICTIONARY,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            },
            page.len(),
        )?;
        data_at = data_at.or(Some(at));
        (row, key) = (end, key + there);
    }
    pages.close()?;
    let metadata = ColumnChunkMetaData::builder(column.clone())
        .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY])
        .set_compression(compression()?)
        .set_num_values(rows as i64)
        .set_total_compressed_size(packed as i64)
        .set_total_uncompressed_size(unpacked as i64)
        .set_dictionary_page_offset(Some(0))
        .set_data_page_offset(data_at.unwrap_or_default() as i64)
        .set_statistics(statistics)
        .build()?;
    let bytes: Bytes = sink.into_inner()?.into();
    let close = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: rows as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    Ok(Chunk { bytes, close })
}

/// How values without a dictionary are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// Values that nothing can pack: hashes.
    AsTheyAre,
    Packed,
    /// Figures that follow one another.
    Differences,
}

/// A column of values as they are, or by their differences. `values` has those that are not null.
///
/// # Errors
/// The library refuses; that is no fault of the values.
pub fn plain<T: DataType>(
    column: &ColumnDescPtr,
    how: Plain,
    values: &[T::T],
    present: Option<&[bool]>,
) -> Result<Chunk> {
    let compression = if how == Plain::AsTheyAre { Compression::UNCOMPRESSED } else { compression()? };
    let encoding = if how == Plain::Differences { Encoding::DELTA_BINARY_PACKED } else { Encoding::PLAIN };
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(compression)
        .set_encoding(encoding)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(8192)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::Chunk)
        .build();
    let mut sink = TrackedWrite::new(Vec::with_capacity(size_of_val(values) / 2 + 1024));
    let writer = get_column_writer(column.clone(), properties.into(), Box::new(SerializedPageWriter::new(&mut sink)));
    let mut writer = typed::<T>(writer)?;
    let levels: Option<Vec<i16>> = (column.max_def_level() > 0).then(|| match present {
        Some(present) => present.iter().map(|there| i16::from(*there)).collect(),
        None => vec![1; values.len()],
    });
    writer.write_batch(values, levels.as_deref(), None)?;
    let mut close = writer.close()?;
    // Indices by page would belong to this chunk's own offsets.
    (close.column_index, close.offset_index) = (None, None);
    Ok(Chunk { bytes: sink.into_inner()?.into(), close })
}

fn typed<T: DataType>(writer: ColumnWriter<'_>) -> Result<parquet::column::writer::ColumnWriterImpl<'_, T>> {
    let fits = matches!(
        (&writer, T::get_physical_type()),
        (ColumnWriter::Int32ColumnWriter(_), parquet::basic::Type::INT32)
            | (ColumnWriter::Int64ColumnWriter(_), parquet::basic::Type::INT64)
            | (ColumnWriter::DoubleColumnWriter(_), parquet::basic::Type::DOUBLE)
            | (ColumnWriter::BoolColumnWriter(_), parquet::basic::Type::BOOLEAN)
            | (ColumnWriter::ByteArrayColumnWriter(_), parquet::basic::Type::BYTE_ARRAY)
    );
    if fits {
        Ok(get_typed_column_writer(writer))
    } else {
        Err(ParquetError::General("a column of another type".into()))
    }
}

fn compression() -> Result<Compression> {
    Ok(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
}

/// Numbers of `width` bits in Parquet's mix of runs and packed groups of eight ("RLE/bit-packing hybrid", Encodings.md).
fn hybrid(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let (mut at, mut unwritten) = (0, 0);
    while at < numbers.len() {
        let number = numbers[at];
        let run = numbers[at..].iter().take_while(|n| **n == number).count();
        // Groups are of eight: those before the run are filled up from it.
        let fill = (at - unwritten).next_multiple_of(8) - (at - unwritten);
        if run >= fill + 8 {
            groups(&numbers[unwritten..at + fill], width, out);
            varint(((run - fill) as u64) << 1, out);
            out.extend_from_slice(&number.to_le_bytes()[..width.div_ceil(8) as usize]);
            unwritten = at + run;
        }
        at += run;
    }
    groups(&numbers[unwritten..], width, out);
}

fn groups(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let count = numbers.len().div_ceil(8);
    varint((count as u64) << 1 | 1, out);
    let (mut bits, mut filled) = (0u64, 0);
    let end = out.len() + count * width as usize;
    for number in numbers {
        bits |= u64::from(*number) << filled;
        filled += width;
        if filled >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            (bits, filled) = (bits >> 32, filled - 32);
        }
    }
    out.extend_from_slice(&bits.to_le_bytes());
    // What is left of the last group is zeros; what was put too much goes.
    out.resize(end, 0);
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}
