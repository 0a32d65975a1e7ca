"""Facilities' yearly reports to EQRS on each patient: depression, health-related social needs.

One report per patient and facility; some are sent twice, which is labelled.
"""

import numpy as np

from esrd_pipeline.synthetic.nation.claims import MarketYear
from esrd_pipeline.synthetic.nation.columns import Coded, Codes, Rows, Values, choose_rows, stack
from esrd_pipeline.synthetic.nation.figures import load_figures
from esrd_pipeline.synthetic.nation.labels import label
from esrd_pipeline.tables.clinical import NEEDS

RESULT = Codes(("yes", "no"))
_NOTHING_SAID = 6
"""Condition 6 of 2.9.2: not documented, no reason given."""
_CONDITIONS = (4, 1, 5, 3, 2, _NOTHING_SAID)
_FIRST, _SECOND = 1, 2


def report_screenings(here: MarketYear, rng: np.random.Generator) -> dict[str, Rows]:
    """Return the year's reports of both screenings, with labels of those sent twice."""
    stays = _list_stays(here, rng)
    depression, labels = _report_depression(here, stays, rng)
    return {
        "eqrs_depression_screening": depression,
        "eqrs_social_screening": _report_social(here, stays, rng),
        "data_defects": labels,
    }


def _list_stays(here: MarketYear, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return every patient and facility of the year, and a day of treatment there."""
    months, count = here.months, len(here.market.facilities)
    _, first = np.unique(months.patient * count + months.facility, return_index=True)
    cells = first + (rng.random(first.size) < 1 / 2)
    # The second cell, if it is of the same patient at the same facility.
    cells = np.minimum(cells, months.patient.size - 1)
    same = (months.patient[cells] == months.patient[first]) & (
        months.facility[cells] == months.facility[first]
    )
    cells = np.where(same, cells, first)
    return {
        "patient": months.patient[cells],
        "facility": months.facility[cells],
        "day": months.begin[cells] + (rng.random(cells.size) * months.days[cells]).astype(np.int64),
    }


def _key(here: MarketYear, stays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        "patient_id": here.people.patient_id[stays["patient"]],
        "facilityid": here.market.numbers("facilityid")[stays["facility"]],
        "record_number": np.full(stays["patient"].size, _FIRST),
    }


def _report_depression(
    here: MarketYear, stays: dict[str, np.ndarray], rng: np.random.Generator
) -> tuple[Rows, Rows]:
    figures, count = load_figures(), stays["patient"].size
    share = [figures[f"depression_condition_{number}"] for number in _CONDITIONS[:-1]]
    condition = rng.choice(_CONDITIONS, size=count, p=[*share, 1 - sum(share)])
    rows: dict[str, Values] = {
        **_key(here, stays),
        "assessment_date": stays["day"],
        "condition": condition,
    }
    reported = np.flatnonzero(rng.random(count) < figures["depression_reported"])
    rows = choose_rows(rows, reported)
    again = np.flatnonzero(rng.random(reported.size) < figures["screening_twice"])
    second = choose_rows(rows, again)
    second["record_number"] = np.full(again.size, _SECOND)
    first = np.array(rows["condition"])
    first[again] = _NOTHING_SAID
    stay = reported[again]
    labels = label(
        "screening reported twice",
        patient=here.people.patient_id[stays["patient"][stay]],
        facility=here.market.numbers("facilityid")[stays["facility"][stay]],
        day=stays["day"][stay],
    )
    return stack([{**rows, "condition": first}, second]), labels


def _report_social(
    here: MarketYear, stays: dict[str, np.ndarray], rng: np.random.Generator
) -> Rows:
    """Return the needs each patient was screened for: all, some, or none with a reason."""
    figures, count = load_figures(), stays["patient"].size
    luck = rng.random(count)
    limits = np.cumsum([figures[f"social_{name}"] for name in ("whole", "part", "refused")])
    is_whole, is_part = luck < limits[0], (luck >= limits[0]) & (luck < limits[1])
    is_refused = (luck >= limits[1]) & (luck < limits[2])
    is_unable = (luck >= limits[2]) & (luck < limits[2] + figures["social_unable"])
    left_out = rng.integers(0, len(NEEDS), count)
    is_answered = rng.random(count) < figures["social_answered"]
    silent = rng.integers(0, len(NEEDS), count)
    columns: dict[str, Values] = {}
    results: dict[str, Coded] = {}
    for place, need in enumerate(NEEDS):
        screened = is_whole | (is_part & (left_out != place))
        columns[f"is_screened_{need}"] = screened
        has_need = rng.random(count) < figures["social_need"]
        answered = screened & (is_answered | (silent != place))
        results[f"result_{need}"] = RESULT.of(np.where(answered, np.where(has_need, 0, 1), -1))
    rows: dict[str, Values] = {
        **_key(here, stays),
        "screening_date": stays["day"],
        "is_opted_out": is_refused,
        "is_unable": is_unable,
        **columns,
        **results,
    }
    return choose_rows(rows, np.flatnonzero(is_whole | is_part | is_refused | is_unable))
