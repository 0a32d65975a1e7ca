"""SMR and SWR from patient-records to the facility contract, on a nation with known effects."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from scipy.stats import poisson

from esrd_pipeline.families.cohort import Cohort, CohortError, read_cohort
from esrd_pipeline.families.cross_check import compare_cox_fit
from esrd_pipeline.families.fits import read_element, read_regression
from esrd_pipeline.families.survival import assess_facilities, fit_measure, score_rows
from esrd_pipeline.measures.specification import CoxSpecification
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline_tests.families.register_changes import change_entry
from esrd_pipeline_tests.families.survival_nation import (
    COEFFICIENTS,
    SMR,
    STATE_COEFFICIENT,
    SWR,
    make_records,
)

YEAR = 2024
COHORT, EFFECTS = make_records()


@cache
def get_read() -> Cohort:
    return read_cohort(SMR, COHORT)


@cache
def get_smr_fit() -> pd.DataFrame:
    return fit_measure(SMR, YEAR, get_read())


@cache
def get_swr_fit() -> pd.DataFrame:
    return fit_measure(SWR, YEAR, get_read())


@pytest.mark.manual("2.14.13", "2.15.13")
def test_planted_coefficients_of_both_stages_are_found() -> None:
    first, second = read_regression(get_smr_fit(), stage=1), read_regression(get_smr_fit(), stage=2)
    assert second.names == ("log_state_death_rate",)
    # The first stage leaves the state's rate out, which shrinks its coefficients a little.
    assert first.coefficients == pytest.approx(COEFFICIENTS, abs=0.08)
    assert second.coefficients[0] == pytest.approx(STATE_COEFFICIENT, abs=0.2)


@pytest.mark.manual("2.14.13")
def test_the_unit_of_the_states_death_rates_does_not_matter() -> None:
    name = "log_state_death_rate"
    place, rates = COHORT.column_names.index(name), COHORT.column(name).to_numpy() / 3

    def expect(shift: float) -> FloatArray:
        rows = COHORT.set_column(place, name, pa.array(rates + shift))
        read = read_cohort(SMR, rows)
        return score_rows(SMR, fit_measure(SMR, YEAR, read), read)

    np.testing.assert_allclose(expect(np.log(100_000)), expect(0), rtol=2e-9)


@pytest.mark.manual("2.14.8", "2.14.13", "2.15.13", "2.27.13")
def test_expected_events_add_up_to_those_observed() -> None:
    events = COHORT.column("is_event").to_numpy().sum()
    assert score_rows(SMR, get_smr_fit(), get_read()).sum() == pytest.approx(events, rel=1e-12)
    assert score_rows(SWR, get_swr_fit(), get_read()).sum() == pytest.approx(events, rel=1e-12)


def test_a_stored_fit_scores_other_rows_without_being_fitted_again() -> None:
    whole = score_rows(SMR, get_smr_fit(), get_read())
    assert score_rows(SMR, get_smr_fit(), read_cohort(SMR, COHORT.slice(50, 40))) == pytest.approx(
        whole[50:90], rel=1e-14
    )


def test_the_hazard_is_stored_day_by_day_and_rises() -> None:
    steps = read_element(get_smr_fit(), "baseline", stage=3)
    assert steps["at"].is_monotonic_increasing
    assert steps["estimate"].is_monotonic_increasing
    assert set(steps["at"]) <= set(COHORT.column("stop_day").to_pylist())


@pytest.mark.manual("2.14.14")
def test_smr_holds_facilities_against_the_empirical_null() -> None:
    assessed = assess_facilities(SMR, YEAR, get_smr_fit(), get_read())
    contract, null = assessed.contract, assessed.null
    assert null is not None
    assert contract["ccn"].tolist() == sorted(EFFECTS.index)
    assert contract["z_null_sd"].nunique() == 4
    shown = contract[contract["reportable"].astype(bool)]
    assert ((shown["p_value"] < 0.05) == (shown["category"] != "as")).all()
    small = contract["denominator"] < 3
    assert small.any()
    assert set(describe_rows(contract[small])) == {"fewer than 3 expected events"}


@pytest.mark.manual("2.15.13", "2.15.14", "2.27.14")
def test_swr_tests_exactly_and_counts_patients() -> None:
    assessed = assess_facilities(SWR, YEAR, get_swr_fit(), get_read())
    assert assessed.null is None
    contract = assessed.contract
    row = contract.iloc[0]
    tails = (
        poisson.cdf(row["numerator"], row["denominator"]),
        poisson.sf(row["numerator"] - 1, row["denominator"]),
    )
    assert row["p_value"] == pytest.approx(min(1, 2 * min(tails)))
    patients = COHORT.to_pandas().groupby("ccn")["patient_id"].nunique()
    assert contract.set_index("ccn")["unit_count"].to_dict() == patients.to_dict()
    shown = contract[contract["reportable"].astype(bool)]
    assert ((shown["lower"] > 1) == (shown["category"] == "better")).all()
    assert ((shown["p_value"] < 0.05) == (shown["category"] != "as")).all()


@pytest.mark.parametrize("specification", [SMR, change_entry(SWR, minimum_expected=None)])
def test_a_facility_of_whom_nothing_is_expected_has_no_value(
    specification: CoxSpecification,
) -> None:
    """Its only day is one before the nation's first event."""
    rows = COHORT.to_pandas()
    first = rows.loc[rows["is_event"] == 1, "stop_day"].min()
    assert first > 1
    early = rows.iloc[[0]].assign(ccn="999999", start_day=0, stop_day=1, is_event=0)
    cohort = pa.Table.from_pandas(pd.concat([rows, early]), preserve_index=False)
    fit = fit_measure(specification, YEAR, read_cohort(specification, cohort))
    contract = assess_facilities(
        specification, YEAR, fit, read_cohort(specification, cohort)
    ).contract.set_index("ccn")
    alone = contract.loc["999999"]
    assert (alone["numerator"], alone["denominator"]) == (0, 0)
    assert alone[["value", "lower", "upper", "p_value", "z", "category"]].isna().all()
    assert not alone["reportable"]
    others = assess_facilities(specification, YEAR, fit, get_read()).contract.set_index("ccn")
    assert contract.drop("999999")["z"].to_numpy() == pytest.approx(others["z"].to_numpy())


def test_the_rate_is_the_ratio_times_the_nations() -> None:
    contract = assess_facilities(SMR, YEAR, get_smr_fit(), get_read()).contract
    rows = COHORT.to_pandas()
    years = (rows["stop_day"] - rows["start_day"]).sum() / 365.25
    national = 100 * rows["is_event"].sum() / years
    assert (contract["rate"] / contract["value"]).dropna().to_numpy() == pytest.approx(national)


def test_planted_facility_effects_are_recovered() -> None:
    cohort, effects = make_records(facility_count=300, seed=3, effect_sd=0.4)
    read = read_cohort(SMR, cohort)
    contract = assess_facilities(SMR, YEAR, fit_measure(SMR, YEAR, read), read).contract
    large = contract[contract["denominator"] > 15].set_index("ccn")
    slope = np.polyfit(effects[large.index], np.log(large["value"].astype(float)), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.12)


def test_the_order_of_rows_does_not_matter() -> None:
    order = np.random.default_rng(1).permutation(COHORT.num_rows)
    again = fit_measure(SMR, YEAR, read_cohort(SMR, COHORT.take(order)))
    assert_frame_equal(get_smr_fit(), again, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:Starting with pandas version 4.0")  # lifelines calls pandas so
def test_lifelines_gives_the_same_first_stage_on_a_sample() -> None:
    opinion = compare_cox_fit(SWR, YEAR, get_read(), seed=5, facility_count=20)
    assert opinion["facility_count"].unique().tolist() == [20]
    assert opinion["estimate"].to_numpy() == pytest.approx(
        opinion["other_estimate"].to_numpy(), rel=1e-6
    )
    assert opinion["standard_error"].to_numpy() == pytest.approx(
        opinion["other_standard_error"].to_numpy(), rel=1e-6
    )


@pytest.mark.filterwarnings("ignore:Starting with pandas version 4.0")  # lifelines calls pandas so
def test_lifelines_fits_an_age_that_hardly_varies() -> None:
    """Of adults alone, the years from 12 to 18 are six for nearly all; its own steps diverge."""
    generator = np.random.default_rng(2)
    patients = 1000
    age = np.clip(generator.normal(55, 18, patients), 1, 75)
    youth, adult = np.clip(age - 12, 0, 6), np.clip(age - 18, 0, 46)
    time = np.ceil(generator.exponential(250 * np.exp(0.2 * youth + 0.03 * adult)))
    cohort = pa.table(
        {
            "ccn": [f"{place:06d}" for place in generator.integers(1, 60, patients)],
            "patient_id": np.arange(patients),
            "start_day": np.zeros(patients, dtype=int),
            "stop_day": np.minimum(time, 365).astype(int),
            "is_event": (time <= 365).astype(int),
            "youth": youth,
            "adult": adult,
        }
    )
    specification = replace(SWR, terms=(Number("youth"), Number("adult")))
    opinion = compare_cox_fit(
        specification, YEAR, read_cohort(specification, cohort), seed=5, facility_count=60
    )
    assert opinion["estimate"].to_numpy() == pytest.approx(
        opinion["other_estimate"].to_numpy(), rel=1e-6
    )


def test_a_missing_column_is_named() -> None:
    with pytest.raises(CohortError, match="cohort of smr: column log_state_death_rate is missing"):
        fit_measure(SMR, YEAR, read_cohort(SMR, COHORT.drop_columns(["log_state_death_rate"])))
