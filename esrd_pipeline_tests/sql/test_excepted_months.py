"""An exception excludes its own months from the QIP's measures and no others (manual 3.4).

A year of a patient in which everything was reported, with an exception for each month in turn.
"""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.months import CENTER, care, clinic, excepted, judge, know
from esrd_pipeline_tests.sql.worked import Case, Worked, worked

pytestmark = pytest.mark.manual("3.4")

MONTHS = [f"2024-{number:02d}" for number in range(1, 13)]
OWN_MONTH = ("ktv_adult_hd", "medication_reconciliation", "hypercalcemia")
"""Measures to which only what the QIP's month itself reports counts."""


def judge_year(*months: str, program: str = "qip") -> Case:
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
    return judge(cared, reported, known=known, program=program).read(
        lambda rows: rows.assign(
            month=pd.to_datetime(rows["month"]).dt.strftime("%Y-%m")
        ).set_index("month")
    )


@worked
def test_without_an_exception_every_month_counts() -> Worked:
    whole = yield judge_year()
    assert whole.index.tolist() == MONTHS
    for measure in (*OWN_MONTH, "ltc"):
        assert whole[f"{measure}_reason"].isna().all(), measure


@pytest.mark.parametrize("month", MONTHS)
@worked
def test_an_exception_changes_exactly_its_month(month: str) -> Worked:
    whole, rows = yield judge_year(), judge_year(month)
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
@worked
def test_several_exceptions_are_each_its_own_months(span: tuple[str, ...]) -> Worked:
    rows = yield judge_year(*span)
    counted = rows[rows["ktv_adult_hd_reason"].isna()]
    assert counted.index.tolist() == [month for month in MONTHS if month not in span]
    assert len(counted) == len(MONTHS) - len(span)


@worked
def test_an_exception_says_nothing_to_dialysis_facility_measures() -> Worked:
    without, with_one = yield judge_year(program="dfc"), judge_year("2024-05", program="dfc")
    assert len(without) == len(MONTHS)
    pd.testing.assert_frame_equal(without, with_one, check_dtype=False)
