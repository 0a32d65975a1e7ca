"""Standardised values checked against plain means, finite differences and CMS's file."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from esrd_pipeline.statistics.design import Design, FloatArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.gee import fit_by_groups
from esrd_pipeline.statistics.gee_facilities import FacilityIntercepts, fit_facilities
from esrd_pipeline.statistics.standardisation import (
    StandardisedValues,
    compress_predictors,
    standardise,
)
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public

INTERCEPTS = np.linspace(-9, 9, 73)


def average_plainly(intercepts: FloatArray, predictor: FloatArray) -> tuple[FloatArray, FloatArray]:
    mean = expit(intercepts[:, None] + predictor)
    return mean.mean(axis=1), (mean * (1 - mean)).mean(axis=1)


def predict(shape: str) -> FloatArray:
    rng = np.random.default_rng(7)
    if shape == "normal":
        return rng.normal(0, 1.5, 20_000)
    if shape == "discrete":
        return rng.integers(0, 2, (20_000, 6)) @ np.array([0.3, -0.7, 0.11, 0.52, -0.2, 1.3])
    if shape == "edges":
        return np.repeat(np.array([0.0, 1 / 64 - 1e-9]), 5000)
    return np.append(rng.standard_t(2, 20_000), [-120.0, 120.0])


@pytest.mark.parametrize("shape", ["normal", "discrete", "edges", "heavy"])
def test_compressed_means_are_plain_means_within_the_stated_bound(shape: str) -> None:
    predictor = predict(shape)
    compressed = compress_predictors(predictor)
    value, slope = compressed.average(INTERCEPTS)
    plain_value, plain_slope = average_plainly(INTERCEPTS, predictor)
    assert compressed.error_bound < 1e-10
    assert np.abs(value - plain_value).max() < compressed.error_bound + 1e-14
    assert np.abs(slope - plain_slope).max() < compressed.error_bound + 1e-14
    np.testing.assert_allclose(compressed.shares.sum(), 1)
    np.testing.assert_allclose(compressed.shares @ compressed.centres, predictor.mean())


def test_the_slope_is_the_derivative_of_the_value() -> None:
    compressed = compress_predictors(predict("normal"))
    above, _ = compressed.average(INTERCEPTS + 1e-5)
    below, _ = compressed.average(INTERCEPTS - 1e-5)
    _, slope = compressed.average(INTERCEPTS)
    np.testing.assert_allclose((above - below) / 2e-5, slope, atol=1e-10)


def test_rows_of_any_order_and_number_give_the_same_means() -> None:
    predictor = predict("normal")
    value, _ = compress_predictors(predictor).average(INTERCEPTS)
    reversed_value, _ = compress_predictors(np.tile(predictor[::-1], 3)).average(INTERCEPTS)
    np.testing.assert_allclose(reversed_value, value, atol=1e-13)


def test_infinite_intercepts_give_zero_and_one() -> None:
    value, slope = compress_predictors(predict("normal")).average(np.array([-np.inf, np.inf]))
    np.testing.assert_allclose(value, [0, 1], atol=1e-15)
    assert slope.tolist() == [0, 0]


def fit_four(*, national: float = 0.3) -> tuple[FacilityIntercepts, FloatArray, StandardisedValues]:
    """Facilities 0 and 1 are finite, 2 has no events, 3 has only events."""
    rng = np.random.default_rng(2)
    patient = np.repeat(np.arange(120), 5)
    facility = patient // 30
    predictor = rng.normal(0, 0.6, 120)[patient] + rng.normal(0, 0.1, 600)
    outcome = (rng.random(600) < expit(predictor - 0.4)).astype(int)
    outcome[facility == 2] = 0
    outcome[facility == 3] = 1
    facilities = fit_facilities(
        predictor=predictor, outcome=outcome, patient=patient, facility=facility
    )
    compressed = compress_predictors(predictor)
    return (
        facilities,
        predictor,
        standardise(facilities=facilities, predictors=compressed, national=national),
    )


def test_value_error_test_and_interval_are_the_manuals_formulas() -> None:
    facilities, predictor, found = fit_four()
    for k in (0, 1):
        mean = expit(facilities.intercept[k] + predictor)
        value, slope = mean.mean(), (np.exp(logit(mean)) / (1 + np.exp(logit(mean))) ** 2).mean()
        error = slope * facilities.standard_error[k]
        logit_error = error / (value * (1 - value))
        z = (logit(value) - logit(0.3)) / logit_error
        np.testing.assert_allclose(found.value[k], value, atol=1e-10)
        np.testing.assert_allclose(found.standard_error[k], error, atol=1e-10)
        np.testing.assert_allclose(found.logit_error[k], logit_error, atol=1e-9)
        np.testing.assert_allclose(found.z[k], z, atol=1e-8)
        np.testing.assert_allclose(found.p_value[k], 2 * norm.sf(abs(z)), rtol=1e-7)
        reach = norm.ppf(0.975) * logit_error
        np.testing.assert_allclose(found.lower[k], expit(logit(value) - reach), atol=1e-9)
        np.testing.assert_allclose(found.upper[k], expit(logit(value) + reach), atol=1e-9)
    assert found.is_extreme.tolist() == [False, False, True, True]


def test_the_interval_excludes_the_national_value_when_the_test_rejects_it() -> None:
    for national in np.linspace(0.01, 0.99, 50):
        _, _, found = fit_four(national=float(national))
        outside = (national < found.lower) | (national > found.upper)
        np.testing.assert_array_equal(outside, found.p_value < 0.05)


def test_values_of_zero_and_one_are_their_own_limits() -> None:
    facilities, _, found = fit_four()
    assert found.value[2:].tolist() == [0, 1]
    assert np.all(np.isnan(found.z[2:]))
    assert np.all(np.isnan(found.standard_error[2:]))
    assert found.p_value[2:].tolist() == [0, 0]
    assert found.lower[2:].tolist() == found.upper[2:].tolist() == [0, 1]
    assert facilities.patients.tolist() == [30] * 4


def test_limits_shrink_towards_a_value_of_zero() -> None:
    """The robust error of an intercept stays finite as all probabilities fall (reading 73)."""
    months = np.array([1, 5, 12])
    for chance in (1e-4, 1e-7):
        # Without events the residuals are minus the probabilities.
        error = np.sqrt(np.sum((months * chance) ** 2)) / (months.sum() * chance * (1 - chance))
        assert error == pytest.approx(np.sqrt(170) / 18, rel=2e-4)
        assert expit(logit(chance) + 1.96 * error) < 5 * chance


@needs_cms_public
@pytest.mark.manual("2.16.13", "2.2.14")
@pytest.mark.parametrize(
    ("names", "category", "count", "fewest"),
    [
        (
            [
                "Percentage of Prevalent Patients Waitlisted for Kidney Transplant",
                "95% C.I. (upper limit) for PPPW",
                "95% C.I. (lower limit) for PPPW",
            ],
            "PPPW category text",
            77,
            "Number of patients for PPPW",
        ),
        (
            [
                "Fistula Rate (Facility)",
                "Fistula Rate: Upper Confidence Limit (97.5%)",
                "Fistula Rate: Lower Confidence Limit (2.5%)",
            ],
            "Fistula Category Text",
            10,
            "Number of Patients included in fistula summary",
        ),
    ],
)
def test_published_values_of_zero_are_their_own_limits_and_worse(
    names: list[str], category: str, count: int, fewest: str
) -> None:
    rows = pd.read_csv(CMS_PUBLIC / "DFC_FACILITY_2026-04.csv", dtype=str)
    none = rows[rows[names[0]] == "0.0"]
    assert len(none) == count
    assert none[fewest].astype(float).min() == 11
    assert (none[names] == "0.0").all(axis=None)
    assert set(none[category]) == {"Worse than Expected"}


def test_a_facility_without_an_error_has_a_value_alone() -> None:
    facilities, predictor, _ = fit_four()
    spoiled = replace(
        facilities, standard_error=np.where(np.arange(4) == 1, np.nan, facilities.standard_error)
    )
    found = standardise(facilities=spoiled, predictors=compress_predictors(predictor), national=0.3)
    assert np.isfinite(found.value[1])
    for each in (found.z, found.p_value, found.lower, found.upper):
        assert np.isnan(each[1])


def test_standardised_values_recover_what_was_planted() -> None:
    rng = np.random.default_rng(31)
    facilities, patients, months = 60, 60, 6
    patient = np.repeat(np.arange(facilities * patients), months)
    facility = patient // patients
    level = rng.normal(-0.3, 0.5, facilities)
    # Facilities with high levels have patients with low predictors.
    matrix = np.column_stack(
        [
            rng.normal(-0.5 * level[facility][::months], 1)[patient],
            rng.integers(0, 2, patient.size),
        ]
    )
    effects = np.array([0.6, -0.4])
    keeps = rng.random(patient.size) < 0.6
    draw = np.where(keeps, rng.random(facilities * patients)[patient], rng.random(patient.size))
    outcome = (draw < expit(level[facility] + matrix @ effects)).astype(int)
    design = Design(matrix, ("need", "season"))
    inputs = {"outcome": outcome, "patient": patient, "facility": facility}
    grouped = fit_by_groups(design=design, **inputs, group_count=3, seed=1)
    predictor = grouped.predict(design)
    found = standardise(
        facilities=fit_facilities(predictor=predictor, **inputs),
        predictors=compress_predictors(predictor),
        national=float(outcome.mean()),
    )
    truth, _ = average_plainly(level, matrix @ effects)
    crude = np.bincount(facility, outcome) / np.bincount(facility)
    assert abs(np.mean(found.value - truth)) < 0.01
    assert np.corrcoef(found.value, truth)[0, 1] > 0.9
    assert np.std(found.value - truth) < np.std(crude - truth) / 1.3
    covered = np.mean((found.lower < truth) & (truth < found.upper))
    assert 0.87 < covered <= 1


def test_bad_inputs_are_refused() -> None:
    facilities, predictor, _ = fit_four()
    compressed = compress_predictors(predictor)
    with pytest.raises(FitError, match="there are no rows"):
        compress_predictors(np.empty(0))
    with pytest.raises(FitError, match="predictor: 1 values are not finite"):
        compress_predictors(np.array([0.0, np.nan]))
    with pytest.raises(FitError, match="predictor: 2 values are beyond 500"):
        compress_predictors(np.array([0.0, 501.0, -1e9]))
    with pytest.raises(FitError, match="national: not between"):
        standardise(facilities=facilities, predictors=compressed, national=1.0)
    with pytest.raises(FitError, match="level: not between"):
        standardise(facilities=facilities, predictors=compressed, national=0.5, level=95)
