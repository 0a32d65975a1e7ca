"""Ratings against a stored baseline: a worked example, the baseline's own year, later years."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from esrd_pipeline.program.star_baseline import build_baseline
from esrd_pipeline.program.star_rules import load_star_rules
from esrd_pipeline.program.star_scores import StarRatings, score_stars, unrated
from esrd_pipeline.program.star_values import collect_values
from esrd_pipeline.tables.measured import BASELINE_SCORED
from esrd_pipeline.tables.program import STAR_ADJUSTMENT, STAR_MEASURE_SCORE, STARS
from esrd_pipeline_tests.program.contract_frames import (
    LEVELS,
    LOWER_IS_BETTER,
    PERCENTS,
    RATIOS,
    YEAR,
    contract_of,
    directory_of,
    draw_values,
    make_contract,
    national_of,
    results_of,
)
from esrd_pipeline_tests.reason_texts import text_of


def build(values: pd.DataFrame, **directory: tuple[str, ...]) -> pd.DataFrame:
    return build_baseline(
        performance_year=YEAR,
        operation="reset",
        measure_set="2023-10",
        facilities=contract_of(values),
        directory=directory_of(values, **directory),
        national=national_of(),
        rating_counts=None,
    )


def score(
    values: pd.DataFrame,
    baseline: pd.DataFrame,
    *,
    year: int = YEAR,
    levels: dict[str, float] | None = None,
    baseline_scored: list[dict[str, object]] | None = None,
    **directory: tuple[str, ...],
) -> StarRatings:
    return score_stars(
        performance_year=year,
        baseline=baseline,
        facilities=contract_of(values),
        directory=directory_of(values, **directory),
        national=national_of(levels),
        published_results=results_of(
            [{"ccn": values.index[0], "measure": "star_rating", "score": 4.0}]
        ),
        baseline_scored=pd.DataFrame(baseline_scored, columns=BASELINE_SCORED.column_names),
    )


def ladder() -> pd.DataFrame:
    """Ten facilities, each better than the one before in everything, in equal steps."""
    step = np.arange(10.0)
    columns = {
        measure: (20 - step if measure in LOWER_IS_BETTER else 10 + step) / 10 for measure in RATIOS
    } | {
        measure: 90 - 10 * step if measure in LOWER_IS_BETTER else 10 * step for measure in PERCENTS
    }
    index = pd.Index([f"{number:06d}" for number in range(10)], name="ccn")
    return pd.DataFrame(columns, index=index)


@pytest.mark.manual("5.6.1.1", "5.6.1.2", "5.7.2", "5.8.2")
def test_a_nation_of_ten_worked_by_hand() -> None:
    """Ten equal steps: z = (k - 4.5) / sqrt(8.25), probit = quantile of (k + 0.5) / 10."""
    values = ladder()
    ratings = score(values, build(values))
    z = (np.arange(10) - 4.5) / 8.25**0.5
    probit = norm.ppf((np.arange(10) + 0.5) / 10)
    final = (2 * probit + 2 * z + z + 2 * (z + probit) / 2) / 7
    stars = ratings.stars
    assert stars["domain_1"].to_numpy() == pytest.approx(probit)
    assert stars["domain_2"].to_numpy() == pytest.approx(z)
    assert stars["domain_4"].to_numpy() == pytest.approx((z + probit) / 2)
    assert stars["final_score"].to_numpy() == pytest.approx(final)
    assert final[9] == pytest.approx(1.6002, abs=5e-5)
    assert stars["rating"].tolist() == [1, 2, 2, 3, 3, 3, 3, 4, 4, 5]
    assert stars["published_rating"].isna().tolist() == [False] + [True] * 9


def test_the_tables_are_the_ones_defined() -> None:
    values = draw_values(facility_count=60, seed=1, missing_share=0.3)
    ratings = score(values, build(values))
    assert ratings.stars.columns.tolist() == STARS.column_names
    assert ratings.measure_scores.columns.tolist() == STAR_MEASURE_SCORE.column_names
    assert ratings.adjustment.columns.tolist() == STAR_ADJUSTMENT.column_names
    assert (ratings.stars["rating"].isna() == ratings.stars["reason"].notna()).all()
    rated = set(ratings.stars.loc[ratings.stars["rating"].notna(), "ccn"])
    assert set(ratings.measure_scores["ccn"]) == rated
    assert 0 < len(rated) < 60


def test_the_baseline_year_replays_to_its_own_counts() -> None:
    values = draw_values(facility_count=300, seed=2, missing_share=0.1)
    baseline = build(values)
    ratings = score(values, baseline)
    counts = baseline.loc[baseline["element"] == "count"].set_index("position")["value"]
    assert ratings.stars["rating"].value_counts().sort_index().tolist() == counts.tolist()
    assert ratings.adjustment["factor"].tolist() == [1.0] * 5
    assert set(ratings.adjustment["factor_source"]) == {"same year"}


@pytest.mark.manual("5.6.2.2")
def test_rising_national_rates_raise_the_ratios() -> None:
    values = draw_values(facility_count=50, seed=3)
    ratings = score(values, build(values), year=YEAR + 1, levels=LEVELS | {"shr": 185.0})
    factors = ratings.adjustment.set_index("measure")["factor"]
    assert factors["shr"] == pytest.approx(1.25)
    assert factors.drop("shr").tolist() == [1.0] * 4
    assert set(ratings.adjustment["factor_source"]) == {"national crude rates"}
    rows = ratings.measure_scores.set_index(["ccn", "measure"])
    shr = rows.xs("shr", level="measure")
    assert shr["adjusted_value"].to_numpy() == pytest.approx(1.25 * shr["value"].to_numpy())


def test_where_the_baselines_model_is_at_hand_ratios_rise_by_observed_over_expected() -> None:
    values = ladder()
    rows = [
        {"measure": "shr", "baseline_year": YEAR, "observed": 120.0, "expected": 100.0},
        # Of another baseline: not this one's business.
        {"measure": "smr", "baseline_year": YEAR - 1, "observed": 300.0, "expected": 100.0},
    ]
    ratings = score(values, build(values), year=YEAR + 1, baseline_scored=rows)
    adjustment = ratings.adjustment.set_index("measure")
    assert adjustment["factor"].to_dict() == {
        "shr": 1.2,
        "smr": 1.0,
        "srr": 1.0,
        "strr": 1.0,
        "swr": 1.0,
    }
    assert adjustment.loc["shr", "factor_source"] == "baseline model"
    assert adjustment.loc["smr", "factor_source"] == "national crude rates"
    same = score(values, build(values), baseline_scored=rows)
    assert same.adjustment["factor"].tolist() == [1.0] * 5


def test_a_ratio_without_a_national_level_is_named() -> None:
    values = draw_values(facility_count=20, seed=4)
    levels = {name: level for name, level in LEVELS.items() if name != "strr"}
    with pytest.raises(ValueError, match=f"strr has the national level nan now and 32.0 in {YEAR}"):
        score(values, build(values), year=YEAR + 1, levels=levels)


def test_a_ratio_nobody_has_this_year_is_left_out() -> None:
    values = draw_values(facility_count=20, seed=12)
    levels = {name: level for name, level in LEVELS.items() if name != "strr"}
    later = score(values.assign(strr=np.nan), build(values), year=YEAR + 1, levels=levels)
    assert later.adjustment.set_index("measure")["factor"].isna().to_dict()["strr"]
    assert "strr" not in set(later.measure_scores["measure"])
    assert later.stars["rating"].notna().all()


@pytest.mark.manual("5.6.2.1", "5.8.2")
def test_a_nation_that_improves_gets_more_stars() -> None:
    values = draw_values(facility_count=200, seed=5)
    better = values.copy()
    for measure in values:
        better[measure] *= 0.8 if measure in LOWER_IS_BETTER else 1.2
    baseline = build(values)
    later = score(better, baseline, year=YEAR + 1)
    assert later.stars["rating"].mean() > score(values, baseline).stars["rating"].mean() + 1


@pytest.mark.manual("5.7.3")
def test_missing_measures_take_the_mean_score_of_the_period() -> None:
    values = draw_values(facility_count=40, seed=6)
    values.loc["000001", ["srr", "pppw"]] = np.nan
    rows = score(values, build(values)).measure_scores.set_index(["ccn", "measure"])
    for measure in ("srr", "pppw"):
        others = rows.xs(measure, level="measure").drop(index="000001")["score"]
        assert rows.loc[("000001", measure), "is_imputed"]
        assert rows.loc[("000001", measure), "score"] == pytest.approx(others.mean())
    assert rows["is_imputed"].sum() == 2


@pytest.mark.parametrize(
    ("measures", "reason"),
    [
        (["ktv_adult_hd", "hypercalcemia"], "no value in domain 3"),
        (["sfr", "ltc", "pppw", "swr"], "no value in domain 2; no value in domain 4"),
        (
            [*RATIOS, *PERCENTS],
            "; ".join(f"no value in domain {domain}" for domain in (1, 2, 3, 4)),
        ),
    ],
)
def test_a_domain_without_a_value_leaves_a_facility_unrated(
    measures: list[str], reason: str
) -> None:
    values = draw_values(facility_count=40, seed=7)
    values.loc["000002", measures] = np.nan
    stars = score(values, build(values)).stars.set_index("ccn")
    assert text_of(stars.loc["000002"]) == reason
    assert stars.loc["000002", ["rating", "final_score", "domain_1"]].isna().all()
    assert stars["rating"].notna().sum() == 39


@pytest.mark.manual("5.7.2")
def test_a_peritoneal_only_facility_is_rated_on_three_domains() -> None:
    """000003 offers no hemodialysis; 000005 neither, but has values of home patients' access."""
    values = draw_values(facility_count=40, seed=8)
    values.loc["000003", ["sfr", "ltc"]] = np.nan
    offers = dict.fromkeys(("without_in_center", "without_home_training"), ("000003", "000005"))
    ratings = score(values, build(values, **offers), **offers)
    stars = ratings.stars.set_index("ccn")
    assert stars["is_peritoneal_only"].sum() == 1
    row = stars.loc["000003"]
    assert np.isnan(row["domain_2"])
    assert row["final_score"] == pytest.approx(
        0.4 * row["domain_1"] + 0.2 * row["domain_3"] + 0.4 * row["domain_4"]
    )
    assert stars.loc["000005", "domain_2"] == pytest.approx(
        ratings.measure_scores.query("ccn == '000005' and domain == 2")["score"].mean()
    )
    assert ratings.measure_scores.query("ccn == '000003'")["domain"].ne(2).all()


@pytest.mark.parametrize("service", ["without_in_center", "without_home_training"])
def test_a_facility_that_offers_some_hemodialysis_needs_its_domain(service: str) -> None:
    values = draw_values(facility_count=40, seed=8)
    values.loc["000004", ["sfr", "ltc"]] = np.nan
    stars = score(values, build(values), **{service: ("000004",)}).stars.set_index("ccn")
    assert text_of(stars.loc["000004"]) == "no value in domain 2"


@pytest.mark.manual("5.4")
def test_total_ktv_weighs_populations_by_patient_months() -> None:
    records = [
        ("ktv_adult_hd", 98.0, 900.0),
        ("ktv_adult_pd", 90.0, 90.0),
        ("ktv_pediatric_hd", 50.0, 10.0),
        ("ktv_pediatric_pd", 20.0, np.nan),
    ]
    facilities = make_contract(
        [
            {"ccn": "012500", "measure": measure, "value": value, "denominator": months}
            for measure, value, months in records
        ]
    )
    values = collect_values(
        rules=load_star_rules("2023-10", YEAR),
        facilities=facilities,
        directory=pd.DataFrame({"ccn": ["012500", "012501"]}),
    )
    assert values.loc["012500", "ktv_total"] == pytest.approx((98 * 900 + 90 * 90 + 50 * 10) / 1000)
    assert np.isnan(values.loc["012501", "ktv_total"])


def test_what_is_not_reportable_counts_for_nothing() -> None:
    facilities = make_contract(
        [
            {"ccn": "012500", "measure": "shr", "value": 1.0, "reason": "no_value"},
            {"ccn": "012500", "measure": "smr", "value": 1.0, "program": "qip"},
        ]
    )
    values = collect_values(
        rules=load_star_rules("2023-10", YEAR),
        facilities=facilities,
        directory=pd.DataFrame({"ccn": ["012500"]}),
    )
    assert values.isna().all(axis=None)


def test_without_a_baseline_every_facility_has_the_reason() -> None:
    values = draw_values(facility_count=5, seed=9)
    ratings = unrated(
        performance_year=YEAR,
        directory=directory_of(values),
        published_results=results_of([{"ccn": "000002", "measure": "star_rating", "score": 5.0}]),
        reason="no_star_baseline",
    )
    assert ratings.stars["reason"].tolist() == ["no_star_baseline"] * 5
    assert ratings.stars["published_rating"].fillna(0).tolist() == [0, 5, 0, 0, 0]
    assert ratings.stars.columns.tolist() == STARS.column_names
    assert ratings.measure_scores.empty


def test_row_order_does_not_matter() -> None:
    values = draw_values(facility_count=80, seed=10, missing_share=0.2)
    baseline = build(values)
    shuffled = score(values.sample(frac=1, random_state=3), baseline)
    ordered = score(values, baseline)
    columns = [name for name in STARS.column_names if name != "published_rating"]
    pd.testing.assert_frame_equal(shuffled.stars[columns], ordered.stars[columns])
    pd.testing.assert_frame_equal(shuffled.measure_scores, ordered.measure_scores)


NATION = draw_values(facility_count=60, seed=11, missing_share=0.15)


@cache
def get_baseline() -> pd.DataFrame:
    return build(NATION)


@cache
def get_before() -> pd.DataFrame:
    return score(NATION, get_baseline()).stars.set_index("ccn")


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    ccn=st.sampled_from(list(NATION.index)),
    gains=st.lists(st.floats(0, 0.6), min_size=10, max_size=10),
)
def test_improving_never_costs_a_star(ccn: str, gains: list[float]) -> None:
    better = NATION.copy()
    for measure, gain in zip(NATION, gains, strict=True):
        better.loc[ccn, measure] *= 1 - gain if measure in LOWER_IS_BETTER else 1 + gain
    before = get_before().loc[ccn]
    after = score(better, get_baseline()).stars.set_index("ccn").loc[ccn]
    assert before["reason"] == after["reason"]
    if before["reason"] is None:
        assert after["final_score"] >= before["final_score"] - 1e-12
        assert after["rating"] >= before["rating"]
