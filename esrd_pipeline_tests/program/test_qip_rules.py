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
from esrd_pipeline_tests.program.qip_frames import contract, score

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
            "requires_in_center_hemodialysis": "no",
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
                "payment_reduction": ["0", "1.0", "2.0"],
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
        steps=frames.get("steps"),
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
    known = known_payment_years()
    assert known[:3] == (2024, 2026, 2027)
    listed = ", ".join(map(str, known))
    with pytest.raises(LookupError, match=f"payment year 2040; there are: {listed}"):
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
    assert reduced["payment_reduction"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("frame", "column", "value", "message"),
    [
        ("domains", "weight", "1/5", "weights of the domains do not sum to 1"),
        ("domains", "weight_if_missing", "nowhere", "outcomes sends its weight to nowhere"),
        ("domains", "weight_if_missing", "outcomes", "outcomes sends its weight to outcomes"),
        (
            "domains",
            "weight_of_missing_measures",
            "some",
            "row outcomes, column 'weight_of_missing_measures': 'some' is not one of",
        ),
        ("measures", "weight", "1/3", "weights of the measures of outcomes do not sum to 1"),
        ("measures", "weight_if_missing", "nowhere", "falls sends its weight to nowhere"),
        ("measures", "weight_if_missing", "outcomes", "falls sends its weight to outcomes"),
        ("measures", "scoring", "guess", "row falls, column 'scoring': 'guess' is not one of"),
        ("measures", "scoring", "components_mean", "components of falls do not fit"),
        ("reductions", "points_below_minimum", "2", "for a TPS at the minimum"),
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


def with_steps(*steps: tuple[str, str]) -> dict[str, pd.DataFrame]:
    """The made-up year, with telehealth scored by the given steps."""
    frames = made_up_year()
    frames["measures"].loc[2, "scoring"] = "reporting_steps"
    rows = pd.DataFrame(list(steps), columns=["reported_at_least", "score"])
    return frames | {"steps": rows.assign(payment_year="2031", measure="telehealth")}


@pytest.mark.parametrize(
    ("visits", "points"), [(0, 1), (3, 1), (3.5, 1), (4, 7), (99, 7), (100, 10), (101, 10)]
)
def test_another_year_states_its_own_steps(visits: float, points: int) -> None:
    rules = build(with_steps(("100", "10"), ("0", "1"), ("4", "7")))
    row = {"measure": "telehealth", "numerator": visits, "denominator": 120}
    scored = score(rules, current=[row]).loc["telehealth"]
    assert (scored["score"], scored["unrounded_score"]) == (points, points)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((), "the steps of telehealth do not fit its scoring"),
        ((("1", "0"), ("4", "7")), "the steps of telehealth do not begin once each, from 0 on"),
        ((("0", "0"), ("0", "7")), "row telehealth 0, .* the payment year has the row twice"),
        ((("0", "8"), ("4", "7")), "the steps of telehealth give fewer points for more reports"),
    ],
)
def test_steps_that_contradict_themselves_are_refused(
    steps: tuple[tuple[str, str], ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build(with_steps(*steps))


def test_steps_of_a_measure_scored_by_a_formula_are_refused() -> None:
    frames = with_steps(("0", "0"), ("4", "7"))
    frames["measures"].loc[2, "scoring"] = "reporting"
    with pytest.raises(ValueError, match="the steps of telehealth do not fit its scoring"):
        build(frames)


def test_every_row_is_cited() -> None:
    names = ("qip_year", "qip_domain", "qip_measure", "qip_reduction", "qip_step", "qip_no_score")
    for name in names:
        assert load_parameters(name)["citation"].str.len().min() > 10
