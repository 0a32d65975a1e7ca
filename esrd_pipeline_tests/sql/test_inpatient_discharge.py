"""Hospital stays: kinds, transfers, order in the year, planned or not."""

import pytest

from esrd_pipeline_tests.sql.discharges import (
    ACUTE,
    CRITICAL,
    LONG_TERM,
    OTHER_ACUTE,
    PSYCHIATRIC,
    REHABILITATION,
    claim,
    find_discharges,
)
from esrd_pipeline_tests.sql.worked import Worked, day, worked

KNEE, KIDNEY, DIALYSIS = "0SRC0J9", "0TY00Z0", "5A1D70Z"
"""Potentially planned (CCS 152), always planned (CCS 105), neither."""
OSTEOARTHRITIS, INFARCTION, CHEMOTHERAPY = "M1711", "I214", "Z5111"


@pytest.mark.manual("2.10.10", "2.11.11")
@pytest.mark.parametrize(
    ("hospital", "kind"),
    [
        ("100001", "acute"),
        ("100879", "acute"),
        ("100880", "other"),
        ("101299", "other"),
        ("101300", "critical access"),
        ("101399", "critical access"),
        ("101400", "other"),
        ("102000", "long-term"),
        ("102299", "long-term"),
        ("103024", "other"),
        ("103025", "rehabilitation"),
        ("103099", "rehabilitation"),
        # A children's hospital: reading 280.
        ("103300", "other"),
        ("104000", "psychiatric"),
        ("104499", "psychiatric"),
        ("104500", "other"),
        ("10S001", "psychiatric"),
        ("10M001", "psychiatric"),
        ("10T001", "rehabilitation"),
        ("10R001", "rehabilitation"),
        ("10U001", "other"),
        ("10Z300", "other"),
        ("10001E", "other"),
        (None, "other"),
    ],
)
@worked
def test_the_number_says_what_kind_of_hospital_it_is(hospital: str | None, kind: str) -> Worked:
    (row,) = yield find_discharges(claim("2024-03-01", "2024-03-05", prvdr_num=hospital))
    assert row["kind"] == kind


@pytest.mark.manual("2.10.8", "2.11.8")
@worked
def test_cancer_hospitals_exempt_from_pps_are_known_by_their_numbers() -> Worked:
    first, second = yield find_discharges(
        claim("2024-03-01", "2024-03-05", hospital="330154"),
        claim("2024-04-01", "2024-04-05", hospital="330155"),
    )
    assert (first["is_cancer_hospital"], second["is_cancer_hospital"]) == (True, False)


@pytest.mark.manual("2.10.10")
@pytest.mark.parametrize(
    ("reason", "managed", "covered"),
    [
        (None, None, True),
        ("P", "0", True),
        ("B", "0", False),
        ("N", "0", False),
        ("N", "1", True),
    ],
)
@worked
def test_benefits_exhausted_or_refused_are_not_covered_but_managed_care_is(
    reason: str | None, managed: str | None, *, covered: bool
) -> Worked:
    row = claim("2024-03-01", "2024-03-05", clm_mdcr_non_pmt_rsn_cd=reason, clm_mco_pd_sw=managed)
    rows = yield find_discharges(row)
    assert rows[0]["is_covered"] is covered


@pytest.mark.manual("2.10.8", "2.11.8")
@pytest.mark.parametrize(
    ("admitted", "hospital", "stays", "transferred"),
    [
        ("2024-03-05", OTHER_ACUTE, 2, [True, False]),
        ("2024-03-06", OTHER_ACUTE, 2, [True, False]),
        ("2024-03-06", CRITICAL, 2, [True, False]),
        ("2024-03-07", OTHER_ACUTE, 2, [False, False]),
        ("2024-03-05", ACUTE, 1, [False]),
        ("2024-03-06", ACUTE, 2, [False, False]),
        ("2024-03-05", REHABILITATION, 2, [False, False]),
        ("2024-03-05", PSYCHIATRIC, 2, [False, False]),
        ("2024-03-05", LONG_TERM, 2, [False, False]),
    ],
)
@worked
def test_an_acute_stay_elsewhere_on_the_day_or_the_next_is_a_transfer(
    admitted: str, hospital: str, stays: int, transferred: list[bool]
) -> Worked:
    rows = yield find_discharges(
        claim("2024-03-01", "2024-03-05"), claim(admitted, "2024-03-20", hospital=hospital)
    )
    assert len(rows) == stays
    assert [row["is_transferred"] for row in rows] == transferred


@pytest.mark.manual("2.10.8")
@worked
def test_joined_stays_last_from_the_first_admission_to_the_last_discharge() -> Worked:
    first, second = yield find_discharges(
        claim("2024-03-01", "2024-03-05", icd_dgns_cd3="U071"),
        claim("2024-03-06", "2024-03-20", hospital=OTHER_ACUTE),
    )
    assert second["hospital_ccn"] == OTHER_ACUTE
    assert second["episode_admit_date"] == day("2024-03-01")
    assert (first["is_admission"], second["is_admission"]) == (True, False)
    assert first["is_covid"]
    assert second["is_covid"]


@worked
def test_the_stay_before_is_the_one_that_ended_last() -> Worked:
    """A in hospital from the 1st to the 10th, B within it, A's neighbour C on the 11th."""
    rows = yield find_discharges(
        claim("2024-03-01", "2024-03-10"),
        claim("2024-03-03", "2024-03-05", hospital=CRITICAL),
        claim("2024-03-11", "2024-03-14", hospital=OTHER_ACUTE),
    )
    assert {row["episode"] for row in rows} == {1}


@worked
def test_an_admission_is_the_first_covered_leg() -> Worked:
    rows = yield find_discharges(
        claim("2024-03-15", "2024-03-16", clm_mdcr_non_pmt_rsn_cd="N"),
        claim("2024-03-16", "2024-03-20", hospital=OTHER_ACUTE),
    )
    assert [(row["is_covered"], row["is_admission"]) for row in rows] == [
        (False, False),
        (True, True),
    ]


@worked
def test_a_unit_for_hospice_is_not_acute_care() -> Worked:
    rows = yield find_discharges(
        claim("2024-03-01", "2024-03-05"),
        claim("2024-03-05", "2024-03-09"),
        revenue=[{"clm_id": 2, "clm_line_num": 1, "rev_cntr": "0115"}],
    )
    assert [(row["kind"], row["discharge_date"]) for row in rows] == [
        ("acute", day("2024-03-05")),
        ("other", day("2024-03-09")),
    ]


@worked
def test_interim_bills_of_one_hospital_are_one_stay() -> Worked:
    (row,) = yield find_discharges(
        claim("2024-03-01", "2024-03-15", ptnt_dschrg_stus_cd="30"),
        claim("2024-03-16", "2024-03-30", ptnt_dschrg_stus_cd="07"),
    )
    assert (row["discharge_date"], row["discharge_status"]) == (day("2024-03-30"), "07")


@worked
def test_a_claim_sent_twice_is_one_stay() -> Worked:
    twice = claim("2024-03-01", "2024-03-05")
    rows = yield find_discharges(twice, twice)
    assert len(rows) == 1


@pytest.mark.manual("2.10.8", "2.10.10", "2.11.8")
@pytest.mark.parametrize("elsewhere", ["100001", "100003"])
@worked
def test_of_stays_that_end_on_one_day_any_elsewhere_makes_a_transfer(elsewhere: str) -> Worked:
    # A day in a hospital, transferred there, and another stay in it from the day after.
    first, second, third = yield find_discharges(
        claim("2024-03-01", "2024-03-05", hospital=elsewhere),
        claim("2024-03-05", "2024-03-05", hospital=OTHER_ACUTE),
        claim("2024-03-06", "2024-03-09", hospital=OTHER_ACUTE),
    )
    assert first["episode"] == second["episode"] == third["episode"]


@pytest.mark.manual("2.10.11", "2.11.13")
@pytest.mark.parametrize("code", ["U071", "B9729", "J1282"])
@worked
def test_covid_is_any_of_three_codes_in_any_of_25_places(code: str) -> Worked:
    row = claim("2024-03-01", "2024-03-05", icd_dgns_cd25=code)
    first, second = yield find_discharges(row), find_discharges(claim("2024-03-01", "2024-03-05"))
    assert first[0]["is_covid"]
    assert second[0]["is_covid"] is False


@pytest.mark.manual("2.10.8", "2.11.8")
@worked
def test_a_revenue_center_of_rehabilitation_marks_the_stay() -> Worked:
    line = {"clm_id": 1, "clm_line_num": 1}
    (rehabilitated,), (other,) = yield (
        find_discharges(claim("2024-03-01", "2024-03-05"), revenue=[{**line, "rev_cntr": "0118"}]),
        find_discharges(claim("2024-03-01", "2024-03-05"), revenue=[{**line, "rev_cntr": "0120"}]),
    )
    assert rehabilitated["is_rehabilitation"] is True
    assert other["is_rehabilitation"] is False


@pytest.mark.manual("2.10.8", "2.11.8")
@worked
def test_episodes_are_counted_by_admission_in_the_calendar_year() -> Worked:
    rows = yield find_discharges(
        claim("2023-12-01", "2023-12-05"),
        claim("2023-12-28", "2024-01-03"),
        claim("2024-02-01", "2024-02-03"),
        claim("2024-02-04", "2024-02-08", hospital=OTHER_ACUTE),
        claim("2024-03-01", "2024-03-05", hospital=PSYCHIATRIC),
        claim("2024-04-01", "2024-04-05"),
    )
    known = [None if row["kind"] == "psychiatric" else row["order_in_year"] for row in rows]
    assert known == [1, 2, 1, 1, None, 2]


@pytest.mark.manual("2.10.10", "2.11.11")
@pytest.mark.parametrize(
    ("procedure", "diagnosis", "planned"),
    [
        # i: always planned, whatever else.
        (KIDNEY, INFARCTION, True),
        (None, CHEMOTHERAPY, True),
        # ii: planned unless the diagnosis is acute.
        (KNEE, OSTEOARTHRITIS, True),
        (KNEE, INFARCTION, False),
        # Injuries are acute at their first encounter, not later.
        (KNEE, "S72001A", False),
        (KNEE, "S72001D", True),
        # A single procedure and a single diagnosis outside the listed categories.
        ("02U007Z", OSTEOARTHRITIS, True),
        (KNEE, "I501", False),
        # COVID-19 is acute by our reading.
        (KNEE, "U071", False),
        # Codes younger than CCS 2019.1, an acute pneumonia and a potentially planned bypass.
        (KNEE, "J1282", False),
        ("001607A", OSTEOARTHRITIS, True),
        (DIALYSIS, OSTEOARTHRITIS, False),
        (None, OSTEOARTHRITIS, False),
        (None, None, False),
    ],
)
@worked
def test_a_stay_is_planned_by_its_procedures_and_principal_diagnosis(
    procedure: str | None, diagnosis: str | None, *, planned: bool
) -> Worked:
    row = claim("2024-03-01", "2024-03-05", icd_prcdr_cd25=procedure, prncpal_dgns_cd=diagnosis)
    rows = yield find_discharges(row)
    assert rows[0]["is_planned"] is planned


@worked
def test_the_principal_diagnosis_has_its_ccs_category() -> Worked:
    (row,) = yield find_discharges(claim("2024-03-01", "2024-03-05", prncpal_dgns_cd="C3490"))
    assert row["principal_category"] == 19


@worked
def test_a_secondary_diagnosis_does_not_make_a_discharge_one_of_high_risk() -> Worked:
    # HIV beside heart failure: the patient was discharged with heart failure (reading 129).
    codes = {"prncpal_dgns_cd": "I509", "icd_dgns_cd1": "I509", "icd_dgns_cd2": "B20"}
    (row,) = yield find_discharges(claim("2024-03-01", "2024-03-05", **codes))
    assert row["principal_category"] == 108
