"""The facility of a provider number: issues 1 and 2 of manual 3.3.5, approved links."""

import pytest

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline_tests.sql.facility_list import (
    LIST,
    approve,
    casper,
    claims,
    gather,
    link,
    logged,
    record,
)
from esrd_pipeline_tests.sql.worked import Row, Worked, case, day, worked

pytestmark = pytest.mark.manual("3.3.4", "3.3.5")

CLOSED = {"dateclosed": day("2023-06-30")}
NEW_DATE = {"certdate": day("2023-07-01")}
NORTHSTAR = {"dialysis_organization": "Northstar"}
# Open, but the helpdesk has yet to ask for its provider type: no program lists it.
UNLISTED: dict[str, object] = {"provtype": None}


def beside(first: Row, facilityid: int, number: str, **other: object) -> Row:
    """A record that looks like another one."""
    return {**first, "facilityid": facilityid, "provnum": number, "altprovnum": None, **other}


# Numbers without a question


@pytest.mark.parametrize("program", ["dfc", "qip"])
@worked
def test_a_listed_facility_has_its_own_number(program: str) -> Worked:
    links = yield link(gather(record(1, "142500")), program)
    assert links == {"142500": ("142500", "own", "listed")}


@worked
def test_a_facility_not_listed_has_its_own_number() -> Worked:
    links = yield link(gather(record(1, "142500", **CLOSED)))
    assert links == {"142500": ("142500", "own", "in the EQRS directory, not listed")}


@worked
def test_a_dialysis_number_in_casper_only_is_its_own() -> Worked:
    links = yield link(gather(pos=[casper("142500"), casper("140001"), casper("145000")]))
    assert links == {"142500": ("142500", "own", "in CASPER only")}


@pytest.mark.parametrize("program", ["dfc", "qip"])
@pytest.mark.parametrize("published", [("142301", "140001"), ("140001", "142301")])
@worked
def test_a_hospitals_number_stands_for_its_unit(program: str, published: tuple[str, str]) -> Worked:
    links = yield link(gather(record(1, *published)), program)
    assert links == {
        "142301": ("142301", "own", "listed"),
        "140001": ("142301", "hospital", "hospital number of its unit"),
    }


@pytest.mark.parametrize(
    "pos",
    [
        casper("142301", related_provider_number="140001"),
        casper("140001", related_provider_number="142301"),
    ],
)
@worked
def test_a_missing_hospital_number_is_searched_in_casper(pos: Row) -> Worked:
    links = yield link(gather(record(1, "142301"), pos=[pos]))
    assert links["140001"] == (
        "142301",
        "hospital",
        "hospital number of its unit",
    )


@worked
def test_a_missing_dialysis_number_is_searched_in_casper() -> Worked:
    alone = record(1, "140001")
    tables = gather(alone, pos=[casper("142301", alone, related_provider_number="140001")])
    links = yield link(tables)
    assert links == {
        "142301": ("142301", "own", "listed"),
        "140001": ("142301", "hospital", "hospital number of its unit"),
    }


@worked
def test_a_doubtful_dialysis_number_of_casper_is_left_to_review() -> Worked:
    alone = record(1, "140001")
    pos = casper("142301", alone, related_provider_number="140001", fac_name="Elsewhere")
    links = yield link(gather(alone, pos=[pos]))
    assert links == {
        "140001": ("140001", "own", "hospital number: for manual review with CASPER"),
        "142301": ("142301", "own", "in CASPER only"),
    }


@worked
def test_records_that_share_a_number_are_one_facility() -> Worked:
    tables = gather(
        record(1, "142500", facility_name="Adults"),
        record(2, "142500", facility_name="Children"),
        record(3, "142500", facility_name="Peritoneal"),
        record(4, "142500", factype="Transplant"),
        record(5, "142500", facility_name="Temporary", **CLOSED),
    )
    links = yield link(tables)
    assert links == {"142500": ("142500", "own", "listed")}


# Issue 1: two records match on characteristics, or one facility identifier has had two numbers


@worked
def test_issue_1_two_records_alike_are_combined() -> Worked:
    first = record(1, "142500")
    links = yield link(gather(first, beside(first, 2, "142501", **UNLISTED)))
    assert links == {
        "142500": ("142500", "own", "listed"),
        "142501": ("142500", "alternate", "issue 1: one name and address"),
    }


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (CLOSED, "issue 1: change of ownership: closed date"),
        (UNLISTED | NEW_DATE, "issue 1: change of ownership: new certification date"),
        (UNLISTED | NORTHSTAR, "issue 1: change of ownership: another organization"),
        ({}, "issue 1: both numbers are listed"),
        (
            UNLISTED | {"facility_name": "Another Clinic"},
            "issue 1: one address, two names: for manual review",
        ),
    ],
)
@worked
def test_issue_1_two_records_are_kept_apart(change: dict[str, object], rule: str) -> Worked:
    first = record(1, "142500")
    links = yield link(gather(first, beside(first, 2, "142501", **change)))
    assert links == {
        "142500": ("142500", "own", "listed"),
        "142501": ("142501", "own", rule),
    }


@worked
def test_a_transplant_center_at_the_same_address_is_no_second_facility() -> Worked:
    first = record(1, "142500")
    center = beside(first, 2, "142501", factype="Transplant")
    links = yield link(gather(first, center))
    assert links["142501"] == (
        "142501",
        "own",
        "in the EQRS directory, not listed",
    )


NEW_NUMBER = (logged(1, "2010-01-01", "142500"),)


@worked
def test_issue_1_a_new_number_without_a_new_owner_is_one_facility_in_dfc() -> Worked:
    log = [*NEW_NUMBER, logged(1, "2024-03-01", "142600", "change of ccn")]
    links = yield link(gather(record(1, "142600"), log=log))
    assert links == {
        "142600": ("142600", "own", "listed"),
        "142500": ("142600", "alternate", "issue 1: one facility identifier"),
    }


@pytest.mark.manual("3.3.7")
@worked
def test_a_new_number_without_a_new_owner_is_another_facility_in_qip() -> Worked:
    log = [*NEW_NUMBER, logged(1, "2024-03-01", "142600", "change of ccn")]
    links = yield link(gather(record(1, "142600"), log=log), "qip")
    assert links == {
        "142600": ("142600", "own", "listed"),
        "142500": ("142500", "own", "3.3.11: new number: no change of ownership"),
    }


@pytest.mark.parametrize(
    ("later", "certdate", "rule"),
    [
        (
            logged(1, "2024-03-01", "142600", "change of ownership", "Northstar"),
            "2010-01-01",
            "new number: change of ownership",
        ),
        (
            logged(1, "2024-03-01", "142600", "change of ccn", "Northstar"),
            "2010-01-01",
            "new number: another organization",
        ),
        (
            logged(1, "2024-03-01", "142600", "change of ccn"),
            "2024-03-01",
            "new number: new certification date",
        ),
    ],
)
@worked
def test_issue_1_a_new_number_of_a_new_owner_is_a_new_facility(
    later: Row, certdate: str, rule: str
) -> Worked:
    tables = gather(record(1, "142600", certdate=day(certdate)), log=[*NEW_NUMBER, later])
    dfc, qip = yield link(tables), link(tables, "qip")
    assert dfc["142500"] == ("142500", "own", f"issue 1: {rule}")
    assert qip["142500"] == ("142500", "own", f"3.3.11: {rule}")


@pytest.mark.parametrize("program", ["dfc", "qip"])
@worked
def test_a_new_owner_who_keeps_the_number_changes_nothing(program: str) -> Worked:
    log = [*NEW_NUMBER, logged(1, "2024-03-01", "142500", "change of ownership", "Northstar")]
    links = yield link(gather(record(1, "142500"), log=log), program)
    assert links == {"142500": ("142500", "own", "listed")}


@pytest.mark.parametrize("program", ["dfc", "qip"])
@worked
def test_a_corrected_number_is_no_change(program: str) -> Worked:
    log = [*NEW_NUMBER, logged(1, "2024-03-01", "142600", "correction", "Northstar")]
    links = yield link(gather(record(1, "142600"), log=log), program)
    assert links["142500"] == (
        "142600",
        "alternate",
        "issue 1: one facility identifier",
    )


@worked
def test_a_number_that_is_another_facilitys_today_is_not_linked() -> Worked:
    log = [*NEW_NUMBER, logged(1, "2024-03-01", "142600", "change of ccn")]
    tables = gather(record(1, "142600"), record(2, "142500"), log=log)
    links = yield link(tables)
    assert links == {
        "142500": ("142500", "own", "listed"),
        "142600": ("142600", "own", "issue 1: both numbers are listed"),
    }


# Issue 2: all claims under a number that only CASPER has


@worked
def test_issue_2_a_number_of_casper_under_which_all_claims_came_is_linked() -> Worked:
    first = record(1, "142500")
    tables = gather(first, pos=[casper("142501", first)], claim=claims(n142501=5))
    links = yield link(tables)
    assert links["142501"] == (
        "142500",
        "alternate",
        "issue 2: all claims are under it",
    )


@pytest.mark.parametrize(
    ("change", "counts", "rule"),
    [
        ({}, {"n142500": 1, "n142501": 5}, "claims are not all under the number of CASPER"),
        ({}, {}, "claims are not all under the number of CASPER"),
        (
            {"trmntn_exprtn_dt": day("2023-01-01")},
            {"n142501": 5},
            "change of ownership: closed date",
        ),
        (
            {"orgnl_prtcptn_dt": day("2023-01-01")},
            {"n142501": 5},
            "change of ownership: new certification date",
        ),
        (
            {"fac_name": "Northstar Springfield"},
            {"n142501": 5},
            "change of ownership: another organization",
        ),
        ({"fac_name": "Clinic One"}, {"n142501": 5}, "one address, two names: for manual review"),
    ],
)
@worked
def test_issue_2_a_number_of_casper_is_kept_apart(
    change: dict[str, object], counts: dict[str, int], rule: str
) -> Worked:
    first = record(1, "142500")
    tables = gather(
        first,
        record(2, "142700", **NORTHSTAR),
        pos=[casper("142501", first, **change)],
        claim=claims(**counts),
    )
    links = yield link(tables)
    assert links["142501"] == ("142501", "own", f"issue 2: {rule}")


# Links CMS approved


@worked
def test_an_approved_link_outweighs_a_change_of_ownership() -> Worked:
    approved = approve(("142500", "142600"))
    log = [*NEW_NUMBER, logged(1, "2024-03-01", "142600", "change of ownership", "Northstar")]
    tables = gather(record(1, "142600"), log=log)
    dfc, qip = yield link(tables, value_sets=approved), link(tables, "qip", approved)
    assert dfc == {
        "142600": ("142600", "own", "listed"),
        "142500": ("142600", "approved", "link approved by CMS"),
    }
    assert qip["142500"][:2] == ("142500", "own")


@worked
def test_a_link_to_an_approved_number_leads_on() -> Worked:
    approved = approve(("142500", "142600"))
    tables = gather(record(1, "142500", "142501"), record(2, "142600"))
    links = yield link(tables, value_sets=approved)
    assert links["142501"] == ("142600", "alternate", "issue 3 case 1")


@worked
def test_an_approved_number_of_no_record_is_known() -> Worked:
    approved = approve(("140009", "142600"))
    links = yield link(gather(record(2, "142600")), value_sets=approved)
    assert links["140009"] == (
        "142600",
        "approved",
        "link approved by CMS",
    )


def test_no_approved_link_leads_to_a_number_that_is_linked_itself() -> None:
    links = load_parameters("approved_link")
    numbers = set(zip(links["program"], links["provider_number"], strict=True))
    assert numbers.isdisjoint(zip(links["program"], links["ccn"], strict=True))


# What every nation must show


@worked
def test_what_is_put_out_for_review_names_pair_and_ground() -> Worked:
    first = record(1, "142500")
    tables = gather(first, beside(first, 2, "142501", facility_name="Another Clinic", **UNLISTED))
    rows = yield case(*LIST[:4], tables=tables)
    rows = rows[rows["program"] == "dfc"]
    assert rows[["provider_number", "higher_number", "issue", "is_linked"]].to_numpy().tolist() == [
        ["142501", "142500", "likeness", False]
    ]


@worked
def test_the_order_of_records_does_not_matter() -> Worked:
    first = record(1, "142500", "142503")
    records = [
        first,
        beside(first, 2, "142501", **UNLISTED),
        record(3, "143501", "140001"),
        record(4, "143502", "140001"),
        record(5, "140002", "142301"),
    ]
    first_rows, second = yield link(gather(*records)), link(gather(*reversed(records)))
    assert first_rows == second
