#!/usr/bin/env bash
# DuckDB 2.0.0: 90 days in a pandas frame are three months, so 1 January and 90 days are 1 April.
#
# A column of timedeltas of pandas 3.1.1 arrives as an interval whose days were made into months, thirty to
# each: 90 days become `3 months` and 365 days a year and five days. Added to dates, 90 days after each of
# the 366 days of 2024 end on the right day for the 62 where three months are 90 days, and up to two
# days late for the rest. The same durations in a table of pyarrow 26.0.1 or a frame of Polars 2.1.0, and a
# Python timedelta as a parameter, give the right day each time, as pandas does. Fetched again, the column
# is 90 days, so that looking at it shows nothing. One would have guessed that a number of days stays one, or
# one answer for each way in.
#
# The parameter had this fault, too (duckdb/duckdb#9431), and has it no more. It matters for each window
# of days that is kept in a frame beside a date: 90 days of dialysis, 30 days after a discharge. This project
# gives DuckDB whole numbers of days.
#
# Exits 0 while DuckDB behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.0 pandas==3.1.1 pyarrow==26.0.1 polars==2.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import datetime

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa

for package in (duckdb, pd, pa, pl):
    print(package.__name__, package.__version__)
ninety = datetime.timedelta(days=90)
days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=number) for number in range(366)]
in_arrow = pa.table({"day": days, "window": [ninety] * 366})
in_polars = pl.from_arrow(in_arrow)
in_pandas = pd.DataFrame({"day": pd.to_datetime(days), "window": pd.to_timedelta([90] * 366, unit="D")})
right = [day + ninety for day in days]
assert (in_pandas["day"] + in_pandas["window"]).dt.date.tolist() == right

SELECT = 'SELECT CAST(day + "window" AS DATE), CAST("window" AS VARCHAR), "window" FROM {} ORDER BY day'
PARAMETER = "SELECT CAST(day + $1 AS DATE), CAST($1 AS VARCHAR), $1 FROM in_arrow ORDER BY day"
tables = ("in_pandas", "in_arrow", "in_polars")
answers = {name: duckdb.execute(SELECT.format(name)).fetchall() for name in tables}
answers["parameter"] = duckdb.execute(PARAMETER, [ninety]).fetchall()
found = {}
for name, rows in answers.items():
    late = [(row[0] - day).days for row, day in zip(rows, right, strict=True)]
    found[name] = late.count(0), min(late), max(late)
    first, text, fetched = rows[0]
    print(f"{name:<10} window {text:<11} fetched {fetched.days} days, 1 January + window {first}", end=", ")
    print(f"right {found[name][0]} times, late by {found[name][1]} to {found[name][2]} days")
others = all(found[name] == (366, 0, 0) for name in ("in_arrow", "in_polars", "parameter"))
raise SystemExit(0 if others and found["in_pandas"] == (62, 0, 2) else 1)
PYTHON
