"""The content of generated files: levels, counts, categories, sentinels, excluded facilities."""

from collections import Counter
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.synthetic.dfc import WITH_LIMITS
from esrd_pipeline.synthetic.figures import load_levels
from esrd_pipeline_tests.synthetic.conftest import YEARS
from esrd_pipeline_tests.synthetic.generated_files import read_published, read_source

RATES = ("smr", "shr", "srr", "strr")
RATIOS = ("swr", "sedr", "ed30", "smosr", "nhsn_bsi")
MAIN_PERCENTS = ("pppw", "sfr", "ltc", "ktv_adult_hd", "ktv_adult_pd")
CATEGORISED = (*RATES, *RATIOS, *WITH_LIMITS)
UNIT_NAMES = {"srr": "discharge_count", "ed30": "discharge_count"}


def value_name(measure: str) -> str:
    return f"{measure}_ratio" if measure in RATIOS else f"{measure}_rate"


@pytest.mark.parametrize("measure", [*RATES, *RATIOS[:4], *MAIN_PERCENTS])
@pytest.mark.parametrize("year", [2021, 2024])
def test_weighted_mean_is_close_to_the_level(published: Path, measure: str, year: int) -> None:
    frame = read_source(published, "dfc_facility", year)
    level = load_levels()[measure]
    expected = level.level
    if measure in RATES:
        assert level.dfc_rate is not None
        expected = level.national_rate(level.dfc_rate, year, 1)
    units = frame[f"{measure}_{UNIT_NAMES.get(measure, 'patient_count')}"]
    shown = frame[value_name(measure)].notna()
    mean = np.average(frame.loc[shown, value_name(measure)], weights=units[shown].astype(float))
    assert mean == pytest.approx(expected, rel=0.10)


@pytest.mark.parametrize("measure", ["smr", "shr", "srr", "pppw", "sfr", "ktv_adult_hd"])
def test_two_thirds_of_facilities_are_near_the_middle(published: Path, measure: str) -> None:
    values = read_source(published, "dfc_facility", 2024)[value_name(measure)].dropna()
    near = (values - values.mean()).abs() <= values.std()
    assert near.mean() > 0.6
    assert values.std() > 0.02 * values.mean()


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("measure", CATEGORISED)
def test_categories_follow_the_limits(published: Path, measure: str, year: int) -> None:
    frame = read_source(published, "dfc_facility", year)
    [national] = read_source(published, "dfc_national", year).to_dict("records")
    reference = 1.0 if measure in RATIOS else national[value_name(measure)]
    higher_is_better = measure in ("swr", "smosr", *WITH_LIMITS)
    above = (frame[f"{measure}_lower"] > reference).to_numpy(dtype=bool)
    below = (frame[f"{measure}_upper"] < reference).to_numpy(dtype=bool)
    better, worse = (above, below) if higher_is_better else (below, above)
    expected = np.select([better, worse], ["better", "worse"], default="as")
    shown = (frame[f"{measure}_code"] == "001").to_numpy()
    printed = frame[f"{measure}_category"]
    assert (printed[shown] == expected[shown]).all()
    assert printed[~shown].isna().all()
    counts = Counter(printed[shown])
    for category in ("better", "as", "worse"):
        assert national[f"{measure}_{category}_count"] == counts[category]


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("measure", CATEGORISED)
def test_limits_enclose_the_value(published: Path, measure: str, year: int) -> None:
    frame = read_source(published, "dfc_facility", year)
    frame = frame[frame[value_name(measure)].notna()]
    assert (frame[f"{measure}_lower"].fillna(0) <= frame[value_name(measure)]).all()
    assert (frame[value_name(measure)] <= frame[f"{measure}_upper"]).all()


@pytest.mark.parametrize("year", [2023, 2024, 2026])
@pytest.mark.parametrize("period", ["achievement", "improvement"])
def test_qip_rates_are_their_numerator_over_denominator(
    published: Path, year: int, period: str
) -> None:
    frame = read_source(published, "qip_complete", year)
    adequacy = "ktv_comprehensive" if year <= 2024 else "ktv_adult_hd"
    for measure in ("ltc", adequacy, "clinical_depression", "pppw"):
        start = f"{measure}_{period}"
        rows = frame[frame[f"{start}_rate"].notna()]
        assert len(rows) > 200
        assert (rows[f"{start}_numerator"] <= rows[f"{start}_denominator"]).all()
        for numerator, denominator, rate in zip(
            rows[f"{start}_numerator"],
            rows[f"{start}_denominator"],
            rows[f"{start}_rate"],
            strict=True,
        ):
            exact = Decimal(str(numerator)) / Decimal(str(denominator))
            assert Decimal(str(rate)) == exact.quantize(Decimal("0.0001"), ROUND_HALF_UP)


@pytest.mark.parametrize("measure", ["srr", "shr", "strr"])
def test_qip_rates_are_ratios_times_one_national_rate(published: Path, measure: str) -> None:
    frame = read_source(published, "qip_complete", 2025)
    start = f"{measure}_achievement"
    rows = frame[frame[f"{start}_rate"].notna() & (frame[f"{start}_numerator"] > 0)]
    ratio = rows[f"{start}_numerator"].astype(float) / rows[f"{start}_denominator"]
    level = load_levels()[measure]
    assert level.qip_rate is not None
    national = level.national_rate(level.qip_rate, 2025, 2)
    assert np.allclose(rows[f"{start}_rate"], ratio * national, atol=0.005001, rtol=0)


@pytest.mark.parametrize("year", YEARS)
def test_facilities_stand_around_the_certification_cut_offs(published: Path, year: int) -> None:
    dates = set(read_source(published, "qip_complete", year)["certification_date"])
    dates = {pd.Timestamp(value).date() for value in dates}
    assert {date(year, 8, 31), date(year, 9, 1)} <= dates
    if year > YEARS[0]:
        assert {date(year - 1, 9, 30), date(year - 1, 10, 1)} <= dates


def test_every_availability_code_is_printed(published: Path) -> None:
    rows = read_published(published, "dfc_facility", 2024)
    codes = {text for row in rows for name, text in row.items() if name.lower().endswith("code")}
    assert {"001", "199", "201", "256", "257", "258", "259", "280", "281"} <= codes


def test_every_qip_sentinel_is_printed(published: Path) -> None:
    cells = {
        text for row in read_published(published, "qip_complete", 2024) for text in row.values()
    }
    assert {"No Rate", "No Score", "-", "<11", "<10", "<30", "4,7", "5"} <= cells


@pytest.mark.parametrize("year", YEARS)
def test_no_result_of_the_pipeline_is_printed(published: Path, year: int) -> None:
    qip = read_source(published, "qip_complete", year)
    results = [
        name
        for name in qip.columns
        if name.endswith(("_score", "_score_applied", "payment_reduction"))
    ]
    reported = {"hypercalcemia_score", "medication_reconciliation_score"} if year <= 2024 else set()
    assert {name for name in results if qip[name].notna().any()} == reported
    assert (read_source(published, "dfc_facility", year)["five_star_code"] == "281").all()


def test_about_a_third_of_facilities_have_a_survey(published: Path) -> None:
    survey = read_source(published, "ich_cahps_facility", 2024)
    shown = survey["ich_cahps_code"] == "001"
    assert 0.25 < shown.mean() < 0.37
    assert (survey.loc[shown, "completed_interview_count"] >= 30).all()
    boxes = [f"ich_cahps_staff_{box}_box" for box in ("lower", "middle", "top")]
    assert (survey.loc[shown, boxes].sum(axis=1) == 100).all()


def test_a_facility_resembles_itself_a_year_later(published: Path) -> None:
    before, after = (
        read_source(published, "dfc_facility", year).set_index("ccn") for year in (2023, 2024)
    )
    for name in ("shr_rate", "pppw_rate", "sfr_rate", "ltc_rate"):
        both = pd.concat([before[name], after[name]], axis="columns").dropna()
        correlation = both.iloc[:, 0].corr(both.iloc[:, 1], method="spearman")
        assert 0.4 < correlation < 0.97


def test_measures_of_one_domain_move_together(published: Path) -> None:
    frame = read_source(published, "dfc_facility", 2024)
    assert frame["pppw_rate"].corr(frame["swr_ratio"], method="spearman") > 0.2
    assert frame["sfr_rate"].corr(frame["ltc_rate"], method="spearman") < -0.3
    assert frame["shr_rate"].corr(frame["srr_rate"], method="spearman") > 0.1


def test_services_sizes_and_numbers_vary_as_in_the_nation(published: Path) -> None:
    frame = read_source(published, "dfc_facility", 2024)
    without = ~frame["has_in_center_hemodialysis"].astype(bool)
    assert 0.03 < without.mean() < 0.12
    assert (frame.loc[without, "ltc_code"] == "256").all()
    patients = frame["hypercalcemia_patient_count"].dropna().astype(float)
    assert 8 < patients.quantile(0.1) < 45
    assert 50 < patients.median() < 90
    assert patients.max() <= 450
    assert frame["ccn"].str.contains("[A-Z]", regex=True).any()
    assert (frame["ktv_pediatric_hd_code"] == "001").any()


def test_grants_are_months_of_facilities_of_the_year(published: Path) -> None:
    for year in YEARS:
        grants = read_source(published, "ece_grant", year)
        assert len(grants) >= 1
        assert set(grants["ccn"]) <= set(read_source(published, "qip_complete", year)["ccn"])
        for first, last in zip(grants["first_month"], grants["last_month"], strict=True):
            assert first <= last
            assert first.year == last.year == year
