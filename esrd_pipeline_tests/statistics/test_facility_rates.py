"""Facilities' ratios, errors and flags checked against formulas, R, a GEE and simulation."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.stats import norm

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
    find_rate_limits,
    find_rate_z,
)
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public
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
    parts = 3 * np.log(3 / 2) + np.log(1 / 2) + np.log(1 / 2.25) + 2 * np.log(2 / 0.75)
    assert rates.scale == pytest.approx(2 * parts / (4 - 2))
    np.testing.assert_allclose(rates.standard_error, np.sqrt(rates.scale / np.array([4, 3])))
    np.testing.assert_allclose(rates.z, np.log([2, 0.75]) / rates.standard_error)
    assert not rates.has_none.any()
    assert rates.dropped == ()


def test_the_error_does_not_ask_how_events_are_spread_over_patients() -> None:
    """Published limits of STrR: ln(upper / value) is 2.931 over the root of the events (290)."""
    spread = [(0, 0, 1, 1.0), (0, 1, 1, 1.0), (0, 2, 0, 1.0)]
    heaped = [(1, 3, 2, 1.0), (1, 4, 0, 1.0), (1, 5, 0, 1.0)]
    rates = compare([*spread, *heaped, (2, 6, 8, 3.0), (2, 7, 0, 3.0)], 3)
    adjusted = adjust_with(rates, mean=-0.27, deviation=1.3)
    np.testing.assert_allclose(rates.standard_error[:2], np.sqrt(rates.scale / 2))
    reach = np.log(adjusted.upper / rates.ratio) * np.sqrt(rates.observed)
    np.testing.assert_allclose(reach, reach[0])


def test_the_scale_of_rare_events_is_not_below_that_of_poisson() -> None:
    rows = [(home, 40 * home + one, int(one == 0), 0.025) for home in (0, 1) for one in range(40)]
    rates = compare(rows, 2)
    assert rates.scale == 1
    np.testing.assert_allclose(rates.standard_error, 1)


def test_a_facility_without_events_has_the_error_of_its_expected_events() -> None:
    rates = compare([*TWO_FACILITIES, (2, 4, 0, 4.0), (2, 5, 0, 5.0)], 3)
    assert rates.has_none.tolist() == [False, False, True]
    assert (rates.observed[2], rates.expected[2], rates.ratio[2]) == (0, 9, 0)
    error = np.sqrt(rates.scale / 9)
    assert rates.z[2] == pytest.approx(-1 / error)
    assert rates.standard_error[2] == pytest.approx(np.sqrt(rates.scale / 0.5))
    adjusted = adjust_with(rates, mean=0.1, deviation=1.2)
    assert adjusted.p_value[2] == pytest.approx(2 * norm.cdf((-1 / error - 0.1) / 1.2))
    assert (adjusted.lower[2], adjusted.upper[2]) == (0, pytest.approx(1.96 * 1.2 * error))


def test_where_nothing_is_expected_there_is_neither_z_nor_limit() -> None:
    nothing = {"observed": np.zeros(1), "expected": np.zeros(1), "scale": 1.4}
    limits = find_rate_limits(**nothing, mean=np.zeros(1), deviation=np.ones(1))
    assert np.isnan([find_rate_z(**nothing), *limits]).all()


@needs_cms_public
@pytest.mark.manual("2.12.16")
def test_published_categories_without_transfusion_follow_from_the_printed_limit() -> None:
    """214 facilities: the limit tells the expected events, and these tell the category (25)."""
    path = CMS_PUBLIC / "DFC_FACILITY_2026-04.csv"
    name = "Transfusion Rate: Upper Confidence Limit (97.5%)"
    rows = pd.read_csv(path, dtype=str).set_index("Transfusion Rate (Facility)").loc["0.0"]
    printed = rows[name].astype(float).to_numpy()
    # ln(upper / value) and ln(value / lower) of the others are these over the root of the events.
    above, below, national = 2.931, 2.222, 32.5
    reach, mean = (above + below) / 2, (below - above) / 2
    due = (reach * national / printed) ** 2
    one = np.ones(due.shape)
    nothing = {"observed": 0 * one, "expected": due, "scale": 1.0}
    _, upper = find_rate_limits(**nothing, mean=mean * one, deviation=reach / 1.96 * one)
    np.testing.assert_allclose(upper * national, printed)
    z = (find_rate_z(**nothing) - mean) / (reach / 1.96)
    is_better = rows["Patient Transfusion category text"] == "Better than Expected"
    assert (z < -1.96).tolist() == is_better.tolist()
    assert (len(rows), is_better.sum(), np.count_nonzero(upper < 1)) == (214, 2, 8)
    # As many as are expected where others saw one to three transfusions, among 10 patient-years.
    assert np.quantile(due, [0.05, 0.5, 0.95]).round(1).tolist() == [3.1, 3.9, 6.1]


@needs_cms_public
@pytest.mark.manual("2.12.16")
def test_published_limits_rest_on_the_bisquare_null_of_the_reported_facilities() -> None:
    """z-scores times the root of the scale, recomputed of 4,606 facilities (readings 284, 291)."""
    columns = ["Transfusion Rate (Facility)", "Transfusion Rate: Upper Confidence Limit (97.5%)"]
    path = CMS_PUBLIC / "DFC_FACILITY_2026-04.csv"
    rates = pd.read_csv(path, dtype=str, usecols=columns).apply(pd.to_numeric, errors="coerce")
    rate, upper = rates.dropna()[columns].to_numpy(float).T
    above, below, national = 2.931, 2.222, 32.55
    has_none = rate == 0
    safe = np.where(has_none, 1.0, rate)
    events = np.where(has_none, 0.0, np.round((above / np.log(upper / safe)) ** 2))
    due = np.where(
        has_none,
        ((above + below) / 2 * national / upper) ** 2,
        events * national / safe,
    )
    z = find_rate_z(observed=events, expected=due, scale=1.0)
    (null,) = fit_empirical_null(z=z, size=np.ones(z.size), stratum_count=1).strata
    assert null.count == 4606
    assert null.mean == pytest.approx((below - above) / 2, abs=0.003)
    assert null.deviation == pytest.approx((above + below) / 2 / 1.96, abs=0.003)


@needs_cms_public
@pytest.mark.manual("2.12.16")
def test_published_limits_rest_on_the_number_of_events_alone() -> None:
    """ln(upper / value) is a constant over the root of a whole number at every facility (290)."""
    columns = ["Transfusion Rate (Facility)", "Transfusion Rate: Upper Confidence Limit (97.5%)"]
    path = CMS_PUBLIC / "DFC_FACILITY_2026-04.csv"
    rates = pd.read_csv(path, dtype=str, usecols=columns).apply(pd.to_numeric, errors="coerce")
    rate, upper = rates[rates[columns[0]] > 0].dropna()[columns].to_numpy(float).T
    reach = np.log(upper / rate)
    events = (2.931 / reach) ** 2
    printed = 2 * events / reach * (0.05 / rate + 0.05 / upper) + 0.01
    is_few = (events < 6.5) & (printed < 0.15)
    off = np.abs(events - np.round(events))[is_few]
    assert off.size > 2000
    assert np.mean(off <= printed[is_few]) > 0.99
    assert np.mean(off < 0.05) > 0.9


def test_one_patient_has_an_error_and_none_has_no_ratio() -> None:
    rates = compare([*TWO_FACILITIES, (2, 4, 3, 2.0), (3, 5, 0, 0.0)], 5)
    assert rates.standard_error[2] == pytest.approx(np.sqrt(rates.scale / 3))
    for missing in (rates.ratio, rates.standard_error, rates.z):
        assert np.isnan(missing).tolist() == [False, False, False, True, True]
    assert rates.patients.tolist() == [2, 2, 1, 0, 0]
    assert [part.count for part in rates.dropped] == [2]
    adjusted = adjust_with(rates, mean=0.0, deviation=1.0)
    for missing in (adjusted.p_value, adjusted.lower, adjusted.upper):
        assert np.isnan(missing).tolist() == [False, False, False, True, True]


def adjust_with(rates: FacilityRates, *, mean: float, deviation: float) -> AdjustedRates:
    shape = rates.z.shape
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
    np.testing.assert_allclose(np.log(rates.ratio[:19]), stored["theta"], rtol=1e-7)
    np.testing.assert_allclose(rates.standard_error[:19], stored["theta_error"], rtol=1e-7)
    assert rates.scale == pytest.approx(stored["scale"], rel=1e-7)
    assert np.flatnonzero(rates.has_none).tolist() == [19]


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


def test_a_live_over_dispersed_poisson_model_gives_the_same_errors() -> None:
    facility, patient, observed, mean, _ = simulate(1, facilities=6, between=0.2)
    rates = compare_rates(
        facility=facility,
        patient=patient,
        observed=observed,
        expected=mean,
        facility_count=6,
    )
    model = sm.GLM(
        observed,
        (facility[:, None] == np.arange(6)).astype(float),
        family=sm.families.Poisson(),
        offset=np.log(mean),
    ).fit(scale="dev", tol=1e-12)
    np.testing.assert_allclose(np.log(rates.ratio), model.params, rtol=1e-6)
    np.testing.assert_allclose(rates.standard_error, model.bse, rtol=1e-6)
    assert rates.scale == pytest.approx(model.scale)


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
    error, mean, deviation = 0.2, np.array([0.3]), np.array([1.4])
    events = np.array([1 / error**2])
    theta = error * (mean + 1.96 * deviation)
    lower, upper = find_rate_limits(
        observed=events,
        expected=events / np.exp(theta),
        scale=1.0,
        mean=mean,
        deviation=deviation,
    )
    assert lower[0] == pytest.approx(1)
    assert upper[0] == pytest.approx(np.exp(2 * 1.96 * 1.4 * error))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"observed": np.array([1, 2, 3])}, "observed has shape"),
        ({"observed": np.array([0.5, 2])}, "observed: 1 values are not whole"),
        ({"expected": np.array([1, -1.0])}, "expected: 1 values are negative"),
        ({"expected": np.array([0, 1.0])}, "1 patients have events where none are expected"),
        ({"facility": np.array([0, 7])}, "facility: codes reach 7, but there are 2"),
        ({"patient": np.array([-1, 0])}, "patient: 1 codes are negative"),
        ({}, "no facility has two patients"),
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


def test_one_deviation_is_found_in_all_strata_where_facilities_do_not_vary() -> None:
    """The deviance scale is one factor for all, which the null takes back."""
    rates, size = compare_many(9, facilities=3000, between=1e-3)
    strata = fit_empirical_null(z=rates.z, size=size).strata
    deviations = np.array([part.deviation for part in strata])
    np.testing.assert_allclose(deviations / deviations.mean(), 1, atol=0.08)
    assert max(abs(part.mean) for part in strata) < 0.2
