"""Text formats of CMS's published files: rounding half up, sentinels, flags and dates."""

from collections.abc import Callable

import numpy as np
import pandas as pd

Cells = np.ndarray
"""The texts of one column, one per facility (an object array)."""


def round_half_up(values: np.ndarray, decimals: int) -> np.ndarray:
    """Round non-negative numbers half up; NaN stays NaN.

    A value that floating point stores slightly below a half (0.285 x 100) counts as the half.
    """
    scale = 10.0**decimals
    return np.floor(np.round(values * scale, 6) + 0.5) / scale


def divide_half_up(numerator: np.ndarray, denominator: np.ndarray, decimals: int) -> np.ndarray:
    """Divide whole numbers exactly to `decimals`, half up; 0 where the denominator is 0."""
    scale = 10**decimals
    whole = np.maximum(denominator, 1)
    return (2 * numerator * scale + whole) // (2 * whole) / scale


def render_each(values: np.ndarray, form: Callable[[float], str]) -> Cells:
    """Format every number with `form`; NaN gives an empty cell."""
    return np.array(["" if np.isnan(value) else form(value) for value in values], dtype=object)


def render_plain(values: np.ndarray) -> Cells:
    """Format as in the DFC file, whole numbers with `.0`: 68.0, 6.5, 0.86."""
    return render_each(np.asarray(values, dtype=float), lambda value: repr(float(value)))


def render_whole(values: np.ndarray) -> Cells:
    """Format whole numbers without a decimal point."""
    return render_each(np.asarray(values, dtype=float), lambda value: str(int(value)))


def render_fixed(values: np.ndarray, decimals: int) -> Cells:
    """Format with a fixed number of decimals: 0.0255, 29.34."""
    return render_each(np.asarray(values, dtype=float), lambda value: f"{value:.{decimals}f}")


def render_yes_no(values: np.ndarray) -> Cells:
    """Format as Yes or No."""
    return np.where(values, "Yes", "No").astype(object)


def render_dates(values: np.ndarray, form: str) -> Cells:
    """Format days with a strftime format."""
    return pd.DatetimeIndex(values).strftime(form).to_numpy(dtype=object)


def render_where(shown: np.ndarray, cells: Cells, sentinel: str) -> Cells:
    """Keep the cells that are shown and replace the others by the sentinel."""
    return np.where(shown, cells, sentinel).astype(object)


def repeat(text: str, count: int) -> Cells:
    """Return the same text for every facility."""
    return np.full(count, text, dtype=object)
