"""SHR from a cohort of segments to the facility contract, on a nation with known effects."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pandas.testing import assert_frame_equal

from esrd_pipeline.families.cohort import Cohort, CohortError, read_cohort
from esrd_pipeline.families.cross_check import compare_rates_fit, draw_facilities
from esrd_pipeline.families.recurrent_events import (
    assess_facilities,
    compute_expected_events,
    fit_measure,
    read_fit,
)
from esrd_pipeline.measures.terms import Number
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.parameters.register import find_measure
from esrd_pipeline.tables.fit import FIT_COLUMNS
from esrd_pipeline_tests.families.recurrent_events_nation import COEFFICIENTS, SHR, make_cohort
from esrd_pipeline_tests.families.register_changes import change_entry

YEAR = 2024
COHORT, EFFECTS = make_cohort()


@cache
def get_read() -> Cohort:
    return read_cohort(SHR, COHORT)


@cache
def get_fit() -> pd.DataFrame:
    return fit_measure(SHR, YEAR, get_read())


def shuffled(table: pa.Table) -> pa.Table:
    order = np.random.default_rng(1).permutation(table.num_rows)
    return table.take(order)


def test_planted_coefficients_are_found() -> None:
    regression = read_fit(get_fit(), SHR.adjusters).regression
    z = (regression.coefficients - COEFFICIENTS) / regression.standard_errors
    assert np.all(np.abs(z) < 2.5)


def test_a_stored_fit_reads_back_to_the_last_bit(tmp_path: Path) -> None:
    assert get_fit().columns.tolist() == [column.name for column in FIT_COLUMNS]
    get_fit().to_parquet(tmp_path / "fit.parquet")
    again = pd.read_parquet(tmp_path / "fit.parquet")
    first, second = read_fit(get_fit(), SHR.adjusters), read_fit(again, SHR.adjusters)
    assert first.regression.names == second.regression.names
    assert np.array_equal(first.regression.coefficients, second.regression.coefficients)
    assert np.array_equal(first.regression.model_covariance, second.regression.model_covariance)
    assert np.array_equal(first.regression.standard_errors, second.regression.standard_errors)
    assert first.regression.dropped == second.regression.dropped
    assert np.array_equal(first.baseline, second.baseline)
    assert first.national_rate == second.national_rate


@pytest.mark.manual("2.12.8", "2.12.14", "2.13.8", "2.13.14", "2.25.8", "2.25.15")
def test_expected_events_add_up_to_those_observed() -> None:
    expected = compute_expected_events(SHR, get_fit(), get_read())
    observed = COHORT.column("event_count").to_numpy()
    assert expected.sum() == pytest.approx(observed.sum(), rel=1e-12)


def test_a_stored_fit_scores_other_rows_without_being_fitted_again() -> None:
    whole = compute_expected_events(SHR, get_fit(), get_read())
    part = COHORT.slice(100, 50)
    assert compute_expected_events(SHR, get_fit(), read_cohort(SHR, part)) == pytest.approx(
        whole[100:150], rel=1e-14
    )


@pytest.mark.manual("2.12.14", "2.12.15", "2.13.12", "2.13.14", "2.25.15")
def test_the_contract_has_a_row_for_every_facility_and_its_own_arithmetic() -> None:
    contract = assess_facilities(SHR, YEAR, get_fit(), get_read()).contract
    assert contract["ccn"].tolist() == sorted(EFFECTS.index)
    row = contract.iloc[0]
    mine = COHORT.filter(pc.field("ccn") == row["ccn"])
    assert row["numerator"] == pc.sum(mine["event_count"]).as_py()
    assert row["unit_count"] == pytest.approx(pc.sum(mine["days_at_risk"]).as_py() / 365.25)
    assert row["value"] == pytest.approx(row["numerator"] / row["denominator"])
    crude = (
        100
        * 365.25
        * COHORT["event_count"].to_numpy().sum()
        / COHORT["days_at_risk"].to_numpy().sum()
    )
    assert row["rate"] == pytest.approx(row["value"] * crude)
    centre = np.log(row["value"]) - row["z_null_mean"] * row["standard_error"]
    reach = 1.96 * row["z_null_sd"] * row["standard_error"]
    assert (row["lower"], row["upper"]) == pytest.approx(
        (np.exp(centre - reach), np.exp(centre + reach))
    )


def test_planted_facility_effects_are_recovered_and_covered() -> None:
    cohort, effects = make_cohort(facility_count=400, seed=5, effect_sd=0.3)
    read = read_cohort(SHR, cohort)
    contract = assess_facilities(SHR, YEAR, fit_measure(SHR, YEAR, read), read).contract
    large = contract[contract["unit_count"] > 20].set_index("ccn")
    found, planted = np.log(large["value"].astype(float)), effects[large.index]
    assert np.polyfit(planted, found, 1)[0] == pytest.approx(1.0, abs=0.1)
    # The nation's mean is the level all are held against.
    error = (found - found.mean()) - (planted - planted.mean())
    covered = (error.abs() < 1.96 * large["standard_error"]).mean()
    assert 0.93 <= covered <= 0.97


def test_a_row_says_who_had_no_event() -> None:
    at = COHORT.column_names.index("event_count")
    ccn = EFFECTS.index[3]
    events = pc.if_else(pc.equal(COHORT["ccn"], ccn), 0, COHORT["event_count"])
    quiet = COHORT.set_column(at, "event_count", events)
    contract = assess_facilities(SHR, YEAR, get_fit(), read_cohort(SHR, quiet)).contract.set_index(
        "ccn"
    )
    assert contract.loc[ccn, "note"] == (
        "no events: z and upper limit by the error of the ratio, in place of its logarithm's"
    )
    assert (contract.loc[ccn, "value"], contract.loc[ccn, "lower"]) == (0, 0)
    assert contract["note"].drop(ccn).isna().all()


def test_the_null_rests_on_facilities_of_the_smallest_size_modelled() -> None:
    assert find_measure("strr", "dfc", YEAR).minimum_modelled == 10
    large = assess_facilities(change_entry(SHR, minimum_modelled=20), YEAR, get_fit(), get_read())
    every = assess_facilities(SHR, YEAR, get_fit(), get_read())
    assert large.null is not None
    assert every.null is not None
    size = large.contract["unit_count"].to_numpy(float)
    assert 0 < np.count_nonzero(size < 20) < size.size
    counts = [sum(part.count for part in found.strata) for found in (large.null, every.null)]
    assert counts == [np.count_nonzero(size >= 20), size.size]
    assert large.contract["p_value"].notna().all()


def test_a_facility_below_the_size_rule_keeps_its_numbers_and_says_why() -> None:
    strict = change_entry(SHR, minimum_units=20)
    contract = assess_facilities(strict, YEAR, get_fit(), get_read()).contract
    small = contract["unit_count"] < 20
    assert 0 < small.sum() < len(contract)
    assert set(describe_rows(contract[small])) == {"fewer than 20 patient-years"}
    assert contract.loc[small, "category"].isna().all()
    assert contract.loc[small, "value"].notna().all()
    assert contract.loc[~small, "reportable"].all()
    assert set(contract.loc[~small, "category"]) <= {"better", "as", "worse"}


@pytest.mark.manual("2.13.16", "2.25.17")
def test_a_category_is_what_the_limits_say() -> None:
    contract = assess_facilities(SHR, YEAR, get_fit(), get_read()).contract
    shown = contract[contract["reportable"].astype(bool)]
    assert ((shown["lower"] > 1) == (shown["category"] == "worse")).all()
    assert ((shown["upper"] < 1) == (shown["category"] == "better")).all()


@pytest.mark.manual("2.12.16", "2.13.15", "2.25.16")
def test_without_true_outliers_one_in_twenty_is_flagged_by_the_empirical_null() -> None:
    cohort, _ = make_cohort(facility_count=400, seed=11)
    read = read_cohort(SHR, cohort)
    contract = assess_facilities(SHR, YEAR, fit_measure(SHR, YEAR, read), read).contract
    empirical = (contract["category"] != "as").mean()
    theoretical = (contract["z"].abs() > 1.96).mean()
    assert 0.02 < empirical < 0.08
    assert theoretical > 0.2


def test_the_order_of_rows_does_not_matter() -> None:
    again = fit_measure(SHR, YEAR, read_cohort(SHR, shuffled(COHORT)))
    assert_frame_equal(get_fit(), again, rtol=1e-9, atol=1e-9)
    assert_frame_equal(
        assess_facilities(SHR, YEAR, get_fit(), get_read()).contract,
        assess_facilities(SHR, YEAR, again, read_cohort(SHR, shuffled(COHORT))).contract,
        rtol=1e-9,
        atol=1e-9,
    )


@pytest.mark.manual("2.12.16", "2.13.15", "2.25.16")
def test_the_null_is_stored_by_stratum_of_size() -> None:
    assessed = assess_facilities(SHR, YEAR, get_fit(), get_read())
    means = assessed.null_rows[assessed.null_rows["term"] == "mean"]
    assert means["estimate"].tolist() == [part.mean for part in assessed.null.strata]
    assert means["at"].tolist()[:-1] == assessed.null.size_edges.tolist()


def test_another_library_gives_the_same_fit_on_a_sample() -> None:
    opinion = compare_rates_fit(SHR, YEAR, get_read(), seed=3, facility_count=15)
    assert opinion["facility_count"].unique().tolist() == [15]
    assert opinion["term"].tolist() == list(SHR.adjusters)
    assert opinion["estimate"].to_numpy() == pytest.approx(
        opinion["other_estimate"].to_numpy(), rel=1e-7
    )
    assert opinion["standard_error"].to_numpy() == pytest.approx(
        opinion["other_standard_error"].to_numpy(), rel=1e-7
    )


def test_the_sample_depends_on_the_seed_and_not_on_the_order_of_rows() -> None:
    drawn = draw_facilities(get_read(), count=10, seed=3).tolist()
    again = draw_facilities(read_cohort(SHR, shuffled(COHORT)), count=10, seed=3)
    assert drawn == again.tolist()
    assert drawn != draw_facilities(get_read(), count=10, seed=4).tolist()


def test_what_is_wrong_with_a_cohort_is_named() -> None:
    with pytest.raises(CohortError, match="cohort of shr: column interval is missing"):
        fit_measure(SHR, YEAR, read_cohort(SHR, COHORT.drop_columns(["interval"])))
    nulls = pa.array([None] * COHORT.num_rows, type=pa.float64())
    at = COHORT.column_names.index("days_at_risk")
    with pytest.raises(CohortError, match=r"column days_at_risk has .* nulls"):
        fit_measure(SHR, YEAR, read_cohort(SHR, COHORT.set_column(at, "days_at_risk", nulls)))
    with pytest.raises(CohortError, match="no rows"):
        fit_measure(SHR, YEAR, read_cohort(SHR, COHORT.slice(0, 0)))
    few = COHORT.filter(pc.field("ccn") < "010010")
    null = assess_facilities(SHR, YEAR, get_fit(), read_cohort(SHR, few)).null
    rule = "theoretical null, standard normal: fewer than 10 scores that differ"
    assert null.rule == rule


def test_an_adjuster_that_repeats_another_is_set_aside_by_name() -> None:
    doubled = COHORT.append_column("is_woman", COHORT["is_female"])
    twice = replace(SHR, terms=(*SHR.terms, Number("is_woman")))
    fit = fit_measure(twice, YEAR, read_cohort(twice, doubled))
    aside = fit[(fit["element"] == "dropped") & (fit["note"] != "")]
    assert aside["note"].tolist() == ["is_woman"]
    assert compute_expected_events(twice, fit, read_cohort(twice, doubled)) == pytest.approx(
        compute_expected_events(SHR, get_fit(), get_read()), rel=1e-9
    )
