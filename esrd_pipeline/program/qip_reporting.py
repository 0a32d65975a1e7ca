"""Score reporting measures from counts of what was reported, or take CMS's published score.

Manual 2.8.13, 2.19.9, 2.20.10, 2.22.10, 2.23.10, 2.24.10; steps: parameters/qip_step.csv.
"""

from dataclasses import replace

import numpy as np

from esrd_pipeline.parameters.reasons import NOT_PRINTED, PUBLISHED_CODES, RowReasons
from esrd_pipeline.program.qip_arithmetic import (
    TOP_SCORE,
    Floats,
    divide_half_up,
)
from esrd_pipeline.program.qip_clinical import judge, to_units_of_count, where_known
from esrd_pipeline.program.qip_inputs import Inputs, Scored, blank_score
from esrd_pipeline.program.qip_missing import StatedByFootnote
from esrd_pipeline.program.qip_rules import MeasureRule
from esrd_pipeline.program.qip_steps import take_steps
from esrd_pipeline.program.qip_texts import text_where

_NOTHING_PRINTED = "printed_no_value"
"""The reason of a published result of a measure that the year's files do not have."""


def score_reporting(rule: MeasureRule, inputs: Inputs) -> Scored:
    """Score `numerator / denominator x multiplier - subtrahend`, bounded to 0..10, halves up.

    A measure with steps has the score of the highest step that its numerator reaches. `rate` is
    the unrounded quotient, so that a score by formula can be recomputed from the row.
    """
    formula, rows = rule.reporting, inputs.current.rows(rule.measure)
    unit_count, denominator = rows.unit_count, rows.denominator
    if formula.months_from_calendar:
        # A computed row has counted its months by the numbers' histories; CMS's file prints none.
        months = inputs.facilities.eligible_months().astype(np.float64)
        unit_count = denominator = np.where(np.isnan(rows.unit_count), months, rows.unit_count)
    reasons, is_zero = judge(rule, inputs, rows)
    reasons.add(~is_zero & np.isnan(rows.numerator), "reported_count_unknown")
    reasons.add(~is_zero & ~(denominator > 0), "nothing_to_report")
    is_scored = reasons.is_silent & ~is_zero
    rate = rows.numerator / np.where(denominator > 0, denominator, np.nan)
    if formula.steps:
        whole = take_steps(formula.steps, rows.numerator)
        unrounded = whole.astype(np.float64)
    else:
        reported, eligible = to_units_of_count(rows.numerator), to_units_of_count(denominator)
        points = formula.multiplier * reported - formula.subtrahend * eligible
        whole = divide_half_up(points, eligible)
        unrounded = np.minimum(formula.multiplier * rate - formula.subtrahend, TOP_SCORE)
    score = where_known(is_scored, np.clip(whole, 0, TOP_SCORE))
    score[is_zero] = 0
    return replace(
        blank_score(inputs.facilities.count),
        unit_count=unit_count,
        rate=rate,
        applied=text_where(~np.isnan(score), "reporting"),
        unrounded_score=where_known(is_scored, unrounded),
        score=score,
        reason=reasons.code,
        reason_number=reasons.number,
    )


def score_if_printed(
    rule: MeasureRule, inputs: Inputs, stated_by: tuple[StatedByFootnote, ...]
) -> Scored:
    """Take the score CMS published, and tell a facility without one from one whose is not known.

    There is none where the file says so, or a footnote of another measure. Where no file says
    anything the score may exist: the row is not scored and says that.
    """
    results = inputs.results.results(rule.measure)
    known = ~np.isnan(results.score)
    reasons = RowReasons(len(known))
    reasons.add(
        ~known & (results.reason != _NOTHING_PRINTED), results.reason, results.reason_number
    )
    for footnote in stated_by:
        other = inputs.results.results(footnote.stated_by)
        code = f"{PUBLISHED_CODES['qip_footnote']}{footnote.footnote}"
        codes = [str(text or "").split() for text in other.reason]
        reasons.add(
            ~known & np.array([code in found for found in codes], dtype=bool),
            other.reason,
            other.reason_number,
        )
    reasons.add(~known, NOT_PRINTED)
    return _take_published(results.score, reasons)


def score_as_published(rule: MeasureRule, inputs: Inputs) -> Scored:
    """Take the score CMS published, where the file has no counts to compute it from."""
    results = inputs.results.results(rule.measure)
    known = ~np.isnan(results.score)
    reasons = RowReasons(len(known))
    reasons.add(~known, results.reason, results.reason_number)
    reasons.add(~known, "no_score_published")
    return _take_published(results.score, reasons)


def score_published_or_reported(rule: MeasureRule, inputs: Inputs) -> Scored:
    """Score by the formula where the nation's rows are computed, else take CMS's published score.

    A measure's rows are all computed or all of the file, whose score stands in for its counts. So
    a facility without a computed row has no score, whatever CMS printed of it.
    """
    is_computed = rule.measure in inputs.computed
    return (score_reporting if is_computed else score_as_published)(rule, inputs)


def _take_published(score: Floats, reasons: RowReasons) -> Scored:
    """Return the scores as CMS published them, with the reasons of those that are missing."""
    return replace(
        blank_score(len(score)),
        applied=text_where(~np.isnan(score), "published"),
        unrounded_score=score,
        score=score,
        reason=reasons.code,
        reason_number=reasons.number,
    )
