"""Reasons in CMS's published files: codes, footnotes and texts in place of a value."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast

import numpy as np
import pandas as pd

from esrd_pipeline.parameters.reasons import (
    PUBLISHED_CODES,
    RowReasons,
    find_footnote,
    takes_number,
)
from esrd_pipeline.parameters.register import Program, find_measure
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.sources.layout import load_meanings
from esrd_pipeline.sources.published_fields import PublishedMeasure
from esrd_pipeline.sources.qip_footnotes import find_meaning

AVAILABLE = "001"
PRINTED_LABELS = {
    "-": "printed_dash",
    "N/A": "printed_not_applicable",
    "No Rate": "printed_no_rate",
    "No Score": "printed_no_score",
    "Not Available": "printed_not_available",
}
"""Texts published in place of a value, and the reason for each."""


def as_list(codes: object) -> list[str] | None:
    """Return a code or several footnotes as a list; None where the file has none."""
    if isinstance(codes, str):
        return [codes]
    # A stored list comes back as an array; asking whether it is any Iterable takes far longer.
    if isinstance(codes, (list, np.ndarray)):
        return list(map(str, codes))
    return None


def add_reasons(
    reasons: RowReasons,
    frame: pd.DataFrame,
    wanted: np.ndarray,
    fields: Sequence[str],
    *,
    measure: PublishedMeasure,
    performance_year: int,
) -> None:
    """Add why the rows `wanted` have no value: the published codes, else the published text.

    The number of a footnote is the measure's minimum size where the footnote stands for it, else
    what CMS's list of footnotes prints.
    """
    columns = [measure.columns[field] for field in fields if field in measure.columns]
    rows = np.flatnonzero(wanted & reasons.is_silent)
    found = RowReasons(len(frame))
    size = _find_size_footnote(measure, performance_year)
    if "codes" in measure.columns:
        codes = frame[measure.columns["codes"]].to_numpy(dtype=object)
        for row in rows:
            code = codes[row]
            reason = name_codes(
                code if isinstance(code, str) else tuple(as_list(code) or ()), performance_year
            )
            found.code[row] = reason
            if reason is not None and takes_number(reason):
                found.number[row] = _find_number(reason, *size)
    labels = frame["missing"].to_numpy(dtype=object)
    for row in rows[[found.code[row] is None for row in rows]]:
        found.code[row], found.number[row] = _name_label(labels[row], columns)
    reasons.add(wanted, found.code, found.number)


def _find_size_footnote(
    measure: PublishedMeasure, performance_year: int
) -> tuple[str | None, float]:
    """Return the footnote for the measure's minimum size, as a reason, and that size.

    Without a size of its own, or a row in the register, None and NaN.
    """
    code = find_footnote(measure.source, measure.measure, "below_minimum_units")
    if measure.unit is None or code is None:
        return None, np.nan
    program = cast("Program", measure.program)
    smallest = find_measure(measure.measure, program, performance_year).minimum_units
    if smallest is None:
        return None, np.nan
    return f"{PUBLISHED_CODES['qip_footnote']}{code}", smallest


@cache
def _find_number(reason: str, size_footnote: str | None, smallest: float) -> float:
    """Return the number of the first footnote that has one."""
    printed = {
        f"{PUBLISHED_CODES['qip_footnote']}{row['code']}": row["number"]
        for row in load_rows("qip_footnote")
    }
    (first, *_) = (code for code in reason.split() if takes_number(code))
    return smallest if first == size_footnote else float(printed[first])


@cache
def name_codes(codes: str | tuple[str, ...], performance_year: int) -> str | None:
    """Return the reason codes of an availability code or footnotes; None where there are data.

    A footnote whose meaning has changed is named by what it meant in the year's file.
    """
    each = (codes,) if isinstance(codes, str) else codes
    known = load_meanings("availability_code")
    named = [
        f"{PUBLISHED_CODES['availability_code']}{code}"
        if code in known
        else f"{PUBLISHED_CODES['qip_footnote']}{find_meaning(code, performance_year)['code']}"
        for code in each
        if code != AVAILABLE
    ]
    return " ".join(named) or None


def _name_label(missing: Mapping[str, str], columns: Sequence[str]) -> tuple[str, float]:
    """Return the reason of a cell without a value, from its text, and the number of a "<11"."""
    labels = dict(missing)
    label = next((labels[column] for column in columns if column in labels), "")
    if label.startswith("<") and label[1:].isdigit():
        return "printed_below_number", float(label[1:])
    return PRINTED_LABELS.get(label, "printed_no_value"), np.nan
