#!/usr/bin/env bash
# pyreadstat 1.3.7: seconds under the SAS format DTDATE are read as days.
#
# SAS shows a datetime, a number of seconds since 1960, with its time by DATETIME20. and as the day
# alone by DTDATE9.: 864000 is 11JAN1960:00:00:00 and 11JAN1960. pyreadstat knows both formats, but
# has DTDATE among those of dates, whose numbers are days: the same number under DTDATE9. becomes a
# day of the year 4325, without a word. From February 1960 on the day lies beyond Python's calendar:
# a datetime of 2024 ends in an OverflowError, and with it the whole file. One would have guessed one
# day under both formats. This project reads the plain numbers and judges the formats itself.
#
# Exits 0 while pyreadstat behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyreadstat==1.3.7 pandas
"$folder/venv/bin/python" - "$folder/days.xpt" <<'PYTHON'
import sys

import pandas as pd
import pyreadstat

path = sys.argv[1]


def read(seconds):
    frame = pd.DataFrame({"BY_DATETIME": [seconds], "BY_DTDATE": [seconds]})
    formats = {"BY_DATETIME": "DATETIME20", "BY_DTDATE": "DTDATE9"}
    pyreadstat.write_xport(frame, path, variable_format=formats)
    try:
        values, _ = pyreadstat.read_xport(path, output_format="dict")
    except OverflowError:
        return "OverflowError", ""
    return tuple(str(values[name][0]) for name in formats)


print("pyreadstat", pyreadstat.__version__)
found = {seconds: read(seconds) for seconds in (864_000.0, 2_019_686_400.0)}
print("seconds     DATETIME20           DTDATE9")
for seconds, (by_datetime, by_dtdate) in found.items():
    print(f"{seconds:<10.0f}  {by_datetime:<19}  {by_dtdate}")
expected = [("1960-01-11 00:00:00", "4325-07-21"), ("OverflowError", "")]
raise SystemExit(0 if list(found.values()) == expected else 1)
PYTHON
