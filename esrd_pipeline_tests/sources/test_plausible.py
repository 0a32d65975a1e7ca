"""Days and numbers that a raw table cannot hold: whole columns of another unit or of no day."""

import pytest

from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.intake.questions import TABLES, list_questions
from esrd_pipeline_tests.sources.test_intake import ask
from esrd_pipeline_tests.sql.worked import Row, day

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
