"""Time the SELECTs of linkage, history and cohort with DuckDB and with Spark, side by side.

    python -m esrd_pipeline_tests.benchmarks.engines --stored nation/data/warehouse [...]
    python -m esrd_pipeline_tests.benchmarks.engines --facilities 200 500 1000

Reads stored warehouses, or makes a nation of each size and stores its tables with DuckDB. Each
SELECT runs with one engine and then with the other, in one process a size, from the same stored
tables; what they make goes into a scratch folder. Prints for each table its rows, the seconds of
both, their ratio and, in megabytes, what Spark's tasks read from and wrote for each other and
spilled. The first tables bear the start of Java, as in any refresh.

With several sizes, ends with Spark's growth: of each table, the exponent of all rows read that its
seconds grow with, 1 where they are proportional. `--check` ends with an error where the rows of the
two differ in anything but the last digits of a logarithm.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from esrd_pipeline.engines.spark_engine import SparkEngine, open_spark
from esrd_pipeline.orchestration.instance import prepare_dagster_home
from esrd_pipeline.sql import list_selects, load_select
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.warehouse import PARTITION_FILE, SPILL, Warehouse
from esrd_pipeline_tests.benchmarks.nation import run, write, write_growth

YEAR = 2024
LAYERS = ("linkage", "history", "cohort")
MADE = [name for name in list_selects() if name.startswith(LAYERS)]
MEGABYTE = 1e6
_MODULE = ("-m", "esrd_pipeline_tests.benchmarks.engines")
_COUNTED = ("shuffleReadBytes", "shuffleWriteBytes", "memoryBytesSpilled")
_HEADER = (
    f"{'table':<34}{'rows':>12}{'DuckDB s':>10}{'Spark s':>10}{'ratio':>8}"
    f"{'read MB':>10}{'wrote MB':>10}{'spilled':>10}"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One SELECT with both engines: rows, seconds, and bytes of Spark's stages."""

    rows: int
    duckdb: float
    spark: float
    moved: tuple[int, ...]

    def print(self, name: str) -> None:
        """Print its line."""
        moved = "".join(f"{size / MEGABYTE:>10,.1f}" for size in self.moved)
        ratio = self.spark / self.duckdb
        seconds = f"{self.duckdb:>10.2f}{self.spark:>10.2f}{ratio:>8.1f}"
        write(f"{name:<34}{self.rows:>12,}{seconds}{moved}")


class Stages:
    """What the stages of a session moved since this was last asked."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - of pyspark, through py4j
        """See the stages of a session."""
        self._context: Any = session.sparkContext
        self._last = -1

    def take(self) -> tuple[int, ...]:
        """Return the bytes read and written between tasks, and spilled."""
        java = self._context._jsc.sc()  # noqa: SLF001 - pyspark has no public name for it
        java.listenerBus().waitUntilEmpty()
        none = self._context._gateway.new_array(self._context._jvm.double, 0)  # noqa: SLF001
        listed = java.statusStore().stageList(None, False, False, none, None)  # noqa: FBT003
        stages = [listed.apply(place) for place in range(listed.size())]
        new = [stage for stage in stages if stage.stageId() > self._last]
        self._last = max((stage.stageId() for stage in new), default=self._last)
        return tuple(sum(getattr(stage, name)() for stage in new) for name in _COUNTED)


def link(stored: Path, scratch: Path) -> None:
    """Let a warehouse in an empty folder read a stored one's files; it writes beside the links."""
    for file in sorted(stored.glob(f"*/*/performance_year=*/{PARTITION_FILE}")):
        place = scratch / file.relative_to(stored)
        place.parent.mkdir(parents=True)
        place.symlink_to(file.resolve())


def stage(warehouse: Warehouse, name: str, year: int, kept: Path) -> tuple[int, float]:
    """Run a SELECT and move its file to `kept`; return its rows and the seconds it took."""
    start = time.perf_counter()
    staged = warehouse.stage_select(
        TABLES_BY_NAME[name],
        year,
        load_select(name),
        tables=TABLES_BY_NAME,
        parameters={"is_chosen": False},
    )
    seconds = time.perf_counter() - start
    staged.path.replace(kept)
    return staged.row_count, seconds


def are_same(ours: Path, theirs: Path) -> bool:
    """Whether two files have the same rows in the same order, doubles to 12 digits."""
    one, other = (pq.ParquetFile(path).read() for path in (ours, theirs))
    return one.schema.types == other.schema.types and all(
        one[name].equals(other[name]) or are_close(one[name], other[name])
        for name in one.column_names
    )


def are_close(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Whether two columns have the same doubles, but for the last digits."""
    return (
        pa.types.is_floating(one.type)
        and one.is_null().equals(other.is_null())
        and np.allclose(one.to_numpy(), other.to_numpy(), rtol=1e-12, atol=0, equal_nan=True)
    )


def measure(stored: Path, year: int, names: Sequence[str], *, check: bool) -> dict[str, Measured]:
    """Run SELECTs with both engines over a stored warehouse; print and return what they took."""
    master = os.environ.get("ESRD_SPARK_MASTER", "local[*]")
    measured = dict[str, Measured]()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "warehouse"
        link(stored, scratch)
        stages = Stages(open_spark(master, scratch / SPILL))
        spark = Warehouse(scratch, engine=SparkEngine(master, scratch / SPILL))
        ours, theirs = Path(folder) / "duckdb", Path(folder) / "spark"
        write(_HEADER)
        for name in names:
            if not Warehouse(stored).has(TABLES_BY_NAME[name], year):
                continue
            rows, by_duckdb = stage(Warehouse(scratch), name, year, ours)
            _, by_spark = stage(spark, name, year, theirs)
            measured[name] = Measured(rows, by_duckdb, by_spark, stages.take())
            measured[name].print(name)
            if check and not are_same(ours, theirs):
                raise SystemExit(f"{name}: the engines' rows differ")
    add_up(list(measured.values())).print(f"{len(measured)} tables")
    return measured


def add_up(measured: Collection[Measured]) -> Measured:
    """Return the sums of several."""
    return Measured(
        sum(one.rows for one in measured),
        sum(one.duckdb for one in measured),
        sum(one.spark for one in measured),
        tuple(sum(sizes) for sizes in zip(*(one.moved for one in measured), strict=True)),
    )


def store_nation(folder: Path, facilities: int, year: int) -> Path:
    """Write a nation of two years and store with DuckDB what the year's SELECTs read and make."""
    nation = folder / "nation"
    environment = os.environ | {
        "ESRD_DATA_DIR": str(folder / "data"),
        "ESRD_ENGINE": "duckdb",
        "ESRD_PATIENT_DIR": str(nation),
        "ESRD_PUBLISHED_DIR": str(nation),
        "DAGSTER_HOME": str(folder / "data" / "dagster_home"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    prepare_dagster_home(folder / "data" / "dagster_home")
    esrd = ("-c", "from esrd_pipeline.cli import main; main()")
    span = ("--first-year", str(year - 1), "--last-year", str(year))
    size = ("--facilities", str(facilities), "--folder", str(nation))
    run(environment, *esrd, "synthesize", *size, *span)
    for one in (year - 1, year):
        run(environment, *_MODULE, "--refresh", "--year", str(one))
    return folder / "data" / "warehouse"


def refresh(year: int) -> None:
    """Store the raw tables of a year and what is made of them, in this process."""
    from esrd_pipeline.definitions import defs
    from esrd_pipeline.orchestration.launch import run_job

    run_job(defs, "refresh", year, tags={}, run_config={}, layers=("raw",))
    run_job(defs, "refresh", year, tags={}, run_config={}, tables=MADE)


def count_rows(stored: Path, year: int) -> int:
    """Return the rows of all tables of a year that the SELECTs read or make."""
    warehouse = Warehouse(stored)
    read = {source.table for name in MADE for source in load_select(name).sources}
    tables = [TABLES_BY_NAME[name] for name in sorted({*read, *MADE})]
    return sum(warehouse.count_rows(one, year) for one in tables if warehouse.has(one, year))


def time_stored(stored: Path, chosen: argparse.Namespace) -> tuple[int, dict[str, float]]:
    """Time a stored warehouse in a process of its own; return its rows and Spark's seconds."""
    rows = count_rows(stored, chosen.year)
    write(f"\n{rows:,} rows of {chosen.year}")
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        command = [*_MODULE, "--stored", str(stored), "--year", str(chosen.year)]
        command += ["--tables", *chosen.tables, "--result", result.name]
        run(dict(os.environ), *command, *(["--check"] if chosen.check else []))
        return rows, json.loads(Path(result.name).read_text(encoding="utf-8"))


def main() -> None:
    """Read the command line and time each size."""
    parser = argparse.ArgumentParser(description="Time the SELECTs with DuckDB and with Spark.")
    parser.add_argument("--stored", type=Path, nargs="+", default=[], help="Warehouses.")
    parser.add_argument("--facilities", type=int, nargs="+", default=[], help="Nations to make.")
    parser.add_argument("--year", type=int, default=YEAR)
    parser.add_argument("--tables", nargs="+", default=MADE, help="Only these.")
    parser.add_argument("--check", action="store_true", help="Compare the rows of both.")
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--refresh", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.refresh:
        refresh(chosen.year)
        return
    if chosen.result:
        (stored,) = chosen.stored
        measured = measure(stored, chosen.year, chosen.tables, check=chosen.check)
        seconds = {name: one.spark for name, one in measured.items()}
        chosen.result.write_text(json.dumps(seconds), encoding="utf-8")
        return
    steps = dict(time_stored(stored, chosen) for stored in chosen.stored)
    for facilities in chosen.facilities:
        with tempfile.TemporaryDirectory() as folder:
            stored = store_nation(Path(folder), facilities, chosen.year)
            steps.update([time_stored(stored, chosen)])
    if len(steps) > 1:
        write_growth(steps)


if __name__ == "__main__":
    main()
