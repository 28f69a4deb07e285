"""CUCM records by the hundred million: those of `peers/gen_cucm.py`, again and again, each copy with record ids, call ids and moments of
its own. So no two records are one, the clock moves on, and everything else is as the generator made it.

usage: records.py COUNT OUT
"""
import sys
import tempfile
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
import gen_cucm

START = 1704067200  # 2024-01-01T00:00:00Z
LINES = 10_000  # written at a time


class Records:
    """An endless run of records; each call goes on where the one before ended."""

    def __init__(self, base=250_000, seed=1):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "base"
            gen_cucm.main(base, path, seed)
            header, types, *lines = path.read_bytes().splitlines()
        self.header = header + b"\n" + types + b"\n"
        at = {name: i for i, name in enumerate(gen_cucm.COLUMNS)}
        self.base = [template(line, at) for line in lines]
        self.made = 0
        self.last = START

    def lines(self, clock=lambda n: START + n // 3):
        """Lines without end. `clock` gives the moment of the n-th record, counted from 0: three a second, as the generator has it."""
        size = len(self.base)
        while True:
            n = self.made
            text, ring, whole = self.base[n % size]
            began = self.last = clock(n)
            # Cisco's call ids wrap at 24 bits.
            call, leg = (1_000_000 + n) % (1 << 24), (30_000_000 + 2 * n) % (1 << 31)
            self.made += 1
            yield text % (call, leg, began, leg + 1, 0 if ring is None else began + ring, began + whole, n // size)

    def write(self, folder, count, number, clock=lambda n: START + n // 3):
        """Writes a file of `count` records, named as CUCM names its `number`-th."""
        draft = Path(folder) / f"_{number}"
        lines = self.lines(clock)
        with open(draft, "wb") as file:
            file.write(self.header)
            while count > 0:
                file.write(b"".join(islice(lines, min(count, LINES))))
                count -= LINES
        minute = datetime.fromtimestamp(self.last, timezone.utc)
        path = Path(folder) / f"cdr_MPS-CL01_01_{minute:%Y%m%d%H%M}_{number}"
        draft.rename(path)
        return path


def template(line, at):
    """A record as a text to be filled in, seconds of ringing (none where nobody answered), and seconds from first to last."""
    cells = line.replace(b"%", b"%%").split(b",")
    began, connected, ended = (int(cells[at[f"dateTime{name}"]]) for name in ("Origination", "Connect", "Disconnect"))
    for name in ("globalCallID_callId", "origLegCallIdentifier", "dateTimeOrigination", "destLegIdentifier", "dateTimeConnect"):
        cells[at[name]] = b"%d"
    cells[at["dateTimeDisconnect"]] = b"%d"
    pkid = cells[at["pkid"]]
    cells[at["pkid"]] = pkid[:1] + b"%08x" + pkid[9:]
    return b",".join(cells) + b"\n", connected - began if connected else None, ended - began


if __name__ == "__main__":
    records = Records(min(int(sys.argv[1]), 250_000))
    written = records.write(Path(sys.argv[2]).parent, int(sys.argv[1]), 1)
    written.rename(sys.argv[2])
