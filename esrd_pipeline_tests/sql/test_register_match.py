"""Persons of OPTN and of Social Security who are EQRS patients, one typing error apart."""

from collections.abc import Sequence

import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("2.2.15", "Table 2", "Table 3")

SSN, BORN = "412345678", "1950-02-03"
PATIENT: Row = {"patient_id": 1, "ssn": SSN, "date_of_birth": day(BORN)}


def find(
    *persons: tuple[str | None, str | None],
    register: str = "optn",
    patients: Sequence[Row] = (PATIENT,),
) -> Case:
    """The patient and the error of each number of a register; alone, because all are compared."""
    found = [(number, day(born) if born else None) for number, born in persons]
    return case(
        "linkage.register_match",
        alone=True,
        tables={
            "raw.eqrs_patient": patients,
            "raw.optn_waitlist": [
                {"pers_id": place, "pers_ssn": number, "pers_birth_dt": born}
                for place, (number, born) in enumerate(found)
            ]
            if register == "optn"
            else [],
            "raw.ssa_death": [
                {"ssn": number, "date_of_birth": born, "date_of_death": day("2024-05-01")}
                for number, born in found
            ]
            if register == "ssa"
            else [],
        },
    ).read(
        lambda rows: [
            (row["ssn"], row["patient_id"], row["error_in"])
            for row in rows.astype(object).where(rows.notna(), None).to_dict("records")
        ]
    )


@pytest.mark.parametrize("register", ["optn", "ssa"])
@worked
def test_number_and_birth_date_agree(register: str) -> Worked:
    found = yield find((SSN, BORN), register=register)
    assert found == [(SSN, 1, None)]


@pytest.mark.parametrize("register", ["optn", "ssa"])
@pytest.mark.parametrize(
    ("born", "matches"),
    [
        ("1950-02-13", True),
        ("1950-12-03", True),
        ("1951-02-03", True),
        ("1960-02-03", True),
        ("1950-03-02", True),
        ("1950-03-04", False),
        ("1961-02-03", False),
        ("1951-02-04", False),
    ],
)
@worked
def test_one_error_in_the_birth_date_of_ones_own_number(
    register: str, born: str, *, matches: bool
) -> Worked:
    found = yield find((SSN, born), register=register)
    assert found == ([(SSN, 1, "date of birth")] if matches else [])


@pytest.mark.parametrize(
    ("number", "matches"),
    [
        ("412345675", True),
        # A twin's.
        ("412345679", False),
        ("412345677", False),
        ("41234567", True),
        ("4123456788", True),
        ("412354678", True),
        ("412345699", False),
        ("512345679", False),
        ("412365478", False),
    ],
)
@worked
def test_one_error_in_the_number_of_optn_of_one_birth_date(number: str, *, matches: bool) -> Worked:
    found, of_the_dead = yield find((number, BORN)), find((number, BORN), register="ssa")
    assert found == ([(number, 1, "ssn")] if matches else [])
    # Everybody is in Social Security's: of one birth date thousands, and neighbouring numbers.
    assert of_the_dead == []


@worked
def test_number_and_birth_date_both_wrong_are_another_person() -> Worked:
    found = yield find(("412345675", "1950-02-13"))
    assert found == []


@worked
def test_nobody_is_found_where_two_come_into_question() -> Worked:
    twin = {**PATIENT, "patient_id": 2, "ssn": "412345670"}
    two_patients, two_persons = yield (
        find(("412345675", BORN), patients=[PATIENT, twin]),
        find(("412345675", BORN), ("412345670", BORN)),
    )
    assert two_patients == []
    assert two_persons == []


@worked
def test_who_is_matched_exactly_is_not_looked_for_again() -> Worked:
    found = yield find((SSN, BORN), ("412345675", BORN), (SSN, "1950-02-13"))
    assert found == [(SSN, 1, None)]


@pytest.mark.parametrize(
    "person", [(None, BORN), (SSN, None), ("000000000", BORN), ("999999999", BORN)]
)
@worked
def test_no_number_no_birth_date_and_placeholders_are_nobody(
    person: tuple[str | None, str | None],
) -> Worked:
    own = [{**PATIENT, "ssn": person[0]}] if person[0] else [PATIENT]
    found = yield find(person, patients=own if person[1] else [PATIENT])
    assert found == []


@worked
def test_a_transplant_and_a_listing_of_a_mistyped_person_are_the_patients() -> Worked:
    tables: dict[str, Sequence[Row]] = {
        "raw.eqrs_patient": [PATIENT],
        "raw.optn_transplant": [
            {
                "pers_id": 3,
                "pers_ssn": "412345675",
                "pers_birth_dt": day(BORN),
                "rec_tx_dt": day("2024-03-01"),
                "don_ty": "L",
            }
        ],
        "raw.optn_waitlist": [
            {
                "pers_id": 3,
                "pers_ssn": "412345675",
                "pers_birth_dt": day(BORN),
                "can_listing_dt": day("2023-05-01"),
                "wl_org": "KI",
            }
        ],
        "raw.ssa_death": [
            {
                "ssn": SSN,
                "date_of_birth": day("1950-02-13"),
                "date_of_death": day("2024-05-01"),
            }
        ],
    }
    transplants, listings, deaths = yield (
        case("linkage.transplant", tables=tables, alone=True),
        case("linkage.waitlist", tables=tables, alone=True),
        case("linkage.death", tables=tables, alone=True),
    )
    assert transplants[["program", "patient_id"]].to_numpy().tolist() == [["dfc", 1]]
    assert listings["patient_id"].tolist() == [1]
    assert deaths[["program", "patient_id", "source"]].to_numpy().tolist() == [["dfc", 1, "ssa"]]
