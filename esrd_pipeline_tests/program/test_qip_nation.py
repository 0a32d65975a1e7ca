"""A whole nation of facilities scored: order, hand calculation, reasons, standards."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.parameters.reasons import describe_rows
from esrd_pipeline.program.qip_domains import score_domains
from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline.program.qip_scores import score_measures
from esrd_pipeline.program.qip_standards import compute_standards
from esrd_pipeline.program.qip_tps import score_tps
from esrd_pipeline.tables.facility import PUBLISHED_RESULT
from esrd_pipeline_tests.program.qip_frames import Row, contract, directory, grants
from esrd_pipeline_tests.reason_texts import text_of

PY2027 = load_rules(2027)


def nation(year: int, facilities: int = 60) -> pd.DataFrame:
    """A contract with every PY 2027 measure, different in every facility and year."""
    random = np.random.default_rng(year)
    rows: list[Row] = []
    for place in range(facilities):
        for rule in PY2027.measures:
            scale = 1 if rule.precision == 4 else 100 if rule.precision == 2 else 2
            value = round(float(random.beta(6, 3)) * scale, rule.precision)
            count = float(random.integers(5, 90))
            rows.append(
                {
                    "ccn": f"{place:06d}",
                    "measure": rule.measure,
                    "unit_count": count,
                    "value": value if rule.scoring == "achievement_improvement" else None,
                    "numerator": float(random.integers(0, 12)),
                    "denominator": 11.0,
                    "reportable": bool(random.random() > 0.2),
                    "reason": "not_reported_by_cms",
                }
            )
    frame = contract(year, rows)
    frame.loc[frame["reportable"], "reason"] = None
    return frame


def run(current: pd.DataFrame, baseline: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    standard = compute_standards(
        rules=PY2027, performance_year=2025, baseline=baseline, baseline_year=2023, current=current
    )
    measures = score_measures(
        rules=PY2027,
        performance_year=2025,
        current=current,
        improvement=None,
        earlier=baseline,
        standards=standard,
        directory=directory([{"ccn": ccn} for ccn in current["ccn"].unique()]),
        ece_grants=grants([]),
        published_results=pd.DataFrame(columns=PUBLISHED_RESULT.column_names),
    )
    domains = score_domains(rules=PY2027, performance_year=2025, measure_scores=measures)
    tps = score_tps(rules=PY2027, performance_year=2025, measure_scores=measures)
    return standard, measures, domains, tps


def test_the_order_of_rows_does_not_matter() -> None:
    current, baseline = nation(2025), nation(2023)
    shuffled = run(current.sample(frac=1, random_state=1), baseline.sample(frac=1, random_state=2))
    for ours, theirs in zip(run(current, baseline), shuffled, strict=True):
        pd.testing.assert_frame_equal(ours, theirs)


@pytest.mark.manual("4.2.6")
def test_domains_and_tps_can_be_worked_out_by_hand() -> None:
    _, measures, domains, tps = run(nation(2025), nation(2023))
    for ccn, own in measures.groupby("ccn"):
        counted = own.loc[own["weight_in_domain"].notna()]
        sums = (counted["weight_in_domain"] * counted["score"].astype(float)).groupby(
            counted["domain"]
        )
        by_hand = (sums.sum() * 10).round(3)
        stored = domains.loc[domains["ccn"] == ccn].set_index("domain")
        assert by_hand.to_dict() == stored["score"].dropna().to_dict()
        result = tps.loc[tps["ccn"] == ccn].iloc[0]
        if pd.isna(result["tps"]):
            assert stored["score"].notna().sum() < 2
            continue
        # The domains as shown come near; the sum that is written out is exact.
        shown = (stored["weight"] * stored["score"]).sum()
        assert result["unrounded_tps"] == pytest.approx(shown, abs=0.06)
        terms, _, rounded = result["working"].partition(" = ")
        total = sum(
            Fraction(weight) * Fraction(score)
            for weight, score in (term.split(" x ") for term in terms.split(" + "))
        )
        assert result["unrounded_tps"] == float(total)
        assert result["tps"] == int(total + Fraction(1, 2))
        assert rounded == f"{float(total):.7f}, rounded {result['tps']}"


@pytest.mark.manual("4.1")
def test_every_row_has_a_score_or_a_reason() -> None:
    standard, measures, domains, tps = run(nation(2025), nation(2023))
    assert (measures["score"].isna() == measures["reason"].notna()).all()
    assert (domains["score"].isna() == domains["reason"].notna()).all()
    assert (tps["tps"].isna() == tps["reason"].notna()).all()
    assert standard["reason"].isna().all()
    assert len(measures) == 60 * len(PY2027.measures)


@pytest.mark.manual("4.1.2")
def test_standards_are_percentiles_of_performance() -> None:
    rows: list[Row] = [
        {"ccn": f"{place:06d}", "measure": measure, "value": place / 100}
        for place in range(1, 101)
        for measure in ("ltc", "pppw")
    ]
    frame = compute_standards(
        rules=PY2027,
        performance_year=2025,
        baseline=contract(2023, rows),
        baseline_year=2023,
        current=contract(2025, rows[:10]),
    ).set_index("measure")
    marks = ["achievement_threshold", "performance_standard", "benchmark"]
    assert frame.loc["pppw", marks].tolist() == [0.155, 0.505, 0.905]
    assert frame.loc["ltc", marks].tolist() == [0.855, 0.505, 0.105]
    assert frame.loc["ltc", "facility_count"] == 100
    assert pd.isna(frame.loc["ltc", "small_facility_benchmark"])
    assert frame.loc["srr", "facility_count"] == 0
    assert text_of(frame.loc["srr"]) == (
        "fewer than the 10 facilities with a rate that percentiles need"
    )


def test_no_baseline_no_standard() -> None:
    frame = compute_standards(
        rules=PY2027,
        performance_year=2025,
        baseline=None,
        baseline_year=2023,
        current=contract(2025, [{"measure": "ltc", "value": 0.1}]),
    )
    assert frame["benchmark"].isna().all()
    assert set(describe_rows(frame)) == {
        "no published standard, and no facilities of 2023 to compute one from"
    }
