#!/usr/bin/env bash
# DuckDB 2.0.0: the same rows in the same order, written as Parquet in one process with one thread,
# are other bytes when they come straight from an aggregate than from a table or a file.
#
# COPY (FROM (SELECT ... GROUP BY ...) ORDER BY k) writes null flags of columns without a null as
# one more run than COPY (FROM t ORDER BY k) does of the table that the aggregate made. The sort in
# between does not even it out. One would have guessed that a file's bytes follow from its rows, its
# order and its options. It matters where a digest of the file says whether a table has changed.
# In this project DuckDB sorts the rows and Arrow writes them.
#
# Exits 0 while the bytes differ as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.0 pyarrow==26.0.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import hashlib
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

print("duckdb", duckdb.__version__)
connection = duckdb.connect(config={"threads": 1})
connection.execute("CREATE TABLE visit AS SELECT range % 3 AS facility, range + 0.25 AS paid FROM range(6)")
totals = "SELECT facility, count(*) AS visits, sum(paid) AS paid FROM visit GROUP BY facility"
connection.execute(f"CREATE TABLE made AS {totals}")
digests, rows = {}, []
for name, relation in (("aggregate", f"({totals})"), ("table", "made"), ("file", "'table.parquet'")):
    connection.execute(f"COPY (FROM {relation} ORDER BY facility) TO '{name}.parquet'")
    file = pq.ParquetFile(f"{name}.parquet")
    sizes = [file.metadata.row_group(0).column(i).total_uncompressed_size for i in range(3)]
    rows.append(file.read().to_pylist())
    digests[name] = hashlib.md5(Path(f"{name}.parquet").read_bytes()).hexdigest()
    print(f"{name:<10} {digests[name][:8]}  bytes of the columns {sizes}")
same_rows = rows[0] == rows[1] == rows[2]
print("same rows in the same order:", same_rows)
differs = digests["aggregate"] != digests["table"] == digests["file"]
raise SystemExit(0 if same_rows and differs else 1)
PYTHON
