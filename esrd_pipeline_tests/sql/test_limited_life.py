"""Limited life expectancy: manual 2.1.9, 2.1.10."""

import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.1.9", "2.1.10", "2.2.11")


def claim(kind: str, start: str, end: str | None = None, **codes: str) -> Row:
    return {
        "bene_id": 900,
        "clm_id": 1,
        "nch_clm_type_cd": kind,
        "clm_from_dt": day(start),
        "clm_thru_dt": day(end or start),
        "performance_year": int((end or start)[:4]),
        **codes,
    }


def months(*claims: Row, carrier: list[Row] | None = None, specialty: str = "11") -> Case:
    return case(
        "history.laboratory_claim",
        "history.limited_life",
        tables={
            "linkage.beneficiary": [{"bene_id": 900, "patient_id": 1}],
            "linkage.patient": [{"patient_id": 1}],
            "raw.claim": list(claims),
            "raw.carrier_claim": [
                {key: value for key, value in row.items() if key != "nch_clm_type_cd"}
                for row in carrier or []
            ],
            "raw.carrier_line": [
                {
                    "clm_id": 1,
                    "line_num": 1,
                    "prvdr_spclty": specialty,
                    "performance_year": row["performance_year"],
                }
                for row in carrier or []
            ],
        },
    ).read(lambda rows: [str(month)[:7] for month in rows["month"]])


@worked
def test_hospice_counts_in_the_months_it_touches() -> Worked:
    rows = yield months(claim("50", "2024-03-20", "2024-04-02"))
    assert rows == ["2024-03", "2024-04"]


@pytest.mark.parametrize("code", ["C7951", "C800", "K7210", "K767", "R402432", "G931"])
@worked
def test_a_diagnosis_counts_in_the_twelve_months_after_its_own(code: str) -> Worked:
    # Reading 89, as for the fistula rate's conditions.
    first, second, third = yield (
        months(claim("60", "2023-03-20", icd_dgns_cd7=code)),
        months(claim("40", "2024-01-05", prncpal_dgns_cd=code)),
        months(claim("40", "2023-12-31", prncpal_dgns_cd=code)),
    )
    assert first == ["2024-01", "2024-02", "2024-03"]
    assert second == [f"2024-{month:02d}" for month in range(2, 13)]
    assert len(third) == 12


@pytest.mark.parametrize(
    ("code", "is_coma"),
    [
        ("R4020", True),  # unspecified coma
        ("R402110", True),  # eyes never open
        ("R402214", True),  # no verbal response
        ("R402344", True),  # flexion withdrawal
        ("R40243", True),  # Glasgow 3 to 8
        ("R40244", True),  # other coma
        ("R402A", True),
        ("R403", True),
        ("R402411", False),  # Glasgow 13 to 15
        ("R402421", False),  # Glasgow 9 to 12
        ("R402143", False),  # eyes open spontaneously
        ("R402254", False),  # oriented
        ("R402364", False),  # obeys commands
        ("R401", False),  # stupor
    ],
)
@worked
def test_a_coma_scale_is_coma_where_cms_has_it_in_its_category(
    code: str, *, is_coma: bool
) -> Worked:
    rows = yield months(claim("60", "2024-03-20", icd_dgns_cd2=code))
    assert len(rows) == (9 if is_coma else 0)


@pytest.mark.parametrize(
    ("code", "is_end_stage"),
    [("K7041", True), ("K7201", True), ("I8510", True), ("K7040", False), ("K7200", False)],
)
@worked
def test_end_stage_liver_disease_is_cms_category_of_that_name(
    code: str, *, is_end_stage: bool
) -> Worked:
    rows = yield months(claim("60", "2024-03-20", icd_dgns_cd2=code))
    assert len(rows) == (9 if is_end_stage else 0)


@worked
def test_other_diagnoses_and_codes_that_contain_one_say_nothing() -> Worked:
    rows = yield months(claim("60", "2024-03-20", prncpal_dgns_cd="N186", icd_dgns_cd1="XC79"))
    assert rows == []


@worked
def test_home_health_and_nursing_claims_are_not_among_the_sources() -> Worked:
    rows = yield months(claim("10", "2024-03-20", prncpal_dgns_cd="C7951"))
    assert rows == []


@pytest.mark.manual("2.1.13")
@worked
def test_physicians_count_and_laboratories_do_not() -> Worked:
    found = [claim("", "2024-10-05", prncpal_dgns_cd="C7951")]
    bill = {"clm_fac_type_cd": "1", "clm_srvc_clsfctn_type_cd": "4", "prncpal_dgns_cd": "C7951"}
    first, second, third = yield (
        months(carrier=found),
        months(carrier=found, specialty="69"),
        months(claim("40", "2024-11-05", **bill)),
    )
    assert first == ["2024-11", "2024-12"]
    assert second == []
    assert third == []
