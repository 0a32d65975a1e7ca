"""Rule sets beside a payment year's own: chosen by name, changed by rows, the default untouched."""

from fractions import Fraction

import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.program.qip_domains import score_domains
from esrd_pipeline.program.qip_rule_sets import (
    DEFAULT,
    Change,
    apply_changes,
    find_rule_set,
    list_changes,
    list_rule_sets,
    load_tables,
)
from esrd_pipeline.program.qip_rules import QipRules, known_payment_years, load_rules
from esrd_pipeline.program.qip_tps import score_tps
from esrd_pipeline_tests.program.qip_frames import published_scores

MANUAL = load_rules(2027)
AMENDED = load_rules(2027, "amended")
DROPPED = {"health_equity", "sdoh_screening", "sdoh_positive"}
FACILITY = {
    "ich_cahps": 5,
    **dict.fromkeys(("srr", "shr", "pppw", "clinical_depression"), 5),
    **dict.fromkeys(("ktv_topic", "ltc", "strr"), 5),
    "nhsn_bsi": 5,
    "hypercalcemia": 10,
    "medication_reconciliation": 9,
    "covid_vaccination": 8,
    "health_equity": 2,
    "sdoh_screening": 0,
    "sdoh_positive": 0,
}
"""Half of everything but the reporting domain, where what the amended set drops is the worst."""


def test_the_default_is_the_manuals_and_nothing_of_it_is_changed() -> None:
    assert MANUAL.rule_set == DEFAULT
    assert {rule.measure: rule.weight for rule in MANUAL.measures_of("reporting")} == dict.fromkeys(
        [
            "hypercalcemia",
            "medication_reconciliation",
            "health_equity",
            "covid_vaccination",
            "sdoh_screening",
            "sdoh_positive",
        ],
        Fraction(1, 6),
    )
    for name, table in load_tables(2027).items():
        assert table.equals(load_parameters(name))
    load_tables(2027, "amended")
    assert load_rules(2027) == MANUAL


def test_the_amended_set_drops_three_measures_and_weighs_the_others_alike() -> None:
    assert AMENDED.rule_set == "amended"
    assert {rule.measure for rule in MANUAL.measures} - {
        rule.measure for rule in AMENDED.measures
    } == DROPPED
    kept = {rule.measure: rule.weight for rule in AMENDED.measures_of("reporting")}
    assert set(kept.values()) == {Fraction(1, 3)}
    assert sum(kept.values()) == 1
    others = [rule for rule in MANUAL.measures if rule.domain != "reporting"]
    assert [rule for rule in AMENDED.measures if rule.domain != "reporting"] == others
    assert (AMENDED.domains, AMENDED.reductions) == (MANUAL.domains, MANUAL.reductions)
    assert AMENDED.minimum_tps == MANUAL.minimum_tps


def test_every_row_of_the_amended_set_says_that_the_rule_was_not_at_hand() -> None:
    text = "the rule's own text was not at hand"
    chosen = find_rule_set(2027, "amended")
    assert chosen is not None
    assert text in chosen.citation
    assert text in chosen.note.lower()
    assert all(text in change.citation for change in list_changes(2027, "amended"))
    measures = load_tables(2027, "amended")["qip_measure"]
    changed = measures[(measures["payment_year"] == "2027") & (measures["domain"] == "reporting")]
    assert changed["citation"].str.endswith(text).all()
    assert changed["citation"].str.startswith("Manual v10.1").all()


def tps_of(rules: QipRules) -> tuple[float, int, float]:
    scores = published_scores(FACILITY)
    domains = score_domains(rules=rules, performance_year=2025, measure_scores=scores)
    (row,) = score_tps(rules=rules, performance_year=2025, measure_scores=scores).to_dict("records")
    reporting = domains.set_index("domain")["score"]["reporting"]
    return reporting, row["tps"], row["payment_reduction"]


def test_a_facility_by_both_sets_by_hand() -> None:
    # Nine tenths of the TPS are 50 points each: 45. The manual's six reporting measures make
    # 10 x (10 + 9 + 8 + 2) / 6 = 48.33, in all 49.83, rounded 50, one point below 51: 0.5%.
    reporting, tps, reduction = tps_of(MANUAL)
    assert reporting == pytest.approx(10 * 29 / 6, abs=0.02)
    assert (tps, reduction) == (50, 0.5)
    # The three that are left make 10 x (10 + 9 + 8) / 3 = 90, in all 54: no reduction.
    reporting, tps, reduction = tps_of(AMENDED)
    assert reporting == pytest.approx(90, abs=0.02)
    assert (tps, reduction) == (54, 0.0)


def test_only_a_set_that_is_named_is_used_and_an_unknown_one_is_refused() -> None:
    assert list_rule_sets(2027) == (DEFAULT, "amended")
    assert list_rule_sets(2026) == (DEFAULT,)
    for year in known_payment_years():
        assert load_rules(year).rule_set == DEFAULT
    with pytest.raises(LookupError, match="payment year 2026 has no rule set amended; it has: def"):
        load_rules(2026, "amended")
    with pytest.raises(LookupError, match=r"no QIP rule set for payment year 2040; there are: "):
        load_rules(2040, "amended")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change("qip_measures", "shr", None, "", "x"), "there is no table qip_measures"),
        (Change("qip_measure", "shrr", None, "", "x"), "qip_measure has no row shrr"),
        (Change("qip_measure", "shr", "wait", "1", "x"), "qip_measure has no column wait"),
    ],
)
def test_a_change_of_what_is_not_there_is_refused(change: Change, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        apply_changes(load_tables(2027), 2027, (change,))
