"""Concordance of recurrent events checked against enumerated pairs, R, SciPy and lifelines."""

import csv
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from lifelines.utils import concordance_index
from scipy.stats import kendalltau

from esrd_pipeline.statistics.concordance import (
    Concordance,
    compare_event_counts,
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
        said = predicted[first] - predicted[second]
        product = seen * said
        kinds[3 if seen == 0 else 0 if product > 0 else 1 if product < 0 else 2] += 1
    return tuple(kinds)


def simulate(seed: int, *, patients: int) -> tuple[FloatArray, FloatArray, IntArray, FloatArray]:
    """Many ties: few predictions, whole days, several events a day and on the last day."""
    rng = np.random.default_rng(seed)
    predicted = rng.integers(1, 6, patients).astype(float)
    follow_up = rng.integers(0, 9, patients).astype(float)
    event_patient = np.repeat(np.arange(patients), rng.poisson(predicted / 2))
    last = follow_up[event_patient]
    event_time = np.minimum(rng.integers(0, 9, event_patient.size), last)
    return predicted, follow_up, event_patient, event_time


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


def test_counts_in_shared_time_by_hand() -> None:
    # Over 2 days, both have had one event; over 4 days, 1 against 0 and 3 against 0.
    result = compare_event_counts(
        predicted=np.array([1.0, 2.0, 3.0]),
        follow_up=np.array([2.0, 4.0, 9.0]),
        event_patient=np.array([0, 1, 1, 1]),
        event_time=np.array([2.0, 1.0, 3.0, 4.0]),
    )
    # Pairs: 1 : 1 in two days is no order; 1 : 0 against and 3 : 0 against the prediction.
    assert counts(result) == (0, 2, 0, 1)
    assert result.index == 0


def test_observed_rates_agree_with_survival_in_r() -> None:
    patients = read("reliability.csv")
    result = compare_observed_rates(
        predicted=patients["predicted"],
        events=patients["events"],
        exposure=patients["follow_up"],
    )
    assert list(counts(result)) == WITNESS["of_rates"]


def test_counts_in_shared_time_agree_with_all_pairs_in_r() -> None:
    patients, events = read("reliability.csv"), read("reliability_events.csv")
    result = compare_event_counts(
        predicted=patients["predicted"],
        follow_up=patients["follow_up"],
        event_patient=events["patient"].astype(int),
        event_time=events["time"],
    )
    assert list(counts(result)) == WITNESS["of_shared_time"]


def test_one_event_that_ends_the_follow_up_gives_harrells_index() -> None:
    patients = read("reliability.csv")
    dead = np.flatnonzero(patients["is_dead"])
    result = compare_event_counts(
        predicted=patients["predicted"],
        follow_up=patients["follow_up"],
        event_patient=dead,
        event_time=patients["follow_up"][dead],
    )
    assert list(counts(result))[:3] == WITNESS["of_deaths"][:3]
    harrell = concordance_index(
        patients["follow_up"], -patients["predicted"], patients["is_dead"].astype(bool)
    )
    assert result.index == pytest.approx(harrell, rel=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_both_indices_agree_with_all_pairs_counted_one_by_one(seed: int) -> None:
    predicted, follow_up, event_patient, event_time = simulate(seed, patients=40)
    number = np.bincount(event_patient, minlength=40)
    exposure = follow_up + 1
    rates = {
        (i, j): number[i] * exposure[j] - number[j] * exposure[i]
        for i, j in combinations(range(40), 2)
    }
    found = compare_observed_rates(predicted=predicted, events=number, exposure=exposure)
    assert counts(found) == tally(predicted, rates)
    shared: dict[tuple[int, int], float] = {}
    for i, j in combinations(range(40), 2):
        is_within = event_time <= min(follow_up[i], follow_up[j])
        shared[i, j] = np.sum(is_within & (event_patient == i)) - np.sum(
            is_within & (event_patient == j)
        )
    found = compare_event_counts(
        predicted=predicted,
        follow_up=follow_up,
        event_patient=event_patient,
        event_time=event_time,
    )
    assert counts(found) == tally(predicted, shared)


def test_with_equal_follow_up_both_indices_are_one() -> None:
    predicted, _, event_patient, event_time = simulate(3, patients=200)
    follow_up = np.full(200, 9.0)
    by_count = compare_event_counts(
        predicted=predicted,
        follow_up=follow_up,
        event_patient=event_patient,
        event_time=event_time,
    )
    by_rate = compare_observed_rates(
        predicted=predicted,
        events=np.bincount(event_patient, minlength=200),
        exposure=follow_up,
    )
    assert by_count == by_rate


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
    predicted, follow_up, event_patient, event_time = simulate(5, patients=300)
    rng = np.random.default_rng(5)
    label = rng.permutation(300)
    rows, events = np.argsort(label), rng.permutation(event_patient.size)

    def compare(scores: FloatArray) -> Concordance:
        return compare_event_counts(
            predicted=scores,
            follow_up=follow_up,
            event_patient=event_patient,
            event_time=event_time,
        )

    plain = compare(predicted)
    mixed = compare_event_counts(
        predicted=predicted[rows],
        follow_up=follow_up[rows],
        event_patient=label[event_patient][events],
        event_time=event_time[events],
    )
    assert plain == mixed
    assert plain == compare(np.exp(predicted))
    assert plain.index + compare(-predicted).index == pytest.approx(1)
    assert compare(np.ones(300)).index == 0.5


def test_a_true_prediction_beats_a_blurred_one_and_chance_is_one_half() -> None:
    rng = np.random.default_rng(9)
    rate = rng.gamma(2, 0.5, 4000)
    follow_up = rng.uniform(0.2, 1, 4000)
    event_patient = np.repeat(np.arange(4000), rng.poisson(rate * follow_up * 2))
    event_time = rng.uniform(0, 1, event_patient.size) * follow_up[event_patient]

    def index(predicted: FloatArray) -> float:
        return compare_event_counts(
            predicted=predicted,
            follow_up=follow_up,
            event_patient=event_patient,
            event_time=event_time,
        ).index

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
    with pytest.raises(FitError, match="there are no events"):
        compare_event_counts(
            predicted=one,
            follow_up=one,
            event_patient=np.array([], dtype=int),
            event_time=np.array([]),
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"predicted": np.array([1.0, np.nan])}, "predicted: 1 values are not finite"),
        ({"follow_up": np.array([1.0, -1.0])}, "follow_up: 1 values are negative"),
        ({"follow_up": np.ones(3)}, "follow_up has shape"),
        ({"event_patient": np.array([2])}, "codes reach 2, but there are 2"),
        ({"event_time": np.array([2.0])}, "1 events lie after"),
        ({"event_time": np.array([-1.0])}, "event_time: 1 values are negative"),
    ],
)
def test_inputs_that_cannot_be_used_are_refused(
    changes: dict[str, FloatArray | IntArray], message: str
) -> None:
    arguments: dict[str, FloatArray | IntArray] = {
        "predicted": np.array([1.0, 2.0]),
        "follow_up": np.ones(2),
        "event_patient": np.array([0]),
        "event_time": np.array([0.5]),
    }
    with pytest.raises(FitError, match=message):
        compare_event_counts(**(arguments | changes))


def test_events_that_are_not_whole_and_missing_predictions_are_refused() -> None:
    one = np.ones(2)
    with pytest.raises(FitError, match="events: 1 values are not whole"):
        compare_observed_rates(predicted=one, events=np.array([0.5, 1]), exposure=one)
    with pytest.raises(FitError, match="predicted: 1 values are not finite"):
        compare_observed_rates(predicted=np.array([1, np.inf]), events=one, exposure=one)
