"""The asset of the star baseline, which an operator makes on purpose, and its options."""

from enum import Enum
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd
from pydantic import Field

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset, make_multi_asset
from esrd_pipeline.reports.rounding import write_rounded
from esrd_pipeline.tables import facility, measured, program

if TYPE_CHECKING:
    from esrd_pipeline.program.star_baseline import Operation

_RATED = ("ccn", "program", "measure", "value", "reportable", "denominator")
"""Columns of the facility contract that stars read."""


class _Operation(Enum):
    keep = "keep"
    reset = "reset"
    rebaseline = "rebaseline"


class _Counts(Enum):
    published_or_stored = "published_or_stored"
    published = "published"
    stored = "stored"


class _SharesOf(Enum):
    release = "release"
    rateable = "rateable"


class _BaselineConfig(dg.Config):
    """What to do with the year's star baseline."""

    operation: _Operation = Field(
        default=_Operation.keep,
        description="keep: what is stored; reset: 10/20/40/20/10; rebaseline: reproduce a"
        " release's counts",
    )
    measure_set: str = Field(
        default="",
        description="Which set of measures is rated; empty: the year's (star_measure_set.csv)",
    )
    counts_from: _Counts = Field(
        default=_Counts.published_or_stored,
        description="Whose stars a rebaselining reproduces: CMS's, where the year's files print"
        " them, or our stored ones",
    )
    shares_of: _SharesOf = Field(
        default=_SharesOf.release,
        description="Whose shares of stars a rebaselining reproduces: release: of all facilities"
        " with stars; rateable: of those alone that the year's files let us rate (reading 182)",
    )


def _build_star_baseline(step: StepContext) -> StepResult:
    from esrd_pipeline.program.star_baseline import build_baseline, find_rateable
    from esrd_pipeline.program.star_rules import find_measure_set

    config = step.read_config(_BaselineConfig)
    if config.operation is _Operation.keep:
        return _keep_star_baseline(step)
    measure_set = config.measure_set or find_measure_set(step.performance_year)
    is_rebaseline = config.operation is _Operation.rebaseline
    operation: Operation = "rebaseline" if is_rebaseline else "reset"
    facilities = step.read(measured.CONTRACT, columns=_RATED, program="dfc")
    directory = step.read(facility.DIRECTORY)
    counts = None
    if is_rebaseline:
        ratings = _read_ratings(step, config.counts_from)
        if config.shares_of is _SharesOf.rateable:
            rateable = find_rateable(
                performance_year=step.performance_year,
                measure_set=measure_set,
                facilities=facilities,
                directory=directory,
            )
            ratings = ratings[ratings.index.isin(rateable)]
        counts = _count_ratings(step, ratings, config)
    frame = build_baseline(
        performance_year=step.performance_year,
        operation=operation,
        measure_set=measure_set,
        facilities=facilities,
        directory=directory,
        national=step.read(facility.LEVEL),
        rating_counts=counts,
    )
    return StepResult(
        (frame,),
        notes={
            "operation": operation,
            "measure set": measure_set,
            **({"shares of": config.shares_of.value} if is_rebaseline else {}),
            "cut-offs": write_cutoffs(frame),
        },
    )


def write_cutoffs(baseline: pd.DataFrame) -> str:
    """Write the final scores from which on there are two, three, four and five stars."""
    cutoffs = baseline.loc[baseline["element"] == "cutoff"].sort_values("position")
    return ", ".join(write_rounded(score, 4) for score in cutoffs["score"])


def _keep_star_baseline(step: StepContext) -> StepResult:
    """Keep the baseline as stored, for runs that select this asset among others.

    So that no run makes a new baseline by accident.
    """
    if not step.warehouse.has(program.STAR_BASELINE, step.performance_year):
        raise dg.Failure(
            f"{step.performance_year} has no star baseline. One is made on purpose only, with the"
            " job reset_star_baseline or rebaseline_stars; leave this asset out of other runs",
            allow_retries=False,
        )
    return StepResult((step.read(program.STAR_BASELINE),), notes={"operation": "kept as stored"})


def _read_ratings(step: StepContext, source: _Counts) -> pd.Series:
    """Stars by facility of the release that a rebaselining reproduces (manual 5.9.1)."""
    year = step.performance_year
    ratings = pd.Series(dtype=float)
    if source is not _Counts.stored:
        results = step.read(facility.PUBLISHED_RESULT, columns=("ccn", "measure", "score"))
        stars = results[results["measure"] == "star_rating"].set_index("ccn")
        ratings = stars["score"].dropna()
    if (
        source is not _Counts.published
        and ratings.empty
        and step.warehouse.has(program.STARS, year)
    ):
        # Not a dependency in the graph: this year's own stars may use this baseline later on. The
        # operator launches a rebaselining from the release stored now.
        ratings = step.read(program.STARS).set_index("ccn")["rating"].dropna()
    return ratings


def _count_ratings(
    step: StepContext, ratings: pd.Series, config: _BaselineConfig
) -> dict[int, int]:
    """Facilities by star; none at all is an error of the operator."""
    counts = ratings.astype(int).value_counts()
    if counts.empty:
        source = config.counts_from.value.replace("_", " ")
        raise dg.Failure(
            f"{step.performance_year}: there are no {source} star ratings for a rebaselining to"
            " reproduce",
            allow_retries=False,
        )
    return {int(str(stars)): int(count) for stars, count in counts.items()}


_BASELINE = TableAsset(
    tables=(program.STAR_BASELINE,),
    compute=_build_star_baseline,
    description="Baseline of the star ratings. Made by an operator for a year, with the"
    " jobs `reset_star_baseline` and `rebaseline_stars`; never by a refresh. Later years"
    " read the newest one stored.",
    dependencies=(
        Dependency(measured.CONTRACT),
        Dependency(facility.DIRECTORY),
        Dependency(facility.LEVEL),
        Dependency(facility.PUBLISHED_RESULT),
    ),
)

# A step of its own: no run makes a baseline together with other tables; only it takes options.
ASSETS = (make_multi_asset("program_star_baseline", (_BASELINE,), config=_BaselineConfig),)
