"""Days admitted in EQRS: manual 2.8.11, 3.1.5; an admission nobody closed (reading 88)."""

import pytest

from esrd_pipeline_tests.sql.histories import spell
from esrd_pipeline_tests.sql.months import A, know
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.8.11", "3.1.5")

OPEN = spell(A, "2023-05-01")


def state(name: str, start: str, end: str = "2024-12-31") -> Row:
    """A spell of the treatment history without dialysis."""
    return {
        "program": "qip",
        "patient_id": 1,
        "start_date": day(start),
        "end_date": day(end),
        "state": name,
        "ccn": None,
        "source": "transplant",
    }


def admitted(*states: Row, stays: tuple[Row, ...] = (OPEN,), died: str | None = None) -> Case:
    """The QIP's segments, as first and last day."""
    return case(
        "history.admitted",
        tables={
            **know(died=died),
            "history.treatment": list(states),
            "raw.eqrs_admission": list(stays),
        },
    ).read(
        lambda rows: [
            (str(row.start_date)[:10], str(row.end_date)[:10])
            for row in rows[rows["program"] == "qip"].itertuples()
        ]
    )


@worked
def test_an_open_admission_lasts_all_year() -> Worked:
    rows = yield admitted()
    assert rows == [("2024-01-01", "2024-12-31")]


@worked
def test_a_transplant_ends_an_admission_that_nobody_closed() -> Worked:
    now, before = yield (
        admitted(state("transplant", "2024-01-10")),
        admitted(state("transplant", "2023-06-10")),
    )
    assert now == [("2024-01-01", "2024-01-10")]
    assert before == []


@pytest.mark.parametrize("name", ["recovered", "withdrawn"])
@worked
def test_recovery_and_withdrawal_known_from_elsewhere_end_it(name: str) -> Worked:
    rows = yield admitted(state(name, "2024-03-11"))
    assert rows == [("2024-01-01", "2024-03-10")]


@worked
def test_it_goes_on_when_dialysis_does() -> Worked:
    failed, returned = yield (
        admitted(state("transplant", "2024-01-10", "2024-05-31"), state("withdrawn", "2024-11-01")),
        admitted(
            state("transplant", "2024-01-10", "2024-05-31"),
            stays=(spell(A, "2023-05-01", "2024-01-10", "Transplant"), spell(A, "2024-06-01")),
        ),
    )
    assert failed == [("2024-01-01", "2024-01-10"), ("2024-06-01", "2024-10-31")]
    assert returned == [("2024-01-01", "2024-01-10"), ("2024-06-01", "2024-12-31")]


@worked
def test_days_without_a_place_and_lost_ones_end_nothing() -> Worked:
    rows = yield admitted(state("untreated", "2024-03-01"), state("lost", "2024-08-01"))
    assert rows == [("2024-01-01", "2024-12-31")]


@worked
def test_death_ends_it_before_anything_else() -> Worked:
    rows = yield admitted(state("withdrawn", "2024-05-01"), died="2024-04-20")
    assert rows == [("2024-01-01", "2024-04-20")]
