"""Scores, TPS and stars of a facility, worked out by hand."""

from fractions import Fraction
from pathlib import Path

import pytest

from esrd_pipeline.explanation.document import is_missing
from esrd_pipeline.explanation.scores import achieve, explain_scores, improve
from esrd_pipeline.explanation.terminal import WIDTH, describe
from esrd_pipeline_tests.explanation.world import CCN, YEAR, Row, store

pytestmark = pytest.mark.manual("4.1.2", "4.2.6")


@pytest.mark.parametrize(
    ("rate", "threshold", "benchmark", "is_lower", "points"),
    [
        ("0.1144", "0.3184", "0.1015", True, 9),
        ("143.25", "196.49", "109.37", True, 6),
        ("0.9236", "0.8772", "1", False, 4),
        ("0.5", "0.6", "0.9", False, 0),
        ("0.9", "0.6", "0.9", False, 10),
        # 9 x 0.5 + 0.5 is 5 exactly; 9 x 1/9 + 0.5 is 1.5, and halves are rounded up.
        ("0.75", "0.6", "0.9", False, 5),
        ("0.1", "0", "0.9", False, 2),
    ],
)
def test_achievement_is_written_out_and_rounded_up(
    rate: str,
    threshold: str,
    benchmark: str,
    is_lower: bool,  # noqa: FBT001
    points: int,
) -> None:
    numbers = (Fraction(rate), Fraction(threshold), Fraction(benchmark))
    scored, words = achieve(*numbers, is_lower=is_lower)
    assert scored == points
    assert words.endswith(str(points))


def test_improvement_is_written_out() -> None:
    numbers = (Fraction("143.25"), Fraction("171.81"), Fraction("109.37"))
    scored, words = improve(*numbers, is_lower=True)
    # 10 x 28.56 / 62.44 - 0.5
    assert (scored, words) == (
        4,
        "10 x (143.25 - 171.81) / (109.37 - 171.81) - 0.5 = 4.0740, rounded 4",
    )
    assert improve(Fraction(2), Fraction(1), Fraction(0), is_lower=True)[0] == 0


def score(measure: str, value: int, **values: object) -> Row:
    found: Row = {"ccn": CCN, "payment_year": 2026, "measure": measure, "domain": "safety"}
    return {
        **found,
        "role": "measure",
        "score": value,
        "unrounded_score": float(value),
        "weight_in_domain": 0.5,
        **values,
    }


def test_the_total_is_added_up_from_the_working(tmp_path: Path) -> None:
    root = tmp_path / "warehouse"
    warehouse = store(
        root,
        {
            "program.qip_measure_score": [
                score(
                    "shr",
                    6,
                    applied="achievement",
                    rate=143.25,
                    achievement_threshold=196.49,
                    benchmark=109.37,
                    improvement_rate=171.81,
                    achievement_score=6,
                    improvement_score=4,
                ),
                score("health_equity", 10, applied="reporting"),
            ],
            "program.qip_standard": [
                {"measure": "shr", "payment_year": 2026, "direction": "lower"}
            ],
            "program.qip_domain_score": [
                {"ccn": CCN, "domain": "safety", "score": 80.0, "weight": 1.0, "working": "w"}
            ],
            "program.qip_tps": [
                {
                    "ccn": CCN,
                    "unrounded_tps": 80.0,
                    "tps": 80,
                    "minimum_tps": 53,
                    "payment_reduction": 0.0,
                    "working": "1 x 80 = 80.0000000, rounded 80",
                }
            ],
        },
    )
    document = explain_scores(warehouse, CCN, YEAR, "qip")
    assert not document.is_of_patients
    assert [check.agrees for check in document.checks] == [True] * 6
    row = document.find("measure_scores").set_index("measure").loc["shr"]
    assert row["achievement_working"].endswith("+ 0.5 = 6.0000, rounded 6")
    assert is_missing(row["why"])
    assert max(map(len, describe(document).splitlines())) <= WIDTH
