"""Score clinical measures by achievement and improvement, and topics and surveys made of them.

Manual 4.1.1 to 4.1.4.
"""

from dataclasses import replace

import numpy as np

from esrd_pipeline.measures.flag import add_size_reason, is_below_minimum_units
from esrd_pipeline.parameters.reasons import RowReasons
from esrd_pipeline.program.qip_arithmetic import (
    COUNT_SCALE,
    Bools,
    Floats,
    Units,
    adjust_small_facility,
    divide_half_up,
    from_units,
    score_achievement,
    score_improvement,
    to_units,
)
from esrd_pipeline.program.qip_inputs import Inputs, Rows, Scored, Standard, blank_score
from esrd_pipeline.program.qip_period import exclude
from esrd_pipeline.program.qip_rules import MeasureRule
from esrd_pipeline.program.qip_texts import Texts, text_where

_COUNT_DECIMALS = 6


def score_against_standards(rule: MeasureRule, inputs: Inputs) -> Scored:
    """Score a clinical measure or component by achievement and improvement (4.1.2).

    The larger of the two scores counts; a tie counts as achievement. Rates are compared as
    integers in units of the published precision (reading 1).
    """
    rows = inputs.current.rows(rule.measure)
    standard = inputs.standards.get(rule.measure) or Standard(
        np.nan, np.nan, np.nan, "no_performance_standard", np.nan
    )
    reasons, is_zero = judge(rule, inputs, rows)
    reasons.add(~is_zero & np.isnan(rows.value), "no_rate")
    if np.isnan(standard.benchmark):
        reasons.add(~is_zero, standard.reason or "no_performance_standard", standard.reason_number)
    is_scored = reasons.is_silent & ~is_zero
    rate = to_units(rows.value, precision=rule.precision)
    adjusted, is_adjusted = _adjust(rule, rate, rows=rows, standard=standard, among=is_scored)
    earlier, sources = _earlier_rates(rule, inputs)
    threshold, benchmark = to_units(
        np.array([standard.achievement_threshold, standard.benchmark]), precision=rule.precision
    )
    turn = 1 if rule.direction == "higher" else -1
    achievement = score_achievement(
        turn * adjusted, threshold=turn * int(threshold), benchmark=turn * int(benchmark)
    )
    improvement, exists = score_improvement(
        turn * adjusted,
        earlier=turn * to_units(earlier, precision=rule.precision),
        benchmark=turn * int(benchmark),
    )
    exists &= is_scored & ~np.isnan(earlier)
    has_improved = exists & (improvement > achievement)
    applied = np.where(has_improved, "improvement", "achievement").astype(object)
    applied[is_zero] = "reporting"
    applied[~is_scored & ~is_zero] = None
    score = where_known(is_scored, np.where(has_improved, improvement, achievement))
    score[is_zero] = 0
    count = inputs.facilities.count
    return replace(
        blank_score(count),
        unit_count=rows.unit_count,
        rate=where_known(~np.isnan(rows.value), from_units(rate, precision=rule.precision)),
        adjusted_rate=where_known(is_adjusted, from_units(adjusted, precision=rule.precision)),
        improvement_rate=earlier,
        improvement_source=sources,
        achievement_threshold=np.full(count, standard.achievement_threshold),
        benchmark=np.full(count, standard.benchmark),
        small_facility_benchmark=where_known(
            is_adjusted, np.full(count, standard.small_facility_benchmark)
        ),
        achievement_score=where_known(is_scored, achievement),
        improvement_score=where_known(exists, improvement),
        applied=applied,
        unrounded_score=score,
        score=score,
        reason=reasons.code,
        reason_number=reasons.number,
    )


def score_components(
    rule: MeasureRule, inputs: Inputs, parts: dict[str, Scored], whole: dict[str, int]
) -> tuple[Scored, dict[str, Floats]]:
    """Score a topic or survey from its components, and return each component's share in it.

    The Kt/V topic weights components by the patients of the performance period (4.1.4; step m is
    read as d x (h / i)), the survey equally (4.1.3), a topic with weights in its rows by those:
    `whole` has them as whole numbers. The result is rounded once, halves up.
    """
    rows = inputs.current.rows(rule.measure)
    names = sorted(parts)
    scores = np.stack([parts[name].score for name in names])
    there = ~np.isnan(scores)
    counts = weigh_components(
        rule, scores, np.stack([parts[name].unit_count for name in names]), whole
    )
    if rule.scoring == "components_by_unit_count":
        unit_count = np.nansum(np.where(there, counts, np.nan), axis=0)
    else:
        unit_count = rows.unit_count
    reasons, is_zero = judge(rule, inputs, rows, needs_row=False)
    hidden = (there & np.isnan(counts)).any(axis=0)
    reasons.add(~is_zero & hidden, "component_sizes_unknown")
    for name in names:
        part = parts[name]
        reasons.add(~is_zero & ~there.any(axis=0), part.reason, part.reason_number)
    is_scored = reasons.is_silent & ~is_zero
    weights = np.where(there, to_units_of_count(counts), 0)
    total = weights.sum(axis=0)
    weighted = (weights * np.nan_to_num(scores).astype(np.int64)).sum(axis=0)
    score = where_known(is_scored, divide_half_up(weighted, total))
    unrounded = where_known(is_scored, weighted / np.maximum(total, 1))
    applied = text_where(is_scored, "components")
    score[is_zero], unrounded[is_zero], applied[is_zero] = 0, 0, "reporting"
    shares = {
        name: where_known(is_scored & there[at], weights[at] / np.maximum(total, 1))
        for at, name in enumerate(names)
    }
    scored = replace(
        blank_score(inputs.facilities.count),
        unit_count=where_known(unit_count > 0, unit_count),
        applied=applied,
        unrounded_score=unrounded,
        score=score,
        reason=reasons.code,
        reason_number=reasons.number,
    )
    return scored, shares


def weigh_components(
    rule: MeasureRule, scores: Floats, unit_counts: Floats, whole: dict[str, int]
) -> Floats:
    """Return the weight of each component of a topic or survey; NaN where its size is not known.

    `scores` and `unit_counts` have one row a component, in the order of their names, and one
    column a facility.
    """
    if rule.scoring != "components_by_unit_count":
        return np.ones_like(scores) * np.array([[whole[name]] for name in sorted(whole)])
    there = ~np.isnan(scores)
    # A single scored component has all the weight, even where the file suppresses its size.
    return np.where(there & (there.sum(axis=0) == 1) & np.isnan(unit_counts), 1.0, unit_counts)


def judge(
    rule: MeasureRule, inputs: Inputs, rows: Rows, *, needs_row: bool = True
) -> tuple[RowReasons, Bools]:
    """Find why facilities are not scored, and which score 0 for incomplete reporting.

    Facility exclusions come first. A facility that did not report in full scores 0 (2.17.9,
    2.18.9) if it is large enough, or whatever its size where the rule applies before size. Then
    come the file's own reason for a row that is not reportable, and the minimum size.
    """
    reasons = exclude(rule, inputs.facilities)
    is_small = is_below_minimum_units(rule.entry, rows.unit_count)
    is_zero = np.zeros(inputs.facilities.count, dtype=bool)
    if rule.compliance is not None:
        report = inputs.current.rows(rule.compliance.measure)
        is_large_enough = ~is_small & (rows.reportable | ~np.isnan(rows.unit_count))
        is_zero = (
            reasons.is_silent
            & (report.numerator < report.denominator)
            & (is_large_enough | rule.compliance.before_size)
        )
    if needs_row:
        reasons.add(~is_zero & ~rows.present, "not_in_file")
    unreportable = ~is_zero & rows.present & ~rows.reportable
    reasons.add(unreportable, rows.reason, rows.reason_number)
    if needs_row:
        reasons.add(unreportable, "not_reported_by_cms")
    add_size_reason(reasons, rule.entry, is_small & ~is_zero)
    return reasons, is_zero


def where_known(known: Bools, values: Floats | Units) -> Floats:
    """Return the values as floats, NaN where they are not known."""
    return np.where(known, values, np.nan).astype(np.float64)


def to_units_of_count(counts: Floats) -> Units:
    """Return counts of patients or patient-years in millionths."""
    return to_units(counts, precision=_COUNT_DECIMALS)


def _adjust(
    rule: MeasureRule, rate: Units, *, rows: Rows, standard: Standard, among: Bools
) -> tuple[Units, Bools]:
    """Apply the small facility adjustment; return the rates and which were adjusted (4.1.1).

    Only a rate worse than the performance period's benchmark is adjusted, for L <= n <= C, and
    only once: a rate that CMS printed has been adjusted already (reading 4). The facility's rate
    and the benchmark enter unrounded (reading 171); `rate` is rounded, for all others.
    """
    small, benchmark = rule.small_facility, standard.small_facility_benchmark
    if small is None or np.isnan(benchmark):
        return rate, np.zeros_like(among)
    counts = to_units_of_count(rows.unit_count)
    is_worse = rows.value < benchmark if rule.direction == "higher" else rows.value > benchmark
    applies = (
        among
        & ~rows.is_adjusted
        & ~np.isnan(rows.unit_count)
        & (counts >= small.lower * COUNT_SCALE)
        & (counts <= small.upper * COUNT_SCALE)
        & is_worse
    )
    adjusted = adjust_small_facility(
        rows.value,
        unit_count=counts,
        upper=small.upper,
        benchmark=benchmark,
        precision=rule.precision,
    )
    return np.where(applies, adjusted, rate), applies


def _earlier_rates(rule: MeasureRule, inputs: Inputs) -> tuple[Floats, Texts]:
    """Return each facility's rate of the year before at published precision, and its source.

    This year's file takes precedence, even where it reports no rate: the rate it prints of the
    year before is raw, as the improvement threshold must be (reading 170). The source says where
    only an adjusted rate is at hand, which is the one that last year's file printed.
    """
    published = inputs.improvement.rates(rule.measure)
    stored = inputs.earlier.rates(rule.measure)
    value = np.where(
        published.present,
        np.where(published.reportable, published.value, np.nan),
        np.where(stored.reportable, stored.value, np.nan),
    )
    year = inputs.facilities.performance_year
    stored_text = f"performance year {year - 1}"
    source = np.select(
        [published.present, stored.is_adjusted],
        [f"published in the {year} file", f"{stored_text}, adjusted as printed"],
        default=stored_text,
    ).astype(object)
    source[np.isnan(value)] = None
    rounded = from_units(to_units(value, precision=rule.precision), precision=rule.precision)
    return where_known(~np.isnan(value), rounded), source
