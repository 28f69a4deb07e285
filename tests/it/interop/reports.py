"""Runs views and reports as they stand on DuckDB: reports.py MANIFEST ANSWERS.

The manifest has `tables` (name to Parquet file), `views` (name and SQL, each after those it stands on) and `reports`
(name, SQL, parameters). The answers are lists of rows by report, cells by column, nulls left out.
"""

import datetime
import decimal
import json
import re
import sys

import duckdb

manifest = json.load(open(sys.argv[1]))
db = duckdb.connect()
db.sql("set timezone = 'UTC'")
for name, file in manifest["tables"].items():
    db.read_parquet(file).create_view(name)
for name, sql in manifest["views"]:
    db.sql(f"create view {name} as {sql}")


def plain(cell):
    if isinstance(cell, decimal.Decimal):
        return float(cell)
    if isinstance(cell, datetime.datetime):
        return cell.replace(tzinfo=None).isoformat()
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return cell


answers = {}
for name, sql, parameters in manifest["reports"]:
    code = re.sub(r"--.*", "", sql)
    # DuckDB will not be given what a query does not name.
    given = {key: value for key, value in parameters.items() if re.search(rf"\${key}\b", code)}
    found = db.execute(sql, given)
    columns = [column[0] for column in found.description]
    rows = [zip(columns, map(plain, row)) for row in found.fetchall()]
    answers[name] = [{key: cell for key, cell in row if cell is not None} for row in rows]
json.dump(answers, open(sys.argv[2], "w"))
