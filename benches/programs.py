"""Where the programs are that are measured: onhook and its benches as cargo builds them, and a Python that has DuckDB and Polars.

`ONHOOK=path` and `QUESTIONS=path` name programs that are built already. Measures nothing.
"""
import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = dict(line.split("==") for line in (ROOT / "benches/peers/requirements.txt").read_text().split())


def onhook():
    return os.environ.get("ONHOOK") or built(["build", "--release", "--bin", "onhook"])


def questions():
    """The program that asks in one warm session, `benches/questions.rs`."""
    return os.environ.get("QUESTIONS") or built(["bench", "--no-run", "--bench", "questions"])


def built(words):
    """Builds, and gives the program's path."""
    command = ["cargo", *words, "--message-format=json-render-diagnostics"]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    paths = [message.get("executable") for message in map(json.loads, told.splitlines()) if message["reason"] == "compiler-artifact"]
    return [path for path in paths if path][-1]


def with_rivals():
    """Goes on in a Python that has DuckDB and Polars: this one, or a virtual environment with the versions of
    requirements.txt that is made on first use."""
    if all(version(name) for name in PINS):
        for name, pin in PINS.items():
            if version(name) != pin:
                print(f"note: {name} is {version(name)}, the figures of docs/performance.md are of {pin}", file=sys.stderr)
        return
    home = ROOT / "target/bench-python"
    python = home / "bin/python"
    if Path(sys.prefix) == home:
        sys.exit(f"{home} lacks {', '.join(PINS)}: remove it, it is made anew")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", ROOT / "benches/peers/requirements.txt"], check=True)
    os.execv(python, [str(python), *sys.argv])


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
