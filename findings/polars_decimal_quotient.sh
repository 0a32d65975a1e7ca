#!/usr/bin/env bash
# Polars 2.1.0: 7 divided by 8 is 1 as decimals in an expression, and 0.875 in Polars' own SQL.
#
# A quotient and a product keep the places of the operand that has more of them, and are rounded to
# them: Decimal("7") / Decimal("8") is 1, a third is 0, and 1.05 times 1.05 is 1.10. The same columns as
# integers give 0.875, as DuckDB 2.0.0 and pyarrow 26.0.1 do on the same Arrow table of decimals, whose
# product is 1.1025. Polars' SQLContext has 0.875000 and 1.1025, too. The form of a literal decides as
# well: d / 8 is 1, d / 8.0 is 0.875. One would have guessed that `/` has a fraction, as it has of two
# integers, and that an expression and the same words in Polars' SQL are one number.
#
# Fixed places are a decision of Polars (pola-rs/polars#24542); #29461 tells of rows lost by it.
# It matters where counts are NUMBER(9, 0) in a database, which arrive as decimals without places: every
# ratio of events to expected events would be a whole number. This project has ratios of doubles.
#
# Exits 0 while Polars behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet polars==2.1.0 duckdb==2.0.0 pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PYTHON'
from decimal import Decimal

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

print("polars", pl.__version__, "duckdb", duckdb.__version__, "pyarrow", pa.__version__)
kinds = {"d": pa.decimal128(9, 0), "e": pa.decimal128(9, 0), "f": pa.decimal128(9, 2)}
values = {"d": [Decimal(7), Decimal(1)], "e": [Decimal(8), Decimal(3)], "f": [Decimal("1.05")] * 2}
arrow_table = pa.table({name: pa.array(values[name], kind) for name, kind in kinds.items()})
frame = pl.from_arrow(arrow_table)
integers = frame.select(pl.col("d", "e").cast(pl.Int64))

quotients = {
    "polars": frame.select(pl.col("d") / pl.col("e")),
    "polars, d / 8": frame.select(pl.col("d") / 8),
    "polars, d / 8.0": frame.select(pl.col("d") / 8.0),
    "polars, integers": integers.select(pl.col("d") / pl.col("e")),
    "polars, SQL": pl.SQLContext(t=frame).execute("SELECT d / e FROM t", eager=True),
    "duckdb": duckdb.sql("SELECT d / e FROM arrow_table").arrow().read_all(),
    "pyarrow": pa.table({"q": pc.divide(arrow_table["d"], arrow_table["e"])}),
}
products = {
    "polars": frame.select(pl.col("f") * pl.col("f")),
    "polars, SQL": pl.SQLContext(t=frame).execute("SELECT f * f FROM t", eager=True),
    "duckdb": duckdb.sql("SELECT f * f FROM arrow_table").arrow().read_all(),
    "pyarrow": pa.table({"p": pc.multiply(arrow_table["f"], arrow_table["f"])}),
}
found = {}
for title, results in (("7 / 8 and 1 / 3", quotients), ("1.05 * 1.05", products)):
    print(title)
    for name, result in results.items():
        column = result.column(0) if isinstance(result, pa.Table) else result.to_series()
        rows = column.to_pylist() if isinstance(result, pa.Table) else column.to_list()
        kind = column.type if isinstance(result, pa.Table) else column.dtype
        found[title, name] = [round(float(value), 6) for value in rows]
        print(f"  {name:<17} {', '.join(map(str, rows)):<32} {kind}")

ratio, product = "7 / 8 and 1 / 3", "1.05 * 1.05"
whole = found[ratio, "polars"] == [1, 0] and found[ratio, "polars, d / 8"] == [1, 0]
others = ("polars, integers", "polars, SQL", "duckdb", "pyarrow")
exact = all(found[ratio, name] == [0.875, 0.333333] for name in others)
places = found[product, "polars"] == [1.1, 1.1]
full = all(found[product, name] == [1.1025, 1.1025] for name in ("polars, SQL", "duckdb", "pyarrow"))
raise SystemExit(0 if whole and exact and places and full else 1)
PYTHON
