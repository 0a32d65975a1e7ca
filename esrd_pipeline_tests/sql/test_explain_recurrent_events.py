"""One facility's SHR, STrR or SEDR by segment: counted here, at another facility, or nowhere."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked


def segment(month: int, ccn: str | None, *, reason: str | None = None, events: int = 0) -> Row:
    first = day(f"2024-{month:02d}-01")
    return {
        "program": "dfc",
        "patient_id": 1,
        "ccn": ccn,
        "period": month,
        "start_date": first,
        "end_date": first.replace(day=28),
        "reason": reason,
        "events": events,
        "uncounted_events": 0,
    }


def explain(*segments: Row, measure: str = "strr") -> Case:
    """What facility A is told of patient 1, whom it treated from January to March."""
    return case(
        "explain.recurrent_events",
        alone=True,
        ccn="A",
        measure=measure,
        tables={
            "history.treatment": [
                {
                    "program": "dfc",
                    "patient_id": 1,
                    "ccn": "A",
                    "state": "dialysis",
                    "start_date": day("2024-01-01"),
                    "end_date": day("2024-03-31"),
                }
            ],
            f"cohort.{measure}_days": segments,
            f"cohort.{measure}": [
                {"program": "dfc", "patient_id": 1, "period": 1, "days_at_risk": 28}
            ],
            f"cohort.{measure}_expected": [
                {"program": "dfc", "patient_id": 1, "period": 1, "expected": 0.7}
            ],
        },
    )


@pytest.mark.parametrize("measure", ["shr", "strr", "sedr"])
@worked
def test_a_counted_stretch_has_its_events_and_its_share_of_the_periods_expectation(
    measure: str,
) -> Worked:
    half = {**segment(1, "A", events=2), "end_date": day("2024-01-14")}
    rows = yield explain(half, measure=measure)
    (row,) = rows.to_dict("records")
    assert (row["measure"], row["observed"], row["uncounted"]) == (measure, 2, 0)
    assert row["expected"] == pytest.approx(0.35, rel=1e-15)
    assert pd.isna(row["reason"])


@worked
def test_events_of_days_not_at_risk_and_events_the_measure_does_not_count_are_told_apart() -> (
    Worked
):
    rows = yield explain(
        {**segment(1, "A", events=2), "uncounted_events": 1},
        segment(2, "A", reason="medicare_advantage", events=3),
    )
    assert rows["observed"].tolist() == [1, 0]
    assert rows["uncounted"].tolist() == [1, 3]
    assert rows["expected"].isna().tolist() == [False, True]


@worked
def test_days_it_treated_that_another_or_no_one_answers_for_are_listed_without_events() -> Worked:
    rows = yield explain(
        segment(1, "B", events=1),
        segment(2, None, reason="first_days_of_esrd", events=1),
        segment(4, "B"),
    )
    assert rows["reason"].tolist() == [
        "attributed_to_another_facility",
        "first_days_of_esrd",
    ]
    assert rows["observed"].sum() == rows["uncounted"].sum() == 0


@worked
def test_days_of_another_measure_are_not_told() -> Worked:
    first, second = yield explain(segment(1, "A"), measure="sedr"), explain(measure="sedr")
    assert first["measure"].unique().tolist() == ["sedr"]
    assert second.empty
