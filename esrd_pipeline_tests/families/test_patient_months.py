"""Unadjusted percentages: values, units, limits by patients, and no flag."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from esrd_pipeline.families.cohort import CohortError
from esrd_pipeline.families.patient_months import assess_facilities
from esrd_pipeline.measures.specification import ProportionSpecification
from esrd_pipeline.parameters.register import find_measure
from esrd_pipeline.statistics.fit import FitError
from esrd_pipeline_tests.families.register_changes import change_entry
from esrd_pipeline_tests.reason_texts import text_of

YEAR = 2024
LTC = ProportionSpecification(entry=find_measure("ltc", "dfc", YEAR))


def months(*rows: tuple[str, int, int, int]) -> pa.Table:
    columns = ["ccn", "patient_id", "numerator", "denominator"]
    return pa.Table.from_pandas(pd.DataFrame(rows, columns=columns), preserve_index=False)


def test_a_percentage_is_months_over_months() -> None:
    (row,) = assess_facilities(LTC, YEAR, months(("A", 1, 2, 6), ("A", 2, 1, 2))).to_dict("records")
    assert (row["numerator"], row["denominator"], row["unit_count"]) == (3, 8, 2)
    assert row["value"] == pytest.approx(37.5)
    assert text_of(row) == "fewer than 11 patients"


def test_a_percentage_is_rounded_once() -> None:
    (row,) = assess_facilities(LTC, YEAR, months(("A", 1, 23, 80))).to_dict("records")
    assert row["value"] == 28.75


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
    assert none["note"] == "nothing or all counts: exact limits with patients as the units"


def test_a_lone_patient_has_a_value_and_no_limits_and_says_so() -> None:
    (row,) = assess_facilities(LTC, YEAR, months(("A", 1, 2, 6))).to_dict("records")
    assert row["value"] == pytest.approx(100 / 3)
    assert np.isnan(row["lower"])
    assert row["note"] == "patients show no spread: no limits"


def test_nothing_in_the_denominator_is_no_value_and_says_why() -> None:
    row, other = assess_facilities(
        change_entry(LTC, minimum_units=None), YEAR, months(("A", 1, 0, 0), ("B", 2, 1, 2))
    ).to_dict("records")
    assert np.isnan(row["value"])
    assert row["unit_count"] == 0
    assert row["reason"] == "nothing_in_denominator"
    assert other["reportable"]


def test_size_counts_patient_months_where_the_specification_says_so() -> None:
    cohort = months(("A", 1, 2, 6), ("A", 2, 1, 2))
    (row,) = assess_facilities(change_entry(LTC, unit="patient_months"), YEAR, cohort).to_dict(
        "records"
    )
    assert row["unit_count"] == 8
    assert text_of(row) == "fewer than 11 patient-months"


def test_the_qip_takes_fractions() -> None:
    cohort = months(("A", 1, 2, 6), ("A", 2, 1, 2))
    (percent,) = assess_facilities(LTC, YEAR, cohort).to_dict("records")
    (fraction,) = assess_facilities(change_entry(LTC, program="qip"), YEAR, cohort).to_dict(
        "records"
    )
    assert fraction["value"] == pytest.approx(0.375)
    assert 100 * fraction["upper"] == pytest.approx(percent["upper"])


def test_the_order_of_rows_does_not_matter() -> None:
    generator = np.random.default_rng(4)
    rows = [("AB"[n % 2], n, int(generator.binomial(7, 0.4)), 7) for n in range(60)]
    again = assess_facilities(LTC, YEAR, months(*rows[::-1]))
    pd.testing.assert_frame_equal(assess_facilities(LTC, YEAR, months(*rows)), again, rtol=1e-9)


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
