"""Renders the standards of measures that the Complete QIP file of their baseline year lacks.

The pipeline computes a measure's standards from the file of two years before. For a measure that is
not in that file, the operator supplies CMS's standards; these are the synthetic nation's.
"""

import numpy as np

from esrd_pipeline.parameters.register import FIRST_PATIENT_YEAR
from esrd_pipeline.sources.layout import load_layout
from esrd_pipeline.synthetic.care import YearOfCare
from esrd_pipeline.synthetic.figures import load_figures, load_levels
from esrd_pipeline.synthetic.qip import PROPORTIONS, RATE_DECIMALS, count_proportion, is_scored
from esrd_pipeline.synthetic.rendering import (
    Cells,
    divide_half_up,
    render_fixed,
    repeat,
    round_half_up,
)

STANDARDS = ("achievement_threshold", "performance_standard", "benchmark")


def list_new_measures(year: int, baseline_year: int) -> list[str]:
    """Return the proportions with a rate in the year's file but not in its baseline year's.

    Of the QIP's files before the first year no measure's column is known: the first year's stand
    for them.
    """
    published, before = (
        {column.name for column in load_layout("qip_complete", either)}
        for either in (year, max(baseline_year, FIRST_PATIENT_YEAR))
    )
    new = published - before
    return [measure for measure in PROPORTIONS if f"{measure}_achievement_rate" in new]


def render_standards(
    measures: list[str], *, care: YearOfCare, is_counted: np.ndarray, baseline_year: int
) -> dict[str, Cells]:
    """Render percentiles of performance in the baseline year: our column name to cells.

    `is_counted` marks the facilities in the baseline year's file. A measure is omitted if too few
    of them have enough units; without any measure there are no columns.
    """
    rows = {
        measure: rates
        for measure in measures
        if len(rates := _rates(measure, care, is_counted)) >= load_figures()["standard_facilities"]
    }
    if not rows:
        return {}
    citation = f"percentiles of the synthetic nation in {baseline_year}, not of any real facility"
    return {
        "measure": np.array(list(rows), dtype=object),
        "citation": repeat(citation, len(rows)),
    } | {
        standard: render_fixed(
            np.array([_percentile(measure, rates, standard) for measure, rates in rows.items()]),
            RATE_DECIMALS,
        )
        for standard in STANDARDS
    }


def _rates(measure: str, care: YearOfCare, is_counted: np.ndarray) -> np.ndarray:
    """Return the rates as they would be published."""
    counts = count_proportion(measure, care)
    rates = divide_half_up(counts.numerator, counts.denominator, RATE_DECIMALS)
    return rates[is_counted & is_scored(measure, care)]


def _percentile(measure: str, rates: np.ndarray, standard: str) -> float:
    """Return a percentile of performance, counted from the top if lower is better."""
    percent = load_figures()[f"{standard}_percentile"]
    if load_levels()[measure].direction == "lower":
        percent = 100 - percent
    rate = np.percentile(rates, percent, method="averaged_inverted_cdf")
    return float(round_half_up(rate, RATE_DECIMALS))
