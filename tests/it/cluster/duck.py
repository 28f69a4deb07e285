"""Asks the queries of DuckDB: the same Parquet files, found through the Delta logs and through nothing of onhook's.

    python duck.py TASK.json

TASK.json has `lake`, its folder; `session`, a Parquet file for each table that is no table of the lake; `tables`, a Parquet
file without rows for each table of the lake, whose columns an empty one has; `views` in the order in which they stand on
each other and `reports`, each with name, sql and params; and `answers`, the folder for a Parquet file a report. What a
report fails with is its line on standard output.
"""

import datetime
import json
import pathlib
import sys

import duckdb


def files(table):
    """The active data files of a Delta table, as its log tells: what was added and not removed since."""
    active = {}
    for commit in sorted((table / "_delta_log").glob("*.json")):
        for line in commit.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                active[action["add"]["path"]] = None
            if "remove" in action:
                active.pop(action["remove"]["path"], None)
    if any((table / "_delta_log").glob("*.checkpoint.parquet")):
        sys.exit(f"{table}: has a checkpoint, and only whole logs are read here")
    return [str(table / path) for path in active]


def value(param):
    """A parameter's default as a value of its type."""
    kind = {"int": int, "float": float, "text": str, "date": datetime.date.fromisoformat}[param["kind"]]
    return kind(param["default"])


def literal(param):
    """The same in SQL: a view takes no parameters."""
    found = value(param)
    if isinstance(found, datetime.date):
        return f"date '{found}'"
    if isinstance(found, str):
        return "'" + found.replace("'", "''") + "'"
    return f"cast({found} as double)" if isinstance(found, float) else f"cast({found} as bigint)"


def plain(db, sql, params):
    """The answer in types that Parquet has: sums of whole numbers are 128 bits wide here."""
    columns = db.execute(f"describe {sql}", params or None).fetchall()
    cells = [
        f'cast("{name}" as decimal(38, 0)) as "{name}"' if kind == "HUGEINT" else f'"{name}"'
        for name, kind, *_ in columns
    ]
    return f"select {', '.join(cells)} from ({sql})"


def main(task):
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    lake = pathlib.Path(task["lake"])
    for name, empty in task["tables"].items():
        found = files(lake / name) or [empty]
        db.execute(f"create view {name} as select * from read_parquet({found})")
    for name, file in task["session"].items():
        db.execute(f"create view {name} as select * from read_parquet('{file}')")
    for view in task["views"]:
        sql = view["sql"]
        for param in view["params"]:
            sql = sql.replace("$" + param["name"], literal(param))
        try:
            db.execute(f"create view {view['name']} as {sql}")
        except duckdb.Error as error:
            print(f"{view['name']}: {error}".replace("\n", " "))
    for report in task["reports"]:
        params = {param["name"]: value(param) for param in report["params"]}
        to = pathlib.Path(task["answers"]) / f"{report['name']}.parquet"
        try:
            db.execute(f"copy ({plain(db, report['sql'], params)}) to '{to}' (format parquet)", params or None)
        except duckdb.Error as error:
            print(f"{report['name']}: {error}".replace("\n", " "))


if __name__ == "__main__":
    main(json.loads(pathlib.Path(sys.argv[1]).read_text()))
