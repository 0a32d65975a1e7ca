#!/usr/bin/env bash
# DuckDB 2.0.0 with PyArrow 26.0.1: an error in a query's later rows is duckdb.ConversionException
# where rows are fetched, and a bare OSError where the same relation is read as a stream of Arrow.
#
# to_arrow_reader() gives the first batches before the rest is computed. What fails then passes
# through Arrow's C stream, which has a number and a text: the class is lost, also that of an
# interrupted query and of one without memory. A sort above the same query computes all rows first,
# and its error is DuckDB's again. One would have guessed that `except duckdb.Error` sees the errors
# of DuckDB however its rows are read; a program that asks again after OSError would ask in vain.
# This project makes DuckDB's errors of them by the first words of the text.
#
# Exits 0 while the classes are as described, 1 when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.0 pyarrow==26.0.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import duckdb
import pyarrow

print("duckdb", duckdb.__version__, "pyarrow", pyarrow.__version__)
connection = duckdb.connect(config={"threads": 1})
connection.execute(
    "CREATE TABLE line AS SELECT range AS number,"
    " CASE WHEN range = 2900000 THEN 'none' ELSE '1' END AS units FROM range(3000000)"
)
query = "SELECT number, CAST(units AS BIGINT) AS units FROM line"
read = 0


def stream(sql: str) -> None:
    global read
    read = 0
    for batch in connection.sql(sql).to_arrow_reader(100_000):
        read += batch.num_rows


found = {}
for name, run in {
    "fetched": lambda: connection.sql(query).fetchall(),
    "streamed": lambda: stream(query),
    "sorted and streamed": lambda: stream(f"{query} ORDER BY number"),
}.items():
    try:
        run()
        found[name] = "no error"
    except Exception as error:
        kind = type(error)
        found[name] = f"{kind.__name__}, a duckdb.Error: {isinstance(error, duckdb.Error)}"
    print(f"{name:<20} {found[name]:<50} rows read before it: {read:,}")
expected = {
    "fetched": "ConversionException, a duckdb.Error: True",
    "streamed": "OSError, a duckdb.Error: False",
    "sorted and streamed": "ConversionException, a duckdb.Error: True",
}
raise SystemExit(0 if found == expected else 1)
PYTHON
