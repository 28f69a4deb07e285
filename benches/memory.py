#!/usr/bin/env python3
"""The most memory that `onhook ingest` holds over a backlog of many gigabytes in one run, by the operating system's own count.

usage: memory.py [GB]      20 where absent; half as much again must be free on the disk of the temporary folder

A fifth of the backlog is one file; a tenth is files of 30 records; the rest is files of 250 MB. All records differ. Exit code 1 where the peak
reaches 1 GiB, or where a record is missing.
"""
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import lakes
import measured
import programs
from records import Records

RECORD = 557  # bytes, about
MOST_SMALL = 100_000  # files


def main(gigabytes):
    onhook = programs.onhook()
    with tempfile.TemporaryDirectory(prefix="onhook-bench-") as folder:
        free = shutil.disk_usage(folder).free / 1e9
        if free < gigabytes * 1.5:
            sys.exit(f"{folder}: {free:.0f} GB are free, and {gigabytes * 1.5:.0f} are needed; set TMPDIR, or ask for fewer GB")
        work = lakes.Workspace(Path(folder) / "work", lakes.CUCM)
        texts, records = backlog(work.landing, round(gigabytes * 1e9 / RECORD))
        size, largest = lakes.size(texts), max(path.stat().st_size for path in texts)
        print(f"backlog: {len(texts)} files, {records} records, {size / 1e9:.2f} GB, the largest file {largest / 1e9:.2f} GB", flush=True)
        run = measured.run(work.ingest(onhook))
        kept = json.loads(run.stdout)["records"]["kept"]
        legs = lakes.files(work.lake, "legs")
        print(
            f"ingest: {run.seconds:.1f} s, {run.cpu_seconds:.1f} s of processor on {os.cpu_count()} cores, {size / run.seconds / 1e6:.0f} MB/s, "
            f"{kept} records kept, {len(legs)} files of legs, {lakes.size(legs) / 1e9:.2f} GB"
        )
        print(f"peak memory: {run.peak_mib:.0f} MiB; the promise is under 1024")
        return 0 if run.peak_mib < 1024 and kept == records else 1


def backlog(landing, records):
    """Files to read, and how many records they hold."""
    source, texts, made = Records(), [], 0
    small = min(records // 10 // 30, MOST_SMALL)
    sizes = [records // 5] + [30] * small
    rest, each = records - sum(sizes), 250_000_000 // RECORD
    sizes += [each] * (rest // each) + [rest % each] * (rest % each > 0)
    for number, count in enumerate(sizes, 1):
        texts.append(source.write(landing, count, number))
        made += count
    return texts, made


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
