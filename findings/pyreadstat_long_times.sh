#!/usr/bin/env bash
# pyreadstat 1.3.7: 26 hours and 30 minutes under the SAS format TIME8. are read as 02:30.
#
# SAS's TIME is a number of seconds, also of a duration, and TIMEw. and HHMMw. write it with as many
# hours as it has: 95400 is 26:30:00, and 3600 before zero -1:00:00. pyreadstat gives a time of day for
# each: 02:30 and 23:00, without a word, so that stays of 2.5, 26.5 and 50.5 hours are one. The numbers
# themselves are there with disable_datetime_conversion=True, which the sums here are checked by. One
# would have guessed a timedelta, or the number where no time of day has so many hours; TOD8., which
# SAS itself writes as the time of day, is the format for what is done.
#
# It matters where hours of observation or of a treatment are in SAS files. This project reads the
# plain numbers, and takes no format of times.
#
# Exits 0 while pyreadstat behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyreadstat==1.3.7 pandas==3.1.1
"$folder/venv/bin/python" - "$folder/stays.xpt" <<'PYTHON'
import sys
from datetime import time

import pandas as pd
import pyreadstat

path = sys.argv[1]
seconds = [9_000.0, 95_400.0, 181_800.0, -3_600.0]
formats = {"BY_TIME": "TIME8", "BY_HHMM": "HHMM5"}
frame = pd.DataFrame({name: seconds for name in formats})
pyreadstat.write_xport(frame, path, variable_format=formats)
read, meta = pyreadstat.read_xport(path)
plain, _ = pyreadstat.read_xport(path, disable_datetime_conversion=True)
print("pyreadstat", pyreadstat.__version__, meta.original_variable_types)
print("seconds      hours   TIME8     HHMM5")
for row in range(len(seconds)):
    number = float(plain["BY_TIME"].iloc[row])
    print(f"{number:<10.0f}{number / 3600:>8.1f}", *(f"  {read[name].iloc[row]}" for name in formats), sep="")
expected = [time(2, 30), time(2, 30), time(2, 30), time(23, 0)]
as_described = all(read[name].tolist() == expected for name in formats)
raise SystemExit(0 if as_described and plain["BY_TIME"].tolist() == seconds else 1)
PYTHON
