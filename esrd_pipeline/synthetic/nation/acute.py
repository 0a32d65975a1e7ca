"""Dialysis for acute kidney injury before ESRD: its days, how it ended, its months of a year."""

from dataclasses import dataclass

import numpy as np

from esrd_pipeline.synthetic.nation.facilities import Market
from esrd_pipeline.synthetic.nation.figures import NEVER, load_figures
from esrd_pipeline.synthetic.nation.people import People

ENDINGS = ("Acute", "Recover Function", "ESRD")
"""Discharge reasons, and ESRD where the treatment goes on as chronic dialysis."""
_CEASED, _RECOVERED, _FOLLOWED = range(len(ENDINGS))
_FEWEST_DAYS = 30
_MOST_DAYS = 200


@dataclass(frozen=True, slots=True)
class Acute:
    """Each patient's treatment for acute kidney injury at the facility where ESRD begins later.

    Attributes:
        begin: the day of admission; `NEVER` without one.
        end: the last day; `NEVER` without one. Where ESRD follows, the day before it.
        ending: index in ENDINGS.
    """

    begin: np.ndarray
    end: np.ndarray
    ending: np.ndarray


@dataclass(frozen=True, slots=True)
class AcuteMonths:
    """Months of a year with such treatment; first and last days are inclusive."""

    patient: np.ndarray
    month: np.ndarray
    begin: np.ndarray
    end: np.ndarray


def place_acute(market: Market, people: People, luck: np.ndarray, days: np.ndarray) -> Acute:
    """Place the treatments in time before ESRD.

    Args:
        market: the patients' market. Only facilities with in-center hemodialysis treat them.
        people: the market's people.
        luck: (patients,) uniform; the lowest are treated, and the lowest of those go on to ESRD.
        days: (patients,) days from admission to ESRD; half of them are treated, unless ESRD
            follows. Who recovers has more time until ESRD.
    """
    figures = load_figures()
    rank = luck / figures["acute_before"]
    followed, recovered = figures["acute_followed"], figures["acute_recovered"]
    is_followed = (rank < followed) & ~people.is_preemptive
    is_recovered = (rank >= followed) & (rank < followed + recovered)
    # Within its share of a uniform, the rest of it is uniform again.
    rest = np.where(is_recovered, (rank - followed) / recovered, 0.0)
    free = -np.log1p(-np.clip(rest, 0, 1 - 1e-6)) * figures["acute_recovered_days"]
    start = people.start.astype(np.int64)
    earliest = np.maximum(market.numbers("opened")[people.facility], people.birth)
    begin = np.maximum(start - days - free.astype(np.int64), earliest)
    gap = start - begin
    is_treated = (rank < 1) & (gap >= _FEWEST_DAYS)
    is_treated &= market.numbers("has_in_center")[people.facility].astype(bool)
    end = np.where(is_followed, start - 1, begin + np.minimum(days, gap) // 2)
    ending = np.where(is_recovered, _RECOVERED, np.where(is_followed, _FOLLOWED, _CEASED))
    return Acute(
        begin=np.where(is_treated, begin, NEVER),
        end=np.where(is_treated, end, NEVER),
        ending=ending,
    )


def draw_days(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw the days from admission to ESRD."""
    return rng.integers(_FEWEST_DAYS, _MOST_DAYS, count)


def cut_acute(acute: Acute, edges: np.ndarray) -> AcuteMonths:
    """Cut the treatments into the months between edges."""
    patient = np.flatnonzero((acute.begin < edges[-1]) & (acute.end >= edges[0]))
    begin = np.maximum(acute.begin[patient], edges[0])
    end = np.minimum(acute.end[patient], edges[-1] - 1)
    first = np.searchsorted(edges, begin, side="right") - 1
    counts = np.searchsorted(edges, end, side="right") - first
    row = np.repeat(np.arange(patient.size), counts)
    month = first[row] + np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return AcuteMonths(
        patient=patient[row],
        month=month,
        begin=np.maximum(begin[row], edges[month]),
        end=np.minimum(end[row], edges[month + 1] - 1),
    )
