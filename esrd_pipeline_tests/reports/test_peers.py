"""Peers: of the same kind, nearest in size, in a total order."""

import numpy as np
import pandas as pd

from esrd_pipeline.reports.peers import find_peers
from esrd_pipeline.tables.network import PEER

YEAR = 2025


def directory(*rows: tuple[str, str | None, float, bool | None]) -> pd.DataFrame:
    """Rows of ccn, chain, stations and whether it treats in center."""
    columns = ["ccn", "chain_organization", "station_count", "has_in_center_hemodialysis"]
    return pd.DataFrame(rows, columns=columns)


def sizes(patients: dict[str, float]) -> pd.DataFrame:
    columns = ["ccn", "program", "measure", "unit_count", "unit"]
    rows = [(ccn, "dfc", "pppw", count, "patients") for ccn, count in patients.items()]
    return pd.DataFrame(rows, columns=columns)


def find(places: pd.DataFrame, patients: dict[str, float] | None = None) -> dict[str, list[str]]:
    frame = find_peers(performance_year=YEAR, directory=places, contract=sizes(patients or {}))
    assert list(frame.columns) == PEER.column_names
    return {str(ccn): list(rows["peer_ccn"]) for ccn, rows in frame.groupby("ccn")}


def test_the_nearest_five_come_in_the_order_of_their_distance() -> None:
    """Of two as far away the one nearer in the order of sizes, then the smaller one."""
    stations = {"A": 10, "B": 12, "C": 15, "D": 16, "E": 18, "F": 30, "G": 31}
    peers = find(directory(*((ccn, "North", count, True) for ccn, count in stations.items())))
    assert peers["C"] == ["D", "B", "E", "A", "F"]
    assert peers["A"] == ["B", "C", "D", "E", "F"]
    assert peers["G"] == ["F", "E", "D", "C", "B"]


def test_equal_sizes_are_ordered_by_ccn() -> None:
    peers = find(directory(*((ccn, None, 12, None) for ccn in "GFEDCBA")))
    assert peers["D"] == ["C", "E", "B", "F", "A"]


def test_chains_and_home_programs_are_compared_among_themselves() -> None:
    peers = find(
        directory(
            ("A", "North", 10, True),
            ("B", "South", 20, True),
            ("C", "INDEPENDENT", 10, True),
            ("D", "Independent", 11, True),
            ("E", "North", 10, False),
            ("F", None, 10, True),
        )
    )
    assert peers == {"A": ["B"], "B": ["A"], "C": ["D"], "D": ["C"]}


def test_patients_are_the_size_where_they_are_known_and_stations_elsewhere() -> None:
    places = directory(
        ("A", None, 10, None), ("B", None, 11, None), ("C", None, 10, None), ("D", None, 40, None)
    )
    frame = find_peers(
        performance_year=YEAR, directory=places, contract=sizes({"A": 50, "D": 55, "B": np.nan})
    )
    found = frame[["ccn", "peer_ccn", "size", "size_unit"]].to_numpy(object).tolist()
    assert [tuple(row) for row in found] == [
        ("A", "D", 50, "patients"),
        ("B", "C", 11, "stations"),
        ("C", "B", 10, "stations"),
        ("D", "A", 55, "patients"),
    ]


def test_a_directory_without_sizes_has_no_peers() -> None:
    """As in a year of the Complete QIP file alone."""
    assert find(directory(("A", None, np.nan, None), ("B", None, np.nan, None))) == {}


def test_the_order_of_rows_makes_no_difference() -> None:
    generator = np.random.default_rng(21)
    places = directory(
        *(
            (f"{n:03d}", str(generator.choice(["North", "Independent"])), n % 7, bool(n % 3))
            for n in range(200)
        )
    )
    assert find(places) == find(places.sample(frac=1, random_state=4))


def test_peers_of_a_nation_are_those_of_a_plain_search() -> None:
    generator = np.random.default_rng(22)
    stations = {f"{n:03d}": int(generator.integers(5, 40)) for n in range(120)}
    peers = find(directory(*((ccn, "North", count, True) for ccn, count in stations.items())))
    for ccn, found in peers.items():
        away = sorted(abs(stations[other] - stations[ccn]) for other in stations if other != ccn)
        assert [abs(stations[other] - stations[ccn]) for other in found] == away[:5]
