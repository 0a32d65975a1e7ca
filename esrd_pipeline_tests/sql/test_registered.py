"""The facilities of both programs' lists with their EQRS description."""

import pytest

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

LISTED = {
    "program": "dfc",
    "ccn": "012501",
    "facility_name": "CLEARWATER DIALYSIS",
    "network": 8,
    "state": "AL",
    "dialysis_organization": "Independent",
    "certification_date": day("2008-06-07"),
    "is_eligible": True,
}
NUMBER = {
    "program": "dfc",
    "facilityid": 1,
    "start_date": day("2008-06-07"),
    "ccn": "012501",
}


def register(
    *listed: Row, numbers: list[Row] | None = None, services: tuple[str, ...] = ()
) -> Case:
    facilities = [
        {"facilityid": 1, "city": "CLEARWATER", "station_count": 8, "is_profit": True},
        {"facilityid": 2, "city": "FAIRVIEW", "station_count": 20, "is_profit": False},
    ]
    return case(
        "facility.registered",
        tables={
            "linkage.facility": list(listed),
            "linkage.facility_ccn": numbers or [NUMBER],
            "raw.eqrs_facility": facilities,
            "raw.eqrs_facility_service": [{"facilityid": 1, "service": name} for name in services],
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
    both = [NUMBER, {**NUMBER, "facilityid": 2}]
    rows = yield register(LISTED, numbers=both)
    (row,) = rows.to_dict("records")
    assert row["station_count"] == 20
