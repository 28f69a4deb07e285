#!/usr/bin/env python3
"""Where the bytes of a lake lie: for each column of a table its bytes a record, its share, the encodings of its pages, how far the
compression got. From the footers of the live Parquet files.

usage: storage.py LAKE [TABLE]       LAKE is the lake's folder or a workspace with `lake/`; TABLE is legs
"""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
import lakes
import measured
import programs


def main(place, table="legs"):
    import duckdb

    lake = place if (place / "onhook-lake.json").is_file() else place / "lake"
    files = lakes.files(lake, table)
    if not files:
        sys.exit(f"{lake}: no live files of {table}")
    records, groups = duckdb.execute(f"select sum(num_rows), sum(num_row_groups) from parquet_file_metadata({files!r})").fetchone()
    columns = duckdb.execute(f"""
        select path_in_schema, sum(total_compressed_size), sum(total_uncompressed_size), string_agg(distinct encodings, ', '),
            string_agg(distinct compression, ', ')
        from parquet_metadata({files!r})
        group by path_in_schema
        order by 2 desc, 1""").fetchall()
    size, inside = lakes.size(files), sum(packed for _, packed, *_ in columns)
    print(f"{table}: {records} records, {len(files)} files, {groups} row groups, {size} bytes, {size / records:.2f} bytes a record")
    rows = [
        [name, f"{packed / records:.3f}", f"{100 * packed / size:.1f}", f"{plain / records:.3f}", f"{plain / packed:.1f}", words(encodings), codec]
        for name, packed, plain, encodings, codec in columns
    ]
    rows.append(["(footers, indexes)", f"{(size - inside) / records:.3f}", f"{100 * (size - inside) / size:.1f}", "", "", "", ""])
    measured.table(["column", "bytes/record", "% of file", "before zstd", "times", "encodings", "codec"], rows)


def words(encodings):
    """Each once; of the level encodings, which every column has, nothing is said."""
    found = {word.strip() for word in encodings.split(",")}
    return " ".join(sorted(found - {"RLE", "BIT_PACKED"}))


if __name__ == "__main__":
    programs.with_rivals()
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), *sys.argv[2:3])
