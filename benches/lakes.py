"""Workspaces to ingest into, and which Parquet files a lake's tables are: read from the Delta log, as any other engine would.

Knows nothing of onhook but its `onhook.toml`, its CSV files and the log.
"""
import json
import shutil
from pathlib import Path
from urllib.parse import unquote

CUCM = """
[[source]]
name = "cucm"
format = "cisco-cucm"
paths = ["landing/**"]
timezone = "Europe/London"
outside_prefix = "9"
extensions = ["2XXXXX"]
"""
MITEL = """
[[source]]
name = "mitel"
format = "mitel-smdr"
paths = ["landing/**"]
timezone = "Europe/London"
outside_prefix = "9"
extensions = ["[3-4]XXXX"]
"""


class Workspace:
    """A folder with `onhook.toml`, trunk list, an empty landing folder, and a lake once something was ingested."""

    def __init__(self, folder, source):
        self.folder = Path(folder)
        self.landing = self.folder / "landing"
        self.lake = self.folder / "lake"
        self.config = self.folder / "onhook.toml"
        self.landing.mkdir(parents=True)
        self.config.write_text(f'[lake]\npath = "lake"\n{source}\n[estate]\ntrunks = "trunks.csv"\n')
        name, trunks = ("cucm", [f"SIP_TRUNK_{n}" for n in range(8)]) if source is CUCM else ("mitel", [f"T{n:03}" for n in range(1, 9)])
        rows = "".join(f"{name},{trunk},Example Telecom,pstn,,30,\n" for trunk in trunks)
        (self.folder / "trunks.csv").write_text("source,trunk,carrier,kind,party,circuits,peer_source\n" + rows)

    def ingest(self, onhook):
        return [onhook, "ingest", "-q", "--json", "-c", self.config]

    def without_lake(self):
        shutil.rmtree(self.lake, ignore_errors=True)


def files(lake, table):
    """The live data files of a table, sorted, as its Delta log names them."""
    folder = Path(lake) / table
    log = folder / "_delta_log"
    commits = {int(path.stem): path for path in log.glob("*.json") if path.stem.isdigit()}
    live = set()
    if not commits:
        return []
    first = min(commits)
    if first > 0:
        first = start_from_checkpoint(log, live)
    for version in range(first, max(commits) + 1):
        # A version that is missing is a KeyError: better none than a list that is not true.
        for action in map(json.loads, commits[version].read_text().splitlines()):
            if "remove" in action:
                live.discard(unquote(action["remove"]["path"]))
            if "add" in action:
                live.add(unquote(action["add"]["path"]))
    return sorted(str(folder / name) for name in live)


def start_from_checkpoint(log, live):
    """Fills `live` from the last checkpoint, where early commits were tidied away; gives the first version after it."""
    import duckdb

    version = json.loads((log / "_last_checkpoint").read_text())["version"]
    path = log / f"{version:020}.checkpoint.parquet"
    rows = duckdb.sql(f"select add.path from read_parquet('{path}') where add is not null").fetchall()
    live.update(unquote(name) for (name,) in rows)
    return version + 1


def size(paths):
    return sum(Path(path).stat().st_size for path in paths)
