"""Means by rating, and recovery of known factors."""

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.program.star_reports import factor_loadings, profile, rotated_factors
from esrd_pipeline.program.star_rules import load_star_rules
from esrd_pipeline.tables.report import STAR_FACTOR, STAR_PROFILE
from esrd_pipeline_tests.program.contract_frames import YEAR

RULES = load_star_rules("2023-10", YEAR)


def draw_scores(facility_count: int, seed: int) -> pd.DataFrame:
    """Scores in which the measures of a domain share one hidden quality."""
    rng = np.random.default_rng(seed)
    qualities = {domain: rng.normal(size=facility_count) for domain in RULES.weights}
    return pd.DataFrame(
        {
            measure.name: qualities[measure.domain] + 0.7 * rng.normal(size=facility_count)
            for measure in RULES.measures
        },
        index=[f"{number:06d}" for number in range(facility_count)],
    )


def list_scores(scores: pd.DataFrame) -> pd.DataFrame:
    table = scores.rename_axis("ccn").reset_index().melt("ccn", var_name="measure")
    return table.assign(score=table["value"], is_imputed=False)


@pytest.mark.manual("Table 29")
def test_profile_gives_means_of_the_values_that_are_there() -> None:
    stars = pd.DataFrame(
        {
            "ccn": ["1", "2", "3", "4"],
            "rating": pd.array([5, 5, 1, None], dtype="Int64"),
            "final_score": [1.0, 2.0, -1.0, np.nan],
        }
    )
    scores = pd.DataFrame({"ccn": ["1", "2", "3"], "measure": "shr", "value": [0.6, np.nan, 1.5]})
    table = profile(
        performance_year=YEAR, measure_set="2023-10", stars=stars, measure_scores=scores
    )
    assert table.columns.tolist() == STAR_PROFILE.column_names
    assert len(table) == 5 * 11
    rows = table.set_index(["rating", "measure"])
    assert rows.loc[(5, "shr"), "mean"] == 0.6
    assert rows.loc[(5, "final_score"), "mean"] == 1.5
    assert rows.loc[(5, "shr"), "facility_count"] == 2
    assert rows.loc[(1, "shr"), "facility_share"] == pytest.approx(1 / 3)
    assert rows.loc[(3, "shr"), "facility_count"] == 0
    assert np.isnan(rows.loc[(3, "shr"), "mean"])


@pytest.mark.manual("5.7.1")
def test_each_domain_has_a_factor_of_its_own() -> None:
    table = factor_loadings(
        performance_year=YEAR,
        measure_set="2023-10",
        measure_scores=list_scores(draw_scores(2000, seed=1)),
    )
    assert table.columns.tolist() == STAR_FACTOR.column_names
    largest = table[table["is_largest"]]
    assert len(largest) == len(RULES.measures)
    assert len(largest[["domain", "factor"]].drop_duplicates()) == 4
    assert set(largest["factor"]) == {1, 2, 3, 4}
    assert (largest["loading"] > 0.6).all()


def test_factors_reproduce_the_correlations_of_three_known_qualities() -> None:
    """Three qualities behind four measures each: enough to pin the factors down."""
    rng = np.random.default_rng(2)
    strengths = np.kron(np.diag([1.3, 1.0, 0.8]), np.ones((1, 4)))
    scores = rng.normal(size=(20_000, 3)) @ strengths + rng.normal(size=(20_000, 12))
    correlations = np.corrcoef(scores, rowvar=False)
    loadings = rotated_factors(correlations, factor_count=3)
    assert loadings is not None
    # A measure of strength s shares s / sqrt(1 + s^2) with its quality: .793, .707, .625.
    expected = np.kron(np.diag([0.793, 0.707, 0.625]), np.ones((4, 1)))
    np.testing.assert_allclose(loadings, expected, atol=0.03)
    shared = loadings @ loadings.T
    off_diagonal = ~np.eye(12, dtype=bool)
    np.testing.assert_allclose(shared[off_diagonal], correlations[off_diagonal], atol=0.03)


@pytest.mark.parametrize("facility_count", [0, 19])
def test_too_few_facilities_give_no_factors(facility_count: int) -> None:
    scores = list_scores(draw_scores(facility_count, seed=3))
    table = factor_loadings(performance_year=YEAR, measure_set="2023-10", measure_scores=scores)
    assert table.empty
    assert table.columns.tolist() == STAR_FACTOR.column_names


def test_imputed_scores_do_not_enter() -> None:
    scores = list_scores(draw_scores(500, seed=4))
    spoiled = scores.assign(is_imputed=scores["ccn"] == "000000").assign(
        score=scores["score"].where(scores["ccn"] != "000000", 99.0)
    )
    expected = factor_loadings(
        performance_year=YEAR,
        measure_set="2023-10",
        measure_scores=scores[scores["ccn"] != "000000"],
    )
    pd.testing.assert_frame_equal(
        factor_loadings(performance_year=YEAR, measure_set="2023-10", measure_scores=spoiled),
        expected,
    )
