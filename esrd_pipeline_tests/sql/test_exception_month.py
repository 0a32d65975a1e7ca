"""Months of an exception: lists of two years, months of both, numbers as linkage has them (3.4)."""

import pytest

from esrd_pipeline_tests.sql.months import (
    MARCH,
    PERITONEAL,
    QUARTER,
    care,
    clinic,
    excepted,
    judge,
    know,
    last,
    stay,
)
from esrd_pipeline_tests.sql.worked import YEAR, Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("3.4")


def grant(ccn: str, first: str, final: str, year: int = YEAR) -> Row:
    """An exception from month to month in the list of a year."""
    return {
        "ccn": ccn,
        "first_month": day(f"{first}-01"),
        "last_month": day(f"{final}-01"),
        "performance_year": year,
    }


def number(reported: str, ccn: str, program: str = "qip") -> Row:
    return {
        "program": program,
        "provider_number": reported,
        "ccn": ccn,
        "relation": "own" if reported == ccn else "alternate",
        "rule": "listed",
    }


def months(*grants: Row, numbers: tuple[Row, ...] = ()) -> Case:
    """The excepted months as 'A 2024-01'."""
    return case(
        "history.exception_month",
        tables={"raw.ece_grant": list(grants), "linkage.provider_number": list(numbers)},
    ).read(lambda rows: [f"{row.ccn} {str(row.month)[:7]}" for row in rows.itertuples()])


@worked
def test_an_exception_of_last_year_s_list_is_one() -> Worked:
    rows = yield months(grant("A", "2023-11", "2023-12", YEAR - 1))
    assert rows == ["A 2023-11", "A 2023-12"]


@worked
def test_an_exception_over_new_year_goes_on_whichever_list_has_it() -> Worked:
    before, now, both = yield (
        months(grant("A", "2023-11", "2024-01", YEAR - 1)),
        months(grant("A", "2023-11", "2024-01")),
        months(grant("A", "2023-11", "2024-01", YEAR - 1), grant("A", "2024-01", "2024-01")),
    )
    assert before == now == both == ["A 2023-11", "A 2023-12", "A 2024-01"]


@worked
def test_an_older_list_or_a_later_one_says_nothing() -> Worked:
    rows = yield months(
        grant("A", "2022-11", "2024-02", YEAR - 2), grant("A", "2024-02", "2024-02", YEAR + 1)
    )
    assert rows == []


@worked
def test_a_number_stands_for_its_facility() -> Worked:
    linked = (number("A", "A"), number("A9", "A"), number("A9", "B", "dfc"))
    rows = yield months(grant("A9", MARCH, MARCH), grant("A", MARCH, "2024-04"), numbers=linked)
    assert rows == ["A 2024-03", "A 2024-04"]


@worked
def test_a_number_of_nobody_excepts_nobody() -> Worked:
    rows = yield judge(care(MARCH), known=excepted("Z", MARCH), program="qip")
    assert last(rows, "ktv_adult_hd") is False


@worked
def test_a_peritoneal_kt_v_of_an_excepted_december_is_not_used_in_january() -> Worked:
    grants = {"raw.ece_grant": [grant("A", "2023-11", "2023-12", YEAR - 1)]}
    january = care("2024-01", modality=PERITONEAL)
    reported = clinic("2023-12", pd_ktv=1.9)
    qip, free, dfc = yield (
        judge(january, reported, known=grants, program="qip"),
        judge(january, reported, program="qip"),
        judge(january, reported, known=grants),
    )
    assert last(qip, "ktv_adult_pd") is False
    assert last(free, "ktv_adult_pd") is True
    assert last(dfc, "ktv_adult_pd") is True


@worked
def test_january_is_excepted_by_last_year_s_list() -> Worked:
    grants = {"raw.ece_grant": [grant("A", "2023-11", "2024-01", YEAR - 1)]}
    reported = clinic("2024-01", hd_ktv=1.5)
    rows = yield judge(care("2024-01"), reported, known=grants, program="qip")
    assert last(rows, "ktv_adult_hd") == "extraordinary_circumstances_exception"


@worked
def test_catheters_of_a_december_excepted_later_do_not_count() -> Worked:
    # Last year's table was made before the grant for its December stood in this year's list.
    kept: list[Row] = [
        {
            "program": "qip",
            "patient_id": 1,
            "month": day(f"{month}-01"),
            "ccn": "A",
            "months": 3,
            "performance_year": YEAR - 1,
        }
        for month in ("2023-11", "2023-12")
    ]
    known = {**know(), "history.catheter_month": kept}
    late = {**known, "raw.ece_grant": [grant("A", "2023-12", "2023-12")]}
    free, barred = yield (
        judge(stay(*QUARTER[:1]), known=known, program="qip"),
        judge(stay(*QUARTER[:1]), known=late, program="qip"),
    )
    assert last(free, "ltc") is True
    assert last(barred, "ltc") is False
