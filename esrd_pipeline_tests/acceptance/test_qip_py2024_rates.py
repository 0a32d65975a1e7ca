"""The printed scores of payment year 2024 held against the printed rates (manual 4.1.2).

Neither standards nor rates of the year before are printed. One pair of threshold and benchmark a
measure, found by trying, has no achievement score above the printed score, and 10 exactly where 10
is printed, in all 58,007 scores of eight measures. What is above it is improvement.
"""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.program.qip_arithmetic import score_achievement, to_units
from esrd_pipeline_tests.shared_files import needs_cms_public

pytestmark = [needs_cms_public, pytest.mark.manual("4.1.2.1", "4.1.2.2")]

STANDARDS: dict[str, tuple[float, float, int]] = {
    "ktv_comprehensive": (0.9433, 0.9942, 4),
    "hypercalcemia": (0.0154, 0.0, 4),
    "nhsn_bsi": (1.193, 0.0, 3),
    "pppw": (0.0812, 0.339, 4),
    "shr": (187.8, 105.54, 2),
    "srr": (34.26, 17.01, 2),
    "ltc": (0.1835, 0.0469, 4),
    "fistula": (0.5329, 0.7677, 4),
}
"""Achievement threshold and benchmark, in as many decimals as the rates are printed with."""
COLUMNS = {"nhsn_bsi": "nhsn_bsi_achievement_ratio"}
BY_IMPROVEMENT = {
    "ktv_comprehensive": 479,
    "hypercalcemia": 381,
    "nhsn_bsi": 301,
    "pppw": 153,
    "shr": 499,
    "srr": 313,
    "ltc": 243,
    "fistula": 201,
}
COUNT = 58_007


@pytest.fixture(scope="module")
def scores(by_measure: pd.DataFrame) -> pd.DataFrame:
    """Printed rates, printed scores, and the achievement scores of the rates."""
    parts = [_score(by_measure, measure) for measure in STANDARDS]
    return pd.concat(parts, ignore_index=True)


def _score(published: pd.DataFrame, measure: str) -> pd.DataFrame:
    *standard, precision = STANDARDS[measure]
    rates, scores = COLUMNS.get(measure, f"{measure}_achievement_rate"), f"{measure}_score"
    # A score without a rate is that of a facility that did not report.
    rows = published[[rates, scores]].dropna().astype(float)
    threshold, benchmark = to_units(np.array(standard), precision=precision)
    turn = 1 if benchmark > threshold else -1
    rate = to_units(rows[rates].to_numpy(), precision=precision)
    achievement = score_achievement(
        turn * rate, threshold=turn * int(threshold), benchmark=turn * int(benchmark)
    )
    return pd.DataFrame(
        {"measure": measure, "score": rows[scores], "rate": rate, "achievement": achievement}
    )


def test_no_achievement_score_is_above_the_printed_score(scores: pd.DataFrame) -> None:
    assert len(scores) == COUNT
    assert (scores["achievement"] <= scores["score"].astype(int)).all()


def test_ten_is_achieved_and_never_improved(scores: pd.DataFrame) -> None:
    assert ((scores["achievement"] == 10) == (scores["score"] == 10)).all()


def test_few_scores_are_above_that_of_achievement(scores: pd.DataFrame) -> None:
    above = scores["achievement"] < scores["score"]
    assert above.groupby(scores["measure"]).sum().to_dict() == BY_IMPROVEMENT


def test_a_score_without_a_rate_is_zero(by_measure: pd.DataFrame) -> None:
    """308 facilities with fewer than 12 months of infections reported."""
    for measure in STANDARDS:
        rows = by_measure[by_measure[COLUMNS.get(measure, f"{measure}_achievement_rate")].isna()]
        scores = rows[f"{measure}_score"].dropna()
        assert scores.tolist() == ([0] * 308 if measure == "nhsn_bsi" else [])
