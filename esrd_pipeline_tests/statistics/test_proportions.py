"""Proportions checked against hand sums, exact coverage, R, statsmodels and simulation."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.proportions import (
    ClusteredProportions,
    Scale,
    estimate_clustered,
    find_exact_limits,
    find_mid_p,
    find_proportions,
    find_wilson_limits,
)

STORED = Path(__file__).parent / "r"
WITNESS = json.loads((STORED / "proportions.json").read_text())
CASES = WITNESS["cases"]
EVENTS = np.array([case["events"] for case in CASES])
TRIALS = np.array([case["trials"] for case in CASES])


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


def test_a_proportion_is_a_quotient_and_missing_without_a_denominator() -> None:
    value = find_proportions(numerator=np.array([3, 0, 5, 0]), denominator=np.array([4, 7, 5, 0]))
    np.testing.assert_array_equal(value, [0.75, 0, 1, np.nan])


def test_narrow_unsigned_counts_are_not_wrapped_around() -> None:
    numerator, denominator = np.array([200, 0], np.uint8), np.array([250, 250], np.uint8)
    wide = {"numerator": numerator.astype(int), "denominator": denominator.astype(int)}
    narrow = {"numerator": numerator, "denominator": denominator}
    for one, other in (
        (find_wilson_limits(**narrow), find_wilson_limits(**wide)),
        (find_exact_limits(**narrow), find_exact_limits(**wide)),
    ):
        np.testing.assert_allclose(one, other, rtol=1e-14)
    np.testing.assert_allclose(
        find_mid_p(**narrow, national=0.7), find_mid_p(**wide, national=0.7), rtol=1e-14
    )


def test_exact_limits_wilson_limits_and_mid_p_are_those_of_r() -> None:
    for level, name in ((0.95, "exact"), (0.9, "exact_90")):
        lower, upper = find_exact_limits(numerator=EVENTS, denominator=TRIALS, level=level)
        np.testing.assert_allclose(
            np.column_stack([lower, upper]), [case[name] for case in CASES], rtol=1e-9, atol=1e-14
        )
    lower, upper = find_wilson_limits(numerator=EVENTS, denominator=TRIALS)
    np.testing.assert_allclose(
        np.column_stack([lower, upper]),
        [case["wilson"] for case in CASES],
        rtol=1e-9,
        atol=1e-14,
    )
    for case in CASES:
        p_value = find_mid_p(
            numerator=np.array([case["events"]]),
            denominator=np.array([case["trials"]]),
            national=case["national"],
        )
        assert p_value[0] == pytest.approx(case["mid_p"], rel=1e-9)


def test_limits_are_those_of_statsmodels() -> None:
    trials = np.repeat(np.arange(1, 60), 60)
    events = np.tile(np.arange(60), 59)
    trials, events = trials[events <= trials], events[events <= trials]
    for method, find in (("wilson", find_wilson_limits), ("beta", find_exact_limits)):
        ours = find(numerator=events, denominator=trials, level=0.99)
        theirs = proportion_confint(events, trials, alpha=0.01, method=method)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_wilson_limits_are_where_the_score_test_meets_its_critical_value() -> None:
    numerator, denominator = np.array([3, 20]), np.array([12, 60])
    value = numerator / denominator
    for limit in find_wilson_limits(numerator=numerator, denominator=denominator):
        z = (value - limit) / np.sqrt(limit * (1 - limit) / denominator)
        np.testing.assert_allclose(np.abs(z), 1.959963984540054, rtol=1e-12)


def test_exact_limits_leave_a_fortieth_in_each_tail_and_are_closed_at_none_and_all() -> None:
    lower, upper = find_exact_limits(numerator=np.array([4, 0, 9]), denominator=np.array([9, 9, 9]))
    assert binom.sf(3, 9, lower[0]) == pytest.approx(0.025, rel=1e-12)
    assert binom.cdf(4, 9, upper[0]) == pytest.approx(0.025, rel=1e-12)
    # No event: (1 - p)^9 = 0.025; all: p^9 = 0.025.
    assert (lower[1], upper[2]) == (0, 1)
    assert upper[1] == pytest.approx(1 - 0.025 ** (1 / 9), rel=1e-12)
    assert lower[2] == pytest.approx(0.025 ** (1 / 9), rel=1e-12)


def test_without_a_denominator_there_is_neither_interval_nor_p_value() -> None:
    none = {"numerator": np.array([0, 1]), "denominator": np.array([0, 2])}
    for limits in (find_wilson_limits(**none), find_exact_limits(**none)):
        assert np.isnan([limit[0] for limit in limits]).all()
        assert np.isfinite([limit[1] for limit in limits]).all()
    np.testing.assert_array_equal(np.isnan(find_mid_p(**none, national=0.5)), [True, False])


def test_the_mid_p_counts_what_was_seen_by_half() -> None:
    # Of three at one half: P(X = 3) = 1/8 and P(X = 2) = 3/8.
    p_value = find_mid_p(numerator=np.array([3, 2, 1, 0]), denominator=np.full(4, 3), national=0.5)
    np.testing.assert_allclose(p_value, [1 / 8, 5 / 8, 5 / 8, 1 / 8], rtol=1e-14)


def test_mid_p_agrees_with_sums_of_probabilities_also_far_out() -> None:
    for trials, national in ((1, 0.3), (25, 0.9), (400, 0.02), (400, 0.5)):
        events = np.arange(trials + 1)
        mass = binom.pmf(events, trials, national)
        above = binom.sf(events, trials, national) + mass / 2
        below = binom.cdf(events - 1, trials, national) + mass / 2
        found = find_mid_p(
            numerator=events, denominator=np.full(trials + 1, trials), national=national
        )
        # Below 1e-300 floats have few digits left.
        np.testing.assert_allclose(found, 2 * np.minimum(above, below), rtol=1e-9, atol=1e-300)


def test_a_nation_without_events_or_with_nothing_else_can_be_tested_against() -> None:
    counts = {"numerator": np.array([0, 1, 2]), "denominator": np.array([2, 2, 2])}
    np.testing.assert_allclose(find_mid_p(**counts, national=0), [1, 0, 0])
    np.testing.assert_allclose(find_mid_p(**counts, national=1), [0, 0, 1])


@pytest.mark.parametrize("trials", [11, 60])
def test_intervals_cover_and_the_test_has_its_size(trials: int) -> None:
    events = np.arange(trials + 1)
    counts = {"numerator": events, "denominator": np.full(trials + 1, trials)}
    truths = np.linspace(0.02, 0.98, 193)
    mass = binom.pmf(events[:, None], trials, truths)

    def cover(limits: tuple[FloatArray, FloatArray]) -> FloatArray:
        is_within = (limits[0][:, None] <= truths) & (truths <= limits[1][:, None])
        return np.sum(mass * is_within, axis=0)

    exact, wilson = cover(find_exact_limits(**counts)), cover(find_wilson_limits(**counts))
    assert exact.min() >= 0.95
    assert wilson.mean() == pytest.approx(0.95, abs=0.01)
    assert wilson.min() > 0.82
    sizes = [
        np.sum(mass[find_mid_p(**counts, national=truth) < 0.05, at])
        for at, truth in enumerate(truths)
    ]
    assert 0.03 < np.mean(sizes) < 0.05
    assert np.max(sizes) < 0.09


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


def test_clustered_intervals_cover_where_months_are_alike_and_wilsons_do_not() -> None:
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
    lower, upper = find_wilson_limits(numerator=result.numerator, denominator=result.denominator)
    assert np.mean((lower <= truth) & (truth <= upper)) < 0.85


@pytest.mark.parametrize(
    ("numerator", "denominator", "message"),
    [
        ([1, 3], [2, 2], "1 values are above their denominators"),
        ([1, -1], [2, 2], "numerator: 1 values are negative"),
        ([1, 0.5], [2, 2], "numerator: 1 values are not whole"),
        ([1, 1], [2], "denominator has shape"),
        ([1, 1], [2, np.inf], "denominator: 1 values are not finite"),
        ([], [], "there are no rows"),
    ],
)
def test_what_is_no_count_is_refused(
    numerator: list[float], denominator: list[float], message: str
) -> None:
    counts = {"numerator": np.array(numerator), "denominator": np.array(denominator)}
    for find in (find_proportions, find_wilson_limits, find_exact_limits):
        with pytest.raises(FitError, match=message):
            find(**counts)
    with pytest.raises(FitError, match=message):
        find_mid_p(**counts, national=0.5)


def test_levels_and_national_values_out_of_range_are_refused() -> None:
    counts = {"numerator": np.array([1]), "denominator": np.array([2])}
    for level in (0, 1, 1.5, np.nan):
        with pytest.raises(FitError, match="level"):
            find_wilson_limits(**counts, level=level)
        with pytest.raises(FitError, match="level"):
            find_exact_limits(**counts, level=level)
        with pytest.raises(FitError, match="level"):
            cluster([0], [0], [1], level=level)
    for national in (-0.1, 1.1, np.nan):
        with pytest.raises(FitError, match="national"):
            find_mid_p(**counts, national=national)


def test_rows_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(FitError, match="codes reach 1, but there are 1"):
        cluster([0, 1], [0, 1], [0, 1], facility_count=1)
    with pytest.raises(FitError, match="above their denominators"):
        cluster([0], [0], [2], [1])
    with pytest.raises(FitError, match="patient: 1 codes are negative"):
        cluster([0], [-1], [1])
