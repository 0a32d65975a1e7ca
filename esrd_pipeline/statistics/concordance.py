"""Concordance (C-statistic) of predicted rates with recurrent events, counted over all pairs.

The 2025 submission of the SHR (CBE 1463) reports "the concordance between the observed rates of
recurrent events and the model-based predicted rates" without a formula. `compare_observed_rates`
implements this sentence literally. `compare_event_counts` implements the index published for such
models (Kim, Schaubel & McCullough 2018), which compares two patients only over the time during
which both were followed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray, IntArray, check_finite
from esrd_pipeline.statistics.fit import Dropped, FitError
from esrd_pipeline.statistics.rows import check_amounts, check_codes, check_counts, find_starts

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


def compare_event_counts(
    *,
    predicted: FloatArray,
    follow_up: FloatArray,
    event_patient: NDArray[np.integer],
    event_time: FloatArray,
) -> Concordance:
    """Compare patients by their numbers of events in the time that both were followed.

    A pair with follow-up X_i <= X_j is comparable if N_i(X_i) and N_j(X_i) differ (Kim, Schaubel
    & McCullough 2018); an event at X_i is within it. With at most one event, which ends the
    follow-up, it is Harrell's C. Exact, in (n + E) log n steps: for each number of events c in
    turn, a Fenwick tree ordered by prediction holds the patients with more than c events at a
    time; patients whose own follow-up ends with c or c + 1 events query it.

    Args:
        predicted: rate or risk score of each patient, shape (n,).
        follow_up: time at risk X of each patient, >= 0.
        event_patient: codes 0..n-1 of E events.
        event_time: of each event, on the patient's own clock, 0 to X.

    Raises:
        FitError: arrays differ in length or contain invalid values; an event lies after its
            patient's follow-up; no pair can be compared.
    """
    rows = predicted.size
    check_amounts("follow_up", follow_up, rows=rows)
    check_finite("predicted", predicted)
    if not event_time.size:
        raise FitError("there are no events, so no pair can be compared")
    check_codes("event_patient", event_patient, rows=event_time.size)
    check_amounts("event_time", event_time, rows=event_time.size)
    if int(event_patient.max()) >= rows:
        raise FitError(
            f"event_patient: codes reach {int(event_patient.max())}, but there are {rows}"
        )
    late = int(np.count_nonzero(event_time > follow_up[event_patient]))
    if late:
        raise FitError(f"event_time: {late} events lie after their patient's follow-up")
    order = np.argsort(follow_up, kind="stable")
    place = np.empty(rows, dtype=np.intp)
    place[order] = np.arange(rows)
    count = np.bincount(event_patient, minlength=rows)[order]
    at, time, starts = _list_by_ordinal(place[event_patient], event_time)
    score = _rank(predicted)[order]
    totals = _count_pairs(score, follow_up[order], count, at, time, starts, _tree(score))
    concordant, discordant, tied = (int(total) for total in totals)
    return _report(
        Concordance(
            concordant=concordant,
            discordant=discordant,
            tied_prediction=tied,
            tied_outcome=rows * (rows - 1) // 2 - concordant - discordant - tied,
            patients=rows,
            dropped=(),
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


def _list_by_ordinal(at: IntArray, time: FloatArray) -> tuple[IntArray, FloatArray, IntArray]:
    """List all patients' first events by time, then all second ones, and so on.

    Returns each event's patient, its time, and where each ordinal starts and the last one ends.
    """
    by_patient = np.lexsort((time, at))
    patient = at[by_patient]
    is_first = np.diff(patient, prepend=-1) != 0
    first = np.flatnonzero(is_first)
    ordinal = np.arange(patient.size) - first[np.cumsum(is_first) - 1]
    order = np.lexsort((time[by_patient], ordinal))
    starts = find_starts(np.bincount(ordinal))
    return patient[order], time[by_patient][order], starts


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


@_compile
def _count_pairs(  # noqa: PLR0917 - numba has no keyword-only arguments
    score: IntArray,
    follow_up: FloatArray,
    count: IntArray,
    event_at: IntArray,
    event_time: FloatArray,
    starts: IntArray,
    tree: IntArray,
) -> tuple[int, int, int]:
    """Return concordant, discordant and tied-prediction pairs of patients ordered by follow-up.

    Each patient is compared with the later ones. `tree` must be empty, and is empty again after
    each number of events: patients are removed from it when their follow-up ends.
    """
    size = score.size
    lower_later = np.empty(size, dtype=np.int64)
    alike_later = np.empty(size, dtype=np.int64)
    for place in range(size - 1, -1, -1):
        lower_later[place] = _count_up_to(tree, score[place] - 1)
        alike_later[place] = _count_up_to(tree, score[place]) - lower_later[place]
        _add(tree, score[place], 1)
    tree[:] = 0
    concordant = 0
    discordant = 0
    tied = 0
    members = np.arange(size)
    for number in range(starts.size):
        entered = starts[number]
        last = starts[number + 1] if number + 1 < starts.size else entered
        held = 0
        kept = 0
        for at in range(members.size):
            place = members[at]
            while entered < last and event_time[entered] <= follow_up[place]:
                _add(tree, score[event_at[entered]], 1)
                held += 1
                entered += 1
            if count[place] > number:
                _add(tree, score[place], -1)
                held -= 1
            if count[place] <= number + 1:
                lower = _count_up_to(tree, score[place] - 1)
                alike = _count_up_to(tree, score[place]) - lower
                higher = held - lower - alike
                if count[place] == number:
                    # Patients in the tree have more events than this patient.
                    concordant += higher
                    discordant += lower
                    tied += alike
                else:
                    # Patients not in the tree have fewer.
                    later = size - 1 - place
                    concordant += lower_later[place] - lower
                    discordant += later - lower_later[place] - alike_later[place] - higher
                    tied += alike_later[place] - alike
            if count[place] > number:
                members[kept] = place
                kept += 1
        members = members[:kept]
    return concordant, discordant, tied
