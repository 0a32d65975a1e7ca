"""Events of a facility by month: how what is expected is divided, and that months add up."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Tables, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.10.11, 2.13.13, 2.14.13, 2.26.12")
Months = dict[tuple[str, str, str], tuple[int, float]]


def total(measure: str, observed: float, expected: float, ccn: str = "A") -> Row:
    return {
        "ccn": ccn,
        "program": "dfc",
        "measure": measure,
        "patients": 1.0,
        "numerator": observed,
        "denominator": expected,
    }


def segment(start: str, days: int, **other: object) -> Row:
    row = {"program": "dfc", "patient_id": 1, "start_date": day(start), "period": 1, "days": days}
    return {**row, "ccn": "A", "events": 0, "uncounted_events": 0, **other}


def divide(tables: Tables) -> Case:
    # Alone: every facility has to have months, and months a facility.
    return case("network.event_month", tables=tables, alone=True).read(_tell)


def _tell(rows: pd.DataFrame) -> Months:
    return {
        (row["ccn"], row["measure"], f"{row['month']:%Y-%m}"): (
            row["observed"],
            pytest.approx(row["expected"], rel=1e-12),
        )
        for row in rows.to_dict("records")
    }


@worked
def test_a_period_expects_the_same_on_each_day_at_risk() -> Worked:
    """0.6 admissions in 60 days at risk are 0.01 a day: 0.31 in January, 0.29 in February."""
    months = yield divide(
        {
            "cohort.shr_days": [
                segment("2024-01-01", 31, events=1),
                segment("2024-02-01", 29, events=2, uncounted_events=1),
                segment("2024-03-01", 31, events=1, reason="month_not_observable_in_claims"),
            ],
            "cohort.shr_expected": [
                {"program": "dfc", "patient_id": 1, "period": 1, "observed": 2.0, "expected": 0.6}
            ],
            "facility.shr": [total("shr", 2.0, 0.6)],
        }
    )
    assert months == {("A", "shr", "2024-01"): (1, 0.31), ("A", "shr", "2024-02"): (1, 0.29)}


@worked
def test_a_period_at_the_qip_is_not_of_these_months() -> Worked:
    months = yield divide(
        {
            "cohort.strr_days": [
                segment("2024-01-01", 31, events=1),
                {**segment("2024-01-01", 31, events=1), "program": "qip"},
            ],
            "cohort.strr_expected": [
                {"program": name, "patient_id": 1, "period": 1, "observed": 1.0, "expected": 0.2}
                for name in ("dfc", "qip")
            ],
            "facility.strr": [total("strr", 1.0, 0.2)],
        }
    )
    assert months == {("A", "strr", "2024-01"): (1, 0.2)}


HAZARD: list[Row] = [
    {"program": "dfc", "stage": 3, "element": "baseline", "at": at, "estimate": cumulative}
    for at, cumulative in ((10.0, 0.1), (16.0, 0.2), (20.0, 0.3), (30.0, 0.5), (400.0, 9.0))
]


def followed(start: str, first: int, last: int, **other: object) -> Row:
    row = {"program": "dfc", "patient_id": 1, "start_date": day(start), "ccn": "A", "record": 1}
    return {**row, "start_day": first, "stop_day": last, "is_event": 0, **other}


def expecting(start: str, observed: float, expected: float, **other: object) -> Row:
    row = {"program": "dfc", "patient_id": 1, "start_date": day(start)}
    return {**row, "observed": observed, "expected": expected, **other}


@worked
def test_smr_divides_by_the_hazard_of_the_days() -> Worked:
    """16 to 31 January are days 1 to 16 of the clock, where the hazard rises by 0.2 of 0.5.

    The death on 14 February is the thirtieth day's.
    """
    months = yield divide(
        {
            "cohort.smr": [followed("2024-01-16", 0, 30, is_event=1)],
            "cohort.smr_expected": [expecting("2024-01-16", 1.0, 2.0)],
            "fit.smr": HAZARD,
            "facility.smr": [total("smr", 1.0, 2.0)],
        }
    )
    assert months == {("A", "smr", "2024-01"): (0, 0.8), ("A", "smr", "2024-02"): (1, 1.2)}


@worked
def test_a_segment_without_hazard_expects_nothing_in_its_months() -> Worked:
    months = yield divide(
        {
            "cohort.smr": [
                followed("2024-01-30", 0, 5),
                followed("2024-02-04", 5, 16, is_event=0),
            ],
            "cohort.smr_expected": [
                expecting("2024-01-30", 0.0, 0.0),
                expecting("2024-02-04", 0.0, 0.4),
            ],
            "fit.smr": HAZARD,
            "facility.smr": [total("smr", 0.0, 0.4)],
        }
    )
    assert months == {("A", "smr", "2024-01"): (0, 0.0), ("A", "smr", "2024-02"): (0, 0.4)}


@worked
def test_smr_of_earlier_years_is_told_under_todays_numbers() -> Worked:
    """Patient 7 of 2023 is patient 1, who has rows of that year, too: they are kept (101)."""
    months = yield divide(
        {
            "cohort.smr": [
                followed("2023-01-01", 0, 20, ccn="OLD", performance_year=2023),
                followed("2023-01-01", 0, 10, patient_id=7, performance_year=2023),
                followed("2023-03-01", 0, 10, patient_id=8, performance_year=2023),
                followed("2024-01-01", 0, 10),
            ],
            "cohort.smr_expected": [
                expecting("2023-01-01", 0.0, 0.3),
                expecting("2023-03-01", 0.0, 0.1, patient_id=2),
                expecting("2024-01-01", 0.0, 0.1),
            ],
            "linkage.earlier_patient": [
                {"earlier_patient_id": 7, "patient_id": 1},
                {"earlier_patient_id": 8, "patient_id": 2},
            ],
            "linkage.provider_number": [
                {"program": "dfc", "provider_number": "OLD", "ccn": "A"},
                {"program": "dfc", "provider_number": "A", "ccn": "A"},
            ],
            "fit.smr": HAZARD,
            "facility.smr": [total("smr", 0.0, 0.5)],
        }
    )
    assert months == {
        ("A", "smr", "2023-01"): (0, 0.3),
        ("A", "smr", "2023-03"): (0, 0.1),
        ("A", "smr", "2024-01"): (0, 0.1),
    }


@worked
def test_a_discharge_is_of_its_own_month_whatever_the_month_of_the_event() -> Worked:
    """ED30 has the discharges of the year before, too."""

    def left(on: str, stay: int, **other: object) -> Row:
        row = {"program": "dfc", "patient_id": 1, "stay": stay, "discharge_date": day(on)}
        return {**row, "ccn": "A", **other}

    def after(stay: int, observed: float, expected: float) -> Row:
        row = {"program": "dfc", "patient_id": 1, "stay": stay}
        return {**row, "observed": observed, "expected": expected}

    months = yield divide(
        {
            "cohort.srr": [
                left("2024-03-31", 1, is_event=1),
                left("2024-04-30", 2, reason="died_in_hospital"),
            ],
            "cohort.srr_expected": [after(1, 1.0, 0.25)],
            "cohort.ed30": [left("2023-12-05", 1, is_event=1), left("2024-01-20", 2)],
            "cohort.ed30_expected": [after(1, 1.0, 0.125), after(2, 0.0, 0.5)],
            "facility.srr": [total("srr", 1.0, 0.25)],
            "facility.ed30": [total("ed30", 1.0, 0.625)],
        }
    )
    assert months == {
        ("A", "srr", "2024-03"): (1, 0.25),
        ("A", "ed30", "2023-12"): (1, 0.125),
        ("A", "ed30", "2024-01"): (0, 0.5),
    }


@worked
def test_what_has_no_counterpart_leaves_a_required_column_empty() -> Worked:
    def read(rows: pd.DataFrame) -> list[tuple[str, bool, bool]]:
        empty = rows[["month", "facility_observed"]].isna()
        return list(zip(rows["ccn"], empty["month"], empty["facility_observed"], strict=True))

    tables: Tables = {
        "cohort.shr_days": [segment("2024-01-01", 31)],
        "cohort.shr_expected": [
            {"program": "dfc", "patient_id": 1, "period": 1, "observed": 0.0, "expected": 0.6}
        ],
        "facility.shr": [
            total("shr", 1.0, 0.4, "B"),
            {**total("shr", 0.0, 0.0, "NOBODY"), "patients": 0.0},
        ],
    }
    rows = yield case("network.event_month", tables=tables, alone=True).read(read)
    assert sorted(rows) == [("A", False, True), ("B", True, False)]
