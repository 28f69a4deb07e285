#!/usr/bin/env python3
"""The ten questions of this folder over `legs`, onhook and DuckDB in turn on the same Parquet files, and the ratio of each.

usage: run.py [--records N] [--rounds N] [WORKSPACE]

WORKSPACE has an `onhook.toml` and a lake; without one a lake of N records (10 million) is made, its texts removed as they are read. Without
rounds it is 7. Exit code 1 where a ratio is over 1.0.
"""
import argparse
import os
import sys
import tempfile
import tomllib
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import lakes
import measured
import programs
import sessions


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", nargs="?", type=Path)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    words = parser.parse_args()
    programs.with_rivals()
    with tempfile.TemporaryDirectory(prefix="onhook-bench-") as folder:
        workspace = words.workspace or made(Path(folder) / "work", words.records)
        lake = workspace / tomllib.loads((workspace / "onhook.toml").read_text())["lake"]["path"]
        figures, version, files = sessions.compare(programs.questions(), workspace, lake, words.rounds)
        print(f"legs in {len(files)} files, {lakes.size(files) / 1e6:.1f} MB; DuckDB {version}, 2 threads; {words.rounds} rounds in turn, {os.cpu_count()} cores")
    print("the answers are the same")
    rows = [
        [f.question, f.rows, f"{measured.median(f.onhook) * 1e3:.1f}", f"{measured.median(f.duckdb) * 1e3:.1f}", f"{f.ratio:.2f}"]
        for f in figures
    ]
    measured.table(["question", "rows", "onhook ms", "DuckDB ms", "ratio"], rows)
    slower = [f.question for f in figures if f.ratio > 1.0]
    print(f"slower than DuckDB: {', '.join(slower)}" if slower else "none slower than DuckDB")
    return 1 if slower else 0


def made(folder, records):
    """A lake of so many records, a million a delivery."""
    from records import Records

    onhook, work = programs.onhook(), lakes.Workspace(folder, lakes.CUCM)
    source, number = Records(min(records, 250_000)), 0
    while records > 0:
        number += 1
        text = source.write(work.landing, min(records, 1_000_000), number)
        measured.run(work.ingest(onhook))
        text.unlink()
        records -= 1_000_000
    return folder


if __name__ == "__main__":
    sys.exit(main())
