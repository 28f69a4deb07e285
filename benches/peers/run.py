#!/usr/bin/env python3
"""onhook, DuckDB and Polars at the same ingest in turn: seconds, MB/s, peak memory, and ratios pair by pair.

usage: run.py [RECORDS] [ROUNDS]     CUCM (defaults 500000 and 5)
       run.py --mitel [RECORDS] [ROUNDS]
       run.py --small [FILES] [ROUNDS]    many one-minute CUCM files of 30 records against one large one

onhook is timed as a whole process, from start to exit, everything synced to disk and committed. A rival is timed as its program times itself:
without the start of the interpreter and the imports, and nothing synced. Before anything is timed the three must agree, record by record.
"""
import os
import re
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))
import lakes
import measured
import programs

# What the three must agree on, and how it is written in each one's files.
SHARED = "epoch_us(started_at) as started_at, cast(ring_s as bigint) as ring_s, talk_s, direction, caller, callee"
KINDS = {
    "CUCM": (lakes.CUCM, "gen_cucm.py", "cdr_MPS-CL01_01_202401010000_1", "peer"),
    "Mitel SMDR": (lakes.MITEL, "gen_mitel.py", "smdr-20240131.log", "mitel"),
}


def main(words):
    programs.with_rivals()
    kind = "Mitel SMDR" if "--mitel" in words else "CUCM"
    small = "--small" in words
    counts = [int(word) for word in words if not word.startswith("--")]
    first, rounds = (counts + [10_000 if small else 500_000, 5][len(counts):])[:2]
    with tempfile.TemporaryDirectory(prefix="onhook-bench-") as folder:
        many_small_files(Path(folder), first, rounds) if small else peers(Path(folder), kind, first, rounds)


def peers(folder, kind, records, rounds):
    source, generator, name, rival = KINDS[kind]
    onhook, work = programs.onhook(), lakes.Workspace(folder / "work", source)
    text = work.landing / name
    measured.run([sys.executable, HERE / generator, records, text])
    size = text.stat().st_size
    seconds, peaks, written, versions = {}, {}, {}, {"onhook": "onhook"}
    for turn in range(rounds + 1):
        text.read_bytes()  # into the page cache
        for program in ("onhook", "duckdb", "polars"):
            os.sync()
            if program == "onhook":
                work.without_lake()
                run = measured.run(work.ingest(onhook))
                took, out = run.seconds, lakes.files(work.lake, "legs")
            else:
                out = [folder / f"{program}.parquet"]
                run = measured.run([sys.executable, HERE / f"{rival}_{program}.py", *out, text])
                versions[program], took = told(run.stdout)
            written[program] = out
            # The first turn warms everything up and is held against the others, not timed.
            if turn > 0:
                seconds.setdefault(program, []).append(took)
                peaks.setdefault(program, []).append(run.peak_mib)
        if turn == 0:
            agree(written, records)
    print(f"{records} {kind} records, {size / 1e6:.1f} MB, {rounds} rounds in turn, page cache warm, {os.cpu_count()} cores")
    rows = []
    for program, took in seconds.items():
        middle = measured.median(took)
        ratio = "" if program == "onhook" else f"{measured.ratio(took, seconds['onhook']):.2f}"
        rows.append([
            versions[program], f"{middle:.3f}", f"{min(took):.3f}", f"{max(took):.3f}", f"{size / middle / 1e6:.0f}",
            f"{max(peaks[program]):.0f}", f"{lakes.size(written[program]) / 1e6:.1f}", ratio,
        ])
    measured.table(["program", "median s", "least", "most", "MB/s", "peak MiB", "legs MB", "times onhook's"], rows)


def told(line):
    """Version and seconds of a rival's own line."""
    name, version, seconds = re.match(r"(\w+) (\S+) ([\d.]+) s ", line).groups()
    return f"{name} {version}", float(seconds)


def agree(written, records):
    """Ends the measurement unless the three have the same records, as often as each occurs."""
    import duckdb

    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    for program, paths in written.items():
        paths = [str(path) for path in paths]
        con.execute(f"create view {program} as select {SHARED} from read_parquet({paths!r})")
        rows = con.execute(f"select count(*) from {program}").fetchone()[0]
        if rows != records:
            sys.exit(f"{program} has {rows} records of {records}")
    for one, other in (("onhook", "duckdb"), ("duckdb", "onhook"), ("polars", "duckdb"), ("duckdb", "polars")):
        apart = con.execute(f"select count(*) from (select * from {one} except all select * from {other})").fetchone()[0]
        if apart:
            for program in (one, other):
                print(con.execute(f"select direction, count(*), sum(talk_s), sum(ring_s) from {program} group by all order by all").fetchall())
            sys.exit(f"{apart} records of {one} are not in {other}")
    ways = con.execute("select direction, count(*), sum(talk_s) from onhook group by all order by all").fetchall()
    print(f"agreed: {records} records each; start, ring, talk, direction, caller and callee are the same in all three, as often as each occurs")
    print("        " + ", ".join(f"{way} {count} ({talk} s)" for way, count, talk in ways))


def many_small_files(folder, count, rounds):
    from records import START, Records

    records = count * 30
    minutes = lambda n: START + n // 30 * 60 + n % 30 * 2
    onhook, works = programs.onhook(), {}
    for name in ("small", "large"):
        works[name] = lakes.Workspace(folder / name, lakes.CUCM)
        made = Records(min(records, 250_000))
        each = 30 if name == "small" else records
        for number in range(1, records // each + 1):
            made.write(works[name].landing, each, number, minutes)
    seconds, peaks = {name: [] for name in works}, {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            work.without_lake()
            os.sync()
            run = measured.run(work.ingest(onhook))
            if turn > 0:
                seconds[name].append(run.seconds)
                peaks[name].append(run.peak_mib)
    rows = []
    for name, work in works.items():
        middle = measured.median(seconds[name])
        inputs = 1 if name == "large" else count
        tables = [len(lakes.files(work.lake, table)) for table in ("legs", "usage", "traffic", "inputs")]
        rows.append([f"{inputs} files", records, f"{middle:.3f}", f"{records / middle:.0f}", f"{max(peaks[name]):.0f}", *tables])
    print(f"{rounds} rounds in turn, page cache warm")
    measured.table(["CUCM", "records", "median s", "records/s", "peak MiB", "legs files", "usage", "traffic", "inputs"], rows)
    print(f"rate of the small files: {measured.ratio(seconds['large'], seconds['small']):.2f} of the large file's; the target is 0.33")


if __name__ == "__main__":
    main(sys.argv[1:])
