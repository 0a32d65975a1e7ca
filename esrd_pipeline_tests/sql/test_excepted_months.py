"""An exception takes its own months out of the QIP's measures, and touches no other (manual 3.4).

A year of a patient in which everything was reported, with an exception for each month in turn.
"""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.months import CENTER, care, clinic, excepted, judge, know

MONTHS = [f"2024-{number:02d}" for number in range(1, 13)]
OWN_MONTH = ("ktv_adult_hd", "medication_reconciliation", "hypercalcemia")
"""Measures to which only what the QIP's month itself reports counts."""


def judge_year(*months: str, program: str = "qip") -> pd.DataFrame:
    cared = [row for month in MONTHS for row in care(month, modality=CENTER)]
    reported = [
        row
        for month in MONTHS
        for row in clinic(
            month,
            hd_ktv=1.5,
            calcium=9.0,
            access_type="AV Fistula Only",
            has_reconciliation=True,
        )
    ]
    known = {**know(), **(excepted("A", *months) if months else {})}
    rows = judge(cared, reported, known=known, program=program)
    return rows.assign(month=pd.to_datetime(rows["month"]).dt.strftime("%Y-%m")).set_index("month")


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    return judge_year()


def test_without_an_exception_every_month_counts(whole: pd.DataFrame) -> None:
    assert whole.index.tolist() == MONTHS
    for measure in (*OWN_MONTH, "ltc"):
        assert whole[f"{measure}_reason"].isna().all(), measure


@pytest.mark.parametrize("month", MONTHS)
def test_an_exception_changes_exactly_its_month(whole: pd.DataFrame, month: str) -> None:
    rows = judge_year(month)
    columns = [
        name
        for name in whole.columns
        if any(name in (f"{measure}_reason", f"is_{measure}") for measure in (*OWN_MONTH, "ltc"))
    ]
    others = whole.index != month
    pd.testing.assert_frame_equal(
        rows.loc[rows.index != month, columns], whole.loc[others, columns], check_dtype=False
    )
    mine = rows[rows.index == month]
    for measure in (*OWN_MONTH, "ltc"):
        assert mine[f"{measure}_reason"].notna().all(), measure


@pytest.mark.parametrize("span", [("2024-03", "2024-04"), ("2024-01", "2024-07", "2024-12")])
def test_several_exceptions_are_each_its_own_months(
    whole: pd.DataFrame, span: tuple[str, ...]
) -> None:
    rows = judge_year(*span)
    counted = rows[rows["ktv_adult_hd_reason"].isna()]
    assert counted.index.tolist() == [month for month in MONTHS if month not in span]
    assert len(counted) == len(whole) - len(span)


def test_an_exception_says_nothing_to_dialysis_facility_measures(whole: pd.DataFrame) -> None:
    alone, with_one = judge_year(program="dfc"), judge_year("2024-05", program="dfc")
    assert len(alone) == len(whole)
    pd.testing.assert_frame_equal(alone, with_one, check_dtype=False)
