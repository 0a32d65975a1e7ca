"""Charts of proportions by month, with limits that allow for over-dispersion.

Laney (2002, Quality Engineering 14:531), the p' chart: the limits of a p chart are widened by how
much more proportions move from one month to the next than chance alone lets them. The spread is
taken from moving ranges, which a lasting change of level enters once. It is at least that of
chance: Laney's also narrows limits, which shares of few units make too narrow.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline.statistics.rows import check_amounts, divide

RANGE_OF_NORMAL = 1.128
"""Mean range of two standard normal values, 2 / sqrt(pi), to the digits of the literature."""
SIGMAS = 3.0
ROUNDING = 1e-9
"""A share that is beyond its limit by less is on it."""


@dataclass(frozen=True, slots=True)
class ProportionChart:
    """Charts of F facilities over T months; NaN in months without units.

    Attributes:
        share: events over units, shape (F, T).
        centre: all events over all units, shape (F,); NaN without units.
        sigma_z: spread from month to month over that of chance alone, at least 1, shape (F,).
        lower: lower limit, not below 0, shape (F, T).
        upper: upper limit, not above 1, shape (F, T).
        signal: whether the share is beyond a limit, shape (F, T).
    """

    share: FloatArray
    centre: FloatArray
    sigma_z: FloatArray
    lower: FloatArray
    upper: FloatArray
    signal: NDArray[np.bool_]


def chart_proportions(events: FloatArray, units: FloatArray) -> ProportionChart:
    """Return the charts of facilities; `events` out of `units` of each month, shape (F, T).

    Raises:
        FitError: shapes differ, a number is negative or not finite, or events are above units.
    """
    if events.ndim != 2 or events.shape != units.shape:  # noqa: PLR2004 - facilities, months
        raise FitError(f"events {events.shape} and units {units.shape} differ in shape")
    for name, values in (("events", events), ("units", units)):
        check_amounts(name, values.ravel(), rows=events.size)
    above = int(np.count_nonzero(events > units))
    if above:
        raise FitError(f"events: {above} values are above their units")
    share = divide(events, units)
    centre = divide(events.sum(axis=1), units.sum(axis=1))
    middle = centre[:, np.newaxis]
    chance = np.sqrt(divide(np.broadcast_to(middle * (1 - middle), units.shape), units))
    sigma_z = _find_sigma(divide(share - middle, chance))
    reach = SIGMAS * chance * sigma_z[:, np.newaxis]
    signal = np.abs(share - middle) > reach + ROUNDING
    return ProportionChart(
        share=share,
        centre=centre,
        sigma_z=sigma_z,
        lower=np.clip(middle - reach, 0.0, 1.0),
        upper=np.clip(middle + reach, 0.0, 1.0),
        signal=signal,
    )


def _find_sigma(z: FloatArray) -> FloatArray:
    """Return the mean moving range of z over that of chance, at least 1; months without z pass."""
    facilities = len(z)
    total, pairs, last = np.zeros(facilities), np.zeros(facilities), np.full(facilities, np.nan)
    for now in z.T:
        has_both = ~np.isnan(now) & ~np.isnan(last)
        total[has_both] += np.abs(now - last)[has_both]
        pairs += has_both
        last = np.where(np.isnan(now), last, now)
    return np.fmax(divide(total, pairs) / RANGE_OF_NORMAL, 1.0)
