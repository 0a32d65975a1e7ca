"""Several values of Kt/V on one month's records: manual 2.4.12, 2.6.12; readings 18, 87, 287."""

from collections.abc import Sequence

import pytest

from esrd_pipeline_tests.sql.months import PERITONEAL, PROGRAMS, A, care, know
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked


def records(*values: tuple[float, str | None]) -> list[Row]:
    """What a facility reported for March, one submission after the other."""
    return [
        {
            "patient_id": 1,
            "facilityid": A,
            "month": day("2024-03-01"),
            "record_number": number,
            "ktv_value": value,
            "ktv_date": when and day(when),
        }
        for number, (value, when) in enumerate(values, start=1)
    ]


@pytest.mark.manual("2.4.7", "2.4.12", "2.6.7", "2.6.12")
@pytest.mark.parametrize(
    ("values", "month", "expected"),
    [
        # Of 20 March, on hemodialysis for a while: it does not hide that of 5 March.
        ([(1.9, "2024-03-05"), (1.3, "2024-03-20")], "2024-05", 1.9),
        # Dated after the month, by a slip of the pen.
        ([(1.9, "2024-03-05"), (1.3, "2025-03-05")], "2024-05", 1.9),
        # Of one day the last submission counts, and of several days the last day.
        ([(1.9, "2024-03-05"), (1.3, "2024-03-05")], "2024-05", 1.3),
        ([(1.9, "2024-03-07"), (1.3, "2024-03-05")], "2024-05", 1.9),
        ([(1.9, "2024-03-05"), (1.3, "2024-03-20")], "2024-07", None),
    ],
)
@worked
def test_a_value_that_does_not_count_hides_no_other_of_its_month(
    values: Sequence[tuple[float, str]], month: str, expected: float | None
) -> Worked:
    rows = yield ask(
        month,
        records(*values),
        ("peritoneal", "2020-01-01", "2024-03-14"),
        ("hemodialysis", "2024-03-15", "2024-04-10"),
        ("peritoneal", "2024-04-11", "2024-12-31"),
    )
    assert rows == [expected] * 2


@worked
def test_a_value_without_a_day_is_not_taken_for_one_of_hemodialysis() -> Worked:
    """Of March, on the 10th of which the patient changed."""
    spells = [
        ("hemodialysis", "2020-01-01", "2024-03-09"),
        ("peritoneal", "2024-03-10", "2024-12-31"),
    ]
    undated, dated = yield (
        ask("2024-04", records((1.9, None)), *spells),
        ask("2024-04", records((1.9, "2024-03-01")), *spells),
    )
    assert undated == [1.9, 1.9]
    assert dated == [None, None]


def ask(month: str, reported: Sequence[Row], *spells: tuple[str, str, str]) -> Case:
    """The peritoneal Kt/V of a month, in both programs."""
    return case(
        "history.month_modality",
        "history.ktv_month",
        tables={
            **know(),
            "history.care_month": care(month, modality=PERITONEAL),
            "history.treatment": [
                {
                    "program": program,
                    "patient_id": 1,
                    "state": "dialysis",
                    "ccn": "A",
                    "modality": modality,
                    "start_date": day(start),
                    "end_date": day(end),
                }
                for program in PROGRAMS
                for modality, start, end in spells
            ],
            "raw.eqrs_clinical_month": reported,
        },
    ).read(lambda rows: rows["ktv"].astype(object).where(rows["ktv"].notna(), None).tolist())
