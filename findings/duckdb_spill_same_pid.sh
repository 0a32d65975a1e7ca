#!/usr/bin/env bash
# DuckDB 2.0.0: two processes with one process number, as two containers have, spill into one folder
# and read each other's blocks: a crash or "Corrupt temporary file".
#
# DuckDB names what it spills by the number of its process (duckdb_temp_1_0_storage_DEFAULT-0.tmp).
# Processes of one machine have different numbers and may share a folder. In a container the number is
# most often 1, so that two containers which mount one folder write the same files. Beside them lies
# duckdb_temp_1_0_owner, which one would have guessed keeps the second process out; it does not. A
# folder for each process helps. It matters where steps of this project run in pods that mount one
# warehouse.
#
# Needs `unshare` and the right to make namespaces of process numbers. Exits 0 while it is as described
# (in one of three trials), 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/program.py" <<'PYTHON'
import sys

import duckdb

connection = duckdb.connect()
connection.execute("SET memory_limit = '40MB'")
connection.execute("SET threads = 1")
connection.execute(f"SET temp_directory = '{sys.argv[1]}'")
for _ in range(3):
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE t AS SELECT md5(i::TEXT) AS m FROM range(700000) a(i) ORDER BY m"
    )
    connection.execute("SELECT count(*), bit_xor(hash(m)) FROM t").fetchall()
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "duckdb==2.0.0"
run() {
  mkdir -p "$folder/$1"
  unshare --pid --fork "$folder/venv/bin/python" "$folder/program.py" "$folder/$1" > /dev/null 2>> "$folder/said"
}
run first && run second && echo "one after the other: both end well"
failed=0
for trial in 1 2 3; do
  rm -rf "$folder/shared"
  run shared & one=$!
  run shared & other=$!
  wait "$one" || failed=$((failed + 1))
  wait "$other" || failed=$((failed + 1))
done
echo "at once, with one number, in one folder: $failed of 6 failed"
grep -h "Error" "$folder/said" | sort | uniq -c || true
[ "$failed" -gt 0 ]
