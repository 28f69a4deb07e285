#!/usr/bin/env python3
"""The ingest job in Polars, streaming: Mitel SMDR file(s) of extended digits to one zstd Parquet file. usage: mitel_polars.py OUT FILE...

What onhook works out beyond this is left out in the rival's favour: see mitel_duckdb.py.
"""
import os
import sys
import time

os.environ.setdefault("POLARS_MAX_THREADS", "2")
import polars as pl

out, files = sys.argv[1], sys.argv[2:]
start = time.time()
c, lit = pl.col, pl.lit


def field(name, first, last):
    return c("line").str.slice(first - 1, last - first + 1).str.strip_chars_end(" ").alias(name)


def number(name, first, length):
    return c(name).str.slice(first, length).cast(pl.Int32)


fields = pl.scan_csv(files, separator="\x01", quote_char=None, has_header=False, new_columns=["line"], infer_schema=False).select(
    c("line").hash().alias("leg_id"),
    c("line").str.slice(1, 11).alias("moment"),
    field("held", 15, 24), field("calling", 26, 32), field("answer", 35, 37), field("digits", 39, 64), field("completion", 65, 65),
    field("called", 67, 73), field("transfer", 74, 74), field("third", 76, 82), field("account_code", 84, 95), field("ani", 103, 112),
    field("dnis", 114, 120),
)
from_trunk, to_trunk = c("calling").str.starts_with("T"), c("called").str.starts_with("T")
no_answer = c("answer").is_in(["", "***"])
figures = fields.with_columns(
    pl.when(c("held") != "").then(c("held")).alias("held"),
).with_columns(
    (number("held", 0, 4) * 3600 + number("held", 5, 2) * 60 + number("held", 8, 2)).alias("held_s"),
    pl.when(from_trunk & to_trunk).then(lit("tandem")).when(from_trunk).then(lit("inbound"))
    .when(to_trunk).then(lit("outbound")).otherwise(lit("internal")).alias("direction"),
    pl.when(c("completion").is_in(["B", "O", "D"])).then(lit("busy"))
    .when((c("answer") == "***") | ((c("answer") == "") & c("held").is_null())).then(lit("no_answer")).otherwise(lit("answered")).alias("outcome"),
    pl.datetime(2024, number("moment", 0, 2), number("moment", 3, 2), number("moment", 6, 2), number("moment", 9, 2)).alias("started_at"),
    pl.when(c("digits").str.starts_with("90")).then("+44" + c("digits").str.slice(2)).otherwise(c("digits")).alias("dialled"),
)
figures.select(
    "leg_id",
    "started_at",
    c("started_at").dt.date().alias("local_day"),
    (c("started_at").dt.hour().cast(pl.Int16) * 60 + c("started_at").dt.minute()).alias("local_minute"),
    pl.when((c("outcome") == "no_answer") & no_answer).then(c("held_s"))
    .when(~no_answer).then(pl.when(~no_answer).then(c("answer")).cast(pl.Int32)).alias("ring_s"),
    pl.when(c("outcome") == "answered").then(c("held_s").fill_null(0)).otherwise(0).alias("talk_s"),
    "direction",
    "outcome",
    pl.when(c("direction") == "inbound").then("+44" + c("ani")).otherwise(c("calling")).alias("caller"),
    "dialled",
    pl.when(c("direction") == "outbound").then(c("dialled")).when(c("third") != "").then(c("third")).otherwise(c("called")).alias("callee"),
    pl.when(c("third") != "").then(c("called")).alias("redirect_ext"),
    pl.when(c("transfer").is_in(["T", "X"])).then(lit("transfer")).alias("redirect_reason"),
    pl.when(from_trunk).then(c("calling")).alias("trunk_in"),
    pl.when(to_trunk).then(c("called")).alias("trunk_out"),
    pl.when(c("account_code") != "").then(c("account_code")).alias("account_code"),
    "dnis",
    (c("completion") + c("transfer")).alias("vendor_kind"),
).sink_parquet(out, compression="zstd")
took = time.time() - start
size = sum(os.path.getsize(f) for f in files)
print(f"polars {pl.__version__} {took:.2f} s {size / took / 1e6:.0f} MB/s {os.path.getsize(out)} bytes out")
