"""CCNs of a facility by days, in both programs."""

import pytest

from esrd_pipeline_tests.sql.facility_list import (
    BEGINNING,
    approve,
    gather,
    link,
    logged,
    name_days,
    record,
)
from esrd_pipeline_tests.sql.worked import Worked, case, day, worked

pytestmark = pytest.mark.manual("3.3.3", "3.3.5", "3.3.7", "3.3.11")

OPENED = logged(1, "2010-01-01", "142500")
SOLD = logged(1, "2024-03-01", "142600", "change of ownership", "Northstar")
RENUMBERED = logged(1, "2024-03-01", "142600", "change of ccn")
PROGRAMS = pytest.mark.parametrize("program", ["dfc", "qip"])


@PROGRAMS
@worked
def test_a_facility_without_a_log_has_one_number_always(program: str) -> Worked:
    days = yield name_days(gather(record(1, "142500")), program)
    assert days == [(1, BEGINNING, None, "142500")]


@PROGRAMS
@worked
def test_the_first_number_holds_from_the_beginning(program: str) -> Worked:
    days = yield name_days(gather(record(1, "142500"), log=[OPENED]), program)
    assert days == [(1, BEGINNING, None, "142500")]


@PROGRAMS
@worked
def test_a_new_owner_with_a_new_number_begins_on_the_first_day(program: str) -> Worked:
    days = yield name_days(gather(record(1, "142600"), log=[OPENED, SOLD]), program)
    assert days == [
        (1, BEGINNING, "2024-02-29", "142500"),
        (1, "2024-03-01", None, "142600"),
    ]


@PROGRAMS
@worked
def test_a_new_owner_who_keeps_the_number_keeps_all_days(program: str) -> Worked:
    kept = logged(1, "2024-03-01", "142500", "change of ownership", "Northstar")
    days = yield name_days(gather(record(1, "142500"), log=[OPENED, kept]), program)
    assert days == [(1, BEGINNING, None, "142500")]


@worked
def test_dfc_gives_all_days_to_the_current_number_of_one_owner() -> Worked:
    tables = gather(record(1, "142600"), log=[OPENED, RENUMBERED])
    days = yield name_days(tables)
    assert days == [(1, BEGINNING, None, "142600")]


@worked
def test_qip_gives_each_day_to_the_number_in_effect() -> Worked:
    tables = gather(record(1, "142600"), log=[OPENED, RENUMBERED])
    days = yield name_days(tables, "qip")
    assert days == [
        (1, BEGINNING, "2024-02-29", "142500"),
        (1, "2024-03-01", None, "142600"),
    ]


@worked
def test_dfc_days_before_a_sale_are_the_last_number_of_the_old_owner() -> Worked:
    log = [
        OPENED,
        logged(1, "2015-01-01", "142501", "change of ccn"),
        logged(1, "2024-03-01", "142600", "change of ownership", "Northstar"),
        logged(1, "2024-06-01", "142601", "change of ccn", "Northstar"),
    ]
    tables = gather(record(1, "142601"), log=log)
    dfc, qip, linked = yield name_days(tables), name_days(tables, "qip"), link(tables)
    assert dfc == [
        (1, BEGINNING, "2024-02-29", "142501"),
        (1, "2024-03-01", None, "142601"),
    ]
    assert {number: row[0] for number, row in linked.items()} == {
        "142500": "142501",
        "142501": "142501",
        "142600": "142601",
        "142601": "142601",
    }
    assert [span[3] for span in qip] == [
        "142500",
        "142501",
        "142600",
        "142601",
    ]


@PROGRAMS
@worked
def test_a_correction_holds_from_the_beginning(program: str) -> Worked:
    corrected = logged(1, "2024-03-01", "142600", "correction")
    days = yield name_days(gather(record(1, "142600"), log=[OPENED, corrected]), program)
    assert days == [(1, BEGINNING, None, "142600")]


@PROGRAMS
@worked
def test_a_hospitals_number_in_the_log_is_its_units(program: str) -> Worked:
    log = [
        logged(1, "2010-01-01", "140001"),
        logged(1, "2020-01-01", "142301", "change of ccn"),
        logged(1, "2022-01-01", "140001", "change of ccn"),
    ]
    days = yield name_days(gather(record(1, "140001", "142301"), log=log), program)
    assert days == [(1, BEGINNING, None, "142301")]


@PROGRAMS
@worked
def test_an_invalid_number_in_the_log_leaves_the_one_before(program: str) -> Worked:
    log = [OPENED, logged(1, "2020-01-01", "1425", "change of ccn"), SOLD]
    first, rows = yield (
        name_days(gather(record(1, "142600"), log=log), program),
        case(
            "linkage.facility_record",
            "linkage.ccn_history",
            tables=gather(record(1, "142600"), log=log),
        ),
    )
    assert first == [
        (1, BEGINNING, "2024-02-29", "142500"),
        (1, "2024-03-01", None, "142600"),
    ]
    assert rows[rows["program"] == program]["rule"].tolist() == [
        "first number",
        "no valid number: the one before holds",
        "new number: change of ownership",
    ]


@PROGRAMS
@worked
def test_the_directory_has_the_current_number(program: str) -> Worked:
    days = yield name_days(gather(record(1, "142700"), log=[OPENED, SOLD]), program)
    assert days == [
        (1, BEGINNING, "2024-02-29", "142500"),
        (1, "2024-03-01", None, "142700"),
    ]


@PROGRAMS
@worked
def test_a_directory_left_behind_by_the_log_does_not_undo_a_sale(program: str) -> Worked:
    days = yield name_days(gather(record(1, "142500"), log=[OPENED, SOLD]), program)
    assert days[1][3] == "142600"


@PROGRAMS
@worked
def test_a_facility_without_a_valid_number_has_no_days(program: str) -> Worked:
    days = yield name_days(gather(record(1, "1425")), program)
    assert days == []


@worked
def test_the_last_number_ends_in_qip_where_eqrs_ends_it() -> Worked:
    closed = logged(1, "2010-01-01", "142500", last_day="2024-08-31")
    tables = gather(record(1, "142500", dateclosed=day("2024-08-31")), log=[closed])
    dfc, qip = yield name_days(tables), name_days(tables, "qip")
    assert dfc == [(1, BEGINNING, None, "142500")]
    assert qip == [(1, BEGINNING, "2024-08-31", "142500")]


@worked
def test_qip_does_not_know_a_sale_after_the_last_day() -> Worked:
    later = logged(1, "2025-01-15", "142600", "change of ownership", "Northstar")
    tables = gather(record(1, "142600"), log=[OPENED, later])
    qip, dfc = yield name_days(tables, "qip"), name_days(tables)
    assert qip == [(1, BEGINNING, None, "142500")]
    assert dfc[-1] == (1, "2025-01-15", None, "142600")


@PROGRAMS
@worked
def test_units_that_share_a_number_share_its_days(program: str) -> Worked:
    days = yield name_days(gather(record(1, "142500"), record(2, "142500")), program)
    assert [span[3] for span in days] == ["142500", "142500"]


@PROGRAMS
@worked
def test_a_combined_record_has_the_days_of_its_main_number(program: str) -> Worked:
    tables = gather(record(1, "142500", "142501"), record(2, "142501", provtype=None))
    days = yield name_days(tables, program)
    assert days == [
        (1, BEGINNING, None, "142500"),
        (2, BEGINNING, None, "142500"),
    ]


@PROGRAMS
@worked
def test_a_transplant_centers_days_are_not_the_dialysis_units(program: str) -> Worked:
    tables = gather(record(1, "142301", "140001"), record(2, "140001", factype="Transplant"))
    days = yield name_days(tables, program)
    assert days == [
        (1, BEGINNING, None, "142301"),
        (2, BEGINNING, None, "140001"),
    ]


@worked
def test_numbers_linked_across_a_sale_are_one_span() -> Worked:
    approved = approve(("142500", "142600"))
    tables = gather(record(1, "142600"), log=[OPENED, SOLD])
    dfc, qip = yield name_days(tables, value_sets=approved), name_days(tables, "qip", approved)
    assert dfc == [(1, BEGINNING, None, "142600")]
    assert len(qip) == 2
