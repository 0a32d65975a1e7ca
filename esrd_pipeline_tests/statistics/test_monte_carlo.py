"""Bias, coverage and flags in a few simulated nations of each family.

`benchmarks.monte_carlo` makes the full table.
"""

import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from esrd_pipeline_tests.benchmarks.monte_carlo import FAMILIES, SIZE_SD, run_family
from esrd_pipeline_tests.families import (
    access_nation,
    discharges_nation,
    recurrent_events_nation,
    survival_nation,
)

pytestmark = pytest.mark.slow

SIZES = {"facility_count": 2000, "seed": 5, "size_sd": SIZE_SD}
# Of R replicates a share of 0.95 has a standard error of sqrt(0.95 x 0.05 / R).
_CHAIN = """
import numpy as np
from esrd_pipeline_tests.benchmarks.monte_carlo import FAMILIES
draws = [draw(3, 150) for draw in FAMILIES.values()]
print(*(float(x).hex() for d in draws for x in np.concatenate([d.estimate, d.error, d.found])))
"""


def test_rates_are_unbiased_covered_and_flagged_at_their_size() -> None:
    line = run_family("rates", nations=8, facilities=1000, seed=1)
    assert line.bias_in_errors < 3.5
    assert line.bias < 0.01
    assert line.slope == pytest.approx(1, abs=0.08)
    assert 0.93 <= line.theoretical_coverage <= 0.97
    assert line.limit_coverage > line.theoretical_coverage
    assert 0.04 <= line.flags <= 0.065
    assert line.theoretical_flags > 3 * line.flags


def test_exact_limits_of_survival_ratios_cover() -> None:
    line = run_family("cox, exact", nations=8, facilities=800, seed=1)
    assert line.bias_in_errors < 3.5
    assert line.slope == pytest.approx(1, abs=0.08)
    assert 0.93 <= line.limit_coverage <= 0.98


def test_mortality_is_flagged_at_its_size() -> None:
    line = run_family("cox, null", nations=8, facilities=800, seed=1)
    assert line.slope == pytest.approx(1, abs=0.08)
    assert 0.035 <= line.flags <= 0.065
    assert line.theoretical_flags > 2 * line.flags


def test_facilities_without_events_are_counted_by_their_limits_and_flags() -> None:
    draw = FAMILIES["cox, exact"](20_240, 500)
    # One of 464 facilities has no event: an upper limit, and no logarithm of a ratio.
    assert (draw.found.size, draw.is_in.size, draw.is_flagged.size) == (463, 464, 464)
    assert draw.is_far is not None
    assert draw.is_far.size == 464


@pytest.mark.parametrize(
    "make",
    [
        lambda: recurrent_events_nation.make_cohort(**SIZES)[0],
        lambda: survival_nation.make_records(**SIZES)[0],
        lambda: access_nation.make_months(median_size=60, **SIZES)[0],
        lambda: discharges_nation.make_nation(median_size=60, **SIZES).cohort,
    ],
    ids=["rates", "cox", "gee", "three stages"],
)
def test_facilities_are_of_the_sizes_of_real_ones(make: Callable[[], pa.Table]) -> None:
    rows = make().to_pandas()
    # Patients, or of readmissions the discharges.
    is_discharge = "hospital_ccn" in rows
    counted = rows if is_discharge else rows.drop_duplicates(["ccn", "patient_id"])
    sizes = counted["ccn"].value_counts()
    assert sizes.median() == pytest.approx(60, abs=4)
    assert sizes.quantile(0.1) == pytest.approx(15, abs=2)
    assert sizes.max() == 400


def test_three_stages_find_effects_and_flag_at_their_size() -> None:
    line = run_family("three stages", nations=5, facilities=800, seed=1)
    # An intercept a facility-hospital cell takes coefficients a little away from 0.
    assert line.bias < 0.03
    assert line.slope == pytest.approx(1, abs=0.08)
    assert 0.035 <= line.flags <= 0.065
    assert line.theoretical_flags > 2 * line.flags


def test_standardised_percentages_find_effects_and_cover() -> None:
    line = run_family("gee", nations=4, facilities=600, seed=1)
    assert line.bias < 0.03
    assert line.slope == pytest.approx(1, abs=0.08)
    assert 0.92 <= line.limit_coverage <= 0.97


def test_coefficients_are_covered_over_all_families() -> None:
    lines = [run_family(name, nations=5, facilities=300, seed=9) for name in FAMILIES]
    # Some 70 intervals in all: 0.95 less two and a half standard errors.
    assert np.mean([line.coefficient_coverage for line in lines]) > 0.88


def test_threads_change_nothing() -> None:
    published = []
    for threads in ("1", "2"):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
        done = subprocess.run(
            [sys.executable, "-c", _CHAIN],
            env=os.environ | dict.fromkeys(names, threads),
            capture_output=True,
            text=True,
            check=True,
        )
        published.append(np.array([float.fromhex(word) for word in done.stdout.split()]))
    assert published[0].size > 4 * 100
    assert published[0] == pytest.approx(published[1], rel=1e-9, abs=1e-9)
