"""Domain scores, TPS and reductions: Examples 1 to 9 and Table 28, to the published digit."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esrd_pipeline.program.qip_domains import score_domains
from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.program.qip_tps import reduce_payment, score_tps, unscored
from esrd_pipeline.program.qip_weights import share_domains, share_measures
from esrd_pipeline_tests.program.qip_frames import directory, published_scores
from esrd_pipeline_tests.reason_texts import text_of

PY2027 = load_rules(2027)
EVERY = [rule.measure for rule in PY2027.domain_measures]
EXAMPLES: dict[str, int | None] = {
    "ich_cahps": 9,
    "srr": 8,
    "shr": 8,
    "pppw": 7,
    "clinical_depression": 10,
    "strr": 10,
    "ktv_topic": 10,
    "ltc": 9,
    "nhsn_bsi": 9,
    "hypercalcemia": 10,
    "medication_reconciliation": 10,
    "sdoh_screening": 9,
    "sdoh_positive": 8,
    "health_equity": 10,
    "covid_vaccination": 9,
}
PATTERNS = st.fixed_dictionaries(
    {name: st.none() | st.integers(min_value=0, max_value=10) for name in EVERY}
)


def domains_of(scores: Mapping[str, int | None]) -> pd.DataFrame:
    frame = score_domains(
        rules=PY2027, performance_year=2025, measure_scores=published_scores(scores)
    )
    return frame.set_index("domain", drop=False)


def tps_of(scores: Mapping[str, int | None]) -> pd.Series:
    frame = score_tps(rules=PY2027, performance_year=2025, measure_scores=published_scores(scores))
    assert len(frame) == 1
    return frame.iloc[0]


@pytest.mark.manual("4.2.1 to 4.2.5")
def test_examples_1_to_5_domain_scores() -> None:
    domains = domains_of(EXAMPLES)
    assert domains["score"].map("{:.3f}".format).to_dict() == {
        "patient_family_engagement": "90.000",
        "care_coordination": "82.500",
        "clinical_care": "96.581",
        "safety": "90.000",
        "reporting": "93.352",
    }
    assert domains["working"]["safety"] == "(1.0000 x 9) x 10 = 90.000"
    assert domains["working"]["clinical_care"].count(".3429 x ") == 2
    assert domains["reason"].isna().all()


@pytest.mark.manual("4.2.6")
def test_example_6_tps() -> None:
    tps = tps_of(EXAMPLES)
    assert tps["tps"] == 90
    assert tps["payment_reduction"] == 0
    exact = (
        Fraction("0.15") * 90
        + Fraction("0.3") * Fraction("82.5")
        + Fraction("0.35") * (Fraction(11, 35) * 100 + Fraction(12, 35) * 190)
        + Fraction("0.1") * 90
        + Fraction("0.1") * Fraction(560, 6)
    )
    assert tps["unrounded_tps"] == float(exact)
    assert tps["working"] == (
        "0.15 x 90 + 0.3 x 82.5 + 0.35 x 676/7 + 0.1 x 90 + 0.1 x 280/3 = 90.3833333, rounded 90"
    )


@pytest.mark.manual("4.2.7.2")
def test_example_7_clinical_care_without_ktv() -> None:
    domains = domains_of(EXAMPLES | {"ktv_topic": None})
    assert domains["score"]["clinical_care"] == 95.0
    assert domains["working"]["clinical_care"] == "(.5000 x 9 + .5000 x 10) x 10 = 95.000"
    assert domains["scored_count"]["clinical_care"] == 2
    assert domains["weight"]["clinical_care"] == 0.35


@pytest.mark.manual("4.2.7.3", "4.2.8.2")
@pytest.mark.parametrize(
    ("missing", "weights"),
    [
        (["ktv_topic"], ["0.15", "0.3", "0.35", "0.1", "0.1"]),
        (["ktv_topic", "nhsn_bsi"], ["0.175", "0.325", "0.375", "0.125"]),
    ],
)
def test_examples_8_and_9(missing: list[str], weights: list[str]) -> None:
    """Both examples print 78 for care coordination, which Example 2's scores do not give."""
    shown = {
        "patient_family_engagement": Fraction(90),
        "care_coordination": Fraction(78),
        "clinical_care": Fraction(95),
        "safety": Fraction(90),
        "reporting": Fraction("93.352"),
    }
    scores = EXAMPLES | dict.fromkeys(missing)
    if "nhsn_bsi" in missing:
        del shown["safety"]
    shares = share_domains(PY2027, frozenset(shown))
    assert list(shares.values()) == [Fraction(weight) for weight in weights]
    total = sum(shares[name] * score for name, score in shown.items())
    assert int(total + Fraction(1, 2)) == 88
    # The nearest that four scores of equal weight come to 78 is 77.5.
    nearest = tps_of(scores | {"srr": 8, "shr": 8, "pppw": 7, "clinical_depression": 8})
    assert nearest["tps"] == 88
    assert nearest["unrounded_tps"] == pytest.approx(float(total), abs=0.2)


def test_a_domain_missing_changes_weights_within_the_others() -> None:
    domains = domains_of(EXAMPLES | {"nhsn_bsi": None})
    assert domains["reason"]["safety"] == "no_measure_scored"
    # Table 27: 34.22, 31.56, 34.22
    assert domains["score"]["clinical_care"] == pytest.approx(96.578)
    assert ".3156 x 10" in domains["working"]["clinical_care"]


@pytest.mark.manual("4.3")
@pytest.mark.parametrize(
    ("tps", "percent"),
    [
        *((score, 0.0) for score in (100, 51)),
        *((score, 0.5) for score in (50, 41)),
        *((score, 1.0) for score in (40, 31)),
        *((score, 1.5) for score in (30, 21)),
        *((score, 2.0) for score in (20, 0)),
    ],
)
def test_table_28(tps: int, percent: float) -> None:
    assert reduce_payment(PY2027, np.array([tps])).tolist() == [percent]


@pytest.mark.parametrize(
    ("survey", "infections", "unrounded", "tps", "percent"),
    [(6, 4, 50.5, 51, 0.0), (5, 3, 40.5, 41, 0.5), (4, 2, 30.5, 31, 1.0), (3, 1, 20.5, 21, 1.5)],
)
def test_a_tps_is_rounded_halves_up_before_the_reduction(
    survey: int, infections: int, unrounded: float, tps: int, percent: float
) -> None:
    # .15 + .75/2 = .525 and .1 + .75/2 = .475
    found = tps_of(dict.fromkeys(EVERY) | {"ich_cahps": survey, "nhsn_bsi": infections})
    assert (found["unrounded_tps"], found["tps"]) == (unrounded, tps)
    assert found["payment_reduction"] == percent


def test_perfect_scores_give_100() -> None:
    perfect = dict.fromkeys(EVERY, 10)
    assert domains_of(perfect)["score"]["reporting"] == 100.02
    assert tps_of(perfect)["tps"] == 100


@pytest.mark.manual("4.2", "4.2.7", "4.2.8")
def test_one_domain_is_not_enough() -> None:
    tps = tps_of(dict.fromkeys(EVERY) | {"covid_vaccination": 10})
    assert pd.isna(tps["tps"])
    assert tps["payment_reduction"] == 0
    assert text_of(tps) == "scored in fewer than 2 domains"
    assert tps["working"] == "scored in 1 of 5 domains (covid_vaccination)"
    two = tps_of(dict.fromkeys(EVERY) | {"covid_vaccination": 0, "ltc": 0})
    assert (two["tps"], two["payment_reduction"]) == (0, 2.0)
    none = tps_of(dict.fromkeys(EVERY))
    assert none["working"] == "scored in 0 of 5 domains (on no measure)"


def test_a_year_without_rules_scores_nobody() -> None:
    frame = unscored(
        performance_year=2021,
        directory=directory([{"ccn": "02"}, {"ccn": "01"}]),
        reason="no_rule_set",
    )
    assert frame["ccn"].tolist() == ["01", "02"]
    assert frame["tps"].isna().all()
    # Nobody knows what a reduction would be without rules: it is not 0.
    assert frame["payment_reduction"].isna().all()
    assert set(frame["reason"]) == {"no_rule_set"}


@given(PATTERNS)
def test_scores_of_any_pattern_are_those_of_exact_fractions(
    scores: dict[str, int | None],
) -> None:
    there = {name: score for name, score in scores.items() if score is not None}
    by_domain = {
        domain.name: frozenset(r.measure for r in PY2027.measures_of(domain.name)) & set(there)
        for domain in PY2027.domains
    }
    present = frozenset(name for name, measures in by_domain.items() if measures)
    total = Fraction(0)
    if len(present) >= 2:
        for domain, share in share_domains(PY2027, present).items():
            weights = share_measures(PY2027, domain, present, by_domain[domain])
            total += share * sum(weight * there[name] * 10 for name, weight in weights.items())
        found = tps_of(scores)
        assert found["unrounded_tps"] == float(total)
        assert found["tps"] == (2 * total.numerator + total.denominator) // (2 * total.denominator)
    else:
        assert pd.isna(tps_of(scores)["tps"])


@given(PATTERNS, st.sampled_from(EVERY))
def test_a_tps_never_falls_when_a_measure_score_rises(
    scores: dict[str, int | None], measure: str
) -> None:
    score = scores[measure]
    if score is None or score == 10:
        return
    before, after = tps_of(scores), tps_of(scores | {measure: score + 1})
    assert pd.isna(before["tps"]) == pd.isna(after["tps"])
    if not pd.isna(before["tps"]):
        assert after["unrounded_tps"] > before["unrounded_tps"]
        assert after["tps"] >= before["tps"]
        assert after["payment_reduction"] <= before["payment_reduction"]
