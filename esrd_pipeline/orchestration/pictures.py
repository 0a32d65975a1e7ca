"""Plots of tables for asset metadata."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esrd_pipeline.reports.rounding import write_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from esrd_pipeline.statistics.design import FloatArray
    from esrd_pipeline.statistics.empirical_null import EmpiricalNull

INK = "#2f4b6e"
LIMIT_POINTS = 200
STAR_COLOURS = ("#c8553d", "#e39b5b", "#b8b8b8", "#7fa8c9", "#2f4b6e")


def draw_tps(tps: pd.DataFrame, bands: Sequence[tuple[int, int, float]]) -> "Figure":
    """Draw a histogram of the TPS over the bands (lowest, highest TPS, percent)."""
    figure, axes = _sheet()
    scored = tps["tps"].dropna().astype(int)
    if scored.empty:
        return _empty(figure, axes, "no facility has a Total Performance Score")
    for (low, high, share), colour in zip(sorted(bands), _shades(len(bands)), strict=True):
        axes.axvspan(low - 0.5, high + 0.5, color=colour, zorder=0)
        within = int(scored.between(low, high).sum())
        axes.text(
            (low + high) / 2,
            1.02,
            f"{share:.1f}%\n{within:,}",
            transform=axes.get_xaxis_transform(),
            ha="center",
            fontsize=8,
        )
    counts = scored.value_counts().sort_index()
    axes.bar(counts.index.to_numpy(), counts.to_numpy(), width=1.0, color=INK, zorder=2)
    axes.set_xlim(-0.5, 100.5)
    axes.set_xlabel("Total Performance Score")
    axes.set_ylabel("facilities")
    _set_title(axes, "Total Performance Score; payment reduction and facilities by band", pad=32)
    return figure


def draw_stars(stars: pd.DataFrame) -> "Figure":
    """Draw the number of facilities by star rating."""
    figure, axes = _sheet()
    rated = stars["rating"].dropna().astype(int)
    if rated.empty:
        return _empty(figure, axes, "no facility is rated")
    counts = rated.value_counts().reindex(range(1, 6), fill_value=0)
    axes.bar(counts.index, counts.to_numpy(), color=STAR_COLOURS, width=0.8)
    for rating, count in counts.items():
        share = count / len(rated)
        axes.text(float(str(rating)), count, f"{count:,}\n{share:.0%}", ha="center", va="bottom")
    axes.set_ylim(0, counts.max() * 1.2)
    axes.set_xlabel("stars")
    axes.set_ylabel("facilities")
    _set_title(axes, f"Star ratings of {write_count(len(rated), 'facility', 'facilities')}")
    return figure


def draw_measure_scores(scores: pd.DataFrame) -> "Figure":
    """Draw the distribution of the scores 0 to 10 of each measure, with its mean."""
    figure, axes = _sheet(height=5.5, left=0.24)
    own = scores.loc[(scores["role"] == "measure") & scores["score"].notna()]
    if own.empty:
        return _empty(figure, axes, "no measure has a score")
    shares = pd.crosstab(own["measure"], own["score"].astype(int), normalize="index").reindex(
        columns=range(11), fill_value=0.0
    )
    means = own.groupby("measure")["score"].mean().astype(float)
    shares = shares.loc[means.sort_values().index]
    image = axes.imshow(shares.to_numpy(), aspect="auto", cmap="Blues", vmin=0, vmax=0.6)
    for row, measure in enumerate(shares.index):
        axes.plot(means[measure], row, marker="|", color="#c8553d", markersize=14, mew=2)
    axes.set_xticks(range(11))
    axes.set_yticks(range(len(shares)), list(shares.index), fontsize=8)
    axes.set_xlabel("score (red: mean)")
    _set_title(axes, "Share of facilities by measure score")
    figure.colorbar(image, ax=axes, label="share")
    return figure


def draw_standards(standards: pd.DataFrame, current: pd.DataFrame) -> "Figure":
    """Draw this year's rates relative to each measure's threshold (0) and benchmark (1).

    The thin line spans the middle 90% of facilities, the thick one the middle half, the dot is the
    median; the bar between 0 and 1 is the performance standard.
    """
    figure, axes = _sheet(height=5.5, left=0.24)
    known = standards.loc[standards["benchmark"].notna()].sort_values("measure", ascending=False)
    drawn: list[str] = []
    for row in known.to_dict("records"):
        mine = (current["measure"] == row["measure"]) & current["reportable"].astype(bool)
        values = current.loc[mine, "value"].dropna().to_numpy(dtype=float)
        low, span = row["achievement_threshold"], row["benchmark"] - row["achievement_threshold"]
        if not values.size or span == 0:
            continue
        at = len(drawn)
        q5, q25, q50, q75, q95 = (np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]) - low) / span
        axes.hlines(at, q5, q95, color=INK, lw=1)
        axes.hlines(at, q25, q75, color=INK, lw=5)
        axes.plot(q50, at, "o", color="white", markeredgecolor=INK)
        axes.plot(
            (row["performance_standard"] - low) / span, at, "|", color="#3b7d4f", ms=16, mew=2
        )
        drawn.append(str(row["measure"]))
    if not drawn:
        return _empty(figure, axes, "no measure has a standard")
    axes.axvline(0, color="#c8553d", lw=1.5)
    axes.axvline(1, color="#3b7d4f", lw=1.5)
    axes.set_xlim(-2.5, 2.5)
    axes.set_yticks(range(len(drawn)), drawn, fontsize=8)
    axes.set_xlabel("achievement threshold = 0, benchmark = 1; further right is better")
    _set_title(axes, "This year's rates against the standards")
    return figure


def draw_reportable_share(published: pd.DataFrame) -> "Figure":
    """Draw the share of facilities with a reportable value, by program and measure."""
    figure, axes = _sheet(height=8, left=0.3)
    if published.empty:
        return _empty(figure, axes, "no measure")
    share = (
        published.assign(reportable=published["reportable"].astype(float))
        .groupby(["program", "measure"])["reportable"]
        .mean()
        .sort_values()
    )
    names = [f"{measure} ({program})" for program, measure in share.index]
    axes.hlines(range(len(share)), 0, share.to_numpy(), color=INK, lw=4)
    axes.set_yticks(range(len(share)), names, fontsize=6)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of facilities with a reportable value")
    return figure


def draw_facilities(contract: pd.DataFrame, null: "EmpiricalNull | None") -> "Figure":
    """Draw a funnel plot of facilities, and their z-scores with the curves of the null.

    Ratios are plotted over expected events; percentages, which have none, over patients. With an
    empirical null there is a panel for each of its strata of size; without, one with the standard
    normal curve.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), dpi=100)
    layouts = {1: "fa", 2: "ffa;ffb", 3: "ffa;ffb;ffc", 4: "ffab;ffcd"}
    mosaic = figure.subplot_mosaic(layouts[len(null.strata) if null else 1])
    # As in `_sheet`, without a layout engine.
    figure.subplots_adjust(left=0.06, right=0.99, top=0.87, bottom=0.1, wspace=0.22, hspace=0.32)
    funnel, *panels = mosaic.values()
    shown = contract[contract["reportable"].astype(bool)]
    _draw_funnel(funnel, shown)
    if null is None:
        _draw_theory(panels[0], shown["z"].dropna().to_numpy(dtype=np.float64))
        return figure
    for axes, part in zip(panels, null.strata, strict=True):
        middle = (part.bin_edges[1:] + part.bin_edges[:-1]) / 2
        # One outline: a bar for each of some hundred bins takes most of the drawing's time.
        axes.stairs(part.bin_counts, part.bin_edges, fill=True, color="#c9d3e0")
        axes.plot(middle, part.curve, color="#c8553d", lw=1.5)
        _set_title(
            axes,
            f"z, sizes {part.smallest:,.0f} to {part.largest:,.0f}: null N({part.mean:.2f},"
            f" {part.deviation:.2f})",
            fontsize=8,
        )
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_funnel(funnel: "Axes", shown: pd.DataFrame) -> None:
    from matplotlib.ticker import NullFormatter

    counts_patients = bool((shown["denominator"] >= shown["patients"]).all())
    is_ratio = not counts_patients or bool(shown["rate"].notna().any())
    size = "denominator" if is_ratio else "patients"
    for category, colour in (("as", "#b8b8b8"), ("better", "#3b7d4f"), ("worse", "#c8553d")):
        mine = shown[shown["category"] == category]
        funnel.plot(
            mine[size], mine["value"], ".", ms=3, color=colour, label=f"{category} {len(mine):,}"
        )
    if len(shown):
        _draw_limits(funnel, shown, size, is_ratio=is_ratio)
    funnel.set_xscale("log")
    # Labels between the powers of ten overlap in a small picture.
    funnel.xaxis.set_minor_formatter(NullFormatter())
    funnel.set_xlabel("expected events" if is_ratio else "patients")
    funnel.set_ylabel("ratio of observed to expected" if is_ratio else "percent")
    _set_title(funnel, write_count(len(shown), "facility", "facilities"))
    funnel.legend(loc="upper right", fontsize=8, frameon=False)


def _draw_limits(funnel: "Axes", shown: pd.DataFrame, size: str, *, is_ratio: bool) -> None:
    """Draw where chance alone would put 95% and 99.8% of facilities as large as each.

    Spiegelhalter (2005): Poisson around a ratio of 1, binomial around the national percentage.
    Facilities differ by more than chance; who is flagged is found with limits of their own.
    """
    from scipy.stats import binom, poisson

    sizes = shown[size].astype(float)
    least, most = max(float(sizes.min()), 0.5), max(float(sizes.max()), 1.0)
    at = np.geomspace(least, max(most, least * 1.01), LIMIT_POINTS)
    share = float((shown["value"] * sizes).sum() / sizes.sum()) / 100 if sizes.sum() else 0.0
    funnel.axhline(1 if is_ratio else 100 * share, color=INK, lw=1)
    for level, style in ((0.95, "--"), (0.998, ":")):
        label = f"{100 * level:g}% control limits of chance"
        for tail in ((1 - level) / 2, (1 + level) / 2):
            if is_ratio:
                limit = poisson.ppf(tail, at) / at
            else:
                limit = 100 * binom.ppf(tail, np.ceil(at), min(max(share, 0.0), 1.0)) / np.ceil(at)
            funnel.plot(at, limit, style, color=INK, lw=0.8, label=label)
            label = "_"


def _draw_theory(axes: "Axes", z: "FloatArray") -> None:
    edges = np.linspace(-6, 6, 49)
    counts, _ = np.histogram(np.clip(z, -6, 6), bins=edges)
    middle = (edges[1:] + edges[:-1]) / 2
    curve = z.size * np.diff(edges) * np.exp(-(middle**2) / 2) / np.sqrt(2 * np.pi)
    axes.stairs(counts, edges, fill=True, color="#c9d3e0")
    axes.plot(middle, curve, color="#c8553d", lw=1.5)
    _set_title(axes, "z, against the standard normal: no empirical null", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def draw_calibration(groups: pd.DataFrame, *, unit: str) -> "Figure":
    """Draw observed against expected events per unit of exposure, by group of predicted risk."""
    figure, axes = _sheet(height=4.5)
    most = float(groups[["observed", "expected"]].to_numpy().max()) * 1.05
    axes.plot([0, most], [0, most], color="#b8b8b8", lw=1)
    axes.plot(groups["expected"], groups["observed"], "o", color=INK)
    for row in groups.to_dict("records"):
        axes.annotate(
            str(row["group"]),
            (row["expected"], row["observed"]),
            textcoords="offset points",
            xytext=(6, -8),
            fontsize=8,
        )
    axes.set_xlim(0, most)
    axes.set_ylim(0, most)
    axes.set_xlabel(f"expected events per {unit}")
    axes.set_ylabel(f"observed events per {unit}")
    _set_title(axes, "Calibration by decile of predicted risk")
    return figure


def render(figure: "Figure", title: str = "") -> bytes:
    """Return the figure under a title as a PNG image, the same bytes for the same figure."""
    buffer = BytesIO()
    if title:
        figure.suptitle(title, x=0.01, y=0.995, ha="left", va="top", fontsize=11)
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _shades(count: int) -> list[tuple[float, float, float]]:
    """Return colours from light red for the lowest band to light green for the highest."""
    red, green = np.array([0.96, 0.82, 0.79]), np.array([0.88, 0.95, 0.86])
    steps = np.linspace(0, 1, max(count, 2))[:count]
    mixed = (red + (green - red) * step for step in steps)
    return [(float(r), float(g), float(b)) for r, g, b in mixed]


def _sheet(*, height: float = 4.0, left: float = 0.1) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), dpi=100)
    axes = figure.subplots()
    # A layout engine would also place the axes, but it draws everything twice.
    figure.subplots_adjust(left=left, right=0.97, top=0.84, bottom=0.13)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _set_title(axes: "Axes", title: str, *, fontsize: float = 12, pad: float | None = None) -> None:
    """Set a title at the top of the axes.

    Left to place it, matplotlib would measure all labels first, a tenth of the drawing's time.
    """
    axes.set_title(title, fontsize=fontsize, pad=pad, y=1.0)


def _empty(figure: "Figure", axes: "Axes", sentence: str) -> "Figure":
    axes.set_axis_off()
    axes.text(0.5, 0.5, sentence, ha="center", va="center")
    return figure
