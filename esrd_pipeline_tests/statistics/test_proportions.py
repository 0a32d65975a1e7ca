"""Proportions checked against hand sums, exact coverage, R, statsmodels and simulation."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import IntArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.proportions import (
    ClusteredProportions,
    Scale,
    estimate_clustered,
)

STORED = Path(__file__).parent / "r"
WITNESS = json.loads((STORED / "proportions.json").read_text())


def cluster(
    facility: list[int] | IntArray,
    patient: list[int] | IntArray,
    numerator: list[int] | NDArray[np.number],
    denominator: list[int] | NDArray[np.number] | None = None,
    *,
    level: float = 0.95,
    scale: Scale = "probability",
    facility_count: int | None = None,
) -> ClusteredProportions:
    home = np.asarray(facility)
    return estimate_clustered(
        facility=home,
        patient=np.asarray(patient),
        numerator=np.asarray(numerator),
        denominator=np.ones(home.size, dtype=int)
        if denominator is None
        else np.asarray(denominator),
        facility_count=int(home.max()) + 1 if facility_count is None else facility_count,
        level=level,
        scale=scale,
    )


def test_a_ratio_of_patient_months_and_its_error_by_hand() -> None:
    # Patients with 2 of 4, 3 of 3 and 1 of 3 months: 6/10, residuals -0.4, 1.2 and -0.8.
    result = cluster([0, 0, 0], [0, 1, 2], [2, 3, 1], [4, 3, 3])
    assert result.value[0] == pytest.approx(0.6, rel=1e-14)
    error = np.sqrt(0.4**2 + 1.2**2 + 0.8**2) / 10
    assert result.standard_error[0] == pytest.approx(error, rel=1e-12)
    assert result.lower[0] == pytest.approx(0.6 - 1.959963984540054 * error, rel=1e-12)
    assert result.upper[0] == pytest.approx(0.6 + 1.959963984540054 * error, rel=1e-12)
    assert (result.numerator[0], result.denominator[0], result.patients[0]) == (6, 10, 3)
    assert result.dropped == ()


def test_with_one_month_each_the_error_is_the_binomial_one() -> None:
    result = cluster([0] * 10, list(range(10)), [1] * 3 + [0] * 7)
    assert result.standard_error[0] == pytest.approx(np.sqrt(0.3 * 0.7 / 10), rel=1e-12)


def test_errors_on_both_scales_are_those_of_geepack() -> None:
    with (STORED / "proportions.csv").open() as file:
        rows = [[int(value) for value in row.values()] for row in csv.DictReader(file)]
    facility, patient, counted = np.array(rows).T
    result = cluster(facility, patient, counted)
    estimates, errors = np.array(WITNESS["identity"]).T
    np.testing.assert_allclose(result.value, estimates, rtol=1e-9)
    np.testing.assert_allclose(result.standard_error, errors, rtol=1e-8)
    on_logit = cluster(facility, patient, counted, scale="logit")
    logits, errors = np.array(WITNESS["logit"]).T
    limits = logits[:, None] + np.outer(errors, [-1.959963984540054, 1.959963984540054])
    np.testing.assert_allclose(
        np.column_stack([on_logit.lower, on_logit.upper]), 1 / (1 + np.exp(-limits)), rtol=1e-8
    )


def test_rows_labels_and_the_split_of_a_patients_months_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    rows = 2000
    facility, patient = rng.integers(0, 15, rows), rng.integers(0, 300, rows)
    counted, months = rng.integers(0, 3, rows), np.full(rows, 3)
    plain = cluster(facility, patient, counted, months)
    order, labels, others = rng.permutation(rows), rng.permutation(15), rng.permutation(300)
    mixed = cluster(labels[facility][order], others[patient][order], counted[order], months)
    for name in ("value", "standard_error", "lower", "upper", "patients"):
        np.testing.assert_allclose(getattr(mixed, name)[labels], getattr(plain, name), rtol=1e-12)
    half = np.minimum(counted, 1)
    split = cluster(
        np.tile(facility, 2),
        np.tile(patient, 2),
        np.append(half, counted - half),
        np.append(np.full(rows, 1), np.full(rows, 2)),
    )
    np.testing.assert_allclose(split.standard_error, plain.standard_error, rtol=1e-12)


def test_none_and_all_have_the_exact_interval_over_patients() -> None:
    # Three patients with five months each, none or all of which count.
    result = cluster([0] * 3 + [1] * 3, list(range(6)), [0] * 3 + [5] * 3, [5] * 6)
    np.testing.assert_array_equal(result.value, [0, 1])
    assert np.isnan(result.standard_error).all()
    np.testing.assert_allclose(result.lower, [0, 0.025 ** (1 / 3)])
    np.testing.assert_allclose(result.upper, [1 - 0.025 ** (1 / 3), 1])
    assert result.is_exact.all()
    assert [(gone.rule, gone.count) for gone in result.dropped] == [
        ("facilities whose patients show no spread, from the errors", 2)
    ]


def test_a_lone_patient_with_some_months_has_a_value_and_no_interval() -> None:
    result = cluster([0, 1, 1], [0, 1, 2], [5, 1, 2], [12, 4, 4])
    assert result.value[0] == pytest.approx(5 / 12)
    assert np.isnan([result.standard_error[0], result.lower[0], result.upper[0]]).all()
    assert not result.is_exact.any()
    assert np.isfinite([result.lower[1], result.upper[1]]).all()


def test_facilities_without_months_are_missing_and_said() -> None:
    result = cluster([0, 0, 1], [0, 1, 2], [1, 0, 0], [1, 1, 0], facility_count=4)
    np.testing.assert_array_equal(np.isnan(result.value), [False, True, True, True])
    np.testing.assert_array_equal(np.isnan(result.upper), [False, True, True, True])
    np.testing.assert_array_equal(result.patients, [2, 0, 0, 0])
    assert [(gone.rule, gone.count) for gone in result.dropped] == [
        ("facilities without a denominator", 3)
    ]


def test_limits_stay_within_zero_and_one() -> None:
    result = cluster([0] * 11, list(range(11)), [1] + [0] * 10)
    assert result.lower[0] == 0
    on_logit = cluster([0] * 11, list(range(11)), [1] + [0] * 10, scale="logit")
    assert 0 < on_logit.lower[0] < on_logit.value[0] < on_logit.upper[0] < 1


def test_clustered_intervals_cover_where_months_are_alike() -> None:
    rng = np.random.default_rng(12)
    facilities, patients, truth = 4000, 60, 0.7
    facility = np.repeat(np.arange(facilities), patients)
    months = rng.integers(1, 13, facility.size)
    # A patient's months share one chance: correlation 1 / (1 + 2.1 + 0.9).
    counted = rng.binomial(months, rng.beta(2.1, 0.9, facility.size))
    patient = np.arange(facility.size)
    for scale in ("probability", "logit"):
        result = cluster(facility, patient, counted, months, scale=scale)
        is_covered = (result.lower <= truth) & (truth <= result.upper)
        assert is_covered.mean() == pytest.approx(0.945, abs=0.01)


def test_levels_out_of_range_are_refused() -> None:
    for level in (0, 1, 1.5, np.nan):
        with pytest.raises(FitError, match="level"):
            cluster([0], [0], [1], level=level)


def test_rows_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(FitError, match="codes reach 1, but there are 1"):
        cluster([0, 1], [0, 1], [0, 1], facility_count=1)
    with pytest.raises(FitError, match="above their denominators"):
        cluster([0], [0], [2], [1])
    with pytest.raises(FitError, match="patient: 1 codes are negative"):
        cluster([0], [-1], [1])
