"""Weights as applied: Tables 20 to 27 and every pattern of missing measures and domains."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain, combinations

import numpy as np
import pytest

from esrd_pipeline.program.qip_rules import QipRules, known_payment_years, load_rules
from esrd_pipeline.program.qip_weights import apply_weights, share_domains, share_measures

PY2027 = load_rules(2027)
DOMAINS = frozenset(domain.name for domain in PY2027.domains)


def subsets(names: frozenset[str]) -> Iterator[frozenset[str]]:
    ordered = sorted(names)
    every = chain.from_iterable(combinations(ordered, size) for size in range(1, len(names) + 1))
    return (frozenset(chosen) for chosen in every)


def percent(weight: Fraction, digits: int = 2) -> str:
    return f"{float(weight) * 100:.{digits}f}"


def measures_of(rules: QipRules, domain: str) -> frozenset[str]:
    return frozenset(rule.measure for rule in rules.measures_of(domain))


@pytest.mark.manual("4.2.1 to 4.2.5")
def test_tables_20_to_24() -> None:
    published = {
        "patient_family_engagement": {"ich_cahps": "100.00"},
        "care_coordination": dict.fromkeys(("srr", "shr", "pppw", "clinical_depression"), "25.00"),
        "clinical_care": {"strr": "34.29", "ktv_topic": "31.43", "ltc": "34.29"},
        "safety": {"nhsn_bsi": "100.00"},
        "reporting": dict.fromkeys(
            (
                "hypercalcemia",
                "medication_reconciliation",
                "health_equity",
                "covid_vaccination",
                "sdoh_screening",
                "sdoh_positive",
            ),
            "16.67",
        ),
    }
    for domain, weights in published.items():
        applied = share_measures(PY2027, domain, DOMAINS, measures_of(PY2027, domain))
        assert {measure: percent(weight) for measure, weight in applied.items()} == weights


@pytest.mark.manual("4.2.7.1", "4.2.7.2")
def test_table_25_and_26_without_ktv() -> None:
    applied = share_measures(PY2027, "clinical_care", DOMAINS, frozenset({"ltc", "strr"}))
    domain = share_domains(PY2027, DOMAINS)["clinical_care"]
    assert {measure: percent(weight) for measure, weight in applied.items()} == {
        "ltc": "50.00",
        "strr": "50.00",
    }
    assert percent(applied["ltc"] * domain) == "17.50"
    whole = share_measures(PY2027, "clinical_care", DOMAINS, measures_of(PY2027, "clinical_care"))
    assert percent(whole["ktv_topic"] * domain) == "11.00"
    assert percent(whole["strr"] * domain) == "12.00"


@pytest.mark.manual("4.2.8.1")
def test_table_27_without_safety() -> None:
    present = DOMAINS - {"safety"}
    domains = share_domains(PY2027, present)
    assert {name: percent(weight) for name, weight in domains.items()} == {
        "patient_family_engagement": "17.50",
        "care_coordination": "32.50",
        "clinical_care": "37.50",
        "reporting": "12.50",
    }
    clinical = share_measures(
        PY2027, "clinical_care", present, measures_of(PY2027, "clinical_care")
    )
    assert percent(clinical["ktv_topic"]) == "31.56"
    assert percent(clinical["ltc"]) == "34.22"
    assert percent(clinical["ktv_topic"] * domains["clinical_care"]) == "11.83"
    assert percent(clinical["strr"] * domains["clinical_care"]) == "12.83"
    care = share_measures(
        PY2027, "care_coordination", present, measures_of(PY2027, "care_coordination")
    )
    assert percent(care["srr"] * domains["care_coordination"], 3) == "8.125"
    reporting = share_measures(PY2027, "reporting", present, measures_of(PY2027, "reporting"))
    assert percent(reporting["hypercalcemia"]) == "16.67"
    assert percent(reporting["hypercalcemia"] * domains["reporting"]) == "2.08"


@pytest.mark.parametrize("payment_year", known_payment_years())
def test_weights_sum_to_one_in_every_pattern(payment_year: int) -> None:
    rules = load_rules(payment_year)
    names = frozenset(domain.name for domain in rules.domains)
    patterns = list(subsets(names))
    assert len(patterns) == 2 ** len(rules.domains) - 1
    for present in patterns:
        domains = share_domains(rules, present)
        assert sum(domains.values()) == 1
        for domain in present:
            for scored in subsets(measures_of(rules, domain)):
                weights = share_measures(rules, domain, present, scored)
                assert sum(weights.values()) == 1
                assert set(weights) == set(scored)
                assert min(weights.values()) > 0


def test_a_missing_measures_weight_is_shared_in_equal_parts() -> None:
    whole = share_measures(PY2027, "clinical_care", DOMAINS, measures_of(PY2027, "clinical_care"))
    without = share_measures(PY2027, "clinical_care", DOMAINS, frozenset({"ktv_topic", "ltc"}))
    assert without["ktv_topic"] - whole["ktv_topic"] == without["ltc"] - whole["ltc"]


def test_applied_weights_by_facility_are_those_of_its_pattern() -> None:
    names = [rule.measure for rule in PY2027.domain_measures]
    scored = np.ones((3, len(names)), dtype=bool)
    scored[1, names.index("ktv_topic")] = False
    scored[2, :] = False
    weights = apply_weights(PY2027, scored, unknown=np.zeros_like(scored))
    clinical = [names.index(name) for name in ("ktv_topic", "ltc", "strr")]
    assert weights.total.tolist() == [600, 120, 1]
    assert weights.measures[0, clinical].tolist() == [66, 72, 72]
    assert weights.measures[1, clinical].tolist() == [0, 21, 21]
    assert weights.domains.tolist() == [
        [90, 180, 210, 60, 60],
        [18, 36, 42, 12, 12],
        [0, 0, 0, 0, 0],
    ]
    assert weights.measures[2].tolist() == [0] * len(names)


def test_weights_are_shown_with_four_decimals() -> None:
    names = [rule.measure for rule in PY2027.domain_measures]
    scored = np.ones((2, len(names)), dtype=bool)
    scored[1, :] = False
    weights = apply_weights(PY2027, scored, unknown=np.zeros_like(scored))
    shown = dict(zip(names, weights.show_measures(PY2027)[0].tolist(), strict=True))
    assert [shown[name] for name in ("ktv_topic", "ltc", "hypercalcemia")] == [3143, 3429, 1667]
    assert weights.show_domains().tolist() == [[1500, 3000, 3500, 1000, 1000], [0] * 5]
    assert not weights.show_measures(PY2027)[1].any()


def with_domain(name: str, **values: object) -> QipRules:
    """The rules of 2027 with other values in one domain's row."""
    return replace(
        PY2027,
        domains=tuple(
            replace(domain, **values) if domain.name == name else domain
            for domain in PY2027.domains
        ),
    )


def test_a_missing_domains_weight_goes_to_the_domain_its_row_names() -> None:
    rules = with_domain("safety", weight_to="clinical_care")
    domains = share_domains(rules, DOMAINS - {"safety"})
    assert {name: percent(weight, 0) for name, weight in domains.items()} == {
        "patient_family_engagement": "15",
        "care_coordination": "30",
        "clinical_care": "45",
        "reporting": "10",
    }
    # Its measures share what came in equal parts: 11 + 10/3.
    clinical = share_measures(
        rules, "clinical_care", DOMAINS - {"safety"}, measures_of(rules, "clinical_care")
    )
    assert clinical["ktv_topic"] * domains["clinical_care"] == Fraction(43, 300)
    # Where the named domain has no score either, all the others share in equal parts.
    without = share_domains(rules, frozenset({"care_coordination", "reporting"}))
    assert without == {"care_coordination": Fraction(3, 5), "reporting": Fraction(2, 5)}


def test_a_missing_domains_weight_is_shared_in_proportion_where_its_row_says_so() -> None:
    rules = with_domain("safety", weight_to="proportional")
    domains = share_domains(rules, DOMAINS - {"safety"})
    for domain in PY2027.domains:
        if domain.name != "safety":
            assert domains[domain.name] == domain.weight / Fraction("0.9")


def test_missing_measures_weight_is_shared_in_proportion_where_the_row_says_so() -> None:
    rules = with_domain("clinical_care", sharing="proportional")
    scored = frozenset({"ktv_topic", "ltc"})
    assert share_measures(rules, "clinical_care", DOMAINS, scored) == {
        "ktv_topic": Fraction(11, 23),
        "ltc": Fraction(12, 23),
    }


def test_a_facility_with_a_score_that_is_not_known_has_no_weights() -> None:
    names = [rule.measure for rule in PY2027.domain_measures]
    scored = np.ones((2, len(names)), dtype=bool)
    scored[:, names.index("ich_cahps")] = False
    unknown = np.zeros_like(scored)
    unknown[1, names.index("ich_cahps")] = True
    weights = apply_weights(PY2027, scored, unknown=unknown)
    assert weights.domains[0].any()
    assert not weights.domains[1].any()
    assert not weights.measures[1].any()
