"""Every number of the dictionary has a unit, or is of a kind that has none."""

from collections.abc import Iterator

from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline.tables.dictionary import NUMERIC, find_unit
from esrd_pipeline.tables.model import Column, Table
from esrd_pipeline.tables.units import (
    KINDS,
    UNITS_OF_COLUMNS,
    UNITS_OF_ENDINGS,
    UNITS_OF_TABLES,
    find_kind,
)


def list_numbers() -> Iterator[tuple[Table, Column]]:
    for table in TABLES_BY_NAME.values():
        for column in table.columns:
            if column.type in NUMERIC:
                yield table, column


def read_unit(name: str) -> str | None:
    table, _, column = name.rpartition(".")
    found = TABLES_BY_NAME[table]
    return find_unit(found, next(one for one in found.columns if one.name == column))


def test_a_number_without_a_unit_is_of_a_stated_kind() -> None:
    missing = [
        f"{table.name}.{column.name}"
        for table, column in list_numbers()
        if find_unit(table, column) is None and find_kind(column.name) is None
    ]
    assert missing == []


def test_a_name_has_a_unit_or_a_kind_and_not_both() -> None:
    named = [name for names in KINDS.values() for name in names]
    assert len(named) == len(set(named))
    assert set(UNITS_OF_COLUMNS).isdisjoint(named)


def test_no_row_is_left_of_a_column_that_is_gone() -> None:
    numbers = {f"{table.name}.{column.name}" for table, column in list_numbers()}
    columns = {column.name for _, column in list_numbers()}
    assert set(UNITS_OF_TABLES) <= numbers
    assert {*UNITS_OF_COLUMNS, *(name for names in KINDS.values() for name in names)} <= columns
    assert all(any(name.endswith(ending) for name in columns) for ending in UNITS_OF_ENDINGS)


def test_units_are_those_of_the_columns() -> None:
    expected = {
        "cohort.shr.days_at_risk": "days",
        "cohort.shr.event_count": "events",
        "cohort.shr.covered_months": "months",
        "cohort.shr.age": "years",
        "raw.dfc_facility.shr_rate": "admissions per 100 patient-years",
        "raw.dfc_facility.shr_upper": "ratio",
        "raw.qip_complete.shr_achievement_patient_year_count": "patient-years",
        "raw.claim.clm_pmt_amt": "USD",
        "history.clinical_month.hd_ktv": "Kt/V",
        "history.patient_characteristics.bmi": "kg/m2",
        "program.qip_tps.tps": "points",
        "program.qip_tps.payment_reduction": "percent",
        "facility.contract.value": "by program and measure: value_unit of facility.contract",
        "program.star_adjustment.factor": "ratio",
        "report.star_factor.factor": None,
        "explain.recurrent_events.expected": "events",
        "explain.discharges.expected": "probability",
        "cohort.shr.patient_id": None,
        "cohort.shr.performance_year": None,
        "facility.contract.z": None,
    }
    assert {name: read_unit(name) for name in expected} == expected
