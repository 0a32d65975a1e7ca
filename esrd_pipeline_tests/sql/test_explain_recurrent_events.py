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


EVENTS = {
    "shr": ("history.hospital_stay", "admit_date"),
    "strr": ("history.transfusion", "transfusion_date"),
    "sedr": ("history.emergency_encounter", "start_date"),
}
HAPPENED = [day(text) for text in ("2024-01-10", "2024-02-03", "2024-03-31", "2024-04-02")]
"""Days of patient 1's events, the last after facility A's last day."""


def explain(*segments: Row, measure: str = "strr", is_eventful: bool = False) -> Case:
    """What facility A is told of patient 1, whom it treated from January to March."""
    table, column = EVENTS[measure]
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
            table: [{"patient_id": 1, column: at} for at in HAPPENED] if is_eventful else [],
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


@pytest.mark.parametrize("measure", list(EVENTS))
@worked
def test_days_it_treated_that_another_or_no_one_answers_for_have_the_events_of_these_days(
    measure: str,
) -> Worked:
    """February's stretch goes on after the facility's last day, with an event of its own."""
    rows = yield explain(
        segment(1, "B", events=1),
        {
            **segment(2, None, reason="first_days_of_esrd", events=3),
            "end_date": day("2024-05-28"),
        },
        segment(6, "B"),
        measure=measure,
        is_eventful=True,
    )
    assert rows["reason"].tolist() == ["attributed_to_another_facility", "first_days_of_esrd"]
    assert rows["observed"].tolist() == [0, 0]
    assert rows["uncounted"].tolist() == [1, 2]
    assert rows["end_date"].tolist()[-1] == day("2024-03-31")


@worked
def test_days_of_another_measure_are_not_told() -> Worked:
    first, second = yield explain(segment(1, "A"), measure="sedr"), explain(measure="sedr")
    assert first["measure"].unique().tolist() == ["sedr"]
    assert second.empty
