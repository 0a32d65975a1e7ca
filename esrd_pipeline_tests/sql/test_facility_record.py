"""EQRS facility records: valid numbers, the dialysis unit's number, listed or not."""

import pandas as pd
import pytest

from esrd_pipeline_tests.sql.facility_list import casper, gather, logged, record
from esrd_pipeline_tests.sql.worked import Case, Tables, Worked, case, day, worked

pytestmark = pytest.mark.manual("3.3.8", "3.3.9")

LAST_DAY = day("2024-12-31")


def read(tables: Tables, program: str = "dfc") -> Case:
    def read_rows(rows: pd.DataFrame) -> dict[int, dict[str, object]]:
        rows = rows[rows["program"] == program]
        rows = rows.astype(object).where(rows.notna(), None)
        return {row["facilityid"]: row for row in rows.to_dict(orient="records")}

    return case("linkage.facility_record", tables=tables).read(read_rows)


def numbers(tables: Tables, program: str = "dfc") -> Case:
    return read(tables, program).read(
        lambda rows: {
            facilityid: (row["provider_number"], row["second_number"], row["number_rule"])
            for facilityid, row in rows.items()
        }
    )


@pytest.mark.manual("3.3.2")
@pytest.mark.parametrize(
    ("number", "dfc", "qip"),
    [
        ("142500", "142500", "142500"),
        ("A42500", "A42500", "A42500"),
        ("14250F", "14250F", "14250F"),
        # In QIP only the second to fifth characters must be digits.
        ("14250A", None, "14250A"),
        ("14250", None, None),
        ("0142500", None, None),
        ("1425A0", None, None),
        ("1A2500", None, None),
        ("14250-", None, None),
    ],
)
@worked
def test_a_number_has_six_characters_and_digits_within(
    number: str, dfc: str | None, qip: str | None
) -> Worked:
    tables = gather(record(1, number))
    of_dfc, of_qip = yield read(tables), read(tables, "qip")
    assert of_dfc[1]["provider_number"] == dfc
    assert of_qip[1]["provider_number"] == qip
    if qip is None:
        assert of_qip[1]["reason"] == "ccn_not_valid"


@worked
def test_a_missing_number_is_named() -> Worked:
    tables = gather(record(1, None))
    dfc, qip = yield read(tables), read(tables, "qip")
    assert dfc[1]["reason"] == "ccn_missing"
    assert qip[1]["reason"] == "ccn_missing"


@pytest.mark.manual("3.3.2")
@pytest.mark.parametrize(
    ("number", "facility_type"),
    [
        ("142500", "freestanding"),
        ("142899", "freestanding"),
        ("142901", "freestanding"),
        ("142301", "hospital based"),
        ("142401", "hospital based"),
        ("143501", "hospital satellite"),
        ("143601", "hospital satellite"),
        ("143701", "hospital satellite"),
        ("140001", "hospital"),
        ("140899", "hospital"),
        ("141301", "hospital"),
        ("142001", "hospital"),
        ("142299", "hospital"),
        ("143301", "hospital"),
        ("140901", "other"),
        ("143001", "other"),
        ("143801", "other"),
    ],
)
@worked
def test_the_middle_digits_say_the_type(number: str, facility_type: str) -> Worked:
    records = yield read(gather(record(1, number)))
    assert records[1]["facility_type"] == facility_type


@pytest.mark.parametrize("program", ["dfc", "qip"])
@worked
def test_the_dialysis_number_stands_first_either_way_round(program: str) -> Worked:
    tables = gather(
        record(1, "142301", "140001"),
        record(2, "140002", "142302"),
        record(3, None, "142303"),
        record(4, "14", "142304"),
        record(5, "142505", "142506"),
        record(6, "142507", "142507"),
    )
    rows = yield numbers(tables, program)
    assert rows == {
        1: ("142301", "140001", "as printed"),
        2: ("142302", "140002", "numbers turned round"),
        3: ("142303", None, "alternate number in place of none"),
        4: ("142304", None, "alternate number in place of none"),
        5: ("142505", "142506", "as printed"),
        6: ("142507", None, "as printed"),
    }


@pytest.mark.manual("3.3.4", "3.3.6.3")
@worked
def test_a_dialysis_number_is_taken_from_casper_if_name_and_address_are_the_same() -> Worked:
    alone = record(1, "140001")
    tables = gather(alone, pos=[casper("142301", alone, related_provider_number="140001")])
    rows = yield numbers(tables)
    assert rows[1] == ("142301", "140001", "dialysis number found in CASPER")


@worked
def test_casper_may_print_the_dialysis_number_with_the_hospital() -> Worked:
    alone = record(1, "140001")
    hospital = casper("140001", related_provider_number="142301")
    tables = gather(alone, pos=[hospital, casper("142301", alone)])
    rows = yield numbers(tables)
    assert rows[1] == ("142301", "140001", "dialysis number found in CASPER")


@worked
def test_another_name_in_casper_is_for_manual_review() -> Worked:
    alone = record(1, "140001")
    other = casper("142301", alone, related_provider_number="140001", fac_name="Elsewhere")
    rows = yield numbers(gather(alone, pos=[other]))
    assert rows[1] == (
        "140001",
        None,
        "hospital number: for manual review with CASPER",
    )


@worked
def test_two_dialysis_numbers_in_casper_are_for_manual_review() -> Worked:
    alone = record(1, "140001")
    pos = [casper(f"14230{n}", alone, related_provider_number="140001") for n in (1, 2)]
    rows = yield numbers(gather(alone, pos=pos))
    assert rows[1] == (
        "140001",
        None,
        "hospital number: for manual review with CASPER",
    )


@worked
def test_a_dialysis_number_that_eqrs_has_elsewhere_is_not_taken() -> Worked:
    alone = record(1, "140001")
    tables = gather(
        alone,
        record(2, "142301"),
        pos=[casper("142301", alone, related_provider_number="140001")],
    )
    rows = yield numbers(tables)
    assert rows[1] == ("140001", None, "as printed")


@pytest.mark.manual("3.3.4", "3.3.6.1")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"provtype": "OTHER"}, None),
        ({"provtype": "Pending Cert"}, None),
        ({"factype": "Transplant"}, "facility_type_not_dialysis"),
        ({"factype": None}, "facility_type_not_dialysis"),
        ({"provtype": "STATE"}, "provider_type_not_medicare_other_or_pending"),
        ({"provnum": "14250F"}, "veterans_affairs"),
        ({"provnum": "143001"}, "ccn_middle_digits_not_dialysis"),
        ({"dateclosed": day("2024-06-30")}, "closed"),
        ({"dateclosed": day("2025-01-31")}, "closed"),
        ({"provtype": None}, "provider_type_missing_for_helpdesk"),
        ({"certdate": None}, "certification_date_missing_for_helpdesk"),
        (
            {"provtype": None, "certdate": None},
            "provider_type_and_certification_date_missing",
        ),
    ],
)
@worked
def test_dfc_lists_active_facilities(change: dict[str, object], reason: str | None) -> Worked:
    records = yield read(gather({**record(1, "142500"), **change}))
    row = records[1]
    assert row["reason"] == reason
    assert row["is_listed"] == (reason is None)


@pytest.mark.manual("3.3.10")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"provtype": "Medicare", "factype": "DIALYSIS"}, None),
        ({"provnum": None}, "ccn_missing"),
        ({"dateclosed": day("2024-06-30")}, "closed_at_year_end"),
        ({"dateclosed": LAST_DAY}, "closed_at_year_end"),
        ({"dateclosed": day("2025-01-01")}, None),
        ({"certdate": LAST_DAY}, None),
        ({"certdate": day("2025-01-01")}, "certified_after_year_end"),
        ({"certdate": None}, "certification_date_missing"),
        ({"provnum": "14A500"}, "ccn_not_valid"),
        ({"provtype": "PENDING CERT"}, "provider_type_not_medicare"),
        ({"provtype": None}, "provider_type_not_medicare"),
        ({"factype": "Transplant"}, "facility_type_not_dialysis"),
    ],
)
@worked
def test_qip_has_six_rules_of_eligibility(change: dict[str, object], reason: str | None) -> Worked:
    records = yield read(gather({**record(1, "142500"), **change}), "qip")
    assert records[1]["reason"] == reason


@pytest.mark.manual("3.3.10")
@worked
def test_qip_takes_a_facility_as_it_was_on_the_last_day() -> Worked:
    tables = gather(
        record(1, "142600", certdate=day("2025-01-15")),
        log=[
            logged(1, "2012-05-01", "142500"),
            logged(1, "2025-01-15", "142600", "change of ownership", "Northstar"),
        ],
    )
    dfc, qip = yield read(tables), read(tables, "qip")
    assert dfc[1]["provider_number"] == "142600"
    row = qip[1]
    assert (row["provider_number"], row["reason"]) == ("142500", None)
    assert row["certification_date"] == day("2012-05-01")


@pytest.mark.manual("3.3.10", "3.3.11", "3.5")
@pytest.mark.parametrize(
    ("number", "change", "certified"),
    [
        ("142500", "change of ownership", "2012-05-01"),
        ("142501", "correction", "2012-05-01"),
        ("142501", "change of ownership", "2024-10-01"),
        ("142501", "change of ccn", "2024-10-01"),
    ],
    ids=["sold", "corrected", "sold with a new number", "renumbered"],
)
@worked
def test_the_number_of_the_last_day_is_certified_on_its_own_first_day(
    number: str, change: str, certified: str
) -> Worked:
    tables = gather(
        record(1, "142600", certdate=day("2025-01-15")),
        log=[
            logged(1, "2012-05-01", "142500"),
            logged(1, "2024-10-01", number, change, "Lakeshore"),
            logged(1, "2025-01-15", "142600", "change of ownership", "Northstar"),
        ],
    )
    records = yield read(tables, "qip")
    row = records[1]
    assert (row["provider_number"], row["certification_date"]) == (number, day(certified))


@worked
def test_one_record_describes_a_number_that_several_share() -> Worked:
    tables = gather(
        record(1, "142500", factype="Transplant", certdate=day("1990-01-01")),
        record(2, "142500", certdate=day("2012-01-01")),
        record(3, "142500", certdate=day("2010-01-01")),
        record(4, "142500", certdate=day("2008-01-01"), dateclosed=day("2020-01-01")),
    )
    records = yield read(tables)
    assert [facilityid for facilityid, row in records.items() if row["is_primary"]] == [3]
