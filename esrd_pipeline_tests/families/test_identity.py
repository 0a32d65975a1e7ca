"""People and facilities of earlier years under today's numbers, where years are combined."""

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline.families.identity import Identity
from esrd_pipeline.families.survival_cohort import prepare_smr
from esrd_pipeline.measures import smr
from esrd_pipeline.tables import survival
from esrd_pipeline_tests.families.test_survival_cohort import (
    NOT_ATTRIBUTED,
    make_cohort,
    make_patients,
)

pytestmark = pytest.mark.manual("3.2.1", "3.3.3", "3.3.5")

IDENTITY = Identity.of(
    pd.DataFrame({"earlier_patient_id": [-900, -901, 7], "patient_id": [1, 1, 2]}),
    pd.DataFrame(
        {"provider_number": ["012506", "012507", "012508"], "ccn": ["012507", "012507", "012508"]}
    ),
)


def rename(
    patients: Sequence[int], *, joins_numbers: bool = False, **facts: list[object]
) -> list[dict[str, object]]:
    rows = pa.table({"patient_id": patients, **facts})
    return IDENTITY.rename(rows, joins_numbers=joins_numbers).to_pylist()


def test_who_had_another_number_has_todays() -> None:
    assert rename([-900, 3, 7]) == [{"patient_id": 1}, {"patient_id": 3}, {"patient_id": 2}]


def test_a_facility_that_had_another_number_has_todays() -> None:
    renamed = rename([3, 3, 3], ccn=["012506", "012508", None])
    assert [row["ccn"] for row in renamed] == ["012507", "012508", None]


def test_of_two_numbers_in_a_year_the_one_whose_rows_count_is_kept() -> None:
    renamed = rename([1, -900, -901], reason=["no_medicare", None, "no_medicare"], place=[1, 2, 3])
    assert renamed == [{"patient_id": 1, "reason": None, "place": 2}]


def test_of_two_that_count_todays_own_is_kept_then_the_highest() -> None:
    assert rename([-900, 1, 1], place=[1, 2, 3]) == [
        {"patient_id": 1, "place": 2},
        {"patient_id": 1, "place": 3},
    ]
    assert rename([-901, -900], place=[1, 2]) == [{"patient_id": 1, "place": 2}]


def test_facts_of_both_numbers_are_the_persons_once() -> None:
    renamed = rename([1, -900, -900], joins_numbers=True, condition_group=["a", "a", "b"])
    assert renamed == [
        {"patient_id": 1, "condition_group": "a"},
        {"patient_id": 1, "condition_group": "b"},
    ]


def test_a_number_changed_without_a_new_owner_is_one_facility_of_731_days() -> None:
    cohorts = {}
    for year, ccn, days in ((2023, "012506", 365), (2024, "012507", 366)):
        rows = make_cohort(survival.SMR, year).slice(0, 40)
        for name, values in (
            ("ccn", pa.array([ccn] * 40)),
            ("stop_day", pa.array([days] * 40)),
        ):
            rows = rows.set_column(rows.column_names.index(name), name, values)
        cohorts[year] = rows
    cohorts[2023] = IDENTITY.rename(cohorts[2023])
    patients = make_patients(smr.specify(2024), *cohorts)
    _, cohort = prepare_smr(2024, cohorts, patients, dict.fromkeys(cohorts, NOT_ATTRIBUTED))
    assert cohort.ccns.tolist() == ["012507"]
    first = cohort.patient == cohort.patient[cohort.patient > 2][0]
    assert cohort.numbers("stop_day")[first].sum() == 731
