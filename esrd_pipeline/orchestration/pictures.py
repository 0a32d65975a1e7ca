"""Pictures that people would rather look at than a table, as PNG bytes for asset metadata."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#2f4b6e"
STAR_COLOURS = ("#c8553d", "#e39b5b", "#b8b8b8", "#7fa8c9", "#2f4b6e")


def draw_tps(tps: pd.DataFrame, bands: Sequence[tuple[int, int, float]]) -> bytes:
    """Histogram of the Total Performance Score over the bands (lowest, highest TPS, percent)."""
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
    axes.set_title("Total Performance Score; payment reduction and facilities by band", pad=32)
    return _png(figure)


def draw_stars(stars: pd.DataFrame) -> bytes:
    """Facilities by star rating."""
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
    axes.set_title(f"Star ratings of {len(rated):,} facilities")
    return _png(figure)


def draw_measure_scores(scores: pd.DataFrame) -> bytes:
    """How the scores 0 to 10 of each measure are spread, with its mean."""
    figure, axes = _sheet(height=5.5)
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
    axes.set_title("Share of facilities by measure score")
    figure.colorbar(image, ax=axes, label="share")
    return _png(figure)


def draw_standards(standards: pd.DataFrame, current: pd.DataFrame) -> bytes:
    """Each clinical measure's distribution this year with its three standards."""
    with_standard = standards.loc[standards["benchmark"].notna(), "measure"].tolist()
    if not with_standard:
        figure, axes = _sheet()
        return _empty(figure, axes, "no measure has a standard")
    from matplotlib.figure import Figure

    columns = 3
    rows = -(-len(with_standard) // columns)
    figure = Figure(figsize=(9, 1.9 * rows), dpi=100, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(with_standard) :]:
        axes.set_axis_off()
    by_measure = standards.set_index("measure")
    for axes, measure in zip(panels, with_standard, strict=False):
        values = current.loc[
            (current["measure"] == measure) & current["reportable"].astype(bool), "value"
        ].dropna()
        standard = by_measure.loc[measure]
        marks = [
            standard[n] for n in ("achievement_threshold", "performance_standard", "benchmark")
        ]
        if len(values):
            low, high = np.quantile(values, [0.005, 0.995])
            span = (min(low, *marks), max(high, *marks))
            axes.hist(values.clip(*span), bins=30, range=span, color="#b9c7d8")
        for mark, colour in zip(marks, ("#c8553d", "#777777", "#3b7d4f"), strict=True):
            axes.axvline(mark, color=colour, lw=1.5)
        axes.set_title(measure, fontsize=8)
        axes.tick_params(labelsize=7)
        axes.set_yticks([])
    figure.suptitle("This year's rates; threshold red, standard grey, benchmark green", fontsize=9)
    return _png(figure)


def draw_reportable_share(published: pd.DataFrame) -> bytes:
    """Share of facilities with a reportable value, by program and measure."""
    figure, axes = _sheet(height=7)
    if published.empty:
        return _empty(figure, axes, "no measure")
    share = (
        published.assign(reportable=published["reportable"].astype(float))
        .groupby(["program", "measure"])["reportable"]
        .mean()
        .sort_values()
    )
    names = [f"{measure} ({program})" for program, measure in share.index]
    axes.barh(range(len(share)), share.to_numpy(), color=INK)
    axes.set_yticks(range(len(share)), names, fontsize=6)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of facilities with a reportable value")
    return _png(figure)


def _shades(count: int) -> list[tuple[float, float, float]]:
    """Light red to light green, from the lowest band to the highest."""
    red, green = np.array([0.96, 0.82, 0.79]), np.array([0.88, 0.95, 0.86])
    steps = np.linspace(0, 1, max(count, 2))[:count]
    mixed = (red + (green - red) * step for step in steps)
    return [(float(r), float(g), float(b)) for r, g, b in mixed]


def _sheet(*, height: float = 4.0) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _empty(figure: "Figure", axes: "Axes", sentence: str) -> bytes:
    axes.set_axis_off()
    axes.text(0.5, 0.5, sentence, ha="center", va="center")
    return _png(figure)


def _png(figure: "Figure") -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
