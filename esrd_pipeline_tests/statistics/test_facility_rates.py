"""Facilities' ratios, errors and flags checked against formulas, R, a GEE and simulation."""

import json
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.empirical_null import (
    FacilityNull,
    assign_null,
    fit_empirical_null,
    two_sided_p,
)
from esrd_pipeline.statistics.facility_rates import (
    AdjustedRates,
    FacilityRates,
    adjust_rates,
    compare_rates,
    find_ratio_limits,
)
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline_tests.statistics.test_rates import expected, fit, read_stored

STORED = Path(__file__).parent / "r"


def compare(rows: list[tuple[int, int, int, float]], facility_count: int) -> FacilityRates:
    """Rows of facility, patient, observed, expected."""
    table = np.array(rows)
    return compare_rates(
        facility=table[:, 0].astype(int),
        patient=table[:, 1].astype(int),
        observed=table[:, 2],
        expected=table[:, 3],
        facility_count=facility_count,
    )


TWO_FACILITIES = [
    (0, 0, 2, 0.75),
    (0, 0, 1, 0.25),
    (0, 1, 1, 1.0),
    (1, 2, 1, 3.0),
    (1, 3, 2, 1.0),
]


def test_ratio_error_and_scale_follow_by_hand() -> None:
    rates = compare(TWO_FACILITIES, 2)
    assert rates.observed.tolist() == [4, 3]
    assert rates.expected.tolist() == [2, 4]
    assert rates.patients.tolist() == [2, 2]
    np.testing.assert_allclose(rates.ratio, [2, 0.75])
    np.testing.assert_allclose(rates.theta, np.log([2, 0.75]))
    # Residuals by patient: 3 - 2, 1 - 2 | 1 - 2.25, 2 - 0.75.
    error = np.sqrt([2, 2 * 1.25**2]) / [4, 3]
    np.testing.assert_allclose(rates.standard_error, error)
    np.testing.assert_allclose(rates.z, np.log([2, 0.75]) / error)
    parts = 3 * np.log(3 / 2) + np.log(1 / 2) + np.log(1 / 2.25) + 2 * np.log(2 / 0.75)
    assert rates.scale == pytest.approx(2 * parts / (4 - 2))
    assert not rates.is_half_added.any()
    assert not rates.is_model_based.any()
    assert rates.dropped == ()


def test_a_facility_without_events_has_half_an_event_and_says_so() -> None:
    rates = compare([*TWO_FACILITIES, (2, 4, 0, 1.0), (2, 5, 0, 1.5)], 3)
    assert rates.is_half_added.tolist() == [False, False, True]
    assert rates.is_model_based.tolist() == [False, False, True]
    assert (rates.observed[2], rates.expected[2], rates.ratio[2]) == (0, 2.5, 0)
    assert rates.theta[2] == pytest.approx(np.log(0.5 / 3))
    assert rates.standard_error[2] == pytest.approx(np.sqrt(rates.scale / 0.5))
    adjusted = adjust_with(rates, mean=0.1, deviation=1.2)
    assert adjusted.p_value[2] == pytest.approx(np.exp(-2.5))
    assert adjusted.lower[2] == 0
    assert adjusted.upper[2] > 0.5 / 3


def test_one_patient_or_none_has_the_error_of_the_model_or_no_ratio() -> None:
    rates = compare([*TWO_FACILITIES, (2, 4, 3, 2.0), (3, 5, 0, 0.0)], 5)
    assert rates.is_model_based.tolist() == [False, False, True, False, False]
    assert rates.standard_error[2] == pytest.approx(np.sqrt(rates.scale / 3))
    for missing in (rates.ratio, rates.theta, rates.standard_error, rates.z):
        assert np.isnan(missing).tolist() == [False, False, False, True, True]
    assert rates.patients.tolist() == [2, 2, 1, 0, 0]
    assert [part.count for part in rates.dropped] == [2]
    adjusted = adjust_with(rates, mean=0.0, deviation=1.0)
    assert np.isnan(adjusted.p_value).tolist() == [False, False, False, True, True]
    assert np.isnan(adjusted.lower).tolist() == [False, False, False, True, True]


def adjust_with(rates: FacilityRates, *, mean: float, deviation: float) -> AdjustedRates:
    shape = rates.theta.shape
    null = FacilityNull(
        stratum=np.zeros(shape, dtype=np.intp),
        mean=np.full(shape, mean),
        deviation=np.full(shape, deviation),
    )
    return adjust_rates(rates, null=null, national_rate=150.0)


def test_r_gives_the_same_thetas_and_errors() -> None:
    stored = json.loads((STORED / "rates.json").read_text())
    segments = read_stored()
    rates = compare_rates(
        facility=segments.facility,
        patient=segments.patient,
        observed=segments.events,
        expected=expected(fit(segments), segments),
        facility_count=20,
    )
    np.testing.assert_allclose(rates.theta[:19], stored["theta"], rtol=1e-7)
    np.testing.assert_allclose(rates.standard_error[:19], stored["theta_error"], rtol=1e-7)
    assert rates.scale == pytest.approx(stored["scale"], rel=1e-7)
    assert np.flatnonzero(rates.is_half_added).tolist() == [19]


def simulate(
    seed: int, *, facilities: int, between: float, within: float = 1.0
) -> tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray]:
    """Patients of facilities whose gamma effects have standard deviation `between`."""
    rng = np.random.default_rng(seed)
    size = rng.integers(30, 150, facilities)
    facility = np.repeat(np.arange(facilities), size)
    mean = rng.gamma(2, 0.7, facility.size)
    effect = rng.gamma(between**-2, between**2, facilities)[facility]
    frailty = rng.gamma(1 / within, within, facility.size)
    observed = rng.poisson(mean * effect * frailty)
    return facility, np.arange(facility.size), observed, mean, size.astype(float)


def test_a_live_gee_clustered_by_patient_gives_the_same_errors() -> None:
    facility, patient, observed, mean, _ = simulate(1, facilities=6, between=0.2)
    patient = patient // 2
    rates = compare_rates(
        facility=facility,
        patient=patient,
        observed=observed,
        expected=mean,
        facility_count=6,
    )
    order = np.argsort(patient, kind="stable")
    gee = sm.GEE(
        observed[order],
        (facility[:, None] == np.arange(6))[order].astype(float),
        groups=patient[order],
        family=sm.families.Poisson(),
        offset=np.log(mean[order]),
        cov_struct=sm.cov_struct.Independence(),
    ).fit()
    np.testing.assert_allclose(rates.theta, gee.params, rtol=1e-6)
    np.testing.assert_allclose(rates.standard_error, gee.bse, rtol=1e-6)


def test_order_and_labels_do_not_matter() -> None:
    facility, patient, observed, mean, _ = simulate(2, facilities=8, between=0.2)
    one = compare_rates(
        facility=facility, patient=patient, observed=observed, expected=mean, facility_count=8
    )
    rng = np.random.default_rng(3)
    rows, label, code = rng.permutation(mean.size), rng.permutation(8), rng.permutation(mean.size)
    other = compare_rates(
        facility=label[facility][rows],
        patient=code[patient][rows],
        observed=observed[rows],
        expected=mean[rows],
        facility_count=8,
    )
    np.testing.assert_allclose(other.z[label], one.z, rtol=1e-11)
    np.testing.assert_allclose(other.scale, one.scale, rtol=1e-11)


def test_limits_are_the_manuals_formula_and_agree_with_the_p_value() -> None:
    rates = compare(TWO_FACILITIES, 2)
    adjusted = adjust_with(rates, mean=0.25, deviation=1.5)
    centre = np.log([2, 0.75]) - 0.25 * rates.standard_error
    reach = 1.96 * 1.5 * rates.standard_error
    np.testing.assert_allclose(adjusted.lower, np.exp(centre - reach))
    np.testing.assert_allclose(adjusted.upper, np.exp(centre + reach))
    np.testing.assert_allclose(adjusted.rate, [300, 112.5])
    np.testing.assert_allclose(adjusted.rate_upper, 150 * adjusted.upper)
    np.testing.assert_allclose(adjusted.rate_lower, 150 * adjusted.lower)
    np.testing.assert_allclose(adjusted.z, (rates.z - 0.25) / 1.5)
    np.testing.assert_allclose(adjusted.p_value, two_sided_p(adjusted.z))


def test_an_adjusted_z_of_the_critical_value_has_a_limit_at_one() -> None:
    error, mean, deviation = np.array([0.2]), np.array([0.3]), np.array([1.4])
    theta = error * (mean + 1.96 * deviation)
    lower, upper = find_ratio_limits(
        theta=theta, standard_error=error, mean=mean, deviation=deviation
    )
    assert lower[0] == pytest.approx(1)
    assert upper[0] == pytest.approx(np.exp(2 * 1.96 * 1.4 * 0.2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observed": np.array([1, 2, 3])}, "observed has shape"),
        ({"observed": np.array([0.5, 2])}, "observed: 1 values are not whole"),
        ({"expected": np.array([1, -1.0])}, "expected: 1 values are negative"),
        ({"expected": np.array([0, 1.0])}, "1 patients have events where none are expected"),
        ({"facility": np.array([0, 7])}, "facility: codes reach 7, but there are 2"),
        ({"patient": np.array([-1, 0])}, "patient: 1 codes are negative"),
        ({}, "patients do not vary within facilities"),
    ],
)
def test_bad_rows_are_refused_by_name(change: dict[str, NDArray], message: str) -> None:
    rows = {
        "facility": np.array([0, 1]),
        "patient": np.array([0, 1]),
        "observed": np.array([1, 2]),
        "expected": np.array([1.0, 1.5]),
    }
    with pytest.raises(FitError, match=message):
        compare_rates(**{**rows, **change}, facility_count=2)


def test_a_null_of_other_facilities_or_no_national_rate_is_refused() -> None:
    rates = compare(TWO_FACILITIES, 2)
    null = FacilityNull(stratum=np.zeros(1, dtype=np.intp), mean=np.zeros(1), deviation=np.ones(1))
    with pytest.raises(FitError, match="null: 1 facilities, the rates have 2"):
        adjust_rates(rates, null=null, national_rate=150.0)
    null = FacilityNull(stratum=np.zeros(2, dtype=np.intp), mean=np.zeros(2), deviation=np.ones(2))
    for rate in (0.0, np.nan):
        with pytest.raises(FitError, match="national rate"):
            adjust_rates(rates, null=null, national_rate=rate)


def compare_many(seed: int, *, facilities: int, between: float) -> tuple[FacilityRates, FloatArray]:
    """Simulated facilities and their sizes."""
    facility, patient, observed, mean, size = simulate(seed, facilities=facilities, between=between)
    rates = compare_rates(
        facility=facility,
        patient=patient,
        observed=observed,
        expected=mean,
        facility_count=size.size,
    )
    return rates, size


def flag_shares(seed: int, *, between: float) -> tuple[float, float]:
    """Shares of 1,500 facilities flagged by the theoretical and by the empirical null."""
    rates, size = compare_many(seed, facilities=1500, between=between)
    null = assign_null(fit_empirical_null(z=rates.z, size=size), size=size)
    adjusted = adjust_rates(rates, null=null, national_rate=1.0)
    is_flagged = (adjusted.lower > 1) | (adjusted.upper < 1)
    return float(np.mean(two_sided_p(rates.z) < 0.05)), float(np.mean(is_flagged))


def test_the_empirical_null_flags_one_in_twenty_where_facilities_vary_by_nature() -> None:
    shares = np.array([flag_shares(seed, between=0.2) for seed in range(20)])
    theoretical, empirical = shares.mean(axis=0)
    assert 0.04 < empirical < 0.06
    assert theoretical > 0.15


def test_a_scale_of_one_is_found_where_facilities_do_not_vary() -> None:
    rates, size = compare_many(9, facilities=3000, between=1e-3)
    null = fit_empirical_null(z=rates.z, size=size)
    for part in null.strata:
        assert part.deviation == pytest.approx(1, abs=0.08)
        assert part.mean == pytest.approx(0, abs=0.2)
