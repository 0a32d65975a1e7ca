"""Three tables in a chain: a file's numbers, their tens, and the sum of these.

A number that becomes another with the same tens changes the first table alone.
"""

from collections.abc import Mapping

import dagster as dg
import pandas as pd

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.executor import threads_executor
from esrd_pipeline.orchestration.launch import run_job
from esrd_pipeline.orchestration.made_of import digest_file
from esrd_pipeline.orchestration.plan import Planned, list_made, make_plan
from esrd_pipeline.orchestration.resources import make_storage
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_steps
from esrd_pipeline.orchestration.unchanged import CHANGED_TAG
from esrd_pipeline.sources.errors import Fault, SourceError
from esrd_pipeline.tables.model import Column, Table

YEAR = 2024
JOB = "chain"
FILE, FAILURE = "numbers.txt", "failure.txt"
"""In the data folder: the numbers, and why the last table tells of a failure."""
MADE: list[str] = []
"""The tables that were computed."""


def make_table(name: str) -> Table:
    return Table(
        name=f"raw.{name}",
        grain="a number",
        key=("number",),
        columns=(
            Column("number", "integer", "a number"),
            Column("performance_year", "integer", "year"),
        ),
        source="a test",
    )


NUMBERS, TENS, SUM = map(make_table, ("numbers", "tens", "sum"))


def list_file(step: StepContext) -> Mapping[str, str]:
    return {f"file {FILE}": digest_file(step.settings.data_dir / FILE)}


def read_numbers(step: StepContext) -> StepResult:
    text = (step.settings.data_dir / FILE).read_text(encoding="utf-8")
    if not text.replace(" ", "").isdigit():
        raise SourceError.of_faults(FILE, [Fault("is no number", "number", (1,))])
    return store(step, NUMBERS, {int(one) for one in text.split()})


def divide(step: StepContext) -> StepResult:
    return store(step, TENS, {int(one) // 10 for one in step.read(NUMBERS)["number"]})


def add(step: StepContext) -> StepResult:
    found = step.settings.data_dir / FAILURE
    failure = found.read_text(encoding="utf-8") if found.is_file() else None
    return store(step, SUM, {int(step.read(TENS)["number"].sum())}, failure)


def store(
    step: StepContext, table: Table, numbers: set[int], failure: str | None = None
) -> StepResult:
    MADE.append(table.name)
    years = [step.performance_year] * len(numbers)
    frame = pd.DataFrame({"number": sorted(numbers), "performance_year": years})
    return StepResult((frame,), notes={"numbers": len(numbers)}, failure=failure)


DEFINITIONS = dg.Definitions(
    assets=make_steps(
        (
            TableAsset(
                tables=(NUMBERS,), compute=read_numbers, description="Read.", outside=list_file
            ),
            TableAsset(
                tables=(TENS,),
                compute=divide,
                description="Tens.",
                dependencies=(Dependency(NUMBERS),),
            ),
            TableAsset(
                tables=(SUM,), compute=add, description="Sum.", dependencies=(Dependency(TENS),)
            ),
        )
    ),
    jobs=[dg.define_asset_job(JOB, selection=dg.AssetSelection.all())],
    resources={"storage": make_storage()},
    executor=threads_executor,
)


def plan() -> list[Planned]:
    """What a refresh of what changed would make."""
    return make_plan(DEFINITIONS.resolve_job_def(JOB), YEAR)


def tell() -> dict[str, str | None]:
    """Why each table would be made; None for one that is up to date."""
    return {name: one.reason for one in plan() for name in one.tables}


def refresh(*, every_step: bool = False) -> str:
    """Run what the plan names, or every step as in the UI, keeping what is unchanged."""
    MADE.clear()
    tables = None if every_step else list_made(plan())
    tags = {CHANGED_TAG: "yes"}
    return run_job(DEFINITIONS, JOB, YEAR, tags=tags, run_config={}, tables=tables)
