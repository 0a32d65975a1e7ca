"""What the published files of one year say together: a file that was cut off, or of other counts.

A file that ends at the end of a line looks whole. The year's other files list the same facilities,
and the nation's file counts them by category and prints the mean of what they have.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations

import pandas as pd

from esrd_pipeline.sources.errors import Fault, SourceError
from esrd_pipeline.sources.layout import load_layout
from esrd_pipeline.sources.published_fields import (
    CATEGORY_COUNTS,
    PublishedMeasure,
    load_measures,
    load_national_columns,
)
from esrd_pipeline.tables.raw import TITLES

LEAST_FACILITIES = 20
"""Fewer are a list of some facilities, or of a test."""
LEAST_SHARED = 0.75
"""Of the longer of two lists, what both have: files of CMS four years apart share 0.9."""
HIGHEST_DIFFERENCE = 0.15
"""Of a nation's facilities, those by which two files count a category otherwise: 0.01 in CMS's."""
HIGHEST_FACTOR = 3.0
"""Between the nation's value and the mean of facilities: 0.7 to 1.8 in CMS's files."""
LEAST_MEAN = 1.0
"""A rate below is printed as a whole percent, and its mean says little."""

Files = Mapping[str, pd.DataFrame | None]


def check_together(files: Files, performance_year: int) -> None:
    """Hold the year's files against each other; `files` are raw tables by source.

    Raises:
        SourceError: they do not list the same facilities, or the nation's file has other counts.
    """
    _check_facilities(files)
    facilities, nation = files.get("dfc_facility"), files.get("dfc_national")
    if facilities is None or nation is None:
        return
    faults = list(_find_faults(facilities, nation.iloc[0], performance_year))
    if faults:
        raise SourceError.of_faults(TITLES["dfc_national"], faults)


def _check_facilities(files: Files) -> None:
    lists = {
        source: set(frame["ccn"])
        for source, frame in files.items()
        if frame is not None and "ccn" in frame and len(frame) >= LEAST_FACILITIES
    }
    for pair in combinations(lists, 2):
        shorter, longer = sorted(pair, key=lambda source: len(lists[source]))
        shared = len(lists[shorter] & lists[longer])
        if shared < LEAST_SHARED * len(lists[longer]):
            raise SourceError(
                file=TITLES[shorter],
                rule=f"lists {len(lists[shorter]):,} facilities, {shared:,} of them among the"
                f" {len(lists[longer]):,} of the {TITLES[longer]}: a file was cut off, or is of"
                " another year",
            )


def _find_faults(
    facilities: pd.DataFrame, nation: pd.Series, performance_year: int
) -> Iterator[Fault]:
    layout = load_layout("dfc_national", performance_year)
    headers = {column.name: column.header for column in layout}
    percents = {column.name for column in layout if column.type == "percent"}
    columns = load_national_columns(performance_year)
    for measure in load_measures("contract", performance_year):
        if measure.source == "dfc_facility" and measure.measure in columns:
            printed = {
                field: (headers[name], float(str(nation[name])))
                for field, name in columns[measure.measure].items()
                if nation[name] is not None and not pd.isna(nation[name])
            }
            yield from _hold_counts(facilities, measure, printed)
            least = LEAST_MEAN if columns[measure.measure].get("national") in percents else 0.0
            yield from _hold_level(facilities, measure, printed, least)


def _hold_counts(
    facilities: pd.DataFrame, measure: PublishedMeasure, printed: Mapping[str, tuple[str, float]]
) -> Iterator[Fault]:
    if "category" not in measure.columns or not set(CATEGORY_COUNTS.values()) <= printed.keys():
        return
    counted = facilities[measure.columns["category"]].value_counts()
    total = sum(printed[name][1] for name in CATEGORY_COUNTS.values())
    if min(total, counted.sum()) < LEAST_FACILITIES:
        return
    for category, name in CATEGORY_COUNTS.items():
        header, number = printed[name]
        own = int(counted.get(category, 0))
        if abs(number - own) > HIGHEST_DIFFERENCE * total:
            yield Fault(
                f"counts {number:,.0f} facilities, and the {TITLES['dfc_facility']} has {own:,}",
                header,
            )


def _hold_level(
    facilities: pd.DataFrame,
    measure: PublishedMeasure,
    printed: Mapping[str, tuple[str, float]],
    least: float,
) -> Iterator[Fault]:
    name = measure.columns.get("rate" if measure.divide_by_national else "value")
    if name is None or "national" not in printed:
        return
    values = facilities[name].dropna()
    header, level = printed["national"]
    mean = float(values.mean()) if len(values) >= LEAST_FACILITIES else 0.0
    if mean <= least:
        return
    if not mean / HIGHEST_FACTOR <= level <= mean * HIGHEST_FACTOR:
        yield Fault(
            f"is {level:.4g}, and the mean of the {TITLES['dfc_facility']} is {mean:.4g}: one of"
            " the two is in another unit",
            header,
        )
