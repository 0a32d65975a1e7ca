#!/usr/bin/env bash
# DuckDB 2.0.0: what 2.5 is as an integer depends on how the 2.5 is stored.
#
# CAST to INTEGER gives 2 from a DOUBLE or FLOAT (halves to even) and 3 from a DECIMAL or a text
# (halves away from zero); round() gives 3 from each of the numbers. One would have guessed one rule
# for halves within one engine, and the same integer from '2.5' read directly or as a DOUBLE first.
# It matters where a score is cut to whole points: the same column from CSV and from Parquet differ.
# This project rounds scores as exact fractions, outside the database.
#
# Exits 0 while the casts differ as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import duckdb

print("duckdb", duckdb.__version__)
numbers = ("0.5", "1.5", "2.5", "-2.5")
print(f"{'':<10}{'DOUBLE':>8}{'FLOAT':>8}{'DECIMAL':>8}{'text':>8}{'round(DOUBLE)':>15}")
found = {}
for number in numbers:
    found[number] = duckdb.execute(
        """
        SELECT
            CAST(CAST($n AS DOUBLE) AS INTEGER),
            CAST(CAST($n AS FLOAT) AS INTEGER),
            CAST(CAST($n AS DECIMAL(4, 1)) AS INTEGER),
            CAST($n AS INTEGER),
            CAST(round(CAST($n AS DOUBLE)) AS INTEGER)
        """,
        {"n": number},
    ).fetchone()
    double, single, decimal, text, rounded = found[number]
    print(f"{number:<10}{double:>8}{single:>8}{decimal:>8}{text:>8}{rounded:>15}")
expected = {
    "0.5": (0, 0, 1, 1, 1),
    "1.5": (2, 2, 2, 2, 2),
    "2.5": (2, 2, 3, 3, 3),
    "-2.5": (-2, -2, -3, -3, -3),
}
raise SystemExit(0 if found == expected else 1)
PYTHON
