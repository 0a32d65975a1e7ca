"""Crossed random intercepts checked against lme4, invariances and simulated ground truth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from esrd_pipeline.statistics import crossed_cells
from esrd_pipeline.statistics.crossed_effects import CrossedFit, fit_crossed
from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import CollinearError, FitError, SeparationError
from esrd_pipeline_tests.statistics.discharges import Discharges, simulate

STORED = Path(__file__).parent / "r"
POINTS = [(-0.4, 0.5, 0.2), (-0.4, 0.0, 0.2), (-0.4, 0.3, 0.0), (-0.4, 0.0, 0.0), (1.0, 6.0, 3.0)]


def fit(rows: Discharges, **counts: int) -> CrossedFit:
    return fit_crossed(
        offset=rows.offset,
        outcome=rows.outcome,
        facility=rows.facility,
        hospital=rows.hospital,
        **counts,
    )


def assert_same(
    first: CrossedFit, second: CrossedFit, facility: IntArray, hospital: IntArray
) -> None:
    """The second fit has level facility[k] where the first has k."""
    np.testing.assert_allclose(
        first.regression.coefficients, second.regression.coefficients, rtol=1e-9
    )
    assert first.regression.log_likelihood == pytest.approx(
        second.regression.log_likelihood, rel=1e-12
    )
    np.testing.assert_allclose(
        first.regression.standard_errors, second.regression.standard_errors, rtol=1e-7
    )
    for one, other in (
        (first.facility_modes, second.facility_modes[facility]),
        (first.facility_variances, second.facility_variances[facility]),
        (first.hospital_modes, second.hospital_modes[hospital]),
        (first.hospital_variances, second.hospital_variances[hospital]),
    ):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


def test_lme4_finds_the_same() -> None:
    stored = json.loads((STORED / "crossed.json").read_text())
    table = np.loadtxt(STORED / "crossed.csv", delimiter=",", skiprows=1)
    facility, hospital = table[:, 0].astype(np.intp), table[:, 1].astype(np.intp)
    fitted = fit(Discharges(table[:, 2], table[:, 3].astype(np.intp), facility, hospital))
    assert fitted.intercept == pytest.approx(stored["intercept"], rel=1e-6)
    assert fitted.sigma_facility == pytest.approx(stored["sigma_facility"], rel=1e-6)
    assert fitted.sigma_hospital == pytest.approx(stored["sigma_hospital"], rel=1e-6)
    assert fitted.regression.log_likelihood == pytest.approx(stored["log_likelihood"], rel=1e-12)
    np.testing.assert_allclose(
        fitted.regression.standard_errors, np.sqrt(np.diag(stored["covariance"])), rtol=1e-6
    )
    np.testing.assert_allclose(
        fitted.regression.model_covariance, stored["covariance"], rtol=0, atol=1e-8
    )
    for name in ("facility_modes", "facility_variances", "hospital_modes", "hospital_variances"):
        np.testing.assert_allclose(getattr(fitted, name), stored[name], rtol=0, atol=1e-6)


def test_row_order_does_not_matter() -> None:
    rows = simulate(6)
    mixed = rows.take(np.random.default_rng(0).permutation(rows.offset.size))
    assert_same(fit(rows), fit(mixed), np.arange(30), np.arange(14))


def test_labels_do_not_matter() -> None:
    rows = simulate(7)
    rng = np.random.default_rng(0)
    facility, hospital = rng.permutation(30), rng.permutation(14)
    other = replace(rows, facility=facility[rows.facility], hospital=hospital[rows.hospital])
    assert_same(fit(rows), fit(other), facility, hospital)


def test_with_facility_and_hospital_exchanged_the_results_are_exchanged() -> None:
    rows = simulate(8)
    straight = fit(rows)
    exchanged = fit(replace(rows, facility=rows.hospital, hospital=rows.facility))
    np.testing.assert_allclose(
        straight.regression.coefficients[[0, 2, 1]], exchanged.regression.coefficients, rtol=1e-9
    )
    np.testing.assert_allclose(
        straight.regression.standard_errors[[0, 2, 1]],
        exchanged.regression.standard_errors,
        rtol=1e-7,
    )
    np.testing.assert_allclose(straight.facility_modes, exchanged.hospital_modes, atol=1e-9)
    np.testing.assert_allclose(straight.hospital_variances, exchanged.facility_variances, rtol=1e-8)


@pytest.mark.parametrize(("name", "value"), [("DENSE_SHARE", 2.0), ("BLOCK_ROWS", 100)])
def test_sparse_products_and_small_blocks_give_the_same(
    name: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = simulate(9)
    usual = fit(rows)
    monkeypatch.setattr(crossed_cells, name, value)
    monkeypatch.setattr(crossed_cells, "CHUNK_LEVELS", 7)
    assert_same(usual, fit(rows), np.arange(30), np.arange(14))


def test_levels_without_rows_change_nothing_and_have_the_variance_of_all() -> None:
    rows = simulate(10)
    usual, more = fit(rows), fit(rows, facility_count=40, hospital_count=50)
    np.testing.assert_allclose(
        usual.regression.coefficients, more.regression.coefficients, rtol=1e-9
    )
    assert more.facility_modes.shape == (40,)
    np.testing.assert_allclose(more.facility_modes[30:], 0)
    np.testing.assert_allclose(more.facility_variances[30:], more.sigma_facility**2)
    np.testing.assert_allclose(more.hospital_variances[14:], more.sigma_hospital**2)


def test_where_levels_do_not_differ_both_sigmas_are_zero() -> None:
    number = np.arange(800)
    rows = Discharges(np.zeros(800), (number % 4 == 0) * 1, number // 40, number // 8 % 10)
    fitted = fit(rows)
    assert (fitted.sigma_facility, fitted.sigma_hospital) == (0, 0)
    assert fitted.intercept == pytest.approx(np.log(200 / 600), rel=1e-9)
    assert fitted.regression.log_likelihood == pytest.approx(
        200 * np.log(0.25) + 600 * np.log(0.75)
    )
    assert fitted.regression.standard_errors[0] == pytest.approx(np.sqrt(1 / (800 * 0.25 * 0.75)))
    assert np.isnan(fitted.regression.standard_errors[1:]).all()
    assert [item.names for item in fitted.regression.dropped] == [
        ("sigma_facility",),
        ("sigma_hospital",),
    ]
    np.testing.assert_array_equal(fitted.facility_modes, 0)
    np.testing.assert_array_equal(fitted.hospital_variances, 0)


def test_with_one_hospital_its_sigma_is_zero_and_the_facilities_keep_theirs() -> None:
    rows = simulate(11)
    fitted = fit(replace(rows, hospital=np.zeros_like(rows.hospital)))
    assert fitted.sigma_hospital == 0
    assert fitted.sigma_facility > 0.4
    assert np.isfinite(fitted.regression.standard_errors[:2]).all()


def test_facilities_nested_in_hospitals_are_told_apart() -> None:
    rng = np.random.default_rng(12)
    facility = rng.integers(0, 200, 12000)
    hospital = facility // 4
    effects = rng.normal(0, 0.3, 200)[facility] + rng.normal(0, 0.8, 50)[hospital]
    outcome = (rng.random(12000) < expit(effects)).astype(np.intp)
    fitted = fit(Discharges(np.zeros(12000), outcome, facility, hospital))
    assert fitted.sigma_facility == pytest.approx(0.3, abs=0.1)
    assert fitted.sigma_hospital == pytest.approx(0.8, abs=0.25)


def test_facilities_that_coincide_with_hospitals_are_refused() -> None:
    rows = simulate(13)
    with pytest.raises(CollinearError, match="not identified"):
        fit(replace(rows, hospital=rows.facility))


def test_facilities_without_events_or_with_only_events_have_finite_modes() -> None:
    rows = simulate(14)
    outcome = rows.outcome.copy()
    outcome[rows.facility == 3] = 0
    outcome[rows.facility == 4] = 1
    fitted = fit(replace(rows, outcome=outcome))
    assert np.argmin(fitted.facility_modes) == 3
    assert np.argmax(fitted.facility_modes) == 4
    assert np.isfinite(fitted.facility_modes).all()


def test_outcomes_that_are_all_alike_are_refused() -> None:
    rows = simulate(15)
    with pytest.raises(SeparationError, match="intercept has no estimate"):
        fit(replace(rows, outcome=np.zeros_like(rows.outcome)))


def test_outcomes_that_do_not_vary_within_facilities_are_refused() -> None:
    rows = simulate(16)
    with pytest.raises(SeparationError, match="hardly varies within"):
        fit(replace(rows, outcome=rows.facility % 2, offset=np.zeros_like(rows.offset)))


def test_planted_sigmas_and_intercept_are_recovered() -> None:
    estimates: list[FloatArray] = []
    errors: list[FloatArray] = []
    for seed in range(12):
        rng = np.random.default_rng([17, seed])
        facility = rng.integers(0, 150, 6000)
        hospital = (facility + rng.integers(0, 10, 6000) ** 2) % 80
        effects = rng.normal(0, 0.3, 150)[facility] + rng.normal(0, 0.4, 80)[hospital]
        offset = rng.normal(0, 0.8, 6000)
        outcome = (rng.random(6000) < expit(-0.8 + offset + effects)).astype(np.intp)
        regression = fit(Discharges(offset, outcome, facility, hospital)).regression
        estimates.append(regression.coefficients)
        errors.append(regression.standard_errors)
    stated = np.mean(errors, axis=0)
    np.testing.assert_allclose(
        np.mean(estimates, axis=0), [-0.8, 0.3, 0.4], atol=3 * float(stated.max()) / np.sqrt(12)
    )
    np.testing.assert_allclose(np.std(estimates, axis=0, ddof=1), stated, rtol=0.6)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("offset", np.full(1500, np.nan), "offset: 1500 values are not finite"),
        ("offset", np.zeros(3), r"offset has shape \(3,\)"),
        ("outcome", np.full(1500, 2), "outcome: 1500 values are neither 0 nor 1"),
        ("outcome", np.full(1500, -1), "outcome: 1500 values are negative"),
        ("facility", np.zeros(1500), "facility: codes are integers"),
        ("hospital", np.full(1500, -1), "hospital: 1500 codes are negative"),
    ],
)
def test_bad_arrays_are_named(name: str, value: FloatArray, message: str) -> None:
    with pytest.raises(FitError, match=message):
        fit(replace(simulate(18), **{name: value}))


def test_no_rows_and_too_few_levels_are_refused() -> None:
    rows = simulate(19)
    with pytest.raises(FitError, match="no rows"):
        fit(rows.take(np.array([], dtype=np.intp)))
    with pytest.raises(FitError, match="facility: codes reach 29, but there are 10 levels"):
        fit(rows, facility_count=10)
