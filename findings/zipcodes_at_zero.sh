#!/usr/bin/env bash
# zipcodes 3.0.0: ZIP codes in use have the position 0, 0, as texts that are true and are numbers.
#
# 872 of its 42,789 ZIP codes have no position. 820 of them are of the armed forces abroad, the others
# civilian: 77352 (Livingston, Texas, a standard ZIP code in use), 90085 (Los Angeles), 95214
# (Stockton). Their `lat` and `long` are the texts '0' or '0.0000', not None: `if row["lat"]` holds,
# float() succeeds, and every distance from there is one from the Gulf of Guinea, 10,476 km from
# Texas. One would have guessed that an unknown position is None, or that a row with coordinates has
# its own. It matters where facilities are listed by distance from the ZIP code a person enters.
#
# Exits 0 while it is as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet zipcodes==3.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import math

import zipcodes


def kilometres(first: tuple[float, float], second: tuple[float, float]) -> float:
    a, b, c, d = map(math.radians, (*first, *second))
    turn = math.sin(a) * math.sin(c) + math.cos(a) * math.cos(c) * math.cos(b - d)
    return 6371 * math.acos(turn)


rows = zipcodes.list_all()
zero = [row for row in rows if not float(row["lat"]) and not float(row["long"])]
civilian = [row for row in zero if row["zip_code_type"] != "MILITARY"]
print(f"{len(rows):,} ZIP codes, {len(zero)} at 0, 0, of these {len(civilian)} not military")
(livingston,) = zipcodes.matching("77352")
(beside,) = zipcodes.matching("77351")
for row in (livingston, beside):
    print(*(row[name] for name in ("zip_code", "city", "state", "zip_code_type", "active")), end=" ")
    print(repr(row["lat"]), repr(row["long"]))
apart = kilometres(*((float(row["lat"]), float(row["long"])) for row in (livingston, beside)))
print(f"two ZIP codes of Livingston, Texas, are {apart:,.0f} km apart")
found = (len(zero), len(civilian), livingston["active"], bool(livingston["lat"]), round(apart, -2))
raise SystemExit(0 if found == (872, 52, True, True, 10500) else 1)
PYTHON
