"""Small charts as SVG text.

Each stands beside a table with its numbers, and is hidden from screen readers, whose users would
hear the numbers twice.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_LOWEST, _HIGHEST = 0.25, 4.0
"""Ratios beyond a quarter and four are drawn at the edge."""
_WIDTH, _HEIGHT = 150, 18
_FUNNEL_WIDTH, _FUNNEL_HEIGHT, _MARGIN = 560, 340, 40
_LIMITS = ((0.95, "limit-95"), (0.998, "limit-998"))
"""Two and three standard deviations, as in charts of statistical process control."""


def draw_interval(
    value: float | None,
    lower: float | None,
    upper: float | None,
    reference: float | None,
    *,
    ratio: bool,
) -> str:
    """Draw a value, its limits and what it is compared with on one line.

    Ratios are drawn on a log scale from 1/4 to 4, percentages on one from 0 to 100.
    """
    if value is None:
        return ""
    parts = [f'<svg class="iv" viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-hidden="true">']
    if reference is not None:
        x = _place(reference, ratio=ratio)
        parts.append(f'<path class="ref" d="M{x} 0V{_HEIGHT}"/>')
    middle = _HEIGHT // 2
    if lower is not None and upper is not None:
        a, b = _place(lower, ratio=ratio), _place(upper, ratio=ratio)
        parts.append(f'<path class="ci" d="M{a} {middle}H{b}"/>')
    parts.append(f'<circle cx="{_place(value, ratio=ratio)}" cy="{middle}" r="4"/></svg>')
    return "".join(parts)


def _place(value: float, *, ratio: bool) -> int:
    if ratio:
        share = math.log(min(max(value, _LOWEST), _HIGHEST) / _LOWEST) / math.log(
            _HIGHEST / _LOWEST
        )
    else:
        share = min(max(value, 0.0), 100.0) / 100
    return round(5 + share * (_WIDTH - 10))


def draw_bars(counts: Sequence[int], labels: Sequence[str], *, here: int | None = None) -> str:
    """Draw counts as bars with a label under each; `here` is the bar that is marked."""
    top = max(counts, default=0) or 1
    step = 100 / max(len(counts), 1)
    parts = ['<svg class="bars" viewBox="0 0 100 46" aria-hidden="true">']
    for place, (count, label) in enumerate(zip(counts, labels, strict=True)):
        height = round(34 * count / top, 1)
        mark = ' class="here"' if place == here else ""
        parts.append(
            f'<rect{mark} x="{place * step + 0.5:.2f}" y="{36 - height:.1f}"'
            f' width="{step - 1:.2f}" height="{height:.1f}"/>'
        )
        if label:
            parts.append(f'<text x="{(place + 0.5) * step:.2f}" y="43">{label}</text>')
    return "".join([*parts, "</svg>"])


def draw_line(values: Sequence[float | None]) -> str:
    """Draw a course over time; a missing value interrupts it."""
    known = [value for value in values if value is not None]
    if len(known) < 2:  # noqa: PLR2004 - two points make a line
        return ""
    low, high = min(known), max(known)
    span = (high - low) or 1
    step = 116 / max(len(values) - 1, 1)
    path, is_drawing = [], False
    for place, value in enumerate(values):
        if value is None:
            is_drawing = False
            continue
        x, y = 2 + place * step, 22 - 18 * (value - low) / span
        path.append(f"{'L' if is_drawing else 'M'}{x:.1f} {y:.1f}")
        is_drawing = True
    drawn = "".join(path)
    return f'<svg class="line" viewBox="0 0 120 24" aria-hidden="true"><path d="{drawn}"/></svg>'


def draw_funnel(expected: NDArray[np.float64], observed: NDArray[np.float64]) -> str:
    """Draw facilities' ratios against their expected events, with exact Poisson control limits.

    The limits are those of a facility whose true ratio is 1 (Spiegelhalter, Statistics in Medicine
    2005;24:1185): at 95% and 99.8%. Ratios above 4 stand at the edge.

    Args:
        expected: expected events of each facility, above zero.
        observed: observed events.
    """
    if not len(expected):
        return ""
    widest = float(expected.max()) * 1.02
    inner_width, inner_height = _FUNNEL_WIDTH - 2 * _MARGIN, _FUNNEL_HEIGHT - 2 * _MARGIN

    def across(events: NDArray[np.float64]) -> NDArray[np.float64]:
        return _MARGIN + inner_width * np.sqrt(events / widest)

    def up(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        return _FUNNEL_HEIGHT - _MARGIN - inner_height * np.minimum(ratio, _HIGHEST) / _HIGHEST

    grid = widest * np.linspace(0.02, 1, 60) ** 2
    parts = [
        f'<svg class="funnel" viewBox="0 0 {_FUNNEL_WIDTH} {_FUNNEL_HEIGHT}" aria-hidden="true">'
    ]
    for level, name in _LIMITS:
        tail = (1 - level) / 2
        for ratios in (
            stats.poisson.ppf(tail, grid) / grid,
            stats.poisson.ppf(1 - tail, grid) / grid,
        ):
            points = " ".join(
                f"{x:.0f},{y:.0f}" for x, y in zip(across(grid), up(ratios), strict=True)
            )
            parts.append(f'<polyline class="{name}" points="{points}"/>')
    dots = np.unique(
        np.round(np.column_stack([across(expected), up(observed / expected)])).astype(int), axis=0
    )
    path = "".join(f"M{x} {y}h0" for x, y in dots)
    one = up(np.array([1.0]))[0]
    right, bottom = _FUNNEL_WIDTH - _MARGIN, _FUNNEL_HEIGHT - _MARGIN
    parts += [
        f'<path class="ref" d="M{_MARGIN} {one:.0f}H{right}"/>',
        f'<path class="axis" d="M{_MARGIN} {_MARGIN}V{bottom}H{right}"/>',
        f'<path class="dots" d="{path}"/>',
        *(
            f'<text x="{_MARGIN - 6}" y="{up(np.array([float(tick)]))[0] + 4:.0f}"'
            f' text-anchor="end">{tick}</text>'
            for tick in range(5)
        ),
        *(
            f'<text x="{across(np.array([events]))[0]:.0f}" y="{bottom + 16}"'
            f' text-anchor="middle">{events:,.0f}</text>'
            for events in (widest * share for share in (0.04, 0.25, 0.64, 1.0))
        ),
        f'<text x="{_FUNNEL_WIDTH // 2}" y="{_FUNNEL_HEIGHT - 6}" text-anchor="middle">',
        "expected events</text></svg>",
    ]
    return "".join(parts)
