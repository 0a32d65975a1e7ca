"""The true effects: their spread, their common factor, and their influence on outcomes."""

import numpy as np
import pytest

from esrd_pipeline.synthetic.nation.block import Span
from esrd_pipeline.synthetic.nation.effects import POOR, describe_effects, draw_effects
from esrd_pipeline.synthetic.nation.facilities import draw_nation
from esrd_pipeline.synthetic.nation.figures import OUTCOMES, load_figures
from esrd_pipeline_tests.synthetic.true_effects import Counted, count_outcomes

SHARES = {"readmission", "fistula", "adequacy", "waitlist:prevalent", "hospitalisation:readmitted"}


@pytest.fixture(scope="module")
def counted() -> dict[str, Counted]:
    return count_outcomes(200, Span(seed=5, first_year=2023, last_year=2024))


@pytest.mark.parametrize(
    ("outcome", "low", "high"),
    [
        ("hospitalisation", 0.8, 1.2),
        ("mortality", 0.5, 1.5),
        ("readmission", 0.75, 1.25),
        ("transfusion", 0.85, 1.15),
        ("emergency", 0.8, 1.2),
        ("catheter", 0.6, 1.4),
        ("fistula", 0.75, 1.25),
        ("adequacy", 0.7, 1.3),
        # Who is listed was often listed, or not, while treated elsewhere.
        ("waitlist:prevalent", 0.4, 1.1),
        # Told by the first facility, though some have moved on by then.
        ("waitlist", 0.5, 1.2),
        ("modality_switch", 0.5, 1.2),
    ],
)
def test_a_planted_effect_is_felt_in_its_outcome(
    counted: dict[str, Counted], outcome: str, low: float, high: float
) -> None:
    assert low < counted[outcome].slope(is_share=outcome in SHARES) < high


def test_facilities_that_admit_more_do_not_therefore_readmit_more(
    counted: dict[str, Counted],
) -> None:
    assert abs(counted["hospitalisation:readmitted"].slope(is_share=True)) < 0.35


def test_every_outcome_has_the_spread_it_is_said_to_have() -> None:
    effects = draw_effects(8000, 1, np.random.default_rng(1))
    figures = load_figures()
    inliers = effects[effects["outlier"] == ""]
    for outcome in OUTCOMES:
        assert inliers[outcome].std() == pytest.approx(figures[f"effect_{outcome}"], rel=0.04)


def test_measures_of_good_care_go_together_by_the_common_factor() -> None:
    effects = draw_effects(8000, 2, np.random.default_rng(2))
    shared = load_figures()["effect_common"]
    kept = effects[effects["outlier"] == ""]
    for outcome, sign in POOR.items():
        found = np.corrcoef(kept["quality"], kept[outcome])[0, 1]
        assert found == pytest.approx(-sign * shared, abs=0.04)
    both = np.corrcoef(kept["hospitalisation"], kept["mortality"])[0, 1]
    assert both == pytest.approx(shared**2, abs=0.04)
    opposed = np.corrcoef(kept["hospitalisation"], kept["fistula"])[0, 1]
    assert opposed == pytest.approx(-(shared**2), abs=0.04)


def test_outliers_are_of_every_outcome_and_each_of_one() -> None:
    found = describe_effects(draw_nation(2000, 3))
    outliers = found[found["is_outlier"]]
    assert set(outliers["outcome"]) == set(OUTCOMES)
    assert not outliers["facilityid"].duplicated().any()
    share = load_figures()["outlier_share"]
    assert len(outliers) / 2000 == pytest.approx(share, rel=0.35)
