"""Preparation of SFR and PPPW: counted months, programs' differences, facility lists."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.special import expit

from esrd_pipeline.families.access import assess_facilities, fit_measure
from esrd_pipeline.families.access_cohort import list_columns, prepare
from esrd_pipeline.families.cohort import read_cohort
from esrd_pipeline.families.facility_list import finish
from esrd_pipeline.measures import pppw, sfr
from esrd_pipeline.statistics.design import FloatArray, build_design
from esrd_pipeline.statistics.gee import fit_by_groups
from esrd_pipeline.tables.access import PPPW, SFR
from esrd_pipeline.tables.facility import CONTRACT_COLUMNS
from esrd_pipeline.tables.history import PATIENT_CHARACTERISTICS
from esrd_pipeline_tests.families.access_nation import make_months

YEAR = 2024
SFR_DFC = sfr.specify("dfc", YEAR)
PPPW_DFC, PPPW_QIP = pppw.specify("dfc", YEAR), pppw.specify("qip", YEAR)
NOTHING = "no_eligible_patient_month"
MONTHS, EFFECTS = make_months(facility_count=60, level=-1.5)
AGES = pa.array(60 + 10 * MONTHS.column("age_decades").to_numpy())


def make_cohort() -> pa.Table:
    """cohort.pppw of a planted nation, of which one month in ten is not counted."""
    age = AGES.to_numpy()
    is_out = np.arange(len(age)) % 10 == 0
    event, reason = MONTHS.column("is_event").to_numpy(), np.full(len(age), "age_75_or_older")
    columns = {
        "ccn": MONTHS.column("ccn"),
        "patient_id": MONTHS.column("patient_id"),
        "reason": pa.array(reason, mask=~is_out),
        "is_event": pa.array(event, mask=is_out),
        "age": age,
    }
    return pa.table(columns)


COHORT = make_cohort()


def facilities(*more: str, left_out: str = "") -> pd.DataFrame:
    frame = pd.DataFrame({"ccn": [*sorted(EFFECTS.index), *more]})
    frame["reason"] = None
    frame.loc[frame["ccn"] == left_out, "reason"] = "closed"
    return frame.assign(is_eligible=frame["reason"].isna())


def test_months_with_a_reason_are_not_counted() -> None:
    specification, cohort = prepare(PPPW_DFC, COHORT)
    assert cohort.table.num_rows == np.sum(np.arange(COHORT.num_rows) % 10 > 0)
    # Hardly anybody is a child.
    assert cohort.design.names == specification.adjusters[1:]
    assert cohort.table.column("is_event").null_count == 0


@pytest.mark.parametrize(("facilities", "groups"), [(60, 1), (199, 1), (200, 2), (2000, 10)])
def test_a_small_nation_is_split_into_fewer_groups(facilities: int, groups: int) -> None:
    rows = COHORT.slice(0, 20)
    many = pa.concat_tables(
        [
            rows.slice(1, 1).set_column(0, "ccn", pa.array([f"{place:06d}"]))
            for place in range(facilities)
        ]
    )
    counted = many.set_column(2, "reason", pa.nulls(facilities, pa.string()))
    specification, _ = prepare(PPPW_DFC, counted)
    assert specification.group_count == groups


def make_fistulas(having: int, *, is_split: bool) -> pa.Table:
    """Months of 40 patients, of whom some are under 25, with one outcome or two among these."""
    count = 40
    columns, _ = list_columns(SFR_DFC, SFR)
    flags = {
        name: [place % 2 == 1 for place in range(count)]
        for name in columns
        if name.startswith(("is_", "has_")) and name != "is_event"
    }
    event = [place % 2 if is_split or place >= having else 1 for place in range(count)]
    return pa.table(
        {
            "ccn": ["A"] * count,
            "patient_id": list(range(count)),
            "reason": pa.nulls(count, pa.string()),
            "is_event": event,
            **flags,
            "esrd_years_over": [place % 2 for place in range(count)],
            "nursing_home_days": [place % 2 for place in range(count)],
            "age": [20 if place < having else 50 for place in range(count)],
        }
    )


def make_patients(count: int = 40) -> pa.Table:
    """Characteristics of as many patients: every second one has each of them."""
    _, columns = list_columns(SFR_DFC, SFR)
    return pa.table(
        {
            "patient_id": list(range(count)),
            "bmi_class": ["25-30" if place % 2 else ">=30" for place in range(count)],
            **{
                name: [place % 2 == 1 for place in range(count)]
                for name in columns
                if name.startswith(("is_", "has_"))
            },
        }
    )


@pytest.mark.parametrize(
    ("having", "is_split", "is_kept"),
    [(11, True, True), (10, True, False), (11, False, False), (0, True, False)],
)
def test_an_indicator_without_an_estimate_is_left_out(
    *, having: int, is_split: bool, is_kept: bool
) -> None:
    months = make_fistulas(having, is_split=is_split)
    _, cohort = prepare(SFR_DFC, months, make_patients())
    assert ("is_age_under_25" in cohort.design.names) is is_kept
    assert cohort.design.matrix.shape == (40, len(cohort.design.names))


def test_what_is_read_are_columns_of_the_cohorts_and_of_the_characteristics() -> None:
    for specification, table in ((SFR_DFC, SFR), (PPPW_DFC, PPPW)):
        columns, characteristics = list_columns(specification, table)
        assert set(columns) <= set(table.column_names)
        assert set(characteristics) <= set(PATIENT_CHARACTERISTICS.column_names)
    assert list_columns(PPPW_QIP, PPPW)[1] == ["patient_id"]
    assert {"bmi_class", "is_diabetes_cause"} <= set(list_columns(SFR_DFC, SFR)[1])


def test_the_qip_has_no_fistula_rate() -> None:
    with pytest.raises(LookupError, match="0 rows of sfr of qip"):
        sfr.specify("qip", YEAR)


@pytest.mark.manual("2.2.14", "2.16.12")
def test_the_specifications_say_what_the_manual_says() -> None:
    # 2.2.14: three age classes beside 25 to 59, three of BMI, two of nursing homes, three of
    # duration, three single ones; ten conditions; the form and the coverage.
    assert len(SFR_DFC.adjusters) == 3 + 3 + 2 + 3 + 3 + 10 + 2
    assert PPPW_DFC.adjusters == ("age_to_15", "age_15_to_55", "age_55_to_70", "age_over_70")
    for specification in (SFR_DFC, PPPW_DFC, PPPW_QIP):
        assert specification.minimum_units == specification.minimum_modelled == 11
        assert specification.group_count == 10
        assert specification.entry.direction == "higher"


@cache
def assess(program: str) -> pd.DataFrame:
    measure = PPPW_DFC if program == "dfc" else PPPW_QIP
    specification, cohort = prepare(measure, COHORT)
    few = replace(specification, group_count=2)
    fit = fit_measure(few, YEAR, cohort)
    return assess_facilities(specification, YEAR, fit, cohort).contract


def test_dialysis_facility_measures_keep_their_counts_limits_and_categories() -> None:
    rows = assess("dfc")
    found = finish(PPPW_DFC, YEAR, rows, facilities(), nothing=NOTHING)
    pd.testing.assert_frame_equal(found, rows, check_dtype=False)
    assert found["category"].isin(["better", "as", "worse"]).sum() > 30


def test_the_qip_prints_standardised_sums_and_no_limits() -> None:
    rows = assess("qip")
    found = finish(PPPW_QIP, YEAR, rows, facilities(), nothing=NOTHING)
    large = rows["unit_count"] >= 11
    months = rows.loc[large, "denominator"].sum()
    assert found["denominator"].unique().tolist() == [months]
    np.testing.assert_allclose(
        found["numerator"].astype(float) / months, rows["value"].astype(float)
    )
    assert found["value"].max() < 1
    for name in ("lower", "upper", "p_value", "z", "standard_error", "category"):
        assert found[name].isna().all()
    assert list(found.columns) == [column.name for column in CONTRACT_COLUMNS]


def test_a_facility_left_out_or_without_months_says_so() -> None:
    ccn = min(EFFECTS.index)
    listed = facilities("999999", left_out=ccn)
    found = finish(PPPW_DFC, YEAR, assess("dfc"), listed, nothing=NOTHING)
    (out,) = found[found["ccn"] == ccn].to_dict("records")
    assert (out["reason"], out["reportable"]) == ("closed", False)
    (empty,) = found[found["ccn"] == "999999"].to_dict("records")
    assert (empty["reason"], empty["unit_count"]) == (NOTHING, 0)


def make_waiting(age: FloatArray) -> pa.Table:
    """One patient a row of two facilities, every other one waitlisted; ages as cohort.pppw's."""
    count = age.size
    return pa.table(
        {
            "ccn": np.repeat(["012501", "012502"], count // 2),
            "patient_id": np.arange(count),
            "reason": pa.nulls(count, pa.string()),
            "is_event": np.arange(count) % 2,
            "age": pa.array(age, type=pa.float64()),
        }
    )


@pytest.mark.manual("2.16.12")
@pytest.mark.parametrize(("few", "is_kept"), [(10, False), (11, True)])
@pytest.mark.parametrize(
    ("rare", "name"), [(10.25, "age_to_15"), (71.5, "age_over_70")], ids=["children", "old"]
)
def test_a_piece_of_age_that_hardly_anybody_is_in_is_left_out(
    rare: float, name: str, few: int, *, is_kept: bool
) -> None:
    age = np.where(np.arange(400) // 2 % 2, 40.5, 60.75)
    age[:few] = rare
    _, read = prepare(PPPW_DFC, make_waiting(age))
    assert (name in read.design.names) == is_kept
    assert {"age_15_to_55", "age_55_to_70"} <= set(read.design.names)


@pytest.mark.manual("2.16.13")
def test_the_mean_of_groups_keeps_the_slope_of_adults_where_a_group_has_no_children() -> None:
    generator = np.random.default_rng(216)
    count, facilities = 6000, 12
    facility = np.arange(count) % facilities
    age = generator.uniform(20, 74, count)
    groups = 2
    # The split depends on seed and facilities alone: children are treated in one of its groups.
    _, without = fit_by_groups(
        design=build_design({"any": generator.random(count)}),
        outcome=generator.integers(0, 2, count),
        patient=np.arange(count),
        facility=facility,
        group_count=groups,
        seed=PPPW_DFC.seed,
    ).groups
    ages = np.where((np.arange(count) % 5 == 0) & ~np.isin(facility, without), age / 6, age)
    chance = expit(np.where(ages < 15, 3 - ages / 5, (30 - ages) / 25))
    rows = pa.table(
        {
            "ccn": [f"{place:06d}" for place in facility],
            "patient_id": np.arange(count),
            "reason": pa.nulls(count, pa.string()),
            "is_event": (generator.random(count) < chance).astype(np.int64),
            "age": ages,
        }
    )
    _, cohort = prepare(PPPW_DFC, rows)
    fitted = fit_by_groups(
        design=cohort.design,
        outcome=cohort.numbers("is_event"),
        patient=cohort.patient,
        facility=cohort.facility,
        group_count=groups,
        seed=PPPW_DFC.seed,
        drop_aliased=True,
    )
    two = read_cohort(PPPW_DFC, rows.slice(0, 2).set_column(4, "age", pa.array([20.0, 50.0])))
    own = [np.diff(two.predict(fit.regression))[0] for fit in fitted.fits]
    assert len({fit.regression.names for fit in fitted.fits}) == groups
    np.testing.assert_allclose(np.diff(two.predict(fitted.regression))[0], np.mean(own), rtol=1e-9)
