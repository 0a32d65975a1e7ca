"""SEDR's cohort of several years: each year's conditions, and a term for each earlier year."""

import numpy as np
import pyarrow as pa
import pytest

from esrd_pipeline.families.recurrent_events_cohort import prepare_sedr
from esrd_pipeline.measures import sedr
from esrd_pipeline.tables.history import PATIENT_CHARACTERISTICS

YEAR = 2024
PATIENTS = [1, 2, 3]


def make_periods(year: int, *, covered_months: int = 12) -> pa.Table:
    count = len(PATIENTS)
    return pa.table(
        {
            "ccn": ["012501"] * count,
            "patient_id": PATIENTS,
            "performance_year": [year] * count,
            "interval": [5] * count,
            "days_at_risk": [300] * count,
            "event_count": [1] * count,
            "age": [70] * count,
            "covered_months": [covered_months] * count,
            "nursing_home_days": [0] * count,
        }
    )


def make_patients(year: int, *, is_female: bool) -> pa.Table:
    facts: dict[str, list[object]] = {
        name: [False] * len(PATIENTS)
        for name in sedr.specify(YEAR).facts
        if name in PATIENT_CHARACTERISTICS.column_names
    }
    facts |= {"bmi_class": [">=30"] * 3, "is_female": [is_female] * 3}
    return pa.table({"patient_id": PATIENTS, "performance_year": [year] * 3, **facts})


@pytest.mark.manual("2.25.14")
def test_every_year_has_its_own_conditions_characteristics_and_term() -> None:
    had = pa.table({"patient_id": [1, 3], "condition_group": ["ccs_098"] * 2})
    specification, cohort = prepare_sedr(
        YEAR,
        {year: make_periods(year) for year in (2021, 2023, YEAR)},
        {year: make_patients(year, is_female=year == YEAR) for year in (2021, 2023, YEAR)},
        {2021: had.slice(0, 0), 2023: had, YEAR: had.slice(0, 0)},
    )
    assert specification.adjusters == cohort.design.names
    assert cohort.design.names[-3:] == ("ccs_098", "is_year_before_1", "is_year_before_3")
    columns = dict(zip(cohort.design.names, cohort.design.matrix.T.tolist(), strict=True))
    assert columns["ccs_098"] == [0, 0, 0, 1, 0, 1, 0, 0, 0]
    assert columns["is_year_before_3"] == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert columns["is_year_before_1"] == [0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert columns["is_female"] == [0, 0, 0, 0, 0, 0, 1, 1, 1]


@pytest.mark.manual("2.25.14")
def test_fewer_than_six_covered_months_of_the_year_before_hide_its_conditions() -> None:
    had = pa.table({"patient_id": PATIENTS, "condition_group": ["ccs_098"] * 3})
    years = {2023: make_periods(2023, covered_months=5), YEAR: make_periods(YEAR, covered_months=6)}
    patients = {year: make_patients(year, is_female=False) for year in years}
    _, cohort = prepare_sedr(YEAR, years, patients, dict.fromkeys(years, had))
    places = [cohort.design.names.index(name) for name in ("is_prevalent_missing", "ccs_098")]
    assert np.array_equal(cohort.design.matrix[:, places], [[1, 0]] * 3 + [[0, 1]] * 3)
