#!/usr/bin/env python3
"""Write a Mitel MiVoice Business SMDR file: extended digits with ANI/DNIS, 24-hour clock, 120 columns, N records, all invented.

usage: gen_mitel.py N OUT [SEED]

Columns are those of Mitel's field tables for extended digit length: 1 long-call symbol, 2-6 date, 8-12 start, 15-24 duration, 26-32 calling
party, 35-37 time to answer, 39-64 digits dialled, 65 completion, 67-73 called party, 74 transfer flag, 76-82 third party, 84-95 account
code, 97-99 system, 103-112 ANI, 114-120 DNIS. Outside numbers are of the range that Ofcom keeps for drama. The calls fall into January and
February, when the clock of London shows UTC, and a file is at most 59 days: no program has to know the zone or the year.
"""
import random
import sys
from datetime import datetime, timedelta

DAYS = 59


def main(count, out, seed=1):
    rng = random.Random(seed)
    r, pick = rng.random, rng.randrange
    began = datetime(2024, 1, 1)
    seconds = min(1 / 3, DAYS * 86_400 / count)  # between records
    with open(out, "w", buffering=1 << 20, newline="") as f:
        for k in range(count):
            talk = 0 if r() < 0.3 else 1 + int(rng.expovariate(1 / 150))
            ring, kind = pick(30), r()
            a, b, c = (str(30000 + pick(20000)) for _ in range(3))
            number, trunk = "%d" % (2079460000 + pick(1000)), "T%03d" % (1 + pick(8))
            answer = completion = transfer = third = account = ani = dnis = ""
            held = talk
            if kind < 0.35:
                caller, digits, called = a, "90" + number, trunk
                completion = "A" if talk else ""
                account = "%06d" % pick(1000) if pick(20) == 0 else ""
            elif kind < 0.65:
                caller, digits, called = trunk, b, b
                answer, ani, dnis = ("%03d" % ring if talk else "***"), number, "60" + b
                held = talk or ring
                if talk and pick(20) == 0:
                    transfer, third = "T", c
            else:
                caller, digits, called = a, b, b
                completion = "I" if talk else "O"
            symbol = " " if held < 300 else "-" if held < 600 else "%" if held < 1800 else "+"
            length = "%04d:%02d:%02d" % (held // 3600, held // 60 % 60, held % 60) if held else ""
            start = (began + timedelta(seconds=k * seconds)).strftime("%m/%d %H:%M")
            f.write(
                f"{symbol}{start}  {length:10} {caller:7}  {answer:3} {digits:26}{completion:1} {called:7}{transfer:1} {third:7} "
                f"{account:12} 001   {ani:10} {dnis:7}\r\n"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1)
