"""Effects of activities: by hand, beside pyfixest, and over many simulated nations."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pyfixest as pf
import pytest

from esrd_pipeline.statistics.activity_effect import (
    Effect,
    Months,
    compare_before_after,
    estimate_matched,
    estimate_placebo,
    estimate_staggered,
)
from esrd_pipeline.statistics.activity_matching import describe_baseline, match_nearest, weigh
from esrd_pipeline.statistics.event_study import study_events
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline_tests.statistics.activities import MONTHS, match, simulate, to_frame

NATIONS = 600


def _make_months(observed: list[list[float]], start: list[int], selecting: list[int]) -> Months:
    counts = np.array(observed)
    is_selecting = np.zeros(counts.shape[1], dtype=bool)
    is_selecting[selecting] = True
    return Months(
        observed=counts,
        expected=np.full(counts.shape, 10.0),
        last_before=np.array(start),
        start=np.array(start),
        is_selecting=is_selecting,
        until=counts.shape[1],
        weight=np.ones(len(counts)),
    )


# Two enrolled with a bad month of selection, the third of five; one never enrolled, in whose fourth
# and fifth months events double.
BY_HAND = _make_months(
    [[10, 10, 20, 16, 16], [12, 8, 20, 18, 14], [20, 20, 21, 40, 40]], [3, 3, 5], [2]
)


def test_the_ratio_is_observed_over_what_own_months_before_predict() -> None:
    effect = estimate_staggered(BY_HAND)
    # Before, 10 a month each; the other facility doubles: 20 would have been, in four cells 80.
    assert effect.predicted == pytest.approx(80)
    assert effect.observed == 64
    assert effect.ratio == pytest.approx(0.8)
    assert (effect.facilities, effect.clusters) == (2, 3)
    assert estimate_matched(BY_HAND).ratio == pytest.approx(0.8)


def test_plain_comparison_takes_the_months_of_selection_for_before() -> None:
    effect = compare_before_after(BY_HAND, BY_HAND.is_enrolled)
    assert effect.ratio == pytest.approx((64 / 4) / (40 / 2))
    other = compare_before_after(BY_HAND, ~BY_HAND.is_enrolled)
    assert other.ratio == pytest.approx(40 / 21)


def test_placebo_date_lies_before_selection() -> None:
    effect = estimate_placebo(BY_HAND)
    # Second month over first: 18 of the enrolled, where 22 would have been.
    assert effect.ratio == pytest.approx(18 / 22)


def test_a_month_of_enrolment_is_neither_before_nor_after() -> None:
    during = replace(BY_HAND, last_before=np.array([1, 1, 5]))
    assert during.is_before[0].tolist() == [True, False, False, False, False]
    assert estimate_staggered(during).predicted == pytest.approx(2 * (10 + 12) * 2)


def test_no_months_before_selection_leave_nothing_to_estimate() -> None:
    early = _make_months([[20, 16], [21, 40]], [1, 2], [0])
    with pytest.raises(FitError, match="no enrolled facility has months before and after"):
        estimate_staggered(early)
    with pytest.raises(FitError, match="no months before the selection"):
        estimate_placebo(early)


def test_matches_are_the_nearest_of_the_pool() -> None:
    observed = np.array([[5.0, 5.0], [5.0, 6.0], [20.0, 20.0], [5.0, 5.0], [5.0, 5.0]])
    expected = np.full((5, 2), 5.0)
    enrolled = np.array([True, False, False, False, False])
    baseline = describe_baseline(observed, expected)
    matches = match_nearest(baseline, enrolled, ~enrolled, count=3)
    # Equal ones first, the earlier row before the later; then the next.
    assert matches.tolist() == [[3, 4, 1]]
    assert weigh(matches, enrolled) == pytest.approx([1, 1 / 3, 0, 1 / 3, 1 / 3])
    with pytest.raises(FitError, match="no facility was never enrolled"):
        match_nearest(baseline, enrolled, np.zeros(5, dtype=bool))


def test_staggered_effects_that_grow_are_those_of_pyfixest() -> None:
    # Large counts, so that the logarithm of a rate is as good as a rate: what two-stage
    # differences-in-differences (Gardner) finds in logarithms is the ratio's logarithm.
    months = match(simulate(5, ratio=1.0, chosen="random"))
    since = np.arange(MONTHS) - months.start[:, None] + 1
    growing = np.where(since > 0, np.exp(-0.05 * since), 1.0)
    months = replace(months, observed=np.rint(1000 * months.expected * growing))
    months = replace(months, weight=np.ones(len(months.weight)))
    rows = to_frame(months).assign(
        log_rate=lambda frame: np.log(frame["y"]) - frame["offset"],
        id=lambda frame: frame["facility"].astype(str),
    )
    theirs = pf.did2s(
        rows,
        yname="log_rate",
        first_stage="~ 0 | facility + month",
        second_stage="~ i(active, ref=0)",
        treatment="active",
        cluster="facility",
    )
    truth = -0.05 * since[months.is_after].mean()
    assert float(theirs.coef().iloc[0]) == pytest.approx(truth, abs=1e-3)
    weighted = (months.expected * growing)[months.is_after].sum() / months.expected[
        months.is_after
    ].sum()
    assert estimate_staggered(months).ratio == pytest.approx(weighted, rel=1e-4)
    # One coefficient of two-way effects takes facilities that started early, and go on improving,
    # for what would have been.
    assert np.log(estimate_matched(months).ratio) - truth > 0.02


def test_event_study_shows_why_facilities_were_selected() -> None:
    nation = simulate(2, ratio=0.8, chosen="worst")
    months = match(nation)
    everyone = _take_all(nation.observed, nation.expected, nation.start, months)
    points = study_events(months, everyone)
    mean = {
        phase: np.mean([p.effect.ratio for p in points if p.phase == phase])
        for phase in ("before", "selection", "after")
    }
    assert mean["before"] == pytest.approx(1, abs=0.04)
    assert mean["selection"] > 1.06
    assert mean["after"] == pytest.approx(0.8, abs=0.05)
    keys = [(p.relative_month, p.phase) for p in points]
    assert keys == sorted(set(keys))
    assert {r for r, phase in keys if phase == "after"} == set(range(17))


def _take_all(
    observed: np.ndarray, expected: np.ndarray, start: np.ndarray, months: Months
) -> Months:
    return replace(
        months,
        observed=observed,
        expected=expected,
        last_before=start,
        start=start,
        weight=np.ones(len(observed)),
    )


def _repeat(chosen: Literal["random", "worst"], ratio: float) -> dict[str, list[Effect]]:
    found: dict[str, list[Effect]] = {"staggered": [], "matched": [], "plain": [], "placebo": []}
    for seed in range(NATIONS):
        months = match(simulate(seed, ratio=ratio, chosen=chosen, lasting=0.15))
        found["staggered"].append(estimate_staggered(months))
        found["matched"].append(estimate_matched(months))
        found["plain"].append(compare_before_after(months, months.is_enrolled))
        found["placebo"].append(estimate_placebo(months))
    return found


def _bias(effects: list[Effect], ratio: float) -> float:
    return float(np.mean([np.log(effect.ratio / ratio) for effect in effects]))


def _coverage(effects: list[Effect], ratio: float) -> float:
    return float(np.mean([effect.lower <= ratio <= effect.upper for effect in effects]))


@pytest.mark.slow
@pytest.mark.parametrize("chosen", ["random", "worst"])
@pytest.mark.parametrize("ratio", [0.8, 1.0])
def test_the_truth_comes_out_however_facilities_were_chosen(
    chosen: Literal["random", "worst"], ratio: float
) -> None:
    found = _repeat(chosen, ratio)
    for name in ("staggered", "matched"):
        # A tenth of the effect that is planted, 0.80, on the logarithm's scale.
        assert abs(_bias(found[name], ratio)) < 0.1 * -np.log(0.8)
        assert 0.93 <= _coverage(found[name], ratio) <= 0.97
    assert 0.93 <= _coverage(found["placebo"], 1.0) <= 0.97
    if chosen == "worst":
        # What is fooled: an effect of a sixth where there is none.
        assert _bias(found["plain"], ratio) < -0.1
        assert _coverage(found["plain"], ratio) < 0.3
