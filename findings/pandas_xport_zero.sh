#!/usr/bin/env bash
# pandas 3.1.1: every 0 of a SAS transport file (XPORT) is read as 5.4e-79.
#
# Zero is eight zero bytes in IBM's floating point. read_sas puts the exponent together without asking
# whether there is a number, and the smallest one of that form comes out: positive, beside 1 and -1,
# which are right. `== 0` finds none of the facilities without a death, `> 0` all of them, and bool() is
# true; printed with two decimals it is 0.00, sums and means are right. pyreadstat 1.3.7 reads 0 from the
# same file. One would have guessed 0 for 0.
#
# Known since 2019: pandas-dev/pandas#30051 was closed, #50670 is open and calls it some zeros. It
# matters for each count below a limit and each flag. This project reads SAS files with pyreadstat.
#
# Exits 0 while pandas behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 pyreadstat==1.3.7 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - "$folder" <<'PYTHON'
import sys
from pathlib import Path

import pandas as pd
import pyreadstat

print("pandas", pd.__version__, "pyreadstat", pyreadstat.__version__)
path = Path(sys.argv[1]) / "facility.xpt"
deaths = pd.DataFrame({"DEATHS": [0.0, 3.0, 0.0, 1.0, -1.0, None]})
pyreadstat.write_xport(deaths, str(path), file_format_version=5)
by_pyreadstat, _ = pyreadstat.read_xport(str(path))
by_pandas = pd.read_sas(path, format="xport")
found = {}
for name, frame in (("pyreadstat", by_pyreadstat), ("pandas", by_pandas)):
    column = frame["DEATHS"]
    found[name] = (int((column == 0).sum()), int((column > 0).sum()), float(column.sum()))
    print(f"{name:<10} {column.tolist()}")
    print(f"{'':<10} == 0: {found[name][0]}, > 0: {found[name][1]}, sum: {found[name][2]}")
raise SystemExit(0 if found == {"pyreadstat": (2, 2, 3.0), "pandas": (0, 4, 3.0)} else 1)
PYTHON
