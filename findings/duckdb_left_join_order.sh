#!/usr/bin/env bash
# DuckDB 2.0.0: rows without a match are lost from a left join beside a cross-joined row of constants.
#
# Thirty patients, two days, one row of constants (30 days), and the deaths of two patients. Asked is
# how many pairs of patient and day have no death: 56. DuckDB counts 0 where a condition of the inner
# joins names the constant, and 56 with the optimizer "join_order" off. Its plan puts the row of
# constants on the right side of the left join: for patients without a death it is then null, and the
# condition on it, checked afterwards, drops them. One would have guessed that an optimizer changes
# the time of a query and not its rows; no error or warning is given.
#
# A list of constants that is cross-joined (WITH rule AS (SELECT 30 AS days)) is a usual way to write
# a measure's rules. This project runs its SELECTs with that optimizer off.
#
# Exits 0 while rows are lost as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import duckdb

print("duckdb", duckdb.__version__)
connection = duckdb.connect()
connection.execute(
    """
    CREATE TABLE patient AS
    SELECT
        CAST(i AS BIGINT) AS id,
        DATE '2023-01-01' + CAST(i % 3 AS INTEGER) AS since,
        DATE '2024-12-31' - CAST(i % 4 AS INTEGER) AS until
    FROM range(30) AS numbers (i);
    CREATE TABLE death AS
    SELECT CAST(id AS BIGINT) AS id, day
    FROM (VALUES (1, DATE '2024-10-05'), (2, DATE '2024-10-06')) AS deaths (id, day);
    """
)
QUERY = """
    WITH
    rule AS (SELECT 30 AS days),
    anchor AS (SELECT DATE '2024-09-26' AS day UNION ALL SELECT DATE '2023-09-28' AS day)
    SELECT count(*)
    FROM patient AS p
    CROSS JOIN rule AS r
    JOIN anchor AS a ON p.since <= a.day - r.days AND p.until >= a.day
    LEFT JOIN death AS d ON d.id = p.id
    WHERE d.day IS NULL
"""
found = []
for disabled in ("", "join_order"):
    connection.execute(f"SET disabled_optimizers = '{disabled}'")
    found.append(connection.execute(QUERY).fetchone()[0])
print("without a death, as it is:", found[0])
print("without a death, join_order off:", found[1])
raise SystemExit(0 if found == [0, 56] else 1)
PYTHON
