"""Where in its files a table first breaks its expectations."""

from pathlib import Path

from esrd_pipeline.sources.extract_files import find_extracts
from esrd_pipeline.sources.first_row import find_first_rows
from esrd_pipeline.tables import eqrs, register
from esrd_pipeline.tables.model import Table
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.sources.extracts import YEAR, write

ADMISSION = "PATIENT_ID|FACILITYID|ADMIT_DATE|ADMIT_REASON"


def find(folder: Path, table: Table = eqrs.EQRS_ADMISSION) -> str | None:
    extracts = find_extracts(folder, table)
    query = Warehouse(folder / "warehouse").query
    return find_first_rows(table, extracts, query, performance_year=YEAR)


def test_a_repeated_key_is_placed_at_its_second_row_in_whatever_file(tmp_path: Path) -> None:
    rows = ("7|11|05-Jan-2024|Acute", "8|11|05-Jan-2024|Acute")
    write(tmp_path, "eqrs_admission_1.txt", ADMISSION, *rows)
    write(tmp_path, "eqrs_admission_2.txt", ADMISSION, "9|11|05-Jan-2024|Acute", rows[1], rows[0])
    assert find(tmp_path) == (
        "eqrs_admission_2.txt, row 3, column 'PATIENT_ID, ADMIT_DATE, FACILITYID':"
        " repeats the key of an earlier row"
    )


def test_a_person_may_come_onto_both_lists_on_one_day(tmp_path: Path) -> None:
    header = "PERS_ID|PERS_SSN|PERS_BIRTH_DT|CAN_LISTING_DT|WL_ORG"
    first = "7|900000001|05-Jan-1960|01-Mar-2024"
    write(tmp_path, "optn_waitlist.txt", header, f"{first}|KI", f"{first}|KP")
    assert find(tmp_path, register.OPTN_WAITLIST) is None
    write(tmp_path, "optn_waitlist.txt", header, f"{first}|KI", f"{first}|KP", f"{first}|KI")
    assert find(tmp_path, register.OPTN_WAITLIST) == (
        "optn_waitlist.txt, row 4, column 'PERS_ID, CAN_LISTING_DT, WL_ORG':"
        " repeats the key of an earlier row"
    )


def test_each_broken_expectation_is_placed_without_its_value(tmp_path: Path) -> None:
    write(
        tmp_path,
        "eqrs_admission.txt",
        ADMISSION,
        "7|11|05-Jan-2024|Acute",
        "8||05-Jan-2024|Acute",
        "-9|11|05-Jan-2024|Acute",
        "10|11|05-Jan-2024|Because",
        "11||05-Jan-2024|Because",
    )
    assert find(tmp_path) == (
        "eqrs_admission.txt, row 4, column 'PATIENT_ID': is less than 1;"
        " eqrs_admission.txt, row 3, column 'FACILITYID': has no value, and needs one;"
        " eqrs_admission.txt, row 5, column 'ADMIT_REASON': is none of the 7 allowed texts"
    )


def test_good_rows_and_no_files_have_no_place(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    write(tmp_path, "eqrs_admission.txt", ADMISSION, "7|11|05-Jan-2024|Acute")
    assert find(tmp_path) is None
