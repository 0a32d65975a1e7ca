"""Totals of one facility's explanation: its measure, and what is excluded from it."""

import numpy as np
import pandas as pd

from esrd_pipeline.families.cohort import PATIENT, Cohort
from esrd_pipeline.families.fits import read_regression
from esrd_pipeline.parameters.reasons import describe_rows


def describe_reasons(explanation: pd.DataFrame) -> pd.DataFrame:
    """Return the explanation with the text of each reason in place of its code.

    Raises:
        LookupError: reason.csv has no such code.
    """
    texts = pd.Series(describe_rows(explanation), index=explanation.index, dtype=object)
    return explanation.assign(reason=texts)


def add_up(explanation: pd.DataFrame) -> pd.DataFrame:
    """Return patients, days, observed and expected events by program and reason.

    The rows without a reason are the facility's measure.
    """
    named = explanation.assign(reason=explanation["reason"].fillna("counted"))
    rows = named.groupby(["program", "reason"], sort=True).agg(
        patients=("patient_id", "nunique"),
        days=("days", "sum"),
        observed=("observed", "sum"),
        expected=("expected", "sum"),
        uncounted=("uncounted", "sum"),
    )
    return rows.reset_index()


def add_up_months(explanation: pd.DataFrame) -> pd.DataFrame:
    """Return patients, months and those in the numerator by program and reason.

    The rows without a reason are the measure's denominator.
    """
    named = explanation.assign(
        reason=explanation["reason"].fillna("counted"),
        is_met=explanation["is_met"].fillna(value=False).astype(bool),
    )
    rows = named.groupby(["program", "reason"], sort=True).agg(
        patients=("patient_id", "nunique"), months=("month", "size"), numerator=("is_met", "sum")
    )
    return rows.reset_index()


def add_up_patients(explanation: pd.DataFrame) -> pd.DataFrame:
    """Return patients and those in the numerator by program and reason.

    The rows without a reason are the measure's denominator.
    """
    named = explanation.assign(
        reason=explanation["reason"].fillna("counted"),
        is_met=explanation["is_met"].fillna(value=False).astype(bool),
    )
    rows = named.groupby(["program", "reason"], sort=True).agg(
        patients=("patient_id", "nunique"), numerator=("is_met", "sum")
    )
    return rows.reset_index()


def add_up_discharges(explanation: pd.DataFrame) -> pd.DataFrame:
    """Return patients, discharges, observed and expected events by program and reason.

    The rows without a reason are the measure's index discharges.
    """
    named = explanation.assign(
        reason=explanation["reason"].fillna("counted"),
        is_met=explanation["is_met"].fillna(value=False).astype(bool),
    )
    rows = named.groupby(["program", "reason"], sort=True).agg(
        patients=("patient_id", "nunique"),
        discharges=("stay", "size"),
        observed=("is_met", "sum"),
        expected=("expected", "sum"),
    )
    return rows.reset_index()


def add_up_reports(explanation: pd.DataFrame) -> pd.DataFrame:
    """Return the items of each program unchanged, and the sum of those without a reason."""
    counted = explanation[explanation["reason"].isna()]
    sums = counted.groupby("program")[["numerator", "denominator"]].sum().reset_index()
    rows = pd.concat([explanation, sums.assign(item="all counted")], ignore_index=True)
    return rows.sort_values("program", kind="stable", ignore_index=True)


def list_adjusters(cohort: Cohort, fit: pd.DataFrame, *, ccn: str, row: str) -> pd.DataFrame:
    """Return what one facility's rows of a cohort were adjusted for, one row an adjuster not 0.

    `row` is the column that tells a patient's rows apart. Columns: patient_id, row, term, value,
    coefficient, which is missing where the fit dropped the adjuster.
    """
    mine = cohort.take(np.flatnonzero(cohort.ccns[cohort.facility] == ccn))
    regression = read_regression(fit, stage=1)
    known = dict(zip(regression.names, regression.coefficients, strict=True))
    place, term = np.nonzero(mine.design.matrix)
    names = np.array(mine.design.names, dtype=object)[term]
    return pd.DataFrame(
        {
            "patient_id": mine.table.column(PATIENT).to_numpy()[place],
            "row": mine.table.column(row).to_pandas().astype(str).to_numpy()[place],
            "term": names,
            "value": mine.design.matrix[place, term].astype(np.float64),
            "coefficient": [known.get(name, np.nan) for name in names],
        }
    )


def add_up_adjusters(explanation: pd.DataFrame) -> pd.DataFrame:
    """Return each adjuster's patients, mean and coefficient by program.

    The mean is over the rows in which the adjuster is not 0.
    """
    rows = explanation.groupby(["program", "term"], sort=True).agg(
        patients=("patient_id", "nunique"),
        mean=("value", "mean"),
        coefficient=("coefficient", "first"),
    )
    return rows.reset_index()
