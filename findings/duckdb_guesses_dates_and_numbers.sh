#!/usr/bin/env bash
# DuckDB 2.0.0: a four-digit year matches two digits, and a fraction becomes a whole number.
#
# CCW's claim files (RIF) write days as 05-JAN-2024. Read with '%d-%b-%Y', a file that a spreadsheet
# saved again as 05-JAN-24 gives the year 24 from try_strptime, without a null and without an error,
# where Python's datetime.strptime with the same format refuses the text. TRY_CAST of the text 1.6
# to BIGINT gives 2, where Python's int refuses it, so that beneficiary 1.6 would be beneficiary 2.
# One would have guessed null in both cases, as for any text that does not fit. This project matches
# the text before it is converted.
#
# Exits 0 while DuckDB behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.0
"$folder/venv/bin/python" - <<'PYTHON'
from datetime import datetime

import duckdb


def in_python(read, text):
    try:
        return read(text)
    except ValueError:
        return "refused"


print("duckdb", duckdb.__version__)
((day, number, wrong),) = duckdb.sql(
    """
    SELECT
        CAST(year(try_strptime('05-JAN-24', '%d-%b-%Y')) AS INTEGER),
        TRY_CAST('1.6' AS BIGINT),
        try_strptime('05-XXX-2024', '%d-%b-%Y')
    """
).fetchall()
python = (
    in_python(lambda text: datetime.strptime(text, "%d-%b-%Y"), "05-JAN-24"),
    in_python(int, "1.6"),
)
print("text         DuckDB  Python")
print(f"05-JAN-24    {day}      {python[0]}")
print(f"1.6          {number}       {python[1]}")
print(f"05-XXX-2024  {wrong}")
raise SystemExit(0 if (day, number, wrong, *python) == (24, 2, None, "refused", "refused") else 1)
PYTHON
