"""Reliability and rank correlations: formulas, enumeration, R and simulated ground truth."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from esrd_pipeline.statistics import reliability
from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.reliability import Iur, correlate_ranks, estimate_iur

STORED = Path(__file__).parent / "r"
WITNESS = json.loads((STORED / "reliability.json").read_text())


def read_patients() -> dict[str, FloatArray]:
    with (STORED / "reliability.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def estimate(
    facility: list[int] | IntArray,
    numerator: list[float] | NDArray[np.number],
    denominator: list[float] | NDArray[np.number] | None = None,
    *,
    seed: int = 1,
    **options: int,
) -> Iur:
    """Rows are patients; without denominators a facility's value is a mean."""
    home = np.asarray(facility)
    return estimate_iur(
        facility=home,
        patient=np.arange(home.size),
        numerator=np.asarray(numerator),
        denominator=np.ones(home.size) if denominator is None else np.asarray(denominator),
        facility_count=int(home.max()) + 1,
        seed=seed,
        **options,
    )


def simulate(
    seed: int, *, facilities: int, sizes: tuple[int, int], between: float, within: float
) -> tuple[IntArray, FloatArray]:
    """Normal patients around normal facilities, far from zero."""
    rng = np.random.default_rng(seed)
    facility = np.repeat(np.arange(facilities), rng.integers(*sizes, facilities))
    level = rng.normal(50, between, facilities)[facility]
    return facility, rng.normal(level, within)


def assert_same(first: Iur, second: Iur) -> None:
    for name in ("iur", "within_variance", "between_variance", "total_variance", "mean"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=1e-12)


def test_total_variance_and_size_are_those_of_two_facilities_by_hand() -> None:
    # Means 2 of two patients and 5 of three: weighted mean 19/5; n' = 5 - 13/5 = 2.4.
    result = estimate([0, 0, 1, 1, 1], [1, 3, 4, 5, 6])
    assert result.mean == pytest.approx(3.8, rel=1e-12)
    assert result.average_size == pytest.approx(2.4, rel=1e-12)
    # 2 x 1.8^2 + 3 x 1.2^2 = 10.8, over 2.4 x 1.
    assert result.total_variance == pytest.approx(4.5, rel=1e-12)
    first, second = result.ratio_variance
    assert result.within_variance == pytest.approx((first + 2 * second) / 3, rel=1e-12)
    assert result.iur == pytest.approx(1 - result.within_variance / 4.5, rel=1e-12)
    assert result.between_variance == pytest.approx(4.5 - result.within_variance, rel=1e-12)
    np.testing.assert_allclose(result.ratio, [2, 5])
    assert (result.facilities, result.patients, result.resamples) == (2, 5, 100)


def test_the_variance_of_a_resampled_mean_is_that_of_its_patients_over_their_number() -> None:
    result = estimate([0, 0, 0, 1, 1], [0, 3, 6, 1, 2], resamples=40_000)
    # Population variances 6 and 1/4, over 3 and 2 patients.
    np.testing.assert_allclose(result.ratio_variance, [2, 1 / 8], rtol=0.03)


def test_bootstrap_variances_of_ratios_approach_those_of_all_resamples_in_r() -> None:
    patients = read_patients()
    sizes = np.arange(2, 7)
    rows = slice(0, int(sizes.sum()))
    result = estimate(
        np.repeat(np.arange(5), sizes),
        patients["events"][rows],
        patients["expected"][rows],
        resamples=40_000,
    )
    np.testing.assert_allclose(result.ratio_variance, WITNESS["ratio_variance"], rtol=0.05)


def test_the_total_variance_is_r_mean_square_over_the_average_size() -> None:
    patients = read_patients()
    result = estimate(patients["facility"].astype(int), patients["events"])
    assert result.average_size == pytest.approx(WITNESS["average_size"], rel=1e-12)
    assert result.total_variance == pytest.approx(
        WITNESS["mean_square_between"] / WITNESS["average_size"], rel=1e-12
    )


def test_draws_replayed_one_by_one_give_the_same_variances() -> None:
    numerator, denominator = [2.0, 0.0, 1.0, 1.0, 4.0], [1.0, 0.5, 2.0, 1.5, 2.0]
    result = estimate([1, 1, 0, 0, 0], numerator, denominator, seed=7, resamples=5)
    # In the order of the streams: the smaller facility first; patients by numerator, denominator.
    facilities = [(1, [(0.0, 0.5), (2.0, 1.0)]), (0, [(1.0, 1.5), (1.0, 2.0), (4.0, 2.0)])]
    for rank, (facility, patients) in enumerate(facilities):
        words = np.random.Philox(key=np.array([7, rank], dtype=np.uint64)).random_raw(
            5 * len(patients)
        )
        ratios = []
        for start in range(0, words.size, len(patients)):
            drawn = [
                patients[(int(word) >> 32) * len(patients) >> 32]
                for word in words[start : start + len(patients)]
            ]
            ratios.append(sum(pair[0] for pair in drawn) / sum(pair[1] for pair in drawn))
        assert result.ratio_variance[facility] == pytest.approx(np.var(ratios, ddof=1), rel=1e-12)


def test_equal_facilities_recover_n_over_n_plus_the_ratio_of_variances() -> None:
    facility, outcome = simulate(1, facilities=3000, sizes=(40, 41), between=1.0, within=4.0)
    result = estimate(facility, outcome, resamples=30)
    # Variances 1 and 16: 40 / (40 + 16) = 0.714; the bootstrap's 39/40 makes it 0.721.
    assert result.iur == pytest.approx(1 - 0.4 * (39 / 40) / 1.4, abs=0.012)
    assert result.between_variance == pytest.approx(1.0, rel=0.06)


def test_unequal_facilities_recover_the_planted_variances() -> None:
    facility, outcome = simulate(2, facilities=3000, sizes=(5, 60), between=1.5, within=5.0)
    result = estimate(facility, outcome, resamples=30)
    sizes = np.bincount(facility)
    within = 25 * np.sum((sizes - 1) ** 2 / sizes) / np.sum(sizes - 1)
    assert result.total_variance == pytest.approx(1.5**2 + 25 / result.average_size, rel=0.06)
    # Var of a mean of n resampled from n is 25 (n - 1) / n^2.
    pooled = 25 * np.sum((sizes - 1) ** 2 / sizes**2) / np.sum(sizes - 1)
    assert result.within_variance == pytest.approx(pooled, rel=0.03)
    assert pooled < within


def test_facilities_that_differ_by_chance_alone_have_no_reliability() -> None:
    facility, outcome = simulate(3, facilities=2000, sizes=(30, 31), between=0.0, within=4.0)
    result = estimate(facility, outcome, resamples=50)
    # 1 - 29/30 remains of the bootstrap's own factor.
    assert result.iur == pytest.approx(1 / 30, abs=0.07)


def test_reliability_may_be_negative_and_is_not_cut_off() -> None:
    result = estimate([0, 0, 1, 1], [0, 10, 1, 10])
    assert result.iur < 0
    assert result.between_variance < 0


def test_neither_the_order_of_rows_nor_labels_nor_blocks_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(5)
    rows = 1200
    facility, patient = rng.integers(0, 40, rows), rng.integers(0, 300, rows)
    expected = rng.gamma(2, 0.3, rows)
    observed = rng.poisson(expected)

    def run(order: IntArray, facilities: IntArray, patients: IntArray) -> Iur:
        return estimate_iur(
            facility=facilities[facility][order],
            patient=patients[patient][order],
            numerator=observed[order],
            denominator=expected[order],
            facility_count=40,
            seed=11,
        )

    plain = run(np.arange(rows), np.arange(40), np.arange(300))
    labels = rng.permutation(40)
    mixed = run(rng.permutation(rows), labels, rng.permutation(300))
    assert_same(plain, mixed)
    np.testing.assert_array_equal(plain.ratio_variance, mixed.ratio_variance[labels])
    monkeypatch.setattr(reliability, "BLOCK_DRAWS", 50)
    assert_same(plain, run(np.arange(rows), np.arange(40), np.arange(300)))


def test_sums_that_depend_on_their_order_do_not_move_patients() -> None:
    # 0.1 + 0.2 + 0.3 is 0.6 or the next number above, and another patient has 0.6.
    def run(parts: list[float]) -> Iur:
        return estimate_iur(
            facility=np.array([0, 0, 0, 0, 0, 1, 1]),
            patient=np.array([0, 0, 0, 1, 2, 3, 4]),
            numerator=np.array([*parts, 0.6, 2.0, 1.0, 2.0]),
            denominator=np.array([0.1, 0.1, 0.1, 9.0, 1.0, 1.0, 2.0]),
            facility_count=2,
            seed=1,
        )

    assert_same(run([0.1, 0.2, 0.3]), run([0.3, 0.2, 0.1]))


def test_facilities_alike_in_size_and_sums_are_told_apart_by_their_patients() -> None:
    # Both have three patients, four events in all; only the first has two patients without any.
    one = estimate([0, 0, 0, 1, 1, 1, 2, 2], [0, 0, 4, 1, 1, 2, 9, 9])
    other = estimate([1, 1, 1, 0, 0, 0, 2, 2], [0, 0, 4, 1, 1, 2, 9, 9])
    np.testing.assert_array_equal(one.ratio_variance, other.ratio_variance[[1, 0, 2]])


def test_a_last_digit_of_the_denominators_leaves_the_result_where_it_is() -> None:
    rng = np.random.default_rng(6)
    facility, expected = rng.integers(0, 50, 800), rng.gamma(2, 0.5, 800)
    observed = rng.poisson(expected)
    nudged = expected * (1 + 1e-13 * rng.uniform(-1, 1, 800))
    first, second = estimate(facility, observed, expected), estimate(facility, observed, nudged)
    assert first.iur == pytest.approx(second.iur, abs=1e-10)


def test_the_seed_decides_the_draws_and_is_recorded() -> None:
    facility, outcome = simulate(4, facilities=30, sizes=(4, 12), between=1.0, within=3.0)
    first, again = estimate(facility, outcome, seed=3), estimate(facility, outcome, seed=3)
    other = estimate(facility, outcome, seed=4)
    assert first.iur == again.iur
    assert first.iur != other.iur
    assert first.iur == pytest.approx(other.iur, abs=0.05)
    assert (first.seed, other.seed) == (3, 4)
    assert estimate(facility, outcome, seed=2**64 - 1).seed == 2**64 - 1


def test_rows_of_a_patient_are_added_up() -> None:
    by_month = estimate_iur(
        facility=np.array([0, 0, 0, 0, 1, 1, 1]),
        patient=np.array([0, 1, 0, 1, 0, 2, 2]),
        numerator=np.array([1, 0, 1, 1, 0, 1, 1]),
        denominator=np.array([1, 1, 1, 1, 1, 1, 1]),
        facility_count=2,
        seed=1,
    )
    by_patient = estimate([0, 0, 1, 1], [2, 1, 0, 2], [2, 2, 1, 2])
    assert_same(by_month, by_patient)
    assert by_month.patients == 4


def test_what_is_not_used_is_said() -> None:
    result = estimate_iur(
        facility=np.array([0, 0, 1, 2, 2, 3, 3, 3, 4]),
        patient=np.array([0, 1, 2, 3, 4, 5, 6, 7, 8]),
        numerator=np.array([1, 2, 3, 1, 4, 2, 3, 0, 0]),
        denominator=np.array([1, 1, 1, 1, 1, 1, 1, 0, 0]),
        facility_count=6,
        is_reported=np.array([True, True, False, True, True, True]),
        seed=1,
    )
    assert [(gone.rule, gone.count) for gone in result.dropped] == [
        ("patients without a denominator", 2),
        ("facilities without a denominator", 2),
        ("facilities that are not reported", 1),
        ("facilities of fewer than 2 patients", 1),
    ]
    assert (result.facilities, result.patients) == (2, 4)
    np.testing.assert_array_equal(np.isnan(result.ratio), [False, True, True, False, True, True])
    np.testing.assert_array_equal(np.isnan(result.ratio_variance), np.isnan(result.ratio))


def test_a_lone_patient_weighs_on_the_total_only_and_only_when_asked_for() -> None:
    facility, outcome = [0, 0, 1, 1, 2], [1, 3, 4, 6, 9]
    without, with_one = estimate(facility, outcome), estimate(facility, outcome, minimum_patients=1)
    assert (without.facilities, with_one.facilities) == (2, 3)
    # Mean 23/5: (2 x 2.6^2 + 2 x 0.4^2 + 4.4^2) over n' x 2 = 5 - 9/5.
    assert with_one.total_variance == pytest.approx(33.2 / 3.2, rel=1e-12)
    assert with_one.ratio_variance[2] == 0
    assert with_one.within_variance == pytest.approx(np.mean(with_one.ratio_variance[:2]))
    assert with_one.dropped == ()


def test_facilities_without_events_are_used_like_any_other() -> None:
    result = estimate([0, 0, 1, 1], [0, 0, 2, 1], [1.5, 2.5, 1.0, 2.0])
    np.testing.assert_allclose(result.ratio, [0, 1])
    assert result.ratio_variance[0] == 0
    assert result.within_variance == pytest.approx(result.ratio_variance[1] / 2)


def test_facilities_that_do_not_differ_have_no_reliability_to_estimate() -> None:
    for outcome in ([0, 0, 0, 0], [1, 1, 1, 1], [0, 2, 2, 0]):
        with pytest.raises(FitError, match="do not differ"):
            estimate([0, 0, 1, 1], outcome)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"numerator": np.array([1.0, np.nan, 1, 0])}, "numerator: 1 values are not finite"),
        ({"denominator": np.array([1.0, -1, 1, 1])}, "denominator: 1 values are negative"),
        ({"denominator": np.array([0, 1, 1, 1])}, "1 patients have a numerator and no denominator"),
        ({"denominator": np.array([1, 1])}, "denominator has shape"),
        ({"facility": np.array([0, 0, 1, 2])}, "codes reach 2, but there are 2"),
        ({"facility": np.array([0, 0, 0, 0])}, "1 can be used"),
        ({"minimum_patients": 3}, "0 can be used"),
        ({"facility": np.array([], dtype=int)}, "there are no rows"),
        ({"resamples": 1}, "a variance needs two"),
        ({"seed": -1}, "seed"),
        ({"minimum_patients": 0}, "minimum patients"),
        ({"is_reported": np.array([True])}, "is_reported has shape"),
    ],
)
def test_inputs_that_cannot_be_used_are_refused(changes: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {
        "facility": np.array([0, 0, 1, 1]),
        "patient": np.arange(4),
        "numerator": np.array([1, 2, 1, 0]),
        "denominator": np.ones(4),
        "facility_count": 2,
        "seed": 1,
    }
    with pytest.raises(FitError, match=message):
        estimate_iur(**(arguments | changes))


def test_lone_patients_everywhere_say_nothing_of_how_patients_vary() -> None:
    with pytest.raises(FitError, match="no facility has two"):
        estimate([0, 1, 2], [1, 2, 3], minimum_patients=1)


def test_rank_correlations_are_those_of_r() -> None:
    patients = read_patients()
    some = np.where(patients["facility"] % 5 == 3, np.nan, patients["events"])
    events, follow_up = patients["events"], patients["follow_up"]
    (first,) = correlate_ranks(measure=events, others={"predicted": patients["predicted"]})
    (second,) = correlate_ranks(measure=some, others={"follow_up": follow_up})
    for result, stored in (
        (first, WITNESS["events_with_predicted"]),
        (second, WITNESS["some_events_with_follow_up"]),
    ):
        assert result.rho == pytest.approx(stored["rho"], rel=1e-12)
        assert result.p_value == pytest.approx(stored["p_value"], rel=1e-9)
    assert first.dropped == ()
    gone = int(np.count_nonzero(np.isnan(some)))
    assert second.pairs == 400 - gone
    assert (second.dropped[0].count, second.dropped[0].rule) == (
        gone,
        "facilities without both values",
    )


def test_a_rank_correlation_by_hand() -> None:
    # Squared differences of ranks 0, 1, 1, 0: rho = 1 - 6 x 2 / (4 x 15).
    results = correlate_ranks(
        measure=np.array([1.0, 2, 3, 4, np.nan]),
        others={
            "smr": np.array([10.0, 30, 20, 40, 50]),
            "sfr": np.array([4.0, 3, 2, 1, 0]),
        },
    )
    assert [result.name for result in results] == ["smr", "sfr"]
    assert results[0].rho == pytest.approx(0.8, rel=1e-12)
    assert results[1].rho == pytest.approx(-1, rel=1e-12)
    assert [result.pairs for result in results] == [4, 4]


def test_too_few_pairs_or_a_measure_that_does_not_vary_have_no_correlation() -> None:
    measure = np.array([1.0, 2, 3, np.nan])
    results = correlate_ranks(
        measure=measure,
        others={
            "two": np.array([1.0, 2, np.nan, 3]),
            "flat": np.ones(4),
            "none": np.full(4, np.nan),
        },
    )
    assert [result.pairs for result in results] == [2, 3, 0]
    assert all(np.isnan(result.rho) and np.isnan(result.p_value) for result in results)


def test_measures_of_other_facilities_or_infinite_values_are_refused() -> None:
    with pytest.raises(FitError, match="smr has shape"):
        correlate_ranks(measure=np.ones(3), others={"smr": np.ones(4)})
    with pytest.raises(FitError, match="smr: 1 values are not finite"):
        correlate_ranks(measure=np.ones(2), others={"smr": np.array([1, np.inf])})
    with pytest.raises(FitError, match="measure: 1 values are not finite"):
        correlate_ranks(measure=np.array([1, -np.inf]), others={})
