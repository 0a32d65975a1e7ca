"""From patient-months to the facility contract: the road of SFR on a planted nation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from scipy.special import expit, logit
from scipy.stats import norm

from esrd_pipeline.families.cohort import CohortError
from esrd_pipeline.families.fits import read_distribution, read_element, read_regression
from esrd_pipeline.families.gee import assess_facilities, fit_measure, score_rows
from esrd_pipeline.families.second_opinion import compare_gee_fit
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline_tests.families.access_nation import COEFFICIENTS, SFR, make_months

YEAR = 2024
COHORT, EFFECTS = make_months()
FIT = fit_measure(SFR, YEAR, COHORT)
ROWS = COHORT.to_pandas()
CONTRACT = assess_facilities(SFR, YEAR, FIT, COHORT)


def level(fit: pd.DataFrame) -> float:
    summary = read_element(fit, "summary", stage=3).set_index("term")["estimate"]
    return float(summary["national percentage"])


def with_outcome(ccn: str, outcome: int) -> pa.Table:
    """The cohort with one facility's outcomes all alike."""
    rows = ROWS.copy()
    rows.loc[rows["ccn"] == ccn, "is_event"] = outcome
    return pa.Table.from_pandas(rows, preserve_index=False)


def test_planted_coefficients_are_found() -> None:
    regression = read_regression(FIT, stage=1)
    z = (regression.coefficients - COEFFICIENTS) / regression.standard_errors
    assert np.all(np.abs(z) < 2.5)


def test_a_stored_fit_reads_back_to_the_last_bit(tmp_path: Path) -> None:
    FIT.to_parquet(tmp_path / "fit.parquet")
    again = pd.read_parquet(tmp_path / "fit.parquet")
    assert_frame_equal(assess_facilities(SFR, YEAR, again, COHORT), CONTRACT)
    summary = read_element(again, "summary", stage=3).set_index("term")["estimate"]
    assert summary["seed of the groups"] == SFR.seed
    assert summary["groups"] == 4


def test_a_value_is_the_nations_percentage_at_the_facilitys_intercept() -> None:
    row = CONTRACT.iloc[10]
    predictor = score_rows(SFR, FIT, COHORT)
    # The intercept that gives the value is the facility's own: 0.6 planted at the median.
    sizes = ROWS.groupby("ccn")["patient_id"].nunique()
    modelled = ROWS["ccn"].map(sizes).to_numpy() >= 11
    distribution = read_distribution(FIT, stage=3)
    for intercept in (-1.0, 0.0, 0.7):
        plain = expit(intercept + predictor[modelled]).mean()
        assert distribution.average(np.array([intercept]))[0][0] == pytest.approx(plain, abs=1e-9)
    mine = ROWS["ccn"] == row["ccn"]
    assert row["denominator"] == mine.sum()
    assert row["numerator"] == ROWS.loc[mine, "is_event"].sum()
    assert row["unit_count"] == sizes[row["ccn"]]


def test_the_test_and_limits_are_walds_on_the_logit_scale() -> None:
    row = CONTRACT[CONTRACT["remark"].isna()].iloc[3]
    centre = logit(row["value"] / 100)
    z = (centre - logit(level(FIT) / 100)) / row["standard_error"]
    assert row["z"] == pytest.approx(z)
    assert row["p_value"] == pytest.approx(2 * norm.sf(abs(z)))
    reach = norm.ppf(0.975) * row["standard_error"]
    assert row["lower"] == pytest.approx(100 * expit(centre - reach))
    assert row["upper"] == pytest.approx(100 * expit(centre + reach))


def test_the_national_level_is_of_patient_months_or_of_facilities() -> None:
    sizes = ROWS.groupby("ccn")["patient_id"].nunique()
    large = ROWS[ROWS["ccn"].map(sizes) >= 11]
    assert level(FIT) == pytest.approx(100 * large["is_event"].mean())
    other = fit_measure(replace(SFR, national="facilities"), YEAR, COHORT)
    reported = CONTRACT[CONTRACT["unit_count"] >= 11]
    assert level(other) == pytest.approx(reported["value"].mean())


def test_facilities_below_eleven_patients_are_not_modelled_and_not_reported() -> None:
    small = CONTRACT["unit_count"] < 11
    assert 0 < small.sum() < len(CONTRACT)
    assert CONTRACT.loc[small, "reason"].unique().tolist() == ["fewer than 11 patients"]
    assert CONTRACT.loc[small, "value"].notna().all()
    sizes = ROWS.groupby("ccn")["patient_id"].nunique()
    used = ROWS["ccn"].map(sizes) >= 11
    assert read_regression(FIT, stage=1).row_count == used.sum()


def test_a_category_is_what_the_limits_say_and_higher_is_better() -> None:
    shown = CONTRACT[CONTRACT["reportable"].astype(bool)]
    assert ((shown["lower"] > level(FIT)) == (shown["category"] == "better")).all()
    assert ((shown["upper"] < level(FIT)) == (shown["category"] == "worse")).all()


def test_planted_facility_effects_are_recovered_and_covered() -> None:
    cohort, effects = make_months(facility_count=400, seed=9)
    fit = fit_measure(replace(SFR, group_count=10), YEAR, cohort)
    contract = assess_facilities(SFR, YEAR, fit, cohort).set_index("ccn")
    large = contract[(contract["unit_count"] > 25) & contract["remark"].isna()]
    truth, _ = read_distribution(fit, stage=3).average(effects[large.index].to_numpy())
    found = large["value"].to_numpy(dtype=float)
    assert np.polyfit(logit(truth), logit(found / 100), 1)[0] == pytest.approx(1.0, abs=0.1)
    covered = (large["lower"] <= 100 * truth) & (100 * truth <= large["upper"])
    assert 0.92 <= covered.mean() <= 0.98


@pytest.mark.parametrize(("outcome", "value"), [(0, 0.0), (1, 100.0)])
def test_a_facility_whose_months_are_all_alike_has_exact_bounds_and_says_so(
    outcome: int, value: float
) -> None:
    ccn = CONTRACT.loc[CONTRACT["unit_count"] > 40, "ccn"].iloc[0]
    cohort = with_outcome(ccn, outcome)
    contract = assess_facilities(SFR, YEAR, fit_measure(SFR, YEAR, cohort), cohort)
    (row,) = contract[contract["ccn"] == ccn].to_dict("records")
    assert row["value"] == value
    assert np.isnan(row["z"])
    assert row["p_value"] < 0.05
    assert (row["lower"], row["upper"])[outcome] == value
    assert "exact bounds" in row["remark"]
    assert row["category"] == ("worse", "better")[outcome]


def test_a_lone_patient_is_assessed_and_not_reported() -> None:
    lone = ROWS["patient_id"].iloc[0]
    rows = ROWS.assign(ccn=ROWS["ccn"].where(ROWS["patient_id"] != lone, "999999"))
    cohort = pa.Table.from_pandas(rows, preserve_index=False)
    contract = assess_facilities(SFR, YEAR, fit_measure(SFR, YEAR, cohort), cohort)
    (row,) = contract[contract["ccn"] == "999999"].to_dict("records")
    assert row["unit_count"] == 1
    assert not row["reportable"]


def test_the_order_of_rows_and_the_labels_of_patients_do_not_matter() -> None:
    order = np.random.default_rng(1).permutation(len(ROWS))
    other = ROWS.iloc[order].assign(patient_id=lambda rows: 10_000_000 - rows["patient_id"])
    cohort = pa.Table.from_pandas(other, preserve_index=False)
    again = fit_measure(SFR, YEAR, cohort)
    assert_frame_equal(FIT, again, rtol=1e-8, atol=1e-9)
    assert_frame_equal(CONTRACT, assess_facilities(SFR, YEAR, again, cohort), rtol=1e-8, atol=1e-9)


def test_another_years_facilities_are_standardised_to_the_stored_nation() -> None:
    part = COHORT.slice(0, 400)
    contract = assess_facilities(SFR, YEAR + 1, FIT, part)
    whole = CONTRACT.set_index("ccn")
    first = contract.iloc[0]
    assert first["performance_year"] == YEAR + 1
    assert first["value"] == pytest.approx(whole.loc[first["ccn"], "value"], rel=1e-12)


def test_statsmodels_gives_the_same_first_stage_on_a_sample() -> None:
    opinion = compare_gee_fit(SFR, YEAR, COHORT, seed=5, facility_count=12)
    assert opinion["facility_count"].unique().tolist() == [12]
    for ours, theirs in (
        ("estimate", "other_estimate"),
        ("standard_error", "other_standard_error"),
    ):
        assert opinion[ours].to_numpy() == pytest.approx(opinion[theirs].to_numpy(), rel=1e-6)


def test_what_is_wrong_with_a_cohort_is_named() -> None:
    with pytest.raises(CohortError, match="cohort of sfr: column is_event is missing"):
        fit_measure(SFR, YEAR, COHORT.drop_columns(["is_event"]))
    with pytest.raises(FitError, match="cannot be split into 500 groups"):
        fit_measure(replace(SFR, group_count=500), YEAR, COHORT)
