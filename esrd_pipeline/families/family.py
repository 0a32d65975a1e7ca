"""The functions that a family of models provides, from a cohort to the facility contract.

A measure's specification names the module of its family.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from esrd_pipeline.families.cohort import Cohort
from esrd_pipeline.families.contract import Assessed
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import SeparationError

ABSENT = "terms that too few rows have, or lack, to be estimated"
SEPARATED = "terms without a finite estimate beside the others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of model, as functions of a specification and a cohort.

    Attributes:
        fit: the table of the fit of (specification, performance year, cohort).
        assess: every facility assessed with a stored fit: (specification, year, fit, cohort).
        expect: events expected of each row, shape (rows,): (specification, stored fit, cohort).
        event: the column of a row's events.
        measure_exposure: exposure of each row, in `unit`, shape (rows,).
        unit: unit of the exposure: patient-year, discharge, patient-month.
    """

    fit: Callable[[Any, int, Cohort], pd.DataFrame]
    assess: Callable[[Any, int, pd.DataFrame, Cohort], Assessed]
    expect: Callable[[Any, pd.DataFrame, Cohort], FloatArray]
    event: str
    measure_exposure: Callable[[Cohort], FloatArray]
    unit: str


def find_family(specification: Specification) -> Family:
    """Return the family of a measure's model."""
    # By name instead of importing all: a measure's code version has only its own family's code.
    family: Family = import_module(specification.family).FAMILY
    return family


def fit_estimable(
    specification: Specification, performance_year: int, cohort: Cohort
) -> pd.DataFrame:
    """Fit a measure's model and return the table of the fit, terms without an estimate left out.

    In a small cohort a rare condition may occur in no patient with an event, given the other terms:
    it then has no finite estimate, is left out and listed by name in the fit's dropped rows. This
    does not happen in the nation. Terms that the cohort was prepared without are listed, too.

    Raises:
        FitError: the model has no estimate for another reason, or not without its terms.
    """
    family = find_family(specification)
    absent = [name for name in specification.adjusters if name not in cohort.design.names]
    left_out: list[str] = []
    while True:
        try:
            fit = family.fit(specification, performance_year, cohort)
        except SeparationError as error:
            gone = [name for name in error.terms if name in cohort.design.names]
            if not gone:
                raise
            left_out += gone
            cohort = cohort.drop(gone)
        else:
            return _report(_report(fit, absent, rule=ABSENT), left_out, rule=SEPARATED)


def _report(fit: pd.DataFrame, left_out: Sequence[str], *, rule: str) -> pd.DataFrame:
    """Add to a fit's table the terms that were left out of it by a rule."""
    if not left_out:
        return fit
    is_known = (fit["element"] == "dropped") & (fit["stage"] == 1)
    row = {
        **fit.iloc[0][["performance_year", "program", "measure"]].to_dict(),
        "stage": 1,
        "element": "dropped",
        "position": int(is_known.sum()),
        "term": rule,
        "estimate": float(len(left_out)),
        "note": ", ".join(left_out),
    }
    return pd.concat([fit, pd.DataFrame([row])], ignore_index=True)[fit.columns]


def group_by_risk(
    specification: Specification, fit: pd.DataFrame, cohort: Cohort, *, groups: int = 10
) -> pd.DataFrame:
    """Return observed and expected events per unit of exposure by group of predicted risk.

    Columns: group from 1, exposure, observed, expected. Groups have equal numbers of rows; rows of
    the same risk stay in the order of the cohort.
    """
    family = find_family(specification)
    expected = family.expect(specification, fit, cohort)
    exposure = family.measure_exposure(cohort)
    observed = cohort.numbers(family.event)
    order = np.argsort(expected / exposure, kind="stable")
    group = np.empty(order.size, dtype=np.intp)
    group[order] = np.arange(order.size) * groups // order.size
    sums = pd.DataFrame({"exposure": exposure, "observed": observed, "expected": expected})
    table = sums.groupby(group).sum()
    table["observed"] /= table["exposure"]
    table["expected"] /= table["exposure"]
    return table.rename_axis("group").reset_index().assign(group=lambda rows: rows["group"] + 1)


def count_rows(cohort: Cohort) -> FloatArray:
    """Return an exposure of 1 for every row of a cohort."""
    return np.ones(cohort.table.num_rows)
