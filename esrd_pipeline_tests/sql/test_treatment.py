"""Treatment histories: one patient's records in, their spells from first service to the end out."""

import pytest

from esrd_pipeline_tests.sql.histories import (
    LAST,
    A,
    B,
    came,
    claims,
    follow,
    prescribed,
    read,
    spell,
)
from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.13.10", "2.14.10.3")


@worked
def test_a_history_runs_from_the_first_service_date_to_the_years_last_day() -> Worked:
    rows = yield follow(spell(A, "2024-03-01"), first_service="2024-03-01")
    assert read(rows, "state", "ccn", "source") == [("dialysis", "A", "eqrs", "2024-03-01", LAST)]


@worked
def test_days_before_the_first_service_date_are_not_in_it() -> Worked:
    rows = yield follow(spell(A, "2024-01-01"), first_service="2024-03-01")
    assert read(rows, "state") == [("dialysis", "2024-03-01", LAST)]


@worked
def test_the_day_of_death_is_its_last_day() -> Worked:
    rows = yield follow(spell(A, "2023-03-01"), first_service="2023-03-01", death="2024-05-20")
    assert read(rows, "state") == [("dialysis", "2023-03-01", "2024-05-20")]


@worked
def test_who_died_before_the_first_service_date_has_no_history() -> Worked:
    rows = yield follow(spell(A, "2024-03-01"), first_service="2024-03-01", death="2024-02-01")
    assert rows.empty


@worked
def test_a_transplant_after_death_is_not_in_it() -> Worked:
    rows = yield follow(
        spell(A, "2023-03-01"),
        first_service="2023-03-01",
        death="2024-05-20",
        transplants={"2024-06-01": None},
    )
    assert read(rows, "state") == [("dialysis", "2023-03-01", "2024-05-20")]


@worked
def test_a_new_modality_is_a_new_record() -> Worked:
    rows = yield follow(
        spell(A, "2024-01-01"),
        first_service="2024-01-01",
        prescriptions=[
            prescribed(A, "2024-01-01", "Hemodialysis", "Dialysis Facility/Center"),
            prescribed(A, "2024-04-01", "CAPD"),
        ],
    )
    assert read(rows, "ccn", "modality", "setting") == [
        ("A", "hemodialysis", "in center", "2024-01-01", "2024-03-31"),
        ("A", "peritoneal", "home", "2024-04-01", LAST),
    ]


@worked
def test_discharged_and_admitted_again_the_next_day_is_one_record() -> Worked:
    rows = yield follow(
        spell(A, "2024-01-01", "2024-02-29", "Other"),
        spell(A, "2024-03-01"),
        first_service="2024-01-01",
    )
    assert read(rows, "ccn") == [("A", "2024-01-01", LAST)]


@worked
def test_days_between_a_discharge_and_the_next_admission_are_untreated() -> Worked:
    rows = yield follow(
        spell(A, "2024-01-01", "2024-02-29", "Transfer Out"),
        spell(B, "2024-03-11"),
        first_service="2024-01-01",
    )
    assert read(rows, "state", "ccn") == [
        ("dialysis", "A", "2024-01-01", "2024-02-29"),
        ("untreated", None, "2024-03-01", "2024-03-10"),
        ("dialysis", "B", "2024-03-11", LAST),
    ]


@worked
def test_days_from_the_first_service_date_to_the_first_admission_are_untreated() -> Worked:
    rows = yield follow(spell(A, "2024-03-11"), first_service="2024-03-01")
    assert read(rows, "state", "source")[0] == (
        "untreated",
        "first service",
        "2024-03-01",
        "2024-03-10",
    )


@worked
def test_who_recovered_stays_so_however_long_until_dialysis_comes_back() -> Worked:
    rows = yield follow(
        spell(A, "2021-01-01", "2021-06-30", "Recover Function"),
        spell(A, "2024-03-01", admitted="Restart"),
        first_service="2021-01-01",
    )
    assert read(rows, "state")[1] == ("recovered", "2021-07-01", "2024-02-29")


@worked
def test_who_withdrew_stays_so_until_death() -> Worked:
    rows = yield follow(
        spell(A, "2021-01-01", "2024-06-30", "Discontinue"),
        first_service="2021-01-01",
        death="2024-07-09",
    )
    assert read(rows, "state")[1] == ("withdrawn", "2024-07-01", "2024-07-09")


@worked
def test_a_year_after_the_last_day_of_dialysis_the_patient_is_lost() -> Worked:
    rows = yield follow(
        spell(A, "2021-01-01", "2022-06-30", "Lost to Follow Up"), first_service="2021-01-01"
    )
    assert read(rows, "state") == [
        ("dialysis", "2021-01-01", "2022-06-30"),
        ("untreated", "2022-07-01", "2023-06-30"),
        ("lost", "2023-07-01", LAST),
    ]


@worked
def test_an_admission_that_eqrs_has_not_closed_keeps_a_patient_from_being_lost() -> Worked:
    # No claim and no prescription for years: a record of continuing dialysis is information.
    rows = yield follow(spell(A, "2015-01-01"), first_service="2015-01-01")
    assert read(rows, "state") == [("dialysis", "2015-01-01", LAST)]


@worked
def test_whom_only_claims_place_is_lost_right_after_the_year_without_claims() -> Worked:
    rows = yield follow(first_service="2022-01-01", billed=claims("A", "2022-01", "2022-02"))
    assert read(rows, "state", "ccn", "source") == [
        ("dialysis", "A", "claims", "2022-01-01", "2023-02-28"),
        ("lost", None, "claims", "2023-03-01", LAST),
    ]


@worked
def test_claims_find_a_lost_patient_again() -> Worked:
    rows = yield follow(
        spell(A, "2021-01-01", "2022-06-30", "Lost to Follow Up"),
        first_service="2021-01-01",
        billed=claims("B", "2024-02", "2024-03"),
    )
    assert read(rows, "state", "ccn")[2:] == [
        ("lost", None, "2023-07-01", "2024-01-31"),
        ("dialysis", "B", "2024-02-01", LAST),
    ]


@worked
def test_a_provider_number_that_is_nobodys_leaves_the_facility_unknown() -> Worked:
    rows = yield follow(first_service="2024-01-01", billed=claims("Z", "2024-01"))
    assert read(rows, "state", "ccn") == [("dialysis", None, "2024-01-01", LAST)]


@worked
def test_a_transplant_lasts_from_its_day_to_the_day_before_it_fails() -> Worked:
    rows = yield follow(
        spell(A, "2020-01-01", "2022-06-10", "Transplant"),
        spell(A, "2024-03-01", admitted="Dialysis After Transplant Failed"),
        first_service="2020-01-01",
        transplants={"2022-06-10": "2024-02-20"},
    )
    assert read(rows, "state") == [
        ("dialysis", "2020-01-01", "2022-06-09"),
        ("transplant", "2022-06-10", "2024-02-19"),
        ("untreated", "2024-02-20", "2024-02-29"),
        ("dialysis", "2024-03-01", LAST),
    ]


@worked
def test_a_chronic_admission_ends_a_transplant_whose_failure_nobody_reported() -> Worked:
    rows = yield follow(
        spell(A, "2020-01-01", "2022-06-10", "Transplant"),
        spell(B, "2024-03-01", admitted="Restart"),
        first_service="2020-01-01",
        transplants={"2022-06-10": None},
    )
    assert read(rows, "state", "ccn")[1:] == [
        ("transplant", None, "2022-06-10", "2024-02-29"),
        ("dialysis", "B", "2024-03-01", LAST),
    ]


@worked
def test_dialysis_in_support_of_a_transplant_does_not_end_it() -> Worked:
    rows = yield follow(
        spell(A, "2020-01-01", "2024-06-10", "Transplant"),
        spell(B, "2024-06-12", "2024-06-30", admitted="Dialysis in Support of Transplant"),
        first_service="2020-01-01",
        transplants={"2024-06-10": None},
    )
    assert read(rows, "state")[1:] == [("transplant", "2024-06-10", LAST)]


@worked
def test_claims_alone_do_not_end_a_transplant() -> Worked:
    rows = yield follow(
        spell(A, "2020-01-01", "2024-06-10", "Transplant"),
        first_service="2020-01-01",
        transplants={"2024-06-10": None},
        billed=claims("A", "2024-07"),
    )
    assert read(rows, "state")[1:] == [("transplant", "2024-06-10", LAST)]


@worked
def test_a_transplant_interrupts_an_admission_that_nobody_closed() -> Worked:
    rows = yield follow(
        spell(A, "2020-01-01"),
        first_service="2020-01-01",
        transplants={"2024-06-10": "2024-06-20"},
    )
    assert read(rows, "state") == [
        ("dialysis", "2020-01-01", "2024-06-09"),
        ("transplant", "2024-06-10", "2024-06-19"),
        ("dialysis", "2024-06-20", LAST),
    ]


@worked
def test_a_transplant_that_only_the_other_program_knows_is_not_in_this_ones_history() -> Worked:
    known, unknown = yield (
        follow(
            spell(A, "2020-01-01"), first_service="2020-01-01", transplants={"2024-06-10": None}
        ),
        follow(spell(A, "2020-01-01"), first_service="2020-01-01", program="qip"),
    )
    assert read(known, "state")[-1] == ("transplant", "2024-06-10", LAST)
    assert read(unknown, "program", "state") == [("qip", "dialysis", "2020-01-01", LAST)]


@worked
def test_esrd_may_begin_with_a_transplant() -> Worked:
    rows = yield follow(first_service="2024-02-01", transplants={"2024-02-01": None})
    assert read(rows, "state", "source") == [("transplant", "transplant", "2024-02-01", LAST)]


@worked
def test_a_new_ccn_is_another_facility_from_its_first_day() -> Worked:
    rows = yield follow(
        spell(A, "2023-01-01"),
        first_service="2023-01-01",
        ccns=[
            {
                "facilityid": A,
                "start_date": day("2000-01-01"),
                "end_date": day("2024-04-30"),
                "ccn": "OLD",
            },
            {"facilityid": A, "start_date": day("2024-05-01"), "ccn": "NEW"},
        ],
    )
    assert read(rows, "ccn") == [("OLD", "2023-01-01", "2024-04-30"), ("NEW", "2024-05-01", LAST)]


@worked
def test_before_a_facility_has_a_ccn_the_patients_facility_is_unknown() -> Worked:
    rows = yield follow(
        spell(A, "2024-01-01"),
        first_service="2024-01-01",
        ccns=[{"facilityid": A, "start_date": day("2024-02-01"), "ccn": "A"}],
    )
    assert read(rows, "state", "ccn") == [
        ("dialysis", None, "2024-01-01", "2024-01-31"),
        ("dialysis", "A", "2024-02-01", LAST),
    ]


@worked
def test_two_identifiers_under_one_ccn_are_one_facility() -> Worked:
    rows = yield follow(
        spell(A, "2024-01-01", "2024-03-31", "Transfer Out"),
        spell(B, "2024-04-01"),
        first_service="2024-01-01",
        ccns=[
            {"facilityid": number, "start_date": day("2000-01-01"), "ccn": "AB"}
            for number in (A, B)
        ],
    )
    assert read(rows, "ccn") == [("AB", "2024-01-01", LAST)]


def injure(*admissions: Row, forms: list[Row] | None = None, selects: tuple[str, ...] = ()) -> Case:
    """A patient at A with claims for acute kidney injury from March to June, from their records."""
    billed = [
        {**row, "clm_id": number, "nch_clm_type_cd": "40"}
        for number, row in enumerate(claims("A", "2024-03", "2024-04", "2024-05", "2024-06"))
    ]
    lines = [
        {"clm_id": row["clm_id"], "clm_line_num": n, "rev_cntr": "0821", "rev_cntr_dt": None}
        for row in billed
        for n in range(1, 14)
    ]
    return case(
        "linkage.first_service",
        "history.dialysis_claim",
        "history.dialysis_evidence",
        "history.treatment",
        *selects,
        tables={
            "raw.eqrs_admission": admissions,
            "raw.cms_2728": forms or [],
            "raw.claim": billed,
            "raw.claim_revenue": lines,
            "raw.claim_condition": [
                {"clm_id": row["clm_id"], "rlt_cond_cd_seq": 1, "clm_rlt_cond_cd": "84"}
                for row in billed
            ],
            "linkage.patient": [{"patient_id": 1, "date_of_birth": day("1950-06-15")}],
            "linkage.beneficiary": [{"bene_id": 900, "patient_id": 1}],
            "linkage.facility_ccn": [
                {
                    "program": program,
                    "facilityid": A,
                    "start_date": day("1980-01-01"),
                    "ccn": "A",
                }
                for program in ("dfc", "qip")
            ],
        },
    )


@pytest.mark.parametrize("end", [None, "2024-06-10"])
@worked
def test_acute_kidney_injury_gives_no_spell_and_no_month_in_either_program(
    end: str | None,
) -> Worked:
    discharged = "Recover Function" if end else None
    injured = spell(A, "2024-03-01", end, discharged, admitted="Acute")
    spells, attributed, months = yield (
        injure(injured),
        injure(injured, selects=("history.attribution",)),
        injure(injured, selects=("history.admitted", "history.care_month")),
    )
    assert spells.empty
    assert attributed.empty
    assert months.empty


@worked
def test_acute_kidney_injury_that_becomes_esrd_counts_from_the_day_on_which_that_is_evident() -> (
    Worked
):
    injured = spell(A, "2024-03-01", admitted="Acute")
    form = {**came(A, "2024-05-20"), "dialysis_began_date": day("2024-05-20")}
    spells, months = yield (
        injure(injured, forms=[form]),
        injure(injured, forms=[form], selects=("history.admitted", "history.care_month")),
    )
    dfc = spells[spells["program"] == "dfc"]
    assert read(dfc, "state", "ccn", "source") == [("dialysis", "A", "eqrs", "2024-05-20", LAST)]
    admitted = months[(months["program"] == "dfc") & months["is_admitted"]]
    assert [str(month)[:7] for month in admitted["month"]] == [
        f"2024-{number:02d}" for number in range(6, 13)
    ]


@worked
def test_an_admission_for_acute_kidney_injury_is_no_return_after_a_transplant() -> Worked:
    rows = yield follow(
        spell(A, "2023-01-01", "2024-02-01", "Transplant"),
        spell(A, "2024-06-01", "2024-06-20", "Recover Function", admitted="Acute"),
        first_service="2023-01-01",
        transplants={"2024-02-01": None},
    )
    assert read(rows, "state")[-1] == ("transplant", "2024-02-01", LAST)
