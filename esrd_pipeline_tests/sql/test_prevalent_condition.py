"""Prevalent conditions from claims of the year before: manual 2.13.13, Table 10."""

import pytest

from esrd_pipeline_tests.sql.inpatient_claims import KNOWN, inpatient
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.13.13")


def outpatient(number: int, on: str, code: str) -> Row:
    return {
        "bene_id": 500,
        "clm_id": number,
        "performance_year": 2023,
        "nch_clm_type_cd": "40",
        "clm_from_dt": day(on),
        "clm_thru_dt": day(on),
        "icd_dgns_cd2": code,
    }


def suffer(*claims: Row, carrier: tuple[Row, ...] = (), lines: tuple[Row, ...] = ()) -> Case:
    return case(
        "history.laboratory_claim",
        "history.prevalent_condition",
        tables={
            "linkage.beneficiary": [KNOWN],
            "raw.claim": list(claims),
            "raw.carrier_claim": carrier,
            "raw.carrier_line": lines,
        },
    ).read(lambda rows: set(zip(rows["specification"], rows["condition_group"], strict=True)))


@pytest.mark.manual("2.14.12", "2.25.14", "2.13.17")
@worked
def test_one_inpatient_claim_is_enough_for_every_specification() -> Worked:
    claim = inpatient(1, "2023-05-01", "2023-05-04", prncpal_dgns_cd="I509", performance_year=2023)
    conditions = yield suffer(claim)
    assert conditions == {(name, "ccs_108") for name in ("manual", "submission", "smr")}


@pytest.mark.parametrize("code", ["I4820", "I4811", "I4720", "I472", "I482"])
@worked
def test_a_code_that_split_off_keeps_the_group_of_the_one_it_left(code: str) -> Worked:
    claim = inpatient(1, "2023-05-01", "2023-05-04", icd_dgns_cd3=code, performance_year=2023)
    conditions = yield suffer(claim)
    assert conditions == {(name, "ccs_106") for name in ("manual", "submission", "smr", "sedr")}


@pytest.mark.manual("2.14.12")
@worked
def test_two_other_claims_are_enough_for_the_submission_and_two_days_of_them_for_smr() -> Worked:
    one = outpatient(1, "2023-05-01", "I509")
    first, second, third = yield (
        suffer(one),
        suffer(one, outpatient(2, "2023-05-01", "I509")),
        suffer(one, outpatient(2, "2023-06-01", "I509")),
    )
    assert first == set()
    assert second == {("submission", "ccs_108")}
    both = {("submission", "ccs_108"), ("smr", "ccs_108")}
    assert third == both


@pytest.mark.manual("2.14.12", "2.14.16")
@worked
def test_claims_of_laboratories_say_nothing_to_smr() -> Worked:
    one, two = outpatient(1, "2023-05-01", "I509"), outpatient(2, "2023-06-01", "I509")
    bill = {"clm_fac_type_cd": "1", "clm_srvc_clsfctn_type_cd": "4"}
    physician = {name: value for name, value in two.items() if name != "nch_clm_type_cd"}
    tested = {"clm_id": 2, "line_num": 1, "prvdr_spclty": "69", "performance_year": 2023}
    seen = {**tested, "line_num": 2, "prvdr_spclty": "39"}
    first, second, third = yield (
        suffer(one, {**two, **bill}),
        suffer(one, carrier=(physician,), lines=(tested,)),
        suffer(one, carrier=(physician,), lines=(tested, seen)),
    )
    assert first == {("submission", "ccs_108")}
    assert second == {("submission", "ccs_108")}
    both = {("submission", "ccs_108"), ("smr", "ccs_108")}
    assert third == both


@worked
def test_claims_of_the_year_itself_do_not_count() -> Worked:
    claim = inpatient(1, "2024-05-01", "2024-05-04", prncpal_dgns_cd="I509")
    conditions = yield suffer(claim)
    assert conditions == set()
