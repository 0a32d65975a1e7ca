"""Status as known at a time, room, and who is sent where: small cases by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from esrd_pipeline.emergency.area import AreaError, find_area
from esrd_pipeline.emergency.capacity import find_capacity
from esrd_pipeline.emergency.page import add_shown, show_count
from esrd_pipeline.emergency.placement import Places, measure_kilometres, place_displaced
from esrd_pipeline.emergency.status import find_status

DAY = date(2024, 9, 27)
NONE = pd.DataFrame(columns=["ccn", "status", "from_at", "reported_at", "cause"])


def reports(*rows: tuple[str, str | None, str, str]) -> pd.DataFrame:
    """Reports of one facility: from, to, status, reported; days of September at noon."""
    named = [
        {
            "ccn": "A",
            "from_at": f"2024-09-{begin}T12:00Z",
            "to_at": None if end is None else f"2024-09-{end}T12:00Z",
            "status": status,
            "cause": "flood",
            "reported_at": f"2024-09-{reported}T12:00Z",
        }
        for begin, end, status, reported in rows
    ]
    return pd.DataFrame(named)


@pytest.mark.parametrize(
    ("rows", "at", "status"),
    [
        ([("26", None, "closed", "26")], "25", None),
        ([("26", None, "closed", "26")], "27", "closed"),
        # Reported on the 27th only: on the 26th nobody knew.
        ([("26", None, "closed", "27")], "26", None),
        # The later report of the same beginning corrects the first.
        ([("26", None, "closed", "26"), ("26", None, "altered", "27")], "26", "closed"),
        ([("26", None, "closed", "26"), ("26", None, "altered", "27")], "28", "altered"),
        # The later beginning holds, though it was reported first.
        ([("28", None, "open", "25"), ("26", None, "closed", "26")], "27", "closed"),
        ([("28", None, "open", "25"), ("26", None, "closed", "26")], "29", "open"),
        # What has ended is open again.
        ([("26", "28", "closed", "26")], "27", "closed"),
        ([("26", "28", "closed", "26")], "28", "open"),
    ],
)
def test_a_status_is_what_was_known_at_the_time(
    rows: list[tuple[str, str | None, str, str]], at: str, status: str | None
) -> None:
    found = find_status(reports(*rows), f"2024-09-{at}T12:00Z")
    assert list(found["status"]) == ([] if status is None else [status])


def facilities(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Facilities: CCN, ZIP code of Florida, chain, county; ten stations each."""
    return pd.DataFrame(
        [
            {
                "ccn": ccn,
                "zip_code": zip_code,
                "state": "FL",
                "network": 7,
                "chain_organization": chain,
                "county": county,
                "station_count": 10,
                "has_in_center_hemodialysis": True,
                "has_peritoneal_dialysis": True,
                "has_home_hemodialysis_training": False,
            }
            for ccn, zip_code, chain, county in rows
        ]
    )


def needs(**patients: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"ccn": ccn, "modality": "in-center hemodialysis", "patients": count}
            for ccn, count in patients.items()
        ]
    )


def assets(*rows: tuple[str, int, int, int, str | None, date | None]) -> pd.DataFrame:
    columns = ["ccn", "asset_year", "stations", "shifts", "backup_ccn", "backup_until"]
    return pd.DataFrame(list(rows), columns=columns)


# Gainesville three times, Ocala (50 km), Miami (480 km).
FIVE = facilities(
    ("A", "32601", "One", "Alachua"),
    ("B", "32605", "Two", "Alachua"),
    ("C", "34471", "One", "Marion"),
    ("D", "32608", "Three", "Alachua"),
    ("E", "33101", "One", "Miami-Dade"),
)
CLOSED = pd.DataFrame(
    [{"ccn": "A", "status": "closed", "from_at": "x", "reported_at": "x", "cause": "flood"}]
)


def test_room_is_stations_times_shifts_times_two_less_own_patients() -> None:
    statuses = pd.DataFrame(
        [
            {"ccn": "A", "status": "closed", "from_at": "x", "reported_at": "x", "cause": None},
            {"ccn": "B", "status": "altered", "from_at": "x", "reported_at": "x", "cause": None},
        ]
    )
    table = find_capacity(
        day=DAY,
        directory=FIVE,
        assets=assets(
            ("C", 2023, 99, 3, None, None),
            ("C", 2024, 12, 3, None, None),
            ("C", 2025, 1, 1, None, None),
            ("D", 2024, 5, 2, None, None),
        ),
        needs=needs(A=30, B=3, C=50, D=25),
        statuses=statuses,
    ).set_index("ccn")
    # C: 12 x 3 x 2 - 50, the row of 2024. D: 5 x 2 x 2 is fewer than its 25. E: 10 x 2 x 2.
    assert table["room"].to_dict() == {"A": 0, "B": 0, "C": 22, "D": 0, "E": 40}
    assert table.loc["E", "room_source"] == "directory and assumed shifts"
    assert table["is_reported"].to_dict() == dict(
        zip("ABCDE", [True, True, *[False] * 3], strict=True)
    )


def place(patients: int, kilometres: float, known: pd.DataFrame) -> dict[str, int]:
    """Close A with so many patients, each other facility with room for ten; who goes where."""
    need = needs(A=patients, B=30, C=30, D=30, E=30)
    capacity = find_capacity(day=DAY, directory=FIVE, assets=assets(), needs=need, statuses=CLOSED)
    at = pd.DataFrame(
        [(29.65, -82.32), (29.68, -82.37), (29.16, -82.13), (29.61, -82.38), (25.78, -80.2)],
        index=list("ABCDE"),
        columns=["latitude", "longitude"],
    )
    found = place_displaced(
        Places(DAY, FIVE, known, need, capacity, at), frozenset("A"), kilometres=kilometres
    )
    return dict(zip(found["to_ccn"], found["patients"], strict=True))


def test_the_chain_goes_before_a_nearer_stranger_and_an_agreement_before_both() -> None:
    nobody = assets()
    assert place(8, 100, nobody) == {"C": 8}
    assert place(15, 100, nobody) == {"C": 10, "B": 5}
    agreed = assets(("A", 2024, 1, 1, "D", date(2024, 12, 31)))
    assert place(15, 100, agreed) == {"D": 10, "C": 5}
    ended = assets(("A", 2024, 1, 1, "D", date(2024, 9, 26)))
    assert place(8, 100, ended) == {"C": 8}


def test_distance_limits_who_is_placed() -> None:
    assert place(50, 100, assets()) == {"B": 10, "C": 10, "D": 10, "none": 20}
    assert place(50, 1000, assets()) == {"B": 10, "C": 10, "D": 10, "E": 10, "none": 10}
    assert place(50, 30, assets()) == {"B": 10, "D": 10, "none": 30}


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    far = measure_kilometres(np.array([0.0, 0.0]), np.array([[1.0, 0.0], [0.0, 90.0]]))
    assert far == pytest.approx([111.19, 10007.5], abs=0.1)


def test_an_area_is_a_state_a_network_a_disaster_or_what_is_reported() -> None:
    declared = pd.DataFrame(
        {
            "disaster_number": [4828, 4828],
            "declaration_title": ["HURRICANE HELENE"] * 2,
            "state": ["FL", "GA"],
            "fips_county_code": ["001", "000"],
            "designated_area": ["Alachua (County)", "Statewide"],
        }
    )
    cases = {"fl": "ABCDE", "N7": "ABCDE", "DR4828": "ABD", "US": "ABCDE", "REPORTED": "ABCDE"}
    for area, expected in cases.items():
        assert find_area(area, FIVE, declared, CLOSED)[1] == frozenset(expected), area
    assert find_area("DR4828", FIVE, declared, NONE)[0] == "Hurricane Helene (disaster 4828)"
    for area in ("GA", "N8", "DR1", "REPORTED"):
        with pytest.raises(AreaError, match=area):
            find_area(area, FIVE, declared, NONE)


def test_a_sum_tells_no_count_of_few() -> None:
    assert [show_count(count) for count in (0, 1, 10, 11)] == ["0", "1 to 10", "1 to 10", "11"]
    assert add_shown([0, 1, 10, 11, 20]) == (31, 2)
