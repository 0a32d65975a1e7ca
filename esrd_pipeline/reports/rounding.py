"""Numbers written with fewer decimals, as CMS rounds them, on pages and in terminals alike."""

import math
from decimal import ROUND_HALF_UP, Decimal

PERCENT = 2
"""Places the decimal point moves from a fraction to a percentage."""


def write_count(count: int, one: str, several: str | None = None) -> str:
    """Write a count and what is counted: 1 fault, 2 faults; 1 facility, 2 facilities."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def write_rounded(number: float, digits: int, *, shift: int = 0) -> str:
    """Write a number with `digits` decimals and thousands separated, halves away from zero.

    Halves are those of the written number, as CMS publishes them and scores are computed (reading
    1): a format of floating point writes 12.25 as 12.2. `shift` moves the decimal point to the
    right first, so that 0.2895 is 28.95 percent.
    """
    if not math.isfinite(number):
        return f"{number:,.{digits}f}"
    written = Decimal(repr(float(number))).scaleb(shift)
    rounded = written.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    # A decimal zero keeps the sign of what was rounded to it.
    return f"{abs(rounded) if rounded.is_zero() else rounded:,f}"
