"""The facilities of both programs' lists with their EQRS description."""

import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

LISTED: Row = {
    "program": "dfc",
    "ccn": "012501",
    "facility_name": "CLEARWATER DIALYSIS",
    "network": 8,
    "state": "AL",
    "dialysis_organization": "Independent",
    "certification_date": day("2008-06-07"),
    "is_eligible": True,
}
NUMBER: Row = {
    "program": "dfc",
    "facilityid": 1,
    "start_date": day("2008-06-07"),
    "ccn": "012501",
}


FIRST: Row = {
    "facilityid": 1,
    "city": "CLEARWATER",
    "station_count": 8,
    "is_profit": True,
    "factype": "Dialysis",
}
SECOND: Row = {
    **FIRST,
    "facilityid": 2,
    "city": "FAIRVIEW",
    "station_count": 20,
    "is_profit": False,
}
BOTH: list[Row] = [NUMBER, {**NUMBER, "facilityid": 2}]


def register(
    *listed: Row,
    numbers: list[Row] | None = None,
    services: tuple[str, ...] = (),
    others: tuple[str, ...] = (),
    facilities: tuple[Row, ...] = (FIRST, SECOND),
) -> Case:
    """The directory; the first facility offers `services`, the second `others`."""
    offered = [(1, name) for name in services] + [(2, name) for name in others]
    return case(
        "facility.registered",
        tables={
            "linkage.facility": list(listed),
            "linkage.facility_ccn": numbers or [NUMBER],
            "raw.eqrs_facility": list(facilities),
            "raw.eqrs_facility_service": [
                {"facilityid": facilityid, "service": name} for facilityid, name in offered
            ],
        },
        alone=True,
    )


@worked
def test_a_number_on_both_lists_is_one_row_of_both_programs() -> Worked:
    rows = yield register(LISTED, {**LISTED, "program": "qip"})
    (row,) = rows.to_dict("records")
    assert (row["is_dfc"], row["is_qip"], row["city"]) == (True, True, "CLEARWATER")


@worked
def test_a_program_that_leaves_the_facility_out_does_not_list_it() -> Worked:
    out = {**LISTED, "program": "qip", "is_eligible": False, "reason": "closed"}
    first, second = yield register(LISTED, out), register(out)
    (row,) = first.to_dict("records")
    assert (row["is_dfc"], row["is_qip"]) == (True, False)
    assert second.empty


@pytest.mark.manual("3.3.6.2")
@worked
def test_services_say_what_a_facility_offers() -> Worked:
    rows = yield register(LISTED, services=("CCPD", "Home Hemodialysis Training"))
    (row,) = rows.to_dict("records")
    assert not row["has_in_center_hemodialysis"]
    assert row["has_peritoneal_dialysis"]
    assert row["has_home_hemodialysis_training"]


@worked
def test_the_bearer_of_a_number_is_the_latest_before_the_years_end() -> Worked:
    later = {**NUMBER, "facilityid": 2, "start_date": day("2024-07-01")}
    after = {**later, "start_date": day("2025-01-01")}
    first, second = yield (
        register(LISTED, numbers=[NUMBER, later]),
        register(LISTED, numbers=[NUMBER, after]),
    )
    (row,) = first.to_dict("records")
    assert row["city"] == "FAIRVIEW"
    (row,) = second.to_dict("records")
    assert row["city"] == "CLEARWATER"


@worked
def test_of_two_that_share_a_number_the_one_with_more_stations_is_described() -> Worked:
    rows = yield register(LISTED, numbers=BOTH)
    (row,) = rows.to_dict("records")
    assert row["station_count"] == 20


@pytest.mark.manual("3.3.8")
@worked
def test_name_owner_and_place_are_those_of_one_unit() -> Worked:
    """The list names the first; the second has more stations, and a place of its own."""
    named = {"facility_name": "FAIRVIEW HOME", "dialysis_organization": "Northstar"}
    first, second = yield (
        register(LISTED, numbers=BOTH, facilities=(FIRST, {**SECOND, **named})),
        register(LISTED, numbers=BOTH),
    )
    shown = ["facility_name", "chain_organization", "city", "is_profit"]
    assert first[shown].to_numpy().tolist() == [["FAIRVIEW HOME", "Northstar", "FAIRVIEW", False]]
    # The directory does not name the unit: the list's name is the only one.
    assert second[shown[:2]].to_numpy().tolist() == [["CLEARWATER DIALYSIS", "Independent"]]


@pytest.mark.manual("3.3.8", "2.17.6", "2.18.6")
@pytest.mark.parametrize(
    ("center", "home", "in_center", "peritoneal"),
    [
        (("In-Center Hemodialysis",), ("CAPD", "CCPD"), True, True),
        (("Home Hemodialysis Training",), ("CAPD",), False, True),
        # Nothing is known of the second unit: it may offer what the first does not.
        (("CAPD",), (), None, True),
    ],
)
@worked
def test_a_number_offers_what_any_of_its_units_offers(
    center: tuple[str, ...],
    home: tuple[str, ...],
    in_center: object,
    peritoneal: object,
) -> Worked:
    rows = yield register(LISTED, numbers=BOTH, services=center, others=home)
    (row,) = rows.to_dict("records")
    offers = row["has_in_center_hemodialysis"]
    assert (None if offers is None else bool(offers)) is in_center
    assert bool(row["has_peritoneal_dialysis"]) is peritoneal


@pytest.mark.manual("3.3.8", "3.3.9")
@pytest.mark.parametrize(
    ("number", "facility"),
    [
        ({}, {"dateclosed": day("2024-12-31")}),
        ({}, {"factype": "Transplant"}),
        ({"end_date": day("2024-12-30")}, {}),
    ],
    ids=["closed", "no dialysis", "number given up"],
)
@worked
def test_a_unit_that_is_not_there_any_more_describes_no_open_one(
    number: Row, facility: Row
) -> Worked:
    rows = yield register(
        LISTED,
        numbers=[NUMBER, {**NUMBER, "facilityid": 2, "start_date": day("2015-01-01"), **number}],
        facilities=(FIRST, {**SECOND, **facility}),
        services=("CAPD",),
        others=("In-Center Hemodialysis",),
    )
    (row,) = rows.to_dict("records")
    assert row["city"] == "CLEARWATER"
    assert not row["has_in_center_hemodialysis"]


@pytest.mark.manual("3.3.11", "3.5")
@worked
def test_the_qip_s_certification_date_counts_where_its_number_is_new() -> Worked:
    """A number replaced without a sale is a new facility in the QIP alone."""
    new = {**LISTED, "program": "qip", "certification_date": day("2024-03-01")}
    first, second = yield register(LISTED, new), register(LISTED, {**new, "is_eligible": False})
    (row,) = first.to_dict("records")
    assert row["certification_date"] == day("2024-03-01")
    (row,) = second.to_dict("records")
    assert row["certification_date"] == day("2008-06-07")
