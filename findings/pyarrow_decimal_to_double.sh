#!/usr/bin/env bash
# pyarrow 26.0.1: a decimal becomes a double that is not the nearest one; in DuckDB 2.0.0 it is.
#
# The decimal 10.200 becomes 10.200000000000001 by pyarrow's cast, and 10.2 by Python's float() and
# by DuckDB's CAST on the same Arrow array. Of the 100,000 decimals 0.000 to 99.999, 13,328 differ
# in the last bit: pyarrow multiplies 10200 by 0.001, which has no exact double, where a division by
# 1000 would be right. One would have guessed that the same column is the same number whichever of
# two tools that share Arrow's memory reads it. It matters where stored bytes are compared: this
# project lets the engine cast, and never pyarrow.
#
# Exits 0 while the two disagree as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyarrow==26.0.1 duckdb==2.0.0
"$folder/venv/bin/python" - <<'PYTHON'
from decimal import Decimal

import duckdb
import pyarrow as pa

print("pyarrow", pa.__version__, "duckdb", duckdb.__version__)
values = [Decimal(thousandths).scaleb(-3) for thousandths in range(100_000)]
table_of_decimals = pa.table({"d": pa.array(values, pa.decimal128(15, 3))})
nearest = [float(value) for value in values]
by_pyarrow = table_of_decimals["d"].cast(pa.float64()).to_pylist()
by_duckdb = [row[0] for row in duckdb.sql("SELECT CAST(d AS DOUBLE) FROM table_of_decimals").fetchall()]


def count(doubles):
    return sum(a != b for a, b in zip(doubles, nearest, strict=True))


print("10.200 by pyarrow", by_pyarrow[10_200], "by duckdb", by_duckdb[10_200])
print("not the nearest of 100,000: pyarrow", count(by_pyarrow), "duckdb", count(by_duckdb))
as_described = (by_pyarrow[10_200], by_duckdb[10_200]) == (10.200000000000001, 10.2)
raise SystemExit(0 if as_described and count(by_pyarrow) and not count(by_duckdb) else 1)
PYTHON
