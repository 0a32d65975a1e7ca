"""Measure scores: facilities scored, inputs, and every boundary of the manual."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esrd_pipeline.program.qip_period import list_unplaced
from esrd_pipeline.program.qip_rules import load_rules
from esrd_pipeline_tests.program.qip_frames import Row, score
from esrd_pipeline_tests.reason_texts import text_of

PY2026 = load_rules(2026)
PY2027 = load_rules(2027)
LTC: Row = {"measure": "ltc", "achievement_threshold": 0.2, "benchmark": 0.1}
PPPW: Row = {"measure": "pppw", "achievement_threshold": 0.1, "benchmark": 0.4}
SURVEY = [part.measure for part in PY2027.components_of("ich_cahps")]


def score_ltc(value: float, earlier: float | None = None, **row: object) -> pd.Series:
    frame = score(
        PY2027,
        current=[{"measure": "ltc", "value": value, "unit_count": 80, **row}],
        improvement=None if earlier is None else [{"measure": "ltc", "value": earlier}],
        standard=[{**LTC, "small_facility_benchmark": 0.08}],
    )
    return frame.loc["ltc"]


@pytest.mark.manual("4.1.2.1")
@pytest.mark.parametrize(
    ("rate", "points"),
    [
        (0.1, 10),
        (0.0, 10),
        (0.1001, 9),
        (0.2, 1),
        (0.2001, 0),
        (0.1889, 1),
        (0.1888, 2),
        (0.15, 5),
        (0.10004, 10),
        (0.20005, 0),
    ],
)
def test_achievement_at_its_boundaries(rate: float, points: int) -> None:
    scored = score_ltc(rate)
    assert scored["score"] == points
    assert scored["applied"] == "achievement"
    assert pd.isna(scored["improvement_score"])


@pytest.mark.manual("4.1.2")
@pytest.mark.parametrize(
    ("rate", "earlier", "points", "applied"),
    [
        (0.25, 0.25, 0, "achievement"),
        (0.26, 0.25, 0, "achievement"),
        (0.25, 0.6, 7, "improvement"),
        (0.1001, 0.6, 9, "achievement"),
        (0.15, 0.2, 5, "achievement"),
        (0.15, 0.21, 5, "achievement"),
    ],
)
def test_the_larger_score_counts_and_ties_go_to_achievement(
    rate: float, earlier: float, points: int, applied: str
) -> None:
    scored = score_ltc(rate, earlier)
    assert (scored["score"], scored["applied"]) == (points, applied)
    assert scored["improvement_source"] == "published in the 2025 file"


@pytest.mark.manual("4.1.2.2")
@pytest.mark.parametrize(("rate", "earlier"), [(0.1, 0.5), (0.15, 0.1), (0.15, 0.05)])
def test_there_is_no_improvement_at_or_better_than_the_benchmark(
    rate: float, earlier: float
) -> None:
    assert pd.isna(score_ltc(rate, earlier)["improvement_score"])


@pytest.mark.manual("4.1.1")
@pytest.mark.parametrize(
    ("count", "adjusted"),
    [
        (11, 0.2154),  # 11/26 x .4 + 15/26 x .08 = .215384...
        (25, 0.3877),  # 25/26 x .4 + 1/26 x .08 = .387692...
        (26, None),
        (25.5, None),
        (None, None),
    ],
)
def test_the_adjustment_holds_from_l_to_c(count: float | None, adjusted: float | None) -> None:
    scored = score_ltc(0.4, unit_count=count)
    if adjusted is None:
        assert pd.isna(scored["adjusted_rate"])
        assert pd.isna(scored["small_facility_benchmark"])
    else:
        assert scored["adjusted_rate"] == adjusted
        assert scored["small_facility_benchmark"] == 0.08
    assert scored["rate"] == 0.4
    assert scored["score"] == 0


def test_the_adjustment_moves_both_scores() -> None:
    scored = score_ltc(0.25, 0.3, unit_count=11)
    # 11/26 x .25 + 15/26 x .08 = .151923...; 9 x .0481/.1 + .5; 10 x .1481/.2 - .5
    assert scored["adjusted_rate"] == 0.1519
    assert (scored["achievement_score"], scored["improvement_score"]) == (5, 7)
    assert (scored["score"], scored["applied"]) == (7, "improvement")


@pytest.mark.manual("4.1.1")
@pytest.mark.parametrize(
    ("rate", "mark", "adjusted", "points"),
    [
        (0.2502, 0.04765, 0.1333, 7),  # (11 x .2502 + 15 x .04765) / 26 = .1333442...
        (0.2502, 0.0477, 0.1334, 6),  # .1333730...; 9 x .0666 / .1 + .5 = 6.494
        (0.25024, 0.04765, 0.1334, 6),  # .1333611...
        (0.04764, 0.04765, None, 10),
        (0.04766, 0.04765, 0.0477, 10),  # rounded like .04765, but worse
    ],
)
def test_rate_and_period_benchmark_are_not_rounded_before_the_adjustment(
    rate: float, mark: float, adjusted: float | None, points: int
) -> None:
    scored = score(
        PY2027,
        current=[{"measure": "ltc", "value": rate, "unit_count": 11}],
        standard=[{**LTC, "small_facility_benchmark": mark}],
    ).loc["ltc"]
    found = scored["adjusted_rate"]
    assert pd.isna(found) if adjusted is None else found == adjusted
    assert scored["score"] == points


@pytest.mark.manual("4.1.1")
def test_a_rate_cms_printed_is_not_adjusted_again() -> None:
    """Payment year 2026: 0.1887 of 12 patients, printed with score 0."""
    marks: Row = {
        "measure": "ltc",
        "achievement_threshold": 0.1766,
        "benchmark": 0.043,
        "small_facility_benchmark": 0.0309,
    }
    row: Row = {"measure": "ltc", "value": 0.1887, "unit_count": 12}
    printed = score(PY2026, current=[{**row, "is_adjusted": True}], standard=[marks]).loc["ltc"]
    assert (printed["rate"], printed["score"], printed["applied"]) == (0.1887, 0, "achievement")
    assert pd.isna(printed["adjusted_rate"])
    assert pd.isna(printed["small_facility_benchmark"])
    raw = score(PY2026, current=[{**row, "is_adjusted": False}], standard=[marks]).loc["ltc"]
    # 12/26 x .1887 + 14/26 x .0309 = .10373...; 9 x (.1766 - .1037) / .1336 + .5 = 5.41...
    assert (raw["adjusted_rate"], raw["score"]) == (0.1037, 5)


def test_an_adjusted_rate_of_the_year_before_is_named_as_such() -> None:
    stored: list[Row] = [{"measure": "ltc", "value": 0.3, "is_adjusted": True}]
    current: list[Row] = [{"measure": "ltc", "value": 0.15, "unit_count": 80}]
    scored = score(PY2027, current=current, standard=[LTC], earlier=stored).loc["ltc"]
    assert scored["improvement_rate"] == 0.3
    assert scored["improvement_source"] == "performance year 2024, adjusted as printed"


def test_a_rate_better_than_the_period_benchmark_is_not_adjusted() -> None:
    assert pd.isna(score_ltc(0.08, unit_count=11)["adjusted_rate"])


@pytest.mark.manual("4.1")
def test_too_few_units_and_hidden_units() -> None:
    few = score_ltc(0.1, unit_count=10)
    assert pd.isna(few["score"])
    assert text_of(few) == "fewer than 11 patients"
    hidden = score_ltc(0.1, unit_count=None)
    assert hidden["score"] == 10


def test_the_files_own_reason_is_kept() -> None:
    found = score_ltc(np.nan, reportable=False, reason="footnote_3", reason_number=11)
    assert text_of(found) == "fewer than 11 in-center hemodialysis patients"
    absent = score(PY2027, current=[{"measure": "pppw", "value": 0.2}]).loc["ltc"]
    assert absent["reason"] == "not_in_file"


def test_no_standard_no_score() -> None:
    scored = score(PY2027, current=[{"measure": "ltc", "value": 0.1, "unit_count": 80}])
    assert scored.loc["ltc", "reason"] == "no_performance_standard"


def test_the_earlier_rate_is_this_files_before_the_stored_one() -> None:
    current: list[Row] = [{"measure": "ltc", "value": 0.15, "unit_count": 80}]
    stored: list[Row] = [{"measure": "ltc", "value": 0.3}]
    only_stored = score(PY2027, current=current, standard=[LTC], earlier=stored).loc["ltc"]
    assert only_stored["improvement_rate"] == 0.3
    assert only_stored["improvement_source"] == "performance year 2024"
    silent: list[Row] = [{"measure": "ltc", "reportable": False, "reason": "printed_no_rate"}]
    denied = score(PY2027, current=current, standard=[LTC], earlier=stored, improvement=silent).loc[
        "ltc"
    ]
    assert pd.isna(denied["improvement_rate"])
    assert pd.isna(denied["improvement_source"])


@pytest.mark.manual("2.8.8", "2.9.4", "2.17.6", "2.18.6", "2.19.8", "2.20.8", "2.22.8")
@pytest.mark.parametrize(
    ("measure", "certified", "is_scored"),
    [
        ("medication_reconciliation", date(2025, 8, 31), True),
        ("medication_reconciliation", date(2025, 9, 1), False),
        ("nhsn_bsi", date(2024, 9, 30), True),
        ("nhsn_bsi", date(2024, 10, 1), False),
    ],
)
def test_certification_cut_offs(measure: str, certified: date, *, is_scored: bool) -> None:
    frame = score(
        PY2027,
        current=[
            {"measure": "medication_reconciliation", "numerator": 9, "denominator": 10},
            {"measure": "nhsn_bsi", "value": 0.5, "unit_count": 50},
        ],
        standard=[{"measure": "nhsn_bsi", "achievement_threshold": 1.2, "benchmark": 0.2}],
        facility={"certification_date": certified},
    )
    assert pd.notna(frame.loc[measure, "score"]) == is_scored
    if not is_scored:
        assert frame.loc[measure, "reason"] == "certified_too_late"


def test_in_center_hemodialysis_and_exceptions() -> None:
    current: list[Row] = [
        {"measure": "nhsn_bsi", "value": 0.5, "unit_count": 50},
        {"measure": "ltc", "value": 0.15, "unit_count": 50},
    ]
    standard: list[Row] = [
        {"measure": "nhsn_bsi", "achievement_threshold": 1.2, "benchmark": 0.2},
        LTC,
    ]
    home = score(
        PY2027,
        current=current,
        standard=standard,
        facility={"has_in_center_hemodialysis": False},
    )
    assert home.loc["nhsn_bsi", "reason"] == "no_in_center_hemodialysis"
    assert home.loc["ltc", "score"] == 5
    month = [("010001", date(2025, 3, 1), date(2025, 3, 31))]
    granted = score(PY2027, current=current, standard=standard, ece=month)
    assert granted.loc["nhsn_bsi", "reason"] == "exception_granted"
    assert granted.loc["ltc", "score"] == 5
    year = [("010001", date(2024, 12, 1), date(2026, 1, 1))]
    all_year = score(PY2027, current=current, standard=standard, ece=year)
    assert all_year.loc["ltc", "reason"] == "all_months_excepted"
    other = [("010001", date(2024, 1, 1), date(2024, 12, 31))]
    before = score(PY2027, current=current, standard=standard, ece=other)
    assert (
        before.loc["nhsn_bsi", "score"]
        == score(PY2027, current=current, standard=standard).loc["nhsn_bsi", "score"]
    )


@pytest.mark.manual("2.8.13", "2.19.9", "2.20.10")
@pytest.mark.parametrize(
    ("reported", "eligible", "points", "unrounded"),
    [
        (12, 12, 10, 10.0),
        (0, 12, 0, -2.0),
        (2, 12, 0, 0.0),
        (19, 24, 8, 7.5),
        (9, 12, 7, 7.0),
        (13, 12, 10, 10.0),
    ],
)
def test_reporting_scores_are_bounded_and_rounded_halves_up(
    reported: float, eligible: float, points: int, unrounded: float
) -> None:
    frame = score(
        PY2027,
        current=[
            {
                "measure": "hypercalcemia",
                "numerator": reported,
                "denominator": eligible,
                "unit_count": 11,
            }
        ],
    )
    scored = frame.loc["hypercalcemia"]
    assert scored["score"] == points
    assert scored["unrounded_score"] == pytest.approx(unrounded)
    assert scored["applied"] == "reporting"


@pytest.mark.manual("2.22.10", "2.23.10", "2.24.10")
def test_screening_and_health_equity_are_tenths() -> None:
    frame = score(
        PY2027,
        current=[
            {"measure": "sdoh_screening", "numerator": 17, "denominator": 20, "unit_count": 20},
            {"measure": "sdoh_positive", "numerator": 0, "denominator": 0},
            {"measure": "health_equity", "numerator": 3, "denominator": 5},
        ],
    )
    assert frame.loc["sdoh_screening", "score"] == 9
    assert frame.loc["health_equity", "score"] == 6
    assert frame.loc["sdoh_positive", "reason"] == "nothing_to_report"


@pytest.mark.manual("3.5")
@pytest.mark.parametrize(
    ("certified", "months", "eligible"),
    [
        (date(2000, 1, 1), 12, 12),
        (date(2025, 1, 15), 8, 8),
        (date(2025, 8, 31), 1, 1),
        (date(2024, 10, 1), 11, 11),
        (date(2024, 9, 30), 12, 12),
    ],
)
def test_a_new_facility_reports_from_the_fourth_month_after_its_own(
    certified: date, months: int, eligible: int
) -> None:
    frame = score(
        PY2027,
        current=[{"measure": "covid_vaccination", "numerator": months, "denominator": 12}],
        facility={"certification_date": certified},
    )
    scored = frame.loc["covid_vaccination"]
    assert scored["unit_count"] == eligible
    assert scored["score"] == 10


@pytest.mark.manual("2.20.8", "3.3.11")
def test_a_computed_row_has_counted_its_months() -> None:
    """A number issued in June to an old facility reports from October, whatever a file prints."""
    row = {"measure": "covid_vaccination", "numerator": 3, "denominator": 3, "unit_count": 3}
    frame = score(PY2027, current=[row], facility={"certification_date": date(1999, 1, 1)})
    assert frame.loc["covid_vaccination", ["unit_count", "score"]].tolist() == [3, 10]


@pytest.mark.manual("3.4")
def test_excepted_months_need_no_vaccination_report() -> None:
    frame = score(
        PY2027,
        current=[{"measure": "covid_vaccination", "numerator": 9, "denominator": 12}],
        ece=[("010001", date(2025, 1, 1), date(2025, 3, 1))],
    )
    assert frame.loc["covid_vaccination", ["unit_count", "score"]].tolist() == [9, 10]


def survey(count: int, sent: int, value: float | None = 0.7) -> pd.DataFrame:
    rows: list[Row] = [{"measure": name, "value": value, "unit_count": count} for name in SURVEY]
    rows.append({"measure": "ich_cahps", "unit_count": count, "numerator": sent, "denominator": 2})
    points = [0.7, 0.7, 0.7, 0.71, 0.71, 0.71]
    return score(
        PY2027,
        current=rows,
        standard=[
            {"measure": name, "achievement_threshold": 0.5, "benchmark": mark}
            for name, mark in zip(SURVEY, points, strict=True)
        ],
    )


@pytest.mark.manual("4.1.3")
def test_the_survey_is_the_mean_of_its_components_rounded_halves_up() -> None:
    scored = survey(30, 2)
    assert scored.loc[SURVEY, "score"].tolist() == [10, 10, 10, 9, 9, 9]
    assert scored.loc["ich_cahps", "unrounded_score"] == 9.5
    assert scored.loc["ich_cahps", "score"] == 10
    assert scored.loc["ich_cahps", "applied"] == "components"
    assert scored.loc[SURVEY, "weight_in_parent"].tolist() == pytest.approx([1 / 6] * 6)
    assert scored.loc["ich_cahps", "weight_in_domain"] == 1


def test_29_surveys_are_too_few_and_an_unsent_survey_scores_0() -> None:
    few = survey(29, 2)
    assert text_of(few.loc["ich_cahps"]) == "fewer than 30 surveys"
    unsent = survey(29, 1)
    assert unsent.loc["ich_cahps", "score"] == 0
    assert unsent.loc["ich_cahps", "applied"] == "reporting"
    assert pd.isna(unsent.loc["ich_cahps", "reason"])


@pytest.mark.manual("2.18.9")
@pytest.mark.parametrize(
    ("months", "row", "points"),
    [
        (12, {"value": 0.2, "unit_count": 50}, 10),
        (11, {"value": 0.2, "unit_count": 50}, 0),
        (11, {"reportable": False, "reason": "printed_no_rate", "unit_count": 50}, 0),
        (11, {"reportable": False, "reason": "availability_199"}, None),
        (11, {"value": 0.2, "unit_count": 10}, None),
    ],
)
def test_infections_score_0_without_twelve_months(
    months: int, row: Row, points: int | None
) -> None:
    frame = score(
        PY2027,
        current=[
            {"measure": "nhsn_bsi", **row},
            {"measure": "nhsn_dialysis_event", "numerator": months, "denominator": 12},
        ],
        standard=[{"measure": "nhsn_bsi", "achievement_threshold": 1.2, "benchmark": 0.2}],
    )
    found = frame.loc["nhsn_bsi", "score"]
    assert pd.isna(found) if points is None else found == points


@pytest.mark.manual("4.1.4", "4.1.4.1")
def test_the_ktv_topic_is_weighted_by_patients_and_rounded_once() -> None:
    names = ["ktv_adult_hd", "ktv_adult_pd", "ktv_pediatric_hd"]
    frame = score(
        PY2027,
        current=[
            {"measure": name, "value": value, "unit_count": count}
            for name, value, count in zip(names, (0.99, 0.9, 0.9), (30, 30, 10), strict=True)
        ],
        standard=[
            {"measure": name, "achievement_threshold": 0.9, "benchmark": 0.99} for name in names
        ],
    )
    # 10 x 30/60 + 1 x 30/60 = 5.5, halves up; the third has too few patients
    topic = frame.loc["ktv_topic"]
    assert (topic["score"], topic["unrounded_score"], topic["unit_count"]) == (6, 5.5, 60)
    assert frame.loc[names, "weight_in_parent"].tolist()[:2] == [0.5, 0.5]
    assert pd.isna(frame.loc["ktv_pediatric_hd", "weight_in_parent"])
    assert frame.loc["ktv_topic", "weight_in_domain"] == 1


def test_printed_scores_stand_in_for_counts_the_file_lacks() -> None:
    frame = score(
        PY2026,
        current=[],
        results=[
            {"measure": "hypercalcemia", "score": 9},
            {"measure": "medication_reconciliation", "reason": "footnote_1"},
        ],
    )
    assert frame.loc["hypercalcemia", ["score", "applied"]].tolist() == [9, "published"]
    assert frame.loc["medication_reconciliation", "reason"] == "footnote_1"


def test_computed_counts_go_before_a_printed_score() -> None:
    """Payment year 2026 from patients' files: 50 of 60 months are 8 points, printed or not."""
    counts = {"numerator": 50, "denominator": 60, "unit_count": 11}
    frame = score(
        PY2026,
        current=[
            {"measure": "hypercalcemia", **counts},
            {"measure": "medication_reconciliation", **counts, "unit_count": 10},
        ],
        results=[{"measure": "hypercalcemia", "score": 9}],
        computed=frozenset({"hypercalcemia", "medication_reconciliation"}),
    )
    assert frame.loc["hypercalcemia", ["score", "applied"]].tolist() == [8, "reporting"]
    assert frame.loc["medication_reconciliation", "reason"] == "below_minimum_units"


@given(
    rate=st.integers(min_value=0, max_value=10_000),
    better=st.integers(min_value=1, max_value=3_000),
    earlier=st.integers(min_value=0, max_value=10_000),
    count=st.integers(min_value=11, max_value=30),
)
def test_a_better_rate_never_scores_less(rate: int, better: int, earlier: int, count: int) -> None:
    found = [
        score(
            PY2027,
            current=[{"measure": "pppw", "value": value / 10_000, "unit_count": count}],
            improvement=[{"measure": "pppw", "value": earlier / 10_000}],
            standard=[{**PPPW, "small_facility_benchmark": 0.45}],
        ).loc["pppw", "score"]
        for value in (rate, rate + better)
    ]
    assert found[0] <= found[1]


def test_numbers_with_an_exception_that_no_facility_has_are_listed() -> None:
    grants = pd.DataFrame(
        [
            ("012501", "2024-01-01", "2024-02-01"),
            ("019999", "2023-11-01", "2024-01-01"),
            ("019999", "2024-05-01", "2024-05-01"),
            ("018888", "2023-11-01", "2023-12-01"),
        ],
        columns=["ccn", "first_month", "last_month"],
    )
    unplaced = list_unplaced(grants, pd.Series(["012501", "012502"]), 2024)
    assert unplaced == ("019999",)
