"""Runs a program in a real pseudo-terminal and does to it what a person would: types, looks, resizes the window.

Usage: driver.py STEPS PROGRAM ARGUMENT…, STEPS as JSON: a list of
  ["type", TEXT]           as if typed, \r for Enter
  ["expect", PATTERN]      waits until it stands on the screen, after what was expected before
  ["until", TEXT, PATTERN] types TEXT again and again until PATTERN stands there
  ["resize", COLUMNS, ROWS]
  ["end"]                  waits for the program to end
Prints what stood on the screen, without control sequences; ends with the program's code, or with 99 where what was
expected did not come.
"""

import fcntl
import json
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 60
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07")

steps, program = json.loads(sys.argv[1]), sys.argv[2:]
ours, theirs = os.openpty()


def resize(columns, rows):
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def control():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


resize(100, 24)
child = subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=control)
os.close(theirs)
raw, seen = b"", 0


def screen():
    return CONTROL.sub("", raw.decode("utf-8", "replace"))


def look(seconds):
    """Takes in what has come; false where the program is gone."""
    global raw
    if select.select([ours], [], [], seconds)[0]:
        try:
            some = os.read(ours, 65536)
        except OSError:
            return False
        raw += some
        return bool(some)
    return True


def give_up(why):
    child.kill()
    print(screen())
    print(f"--- {why}; after this stood there:\n{screen()[seen:]!r}")
    sys.exit(99)


def expect(pattern, again=None):
    global seen
    end, typed = time.monotonic() + PATIENCE, 0
    while True:
        found = re.compile(pattern).search(screen(), seen)
        if found:
            seen = found.end()
            return
        if again and time.monotonic() - typed > 0.3:
            os.write(ours, again.encode())
            typed = time.monotonic()
        if time.monotonic() > end or not look(0.1):
            give_up(f"did not see {pattern!r}")


for kind, *given in steps:
    if kind == "type":
        os.write(ours, given[0].encode())
    elif kind == "expect":
        expect(given[0])
    elif kind == "until":
        expect(given[1], given[0])
    elif kind == "resize":
        resize(*given)
    elif kind == "end":
        end = time.monotonic() + PATIENCE
        while look(0.1) and child.poll() is None:
            if time.monotonic() > end:
                give_up("did not end")
print(screen())
child.kill() if child.poll() is None else None
sys.exit(child.wait())
