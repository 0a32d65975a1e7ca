"""Second numbers and hospitals' numbers: issues 3 and 4 of manual 3.3.5, case by case."""

import pytest

from esrd_pipeline_tests.sql.facility_list import (
    admitted,
    casper,
    claims,
    gather,
    link,
    logged,
    record,
)
from esrd_pipeline_tests.sql.worked import Worked, day, worked

pytestmark = pytest.mark.manual("3.3.5")

CLOSED = {"dateclosed": day("2023-06-30")}
NEW_DATE = {"certdate": day("2023-07-01")}
NORTHSTAR = {"dialysis_organization": "Northstar"}
# Open, but the helpdesk has yet to ask for its provider type: no program lists it.
UNLISTED: dict[str, object] = {"provtype": None}

# Issue 3: extra provider numbers


@worked
def test_issue_3_case_1_an_alternate_that_stands_nowhere_else_is_linked() -> Worked:
    links = yield link(gather(record(1, "142500", "142501")))
    assert links["142501"] == (
        "142500",
        "alternate",
        "issue 3 case 1",
    )


@worked
def test_issue_3_case_1_holds_for_a_second_number_of_a_hospital_unit() -> Worked:
    links = yield link(gather(record(1, "142301", "142302")))
    assert links["142302"] == (
        "142301",
        "alternate",
        "issue 3 case 1",
    )


@worked
def test_issue_3_case_2_an_alternate_with_a_record_of_its_own_is_linked() -> Worked:
    tables = gather(record(1, "142500", "142501"), record(2, "142501", **UNLISTED))
    links = yield link(tables)
    assert links["142501"] == (
        "142500",
        "alternate",
        "issue 3 case 2: no change of ownership",
    )


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (CLOSED, "change of ownership: closed date"),
        (UNLISTED | NEW_DATE, "change of ownership: new certification date"),
        (UNLISTED | NORTHSTAR, "change of ownership: another organization"),
        ({}, "both numbers are listed"),
    ],
)
@worked
def test_issue_3_case_2_a_change_of_ownership_keeps_them_apart(
    change: dict[str, object], rule: str
) -> Worked:
    tables = gather(record(1, "142500", "142501"), record(2, "142501", **change))
    links = yield link(tables)
    assert links["142501"] == ("142501", "own", f"issue 3 case 2: {rule}")


@worked
def test_two_records_that_name_each_other_are_one_facility() -> Worked:
    links = yield link(
        gather(record(1, "142500", "142501"), record(2, "142501", "142500", **UNLISTED))
    )
    assert {number: row[0] for number, row in links.items()} == {
        "142500": "142500",
        "142501": "142500",
    }


@worked
def test_an_alternate_of_several_facilities_is_left_to_review() -> Worked:
    tables = gather(record(1, "142500", "142502"), record(2, "142501", "142502"))
    links = yield link(tables)
    assert links["142502"] == (
        "142502",
        "own",
        "issue 3: alternate number of several facilities: for manual review",
    )


@worked
def test_issue_3_case_3a_a_listed_hospital_number_has_its_own_report() -> Worked:
    tables = gather(record(1, "142500", "140001"), record(2, "140001"))
    links = yield link(tables)
    assert links == {
        "142500": ("142500", "own", "listed"),
        "140001": ("140001", "own", "issue 3 case 3a: the hospital number is listed"),
    }


@worked
def test_issue_3_case_3b_a_hospital_satellite_stands_before_a_freestanding_facility() -> Worked:
    tables = gather(record(1, "142500", "140001"), record(2, "143501", "140001"))
    links = yield link(tables)
    assert links["140001"] == (
        "143501",
        "hospital",
        "issue 3 case 3b: hospital satellite",
    )


@worked
def test_issue_3_case_3b_holds_for_a_unit_that_casper_has() -> Worked:
    tables = gather(
        record(1, "142500", "140001"),
        pos=[casper("142301", related_provider_number="140001")],
    )
    links = yield link(tables)
    assert links["140001"] == ("142301", "hospital", "issue 4 case 1: hospital based")


@worked
def test_issue_3_case_3c_a_hospital_without_units_stays_with_the_freestanding_facility() -> Worked:
    tables = gather(record(1, "142500", "140001"))
    links = yield link(tables)
    assert links["140001"] == ("142500", "hospital", "issue 3 case 3c")


@worked
def test_issue_3_case_3c_a_record_of_the_hospital_alone_is_ignored() -> Worked:
    tables = gather(record(1, "142500", "140001"), record(2, "140001", factype="Transplant"))
    links = yield link(tables)
    assert links["140001"] == ("142500", "hospital", "issue 3 case 3c")


@worked
def test_of_two_freestanding_facilities_the_less_used_has_the_hospitals_number() -> Worked:
    tables = gather(
        record(1, "142500", "140001"),
        record(2, "142501", "140001"),
        claim=claims(n142500=2, n142501=1),
    )
    links = yield link(tables)
    assert links["140001"] == ("142501", "hospital", "issue 3 case 3c: least usage")


# Issue 4: several dialysis numbers with one hospital number


@worked
def test_issue_4_case_1_the_hospital_based_unit_has_the_hospitals_number() -> Worked:
    tables = gather(
        record(1, "142301", "140001"),
        record(2, "143501", "140001"),
        record(3, "142500", "140001"),
        claim=claims(n142301=9),
    )
    links = yield link(tables)
    assert links["140001"] == ("142301", "hospital", "issue 4 case 1: hospital based")


@worked
def test_issue_4_case_2_of_two_hospital_based_units_the_less_used_has_it() -> Worked:
    tables = gather(
        record(1, "142301", "140001"),
        record(2, "142302", "140001"),
        record(3, "143501", "140001"),
        claim=claims(n142301=5, n142302=2),
    )
    links = yield link(tables)
    assert links["140001"] == ("142302", "hospital", "issue 4 case 2: least usage")


@worked
def test_issue_4_case_3_of_two_satellites_the_less_used_has_it() -> Worked:
    tables = gather(
        record(1, "143501", "140001"),
        record(2, "143502", "140001"),
        # Its patients came, yet no claim was under its own number.
        claim=claims(n143501=3),
        admission=admitted(2, 8),
    )
    links = yield link(tables)
    assert links["140001"] == ("143502", "hospital", "issue 4 case 3: least usage")


@worked
def test_among_equal_claims_patient_events_decide() -> Worked:
    tables = gather(
        record(1, "143501", "140001"),
        record(2, "143502", "140001"),
        admission=[*admitted(1, 2), *admitted(2, 1)],
    )
    links = yield link(tables)
    assert links["140001"][0] == "143502"


@worked
def test_issue_4_searches_casper_beside_eqrs() -> Worked:
    tables = gather(
        record(1, "143501", "140001"),
        record(2, "142301"),
        pos=[casper("142301", related_provider_number="140001")],
    )
    links = yield link(tables)
    assert links["140001"] == ("142301", "hospital", "issue 4 case 1: hospital based")


@worked
def test_an_open_unit_has_the_hospitals_number_before_a_closed_one() -> Worked:
    tables = gather(record(1, "142301", "140001", **CLOSED), record(2, "143501", "140001"))
    links = yield link(tables)
    assert links["140001"] == ("143501", "hospital", "issue 4: the open unit")


@worked
def test_an_earlier_hospital_number_of_a_unit_is_its_hospitals() -> Worked:
    log = [logged(1, "2010-01-01", "140001"), logged(1, "2020-01-01", "142301", "change of ccn")]
    tables = gather(record(1, "142301"), log=log)
    for rows in (yield link(tables, "dfc"), link(tables, "qip")):
        assert rows["140001"] == ("142301", "hospital", "hospital number of its unit")
