"""Concordance (C-statistic) of predicted rates with recurrent events, counted over all pairs.

The 2025 submission of the SHR (CBE 1463) reports "the concordance between the observed rates of
recurrent events and the model-based predicted rates" without a formula. `compare_observed_rates`
implements this sentence literally.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray, check_finite
from esrd_pipeline.statistics.fit import Dropped, FitError
from esrd_pipeline.statistics.rows import check_amounts, check_counts

_compile: Any = njit(cache=True, nogil=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concordance:
    """Numbers of patient pairs, classified by prediction and outcome; each pair counts once.

    Attributes:
        concordant: pairs whose outcomes differ in the same direction as their predictions.
        discordant: pairs whose outcomes differ in the opposite direction.
        tied_prediction: pairs with different outcomes and equal predictions.
        tied_outcome: pairs with equal outcomes, which are not comparable.
        patients: patients compared.
        dropped: patients not used.
    """

    concordant: int
    discordant: int
    tied_prediction: int
    tied_outcome: int
    patients: int
    dropped: tuple[Dropped, ...]

    @property
    def comparable(self) -> int:
        """Pairs whose outcomes differ."""
        return self.concordant + self.discordant + self.tied_prediction

    @property
    def index(self) -> float:
        """(concordant + tied_prediction / 2) / comparable: 0.5 for an uninformative prediction.

        Some programs ignore tied predictions: concordant / comparable.
        """
        return (self.concordant + self.tied_prediction / 2) / self.comparable


def compare_observed_rates(
    *, predicted: FloatArray, events: NDArray[np.number], exposure: FloatArray
) -> Concordance:
    """Compare patients' predicted rates with their observed ones, events / exposure.

    Exact, in n log n steps.

    Args:
        predicted: rate or risk score of each patient, shape (n,).
        events: of each patient, whole numbers >= 0.
        exposure: time at risk, >= 0; patients with zero exposure have no rate and are dropped.

    Raises:
        FitError: arrays differ in length or contain invalid values; no pair can be compared.
    """
    rows = predicted.size
    check_counts("events", events, rows=rows)
    check_amounts("exposure", exposure, rows=rows)
    check_finite("predicted", predicted)
    is_used = exposure > 0
    # Division rounds correctly, so equal ratios of whole numbers stay equal.
    observed = _rank(events[is_used].astype(np.float64) / exposure[is_used])
    score = _rank(predicted[is_used])
    order = np.argsort(score, kind="stable")
    concordant = int(_count_rising(score[order], observed[order], _tree(observed)))
    both = _count_alike(score * (observed.size + 1) + observed)
    tied_prediction = _count_alike(score) - both
    tied_outcome = _count_alike(observed)
    pairs = observed.size * (observed.size - 1) // 2
    gone = int(np.count_nonzero(~is_used))
    return _report(
        Concordance(
            concordant=concordant,
            discordant=pairs - concordant - tied_prediction - tied_outcome,
            tied_prediction=tied_prediction,
            tied_outcome=tied_outcome,
            patients=observed.size,
            dropped=(Dropped("patients without exposure", gone),) if gone else (),
        )
    )


def _report(result: Concordance) -> Concordance:
    if not result.comparable:
        raise FitError("no pair of patients differs in its outcome, so none can be compared")
    return result


def _rank(values: FloatArray) -> IntArray:
    """Return dense ranks from 1."""
    return np.unique(values, return_inverse=True)[1] + 1


def _tree(ranks: IntArray) -> IntArray:
    return np.zeros(int(ranks.max(initial=0)) + 1, dtype=np.int64)


def _count_alike(codes: IntArray) -> int:
    """Return the number of pairs with the same code."""
    sizes = np.unique(codes, return_counts=True)[1]
    return int(np.sum(sizes * (sizes - 1) // 2))


@_compile
def _add(tree: IntArray, rank: int, amount: int) -> None:
    """Add patients of a rank to a Fenwick tree (Fenwick 1994)."""
    while rank < tree.size:
        tree[rank] += amount
        rank += rank & -rank


@_compile
def _count_up_to(tree: IntArray, rank: int) -> int:
    """Return the number of patients in the tree with at most this rank."""
    total = 0
    while rank > 0:
        total += tree[rank]
        rank -= rank & -rank
    return total


@_compile
def _count_rising(score: IntArray, observed: IntArray, tree: IntArray) -> int:
    """Return the number of pairs that rise in both `score` and `observed`.

    Patients are ordered by score; `tree` must be empty.
    """
    rising = 0
    entered = 0
    for place in range(score.size):
        while score[entered] < score[place]:
            _add(tree, observed[entered], 1)
            entered += 1
        rising += _count_up_to(tree, observed[place] - 1)
    return rising
