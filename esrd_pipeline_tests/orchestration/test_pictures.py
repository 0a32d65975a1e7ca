"""Contents of the plots in the UI: bars and lines read back from the figures."""

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from esrd_pipeline.orchestration.pictures import (
    LIMIT_POINTS,
    draw_calibration,
    draw_facilities,
    draw_measure_scores,
    draw_reportable_share,
    draw_standards,
    draw_stars,
    draw_tps,
    render,
)

BANDS = [(60, 100, 0.0), (0, 59, 0.5)]


def axes_of(figure: Figure) -> Axes:
    return figure.axes[0]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in axes_of(figure).texts]


def heights(figure: Figure) -> dict[float, float]:
    """Bars by the middle of each."""
    (bars,) = axes_of(figure).containers
    return {bar.get_x() + bar.get_width() / 2: bar.get_height() for bar in bars}


def test_the_tps_histogram_counts_facilities_by_score_and_band() -> None:
    figure = draw_tps(pd.DataFrame({"tps": [59, 60, 60, None]}), BANDS)
    assert heights(figure) == {59: 1, 60: 2}
    assert words(figure) == ["0.5%\n1", "0.0%\n2"]


def test_the_stars_are_counted_and_their_shares_said() -> None:
    figure = draw_stars(pd.DataFrame({"rating": [1, 5, 5, 5, None]}))
    assert heights(figure) == {1: 1, 2: 0, 3: 0, 4: 0, 5: 3}
    assert words(figure) == ["1\n25%", "0\n0%", "0\n0%", "0\n0%", "3\n75%"]
    assert axes_of(figure).get_title() == "Star ratings of 4 facilities"


def test_scores_are_shares_by_measure_with_the_mean_marked() -> None:
    scores = pd.DataFrame(
        {
            "measure": ["ltc", "ltc", "shr", "shr", "ktv"],
            "role": ["measure"] * 4 + ["component"],
            "score": [0, 10, 2, 2, 9],
        }
    )
    axes = axes_of(draw_measure_scores(scores))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["shr", "ltc"]
    shares = axes.images[0].get_array()
    assert (shares[0][2], shares[1][0], shares[1][10]) == (1.0, 0.5, 0.5)
    assert [line.get_xdata()[0] for line in axes.lines] == [2.0, 5.0]


def test_rates_are_placed_between_threshold_and_benchmark() -> None:
    standards = pd.DataFrame(
        {
            "measure": ["ltc"],
            "achievement_threshold": [20.0],
            "performance_standard": [14.0],
            "benchmark": [10.0],
        }
    )
    rates = pd.DataFrame({"measure": "ltc", "reportable": True, "value": [20.0, 15.0, 10.0]})
    lines = axes_of(draw_standards(standards, rates)).lines
    assert [line.get_xdata()[0] for line in lines[:2]] == pytest.approx([0.5, 0.6])


def test_reportable_shares_are_by_program_and_measure() -> None:
    frame = pd.DataFrame(
        {"program": "dfc", "measure": ["shr", "shr", "smr"], "reportable": [True, False, True]}
    )
    axes = axes_of(draw_reportable_share(frame))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["shr (dfc)", "smr (dfc)"]
    assert [segment[1][0] for segment in axes.collections[0].get_segments()] == [0.5, 1.0]


def test_without_facilities_a_picture_says_so() -> None:
    assert words(draw_tps(pd.DataFrame({"tps": [None]}), BANDS)) == [
        "no facility has a Total Performance Score"
    ]
    assert words(draw_stars(pd.DataFrame({"rating": [None]}))) == ["no facility is rated"]


def test_the_title_of_one_facility_is_not_plural() -> None:
    (axes,) = draw_stars(pd.DataFrame({"rating": [5]})).axes
    assert "Star ratings of 1 facility" in {axes.get_title(loc=at) for at in ("left", "center")}


def test_the_same_picture_gives_the_same_bytes() -> None:
    first, second = (render(draw_stars(pd.DataFrame({"rating": [1, 5]}))) for _ in range(2))
    assert first.startswith(b"\x89PNG")
    assert first == second


def contract(**columns: list[object]) -> pd.DataFrame:
    size = len(columns["value"])
    frame = pd.DataFrame({"reportable": [True] * size, "rate": [None] * size, **columns})
    return frame.astype({"rate": float})


def test_a_measure_without_an_empirical_null_stands_against_the_normal_curve() -> None:
    rows = contract(
        value=[0.5, 2.0, 1.0],
        denominator=[4.0, 9.0, 2.0],
        patients=[20, 40, 11],
        category=["better", "worse", "as"],
        z=[-2.5, 3.0, 0.1],
        rate=[50.0, 200.0, 100.0],
    )
    funnel, panel = draw_facilities(rows, None).axes
    assert funnel.get_ylabel() == "ratio of observed to expected"
    assert [text.get_text() for text in funnel.get_legend().get_texts()] == [
        "as 1",
        "better 1",
        "worse 1",
        "95% control limits of chance",
        "99.8% control limits of chance",
    ]
    assert "no empirical null" in panel.get_title()
    (histogram,) = (patch for patch in panel.patches if isinstance(patch, StepPatch))
    counts, _, _ = histogram.get_data()
    assert counts.sum() == 3


def test_a_percentage_stands_over_patients() -> None:
    rows = contract(
        value=[10.0, 20.0],
        denominator=[120.0, 240.0],
        patients=[12, 30],
        category=["as", "better"],
        z=[0.0, 2.0],
    )
    funnel = draw_facilities(rows, None).axes[0]
    assert (funnel.get_xlabel(), funnel.get_ylabel()) == ("patients", "percent")


def test_calibration_shows_each_group_in_the_units_of_its_family() -> None:
    groups = pd.DataFrame({"group": [1, 2], "observed": [0.1, 0.3], "expected": [0.12, 0.28]})
    axes = axes_of(draw_calibration(groups, unit="discharge"))
    assert axes.get_xlabel() == "expected events per discharge"
    points = axes.lines[1]
    assert points.get_xdata().tolist() == [0.12, 0.28]
    assert points.get_ydata().tolist() == [0.1, 0.3]


def make_contract(*, is_ratio: bool) -> pd.DataFrame:
    count = 30
    sizes = [float(n) for n in range(1, count + 1)]
    return pd.DataFrame(
        {
            "reportable": [True] * count,
            "denominator": sizes,
            "patients": [1e9 if is_ratio else size for size in sizes],
            "rate": [1.0 if is_ratio else None] * count,
            "value": [1.0 if is_ratio else 50.0] * count,
            "category": ["as"] * count,
            "z": [0.0] * count,
        }
    )


@pytest.mark.parametrize("is_ratio", [True, False])
def test_the_funnel_has_its_control_limits(*, is_ratio: bool) -> None:
    figure = draw_facilities(make_contract(is_ratio=is_ratio), None)
    drawn = [line for line in axes_of(figure).lines if len(line.get_xdata()) == LIMIT_POINTS]
    lines = {line.get_linestyle(): line for line in drawn}
    narrow, wide = lines["--"], lines[":"]
    centre = 1.0 if is_ratio else 50.0
    # Drawn last: the upper limits, narrower for larger facilities.
    for line in (narrow, wide):
        upper = line.get_ydata()
        assert upper[0] > upper[-1] > centre
    assert wide.get_ydata()[-1] > narrow.get_ydata()[-1]
    message = [text.get_text() for text in axes_of(figure).get_legend().get_texts()]
    assert "95% control limits of chance" in message
    assert "99.8% control limits of chance" in message


def test_an_image_says_of_what_it_is() -> None:
    figure = draw_stars(pd.DataFrame({"rating": [1, 5]}))
    assert render(figure, "program.stars, performance year 2025").startswith(b"\x89PNG")
    assert figure.get_suptitle() == "program.stars, performance year 2025"
