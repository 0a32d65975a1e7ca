"""One facility's patients in SMR, SWR and SMoSR: counted here, elsewhere, or excluded and why."""

from dataclasses import replace

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

RUN = {
    "program": "dfc",
    "start_date": day("2024-01-01"),
    "end_date": day("2024-03-31"),
    "days": 91,
    "is_covid": False,
    "ma_days": 0,
    "record": 1,
}


def explain(measure: str = "smr", **tables: list[Row]) -> Case:
    """What facility A is shown; it treated patients 1 to 3 from 1 February."""
    treated = [
        {
            "program": "dfc",
            "patient_id": patient,
            "ccn": "A",
            "state": "dialysis",
            "start_date": day("2024-02-01"),
            "end_date": day("2024-12-31"),
        }
        for patient in (1, 2, 3)
    ]
    named = {f"cohort.{name}": rows for name, rows in tables.items()}
    return case(
        "explain.survival",
        alone=True,
        ccn="A",
        measure=measure,
        tables={"history.treatment": treated, **named},
    )


@worked
def test_what_the_facility_answers_for_is_shown_with_events_and_what_was_expected() -> Worked:
    rows = yield explain(
        smr_days=[{**RUN, "patient_id": 1, "ccn": "A", "death": "counted cause"}],
        smr_expected=[
            {
                "program": "dfc",
                "patient_id": 1,
                "start_date": day("2024-01-01"),
                "expected": 0.05,
            }
        ],
    )
    (row,) = rows.to_dict("records")
    assert (row["days"], row["observed"], row["uncounted"]) == (91, 1, 0)
    assert row["expected"] == pytest.approx(0.05)
    assert pd.isna(row["reason"])


@worked
def test_what_another_answers_for_is_shown_for_the_days_treated_here() -> Worked:
    rows = yield explain(smr_days=[{**RUN, "patient_id": 1, "ccn": "B", "death": "counted cause"}])
    (row,) = rows.to_dict("records")
    assert (row["start_date"], row["days"]) == (day("2024-02-01"), 29 + 31)
    assert row["reason"] == "attributed_to_another_facility"
    assert (row["observed"], row["uncounted"]) == (0, 1)


@worked
def test_whom_the_facility_neither_treated_nor_answers_for_is_not_shown() -> Worked:
    rows = yield explain(smr_days=[{**RUN, "patient_id": 4, "ccn": "B"}])
    assert rows.empty


@worked
def test_nobodys_days_keep_their_reason() -> Worked:
    rows = yield explain(smr_days=[{**RUN, "patient_id": 1, "ccn": None, "reason": "transplant"}])
    (row,) = rows.to_dict("records")
    assert row["reason"] == "transplant"


@worked
def test_a_death_of_an_excluded_cause_is_told_beside() -> Worked:
    rows = yield explain(smr_days=[{**RUN, "patient_id": 1, "ccn": "A", "death": "excluded cause"}])
    (row,) = rows.to_dict("records")
    assert (row["observed"], row["uncounted"]) == (0, 1)


@worked
def test_smr_is_told_of_four_years() -> Worked:
    rows = yield explain(
        smr_days=[
            {
                **RUN,
                "patient_id": 1,
                "ccn": "A",
                "start_date": day(f"{year}-01-01"),
                "end_date": day(f"{year}-03-31"),
                "performance_year": year,
            }
            for year in range(2020, 2025)
        ]
    )
    assert [first.year for first in rows["start_date"]] == [2021, 2022, 2023, 2024]


@pytest.mark.parametrize("measure", ["swr", "smosr"])
@worked
def test_the_others_are_told_of_three_years_of_incidence(measure: str) -> Worked:
    rows = yield explain(
        measure,
        **{
            measure: [
                {
                    "program": "dfc",
                    "patient_id": 1,
                    "ccn": "A",
                    "start_date": day(f"{year - 1}-05-01"),
                    "end_date": day(f"{year - 1}-05-31"),
                    "start_day": 0,
                    "stop_day": 31,
                    "is_event": 1,
                    "performance_year": year,
                }
                for year in range(2020, 2025)
            ]
        },
    )
    assert [first.year for first in rows["start_date"]] == [2021, 2022, 2023]
    assert rows["observed"].tolist() == [1, 1, 1]


@worked
def test_earlier_years_are_shown_under_todays_numbers() -> Worked:
    before = {
        **RUN,
        "start_date": day("2023-01-01"),
        "end_date": day("2023-12-31"),
        "days": 365,
        "performance_year": 2023,
    }
    changed = {
        "linkage.earlier_patient": [{"earlier_patient_id": -900, "patient_id": 1}],
        "linkage.provider_number": [{"program": "dfc", "provider_number": "OLD", "ccn": "A"}],
    }
    found = explain(
        smr_days=[
            {**before, "patient_id": -900, "ccn": "OLD"},
            {**before, "patient_id": 1, "ccn": "OLD", "reason": "month_not_observable_in_claims"},
        ],
        smr_expected=[
            {
                "program": "dfc",
                "patient_id": 1,
                "start_date": day("2023-01-01"),
                "expected": 0.05,
            }
        ],
    )
    rows = yield replace(found, tables={**found.tables, **changed})
    (row,) = rows.to_dict("records")
    assert (row["patient_id"], row["ccn"], row["days"]) == (1, "A", 365)
    assert row["expected"] == pytest.approx(0.05)
