"""Linkage of patients: a beneficiary is looked up in EQRS by one identifier after another."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("3.2.1")

BORN = day("1950-02-03")


def patient(number: int, **known: object) -> Row:
    return {"patient_id": number, "date_of_birth": BORN, **known}


def beneficiary(**known: object) -> Row:
    return {"bene_id": 500, "bene_birth_dt": BORN, **known}


def link(*patients: Row, history: tuple[Row, ...] = (), enrolled: Row | None = None) -> Case:
    def read_rows(rows: pd.DataFrame) -> dict[str, object]:
        (row,) = rows.to_dict("records")
        return row

    return case(
        "linkage.match_audit",
        "linkage.beneficiary",
        tables={
            "raw.eqrs_patient": patients,
            "raw.eqrs_identifier": history,
            "raw.medicare_enrollment": [enrolled or beneficiary()],
        },
        alone=True,
    ).read(read_rows)


@worked
def test_the_current_mbi_is_looked_up_first() -> Worked:
    row = yield link(
        patient(1, mbi="M1", hicn="H2"),
        patient(2, hicn="H1"),
        enrolled=beneficiary(mbi_num="M1", bene_crnt_hic_num="H1"),
    )
    assert (row["patient_id"], row["matched_by"], row["matched_in"]) == (1, "mbi", "finder")


@worked
@pytest.mark.parametrize("number", [7, -7, 0])
def test_an_unmatched_beneficiary_is_never_an_eqrs_patient(number: int) -> Worked:
    """Medicare's own synthetic files number people from -1 downwards."""
    row = yield link(patient(7, mbi="M1"), enrolled={**beneficiary(), "bene_id": number})
    assert row["patient_id"] == {7: -7, -7: -7 - 4 * 10**18, 0: -4 * 10**18}[number]
    assert row["reason"] == "no_matching_eqrs_patient"


@worked
def test_a_past_mbi_is_found_in_the_history() -> Worked:
    past = {"patient_id": 1, "effective_date": day("2019-01-01"), "identifier_number": 1}
    row = yield link(
        patient(1, mbi="NEW"),
        history=({**past, "mbi": "OLD"},),
        enrolled=beneficiary(mbi_num="OLD"),
    )
    assert (row["patient_id"], row["matched_by"], row["matched_in"]) == (1, "mbi", "history")


@worked
def test_the_hicn_is_tried_after_the_mbi() -> Worked:
    row = yield link(
        patient(1, mbi="M1", hicn="H1"), enrolled=beneficiary(mbi_num="X", bene_crnt_hic_num="H1")
    )
    assert (row["patient_id"], row["matched_by"]) == (1, "hicn")


@worked
def test_the_social_security_number_is_the_last_and_has_no_history() -> Worked:
    row = yield link(patient(1, ssn="900000001"), enrolled=beneficiary(bene_ssn_num="900000001"))
    assert (row["patient_id"], row["matched_by"], row["matched_in"]) == (1, "ssn", "finder")


@worked
def test_an_identifier_with_another_birth_date_is_no_match() -> Worked:
    row = yield link(
        patient(1, mbi="M1"),
        enrolled=beneficiary(mbi_num="M1", bene_birth_dt=day("1950-03-02")),
    )
    assert row["patient_id"] == -500
    assert row["reason"] == "no_matching_eqrs_patient"


@worked
def test_an_identifier_of_several_patients_is_no_match_and_the_next_is_tried() -> Worked:
    row = yield link(
        patient(1, mbi="M1", hicn="H1"),
        patient(2, mbi="M1"),
        enrolled=beneficiary(mbi_num="M1", bene_crnt_hic_num="H1"),
    )
    assert (row["patient_id"], row["matched_by"]) == (1, "hicn")


@worked
def test_every_comparison_is_in_the_audit_up_to_the_match() -> Worked:
    rows = yield case(
        "linkage.match_audit",
        tables={
            "raw.eqrs_patient": [patient(1, hicn="H1")],
            "raw.medicare_enrollment": [beneficiary(mbi_num="M1", bene_crnt_hic_num="H1")],
        },
        alone=True,
    )
    assert rows[["lookup", "result"]].to_numpy().tolist() == [
        [1, "no match"],
        [2, "no match"],
        [3, "match"],
    ]


@worked
def test_a_claim_without_enrollment_keeps_its_beneficiary_as_a_negative_patient() -> Worked:
    rows = yield case(
        "linkage.match_audit",
        "linkage.beneficiary",
        tables={"raw.claim": [{"bene_id": 77, "clm_id": 1}]},
        alone=True,
    )
    (row,) = rows.to_dict("records")
    assert (row["patient_id"], row["reason"]) == (-77, "no_enrollment_record")


@worked
def test_a_beneficiary_whose_identifier_is_text_is_matched_like_others_or_no_eqrs_patient() -> (
    Worked
):
    text = -5184215540723393811  # the number of an identifier of letters and digits
    unmatched = [text - 1, 10**18 - 1, -(10**18) + 1, 0, -5 * 10**18, -9 * 10**18 + 1]
    found = yield look_up(
        raw__eqrs_patient=[patient(1, mbi="M1")],
        raw__medicare_enrollment=[beneficiary(bene_id=text, mbi_num="M1")],
        raw__claim=[{"bene_id": number, "clm_id": number} for number in unmatched],
    )
    patients = dict(found)
    assert patients.pop(text) == 1
    assert patients == {
        text - 1: text - 1,
        10**18 - 1: -(10**18) + 1,
        -(10**18) + 1: -5 * 10**18 + 1,
        0: -4 * 10**18,
        -5 * 10**18: -5 * 10**18,
        -9 * 10**18 + 1: -9 * 10**18 + 1,
    }
    assert len(set(patients.values())) == len(unmatched)


def look_up(**tables: list[Row]) -> Case:
    """Beneficiaries linked in 2024; `raw__claim` stands for `raw.claim`."""
    return case(
        "linkage.match_audit",
        "linkage.beneficiary",
        tables={name.replace("__", "."): rows for name, rows in tables.items()},
        alone=True,
    ).read(lambda rows: rows[["bene_id", "patient_id"]].to_numpy().tolist())


@worked
def test_a_beneficiary_of_the_year_before_is_matched_with_the_patients_known_today() -> Worked:
    found = yield look_up(
        raw__eqrs_patient=[patient(1, mbi="M1")],
        raw__medicare_enrollment=[beneficiary(mbi_num="M1", performance_year=2023)],
        raw__claim=[{"bene_id": 500, "clm_id": 1, "performance_year": 2023}],
    )
    assert found == [[500, 1]]


@worked
def test_the_newest_enrollment_record_counts() -> Worked:
    enrolled = [
        beneficiary(mbi_num="WRONG", performance_year=2023),
        beneficiary(mbi_num="M1", performance_year=2024),
    ]
    found = yield look_up(
        raw__eqrs_patient=[patient(1, mbi="M1"), patient(2, mbi="WRONG")],
        raw__medicare_enrollment=enrolled,
    )
    assert found == [[500, 1]]


@worked
@pytest.mark.parametrize("year", [2021, 2022, 2023])
def test_claims_of_four_years_are_someones(year: int) -> Worked:
    found = yield look_up(raw__claim=[{"bene_id": 77, "clm_id": 1, "performance_year": year}])
    assert found == [[77, -77]]


def list_patients(claim_year: int, *enrolled: Row) -> Case:
    return case(
        "linkage.patient",
        tables={
            "linkage.beneficiary": [{"bene_id": 500, "patient_id": -500, "is_matched": False}],
            "raw.medicare_enrollment": enrolled,
            "raw.claim": [
                {
                    "bene_id": 500,
                    "clm_id": 1,
                    "clm_from_dt": day(f"{claim_year}-03-01"),
                    "clm_thru_dt": day(f"{claim_year}-03-31"),
                    "clm_fac_type_cd": "7",
                    "clm_srvc_clsfctn_type_cd": "2",
                    "performance_year": claim_year,
                }
            ],
        },
        alone=True,
    ).read(lambda rows: rows[["patient_id", "date_of_birth", "sex"]].to_numpy().tolist())


@worked
@pytest.mark.parametrize(("year", "known"), [(2024, 1), (2023, 1), (2022, 0)])
def test_whom_eqrs_does_not_know_is_a_patient_by_claims_of_two_years(
    year: int, known: int
) -> Worked:
    patients = yield list_patients(year, beneficiary(sex_ident_cd="2", performance_year=2023))
    assert len(patients) == known


@worked
def test_a_patient_whom_eqrs_does_not_know_is_described_by_the_newest_enrollment() -> Worked:
    patients = yield list_patients(
        2024,
        beneficiary(sex_ident_cd="1", performance_year=2023),
        beneficiary(sex_ident_cd="2", performance_year=2024),
    )
    assert patients == [[-500, BORN, "F"]]


@worked
def test_nursing_homes_of_a_patient_who_died_the_year_before_are_the_patients() -> Worked:
    rows = yield case(
        "linkage.match_audit",
        "linkage.beneficiary",
        "history.nursing_home",
        tables={
            "raw.eqrs_patient": [patient(1, mbi="M1")],
            "raw.medicare_enrollment": [
                beneficiary(mbi_num="M1", bene_death_dt=day("2023-08-01"), performance_year=2023)
            ],
            "raw.mds_stay": [
                {
                    "bene_id": 500,
                    "entry_date": day("2022-10-01"),
                    "discharge_date": day("2023-02-20"),
                }
            ],
        },
        alone=True,
    )
    assert rows[["patient_id", "start_date", "end_date"]].to_numpy().tolist() == [
        [1, day("2022-10-01"), day("2023-02-20")]
    ]


def past(number: int, mbi: str, since: str) -> Row:
    """An MBI a patient was once given."""
    return {
        "patient_id": number,
        "effective_date": day(since),
        "identifier_number": 1,
        "mbi": mbi,
    }


@worked
def test_a_number_given_to_two_patients_is_that_of_the_newest_assignment() -> Worked:
    both = (patient(1), patient(2))
    enrolled = beneficiary(mbi_num="M1")
    last, same_day = yield (
        link(
            *both,
            history=(past(1, "M1", "2018-01-01"), past(2, "M1", "2022-01-01")),
            enrolled=enrolled,
        ),
        link(
            *both,
            history=(past(1, "M1", "2018-01-01"), past(2, "M1", "2018-01-01")),
            enrolled=enrolled,
        ),
    )
    assert (last["patient_id"], last["matched_in"]) == (2, "history")
    assert same_day["patient_id"] == -500


@pytest.mark.parametrize(
    ("column", "own", "number"),
    [
        ("ssn", "bene_ssn_num", "000000000"),
        ("ssn", "bene_ssn_num", "999999999"),
        ("ssn", "bene_ssn_num", "123456789"),
        ("hicn", "bene_crnt_hic_num", "000000000A"),
        ("mbi", "mbi_num", "00000000000"),
    ],
)
@worked
def test_a_placeholder_identifies_nobody(column: str, own: str, number: str) -> Worked:
    row = yield link(patient(1, **{column: number}), enrolled=beneficiary(**{own: number}))
    assert row["patient_id"] == -500


# One typing error: Table 2, footnote 1.

SAME: Row = {"mbi": "1EG4TE5MK73", "hicn": "900000001A", "ssn": "900000001", "sex": "F"}
ALSO: Row = {
    "mbi_num": "1EG4TE5MK73",
    "bene_crnt_hic_num": "900000001A",
    "bene_ssn_num": "900000001",
    "sex_ident_cd": "2",
}


@pytest.mark.parametrize(
    ("born", "number"),
    [
        ("1951-02-03", 1),  # the year one off
        ("1949-02-03", 1),
        ("1980-02-03", 1),  # one figure of the year
        ("1950-02-08", 1),
        ("1950-11-03", 1),
        ("1950-03-02", 1),  # day and month exchanged
        ("1973-02-03", -500),
        ("1950-04-05", -500),
        ("1951-02-04", -500),
    ],
)
@worked
def test_two_numbers_agree_and_the_birth_date_has_one_error(born: str, number: int) -> Worked:
    row = yield link(
        patient(1, **SAME), enrolled=beneficiary(**{**ALSO, "bene_birth_dt": day(born)})
    )
    assert row["patient_id"] == number
    assert (row["matched_by"] == "all") is (number > 0)


@pytest.mark.parametrize(
    "other",
    [
        {"sex_ident_cd": "1"},
        {"bene_crnt_hic_num": None, "bene_ssn_num": None},
        {"bene_crnt_hic_num": "900000777A", "bene_ssn_num": "900000777"},
    ],
)
@worked
def test_one_number_or_another_sex_is_not_enough_for_another_birth_date(
    other: dict[str, object],
) -> Worked:
    enrolled = beneficiary(**{**ALSO, **other, "bene_birth_dt": day("1951-02-03")})
    row = yield link(patient(1, **SAME), enrolled=enrolled)
    assert row["patient_id"] == -500


@pytest.mark.parametrize(
    ("known", "ssn", "number"),
    [
        ({"ssn": "900000001"}, "900000005", 1),
        ({"ssn": "900000001"}, "90000001", 1),
        ({"ssn": "900000012"}, "900000021", 1),
        ({"ssn": "900000001"}, "900000777", -500),
        # Another number that both have is wrong altogether.
        ({"ssn": "900000001", "hicn": "900000888A"}, "900000005", -500),
        # A twin's number.
        ({"ssn": "900000001"}, "900000002", -500),
        ({"ssn": "900000001"}, "900000000", -500),
    ],
)
@worked
def test_the_birth_date_agrees_and_one_number_has_one_error(
    known: dict[str, object], ssn: str, number: int
) -> Worked:
    enrolled = beneficiary(
        bene_ssn_num=ssn,
        sex_ident_cd="2",
        bene_crnt_hic_num="900000777A" if "hicn" in known else None,
    )
    row = yield link(patient(1, sex="F", **known), enrolled=enrolled)
    assert row["patient_id"] == number


@pytest.mark.parametrize(
    ("own", "number"),
    [
        # Children of one insured person, and twins with consecutive numbers of their own.
        ({"bene_crnt_hic_num": "900000300C2"}, -500),
        ({"bene_crnt_hic_num": "900000300C2", "bene_ssn_num": "900000002"}, -500),
        # The Medicare Beneficiary Identifier has no neighbours.
        ({"bene_ssn_num": "900000002", "mbi_num": "1EG4TE5MK74"}, 1),
        ({"bene_crnt_hic_num": "900000700C1"}, 1),
    ],
)
@worked
def test_a_twin_without_a_record_is_not_the_patient(own: dict[str, object], number: int) -> Worked:
    known = patient(1, **{**SAME, "hicn": "900000300C1"})
    found = yield link(known, enrolled=beneficiary(sex_ident_cd="2", **own))
    assert found["patient_id"] == number


@worked
def test_who_is_matched_already_or_not_alone_is_not_matched_with_an_error() -> Worked:
    two_patients = (patient(1, sex="F", ssn="900000001"), patient(2, sex="F", ssn="900000003"))
    between = beneficiary(bene_ssn_num="900000007", sex_ident_cd="2")
    sister = {**beneficiary(bene_ssn_num="900000001", sex_ident_cd="2"), "bene_id": 501}
    two, taken = yield (
        look_up(raw__eqrs_patient=list(two_patients), raw__medicare_enrollment=[between]),
        look_up(raw__eqrs_patient=[two_patients[0]], raw__medicare_enrollment=[between, sister]),
    )
    assert two == [[500, -500]]
    assert taken == [[500, -500], [501, 1]]


@worked
def test_the_audit_says_what_was_mistyped() -> Worked:
    rows = yield case(
        "linkage.match_audit",
        tables={
            "raw.eqrs_patient": [patient(1, **SAME)],
            "raw.medicare_enrollment": [
                beneficiary(**{**ALSO, "bene_birth_dt": day("1951-02-03")})
            ],
        },
        alone=True,
    )
    assert rows["result"].tolist() == [*["no match"] * 5, "match"]
    assert rows["error_in"].dropna().tolist() == ["date of birth"]
    assert rows["patient_id"].iloc[-1] == 1


# What EQRS does not know of a person: 2.14.12.


@pytest.mark.parametrize(
    ("eqrs", "medicare", "known"),
    [
        ({}, {"bene_race_cd": "2", "sex_ident_cd": "2"}, ["2", None, "F"]),
        ({"race": "Unknown"}, {"bene_race_cd": "2"}, ["2", None, None]),
        ({"race": "White"}, {"bene_race_cd": "5"}, ["White", True, None]),
        ({"race": "White", "is_hispanic": False}, {"bene_race_cd": "5"}, ["White", False, None]),
        (
            {"race": "Other", "sex": "M"},
            {"bene_race_cd": "1", "sex_ident_cd": "2"},
            ["Other", None, "M"],
        ),
        ({}, {"bene_race_cd": "5"}, [None, True, None]),
        ({}, {"bene_race_cd": "0", "sex_ident_cd": "0"}, [None, None, None]),
    ],
)
@worked
def test_medicare_fills_what_eqrs_does_not_know(
    eqrs: dict[str, object], medicare: dict[str, object], known: list[object]
) -> Worked:
    rows = yield case(
        "linkage.patient",
        tables={
            "raw.eqrs_patient": [patient(1, **eqrs)],
            "linkage.beneficiary": [{"bene_id": 500, "patient_id": 1, "is_matched": True}],
            "raw.medicare_enrollment": [beneficiary(performance_year=2023, **medicare)],
        },
        alone=True,
    )
    found = rows[["race", "is_hispanic", "sex"]].astype(object)
    assert found.where(found.notna(), None).to_numpy().tolist() == [known]
