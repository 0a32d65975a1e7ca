#!/usr/bin/env bash
# DuckDB 2.0.0: two functions that count completed years disagree about people born on 29 February.
#
# Born 1960-02-29, on 2023-02-28: date_sub('year', ...) gives 63, age(...) gives 62 years. On
# 1 March both give 63. One would have guessed one answer for "completed years" within one engine.
# It matters where an age decides: 18 and older, an age class, an age in a regression. The rule of
# this project (a birthday on 29 February is kept on 1 March of common years) is that of age().
#
# Exits 0 while the two disagree as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import duckdb

print("duckdb", duckdb.__version__)
rows = duckdb.sql(
    """
    SELECT
        CAST(day AS VARCHAR),
        date_sub('year', DATE '1960-02-29', day),
        date_part('year', age(day, DATE '1960-02-29'))
    FROM (VALUES (DATE '2023-02-28'), (DATE '2023-03-01'), (DATE '2024-02-29')) AS days (day)
    """
).fetchall()
print("day         date_sub  age")
for day, by_date_sub, by_age in rows:
    print(f"{day}  {by_date_sub:>8}  {by_age:>3}")
expected = [("2023-02-28", 63, 62), ("2023-03-01", 63, 63), ("2024-02-29", 64, 64)]
raise SystemExit(0 if rows == expected else 1)
PYTHON
