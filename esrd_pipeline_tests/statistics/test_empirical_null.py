"""Empirical nulls checked against MASS::rlm, hand-made strata and simulated outliers."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from esrd_pipeline.statistics.design import FloatArray
from esrd_pipeline.statistics.empirical_null import (
    STRATUM_COUNT,
    adjust_z,
    assign_null,
    fit_empirical_null,
    fit_null,
    two_sided_p,
)
from esrd_pipeline.statistics.fit import FitError

STORED = Path(__file__).parent / "r"
OF_R = json.loads((STORED / "empirical_null.json").read_text())


def read_sample(name: str) -> FloatArray:
    with (STORED / "empirical_null.csv").open() as file:
        return np.array([float(row["z"]) for row in csv.DictReader(file) if row["sample"] == name])


def estimate(z: FloatArray) -> tuple[float, float]:
    """One stratum of equal sizes."""
    null = fit_empirical_null(z=z, size=np.ones(z.size), stratum_count=1)
    return null.strata[0].mean, null.strata[0].deviation


@pytest.mark.parametrize("sample", sorted(OF_R["bisquare"]))
def test_m_estimates_are_those_of_rlm_run_to_convergence(sample: str) -> None:
    z = read_sample(sample)
    np.testing.assert_allclose(estimate(z), OF_R["bisquare"][sample], rtol=5e-8)


def test_the_bisquare_solves_its_own_two_equations() -> None:
    z = read_sample("contaminated")
    mean, deviation = estimate(z)
    residuals = (z - mean) / deviation
    weights = np.where(np.abs(residuals) < 4.685, (1 - (residuals / 4.685) ** 2) ** 2, 0)
    assert np.sum(weights * residuals) == pytest.approx(0, abs=1e-6)
    assert np.median(np.abs(residuals)) == pytest.approx(0.6745, rel=1e-7)


def test_symmetric_scores_are_centred_at_their_middle() -> None:
    z = 0.3 + norm.ppf((np.arange(101) + 0.5) / 101)
    mean, deviation = estimate(z)
    assert mean == pytest.approx(0.3, abs=1e-7)
    assert deviation == pytest.approx(1, rel=0.02)


def test_shift_and_scale_of_z_are_shift_and_scale_of_the_null() -> None:
    z = read_sample("national")
    mean, deviation = estimate(z)
    assert estimate(5 - 2 * z) == pytest.approx((5 - 2 * mean, 2 * deviation), rel=1e-6)


def test_facilities_far_out_hardly_move_the_null() -> None:
    z = np.random.default_rng(1).normal(0.1, 1.3, 4000)
    with_outliers = np.append(z, np.full(200, 12.0))
    clean, found = estimate(z), estimate(with_outliers)
    assert found == pytest.approx(clean, abs=0.12)
    assert np.std(with_outliers) > 2.5


def test_strata_are_cut_at_quartiles_and_ties_stay_below_the_edge() -> None:
    size = np.repeat([5.0, 10.0, 20.0, 30.0, 40.0], [10, 25, 20, 30, 20])
    null = fit_empirical_null(z=np.random.default_rng(2).normal(size=105), size=size)
    # A quarter of 105 is 26.25: facility 27 has size 10, facility 53 size 20, facility 79 size 30.
    assert null.size_edges.tolist() == [10, 20, 30]
    assert [part.count for part in null.strata] == [35, 20, 30, 20]
    assert [(part.smallest, part.largest) for part in null.strata] == [
        (5, 10),
        (20, 20),
        (30, 30),
        (40, 40),
    ]
    assert null.dropped == ()


def test_row_order_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    z, size = rng.normal(size=400), rng.integers(1, 60, 400).astype(float)
    rows = rng.permutation(400)
    one = fit_empirical_null(z=z, size=size)
    other = fit_empirical_null(z=z[rows], size=size[rows])
    np.testing.assert_array_equal(one.size_edges, other.size_edges)
    for mine, theirs in zip(one.strata, other.strata, strict=True):
        assert mine.mean == pytest.approx(theirs.mean, abs=1e-12)
        assert mine.deviation == pytest.approx(theirs.deviation, abs=1e-12)
        np.testing.assert_array_equal(mine.bin_counts, theirs.bin_counts)


def test_each_size_finds_its_stratum_also_sizes_never_seen() -> None:
    rng = np.random.default_rng(4)
    size = np.arange(1.0, 201.0)
    null = fit_empirical_null(z=rng.normal(size / 100, 1), size=size)
    assert null.size_edges.tolist() == [50, 100, 150]
    found = assign_null(null, size=np.array([0.0, 50.0, 50.5, 100.0, 150.1, 900.0]))
    assert found.stratum.tolist() == [0, 0, 1, 1, 3, 3]
    assert found.mean.tolist() == [null.strata[at].mean for at in found.stratum]
    assert found.deviation.tolist() == [null.strata[at].deviation for at in found.stratum]


def test_the_picture_counts_every_score_and_its_curve_has_the_same_area() -> None:
    z = read_sample("national")
    part = fit_empirical_null(z=z, size=np.ones(z.size), stratum_count=1).strata[0]
    assert part.bin_counts.sum() == z.size
    assert part.curve.sum() == pytest.approx(z.size)
    assert part.bin_edges.size == part.bin_counts.size + 1 == part.curve.size + 1
    inside = (z >= part.bin_edges[15]) & (z < part.bin_edges[16])
    assert part.bin_counts[15] == np.count_nonzero(inside)
    assert part.bin_counts[0] == np.count_nonzero(z < part.bin_edges[1])
    assert part.bin_edges[20] == pytest.approx(part.mean)


def test_missing_scores_are_set_aside_and_counted() -> None:
    z = np.random.default_rng(5).normal(size=90)
    z[::9] = np.nan
    null = fit_empirical_null(z=z, size=np.arange(90.0))
    assert sum(part.count for part in null.strata) == 80
    assert [(part.rule, part.count) for part in null.dropped] == [
        ("facilities without a z-score", 10)
    ]


@pytest.mark.parametrize(
    ("z", "size", "message"),
    [
        (np.zeros(39), np.arange(39.0), "39 scores are too few for 4 strata of 10"),
        (np.zeros(80), np.arange(80.0), "stratum 1 of 4: more than half"),
        (np.arange(80.0), np.ones(80), "stratum 2 of 4: 0 z-scores"),
        (np.full(80, np.inf), np.ones(80), "z: 80 values are not finite"),
        (np.zeros(80), np.full(80, np.nan), "size: 80 values are not finite"),
        (np.zeros(80), np.full(80, -1.0), "size: 80 values are negative"),
        (np.zeros(80), np.ones(79), "size has shape"),
        (np.zeros(0), np.ones(0), "there are no rows"),
    ],
)
def test_what_gives_no_null_is_refused(z: FloatArray, size: FloatArray, message: str) -> None:
    with pytest.raises(FitError, match=message):
        fit_empirical_null(z=z, size=size)


@pytest.mark.parametrize(
    ("count", "strata"), [(1, 0), (9, 0), (10, 1), (19, 1), (20, 2), (38, 3), (40, 4), (400, 4)]
)
def test_few_facilities_have_fewer_strata_or_the_theoretical_null(count: int, strata: int) -> None:
    z = np.random.default_rng(6).normal(0.3, 2.0, size=count)
    null = fit_null(z=z, size=np.arange(float(count)))
    assigned = assign_null(null, size=np.arange(float(count)))
    assert len(null.strata) == max(strata, 1)
    if strata == STRATUM_COUNT:
        assert null.rule is None
    elif strata:
        assert null.rule is not None
        assert null.rule.startswith(f"empirical null by {strata} strat")
    else:
        assert null.rule == "theoretical null, standard normal: fewer than 10 scores that differ"
        assert set(assigned.mean) == {0.0}
        assert set(assigned.deviation) == {1.0}
    assert sum(part.count for part in null.strata) == count
    assert sum(part.bin_counts.sum() for part in null.strata) == count


def test_sizes_and_scores_that_are_tied_have_the_null_they_allow() -> None:
    assert fit_null(z=np.zeros(80), size=np.arange(80.0)).rule is not None
    assert fit_null(z=np.zeros(80), size=np.arange(80.0)).strata[0].deviation == 1.0
    same_size = fit_null(z=np.arange(80.0), size=np.ones(80))
    assert len(same_size.strata) == 1
    with pytest.raises(FitError, match="not finite"):
        fit_null(z=np.full(80, np.inf), size=np.ones(80))
    missing = fit_null(z=np.array([np.nan, 1.0]), size=np.ones(2))
    assert [part.count for part in missing.dropped] == [1]


def test_adjusted_scores_have_the_p_values_of_a_standard_normal() -> None:
    z = adjust_z(np.array([2.96, -2.46]), mean=np.array([0.5, 0.0]), deviation=np.array([1.5, 1.0]))
    np.testing.assert_allclose(z, [1.64, -2.46])
    np.testing.assert_allclose(two_sided_p(z), [0.1010, 0.0139], atol=5e-5)
    assert two_sided_p(np.zeros(1))[0] == 1
