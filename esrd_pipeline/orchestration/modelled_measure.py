"""The assets of a modelled measure: fit, cross-check and facilities, from its stored cohort.

They are the same for every such measure; a `ModelledMeasure` has the values that differ.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esrd_pipeline.orchestration.context import StepContext, StepResult
from esrd_pipeline.orchestration.empty import leave_empty
from esrd_pipeline.orchestration.partitions import years_before
from esrd_pipeline.orchestration.table_asset import Dependency, TableAsset
from esrd_pipeline.tables import history, linkage
from esrd_pipeline.tables.measured import BASELINE_SCORED, ModelTables
from esrd_pipeline.tables.model import Table
from esrd_pipeline.tables.program import STAR_BASELINE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from esrd_pipeline.families.cohort import Cohort
    from esrd_pipeline.measures.specification import Program, Specification

SAMPLE_SEED = 2728
SAMPLE_FACILITIES = 25
FEW_FACILITIES = 100
"""With fewer in the cohort, a model that cannot be fitted leaves its measure without values and
says why (reading 209). In a nation it stops the step: there it is a fault of the files or the code.
"""
NOT_FITTED = "model_not_fitted"
_AMOUNTS = ("unit_count", "patients", "numerator", "denominator")
MOST_DIFFERENCE = 1e-4
"""Relative to the larger of estimate and standard error; beyond it the two fits disagree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelledMeasure:
    """One modelled measure.

    Attributes:
        name: name for people: SHR.
        programs: the programs that have it.
        tables: its stored tables.
        cohort: the table its model is fitted to.
        years: number of performance years of the cohort in the model, the last one included.
        years_assessed: number of these years, the last included, by which facilities are assessed;
            all of them if none is given.
        read: returns one program's specification and cohort of a step's year.
        dependencies: tables that `read` reads besides the cohort.
        nothing: reason for a facility of the list that has no row in the cohort.
    """

    name: str
    programs: "tuple[Program, ...]"
    tables: ModelTables
    cohort: Table
    read: "Callable[[StepContext, Program], tuple[Specification, Cohort]]"
    years: int = 1
    years_assessed: int | None = None
    dependencies: tuple[Dependency, ...] = ()
    nothing: str = "no_patient_at_risk"

    @property
    def sources(self) -> tuple[Dependency, ...]:
        """The tables the model is fitted to."""
        back = years_before(first=self.years - 1) if self.years > 1 else None
        return (Dependency(self.cohort, back), *self.dependencies)


def make_measure_assets(modelled: ModelledMeasure) -> tuple[TableAsset, ...]:
    """Return the measure's computations: its fit, cross-check and facilities."""
    tables, nulls = modelled.tables, () if modelled.tables.null is None else (modelled.tables.null,)
    expected = () if modelled.tables.expected is None else (modelled.tables.expected,)
    return (
        TableAsset(
            tables=(tables.fit,),
            compute=lambda step: _fit(modelled, step),
            description=f"{modelled.name}'s national model, every stage, fitted for each program.",
            dependencies=modelled.sources,
        ),
        TableAsset(
            tables=(tables.cross_check,),
            compute=lambda step: _cross_check(modelled, step),
            description=f"{modelled.name}'s model fitted by another library to a seeded sample of"
            " facilities, compared with ours. Its plausibility check warns where they disagree.",
            dependencies=modelled.sources,
        ),
        TableAsset(
            tables=(tables.facility, *nulls, *expected),
            compute=lambda step: _assess(modelled, step),
            description=f"{modelled.name} of every facility: observed, expected, value; for"
            " Dialysis Facility Measures limits, p-value and category.",
            dependencies=(*modelled.sources, Dependency(tables.fit), Dependency(linkage.FACILITY)),
        ),
    )


def score_with_baseline_models(
    measures: "Sequence[ModelledMeasure]", step: StepContext
) -> StepResult:
    """Score this year's rows with the models of the newest star baseline's year."""
    from esrd_pipeline.families.family import find_family

    year, warehouse = step.performance_year, step.warehouse
    earlier = [stored for stored in warehouse.years(STAR_BASELINE) if stored < year]
    rows = []
    for modelled in measures:
        if not earlier or has_no_cohort(modelled, step):
            continue
        if not warehouse.has(modelled.tables.fit, earlier[-1]):
            continue
        fit = warehouse.read(modelled.tables.fit, earlier[-1], where={"program": "dfc"})
        if fit.empty:
            continue
        specification, cohort = modelled.read(step, "dfc")
        family = find_family(specification)
        expected = family.expect(specification, fit, cohort)
        rows.append(
            {
                "performance_year": year,
                "measure": specification.measure,
                "baseline_year": earlier[-1],
                "observed": float(cohort.numbers(family.event).sum()),
                "expected": float(expected.sum()),
            }
        )
    frame = pd.DataFrame(rows, columns=BASELINE_SCORED.column_names)
    return StepResult(
        (frame,),
        notes={
            f"{row['measure']}: observed over expected": round(row["observed"] / row["expected"], 4)
            for row in rows
        },
    )


def read_once(
    modelled: ModelledMeasure, step: StepContext, program: "Program"
) -> "tuple[Specification, Cohort]":
    """Return one program's specification and cohort, shared by fit, cross-check and facilities."""
    return step.keep((modelled.name, program), lambda: modelled.read(step, program))


def take_assessed(modelled: ModelledMeasure, step: StepContext, cohort: "Cohort") -> "Cohort":
    """Return the rows of a model's cohort by which facilities are assessed."""
    if modelled.years_assessed is None:
        return cohort
    years = cohort.numbers("performance_year")
    return cohort.take(np.flatnonzero(years > step.performance_year - modelled.years_assessed))


def list_facts(specification: "Specification", table: Table) -> list[str]:
    """Return the columns of one table that a specification's terms read."""
    return [name for name in specification.facts if name in table.column_names]


def read_patients(step: StepContext, specification: "Specification") -> "pa.Table":
    """Return the characteristics of the year's patients that a specification's terms read."""
    table = history.PATIENT_CHARACTERISTICS
    columns = ["patient_id", *list_facts(specification, table)]
    return step.warehouse.read_arrow(table, step.performance_year, columns=columns)


def has_no_cohort(modelled: ModelledMeasure, step: StepContext) -> bool:
    """Whether the measure's cohort of the year is empty."""
    return not step.warehouse.count_rows(modelled.cohort, step.performance_year)


def _fit(modelled: ModelledMeasure, step: StepContext) -> StepResult:
    from esrd_pipeline.families.family import find_family, fit_estimable, group_by_risk
    from esrd_pipeline.families.fits import read_element, read_regression
    from esrd_pipeline.orchestration.pictures import draw_calibration
    from esrd_pipeline.statistics.fit import FitError

    if has_no_cohort(modelled, step):
        return leave_empty(modelled.tables.fit)
    fits, notes, picture = list[pd.DataFrame](), dict[str, str | int | float](), None
    warnings: list[str] = []
    for program in modelled.programs:
        specification, cohort = read_once(modelled, step, program)
        try:
            fit = fit_estimable(specification, step.performance_year, cohort)
        except FitError as refused:
            if len(cohort.ccns) >= FEW_FACILITIES:
                raise
            warnings.append(f"{program}: no model of {len(cohort.ccns)} facilities: {refused}")
            continue
        stored = read_regression(fit, stage=1)
        notes |= {
            f"{program}: rows": stored.row_count,
            f"{program}: events": as_whole(stored.event_count),
            f"{program}: terms": len(stored.names),
            f"{program}: steps": stored.iterations,
            **{
                f"{program}: {row['term']}": row["note"] or as_whole(row["estimate"])
                for row in read_element(fit, "dropped", stage=1).to_dict("records")
            },
        }
        fits.append(fit)
        if picture is None:
            groups = group_by_risk(specification, fit, cohort)
            picture = draw_calibration(groups, unit=find_family(specification).unit)
    frame = pd.concat(fits, ignore_index=True) if fits else _empty(modelled.tables.fit)
    warning = "; ".join(warnings) or None
    return StepResult((frame,), notes=notes, picture=picture, warning=warning)


def as_whole(number: float) -> int | float:
    """Return a count that is kept as a float without its decimals."""
    return int(number) if float(number).is_integer() else number


def _empty(table: Table) -> pd.DataFrame:
    return pd.DataFrame(columns=table.column_names)


def _cross_check(modelled: ModelledMeasure, step: StepContext) -> StepResult:
    from esrd_pipeline.families.cross_check import compare_fit, describe_difference
    from esrd_pipeline.statistics.fit import FitError

    if has_no_cohort(modelled, step):
        return leave_empty(modelled.tables.cross_check)
    compared, warnings = [], []
    fit = step.read(modelled.tables.fit)
    for program in modelled.programs:
        if not (fit["program"] == program).any():
            continue
        specification, cohort = read_once(modelled, step, program)
        try:
            opinion = compare_fit(
                specification,
                step.performance_year,
                cohort,
                seed=SAMPLE_SEED,
                facility_count=SAMPLE_FACILITIES,
            )
        except FitError as refused:
            # The nation has a fit, but these few facilities have none to compare.
            warnings.append(f"{program}: no cross-check: {refused}")
            continue
        has_both = opinion[["other_estimate", "other_standard_error"]].notna().all(axis=1)
        if not has_both.all():
            warnings.append(f"{program}: the library has no estimate of {(~has_both).sum()} terms")
        compared.append(opinion[has_both])
    table = modelled.tables.cross_check
    frame = pd.concat(compared, ignore_index=True) if compared else pd.DataFrame()
    if frame.empty:
        return StepResult((frame.reindex(columns=table.column_names),), warning="; ".join(warnings))
    largest, sentence = describe_difference(frame)
    if largest > MOST_DIFFERENCE:
        warnings.append(sentence)
    return StepResult(
        (frame,),
        notes={"largest difference": largest},
        warning="; ".join(warnings) or None,
    )


def _assess(modelled: ModelledMeasure, step: StepContext) -> StepResult:
    from esrd_pipeline.families.facility_list import finish, list_facilities
    from esrd_pipeline.families.family import find_family
    from esrd_pipeline.orchestration.pictures import draw_facilities

    tables = modelled.tables
    stored = [tables.facility, *(t for t in (tables.null, tables.expected) if t is not None)]
    if has_no_cohort(modelled, step):
        return leave_empty(*stored)
    year, fit = step.performance_year, step.read(tables.fit)
    contracts, nulls, expected, notes, picture = [], [], [], {}, None
    for program in modelled.programs:
        specification, cohort = read_once(modelled, step, program)
        cohort = take_assessed(modelled, step, cohort)
        mine = fit[fit["program"] == program]
        facilities = step.read(linkage.FACILITY, program=program)
        if mine.empty:
            nobody = _empty(tables.facility)
            listed = list_facilities(specification, year, nobody, facilities, nothing=NOT_FITTED)
            # Nobody computed them: they are not 0.
            contracts.append(listed.assign(**dict.fromkeys(_AMOUNTS)))
            continue
        assessed = find_family(specification).assess(specification, year, mine, cohort)
        contract = finish(
            specification, year, assessed.contract, facilities, nothing=modelled.nothing
        )
        contracts.append(contract)
        if tables.expected is not None:
            expectation = _compute_expected(tables.expected, specification, mine, cohort)
            expected.append(expectation.assign(performance_year=year))
        notes |= {f"{program}: {aside.rule}": aside.count for aside in assessed.dropped}
        if program == "dfc":
            if assessed.null_rows is not None:
                nulls.append(assessed.null_rows)
            picture = draw_facilities(contract, assessed.null)
    frame = pd.concat(contracts, ignore_index=True)
    reported = frame[frame["reportable"].astype(bool)]
    parts = [frame]
    if tables.null is not None:
        parts.append(pd.concat(nulls, ignore_index=True) if nulls else _empty(tables.null))
    if tables.expected is not None:
        combined = pd.concat(expected, ignore_index=True) if expected else _empty(tables.expected)
        parts.append(combined)
    return StepResult(
        tuple(parts),
        notes={
            "facilities": int(frame["ccn"].nunique()),
            "reportable rows": len(reported),
            **{
                str(name): int(count) for name, count in reported["category"].value_counts().items()
            },
            **notes,
        },
        picture=picture,
    )


def _compute_expected(
    table: Table,
    specification: "Specification",
    fit: pd.DataFrame,
    cohort: "Cohort",
) -> pd.DataFrame:
    """Compute the expected events of each row of the cohort, by the table's key."""
    from esrd_pipeline.families.family import find_family

    key = [name for name in table.key if name != "program"]
    family = find_family(specification)
    expected = family.expect(specification, fit, cohort)
    frame = cohort.table.select(key).to_pandas()
    observed = cohort.numbers(family.event)
    return frame.assign(program=specification.program, observed=observed, expected=expected)
