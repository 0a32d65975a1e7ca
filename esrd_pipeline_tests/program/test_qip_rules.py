"""Rule sets are rows: PY 2027 against Tables 18 and 28, an invented year, contradictions fail."""

from dataclasses import replace
from fractions import Fraction

import pandas as pd
import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.parameters.register import Program, RegisterEntry
from esrd_pipeline.program.qip_domains import score_domains
from esrd_pipeline.program.qip_rules import (
    QipRules,
    build_rules,
    known_payment_years,
    load_rules,
)
from esrd_pipeline.program.qip_standards import compute_standards
from esrd_pipeline.program.qip_tps import score_tps
from esrd_pipeline_tests.program.qip_frames import Row, contract, published_scores, score
from esrd_pipeline_tests.reason_texts import text_of

TABLE_18 = {
    "srr": (11, 41, "lower", "discharges"),
    "shr": (5, 14, "lower", "patient_years"),
    "ltc": (11, 25, "lower", "patients"),
    "ktv_adult_hd": (11, 25, "higher", "patients"),
    "ktv_adult_pd": (11, 25, "higher", "patients"),
    "ktv_pediatric_hd": (11, 25, "higher", "patients"),
    "ktv_pediatric_pd": (11, 25, "higher", "patients"),
    "strr": (10, 21, "lower", "patient_years"),
    "nhsn_bsi": (11, 25, "lower", "patients"),
    "pppw": (11, 25, "higher", "patients"),
    "clinical_depression": (11, 25, "higher", "patients"),
}


def made_up_year() -> dict[str, pd.DataFrame]:
    """PY 2031: two domains, a new measure, other weights, its own standards and minimum TPS."""
    measures = pd.DataFrame(
        {
            "payment_year": "2031",
            "measure": ["falls", "pppw", "telehealth"],
            "domain": ["outcomes", "outcomes", "access"],
            "role": "measure",
            "weight": ["2/3", "1/3", "1"],
            "scoring": ["achievement_improvement", "achievement_improvement", "reporting"],
            "precision": ["1", "4", None],
            "reporting_multiplier": [None, None, "10"],
            "reporting_subtrahend": [None, None, "0"],
            "ece_rule": "months",
        }
    )
    measures = measures.reindex(columns=load_parameters("qip_measure").columns).astype("string")
    return {
        "years": pd.DataFrame(
            {
                "payment_year": ["2031"],
                "performance_year": "2029",
                "baseline_year": "2027",
                "improvement_year": "2028",
                "minimum_tps": "60",
                "minimum_scored_domains": "1",
                "standards": "published",
                "achievement_threshold_percentile": "15",
                "performance_standard_percentile": "50",
                "benchmark_percentile": "90",
                "minimum_facilities": "3",
            }
        ),
        "domains": pd.DataFrame(
            {
                "payment_year": "2031",
                "domain": ["outcomes", "access"],
                "weight": ["4/5", "1/5"],
                "weight_if_missing": "equal",
                "weight_of_missing_measures": "equal",
                "is_required": "no",
            }
        ),
        "measures": measures,
        "reductions": pd.DataFrame(
            {
                "payment_year": "2031",
                "points_below_minimum": ["0", "1", "6"],
                "payment_reduction": ["0", "0.25", "3.0"],
            }
        ),
        "standards": pd.DataFrame(
            {
                "payment_year": ["2031"],
                "measure": "falls",
                "achievement_threshold": "8.0",
                "performance_standard": "5.0",
                "benchmark": "2.0",
                "citation": "made up",
            }
        ),
    }


def find_made_up(measure: str, program: Program, performance_year: int) -> RegisterEntry:
    """The made-up year's register: falls are better low, and counted in patients as all are."""
    assert performance_year == 2029
    return RegisterEntry(
        measure=measure,
        program=program,
        family="reporting",
        unit="patients",
        direction="lower" if measure.startswith("falls") else "higher",
        citation="made up",
    )


def build(frames: dict[str, pd.DataFrame]) -> QipRules:
    return build_rules(
        payment_year=2031,
        years=frames["years"],
        domains=frames["domains"],
        measures=frames["measures"],
        reductions=frames["reductions"],
        standards=frames["standards"],
        find=find_made_up,
    )


@pytest.mark.manual("4.1.1")
def test_table_18() -> None:
    rules = load_rules(2027)
    found = {
        rule.measure: (
            rule.small_facility.lower,
            rule.small_facility.upper,
            rule.direction,
            rule.unit,
        )
        for rule in rules.measures
        if rule.small_facility is not None
    }
    assert found == TABLE_18


@pytest.mark.manual("4.1.2", "4.2")
def test_payment_year_2027_is_complete() -> None:
    rules = load_rules(2027)
    assert rules.minimum_tps == 51
    assert (rules.baseline_year, rules.improvement_year, rules.performance_year) == (
        2023,
        2024,
        2025,
    )
    assert len(rules.domain_measures) == 15
    assert [part.measure for part in rules.components_of("ktv_topic")] == [
        "ktv_adult_hd",
        "ktv_adult_pd",
        "ktv_pediatric_hd",
        "ktv_pediatric_pd",
    ]
    assert len(rules.components_of("ich_cahps")) == 6
    assert rules.measures_of("clinical_care")[0].weight == Fraction(11, 35)


def test_an_unknown_year_is_refused_with_those_there_are() -> None:
    assert known_payment_years() == (2024, 2026, 2027)
    with pytest.raises(LookupError, match=r"payment year 2040; there are: 2024, 2026, 2027"):
        load_rules(2040)


def test_a_further_payment_year_needs_rows_only() -> None:
    rules = build(made_up_year())
    baseline = contract(
        2027,
        [
            {"ccn": f"{place:06d}", "measure": "pppw", "value": place / 10}
            for place in (1, 2, 3, 4, 5)
        ],
    )
    standard = compute_standards(
        rules=rules,
        performance_year=2029,
        baseline=baseline,
        baseline_year=2027,
        current=baseline,
    )
    assert standard.set_index("measure")["standard_source"].to_dict() == {
        "falls": "published: made up",
        "pppw": "computed from 2027",
    }
    scores = score(
        rules,
        current=[
            {"measure": "falls", "value": 5.0},
            {"measure": "pppw", "value": 0.5},
            {"measure": "telehealth", "numerator": 7, "denominator": 20},
        ],
        standard=standard.to_dict("records"),
    )
    # falls: 9 x (5 - 8) / (2 - 8) + 0.5 = 5; pppw at its benchmark; 7 / 20 x 10 = 3.5, halves up
    assert scores["score"].to_dict() == {"falls": 5, "pppw": 10, "telehealth": 4}
    domains = score_domains(rules=rules, performance_year=2029, measure_scores=scores.reset_index())
    tps = score_tps(rules=rules, performance_year=2029, measure_scores=scores.reset_index())
    assert domains.set_index("domain")["score"].to_dict() == {"outcomes": 66.665, "access": 40.0}
    # .8 x 200/3 + .2 x 40 = 61.333...
    assert tps["tps"].tolist() == [61]
    assert tps["payment_reduction"].tolist() == [0.0]
    stricter = replace(rules, minimum_tps=62)
    reduced = score_tps(rules=stricter, performance_year=2029, measure_scores=scores.reset_index())
    assert reduced["payment_reduction"].tolist() == [0.25]


@pytest.mark.parametrize(
    ("frame", "column", "value", "message"),
    [
        ("domains", "weight", "1/5", "weights of the domains do not sum to 1"),
        ("domains", "weight_if_missing", "nowhere", "outcomes sends its weight to nowhere"),
        ("domains", "weight_if_missing", "outcomes", "outcomes sends its weight to outcomes"),
        ("domains", "weight_of_missing_measures", "some", "has an unknown sharing, some"),
        ("measures", "weight", "1/3", "weights of the measures of outcomes do not sum to 1"),
        ("measures", "scoring", "guess", "unknown scoring, guess"),
        ("measures", "scoring", "components_mean", "components of falls do not fit"),
        ("reductions", "points_below_minimum", "1", "for a TPS at the minimum"),
    ],
)
def test_contradictions_are_refused(frame: str, column: str, value: str, message: str) -> None:
    frames = made_up_year()
    frames[frame].loc[0, column] = value
    with pytest.raises(ValueError, match=message):
        build(frames)


def test_a_component_without_a_parent_is_refused() -> None:
    frames = made_up_year()
    frames["measures"].loc[3] = frames["measures"].loc[0]
    frames["measures"].loc[3, ["measure", "role", "parent", "weight"]] = [
        "falls_at_night",
        "component",
        "nobody",
        None,
    ]
    with pytest.raises(ValueError, match="falls_at_night has no parent, nobody"):
        build(frames)


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


def test_every_row_is_cited() -> None:
    for name in ("qip_year", "qip_domain", "qip_measure", "qip_reduction", "qip_no_score"):
        assert load_parameters(name)["citation"].str.len().min() > 10
