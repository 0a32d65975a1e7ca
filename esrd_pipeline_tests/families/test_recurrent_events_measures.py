"""Specifications of SHR, STrR and SEDR, and the conditions that join two of them."""

from dataclasses import replace

import pyarrow as pa
import pytest

from esrd_pipeline.families.cohort import read_cohort
from esrd_pipeline.families.conditions import add_conditions, list_common, list_conditions
from esrd_pipeline.measures import sedr, shr, strr
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.tables.history import PATIENT_CHARACTERISTICS
from esrd_pipeline.tables.recurrent_events import COHORTS

YEAR = 2024
SPECIFICATIONS = (
    shr.specify("dfc", YEAR),
    strr.specify("qip", YEAR),
    sedr.specify(YEAR),
)


@pytest.mark.parametrize("specification", SPECIFICATIONS, ids=lambda s: s.measure)
def test_every_fact_is_required_of_the_cohort_or_of_patients_and_says_its_row(
    specification: Specification,
) -> None:
    tables = (COHORTS[specification.measure], PATIENT_CHARACTERISTICS)
    required = {column.name for table in tables for column in table.columns if column.required}
    assert set(specification.facts) <= required
    assert len(set(specification.adjusters)) == len(specification.adjusters)
    assert all(term.row for term in specification.terms)


def test_size_unit_and_direction_are_the_chapters() -> None:
    text = [
        (entry.measure, entry.minimum_units, entry.unit, entry.direction, entry.rate_scale)
        for entry in (specification.entry for specification in SPECIFICATIONS)
    ]
    assert text == [
        ("shr", 5, "patient_years", "lower", 100),
        ("strr", 10, "patient_years", "lower", 100),
        ("sedr", 5, "patient_years", "lower", 100),
    ]


@pytest.mark.manual("2.12.13")
def test_strr_takes_ages_in_groups_and_neither_sex_nor_conditions_nor_medicare_advantage() -> None:
    adjusters = set(strr.specify("dfc", YEAR).adjusters)
    assert not {"is_female", "age_over_65", "is_prevalent_missing", "ma_share"} & adjusters
    assert {"is_age_18_to_24", "is_covid_3", "interval_5_x_diabetes"} <= adjusters
    # 4 age groups, 2 of the cause, 2 of nursing homes, 3 of BMI, 15 at incidence, 3 of COVID-19,
    # diabetes with 5 intervals and 4 age groups.
    assert len(adjusters) == 4 + 2 + 2 + 3 + 15 + 3 + 5 + 4


def test_strr_is_the_same_in_both_programs() -> None:
    assert strr.specify("dfc", YEAR).adjusters == strr.specify("qip", YEAR).adjusters
    assert strr.specify("dfc", YEAR).minimum_units == strr.specify("qip", YEAR).minimum_units == 10


@pytest.mark.manual("2.25.14")
def test_sedr_adjusts_as_shr_does_without_medicare_advantage_and_covid() -> None:
    covid = {"is_covid_1", "is_covid_2", "is_covid_3"}
    hospital, emergency = (set(one.adjusters) for one in (SPECIFICATIONS[0], SPECIFICATIONS[2]))
    assert hospital - emergency == {"ma_share"} | covid
    assert emergency <= hospital


@pytest.mark.manual("2.25.14")
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
    assert specification.adjusters == (*sedr.specify(YEAR).adjusters, "ccs_098")
    seen = (Number("is_prevalent_missing"),)
    alone = add_conditions(replace(sedr.specify(YEAR), terms=seen), common)
    read = read_cohort(alone, cohort, conditions=conditions)
    assert read.design.names == ("is_prevalent_missing", "ccs_098")
    assert read.design.matrix[:, 1].tolist() == [1, 1, 0]


def describe(
    specification: Specification,
    *,
    age: int = 70,
    sex: str = "M",
    interval: int = 5,
    covid_stage: int = 0,
    home_days: int = 0,
    covered_months: int = 12,
    **characteristics: object,
) -> dict[str, float]:
    """The columns of one patient's design that are not 0."""
    facts = {
        name: [False]
        for name in specification.facts
        if name in PATIENT_CHARACTERISTICS.column_names
    }
    facts |= {"is_female": [sex == "F"], "bmi_class": [">=30"], "has_form": [True]}
    facts |= {name: [value] for name, value in characteristics.items()}
    cohort = pa.table(
        {
            "ccn": ["012501"],
            "patient_id": [1],
            "interval": [interval],
            "age": [age],
            "covid_stage": [covid_stage],
            "nursing_home_days": [home_days],
            "covered_months": [covered_months],
            "ma_share": [0.0],
        }
    )
    read = read_cohort(specification, cohort, patients=pa.table({"patient_id": [1], **facts}))
    row = zip(read.design.names, read.design.matrix[0].tolist(), strict=True)
    return {name: value for name, value in row if value}


SHR, STRR, SEDR = SPECIFICATIONS


@pytest.mark.manual("2.13.13")
@pytest.mark.parametrize("specification", [SHR, SEDR], ids=lambda s: s.measure)
def test_age_is_in_years_over_65_and_its_square(specification: Specification) -> None:
    assert describe(specification, age=64) == {"age_over_65": -1, "age_over_65_squared": 1}
    assert describe(specification, age=72) == {"age_over_65": 7, "age_over_65_squared": 49}


def test_interactions_are_products() -> None:
    woman = describe(SHR, age=70, sex="F", is_diabetes_cause=True)
    assert (woman["age_x_diabetes"], woman["age_x_female"], woman["female_x_diabetes"]) == (5, 5, 1)
    man = describe(SHR, age=70)
    assert not {"age_x_diabetes", "age_x_female", "female_x_diabetes"} & set(man)


@pytest.mark.manual("2.13.13")
@pytest.mark.parametrize(
    ("days", "column"),
    [
        (0, None),
        (1, "is_nursing_home_short"),
        (89, "is_nursing_home_short"),
        (90, "is_nursing_home_long"),
        (365, "is_nursing_home_long"),
    ],
)
def test_days_in_nursing_homes_are_short_or_long(days: int, column: str | None) -> None:
    columns = [name for name in describe(STRR, home_days=days) if "nursing_home" in name]
    assert columns == ([column] if column else [])


@pytest.mark.parametrize(("months", "is_missing"), [(6, False), (5, True), (0, True)])
def test_conditions_are_missing_below_six_covered_months(months: int, *, is_missing: bool) -> None:
    assert ("is_prevalent_missing" in describe(SHR, covered_months=months)) is is_missing


def test_a_patient_without_a_form_says_so() -> None:
    assert "is_form_missing" in describe(SHR, has_form=False)
    assert "is_form_missing" not in describe(SHR)


@pytest.mark.parametrize(
    ("bmi_class", "column"),
    [
        ("<18.5", "is_bmi_under_18"),
        ("18.5-25", "is_bmi_18_to_25"),
        ("25-30", "is_bmi_25_to_30"),
        (">=30", None),
    ],
)
def test_a_bmi_class_has_its_indicator_and_the_highest_is_the_reference(
    bmi_class: str, column: str | None
) -> None:
    columns = [name for name in describe(SHR, bmi_class=bmi_class) if "bmi" in name]
    assert columns == ([column] if column else [])


@pytest.mark.parametrize(
    ("age", "group"),
    [
        (18, "is_age_18_to_24"),
        (24, "is_age_18_to_24"),
        (25, "is_age_25_to_44"),
        (44, "is_age_25_to_44"),
        (45, "is_age_45_to_59"),
        (59, "is_age_45_to_59"),
        (60, None),
        (74, None),
        (75, "is_age_75_or_more"),
    ],
)
def test_an_age_group_has_its_indicator_and_60_to_74_is_the_reference(
    age: int, group: str | None
) -> None:
    assert list(describe(STRR, age=age)) == ([group] if group else [])


def test_diabetes_as_cause_goes_with_the_age_group_and_the_interval() -> None:
    columns = describe(STRR, age=34, interval=3, is_diabetes_cause=True)
    products = [name for name in columns if name.endswith("_x_diabetes")]
    assert products == ["interval_3_x_diabetes", "age_25_to_44_x_diabetes"]
    assert not [name for name in describe(STRR, age=34, interval=3) if "diabetes" in name]


def test_diabetes_in_the_first_interval_and_60_to_74_years_is_the_main_effect_alone() -> None:
    assert list(describe(STRR, age=65, interval=0, is_diabetes_cause=True)) == ["is_diabetes_cause"]


@pytest.mark.manual("2.13.13")
@pytest.mark.parametrize("stage", [0, 1, 2, 3])
@pytest.mark.parametrize("specification", [SHR, STRR], ids=lambda s: s.measure)
def test_a_stage_of_covid_has_its_indicator(specification: Specification, stage: int) -> None:
    columns = [name for name in describe(specification, covid_stage=stage) if "covid" in name]
    assert columns == ([f"is_covid_{stage}"] if stage else [])
