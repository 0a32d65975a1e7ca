"""What a payment year's rows say of topics, of domains a TPS needs, and of scores in no file."""

from fractions import Fraction

import pandas as pd
import pytest

from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.program.qip_tps import score_tps
from esrd_pipeline_tests.program.qip_frames import Row, published_scores, score
from esrd_pipeline_tests.program.test_qip_rules import build, made_up_year
from esrd_pipeline_tests.reason_texts import text_of


def make_topic(*weights: str) -> dict[str, pd.DataFrame]:
    """The made-up year with a topic of two components as printed, of fixed weights."""
    frames = made_up_year()
    measures = frames["measures"]
    measures.loc[0, ["measure", "scoring"]] = ["falls_topic", "components_weighted"]
    for part, weight in zip(("falls_by_day", "falls_at_night"), weights, strict=True):
        row = measures.loc[0].copy()
        row[["measure", "role", "parent", "weight"]] = [part, "component", "falls_topic", weight]
        row["scoring"] = "published"
        measures.loc[len(measures)] = row
    return frames


@pytest.mark.parametrize(
    ("weights", "day", "night", "topic"),
    [
        (("3/5", "2/5"), 8, 10, 9),  # 8.8
        (("2/5", "3/5"), 8, 3, 5),  # 5.0
        (("1/2", "1/2"), 8, 3, 6),  # 5.5, halves up
        (("1/3", "2/3"), 10, 4, 6),
        (("3/5", "2/5"), None, 7, 7),
    ],
)
def test_a_topic_of_fixed_weights_is_rows(
    weights: tuple[str, str], day: int | None, night: int, topic: int
) -> None:
    scores = score(
        build(make_topic(*weights)),
        current=[],
        results=[
            {"measure": "falls_by_day", "score": day, "reason": "printed_no_score"},
            {"measure": "falls_at_night", "score": night},
        ],
    )
    assert scores.loc["falls_topic", "score"] == topic
    share = scores.loc["falls_at_night", "weight_in_parent"]
    assert share == (float(Fraction(weights[1])) if day is not None else 1)


def test_a_topics_weights_are_a_whole() -> None:
    with pytest.raises(ValueError, match="weights of the components of falls_topic are not 1"):
        build(make_topic("3/5", "1/5"))


def test_a_domain_may_be_required() -> None:
    frames = made_up_year()
    frames["domains"]["is_required"] = ["no", "yes"]
    scores = published_scores({"falls": 9, "telehealth": None}, "010001")
    tps = score_tps(rules=build(frames), performance_year=2029, measure_scores=scores).iloc[0]
    assert (pd.isna(tps["tps"]), tps["payment_reduction"]) == (True, 0)
    assert text_of(tps) == "a domain without which there is no TPS has no score"
    tps = score_tps(rules=build(made_up_year()), performance_year=2029, measure_scores=scores)
    assert tps["tps"].tolist() == [90]


PRINTED = {"measure": "ich_cahps", "score": 6}
NO_SCORE = {"measure": "ich_cahps", "score": None, "reason": "printed_no_score"}
SILENT = {"measure": "ich_cahps", "score": None, "reason": "printed_no_value"}


@pytest.mark.parametrize(
    ("survey", "infections", "reason"),
    [
        (PRINTED, "footnote_3", None),
        (NO_SCORE, None, "printed_no_score"),
        (SILENT, "footnote_5", "footnote_5"),
        (SILENT, "footnote_3 footnote_9", "footnote_3 footnote_9"),
        (SILENT, "footnote_6", "score_not_printed"),
        (SILENT, None, "score_not_printed"),
        (None, None, "score_not_printed"),
    ],
)
def test_a_score_in_no_file_is_not_known_unless_a_footnote_says_there_is_none(
    survey: Row | None, infections: str | None, reason: str | None
) -> None:
    rules = load_rules(2024)
    results: list[Row] = [{"measure": "shr", "score": 8}]
    results += [{"measure": "nhsn_bsi", "score": None if infections else 4, "reason": infections}]
    results += [survey] if survey else []
    scores = score(rules, current=[], results=results)
    assert scores.loc["ich_cahps", "reason"] == reason or reason is None
    assert pd.isna(scores.loc["ich_cahps", "score"]) == (reason is not None)
    is_unknown = reason == "score_not_printed"
    assert pd.isna(scores.loc["shr", "weight_in_domain"]) == is_unknown
    tps = score_tps(rules=rules, performance_year=2022, measure_scores=scores.reset_index())
    assert (tps["reason"] == "score_not_printed").tolist() == [is_unknown]
    assert tps["payment_reduction"].isna().tolist() == [is_unknown]
