"""Long-term catheters of a patient's month, rule by rule: manual 2.1, 3.4, 3.5."""

import pytest

from esrd_pipeline_tests.sql.months import (
    CATHETER,
    FISTULA,
    MARCH,
    QUARTER,
    access,
    excepted,
    judge,
    last,
    stay,
)
from esrd_pipeline_tests.sql.worked import Row, Worked, day, worked

pytestmark = pytest.mark.manual("2.1.6", "2.1.8", "2.1.12")


@worked
def test_three_months_with_a_catheter_are_long_term() -> Worked:
    rows = yield judge(stay(*QUARTER), access(*((month, CATHETER) for month in QUARTER)))
    assert rows["catheter_months"].tolist() == [1, 2, 3]
    assert rows["is_ltc"].tolist() == [False, False, True]


@worked
def test_the_two_months_before_may_lie_in_the_year_before() -> Worked:
    before = [
        {
            "program": "dfc",
            "patient_id": 1,
            "month": day(f"2023-{month}-01"),
            "ccn": "A",
            "months": number,
            "performance_year": 2023,
        }
        for month, number in (("11", 1), ("12", 2))
    ]
    january = (stay("2024-01"), access(("2024-01", "CATHETERONLY")))
    first, rows = yield judge(*january), judge(*january, known={"history.catheter_month": before})
    assert first["is_ltc"].tolist() == [False]
    assert rows["is_ltc"].tolist() == [True]


@worked
def test_the_two_months_before_are_found_under_the_numbers_of_then() -> Worked:
    before = [
        {
            "program": "dfc",
            "patient_id": -900,
            "month": day(f"2023-{month}-01"),
            "ccn": "OLD",
            "months": number,
            "performance_year": 2023,
        }
        for month, number in (("11", 1), ("12", 2))
    ]
    known: dict[str, list[Row]] = {
        "history.catheter_month": before,
        "linkage.earlier_patient": [{"earlier_patient_id": -900, "patient_id": 1}],
        "linkage.provider_number": [{"program": "dfc", "provider_number": "OLD", "ccn": "A"}],
    }
    rows = yield judge(stay("2024-01"), access(("2024-01", "CATHETERONLY")), known=known)
    assert rows["is_ltc"].tolist() == [True]


@pytest.mark.parametrize(
    "kind",
    [
        "AV Fistula Combined with a Catheter",
        "AVGWCATHETER",
        "Port Access Only",
        "Other/Unknown",
        None,
    ],
)
@worked
def test_combined_port_unknown_and_missing_access_are_catheters(kind: str | None) -> Worked:
    rows = yield judge(stay(*QUARTER), access(*((month, kind) for month in QUARTER)))
    assert last(rows, "ltc") is True


@pytest.mark.parametrize("kind", [FISTULA, "AVFONLY", "AVFSINGLE", "AV Graft Only", "AVGONLY"])
@worked
def test_a_fistula_or_graft_alone_ends_the_run(kind: str) -> Worked:
    months = (*QUARTER, "2024-04")
    kinds = (CATHETER, kind, CATHETER, CATHETER)
    rows = yield judge(stay(*months), access(*zip(months, kinds, strict=True)))
    assert rows["catheter_months"].tolist() == [1, 0, 1, 2]


@worked
def test_without_an_access_of_its_own_the_other_facility_s_counts() -> Worked:
    elsewhere = access(*((month, FISTULA) for month in QUARTER), ccn="B")
    own = access(*((month, CATHETER) for month in QUARTER))
    first, second = yield (
        judge(stay(*QUARTER), elsewhere),
        judge(stay(*QUARTER), [*own, *elsewhere]),
    )
    assert last(first, "ltc") is False
    assert last(second, "ltc") is True


@worked
def test_a_new_facility_begins_to_count_anew() -> Worked:
    rows = yield judge([*stay("2024-01", "2024-02"), *stay(MARCH, "2024-04", ccn="B")])
    assert rows["catheter_months"].tolist() == [1, 2, 1, 2]


@worked
def test_a_month_missing_between_ends_the_run() -> Worked:
    rows = yield judge(stay("2024-01", "2024-02", "2024-04"))
    assert rows["catheter_months"].tolist() == [1, 2, 1]


@pytest.mark.manual("2.1.9")
@worked
def test_limited_life_excludes_months_with_a_catheter_alone() -> Worked:
    limited: list[Row] = [
        {"patient_id": 1, "month": day("2024-03-01"), "is_hospice": True},
    ]
    first, rows = yield (
        judge(stay(MARCH), limited=limited),
        judge(stay(MARCH), access((MARCH, FISTULA)), limited=limited),
    )
    found = last(first, "ltc")
    assert found == "catheter_with_limited_life_expectancy"
    assert last(rows, "ltc") is False


@pytest.mark.manual("2.1.7", "3.4")
@worked
def test_an_exception_takes_its_months_out_of_the_qip_and_out_of_the_run() -> Worked:
    months = (*QUARTER, "2024-04", "2024-05")
    known = excepted("A", "2024-02")
    qip, dfc = yield (
        judge(stay(*months), known=known, program="qip"),
        judge(stay(*months), known=known),
    )
    assert qip["catheter_months"].tolist() == [1, 0, 1, 2, 3]
    assert qip["ltc_reason"].iloc[1] == "extraordinary_circumstances_exception"
    assert dfc["catheter_months"].tolist() == [1, 2, 3, 3, 3]


@worked
def test_a_month_under_two_exceptions_has_one_row() -> Worked:
    grants = [
        {"ccn": "A", "first_month": day("2024-01-01"), "last_month": day(f"2024-{last}-01")}
        for last in ("02", "03")
    ]
    rows = yield judge(stay(*QUARTER), known={"raw.ece_grant": grants}, program="qip")
    assert rows["is_exception"].tolist() == [True, True, True]
