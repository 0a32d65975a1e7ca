"""A reader who subtracts learns no count of one to ten patients."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from esrd_pipeline.reports.suppression import (
    FEW,
    FEW_OR_BESIDE,
    MARKER,
    describe_hidden,
    suppress,
)
from esrd_pipeline.tables.catalog import TABLES
from esrd_pipeline.tables.measured import CONTRACT
from esrd_pipeline.tables.model import Column, RowTotal, Table, Total
from esrd_pipeline.tables.program import FLAGS
from esrd_pipeline.tables.report import EVENT_ACCOUNT

Key = tuple[str, ...]
Sum = tuple[Key, list[Key]]
"""A total and its parts."""

_COUNTS = (
    Column("patients", "integer", "Patients", counts="patients"),
    Column(
        "met",
        "integer",
        "Of them, who met it",
        counts="patients",
        out_of="patients",
        suppressed_with=("patients",),
    ),
    Column("share", "number", "Share", suppressed_with=("patients", "met")),
)
STRATA = Table(
    name="report.strata",
    grain="one stratum",
    source="a test",
    key=("ccn", "kind", "stratum"),
    columns=(
        Column("ccn", "text", "Facility"),
        Column("kind", "text", "What is told apart"),
        Column("stratum", "text", "Stratum"),
        *_COUNTS,
    ),
    totals=(Total(over=("stratum",), row={"kind": "all", "stratum": "all"}),),
)


def _up(level: str, of: str) -> Total:
    return Total(
        over=("level", "place"),
        among={"level": of},
        row={"level": level},
        place={"place": "network" if level == "network" else "state"},
    )


PLACES = Table(
    name="report.places",
    grain="one place",
    source="a test",
    key=("level", "place"),
    columns=(Column("level", "text", "Level"), Column("place", "text", "Place"), *_COUNTS),
    totals=(
        _up("network", "facility"),
        _up("state", "facility"),
        Total(
            over=("level", "place"),
            among={"level": "network"},
            row={"level": "nation", "place": "US"},
        ),
        Total(
            over=("level", "place"),
            among={"level": "state"},
            row={"level": "nation", "place": "US"},
        ),
    ),
)


def find_given(shown: Mapping[Key, float | None], sums: Sequence[Sum]) -> dict[Key, float]:
    """The hidden counts that a reader can compute, who knows that they are 1 or more."""
    hidden = [key for key, value in shown.items() if value is None]
    at = {key: position for position, key in enumerate(hidden)}
    matrix = np.zeros((len(sums), len(hidden)))
    known = np.zeros(len(sums))
    for row, (total, parts) in enumerate(sums):
        for sign, key in ((-1.0, total), *((1.0, part) for part in parts)):
            value = shown[key]
            if value is None:
                matrix[row, at[key]] += sign
            else:
                known[row] -= sign * value
    given = {}
    for key, position in at.items():
        objective = np.zeros(len(hidden))
        objective[position] = 1.0
        ends = [
            linprog(sign * objective, A_eq=matrix, b_eq=known, bounds=(1, None)) for sign in (1, -1)
        ]
        assert ends[0].status == 0
        if ends[1].status == 0 and ends[1].x[position] - ends[0].x[position] < 1 - 1e-6:
            given[key] = round(float(ends[0].x[position]))
    return given


def read_cells(frame: pd.DataFrame, key: Sequence[str], column: str) -> dict[Key, float | None]:
    return {
        tuple(str(part) for part in row[:-1]): None if pd.isna(row[-1]) else float(row[-1])
        for row in frame[[*key, column]].itertuples(index=False)
    }


def hide_small_alone(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame.assign(**{column: frame[column].mask(frame[column].between(1, 10))})


def make_strata(*counts: tuple[str, str, int], ccn: str = "012501") -> pd.DataFrame:
    rows = pd.DataFrame(counts, columns=["kind", "stratum", "patients"]).assign(ccn=ccn)
    return rows.assign(met=rows["patients"], share=1.0)


def sum_strata(frame: pd.DataFrame) -> list[Sum]:
    kinds = frame[frame["kind"] != "all"].groupby(["ccn", "kind"])["stratum"]
    return [
        ((ccn, "all", "all"), [(ccn, kind, stratum) for stratum in strata])
        for (ccn, kind), strata in kinds
    ]


AGES = make_strata(
    ("all", "all", 100), ("age", "0-17", 3), ("age", "18-64", 57), ("age", "65-", 40)
)


def test_one_small_stratum_can_be_computed_until_the_next_smallest_is_hidden_too() -> None:
    alone = read_cells(hide_small_alone(AGES, "patients"), STRATA.key, "patients")
    assert find_given(alone, sum_strata(AGES)) == {("012501", "age", "0-17"): 3}
    shown = suppress(STRATA, AGES)
    assert find_given(read_cells(shown, STRATA.key, "patients"), sum_strata(AGES)) == {}
    hidden = shown.loc[shown["patients"].isna(), "stratum"]
    assert list(hidden) == ["0-17", "65-"]
    assert shown.loc[shown["stratum"] == "0-17", MARKER].item() == "patients met share"
    assert pd.isna(shown.loc[shown["stratum"] == "18-64", MARKER].item())


def test_two_small_strata_whose_sum_is_small_need_a_third() -> None:
    rows = make_strata(
        ("all", "all", 100), ("age", "0-17", 1), ("age", "18-64", 1), ("age", "65-", 98)
    )
    alone = read_cells(hide_small_alone(rows, "patients"), STRATA.key, "patients")
    assert len(find_given(alone, sum_strata(rows))) == 2
    shown = suppress(STRATA, rows)
    assert shown["patients"].isna().tolist() == [False, True, True, True]


def test_those_who_are_left_over_are_counted_too() -> None:
    rows = AGES.assign(patients=[200, 40, 60, 100], met=[150, 30, 55, 65])
    shown = suppress(STRATA, rows)
    # 5 of the 60 did not meet it; the next smallest of the others protects them.
    assert shown["met"].isna().tolist() == [False, True, True, False]
    assert find_given(read_cells(shown, STRATA.key, "met"), sum_strata(rows)) == {}
    assert shown["patients"].notna().all()
    assert shown["share"].isna().tolist() == [False, True, True, False]


def test_nothing_is_hidden_where_nothing_is_small_and_zero_is_no_patient() -> None:
    rows = make_strata(("all", "all", 80), ("age", "0-17", 0), ("age", "18-64", 80))
    shown = suppress(STRATA, rows)
    pd.testing.assert_frame_equal(shown.drop(columns=MARKER), rows)
    assert shown[MARKER].isna().all()


def test_the_only_stratum_of_a_small_total_hides_with_it() -> None:
    rows = make_strata(("all", "all", 8), ("age", "0-17", 0), ("age", "18-64", 8))
    assert suppress(STRATA, rows)["patients"].isna().tolist() == [True, False, True]


def make_places(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, list[Sum]]:
    """Facilities of three Networks and four states, and their sums."""
    rng = np.random.default_rng(seed)
    count = 24
    places = pd.DataFrame(
        {
            "ccn": [f"{n:06d}" for n in range(count)],
            "network": rng.integers(1, 4, count).astype(float),
            "state": rng.choice(["TX", "OH", "GU", "AS"], count, p=[0.5, 0.3, 0.1, 0.1]),
        }
    )
    patients = pd.Series(rng.poisson(rng.choice([2, 14, 60], count)), places["ccn"])
    rows = [("facility", ccn, number) for ccn, number in patients.items()]
    sums: list[Sum] = []
    for level in ("network", "state"):
        names = places[level].map("{:.0f}".format if level == "network" else str)
        for name, ccns in places["ccn"].groupby(names):
            rows.append((level, name, patients[list(ccns)].sum()))
            sums.append(((level, name), [("facility", ccn) for ccn in ccns]))
        sums.append((("nation", "US"), [(level, name) for name in sorted(set(names))]))
    rows.append(("nation", "US", patients.sum()))
    frame = pd.DataFrame(rows, columns=["level", "place", "patients"])
    return frame.assign(met=0, share=0.0), places, sums


@pytest.mark.parametrize("seed", range(12))
def test_no_facility_can_be_computed_from_its_network_its_state_and_the_nation(seed: int) -> None:
    frame, places, sums = make_places(seed)
    shown = suppress(PLACES, frame, places=places)
    assert not shown["patients"].between(1, 10).any()
    assert find_given(read_cells(shown, PLACES.key, "patients"), sums) == {}
    assert shown["patients"].notna().sum() > 5


def test_small_counts_hidden_alone_can_be_computed_from_the_levels_above() -> None:
    found = 0
    for seed in range(12):
        frame, _, sums = make_places(seed)
        alone = read_cells(hide_small_alone(frame, "patients"), PLACES.key, "patients")
        given = find_given(alone, sums)
        true = read_cells(frame, PLACES.key, "patients")
        assert all(true[key] == value for key, value in given.items())
        found += len(given)
    assert found >= 12


def test_what_is_hidden_does_not_depend_on_the_order_of_the_rows() -> None:
    frame, places, _ = make_places(3)
    shuffled = frame.sample(frac=1, random_state=5)
    shown = suppress(PLACES, shuffled, places=places).sort_index()
    pd.testing.assert_frame_equal(shown, suppress(PLACES, frame, places=places))


def test_a_place_without_its_directory_is_an_error() -> None:
    frame, _, _ = make_places(3)
    with pytest.raises(LookupError, match="network is of the directory"):
        suppress(PLACES, frame)


MODALITIES = Table(
    name="report.modalities",
    grain="one facility",
    source="a test",
    key=("ccn",),
    columns=(
        Column("ccn", "text", "Facility"),
        *(Column(name, "integer", name, counts="patients") for name in ("all", "home", "center")),
    ),
    row_totals=(RowTotal("all", ("home", "center")),),
)


def test_counts_of_a_row_do_not_give_each_other_away() -> None:
    rows = pd.DataFrame({"ccn": ["A", "B", "C"], "all": 60, "home": [4, 0, 30]})
    rows["center"] = rows["all"] - rows["home"]
    shown = suppress(MODALITIES, rows)
    assert shown["home"].isna().tolist() == [True, False, False]
    assert shown["center"].isna().tolist() == [True, False, False]
    assert shown["all"].tolist() == [60, 60, 60]


def make_account(seed: int) -> pd.DataFrame:
    """Deaths of a year by month and outcome."""
    rng = np.random.default_rng(seed)
    months = pd.date_range("2024-01-01", periods=12, freq="MS")
    outcomes = ("counted", "nursing_home", "not_in_cohort")
    rows = pd.DataFrame(
        [(month, outcome) for month in months for outcome in outcomes],
        columns=["month", "outcome"],
    ).assign(measure="smr", program="dfc", kind="death", performance_year=2024)
    rows["event_count"] = rng.poisson(np.tile([60, 8, 14], 12))
    found = rows["event_count"].sum()
    rows["found_count"] = rows["accounted_count"] = found
    monthly = rows.groupby("month")["event_count"].transform("sum")
    return rows.assign(share_of_usual=monthly / (found / 12))


def sum_account(rows: pd.DataFrame) -> tuple[dict[Key, float | None], list[Sum]]:
    """The totals of the months, which their shares tell, and of the year."""
    monthly = rows.groupby("month")["event_count"].sum()
    cells = {(str(month), "sum"): float(n) for month, n in monthly.items()}
    sums: list[Sum] = [
        ((str(month), "sum"), [(str(month), outcome) for outcome in part["outcome"]])
        for month, part in rows.groupby("month")
    ]
    year = ("year", "sum")
    everything = [part for _, parts in sums for part in parts]
    return {**cells, year: float(monthly.sum())}, [*sums, (year, everything)]


@pytest.mark.parametrize("seed", range(4))
def test_the_account_of_events_does_not_give_its_small_counts_away(seed: int) -> None:
    rows = make_account(seed)
    totals, sums = sum_account(rows)
    alone = hide_small_alone(rows, "event_count")
    given = find_given(read_cells(alone, ("month", "outcome"), "event_count") | totals, sums)
    assert given
    shown = suppress(EVENT_ACCOUNT, rows)
    cells = read_cells(shown, ("month", "outcome"), "event_count") | totals
    assert find_given(cells, sums) == {}
    assert shown["found_count"].notna().all()


def test_a_small_total_in_a_column_is_hidden_with_what_follows_from_it() -> None:
    rows = make_account(1).head(3).assign(event_count=[4, 0, 0], found_count=4, accounted_count=4)
    shown = suppress(EVENT_ACCOUNT, rows)
    assert shown["found_count"].isna().all()
    assert shown["accounted_count"].isna().all()
    assert shown["share_of_usual"].isna().all()


def test_numbers_of_a_flag_follow_the_contract_of_their_program() -> None:
    flags = pd.DataFrame({"ccn": ["010001"], "measure": ["shr"], "value": [1.4], "lower": [0.9]})
    few = pd.DataFrame({"program": ["qip"], "measure": ["shr"], "ccn": ["010001"]})
    assert suppress(FLAGS, flags, few=few)["value"].item() == 1.4
    shown = suppress(FLAGS, flags, few=few.assign(program="dfc"))
    assert shown[["value", "lower"]].isna().all(axis=None)
    assert shown[MARKER].item() == "value lower"


def test_a_page_tells_why_a_cell_is_empty() -> None:
    assert describe_hidden(CONTRACT) == FEW == "fewer than 11"
    assert describe_hidden(EVENT_ACCOUNT) == FEW_OR_BESIDE


def test_the_dictionary_tells_when_a_cell_is_not_shown() -> None:
    found = {column.name: column.suppression for column in FLAGS.columns}
    assert found["unit_count"] == (
        "1 to 10 patients where unit is patients; with facility.contract"
    )
    assert found["value"] == "with unit_count, facility.contract"
    assert found["category"] is None


@pytest.mark.parametrize("table", [t for t in TABLES if t.is_suppressed], ids=lambda t: t.name)
def test_declarations_name_columns_that_are_there(table: Table) -> None:
    names = set(table.column_names)
    counting = {column.name for column in table.columns if column.counts}
    stored = {t.name for t in TABLES}
    for column in table.columns:
        here = {name for name in column.suppressed_with if "." not in name}
        assert here <= counting
        assert set(column.suppressed_with) - here <= stored
        assert column.out_of is None or column.out_of in names
        assert column.counts_where is None or column.counts_where[0] in names
    for row_total in table.row_totals:
        assert {row_total.column, *row_total.parts} <= counting
    for total in table.totals:
        assert set(total.counts) <= counting
        assert {*total.over, *total.row, *total.among, *total.place} <= set(table.key)
        assert total.column is None or total.column in counting
        # A total row is found by its whole key.
        assert not total.row or set(total.over) <= {*total.row, *total.place}
