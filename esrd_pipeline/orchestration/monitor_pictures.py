"""The picture of the signals, for the metadata of network.monitor."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esrd_pipeline.tables.monitor import SIDES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"worse": "#c8553d", "better": "#3b7d4f"}


def draw_signals(monitor: pd.DataFrame) -> "Figure":
    """Draw the share of facilities whose chart signals, by month: a panel a measure.

    Above the line are signals of more events than expected, below it of fewer.
    """
    from matplotlib.figure import Figure

    measures = sorted(monitor["measure"].unique())
    figure = Figure(figsize=(8, 4.5), dpi=100)
    if not measures:
        figure.text(0.5, 0.5, "no facility has a chart", ha="center", va="center")
        return figure
    panels = figure.subplots(2, 3, squeeze=False).ravel()
    figure.subplots_adjust(left=0.08, right=0.98, top=0.86, bottom=0.1, hspace=0.5, wspace=0.35)
    for axes, measure in zip(panels, measures, strict=False):
        mine = monitor[monitor["measure"] == measure]
        shares = mine.groupby("month")[[f"is_{side}" for side in SIDES]].mean() * 100
        at = np.arange(len(shares))
        for side, sign in zip(SIDES, (1, -1), strict=True):
            heights = sign * shares[f"is_{side}"].to_numpy(dtype=np.float64)
            axes.bar(at, heights, width=1.0, color=COLOURS[side])
        axes.axhline(0, color="#b8b8b8", lw=0.8)
        axes.set_title(f"{measure.upper()}: % with a signal", fontsize=9, y=1.0)
        ticks = at[:: max(len(at) // 3, 1)]
        axes.set_xticks(ticks, [f"{shares.index[t]:%Y-%m}" for t in ticks], fontsize=7)
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        axes.tick_params(axis="y", labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(measures) :]:
        axes.set_axis_off()
    return figure
