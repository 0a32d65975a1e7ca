"""The mean of GEE fits to random groups of facilities, and its standard error."""

from dataclasses import replace

import numpy as np
import pytest

from esrd_pipeline.statistics.fit import CollinearError, SeparationError
from esrd_pipeline.statistics.gee import fit_by_groups
from esrd_pipeline_tests.statistics.gee_months import Months, fit, simulate


def test_the_mean_of_groups_is_the_mean_of_fits_to_their_rows() -> None:
    months = simulate(9, patients=600, facilities=12)
    grouped = fit_by_groups(design=months.design, **months.inputs, group_count=3, seed=11)
    alone = [
        fit(months.take(np.flatnonzero(np.isin(months.facility, group)))).regression
        for group in grouped.groups
    ]
    assert [group.size for group in grouped.groups] == [4, 4, 4]
    assert sorted(np.concatenate(grouped.groups)) == list(range(12))
    assert grouped.seed == 11
    mean = np.mean([each.coefficients for each in alone], axis=0)
    np.testing.assert_allclose(grouped.regression.coefficients, mean, atol=1e-12)
    for ours, each in zip(grouped.fits, alone, strict=True):
        np.testing.assert_allclose(
            ours.regression.robust_covariance, each.robust_covariance, rtol=1e-9
        )
    model = np.sum([each.model_covariance for each in alone], axis=0) / 9
    np.testing.assert_allclose(grouped.regression.model_covariance, model, rtol=1e-9)
    assert grouped.regression.row_count == months.outcome.size
    np.testing.assert_allclose(
        grouped.predict(months.design), months.matrix @ mean, rtol=1e-10, atol=1e-12
    )


def test_the_error_of_the_mean_adds_patients_across_groups() -> None:
    apart = simulate(10, patients=400, moving=0.0)
    grouped = fit_by_groups(design=apart.design, **apart.inputs, group_count=2, seed=1)
    independent = sum(each.regression.robust_covariance for each in grouped.fits) / 4
    np.testing.assert_allclose(grouped.regression.robust_covariance, independent, rtol=1e-9)
    # The same patients in both groups, with the same months: as if there were one group.
    twice = Months(
        np.vstack([apart.matrix, apart.matrix]),
        np.tile(apart.outcome, 2),
        np.tile(apart.patient, 2),
        np.repeat([0, 1], apart.outcome.size),
    )
    doubled = fit_by_groups(design=twice.design, **twice.inputs, group_count=2, seed=1)
    np.testing.assert_allclose(
        doubled.regression.robust_covariance,
        doubled.fits[0].regression.robust_covariance,
        rtol=1e-9,
    )


def test_one_group_is_the_fit_itself() -> None:
    months = simulate(11)
    grouped = fit_by_groups(design=months.design, **months.inputs, group_count=1, seed=5)
    single = fit(months).regression
    np.testing.assert_array_equal(grouped.regression.coefficients, single.coefficients)
    np.testing.assert_allclose(
        grouped.regression.robust_covariance, single.robust_covariance, rtol=1e-12
    )


def test_the_split_depends_on_the_seed_and_the_sorted_facilities_alone() -> None:
    months = simulate(12, patients=400)
    rows = np.random.default_rng(1).permutation(months.outcome.size)
    shuffled = months.take(rows)
    spread = replace(shuffled, facility=shuffled.facility * 7 + 3)
    options = {"group_count": 2, "seed": 3}
    first = fit_by_groups(design=months.design, **months.inputs, **options)
    second = fit_by_groups(design=spread.design, **spread.inputs, **options)
    for ours, theirs in zip(first.groups, second.groups, strict=True):
        assert (ours * 7 + 3).tolist() == theirs.tolist()
    np.testing.assert_allclose(
        first.regression.coefficients, second.regression.coefficients, atol=1e-9
    )
    third = fit_by_groups(design=months.design, **months.inputs, group_count=2, seed=4)
    assert third.groups[0].tolist() != first.groups[0].tolist()


def test_a_term_absent_from_one_group_is_the_mean_of_the_others() -> None:
    months = simulate(13, patients=500)
    split = fit_by_groups(design=months.design, **months.inputs, group_count=2, seed=2).groups
    matrix = months.matrix.copy()
    matrix[np.isin(months.facility, split[0]), 1] = 0
    lacking = replace(months, matrix=matrix)
    with pytest.raises(CollinearError, match=r"group 1 of 2: .*: b"):
        fit_by_groups(design=lacking.design, **lacking.inputs, group_count=2, seed=2)
    grouped = fit_by_groups(
        design=lacking.design, **lacking.inputs, group_count=2, seed=2, drop_aliased=True
    )
    second = grouped.fits[1].regression
    assert grouped.regression.names == ("a", "b", "c")
    assert grouped.fits[0].regression.names == ("a", "c")
    np.testing.assert_allclose(grouped.regression.coefficients[1], second.coefficients[1])
    np.testing.assert_allclose(
        grouped.regression.robust_covariance[1, 1], second.robust_covariance[1, 1], rtol=1e-9
    )
    assert [(each.rule, each.names) for each in grouped.regression.dropped] == [
        ("terms not estimated in every group of facilities", ("b",))
    ]


def test_a_term_separated_in_one_group_is_the_mean_of_the_others() -> None:
    months = simulate(13, patients=500)
    split = fit_by_groups(design=months.design, **months.inputs, group_count=2, seed=2).groups
    matrix = months.matrix.copy()
    matrix[np.isin(months.facility, split[0]) & (months.outcome == 1), 1] = 0
    lacking = replace(months, matrix=matrix)
    with pytest.raises(SeparationError, match=r"group 1 of 2: .*: b"):
        fit_by_groups(design=lacking.design, **lacking.inputs, group_count=2, seed=2)
    grouped = fit_by_groups(
        design=lacking.design, **lacking.inputs, group_count=2, seed=2, drop_aliased=True
    )
    assert grouped.fits[0].regression.names == ("a", "c")
    assert grouped.regression.coefficients[1] == grouped.fits[1].regression.coefficients[1]
    assert [(each.rule, each.names) for each in grouped.regression.dropped] == [
        ("terms not estimated in every group of facilities", ("b",))
    ]


def test_a_term_separated_in_every_group_is_dropped_and_named() -> None:
    months = simulate(13, patients=500)
    matrix = months.matrix.copy()
    matrix[months.outcome == 1, 1] = 0
    lacking = replace(months, matrix=matrix)
    grouped = fit_by_groups(
        design=lacking.design, **lacking.inputs, group_count=2, seed=2, drop_aliased=True
    )
    assert grouped.regression.names == ("a", "c")
    assert [(each.rule, each.names) for each in grouped.regression.dropped] == [
        ("separation: terms whose rows that are not zero agree in outcome", ("b",))
    ]
