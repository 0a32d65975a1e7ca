#!/usr/bin/env bash
# Polars 2.1.0: two deaths after three the year before are 4,294,967,295 more.
#
# len(), count(), n_unique(), value_counts() and the sum of a condition are unsigned numbers of 32 bits,
# whose difference has no minus: 2 - 3 goes round to the largest one. So it is with n - n.shift(1), with
# two conditions counted and with len() - 3; divided by 3 it is 1.4 thousand million. diff() of the same
# is -1, and so are COUNT(*) - 3 in Polars' SQL, DuckDB 2.0.0 on the same frame, and pandas 3.1.1. One would
# have guessed -1, or an error as decimals have it ("checked"), or that n - n.shift(1) is diff().
#
# Known: pola-rs/polars#28473 would make counts signed, and was put off to 3.0. It matters wherever
# counts are compared: events with last year's, the least with the greatest, patients with a threshold.
# This project counts in DuckDB.
#
# Exits 0 while Polars behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet polars==2.1.0 duckdb==2.0.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import duckdb
import pandas as pd
import polars as pl

print("polars", pl.__version__, "duckdb", duckdb.__version__, "pandas", pd.__version__)
year = pl.col("year")
deaths = pl.DataFrame({"year": [2022, 2022, 2022, 2023, 2023]})
counts = deaths.group_by("year").agg(n=pl.len()).sort("year")
table = deaths.to_arrow()
pandas_counts = table.to_pandas().groupby("year").size()
asked = "SELECT count(*) - 3 FROM deaths_2023"
deaths_2023 = deaths.filter(year == 2023)
found = {
    "n - n.shift(1)": counts.select(pl.col("n") - pl.col("n").shift(1))["n"][-1],
    "n.diff()": counts.select(pl.col("n").diff())["n"][-1],
    "sums of two conditions": deaths.select((year == 2023).sum() - (year == 2022).sum()).item(),
    "len() - 3": deaths_2023.select(pl.len() - 3).item(),
    "(len() - 3) / 3": deaths_2023.select((pl.len() - 3) / 3).item(),
    "Polars' SQL": pl.SQLContext(deaths_2023=deaths_2023).execute(asked, eager=True).item(),
    "DuckDB": duckdb.execute(asked).fetchone()[0],
    "pandas, n - n.shift(1)": int((pandas_counts - pandas_counts.shift(1)).iloc[-1]),
}
for name, value in found.items():
    print(f"{name:<24} {value:,}")
round_ = 2**32 - 1
described = [round_, -1, round_, round_, round_ / 3, -1, -1, -1]
raise SystemExit(0 if list(found.values()) == described else 1)
PYTHON
