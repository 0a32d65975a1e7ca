"""Sums of one GEE pass checked against finite differences and explicit matrices."""

import numpy as np
import pytest
from scipy.special import expit

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.gee_sums import GeeSums, iterate_scores, sum_clusters
from esrd_pipeline_tests.statistics.gee_months import TRUTH, group, simulate


def test_without_correlation_score_and_information_are_derivatives_of_the_likelihood() -> None:
    months = simulate(2, patients=40, facilities=3)
    clusters = group(months)

    def evaluate(point: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        sums = sum_clusters(
            months.matrix,
            clusters,
            intercepts=point[:3],
            coefficients=point[3:],
            correlation=0.0,
        )
        cross = sums.cross_information
        information = np.block([[sums.intercept_information, cross], [cross.T, sums.information]])
        score = np.concatenate((sums.intercept_score, sums.score))
        return sums.log_likelihood, score, information

    point = np.array([0.1, -0.3, 0.2, 0.3, -0.4, 0.1])
    _, score, information = evaluate(point)
    for term in range(6):
        step = 1e-5 * np.eye(6)[term]
        ahead, behind = evaluate(point + step), evaluate(point - step)
        np.testing.assert_allclose((ahead[0] - behind[0]) / 2e-5, score[term], atol=1e-6)
        np.testing.assert_allclose(
            (behind[1] - ahead[1]) / 2e-5, information[term], atol=1e-6, rtol=1e-6
        )


@pytest.mark.parametrize("correlation", [0.6, -0.1])
def test_cluster_sums_equal_the_matrices_they_stand_for(correlation: float) -> None:
    months = simulate(3, patients=30, facilities=4, moving=0.3)
    clusters = group(months)
    at = np.array([0.2, -0.1, 0.4, 0.0, 0.3, -0.4, 0.1])
    sums = sum_clusters(
        months.matrix, clusters, intercepts=at[:4], coefficients=at[4:], correlation=correlation
    )
    dummies = (months.facility[:, None] == np.arange(4)).astype(float)
    every = np.column_stack([dummies, months.matrix])
    mean = expit(every @ at)
    score, information, filling = np.zeros(7), np.zeros((7, 7)), np.zeros((7, 7))
    for patient in range(30):
        rows = months.patient == patient
        roots = np.sqrt(mean[rows] * (1 - mean[rows]))
        size = roots.size
        working = correlation * np.ones((size, size)) + (1 - correlation) * np.eye(size)
        inverse = np.linalg.inv(roots[:, None] * working * roots) * (1 - correlation)
        slope = every[rows] * roots[:, None] ** 2
        own = slope.T @ inverse @ (months.outcome[rows] - mean[rows])
        score += own
        information += slope.T @ inverse @ slope
        filling += np.outer(own, own)
    tight = {"rtol": 1e-10, "atol": 1e-10}
    np.testing.assert_allclose(sums.intercept_score, score[:4], **tight)
    np.testing.assert_allclose(sums.score, score[4:], **tight)
    np.testing.assert_allclose(sums.intercept_information, information[:4, :4], **tight)
    np.testing.assert_allclose(sums.cross_information, information[:4, 4:], **tight)
    np.testing.assert_allclose(sums.information, information[4:, 4:], **tight)
    bread = np.linalg.inv(information)
    centres = np.linalg.solve(sums.intercept_information, sums.cross_information)
    eliminated = np.linalg.inv(sums.information - sums.cross_information.T @ centres)
    found = sum(
        scores.T @ scores
        for _, scores in iterate_scores(
            months.matrix,
            clusters,
            intercepts=at[:4],
            coefficients=at[4:],
            correlation=correlation,
            centres=centres,
        )
    )
    np.testing.assert_allclose(
        eliminated @ found @ eliminated, (bread @ filling @ bread)[4:, 4:], rtol=1e-9
    )


def test_the_excess_is_the_rest_of_an_intercepts_derivative() -> None:
    months = simulate(17, patients=60, facilities=4, moving=0.3)
    clusters = group(months)

    def at(intercepts: FloatArray) -> GeeSums:
        return sum_clusters(
            months.matrix, clusters, intercepts=intercepts, coefficients=TRUTH, correlation=0.7
        )

    point = np.array([0.3, -1.0, 0.5, -2.0])
    sums = at(point)
    for code in range(4):
        step = 1e-5 * np.eye(4)[code]
        change = at(point - step).intercept_score - at(point + step).intercept_score
        expected = sums.intercept_information[code, code] + sums.excess[code]
        np.testing.assert_allclose(change[code] / 2e-5, expected, rtol=1e-6)
