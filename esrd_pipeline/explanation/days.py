"""Measures of days at risk explained: SHR, STrR, SEDR; SMR, SWR, SMoSR."""

import pandas as pd

from esrd_pipeline.explanation.document import COUNTED, Check, Section
from esrd_pipeline.explanation.events import (
    count_counted,
    count_uncounted,
    describe_counting,
    list_claimed,
    list_followed,
)
from esrd_pipeline.explanation.factors import EXPECTED, STORED, Factors
from esrd_pipeline.explanation.modelled import DAYS_PER_YEAR, explain_rates, explain_times
from esrd_pipeline.explanation.request import Request
from esrd_pipeline.explanation.results import Row, compare, find_meaning, find_nothing
from esrd_pipeline.families.cohort import PATIENT

RATES = ("shr", "strr", "sedr")
_AT_RISK = f"{COUNTED}: at risk at this facility"


def explain_days(request: Request, row: Row) -> tuple[list[Section], list[Check]]:
    """Return the tables and sums of a measure of days."""
    is_rate = request.measure in RATES
    meaning = find_meaning(request)
    table = "explain.recurrent_events" if is_rate else "explain.survival"
    segments = request.explain(table)
    if segments.empty:
        return [], [find_nothing(row)]
    factors = explain_rates(request) if is_rate else explain_times(request)
    list_events = list_claimed if is_rate else list_followed
    events = list_events(request, segments, meaning.citation)
    lines = _join_segments(request.measure, segments, meaning.citation)
    if not is_rate:
        # A cohort of times has nothing of an arrival that no rule of its own would count.
        lines["uncounted"] = count_uncounted(events, lines)
    sections = [
        Section(
            "lines",
            "Days, patient by patient",
            lines,
            "Every day that a patient was treated here or attributed to this facility: counted, or"
            " excluded by the first rule that applies.",
        ),
        Section(
            "events",
            "Events, patient by patient",
            events,
            "Every event on these days: its claims, and why it counts or not.",
        ),
        *list_arithmetic(factors),
        Section("exclusions", "Excluded days by reason", add_up_days(lines)),
    ]
    counted = lines[lines["counts"] == "yes"]
    days = int(counted["days"].sum())
    in_years = row["unit"] == "patient_years"
    size = days / DAYS_PER_YEAR if in_years else float(counted[PATIENT].nunique())
    checks = [
        compare(row, "events on the counted lines", "numerator", float(counted["observed"].sum())),
        compare(row, "events listed as counted", "numerator", float(count_counted(events))),
        Check(
            "events listed as not counted = events not counted on the lines",
            float(len(events) - count_counted(events)),
            float(lines["uncounted"].sum()),
        ),
        *compare_expected(row, factors),
        compare(
            row,
            f"{days:,} counted days / {DAYS_PER_YEAR}" if in_years else "patients counted",
            "unit_count",
            size,
        ),
        compare(row, "patients counted", "patients", float(counted[PATIENT].nunique())),
    ]
    return sections, checks


def list_arithmetic(factors: Factors) -> list[Section]:
    """Return the tables of expected numbers and of the adjusters that make them."""
    return [
        Section(
            "expected", "Expected numbers, and what they are made of", factors.rows, factors.formula
        ),
        Section(
            "adjusters",
            "Adjusters, one a line",
            factors.adjusters,
            "product = value x coefficient; the products of one row add up to its adjusters_sum.",
            is_printed=False,
        ),
    ]


def compare_expected(row: Row, factors: Factors) -> list[Check]:
    """Compare the multiplied numbers with the contract, the ratio, and the stored ones."""
    expected = float(factors.rows[EXPECTED].sum())
    observed = float(factors.rows["observed"].sum())
    checks = [
        compare(row, "expected numbers worked out here", "denominator", expected, exact=False),
        *_compare_ratio(row, observed, expected, factors.national_rate),
        Check(
            "products of the adjusters = adjusters_sum",
            float(factors.adjusters["product"].sum()),
            float(factors.rows["adjusters_sum"].sum()),
            1e-6,
        ),
    ]
    if STORED in factors.rows:
        checks.append(
            Check(
                "expected numbers worked out here = those the refresh stored, row by row: largest"
                " difference",
                float((factors.rows[EXPECTED] - factors.rows[STORED]).abs().max()),
                0.0,
                1e-6,
            )
        )
    return checks


def _compare_ratio(
    row: Row, observed: float, expected: float, national_rate: float | None
) -> list[Check]:
    """Compare the ratio, and the rate it makes; the QIP's value is the rate."""
    ratio = f"{observed:g} / {expected:.7g}"
    if not expected or national_rate is None:
        return []
    checks = []
    if row["program"] == "dfc":
        checks.append(compare(row, ratio, "value", observed / expected, exact=False))
    rate = observed / expected * national_rate
    what = f"{ratio} x the nation's {national_rate:.7g}"
    column = "value" if row["program"] == "qip" else "rate"
    return [*checks, compare(row, what, column, rate, exact=False)]


def _join_segments(measure: str, segments: pd.DataFrame, citation: str) -> pd.DataFrame:
    """Join adjacent segments that differ in nothing but their days."""
    rows = segments.sort_values([PATIENT, "start_date"], ignore_index=True)
    rows["reason"] = rows["reason"].astype(object)
    start, end = pd.to_datetime(rows["start_date"]), pd.to_datetime(rows["end_date"])
    same = [PATIENT, "reason", *(name for name in ("period",) if name in rows)]
    keys = rows[same].astype(object).where(rows[same].notna(), "")
    is_new = (keys != keys.shift()).any(axis=1) | (start != end.shift() + pd.Timedelta(days=1))
    joined = rows.groupby(is_new.cumsum(), sort=False).agg(
        **{PATIENT: (PATIENT, "first")},
        **({"period": ("period", "first")} if "period" in rows else {}),
        start_date=("start_date", "first"),
        end_date=("end_date", "last"),
        days=("days", "sum"),
        reason=("reason", "first"),
        observed=("observed", "sum"),
        uncounted=("uncounted", "sum"),
        expected=("expected", "sum"),
    )
    joined = joined.reset_index(drop=True)
    for name in ("start_date", "end_date"):
        joined[name] = pd.to_datetime(joined[name]).dt.date
    counting = describe_counting(measure, joined["reason"], _AT_RISK, citation)
    joined["expected"] = joined["expected"].where(counting["counts"] == "yes")
    return pd.concat([joined.drop(columns="reason"), counting], axis=1)


def add_up_days(lines: pd.DataFrame) -> pd.DataFrame:
    """Return patients, days and events not counted by reason, without the counted lines."""
    excluded = lines[lines["counts"] == "no"]
    return (
        excluded.groupby(["why", "manual"], sort=True)
        .agg(patients=(PATIENT, "nunique"), days=("days", "sum"), uncounted=("uncounted", "sum"))
        .reset_index()
    )
