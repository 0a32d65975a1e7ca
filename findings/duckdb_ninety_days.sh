#!/usr/bin/env bash
# DuckDB 2.0.0: a year is 366 days, 360 days and 365.25 days, and 91 days are not more than 90.
#
# An interval keeps months apart from days. Added to 1 March 2023, one year is 1 March 2024, 366 days
# later. Compared with days, a month is 30 days: INTERVAL 1 YEAR = INTERVAL 360 DAYS is true, and Python
# gets it as a timedelta of 360 days, which ends six days early when Python adds it. Its EXTRACT(epoch) is
# 365.25 days. age() counts in months: from 1 January to 1 April 2024 are 91 days, and age() of them is not
# longer than 90 days. Of the 366 days of 2024 as a first day, 91 days are more than 90 for 62, 92 for 155,
# and 93 for all. The difference of two dates is a number, and right. One would have guessed that an
# interval has one length, or that months are not compared with days.
#
# The comparison is PostgreSQL's; the timedelta was told in duckdb/duckdb#12339, closed for its age. It
# matters for the first 90 days of dialysis and a year of follow-up. This project subtracts dates.
#
# Exits 0 while DuckDB behaves so, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import datetime

import duckdb

print("duckdb", duckdb.__version__)
beginning = datetime.date(2023, 3, 1)
year, added, equal, epoch = duckdb.execute(
    """
    SELECT INTERVAL 1 YEAR, CAST($1 + INTERVAL 1 YEAR AS DATE), INTERVAL 1 YEAR = INTERVAL 360 DAYS,
        EXTRACT(epoch FROM INTERVAL 1 YEAR) / 86400
    """,
    [beginning],
).fetchone()
print("added in DuckDB", added, "fetched", year, "added in Python", beginning + year)
print("equal to 360 days:", equal, "epoch in days:", epoch)

longer = {}
for days in (90, 91, 92, 93):
    (longer[days],) = duckdb.execute(
        """
        SELECT count(*) FILTER (age(day + $1, day) > INTERVAL 90 DAYS)
        FROM (SELECT DATE '2024-01-01' + CAST(number AS INTEGER) AS day FROM range(366) AS t (number))
        """,
        [days],
    ).fetchone()
    print(f"{days} days after each of the 366 days of 2024: more than 90 days {longer[days]} times")
april = "DATE '2024-04-01', DATE '2024-01-01'"
(later,) = duckdb.execute(f"SELECT age({april}) > INTERVAL 90 DAYS").fetchone()
apart = datetime.date(2024, 4, 1) - datetime.date(2024, 1, 1)
print("from 1 January to 1 April 2024:", apart.days, "days, by age() more than 90:", later)
lengths = (str(added), year.days, equal, epoch) == ("2024-03-01", 360, True, 365.25)
described = lengths and not later and longer == {90: 0, 91: 62, 92: 155, 93: 366}
raise SystemExit(0 if described else 1)
PYTHON
