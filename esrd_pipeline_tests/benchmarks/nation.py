"""Time each layer from raw files to all measures, scores and stars at national size.

    python -m esrd_pipeline_tests.benchmarks.nation [--facilities 7500] [--folder nation]

Writes the nation's year and the year before it with `esrd synthesize`, unless the folder has them;
then makes each layer of the year in its own process. Prints the seconds of each step, and the
seconds and peak memory of each layer, including the start of Python and Dagster.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

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


def run(environment: dict[str, str], *command: str) -> tuple[float, float]:
    """Run a command of this Python; return seconds and peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def write(line: str) -> None:
    """Print a line and flush."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def write_measure(name: str, seconds: float, peak: float) -> None:
    """Print one row of the table."""
    write(f"{name:<40}{seconds:>10.1f}{peak:>10,.0f}")


def make_layer(layers: Sequence[str], year: int) -> None:
    """Materialise the assets of some layers in this process."""
    from esrd_pipeline.definitions import defs
    from esrd_pipeline.orchestration.launch import run_job

    if "program" in layers:
        # Stars are rated against the year itself, because there is no earlier one.
        run_job(defs, "reset_star_baseline", year, tags={}, run_config={})
    run_id = run_job(defs, "refresh", year, tags={}, run_config={}, layers=layers)
    with dg.DagsterInstance.get() as instance:
        for step in instance.get_run_step_stats(run_id):
            if step.start_time and step.end_time:
                write(f"  {step.step_key:<38}{step.end_time - step.start_time:>10.1f}")


def main() -> None:
    """Read the command line and time everything."""
    parser = argparse.ArgumentParser(
        description="Time a year from raw files to every measure, score and star."
    )
    parser.add_argument("--facilities", type=int, default=7500)
    parser.add_argument("--folder", type=Path, help="Folder of the nation; written if missing.")
    parser.add_argument("--layers", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--year", type=int, default=YEAR, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.layers:
        make_layer(chosen.layers, chosen.year)
        return
    with tempfile.TemporaryDirectory() as name:
        time_nation(chosen.folder or Path(name) / "nation", Path(name), chosen.facilities)


def time_nation(nation: Path, folder: Path, facilities: int) -> None:
    """Write the nation if it is missing, then time every layer of its year."""
    environment = os.environ | {
        "ESRD_DATA_DIR": str(folder / "data"),
        "ESRD_PATIENT_DIR": str(nation.resolve()),
        # The nation's lists of granted exceptions.
        "ESRD_PUBLISHED_DIR": str(nation.resolve()),
        "DAGSTER_HOME": str(folder / "data" / "dagster_home"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    prepare_dagster_home(folder / "data" / "dagster_home")
    write(f"{'':<40}{'seconds':>10}{'peak MB':>10}")
    if not (nation / str(YEAR)).is_dir():
        span = ["--first-year", str(YEAR - 1), "--last-year", str(YEAR)]
        size = ["--facilities", str(facilities), "--folder", str(nation)]
        esrd = "from esrd_pipeline.cli import main; main()"
        taken = run(environment, "-c", esrd, "synthesize", *size, *span)
        write_measure(f"synthesize {YEAR - 1} and {YEAR}", *taken)
    module = ("-m", "esrd_pipeline_tests.benchmarks.nation")
    # The year reads these layers of the year before: raw files, linkage and stays.
    before = ["raw", "linkage", "history"]
    taken = run(environment, *module, "--layers", *before, "--year", str(YEAR - 1))
    write_measure(f"{YEAR - 1}: {', '.join(before)}", *taken)
    total, most = 0.0, 0.0
    for layers in LAYERS:
        seconds, peak = run(environment, *module, "--layers", *layers, "--year", str(YEAR))
        write_measure(f"{YEAR}: {', '.join(layers)}", seconds, peak)
        total, most = total + seconds, max(most, peak)
    write_measure(f"{YEAR}: from raw files to every measure, score and star", total, most)


if __name__ == "__main__":
    main()
