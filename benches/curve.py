#!/usr/bin/env python3
"""Cost curves: what ingest and the ten questions take as a lake grows to 1, 10 and 100 million records.

usage: curve.py [--rounds N] [--out DIR] [RECORDS...]

One lake grows; each text is removed when it was read, so that no more than two deliveries' worth lies on the disk. Ingest is the sum of the
deliveries up to a mark, each a whole process. The questions are asked in warm sessions, onhook's and DuckDB's in turn. Writes curves.csv and
curves.svg into DIR (docs).
"""
import argparse
import csv
import json
import math
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import lakes
import measured
import programs
import sessions
from records import Records

FILE = 1_000_000  # records
DELIVERY = 4 * FILE
COLOURS = ["#1b5e8c", "#c0562f", "#3b7d3b", "#8a4fa0", "#a8871b", "#3a8f8f", "#b03a5b", "#5b5b5b", "#6b7fd0", "#7a5a3a"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", nargs="*", type=int, default=[1_000_000, 10_000_000, 100_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=programs.ROOT / "docs")
    words = parser.parse_args()
    programs.with_rivals()
    marks = sorted(words.records)
    with tempfile.TemporaryDirectory(prefix="onhook-bench-") as folder:
        rows = grow(Path(folder) / "work", marks, words.rounds)
    with open(words.out / "curves.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["records", "what", "engine", "seconds"])
        writer.writerows([records, what, engine, f"{seconds:.4f}"] for records, what, engine, seconds in rows)
    (words.out / "curves.svg").write_text(picture(rows))
    print(f"wrote {words.out / 'curves.csv'} and {words.out / 'curves.svg'}")


def grow(folder, marks, rounds):
    onhook, asking, work = programs.onhook(), programs.questions(), lakes.Workspace(folder, lakes.CUCM)
    source, rows, spent, number = Records(min(marks[0], 250_000)), [], 0.0, 0
    for mark in marks:
        while source.made < mark:
            texts, before = [], source.made
            while source.made < min(before + DELIVERY, mark):
                number += 1
                texts.append(source.write(work.landing, min(FILE, mark - source.made), number))
            run = measured.run(work.ingest(onhook))
            kept = json.loads(run.stdout)["records"]["kept"]
            if kept != source.made - before:
                sys.exit(f"{source.made - before} records were delivered and {kept} kept")
            spent += run.seconds
            size = lakes.size(texts)
            print(f"{source.made:>12} records: last delivery {kept / run.seconds:.0f} records/s, {size / run.seconds / 1e6:.0f} MB/s, {run.peak_mib:.0f} MiB", flush=True)
            for text in texts:
                text.unlink()
        rows.append((mark, "ingest", "onhook", spent))
        figures, _, files = sessions.compare(asking, folder, work.lake, rounds)
        print(f"{mark:>12} records: {len(files)} files of legs, {lakes.size(files) / 1e6:.0f} MB, ingested in {spent:.1f} s", flush=True)
        for figure in figures:
            for engine in ("onhook", "duckdb"):
                rows.append((mark, figure.question, engine, measured.median(getattr(figure, engine))))
            print(f"{'':>12} {figure.question}: {measured.median(figure.onhook) * 1e3:.1f} ms, ratio to DuckDB {figure.ratio:.2f}", flush=True)
    return rows


def picture(rows):
    """Both axes logarithmic: a straight line at 45 degrees is a cost that grows as the records do. onhook only; the table has DuckDB too."""
    ours = [(records, what, seconds) for records, what, engine, seconds in rows if engine == "onhook"]
    names = sorted({what for _, what, _ in ours}, key=lambda what: (what != "ingest", what))
    xs = [math.log10(records) for records, _, _ in ours]
    ys = [math.log10(max(seconds, 1e-4)) for _, _, seconds in ours]
    left, right, top, bottom, width, height = math.floor(min(xs)), math.ceil(max(xs)), math.ceil(max(ys)), math.floor(min(ys)), 820, 460
    right, top = max(right, left + 1), max(top, bottom + 1)
    x = lambda value: 70 + (math.log10(value) - left) / (right - left) * 520
    y = lambda value: 20 + (top - math.log10(max(value, 1e-4))) / (top - bottom) * 390
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        "<title>Seconds of ingest and of ten questions against records in the lake</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for power in range(bottom, top + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M70 {at:.1f}H590" stroke="#ddd"/><text x="62" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>')
    for power in range(left, right + 1):
        at = x(10.0**power)
        parts.append(f'<path d="M{at:.1f} 20V410" stroke="#ddd"/><text x="{at:.1f}" y="428" text-anchor="middle">{10**power:,}</text>')
    parts.append('<text x="330" y="450" text-anchor="middle">records in the lake</text>')
    for n, name in enumerate(names):
        points = sorted((records, seconds) for records, what, seconds in ours if what == name)
        colour, stroke = ("#111", 2.5) if name == "ingest" else (COLOURS[(n - 1) % len(COLOURS)], 1.5)
        line = " ".join(f"{x(records):.1f},{y(seconds):.1f}" for records, seconds in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{stroke}"/>')
        parts += [f'<circle cx="{x(records):.1f}" cy="{y(seconds):.1f}" r="3" fill="{colour}"/>' for records, seconds in points]
        parts.append(f'<path d="M605 {36 + n * 22}h24" stroke="{colour}" stroke-width="{stroke}"/><text x="636" y="{40 + n * 22}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
