"""What one facility's patient-by-patient rows add up to: its measure, and what is not in it."""

import pandas as pd


def add_up(explanation: pd.DataFrame) -> pd.DataFrame:
    """Return patients, days, observed and expected admissions by program and reason.

    The rows without a reason are the facility's SHR.
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
