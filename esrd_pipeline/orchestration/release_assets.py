"""The asset of a year's releases: makes a candidate where asked to, and reports the state."""

from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd
from pydantic import Field

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.releases.people import Person, find_account
from esrd_pipeline.tables import change, measured, program, report
from esrd_pipeline.tables.quarter_release import QUARTER_RELEASE

if TYPE_CHECKING:
    from esrd_pipeline.releases.approval import Verified

STEP = "release_state"
QUARTER_TAG = "esrd/quarter"


class Operation(Enum):
    """What the step does before it reports the state."""

    look = "look"
    candidate = "candidate"


class ReleaseConfig(dg.Config):
    """What to do with the year's releases; an approval is a command (`esrd release --approve`)."""

    operation: Operation = Field(
        default=Operation.look,
        description="look: report the state and verify the digests; candidate: make one first, if"
        " the gate lets the year pass",
    )
    quarter: str = Field(default="", description="Quarter of the candidate, as 2026Q3")
    cutoff: str = Field(
        default="", description="Data cut-off, if it is not the 15th of the quarter's first month"
    )
    person: str = Field(default="", description="Name of who asks for it")
    account: str = Field(default="", description="Their account, if it is not the server's")
    replaces: str = Field(default="", description="Release that the candidate corrects")
    because: str = Field(default="", description="Why it is corrected")


def _list_releases(step: StepContext) -> StepResult:
    from esrd_pipeline.releases.approval import complete, verify
    from esrd_pipeline.releases.ledger import hold

    config = step.read_config(ReleaseConfig)
    folder = step.settings.releases_dir / str(step.performance_year)
    failure, notes = None, {}
    if config.operation is Operation.candidate:
        failure, notes = _make_candidate(step, config)
    elif folder.is_dir():
        with hold(folder):
            complete(folder)
    verified, strange = verify(folder)
    faults = [f"{one.release.name}: {fault}" for one in verified for fault in one.faults]
    rows = [_row(step.performance_year, one) for one in verified]
    return StepResult(
        (pd.DataFrame(rows, columns=QUARTER_RELEASE.column_names),),
        notes={
            **notes,
            **{
                f"{one.release.state} {one.release.name}": one.release.digest or "nothing made"
                for one in verified
            },
        },
        warning="; ".join([*faults, *strange]) or None,
        failure=failure,
    )


def _make_candidate(step: StepContext, config: ReleaseConfig) -> tuple[str | None, dict[str, str]]:
    """Make a candidate; return what the gate refused it for, and its answers."""
    from esrd_pipeline.orchestration.release_record import read_stored
    from esrd_pipeline.releases.candidate import Order, make_candidate
    from esrd_pipeline.releases.gate import find_failing
    from esrd_pipeline.releases.quarter import check_quarter

    process = find_account()
    account = config.account or process
    made = make_candidate(
        warehouse=step.warehouse,
        folder=step.settings.releases_dir / str(step.performance_year),
        origin=step.settings.origin,
        order=Order(
            performance_year=step.performance_year,
            quarter=check_quarter(config.quarter or step.tags.get(QUARTER_TAG, "")),
            maker=Person(config.person or account, account),
            process=process,
            when=datetime.now(tz=UTC),
            cutoff=date.fromisoformat(config.cutoff) if config.cutoff else None,
            replaces=config.replaces,
            why=config.because,
        ),
        stored=read_stored(step),
    )
    notes = {f"gate: {one.question}": f"{one.outcome}: {one.text}" for one in made.answers}
    failing = find_failing(made.answers)
    if not failing:
        return None, notes
    reasons = "; ".join(f"{one.question}: {one.text}" for one in failing)
    return f"{made.entry.name} of {step.performance_year}: no candidate. {reasons}", notes


def _row(year: int, verified: "Verified") -> dict[str, object]:
    release = verified.release
    made, approved = release.made, release.approved
    return {
        "quarter": made.quarter,
        "name": release.name,
        "performance_year": year,
        "state": release.state,
        "data_cutoff": date.fromisoformat(made.cutoff),
        "made_by": made.person,
        "made_account": made.account,
        "made_at": made.when,
        "approved_by": approved.person if approved else None,
        "approved_account": approved.account if approved else None,
        "approved_at": approved.when if approved else None,
        "told_by": approved.told_by if approved else None,
        "digest": release.digest or None,
        "replaces": made.replaces or None,
        "replaced_by": release.replaced_by or None,
        "why": made.why or None,
        "fault_count": len(verified.faults),
        "faults": ", ".join(verified.faults) or None,
    }


ASSETS = (
    make_multi_asset(
        STEP,
        (
            TableAsset(
                tables=(QUARTER_RELEASE,),
                compute=_list_releases,
                description="The state of each quarter's release: refused by the gate, candidate,"
                " released or replaced; who made and approved it, its digest, and files that are"
                " not what they were. The job `release` makes a candidate first.",
                dependencies=(
                    Dependency(measured.CONTRACT),
                    Dependency(program.FLAGS),
                    Dependency(program.QIP_TPS),
                    Dependency(program.STARS),
                    Dependency(report.PUBLISHED_AGREEMENT),
                    Dependency(report.EVENT_ACCOUNT),
                    Dependency(change.CHANGE),
                ),
                kinds=frozenset({"file", "parquet"}),
            ),
        ),
        config=ReleaseConfig,
    ),
)
