#!/usr/bin/env bash
# DuckDB 2.0.0: the median of the decimals 1.0 and 1.1 is 1.0, their mean 1.05.
#
# median(), quantile_cont() and PERCENTILE_CONT interpolate and give back the type of the column: what
# does not fit its places is cut off, not rounded. The upper decile of 1.0, 1.1, 1.2 and 1.3 is 1.27,
# and becomes 1.2; the median of 3 and 4 as DECIMAL(5, 0) is 3. The same values as DOUBLE, and 3 and 4
# as INTEGER, give 1.05, 1.27 and 3.5, and avg() of the decimals is a DOUBLE. PyArrow 26.0.1 on the same
# Arrow array does it the other way round: its quantile is 1.05, and its mean keeps the places,
# rounded: 1.1. One would have guessed that two values in the middle are averaged, as avg() averages
# them, or that the type widens as it does for whole numbers.
#
# 0.5 and 1.05 written in SQL are decimals, too. It matters where a rate is compared with a median of
# rates of one decimal, as CMS publishes them: always a cut, never a gain. This project refuses a
# median of decimals in its SELECTs (esrd_pipeline/sql/portable.py).
#
# Exits 0 while both tools behave so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.0 pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PYTHON'
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

print("duckdb", duckdb.__version__, "pyarrow", pa.__version__)
connection = duckdb.connect()
cases = (
    ("median(x)", "DECIMAL(4, 1)", ("1.0", "1.1"), Decimal("1.05")),
    ("avg(x)", "DECIMAL(4, 1)", ("1.0", "1.1"), Decimal("1.05")),
    ("median(x)", "DOUBLE", ("1.0", "1.1"), Decimal("1.05")),
    ("quantile_cont(x, 0.9)", "DECIMAL(4, 1)", ("1.0", "1.1", "1.2", "1.3"), Decimal("1.27")),
    ("quantile_cont(x, 0.9)", "DOUBLE", ("1.0", "1.1", "1.2", "1.3"), Decimal("1.27")),
    ("median(x)", "DECIMAL(5, 0)", ("3", "4"), Decimal("3.5")),
    ("median(x)", "INTEGER", ("3", "4"), Decimal("3.5")),
)
found = []
for function, kind, texts, right in cases:
    rows = connection.execute(
        f"SELECT {function}, typeof({function}) FROM (SELECT CAST(unnest($x) AS {kind}) AS x)",
        {"x": list(texts)},
    ).fetchall()
    found.append(f"{rows[0][0]:.4g}")
    print(f"{function:<23}{kind:<15}{' '.join(texts):<17}{found[-1]:>5} {rows[0][1]:<13} exactly {right}")
array = pa.array([Decimal("1.0"), Decimal("1.1")], pa.decimal128(4, 1))
by_arrow = str(pc.quantile(array, 0.5)[0]), str(pc.mean(array))
print("pyarrow: quantile", by_arrow[0], "mean", by_arrow[1])
expected = ["1.0", "1.05", "1.05", "1.2", "1.27", "3", "3.5"]
raise SystemExit(0 if found == expected and by_arrow == ("1.05", "1.1") else 1)
PYTHON
