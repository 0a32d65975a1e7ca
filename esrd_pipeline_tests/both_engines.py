"""Compute a nation's years on DuckDB and on Spark, and compare every stored value.

    python -m esrd_pipeline_tests.both_engines [--facilities 100] [--first-year 2024]

Raw files are written once, and `esrd backfill` makes everything of them with each engine, from the
raw tables to the reports, in a data folder of its own. Prints a line for each layer, and one for
each column in which a value differs: how many, and the largest relative difference. Exits 1 if a
value differs that is no number, or a number by more than 1e-12 of it. Spark's settings are those of
SPARK_CONF_DIR where it is set.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from esrd_pipeline.warehouse import PARTITION_FILE

SMALLEST = 1e-12
"""Largest relative difference of two numbers that are sums of the same, in another order."""
ENGINES: Mapping[str, Mapping[str, str]] = {
    "duckdb": {"ESRD_ENGINE": "duckdb"},
    "spark": {"ESRD_ENGINE": "spark", "ESRD_SPARK_MASTER": "local[2]"},
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A column in which values differ; `largest` is relative, and infinite where one is no number.

    `count` is in cells; `column` is empty where the tables have other columns or numbers of rows.
    """

    column: str
    count: int
    largest: float

    @property
    def is_harmless(self) -> bool:
        """Whether another order of summing can be the reason."""
        return self.largest <= SMALLEST


@dataclass(frozen=True, slots=True)
class Compared:
    """A partition of both warehouses: its path in them, its size, and the columns that differ."""

    path: str
    rows: int
    cells: int
    differences: tuple[Difference, ...]

    @property
    def layer(self) -> str:
        """The layer, which is the first folder."""
        return self.path.partition("/")[0]


def compare_warehouses(ours: Path, theirs: Path) -> Iterator[Compared]:
    """Yield every partition that either warehouse has, in the order of their paths."""
    ours_there, theirs_there = (
        {str(path.relative_to(root)) for path in root.rglob(PARTITION_FILE)}
        for root in (ours, theirs)
    )
    for path in sorted(ours_there | theirs_there):
        if path in ours_there and path in theirs_there:
            tables = (pq.read_table(root / path, partitioning=None) for root in (ours, theirs))
            yield compare_tables(path, *tables)
        else:
            yield Compared(path, 0, 0, (Difference("", 0, np.inf),))


def compare_tables(path: str, ours: pa.Table, theirs: pa.Table) -> Compared:
    """Compare two tables cell by cell, whose rows are in the order of one key.

    Whether a file says of a column without nulls that it may have some is the engine's affair.
    """
    size = (ours.num_rows, ours.num_rows * ours.num_columns)
    columns, others = (
        [(field.name, field.type) for field in side.schema] for side in (ours, theirs)
    )
    if ours.num_rows != theirs.num_rows or columns != others:
        return Compared(
            path, *size, (Difference("", abs(ours.num_rows - theirs.num_rows), np.inf),)
        )
    found = (
        compare_columns(name, ours[name].combine_chunks(), theirs[name].combine_chunks())
        for name in ours.column_names
    )
    return Compared(path, *size, tuple(one for one in found if one is not None))


def compare_columns(name: str, ours: pa.Array, theirs: pa.Array) -> Difference | None:
    """Compare two columns of one type and length; null is equal to null alone, NaN to NaN."""
    if ours.equals(theirs):
        return None
    if not pa.types.is_floating(ours.type):
        pairs = zip(ours.to_pylist(), theirs.to_pylist(), strict=True)
        return Difference(name, sum(one != other for one, other in pairs), np.inf)
    one, other = (side.to_numpy(zero_copy_only=False) for side in (ours, theirs))
    both_null = pc.and_(ours.is_null(), theirs.is_null())
    are_null = [side.is_null().to_numpy(zero_copy_only=False) for side in (ours, theirs)]
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    same = np.where(are_null[0] | are_null[1], both_null.to_numpy(zero_copy_only=False), same)
    if same.all():
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.abs(one - other) / np.maximum(np.abs(one), np.abs(other))
    # A number beside a null, a NaN or infinity is no rounding.
    relative = np.where(np.isfinite(relative), relative, np.inf)
    return Difference(name, int((~same).sum()), float(relative[~same].max()))


def print_comparison(compared: list[Compared]) -> bool:
    """Print the table; return whether every difference is harmless."""
    line = "{:<12}{:>7}{:>14}{:>15}{:>11}"
    click.echo(line.format("layer", "files", "rows", "cells", "differing"))
    layers = [(name, list(of)) for name, of in groupby(compared, lambda one: one.layer)]
    for name, of in (*layers, ("all", compared)):
        differing = sum(one.count for table in of for one in table.differences)
        rows, cells = sum(one.rows for one in of), sum(one.cells for one in of)
        click.echo(line.format(name, len(of), f"{rows:,}", f"{cells:,}", f"{differing:,}"))
    differing = [(table, one) for table in compared for one in table.differences]
    if differing:
        click.echo(f"\n{'differing':<88}{'cells':>9}{'largest, relative':>19}")
    for table, one in differing:
        place = f"{table.path.removesuffix(f'/{PARTITION_FILE}')} {one.column or '(rows, columns)'}"
        click.echo(f"{place:<88}{one.count:>9,}{one.largest:>19.1e}")
    return all(one.is_harmless for _, one in differing)


def compute(engine: str, folder: Path, years: tuple[int, int]) -> Path:
    """Make the years from raw files with an engine; return the warehouse and tell the seconds."""
    data, raw = folder / engine, folder / "raw"
    environment = {
        **os.environ,
        **ENGINES[engine],
        "ESRD_DATA_DIR": str(data),
        "ESRD_PATIENT_DIR": str(raw),
        "ESRD_PUBLISHED_DIR": str(raw),
        "DAGSTER_HOME": str(data / "dagster_home"),
        "PYTHONWARNINGS": "ignore",
    }
    began = time.monotonic()
    first, last = map(str, years)
    run_esrd(environment, "backfill", "--from", first, "--to", last, "--star-baseline", "reset")
    click.echo(f"{engine}: {time.monotonic() - began:.0f} s")
    return data / "warehouse"


def run_esrd(environment: Mapping[str, str], *arguments: str) -> None:
    """Run the project's command; its own words are shown if it fails."""
    esrd = Path(sys.executable).with_name("esrd")
    ran = subprocess.run(
        [str(esrd), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise SystemExit(f"esrd {' '.join(arguments)} failed\n{ran.stdout}\n{ran.stderr}")


def main() -> None:
    """Write a nation, compute it twice and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facilities", type=int, default=100)
    parser.add_argument("--first-year", type=int, default=2024)
    parser.add_argument("--last-year", type=int, default=2025)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="empty folder that keeps what is made")
    options = parser.parse_args()
    years = (options.first_year, options.last_year)
    with tempfile.TemporaryDirectory(prefix="esrd-engines-") as scratch:
        folder = options.folder or Path(scratch)
        size = ("--facilities", str(options.facilities), "--seed", str(options.seed))
        span = ("--first-year", str(years[0]), "--last-year", str(years[1]))
        run_esrd(os.environ, "synthesize", *size, *span, "--folder", str(folder / "raw"))
        warehouses = (compute(engine, folder, years) for engine in ENGINES)
        is_same = print_comparison(list(compare_warehouses(*warehouses)))
    raise SystemExit(0 if is_same else 1)


if __name__ == "__main__":
    main()
