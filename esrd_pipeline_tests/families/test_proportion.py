"""Unadjusted percentages: values, units, limits by patients, and no flag."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline.families.cohort import CohortError
from esrd_pipeline.families.proportion import assess_facilities
from esrd_pipeline.measures.specification import Specification
from esrd_pipeline.statistics.fit import FitError

YEAR = 2024
LTC = Specification(
    measure="ltc",
    program="dfc",
    adjusters=(),
    unit="patients",
    better="lower",
    minimum_units=11,
    rate_scale=100,
    source="Manual v10.1 2.3",
)


def months(*rows: tuple[str, int, int, int]) -> pa.Table:
    columns = ["ccn", "patient_id", "numerator", "denominator"]
    return pa.Table.from_pandas(pd.DataFrame(rows, columns=columns), preserve_index=False)


def test_a_percentage_is_months_over_months() -> None:
    (row,) = assess_facilities(LTC, YEAR, months(("A", 1, 2, 6), ("A", 2, 1, 2))).to_dict("records")
    assert (row["numerator"], row["denominator"], row["unit_count"]) == (3, 8, 2)
    assert row["value"] == pytest.approx(37.5)
    assert row["reason"] == "fewer than 11 patients"


def test_nobody_is_better_or_worse() -> None:
    cohort = months(*((ccn, n, ccn == "B", 1) for ccn in "AB" for n in range(20)))
    contract = assess_facilities(LTC, YEAR, cohort)
    assert contract["reportable"].all()
    assert contract["category"].isna().all()
    assert contract["p_value"].isna().all()


def test_limits_at_none_and_all_are_exact_over_patients() -> None:
    cohort = months(*((ccn, n, 12 * (ccn == "B"), 12) for ccn in "AB" for n in range(20)))
    none, every = assess_facilities(LTC, YEAR, cohort).to_dict("records")
    # Clopper and Pearson with 20 patients: 1 - 0.025 ** (1 / 20).
    assert (none["lower"], none["upper"]) == (0, pytest.approx(100 * (1 - 0.025 ** (1 / 20))))
    assert (every["lower"], every["upper"]) == (pytest.approx(100 * 0.025 ** (1 / 20)), 100)


def test_limits_are_wider_where_the_months_of_a_patient_go_together() -> None:
    generator = np.random.default_rng(1)
    apart = [("A", n, int(generator.binomial(12, 0.4)), 12) for n in range(60)]
    together = [("B", n, 12 * int(generator.random() < 0.4), 12) for n in range(60)]
    one, other = assess_facilities(LTC, YEAR, months(*apart, *together)).to_dict("records")
    width = (one["upper"] - one["lower"], other["upper"] - other["lower"])
    assert width[1] / width[0] == pytest.approx(np.sqrt(12), rel=0.25)


def test_limits_cover_what_was_planted() -> None:
    generator = np.random.default_rng(7)
    rows = []
    for facility in range(500):
        often = generator.random(40) < 0.3
        rows += [(f"{facility:04d}", n, 10 * int(is_often), 10) for n, is_often in enumerate(often)]
    contract = assess_facilities(LTC, YEAR, months(*rows))
    covered = (contract["lower"] <= 30) & (contract["upper"] >= 30)
    assert 0.93 <= covered.mean() <= 0.97


def test_what_is_wrong_with_a_cohort_is_named() -> None:
    with pytest.raises(CohortError, match="cohort of ltc: column denominator is missing"):
        assess_facilities(LTC, YEAR, months(("A", 1, 1, 1)).drop_columns(["denominator"]))
    with pytest.raises(FitError, match="numerator: 1 values are above their denominators"):
        assess_facilities(LTC, YEAR, months(("A", 1, 3, 2)))
