"""Total Performance Score and payment reduction of every facility (`program.qip_tps`).

Manual 4.2 (which facilities get a TPS), 4.2.6 to 4.2.8 and 4.3. The TPS is summed exactly, from
measures' scores and weights as fractions, and rounded once (reading 7); `qip_domains` computes the
domain scores as they are shown.
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import compress

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.payment_years import find_payment_year
from esrd_pipeline.parameters.reasons import NOT_PRINTED, RowReasons
from esrd_pipeline.program.qip_arithmetic import TOP_SCORE, Floats, Units, divide_half_up
from esrd_pipeline.program.qip_rules import QipRules
from esrd_pipeline.program.qip_texts import no_texts
from esrd_pipeline.program.qip_weights import (
    AppliedWeights,
    Spread,
    apply_weights,
    list_facilities,
    spread_scores,
)
from esrd_pipeline.tables.program import QIP_TPS

_HIGHEST_TPS = 100
_POINTS = _HIGHEST_TPS // TOP_SCORE
"""Points of a domain score for each point of a measure's score (4.2.1)."""
_WRITTEN_DECIMALS = 4
"""A weight or score with more decimals than these is written as a fraction."""


def score_tps(
    *, rules: QipRules, performance_year: int, measure_scores: pd.DataFrame
) -> pd.DataFrame:
    """Sum scores by their exact weights, round once, halves up, and look up the reduction.

    Reads the columns ccn, measure, score and reason of `measure_scores` and ignores components.
    Facilities with a score in fewer domains than the rules require, or without one in a required
    domain, get no TPS and no reduction. One with a score that no file prints has a TPS that is not
    known, nor is its reduction. Their `working` lists the measures they are scored on.
    """
    facilities = list_facilities(measure_scores)
    spread = spread_scores(rules, measure_scores, facilities)
    weights = apply_weights(rules, spread.scored, unknown=spread.unknown)
    points = _POINTS * (weights.measures * spread.scores).sum(axis=1)
    tps = divide_half_up(points, weights.total)
    counted, reasons = _judge(rules, spread)
    is_scored, is_unknown = reasons.is_silent, reasons.code == NOT_PRINTED
    reduction = np.where(is_scored, reduce_payment(rules, tps), 0.0)
    working = no_texts(len(facilities))
    sums = _write_sums(rules, weights, spread.scores)
    for row in range(len(facilities)):
        working[row] = (
            f"{sums[row]} = {points[row] / weights.total[row]:.7f}, rounded {tps[row]}"
            if is_scored[row]
            else _explain(rules, int(counted[row]), spread, row)
        )
    frame = pd.DataFrame(
        {
            "ccn": facilities,
            "performance_year": performance_year,
            "payment_year": rules.payment_year,
            "scored_domain_count": counted,
            "unrounded_tps": np.where(is_scored, points / weights.total, np.nan),
            "tps": np.where(is_scored, tps, np.nan),
            "minimum_tps": rules.minimum_tps,
            "payment_reduction": np.where(is_unknown, np.nan, reduction),
            "working": working,
            "reason": reasons.code,
            "reason_number": reasons.number,
        }
    )
    return frame.astype({"tps": "Int64"}).reindex(columns=QIP_TPS.column_names)


def reduce_payment(rules: QipRules, tps: Units) -> Floats:
    """Return the payment reduction in percent for each TPS (4.3, Table 28)."""
    starts = [reduction.points_below_minimum for reduction in rules.reductions]
    percents = np.array([reduction.percent for reduction in rules.reductions])
    below = np.maximum(rules.minimum_tps - tps, 0)
    return percents[np.searchsorted(starts, below, side="right") - 1]


def list_bands(rules: QipRules) -> list[tuple[int, int, float]]:
    """List the reduction bands: lowest TPS, highest TPS, percent (Table 28), highest first."""
    starts = [r.points_below_minimum for r in rules.reductions]
    ends = [*(start - 1 for start in starts[1:]), rules.minimum_tps]
    return [
        (
            max(0, rules.minimum_tps - end),
            _HIGHEST_TPS if start == 0 else rules.minimum_tps - start,
            reduction.percent,
        )
        for start, end, reduction in zip(starts, ends, rules.reductions, strict=True)
    ]


def _judge(rules: QipRules, spread: Spread) -> tuple[Units, RowReasons]:
    """Count each facility's scored domains and find why it has no TPS (4.2).

    A score that is not known may be one: a facility that would have too few domains even with it
    has no TPS for certain.
    """
    scored = spread.by_domain(rules)
    possible = replace(spread, scored=spread.scored | spread.unknown).by_domain(rules)
    reasons = RowReasons(len(scored))
    least = rules.minimum_scored_domains
    reasons.add(possible.sum(axis=1) < least, "too_few_scored_domains", least)
    required = np.array([domain.is_required for domain in rules.domains])
    reasons.add(np.any(required & ~possible, axis=1), "required_domain_not_scored")
    reasons.add(np.any(spread.unknown, axis=1), NOT_PRINTED)
    return scored.sum(axis=1), reasons


def unscored(*, performance_year: int, directory: pd.DataFrame, reason: str) -> pd.DataFrame:
    """Return every facility without a TPS, for a year that cannot be scored at all."""
    ccns = np.sort(directory["ccn"].to_numpy(dtype=object))
    frame = pd.DataFrame(
        {
            "ccn": ccns,
            "performance_year": performance_year,
            "payment_year": find_payment_year(performance_year),
            "scored_domain_count": 0,
            "unrounded_tps": np.nan,
            "tps": np.nan,
            "minimum_tps": np.nan,
            "payment_reduction": np.nan,
            "working": None,
            "reason": reason,
            "reason_number": np.nan,
        }
    )
    frame = frame.astype({"tps": "Int64", "minimum_tps": "Int64"})
    return frame.reindex(columns=QIP_TPS.column_names)


def _explain(rules: QipRules, domain_count: int, spread: Spread, row: int) -> str:
    """Describe what a facility without a TPS is scored on, and what is not known."""
    names = [rule.measure for rule in rules.domain_measures]
    scored = list(compress(names, spread.scored[row]))
    unknown = list(compress(names, spread.unknown[row]))
    text = (
        f"scored in {domain_count} of {len(rules.domains)} domains"
        f" ({', '.join(scored) or 'on no measure'})"
    )
    return f"{text}; not known: {', '.join(unknown)}" if unknown else text


def _write_sums(rules: QipRules, weights: AppliedWeights, scores: Units) -> list[str]:
    """Write out each facility's sum of weight x score of its scored domains, exactly."""
    write = _make_writer()
    of_domain = [
        [rule.domain == domain.name for rule in rules.domain_measures] for domain in rules.domains
    ]
    points = np.stack(
        [_POINTS * (weights.measures[:, at] * scores[:, at]).sum(axis=1) for at in of_domain],
        axis=1,
    )
    return [
        " + ".join(
            write(share, total, earned)
            for share, earned in zip(shares, in_domain, strict=True)
            if share
        )
        for total, shares, in_domain in zip(
            weights.total.tolist(), weights.domains.tolist(), points.tolist(), strict=True
        )
    ]


def _make_writer() -> Callable[[int, int, int], str]:
    """Return a writer of weight x domain score, from share, total and points of the share.

    It writes each pair once: thousands of facilities have few different ones.
    """

    @cache
    def write(share: int, total: int, earned: int) -> str:
        return f"{_write_exact(Fraction(share, total))} x {_write_exact(Fraction(earned, share))}"

    return write


def _write_exact(number: Fraction) -> str:
    """Write a number as a decimal where few decimals are exact, else as a fraction: 0.35, 676/7."""
    scale = 10**_WRITTEN_DECIMALS
    if scale % number.denominator:
        return f"{number.numerator}/{number.denominator}"
    return f"{float(number):.{_WRITTEN_DECIMALS}f}".rstrip("0").rstrip(".")
