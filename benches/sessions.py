"""Two warm sessions over the Parquet files of one lake, onhook's and DuckDB's, asked the same questions in turn. Gives seconds and ratios, and
ends where the two do not give the same answer.

Both are timed inside their process, from the text of the question to all rows in hand: no start of a process, no first look at the
files' footers, which both keep. DuckDB has two threads, as onhook has on two cores.
"""
import datetime
import json
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import lakes
import measured

QUESTIONS = Path(__file__).resolve().parent / "questions"


@dataclass
class Figure:
    question: str
    rows: int
    onhook: list
    duckdb: list

    @property
    def ratio(self):
        """onhook's time in DuckDB's, round by round: under 1 onhook is the faster."""
        return measured.ratio(self.onhook, self.duckdb)


class Onhook:
    def __init__(self, program, workspace):
        self.process = subprocess.Popen([program, workspace], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question, sql, answer=False):
        self.process.stdin.write(json.dumps({"question": question, "sql": sql, "answer": answer}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        told = json.loads(line) if line else {"error": "the session ended"}
        if "error" in told:
            sys.exit(f"onhook, {question}: {told['error']}")
        return told["seconds"], told["rows"], told["answer"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class DuckDb:
    def __init__(self, files):
        import duckdb

        self.version = duckdb.__version__
        self.session = duckdb.connect()
        self.session.execute("set threads = 2")
        # onhook's engine keeps footers from question to question.
        self.session.execute("set parquet_metadata_cache = true")
        self.session.execute(f"create view legs as select * from read_parquet({files!r})")

    def ask(self, sql):
        began = time.perf_counter()
        rows = self.session.execute(sql).fetchall()
        return time.perf_counter() - began, rows

    def names(self):
        """Columns of the last answer."""
        return [column[0] for column in self.session.description]


def compare(program, workspace, lake, rounds):
    """Every question once for its answer, which warms both up, then so many rounds in turn, first one and then the other first."""
    files = lakes.files(lake, "legs")
    onhook, duckdb = Onhook(program, workspace), DuckDb(files)
    figures = []
    for path in sorted(QUESTIONS.glob("*.sql")):
        sql = path.read_text()
        _, _, ours = onhook.ask(path.stem, sql, answer=True)
        _, theirs = duckdb.ask(sql)
        hold_together(path.stem, ours, [dict(zip(duckdb.names(), row)) for row in theirs])
        figures.append(Figure(path.stem, len(theirs), [], []))
    for turn in range(rounds):
        for figure in figures:
            sql = (QUESTIONS / f"{figure.question}.sql").read_text()
            for engine in ("onhook", "duckdb") if turn % 2 == 0 else ("duckdb", "onhook"):
                seconds = onhook.ask(figure.question, sql)[0] if engine == "onhook" else duckdb.ask(sql)[0]
                getattr(figure, engine).append(seconds)
    onhook.close()
    return figures, duckdb.version, files


def hold_together(question, ours, theirs):
    """Ends the measurement unless both answers are the same, row by row in their order."""
    if not theirs:
        sys.exit(f"{question}: no rows, so that the answers prove nothing; is this the lake that was meant?")
    if len(ours) != len(theirs):
        sys.exit(f"{question}: onhook gives {len(ours)} rows, DuckDB {len(theirs)}")
    for n, (our, their) in enumerate(zip(ours, theirs, strict=True), 1):
        apart = our.keys() ^ their.keys() | {name for name in our.keys() & their.keys() if not same(our[name], plain(their[name]))}
        if apart:
            sys.exit(f"{question}: the answers differ in row {n}, {', '.join(sorted(apart))}")


def same(our, their):
    if isinstance(our, float) or isinstance(their, float):
        return our is not None and their is not None and math.isclose(our, their, rel_tol=1e-9)
    return our == their


def plain(value):
    return value.isoformat() if isinstance(value, datetime.date) else value
