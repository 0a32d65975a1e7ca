"""SRR and ED30 explained: every discharge, what followed it, its expected probability."""

import pandas as pd

from esrd_pipeline.explanation.days import compare_expected, list_arithmetic
from esrd_pipeline.explanation.document import COUNTED, Check, Section
from esrd_pipeline.explanation.events import describe_counting, list_returns
from esrd_pipeline.explanation.identities import name_hospitals
from esrd_pipeline.explanation.modelled import explain_discharges
from esrd_pipeline.explanation.request import Request, list_patients
from esrd_pipeline.explanation.results import Row, compare, find_meaning, find_nothing
from esrd_pipeline.families.cohort import PATIENT

_INDEX = f"{COUNTED}: an index discharge"


def explain_returns(request: Request, row: Row) -> tuple[list[Section], list[Check]]:
    """Return the tables and sums of a measure of events after a discharge."""
    listed = request.explain("explain.discharges")
    if listed.empty:
        return [], [find_nothing(row)]
    meaning = find_meaning(request)
    factors = explain_discharges(request)
    stays = request.select("discharge", list_patients(listed))
    lines = _describe(request, listed, stays, meaning.citation)
    sections = [
        Section(
            "lines",
            "Discharges, patient by patient",
            lines,
            "Every discharge of a patient whom this facility treated that day: counted, or"
            " excluded by the first rule that applies.",
        ),
        Section(
            "events",
            "What followed the discharges",
            list_returns(request, listed, meaning.citation),
            "Hospital stays, or emergency department visits, 4 to 30 days after a discharge.",
        ),
        *list_arithmetic(factors),
        Section("exclusions", "Excluded discharges by reason", _add_up(lines)),
    ]
    counted = lines[lines["counts"] == "yes"]
    events = float((counted["in_numerator"] == "yes").sum())
    return sections, [
        compare(row, "discharges followed by the event", "numerator", events),
        *compare_expected(row, factors),
        compare(row, "index discharges", "unit_count", float(len(counted))),
        compare(row, "patients counted", "patients", float(counted[PATIENT].nunique())),
    ]


def _describe(
    request: Request, listed: pd.DataFrame, stays: pd.DataFrame, citation: str
) -> pd.DataFrame:
    joined = listed.merge(
        stays[[PATIENT, "stay", "admit_date", "claims"]], on=[PATIENT, "stay"], how="left"
    )
    names = name_hospitals(request, joined["hospital_ccn"].tolist())
    frame = pd.DataFrame(
        {
            PATIENT: joined[PATIENT],
            "stay": joined["stay"],
            "admit_date": pd.to_datetime(joined["admit_date"]).dt.date,
            "discharge_date": pd.to_datetime(joined["discharge_date"]).dt.date,
            "hospital_number": joined["hospital_ccn"],
            "hospital_name": joined["hospital_ccn"].map(names),
            "claims": joined["claims"],
            "in_numerator": write_flags(joined["is_in_numerator"]),
            "event_day": joined["event_day"],
            "expected": joined["expected"],
        }
    )
    counting = describe_counting(request.measure, joined["reason"], _INDEX, citation)
    return pd.concat([frame, counting], axis=1)


def write_flags(flags: pd.Series) -> pd.Series:
    """Return yes or no, and nothing where a line does not count."""
    words = flags.astype(object).map({True: "yes", False: "no"})
    return words.where(flags.notna(), None)


def _add_up(lines: pd.DataFrame) -> pd.DataFrame:
    excluded = lines[lines["counts"] == "no"]
    return (
        excluded.groupby(["why", "manual"], sort=True)
        .agg(patients=(PATIENT, "nunique"), discharges=("stay", "size"))
        .reset_index()
    )
