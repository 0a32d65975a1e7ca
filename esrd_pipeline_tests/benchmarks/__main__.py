"""Time the stages of a refresh and the model families at national size, in fresh processes.

    python -m esrd_pipeline_tests.benchmarks [--facilities 7500] [--libraries] [--models]

Prints two tables. The first has stage, input rows, seconds of the computation (without imports and
reading) and peak memory of the process; its last line times `esrd refresh` from start to exit. The
second has the model families (`models.py`), with `--libraries` compared with R and statsmodels.
`--models` prints only the second.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from esrd_pipeline.tables import facility, measured, program, raw
from esrd_pipeline.warehouse import Warehouse

YEAR = 2025
FEW = 200
"""Facilities of the small site that a large one is compared with."""
Stage = Callable[[Warehouse, Path], tuple[int, float]]
"""Runs one stage and returns its input rows and seconds."""


def timed(rows: int, call: Callable[[], object]) -> tuple[int, float]:
    """Run once and time it."""
    start = time.perf_counter()
    call()
    return rows, time.perf_counter() - start


def read_dfc(_: Warehouse, published: Path) -> tuple[int, float]:
    """Read the DFC facility file."""
    from esrd_pipeline.sources.dfc_facility import read_dfc_facility

    (path,) = (published / str(YEAR)).glob("DFC_FACILITY*.csv")
    rows = len(path.read_bytes().splitlines()) - 1
    return timed(rows, lambda: read_dfc_facility(path, YEAR))


def read_qip(_: Warehouse, published: Path) -> tuple[int, float]:
    """Read the Complete QIP file."""
    from esrd_pipeline.sources.qip_complete import read_qip_complete

    (path,) = (published / str(YEAR)).glob("QIP_COMPLETE*.csv")
    rows = len(path.read_bytes().splitlines()) - 1
    return timed(rows, lambda: read_qip_complete(path, YEAR))


def write_published(_: Warehouse, published: Path) -> tuple[int, float]:
    """Write the published files of a synthetic year; its rows are facilities."""
    from esrd_pipeline.synthetic.published import write_published_files

    folder = published.with_name("written")
    folder.mkdir()
    (path,) = (published / str(YEAR)).glob("DFC_FACILITY*.csv")
    count = len(path.read_bytes().splitlines()) - 1
    return timed(
        count,
        lambda: write_published_files(folder, performance_year=YEAR, facility_count=count),
    )


def publish(warehouse: Warehouse, _: Path) -> tuple[int, float]:
    """Convert the files to the facility contract."""
    from esrd_pipeline.families.published import publish_contract

    frames = {
        "dfc": warehouse.read(raw.DFC_FACILITY, YEAR),
        "qip": warehouse.read(raw.QIP_COMPLETE, YEAR),
        "ich_cahps": warehouse.read(raw.ICH_CAHPS_FACILITY, YEAR),
        "national": warehouse.read(facility.LEVEL, YEAR),
    }
    return timed(len(frames["dfc"]), lambda: publish_contract(performance_year=YEAR, **frames))


def contract(warehouse: Warehouse, name: str, year: int = YEAR) -> pd.DataFrame:
    """Return the contract's rows of one program."""
    return warehouse.read(facility.PUBLISHED, year, where={"program": name})


def flag(warehouse: Warehouse, _: Path) -> tuple[int, float]:
    """Flag every facility and measure."""
    from esrd_pipeline.program.flags import flag_facilities

    rows = contract(warehouse, "dfc")
    national = warehouse.read(facility.LEVEL, YEAR)
    results = warehouse.read(facility.PUBLISHED_RESULT, YEAR)
    return timed(
        len(rows),
        lambda: flag_facilities(
            performance_year=YEAR, facilities=rows, national=national, published_results=results
        ),
    )


def score_qip(warehouse: Warehouse, _: Path) -> tuple[int, float]:
    """Score measures, domains and TPS."""
    from esrd_pipeline.program.qip_domains import score_domains
    from esrd_pipeline.program.qip_rules import load_rules
    from esrd_pipeline.program.qip_scores import score_measures
    from esrd_pipeline.program.qip_tps import score_tps

    rules = load_rules(YEAR + 2)
    inputs = {
        "current": contract(warehouse, "qip"),
        "improvement": warehouse.read(facility.PUBLISHED_IMPROVEMENT, YEAR),
        "earlier": contract(warehouse, "qip", YEAR - 1),
        "standards": warehouse.read(program.QIP_STANDARD, YEAR),
        "directory": warehouse.read(facility.DIRECTORY, YEAR),
        "ece_grants": warehouse.read(raw.ECE_GRANT, YEAR),
        "published_results": warehouse.read(facility.PUBLISHED_RESULT, YEAR),
    }

    def score() -> None:
        measures = score_measures(rules=rules, performance_year=YEAR, **inputs)
        score_domains(rules=rules, performance_year=YEAR, measure_scores=measures)
        score_tps(rules=rules, performance_year=YEAR, measure_scores=measures)

    return timed(len(inputs["current"]), score)


def answer_what_if(warehouse: Warehouse, _: Path) -> tuple[int, float]:
    """Score a scenario of the nation, and tell of every facility what it would take.

    Its rows are facilities, each many times over with numbers of its own, so that they have counts.
    Prints what the scenario alone takes, and one facility.
    """
    from esrd_pipeline_tests.benchmarks.scenarios import make_nation, time_scenarios

    return time_scenarios(make_nation(len(warehouse.read(facility.DIRECTORY, YEAR))))


def rate_stars(warehouse: Warehouse, _: Path) -> tuple[int, float]:
    """Score every facility against the stored star baseline."""
    from esrd_pipeline.program.star_scores import score_stars

    inputs = {
        "baseline": warehouse.read(program.STAR_BASELINE, YEAR - 3),
        "facilities": contract(warehouse, "dfc"),
        "directory": warehouse.read(facility.DIRECTORY, YEAR),
        "national": warehouse.read(facility.LEVEL, YEAR),
        "published_results": warehouse.read(facility.PUBLISHED_RESULT, YEAR),
        "baseline_scored": pd.DataFrame(columns=measured.BASELINE_SCORED.column_names),
    }
    return timed(len(inputs["facilities"]), lambda: score_stars(performance_year=YEAR, **inputs))


def audit_contract(warehouse: Warehouse, _: Path) -> tuple[int, float]:
    """Check the expectations of the largest table, with great_expectations already imported."""
    from esrd_pipeline.expectations import audit

    table = facility.PUBLISHED
    path = warehouse.partition_path(table, YEAR)
    first = audit(table=table, staged=path, query=warehouse.query)
    return timed(first.row_count, lambda: audit(table=table, staged=path, query=warehouse.query))


def write_pages(warehouse: Warehouse, published: Path) -> tuple[int, float]:
    """Write the static site; its rows are facilities. Prints what a facility of few and all takes.

    Neither should grow with the number of facilities. Prints what a browser needs to paint a page.
    """
    from esrd_pipeline_tests.benchmarks.site_growth import measure_painting, measure_site

    facilities = len(warehouse.read(facility.DIRECTORY, YEAR))
    folder = published.with_name("site")
    few = measure_site(warehouse, YEAR, folder, facilities=FEW)
    start = time.perf_counter()
    whole = measure_site(warehouse, YEAR, folder)
    seconds = time.perf_counter() - start
    sys.stdout.write(f"{few}\n{whole}\n{measure_painting(folder)}\n")
    return facilities, seconds


STAGES: dict[str, Stage] = {
    "write synthetic published files": write_published,
    "read DFC facility file": read_dfc,
    "read Complete QIP file": read_qip,
    "facility contract": publish,
    "flags": flag,
    "QIP scores, domains, TPS": score_qip,
    "what it would take, of all": answer_what_if,
    "stars against a baseline": rate_stars,
    "audit of facility.published": audit_contract,
    "static site": write_pages,
}


def run_stage(name: str, warehouse: Path, published: Path) -> None:
    """Run one stage in this process and print its line."""
    rows, seconds = STAGES[name](Warehouse(warehouse), published)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print_line(name, rows, seconds, peak)


def print_line(name: str, rows: int, seconds: float, peak: float) -> None:
    """Print one line of the table."""
    sys.stdout.write(f"{name:<32}{rows:>12,}{seconds:>10.2f}{peak:>10,.0f}\n")
    sys.stdout.flush()


def prepare(folder: Path, facilities: int) -> dict[str, str]:
    """Write the published files of a nation and refresh the years that the stages read."""
    from esrd_pipeline.synthetic.published import write_published_files

    for year in range(YEAR - 3, YEAR + 1):
        write_published_files(
            folder / "published" / str(year), performance_year=year, facility_count=facilities
        )
    environment = os.environ | {
        "ESRD_DATA_DIR": str(folder / "data"),
        "ESRD_PUBLISHED_DIR": str(folder / "published"),
        "DAGSTER_HOME": str(folder / "data" / "dagster_home"),
    }
    years = ["--from", str(YEAR - 3), "--to", str(YEAR), "--star-baseline", "reset"]
    run_esrd(environment, "backfill", *years)
    return environment


def run_esrd(environment: dict[str, str], *arguments: str) -> tuple[float, float]:
    """Run the project's command; return seconds and peak memory in MB."""
    esrd = Path(sys.executable).with_name("esrd")
    start = time.perf_counter()
    process = subprocess.Popen([str(esrd), *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"esrd {' '.join(arguments)} failed")
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Read the command line; without hidden options, time everything."""
    parser = argparse.ArgumentParser(description="Time a refresh and the model families.")
    parser.add_argument("--facilities", type=int, default=7500)
    parser.add_argument(
        "--libraries", action="store_true", help="Also time R, statsmodels, lifelines."
    )
    parser.add_argument("--models", action="store_true", help="Time the model families only.")
    parser.add_argument("--monte-carlo", action="store_true", help="Bias and coverage instead.")
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--stage", choices=sorted(STAGES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.stage:
        run_stage(chosen.stage, chosen.folder / "data" / "warehouse", chosen.folder / "published")
        return
    if chosen.model:
        run_model(chosen.model, libraries=chosen.libraries)
        return
    if chosen.monte_carlo:
        from esrd_pipeline_tests.benchmarks.monte_carlo import print_table

        print_table()
        return
    if not chosen.models:
        time_refresh(chosen.facilities)
    time_models(libraries=chosen.libraries)


def time_refresh(facilities: int) -> None:
    """Prepare a nation, run every stage in its own process, then a whole refresh."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = prepare(folder, facilities)
        sys.stdout.write(f"{'stage':<32}{'rows in':>12}{'seconds':>10}{'peak MB':>10}\n")
        sys.stdout.flush()
        module = [sys.executable, "-m", "esrd_pipeline_tests.benchmarks"]
        for stage in STAGES:
            subprocess.run([*module, "--stage", stage, "--folder", str(folder)], check=True)
        seconds, peak = run_esrd(environment, "refresh", "--year", str(YEAR))
        print_line("esrd refresh, start to exit", facilities, seconds, peak)


def time_models(*, libraries: bool) -> None:
    """Run every model family in its own process."""
    from esrd_pipeline_tests.benchmarks.models import HEADER, MODELS

    sys.stdout.write(HEADER)
    sys.stdout.flush()
    module = [sys.executable, "-m", "esrd_pipeline_tests.benchmarks"]
    for name in MODELS:
        beside = ["--libraries"] if libraries else []
        subprocess.run([*module, "--model", name, *beside], check=True)


def run_model(name: str, *, libraries: bool) -> None:
    """Run one model family in this process and print its line."""
    from esrd_pipeline_tests.benchmarks.models import MODELS, print_timing

    timing = MODELS[name](libraries=libraries)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(print_timing(name, timing, peak))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
