"""Places of dialysis: EQRS first, claims and CMS-2728 on days without a place in EQRS."""

import pytest

from esrd_pipeline_tests.sql.histories import (
    LAST,
    A,
    B,
    C,
    came,
    claim,
    claims,
    find_places,
    prescribed,
    read,
    spell,
)
from esrd_pipeline_tests.sql.worked import Worked, case, day, worked

pytestmark = pytest.mark.manual("2.13.10", "2.14.10.3")


@worked
def test_a_patient_not_discharged_is_still_there_on_the_years_last_day() -> Worked:
    rows = yield find_places(spell(A, "2019-05-01"))
    assert read(rows, "facilityid") == [(A, "2019-05-01", LAST)]


@worked
def test_the_day_of_discharge_is_the_last_day_there() -> Worked:
    rows = yield find_places(spell(A, "2024-01-01", "2024-03-31", "Transfer Out"))
    assert read(rows, "facilityid", "ended_by") == [(A, "Transfer Out", "2024-01-01", "2024-03-31")]


@worked
def test_a_discharge_after_the_year_is_not_known_yet() -> Worked:
    rows = yield find_places(spell(A, "2024-01-01", "2025-02-10", "Discontinue"))
    assert read(rows, "facilityid", "ended_by") == [(A, None, "2024-01-01", LAST)]


@worked
def test_an_admission_discharged_as_acute_is_not_chronic_dialysis() -> Worked:
    rows = yield find_places(spell(A, "2024-01-01", "2024-01-20", "Acute"))
    assert rows.empty


@worked
def test_a_new_admission_takes_over_from_one_that_nobody_closed() -> Worked:
    rows = yield find_places(spell(A, "2023-01-01"), spell(B, "2024-02-01"))
    assert read(rows, "facilityid") == [
        (A, "2023-01-01", "2024-01-31"),
        (B, "2024-02-01", LAST),
    ]


@worked
def test_a_discharge_entered_too_late_does_not_delay_the_transfer() -> Worked:
    rows = yield find_places(
        spell(A, "2023-01-01", "2024-02-20", "Transfer Out"), spell(B, "2024-02-01")
    )
    assert read(rows, "facilityid", "ended_by")[0] == (A, None, "2023-01-01", "2024-01-31")


@worked
def test_transfer_on_one_day_gives_the_day_to_the_new_facility() -> Worked:
    rows = yield find_places(
        spell(A, "2023-01-01", "2024-02-01", "Transfer Out"), spell(B, "2024-02-01")
    )
    assert read(rows, "facilityid") == [
        (A, "2023-01-01", "2024-01-31"),
        (B, "2024-02-01", LAST),
    ]


@worked
def test_after_a_stay_within_an_admission_the_first_facility_has_the_patient_again() -> Worked:
    rows = yield find_places(
        spell(A, "2023-01-01"), spell(B, "2024-02-01", "2024-02-29", "Transfer Out")
    )
    assert read(rows, "facilityid") == [
        (A, "2023-01-01", "2024-01-31"),
        (B, "2024-02-01", "2024-02-29"),
        (A, "2024-03-01", LAST),
    ]


@pytest.mark.parametrize("reason", ["Discontinue", "Recover Function", "Transplant", "Death"])
@worked
def test_the_end_of_dialysis_closes_an_older_admission_left_open(reason: str) -> Worked:
    rows = yield find_places(spell(A, "2023-01-01"), spell(B, "2024-02-01", "2024-02-29", reason))
    assert read(rows, "facilityid", "ended_by")[-1] == (B, reason, "2024-02-01", "2024-02-29")


@pytest.mark.parametrize(("closed", "left_open"), [(A, B), (B, A)])
@worked
def test_the_end_of_dialysis_closes_an_admission_of_the_same_day_left_open(
    closed: int, left_open: int
) -> Worked:
    rows = yield find_places(
        spell(closed, "2024-02-01", "2024-04-30", "Recover Function"),
        spell(left_open, "2024-02-01"),
    )
    assert read(rows, "facilityid", "ended_by") == [
        (closed, "Recover Function", "2024-02-01", "2024-04-30")
    ]


@pytest.mark.parametrize("reason", ["Transient", "Dialysis in Support of Transplant", "Acute"])
@worked
def test_travel_is_no_switch_while_the_home_facility_has_the_patient(reason: str) -> Worked:
    rows = yield find_places(
        spell(A, "2023-01-01"),
        spell(B, "2024-02-01", "2024-02-14", "Other", admitted=reason),
    )
    assert read(rows, "facilityid") == [(A, "2023-01-01", LAST)]


@worked
def test_who_was_discharged_before_travelling_is_where_they_travelled_to() -> Worked:
    rows = yield find_places(
        spell(A, "2023-01-01", "2024-01-31", "Transfer Out"),
        spell(B, "2024-02-01", "2024-04-30", "Transfer Out", admitted="Transient"),
        spell(A, "2024-05-01"),
    )
    assert read(rows, "facilityid", "is_new") == [
        (A, True, "2023-01-01", "2024-01-31"),
        (B, False, "2024-02-01", "2024-04-30"),
        (A, True, "2024-05-01", LAST),
    ]


@worked
def test_a_new_prescription_begins_a_new_span() -> Worked:
    rows = yield find_places(
        spell(A, "2024-01-01"),
        prescriptions=[
            prescribed(A, "2024-01-03", "Hemodialysis", "Dialysis Facility/Center"),
            prescribed(A, "2024-06-01", "CCPD"),
        ],
    )
    assert read(rows, "modality", "setting") == [
        ("hemodialysis", "in center", "2024-01-01", "2024-05-31"),
        ("peritoneal", "home", "2024-06-01", LAST),
    ]


@worked
def test_a_prescription_repeated_begins_nothing() -> Worked:
    rows = yield find_places(
        spell(A, "2024-01-01"),
        prescriptions=[prescribed(A, "2024-01-01", "CAPD"), prescribed(A, "2024-06-01", "CCPD")],
    )
    assert read(rows, "modality") == [("peritoneal", "2024-01-01", LAST)]


@worked
def test_hemodialysis_in_a_nursing_home_is_home_hemodialysis() -> Worked:
    rows = yield find_places(
        spell(A, "2024-01-01"),
        prescriptions=[prescribed(A, "2024-01-01", "Hemodialysis", "SNF/Long Term Care Facility")],
    )
    assert read(rows, "modality", "setting") == [("hemodialysis", "home", "2024-01-01", LAST)]


@worked
def test_another_facilitys_prescription_does_not_change_the_modality() -> Worked:
    rows = yield find_places(
        spell(A, "2024-01-01"),
        prescriptions=[
            prescribed(A, "2024-01-01", "CCPD"),
            prescribed(B, "2024-02-01", "Hemodialysis", "Dialysis Facility/Center"),
        ],
    )
    assert read(rows, "modality") == [("peritoneal", "2024-01-01", LAST)]


@worked
def test_claims_place_a_patient_of_whom_eqrs_knows_nothing() -> Worked:
    rows = yield find_places(billed=claims("B", "2024-03", "2024-04"))
    assert read(rows, "source", "provider_number") == [("claims", "B", "2024-03-01", LAST)]


@worked
def test_claims_in_eqrs_days_change_nothing() -> Worked:
    rows = yield find_places(spell(A, "2024-01-01"), billed=claims("B", "2024-03"))
    assert read(rows, "source", "facilityid") == [("eqrs", A, "2024-01-01", LAST)]


@worked
def test_a_claim_begun_before_the_discharge_does_not_outlast_it() -> Worked:
    rows = yield find_places(
        spell(A, "2024-01-01", "2024-06-15", "Transfer Out"), billed=claims("A", "2024-06")
    )
    assert read(rows, "source") == [("eqrs", "2024-01-01", "2024-06-15")]


@worked
def test_claims_after_a_discharge_place_the_patient_until_eqrs_does_again() -> Worked:
    rows = yield find_places(
        spell(A, "2024-01-01", "2024-06-15", "Transfer Out"),
        spell(C, "2024-10-01"),
        billed=claims("B", "2024-07"),
    )
    assert read(rows, "source") == [
        ("eqrs", "2024-01-01", "2024-06-15"),
        ("claims", "2024-07-01", "2024-09-30"),
        ("eqrs", "2024-10-01", LAST),
    ]


@worked
def test_where_only_claims_place_the_patient_they_do_so_for_a_year_after_the_last() -> Worked:
    rows = yield find_places(billed=claims("A", "2022-05", "2022-06"))
    assert read(rows, "provider_number", "ended_by") == [
        ("A", "a year without evidence", "2022-05-01", "2023-06-30")
    ]


@worked
def test_another_facilitys_claim_ends_the_earlier_ones_place() -> Worked:
    rows = yield find_places(billed=[*claims("A", "2024-01"), *claims("B", "2024-04")])
    assert read(rows, "provider_number") == [
        ("A", "2024-01-01", "2024-03-31"),
        ("B", "2024-04-01", LAST),
    ]


@worked
def test_a_claim_within_another_claims_days_is_travel() -> Worked:
    rows = yield find_places(
        billed=[*claims("A", "2024-01", "2024-02"), claim("B", "2024-01-10", "2024-01-16")]
    )
    assert read(rows, "provider_number") == [("A", "2024-01-01", LAST)]


@pytest.mark.parametrize(
    "other",
    [
        {"clm_pmt_amt": 0.0},
        {"clm_mco_pd_sw": "1"},
        {"clm_mdcr_non_pmt_rsn_cd": "N"},
        {"clm_fac_type_cd": "1"},
        {"clm_srvc_clsfctn_type_cd": "3"},
    ],
    ids=["nothing paid", "managed care paid", "denied", "a hospital's", "not of ESRD"],
)
@worked
def test_only_paid_claims_of_dialysis_facilities_are_evidence(other: dict[str, object]) -> Worked:
    rows = yield find_places(billed=[claim("A", "2024-03-01", "2024-03-31", **other)])
    assert rows.empty


@worked
def test_a_claim_with_payment_requested_is_paid() -> Worked:
    rows = yield find_places(
        billed=[claim("A", "2024-03-01", "2024-03-31", clm_mdcr_non_pmt_rsn_cd="P")]
    )
    assert read(rows, "source", "provider_number") == [("claims", "A", "2024-03-01", LAST)]


@worked
def test_claims_for_acute_kidney_injury_are_no_evidence() -> Worked:
    acute = [{"clm_id": 1, "rlt_cond_cd_seq": 1, "clm_rlt_cond_cd": "84"}]
    rows = yield find_places(billed=claims("A", "2024-03"), conditions=acute)
    assert rows.empty


@worked
def test_the_form_places_a_patient_until_eqrs_does() -> Worked:
    rows = yield find_places(spell(A, "2024-02-10"), forms=[came(A, "2024-02-01")])
    assert read(rows, "source", "facilityid") == [
        ("cms_2728", A, "2024-02-01", "2024-02-09"),
        ("eqrs", A, "2024-02-10", LAST),
    ]


@pytest.mark.parametrize(
    ("billed", "modality", "setting"),
    [
        ("in-center hemodialysis", "hemodialysis", "in center"),
        ("home hemodialysis", "hemodialysis", "home"),
        ("peritoneal dialysis", "peritoneal", "home"),
        ("undetermined", None, None),
    ],
)
@worked
def test_where_claims_place_a_patient_they_tell_the_modality(
    billed: str, modality: str | None, setting: str | None
) -> Worked:
    rows = yield find_places(billed=[claim("A", "2024-03-01", "2024-03-31", modality=billed)])
    assert read(rows, "source", "modality", "setting") == [
        ("claims", modality, setting, "2024-03-01", LAST)
    ]


@worked
def test_a_claim_of_another_modality_begins_another_span() -> Worked:
    rows = yield find_places(
        billed=[
            claim("A", "2024-03-01", "2024-03-31", modality="in-center hemodialysis"),
            claim("A", "2024-04-01", "2024-04-30", modality="peritoneal dialysis"),
        ]
    )
    assert read(rows, "modality") == [
        ("hemodialysis", "2024-03-01", "2024-03-31"),
        ("peritoneal", "2024-04-01", LAST),
    ]


@worked
def test_the_form_tells_the_modality_of_its_days() -> Worked:
    form = {**came(A, "2024-02-01"), "treatment_type": "CAPD", "setting": "Home"}
    rows = yield find_places(forms=[form])
    assert read(rows, "modality", "setting") == [("peritoneal", "home", "2024-02-01", LAST)]


@worked
def test_earlier_years_claims_are_the_patients_whom_the_latest_linkage_names() -> Worked:
    rows = yield case(
        "history.dialysis_evidence",
        tables={
            "raw.claim": [claim("A", "2023-11-01", "2023-11-30")],
            "linkage.beneficiary": [
                {"bene_id": 900, "patient_id": -900, "performance_year": 2023},
                {"bene_id": 900, "patient_id": 7, "performance_year": 2024},
            ],
        },
    )
    assert rows["patient_id"].tolist() == [7]
    assert rows["end_date"].tolist() == [day("2024-11-29")]


@worked
def test_a_new_stay_begins_with_its_own_prescription_not_the_ended_stay_s() -> Worked:
    stays = [spell(A, "2023-01-01", "2023-12-10", "Transfer Out"), spell(A, "2024-03-01")]
    old = prescribed(A, "2023-01-01", "CCPD")
    new = prescribed(A, "2024-03-04", "Hemodialysis", "Dialysis Facility/Center")
    first, second = yield (
        find_places(*stays, prescriptions=[old, new]),
        find_places(*stays, prescriptions=[old]),
    )
    assert read(first, "modality") == [
        ("peritoneal", "2023-01-01", "2023-12-10"),
        ("hemodialysis", "2024-03-01", LAST),
    ]
    # Where the new stay has none the last one known goes on.
    assert read(second, "modality") == [
        ("peritoneal", "2023-01-01", "2023-12-10"),
        ("peritoneal", "2024-03-01", LAST),
    ]


@worked
def test_a_discharge_with_a_return_the_next_day_ends_no_stay() -> Worked:
    stays = [spell(A, "2023-01-01", "2024-03-01", "Transfer Out"), spell(A, "2024-03-02")]
    rows = yield find_places(
        *stays,
        prescriptions=[
            prescribed(A, "2023-01-01", "CCPD"),
            prescribed(A, "2024-03-04", "Hemodialysis", "Dialysis Facility/Center"),
        ],
    )
    assert read(rows, "modality")[-1] == ("hemodialysis", "2024-03-04", LAST)
