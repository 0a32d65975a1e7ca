"""Transplants of each program, from OPTN, EQRS, CMS-2728 and inpatient claims."""

import pytest

from esrd_pipeline_tests.sql.people import (
    BENEFICIARY,
    BORN,
    EARLIER,
    KNOWN,
    PATIENT,
    SSN,
    admitted,
    form,
    linked,
    read,
)
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.13.10", "Table 3")

PROGRAMS = ("dfc", "qip")


def optn(date: str, *, failed: str | None = None, person: int = 3, donor: str = "L") -> Row:
    return {
        "pers_id": person,
        "pers_ssn": SSN,
        "pers_birth_dt": BORN,
        "rec_tx_dt": day(date),
        "don_ty": donor,
        "tfl_graft_dt": day(failed) if failed else None,
    }


def operated(
    start: str, end: str, operated_on: str | None, code: str = "0TY00Z0", place: int = 1
) -> Row:
    """An inpatient claim with a procedure."""
    return {
        "bene_id": BENEFICIARY,
        "clm_id": 1,
        "nch_clm_type_cd": "60",
        "clm_from_dt": day(start),
        "clm_thru_dt": day(end),
        f"icd_prcdr_cd{place}": code,
        f"prcdr_dt{place}": day(operated_on) if operated_on else None,
        "performance_year": int(end[:4]),
    }


def find_transplants(
    *,
    optns: tuple[Row, ...] = (),
    admissions: tuple[Row, ...] = (),
    forms: tuple[Row, ...] = (),
    stays: tuple[Row, ...] = (),
    links: list[Row] | None = None,
    before: tuple[Row, ...] = (),
) -> Case:
    return case(
        "linkage.transplant",
        tables={
            "raw.eqrs_patient": [KNOWN],
            "raw.optn_transplant": optns,
            "raw.eqrs_admission": admissions,
            "raw.cms_2728": forms,
            "raw.claim": stays,
            "linkage.beneficiary": linked() if links is None else links,
            "linkage.earlier_patient": [EARLIER],
            "linkage.transplant": [{"performance_year": 2023, **row} for row in before],
        },
    )


def left_for_transplant(date: str) -> Row:
    return admitted("2020-01-01", date, "Transplant")


@worked
def test_optn_dates_a_transplant_that_others_tell_within_thirty_days() -> Worked:
    rows = yield find_transplants(
        optns=(optn("2023-04-10"),),
        admissions=(left_for_transplant("2023-04-12"),),
        forms=(form(transplant="2023-03-11"),),
        stays=(operated("2023-05-01", "2023-05-20", "2023-05-10"),),
    )
    assert read(rows, "dfc", "transplant_date", "source", "donor") == [
        [day("2023-04-10"), "optn", "living"]
    ]


@worked
def test_the_qip_does_not_know_optn() -> Worked:
    rows = yield find_transplants(optns=(optn("2023-04-10"),))
    assert read(rows, "dfc", "source") == [["optn"]]
    assert read(rows, "qip", "source") == []


@worked
def test_without_optn_eqrs_dates_a_transplant_before_form_and_claim() -> Worked:
    rows = yield find_transplants(
        optns=(optn("2023-04-10"),),
        admissions=(left_for_transplant("2023-04-12"),),
        forms=(form(transplant="2023-04-11"),),
        stays=(operated("2023-04-09", "2023-04-20", "2023-04-10"),),
    )
    assert read(rows, "qip", "transplant_date", "source", "donor") == [
        [day("2023-04-12"), "eqrs", None]
    ]


@worked
def test_the_form_dates_a_transplant_before_the_claim() -> Worked:
    rows = yield find_transplants(
        forms=(form(transplant="2023-04-11"),),
        stays=(operated("2023-04-09", "2023-04-20", "2023-04-10"),),
    )
    for program in PROGRAMS:
        assert read(rows, program, "transplant_date", "source") == [[day("2023-04-11"), "cms_2728"]]


@pytest.mark.parametrize(("date", "count"), [("2023-05-10", 1), ("2023-05-11", 2)])
@worked
def test_thirty_days_make_one_transplant_and_thirty_one_make_two(date: str, count: int) -> Worked:
    first, second = yield (
        find_transplants(optns=(optn("2023-04-10"),), admissions=(left_for_transplant(date),)),
        find_transplants(
            admissions=(left_for_transplant("2023-04-10"),), forms=(form(transplant=date),)
        ),
    )
    assert len(read(first, "dfc", "source")) == count
    assert len(read(second, "qip", "source")) == count


@worked
def test_reports_each_within_thirty_days_of_the_one_before_are_one_transplant() -> Worked:
    rows = yield find_transplants(
        admissions=(left_for_transplant("2023-04-10"),),
        stays=(operated("2023-05-05", "2023-05-12", "2023-05-05"),),
        forms=(form(transplant="2023-06-01"),),
    )
    assert read(rows, "qip", "transplant_date", "source") == [[day("2023-04-10"), "eqrs"]]


@worked
def test_two_transplants_of_optn_within_thirty_days_are_two() -> Worked:
    rows = yield find_transplants(
        optns=(optn("2023-04-10", failed="2023-04-12"), optn("2023-04-25"))
    )
    assert read(rows, "dfc", "transplant_date", "failure_date") == [
        [day("2023-04-10"), day("2023-04-12")],
        [day("2023-04-25"), None],
    ]


@worked
def test_one_transplant_under_two_persons_of_optn_is_one() -> Worked:
    rows = yield find_transplants(optns=(optn("2023-04-10"), optn("2023-04-10", person=4)))
    assert len(rows) == 1


@worked
def test_an_optn_person_with_another_birth_date_is_not_the_patient() -> Worked:
    other = {**optn("2023-04-10"), "pers_birth_dt": day("1951-03-02")}
    rows = yield find_transplants(optns=(other,))
    assert rows.empty


@pytest.mark.parametrize("code", ["0TY00Z0", "0TY00Z1", "0TY00Z2", "0TY10Z0", "0TY10Z1", "0TY10Z2"])
@worked
def test_an_inpatient_claim_tells_both_programs_of_a_transplant(code: str) -> Worked:
    rows = yield find_transplants(stays=(operated("2024-04-09", "2024-04-20", "2024-04-10", code),))
    for program in PROGRAMS:
        assert read(rows, program, "transplant_date", "source") == [[day("2024-04-10"), "claim"]]


@worked
def test_the_procedure_may_stand_in_any_place_and_has_its_own_day() -> Worked:
    stay = operated("2024-04-01", "2024-04-20", "2024-04-10", place=25)
    other = {"icd_prcdr_cd1": "5A1D70Z", "prcdr_dt1": day("2024-04-02")}
    rows = yield find_transplants(stays=({**stay, **other},))
    assert read(rows, "qip", "transplant_date") == [[day("2024-04-10")]]


@pytest.mark.parametrize("operated_on", [None, "2023-04-10"])
@worked
def test_a_procedure_without_a_day_within_the_stay_is_of_the_day_of_admission(
    operated_on: str | None,
) -> Worked:
    stay = operated("2024-04-03", "2024-04-20", operated_on)
    rows = yield find_transplants(stays=({**stay, "clm_admsn_dt": day("2024-04-02")},))
    assert read(rows, "dfc", "transplant_date") == [[day("2024-04-02")]]


@worked
def test_another_organ_or_an_outpatient_claim_tells_of_no_kidney() -> Worked:
    stay = operated("2024-04-01", "2024-04-20", "2024-04-10")
    first, second = yield (
        find_transplants(stays=({**stay, "icd_prcdr_cd1": "0FY00Z0"},)),
        find_transplants(stays=({**stay, "nch_clm_type_cd": "40"},)),
    )
    assert first.empty
    assert second.empty


@worked
def test_a_claim_of_the_year_before_counts_for_whom_its_beneficiary_is_known_as_now() -> Worked:
    rows = yield find_transplants(
        stays=(operated("2023-04-09", "2023-04-20", "2023-04-10"),),
        links=linked(PATIENT),
    )
    assert read(rows, "dfc", "patient_id", "transplant_date") == [[PATIENT, day("2023-04-10")]]


@pytest.mark.parametrize(("known_as", "is_now"), [(PATIENT, 1), (-BENEFICIARY, 1), (-77, -77)])
@worked
def test_a_transplant_known_from_a_claim_is_remembered(known_as: int, is_now: int) -> Worked:
    past = {"patient_id": known_as, "transplant_date": day("2021-04-10"), "source": "claim"}
    rows = yield find_transplants(before=({**past, "program": "qip"}, {**past, "program": "dfc"}))
    for program in PROGRAMS:
        assert read(rows, program, "patient_id", "transplant_date", "source") == [
            [is_now, day("2021-04-10"), "claim"]
        ]


@worked
def test_what_registers_told_the_year_before_and_no_more_is_not_remembered() -> Worked:
    past = {"program": "dfc", "patient_id": 1, "transplant_date": day("2021-04-10")}
    rows = yield find_transplants(before=({**past, "source": "eqrs"},))
    assert rows.empty


@worked
def test_a_remembered_transplant_and_its_claim_are_one() -> Worked:
    past = {"program": "dfc", "patient_id": 1, "transplant_date": day("2023-04-10")}
    rows = yield find_transplants(
        stays=(operated("2023-04-09", "2023-04-20", "2023-04-10"),),
        before=({**past, "source": "claim"},),
    )
    assert len(read(rows, "dfc", "source")) == 1


def returns(date: str) -> Row:
    return admitted(date, reason="Dialysis After Transplant Failed")


@worked
def test_the_graft_failed_by_optn_or_by_an_earlier_return_to_dialysis() -> Worked:
    graft = optn("2020-04-10", failed="2023-05-01")
    first, second = yield (
        find_transplants(optns=(graft,), admissions=(returns("2023-05-20"),)),
        find_transplants(optns=(graft,), admissions=(returns("2023-04-20"),)),
    )
    assert read(first, "dfc", "failure_date") == [[day("2023-05-01")]]
    assert read(second, "dfc", "failure_date") == [[day("2023-04-20")]]


@worked
def test_the_form_tells_of_a_return_to_dialysis() -> Worked:
    rows = yield find_transplants(
        forms=(form(transplant="2020-04-11"), form(2, dialysis_returned="2022-06-01"))
    )
    assert read(rows, "qip", "transplant_date", "failure_date") == [
        [day("2020-04-11"), day("2022-06-01")]
    ]


@worked
def test_a_return_to_dialysis_is_a_failure_of_the_last_transplant_before_it() -> Worked:
    rows = yield find_transplants(
        admissions=(
            left_for_transplant("2015-01-10"),
            left_for_transplant("2020-01-10"),
            returns("2023-05-20"),
        )
    )
    assert read(rows, "dfc", "transplant_date", "failure_date") == [
        [day("2015-01-10"), None],
        [day("2020-01-10"), day("2023-05-20")],
    ]


@worked
def test_a_failure_before_the_transplant_is_none() -> Worked:
    rows = yield find_transplants(optns=(optn("2020-04-10", failed="2019-05-01"),))
    assert read(rows, "dfc", "failure_date") == [[None]]
