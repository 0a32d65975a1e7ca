"""SFR from patient-months to the facility contract, on a nation with known effects."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm
from pandas.testing import assert_frame_equal, assert_series_equal
from scipy.special import expit, logit
from scipy.stats import norm

from esrd_pipeline.families.access import (
    assess_facilities,
    fit_adjusters,
    fit_measure,
    score_rows,
)
from esrd_pipeline.families.cohort import Cohort, CohortError, read_cohort
from esrd_pipeline.families.cross_check import compare_gee_fit
from esrd_pipeline.families.fits import read_distribution, read_element, read_regression
from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline_tests.families.access_nation import COEFFICIENTS, SFR, make_months
from esrd_pipeline_tests.families.register_changes import change_entry
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public

YEAR = 2024
COHORT, EFFECTS = make_months()


@cache
def get_read() -> Cohort:
    return read_cohort(SFR, COHORT)


@cache
def get_fit() -> pd.DataFrame:
    return fit_measure(SFR, YEAR, get_read())


ROWS = COHORT.to_pandas()


@cache
def get_contract() -> pd.DataFrame:
    return assess_facilities(SFR, YEAR, get_fit(), get_read()).contract


def level(fit: pd.DataFrame) -> float:
    summary = read_element(fit, "summary", stage=3).set_index("term")["estimate"]
    return float(summary["national percentage"])


def with_outcome(ccn: str, outcome: int) -> pa.Table:
    """The cohort with one facility's outcomes all alike."""
    rows = ROWS.copy()
    rows.loc[rows["ccn"] == ccn, "is_event"] = outcome
    return pa.Table.from_pandas(rows, preserve_index=False)


@pytest.mark.manual("2.2.14")
def test_planted_coefficients_are_found() -> None:
    regression = read_regression(get_fit(), stage=1)
    z = (regression.coefficients - COEFFICIENTS) / regression.standard_errors
    assert np.all(np.abs(z) < 2.5)


def test_a_stored_fit_reads_back_to_the_last_bit(tmp_path: Path) -> None:
    get_fit().to_parquet(tmp_path / "fit.parquet")
    again = pd.read_parquet(tmp_path / "fit.parquet")
    assert_frame_equal(assess_facilities(SFR, YEAR, again, get_read()).contract, get_contract())
    summary = read_element(again, "summary", stage=3).set_index("term")["estimate"]
    assert summary["seed of the groups"] == SFR.seed
    assert summary["groups"] == 4


def test_the_groups_stored_average_to_the_coefficients() -> None:
    groups = read_element(get_fit(), "group", stage=1)
    assert groups["at"].unique().tolist() == [1, 2, 3, 4]
    mean = groups.groupby("term")["estimate"].mean()
    np.testing.assert_allclose(
        read_regression(get_fit(), stage=1).coefficients, mean[list(SFR.adjusters)], rtol=1e-12
    )
    # A month repeats its patient's draw with the chance 0.7, so two of them do with 0.49.
    assert mean["working correlation"] == pytest.approx(0.49, abs=0.06)
    assert mean["dispersion"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.manual("2.2.14", "2.16.13")
def test_a_value_is_the_nations_percentage_at_the_facilitys_intercept() -> None:
    row = get_contract()[
        get_contract()["unit_count"] == get_contract()["unit_count"].median() // 1
    ].iloc[0]
    predictor = score_rows(SFR, get_fit(), get_read())
    mine = (ROWS["ccn"] == row["ccn"]).to_numpy()
    # The facility's own equation, by another library; the nation, by its rows.
    alone = sm.GEE(
        ROWS.loc[mine, "is_event"].to_numpy(dtype=float),
        np.ones(mine.sum()),
        groups=ROWS.loc[mine, "patient_id"].to_numpy(),
        offset=predictor[mine],
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Exchangeable(),
    ).fit(maxiter=500, ctol=1e-12, ddof_scale=0)
    sizes = ROWS.groupby("ccn")["patient_id"].nunique()
    nation = expit(alone.params[0] + predictor[ROWS["ccn"].map(sizes).to_numpy() >= 11])
    value = nation.mean()
    slope = (nation * (1 - nation)).mean()
    assert row["value"] == pytest.approx(100 * value, rel=1e-8)
    assert row["standard_error"] == pytest.approx(
        slope * alone.bse[0] / (value * (1 - value)), rel=1e-7
    )
    assert row["denominator"] == mine.sum()
    assert row["numerator"] == ROWS.loc[mine, "is_event"].sum()
    assert row["unit_count"] == sizes[row["ccn"]]


def test_the_qip_takes_fractions_and_dialysis_facility_measures_percents() -> None:
    qip = change_entry(SFR, program="qip")
    fit = fit_measure(qip, YEAR, get_read())
    contract = assess_facilities(qip, YEAR, fit, get_read()).contract
    for name in ("value", "lower", "upper"):
        np.testing.assert_allclose(100 * contract[name], get_contract()[name], rtol=1e-12)
    for name in ("z", "p_value", "standard_error"):
        np.testing.assert_array_equal(contract[name], get_contract()[name])
    assert contract["category"].tolist() == get_contract()["category"].tolist()
    assert level(fit) == level(get_fit())


@pytest.mark.manual("2.2.14", "2.16.14")
def test_the_test_and_limits_are_walds_on_the_logit_scale() -> None:
    row = get_contract()[get_contract()["note"].isna()].iloc[3]
    centre = logit(row["value"] / 100)
    z = (centre - logit(level(get_fit()) / 100)) / row["standard_error"]
    assert row["z"] == pytest.approx(z)
    assert row["p_value"] == pytest.approx(2 * norm.sf(abs(z)))
    reach = norm.ppf(0.975) * row["standard_error"]
    assert row["lower"] == pytest.approx(100 * expit(centre - reach))
    assert row["upper"] == pytest.approx(100 * expit(centre + reach))


def test_the_national_level_is_of_patient_months_or_of_facilities() -> None:
    sizes = ROWS.groupby("ccn")["patient_id"].nunique()
    large = ROWS[ROWS["ccn"].map(sizes) >= 11]
    assert level(get_fit()) == pytest.approx(100 * large["is_event"].mean())
    other = fit_measure(
        replace(SFR, national="facilities"),
        YEAR,
        get_read(),
    )
    reported = get_contract()[get_contract()["unit_count"] >= 11]
    assert level(other) == pytest.approx(reported["value"].mean())


@pytest.mark.manual("2.2.8", "2.16.7")
def test_facilities_below_eleven_patients_are_not_modelled_and_not_reported() -> None:
    small = get_contract()["unit_count"] < 11
    assert 0 < small.sum() < len(get_contract())
    assert set(describe_rows(get_contract()[small])) == {"fewer than 11 patients"}
    assert get_contract().loc[small, "value"].notna().all()
    sizes = ROWS.groupby("ccn")["patient_id"].nunique()
    used = ROWS["ccn"].map(sizes) >= 11
    regression = read_regression(get_fit(), stage=1)
    assert regression.row_count == used.sum()
    counts = {aside.rule: aside.count for aside in regression.dropped}
    assert counts["facilities of fewer than 11 patients"] == small.sum()
    assert counts["rows of such small facilities"] == (~used).sum()


@pytest.mark.manual("2.16.15")
def test_a_category_is_what_the_limits_say_and_higher_is_better() -> None:
    shown = get_contract()[get_contract()["reportable"].astype(bool)]
    assert ((shown["lower"] > level(get_fit())) == (shown["category"] == "better")).all()
    assert ((shown["upper"] < level(get_fit())) == (shown["category"] == "worse")).all()


def test_planted_facility_effects_are_recovered_and_covered() -> None:
    cohort, effects = make_months(facility_count=800, seed=9)
    fit = fit_measure(
        replace(SFR, group_count=10), YEAR, read_cohort(replace(SFR, group_count=10), cohort)
    )
    contract = assess_facilities(SFR, YEAR, fit, read_cohort(SFR, cohort)).contract.set_index("ccn")
    large = contract[(contract["unit_count"] >= 11) & contract["z"].notna()]
    truth, _ = read_distribution(fit, stage=3).average(effects[large.index].to_numpy())
    found = large["value"].to_numpy(dtype=float)
    assert np.polyfit(logit(truth), logit(found / 100), 1)[0] == pytest.approx(1.0, abs=0.1)
    covered = (large["lower"] <= 100 * truth) & (100 * truth <= large["upper"])
    assert 0.93 <= covered.mean() <= 0.97


def test_where_few_are_waitlisted_facilities_with_none_are_kept_and_worse() -> None:
    pppw = change_entry(SFR, measure="pppw")
    cohort, effects = make_months(facility_count=300, seed=3, persistence=0.97, level=-2.5)
    fit = fit_measure(pppw, YEAR, read_cohort(pppw, cohort))
    counts = {aside.rule: aside.count for aside in read_regression(fit, stage=1).dropped}
    contract = assess_facilities(pppw, YEAR, fit, read_cohort(pppw, cohort)).contract.set_index(
        "ccn"
    )
    shown = contract[contract["reportable"].astype(bool)]
    none = shown[shown["numerator"] == 0]
    assert len(none) == counts["facilities without events (stage 1)"] > 10
    note = "no events: an infinite z-score, limits equal to the value"
    assert none["note"].unique().tolist() == [note]
    assert (none[["value", "lower", "upper", "p_value"]] == 0).all(axis=None)
    assert set(none["category"]) == {"worse"}
    truth, _ = read_distribution(fit, stage=3).average(effects[shown.index].to_numpy())
    covered = (shown["lower"] <= 100 * truth) & (100 * truth <= shown["upper"])
    assert covered.drop(none.index).mean() >= 0.93


@pytest.mark.parametrize(("outcome", "value"), [(0, 0.0), (1, 100.0)])
def test_a_facility_whose_months_are_all_alike_is_its_own_limit_and_says_so(
    outcome: int, value: float
) -> None:
    ccn = get_contract().loc[get_contract()["unit_count"] > 40, "ccn"].iloc[0]
    cohort = with_outcome(ccn, outcome)
    read = read_cohort(SFR, cohort)
    contract = assess_facilities(SFR, YEAR, fit_measure(SFR, YEAR, read), read).contract
    (row,) = contract[contract["ccn"] == ccn].to_dict("records")
    assert row["value"] == value
    assert np.isnan(row["z"])
    assert row["p_value"] == 0
    assert row["lower"] == row["upper"] == value
    kind = ("no", "only")[outcome]
    assert row["note"] == f"{kind} events: an infinite z-score, limits equal to the value"
    assert row["category"] == ("worse", "better")[outcome]


def test_a_lone_patient_is_assessed_and_not_reported() -> None:
    lone = ROWS["patient_id"].iloc[0]
    rows = ROWS.assign(ccn=ROWS["ccn"].where(ROWS["patient_id"] != lone, "999999"))
    cohort = pa.Table.from_pandas(rows, preserve_index=False)
    read = read_cohort(SFR, cohort)
    contract = assess_facilities(SFR, YEAR, fit_measure(SFR, YEAR, read), read).contract
    (row,) = contract[contract["ccn"] == "999999"].to_dict("records")
    assert row["unit_count"] == 1
    assert not row["reportable"]


def test_a_facility_whose_patients_show_no_spread_has_no_category_and_says_so() -> None:
    like = ROWS.iloc[[0]].drop(columns="is_event")
    pairs = pd.concat([like.assign(is_event=outcome) for outcome in (0, 1)] * 12)
    strange = pairs.assign(ccn="999999", patient_id=9_000_000 + np.arange(24) // 2)
    cohort = pa.Table.from_pandas(pd.concat([ROWS, strange]), preserve_index=False)
    contract = assess_facilities(SFR, YEAR, get_fit(), read_cohort(SFR, cohort)).contract
    (row,) = contract[contract["ccn"] == "999999"].to_dict("records")
    assert row["reportable"]
    assert pd.isna(row["category"])
    assert np.isnan(row["p_value"])
    assert row["note"] == "patients show no spread: neither limits nor test"


def test_the_order_of_rows_and_the_labels_of_patients_do_not_matter() -> None:
    order = np.random.default_rng(1).permutation(len(ROWS))
    other = ROWS.iloc[order].assign(patient_id=lambda rows: 10_000_000 - rows["patient_id"])
    cohort = pa.Table.from_pandas(other, preserve_index=False)
    again = fit_measure(SFR, YEAR, read_cohort(SFR, cohort))
    assert_frame_equal(get_fit(), again, rtol=1e-8, atol=1e-9)
    assert_frame_equal(
        get_contract(),
        assess_facilities(SFR, YEAR, again, read_cohort(SFR, cohort)).contract,
        rtol=1e-8,
        atol=1e-9,
    )


def test_another_years_facilities_are_standardised_to_the_stored_nation() -> None:
    part = COHORT.slice(0, 400)
    contract = assess_facilities(SFR, YEAR + 1, get_fit(), read_cohort(SFR, part)).contract
    whole = get_contract().set_index("ccn")
    first = contract.iloc[0]
    assert first["performance_year"] == YEAR + 1
    assert first["value"] == pytest.approx(whole.loc[first["ccn"], "value"], rel=1e-12)


def test_statsmodels_gives_the_same_first_stage_on_a_sample() -> None:
    opinion = compare_gee_fit(SFR, YEAR, get_read(), seed=5, facility_count=12)
    assert opinion["facility_count"].unique().tolist() == [12]
    assert opinion["library"].str.endswith("exchangeable, from our root").all()
    for ours, theirs in (
        ("estimate", "other_estimate"),
        ("standard_error", "other_standard_error"),
    ):
        assert opinion[ours].to_numpy() == pytest.approx(opinion[theirs].to_numpy(), rel=1e-6)


def test_where_the_correlation_is_held_statsmodels_does_not_move_from_our_root() -> None:
    pppw = change_entry(SFR, measure="pppw")
    cohort, _ = make_months(facility_count=12, seed=3, persistence=1.0, level=-1.5)
    opinion = compare_gee_fit(pppw, YEAR, read_cohort(pppw, cohort), seed=5, facility_count=12)
    assert opinion["library"].str.endswith("at our correlation and root").all()
    for ours, theirs in (
        ("estimate", "other_estimate"),
        ("standard_error", "other_standard_error"),
    ):
        assert opinion[ours].to_numpy() == pytest.approx(opinion[theirs].to_numpy(), rel=1e-6)


def test_where_the_whole_range_has_no_root_the_correlation_is_held_in_a_narrower_one() -> None:
    table, _ = make_months(
        facility_count=12, seed=27, persistence=0.9, level=-2.0, median_size=12, effect_sd=2.0
    )
    generator = np.random.default_rng(27)
    patient = table.column("patient_id").to_numpy()
    people = np.unique(patient)
    ccn = np.array(table.column("ccn").to_pylist(), dtype=object)
    movers = people[generator.random(people.size) < 0.3]
    to = dict(zip(movers, generator.choice(np.unique(ccn), movers.size), strict=True))
    moved = np.isin(patient, movers) & (generator.random(patient.size) < 0.5)
    ccn[moved] = [to[person] for person in patient[moved]]
    place = table.column_names.index("ccn")
    table = table.set_column(place, "ccn", pa.array(ccn.tolist()))
    fit = fit_adjusters(read_cohort(SFR, table))
    assert (fit.correlation, fit.is_held) == (0.9, True)
    assert fit.correlation_estimate == pytest.approx(0.9266, abs=1e-3)
    assert fit.regression.gradient_norm < 1e-6
    held = [one.count for one in fit.regression.dropped if one.rule.startswith("correlations held")]
    assert held == [1]


def test_what_is_wrong_with_a_cohort_is_named() -> None:
    with pytest.raises(CohortError, match="cohort of sfr: column is_event is missing"):
        fit_measure(SFR, YEAR, read_cohort(SFR, COHORT.drop_columns(["is_event"])))
    with pytest.raises(CohortError, match="no facility has 9999 patients, so none is modelled"):
        fit_measure(
            change_entry(SFR, minimum_modelled=9999),
            YEAR,
            get_read(),
        )
    with pytest.raises(FitError, match="cannot be split into 500 groups"):
        fit_measure(replace(SFR, group_count=500), YEAR, get_read())


def test_an_empirical_null_moves_and_widens_the_limits_on_the_scale_of_the_percentage() -> None:
    sfr = replace(SFR, inference="empirical_null")
    wald, found = get_contract(), assess_facilities(sfr, YEAR, get_fit(), get_read())
    contract = found.contract
    assert_series_equal(contract["value"], wald["value"])
    assert_series_equal(contract["standard_error"], wald["standard_error"])
    share = contract["value"] / 100
    error = contract["value"] * (1 - share) * contract["standard_error"]
    summary = read_element(get_fit(), "summary", stage=3).set_index("term")["estimate"]
    z = (contract["value"] - summary["national percentage"]) / error
    np.testing.assert_allclose(contract["z"], z)
    patients = contract["patients"].to_numpy(float)
    sizes = np.sort(patients[patients >= 11])
    edges = [sizes[int(np.ceil(quarter * sizes.size / 4)) - 1] for quarter in (1, 2, 3)]
    for stratum in range(4):
        mine = np.searchsorted(edges, patients) == stratum
        middle, spread = (
            contract[mine][["z_null_mean", "z_null_sd"]].drop_duplicates().to_numpy()[0]
        )
        modelled = z[mine & (patients >= 11)]
        assert abs(middle - np.median(modelled)) < 0.3 * spread
        reach = norm.isf(0.025) * spread * error[mine]
        centre = contract["value"][mine] - middle * error[mine]
        np.testing.assert_allclose(contract["lower"][mine], np.clip(centre - reach, 0, 100))
        np.testing.assert_allclose(contract["upper"][mine], np.clip(centre + reach, 0, 100))
        p_value = 2 * norm.sf(np.abs(z[mine] - middle) / spread)
        np.testing.assert_allclose(contract["p_value"][mine], p_value, rtol=1e-9)
    assert found.null is not None
    assert len(found.null.strata) == 4
    shares = [(frame["category"] != "as").mean() for frame in (wald, contract)]
    assert shares[1] < shares[0] / 2


@needs_cms_public
@pytest.mark.manual("2.2.14")
def test_published_limits_of_sfr_are_lopsided_by_quartile_of_patients_alone() -> None:
    """(upper - value) - (value - lower) over the width is minus mean over 1.96 deviations (73)."""
    columns = [
        "Number of Patients included in fistula summary",
        "Fistula Rate (Facility)",
        "Fistula Rate: Lower Confidence Limit (2.5%)",
        "Fistula Rate: Upper Confidence Limit (97.5%)",
    ]
    path = CMS_PUBLIC / "DFC_FACILITY_2026-04.csv"
    rows = pd.read_csv(path, dtype=str, usecols=columns).apply(pd.to_numeric, errors="coerce")
    rows = rows.dropna()[columns]
    patients, value, lower, upper = rows[rows[columns[2]] > 0].to_numpy(float).T
    tilt = (upper + lower - 2 * value) / (upper - lower)
    is_whole = upper < 100
    edges = np.quantile(patients, [0.25, 0.5, 0.75])
    # CMS's edges include facilities that are not in the file.
    is_inside = np.abs(patients[:, None] - edges).min(axis=1) > 3
    for stratum in range(4):
        mine = is_whole & is_inside & (np.searchsorted(edges, patients) == stratum)
        near = np.abs(tilt[mine] - np.median(tilt[mine])) <= 0.2 / (upper - lower)[mine]
        assert near.mean() > 0.97
