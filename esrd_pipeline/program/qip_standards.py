"""Standards of the QIP's clinical measures: threshold, performance standard, benchmark.

They come from the operator's file, else from CMS's own table where the rule set uses it, else from
the facilities of a baseline year.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esrd_pipeline.program.qip_arithmetic import (
    Floats,
    Units,
    from_units,
    percentile,
    percentile_unrounded,
    to_units,
)
from esrd_pipeline.program.qip_rules import Direction, MeasureRule, PublishedStandard, QipRules
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.tables.program import QIP_STANDARD
from esrd_pipeline.tables.raw import TITLES


@dataclass(frozen=True, slots=True)
class _Standard:
    """Standards in units of the last decimal, or the reason there are none."""

    threshold: int | None = None
    median: int | None = None
    benchmark: int | None = None
    count: int | None = None
    source: str | None = None
    reason: str | None = None
    reason_number: float | None = None


def compute_standards(
    *,
    rules: QipRules,
    performance_year: int,
    baseline: pd.DataFrame | None,
    baseline_year: int,
    current: pd.DataFrame,
    supplied: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Find the standards of each clinical measure and survey component (`program.qip_standard`).

    Percentiles are of performance (reading 2): for a lower-is-better measure the benchmark is the
    10th percentile of rates. The small facility benchmark comes from the unadjusted rates of the
    performance period (4.1.1), `current`: a measure whose rates are adjusted already has none, and
    needs none. Both frames are `facility.contract` of the QIP; only reportable rates count. Rates
    are rounded to the published precision first, but for the small facility benchmark, which is
    not rounded at all (reading 171). `supplied` holds rows of `raw.qip_standard`, which take
    precedence over every other standard.

    Raises:
        SourceError: `supplied` names a measure the payment year does not score against standards,
            or a published standard contradicts its measure's direction.
    """
    published = _find_published(rules, supplied)
    named = frozenset[str]() if supplied is None else frozenset(supplied["measure"])
    records: list[dict[str, object]] = []
    for rule in rules.clinical_measures:
        given = published.get(rule.measure)
        standard = (
            _read(rule, given, is_supplied=rule.measure in named)
            if given is not None
            else _compute(rules, rule, _rates(baseline, rule), baseline_year)
        )
        records.append(
            {
                "measure": rule.measure,
                "direction": rule.direction,
                "precision": rule.precision,
                "achievement_threshold": _as_rate(standard.threshold, rule),
                "performance_standard": _as_rate(standard.median, rule),
                "benchmark": _as_rate(standard.benchmark, rule),
                "facility_count": standard.count,
                "standard_source": standard.source,
                "small_facility_benchmark": _small_facility_benchmark(rules, rule, current),
                "reason": standard.reason,
                "reason_number": standard.reason_number,
            }
        )
    frame = pd.DataFrame(records, columns=QIP_STANDARD.column_names).assign(
        performance_year=performance_year, payment_year=rules.payment_year
    )
    frame["reason_number"] = frame["reason_number"].astype(np.float64)
    frame["facility_count"] = frame["facility_count"].astype("Int64")
    frame = frame.sort_values("measure", ignore_index=True)
    return frame.reindex(columns=QIP_STANDARD.column_names)


def _find_published(rules: QipRules, supplied: pd.DataFrame | None) -> dict[str, PublishedStandard]:
    """Return each measure's published standard: the operator's, else that of the rule set."""
    found = {
        standard.measure: standard
        for standard in rules.published_standards
        if rules.standards_are_published
    }
    if supplied is None:
        return found
    scored = sorted(rule.measure for rule in rules.clinical_measures)
    for row in supplied.to_dict("records"):
        if row["measure"] not in scored:
            raise SourceError(
                file=TITLES["qip_standard"],
                column="Measure",
                rule=f"{row['measure']}: payment year {rules.payment_year} does not score this"
                f" measure against standards, only {', '.join(scored)}",
            )
        found[row["measure"]] = PublishedStandard(
            measure=row["measure"],
            achievement_threshold=str(row["achievement_threshold"]),
            performance_standard=str(row["performance_standard"]),
            benchmark=str(row["benchmark"]),
            citation=row["citation"],
        )
    return found


def _rates(frame: pd.DataFrame | None, rule: MeasureRule) -> Units | None:
    """Return the measure's reportable rates in order, in units; None without data of the year."""
    if frame is None:
        return None
    return to_units(_unrounded_rates(frame, rule), precision=rule.precision)


def _unrounded_rates(frame: pd.DataFrame, rule: MeasureRule) -> Floats:
    """Return the measure's reportable rates in order."""
    counted = (frame["measure"] == rule.measure) & frame["reportable"].fillna(value=False)
    values = frame.loc[counted.astype(bool), "value"].dropna().to_numpy(dtype=np.float64)
    return np.sort(values)


def _at(rates: Units, percent: int, direction: Direction) -> int:
    """Return a percentile of performance."""
    return percentile(rates, percent=_count_from_worst(percent, direction))


def _count_from_worst(percent: int, direction: Direction) -> int:
    """Return the percent of rates at a percentile of performance, where lower may be better."""
    return percent if direction == "higher" else 100 - percent


def _compute(
    rules: QipRules, rule: MeasureRule, rates: Units | None, baseline_year: int
) -> _Standard:
    needed = rules.percentiles.minimum_facilities
    if rates is None:
        return _Standard(reason="no_baseline_facilities", reason_number=baseline_year)
    if len(rates) < needed:
        return _Standard(
            count=len(rates), reason="too_few_facilities_for_percentiles", reason_number=needed
        )
    return _Standard(
        threshold=_at(rates, rules.percentiles.achievement_threshold, rule.direction),
        median=_at(rates, rules.percentiles.performance_standard, rule.direction),
        benchmark=_at(rates, rules.percentiles.benchmark, rule.direction),
        count=len(rates),
        source=f"computed from {baseline_year}",
    )


def _read(rule: MeasureRule, given: PublishedStandard, *, is_supplied: bool) -> _Standard:
    texts = (given.achievement_threshold, given.performance_standard, given.benchmark)
    rates = np.array([float(text) for text in texts])
    threshold, median, benchmark = (
        int(units) for units in to_units(rates, precision=rule.precision)
    )
    low, high = (threshold, benchmark) if rule.direction == "higher" else (benchmark, threshold)
    if not low <= median <= high:
        step = "rise" if rule.direction == "higher" else "fall"
        raise SourceError(
            file=TITLES["qip_standard"] if is_supplied else "qip_standard.csv",
            rule=f"standard of {rule.measure} ({given.citation}): {rule.direction} is better, so"
            " achievement threshold, performance standard and benchmark must"
            f" {step} in this order, not {', '.join(texts)}",
        )
    return _Standard(
        threshold=threshold,
        median=median,
        benchmark=benchmark,
        source=f"published: {given.citation}",
    )


def _small_facility_benchmark(rules: QipRules, rule: MeasureRule, current: pd.DataFrame) -> float:
    """Return B of 4.1.1, unrounded; NaN for a measure without raw rates or an adjustment."""
    # An empty cell says nothing of an adjustment, like a computed rate.
    is_raw = current["is_adjusted"].astype("boolean").fillna(value=False).eq(other=False)
    rates = _unrounded_rates(current[is_raw], rule)
    if rule.small_facility is None or len(rates) < rules.percentiles.minimum_facilities:
        return float("nan")
    percent = _count_from_worst(rules.percentiles.benchmark, rule.direction)
    return percentile_unrounded(rates, percent=percent)


def _as_rate(units: int | None, rule: MeasureRule) -> float:
    if units is None:
        return float("nan")
    return float(from_units(np.array([units]), precision=rule.precision)[0])
