"""Runs a program and measures it: seconds by the clock, seconds of processor, and the most memory it ever held, as the operating
system counted them. Draws no conclusions.

The program is started by a process of its own that has loaded nothing: on Linux a child's peak begins with what its parent
held, so that a measuring Python with data in memory would be counted as the program's.
"""
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass
class Run:
    seconds: float
    cpu_seconds: float
    peak_mib: float
    stdout: str


def run(command, cwd=None, good=(0,)):
    """Runs `command` and gives its figures; ends the measurement where its exit code is none of `good`."""
    read_end, write_end = os.pipe()
    starter = [sys.executable, "-I", "-S", __file__, str(write_end), *map(str, command)]
    with subprocess.Popen(starter, cwd=cwd, pass_fds=[write_end], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        os.close(write_end)
        stdout, stderr = process.communicate()
    with os.fdopen(read_end) as pipe:
        told = pipe.read()
    if not told or json.loads(told)["code"] not in good:
        code = json.loads(told)["code"] if told else process.returncode
        sys.exit(f"{' '.join(map(str, command))}\nended with {code}\n{stderr}")
    told = json.loads(told)
    return Run(told["seconds"], told["cpu_seconds"], told["peak_mib"], stdout)


def median(values):
    return statistics.median(values)


def ratio(others, ours):
    """Median of the ratios round by round: what happened to the machine in one round happened to both."""
    return statistics.median(other / our for other, our in zip(others, ours, strict=True))


def table(head, rows):
    """Prints rows under a head: the first column to the left, figures to the right."""
    cells = [list(map(str, row)) for row in [head, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        line = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(line).rstrip())


def start(write_end, command):
    """The starter: one child, its figures as JSON."""
    began = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - began
    peak = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    told = {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mib": peak,
    }
    os.write(write_end, json.dumps(told).encode())


if __name__ == "__main__":
    start(int(sys.argv[1]), sys.argv[2:])
