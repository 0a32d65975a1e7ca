"""What SHR, STrR and SEDR say of themselves, and the conditions that join two of them."""

from dataclasses import replace

import pyarrow as pa
import pytest

from esrd_pipeline.families.cohort import read_cohort
from esrd_pipeline.families.conditions import add_conditions, list_common, list_conditions
from esrd_pipeline.measures import sedr, shr, strr
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.tables.recurrent_events import RATES

YEAR = 2024
SPECIFICATIONS = (
    shr.specify("dfc", YEAR),
    strr.specify("qip", YEAR),
    sedr.specify(YEAR),
)


@pytest.mark.parametrize("specification", SPECIFICATIONS, ids=lambda s: s.measure)
def test_every_adjuster_is_a_column_of_the_cohort_named_once(specification: Specification) -> None:
    assert set(specification.adjusters) <= set(RATES.column_names)
    assert len(set(specification.adjusters)) == len(specification.adjusters)


def test_size_unit_and_direction_are_the_chapters() -> None:
    said = [
        (entry.measure, entry.minimum_units, entry.unit, entry.direction, entry.rate_scale)
        for entry in (specification.entry for specification in SPECIFICATIONS)
    ]
    assert said == [
        ("shr", 5, "patient_years", "lower", 100),
        ("strr", 10, "patient_years", "lower", 100),
        ("sedr", 5, "patient_years", "lower", 100),
    ]


def test_strr_takes_ages_in_groups_and_neither_sex_nor_conditions_nor_medicare_advantage() -> None:
    adjusters = set(strr.ADJUSTERS)
    assert not {"is_female", "age_over_65", "is_prevalent_missing", "ma_share"} & adjusters
    assert {"is_age_18_to_24", "is_covid_3", "interval_5_x_diabetes"} <= adjusters
    # 4 age groups, 2 of the cause, 2 of nursing homes, 3 of BMI, 15 at incidence, 3 of COVID-19,
    # diabetes with 5 intervals and 4 age groups.
    assert len(adjusters) == 4 + 2 + 2 + 3 + 15 + 3 + 5 + 4


def test_strr_is_the_same_in_both_programs() -> None:
    assert strr.specify("dfc", YEAR).adjusters == strr.specify("qip", YEAR).adjusters
    assert strr.specify("dfc", YEAR).minimum_units == strr.specify("qip", YEAR).minimum_units == 10


def test_sedr_adjusts_as_shr_does_without_medicare_advantage_and_covid() -> None:
    covid = {"is_covid_1", "is_covid_2", "is_covid_3"}
    assert set(shr.ADJUSTERS["manual"]) - set(sedr.ADJUSTERS) == {"ma_share"} | covid
    assert set(sedr.ADJUSTERS) <= set(shr.ADJUSTERS["manual"])


def test_the_conditions_of_sedr_are_the_92_categories_of_table_13() -> None:
    groups = list_conditions("sedr")
    assert len(set(groups)) == len(groups) == 92
    assert {"ccs_005", "ccs_098", "ccs_253", "ccs_670", "ccs_212"} <= set(groups)
    # Heart failure and septicemia adjust SHR and are not printed in Table 13.
    assert not {"ccs_108", "ccs_002"} & set(groups)


def test_conditions_of_one_patient_alone_are_left_out_and_the_unseen_have_none() -> None:
    cohort = pa.table(
        {"ccn": ["012501"] * 3, "patient_id": [1, 2, 3], "is_prevalent_missing": [0, 0, 1]}
    )
    conditions = pa.table(
        {
            "patient_id": [1, 2, 3, 1],
            "condition_group": ["ccs_098", "ccs_098", "ccs_098", "ccs_100"],
        }
    )
    common = list_common("sedr", conditions)
    specification = add_conditions(sedr.specify(YEAR), common)
    assert specification.adjusters == (*sedr.ADJUSTERS, "ccs_098")
    alone = add_conditions(replace(sedr.specify(YEAR), terms=()), common)
    read = read_cohort(alone, cohort, conditions=conditions)
    assert read.design.names == ("ccs_098",)
    assert read.design.matrix[:, 0].tolist() == [1, 1, 0]
