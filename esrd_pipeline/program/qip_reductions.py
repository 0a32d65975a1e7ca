"""Payment reductions by points below the minimum TPS (manual 4.3, Table 28)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from esrd_pipeline.parameters.official import ParameterFileError
from esrd_pipeline.program.qip_cells import Cells

LARGEST = Fraction(2)
"""Percent that the lowest scores lose: "by up to 2.0 percent", Social Security Act 1881(h)(1)."""
_START, _PERCENT = "points_below_minimum", "payment_reduction"
_MOST_POINTS = 100


@dataclass(frozen=True, slots=True)
class Reduction:
    """Payment reduction in percent from this many points below the minimum TPS."""

    points_below_minimum: int
    percent: float


def read_reductions(rows: Sequence[Cells], where: str) -> tuple[Reduction, ...]:
    """Read the rows of `qip_reduction.csv` of a payment year from the minimum TPS down.

    A row that is left out would give its scores the reduction of better ones. So each of the rows
    takes the same percent more than the one before, over the same number of points.

    Raises:
        ParameterFileError: there is no row of the minimum TPS, or the rows are no such steps from
            none there to the largest reduction.
    """
    ordered = sorted(rows, key=lambda cells: cells.whole(_START, least=0, most=_MOST_POINTS))
    if not ordered or int(ordered[0].text(_START)) != 0:
        raise ParameterFileError(f"{where}: no payment reduction is given for a TPS at the minimum")
    if _read_percent(ordered[0]) != 0:
        ordered[0].refuse(_PERCENT, "a TPS at the minimum has no reduction")
    starts = [int(cells.text(_START)) for cells in ordered]
    percents = [_read_percent(cells) for cells in ordered]
    for at, cells in enumerate(ordered[1:], start=1):
        if at == 1 and starts[1] != 1:
            cells.refuse(_START, "no row gives the reduction of one point below the minimum TPS")
        if at > 1 and starts[at] - starts[at - 1] != starts[2] - starts[1]:
            cells.refuse(
                _START,
                f"{starts[at] - starts[at - 1]} points from the row before, where the first step"
                f" has {starts[2] - starts[1]}",
            )
        step = percents[at] - percents[at - 1]
        if step <= 0 or step != percents[1]:
            cells.refuse(
                _PERCENT,
                f"{float(step):g} more than the row before, where the first step is"
                f" {float(percents[1]):g}",
            )
    if percents[-1] != LARGEST:
        ordered[-1].refuse(
            _PERCENT,
            f"the lowest scores would lose {float(percents[-1]):g} percent, not {LARGEST}",
        )
    return tuple(
        Reduction(start, float(percent)) for start, percent in zip(starts, percents, strict=True)
    )


def _read_percent(cells: Cells) -> Fraction:
    return Fraction(cells.number(_PERCENT))
