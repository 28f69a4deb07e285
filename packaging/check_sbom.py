"""Holds a bill of materials against Cargo's own list: `cargo tree` names every crate that is built in, and each must be in
the bill, with a licence and a hash. Usage: check_sbom.py BILL.json < the lines of `cargo tree --prefix none`"""

import json
import sys

bill = {(part["name"], part["version"]): part for part in json.load(open(sys.argv[1]))["components"]}
built = set()
for line in sys.stdin:
    name, version = line.split()[:2]
    if name != "onhook":
        built.add((name, version.removeprefix("v")))
wrong = [f"{name} {version} is built in and not in the bill" for name, version in sorted(built - bill.keys())]
for (name, version), part in sorted(bill.items()):
    wrong += [f"{name} {version} has no {what}" for what in ("licenses", "hashes") if not part.get(what)]
if len(built) < 100:
    wrong.append(f"cargo tree gave {len(built)} crates: that cannot be all")
print("\n".join(wrong) or f"{len(bill)} parts, {len(built)} of them built in here")
sys.exit(bool(wrong))
