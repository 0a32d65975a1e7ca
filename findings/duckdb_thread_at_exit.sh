#!/usr/bin/env bash
# DuckDB 2.0.0 (Python): a program that ends well prints some forty lines about leaks on stderr.
#
# It does where a daemon thread still holds a connection when Python ends: "nanobind: leaked 28
# instances!", leaked types, functions, "likely caused by a reference counting issue in the binding
# code". The exit code is 0 and nothing is lost. With DuckDB 1.4, whose binding was another, the same
# program prints nothing. One would have guessed silence: Python itself lets daemon threads be, and the
# report reads as if the run had failed. It matters where a thread waits to interrupt queries, as
# this project's does: it is ended before Python is.
#
# Exits 0 while it is as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/program.py" <<'PYTHON'
import threading

import duckdb


def wait(connection: duckdb.DuckDBPyConnection, asked: threading.Event) -> None:
    asked.wait()
    connection.interrupt()


connection = duckdb.connect()
asked = threading.Event()
threading.Thread(target=wait, args=(connection, asked), daemon=True).start()
print("duckdb", duckdb.__version__, connection.execute("SELECT 1").fetchall())
PYTHON
found=""
for version in 1.4.1 2.0.0; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet "duckdb==$version"
  "$folder/$version/bin/python" "$folder/program.py" 2> "$folder/said"
  lines=$(wc -l < "$folder/said")
  echo "exit code 0, lines on stderr: $lines $(head -1 "$folder/said")"
  found="$found $(grep -c '^nanobind: leaked .* instances' "$folder/said" || true)"
done
[ "$found" = " 0 1" ]
