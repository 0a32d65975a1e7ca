"""Concordance of recurrent events checked against enumerated pairs, R and SciPy."""

import csv
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from esrd_pipeline.statistics.concordance import (
    Concordance,
    compare_observed_rates,
)
from esrd_pipeline.statistics.design import FloatArray, IntArray
from esrd_pipeline.statistics.fit import FitError

STORED = Path(__file__).parent / "r"
WITNESS = json.loads((STORED / "reliability.json").read_text())


def read(name: str) -> dict[str, FloatArray]:
    with (STORED / name).open() as file:
        rows = list(csv.DictReader(file))
    return {column: np.array([float(row[column]) for row in rows]) for column in rows[0]}


def counts(result: Concordance) -> tuple[int, int, int, int]:
    return (
        result.concordant,
        result.discordant,
        result.tied_prediction,
        result.tied_outcome,
    )


def tally(predicted: FloatArray, differences: dict[tuple[int, int], float]) -> tuple[int, ...]:
    kinds = [0, 0, 0, 0]
    for (first, second), seen in differences.items():
        text = predicted[first] - predicted[second]
        product = seen * text
        kinds[3 if seen == 0 else 0 if product > 0 else 1 if product < 0 else 2] += 1
    return tuple(kinds)


def simulate(seed: int, *, patients: int) -> tuple[FloatArray, FloatArray, IntArray]:
    """Many ties: predictions, whole days of exposure and events of each patient."""
    rng = np.random.default_rng(seed)
    predicted = rng.integers(1, 6, patients).astype(float)
    follow_up = rng.integers(0, 9, patients).astype(float)
    return predicted, follow_up, rng.poisson(predicted / 2)


def test_observed_rates_of_four_patients_by_hand() -> None:
    # Rates 2, 1, 1 and 0: of six pairs one is alike, one has equal predictions, one is misordered.
    result = compare_observed_rates(
        predicted=np.array([3.0, 3.0, 1.0, 2.0]),
        events=np.array([4, 3, 1, 0]),
        exposure=np.array([2.0, 3.0, 1.0, 5.0]),
    )
    assert counts(result) == (3, 1, 1, 1)
    assert result.comparable == 5
    assert result.index == pytest.approx(3.5 / 5)


def test_observed_rates_agree_with_survival_in_r() -> None:
    patients = read("reliability.csv")
    result = compare_observed_rates(
        predicted=patients["predicted"],
        events=patients["events"],
        exposure=patients["follow_up"],
    )
    assert list(counts(result)) == WITNESS["of_rates"]


@pytest.mark.parametrize("seed", range(12))
def test_the_index_agrees_with_all_pairs_counted_one_by_one(seed: int) -> None:
    predicted, follow_up, number = simulate(seed, patients=40)
    exposure = follow_up + 1
    rates = {
        (i, j): number[i] * exposure[j] - number[j] * exposure[i]
        for i, j in combinations(range(40), 2)
    }
    found = compare_observed_rates(predicted=predicted, events=number, exposure=exposure)
    assert counts(found) == tally(predicted, rates)


def test_concordance_is_kendalls_tau_on_a_larger_sample() -> None:
    rng = np.random.default_rng(8)
    predicted, exposure = rng.gamma(2, 1, 20_000), rng.integers(1, 366, 20_000).astype(float)
    events = rng.poisson(predicted * exposure / 300)
    result = compare_observed_rates(predicted=predicted, events=events, exposure=exposure)
    tau = kendalltau(predicted, events / exposure).statistic
    pairs = 20_000 * 19_999 / 2
    spread = np.sqrt(pairs * result.comparable)
    assert tau == pytest.approx((result.concordant - result.discordant) / spread, rel=1e-10)
    assert sum(counts(result)) == pairs


def test_rows_monotone_predictions_and_directions_do_as_they_should() -> None:
    predicted, exposure, events = simulate(5, patients=300)
    exposure += 1
    rows = np.random.default_rng(5).permutation(300)

    def compare(scores: FloatArray) -> Concordance:
        return compare_observed_rates(predicted=scores, events=events, exposure=exposure)

    plain = compare(predicted)
    mixed = compare_observed_rates(
        predicted=predicted[rows], events=events[rows], exposure=exposure[rows]
    )
    assert plain == mixed
    assert plain == compare(np.exp(predicted))
    assert plain.index + compare(-predicted).index == pytest.approx(1)
    assert compare(np.ones(300)).index == 0.5


def test_a_true_prediction_beats_a_blurred_one_and_chance_is_one_half() -> None:
    rng = np.random.default_rng(9)
    rate = rng.gamma(2, 0.5, 4000)
    exposure = rng.uniform(0.2, 1, 4000)
    events = rng.poisson(rate * exposure * 2)

    def index(predicted: FloatArray) -> float:
        return compare_observed_rates(predicted=predicted, events=events, exposure=exposure).index

    blurred = rate * np.exp(rng.normal(0, 1, 4000))
    assert index(rate) > index(blurred) + 0.05
    assert index(rng.uniform(size=4000)) == pytest.approx(0.5, abs=0.02)


def test_patients_without_exposure_are_set_aside_and_said() -> None:
    result = compare_observed_rates(
        predicted=np.array([1.0, 2.0, 3.0]),
        events=np.array([0, 1, 0]),
        exposure=np.array([1.0, 1.0, 0.0]),
    )
    assert (result.patients, counts(result)) == (2, (1, 0, 0, 0))
    assert [(gone.rule, gone.count) for gone in result.dropped] == [
        ("patients without exposure", 1)
    ]


def test_pairs_that_cannot_be_compared_leave_no_index() -> None:
    one = np.ones(3)
    with pytest.raises(FitError, match="none can be compared"):
        compare_observed_rates(predicted=one, events=np.zeros(3), exposure=one)
    with pytest.raises(FitError, match="none can be compared"):
        compare_observed_rates(predicted=one[:1], events=one[:1], exposure=one[:1])
    with pytest.raises(FitError, match="none can be compared"):
        compare_observed_rates(predicted=one, events=one, exposure=0 * one)


def test_events_that_are_not_whole_and_missing_predictions_are_refused() -> None:
    one = np.ones(2)
    with pytest.raises(FitError, match="events: 1 values are not whole"):
        compare_observed_rates(predicted=one, events=np.array([0.5, 1]), exposure=one)
    with pytest.raises(FitError, match="predicted: 1 values are not finite"):
        compare_observed_rates(predicted=np.array([1, np.inf]), events=one, exposure=one)
