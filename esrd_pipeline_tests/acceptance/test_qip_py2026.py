"""The published PY 2026 rows: all that one row alone determines is recomputed and must agree.

The rates' standards are not in the file, so clinical scores are taken as published; scores computed
from them and from counts are ours.
"""

import csv
from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.program.qip_rules import QipRules, build_rules, load_rules
from esrd_pipeline.program.qip_tps import reduce_payment, score_tps
from esrd_pipeline_tests.program.qip_frames import Row, score
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public

pytestmark = needs_cms_public

PY2026 = load_rules(2026)
SCORE_COLUMNS = {
    "ich_cahps": "ICH CAHPS Measure Score",
    "srr": "Standardized Readmission Ratio (SRR) Measure Score",
    "shr": "Standardized Hospitalization Ratio (SHR) Measure Score",
    "pppw": "PPPW Measure Score",
    "clinical_depression": "Clinical Depression Screening and Follow-up Measure Score",
    "ktv_comprehensive": "Kt/V Comprehensive Measure Score",
    "ltc": "Long-term Catheter Measure Score",
    "strr": "Standardized Transfusion Ratio (STrR) Measure Score",
    "nhsn_bsi": "NHSN BSI Measure Score",
    "hypercalcemia": "Hypercalcemia Measure Score",
    "medication_reconciliation": "MedRec Measure Score",
    "health_equity": "FCHE Measure Score",
    "covid_vaccination": "COVID-19 HCP Measure Score",
    "nhsn_dialysis_event": "NHSN Dialysis Event Reporting Measure Score",
}
COUNT_COLUMNS = {
    "health_equity": ("FCHE Number of Domains Reported", 5),
    "covid_vaccination": ("COVID-19 HCP Number of Months Reported", 12),
    "nhsn_dialysis_event": ("NHSN Dialysis Event Reporting Number of Months Reported", 12),
}


def published_rows() -> list[dict[str, str]]:
    path = CMS_PUBLIC / "QIP_COMPLETE_PY2026_header_and_8rows.csv"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def published(text: str) -> int | None:
    return None if text in {"No Score", "-"} else int(text)


def published_scores() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "ccn": row["CMS Certification Number (CCN)"],
                "measure": measure,
                "score": published(row[column]),
            }
            for row in published_rows()
            for measure, column in SCORE_COLUMNS.items()
        ]
    )


def recomputed_tps(rules: QipRules) -> pd.DataFrame:
    scores = published_scores()
    tps = score_tps(rules=rules, performance_year=2024, measure_scores=scores)
    return tps.set_index("ccn")


def published_tps() -> dict[str, int | None]:
    return {
        row["CMS Certification Number (CCN)"]: published(row["Total Performance Score"])
        for row in published_rows()
    }


def test_the_measures_of_the_file_are_those_of_the_rule_set() -> None:
    assert set(SCORE_COLUMNS) == {rule.measure for rule in PY2026.domain_measures}
    assert len(published_rows()) == 8


def test_tps_and_reduction_follow_from_the_printed_measure_scores() -> None:
    ours = recomputed_tps(PY2026)
    for row in published_rows():
        ccn = row["CMS Certification Number (CCN)"]
        tps = published(row["Total Performance Score"])
        assert (None if pd.isna(ours.loc[ccn, "tps"]) else ours.loc[ccn, "tps"]) == tps
        reduction = row["PY2026 Payment Reduction Percentage"]
        assert f"{ours.loc[ccn, 'payment_reduction']:.1f}%" == reduction
    assert ours.loc["032316", "reason"] == "too_few_scored_domains"
    assert ours.loc["032316", "working"] == "scored in 1 of 5 domains (covid_vaccination)"


def test_the_reduction_follows_from_the_printed_tps() -> None:
    for row in published_rows():
        tps = published(row["Total Performance Score"])
        if tps is not None:
            percent = reduce_payment(PY2026, np.array([tps]))[0]
            assert f"{percent:.1f}%" == row["PY2026 Payment Reduction Percentage"]


@pytest.mark.parametrize("minimum", range(45, 62))
def test_the_rows_confine_the_minimum_tps_to_52_to_56(minimum: int) -> None:
    years = load_parameters("qip_year").assign(minimum_tps=str(minimum))
    rules = build_rules(
        payment_year=2026,
        years=years,
        domains=load_parameters("qip_domain"),
        measures=load_parameters("qip_measure"),
        reductions=load_parameters("qip_reduction"),
        standards=load_parameters("qip_standard"),
    )
    agrees = all(
        f"{reduce_payment(rules, np.array([tps]))[0]:.1f}%"
        == row["PY2026 Payment Reduction Percentage"]
        for row in published_rows()
        if (tps := published(row["Total Performance Score"])) is not None
    )
    assert agrees == (52 <= minimum <= 56)
    assert 52 <= PY2026.minimum_tps <= 56


@pytest.mark.parametrize(
    ("srr", "shr", "pppw", "depression", "agreeing"),
    [
        ("3/10", "3/10", "1/5", "1/5", 7),
        ("1/4", "1/4", "1/4", "1/4", 2),
        ("2/5", "2/5", "1/10", "1/10", 1),
    ],
)
def test_what_the_rows_say_of_care_coordination_weights(
    srr: str, shr: str, pppw: str, depression: str, agreeing: int
) -> None:
    """The rule's table is not at hand: the weights are those that reproduce every printed TPS."""
    measures = load_parameters("qip_measure").copy()
    for measure, weight in {
        "srr": srr,
        "shr": shr,
        "pppw": pppw,
        "clinical_depression": depression,
    }.items():
        measures.loc[measures["measure"] == measure, "weight"] = weight
    rules = build_rules(
        payment_year=2026,
        years=load_parameters("qip_year"),
        domains=load_parameters("qip_domain"),
        measures=measures,
        reductions=load_parameters("qip_reduction"),
        standards=load_parameters("qip_standard"),
    )
    ours = recomputed_tps(rules)["tps"]
    known = {ccn: tps for ccn, tps in published_tps().items() if tps is not None}
    assert sum(int(ours[ccn]) == tps for ccn, tps in known.items()) == agreeing
    shipped = {rule.measure: rule.weight for rule in PY2026.measures_of("care_coordination")}
    assert shipped["shr"] == Fraction(3, 10)


@pytest.mark.parametrize("measure", COUNT_COLUMNS)
def test_reporting_scores_follow_from_the_printed_counts(measure: str) -> None:
    column, whole = COUNT_COLUMNS[measure]
    compared = 0
    for row in published_rows():
        count = published(row[column])
        found: Row = (
            {"numerator": count, "denominator": whole}
            if count is not None
            else {"reportable": False, "reason": "printed_dash"}
        )
        ours = score(PY2026, current=[{"measure": measure, **found}]).loc[measure, "score"]
        expected = published(row[SCORE_COLUMNS[measure]])
        assert (None if pd.isna(ours) else int(ours)) == expected
        compared += expected is not None
    assert compared >= 7


@pytest.mark.parametrize(("months", "points"), [(12, 10), (11, 2), (6, 2), (5, 0), (1, 0), (0, 0)])
def test_dialysis_events_are_scored_by_steps(months: int, points: int) -> None:
    """Real years: 12 months score 10, 6 to 11 score 2, 0 to 5 score 0."""
    row: Row = {"measure": "nhsn_dialysis_event", "numerator": months, "denominator": 12}
    scored = score(PY2026, current=[row]).loc["nhsn_dialysis_event"]
    assert (scored["score"], scored["unrounded_score"]) == (points, points)
    assert (scored["applied"], scored["rate"]) == ("reporting", months / 12)


def test_a_year_of_dialysis_events_has_no_score_between_the_steps() -> None:
    """Payment year 2024 prints the scores of 7,045 facilities, and no counts."""
    path = CMS_PUBLIC / "py2024_qip" / "NHSN_DIALYSIS_EVENT.csv"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        printed = [row["NHSN DE and Follow-up Measure Score"] for row in csv.DictReader(lines)]
    (rule,) = (rule for rule in PY2026.measures if rule.measure == "nhsn_dialysis_event")
    counted = Counter(map(published, printed))
    assert counted == {10: 6714, 2: 210, 0: 121, None: 670}
    assert {step.score for step in rule.reporting.steps} == set(counted) - {None}


def test_a_rate_no_facility_can_better_scores_10_whatever_the_benchmark() -> None:
    perfect = {
        "clinical_depression": (
            "Clinical Depression Screening and Follow-up Achievement Measure Rate",
            "1.0000",
        ),
        "nhsn_bsi": ("NHSN BSI Achievement Measure Ratio", "0.000"),
    }
    compared = 0
    for measure, (column, best) in perfect.items():
        for row in published_rows():
            if row[column] == best:
                ours = score(
                    PY2026,
                    current=[{"measure": measure, "value": float(best), "unit_count": 64}],
                    standard=[
                        {
                            "measure": measure,
                            "achievement_threshold": 0.5,
                            "benchmark": float(best),
                        }
                    ],
                )
                assert ours.loc[measure, "score"] == published(row[SCORE_COLUMNS[measure]])
                compared += 1
    assert compared == 3


def test_surveys_below_thirty_are_not_scored() -> None:
    for row in published_rows():
        count = row["ICH CAHPS Achievement Period Count of Completed Surveys"]
        is_scored = published(row["ICH CAHPS Measure Score"]) is not None
        assert is_scored == (count.isdigit() and int(count) >= 30)
