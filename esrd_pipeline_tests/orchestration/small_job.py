"""A job of two tables: the first fails, or computes for minutes in DuckDB; the second is quick.

As a program, `python -m ... MODE`, it runs the job as the command does.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pandas as pd

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.executor import threads_executor
from esrd_pipeline.orchestration.launch import LaunchError, StoppedError, run_job
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.orchestration.table_asset import TableAsset, make_steps
from esrd_pipeline.sources.errors import Fault, SourceError
from esrd_pipeline.tables.model import Column, Table

YEAR = 2024
JOB = "two_tables"


def make_table(name: str) -> Table:
    return Table(
        name=f"raw.{name}",
        grain="a row",
        key=("number",),
        columns=(
            Column("number", "integer", "a number"),
            Column("performance_year", "integer", "year"),
        ),
        source="a test",
    )


FIRST, SECOND = make_table("first"), make_table("second")


def refuse(_: StepContext) -> StepResult:
    faults = [Fault("'abc' is no number", "AGE", (4, 9)), Fault("is empty", "BENE_ID", (7,))]
    raise SourceError.of_faults("claims.csv", faults)


def compute_long(step: StepContext) -> StepResult:
    step.warehouse.query(
        "SELECT count(*) AS n FROM range(1000000000) a(i), range(1000) b(j)"
        " WHERE hash(a.i + b.j) % 7 = 1"
    )
    return store_one(step)


def store_one(step: StepContext) -> StepResult:
    return StepResult((pd.DataFrame({"number": [1], "performance_year": [step.performance_year]}),))


def compute_long_where_asked(step: StepContext) -> StepResult:
    """Compute for minutes if there is a file `long` where the process runs."""
    return compute_long(step) if Path("long").exists() else store_one(step)


MODES: dict[str, Callable[[StepContext], StepResult]] = {
    "refuse": refuse,
    "long": compute_long,
    "asked": compute_long_where_asked,
}


def make_definitions(
    mode: str, executor: dg.ExecutorDefinition = threads_executor
) -> dg.Definitions:
    assets = make_steps(
        (
            TableAsset(tables=(FIRST,), compute=MODES[mode], description="First."),
            TableAsset(tables=(SECOND,), compute=store_one, description="Second."),
        )
    )
    return dg.Definitions(
        assets=assets,
        jobs=[dg.define_asset_job(JOB, selection=dg.AssetSelection.all())],
        resources={"storage": make_storage()},
        executor=executor,
    )


def main() -> int:
    try:
        run_job(make_definitions(sys.argv[1]), JOB, YEAR, tags={}, run_config={})
    except StoppedError as stopped:
        sys.stdout.write(str(stopped))
        return 143
    except LaunchError as failed:
        sys.stdout.write(str(failed))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
