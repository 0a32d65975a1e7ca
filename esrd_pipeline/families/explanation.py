"""What one facility's explanation adds up to: its measure, and what is not in it."""

import pandas as pd

from esrd_pipeline.parameters.reasons import describe_rows


def describe_reasons(explanation: pd.DataFrame) -> pd.DataFrame:
    """Return the explanation with the text people read in place of each reason's code.

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
    """Return the items of each program as they stand, and the sum of those without a reason."""
    counted = explanation[explanation["reason"].isna()]
    sums = counted.groupby("program")[["numerator", "denominator"]].sum().reset_index()
    rows = pd.concat([explanation, sums.assign(item="all counted")], ignore_index=True)
    return rows.sort_values("program", kind="stable", ignore_index=True)
