"""Time each layer from raw files to all measures, scores and stars at national size.

    python -m esrd_pipeline_tests.benchmarks.nation [--facilities 7500] [--folder nation]

Writes the nation's year and the year before it with `esrd synthesize`, unless the folder has them;
then makes each layer of the year in its own process. Prints the seconds of each step, and of each
layer the seconds, the processor's seconds and the peak memory, including the start of Python and
Dagster.

With several sizes, `--facilities 500 2000 7500`, ends with each step's growth from the first to the
last: the exponent of the facilities that its seconds grow with, 1 where they are proportional.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from esrd_pipeline.orchestration.instance import prepare_dagster_home

YEAR = 2024
LAYERS = (
    ("raw",),
    ("linkage",),
    ("history",),
    # Together, because a fit's expected events are stored in the cohort's layer.
    ("cohort", "fit", "facility"),
    ("program", "network", "report"),
)


MOST_GROWTH = 1.1
"""Exponent above which a step is marked: it grows faster than the nation."""

LEAST_SECONDS = 1.0
"""A step quicker than this at the largest size says nothing about growth."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one command and its children took: seconds, processor seconds, peak memory in MB."""

    seconds: float
    processor: float
    peak: float


def run(environment: Mapping[str, str], *command: str) -> Taken:
    """Run a command of this Python; return what it took."""
    return take([sys.executable, *command], env=environment)


def take(command: Sequence[str], **options: Any) -> Taken:  # noqa: ANN401 - of subprocess.Popen
    """Run a command to its end; return what it took.

    Raises:
        SystemExit: it failed.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, **options)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Taken(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def write(line: str) -> None:
    """Print a line and flush."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def write_measure(name: str, taken: Taken) -> None:
    """Print one row of the table."""
    write(f"{name:<52}{taken.seconds:>10.1f}{taken.processor:>10.1f}{taken.peak:>10,.0f}")


def make_layer(layers: Sequence[str], year: int, steps: Path) -> None:
    """Materialise the assets of some layers in this process; add each step's seconds to a file."""
    from esrd_pipeline.definitions import defs
    from esrd_pipeline.orchestration.launch import run_job

    if "program" in layers:
        # Stars are rated against the year itself, because there is no earlier one.
        run_job(defs, "reset_star_baseline", year, tags={}, run_config={})
    run_id = run_job(defs, "refresh", year, tags={}, run_config={}, layers=layers)
    with dg.DagsterInstance.get() as instance:
        taken = {
            step.step_key: step.end_time - step.start_time
            for step in instance.get_run_step_stats(run_id)
            if step.start_time and step.end_time
        }
    for step, seconds in taken.items():
        write(f"  {step:<50}{seconds:>10.1f}")
    before = json.loads(steps.read_text(encoding="utf-8")) if steps.exists() else {}
    steps.write_text(json.dumps(before | taken), encoding="utf-8")


def main() -> None:
    """Read the command line and time everything."""
    parser = argparse.ArgumentParser(
        description="Time a year from raw files to every measure, score and star."
    )
    parser.add_argument("--facilities", type=int, nargs="+", default=[7500])
    parser.add_argument("--folder", type=Path, help="Folder of the nation; written if missing.")
    parser.add_argument("--layers", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--year", type=int, default=YEAR, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.layers:
        make_layer(chosen.layers, chosen.year, chosen.steps)
        return
    if chosen.folder and len(chosen.facilities) > 1:
        parser.error("--folder is of one size")
    steps: dict[int, dict[str, float]] = {}
    for facilities in chosen.facilities:
        with tempfile.TemporaryDirectory() as name:
            nation = chosen.folder or Path(name) / "nation"
            steps[facilities] = time_nation(nation, Path(name), facilities)
    if len(steps) > 1:
        write_growth(steps)


def write_growth(steps: Mapping[int, Mapping[str, float]]) -> None:
    """Print each step's seconds at each size, and the exponent from the first size to the last."""
    sizes = sorted(steps)
    first, last = sizes[0], sizes[-1]
    write(f"\n{'step':<40}" + "".join(f"{size:>10,}" for size in sizes) + f"{'exponent':>10}")
    for step, most in sorted(steps[last].items(), key=lambda item: -item[1]):
        least = steps[first].get(step)
        if most < LEAST_SECONDS or not least:
            continue
        exponent = math.log(most / least) / math.log(last / first)
        seconds = "".join(f"{steps[size].get(step, math.nan):>10.1f}" for size in sizes)
        mark = "  *" if exponent > MOST_GROWTH else ""
        write(f"{step:<40}{seconds}{exponent:>10.2f}{mark}")


def time_nation(nation: Path, folder: Path, facilities: int) -> dict[str, float]:
    """Write the nation if it is missing, time every layer of its year; return steps' seconds."""
    environment = os.environ | {
        "ESRD_DATA_DIR": str(folder / "data"),
        "ESRD_PATIENT_DIR": str(nation.resolve()),
        # The nation's lists of granted exceptions.
        "ESRD_PUBLISHED_DIR": str(nation.resolve()),
        "DAGSTER_HOME": str(folder / "data" / "dagster_home"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    prepare_dagster_home(folder / "data" / "dagster_home")
    write(f"{f'{facilities:,} facilities':<52}{'seconds':>10}{'processor':>10}{'peak MB':>10}")
    if not (nation / str(YEAR)).is_dir():
        span = ["--first-year", str(YEAR - 1), "--last-year", str(YEAR)]
        size = ["--facilities", str(facilities), "--folder", str(nation)]
        esrd = "from esrd_pipeline.cli import main; main()"
        taken = run(environment, "-c", esrd, "synthesize", *size, *span)
        write_measure(f"synthesize {YEAR - 1} and {YEAR}", taken)
    earlier, steps = folder / "earlier.json", folder / "steps.json"
    module = ("-m", "esrd_pipeline_tests.benchmarks.nation", "--steps")
    # The year reads these layers of the year before: raw files, linkage and stays.
    before = ["raw", "linkage", "history"]
    earlier_year = ("--year", str(YEAR - 1))
    taken = run(environment, *module, str(earlier), "--layers", *before, *earlier_year)
    write_measure(f"{YEAR - 1}: {', '.join(before)}", taken)
    layers_taken = list[Taken]()
    for layers in LAYERS:
        year = ("--year", str(YEAR))
        taken = run(environment, *module, str(steps), "--layers", *layers, *year)
        write_measure(f"{YEAR}: {', '.join(layers)}", taken)
        layers_taken.append(taken)
    whole = Taken(
        sum(one.seconds for one in layers_taken),
        sum(one.processor for one in layers_taken),
        max(one.peak for one in layers_taken),
    )
    write_measure(f"{YEAR}: from raw files to every measure, score and star", whole)
    return json.loads(steps.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
