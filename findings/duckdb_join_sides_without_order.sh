#!/usr/bin/env bash
# DuckDB 2.0.0: with the optimizer "join_order" off, a left join holds its larger side in memory.
#
# A million days of patients are joined to the deaths of a thousand, as a CTE that is read twice. By
# default the plan is a left join that holds the thousand. With SET disabled_optimizers = 'join_order',
# which one would guess leaves joins as they are written, it is a right join that holds the million:
# estimates of rows come from that optimizer, and the one that chooses the sides of a join
# (build_side_probe_side) goes on choosing without them. With both off the join is as written. Rows
# are the same; of 11 million the memory was twice as much.
#
# Exits 0 while the sides are as described, 1 when that changes.
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
    CREATE TABLE day AS SELECT range // 10 AS patient, range % 10 AS day FROM range(1000000);
    CREATE TABLE death AS SELECT range * 100 AS patient FROM range(1000);
    """
)
QUERY = """
    WITH
    at_risk AS (SELECT * FROM day),
    dead AS (SELECT patient, count(*) AS deaths FROM death GROUP BY patient)
    SELECT a.*, d.deaths
    FROM at_risk AS a
    LEFT JOIN dead AS d ON d.patient = a.patient
    WHERE (SELECT count(*) FROM at_risk) > 0
"""
found = []
for disabled in ("", "join_order", "join_order, build_side_probe_side"):
    connection.execute(f"SET disabled_optimizers = '{disabled}'")
    ((_, plan),) = connection.execute(f"EXPLAIN {QUERY}").fetchall()
    found.append("right" if "Join Type: RIGHT" in plan else "left")
    print(f"disabled: {disabled or 'nothing'}: a {found[-1]} join")
raise SystemExit(0 if found == ["left", "right", "left"] else 1)
PYTHON
