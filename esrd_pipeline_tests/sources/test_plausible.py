"""Days and numbers that a raw table cannot hold: whole columns of another unit or of no day."""

import pandas as pd
import pytest

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.intake.judging import describe, judge
from esrd_pipeline.sources.intake.questions import TABLES, list_questions
from esrd_pipeline_tests.sources.test_intake import ask, count
from esrd_pipeline_tests.sql.worked import YEAR, Row, day

GUARDED = {"clm_from_dt", "trmntn_exprtn_dt"}


def test_every_column_of_days_is_asked_for_days_far_outside() -> None:
    kinds = {"date_far_outside", "date_outside_year", "last_day_far_before"}
    for table in TABLES:
        asked = {question.column for question in list_questions(table) if question.kind in kinds}
        days = {column.name for column in table.columns if column.type == "date"}
        assert days - asked <= GUARDED, table.name


def test_days_that_stand_for_none_or_lie_far_ahead_are_told() -> None:
    days = ["1900-01-01", "1949-12-31", "1950-01-01", "2025-12-31", "2026-01-01", "2999-12-31"]
    patients: list[Row] = [
        {"patient_id": number, "date_of_birth": day("1950-01-01"), "date_of_death": day(text)}
        for number, text in enumerate(days, start=1)
    ]
    patients.append({"patient_id": 9, "date_of_birth": day("1950-01-01")})
    found = ask({"raw.eqrs_patient": patients}, "date_far_outside")
    assert found == {("date_far_outside", "", "date_of_death"): (4, 6)}
    # The directory may be of a later day than the folder.
    facilities: list[Row] = [
        {"facilityid": number, "dateclosed": day(text)} for number, text in enumerate(days, start=1)
    ]
    found = ask({"raw.eqrs_facility": facilities}, "date_far_outside")
    assert found == {("date_far_outside", "", "dateclosed"): (3, 6)}


@pytest.mark.parametrize(
    ("column", "value", "is_odd"),
    [
        ("calcium_value", 9.1, False),
        ("calcium_value", 2.3, True),
        ("ktv_value", 8.88, False),
        ("ktv_value", 140, True),
        ("ktv_value", 0, False),
        ("delivered_minutes", 4, True),
    ],
)
def test_values_of_another_unit_are_told(column: str, value: float, *, is_odd: bool) -> None:
    record: Row = {
        "patient_id": 1,
        "facilityid": 1,
        "month": day("2024-03-01"),
        "record_number": 1,
        column: value,
    }
    found = ask({"raw.eqrs_clinical_month": [record]}, "value_outside_range")
    assert found == ({("value_outside_range", "", column): (1, 1)} if is_odd else {})


def test_every_range_is_of_a_column_that_is_asked() -> None:
    asked = {
        question.column
        for table in TABLES
        for question in list_questions(table)
        if question.kind == "value_outside_range"
    }
    assert {row["column"] for row in load_rows("raw_range")} == asked


def test_a_month_without_rows_is_told_where_later_ones_are_there() -> None:
    months = [f"2024-{month:02d}-01" for month in (1, 2, 4, 5, 6)]
    records: list[Row] = [
        {"patient_id": 1, "facilityid": 1, "month": day(month), "record_number": 1}
        for month in months
    ]
    found = ask({"raw.eqrs_clinical_month": records}, "month_absent")
    assert found == {("month_absent", "", "month, month 3"): (3, 3)}
    claims: list[Row] = [
        {
            "clm_id": number,
            "bene_id": 1,
            "nch_clm_type_cd": kind,
            "clm_from_dt": day(last),
            "clm_thru_dt": day(last),
        }
        for number, (kind, last) in enumerate(
            [("60", "2024-01-31"), ("60", "2024-03-31"), ("60", "2025-05-31"), ("10", "2024-01-01")]
        )
    ]
    found = ask({"raw.claim": claims}, "month_absent")
    assert found == {("month_absent", "inpatient", "clm_thru_dt, month 2"): (1, 1)}


def test_a_needed_column_of_one_value_stops_the_year_where_it_had_several() -> None:
    def answer(sexes: str) -> pd.DataFrame:
        patients: list[Row] = [
            {"patient_id": number, "date_of_birth": day("1950-01-01"), "sex": sex}
            for number, sex in enumerate(sexes, start=1)
        ]
        return count({"raw.eqrs_patient": patients})

    several, one = answer("MF" * 100), answer("M" * 200)
    for now, before, outcome in (
        (several, several, "passes"),
        (one, several, "fails"),
        (one, one, "few_rows"),
        (several, one, "few_rows"),
    ):
        rows = judge(now, judge(before, None, YEAR - 1), YEAR)
        asked = rows[(rows["kind"] == "several_values") & (rows["column_name"] == "sex")]
        assert asked["outcome"].tolist() == [outcome]
        told = describe(asked, outcome)
        assert told is not None
        assert "column sex: all rows have one value, several the year before: 200 rows" in told
