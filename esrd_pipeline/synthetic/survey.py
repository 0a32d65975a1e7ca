"""Renders a year's survey as the ICH CAHPS facility file."""

import numpy as np
import pandas as pd

from esrd_pipeline.synthetic.care import YearOfCare, is_surveyed
from esrd_pipeline.synthetic.dfc import render_directory, render_period
from esrd_pipeline.synthetic.figures import load_kind
from esrd_pipeline.synthetic.rendering import (
    Cells,
    render_where,
    render_whole,
    repeat,
    round_half_up,
)

AVAILABLE, TOO_FEW, NO_DATA, NOT_ADMINISTERED = "1", "101", "102", "103"
WITHOUT_MIDDLE_BOX = ("ich_cahps_information",)
"""The composite of yes-or-no questions."""


def render_ich_cahps(facilities: pd.DataFrame, care: YearOfCare, year: int) -> dict[str, Cells]:
    """Render the file of a performance year: our column name to cells."""
    survey, shown = care.survey, is_surveyed(care)
    codes = np.select(
        [shown, survey.is_unavailable, survey.is_attested_small & (survey.completed == 0)],
        [AVAILABLE, NO_DATA, NOT_ADMINISTERED],
        default=TOO_FEW,
    )
    cells = render_directory(facilities, year) | {
        "ich_cahps_period": repeat(render_period("ich_cahps", year), len(facilities)),
        "ich_cahps_code": codes.astype(object),
        "completed_interview_count": render_where(shown, render_whole(survey.completed), ""),
        "response_rate": render_where(shown, render_whole(survey.response_percent), ""),
    }
    stars = []
    for measure, share in survey.top_box.items():
        top = round_half_up(100 * share, 0)
        middle = np.zeros_like(top)
        if measure not in WITHOUT_MIDDLE_BOX:
            middle = round_half_up((100 - top) * _figure("middle_box_share"), 0)
            cells[f"{measure}_middle_box"] = render_where(shown, render_whole(middle), "")
        linearized = round_half_up(top + middle * _figure("middle_box_worth"), 0)
        stars.append(1 + np.searchsorted(_star_cut_offs(), linearized, side="right"))
        cells |= {
            f"{measure}_lower_box": render_where(shown, render_whole(100 - top - middle), ""),
            f"{measure}_top_box": render_where(shown, render_whole(top), ""),
            f"{measure}_linearized": render_where(shown, render_whole(linearized), ""),
            f"{measure}_stars": render_where(shown, render_whole(stars[-1]), ""),
        }
    overall = round_half_up(np.mean(stars, axis=0), 0)
    return cells | {"survey_stars": render_where(shown, render_whole(overall), "")}


def _figure(name: str) -> float:
    rows = load_kind("survey_figure").set_index("name")
    return float(str(rows.loc[name, "weight"]))


def _star_cut_offs() -> np.ndarray:
    return np.sort(load_kind("survey_star")["weight"].to_numpy())
