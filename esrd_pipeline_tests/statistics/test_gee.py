"""Stage 1 of the GEE checked against formulas, geepack, statsmodels and simulated ground truth."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from scipy.stats import norm

from esrd_pipeline.statistics.design import Design
from esrd_pipeline.statistics.fit import CollinearError, FitError, SeparationError
from esrd_pipeline.statistics.gee import GeeFit, fit_by_groups, fit_gee
from esrd_pipeline.statistics.gee_scoring import CORRELATION_LIMIT
from esrd_pipeline.statistics.gee_sums import sum_clusters
from esrd_pipeline_tests.statistics.gee_months import (
    TRUTH,
    Months,
    fit,
    group,
    relative,
    simulate,
)

STORED = Path(__file__).parent / "r"


def test_months_of_different_patients_give_the_logistic_regression() -> None:
    months = simulate(1, patients=500)
    months = replace(months, patient=np.arange(months.outcome.size))
    fitted = fit(months)
    dummies = (months.facility[:, None] == np.arange(8)).astype(float)
    logistic = sm.Logit(months.outcome, np.column_stack([months.matrix, dummies])).fit(disp=0)
    assert fitted.correlation == 0
    assert relative(fitted.regression.coefficients, logistic.params[:3]) < 1e-7
    assert relative(fitted.intercepts, logistic.params[3:]) < 1e-6
    unscaled = fitted.regression.model_covariance / fitted.dispersion
    np.testing.assert_allclose(unscaled, logistic.cov_params()[:3, :3], rtol=1e-6)
    np.testing.assert_allclose(fitted.regression.log_likelihood, logistic.llf, rtol=1e-12)


def test_a_constant_alone_in_balanced_clusters_has_closed_forms() -> None:
    outcome = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1]])
    fitted = fit_gee(
        design=Design(np.ones((15, 1)), ("constant",)),
        outcome=outcome.ravel(),
        patient=np.repeat(np.arange(5), 3),
    )
    share = 7 / 15
    residual = outcome - share
    products = (residual.sum(axis=1) ** 2 - (residual**2).sum(axis=1)).sum() / 2
    np.testing.assert_allclose(fitted.regression.coefficients, [logit(share)], atol=1e-9)
    np.testing.assert_allclose(fitted.dispersion, 1.0, atol=1e-9)
    alpha = products / 15 / (share * (1 - share))
    np.testing.assert_allclose(fitted.correlation, alpha, atol=1e-9)
    information = 15 * share * (1 - share)
    robust = np.sqrt((residual.sum(axis=1) ** 2).sum()) / information
    np.testing.assert_allclose(fitted.regression.standard_errors, [robust], rtol=1e-8)
    model = (1 + 2 * alpha) / information
    np.testing.assert_allclose(fitted.regression.model_covariance, [[model]], rtol=1e-8)


def read_stored() -> tuple[Months, dict[str, dict[str, list[float]]]]:
    table = np.genfromtxt(STORED / "gee.csv", delimiter=",", names=True)
    months = Months(
        np.column_stack([table["age"], table["diabetes"], table["duration"]]).astype(np.float32),
        table["outcome"].astype(int),
        table["patient"].astype(int),
        table["facility"].astype(int),
    )
    return months, json.loads((STORED / "gee.json").read_text())


def agrees(fitted: GeeFit, stored: dict[str, list[float]]) -> None:
    assert relative(fitted.regression.coefficients, stored["coefficients"]) < 1e-8
    assert relative(fitted.regression.robust_covariance, stored["robust_covariance"]) < 1e-8
    assert relative(fitted.regression.model_covariance, stored["model_covariance"]) < 1e-8
    assert relative(fitted.correlation, stored["correlation"]) < 1e-8
    assert relative(fitted.dispersion, stored["dispersion"]) < 1e-8


def test_a_fit_without_facilities_is_geepacks() -> None:
    months, stored = read_stored()
    matrix = np.column_stack([np.ones(months.outcome.size, np.float32), months.matrix])
    fitted = fit_gee(
        design=Design(matrix, ("constant", "age", "diabetes", "duration")),
        outcome=months.outcome,
        patient=months.patient,
    )
    agrees(fitted, stored["plain"])


def test_a_fit_with_facilities_is_geepacks_with_a_factor() -> None:
    months, stored = read_stored()
    fitted = fit(months)
    agrees(fitted, stored["fixed"])
    assert relative(fitted.intercepts, stored["fixed"]["intercepts"]) < 1e-7
    assert fitted.facility.tolist() == list(range(12))
    counts = {each.rule: each.count for each in fitted.regression.dropped}
    assert counts == {
        "facilities without events (stage 1)": 1,
        "facilities with only events (stage 1)": 1,
        "rows of such facilities (stage 1)": int(np.sum(months.facility >= 12)),
    }


@pytest.mark.parametrize("zero", [60.0, 1000.0])
def test_steps_hardly_depend_on_where_a_term_has_its_zero(zero: float) -> None:
    """An age in years, say: a term's step and its facilities' intercepts go together."""
    months = simulate(9, patients=300, facilities=12, persistence=0.95)
    fitted = fit(months)
    shift = np.array([zero, 0.0, 0.0])
    shifted = fit(replace(months, matrix=months.matrix + shift))
    assert shifted.regression.iterations <= fitted.regression.iterations + 5 < 30
    assert relative(shifted.regression.coefficients, fitted.regression.coefficients) < 1e-6
    moved = fitted.intercepts - shift @ fitted.regression.coefficients
    assert relative(shifted.intercepts, moved) < 1e-6


@pytest.mark.parametrize("persistence", [0.0, 0.8])
def test_a_fit_is_statsmodels_with_dummies_and_no_degrees_of_freedom(persistence: float) -> None:
    months = simulate(4, patients=120, facilities=5, persistence=persistence)
    fitted = fit(months)
    dummies = (months.facility[:, None] == np.arange(5)).astype(float)
    other = sm.GEE(
        months.outcome,
        np.column_stack([months.matrix, dummies]),
        groups=months.patient,
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Exchangeable(),
    ).fit(maxiter=500, ctol=1e-12, ddof_scale=0)
    assert relative(fitted.regression.coefficients, other.params[:3]) < 1e-8
    assert relative(fitted.correlation, other.cov_struct.dep_params) < 1e-7
    assert relative(fitted.regression.standard_errors, np.sqrt(np.diag(other.cov_robust))[:3]) < (
        1e-8
    )
    # statsmodels takes a scale of 1 here, geepack phi.
    unscaled = fitted.regression.model_covariance / fitted.dispersion
    np.testing.assert_allclose(unscaled, other.cov_naive[:3, :3], rtol=1e-6)


def test_eliminated_intercepts_equal_columns_of_the_design() -> None:
    months = simulate(5, moving=0.25)
    dummies = (months.facility[:, None] == np.arange(8)).astype(float)
    design = Design(np.column_stack([months.matrix, dummies]), tuple("abcdefghijk"))
    columns = fit_gee(design=design, outcome=months.outcome, patient=months.patient)
    fitted = fit(months)
    np.testing.assert_allclose(
        fitted.regression.coefficients, columns.regression.coefficients[:3], atol=1e-9
    )
    np.testing.assert_allclose(fitted.intercepts, columns.regression.coefficients[3:], atol=1e-9)
    np.testing.assert_allclose(
        fitted.regression.robust_covariance,
        columns.regression.robust_covariance[:3, :3],
        atol=1e-11,
    )


def test_order_labels_and_width_of_rows_do_not_matter() -> None:
    months = simulate(6)
    months = replace(months, matrix=np.round(months.matrix).astype(np.float64))
    rng = np.random.default_rng(0)
    shuffled = months.take(rng.permutation(months.outcome.size))
    other = Months(
        (shuffled.matrix + 5).astype(np.uint8),
        shuffled.outcome.astype(np.uint8),
        rng.permutation(1000)[shuffled.patient],
        rng.permutation(20)[shuffled.facility].astype(np.int16),
    )
    first, second = fit(months), fit(other)
    np.testing.assert_allclose(
        first.regression.coefficients, second.regression.coefficients, atol=1e-9
    )
    np.testing.assert_allclose(first.correlation, second.correlation, atol=1e-9)
    np.testing.assert_allclose(
        first.regression.robust_covariance, second.regression.robust_covariance, atol=1e-10
    )


def test_an_offset_is_taken_off_the_intercepts() -> None:
    months = simulate(7)
    offset = np.where(months.facility == 2, 1.5, 0.0) + 0.3 * months.matrix[:, 0]
    plain, moved = fit(months), fit_gee(design=months.design, **months.inputs, offset=offset)
    np.testing.assert_allclose(
        moved.intercepts, plain.intercepts - np.where(np.arange(8) == 2, 1.5, 0), atol=1e-9
    )
    np.testing.assert_allclose(
        moved.regression.coefficients, plain.regression.coefficients - [0.3, 0, 0], atol=1e-9
    )


def test_facilities_without_both_outcomes_are_as_if_they_were_not_there() -> None:
    months = simulate(8)
    outcome = np.where(months.facility == 3, 0, months.outcome)
    outcome[months.facility == 6] = 1
    fitted = fit(replace(months, outcome=outcome))
    without = fit(months.take(np.flatnonzero(~np.isin(months.facility, (3, 6)))))
    np.testing.assert_allclose(
        fitted.regression.coefficients, without.regression.coefficients, atol=1e-12
    )
    assert fitted.facility.tolist() == [0, 1, 2, 4, 5, 7]
    assert sum(each.count for each in fitted.regression.dropped[:2]) == 2


def test_terms_that_repeat_others_or_the_facilities_are_named() -> None:
    months = simulate(14)
    level = np.arange(8.0)[months.facility]
    matrix = np.column_stack([months.matrix, level, months.matrix[:, 0] - 2 * level])
    repeated = replace(months, matrix=matrix)
    with pytest.raises(CollinearError, match="facilities or earlier terms: d, e"):
        fit(repeated)
    fitted = fit(repeated, drop_aliased=True)
    assert fitted.regression.names == ("a", "b", "c")
    assert fitted.regression.dropped[-1].names == ("d", "e")
    np.testing.assert_allclose(
        fitted.regression.coefficients, fit(months).regression.coefficients, atol=1e-9
    )
    np.testing.assert_allclose(
        fitted.regression.robust_covariance,
        fit(months).regression.robust_covariance,
        atol=1e-11,
    )


@pytest.mark.parametrize("outcome", [0, 1])
def test_a_term_whose_rows_agree_in_outcome_is_named(outcome: int) -> None:
    months = simulate(15)
    telling = (months.outcome == outcome) & (months.facility < 2)
    matrix = np.column_stack([months.matrix, telling]).astype(np.float32)
    with pytest.raises(SeparationError, match=r"separation: .* agree in outcome: d"):
        fit(replace(months, matrix=matrix))


def test_a_term_that_orders_the_outcome_has_no_estimate() -> None:
    months = simulate(15)
    order = months.outcome + 0.5 * np.random.default_rng(0).random(months.outcome.size) + 1
    with pytest.raises(SeparationError, match="separation: no finite estimate exists for d"):
        fit(replace(months, matrix=np.column_stack([months.matrix, order])))


def test_a_correlation_beyond_its_range_is_held_and_told() -> None:
    outcome = np.repeat([1, 0, 0, 1, 0], 4)
    fitted = fit_gee(
        design=Design(np.ones((20, 1)), ("constant",)),
        outcome=outcome,
        patient=np.repeat(np.arange(5), 4),
    )
    np.testing.assert_allclose(fitted.regression.coefficients, [logit(0.4)])
    assert fitted.correlation == CORRELATION_LIMIT
    np.testing.assert_allclose(fitted.correlation_estimate, 1)
    assert [each.rule for each in fitted.regression.dropped] == [
        "correlations held within their range (stage 1)"
    ]


def move_persistent_patients() -> Months:
    """Patients draw once, all but; movers meet other levels, which differ much, and change."""
    rng = np.random.default_rng(3)
    patients, facilities = 4000, 80
    patient = np.repeat(np.arange(patients), 12)
    home = rng.integers(0, facilities, patients)
    moved = (rng.random(patients) < 0.08)[patient] & (rng.random(patient.size) < 0.5)
    facility = np.where(moved, rng.integers(0, facilities, patients)[patient], home[patient])
    matrix = np.column_stack(
        [rng.normal(0, 1, patients)[patient], rng.normal(0, 0.5, patient.size)]
    )
    level = rng.normal(-1.5, 0.9, facilities)[facility]
    draw = rng.normal(0, 1, patients)[patient] + rng.normal(0, 0.25, patient.size)
    predictor = level + matrix @ np.array([0.5, -0.2])
    outcome = (norm.cdf(draw / np.hypot(1, 0.25)) < expit(predictor)).astype(int)
    return Months(matrix, outcome, patient, facility)


def test_persistent_patients_who_move_do_not_keep_the_search_from_its_root() -> None:
    months = move_persistent_patients()
    fitted = fit(months)
    assert fitted.correlation > 0.6
    assert fitted.regression.gradient_norm < 1e-7
    bounds = 3.5 * fitted.regression.standard_errors
    assert np.all(np.abs(fitted.regression.coefficients - [0.5, -0.2]) < bounds)
    clusters = group(months)
    held = {"coefficients": fitted.regression.coefficients, "correlation": fitted.correlation}
    at = sum_clusters(months.matrix, clusters, intercepts=fitted.intercepts, **held)
    np.testing.assert_allclose(at.correlation, fitted.correlation, atol=1e-8)
    np.testing.assert_allclose(at.intercept_score, 0, atol=1e-6)
    np.testing.assert_allclose(at.score, 0, atol=1e-6)


def spoil_design(months: Months) -> Months:
    matrix = months.matrix.copy()
    matrix[4, 1] = np.nan
    return replace(months, matrix=matrix)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_design, "design: values are not finite in b"),
        (lambda m: replace(m, outcome=m.outcome[1:]), "outcome has shape"),
        (lambda m: replace(m, outcome=m.outcome + 1), "outcome: .* neither 0 nor 1"),
        (lambda m: replace(m, outcome=m.outcome * 0), "no facility has both"),
        (lambda m: replace(m, patient=m.patient - 1), "patient: .* codes are negative"),
        (lambda m: replace(m, facility=m.facility + 0.5), "facility: codes are integers"),
        (lambda m: m.take(np.arange(0)), "there are no rows"),
    ],
)
def test_bad_inputs_are_refused(spoil: Callable[[Months], Months], message: str) -> None:
    with pytest.raises(FitError, match=message):
        fit(spoil(simulate(16, patients=50, facilities=2)))


def test_other_bad_inputs_are_refused() -> None:
    months = simulate(16, patients=50, facilities=2)
    rows = months.outcome.size
    with pytest.raises(FitError, match="offset: 1 values are not finite"):
        fit_gee(design=months.design, **months.inputs, offset=np.append(np.zeros(rows - 1), np.inf))
    with pytest.raises(FitError, match="offset has shape"):
        fit_gee(design=months.design, **months.inputs, offset=np.zeros(3))
    with pytest.raises(FitError, match="2 cannot be split into 3 groups"):
        fit_by_groups(design=months.design, **months.inputs, group_count=3, seed=1)
    grouped = fit_by_groups(design=months.design, **months.inputs, group_count=1, seed=1)
    with pytest.raises(FitError, match="columns are not the fit's: a, b, c"):
        grouped.predict(Design(months.matrix, ("a", "c", "b")))


def test_planted_effects_are_recovered_and_intervals_cover() -> None:
    errors, spreads = np.empty((2, 60, 3))
    for run in range(60):
        months = simulate(1000 + run, patients=1200, facilities=20)
        found = fit_by_groups(
            design=months.design, **months.inputs, group_count=2, seed=run
        ).regression
        errors[run] = found.coefficients - TRUTH
        spreads[run] = found.standard_errors
    bias = errors.mean(axis=0)
    assert np.all(np.abs(bias) < 3.3 * errors.std(axis=0) / np.sqrt(60))
    covered = np.mean(np.abs(errors) < 1.96 * spreads)
    # 180 intervals, three of each run: 95% is missed by at most three binomial errors.
    assert 0.90 < covered < 0.99
    np.testing.assert_allclose(errors.std(axis=0), spreads.mean(axis=0), rtol=0.25)
