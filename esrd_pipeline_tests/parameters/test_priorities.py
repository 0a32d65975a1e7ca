"""The priorities: every indicator serves one, and every measure as the register knows it."""

from esrd_pipeline.parameters.priorities import load_indicators, load_services
from esrd_pipeline.parameters.register import find_measure
from esrd_pipeline.parameters.rows import load_rows
from esrd_pipeline.tables.network import PRIORITIES, UNITS

YEAR = 2025


def test_the_four_priorities_of_the_specification_are_served() -> None:
    assert {service.priority for service in load_services()} == set(PRIORITIES)


def test_every_indicator_serves_one_priority() -> None:
    served = [service.name for service in load_services() if service.kind == "indicator"]
    assert sorted(served) == sorted(indicator.name for indicator in load_indicators())


def test_every_measure_is_in_the_register_with_its_better_side_and_serves_once() -> None:
    measures = [service for service in load_services() if service.kind == "measure"]
    for service in measures:
        entry = find_measure(service.name, service.program, YEAR)
        assert service.direction == entry.direction, service
    assert len({(service.program, service.name) for service in measures}) == len(measures)


def test_a_facility_is_judged_on_an_indicator_of_eleven_patients() -> None:
    """Eleven patients have 132 months in a year, and 33 in the first 90 days of ESRD."""
    assert {row["of_year"] for row in load_rows("network_indicator")} == {"sum", "last"}
    least = {i.name: (i.least_units, i.denominator_unit) for i in load_indicators()}
    assert least["admission"] == (132, "patient-months")
    assert least["home_start_incident"] == (33, "patient-months")
    assert least["depression_screened"] == (11, "patients")
    assert {indicator.unit for indicator in load_indicators()} == set(UNITS)


def test_finding_a_need_is_neither_good_nor_bad() -> None:
    undirected = [service.name for service in load_services() if service.direction is None]
    assert undirected == ["social_need_found"]
