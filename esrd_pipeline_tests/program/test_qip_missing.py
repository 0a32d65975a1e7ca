"""What a payment year's rows say of topics, of domains a TPS needs, and of scores in no file."""

from dataclasses import replace
from fractions import Fraction

import pandas as pd
import pytest

from esrd_pipeline.program.qip_rules import QipRules, load_rules
from esrd_pipeline.program.qip_tps import score_tps
from esrd_pipeline.program.qip_weights import share_domains, share_measures, share_tps
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


def send_depression_to_safety(rules: QipRules) -> QipRules:
    """The rules with one row's value changed: depression's weight, 7.5% of the TPS, to safety."""
    return replace(
        rules,
        measures=tuple(
            replace(rule, weight_to="safety") if rule.measure == "clinical_depression" else rule
            for rule in rules.measures
        ),
    )


PY2027 = send_depression_to_safety(load_rules(2027))
DOMAINS = frozenset(domain.name for domain in PY2027.domains)
ALL = {rule.measure: 5 for rule in PY2027.domain_measures}


def test_a_missing_measures_weight_is_sent_to_the_domain_its_row_names() -> None:
    frames = made_up_year()
    frames["measures"].loc[1, "weight_if_missing"] = "access"
    rules = build(frames)
    # A third of outcomes' 80% goes to access: 20% + 80% / 3.
    weights = share_tps(rules, frozenset({"falls", "telehealth"}))
    assert weights == {"falls": Fraction(8, 15), "telehealth": Fraction(7, 15)}
    # With a score it weighs what its row says, and a measure without the value stays at home.
    every = share_tps(rules, frozenset({"falls", "pppw", "telehealth"}))
    assert every["telehealth"] == Fraction(1, 5)
    assert share_tps(rules, frozenset({"pppw", "telehealth"}))["telehealth"] == Fraction(1, 5)


@pytest.mark.parametrize(
    ("scores", "unrounded", "tps"),
    [
        # All 5 but safety 10: 90% x 5 + 10% x 10, in tens.
        ({"nhsn_bsi": 10}, "55.0", 55),
        # Safety has 17.5%: 82.5% x 5 + 17.5% x 10.
        ({"nhsn_bsi": 10, "clinical_depression": None}, "58.75", 59),
        # No score in safety: its 10% is shared by four, and depression's stays in its domain.
        ({"nhsn_bsi": None, "clinical_depression": None, "ich_cahps": 9}, "57.0", 57),
        # No score in the domain: 7.5% to safety, and 22.5% in equal parts of 5.625%.
        (
            {"nhsn_bsi": 10, **dict.fromkeys(("srr", "shr", "pppw", "clinical_depression"))},
            "61.5625",
            62,
        ),
    ],
)
def test_the_tps_with_weight_that_is_sent_away(
    scores: dict[str, int | None], unrounded: str, tps: int
) -> None:
    frame = published_scores({**ALL, **scores}, "010001").assign(reason=None)
    found = score_tps(rules=PY2027, performance_year=2025, measure_scores=frame).iloc[0]
    assert (str(found["unrounded_tps"]), found["tps"]) == (unrounded, tps)


def test_weight_that_comes_from_a_measure_is_shared_as_the_domains_row_says() -> None:
    rules = replace(
        PY2027,
        measures=tuple(
            replace(rule, weight_to="clinical_care") if rule.measure == "srr" else rule
            for rule in PY2027.measures
        ),
    )
    missing = frozenset({"srr"})
    assert share_domains(rules, DOMAINS, missing)["clinical_care"] == Fraction("0.425")
    clinical = frozenset({"ktv_topic", "ltc", "strr"})
    # 7.5% in equal parts of 2.5%: 11% + 2.5%, 12% + 2.5%.
    shared = share_measures(rules, "clinical_care", DOMAINS, clinical, missing)
    assert {name: weight * Fraction("0.425") for name, weight in shared.items()} == {
        "ktv_topic": Fraction("0.135"),
        "ltc": Fraction("0.145"),
        "strr": Fraction("0.145"),
    }
    # The others of its own domain keep 7.5% each.
    own = share_measures(
        rules, "care_coordination", DOMAINS, frozenset({"shr", "pppw", "clinical_depression"})
    )
    assert set(own.values()) == {Fraction(1, 3)}


def test_weights_sum_to_one_whatever_is_missing_and_wherever_it_goes() -> None:
    away = {"ltc": "safety", "nhsn_bsi": "clinical_care", "srr": "reporting"}
    rules = replace(
        PY2027,
        measures=tuple(
            replace(rule, weight_to=away.get(rule.measure, rule.weight_to))
            for rule in PY2027.measures
        ),
    )
    names = [rule.measure for rule in rules.domain_measures]
    for bits in range(1, 1 << len(names), 7):
        scored = frozenset(name for at, name in enumerate(names) if bits >> at & 1)
        shares = share_tps(rules, scored)
        assert sum(shares.values()) == 1
        assert min(shares.values()) > 0
        assert set(shares) == scored
