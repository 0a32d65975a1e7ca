"""Who is who: look-ups in their order, deaths, transplants and first service by their sources."""

import pytest

from esrd_pipeline_tests.sql.worked import Row, day, run

BORN = day("1950-02-03")


def patient(number: int, **known: object) -> Row:
    return {"patient_id": number, "date_of_birth": BORN, **known}


def beneficiary(**known: object) -> Row:
    return {"bene_id": 500, "bene_birth_dt": BORN, **known}


def link(
    *patients: Row, history: tuple[Row, ...] = (), enrolled: Row | None = None
) -> dict[str, object]:
    rows = run(
        "linkage.match_audit",
        "linkage.beneficiary",
        tables={
            "raw.eqrs_patient": patients,
            "raw.eqrs_identifier": history,
            "raw.medicare_enrollment": [enrolled or beneficiary()],
        },
    )
    (row,) = rows.to_dict("records")
    return row


def test_the_current_mbi_is_looked_up_first() -> None:
    row = link(
        patient(1, mbi="M1", hicn="H2"),
        patient(2, hicn="H1"),
        enrolled=beneficiary(mbi_num="M1", bene_crnt_hic_num="H1"),
    )
    assert (row["patient_id"], row["matched_by"], row["matched_in"]) == (1, "mbi", "finder")


def test_a_past_mbi_is_found_in_the_history() -> None:
    past = {"patient_id": 1, "effective_date": day("2019-01-01"), "identifier_number": 1}
    row = link(
        patient(1, mbi="NEW"),
        history=({**past, "mbi": "OLD"},),
        enrolled=beneficiary(mbi_num="OLD"),
    )
    assert (row["patient_id"], row["matched_by"], row["matched_in"]) == (1, "mbi", "history")


def test_the_hicn_is_tried_after_the_mbi() -> None:
    row = link(
        patient(1, mbi="M1", hicn="H1"), enrolled=beneficiary(mbi_num="X", bene_crnt_hic_num="H1")
    )
    assert (row["patient_id"], row["matched_by"]) == (1, "hicn")


def test_the_social_security_number_is_the_last_and_has_no_history() -> None:
    row = link(patient(1, ssn="900000001"), enrolled=beneficiary(bene_ssn_num="900000001"))
    assert (row["patient_id"], row["matched_by"], row["matched_in"]) == (1, "ssn", "finder")


def test_an_identifier_with_another_birth_date_is_no_match() -> None:
    row = link(
        patient(1, mbi="M1"),
        enrolled=beneficiary(mbi_num="M1", bene_birth_dt=day("1950-03-02")),
    )
    assert row["patient_id"] == -500
    assert row["reason"] == "no EQRS patient has its identifiers and date of birth"


def test_an_identifier_of_several_patients_is_no_match_and_the_next_is_tried() -> None:
    row = link(
        patient(1, mbi="M1", hicn="H1"),
        patient(2, mbi="M1"),
        enrolled=beneficiary(mbi_num="M1", bene_crnt_hic_num="H1"),
    )
    assert (row["patient_id"], row["matched_by"]) == (1, "hicn")


def test_every_comparison_is_in_the_audit_up_to_the_match() -> None:
    rows = run(
        "linkage.match_audit",
        tables={
            "raw.eqrs_patient": [patient(1, hicn="H1")],
            "raw.medicare_enrollment": [beneficiary(mbi_num="M1", bene_crnt_hic_num="H1")],
        },
    )
    assert rows[["lookup", "result"]].to_numpy().tolist() == [
        [1, "no match"],
        [2, "no match"],
        [3, "match"],
    ]


def test_a_claim_without_enrollment_keeps_its_beneficiary_as_a_negative_patient() -> None:
    (row,) = run(
        "linkage.match_audit",
        "linkage.beneficiary",
        tables={"raw.claim": [{"bene_id": 77, "clm_id": 1}]},
    ).to_dict("records")
    assert (row["patient_id"], row["reason"]) == (-77, "no enrollment record")


def die(program: str, **sources: str) -> dict[str, object]:
    tables: dict[str, list[Row]] = {
        "raw.eqrs_patient": [
            patient(
                1,
                ssn="900000001",
                date_of_death=day(sources["eqrs"]) if "eqrs" in sources else None,
            )
        ]
    }
    if "form" in sources:
        tables["raw.cms_2746"] = [{"patient_id": 1, "death_date": day(sources["form"])}]
    if "ssa" in sources:
        death = {"ssn": "900000001", "date_of_birth": BORN, "date_of_death": day(sources["ssa"])}
        tables["raw.ssa_death"] = [death]
    rows = run("linkage.death", tables=tables)
    found = rows[rows["program"] == program].to_dict("records")
    return found[0] if found else {}


def test_the_death_notification_form_goes_before_other_sources_and_conflicts_are_marked() -> None:
    row = die("dfc", form="2024-05-02", eqrs="2024-05-01", ssa="2024-05-03")
    assert (row["death_date"], row["source"]) == (day("2024-05-02"), "cms_2746")
    assert (row["source_count"], row["is_conflicting"]) == (3, True)


@pytest.mark.parametrize(("program", "source"), [("dfc", "ssa"), ("qip", None)])
def test_social_security_counts_for_dialysis_facility_measures_alone(
    program: str, source: str | None
) -> None:
    assert die(program, ssa="2024-05-03").get("source") == source


def graft(program: str, *, optn: str | None = None, discharged: str | None = None) -> list[object]:
    tables: dict[str, list[Row]] = {"raw.eqrs_patient": [patient(1, ssn="900000001")]}
    if optn:
        person = {"pers_id": 3, "pers_ssn": "900000001", "pers_birth_dt": BORN, "don_ty": "L"}
        tables["raw.optn_transplant"] = [{**person, "rec_tx_dt": day(optn)}]
    if discharged:
        tables["raw.eqrs_admission"] = [
            {
                "patient_id": 1,
                "facilityid": 9,
                "admit_date": day("2020-01-01"),
                "admit_reason": "New ESRD Patient",
                "discharge_date": day(discharged),
                "discharge_reason": "Transplant",
            }
        ]
    rows = run("linkage.transplant", tables=tables)
    return rows.loc[rows["program"] == program, ["transplant_date", "source"]].to_numpy().tolist()


def test_one_transplant_told_twice_within_thirty_days_is_one_and_optn_dates_it() -> None:
    found = graft("dfc", optn="2023-04-10", discharged="2023-04-12")
    assert found == [[day("2023-04-10"), "optn"]]


def test_the_qip_does_not_know_optn() -> None:
    assert graft("qip", optn="2023-04-10") == []
    assert graft("qip", optn="2023-04-10", discharged="2023-04-12") == [[day("2023-04-12"), "eqrs"]]


def begin(*, form: str | None = None, admitted: str | None = None) -> dict[str, object]:
    tables: dict[str, list[Row]] = {"raw.eqrs_patient": [patient(1)]}
    if form:
        tables["raw.cms_2728"] = [
            {"patient_id": 1, "form_number": 1, "dialysis_began_date": day(form)}
        ]
    if admitted:
        tables["raw.eqrs_admission"] = [
            {
                "patient_id": 1,
                "facilityid": 9,
                "admit_date": day(admitted),
                "admit_reason": "New ESRD Patient",
            }
        ]
    rows = run("linkage.first_service", tables=tables)
    return rows[rows["program"] == "dfc"].to_dict("records")[0]


def test_the_earliest_source_is_the_first_service_date() -> None:
    row = begin(form="2023-03-05", admitted="2023-03-01")
    assert (row["first_service_date"], row["source"]) == (day("2023-03-01"), "eqrs")


def test_on_one_date_medical_evidence_goes_before_eqrs() -> None:
    row = begin(form="2023-03-05", admitted="2023-03-05")
    assert row["source"] == "medical evidence"
