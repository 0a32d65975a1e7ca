"""The picture of the activities' event studies, for the metadata of network.activity_effect."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esrd_pipeline.tables.activity import PHASES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 4
"""Panels: activities with the most events."""
COLOURS = {"before": "#8a8f98", "selection": "#e39b5b", "after": "#2f4b6e"}
WORDS = {
    "before": "before, predicted from the other months",
    "selection": "months of selection, beside all never enrolled",
    "after": "in the activity",
}
_AT_ONCE = 2
_MARGINS = 1.2
"""Inches above and below the panels."""
_HIGHEST, _LOWEST = 1.8, 0.4


def draw_event_studies(study: pd.DataFrame, effects: pd.DataFrame) -> "Figure":
    """Draw observed over predicted events by month since the start, a panel an activity's measure.

    Shaded is the effect's interval; the dotted line is what the plain comparison would have found.
    """
    from matplotlib.figure import Figure

    rows = study.assign(events=study["observed"].astype(float))
    sums = rows.groupby(["activity", "measure"])["events"].sum()
    shown = sums.sort_values(ascending=False, kind="stable").head(MOST).index
    count = len(shown)
    lines = max(1, -(-count // _AT_ONCE))
    height = 3.0 * lines + _MARGINS
    figure = Figure(figsize=(10, height), dpi=100)
    if not count:
        figure.text(0.5, 0.5, "no activity can be evaluated", ha="center", va="center")
        return figure
    wide = min(count, _AT_ONCE)
    panels = figure.subplots(lines, wide, squeeze=False).ravel()
    figure.subplots_adjust(left=0.07, right=0.98, hspace=0.45, wspace=0.15)
    figure.subplots_adjust(top=1 - 0.75 / height, bottom=1.05 / height)
    for axes, (activity, measure) in zip(panels, shown, strict=False):
        mine = rows[(rows["activity"] == activity) & (rows["measure"] == measure)]
        found = effects[(effects["activity"] == activity) & (effects["measure"] == measure)]
        _draw_one(axes, mine, found.set_index("estimator"))
        axes.set_title(f"{activity}, {str(measure).upper()}", fontsize=10, loc="left")
    for axes in panels[count:]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, fontsize=7.5, frameon=False)
    return figure


def _draw_one(axes: "Axes", study: pd.DataFrame, effects: pd.DataFrame) -> None:
    axes.axhline(1, color="#b8b8b8", lw=0.8)
    axes.axvline(-0.5, color="#b8b8b8", lw=0.8)
    last = float(study["relative_month"].max()) + 0.5
    for phase in PHASES:
        points = study[study["phase"] == phase]
        at = points["relative_month"].to_numpy(dtype=np.float64)
        ratio, lower, upper = (
            points[name].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
            for name in ("ratio", "lower", "upper")
        )
        axes.vlines(at, lower, upper, color=COLOURS[phase], lw=0.8, alpha=0.6)
        axes.plot(at, ratio, "o", ms=3.5, color=COLOURS[phase], label=WORDS[phase])
    names = ["lower", "ratio", "upper"]
    numbers = effects[names].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    by_estimator = dict(zip(effects.index, numbers, strict=True))
    low, middle, high = by_estimator["staggered"]
    if np.isfinite(low):
        axes.fill_between([-0.5, last], low, high, color=COLOURS["after"], alpha=0.15, lw=0)
        text = f"effect {middle:.2f} ({low:.2f} to {high:.2f})"
        axes.hlines(middle, -0.5, last, color=COLOURS["after"], lw=1.2, label="effect, 95% limits")
        axes.set_title(text, fontsize=8, loc="right")
    plain = by_estimator["before_after"][1]
    if np.isfinite(plain):
        axes.hlines(
            plain, -0.5, last, color="#c8553d", ls=":", lw=1.4, label="plain before and after"
        )
    axes.set_ylim(_LOWEST, _HIGHEST)
    axes.set_yscale("log")
    axes.set_yticks([0.5, 0.7, 1, 1.4], ["0.5", "0.7", "1", "1.4"], fontsize=7)
    axes.minorticks_off()
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel("months since the start", fontsize=8)
    axes.set_ylabel("observed / predicted events", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
