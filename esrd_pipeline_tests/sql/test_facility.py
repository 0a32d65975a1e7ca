"""The facility list of each program: facilities that receive reports, the others, and why."""

from datetime import date

import pytest

from esrd_pipeline_tests.sql.facility_list import (
    casper,
    gather,
    link,
    list_facilities,
    logged,
    name_days,
    record,
    why_not,
)
from esrd_pipeline_tests.sql.worked import Worked, day, worked

pytestmark = pytest.mark.manual("3.3.3", "3.3.4")

PROGRAMS = pytest.mark.parametrize("program", ["dfc", "qip"])
SALE = (
    logged(1, "2010-01-01", "142500", owner="Lakeshore"),
    logged(1, "2024-03-01", "142600", "change of ownership", "Northstar"),
)


@PROGRAMS
@worked
def test_a_facility_has_its_records_name_state_network_and_owner(program: str) -> Worked:
    facilities = yield list_facilities(gather(record(1, "142301", "140001")), program)
    row = facilities["142301"]
    assert row["facility_name"] == "Clinic 1"
    assert (row["state"], row["network"]) == ("IL", 10)
    assert row["dialysis_organization"] == "Independent"
    assert row["facility_type"] == "hospital based"
    assert row["certification_date"] == day("2010-01-01")
    assert row["is_eligible"] is True
    assert row["reason"] is None


@PROGRAMS
@worked
def test_a_hospitals_number_is_no_facility_of_its_own(program: str) -> Worked:
    reasons = yield why_not(gather(record(1, "140001", "142301")), program)
    assert reasons == {"142301": None}


@PROGRAMS
@worked
def test_records_that_share_a_number_are_one_facility_described_by_one(program: str) -> Worked:
    tables = gather(
        record(1, "142500", factype="Transplant", certdate=day("1990-01-01")),
        record(2, "142500", facility_name="Adults"),
        record(3, "142500", facility_name="Children", certdate=day("2015-01-01")),
        record(4, "142500", dateclosed=day("2020-01-01"), certdate=day("2000-01-01")),
    )
    facilities = yield list_facilities(tables, program)
    (row,) = facilities.values()
    assert (row["facility_name"], row["is_eligible"]) == ("Adults", True)


@PROGRAMS
@worked
def test_a_combined_record_does_not_describe_the_facility(program: str) -> Worked:
    other = record(2, "142501", provtype=None)
    facilities = yield list_facilities(gather(record(1, "142500", "142501"), other), program)
    assert [row["facility_name"] for row in facilities.values()] == ["Clinic 1"]


@PROGRAMS
@worked
def test_reasons_of_the_record_are_the_facilitys(program: str) -> Worked:
    tables = gather(
        record(1, "142500", dateclosed=day("2024-05-31")),
        record(2, "142501", factype="Transplant"),
        record(3, "142502", provtype="STATE"),
    )
    closed = "closed" if program == "dfc" else "closed_at_year_end"
    provider = "provider_type_not_medicare" + ("_other_or_pending" if program == "dfc" else "")
    first, second = yield why_not(tables, program), list_facilities(tables, program)
    assert first == {
        "142500": closed,
        "142501": "facility_type_not_dialysis",
        "142502": provider,
    }
    assert second["142500"]["close_date"] == day("2024-05-31")


@pytest.mark.manual("3.3.6.1")
@worked
def test_a_facility_of_veterans_affairs_receives_no_dfc_report() -> Worked:
    reasons = yield why_not(gather(record(1, "14250F")))
    assert reasons == {"14250F": "veterans_affairs"}


@worked
def test_a_facility_pending_certification_is_dfcs_and_not_qips() -> Worked:
    tables = gather(record(1, "142500", provtype="PENDING CERT"))
    dfc, qip = yield why_not(tables), why_not(tables, "qip")
    assert dfc == {"142500": None}
    assert qip == {"142500": "provider_type_not_medicare"}


@pytest.mark.manual("3.3.10")
@worked
def test_a_facility_that_closes_after_the_year_is_qips_and_not_dfcs() -> Worked:
    tables = gather(record(1, "142500", dateclosed=day("2025-02-01")))
    dfc, qip = yield why_not(tables), why_not(tables, "qip")
    assert dfc == {"142500": "closed"}
    assert qip == {"142500": None}


@PROGRAMS
@worked
def test_a_number_a_sale_replaced_is_kept_with_its_last_owner_and_day(program: str) -> Worked:
    facilities = yield list_facilities(gather(record(1, "142600"), log=SALE), program)
    old, new = facilities["142500"], facilities["142600"]
    assert old["dialysis_organization"] == "Lakeshore"
    assert (old["certification_date"], old["close_date"]) == (
        day("2010-01-01"),
        day("2024-02-29"),
    )
    assert old["is_eligible"] is False
    assert new["is_eligible"] is True
    # The directory still has the date of the old owner.
    assert new["certification_date"] == day("2024-03-01")
    assert (
        old["reason"]
        == {
            "dfc": "ccn_replaced_in_change_of_ownership",
            "qip": "ccn_not_in_effect_at_year_end",
        }[program]
    )


@pytest.mark.manual("3.3.7")
@worked
def test_a_number_replaced_without_a_sale_is_a_facility_in_qip_alone() -> Worked:
    log = [SALE[0], logged(1, "2024-03-01", "142600", "change of ccn", "Lakeshore")]
    tables = gather(record(1, "142600"), log=log)
    dfc, qip = yield why_not(tables), why_not(tables, "qip")
    assert dfc == {"142600": None}
    assert qip == {
        "142500": "ccn_not_in_effect_at_year_end",
        "142600": None,
    }


@pytest.mark.manual("3.3.7", "3.3.11")
@worked
def test_qip_scores_the_number_in_effect_on_the_last_day() -> Worked:
    log = [SALE[0], logged(1, "2025-01-15", "142600", "change of ownership", "Northstar")]
    tables = gather(record(1, "142600", certdate=day("2025-01-15")), log=log)
    qip, dfc = yield why_not(tables, "qip"), why_not(tables)
    assert qip == {"142500": None}
    assert dfc == {
        "142500": "ccn_replaced_in_change_of_ownership",
        "142600": None,
    }


@worked
def test_a_replaced_number_has_the_name_casper_gives_it() -> Worked:
    pos = [casper("142500", fac_name="Lakeshore Springfield")]
    facilities = yield list_facilities(gather(record(1, "142600"), log=SALE, pos=pos))
    assert facilities["142500"]["facility_name"] == "Lakeshore Springfield"
    assert facilities["142600"]["facility_name"] == "Clinic 1"


@pytest.mark.manual("3.3.6.3")
@PROGRAMS
@worked
def test_a_facility_that_only_casper_has_is_listed_without_reports(program: str) -> Worked:
    pos = casper(
        "142500",
        fac_name="Elsewhere",
        state_cd="IN",
        esrd_ntwrk_num=9,
        orgnl_prtcptn_dt=day("1999-01-01"),
        trmntn_exprtn_dt=day("2005-01-01"),
    )
    facilities = yield list_facilities(gather(pos=[pos]), program)
    row = facilities["142500"]
    assert (row["facility_name"], row["state"], row["network"]) == ("Elsewhere", "IN", 9)
    assert (row["certification_date"], row["close_date"]) == (
        day("1999-01-01"),
        day("2005-01-01"),
    )
    assert row["reason"] == "not_in_eqrs_directory"


@PROGRAMS
@worked
def test_a_transplant_center_is_listed_under_its_hospital(program: str) -> Worked:
    tables = gather(record(1, "142301", "140001"), record(2, "140001", factype="Transplant"))
    reasons = yield why_not(tables, program)
    assert reasons == {
        "142301": None,
        "140001": "facility_type_not_dialysis",
    }


@pytest.mark.manual("3.5")
@pytest.mark.parametrize(
    ("certified", "first_day"),
    [
        ("2024-01-01", "2024-05-01"),
        ("2024-01-31", "2024-05-01"),
        ("2024-08-15", "2024-12-01"),
        ("2024-09-01", "2025-01-01"),
    ],
)
@worked
def test_a_new_facility_reports_from_the_fourth_month_after(
    certified: str, first_day: str
) -> Worked:
    tables = gather(record(1, "142500", certdate=day(certified)))
    qip, dfc = yield list_facilities(tables, "qip"), list_facilities(tables)
    assert qip["142500"]["reporting_date"] == day(first_day)
    assert dfc["142500"]["reporting_date"] is None


@pytest.mark.manual("3.5")
@worked
def test_a_new_owners_number_reports_from_the_fourth_month_after_the_sale() -> Worked:
    facilities = yield list_facilities(gather(record(1, "142600"), log=SALE), "qip")
    assert facilities["142600"]["reporting_date"] == date(2024, 7, 1)
    assert facilities["142500"]["reporting_date"] is None


@pytest.mark.manual("3.3.8", "3.5")
@worked
def test_a_unit_that_joins_a_number_makes_no_new_facility_of_it() -> Worked:
    """The unit is older than the facility whose number it takes in June."""
    tables = gather(
        record(1, "142500"),
        record(2, "142500", certdate=day("2005-01-01")),
        log=[
            logged(1, "2010-01-01", "142500"),
            logged(2, "2005-01-01", "142501"),
            logged(2, "2024-06-01", "142500", "change of ccn"),
        ],
    )
    facilities = yield list_facilities(tables, "qip")
    row = facilities["142500"]
    assert row["certification_date"] == day("2010-01-01")
    assert row["reporting_date"] == day("2010-05-01")


@pytest.mark.manual("3.3.4", "3.3.11", "3.5")
@PROGRAMS
@worked
def test_a_unit_that_takes_a_closed_ones_number_makes_no_new_facility_of_it(program: str) -> Worked:
    """The number was certified in 2010; its transplant center, in 1990, is no dialysis unit."""
    facilities = yield list_facilities(
        gather(
            record(1, "142500", dateclosed=day("2024-05-31")),
            record(2, "142500", certdate=day("2024-06-01")),
            record(3, "142500", factype="Transplant", certdate=day("1990-01-01")),
        ),
        program,
    )
    row = facilities["142500"]
    assert (row["facility_name"], row["is_eligible"]) == ("Clinic 2", True)
    assert row["certification_date"] == day("2010-01-01")


@PROGRAMS
@worked
def test_every_ccn_of_days_and_claims_is_in_the_list(program: str) -> Worked:
    tables = gather(
        record(1, "142600", "142601"),
        record(2, "140001"),
        record(3, "143501", "140002"),
        record(4, "1435"),
        log=SALE,
        pos=[casper("142900"), casper("142301", related_provider_number="140003")],
    )
    listed, claims, days = yield (
        list_facilities(tables, program),
        link(tables, program),
        name_days(tables, program),
    )
    assert {ccn for ccn, _, _ in claims.values()} <= set(listed)
    assert {ccn for _, _, _, ccn in days} <= set(listed)
