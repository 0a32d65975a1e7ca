"""Processor seconds of a refresh after one late file, beside those of a full refresh.

    python -m esrd_pipeline_tests.benchmarks.late_file [--facilities 200] [--folder nation]

Writes a synthetic nation's year. Its clinical months are first delivered without December, and the
year is refreshed; then the whole file is delivered under a later day. The year is refreshed with
`--changed`, and in full in another data folder. Prints the seconds of both, user and system, with
the start of Python, their ratio, and how many stored tables differ: none.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from esrd_pipeline_tests.benchmarks.nation import write

YEAR = 2024
NAME = "eqrs_clinical_month"
EARLY, LATE = "2025-03-15", "2025-04-20"
LIMIT = 0.25
"""Of a full refresh's processor time."""


def deliver(folder: Path, whole: Path, day: str, *, through: int) -> Path:
    """Deliver clinical months under a day, those through a month of the year; return the file."""
    months = pq.read_table(whole)
    path = folder / f"{NAME}_{YEAR}_{day}.parquet"
    is_early = pd.DatetimeIndex(months["MONTH"].to_pandas()).month <= through
    pq.write_table(months.filter(pa.array(is_early)), path)
    return path


def list_digests(warehouse: Path) -> dict[str, str]:
    """Return the digest of every stored table, by its path."""
    return {
        str(path.relative_to(warehouse)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(warehouse.rglob("data.parquet"))
    }


def run(environment: Mapping[str, str], *arguments: str) -> float:
    """Run the project's command; return its processor seconds."""
    esrd = "from esrd_pipeline.cli import main; main()"
    command = [sys.executable, "-c", esrd, *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"esrd {' '.join(arguments)} failed")
    return usage.ru_utime + usage.ru_stime


def measure(nation: Path, folder: Path, facilities: int) -> None:
    """Write the nation if it is missing, refresh it in both ways and print the table."""
    plain = {**os.environ, "DAGSTER_DISABLE_TELEMETRY": "1"}
    if not (nation / str(YEAR)).is_dir():
        span = ("--first-year", str(YEAR), "--last-year", str(YEAR))
        run(plain, "synthesize", "--facilities", str(facilities), "--folder", str(nation), *span)
    year = nation / str(YEAR)
    whole = year / f"{NAME}.parquet"
    if whole.is_file():
        # Beside dated files, one without a day is no release.
        whole = whole.rename(folder / whole.name)
    deliver(year, whole, EARLY, through=11)

    def world(name: str) -> dict[str, str]:
        return {
            **plain,
            "ESRD_DATA_DIR": str(folder / name),
            "ESRD_PATIENT_DIR": str(nation.resolve()),
            "ESRD_PUBLISHED_DIR": str(nation.resolve()),
            "DAGSTER_HOME": str(folder / name / "dagster_home"),
        }

    refresh = ("refresh", "--year", str(YEAR))
    # The first run of an installation compiles: it is not compared.
    run(world("changed"), *refresh)
    nothing = run(world("changed"), *refresh, "--changed")
    deliver(year, whole, LATE, through=12)
    late = run(world("changed"), *refresh, "--changed")
    full = run(world("full"), *refresh)
    stored = [list_digests(folder / name / "warehouse") for name in ("changed", "full")]
    names = {*stored[0], *stored[1]}
    different = [name for name in sorted(names) if stored[0].get(name) != stored[1].get(name)]
    write(f"{'refresh of ' + str(YEAR):<32}{'processor s':>12}{'ratio':>8}")
    for name, seconds in (
        ("in full", full),
        ("--changed, a late file", late),
        ("--changed, nothing changed", nothing),
    ):
        write(f"{name:<32}{seconds:>12.1f}{seconds / full:>8.2f}")
    write(f"{len(names)} tables stored, {len(different)} different from the full refresh's")
    for name in different:
        write(f"  {name}")
    if different or late > LIMIT * full:
        raise SystemExit(f"a late file may take {LIMIT} of a full refresh, with the same bytes")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description="Time a refresh after one late file.")
    parser.add_argument("--facilities", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="Folder of the nation; written if missing.")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(chosen.folder or Path(name) / "nation", Path(name), chosen.facilities)


if __name__ == "__main__":
    main()
